//! The corridor as polygons: what maps show and what `clipped` holds. Decisions and areas never use it.

use geo::{Coord, LineString, MultiLineString, MultiPolygon, Polygon, Simplify};

use super::inside::Seg;
use super::local::LocalSite;
use super::network::{Network, Segment};
use super::screen::near_segments;
use crate::error::Result;
use crate::space::clip;
use crate::space::frame::Frame;

/// How far a chord may lie inside the round boundary in `clipped`, metres.
pub(super) const CLIP_SAGITTA_M: f64 = 0.01;
/// The same in the drawn corridor, and how much the drawn river may be simplified, metres.
const DRAW_TOLERANCE_M: f64 = 1.0;
/// Length of river that is drawn in one plane, metres.
const CHUNK_M: f64 = 20_000.0;

/// A polygon drawn by an overlay, and whether the second engine (GEOS) had to do it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// In the metric's coordinates.
    pub shape: MultiPolygon<f64>,
    /// Overlays that fell back to GEOS.
    pub fallbacks: u32,
}

/// The part of a site inside the corridor of distance `d` metres, for the map; arcs as chords within 1 cm.
pub fn clipped(net: &Network, shape: &MultiPolygon<f64>, d: f64) -> Result<Drawn> {
    let Some(site) = LocalSite::new(net.metric, shape) else {
        return Ok(Drawn { shape: MultiPolygon(Vec::new()), fallbacks: 0 });
    };
    let segs = near_segments(net, &site, d);
    let lines = MultiLineString(chains(&segs));
    let forward = |m: &MultiPolygon<f64>| map(m, |c| site.frame.forward(c));
    let mut pieces = vec![round(&lines, d, CLIP_SAGITTA_M)?];
    pieces.extend(waters_near(net, &site).map(|p| forward(&MultiPolygon(vec![p.clone()]))).map(no_fallback));
    let corridor = merged(pieces)?;
    let cut = clip::intersection(&forward(shape), &corridor.shape)?;
    let fallbacks = corridor.fallbacks + u32::from(cut.via_geos);
    Ok(Drawn { shape: map(&cut.shape, |c| site.frame.inverse(c)), fallbacks })
}

/// The corridor of distance `d` metres round one river, for the map; simplified by 1 m.
pub fn corridor(net: &Network, river: usize, d: f64) -> Result<Drawn> {
    let mut pieces: Vec<Drawn> = Vec::new();
    let (mut chunk, mut length): (Vec<&Segment>, f64) = (Vec::new(), 0.0);
    for (k, s) in net.segments.iter().enumerate().filter(|(_, s)| s.river as usize == river) {
        length += net.metric.distance_m(s.a, s.b);
        chunk.push(s);
        let last = net.segments.get(k + 1).is_none_or(|n| n.river as usize != river);
        if length > CHUNK_M || last {
            pieces.push(chunk_corridor(net, &chunk, d)?);
            chunk.clear();
            length = 0.0;
        }
    }
    let waters = net.waters.iter().filter(|(r, _)| *r as usize == river);
    pieces.extend(waters.map(|(_, p)| no_fallback(MultiPolygon(vec![p.clone()]))));
    merged(pieces)
}

fn no_fallback(shape: MultiPolygon<f64>) -> Drawn {
    Drawn { shape, fallbacks: 0 }
}

fn merged(pieces: Vec<Drawn>) -> Result<Drawn> {
    let before: u32 = pieces.iter().map(|p| p.fallbacks).sum();
    let shapes: Vec<MultiPolygon<f64>> = pieces.into_iter().map(|p| p.shape).collect();
    let all = clip::union_all(&shapes)?;
    Ok(Drawn { shape: all.shape, fallbacks: before + u32::from(all.via_geos) })
}

/// Water polygons whose boxes meet the site's.
fn waters_near<'a>(net: &'a Network, site: &LocalSite) -> impl Iterator<Item = &'a Polygon<f64>> {
    let mut near = net.water_index.window(&site.outer);
    near.sort_unstable();
    near.into_iter().map(|i| &net.waters[i as usize].1)
}

fn chunk_corridor(net: &Network, chunk: &[&Segment], d: f64) -> Result<Drawn> {
    let middle = chunk[chunk.len() / 2].a;
    let frame = Frame::new(net.metric, middle);
    let segs: Vec<Seg> = chunk.iter().map(|s| (frame.forward(s.a), frame.forward(s.b))).collect();
    let lines = MultiLineString(chains(&segs)).simplify(DRAW_TOLERANCE_M);
    let drawn = round(&lines, d, DRAW_TOLERANCE_M)?;
    Ok(Drawn { shape: map(&drawn.shape, |c| frame.inverse(c)), ..drawn })
}

/// Runs of segments that follow each other, as lines.
fn chains(segs: &[Seg]) -> Vec<LineString<f64>> {
    let mut out: Vec<LineString<f64>> = Vec::new();
    for &(a, b) in segs {
        match out.last_mut() {
            Some(l) if l.0.last() == Some(&a) => l.0.push(b),
            _ => out.push(LineString(vec![a, b])),
        }
    }
    out
}

/// The round corridor of lines in a plane.
fn round(lines: &MultiLineString<f64>, d: f64, sagitta_m: f64) -> Result<Drawn> {
    let angle = 2.0 * (1.0 - (sagitta_m / d).min(0.5)).acos();
    let buffer = clip::buffer(lines, d, angle)?;
    Ok(Drawn { shape: buffer.shape, fallbacks: u32::from(buffer.via_geos) })
}

pub(super) fn map(shape: &MultiPolygon<f64>, f: impl Fn(Coord<f64>) -> Coord<f64>) -> MultiPolygon<f64> {
    let ring = |r: &LineString<f64>| LineString(r.0.iter().map(|&c| f(c)).collect());
    MultiPolygon(
        shape.0.iter().map(|p| Polygon::new(ring(p.exterior()), p.interiors().iter().map(ring).collect())).collect(),
    )
}
