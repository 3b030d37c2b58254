//! GeoTIFF, BigTIFF and COG by their own tiles: positioned reads, decoded by whichever thread asks.

use std::cell::RefCell;
use std::io::Read;
use std::path::Path;

use super::decode::{Compression, Part, Raw, decompress, extract};
use super::gdal::crs_of;
use super::geokeys::{CrsKey, position};
use super::ifd::{TiffFile, tag, unreadable};
use super::inflate;
use super::pieces::{Pieces, described, told_beside};
use crate::error::{Error, Result};
use crate::model::{BlockSource, Grid, Pixels, RasterInfo, Window, with_pixels};

/// Bit of `NewSubfileType` that marks a mask.
const MASK: u64 = 4;
/// Bytes of a piece from which on no second one is held beside it.
const LARGE: usize = 32 << 20;

/// A TIFF of one of the kinds that are decoded here; its overviews are not used.
#[derive(Debug)]
pub struct GeoTiff {
    file: TiffFile,
    info: RasterInfo,
    pieces: Pieces,
}

/// True where the file begins as a TIFF or BigTIFF does. Folders and names of GDAL's own are none.
pub(super) fn is_tiff(path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    let (mut head, mut n) = ([0u8; 4], 0);
    let mut f = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    while n < 4 {
        match f.read(&mut head[n..]).map_err(|e| unreadable(path, &e))? {
            0 => return Ok(false),
            k => n += k,
        }
    }
    Ok(matches!(&head, b"II\x2a\0" | b"MM\0\x2a" | b"II\x2b\0" | b"MM\0\x2b"))
}

