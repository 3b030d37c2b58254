//! Median, NMAD, quantiles of the normal distribution.

/// Median of the values, which are reordered; the mean of the middle two where they are even in number. `None` for none.
pub fn median(v: &mut [f32]) -> Option<f64> {
    let n = v.len();
    if n == 0 {
        return None;
    }
    let (below, mid, _) = v.select_nth_unstable_by(n / 2, f32::total_cmp);
    let mid = f64::from(*mid);
    if n % 2 == 1 {
        return Some(mid);
    }
    let lower = below.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    Some(0.5 * (f64::from(lower) + mid))
}

/// Normalised median absolute deviation, 1.4826 · median |v − median| (Höhle & Höhle 2009,
/// doi 10.1016/j.isprsjprs.2009.02.003), about the given centre. `None` for no values.
pub fn nmad(v: &[f32], centre: f64) -> Option<f64> {
    let mut d: Vec<f32> = v.iter().map(|x| (f64::from(*x) - centre).abs() as f32).collect();
    median(&mut d).map(|m| 1.4826 * m)
}

/// t of a two-sided confidence (0.95 → 1.96): the quantile of the standard normal distribution, by bisection of its
/// integral.
pub fn two_sided(confidence: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let mid = 0.5 * (low + high);
        if libm::erf(mid / std::f64::consts::SQRT_2) < confidence { low = mid } else { high = mid }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
        // deviations from 2: 1 0 0 2 98, their median 1
        let v = [1.0, 2.0, 2.0, 4.0, 100.0];
        assert!((nmad(&v, 2.0).unwrap() - 1.4826).abs() < 1e-12);
        // the normal table
        for (c, t) in [(0.95, 1.959_964), (0.68, 0.994_458), (0.99, 2.575_829)] {
            assert!((two_sided(c) - t).abs() < 1e-6, "{c}");
        }
    }
}
