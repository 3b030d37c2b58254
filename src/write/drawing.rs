//! Drawings as SVG, PNG and PDF.

mod canvas;
pub mod pdf;
pub mod svg;

use std::path::Path;

pub use canvas::Canvas;

use super::raster::quicklook;
use super::typeface::Typefaces;
use crate::error::{Error, Result};
use crate::model::{Drawing, Ground};

/// Pixels of a picture for one unit of a chart: sharp in print.
const CHART_SCALE: f64 = 2.0;
/// Pixels of a picture at most: 400 MB in memory.
const MOST_PIXELS: f64 = 1e8;
/// Millimetres of an inch.
const INCH_MM: f64 = 25.4;

/// A chart as the bytes of a PNG, twice as large as it is.
///
/// # Errors
/// `Output` where it cannot be drawn.
pub fn chart_png(d: &Drawing, faces: &Typefaces) -> Result<Vec<u8>> {
    quicklook::png(&canvas::picture(d, CHART_SCALE, faces)?)
}

/// Writes a chart as PNG, twice as large as it is.
///
/// # Errors
/// `Output` where it cannot be drawn or written.
pub fn write_chart_png(path: &Path, d: &Drawing, faces: &Typefaces) -> Result<()> {
    std::fs::write(path, chart_png(d, faces).map_err(|e| e.in_file(path))?)
        .map_err(|e| super::staging::unwritable(path, e))
}

/// A sheet (in millimetres) as the bytes of a PNG that knows its resolution.
///
/// # Errors
/// `Usage` where the picture would be too large; `Output` where it cannot be drawn.
pub fn sheet_png(d: &Drawing, dpi: f64, faces: &Typefaces) -> Result<Vec<u8>> {
    let scale = dpi / INCH_MM;
    let [w, h] = [d.width, d.height].map(|s| (s * scale).round());
    if w * h > MOST_PIXELS {
        return Err(Error::usage(
            format!("{dpi} dpi make a picture of {w} × {h} pixels; 100 million are the most"),
            format!("{dpi} dpi 的图片有 {w} × {h} 像素,超过 1 亿像素"),
        )
        .remedy("choose a smaller --dpi, or write a .pdf", "请减小 --dpi,或输出 .pdf"));
    }
    quicklook::opaque_png(&canvas::picture(d, scale, faces)?, Some(dpi))
}

/// The six lines of a world file for the picture of a sheet: where its pixels lie on the ground.
pub fn world_file(g: &Ground, dpi: f64) -> String {
    let [left, top, width, height] = g.frame;
    let [x0, y0, x1, y1] = g.bounds;
    let pixel_mm = INCH_MM / dpi;
    let (dx, dy) = ((x1 - x0) / width * pixel_mm, (y1 - y0) / height * pixel_mm);
    // the middle of the first pixel of the sheet
    let x = x0 + (0.5 - left / pixel_mm) * dx;
    let y = y1 - (0.5 - top / pixel_mm) * dy;
    format!("{dx:.12}\n0\n0\n{:.12}\n{x:.9}\n{y:.9}\n", -dy)
}
