//! Lines of coordinates across the map and their numbers beside it: kilometres of the CRS, longitude and latitude.

use super::{Composition, GridLines, lettering, stroke};
use crate::model::{Anchor, Face, Lettering, Mark, Stroke};

/// Least distance of lines of the CRS and of degrees, millimetres on A4.
const KM_APART: f64 = 20.0;
const DEGREES_APART: f64 = 32.0;
/// Steps of degrees, seconds.
const SECONDS: [f64; 20] = [
    36_000.0, 18_000.0, 7_200.0, 3_600.0, 1_800.0, 1_200.0, 900.0, 600.0, 300.0, 120.0, 60.0, 30.0, 20.0, 15.0, 10.0,
    5.0, 2.0, 1.0, 0.5, 0.2,
];
/// Places at which a meridian or a parallel is looked at.
const PLACES: usize = 96;
const KM_RGBA: [u8; 4] = [60, 110, 170, 150];
const DEGREE_RGBA: [u8; 4] = [110, 80, 50, 170];

/// Lines and their numbers.
pub(super) struct Grid {
    pub lines: Vec<Mark>,
    pub labels: Vec<Mark>,
}

/// Sides of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Top,
    Bottom,
    Left,
    Right,
}

pub(super) fn lines(c: &Composition<'_>) -> Grid {
    let mut out = Grid { lines: Vec::new(), labels: Vec::new() };
    if matches!(c.grid, GridLines::Both | GridLines::Degrees) {
        degrees(c, &mut out);
    }
    // kilometres are those of a CRS in metres
    if matches!(c.grid, GridLines::Both | GridLines::Kilometres) && (c.earth.unit_m - 1.0).abs() < 1e-9 {
        kilometres(c, &mut out);
    }
    out
}

/// A number beside the frame: in the row of kilometres, next to the map, or in that of degrees.
fn label(c: &Composition<'_>, side: Side, along: f64, text: String, outer: bool, rgba: [u8; 4]) -> Mark {
    let [left, top, width, height] = c.layout.frame;
    let size = c.layout.points(6.5);
    let away = if outer { 4.5 } else { 0.9 } * c.layout.factor;
    let (at, turned_deg) = match side {
        Side::Top => ([along, top - away], 0.0),
        Side::Bottom => ([along, top + height + away + 0.75 * size], 0.0),
        Side::Left => ([left - away, along], 90.0),
        Side::Right => ([left + width + away + 0.75 * size, along], 90.0),
    };
    let [r, g, b, _] = rgba;
    let l = lettering(text, at, Anchor::Middle, Face::Sans, size);
    Mark::Letters(Lettering { turned_deg, rgba: [r, g, b, 255], ..l })
}

fn kilometres(c: &Composition<'_>, out: &mut Grid) {
    let v = &c.view;
    let least = KM_APART * c.layout.factor / v.mm;
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least).unwrap_or(10.0 * power);
    let digits = (3.0 - step.log10().floor()).clamp(0.0, 6.0) as usize;
    let [x0, y0, x1, y1] = v.bounds;
    let [left, top, width, height] = c.layout.frame;
    let pen = || stroke(KM_RGBA, 0.12);
    let values = |a: f64, b: f64| ((a / step).ceil() as i64..=(b / step).floor() as i64).map(move |i| i as f64 * step);
    for x in values(x0, x1) {
        let [at, _] = v.at([x, y0]);
        out.lines.push(Mark::lines(vec![vec![[at, top], [at, top + height]]], pen()));
        for side in [Side::Top, Side::Bottom] {
            out.labels.push(label(c, side, at, format!("{:.digits$}", x / 1000.0), false, KM_RGBA));
        }
    }
    for y in values(y0, y1) {
        let [_, at] = v.at([x0, y]);
        out.lines.push(Mark::lines(vec![vec![[left, at], [left + width, at]]], pen()));
        for side in [Side::Left, Side::Right] {
            out.labels.push(label(c, side, at, format!("{:.digits$}", y / 1000.0), false, KM_RGBA));
        }
    }
}

/// West, south, east, north of the frame, from places along its edge.
fn range(c: &Composition<'_>) -> Option<[f64; 4]> {
    let [x0, y0, x1, y1] = c.view.bounds;
    let along = |i: usize| i as f64 / 32.0;
    let edge = (0..=32).flat_map(|i| {
        let (x, y) = (x0 + along(i) * (x1 - x0), y0 + along(i) * (y1 - y0));
        [[x, y0], [x, y1], [x0, y], [x1, y]]
    });
    let mut r = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for p in edge {
        let [lon, lat] = (c.earth.lonlat)(p)?;
        r = [r[0].min(lon), r[1].min(lat), r[2].max(lon), r[3].max(lat)];
    }
    r.iter().all(|v| v.is_finite()).then_some(r)
}

