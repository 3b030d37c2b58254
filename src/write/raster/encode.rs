//! Pixels to compressed tiles: padding, predictor, deflate or ZSTD. Works on many threads at once.

use std::cell::RefCell;

use super::{Overviews, Packing, RasterHead, Sums, TILE, huffman};
use crate::model::{PixelType, Sample, Window};

/// Level of libdeflate for classes, which repeat.
const CLASS_LEVEL: i32 = 6;
/// Level for values: of differences of measured values it makes files as small as level 6 (measured: docs/benchmarks.md),
/// in half the time.
const VALUE_LEVEL: i32 = 1;
const ZSTD_LEVEL: i32 = 3;
/// What a search for repeats must save, for it takes ten times as long: a fiftieth.
const PAYS: (usize, usize) = (51, 50);
/// Rows of a tile that are compressed to tell whether a search for repeats pays: so many from a quarter, and as many
/// from three quarters of its height.
const TRIED: usize = 8;

/// A number that is written.
pub trait Writable: Sample {
    /// Its bytes, least significant first, at the end of `out`, as differences (predictor 2, or 3 for floats) of a row.
    fn difference(row: &[Self], out: &mut Vec<u8>);
    /// Mean of numbers that sum up so.
    fn mean(sum: f64, n: u32) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Writable for $t {
            fn difference(row: &[Self], out: &mut Vec<u8>) {
                let mut before: $t = 0;
                for v in row {
                    out.extend_from_slice(&v.wrapping_sub(before).to_le_bytes());
                    before = *v;
                }
            }
            fn mean(sum: f64, n: u32) -> Self {
                (sum / f64::from(n)).round_ties_even() as Self
            }
        }
    )*};
}
integers!(u8, i16, u16, i32, u32);

impl Writable for f32 {
    fn difference(row: &[Self], out: &mut Vec<u8>) {
        // bytes by significance, each as its difference from the one before it, over the edges of planes too
        let mut before = 0u8;
        for shift in [24, 16, 8, 0] {
            let byte = |v: &f32| (v.to_bits() >> shift) as u8;
            out.extend(row.first().map(|v| byte(v).wrapping_sub(before)));
            out.extend(row.iter().zip(&row[1.min(row.len())..]).map(|(a, b)| byte(b).wrapping_sub(byte(a))));
            before = row.last().map_or(before, byte);
        }
    }
    fn mean(sum: f64, n: u32) -> Self {
        (sum / f64::from(n)) as Self
    }
}

/// Column and row of a tile, and its bytes.
pub(super) type Packed = ((usize, usize), Vec<u8>);

/// Compressed tiles of one band, ready to be put into a file.
#[derive(Debug)]
pub struct Tile<T> {
    pub(super) band: usize,
    pub(super) packed: Vec<Packed>,
    pub(super) sums: Sums,
    /// The pixels at half the resolution, for the overviews.
    pub(super) half: Option<(Window, Vec<T>)>,
}

pub(super) fn encode<T: Writable>(head: &RasterHead, band: usize, w: Window, pixels: &[T]) -> Tile<T> {
    let nodata = head.nodata.and_then(T::exactly);
    let half = (head.overviews != Overviews::None).then(|| halve(w, pixels, nodata, head.overviews));
    Tile { band, packed: pack_tiles(head.packing, w, pixels, nodata), sums: sums(pixels, nodata), half }
}

/// Compresses every tile of a window.
pub(super) fn pack_tiles<T: Writable>(p: Packing, w: Window, pixels: &[T], nodata: Option<T>) -> Vec<Packed> {
    let mut out = Vec::new();
    for r in (0..w.height).step_by(TILE) {
        for c in (0..w.width).step_by(TILE) {
            let at = ((w.col + c) / TILE, (w.row + r) / TILE);
            out.push((at, tile(p, w, (c, r), pixels, nodata)));
        }
    }
    out
}

thread_local! {
    static PLAIN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static VALUES: RefCell<Option<libdeflater::Compressor>> = const { RefCell::new(None) };
    static CLASSES: RefCell<Option<libdeflater::Compressor>> = const { RefCell::new(None) };
}

fn tile<T: Writable>(p: Packing, w: Window, (c, r): (usize, usize), pixels: &[T], nodata: Option<T>) -> Vec<u8> {
    PLAIN.with_borrow_mut(|plain| {
        plain.clear();
        let (cols, rows) = ((w.width - c).min(TILE), (w.height - r).min(TILE));
        let fill = nodata.unwrap_or_default();
        let mut padded = vec![fill; TILE];
        for i in 0..TILE {
            if i >= rows {
                padded.fill(fill);
                T::difference(&padded, plain);
                continue;
            }
            let at = (r + i) * w.width + c;
            let row = &pixels[at..at + cols];
            if cols == TILE {
                T::difference(row, plain);
            } else {
                padded[..cols].copy_from_slice(row);
                T::difference(&padded, plain);
            }
        }
        pack::<T>(p, plain)
    })
}

fn pack<T: Writable>(p: Packing, plain: &[u8]) -> Vec<u8> {
    match p {
        Packing::Zstd => zstd::bulk::compress(plain, ZSTD_LEVEL).unwrap_or_default(),
        Packing::Deflate if T::TYPE.bytes() == 1 => {
            CLASSES.with_borrow_mut(|c| deflate(c, CLASS_LEVEL, plain, &mut Vec::new()))
        }
        Packing::Deflate => VALUES.with_borrow_mut(|c| values(c, plain, TILE * T::TYPE.bytes(), T::TYPE.is_float())),
    }
}

