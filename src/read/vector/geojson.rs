//! GeoJSON (RFC 7946), read by the crate `geojson`.

use std::path::Path;

use geo::Geometry;
use geojson::{GeoJson, JsonValue};

use super::remarks::Seen;
use super::{date, date_time, note, rings_closed};
use crate::error::{Error, Result};
use crate::model::{Crs, Feature, FeatureSource, Field, FieldType, LayerInfo, Schema, Skipped, Value};

/// A GeoJSON file; it is read whole, as the format asks.
pub(super) struct GeoJsonSource {
    info: LayerInfo,
    features: std::vec::IntoIter<Feature>,
    skipped: Vec<Skipped>,
}

pub(super) fn open(path: &Path) -> Result<GeoJsonSource> {
    let bad = |what: String| {
        Error::input(format!("is not GeoJSON: {what}"), format!("不是有效的 GeoJSON:{what}"))
            .in_file(path)
            .remedy("check that the file is whole", "请检查文件是否完整")
    };
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    let collection = match text.trim_start_matches('\u{feff}').parse::<GeoJson>().map_err(|e| bad(e.to_string()))? {
        GeoJson::FeatureCollection(c) => c,
        GeoJson::Feature(f) => geojson::FeatureCollection { bbox: None, features: vec![f], foreign_members: None },
        GeoJson::Geometry(g) => geojson::FeatureCollection {
            bbox: None,
            features: vec![geojson::Feature { geometry: Some(g), ..Default::default() }],
            foreign_members: None,
        },
    };
    let mut collection = collection;
    ids_to_properties(&mut collection.features);
    let member = |k: &str| collection.foreign_members.as_ref().and_then(|m| m.get(k));
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut info = LayerInfo {
        source: path.to_path_buf(),
        name: member("name").and_then(JsonValue::as_str).map_or(stem, str::to_owned),
        schema: schema(&collection.features),
        crs: Some(crs(member("crs"))),
        format: "GeoJSON".into(),
        encoding: None,
        count: Some(collection.features.len() as u64),
        extent: None,
        geometry_type: String::new(),
    };
    let (mut skipped, mut seen) = (Vec::new(), Seen::default());
    let mut features = Vec::with_capacity(collection.features.len());
    let mut kinds: Vec<&'static str> = Vec::new();
    for (i, f) in collection.features.into_iter().enumerate() {
        let fid = i as i64 + 1;
        let values = info.schema.fields.iter().map(|k| value(f.property(&k.name), k.ty)).collect();
        let geometry = match f.geometry {
            None => None,
            Some(g) => {
                let mut raw = g;
                skipped.extend(rings_closed(&info, fid, close_rings(&mut raw.value)));
                if has_heights(&raw.value) {
                    seen.heights.at(fid);
                }
                match Geometry::<f64>::try_from(&raw.value) {
                    Ok(g) => Some(g),
                    Err(e) => {
                        skipped.push(note(
                            &info,
                            fid,
                            "invalid_coordinates",
                            false,
                            format!("the geometry cannot be read: {e}"),
                            format!("几何无法读取:{e}"),
                        ));
                        continue;
                    }
                }
            }
        };
        if let Some(g) = &geometry {
            let k = kind(g);
            if !kinds.contains(&k) {
                kinds.push(k);
            }
        }
        features.push(Feature { fid, geometry, values });
    }
    skipped.extend(seen.remarks(&info));
    info.geometry_type = if kinds.is_empty() { "Unknown".into() } else { kinds.join("+") };
    info.extent = super::extent_of(&features);
    Ok(GeoJsonSource { info, features: features.into_iter(), skipped })
}

fn kind(g: &Geometry<f64>) -> &'static str {
    match g {
        Geometry::Point(_) => "Point",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::LineString(_) | Geometry::Line(_) => "LineString",
        Geometry::MultiLineString(_) => "MultiLineString",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        Geometry::GeometryCollection(_) => "GeometryCollection",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "Polygon",
    }
}

/// The `id` that stands beside a feature's properties (RFC 7946, 3.2) is an attribute like others, unless one is called so.
fn ids_to_properties(features: &mut [geojson::Feature]) {
    if features.iter().flat_map(|f| &f.properties).any(|p| p.contains_key("id")) {
        return;
    }
    for f in features {
        let id = match f.id.take() {
            Some(geojson::feature::Id::String(s)) => JsonValue::from(s),
            Some(geojson::feature::Id::Number(n)) => JsonValue::Number(n),
            None => continue,
        };
        f.properties.get_or_insert_default().insert("id".into(), id);
    }
}

