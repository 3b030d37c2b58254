//! A transformation as polynomials of small cells, fitted to PROJ and checked against it.
//!
//! PROJ takes 0.3 µs for a point of a Gauss-Krüger grid; a site layer has tens of millions. Within a cell of a few
//! kilometres the transformation is a polynomial of degree 3 in each coordinate to far below a micrometre (the next
//! term is (h/R)⁴ R / 192 for a half width h: 4e-10 m for 2 km). Each cell is fitted at the 16 Chebyshev points and
//! compared with PROJ at five others; a cell that is off by more than [`AGREEMENT_M`] (the edge of a shift grid, say)
//! is left to PROJ. Cells lie on a fixed grid, so the result for a point depends on the point alone.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use geo::Coord;

/// Largest difference between a cell's polynomial and PROJ, metres.
pub(super) const AGREEMENT_M: f64 = 1e-6;
/// Width of a cell in metres, and in degrees.
const WIDTH_M: f64 = 4096.0;
const WIDTH_DEG: f64 = 1.0 / 32.0;
/// Metres of a degree of latitude, the longest (at a pole).
const DEGREE_M: f64 = 111_694.0;
/// Cells kept at most (about 20 MB); the map starts anew beyond.
const MOST: usize = 65_536;

type Key = (i64, i64);
type Square = [[f64; 4]; 4];

/// A polynomial over one cell.
#[derive(Debug, PartialEq)]
pub(super) struct Cell {
    centre: Coord<f64>,
    /// 1 / half width.
    scale: f64,
    x: Square,
    y: Square,
}

/// The cells of one direction, shared by all threads.
#[derive(Debug)]
pub(super) struct Cells {
    width: f64,
    /// Metres of one unit of the target.
    target_m: f64,
    map: RwLock<HashMap<Key, Option<Arc<Cell>>>>,
}

/// The last cell a thread used.
pub(super) type Last = Option<(Key, Option<Arc<Cell>>)>;

impl Cells {
    /// For points in degrees or in units of `unit_m` metres, onto degrees or such units.
    pub fn new(from_degrees: bool, from_unit_m: f64, to_degrees: bool, to_unit_m: f64) -> Self {
        Self {
            width: if from_degrees { WIDTH_DEG } else { WIDTH_M / from_unit_m },
            target_m: if to_degrees { DEGREE_M } else { to_unit_m },
            map: RwLock::default(),
        }
    }

    /// A point by its cell; `None` where PROJ must do it. `exact` is PROJ.
    pub fn point(&self, p: Coord<f64>, last: &mut Last, exact: impl FnOnce(&mut [Coord<f64>])) -> Option<Coord<f64>> {
        let key = ((p.x / self.width).floor() as i64, (p.y / self.width).floor() as i64);
        if last.as_ref().is_none_or(|l| l.0 != key) {
            *last = Some((key, self.cell(key, exact)));
        }
        let cell = last.as_ref()?.1.as_ref()?;
        Some(cell.at(p))
    }

    fn cell(&self, key: Key, exact: impl FnOnce(&mut [Coord<f64>])) -> Option<Arc<Cell>> {
        if let Some(found) = self.map.read().ok().and_then(|m| m.get(&key).cloned()) {
            return found;
        }
        let made = self.fit(key, exact).map(Arc::new);
        if let Ok(mut m) = self.map.write() {
            if m.len() >= MOST {
                m.clear();
            }
            m.insert(key, made.clone());
        }
        made
    }

    fn fit(&self, (i, j): Key, exact: impl FnOnce(&mut [Coord<f64>])) -> Option<Cell> {
        let half = 0.5 * self.width;
        let centre = Coord { x: (i as f64 + 0.5) * self.width, y: (j as f64 + 0.5) * self.width };
        let to = |u: f64, v: f64| Coord { x: centre.x + half * u, y: centre.y + half * v };
        let mut nodes: Vec<Coord<f64>> = chebyshev().iter().flat_map(|&u| chebyshev().map(|v| to(u, v))).collect();
        let others = [(0.0, 0.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)].map(|(u, v)| to(u, v));
        nodes.extend(others);
        exact(&mut nodes);
        let (fitted, checks) = nodes.split_at(16);
        let square = |f: fn(&Coord<f64>) -> f64| -> Square {
            std::array::from_fn(|a| std::array::from_fn(|b| f(&fitted[4 * a + b])))
        };
        let cell = Cell { centre, scale: 1.0 / half, x: monomials(&square(|c| c.x)), y: monomials(&square(|c| c.y)) };
        // a NaN or an infinity is no agreement
        let agrees = others.iter().zip(checks).all(|(p, q)| {
            let r = cell.at(*p);
            (r.x - q.x).hypot(r.y - q.y) * self.target_m <= AGREEMENT_M
        });
        agrees.then_some(cell)
    }
}

