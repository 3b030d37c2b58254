//! Iteratively re-weighted multivariate alteration detection, IR-MAD (Nielsen 2007, IEEE Transactions on Image Processing
//! 16:463; MAD: Nielsen, Conradsen & Simpson 1998).
//!
//! Canonical correlation of the bands of two dates gives pairs of combinations U = aᵀX, V = bᵀY; their differences are
//! the MAD variates. Of a pixel without change the sum of their squares over their variances 2(1 − ρ) follows a
//! chi-square distribution; the probability of a larger sum is the weight of the pixel in the next iteration. Between
//! iterations live only the weighted means and the covariances, so one pass over the raster each is enough.

use super::chi_square::{exceeds, quantile};
use crate::analysis::linear::Square;
use crate::model::Seen;

/// When iterations end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadOptions {
    /// Iterations at most; 1 is MAD without re-weighting.
    pub iterations: usize,
    /// Largest change of a canonical correlation that counts as none (Nielsen 2007 stops at 0.001).
    pub tolerance: f64,
}

impl Default for MadOptions {
    fn default() -> Self {
        Self { iterations: 30, tolerance: 1e-3 }
    }
}

/// Weighted sums of a pair of blocks: weight, 2p sums, and the upper triangle of 2p × 2p sums of products.
#[derive(Debug, Clone, PartialEq)]
pub struct MadSums {
    bands: usize,
    weight: f64,
    sums: Vec<f64>,
    products: Vec<f64>,
}

/// The transformation of one iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Mad {
    bands: usize,
    /// Means of the bands of both dates.
    means: Vec<f64>,
    /// Combinations of both dates, one row a variate.
    a: Vec<f64>,
    b: Vec<f64>,
    /// Canonical correlations, the largest first.
    pub rho: Vec<f64>,
}

impl MadSums {
    /// Nothing summed yet, for p bands a date.
    pub fn new(bands: usize) -> Self {
        let n = 2 * bands;
        Self { bands, weight: 0.0, sums: vec![0.0; n], products: vec![0.0; n * (n + 1) / 2] }
    }

    /// Sums of a block: bands of both dates, what was seen, and the weights by the iteration before (1 at first).
    pub fn of(before: &[Vec<f32>], after: &[Vec<f32>], seen: &[Seen], mad: Option<&Mad>) -> Self {
        let p = before.len();
        let mut s = Self::new(p);
        let n = 2 * p;
        // in short parts: they stay in the cache, and partial sums lose less
        const PART: usize = 2048;
        let (mut x, mut w) = (vec![0f64; n * PART], vec![0f64; PART]);
        let mut at = 0;
        while at < seen.len() {
            let end = (at + PART).min(seen.len());
            let mut m = 0;
            for i in at..end {
                if seen[i] == Seen::Yes {
                    for (k, band) in before.iter().chain(after).enumerate() {
                        x[k * PART + m] = f64::from(band[i]);
                    }
                    m += 1;
                }
            }
            w[..m].fill(1.0);
            if let Some(mad) = mad {
                mad.weights(&x, PART, &mut w[..m]);
            }
            s.add(&x, PART, &w[..m]);
            at = end;
        }
        s
    }

    fn add(&mut self, x: &[f64], stride: usize, w: &[f64]) {
        let (n, m) = (2 * self.bands, w.len());
        self.weight += w.iter().sum::<f64>();
        let mut k = 0;
        let mut wx = vec![0f64; m];
        for i in 0..n {
            let xi = &x[i * stride..i * stride + m];
            wx.iter_mut().zip(xi.iter().zip(w)).for_each(|(o, (x, w))| *o = x * w);
            self.sums[i] += wx.iter().sum::<f64>();
            for j in i..n {
                self.products[k] += dot(&wx, &x[j * stride..j * stride + m]);
                k += 1;
            }
        }
    }

    /// Adds the sums of another block.
    pub fn merge(&mut self, o: &Self) {
        self.weight += o.weight;
        self.sums.iter_mut().zip(&o.sums).for_each(|(a, b)| *a += b);
        self.products.iter_mut().zip(&o.products).for_each(|(a, b)| *a += b);
    }

