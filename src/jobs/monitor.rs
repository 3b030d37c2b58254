//! `monitor`: where and when pixels, zones or the series of a table left the course of their history.

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::pipeline::{run as each, units};
use super::raster_out::{OutOptions, head, pixels};
use super::series::{SeriesSource, Unit, fit_together, gathered, write_units};
use super::stack::{Stack, StackOptions, several_dates, span_note};
use super::trend::finish;
pub use crate::analysis::trend::{Convention, History, MonitorOptions, NotMonitored, Process, day_of};
pub use crate::analysis::trend::{MOST_ORDER, Model};
use crate::analysis::trend::{Monitor, MonitorScratch, Monitored, date_of, decimal_year};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Progress, Seen, Window};
use crate::report::quicklook::{Ramp, Sampled, picture};
use crate::report::series::{BreakRow, breaks};
use crate::write::Staging;
use crate::write::raster::quicklook::write_png;
use crate::write::raster::{Cog, Overviews, RasterHead, Tile};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorJob {
    /// Rasters.
    pub stack: StackOptions,
    /// Series of zones in place of pixels.
    pub zones: Option<String>,
    /// Series of a table in place of rasters.
    pub table: Option<PathBuf>,
    /// How zones are read.
    pub input: InputOptions,
    /// Share of a zone that must have been observed for a look to count, 0 to 1.
    pub min_share: f64,
    /// The method.
    pub monitor: MonitorOptions,
    /// A GeoTIFF for pixels, a table or layer for zones, a table for a table.
    pub output: PathBuf,
    /// How a raster is written.
    pub out: OutOptions,
    /// A picture of the magnitudes of breaks beside the raster.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// States of a series, in the order of their numbers in the band `state`.
const STATES: [&str; 7] =
    ["no_break", "break", "not_observed", "short_history", "season_unknown", "unstable_history", "no_look_since"];

fn state(r: &std::result::Result<Monitored, NotMonitored>) -> usize {
    match r {
        Ok(m) => usize::from(m.break_day.is_some()),
        Err(NotMonitored::NotObserved) => 2,
        Err(NotMonitored::ShortHistory) => 3,
        Err(NotMonitored::SeasonUnknown) => 4,
        Err(NotMonitored::UnstableHistory) => 5,
        Err(NotMonitored::NoLookSince) => 6,
    }
}

/// Pixels or series by how they fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonitorCounts([u64; STATES.len()]);

impl MonitorCounts {
    fn add(&mut self, o: &Self) {
        self.0.iter_mut().zip(o.0).for_each(|(a, b)| *a += b);
    }

    /// Those that were monitored.
    pub fn monitored(&self) -> u64 {
        self.0[0] + self.0[1]
    }

    /// Those with a break.
    pub fn breaks(&self) -> u64 {
        self.0[1]
    }

    /// State and number, those that occur.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        STATES.into_iter().zip(self.0).enumerate().filter(|(i, (_, n))| *i < 2 || *n > 0).map(|x| x.1)
    }

    /// For the manifest and the summary.
    pub fn json(&self) -> Json {
        Json::Object(self.each().map(|(s, n)| (s.to_owned(), n.into())).collect())
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorSummary {
    /// Dates of the looks, the first and the last, and how many.
    pub span: Option<(NaiveDate, NaiveDate, usize)>,
    /// By outcome.
    pub counts: MonitorCounts,
    /// Breaks by year and month.
    pub by_month: Vec<(i32, u32, u64)>,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Bands of the raster.
const BANDS: [&str; 9] = [
    "break_date",
    "magnitude",
    "state",
    "break_day",
    "detected_day",
    "history_start_day",
    "history_looks",
    "looks",
    "sigma",
];

/// Monitors.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a raster, zones or table cannot be read, all looks are of one day, or
/// not one series could be monitored; `Output` where something cannot be written.
pub fn run(o: &MonitorJob, progress: &dyn Progress) -> Result<MonitorSummary> {
    fit_together(&o.stack, o.zones.is_some(), o.table.is_some(), &o.output)?;
    // critical values, before anything is read
    Monitor::new(&[], o.monitor)?;
    if o.zones.is_some() || o.table.is_some() { series(o, progress) } else { raster(o, progress) }
}

/// Refuses a start that leaves no history or nothing to monitor.
fn start_within(days: &[i32], start: i32) -> Result<()> {
    let (before, since) = (days.iter().any(|d| *d < start), days.iter().any(|d| *d >= start));
    if before && since {
        return Ok(());
    }
    let day = date_of(start).map(|d| d.to_string()).unwrap_or_default();
    let (en, zh) = if before {
        (format!("no look is of {day} or later"), format!("{day} 及以后没有观测"))
    } else {
        (format!("no look is earlier than {day}: there is no history"), format!("{day} 之前没有观测,缺少历史期"))
    };
    Err(Error::input(en, zh)
        .remedy("choose --start within the dates of the looks", "请将 --start 设在观测日期范围之内"))
}

struct Done {
    tiles: Vec<Tile<f32>>,
    counts: MonitorCounts,
    months: Vec<(i32, u32)>,
    look: Vec<(usize, usize, Option<f32>)>,
}

fn raster(o: &MonitorJob, progress: &dyn Progress) -> Result<MonitorSummary> {
    let started = Instant::now();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let mut files = vec![o.output.clone()];
    files.extend(o.quicklook.then(|| companion(&o.output, ".png")));
    files.push(companion(&o.output, ".manifest.json"));
    files.iter().try_for_each(|f| staging.claim(f).map(drop))?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let stack = Stack::open(&o.stack, &mut notes)?;
    several_dates(&stack)?;
    start_within(&stack.days, o.monitor.start)?;
    let digests = stack.digesting();
    let monitor = Monitor::new(&stack.days, o.monitor)?;
    let mut head = head::<f32>(&stack.grid, &BANDS.map(str::to_owned), o.out, about(o, &stack));
    if o.out.overviews {
        // a mean of days or of states is neither
        head.overviews = Overviews::Nearest;
    }
    let mut cog = Cog::<f32>::create(&staging.place(&o.output)?, head.clone())?;
    let windows = units(&stack.grid, &stack.blocks);
    let span = span_note(&stack.days, |i| stack.date(i));
    progress
        .step(&Text::new(format!("monitoring {}", span.en), format!("监测:{}", span.zh)), Some(windows.len() as u64));
    let mut look = Sampled::new(&stack.grid);
    let step = look.step;
    let (mut counts, mut months) = (MonitorCounts::default(), std::collections::BTreeMap::new());
    let work = |w: Window| unit(o, &stack, &monitor, &head, step, w);
    each(&windows, progress, work, |_, u| {
        counts.add(&u.counts);
        look.put(&u.look);
        u.months.iter().for_each(|m| *months.entry(*m).or_insert(0u64) += 1);
        u.tiles.into_iter().try_for_each(|t| cog.put(t))
    })?;
    if counts.monitored() == 0 {
        return Err(nothing_monitored(&counts, o));
    }
    let magnitude = cog.finish()?.into_iter().nth(1).flatten();
    if o.quicklook {
        let reach = magnitude.map_or(0.1, |s| (s.mean.abs() + 3.0 * s.std).max(1e-9)) as f32;
        write_png(&staging.place(&files[1])?, &picture(&look, Ramp::Change, (-reach, reach)))?;
    }
    let mut manifest = Manifest::new("monitor", o.time, parameters(o));
    manifest.stack(&stack, digests)?;
    manifest.count("pixels", counts.json());
    finish(staging, &manifest, &notes, &files, started, progress).map(|files| MonitorSummary {
        span: Some((stack.date(0), stack.date(stack.len() - 1), stack.len())),
        counts,
        by_month: months.into_iter().map(|((y, m), n)| (y, m, n)).collect(),
        notes,
        files,
    })
}

fn unit(o: &MonitorJob, stack: &Stack, monitor: &Monitor, head: &RasterHead, step: usize, w: Window) -> Result<Done> {
    let n = w.len();
    let mut bands: Vec<Vec<f32>> = BANDS.iter().map(|_| vec![0.0; n]).collect();
    let mut monitored = vec![Seen::Undefined; n];
    let mut broken = vec![Seen::Undefined; n];
    let (mut counts, mut months, mut m) = (MonitorCounts::default(), Vec::new(), MonitorScratch::default());
    gathered(stack, w, |i, values| {
        let r = monitor.of(values, &mut m);
        let s = state(&r);
        counts.0[s] += 1;
        bands[2][i] = s as f32;
        let Ok(r) = r else { return };
        monitored[i] = Seen::Yes;
        bands[1][i] = r.magnitude as f32;
        bands[4][i] = r.detected_day.unwrap_or_default() as f32;
        bands[5][i] = r.history_start as f32;
        bands[6][i] = r.history_looks as f32;
        bands[7][i] = r.looks as f32;
        bands[8][i] = r.sigma as f32;
        if let Some(d) = r.break_day {
            broken[i] = Seen::Yes;
            bands[0][i] = decimal_year(d) as f32;
            bands[3][i] = d as f32;
            months.extend(date_of(d).map(|d| (d.year(), d.month())));
        }
    })?;
    let always = vec![Seen::Yes; n];
    let tiles = bands.iter().enumerate().map(|(b, values)| {
        let seen = match b {
            0 | 3 | 4 => &broken,
            2 => &always,
            _ => &monitored,
        };
        head.encode(b, w, &pixels::<f32>(values, seen).0)
    });
    let tiles = tiles.collect();
    let look = if o.quicklook {
        // stable pixels are drawn as no change, those not monitored not at all
        let drawn: Vec<f32> =
            bands[1].iter().zip(&broken).map(|(v, b)| if *b == Seen::Yes { *v } else { 0.0 }).collect();
        Sampled::sample(step, w, &drawn, &monitored)
    } else {
        Vec::new()
    };
    Ok(Done { tiles, counts, months, look })
}

fn series(o: &MonitorJob, progress: &dyn Progress) -> Result<MonitorSummary> {
    let started = Instant::now();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let files = vec![o.output.clone(), companion(&o.output, ".manifest.json")];
    staging.claim(&files[1])?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("monitor", o.time, parameters(o));
    let from = SeriesSource { stack: &o.stack, zones: o.zones.as_deref(), table: o.table.as_deref(), input: &o.input };
    let units = from.read(o.min_share, &mut notes, &mut manifest, progress)?;
    start_within(&units.days, o.monitor.start)?;
    let monitor = Monitor::new(&units.days, o.monitor)?;
    let (mut counts, mut m) = (MonitorCounts::default(), MonitorScratch::default());
    let mut months = std::collections::BTreeMap::new();
    let mut rows = Vec::new();
    for u in &units.units {
        let r = monitor.of(&u.values, &mut m);
        counts.0[state(&r)] += 1;
        let day = r.as_ref().ok().and_then(|r| r.break_day).and_then(date_of);
        day.iter().for_each(|d| *months.entry((d.year(), d.month())).or_insert(0u64) += 1);
        rows.push(row(u, &r));
    }
    if counts.monitored() == 0 {
        return Err(nothing_monitored(&counts, o));
    }
    progress.step(&Text::new("writing", "写出成果"), None);
    let table = breaks(&rows, &units.schema, units.crs.clone(), o.lang);
    write_units(&mut staging, &o.output, table, o.overwrite, o.lang, o.time, &mut notes)?;
    manifest.count("series", counts.json());
    let span = units.span();
    finish(staging, &manifest, &notes, &files, started, progress).map(|files| MonitorSummary {
        span,
        counts,
        by_month: months.into_iter().map(|((y, m), n)| (y, m, n)).collect(),
        notes,
        files,
    })
}

fn row(u: &Unit, r: &std::result::Result<Monitored, NotMonitored>) -> BreakRow {
    let found = r.as_ref().ok();
    BreakRow {
        unit: u.name.clone(),
        attributes: u.attributes.clone(),
        shape: u.shape.clone(),
        state: STATES[state(r)],
        break_date: found.and_then(|r| r.break_day).and_then(date_of),
        detected: found.and_then(|r| r.detected_day).and_then(date_of),
        found: found.map(|r| (r.magnitude, date_of(r.history_start), r.history_looks, r.looks, r.sigma)),
    }
}

fn nothing_monitored(c: &MonitorCounts, o: &MonitorJob) -> Error {
    let list: Vec<String> = c.each().filter(|(_, n)| *n > 0).map(|(s, n)| format!("{s} {n}")).collect();
    let least = (1.5 * o.monitor.model.parameters() as f64).ceil();
    Error::input(
        format!("no series could be monitored ({}); the model needs {least} looks before the start", list.join(", ")),
        format!("没有可监测的序列({});模型需要起始日之前至少 {least} 次观测", list.join(",")),
    )
    .remedy(
        "give more dates before --start, a lower --order, no --trend, or --history all",
        "请增加 --start 之前的数据,降低 --order,去掉 --trend,或用 --history all",
    )
}

fn process_name(p: Process) -> String {
    match p {
        Process::Mosum { h, period } => format!("MOSUM, h {h}, period {period}"),
        Process::Cusum => "CUSUM".into(),
        Process::Ewma { lambda, limit, outlier } => format!("EWMA, lambda {lambda}, limit {limit}, outlier {outlier}"),
    }
}

fn history_name(h: History) -> String {
    match h {
        History::All => "all".into(),
        History::Roc => "ROC".into(),
        History::From(d) => date_of(d).map(|d| d.to_string()).unwrap_or_default(),
    }
}

fn about(o: &MonitorJob, stack: &Stack) -> Vec<(String, String)> {
    let m = &o.monitor;
    let start = date_of(m.start).map(|d| d.to_string()).unwrap_or_default();
    vec![
        ("METHOD".to_owned(), process_name(m.process)),
        ("MODEL".into(), format!("harmonic order {}, trend {}", m.model.order, m.model.trend)),
        ("HISTORY".into(), history_name(m.history)),
        ("START".into(), start),
        ("LEVEL".into(), m.level.to_string()),
        ("LOOKS".into(), stack.len().to_string()),
        ("STATE".into(), STATES.iter().enumerate().map(|(i, s)| format!("{i}={s}")).collect::<Vec<_>>().join(" ")),
        ("DAYS".into(), "since 1970-01-01".into()),
    ]
}

fn parameters(o: &MonitorJob) -> Json {
    let m = &o.monitor;
    json!({
        "inputs": o.stack.inputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        "zones": o.zones, "table": o.table.as_ref().map(|p| p.display().to_string()),
        "band": o.stack.band + 1, "scale": o.stack.scale, "date_pattern": o.stack.date_pattern,
        "index": o.stack.index.as_str(), "process": process_name(m.process), "order": m.model.order,
        "trend": m.model.trend, "history": history_name(m.history),
        "start": date_of(m.start).map(|d| d.to_string()), "level": m.level,
        "convention": if m.convention == Convention::Nrt { "nrt" } else { "R" }, "min_share": o.min_share,
        "output": o.output.display().to_string(),
    })
}