/// Deflate of values: by codes alone where a search for repeats would not make it smaller.
fn values(c: &mut Option<libdeflater::Compressor>, plain: &[u8], row: usize, planes: bool) -> Vec<u8> {
    let plan = huffman::plan(plain, row, planes);
    let some = |rows: usize| &plain[rows * row..(rows + TRIED) * row];
    let mut room = Vec::new();
    let tried: usize =
        [some(TILE / 4), some(3 * TILE / 4)].map(|s| deflate(c, VALUE_LEVEL, s, &mut room).len()).into_iter().sum();
    if plan.bytes <= tried * (TILE / (2 * TRIED)) * PAYS.0 / PAYS.1 {
        huffman::pack(plain, &plan)
    } else {
        deflate(c, VALUE_LEVEL, plain, &mut room)
    }
}

fn deflate(c: &mut Option<libdeflater::Compressor>, level: i32, plain: &[u8], room: &mut Vec<u8>) -> Vec<u8> {
    let c = c.get_or_insert_with(|| {
        libdeflater::Compressor::new(libdeflater::CompressionLvl::new(level).unwrap_or_default())
    });
    room.resize(c.zlib_compress_bound(plain.len()), 0);
    // the bound is large enough by its contract
    let n = c.zlib_compress(plain, room).unwrap_or_default();
    room[..n].to_vec()
}

fn sums<T: Writable>(pixels: &[T], nodata: Option<T>) -> Sums {
    /// Sums side by side: a fixed order that the compiler can vectorise.
    const LANES: usize = 8;
    let mut s = Sums::default();
    // parts keep the sums small (more exact)
    for part in pixels.chunks(4096) {
        let (mut n, mut sum, mut squares) = ([0u32; LANES], [0f64; LANES], [0f64; LANES]);
        let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut add = |k: usize, v: T| {
            let x = v.to_f64();
            let seen = Some(v) != nodata && !x.is_nan();
            let y = if seen { x } else { 0.0 };
            n[k] += u32::from(seen);
            sum[k] += y;
            squares[k] += y * y;
            min[k] = if seen && x < min[k] { x } else { min[k] };
            max[k] = if seen && x > max[k] { x } else { max[k] };
        };
        let (eights, rest) = part.as_chunks::<LANES>();
        for e in eights {
            for (k, v) in e.iter().enumerate() {
                add(k, *v);
            }
        }
        rest.iter().for_each(|v| add(0, *v));
        for k in 0..LANES {
            s.add(&Sums { count: n[k].into(), min: min[k], max: max[k], sum: sum[k], squares: squares[k] });
        }
    }
    s
}

/// Half the resolution: the window begins at an even pixel.
pub(super) fn halve<T: Writable>(w: Window, pixels: &[T], nodata: Option<T>, how: Overviews) -> (Window, Vec<T>) {
    let h = Window { col: w.col / 2, row: w.row / 2, width: w.width.div_ceil(2), height: w.height.div_ceil(2) };
    let mut out = Vec::with_capacity(h.len());
    let float = T::TYPE.is_float();
    for r in 0..h.height {
        let upper = &pixels[2 * r * w.width..(2 * r + 1) * w.width];
        let lower = pixels.get((2 * r + 1) * w.width..(2 * r + 2) * w.width).unwrap_or(&[]);
        for c in 0..h.width {
            if how == Overviews::Nearest {
                out.push(upper[2 * c]);
                continue;
            }
            let (mut sum, mut n) = (0.0, 0u32);
            for v in
                [upper.get(2 * c), upper.get(2 * c + 1), lower.get(2 * c), lower.get(2 * c + 1)].into_iter().flatten()
            {
                if Some(*v) != nodata && !(float && v.to_f64().is_nan()) {
                    sum += v.to_f64();
                    n += 1;
                }
            }
            out.push(if n == 0 { nodata.unwrap_or_default() } else { T::mean(sum, n) });
        }
    }
    (h, out)
}

/// Predictor tag of a type.
pub(super) fn predictor(ty: PixelType) -> u16 {
    if ty.is_float() { 3 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_pixels_to_one_by_hand() {
        let w = Window { col: 512, row: 0, width: 3, height: 3 };
        let p = [1i16, 2, 3, 4, -9, -9, 5, 6, -9];
        let (h, v) = halve(w, &p, Some(-9), Overviews::Average);
        assert_eq!((h.col, h.width, h.height), (256, 2, 2));
        // (1 + 2 + 4) / 3 = 2.33, (3) alone, (5 + 6) / 2 = 5.5 to even, nothing
        assert_eq!(v, [2, 3, 6, -9]);
        assert_eq!(halve(w, &p, Some(-9), Overviews::Nearest).1, [1, 3, 5, -9]);
    }

    #[test]
    fn sums_leave_nodata_out() {
        let s = sums(&[1.0f32, f32::NAN, 3.0, -9999.0], Some(-9999.0));
        assert_eq!((s.count, s.min, s.max, s.sum, s.squares), (2, 1.0, 3.0, 4.0, 10.0));
    }
}
