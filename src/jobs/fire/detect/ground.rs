//! The ground that a look saw and that was hidden from it, as polygons for `fire track`: cells of several pixels, so that
//! clouds make few polygons. A cell counts as looked at where all of it was recorded, and as hidden where any of it was.

use geo::{Geometry, MultiPolygon};

use crate::analysis::patches::{Connectivity, Labeller, PatchOptions, Run};
use crate::error::Result;
use crate::model::{Grid, Seen, Window};
use crate::prepare::shapes::Runner;

/// Cells along the longer side at most.
const CELLS: usize = 800;
/// Classes of cells.
const LOOKED_AT: u8 = 1;

/// Cells as they fill.
#[derive(Debug)]
pub(super) struct Ground {
    step: usize,
    columns: usize,
    grid: Grid,
    recorded: Vec<u32>,
    hidden: Vec<bool>,
}

impl Ground {
    pub fn new(g: &Grid) -> Self {
        let step = g.width.max(g.height).div_ceil(CELLS).max(1);
        // cells that the border cuts are not looked at whole
        let (columns, rows) = (g.width / step, g.height / step);
        let t = g.transform;
        let s = step as f64;
        let transform = [t[0], t[1] * s, t[2] * s, t[3], t[4] * s, t[5] * s];
        let grid = Grid { transform, width: columns, height: rows, crs: g.crs.clone() };
        Self { step, columns, grid, recorded: vec![0; columns * rows], hidden: vec![false; columns * rows] }
    }

    /// Takes a window of the grid.
    pub fn add(&mut self, w: Window, seen: &[Seen]) {
        for (i, row) in seen.chunks_exact(w.width.max(1)).enumerate() {
            let r = (w.row + i) / self.step;
            if r >= self.grid.height {
                return;
            }
            let mut rest = row;
            let mut col = w.col;
            // most rows are seen whole
            if row.iter().filter(|s| **s == Seen::Yes).count() == row.len() {
                let end = (w.col + row.len()).min(self.columns * self.step);
                let (first, last) = (w.col.div_ceil(self.step), end / self.step);
                if first < last {
                    let of_row = &mut self.recorded[r * self.columns..][..self.columns];
                    of_row[first..last].iter_mut().for_each(|n| *n += self.step as u32);
                    if w.col < first * self.step {
                        of_row[first - 1] += (first * self.step - w.col) as u32;
                    }
                    if last * self.step < end {
                        of_row[last] += (end - last * self.step) as u32;
                    }
                    continue;
                }
            }
            while !rest.is_empty() && col / self.step < self.columns {
                let (part, after) = rest.split_at((self.step - col % self.step).min(rest.len()));
                let at = r * self.columns + col / self.step;
                self.recorded[at] += part.iter().filter(|s| **s != Seen::NoData).count() as u32;
                self.hidden[at] |= part.iter().any(|s| *s != Seen::Yes && *s != Seen::NoData);
                (rest, col) = (after, col + part.len());
            }
        }
    }

    /// What was looked at, and what of it was hidden, in longitude and latitude.
    ///
    /// # Errors
    /// `Input` where a place cannot be transformed.
    pub fn shapes(&self, runner: &Runner) -> Result<[MultiPolygon<f64>; 2]> {
        let full = (self.step * self.step) as u32;
        let looked: Vec<bool> = self.recorded.iter().map(|n| *n == full).collect();
        let hidden: Vec<bool> = looked.iter().zip(&self.hidden).map(|(l, h)| *l && *h).collect();
        Ok([self.outline(&looked, runner)?, self.outline(&hidden, runner)?])
    }

    fn outline(&self, on: &[bool], runner: &Runner) -> Result<MultiPolygon<f64>> {
        let mut labeller = Labeller::new(&self.grid, PatchOptions { connectivity: Connectivity::Four, min_pixels: 1 });
        for (r, row) in on.chunks_exact(self.columns.max(1)).enumerate() {
            let mut runs = Vec::new();
            let mut c = 0;
            while c < row.len() {
                let end = row[c..].iter().position(|x| *x != row[c]).map_or(row.len(), |n| c + n);
                if row[c] {
                    let (row, from, to) = (r as u32, c as u32, end as u32);
                    runs.push(Run { row, from, to, class: LOOKED_AT, pair: 0, sum: 0.0, min: 0.0, max: 0.0 });
                }
                c = end;
            }
            if !runs.is_empty() {
                labeller.row(&runs);
            }
        }
        let mut out = Vec::new();
        for p in labeller.finish().patches {
            match runner.run_owned(Geometry::MultiPolygon(p.shape))? {
                Geometry::MultiPolygon(m) => out.extend(m.0),
                Geometry::Polygon(p) => out.push(p),
                _ => {}
            }
        }
        Ok(MultiPolygon(out))
    }
}