impl GeoTiff {
    /// Opens a TIFF; `None` where it is sound but of a kind that is left to GDAL: other compressions, bits by 1 to 7
    /// or 12, complex numbers, internal masks, YCbCr, world files, control points, or values told in `FILE.aux.xml`.
    ///
    /// # Errors
    /// `Input` where the file cannot be read or contradicts itself.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let (file, first) = TiffFile::open(path)?;
        let directories = file.directories(first)?;
        let d = &directories[0];
        for other in &directories[1..] {
            if file.integer(other, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0) & MASK != 0 {
                return Ok(None);
            }
        }
        let Some((pieces, bands)) = Pieces::of(&file, d)? else { return Ok(None) };
        if told_beside(path) {
            return Ok(None);
        }
        let (transform, key) = position(&file, d)?;
        let Some(transform) = transform else { return Ok(None) };
        let crs = match key {
            CrsKey::None => None,
            CrsKey::Epsg(c) => Some(c),
            CrsKey::Parameters => crs_of(path)?,
        };
        let grid = Grid { transform, width: pieces.width, height: pieces.height, crs };
        let (bands, metadata) = described(&file, d, &pieces, bands)?;
        let rows = pieces.rows;
        let info = RasterInfo {
            source: path.to_path_buf(),
            format: "GTiff".into(),
            grid,
            bands,
            block: (pieces.layout.columns, rows),
            metadata,
        };
        Ok(Some(Self { file, info, pieces }))
    }

    fn damaged(&self, piece: (usize, usize), en: &str, zh: &str) -> Error {
        self.file.damaged(en, zh).at_block(piece.0 as u64, piece.1 as u64)
    }

    /// What a window takes of the stored pieces, by rows of pieces.
    fn tasks(&self, bands: &[usize], w: Window) -> Vec<Task> {
        let p = &self.pieces;
        let (width, height) = (p.layout.columns, p.rows);
        let mut out = Vec::new();
        for r in w.row / height..=(w.row + w.height - 1) / height {
            for c in w.col / width..=(w.col + w.width - 1) / width {
                let piece = Window { col: c * width, row: r * height, width, height };
                let shared = piece.intersection(&w).intersection(&self.info.grid.window());
                if shared.is_empty() {
                    continue;
                }
                let part = Part {
                    row: shared.row - piece.row,
                    rows: shared.height,
                    column: shared.col - piece.col,
                    columns: shared.width,
                    to: (shared.row - w.row) * w.width + shared.col - w.col,
                    stride: w.width,
                };
                let (at, index) = ((c, r), r * p.across + c);
                if p.by_band {
                    let of = |(i, b): (usize, &usize)| Task {
                        at,
                        index: index + b * p.across * p.down,
                        part,
                        band: Some(i),
                    };
                    out.extend(bands.iter().enumerate().map(of));
                } else {
                    out.push(Task { at, index, part, band: None });
                }
            }
        }
        out
    }

    /// Copies what one or two tasks ask for into the bands' pixels.
    fn take(&self, tasks: &[Task], bands: &[usize], out: &mut [Pixels]) -> Result<()> {
        SCRATCH.with_borrow_mut(|scratch| {
            for (t, s) in tasks.iter().zip(scratch.iter_mut()) {
                self.load(t, s)?;
            }
            self.at_once(tasks, scratch);
            for (t, s) in tasks.iter().zip(scratch.iter_mut()) {
                let which = t.band.map_or(0..bands.len(), |b| b..b + 1);
                let (bands, out) = (&bands[which.clone()], &mut out[which]);
                let mut part = t.part;
                let n = match s.state {
                    State::Absent => {
                        // a sparse file leaves out pieces that hold nothing but nodata
                        for (out, b) in out.iter_mut().zip(bands) {
                            let fill = self.info.bands[*b].nodata.unwrap_or(0.0);
                            with_pixels!(out, v => part.fill(v, fill));
                        }
                        continue;
                    }
                    State::Rows => {
                        part.row = 0;
                        s.plain.len()
                    }
                    State::Plain(n) => n,
                    State::Packed => self.inflate(t.at, &s.packed, &mut s.plain, part.row + part.rows)?,
                };
                for (out, b) in out.iter_mut().zip(bands) {
                    let sample = if t.band.is_some() { 0 } else { *b };
                    with_pixels!(out, v => extract(&s.plain[..n], self.pieces.layout, sample, part, v));
                }
            }
            Ok(())
        })
    }

    /// Reads the bytes of a piece as they are stored.
    fn load(&self, t: &Task, s: &mut Scratch) -> Result<()> {
        let p = &self.pieces;
        let (c, r) = t.at;
        let (offset, count) = (p.offsets[t.index], p.counts[t.index]);
        if offset == 0 && count == 0 {
            s.state = State::Absent;
            return Ok(());
        }
        if offset.checked_add(count).is_none_or(|end| end > self.file.length) {
            return Err(self.damaged(
                t.at,
                &format!(
                    "the block lies at byte {offset} with {count} bytes, but the file ends at {}",
                    self.file.length
                ),
                &format!("分块位于字节 {offset} 起的 {count} 字节,但文件只有 {} 字节", self.file.length),
            ));
        }
        let here = |e: Error| e.at_block(c as u64, r as u64);
        if p.compression != Compression::None {
            s.packed.resize(count as usize, 0);
            s.state = State::Packed;
            return self.file.read_at(&mut s.packed, offset).map_err(here);
        }
        // nothing but the rows asked for is read
        let row_bytes = p.row_bytes();
        let (skip, need) = (t.part.row * row_bytes, t.part.rows * row_bytes);
        if (count as u128) < (skip + need) as u128 {
            return Err(self.short(t.at, count as usize, skip + need));
        }
        s.plain.resize(need, 0);
        s.state = State::Rows;
        self.file.read_at(&mut s.plain, offset + skip as u64).map_err(here)
    }

    /// Inflates what the fast decoder is sure of; the rest stays packed for libdeflate.
    fn at_once(&self, tasks: &[Task], scratch: &mut [Scratch; 2]) {
        if self.pieces.compression != Compression::Deflate {
            return;
        }
        for (t, s) in tasks.iter().zip(scratch.iter_mut()).filter(|(_, s)| s.state == State::Packed) {
            s.plain.resize(self.held(t.at.1) * self.pieces.row_bytes(), 0);
        }
        let packed = |i: usize, s: &[Scratch; 2]| i < tasks.len() && s[i].state == State::Packed;
        let found = match [packed(0, scratch), packed(1, scratch)] {
            [true, true] => {
                let [a, b] = scratch;
                inflate::two((&a.packed, &mut a.plain), (&b.packed, &mut b.plain))
            }
            [a, b] => [(a, 0), (b, 1)].map(|(there, i)| {
                let s = &mut scratch[i];
                if there { inflate::one(&s.packed, &mut s.plain) } else { None }
            }),
        };
        for (s, n) in scratch.iter_mut().zip(found) {
            if n == Some(s.plain.len()) {
                s.state = State::Plain(s.plain.len());
            }
        }
    }

    /// Rows that a piece holds: the last strip holds those that are left, though some writers fill it up.
    fn held(&self, row: usize) -> usize {
        let p = &self.pieces;
        if p.tiled { p.rows } else { p.rows.min(p.height - row * p.rows) }
    }

    /// Decompresses a piece; answers its bytes, which hold `rows` rows at least.
    fn inflate(&self, at: (usize, usize), packed: &[u8], plain: &mut Vec<u8>, rows: usize) -> Result<usize> {
        let p = &self.pieces;
        let (row_bytes, full, held) = (p.row_bytes(), p.rows, self.held(at.1));
        let broken = |why: String| self.damaged(at, &why, &format!("分块无法解压({why})"));
        plain.resize(held * row_bytes, 0);
        let n = match decompress(p.compression, packed, plain) {
            Err(_) if held < full => {
                plain.resize(full * row_bytes, 0);
                decompress(p.compression, packed, plain).map_err(broken)?
            }
            other => other.map_err(broken)?,
        };
        if n < held * row_bytes || n < rows * row_bytes {
            return Err(self.short(at, n, held * row_bytes));
        }
        Ok(n)
    }

    fn short(&self, at: (usize, usize), found: usize, expected: usize) -> Error {
        self.damaged(
            at,
            &format!("the block holds {found} bytes where {expected} belong"),
            &format!("分块只有 {found} 字节,应为 {expected} 字节"),
        )
    }
}

