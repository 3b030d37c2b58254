//! The exact median of the slopes of all pairs, without looking at most of them twice.
//!
//! A pair's slope lies below `b` where `vⱼ − b tⱼ < vᵢ − b tᵢ`, so that slopes below a bound are counted by comparing
//! numbers, eight at a time and without a division. Two bounds close around the median are found by counting; only the
//! few slopes between them are computed, and the median is selected among these.
//!
//! Counting is in single precision. A pair whose slope lies so near a bound that rounding may turn the comparison does no
//! harm as long as the median itself lies further from both bounds than that; where it does not, or where two looks fall
//! on one time, all slopes are computed. The answer is the same to the last bit.

use super::sen::{median, pairs_slope};

/// Numbers compared at once.
const LANES: usize = 8;
/// Below this many looks all slopes are computed.
const FEW: usize = 12;
/// Slopes between the bounds from which on they are few enough.
const ENOUGH: i64 = 72;
/// Counts of slopes at most.
const ROUNDS: usize = 24;
/// Rounding of `v − b t` in single precision in units of |v| + |b t|: four roundings of 2⁻²⁴, doubled for a pair.
const ROUNDING: f64 = 8.0 / 16_777_216.0;

type Lanes = [f32; LANES];

/// Memory kept from one series to the next.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    t: Vec<Lanes>,
    v: Vec<Lanes>,
    low: Vec<Lanes>,
    high: Vec<Lanes>,
    found: Vec<(u32, u32)>,
    slopes: Vec<f64>,
}

impl Pairs {
    /// The median slope; `None` where there is no pair of different times.
    pub fn median_slope(&mut self, t: &[f64], v: &[f64]) -> Option<f64> {
        if v.len() >= FEW
            && t.windows(2).all(|w| w[1] > w[0])
            && let Some(m) = self.between_bounds(t, v)
        {
            return Some(m);
        }
        self.slopes.clear();
        pairs_slope(t, v, &mut self.slopes);
        median(&mut self.slopes)
    }

    /// `S` of Mann–Kendall for distinct times, where no two values are equal in single precision.
    pub fn score(&mut self, v: &[f64]) -> Option<i64> {
        lanes(v, v.first().copied()?, &mut self.v, f32::INFINITY);
        let down = below(&self.v);
        self.v.as_flattened_mut()[..v.len()].iter_mut().for_each(|x| *x = -*x);
        let up = below(&self.v);
        let pairs = (v.len() * (v.len() - 1) / 2) as i64;
        (up + down == pairs).then_some(up - down)
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
        let mut reach = 0.6 * step;
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
            turned(&self.t, &self.v, next, &mut self.low);
            let count = below(&self.low);
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
                turned(&self.t, &self.v, aside, &mut self.low);
                low = Some((aside, below(&self.low))).filter(|l| l.1 <= first).or(low);
                let aside = next + (next - aside);
                turned(&self.t, &self.v, aside, &mut self.low);
                high = Some((aside, below(&self.low))).filter(|h| h.1 > second).or(high);
            }
        }
        let ((a, ca), (b, cb)) = (low?, high?);
        self.select(t, v, (a, b), (first - ca, second - ca), cb - ca)
    }

    /// The slopes between the bounds, and the median among them.
    fn select(&mut self, t: &[f64], v: &[f64], (a, b): (f32, f32), (i, j): (i64, i64), expected: i64) -> Option<f64> {
        turned(&self.t, &self.v, a, &mut self.low);
        turned(&self.t, &self.v, b, &mut self.high);
        self.found.clear();
        collect(&self.low, &self.high, &mut self.found);
        self.slopes.clear();
        let slope = |(i, j): &(u32, u32)| (v[*j as usize] - v[*i as usize]) / (t[*j as usize] - t[*i as usize]);
        self.slopes.extend(self.found.iter().map(slope));
        if self.slopes.len() as i64 != expected || i < 0 || j >= expected {
            return None;
        }
        let (_, upper, _) = self.slopes.select_nth_unstable_by(j as usize, f64::total_cmp);
        let upper = *upper;
        let lower =
            if i == j { upper } else { self.slopes[..j as usize].iter().copied().fold(f64::NEG_INFINITY, f64::max) };
        let gap = t.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        let (t0, v0) = (t[t.len() / 2], v[t.len() / 2]);
        let steep = f64::from(a.abs().max(b.abs()));
        let size = t.iter().zip(v).map(|(t, v)| (v - v0).abs() + steep * (t - t0).abs()).fold(0.0, f64::max);
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

/// `v − b t`; what fills the lanes up stays infinite.
fn turned(t: &[Lanes], v: &[Lanes], b: f32, out: &mut Vec<Lanes>) {
    out.clear();
    out.extend(t.iter().zip(v).map(|(t, v)| std::array::from_fn(|k| v[k] - b * t[k])));
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

/// Bits of the lanes after one.
const AFTER: [[u32; LANES]; LANES] = {
    let mut m = [[0; LANES]; LANES];
    let mut i = 0;
    while i < LANES {
        let mut k = i + 1;
        while k < LANES {
            m[i][k] = 1;
            k += 1;
        }
        i += 1;
    }
    m
};

/// Pairs i < j with `r[j] < r[i]`.
fn below(r: &[Lanes]) -> i64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "the processor has AVX2, as asked the line above")]
        return unsafe { below_avx2(r) };
    }
    below_any(r)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn below_avx2(r: &[Lanes]) -> i64 {
    below_any(r)
}

#[inline(always)]
fn below_any(r: &[Lanes]) -> i64 {
    let mut sum = [0u32; LANES];
    for (b, block) in r.iter().enumerate() {
        for i in 0..LANES {
            for k in 0..LANES {
                sum[k] += u32::from(block[k] < block[i]) & AFTER[i][k];
            }
        }
        for later in &r[b + 1..] {
            for x in block {
                for k in 0..LANES {
                    sum[k] += u32::from(later[k] < *x);
                }
            }
        }
    }
    // what fills the last lanes up is infinite: never below another, but others are below it; there is none after it
    sum.iter().map(|s| i64::from(*s)).sum()
}

/// Pairs i < j that are below by `high` and not by `low`.
fn collect(low: &[Lanes], high: &[Lanes], out: &mut Vec<(u32, u32)>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "the processor has AVX2, as asked the line above")]
        return unsafe { collect_avx2(low, high, out) };
    }
    collect_any(low, high, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn collect_avx2(low: &[Lanes], high: &[Lanes], out: &mut Vec<(u32, u32)>) {
    collect_any(low, high, out);
}

#[inline(always)]
fn collect_any(low: &[Lanes], high: &[Lanes], out: &mut Vec<(u32, u32)>) {
    for b in 0..low.len() {
        for i in 0..LANES {
            let (l, h) = (low[b][i], high[b][i]);
            for k in i + 1..LANES {
                if high[b][k] < h && low[b][k] >= l {
                    out.push(((b * LANES + i) as u32, (b * LANES + k) as u32));
                }
            }
            for (c, (lo, hi)) in low[b + 1..].iter().zip(&high[b + 1..]).enumerate() {
                let mut any = 0u32;
                for k in 0..LANES {
                    any |= u32::from(hi[k] < h) & u32::from(lo[k] >= l);
                }
                if any == 0 {
                    continue;
                }
                for k in 0..LANES {
                    if hi[k] < h && lo[k] >= l {
                        out.push(((b * LANES + i) as u32, ((b + 1 + c) * LANES + k) as u32));
                    }
                }
            }
        }
    }
}
