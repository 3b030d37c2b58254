//! How errors of neighbouring cells hang together: empirical variogram of stable ground, nugget and spherical model.

use super::coregister::Chunk;

/// What the differences on stable ground are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Variance of the part that every cell has for itself (nugget), m².
    pub uncorrelated_m2: f64,
    /// Variance of the part that neighbours share (partial sill), m².
    pub correlated_m2: f64,
    /// Distance beyond which nothing is shared (range), metres; 0 where nothing is.
    pub range_m: f64,
    /// The empirical variogram: distance in metres, half the mean squared difference in m², pairs.
    pub lags: Vec<(f64, f64, u64)>,
}

/// Longest lag, cells: half the side of a chunk.
const LONGEST: usize = 256;
/// Every so many rows and columns are looked at: enough pairs, a quarter of the work.
const EACH: usize = 4;
/// Differences further from the median than so many NMAD are no noise.
const OUTLIER: f64 = 4.0;
/// Fewest pairs of a lag that count.
const PAIRS: u64 = 200;

/// Lags in cells, a quarter more each.
fn steps() -> Vec<usize> {
    let mut out = vec![1usize];
    while let Some(next) = out.last().map(|l| (l + 1).max(l * 5 / 4)).filter(|n| *n <= LONGEST) {
        out.push(next);
    }
    out
}

/// Differences on stable ground in a chunk, the median taken off; NaN elsewhere.
pub fn residuals(k: &Chunk, cells: [f64; 2], median: f64, nmad: f64) -> Vec<f32> {
    let w = k.before.window;
    let limit = OUTLIER * nmad;
    (0..w.len())
        .map(|i| {
            let (col, row) = (w.col + i % w.width, w.row + i / w.width);
            let a = if cells == [0.0, 0.0] {
                k.after.at(col, row).map(f64::from)
            } else {
                k.after.between(col as f64 + 0.5 + cells[0], row as f64 + 0.5 + cells[1])
            };
            let d = a.filter(|_| k.stable[i]).map_or(f64::NAN, |a| a - f64::from(k.before.z[i]) - median);
            if d.abs() <= limit { d as f32 } else { f32::NAN }
        })
        .collect()
}

/// The variogram of residuals (values, width of the chunk) along rows and columns, and the model that fits it; `cell_m`
/// is the mean side of a cell, `range_m` a range that is given rather than found. `None` where there are too few pairs.
pub fn noise(chunks: &[(Vec<f32>, usize)], cell_m: f64, range_m: Option<f64>) -> Option<Noise> {
    let steps = steps();
    let mut sums = vec![(0.0f64, 0u64); steps.len()];
    for (z, width) in chunks {
        let height = z.len() / (*width).max(1);
        for (lag, sum) in steps.iter().zip(&mut sums) {
            for r in (0..height).step_by(EACH) {
                let row = &z[r * width..(r + 1) * width];
                row.iter().zip(row.iter().skip(*lag)).for_each(|(a, b)| pair(*a, *b, sum));
            }
            for r in 0..height.saturating_sub(*lag) {
                let (a, b) = (&z[r * width..(r + 1) * width], &z[(r + lag) * width..(r + lag + 1) * width]);
                a.iter().step_by(EACH).zip(b.iter().step_by(EACH)).for_each(|(a, b)| pair(*a, *b, sum));
            }
        }
    }
    let lags: Vec<(f64, f64, u64)> = steps
        .iter()
        .zip(sums)
        .filter(|(_, (_, n))| *n >= PAIRS)
        .map(|(l, (s, n))| (*l as f64 * cell_m, 0.5 * s / n as f64, n))
        .collect();
    let (uncorrelated_m2, correlated_m2, range_m) = fit(&lags, range_m)?;
    Some(Noise { uncorrelated_m2, correlated_m2, range_m, lags })
}

fn pair(a: f32, b: f32, sum: &mut (f64, u64)) {
    let d = f64::from(a - b);
    if !d.is_nan() {
        sum.0 += d * d;
        sum.1 += 1;
    }
}

