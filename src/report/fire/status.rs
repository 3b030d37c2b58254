//! A day's status: the curve, the units, the list, the chart.

use chrono::{DateTime, NaiveDate, Utc};
use geo::{Coord, Geometry, Point};

use super::tracks::symbols;
use super::{column, lonlat, time_text};
use crate::error::{Lang, Text};
use crate::model::{FieldType, FireState, Shape, Table, Value};
use crate::report::chart::{Axis, Chart, Mark, Series, day};
use crate::report::style::{Draw, style};

/// One fire on a day.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "as the columns of the layer fire_tracks")]
pub struct StatusRow {
    pub track_id: String,
    pub place: Coord<f64>,
    pub state: FireState,
    pub industrial: Option<String>,
    pub first_seen: DateTime<Utc>,
    pub last_seen: Option<DateTime<Utc>>,
    pub days_open: f64,
    pub unseen_days: f64,
    pub relapses: usize,
    pub out: Option<DateTime<Utc>>,
    pub frp_mw: Option<f64>,
    pub delta_t_k: Option<f64>,
    pub site_id: Option<String>,
    pub site_name: Option<String>,
    pub kind: Option<String>,
    pub kind_zh: Option<String>,
    pub admin: Option<String>,
    pub unit: Option<String>,
    pub river: Option<String>,
    pub river_m: Option<f64>,
}

/// The layer `fire_status`; as a list for people, words stand for codes.
pub fn list(rows: &[StatusRow], name: &str, lang: Lang, people: bool) -> Table {
    use FieldType::{Int64, Real, Text as T};
    let columns = vec![
        column("track_id", T, "fire", "火情编号"),
        column("state", T, "state", "状态"),
        column("days_open", Real, "days open", "未销号天数"),
        column("unseen_d", Real, "days not observed since", "未观测天数"),
        column("first_seen", T, "first heat (UTC)", "首次发现(UTC)"),
        column("last_seen", T, "last heat (UTC)", "最近发现(UTC)"),
        column("out_sure", T, "known to be out (UTC)", "确认熄灭(UTC)"),
        column("relapses", Int64, "times it came back", "复燃次数"),
        column("site_id", T, "site", "图斑编号"),
        column("site_name", T, "name of the site", "图斑名称"),
        column("kind", T, "kind", "类型"),
        column("admin", T, "administrative area", "行政区"),
        column("resp_unit", T, "responsible unit", "责任单位"),
        column("river", T, "nearest river", "最近河流"),
        column("river_m", Real, "distance to the river (m)", "距河流(米)"),
        column("frp_mw", Real, "greatest radiative power (MW)", "最大辐射功率(MW)"),
        column("delta_t_k", Real, "greatest excess over the background (K)", "最大温差(K)"),
        column("industrial", T, "known industrial heat", "已知工业热源"),
        column("lon", Real, "longitude", "经度"),
        column("lat", Real, "latitude", "纬度"),
    ];
    let time = |t: Option<DateTime<Utc>>| t.map_or(Value::Null, time_text);
    // tenths of a day are what looks can tell
    let tenths = |d: f64| Value::Real((d * 10.0).round() / 10.0);
    let values = |r: &StatusRow| {
        let word = |s: &Option<String>| Value::from(s.as_deref());
        let state = Text::new(r.state.as_str().replace('_', " "), r.state.zh());
        let zh = people && lang == Lang::Zh;
        vec![
            Value::from(r.track_id.as_str()),
            Value::from(if people { state.in_lang(lang) } else { r.state.as_str() }),
            tenths(r.days_open),
            tenths(r.unseen_days),
            time_text(r.first_seen),
            time(r.last_seen),
            time(r.out),
            Value::Int(r.relapses as i64),
            word(&r.site_id),
            word(&r.site_name),
            word(if zh { &r.kind_zh } else { &r.kind }),
            word(&r.admin),
            word(&r.unit),
            word(&r.river),
            Value::from(r.river_m),
            Value::from(r.frp_mw),
            Value::from(r.delta_t_k),
            word(&r.industrial),
            Value::Real(r.place.x),
            Value::Real(r.place.y),
        ]
    };
    let title =
        if people { Text::new("open fires", "未销号清单") } else { Text::new("fires on the day", "火情状态") };
    Table {
        name: name.into(),
        title,
        columns,
        shape: if people { Shape::None } else { Shape::Point },
        crs: (!people).then(lonlat),
        rows: rows.iter().map(|r| ((!people).then_some(Geometry::Point(Point(r.place))), values(r))).collect(),
        style: (!people).then(|| style(name, Draw::Point, Some("state"), &symbols(), lang)),
    }
}

/// One day: open, found, out, relapsed, industrial.
pub type DayRow = (NaiveDate, [usize; 5]);

