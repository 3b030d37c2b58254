//! The tests that look at neighbours: where a candidate stands, and nowhere else.
//!
//! Windows are clipped at the border of the image. Sums run over the window row by row in double precision, so that a
//! pixel's answer does not depend on the block it was computed in.

use super::screen::{
    CLEAR, DATA, Flags, G_MAYBE, G_NEAR, G_SURE, G_WATER, H_ALPHA, H_BETA, LIT, S_MAYBE, S_SURE, S_WATER, ratio,
};
use crate::model::Window;

/// Pixels that the largest window reaches to each side (61 × 61).
pub const REACH: usize = 30;
/// Pixels around a block that the tests read: GOLI's background asks a neighbour of the window's outermost pixels.
pub const HALO: usize = REACH + 1;
/// A pixel of the class: not a fire, by the test of its neighbours, or by itself.
pub const NONE: u8 = 0;
/// Fire by the test of its neighbours.
pub const PROBABLE: u8 = 1;
/// Fire by itself.
pub const SURE: u8 = 2;

/// The smallest window of GOLI reaches this far (5 × 5).
const GOLI_LEAST: usize = 2;
/// A pixel and its neighbours: a block and what lies around it, as far as the image goes.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Columns of the arrays.
    pub width: usize,
    /// The pixels that are asked for, in the arrays.
    pub core: Window,
    /// Flags of [`super::screen`].
    pub flags: &'a [Flags],
    /// Reflectance of band 7; may be empty where no pixel of the core is potential without being unambiguous by itself.
    pub r7: &'a [f32],
    /// Reflectance of band 5; as band 7.
    pub r5: &'a [f32],
}

impl Around<'_> {
    fn height(&self) -> usize {
        self.flags.len().checked_div(self.width).unwrap_or(0)
    }

    /// First and last column and row (exclusive) of the window around a pixel.
    fn window(&self, c: usize, r: usize, reach: usize) -> [usize; 4] {
        [
            c.saturating_sub(reach),
            (c + reach + 1).min(self.width),
            r.saturating_sub(reach),
            (r + reach + 1).min(self.height()),
        ]
    }

    /// Recorded pixels of the core with any of the flags: place in the core, column, row, and place in the arrays.
    fn asked(&self, f: Flags) -> Vec<(usize, usize, usize, usize)> {
        let w = self.core;
        let mut out = Vec::new();
        for r in 0..w.height {
            let from = (w.row + r) * self.width + w.col;
            for (c, x) in self.flags[from..from + w.width].iter().enumerate() {
                if x & f != 0 && x & DATA != 0 {
                    out.push((r * w.width + c, w.col + c, w.row + r, from + c));
                }
            }
        }
        out
    }

    fn any(&self, f: Flags) -> bool {
        let w = self.core;
        (w.row..w.row + w.height).any(|r| self.flags[r * self.width + w.col..][..w.width].iter().any(|x| x & f != 0))
    }

    /// Any of the eight neighbours (and the pixel itself) was recorded and has the flag.
    fn touches(&self, c: usize, r: usize, f: Flags) -> bool {
        let [c0, c1, r0, r1] = self.window(c, r, 1);
        (r0..r1)
            .any(|r| self.flags[r * self.width + c0..r * self.width + c1].iter().any(|x| x & f != 0 && x & DATA != 0))
    }

    /// `ρ7/ρ5 > mean + max(3σ, 0.8)` and `ρ7 > mean + max(3σ, 0.08)` over the background of a window.
    fn stands_out(&self, at: usize, [c0, c1, r0, r1]: [usize; 4], background: impl Fn(usize) -> bool) -> bool {
        if self.r7.is_empty() {
            return false;
        }
        let (mut r75, mut p7) = (Sums::default(), Sums::default());
        for r in r0..r1 {
            let row = r * self.width + c0..r * self.width + c1;
            let values = self.r7[row.clone()].iter().zip(&self.r5[row.clone()]);
            for ((p, p5), _) in values.zip(row).filter(|(_, i)| background(*i)) {
                p7.add(*p);
                let r = ratio(*p, *p5);
                if r.is_finite() {
                    r75.add(r);
                }
            }
        }
        r75.exceeded_by(ratio(self.r7[at], self.r5[at]), 0.8) && p7.exceeded_by(self.r7[at], 0.08)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, v: f32) {
        let v = f64::from(v);
        self.n += 1.0;
        self.sum += v;
        self.squares += v * v;
    }

    /// `v > mean + max(3σ, least)`; never without background.
    fn exceeded_by(&self, v: f32, least: f64) -> bool {
        if self.n == 0.0 {
            return false;
        }
        let mean = self.sum / self.n;
        let sd = (self.squares / self.n - mean * mean).max(0.0).sqrt();
        f64::from(v) > mean + (3.0 * sd).max(least)
    }
}

