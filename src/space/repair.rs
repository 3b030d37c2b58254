//! Repair of polygons: no buffer, no lost area.
//!
//! The rule:
//! 1. Invalid coordinates and repeated points are dropped, and rings of fewer than three points or without area. A ring
//!    that equals another of its polygon counts once, as does a ring run through several times.
//! 2. The region of a polygon is what its rings enclose by the even-odd rule: both halves of a bow-tie stay, a ring that
//!    winds about a place twice leaves it out, a hole outside its shell becomes a part. Spikes vanish.
//! 3. The parts of a multipolygon are united: a place that two parts cover is covered once.
//!
//! Where no edges coincide, step 2 gives what GEOS's `MakeValid` gives (method `linework`, which PostGIS and QGIS use).
//! Where they do, GEOS counts them once and we as often as they are there: of a hole that shares an edge with its
//! shell, GEOS fills the hole and adds its area; here it stays a hole. By step 3 overlapping parts give their union, as
//! the sets that OGC means; `linework` leaves out what two parts cover.
//!
//! Parts that are valid are kept bit for bit. `geo`'s overlay does the rest, guarded and checked as in [`super::clip`]:
//! the result must be valid and agree with the rings along lines across the shape. What fails goes to GEOS.

use std::collections::BTreeSet;

use geo::algorithm::bool_ops::{FillRule, OpType};
use geo::{BooleanOps, BoundingRect, Coord, LineString, MapCoords, MultiPolygon, Polygon};

use super::clip::{from_gdal, geos_failed, guarded, to_gdal};
use super::scanline;
use super::validity::valid;
use crate::error::Result;

/// A repaired polygon.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// The shape: valid; empty where nothing with an area was left.
    pub shape: MultiPolygon<f64>,
    /// GEOS had to do it.
    pub via_geos: bool,
    /// It differs from the input.
    pub changed: bool,
}

/// Repairs a multipolygon, by the rule above; a valid one comes back as it is, bit for bit.
///
/// Points of the input keep their coordinates; new points, where edges cross, are rounded to about 1e-9 of the extent
/// of the part.
///
/// # Errors
/// `Input` where GEOS was needed and failed too.
pub fn repair(shape: &MultiPolygon<f64>) -> Result<Repaired> {
    if valid(shape) {
        return Ok(Repaired { shape: shape.clone(), via_geos: false, changed: false });
    }
    let mut parts: Vec<MultiPolygon<f64>> = Vec::new();
    let mut via_geos = false;
    for p in &shape.0 {
        let mut seen = BTreeSet::new();
        let rings: Vec<LineString<f64>> = std::iter::once(p.exterior())
            .chain(p.interiors())
            .filter_map(clean)
            .filter(|l| first_time(l, &mut seen))
            .collect();
        let as_it_was = MultiPolygon(vec![p.clone()]);
        if rings.len() == 1 + p.interiors().len() && valid(&as_it_was) {
            parts.push(as_it_was);
        } else if !rings.is_empty() {
            let (m, geos) = even_odd(&rings)?;
            via_geos |= geos;
            parts.push(m);
        }
    }
    let (shape, geos) = united(parts)?;
    Ok(Repaired { shape, via_geos: via_geos || geos, changed: true })
}

/// A ring without invalid coordinates and repeated points, run through once; `None` where no ring is left.
fn clean(ring: &LineString<f64>) -> Option<LineString<f64>> {
    let finite = ring.0.iter().filter(|c| c.x.is_finite() && c.y.is_finite());
    // −0 becomes 0, so that equal points are equal bit for bit
    let mut points: Vec<Coord<f64>> = finite.map(|c| Coord { x: c.x + 0.0, y: c.y + 0.0 }).collect();
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let n = points.len();
    let repeats =
        |p: &usize| n.is_multiple_of(*p) && points[*p] == points[0] && (*p..n).all(|i| points[i] == points[i - p]);
    if let Some(period) = (3..=n / 2).find(repeats) {
        points.truncate(period);
    }
    (points.len() >= 3).then(|| {
        points.push(points[0]);
        LineString(points)
    })
}

/// True the first time that a ring is seen, whatever its start and direction.
fn first_time(ring: &LineString<f64>, seen: &mut BTreeSet<Vec<(u64, u64)>>) -> bool {
    let points: Vec<(u64, u64)> = ring.0[1..].iter().map(|c| (c.x.to_bits(), c.y.to_bits())).collect();
    let n = points.len();
    let least = (0..n).min_by_key(|&i| points[i]).unwrap_or(0);
    let onward: Vec<_> = (0..n).map(|i| points[(least + i) % n]).collect();
    let back: Vec<_> = (0..n).map(|i| points[(least + n - i) % n]).collect();
    seen.insert(onward.min(back))
}

