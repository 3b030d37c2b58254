//! Fires of a scene as a layer: hot pixels that touch.

use chrono::{DateTime, Utc};
use geo::{Coord, Geometry, MultiPolygon, Point};

use super::fire::{column, lonlat, time_text};
use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text};
use crate::model::{Confidence, FieldType, Shape, Table, Value};

/// Hot pixels that touch.
#[derive(Debug, Clone, PartialEq)]
pub struct FireCluster {
    /// Number, by time and first pixel.
    pub id: i64,
    /// Scene.
    pub scene: String,
    /// When it was taken.
    pub time: DateTime<Utc>,
    /// By which satellite.
    pub satellite: String,
    /// Methods that found one of its pixels.
    pub methods: String,
    /// Methods that agree on one pixel, at most; the vote is none.
    pub voices: u32,
    /// The highest of its pixels.
    pub confidence: Option<Confidence>,
    /// Pixels.
    pub pixels: u64,
    /// Pixels that were not seen clear.
    pub hidden: u64,
    /// Area of the pixels in the grid's plane, m²: what is hot may be a small part of them.
    pub area_m2: f64,
    /// Above the background at most, K.
    pub delta_k: Option<f64>,
    /// Surface temperature at most, K.
    pub kelvin: Option<f64>,
    /// Reflectance at 2.2 µm at most.
    pub swir2: Option<f64>,
    /// Mean of its pixels' middles.
    pub lonlat: Coord<f64>,
    /// Name of the known industrial heat that holds at least half of its pixels.
    pub industrial: Option<String>,
}

/// A look: what was seen and what was hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct FireLook {
    /// Scene.
    pub id: String,
    /// When it was taken.
    pub time: DateTime<Utc>,
    /// By which satellite.
    pub satellite: String,
    /// By which of its instruments.
    pub instrument: String,
    /// Side of its pixels, m.
    pub pixel_m: f64,
    /// Methods that looked.
    pub methods: String,
    /// What was looked at, longitude and latitude.
    pub footprint: MultiPolygon<f64>,
    /// What of it was hidden.
    pub hidden: MultiPolygon<f64>,
}

/// The layers `looks` and `clouds`, as `fire track` reads them.
pub fn looks(rows: &[FireLook], lang: Lang) -> [Table; 2] {
    use FieldType::{Real, Text as T};
    let columns = vec![
        column("look_id", T, "look", "观测"),
        column("time_utc", T, "time (UTC)", "观测时间(UTC)"),
        column("satellite", T, "satellite", "卫星"),
        column("instrument", T, "instrument", "传感器"),
        column("pixel_m", Real, "pixel (m)", "像元(米)"),
        column("method", T, "methods", "方法"),
    ];
    let values = |l: &FireLook| {
        vec![
            Value::from(l.id.as_str()),
            time_text(l.time),
            Value::from(l.satellite.as_str()),
            Value::from(l.instrument.as_str()),
            Value::Real(l.pixel_m),
            Value::from(l.methods.as_str()),
        ]
    };
    let table = |name: &str, title: Text, rgba, shape: fn(&FireLook) -> &MultiPolygon<f64>| {
        let symbol = Symbol { value: String::new(), label: title.clone(), rgba, width_mm: 0.3 };
        let shown = rows.iter().filter(|l| !shape(l).0.is_empty());
        Table {
            name: name.into(),
            title,
            columns: columns.clone(),
            shape: Shape::MultiPolygon,
            crs: Some(lonlat()),
            rows: shown.map(|l| (Some(Geometry::MultiPolygon(shape(l).clone())), values(l))).collect(),
            style: Some(style(name, Draw::Fill, None, &[symbol], lang)),
        }
    };
    [
        table("looks", Text::new("looked at", "观测范围"), [80, 160, 220, 40], |l| &l.footprint),
        table("clouds", Text::new("hidden", "云等遮挡"), [160, 160, 160, 120], |l| &l.hidden),
    ]
}

/// The layer `fires`.
pub fn fires(rows: &[FireCluster], lang: Lang) -> Table {
    use FieldType::{Int32, Int64, Real, Text as T};
    let columns = vec![
        column("fire_no", Int64, "fire", "火点群号"),
        column("time_utc", T, "time (UTC)", "观测时间(UTC)"),
        column("satellite", T, "satellite", "卫星"),
        column("scene", T, "scene", "影像"),
        column("method", T, "methods", "方法"),
        column("n_methods", Int32, "methods that agree", "一致方法数"),
        column("confidence", T, "confidence", "可信度"),
        column("pixels", Int64, "pixels", "像元数"),
        column("hidden_px", Int64, "pixels not seen clear", "非晴空像元数"),
        column("area_m2", Real, "area of the pixels (m²)", "像元面积(平方米)"),
        column("delta_t_k", Real, "above the background (K)", "与背景温差(K)"),
        column("surface_k", Real, "surface temperature (K)", "地表温度(K)"),
        column("swir2_refl", Real, "reflectance at 2.2 µm", "2.2 µm 反射率"),
        column("industrial", T, "known industrial heat", "已知工业热源"),
    ];
    let row = |f: &FireCluster| {
        vec![
            Value::Int(f.id),
            time_text(f.time),
            Value::from(f.satellite.as_str()),
            Value::from(f.scene.as_str()),
            Value::from(f.methods.as_str()),
            Value::Int(f.voices.into()),
            Value::from(f.confidence.map(Confidence::as_str)),
            Value::Int(f.pixels.cast_signed()),
            Value::Int(f.hidden.cast_signed()),
            Value::Real(f.area_m2),
            Value::from(f.delta_k),
            Value::from(f.kelvin),
            Value::from(f.swir2),
            Value::from(f.industrial.as_deref()),
        ]
    };
    let symbol = |value: &str, en: &str, zh: &str, rgba| Symbol {
        value: value.into(),
        label: Text::new(en, zh),
        rgba,
        width_mm: 3.0,
    };
    let symbols = [
        symbol("high", "high confidence", "高可信", [200, 20, 30, 255]),
        symbol("nominal", "nominal", "中可信", [240, 120, 20, 255]),
        symbol("low", "low", "低可信", [250, 200, 80, 255]),
    ];
    Table {
        name: "fires".into(),
        title: Text::new("fires", "火点群"),
        columns,
        shape: Shape::Point,
        crs: Some(lonlat()),
        rows: rows.iter().map(|f| (Some(Geometry::Point(Point(f.lonlat))), row(f))).collect(),
        style: Some(style("fires", Draw::Point, Some("confidence"), &symbols, lang)),
    }
}
