//! Tracks and events as `fire track` wrote them.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use geo::{Coord, Geometry};

use crate::analysis::fire::status::Life;
use crate::error::{Error, Result};
use crate::jobs::inputs::{Input, InputOptions, layer_crs};
use crate::jobs::manifest::Manifest;
use crate::model::{Feature, FireEventKind, FireState, Layer};
use crate::read::vector::{ReadOptions, SourceName, layer};
use crate::report::fire::status::StatusRow;

/// One track.
#[derive(Debug)]
pub(super) struct Known {
    row: StatusRow,
    as_of: DateTime<Utc>,
    pub life: Life,
    /// Times of heat and of clear looks.
    heat: Vec<DateTime<Utc>>,
    clear: Vec<DateTime<Utc>>,
}

impl Known {
    pub fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    pub fn first(&self) -> Option<DateTime<Utc>> {
        self.life.states.first().map(|s| s.0)
    }

    pub fn unit(&self) -> Option<&str> {
        self.row.unit.as_deref()
    }

    /// The track at a time; `None` before its first heat.
    pub fn row(&self, until: DateTime<Utc>) -> Option<StatusRow> {
        let state = self.life.at(until)?;
        let days = |a: DateTime<Utc>, b: DateTime<Utc>| (b - a).num_seconds() as f64 / 86_400.0;
        let burnings = self.life.burnings(until);
        let upto = |list: &[DateTime<Utc>]| list[..list.partition_point(|t| *t <= until)].last().copied();
        let last_seen = upto(&self.heat)?;
        let last_look = upto(&self.clear).map_or(last_seen, |c| c.max(last_seen));
        Some(StatusRow {
            state,
            last_seen: Some(last_seen),
            days_open: burnings.iter().map(|b| days(b.from, b.out.map_or(until, |o| o[1]))).sum(),
            unseen_days: days(last_look, until),
            relapses: burnings.len().saturating_sub(1),
            out: burnings.last().and_then(|b| b.out).map(|o| o[1]),
            ..self.row.clone()
        })
    }
}

pub(super) fn read(path: &Path, manifest: &mut Manifest) -> Result<Vec<Known>> {
    let open = |name: &str| {
        let name = SourceName { path: path.to_path_buf(), layer: Some(name.to_owned()) };
        layer(&name, &ReadOptions::default()).map(|l| (name, l)).map_err(|e| {
            if e.remedy.is_empty() {
                e.remedy("give the output of heshan fire track", "请给出 heshan fire track 的成果")
            } else {
                e
            }
        })
    };
    let (source, tracks) = open("fire_tracks")?;
    let (_, events) = open("fire_events")?;
    let crs = layer_crs(&tracks.info, &InputOptions::default(), &mut Vec::new())?;
    let input = Input { source, layer: tracks, crs };
    manifest.input("fires", &input, "+proj=noop")?;
    let tracks = &input.layer;
    let mut known = Vec::with_capacity(tracks.features.len());
    let mut at = HashMap::new();
    for f in &tracks.features {
        let k = track(tracks, f).ok_or_else(|| unread(tracks, f))?;
        at.insert(k.row.track_id.clone(), known.len());
        known.push(k);
    }
    for f in &events.features {
        let read = || {
            let i = *at.get(&text(&events, f, "track_id")?)?;
            let (t, to) = (time(&events, f, "time_utc")?, FireState::parse(&text(&events, f, "to_state")?)?);
            Some((i, t, to, text(&events, f, "event")?))
        };
        let (i, t, to, event) = read().ok_or_else(|| unread(&events, f))?;
        let k = &mut known[i];
        if event == FireEventKind::Clear.as_str() {
            k.life.clear.push(k.life.states.len());
            k.clear.push(t);
        } else if event == FireEventKind::Heat.as_str() {
            k.heat.push(t);
        }
        k.life.states.push((t, to));
    }
    Ok(known)
}

fn unread(l: &Layer, f: &Feature) -> Error {
    Error::input("a row is not as heshan fire track writes it", "该行不是 heshan fire track 写出的形式")
        .in_file(&l.info.source)
        .in_layer(&l.info.name)
        .at_feature(f.fid)
        .remedy("give the output of heshan fire track", "请给出 heshan fire track 的成果")
}

fn track(l: &Layer, f: &Feature) -> Option<Known> {
    let place = match f.geometry.as_ref()? {
        Geometry::Point(p) => p.0,
        _ => return None,
    };
    let industrial = text(l, f, "industrial");
    let life = Life { states: Vec::new(), clear: Vec::new(), industrial: industrial.is_some() };
    let number = |name: &str| f.values.get(l.info.schema.position(name)?)?.as_f64();
    let row = StatusRow {
        track_id: text(l, f, "track_id")?,
        place: Coord { x: place.x, y: place.y },
        state: FireState::parse(&text(l, f, "state")?)?,
        industrial,
        first_seen: time(l, f, "first_seen")?,
        last_seen: None,
        days_open: 0.0,
        unseen_days: 0.0,
        relapses: 0,
        out: None,
        frp_mw: number("frp_mw"),
        delta_t_k: number("delta_t_k"),
        site_id: text(l, f, "site_id"),
        site_name: text(l, f, "site_name"),
        kind: text(l, f, "kind"),
        kind_zh: text(l, f, "kind_zh"),
        admin: text(l, f, "admin"),
        unit: text(l, f, "resp_unit"),
        river: text(l, f, "river"),
        river_m: number("river_m"),
    };
    Some(Known { row, as_of: time(l, f, "as_of")?, life, heat: Vec::new(), clear: Vec::new() })
}

fn text(l: &Layer, f: &Feature, name: &str) -> Option<String> {
    f.values.get(l.info.schema.position(name)?)?.as_text().map(str::to_owned)
}

fn time(l: &Layer, f: &Feature, name: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&text(l, f, name)?).ok().map(|t| t.to_utc())
}
