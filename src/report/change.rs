//! Patches of change as a layer.

use chrono::NaiveDate;
use geo::{Geometry, MultiPolygon};

use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text};
use crate::model::{Column, Crs, Field, FieldType, Shape, Table, Value};
use crate::units::SquareMetres;

/// How a patch lies to permits (矿权).
#[derive(Debug, Clone, PartialEq)]
pub enum Permit {
    /// Wholly inside one.
    Inside(String),
    /// Partly inside: the one with the largest share.
    Crossing {
        /// Permit.
        permit: String,
        /// Share of the patch's area inside it.
        share: f64,
    },
    /// Outside every one.
    Outside {
        /// The nearest.
        nearest: String,
        /// How far.
        distance_m: f64,
    },
}

/// One patch.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRow {
    /// Number, by the first pixel.
    pub id: i64,
    /// `loss`, `gain` or `changed`, with its Chinese name.
    pub direction: crate::model::Direction,
    /// Pixels.
    pub pixels: u64,
    /// Area on the ellipsoid.
    pub area: SquareMetres,
    /// Mean of the values.
    pub mean: f64,
    /// Least value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// How it lies to permits, where asked.
    pub permit: Option<Permit>,
    /// Shape in the CRS of the scene.
    pub shape: MultiPolygon<f64>,
}

/// What is said of the pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// CRS of the shapes.
    pub crs: Option<Crs>,
    /// Dates of both scenes.
    pub dates: [Option<NaiveDate>; 2],
    /// What the values measure: the name of the index, or `magnitude`.
    pub measure: String,
    /// Language of legends.
    pub lang: Lang,
}

/// The layer `patches`.
pub fn patches(rows: &[PatchRow], d: &Described, with_permits: bool) -> Table {
    use FieldType::{Date, Int64, Real, Text as T};
    let column = |name: &str, ty, en: &str, zh: &str| Column { field: Field::new(name, ty), title: Text::new(en, zh) };
    let mut columns = vec![
        column("patch_id", Int64, "patch", "图斑号"),
        column("direction", T, "direction", "变化方向"),
        column("measure", T, "measured by", "变化指标"),
        column("pixels", Int64, "pixels", "像元数"),
        column("area_m2", Real, "area (m²)", "面积(平方米)"),
        column("area_ha", Real, "area (ha)", "面积(公顷)"),
        column("area_mu", Real, "area (mu)", "面积(亩)"),
        column("mean", Real, "mean change", "平均变化量"),
        column("min", Real, "least change", "最小变化量"),
        column("max", Real, "largest change", "最大变化量"),
        column("before", Date, "before", "前时相"),
        column("after", Date, "after", "后时相"),
    ];
    if with_permits {
        columns.extend([
            column("permit_rel", T, "relation to permits", "与矿权关系"),
            column("permit", T, "permit", "矿权"),
            column("permit_pct", Real, "inside the permit (%)", "矿权内占比(%)"),
            column("permit_m", Real, "distance to the nearest permit (m)", "距最近矿权(米)"),
        ]);
    }
    let date = |d: Option<NaiveDate>| d.map_or(Value::Null, Value::Date);
    let values = |r: &PatchRow| {
        let mut v = vec![
            Value::Int(r.id),
            Value::Text(r.direction.as_str().into()),
            Value::Text(d.measure.clone()),
            Value::Int(r.pixels.cast_signed()),
            Value::Real(r.area.0),
            Value::Real(r.area.hectares()),
            Value::Real(r.area.mu()),
            Value::Real(r.mean),
            Value::Real(r.min.into()),
            Value::Real(r.max.into()),
            date(d.dates[0]),
            date(d.dates[1]),
        ];
        if with_permits {
            v.extend(permit_values(r.permit.as_ref()));
        }
        v
    };
    Table {
        name: "patches".into(),
        title: Text::new("patches of change", "变化图斑"),
        columns,
        shape: Shape::MultiPolygon,
        crs: d.crs.clone(),
        rows: rows.iter().map(|r| (Some(Geometry::MultiPolygon(r.shape.clone())), values(r))).collect(),
        style: Some(style("patches", Draw::Fill, Some("direction"), &symbols(), d.lang)),
    }
}

fn permit_values(p: Option<&Permit>) -> [Value; 4] {
    let text = |s: &str| Value::Text(s.to_owned());
    match p {
        None => [const { Value::Null }; 4],
        Some(Permit::Inside(n)) => [text("inside"), text(n), Value::Real(100.0), Value::Real(0.0)],
        Some(Permit::Crossing { permit, share }) => {
            [text("crossing"), text(permit), Value::Real(100.0 * share), Value::Real(0.0)]
        }
        Some(Permit::Outside { nearest, distance_m }) => {
            let distance = if distance_m.is_finite() { Value::Real(*distance_m) } else { Value::Null };
            [text("outside"), text(nearest), Value::Real(0.0), distance]
        }
    }
}

fn symbols() -> Vec<Symbol> {
    use crate::model::Direction::{Changed, Gain, Loss};
    let of = |d: crate::model::Direction, en: &str, zh: &str, rgba| Symbol {
        value: d.as_str().into(),
        label: Text::new(en, zh),
        rgba,
        width_mm: 0.2,
    };
    vec![
        of(Loss, "loss", "减少", [200, 30, 40, 160]),
        of(Gain, "gain", "增加", [20, 130, 60, 160]),
        of(Changed, "changed", "变化", [230, 140, 20, 160]),
    ]
}
