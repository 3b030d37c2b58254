//! Comparing all pairs of a series, sixteen at a time: what AVX-512 does in two instructions, and the same for any processor.

/// Numbers compared at once.
pub(super) const LANES: usize = 16;

/// Numbers compared at once.
pub(super) type Lanes = [f32; LANES];

/// Bits of the lanes after one.
const AFTER: [u16; LANES] = {
    let mut m = [0; LANES];
    let mut i = 0;
    while i < LANES - 1 {
        m[i] = u16::MAX << (i + 1);
        i += 1;
    }
    m
};

/// What pairs are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Any,
}

impl Default for Width {
    fn default() -> Self {
        Self::all()[0]
    }
}

impl Width {
    /// `v − b t`; what fills the lanes up stays infinite.
    pub fn turned(self, t: &[Lanes], v: &[Lanes], b: f32, out: &mut Vec<Lanes>) {
        out.resize(t.len(), [0.0; LANES]);
        match self {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX-512, as Width::all asked")]
            Self::Avx512 => unsafe { turned_avx512(t, v, b, out) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX2, as Width::all asked")]
            Self::Avx2 => unsafe { turned_avx2(t, v, b, out) },
            Self::Any => turned_any(t, v, b, out),
        }
    }

    /// All that this processor has, the widest first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(
                (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx2")).then_some(Self::Avx512),
            );
            all.extend(is_x86_feature_detected!("avx2").then_some(Self::Avx2));
        }
        all.push(Self::Any);
        all
    }

    /// Pairs i < j with `r[j] < r[i]`.
    ///
    /// What fills the last lanes up is infinite or NaN: never below another; nothing but more of it comes after it.
    pub fn below(self, r: &[Lanes]) -> i64 {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX-512, as Width::all asked")]
            Self::Avx512 => unsafe { below_avx512(r) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX2, as Width::all asked")]
            Self::Avx2 => unsafe { below_avx2(r) },
            Self::Any => below_any(r),
        }
    }

    /// Pairs of equal values, and Σ k (k − 1) (2k + 5) over the groups of k equal ones.
    pub fn ties(self, v: &[f64]) -> (i64, f64) {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX2, as Width::all asked; all with AVX-512 do")]
            Self::Avx512 | Self::Avx2 => unsafe { ties_avx2(v) },
            Self::Any => ties_any(v),
        }
    }

    /// Pairs i < j that are below by `high` and not by `low`, in the order of blocks: `i` in the upper 16 bits, `j` in the lower.
    pub fn between(self, low: &[Lanes], high: &[Lanes], out: &mut Vec<u32>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX-512, as Width::all asked")]
            Self::Avx512 => unsafe { between_avx512(low, high, out) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the processor has AVX2, as Width::all asked")]
            Self::Avx2 => unsafe { between_avx2(low, high, out) },
            Self::Any => between_any(low, high, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn turned_avx512(t: &[Lanes], v: &[Lanes], b: f32, out: &mut [Lanes]) {
    turned_any(t, v, b, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn turned_avx2(t: &[Lanes], v: &[Lanes], b: f32, out: &mut [Lanes]) {
    turned_any(t, v, b, out);
}

#[inline(always)]
fn turned_any(t: &[Lanes], v: &[Lanes], b: f32, out: &mut [Lanes]) {
    for ((o, t), v) in out.iter_mut().zip(t).zip(v) {
        for k in 0..LANES {
            o[k] = v[k] - b * t[k];
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn below_avx2(r: &[Lanes]) -> i64 {
    below_any(r)
}

#[inline(always)]
fn below_any(r: &[Lanes]) -> i64 {
    let mut sum = [0u32; LANES];
    for (b, block) in r.iter().enumerate() {
        for i in 0..LANES {
            for k in 0..LANES {
                sum[k] += u32::from(block[k] < block[i]) & u32::from(AFTER[i] >> k & 1);
            }
        }
        for later in &r[b + 1..] {
            for x in block {
                for k in 0..LANES {
                    sum[k] += u32::from(later[k] < *x);
                }
            }
        }
    }
    sum.iter().map(|s| i64::from(*s)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn ties_avx2(v: &[f64]) -> (i64, f64) {
    ties_any(v)
}

#[inline(always)]
fn ties_any(v: &[f64]) -> (i64, f64) {
    let of = |k: u64| (k * k.saturating_sub(1) * (2 * k + 5)) as f64;
    let (mut pairs, mut sum) = (0, 0.0);
    for (i, x) in v.iter().enumerate() {
        let after: u64 = v[i + 1..].iter().map(|y| u64::from(y == x)).sum();
        if after > 0 {
            pairs += after as i64;
            // of a group of k the places have k − 1, …, 1, 0 after them: the differences add up to its own number
            sum += of(after + 1) - of(after);
        }
    }
    (pairs, sum)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn between_avx2(low: &[Lanes], high: &[Lanes], out: &mut Vec<u32>) {
    between_any(low, high, out);
}

#[inline(always)]
fn between_any(low: &[Lanes], high: &[Lanes], out: &mut Vec<u32>) {
    for (b, (low_i, high_i)) in low.iter().zip(high).enumerate() {
        for (c, (lo, hi)) in low.iter().zip(high).enumerate().skip(b) {
            for i in 0..LANES {
                let mut mask = 0u16;
                for k in 0..LANES {
                    mask |= u16::from((hi[k] < high_i[i]) & (lo[k] >= low_i[i])) << k;
                }
                mask &= if c == b { AFTER[i] } else { u16::MAX };
                while mask != 0 {
                    out.push(((b * LANES + i) << 16 | (c * LANES + mask.trailing_zeros() as usize)) as u32);
                    mask &= mask - 1;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn below_avx512(r: &[Lanes]) -> i64 {
    use std::arch::x86_64::*;
    let one = _mm512_set1_epi32(1);
    let mut sum = [_mm512_setzero_si512(); 4];
    for (b, block) in r.iter().enumerate() {
        let own = load(block);
        for i in 0..LANES {
            let m = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(AFTER[i], own, _mm512_set1_ps(block[i]));
            sum[i % 4] = _mm512_mask_add_epi32(sum[i % 4], m, sum[i % 4], one);
        }
        for later in &r[b + 1..] {
            let later = load(later);
            for i in 0..LANES {
                let m = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(later, _mm512_set1_ps(block[i]));
                sum[i % 4] = _mm512_mask_add_epi32(sum[i % 4], m, sum[i % 4], one);
            }
        }
    }
    let [a, b, c, d] = sum;
    i64::from(_mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d))))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn between_avx512(low: &[Lanes], high: &[Lanes], out: &mut Vec<u32>) {
    use std::arch::x86_64::*;
    let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    let mut at = out.len();
    for (b, (low_i, high_i)) in low.iter().zip(high).enumerate() {
        for (c, (lo, hi)) in low.iter().zip(high).enumerate().skip(b) {
            let (lo, hi) = (load(lo), load(hi));
            let j = _mm512_add_epi32(lanes, _mm512_set1_epi32((c * LANES) as i32));
            // each store writes a whole vector, of which what was found is kept
            if out.len() < at + LANES * LANES {
                out.resize(at + 2 * LANES * LANES, 0);
            }
            for i in 0..LANES {
                let after = if c == b { AFTER[i] } else { u16::MAX };
                let m = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(after, hi, _mm512_set1_ps(high_i[i]));
                let m = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(m, lo, _mm512_set1_ps(low_i[i]));
                let pair = _mm512_or_si512(j, _mm512_set1_epi32(((b * LANES + i) << 16) as i32));
                store(_mm512_maskz_compress_epi32(m, pair), &mut out[at..]);
                at += m.count_ones() as usize;
            }
        }
    }
    out.truncate(at);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
fn load(x: &Lanes) -> std::arch::x86_64::__m512 {
    #[allow(unsafe_code, reason = "sixteen numbers of four bytes are 64 bytes, and need no alignment")]
    unsafe {
        std::arch::x86_64::_mm512_loadu_ps(x.as_ptr())
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
fn store(x: std::arch::x86_64::__m512i, to: &mut [u32]) {
    let to = &mut to[..LANES];
    #[allow(unsafe_code, reason = "sixteen numbers of four bytes are 64 bytes, and need no alignment")]
    unsafe {
        std::arch::x86_64::_mm512_storeu_si512(to.as_mut_ptr().cast(), x);
    }
}
