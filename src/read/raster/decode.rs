//! One tile or strip: from compressed bytes to the pixels of the bands that were asked for.

use std::cell::RefCell;

use crate::model::Sample;

/// Compressions that are decoded here (TIFF 6.0; 8 and 32946 deflate, 50000 ZSTD as libtiff numbers them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    Zstd,
}

/// How neighbouring samples were turned into differences before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// 2: horizontal differences of whole samples.
    Horizontal,
    /// 3: bytes of floats sorted by significance, then differences of bytes (Adobe TIFF technical note 3).
    FloatingPoint,
}

thread_local! {
    static INFLATE: RefCell<Option<libdeflater::Decompressor>> = const { RefCell::new(None) };
    static ZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Decompresses into `out`; answers the bytes that came out, or what was wrong. Never writes beyond `out`.
pub(super) fn decompress(kind: Compression, bytes: &[u8], out: &mut [u8]) -> Result<usize, String> {
    match kind {
        Compression::None => {
            let n = bytes.len().min(out.len());
            out[..n].copy_from_slice(&bytes[..n]);
            Ok(n)
        }
        Compression::Deflate => INFLATE.with_borrow_mut(|d| {
            let d = d.get_or_insert_with(libdeflater::Decompressor::new);
            d.zlib_decompress(bytes, out).map_err(|e| match e {
                libdeflater::DecompressionError::InsufficientSpace => "it inflates to more than it should".to_owned(),
                libdeflater::DecompressionError::BadData => "its deflate stream is broken".to_owned(),
            })
        }),
        Compression::Zstd => ZSTD.with_borrow_mut(|d| {
            if d.is_none() {
                *d = Some(zstd::bulk::Decompressor::new().map_err(|e| e.to_string())?);
            }
            match d {
                Some(d) => d.decompress_to_buffer(bytes, out).map_err(|e| e.to_string()),
                None => Ok(0),
            }
        }),
        Compression::Lzw => {
            let mut d = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            let (mut read, mut written) = (0, 0);
            while written < out.len() {
                let step = d.decode_bytes(&bytes[read..], &mut out[written..]);
                read += step.consumed_in;
                written += step.consumed_out;
                match step.status {
                    Ok(weezl::LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
                    Ok(_) => break,
                    Err(e) => return Err(e.to_string()),
                }
            }
            Ok(written)
        }
    }
}

/// A sample as the file stores it.
pub(super) trait Raw: Sample {
    /// Its bytes.
    type Bytes: Copy;
    /// Unsigned integer of the same width.
    type Bits: Copy + Default;
    /// Samples of a row of bytes.
    fn samples(bytes: &[u8]) -> &[Self::Bytes];
    /// The integer of these bytes, most significant first where `BIG`.
    fn bits<const BIG: bool>(bytes: Self::Bytes) -> Self::Bits;
    /// Sum modulo its width.
    fn add(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// The value with these bits.
    fn of(bits: Self::Bits) -> Self;
    /// The value whose bytes, most significant first, `byte` gives.
    fn from_planes(byte: impl Fn(usize) -> u8) -> Self;
}

macro_rules! raw {
    ($($t:ty, $u:ty, $n:literal, $of:expr;)*) => {$(
        impl Raw for $t {
            type Bytes = [u8; $n];
            type Bits = $u;
            #[inline]
            fn samples(bytes: &[u8]) -> &[[u8; $n]] {
                bytes.as_chunks::<$n>().0
            }
            #[inline]
            fn bits<const BIG: bool>(bytes: [u8; $n]) -> $u {
                if BIG { <$u>::from_be_bytes(bytes) } else { <$u>::from_le_bytes(bytes) }
            }
            #[inline]
            fn add(a: $u, b: $u) -> $u {
                a.wrapping_add(b)
            }
            #[inline]
            fn of(bits: $u) -> Self {
                $of(bits)
            }
            #[inline]
            fn from_planes(byte: impl Fn(usize) -> u8) -> Self {
                Self::of(<$u>::from_be_bytes(std::array::from_fn(byte)))
            }
        }
    )*};
}
raw! {
    u8, u8, 1, |b| b;
    i8, u8, 1, |b: u8| b.cast_signed();
    u16, u16, 2, |b| b;
    i16, u16, 2, |b: u16| b.cast_signed();
    u32, u32, 4, |b| b;
    i32, u32, 4, |b: u32| b.cast_signed();
    u64, u64, 8, |b| b;
    i64, u64, 8, |b: u64| b.cast_signed();
    f32, u32, 4, f32::from_bits;
    f64, u64, 8, f64::from_bits;
}

/// How the samples of a decompressed tile or strip lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Columns of the tile.
    pub columns: usize,
    /// Samples of a pixel that lie side by side: all bands, or 1.
    pub samples: usize,
    pub predictor: Predictor,
    pub big_endian: bool,
}

/// Part of a tile and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// First row of the tile, and how many.
    pub row: usize,
    pub rows: usize,
    /// First column of the tile, and how many.
    pub column: usize,
    pub columns: usize,
    /// Position of the first pixel in the output.
    pub to: usize,
    /// Columns of the output.
    pub stride: usize,
}

/// Takes one sample of each pixel of a part out of a tile's bytes. Reads the rows that `bytes` hold; the caller has
/// checked that there are enough.
pub(super) fn extract<T: Raw>(bytes: &[u8], l: Layout, sample: usize, part: Part, out: &mut [T]) {
    let row_bytes = l.columns * l.samples * T::TYPE.bytes();
    let rows = bytes.chunks_exact(row_bytes).skip(part.row).take(part.rows);
    let mut planes = Vec::new();
    for (i, row) in rows.enumerate() {
        let to = part.to + i * part.stride;
        let Some(out) = out.get_mut(to..to + part.columns) else { return };
        match (l.predictor, l.big_endian) {
            (Predictor::FloatingPoint, _) => from_planes(row, l.samples, sample, part.column, out, &mut planes),
            (p, false) => take::<T, false>(row, l.samples, sample, p, part.column, out),
            (p, true) => take::<T, true>(row, l.samples, sample, p, part.column, out),
        }
    }
}

fn take<T: Raw, const BIG: bool>(row: &[u8], n: usize, sample: usize, p: Predictor, first: usize, out: &mut [T]) {
    let samples = T::samples(row);
    // the common numbers of bands are known to the compiler: no check and no multiplication a pixel
    match n {
        1 => take_of::<T, BIG>(samples.iter().map(|b| T::bits::<BIG>(*b)), p, first, out),
        2 => every::<T, BIG, 2>(samples, sample, p, first, out),
        3 => every::<T, BIG, 3>(samples, sample, p, first, out),
        4 => every::<T, BIG, 4>(samples, sample, p, first, out),
        _ => {
            let mine = samples.chunks_exact(n).map(|pixel| T::bits::<BIG>(pixel[sample]));
            take_of::<T, BIG>(mine, p, first, out);
        }
    }
}

fn every<T: Raw, const BIG: bool, const N: usize>(
    samples: &[T::Bytes],
    sample: usize,
    p: Predictor,
    first: usize,
    out: &mut [T],
) {
    let mine = samples.as_chunks::<N>().0.iter().map(|pixel| T::bits::<BIG>(pixel[sample]));
    take_of::<T, BIG>(mine, p, first, out);
}

#[inline]
fn take_of<T: Raw, const BIG: bool>(from: impl Iterator<Item = T::Bits>, p: Predictor, first: usize, out: &mut [T]) {
    if p == Predictor::None {
        for (o, b) in out.iter_mut().zip(from.skip(first)) {
            *o = T::of(b);
        }
        return;
    }
    let mut sum = T::Bits::default();
    let mut from = from;
    for b in from.by_ref().take(first) {
        sum = T::add(sum, b);
    }
    for (o, b) in out.iter_mut().zip(from) {
        sum = T::add(sum, b);
        *o = T::of(sum);
    }
}

fn from_planes<T: Raw>(row: &[u8], n: usize, sample: usize, first: usize, out: &mut [T], planes: &mut Vec<u8>) {
    planes.clear();
    planes.extend_from_slice(row);
    if n == 1 {
        let mut sum = 0u8;
        for b in planes.iter_mut() {
            sum = sum.wrapping_add(*b);
            *b = sum;
        }
    } else {
        for i in n..planes.len() {
            planes[i] = planes[i].wrapping_add(planes[i - n]);
        }
    }
    let count = planes.len() / T::TYPE.bytes();
    for (i, o) in out.iter_mut().enumerate() {
        let at = (first + i) * n + sample;
        *o = T::from_planes(|k| planes[k * count + at]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Part = Part { row: 0, rows: 1, column: 0, columns: 3, to: 0, stride: 3 };

    #[test]
    fn horizontal_differences_by_hand() {
        // pixels (10, 100), (12, 90), (11, 95): differences (10, 100), (2, -10), (-1, 5)
        let d: Vec<u8> = [10i16, 100, 2, -10, -1, 5].iter().flat_map(|v| v.to_be_bytes()).collect();
        let l = Layout { columns: 3, samples: 2, predictor: Predictor::Horizontal, big_endian: true };
        let mut out = [0i16; 3];
        extract(&d, l, 1, WHOLE, &mut out);
        assert_eq!(out, [100, 90, 95]);
        let mut two = [0i16; 2];
        extract(&d, l, 0, Part { column: 1, columns: 2, stride: 2, ..WHOLE }, &mut two);
        assert_eq!(two, [12, 11]);
    }

    #[test]
    fn bytes_of_floats_by_hand() {
        // 1.0 = 3F 80 00 00, 2.0 = 40 00 00 00, -1.0 = BF 80 00 00; planes 3F 40 BF | 80 00 80 | 00 … as differences
        let planes = [0x3f, 0x40, 0xbf, 0x80, 0x00, 0x80, 0, 0, 0, 0, 0, 0u8];
        let mut d = planes;
        for i in (1..d.len()).rev() {
            d[i] = planes[i].wrapping_sub(planes[i - 1]);
        }
        let l = Layout { columns: 3, samples: 1, predictor: Predictor::FloatingPoint, big_endian: false };
        let mut out = [0f32; 3];
        extract(&d, l, 0, WHOLE, &mut out);
        assert_eq!(out, [1.0, 2.0, -1.0]);
    }

    #[test]
    fn a_broken_stream_is_an_error_and_a_long_one_too() {
        let mut out = [0u8; 4];
        assert!(decompress(Compression::Deflate, b"not zlib", &mut out).is_err());
        assert!(decompress(Compression::Zstd, b"not zstd", &mut out).is_err());
        let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut z = vec![0; c.zlib_compress_bound(8)];
        let n = c.zlib_compress(b"12345678", &mut z).unwrap();
        assert!(decompress(Compression::Deflate, &z[..n], &mut out).unwrap_err().contains("more than"));
    }
}
