//! GeoJSON as RFC 7946 has it: longitude/latitude, exterior rings counter-clockwise, one feature a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use geo::orient::{Direction, Orient};
use geo::{Geometry, MapCoords};
use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use super::super::staging::unwritable;
use super::super::value::as_text;
use super::Written;
use super::sink::LayerFile;
use crate::error::Result;
use crate::model::{Row, Table, Value};

/// 1e-9 degree is 0.1 mm: the seventh digit that RFC 7946 (11.2) recommends is 1 cm.
const DIGITS: f64 = 1e9;

/// Rows that one task turns into text.
const TASK: usize = 64;

pub(super) struct GeoJsonFile {
    head: Table,
    target: PathBuf,
    out: BufWriter<File>,
    empty: bool,
}

impl GeoJsonFile {
    pub fn create(staged: &Path, target: &Path, head: Table) -> Result<Self> {
        let failed = |e: std::io::Error| unwritable(target, e);
        let mut out = BufWriter::new(File::create(staged).map_err(failed)?);
        let name = Json::from(head.name.as_str());
        writeln!(out, "{{\"type\":\"FeatureCollection\",\"name\":{name},\"features\":[").map_err(failed)?;
        Ok(Self { head, target: target.into(), out, empty: true })
    }
}

impl LayerFile for GeoJsonFile {
    fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        let texts: Vec<Vec<String>> = rows
            .par_chunks(TASK)
            .map(|rows| rows.iter().map(|(g, values)| feature(&self.head, g.as_ref(), values)).collect())
            .collect();
        for text in texts.into_iter().flatten() {
            let between = if std::mem::take(&mut self.empty) { "" } else { ",\n" };
            write!(self.out, "{between}{text}").map_err(|e| unwritable(&self.target, e))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        let end = if self.empty { "]}\n" } else { "\n]}\n" };
        self.out.write_all(end.as_bytes()).and_then(|()| self.out.flush()).map_err(|e| unwritable(&self.target, e))?;
        Ok(Written::default())
    }
}

fn feature(table: &Table, g: Option<&Geometry<f64>>, values: &[Value]) -> String {
    let properties: Map<String, Json> =
        table.columns.iter().zip(values).map(|(c, v)| (c.field.name.clone(), json(v))).collect();
    let f = geojson::Feature {
        geometry: g.map(|g| (&rounded(g)).into()),
        properties: Some(properties),
        ..geojson::Feature::default()
    };
    f.to_string()
}

fn rounded(g: &Geometry<f64>) -> Geometry<f64> {
    let turned = match g {
        Geometry::Polygon(p) => Geometry::Polygon(p.orient(Direction::Default)),
        Geometry::MultiPolygon(m) => Geometry::MultiPolygon(m.orient(Direction::Default)),
        g => g.clone(),
    };
    let round = |v: f64| (v * DIGITS).round() / DIGITS;
    turned.map_coords(|c| geo::Coord { x: round(c.x), y: round(c.y) })
}

fn json(v: &Value) -> Json {
    match v {
        Value::Null => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Real(r) => (*r).into(),
        other => as_text(other).into(),
    }
}
