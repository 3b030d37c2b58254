//! Codes of a deflate block as tables: one symbol a look-up, and as much as fits into one look-up.

use super::LONGEST;

/// Bits of a look-up.
pub(super) const BITS: u32 = 12;
pub(super) const SIZE: usize = 1 << BITS;
/// Bits of a look-up of distances. Larger tables of either kind no longer fit beside each other into the first cache.
const DISTANCE_BITS: u32 = 10;
pub(super) const DISTANCE_SIZE: usize = 1 << DISTANCE_BITS;
/// Bases and extra bits of lengths, symbols from 257 on (RFC 1951, 3.2.5).
#[rustfmt::skip]
pub(super) const LENGTHS: [(u16, u8); 29] = [
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2), (23, 2),
    (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5), (195, 5),
    (227, 5), (258, 0),
];
/// Bases and extra bits of distances (RFC 1951, 3.2.5).
#[rustfmt::skip]
pub(super) const DISTANCES: [(u16, u8); 30] = [
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5), (97, 5),
    (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10), (3073, 10), (4097, 11),
    (6145, 11), (8193, 12), (12_289, 12), (16_385, 13), (24_577, 13),
];
/// Share of literals from which on a block is taken for one without repeats.
const PLAIN: f64 = 0.97;
/// Repeats that are taken at once: of 3 to 7 bytes.
pub(super) const SHORT: u32 = 5;
/// Bit of a repeat among what is taken at once.
const REPEAT: u32 = 1 << 7;
/// In place of a distance that is not taken at once.
const NOT_AT_ONCE: u32 = u32::MAX << 12;

/// Codes of one alphabet: a table for the short ones, and what tells the long ones.
pub(super) struct Alphabet<const N: usize> {
    /// Symbol, and above it from bit 9 the length of its code; 0 where the code is longer than the table's bits.
    table: Box<[u16; N]>,
    counts: [u16; LONGEST + 1],
    sorted: [u16; 288],
}

impl<const N: usize> Alphabet<N> {
    pub fn new() -> Self {
        Self { table: Box::new([0; N]), counts: [0; LONGEST + 1], sorted: [0; 288] }
    }

    /// Takes the codes of these lengths; `None` where they are not a complete code.
    pub fn set(&mut self, lengths: &[u8]) -> Option<()> {
        self.counts = [0; LONGEST + 1];
        for l in lengths {
            self.counts[usize::from(*l & 15)] += 1;
        }
        self.counts[0] = 0;
        let (mut next, mut place, mut code, mut at) = ([0u32; LONGEST + 1], [0usize; LONGEST + 1], 0u32, 0usize);
        for l in 1..=LONGEST {
            (next[l], place[l]) = (code, at);
            code = (code + u32::from(self.counts[l])) << 1;
            at += usize::from(self.counts[l]);
        }
        if code != 2 << LONGEST {
            return None;
        }
        self.table.fill(0);
        for (symbol, l) in lengths.iter().enumerate().filter(|(_, l)| **l > 0) {
            let l = usize::from(*l & 15);
            self.sorted[place[l]] = symbol as u16;
            place[l] += 1;
            let code = next[l].reverse_bits() >> (32 - l);
            next[l] += 1;
            let entry = symbol as u16 | (l as u16) << 9;
            if 1 << l <= N {
                self.table[code as usize..].iter_mut().step_by(1 << l).for_each(|e| *e = entry);
            }
        }
        Some(())
    }

    /// Symbol and length of the code that these bits begin with.
    #[inline]
    pub fn symbol(&self, bits: u64) -> Option<(u16, u32)> {
        let e = self.table[bits as usize & (N - 1)];
        if e != 0 {
            return Some((e & 511, u32::from(e >> 9)));
        }
        self.long(bits)
    }

    #[cold]
    fn long(&self, bits: u64) -> Option<(u16, u32)> {
        let (mut code, mut first, mut at) = (0u32, 0u32, 0usize);
        for l in 1..=LONGEST {
            code |= (bits >> (l - 1)) as u32 & 1;
            let n = u32::from(self.counts[l]);
            if let Some(k) = code.checked_sub(first).filter(|k| *k < n) {
                return Some((*self.sorted.get(at + k as usize)?, l as u32));
            }
            at += n as usize;
            first = (first + n) << 1;
            code <<= 1;
        }
        None
    }
}

/// What the bits of a look-up begin with, as far as it can be taken at once.
pub(super) struct Tables {
    /// Up to two literals (from bit 16; 8 × how many from bit 8), after one or none a short repeat (bit 7; its length from
    /// bit 13), and the bits of it all; 0 where something else comes first.
    pub pairs: [u32; SIZE],
    /// Distances from 9 on: bits of code and extra together, bits of the code from bit 8, the base less 8 from bit 12.
    back: [u32; DISTANCE_SIZE],
}

