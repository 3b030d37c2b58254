//! The rings of a shape in flat arrays.

use geo::{Coord, LineString, MultiPolygon};

use super::exact::{before, side};
use super::{Found, NEEDLE_RAD, Reason};

/// A ring: points `start..end`, of a part; `ring` 0 is the shell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub start: u32,
    pub end: u32,
    pub part: u32,
    pub ring: u32,
    /// Position of the part's shell among the rings; itself for a shell.
    pub shell: u32,
}

impl Ring {
    pub fn hole(&self) -> bool {
        self.ring > 0
    }
}

/// Rings without their closing point and without repeated points; edge `i` goes from point `i` to `next(i)`.
#[derive(Debug, Default)]
pub(super) struct Rings {
    pub points: Vec<Coord<f64>>,
    pub ring_of: Vec<u32>,
    pub rings: Vec<Ring>,
}

/// No shell was kept.
const NONE: u32 = u32::MAX;

impl Rings {
    pub fn next(&self, i: u32) -> u32 {
        let r = &self.rings[self.ring_of[i as usize] as usize];
        if i + 1 == r.end { r.start } else { i + 1 }
    }

    pub fn prev(&self, i: u32) -> u32 {
        let r = &self.rings[self.ring_of[i as usize] as usize];
        if i == r.start { r.end - 1 } else { i - 1 }
    }

    pub fn at(&self, i: u32) -> Coord<f64> {
        self.points[i as usize]
    }

    fn clear(&mut self) {
        self.points.clear();
        self.ring_of.clear();
        self.rings.clear();
    }

    /// Loads a shape; false at the first ring that is unfit by itself.
    pub fn load_sound(&mut self, shape: &MultiPolygon<f64>) -> bool {
        self.clear();
        let total: usize = shape.0.iter().map(|p| p.exterior().0.len() + p.interiors().len()).sum();
        u32::try_from(total).is_ok_and(|n| n < NONE)
            && shape.0.iter().enumerate().all(|(part, p)| {
                let shell = self.rings.len() as u32;
                (p.exterior().0.is_empty() && p.interiors().iter().all(|h| h.0.is_empty()))
                    || std::iter::once(p.exterior())
                        .chain(p.interiors())
                        .enumerate()
                        .filter(|(_, l)| !l.0.is_empty())
                        .all(|(ring, l)| {
                            l.0.iter().all(|c| c.x.is_finite() && c.y.is_finite())
                                && self.push(l, part, ring, shell) >= 3
                        })
            })
    }

    /// Loads the rings that can be compared with others, and tells what is wrong with each by itself.
    pub fn load(&mut self, shape: &MultiPolygon<f64>, found: &mut Found) {
        self.clear();
        for (part, p) in shape.0.iter().enumerate() {
            let mut shell = NONE;
            if let (true, Some(c)) =
                (p.exterior().0.is_empty(), p.interiors().iter().find_map(|h| h.0.first().copied()))
            {
                found.add(Reason::TooFewPoints, c, part, 0);
            }
            for (ring, l) in std::iter::once(p.exterior()).chain(p.interiors()).enumerate() {
                let Some(&first) = l.0.first() else { continue };
                let unfit = |c: &&Coord<f64>| !(c.x.is_finite() && c.y.is_finite());
                if l.0.iter().any(|c| unfit(&c)) {
                    l.0.iter().filter(unfit).for_each(|&c| found.add(Reason::InvalidCoordinate, c, part, ring));
                    continue;
                }
                l.0.windows(2)
                    .filter(|w| w[0] == w[1])
                    .for_each(|w| found.add(Reason::RepeatedPoint, w[0], part, ring));
                let at = self.rings.len() as u32;
                let shell_here = if ring == 0 { at } else { shell };
                let n = self.push(l, part, ring, shell_here);
                let why = if n < 3 { Some(Reason::TooFewPoints) } else { self.corners(at, found) };
                if let Some(why) = why {
                    found.add(why, first, part, ring);
                    self.pop();
                } else if ring == 0 {
                    shell = at;
                }
            }
        }
    }

    /// Adds a ring; answers how many points it has, repeated ones aside.
    fn push(&mut self, l: &LineString<f64>, part: usize, ring: usize, shell: u32) -> usize {
        let (start, id) = (self.points.len(), self.rings.len() as u32);
        for c in &l.0 {
            // −0 becomes 0, so that equal points are equal bit for bit
            let c = Coord { x: c.x + 0.0, y: c.y + 0.0 };
            if self.points.len() == start || self.points.last() != Some(&c) {
                self.points.push(c);
            }
        }
        while self.points.len() > start + 1 && self.points.last() == Some(&self.points[start]) {
            self.points.pop();
        }
        self.ring_of.resize(self.points.len(), id);
        let end = self.points.len() as u32;
        self.rings.push(Ring { start: start as u32, end, part: part as u32, ring: ring as u32, shell });
        self.points.len() - start
    }

    fn pop(&mut self) {
        if let Some(r) = self.rings.pop() {
            self.points.truncate(r.start as usize);
            self.ring_of.truncate(r.start as usize);
        }
    }

    /// Spikes and needles of a ring; answers `ZeroArea` instead where it lies on one line.
    fn corners(&self, ring: u32, found: &mut Found) -> Option<Reason> {
        let r = self.rings[ring as usize];
        let mut flat = true;
        let mut sharp = Vec::new();
        for v in r.start..r.end {
            let (p, c, q) = (self.at(self.prev(v)), self.at(v), self.at(self.next(v)));
            let turn = side(p, c, q);
            flat &= turn == 0.0;
            let (u, w) = (p - c, q - c);
            let (dot, cross) = (u.x * w.x + u.y * w.y, u.x * w.y - u.y * w.x);
            if turn == 0.0 && before(p, c) == before(q, c) {
                sharp.push((Reason::Spike, c));
            } else if turn != 0.0 && dot > 0.0 && cross.abs() < NEEDLE_RAD * dot {
                sharp.push((Reason::Needle, c));
            }
        }
        if flat {
            return Some(Reason::ZeroArea);
        }
        sharp.into_iter().for_each(|(why, c)| found.add(why, c, r.part as usize, r.ring as usize));
        None
    }
}
