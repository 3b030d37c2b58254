//! The scale of a sheet: which part of the CRS its frame shows, how long a metre of the ground is on it.

use super::{BLACK, Composition, lettering, stroke};
use crate::error::Lang;
use crate::model::{Anchor, Face, Mark};
use crate::space::frame::geodesic_m;

/// Between the CRS of a sheet and longitude, latitude (degrees).
#[derive(Clone, Copy)]
pub struct Earth<'a> {
    /// Longitude and latitude of a place in the CRS.
    pub lonlat: &'a dyn Fn([f64; 2]) -> Option<[f64; 2]>,
    /// The place in the CRS of longitude and latitude.
    pub xy: &'a dyn Fn([f64; 2]) -> Option<[f64; 2]>,
    /// Metres in a unit of the CRS.
    pub unit_m: f64,
}

impl std::fmt::Debug for Earth<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Earth").field("unit_m", &self.unit_m).finish()
    }
}

/// What a frame shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Frame on paper: left, top, width, height.
    pub frame: [f64; 4],
    /// In the CRS: least x and y, greatest x and y.
    pub bounds: [f64; 4],
    /// Millimetres of a unit of the CRS.
    pub mm: f64,
    /// N of the scale 1:N on the ground.
    pub denominator: f64,
}

/// Scales that maps are drawn in, below ten: 1:5 000, 1:7 500, 1:10 000, …
const ROUND: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5];
/// Of a sheet that shows one place.
const OF_A_POINT: f64 = 10_000.0;
/// White around what is shown, as a share of the frame.
const AIR: f64 = 0.06;

impl View {
    /// Shows `extent` in the middle of a frame, at 1:`wanted`, else at the next round scale that shows all of it. `None` where
    /// the middle is no place on Earth.
    pub fn of(frame: [f64; 4], extent: [f64; 4], wanted: Option<f64>, earth: &Earth<'_>) -> Option<Self> {
        let [x0, y0, x1, y1] = extent;
        let middle = [x0.midpoint(x1), y0.midpoint(y1)];
        let factor = factor(middle, 1000.0 / earth.unit_m, earth)?[0];
        // millimetres of the ground in a unit of the CRS
        let ground = 1000.0 * earth.unit_m / factor;
        let denominator = wanted.unwrap_or_else(|| {
            let of = |length: f64, room: f64| length * ground / (room * (1.0 - AIR));
            let least = of(x1 - x0, frame[2]).max(of(y1 - y0, frame[3]));
            if least > 0.0 { round(least) } else { OF_A_POINT }
        });
        let mm = ground / denominator;
        let half = [0.5 * frame[2] / mm, 0.5 * frame[3] / mm];
        let bounds = [middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]];
        Some(Self { frame, bounds, mm, denominator })
    }

    /// Where a place of the CRS lies on paper.
    pub fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.frame[0] + (x - self.bounds[0]) * self.mm, self.frame[1] + (self.bounds[3] - y) * self.mm]
    }

    /// The middle of the frame, in the CRS.
    pub fn middle(&self) -> [f64; 2] {
        [self.bounds[0].midpoint(self.bounds[2]), self.bounds[1].midpoint(self.bounds[3])]
    }
}

/// The least round number that is not below.
fn round(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let next = |p: f64| ROUND.into_iter().map(|r| r * p).find(|n| *n >= least * (1.0 - 1e-12));
    next(power).or_else(|| next(10.0 * power)).unwrap_or(10.0 * power)
}

/// Length in the CRS by length on the ground, along x and along y, over `reach` units to each side.
fn factor([x, y]: [f64; 2], reach: f64, earth: &Earth<'_>) -> Option<[f64; 2]> {
    let along = |d: [f64; 2]| {
        let [a, b] = [[x - d[0], y - d[1]], [x + d[0], y + d[1]]].map(|p| (earth.lonlat)(p));
        let coord = |p: [f64; 2]| geo::Coord { x: p[0], y: p[1] };
        let ground = geodesic_m(coord(a?), coord(b?));
        let f = 2.0 * reach * earth.unit_m / ground;
        f.is_finite().then_some(f)
    };
    Some([along([reach, 0.0])?, along([0.0, reach])?])
}

