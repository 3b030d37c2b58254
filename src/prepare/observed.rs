//! From the numbers of a file to observations: calibrated values, and for each pixel whether it was seen.

use crate::model::{Calibration, MaskRule, Pixels, Sample, Seen, with_pixels};

/// Marks pixels of the rule's classes; those that are marked already keep their state. Fewer `qa` values than pixels
/// leave the rest alone.
pub fn mask_clouds(rule: MaskRule, qa: &Pixels, seen: &mut [Seen]) {
    let state: fn(u32) -> Seen = match rule {
        MaskRule::None => return,
        MaskRule::QaPixel => qa_pixel,
        MaskRule::BqaCollection1 => bqa_collection1,
        MaskRule::BqaPreCollection => bqa_precollection,
        MaskRule::Scl => scl,
    };
    with_pixels!(qa, v => {
        for (s, q) in seen.iter_mut().zip(v) {
            if *s == Seen::Yes {
                *s = state(q.to_f64() as u32);
            }
        }
    });
}

fn bit(v: u32, n: u32) -> bool {
    v >> n & 1 == 1
}

/// Two bits of confidence: 0 not determined, 1 low, 2 medium, 3 high.
fn confidence(v: u32, n: u32) -> u32 {
    v >> n & 3
}

/// Landsat Collection 2 `QA_PIXEL` (USGS LSDS-1619, table 6-2; LSDS-1328 for Landsat 4–7 has the same bits).
fn qa_pixel(v: u32) -> Seen {
    match v {
        _ if bit(v, 0) => Seen::NoData,
        _ if bit(v, 3) || bit(v, 2) => Seen::Cloud,
        _ if bit(v, 1) => Seen::NearCloud,
        _ if bit(v, 4) => Seen::Shadow,
        _ if bit(v, 5) => Seen::Snow,
        _ => Seen::Yes,
    }
}

/// Landsat Collection 1 `BQA` (USGS LSDS-1873).
fn bqa_collection1(v: u32) -> Seen {
    match v {
        _ if bit(v, 0) => Seen::NoData,
        _ if bit(v, 4) || confidence(v, 5) == 3 || confidence(v, 11) == 3 => Seen::Cloud,
        _ if confidence(v, 7) == 3 => Seen::Shadow,
        _ if confidence(v, 9) == 3 => Seen::Snow,
        _ if confidence(v, 2) > 0 => Seen::Saturated,
        _ => Seen::Yes,
    }
}

/// Landsat 8 `BQA` before collections (USGS LSDS-1574 of 2015, table 5-1): bit 0 fill, 1 dropped frame, 10–11 snow,
/// 12–13 cirrus, 14–15 cloud. Cloud counts from medium confidence on, for the shadow bits were never filled.
fn bqa_precollection(v: u32) -> Seen {
    match v {
        _ if bit(v, 0) || bit(v, 1) => Seen::NoData,
        _ if confidence(v, 14) >= 2 || confidence(v, 12) == 3 => Seen::Cloud,
        _ if confidence(v, 10) == 3 => Seen::Snow,
        _ => Seen::Yes,
    }
}

/// Sentinel-2 scene classification (Sen2Cor): 0 no data, 1 saturated or defective, 3 shadow, 8 and 9 cloud, 10 cirrus,
/// 11 snow.
fn scl(v: u32) -> Seen {
    match v {
        0 => Seen::NoData,
        1 => Seen::Saturated,
        3 => Seen::Shadow,
        8..=10 => Seen::Cloud,
        11 => Seen::Snow,
        _ => Seen::Yes,
    }
}

/// Marks as [`Seen::NearCloud`] what lies within `radius` pixels (between middles) of cloud or shadow. The window has
/// `width` columns; pixels that were not recorded do not grow.
pub fn dilate_clouds(seen: &mut [Seen], width: usize, radius: usize) {
    if radius == 0 || width == 0 {
        return;
    }
    let height = seen.len() / width;
    let far = radius + 1;
    // distance to the nearest cloud of the same row
    let mut across = vec![far; seen.len()];
    for (row, out) in seen.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        let cloud = |s: Seen| matches!(s, Seen::Cloud | Seen::Shadow);
        let mut d = far;
        for (s, o) in row.iter().zip(out.iter_mut()) {
            d = if cloud(*s) { 0 } else { (d + 1).min(far) };
            *o = d;
        }
        d = far;
        for (s, o) in row.iter().zip(out.iter_mut()).rev() {
            d = if cloud(*s) { 0 } else { (d + 1).min(far) };
            *o = (*o).min(d);
        }
    }
    for r in 0..height {
        for dy in 0..=radius {
            // columns that a disc reaches at this distance of rows
            let reach = ((radius * radius - dy * dy) as f64).sqrt() as usize;
            for other in [r.checked_sub(dy), Some(r + dy)].into_iter().flatten().filter(|o| *o < height) {
                let from = &across[other * width..(other + 1) * width];
                for (s, d) in seen[r * width..(r + 1) * width].iter_mut().zip(from) {
                    if *d <= reach && *s == Seen::Yes {
                        *s = Seen::NearCloud;
                    }
                }
            }
        }
    }
}

