//! Rasters to the model: GeoTIFF, BigTIFF and COG by their own tiles; everything else, and TIFFs of rarer kinds,
//! through GDAL.

mod decode;
mod gdal;
mod geokeys;
mod geotiff;
mod ifd;
mod inflate;
mod metadata;
mod pieces;
mod vertical;
mod warp;

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::model::BlockSource;

pub use gdal::{GdalRaster, subdatasets};
pub use geotiff::GeoTiff;
pub use vertical::{Vertical, vertical};
pub use warp::{Resampling, warped};

/// Opens a raster: a file, or a name that GDAL knows (`NETCDF:file.nc:band`, `SENTINEL2_L2A:…`).
///
/// A TIFF is read by its own tile table where its kind is one that [`GeoTiff`] decodes (8 to 64-bit numbers; deflate,
/// LZW, ZSTD or none), and through GDAL otherwise.
///
/// # Errors
/// `Input` where it cannot be read, is no raster, or is damaged.
pub fn open(path: &Path) -> Result<Arc<dyn BlockSource>> {
    if geotiff::is_tiff(path)?
        && let Some(t) = GeoTiff::open(path)?
    {
        return Ok(Arc::new(t));
    }
    Ok(Arc::new(GdalRaster::open(path)?))
}
