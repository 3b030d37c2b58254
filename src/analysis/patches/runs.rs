//! Blocks of classes to runs: what is left of a raster once the pixels that do not matter are gone.

use crate::model::Window;

/// Neighbouring pixels of one class in a row, with the statistics of their values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Row of the raster.
    pub row: u32,
    /// First column.
    pub from: u32,
    /// Column behind the last.
    pub to: u32,
    /// Class.
    pub class: u8,
    /// From–to classes of its pixels; 0 where there are none.
    pub pair: u8,
    /// Sum of the values.
    pub sum: f64,
    /// Least value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
}

/// Runs of a block in the order of its rows; `keep` says which classes are of interest. Where `pairs` (from–to classes)
/// are given, a run ends where they change too.
pub fn runs(w: Window, classes: &[u8], pairs: &[u8], values: &[f32], keep: impl Fn(u8) -> bool) -> Vec<Run> {
    let mut out = Vec::new();
    if w.is_empty() {
        return out;
    }
    let rows = classes.chunks_exact(w.width).zip(values.chunks_exact(w.width));
    for (i, (classes, values)) in rows.enumerate() {
        let mut c = 0;
        while c < classes.len() {
            let class = classes[c];
            let mut end = classes[c..].iter().position(|x| *x != class).map_or(classes.len(), |n| c + n);
            if keep(class) {
                let mut pair = 0;
                if let Some(pairs) = pairs.get(i * w.width..(i + 1) * w.width) {
                    pair = pairs[c];
                    end = pairs[c..end].iter().position(|x| *x != pair).map_or(end, |n| c + n);
                }
                let (mut sum, mut min, mut max) = (0f64, f32::INFINITY, f32::NEG_INFINITY);
                for v in &values[c..end] {
                    sum += f64::from(*v);
                    min = min.min(*v);
                    max = max.max(*v);
                }
                let (row, from, to) = ((w.row + i) as u32, (w.col + c) as u32, (w.col + end) as u32);
                out.push(Run { row, from, to, class, pair, sum, min, max });
            }
            c = end;
        }
    }
    out
}

/// Runs of blocks that lie side by side, as rows: sorted, and runs that were cut by the edge of a block made whole.
pub fn in_rows(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by_key(|r| (r.row, r.from));
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    for r in runs {
        match out.last_mut() {
            Some(o) if o.row == r.row && o.to == r.from && o.class == r.class && o.pair == r.pair => {
                o.to = r.to;
                o.sum += r.sum;
                o.min = o.min.min(r.min);
                o.max = o.max.max(r.max);
            }
            _ => out.push(r),
        }
    }
    out
}
