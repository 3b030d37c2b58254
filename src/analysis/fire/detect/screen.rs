//! The tests that look at one pixel alone, for a block at once: what is kept of them are flags, from which the tests that
//! look at neighbours decide.
//!
//! ρn is the reflectance at the top of the atmosphere of OLI band n, corrected for the height of the sun. Every operation
//! is rounded to float32 in the order written here.
//!
//! A ratio whose denominator is 0 or less is read as its limit: larger than any threshold where the numerator is above 0,
//! and no value (every comparison fails) where it is not. Such pixels count in no statistics of ratios.

use crate::model::Seen;

/// What is known of a pixel.
pub type Flags = u16;
/// It was recorded.
pub const DATA: Flags = 1;
/// It was seen clear.
pub const CLEAR: Flags = 1 << 1;
/// Schroeder: unambiguous.
pub const S_SURE: Flags = 1 << 2;
/// Schroeder: potential, the ratio of bands 7 and 6 included.
pub const S_MAYBE: Flags = 1 << 3;
/// Schroeder: water.
pub const S_WATER: Flags = 1 << 4;
/// GOLI: unambiguous by itself.
pub const G_SURE: Flags = 1 << 5;
/// GOLI: unambiguous beside an unambiguous one.
pub const G_NEAR: Flags = 1 << 6;
/// GOLI: potential.
pub const G_MAYBE: Flags = 1 << 7;
/// GOLI: water.
pub const G_WATER: Flags = 1 << 8;
/// HOTMAP: α.
pub const H_ALPHA: Flags = 1 << 9;
/// HOTMAP: β, if it touches α.
pub const H_BETA: Flags = 1 << 10;
/// Water for the thermal methods.
pub const T_WATER: Flags = 1 << 11;
/// Reflectance of band 7 above 0: fit for statistics of reflectance.
pub const LIT: Flags = 1 << 12;

/// Flags of what was seen.
pub fn seen_flags(seen: &[Seen]) -> Vec<Flags> {
    seen.iter()
        .map(|s| match s {
            Seen::Yes | Seen::Saturated | Seen::Water => DATA | CLEAR,
            Seen::NoData | Seen::Undefined => 0,
            Seen::Cloud | Seen::Shadow | Seen::Snow | Seen::NearCloud => DATA,
        })
        .collect()
}

fn flag(yes: bool, f: Flags) -> Flags {
    Flags::from(yes) * f
}

/// `a / b` with the rule for denominators of 0 and less.
#[inline]
pub fn ratio(a: f32, b: f32) -> f32 {
    if b > 0.0 {
        a / b
    } else if a > 0.0 {
        f32::INFINITY
    } else {
        f32::NAN
    }
}

/// Sets [`LIT`] by band 7.
pub fn lit(b7: &[f32], flags: &mut [Flags]) {
    for (f, v) in flags.iter_mut().zip(b7) {
        *f |= flag(*v > 0.0, LIT);
    }
}

/// Schroeder et al. 2016 (Remote Sensing of Environment 185:210, equations 1 to 3 and 6 to 9). `b` are bands 1 to 7.
///
/// - unambiguous: `ρ7/ρ5 > 2.5 ∧ ρ7 − ρ5 > 0.3 ∧ ρ7 > 0.5`, or, where band 7 saturated and folded over to low numbers,
///   `ρ6 > 0.8 ∧ ρ1 < 0.2 ∧ (ρ5 > 0.4 ∨ ρ7 < 0.1)`
/// - potential: `ρ7/ρ5 > 1.8 ∧ ρ7 − ρ5 > 0.17 ∧ ρ7/ρ6 > 1.6`
/// - water: `ρ4 > ρ5 > ρ6 > ρ7 ∧ ρ1 − ρ7 < 0.2 ∧ (ρ3 > ρ2 ∨ ρ1 > ρ2 > ρ3 > ρ4)`
pub fn schroeder(b: &[&[f32]; 7], flags: &mut [Flags]) {
    let n = flags.len();
    let [b1, b2, b3, b4, b5, b6, b7] = b.map(|x| &x[..n]);
    for (i, f) in flags.iter_mut().enumerate() {
        let (p1, p2, p3, p4, p5, p6, p7) = (b1[i], b2[i], b3[i], b4[i], b5[i], b6[i], b7[i]);
        let (r, d) = (ratio(p7, p5), p7 - p5);
        let sure = (r > 2.5) & (d > 0.3) & (p7 > 0.5) | (p6 > 0.8) & (p1 < 0.2) & ((p5 > 0.4) | (p7 < 0.1));
        let maybe = (r > 1.8) & (d > 0.17) & (ratio(p7, p6) > 1.6);
        *f |= flag(sure, S_SURE) | flag(maybe, S_MAYBE) | flag(water([p1, p2, p3, p4, p5, p6, p7]), S_WATER);
    }
}

