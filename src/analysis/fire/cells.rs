//! Points on the ellipsoid in cells of bounded size, for search by distance.

use std::ops::Range;

use geo::Coord;
use rayon::prelude::*;

/// Metres of a degree of latitude on the GRS 80 ellipsoid: at least, at the equator; at most, at the poles.
const DEGREE_M: [f64; 2] = [110_574.0, 111_694.0];
/// Metres of a degree of longitude at the equator.
const EQUATOR_DEGREE_M: f64 = 111_319.5;

/// One row of latitude.
#[derive(Debug)]
struct Row {
    row: i32,
    /// Its first cell.
    start: u32,
    /// Columns a degree of longitude.
    columns: f64,
    /// Degrees of longitude a metre, where the row is narrowest.
    degrees: f64,
}

impl Row {
    fn new(side_m: f64, row: i32, start: u32) -> Self {
        let [a, b] = edges(side_m, row).map(f64::abs);
        // a row is narrowest where it is nearest the pole
        let cos = a.max(b).to_radians().cos();
        Self { row, start, columns: columns(side_m, row), degrees: 1.001 / (EQUATOR_DEGREE_M * cos.max(1e-9)) }
    }
}

/// Positions in rows of latitude, and in each in columns of longitude, so that no cell is wider than its side.
#[derive(Debug)]
pub(super) struct Cells {
    side_m: f64,
    /// Row, column, and where its items begin in `items`; by row and column.
    cells: Vec<(i32, i32, u32)>,
    /// Rows that hold something.
    rows: Vec<Row>,
    /// Items by cell, and in it in the order told.
    pub items: Vec<u32>,
}

impl Cells {
    /// Cells no wider and no higher than `side_m`; items of a cell stay in the order of `items`.
    pub fn new(side_m: f64, items: &[u32], place: impl Fn(u32) -> Coord<f64> + Sync) -> Self {
        let places: Vec<(i32, i32)> = items
            .par_iter()
            .map(|&i| {
                let p = place(i);
                let row = row_of(side_m, p.y);
                (row, (p.x * columns(side_m, row)).floor() as i32)
            })
            .collect();
        let (order, span) = sorted(&places);
        let mut cells: Vec<(i32, i32, u32)> = Vec::new();
        let mut last = None;
        for (k, (key, _)) in order.iter().enumerate() {
            if last != Some(*key) {
                last = Some(*key);
                cells.push((span.row(*key), span.col(*key), k as u32));
            }
        }
        let mut rows: Vec<Row> = Vec::new();
        for (i, c) in cells.iter().enumerate() {
            if rows.last().is_none_or(|r| r.row != c.0) {
                rows.push(Row::new(side_m, c.0, i as u32));
            }
        }
        let items = order.iter().map(|(_, k)| items[*k as usize]).collect();
        Self { side_m, cells, rows, items }
    }

    /// Number of cells that hold something.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Where the items of a cell stand.
    pub fn range(&self, cell: usize) -> Range<usize> {
        self.cells[cell].2 as usize..self.cells.get(cell + 1).map_or(self.items.len(), |c| c.2 as usize)
    }

    /// All cells that may hold a point within `reach_m` of a place, and perhaps some more; each once.
    pub fn near(&self, p: Coord<f64>, reach_m: f64, found: &mut Vec<usize>) {
        found.clear();
        let reach_deg = reach_m / DEGREE_M[0];
        self.rows_near(row_of(self.side_m, p.y - reach_deg), p, reach_m, found);
    }

    fn rows_near(&self, first: i32, p: Coord<f64>, reach_m: f64, found: &mut Vec<usize>) {
        let last = row_of(self.side_m, p.y + reach_m / DEGREE_M[0]);
        let from = self.rows.partition_point(|r| r.row < first);
        for (i, r) in self.rows.iter().enumerate().skip(from).take_while(|(_, r)| r.row <= last) {
            let end = self.rows.get(i + 1).map_or(self.cells.len(), |r| r.start as usize);
            self.near_in_row(r, p.x, reach_m * r.degrees, r.start as usize..end, found);
        }
    }

