//! The segments that decide what of a box lies within a distance.

use geo::{Coord, Rect};

use super::inside::Seg;
use super::local::LocalSite;
use super::nearest::local;
use super::network::Network;
use super::runs::{Capsule, Run};
use crate::space::distance::point_segment;

/// What of a box lies within the distance.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reach {
    /// Nothing.
    Outside,
    /// All of it.
    Inside,
    /// What these segments say: every point of the box within the distance is within it of one of them.
    Edge(Vec<Seg>),
}

/// Cells are quartered at most this often.
const DEPTH: u32 = 6;
/// A cell with at most this many runs near it is not quartered.
const FEW: usize = 3;

/// Of the network's segments, those that decide what of `bounds` (in the site's plane) lies within `d`: found by
/// quartering the box as long as the corridor's edge may run through a part and many segments may be the nearest there.
pub(super) fn reach(net: &Network, site: &LocalSite, bounds: &Rect<f64>, d: f64) -> Reach {
    let gap = net.gap_from(&site.outer);
    let cell = Cell::of(bounds);
    let mut near: Vec<(Run, Capsule)> = Vec::new();
    let groups = net.index.within(d + 1e-3, |r| gap.to(r));
    let capsule = |run: &Run| Capsule::of(run, &net.segments, &site.frame);
    let groups: Vec<(u32, Capsule)> = groups.into_iter().map(|g| (g, capsule(&net.groups[g as usize].whole))).collect();
    let (list, state) = cell.close(&groups, d);
    match state {
        State::Outside => return Reach::Outside,
        State::Inside => return Reach::Inside,
        State::Edge => {}
    }
    for g in list {
        let g = &net.groups[groups[g as usize].0 as usize];
        let runs = &net.runs[g.first_run as usize..(g.first_run + g.runs) as usize];
        near.extend(runs.iter().map(|r| (*r, capsule(r))));
    }
    let mut q = Quarters { net, site, d, keep: vec![Vec::new(); near.len()], near };
    let all: Vec<u32> = (0..q.near.len() as u32).collect();
    let state = q.cell(&all, cell, 0);
    if state == State::Inside {
        return Reach::Inside;
    }
    let mut out = Vec::new();
    for ((run, _), keep) in q.near.iter().zip(&q.keep) {
        for (k, _) in run.segments().zip(keep).filter(|(_, k)| **k) {
            out.push(local(&site.frame, &net.segments[k]));
        }
    }
    if out.is_empty() { Reach::Outside } else { Reach::Edge(out) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Edge,
}

#[derive(Clone, Copy)]
struct Cell {
    lo: Coord<f64>,
    hi: Coord<f64>,
    centre: Coord<f64>,
    /// Half the diagonal.
    half: f64,
}

impl Cell {
    fn of(r: &Rect<f64>) -> Self {
        Self { lo: r.min(), hi: r.max(), centre: r.center(), half: 0.5 * r.width().hypot(r.height()) }
    }

    fn quarters(&self) -> [Self; 4] {
        let (lo, c, hi) = (self.lo, self.centre, self.hi);
        [(lo.x, c.x, lo.y, c.y), (lo.x, c.x, c.y, hi.y), (c.x, hi.x, lo.y, c.y), (c.x, hi.x, c.y, hi.y)]
            .map(|(x0, x1, y0, y1)| Self::of(&Rect::new(Coord { x: x0, y: y0 }, Coord { x: x1, y: y1 })))
    }

    /// Positions of the capsules that may hold the nearest point of some point of the cell, nearest first in no order;
    /// and whether the cell surely lies outside or inside.
    fn close<T>(&self, all: &[(T, Capsule)], d: f64) -> (Vec<u32>, State) {
        self.close_of(all.iter().enumerate().map(|(i, (_, c))| (i as u32, c)), d)
    }

    fn close_of<'a>(&self, all: impl Iterator<Item = (u32, &'a Capsule)>, d: f64) -> (Vec<u32>, State) {
        let mut lowest = f64::INFINITY;
        let mut least_upper = f64::INFINITY;
        let dist: Vec<(u32, f64)> = all
            .map(|(i, c)| {
                let m = point_segment(self.centre, c.a, c.b).1.sqrt();
                lowest = lowest.min(m - c.thick_m);
                least_upper = least_upper.min(m + c.thick_m);
                (i, m - c.thick_m)
            })
            .collect();
        if lowest - self.half > d {
            return (Vec::new(), State::Outside);
        }
        if least_upper + self.half <= d {
            return (Vec::new(), State::Inside);
        }
        let limit = (least_upper + 2.0 * self.half).min(d + self.half);
        (dist.into_iter().filter(|x| x.1 <= limit).map(|x| x.0).collect(), State::Edge)
    }
}

struct Quarters<'a> {
    net: &'a Network,
    site: &'a LocalSite,
    d: f64,
    near: Vec<(Run, Capsule)>,
    /// Which segments of each run are kept; empty where none.
    keep: Vec<Vec<bool>>,
}

impl Quarters<'_> {
    fn cell(&mut self, list: &[u32], cell: Cell, depth: u32) -> State {
        let (close, state) = cell.close_of(list.iter().map(|&i| (i, &self.near[i as usize].1)), self.d);
        if state == State::Outside {
            return state;
        }
        if state == State::Inside {
            // covered by one segment: the nearest to its centre
            self.nearest_covers(list, &cell);
            return state;
        }
        if close.len() <= FEW || depth == DEPTH {
            self.leaf(&close, &cell);
            return State::Edge;
        }
        let states = cell.quarters().map(|q| self.cell(&close, q, depth + 1));
        if states.iter().all(|s| *s == State::Inside) { State::Inside } else { State::Edge }
    }

    /// Distances of a run's segments to a point.
    fn distances(&self, run: u32, p: Coord<f64>) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.near[run as usize].0.segments().enumerate().map(move |(j, k)| {
            let s = local(&self.site.frame, &self.net.segments[k]);
            (j, point_segment(p, s.0, s.1).1.sqrt())
        })
    }

    fn keep(&mut self, run: u32, j: usize) {
        let n = self.near[run as usize].0.len as usize;
        let k = &mut self.keep[run as usize];
        k.resize(n, false);
        k[j] = true;
    }

    fn nearest_covers(&mut self, list: &[u32], cell: &Cell) {
        let by_capsule = |i: &u32| {
            let c = &self.near[*i as usize].1;
            point_segment(cell.centre, c.a, c.b).1.sqrt() + c.thick_m
        };
        let Some(&run) = list.iter().min_by(|a, b| by_capsule(a).total_cmp(&by_capsule(b))) else { return };
        // the capsule's bound holds for each of its segments' nearest; one of them is within it
        let best = self.distances(run, cell.centre).min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((j, _)) = best {
            self.keep(run, j);
        }
    }

    fn leaf(&mut self, close: &[u32], cell: &Cell) {
        let all: Vec<(u32, usize, f64)> =
            close.iter().flat_map(|&r| self.distances(r, cell.centre).map(move |(j, m)| (r, j, m))).collect();
        let least = all.iter().map(|x| x.2).fold(f64::INFINITY, f64::min);
        let limit = (least + 2.0 * cell.half).min(self.d + cell.half);
        for (r, j, _) in all.into_iter().filter(|x| x.2 <= limit) {
            self.keep(r, j);
        }
    }
}