/// RFC 7946 knows WGS 84 alone; the `crs` member of the 2008 form is honoured where it stands.
fn crs(member: Option<&JsonValue>) -> Crs {
    let name = member.and_then(|m| m.pointer("/properties/name")).and_then(JsonValue::as_str).unwrap_or("");
    let code = if name.to_ascii_uppercase().contains("CRS84") {
        None
    } else {
        name.rsplit([':', '/']).next().filter(|c| !c.is_empty() && c.chars().all(|d| d.is_ascii_digit()))
    };
    let code = format!("EPSG:{}", code.unwrap_or("4326"));
    Crs {
        definition: code.clone(),
        name: if code == "EPSG:4326" { "WGS 84".into() } else { code.clone() },
        code: Some(code),
    }
}

/// Fields in the order in which they first appear; the narrowest type that holds every value.
fn schema(features: &[geojson::Feature]) -> Schema {
    let mut fields: Vec<(String, Option<FieldType>)> = Vec::new();
    for f in features {
        for (k, v) in f.properties.iter().flatten() {
            let at = fields.iter().position(|(n, _)| n == k).unwrap_or_else(|| {
                fields.push((k.clone(), None));
                fields.len() - 1
            });
            fields[at].1 = widest(fields[at].1, v);
        }
    }
    Schema { fields: fields.into_iter().map(|(n, t)| Field::new(n, t.unwrap_or(FieldType::Text))).collect() }
}

fn widest(known: Option<FieldType>, v: &JsonValue) -> Option<FieldType> {
    use FieldType::{Bool, Date, DateTime, Int64, Real, Text};
    let this = match v {
        JsonValue::Null => return known,
        JsonValue::Bool(_) => Bool,
        JsonValue::Number(n) if n.is_i64() => Int64,
        // no column type of ours holds it whole
        JsonValue::Number(n) if n.is_u64() => Text,
        JsonValue::Number(_) => Real,
        JsonValue::String(s) if date(s).is_some() => Date,
        JsonValue::String(s) if date_time(s).is_some() => DateTime,
        _ => Text,
    };
    match (known, this) {
        (None, t) => Some(t),
        (Some(a), b) if a == b => Some(a),
        (Some(Int64 | Real), Int64 | Real) => Some(Real),
        _ => Some(Text),
    }
}

fn value(v: Option<&JsonValue>, ty: FieldType) -> Value {
    let Some(v) = v else { return Value::Null };
    match (v, ty) {
        (JsonValue::Null, _) => Value::Null,
        (JsonValue::Bool(b), FieldType::Bool) => Value::Bool(*b),
        (JsonValue::Number(n), FieldType::Int64) => n.as_i64().map_or(Value::Null, Value::Int),
        (JsonValue::Number(n), FieldType::Real) => n.as_f64().map_or(Value::Null, Value::Real),
        (JsonValue::String(s), FieldType::Date) => date(s).map_or(Value::Null, Value::Date),
        (JsonValue::String(s), FieldType::DateTime) => date_time(s).unwrap_or(Value::Null),
        (JsonValue::String(s), _) => Value::Text(s.clone()),
        (v, _) => Value::Text(v.to_string()),
    }
}

/// True where a position has more than two numbers.
fn has_heights(v: &geojson::GeometryValue) -> bool {
    use geojson::GeometryValue as V;
    let line = |l: &[geojson::Position]| l.iter().any(|p| p.len() > 2);
    let lines = |m: &[Vec<geojson::Position>]| m.iter().any(|l| line(l));
    match v {
        V::Point { coordinates } => coordinates.len() > 2,
        V::MultiPoint { coordinates } | V::LineString { coordinates } => line(coordinates),
        V::MultiLineString { coordinates } | V::Polygon { coordinates } => lines(coordinates),
        V::MultiPolygon { coordinates } => coordinates.iter().any(|p| lines(p)),
        V::GeometryCollection { geometries } => geometries.iter().any(|g| has_heights(&g.value)),
    }
}

/// Closes open polygon rings; answers how many.
fn close_rings(v: &mut geojson::GeometryValue) -> u32 {
    use geojson::GeometryValue as V;
    let close = |rings: &mut Vec<Vec<geojson::Position>>| {
        let mut n = 0;
        for r in rings {
            if r.first() != r.last() && r.len() > 1 {
                r.extend(r.first().cloned());
                n += 1;
            }
        }
        n
    };
    match v {
        V::Polygon { coordinates } => close(coordinates),
        V::MultiPolygon { coordinates } => coordinates.iter_mut().map(close).sum(),
        V::GeometryCollection { geometries } => geometries.iter_mut().map(|g| close_rings(&mut g.value)).sum(),
        _ => 0,
    }
}

impl FeatureSource for GeoJsonSource {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        let batch: Vec<Feature> = self.features.by_ref().take(max).collect();
        Ok(if batch.is_empty() { None } else { Some(batch) })
    }
}
