//! Before and after: two rasters brought to Web Mercator, as small pictures.

use std::path::{Path, PathBuf};

use geo::{BoundingRect, Geometry, LineString, Polygon};

use super::super::super::Notes;
use super::super::super::inputs::typed_crs;
use super::PageOptions;
use crate::error::{Error, Result, Text};
use crate::model::{Grid, RasterInfo};
use crate::prepare::crs::{geographic_bounds, resolve};
use crate::prepare::shapes::Way;
use crate::read::raster::{Resampling, open, warped};
use crate::report::page::PagePicture;
use crate::report::page::picture::{Colours, coloured};
use crate::write::raster::quicklook::png;

/// Longest side of a picture, pixels.
const SIDE: f64 = 1600.0;

/// Both pictures.
pub(super) fn pair(o: &PageOptions, paths: &[PathBuf; 2], notes: &mut Notes) -> Result<[PagePicture; 2]> {
    Ok([
        one(o, &paths[0], o.picture_titles[0].as_deref(), notes)?,
        one(o, &paths[1], o.picture_titles[1].as_deref(), notes)?,
    ])
}

fn one(o: &PageOptions, path: &Path, title: Option<&str>, notes: &mut Notes) -> Result<PagePicture> {
    let source = open(path)?;
    let info = source.info();
    let place = |e: Error| e.in_file(path);
    let grid = mercator(info).map_err(place)?;
    let bands = bands(o, info)?;
    let coarser = grid.transform[1] > info.grid.pixel_area().sqrt() && info.grid.pixel_area() > 1e-6;
    let how = if coarser { Resampling::Average } else { Resampling::Bilinear };
    let raster = warped(info, &grid, how, None)?;
    let pixels = raster.read(&bands, grid.window())?;
    let nodata: Vec<Option<f64>> = bands.iter().map(|&b| info.bands[b].nodata).collect();
    let Colours { picture, stretched } = coloured(&pixels, &nodata, grid.width, grid.height);
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((low, high)) = stretched {
        notes.warnings.push(Text::new(
            format!("{file}: values from {low:.4} to {high:.4} (2nd to 98th percentile) are shown from dark to light"),
            format!("{file}:数值 {low:.4} 至 {high:.4}(2%–98% 分位)拉伸显示"),
        ));
    }
    let b = grid.bounds();
    let png = png(&picture).map_err(place)?;
    Ok(PagePicture { title: title.map_or(file, str::to_owned), png, extent: b })
}

/// Bands as red, green, blue: those told, else the first three, else the first alone.
fn bands(o: &PageOptions, info: &RasterInfo) -> Result<Vec<usize>> {
    let n = info.bands.len();
    if o.picture_bands.is_empty() {
        return Ok(if n >= 3 { vec![0, 1, 2] } else { vec![0] });
    }
    match o.picture_bands.iter().find(|&&b| b == 0 || b > n) {
        Some(b) => Err(Error::usage(
            format!("--picture-bands: there is no band {b}, of {n}"),
            format!("--picture-bands:没有波段 {b}(共 {n} 个)"),
        )
        .in_file(&info.source)),
        None => Ok(o.picture_bands.iter().map(|b| b - 1).collect()),
    }
}

/// A grid of Web Mercator over the raster, at most [`SIDE`] pixels long.
fn mercator(info: &RasterInfo) -> Result<Grid> {
    let Some(crs) = &info.grid.crs else {
        return Err(Error::input("the picture has no CRS", "图片没有坐标系")
            .remedy("write one with gdal_translate -a_srs EPSG:…", "用 gdal_translate -a_srs EPSG:… 写入坐标系"));
    };
    let (from, target) = (resolve(crs)?, typed_crs("EPSG:3857"));
    let [w, s, e, n] = info.grid.bounds();
    let way = Way::over(&from, Some(&resolve(&target)?), geographic_bounds(&from, [w, s, e, n]))?;
    let (cols, rows) = (info.grid.width as f64, info.grid.height as f64);
    // an edge may bow outwards on the way: its middle points tell
    let along = |n: usize| (0..=n).map(move |i| i as f64 / n as f64);
    let edge = along(16)
        .map(|t| (t * cols, 0.0))
        .chain(along(16).map(|t| (cols, t * rows)))
        .chain(along(16).map(|t| (cols * (1.0 - t), rows)))
        .chain(along(16).map(|t| (0.0, rows * (1.0 - t))));
    let ring = LineString::from(edge.map(|(c, r)| info.grid.xy(c, r)).map(|[x, y]| (x, y)).collect::<Vec<_>>());
    let there = way.runner()?.run(&Geometry::Polygon(Polygon::new(ring, Vec::new())))?;
    let b = there.bounding_rect().filter(|b| b.width() > 0.0 && b.height() > 0.0 && b.width().is_finite());
    let Some(b) = b else { return Err(Error::input("the picture covers no area", "图片没有覆盖范围")) };
    let own = (b.width() / cols).min(b.height() / rows);
    let size = own.max(b.width().max(b.height()) / SIDE);
    let pixels = |length: f64| ((length / size).ceil() as usize).max(1);
    let (width, height) = (pixels(b.width()), pixels(b.height()));
    Ok(Grid { transform: [b.min().x, size, 0.0, b.max().y, 0.0, -size], width, height, crs: Some(target) })
}
