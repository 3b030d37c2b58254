//! The surface that a pit lies below and a dump stands above: from the cells on its outline.

use super::coregister::least_squares;
use super::robust::{median, nmad};

/// How the rim's surface is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RimForm {
    /// A plane by least squares, fitted again without cells further off than 3 NMAD (a spoil heap on the edge, a cut
    /// through it); the median where cells leave a plane open.
    #[default]
    Plane,
    /// Level, at the median height.
    Median,
}

/// A surface over the grid: `z = height + east·(col − col0) + south·(row − row0)`, metres and cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rim {
    origin: [f64; 2],
    height: f64,
    east: f64,
    south: f64,
    /// Cells it stands on.
    pub cells: usize,
    /// NMAD of those about it, metres.
    pub nmad_m: f64,
}

/// Fewest cells that make a plane.
const LEAST: usize = 12;

impl Rim {
    /// Through the cells (column and row of the middle, height); `None` where there are none.
    pub fn through(cells: &[([f64; 2], f32)], form: RimForm) -> Option<Self> {
        let mut z: Vec<f32> = cells.iter().map(|c| c.1).collect();
        let level = median(&mut z)?;
        let n = cells.len() as f64;
        let origin = cells.iter().fold([0.0, 0.0], |a, c| [a[0] + c.0[0] / n, a[1] + c.0[1] / n]);
        let flat = Self {
            origin,
            height: level,
            east: 0.0,
            south: 0.0,
            cells: cells.len(),
            nmad_m: nmad(&z, level).unwrap_or(0.0),
        };
        if form == RimForm::Median || cells.len() < LEAST {
            return Some(flat);
        }
        let mut used: Vec<([f64; 2], f32)> = cells.to_vec();
        let mut best = None;
        for _ in 0..5 {
            let Some(p) = plane(&used, origin) else { break };
            let off: Vec<f32> = used.iter().map(|c| c.1 - p.at(c.0) as f32).collect();
            let spread = nmad(&off, 0.0).unwrap_or(0.0);
            best = Some(Self { nmad_m: spread, ..p });
            let kept: Vec<_> = cells
                .iter()
                .filter(|c| (f64::from(c.1) - p.at(c.0)).abs() <= (3.0 * spread).max(1e-3))
                .copied()
                .collect();
            if kept == used || kept.len() < LEAST {
                break;
            }
            used = kept;
        }
        Some(best.unwrap_or(flat))
    }

    /// Height at a place in cells.
    pub fn at(&self, [col, row]: [f64; 2]) -> f64 {
        self.height + self.east * (col - self.origin[0]) + self.south * (row - self.origin[1])
    }
}

fn plane(cells: &[([f64; 2], f32)], origin: [f64; 2]) -> Option<Rim> {
    let points: Vec<[f64; 4]> =
        cells.iter().map(|(p, z)| [p[0] - origin[0], p[1] - origin[1], 1.0, f64::from(*z)]).collect();
    let [east, south, height] = least_squares(&points)?;
    Some(Rim { origin, height, east, south, cells: cells.len(), nmad_m: 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Vec<([f64; 2], f32)> {
        let at = |c: f64, r: f64| ([c, r], (100.0 + 0.5 * c - 0.25 * r) as f32);
        (0..20).map(f64::from).flat_map(|i| [at(i, 0.0), at(i, 20.0), at(0.0, i), at(20.0, i)]).collect()
    }

    #[test]
    fn a_tilted_rim_and_a_heap_on_it() {
        let mut cells = square();
        let r = Rim::through(&cells, RimForm::Plane).unwrap();
        assert!((r.at([10.0, 10.0]) - 102.5).abs() < 1e-4 && (r.at([0.0, 20.0]) - 95.0).abs() < 1e-4);
        // a heap of 12 m on a tenth of the outline moves neither plane nor depth
        cells.iter_mut().filter(|c| c.0[0] == 0.0 && c.0[1] > 12.0).for_each(|c| c.1 += 12.0);
        let r = Rim::through(&cells, RimForm::Plane).unwrap();
        assert!((r.at([10.0, 10.0]) - 102.5).abs() < 1e-3, "{r:?}");
        let flat = Rim::through(&square(), RimForm::Median).unwrap();
        assert!((flat.at([0.0, 0.0]) - flat.at([20.0, 3.0])).abs() < 1e-12);
    }

    #[test]
    fn few_cells_or_one_line_are_level() {
        assert!(Rim::through(&[], RimForm::Plane).is_none());
        let line: Vec<_> = (0..30).map(|i| ([f64::from(i), 0.0], i as f32)).collect();
        assert!((Rim::through(&line, RimForm::Plane).unwrap().at([0.0, 0.0]) - 14.5).abs() < 1e-9);
    }
}
