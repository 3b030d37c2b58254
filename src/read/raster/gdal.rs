//! Every other raster, through GDAL: one dataset for each thread that reads, because GDAL's are not thread-safe.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gdal::raster::{GdalDataType, RasterBand, ResampleAlg};
use gdal::{Dataset, Metadata};

use crate::error::{Error, Result};
use crate::gdal_log;
use crate::model::{Band, BlockSource, Crs, Grid, PixelType, Pixels, RasterInfo, Window};

/// A raster that GDAL reads.
#[derive(Debug)]
pub struct GdalRaster {
    info: RasterInfo,
    name: PathBuf,
    masked: bool,
    /// Datasets that no thread is using; there are never more than threads.
    idle: Mutex<Vec<Dataset>>,
    /// A description in GDAL's memory that goes with the raster.
    _memory: Option<Memory>,
}

/// A file in GDAL's memory, removed with the raster that reads it.
#[derive(Debug)]
pub(super) struct Memory(pub String);

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = gdal::vsi::unlink_mem_file(&self.0);
    }
}

fn refused(path: &Path, e: &gdal::errors::GdalError) -> Error {
    let said = gdal_log::take().join("; ");
    let why = if said.is_empty() { e.to_string() } else { said };
    Error::input(format!("GDAL cannot read it: {why}"), format!("GDAL 无法读取:{why}")).in_file(path).remedy(
        "check that it is a raster and whole: gdalinfo -checksum FILE",
        "请确认它是完整的栅格:gdalinfo -checksum 文件",
    )
}

/// The error under the name that the user knows.
fn renamed(mut e: Error, source: &Path) -> Error {
    e.place.file = Some(source.to_path_buf());
    e
}

/// A dataset of this thread.
pub(super) fn open_dataset(path: &Path) -> Result<Dataset> {
    open(path)
}

fn open(path: &Path) -> Result<Dataset> {
    gdal_log::listen();
    gdal_log::take();
    let options = gdal::DatasetOptions { open_flags: gdal::GdalOpenFlags::GDAL_OF_RASTER, ..Default::default() };
    Dataset::open_ex(path, options).map_err(|e| refused(path, &e))
}

