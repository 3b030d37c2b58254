//! Inflate (RFC 1951 in the wrapper of RFC 1950) for streams that are mostly literals, two streams at a time.
//!
//! Differences of measured values hardly repeat: their streams are Huffman codes of single bytes, and a decoder that
//! takes one after the other waits for each look-up before it can begin the next. Here one look-up gives up to two
//! bytes, and two streams (two tiles) are decoded in turns, so that one works while the other waits.
//!
//! Nothing malformed is judged here. Whatever is unusual (codes that are not complete, data that end too early or go on
//! too long, streams that repeat much) is given back as `None` and goes through libdeflate, whose verdict counts; and
//! what was decoded counts only where its Adler-32 is the one that the stream states.

mod codes;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use codes::{Alphabet, BITS, Codes, DISTANCES, LENGTHS, SHORT, SIZE, Tables};

/// Bits of a look-up, as a mask.
const MASK: u64 = SIZE as u64 - 1;
/// Longest code of deflate.
const LONGEST: usize = 15;
const END: u16 = 256;
/// Order in which the lengths of code lengths stand in the head of a block (RFC 1951, 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Symbols of a block that are decoded one by one before tables are made for the rest.
const FEW: u32 = 256;
/// Share of the codes that can be taken at once, from which on this is faster than libdeflate.
const WORTH: f64 = 0.9;
/// Bytes of compressed data, and of plain data, that a lane holds; beyond them room for a whole word.
const IN: usize = 1 << 15;
const OUT: usize = 1 << 17;
/// How far back a repeat may reach.
const HISTORY: usize = 1 << 15;
/// Bytes that one step may take and give at most.
const STEP_IN: usize = 8;
const STEP_OUT: usize = 10;
/// Bytes that one symbol may give at most.
const SYMBOL: usize = 258;

/// Buffers of sizes that the compiler knows, so that places in them need no check but a mask.
struct Buffers {
    tables: Tables,
    input: [u8; IN + 8],
    out: [u8; OUT + 16],
}

/// What a stream needs, kept for the next one.
struct Lane {
    codes: Codes,
    buffers: Box<Buffers>,
}

impl Lane {
    fn new() -> Self {
        Self {
            codes: Codes::new(),
            buffers: Box::new(Buffers { tables: Tables::new(), input: [0; IN + 8], out: [0; OUT + 16] }),
        }
    }
}

/// What changes with every step.
#[derive(Clone, Copy, Default)]
struct Hot {
    /// Next byte of the buffer of compressed data.
    at: usize,
    /// Bits taken from it and not used yet; above them bits that will come again.
    bits: u64,
    have: u32,
    /// Next byte of the buffer of plain data.
    to: usize,
}

/// One stream on its way.
struct Stream<'a> {
    source: &'a [u8],
    /// Bytes of the source that were put into the buffer, and where they end there.
    fed: usize,
    end: usize,
    target: &'a mut [u8],
    /// Place in the target of the buffer's first byte; bytes of the buffer that lie in the target already.
    base: usize,
    given: usize,
    hot: Hot,
    codes: &'a mut Codes,
    buffers: &'a mut Buffers,
    last: bool,
    /// Symbols of this block, and of all, that were decoded one by one.
    singles: u32,
    all_singles: usize,
}

enum Step {
    Fast,
    Over,
    Unsure,
}

#[inline(always)]
fn word<const N: usize>(from: &[u8; N], at: usize) -> u64 {
    from[at..].first_chunk().map_or(0, |w| u64::from_le_bytes(*w))
}

/// Up to eight literals; false where something else comes first.
#[inline(always)]
fn group(h: &mut Hot, b: &mut Buffers) -> bool {
    h.bits |= word(&b.input, h.at & (IN - 1)) << h.have;
    h.at += ((63 - h.have) >> 3) as usize;
    h.have |= 56;
    let look = |bits: u64| b.tables.pairs[(bits & MASK) as usize];
    let p = look(h.bits);
    h.bits >>= p & 63;
    let q = look(h.bits);
    h.bits >>= q & 63;
    let r = look(h.bits);
    h.bits >>= r & 63;
    let s = look(h.bits);
    h.bits >>= s & 63;
    // the sums of bits and of literals have room below bit 16; what the literals themselves sum up to lies above
    let two = p.wrapping_add(q);
    let three = two.wrapping_add(r);
    let four = three.wrapping_add(s);
    let low = u64::from(p >> 16) | u64::from(q >> 16) << (p >> 8 & 63);
    let high = u64::from(r >> 16) << (two >> 8 & 63) | u64::from(s >> 16) << (three >> 8 & 63);
    let to = h.to & (OUT - 1);
    b.out[to..to + 8].copy_from_slice(&(low | high).to_le_bytes());
    h.to += (four >> 11 & 15) as usize;
    h.have -= four & 63;
    s != 0
}

