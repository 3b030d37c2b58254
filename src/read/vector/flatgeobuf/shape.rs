//! Geometry out of a FlatGeobuf feature.

use ::flatgeobuf::{Feature, Geometry as Fgb};
use flatbuffers::{ForwardsUOffset, InvalidFlatbuffer, Vector, VerifierOptions};
use geo::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};

/// Geometry types up to the collection are simple; curves and surfaces come behind.
pub(super) const SIMPLE: u8 = 7;

/// Why a feature is not read here.
pub(super) enum Fault {
    /// Its bytes make no sense.
    Broken(String),
    /// Curves, surfaces, or a layout that the checks do not know: GDAL may read it.
    NotSimple,
}

fn broken(why: &str) -> Fault {
    Fault::Broken(why.to_owned())
}

/// The feature in `bytes` (its size before it), every offset in it checked.
pub(super) fn root(bytes: &[u8]) -> Result<Feature<'_>, Fault> {
    // a table takes eight bytes at least, but offsets may share one
    let options = VerifierOptions { max_tables: bytes.len().max(64), ..VerifierOptions::default() };
    flatbuffers::size_prefixed_root_with_opts::<Feature>(&options, bytes).map_err(|e| match e {
        InvalidFlatbuffer::Unaligned { .. } => Fault::NotSimple,
        e => Fault::Broken(e.to_string().lines().next().unwrap_or_default().to_owned()),
    })
}

/// `ty` 0: as the geometry itself says.
pub(super) fn geometry(g: &Fgb<'_>, ty: u8, closed: &mut u32) -> Result<Geometry<f64>, Fault> {
    Ok(match if ty == 0 { g.type_().0 } else { ty } {
        0 => return Err(broken("it does not say its geometry type")),
        1 => match coords(g)?.first() {
            Some(c) if !(c.x.is_nan() && c.y.is_nan()) => Geometry::Point(Point(*c)),
            _ => Geometry::MultiPoint(MultiPoint(Vec::new())),
        },
        2 => Geometry::LineString(LineString(coords(g)?)),
        3 => Geometry::Polygon(polygon(g, closed)?),
        4 => Geometry::MultiPoint(MultiPoint(coords(g)?.into_iter().map(Point).collect())),
        5 => Geometry::MultiLineString(MultiLineString(lines(g)?)),
        6 => {
            let parts = parts(g)?.iter().map(|p| polygon(&p, closed));
            Geometry::MultiPolygon(MultiPolygon(parts.collect::<Result<_, _>>()?))
        }
        SIMPLE => {
            let parts = parts(g)?.iter().map(|p| geometry(&p, 0, closed));
            Geometry::GeometryCollection(GeometryCollection(parts.collect::<Result<_, _>>()?))
        }
        _ => return Err(Fault::NotSimple),
    })
}

fn parts<'a>(g: &Fgb<'a>) -> Result<Vector<'a, ForwardsUOffset<Fgb<'a>>>, Fault> {
    g.parts().ok_or_else(|| broken("its geometry lacks its parts"))
}

fn coords(g: &Fgb<'_>) -> Result<Vec<Coord<f64>>, Fault> {
    let Some(xy) = g.xy() else { return Ok(Vec::new()) };
    if xy.len() % 2 != 0 {
        return Err(broken("it has an odd number of coordinates"));
    }
    let (pairs, _) = xy.bytes().as_chunks::<16>();
    Ok(pairs.iter().map(pair).collect())
}

fn pair(b: &[u8; 16]) -> Coord<f64> {
    let number = |at: usize| {
        let mut n = [0; 8];
        n.copy_from_slice(&b[at..at + 8]);
        f64::from_le_bytes(n)
    };
    Coord { x: number(0), y: number(8) }
}

/// The coordinates cut at `ends`; fewer than two ends are one piece (as GDAL reads them).
fn lines(g: &Fgb<'_>) -> Result<Vec<LineString<f64>>, Fault> {
    let all = coords(g)?;
    let Some(ends) = g.ends().filter(|e| e.len() > 1) else {
        return Ok(if all.is_empty() { Vec::new() } else { vec![LineString(all)] });
    };
    let mut start = 0;
    let mut out = Vec::with_capacity(ends.len());
    for end in ends.iter() {
        let end = end as usize;
        let piece = all.get(start..end).ok_or_else(|| broken("a part ends beyond its coordinates"))?;
        out.push(LineString(piece.to_vec()));
        start = end;
    }
    Ok(out)
}

fn polygon(g: &Fgb<'_>, closed: &mut u32) -> Result<Polygon<f64>, Fault> {
    let rings = lines(g)?;
    *closed += rings.iter().filter(|r| r.0.first() != r.0.last()).count() as u32;
    let mut rings = rings.into_iter();
    let outer = rings.next().unwrap_or(LineString(Vec::new()));
    Ok(Polygon::new(outer, rings.collect()))
}
