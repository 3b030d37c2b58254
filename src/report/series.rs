//! Trends, breaks and zonal statistics as layers and lists.

use chrono::NaiveDate;
use geo::{Geometry, MultiPolygon};

use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text};
use crate::model::{Column, Crs, Field, FieldType, Row, Shape, Table, Value};

/// A series and its trend.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendRow {
    /// Zone or column.
    pub unit: String,
    /// Its attributes.
    pub attributes: Vec<Value>,
    /// Its shape.
    pub shape: Option<MultiPolygon<f64>>,
    /// Looks.
    pub looks: usize,
    /// `rising`, `falling`, `not_significant`, or why there is no answer.
    pub state: &'static str,
    /// Slope per year, intercept, z and p; `None` where there is no answer.
    pub trend: Option<(f64, f64, f64, f64)>,
}

/// A series and what monitoring found.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakRow {
    /// Zone or column.
    pub unit: String,
    /// Its attributes.
    pub attributes: Vec<Value>,
    /// Its shape.
    pub shape: Option<MultiPolygon<f64>>,
    /// `break`, `no_break`, or why there is no answer.
    pub state: &'static str,
    /// When it broke.
    pub break_date: Option<NaiveDate>,
    /// Magnitude, start of the history, looks in it and since, standard deviation; `None` where there is no answer.
    pub found: Option<(f64, Option<NaiveDate>, usize, usize, f64)>,
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// Columns of the source, whose names ours must not take: ours get an underscore.
fn with_attributes(schema: &[Field], ours: Vec<Column>) -> Vec<Column> {
    let mut out: Vec<Column> =
        schema.iter().map(|f| Column { field: f.clone(), title: Text::new(f.name.clone(), f.name.clone()) }).collect();
    for mut c in ours {
        while out.iter().any(|o| o.field.name.eq_ignore_ascii_case(&c.field.name)) {
            c.field.name.push('_');
        }
        out.push(c);
    }
    out
}

fn symbol(value: &str, en: &str, zh: &str, rgba: [u8; 4]) -> Symbol {
    Symbol { value: value.into(), label: Text::new(en, zh), rgba, width_mm: 0.2 }
}

fn placed(shape: &Option<MultiPolygon<f64>>) -> Option<Geometry<f64>> {
    shape.clone().map(Geometry::MultiPolygon)
}

/// The layer `trend`.
pub fn trends(rows: &[TrendRow], schema: &[Field], crs: Option<Crs>, lang: Lang) -> Table {
    use FieldType::{Int64, Real, Text as T};
    let columns = vec![
        column("unit", T, "unit", "单元"),
        column("looks", Int64, "looks", "观测次数"),
        column("trend", T, "trend", "趋势"),
        column("slope", Real, "slope (per year)", "斜率(每年)"),
        column("intercept", Real, "intercept", "截距"),
        column("z", Real, "z", "z"),
        column("p", Real, "p", "p"),
    ];
    let values = |r: &TrendRow| {
        let mut v = r.attributes.clone();
        let t = r.trend;
        let real = |x: Option<f64>| Value::from(x);
        v.extend([
            Value::Text(r.unit.clone()),
            Value::Int(r.looks as i64),
            Value::Text(r.state.into()),
            real(t.map(|t| t.0)),
            real(t.map(|t| t.1)),
            real(t.map(|t| t.2)),
            real(t.map(|t| t.3)),
        ]);
        v
    };
    let symbols = [
        symbol("rising", "rising", "上升", [20, 130, 60, 160]),
        symbol("falling", "falling", "下降", [200, 30, 40, 160]),
        symbol("not_significant", "not significant", "不显著", [200, 200, 180, 160]),
        symbol("not_observed", "not observed", "无有效观测", [120, 120, 120, 160]),
        symbol("too_few_looks", "too few looks", "观测不足", [150, 150, 150, 160]),
        symbol("season_unknown", "season unknown", "季节不明", [170, 170, 170, 160]),
    ];
    Table {
        name: "trend".into(),
        title: Text::new("trends", "趋势"),
        columns: with_attributes(schema, columns),
        shape: Shape::MultiPolygon,
        crs,
        rows: rows.iter().map(|r| -> Row { (placed(&r.shape), values(r)) }).collect(),
        style: Some(style("trend", Draw::Fill, Some("trend"), &symbols, lang)),
    }
}

