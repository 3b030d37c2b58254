//! `fire import`: FIRMS and other layers of points to one store of detections, each counted once.

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::inputs::InputOptions;
use super::super::manifest::{Manifest, companion};
use super::{FireDefaults, Notes, own_layer, read_points, several_layers};
pub use crate::analysis::fire::repeats::RepeatOptions;
use crate::analysis::fire::repeats::{RepeatCounts, settle};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{FireId, FirePoint, Progress, Repeat};
use crate::report::{fire, screen};
use crate::write::vector::{WriteOptions, write_staged};
use crate::write::{Staging, text};

/// Layer of detections.
pub const POINTS: &str = "fire_points";

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// Layers of detections.
    pub inputs: Vec<String>,
    /// How they are read.
    pub input: InputOptions,
    /// Fields, and what holds where there are none.
    pub defaults: FireDefaults,
    /// How repeats are found.
    pub repeats: RepeatOptions,
    /// Add to the output where it exists.
    pub update: bool,
    /// Output.
    pub output: PathBuf,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Refuse rows that cannot be used.
    pub strict: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSummary {
    /// Rows read from the inputs.
    pub rows: usize,
    /// Detections that were in the store before.
    pub stored: usize,
    /// Detections that are new.
    pub added: usize,
    /// Detections in the store now, repeats included.
    pub detections: usize,
    /// Detections that count: without those that the archive or another satellite repeats.
    pub used: usize,
    /// Repeats in the store; `same` counts rows that were left out in this run.
    pub repeats: RepeatCounts,
    /// First and last time.
    pub span: Option<[DateTime<Utc>; 2]>,
    /// By satellite.
    pub satellites: Vec<(String, usize)>,
    /// What was inferred or set aside.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Reads detections and writes the store.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a layer cannot be read or tells neither time nor satellite; `Output`
/// where the store cannot be written.
pub fn run(o: &ImportOptions, progress: &dyn Progress) -> Result<ImportSummary> {
    let started = Instant::now();
    let format = several_layers(&o.output)?;
    let adds = o.update && o.output.exists();
    let mut staging = Staging::beside(&o.output, o.overwrite || o.update)?;
    let manifest_path = companion(&o.output, ".manifest.json");
    for f in [&o.output, &manifest_path] {
        staging.claim(f)?;
    }
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("fire import", o.time, parameters(o));
    let mut all: Vec<FirePoint> = Vec::new();
    progress.step(&Text::new("reading", "读取数据"), Some(o.inputs.len() as u64));
    if adds {
        let file = o.output.display();
        let name = if format.holds_all_layers() { format!("{file}#{POINTS}") } else { file.to_string() };
        let own = InputOptions::default();
        all = read_points(&name, &own, &FireDefaults::default(), &mut notes, &mut manifest, progress)?.0;
    }
    let stored: std::collections::BTreeSet<FireId> = all.iter().map(|p| p.id).collect();
    let mut rows = 0;
    for name in &o.inputs {
        let name = &own_layer(name, POINTS, &o.input)?;
        let (points, read) = read_points(name, &o.input, &o.defaults, &mut notes, &mut manifest, progress)?;
        all.extend(points);
        rows += read;
        progress.advance(1);
    }
    if o.strict {
        notes.refuse()?;
    }
    let (points, repeats) = settle(all, &o.repeats);
    if points.is_empty() && rows > 0 {
        return Err(Error::input("no row could be used", "没有可用的行")
            .in_file(o.inputs.first().cloned().unwrap_or_default())
            .remedy("-v lists why each row was left out", "用 -v 列出每行未采用的原因"));
    }
    let summary = ImportSummary {
        rows,
        stored: stored.len(),
        added: points.iter().filter(|p| !stored.contains(&p.id)).count(),
        detections: points.len(),
        used: points.iter().filter(|p| p.repeats.is_none()).count(),
        repeats,
        span: points.first().zip(points.last()).map(|(a, b)| [a.time, b.time]),
        satellites: satellites(&points),
        notes: Notes::default(),
        files: Vec::new(),
    };
    count(&mut manifest, &summary);
    progress.step(&Text::new("writing", "写出成果"), None);
    let mut tables = vec![fire::points(&points, o.lang)];
    if !notes.skipped.is_empty() {
        tables.push(screen::skipped(&notes.skipped, o.lang));
    }
    let options =
        WriteOptions { overwrite: o.overwrite || o.update, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let written = write_staged(&mut staging, &o.output, &tables, &options)?;
    notes.warnings.extend(written.notes());
    let outputs = [o.output.clone(), manifest_path.clone()];
    text::write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &outputs, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(ImportSummary { notes, files, ..summary })
}

fn satellites(points: &[FirePoint]) -> Vec<(String, usize)> {
    let mut n = std::collections::BTreeMap::<&str, usize>::new();
    for p in points.iter().filter(|p| !matches!(p.repeats, Some((Repeat::Archive, _)))) {
        *n.entry(&p.satellite).or_default() += 1;
    }
    n.into_iter().map(|(s, n)| (s.to_owned(), n)).collect()
}

fn count(m: &mut Manifest, s: &ImportSummary) {
    m.count("rows", s.rows);
    m.count("stored_before", s.stored);
    m.count("added", s.added);
    m.count("detections", s.detections);
    m.count("used", s.used);
    m.count("repeats", json!({"same": s.repeats.same, "archive": s.repeats.archive, "pass": s.repeats.pass}));
}

fn parameters(o: &ImportOptions) -> serde_json::Value {
    let fields: serde_json::Map<String, serde_json::Value> =
        o.defaults.fields.iter().map(|(r, f)| (r.as_str().to_owned(), json!(f))).collect();
    json!({
        "fields": fields,
        "satellite": o.defaults.satellite,
        "pixel_m": o.defaults.pixel_m,
        "update": o.update,
        "archive_s": o.repeats.archive_s,
        "archive_share": o.repeats.archive_share,
        "pass_s": o.repeats.pass_s,
    })
}
