//! The exact area of a polygon inside the round corridor of distance d around segments, in a plane.
//!
//! The corridor is the union of a disk at each vertex and a rectangle at each segment. The area of its intersection
//! with the site is the line integral ½∮(x dy − y dx) (Green's theorem) over the boundary of the intersection, which
//! is made of the parts of the site's outline inside the corridor and the parts of the disks' and rectangles'
//! boundaries inside the site and inside no other disk or rectangle. No arc is replaced by a chord.

use std::f64::consts::{FRAC_PI_2, TAU};

use geo::{Coord, Rect};

use super::close::Close;
use super::crossing::{
    Intervals, arc_integral, boxes_meet, circle_in_rectangle, cross, cuts_on_arc, cuts_on_line, lerp, line_in_capsule,
    on_circle, push_arc,
};
use crate::space::distance::{inside, point_rect2, point_segment, segment_segment};

/// One edge of an outline.
pub(super) type Edge = (Coord<f64>, Coord<f64>);

/// An oriented outline: exterior rings counter-clockwise, holes clockwise.
pub(super) type Edges = Vec<Edge>;

/// A straight piece of river in the plane.
pub(super) type Seg = (Coord<f64>, Coord<f64>);

/// One piece of the boundary of what lies inside, the inside on its left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Piece {
    /// A straight piece: of the site's outline, or beside a segment.
    Line(Coord<f64>, Coord<f64>),
    /// A piece of the circle round `centre`, from angle `from` counter-clockwise to `to`.
    Arc { centre: Coord<f64>, from: f64, to: f64 },
}

/// What lies inside the corridor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inside {
    /// Area inside, square metres of the plane.
    pub area: f64,
    /// True where the whole site lies inside (to 1e-6 m).
    pub whole: bool,
    /// The boundary of what lies inside, in no order.
    pub outline: Vec<Piece>,
}

/// Lengths below this (metres) are noise of floating point.
const NOISE_M: f64 = 1e-6;
/// Slack of quick decisions, metres: what is nearer to a limit is computed in full.
const NEAR_M: f64 = 1e-7;
/// [`NEAR_M`] along both axes.
const NEAR: Coord<f64> = Coord { x: NEAR_M, y: NEAR_M };
/// Capsules that are taken away from an end of an element one by one; what is left then is computed with all.
const STEPS: usize = 64;
/// What holds an element holds it by this at least, metres: a side that two collinear capsules share is held by neither.
const TIE_M: f64 = 1e-9;

/// A vertex of the river.
struct Centre {
    at: Coord<f64>,
    /// Segments that begin or end here.
    segs: Vec<u32>,
}

struct Corridor<'a> {
    d: f64,
    centres: Vec<Centre>,
    segs: Vec<Seg>,
    close: Close,
    /// Segments that share a vertex with each.
    neighbours: Vec<Vec<u32>>,
    site: &'a [Edge],
    bounds: &'a Rect<f64>,
    area: f64,
    outline: Vec<Piece>,
    /// Length of the corridor's own boundary inside the site.
    border_m: f64,
}

/// How one element lies to all capsules.
enum Covered {
    /// One capsule holds all of it.
    Whole,
    /// Several may, or none.
    Perhaps,
}

/// Capsules that held elements lately, the last first: what held one often holds the next.
struct Lately([usize; 8]);

impl Lately {
    fn new() -> Self {
        Self([usize::MAX; 8])
    }

    fn push(&mut self, k: usize) {
        let at = self.0.iter().position(|&j| j == k).unwrap_or(self.0.len() - 1);
        self.0[..=at].rotate_right(1);
        self.0[0] = k;
    }
}

/// Area of the site inside the corridor of distance `d` around `segs`; all in one plane, metres.
pub(super) fn area_inside(site: &[Edge], bounds: &Rect<f64>, segs: &[Seg], d: f64) -> Inside {
    let mut c = Corridor::new(site, bounds, segs, d);
    let whole = c.site_edges();
    c.sides();
    c.arcs();
    Inside { area: c.area, whole: whole && c.border_m <= 10.0 * NOISE_M, outline: c.outline }
}

