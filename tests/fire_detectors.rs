//! Fire detectors against a second implementation in NumPy (scripts/peers/fire.py), pixel for pixel, on images from a
//! generator that both have; and block by block against the whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

use std::path::Path;

use heshan::analysis::fire::detect::context::{Around, HALO, goli, hotmap, schroeder};
use heshan::analysis::fire::detect::sagbt::threshold;
use heshan::analysis::fire::detect::screen::{self, CLEAR, DATA, Flags, T_WATER};
use heshan::analysis::fire::detect::thermal::{Temperatures, ThermalOptions, anomalies};
use heshan::model::{Seen, Window};

/// The generator of scripts/peers/fire.py.
struct Lcg(u64);

impl Lcg {
    fn draw(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 32) % n).cast_signed()
    }
}

const MIXES: [&[i64]; 4] = [
    &[88, 3, 2, 1, 3, 1, 1, 0, 1],
    &[30, 15, 10, 5, 15, 15, 3, 4, 3],
    &[0, 0, 0, 5, 5, 80, 2, 6, 2],
    &[0, 0, 0, 0, 0, 0, 0, 0, 0, 81, 0, 1, 0, 14, 1, 3],
];
const SIZES: [(usize, usize); 4] = [(130, 110), (120, 125), (75, 140), (100, 90)];
const SATURATED: i64 = 1210;

fn kind(g: &mut Lcg, mix: &[i64]) -> usize {
    let mut n = g.draw(100);
    for (k, m) in mix.iter().enumerate() {
        if n < *m {
            return k;
        }
        n -= m;
    }
    0
}

fn pixel(g: &mut Lcg, kind: usize) -> [i64; 7] {
    match kind {
        0 => [120, 110, 110, 130, 300, 300, 240].map(|b| b + g.draw(61) - 30),
        1 => [100, 90, 80, 70, 180 + g.draw(200), 250 + g.draw(300), 350 + g.draw(700)],
        2 => [150, 140, 120, 100, 200 + g.draw(300), 400 + g.draw(600), 600 + g.draw(700)],
        3 => [100 + g.draw(200), 140, 120, 100, 300 + g.draw(200), 700 + g.draw(400), g.draw(300) - 100],
        9 => [110, 100, 90, 80, 500, 350, 300].map(|b| b + g.draw(7) - 3),
        10 => [110, 100, 90, 80, 200, 150, 140].map(|b| b + g.draw(7) - 3),
        11 => [100, 90, 80, 70, 140 + g.draw(20), 180 + g.draw(30), 350 + g.draw(60)],
        12 => [100, 90, 80, 70, 100 + g.draw(10), 120 + g.draw(20), 240 + g.draw(60)],
        13 => {
            let p = 40 + g.draw(5);
            [p + 180 + g.draw(41), 90, 95, 70, 60, 50, p]
        }
        14 => [100, 90, 80, 70, 80, 80, 140 + g.draw(20)],
        15 => [100, 90, 80, 70, 50 + g.draw(30), 90, 210 + g.draw(50)],
        4 => std::array::from_fn(|i| 160 - 20 * i as i64 + g.draw(22)),
        _ => {
            let mut v: [i64; 7] = std::array::from_fn(|_| 50 * g.draw(33) - 100);
            match kind {
                6 => v = [0; 7],
                7 => v[4] = -10 * g.draw(3),
                8 => v[5 + g.draw(2) as usize] = SATURATED,
                _ => {}
            }
            v
        }
    }
}

struct Image {
    bands: [Vec<f32>; 7],
    flags: Vec<Flags>,
}

fn image(j: usize) -> Image {
    let (mut g, (width, height)) = (Lcg(1000 + j as u64), SIZES[j]);
    let (mut bands, mut seen): ([Vec<f32>; 7], Vec<Seen>) = (Default::default(), Vec::new());
    for r in 0..height {
        for c in 0..width {
            let mut k = kind(&mut g, MIXES[j]);
            if j == 1 && (20..100).contains(&r) && (20..100).contains(&c) && k == 0 {
                k = 4;
            }
            if j == 3 {
                k = match (k, c < 50) {
                    (13 | 15, true) => 9,
                    (9, false) => 10,
                    (11, false) => 12,
                    _ => k,
                };
            }
            for (b, v) in bands.iter_mut().zip(pixel(&mut g, k)) {
                b.push(v as f32 / 1000.0);
            }
            seen.push(match g.draw(100) {
                0..3 => Seen::NoData,
                3..10 => Seen::Cloud,
                _ => Seen::Yes,
            });
        }
    }
    let mut flags = screen::seen_flags(&seen);
    let b: [&[f32]; 7] = std::array::from_fn(|i| bands[i].as_slice());
    screen::lit(b[6], &mut flags);
    screen::schroeder(&b, &mut flags);
    screen::goli(&std::array::from_fn(|i| b[i + 1]), &mut flags);
    let top = SATURATED as f32 / 1000.0;
    screen::hotmap([b[4], b[5], b[6]], [Some(top), Some(top)], &mut flags);
    Image { bands, flags }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fire").join(name)).unwrap()
}