    /// The transformation; `None` where there are too few pixels, or a band is constant or a combination of others.
    pub fn solve(&self) -> Option<Mad> {
        let (p, n) = (self.bands, 2 * self.bands);
        if p == 0 || self.weight.is_nan() || self.weight <= n as f64 {
            return None;
        }
        let means: Vec<f64> = self.sums.iter().map(|s| s / self.weight).collect();
        let mut c = Square::zeros(n);
        let mut k = 0;
        for i in 0..n {
            for j in i..n {
                let v = self.products[k] / self.weight - means[i] * means[j];
                c.set(i, j, v);
                c.set(j, i, v);
                k += 1;
            }
        }
        let part = |r: usize, s: usize| {
            let mut q = Square::zeros(p);
            (0..p * p).for_each(|e| q.set(e / p, e % p, c.at(r + e / p, s + e % p)));
            q
        };
        let (xx, yy, xy) = (part(0, 0), part(p, p), part(0, p));
        let (lx, ly) = (xx.cholesky()?.lower_inverse(), yy.cholesky()?.lower_inverse());
        // K = Lx⁻¹ Σxy Ly⁻ᵀ; its singular values are the correlations
        let kernel = lx.times(&xy).times(&ly.transposed());
        let (squares, u) = kernel.times(&kernel.transposed()).eigen();
        let rho: Vec<f64> = squares.iter().map(|r| r.clamp(0.0, 1.0).sqrt()).collect();
        let a = lx.transposed().times(&u);
        let v = kernel.transposed().times(&u);
        let b = ly.transposed().times(&v);
        let mut out = Mad { bands: p, means, a: vec![0.0; p * p], b: vec![0.0; p * p], rho };
        for i in 0..p {
            // K'u has the length ρ; of a variate without correlation any direction will do, and zero is the plainest
            let length = out.rho[i];
            let sign = a_sign(&a, i, &xx);
            for k in 0..p {
                out.a[i * p + k] = sign * a.at(k, i);
                out.b[i * p + k] = if length > 1e-12 { sign * b.at(k, i) / length } else { 0.0 };
            }
        }
        Some(out)
    }
}

/// The sign by which a combination correlates positively, on the whole, with the bands it is made of.
fn a_sign(a: &Square, i: usize, xx: &Square) -> f64 {
    let n = xx.n;
    let s: f64 = (0..n)
        .map(|j| (0..n).map(|k| xx.at(j, k) * a.at(k, i)).sum::<f64>() / xx.at(j, j).max(f64::MIN_POSITIVE).sqrt())
        .sum();
    if s < 0.0 { -1.0 } else { 1.0 }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // eight sums side by side: a fixed order that the compiler can vectorise
    let (mut s, a8, b8) = ([0f64; 8], a.as_chunks::<8>(), b.as_chunks::<8>());
    for (x, y) in a8.0.iter().zip(b8.0) {
        for k in 0..8 {
            s[k] += x[k] * y[k];
        }
    }
    let rest: f64 = a8.1.iter().zip(b8.1).map(|(x, y)| x * y).sum();
    s.iter().sum::<f64>() + rest
}

impl Mad {
    /// Largest difference of a canonical correlation to those of another iteration.
    pub fn distance(&self, o: &Self) -> f64 {
        self.rho.iter().zip(&o.rho).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// Sum of the squared variates over their variances, chi-square distributed without change.
    fn chi_square(&self, x: &[f64], stride: usize, out: &mut [f64]) {
        let (p, m) = (self.bands, out.len());
        out.fill(0.0);
        let mut z = vec![0f64; m];
        for i in 0..p {
            let (a, b) = (&self.a[i * p..(i + 1) * p], &self.b[i * p..(i + 1) * p]);
            let mean: f64 = (0..p).map(|k| a[k] * self.means[k] - b[k] * self.means[p + k]).sum();
            z.fill(-mean);
            for k in 0..p {
                let (x, y) = (&x[k * stride..k * stride + m], &x[(p + k) * stride..(p + k) * stride + m]);
                let (ak, bk) = (a[k], b[k]);
                z.iter_mut().zip(x.iter().zip(y)).for_each(|(z, (x, y))| *z += ak * x - bk * y);
            }
            let variance = (2.0 * (1.0 - self.rho[i])).max(1e-300);
            out.iter_mut().zip(&z).for_each(|(o, z)| *o += z * z / variance);
        }
    }

    /// Chance of a larger chi-square without change.
    fn weights(&self, x: &[f64], stride: usize, w: &mut [f64]) {
        self.chi_square(x, stride, w);
        w.iter_mut().for_each(|v| *v = exceeds(*v, self.bands));
    }

    /// Chi-square of each pixel of a block, NaN where it was not seen.
    pub fn values(&self, before: &[Vec<f32>], after: &[Vec<f32>], seen: &[Seen]) -> Vec<f32> {
        const PART: usize = 2048;
        let n = 2 * self.bands;
        let (mut x, mut z, mut out) = (vec![0f64; n * PART], vec![0f64; PART], Vec::with_capacity(seen.len()));
        let mut at = 0;
        while at < seen.len() {
            let end = (at + PART).min(seen.len());
            for (k, band) in before.iter().chain(after).enumerate() {
                x[k * PART..].iter_mut().zip(&band[at..end]).for_each(|(o, v)| *o = f64::from(*v));
            }
            self.chi_square(&x, PART, &mut z[..end - at]);
            out.extend(z.iter().zip(&seen[at..end]).map(|(z, s)| if *s == Seen::Yes { *z as f32 } else { f32::NAN }));
            at = end;
        }
        out
    }

    /// The probability of no change that belongs to a chi-square.
    pub fn no_change(&self, chi_square: f64) -> f64 {
        exceeds(chi_square, self.bands)
    }

    /// The chi-square that a pixel without change exceeds with probability `p`.
    pub fn limit(&self, p: f64) -> f64 {
        quantile(p, self.bands)
    }
}