fn degrees(c: &Composition<'_>, out: &mut Grid) {
    let Some([west, south, east, north]) = range(c) else { return };
    let apart = DEGREES_APART * c.layout.factor;
    // millimetres of a second: of latitude down the frame, of longitude across it
    let [w, h] = [c.layout.frame[2], c.layout.frame[3]];
    let second = (w / ((east - west) * 3600.0)).min(h / ((north - south) * 3600.0));
    let Some(step) = SECONDS.into_iter().rev().find(|s| s * second >= apart) else { return };
    let values = |a: f64, b: f64| {
        let first = (a * 3600.0 / step).ceil() as i64;
        let last = (b * 3600.0 / step).floor() as i64;
        (first..=last).map(move |i| i as f64 * step / 3600.0)
    };
    let between = |a: f64, b: f64| {
        // a little beyond, so that the line leaves the frame
        let air = 0.05 * (b - a);
        (0..=PLACES).map(move |i| a - air + (b - a + 2.0 * air) * i as f64 / PLACES as f64)
    };
    for lon in values(west, east) {
        let line = placed(c, between(south, north).map(|lat| [lon, lat]));
        numbered(c, out, &line, &[Side::Top, Side::Bottom], &words(lon, step, ['E', 'W']));
        push(out, line);
    }
    for lat in values(south, north) {
        let line = placed(c, between(west, east).map(|lon| [lon, lat]));
        numbered(c, out, &line, &[Side::Left, Side::Right], &words(lat, step, ['N', 'S']));
        push(out, line);
    }
}

fn placed(c: &Composition<'_>, places: impl Iterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
    places.filter_map(|p| (c.earth.xy)(p)).map(|p| c.view.at(p)).collect()
}

fn push(out: &mut Grid, line: Vec<[f64; 2]>) {
    out.lines.push(Mark::lines(vec![line], Stroke { dashes: vec![1.6, 1.0], ..stroke(DEGREE_RGBA, 0.12) }));
}

/// Numbers where a line crosses the sides of the frame.
fn numbered(c: &Composition<'_>, out: &mut Grid, line: &[[f64; 2]], sides: &[Side], text: &str) {
    let [left, top, width, height] = c.layout.frame;
    for side in sides {
        let (across, value, low, high) = match side {
            Side::Top => (1, top, left, left + width),
            Side::Bottom => (1, top + height, left, left + width),
            Side::Left => (0, left, top, top + height),
            Side::Right => (0, left + width, top, top + height),
        };
        for w in line.windows(2) {
            let (a, b) = (w[0][across] - value, w[1][across] - value);
            if (a < 0.0) == (b < 0.0) || a == b {
                continue;
            }
            let t = a / (a - b);
            let along = w[0][1 - across] + t * (w[1][1 - across] - w[0][1 - across]);
            if (low..=high).contains(&along) {
                out.labels.push(label(c, *side, along, text.to_owned(), true, DEGREE_RGBA));
            }
        }
    }
}

/// 106°30′E; seconds where the step has them.
fn words(value: f64, step: f64, signs: [char; 2]) -> String {
    let sign = if value < 0.0 { signs[1] } else { signs[0] };
    let digits = usize::from(step < 1.0);
    let all = value.abs() * 3600.0;
    // tenths of seconds, so that 59.99… is no 60
    let tenths = (all * 10.0).round() as i64;
    let (d, m, s) = (tenths / 36_000, tenths / 600 % 60, (tenths % 600) as f64 / 10.0);
    match step {
        s if s >= 3600.0 && s % 3600.0 == 0.0 => format!("{d}°{sign}"),
        s if s >= 60.0 && s % 60.0 == 0.0 => format!("{d}°{m:02}′{sign}"),
        _ => format!("{d}°{m:02}′{s:0width$.digits$}″{sign}", width = if digits == 1 { 4 } else { 2 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_written_as_on_maps() {
        assert_eq!(words(106.5, 1800.0, ['E', 'W']), "106°30′E");
        assert_eq!(words(-39.0, 3600.0, ['N', 'S']), "39°S");
        assert_eq!(words(39.0 + 2.0 / 60.0 + 5.0 / 3600.0, 5.0, ['N', 'S']), "39°02′05″N");
        // a third of a degree is no round number of a computer
        assert_eq!(words(106.0 + 1.0 / 3.0, 1200.0, ['E', 'W']), "106°20′E");
        assert_eq!(words(39.999_999_999_9, 60.0, ['N', 'S']), "40°00′N");
    }
}
