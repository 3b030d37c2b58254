//! A node of the packed index: sixteen boxes side by side, compared all at once.
//!
//! Nodes hold single-precision boxes relative to the index's origin, minima rounded down and maxima up. Rounding is
//! monotone, so two rounded bounds that differ decide a comparison of the exact ones; only where they are equal must
//! the exact boxes be asked. That halves the memory a query reads and changes no answer.

use bytemuck::{Pod, Zeroable};
use geo::{Coord, Rect};

/// Children of a node.
pub(super) const WIDTH: usize = 16;

/// An exact box: least x, least y, greatest x, greatest y.
pub(super) type Bounds = [f64; 4];

/// Sixteen boxes as a structure of arrays, and one number for each: the item of a leaf, the least item of a subtree.
///
/// Unused lanes are NaN, which meets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Node {
    pub lo_x: [f32; WIDTH],
    pub lo_y: [f32; WIDTH],
    pub hi_x: [f32; WIDTH],
    pub hi_y: [f32; WIDTH],
    pub tags: [u32; WIDTH],
}

/// Fills a node with its children's boxes; answers the box around them.
pub(super) fn fill(node: &mut Node, children: &[Bounds], tag: impl Fn(usize) -> u32, frame: &Frame) -> Bounds {
    for (lane, t) in node.tags.iter_mut().enumerate() {
        *t = if lane < children.len() { tag(lane) } else { u32::MAX };
    }
    on_lanes(Fill { node, children, frame })
}

struct Fill<'a> {
    node: &'a mut Node,
    children: &'a [Bounds],
    frame: &'a Frame,
}

impl Work for Fill<'_> {
    type Output = Bounds;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Bounds {
        let Self { node, children, frame } = self;
        let mut sides = [[f64::NAN; WIDTH]; 4];
        let mut whole = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for (lane, b) in children.iter().enumerate().take(WIDTH) {
            for side in 0..4 {
                sides[side][lane] = b[side];
            }
            whole = [whole[0].min(b[0]), whole[1].min(b[1]), whole[2].max(b[2]), whole[3].max(b[3])];
        }
        let [lo_x, lo_y, hi_x, hi_y] = sides;
        node.lo_x = rounded(&lo_x, |v| down(v, frame.x));
        node.lo_y = rounded(&lo_y, |v| down(v, frame.y));
        node.hi_x = rounded(&hi_x, |v| up(v, frame.x));
        node.hi_y = rounded(&hi_y, |v| up(v, frame.y));
        whole
    }
}

/// All lanes rounded, as vector instructions do it (`array::map` is left out of line).
#[inline(always)]
fn rounded(exact: &[f64; WIDTH], by: impl Fn(f64) -> f32) -> [f32; WIDTH] {
    let mut out = [0.0; WIDTH];
    for (o, &v) in out.iter_mut().zip(exact) {
        *o = by(v);
    }
    out
}

/// Origin of the nodes' single-precision coordinates: near the data, so that little is lost by rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub x: f64,
    pub y: f64,
}

impl Frame {
    /// Origin at the median of some centres, which no far outlier moves.
    pub fn of(boxes: &[Rect<f64>]) -> Self {
        let step = (boxes.len() / 512).max(1);
        let median = |f: fn(&Rect<f64>) -> f64| {
            let mut v: Vec<f64> = boxes.iter().step_by(step).map(f).collect();
            let mid = v.len() / 2;
            if v.is_empty() {
                return 0.0;
            }
            let m = *v.select_nth_unstable_by(mid, f64::total_cmp).1;
            // beyond it, a difference to the origin could overflow
            if m.abs() < 1e290 { m } else { 0.0 }
        };
        Self { x: median(|r| centre(r).x), y: median(|r| centre(r).y) }
    }
}

/// Centre of a box, without overflow.
pub(super) fn centre(r: &Rect<f64>) -> Coord<f64> {
    Coord { x: r.min().x * 0.5 + r.max().x * 0.5, y: r.min().y * 0.5 + r.max().y * 0.5 }
}

/// The greatest single-precision number that is at most `v - origin`, taken without rounding.
#[inline(always)]
pub(super) fn down(v: f64, origin: f64) -> f32 {
    let d = v - origin;
    // Knuth's error term of a difference: d + rest is v - origin exactly
    let back = d - v;
    let rest = (v - (d - back)) - (origin + back);
    let m = d as f32;
    let too_great = (f64::from(m) > d) | ((f64::from(m) == d) & (rest < 0.0));
    // the next number below, without branches (`f32::next_down` has some)
    let bits = m.to_bits();
    let below = if m > 0.0 {
        bits.wrapping_sub(1)
    } else if m < 0.0 {
        bits.wrapping_add(1)
    } else {
        SMALLEST_BELOW_ZERO
    };
    f32::from_bits(if too_great { below } else { bits })
}

/// Bits of the greatest number below zero.
const SMALLEST_BELOW_ZERO: u32 = 0x8000_0001;