/// The layer `monitor`.
pub fn breaks(rows: &[BreakRow], schema: &[Field], crs: Option<Crs>, lang: Lang) -> Table {
    use FieldType::{Date, Int64, Real, Text as T};
    let columns = vec![
        column("unit", T, "unit", "单元"),
        column("state", T, "state", "状态"),
        column("break_date", Date, "break", "突变日期"),
        column("magnitude", Real, "magnitude", "变化幅度"),
        column("hist_start", Date, "history from", "稳定期起始"),
        column("hist_looks", Int64, "looks in the history", "稳定期观测次数"),
        column("looks", Int64, "looks since the start", "监测期观测次数"),
        column("sigma", Real, "standard deviation of the history", "稳定期标准差"),
    ];
    let date = |d: Option<NaiveDate>| d.map_or(Value::Null, Value::Date);
    let values = |r: &BreakRow| {
        let mut v = r.attributes.clone();
        let f = r.found;
        let count = |n: Option<usize>| n.map_or(Value::Null, |n| Value::Int(n as i64));
        v.extend([
            Value::Text(r.unit.clone()),
            Value::Text(r.state.into()),
            date(r.break_date),
            Value::from(f.map(|f| f.0)),
            date(f.and_then(|f| f.1)),
            count(f.map(|f| f.2)),
            count(f.map(|f| f.3)),
            Value::from(f.map(|f| f.4)),
        ]);
        v
    };
    let symbols = [
        symbol("break", "break", "突变", [200, 30, 40, 160]),
        symbol("no_break", "no break", "未突变", [20, 130, 60, 160]),
        symbol("not_observed", "not observed", "无有效观测", [120, 120, 120, 160]),
        symbol("short_history", "history too short", "稳定期观测不足", [150, 150, 150, 160]),
        symbol("season_unknown", "season unknown", "季节不明", [170, 170, 170, 160]),
        symbol("unstable_history", "history not stable", "历史期不稳定", [230, 140, 20, 160]),
        symbol("no_look_since", "no look since the start", "监测期无观测", [190, 190, 190, 160]),
    ];
    Table {
        name: "monitor".into(),
        title: Text::new("breaks", "突变"),
        columns: with_attributes(schema, columns),
        shape: Shape::MultiPolygon,
        crs,
        rows: rows.iter().map(|r| -> Row { (placed(&r.shape), values(r)) }).collect(),
        style: Some(style("monitor", Draw::Fill, Some("state"), &symbols, lang)),
    }
}

/// Names of the statistics that were asked for beside the fixed ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZonalColumns {
    /// Quantiles, 0 to 1.
    pub quantiles: Vec<f64>,
    /// With mode.
    pub mode: bool,
    /// Thresholds.
    pub thresholds: Vec<f64>,
    /// With weighted statistics.
    pub weighted: bool,
}

/// One zone at one look.
#[derive(Debug, Clone, PartialEq)]
pub struct ZonalRow {
    /// Zone.
    pub unit: String,
    /// Its attributes.
    pub attributes: Vec<Value>,
    /// Its shape.
    pub shape: Option<MultiPolygon<f64>>,
    /// Raster.
    pub raster: String,
    /// Its date, where it has one.
    pub date: Option<NaiveDate>,
    /// Area in pixels, covered by the raster, observed; share observed.
    pub area: [f64; 4],
    /// Mean, sum, standard deviation, variance, least and largest value; `None` where nothing was observed.
    pub values: Option<[f64; 6]>,
    /// Mode, quantiles, shares above, weighted mean, sum and standard deviation, as [`ZonalColumns`] asks; `None` where
    /// there is no value.
    pub more: Vec<Option<f64>>,
}

fn zonal_columns(more: &ZonalColumns) -> Vec<Column> {
    use FieldType::{Date, Real, Text as T};
    let mut columns = vec![
        column("unit", T, "unit", "单元"),
        column("raster", T, "raster", "栅格"),
        column("date", Date, "date", "日期"),
        column("area_px", Real, "area (pixels)", "面积(像元)"),
        column("covered_px", Real, "covered by the raster (pixels)", "栅格覆盖(像元)"),
        column("count", Real, "observed (pixels)", "有效观测(像元)"),
        column("observed", Real, "observed share", "有效观测占比"),
        column("mean", Real, "mean", "平均值"),
        column("sum", Real, "sum", "总和"),
        column("stdev", Real, "standard deviation", "标准差"),
        column("variance", Real, "variance", "方差"),
        column("min", Real, "least", "最小值"),
        column("max", Real, "largest", "最大值"),
    ];
    if more.mode {
        columns.push(column("mode", Real, "mode", "众数"));
    }
    for q in &more.quantiles {
        let p = 100.0 * q;
        columns.push(column(
            &format!("q{p}").replace('.', "_"),
            Real,
            &format!("{p} % quantile"),
            &format!("{p}% 分位数"),
        ));
    }
    for (i, t) in more.thresholds.iter().enumerate() {
        columns.push(column(
            &format!("above_{}", i + 1),
            Real,
            &format!("share above {t}"),
            &format!("大于 {t} 的占比"),
        ));
    }
    if more.weighted {
        columns.push(column("w_mean", Real, "weighted mean", "加权平均"));
        columns.push(column("w_sum", Real, "weighted sum", "加权总和"));
        columns.push(column("w_stdev", Real, "weighted standard deviation", "加权标准差"));
    }
    columns
}

/// The layer `zonal`.
pub fn zonal(rows: Vec<ZonalRow>, schema: &[Field], more: &ZonalColumns, crs: Option<Crs>) -> Table {
    let values = |r: &mut ZonalRow| {
        let mut v = std::mem::take(&mut r.attributes);
        v.extend([
            Value::Text(std::mem::take(&mut r.unit)),
            Value::Text(std::mem::take(&mut r.raster)),
            r.date.map_or(Value::Null, Value::Date),
        ]);
        v.extend(r.area.map(Value::Real));
        v.extend((0..6).map(|i| Value::from(r.values.map(|x| x[i]))));
        v.extend(r.more.iter().map(|x| Value::from(*x)));
        v
    };
    Table {
        name: "zonal".into(),
        title: Text::new("zonal statistics", "分区统计"),
        columns: with_attributes(schema, zonal_columns(more)),
        shape: Shape::MultiPolygon,
        crs,
        rows: rows
            .into_iter()
            .map(|mut r| -> Row { (r.shape.take().map(Geometry::MultiPolygon), values(&mut r)) })
            .collect(),
        style: None,
    }
}