/// Segments each from its lesser end, sorted and without doubles, so that sums do not depend on the order given; and
/// their positions in the order given.
fn sorted(given: &[Seg]) -> (Vec<Seg>, Vec<u32>) {
    let given: Vec<Seg> = given.iter().map(|&(a, b)| if (a.x, a.y) <= (b.x, b.y) { (a, b) } else { (b, a) }).collect();
    let key = |s: &Seg| [s.0.x, s.0.y, s.1.x, s.1.y];
    let mut by: Vec<u32> = (0..given.len() as u32).collect();
    by.sort_unstable_by(|&i, &j| {
        let (a, b) = (key(&given[i as usize]), key(&given[j as usize]));
        a.iter().zip(&b).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(i.cmp(&j))
    });
    let (mut segs, mut place): (Vec<Seg>, Vec<u32>) = (Vec::with_capacity(given.len()), vec![0; given.len()]);
    let mut first = vec![false; given.len()];
    for &i in &by {
        let s = given[i as usize];
        if segs.last() != Some(&s) {
            segs.push(s);
            first[i as usize] = true;
        }
        place[i as usize] = segs.len() as u32 - 1;
    }
    let order = place.into_iter().zip(first).filter(|(_, f)| *f).map(|(p, _)| p).collect();
    (segs, order)
}

impl<'a> Corridor<'a> {
    fn new(site: &'a [Edge], bounds: &'a Rect<f64>, segs: &[Seg], d: f64) -> Self {
        let (segs, order) = sorted(segs);
        let mut ends: Vec<(Coord<f64>, u32)> =
            segs.iter().enumerate().flat_map(|(k, s)| [(s.0, k as u32), (s.1, k as u32)]).collect();
        ends.sort_by(|a, b| a.0.x.total_cmp(&b.0.x).then(a.0.y.total_cmp(&b.0.y)).then(a.1.cmp(&b.1)));
        let mut centres: Vec<Centre> = Vec::with_capacity(segs.len() + 1);
        for (at, k) in ends {
            match centres.last_mut() {
                Some(c) if (c.at.x - at.x).abs() < 1e-9 && (c.at.y - at.y).abs() < 1e-9 => c.segs.push(k),
                _ => centres.push(Centre { at, segs: vec![k] }),
            }
        }
        let mut neighbours = vec![Vec::new(); segs.len()];
        for c in &centres {
            for &k in &c.segs {
                neighbours[k as usize].extend(c.segs.iter().filter(|&&j| j != k));
            }
        }
        let close = Close::new(&segs, order);
        Self { d, centres, segs, close, neighbours, site, bounds, area: 0.0, outline: Vec::new(), border_m: 0.0 }
    }

    /// A capsule that holds the convex hull of `corners`, which it does where it holds them, but not of `own`: looked for
    /// among `likely` and those that held elements lately.
    fn soon_covered(&self, corners: &[Coord<f64>], own: &[u32], likely: &[u32], lately: &mut Lately) -> bool {
        let (inner, n) = ((self.d - TIE_M).powi(2), self.segs.len());
        let is_own = |k: usize| own.contains(&(k as u32));
        let holds = |k: usize| corners.iter().all(|&c| point_segment(c, self.segs[k].0, self.segs[k].1).1 < inner);
        if likely.iter().map(|&k| k as usize).any(|k| !is_own(k) && holds(k)) {
            return true;
        }
        let found = lately.0.iter().copied().find(|&k| k < n && !is_own(k) && holds(k));
        found.inspect(|&k| lately.push(k)).is_some()
    }

    /// How the line p→q lies to the capsules but those of `own`; `likely` are tried first.
    fn cover_of_line(&self, [p, q]: [Coord<f64>; 2], own: &[u32], likely: &[u32], lately: &mut Lately) -> Covered {
        if self.soon_covered(&[p, q], own, likely, lately) {
            return Covered::Whole;
        }
        let inner = (self.d - TIE_M).powi(2);
        let holds = |s: Seg| point_segment(p, s.0, s.1).1 < inner && point_segment(q, s.0, s.1).1 < inner;
        let nearest = self.close.nearest(&self.segs, lerp(p, q, 0.5), inner, own);
        match nearest.filter(|(k, _)| holds(self.segs[*k])) {
            Some((k, _)) => {
                lately.push(k);
                Covered::Whole
            }
            None => Covered::Perhaps,
        }
    }

