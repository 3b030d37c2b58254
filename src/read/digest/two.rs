//! SHA-256 (FIPS 180-4) of two messages in turns, by the processor's own instructions.
//!
//! A round waits for the one before it; while one message waits, the other goes on.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x, _mm_setr_epi32,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32,
};

use super::State;

/// First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Takes as many blocks of both messages.
#[target_feature(enable = "sha,sse4.1,ssse3")]
pub(super) fn blocks(states: [&mut State; 2], messages: [&[[u8; 64]]; 2]) {
    let [a, b] = states;
    let mut x = [load(a), load(b)];
    for (m, n) in messages[0].iter().zip(messages[1]) {
        let before = x;
        let mut w = [words(m), words(n)];
        for i in 0..16 {
            for lane in 0..2 {
                let (w, [abef, cdgh]) = (&mut w[lane], &mut x[lane]);
                if i >= 4 {
                    let next = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), _mm_alignr_epi8::<4>(w[3], w[2]));
                    *w = [w[1], w[2], w[3], _mm_sha256msg2_epu32(next, w[3])];
                }
                let k = constants(i);
                let wk = _mm_add_epi32(if i < 4 { w[i] } else { w[3] }, k);
                *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
                *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32::<0x0e>(wk));
            }
        }
        for lane in 0..2 {
            for k in 0..2 {
                x[lane][k] = _mm_add_epi32(x[lane][k], before[lane][k]);
            }
        }
    }
    store(x[0], a);
    store(x[1], b);
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn constants(i: usize) -> __m128i {
    let k = |n: usize| K[4 * i + n].cast_signed();
    _mm_setr_epi32(k(0), k(1), k(2), k(3))
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn words(m: &[u8; 64]) -> [__m128i; 4] {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut out = [_mm_setzero_si128(); 4];
    for (o, b) in out.iter_mut().zip(m.as_chunks::<16>().0) {
        let v = u128::from_le_bytes(*b);
        *o = _mm_shuffle_epi8(_mm_set_epi64x((v >> 64) as i64, v as i64), swap);
    }
    out
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load(s: &State) -> [__m128i; 2] {
    let v = s.map(u32::cast_signed);
    [_mm_set_epi32(v[0], v[1], v[4], v[5]), _mm_set_epi32(v[2], v[3], v[6], v[7])]
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn store([abef, cdgh]: [__m128i; 2], s: &mut State) {
    *s = [
        _mm_extract_epi32::<3>(abef),
        _mm_extract_epi32::<2>(abef),
        _mm_extract_epi32::<3>(cdgh),
        _mm_extract_epi32::<2>(cdgh),
        _mm_extract_epi32::<1>(abef),
        _mm_extract_epi32::<0>(abef),
        _mm_extract_epi32::<1>(cdgh),
        _mm_extract_epi32::<0>(cdgh),
    ]
    .map(i32::cast_unsigned);
}
