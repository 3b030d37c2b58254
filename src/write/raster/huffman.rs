//! Deflate (RFC 1951, in the wrapper of RFC 1950) without a search for repeats: Huffman codes alone, and bytes that no
//! code can shorten stored as they are.
//!
//! The one repeat that is told is that of a byte at the end of a row: what lies outside the raster, or holds no data.
//!
//! Differences of measured values hardly repeat; what compresses them is that some are more frequent than others. The
//! search for repeats then costs nine tenths of the time and finds little. [`plan`] counts the bytes of a tile and tells
//! what it would take; whoever packs the tile compares that with what a search would give.

/// Longest code in bits: four codes and the seven bits left before them fit into 64 bits.
const LONGEST: usize = 14;
/// Literals, the end of the block, and lengths of repeats.
const SYMBOLS: usize = 286;
/// Symbols of a block without repeats.
const LITERALS: usize = 257;
const END: usize = 256;
/// Longest repeat, which has a symbol of its own.
const FULL: usize = 258;
const FULL_SYMBOL: usize = 285;
/// A row that ends with so many equal bytes (nodata, the padding of a tile) ends with a repeat of one of them.
const RUN: usize = 24;
/// Order in which the lengths of code lengths stand in the head of a block (RFC 1951, 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Which bytes of a row are coded, which stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    /// All bytes coded, in one block; a run may end each part of so many bytes.
    All(usize),
    /// Of every row of so many bytes those from `.1` to `.2` are stored: the middle bytes of floats (predictor 3 sorts
    /// the bytes of a row by significance) are noise.
    Rows(usize, usize, usize),
}

/// How a tile would be packed.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    split: Split,
    codes: Codes,
    /// Bytes it takes, but for the roundings of stored blocks.
    pub bytes: usize,
}

/// The shortest way for a tile's bytes: `rows` of equal length; `planes` of four are the bytes of floats by
/// significance.
pub(super) fn plan(plain: &[u8], row: usize, planes: bool) -> Plan {
    let rows = plain.len() / row.max(1);
    if !planes || !row.is_multiple_of(4) || rows == 0 {
        let (mut counts, mut extra) = ([0u32; SYMBOLS], 0);
        plain.chunks(row.max(1)).for_each(|r| extra += count(r, &mut counts));
        return whole(&counts, extra, row.max(1));
    }
    let n = row / 4;
    let (mut by_plane, mut extra) = ([[0u32; SYMBOLS]; 4], [0usize; 4]);
    for r in plain.chunks_exact(row) {
        for ((counts, extra), part) in by_plane.iter_mut().zip(&mut extra).zip(r.chunks_exact(n)) {
            *extra += count(part, counts);
        }
    }
    let extra = |which: &[usize]| which.iter().map(|p| extra[*p]).sum::<usize>();
    let sum = |which: &[usize]| {
        let mut s = [0u32; SYMBOLS];
        which.iter().for_each(|p| s.iter_mut().zip(&by_plane[*p]).for_each(|(a, b)| *a += b));
        s
    };
    let stored = |which: &[usize], from: usize, to: usize| {
        let codes = Codes::of(&sum(which), rows as u32 + 1);
        let blocks = (rows + 1) * (codes.head_bits + 3 + codes.length(END)) / 8;
        let bytes = (codes.bits + extra(which)) / 8 + blocks + rows * (to - from + 5);
        Plan { split: Split::Rows(row, from, to), codes, bytes }
    };
    let all = || whole(&sum(&[0, 1, 2, 3]), extra(&[0, 1, 2, 3]), n);
    let plans = [all(), stored(&[0, 3], n, 3 * n), stored(&[0], n, 4 * n)];
    plans.into_iter().min_by_key(|p| p.bytes).unwrap_or_else(all)
}

fn whole(counts: &[u32; SYMBOLS], extra: usize, part: usize) -> Plan {
    let codes = Codes::of(counts, 1);
    let bytes = (codes.bits + extra + codes.head_bits + codes.length(END)) / 8 + 8;
    Plan { split: Split::All(part), codes, bytes }
}

