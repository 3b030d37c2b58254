//! DEM of difference: co-registration, bias and noise from stable ground, volumes with their uncertainty, what is left
//! of pits and dumps.
//!
//! Heights are metres; cells that were not observed are NaN inside the module and never become a number outside it.
//! Formulas and their sources: docs/explanation/terrain.md.

pub mod account;
pub mod coregister;
pub mod cover;
pub mod ground;
pub mod rim;
pub mod robust;
pub mod slope;
pub mod uncertainty;
pub mod variogram;
pub mod verdict;

use crate::model::Window;

/// Heights in a window, row by row; NaN where not observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Heights {
    /// Where.
    pub window: Window,
    /// Metres above whatever the DEM counts from.
    pub z: Vec<f32>,
}

impl Heights {
    /// The height of a cell of the grid; `None` outside the window and where not observed.
    pub fn at(&self, col: usize, row: usize) -> Option<f32> {
        let w = &self.window;
        let (c, r) = (col.checked_sub(w.col)?, row.checked_sub(w.row)?);
        if c >= w.width || r >= w.height {
            return None;
        }
        Some(self.z[r * w.width + c]).filter(|z| !z.is_nan())
    }

    /// The height at a place in cells (the middle of the first cell is 0.5, 0.5), bilinear between the middles of four
    /// cells; `None` where one of those that count was not observed.
    pub fn between(&self, col: f64, row: f64) -> Option<f64> {
        let (x, y) = (col - 0.5 - self.window.col as f64, row - 0.5 - self.window.row as f64);
        let (c, r) = (x.floor(), y.floor());
        let (fx, fy) = (x - c, y - r);
        let mut sum = 0.0;
        for (dc, dr, weight) in [
            (0.0, 0.0, (1.0 - fx) * (1.0 - fy)),
            (1.0, 0.0, fx * (1.0 - fy)),
            (0.0, 1.0, (1.0 - fx) * fy),
            (1.0, 1.0, fx * fy),
        ] {
            if weight == 0.0 {
                continue;
            }
            let (c, r) = (c + dc, r + dr);
            if c < 0.0 || r < 0.0 || c >= self.window.width as f64 || r >= self.window.height as f64 {
                return None;
            }
            let z = self.z[r as usize * self.window.width + c as usize];
            sum += weight * f64::from(z);
        }
        Some(sum).filter(|z| !z.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_stays_a_plane_between_cells_and_gaps_stay_gaps() {
        let window = Window { col: 3, row: 2, width: 4, height: 3 };
        let z: Vec<f32> = (0..12).map(|i| 2.0 * ((i % 4) as f32 + 3.5) - 3.0 * ((i / 4) as f32 + 2.5) + 10.0).collect();
        let mut h = Heights { window, z };
        assert!((h.between(4.25, 3.75).unwrap() - (2.0 * 4.25 - 3.0 * 3.75 + 10.0)).abs() < 1e-6);
        // a cell's own middle needs no neighbour
        assert!(h.between(3.5, 2.5).is_some() && h.between(3.4, 2.5).is_none());
        h.z[0] = f32::NAN;
        assert!(h.between(4.2, 3.2).is_none() && h.at(3, 2).is_none() && h.at(4, 2).is_some());
    }
}
