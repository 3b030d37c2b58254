//! Stable ground: where the later DEM lies against the earlier, its bias, and the noise of the difference.

use rayon::prelude::*;

use super::dem::Dem;
use super::{Align, TerrainOptions};
use crate::analysis::terrain::coregister::{Chunk, Shift, coregister, differences};
use crate::analysis::terrain::cover::Outline;
use crate::analysis::terrain::ground::Ground;
use crate::analysis::terrain::robust::{median, nmad};
use crate::analysis::terrain::uncertainty::bias_error_m;
use crate::analysis::terrain::variogram::{Noise, noise, residuals};
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::model::{Grid, Progress, Window};

/// Side of the windows that are looked at, cells.
const SIDE: usize = 512;
/// Windows read at most, and at once: what bounds time and memory.
const MOST: usize = 48;
const AT_ONCE: usize = 6;
/// Cells of stable ground that are enough.
const ENOUGH: usize = 1_500_000;
/// Fewest that say anything.
const LEAST: usize = 100;
/// A shift smaller than so many of its standard errors is none.
const SURE: f64 = 3.0;

/// What stable ground says.
#[derive(Debug, Clone, PartialEq)]
pub struct Stable {
    /// Cells looked at.
    pub cells: usize,
    /// The shift found; `None` where the ground is too flat or it was not asked for.
    pub shift: Option<Shift>,
    /// Cells by which the later DEM is moved back; zeros where it is not.
    pub moved: [f64; 2],
    /// Median of after − before, after that move, metres.
    pub bias_m: f64,
    /// Taken off the later DEM, metres.
    pub taken_m: f64,
    /// NMAD of after − before about the median, metres.
    pub nmad_m: f64,
    /// What the noise is made of.
    pub noise: Noise,
    /// Standard deviation of the bias that is left, metres.
    pub systematic_m: f64,
}

