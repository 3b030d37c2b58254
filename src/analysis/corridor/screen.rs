//! Screening one site against the network: distance, nearest river, chainage, bank, relation and area inside.

use geo::{Area, BoundingRect, Coord, MultiPolygon};

use super::draw::{self, CLIP_SAGITTA_M, Drawn};
use super::inside::{Inside, Piece, Seg, area_inside};
use super::local::LocalSite;
use super::nearest::{local, nearest};
use super::network::Network;
use super::outline;
use super::reach::{Reach, reach};
use crate::error::Result;
use crate::model::Observed;
use crate::space::clip;
use crate::space::distance::segment_rect2;
use crate::space::frame::{Frame, Metric};
use crate::units::SquareMetres;

/// How a site lies to the corridor of one distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Wholly within the distance.
    Inside,
    /// Partly within it.
    Crosses,
    /// Wholly beyond it.
    Outside,
}

impl Relation {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Crosses => "crosses",
            Self::Outside => "outside",
        }
    }
}

/// Side of the river, looking downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bank {
    /// Left bank (左岸).
    Left,
    /// Right bank (右岸).
    Right,
    /// The river runs through or along the site.
    Both,
}

impl Bank {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Both => "both",
        }
    }
}

/// The answer for one distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtDistance {
    /// The distance asked for, metres.
    pub distance_m: f64,
    /// How the site lies to the corridor.
    pub relation: Relation,
    /// Part of the site's area inside the corridor, 0 … 1.
    pub share: f64,
}

/// The answer for one site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteResult {
    /// True distance to the nearest river, metres; 0 where they touch.
    pub min_dist_m: f64,
    /// The nearest river, as a position in [`Network::rivers`]; of several at the same distance the first.
    pub river: usize,
    /// The nearest point on the river, in the metric's coordinates.
    pub nearest: Coord<f64>,
    /// The point of the site nearest to it.
    pub site_nearest: Coord<f64>,
    /// Chainage of the nearest point, metres from the head; not observed on a water polygon's bank.
    pub chainage_m: Observed<f64>,
    /// Bank, looking downstream; not observed on a water polygon's bank.
    pub bank: Observed<Bank>,
    /// One answer a distance, in the order asked.
    pub at: Vec<AtDistance>,
    /// The site's area, on the ellipsoid or in the plane as the metric has it.
    pub area: SquareMetres,
    /// Where asked for: the parts inside, for the map, of the distances whose corridor's edge the site crosses; arcs as
    /// chords at most 1 cm inside them.
    pub clipped: Vec<Option<Drawn>>,
}

/// Screens one site against the network for several distances (metres).
///
/// `shape` is in the metric's coordinates; its edges, like the rivers', are straight in them. Answers `None` where the
/// shape has no extent. Pure: the same for any number of threads.
///
/// # Errors
/// Where a site that meets a water polygon cannot be cut with it by either overlay engine.
pub fn screen_site(net: &Network, shape: &MultiPolygon<f64>, distances: &[f64]) -> Result<Option<SiteResult>> {
    screen_and_clip(net, shape, distances, false)
}

/// As [`screen_site`], with the parts inside as polygons where `clip`.
///
/// # Errors
/// As [`screen_site`].
pub fn screen_and_clip(
    net: &Network,
    shape: &MultiPolygon<f64>,
    distances: &[f64],
    clip: bool,
) -> Result<Option<SiteResult>> {
    let Some(site) = LocalSite::new(net.metric, shape) else { return Ok(None) };
    let (best, in_water) = nearest(net, &site, shape);
    let seg = &net.segments[best.segment as usize];
    let (edge, n) = (site.edges[best.edge], best.near);
    let nearest = seg.a + (seg.b - seg.a) * n.t;
    let on_site = edge.0 + (edge.1 - edge.0) * n.s;
    let site_nearest = site.frame.inverse(on_site);
    let touches = best.d2 == 0.0;
    let min_dist_m = if touches { 0.0 } else { net.metric.distance_m(site_nearest, nearest) };
    let bank = if !seg.is_line() {
        Observed::No("bank of a water polygon")
    } else if touches {
        Observed::Yes(Bank::Both)
    } else {
        Observed::Yes(bank(net, best.segment as usize, n.t, &site.frame, on_site))
    };
    let chainage_m = seg.chainage_m(n.t).map_or(Observed::No("bank of a water polygon"), Observed::Yes);
    let (a, b) = local(&site.frame, seg);
    let river_point = a + (b - a) * n.t;
    let question = Question { net, site: &site, shape, min_dist_m, river_point, in_water, clip };
    let answers: Vec<At> = distances.iter().map(|&d| question.at(d)).collect::<Result<_>>()?;
    let (at, clipped) = answers.into_iter().map(|a| (a.answer, a.clipped)).unzip();
    Ok(Some(SiteResult {
        min_dist_m,
        river: in_water.unwrap_or(seg.river) as usize,
        nearest: if touches { site_nearest } else { nearest },
        site_nearest,
        chainage_m,
        bank,
        at,
        area: site.area(),
        clipped,
    }))
}

