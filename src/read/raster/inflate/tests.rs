//! Beside libdeflate: what it takes comes out the same, and what it refuses is never taken.

use proptest::prelude::*;

use super::{Lane, alone, begin, one, two};

/// Numbers that look random, always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // xorshift (Marsaglia 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Differences of noisy 16-bit samples of four bands, as predictor 2 leaves them: small, of either sign.
fn measured(n: usize, spread: u64, seed: u64) -> Vec<u8> {
    let mut x = Noise(seed | 1);
    let mut out = Vec::with_capacity(n + 8);
    while out.len() < n {
        let sum: u64 = (0..4).map(|_| x.next() % spread).sum();
        out.extend_from_slice(&(sum as i16 - 2 * spread as i16).to_le_bytes());
    }
    out.truncate(n);
    out
}

fn deflated(plain: &[u8], level: i32) -> Vec<u8> {
    let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(level).unwrap());
    let mut z = vec![0; c.zlib_compress_bound(plain.len())];
    let n = c.zlib_compress(plain, &mut z).unwrap();
    z.truncate(n);
    z
}

/// Bytes, or `None` where libdeflate refuses.
fn by_libdeflate(z: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; room];
    let n = libdeflater::Decompressor::new().zlib_decompress(z, &mut out).ok()?;
    out.truncate(n);
    Some(out)
}

/// What is not worth it is decoded too, up to where most of it repeats.
fn all(z: &[u8], out: &mut [u8]) -> Option<usize> {
    alone(&mut begin(z, out, &mut Lane::new(), 0.0)?)
}

/// The decoders of this module give what libdeflate gives, or leave it to libdeflate; answers whether they did it: as one
/// stream and as either of two.
fn beside(z: &[u8], room: usize) -> [bool; 3] {
    let wanted = by_libdeflate(z, room);
    let mut out = [vec![7; room], vec![9; room], vec![11; room]];
    let [a, b, c] = &mut out;
    let first = one(z, a);
    let [second, third] = two((z, b), (z, c));
    let mut last = vec![13; room];
    let fourth = all(z, &mut last);
    for (n, out) in [first, second, third, fourth].iter().zip(out.iter().chain([&last])) {
        if let Some(n) = n {
            assert_eq!(Some(&out[..*n]), wanted.as_deref(), "{} bytes", z.len());
        }
    }
    [first, second, third].map(|f| f.is_some())
}

#[test]
fn measured_values_of_every_level_are_decoded() {
    // beyond the buffers, and beyond the longest distance several times
    for (spread, n) in [(40, 700_000), (400, 300_000), (4000, 300_000)] {
        let plain = measured(n, spread, spread);
        for level in [1, 4, 6, 9, 12] {
            let z = deflated(&plain, level);
            assert_eq!(beside(&z, n), [true; 3], "spread {spread}, level {level}");
            // with room to spare, too
            assert_eq!(beside(&z, n + 1000), [true; 3]);
            // and where it does not fit it is libdeflate that says so
            assert_eq!(beside(&z, n - 1), [false; 3]);
        }
    }
}

#[test]
fn two_streams_of_different_kinds_do_not_disturb_each_other() {
    let kinds: Vec<Vec<u8>> = vec![
        measured(300_000, 40, 1),
        measured(1000, 400, 2),
        vec![0; 200_000],
        measured(200_000, 3, 3),
        b"many words that repeat, many words that repeat; ".repeat(4000),
    ];
    let packed: Vec<Vec<u8>> = kinds.iter().map(|k| deflated(k, 6)).collect();
    for (p, x) in kinds.iter().zip(&packed) {
        for (q, y) in kinds.iter().zip(&packed) {
            let (mut a, mut b) = (vec![0; p.len()], vec![0; q.len()]);
            let [m, n] = two((x, &mut a), (y, &mut b));
            assert!(m.is_none_or(|m| m == p.len() && a == *p));
            assert!(n.is_none_or(|n| n == q.len() && b == *q));
        }
    }
}

#[test]
fn blocks_of_all_three_kinds() {
    // RFC 1951: stored "ab", then "c" and a repeat of 3 by fixed codes: c = 10010011, length 3 = 0000001, distance 2 =
    // 00001, end 0000000; codes stand with their highest bit first, everything else with its lowest
    let mut bits: Vec<u8> = Vec::new();
    let mut put = |s: &str| bits.extend(s.bytes().filter(|b| *b != b' ').map(|b| b - b'0'));
    put("0 00 00000"); // not the last, stored, to the byte
    put("01000000 00000000 10111111 11111111"); // 2, and its complement
    put("10000110 01000110"); // a b
    put("1 10"); // the last, fixed
    put("10010011 0000001 00001 0000000");
    let mut z = vec![0x78, 0x01];
    z.extend(bits.chunks(8).map(|c| c.iter().rev().fold(0, |v, b| v << 1 | b)));
    let plain = b"abcbcb";
    z.extend(libdeflater::adler32(plain).to_be_bytes());
    assert_eq!(by_libdeflate(&z, 6).unwrap(), plain);
    beside(&z, 6);
    assert_eq!(all(&z, &mut [0; 6]), Some(6));
    // a distance before the first byte
    let mut wrong = z.clone();
    let at = 2 + 7 + 2;
    wrong[at] ^= 0b0001_1100;
    assert_eq!(all(&wrong, &mut [0; 6]), None);
    // another checksum
    let last = z.len() - 1;
    z[last] ^= 1;
    assert!(by_libdeflate(&z, 6).is_none());
    assert_eq!(all(&z, &mut [0; 6]), None);
}

#[test]
fn every_truncation_is_refused() {
    let plain = measured(3000, 30, 5);
    let z = deflated(&plain, 6);
    for n in 0..z.len() {
        assert_eq!(beside(&z[..n], plain.len()), [false; 3], "{n} of {}", z.len());
    }
}

#[test]
fn no_flipped_bit_gets_through() {
    let plain = measured(2000, 30, 6);
    let z = deflated(&plain, 6);
    let mut taken = 0;
    for bit in 0..8 * z.len() {
        let mut w = z.clone();
        w[bit / 8] ^= 1 << (bit % 8);
        // what libdeflate takes all the same (the window's size in the head) is the same bytes
        taken += usize::from(beside(&w, plain.len())[0]);
    }
    assert!(taken <= 16, "{taken} flips were taken");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_bytes_come(z in prop::collection::vec(any::<u8>(), 0..400)) {
        beside(&z, 2000);
        // behind a sound head, too
        let mut w = vec![0x78, 0x9c];
        w.extend(z);
        beside(&w, 2000);
    }

    #[test]
    fn streams_damaged_at_many_places(
        seed in any::<u64>(), spread in 2u64..300, n in 100usize..60_000, level in 1i32..10,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let plain = measured(n, spread, seed);
        let mut z = deflated(&plain, level);
        for (at, byte) in &places {
            let i = at.index(z.len());
            z[i] = *byte;
        }
        beside(&z, n);
        beside(&z, n + 700);
    }
}
