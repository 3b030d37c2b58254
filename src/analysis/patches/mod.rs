//! Patches of change (变化图斑): connected pixels of one class, as polygons on pixel edges.
//!
//! Out of core: the raster comes as runs, row by row ([`runs()`]); [`Labeller`] joins them to components and lets a component go as
//! soon as no run can join it any more. What lives is the components that cross the present row, and the patches kept.

mod outline;
mod runs;

use geo::MultiPolygon;

use crate::model::Grid;
pub use outline::outline;
pub use runs::{Run, in_rows, runs};

/// Which pixels are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// Those that share an edge.
    Four,
    /// Those that share an edge or a corner.
    #[default]
    Eight,
}

/// What patches are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchOptions {
    /// Neighbours.
    pub connectivity: Connectivity,
    /// Minimum mapping unit, pixels; smaller components are counted and left out.
    pub min_pixels: u64,
}

impl Default for PatchOptions {
    fn default() -> Self {
        Self { connectivity: Connectivity::Eight, min_pixels: 1 }
    }
}

/// Pixels of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Row.
    pub row: u32,
    /// First column.
    pub from: u32,
    /// Column behind the last.
    pub to: u32,
}

/// A connected component with the statistics of its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Class.
    pub class: u8,
    /// Pixels.
    pub pixels: u64,
    /// Sum of the values.
    pub sum: f64,
    /// Least value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Its pixels, in rows.
    pub spans: Vec<Span>,
    /// Pixels by from–to classes, where there are any.
    pub pairs: Vec<(u8, u64)>,
    last_row: u32,
}

/// A patch on the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Class.
    pub class: u8,
    /// Pixels.
    pub pixels: u64,
    /// Mean, least and largest value.
    pub mean: f64,
    /// Least value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Pixels by from–to classes, where there are any, by their numbers.
    pub pairs: Vec<(u8, u64)>,
    /// Polygons on pixel edges in the grid's CRS; holes are holes. Parts that only touch at corners are parts of one
    /// multipolygon.
    pub shape: MultiPolygon<f64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patches {
    /// Patches from the minimum mapping unit on, by their first pixel.
    pub patches: Vec<Patch>,
    /// Components below the minimum mapping unit, and their pixels.
    pub small: (u64, u64),
}

/// Joins runs to components.
#[derive(Debug)]
pub struct Labeller {
    options: PatchOptions,
    grid: Grid,
    parent: Vec<u32>,
    components: Vec<Option<Component>>,
    free: Vec<u32>,
    /// Runs of the row before, with their component.
    previous: Vec<(Run, u32)>,
    done: Vec<((u32, u32), Patch)>,
    small: (u64, u64),
}

impl Labeller {
    /// For a grid.
    pub fn new(grid: &Grid, options: PatchOptions) -> Self {
        Self {
            options,
            grid: grid.clone(),
            parent: Vec::new(),
            components: Vec::new(),
            free: Vec::new(),
            previous: Vec::new(),
            done: Vec::new(),
            small: (0, 0),
        }
    }

    /// Takes the runs of the next row that has any, by columns. Touching runs of one class are one component; of one
    /// class and the same from–to classes they are one run already ([`in_rows`]).
    pub fn row(&mut self, runs: &[Run]) {
        let Some(row) = runs.first().map(|r| r.row) else { return };
        let previous = std::mem::take(&mut self.previous);
        let next_row = previous.first().is_none_or(|(r, _)| r.row + 1 == row);
        let mut current: Vec<(Run, u32)> = Vec::with_capacity(runs.len());
        let mut merged = Vec::new();
        let mut first = 0;
        for r in runs {
            let mut mine = None;
            if next_row {
                // with corners as neighbours a run reaches one column further on either side
                let reach = u32::from(self.options.connectivity == Connectivity::Eight);
                while first < previous.len() && previous[first].0.to + reach <= r.from {
                    first += 1;
                }
                for (p, id) in &previous[first..] {
                    if p.from >= r.to + reach {
                        break;
                    }
                    if p.class == r.class {
                        let id = self.find(*id);
                        mine = Some(match mine {
                            Some(m) if m != id => self.join(m, id, &mut merged),
                            _ => id,
                        });
                    }
                }
            }
            if let Some((last, id)) = current.last()
                && last.to == r.from
                && last.class == r.class
            {
                let id = self.find(*id);
                mine = Some(match mine {
                    Some(m) if m != id => self.join(m, id, &mut merged),
                    _ => id,
                });
            }
            let id = mine.unwrap_or_else(|| self.fresh(r.class));
            if let Some(c) = &mut self.components[id as usize] {
                c.take(r);
            }
            current.push((*r, id));
        }
        self.close(&previous, row);
        for (_, id) in &mut current {
            *id = self.find(*id);
        }
        self.free.extend(merged);
        self.previous = current;
    }