/// The least single-precision number that is at least `v - origin`, taken without rounding.
#[inline(always)]
pub(super) fn up(v: f64, origin: f64) -> f32 {
    -down(-v, -origin)
}

/// A window as nodes see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    lo_x: f32,
    lo_y: f32,
    hi_x: f32,
    hi_y: f32,
    pub exact: Bounds,
}

impl Window {
    #[inline]
    pub fn new(exact: Bounds, frame: &Frame) -> Self {
        Self {
            lo_x: up(exact[0], frame.x),
            lo_y: up(exact[1], frame.y),
            hi_x: down(exact[2], frame.x),
            hi_y: down(exact[3], frame.y),
            exact,
        }
    }

    /// True where an exact box meets the exact window; touching counts.
    #[inline(always)]
    pub fn meets(&self, b: &Bounds) -> bool {
        let w = &self.exact;
        b[0] <= w[2] && b[1] <= w[3] && b[2] >= w[0] && b[3] >= w[1]
    }
}

/// A point as nodes see it: the single-precision numbers on both sides of each coordinate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    below: (f32, f32),
    above: (f32, f32),
    pub exact: Coord<f64>,
}

impl Point {
    pub fn new(exact: Coord<f64>, frame: &Frame) -> Self {
        Self {
            below: (down(exact.x, frame.x), down(exact.y, frame.y)),
            above: (up(exact.x, frame.x), up(exact.y, frame.y)),
            exact,
        }
    }

    /// Squared distance to an exact box.
    #[inline(always)]
    pub fn distance2(&self, b: &Bounds) -> f64 {
        let dx = (b[0] - self.exact.x).max(self.exact.x - b[2]).max(0.0);
        let dy = (b[1] - self.exact.y).max(self.exact.y - b[3]).max(0.0);
        dx * dx + dy * dy
    }
}

/// Largest squared distance that stays below infinity, with room for rounding.
const FAR: f32 = 3.4e38;
/// Rounding of a single-precision squared distance: three operations of at most 2^-24 each, doubled by the square.
const SHRINK: f32 = 1.0 - 1e-6;
/// Rounding among numbers too small for full precision.
const TINY: f32 = 2.0 * f32::MIN_POSITIVE;

/// What is done with all sixteen children at once. Bit `i` of a mask is child `i`.
pub(super) trait Lanes: Copy {
    /// Children that may meet the window: all that do, and some that miss it by less than the rounding.
    fn may_meet(n: &Node, w: &Window) -> u32;
    /// Children that surely meet the window.
    fn surely_meet(n: &Node, w: &Window) -> u32;
    /// Children that surely lie within the window.
    fn surely_within(n: &Node, w: &Window) -> u32;
    /// Lower bounds of the squared distances, and the children whose bound is at most `limit`.
    fn near(n: &Node, p: &Point, limit: f32) -> ([f32; WIDTH], u32);
}

/// For any processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn may_meet(n: &Node, w: &Window) -> u32 {
        mask(|i| (n.lo_x[i] <= w.hi_x) & (n.lo_y[i] <= w.hi_y) & (n.hi_x[i] >= w.lo_x) & (n.hi_y[i] >= w.lo_y))
    }

    #[inline(always)]
    fn surely_meet(n: &Node, w: &Window) -> u32 {
        mask(|i| (n.lo_x[i] < w.hi_x) & (n.lo_y[i] < w.hi_y) & (n.hi_x[i] > w.lo_x) & (n.hi_y[i] > w.lo_y))
    }

    #[inline(always)]
    fn surely_within(n: &Node, w: &Window) -> u32 {
        mask(|i| (n.lo_x[i] >= w.lo_x) & (n.lo_y[i] >= w.lo_y) & (n.hi_x[i] <= w.hi_x) & (n.hi_y[i] <= w.hi_y))
    }

    #[inline(always)]
    fn near(n: &Node, p: &Point, limit: f32) -> ([f32; WIDTH], u32) {
        let mut d = [0.0; WIDTH];
        for (i, d) in d.iter_mut().enumerate() {
            let dx = (n.lo_x[i] - p.above.0).max(p.below.0 - n.hi_x[i]).max(0.0);
            let dy = (n.lo_y[i] - p.above.1).max(p.below.1 - n.hi_y[i]).max(0.0);
            *d = ((dx * dx + dy * dy).min(FAR) * SHRINK - TINY).max(0.0);
        }
        (d, mask(|i| (d[i] <= limit) & (n.lo_x[i] <= f32::INFINITY)))
    }
}

#[inline(always)]
fn mask(of: impl Fn(usize) -> bool) -> u32 {
    (0..WIDTH).fold(0, |m, i| m | (u32::from(of(i)) << i))
}

