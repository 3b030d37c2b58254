//! GeoJSON as RFC 7946 has it: longitude/latitude, exterior rings counter-clockwise, one feature a line.

use std::io::Write;
use std::path::Path;

use geo::orient::{Direction, Orient};
use geo::{Geometry, MapCoords};
use serde_json::{Map, Value as Json};

use super::super::Staging;
use super::super::staging::unwritable;
use super::super::value::as_text;
use crate::error::Result;
use crate::model::{Table, Value};

/// 1e-9 degree is 0.1 mm: the seventh digit that RFC 7946 (11.2) recommends is 1 cm.
const DIGITS: f64 = 1e9;

pub(super) fn write(staging: &mut Staging, path: &Path, table: &Table) -> Result<()> {
    let staged = staging.claim(path)?;
    let failed = |e: std::io::Error| unwritable(path, e);
    let mut out = std::io::BufWriter::new(std::fs::File::create(staged).map_err(failed)?);
    let name = Json::from(table.name.as_str());
    writeln!(out, "{{\"type\":\"FeatureCollection\",\"name\":{name},\"features\":[").map_err(failed)?;
    for (i, (g, values)) in table.rows.iter().enumerate() {
        let end = if i + 1 < table.rows.len() { "," } else { "" };
        writeln!(out, "{}{end}", feature(table, g.as_ref(), values)).map_err(failed)?;
    }
    writeln!(out, "]}}").map_err(failed)?;
    out.flush().map_err(failed)
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
