//! Which boxes are nearest, by branch and bound: nodes are taken in the order of a lower bound of their distance.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use geo::{Coord, Rect};

use super::node::{Lanes, Point, WIDTH, Work, on_lanes, prefetch};
use super::packed::{BoxIndex, Storage, Tree, rect};
use super::window::{Answers, in_parallel};

/// An item and its distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The item.
    pub item: u32,
    /// Its distance (in the coordinates' unit, or as the caller's bound measures).
    pub distance: f64,
}

impl<S: Storage> BoxIndex<S> {
    /// The box nearest to a point, 0 within; the least item of several equally near. None in an empty index or where
    /// the point is not finite.
    pub fn nearest(&self, p: Coord<f64>) -> Option<Neighbour> {
        let mut out = Vec::new();
        self.nearest_into(p, 1, &mut Scratch::default(), &mut out);
        out.pop()
    }

    /// The `k` boxes nearest to a point, nearest first, ties by item. Empty where the point is not finite.
    pub fn nearest_k(&self, p: Coord<f64>, k: usize) -> Vec<Neighbour> {
        let mut out = Vec::new();
        self.nearest_into(p, k, &mut Scratch::default(), &mut out);
        out
    }

    /// [`BoxIndex::nearest_k`] for many points, with all threads.
    pub fn nearest_k_each(&self, points: &[Coord<f64>], k: usize) -> Answers<Neighbour> {
        in_parallel(points, |part, out| {
            let mut scratch = Scratch::default();
            part.iter().for_each(|&p| out.answer(|near| self.nearest_into(p, k, &mut scratch, near)));
        })
    }

    /// As [`BoxIndex::nearest_k`], appended to `out`; allocates nothing once `scratch` has grown.
    pub fn nearest_into(&self, p: Coord<f64>, k: usize, scratch: &mut Scratch, out: &mut Vec<Neighbour>) {
        if k == 0 || !(p.x.is_finite() && p.y.is_finite()) {
            return;
        }
        let tree = self.tree();
        on_lanes(Search { tree, point: Point::new(p, &tree.shape.frame), k, scratch });
        scratch.best.sort_unstable();
        out.extend(scratch.best.iter().map(|b| Neighbour { item: b.item, distance: b.measure.sqrt() }));
    }

    /// The `k` boxes with the least bound, least first, ties by item.
    ///
    /// `bound(box)` must not grow when the box does, as a distance to the box does not.
    pub fn nearest_k_by(&self, k: usize, bound: impl Fn(&Rect<f64>) -> f64) -> Vec<Neighbour> {
        let t = self.tree();
        let mut best = Best { k, heap: BinaryHeap::new() };
        let mut queue = BinaryHeap::new();
        if k > 0 {
            queue.extend(t.root().map(|(level, at)| Queued {
                bound: bound(&rect(t.node_bounds(at))),
                level: level + 1,
                at,
            }));
        }
        while let Some(q) = queue.pop() {
            if q.bound > best.limit() {
                break;
            }
            let level = q.level - 1;
            if best.beats(q.bound, t.least(level, q.at)) {
                continue;
            }
            for lane in 0..t.lanes(level, q.at) {
                if level == 0 {
                    let at = q.at * WIDTH + lane;
                    best.offer(bound(&rect(&t.bounds[at])), t.item(at));
                } else {
                    let at = t.child(level, q.at, lane);
                    let b = bound(&rect(t.node_bounds(at)));
                    if b <= best.limit() {
                        queue.push(Queued { bound: b, level, at });
                    }
                }
            }
        }
        best.heap.into_sorted_vec().into_iter().map(|m| Neighbour { item: m.item, distance: m.measure }).collect()
    }

    /// Visits items by growing lower bound until `visit` gives a limit that no further item can undercut.
    ///
    /// `bound(box)` is a lower bound of what is asked (a distance, say); `visit(item, bound)` answers the best value
    /// known by now. Items whose bound is above the best are never visited; items whose bound equals it are.
    pub fn nearest_first(&self, bound: impl Fn(&Rect<f64>) -> f64, mut visit: impl FnMut(u32, f64) -> f64) {
        let t = self.tree();
        let mut best = f64::INFINITY;
        let mut queue = BinaryHeap::new();
        queue.extend(t.root().map(|(level, at)| Queued {
            bound: bound(&rect(t.node_bounds(at))),
            level: level + 1,
            at,
        }));
        while let Some(q) = queue.pop() {
            if q.bound > best {
                break;
            }
            let Some(level) = q.level.checked_sub(1) else {
                best = visit(t.item(q.at), q.bound);
                continue;
            };
            for lane in 0..t.lanes(level, q.at) {
                let (at, of) = if level == 0 {
                    let at = q.at * WIDTH + lane;
                    (at, &t.bounds[at])
                } else {
                    let at = t.child(level, q.at, lane);
                    (at, t.node_bounds(at))
                };
                let b = bound(&rect(of));
                if b <= best {
                    queue.push(Queued { bound: b, level, at });
                }
            }
        }
    }

    /// As [`Self::nearest_first`], but in the order of the tree, of each node's children the nearest first: without a
    /// queue, which costs more than it saves where the first item visited gives a good value.
    pub fn near_first(&self, bound: impl Fn(&Rect<f64>) -> f64, mut visit: impl FnMut(u32, f64) -> f64) {
        let t = self.tree();
        let mut best = f64::INFINITY;
        // level + 1 (0: an item), position, bound
        let mut open: Vec<(usize, usize, f64)> = Vec::new();
        open.extend(t.root().map(|(level, at)| (level + 1, at, bound(&rect(t.node_bounds(at))))));
        while let Some((level, node, b)) = open.pop() {
            if b > best {
                continue;
            }
            let Some(level) = level.checked_sub(1) else {
                best = visit(t.item(node), b);
                continue;
            };
            let from = open.len();
            for lane in 0..t.lanes(level, node) {
                let (at, of) = if level == 0 {
                    let at = node * WIDTH + lane;
                    (at, &t.bounds[at])
                } else {
                    let at = t.child(level, node, lane);
                    (at, t.node_bounds(at))
                };
                let b = bound(&rect(of));
                if b <= best {
                    open.push((level, at, b));
                }
            }
            open[from..].sort_unstable_by(|x, y| y.2.total_cmp(&x.2).then(y.1.cmp(&x.1)));
        }
    }

