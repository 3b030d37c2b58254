//! Which boxes meet a window.

use std::ops::ControlFlow;

use geo::Rect;
use rayon::prelude::*;

use super::node::{Lanes, WIDTH, Window, Work, on_lanes, prefetch};
use super::packed::{BoxIndex, MAX_LEVELS, Storage, Tree, bounds_of};

/// Answers to many queries: the values of query `i` are `values[ends[i - 1]..ends[i]]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers<T> {
    values: Vec<T>,
    ends: Vec<usize>,
}

impl<T> Answers<T> {
    /// Number of queries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True where nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The answer to one query; empty beyond the last.
    pub fn get(&self, query: usize) -> &[T] {
        let Some(&end) = self.ends.get(query) else { return &[] };
        let start = query.checked_sub(1).map_or(0, |q| self.ends[q]);
        &self.values[start..end]
    }

    /// The answers in the order of the queries.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|q| self.get(q))
    }

    /// All values of all queries.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

/// Most queries that a thread takes at a time; fewer where few are asked, for each may be long.
const BATCH: usize = 512;

/// Answers queries in parallel; `answer` appends one query's values.
pub(super) fn in_parallel<Q: Sync, T: Send + Copy>(
    queries: &[Q],
    answer: impl Fn(&[Q], &mut Answers<T>) + Sync,
) -> Answers<T> {
    let parts: Vec<Answers<T>> = queries
        .par_chunks((queries.len() / 64).clamp(1, BATCH))
        .map(|part| {
            let mut a = Answers { values: Vec::new(), ends: Vec::with_capacity(part.len()) };
            answer(part, &mut a);
            a
        })
        .collect();
    let mut all = Answers {
        values: Vec::with_capacity(parts.iter().map(|p| p.values.len()).sum()),
        ends: Vec::with_capacity(queries.len()),
    };
    for p in parts {
        let before = all.values.len();
        all.values.extend_from_slice(&p.values);
        all.ends.extend(p.ends.iter().map(|e| e + before));
    }
    all
}

impl<T> Answers<T> {
    /// Adds the values of the next query.
    pub(super) fn answer(&mut self, fill: impl FnOnce(&mut Vec<T>)) {
        fill(&mut self.values);
        self.ends.push(self.values.len());
    }
}

impl<S: Storage> BoxIndex<S> {
    /// Items whose box meets the window, touching included, in item order. A window with a NaN meets nothing.
    pub fn window(&self, w: &Rect<f64>) -> Vec<u32> {
        let mut hits = Vec::new();
        self.window_into(w, &mut hits);
        hits
    }

    /// As [`BoxIndex::window`], appended to `hits`.
    pub fn window_into(&self, w: &Rect<f64>, hits: &mut Vec<u32>) {
        let before = hits.len();
        self.window_unsorted(w, hits);
        hits[before..].sort_unstable();
    }

    /// As [`BoxIndex::window`], appended to `hits` in the order of the index, which is the same at every run.
    pub fn window_unsorted(&self, w: &Rect<f64>, hits: &mut Vec<u32>) {
        self.walk(w, |tags, mask| {
            // the whole line, then what is no hit cut off: one copy of fixed size
            let (mut line, mut n, mut left) = (*tags, mask.count_ones() as usize, mask);
            if mask != ALL {
                n = 0;
                while left != 0 {
                    line[n] = tags[left.trailing_zeros() as usize];
                    n += 1;
                    left &= left - 1;
                }
            }
            let before = hits.len();
            hits.extend_from_slice(&line);
            hits.truncate(before + n);
            ControlFlow::Continue(())
        });
    }

    /// Calls `hit` for each item whose box meets the window, in the order of the index; allocates nothing.
    pub fn for_each_in(&self, w: &Rect<f64>, mut hit: impl FnMut(u32)) {
        self.walk(w, |tags, mut mask| {
            while mask != 0 {
                hit(tags[mask.trailing_zeros() as usize]);
                mask &= mask - 1;
            }
            ControlFlow::Continue(())
        });
    }

