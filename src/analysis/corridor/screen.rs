//! Screening one site against the network: distance, nearest river, chainage, bank, relation and area inside.

use geo::{Area, BoundingRect, Coord, LineString, MultiPolygon, Rect};

use super::inside::{Edges, Seg, area_inside, relevant};
use super::network::{Network, Segment};
use crate::error::Result;
use crate::model::Observed;
use crate::space::clip;
use crate::space::distance::{Nearest, inside, point_segment, segment_rect2, segment_segment};
use crate::space::frame::{Frame, Metric};

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
}

/// A site in its own plane.
pub struct LocalSite {
    /// The plane.
    pub frame: Frame,
    /// Outline in the plane: exterior rings counter-clockwise, holes clockwise.
    pub(super) edges: Edges,
    pub(super) bounds: Rect<f64>,
    /// Bounds in the metric's coordinates.
    pub(super) outer: Rect<f64>,
    /// Area in the plane.
    pub(super) area: f64,
}

impl LocalSite {
    /// Puts a site into its own plane; `None` where it has no extent.
    pub fn new(metric: Metric, shape: &MultiPolygon<f64>) -> Option<Self> {
        let outer = shape.bounding_rect()?;
        let frame = Frame::new(metric, outer.center());
        let mut edges = Edges::new();
        let mut area = 0.0;
        for p in &shape.0 {
            area += push_ring(metric, &frame, p.exterior(), 1.0, &mut edges);
            for h in p.interiors() {
                area += push_ring(metric, &frame, h, -1.0, &mut edges);
            }
        }
        let bounds = edges.iter().map(|e| Rect::new(e.0, e.0)).reduce(|a, b| {
            Rect::new(
                Coord { x: a.min().x.min(b.min().x), y: a.min().y.min(b.min().y) },
                Coord { x: a.max().x.max(b.max().x), y: a.max().y.max(b.max().y) },
            )
        })?;
        Some(Self { frame, edges, bounds, outer, area })
    }
}

/// Adds a ring with the wanted turn (1 counter-clockwise, -1 clockwise); answers its signed area.
fn push_ring(metric: Metric, frame: &Frame, ring: &LineString<f64>, turn: f64, edges: &mut Edges) -> f64 {
    let mut p: Vec<Coord<f64>> = Vec::with_capacity(ring.0.len());
    p.extend(ring.0.first().map(|&c| frame.forward(c)));
    for w in ring.0.windows(2) {
        p.extend(metric.between(w[0], w[1]).chain([w[1]]).map(|c| frame.forward(c)));
    }
    let twice: f64 = p.windows(2).map(|w| w[0].x * w[1].y - w[1].x * w[0].y).sum();
    if twice * turn < 0.0 {
        p.reverse();
    }
    edges.extend(p.windows(2).filter(|w| w[0] != w[1]).map(|w| (w[0], w[1])));
    turn * 0.5 * twice.abs()
}

struct Best {
    d2: f64,
    segment: u32,
    edge: usize,
    near: Nearest,
}

/// Screens one site against the network for several distances (metres).
///
/// `shape` is in the metric's coordinates; its edges, like the rivers', are straight in them. Answers `None` where the
/// shape has no extent. Pure: the same for any number of threads.
///
/// # Errors
/// Where a site that meets a water polygon cannot be cut with it by either overlay engine.
pub fn screen_site(net: &Network, shape: &MultiPolygon<f64>, distances: &[f64]) -> Result<Option<SiteResult>> {
    let Some(site) = LocalSite::new(net.metric, shape) else { return Ok(None) };
    let (best, in_water) = nearest(net, &site, shape);
    let seg = &net.segments[best.segment as usize];
    let (edge, n) = (site.edges[best.edge], best.near);
    let nearest = seg.a + (seg.b - seg.a) * n.t;
    let site_nearest = site.frame.inverse(edge.0 + (edge.1 - edge.0) * n.s);
    let touches = best.d2 == 0.0;
    let min_dist_m = if touches { 0.0 } else { net.metric.distance_m(site_nearest, nearest) };
    let bank = if !seg.is_line() {
        Observed::No("bank of a water polygon")
    } else if touches {
        Observed::Yes(Bank::Both)
    } else {
        Observed::Yes(bank(net, best.segment as usize, n.t, &site.frame, edge.0 + (edge.1 - edge.0) * n.s))
    };
    let chainage_m = seg.chainage_m(n.t).map_or(Observed::No("bank of a water polygon"), Observed::Yes);
    let at =
        distances.iter().map(|&d| at_distance(net, &site, shape, min_dist_m, in_water, d)).collect::<Result<_>>()?;
    Ok(Some(SiteResult {
        min_dist_m,
        river: in_water.unwrap_or(seg.river) as usize,
        nearest: if touches { site_nearest } else { nearest },
        site_nearest,
        chainage_m,
        bank,
        at,
    }))
}