    /// Items whose bound is at most `limit`, in item order.
    pub fn within(&self, limit: f64, bound: impl Fn(&Rect<f64>) -> f64) -> Vec<u32> {
        let t = self.tree();
        let mut hits = Vec::new();
        let mut open: Vec<(usize, usize)> = t.root().into_iter().collect();
        while let Some((level, node)) = open.pop() {
            if bound(&rect(t.node_bounds(node))) > limit {
                continue;
            }
            for lane in 0..t.lanes(level, node) {
                let at = node * WIDTH + lane;
                if level > 0 {
                    open.push((level - 1, t.child(level, node, lane)));
                } else if bound(&rect(&t.bounds[at])) <= limit {
                    hits.push(t.item(at));
                }
            }
        }
        hits.sort_unstable();
        hits
    }
}

/// Space for a search by [`BoxIndex::nearest_into`], kept between searches.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Nodes to visit: bound, level and node in one number that sorts as the bound does.
    queue: BinaryHeap<Reverse<u64>>,
    best: Vec<Measured>,
}

/// An item with what it measures, ordered by that and then by item.
#[derive(Debug, Clone, Copy)]
struct Measured {
    measure: f64,
    item: u32,
}

impl Ord for Measured {
    fn cmp(&self, o: &Self) -> Ordering {
        self.measure.total_cmp(&o.measure).then(self.item.cmp(&o.item))
    }
}
impl PartialOrd for Measured {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl PartialEq for Measured {
    fn eq(&self, o: &Self) -> bool {
        self.cmp(o) == Ordering::Equal
    }
}
impl Eq for Measured {}

/// The best `k` so far.
struct Best {
    k: usize,
    heap: BinaryHeap<Measured>,
}

impl Best {
    /// What the worst of `k` measures; infinite until there are `k`.
    fn limit(&self) -> f64 {
        if self.heap.len() < self.k { f64::INFINITY } else { self.heap.peek().map_or(f64::INFINITY, |m| m.measure) }
    }

    /// True where no item from `least` on that measures at least `bound` can enter.
    fn beats(&self, bound: f64, least: u32) -> bool {
        self.heap.len() == self.k && self.heap.peek().is_some_and(|m| *m < Measured { measure: bound, item: least })
    }

    fn offer(&mut self, measure: f64, item: u32) {
        let new = Measured { measure, item };
        if self.heap.len() < self.k {
            self.heap.push(new);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && new < *worst
        {
            *worst = new;
        }
    }
}

struct Queued {
    bound: f64,
    /// 0 for an item, else one more than the node's level.
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

/// A search for the `k` nearest to a point.
struct Search<'a> {
    tree: Tree<'a>,
    point: Point,
    k: usize,
    scratch: &'a mut Scratch,
}

/// Bits of a queue entry that hold the node; three more hold its level, 32 the bound.
const NODE_BITS: u32 = 29;

impl Work for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { tree: t, point, k, scratch } = self;
        scratch.queue.clear();
        let mut best = Best {
            k,
            heap: {
                scratch.best.clear();
                BinaryHeap::from(std::mem::take(&mut scratch.best))
            },
        };
        let queue = &mut scratch.queue;
        queue.extend(t.root().map(|(level, node)| Reverse(entry(0.0, level, node))));
        let (mut limit, mut limit32) = (f64::INFINITY, f32::INFINITY);
        while let Some(Reverse(e)) = queue.pop() {
            let bound = f64::from(f32::from_bits((e >> 32) as u32));
            if bound > limit {
                break;
            }
            let (level, node) = ((e >> NODE_BITS & 7) as usize, (e & ((1 << NODE_BITS) - 1)) as usize);
            // too near the limit for rounded numbers
            if bound * (1.0 + 1e-5) >= limit && best.beats(point.distance2(t.node_bounds(node)), t.least(level, node)) {
                continue;
            }
            let n = &t.nodes[node];
            let (bounds, mut near) = L::near(n, &point, limit32);
            let first = if level == 0 { node * WIDTH } else { t.child(level, node, 0) };
            while near != 0 {
                let lane = near.trailing_zeros() as usize;
                near &= near - 1;
                if level > 0 {
                    queue.push(Reverse(entry(bounds[lane], level - 1, first + lane)));
                } else if f64::from(bounds[lane]) <= limit {
                    best.offer(point.distance2(&t.bounds[first + lane]), n.tags[lane]);
                    limit = best.limit();
                }
            }
            limit32 = ceil32(limit);
            if let Some(Reverse(e)) = queue.peek() {
                prefetch(t.nodes, (e & ((1 << NODE_BITS) - 1)) as usize);
            }
        }
        scratch.best = best.heap.into_vec();
    }
}

#[inline(always)]
fn entry(bound: f32, level: usize, node: usize) -> u64 {
    u64::from(bound.to_bits()) << 32 | (level as u64) << NODE_BITS | node as u64
}

/// The least single-precision number that is at least `v`.
#[inline(always)]
fn ceil32(v: f64) -> f32 {
    super::node::up(v, 0.0)
}
