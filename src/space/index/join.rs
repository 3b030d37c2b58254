//! Which boxes of two sets meet.

use rayon::prelude::*;

use super::node::{Lanes, WIDTH, Window, Work, on_lanes};
use super::packed::{BoxIndex, Storage, Tree};

impl<S: Storage> BoxIndex<S> {
    /// All pairs of an item here and an item of the other index whose boxes meet, touching included.
    ///
    /// With all threads. The order is that of the indexes: the same for any number of threads, but not sorted.
    pub fn join<O: Storage>(&self, other: &BoxIndex<O>) -> Vec<(u32, u32)> {
        let (a, b) = (self.tree(), other.tree());
        let leaves = b.shape.starts[1];
        let parts: Vec<Vec<(u32, u32)>> = (0..leaves.div_ceil(RUN))
            .into_par_iter()
            .map(|i| {
                let mut pairs = Vec::new();
                on_lanes(Join { a, b, leaves: i * RUN..((i + 1) * RUN).min(leaves), pairs: &mut pairs });
                pairs
            })
            .collect();
        let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        parts.into_iter().for_each(|p| all.extend(p));
        all
    }
}

/// Leaves of the other index that a thread takes at a time.
const RUN: usize = 64;

struct Join<'a> {
    a: Tree<'a>,
    b: Tree<'a>,
    leaves: std::ops::Range<usize>,
    pairs: &'a mut Vec<(u32, u32)>,
}

impl Work for Join<'_> {
    type Output = ();

    /// Leaf against tree: the upper levels of `a` are walked once for the sixteen boxes of a leaf of `b`.
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { a, b, leaves, pairs } = self;
        let Some(root) = a.root() else { return };
        let mut open = Vec::new();
        for leaf in leaves {
            let around = Window::new(*b.node_bounds(leaf), &a.shape.frame);
            let exact = &b.bounds[leaf * WIDTH..][..b.lanes(0, leaf)];
            let windows: [Window; WIDTH] =
                std::array::from_fn(|i| Window::new(*exact.get(i).unwrap_or(&[f64::NAN; 4]), &a.shape.frame));
            open.push(root);
            while let Some((level, node)) = open.pop() {
                if level == 0 {
                    leaf_against_leaf::<L>(a, b, node, leaf, &windows, pairs);
                    continue;
                }
                let mut may = L::may_meet(&a.nodes[node], &around);
                while may != 0 {
                    open.push((level - 1, a.child(level, node, may.trailing_zeros() as usize)));
                    may &= may - 1;
                }
            }
        }
    }
}

#[inline(always)]
fn leaf_against_leaf<L: Lanes>(
    a: Tree<'_>,
    b: Tree<'_>,
    node: usize,
    leaf: usize,
    windows: &[Window; WIDTH],
    pairs: &mut Vec<(u32, u32)>,
) {
    let n = &a.nodes[node];
    let mut lanes = L::may_meet(&b.nodes[leaf], &Window::new(*a.node_bounds(node), &b.shape.frame));
    while lanes != 0 {
        let j = lanes.trailing_zeros() as usize;
        lanes &= lanes - 1;
        let w = &windows[j];
        let mut may = L::may_meet(n, w);
        if may == 0 {
            continue;
        }
        let doubt = may & !L::surely_meet(n, w);
        while may != 0 {
            let i = may.trailing_zeros() as usize;
            may &= may - 1;
            if doubt >> i & 1 == 0 || w.meets(&a.bounds[node * WIDTH + i]) {
                pairs.push((n.tags[i], b.nodes[leaf].tags[j]));
            }
        }
    }
}
