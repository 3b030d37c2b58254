//! GeoTIFF, BigTIFF and COG by their own tiles: positioned reads, decoded by whichever thread asks.

use std::cell::RefCell;
use std::io::Read;
use std::path::Path;

use super::decode::{Compression, Part, Raw, decompress, extract};
use super::gdal::crs_of;
use super::geokeys::{CrsKey, position};
use super::ifd::{TiffFile, tag, unreadable};
use super::pieces::{Pieces, described, told_beside};
use crate::error::{Error, Result};
use crate::model::{BlockSource, Grid, Pixels, RasterInfo, Window, with_pixels};

/// Bit of `NewSubfileType` that marks a mask.
const MASK: u64 = 4;

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

    /// Copies what a window shares with one piece into the bands' pixels.
    fn piece(&self, (c, r): (usize, usize), bands: &[usize], w: Window, out: &mut [Pixels]) -> Result<()> {
        let p = &self.pieces;
        let rows = p.rows;
        let piece = Window { col: c * p.layout.columns, row: r * rows, width: p.layout.columns, height: rows };
        let shared = piece.intersection(&w).intersection(&self.info.grid.window());
        if shared.is_empty() {
            return Ok(());
        }
        let part = Part {
            row: shared.row - piece.row,
            rows: shared.height,
            column: shared.col - piece.col,
            columns: shared.width,
            to: (shared.row - w.row) * w.width + shared.col - w.col,
            stride: w.width,
        };
        if p.by_band {
            for (band, out) in bands.iter().zip(out) {
                self.part_of(((c, r), band * p.across * p.down), part, &[0], &[*band], std::slice::from_mut(out))?;
            }
            return Ok(());
        }
        self.part_of(((c, r), 0), part, bands, bands, out)
    }

    fn part_of(
        &self,
        ((c, r), first): ((usize, usize), usize),
        mut part: Part,
        samples: &[usize],
        bands: &[usize],
        out: &mut [Pixels],
    ) -> Result<()> {
        let p = &self.pieces;
        let at = first + r * p.across + c;
        let (offset, count) = (p.offsets[at], p.counts[at]);
        if offset == 0 && count == 0 {
            // a sparse file leaves out pieces that hold nothing but nodata
            for (out, b) in out.iter_mut().zip(bands) {
                let fill = self.info.bands[*b].nodata.unwrap_or(0.0);
                with_pixels!(out, v => part.fill(v, fill));
            }
            return Ok(());
        }
        if offset.checked_add(count).is_none_or(|end| end > self.file.length) {
            return Err(self.damaged(
                (c, r),
                &format!(
                    "the block lies at byte {offset} with {count} bytes, but the file ends at {}",
                    self.file.length
                ),
                &format!("分块位于字节 {offset} 起的 {count} 字节,但文件只有 {} 字节", self.file.length),
            ));
        }
        let row_bytes = p.layout.columns * p.layout.samples * p.ty.bytes();
        SCRATCH.with_borrow_mut(|(packed, plain)| {
            let n = if p.compression == Compression::None {
                // nothing but the rows asked for is read
                let (skip, need) = (part.row * row_bytes, part.rows * row_bytes);
                if (count as u128) < (skip + need) as u128 {
                    return Err(self.short((c, r), count as usize, skip + need));
                }
                plain.resize(need, 0);
                self.file.read_at(plain, offset + skip as u64).map_err(|e| e.at_block(c as u64, r as u64))?;
                part.row = 0;
                need
            } else {
                packed.resize(count as usize, 0);
                self.file.read_at(packed, offset).map_err(|e| e.at_block(c as u64, r as u64))?;
                self.inflate((c, r), packed, plain, part.row + part.rows)?
            };
            for (out, s) in out.iter_mut().zip(samples) {
                with_pixels!(out, v => extract(&plain[..n], p.layout, *s, part, v));
            }
            Ok(())
        })
    }

    /// Decompresses a piece; answers its bytes, which hold `rows` rows at least.
    fn inflate(&self, at: (usize, usize), packed: &[u8], plain: &mut Vec<u8>, rows: usize) -> Result<usize> {
        let p = &self.pieces;
        let row_bytes = p.layout.columns * p.layout.samples * p.ty.bytes();
        // the last strip holds the rows that are left, though some writers fill it up
        let full = p.rows;
        let held = if p.tiled { full } else { full.min(p.height - at.1 * full) };
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

thread_local! {
    /// Compressed and plain bytes of the piece a thread works on.
    static SCRATCH: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
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
        let (w, h) = (self.pieces.layout.columns, self.pieces.rows);
        for r in window.row / h..=(window.row + window.height - 1) / h {
            for c in window.col / w..=(window.col + window.width - 1) / w {
                self.piece((c, r), bands, window, &mut out)?;
            }
        }
        Ok(out)
    }
}