fn whole(width: usize, height: usize) -> Window {
    Window { col: 0, row: 0, width, height }
}

/// A rectangle of an array of `width` columns.
fn cut<T: Copy>(v: &[T], width: usize, w: Window) -> Vec<T> {
    (w.row..w.row + w.height).flat_map(|r| v[r * width + w.col..][..w.width].to_vec()).collect()
}

#[test]
fn every_pixel_as_numpy_has_it() {
    let mut rest = fixture("detect.bin");
    for (j, (w, h)) in SIZES.into_iter().enumerate() {
        let i = image(j);
        let a = Around { width: w, core: whole(w, h), flags: &i.flags, r7: &i.bands[6], r5: &i.bands[4] };
        let (s, m, g) = (schroeder(&a), hotmap(&a), goli(&a));
        let expected: Vec<u8> = rest.drain(..w * h).collect();
        let found: Vec<u8> = s.iter().zip(&m).zip(&g).map(|((s, m), g)| s + 3 * m + 9 * g).collect();
        let wrong: Vec<_> = (0..w * h).filter(|k| found[*k] != expected[*k]).take(5).collect();
        assert!(wrong.is_empty(), "image {j}: {wrong:?} of {w} columns");
        // the fixture holds cases of each class
        assert!([1, 2].iter().all(|c| j == 3 || m.contains(c) && g.contains(c)), "image {j}");
        assert!(j != 3 || s.contains(&1), "image {j}");
    }
    assert!(rest.is_empty());
}

#[test]
fn blocks_say_what_the_whole_says() {
    for (j, (w, h)) in SIZES.into_iter().enumerate() {
        let i = image(j);
        let a = Around { width: w, core: whole(w, h), flags: &i.flags, r7: &i.bands[6], r5: &i.bands[4] };
        let all = [schroeder(&a), hotmap(&a), goli(&a)];
        for (bw, bh) in [(37, 29), (1, 64), (w, 16)] {
            for row in (0..h).step_by(bh) {
                for col in (0..w).step_by(bw) {
                    let core = Window { col, row, width: bw.min(w - col), height: bh.min(h - row) };
                    let wide = grown(core, HALO, w, h);
                    let (flags, r7, r5) =
                        (cut(&i.flags, w, wide), cut(&i.bands[6], w, wide), cut(&i.bands[4], w, wide));
                    let inner = Window { col: col - wide.col, row: row - wide.row, ..core };
                    let a = Around { width: wide.width, core: inner, flags: &flags, r7: &r7, r5: &r5 };
                    for (found, all) in [schroeder(&a), hotmap(&a), goli(&a)].iter().zip(&all) {
                        assert_eq!(found, &cut(all, w, core), "image {j}, {core:?}");
                    }
                }
            }
        }
    }
}

fn grown(w: Window, n: usize, width: usize, height: usize) -> Window {
    let (col, row) = (w.col.saturating_sub(n), w.row.saturating_sub(n));
    Window { col, row, width: (w.col + w.width + n).min(width) - col, height: (w.row + w.height + n).min(height) - row }
}

struct Heat {
    width: usize,
    height: usize,
    options: ThermalOptions,
    kelvin: Vec<f32>,
    split: Vec<f32>,
    flags: Vec<Flags>,
}

fn heat(j: usize) -> Heat {
    let make = |reach, k, floor_k, share, split_k| ThermalOptions { reach, k, floor_k, share, split_k };
    let ((width, height), options) = [
        ((90, 80), make(5, 4.0, 5.0, 0.25, None)),
        ((80, 95), make(15, 3.0, 3.0, 0.5, None)),
        ((85, 85), make(7, 4.0, 4.0, 0.25, Some(0.1))),
    ][j];
    let mut g = Lcg(2000 + j as u64);
    let (mut kelvin, mut split, mut flags) = (Vec::new(), Vec::new(), Vec::new());
    for r in 0..height {
        for c in 0..width {
            let mut t = 295_000 + 90 * c as i64 + 40 * r as i64 + g.draw(1201) - 600;
            let mut d = 500 + g.draw(121) - 60;
            let n = g.draw(100);
            if n < 4 {
                t += 2000 + g.draw(14_000);
                d += g.draw(400);
            }
            if n == 5 {
                t = 0;
            }
            let mut state = match g.draw(100) {
                0..6 => 1,
                6..8 => 2,
                8..14 => 3,
                _ => 0,
            };
            if j == 1 && (30..70).contains(&r) && (20..60).contains(&c) && g.draw(10) > 2 {
                state = 1;
            }
            kelvin.push((t as f64 / 1000.0) as f32);
            split.push((d as f64 / 1000.0) as f32);
            flags.push([DATA | CLEAR, DATA, 0, DATA | CLEAR | T_WATER][state]);
        }
    }
    Heat { width, height, options, kelvin, split, flags }
}

