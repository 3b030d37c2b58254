//! Exact shares of cells inside polygons, and the cells that outlines run through.
//!
//! Shares by signed areas: each piece of an edge inside one cell adds the area between it and the right edge of the
//! row to that cell and those right of it; sums along rows then give the share of each cell, exact for valid polygons.

use geo::{LineString, MultiPolygon, Polygon};

use crate::model::{Grid, Window};

/// A polygon in cells of the grid (columns, rows), with exteriors and holes that turn against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Rings as columns and rows.
    rings: Vec<Ring>,
    /// West, north, east, south, in cells.
    bounds: [f64; 4],
}

#[derive(Debug, Clone, PartialEq)]
struct Ring {
    points: Vec<[f64; 2]>,
    exterior: bool,
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
        let mut rings = Vec::new();
        for p in shape {
            push(&mut rings, p, grid)?;
        }
        let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for [x, y] in rings.iter().flat_map(|r| &r.points) {
            b = [b[0].min(*x), b[1].min(*y), b[2].max(*x), b[3].max(*y)];
        }
        Some(Self { rings, bounds: b })
    }

    /// The cells of the grid that its bounds touch; empty where none.
    pub fn window(&self, grid: &Grid) -> Window {
        let [w, n, e, s] = self.bounds;
        // `as` takes what is left of 0 to 0
        let (col, row) = (w.floor() as usize, n.floor() as usize);
        let (c1, r1) = ((e.ceil() as usize).min(grid.width), (s.ceil() as usize).min(grid.height));
        Window { col, row, width: c1.saturating_sub(col), height: r1.saturating_sub(row) }
    }

    /// Its area in cells, wherever it lies.
    pub fn cells(&self) -> f64 {
        self.rings.iter().map(|r| signed_area(&r.points)).sum()
    }

    /// Shares of the cells in `within`.
    pub fn cover(&self, grid: &Grid, within: Window) -> Cover {
        let window = self.window(grid).intersection(&within);
        if window.is_empty() {
            return Cover { window: Window { width: 0, height: 0, ..window }, share: Vec::new() };
        }
        let (w, h) = (window.width, window.height);
        // one column more takes what lies right of the last
        let mut sums = vec![0.0; (w + 1) * h];
        for r in &self.rings {
            for e in r.points.windows(2) {
                let local = |p: [f64; 2]| [p[0] - window.col as f64, p[1] - window.row as f64];
                pieces(local(e[0]), local(e[1]), w, h, |col, row, dy, inside| {
                    let at = row * (w + 1) + col;
                    sums[at] += dy * (1.0 - inside);
                    sums[at + 1] += dy * inside;
                });
            }
        }
        let mut share = Vec::with_capacity(w * h);
        for row in sums.chunks_exact(w + 1) {
            let mut sum = 0.0;
            for v in &row[..w] {
                sum += v;
                // sums of rounded parts leave specks of 1e-15
                share.push(if sum < 1e-12 { 0.0 } else { sum.min(1.0) });
            }
        }
        Cover { window, share }
    }

    /// Cells of the grid that its exteriors run through (looked at every half cell), by rows, each once.
    pub fn rim_cells(&self, grid: &Grid) -> Vec<(usize, usize)> {
        let mut cells = Vec::new();
        let (w, h) = (grid.width as f64, grid.height as f64);
        for r in self.rings.iter().filter(|r| r.exterior) {
            for e in r.points.windows(2) {
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

fn push(rings: &mut Vec<Ring>, p: &Polygon<f64>, grid: &Grid) -> Option<()> {
    for (ring, exterior) in std::iter::once((p.exterior(), true)).chain(p.interiors().iter().map(|i| (i, false))) {
        let mut points = ring_points(ring, grid)?;
        if (signed_area(&points) > 0.0) != exterior {
            points.reverse();
        }
        rings.push(Ring { points, exterior });
    }
    Some(())
}

fn ring_points(r: &LineString<f64>, grid: &Grid) -> Option<Vec<[f64; 2]>> {
    r.0.iter().map(|c| grid.pixel_from_xy([c.x, c.y])).collect()
}

/// Positive where the share to the right of the edges, counted by [`pieces`], is.
fn signed_area(p: &[[f64; 2]]) -> f64 {
    let o = p.first().copied().unwrap_or_default();
    0.5 * p.windows(2).map(|e| (e[0][0] - o[0]) * (e[1][1] - o[1]) - (e[1][0] - o[0]) * (e[0][1] - o[1])).sum::<f64>()
}

/// Calls `f` with column, row, signed height of the piece (positive upwards, towards smaller rows) and its mean distance
/// from the cell's left edge, for each piece of an edge inside one cell; what lies left of the first column comes as if
/// it ran along its left edge, what lies right of the last or above and below is left out.
fn pieces(a: [f64; 2], b: [f64; 2], w: usize, h: usize, mut f: impl FnMut(usize, usize, f64, f64)) {
    let (top, low, sign) = if a[1] <= b[1] { (a, b, -1.0) } else { (b, a, 1.0) };
    if top[1] == low[1] {
        return;
    }
    let slant = (low[0] - top[0]) / (low[1] - top[1]);
    let x_at = |y: f64| if y >= low[1] { low[0] } else { top[0] + slant * (y - top[1]) };
    let (y0, y1) = (top[1].max(0.0), low[1].min(h as f64));
    let mut y = y0;
    while y < y1 {
        let row = (y.floor() as usize).min(h - 1);
        let next = ((row + 1) as f64).min(y1);
        across(x_at(y), x_at(next), sign * (next - y), w, |col, dy, inside| f(col, row, dy, inside));
        y = next;
    }
}

/// The piece of one row, from `x0` to `x1` and `dy` high, by columns.
fn across(x0: f64, x1: f64, dy: f64, w: usize, mut f: impl FnMut(usize, f64, f64)) {
    let (l, r) = (x0.min(x1), x0.max(x1));
    let last = w as f64;
    let per = if r > l { dy / (r - l) } else { 0.0 };
    if r <= 0.0 || r == l {
        if l < last {
            let x = l.max(0.0);
            let col = (x.floor() as usize).min(w - 1);
            f(col, dy, x - col as f64);
        }
        return;
    }
    if l < 0.0 {
        f(0, -l * per, 0.0);
    }
    let mut x = l.max(0.0);
    let end = r.min(last);
    while x < end {
        let col = (x.floor() as usize).min(w - 1);
        let next = ((col + 1) as f64).min(end);
        f(col, (next - x) * per, 0.5 * (x + next) - col as f64);
        x = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Area, BooleanOps, Rect, polygon};
    use proptest::prelude::*;

    fn grid() -> Grid {
        Grid { transform: [100.0, 2.0, 0.0, 50.0, 0.0, -2.0], width: 12, height: 10, crs: None }
    }

    fn whole() -> Window {
        grid().window()
    }

    /// By geo's overlay, cell by cell.
    fn expected(shape: &MultiPolygon<f64>, c: usize, r: usize) -> f64 {
        let (a, b) = (grid().xy(c as f64, r as f64), grid().xy(c as f64 + 1.0, r as f64 + 1.0));
        let cell = Rect::new((a[0], a[1]), (b[0], b[1])).to_polygon();
        shape.intersection(&MultiPolygon(vec![cell])).unsigned_area() / 4.0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn shares_are_areas_of_overlay(
            radii in proptest::collection::vec(0.3f64..9.0, 3..9),
            x in 96.0f64..128.0,
            y in 26.0f64..54.0,
            hole in any::<bool>(),
        ) {
            let n = radii.len() as f64;
            let ring = |k: f64| -> LineString<f64> {
                let at = |(i, r): (usize, &f64)| {
                    let t = std::f64::consts::TAU * i as f64 / n;
                    (x + k * r * t.cos(), y + k * r * t.sin())
                };
                let mut p: Vec<_> = radii.iter().enumerate().map(at).collect();
                p.push(p[0]);
                LineString::from(p)
            };
            let shape = MultiPolygon(vec![Polygon::new(ring(1.0), if hole { vec![ring(0.5)] } else { vec![] })]);
            let cover = Outline::new(&shape, &grid()).unwrap().cover(&grid(), whole());
            let mut sum = 0.0;
            for r in 0..10 {
                for c in 0..12 {
                    let w = cover.window;
                    let inside = c >= w.col && r >= w.row && c < w.col + w.width && r < w.row + w.height;
                    let got = if inside { cover.share[(r - w.row) * w.width + c - w.col] } else { 0.0 };
                    let want = expected(&shape, c, r);
                    // the overlay's own grid is good to 1e-9 of the extent
                    prop_assert!((got - want).abs() < 1e-6, "{c} {r}: {got} {want}");
                    sum += got;
                }
            }
            // a window in parts gives the same as the whole
            let half = |row, height| Window { col: 0, row, width: 12, height };
            let o = Outline::new(&shape, &grid()).unwrap();
            let parts: f64 = [half(0, 4), half(4, 6)].iter().flat_map(|w| o.cover(&grid(), *w).share).sum();
            prop_assert!((parts - sum).abs() < 1e-9);
        }
    }

    #[test]
    fn a_square_by_hand_and_its_rim() {
        // from column 1.5 to 4, row 1 to 3.25
        let p = polygon![(x: 103.0, y: 48.0), (x: 108.0, y: 48.0), (x: 108.0, y: 43.5), (x: 103.0, y: 43.5)];
        let o = Outline::new(&MultiPolygon(vec![p]), &grid()).unwrap();
        let c = o.cover(&grid(), whole());
        assert_eq!(c.window, Window { col: 1, row: 1, width: 3, height: 3 });
        assert_eq!(c.share, [0.5, 1.0, 1.0, 0.5, 1.0, 1.0, 0.125, 0.25, 0.25]);
        assert!((o.cells() - 2.5 * 2.25).abs() < 1e-12);
        let rim = o.rim_cells(&grid());
        assert!(rim.contains(&(1, 1)) && rim.contains(&(1, 3)) && !rim.contains(&(2, 2)), "{rim:?}");
    }
}