/// What a window takes of one stored piece.
#[derive(Debug, Clone, Copy)]
struct Task {
    /// Column and row of the piece.
    at: (usize, usize),
    /// Its place in the table of pieces.
    index: usize,
    part: Part,
    /// Which of the bands asked for it holds; `None` for all.
    band: Option<usize>,
}

/// How the bytes of a piece stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The file leaves it out.
    #[default]
    Absent,
    /// The rows asked for, as they are.
    Rows,
    /// Compressed.
    Packed,
    /// Decompressed to so many bytes.
    Plain(usize),
}

/// Compressed and plain bytes of a piece that a thread works on.
#[derive(Debug, Default)]
struct Scratch {
    packed: Vec<u8>,
    plain: Vec<u8>,
    state: State,
}

thread_local! {
    static SCRATCH: RefCell<[Scratch; 2]> = RefCell::default();
}

impl Part {
    fn fill<T: Raw>(&self, out: &mut [T], value: f64) {
        let value = T::exactly(value).unwrap_or_default();
        for r in 0..self.rows {
            let to = self.to + r * self.stride;
            out[to..to + self.columns].fill(value);
        }
    }
}

impl BlockSource for GeoTiff {
    fn info(&self) -> &RasterInfo {
        &self.info
    }

    fn read(&self, bands: &[usize], window: Window) -> Result<Vec<Pixels>> {
        super::gdal::check_request(&self.info, bands, window)?;
        let mut out: Vec<Pixels> = bands.iter().map(|_| Pixels::zeros(self.pieces.ty, window.len())).collect();
        if window.is_empty() {
            return Ok(out);
        }
        // two pieces at a time are inflated in turns, unless they are large
        let two = if self.pieces.rows * self.pieces.row_bytes() <= LARGE { 2 } else { 1 };
        for tasks in self.tasks(bands, window).chunks(two) {
            self.take(tasks, bands, &mut out)?;
        }
        Ok(out)
    }
}
