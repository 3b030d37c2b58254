//! Issues as lists and layers: 问题清单, `issues`, `issue_points`, `issue_lines`, `events`.

use chrono::NaiveDate;
use geo::{Geometry, MultiLineString, MultiPolygon};

use super::style::{Draw, Symbol, aliased, style};
use crate::error::{Lang, Text};
use crate::model::{Column, Crs, Event, Field, FieldType, IssueState, LayerStyle, Row, Shape, Standing, Table, Value};
use crate::units::SquareMetres;

/// How a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListOptions {
    /// The day of which it speaks.
    pub day: NaiveDate,
    /// Language of words.
    pub lang: Lang,
    /// Empty columns for the department: new state, date, by whom, why.
    pub form: bool,
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

/// The list for people: 问题清单, with words for codes.
pub fn list(standings: &[Standing<'_>], o: &ListOptions) -> Table {
    use FieldType::{Date, Int64, Real, Text as T};
    let mut columns = vec![
        column("issue_id", T, "issue", "问题编号"),
        column("kind", T, "kind", "问题类别"),
        column("state", T, "state", "状态"),
        column("name", T, "name", "名称"),
        column("object_id", T, "object id", "图斑编号"),
        column("admin", T, "administrative area", "行政区"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", Date, "deadline", "完成时限"),
        column("days_over", Int64, "days past the deadline", "逾期天数"),
        column("found", Date, "found", "发现日期"),
        column("state_since", Date, "in this state since", "状态起始日期"),
        column("last_found", Date, "last found", "最近发现日期"),
        column("days_open", Int64, "days open", "已历时(天)"),
        column("relapses", Int64, "relapses", "反弹次数"),
        column("area_ha", Real, "area (ha)", "面积(公顷)"),
        column("area_mu", Real, "area (mu)", "面积(亩)"),
    ];
    if o.form {
        columns.extend([
            column("new_state", T, "new state", "变更为"),
            column("date", T, "date of the step", "办理日期"),
            column("who", T, "done by", "经办人"),
            column("why", T, "remark", "情况说明"),
        ]);
    }
    let row = |s: &Standing<'_>| -> Row {
        let i = s.issue;
        let (kind, state) = (Text::new(i.kind.en(), i.kind.zh()), Text::new(s.state.as_str(), s.state.zh()));
        let mut v = vec![
            Value::from(i.issue_id.as_str()),
            Value::from(kind.in_lang(o.lang)),
            Value::from(state.in_lang(o.lang)),
            Value::from(i.name.as_deref()),
            Value::from(i.object_id.as_deref()),
            Value::from(s.admin),
            Value::from(s.responsible_unit),
            Value::from(s.supervising_unit),
            s.deadline.map_or(Value::Null, Value::Date),
            over(s, o.day),
            Value::Date(i.found),
            Value::Date(s.since),
            Value::Date(s.last_found),
            Value::Int((if s.state.is_open() { o.day } else { s.since }).signed_duration_since(i.found).num_days()),
            Value::Int(s.relapses.into()),
            Value::from(i.area_m2.map(|a| SquareMetres(a).hectares())),
            Value::from(i.area_m2.map(|a| SquareMetres(a).mu())),
        ];
        if o.form {
            v.extend([const { Value::Null }; 4]);
        }
        (None, v)
    };
    Table {
        name: "issues".into(),
        title: Text::new("issues", "问题清单"),
        columns,
        shape: Shape::None,
        crs: None,
        rows: standings.iter().map(row).collect(),
        style: None,
    }
}

/// Days past the deadline of an open issue; none where it is in time or has no deadline.
fn over(s: &Standing<'_>, day: NaiveDate) -> Value {
    match s.deadline {
        Some(d) if s.overdue(day) => Value::Int(day.signed_duration_since(d).num_days()),
        _ => Value::Null,
    }
}

/// The layers for the map, in EPSG:4490: areas, and points and lines where there are any.
pub fn layers(standings: &[Standing<'_>], day: NaiveDate, lang: Lang) -> Vec<Table> {
    let mut out = [
        layer("issues", Text::new("issues", "问题图斑"), Shape::MultiPolygon),
        layer("issue_points", Text::new("issues (points)", "问题点"), Shape::Point),
        layer("issue_lines", Text::new("issues (lines)", "问题线"), Shape::MultiLine),
    ];
    out[0].style = Some(style("issues", Draw::Fill, Some("state"), &symbols(), lang));
    let points: Vec<Symbol> = symbols().into_iter().map(|s| Symbol { width_mm: 3.0, ..s }).collect();
    out[1].style = Some(style("issue_points", Draw::Point, Some("state"), &points, lang));
    out[2].style = Some(style("issue_lines", Draw::Line, Some("state"), &symbols(), lang));
    for s in standings {
        let values = values(s, day);
        match s.issue.place.clone() {
            Geometry::Polygon(p) => out[0].rows.push((Some(Geometry::MultiPolygon(MultiPolygon(vec![p]))), values)),
            g @ Geometry::MultiPolygon(_) => out[0].rows.push((Some(g), values)),
            g @ Geometry::Point(_) => out[1].rows.push((Some(g), values)),
            Geometry::MultiPoint(m) => {
                out[1].rows.extend(m.0.into_iter().map(|p| (Some(Geometry::Point(p)), values.clone())));
            }
            Geometry::LineString(l) => {
                out[2].rows.push((Some(Geometry::MultiLineString(MultiLineString(vec![l]))), values))
            }
            g => out[2].rows.push((Some(g), values)),
        }
    }
    let any = out.iter().any(|t| !t.rows.is_empty());
    // an empty ledger is a layer without rows
    out.into_iter().enumerate().filter(|(i, t)| !t.rows.is_empty() || !any && *i == 0).map(|(_, t)| t).collect()
}

fn layer(name: &str, title: Text, shape: Shape) -> Table {
    use FieldType::{Date, Int64, Real, Text as T};
    let columns = vec![
        column("issue_id", T, "issue", "问题编号"),
        column("kind", T, "kind", "类别代码"),
        column("kind_zh", T, "kind (Chinese)", "问题类别"),
        column("state", T, "state", "状态代码"),
        column("state_zh", T, "state (Chinese)", "状态"),
        column("name", T, "name", "名称"),
        column("object_id", T, "object id", "图斑编号"),
        column("admin", T, "administrative area", "行政区"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", Date, "deadline", "完成时限"),
        column("days_over", Int64, "days past the deadline", "逾期天数"),
        column("found", Date, "found", "发现日期"),
        column("state_since", Date, "in this state since", "状态起始日期"),
        column("last_found", Date, "last found", "最近发现日期"),
        column("relapses", Int64, "relapses", "反弹次数"),
        column("area_m2", Real, "area (m²)", "面积(平方米)"),
    ];
    let name = name.to_owned();
    Table { name, title, columns, shape, crs: Some(cgcs2000()), rows: Vec::new(), style: None }
}

fn cgcs2000() -> Crs {
    Crs { definition: "EPSG:4490".into(), code: Some("EPSG:4490".into()), name: "CGCS2000".into() }
}

fn values(s: &Standing<'_>, day: NaiveDate) -> Vec<Value> {
    let i = s.issue;
    vec![
        Value::from(i.issue_id.as_str()),
        Value::from(i.kind.as_str()),
        Value::from(i.kind.zh()),
        Value::from(s.state.as_str()),
        Value::from(s.state.zh()),
        Value::from(i.name.as_deref()),
        Value::from(i.object_id.as_deref()),
        Value::from(s.admin),
        Value::from(s.responsible_unit),
        Value::from(s.supervising_unit),
        s.deadline.map_or(Value::Null, Value::Date),
        over(s, day),
        Value::Date(i.found),
        Value::Date(s.since),
        Value::Date(s.last_found),
        Value::Int(s.relapses.into()),
        Value::from(i.area_m2),
    ]
}

/// Red for what is new or came back, over yellow for work in hand, to green for what is closed.
fn symbols() -> Vec<Symbol> {
    let rgba = |s: IssueState| match s {
        IssueState::Found => [215, 48, 39, 170],
        IssueState::Relapsed => [165, 0, 80, 190],
        IssueState::Assigned => [244, 109, 67, 170],
        IssueState::Rectifying => [253, 174, 97, 170],
        IssueState::Submitted => [254, 224, 139, 170],
        IssueState::Verified => [166, 217, 106, 170],
        IssueState::Closed => [26, 152, 80, 150],
        IssueState::Dismissed => [150, 150, 150, 110],
    };
    let symbol = |s: IssueState| Symbol {
        value: s.as_str().into(),
        label: Text::new(s.as_str(), s.zh()),
        rgba: rgba(s),
        width_mm: 0.3,
    };
    IssueState::ALL.map(symbol).to_vec()
}

/// Styles of the layers that a GeoPackage ledger shows map programs, in both languages.
pub fn store_styles() -> Vec<LayerStyle> {
    let both: Vec<Symbol> = symbols()
        .into_iter()
        .map(|s| {
            let label = format!("{} {}", s.label.zh, s.label.en);
            Symbol { label: Text::new(label.clone(), label), ..s }
        })
        .collect();
    let columns: Vec<(String, String)> = layer("", Text::default(), Shape::None)
        .columns
        .into_iter()
        .map(|c| (c.field.name, format!("{} {}", c.title.zh, c.title.en)))
        .collect();
    let one = |name: &str, title: &str, draw: Draw, width_mm: f64| {
        let symbols: Vec<Symbol> = both.iter().map(|s| Symbol { width_mm, ..s.clone() }).collect();
        let style = style(name, draw, Some("state"), &symbols, Lang::Zh);
        LayerStyle { layer: [name.into(), "geom".into()], title: title.into(), style: aliased(style, &columns) }
    };
    vec![
        one("issue_areas", "问题图斑 issues", Draw::Fill, 0.3),
        one("issue_points", "问题点 issues (points)", Draw::Point, 3.0),
        one("issue_lines", "问题线 issues (lines)", Draw::Line, 0.8),
    ]
}

/// `events`: every step, as a list.
pub fn events(events: &[&Event], lang: Lang) -> Table {
    use FieldType::{Date, Int64, Text as T};
    let columns = vec![
        column("issue_id", T, "issue", "问题编号"),
        column("seq", Int64, "number", "序号"),
        column("day", Date, "day", "日期"),
        column("action", T, "action", "事项"),
        column("from_state", T, "from", "原状态"),
        column("to_state", T, "to", "现状态"),
        column("who", T, "who", "经办人"),
        column("why", T, "why", "说明"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", Date, "deadline", "完成时限"),
    ];
    let word = |en: &str, zh: &str| Value::from(Text::new(en, zh).in_lang(lang));
    let state = |s: IssueState| word(s.as_str(), s.zh());
    let row = |e: &&Event| -> Row {
        let c = &e.changes;
        let v = vec![
            Value::from(e.issue_id.as_str()),
            Value::Int(e.seq.into()),
            Value::Date(e.date),
            word(e.action.as_str(), e.action.zh()),
            e.from.map_or(Value::Null, state),
            state(e.to),
            Value::from(e.who.as_str()),
            Value::from(e.why.as_str()),
            Value::from(c.responsible_unit.as_deref()),
            Value::from(c.supervising_unit.as_deref()),
            c.deadline.map_or(Value::Null, Value::Date),
        ];
        (None, v)
    };
    Table {
        name: "events".into(),
        title: Text::new("events", "办理记录"),
        columns,
        shape: Shape::None,
        crs: None,
        rows: events.iter().map(row).collect(),
        style: None,
    }
}
