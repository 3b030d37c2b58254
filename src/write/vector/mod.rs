//! Layers to vector files: GeoJSON by RFC 7946, CSV, and everything else through GDAL.

mod columns;
mod dataset;
mod flatgeobuf;
mod geojson;
mod kml;
mod names;
mod ogr;
mod rtree;
mod settings;
pub mod sink;
mod spool;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub use sink::Sink;

use super::Staging;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Crs, FieldType, Shape, Table, Value};

/// Rows of a table written at once.
const BATCH: usize = 4096;

/// How files are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Encoding of shapefile attributes; UTF-8 unless told (`CP936` for old Chinese software).
    pub encoding: Option<String>,
    /// Language of titles.
    pub lang: Lang,
    /// The time that files carry inside; the present unless told. The same time gives the same bytes.
    pub timestamp: Option<DateTime<Utc>>,
}

/// What writing had to change, worth telling the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Field names that the format cannot hold: layer, name, name in the file.
    pub renamed: Vec<(String, String, String)>,
    /// Values the format cut: layer, field, count.
    pub cut: Vec<(String, String, u64)>,
    /// Texts with characters that the file's encoding lacks: layer, field, count.
    pub unmapped: Vec<(String, String, u64)>,
    /// Fields that the format keeps in another type, or with fewer digits: layer, field, how.
    pub changed: Vec<(String, String, Text)>,
}

impl Written {
    fn absorb(&mut self, other: Self) {
        self.renamed.extend(other.renamed);
        self.cut.extend(other.cut);
        self.unmapped.extend(other.unmapped);
        self.changed.extend(other.changed);
    }

    /// The notes as texts.
    pub fn notes(&self) -> Vec<Text> {
        let mut out = Vec::new();
        for (layer, from, to) in &self.renamed {
            out.push(Text::new(
                format!("{layer}: field {from} is named {to} in the file"),
                format!("{layer}:字段 {from} 在文件中名为 {to}"),
            ));
        }
        for (layer, field, n) in &self.cut {
            out.push(Text::new(
                format!("{layer}: {n} value(s) of {field} are longer than the format holds (254 bytes) and were cut"),
                format!("{layer}:字段 {field} 有 {n} 个值超出格式上限(254 字节),已截断"),
            ));
        }
        for (layer, field, n) in &self.unmapped {
            out.push(Text::new(
                format!("{layer}: {n} value(s) of {field} hold characters that the encoding lacks; each is a “?” in the file (leave out --out-encoding to keep them)"),
                format!("{layer}:字段 {field} 有 {n} 个值含该编码没有的字符,已写为“?”(不用 --out-encoding 则可保留)"),
            ));
        }
        for (layer, field, how) in &self.changed {
            out.push(Text::new(
                format!("{layer}: field {field}: {}", how.en),
                format!("{layer}:字段 {field}:{}", how.zh),
            ));
        }
        out
    }
}

/// A vector format by its file extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// GeoPackage: all layers in one file, styles inside.
    GeoPackage,
    /// Esri file geodatabase: all layers in one folder.
    FileGdb,
    /// FlatGeobuf.
    FlatGeobuf,
    /// Esri Shapefile.
    Shapefile,
    /// GeoJSON (RFC 7946).
    GeoJson,
    /// KML.
    Kml,
    /// CSV with WKT.
    Csv,
    /// Excel: the lists alone, no geometry.
    Xlsx,
    /// PostGIS.
    PostGis,
}

impl Format {
    /// The format of an output.
    ///
    /// # Errors
    /// `Usage` where the extension is not known.
    pub fn of(path: &Path) -> Result<Self> {
        if path.to_string_lossy().starts_with("PG:") {
            return Ok(Self::PostGis);
        }
        let ext = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        Ok(match ext.as_str() {
            "gpkg" => Self::GeoPackage,
            "gdb" => Self::FileGdb,
            "fgb" => Self::FlatGeobuf,
            "shp" => Self::Shapefile,
            "geojson" | "json" => Self::GeoJson,
            "kml" => Self::Kml,
            "csv" => Self::Csv,
            "xlsx" => Self::Xlsx,
            _ => {
                return Err(Error::usage(
                    format!("the output format “.{ext}” is not known"),
                    format!("不支持的输出格式“.{ext}”"),
                )
                .in_file(path)
                .remedy(
                    "use .gpkg, .gdb, .fgb, .shp, .geojson, .kml, .csv, .xlsx or PG:",
                    "请用 .gpkg、.gdb、.fgb、.shp、.geojson、.kml、.csv、.xlsx 或 PG:",
                ));
            }
        })
    }

