//! Mann–Kendall: whether a series rises or falls, whatever its shape (Mann 1945, Kendall 1975), with the variance for
//! autocorrelated series of Hamed & Rao 1998, and by seasons (Hirsch, Slack & Smith 1982).

use super::normal::{exceeded_with, two_sided};
use super::sen::pairs_slope;

/// A Mann–Kendall test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kendall {
    /// Looks.
    pub n: usize,
    /// Pairs that rise minus pairs that fall.
    pub s: i64,
    /// Variance of `s` where there is no trend.
    pub variance: f64,
    /// `(s ∓ 1) / √variance`; 0 where `s` is 0.
    pub z: f64,
    /// Two-sided probability of a `z` as far from zero where there is no trend.
    pub p: f64,
}

impl Kendall {
    pub(super) fn of(n: usize, s: i64, variance: f64) -> Self {
        // a series that never changes has no variance, and no trend
        let z = if s == 0 || variance <= 0.0 { 0.0 } else { (s - s.signum()) as f64 / variance.sqrt() };
        Self { n, s, variance, z, p: two_sided(z) }
    }
}

/// The test of values `v` at times `t` (ascending). Pairs of one time count neither way.
pub fn mann_kendall(t: &[f64], v: &[f64]) -> Kendall {
    let (s, equal) = score(t, v);
    Kendall::of(v.len(), s, variance(t, v, equal))
}

/// `S`, and whether any two values or times are equal.
pub(super) fn score(t: &[f64], v: &[f64]) -> (i64, bool) {
    let mut s = 0i64;
    let mut equal = t.windows(2).any(|w| w[0] == w[1]);
    if equal {
        for i in 0..v.len() {
            for j in i + 1..v.len() {
                if t[j] > t[i] {
                    s += i64::from(v[j] > v[i]) - i64::from(v[j] < v[i]);
                }
            }
        }
        return (s, true);
    }
    for (i, a) in v.iter().enumerate() {
        let (mut up, mut down) = (0i32, 0i32);
        for b in &v[i + 1..] {
            up += i32::from(b > a);
            down += i32::from(b < a);
        }
        equal |= (up + down) as usize != v.len() - i - 1;
        s += i64::from(up - down);
    }
    (s, equal)
}

/// Variance of `S` with groups of equal values and of equal times (Kendall 1975, chapter 4; without equal times it is
/// Mann–Kendall's usual formula).
pub(super) fn variance(t: &[f64], v: &[f64], equal: bool) -> f64 {
    let n = v.len() as f64;
    let all = n * (n - 1.0) * (2.0 * n + 5.0);
    if !equal {
        return all / 18.0;
    }
    let values = groups(v);
    let times = groups(t);
    let sum = |g: &[f64], f: fn(f64) -> f64| g.iter().map(|k| f(*k)).sum::<f64>();
    let first =
        all - sum(&values, |k| k * (k - 1.0) * (2.0 * k + 5.0)) - sum(&times, |k| k * (k - 1.0) * (2.0 * k + 5.0));
    let pairs = |k: f64| k * (k - 1.0);
    let triples = |k: f64| k * (k - 1.0) * (k - 2.0);
    let mut var = first / 18.0;
    if !times.is_empty() {
        if n > 2.0 {
            var += sum(&values, triples) * sum(&times, triples) / (9.0 * n * (n - 1.0) * (n - 2.0));
        }
        var += sum(&values, pairs) * sum(&times, pairs) / (2.0 * n * (n - 1.0));
    }
    var
}

/// Sizes of the groups of equal numbers, those of one left out.
fn groups(v: &[f64]) -> Vec<f64> {
    let mut sorted = v.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|g| g.len() as f64).filter(|k| *k > 1.0).collect()
}

/// The variance corrected for autocorrelation (Hamed & Rao 1998, eq. 8): the series is freed of its slope per unit of
/// `t`, its ranks' autocorrelations are taken, and those that differ from zero at `level` (1.96/√n for 0.05) count.
///
/// Looks are taken one after the other, whatever the time between them. Fewer than three looks keep their variance,
/// and so do series whose corrected variance is not above 0 (strong alternation: the correction says nothing there).
pub fn hamed_rao(t: &[f64], v: &[f64], slope: f64, level: f64, plain: &Kendall) -> Kendall {
    let n = v.len();
    if n < 3 {
        return *plain;
    }
    let free: Vec<f64> = t.iter().zip(v).map(|(t, v)| v - t * slope).collect();
    let ranks = ranks(&free);
    let mean = ranks.iter().sum::<f64>() / n as f64;
    let d: Vec<f64> = ranks.iter().map(|r| r - mean).collect();
    let lagged = |k: usize| d[k..].iter().zip(&d).map(|(a, b)| a * b).sum::<f64>();
    let all = lagged(0);
    if all == 0.0 {
        return *plain;
    }
    let limit = exceeded_with(level / 2.0) / (n as f64).sqrt();
    let m = n as f64;
    let mut sum = 0.0;
    for k in 1..n {
        let r = lagged(k) / all;
        if r.abs() > limit {
            let k = k as f64;
            sum += (m - k) * (m - k - 1.0) * (m - k - 2.0) * r;
        }
    }
    let factor = 1.0 + 2.0 / (m * (m - 1.0) * (m - 2.0)) * sum;
    if factor <= 0.0 {
        return *plain;
    }
    Kendall::of(n, plain.s, plain.variance * factor)
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(v: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..v.len()).collect();
    order.sort_by(|a, b| v[*a].total_cmp(&v[*b]));
    let mut out = vec![0.0; v.len()];
    let mut first = 0;
    for group in order.chunk_by(|a, b| v[*a] == v[*b]) {
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|i| out[*i] = rank);
        first += group.len();
    }
    out
}

/// A look of a season: which season, which year, and the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeasonLook {
    /// Season, from 0.
    pub season: usize,
    /// Year, as a whole number.
    pub year: i32,
    /// Value.
    pub value: f64,
}

/// Seasonal Kendall: the test within each season, scores and variances added (Hirsch, Slack & Smith 1982, as Hirsch &
/// Slack 1984 state it without serial dependence), and the median of the slopes within seasons, per year.
///
/// Looks of one season and year are put together by their mean first. `None` for the slope where no season has two years.
pub fn seasonal(looks: &[SeasonLook]) -> (Kendall, Option<f64>) {
    let mut sorted = looks.to_vec();
    sorted.sort_by_key(|l| (l.season, l.year));
    let (mut s, mut var, mut n) = (0, 0.0, 0);
    let mut slopes = Vec::new();
    for season in sorted.chunk_by(|a, b| a.season == b.season) {
        let (mut t, mut v) = (Vec::new(), Vec::new());
        for year in season.chunk_by(|a, b| a.year == b.year) {
            t.push(f64::from(year[0].year));
            v.push(year.iter().map(|l| l.value).sum::<f64>() / year.len() as f64);
        }
        let k = mann_kendall(&t, &v);
        (s, var, n) = (s + k.s, var + k.variance, n + k.n);
        pairs_slope(&t, &v, &mut slopes);
    }
    let slope = super::sen::median(&mut slopes);
    (Kendall::of(n, s, var), slope)
}