/// Calibrated values in single precision: `pixel · scale + offset`, each step rounded to float32 as NumPy does for
/// `pixel.astype("float32") * float32(scale) + float32(offset)`. Marks pixels that are `nodata` (or NaN), and those at
/// or above `saturated`; those that are marked already keep their state.
pub fn calibrated(
    pixels: &Pixels,
    c: Calibration,
    nodata: Option<f64>,
    saturated: Option<f64>,
    seen: &mut [Seen],
) -> Vec<f32> {
    with_pixels!(pixels, v => {
        mark(v, nodata, saturated, seen);
        match c {
            Calibration::Linear { scale, offset } if scale != 1.0 || offset != 0.0 => {
                let (m, a) = (scale as f32, offset as f32);
                v.iter().map(|x| x.to_f32() * m + a).collect()
            }
            Calibration::None | Calibration::Linear { .. } => v.iter().map(|x| x.to_f32()).collect(),
            Calibration::Brightness { gain, bias, k1, k2 } => {
                v.iter().map(|x| (k2 / (k1 / (x.to_f64() * gain + bias) + 1.0).ln()) as f32).collect()
            }
        }
    })
}

fn mark<T: Sample>(v: &[T], nodata: Option<f64>, saturated: Option<f64>, seen: &mut [Seen]) {
    if let Some(n) = nodata.and_then(T::exactly) {
        for (s, x) in seen.iter_mut().zip(v) {
            *s = if *x == n && *s == Seen::Yes { Seen::NoData } else { *s };
        }
    }
    if T::TYPE.is_float() {
        for (s, x) in seen.iter_mut().zip(v) {
            *s = if x.to_f64().is_nan() && *s == Seen::Yes { Seen::NoData } else { *s };
        }
    }
    if let Some(top) = saturated.and_then(T::exactly) {
        for (s, x) in seen.iter_mut().zip(v) {
            *s = if *x >= top && *s == Seen::Yes { Seen::Saturated } else { *s };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_real_values() {
        // USGS LSDS-1619, table 6-3: 21824 clear, 22280 high confidence cloud, 23888 cloud shadow, 1 fill
        for (v, s) in [(21_824, Seen::Yes), (22_280, Seen::Cloud), (23_888, Seen::Shadow), (1, Seen::NoData)] {
            assert_eq!(qa_pixel(v), s, "{v}");
        }
        // LSDS-1574 of 2015: 20480 clear, 53248 cloud, 61440 cloud and cirrus, 28672 cirrus
        for (v, s) in [(20_480, Seen::Yes), (53_248, Seen::Cloud), (61_440, Seen::Cloud), (28_672, Seen::Cloud)] {
            assert_eq!(bqa_precollection(v), s, "{v}");
        }
        // LSDS-1873: 2720 clear, 2800 cloud, 2976 shadow, 3744 snow
        for (v, s) in [(2720, Seen::Yes), (2800, Seen::Cloud), (2976, Seen::Shadow), (3744, Seen::Snow)] {
            assert_eq!(bqa_collection1(v), s, "{v}");
        }
    }

    #[test]
    fn a_disc_around_a_cloud() {
        let mut seen = vec![Seen::Yes; 49];
        seen[24] = Seen::Cloud;
        seen[10] = Seen::NoData;
        dilate_clouds(&mut seen, 7, 2);
        // discs of radius 2 hold 13 pixels; the middle is the cloud itself and one was not recorded
        let near = |s: &[Seen]| s.iter().filter(|s| **s == Seen::NearCloud).count();
        assert_eq!(near(&seen), 11);
        assert_eq!((seen[10], seen[24]), (Seen::NoData, Seen::Cloud));
    }

    #[test]
    fn steps_are_rounded_as_numpy_rounds_them() {
        let mut seen = vec![Seen::Yes; 3];
        let c = Calibration::Linear { scale: 2.75e-5, offset: -0.2 };
        let v = calibrated(&Pixels::U16(vec![0, 12_345, 65_535]), c, Some(0.0), Some(65_535.0), &mut seen);
        assert_eq!(v[1], 12_345f32 * 2.75e-5f32 - 0.2f32);
        assert_eq!(seen, [Seen::NoData, Seen::Yes, Seen::Saturated]);
    }
}