    /// Number of boxes that meet the window.
    pub fn count_in(&self, w: &Rect<f64>) -> usize {
        let mut n = 0;
        self.walk(w, |_, mask| {
            n += mask.count_ones() as usize;
            ControlFlow::Continue(())
        });
        n
    }

    /// True where some box meets the window.
    pub fn any_in(&self, w: &Rect<f64>) -> bool {
        let mut any = false;
        self.walk(w, |_, _| {
            any = true;
            ControlFlow::Break(())
        });
        any
    }

    fn walk(&self, w: &Rect<f64>, sink: impl FnMut(&[u32; WIDTH], u32) -> ControlFlow<()>) {
        let tree = self.tree();
        let _ = on_lanes(Walk { tree, window: Window::new(bounds_of(w), &tree.shape.frame), sink });
    }

    /// [`BoxIndex::window`] for many windows, with all threads.
    pub fn windows(&self, windows: &[Rect<f64>]) -> Answers<u32> {
        in_parallel(windows, |part, out| part.iter().for_each(|w| out.answer(|hits| self.window_into(w, hits))))
    }
}

/// All lanes of a node.
const ALL: u32 = (1 << WIDTH) - 1;

/// A walk through all nodes that meet a window; the sink gets a leaf's items and which of them are hits.
struct Walk<'a, F> {
    tree: Tree<'a>,
    window: Window,
    sink: F,
}

impl<F: FnMut(&[u32; WIDTH], u32) -> ControlFlow<()>> Work for Walk<'_, F> {
    type Output = ControlFlow<()>;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> ControlFlow<()> {
        let t = self.tree;
        let Some((top, root)) = t.root() else { return ControlFlow::Continue(()) };
        if top == 0 {
            return self.leaf::<L>(root);
        }
        // of each level: the children still to be visited, those wholly inside, and the first child
        let mut open = [(0u32, 0u32, 0usize); MAX_LEVELS];
        let mut level = top;
        open[level] = self.children::<L>(level, root);
        loop {
            let (left, within, first) = &mut open[level];
            if *left == 0 {
                if level == top {
                    return ControlFlow::Continue(());
                }
                level += 1;
                continue;
            }
            let lane = left.trailing_zeros();
            *left &= *left - 1;
            let child = *first + lane as usize;
            if *within >> lane & 1 == 1 {
                self.whole(t.leaves(level - 1, child))?;
            } else if level == 1 {
                self.leaf::<L>(child)?;
            } else {
                level -= 1;
                open[level] = self.children::<L>(level, child);
            }
        }
    }
}

impl<F: FnMut(&[u32; WIDTH], u32) -> ControlFlow<()>> Walk<'_, F> {
    #[inline(always)]
    fn children<L: Lanes>(&self, level: usize, node: usize) -> (u32, u32, usize) {
        let n = &self.tree.nodes[node];
        let may = L::may_meet(n, &self.window);
        let first = self.tree.child(level, node, 0);
        let mut ahead = may;
        while ahead != 0 {
            prefetch(self.tree.nodes, first + ahead.trailing_zeros() as usize);
            ahead &= ahead - 1;
        }
        (may, may & L::surely_within(n, &self.window), first)
    }

    #[inline(always)]
    fn leaf<L: Lanes>(&mut self, node: usize) -> ControlFlow<()> {
        let n = &self.tree.nodes[node];
        let mut hits = L::may_meet(n, &self.window);
        let mut doubt = hits & !L::surely_meet(n, &self.window);
        while doubt != 0 {
            let lane = doubt.trailing_zeros();
            doubt &= doubt - 1;
            if !self.window.meets(&self.tree.bounds[node * WIDTH + lane as usize]) {
                hits &= !(1 << lane);
            }
        }
        if hits == 0 { ControlFlow::Continue(()) } else { (self.sink)(&n.tags, hits) }
    }

    /// All items of some leaves.
    #[inline(always)]
    fn whole(&mut self, leaves: std::ops::Range<usize>) -> ControlFlow<()> {
        for leaf in leaves {
            (self.sink)(&self.tree.nodes[leaf].tags, ALL >> (WIDTH - self.tree.lanes(0, leaf)))?;
        }
        ControlFlow::Continue(())
    }
}
