//! The exact median of the slopes of all pairs, without looking at most of them twice.
//!
//! A pair's slope lies below `b` where `vⱼ − b tⱼ < vᵢ − b tᵢ`, so that slopes below a bound are counted by comparing
//! numbers, sixteen at a time and without a division. Two bounds close around the median are found by counting; only the
//! few slopes between them are computed, and the median is selected among these.
//!
//! Counting is in single precision. A pair whose slope lies so near a bound that rounding may turn the comparison does no
//! harm as long as the median itself lies further from both bounds than that; where it does not, or where two looks fall
//! on one time, all slopes are computed. The answer is the same to the last bit.

mod pairs;

use super::kendall::Kendall;
use super::sen::{median, pairs_slope};
use pairs::{LANES, Lanes, Width};

/// Below this many looks all slopes are computed.
const FEW: usize = 12;
/// Places in a series have 16 bits.
const MOST: usize = 1 << 16;
/// Slopes between the bounds from which on they are few enough.
const ENOUGH: i64 = 72;
/// Counts of slopes at most.
const ROUNDS: usize = 24;
/// Rounding of `v − b t` in single precision in units of |v| + |b t|: four roundings of 2⁻²⁴, doubled for a pair.
const ROUNDING: f64 = 8.0 / 16_777_216.0;

/// Memory kept from one series to the next.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    t: Vec<Lanes>,
    v: Vec<Lanes>,
    low: Vec<Lanes>,
    high: Vec<Lanes>,
    found: Vec<u32>,
    slopes: Vec<f64>,
    width: Width,
}

impl Pairs {
    /// One for each way to compare that this processor has.
    #[cfg(test)]
    pub fn every() -> Vec<Self> {
        Width::all().into_iter().map(|width| Self { width, ..Self::default() }).collect()
    }

    /// The median slope; `None` where there is no pair of different times.
    pub fn median_slope(&mut self, t: &[f64], v: &[f64]) -> Option<f64> {
        if (FEW..=MOST).contains(&v.len())
            && t.windows(2).all(|w| w[1] > w[0])
            && let Some(m) = self.between_bounds(t, v)
        {
            return Some(m);
        }
        self.slopes.clear();
        pairs_slope(t, v, &mut self.slopes);
        median(&mut self.slopes)
    }

    /// Mann–Kendall of values at distinct times; `None` where single precision takes some for equal that are not.
    pub fn kendall(&mut self, v: &[f64]) -> Option<Kendall> {
        let n = v.len();
        lanes(v, *v.first()?, &mut self.v, f32::INFINITY);
        let down = self.width.below(&self.v);
        self.v.as_flattened_mut()[..n].iter_mut().for_each(|x| *x = -*x);
        let up = self.width.below(&self.v);
        let equal = (n * (n - 1) / 2) as i64 - up - down;
        let mut groups = 0.0;
        if equal > 0 {
            let (pairs, sum) = self.width.ties(v);
            if pairs != equal {
                return None;
            }
            groups = sum;
        }
        let m = n as f64;
        Some(Kendall::of(n, up - down, (m * (m - 1.0) * (2.0 * m + 5.0) - groups) / 18.0))
    }

