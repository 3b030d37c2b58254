//! Layers and lists of corridor screening: `sites`, `clipped`, `corridor`, `rivers`, `summary`, `zones`, `skipped`.

use std::collections::BTreeMap;

use geo::{Geometry, LineString, MultiLineString, MultiPolygon};

use super::style::{Draw, Symbol, style};
use crate::error::{Lang, Text, without_password};
use crate::model::{Column, Crs, Field, FieldType, Kind, RiverClass, Row, Schema, Shape, Site, Skipped, Table, Value};
use crate::units::SquareMetres;

/// One site with its answers, ready for the report.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRow {
    /// The site.
    pub site: Site,
    /// Which of the source layers it came from.
    pub source: usize,
    /// Ellipsoidal area (planar where a planar metric was asked for).
    pub area: SquareMetres,
    /// Distance to the nearest river, metres.
    pub min_dist_m: f64,
    /// The nearest river.
    pub river: Option<String>,
    /// Its class.
    pub river_class: RiverClass,
    /// Nearest point on the river in the output's CRS.
    pub nearest: [f64; 2],
    /// Chainage from the head of the river, kilometres.
    pub chainage_km: Option<f64>,
    /// Bank, looking downstream.
    pub bank: Option<&'static str>,
    /// One answer a distance.
    pub at: Vec<AtRow>,
    /// Zones: the most overlapping first; without overlap the nearest alone.
    pub zones: Vec<ZoneRow>,
    /// Named factors of the score and their sum.
    pub score: Vec<(&'static str, f64)>,
}

/// The answer for one distance.
#[derive(Debug, Clone, PartialEq)]
pub struct AtRow {
    /// Distance asked for, metres.
    pub distance_m: f64,
    /// inside, crosses or outside.
    pub relation: &'static str,
    /// Area inside.
    pub inside: SquareMetres,
    /// Share of the area inside, per cent.
    pub inside_pct: f64,
    /// The part inside, for the map.
    pub clipped: Option<MultiPolygon<f64>>,
}

/// How a site lies to a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneRow {
    /// Name of the zone.
    pub zone: String,
    /// Distance, metres; 0 where they overlap or touch.
    pub dist_m: f64,
    /// Overlap.
    pub overlap: SquareMetres,
    /// Overlap as share of the site, per cent.
    pub overlap_pct: f64,
    /// The overlap, for the map.
    pub shape: Option<MultiPolygon<f64>>,
}

/// A river for the report.
#[derive(Debug, Clone, PartialEq)]
pub struct RiverRow {
    /// Name.
    pub name: Option<String>,
    /// Class.
    pub class: RiverClass,
    /// Length of the main path, kilometres.
    pub length_km: f64,
    /// Pieces joined.
    pub pieces: usize,
    /// Pieces digitised against the flow.
    pub reversed: usize,
    /// Gaps bridged.
    pub bridges: usize,
    /// Its lines, downstream.
    pub lines: MultiLineString<f64>,
}

/// What the tables are made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Context<'a> {
    /// CRS of the geometries.
    pub crs: &'a Crs,
    /// Distances asked for, metres.
    pub distances: &'a [f64],
    /// Schemas of the source layers.
    pub schemas: &'a [Schema],
    /// Language of legends.
    pub lang: Lang,
    /// Whether zones were given.
    pub with_zones: bool,
}

