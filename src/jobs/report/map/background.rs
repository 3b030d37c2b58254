//! A raster as the background of a sheet: brought to the pixels of its frame.

use std::path::Path;
use std::sync::Arc;

use super::super::super::Notes;
use super::MapOptions;
use crate::error::{Error, Result, Text};
use crate::model::{Crs, Grid, Picture, RasterInfo};
use crate::prepare::crs::ResolvedCrs;
use crate::read::raster::{Resampling, open, warped};
use crate::report::page::picture::{Colours, coloured};
use crate::report::sheet::View;

/// Finest resolution of a background, dots per inch.
const DPI: f64 = 200.0;

/// The picture in the frame.
pub(super) fn picture(
    o: &MapOptions,
    path: &Path,
    v: &View,
    crs: &ResolvedCrs,
    notes: &mut Notes,
) -> Result<Option<Arc<Picture>>> {
    let source = open(path)?;
    let info = source.info();
    let grid = grid(o, v, crs);
    let bands = bands(o, info)?;
    if info.grid.crs.is_none() {
        return Err(Error::input("the background has no CRS", "底图没有坐标系")
            .in_file(path)
            .remedy("write one with gdal_translate -a_srs EPSG:…", "用 gdal_translate -a_srs EPSG:… 写入坐标系"));
    }
    // of pixels finer than the paper's their mean is shown
    let own = info.grid.pixel_area().sqrt();
    let finer = info.grid.pixel_area() > 1e-6 && own < grid.transform[1];
    let how = if finer { Resampling::Average } else { Resampling::Bilinear };
    let pixels = warped(info, &grid, how, None)?.read(&bands, grid.window())?;
    let nodata: Vec<Option<f64>> = bands.iter().map(|&b| info.bands[b].nodata).collect();
    let Colours { picture, stretched } = coloured(&pixels, &nodata, grid.width, grid.height);
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if picture.rgba.chunks_exact(4).all(|c| c[3] == 0) {
        notes.warnings.push(Text::new(
            format!("{file}: the background has no pixel in the frame"),
            format!("{file}:图廓内没有底图像元"),
        ));
        return Ok(None);
    }
    if let Some((low, high)) = stretched {
        notes.warnings.push(Text::new(
            format!("{file}: values from {low:.4} to {high:.4} (2nd to 98th percentile) are shown from dark to light"),
            format!("{file}:数值 {low:.4} 至 {high:.4}(2%–98% 分位)拉伸显示"),
        ));
    }
    Ok(Some(Arc::new(picture)))
}

/// Pixels of the frame, exactly.
fn grid(o: &MapOptions, v: &View, crs: &ResolvedCrs) -> Grid {
    let per_mm = o.dpi.min(DPI) / 25.4;
    let [width, height] = [v.frame[2], v.frame[3]].map(|s| (s * per_mm).round().max(1.0) as usize);
    let [x0, y0, x1, y1] = v.bounds;
    let own = Crs { definition: crs.definition.clone(), code: crs.code.clone(), name: crs.name.clone() };
    Grid {
        transform: [x0, (x1 - x0) / width as f64, 0.0, y1, 0.0, (y0 - y1) / height as f64],
        width,
        height,
        crs: Some(own),
    }
}

/// Bands as red, green, blue: those told, else the first three, else the first alone.
fn bands(o: &MapOptions, info: &RasterInfo) -> Result<Vec<usize>> {
    let n = info.bands.len();
    if o.background_bands.is_empty() {
        return Ok(if n >= 3 { vec![0, 1, 2] } else { vec![0] });
    }
    match o.background_bands.iter().find(|&&b| b == 0 || b > n) {
        Some(b) => Err(Error::usage(
            format!("--background-bands: there is no band {b}, of {n}"),
            format!("--background-bands:没有波段 {b}(共 {n} 个)"),
        )
        .in_file(&info.source)),
        None => Ok(o.background_bands.iter().map(|b| b - 1).collect()),
    }
}