/// Water of Schroeder et al. 2016.
fn water([p1, p2, p3, p4, p5, p6, p7]: [f32; 7]) -> bool {
    (p4 > p5) & (p5 > p6) & (p6 > p7) & (p1 - p7 < 0.2) & ((p3 > p2) | (p1 > p2) & (p2 > p3) & (p3 > p4))
}

/// Water for the thermal methods, by Schroeder et al. 2016.
pub fn thermal_water(b: &[&[f32]; 7], flags: &mut [Flags]) {
    for (i, f) in flags.iter_mut().enumerate() {
        *f |= flag(water(b.map(|x| x[i])), T_WATER);
    }
}

/// Water for the thermal methods where band 1 or others are missing: `MNDWI > 0` (Xu 2006).
pub fn thermal_water_by_mndwi(green: &[f32], swir1: &[f32], flags: &mut [Flags]) {
    for ((f, g), s) in flags.iter_mut().zip(green).zip(swir1) {
        *f |= flag((g > s) & (g + s > 0.0), T_WATER);
    }
}

/// Kumar & Roy 2018, GOLI (International Journal of Digital Earth 11:154, equations 12 to 16). `b` are bands 2 to 7.
///
/// - unambiguous: `ρ4 ≤ 0.53·ρ7 − 0.214`, and its eight neighbours with `ρ4 ≤ 0.35·ρ6 − 0.044`
/// - potential: `ρ4 ≤ 0.53·ρ7 − 0.125 ∨ ρ6 ≤ 1.08·ρ7 − 0.048`
/// - water: `ρ2 > ρ3 > ρ4 > ρ5`
pub fn goli(b: &[&[f32]; 6], flags: &mut [Flags]) {
    let n = flags.len();
    let [b2, b3, b4, b5, b6, b7] = b.map(|x| &x[..n]);
    for (i, f) in flags.iter_mut().enumerate() {
        let (p2, p3, p4, p5, p6, p7) = (b2[i], b3[i], b4[i], b5[i], b6[i], b7[i]);
        *f |= flag(p4 <= 0.53 * p7 - 0.214, G_SURE)
            | flag(p4 <= 0.35 * p6 - 0.044, G_NEAR)
            | flag((p4 <= 0.53 * p7 - 0.125) | (p6 <= 1.08 * p7 - 0.048), G_MAYBE)
            | flag((p2 > p3) & (p3 > p4) & (p4 > p5), G_WATER);
    }
}

/// Murphy et al. 2016, HOTMAP (Remote Sensing of Environment 177:78, equations 2 and 3), of near infrared, 1.6 µm and
/// 2.2 µm; `saturated` are the reflectances of 1.6 and 2.2 µm from which on the sensor is saturated.
///
/// - α: `ρ7/ρ6 ≥ 1.4 ∧ ρ7/ρ5 ≥ 1.4 ∧ ρ7 ≥ 0.15`
/// - β, where it touches α: `ρ6/ρ5 ≥ 2 ∧ ρ6 ≥ 0.5`, or saturated in either
pub fn hotmap([b5, b6, b7]: [&[f32]; 3], saturated: [Option<f32>; 2], flags: &mut [Flags]) {
    let n = flags.len();
    let (b5, b6, b7) = (&b5[..n], &b6[..n], &b7[..n]);
    let [s6, s7] = saturated.map(|s| s.unwrap_or(f32::INFINITY));
    for (i, f) in flags.iter_mut().enumerate() {
        let (p5, p6, p7) = (b5[i], b6[i], b7[i]);
        let alpha = (p7 >= 0.15) & (ratio(p7, p6) >= 1.4) & (ratio(p7, p5) >= 1.4);
        let beta = (p6 >= 0.5) & (ratio(p6, p5) >= 2.0) | (p6 >= s6) | (p7 >= s7);
        *f |= flag(alpha, H_ALPHA) | flag(beta, H_BETA);
    }
}

/// HOTMAP's β of pixels that a band of bits calls saturated: any of `bits` set.
pub fn saturated(told: &[f32], bits: u32, flags: &mut [Flags]) {
    for (f, v) in flags.iter_mut().zip(told) {
        *f |= flag(*v as u32 & bits != 0, H_BETA);
    }
}
