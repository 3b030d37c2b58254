//! Restoration progress as a layer, lists and charts.

use chrono::NaiveDate;
use geo::Geometry;

use super::chart::{Axis, Chart, Mark, Series, day};
use super::style::{Draw, Symbol, style};
use super::terrain::{site_columns, site_values};
use crate::error::{Lang, Text};
use crate::model::{Column, Crs, Field, FieldType, Shape, Site, Table, Value};
use crate::units::SquareMetres;

/// The state of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateFigures {
    /// Years, both included.
    pub years: (i32, i32),
    /// Clear looks in season.
    pub looks: usize,
    /// Cover of the unit, 0 to 1.
    pub unit: f64,
    /// Cover of the ring.
    pub ring: Option<f64>,
    /// Bare share.
    pub bare: Option<f64>,
    /// Water share.
    pub water: Option<f64>,
}

/// A trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Change of cover a year.
    pub slope: f64,
    /// p of the test.
    pub p: f64,
    /// Value at the first date.
    pub start: f64,
}

/// One month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthFigures {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Cover of the unit; `None` without a clear look.
    pub unit: Option<f64>,
    /// Cover of the ring.
    pub ring: Option<f64>,
    /// Clear looks.
    pub clear: usize,
    /// Dates.
    pub dates: usize,
}

/// What the layer says of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// CRS of the shapes.
    pub crs: Option<Crs>,
    /// Language of titles and words.
    pub lang: Lang,
}