/// `1000` for whole metres, `2999_9` otherwise: part of field names.
pub fn distance_suffix(d: f64) -> String {
    d.to_string().replace('.', "_")
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// The columns of ours in `sites`, in order.
fn own_columns(c: &Context<'_>, factors: &[&'static str]) -> Vec<Column> {
    use FieldType::{Real, Text as T};
    let mut out = vec![
        column("site_id", T, "site id", "编号"),
        column("name", T, "name", "名称"),
        column("kind", T, "kind", "类型代码"),
        column("kind_zh", T, "kind (Chinese)", "类型"),
        column("admin", T, "administrative area", "行政区"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", T, "deadline", "完成时限"),
        column("area_m2", Real, "area (m²)", "面积(平方米)"),
        column("area_ha", Real, "area (ha)", "面积(公顷)"),
        column("area_mu", Real, "area (mu)", "面积(亩)"),
        column("min_dist_m", Real, "distance to river (m)", "距河道最近距离(米)"),
        column("river", T, "nearest river", "最近河流"),
        column("river_class", T, "river class", "河流等级"),
        column("nearest_x", Real, "nearest point x", "最近点X"),
        column("nearest_y", Real, "nearest point y", "最近点Y"),
        column("chainage_km", Real, "chainage (km)", "河道里程(公里)"),
        column("bank", T, "bank", "岸别"),
    ];
    for &d in c.distances {
        let (s, km) = (distance_suffix(d), d / 1000.0);
        out.push(column(&format!("relation_{s}"), T, &format!("relation to {km} km"), &format!("{km}公里关系")));
        out.push(column(
            &format!("inside_{s}_m2"),
            Real,
            &format!("area within {km} km (m²)"),
            &format!("{km}公里内面积(平方米)"),
        ));
        out.push(column(
            &format!("inside_{s}_pct"),
            Real,
            &format!("share within {km} km (%)"),
            &format!("{km}公里内占比(%)"),
        ));
    }
    if c.with_zones {
        out.push(column("zone", T, "zone", "管控区"));
        out.push(column("zone_dist_m", Real, "distance to zone (m)", "距管控区(米)"));
        out.push(column("zone_overlap_m2", Real, "overlap with zone (m²)", "与管控区重叠(平方米)"));
        out.push(column("zone_overlap_pct", Real, "overlap with zone (%)", "与管控区重叠(%)"));
    }
    for f in factors {
        let (en, zh) = super::people::factor(f);
        out.push(column(&format!("score_{f}"), Real, &format!("score: {en}"), &format!("评分:{zh}")));
    }
    out.push(column("score", Real, "score", "综合评分"));
    out
}

/// Source columns of all layers, by name; a name that one of ours has gets `src_` before it, a type on which layers
/// disagree becomes text. Answers the columns and, per layer, where each source value goes.
fn source_columns(own: &[Column], schemas: &[Schema]) -> (Vec<Column>, Vec<Vec<usize>>) {
    let mut columns: Vec<Column> = Vec::new();
    let mut places = Vec::new();
    for schema in schemas {
        let mut place = Vec::new();
        for f in &schema.fields {
            let taken = own.iter().any(|c| c.field.name.eq_ignore_ascii_case(&f.name))
                || matches!(f.name.to_ascii_lowercase().as_str(), "fid" | "geom");
            let name = if taken { format!("src_{}", f.name) } else { f.name.clone() };
            let at = columns.iter().position(|c| c.field.name.eq_ignore_ascii_case(&name));
            let at = at.unwrap_or_else(|| {
                // a list with two columns of one title is hard to read
                let same = |of: fn(&Text) -> &str| own.iter().any(|c| of(&c.title) == name);
                let en = if same(|t| &t.en) { format!("{name} (source)") } else { name.clone() };
                let zh = if same(|t| &t.zh) { format!("{name}(原字段)") } else { name.clone() };
                let title = Text::new(en, zh);
                columns.push(Column { field: Field { name: name.clone(), ..f.clone() }, title });
                columns.len() - 1
            });
            if columns[at].field.ty != f.ty {
                columns[at].field = Field::new(name, FieldType::Text);
            }
            place.push(at);
        }
        places.push(place);
    }
    (columns, places)
}

fn own_values(r: &SiteRow, c: &Context<'_>) -> Vec<Value> {
    let s = &r.site;
    let text = |t: &Option<String>| Value::from(t.as_deref());
    let mut v = vec![
        Value::from(s.site_id.as_str()),
        text(&s.name),
        Value::from(s.kind.as_str()),
        Value::from(s.kind.zh()),
        text(&s.admin),
        text(&s.responsible_unit),
        text(&s.supervising_unit),
        text(&s.deadline),
        Value::Real(r.area.0),
        Value::Real(r.area.hectares()),
        Value::Real(r.area.mu()),
        Value::Real(r.min_dist_m),
        text(&r.river),
        Value::from(r.river_class.as_str()),
        Value::Real(r.nearest[0]),
        Value::Real(r.nearest[1]),
        Value::from(r.chainage_km),
        Value::from(r.bank),
    ];
    for a in &r.at {
        v.extend([Value::from(a.relation), Value::Real(a.inside.0), Value::Real(a.inside_pct)]);
    }
    if c.with_zones {
        match r.zones.first() {
            Some(z) => v.extend([
                Value::from(z.zone.as_str()),
                Value::Real(z.dist_m),
                Value::Real(z.overlap.0),
                Value::Real(z.overlap_pct),
            ]),
            None => v.extend([Value::Null, Value::Null, Value::Null, Value::Null]),
        }
    }
    v.extend(r.score.iter().map(|(_, x)| Value::Real(*x)));
    v.push(Value::Real(r.score.iter().map(|(_, x)| x).sum()));
    v
}

/// `sites`: every site with its answers and every source attribute.
#[derive(Debug, Clone)]
pub struct Sites {
    head: Table,
    /// Columns that are not a source's.
    own: usize,
    /// Where each source value goes, a source layer each.
    places: Vec<Vec<usize>>,
}

impl Sites {
    /// The layer, with its columns: ours, then those of the sources.
    pub fn new(c: &Context<'_>, factors: &[&'static str]) -> Self {
        let mut columns = own_columns(c, factors);
        let own = columns.len();
        let (extra, places) = source_columns(&columns, c.schemas);
        columns.extend(extra);
        let widest = c.distances.iter().copied().fold(0.0, f64::max);
        let field = format!("relation_{}", distance_suffix(widest));
        let head = Table {
            name: "sites".into(),
            title: Text::new("sites", "图斑"),
            columns,
            shape: Shape::MultiPolygon,
            crs: Some(c.crs.clone()),
            rows: Vec::new(),
            style: Some(style("sites", Draw::Fill, Some(&field), &relation_symbols(), c.lang)),
        };
        Self { head, own, places }
    }

    /// The layer without rows.
    pub fn head(&self) -> Table {
        self.head.clone()
    }

    /// The row of a site.
    pub fn row(&self, r: SiteRow, c: &Context<'_>) -> Row {
        let mut v = own_values(&r, c);
        v.resize(self.head.columns.len(), Value::Null);
        for (value, &at) in r.site.values.into_iter().zip(&self.places[r.source]) {
            let at = self.own + at;
            let as_text =
                self.head.columns[at].field.ty == FieldType::Text && !matches!(value, Value::Null | Value::Text(_));
            v[at] = if as_text { Value::Text(value.to_display()) } else { value };
        }
        (Some(Geometry::MultiPolygon(r.site.shape)), v)
    }
}

