//! Sizes of cells on the ground.

use crate::model::Grid;

/// Semi-major axis of CGCS2000, metres (EPSG:1024).
const A: f64 = 6_378_137.0;
/// Flattening of CGCS2000.
const F: f64 = 1.0 / 298.257_222_101;

/// Sizes of a north-up grid's cells in metres: the same everywhere in a projected CRS (the plane's own metres), by
/// latitude in a geographic one (arcs of the ellipsoid: M·Δφ and N·cos φ·Δλ).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// Width and height of a cell in CRS units; the height is negative where rows run south.
    step: [f64; 2],
    /// CRS y of the first row's outer edge.
    top: f64,
    /// Metres (projected) in a CRS unit; `None` for degrees.
    metres: Option<f64>,
}

impl Ground {
    /// For a grid; `metres` is the CRS unit in metres, `None` for degrees. `None` where the grid is rotated.
    pub fn of(grid: &Grid, metres: Option<f64>) -> Option<Self> {
        let t = &grid.transform;
        (t[2] == 0.0 && t[4] == 0.0 && t[1] > 0.0 && t[5] != 0.0).then_some(Self {
            step: [t[1], t[5]],
            top: t[3],
            metres,
        })
    }

    /// Width and height of the cells of a row, metres; the height is negative where rows run south, as they mostly do.
    pub fn cell_m(&self, row: f64) -> [f64; 2] {
        match self.metres {
            Some(m) => [self.step[0] * m, self.step[1] * m],
            None => {
                let phi = (self.top + (row + 0.5) * self.step[1]).to_radians();
                let e2 = F * (2.0 - F);
                let w2 = 1.0 - e2 * phi.sin().powi(2);
                let (n, m) = (A / w2.sqrt(), A * (1.0 - e2) / w2.powf(1.5));
                [self.step[0].to_radians() * n * phi.cos(), self.step[1].to_radians() * m]
            }
        }
    }

    /// Area of a cell of a row, square metres.
    pub fn area_m2(&self, row: usize) -> f64 {
        let [w, h] = self.cell_m(row as f64);
        (w * h).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_at_forty_north_and_plain_metres() {
        let g = |t| Grid { transform: t, width: 1, height: 1, crs: None };
        // one degree around 40° N: 110.99 km and 85.39 km long (published tables: NGA's at 40° give 111.035 and 85.394;
        // the arc from 39.5° to 40.5° is centred there)
        let d = Ground::of(&g([106.0, 1.0, 0.0, 40.5, 0.0, -1.0]), None).unwrap().cell_m(0.0);
        assert!((d[0] - 85_394.0).abs() < 1.0 && (d[1] + 111_035.0).abs() < 1.0, "{d:?}");
        let m = Ground::of(&g([0.0, 2.0, 0.0, 0.0, 0.0, -3.0]), Some(1.0)).unwrap();
        assert_eq!((m.cell_m(7.0), m.area_m2(7)), ([2.0, -3.0], 6.0));
        assert!(Ground::of(&g([0.0, 2.0, 0.1, 0.0, 0.0, -3.0]), Some(1.0)).is_none());
    }
}
