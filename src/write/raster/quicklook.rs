//! Pictures to PNG.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use crate::error::Result;
use crate::model::Picture;

/// Writes a picture at a staged path.
///
/// # Errors
/// `Output` where it cannot be written.
pub fn write_png(path: &Path, p: &Picture) -> Result<()> {
    let failed = |e: String| super::super::staging::unwritable(path, e);
    let file = BufWriter::new(File::create(path).map_err(|e| failed(e.to_string()))?);
    let mut e = png::Encoder::new(file, p.width as u32, p.height as u32);
    e.set_color(png::ColorType::Rgba);
    e.set_depth(png::BitDepth::Eight);
    let mut w = e.write_header().map_err(|e| failed(e.to_string()))?;
    w.write_image_data(&p.rgba).map_err(|e| failed(e.to_string()))?;
    w.finish().map_err(|e| failed(e.to_string()))
}
