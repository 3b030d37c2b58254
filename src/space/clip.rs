//! Overlays of polygons that never panic.
//!
//! `geo`'s overlay (i_overlay) does the work on coordinates moved to their middle; it snaps to a grid of about 2⁻³⁰ of
//! the operands' extent (1 µm for 1 km). It can panic on valid input (georust/geo issues 976, 1064, 1103, 1174, 1189;
//! apache/sedona-db issue 1178), so each call is guarded and its area checked; what fails goes to GEOS through GDAL,
//! and [`Overlay::via_geos`] says so.

use std::panic::{AssertUnwindSafe, catch_unwind};

use geo::algorithm::buffer::{BufferStyle, LineCap, LineJoin};
use geo::{
    Area, BooleanOps, BoundingRect, Buffer, Coord, Geometry, LineString, MapCoords, MultiLineString, MultiPolygon,
    Polygon,
};

use super::{scanline, wkb};
use crate::error::{Error, Result};

/// The result of an overlay.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// The polygons; empty where nothing is left.
    pub shape: MultiPolygon<f64>,
    /// GEOS had to do it.
    pub via_geos: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Intersection,
    Difference,
    Union,
}

/// What lies in both.
pub fn intersection(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>) -> Result<Overlay> {
    overlay(a, b, Op::Intersection)
}

/// What lies in `a` and not in `b`.
pub fn difference(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>) -> Result<Overlay> {
    overlay(a, b, Op::Difference)
}

/// What lies in either.
pub fn union(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>) -> Result<Overlay> {
    overlay(a, b, Op::Union)
}

/// What lies in any; pairwise, so that each step stays small.
pub fn union_all(all: &[MultiPolygon<f64>]) -> Result<Overlay> {
    let mut via_geos = false;
    let mut level: Vec<MultiPolygon<f64>> = all.to_vec();
    while level.len() > 1 {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        for pair in level.chunks(2) {
            next.push(match pair {
                [a, b] => {
                    let u = union(a, b)?;
                    via_geos |= u.via_geos;
                    u.shape
                }
                one => one[0].clone(),
            });
        }
        level = next;
    }
    Ok(Overlay { shape: level.pop().unwrap_or(MultiPolygon(Vec::new())), via_geos })
}

/// The round buffer of lines in a plane, arcs as chords over `angle` radians; GEOS where `geo` cannot.
///
/// Points less than 1e-6 · `d` from the one before are left out first: edges as short as a step of i_overlay's grid get
/// any direction on it, and their pieces of the buffer are lost (GEOS ticket 605 in JTS's cases loses 0.6 %).
///
/// # Errors
/// Where GEOS cannot either.
pub fn buffer(lines: &MultiLineString<f64>, d: f64, angle: f64) -> Result<Overlay> {
    if lines.0.is_empty() {
        return Ok(Overlay { shape: MultiPolygon(Vec::new()), via_geos: false });
    }
    let lines = &MultiLineString(lines.0.iter().map(|l| thinned(l, 1e-6 * d)).collect());
    let style = BufferStyle::new(d).line_cap(LineCap::Round(angle)).line_join(LineJoin::Round(angle));
    let length: f64 =
        lines.0.iter().flat_map(|l| l.0.windows(2)).map(|w| (w[1].x - w[0].x).hypot(w[1].y - w[0].y)).sum();
    // the area lies between that of one disk and that of the whole length with its caps
    let sound = |m: &MultiPolygon<f64>| {
        let (a, disk) = (m.unsigned_area(), std::f64::consts::PI * d * d);
        (0.8 * disk..=1.01 * (disk * lines.0.len() as f64 + 2.0 * d * length)).contains(&a)
            && !scanline::buffer_differs(lines, d, angle, m)
    };
    if let Some(shape) = guarded(|| lines.buffer_with_style(style)).filter(sound) {
        return Ok(Overlay { shape, via_geos: false });
    }
    let g = gdal::vector::Geometry::from_wkb(&wkb::write(&Geometry::MultiLineString(lines.clone())))
        .map_err(|e| geos_failed(&e.to_string()))?;
    let quadrant = (std::f64::consts::FRAC_PI_2 / angle).ceil().clamp(8.0, 1e4) as u32;
    let b = g.buffer(d, quadrant).map_err(|e| geos_failed(&e.to_string()))?;
    Ok(Overlay { shape: from_gdal(&b)?, via_geos: true })
}

/// A line without the points that are nearer than `least` to the one kept before; its ends stay.
fn thinned(l: &LineString<f64>, least: f64) -> LineString<f64> {
    let Some((&last, head)) = l.0.split_last() else { return l.clone() };
    let mut kept: Vec<Coord<f64>> = Vec::with_capacity(l.0.len());
    for &c in head {
        if kept.last().is_none_or(|k| (c.x - k.x).hypot(c.y - k.y) >= least) {
            kept.push(c);
        }
    }
    while kept.len() > 1 && kept.last().is_some_and(|k| (last.x - k.x).hypot(last.y - k.y) < least) {
        kept.pop();
    }
    kept.push(last);
    LineString(kept)
}