pub(super) fn stable(
    o: &TerrainOptions,
    dems: &[Dem; 2],
    ground: &Ground,
    outlines: (&[Outline], &[Outline]),
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Stable> {
    let grid = &dems[0].info.grid;
    progress.step(&Text::new("stable ground", "分析稳定地面"), None);
    let chunks = chunks(dems, grid, outlines, progress)?;
    let cells = chunks.iter().map(|k| k.stable.iter().filter(|s| **s).count()).sum::<usize>();
    let shift = match o.align {
        Align::Off => None,
        Align::Auto => coregister(&chunks, ground, &o.coregister),
    };
    if shift.is_none() && o.align == Align::Auto {
        notes.warnings.push(Text::new(
            "the stable ground is too flat or too small to tell a horizontal shift; none was taken off",
            "稳定地面过于平坦或过小,无法判断水平偏移,未作水平配准",
        ));
    }
    let moved = match &shift {
        Some(s) if worth(s, o.least_shift_cells) => s.cells,
        _ => [0.0, 0.0],
    };
    let mut d = differences(&chunks, moved);
    if d.len() < LEAST {
        return Err(few(d.len(), o));
    }
    let bias_m = median(&mut d).unwrap_or(0.0);
    let nmad_m = nmad(&d, bias_m).unwrap_or(0.0);
    let parts: Vec<(Vec<f32>, usize)> =
        chunks.par_iter().map(|k| (residuals(k, moved, bias_m, nmad_m), k.before.window.width)).collect();
    drop(chunks);
    let [w, h] = ground.cell_m(grid.height as f64 / 2.0);
    let side = (w * h).abs().sqrt();
    let noise = noise(&parts, side, o.correlation_m).unwrap_or(Noise {
        uncorrelated_m2: nmad_m * nmad_m,
        correlated_m2: 0.0,
        range_m: 0.0,
        lags: Vec::new(),
    });
    let taken_m = if o.keep_bias { 0.0 } else { bias_m };
    let own = bias_error_m(d.len(), d.len() as f64 * side * side, &noise);
    // a bias that is left in place is part of what is not known
    let systematic_m = o.systematic_m.unwrap_or_else(|| own.hypot(bias_m - taken_m));
    Ok(Stable { cells, shift, moved, bias_m, taken_m, nmad_m, noise, systematic_m })
}

/// True where a shift is large enough to matter, and is one.
fn worth(s: &Shift, least: f64) -> bool {
    let [x, y] = s.cells;
    let [e, n] = s.metres;
    x.hypot(y) >= least && e.hypot(n) > SURE * s.error_m
}

fn few(n: usize, o: &TerrainOptions) -> Error {
    let (en, zh) = if o.stable.is_empty() {
        ("give ground that did not change with --stable FILE", "请用 --stable 文件 给出未变化的地面")
    } else {
        ("give larger stable ground, where both DEMs have heights", "请给出更大的、两期均有高程的稳定地面")
    };
    Error::input(
        format!("{n} cells of stable ground were observed on both dates; 100 are the least"),
        format!("两期均有高程的稳定地面像元只有 {n} 个,至少需 100 个"),
    )
    .in_file(&o.before)
    .remedy(en, zh)
}

/// Windows of the grid with stable ground, spread over it, until there is enough.
fn chunks(
    dems: &[Dem; 2],
    grid: &Grid,
    (plots, stable): (&[Outline], &[Outline]),
    progress: &dyn Progress,
) -> Result<Vec<Chunk>> {
    let mut all = Vec::new();
    for row in (0..grid.height).step_by(SIDE) {
        for col in (0..grid.width).step_by(SIDE) {
            let (width, height) = (SIDE.min(grid.width - col), SIDE.min(grid.height - row));
            let w = Window { col, row, width, height };
            if stable.is_empty() || stable.iter().any(|s| !s.window(grid).intersection(&w).is_empty()) {
                all.push(w);
            }
        }
    }
    let order = spread(all.len());
    let (mut out, mut found) = (Vec::new(), 0);
    for part in order[..order.len().min(MOST)].chunks(AT_ONCE) {
        progress.check()?;
        let read: Vec<Chunk> =
            part.par_iter().map(|i| chunk(dems, grid, all[*i], plots, stable)).collect::<Result<_>>()?;
        for k in read {
            let n = k.stable.iter().filter(|s| **s).count();
            if n > 0 {
                found += n;
                out.push(k);
            }
        }
        if found >= ENOUGH {
            break;
        }
    }
    Ok(out)
}

fn chunk(dems: &[Dem; 2], grid: &Grid, w: Window, plots: &[Outline], stable: &[Outline]) -> Result<Chunk> {
    let (before, after) = (dems[0].read(w)?, dems[1].read(w)?);
    let mut mask = vec![stable.is_empty(); w.len()];
    let mut mark = |outlines: &[Outline], value: bool, least: f64| {
        for o in outlines {
            let c = o.cover(grid, w);
            for (i, share) in c.share.iter().enumerate() {
                if *share > least {
                    let (col, row) = (c.window.col + i % c.window.width, c.window.row + i / c.window.width);
                    mask[(row - w.row) * w.width + col - w.col] = value;
                }
            }
        }
    };
    mark(stable, true, 0.999);
    mark(plots, false, 0.0);
    for ((m, b), a) in mask.iter_mut().zip(&before.z).zip(&after.z) {
        *m &= !b.is_nan() && !a.is_nan();
    }
    Ok(Chunk { before, after, stable: mask })
}

/// An order of 0..n whose every beginning is spread evenly (bits reversed).
fn spread(n: usize) -> Vec<usize> {
    let bits = usize::BITS - n.saturating_sub(1).leading_zeros();
    (0..1usize << bits)
        .map(|i| if bits == 0 { i } else { i.reverse_bits() >> (usize::BITS - bits) })
        .filter(|i| *i < n)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_is_spread() {
        assert_eq!(spread(8), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(spread(1), [0]);
        let mut s = spread(37);
        s.sort_unstable();
        assert_eq!(s, (0..37).collect::<Vec<_>>());
        assert!(spread(0).len() <= 1);
    }
}
