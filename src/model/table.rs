//! Layers and lists on their way out: values with titles and a style, not yet a file.

use geo::Geometry;

use super::{Crs, Field, Value};
use crate::error::{Lang, Text};

/// One column of an outgoing layer or list.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name and type in files.
    pub field: Field,
    /// Title for people.
    pub title: Text,
}

/// Geometry of an outgoing layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list without geometry.
    None,
    /// Points.
    Point,
    /// Lines and multilines.
    MultiLine,
    /// Polygons and multipolygons.
    MultiPolygon,
}

/// A style that QGIS applies on opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// QGIS layer definition (QML).
    pub qml: String,
    /// OGC Styled Layer Descriptor 1.0.
    pub sld: String,
}

/// The style of a layer that a store keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerStyle {
    /// Layer, and column of its geometry.
    pub layer: [String; 2],
    /// Title for people.
    pub title: String,
    /// Style.
    pub style: Style,
}

/// A row of an outgoing layer or list: its geometry, where it has one, and one value a column.
pub type Row = (Option<Geometry<f64>>, Vec<Value>);

/// An outgoing layer or list.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name in files.
    pub name: String,
    /// Title for people.
    pub title: Text,
    /// Columns.
    pub columns: Vec<Column>,
    /// Geometry type.
    pub shape: Shape,
    /// CRS of the geometry.
    pub crs: Option<Crs>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Style.
    pub style: Option<Style>,
}

impl Table {
    /// The table without its rows.
    pub fn head(&self) -> Self {
        Self {
            name: self.name.clone(),
            title: self.title.clone(),
            columns: self.columns.clone(),
            shape: self.shape,
            crs: self.crs.clone(),
            rows: Vec::new(),
            style: self.style.clone(),
        }
    }

    /// Titles of the columns in `lang`.
    pub fn titles(&self, lang: Lang) -> Vec<String> {
        self.columns.iter().map(|c| c.title.in_lang(lang).to_owned()).collect()
    }
}
