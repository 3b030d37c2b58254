//! The ring around a unit: its surroundings without other units, as a reference.

use geo::{BoundingRect, LineString, MapCoords, MultiLineString, MultiPolygon};

use crate::error::Result;
use crate::space::clip::{buffer, difference};

/// Chords of arcs, radians.
const ANGLE: f64 = 0.2;

/// How a ring is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RingOptions {
    /// Width, metres.
    pub width_m: f64,
    /// Ground next to the unit that is left out (dust, tracks, mixed pixels), metres.
    pub gap_m: f64,
}

impl Default for RingOptions {
    fn default() -> Self {
        Self { width_m: 500.0, gap_m: 50.0 }
    }
}

/// The ring around `unit` without it and `others`; `metres` is the length of a step of x and of y in metres. Empty where
/// others leave nothing. Answers too whether GEOS was needed.
///
/// # Errors
/// Where neither overlay engine can make it.
pub fn ring(
    unit: &MultiPolygon<f64>,
    others: &[&MultiPolygon<f64>],
    metres: [f64; 2],
    o: &RingOptions,
) -> Result<(MultiPolygon<f64>, bool)> {
    let Some(b) = unit.bounding_rect() else { return Ok((MultiPolygon(Vec::new()), false)) };
    // metres about a corner: a plane that overlays keep their digits in
    let mid = b.min();
    let flat = |m: &MultiPolygon<f64>| {
        m.map_coords(|c| geo::Coord { x: (c.x - mid.x) * metres[0], y: (c.y - mid.y) * metres[1] })
    };
    let plain = flat(unit);
    let lines: Vec<LineString<f64>> = plain.iter().map(|p| p.exterior().clone()).collect();
    let lines = MultiLineString(lines);
    let outer = buffer(&lines, o.gap_m + o.width_m, ANGLE)?;
    let mut via_geos = outer.via_geos;
    let mut left = outer.shape;
    let mut cut = |a: MultiPolygon<f64>, b: &MultiPolygon<f64>| -> Result<MultiPolygon<f64>> {
        let d = difference(&a, b)?;
        via_geos |= d.via_geos;
        Ok(d.shape)
    };
    // holes of a unit are inside it
    let filled = MultiPolygon(plain.iter().map(|p| geo::Polygon::new(p.exterior().clone(), vec![])).collect());
    left = cut(left, &filled)?;
    if o.gap_m > 0.0 {
        let inner = buffer(&lines, o.gap_m, ANGLE)?;
        left = cut(left, &inner.shape)?;
    }
    let reach = o.gap_m + o.width_m;
    for other in others {
        let near = other.bounding_rect().is_some_and(|r| {
            let (dx, dy) = (reach / metres[0], reach / metres[1]);
            r.min().x <= b.max().x + dx
                && r.max().x >= b.min().x - dx
                && r.min().y <= b.max().y + dy
                && r.max().y >= b.min().y - dy
        });
        if near {
            left = cut(left, &flat(other))?;
        }
    }
    let back = left.map_coords(|c| geo::Coord { x: c.x / metres[0] + mid.x, y: c.y / metres[1] + mid.y });
    Ok((back, via_geos))
}