    /// How the arc g0…g1 (narrower than 2) of the circle at centre `k` lies to the capsules but those of its own segments.
    fn cover_of_arc(&self, k: usize, g0: f64, g1: f64, lately: &mut Lately) -> Covered {
        let (c, d, own) = (self.centres[k].at, self.d, &self.centres[k].segs);
        let half = 0.5 * (g1 - g0);
        // within the triangle of its ends and where their tangents meet
        let [a, b, tip] = [on_circle(c, d, g0), on_circle(c, d, g1), on_circle(c, d / half.cos(), g0 + half)];
        if self.soon_covered(&[a, b, tip], own, &[], lately) {
            return Covered::Whole;
        }
        let inner = (d - TIE_M).powi(2);
        let held = |k: usize, p: Coord<f64>| point_segment(p, self.segs[k].0, self.segs[k].1).1 < inner;
        let nearest = self.close.nearest(&self.segs, on_circle(c, d, g0 + half), inner, own);
        match nearest.filter(|(k, _)| [a, b, tip].iter().all(|&p| held(*k, p))) {
            Some((k, _)) => {
                lately.push(k);
                Covered::Whole
            }
            None => Covered::Perhaps,
        }
    }

    /// Parts of the line p→q (parameter 0…1 at its ends) outside the capsules; `side_of` is the segment on whose side the
    /// line lies.
    ///
    /// From either end the capsule that holds the end most deeply takes its part away, until none holds an end: of
    /// hundreds of capsules few are computed.
    fn exposed_line(&self, p: Coord<f64>, q: Coord<f64>, own: &[u32], side_of: Option<usize>) -> Vec<[f64; 2]> {
        let open = |k: usize| side_of.is_some_and(|i| k > i);
        let of = |k: usize| line_in_capsule(p, q, self.segs[k], self.d, open(k));
        let deepest = |t: f64| self.deepest(lerp(p, q, t), own).and_then(of);
        let (mut t0, mut t1) = (0.0, 1.0);
        for _ in 0..STEPS {
            let Some([_, to]) = deepest(t0).filter(|i| i[1] > t0) else { break };
            t0 = to;
            if t0 >= t1 {
                return Vec::new();
            }
        }
        for _ in 0..STEPS {
            let Some([from, _]) = deepest(t1).filter(|i| i[0] < t1) else { break };
            t1 = from;
            if t0 >= t1 {
                return Vec::new();
            }
        }
        let (a, b) = (lerp(p, q, t0), lerp(p, q, t1));
        let (inner, near) = ((self.d - TIE_M).powi(2), (self.d + NEAR_M).powi(2));
        // between two points at least x and y from a third, a point of the line is at least √((x² + y² − l²)/2) from it
        let l2 = (b.x - a.x).powi(2) + (b.y - a.y).powi(2);
        let mut list = Vec::new();
        self.close.within(&self.segs, lerp(a, b, 0.5), (self.d + NEAR_M + 0.5 * l2.sqrt()).powi(2), own, &mut list);
        list.retain(|&k| {
            let s = self.segs[k];
            let (x2, y2) = (point_segment(a, s.0, s.1).1, point_segment(b, s.0, s.1).1);
            let perhaps = 0.5 * (x2 + y2 - l2) <= near || x2 <= inner || y2 <= inner;
            perhaps && (side_of.is_some() || segments_d2(a, b, s) < inner)
        });
        Intervals(list.into_iter().filter_map(of).collect()).gaps(t0, t1)
    }

    /// The capsule that holds a point most deeply.
    fn deepest(&self, p: Coord<f64>, own: &[u32]) -> Option<usize> {
        self.close.nearest(&self.segs, p, (self.d - TIE_M).powi(2), own).map(|n| n.0)
    }