#[test]
fn thermal_anomalies_as_numpy_has_them() {
    let mut rest = fixture("thermal.bin");
    for j in 0..3 {
        let t = heat(j);
        let core = whole(t.width, t.height);
        let a = anomalies(
            &Temperatures { width: t.width, core, flags: &t.flags, kelvin: &t.kelvin, split: &t.split },
            &t.options,
        );
        let expected: Vec<u8> = rest.drain(..t.width * t.height).collect();
        let hot: Vec<usize> = (0..expected.len()).filter(|i| expected[*i] == 1).collect();
        let deltas: Vec<f32> = rest
            .drain(..4 * hot.len())
            .collect::<Vec<_>>()
            .chunks(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(a.hot.iter().map(|h| h.at).collect::<Vec<_>>(), hot, "image {j}");
        assert_eq!(a.undecided.len(), expected.iter().filter(|e| **e == 2).count(), "image {j}");
        for (h, d) in a.hot.iter().zip(&deltas) {
            assert_eq!(h.delta_k.to_bits(), d.to_bits(), "image {j}, pixel {}", h.at);
        }
        blocks(&t, &a.hot.iter().map(|h| h.at).collect::<Vec<_>>());
    }
    assert!(rest.is_empty());
}

/// Hot pixels of 23 × 31 blocks are those of the whole.
fn blocks(t: &Heat, all: &[usize]) {
    let (w, h) = (t.width, t.height);
    let mut found = Vec::new();
    for row in (0..h).step_by(31) {
        for col in (0..w).step_by(23) {
            let core = Window { col, row, width: 23.min(w - col), height: 31.min(h - row) };
            let wide = grown(core, t.options.halo(), w, h);
            let (flags, kelvin, split) = (cut(&t.flags, w, wide), cut(&t.kelvin, w, wide), cut(&t.split, w, wide));
            let inner = Window { col: col - wide.col, row: row - wide.row, ..core };
            let block = Temperatures { width: wide.width, core: inner, flags: &flags, kelvin: &kelvin, split: &split };
            let at = |i: usize| (row + i / core.width) * w + col + i % core.width;
            found.extend(anomalies(&block, &t.options).hot.iter().map(|h| at(h.at)));
        }
    }
    found.sort_unstable();
    assert_eq!(found, all);
}

#[test]
fn the_threshold_of_gradients_as_numpy_has_it() {
    let text = String::from_utf8(fixture("sagbt.txt")).unwrap();
    for (j, line) in text.lines().enumerate() {
        let (mut g, n) = (Lcg(3000 + j as u64), 90 + 10 * j as i64);
        let mut disc = || [g.draw(n as u64), g.draw(n as u64), 4 + g.draw(10), 500 + g.draw(3000)];
        let discs: Vec<[i64; 4]> = (0..6).map(|_| disc()).collect();
        let mut image = Vec::new();
        for r in 0..n {
            for c in 0..n {
                let mut v = 14_500 + 4 * c + 3 * r + g.draw(101);
                for [x, y, size, hot] in &discs {
                    let d = (c - x).abs().max((r - y).abs());
                    v += if d < *size {
                        *hot
                    } else if d < size + 5 {
                        hot * (size + 5 - d) / 5
                    } else {
                        0
                    };
                }
                image.push(if g.draw(100) == 0 { 0 } else { v as u16 });
            }
        }
        let e: Vec<f64> = line.split(' ').map(|x| x.parse().unwrap()).collect();
        let t = threshold(&image, n as usize).unwrap();
        // sums of whole numbers: equal but for the last digits of the division
        assert!((t.threshold_k - e[0]).abs() < 1e-9 && (t.mean_k - e[1]).abs() < 1e-9, "{t:?} {e:?}");
        assert!((t.sd_k - e[2]).abs() < 1e-6 && t.line_pixels as f64 == e[3], "{t:?} {e:?}");
    }
}