/// Bytes of a part that are coded one by one, and how often the last of them is repeated behind them.
fn ending(part: &[u8]) -> (&[u8], usize) {
    let Some(last) = part.last() else { return (part, 0) };
    let same = part.iter().rev().take_while(|b| *b == last).count();
    if same <= RUN {
        return (part, 0);
    }
    // no repeat is shorter than three
    let run = same - 1 - if matches!((same - 1) % FULL, 1 | 2) { (same - 1) % FULL } else { 0 };
    (&part[..part.len() - run], run)
}

/// Repeats of one byte that make up a run: how many of the longest, and the length of the one before them, if any.
fn repeats(run: usize) -> (usize, Option<usize>) {
    (run / FULL, Some(run % FULL).filter(|n| *n > 0))
}

/// Symbol of a length below 258, its extra bits and how many (RFC 1951, 3.2.5).
fn length_symbol(n: usize) -> (usize, u32, u32) {
    let n = n - 3;
    if n < 8 {
        return (257 + n, 0, 0);
    }
    // four symbols to each power of two
    let bits = n.ilog2() - 2;
    (257 + 4 * bits as usize + (n >> bits), n as u32 & ((1 << bits) - 1), bits)
}

/// Counts the symbols of a part; answers the bits that go with lengths: extra bits and distances.
fn count(part: &[u8], counts: &mut [u32; SYMBOLS]) -> usize {
    let (bytes, run) = ending(part);
    let mut extra = 0;
    if run > 0 {
        let (full, rest) = repeats(run);
        counts[FULL_SYMBOL] += full as u32;
        extra += full;
        if let Some((symbol, _, bits)) = rest.map(length_symbol) {
            counts[symbol] += 1;
            extra += 1 + bits as usize;
        }
    }
    // four tables: equal neighbours need not wait for each other
    let mut four = [[0u32; 256]; 4];
    let (quads, rest) = bytes.as_chunks::<4>();
    for q in quads {
        four.iter_mut().zip(q).for_each(|(t, b)| t[usize::from(*b)] += 1);
    }
    rest.iter().for_each(|b| four[0][usize::from(*b)] += 1);
    for t in &four {
        counts.iter_mut().zip(t).for_each(|(a, b)| *a += b);
    }
    extra
}

/// Packs what [`plan`] planned.
pub(super) fn pack(plain: &[u8], p: &Plan) -> Vec<u8> {
    // a block of its own for each part, and eight bytes that are written at once
    let mut w = Writer { out: vec![0; p.bytes + p.bytes / 8 + 1024], at: 2, bits: 0, used: 0 };
    w.out[..2].copy_from_slice(&[0x78, 0x01]);
    match p.split {
        Split::All(part) => w.block(plain.chunks(part), &p.codes, true),
        Split::Rows(row, from, to) => {
            let (mut tail, plane): (&[u8], usize) = (&[], row / 4);
            for r in plain.chunks_exact(row) {
                w.block(tail.chunks(plane).chain(r[..from].chunks(plane)), &p.codes, false);
                w.stored(&r[from..to]);
                tail = &r[to..];
            }
            w.block(tail.chunks(plane), &p.codes, true);
        }
    }
    w.align();
    let mut out = w.out;
    out.truncate(w.at);
    out.extend_from_slice(&libdeflater::adler32(plain).to_be_bytes());
    out
}

/// Codes of a block, and the bits of its head.
#[derive(Debug, Clone)]
struct Codes {
    /// Code, least significant bit first, and above it from bit 16 its length.
    of: [u32; SYMBOLS],
    head: Vec<(u32, u32)>,
    head_bits: usize,
    /// Bits that all symbols counted take, ends of blocks not among them.
    bits: usize,
}

impl Codes {
    fn of(counts: &[u32; SYMBOLS], blocks: u32) -> Self {
        let mut counts = *counts;
        counts[END] = blocks;
        let lengths = lengths(&counts, LONGEST);
        let of = codes(&lengths);
        let used = if lengths[LITERALS..].iter().any(|l| *l > 0) { SYMBOLS } else { LITERALS };
        let head = head(&lengths[..used]);
        let head_bits = head.iter().map(|(_, n)| *n as usize).sum();
        let bits = (0..SYMBOLS).filter(|s| *s != END).map(|s| counts[s] as usize * usize::from(lengths[s])).sum();
        let mut table = [0; SYMBOLS];
        table.copy_from_slice(&of);
        Self { of: table, head, head_bits, bits }
    }

