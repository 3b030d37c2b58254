//! Before, after and change side by side.

use chrono::NaiveDate;

use super::letters::write;
use super::{LEGEND, Ramp, Sample, Sampled, fill, legend, set};
use crate::model::{Grid, Picture, Role, Seen, Window};

/// Longest side of one of the three, pixels.
const SIDE: usize = 660;
/// Pixels of small rasters are drawn as squares until a side is as long as this.
const LEAST: usize = 330;
/// White between them.
const GAP: usize = 8;
/// Height of the titles above them.
const TITLE: usize = 16;
/// Percentiles of both dates between which a channel is stretched.
const STRETCH: (f32, f32) = (0.02, 0.98);

/// Samples of a unit: three channels of each date, and the change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    parts: Vec<Vec<Sample>>,
}

/// The picture in the making.
#[derive(Debug, Clone, PartialEq)]
pub struct Triptych {
    /// Places of red, green and blue among the bands.
    channels: [usize; 3],
    /// Three channels before, three after, the change.
    parts: Vec<Sampled>,
}

/// Bands shown as red, green and blue: vegetation red where near infrared is there, as it is used to be shown.
fn channels(roles: &[Role]) -> [usize; 3] {
    use Role::{Blue, Green, Nir, Red, Swir1, Swir2};
    let at = |r: Role| roles.iter().position(|x| *x == r);
    for [r, g, b] in [[Nir, Red, Green], [Red, Green, Blue], [Swir2, Nir, Red], [Swir1, Nir, Red], [Nir, Red, Red]] {
        if let (Some(r), Some(g), Some(b)) = (at(r), at(g), at(b)) {
            return [r, g, b];
        }
    }
    let last = roles.len().saturating_sub(1);
    [0, 1.min(last), last.min(2)]
}

impl Triptych {
    /// For a grid and the bands that are read.
    pub fn new(g: &Grid, roles: &[Role]) -> Self {
        Self { channels: channels(roles), parts: vec![Sampled::with_side(g, SIDE); 7] }
    }

    /// The samples of one window: bands of both dates, what was seen on each, and the change where it was seen on both.
    pub fn sample(
        &self,
        w: Window,
        bands: &[Vec<Vec<f32>>; 2],
        each: &[Vec<Seen>; 2],
        values: &[f32],
        seen: &[Seen],
    ) -> Look {
        let step = self.parts[0].step;
        let mut parts = Vec::with_capacity(7);
        for (bands, seen) in bands.iter().zip(each) {
            for c in self.channels {
                // clouds are shown, for that is what they are
                let shown = |i: usize| !matches!(seen[i], Seen::NoData) && bands[c][i].is_finite();
                parts.push(Sampled::sample_where(step, w, &bands[c], shown));
            }
        }
        parts.push(Sampled::sample(step, w, values, seen));
        Look { parts }
    }

    /// Takes samples over.
    pub fn put(&mut self, look: &Look) {
        self.parts.iter_mut().zip(&look.parts).for_each(|(p, s)| p.put(s));
    }

    /// The picture, with the dates and what the change is above, and the colours of the change below it.
    pub fn picture(&self, dates: [Option<NaiveDate>; 2], change: &str, range: (f32, f32)) -> Picture {
        let (columns, rows) = (self.parts[0].width, self.parts[0].height);
        let zoom = (LEAST / columns.max(rows).max(1)).max(1);
        let (w, h) = (zoom * columns, zoom * rows);
        let panel = w.max(150);
        let (width, height) = (3 * panel + 2 * GAP, TITLE + h + LEGEND);
        let mut p = Picture { width, height, rgba: vec![255; 4 * width * height] };
        let stretch: Vec<(f32, f32)> = (0..3).map(|c| self.stretch(c)).collect();
        for (date, left) in [(0, 0), (1, panel + GAP)] {
            for (r, c) in (0..h).flat_map(|r| (0..w).map(move |c| (r, c))) {
                let channel = |k: usize| {
                    let (low, high) = stretch[k];
                    let v = self.parts[3 * date + k].values[r / zoom * columns + c / zoom]?;
                    Some((255.0 * ((v - low) / (high - low)).clamp(0.0, 1.0)) as u8)
                };
                let colour = match (channel(0), channel(1), channel(2)) {
                    (Some(r), Some(g), Some(b)) => [r, g, b],
                    _ => [225; 3],
                };
                set(&mut p, left + c, TITLE + r, colour);
            }
            let name = ["before", "after"][date];
            write(&mut p, left + 2, 4, &dates[date].map_or_else(|| name.into(), |d| format!("{name} {d}")));
        }
        let left = 2 * (panel + GAP);
        let (low, high) = range;
        for (r, c) in (0..h).flat_map(|r| (0..w).map(move |c| (r, c))) {
            let colour = self.parts[6].values[r / zoom * columns + c / zoom]
                .map_or([225; 3], |v| Ramp::Change.colour((v - low) / (high - low)));
            set(&mut p, left + c, TITLE + r, colour);
        }
        write(&mut p, left + 2, 4, change);
        legend(&mut p, (left, TITLE + h), panel, Ramp::Change, range);
        fill(&mut p, (4, TITLE + h + 8), (10, 10), [225; 3]);
        write(&mut p, 20, TITLE + h + 10, "not observed");
        p
    }

    /// Where a channel is black and where it is full, by both dates.
    fn stretch(&self, channel: usize) -> (f32, f32) {
        let both = self.parts[channel].values.iter().chain(&self.parts[3 + channel].values);
        let mut v: Vec<f32> = both.flatten().copied().collect();
        if v.is_empty() {
            return (0.0, 1.0);
        }
        v.sort_unstable_by(f32::total_cmp);
        let at = |q: f32| v[(q * (v.len() - 1) as f32) as usize];
        let (low, high) = (at(STRETCH.0), at(STRETCH.1));
        if high > low { (low, high) } else { (low, low + 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_panels_with_one_stretch() {
        let g = Grid { transform: [0.0; 6], width: 400, height: 2, crs: None };
        let mut t = Triptych::new(&g, &[Role::Nir, Role::Red, Role::Green]);
        assert_eq!(t.channels, [0, 1, 2]);
        let w = g.window();
        let band = |v: f32| vec![v; w.len()];
        let (dark, bright) = (vec![band(0.1), band(0.1), band(0.1)], vec![band(0.3), band(0.3), band(0.3)]);
        let mut cloud = vec![Seen::Yes; w.len()];
        (cloud[0], cloud[1]) = (Seen::Cloud, Seen::NoData);
        let look = t.sample(w, &[dark, bright], &[vec![Seen::Yes; w.len()], cloud.clone()], &band(-1.0), &cloud);
        t.put(&look);
        let p = t.picture([NaiveDate::from_ymd_opt(2022, 7, 1), None], "ndvi_difference", (-0.5, 0.5));
        assert_eq!((p.width, p.height), (3 * 400 + 16, 16 + 2 + LEGEND));
        let at = |c: usize, r: usize| &p.rgba[4 * (r * p.width + c)..4 * (r * p.width + c) + 3];
        // black before, white after (a cloud is shown, what was never recorded is not), no change known under either
        assert_eq!((at(5, 17), at(408, 16), at(409, 16)), (&[0, 0, 0][..], &[255, 255, 255][..], &[225, 225, 225][..]));
        assert_eq!(
            (at(816, 16), at(817, 16), at(818, 16)),
            (&[225, 225, 225][..], &[225, 225, 225][..], &[150, 10, 30][..])
        );
    }
}