/// Schroeder et al. 2016, equations 4 and 5: potential pixels against the 61 × 61 around them, unambiguous ones, water,
/// fill and what was not seen clear left out. One class a pixel of the core.
pub fn schroeder(a: &Around<'_>) -> Vec<u8> {
    let mut out = vec![NONE; a.core.len()];
    let asked = a.asked(S_SURE | S_MAYBE);
    if asked.is_empty() {
        return out;
    }
    let fit = DATA | CLEAR | LIT;
    let background = |i: usize| a.flags[i] & (fit | S_SURE | S_WATER) == fit;
    for (k, c, r, i) in asked {
        let f = a.flags[i];
        if f & S_WATER != 0 {
            continue;
        }
        if f & S_SURE != 0 {
            out[k] = SURE;
        } else if a.stands_out(i, a.window(c, r, REACH), background) {
            out[k] = PROBABLE;
        }
    }
    out
}

/// Kumar & Roy 2018: neighbours of unambiguous pixels, and potential pixels against the smallest window, from 5 × 5 to
/// 61 × 61, of which at least a quarter is background (seen, not water, not potential, not unambiguous); without such a
/// window there is no fire.
pub fn goli(a: &Around<'_>) -> Vec<u8> {
    let mut out = vec![NONE; a.core.len()];
    if !(a.any(G_SURE | G_MAYBE) || a.any(G_NEAR) && a.flags.iter().any(|f| f & G_SURE != 0)) {
        return out;
    }
    let sure = sure(a);
    let fit = DATA | CLEAR | LIT;
    let background: Vec<bool> =
        a.flags.iter().zip(&sure).map(|(f, s)| f & fit == fit && f & (G_MAYBE | G_WATER) == 0 && !s).collect();
    let counts = Counts::of(&background, a.width);
    for (k, c, r, i) in a.asked(G_SURE | G_NEAR | G_MAYBE) {
        let f = a.flags[i];
        if f & G_WATER != 0 {
            continue;
        }
        if sure[i] {
            out[k] = SURE;
        } else if f & G_MAYBE != 0 {
            let enough = |w: &[usize; 4]| 4 * counts.inside(*w) >= ((w[1] - w[0]) * (w[3] - w[2])) as u32;
            let window = (GOLI_LEAST..=REACH).map(|n| a.window(c, r, n)).find(enough);
            if window.is_some_and(|w| a.stands_out(i, w, |i| background[i])) {
                out[k] = PROBABLE;
            }
        }
    }
    out
}

/// GOLI's unambiguous pixels: by themselves, or beside one that is so by itself.
fn sure(a: &Around<'_>) -> Vec<bool> {
    let own = |f: Flags| f & DATA != 0 && f & G_SURE != 0;
    let mut out: Vec<bool> = a.flags.iter().map(|f| own(*f)).collect();
    let alone: Vec<usize> = out.iter().enumerate().filter(|(_, s)| **s).map(|(i, _)| i).collect();
    for i in alone {
        let [c0, c1, r0, r1] = a.window(i % a.width, i / a.width, 1);
        for r in r0..r1 {
            let row = r * a.width + c0..r * a.width + c1;
            for (out, f) in out[row.clone()].iter_mut().zip(&a.flags[row]) {
                *out |= f & (DATA | G_NEAR) == DATA | G_NEAR;
            }
        }
    }
    out
}

/// Numbers of background pixels in any window, from a table of sums.
struct Counts {
    stride: usize,
    sums: Vec<u32>,
}

impl Counts {
    fn of(background: &[bool], width: usize) -> Self {
        let stride = width + 1;
        let mut sums = vec![0u32; stride * (background.len().checked_div(width).unwrap_or(0) + 1)];
        for (r, row) in background.chunks_exact(width.max(1)).enumerate() {
            let mut run = 0;
            for (c, b) in row.iter().enumerate() {
                run += u32::from(*b);
                sums[(r + 1) * stride + c + 1] = sums[r * stride + c + 1] + run;
            }
        }
        Self { stride, sums }
    }

    fn inside(&self, [c0, c1, r0, r1]: [usize; 4]) -> u32 {
        let at = |c: usize, r: usize| self.sums[r * self.stride + c];
        at(c1, r1) + at(c0, r0) - at(c0, r1) - at(c1, r0)
    }
}

/// Murphy et al. 2016: α, and β where it touches α. One class a pixel of the core.
pub fn hotmap(a: &Around<'_>) -> Vec<u8> {
    let mut out = vec![NONE; a.core.len()];
    for (k, c, r, i) in a.asked(H_ALPHA | H_BETA) {
        if a.flags[i] & H_ALPHA != 0 {
            out[k] = SURE;
        } else if a.touches(c, r, H_ALPHA) {
            out[k] = PROBABLE;
        }
    }
    out
}
