//! The static index: a packed R-tree in flat arrays.

use geo::{Coord, Rect};
use rayon::prelude::*;

use super::IndexError;
use super::node::{Bounds, Frame, Node, WIDTH, fill, prefetch};
use super::tile::packed_order;

/// A static index of boxes: build once, ask from many threads.
///
/// Coordinates may be in any unit; windows and distances are planar in that unit. Queries that take a `bound` measure
/// by the caller's function of a box and so serve degrees as well. Every answer is exact, and the same for any number of
/// threads. `S` says where the arrays are: in memory of their own, or in the bytes of a saved index
/// ([`BoxIndex::from_bytes`]).
#[derive(Debug, Clone)]
pub struct BoxIndex<S = Owned> {
    pub(super) store: S,
}

/// Arrays of a [`BoxIndex`] that was built here.
#[derive(Debug, Clone)]
pub struct Owned {
    pub(super) shape: Shape,
    pub(super) bounds: Vec<Bounds>,
    pub(super) nodes: Vec<Node>,
}

/// Where the arrays of an index are.
pub trait Storage: sealed::Sealed {}
impl<S: sealed::Sealed> Storage for S {}

pub(super) mod sealed {
    /// Gives the arrays.
    pub trait Sealed: Sync {
        fn tree(&self) -> super::Tree<'_>;
    }
}

impl sealed::Sealed for Owned {
    #[inline]
    fn tree(&self) -> Tree<'_> {
        Tree { shape: &self.shape, bounds: &self.bounds, nodes: &self.nodes }
    }
}

/// Levels above the items that 2^32 items need.
pub(super) const MAX_LEVELS: usize = 8;

/// Sizes of the levels, which follow from the number of items, and the origin of the nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub items: usize,
    /// Levels of nodes: 0 for an empty index.
    pub levels: usize,
    /// Where each level begins among the nodes, leaves first; beyond the last level, the number of nodes.
    pub starts: [usize; MAX_LEVELS + 1],
    pub frame: Frame,
}

impl Shape {
    pub fn new(items: usize, frame: Frame) -> Self {
        let mut s = Self { items, levels: 0, starts: [0; MAX_LEVELS + 1], frame };
        let (mut count, mut total) = (items, 0);
        while count > 1 || (s.levels == 0 && items > 0) {
            count = count.div_ceil(WIDTH);
            total += count;
            s.levels += 1;
            s.starts[s.levels..].fill(total);
        }
        s
    }

    pub fn nodes(&self) -> usize {
        self.starts[self.levels]
    }
}

/// The arrays of an index, borrowed.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    pub(super) shape: &'a Shape,
    /// Exact boxes: of the items in packed order, then of the nodes.
    pub(super) bounds: &'a [Bounds],
    pub(super) nodes: &'a [Node],
}

impl Tree<'_> {
    /// The root's level and node.
    #[inline]
    pub fn root(&self) -> Option<(usize, usize)> {
        let last = self.shape.nodes().checked_sub(1)?;
        Some((self.shape.levels - 1, last))
    }

    /// The child of a node of `level` > 0.
    #[inline(always)]
    pub fn child(&self, level: usize, node: usize, lane: usize) -> usize {
        self.shape.starts[level - 1] + (node - self.shape.starts[level]) * WIDTH + lane
    }

    /// Children of a node; in `bounds`, for a leaf, and else among the nodes.
    #[inline(always)]
    pub fn lanes(&self, level: usize, node: usize) -> usize {
        let at = (node - self.shape.starts[level]) * WIDTH;
        let below = if level == 0 { self.shape.items } else { self.shape.starts[level] - self.shape.starts[level - 1] };
        (below - at).min(WIDTH)
    }

    /// The leaves below a node.
    #[inline]
    pub fn leaves(&self, level: usize, node: usize) -> std::ops::Range<usize> {
        let at = node - self.shape.starts[level];
        let below = WIDTH.pow(level as u32);
        at * below..((at + 1) * below).min(self.shape.starts[1])
    }

    /// Item at a packed position.
    #[inline(always)]
    pub fn item(&self, at: usize) -> u32 {
        self.nodes[at / WIDTH].tags[at % WIDTH]
    }

    /// Least item below a node.
    pub fn least(&self, level: usize, node: usize) -> u32 {
        let at = node - self.shape.starts[level];
        if level + 1 == self.shape.levels {
            0
        } else {
            self.nodes[self.shape.starts[level + 1] + at / WIDTH].tags[at % WIDTH]
        }
    }

    #[inline(always)]
    pub fn node_bounds(&self, node: usize) -> &Bounds {
        &self.bounds[self.shape.items + node]
    }
}

