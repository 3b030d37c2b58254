//! Thermal anomalies: pixels that are hotter than the ground around them, by a robust measure.
//!
//! The background of a pixel is what was seen clear in a window around it, without water and without candidates (pixels
//! that exceed the mean of their own window by half the floor). A pixel is hot where its temperature exceeds the median
//! of its background by more than `k · 1.4826 · MAD` and by more than a floor in kelvin. Temperatures are whole
//! millikelvins, so that sums are exact and a pixel's answer does not depend on the block it was computed in.

use super::screen::{CLEAR, DATA, Flags, T_WATER};
use crate::model::Window;

/// Deviation of a normal distribution per median absolute deviation (1 / Φ⁻¹(3/4)).
const MAD_TO_SD: f64 = 1.4826;
/// Temperatures between which a pixel is believed, K: the TIRS detectors measure up to about 360 K, and what lies far
/// outside is no measurement.
const BELIEVED: (f32, f32) = (150.0, 1500.0);
/// A temperature that was not measured.
const UNKNOWN: i32 = i32::MIN;

/// How anomalies are told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThermalOptions {
    /// Pixels that the window reaches to each side of its middle; 2 to 60.
    pub reach: usize,
    /// Deviations (1.4826 · MAD) above the median; above 0.
    pub k: f64,
    /// Kelvin above the median at least; above 0.
    pub floor_k: f64,
    /// Share of the window that must be background; 0 to 1.
    pub share: f64,
    /// With a second band at 12 µm: kelvin by which the difference of both brightness temperatures must exceed the median
    /// of the background. A small hot part in a cool pixel shows more at the shorter wavelength (Dozier 1981); a warm roof
    /// does not.
    pub split_k: Option<f64>,
}

impl Default for ThermalOptions {
    fn default() -> Self {
        Self { reach: 15, k: 4.0, floor_k: 5.0, share: 0.25, split_k: None }
    }
}

impl ThermalOptions {
    /// Pixels around a block that the test reads: the window, and the windows of the candidates in it.
    pub fn halo(&self) -> usize {
        2 * self.reach
    }
}

/// A block of temperatures and what lies around it.
#[derive(Debug, Clone, Copy)]
pub struct Temperatures<'a> {
    /// Columns of the arrays.
    pub width: usize,
    /// The pixels that are asked for, in the arrays.
    pub core: Window,
    /// Flags of [`super::screen`].
    pub flags: &'a [Flags],
    /// Temperature, K.
    pub kelvin: &'a [f32],
    /// Brightness temperature at 11 µm minus that at 12 µm, K; empty where it is not known.
    pub split: &'a [f32],
}

/// A pixel that is hotter than its surroundings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hot {
    /// Its place in the core, row by row.
    pub at: usize,
    /// Above the median of its background, K.
    pub delta_k: f32,
    /// The same in deviations of the background.
    pub deviations: f32,
}

/// What the test of a block found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Anomalies {
    /// Hot pixels in the order of the core.
    pub hot: Vec<Hot>,
    /// Candidates whose window holds too little background to tell, by their places in the core.
    pub undecided: Vec<usize>,
}

/// Whole millikelvins.
fn milli(kelvin: f32) -> i32 {
    if (BELIEVED.0..=BELIEVED.1).contains(&kelvin) {
        (f64::from(kelvin) * 1000.0).round_ties_even() as i32
    } else {
        UNKNOWN
    }
}