    /// Pairs of cells, the first before the second, that may hold points within `reach_m` of each other, and perhaps some
    /// more, few of them twice.
    ///
    /// Rows are gone through side by side, so that no search is needed but at the date line, and by several threads.
    pub fn pairs(&self, reach_m: f64, pair: impl Fn(usize, usize) + Sync) {
        let height_m = row_height_deg(self.side_m) * DEGREE_M[0];
        self.rows.par_iter().enumerate().for_each(|(i, r)| {
            let below = self.rows.iter().enumerate().skip(i);
            for (j, q) in below.take_while(|(_, q)| f64::from(q.row - r.row - 1) * height_m <= reach_m) {
                self.pairs_of_rows((i, r), (j, q), reach_m, &pair);
            }
        });
    }

    fn cells_of(&self, i: usize) -> Range<usize> {
        self.rows[i].start as usize..self.rows.get(i + 1).map_or(self.cells.len(), |r| r.start as usize)
    }

    fn pairs_of_rows(&self, (i, r): (usize, &Row), (j, q): (usize, &Row), reach_m: f64, pair: &impl Fn(usize, usize)) {
        let half = reach_m * r.degrees.max(q.degrees);
        let others = self.cells_of(j);
        if half >= 90.0 {
            // at a pole all cells of both rows may be near each other
            self.cells_of(i).for_each(|a| others.clone().filter(|b| *b > a).for_each(|b| pair(a, b)));
            return;
        }
        let (mut from, mut to) = (others.start, others.start);
        for a in self.cells_of(i) {
            let col = f64::from(self.cells[a].1);
            let (west, east) = (col / r.columns - half, (col + 1.0) / r.columns + half);
            let (first, last) = ((west * q.columns).floor() as i32, (east * q.columns).floor() as i32);
            from += self.cells[from..others.end].iter().take_while(|c| c.1 < first).count();
            to = to.max(from);
            to += self.cells[to..others.end].iter().take_while(|c| c.1 <= last).count();
            (from.max(a + 1)..to).for_each(|b| pair(a, b));
            if west < -180.0 || east > 180.0 {
                // across the date line
                let turned = if west < -180.0 { [west + 360.0, 180.0] } else { [-180.0, east - 360.0] };
                let columns = turned.map(|v| (v * q.columns).floor() as i32);
                let within = |b: &usize| *b > a && (columns[0]..=columns[1]).contains(&self.cells[*b].1);
                others.clone().filter(within).for_each(|b| pair(a, b));
            }
        }
    }

    /// Cells of a row within `half` degrees of a longitude.
    fn near_in_row(&self, r: &Row, lon: f64, half: f64, range: Range<usize>, found: &mut Vec<usize>) {
        if half >= 180.0 {
            found.extend(range);
            return;
        }
        let cells = &self.cells[range.clone()];
        let between = |a: f64, b: f64| {
            let (a, b) = ((a * r.columns).floor() as i32, (b * r.columns).floor() as i32);
            let from = cells.partition_point(|c| c.1 < a);
            range.start + from..range.start + from + cells[from..].partition_point(|c| c.1 <= b)
        };
        let own = between((lon - half).max(-180.0), (lon + half).min(180.0));
        found.extend(own.clone());
        // across the date line
        let beyond = match (lon - half < -180.0, lon + half > 180.0) {
            (true, _) => between(lon - half + 360.0, 180.0),
            (_, true) => between(-180.0, lon + half - 360.0),
            _ => return,
        };
        found.extend(beyond.filter(|c| !own.contains(c)));
    }
}

/// Least row and column, and columns, of places that are sorted by one number.
struct Span {
    row: i64,
    col: i64,
    columns: u64,
}

impl Span {
    fn row(&self, key: u64) -> i32 {
        (self.row + (key / self.columns) as i64) as i32
    }

    fn col(&self, key: u64) -> i32 {
        (self.col + (key % self.columns) as i64) as i32
    }
}

/// Places (row, column) in order, each with its position, those of equals as they came; sorted digit by digit.
fn sorted(places: &[(i32, i32)]) -> (Vec<(u64, u32)>, Span) {
    const BITS: u32 = 11;
    let least = |f: fn(&(i32, i32)) -> i32| places.iter().map(f).min().unwrap_or(0).into();
    let most = |f: fn(&(i32, i32)) -> i32| -> i64 { places.iter().map(f).max().unwrap_or(0).into() };
    let (row, col): (i64, i64) = (least(|p| p.0), least(|p| p.1));
    let columns = (most(|p| p.1) - col + 1).unsigned_abs();
    let key = |p: &(i32, i32)| (i64::from(p.0) - row).unsigned_abs() * columns + (i64::from(p.1) - col).unsigned_abs();
    let mut now: Vec<(u64, u32)> = places.par_iter().enumerate().map(|(k, p)| (key(p), k as u32)).collect();
    let mut next = vec![(0, 0); now.len()];
    let top = (most(|p| p.0) - row + 1).unsigned_abs() * columns;
    let mut shift = 0;
    while shift < u64::BITS && top >> shift != 0 {
        let digit = |key: u64| (key >> shift) as usize & ((1 << BITS) - 1);
        let mut from = vec![0usize; (1 << BITS) + 1];
        now.iter().for_each(|(key, _)| from[digit(*key) + 1] += 1);
        (1..from.len()).for_each(|d| from[d] += from[d - 1]);
        for item in &now {
            let place = &mut from[digit(item.0)];
            next[*place] = *item;
            *place += 1;
        }
        std::mem::swap(&mut now, &mut next);
        shift += BITS;
    }
    (now, Span { row, col, columns })
}

