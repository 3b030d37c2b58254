//! The exact share of each pixel that a polygon covers.
//!
//! Every edge is followed from pixel to pixel. In a pixel that an edge passes over a height `dy`, it takes away or adds
//! (by its direction) the area between itself and the pixel's right side, and everything further right gains or loses
//! the whole `dy`. One sum along the row then gives each pixel its share: what lies to the left of it, plus its own part.
//! Rings are turned so that outlines add and holes take away. (The sum is Green's theorem, pixel by pixel; the shares are
//! those of exactextract, which cuts each pixel's polygon out instead.)

use geo::{LineString, MultiPolygon};

use crate::model::{Grid, Window};

/// Shares below this are rounding of coordinates, not land: pixels.
const SPECK: f64 = 1e-11;

/// A polygon on the pixels of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneOnGrid {
    /// First column and row that its box touches; may lie outside the grid.
    origin: [i64; 2],
    /// Columns and rows that its box touches.
    size: [i64; 2],
    /// Corners in pixels from the origin, ring after ring, each closed.
    corners: Vec<[f64; 2]>,
    /// Where each ring ends among the corners, and its sign: what following it as it is drawn must be multiplied by.
    rings: Vec<(usize, f64)>,
    /// Area in pixels, whether inside the grid or not.
    area: f64,
}

/// Neighbouring pixels of one row of the grid that are covered by the same share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Row.
    pub row: usize,
    /// First column.
    pub from: usize,
    /// Column after the last.
    pub to: usize,
    /// Share of each pixel, above 0, at most 1.
    pub share: f64,
}

/// Sums of a window, kept from one call of [`ZoneOnGrid::spans`] to the next to spare the allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Per pixel: the part of itself that edges in it add, and what they hand on to the right.
    cells: Vec<[f64; 2]>,
}

impl ZoneOnGrid {
    /// Puts a valid polygon, in the grid's CRS, on the grid. `None` where it has no area, or the grid's transform no
    /// inverse.
    pub fn new(shape: &MultiPolygon<f64>, grid: &Grid) -> Option<Self> {
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        let rings = || shape.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
        for c in rings().flat_map(|r| r.coords()) {
            let p = grid.pixel_from_xy([c.x, c.y])?;
            for k in 0..2 {
                (low[k], high[k]) = (low[k].min(p[k]), high[k].max(p[k]));
            }
        }
        // far outside any raster a pixel's number has no exact place in a double
        if !low.iter().chain(&high).all(|v| v.abs() < 1e12) {
            return None;
        }
        let origin = low.map(|v| v.floor() as i64);
        // a point on a pixel's edge may round to either side once it is counted from the corner below
        let size = [0, 1].map(|k| high[k].floor() as i64 - origin[k] + 1);
        let corner = grid.xy(origin[0] as f64, origin[1] as f64);
        let local = Grid {
            transform: {
                let t = grid.transform;
                [corner[0], t[1], t[2], corner[1], t[4], t[5]]
            },
            ..grid.clone()
        };
        let mut zone = Self { origin, size, corners: Vec::new(), rings: Vec::new(), area: 0.0 };
        for p in &shape.0 {
            zone.ring(p.exterior(), &local, 1.0)?;
            for hole in p.interiors() {
                zone.ring(hole, &local, -1.0)?;
            }
        }
        (zone.area > 0.0).then_some(zone)
    }

    fn ring(&mut self, ring: &LineString<f64>, local: &Grid, sign: f64) -> Option<()> {
        let from = self.corners.len();
        for c in ring.coords() {
            self.corners.push(local.pixel_from_xy([c.x, c.y])?);
        }
        let (Some(first), Some(last)) = (self.corners.get(from).copied(), self.corners.last().copied()) else {
            return Some(());
        };
        if first != last {
            self.corners.push(first);
        }
        let area = signed_area(&self.corners[from..]);
        self.area += sign * area.abs();
        self.rings.push((self.corners.len(), if area < 0.0 { -sign } else { sign }));
        Some(())
    }

    /// Area in pixels, whether inside the grid or not.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// The pixels of a grid that its box touches; empty where it lies outside.
    pub fn window(&self, grid: &Grid) -> Window {
        let clip = |k: usize, n: usize| {
            let n = n as i64;
            let (a, b) = (self.origin[k].clamp(0, n), (self.origin[k] + self.size[k]).clamp(0, n));
            (a as usize, (b - a) as usize)
        };
        let ((col, width), (row, height)) = (clip(0, grid.width), clip(1, grid.height));
        Window { col, row, width, height }
    }