/// Up to two literals and a short repeat behind them; false (and nothing taken) where something else comes first. Wants
/// the bits of a look-up to be there, and leaves as many.
#[inline(always)]
fn mixed(h: &mut Hot, b: &mut Buffers) -> bool {
    let e = b.tables.pairs[(h.bits & MASK) as usize];
    let bits = h.bits | word(&b.input, h.at & (IN - 1)) << h.have;
    let at = h.at + ((63 - h.have) >> 3) as usize;
    let place = h.to & (OUT - 1);
    b.out[place..place + 2].copy_from_slice(&((e >> 16) as u16).to_le_bytes());
    let to = h.to + (e >> 11 & 3) as usize;
    let rest = bits >> (e & 63);
    // without a repeat eight bytes are copied all the same, and written over by the next step
    let (used, beyond) = b.tables.distance(e, rest);
    let most = to.wrapping_sub(8);
    // too near for whole words (or a long code), or before the first byte
    if e == 0 || beyond > most {
        return false;
    }
    let copied = word(&b.out, most.wrapping_sub(beyond) & (OUT - 1));
    let place = to & (OUT - 1);
    b.out[place..place + 8].copy_from_slice(&copied.to_le_bytes());
    *h = Hot { at, bits: rest >> used, have: (h.have | 56) - (e & 63) - used, to: to + (e >> 13 & 7) as usize };
    true
}