fn local(frame: &Frame, s: &Segment) -> Seg {
    (frame.forward_ecef(s.a, s.ea), frame.forward_ecef(s.b, s.eb))
}

/// Nearest segment of the network, by branch and bound; and the river whose water the site lies in.
fn nearest(net: &Network, site: &LocalSite, shape: &MultiPolygon<f64>) -> (Best, Option<u32>) {
    let mut best = Best { d2: f64::INFINITY, segment: 0, edge: 0, near: Nearest { s: 0.0, t: 0.0, d2: f64::INFINITY } };
    net.index.nearest_first(
        |r| net.box_gap_m(&site.outer, r),
        |item, _| {
            let s = local(&site.frame, &net.segments[item as usize]);
            if segment_rect2(s.0, s.1, &site.bounds) <= best.d2 {
                nearer(net, site, item, s, &mut best);
            }
            // the bound is on the true distance; the plane's differs by less than 1e-6 of it, and 1 mm
            best.d2.sqrt() * (1.0 + 1e-6) + 1e-3
        },
    );
    let water = in_water(net, shape);
    if water.is_some() {
        best.d2 = 0.0;
    }
    (best, water)
}

fn nearer(net: &Network, site: &LocalSite, item: u32, s: Seg, best: &mut Best) {
    let first = |i: u32, j: u32| (net.segments[i as usize].river, i) < (net.segments[j as usize].river, j);
    let reach = best.d2.sqrt();
    let (lo, hi) = (
        Coord { x: s.0.x.min(s.1.x) - reach, y: s.0.y.min(s.1.y) - reach },
        Coord { x: s.0.x.max(s.1.x) + reach, y: s.0.y.max(s.1.y) + reach },
    );
    for (k, &(a, b)) in site.edges.iter().enumerate() {
        if a.x.max(b.x) < lo.x || a.x.min(b.x) > hi.x || a.y.max(b.y) < lo.y || a.y.min(b.y) > hi.y {
            continue;
        }
        let n = segment_segment(a, b, s.0, s.1);
        if n.d2 < best.d2 || (n.d2 == best.d2 && item != best.segment && first(item, best.segment)) {
            *best = Best { d2: n.d2, segment: item, edge: k, near: n };
        }
    }
    // a segment wholly within the site meets no edge
    if best.d2 > 0.0 && inside(s.0, &site.edges) {
        let (t, _) = point_segment(s.0, s.0, s.1);
        let edge = site
            .edges
            .iter()
            .enumerate()
            .min_by(|(_, x), (_, y)| point_segment(s.0, x.0, x.1).1.total_cmp(&point_segment(s.0, y.0, y.1).1));
        let k = edge.map_or(0, |(k, _)| k);
        let e = site.edges[k];
        *best =
            Best { d2: 0.0, segment: item, edge: k, near: Nearest { s: point_segment(s.0, e.0, e.1).0, t, d2: 0.0 } };
    }
}

/// The river in whose water polygon the site's first vertex lies.
fn in_water(net: &Network, shape: &MultiPolygon<f64>) -> Option<u32> {
    if net.waters.is_empty() {
        return None;
    }
    let p = shape.0.first()?.exterior().0.first().copied()?;
    let w = Rect::new(p, p);
    net.water_index
        .window(&w)
        .into_iter()
        .filter_map(|i| net.waters.get(i as usize))
        .filter(|(_, poly)| in_polygon(p, poly))
        .map(|(r, _)| *r)
        .min()
}

