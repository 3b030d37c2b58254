//! A static index of boxes: build once, ask from many threads.
//!
//! A packed R-tree in flat arrays, walked best-first with a bound that the caller gives: so one index serves boxes in
//! degrees and in metres alike. The crate `geo-index` was tried first: its nodes borrow from their parents and cannot
//! wait in a queue, and its own searches take no bound in degrees.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use geo::{Coord, Rect};
use rayon::prelude::*;

/// Why an index could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A box with a NaN or infinite bound, by its position.
    #[error("box {0} is not finite")]
    NotFinite(usize),
    /// More boxes than a 32-bit index holds.
    #[error("{0} boxes are more than an index holds")]
    TooMany(usize),
}

/// Children of a node: wide, so that the tree is shallow and a node's boxes lie side by side in memory.
const WIDTH: usize = 16;

/// A static index of boxes.
#[derive(Debug, Clone)]
pub struct BoxIndex {
    /// Boxes of all levels, leaves first, each level in its packed order.
    boxes: Vec<Rect<f64>>,
    /// Item number of each leaf.
    items: Vec<u32>,
    /// Start of each level in `boxes`, and the end of the last.
    levels: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Queued {
    bound: f64,
    level: usize,
    at: usize,
}

impl PartialEq for Queued {
    fn eq(&self, o: &Self) -> bool {
        self.cmp(o) == Ordering::Equal
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl Ord for Queued {
    fn cmp(&self, o: &Self) -> Ordering {
        o.bound.total_cmp(&self.bound).then(o.level.cmp(&self.level)).then(o.at.cmp(&self.at)) // a min-heap
    }
}

impl BoxIndex {
    /// Builds the index; the item number is the position of the box.
    pub fn build(boxes: &[Rect<f64>]) -> Result<Self, IndexError> {
        u32::try_from(boxes.len()).map_err(|_| IndexError::TooMany(boxes.len()))?;
        if let Some(i) = boxes.iter().position(|r| !(finite(r.min()) && finite(r.max()))) {
            return Err(IndexError::NotFinite(i));
        }
        let items = packed_order(boxes);
        let mut all: Vec<Rect<f64>> = items.iter().map(|&i| boxes[i as usize]).collect();
        let mut levels = vec![0];
        let mut start = 0;
        while all.len() - start > 1 {
            let end = all.len();
            levels.push(end);
            let parents: Vec<Rect<f64>> =
                all[start..end].chunks(WIDTH).filter_map(|c| c.iter().copied().reduce(union)).collect();
            all.extend(parents);
            start = end;
        }
        levels.push(all.len());
        Ok(Self { boxes: all, items, levels })
    }

    /// Items whose box meets the window, in item order.
    pub fn window(&self, w: &Rect<f64>) -> Vec<u32> {
        self.within(0.0, |r| {
            let apart =
                r.min().x > w.max().x || r.max().x < w.min().x || r.min().y > w.max().y || r.max().y < w.min().y;
            if apart { 1.0 } else { 0.0 }
        })
    }

    /// Visits items by growing lower bound until `visit` gives a limit that no further item can undercut.
    ///
    /// `bound(box)` is a lower bound of what is asked (a distance, say); `visit(item, bound)` answers the best value
    /// known by now. Items whose bound is above the best are never visited; items whose bound equals it are.
    pub fn nearest_first(&self, bound: impl Fn(&Rect<f64>) -> f64, mut visit: impl FnMut(u32, f64) -> f64) {
        let mut best = f64::INFINITY;
        let mut heap = BinaryHeap::new();
        heap.extend(self.root().map(|(level, at)| Queued { bound: bound(&self.boxes[at]), level, at }));
        while let Some(q) = heap.pop() {
            if q.bound > best {
                break;
            }
            if q.level == 0 {
                best = visit(self.items[q.at], q.bound);
                continue;
            }
            for at in self.children(q.level, q.at) {
                let b = bound(&self.boxes[at]);
                if b <= best {
                    heap.push(Queued { bound: b, level: q.level - 1, at });
                }
            }
        }
    }

    /// As [`Self::nearest_first`], in no order but that the first item is a near one: without a queue, which costs more
    /// than it saves where `visit` soon knows a good value.
    pub fn near_first(&self, bound: impl Fn(&Rect<f64>) -> f64, mut visit: impl FnMut(u32, f64) -> f64) {
        let Some((mut level, mut at)) = self.root() else { return };
        while level > 0 {
            let nearest =
                self.children(level, at).map(|c| (bound(&self.boxes[c]), c)).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, c)) = nearest else { return };
            (level, at) = (level - 1, c);
        }
        let first = at;
        let mut best = visit(self.items[first], bound(&self.boxes[first]));
        let mut stack: Vec<(usize, usize)> = self.root().into_iter().collect();
        while let Some((level, at)) = stack.pop() {
            if level == 0 {
                let b = bound(&self.boxes[at]);
                if b <= best && at != first {
                    best = visit(self.items[at], b);
                }
                continue;
            }
            stack.extend(self.children(level, at).filter(|&c| bound(&self.boxes[c]) <= best).map(|c| (level - 1, c)));
        }
    }

