//! The nearest segment of the network to a site, by branch and bound over groups, runs and segments.

use geo::{Coord, MultiPolygon, Rect};

use super::inside::{Edges, Seg};
use super::local::LocalSite;
use super::network::{Network, Segment};
use super::runs::Capsule;
use crate::space::distance::{Nearest, inside, point_segment, segment_rect2, segment_segment};
use crate::space::frame::Frame;

/// The best pair of a site's edge and a segment.
pub(super) struct Best {
    pub d2: f64,
    pub segment: u32,
    pub edge: usize,
    pub near: Nearest,
}

/// A segment in a site's plane.
pub(super) fn local(frame: &Frame, s: &Segment) -> Seg {
    (frame.forward_ecef(s.a, s.ea), frame.forward_ecef(s.b, s.eb))
}

/// Nearest segment of the network; and the river whose water the site lies in.
pub(super) fn nearest(net: &Network, site: &LocalSite, shape: &MultiPolygon<f64>) -> (Best, Option<u32>) {
    let best = Best { d2: f64::INFINITY, segment: 0, edge: 0, near: Nearest { s: 0.0, t: 0.0, d2: f64::INFINITY } };
    let mut search = Search { net, site, best, found: Vec::new() };
    let gap = net.gap_from(&site.outer);
    net.index.near_first(
        |r| gap.to(r),
        |item, _| {
            search.group(item as usize);
            // the bound is on the true distance; the plane's differs by less than 1e-6 of it, and 1 mm
            search.best.d2.sqrt() * (1.0 + 1e-6) + 1e-3
        },
    );
    let water = in_water(net, shape);
    if water.is_some() {
        search.best.d2 = 0.0;
    }
    (search.best, water)
}

/// The centre of a site's plane.
const ORIGIN: Coord<f64> = Coord { x: 0.0, y: 0.0 };

struct Search<'a> {
    net: &'a Network,
    site: &'a LocalSite,
    best: Best,
    /// Kept from one segment to the next.
    found: Vec<u32>,
}

impl Search<'_> {
    fn group(&mut self, item: usize) {
        let g = self.net.groups[item];
        if self.beyond(&Capsule::of(&g.whole, &self.net.segments, &self.site.frame)) {
            return;
        }
        for run in &self.net.runs[g.first_run as usize..(g.first_run + g.runs) as usize] {
            if !self.beyond(&Capsule::of(run, &self.net.segments, &self.site.frame)) {
                self.segments(run.segments());
            }
        }
    }

    fn segments(&mut self, range: std::ops::Range<usize>) {
        for k in range {
            let (a, b) = local(&self.site.frame, &self.net.segments[k]);
            if !self.beyond(&Capsule { a, b, thick_m: 1e-9 }) {
                self.segment(k as u32, (a, b));
            }
        }
    }

    /// Edges of the site that may be nearer to a segment than the best by now.
    fn edges(&self, s: Seg, found: &mut Vec<u32>) {
        found.clear();
        let best = self.best.d2.sqrt();
        let (t, m2) = point_segment(ORIGIN, s.0, s.1);
        let m = m2.sqrt();
        if m > self.site.radius {
            // seen along one direction, an edge must reach to within the best of the segment
            let u = (s.0 + (s.1 - s.0) * t) / m;
            let lowest = (u.x * s.0.x + u.y * s.0.y).min(u.x * s.1.x + u.y * s.1.y);
            self.site.edges_beyond(u, lowest - best - 1e-9 * m, found);
            return;
        }
        let lo = Coord { x: s.0.x.min(s.1.x) - best, y: s.0.y.min(s.1.y) - best };
        let hi = Coord { x: s.0.x.max(s.1.x) + best, y: s.0.y.max(s.1.y) + best };
        found.extend(
            self.site
                .edges_near(lo, hi)
                .filter(|&k| {
                    let (a, b) = self.site.edges[k];
                    !(a.x.max(b.x) < lo.x || a.x.min(b.x) > hi.x || a.y.max(b.y) < lo.y || a.y.min(b.y) > hi.y)
                })
                .map(|k| k as u32),
        );
    }

    /// True where nothing in the capsule can be nearer than the best by now.
    ///
    /// Three lower bounds of the distance: from the disk round the site, from the half-plane that holds the site and
    /// touches it on the capsule's side, and from the boxes of both.
    fn beyond(&self, c: &Capsule) -> bool {
        let best = self.best.d2.sqrt();
        let (t, m2) = point_segment(ORIGIN, c.a, c.b);
        let m = m2.sqrt();
        if m - self.site.radius - c.thick_m > best {
            return true;
        }
        if m > self.site.radius {
            let foot = c.a + (c.b - c.a) * t;
            let u = foot / m;
            let lowest = (u.x * c.a.x + u.y * c.a.y).min(u.x * c.b.x + u.y * c.b.y);
            // 1e-9 of the length: rounding of the products
            return lowest - c.thick_m - self.site.support(u) - 1e-9 * m > best;
        }
        segment_rect2(c.a, c.b, &self.site.bounds).sqrt() - c.thick_m > best
    }

    fn segment(&mut self, item: u32, s: Seg) {
        let (net, site) = (self.net, self.site);
        let mut found = std::mem::take(&mut self.found);
        self.edges(s, &mut found);
        let best = &mut self.best;
        let first = |i: u32, j: u32| (net.segments[i as usize].river, i) < (net.segments[j as usize].river, j);
        for &k in &found {
            let k = k as usize;
            let (a, b) = site.edges[k];
            let n = segment_segment(a, b, s.0, s.1);
            if n.d2 < best.d2 || (n.d2 == best.d2 && item != best.segment && first(item, best.segment)) {
                *best = Best { d2: n.d2, segment: item, edge: k, near: n };
            }
        }
        // a segment wholly within the site meets no edge
        if best.d2 > 0.0 && site.may_hold(s.0) && inside(s.0, &site.edges) {
            let (t, _) = point_segment(s.0, s.0, s.1);
            let edge = site
                .edges
                .iter()
                .enumerate()
                .min_by(|(_, x), (_, y)| point_segment(s.0, x.0, x.1).1.total_cmp(&point_segment(s.0, y.0, y.1).1));
            let k = edge.map_or(0, |(k, _)| k);
            let e = site.edges[k];
            *best = Best {
                d2: 0.0,
                segment: item,
                edge: k,
                near: Nearest { s: point_segment(s.0, e.0, e.1).0, t, d2: 0.0 },
            };
        }
        self.found = found;
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
