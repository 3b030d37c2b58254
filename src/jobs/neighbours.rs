//! Units of work that must see their neighbours: results of a first step are held until all units around them have come
//! in, so that nothing is read or decoded twice. What is held is two rows of units and a few more.

use std::collections::BTreeMap;

use crate::model::{Grid, Window};

/// Results of the first step, by unit, as long as a unit that is not settled may look at them.
pub(super) struct Neighbours<'a, R> {
    windows: &'a [Window],
    /// Units side by side.
    columns: usize,
    /// Pixels that a unit sees around itself; no more than a unit is wide and high.
    halo: usize,
    size: (usize, usize),
    held: BTreeMap<usize, R>,
    arrived: usize,
    next: usize,
}

/// A unit with what lies around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// Place of the unit among the windows.
    unit: usize,
    /// The unit and its surroundings, in the grid.
    pub wide: Window,
    /// The unit within `wide`.
    pub core: Window,
}

impl<'a, R> Neighbours<'a, R> {
    /// For units as [`super::pipeline::units`] gives them.
    pub fn new(windows: &'a [Window], grid: &Grid, halo: usize) -> Self {
        let columns = windows.iter().take_while(|w| w.row == 0).count().max(1);
        let size = (grid.width, grid.height);
        Self { windows, columns, halo, size, held: BTreeMap::new(), arrived: 0, next: 0 }
    }

    /// Takes the result of the next unit in order.
    pub fn put(&mut self, r: R) {
        self.held.insert(self.arrived, r);
        self.arrived += 1;
    }

    /// The next unit whose neighbours are all there.
    pub fn ready(&self) -> Option<Surroundings> {
        let w = self.windows.get(self.next)?;
        let (col, row) = (self.next % self.columns, self.next / self.columns);
        let rows = self.windows.len() / self.columns;
        let last = (row + 1).min(rows - 1) * self.columns + (col + 1).min(self.columns - 1);
        (self.arrived > last).then(|| {
            let (c0, r0) = (w.col.saturating_sub(self.halo), w.row.saturating_sub(self.halo));
            let c1 = (w.col + w.width + self.halo).min(self.size.0);
            let r1 = (w.row + w.height + self.halo).min(self.size.1);
            Surroundings {
                unit: self.next,
                wide: Window { col: c0, row: r0, width: c1 - c0, height: r1 - r0 },
                core: Window { col: w.col - c0, row: w.row - r0, ..*w },
            }
        })
    }

    /// The result of the unit itself.
    pub fn own(&self, s: &Surroundings) -> Option<&R> {
        self.held.get(&s.unit)
    }

    /// Window of the unit in the grid.
    pub fn window(&self, s: &Surroundings) -> Window {
        self.windows[s.unit]
    }

    /// A plane of the unit and its surroundings; where a unit has none, its part keeps `T`'s default.
    pub fn gather<T: Copy + Default>(&self, s: &Surroundings, plane: impl Fn(&R) -> &[T]) -> Vec<T> {
        let mut out = Vec::new();
        self.gather_into(s, plane, &mut out);
        out
    }

    /// As [`Neighbours::gather`], in memory that is there already.
    pub fn gather_into<T: Copy + Default>(&self, s: &Surroundings, plane: impl Fn(&R) -> &[T], out: &mut Vec<T>) {
        out.clear();
        out.resize(s.wide.len(), T::default());
        for (i, r) in &self.held {
            let (w, from) = (self.windows[*i], plane(r));
            let shared = w.intersection(&s.wide);
            if shared.is_empty() || from.len() != w.len() {
                continue;
            }
            for row in shared.row..shared.row + shared.height {
                let source = (row - w.row) * w.width + shared.col - w.col;
                let target = (row - s.wide.row) * s.wide.width + shared.col - s.wide.col;
                out[target..target + shared.width].copy_from_slice(&from[source..source + shared.width]);
            }
        }
    }

    /// Done with a unit; lets go what no unit looks at any more.
    pub fn settled(&mut self) {
        self.next += 1;
        let needed = self.next.saturating_sub(self.columns + 1);
        self.held = self.held.split_off(&needed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::pipeline::units;
    use super::*;

    #[test]
    fn every_unit_sees_its_surroundings_and_little_is_held() {
        for (width, height) in [(1300, 2100), (513, 514), (100, 3000), (10, 10)] {
            let grid = Grid { transform: [0.0, 1.0, 0.0, 0.0, 0.0, -1.0], width, height, crs: None };
            let windows = units(&grid, &[]);
            let value = |c: usize, r: usize| (r * width + c) as u32;
            let mut near = Neighbours::new(&windows, &grid, 31);
            let (mut seen, mut most) = (0, 0);
            for w in &windows {
                let rows = w.row..w.row + w.height;
                near.put(rows.flat_map(|r| (w.col..w.col + w.width).map(move |c| value(c, r))).collect::<Vec<u32>>());
                most = most.max(near.held.len());
                while let Some(s) = near.ready() {
                    let all = near.gather(&s, Vec::as_slice);
                    for (i, v) in all.iter().enumerate() {
                        assert_eq!(*v, value(s.wide.col + i % s.wide.width, s.wide.row + i / s.wide.width));
                    }
                    assert_eq!(near.window(&s).len(), s.core.len());
                    near.settled();
                    seen += s.core.len();
                }
            }
            assert_eq!(seen, width * height);
            assert!(most <= 2 * near.columns + 3, "{most}");
        }
    }
}
