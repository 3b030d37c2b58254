//! Boxes and queries with a fixed seed.

use geo::{Coord, Rect};
use heshan::space::index::BoxIndex;

/// A small generator of pseudo-random numbers (splitmix64; Steele, Lea & Flood 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// How boxes are spread; the plane is some 1000 km wide, in metres.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    Uniform,
    Clustered,
    River,
    Equal,
    Points,
    Giant,
    Mixed,
}

impl Spread {
    pub const ALL: [Self; 7] =
        [Self::Uniform, Self::Clustered, Self::River, Self::Equal, Self::Points, Self::Giant, Self::Mixed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Clustered => "clustered",
            Self::River => "river",
            Self::Equal => "all equal",
            Self::Points => "points",
            Self::Giant => "one giant",
            Self::Mixed => "huge and tiny",
        }
    }

    /// `n` boxes.
    pub fn boxes(self, n: usize, seed: u64) -> Vec<Rect<f64>> {
        let mut r = Random::new(seed);
        let side = SIZE / (n as f64).sqrt();
        match self {
            Self::Uniform => (0..n).map(|_| about(place(&mut r), side * r.unit(), side * r.unit())).collect(),
            Self::Points => (0..n).map(|_| about(place(&mut r), 0.0, 0.0)).collect(),
            Self::Equal => vec![about(Coord { x: SIZE / 2.0, y: SIZE / 2.0 }, SIZE / 10.0, SIZE / 10.0); n],
            Self::Clustered => clustered(&mut r, n, side),
            Self::River => river(&mut r, n),
            Self::Giant => {
                let mut v: Vec<_> = (0..n).map(|_| about(place(&mut r), side * 0.1, side * 0.1)).collect();
                v[n / 3] = about(Coord { x: SIZE * 3.0, y: 0.0 }, SIZE * 1e4, SIZE * 1e4);
                v
            }
            Self::Mixed => (0..n)
                .map(|i| {
                    let s = if i % 10_000 == 77 {
                        SIZE * (0.1 + 0.2 * r.unit())
                    } else {
                        side * 10f64.powf(-3.0 * r.unit())
                    };
                    about(place(&mut r), s, s * (0.5 + r.unit()))
                })
                .collect(),
        }
    }
}

const SIZE: f64 = 1e6;

fn place(r: &mut Random) -> Coord<f64> {
    Coord { x: SIZE * r.unit(), y: SIZE * r.unit() }
}

fn about(c: Coord<f64>, w: f64, h: f64) -> Rect<f64> {
    Rect::new(Coord { x: c.x - w / 2.0, y: c.y - h / 2.0 }, Coord { x: c.x + w / 2.0, y: c.y + h / 2.0 })
}

/// A hundred towns of unlike width.
fn clustered(r: &mut Random, n: usize, side: f64) -> Vec<Rect<f64>> {
    let towns: Vec<_> = (0..100).map(|_| (place(r), SIZE * 0.02 * r.unit() * r.unit())).collect();
    (0..n)
        .map(|i| {
            let (c, w) = towns[i % towns.len()];
            let c = Coord { x: c.x + w * r.normal(), y: c.y + w * r.normal() };
            about(c, side * 0.1 * r.unit(), side * 0.1 * r.unit())
        })
        .collect()
}

/// Segments of twenty winding lines, one after another as they lie in a file.
fn river(r: &mut Random, n: usize) -> Vec<Rect<f64>> {
    let lines = 20.min(n);
    let step = SIZE / (n / lines) as f64;
    let mut v = Vec::with_capacity(n);
    for line in 0..lines {
        let (mut at, main) = (place(r), std::f64::consts::TAU * r.unit());
        let mut turn: f64 = 0.0;
        let own = n / lines + usize::from(line < n % lines);
        for _ in 0..own {
            turn = 0.98 * turn + 0.3 * r.normal();
            let to = Coord { x: at.x + step * (main + turn).cos(), y: at.y + step * (main + turn).sin() };
            v.push(Rect::new(at, to));
            at = to;
        }
    }
    v
}

/// Windows over the boxes, some in empty land, with about `hits` hits each where that can be had.
pub fn windows(boxes: &[Rect<f64>], index: &BoxIndex, count: usize, hits: f64) -> Vec<Rect<f64>> {
    let at = |side: f64, count: usize| -> Vec<Rect<f64>> {
        let mut r = Random::new(11);
        (0..count)
            .map(|i| {
                let c = centre(boxes, &mut r);
                let off = if i % 4 == 0 { 3.0 * side } else { 0.3 * side };
                about(Coord { x: c.x + off * r.normal(), y: c.y + off * r.normal() }, side, side * (0.5 + r.unit()))
            })
            .collect()
    };
    // bisection on the side, by powers
    let (mut lo, mut hi) = (-3.0, 7.0);
    for _ in 0..20 {
        let mid = (lo + hi) / 2.0;
        let sample = at(10f64.powf(mid), 200);
        let mean = sample.iter().map(|w| index.count_in(w)).sum::<usize>() as f64 / 200.0;
        if mean < hits { lo = mid } else { hi = mid }
    }
    at(10f64.powf(lo), count)
}

/// Points near the boxes.
pub fn points(boxes: &[Rect<f64>], count: usize) -> Vec<Coord<f64>> {
    let mut r = Random::new(12);
    let side = 2.0 * SIZE / (boxes.len() as f64).sqrt();
    (0..count)
        .map(|_| {
            let c = centre(boxes, &mut r);
            Coord { x: c.x + side * r.normal(), y: c.y + side * r.normal() }
        })
        .collect()
}

fn centre(boxes: &[Rect<f64>], r: &mut Random) -> Coord<f64> {
    boxes[(r.unit() * boxes.len() as f64) as usize].center()
}