    /// Parts of the arc g0…g1 of the circle round `c` outside the capsules; as [`Self::exposed_line`].
    fn exposed_arc(&self, c: Coord<f64>, g0: f64, g1: f64, own: &[u32]) -> Vec<[f64; 2]> {
        let d = self.d;
        let covers = |k: usize| -> Vec<[f64; 2]> {
            let (a, b) = self.segs[k];
            let mut out = Vec::new();
            for o in [a, b] {
                let (dx, dy) = (o.x - c.x, o.y - c.y);
                let gap = dx.hypot(dy);
                if gap < 2.0 * d && gap > 1e-9 {
                    push_arc(&mut out, dy.atan2(dx), (gap / (2.0 * d)).clamp(-1.0, 1.0).acos());
                }
            }
            circle_in_rectangle(&mut out, c, d, (a, b));
            out
        };
        let (mut t0, mut t1) = (g0, g1);
        // ends taken away while that makes headway
        for _ in 0..STEPS {
            let Some(k) = self.deepest(on_circle(c, d, t0), own) else { break };
            let to = Intervals(covers(k)).union().into_iter().find(|i| i[0] <= t0 && i[1] > t0).map(|i| i[1]);
            let Some(to) = to else { break };
            t0 = to;
            if t0 >= t1 {
                return Vec::new();
            }
        }
        for _ in 0..STEPS {
            let Some(k) = self.deepest(on_circle(c, d, t1), own) else { break };
            let from = Intervals(covers(k)).union().into_iter().find(|i| i[0] < t1 && i[1] >= t1).map(|i| i[0]);
            let Some(from) = from else { break };
            t1 = from;
            if t0 >= t1 {
                return Vec::new();
            }
        }
        let (a, b) = (on_circle(c, d, t0), on_circle(c, d, t1));
        let inner = (d - TIE_M).powi(2);
        let (ra, rb) = (a - c, b - c);
        let meets = |k: &usize| {
            let (p, q) = self.segs[*k];
            let held = |x| point_segment(x, p, q).1 < inner;
            // on one side of the sector: then the arc is nearest to it at an end
            let beside = |r: Coord<f64>, sign: f64| [p, q].iter().all(|o| sign * cross(r, *o - c) < 0.0);
            held(a) || held(b) || t1 - t0 > 3.0 || !(beside(ra, 1.0) || beside(rb, -1.0))
        };
        let mut list = Vec::new();
        // no point of the arc is farther from its middle than its ends are
        let reach = d + NEAR_M + 2.0 * d * (0.25 * (t1 - t0)).min(FRAC_PI_2).sin();
        self.close.within(&self.segs, on_circle(c, d, 0.5 * (t0 + t1)), reach * reach, own, &mut list);
        Intervals(list.into_iter().filter(meets).flat_map(covers).collect()).gaps(t0, t1)
    }

    /// The parts of the site's outline inside the corridor; answers whether that is all of it.
    fn site_edges(&mut self) -> bool {
        let (mut whole, mut lately) = (true, Lately::new());
        // no segment lies nearer than `away` to where the last edge ended
        let (mut away, mut end) = (0.0, None);
        for &(p, q) in self.site {
            let len = (q.x - p.x).hypot(q.y - p.y);
            // another ring begins
            if end.replace(q) != Some(p) {
                away = 0.0;
            }
            if away - len > self.d + NEAR_M {
                whole &= len <= NOISE_M;
                away -= len;
                continue;
            }
            let inside = match self.cover_of_line([p, q], &[], &[], &mut lately) {
                Covered::Whole => vec![[0.0, 1.0]],
                Covered::Perhaps => between(&self.exposed_line(p, q, &[], None)),
            };
            away = 0.0;
            if inside.is_empty() {
                let nearest = self.close.nearest(&self.segs, q, f64::INFINITY, &[]);
                away = nearest.map_or(f64::INFINITY, |n| n.1.sqrt());
            }
            let mut covered = 0.0;
            for [t0, t1] in inside {
                let (t0, t1) = (t0.max(0.0), t1.min(1.0));
                if t1 > t0 {
                    covered += t1 - t0;
                    self.line(lerp(p, q, t0), lerp(p, q, t1));
                }
            }
            whole &= (1.0 - covered) * len <= NOISE_M;
        }
        whole
    }