fn symbol(value: &str, en: &str, zh: &str, rgba: [u8; 4], width_mm: f64) -> Symbol {
    Symbol { value: value.into(), label: Text::new(en, zh), rgba, width_mm }
}

fn relation_symbols() -> Vec<Symbol> {
    vec![
        symbol("inside", "inside the corridor", "完全在范围内", [215, 48, 39, 170], 0.3),
        symbol("crosses", "crosses its edge", "跨界", [253, 174, 97, 170], 0.3),
        symbol("outside", "outside", "范围外", [145, 191, 219, 120], 0.2),
    ]
}

/// `clipped`: the parts of sites inside the corridor, one row a site and distance.
pub fn clipped(c: &Context<'_>) -> Table {
    let columns = vec![
        column("site_id", FieldType::Text, "site id", "编号"),
        column("name", FieldType::Text, "name", "名称"),
        column("kind", FieldType::Text, "kind", "类型代码"),
        column("distance_m", FieldType::Real, "distance (m)", "距离(米)"),
        column("inside_m2", FieldType::Real, "area inside (m²)", "范围内面积(平方米)"),
    ];
    let symbols = [symbol("", "inside", "范围内", [240, 60, 40, 110], 0.4)];
    Table {
        name: "clipped".into(),
        title: Text::new("parts inside the corridor", "范围内部分"),
        columns,
        shape: Shape::MultiPolygon,
        crs: Some(c.crs.clone()),
        rows: Vec::new(),
        style: Some(style("clipped", Draw::Fill, None, &symbols, c.lang)),
    }
}

/// The rows of a site in `clipped`; its polygons are taken out of it.
pub fn clipped_rows(r: &mut SiteRow) -> Vec<Row> {
    let site = &r.site;
    r.at.iter_mut()
        .filter_map(|a| Some((a.clipped.take()?, a.distance_m, a.inside.0)))
        .map(|(g, distance_m, inside_m2)| {
            let v = vec![
                Value::from(site.site_id.as_str()),
                Value::from(site.name.as_deref()),
                Value::from(site.kind.as_str()),
                Value::Real(distance_m),
                Value::Real(inside_m2),
            ];
            (Some(Geometry::MultiPolygon(g)), v)
        })
        .collect()
}

