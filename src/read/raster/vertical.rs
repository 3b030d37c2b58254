//! What a raster says of its heights: unit and vertical datum.

use std::path::Path;

use gdal::Dataset;

use super::gdal::open_dataset;
use crate::error::Result;

/// What a raster says of its heights; `None` where it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vertical {
    /// Unit, as the band's unit or the vertical CRS names it.
    pub unit: Option<String>,
    /// Vertical datum, as the CRS names it.
    pub datum: Option<String>,
}

/// Unit and datum of the heights in a band (numbered from 0), from the band's unit and the vertical part of the CRS.
///
/// # Errors
/// `Input` where GDAL cannot open it.
pub fn vertical(path: &Path, band: usize) -> Result<Vertical> {
    // GDAL gives the vertical part of GeoTIFF 1.0 only where asked; the option is this thread's alone
    let key = "GTIFF_REPORT_COMPD_CS";
    let _ = gdal::config::set_thread_local_config_option(key, "YES");
    let dataset = open_dataset(path);
    let _ = gdal::config::clear_thread_local_config_option(key);
    Ok(of(&dataset?, band))
}

fn of(d: &Dataset, band: usize) -> Vertical {
    let text = |s: String| Some(s.trim().to_owned()).filter(|s| !s.is_empty());
    let unit = d.rasterband(band + 1).ok().and_then(|b| text(b.unit()));
    let Ok(s) = d.spatial_ref() else { return Vertical { unit, datum: None } };
    let node = |path: &str| s.get_attr_value(path, 0).ok().flatten().and_then(text);
    let datum = node("VERT_DATUM").or_else(|| {
        // longitude, latitude and height on the ellipsoid
        let three = s.axes_count() == 3 && (s.is_geographic() || s.is_projected());
        three.then(|| format!("ellipsoid of {}", node("DATUM").unwrap_or_default()))
    });
    Vertical { unit: unit.or_else(|| node("VERT_CS|UNIT")), datum }
}
