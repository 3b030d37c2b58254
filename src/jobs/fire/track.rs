//! `fire track`: detections and looks to tracks with their states.

mod links;
mod output;
mod previous;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::inputs::InputOptions;
use super::super::manifest::{Manifest, companion};
use super::{DETECTED, FireDefaults, Notes, looks, own_layer, own_layers, read_points, several_layers};
pub use crate::analysis::fire::repeats::RepeatOptions;
use crate::analysis::fire::repeats::settle;
use crate::analysis::fire::tracks::{Alias, fires, lineage, tracks_of};
pub use crate::analysis::fire::tracks::{Fate, TrackOptions};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{FireId, FirePoint, Look, Progress, Repeat};
pub use crate::model::{FireState, FireTrack};
use crate::prepare::names::parse_field;
use crate::prepare::sites::Naming;
use crate::write::{Staging, text};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct TrackJob {
    /// Stores of `fire import`, or other layers of detections.
    pub inputs: Vec<String>,
    /// Layers of looks.
    pub looks: Vec<String>,
    /// Layers of clouds.
    pub clouds: Vec<String>,
    /// Sites that fires lie in.
    pub sites: Vec<String>,
    /// What fields and words of the sites mean.
    pub naming: Naming,
    /// Rivers that distances are measured to.
    pub rivers: Vec<String>,
    /// Areas of known industrial heat.
    pub heat_masks: Vec<String>,
    /// How inputs are read.
    pub input: InputOptions,
    /// Fields of detections and looks.
    pub defaults: FireDefaults,
    /// How repeats are found.
    pub repeats: RepeatOptions,
    /// How detections become tracks.
    pub track: TrackOptions,
    /// Nothing after it is looked at; the last detection or look unless told.
    pub until: Option<DateTime<Utc>>,
    /// Carry on with the identifiers of the output, where it exists.
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
pub struct TrackSummary {
    /// Detections used.
    pub detections: usize,
    /// Looks used.
    pub looks: usize,
    /// Tracks.
    pub tracks: usize,
    /// Tracks by state, known industrial heat apart.
    pub states: Vec<(FireState, usize)>,
    /// Tracks in known industrial heat.
    pub industrial: usize,
    /// Tracks whose identifier changed, by what happened.
    pub fates: Vec<(Fate, usize)>,
    /// Seconds that reading, linking detections, making fires of them (states, places) and writing took.
    pub seconds: [f64; 4],
    /// The time up to which it holds.
    pub until: DateTime<Utc>,
    /// What was inferred or set aside.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// What fields of sites mean, as typed.
///
/// # Errors
/// `Usage` for an unknown role.
pub fn naming(fields: &[String]) -> Result<Naming> {
    let fields = fields.iter().map(|f| parse_field(f)).collect::<Result<_>>()?;
    Ok(Naming { fields, ..Naming::default() })
}

/// Makes tracks and writes them.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a layer cannot be used; `Output` where the tracks cannot be written.
pub fn run(o: &TrackJob, progress: &dyn Progress) -> Result<TrackSummary> {
    let started = Instant::now();
    if !several_layers(&o.output)?.holds_all_layers() {
        return Err(Error::usage("tracks are several layers that belong together", "火情成果含多个图层")
            .in_file(&o.output)
            .remedy("write .gpkg (or .gdb)", "请输出 .gpkg(或 .gdb)"));
    }
    let mut staging = Staging::beside(&o.output, o.overwrite || o.update)?;
    let manifest_path = companion(&o.output, ".manifest.json");
    for f in [&o.output, &manifest_path] {
        staging.claim(f)?;
    }
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("fire track", o.time, parameters(o));
    progress.step(&Text::new("reading", "读取数据"), None);
    let before = if o.update && o.output.exists() { previous::read(&o.output)? } else { previous::Before::default() };
    let sources = Sources::of(o, &mut notes)?;
    let points = detections(&sources.points, o, &mut notes, &mut manifest, progress)?;
    let (named, clouds) = (&sources.looks, &sources.clouds);
    let seen = looks::read_all(named, clouds, &o.input, &o.defaults, &mut notes, &mut manifest)?;
    let places = links::Links::read(o, &mut notes, &mut manifest)?;
    if o.strict {
        notes.refuse()?;
    }
    let last = points.iter().map(|p| p.time).chain(seen.iter().map(|l| l.time)).max();
    let until = o.until.or(last).unwrap_or(o.time);
    progress.step(&Text::new("tracking", "生成火情"), None);
    let used_points = used(&points);
    let read = started.elapsed().as_secs_f64();
    let fires = fires(&used_points, until, &o.track);
    let linked = started.elapsed().as_secs_f64();
    let mut found = tracks_of(&used_points, &fires, &seen, until, &o.track);
    progress.step(&Text::new("placing", "关联图斑与河流"), Some(found.len() as u64));
    places.place(&mut found, &used_points, progress)?;
    let tracked = started.elapsed().as_secs_f64();
    let members = members(&points, &used_points, &found);
    let now: BTreeMap<FireId, FireId> = members.iter().copied().collect();
    let aliases = lineage(&before.members, &now, &before.aliases, o.time);
    if seen.is_empty() {
        notes.warnings.push(Text::new(
            "no looks were given: no fire is ever out, only not observed since (unseen_d)",
            "未提供观测记录(--looks):火情不会判为熄灭,只给出未观测天数(unseen_d)",
        ));
    }
    let summary = summary(&found, &used_points, &seen, &aliases, &before.aliases, until);
    count(&mut manifest, &summary);
    progress.step(&Text::new("writing", "写出成果"), None);
    let results = output::Results { tracks: &found, until, points: &points, members: &members, aliases: &aliases };
    let written = output::write(&mut staging, o, &results, &notes)?;
    notes.warnings.extend(written.notes());
    let outputs = [o.output.clone(), manifest_path.clone()];
    text::write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &outputs, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    let seconds = [read, linked - read, tracked - linked, started.elapsed().as_secs_f64() - tracked];
    Ok(TrackSummary { notes, files, seconds, ..summary })
}

/// Layers to read.
#[derive(Default)]
struct Sources {
    points: Vec<String>,
    looks: Vec<String>,
    clouds: Vec<String>,
}

impl Sources {
    /// As named; an output of `fire detect` that is named as a file brings its looks and clouds along.
    fn of(o: &TrackJob, notes: &mut Notes) -> Result<Self> {
        let [points, looks, clouds] = DETECTED;
        let mut s = Self::default();
        for name in &o.inputs {
            let own = own_layers(name, &DETECTED, &o.input)?;
            let of = |layer: &str| own.iter().find(|n| n.ends_with(&format!("#{layer}"))).cloned();
            s.points.push(of(points).unwrap_or_else(|| name.clone()));
            if let Some(l) = of(looks) {
                notes.warnings.push(Text::new(
                    format!("{name}: its own looks and clouds are used"),
                    format!("{name}:采用其自带的观测范围与云层"),
                ));
                s.looks.push(l);
                s.clouds.extend(of(clouds));
            }
        }
        let more = |names: &[String], layer: &str| -> Result<Vec<String>> {
            names.iter().map(|n| own_layer(n, layer, &o.input)).collect()
        };
        s.looks.extend(more(&o.looks, looks)?);
        s.clouds.extend(more(&o.clouds, clouds)?);
        // a cloud that is named twice hides no more
        for list in [&mut s.looks, &mut s.clouds] {
            let mut known = std::collections::BTreeSet::new();
            list.retain(|n| known.insert(n.clone()));
        }
        Ok(s)
    }
}

/// All detections of the layers, each once, marked where they repeat others.
fn detections(
    names: &[String],
    o: &TrackJob,
    notes: &mut Notes,
    manifest: &mut Manifest,
    progress: &dyn Progress,
) -> Result<Vec<FirePoint>> {
    let (mut all, mut rows) = (Vec::new(), 0);
    for name in names {
        let (points, read) = read_points(name, &o.input, &o.defaults, notes, manifest, progress)?;
        all.extend(points);
        rows += read;
    }
    if all.is_empty() && rows > 0 {
        return Err(
            Error::input("no row could be used", "没有可用的行").in_file(o.inputs.first().cloned().unwrap_or_default())
        );
    }
    Ok(settle(all, &o.repeats).0)
}

/// Detections that make tracks: those that the archive replaced do not.
fn used(points: &[FirePoint]) -> Vec<FirePoint> {
    points.iter().filter(|p| !matches!(p.repeats, Some((Repeat::Archive, _)))).cloned().collect()
}

/// The track of each detection; one that the archive replaced has that of its replacement.
fn members(all: &[FirePoint], used: &[FirePoint], tracks: &[FireTrack]) -> Vec<(FireId, FireId)> {
    let mut of: BTreeMap<FireId, FireId> = BTreeMap::new();
    for t in tracks {
        of.extend(t.members.iter().map(|i| (used[*i as usize].id, t.id)));
    }
    let replaced = all.iter().filter_map(|p| match p.repeats {
        Some((Repeat::Archive, by)) => Some((p.id, *of.get(&by)?)),
        _ => None,
    });
    let replaced: Vec<(FireId, FireId)> = replaced.collect();
    of.extend(replaced);
    of.into_iter().collect()
}

fn summary(
    tracks: &[FireTrack],
    points: &[FirePoint],
    looks: &[Look],
    aliases: &[Alias],
    known: &[Alias],
    until: DateTime<Utc>,
) -> TrackSummary {
    let plain = |s: FireState| tracks.iter().filter(|t| t.industrial.is_none() && t.state == s).count();
    let news = |f: Fate| {
        let old = |a: &Alias| known.iter().any(|k| (k.old, k.fate) == (a.old, a.fate));
        aliases.iter().filter(|a| a.fate == f && !old(a)).count()
    };
    TrackSummary {
        detections: points.len(),
        looks: looks.len(),
        tracks: tracks.len(),
        states: FireState::ALL.map(|s| (s, plain(s))).to_vec(),
        industrial: tracks.iter().filter(|t| t.industrial.is_some()).count(),
        fates: [Fate::Renamed, Fate::Merged, Fate::Split].map(|f| (f, news(f))).to_vec(),
        seconds: [0.0; 4],
        until,
        notes: Notes::default(),
        files: Vec::new(),
    }
}

fn count(m: &mut Manifest, s: &TrackSummary) {
    m.count("detections", s.detections);
    m.count("looks", s.looks);
    m.count("tracks", s.tracks);
    s.states.iter().for_each(|(state, n)| m.count(state.as_str(), *n));
    m.count("industrial", s.industrial);
    s.fates.iter().for_each(|(f, n)| m.count(f.as_str(), *n));
}

fn parameters(o: &TrackJob) -> serde_json::Value {
    let (l, s) = (&o.track.link, &o.track.state);
    json!({
        "gap_days": l.gap_s as f64 / 86_400.0,
        "relapse_days": l.relapse_s as f64 / 86_400.0,
        "tolerance_m": l.tolerance_m,
        "out_looks": s.out_looks,
        "pass_s": s.pass_s,
        "place_s": s.place_s,
        "merge_pass_s": o.repeats.pass_s,
        "until": o.until.map(|t| t.to_rfc3339()),
        "update": o.update,
    })
}
