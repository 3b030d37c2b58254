//! Which ring lies in which, and whether touching holes cut the interior.

use std::collections::BTreeMap;

use geo::{Coord, Rect};

use super::crossings::Meets;
use super::exact::{before, side, within_turn};
use super::rings::Rings;
use super::{Found, Reason};

/// Tells holes outside their shell, nested holes and shells, and disconnected interiors.
pub(super) fn check(r: &Rings, meets: &Meets, found: &mut Found) {
    if r.rings.len() < 2 || meets.index.is_none() {
        return;
    }
    let around: Vec<Vec<u32>> = (0..r.rings.len() as u32).map(|i| rings_around(r, meets, i)).collect();
    let mut outside = vec![false; r.rings.len()];
    for (i, ring) in r.rings.iter().enumerate() {
        let (this, at) = (i as u32, r.at(ring.start));
        let (part, number) = (ring.part as usize, ring.ring as usize);
        if !ring.hole() {
            if within_another_part(r, meets, this, &around[i]) {
                found.add(Reason::NestedShells, at, part, number);
            }
            continue;
        }
        // a hole whose shell was of no use is not said to be outside
        let shell = ring.shell;
        if (shell as usize) < r.rings.len() && !meets.cross(this, shell) && !around[i].contains(&shell) {
            outside[i] = true;
            found.add(Reason::HoleOutsideShell, at, part, number);
        }
        let in_hole = around[i].iter().any(|&o| {
            let other = r.rings[o as usize];
            other.hole() && other.part == ring.part && !meets.cross(this, o)
        });
        if in_hole {
            found.add(Reason::NestedHoles, at, part, number);
        }
    }
    connected(r, meets, &outside, found);
}

/// True where a shell lies in the shell of another part, and not in one of its holes.
fn within_another_part(r: &Rings, meets: &Meets, shell: u32, around: &[u32]) -> bool {
    let part = r.rings[shell as usize].part;
    around.iter().any(|&o| {
        let other = r.rings[o as usize];
        let in_a_hole = || around.iter().any(|&h| r.rings[h as usize].hole() && r.rings[h as usize].part == other.part);
        let crosses_a_hole = || {
            meets.crossing.iter().any(|&(a, b)| {
                let hole = |h: u32| r.rings[h as usize].hole() && r.rings[h as usize].part == other.part;
                (a == shell && hole(b)) || (b == shell && hole(a))
            })
        };
        !other.hole() && other.part != part && !meets.cross(shell, o) && !in_a_hole() && !crosses_a_hole()
    })
}

/// The rings around a ring that does not cross them, seen from one of its points: by the parity of edges left of it;
/// for rings on which the point lies, by the side to which the ring leaves it.
fn rings_around(r: &Rings, meets: &Meets, ring: u32) -> Vec<u32> {
    let Some(index) = &meets.index else { return Vec::new() };
    let this = r.rings[ring as usize];
    // a point that touches nothing, if there is one
    let v = (this.start..this.end).find(|v| !meets.at_point.contains_key(v)).unwrap_or(this.start);
    let (p, onward) = (r.at(v), r.at(r.next(v)));
    let mut around: BTreeMap<u32, bool> = BTreeMap::new();
    let left = Rect::new(Coord { x: f64::MIN, y: p.y }, p);
    for e in index.window(&left) {
        let (a, b) = (r.at(e), r.at(r.next(e)));
        let other = r.ring_of[e as usize];
        if other != ring && (a.y > p.y) != (b.y > p.y) && (side(a, b, p) < 0.0) == (b.y > a.y) {
            let odd = around.entry(other).or_insert(false);
            *odd = !*odd;
        }
    }
    for &e in meets.at_point.get(&v).into_iter().flatten() {
        around.insert(r.ring_of[e as usize], leaves_inwards(r, e, p, onward));
    }
    around.into_iter().filter(|&(_, inside)| inside).map(|(o, _)| o).collect()
}

/// True where the way from `p`, a point of edge `e`, to `to` begins inside the edge's ring.
fn leaves_inwards(r: &Rings, e: u32, p: Coord<f64>, to: Coord<f64>) -> bool {
    let came = if r.at(e) == p { r.at(r.prev(e)) } else { r.at(e) };
    let goes = r.at(r.next(e));
    let ring = r.rings[r.ring_of[e as usize] as usize];
    // the leftmost point is a corner of the hull: its turn is the ring's
    let leftmost = (ring.start..ring.end).reduce(|a, b| if before(r.at(b), r.at(a)) { b } else { a }).unwrap_or(e);
    let left_inside = side(r.at(r.prev(leftmost)), r.at(leftmost), r.at(r.next(leftmost))) > 0.0;
    within_turn(p, goes, to, came) == left_inside
}

/// Rings of a part and the points where they touch are a graph; where it has a cycle, the rings on it enclose a piece of
/// the interior (as JTS finds it).
fn connected(r: &Rings, meets: &Meets, outside: &[bool], found: &mut Found) {
    let mut links: Vec<(u32, Coord<f64>, u32)> = Vec::new();
    for t in &meets.touches {
        let [a, b] = t.edges.map(|e| r.ring_of[e as usize]);
        let part = r.rings[a as usize].part;
        if part == r.rings[b as usize].part && !meets.cross(a, b) && !outside[a as usize] && !outside[b as usize] {
            links.extend([(part, t.at, a), (part, t.at, b)]);
        }
    }
    let order = |a: &(u32, Coord<f64>, u32), b: &(u32, Coord<f64>, u32)| {
        a.0.cmp(&b.0).then(super::exact::order(a.1, b.1)).then(a.2.cmp(&b.2))
    };
    links.sort_by(order);
    links.dedup();
    // union-find over rings, then points
    let mut parent: Vec<usize> = (0..r.rings.len() + links.len()).collect();
    let mut point = r.rings.len();
    for (k, &(part, at, ring)) in links.iter().enumerate() {
        if k > 0 && (links[k - 1].0, links[k - 1].1) != (part, at) {
            point = r.rings.len() + k;
        }
        let (a, b) = (root(&mut parent, ring as usize), root(&mut parent, point));
        if a == b {
            found.add(Reason::InteriorDisconnected, at, part as usize, r.rings[ring as usize].ring as usize);
        }
        parent[a] = b;
    }
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}
