//! The account of pits and dumps as a layer and a list, and what the two DEMs were found to be.

use geo::Geometry;

use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text};
use crate::model::{Column, Crs, Field, FieldType, Observed, Shape, Site, Table, Value};
use crate::units::SquareMetres;

/// What was measured of one polygon. Volumes are cubic metres, positive where the ground rose.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the columns say it")]
pub struct Measured {
    pub net_m3: f64,
    /// Standard deviation of `net_m3`: all parts, then uncorrelated, correlated, systematic.
    pub sd_m3: [f64; 4],
    /// Half the width of its confidence interval.
    pub half_m3: f64,
    pub fill_m3: f64,
    pub cut_m3: f64,
    pub fill_lod_m3: f64,
    pub cut_lod_m3: f64,
    /// `pit`, `dump`, `level`.
    pub form: &'static str,
    pub sides: [SideFigures; 2],
}

/// The ground on one date; `None` where there is no rim to measure from, or no slope is known.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the columns say it")]
pub struct SideFigures {
    pub depth_m: Option<f64>,
    pub below_m3: Option<f64>,
    pub height_m: Option<f64>,
    pub above_m3: Option<f64>,
    pub slope_deg: Option<f64>,
    /// Shares of the classes of slope, percent.
    pub slope_pct: Vec<Option<f64>>,
}

/// One polygon.
#[derive(Debug, Clone, PartialEq)]
pub struct TerrainRow {
    /// Its fields; the shape in the CRS of the DEM.
    pub site: Site,
    /// Area on the ellipsoid.
    pub area: SquareMetres,
    /// Share observed on both dates, percent.
    pub observed_pct: f64,
    /// What was measured, where anything was observed.
    pub measured: Observed<Box<Measured>>,
    /// Code of the verdict.
    pub verdict: &'static str,
    /// The verdict in words.
    pub words: Text,
}

/// What the layer says of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// CRS of the shapes.
    pub crs: Option<Crs>,
    /// Level of detection, metres.
    pub lod_m: f64,
    /// Limits between classes of slope, degrees.
    pub slope_limits_deg: Vec<f64>,
    /// Language of titles and words.
    pub lang: Lang,
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// The layer `terrain`.
pub fn layer(rows: &[TerrainRow], d: &Described) -> Table {
    Table {
        name: "terrain".into(),
        title: Text::new("pits and dumps", "采坑与堆场"),
        columns: columns(d),
        shape: Shape::MultiPolygon,
        crs: d.crs.clone(),
        rows: rows.iter().map(|r| (Some(Geometry::MultiPolygon(r.site.shape.clone())), values(r, d))).collect(),
        style: Some(style("terrain", Draw::Fill, Some("verdict"), &symbols(), d.lang)),
    }
}

