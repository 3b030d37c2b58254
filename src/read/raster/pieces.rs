//! Tiles or strips of a TIFF: how large, where, how stored, and what their samples mean.

use std::path::Path;

use super::decode::{Compression, Layout, Predictor};
use super::ifd::{Directory, TiffFile, tag};
use super::metadata::items;
use crate::error::Result;
use crate::model::{Band, PixelType};

/// Bytes of one decoded tile or strip at most. Larger compressed pieces exist only by mistake; they could not be read
/// in bounded memory.
const MAX_PIECE_BYTES: u64 = 1 << 30;
/// Columns and rows at most, as GDAL holds them.
const MAX_SIDE: u64 = i32::MAX as u64;
const MAX_BANDS: u64 = 65_535;

/// Tiles or strips of one directory.
#[derive(Debug)]
pub(super) struct Pieces {
    pub width: usize,
    pub height: usize,
    /// Pieces side by side, and one below the other.
    pub across: usize,
    pub down: usize,
    /// Rows of a piece.
    pub rows: usize,
    /// Every band has its own pieces.
    pub by_band: bool,
    pub tiled: bool,
    pub ty: PixelType,
    pub compression: Compression,
    pub layout: Layout,
    pub offsets: Vec<u64>,
    pub counts: Vec<u64>,
}

impl Pieces {
    /// Bytes of a row of a piece.
    pub fn row_bytes(&self) -> usize {
        self.layout.columns * self.layout.samples * self.ty.bytes()
    }