/// The side of the line on which `p` lies. Nearest to a vertex, the turn of the two segments that meet there decides:
/// `p` lies left where it lies left of both or, on the outer side of a bend, left of either.
fn bank(net: &Network, at: usize, t: f64, frame: &Frame, p: Coord<f64>) -> Bank {
    let side = |k: usize| {
        let (a, b) = local(frame, &net.segments[k]);
        (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)
    };
    let direction = |k: usize| {
        let (a, b) = local(frame, &net.segments[k]);
        b - a
    };
    let previous =
        at.checked_sub(1).filter(|&k| net.segments[k].continues && net.segments[k].river == net.segments[at].river);
    let pair = if t <= 0.0 {
        previous.map(|k| (k, at))
    } else if t >= 1.0 && net.segments[at].continues {
        Some((at, at + 1))
    } else {
        None
    };
    let left = match pair {
        None => side(at) > 0.0,
        Some((i, j)) => {
            let (u, v) = (direction(i), direction(j));
            let turns_left = u.x * v.y - u.y * v.x > 0.0;
            // beyond the outer side of a bend both sides may disagree; the outer side is right of a left turn
            if turns_left { side(i) > 0.0 && side(j) > 0.0 } else { side(i) > 0.0 || side(j) > 0.0 }
        }
    };
    if left { Bank::Left } else { Bank::Right }
}

/// What at_distance answers, and the part inside for the map.
struct At {
    answer: AtDistance,
    clipped: Option<Drawn>,
}

/// One site and what is known of it before distances are looked at.
struct Question<'a> {
    net: &'a Network,
    site: &'a LocalSite,
    shape: &'a MultiPolygon<f64>,
    min_dist_m: f64,
    /// The nearest point of the river in the site's plane.
    river_point: Coord<f64>,
    in_water: Option<u32>,
    clip: bool,
}

