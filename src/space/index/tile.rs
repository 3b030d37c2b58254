//! The order of the boxes in the packed index: neighbours in space become neighbours in memory.
//!
//! Top down: the boxes are halved at the median of the wider side of their centres, at positions where subtrees of the
//! packed tree end, until a leaf is left (the overlap-minimising bulk load of Lee & Lee 2003, in binary steps). Unlike
//! a space-filling curve on a grid it goes by rank, so neither an outlier nor a cluster wastes its resolution.
//!
//! The centres are sorted by x and by y once. A list that is sorted along the split is cut where it stands; the other is
//! parted in one pass that keeps its order.

use bytemuck::{Pod, Zeroable};
use geo::Rect;
use rayon::prelude::*;

use super::node::{Frame, WIDTH, centre};

/// Centre of a box as numbers that sort as the coordinates do.
#[derive(Debug, Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Centre {
    x: u32,
    y: u32,
    item: u32,
}

impl Centre {
    /// Ties go by item: the order depends on the boxes alone.
    #[inline(always)]
    fn by_x(&self) -> u64 {
        u64::from(self.x) << 32 | u64::from(self.item)
    }

    #[inline(always)]
    fn by_y(&self) -> u64 {
        u64::from(self.y) << 32 | u64::from(self.item)
    }
}

/// Below it, another thread costs more than it saves.
const ALONE: usize = 8192;

/// Items in packed order. `spare` are bytes for three lists of centres; what is in them does not matter.
pub(super) fn packed_order(boxes: &[Rect<f64>], frame: &Frame, spare: [&mut [u8]; 3]) -> Vec<u32> {
    let n = boxes.len();
    let [x, y, other_y] = spare.map(|s| bytemuck::cast_slice_mut(&mut s[..n * size_of::<Centre>()]));
    let mut other_x: Vec<Centre> = bytemuck::zeroed_vec(n);
    other_x.par_chunks_mut(ALONE).zip(boxes.par_chunks(ALONE)).enumerate().for_each(|(chunk, (centres, boxes))| {
        for (i, (to, r)) in centres.iter_mut().zip(boxes).enumerate() {
            let c = centre(r);
            *to = Centre {
                x: sortable((c.x - frame.x) as f32),
                y: sortable((c.y - frame.y) as f32),
                item: (chunk * ALONE + i) as u32,
            };
        }
    });
    other_y.copy_from_slice(&other_x);
    let ((x, other_x), (y, other_y)) = rayon::join(|| sort(&mut other_x, x, |c| c.x), || sort(other_y, y, |c| c.y));
    let mut order = vec![0; n];
    tile(Lists { x, y, other_x, other_y }, &mut order);
    order
}

/// The same centres by x and by y, and space for as many.
struct Lists<'a> {
    x: &'a mut [Centre],
    y: &'a mut [Centre],
    other_x: &'a mut [Centre],
    other_y: &'a mut [Centre],
}

/// Orders items so that every run of `WIDTH`, `WIDTH`² … from the start is a compact tile.
fn tile(l: Lists<'_>, order: &mut [u32]) {
    let n = order.len();
    let one_place = n > 0 && l.x[0].x == l.x[n - 1].x && l.y[0].y == l.y[n - 1].y;
    if n <= WIDTH || one_place {
        order.iter_mut().zip(l.x.iter()).for_each(|(o, c)| *o = c.item);
        return;
    }
    let mut unit = WIDTH;
    while unit * WIDTH < n {
        unit *= WIDTH;
    }
    let left = n.div_ceil(unit).div_ceil(2) * unit;
    let Lists { mut x, mut y, mut other_x, mut other_y } = l;
    let (width, height) = (number(x[n - 1].x) - number(x[0].x), number(y[n - 1].y) - number(y[0].y));
    if n <= 2 * WIDTH {
        // two leaves: the list along the split is their order, and the other one is of no use any more
        let along = if width >= height { x } else { y };
        order.iter_mut().zip(along.iter()).for_each(|(o, c)| *o = c.item);
        return;
    }
    if width >= height {
        part(y, other_y, left, x[left].by_x(), Centre::by_x);
        std::mem::swap(&mut y, &mut other_y);
    } else {
        part(x, other_x, left, y[left].by_y(), Centre::by_y);
        std::mem::swap(&mut x, &mut other_x);
    }
    let (x, y) = (x.split_at_mut(left), y.split_at_mut(left));
    let (other_x, other_y) = (other_x.split_at_mut(left), other_y.split_at_mut(left));
    let (a, b) = order.split_at_mut(left);
    let first = Lists { x: x.0, y: y.0, other_x: other_x.0, other_y: other_y.0 };
    let second = Lists { x: x.1, y: y.1, other_x: other_x.1, other_y: other_y.1 };
    if n <= ALONE {
        tile(first, a);
        tile(second, b);
    } else {
        rayon::join(|| tile(first, a), || tile(second, b));
    }
}

/// Copies those below the pivot to the front of `to` and the others behind them; each keep their order.
fn part(from: &[Centre], to: &mut [Centre], left: usize, pivot: u64, key: impl Fn(&Centre) -> u64) {
    let (mut low, mut high) = (0, left);
    for c in from {
        let below = key(c) < pivot;
        to[if below { low } else { high }] = *c;
        low += usize::from(below);
        high += usize::from(!below);
    }
}

/// Lists up to this length stay in the second cache, where long digits, which take fewer passes, are faster; in longer
/// ones the ends of 2048 runs miss the caches.
const SHORT: usize = 1 << 18;

/// A list and the other one.
type Two<'a> = (&'a mut [Centre], &'a mut [Centre]);

/// Sorts by a 32-bit key, keeping the order of equal ones; answers the sorted list and the other.
fn sort<'a>(list: &'a mut [Centre], other: &'a mut [Centre], key: impl Fn(&Centre) -> u32 + Copy) -> Two<'a> {
    if list.len() <= SHORT { sort_by::<11, 2048, 3>(list, other, key) } else { sort_by::<8, 256, 4>(list, other, key) }
}

/// Sorts by digits of `BITS` bits, least first.
fn sort_by<'a, const BITS: u32, const DIGITS: usize, const PASSES: usize>(
    list: &'a mut [Centre],
    other: &'a mut [Centre],
    key: impl Fn(&Centre) -> u32 + Copy,
) -> Two<'a> {
    let digit = |k: u32, pass: usize| (k >> (BITS * pass as u32)) as usize & (DIGITS - 1);
    let mut counts = [[0u32; DIGITS]; PASSES];
    for c in list.iter() {
        let k = key(c);
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(k, pass)] += 1;
        }
    }
    let (mut from, mut to) = (list, other);
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts.iter().any(|&c| c as usize == from.len()) {
            continue; // one value of this digit: nothing moves
        }
        let mut at = 0;
        for c in counts.iter_mut() {
            at += std::mem::replace(c, at);
        }
        for c in from.iter() {
            let place = &mut counts[digit(key(c), pass)];
            to[*place as usize] = *c;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    (from, to)
}

/// Bits of a number in an order that integers share.
fn sortable(v: f32) -> u32 {
    let b = (v + 0.0).to_bits(); // -0 becomes 0
    if b >> 31 == 1 { !b } else { b | 1 << 31 }
}

fn number(b: u32) -> f32 {
    f32::from_bits(if b >> 31 == 1 { b & !(1 << 31) } else { !b })
}