    /// The pieces and the number of bands; `None` where their kind is left to GDAL.
    pub fn of(t: &TiffFile, d: &Directory) -> Result<Option<(Self, usize)>> {
        let (width, height) = (side(t, d, tag::IMAGE_WIDTH, "width")?, side(t, d, tag::IMAGE_LENGTH, "height")?);
        let bands = t.integer(d, tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
        if bands == 0 || bands > MAX_BANDS {
            return Err(t.damaged(format!("it states {bands} bands"), format!("声称有 {bands} 个波段")));
        }
        let Some(ty) = pixel_type(t, d)? else { return Ok(None) };
        let Some((compression, predictor)) = coding(t, d, ty)? else { return Ok(None) };
        let by_band = bands > 1 && t.integer(d, tag::PLANAR_CONFIGURATION)? == Some(2);
        let samples = if by_band { 1 } else { bands };
        let tiled = t.integers(d, tag::TILE_OFFSETS)?.is_some();
        let (columns, rows) = if tiled {
            (side(t, d, tag::TILE_WIDTH, "tile width")?, side(t, d, tag::TILE_LENGTH, "tile height")?)
        } else {
            (width, t.integer(d, tag::ROWS_PER_STRIP)?.unwrap_or(height).min(height))
        };
        if rows == 0 {
            return Err(t.damaged("its strips have no rows", "条带行数为零"));
        }
        let bytes = u128::from(columns) * u128::from(rows) * u128::from(samples) * ty.bytes() as u128;
        if compression != Compression::None && bytes > u128::from(MAX_PIECE_BYTES) {
            return Err(t.damaged(
                format!("one of its blocks would take {bytes} bytes in memory"),
                format!("单个分块解压后需 {bytes} 字节内存"),
            ));
        }
        let (across, down) = (width.div_ceil(columns), height.div_ceil(rows));
        let expected = u128::from(across) * u128::from(down) * u128::from(if by_band { bands } else { 1 });
        let (a, b) = if tiled {
            (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let table = |tag| Ok(t.integers(d, tag)?.unwrap_or_default());
        let (offsets, counts) = (table(a)?, table(b)?);
        if (offsets.len() as u128) < expected || (counts.len() as u128) < expected {
            return Err(t.damaged(
                format!(
                    "{width} × {height} pixels make {expected} blocks, but its table holds {}",
                    offsets.len().min(counts.len())
                ),
                format!(
                    "{width} × {height} 像素应有 {expected} 个分块,表中只有 {} 个",
                    offsets.len().min(counts.len())
                ),
            ));
        }
        let layout =
            Layout { columns: columns as usize, samples: samples as usize, predictor, big_endian: t.big_endian };
        let pieces = Self {
            width: width as usize,
            height: height as usize,
            across: across as usize,
            down: down as usize,
            rows: rows as usize,
            by_band,
            tiled,
            ty,
            compression,
            layout,
            offsets,
            counts,
        };
        Ok(Some((pieces, bands as usize)))
    }
}

fn side(t: &TiffFile, d: &Directory, tag: u16, name: &str) -> Result<u64> {
    match t.integer(d, tag)? {
        Some(n) if (1..=MAX_SIDE).contains(&n) => Ok(n),
        Some(n) => Err(t.damaged(format!("its {name} is {n}"), format!("标签 {tag} 的尺寸为 {n}"))),
        None => Err(t.damaged(format!("it has no {name} (tag {tag})"), format!("缺少尺寸标签 {tag}"))),
    }
}

/// Type of the samples; `None` where they differ among each other or are of a rarer kind.
fn pixel_type(t: &TiffFile, d: &Directory) -> Result<Option<PixelType>> {
    let same = |tag, default| -> Result<Option<u64>> {
        let v = t.integers(d, tag)?.unwrap_or_else(|| vec![default]);
        Ok(v.first().copied().filter(|f| v.iter().all(|x| x == f)))
    };
    let (Some(bits), Some(format)) = (same(tag::BITS_PER_SAMPLE, 1)?, same(tag::SAMPLE_FORMAT, 1)?) else {
        return Ok(None);
    };
    Ok(Some(match (format, bits) {
        (1 | 4, 8) => PixelType::U8,
        (1 | 4, 16) => PixelType::U16,
        (1 | 4, 32) => PixelType::U32,
        (1 | 4, 64) => PixelType::U64,
        (2, 8) => PixelType::I8,
        (2, 16) => PixelType::I16,
        (2, 32) => PixelType::I32,
        (2, 64) => PixelType::I64,
        (3, 32) => PixelType::F32,
        (3, 64) => PixelType::F64,
        _ => return Ok(None),
    }))
}

/// Compression and predictor; `None` where one of them, or the photometric kind, is left to GDAL.
fn coding(t: &TiffFile, d: &Directory, ty: PixelType) -> Result<Option<(Compression, Predictor)>> {
    let compression = match t.integer(d, tag::COMPRESSION)?.unwrap_or(1) {
        1 => Compression::None,
        5 => Compression::Lzw,
        8 | 32_946 => Compression::Deflate,
        50_000 => Compression::Zstd,
        _ => return Ok(None),
    };
    // 6 is YCbCr, whose samples are no bands; fill order 2 turns bits round
    if t.integer(d, tag::PHOTOMETRIC)? == Some(6) || t.integer(d, tag::FILL_ORDER)? == Some(2) {
        return Ok(None);
    }
    let predictor = match t.integer(d, tag::PREDICTOR)?.unwrap_or(1) {
        _ if compression == Compression::None => Predictor::None,
        1 => Predictor::None,
        2 => Predictor::Horizontal,
        3 if ty.is_float() => Predictor::FloatingPoint,
        _ => return Ok(None),
    };
    Ok(Some((compression, predictor)))
}

/// Metadata items of a file: name and value.
type Items = Vec<(String, String)>;

/// Bands and items of the file, from the tags of GDAL.
pub(super) fn described(t: &TiffFile, d: &Directory, p: &Pieces, bands: usize) -> Result<(Vec<Band>, Items)> {
    let nodata = t.text(d, tag::GDAL_NODATA)?.and_then(|s| s.trim().parse::<f64>().ok());
    let band = Band { ty: p.ty, nodata, scale: 1.0, offset: 0.0, description: None };
    let (mut bands, mut metadata) = (vec![band; bands], Vec::new());
    for i in items(&t.text(d, tag::GDAL_METADATA)?.unwrap_or_default()) {
        match i.sample {
            None => metadata.push((i.name, i.value)),
            Some(s) => {
                let Some(b) = bands.get_mut(s) else { continue };
                match i.role.as_str() {
                    "scale" => b.scale = i.value.parse().unwrap_or(1.0),
                    "offset" => b.offset = i.value.parse().unwrap_or(0.0),
                    "description" => b.description = Some(i.value),
                    _ => {}
                }
            }
        }
    }
    Ok((bands, metadata))
}

/// True where a file beside the TIFF changes what its pixels mean or where they lie (GDAL's `.aux.xml`, a mask).
pub(super) fn told_beside(path: &Path) -> bool {
    let beside = |s: &str| {
        let mut p = path.as_os_str().to_owned();
        p.push(s);
        std::path::PathBuf::from(p)
    };
    if beside(".msk").exists() {
        return true;
    }
    let Ok(aux) = std::fs::read_to_string(beside(".aux.xml")) else { return false };
    ["<NoDataValue", "<SRS", "<GeoTransform", "<Scale", "<Offset", "<GCPList"].iter().any(|k| aux.contains(k))
}
