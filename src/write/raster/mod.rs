//! Rasters to cloud-optimised GeoTIFF, and pictures of them to PNG.
//!
//! The layout is written here rather than by GDAL's COG driver, which makes the file twice (a GeoTIFF first, then a copy
//! with overviews): tiles are compressed by the threads that compute them, overviews grow as rows of tiles come in, and
//! everything is put in the order that a reader over the network wants once all is known.

mod encode;
mod geotags;
mod header;
mod huffman;
mod pyramid;
pub mod quicklook;

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::{Grid, Window};
pub use encode::{Tile, Writable};
use header::{Image, Tiles};
use pyramid::Pyramid;

/// Columns and rows of the tiles written.
pub const TILE: usize = 512;

/// How overviews are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overviews {
    /// None.
    None,
    /// Means of the observed among four pixels.
    #[default]
    Average,
    /// One of four pixels: for classes.
    Nearest,
}

/// Lossless compression of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// Deflate, which every program reads.
    #[default]
    Deflate,
    /// ZSTD: faster and smaller; GDAL from 2.3 reads it.
    Zstd,
}

/// One band to write.
#[derive(Debug, Clone, PartialEq)]
pub struct BandHead {
    /// Name.
    pub description: String,
    /// `value = pixel · scale + offset`.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
}

/// What a raster file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RasterHead {
    /// Where it lies.
    pub grid: Grid,
    /// Its bands, each in tiles of its own.
    pub bands: Vec<BandHead>,
    /// The pixel that stands for “no data”.
    pub nodata: Option<f64>,
    /// Overviews.
    pub overviews: Overviews,
    /// Compression.
    pub packing: Packing,
    /// Items of the file: what it shows, from what, by which method.
    pub metadata: Vec<(String, String)>,
}

impl RasterHead {
    /// The part of the work that many threads do at once: pixels of a window, which begins and ends at edges of tiles
    /// or of the raster, to compressed tiles, their statistics and the pixels of the first overview.
    pub fn encode<T: Writable>(&self, band: usize, window: Window, pixels: &[T]) -> Tile<T> {
        encode::encode(self, band, window, pixels)
    }
}

/// Numbers about the observed pixels of one band, in the band's values (after scale and offset).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Pixels observed.
    pub count: u64,
    /// Least value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (of the population).
    pub std: f64,
}

/// Running sums of one band's pixels, unscaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    count: u64,
    min: f64,
    max: f64,
    sum: f64,
    squares: f64,
}

impl Default for Sums {
    fn default() -> Self {
        Self { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, squares: 0.0 }
    }
}

impl Sums {
    fn add(&mut self, o: &Self) {
        self.count += o.count;
        self.min = self.min.min(o.min);
        self.max = self.max.max(o.max);
        self.sum += o.sum;
        self.squares += o.squares;
    }

    fn statistics(&self, b: &BandHead) -> Option<Statistics> {
        if self.count == 0 {
            return None;
        }
        let n = self.count as f64;
        let mean = self.sum / n;
        let std = (self.squares / n - mean * mean).max(0.0).sqrt();
        let value = |v: f64| v * b.scale + b.offset;
        let (a, z) = (value(self.min), value(self.max));
        Some(Statistics {
            count: self.count,
            min: a.min(z),
            max: a.max(z),
            mean: value(mean),
            std: std * b.scale.abs(),
        })
    }
}

/// A GeoTIFF being written at the place that [`super::Staging`] gave: tiles come in by rows, the order of tiles in a row
/// and of bands in a tile is free.
#[derive(Debug)]
pub struct Cog<T: Writable> {
    head: RasterHead,
    path: PathBuf,
    /// Tiles as they come, before their order is known; without overviews it is the file itself.
    spool: BufWriter<File>,
    spool_path: PathBuf,
    /// Bytes left free before them for the head.
    room: u64,
    written: u64,
    levels: Vec<Tiles>,
    pyramids: Vec<Pyramid<T>>,
    sums: Vec<Sums>,
}