fn in_polygon(p: Coord<f64>, poly: &geo::Polygon<f64>) -> bool {
    let edges: Edges = std::iter::once(poly.exterior())
        .chain(poly.interiors())
        .flat_map(|r| r.0.windows(2).map(|w| (w[0], w[1])))
        .collect();
    inside(p, &edges)
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

fn at_distance(
    net: &Network,
    site: &LocalSite,
    shape: &MultiPolygon<f64>,
    min_dist_m: f64,
    in_water: Option<u32>,
    d: f64,
) -> Result<AtDistance> {
    let answer = |relation, share| Ok(AtDistance { distance_m: d, relation, share });
    if min_dist_m > d {
        return answer(Relation::Outside, 0.0);
    }
    let segs = near_segments(net, site, d);
    if segs.iter().any(|s| covers(s, site, d)) {
        return answer(Relation::Inside, 1.0);
    }
    let i = area_inside(&site.edges, &site.bounds, &relevant(&segs, &site.bounds, d), d);
    let wet = in_water.is_some() || meets_water(net, shape);
    let deep = if wet { deep_water_share(net, site, shape, d)? } else { 0.0 };
    let share = if site.area > 0.0 { (i.area / site.area + deep).clamp(0.0, 1.0) } else { 0.0 };
    // with water the part beyond the banks is cut by an overlay, which is true to some 1e-9 of the area
    if i.whole || deep > 0.0 && share >= 1.0 - 1e-9 {
        return answer(Relation::Inside, 1.0);
    }
    answer(Relation::Crosses, share)
}

/// Segments whose distance to the site's bounds is at most `d`, in the site's plane.
pub(super) fn near_segments(net: &Network, site: &LocalSite, d: f64) -> Vec<Seg> {
    net.index
        .within(d + 1e-3, |r| net.box_gap_m(&site.outer, r))
        .into_iter()
        .map(|i| local(&site.frame, &net.segments[i as usize]))
        .filter(|s| segment_rect2(s.0, s.1, &site.bounds) <= d * d)
        .collect()
}

/// True where one segment's own corridor holds the whole site: it is convex, so its vertices decide.
fn covers(s: &Seg, site: &LocalSite, d: f64) -> bool {
    site.edges.iter().all(|e| point_segment(e.0, s.0, s.1).1 <= d * d)
}

fn meets_water(net: &Network, shape: &MultiPolygon<f64>) -> bool {
    shape.bounding_rect().is_some_and(|b| !net.water_index.window(&b).is_empty())
}

/// Share of the site that lies on water farther than `d` from any bank: inside the corridor all the same.
///
/// Counted by the exact area of the site's part on land within the corridor: share(all) = share(bank corridor) plus the
/// water beyond it. The site is cut with the water polygons in its plane.
fn deep_water_share(net: &Network, site: &LocalSite, shape: &MultiPolygon<f64>, d: f64) -> Result<f64> {
    let Some(b) = shape.bounding_rect() else { return Ok(0.0) };
    let to_plane = |p: &geo::Polygon<f64>| {
        geo::Polygon::new(
            LineString(p.exterior().0.iter().map(|&c| site.frame.forward(c)).collect()),
            p.interiors().iter().map(|r| LineString(r.0.iter().map(|&c| site.frame.forward(c)).collect())).collect(),
        )
    };
    let plane = MultiPolygon(shape.0.iter().map(to_plane).collect());
    let mut share = 0.0;
    for i in net.water_index.window(&b) {
        let Some((_, water)) = net.waters.get(i as usize) else { continue };
        let wet = clip::intersection(&plane, &MultiPolygon(vec![to_plane(water)]))?.shape;
        if wet.unsigned_area() <= 0.0 || site.area <= 0.0 {
            continue;
        }
        if let Some(part) = LocalSite::new(Metric::Planar, &wet) {
            let shift = |s: &Seg| (part.frame.forward(s.0), part.frame.forward(s.1));
            let segs: Vec<Seg> = near_segments(net, site, d).iter().map(shift).collect();
            let near = area_inside(&part.edges, &part.bounds, &relevant(&segs, &part.bounds, d), d);
            share += ((part.area - near.area) / site.area).max(0.0);
        }
    }
    Ok(share)
}
