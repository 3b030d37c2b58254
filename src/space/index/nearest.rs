//! Which boxes are nearest, by branch and bound: nodes are taken in the order of a lower bound of their distance.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use geo::{Coord, Rect};

use super::node::{Lanes, Point, WIDTH, Work, on_lanes, up};
use super::packed::{BoxIndex, MAX_LEVELS, Storage, Tree, rect};
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

/// Children of a node that are still to be visited: the bound's bits, the last four of them replaced by the lane, so that
/// the least number is the nearest child. Fewer bits make the bound smaller, which is safe.
type Open = [u32; WIDTH];

/// A child that is not, or no more, to be visited.
const CLOSED: u32 = u32::MAX;

impl Work for Search<'_> {
    type Output = ();

    /// Depth first, nearest child first: what is left to visit is sixteen numbers a level, and no queue.
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { tree: t, point, k, scratch } = self;
        scratch.best.clear();
        let Some((top, root)) = t.root() else { return };
        let mut best = Best { k, heap: BinaryHeap::from(std::mem::take(&mut scratch.best)) };
        let mut limit = f64::INFINITY;
        let mut open = [([CLOSED; WIDTH], 0); MAX_LEVELS];
        let mut level = top;
        if top == 0 {
            leaf::<L>(t, &point, root, &mut best, &mut limit);
        } else {
            open[top] = (children::<L>(t, &point, root, limit), t.child(top, root, 0));
        }
        loop {
            let (left, first) = &mut open[level];
            let Some((lane, bound)) = take_nearest(left, limit) else {
                if level == top {
                    break;
                }
                level += 1;
                continue;
            };
            let child = *first + lane;
            // too near the limit for rounded numbers: is there a tie that a lesser item could win?
            if bound * (1.0 + 1e-5) >= limit
                && best.beats(point.distance2(t.node_bounds(child)), t.least(level - 1, child))
            {
                continue;
            }
            if level == 1 {
                leaf::<L>(t, &point, child, &mut best, &mut limit);
            } else {
                level -= 1;
                open[level] = (children::<L>(t, &point, child, limit), t.child(level, child, 0));
            }
        }
        scratch.best = best.heap.into_vec();
    }
}

/// Bits of an open child that tell its lane.
const LANE: u32 = WIDTH as u32 - 1;

#[inline(always)]
fn children<L: Lanes>(t: Tree<'_>, p: &Point, node: usize, limit: f64) -> Open {
    let (bounds, near) = L::near(&t.nodes[node], p, up(limit, 0.0));
    std::array::from_fn(|i| if near >> i & 1 == 1 { (bounds[i].to_bits() & !LANE) | i as u32 } else { CLOSED })
}

/// Closes the nearest open child; answers its lane and bound, or none where all are beyond the limit.
#[inline(always)]
fn take_nearest(open: &mut Open, limit: f64) -> Option<(usize, f64)> {
    let next = open.iter().copied().fold(CLOSED, u32::min);
    let bound = f64::from(f32::from_bits(next & !LANE));
    if next == CLOSED || bound > limit {
        return None;
    }
    let lane = (next & LANE) as usize;
    open[lane] = CLOSED;
    Some((lane, bound))
}

#[inline(always)]
fn leaf<L: Lanes>(t: Tree<'_>, p: &Point, node: usize, best: &mut Best, limit: &mut f64) {
    let mut open = children::<L>(t, p, node, *limit);
    while let Some((lane, _)) = take_nearest(&mut open, *limit) {
        best.offer(p.distance2(&t.bounds[node * WIDTH + lane]), t.nodes[node].tags[lane]);
        *limit = best.limit();
    }
}
