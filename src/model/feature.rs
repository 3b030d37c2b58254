//! Layers as any vector format holds them: a schema, a CRS, features with typed values.

use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use geo::Geometry;

use super::Skipped;

/// One attribute value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// 64-bit integer.
    Int(i64),
    /// Double.
    Real(f64),
    /// Text (UTF-8 here, whatever the file's encoding).
    Text(String),
    /// Calendar date.
    Date(NaiveDate),
    /// Time of day.
    Time(NaiveTime),
    /// Date and time without a zone.
    DateTime(NaiveDateTime),
    /// Date and time with its offset from UTC.
    DateTimeTz(DateTime<FixedOffset>),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Value {
    /// The text, where the value is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(s) => Some(s),
            _ => None,
        }
    }

    /// The number, where the value is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Real(r) => Some(*r),
            _ => None,
        }
    }

    /// Written out for people; empty for null.
    pub fn to_display(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Real(r) => r.to_string(),
            Self::Text(s) => s.clone(),
            Self::Date(d) => d.format("%Y-%m-%d").to_string(),
            Self::Time(t) => t.format("%H:%M:%S%.f").to_string(),
            Self::DateTime(t) => t.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
            Self::DateTimeTz(t) => t.to_rfc3339(),
            Self::Binary(b) => format!("<{} bytes>", b.len()),
        }
    }
}

impl From<Option<f64>> for Value {
    fn from(v: Option<f64>) -> Self {
        v.map_or(Self::Null, Self::Real)
    }
}

impl From<Option<&str>> for Value {
    fn from(v: Option<&str>) -> Self {
        v.map_or(Self::Null, |s| Self::Text(s.to_owned()))
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// True or false.
    Bool,
    /// Integer of up to 32 bits.
    Int32,
    /// Integer of up to 64 bits.
    Int64,
    /// Double.
    Real,
    /// Text.
    Text,
    /// Date.
    Date,
    /// Time of day.
    Time,
    /// Date and time.
    DateTime,
    /// Bytes.
    Binary,
}

/// One field of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name in files: English `snake_case` for ours, as it stands for the source's.
    pub name: String,
    /// Type.
    pub ty: FieldType,
    /// Width in characters, 0 where unbounded.
    pub width: usize,
    /// Decimals, 0 where unbounded.
    pub precision: usize,
}

impl Field {
    /// A field without width limits.
    pub fn new(name: impl Into<String>, ty: FieldType) -> Self {
        Self { name: name.into(), ty, width: 0, precision: 0 }
    }
}

/// The fields of a layer, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schema {
    /// The fields.
    pub fields: Vec<Field>,
}

impl Schema {
    /// Position of the field `name` (exact first, then ignoring ASCII case).
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|f| f.name == name)
            .or_else(|| self.fields.iter().position(|f| f.name.eq_ignore_ascii_case(name)))
    }
}

/// A coordinate reference system as a file or a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crs {
    /// Definition: `EPSG:n`, WKT or a PROJ string.
    pub definition: String,
    /// `AUTH:CODE` where one is known.
    pub code: Option<String>,
    /// Name for people.
    pub name: String,
}

/// One feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Id in its source layer.
    pub fid: i64,
    /// Geometry, two-dimensional, in the layer's CRS (lon/lat order for geographic ones); `None` where null.
    pub geometry: Option<Geometry<f64>>,
    /// One value a field.
    pub values: Vec<Value>,
}

/// What is known of a layer before its features are read.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerInfo {
    /// File or data source.
    pub source: PathBuf,
    /// Layer name.
    pub name: String,
    /// Fields.
    pub schema: Schema,
    /// CRS, `None` where the file has none.
    pub crs: Option<Crs>,
    /// Format (GDAL's driver name).
    pub format: String,
    /// Encoding of the attribute text, where the format leaves it open.
    pub encoding: Option<String>,
    /// Features, where the format knows.
    pub count: Option<u64>,
    /// Box around its geometries as the file says it (`[min x, min y, max x, max y]` in the layer's CRS), where the
    /// format keeps one; not looked up in the geometries.
    pub extent: Option<[f64; 4]>,
    /// Geometry type as the layer declares it.
    pub geometry_type: String,
}

/// A layer read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What is known of it.
    pub info: LayerInfo,
    /// Its features.
    pub features: Vec<Feature>,
    /// Features that could not be read, and repairs made while reading (closed rings, dropped Z, …).
    pub skipped: Vec<Skipped>,
}