/// Columns of the fields of a site, as every list of units begins.
pub(super) fn site_columns() -> Vec<Column> {
    use FieldType::{Real, Text as T};
    vec![
        column("site_id", T, "id", "编号"),
        column("name", T, "name", "名称"),
        column("kind", T, "kind", "类型代码"),
        column("kind_zh", T, "kind (Chinese)", "类型"),
        column("admin", T, "administrative area", "行政区"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", T, "deadline", "完成时限"),
        column("area_ha", Real, "area (ha)", "面积(公顷)"),
        column("area_mu", Real, "area (mu)", "面积(亩)"),
    ]
}

/// The values of [`site_columns`].
pub(super) fn site_values(s: &Site, area: SquareMetres) -> Vec<Value> {
    vec![
        Value::from(s.site_id.as_str()),
        Value::from(s.name.as_deref()),
        Value::from(s.kind.as_str()),
        Value::from(s.kind.zh()),
        Value::from(s.admin.as_deref()),
        Value::from(s.responsible_unit.as_deref()),
        Value::from(s.supervising_unit.as_deref()),
        Value::from(s.deadline.as_deref()),
        Value::Real(area.hectares()),
        Value::Real(area.mu()),
    ]
}

fn columns(d: &Described) -> Vec<Column> {
    use FieldType::{Real, Text as T};
    let mut c = site_columns();
    c.extend([
        column("observed_pct", Real, "observed on both dates (%)", "两期有效面积(%)"),
        column("verdict", T, "verdict code", "判定代码"),
        column("verdict_text", T, "verdict", "判定"),
        column("form", T, "form", "形态"),
        column("net_m3", Real, "net volume (m³)", "净变化量(立方米)"),
        column("net_half_m3", Real, "± (m³)", "±(立方米)"),
        column("net_sd_m3", Real, "standard deviation (m³)", "标准差(立方米)"),
        column("sd_uncorr_m3", Real, "uncorrelated part (m³)", "不相关误差(立方米)"),
        column("sd_corr_m3", Real, "correlated part (m³)", "空间相关误差(立方米)"),
        column("sd_syst_m3", Real, "systematic part (m³)", "系统误差(立方米)"),
        column("fill_m3", Real, "fill (m³)", "填方(立方米)"),
        column("cut_m3", Real, "cut (m³)", "挖方(立方米)"),
        column("lod_m", Real, "level of detection (m)", "检测限(米)"),
        column("fill_lod_m3", Real, "fill beyond it (m³)", "超检测限填方(立方米)"),
        column("cut_lod_m3", Real, "cut beyond it (m³)", "超检测限挖方(立方米)"),
        column("net_lod_m3", Real, "net beyond it (m³)", "超检测限净变化(立方米)"),
        column("lod_bias_m3", Real, "bias by the threshold (m³)", "阈值引起的偏差(立方米)"),
        column("depth_bef_m", Real, "depth before (m)", "前期坑深(米)"),
        column("depth_aft_m", Real, "depth after (m)", "后期坑深(米)"),
        column("below_bef_m3", Real, "hollow before (m³)", "前期坑容(立方米)"),
        column("below_aft_m3", Real, "hollow after (m³)", "后期坑容(立方米)"),
        column("filled_pct", Real, "hollow filled (%)", "回填率(%)"),
        column("height_bef_m", Real, "height before (m)", "前期堆高(米)"),
        column("height_aft_m", Real, "height after (m)", "后期堆高(米)"),
        column("above_bef_m3", Real, "body before (m³)", "前期堆体(立方米)"),
        column("above_aft_m3", Real, "body after (m³)", "后期堆体(立方米)"),
        column("slope_bef", Real, "mean slope before (°)", "前期平均坡度(度)"),
        column("slope_aft", Real, "mean slope after (°)", "后期平均坡度(度)"),
    ]);
    for (short, en, zh) in [("bef", "before", "前期"), ("aft", "after", "后期")] {
        for (low, high) in classes(&d.slope_limits_deg) {
            c.push(column(
                &format!("s{low}_{high}_{short}"),
                Real,
                &format!("slope {low}–{high}° {en} (%)"),
                &format!("{zh}坡度 {low}–{high}° 占比(%)"),
            ));
        }
    }
    c
}

/// Lower and upper limit of each class of slope.
fn classes(limits: &[f64]) -> Vec<(f64, f64)> {
    let mut edges = vec![0.0];
    edges.extend_from_slice(limits);
    edges.push(90.0);
    edges.windows(2).map(|e| (e[0], e[1])).collect()
}

fn values(r: &TerrainRow, d: &Described) -> Vec<Value> {
    let mut v = site_values(&r.site, r.area);
    v.extend([Value::Real(r.observed_pct), Value::from(r.verdict), Value::from(r.words.in_lang(d.lang))]);
    let Observed::Yes(m) = &r.measured else {
        v.resize(columns(d).len(), Value::Null);
        return v;
    };
    let [b, a] = &m.sides;
    let filled = match (b.below_m3, a.below_m3) {
        (Some(x), Some(y)) if m.form == "pit" && x > 0.0 => Some(100.0 * (x - y) / x),
        _ => None,
    };
    let net_lod = m.fill_lod_m3 - m.cut_lod_m3;
    v.push(Value::from(m.form));
    v.extend(
        [
            Some(m.net_m3),
            Some(m.half_m3),
            Some(m.sd_m3[0]),
            Some(m.sd_m3[1]),
            Some(m.sd_m3[2]),
            Some(m.sd_m3[3]),
            Some(m.fill_m3),
            Some(m.cut_m3),
            Some(d.lod_m),
            Some(m.fill_lod_m3),
            Some(m.cut_lod_m3),
            Some(net_lod),
            Some(net_lod - m.net_m3),
            b.depth_m,
            a.depth_m,
            b.below_m3,
            a.below_m3,
            filled,
            b.height_m,
            a.height_m,
            b.above_m3,
            a.above_m3,
            b.slope_deg,
            a.slope_deg,
        ]
        .map(Value::from),
    );
    v.extend(b.slope_pct.iter().chain(&a.slope_pct).map(|p| Value::from(*p)));
    v
}

fn symbols() -> Vec<Symbol> {
    let of = |code: &str, en: &str, zh: &str, rgba| Symbol {
        value: code.into(),
        label: Text::new(en, zh),
        rgba,
        width_mm: 0.3,
    };
    let (red, amber, green, grey) = ([200, 40, 40, 150], [235, 160, 40, 150], [40, 140, 70, 150], [140, 140, 140, 110]);
    vec![
        of("still_pit", "still a big pit", "大坑还是大坑", red),
        of("deeper", "pit has grown", "大坑扩大加深", red),
        of("new_pit", "new pit", "新增大坑", red),
        of("still_dump", "still a hill", "土山还是土山", red),
        of("higher", "hill has grown", "土山增大", red),
        of("new_dump", "new dump", "新增土山", red),
        of("partly_filled", "partly filled", "部分回填", amber),
        of("lowered", "cut down, still a hill", "已削减仍是土山", amber),
        of("reshaped", "slopes reshaped", "边坡已整形", amber),
        of("filled", "filled", "已填平", green),
        of("levelled", "levelled", "已削平", green),
        of("no_pit", "no pit", "无大坑", grey),
        of("no_dump", "no dump", "无土山", grey),
        of("level", "neither", "无明显坑堆", grey),
        of("no_rim", "no rim", "无坑沿高程", grey),
        of("unobserved", "not observed", "未观测", [60, 60, 60, 110]),
    ]
}

/// A list of names and values: how the two DEMs were brought together, and with what.
pub fn settings(list: &[(Text, String)], lang: Lang) -> Table {
    let rows = list
        .iter()
        .map(|(name, value)| (None, vec![Value::from(name.in_lang(lang)), Value::from(value.as_str())]))
        .collect();
    Table {
        name: "settings".into(),
        title: Text::new("alignment and settings", "配准与参数"),
        columns: vec![column("item", FieldType::Text, "item", "项目"), column("value", FieldType::Text, "value", "值")],
        shape: Shape::None,
        crs: None,
        rows,
        style: None,
    }
}