    fn line(&mut self, p: Coord<f64>, q: Coord<f64>) {
        self.area += 0.5 * cross(p, q);
        self.outline.push(Piece::Line(p, q));
    }

    /// The long sides of rectangles that bound the corridor inside the site.
    fn sides(&mut self) {
        let mut lately = Lately::new();
        for k in 0..self.segs.len() {
            let (a, b) = self.segs[k];
            let (ux, uy) = (b.x - a.x, b.y - a.y);
            let len = ux.hypot(uy);
            if len <= 0.0 {
                continue;
            }
            let n = Coord { x: -uy / len * self.d, y: ux / len * self.d };
            // counter-clockwise round the rectangle: the right side forwards, the left side backwards
            for (p, q) in [(a - n, b - n), (b + n, a + n)] {
                if boxes_meet(p, q, self.bounds) {
                    self.side(k, p, q, len, &mut lately);
                }
            }
        }
    }

    fn side(&mut self, k: usize, p: Coord<f64>, q: Coord<f64>, len: f64, lately: &mut Lately) {
        let own = [k as u32];
        if let Covered::Whole = self.cover_of_line([p, q], &own, &self.neighbours[k], lately) {
            return;
        }
        for [g0, g1] in self.exposed_line(p, q, &own, Some(k)) {
            if (g1 - g0) * len <= 0.0 {
                continue;
            }
            let cuts = cuts_on_line(lerp(p, q, g0), lerp(p, q, g1), self.site);
            let t = |s: f64| g0 + s * (g1 - g0);
            for w in cuts.windows(2) {
                if w[1] > w[0] && inside(lerp(p, q, t(0.5 * (w[0] + w[1]))), self.site) {
                    self.line(lerp(p, q, t(w[0])), lerp(p, q, t(w[1])));
                    self.border_m += (w[1] - w[0]) * (g1 - g0) * len;
                }
            }
        }
    }

    /// The arcs round vertices that bound the corridor inside the site.
    ///
    /// Where the direction from the vertex leans towards one of its segments, that segment's capsule covers the circle,
    /// since a step along the segment comes nearer. What is left is a cone of normals, narrow where the river bends
    /// little.
    fn arcs(&mut self) {
        let mut lately = Lately::new();
        for k in 0..self.centres.len() {
            let c = self.centres[k].at;
            let far = [self.bounds.min(), self.bounds.max()]
                .iter()
                .flat_map(|p| [self.bounds.min(), self.bounds.max()].map(|q| (p.x - c.x).hypot(q.y - c.y)))
                .fold(0.0, f64::max);
            if point_rect2(c, self.bounds).sqrt() > self.d || far < self.d {
                continue;
            }
            if let Some(false) = self.cone_meets_site(k) {
                continue;
            }
            let mut leaning = Vec::new();
            for e in self.directions(k) {
                push_arc(&mut leaning, e.y.atan2(e.x), FRAC_PI_2);
            }
            for [g0, g1] in Intervals(leaning).gaps(0.0, TAU) {
                self.arc(k, g0, g1, &mut lately);
            }
        }
    }

