//! Small pictures of rasters: sampled values in colours, with a colour bar and its numbers.

mod letters;
mod triptych;

use crate::model::{Grid, Picture, Seen, Window};
use letters::{WIDTH, write};
pub use triptych::{Look, Triptych};

/// Longest side of a picture's map, pixels.
const SIDE: usize = 1000;
/// Height of the legend below the map, pixels.
const LEGEND: usize = 34;

/// Colours along a range of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// Brown over pale yellow to dark green.
    Vegetation,
    /// Red (less) over white to green (more).
    Change,
    /// Black to white.
    Grey,
    /// Red (sunk) over white to blue (risen).
    Heights,
}

impl Ramp {
    /// Stops of the ramp, evenly spaced.
    fn stops(self) -> &'static [[u8; 3]] {
        match self {
            Self::Vegetation => {
                &[[112, 68, 38], [190, 140, 86], [244, 232, 176], [150, 196, 92], [52, 140, 52], [8, 76, 36]]
            }
            Self::Grey => &[[20, 20, 20], [240, 240, 240]],
            Self::Heights => &[[140, 20, 20], [224, 120, 80], [250, 250, 248], [110, 160, 210], [16, 60, 140]],
            Self::Change => &[[150, 10, 30], [226, 96, 70], [248, 248, 244], [92, 172, 92], [6, 88, 44]],
        }
    }

    /// The colour at a place from 0 to 1.
    pub fn colour(self, t: f32) -> [u8; 3] {
        let s = self.stops();
        let x = t.clamp(0.0, 1.0) * (s.len() - 1) as f32;
        let i = (x as usize).min(s.len() - 2);
        let f = x - i as f32;
        std::array::from_fn(|k| (f32::from(s[i][k]) + f * (f32::from(s[i + 1][k]) - f32::from(s[i][k]))).round() as u8)
    }
}

/// Column and row of a picture, and the value there; `None` where not seen.
pub type Sample = (usize, usize, Option<f32>);

/// Every n-th pixel of a raster; `None` where not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Pixels of the raster for one of the picture, along each side.
    pub step: usize,
    width: usize,
    height: usize,
    values: Vec<Option<f32>>,
}

impl Sampled {
    /// For a grid; nothing sampled yet.
    pub fn new(g: &Grid) -> Self {
        Self::with_side(g, SIDE)
    }

    /// The same with so many pixels along the longer side at most.
    fn with_side(g: &Grid, side: usize) -> Self {
        let step = g.width.max(g.height).div_ceil(side).max(1);
        let (width, height) = (g.width.div_ceil(step), g.height.div_ceil(step));
        Self { step, width, height, values: vec![None; width * height] }
    }

    /// The samples of one window: column and row of the picture, and the value.
    pub fn sample(step: usize, w: Window, values: &[f32], seen: &[Seen]) -> Vec<Sample> {
        Self::sample_where(step, w, values, |i| seen[i] == Seen::Yes)
    }

    fn sample_where(step: usize, w: Window, values: &[f32], shown: impl Fn(usize) -> bool) -> Vec<Sample> {
        let mut out = Vec::new();
        for r in (w.row.next_multiple_of(step)..w.row + w.height).step_by(step) {
            for c in (w.col.next_multiple_of(step)..w.col + w.width).step_by(step) {
                let i = (r - w.row) * w.width + c - w.col;
                out.push((c / step, r / step, shown(i).then_some(values[i])));
            }
        }
        out
    }

    /// The values at two shares of those seen, from 0 to 1; `None` where there are none, or they are one.
    pub fn range(&self, low: f64, high: f64) -> Option<(f32, f32)> {
        let mut v: Vec<f32> = self.values.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        v.sort_by(f32::total_cmp);
        let at = |q: f64| v.get((q * v.len().saturating_sub(1) as f64).round() as usize).copied();
        at(low).zip(at(high)).filter(|(a, b)| a < b)
    }