/// `corridor`: the corridors as polygons, for the map.
pub fn corridor(shapes: Vec<(f64, Option<String>, RiverClass, MultiPolygon<f64>)>, c: &Context<'_>) -> Table {
    let columns = vec![
        column("distance_m", FieldType::Real, "distance (m)", "距离(米)"),
        column("river", FieldType::Text, "river", "河流"),
        column("river_class", FieldType::Text, "river class", "河流等级"),
    ];
    let rows = shapes
        .into_iter()
        .map(|(d, name, class, g)| {
            (
                Some(Geometry::MultiPolygon(g)),
                vec![Value::Real(d), Value::from(name.as_deref()), Value::from(class.as_str())],
            )
        })
        .collect();
    let symbols = [
        symbol("main", "main stem", "干流", [33, 102, 172, 40], 0.3),
        symbol("tributary", "tributary", "支流", [103, 169, 207, 40], 0.2),
        symbol("unknown", "not classed", "未分级", [150, 150, 150, 40], 0.2),
    ];
    Table {
        name: "corridor".into(),
        title: Text::new("corridor", "河道管控范围"),
        columns,
        shape: Shape::MultiPolygon,
        crs: Some(c.crs.clone()),
        rows,
        style: Some(style("corridor", Draw::Fill, Some("river_class"), &symbols, c.lang)),
    }
}

