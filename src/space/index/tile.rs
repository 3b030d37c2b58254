//! The order of the boxes in the packed index: neighbours in space become neighbours in memory.
//!
//! Top down: the boxes are halved at the median of the wider side of their centres, at positions where subtrees of the
//! packed tree end, until a leaf is left (the overlap-minimising bulk load of Lee & Lee 2003, with binary steps). Unlike
//! a space-filling curve on a grid it goes by rank, so neither an outlier nor a cluster wastes its resolution.

use geo::Rect;
use rayon::prelude::*;

use super::node::{Frame, WIDTH, centre};

/// Centre of a box as numbers that sort as the coordinates do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Centre {
    x: u32,
    y: u32,
    pub item: u32,
}

/// Below it, another thread costs more than it saves.
const ALONE: usize = 8192;

/// Centres of the boxes in packed order.
pub(super) fn packed_order(boxes: &[Rect<f64>], frame: &Frame) -> Vec<Centre> {
    let mut centres = Vec::new();
    boxes
        .par_iter()
        .enumerate()
        .with_min_len(ALONE)
        .map(|(i, r)| {
            let c = centre(r);
            Centre { x: sortable((c.x - frame.x) as f32), y: sortable((c.y - frame.y) as f32), item: i as u32 }
        })
        .collect_into_vec(&mut centres);
    tile(&mut centres);
    centres
}

/// Orders centres so that every run of `WIDTH`, `WIDTH`² … from the start is a compact tile.
fn tile(c: &mut [Centre]) {
    if c.len() <= WIDTH {
        c.sort_unstable_by_key(|c| c.item);
        return;
    }
    let mut unit = WIDTH;
    while unit * WIDTH < c.len() {
        unit *= WIDTH;
    }
    let left = c.len().div_ceil(unit).div_ceil(2) * unit;
    // ties go by item: the order depends on the boxes alone
    if wider_in_x(c) {
        c.select_nth_unstable_by_key(left, |c| u64::from(c.x) << 32 | u64::from(c.item));
    } else {
        c.select_nth_unstable_by_key(left, |c| u64::from(c.y) << 32 | u64::from(c.item));
    }
    let alone = c.len() <= ALONE;
    let (a, b) = c.split_at_mut(left);
    if alone {
        tile(a);
        tile(b);
    } else {
        rayon::join(|| tile(a), || tile(b));
    }
}

fn wider_in_x(c: &[Centre]) -> bool {
    let (mut x, mut y) = ((u32::MAX, 0), (u32::MAX, 0));
    for c in c {
        x = (x.0.min(c.x), x.1.max(c.x));
        y = (y.0.min(c.y), y.1.max(c.y));
    }
    number(x.1) - number(x.0) >= number(y.1) - number(y.0)
}

/// Bits of a number in an order that integers share.
fn sortable(v: f32) -> u32 {
    let b = (v + 0.0).to_bits(); // -0 becomes 0
    if b >> 31 == 1 { !b } else { b | 1 << 31 }
}

fn number(b: u32) -> f32 {
    f32::from_bits(if b >> 31 == 1 { b & !(1 << 31) } else { !b })
}
