//! Co-registration of two DEMs by slope and aspect (Nuth & Kääb 2011, doi 10.5194/tc-5-271-2011).
//!
//! Where the later DEM lies off by (e, n) metres, its difference to the earlier one on unchanged ground of slope α and
//! aspect ψ (clockwise from north, downhill) is `dh = tan α · (e·sin ψ + n·cos ψ) + c`. So `dh / tan α` over ψ is a
//! cosine: medians of bins of aspect are fitted by least squares, the later DEM is moved, and so on until nothing moves.

use super::Heights;
use super::ground::Ground;
use super::robust::{median, nmad};
use super::slope::gradient;

/// How DEMs are brought together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoregisterOptions {
    /// Least slope that counts, degrees: on flat ground `dh / tan α` is noise alone.
    pub min_slope_deg: f64,
    /// Steepest slope that counts, degrees.
    pub max_slope_deg: f64,
    /// Rounds at most.
    pub rounds: usize,
    /// A round that moves by less than this many cells is the last.
    pub still_cells: f64,
}

impl Default for CoregisterOptions {
    fn default() -> Self {
        Self { min_slope_deg: 3.0, max_slope_deg: 70.0, rounds: 20, still_cells: 0.002 }
    }
}

/// Both DEMs in one window, and which of its cells are stable ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// The earlier DEM.
    pub before: Heights,
    /// The later DEM, as it lies.
    pub after: Heights,
    /// Cells of stable ground.
    pub stable: Vec<bool>,
}

/// Where the later DEM lies against the earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Cells along columns and rows; the later DEM shows at (col + x, row + y) what the earlier shows at (col, row).
    pub cells: [f64; 2],
    /// The same in metres, eastwards and northwards.
    pub metres: [f64; 2],
    /// Standard error of each of both, metres: from the scatter between fits of parts of the ground, so that errors which
    /// neighbours share count. Infinite where there are fewer than four parts.
    pub error_m: f64,
    /// Rounds.
    pub rounds: usize,
    /// Cells that counted in the last round.
    pub cells_used: usize,
    /// NMAD of the differences before and after the move, metres.
    pub nmad_m: [f64; 2],
}

/// Bins of aspect.
const BINS: usize = 72;
/// Fewest cells that make a fit.
const LEAST: usize = 1000;
/// Differences beyond so many NMAD are no noise.
const OUTLIER: f64 = 5.0;

/// A cell of stable ground that is steep enough.
struct Steep {
    /// Its place in the chunk.
    at: u32,
    tan: f32,
    bin: u8,
}

/// Differences after − before on stable ground with the later DEM moved back by `cells`, metres.
pub fn differences(chunks: &[Chunk], cells: [f64; 2]) -> Vec<f32> {
    let mut out = Vec::new();
    for k in chunks {
        let w = k.before.window;
        for (i, (b, stable)) in k.before.z.iter().zip(&k.stable).enumerate() {
            if *stable && !b.is_nan() {
                let (c, r) = (w.col + i % w.width, w.row + i / w.width);
                out.extend(moved(&k.after, c, r, cells).map(|a| (a - f64::from(*b)) as f32));
            }
        }
    }
    out
}

/// The later height of a cell, with the later DEM moved back.
fn moved(after: &Heights, col: usize, row: usize, [x, y]: [f64; 2]) -> Option<f64> {
    if x == 0.0 && y == 0.0 {
        return after.at(col, row).map(f64::from);
    }
    after.between(col as f64 + 0.5 + x, row as f64 + 0.5 + y)
}

/// Finds the shift; `None` where fewer than 1,000 cells of stable ground are steep enough, or their aspects leave it
/// open.
pub fn coregister(chunks: &[Chunk], g: &Ground, o: &CoregisterOptions) -> Option<Shift> {
    let steep: Vec<Vec<Steep>> = chunks.iter().map(|k| steep(k, g, o)).collect();
    if steep.iter().map(Vec::len).sum::<usize>() < LEAST {
        return None;
    }
    let mid = chunks.first().map_or(0, |k| k.before.window.row + k.before.window.height / 2);
    let [cell_x, cell_y] = g.cell_m(mid as f64);
    let spread = |cells| {
        let mut d = differences(chunks, cells);
        median(&mut d).and_then(|m| nmad(&d, m))
    };
    let first = spread([0.0, 0.0])?;
    let (mut cells, mut rounds, mut used) = ([0.0f64; 2], 0, 0);
    for _ in 0..o.rounds {
        rounds += 1;
        let fit = round(chunks, &steep, cells)?;
        used = fit.used;
        let step = [fit.east / cell_x, fit.north / cell_y];
        cells = [cells[0] + step[0], cells[1] + step[1]];
        if step[0].hypot(step[1]) < o.still_cells {
            break;
        }
    }
    Some(Shift {
        cells,
        metres: [cells[0] * cell_x, cells[1] * cell_y],
        error_m: error(chunks, &steep, cells),
        rounds,
        cells_used: used,
        nmad_m: [first, spread(cells)?],
    })
}