impl Cell {
    fn at(&self, p: Coord<f64>) -> Coord<f64> {
        let (u, v) = ((p.x - self.centre.x) * self.scale, (p.y - self.centre.y) * self.scale);
        let row = |c: &[f64; 4]| c[0] + v * (c[1] + v * (c[2] + v * c[3]));
        let value = |s: &Square| row(&s[0]) + u * (row(&s[1]) + u * (row(&s[2]) + u * row(&s[3])));
        Coord { x: value(&self.x), y: value(&self.y) }
    }
}

/// The Chebyshev points of degree 4.
fn chebyshev() -> [f64; 4] {
    std::array::from_fn(|k| (std::f64::consts::PI * (2 * k + 1) as f64 / 8.0).cos())
}

/// Coefficients of uᵃvᵇ of the polynomial through values at the Chebyshev points.
fn monomials(values: &Square) -> Square {
    static LAGRANGE: OnceLock<Square> = OnceLock::new();
    // l[a][k]: coefficient of uᵃ in the polynomial that is 1 at point k and 0 at the others
    let l = LAGRANGE.get_or_init(|| {
        let p = chebyshev();
        let mut l = [[0.0; 4]; 4];
        for k in 0..4 {
            let mut c = [1.0, 0.0, 0.0, 0.0];
            for j in (0..4).filter(|&j| j != k) {
                let d = p[k] - p[j];
                for a in (0..4).rev() {
                    c[a] = (if a > 0 { c[a - 1] } else { 0.0 } - p[j] * c[a]) / d;
                }
            }
            for a in 0..4 {
                l[a][k] = c[a];
            }
        }
        l
    });
    let half: Square = std::array::from_fn(|a| std::array::from_fn(|j| (0..4).map(|k| l[a][k] * values[k][j]).sum()));
    std::array::from_fn(|a| std::array::from_fn(|b| (0..4).map(|j| half[a][j] * l[b][j]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_are_exact() {
        let f = |p: Coord<f64>| {
            let (x, y) = (p.x - 106.0, p.y - 39.0);
            Coord { x: 3.0 + x * x * y - y.powi(3), y: x.powi(3) * y.powi(2) }
        };
        let cells = Cells::new(true, 1.0, true, 1.0);
        let exact = |ps: &mut [Coord<f64>]| ps.iter_mut().for_each(|p| *p = f(*p));
        let mut last = None;
        for p in [(106.51, 39.003), (106.5312, 39.0311), (105.999, 39.2), (106.51, 39.003)] {
            let p = Coord { x: p.0, y: p.1 };
            let (got, want) = (cells.point(p, &mut last, exact).unwrap(), f(p));
            assert!((got.x - want.x).abs() <= 1e-14 && (got.y - want.y).abs() <= 1e-14, "{got:?} {want:?}");
        }
    }

    #[test]
    fn a_kink_is_left_to_the_exact_way() {
        let cells = Cells::new(true, 1.0, true, 1.0);
        let kink = |ps: &mut [Coord<f64>]| ps.iter_mut().for_each(|p| p.x += if p.y > 39.01 { 1e-5 } else { 0.0 });
        assert_eq!(cells.point(Coord { x: 106.51, y: 39.003 }, &mut None, kink), None);
        let fail = |ps: &mut [Coord<f64>]| ps.iter_mut().for_each(|p| p.x = f64::INFINITY);
        assert_eq!(cells.point(Coord { x: 106.51, y: 39.003 }, &mut None, fail), None);
    }
}