    /// The size that a share of the values seen does not exceed; `None` where none was seen.
    pub fn size_quantile(&self, share: f64) -> Option<f32> {
        let mut v: Vec<f32> = self.values.iter().flatten().map(|v| v.abs()).collect();
        let at = (share * v.len().saturating_sub(1) as f64).round() as usize;
        (at < v.len()).then(|| *v.select_nth_unstable_by(at, f32::total_cmp).1)
    }

    /// Takes samples over.
    pub fn put(&mut self, samples: &[Sample]) {
        for (c, r, v) in samples {
            self.values[r * self.width + c] = *v;
        }
    }
}

/// The picture: what was not seen is transparent.
pub fn picture(s: &Sampled, ramp: Ramp, (low, high): (f32, f32)) -> Picture {
    let width = s.width.max(120);
    let mut p = Picture { width, height: s.height + LEGEND, rgba: vec![0; width * (s.height + LEGEND) * 4] };
    for r in 0..s.height {
        for c in 0..s.width {
            if let Some(v) = s.values[r * s.width + c] {
                set(&mut p, c, r, ramp.colour((v - low) / (high - low)));
            }
        }
    }
    legend(&mut p, (0, s.height), width, ramp, (low, high));
    p
}

/// Marks places (column and row of the map) with red squares of three pixels, each in a ring of yellow.
pub fn mark(p: &mut Picture, places: impl Iterator<Item = (usize, usize)> + Clone) {
    let bottom = p.height.saturating_sub(LEGEND);
    for (reach, colour) in [(2, [255, 220, 60]), (1, [220, 20, 20])] {
        for (c, r) in places.clone() {
            for row in r.saturating_sub(reach)..(r + reach + 1).min(bottom) {
                for col in c.saturating_sub(reach)..c + reach + 1 {
                    set(p, col, row, colour);
                }
            }
        }
    }
}

fn set(p: &mut Picture, c: usize, r: usize, [red, green, blue]: [u8; 3]) {
    if c < p.width && r < p.height {
        let i = 4 * (r * p.width + c);
        p.rgba[i..i + 4].copy_from_slice(&[red, green, blue, 255]);
    }
}

fn fill(p: &mut Picture, (left, top): (usize, usize), (width, height): (usize, usize), colour: [u8; 3]) {
    for r in top..top + height {
        for c in left..left + width {
            set(p, c, r, colour);
        }
    }
}

/// A bar of colours with the numbers at its ends and in its middle, on white.
fn legend(p: &mut Picture, (left, top): (usize, usize), width: usize, ramp: Ramp, (low, high): (f32, f32)) {
    fill(p, (left, top), (width, LEGEND), [255; 3]);
    let margin = 16;
    let bar = width - 2 * margin;
    for c in 0..bar {
        fill(p, (left + margin + c, top + 5), (1, 10), ramp.colour(c as f32 / bar as f32));
    }
    for t in [0.0f32, 0.5, 1.0] {
        let text = format!("{:.2}", low + t * (high - low));
        let at = (left + margin) as f32 + t * bar as f32 - (WIDTH * text.len()) as f32 / 2.0;
        write(p, at.max(0.0) as usize, top + 20, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_at_the_ends_and_clear_where_nothing_was_seen() {
        assert_eq!(Ramp::Change.colour(-1.0), [150, 10, 30]);
        assert_eq!(Ramp::Change.colour(0.5), [248, 248, 244]);
        assert_eq!(Ramp::Change.colour(2.0), [6, 88, 44]);
        let g = Grid { transform: [0.0; 6], width: 2500, height: 10, crs: None };
        let mut s = Sampled::new(&g);
        assert_eq!((s.step, s.width, s.height), (3, 834, 4));
        let w = Window { col: 0, row: 0, width: 2500, height: 10 };
        let mut seen = vec![Seen::Yes; w.len()];
        seen[0] = Seen::Cloud;
        s.put(&Sampled::sample(3, w, &vec![1.0; w.len()], &seen));
        let p = picture(&s, Ramp::Change, (-1.0, 1.0));
        assert_eq!(p.rgba[..8], [0, 0, 0, 0, 6, 88, 44, 255]);
    }
}