    /// True where one file holds several layers.
    pub fn holds_all_layers(self) -> bool {
        matches!(self, Self::GeoPackage | Self::FileGdb | Self::PostGis | Self::Xlsx)
    }

    /// True where the format knows no CRS but longitude and latitude.
    pub fn only_lonlat(self) -> bool {
        matches!(self, Self::GeoJson | Self::Kml)
    }

    /// Whether the format can say that coordinates are in `crs`: RFC 7946 (4) and KML 2.3 (OGC 12-007r2, 6.2) know WGS 84
    /// alone, and CGCS2000 agrees with it to a few centimetres.
    ///
    /// # Errors
    /// `Usage` where it cannot.
    pub fn takes(self, crs: &Crs) -> Result<()> {
        let codes = ["EPSG:4326", "EPSG:4490", "OGC:CRS84", "EPSG:4979", "EPSG:4480"];
        if !self.only_lonlat() || crs.code.as_deref().is_some_and(|c| codes.contains(&c)) {
            return Ok(());
        }
        Err(Error::usage(
            format!("this format holds longitude and latitude of WGS 84 or CGCS2000 alone, not {}", crs.name),
            format!("该格式只能存 WGS 84 或 CGCS2000 经纬度,不能存 {}", crs.name),
        )
        .remedy("write .gpkg, or choose EPSG:4490 for the output", "请输出 .gpkg,或以 EPSG:4490 输出"))
    }
}

/// Writes layers to `path`, beside its place first; answers the files and what had to be changed.
///
/// A format of many layers takes them all in one file; a format of one takes the first at `path` and the others beside
/// it as `NAME_layer.ext`.
///
/// # Errors
/// `Usage` for an unknown format; `Output` where a file exists and may not be replaced, or cannot be written.
pub fn write(path: &Path, tables: &[Table], options: &WriteOptions) -> Result<(Vec<PathBuf>, Written)> {
    if Format::of(path)? == Format::PostGis {
        let all: Vec<&Table> = tables.iter().collect();
        let written = ogr::write(path, path, Format::PostGis, &all, options)?;
        return Ok((vec![crate::error::without_password(&path.to_string_lossy()).into()], written));
    }
    let mut staging = Staging::beside(path, options.overwrite)?;
    let written = write_staged(&mut staging, path, tables, options)?;
    Ok((staging.commit()?, written))
}

/// The file of one layer: `path` for the first, `NAME_layer.ext` for the others; a list without geometry is `.dbf` beside
/// shapefiles and `.csv` beside formats that hold nothing without geometry.
pub fn layer_path(path: &Path, tables: &[Table], i: usize) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let ext = path.extension().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let named =
        if i == 0 { path.to_path_buf() } else { path.with_file_name(format!("{stem}_{}.{ext}", tables[i].name)) };
    match Format::of(path) {
        Ok(Format::Shapefile) if tables[i].shape == Shape::None => named.with_extension("dbf"),
        Ok(Format::FlatGeobuf | Format::Kml) if tables[i].shape == Shape::None => named.with_extension("csv"),
        _ => named,
    }
}

/// As [`write()`], into a run's staging.
///
/// # Errors
/// As [`write()`].
pub fn write_staged(staging: &mut Staging, path: &Path, tables: &[Table], o: &WriteOptions) -> Result<Written> {
    let heads = tables.iter().map(fitting_head).collect();
    let mut sink = sink::open_with_widths(staging, path, heads, o, true)?;
    for (i, t) in tables.iter().enumerate() {
        for rows in t.rows.chunks(BATCH) {
            sink.write(i, rows.to_vec())?;
        }
    }
    sink.finish()
}

/// The head of a table whose rows are all there; a text field keeps its width only where all its values fit.
pub fn fitting_head(t: &Table) -> Table {
    let mut head = t.head();
    for (i, c) in head.columns.iter_mut().enumerate() {
        let fits = |v: &Value| v.as_text().is_none_or(|s| s.chars().count() <= c.field.width);
        if c.field.ty == FieldType::Text && !t.rows.iter().all(|(_, v)| fits(&v[i])) {
            c.field.width = 0;
        }
    }
    head
}