    fn between_bounds(&mut self, t: &[f64], v: &[f64]) -> Option<f64> {
        let n = v.len();
        let (t0, v0) = (t[n / 2], v[n / 2]);
        lanes(t, t0, &mut self.t, 0.0);
        lanes(v, v0, &mut self.v, f32::INFINITY);
        let pairs = (n * (n - 1) / 2) as i64;
        // places of the one or two in the middle, from 0
        let (first, second) = ((pairs - 1) / 2, pairs / 2);
        let (start, step) = least_squares(t, v)?;
        let mut low: Option<(f32, i64)> = None;
        let mut high: Option<(f32, i64)> = None;
        let mut reach = 0.5 * step;
        for _ in 0..ROUNDS {
            let next = match (low, high) {
                (Some(l), Some(h)) if h.1 - l.1 <= ENOUGH => break,
                (Some((a, ca)), Some((b, cb))) => {
                    // the median by a straight line between both counts, and from there to whichever bound is further
                    let at = |rank: i64| a + (b - a) * ((rank - ca) as f32 / (cb - ca) as f32).clamp(0.0, 1.0);
                    let far_above = cb - second >= first - ca;
                    let x = if far_above { at(second + ENOUGH / 3) } else { at(first - ENOUGH / 3) };
                    if x <= a || x >= b { 0.5 * (a + b) } else { x }
                }
                (None, _) => (start - reach) as f32,
                (Some(_), None) => (start + reach) as f32,
            };
            if low.is_some_and(|l| next <= l.0) || high.is_some_and(|h| next >= h.0) {
                // equal neighbours in single precision: many slopes in one place
                if low.is_some() && high.is_some() {
                    break;
                }
            }
            self.width.turned(&self.t, &self.v, next, &mut self.low);
            let count = self.width.below(&self.low);
            if count <= first {
                if low.is_none_or(|l| next > l.0) {
                    low = Some((next, count));
                }
                reach = if high.is_none() { 3.0 * reach } else { reach };
            } else if count > second {
                if high.is_none_or(|h| next < h.0) {
                    high = Some((next, count));
                }
                reach = if low.is_none() { 3.0 * reach } else { reach };
            } else {
                // between the two in the middle: either bound will do, a little further on
                reach *= 1.5;
                let aside = next - (0.05 * reach as f32).max(4.0 * f32::EPSILON * next.abs());
                self.width.turned(&self.t, &self.v, aside, &mut self.low);
                low = Some((aside, self.width.below(&self.low))).filter(|l| l.1 <= first).or(low);
                let aside = next + (next - aside);
                self.width.turned(&self.t, &self.v, aside, &mut self.low);
                high = Some((aside, self.width.below(&self.low))).filter(|h| h.1 > second).or(high);
            }
        }
        let ((a, ca), (b, cb)) = (low?, high?);
        self.select(t, v, (a, b), (first - ca, second - ca), cb - ca)
    }

    /// The slopes between the bounds, and the median among them.
    fn select(&mut self, t: &[f64], v: &[f64], (a, b): (f32, f32), (i, j): (i64, i64), expected: i64) -> Option<f64> {
        self.width.turned(&self.t, &self.v, a, &mut self.low);
        self.width.turned(&self.t, &self.v, b, &mut self.high);
        self.found.clear();
        self.width.between(&self.low, &self.high, &mut self.found);
        self.slopes.clear();
        let slope = |ij: &u32| {
            let (i, j) = ((ij >> 16) as usize, (ij & 0xffff) as usize);
            (v[j] - v[i]) / (t[j] - t[i])
        };
        self.slopes.extend(self.found.iter().map(slope));
        if self.slopes.len() as i64 != expected || i < 0 || j >= expected {
            return None;
        }
        let (_, upper, _) = self.slopes.select_nth_unstable_by(j as usize, f64::total_cmp);
        let upper = *upper;
        let lower =
            if i == j { upper } else { self.slopes[..j as usize].iter().copied().fold(f64::NEG_INFINITY, f64::max) };
        let mut gap = f64::INFINITY;
        for w in t.windows(2) {
            let d = w[1] - w[0];
            gap = if d < gap { d } else { gap };
        }
        let (t0, v0) = (t[t.len() / 2], v[t.len() / 2]);
        let steep = f64::from(a.abs().max(b.abs()));
        let mut size = 0.0;
        for (t, v) in t.iter().zip(v) {
            let x = (v - v0).abs() + steep * (t - t0).abs();
            size = if x > size { x } else { size };
        }
        let doubt = ROUNDING * size / gap;
        let sure = lower > f64::from(a) + doubt && upper < f64::from(b) - doubt;
        sure.then_some(if i == j { upper } else { (lower + upper) / 2.0 })
    }
}

/// Numbers from `about` on as lanes, filled up with `rest`.
fn lanes(x: &[f64], about: f64, out: &mut Vec<Lanes>, rest: f32) {
    out.clear();
    out.resize(x.len().div_ceil(LANES), [rest; LANES]);
    out.as_flattened_mut().iter_mut().zip(x).for_each(|(o, x)| *o = (x - about) as f32);
}

/// Slope and its standard error by least squares: where the median is looked for first.
fn least_squares(t: &[f64], v: &[f64]) -> Option<(f64, f64)> {
    let n = v.len() as f64;
    let (mt, mv) = (t.iter().sum::<f64>() / n, v.iter().sum::<f64>() / n);
    let (mut tt, mut tv, mut vv) = (0.0, 0.0, 0.0);
    for (t, v) in t.iter().zip(v) {
        let (a, b) = (t - mt, v - mv);
        tt += a * a;
        tv += a * b;
        vv += b * b;
    }
    let slope = tv / tt;
    let error = ((vv - slope * tv).max(0.0) / (n - 2.0) / tt).sqrt();
    (slope.is_finite() && error > 0.0).then_some((slope, error))
}
