//! Vector layers: GeoJSON through the crate `geojson`, CSV through `csv`, FlatGeobuf by its own bytes, everything else
//! through GDAL: a large GeoPackage on several threads, the rest on one of its own.

mod ahead;
mod delimited;
mod encoding;
mod flatgeobuf;
mod geojson;
mod ogr;
mod ranges;
mod remarks;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Text};
use crate::model::{Feature, FeatureSource, Layer, LayerInfo, Reason, Skipped, Value};

/// A layer as the user names it: `FILE`, `FILE#layer`, `PG:…#schema.table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceName {
    /// File or data source.
    pub path: PathBuf,
    /// Layer in it, where named.
    pub layer: Option<String>,
}

impl SourceName {
    /// Reads `FILE#layer`; a file that bears a `#` in its own name is found as it stands.
    pub fn parse(name: &str) -> Self {
        match name.rsplit_once('#') {
            Some((path, layer)) if !layer.is_empty() && !Path::new(name).exists() => {
                Self { path: path.into(), layer: Some(layer.to_owned()) }
            }
            _ => Self { path: name.into(), layer: None },
        }
    }

    fn is_database(&self) -> bool {
        self.path.to_string_lossy().starts_with("PG:")
    }
}

/// What the user says of files that leave something open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Encoding of attribute text where the file does not say.
    pub encoding: Option<String>,
    /// CSV columns of longitude/easting and latitude/northing.
    pub xy_columns: Option<(String, String)>,
    /// CSV column of WKT.
    pub wkt_column: Option<String>,
}

/// The layers of a file.
///
/// # Errors
/// `Input` where the file is missing or cannot be read.
pub fn layers(name: &SourceName, options: &ReadOptions) -> Result<Vec<LayerInfo>> {
    exists(name)?;
    match format(name) {
        Format::GeoJson => Ok(vec![geojson::open(&name.path)?.info().clone()]),
        Format::Delimited => Ok(vec![delimited::open(&name.path, options)?.info().clone()]),
        Format::FlatGeobuf | Format::Ogr => ogr::layers(name, options),
    }
}

/// Opens a layer.
///
/// # Errors
/// `Input` where the file is missing, cannot be read, or has no such layer (the message lists those it has).
pub fn open(name: &SourceName, options: &ReadOptions) -> Result<Box<dyn FeatureSource>> {
    exists(name)?;
    let source: Box<dyn FeatureSource> = match format(name) {
        Format::GeoJson => Box::new(geojson::open(&name.path)?),
        Format::Delimited => Box::new(delimited::open(&name.path, options)?),
        Format::FlatGeobuf => return flatgeobuf::open(name, options),
        Format::Ogr => return ogr::open_ahead(name, options),
    };
    match &name.layer {
        Some(l) if *l != source.info().name => Err(no_such_layer(name, l, &[source.info().name.clone()])),
        _ => Ok(source),
    }
}

/// Reads a layer whole.
///
/// # Errors
/// As [`open`], and where a feature cannot be read.
pub fn layer(name: &SourceName, options: &ReadOptions) -> Result<Layer> {
    let mut source = open(name, options)?;
    let mut features: Vec<Feature> = Vec::new();
    while let Some(batch) = source.next_batch(8192)? {
        features.extend(batch);
    }
    Ok(Layer { info: source.info().clone(), features, skipped: source.skipped().to_vec() })
}

enum Format {
    GeoJson,
    Delimited,
    FlatGeobuf,
    Ogr,
}

fn format(name: &SourceName) -> Format {
    let ext = name.path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ext.as_str() {
        "geojson" | "json" => Format::GeoJson,
        "csv" | "tsv" => Format::Delimited,
        "fgb" => Format::FlatGeobuf,
        _ => Format::Ogr,
    }
}

fn exists(name: &SourceName) -> Result<()> {
    if name.is_database() || name.path.exists() {
        return Ok(());
    }
    Err(Error::input("there is no such file", "没有这个文件")
        .in_file(&name.path)
        .remedy("check the path; a layer is named FILE#layer", "请检查路径;图层写作 文件#图层"))
}

fn no_such_layer(name: &SourceName, asked: &str, has: &[String]) -> Error {
    let list = has.join(", ");
    Error::input(
        format!("there is no layer “{asked}”; the layers are: {list}"),
        format!("没有图层“{asked}”;已有图层:{list}"),
    )
    .in_file(&name.path)
    .remedy("name one of them as FILE#layer", "用 文件#图层 指明其中之一")
}

/// A feature that was read with something mended (`repaired`) or left out.
fn note(info: &LayerInfo, fid: i64, code: &'static str, repaired: bool, en: String, zh: String) -> Skipped {
    Skipped {
        file: info.source.clone(),
        layer: info.name.clone(),
        fid,
        id: None,
        reason: Reason { code, text: Text::new(en, zh) },
        repaired,
    }
}

/// Rings that were not closed and are now.
fn rings_closed(info: &LayerInfo, fid: i64, n: u32) -> Option<Skipped> {
    let (en, zh) = (format!("{n} ring(s) were not closed and are now"), format!("{n} 个环未闭合,已闭合"));
    (n > 0).then(|| note(info, fid, "ring_closed", true, en, zh))
}

/// A date as text formats write it: ISO 8601, or with slashes (GDAL's CSV, spreadsheets).
fn date(text: &str) -> Option<chrono::NaiveDate> {
    ["%Y-%m-%d", "%Y/%m/%d"].into_iter().find_map(|form| chrono::NaiveDate::parse_from_str(text, form).ok())
}

/// Date and time as text formats write them: ISO 8601 or GDAL's `2024/02/29 12:34:56.789+08`, with or without an offset.
fn date_time(text: &str) -> Option<Value> {
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y/%m/%d %H:%M:%S%.f%#z"];
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f"];
    let zoned = zoned.into_iter().find_map(|form| chrono::DateTime::parse_from_str(text, form).ok());
    let local = || local.into_iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok());
    zoned.map(Value::DateTimeTz).or_else(|| local().map(Value::DateTime))
}

/// The box round features that stand in memory; `None` where none has finite coordinates.
fn extent_of(features: &[crate::model::Feature]) -> Option<[f64; 4]> {
    use geo::BoundingRect;
    features
        .iter()
        .filter_map(|f| f.geometry.as_ref()?.bounding_rect())
        .map(|r| [r.min().x, r.min().y, r.max().x, r.max().y])
        .filter(|b| b.iter().all(|v| v.is_finite()))
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_they_are_written() {
        let day = chrono::NaiveDate::from_ymd_opt(2024, 2, 29);
        assert_eq!([date("2024-02-29"), date("2024/2/29"), date("2023-02-29"), date("2024")], [day, day, None, None]);
        let shown = |t: &str| date_time(t).map(|v| v.to_display());
        for t in ["2024-02-29T12:34:56.789+08:00", "2024/02/29 12:34:56.789+08"] {
            assert_eq!(shown(t).as_deref(), Some("2024-02-29T12:34:56.789+08:00"), "{t}");
        }
        assert_eq!(shown("2024-02-29T00:00:00Z").as_deref(), Some("2024-02-29T00:00:00+00:00"));
        assert_eq!(shown("2024-02-29 01:02:03").as_deref(), Some("2024-02-29T01:02:03"));
        assert_eq!(shown("2024-02-29"), None);
    }
}
