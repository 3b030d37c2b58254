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
    /// Its classes before and after, where classes were asked for and known.
    pub classes: Option<PatchClasses>,
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

/// What a patch was and what it became.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchClasses {
    /// Class of most of its pixels before.
    pub from: String,
    /// Class of the same pixels after.
    pub to: String,
    /// Share of its pixels that went this way.
    pub share: f64,
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
    /// Patches have classes.
    pub with_classes: bool,
    /// Patches were matched with permits.
    pub with_permits: bool,
    /// Names of the classes, in their order.
    pub classes: Vec<String>,
    /// Language of legends.
    pub lang: Lang,
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// The layer `patches`: what changed, by direction.
pub fn patches(rows: &[PatchRow], d: &Described) -> Table {
    let mut columns = vec![
        column("patch_id", FieldType::Int64, "patch", "图斑号"),
        column("direction", FieldType::Text, "direction", "变化方向"),
    ];
    if d.with_classes {
        columns.extend(class_columns());
        columns.push(column("class_pct", FieldType::Real, "of these classes (%)", "该类占比(%)"));
    }
    columns.extend(measures(d));
    let values = |r: &PatchRow| {
        let mut v = vec![Value::Int(r.id), Value::Text(r.direction.as_str().into())];
        if d.with_classes {
            v.extend(class_values(r));
            v.push(r.classes.as_ref().map_or(Value::Null, |c| Value::Real(100.0 * c.share)));
        }
        v.extend(measured(r, d));
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

/// The layer `transitions`: what became of another class, whatever the values did.
pub fn transitions(rows: &[PatchRow], d: &Described) -> Table {
    let mut columns = vec![column("patch_id", FieldType::Int64, "patch", "图斑号")];
    columns.extend(class_columns());
    columns.extend(measures(d));
    let values = |r: &PatchRow| {
        let mut v = vec![Value::Int(r.id)];
        v.extend(class_values(r));
        v.extend(measured(r, d));
        v
    };
    let symbol = |(i, name): (usize, &String)| Symbol {
        value: name.clone(),
        label: Text::new(format!("became {name}"), format!("变为 {name}")),
        rgba: CLASS_COLOURS[i % CLASS_COLOURS.len()],
        width_mm: 0.2,
    };
    let symbols: Vec<Symbol> = d.classes.iter().enumerate().map(symbol).collect();
    Table {
        name: "transitions".into(),
        title: Text::new("patches by classes before and after", "地类转移图斑"),
        columns,
        shape: Shape::MultiPolygon,
        crs: d.crs.clone(),
        rows: rows.iter().map(|r| (Some(Geometry::MultiPolygon(r.shape.clone())), values(r))).collect(),
        style: Some(style("transitions", Draw::Fill, Some("to_class"), &symbols, d.lang)),
    }
}

/// Colours of classes, apart from each other for eyes that do not tell red and green too (Okabe & Ito 2008).
const CLASS_COLOURS: [[u8; 4]; 9] = [
    [0, 114, 178, 170],
    [0, 158, 115, 170],
    [230, 159, 0, 170],
    [213, 94, 0, 170],
    [204, 121, 167, 170],
    [86, 180, 233, 170],
    [240, 228, 66, 170],
    [90, 90, 90, 170],
    [180, 180, 180, 170],
];

fn class_columns() -> [Column; 2] {
    [
        column("from_class", FieldType::Text, "class before", "变化前地类"),
        column("to_class", FieldType::Text, "class after", "变化后地类"),
    ]
}

fn class_values(r: &PatchRow) -> [Value; 2] {
    let text = |f: fn(&PatchClasses) -> &String| r.classes.as_ref().map_or(Value::Null, |c| Value::Text(f(c).clone()));
    [text(|c| &c.from), text(|c| &c.to)]
}

/// Columns that both layers have.
fn measures(d: &Described) -> Vec<Column> {
    use FieldType::{Date, Int64, Real, Text as T};
    let mut columns = vec![
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
    if d.with_permits {
        columns.extend([
            column("permit_rel", T, "relation to permits", "与矿权关系"),
            column("permit", T, "permit", "矿权"),
            column("permit_pct", Real, "inside the permit (%)", "矿权内占比(%)"),
            column("permit_m", Real, "distance to the nearest permit (m)", "距最近矿权(米)"),
        ]);
    }
    columns
}

fn measured(r: &PatchRow, d: &Described) -> Vec<Value> {
    let date = |d: Option<NaiveDate>| d.map_or(Value::Null, Value::Date);
    let mut v = vec![
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
    if d.with_permits {
        v.extend(permit_values(r.permit.as_ref()));
    }
    v
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