/// The largest deviation of the scale, in either direction, at the edges of the frame from that along its middle.
pub(super) fn deviation(v: &View, earth: &Earth<'_>) -> f64 {
    let [x0, y0, x1, y1] = v.bounds;
    let [mx, my] = v.middle();
    let reach = 1000.0 / earth.unit_m;
    let Some(own) = factor([mx, my], reach, earth).map(|f| f[0]) else { return 0.0 };
    let places = [[x0, y0], [x0, y1], [x1, y0], [x1, y1], [mx, y0], [mx, y1], [x0, my], [x1, my], [mx, my]];
    let off = places.into_iter().filter_map(|p| factor(p, reach, earth)).flatten().map(|f| (f / own - 1.0).abs());
    off.fold(0.0, f64::max)
}

/// A number with blanks between its thousands.
pub(super) fn grouped(n: f64) -> String {
    let digits = format!("{:.0}", n.abs());
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// The bar below the map: four parts, of which the last is twice as long, and the written scale.
pub(super) fn bar(c: &Composition<'_>, marks: &mut Vec<Mark>) {
    let [left, top, width, height] = c.layout.frame;
    let y = top + height + c.layout.rim() + 5.2 * c.layout.factor;
    let ground_mm = 1000.0 / c.view.denominator;
    let part = part(60.0 * c.layout.factor / 4.0 / ground_mm);
    let length = part * ground_mm;
    let size = c.layout.points(8.0);
    let thick = 1.5 * c.layout.factor;
    let x = left + 0.5 * width - 2.0 * length + 14.0 * c.layout.factor;
    for i in 0..4 {
        let fill = if i % 2 == 0 { BLACK } else { [255; 4] };
        let rect = [x + f64::from(i) * length, y, length, thick];
        marks.push(Mark::rectangle(rect, Some(fill), Some(stroke(BLACK, 0.15))));
    }
    let km = 4.0 * part >= 1000.0;
    let (unit_m, unit) = match (km, c.said.lang) {
        (true, Lang::En) => (1000.0, "km"),
        (true, Lang::Zh) => (1000.0, "公里"),
        (false, Lang::En) => (1.0, "m"),
        (false, Lang::Zh) => (1.0, "米"),
    };
    for i in [0, 1, 2, 4] {
        let number = f64::from(i) * part / unit_m;
        let text = if i == 4 { format!("{number} {unit}") } else { format!("{number}") };
        let at = [x + f64::from(i) * length, y + thick + 1.15 * size];
        marks.push(Mark::Letters(lettering(text, at, Anchor::Middle, Face::Sans, size)));
    }
    let words = match c.said.lang {
        Lang::Zh => "比例尺",
        Lang::En => "Scale",
    };
    let text = format!("{words} 1:{}", grouped(c.view.denominator));
    let at = [x - 6.0 * c.layout.factor, y + thick];
    marks.push(Mark::Letters(lettering(text, at, Anchor::End, Face::Bold, c.layout.points(10.0))));
}

/// The greatest of 1, 2, 5, 10, … that is not above.
fn part(most: f64) -> f64 {
    let power = 10f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|p| *p <= most * (1.0 + 1e-12)).unwrap_or(power)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn scales_are_round() {
        assert_eq!(
            [1.0, 1.01, 4321.0, 50_000.0, 50_001.0, 76_000.0].map(round),
            [1.0, 1.5, 5000.0, 50_000.0, 60_000.0, 100_000.0]
        );
        assert_eq!([750.0, 1999.0, 5000.0, 0.3].map(part), [500.0, 1000.0, 5000.0, 0.2]);
        assert_eq!(grouped(1_250_000.0), "1 250 000");
        assert_eq!(grouped(500.0), "500");
    }
}