/// One unit.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreRow {
    /// Its fields; the shape in the CRS of the first scene.
    pub site: Site,
    /// Area on the ellipsoid.
    pub area: SquareMetres,
    /// Code of the grade, and its name for people.
    pub grade: (&'static str, Text),
    /// The grade in words with its figures.
    pub words: Text,
    /// Its own target, 0 to 1.
    pub target: Option<f64>,
    /// Something is left of the ring.
    pub ring_drawn: bool,
    /// Before.
    pub before: Option<StateFigures>,
    /// Now.
    pub now: Option<StateFigures>,
    /// Trend of the unit.
    pub trend: Option<Line>,
    /// Trend of unit − ring.
    pub relative: Option<Line>,
    /// Clear looks, and dates in all.
    pub looks: (usize, usize),
    /// The last clear look.
    pub last: Option<NaiveDate>,
    /// First and last date.
    pub span: Option<(NaiveDate, NaiveDate)>,
    /// Clear looks of the unit: day, cover.
    pub clear: Vec<(NaiveDate, f64)>,
    /// Months from the first date to the last.
    pub months: Vec<MonthFigures>,
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// The layer `restore`.
pub fn layer(rows: &[RestoreRow], d: &Described) -> Table {
    Table {
        name: "restore".into(),
        title: Text::new("restoration progress", "恢复进展"),
        columns: columns(),
        shape: Shape::MultiPolygon,
        crs: d.crs.clone(),
        rows: rows.iter().map(|r| (Some(Geometry::MultiPolygon(r.site.shape.clone())), values(r, d.lang))).collect(),
        style: Some(style("restore", Draw::Fill, Some("grade"), &symbols(), d.lang)),
    }
}

fn columns() -> Vec<Column> {
    use FieldType::{Date, Int64, Real, Text as T};
    let mut c = site_columns();
    c.extend([
        column("grade", T, "grade code", "等级代码"),
        column("grade_name", T, "grade", "等级"),
        column("grade_text", T, "why", "判定依据"),
        column("base_years", T, "baseline", "基期"),
        column("base_pct", Real, "cover then (%)", "基期覆盖度(%)"),
        column("now_years", T, "now", "现期"),
        column("now_pct", Real, "cover now (%)", "现期覆盖度(%)"),
        column("change_pct", Real, "change (points)", "变化(百分点)"),
        column("target_pct", Real, "target (%)", "目标(%)"),
        column("ring_pct", Real, "cover of the ring now (%)", "周边现期覆盖度(%)"),
        column("ring_base", Real, "cover of the ring then (%)", "周边基期覆盖度(%)"),
        column("of_ring_pct", Real, "share of the ring's cover (%)", "与周边之比(%)"),
        column("slope_pct", Real, "trend (points a year)", "趋势(百分点/年)"),
        column("p", Real, "p of the trend", "趋势 p 值"),
        column("rel_slope", Real, "trend against the ring (points a year)", "相对周边趋势(百分点/年)"),
        column("rel_p", Real, "p of the trend against the ring", "相对周边趋势 p 值"),
        column("bare_pct", Real, "bare now (%)", "现期裸地(%)"),
        column("water_pct", Real, "water now (%)", "现期水面(%)"),
        column("looks", Int64, "clear looks", "有效观测次数"),
        column("dates", Int64, "dates", "影像期数"),
        column("last_look", Date, "last clear look", "最近有效观测"),
    ]);
    c
}

fn values(r: &RestoreRow, lang: Lang) -> Vec<Value> {
    let pct = |v: Option<f64>| Value::from(v.map(|v| 100.0 * v));
    let years = |s: &Option<StateFigures>| s.map_or(Value::Null, |s| Value::Text(span(s.years)));
    let (before, now) = (r.before, r.now);
    let ring = now.and_then(|n| n.ring);
    let mut v = site_values(&r.site, r.area);
    v.extend([
        Value::from(r.grade.0),
        Value::from(r.grade.1.in_lang(lang)),
        Value::from(r.words.in_lang(lang)),
        years(&before),
        pct(before.map(|s| s.unit)),
        years(&now),
        pct(now.map(|s| s.unit)),
        pct(now.and_then(|n| Some(n.unit - before?.unit))),
        pct(r.target),
        pct(ring),
        pct(before.and_then(|b| b.ring)),
        pct(now.and_then(|n| Some(n.unit / ring.filter(|r| *r > 0.0)?))),
        pct(r.trend.map(|t| t.slope)),
        Value::from(r.trend.map(|t| t.p)),
        pct(r.relative.map(|t| t.slope)),
        Value::from(r.relative.map(|t| t.p)),
        pct(now.and_then(|n| n.bare)),
        pct(now.and_then(|n| n.water)),
        Value::Int(r.looks.0 as i64),
        Value::Int(r.looks.1 as i64),
        r.last.map_or(Value::Null, Value::Date),
    ]);
    v
}

fn span((from, to): (i32, i32)) -> String {
    if from == to { from.to_string() } else { format!("{from}–{to}") }
}

/// The list `months`: cover by unit and month; months without a clear look have no value.
pub fn months(rows: &[RestoreRow]) -> Table {
    use FieldType::{Int64, Real, Text as T};
    let row = |r: &RestoreRow, m: &MonthFigures| {
        let pct = |v: Option<f64>| Value::from(v.map(|v| 100.0 * v));
        vec![
            Value::from(r.site.site_id.as_str()),
            Value::from(r.site.name.as_deref()),
            Value::Text(format!("{}-{:02}", m.year, m.month)),
            pct(m.unit),
            pct(m.ring),
            Value::Int(m.clear as i64),
            Value::Int(m.dates as i64),
        ]
    };
    Table {
        name: "months".into(),
        title: Text::new("cover by month", "逐月覆盖度"),
        columns: vec![
            column("site_id", T, "id", "编号"),
            column("name", T, "name", "名称"),
            column("month", T, "month", "月份"),
            column("cover_pct", Real, "cover (%)", "覆盖度(%)"),
            column("ring_pct", Real, "cover of the ring (%)", "周边覆盖度(%)"),
            column("looks", Int64, "clear looks", "有效观测次数"),
            column("dates", Int64, "dates", "影像期数"),
        ],
        shape: Shape::None,
        crs: None,
        rows: rows.iter().flat_map(|r| r.months.iter().map(move |m| (None, row(r, m)))).collect(),
        style: None,
    }
}

/// The course of a unit beside its ring, month by month, with its trend and its clear looks; gaps where no month was
/// seen clear.
pub fn chart(r: &RestoreRow) -> Chart {
    let middle = |m: &MonthFigures| NaiveDate::from_ymd_opt(m.year, m.month, 15).map_or(f64::NAN, day);
    let line = |f: fn(&MonthFigures) -> Option<f64>| -> Vec<(f64, f64)> {
        r.months.iter().map(|m| (middle(m), f(m).map_or(f64::NAN, |v| 100.0 * v))).collect()
    };
    let series = |en: &str, zh: &str, rgb, mark, points| Series { name: Text::new(en, zh), rgb, mark, points };
    let mut all = vec![
        series("ring around it", "周边参照", [150, 150, 150], Mark::Line, line(|m| m.ring)),
        series("unit, by month", "本单元(逐月)", [40, 140, 70], Mark::Line, line(|m| m.unit)),
        series(
            "clear looks",
            "有效观测",
            [20, 90, 45],
            Mark::Dot,
            r.clear.iter().map(|(d, v)| (day(*d), 100.0 * v)).collect(),
        ),
    ];
    if let (Some(t), Some((from, to))) = (r.trend, r.span) {
        let years = (day(to) - day(from)) / 365.25;
        let ends = vec![(day(from), 100.0 * t.start), (day(to), 100.0 * (t.start + t.slope * years))];
        all.push(series("trend without season", "去季节趋势", [200, 60, 40], Mark::Line, ends));
    }
    if let (Some(t), Some((from, to))) = (r.target, r.span) {
        let level = vec![(day(from), 100.0 * t), (day(to), 100.0 * t)];
        all.push(series("target", "目标", [60, 90, 180], Mark::Line, level));
    }
    let name = r.site.name.clone().unwrap_or_else(|| r.site.site_id.clone());
    let grade = &r.grade.1;
    Chart {
        title: Text::new(format!("{name} – {}", grade.en), format!("{name} – {}", grade.zh)),
        subtitle: r.words.clone(),
        x: Text::default(),
        axis: Axis::Date,
        y: Text::new("vegetation cover (%)", "植被覆盖度(%)"),
        series: all,
    }
}

fn symbols() -> Vec<Symbol> {
    let of = |code: &str, en: &str, zh: &str, rgba| Symbol {
        value: code.into(),
        label: Text::new(en, zh),
        rgba,
        width_mm: 0.3,
    };
    vec![
        of("met", "met", "已达标", [20, 110, 50, 160]),
        of("progressing", "progressing", "恢复中", [130, 190, 80, 160]),
        of("stalled", "stalled", "停滞", [240, 190, 60, 160]),
        of("not_started", "not started", "未见成效", [225, 120, 50, 160]),
        of("regressed", "regressed", "退化", [190, 30, 40, 160]),
        of("unknown", "unknown", "无法判定", [120, 120, 120, 110]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn months_without_a_look_are_gaps_in_the_chart_and_empty_in_the_list() {
        let month = |month, unit| MonthFigures { year: 2020, month, unit, ring: None, clear: 0, dates: 1 };
        let site = Site {
            site_id: "R1".into(),
            name: None,
            kind: Kind::Mine,
            admin: None,
            responsible_unit: None,
            supervising_unit: None,
            deadline: None,
            shape: geo::MultiPolygon(Vec::new()),
            values: Vec::new(),
        };
        let r = RestoreRow {
            site,
            area: SquareMetres(1e4),
            grade: ("unknown", Text::new("unknown", "无法判定")),
            words: Text::new("why", "依据"),
            target: None,
            ring_drawn: false,
            before: None,
            now: None,
            trend: None,
            relative: None,
            looks: (2, 3),
            last: None,
            span: None,
            clear: Vec::new(),
            months: vec![month(5, Some(0.2)), month(6, None), month(7, Some(0.4))],
        };
        let t = months(std::slice::from_ref(&r));
        assert_eq!((&t.rows[1].1[3], &t.rows[0].1[3]), (&Value::Null, &Value::Real(20.0)));
        let drawing = chart(&r).drawing(Lang::En);
        // two strokes, no line between them
        let strokes = |m: &crate::model::Mark| match m {
            crate::model::Mark::Path { lines, stroke: Some(s), .. } if s.width == 2.0 => lines.len(),
            _ => 0,
        };
        assert!(drawing.marks.iter().map(strokes).any(|n| n == 2) && !format!("{drawing:?}").contains("NaN"));
        let d = Described { crs: None, lang: Lang::Zh };
        let l = layer(std::slice::from_ref(&r), &d);
        assert_eq!(l.rows[0].1.len(), l.columns.len());
        assert!(l.rows[0].1[14..].iter().filter(|v| **v == Value::Null).count() >= 14);
    }
}
