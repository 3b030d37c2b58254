//! The nearest segment of the network to a site, by branch and bound over groups, runs and segments.

use geo::{Coord, MultiPolygon, Rect};

use super::inside::{Edge, Edges, Seg};
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
///
/// First the runs that may hold it are gathered, by lower bounds and an upper bound that their vertices give; then they
/// are looked into, the most promising first.
pub(super) fn nearest(net: &Network, site: &LocalSite, shape: &MultiPolygon<f64>) -> (Best, Option<u32>) {
    let best = Best { d2: f64::INFINITY, segment: 0, edge: 0, near: Nearest { s: 0.0, t: 0.0, d2: f64::INFINITY } };
    let mut search = Search { net, site, best, upper: f64::INFINITY, promising: Vec::new(), edges: Vec::new() };
    let gap = net.gap_from(&site.outer);
    net.index.near_first(
        |r| gap.to(r),
        |item, _| {
            search.gather(item as usize);
            // the bound is on the true distance; the plane's differs by less than 1e-6 of it, and 1 mm
            search.upper * (1.0 + 1e-6) + 1e-3
        },
    );
    search.look();
    let water = in_water(net, shape);
    if water.is_some() {
        search.best.d2 = 0.0;
    }
    (search.best, water)
}

/// The centre of a site's plane.
const ORIGIN: Coord<f64> = Coord { x: 0.0, y: 0.0 };

/// A run that may hold the nearest segment.
struct Promising {
    /// No segment of it is nearer.
    least: f64,
    run: u32,
    capsule: Capsule,
}

struct Search<'a> {
    net: &'a Network,
    site: &'a LocalSite,
    best: Best,
    /// The nearest segment is at most this far.
    upper: f64,
    promising: Vec<Promising>,
    /// Edges that may be the nearest to a run; kept from one to the next.
    edges: Vec<u32>,
}

impl Search<'_> {
    fn gather(&mut self, item: usize) {
        let (net, site) = (self.net, self.site);
        let g = net.groups[item];
        let whole = Capsule::of(&g.whole, &net.segments, &site.frame);
        if self.least(&whole) > self.upper {
            return;
        }
        // the chord's ends are vertices of the river
        for end in [whole.a, whole.b] {
            self.upper = self.upper.min(site.nearest_vertex2(end).sqrt());
        }
        for k in g.first_run..g.first_run + g.runs {
            let capsule = Capsule::of(&net.runs[k as usize], &net.segments, &site.frame);
            let least = self.least(&capsule);
            if least <= self.upper {
                self.upper = self.upper.min(site.nearest_vertex2(capsule.b).sqrt());
                self.promising.push(Promising { least, run: k, capsule });
            }
        }
    }

    /// A lower bound of the distance of anything in a capsule.
    ///
    /// The best of three: from the disk round the site, from the half-plane that holds the site and touches it on the
    /// capsule's side, and from the boxes of both.
    fn least(&self, c: &Capsule) -> f64 {
        let (t, m2) = point_segment(ORIGIN, c.a, c.b);
        let m = m2.sqrt();
        if m <= self.site.radius {
            return segment_rect2(c.a, c.b, &self.site.bounds).sqrt() - c.thick_m;
        }
        let disk = m - self.site.radius - c.thick_m;
        if disk > self.upper {
            return disk;
        }
        let u = (c.a + (c.b - c.a) * t) / m;
        let lowest = (u.x * c.a.x + u.y * c.a.y).min(u.x * c.b.x + u.y * c.b.y);
        // 1e-9 of the length: rounding of the products
        disk.max(lowest - c.thick_m - self.site.support(u) - 1e-9 * m)
    }

    fn look(&mut self) {
        let mut promising = std::mem::take(&mut self.promising);
        promising.sort_unstable_by(|a, b| a.least.total_cmp(&b.least).then(a.run.cmp(&b.run)));
        for p in promising {
            // vertices of the river bound the distance too, but for the last bits
            if p.least > self.best.d2.sqrt().min(self.upper + 1e-9) {
                return;
            }
            self.run(&p);
        }
    }

    fn run(&mut self, p: &Promising) {
        let (net, run) = (self.net, &self.net.runs[p.run as usize]);
        let reach = self.best.d2.sqrt().min(self.upper + 1e-9);
        // of touching segments the first counts
        if self.best.d2 == 0.0 && !self.before_best(run.first) {
            return;
        }
        let mut edges = std::mem::take(&mut self.edges);
        self.edges_of(&p.capsule, reach, &mut edges);
        let chord = |k: &u32| {
            let e = self.site.edges[*k as usize];
            segment_segment(e.0, e.1, p.capsule.a, p.capsule.b).d2.sqrt() - p.capsule.thick_m
        };
        edges.retain(|k| chord(k) <= reach);
        let holds = self.site.may_hold(p.capsule.a) || self.site.may_hold(p.capsule.b);
        if !edges.is_empty() || holds {
            for k in run.segments() {
                self.segment(k as u32, local(&self.site.frame, &net.segments[k]), &edges);
            }
        }
        self.edges = edges;
    }

    fn before_best(&self, item: u32) -> bool {
        let key = |i: u32| (self.net.segments[i as usize].river, i);
        key(item) < key(self.best.segment)
    }

    /// Edges of the site that may lie within `reach` of something in a capsule.
    fn edges_of(&self, c: &Capsule, reach: f64, found: &mut Vec<u32>) {
        found.clear();
        let (t, m2) = point_segment(ORIGIN, c.a, c.b);
        let m = m2.sqrt();
        if m > 4.0 * self.site.radius {
            // seen along one direction, an edge must reach to within that of the capsule
            let u = (c.a + (c.b - c.a) * t) / m;
            let lowest = (u.x * c.a.x + u.y * c.a.y).min(u.x * c.b.x + u.y * c.b.y);
            self.site.edges_beyond(u, lowest - c.thick_m - reach - 1e-9 * m, found);
            return;
        }
        let reach = reach + c.thick_m;
        let lo = Coord { x: c.a.x.min(c.b.x) - reach, y: c.a.y.min(c.b.y) - reach };
        let hi = Coord { x: c.a.x.max(c.b.x) + reach, y: c.a.y.max(c.b.y) + reach };
        self.site.edges_near(lo, hi, found);
    }

    fn segment(&mut self, item: u32, s: Seg, edges: &[u32]) {
        let site = self.site;
        for &k in edges {
            let (a, b) = site.edges[k as usize];
            let n = segment_segment(a, b, s.0, s.1);
            let best = &self.best;
            if n.d2 < best.d2 || (n.d2 == best.d2 && item != best.segment && self.before_best(item)) {
                self.best = Best { d2: n.d2, segment: item, edge: k as usize, near: n };
            }
        }
        // a segment wholly within the site meets no edge
        if self.best.d2 > 0.0 && site.may_hold(s.0) && inside(s.0, &site.edges) {
            let (t, _) = point_segment(s.0, s.0, s.1);
            let away = |e: &Edge| point_segment(s.0, e.0, e.1).1;
            let edge = site.edges.iter().enumerate().min_by(|(_, x), (_, y)| away(x).total_cmp(&away(y)));
            let k = edge.map_or(0, |(k, _)| k);
            let e = site.edges[k];
            let near = Nearest { s: point_segment(s.0, e.0, e.1).0, t, d2: 0.0 };
            self.best = Best { d2: 0.0, segment: item, edge: k, near };
        }
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