    fn length(&self, symbol: usize) -> usize {
        (self.of[symbol] >> 16) as usize
    }
}

/// Lengths of the codes of a Huffman tree, none longer than `longest`; 0 for symbols that do not occur.
fn lengths(counts: &[u32], longest: usize) -> Vec<u8> {
    let mut out = vec![0u8; counts.len()];
    let mut leaves: Vec<(u32, usize)> =
        counts.iter().enumerate().filter(|(_, c)| **c > 0).map(|(s, c)| (*c, s)).collect();
    if leaves.len() < 2 {
        // a code needs a bit at least; a tree of one leaf is none
        leaves.iter().for_each(|(_, s)| out[*s] = 1);
        return out;
    }
    leaves.sort_unstable();
    // two queues: leaves by weight, and the nodes made of them, which come out by weight by themselves
    let n = leaves.len();
    let (mut weight, mut parent) = (Vec::with_capacity(n - 1), vec![0usize; 2 * n - 1]);
    let (mut leaf, mut node) = (0, 0);
    for made in 0..n - 1 {
        let mut sum = 0u64;
        for _ in 0..2 {
            let take_leaf = leaf < n && (node >= weight.len() || u64::from(leaves[leaf].0) <= weight[node]);
            if take_leaf {
                sum += u64::from(leaves[leaf].0);
                parent[leaf] = n + made;
                leaf += 1;
            } else {
                sum += weight[node];
                parent[n + node] = n + made;
                node += 1;
            }
        }
        weight.push(sum);
    }
    let mut depth = vec![0usize; 2 * n - 1];
    for i in (0..2 * n - 2).rev() {
        depth[i] = depth[parent[i]] + 1;
    }
    let mut of_length = [0usize; 64];
    depth[..n].iter().for_each(|d| of_length[(*d).min(longest)] += 1);
    shorten(&mut of_length, longest);
    // the rarest symbols get the longest codes
    let mut next = leaves.iter();
    for l in (1..=longest).rev() {
        for (_, s) in next.by_ref().take(of_length[l]) {
            out[*s] = l as u8;
        }
    }
    out
}

/// Makes room in a tree whose leaves were cut down to `longest`, until its codes are possible again (Kraft).
fn shorten(of_length: &mut [usize; 64], longest: usize) {
    let full = 1usize << longest;
    let mut taken: usize = (1..=longest).map(|l| of_length[l] << (longest - l)).sum();
    while taken > full {
        // a leaf of the longest becomes the sibling of one above, which moves a level down
        of_length[longest] -= 1;
        let above = (1..longest).rev().find(|l| of_length[*l] > 0).unwrap_or(1);
        of_length[above] -= 1;
        of_length[above + 1] += 2;
        taken -= 1;
    }
}

/// Canonical codes (RFC 1951, 3.2.2), bits reversed, their lengths above bit 16.
fn codes(lengths: &[u8]) -> Vec<u32> {
    let mut of_length = [0u32; 16];
    lengths.iter().filter(|l| **l > 0).for_each(|l| of_length[usize::from(*l)] += 1);
    let (mut next, mut code) = ([0u32; 16], 0);
    for (n, shorter) in next[1..].iter_mut().zip(of_length) {
        code = (code + shorter) << 1;
        *n = code;
    }
    let mut out = Vec::with_capacity(lengths.len());
    for l in lengths {
        let l = u32::from(*l);
        if l == 0 {
            out.push(0);
            continue;
        }
        let c = next[l as usize];
        next[l as usize] += 1;
        out.push(c.reverse_bits() >> (32 - l) | l << 16);
    }
    out
}