fn row_height_deg(side_m: f64) -> f64 {
    side_m / DEGREE_M[1]
}

fn row_of(side_m: f64, lat: f64) -> i32 {
    (lat / row_height_deg(side_m)).floor() as i32
}

fn edges(side_m: f64, row: i32) -> [f64; 2] {
    let h = row_height_deg(side_m);
    [f64::from(row) * h, f64::from(row + 1) * h].map(|v| v.clamp(-90.0, 90.0))
}

/// Columns a degree of longitude, so that none is wider than the side where the row is widest.
fn columns(side_m: f64, row: i32) -> f64 {
    let [a, b] = edges(side_m, row);
    let widest = if a <= 0.0 && b >= 0.0 { 0.0 } else { a.abs().min(b.abs()) };
    // the ellipsoid's parallels are up to 1 / sqrt(1 - e²) longer than the sphere's
    EQUATOR_DEGREE_M * 1.0034 * widest.to_radians().cos() / side_m
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::frame::Ecef;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_point_within_reach_lies_in_a_cell_that_is_found(
            points in prop::collection::vec((-180.0f64..=180.0, -90.0f64..=90.0), 1..40),
            near in prop::collection::vec((0usize..40, -0.05f64..0.05, -0.05f64..0.05), 0..40),
            side in 10.0f64..3000.0, reach in 1.0f64..6000.0,
        ) {
            let mut all: Vec<Coord<f64>> = points.iter().map(|&(x, y)| Coord { x, y }).collect();
            for (i, dx, dy) in near {
                let p = all[i % points.len()];
                let x = p.x + dx;
                all.push(Coord { x: if x > 180.0 { x - 360.0 } else if x < -180.0 { x + 360.0 } else { x }, y: (p.y + dy).clamp(-90.0, 90.0) });
            }
            let ecef: Vec<Ecef> = all.iter().map(|p| Ecef::of(*p)).collect();
            let cells = Cells::new(side, &(0..all.len() as u32).collect::<Vec<_>>(), |i| all[i as usize]);
            let of = |c: usize| &cells.items[cells.range(c)];
            for c in 0..cells.len() {
                let items = of(c);
                for &a in items {
                    for &b in items {
                        prop_assert!(ecef[a as usize].chord_m(&ecef[b as usize]) <= side * 2f64.sqrt() + 1e-6);
                    }
                }
            }
            let pairs = std::sync::Mutex::new(std::collections::HashSet::new());
            cells.pairs(reach, |a, b| {
                assert!(a < b);
                pairs.lock().unwrap().insert((a, b));
            });
            let pairs = pairs.into_inner().unwrap();
            let cell_of = |i: usize| (0..cells.len()).find(|c| of(*c).contains(&(i as u32))).unwrap();
            for i in 0..all.len() {
                for j in 0..i {
                    let (a, b) = (cell_of(i).min(cell_of(j)), cell_of(i).max(cell_of(j)));
                    prop_assert!(a == b || ecef[i].chord_m(&ecef[j]) > reach || pairs.contains(&(a, b)), "{i} {j}");
                }
            }
            let mut found = Vec::new();
            for (i, p) in all.iter().enumerate() {
                cells.near(*p, reach, &mut found);
                let mut once = found.clone();
                once.sort_unstable();
                once.dedup();
                prop_assert_eq!(once.len(), found.len());
                for (j, q) in ecef.iter().enumerate() {
                    if ecef[i].chord_m(q) <= reach {
                        prop_assert!(found.iter().any(|c| of(*c).contains(&(j as u32))), "{i} {j}");
                    }
                }
            }
        }
    }
}