/// The hot pixels of a block.
pub fn anomalies(t: &Temperatures<'_>, o: &ThermalOptions) -> Anomalies {
    let milli: Vec<i32> = t
        .kelvin
        .iter()
        .zip(t.flags)
        .map(|(k, f)| if f & (DATA | CLEAR | T_WATER) == DATA | CLEAR { milli(*k) } else { UNKNOWN })
        .collect();
    let sums = Sums::of(&milli, t.width);
    let half = (500.0 * o.floor_k).round_ties_even() as i64;
    let height = milli.len().checked_div(t.width).unwrap_or(0);
    let window = |c: usize, r: usize| Field::around(c, r, o.reach, t.width, height);
    let is_candidate = |c: usize, r: usize| {
        let v = milli[r * t.width + c];
        let (n, sum) = sums.inside(&window(c, r));
        // v − sum / n ≥ half, in whole numbers
        v != UNKNOWN && n * (i64::from(v) - half) >= sum
    };
    let mut candidate = vec![false; milli.len()];
    for r in 0..height {
        for c in 0..t.width {
            candidate[r * t.width + c] = is_candidate(c, r);
        }
    }
    let mut out = Anomalies::default();
    let (mut values, mut splits) = (Vec::new(), Vec::new());
    for r in t.core.row..t.core.row + t.core.height {
        for c in t.core.col..t.core.col + t.core.width {
            let i = r * t.width + c;
            if !candidate[i] {
                continue;
            }
            let w = window(c, r);
            values.clear();
            splits.clear();
            for j in w.places(t.width) {
                if milli[j] != UNKNOWN && !candidate[j] {
                    values.push(milli[j]);
                    splits.extend(t.split.get(j).filter(|s| s.is_finite()).map(|s| split_milli(*s)));
                }
            }
            let at = (r - t.core.row) * t.core.width + c - t.core.col;
            if values.is_empty() || (values.len() as f64) < o.share * w.len() as f64 {
                out.undecided.push(at);
                continue;
            }
            let own = t.split.get(i).filter(|s| s.is_finite()).map(|s| split_milli(*s));
            if differs(own, &mut splits, o.split_k) {
                out.hot.extend(hot(milli[i], &mut values, o).map(|(delta_k, deviations)| Hot {
                    at,
                    delta_k,
                    deviations,
                }));
            }
        }
    }
    out
}

fn split_milli(kelvin: f32) -> i32 {
    (f64::from(kelvin) * 1000.0).round_ties_even() as i32
}

/// The test of one pixel against its background; its excess in kelvin and in deviations.
fn hot(v: i32, background: &mut [i32], o: &ThermalOptions) -> Option<(f32, f32)> {
    let middle = twice_median(background);
    // twice the excess, in whole millikelvins
    let excess = 2 * i64::from(v) - middle;
    let delta = excess as f64 / 2000.0;
    if delta <= o.floor_k {
        return None;
    }
    let mut deviations: Vec<i64> = background.iter().map(|b| (2 * i64::from(*b) - middle).abs()).collect();
    let sd = MAD_TO_SD * twice_median(&mut deviations) as f64 / 4000.0;
    (delta > o.k * sd).then(|| (delta as f32, if sd > 0.0 { (delta / sd) as f32 } else { f32::INFINITY }))
}

/// True where the split of the pixel exceeds the median of its background by enough, or none is asked for.
fn differs(own: Option<i32>, background: &mut [i32], least_k: Option<f64>) -> bool {
    match (least_k, own) {
        (None, _) => true,
        (Some(k), Some(v)) if !background.is_empty() => {
            (2 * i64::from(v) - twice_median(background)) as f64 / 2000.0 >= k
        }
        _ => false,
    }
}

/// Twice the median: the sum of both middle values of an even number.
fn twice_median<T: Copy + Ord + Into<i64>>(v: &mut [T]) -> i64 {
    let n = v.len();
    let (below, middle, _) = v.select_nth_unstable(n / 2);
    let middle = *middle;
    if n % 2 == 1 {
        return 2 * middle.into();
    }
    middle.into() + below.iter().max().map_or(middle, |m| *m).into()
}

/// Columns and rows of a window, clipped at the border of the arrays.
struct Field {
    c0: usize,
    c1: usize,
    r0: usize,
    r1: usize,
}

impl Field {
    fn around(c: usize, r: usize, reach: usize, width: usize, height: usize) -> Self {
        Self {
            c0: c.saturating_sub(reach),
            c1: (c + reach + 1).min(width),
            r0: r.saturating_sub(reach),
            r1: (r + reach + 1).min(height),
        }
    }

    fn len(&self) -> usize {
        (self.c1 - self.c0) * (self.r1 - self.r0)
    }

