//! Theil–Sen: the median of the slopes between all pairs of looks (Theil 1950, Sen 1968).

/// A line through a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SenLine {
    /// Median of the slopes, per unit of time.
    pub slope: f64,
    /// `median(v) − slope · median(t)` (Conover 1980): the line's value at time 0.
    pub intercept: f64,
}

/// The line through values `v` at times `t` (ascending); pairs of one time have no slope and are left out. `None` where
/// there is no pair.
pub fn theil_sen(t: &[f64], v: &[f64]) -> Option<SenLine> {
    let mut slopes = Vec::new();
    pairs_slope(t, v, &mut slopes);
    line(t, v, median(&mut slopes)?)
}

/// The line of a known slope.
pub(super) fn line(t: &[f64], v: &[f64], slope: f64) -> Option<SenLine> {
    let n = t.len();
    // times are in their order
    let middle = (t.get(n.checked_sub(1)? / 2)? + t.get(n / 2)?) / 2.0;
    let intercept = median(&mut v.to_vec())? - slope * middle;
    Some(SenLine { slope, intercept })
}

/// Slopes of all pairs.
pub(super) fn pairs_slope(t: &[f64], v: &[f64], out: &mut Vec<f64>) {
    for i in 0..v.len() {
        for j in i + 1..v.len() {
            let dt = t[j] - t[i];
            if dt > 0.0 {
                out.push((v[j] - v[i]) / dt);
            }
        }
    }
}

/// The median; of an even number the mean of the two in the middle.
pub(super) fn median(v: &mut [f64]) -> Option<f64> {
    let n = v.len();
    if n == 0 {
        return None;
    }
    let (below, middle, _) = v.select_nth_unstable_by(n / 2, f64::total_cmp);
    let middle = *middle;
    if n % 2 == 1 {
        return Some(middle);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((lower + middle) / 2.0)
}