fn overlay(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>, op: Op) -> Result<Overlay> {
    let Some(middle) = middle(a, b) else { return Ok(Overlay { shape: MultiPolygon(Vec::new()), via_geos: false }) };
    let moved = |m: &MultiPolygon<f64>| m.map_coords(|c| c - middle);
    let (a, b) = (moved(a), moved(b));
    let (shape, via_geos) = match guarded(|| by_geo(&a, &b, op)).filter(|s| plausible(&a, &b, s, op)) {
        Some(s) => (s, false),
        None => (by_geos(&a, &b, op)?, true),
    };
    Ok(Overlay { shape: shape.map_coords(|c| c + middle), via_geos })
}

fn middle(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>) -> Option<Coord<f64>> {
    match (a.bounding_rect(), b.bounding_rect()) {
        (Some(r), Some(s)) => Some((r.center() + s.center()) / 2.0),
        (Some(r), None) | (None, Some(r)) => Some(r.center()),
        (None, None) => None,
    }
}

fn by_geo(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>, op: Op) -> MultiPolygon<f64> {
    match op {
        Op::Intersection => a.intersection(b),
        Op::Difference => a.difference(b),
        Op::Union => a.union(b),
    }
}

/// Runs what may panic, silently; `None` where it did.
pub(crate) fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    static QUIET: std::sync::Once = std::sync::Once::new();
    thread_local!(static GUARDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f)).ok();
    GUARDED.set(outer);
    result
}

/// Bounds that the true area keeps whatever the shapes are, and what lies inside along lines across them.
fn plausible(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>, s: &MultiPolygon<f64>, op: Op) -> bool {
    let (area_a, area_b, area) = (a.unsigned_area(), b.unsigned_area(), s.unsigned_area());
    let slack = 1e-6 * (area_a + area_b);
    let within_bounds = match op {
        Op::Intersection => area <= area_a.min(area_b) + slack,
        Op::Difference => area <= area_a + slack && area >= area_a - area_b - slack,
        Op::Union => area <= area_a + area_b + slack && area >= area_a.max(area_b) - slack,
    };
    let expected = |a: bool, b: bool| match op {
        Op::Intersection => a && b,
        Op::Difference => a && !b,
        Op::Union => a || b,
    };
    within_bounds && !scanline::differ(&scanline::region(a), &scanline::region(b), s, expected)
}

pub(super) fn to_gdal(m: &MultiPolygon<f64>) -> Result<gdal::vector::Geometry> {
    gdal::vector::Geometry::from_wkb(&wkb::write(&Geometry::MultiPolygon(m.clone())))
        .map_err(|e| geos_failed(&e.to_string()))
}

pub(super) fn from_gdal(g: &gdal::vector::Geometry) -> Result<MultiPolygon<f64>> {
    let bytes = g.wkb().map_err(|e| geos_failed(&e.to_string()))?;
    let (g, _) = wkb::read(&bytes).map_err(|e| geos_failed(&e.to_string()))?;
    let mut out = Vec::new();
    polygons(g, &mut out);
    Ok(MultiPolygon(out))
}

/// Collects the polygons of a geometry; lines and points have no area.
fn polygons(g: Geometry<f64>, out: &mut Vec<Polygon<f64>>) {
    match g {
        Geometry::Polygon(p) if !p.exterior().0.is_empty() => out.push(p),
        Geometry::MultiPolygon(m) => out.extend(m.0),
        Geometry::GeometryCollection(c) => c.0.into_iter().for_each(|g| polygons(g, out)),
        _ => {}
    }
}

pub(super) fn geos_failed(why: &str) -> Error {
    Error::input(format!("GEOS cannot overlay the polygons: {why}"), format!("GEOS 无法叠置多边形:{why}")).remedy(
        "run heshan check on the layer, and mend the faults it lists with --repair",
        "先对该图层运行 heshan check,并用 --repair 修复列出的错误",
    )
}

fn by_geos(a: &MultiPolygon<f64>, b: &MultiPolygon<f64>, op: Op) -> Result<MultiPolygon<f64>> {
    let valid = |m: &MultiPolygon<f64>| -> Result<gdal::vector::Geometry> {
        let g = to_gdal(m)?;
        if g.is_valid() {
            return Ok(g);
        }
        g.make_valid(&gdal::cpl::CslStringList::new()).map_err(|e| geos_failed(&e.to_string()))
    };
    let (a, b) = (valid(a)?, valid(b)?);
    let result = match op {
        Op::Intersection => a.intersection(&b),
        Op::Difference => a.difference(&b),
        Op::Union => a.union(&b),
    };
    from_gdal(&result.ok_or_else(|| geos_failed("no result"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    #[test]
    fn squares() {
        let a = MultiPolygon(vec![polygon![(x: 0., y: 0.), (x: 4., y: 0.), (x: 4., y: 4.), (x: 0., y: 4.)]]);
        let b = MultiPolygon(vec![polygon![(x: 2., y: 2.), (x: 6., y: 2.), (x: 6., y: 6.), (x: 2., y: 6.)]]);
        assert_eq!(intersection(&a, &b).unwrap().shape.unsigned_area(), 4.0);
        assert_eq!(difference(&a, &b).unwrap().shape.unsigned_area(), 12.0);
        assert_eq!(union_all(&[a.clone(), b.clone()]).unwrap().shape.unsigned_area(), 28.0);
        assert_eq!(by_geos(&a, &b, Op::Union).unwrap().unsigned_area(), 28.0);
    }

    #[test]
    fn a_panic_is_held() {
        assert_eq!(guarded(|| -> i32 { panic!("inside") }), None);
        assert_eq!(guarded(|| 1), Some(1));
    }
}
