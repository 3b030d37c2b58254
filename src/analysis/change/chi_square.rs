//! The chi-square distribution with a whole number of degrees of freedom, in closed form.

/// Probability that a chi-square variable with `k` degrees of freedom exceeds `x`: for even k a finite sum of Poisson
/// terms, for odd k the complementary error function and such a sum (Abramowitz & Stegun 26.4.4 and 26.4.5).
pub(super) fn exceeds(x: f64, k: usize) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 || k == 0 {
        return if k == 0 { 0.0 } else { 1.0 };
    }
    let h = x / 2.0;
    let (mut term, mut sum, first) = if k.is_multiple_of(2) {
        let t = (-h).exp();
        (t, t, 1)
    } else {
        // the term of i = 1/2, for which Γ(3/2) = √π / 2
        let t = (-h).exp() * h.sqrt() / (std::f64::consts::PI.sqrt() / 2.0);
        (t, libm::erfc(h.sqrt()), 1)
    };
    let n = k / 2;
    if k.is_multiple_of(2) {
        for i in first..n {
            term *= h / i as f64;
            sum += term;
        }
    } else {
        for i in 0..n {
            sum += term;
            term *= h / (i as f64 + 1.5);
        }
    }
    sum.min(1.0)
}

/// The value that a chi-square variable with `k` degrees of freedom exceeds with probability `p`, by bisection.
pub(super) fn quantile(p: f64, k: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while exceeds(high, k) > p && high < 1e6 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if exceeds(middle, k) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table() {
        // Abramowitz & Stegun, table 26.8: values exceeded with probability 0.05 and 0.001
        for (k, five, thousandth) in [
            (1, 3.841_46, 10.828),
            (2, 5.991_47, 13.816),
            (3, 7.814_73, 16.266),
            (4, 9.487_73, 18.467),
            (7, 14.0671, 24.322),
            (10, 18.3070, 29.588),
        ] {
            assert!((exceeds(five, k) - 0.05).abs() < 1e-6, "{k} {}", exceeds(five, k));
            assert!((quantile(0.001, k) - thousandth).abs() < 6e-4, "{k} {}", quantile(0.001, k));
        }
        assert_eq!(exceeds(0.0, 3), 1.0);
        assert!(exceeds(f64::NAN, 3).is_nan());
    }
}