/// The region that rings enclose by the even-odd rule, and whether GEOS had to find it.
fn even_odd(rings: &[LineString<f64>]) -> Result<(MultiPolygon<f64>, bool)> {
    let region: scanline::Region<'_> = rings.iter().collect();
    let all = MultiPolygon(rings.iter().map(|l| Polygon::new(l.clone(), Vec::new())).collect());
    let right = |m: &MultiPolygon<f64>| valid(m) && !scanline::differ(&region, &Vec::new(), m, |inside, _| inside);
    if let Some(m) = by_geo(&all, FillRule::EvenOdd, right) {
        return Ok((m, false));
    }
    let mut sum: Option<gdal::vector::Geometry> = None;
    for p in all.0 {
        let one = made_valid(&MultiPolygon(vec![p]))?;
        sum = Some(match sum {
            None => one,
            // what lies in one of them and not in both
            Some(s) => {
                let (l, r) = (s.difference(&one), one.difference(&s));
                l.zip(r).and_then(|(l, r)| l.union(&r)).ok_or_else(|| geos_failed("no result"))?
            }
        });
    }
    Ok((sum.map_or(Ok(MultiPolygon(Vec::new())), |s| from_gdal(&s))?, true))
}

/// Parts that may overlap, as one valid shape; pairwise, so that each step stays small.
fn united(mut level: Vec<MultiPolygon<f64>>) -> Result<(MultiPolygon<f64>, bool)> {
    let all = MultiPolygon(level.iter().flat_map(|m| m.0.iter().cloned()).collect());
    if level.len() < 2 || valid(&all) {
        return Ok((all, false));
    }
    let mut via_geos = false;
    while level.len() > 1 {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        let mut parts = level.into_iter();
        while let Some(a) = parts.next() {
            next.push(match parts.next() {
                None => a,
                Some(b) => {
                    let (u, geos) = unite(a, b)?;
                    via_geos |= geos;
                    u
                }
            });
        }
        level = next;
    }
    Ok((level.pop().unwrap_or(MultiPolygon(Vec::new())), via_geos))
}

fn unite(a: MultiPolygon<f64>, b: MultiPolygon<f64>) -> Result<(MultiPolygon<f64>, bool)> {
    let both = MultiPolygon([a.0.as_slice(), b.0.as_slice()].concat());
    if valid(&both) {
        return Ok((both, false));
    }
    let (ra, rb) = (scanline::region(&a), scanline::region(&b));
    let right = |m: &MultiPolygon<f64>| valid(m) && !scanline::differ(&ra, &rb, m, |a, b| a || b);
    let middle = middle(&both);
    let (ma, mb) = (a.map_coords(|c| c - middle), b.map_coords(|c| c - middle));
    let united = guarded(|| ma.union(&mb)).map(|m| m.map_coords(|c| c + middle));
    if let Some(m) = united.and_then(|m| settled(m, &both, right)) {
        return Ok((m, false));
    }
    let (a, b) = (made_valid(&a)?, made_valid(&b)?);
    Ok((from_gdal(&a.union(&b).ok_or_else(|| geos_failed("no result"))?)?, true))
}

/// What `geo` makes of rings by a fill rule, where that is right.
fn by_geo(
    rings: &MultiPolygon<f64>,
    rule: FillRule,
    right: impl Fn(&MultiPolygon<f64>) -> bool,
) -> Option<MultiPolygon<f64>> {
    let middle = middle(rings);
    let moved = rings.map_coords(|c| c - middle);
    let none = MultiPolygon(Vec::new());
    let made = guarded(|| moved.boolean_op_with_fill_rule(&none, OpType::Union, rule))?;
    settled(made.map_coords(|c| c + middle), rings, right)
}

fn middle(m: &MultiPolygon<f64>) -> Coord<f64> {
    m.bounding_rect().map_or(Coord { x: 0.0, y: 0.0 }, |r| r.center())
}

/// An overlay's result with the points of the input put back where the overlay's grid moved them; without that where
/// it would spoil the shape; `None` where the result is wrong either way.
fn settled(
    made: MultiPolygon<f64>,
    input: &MultiPolygon<f64>,
    right: impl Fn(&MultiPolygon<f64>) -> bool,
) -> Option<MultiPolygon<f64>> {
    let extent = input.bounding_rect().map_or(0.0, |r| r.width().max(r.height()));
    // the grid has 2³⁰ steps across the extent
    let reach = 4.0 * extent / f64::from(1 << 30);
    let mut known: Vec<Coord<f64>> = scanline::region(input).into_iter().flat_map(|l| l.0.iter().copied()).collect();
    known.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let back = made.map_coords(|c| {
        let from = known.partition_point(|k| k.x < c.x - reach);
        let gap = |k: &Coord<f64>| (k.x - c.x).hypot(k.y - c.y);
        let near = known[from..].iter().take_while(|k| k.x <= c.x + reach).filter(|k| gap(k) <= reach);
        near.min_by(|a, b| gap(a).total_cmp(&gap(b))).copied().unwrap_or(c)
    });
    if right(&back) {
        return Some(back);
    }
    right(&made).then_some(made)
}