    fn places(&self, width: usize) -> impl Iterator<Item = usize> + use<> {
        let (c0, c1) = (self.c0, self.c1);
        (self.r0..self.r1).flat_map(move |r| r * width + c0..r * width + c1)
    }
}

/// Number and sum of the temperatures in any window, from tables of sums.
struct Sums {
    stride: usize,
    table: Vec<(i64, i64)>,
}

impl Sums {
    fn of(milli: &[i32], width: usize) -> Self {
        let stride = width + 1;
        let mut table = vec![(0i64, 0i64); stride * (milli.len().checked_div(width).unwrap_or(0) + 1)];
        for (r, row) in milli.chunks_exact(width.max(1)).enumerate() {
            let mut run = (0, 0);
            for (c, v) in row.iter().enumerate() {
                if *v != UNKNOWN {
                    run = (run.0 + 1, run.1 + i64::from(*v));
                }
                let above = table[r * stride + c + 1];
                table[(r + 1) * stride + c + 1] = (above.0 + run.0, above.1 + run.1);
            }
        }
        Self { stride, table }
    }

    fn inside(&self, w: &Field) -> (i64, i64) {
        let at = |c: usize, r: usize| self.table[r * self.stride + c];
        let (a, b, c, d) = (at(w.c1, w.r1), at(w.c0, w.r0), at(w.c0, w.r1), at(w.c1, w.r0));
        (a.0 + b.0 - c.0 - d.0, a.1 + b.1 - c.1 - d.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(width: usize, kelvin: &[f32], o: &ThermalOptions) -> Anomalies {
        let core = Window { col: 0, row: 0, width, height: kelvin.len() / width };
        let flags = vec![DATA | CLEAR; kelvin.len()];
        anomalies(&Temperatures { width, core, flags: &flags, kelvin, split: &[] }, o)
    }

    #[test]
    fn one_hot_pixel_on_a_slope() {
        // a plane that rises by 0.1 K a column: window 5 × 5, MAD of −0.2 … 0.2 is 0.1 K
        let mut k: Vec<f32> = (0..81).map(|i| 300.0 + 0.1 * (i % 9) as f32).collect();
        k[40] += 6.0;
        let o = ThermalOptions { reach: 2, k: 4.0, floor_k: 5.0, ..ThermalOptions::default() };
        let a = run(9, &k, &o);
        assert_eq!((a.hot.len(), a.undecided.len()), (1, 0));
        assert_eq!(a.hot[0].at, 40);
        assert!((a.hot[0].delta_k - 6.0).abs() < 1e-3, "{:?}", a.hot);
        assert!((a.hot[0].deviations - 6.0 / 0.14826).abs() < 0.1, "{:?}", a.hot);
        // below the floor, and below k deviations
        assert!(run(9, &k, &ThermalOptions { floor_k: 6.001, ..o }).hot.is_empty());
        assert!(run(9, &k, &ThermalOptions { k: 41.0, ..o }).hot.is_empty());
    }

    #[test]
    fn what_was_not_measured_is_neither_hot_nor_background() {
        let mut k = vec![300.0f32; 49];
        (k[24], k[25], k[0]) = (320.0, f32::NAN, 0.0);
        let o = ThermalOptions { reach: 1, ..ThermalOptions::default() };
        let a = run(7, &k, &o);
        assert_eq!(a.hot.iter().map(|h| h.at).collect::<Vec<_>>(), [24]);
        assert_eq!(a.hot[0].deviations, f32::INFINITY);
        // nothing but candidates and gaps around: not told, and counted
        let alone: Vec<f32> = (0..49).map(|i| if i == 24 { 320.0 } else { f32::NAN }).collect();
        assert_eq!(run(7, &alone, &o), Anomalies::default());
        assert_eq!(run(7, &alone, &ThermalOptions { floor_k: 1e-9, ..o }).undecided, [24]);
    }

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(twice_median(&mut [3i32, 1, 2]), 4);
        assert_eq!(twice_median(&mut [4i32, 1, 2, 3]), 5);
        assert_eq!(twice_median(&mut [7i32]), 14);
    }
}
