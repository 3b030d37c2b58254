//! Outlines that look like pits, ponds and yards: in metres about their middle, from a seeded sequence.

use std::f64::consts::TAU;

use geo::{Coord, LineString, Polygon};

use crate::space::frame::{Frame, Metric};

/// `SplitMix64` (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure 16).
#[derive(Debug, Clone)]
pub(super) struct Sequence(pub u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly spread over `low … high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// One of `0 … n - 1`.
    pub fn below(&mut self, n: usize) -> usize {
        // a bias of n / 2⁶⁴ does not matter here
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What an outline is drawn like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Rounded and irregular: pits, dumps, piles.
    Rounded,
    /// Rounded, cut straight on one side by a dam.
    Dammed,
    /// Right angles, with a corner left out: yards and works.
    Walled,
}

/// An outline about (0, 0), some `radius` metres to each side; anticlockwise, not closed.
pub(super) fn outline(s: &mut Sequence, form: Form, radius: f64) -> Vec<Coord<f64>> {
    let points = match form {
        Form::Rounded => rounded_outline(s, radius, 0.0),
        Form::Dammed => rounded_outline(s, radius, 0.55 * radius),
        Form::Walled => walled(s, radius),
    };
    let turn = s.between(0.0, TAU);
    let (sin, cos) = turn.sin_cos();
    points.into_iter().map(|p| Coord { x: p.x * cos - p.y * sin, y: p.x * sin + p.y * cos }).collect()
}

/// A radius of five harmonics, stretched; `dam` metres from the middle a straight edge cuts it (0: none).
fn rounded_outline(s: &mut Sequence, radius: f64, dam: f64) -> Vec<Coord<f64>> {
    let n = 14 + s.below(18);
    let stretch = s.between(1.0, 1.9);
    let waves: Vec<(f64, f64, f64)> =
        (2..7).map(|k| (f64::from(k), s.between(0.0, 0.17) / f64::from(k).sqrt(), s.between(0.0, TAU))).collect();
    (0..n)
        .map(|i| {
            let a = TAU * (i as f64 + s.between(-0.28, 0.28)) / n as f64;
            let mut r = radius * (1.0 + waves.iter().map(|(k, c, p)| c * (k * a + p).cos()).sum::<f64>());
            if dam > 0.0 && a.cos() < 0.0 {
                r = r.min(dam / -a.cos());
            }
            Coord { x: stretch * r * a.cos(), y: r * a.sin() }
        })
        .collect()
}

/// A rectangle with one corner left out; corners are off by a metre or two, as measured ones are.
fn walled(s: &mut Sequence, radius: f64) -> Vec<Coord<f64>> {
    let (w, h) = (radius, radius * s.between(0.45, 0.9));
    let (u, v) = (w * s.between(0.1, 0.6), h * s.between(-0.2, 0.5));
    [(-w, -h), (w, -h), (w, v), (u, v), (u, h), (-w, h)]
        .map(|(x, y)| Coord { x: x + s.between(-1.5, 1.5), y: y + s.between(-1.5, 1.5) })
        .to_vec()
}

/// A polygon at a place (lon/lat) from an outline and a hole in metres, with nine decimals (0.1 mm).
pub(super) fn polygon(at: Coord<f64>, outline: &[Coord<f64>], hole: &[Coord<f64>]) -> Polygon<f64> {
    let frame = Frame::new(Metric::Geodesic, at);
    let ring =
        |r: &[Coord<f64>]| LineString(r.iter().chain(r.first()).map(|&p| rounded(frame.inverse(p), 1e9)).collect());
    let holes = if hole.is_empty() { Vec::new() } else { vec![ring(hole)] };
    Polygon::new(ring(outline), holes)
}

/// Rounded to 1 / `parts`.
pub(super) fn rounded(c: Coord<f64>, parts: f64) -> Coord<f64> {
    Coord { x: (c.x * parts).round() / parts, y: (c.y * parts).round() / parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        // first outputs for the seed 1234567, as published with the algorithm (rosettacode.org, Splitmix64)
        let mut s = Sequence(1_234_567);
        assert_eq!([s.next(), s.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn outlines_are_valid() {
        use geo::Validation;
        let mut s = Sequence(1);
        for i in 0..300 {
            let form = [Form::Rounded, Form::Dammed, Form::Walled][i % 3];
            let o = outline(&mut s, form, 20.0 + 3.0 * i as f64);
            let p = polygon(Coord { x: 106.8, y: 39.5 }, &o, &[]);
            assert!(p.is_valid(), "{form:?} {p:?}");
        }
    }
}
