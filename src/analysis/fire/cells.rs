//! Points on the ellipsoid in cells of bounded size, for search by distance.

use geo::Coord;

/// Metres of a degree of latitude on the GRS 80 ellipsoid: at least, at the equator; at most, at the poles.
const DEGREE_M: [f64; 2] = [110_574.0, 111_694.0];
/// Metres of a degree of longitude at the equator.
const EQUATOR_DEGREE_M: f64 = 111_319.5;

/// Positions in rows of latitude, and in each in columns of longitude, so that no cell is wider than its side.
#[derive(Debug)]
pub(super) struct Cells {
    side_m: f64,
    /// Row, column, and where its items begin in `items`; by row and column.
    cells: Vec<(i32, i32, u32)>,
    /// Items by cell, and in it in the order told.
    pub items: Vec<u32>,
}

impl Cells {
    /// Cells no wider and no higher than `side_m`; items of a cell stay in the order of `items`.
    pub fn new(side_m: f64, items: impl Iterator<Item = u32>, place: impl Fn(u32) -> Coord<f64>) -> Self {
        let mut keyed: Vec<(i32, i32, u32)> = items
            .map(|i| {
                let p = place(i);
                let row = row_of(side_m, p.y);
                (row, col_of(side_m, row, p.x), i)
            })
            .collect();
        keyed.sort_by_key(|k| (k.0, k.1));
        let mut cells: Vec<(i32, i32, u32)> = Vec::new();
        let mut order = Vec::with_capacity(keyed.len());
        for (row, col, item) in keyed {
            if cells.last().is_none_or(|c| (c.0, c.1) != (row, col)) {
                cells.push((row, col, order.len() as u32));
            }
            order.push(item);
        }
        Self { side_m, cells, items: order }
    }

    /// Number of cells that hold something.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Items of a cell.
    pub fn of(&self, cell: usize) -> &[u32] {
        let end = self.cells.get(cell + 1).map_or(self.items.len(), |c| c.2 as usize);
        &self.items[self.cells[cell].2 as usize..end]
    }

    /// All cells that may hold a point within `reach_m` of a place, and perhaps some more; each once.
    pub fn near(&self, p: Coord<f64>, reach_m: f64, found: &mut Vec<usize>) {
        found.clear();
        let reach_deg = reach_m / DEGREE_M[0];
        let (first, last) = (row_of(self.side_m, p.y - reach_deg), row_of(self.side_m, p.y + reach_deg));
        let mut at = self.cells.partition_point(|c| c.0 < first);
        for row in first..=last {
            at += self.cells[at..].partition_point(|c| c.0 < row);
            let end = at + self.cells[at..].partition_point(|c| c.0 == row);
            self.near_in_row(row, p.x, reach_m, at..end, found);
            at = end;
        }
    }

    fn near_in_row(&self, row: i32, lon: f64, reach_m: f64, range: std::ops::Range<usize>, found: &mut Vec<usize>) {
        if range.is_empty() {
            return;
        }
        // a row is narrowest where it is nearest the pole
        let cos = farthest_latitude(self.side_m, row).to_radians().cos();
        let half = reach_m * 1.001 / (EQUATOR_DEGREE_M * cos.max(1e-9));
        if half >= 180.0 {
            found.extend(range);
            return;
        }
        let before = found.len();
        for turn in [-360.0, 0.0, 360.0] {
            let (a, b) = (lon + turn - half, lon + turn + half);
            if b < -180.0 || a > 180.0 {
                continue;
            }
            let (a, b) = (col_of(self.side_m, row, a.max(-180.0)), col_of(self.side_m, row, b.min(180.0)));
            let cells = &self.cells[range.clone()];
            let from = range.start + cells.partition_point(|c| c.1 < a);
            let to = range.start + cells.partition_point(|c| c.1 <= b);
            found.extend((from..to).filter(|c| !found[before..].contains(c)).collect::<Vec<_>>());
        }
    }
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

fn farthest_latitude(side_m: f64, row: i32) -> f64 {
    let [a, b] = edges(side_m, row);
    a.abs().max(b.abs())
}

fn col_of(side_m: f64, row: i32, lon: f64) -> i32 {
    let [a, b] = edges(side_m, row);
    let widest = if a <= 0.0 && b >= 0.0 { 0.0 } else { a.abs().min(b.abs()) };
    // the ellipsoid's parallels are up to 1 / sqrt(1 - e²) longer than the sphere's
    let degree = EQUATOR_DEGREE_M * 1.0034 * widest.to_radians().cos();
    (lon * degree / side_m).floor() as i32
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
            let cells = Cells::new(side, 0..all.len() as u32, |i| all[i as usize]);
            for c in 0..cells.len() {
                let items = cells.of(c);
                for &a in items {
                    for &b in items {
                        prop_assert!(ecef[a as usize].chord_m(&ecef[b as usize]) <= side * 2f64.sqrt() + 1e-6);
                    }
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
                        prop_assert!(found.iter().any(|c| cells.of(*c).contains(&(j as u32))), "{i} {j}");
                    }
                }
            }
        }
    }
}