impl GdalRaster {
    /// Opens a raster by GDAL.
    ///
    /// # Errors
    /// `Input` where GDAL cannot open it, or it has no bands, or complex ones.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(open(path)?, path.to_path_buf(), path)
    }

    /// Opens a description that lies in GDAL's memory; `source` is what it describes.
    pub(super) fn described(memory: Memory, source: &Path) -> Result<Self> {
        let name = PathBuf::from(&memory.0);
        let mut r = Self::of(open(&name).map_err(|e| renamed(e, source))?, name, source)?;
        r._memory = Some(memory);
        Ok(r)
    }

    fn of(d: Dataset, name: PathBuf, source: &Path) -> Result<Self> {
        let n = d.raster_count();
        if n == 0 {
            return Err(Error::input("it holds no raster bands of its own", "其中没有栅格波段")
                .in_file(source)
                .remedy(
                    format!("name one of its parts (gdalinfo {} lists them as SUBDATASETS)", source.display()),
                    format!("请指明其中的子数据集(用 gdalinfo {} 查看 SUBDATASETS)", source.display()),
                ));
        }
        let failed = |e: gdal::errors::GdalError| refused(source, &e);
        let mut bands = Vec::new();
        let (mut block, mut masked) = ((0, 0), false);
        for i in 1..=n {
            let b = d.rasterband(i).map_err(failed)?;
            if i == 1 {
                block = b.block_size();
                let flags = b.mask_flags().map_err(failed)?;
                masked = flags.is_per_dataset();
            }
            bands.push(band(&b).ok_or_else(|| {
                Error::input(
                    format!("band {i} holds {:?} numbers, which no index is made of", b.band_type()),
                    format!("波段 {i} 的数值类型 {:?} 不受支持", b.band_type()),
                )
                .in_file(source)
            })?);
        }
        let (width, height) = d.raster_size();
        let transform = d.geo_transform().unwrap_or([0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let metadata = d
            .metadata_domain("")
            .unwrap_or_default()
            .iter()
            .filter_map(|l| l.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let info = RasterInfo {
            source: source.to_path_buf(),
            format: d.driver().short_name(),
            grid: Grid { transform, width, height, crs: crs(&d) },
            bands,
            block,
            metadata,
        };
        gdal_log::take();
        Ok(Self { info, name, masked, idle: Mutex::new(vec![d]), _memory: None })
    }

    /// Runs something on a dataset that no other thread uses.
    fn with<T>(&self, f: impl FnOnce(&Dataset) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().map(|mut i| i.pop()).unwrap_or_default();
        let d = match idle {
            Some(d) => d,
            None => open(&self.name)?,
        };
        gdal_log::take();
        let out = f(&d);
        if let Ok(mut i) = self.idle.lock() {
            i.push(d);
        }
        out
    }

    fn block_error(&self, e: &gdal::errors::GdalError, w: Window) -> Error {
        let (bw, bh) = (self.info.block.0.max(1), self.info.block.1.max(1));
        refused(&self.info.source, e).at_block((w.col / bw) as u64, (w.row / bh) as u64)
    }
}

impl BlockSource for GdalRaster {
    fn info(&self) -> &RasterInfo {
        &self.info
    }

    fn read(&self, bands: &[usize], w: Window) -> Result<Vec<Pixels>> {
        check_request(&self.info, bands, w)?;
        self.with(|d| {
            let mut out = Vec::with_capacity(bands.len());
            for b in bands {
                let mut p = Pixels::zeros(self.info.bands[*b].ty, w.len());
                read_band(d, b + 1, w, &mut p).map_err(|e| self.block_error(&e, w))?;
                out.push(p);
            }
            Ok(out)
        })
    }

    fn mask(&self, w: Window) -> Result<Option<Vec<u8>>> {
        if !self.masked || w.is_empty() {
            return Ok(None);
        }
        self.with(|d| {
            let mut out = vec![0u8; w.len()];
            let failed = |e: gdal::errors::GdalError| self.block_error(&e, w);
            let band = d.rasterband(1).map_err(failed)?;
            let mask = band.open_mask_band().map_err(failed)?;
            mask.read_into_slice(at(w), size(w), size(w), &mut out, None).map_err(failed)?;
            Ok(Some(out))
        })
    }
}

fn at(w: Window) -> (isize, isize) {
    (w.col.cast_signed(), w.row.cast_signed())
}

fn size(w: Window) -> (usize, usize) {
    (w.width, w.height)
}

fn read_band(d: &Dataset, band: usize, w: Window, p: &mut Pixels) -> gdal::errors::Result<()> {
    if w.is_empty() {
        return Ok(());
    }
    let b = d.rasterband(band)?;
    if let Pixels::I8(v) = p {
        // GDAL below 3.7 has signed bytes only as a remark on unsigned ones
        let mut bytes = vec![0u8; v.len()];
        b.read_into_slice(at(w), size(w), size(w), &mut bytes, None)?;
        v.iter_mut().zip(bytes).for_each(|(o, i)| *o = i.cast_signed());
        return Ok(());
    }
    macro_rules! read {
        ($($v:ident),*) => {
            match p {
                $(Pixels::$v(v) => b.read_into_slice(at(w), size(w), size(w), v, None::<ResampleAlg>),)*
                Pixels::I8(_) => Ok(()),
            }
        };
    }
    read!(U8, U16, I16, U32, I32, U64, I64, F32, F64)
}

fn band(b: &RasterBand<'_>) -> Option<Band> {
    let signed = b.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE").is_some_and(|p| p == "SIGNEDBYTE");
    let ty = match b.band_type() {
        GdalDataType::UInt8 if signed => PixelType::I8,
        GdalDataType::UInt8 => PixelType::U8,
        GdalDataType::UInt16 => PixelType::U16,
        GdalDataType::Int16 => PixelType::I16,
        GdalDataType::UInt32 => PixelType::U32,
        GdalDataType::Int32 => PixelType::I32,
        GdalDataType::UInt64 => PixelType::U64,
        GdalDataType::Int64 => PixelType::I64,
        GdalDataType::Float32 => PixelType::F32,
        GdalDataType::Float64 => PixelType::F64,
        _ => return None,
    };
    let description = b.description().ok().filter(|d| !d.is_empty());
    Some(Band {
        ty,
        nodata: b.no_data_value(),
        scale: b.scale().unwrap_or(1.0),
        offset: b.offset().unwrap_or(0.0),
        description,
    })
}

fn crs(d: &Dataset) -> Option<Crs> {
    let s = d.spatial_ref().ok()?;
    let code = match (s.auth_name(), s.auth_code()) {
        (Some(a), Ok(c)) => Some(format!("{a}:{c}")),
        _ => None,
    };
    let definition = s.to_wkt().ok()?;
    let name = s.name().unwrap_or_else(|| code.clone().unwrap_or_default());
    Some(Crs { definition: code.clone().unwrap_or(definition), code, name })
}

/// The CRS of a file as GDAL understands it.
pub(super) fn crs_of(path: &Path) -> Result<Option<Crs>> {
    Ok(crs(&open(path)?))
}

/// Names of the rasters inside a container (`SUBDATASET_n_NAME`), with their descriptions.
///
/// # Errors
/// `Input` where GDAL cannot open it.
pub fn subdatasets(path: &Path) -> Result<Vec<(String, String)>> {
    let items = open(path)?.metadata_domain("SUBDATASETS").unwrap_or_default();
    let value = |key: String| items.iter().find_map(|i| i.strip_prefix(&format!("{key}=")).map(str::to_owned));
    let mut out = Vec::new();
    for n in 1.. {
        let Some(name) = value(format!("SUBDATASET_{n}_NAME")) else { break };
        out.push((name, value(format!("SUBDATASET_{n}_DESC")).unwrap_or_default()));
    }
    Ok(out)
}

/// Refuses bands that are not there and windows that leave the grid.
pub(super) fn check_request(info: &RasterInfo, bands: &[usize], w: Window) -> Result<()> {
    if let Some(b) = bands.iter().find(|b| **b >= info.bands.len()) {
        let (n, b) = (info.bands.len(), b + 1);
        return Err(Error::usage(
            format!("band {b} was asked for, but there are {n}"),
            format!("请求了波段 {b},但只有 {n} 个波段"),
        )
        .in_file(&info.source));
    }
    if w.col + w.width > info.grid.width || w.row + w.height > info.grid.height {
        return Err(
            Error::input("a window outside the raster was asked for", "请求的窗口超出栅格范围").in_file(&info.source)
        );
    }
    Ok(())
}
