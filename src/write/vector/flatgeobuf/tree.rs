//! The packed Hilbert R-tree of FlatGeobuf: nodes of 16 children, the root first, the leaves last.

use std::io::Write;

use rayon::prelude::*;

/// Children of a node; GDAL and the other writers use 16 too.
pub(super) const NODE_SIZE: usize = 16;
/// Cells of the Hilbert curve along one axis, less one.
const CELLS: u32 = (1 << 16) - 1;

/// A box: min x, min y, max x, max y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds(pub [f64; 4]);

impl Bounds {
    /// No box yet: anything widens it.
    pub const NOTHING: Self = Self([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY]);

    pub fn with(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a.min(e), b.min(f), c.max(g), d.max(h)])
    }

    /// The box around all of them; `None` where there is none.
    pub fn around(boxes: impl Iterator<Item = Self>) -> Option<Self> {
        boxes.reduce(Self::with)
    }
}

/// Positions of the boxes along the Hilbert curve; equal ones in their order.
pub(super) fn hilbert_order(boxes: &[Bounds]) -> Vec<u32> {
    let all = Bounds::around(boxes.iter().copied()).unwrap_or(Bounds::NOTHING).0;
    let cell = |low: f64, high: f64, from: f64, to: f64| {
        let share = ((low + high) / 2.0 - from) / (to - from);
        // the cast makes a NaN (an axis without width) 0
        (share * f64::from(CELLS)) as u32
    };
    let mut keys: Vec<(u32, u32)> = boxes
        .par_iter()
        .enumerate()
        .map(|(i, b)| {
            let [x0, y0, x1, y1] = b.0;
            let (x, y) = (cell(x0, x1, all[0], all[2]), cell(y0, y1, all[1], all[3]));
            (hilbert(x.min(CELLS), y.min(CELLS)), i as u32)
        })
        .collect();
    keys.par_sort_unstable();
    keys.into_iter().map(|(_, i)| i).collect()
}

/// Place of a cell along the Hilbert curve of order 16 (Hilbert 1891; quadrant by quadrant from the largest).
fn hilbert(x: u32, y: u32) -> u32 {
    let (mut x, mut y, mut place) = (x, y, 0);
    let mut half = 1 << 15;
    while half > 0 {
        let (right, up) = (u32::from(x & half != 0), u32::from(y & half != 0));
        place += half * half * ((3 * right) ^ up);
        if up == 0 {
            if right == 1 {
                (x, y) = (CELLS - x, CELLS - y);
            }
            (x, y) = (y, x);
        }
        half >>= 1;
    }
    place
}

/// Writes the tree over `boxes` taken in `order`; leaves point to the features' bytes, of `sizes`, in that order.
pub(super) fn write(boxes: &[Bounds], sizes: &[u32], order: &[u32], out: &mut impl Write) -> std::io::Result<()> {
    // levels above the leaves, from below
    let mut levels: Vec<Vec<Bounds>> = Vec::new();
    let join = |b: &[Bounds]| b.iter().copied().fold(Bounds::NOTHING, Bounds::with);
    let lowest = order.chunks(NODE_SIZE).map(|c| {
        let b: Vec<Bounds> = c.iter().map(|&i| boxes[i as usize]).collect();
        join(&b)
    });
    let mut level: Vec<Bounds> = lowest.collect();
    while level.len() > 1 {
        let above = level.chunks(NODE_SIZE).map(join).collect();
        levels.push(std::mem::replace(&mut level, above));
    }
    levels.push(level);
    let mut first_child = 0;
    for level in levels.iter().rev() {
        first_child += level.len() as u64;
        for (k, b) in level.iter().enumerate() {
            node(*b, first_child + (k * NODE_SIZE) as u64, out)?;
        }
    }
    let mut offset = 0;
    for &i in order {
        node(boxes[i as usize], offset, out)?;
        offset += u64::from(sizes[i as usize]);
    }
    Ok(())
}

fn node(b: Bounds, offset: u64, out: &mut impl Write) -> std::io::Result<()> {
    for v in b.0 {
        out.write_all(&v.to_le_bytes())?;
    }
    out.write_all(&offset.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_visits_every_cell_by_single_steps() {
        // the first 64 × 64 cells in one corner are one stretch of the curve
        let mut cells: Vec<(u32, u32, u32)> = Vec::new();
        for x in 0..64 {
            for y in 0..64 {
                cells.push((hilbert(x, y), x, y));
            }
        }
        cells.sort_unstable();
        for (k, w) in cells.windows(2).enumerate() {
            assert_eq!(w[0].0 as usize, k);
            assert_eq!(w[0].1.abs_diff(w[1].1) + w[0].2.abs_diff(w[1].2), 1);
        }
    }
}
