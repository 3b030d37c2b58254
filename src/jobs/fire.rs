//! `fire`: fire points from files, the fires they make, and how many are open (火点动态清零).

pub mod detect;
pub mod import;
mod known;
mod looks;
pub mod status;
pub mod track;

use std::path::Path;

use super::inputs::{Input, InputOptions, layer_crs, named_crs};
use crate::error::{Error, Result};
use crate::model::{FirePoint, Progress};
use crate::prepare::fires::FireReader;
pub use crate::prepare::fires::{FireDefaults, FireFields, FireRole, parse_field, satellite};
use crate::prepare::shapes::Runner;
use crate::read::vector::{SourceName, layer, layers};
use crate::write::vector::Format;

use super::Notes;
use super::manifest::Manifest;

/// Layers of `fire detect`: points, looks, and what clouds hid.
pub(super) const DETECTED: [&str; 3] = ["fire_points", "looks", "clouds"];

/// Layers by the names given of the file alone, where it holds several: which of `wanted` it has.
pub(super) fn own_layers(name: &str, wanted: &[&str], input: &InputOptions) -> Result<Vec<String>> {
    let source = SourceName::parse(name);
    let several = Format::of(&source.path).is_ok_and(|f| matches!(f, Format::GeoPackage | Format::FileGdb));
    if source.layer.is_some() || !several {
        return Ok(Vec::new());
    }
    let has: Vec<String> = layers(&source, &input.read)?.into_iter().map(|l| l.name).collect();
    Ok(wanted.iter().filter(|w| has.len() > 1 && has.iter().any(|h| h == *w)).map(|w| format!("{name}#{w}")).collect())
}

/// A layer as named; where a file of several layers is named alone, its layer `own`, where it has one.
pub(super) fn own_layer(name: &str, own: &str, input: &InputOptions) -> Result<String> {
    Ok(own_layers(name, &[own], input)?.pop().unwrap_or_else(|| name.to_owned()))
}

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
