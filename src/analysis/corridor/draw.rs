//! The corridor as polygons: what maps show and what `clipped` holds. Decisions and areas never use it.

use geo::algorithm::buffer::{BufferStyle, LineCap, LineJoin};
use geo::{Buffer, Coord, LineString, MultiLineString, MultiPolygon, Polygon, Simplify};

use super::inside::{Seg, relevant};
use super::network::{Network, Segment};
use super::screen::{LocalSite, near_segments};
use crate::error::Result;
use crate::space::clip;
use crate::space::frame::Frame;

/// How far a chord may lie inside the round boundary in `clipped`, metres.
const CLIP_SAGITTA_M: f64 = 0.01;
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
    let segs = relevant(&near_segments(net, &site, d), &site.bounds, d);
    let lines = MultiLineString(chains(&segs));
    let corridor = round(&lines, d, CLIP_SAGITTA_M);
    let plane = map(shape, |c| site.frame.forward(c));
    let cut = clip::intersection(&plane, &corridor)?;
    Ok(Drawn { shape: map(&cut.shape, |c| site.frame.inverse(c)), fallbacks: u32::from(cut.via_geos) })
}

/// The corridor of distance `d` metres round one river, for the map; simplified by 1 m.
pub fn corridor(net: &Network, river: usize, d: f64) -> Result<Drawn> {
    let mut pieces: Vec<MultiPolygon<f64>> = Vec::new();
    let (mut chunk, mut length): (Vec<&Segment>, f64) = (Vec::new(), 0.0);
    for (k, s) in net.segments.iter().enumerate().filter(|(_, s)| s.river as usize == river) {
        length += net.metric.distance_m(s.a, s.b);
        chunk.push(s);
        let last = net.segments.get(k + 1).is_none_or(|n| n.river as usize != river);
        if length > CHUNK_M || last {
            pieces.push(chunk_corridor(net, &chunk, d));
            chunk.clear();
            length = 0.0;
        }
    }
    pieces.extend(net.waters.iter().filter(|(r, _)| *r as usize == river).map(|(_, p)| MultiPolygon(vec![p.clone()])));
    let all = clip::union_all(&pieces)?;
    Ok(Drawn { shape: all.shape, fallbacks: u32::from(all.via_geos) })
}

fn chunk_corridor(net: &Network, chunk: &[&Segment], d: f64) -> MultiPolygon<f64> {
    let middle = chunk[chunk.len() / 2].a;
    let frame = Frame::new(net.metric, middle);
    let segs: Vec<Seg> = chunk.iter().map(|s| (frame.forward(s.a), frame.forward(s.b))).collect();
    let lines = MultiLineString(chains(&segs)).simplify(DRAW_TOLERANCE_M);
    map(&round(&lines, d, DRAW_TOLERANCE_M), |c| frame.inverse(c))
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

fn round(lines: &MultiLineString<f64>, d: f64, sagitta_m: f64) -> MultiPolygon<f64> {
    let angle = 2.0 * (1.0 - (sagitta_m / d).min(0.5)).acos();
    lines.buffer_with_style(BufferStyle::new(d).line_cap(LineCap::Round(angle)).line_join(LineJoin::Round(angle)))
}

fn map(shape: &MultiPolygon<f64>, f: impl Fn(Coord<f64>) -> Coord<f64>) -> MultiPolygon<f64> {
    let ring = |r: &LineString<f64>| LineString(r.0.iter().map(|&c| f(c)).collect());
    MultiPolygon(
        shape.0.iter().map(|p| Polygon::new(ring(p.exterior()), p.interiors().iter().map(ring).collect())).collect(),
    )
}