/// Head of a block of dynamic codes (RFC 1951, 3.2.7): values and their bits, after the three bits of its kind.
fn head(literal: &[u8]) -> Vec<(u32, u32)> {
    // one code of distances, of one bit: 1, the only one there is
    let all: Vec<u8> = literal.iter().copied().chain([1]).collect();
    let mut runs: Vec<(usize, u32, u32)> = Vec::new();
    let mut i = 0;
    while i < all.len() {
        let n = all[i..].iter().take_while(|l| **l == all[i]).count();
        match (all[i], n) {
            (0, 11..) => {
                let n = n.min(138);
                runs.push((18, n as u32 - 11, 7));
                i += n;
            }
            (0, 3..) => {
                runs.push((17, n as u32 - 3, 3));
                i += n;
            }
            (l, _) if l > 0 && i > 0 && all[i - 1] == l && n >= 3 => {
                let n = n.min(6);
                runs.push((16, n as u32 - 3, 2));
                i += n;
            }
            (l, _) => {
                runs.push((usize::from(l), 0, 0));
                i += 1;
            }
        }
    }
    let mut counts = [0u32; 19];
    runs.iter().for_each(|r| counts[r.0] += 1);
    let lengths = lengths(&counts, 7);
    let code = codes(&lengths);
    let kept = ORDER.iter().rposition(|s| lengths[*s] > 0).map_or(4, |p| (p + 1).max(4));
    let mut out = vec![((literal.len() - LITERALS) as u32, 5), (0, 5), (kept as u32 - 4, 4)];
    out.extend(ORDER[..kept].iter().map(|s| (u32::from(lengths[*s]), 3)));
    for (symbol, extra, bits) in runs {
        out.push((code[symbol] & 0xffff, code[symbol] >> 16));
        if bits > 0 {
            out.push((extra, bits));
        }
    }
    out
}

/// Bits, least significant first.
struct Writer {
    out: Vec<u8>,
    at: usize,
    bits: u64,
    used: u32,
}

impl Writer {
    /// Whole bytes out; seven bits at most stay.
    #[inline]
    fn flush(&mut self) {
        if self.at + 8 > self.out.len() {
            self.out.resize(self.at + 1024 + self.out.len() / 4, 0);
        }
        self.out[self.at..self.at + 8].copy_from_slice(&self.bits.to_le_bytes());
        self.at += (self.used >> 3) as usize;
        self.bits >>= self.used & !7;
        self.used &= 7;
    }

    fn put(&mut self, value: u32, bits: u32) {
        self.bits |= u64::from(value) << self.used;
        self.used += bits;
        self.flush();
    }