    /// The shares of the pixels of a window, row by row from the left.
    pub fn spans(&self, within: Window, scratch: &mut Scratch, mut each: impl FnMut(Span)) {
        let whole = Grid { transform: [0.0; 6], width: usize::MAX >> 1, height: usize::MAX >> 1, crs: None };
        let w = self.window(&whole).intersection(&within);
        if w.is_empty() {
            return;
        }
        scratch.cells.clear();
        scratch.cells.resize(w.len(), [0.0; 2]);
        let shift = [w.col as i64 - self.origin[0], w.row as i64 - self.origin[1]].map(|v| v as f64);
        let mut sums = Sums { cells: &mut scratch.cells, width: w.width, height: w.height };
        let mut from = 0;
        for (end, sign) in &self.rings {
            for e in self.corners[from..*end].windows(2) {
                let [a, b] = [e[0], e[1]].map(|p| [p[0] - shift[0], p[1] - shift[1]]);
                sums.edge(a, b, *sign);
            }
            from = *end;
        }
        for (r, row) in scratch.cells.chunks_exact(w.width).enumerate() {
            along(row, |from, to, share| each(Span { row: w.row + r, from: w.col + from, to: w.col + to, share }));
        }
    }
}

/// Area of a closed ring, positive where it turns from the columns' axis to the rows'.
fn signed_area(ring: &[[f64; 2]]) -> f64 {
    let o = ring.first().copied().unwrap_or_default();
    ring.windows(2).map(|e| (e[0][0] - o[0]) * (e[1][1] - o[1]) - (e[1][0] - o[0]) * (e[0][1] - o[1])).sum::<f64>()
        / 2.0
}

/// Shares of one row from its sums.
fn along(row: &[[f64; 2]], mut each: impl FnMut(usize, usize, f64)) {
    let (mut left, mut c) = (0.0, 0);
    while c < row.len() {
        let [own, on] = row[c];
        if own != 0.0 || on != 0.0 {
            // polygons that are not valid may cover a place twice
            let share = (left + own).clamp(0.0, 1.0);
            if share > SPECK {
                each(c, c + 1, share);
            }
            left += on;
            c += 1;
            continue;
        }
        let to = row[c..].iter().position(|x| *x != [0.0; 2]).map_or(row.len(), |n| c + n);
        // no edge rises here: inside or outside, whatever rounding left in the sum; or a level edge runs through the row
        if left > SPECK {
            each(c, to, if left > 1.0 - SPECK { 1.0 } else { left });
        }
        c = to;
    }
}

/// Sums of a window of pixels whose first corner is (0, 0).
struct Sums<'a> {
    cells: &'a mut [[f64; 2]],
    width: usize,
    height: usize,
}

impl Sums<'_> {
    fn edge(&mut self, a: [f64; 2], b: [f64; 2], sign: f64) {
        // what lies right of an edge that runs down the rows is taken away: outlines turn from columns to rows, so the
        // inside is to the right of edges that run up
        let ([x0, y0], [x1, y1], sign) = if a[1] <= b[1] { (a, b, -sign) } else { (b, a, sign) };
        let (top, bottom) = (y0.max(0.0), y1.min(self.height as f64));
        if top >= bottom || x0.min(x1) >= self.width as f64 {
            return;
        }
        let slope = (x1 - x0) / (y1 - y0);
        let x_at = |y: f64| {
            if y == y0 {
                x0
            } else if y == y1 {
                x1
            } else {
                (x0 + (y - y0) * slope).clamp(x0.min(x1), x0.max(x1))
            }
        };
        let (mut y, mut x) = (top, x_at(top));
        let mut row = top as usize;
        while y < bottom {
            let next = ((row + 1) as f64).min(bottom);
            let x_next = x_at(next);
            self.within_row(row, x, x_next, sign * (next - y));
            (y, x) = (next, x_next);
            row += 1;
        }
    }

    /// A piece of an edge within one row, from `x0` to `x1`, of signed height `dy`.
    fn within_row(&mut self, row: usize, x0: f64, x1: f64, dy: f64) {
        let (left, right) = if x0 <= x1 { (x0, x1) } else { (x1, x0) };
        let cells = &mut self.cells[row * self.width..(row + 1) * self.width];
        let end = self.width as f64;
        if left >= end {
            return;
        }
        if right <= 0.0 {
            cells[0][0] += dy;
            cells[0][1] += dy;
            return;
        }
        let first = left.floor();
        if right <= first + 1.0 && left >= 0.0 {
            let c = &mut cells[first as usize];
            c[0] += dy * (1.0 - ((left - first) + (right - first)) / 2.0);
            c[1] += dy;
            return;
        }
        let per_x = dy / (right - left);
        let (mut x, mut used) = (left, 0.0);
        if x < 0.0 {
            used = -x * per_x;
            cells[0][0] += used;
            cells[0][1] += used;
            x = 0.0;
        }
        let mut col = x.floor();
        while x < right && col < end {
            let next = (col + 1.0).min(right);
            // the last piece takes what is left, so that the heights of a row add up
            let part = if next < right { (next - x) * per_x } else { dy - used };
            let c = &mut cells[col as usize];
            c[0] += part * (1.0 - ((x - col) + (next - col)) / 2.0);
            c[1] += part;
            used += part;
            x = next;
            col += 1.0;
        }
    }
}
