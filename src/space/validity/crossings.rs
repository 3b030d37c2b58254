//! Every place where edges meet that should not, or may only touch.

use std::collections::{BTreeMap, BTreeSet};

use geo::{Coord, Rect};

use super::exact::{Meet, cross_at, meet};
use super::rings::Rings;
use super::{Found, Reason};
use crate::space::index::BoxIndex;

/// Two rings touch at a point without passing through each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Touch {
    pub at: Coord<f64>,
    /// The edges that hold the point: at their start or within, never at their end.
    pub edges: [u32; 2],
}

/// How rings meet.
#[derive(Debug, Default)]
pub(super) struct Meets {
    /// Pairs of rings that cross or run along each other, the smaller number first.
    pub crossing: BTreeSet<(u32, u32)>,
    /// Touches of two different rings, those of crossing pairs included.
    pub touches: Vec<Touch>,
    /// For points that touch other rings, the edges of those that hold them.
    pub at_point: BTreeMap<u32, Vec<u32>>,
    /// The index over edges; `None` where there is none.
    pub index: Option<BoxIndex>,
}

impl Meets {
    pub fn cross(&self, a: u32, b: u32) -> bool {
        self.crossing.contains(&(a.min(b), a.max(b)))
    }
}

/// Finds where edges meet and tells the faults among it.
pub(super) fn find(r: &Rings, found: &mut Found) -> Meets {
    let edge = |i: u32| Rect::new(r.at(i), r.at(r.next(i)));
    let boxes: Vec<Rect<f64>> = (0..r.points.len() as u32).map(edge).collect();
    let mut meets = Meets { index: BoxIndex::build(&boxes).ok(), ..Meets::default() };
    let Some(index) = meets.index.take() else { return meets };
    let mut same = BTreeMap::new();
    for i in 0..boxes.len() as u32 {
        for j in index.window(&boxes[i as usize]).into_iter().filter(|&j| j > i) {
            pair(r, [i, j], &mut same, &mut meets, found);
        }
        if found.full() {
            break;
        }
    }
    meets.index = Some(index);
    meets
}

type Same = BTreeMap<(u32, u32), bool>;

fn pair(r: &Rings, edges: [u32; 2], same: &mut Same, meets: &mut Meets, found: &mut Found) {
    let [i, j] = edges;
    let (ri, rj) = (r.ring_of[i as usize], r.ring_of[j as usize]);
    // consecutive edges meet at their common point; a spike is told by itself
    if ri == rj && (r.next(i) == j || r.next(j) == i) {
        return;
    }
    let (a, b, c, d) = (r.at(i), r.at(r.next(i)), r.at(j), r.at(r.next(j)));
    let (part, ring) = { (r.rings[rj as usize].part as usize, r.rings[rj as usize].ring as usize) };
    let mut add = |why, at| found.add(why, at, part, ring);
    match meet(a, b, c, d) {
        Meet::Apart => return,
        Meet::Cross(at) => add(Reason::SelfIntersection, at),
        Meet::Overlap(at) => {
            let known = same.contains_key(&(ri, rj));
            let equal = *same.entry((ri, rj)).or_insert_with(|| ri != rj && equal_rings(r, ri, rj));
            match (equal, known) {
                (true, false) => add(Reason::DuplicateRings, at),
                (true, true) => {}
                (false, _) => add(Reason::SelfIntersection, at),
            }
        }
        // the end of an edge is the start of the next, which tells it
        Meet::Touch(at) if at == b || at == d => return,
        Meet::Touch(at) => {
            let through =
                |start: Coord<f64>, i: u32| [if at == start { r.at(r.prev(i)) } else { start }, r.at(r.next(i))];
            if cross_at(at, through(a, i), through(c, j)) {
                add(Reason::SelfIntersection, at);
            } else if ri == rj {
                return add(Reason::RingSelfIntersection, at);
            } else {
                meets.touches.push(Touch { at, edges });
                for (v, start, e) in [(i, a, j), (j, c, i)] {
                    if at == start {
                        meets.at_point.entry(v).or_default().push(e);
                    }
                }
                return;
            }
        }
    }
    if ri != rj {
        meets.crossing.insert((ri, rj));
    }
}

/// True where two rings go through the same points, whatever the start and the direction.
fn equal_rings(r: &Rings, a: u32, b: u32) -> bool {
    let points = |i: u32| {
        let ring = &r.rings[i as usize];
        &r.points[ring.start as usize..ring.end as usize]
    };
    let (a, b) = (points(a), points(b));
    let n = a.len();
    n == b.len()
        && (0..n)
            .filter(|&k| b[k] == a[0])
            .any(|k| (0..n).all(|i| a[i] == b[(k + i) % n]) || (0..n).all(|i| a[i] == b[(k + n - i) % n]))
}
