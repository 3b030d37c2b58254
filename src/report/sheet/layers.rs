//! The layers of a sheet as marks: cut to the frame, thinned, coloured by their classes.

use geo::{BoundingRect, Geometry, LineString, Polygon};

use super::clip::{area2, line, ring, thinned};
use super::{Composition, SheetFeature, SheetLayer, stroke};
use crate::model::Mark;
use crate::report::page::Draw;

/// Widths of outlines and lines, diameter of points, millimetres (those of the layers' QGIS styles).
pub(super) const OUTLINE: f64 = 0.2;
pub(super) const LINE: f64 = 0.5;
pub(super) const POINT: f64 = 2.2;
/// Shapes are cut a little outside the frame, so that their outline does not show along it.
const BEYOND: f64 = 2.0;
/// Opacity of what the sheet is not of, against its own.
const PALE: f64 = 0.3;

/// Where a label may stand.
pub(super) struct Spot {
    /// Text.
    pub text: String,
    /// Middle of the shape.
    pub at: [f64; 2],
    /// Half of the shape's width and height.
    pub half: [f64; 2],
    /// Area, square millimetres: the larger go first.
    pub weight: f64,
    /// True for points: a label stands beside them.
    pub beside: bool,
}

/// What came of the layers.
#[derive(Default)]
pub(super) struct Drawn {
    pub shown: usize,
    pub outside: usize,
    pub spots: Vec<Spot>,
    /// By layer: which of its classes are in the frame, the last for everything else.
    pub used: Vec<Vec<bool>>,
}

pub(super) fn colour(l: &SheetLayer, class: Option<usize>) -> [u8; 4] {
    class.and_then(|c| l.classes.get(c)).map_or(l.rest, |c| c.rgba)
}

/// A shape in parts, on paper.
#[derive(Default)]
struct Parts {
    rings: Vec<Vec<[f64; 2]>>,
    lines: Vec<Vec<[f64; 2]>>,
    points: Vec<[f64; 2]>,
}

pub(super) fn draw(c: &Composition<'_>, marks: &mut Vec<Mark>) -> Drawn {
    let mut out = Drawn::default();
    for l in c.layers {
        let mut used = vec![false; l.classes.len() + 1];
        // what the sheet is of lies above the rest of its layer
        let mut order: Vec<&SheetFeature> = l.features.iter().collect();
        order.sort_by_key(|f| f.chosen);
        for f in order {
            let parts = cut(c, &f.shape);
            if parts.rings.is_empty() && parts.lines.is_empty() && parts.points.is_empty() {
                out.outside += 1;
                continue;
            }
            out.shown += 1;
            used[f.class.unwrap_or(l.classes.len())] = true;
            if f.chosen {
                out.spots.extend(spot(&parts, f));
            }
            painted(l, f, parts, marks);
        }
        out.used.push(used);
    }
    out
}

fn cut(c: &Composition<'_>, shape: &Geometry<f64>) -> Parts {
    let mut parts = Parts::default();
    let [x0, y0, x1, y1] = c.view.bounds;
    let outside = |b: &geo::Rect<f64>| b.max().x < x0 || b.min().x > x1 || b.max().y < y0 || b.min().y > y1;
    if shape.bounding_rect().is_none_or(|b| outside(&b)) {
        return parts;
    }
    let [left, top, w, h] = c.view.frame;
    let frame = [left - BEYOND, top - BEYOND, left + w + BEYOND, top + h + BEYOND];
    collect(c, shape, frame, &mut parts);
    parts
}

