//! `fire status`: what is open on a day, the 清零 curve, and how long fires took to go out.

mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use super::super::manifest::{Manifest, companion};
use super::{Notes, several_layers};
pub use crate::analysis::fire::status::{DayCount, Extinction};
use crate::analysis::fire::status::{Life, curve, extinction, local_day};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{FireState, Progress};
pub use crate::report::fire::status::UnitRow;
use crate::report::fire::status::{DayRow, StatusRow, chart, days, list, units};
use crate::write::drawing::{svg, write_chart_png};
use crate::write::typeface::Typefaces;
use crate::write::vector::{WriteOptions, write_staged};
use crate::write::{Staging, table, text, xlsx};
use read::Known;

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct StatusOptions {
    /// Output of `fire track`.
    pub tracks: PathBuf,
    /// The day; that of the last event or tracking unless told.
    pub date: Option<NaiveDate>,
    /// First day of the curve; that of the first heat unless told.
    pub from: Option<NaiveDate>,
    /// What local days are ahead of UTC.
    pub offset: Duration,
    /// Output.
    pub output: PathBuf,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusSummary {
    /// The day.
    pub date: NaiveDate,
    /// The last day of the curve.
    pub today: Option<DayCount>,
    /// Fires by state at its end, known industrial heat apart.
    pub states: Vec<(FireState, usize)>,
    /// Time to extinction.
    pub extinction: Extinction,
    /// By responsible unit.
    pub units: Vec<UnitRow>,
    /// Open ones, longest first.
    pub open: Vec<StatusRow>,
    /// What must be known.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Writes the status of a day.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where the tracks cannot be read; `Output` where something cannot be written.
pub fn run(o: &StatusOptions, progress: &dyn Progress) -> Result<StatusSummary> {
    let started = Instant::now();
    several_layers(&o.output)?;
    let beside = |suffix: &str| companion(&o.output, suffix);
    let outputs: Vec<PathBuf> = std::iter::once(o.output.clone())
        .chain([".xlsx", "_days.csv", ".svg", ".png", ".json", ".manifest.json"].map(beside))
        .collect();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    outputs.iter().try_for_each(|f| staging.claim(f).map(|_| ()))?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("fire status", o.time, parameters(o));
    progress.step(&Text::new("reading", "读取数据"), None);
    let known = read::read(&o.tracks, &mut manifest)?;
    let date = o.date.unwrap_or_else(|| local_day(known.iter().map(Known::as_of).max().unwrap_or(o.time), o.offset));
    let first = o.from.or_else(|| known.iter().filter_map(Known::first).min().map(|t| local_day(t, o.offset)));
    let first = first.filter(|f| *f <= date).ok_or_else(|| {
        Error::usage("nothing burned up to that day", "该日之前没有火情")
            .remedy("choose a later --date", "请选择更晚的 --date")
    })?;
    let until = date.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::seconds(86_399) - o.offset;
    let held = known.iter().map(Known::as_of).max().unwrap_or(until);
    if local_day(held, o.offset) < date {
        let at = held.format("%Y-%m-%d %H:%M");
        notes.warnings.push(Text::new(
            format!("the tracks hold up to {at} UTC only; what was seen after is not in them"),
            format!("火情数据只到 {at} UTC,其后的观测不在内"),
        ));
    }
    let lives: Vec<Life> = known.iter().map(|k| k.life.clone()).collect();
    let curve = curve(&lives, first, date, o.offset);
    let spent = extinction(&lives, until);
    let rows: Vec<StatusRow> = known.iter().filter_map(|k| k.row(until)).collect();
    let by_unit = by_unit(&known, &rows, until);
    let summary = StatusSummary {
        date,
        today: curve.last().copied(),
        states: FireState::ALL
            .map(|s| (s, rows.iter().filter(|r| r.industrial.is_none() && r.state == s).count()))
            .to_vec(),
        extinction: spent,
        units: by_unit,
        open: open(&rows),
        notes: Notes::default(),
        files: Vec::new(),
    };
    count(&mut manifest, &summary);
    progress.step(&Text::new("writing", "写出成果"), None);
    write(o, &mut staging, &outputs, &curve, &rows, &summary, &mut notes)?;
    text::write_staged(&mut staging, &outputs[6], &manifest.text(&notes, &outputs, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(StatusSummary { notes, files, ..summary })
}

fn write(
    o: &StatusOptions,
    staging: &mut Staging,
    outputs: &[PathBuf],
    curve: &[DayCount],
    rows: &[StatusRow],
    summary: &StatusSummary,
    notes: &mut Notes,
) -> Result<()> {
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let day_rows: Vec<DayRow> =
        curve.iter().map(|d| (d.day, [d.open, d.found, d.out, d.relapsed, d.industrial])).collect();
    let (days, units) = (days(&day_rows), units(&summary.units));
    let layers = [list(rows, "fire_status", o.lang, false), units.clone(), days.clone()];
    let written = write_staged(staging, &o.output, &layers, &options)?;
    notes.warnings.extend(written.notes());
    let sheets = [list(&summary.open, "open", o.lang, true), units, days.clone()];
    xlsx::write_staged(staging, &outputs[1], &sheets, &options)?;
    table::write_list(staging, &outputs[2], &days, o.lang)?;
    let chart = chart(&day_rows, summary.extinction.median_days);
    text::write_staged(staging, &outputs[3], &svg::text(&chart.drawing(o.lang)))?;
    let fonts = Typefaces::system();
    let lang = if fonts.hold_chinese() { o.lang } else { Lang::En };
    if lang != o.lang {
        notes.warnings.push(Text::new(
            "no font of this system holds Chinese: the PNG is in English (the SVG is in Chinese); install fonts-wqy-microhei or fonts-noto-cjk",
            "本机没有中文字体:PNG 图用英文(SVG 图仍为中文);可安装 fonts-wqy-microhei 或 fonts-noto-cjk",
        ));
    }
    if fonts.are_none() {
        notes
            .warnings
            .push(Text::new("there is no font on this system: the PNG has no text", "本机没有任何字体:PNG 图没有文字"));
    }
    write_chart_png(&staging.claim(&outputs[4])?, &chart.drawing(lang), &fonts)?;
    let json = serde_json::to_string_pretty(&summary.json()).unwrap_or_default() + "\n";
    text::write_staged(staging, &outputs[5], &json)
}

/// Open ones outside known industrial heat, longest open first.
fn open(rows: &[StatusRow]) -> Vec<StatusRow> {
    let mut out: Vec<StatusRow> =
        rows.iter().filter(|r| r.state.is_open() && r.industrial.is_none()).cloned().collect();
    out.sort_by(|a, b| b.days_open.total_cmp(&a.days_open).then_with(|| a.track_id.cmp(&b.track_id)));
    out
}

fn by_unit(known: &[Known], rows: &[StatusRow], until: DateTime<Utc>) -> Vec<UnitRow> {
    let mut groups: BTreeMap<Option<&str>, (Vec<&StatusRow>, Vec<Life>)> = BTreeMap::new();
    for r in rows.iter().filter(|r| r.industrial.is_none()) {
        groups.entry(r.unit.as_deref()).or_default().0.push(r);
    }
    for k in known.iter().filter(|k| !k.life.industrial) {
        if let Some(g) = groups.get_mut(&k.unit()) {
            g.1.push(k.life.clone());
        }
    }
    let mut out: Vec<UnitRow> = groups
        .into_iter()
        .map(|(unit, (rows, lives))| {
            let of = |s: FireState| rows.iter().filter(|r| r.state == s).count();
            let e = extinction(&lives, until);
            UnitRow {
                unit: unit.map(str::to_owned),
                open: rows.iter().filter(|r| r.state.is_open()).count(),
                by_state: [FireState::New, FireState::Active, FireState::SuspectedOut, FireState::Relapsed].map(of),
                out: of(FireState::Out),
                longest_days: rows.iter().filter(|r| r.state.is_open()).map(|r| r.days_open).reduce(f64::max),
                median_days: e.median_days,
                relapses: [e.out, e.relapsed],
            }
        })
        .collect();
    out.sort_by(|a, b| b.open.cmp(&a.open).then_with(|| a.unit.cmp(&b.unit)));
    out
}

impl StatusSummary {
    /// For machines.
    pub fn json(&self) -> Json {
        let e = &self.extinction;
        let states: serde_json::Map<String, Json> =
            self.states.iter().map(|(s, n)| (s.as_str().to_owned(), json!(n))).collect();
        let units: Vec<Json> = self
            .units
            .iter()
            .map(|u| {
                json!({
                    "responsible_unit": u.unit, "open": u.open, "out": u.out, "longest_days": u.longest_days,
                    "median_days": u.median_days, "times_out": u.relapses[0], "times_back": u.relapses[1],
                })
            })
            .collect();
        let open: Vec<Json> = self
            .open
            .iter()
            .map(|r| {
                json!({
                    "track_id": r.track_id, "state": r.state.as_str(), "days_open": r.days_open, "unseen_days": r.unseen_days,
                    "site_id": r.site_id, "responsible_unit": r.unit, "lon": r.place.x, "lat": r.place.y,
                })
            })
            .collect();
        json!({
            "date": self.date.to_string(),
            "open": self.today.map(|d| d.open),
            "found": self.today.map(|d| d.found),
            "out": self.today.map(|d| d.out),
            "relapsed": self.today.map(|d| d.relapsed),
            "industrial": self.today.map(|d| d.industrial),
            "states": states,
            "extinction": {
                "went_out": e.out, "still_open": e.open, "median_days_of_those_out": e.median_out_days,
                "median_days": e.median_days, "came_back": e.relapsed, "relapse_rate": e.relapse_rate,
            },
            "units": units,
            "open_fires": open,
        })
    }
}

fn count(m: &mut Manifest, s: &StatusSummary) {
    m.count("open", s.today.map_or(0, |d| d.open));
    s.states.iter().for_each(|(state, n)| m.count(state.as_str(), *n));
}

fn parameters(o: &StatusOptions) -> Json {
    json!({
        "date": o.date.map(|d| d.to_string()),
        "from": o.from.map(|d| d.to_string()),
        "utc_offset_h": o.offset.num_seconds() as f64 / 3600.0,
    })
}
