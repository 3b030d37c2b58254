//! Shares of cells inside polygons (by [`ZoneOnGrid`]), and the cells that outlines run through.

use geo::MultiPolygon;

use crate::analysis::zonal::{Scratch, ZoneOnGrid};
use crate::model::{Grid, Window};

/// A polygon in cells of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// `None` where it has no area.
    zone: Option<ZoneOnGrid>,
    /// Its exteriors, in columns and rows.
    exteriors: Vec<Vec<[f64; 2]>>,
}

/// Shares of the cells of a window inside a polygon.
#[derive(Debug, Clone, PartialEq)]
pub struct Cover {
    /// The cells that its bounds touch, in the window asked for.
    pub window: Window,
    /// Share of each, 0 to 1.
    pub share: Vec<f64>,
}

impl Outline {
    /// A polygon in the grid's CRS; `None` where the grid has no inverse.
    pub fn new(shape: &MultiPolygon<f64>, grid: &Grid) -> Option<Self> {
        let ring = |r: &geo::LineString<f64>| r.0.iter().map(|c| grid.pixel_from_xy([c.x, c.y])).collect();
        let exteriors = shape.iter().map(|p| ring(p.exterior())).collect::<Option<_>>()?;
        Some(Self { zone: ZoneOnGrid::new(shape, grid), exteriors })
    }

    /// The cells of the grid that its bounds touch; empty where none.
    pub fn window(&self, grid: &Grid) -> Window {
        self.zone.as_ref().map_or_else(Window::default, |z| z.window(grid))
    }

    /// Its area in cells, wherever it lies.
    pub fn cells(&self) -> f64 {
        self.zone.as_ref().map_or(0.0, ZoneOnGrid::area)
    }

    /// Shares of the cells in `within`.
    pub fn cover(&self, grid: &Grid, within: Window) -> Cover {
        let window = self.window(grid).intersection(&within);
        let mut share = vec![0.0; window.len()];
        if let Some(z) = self.zone.as_ref().filter(|_| !window.is_empty()) {
            z.spans(window, &mut Scratch::default(), |s| {
                let at = (s.row - window.row) * window.width + s.from - window.col;
                share[at..at + s.to - s.from].fill(s.share);
            });
        }
        Cover { window, share }
    }

    /// Cells of the grid that its exteriors run through (looked at every half cell), by rows, each once.
    pub fn rim_cells(&self, grid: &Grid) -> Vec<(usize, usize)> {
        let mut cells = Vec::new();
        let (w, h) = (grid.width as f64, grid.height as f64);
        for r in &self.exteriors {
            for e in r.windows(2) {
                let Some((from, to)) = within(e[0], e[1], [w, h]) else { continue };
                let steps = (2.0 * (to[0] - from[0]).hypot(to[1] - from[1])).ceil().max(1.0);
                for k in 0..=steps as usize {
                    let t = k as f64 / steps;
                    let (x, y) = (from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]));
                    if x >= 0.0 && y >= 0.0 && x < w && y < h {
                        cells.push((y as usize, x as usize));
                    }
                }
            }
        }
        cells.sort_unstable();
        cells.dedup();
        cells.into_iter().map(|(r, c)| (c, r)).collect()
    }
}

/// The part of an edge inside a box from the origin to `size` (Liang & Barsky 1984); `None` where nothing is.
fn within(a: [f64; 2], b: [f64; 2], size: [f64; 2]) -> Option<([f64; 2], [f64; 2])> {
    let (mut t0, mut t1) = (0.0f64, 1.0f64);
    for k in 0..2 {
        let d = b[k] - a[k];
        if d == 0.0 {
            if a[k] < 0.0 || a[k] > size[k] {
                return None;
            }
            continue;
        }
        let (p, q) = ((0.0 - a[k]) / d, (size[k] - a[k]) / d);
        t0 = t0.max(p.min(q));
        t1 = t1.min(p.max(q));
    }
    let at = |t: f64| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    (t0 <= t1).then(|| (at(t0), at(t1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    fn grid() -> Grid {
        Grid { transform: [100.0, 2.0, 0.0, 50.0, 0.0, -2.0], width: 12, height: 10, crs: None }
    }

    #[test]
    fn a_square_by_hand_and_its_rim() {
        // from column 1.5 to 4, row 1 to 3.25
        let p = polygon![(x: 103.0, y: 48.0), (x: 108.0, y: 48.0), (x: 108.0, y: 43.5), (x: 103.0, y: 43.5)];
        let o = Outline::new(&MultiPolygon(vec![p]), &grid()).unwrap();
        let c = o.cover(&grid(), grid().window());
        let at = |col: usize, row: usize| c.share[(row - c.window.row) * c.window.width + col - c.window.col];
        let rows = [1, 2, 3].map(|r| [1, 2, 3].map(|c| at(c, r)));
        assert_eq!(rows, [[0.5, 1.0, 1.0], [0.5, 1.0, 1.0], [0.125, 0.25, 0.25]]);
        assert!((o.cells() - 2.5 * 2.25).abs() < 1e-12);
        let rim = o.rim_cells(&grid());
        assert!(rim.contains(&(1, 1)) && rim.contains(&(1, 3)) && !rim.contains(&(2, 2)), "{rim:?}");
        // what lies outside the grid has no cells, and costs none
        let far = polygon![(x: 1e9, y: 48.0), (x: 2e9, y: 48.0), (x: 2e9, y: 43.5)];
        let o = Outline::new(&MultiPolygon(vec![far]), &grid()).unwrap();
        assert!(o.rim_cells(&grid()).is_empty() && o.cover(&grid(), grid().window()).share.is_empty());
    }
}