fn steep(k: &Chunk, g: &Ground, o: &CoregisterOptions) -> Vec<Steep> {
    let (low, high) = (o.min_slope_deg.to_radians().tan(), o.max_slope_deg.to_radians().tan());
    let w = k.before.window;
    let mut out = Vec::new();
    for row in w.row + 1..(w.row + w.height).saturating_sub(1) {
        for col in w.col + 1..(w.col + w.width).saturating_sub(1) {
            let i = (row - w.row) * w.width + col - w.col;
            if !k.stable[i] {
                continue;
            }
            let Some([x, y]) = gradient(&k.before, g, col, row) else { continue };
            let tan = x.hypot(y);
            if tan < low || tan > high {
                continue;
            }
            // downhill: against the gradient
            let turn = (-x).atan2(-y).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
            let bin = ((turn * BINS as f64) as usize).min(BINS - 1) as u8;
            out.push(Steep { at: i as u32, tan: tan as f32, bin });
        }
    }
    out
}

struct Fit {
    east: f64,
    north: f64,
    used: usize,
}

fn round(chunks: &[Chunk], steep: &[Vec<Steep>], cells: [f64; 2]) -> Option<Fit> {
    let mut dh: Vec<(f32, f32, u8)> = Vec::new();
    for (k, list) in chunks.iter().zip(steep) {
        let w = k.before.window;
        for s in list {
            let i = s.at as usize;
            let a = moved(&k.after, w.col + i % w.width, w.row + i / w.width, cells);
            dh.extend(a.map(|a| ((a - f64::from(k.before.z[i])) as f32, s.tan, s.bin)));
        }
    }
    let mut d: Vec<f32> = dh.iter().map(|x| x.0).collect();
    let centre = median(&mut d)?;
    let limit = OUTLIER * nmad(&d, centre)?;
    let mut bins: Vec<Vec<f32>> = vec![Vec::new(); BINS];
    let mut used = 0;
    for (d, tan, bin) in dh {
        let off = f64::from(d) - centre;
        if off.abs() <= limit {
            bins[usize::from(bin)].push((off / f64::from(tan)) as f32);
            used += 1;
        }
    }
    if used < LEAST {
        return None;
    }
    let points: Vec<[f64; 4]> = bins
        .iter_mut()
        .enumerate()
        .filter(|(_, b)| b.len() >= 10)
        .filter_map(|(i, b)| {
            let psi = (i as f64 + 0.5) / BINS as f64 * std::f64::consts::TAU;
            median(b).map(|m| [psi.sin(), psi.cos(), 1.0, m])
        })
        .collect();
    let [east, north, _] = least_squares(&points)?;
    Some(Fit { east, north, used })
}

/// Parts along each side of a chunk.
const PARTS: usize = 4;

