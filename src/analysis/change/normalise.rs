//! Radiometric normalisation of one date to the other: pseudo-invariant pixels, or equal histograms.

use super::mad::Mad;
use crate::analysis::histogram::Histogram;
use crate::model::Seen;

/// A straight line for each band: `value · gain + offset` looks like the other date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Factor.
    pub gain: f64,
    /// Addend.
    pub offset: f64,
    /// Correlation of the pixels it was made from.
    pub correlation: f64,
}

/// Sums of one band over invariant pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Pair {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

/// Sums over the pixels that IR-MAD finds unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Invariant {
    bands: Vec<Pair>,
}

impl Invariant {
    /// Nothing summed yet.
    pub fn new(bands: usize) -> Self {
        Self { bands: vec![Pair::default(); bands] }
    }

    /// Sums of a block over the pixels whose probability of no change is above `least` (Canty & Nielsen 2008 take 0.95).
    pub fn of(before: &[Vec<f32>], after: &[Vec<f32>], seen: &[Seen], mad: &Mad, least: f64) -> Self {
        let limit = mad.limit(least) as f32;
        let chi = mad.values(before, after, seen);
        let mut s = Self::new(before.len());
        for (k, p) in s.bands.iter_mut().enumerate() {
            for ((x, y), c) in after[k].iter().zip(&before[k]).zip(&chi) {
                // NaN, not seen, compares as false
                if *c < limit {
                    let (x, y) = (f64::from(*x), f64::from(*y));
                    p.n += 1.0;
                    p.x += x;
                    p.y += y;
                    p.xx += x * x;
                    p.yy += y * y;
                    p.xy += x * y;
                }
            }
        }
        s
    }

    /// Adds the sums of another block.
    pub fn merge(&mut self, o: &Self) {
        for (a, b) in self.bands.iter_mut().zip(&o.bands) {
            for (a, b) in [
                (&mut a.n, b.n),
                (&mut a.x, b.x),
                (&mut a.y, b.y),
                (&mut a.xx, b.xx),
                (&mut a.yy, b.yy),
                (&mut a.xy, b.xy),
            ] {
                *a += b;
            }
        }
    }

    /// Invariant pixels.
    pub fn count(&self) -> u64 {
        self.bands.first().map_or(0, |b| b.n as u64)
    }

    /// The lines from the later date to the earlier, by orthogonal regression (both dates have errors; Canty & Nielsen
    /// 2008, Remote Sensing of Environment 112:1025); `None` where there are fewer than 100 pixels or no spread.
    pub fn lines(&self) -> Option<Vec<Line>> {
        self.bands
            .iter()
            .map(|p| {
                if p.n < 100.0 {
                    return None;
                }
                let (mx, my) = (p.x / p.n, p.y / p.n);
                let (sxx, syy, sxy) = (p.xx / p.n - mx * mx, p.yy / p.n - my * my, p.xy / p.n - mx * my);
                if sxx <= 0.0 || syy <= 0.0 || sxy == 0.0 {
                    return None;
                }
                let d = syy - sxx;
                let gain = (d + d.hypot(2.0 * sxy)) / (2.0 * sxy);
                Some(Line { gain, offset: my - gain * mx, correlation: sxy / (sxx * syy).sqrt() })
            })
            .collect()
    }
}

/// Applies a line.
pub fn apply(values: &mut [f32], l: &Line) {
    let (g, o) = (l.gain as f32, l.offset as f32);
    values.iter_mut().for_each(|v| *v = *v * g + o);
}

/// A table that gives values of one distribution those of another at the same rank: `knots` from which to which,
/// rising; between them linear.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    knots: Vec<(f32, f32)>,
}

impl Matching {
    /// From the histogram of the later date to that of the earlier, by quantiles; `None` where one is empty.
    pub fn new(after: &Histogram, before: &Histogram) -> Option<Self> {
        const STEPS: usize = 1000;
        let mut knots: Vec<(f32, f32)> = Vec::with_capacity(STEPS + 1);
        for i in 0..=STEPS {
            let q = i as f64 / STEPS as f64;
            let (x, y) = (after.quantile(q)? as f32, before.quantile(q)? as f32);
            if knots.last().is_none_or(|k| x > k.0) {
                knots.push((x, y));
            }
        }
        Some(Self { knots })
    }

    /// The value of the other distribution; beyond its ends, shifted as the end is.
    pub fn value(&self, v: f32) -> f32 {
        let k = &self.knots;
        let i = k.partition_point(|k| k.0 <= v);
        match (i.checked_sub(1).map(|i| k[i]), k.get(i)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (v - x0) / (x1 - x0) * (y1 - y0),
            (Some((x, y)), None) | (None, Some(&(x, y))) => v + (y - x),
            (None, None) => v,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_histograms_after_matching() {
        let mut before = Histogram::new(0.0, 1.0, 10_000);
        let mut after = before.clone();
        let v: Vec<f32> = (0..5000).map(|i| 0.2 + i as f32 * 1e-4).collect();
        let w: Vec<f32> = v.iter().map(|x| (x * 0.8 + 0.1) * (x * 0.8 + 0.1)).collect();
        before.add(&v, &vec![Seen::Yes; v.len()]);
        after.add(&w, &vec![Seen::Yes; w.len()]);
        let m = Matching::new(&after, &before).unwrap();
        for (x, y) in w.iter().zip(&v).step_by(97) {
            assert!((m.value(*x) - y).abs() < 1e-3, "{x} {y} {}", m.value(*x));
        }
        assert!((m.value(2.0) - 2.0 - (0.7 - w[4999])).abs() < 1e-3);
    }
}