impl Stream<'_> {
    /// Bits until 56 are there or the input ends.
    #[inline]
    fn refill(&mut self) {
        if self.hot.at + 8 > self.end {
            self.feed();
        }
        let h = &mut self.hot;
        if h.at + 8 <= self.end {
            h.bits |= word(&self.buffers.input, h.at & (IN - 1)) << h.have;
            h.at += ((63 - h.have) >> 3) as usize;
            h.have |= 56;
            return;
        }
        // what the words read ahead left above
        h.bits &= (1 << h.have) - 1;
        while h.have <= 55 && h.at < self.end {
            h.bits |= u64::from(self.buffers.input[h.at & (IN - 1)]) << h.have;
            h.at += 1;
            h.have += 8;
        }
    }

    /// Brings more of the source into the buffer.
    #[cold]
    fn feed(&mut self) {
        let rest = self.source.get(self.fed..).unwrap_or(&[]);
        if rest.is_empty() {
            return;
        }
        let left = self.end.saturating_sub(self.hot.at);
        self.buffers.input.copy_within(self.end - left..self.end, 0);
        let n = rest.len().min(IN - left);
        self.buffers.input[left..left + n].copy_from_slice(&rest[..n]);
        (self.fed, self.end, self.hot.at) = (self.fed + n, left + n, 0);
    }

    /// Brings what was made into the target; `None` where it does not fit.
    fn give(&mut self) -> Option<()> {
        let (from, to) = (self.given, self.hot.to);
        self.target.get_mut(self.base + from..self.base + to)?.copy_from_slice(self.buffers.out.get(from..to)?);
        self.given = to;
        if to > OUT / 2 {
            self.buffers.out.copy_within(to - HISTORY..to, 0);
            self.base += to - HISTORY;
            (self.hot.to, self.given) = (HISTORY, HISTORY);
        }
        Some(())
    }

    fn room(&mut self, n: usize) -> Option<()> {
        if self.hot.to + n > OUT { self.give() } else { Some(()) }
    }

    #[inline]
    fn drop(&mut self, n: u32) -> Option<()> {
        self.hot.have = self.hot.have.checked_sub(n)?;
        self.hot.bits >>= n;
        Some(())
    }

    #[inline]
    fn take(&mut self, n: u32) -> Option<u32> {
        let v = self.hot.bits as u32 & ((1 << n) - 1);
        self.drop(n)?;
        Some(v)
    }

    /// Place in the source of the next byte, once the bits of the one before are dropped.
    fn place(&self) -> Option<usize> {
        (self.fed + self.hot.at).checked_sub(self.end + (self.hot.have / 8) as usize)
    }

    /// The head of the next block, or the bytes of a stored one; `None` where it is unsure.
    fn head(&mut self) -> Option<bool> {
        self.refill();
        self.last = self.take(1)? == 1;
        self.singles = 0;
        match self.take(2)? {
            0 => self.stored().map(|()| false),
            1 => {
                let mut lengths = [8u8; 320];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                lengths[288..].fill(5);
                // 30 and 31 take part in the code, but never occur
                self.codes.set(&lengths, 288)?;
                Some(true)
            }
            2 => self.dynamic().map(|()| true),
            _ => None,
        }
    }

    fn stored(&mut self) -> Option<()> {
        let at = self.place()?;
        let head = self.source.get(at..)?.first_chunk::<4>()?;
        let (n, m) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
        if n != !m {
            return None;
        }
        let n = usize::from(n);
        self.room(n)?;
        let to = self.hot.to;
        self.buffers.out.get_mut(to..to + n)?.copy_from_slice(self.source.get(at + 4..at + 4 + n)?);
        self.hot = Hot { at: 0, to: to + n, ..Hot::default() };
        (self.fed, self.end) = (at + 4 + n, 0);
        self.feed();
        Some(())
    }

    fn dynamic(&mut self) -> Option<()> {
        let (literals, distances, n) = (self.take(5)? as usize + 257, self.take(5)? as usize + 1, self.take(4)? + 4);
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut of_lengths = [0u8; 19];
        for s in &ORDER[..n as usize] {
            self.refill();
            of_lengths[*s] = self.take(3)? as u8;
        }
        let mut code = Alphabet::<128>::new();
        code.set(&of_lengths)?;
        let mut lengths = [0u8; 320];
        let mut i = 0;
        let all = literals + distances;
        while i < all {
            self.refill();
            let (s, bits) = code.symbol(self.hot.bits)?;
            self.drop(bits)?;
            let (value, n) = match s {
                0..16 => (s as u8, 1),
                16 => (*lengths.get(i.checked_sub(1)?)?, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                _ => (0, 11 + self.take(7)?),
            };
            let end = i + n as usize;
            if end > all {
                return None;
            }
            lengths[i..end].fill(value);
            i = end;
        }
        // a block without an end is none
        if lengths[usize::from(END)] == 0 {
            return None;
        }
        self.codes.set(&lengths[..all], literals)
    }

    /// Symbols one by one, until more can be taken at once again.
    #[inline(never)]
    fn slow(&mut self) -> Step {
        self.symbols().unwrap_or(Step::Unsure)
    }

    fn symbols(&mut self) -> Option<Step> {
        loop {
            self.refill();
            self.room(SYMBOL)?;
            let (symbol, bits) = self.codes.literal.symbol(self.hot.bits)?;
            self.drop(bits)?;
            self.singles += 1;
            self.all_singles += 1;
            if symbol < END {
                self.buffers.out[self.hot.to & (OUT - 1)] = symbol as u8;
                self.hot.to += 1;
            } else if symbol == END {
                if self.next_block()? {
                    return Some(Step::Over);
                }
            } else {
                self.repeat(symbol)?;
            }
            if !self.codes.paired {
                if self.singles < FEW {
                    continue;
                }
                self.codes.pair(&mut self.buffers.tables);
            }
            // where long repeats are frequent libdeflate is faster
            if self.all_singles > 4096 && self.all_singles > (self.base + self.hot.to) / 8 {
                return None;
            }
            self.refill();
            if self.hot.have > BITS
                && self.steps()? > 0
                && self.buffers.tables.pairs[(self.hot.bits & MASK) as usize] != 0
            {
                return Some(Step::Fast);
            }
        }
    }

    /// Steps that the buffers have data and room for.
    fn steps(&mut self) -> Option<usize> {
        if self.end < self.hot.at + 64 * STEP_IN {
            self.feed();
        }
        self.room(64 * STEP_OUT)?;
        Some((self.end.saturating_sub(self.hot.at) / STEP_IN).min((OUT - self.hot.to) / STEP_OUT))
    }

    /// Goes on to the next block that has codes; true at the end of the stream.
    fn next_block(&mut self) -> Option<bool> {
        loop {
            if self.last {
                return Some(true);
            }
            if self.head()? {
                return Some(false);
            }
        }
    }

    fn repeat(&mut self, symbol: u16) -> Option<()> {
        let (base, extra) = *LENGTHS.get(usize::from(symbol - 257))?;
        let n = usize::from(base) + self.take(u32::from(extra))? as usize;
        if !self.codes.repeats {
            return None;
        }
        let (symbol, bits) = self.codes.distance.symbol(self.hot.bits)?;
        self.drop(bits)?;
        let (base, extra) = *DISTANCES.get(usize::from(symbol))?;
        let back = usize::from(base) + self.take(u32::from(extra))? as usize;
        let to = self.hot.to;
        let (from, end, out) = (to.checked_sub(back)?, to + n, &mut self.buffers.out);
        if back >= n {
            out.copy_within(from..from + n, to);
        } else if back == 1 {
            let b = out[from];
            out[to..end].fill(b);
        } else {
            for i in to..end {
                out[i] = out[i - back];
            }
        }
        self.hot.to = end;
        Some(())
    }

    /// Bytes that came out, where the stream ends as it should.
    fn finish(&mut self) -> Option<usize> {
        self.give()?;
        let n = self.base + self.hot.to;
        let stated = self.source.get(self.place()?..)?.first_chunk::<4>()?;
        (u32::from_be_bytes(*stated) == libdeflater::adler32(self.target.get(..n)?)).then_some(n)
    }

    /// Symbols one by one; at the end of the stream or where it is unsure, what came of it.
    fn onward(&mut self) -> Option<Option<usize>> {
        match self.slow() {
            Step::Fast => None,
            Step::Over => Some(self.finish()),
            Step::Unsure => Some(None),
        }
    }
}

