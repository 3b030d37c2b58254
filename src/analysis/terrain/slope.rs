//! Slope by Horn 1981 (doi 10.1109/PROC.1981.11918): weighted differences over the eight neighbours.

use super::Heights;
use super::ground::Ground;

/// Rise per metre eastwards and northwards at a cell of the window; `None` where one of the nine cells was not observed
/// or lies outside the window.
pub fn gradient(h: &Heights, g: &Ground, col: usize, row: usize) -> Option<[f64; 2]> {
    let w = &h.window;
    let (c, r) = (col.checked_sub(w.col)?, row.checked_sub(w.row)?);
    if c == 0 || r == 0 || c + 1 >= w.width || r + 1 >= w.height {
        return None;
    }
    let at = |dc: usize, dr: usize| f64::from(h.z[(r + dr - 1) * w.width + c + dc - 1]);
    let across = (at(2, 0) + 2.0 * at(2, 1) + at(2, 2)) - (at(0, 0) + 2.0 * at(0, 1) + at(0, 2));
    let down = (at(0, 2) + 2.0 * at(1, 2) + at(2, 2)) - (at(0, 0) + 2.0 * at(1, 0) + at(2, 0));
    if (across + down + at(1, 1)).is_nan() {
        return None;
    }
    let [dx, dy] = g.cell_m(row as f64);
    // dy is negative where rows run south, so that this is the rise northwards
    Some([across / (8.0 * dx), down / (8.0 * dy)])
}

/// Slope of a gradient, degrees.
pub fn degrees([x, y]: [f64; 2]) -> f64 {
    x.hypot(y).atan().to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grid, Window};

    #[test]
    fn a_tilted_plane() {
        let grid = Grid { transform: [0.0, 2.0, 0.0, 0.0, 0.0, -4.0], width: 3, height: 3, crs: None };
        let g = Ground::of(&grid, Some(1.0)).unwrap();
        // 0.3 up a metre eastwards, 0.4 up a metre northwards: tan = 0.5
        let z = (0..9).map(|i| 0.3 * 2.0 * (i % 3) as f32 - 0.4 * 4.0 * (i / 3) as f32).collect();
        let mut h = Heights { window: Window { col: 0, row: 0, width: 3, height: 3 }, z };
        let s = gradient(&h, &g, 1, 1).unwrap();
        assert!((s[0] - 0.3).abs() < 1e-6 && (s[1] - 0.4).abs() < 1e-6, "{s:?}");
        assert!((degrees(s) - 26.565_051).abs() < 1e-4);
        assert!(gradient(&h, &g, 0, 1).is_none());
        h.z[8] = f32::NAN;
        assert!(gradient(&h, &g, 1, 1).is_none());
    }
}