/// The list `fire_days`: the 清零 curve.
pub fn days(rows: &[DayRow]) -> Table {
    use FieldType::{Date, Int64};
    let columns = vec![
        column("day", Date, "day", "日期"),
        column("open", Int64, "open", "未销号"),
        column("found", Int64, "found", "新增"),
        column("out", Int64, "put out", "熄灭"),
        column("relapsed", Int64, "come back", "复燃"),
        column("industrial", Int64, "industrial heat", "工业热源"),
    ];
    let row = |(d, n): &DayRow| {
        let mut v = vec![Value::Date(*d)];
        v.extend(n.iter().map(|n| Value::Int(*n as i64)));
        v
    };
    table("fire_days", Text::new("open fires by day", "清零曲线"), columns, rows.iter().map(row).collect())
}

/// Numbers of one responsible unit.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitRow {
    /// Unit; none where no site, or no unit of it, is known.
    pub unit: Option<String>,
    /// Open now.
    pub open: usize,
    /// Open, by state: new, active, suspected out, relapsed.
    pub by_state: [usize; 4],
    /// Out.
    pub out: usize,
    /// Longest time open, days.
    pub longest_days: Option<f64>,
    /// Median days to extinction with the open ones taken into account.
    pub median_days: Option<f64>,
    /// Burnings that went out, and those that came back.
    pub relapses: [usize; 2],
}

/// The list `fire_units`.
pub fn units(rows: &[UnitRow]) -> Table {
    use FieldType::{Int64, Real, Text as T};
    let columns = vec![
        column("resp_unit", T, "responsible unit", "责任单位"),
        column("open", Int64, "open", "未销号"),
        column("new", Int64, "new", "新增"),
        column("active", Int64, "active", "在燃"),
        column("suspected_out", Int64, "suspected out", "疑似熄灭"),
        column("relapsed", Int64, "relapsed", "复燃"),
        column("out", Int64, "out", "已熄灭"),
        column("longest_d", Real, "longest open (days)", "最长未销号(天)"),
        column("median_d", Real, "median days to extinction", "熄灭时间中位数(天)"),
        column("outs", Int64, "times put out", "熄灭次数"),
        column("returns", Int64, "times come back", "复燃次数"),
    ];
    let int = |n: usize| Value::Int(n as i64);
    let row = |r: &UnitRow| {
        let mut v = vec![Value::from(r.unit.as_deref()), int(r.open)];
        v.extend(r.by_state.map(int));
        v.extend([
            int(r.out),
            Value::from(r.longest_days),
            Value::from(r.median_days),
            int(r.relapses[0]),
            int(r.relapses[1]),
        ]);
        v
    };
    table("fire_units", Text::new("open fires by unit", "责任单位"), columns, rows.iter().map(row).collect())
}

fn table(name: &str, title: Text, columns: Vec<crate::model::Column>, rows: Vec<Vec<Value>>) -> Table {
    let rows = rows.into_iter().map(|v| (None, v)).collect();
    Table { name: name.into(), title, columns, shape: Shape::None, crs: None, rows, style: None }
}

/// The chart of the curve.
pub fn chart(rows: &[DayRow], median_days: Option<f64>) -> Chart {
    // a day is drawn from its beginning to its end, a bar in its middle
    let of = |i: usize, at: f64| rows.iter().map(|(d, n)| (day(*d) + at, n[i] as f64)).collect::<Vec<_>>();
    let series = |en: &str, zh: &str, rgb, mark, i| {
        let mut points = of(i, if mark == Mark::Bar { 0.5 } else { 0.0 });
        if mark != Mark::Bar {
            points.extend(points.last().map(|p| (p.0 + 1.0, p.1)));
        }
        Series { name: Text::new(en, zh), rgb, mark, points }
    };
    let last = rows.last().map(|r| (r.0, r.1[0]));
    let subtitle = last.map_or_else(Text::default, |(d, n)| {
        let (en, zh) = median_days
            .map_or(("not reached".into(), "未达到".into()), |m| (format!("{m:.1} days"), format!("{m:.1} 天")));
        Text::new(
            format!("{d}: {n} open; median time to extinction, open fires included: {en}"),
            format!("{d}:未销号 {n} 处;熄灭时间中位数(含未熄灭):{zh}"),
        )
    });
    Chart {
        title: Text::new("Fires open by day", "火点动态清零曲线"),
        subtitle,
        x: Text::new("day", "日期"),
        axis: Axis::Date,
        y: Text::new("fires", "火情(处)"),
        series: vec![
            series("open", "未销号", [200, 30, 40], Mark::Area, 0),
            series("known industrial heat", "已知工业热源", [150, 150, 150], Mark::Step, 4),
            series("found", "新增", [240, 150, 60], Mark::Bar, 1),
            series("come back", "复燃", [120, 20, 130], Mark::Bar, 3),
        ],
    }
}