/// Spherical model without nugget, sill 1.
pub fn spherical(h: f64, range: f64) -> f64 {
    let x = h / range;
    if x >= 1.0 { 1.0 } else { 1.5 * x - 0.5 * x * x * x }
}

/// Nugget, partial sill and range by least squares over the lags: for each of many ranges both others follow from two
/// linear equations; neither may be negative.
fn fit(lags: &[(f64, f64, u64)], given: Option<f64>) -> Option<(f64, f64, f64)> {
    let (first, last) = (lags.first()?.0, lags.last()?.0);
    let mean = lags.iter().map(|l| l.1).sum::<f64>() / lags.len() as f64;
    let left = |c0: f64, c1: f64, a: f64| -> f64 {
        lags.iter().map(|(h, g, _)| (g - c0 - c1 * spherical(*h, a)).powi(2)).sum()
    };
    // nothing shared at all: what a range must beat
    let plain = left(mean, 0.0, 1.0);
    let mut best = (mean, 0.0, 0.0, if given.is_some() { f64::INFINITY } else { plain });
    let ranges: Vec<f64> = match given {
        Some(a) => vec![a],
        None => (0..200).map(|i| 1.5 * first * (last / (1.5 * first)).max(1.0).powf(f64::from(i) / 199.0)).collect(),
    };
    for a in ranges {
        let x: Vec<f64> = lags.iter().map(|l| spherical(l.0, a)).collect();
        let n = lags.len() as f64;
        let (sx, sy) = (x.iter().sum::<f64>(), lags.iter().map(|l| l.1).sum::<f64>());
        let sxx: f64 = x.iter().map(|v| v * v).sum();
        let sxy: f64 = x.iter().zip(lags).map(|(v, l)| v * l.1).sum();
        let det = n * sxx - sx * sx;
        let (mut c0, mut c1) =
            if det > 1e-12 * n * sxx { ((sy * sxx - sx * sxy) / det, (n * sxy - sx * sy) / det) } else { (mean, 0.0) };
        if c0 < 0.0 {
            (c0, c1) = (0.0, sxy / sxx);
        }
        if c1 < 0.0 {
            (c0, c1) = (mean, 0.0);
        }
        let l = left(c0, c1, a);
        if l < best.3 {
            best = (c0, c1, a, l);
        }
    }
    Some(if best.1 <= 0.0 { (best.0, 0.0, 0.0) } else { (best.0, best.1, best.2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_comes_back_from_its_own_curve() {
        let lags: Vec<_> =
            steps().iter().map(|l| 2.0 * *l as f64).map(|h| (h, 0.04 + 0.02 * spherical(h, 100.0), 999)).collect();
        let (c0, c1, a) = fit(&lags, None).unwrap();
        assert!((c0 - 0.04).abs() < 1e-3 && (c1 - 0.02).abs() < 1e-3 && (a - 100.0).abs() < 5.0, "{c0} {c1} {a}");
        let (c0, c1, a) = fit(&lags, Some(100.0)).unwrap();
        assert!((c0 - 0.04).abs() < 1e-12 && (c1 - 0.02).abs() < 1e-12 && a == 100.0);
        // flat: nothing is shared
        let flat: Vec<_> = lags.iter().map(|l| (l.0, 0.05, 999)).collect();
        let (c0, c1, a) = fit(&flat, None).unwrap();
        assert!((c0 - 0.05).abs() < 1e-12 && c1 == 0.0 && a == 0.0);
        assert!(fit(&[], None).is_none());
    }

    #[test]
    fn squared_differences_by_hand() {
        // one row 0 1 0 1 …: half the mean squared difference is 0.5 at odd lags and 0 at even ones
        let z: Vec<f32> = (0..512 * 5).map(|i| (i % 2) as f32).collect();
        let n = noise(&[(z, 512)], 1.0, None).unwrap();
        // along rows 0.5; down columns 0: 2 rows of 5 are looked at along, the others by every fourth column
        let one = n.lags[0];
        let (rows, columns) = (2.0 * 511.0, 4.0 * 128.0);
        assert!((one.1 - 0.5 * rows / (rows + columns)).abs() < 1e-12 && one.2 == (rows + columns) as u64, "{one:?}");
    }
}