    fn block<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>, codes: &Codes, last: bool) {
        self.put(u32::from(last) | 2 << 1, 3);
        codes.head.iter().for_each(|(v, n)| self.put(*v, *n));
        for part in parts {
            let (bytes, run) = ending(part);
            let (quads, rest) = bytes.as_chunks::<4>();
            for q in quads {
                for b in q {
                    let code = codes.of[usize::from(*b)];
                    self.bits |= u64::from(code & 0xffff) << self.used;
                    self.used += code >> 16;
                }
                self.flush();
            }
            for b in rest {
                let code = codes.of[usize::from(*b)];
                self.put(code & 0xffff, code >> 16);
            }
            if run > 0 {
                self.repeat(run, codes);
            }
        }
        let end = codes.of[END];
        self.put(end & 0xffff, end >> 16);
    }

    /// Repeats the byte before.
    fn repeat(&mut self, run: usize, codes: &Codes) {
        let (full, rest) = repeats(run);
        let rest = rest.map(length_symbol);
        for (symbol, extra, bits) in rest.into_iter().chain(std::iter::repeat_n((FULL_SYMBOL, 0, 0), full)) {
            let code = codes.of[symbol];
            self.put(code & 0xffff, code >> 16);
            self.put(extra, bits);
            // the distance 1
            self.put(0, 1);
        }
    }

    fn align(&mut self) {
        self.flush();
        if self.used > 0 {
            self.out[self.at] = self.bits as u8;
            self.at += 1;
        }
        (self.bits, self.used) = (0, 0);
    }

    /// Blocks of bytes as they are, none the last.
    fn stored(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(65_535) {
            self.put(0, 3);
            self.align();
            let n = part.len() as u16;
            let end = self.at + 4 + part.len();
            if end > self.out.len() {
                self.out.resize(end + self.out.len() / 4, 0);
            }
            self.out[self.at..self.at + 2].copy_from_slice(&n.to_le_bytes());
            self.out[self.at + 2..self.at + 4].copy_from_slice(&(!n).to_le_bytes());
            self.out[self.at + 4..end].copy_from_slice(part);
            self.at = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inflated(z: &[u8], n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        let m = libdeflater::Decompressor::new().zlib_decompress(z, &mut out).unwrap();
        assert_eq!(m, n);
        out
    }

    fn both_ways(plain: &[u8], row: usize) {
        for planes in [false, true] {
            let p = plan(plain, row, planes);
            let z = pack(plain, &p);
            assert_eq!(inflated(&z, plain.len()), plain);
            // within the roundings to whole bytes of each block
            assert!(z.len() <= p.bytes + 2 * plain.len().div_ceil(row) + 16, "{} {}", z.len(), p.bytes);
        }
    }

    #[test]
    fn lengths_by_hand() {
        // weights 1 1 2 4: depths 3 3 2 1
        assert_eq!(lengths(&[1, 0, 1, 2, 4], 15), [3, 0, 3, 2, 1]);
        assert_eq!(lengths(&[0, 9, 0], 15), [0, 1, 0]);
        // Fibonacci weights make a tree of a single branch: cut to 4 bits, still a full code
        let l = lengths(&[1, 1, 2, 3, 5, 8, 13, 21, 34], 4);
        assert_eq!(l.iter().map(|l| 16 >> l).sum::<i32>(), 16);
        assert!(l.iter().all(|l| *l <= 4) && l[8] < l[0]);
    }

    #[test]
    fn noise_is_stored_and_the_rest_coded() {
        // rows of floats whose middle bytes are noise, sorted by significance
        let mut x = 1u32;
        let mut noise = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x
        };
        let mut plain = Vec::new();
        for _ in 0..64 {
            plain.extend((0..128).map(|_| (noise() >> 30) as u8));
            plain.extend((0..256).map(|_| (noise() >> 24) as u8));
            plain.extend((0..128).map(|_| (noise() >> 29) as u8));
        }
        let p = plan(&plain, 512, true);
        assert_eq!(p.split, Split::Rows(512, 128, 384));
        both_ways(&plain, 512);
        // half of the bytes by one code of 2.8 bits and a little, half stored, and some 25 bytes of heads a row of 512
        assert!(pack(&plain, &p).len() < plain.len() * 3 / 4);
    }

    #[test]
    fn one_symbol_and_none() {
        both_ways(&[7; 4096], 512);
        both_ways(&[], 512);
        both_ways(&[1, 2, 3, 4], 4);
    }

    #[test]
    fn runs_at_the_ends_of_rows_by_hand() {
        assert_eq!(
            [3, 10, 11, 12, 13, 34, 257].map(length_symbol),
            [(257, 0, 0), (264, 0, 0), (265, 0, 1), (265, 1, 1), (266, 0, 1), (272, 3, 2), (284, 30, 5),]
        );
        assert_eq!([24, 258, 261, 516].map(repeats), [(0, Some(24)), (1, None), (1, Some(3)), (2, None)]);
        // of equal bytes the first is coded; where one or two would be left for a repeat, which there is none of, they are too
        assert_eq!(
            [24, 25, 259, 260, 261, 262].map(|n| (ending(&vec![9; n]).0.len(), ending(&vec![9; n]).1)),
            [(24, 0), (1, 24), (1, 258), (2, 258), (3, 258), (1, 261)]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn rows_that_end_with_runs_come_back(
            rows in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..1200), any::<u8>()), 1..12),
        ) {
            let mut plain = Vec::new();
            for (v, b) in &rows {
                plain.extend_from_slice(v);
                plain.resize(plain.len().next_multiple_of(1200), *b);
            }
            both_ways(&plain, 1200);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn whatever_comes_comes_back(v in prop::collection::vec(any::<u8>(), 0..3000), shift in 0u8..8) {
            let v: Vec<u8> = v.iter().map(|b| b >> shift).collect();
            let n = v.len() / 64 * 64;
            both_ways(&v[..n], 64);
        }
    }
}
