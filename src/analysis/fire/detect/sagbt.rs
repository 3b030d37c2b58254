//! The self-adaptive gradient-based threshold of Du et al. 2015 (Remote Sensing 7:6576 and 7:2602), made for coal fires on
//! the Wuda field.
//!
//! Along the edge of a fire the temperature falls steeply. The threshold is the mean temperature along such edges:
//!
//! 1. high temperature: above mean + 1 σ of the image;
//! 2. gradients (Sobel, K per pixel); high where they lie from mean + l·σ to mean + 3.2 σ, for a sequence of lower bounds
//!    l from 0.5 to 1.5 (the steps of 0.25 and the operator are ours: the abstract names neither);
//! 3. each of these regions is thinned to lines (Zhang & Suen 1984);
//! 4. the threshold is the mean temperature of the lines' pixels that lie in high temperature, over all lower bounds.
//!
//! Temperatures are hundredths of a kelvin above 150 K, so that an image takes two bytes a pixel; sums are whole numbers.

use rayon::prelude::*;

/// A pixel that was not seen, or not measured.
pub const UNKNOWN: u16 = 0;
/// Zero of the scale, K, and steps of a kelvin.
const ZERO_K: f64 = 150.0;
const STEPS: f64 = 100.0;
/// Deviations above the mean from which a temperature is high.
const HIGH: f64 = 1.0;
/// Lower bounds of high gradients, deviations above the mean, and the upper bound.
const LOWER: [f64; 5] = [0.5, 0.75, 1.0, 1.25, 1.5];
const UPPER: f64 = 3.2;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sagbt {
    /// Pixels hotter than this are fire, K.
    pub threshold_k: f64,
    /// Mean of the image, K.
    pub mean_k: f64,
    /// Deviation of the image, K.
    pub sd_k: f64,
    /// Pixels of lines that the threshold is the mean of; a pixel counts for each lower bound.
    pub line_pixels: u64,
}

/// A temperature on the scale; [`UNKNOWN`] where it lies outside 150.01 to 805.35 K.
pub fn steps(kelvin: f32) -> u16 {
    let v = ((f64::from(kelvin) - ZERO_K) * STEPS).round_ties_even();
    if (1.0..=65_535.0).contains(&v) { v as u16 } else { UNKNOWN }
}

fn kelvin(steps: f64) -> f64 {
    steps / STEPS + ZERO_K
}

/// The threshold of an image of `width` columns; `None` where it has no edges in high temperature.
pub fn threshold(image: &[u16], width: usize) -> Option<Sagbt> {
    if width < 3 || image.len() < 3 * width {
        return None;
    }
    let (mean, sd) = moments(image)?;
    let gradients = Gradients { image, width };
    let (g_mean, g_sd) = gradients.moments()?;
    let high = mean + HIGH * sd;
    let levels = gradients.levels(g_mean, g_sd);
    let (mut sum, mut n) = (0u64, 0u64);
    for level in 1..=LOWER.len() as u8 {
        let on: Vec<bool> = levels.iter().map(|l| *l >= level).collect();
        for i in thinned(&on, width) {
            if f64::from(image[i]) > high {
                sum += u64::from(image[i]);
                n += 1;
            }
        }
    }
    (n > 0).then(|| Sagbt {
        threshold_k: kelvin(sum as f64 / n as f64),
        mean_k: kelvin(mean),
        sd_k: sd / STEPS,
        line_pixels: n,
    })
}

fn moments(image: &[u16]) -> Option<(f64, f64)> {
    let (n, sum, squares) = image
        .iter()
        .filter(|v| **v != UNKNOWN)
        .fold((0u64, 0u64, 0u128), |(n, s, q), v| (n + 1, s + u64::from(*v), q + u128::from(*v) * u128::from(*v)));
    let m = sum as f64 / n as f64;
    (n > 0).then(|| (m, (squares as f64 / n as f64 - m * m).max(0.0).sqrt()))
}

struct Gradients<'a> {
    image: &'a [u16],
    width: usize,
}

