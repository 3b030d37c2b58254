//! Fire points, tracks and their events as layers; what a day's status says.

pub mod tracks;

use chrono::{DateTime, SecondsFormat, Utc};
use geo::{Geometry, Point};

use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text};
use crate::model::{Column, Confidence, Crs, Field, FieldType, FirePoint, Shape, Table, Value};

/// CRS of all layers of fire points: CGCS2000 longitude and latitude.
pub fn lonlat() -> Crs {
    Crs { definition: "EPSG:4490".into(), code: Some("EPSG:4490".into()), name: "CGCS2000".into() }
}

pub(super) fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// A time as files hold it: ISO 8601 in UTC, in a text field, which every format keeps as it is.
pub fn time_text(t: DateTime<Utc>) -> Value {
    Value::Text(t.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The layer `fire_points`.
pub fn points(points: &[FirePoint], lang: Lang) -> Table {
    use FieldType::{Int32, Real, Text as T};
    let columns = vec![
        column("fire_id", T, "detection", "火点编号"),
        column("time_utc", T, "time (UTC)", "观测时间(UTC)"),
        column("satellite", T, "satellite", "卫星"),
        column("instrument", T, "instrument", "传感器"),
        column("confidence", T, "confidence", "可信度"),
        column("conf_pct", Real, "confidence (%)", "可信度(%)"),
        column("brightn_k", Real, "brightness (K)", "亮温(K)"),
        column("bright_11_k", Real, "brightness at 11 µm (K)", "11 µm 亮温(K)"),
        column("delta_t_k", Real, "above the background (K)", "与背景温差(K)"),
        column("frp_mw", Real, "radiative power (MW)", "辐射功率(MW)"),
        column("scan_km", Real, "pixel along the scan (km)", "像元宽(km)"),
        column("track_km", Real, "pixel along the track (km)", "像元高(km)"),
        column("daynight", T, "day or night", "昼夜"),
        column("source_type", Int32, "type (FIRMS)", "类型(FIRMS)"),
        column("version", T, "version", "产品版本"),
        column("delivery", T, "delivery", "时效"),
        column("method", T, "method", "方法"),
        column("source", T, "file", "来源文件"),
        column("repeats", T, "repeats", "重复原因"),
        column("repeats_id", T, "in place of it", "采用的火点"),
    ];
    let row = |p: &FirePoint| {
        let word = |s: &Option<String>| Value::from(s.as_deref());
        vec![
            Value::Text(p.id.to_string()),
            time_text(p.time),
            Value::from(p.satellite.as_str()),
            Value::from(p.instrument.as_str()),
            Value::from(p.confidence.map(Confidence::as_str)),
            Value::from(p.confidence_pct),
            Value::from(p.brightness_k),
            Value::from(p.brightness_11_k),
            Value::from(p.delta_t_k),
            Value::from(p.frp_mw),
            Value::Real(p.pixel_m[0] / 1000.0),
            Value::Real(p.pixel_m[1] / 1000.0),
            Value::from(p.day.map(|d| if d { "D" } else { "N" })),
            p.source_type.map_or(Value::Null, |t| Value::Int(t.into())),
            word(&p.version),
            Value::from(p.delivery.as_str()),
            word(&p.method),
            Value::from(p.source.as_str()),
            Value::from(p.repeats.map(|r| r.0.as_str())),
            p.repeats.map_or(Value::Null, |r| Value::Text(r.1.to_string())),
        ]
    };
    let symbol = |value: &str, en: &str, zh: &str, rgba| Symbol {
        value: value.into(),
        label: Text::new(en, zh),
        rgba,
        width_mm: 2.0,
    };
    let symbols = [
        symbol("high", "high confidence", "高可信", [200, 20, 30, 255]),
        symbol("nominal", "nominal", "中可信", [240, 120, 20, 255]),
        symbol("low", "low", "低可信", [250, 200, 80, 255]),
        symbol("", "not told", "未说明", [150, 150, 150, 255]),
    ];
    Table {
        name: "fire_points".into(),
        title: Text::new("fire points", "火点"),
        columns,
        shape: Shape::Point,
        crs: Some(lonlat()),
        rows: points.iter().map(|p| (Some(Geometry::Point(Point(p.lonlat))), row(p))).collect(),
        style: Some(style("fire_points", Draw::Point, Some("confidence"), &symbols, lang)),
    }
}
