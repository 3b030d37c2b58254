//! The layers of tracks, written batch by batch: detections are many, and their rows need not all be in memory.

use chrono::{DateTime, Utc};

use super::TrackJob;
use crate::analysis::fire::tracks::Alias;
use crate::error::Result;
use crate::jobs::Notes;
use crate::model::{FireId, FirePoint, FireTrack, Row};
use crate::report::fire as report;
use crate::report::fire::tracks as layers;
use crate::report::screen;
use crate::write::Staging;
use crate::write::vector::sink::open_in_order;
use crate::write::vector::{WriteOptions, Written, fitting_head};

/// Rows at once.
const BATCH: usize = 4096;

/// What is written.
pub(super) struct Results<'a> {
    pub tracks: &'a [FireTrack],
    pub until: DateTime<Utc>,
    pub points: &'a [FirePoint],
    /// Detection and track.
    pub members: &'a [(FireId, FireId)],
    pub aliases: &'a [Alias],
}

pub(super) fn write(staging: &mut Staging, o: &TrackJob, r: &Results<'_>, notes: &Notes) -> Result<Written> {
    let options =
        WriteOptions { overwrite: o.overwrite || o.update, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let aliases: Vec<layers::AliasRow<'_>> =
        r.aliases.iter().map(|a| (a.old, a.new, a.fate.as_str(), a.noticed)).collect();
    let mut tables = vec![
        layers::tracks(r.tracks, r.until, o.lang),
        report::points(&[], o.lang),
        layers::members(&[]),
        layers::events(r.tracks),
        layers::aliases(&aliases),
    ];
    if !notes.skipped.is_empty() {
        tables.push(screen::skipped(&notes.skipped, o.lang));
    }
    let mut sink = open_in_order(staging, &o.output, tables.iter().map(fitting_head).collect(), &options)?;
    for (k, t) in tables.into_iter().enumerate() {
        let mut rows = t.rows.into_iter();
        loop {
            let batch: Vec<Row> = rows.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            sink.write(k, batch)?;
        }
        match t.name.as_str() {
            "fire_points" => {
                r.points.chunks(BATCH).try_for_each(|c| sink.write(k, report::points(c, o.lang).rows))?;
            }
            "fire_members" => r.members.chunks(BATCH).try_for_each(|c| sink.write(k, layers::members(c).rows))?,
            _ => {}
        }
    }
    sink.finish()
}