    /// Directions of the segments at a vertex, away from it.
    fn directions(&self, k: usize) -> impl Iterator<Item = Coord<f64>> + '_ {
        let c = self.centres[k].at;
        self.centres[k].segs.iter().map(move |&s| {
            let (a, b) = self.segs[s as usize];
            let near_a = (a.x - c.x).abs() < 1e-9 && (a.y - c.y).abs() < 1e-9;
            if near_a { b - a } else { a - b }
        })
    }

    /// Whether the arc that the two segments of a vertex leave may meet the site's bounds; `None` where there are not
    /// two, or they leave a wide one.
    fn cone_meets_site(&self, k: usize) -> Option<bool> {
        let c = self.centres[k].at;
        let mut directions = self.directions(k);
        let (e, f, None) = (directions.next()?, directions.next()?, directions.next()) else { return None };
        let unit = |v: Coord<f64>| v / v.x.hypot(v.y);
        let (e, f) = (unit(e), unit(f));
        if e.x * f.x + e.y * f.y > -0.5 {
            return None;
        }
        // straight on: the arc has no length (3 nm for 3 km)
        if cross(e, f).abs() < 1e-12 {
            return Some(false);
        }
        // of the two normals of each, the one that does not lean towards the other
        let normal = |e: Coord<f64>, f: Coord<f64>| {
            let n = Coord { x: -e.y, y: e.x };
            if n.x * f.x + n.y * f.y <= 0.0 { n } else { Coord { x: -n.x, y: -n.y } }
        };
        let (r, s) = (normal(e, f), normal(f, e));
        let cos = r.x * s.x + r.y * s.y;
        // the triangle of the arc's ends and where their tangents meet: (r + s) / (1 + cos) from the centre
        let tip = (r + s) / (1.0 + cos);
        let corners = [r, s, tip].map(|u| c + u * self.d);
        let (lo, hi) = corners.iter().fold((corners[0], corners[0]), |(lo, hi), p| {
            (Coord { x: lo.x.min(p.x), y: lo.y.min(p.y) }, Coord { x: hi.x.max(p.x), y: hi.y.max(p.y) })
        });
        Some(boxes_meet(lo - NEAR, hi + NEAR, self.bounds))
    }

    fn arc(&mut self, k: usize, g0: f64, g1: f64, lately: &mut Lately) {
        let (c, d) = (self.centres[k].at, self.d);
        let middle = on_circle(c, d, 0.5 * (g0 + g1));
        // the farthest point of the arc from its middle is an end
        let half = 2.0 * d * (0.25 * (g1 - g0)).min(FRAC_PI_2).sin();
        if g1 <= g0 || point_rect2(middle, self.bounds).sqrt() > half + NEAR_M {
            return;
        }
        if g1 - g0 < 2.0
            && let Covered::Whole = self.cover_of_arc(k, g0, g1, lately)
        {
            return;
        }
        let own = &self.centres[k].segs;
        for [t0, t1] in self.exposed_arc(c, g0, g1, own) {
            let cuts = cuts_on_arc(c, d, t0, t1, self.site);
            for w in cuts.windows(2) {
                if w[1] > w[0] && inside(on_circle(c, d, 0.5 * (w[0] + w[1])), self.site) {
                    self.area += arc_integral(c, d, w[0], w[1]);
                    self.outline.push(Piece::Arc { centre: c, from: w[0], to: w[1] });
                    self.border_m += (w[1] - w[0]) * d;
                }
            }
        }
    }
}

/// What gaps leave of 0…1.
fn between(gaps: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out = Vec::new();
    let mut at = 0.0;
    for g in gaps {
        if g[0] > at {
            out.push([at, g[0]]);
        }
        at = g[1];
    }
    if at < 1.0 {
        out.push([at, 1.0]);
    }
    out
}

