//! Shapes and bytes as the page holds them.

use geo::orient::{Direction, Orient};
use geo::{Coord, Geometry, LineString, Polygon};
use serde_json::{Value as Json, json};

/// Units of coordinates in a degree.
const PER_DEGREE: f64 = 1e7;

/// Coordinates in whole numbers of 1e-7 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounded(pub i64, pub i64);

impl Rounded {
    /// The nearest.
    pub fn of(c: Coord<f64>) -> Self {
        Self((c.x * PER_DEGREE).round() as i64, (c.y * PER_DEGREE).round() as i64)
    }
}

/// `[0, points]`, `[1, [line, …]]`, `[2, [[ring, …], …]]`, `[3, [shape, …]]`; each line, ring or row of points is the
/// first place and the steps from each place to the next. Shells run counter-clockwise, holes clockwise, which lets the
/// page fill overlapping areas in one go.
pub(super) fn shape(g: &Geometry<f64>) -> Json {
    let polygon = |p: &Polygon<f64>| {
        let p = p.orient(Direction::Default);
        json!(std::iter::once(p.exterior()).chain(p.interiors()).map(line).collect::<Vec<_>>())
    };
    match g {
        Geometry::Point(p) => json!([0, steps(&[p.0])]),
        Geometry::MultiPoint(m) => json!([0, steps(&m.iter().map(|p| p.0).collect::<Vec<_>>())]),
        Geometry::Line(l) => json!([1, [steps(&[l.start, l.end])]]),
        Geometry::LineString(l) => json!([1, [line(l)]]),
        Geometry::MultiLineString(m) => json!([1, m.iter().map(line).collect::<Vec<_>>()]),
        Geometry::Polygon(p) => json!([2, [polygon(p)]]),
        Geometry::MultiPolygon(m) => json!([2, m.iter().map(polygon).collect::<Vec<_>>()]),
        Geometry::Rect(r) => json!([2, [polygon(&r.to_polygon())]]),
        Geometry::Triangle(t) => json!([2, [polygon(&t.to_polygon())]]),
        Geometry::GeometryCollection(c) => json!([3, c.iter().map(shape).collect::<Vec<_>>()]),
    }
}

fn line(l: &LineString<f64>) -> Vec<i64> {
    steps(&l.0)
}

fn steps(places: &[Coord<f64>]) -> Vec<i64> {
    let mut last = Rounded(0, 0);
    let mut out = Vec::with_capacity(2 * places.len());
    for &c in places {
        let now = Rounded::of(c);
        out.extend([now.0 - last.0, now.1 - last.1]);
        last = now;
    }
    out
}

/// Base64 (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let n = three.iter().enumerate().fold(0u32, |n, (i, b)| n | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let sign = SIGNS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { char::from(sign) } else { '=' });
        }
    }
    out
}
