//! The quick test: a line sweeps over all edges from left to right (Shamos & Hoey 1976).
//!
//! The edges that the line crosses are kept in the order in which it crosses them. Two edges that meet stand side by
//! side in it just before they do, so only neighbours are compared. The sweep gives up at the first place where edges
//! meet other than at the point between two consecutive edges of a ring, and where rings are not nested as they should.

use std::cmp::Ordering;

use geo::Coord;

use super::exact::{before, order, side};
use super::rings::Rings;

/// No ring around.
const OUTSIDE: u32 = u32::MAX;
/// Not met yet.
const UNSEEN: u32 = u32::MAX - 1;

/// Buffers of the sweep.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Points from left to right.
    events: Vec<(Coord<f64>, u32)>,
    /// Edges by number, left end first.
    edges: Vec<(Coord<f64>, Coord<f64>)>,
    /// Edges that the line crosses, from below to above.
    active: Vec<u32>,
    /// For each ring the ring directly around it.
    around: Vec<u32>,
    /// For each ring whether it runs counter-clockwise.
    left_inside: Vec<bool>,
}

impl Sweep {
    /// True where no two edges meet but at the point between them, and every ring lies in the right one.
    pub fn apart(&mut self, r: &Rings) -> bool {
        self.prepare(r);
        // points that coincide are rings that touch
        if self.events.windows(2).any(|w| w[0].0 == w[1].0) {
            return false;
        }
        let events = std::mem::take(&mut self.events);
        let apart = events.iter().all(|&(c, v)| self.step(r, c, v));
        self.events = events;
        apart
    }

    fn prepare(&mut self, r: &Rings) {
        self.events.clear();
        self.edges.clear();
        self.active.clear();
        self.around.clear();
        self.around.resize(r.rings.len(), UNSEEN);
        self.left_inside.clear();
        self.left_inside.resize(r.rings.len(), false);
        for ring in &r.rings {
            let points = &r.points[ring.start as usize..ring.end as usize];
            for (k, &c) in points.iter().enumerate() {
                let d = points[if k + 1 == points.len() { 0 } else { k + 1 }];
                self.edges.push(if before(c, d) { (c, d) } else { (d, c) });
                self.events.push((c, ring.start + k as u32));
            }
        }
        // the stable sort takes the runs that a ring consists of as they are
        self.events.sort_by(|a, b| order(a.0, b.0));
    }

    /// Takes the line over point `v`; false where that shows that edges meet.
    fn step(&mut self, r: &Rings, c: Coord<f64>, v: u32) -> bool {
        let (p, q) = (r.prev(v), r.next(v));
        let (came_p, came_q) = (before(r.at(p), c), before(r.at(q), c));
        let Some(k) = self.place(c, p, v) else { return false };
        match (came_p, came_q) {
            // one edge ends, the next begins
            (true, false) => self.replace(k, p, v),
            (false, true) => self.replace(k, v, p),
            // two edges end: they must be neighbours
            (true, true) => {
                let k = if k > 0 && self.own(k - 1, p, v) { k - 1 } else { k };
                if !(self.own(k, p, v) && k + 1 < self.active.len() && self.own(k + 1, p, v)) {
                    return false;
                }
                self.active.drain(k..k + 2);
                k == 0 || k == self.active.len() || self.in_order(k - 1, k)
            }
            (false, false) => self.begin(r, k, v, r.at(p), r.at(q)),
        }
    }

    fn own(&self, k: usize, p: u32, v: u32) -> bool {
        self.active[k] == p || self.active[k] == v
    }

    /// Where a point lies among the edges: the place of one of its own (numbers `p` and `v`), or where they belong;
    /// `None` where it lies on another edge.
    fn place(&self, c: Coord<f64>, p: u32, v: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.active.len());
        while low < high {
            let k = (low + high) / 2;
            if self.own(k, p, v) {
                return Some(k);
            }
            let (a, b) = self.edges[self.active[k] as usize];
            match side(a, b, c).partial_cmp(&0.0)? {
                Ordering::Greater => low = k + 1,
                Ordering::Less => high = k,
                Ordering::Equal => return None,
            }
        }
        Some(low)
    }

    fn replace(&mut self, k: usize, old: u32, new: u32) -> bool {
        if self.active.get(k) != Some(&old) {
            return false;
        }
        self.active[k] = new;
        (k == 0 || self.in_order(k - 1, k)) && (k + 1 == self.active.len() || self.in_order(k, k + 1))
    }

    /// Two edges begin at point `v`, towards `at_p` (edge `p`, the one before) and `at_q` (edge `v`).
    fn begin(&mut self, r: &Rings, k: usize, v: u32, at_p: Coord<f64>, at_q: Coord<f64>) -> bool {
        let p = r.prev(v);
        let turn = side(at_p, r.at(v), at_q);
        if turn == 0.0 {
            return false;
        }
        let ring = r.ring_of[v as usize];
        if self.around[ring as usize] == UNSEEN {
            // the leftmost point of a ring is a corner of its hull
            self.left_inside[ring as usize] = turn > 0.0;
            if !self.nested(r, k, ring) {
                return false;
            }
        }
        // a turn to the left: the edge on to q lies below
        let (low, high) = if turn > 0.0 { (v, p) } else { (p, v) };
        self.active.splice(k..k, [low, high]);
        (k == 0 || self.in_order(k - 1, k)) && (k + 2 == self.active.len() || self.in_order(k + 1, k + 2))
    }

    /// Notes the ring directly around one that begins at place `k`; false where it is the wrong one.
    fn nested(&mut self, r: &Rings, k: usize, ring: u32) -> bool {
        let around = match k.checked_sub(1).map(|b| self.active[b]) {
            None => OUTSIDE,
            Some(edge) => {
                let other = r.ring_of[edge as usize];
                let to_the_right = before(r.at(edge), r.at(r.next(edge)));
                if to_the_right == self.left_inside[other as usize] { other } else { self.around[other as usize] }
            }
        };
        self.around[ring as usize] = around;
        let this = r.rings[ring as usize];
        if this.hole() {
            around == this.shell
        } else {
            around == OUTSIDE || r.rings.get(around as usize).is_some_and(super::rings::Ring::hole)
        }
    }

    /// True where neighbours do not meet to the right of the line: the one that ends first must end on its side of the
    /// other. Neighbours with a common end are consecutive, for no other points coincide.
    fn in_order(&self, low: usize, high: usize) -> bool {
        let (a, b) = (self.edges[self.active[low] as usize], self.edges[self.active[high] as usize]);
        match order(a.1, b.1) {
            Ordering::Less => side(b.0, b.1, a.1) < 0.0,
            Ordering::Greater => side(a.0, a.1, b.1) > 0.0,
            Ordering::Equal => true,
        }
    }
}