impl<T: Writable> Cog<T> {
    /// Begins a file at a staged path.
    ///
    /// # Errors
    /// `Output` where the file cannot be made.
    pub fn create(path: &Path, head: RasterHead) -> Result<Self> {
        let sizes = level_sizes(&head.grid, head.overviews);
        let bands = head.bands.len();
        let levels: Vec<Tiles> = sizes.iter().map(|s| Tiles::new(*s, bands)).collect();
        let mut spool_path = path.as_os_str().to_owned();
        let mut room = 0;
        if sizes.len() == 1 {
            // compressed tiles can grow a little beyond the plain ones
            let bytes = head.grid.width as u64 * head.grid.height as u64 * (bands * T::TYPE.bytes()) as u64;
            let image = Image { head: &head, ty: T::TYPE, statistics: &vec![None; bands], total: 1.0 };
            room = image.room(&levels, bytes + bytes / 8 > header::BIG);
        } else {
            spool_path.push(".tiles");
        }
        let spool_path = PathBuf::from(spool_path);
        let spool = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&spool_path)
            .map_err(|e| super::staging::unwritable(path, e))?;
        let nodata = head.nodata.and_then(T::exactly);
        let pyramids = (0..bands).map(|_| Pyramid::new(&sizes, head.overviews, nodata)).collect();
        let sums = vec![Sums::default(); bands];
        let mut spool = BufWriter::with_capacity(1 << 20, spool);
        spool.write_all(&vec![0; room as usize]).map_err(|e| super::staging::unwritable(path, e))?;
        Ok(Self { head, path: path.to_path_buf(), spool, spool_path, room, written: room, levels, pyramids, sums })
    }

    /// Adds encoded tiles.
    ///
    /// # Errors
    /// `Output` where they cannot be written (a full disk).
    pub fn put(&mut self, tile: Tile<T>) -> Result<()> {
        self.sums[tile.band].add(&tile.sums);
        for (at, bytes) in &tile.packed {
            self.store(0, tile.band, *at, bytes)?;
        }
        let Some((window, half)) = tile.half else { return Ok(()) };
        let done = self.pyramids[tile.band].put(0, window, &half, &self.head);
        for (level, at, bytes) in done {
            self.store(level, tile.band, at, &bytes)?;
        }
        Ok(())
    }

    fn store(&mut self, level: usize, band: usize, (c, r): (usize, usize), bytes: &[u8]) -> Result<()> {
        let tiles = &mut self.levels[level];
        tiles.set(band, c, r, self.written, bytes.len() as u64);
        self.written += bytes.len() as u64;
        self.spool.write_all(bytes).map_err(|e| super::staging::unwritable(&self.path, e))
    }

    /// Puts header, overviews and tiles in their order and ends the file; answers the statistics of each band, `None`
    /// where nothing of it was observed.
    ///
    /// # Errors
    /// `Output` where it cannot be written, or tiles are missing.
    pub fn finish(mut self) -> Result<Vec<Option<Statistics>>> {
        let failed = |e: std::io::Error| super::staging::unwritable(&self.path, e);
        if self.levels.iter().any(|l| !l.whole()) {
            return Err(Error::output("the raster was not written whole", "栅格未写完整").in_file(&self.path));
        }
        self.spool.flush().map_err(failed)?;
        let mut spool = self.spool.into_inner().map_err(|e| failed(e.into_error()))?;
        let statistics: Vec<_> = self.sums.iter().zip(&self.head.bands).map(|(s, b)| s.statistics(b)).collect();
        let total = (self.head.grid.width * self.head.grid.height) as f64;
        let image = Image { head: &self.head, ty: T::TYPE, statistics: &statistics, total };
        if self.room > 0 {
            if let Some(header) = image.in_place(&self.levels, self.written, self.room) {
                spool.seek(SeekFrom::Start(0)).and_then(|_| spool.write_all(&header)).map_err(failed)?;
                return Ok(statistics);
            }
            // numbers longer than any that was thought of: the tiles move after all
            let mut aside = self.path.as_os_str().to_owned();
            aside.push(".tiles");
            self.spool_path = PathBuf::from(aside);
            std::fs::rename(&self.path, &self.spool_path).map_err(failed)?;
        }
        let order = image.layout(&mut self.levels, self.written);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&self.path).map_err(failed)?);
        out.write_all(&order.header).map_err(failed)?;
        let mut bytes = Vec::new();
        for (from, n) in in_runs(order.pieces) {
            bytes.resize(n as usize, 0);
            spool.seek(SeekFrom::Start(from)).map_err(failed)?;
            spool.read_exact(&mut bytes).map_err(failed)?;
            out.write_all(&bytes).map_err(failed)?;
        }
        out.flush().map_err(failed)?;
        drop(spool);
        std::fs::remove_file(&self.spool_path).map_err(failed)?;
        Ok(statistics)
    }
}

/// Pieces that lie one behind the other as one, up to a MiB.
fn in_runs(pieces: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    const MOST: u64 = 1 << 20;
    let mut out: Vec<(u64, u64)> = Vec::with_capacity(pieces.len());
    for (from, n) in pieces {
        match out.last_mut() {
            Some((at, m)) if *at + *m == from && *m + n <= MOST => *m += n,
            _ => out.push((from, n)),
        }
    }
    out
}

/// Sizes of the image and of its overviews, each half the one before, down to a single tile.
fn level_sizes(g: &Grid, o: Overviews) -> Vec<(usize, usize)> {
    let mut out = vec![(g.width, g.height)];
    let (mut w, mut h) = (g.width, g.height);
    while o != Overviews::None && (w > TILE || h > TILE) {
        (w, h) = (w.div_ceil(2), h.div_ceil(2));
        out.push((w, h));
    }
    out
}

/// A nodata number as GDAL writes it in its tag.
pub(super) fn nodata_text(v: f64) -> String {
    if v.is_nan() { "nan".into() } else { format!("{v}") }
}