impl Question<'_> {
    fn at(&self, d: f64) -> Result<At> {
        let answer = |relation, share| At { answer: AtDistance { distance_m: d, relation, share }, clipped: None };
        if self.min_dist_m > d {
            return Ok(answer(Relation::Outside, 0.0));
        }
        // all of the site within d of one point of the river
        if self.site.farthest2(self.river_point) <= d * d {
            return Ok(answer(Relation::Inside, 1.0));
        }
        let i = self.inside(d);
        let wet = self.in_water.is_some() || meets_water(self.net, self.shape);
        let deep = if wet { deep_water_share(self.net, self.site, self.shape, d)? } else { 0.0 };
        let area = self.site.area;
        let share = if area > 0.0 { (i.area / area + deep).clamp(0.0, 1.0) } else { 0.0 };
        // with water the part beyond the banks is cut by an overlay, which is true to some 1e-9 of the area
        if i.whole || deep > 0.0 && share >= 1.0 - 1e-9 {
            return Ok(answer(Relation::Inside, 1.0));
        }
        let mut at = answer(Relation::Crosses, share);
        if self.clip {
            at.clipped = Some(match self.outline(&i, d).filter(|_| !wet) {
                Some(shape) => Drawn { shape, fallbacks: 0 },
                None => draw::clipped(self.net, self.shape, d)?,
            });
        }
        Ok(at)
    }

    /// What of the site lies within `d` of a line or a bank, part by part.
    fn inside(&self, d: f64) -> Inside {
        let mut all = Inside { area: 0.0, whole: true, outline: Vec::new() };
        for p in &self.site.parts {
            let edges = &self.site.edges[p.edges.clone()];
            match reach(self.net, self.site, &p.bounds, d) {
                Reach::Outside => all.whole = false,
                Reach::Inside => {
                    all.area += p.area;
                    all.outline.extend(edges.iter().map(|e| Piece::Line(e.0, e.1)));
                }
                Reach::Edge(segs) => {
                    let i = area_inside(edges, &p.bounds, &segs, d);
                    all.area += i.area;
                    all.whole &= i.whole;
                    all.outline.extend(i.outline);
                }
            }
        }
        all
    }

    /// The part inside as polygons, in the metric's coordinates; `None` where the pieces of its boundary do not close.
    fn outline(&self, i: &Inside, d: f64) -> Option<MultiPolygon<f64>> {
        let plane = outline::polygons(&i.outline, d, CLIP_SAGITTA_M)?;
        let arcs_m: f64 =
            i.outline.iter().map(|p| if let Piece::Arc { from, to, .. } = p { (to - from) * d } else { 0.0 }).sum();
        // chords lie inside their arcs; what else is missing was dust
        let off = plane.unsigned_area() - i.area;
        let slack = 1e-9 * self.site.area + 1e-2 * (1.0 + i.outline.len() as f64);
        (off <= slack && off >= -slack - arcs_m * CLIP_SAGITTA_M)
            .then(|| draw::map(&plane, |c| self.site.frame.inverse(c)))
    }
}

/// Segments whose distance to the site's bounds is at most `d`, in the site's plane.
pub(super) fn near_segments(net: &Network, site: &LocalSite, d: f64) -> Vec<Seg> {
    match reach(net, site, &site.bounds, d) {
        Reach::Edge(segs) => segs,
        _ => every_segment(net, site, d),
    }
}

/// All of them, where the box as a whole lies inside or outside.
fn every_segment(net: &Network, site: &LocalSite, d: f64) -> Vec<Seg> {
    let gap = net.gap_from(&site.outer);
    net.index
        .within(d + 1e-3, |r| gap.to(r))
        .into_iter()
        .flat_map(|g| net.groups[g as usize].whole.segments())
        .map(|k| local(&site.frame, &net.segments[k]))
        .filter(|s| segment_rect2(s.0, s.1, &site.bounds) <= d * d)
        .collect()
}

fn meets_water(net: &Network, shape: &MultiPolygon<f64>) -> bool {
    !net.waters.is_empty() && shape.bounding_rect().is_some_and(|b| !net.water_index.window(&b).is_empty())
}

/// Share of the site that lies on water farther than `d` from any bank: inside the corridor all the same.
///
/// Counted by the exact area of the site's part on land within the corridor: share(all) = share(bank corridor) plus the
/// water beyond it. The site is cut with the water polygons in its plane.
fn deep_water_share(net: &Network, site: &LocalSite, shape: &MultiPolygon<f64>, d: f64) -> Result<f64> {
    let Some(b) = shape.bounding_rect() else { return Ok(0.0) };
    let to_plane = |m: &MultiPolygon<f64>| draw::map(m, |c| site.frame.forward(c));
    let plane = to_plane(shape);
    let mut share = 0.0;
    for i in net.water_index.window(&b) {
        let Some((_, water)) = net.waters.get(i as usize) else { continue };
        let wet = clip::intersection(&plane, &to_plane(&MultiPolygon(vec![water.clone()])))?.shape;
        if wet.unsigned_area() <= 0.0 || site.area <= 0.0 {
            continue;
        }
        if let Some(part) = LocalSite::new(Metric::Planar, &wet) {
            let shift = |s: &Seg| (part.frame.forward(s.0), part.frame.forward(s.1));
            let segs: Vec<Seg> = every_segment(net, site, d).iter().map(shift).collect();
            let near = area_inside(&part.edges, &part.bounds, &segs, d);
            share += ((part.area - near.area) / site.area).max(0.0);
        }
    }
    Ok(share)
}
