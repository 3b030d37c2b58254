//! `fire`: fire points from files, the fires they make, and how many are open (火点动态清零).

pub mod import;
mod looks;
pub mod track;

use std::path::Path;

use super::inputs::{Input, InputOptions, layer_crs, named_crs};
use crate::error::{Error, Result};
use crate::model::{FirePoint, Progress};
use crate::prepare::fires::FireReader;
pub use crate::prepare::fires::{FireDefaults, FireFields, FireRole, parse_field, satellite};
use crate::prepare::shapes::Runner;
use crate::read::vector::{SourceName, layer};
use crate::write::vector::Format;

use super::Notes;
use super::manifest::Manifest;

/// Reads a layer of detections; rows that cannot be used are in `notes`.
pub(super) fn read_points(
    name: &str,
    input: &InputOptions,
    defaults: &FireDefaults,
    notes: &mut Notes,
    manifest: &mut Manifest,
    progress: &dyn Progress,
) -> Result<(Vec<FirePoint>, usize)> {
    let source = SourceName::parse(name);
    let layer = layer(&source, &input.read)?;
    // FIRMS delivers CSV in WGS 84; a table of another CRS must say so
    let plain = layer.info.crs.is_none() && input.crs.is_none() && layer.info.format == "CSV";
    let crs =
        if plain { named_crs("--crs", "EPSG:4326")? } else { layer_crs(&layer.info, input, &mut notes.warnings)? };
    let read = Input { source, layer, crs };
    let way = read.way(None, &mut notes.warnings)?;
    manifest.input("fire points", &read, way.pipeline())?;
    let layer = &read.layer;
    notes.skipped.extend(layer.skipped.iter().cloned());
    let reader = FireReader::new(&layer.info, defaults)?;
    let runner: Runner = way.runner()?;
    let mut out = Vec::with_capacity(layer.features.len());
    for (i, f) in layer.features.iter().enumerate() {
        if i % 4096 == 0 {
            progress.check()?;
        }
        let row = reader.read(f, &runner);
        notes.skipped.extend(row.notes);
        out.extend(row.point);
    }
    Ok((out, layer.features.len() + layer.skipped.iter().filter(|s| !s.repaired).count()))
}

/// Refuses formats that hold one layer where several belong together.
pub(super) fn several_layers(path: &Path) -> Result<Format> {
    let format = Format::of(path)?;
    if format == Format::PostGis {
        return Err(Error::usage("fire points are not written to PostGIS yet", "火点暂不支持写入 PostGIS")
            .remedy("write .gpkg", "请输出 .gpkg"));
    }
    Ok(format)
}
