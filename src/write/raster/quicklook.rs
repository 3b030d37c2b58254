//! Pictures to PNG.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::Picture;

/// Writes a picture at a staged path.
///
/// # Errors
/// `Output` where it cannot be written.
pub fn write_png(path: &Path, p: &Picture) -> Result<()> {
    let failed = |e: String| super::super::staging::unwritable(path, e);
    let file = BufWriter::new(File::create(path).map_err(|e| failed(e.to_string()))?);
    encode(file, p).map_err(|e| failed(e.to_string()))
}

/// The bytes of a picture.
///
/// # Errors
/// `Output` where its size is none that PNG can hold.
pub fn png(p: &Picture) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode(&mut bytes, p)
        .map_err(|e| Error::output(format!("the picture is no PNG: {e}"), format!("无法编码 PNG:{e}")))?;
    Ok(bytes)
}

/// The same with a title inside (iTXt, PNG 1.2): what the picture shows.
///
/// # Errors
/// `Output` where its size is none that PNG can hold.
pub fn titled_png(p: &Picture, title: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let done = (|| {
        let mut e = png::Encoder::new(&mut bytes, p.width as u32, p.height as u32);
        e.add_itxt_chunk("Title".into(), title.into())?;
        write(e, p)
    })();
    done.map_err(|e| Error::output(format!("the picture is no PNG: {e}"), format!("无法编码 PNG:{e}")))?;
    Ok(bytes)
}

/// The bytes of a picture without its opacity, of a resolution.
///
/// # Errors
/// As [`png()`].
pub fn opaque_png(p: &Picture, dpi: Option<f64>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut done = || -> std::result::Result<(), png::EncodingError> {
        let mut e = png::Encoder::new(&mut bytes, p.width as u32, p.height as u32);
        e.set_color(png::ColorType::Rgb);
        e.set_depth(png::BitDepth::Eight);
        if let Some(dpi) = dpi {
            let per_metre = (dpi / 0.0254).round() as u32;
            e.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
        }
        let mut w = e.write_header()?;
        let rgb: Vec<u8> = p.rgba.chunks_exact(4).flat_map(|c| [c[0], c[1], c[2]]).collect();
        w.write_image_data(&rgb)?;
        w.finish()
    };
    done().map_err(|e| Error::output(format!("the picture is no PNG: {e}"), format!("无法编码 PNG:{e}")))?;
    Ok(bytes)
}

fn encode(to: impl Write, p: &Picture) -> std::result::Result<(), png::EncodingError> {
    write(png::Encoder::new(to, p.width as u32, p.height as u32), p)
}

fn write(mut e: png::Encoder<'_, impl Write>, p: &Picture) -> std::result::Result<(), png::EncodingError> {
    e.set_color(png::ColorType::Rgba);
    e.set_depth(png::BitDepth::Eight);
    let mut w = e.write_header()?;
    w.write_image_data(&p.rgba)?;
    w.finish()
}