impl BoxIndex {
    /// Builds the index with all threads; the item number is the position of the box.
    ///
    /// # Errors
    /// [`IndexError::NotFinite`] for a NaN or infinite bound, [`IndexError::TooMany`] beyond 2^32 - 1 boxes.
    pub fn build(boxes: &[Rect<f64>]) -> Result<Self, IndexError> {
        if u32::try_from(boxes.len()).is_err() {
            return Err(IndexError::TooMany(boxes.len()));
        }
        if !boxes.par_chunks(1 << 13).all(|part| part.iter().fold(true, |all, r| all & finite(r))) {
            return Err(IndexError::NotFinite(boxes.iter().position(|r| !finite(r)).unwrap_or(0)));
        }
        let shape = Shape::new(boxes.len(), Frame::of(boxes));
        let mut bounds: Vec<Bounds> = bytemuck::zeroed_vec(boxes.len() + shape.nodes());
        let mut nodes: Vec<Node> = bytemuck::zeroed_vec(shape.nodes());
        let order = {
            // the arrays serve as space for sorting first: fresh pages are a good part of the cost of a build
            let (a, b) = bounds.split_at_mut(boxes.len().div_ceil(2));
            let spare =
                [bytemuck::cast_slice_mut(a), bytemuck::cast_slice_mut(b), bytemuck::cast_slice_mut(&mut nodes)];
            packed_order(boxes, &shape.frame, spare)
        };
        let (of_items, of_nodes) = bounds.split_at_mut(boxes.len());
        let leaves = shape.starts[1];
        (of_items.par_chunks_mut(WIDTH), order.par_chunks(WIDTH), &mut nodes[..leaves], &mut of_nodes[..leaves])
            .into_par_iter()
            .with_min_len(256)
            .enumerate()
            .for_each(|(leaf, (exact, items, node, whole))| {
                // boxes lie in the order of the caller: each is a miss unless it is asked for ahead
                for &i in order.get((leaf + 2) * WIDTH..(leaf + 3) * WIDTH).unwrap_or(&[]) {
                    prefetch(boxes, i as usize);
                }
                for (b, &c) in exact.iter_mut().zip(items) {
                    *b = bounds_of(&boxes[c as usize]);
                }
                *whole = fill(node, exact, |lane| items[lane], &shape.frame);
            });
        for level in 1..shape.levels {
            let (from, at, end) = (shape.starts[level - 1], shape.starts[level], shape.starts[level + 1]);
            let (below, here) = nodes.split_at_mut(at);
            let (exact_below, exact_here) = of_nodes.split_at_mut(at);
            (
                &mut here[..end - at],
                below[from..].par_chunks(WIDTH),
                exact_below[from..].par_chunks(WIDTH),
                &mut exact_here[..end - at],
            )
                .into_par_iter()
                .with_min_len(256)
                .for_each(|(node, children, exact, whole)| {
                    let least = |lane: usize| children[lane].tags.iter().copied().min().unwrap_or(u32::MAX);
                    *whole = fill(node, exact, least, &shape.frame);
                });
        }
        Ok(Self { store: Owned { shape, bounds, nodes } })
    }
}

impl<S: Storage> BoxIndex<S> {
    /// Number of boxes.
    pub fn len(&self) -> usize {
        self.tree().shape.items
    }

    /// True where there is no box.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The box around all boxes; none where there is none.
    pub fn extent(&self) -> Option<Rect<f64>> {
        let t = self.tree();
        t.root().map(|(_, node)| rect(t.node_bounds(node)))
    }

    #[inline]
    pub(super) fn tree(&self) -> Tree<'_> {
        self.store.tree()
    }
}

#[inline(always)]
pub(super) fn bounds_of(r: &Rect<f64>) -> Bounds {
    [r.min().x, r.min().y, r.max().x, r.max().y]
}

#[inline(always)]
pub(super) fn rect(b: &Bounds) -> Rect<f64> {
    Rect::new(Coord { x: b[0], y: b[1] }, Coord { x: b[2], y: b[3] })
}

pub(super) fn finite(r: &Rect<f64>) -> bool {
    r.min().x.is_finite() & r.min().y.is_finite() & r.max().x.is_finite() & r.max().y.is_finite()
}
