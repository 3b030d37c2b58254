//! Bands to a picture for the page.

use crate::model::{Picture, Pixels, Sample, with_pixels};

/// A picture, and the range of values that was stretched; `None` where bytes are shown as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Colours {
    /// Picture.
    pub picture: Picture,
    /// Lowest and highest value shown.
    pub stretched: Option<(f64, f64)>,
}

/// One band in grey or three as red, green, blue. Bytes stay as they are; other types are stretched, all bands alike,
/// from the 2nd to the 98th percentile of what is there. A pixel whose bands are all `nodata` (0 where a band names
/// none) or no number is transparent.
pub fn coloured(bands: &[Pixels], nodata: &[Option<f64>], width: usize, height: usize) -> Colours {
    let stretched = stretch(bands, nodata);
    Colours { picture: shaded(bands, nodata, [width, height], stretched), stretched }
}

/// From the 2nd to the 98th percentile of what is there, all bands together; `None` for bytes, which are shown as they are.
pub fn stretch(bands: &[Pixels], nodata: &[Option<f64>]) -> Option<(f64, f64)> {
    if bands.iter().all(|b| matches!(b, Pixels::U8(_))) {
        return None;
    }
    let values: Vec<Vec<f64>> = bands.iter().map(numbers).collect();
    range(&values, &|i| is_empty(&values, nodata, i))
}

/// As [`coloured`], over a range that is told; bytes as they are where it is `None`.
pub fn shaded(
    bands: &[Pixels],
    nodata: &[Option<f64>],
    [width, height]: [usize; 2],
    range: Option<(f64, f64)>,
) -> Picture {
    let values: Vec<Vec<f64>> = bands.iter().map(numbers).collect();
    let (low, high) = range.unwrap_or((0.0, 255.0));
    let shade = |v: f64| (255.0 * (v - low) / (high - low)).round().clamp(0.0, 255.0) as u8;
    let mut rgba = vec![0; 4 * width * height];
    for (i, out) in rgba.chunks_exact_mut(4).enumerate().filter(|(i, _)| !is_empty(&values, nodata, *i)) {
        let of = |k: usize| shade(values[k.min(values.len() - 1)][i]);
        out.copy_from_slice(&[of(0), of(1), of(2), 255]);
    }
    Picture { width, height, rgba }
}

fn is_empty(values: &[Vec<f64>], nodata: &[Option<f64>], i: usize) -> bool {
    values.iter().zip(nodata).all(|(v, n)| !v[i].is_finite() || v[i] == n.unwrap_or(0.0))
}

fn numbers(p: &Pixels) -> Vec<f64> {
    with_pixels!(p, v => v.iter().map(|x| x.to_f64()).collect())
}

fn range(values: &[Vec<f64>], empty: &impl Fn(usize) -> bool) -> Option<(f64, f64)> {
    let n = values.first().map_or(0, Vec::len);
    let mut all: Vec<f64> = (0..n)
        .filter(|&i| !empty(i))
        .flat_map(|i| values.iter().map(move |v| v[i]))
        .filter(|v| v.is_finite())
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| all.get(((all.len().max(1) - 1) as f64 * q).round() as usize).copied();
    at(0.02).zip(at(0.98)).map(|(l, h)| if h > l { (l, h) } else { (l, l + 1.0) })
}