/// A stream at its first block with codes; `None` where it is unsure, or less than `worth` of them is taken at once.
fn begin<'a>(source: &'a [u8], target: &'a mut [u8], lane: &'a mut Lane, worth: f64) -> Option<Stream<'a>> {
    let head = source.first_chunk::<2>()?;
    // deflate, a window of 32 KiB at most, no dictionary
    if head[0] & 15 != 8 || head[0] >> 4 > 7 || u16::from_be_bytes(*head) % 31 != 0 || head[1] & 32 != 0 {
        return None;
    }
    let (codes, buffers, hot) = (&mut lane.codes, lane.buffers.as_mut(), Hot::default());
    let mut s = Stream {
        source,
        fed: 2,
        end: 0,
        target,
        base: 0,
        given: 0,
        hot,
        codes,
        buffers,
        last: false,
        singles: 0,
        all_singles: 0,
    };
    s.feed();
    if s.next_block()? {
        return None;
    }
    let at_once = s.codes.share(0..256) + s.codes.share(257..257 + SHORT as usize);
    (at_once > worth).then_some(s)
}

/// Decodes one to its end.
#[inline(always)]
fn alone(s: &mut Stream<'_>) -> Option<usize> {
    loop {
        if let Some(over) = s.onward() {
            return over;
        }
        let n = s.steps()?;
        let mut h = s.hot;
        let mut left = n;
        if s.codes.plain {
            while left > 0 && group(&mut h, s.buffers) {
                left -= 1;
            }
        } else {
            while left > 0 && mixed(&mut h, s.buffers) {
                left -= 1;
            }
        }
        s.hot = h;
    }
}

/// Decodes two in turns, until one of them ends.
#[inline(always)]
fn together(a: &mut Stream<'_>, b: &mut Stream<'_>) -> [Option<Option<usize>>; 2] {
    let (mut slow_a, mut slow_b) = (true, true);
    loop {
        let over = [if slow_a { a.onward() } else { None }, if slow_b { b.onward() } else { None }];
        if over.iter().any(Option::is_some) {
            return over;
        }
        let (Some(n), Some(m)) = (a.steps(), b.steps()) else { return [Some(None), Some(None)] };
        let (mut x, mut y) = (a.hot, b.hot);
        let (mut fast_a, mut fast_b) = (n > 0, m > 0);
        let mut left = n.min(m);
        if a.codes.plain && b.codes.plain {
            while left > 0 {
                fast_a = group(&mut x, a.buffers);
                if !fast_a {
                    break;
                }
                fast_b = group(&mut y, b.buffers);
                if !fast_b {
                    break;
                }
                left -= 1;
            }
        } else {
            while left > 0 {
                fast_a = mixed(&mut x, a.buffers);
                if !fast_a {
                    break;
                }
                fast_b = mixed(&mut y, b.buffers);
                if !fast_b {
                    break;
                }
                left -= 1;
            }
        }
        (a.hot, b.hot) = (x, y);
        (slow_a, slow_b) = (!fast_a, !fast_b);
    }
}

thread_local! {
    static LANES: RefCell<Option<[Lane; 2]>> = const { RefCell::new(None) };
}

/// Inflates a zlib stream; `None` where libdeflate must look at it.
pub(super) fn one(input: &[u8], out: &mut [u8]) -> Option<usize> {
    LANES.with_borrow_mut(|c| {
        let [lane, _] = c.get_or_insert_with(|| [Lane::new(), Lane::new()]);
        alone(&mut begin(input, out, lane, WORTH)?)
    })
}

/// Inflates two zlib streams; `None` for each that libdeflate must look at.
pub(super) fn two(a: (&[u8], &mut [u8]), b: (&[u8], &mut [u8])) -> [Option<usize>; 2] {
    LANES.with_borrow_mut(|c| {
        let [first, second] = c.get_or_insert_with(|| [Lane::new(), Lane::new()]);
        let (a, b) = (begin(a.0, a.1, first, WORTH), begin(b.0, b.1, second, WORTH));
        let (mut a, mut b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (Some(mut a), None) => return [alone(&mut a), None],
            (None, Some(mut b)) => return [None, alone(&mut b)],
            (None, None) => return [None, None],
        };
        let [x, y] = together(&mut a, &mut b);
        [x.unwrap_or_else(|| alone(&mut a)), y.unwrap_or_else(|| alone(&mut b))]
    })
}