    /// Items whose bound is at most `limit`, in item order.
    pub fn within(&self, limit: f64, bound: impl Fn(&Rect<f64>) -> f64) -> Vec<u32> {
        let mut hits = Vec::new();
        let mut stack: Vec<(usize, usize)> = self.root().into_iter().collect();
        while let Some((level, at)) = stack.pop() {
            if bound(&self.boxes[at]) > limit {
                continue;
            }
            if level == 0 {
                hits.push(self.items[at]);
            } else {
                stack.extend(self.children(level, at).map(|c| (level - 1, c)));
            }
        }
        hits.sort_unstable();
        hits
    }

    fn root(&self) -> Option<(usize, usize)> {
        let last = self.boxes.len().checked_sub(1)?;
        Some((self.levels.len() - 2, last))
    }

    fn children(&self, level: usize, at: usize) -> std::ops::Range<usize> {
        let first = self.levels[level - 1] + (at - self.levels[level]) * WIDTH;
        first..(first + WIDTH).min(self.levels[level])
    }
}

/// Items in sort-tile-recursive order (Leutenegger 1997): strips by x, each strip by y.
fn packed_order(boxes: &[Rect<f64>]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..boxes.len() as u32).collect();
    let (cx, cy) = (
        |i: u32| boxes[i as usize].min().x + boxes[i as usize].max().x,
        |i: u32| boxes[i as usize].min().y + boxes[i as usize].max().y,
    );
    order.par_sort_unstable_by(|&a, &b| cx(a).total_cmp(&cx(b)).then(a.cmp(&b)));
    let leaves = boxes.len().div_ceil(WIDTH);
    let strip = ((leaves as f64).sqrt().ceil() as usize).max(1) * WIDTH;
    order.par_chunks_mut(strip).for_each(|s| s.sort_unstable_by(|&a, &b| cy(a).total_cmp(&cy(b)).then(a.cmp(&b))));
    order
}

fn union(a: Rect<f64>, b: Rect<f64>) -> Rect<f64> {
    Rect::new(
        Coord { x: a.min().x.min(b.min().x), y: a.min().y.min(b.min().y) },
        Coord { x: a.max().x.max(b.max().x), y: a.max().y.max(b.max().y) },
    )
}

fn finite(c: Coord<f64>) -> bool {
    c.x.is_finite() && c.y.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::distance::point_rect2;
    use proptest::prelude::*;

    fn boxes() -> impl Strategy<Value = Vec<Rect<f64>>> {
        prop::collection::vec((-100.0..100.0f64, -100.0..100.0f64, 0.0..20.0f64, 0.0..20.0f64), 0..200).prop_map(|v| {
            v.into_iter().map(|(x, y, w, h)| Rect::new(Coord { x, y }, Coord { x: x + w, y: y + h })).collect()
        })
    }

    proptest! {
        #[test]
        fn window_equals_brute_force(bs in boxes(), q in (-100.0..100.0f64, -100.0..100.0f64, 0.0..50.0f64, 0.0..50.0f64)) {
            let w = Rect::new(Coord { x: q.0, y: q.1 }, Coord { x: q.0 + q.2, y: q.1 + q.3 });
            let brute: Vec<u32> = (0..bs.len()).filter(|&i| {
                let b = &bs[i];
                b.min().x <= w.max().x && b.max().x >= w.min().x && b.min().y <= w.max().y && b.max().y >= w.min().y
            }).map(|i| i as u32).collect();
            prop_assert_eq!(BoxIndex::build(&bs).unwrap().window(&w), brute);
        }

        #[test]
        fn nearest_equals_brute_force(bs in boxes(), x in -150.0..150.0f64, y in -150.0..150.0f64) {
            let p = Coord { x, y };
            let mut best = f64::INFINITY;
            BoxIndex::build(&bs).unwrap().nearest_first(|r| point_rect2(p, r), |_, b| { best = best.min(b); best });
            let brute = bs.iter().map(|r| point_rect2(p, r)).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(best, brute);
            let mut best = f64::INFINITY;
            BoxIndex::build(&bs).unwrap().near_first(|r| point_rect2(p, r), |_, b| { best = best.min(b); best });
            prop_assert_eq!(best, brute);
        }
    }

    #[test]
    fn unfit_boxes_are_refused() {
        let bad = Rect::new(Coord { x: 0.0, y: 0.0 }, Coord { x: f64::INFINITY, y: 1.0 });
        assert_eq!(BoxIndex::build(&[bad]).unwrap_err(), IndexError::NotFinite(0));
    }
}
