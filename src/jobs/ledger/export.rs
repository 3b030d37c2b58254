//! `ledger export`: issues as layers for the map, or one issue's whole history with its pictures.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::Notes;
use super::list::cut_cells;
use super::{Chip, Filter, History, history_in, reading};
use crate::error::{Error, Lang, Result};
use crate::record::life::as_of;
use crate::record::{self, Which};
use crate::report::history::{Pictures, json, page, places};
use crate::report::ledger::{events as events_table, layers};
use crate::write::vector::{Format, WriteOptions, write_staged};
use crate::write::{Staging, text};

/// What is exported.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Issues, as layers.
    Issues(Filter),
    /// One issue's history: a `.html` file, or a folder.
    History(String),
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ExportOptions {
    /// Ledger.
    pub ledger: String,
    /// What is exported.
    pub what: What,
    /// As issues stood at the end of this day.
    pub day: NaiveDate,
    /// Output.
    pub output: PathBuf,
    /// Replace it if it exists.
    pub overwrite: bool,
    /// Language of titles and legends.
    pub lang: Lang,
    /// The time that files carry.
    pub time: DateTime<Utc>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExportSummary {
    /// Issues written.
    pub issues: usize,
    /// What had to be changed.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Writes the export.
///
/// # Errors
/// `Input` where the ledger cannot be read or has no such issue; `Output` where files cannot be written.
pub fn run(o: &ExportOptions) -> Result<ExportSummary> {
    match &o.what {
        What::Issues(filter) => issues(o, filter),
        What::History(id) => history(o, id),
    }
}

fn issues(o: &ExportOptions, filter: &Filter) -> Result<ExportSummary> {
    let (all, events) =
        reading(record::open(&o.ledger)?.as_mut(), |r| Ok((r.issues(&Which::All)?, r.events(None, false)?)))?;
    let standings: Vec<_> = as_of(&all, &events, o.day).into_iter().filter(|s| filter.takes(s, o.day)).collect();
    let mut tables = layers(&standings, o.day, o.lang);
    let ids: std::collections::BTreeSet<&str> = standings.iter().map(|s| s.issue.issue_id.as_str()).collect();
    let wanted: Vec<_> = events.iter().filter(|e| e.date <= o.day && ids.contains(e.issue_id.as_str())).collect();
    tables.push(events_table(&wanted, o.lang));
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let mut notes = Notes::default();
    let files = if Format::of(&o.output)? == Format::PostGis {
        let (files, written) = crate::write::vector::write(&o.output, &tables, &options)?;
        notes.warnings.extend(written.notes());
        files
    } else {
        let mut staging = Staging::beside(&o.output, o.overwrite)?;
        notes.warnings.extend(write_staged(&mut staging, &o.output, &tables, &options)?.notes());
        if Format::of(&o.output)? == Format::Xlsx {
            notes.warnings.extend(tables.iter().filter_map(cut_cells));
        }
        staging.commit()?
    };
    Ok(ExportSummary { issues: standings.len(), notes, files })
}

fn history(o: &ExportOptions, id: &str) -> Result<ExportSummary> {
    let (h, pictures) = reading(record::open(&o.ledger)?.as_mut(), |r| {
        let h = history_in(r, id)?;
        let mut pictures = Pictures::new();
        for sha256 in chips(&h) {
            let png =
                r.chip(&sha256)?.ok_or_else(|| crate::model::broken(id, "a picture is missing", "缺少影像切片"))?;
            pictures.insert(sha256, png);
        }
        Ok((h, pictures))
    })?;
    let html = page(&h.issue, &h.events, &pictures, o.day, o.lang);
    if o.output.extension().is_some_and(|e| e.eq_ignore_ascii_case("html")) {
        text::write(&o.output, &html, o.overwrite)?;
        return Ok(ExportSummary { issues: 1, files: vec![o.output.clone()], ..ExportSummary::default() });
    }
    let files = folder(o, &h, &pictures, &html)?;
    Ok(ExportSummary { issues: 1, files, ..ExportSummary::default() })
}

fn chips(h: &History) -> std::collections::BTreeSet<String> {
    h.events
        .iter()
        .filter_map(|e| e.finding.as_ref())
        .flat_map(|f| [&f.evidence.before, &f.evidence.after])
        .filter_map(|c| if let Some(Chip::Png { sha256, .. }) = c { Some(sha256.clone()) } else { None })
        .collect()
}

fn folder(o: &ExportOptions, h: &History, pictures: &Pictures, html: &str) -> Result<Vec<PathBuf>> {
    let dir = &o.output;
    std::fs::create_dir_all(dir).map_err(|e| {
        Error::output(format!("the folder cannot be made: {e}"), format!("无法建立文件夹:{e}")).in_file(dir)
    })?;
    let mut staging = Staging::new(dir, o.overwrite)?;
    text::write_staged(&mut staging, &dir.join("history.html"), html)?;
    text::write_staged(&mut staging, &dir.join("history.json"), &json(&h.issue, &h.events))?;
    text::write_staged(&mut staging, &dir.join("places.geojson"), &places(&h.issue, &h.events))?;
    for (sha256, chip) in pictures {
        text::write_bytes_staged(&mut staging, &dir.join(picture_name(sha256)), &chip.png)?;
    }
    staging.commit()
}

fn picture_name(sha256: &str) -> String {
    format!("{}.png", &sha256[..sha256.len().min(16)])
}
