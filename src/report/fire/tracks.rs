//! Tracks, their detections, events and former identifiers as layers.

use chrono::{DateTime, Utc};
use geo::{Geometry, Point};

use super::{column, lonlat, time_text};
use crate::error::{Lang, Text};
use crate::model::{FieldType, FireId, FireState, FireTrack, Observed, Shape, Table, Value};
use crate::report::style::{Draw, Symbol, style};

/// The layer `fire_tracks`, as of `until`.
pub fn tracks(tracks: &[FireTrack], until: DateTime<Utc>, lang: Lang) -> Table {
    use FieldType::{Int64, Real, Text as T};
    let columns = vec![
        column("track_id", T, "fire", "火情编号"),
        column("state", T, "state", "状态"),
        column("state_zh", T, "state (Chinese)", "状态(中文)"),
        column("open", FieldType::Bool, "not known to be out", "未销号"),
        column("industrial", T, "known industrial heat", "已知工业热源"),
        column("first_seen", T, "first heat (UTC)", "首次发现(UTC)"),
        column("last_seen", T, "last heat (UTC)", "最近发现(UTC)"),
        column("open_since", T, "present burning since (UTC)", "本次起火(UTC)"),
        column("out_first", T, "first clear look of the end (UTC)", "首次未见热(UTC)"),
        column("out_sure", T, "known to be out (UTC)", "确认熄灭(UTC)"),
        column("duration_d", Real, "first to last heat (days)", "持续天数"),
        column("days_open", Real, "days open", "未销号天数"),
        column("points", Int64, "detections", "火点数"),
        column("passes", Int64, "passes with heat", "见热次数"),
        column("clear_n", Int64, "clear looks since the last heat", "其后晴空观测次数"),
        column("hidden_n", Int64, "looks since that could not tell", "其后受云遮挡次数"),
        column("last_look", T, "last clear look (UTC)", "最近有效观测(UTC)"),
        column("unseen_d", Real, "days not observed since", "未观测天数"),
        column("relapses", Int64, "times it came back", "复燃次数"),
        column("frp_mw", Real, "greatest radiative power of a detection (MW)", "单个火点最大辐射功率(MW)"),
        column("pass_mw", Real, "greatest radiative power of a pass (MW)", "单次过境最大辐射功率(MW)"),
        column("delta_t_k", Real, "greatest excess over the background (K)", "最大温差(K)"),
        column("brightn_k", Real, "greatest brightness (K)", "最高亮温(K)"),
        column("site_id", T, "site", "图斑编号"),
        column("site_name", T, "name of the site", "图斑名称"),
        column("site_rel", T, "relation to the site", "与图斑关系"),
        column("kind", T, "kind", "类型代码"),
        column("kind_zh", T, "kind (Chinese)", "类型"),
        column("admin", T, "administrative area", "行政区"),
        column("resp_unit", T, "responsible unit", "责任单位"),
        column("river", T, "nearest river", "最近河流"),
        column("river_m", Real, "distance to the river (m)", "距河流(米)"),
        column("as_of", T, "as of (UTC)", "截至(UTC)"),
    ];
    let rows = tracks.iter().map(|t| (Some(Geometry::Point(Point(t.place))), row(t, until))).collect();
    Table {
        name: "fire_tracks".into(),
        title: Text::new("fires", "火情"),
        columns,
        shape: Shape::Point,
        crs: Some(lonlat()),
        rows,
        style: Some(style("fire_tracks", Draw::Point, Some("state"), &symbols(), lang)),
    }
}

fn row(t: &FireTrack, until: DateTime<Utc>) -> Vec<Value> {
    let days = |a: DateTime<Utc>, b: DateTime<Utc>| Value::Real((b - a).num_seconds() as f64 / 86_400.0);
    let count = |n: usize| Value::Int(n as i64);
    let out = |i: usize| t.out.map_or(Value::Null, |o| time_text(o[i]));
    let mut v = vec![
        Value::Text(t.id.to_string()),
        Value::from(t.state.as_str()),
        Value::from(t.state.zh()),
        Value::Bool(t.state.is_open()),
        Value::from(t.industrial.as_deref()),
        time_text(t.first_seen),
        time_text(t.last_seen),
        time_text(t.open_since),
        out(0),
        out(1),
        days(t.first_seen, t.last_seen),
        Value::Real(t.days_open),
        count(t.members.len()),
        count(t.passes),
        count(t.clear_looks),
        count(t.hidden_looks),
        time_text(t.last_look),
        days(t.last_look, until),
        count(t.relapses),
        Value::from(t.peak_frp_mw),
        Value::from(t.pass_frp_mw),
        Value::from(t.peak_delta_t_k),
        Value::from(t.peak_brightness_k),
    ];
    match &t.site {
        Observed::Yes(s) => v.extend([
            Value::from(s.site_id.as_str()),
            Value::from(s.name.as_deref()),
            Value::from(if s.inside { "inside" } else { "within_pixel" }),
            Value::from(s.kind.as_str()),
            Value::from(s.kind.zh()),
            Value::from(s.admin.as_deref()),
            Value::from(s.responsible_unit.as_deref()),
        ]),
        Observed::No(_) => v.extend([const { Value::Null }; 7]),
    }
    match &t.river {
        Observed::Yes(r) => v.extend([Value::from(r.name.as_deref()), Value::Real(r.distance_m)]),
        Observed::No(_) => v.extend([const { Value::Null }; 2]),
    }
    v.push(time_text(until));
    v
}