/// `rivers`: the network as it was joined, lines pointing downstream.
pub fn rivers(rivers: Vec<RiverRow>, c: &Context<'_>) -> Table {
    let columns = vec![
        column("river", FieldType::Text, "river", "河流"),
        column("river_class", FieldType::Text, "river class", "河流等级"),
        column("length_km", FieldType::Real, "length of the main path (km)", "主线长度(公里)"),
        column("pieces", FieldType::Int64, "pieces joined", "拼接段数"),
        column("reversed", FieldType::Int64, "pieces drawn upstream", "反向段数"),
        column("bridges", FieldType::Int64, "gaps bridged", "补接断口数"),
    ];
    let rows = rivers
        .into_iter()
        .map(|r| {
            let v = vec![
                Value::from(r.name.as_deref()),
                Value::from(r.class.as_str()),
                Value::Real(r.length_km),
                Value::Int(r.pieces as i64),
                Value::Int(r.reversed as i64),
                Value::Int(r.bridges as i64),
            ];
            (Some(Geometry::MultiLineString(r.lines)), v)
        })
        .collect();
    let symbols = [
        symbol("main", "main stem", "干流", [8, 81, 156, 255], 0.9),
        symbol("tributary", "tributary", "支流", [66, 146, 198, 255], 0.5),
        symbol("unknown", "not classed", "未分级", [120, 120, 160, 255], 0.4),
    ];
    Table {
        name: "rivers".into(),
        title: Text::new("rivers", "河流"),
        columns,
        shape: Shape::MultiLine,
        crs: Some(c.crs.clone()),
        rows,
        style: Some(style("rivers", Draw::Line, Some("river_class"), &symbols, c.lang)),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: i64,
    area: f64,
    inside: f64,
}

/// Sums of `summary`, a site at a time.
#[derive(Debug, Clone, Default)]
pub struct Sums(BTreeMap<(usize, &'static str, Kind, RiverClass, String, String), Sum>);

impl Sums {
    /// Adds a site. Sums depend on the order in the last bit: keep to that of the sources.
    pub fn add(&mut self, r: &SiteRow) {
        for (i, a) in r.at.iter().enumerate().filter(|(_, a)| a.relation != "outside") {
            let text = |t: &Option<String>| t.clone().unwrap_or_default();
            let key = (i, a.relation, r.site.kind, r.river_class, text(&r.site.admin), text(&r.site.responsible_unit));
            let s = self.0.entry(key).or_default();
            s.count += 1;
            s.area += r.area.0;
            s.inside += a.inside.0;
        }
    }
}

/// `summary`: count and area by distance, relation, kind, river class, administrative area and responsible unit.
pub fn summary(sums: &Sums, c: &Context<'_>) -> Table {
    let columns = vec![
        column("distance_m", FieldType::Real, "distance (m)", "距离(米)"),
        column("relation", FieldType::Text, "relation", "关系"),
        column("kind", FieldType::Text, "kind", "类型代码"),
        column("kind_zh", FieldType::Text, "kind (Chinese)", "类型"),
        column("river_class", FieldType::Text, "river class", "河流等级"),
        column("admin", FieldType::Text, "administrative area", "行政区"),
        column("responsible_unit", FieldType::Text, "responsible unit", "责任单位"),
        column("count", FieldType::Int64, "sites", "个数"),
        column("area_ha", FieldType::Real, "area (ha)", "面积(公顷)"),
        column("area_mu", FieldType::Real, "area (mu)", "面积(亩)"),
        column("inside_ha", FieldType::Real, "area inside (ha)", "范围内面积(公顷)"),
        column("inside_mu", FieldType::Real, "area inside (mu)", "范围内面积(亩)"),
    ];
    let rows = sums
        .0
        .iter()
        .map(|((i, relation, kind, class, admin, unit), s)| {
            let (area, inside) = (SquareMetres(s.area), SquareMetres(s.inside));
            let v = vec![
                Value::Real(c.distances[*i]),
                Value::from(*relation),
                Value::from(kind.as_str()),
                Value::from(kind.zh()),
                Value::from(class.as_str()),
                Value::Text(admin.clone()),
                Value::Text(unit.clone()),
                Value::Int(s.count),
                Value::Real(area.hectares()),
                Value::Real(area.mu()),
                Value::Real(inside.hectares()),
                Value::Real(inside.mu()),
            ];
            (None, v)
        })
        .collect();
    Table {
        name: "summary".into(),
        title: Text::new("summary", "汇总"),
        columns,
        shape: Shape::None,
        crs: None,
        rows,
        style: None,
    }
}

/// `zones`: overlaps of sites with zones.
pub fn zones(c: &Context<'_>) -> Table {
    let columns = vec![
        column("site_id", FieldType::Text, "site id", "编号"),
        column("name", FieldType::Text, "name", "名称"),
        column("zone", FieldType::Text, "zone", "管控区"),
        column("overlap_m2", FieldType::Real, "overlap (m²)", "重叠面积(平方米)"),
        column("overlap_pct", FieldType::Real, "overlap (%)", "重叠占比(%)"),
    ];
    let symbols = [symbol("", "overlap with a zone", "与管控区重叠", [152, 78, 163, 150], 0.4)];
    Table {
        name: "zones".into(),
        title: Text::new("overlaps with zones", "管控区重叠"),
        columns,
        shape: Shape::MultiPolygon,
        crs: Some(c.crs.clone()),
        rows: Vec::new(),
        style: Some(style("zones", Draw::Fill, None, &symbols, c.lang)),
    }
}

/// The rows of a site in `zones`; its polygons are taken out of it.
pub fn zone_rows(r: &mut SiteRow) -> Vec<Row> {
    let site = &r.site;
    r.zones
        .iter_mut()
        .filter_map(|z| Some((z.shape.take()?, z)))
        .map(|(g, z)| {
            let v = vec![
                Value::from(site.site_id.as_str()),
                Value::from(site.name.as_deref()),
                Value::from(z.zone.as_str()),
                Value::Real(z.overlap.0),
                Value::Real(z.overlap_pct),
            ];
            (Some(Geometry::MultiPolygon(g)), v)
        })
        .collect()
}

/// `skipped`: what was set aside or repaired, and why.
pub fn skipped(list: &[Skipped], lang: Lang) -> Table {
    let columns = vec![
        column("file", FieldType::Text, "file", "文件"),
        column("layer", FieldType::Text, "layer", "图层"),
        column("feature", FieldType::Int64, "feature", "要素"),
        column("id", FieldType::Text, "id", "编号"),
        column("state", FieldType::Text, "state", "处理"),
        column("reason", FieldType::Text, "reason code", "原因代码"),
        column("text", FieldType::Text, "reason", "原因"),
    ];
    let rows = list
        .iter()
        .map(|s| {
            let v = vec![
                Value::Text(without_password(&s.file.to_string_lossy())),
                Value::from(s.layer.as_str()),
                Value::Int(s.fid),
                Value::from(s.id.as_deref()),
                Value::from(s.state().as_str()),
                Value::from(s.reason.code),
                Value::from(s.reason.text.in_lang(lang)),
            ];
            (None, v)
        })
        .collect();
    Table {
        name: "skipped".into(),
        title: Text::new("repaired and skipped", "修复与跳过"),
        columns,
        shape: Shape::None,
        crs: None,
        rows,
        style: None,
    }
}

/// Lines of segments that follow each other.
pub fn joined(segments: impl Iterator<Item = (geo::Coord<f64>, geo::Coord<f64>)>) -> MultiLineString<f64> {
    let mut lines: Vec<LineString<f64>> = Vec::new();
    for (a, b) in segments {
        match lines.last_mut() {
            Some(l) if l.0.last() == Some(&a) => l.0.push(b),
            _ => lines.push(LineString(vec![a, b])),
        }
    }
    MultiLineString(lines)
}