    /// Everything, once all rows were given.
    pub fn finish(mut self) -> Patches {
        let previous = std::mem::take(&mut self.previous);
        self.close(&previous, u32::MAX);
        self.done.sort_by_key(|d| d.0);
        Patches { patches: self.done.into_iter().map(|d| d.1).collect(), small: self.small }
    }

    fn find(&self, mut id: u32) -> u32 {
        while self.parent[id as usize] != id {
            id = self.parent[id as usize];
        }
        id
    }

    fn fresh(&mut self, class: u8) -> u32 {
        let empty = Component {
            class,
            pixels: 0,
            sum: 0.0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            spans: Vec::new(),
            pairs: Vec::new(),
            last_row: 0,
        };
        if let Some(id) = self.free.pop() {
            self.parent[id as usize] = id;
            self.components[id as usize] = Some(empty);
            return id;
        }
        self.parent.push(self.parent.len() as u32);
        self.components.push(Some(empty));
        self.parent.len() as u32 - 1
    }

    /// Joins two components; the one with fewer runs moves into the other.
    fn join(&mut self, a: u32, b: u32, merged: &mut Vec<u32>) -> u32 {
        let length = |i: u32| self.components[i as usize].as_ref().map_or(0, |c| c.spans.len());
        let (keep, gone) = if length(a) >= length(b) { (a, b) } else { (b, a) };
        let moved = self.components[gone as usize].take();
        if let (Some(k), Some(g)) = (&mut self.components[keep as usize], moved) {
            k.absorb(g);
        }
        self.parent[gone as usize] = keep;
        merged.push(gone);
        keep
    }

    /// Lets go of the components that no run of this row has joined.
    fn close(&mut self, previous: &[(Run, u32)], row: u32) {
        for (_, id) in previous {
            let id = self.find(*id);
            let over = self.components[id as usize].as_ref().is_some_and(|c| c.last_row < row);
            if !over {
                continue;
            }
            if let Some(c) = self.components[id as usize].take() {
                self.free.push(id);
                if c.pixels < self.options.min_pixels {
                    self.small.0 += 1;
                    self.small.1 += c.pixels;
                } else {
                    self.done.push(c.patch(&self.grid, self.options.connectivity));
                }
            }
        }
    }
}

impl Component {
    fn take(&mut self, r: &Run) {
        self.pixels += u64::from(r.to - r.from);
        self.sum += r.sum;
        self.min = self.min.min(r.min);
        self.max = self.max.max(r.max);
        self.spans.push(Span { row: r.row, from: r.from, to: r.to });
        if r.pair > 0 {
            self.count(r.pair, u64::from(r.to - r.from));
        }
        self.last_row = r.row;
    }

    fn count(&mut self, pair: u8, pixels: u64) {
        match self.pairs.iter_mut().find(|(p, _)| *p == pair) {
            Some((_, n)) => *n += pixels,
            None => self.pairs.push((pair, pixels)),
        }
    }

    fn absorb(&mut self, o: Self) {
        self.pixels += o.pixels;
        self.sum += o.sum;
        self.min = self.min.min(o.min);
        self.max = self.max.max(o.max);
        self.spans.extend(o.spans);
        o.pairs.iter().for_each(|(p, n)| self.count(*p, *n));
        self.last_row = self.last_row.max(o.last_row);
    }

    fn patch(mut self, grid: &Grid, connectivity: Connectivity) -> ((u32, u32), Patch) {
        self.spans.sort_unstable();
        self.pairs.sort_unstable();
        // runs that touch were cut where the from–to classes change
        self.spans.dedup_by(|next, s| {
            let touch = s.row == next.row && s.to == next.from;
            if touch {
                s.to = next.to;
            }
            touch
        });
        let first = self.spans.first().map_or((0, 0), |s| (s.row, s.from));
        let shape = outline(&self.spans, connectivity, |c, r| grid.xy(f64::from(c), f64::from(r)));
        let mean = self.sum / self.pixels as f64;
        let (class, pixels, pairs) = (self.class, self.pixels, self.pairs);
        (first, Patch { class, pixels, mean, min: self.min, max: self.max, pairs, shape })
    }
}

#[cfg(test)]
mod tests;