pub(super) fn symbols() -> Vec<Symbol> {
    let rgba = |s: FireState| match s {
        FireState::New => [230, 0, 120, 255],
        FireState::Active => [220, 30, 20, 255],
        FireState::SuspectedOut => [240, 170, 40, 255],
        FireState::Out => [70, 150, 80, 255],
        FireState::Relapsed => [120, 20, 130, 255],
    };
    let label = |s: FireState| Text::new(s.as_str().replace('_', " "), s.zh());
    FireState::ALL.map(|s| Symbol { value: s.as_str().into(), label: label(s), rgba: rgba(s), width_mm: 3.0 }).to_vec()
}

fn list(name: &str, title: Text, columns: Vec<crate::model::Column>, rows: Vec<Vec<Value>>) -> Table {
    Table {
        name: name.into(),
        title,
        columns,
        shape: Shape::None,
        crs: None,
        rows: rows.into_iter().map(|v| (None, v)).collect(),
        style: None,
    }
}

/// The list `fire_members`: the track of each detection.
pub fn members(rows: &[(FireId, FireId)]) -> Table {
    let columns = vec![
        column("fire_id", FieldType::Text, "detection", "火点编号"),
        column("track_id", FieldType::Text, "fire", "火情编号"),
    ];
    let text = |id: &FireId| Value::Text(id.to_string());
    let rows = rows.iter().map(|(p, t)| vec![text(p), text(t)]).collect();
    list("fire_members", Text::new("detections of the fires", "火情所含火点"), columns, rows)
}

/// The list `fire_events`: what happened to each track, and the states it led to.
pub fn events(tracks: &[FireTrack]) -> Table {
    use FieldType::Text as T;
    let columns = vec![
        column("track_id", T, "fire", "火情编号"),
        column("time_utc", T, "time (UTC)", "时间(UTC)"),
        column("event", T, "event", "事件"),
        column("from_state", T, "state before", "原状态"),
        column("to_state", T, "state after", "新状态"),
        column("cause", T, "detection or look", "依据"),
        column("satellite", T, "satellite", "卫星"),
    ];
    let mut rows = Vec::new();
    for t in tracks {
        rows.extend(t.events.iter().map(|e| {
            vec![
                Value::Text(t.id.to_string()),
                time_text(e.time),
                Value::from(e.kind.as_str()),
                Value::from(e.from.map(FireState::as_str)),
                Value::from(e.to.as_str()),
                Value::from(e.cause.as_str()),
                Value::from(e.satellite.as_str()),
            ]
        }));
    }
    list("fire_events", Text::new("events", "火情事件"), columns, rows)
}

/// A former identifier: old, new, what happened, when it was noticed.
pub type AliasRow<'a> = (FireId, FireId, &'a str, DateTime<Utc>);

/// The list `fire_aliases`: where identifiers of earlier runs lead.
pub fn aliases(rows: &[AliasRow<'_>]) -> Table {
    use FieldType::Text as T;
    let columns = vec![
        column("old_id", T, "former identifier", "原火情编号"),
        column("track_id", T, "fire", "现火情编号"),
        column("fate", T, "what happened", "变更"),
        column("noticed", T, "noticed (UTC)", "变更时间(UTC)"),
    ];
    let rows = rows
        .iter()
        .map(|(old, new, fate, at)| {
            vec![Value::Text(old.to_string()), Value::Text(new.to_string()), Value::from(*fate), time_text(*at)]
        })
        .collect();
    list("fire_aliases", Text::new("former identifiers", "编号变更"), columns, rows)
}