fn made_valid(m: &MultiPolygon<f64>) -> Result<gdal::vector::Geometry> {
    let g = to_gdal(m)?;
    if g.is_valid() {
        return Ok(g);
    }
    g.make_valid(&gdal::cpl::CslStringList::new()).map_err(|e| geos_failed(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use geo::Area;
    use wkt::TryFromWkt;

    use super::*;

    fn mended(wkt: &str) -> MultiPolygon<f64> {
        let shape = match geo::Geometry::try_from_wkt_str(wkt).unwrap() {
            geo::Geometry::Polygon(p) => MultiPolygon(vec![p]),
            geo::Geometry::MultiPolygon(m) => m,
            g => panic!("{g:?}"),
        };
        let r = repair(&shape).unwrap();
        assert!(r.changed && !r.via_geos && valid(&r.shape), "{wkt}: {r:?}");
        r.shape
    }

    /// Areas by hand, one line for each rule.
    #[test]
    fn the_rule() {
        for (wkt, area, parts) in [
            ("POLYGON ((0 0,10 10,10 0,0 10,0 0))", 50.0, 2),
            // a hole that shares an edge with its shell stays a hole
            ("POLYGON ((0 0,10 0,10 10,0 10,0 0),(0 0,5 0,5 5,0 5,0 0))", 75.0, 1),
            ("POLYGON ((0 0,10 0,10 10,0 10,0 0),(20 20,25 20,25 25,20 20))", 112.5, 2),
            ("POLYGON ((0 0,10 0,10 10,0 10,0 0),(10 10,0 10,0 0,10 0,10 10))", 100.0, 1),
            ("POLYGON ((0 0,10 0,10 10,0 10,0 0,10 0,10 10,0 10,0 0))", 100.0, 1),
            // a spike vanishes
            ("POLYGON ((0 0,10 0,10 10,5 10,5 15,5 10,0 10,0 0))", 100.0, 1),
            // parts: overlapping, equal, nested, edge to edge
            ("MULTIPOLYGON (((0 0,10 0,10 10,0 10,0 0)),((5 5,15 5,15 15,5 15,5 5)))", 175.0, 1),
            ("MULTIPOLYGON (((0 0,10 0,10 10,0 10,0 0)),((0 0,10 0,10 10,0 10,0 0)))", 100.0, 1),
            ("MULTIPOLYGON (((0 0,10 0,10 10,0 10,0 0)),((2 2,4 2,4 4,2 2)))", 100.0, 1),
            ("MULTIPOLYGON (((0 0,10 0,10 10,0 10,0 0)),((10 0,20 0,20 10,10 10,10 0)))", 200.0, 1),
            // nothing is left
            ("POLYGON ((0 0,1 1,2 2,0 0))", 0.0, 0),
        ] {
            let m = mended(wkt);
            assert!((m.unsigned_area() - area).abs() < 1e-6, "{wkt}: {m:?}"); // a millionth of these units squared
            assert_eq!(m.0.len(), parts, "{wkt}: {m:?}");
        }
    }

    #[test]
    fn a_sound_part_and_known_points_stay_bit_for_bit() {
        let m = mended(
            "MULTIPOLYGON (((0.1 0.1,0.3 0.1,0.2 0.7,0.1 0.1)),((36500000.1 0.1,36500010.3 10.7,36500010.7 0.3,36500000.9 10.9,36500000.1 0.1)))",
        );
        assert_eq!(m.0[0], geo::wkt!(POLYGON((0.1 0.1,0.3 0.1,0.2 0.7,0.1 0.1))));
        let given = [(36500000.1, 0.1), (36500010.3, 10.7), (36500010.7, 0.3), (36500000.9, 10.9)];
        let points: Vec<_> = m.0[1..].iter().flat_map(|p| &p.exterior().0).map(|c| (c.x, c.y)).collect();
        assert!(given.iter().all(|g| points.contains(g)), "{points:?}");
    }

    #[test]
    fn unfit_coordinates_are_left_out() {
        let nan = Coord { x: f64::NAN, y: 3.0 };
        let c = |x: f64, y: f64| Coord { x, y };
        let ring = LineString(vec![c(0., 0.), c(4., 0.), nan, c(4., 4.), c(0., 4.), c(0., 0.)]);
        let r = repair(&MultiPolygon(vec![Polygon::new(ring, Vec::new())])).unwrap();
        assert_eq!((r.shape.unsigned_area(), r.changed), (16.0, true));
    }
}