/// Squared distance between two segments that do not cross (the corridor's boundary never crosses the river), or 0.
fn segments_d2(a: Coord<f64>, b: Coord<f64>, s: Seg) -> f64 {
    segment_segment(a, b, s.0, s.1).d2
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    use proptest::prelude::*;

    fn c(x: f64, y: f64) -> Coord<f64> {
        Coord { x, y }
    }

    fn square(x: f64, y: f64, w: f64) -> (Edges, Rect<f64>) {
        let p = [c(x, y), c(x + w, y), c(x + w, y + w), c(x, y + w)];
        ((0..4).map(|i| (p[i], p[(i + 1) % 4])).collect(), Rect::new(p[0], p[2]))
    }

    #[test]
    fn half_a_square_beside_a_straight_river() {
        let (e, b) = square(-5.0, 95.0, 10.0);
        let i = area_inside(&e, &b, &[(c(-1000., 0.), c(0., 0.)), (c(0., 0.), c(1000., 0.))], 100.0);
        assert!((i.area - 50.0).abs() < 1e-9 && !i.whole, "{i:?}");
    }

    #[test]
    fn a_disk_wholly_in_a_square() {
        let (e, b) = square(-10.0, -10.0, 20.0);
        let i = area_inside(&e, &b, &[(c(0., 0.), c(1., 0.))], 3.0);
        assert!((i.area - (9.0 * PI + 6.0)).abs() < 1e-9, "{i:?}");
    }

    #[test]
    fn the_corridor_closes_round_a_hole() {
        // four sides of a 100 m square river, d = 20: the middle 60 m square is outside
        let k = [c(0., 0.), c(100., 0.), c(100., 100.), c(0., 100.)];
        let segs: Vec<Seg> = (0..4).map(|i| (k[i], k[(i + 1) % 4])).collect();
        let (e, b) = square(0.0, 0.0, 100.0);
        let i = area_inside(&e, &b, &segs, 20.0);
        assert!((i.area - (10_000.0 - 3_600.0)).abs() < 1e-6 && !i.whole, "{i:?}");
        let (e, b) = square(1.0, 1.0, 18.0);
        assert!(area_inside(&e, &b, &segs, 20.0).whole);
    }

    proptest! {
        // a river of many short segments: each piece of the boundary has hundreds of capsules near it
        #[test]
        fn area_beside_a_rough_river_equals_a_grid_count(turns in prop::collection::vec(-0.6..0.6f64, 300), d in 40.0..200.0f64, x in -250.0..250.0f64, y in -250.0..250.0f64) {
            let mut at = (c(-300.0, 0.0), 0.0f64);
            let mut segs: Vec<Seg> = Vec::new();
            for t in turns {
                at.1 = 0.98 * at.1 + 0.5 * t;
                let next = c(at.0.x + 2.0 * at.1.cos(), at.0.y + 2.0 * at.1.sin());
                segs.push((at.0, next));
                at.0 = next;
            }
            let (mut e, b) = square(x, y, 60.0);
            let k = [c(x + 5.0, y + 5.0), c(x + 5.0, y + 35.0), c(x + 35.0, y + 35.0), c(x + 35.0, y + 5.0)];
            e.extend((0..4).map(|i| (k[i], k[(i + 1) % 4])));
            let exact = area_inside(&e, &b, &segs, d).area;
            let n = 120;
            let hit = (0..n * n).filter(|k| {
                let p = c(x + 60.0 * ((k % n) as f64 + 0.5) / n as f64, y + 60.0 * ((k / n) as f64 + 0.5) / n as f64);
                inside(p, &e) && segs.iter().any(|s| point_segment(p, s.0, s.1).1 <= d * d)
            }).count();
            let grid = 3600.0 * hit as f64 / (n * n) as f64;
            // boundaries of at most ~200 m through cells of 0.5 m; the hole's edges lie on cells' edges
            prop_assert!((exact - grid).abs() < 8.0, "exact {exact} grid {grid}");
        }

        // Monte Carlo is too coarse: compare with a fine regular grid count instead
        #[test]
        fn area_equals_a_grid_count(pts in prop::collection::vec((-60.0..60.0f64, -60.0..60.0f64), 2..7), d in 5.0..40.0f64, x in -40.0..20.0f64, y in -40.0..20.0f64) {
            let segs: Vec<Seg> = pts.windows(2).map(|w| (c(w[0].0, w[0].1), c(w[1].0, w[1].1))).collect();
            let (e, b) = square(x, y, 30.0);
            let exact = area_inside(&e, &b, &segs, d).area;
            let n = 300;
            let hit = (0..n * n).filter(|k| {
                let p = c(x + 30.0 * ((k % n) as f64 + 0.5) / n as f64, y + 30.0 * ((k / n) as f64 + 0.5) / n as f64);
                segs.iter().any(|s| point_segment(p, s.0, s.1).1 <= d * d)
            }).count();
            let grid = 900.0 * hit as f64 / (n * n) as f64;
            // a boundary of at most ~150 m passes through cells of 0.1 m: below 1.5 m² off, mostly far less
            prop_assert!((exact - grid).abs() < 1.5, "exact {exact} grid {grid}");
        }
    }
}