impl Tables {
    pub fn new() -> Self {
        Self { pairs: [0; SIZE], back: [NOT_AT_ONCE; DISTANCE_SIZE] }
    }

    /// Of the repeat in an entry of `pairs`, by the bits behind its code: bits of the distance, and the distance less 8.
    /// Without a repeat 0 and 0; beyond every buffer where it is not taken at once.
    #[inline(always)]
    pub fn distance(&self, entry: u32, bits: u64) -> (u32, usize) {
        let d = self.back[bits as usize & (DISTANCE_SIZE - 1)];
        // a branch here would be guesswork
        let d = d & ((entry << 24).cast_signed() >> 31).cast_unsigned();
        let used = d & 63;
        (used, (d >> 12) as usize + ((bits & ((1 << used) - 1)) >> (d >> 8 & 15)) as usize)
    }
}

/// Codes of a block.
pub(super) struct Codes {
    pub literal: Alphabet<SIZE>,
    pub distance: Alphabet<DISTANCE_SIZE>,
    /// False where the block has no distances.
    pub repeats: bool,
    /// True once the tables hold these codes.
    pub paired: bool,
    /// True where hardly anything repeats.
    pub plain: bool,
    /// The lengths that the tables were made of.
    lengths: Vec<u8>,
    literals: usize,
}

impl Codes {
    pub fn new() -> Self {
        Self {
            literal: Alphabet::new(),
            distance: Alphabet::new(),
            repeats: false,
            paired: false,
            plain: false,
            lengths: Vec::new(),
            literals: 0,
        }
    }

    /// Takes the lengths of a block's codes, of literals first; `None` where they are unusual.
    pub fn set(&mut self, lengths: &[u8], literals: usize) -> Option<()> {
        if self.lengths == lengths && self.literals == literals {
            return Some(());
        }
        self.lengths.clear();
        self.paired = false;
        let (l, d) = lengths.split_at(literals);
        self.literal.set(l)?;
        // a code of distances may be missing, or be one code of one bit
        let used = d.iter().filter(|l| **l > 0).count();
        self.repeats = used > 0;
        if used == 1 {
            d.contains(&1).then_some(())?;
            // the other code of one bit is no distance, and `DISTANCES` does not hold it
            let mut padded = [0u8; 31];
            padded.get_mut(..d.len())?.copy_from_slice(d);
            padded[30] = 1;
            self.distance.set(&padded)?;
        } else if used > 1 {
            self.distance.set(d)?;
        }
        self.lengths.extend_from_slice(lengths);
        self.literals = literals;
        Some(())
    }

    /// Share of the code space that these symbols take: in a well-coded block, about their share of its symbols.
    pub fn share(&self, symbols: std::ops::Range<usize>) -> f64 {
        let all = self.lengths.get(..self.literals).unwrap_or(&[]);
        let some = all.get(symbols.start.min(all.len())..symbols.end.min(all.len())).unwrap_or(&[]);
        some.iter().filter(|l| **l > 0).map(|l| 0.5f64.powi(i32::from(*l))).sum()
    }

    /// Makes the tables of what can be taken at once.
    pub fn pair(&mut self, tables: &mut Tables) {
        self.plain = self.share(0..256) > PLAIN;
        let most = if self.plain || !self.repeats { 256 } else { 257 + SHORT };
        let table = &self.literal.table;
        for (i, (pair, e)) in tables.pairs.iter_mut().zip(table.iter()).enumerate() {
            let (a, n) = (u32::from(e & 511), u32::from(e >> 9));
            let f = table[i >> n];
            let (b, m) = (u32::from(f & 511), u32::from(f >> 9));
            let both = n + m;
            let fits = m > 0 && both <= BITS;
            let repeats = |s: u32| s > 256 && s < most;
            *pair = if n == 0 {
                0
            } else if repeats(a) {
                n | REPEAT | (a - 254) << 13
            } else if a >= 256 {
                0
            } else if fits && b < 256 {
                both | 16 << 8 | a << 16 | b << 24
            } else if fits && repeats(b) {
                both | REPEAT | 8 << 8 | (b - 254) << 13 | a << 16
            } else {
                n | 8 << 8 | a << 16
            };
        }
        if most > 256 {
            for (back, e) in tables.back.iter_mut().zip(self.distance.table.iter()) {
                let (symbol, n) = (usize::from(e & 511), u32::from(e >> 9));
                *back = match DISTANCES.get(symbol) {
                    Some((base, extra)) if n > 0 && *base > 8 => {
                        (n + u32::from(*extra)) | n << 8 | u32::from(*base - 8) << 12
                    }
                    _ => NOT_AT_ONCE,
                };
            }
        }
        self.paired = true;
    }
}