impl Gradients<'_> {
    /// Steps a pixel, of the Sobel operator; `None` at the border and where a neighbour is unknown.
    fn at(&self, i: usize) -> Option<f64> {
        let w = self.width;
        let (c, r) = (i % w, i / w);
        if c == 0 || r == 0 || c + 1 == w || (r + 2) * w > self.image.len() {
            return None;
        }
        let v = |j: usize| i64::from(self.image[j]);
        let around = [i - w - 1, i - w, i - w + 1, i - 1, i, i + 1, i + w - 1, i + w, i + w + 1];
        if around.iter().any(|j| self.image[*j] == UNKNOWN) {
            return None;
        }
        let [nw, n, ne, west, _, east, sw, s, se] = around.map(v);
        let (x, y) = (ne + 2 * east + se - nw - 2 * west - sw, sw + 2 * s + se - nw - 2 * n - ne);
        Some(((x * x + y * y) as f64).sqrt() / 8.0)
    }

    /// Mean and deviation; rows are summed one by one, whatever the number of threads.
    fn moments(&self) -> Option<(f64, f64)> {
        let w = self.width;
        let rows: Vec<(f64, f64, f64)> = (0..self.image.len() / w)
            .into_par_iter()
            .map(|r| {
                (r * w..(r + 1) * w)
                    .filter_map(|i| self.at(i))
                    .fold((0.0, 0.0, 0.0), |(n, s, q), g| (n + 1.0, s + g, q + g * g))
            })
            .collect();
        let (n, s, q) = rows.iter().fold((0.0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        let m = s / n;
        (n > 0.0).then(|| (m, (q / n - m * m).max(0.0).sqrt()))
    }

    /// For each pixel the number of lower bounds that its gradient reaches; 0 above the upper bound.
    fn levels(&self, mean: f64, sd: f64) -> Vec<u8> {
        (0..self.image.len())
            .into_par_iter()
            .map(|i| match self.at(i) {
                Some(g) if g <= mean + UPPER * sd => LOWER.iter().filter(|l| g >= mean + **l * sd).count() as u8,
                _ => 0,
            })
            .collect()
    }
}

/// Regions thinned to lines (Zhang & Suen 1984, Communications of the ACM 27:236): places of the pixels left, in order.
pub fn thinned(on: &[bool], width: usize) -> Vec<usize> {
    // a frame of empty pixels spares the tests of the border
    let stride = width + 2;
    let height = on.len().checked_div(width).unwrap_or(0);
    let mut image = vec![0u8; stride * (height + 2)];
    let framed = |i: usize| (i / width + 1) * stride + i % width + 1;
    let mut left: Vec<usize> = on.iter().enumerate().filter(|(_, o)| **o).map(|(i, _)| framed(i)).collect();
    left.iter().for_each(|i| image[*i] = 1);
    loop {
        let before = left.len();
        for first in [true, false] {
            let gone: Vec<usize> = left.par_iter().copied().filter(|i| peels(&image, *i, stride, first)).collect();
            gone.iter().for_each(|i| image[*i] = 0);
            if !gone.is_empty() {
                left.retain(|i| image[*i] == 1);
            }
        }
        if left.len() == before {
            return left.into_iter().map(|i| (i / stride - 1) * width + i % stride - 1).collect();
        }
    }
}

/// True where a pixel is taken away in the first or second half of a step.
fn peels(image: &[u8], i: usize, stride: usize, first: bool) -> bool {
    // p2 to p9: from the north, clockwise
    let p = [i - stride, i - stride + 1, i + 1, i + stride + 1, i + stride, i + stride - 1, i - 1, i - stride - 1]
        .map(|j| image[j]);
    let n: u8 = p.iter().sum();
    let rises = (0..8).filter(|k| p[*k] == 0 && p[(k + 1) % 8] == 1).count();
    let [north, _, east, _, south, _, west, _] = p;
    let sides = if first {
        north * east * south == 0 && east * south * west == 0
    } else {
        north * east * west == 0 && north * south * west == 0
    };
    (2..=6).contains(&n) && rises == 1 && sides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_becomes_its_middle_line() {
        // 3 × 7 pixels in a field of 5 × 9: the algorithm leaves the middle row without its ends
        let on: Vec<bool> = (0..45).map(|i| (1..4).contains(&(i / 9)) && (1..8).contains(&(i % 9))).collect();
        let left = thinned(&on, 9);
        assert!(left.iter().all(|i| i / 9 == 2), "{left:?}");
        assert!(left.len() >= 4 && left.windows(2).all(|p| p[1] == p[0] + 1), "{left:?}");
        assert!(thinned(&[false; 12], 4).is_empty());
        // a line of one pixel stays
        assert_eq!(thinned(&[true; 6], 6), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_disc_of_heat_is_cut_at_its_edge() {
        // 300 K around 340 K, with an edge that falls over six pixels
        let (w, r) = (80, 12.0f64);
        let image: Vec<u16> = (0..w * w)
            .map(|i| {
                let d = ((i % w) as f64 - 39.5).hypot((i / w) as f64 - 39.5);
                steps((300.0 + 40.0 * ((r + 3.0 - d) / 6.0).clamp(0.0, 1.0)) as f32)
            })
            .collect();
        let t = threshold(&image, w).unwrap();
        // the lines lie in high temperature, and below the middle of the disc
        assert!(t.threshold_k > t.mean_k + t.sd_k && t.threshold_k < 340.0, "{t:?}");
        assert!(threshold(&vec![steps(300.0); w * w], w).is_none());
        assert_eq!((steps(100.0), steps(f32::NAN), steps(300.0)), (UNKNOWN, UNKNOWN, 15_000));
    }
}