fn collect(c: &Composition<'_>, shape: &Geometry<f64>, frame: [f64; 4], out: &mut Parts) {
    let placed = |l: &LineString<f64>| l.0.iter().map(|p| c.view.at([p.x, p.y])).collect::<Vec<_>>();
    let mut polygon = |p: &Polygon<f64>| {
        for r in std::iter::once(p.exterior()).chain(p.interiors()) {
            let mut points = placed(r);
            points.pop();
            let cut = thinned(&ring(&points, frame));
            // what is smaller than can be seen stays as a dot
            if cut.len() >= 2 {
                out.rings.push(cut);
            }
        }
    };
    match shape {
        Geometry::Polygon(p) => polygon(p),
        Geometry::MultiPolygon(m) => m.iter().for_each(polygon),
        Geometry::Rect(r) => polygon(&r.to_polygon()),
        Geometry::Triangle(t) => polygon(&t.to_polygon()),
        Geometry::Line(l) => out.lines.extend(line(&placed(&LineString::from(*l)), frame)),
        Geometry::LineString(l) => out.lines.extend(line(&placed(l), frame)),
        Geometry::MultiLineString(m) => m.iter().for_each(|l| out.lines.extend(line(&placed(l), frame))),
        Geometry::Point(p) => out.points.extend(inside(c.view.at([p.x(), p.y()]), frame)),
        Geometry::MultiPoint(m) => out.points.extend(m.iter().filter_map(|p| inside(c.view.at([p.x(), p.y()]), frame))),
        Geometry::GeometryCollection(g) => g.iter().for_each(|g| collect(c, g, frame, out)),
    }
}

fn inside(p: [f64; 2], [left, top, right, bottom]: [f64; 4]) -> Option<[f64; 2]> {
    ((left..=right).contains(&p[0]) && (top..=bottom).contains(&p[1])).then_some(p)
}

fn painted(l: &SheetLayer, f: &SheetFeature, parts: Parts, marks: &mut Vec<Mark>) {
    let [r, g, b, a] = colour(l, f.class);
    let opacity = |a: u8| if f.chosen { a } else { (f64::from(a) * PALE).round() as u8 };
    let own = [r, g, b, opacity(a)];
    let dark = [r / 2, g / 2, b / 2, opacity(255)];
    if !parts.rings.is_empty() {
        let (fill, edge) = match l.draw {
            Draw::Outline => (None, stroke([r, g, b, opacity(255)], 0.35)),
            _ => (Some(own), stroke(dark, OUTLINE)),
        };
        marks.push(Mark::Path { lines: parts.rings, closed: true, fill, stroke: Some(edge) });
    }
    if !parts.lines.is_empty() {
        let lines = parts.lines.iter().map(|l| thinned(l)).collect();
        marks.push(Mark::lines(lines, stroke([r, g, b, opacity(a.max(200))], LINE)));
    }
    for p in parts.points {
        marks.push(Mark::Circle {
            middle: p,
            radius: 0.5 * POINT,
            fill: Some(own),
            stroke: Some(stroke(dark, OUTLINE)),
        });
    }
}

/// Where the label of a shape may stand: in its largest part.
fn spot(parts: &Parts, f: &SheetFeature) -> Option<Spot> {
    let text = f.label.clone().filter(|t| !t.trim().is_empty())?;
    if let Some(r) = parts.rings.iter().max_by(|a, b| area2(a).abs().total_cmp(&area2(b).abs())) {
        let (low, high) = box_of(r);
        let half = [0.5 * (high[0] - low[0]), 0.5 * (high[1] - low[1])];
        let at = centroid(r).unwrap_or([low[0] + half[0], low[1] + half[1]]);
        return Some(Spot { text, at, half, weight: 0.5 * area2(r).abs(), beside: false });
    }
    if let Some(l) = parts.lines.iter().max_by_key(|l| l.len()) {
        return Some(Spot { text, at: l[l.len() / 2], half: [0.0, 0.6], weight: 1e6, beside: true });
    }
    parts.points.first().map(|p| Spot { text, at: *p, half: [0.5 * POINT; 2], weight: 1.0, beside: true })
}

fn box_of(r: &[[f64; 2]]) -> ([f64; 2], [f64; 2]) {
    r.iter().fold(([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]), |(low, high), p| {
        ([low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])])
    })
}

fn centroid(r: &[[f64; 2]]) -> Option<[f64; 2]> {
    let all = area2(r);
    if all.abs() < 1e-9 {
        return None;
    }
    let mut sum = [0.0; 2];
    for i in 0..r.len() {
        let (a, b) = (r[i], r[(i + 1) % r.len()]);
        let cross = a[0] * b[1] - b[0] * a[1];
        sum = [sum[0] + (a[0] + b[0]) * cross, sum[1] + (a[1] + b[1]) * cross];
    }
    Some([sum[0] / (3.0 * all), sum[1] / (3.0 * all)])
}