/// Standard error of a shift: each part of the ground gives its own, by least squares of `dh` on both components of
/// the slope; parts far from each other share no errors.
fn error(chunks: &[Chunk], steep: &[Vec<Steep>], cells: [f64; 2]) -> f64 {
    let mut shifts: Vec<[f64; 2]> = Vec::new();
    for (k, list) in chunks.iter().zip(steep) {
        let w = k.before.window;
        let mut parts: Vec<Vec<[f64; 4]>> = vec![Vec::new(); PARTS * PARTS];
        for s in list {
            let i = s.at as usize;
            let (c, r) = (i % w.width, i / w.width);
            let Some(a) = moved(&k.after, w.col + c, w.row + r, cells) else { continue };
            let (sin, cos) = ((f64::from(s.bin) + 0.5) / BINS as f64 * std::f64::consts::TAU).sin_cos();
            let tan = f64::from(s.tan);
            parts[r * PARTS / w.height * PARTS + c * PARTS / w.width].push([
                tan * sin,
                tan * cos,
                1.0,
                a - f64::from(k.before.z[i]),
            ]);
        }
        for mut p in parts.into_iter().filter(|p| p.len() >= 300) {
            let mut d: Vec<f32> = p.iter().map(|x| x[3] as f32).collect();
            let Some(centre) = median(&mut d) else { continue };
            let limit = OUTLIER * nmad(&d, centre).unwrap_or(0.0);
            p.retain(|x| (x[3] - centre).abs() <= limit);
            shifts.extend(least_squares(&p).map(|[e, n, _]| [e, n]));
        }
    }
    let n = shifts.len() as f64;
    if shifts.len() < 4 {
        return f64::INFINITY;
    }
    let variance = |axis: usize| {
        let mean = shifts.iter().map(|s| s[axis]).sum::<f64>() / n;
        shifts.iter().map(|s| (s[axis] - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
    };
    (0.5 * (variance(0) + variance(1))).sqrt()
}

/// Coefficients of three columns by the normal equations; `None` where they leave one open.
pub(super) fn least_squares(points: &[[f64; 4]]) -> Option<[f64; 3]> {
    let mut m = [[0.0; 4]; 3];
    for p in points {
        for i in 0..3 {
            for j in 0..4 {
                m[i][j] += p[i] * p[j];
            }
        }
    }
    let scale: Vec<f64> = (0..3).map(|i| m[i][i]).collect();
    for i in 0..3 {
        let pivot = (i..3).max_by(|a, b| m[*a][i].abs().total_cmp(&m[*b][i].abs()))?;
        m.swap(i, pivot);
        // no direction may rest on the rounding of others
        if m[i][i].abs() <= 1e-9 * scale[i].abs() || m[i][i] == 0.0 {
            return None;
        }
        for j in 0..3 {
            if j != i {
                let (row, f) = (m[i], m[j][i] / m[i][i]);
                m[j].iter_mut().zip(row).skip(i).for_each(|(a, b)| *a -= f * b);
            }
        }
    }
    Some([m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grid, Window};

    const N: usize = 200;

    /// Hills whose height is known everywhere, cells of 2 m.
    fn hills(x: f64, y: f64) -> f64 {
        20.0 * (x / 31.0).sin() * (y / 23.0).cos() + 8.0 * (x / 11.0 + y / 17.0).sin()
    }

    /// Some noise, the same in every run: a linear congruential generator, sum of 4 uniform numbers.
    fn noise(seed: &mut u64) -> f64 {
        let mut s = 0.0;
        for _ in 0..4 {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            s += (*seed >> 40) as f64 / f64::from(1u32 << 24) - 0.5;
        }
        s * 3f64.sqrt()
    }

    fn ground() -> Ground {
        let grid = Grid { transform: [0.0, 2.0, 0.0, 0.0, 0.0, -2.0], width: N, height: N, crs: None };
        Ground::of(&grid, Some(1.0)).unwrap()
    }

    fn chunk(shift: [f64; 2], bias: f64, sigma: f64) -> Chunk {
        let window = Window { col: 0, row: 0, width: N, height: N };
        let mut seed = 7;
        let mut heights = |[x, y]: [f64; 2], bias: f64| Heights {
            window,
            z: (0..N * N)
                .map(|i| {
                    let (c, r) = ((i % N) as f64 - x, (i / N) as f64 - y);
                    (hills(2.0 * c, 2.0 * r) + bias + sigma * noise(&mut seed)) as f32
                })
                .collect(),
        };
        let before = heights([0.0, 0.0], 0.0);
        let mut after = heights(shift, bias);
        let mut stable = vec![true; N * N];
        // a pit that is no stable ground, and one that nobody told of
        for r in 50..80 {
            for c in 50..90 {
                stable[r * N + c] = false;
                after.z[r * N + c] -= 15.0;
                after.z[(r + 80) * N + c] -= 15.0;
            }
        }
        Chunk { before, after, stable }
    }

    #[test]
    fn a_known_shift_comes_back_to_a_twentieth_of_a_cell() {
        for (shift, bias) in [([0.0, 0.0], 0.0), ([0.37, -0.62], 1.3), ([-2.4, 1.7], -0.8), ([0.05, 3.2], 0.0)] {
            let k = [chunk(shift, bias, 0.2)];
            let s = coregister(&k, &ground(), &CoregisterOptions::default()).unwrap();
            let off = (s.cells[0] - shift[0]).hypot(s.cells[1] - shift[1]);
            assert!(off < 0.05, "{shift:?}: {s:?}");
            // what it says of itself: the true error lies within four of its standard errors of 2 m cells
            assert!(off * 2.0 < 4.0 * s.error_m * 2f64.sqrt() + 0.004 && s.error_m < 0.1, "{shift:?}: {s:?}");
            assert!((s.metres[0] - 2.0 * s.cells[0]).abs() < 1e-12 && (s.metres[1] + 2.0 * s.cells[1]).abs() < 1e-12);
            let mut d = differences(&k, s.cells);
            // the untold pit covers 3 % and pulls the median by some millimetres
            assert!((median(&mut d).unwrap() - bias).abs() < 0.02, "{shift:?}");
        }
    }

    #[test]
    fn flat_ground_says_nothing() {
        let mut k = chunk([0.0, 0.0], 0.0, 0.0);
        k.before.z.fill(5.0);
        assert_eq!(coregister(&[k], &ground(), &CoregisterOptions::default()), None);
        // one aspect alone leaves the other direction open
        let ramp = [[0.0, 1.0, 1.0, 0.3]; 5];
        assert_eq!(least_squares(&ramp), None);
    }
}