/// Work that is compiled for each kind of processor.
pub(super) trait Work {
    type Output;
    /// Does the work; must be `#[inline(always)]` with all it calls for the vector instructions to be used.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// Does the work with the widest lanes that this processor has.
#[inline]
#[allow(unsafe_code, reason = "a function compiled for AVX2 is called where AVX2 was found")]
pub(super) fn on_lanes<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the features were found just now
        return unsafe { avx2::run(work) };
    }
    work.run::<Portable>()
}

/// Fetches a value into the cache ahead of its use; no effect on answers.
#[inline(always)]
#[allow(unsafe_code, reason = "a hint to the processor, which may not fault")]
pub(super) fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(v) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for line in 0..size_of::<T>().div_ceil(64) {
            // SAFETY: within the value, which exists
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(v).cast::<i8>().add(64 * line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

/// For processors with AVX2: eight lanes an instruction.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    #![allow(unsafe_code, reason = "vector instructions; `run` is the only way here and asks that AVX2 was found")]

    use super::{FAR, Lanes, Node, Point, SHRINK, TINY, WIDTH, Window, Work};
    use std::arch::x86_64::*;

    /// Only within [`run`].
    #[derive(Clone, Copy)]
    struct Avx2;

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub(super) fn run<W: Work>(work: W) -> W::Output {
        work.run::<Avx2>()
    }

    /// Children whose minima stand to `limits[..2]` as `LO` says and whose maxima stand to `limits[2..]` as `HI` says.
    #[inline(always)]
    fn compare<const LO: i32, const HI: i32>(n: &Node, limits: [f32; 4]) -> u32 {
        let mut m = 0;
        for from in [0, 8] {
            // SAFETY: `from` is 0 or 8 and every array holds 16; the processor has AVX2
            unsafe {
                let at = |v: &[f32; WIDTH]| _mm256_loadu_ps(v.as_ptr().add(from));
                let [a, b, c, d] = limits.map(|l| _mm256_set1_ps(l));
                let lo = _mm256_and_ps(_mm256_cmp_ps::<LO>(at(&n.lo_x), a), _mm256_cmp_ps::<LO>(at(&n.lo_y), b));
                let hi = _mm256_and_ps(_mm256_cmp_ps::<HI>(at(&n.hi_x), c), _mm256_cmp_ps::<HI>(at(&n.hi_y), d));
                m |= (_mm256_movemask_ps(_mm256_and_ps(lo, hi)) as u32) << from;
            }
        }
        m
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn may_meet(n: &Node, w: &Window) -> u32 {
            compare::<_CMP_LE_OQ, _CMP_GE_OQ>(n, [w.hi_x, w.hi_y, w.lo_x, w.lo_y])
        }

        #[inline(always)]
        fn surely_meet(n: &Node, w: &Window) -> u32 {
            compare::<_CMP_LT_OQ, _CMP_GT_OQ>(n, [w.hi_x, w.hi_y, w.lo_x, w.lo_y])
        }

        #[inline(always)]
        fn surely_within(n: &Node, w: &Window) -> u32 {
            compare::<_CMP_GE_OQ, _CMP_LE_OQ>(n, [w.lo_x, w.lo_y, w.hi_x, w.hi_y])
        }

        #[inline(always)]
        fn near(n: &Node, p: &Point, limit: f32) -> ([f32; WIDTH], u32) {
            let mut out = [0.0f32; WIDTH];
            let mut m = 0;
            for from in [0, 8] {
                // SAFETY: `from` is 0 or 8 and every array holds 16; the processor has AVX2
                unsafe {
                    let at = |v: &[f32; WIDTH]| _mm256_loadu_ps(v.as_ptr().add(from));
                    let zero = _mm256_setzero_ps();
                    let gap = |lo: __m256, hi: __m256, below: f32, above: f32| {
                        let before = _mm256_sub_ps(lo, _mm256_set1_ps(above));
                        let after = _mm256_sub_ps(_mm256_set1_ps(below), hi);
                        _mm256_max_ps(_mm256_max_ps(before, after), zero)
                    };
                    let lo_x = at(&n.lo_x);
                    let dx = gap(lo_x, at(&n.hi_x), p.below.0, p.above.0);
                    let dy = gap(at(&n.lo_y), at(&n.hi_y), p.below.1, p.above.1);
                    let d = _mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy));
                    let d = _mm256_mul_ps(_mm256_min_ps(d, _mm256_set1_ps(FAR)), _mm256_set1_ps(SHRINK));
                    let d = _mm256_max_ps(_mm256_sub_ps(d, _mm256_set1_ps(TINY)), zero);
                    let near = _mm256_cmp_ps::<_CMP_LE_OQ>(d, _mm256_set1_ps(limit));
                    let used = _mm256_cmp_ps::<_CMP_ORD_Q>(lo_x, lo_x);
                    m |= (_mm256_movemask_ps(_mm256_and_ps(near, used)) as u32) << from;
                    _mm256_storeu_ps(out.as_mut_ptr().add(from), d);
                }
            }
            (out, m)
        }
    }
}
