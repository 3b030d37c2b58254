//! `trend`: whether pixels, zones or the series of a table rise or fall.

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::pipeline::{run as each, units};
use super::raster_out::{OutOptions, SeenCounts, head, pixels};
use super::series::{SeriesSource, Unit, fit_together, gathered, write_units};
use super::stack::{Stack, StackOptions, several_dates, span_note};
pub use crate::analysis::trend::{Composite, NoTrend, SeasonMethod, Trend, TrendOptions};
use crate::analysis::trend::{SeriesScratch, Trends, YearValue, day_of, yearly};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Progress, Seen, Window};
use crate::report::quicklook::{Ramp, Sampled, picture};
use crate::report::series::{TrendRow, trends as trend_table};
use crate::write::raster::quicklook::write_png;
use crate::write::raster::{Cog, RasterHead, Statistics, Tile};
use crate::write::{Staging, text};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct TrendJob {
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
    pub trend: TrendOptions,
    /// Yearly composites first; the test is plain then.
    pub composite: Option<Composite>,
    /// A GeoTIFF for pixels, a table or layer for zones, a table for a table.
    pub output: PathBuf,
    /// How a raster is written.
    pub out: OutOptions,
    /// A picture of the slope beside the raster.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// Pixels or series by how they fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrendCounts {
    /// Significant and rising.
    pub rising: u64,
    /// Significant and falling.
    pub falling: u64,
    /// Not significant.
    pub neither: u64,
    /// Not one look.
    pub not_observed: u64,
    /// Looks, but too few of them.
    pub too_few: u64,
    /// Looks that do not tell the season.
    pub season_unknown: u64,
}

impl TrendCounts {
    fn take(&mut self, t: &std::result::Result<Trend, NoTrend>, level: f64) {
        *match t {
            Ok(t) if t.test.p < level && t.test.s > 0 => &mut self.rising,
            Ok(t) if t.test.p < level && t.test.s < 0 => &mut self.falling,
            Ok(_) => &mut self.neither,
            Err(NoTrend::NotObserved) => &mut self.not_observed,
            Err(NoTrend::TooFew) => &mut self.too_few,
            Err(NoTrend::SeasonUnknown) => &mut self.season_unknown,
        } += 1;
    }

    fn add(&mut self, o: &Self) {
        self.rising += o.rising;
        self.falling += o.falling;
        self.neither += o.neither;
        self.not_observed += o.not_observed;
        self.too_few += o.too_few;
        self.season_unknown += o.season_unknown;
    }

    /// Those with an answer.
    pub fn answered(&self) -> u64 {
        self.rising + self.falling + self.neither
    }

    /// For the manifest and the summary.
    pub fn json(&self) -> Json {
        json!({
            "rising": self.rising, "falling": self.falling, "not_significant": self.neither,
            "not_observed": self.not_observed, "too_few_looks": self.too_few, "season_unknown": self.season_unknown,
        })
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendSummary {
    /// Dates of the looks, the first and the last, and how many.
    pub span: Option<(NaiveDate, NaiveDate, usize)>,
    /// By outcome.
    pub counts: TrendCounts,
    /// Statistics of the slope, per year.
    pub slope: Option<Statistics>,
    /// Looks below which there is no answer.
    pub least_looks: usize,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Bands of the raster.
const BANDS: [&str; 5] = ["slope", "p", "z", "intercept", "looks"];

/// Finds trends.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a raster, zones or table cannot be read, all looks are of one day, or
/// not one series has an answer; `Output` where something cannot be written.
pub fn run(o: &TrendJob, progress: &dyn Progress) -> Result<TrendSummary> {
    fit_together(&o.stack, o.zones.is_some(), o.table.is_some(), &o.output)?;
    if o.zones.is_some() || o.table.is_some() { series(o, progress) } else { raster(o, progress) }
}

/// Series on their own dates, or on years.
pub(super) struct Tester {
    trends: Trends,
    days: Vec<i32>,
    composite: Option<Composite>,
}

impl Tester {
    pub fn new(days: &[i32], o: TrendOptions, composite: Option<Composite>) -> Self {
        let (dates, options) = match composite {
            Some(how) => {
                let none = vec![f64::NAN; days.len()];
                let middle = |y: &YearValue| NaiveDate::from_ymd_opt(y.year, 7, 1).map_or(0, day_of);
                let dates: Vec<i32> = yearly(days, &none, how).iter().map(middle).collect();
                (dates, TrendOptions { season: SeasonMethod::Plain, min_looks: o.min_looks.min(4), ..o })
            }
            None => (days.to_vec(), o),
        };
        Self { trends: Trends::new(&dates, options), days: days.to_vec(), composite }
    }

    pub fn of(&self, values: &[f64], m: &mut SeriesScratch) -> std::result::Result<Trend, NoTrend> {
        match self.composite {
            Some(how) => {
                let years = yearly(&self.days, values, how);
                let values: Vec<f64> = years.iter().map(|y| y.value.unwrap_or(f64::NAN)).collect();
                self.trends.of(&values, m)
            }
            None => self.trends.of(values, m),
        }
    }

    pub fn least_looks(&self) -> usize {
        self.trends.least_looks()
    }
}

/// What a unit of work hands over.
struct Done {
    tiles: Vec<Tile<f32>>,
    counts: TrendCounts,
    look: Vec<(usize, usize, Option<f32>)>,
}

fn raster(o: &TrendJob, progress: &dyn Progress) -> Result<TrendSummary> {
    let started = Instant::now();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let files = outputs(o);
    files.iter().try_for_each(|f| staging.claim(f).map(drop))?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let stack = Stack::open(&o.stack, &mut notes)?;
    several_dates(&stack)?;
    let digests = stack.digesting();
    let tester = Tester::new(&stack.days, o.trend, o.composite);
    notes.warnings.extend(about_method(o));
    let head = head::<f32>(&stack.grid, &BANDS.map(str::to_owned), o.out, about(o, &stack));
    let mut cog = Cog::<f32>::create(&staging.place(&o.output)?, head.clone())?;
    let windows = units(&stack.grid, &stack.blocks);
    progress.step(&span_text(&stack), Some(windows.len() as u64));
    let mut look = Sampled::new(&stack.grid);
    let (step, mut counts) = (look.step, TrendCounts::default());
    let work = |w: Window| unit(o, &stack, &tester, &head, step, w);
    each(&windows, progress, work, |_, u| {
        counts.add(&u.counts);
        look.put(&u.look);
        u.tiles.into_iter().try_for_each(|t| cog.put(t))
    })?;
    if counts.answered() == 0 {
        return Err(no_answer(&counts, tester.least_looks()));
    }
    let slope = cog.finish()?.into_iter().next().flatten();
    if o.quicklook {
        let reach = slope.map_or(0.01, |s| (s.mean.abs() + 2.0 * s.std).max(1e-9)) as f32;
        write_png(&staging.place(&files[1])?, &picture(&look, Ramp::Change, (-reach, reach)))?;
    }
    let mut manifest = Manifest::new("trend", o.time, parameters(o));
    manifest.stack(&stack, digests)?;
    manifest.count("pixels", counts.json());
    finish(staging, &manifest, &notes, &files, started, progress).map(|files| TrendSummary {
        span: Some((stack.date(0), stack.date(stack.len() - 1), stack.len())),
        counts,
        slope,
        least_looks: tester.least_looks(),
        notes,
        files,
    })
}

fn unit(o: &TrendJob, stack: &Stack, tester: &Tester, head: &RasterHead, step: usize, w: Window) -> Result<Done> {
    let n = w.len();
    let mut bands: Vec<Vec<f32>> = BANDS.iter().map(|_| vec![0.0; n]).collect();
    let mut seen = vec![Seen::Yes; n];
    let mut counts = TrendCounts::default();
    let mut m = SeriesScratch::default();
    gathered(stack, w, |i, values| {
        let t = tester.of(values, &mut m);
        counts.take(&t, o.trend.level);
        bands[4][i] = values.iter().filter(|v| v.is_finite()).count() as f32;
        match t {
            Ok(t) => {
                let numbers = [t.slope, t.test.p, t.test.z, t.intercept];
                bands.iter_mut().zip(numbers).for_each(|(b, v)| b[i] = v as f32);
            }
            Err(NoTrend::NotObserved) => seen[i] = Seen::NoData,
            Err(_) => seen[i] = Seen::Undefined,
        }
    })?;
    let mut tiles = Vec::new();
    for (b, values) in bands.iter().enumerate() {
        // the number of looks is an answer everywhere, zero among them
        let whole;
        let state = if b == 4 {
            whole = vec![Seen::Yes; n];
            &whole
        } else {
            &seen
        };
        tiles.push(head.encode(b, w, &pixels::<f32>(values, state).0));
    }
    let look = if o.quicklook { Sampled::sample(step, w, &bands[0], &seen) } else { Vec::new() };
    debug_assert_eq!(SeenCounts::of(&seen).get(Seen::Yes), counts.answered());
    Ok(Done { tiles, counts, look })
}

fn series(o: &TrendJob, progress: &dyn Progress) -> Result<TrendSummary> {
    let started = Instant::now();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let files = vec![o.output.clone(), companion(&o.output, ".manifest.json")];
    staging.claim(&files[1])?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("trend", o.time, parameters(o));
    let from = SeriesSource { stack: &o.stack, zones: o.zones.as_deref(), table: o.table.as_deref(), input: &o.input };
    let units = from.read(o.min_share, &mut notes, &mut manifest, progress)?;
    let tester = Tester::new(&units.days, o.trend, o.composite);
    notes.warnings.extend(about_method(o));
    let (mut counts, mut m) = (TrendCounts::default(), SeriesScratch::default());
    let mut rows = Vec::new();
    for u in &units.units {
        let t = tester.of(&u.values, &mut m);
        counts.take(&t, o.trend.level);
        rows.push(row(u, t, o.trend.level));
    }
    if counts.answered() == 0 {
        return Err(no_answer(&counts, tester.least_looks()));
    }
    progress.step(&Text::new("writing", "写出成果"), None);
    let table = trend_table(&rows, &units.schema, units.crs.clone(), o.lang);
    write_units(&mut staging, &o.output, table, o.overwrite, o.lang, o.time, &mut notes)?;
    manifest.count("series", counts.json());
    let span = units.span();
    finish(staging, &manifest, &notes, &files, started, progress).map(|files| TrendSummary {
        span,
        counts,
        slope: None,
        least_looks: tester.least_looks(),
        notes,
        files,
    })
}

fn row(u: &Unit, t: std::result::Result<Trend, NoTrend>, level: f64) -> TrendRow {
    let state = match &t {
        Ok(t) if t.test.p < level && t.test.s > 0 => "rising",
        Ok(t) if t.test.p < level && t.test.s < 0 => "falling",
        Ok(_) => "not_significant",
        Err(NoTrend::NotObserved) => "not_observed",
        Err(NoTrend::TooFew) => "too_few_looks",
        Err(NoTrend::SeasonUnknown) => "season_unknown",
    };
    TrendRow {
        unit: u.name.clone(),
        attributes: u.attributes.clone(),
        shape: u.shape.clone(),
        looks: u.looks(),
        state,
        trend: t.ok().map(|t| (t.slope, t.intercept, t.test.z, t.test.p)),
    }
}

fn outputs(o: &TrendJob) -> Vec<PathBuf> {
    let mut out = vec![o.output.clone()];
    out.extend(o.quicklook.then(|| companion(&o.output, ".png")));
    out.push(companion(&o.output, ".manifest.json"));
    out
}

/// Writes the manifest and puts everything in its place.
pub(super) fn finish(
    mut staging: Staging,
    manifest: &Manifest,
    notes: &Notes,
    files: &[PathBuf],
    started: Instant,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>> {
    if let Some(path) = files.last() {
        text::write_staged(&mut staging, path, &manifest.text(notes, files, started.elapsed()))?;
    }
    progress.check()?;
    staging.commit()
}

fn no_answer(c: &TrendCounts, least: usize) -> Error {
    Error::input(
        format!(
            "no series has an answer: {} not observed, {} with fewer than {least} looks, {} whose looks do not tell the season",
            c.not_observed, c.too_few, c.season_unknown
        ),
        format!(
            "没有可判定的序列:{} 个无有效观测,{} 个不足 {least} 次观测,{} 个无法确定季节",
            c.not_observed, c.too_few, c.season_unknown
        ),
    )
    .remedy(
        "give more dates, a lower --order or --min-looks, or --composite median",
        "请增加日期,降低 --order 或 --min-looks,或用 --composite median",
    )
}

/// What the user must know of the method.
fn about_method(o: &TrendJob) -> Option<Text> {
    let plain = o.composite.is_none() && o.trend.season == SeasonMethod::Plain;
    plain.then(|| {
        Text::new(
            "the plain test takes a season for a trend where looks fall on uneven dates (18 % false alarms instead of 5 % on \
             a simulated stack): it is for yearly composites and series without a season",
            "普通检验在观测日期不均匀时会把季节变化误判为趋势(模拟数据上 5% 水平误报 18%),只适用于年度合成或无季节的序列",
        )
    })
}

fn span_text(stack: &Stack) -> Text {
    let t = span_note(&stack.days, |i| stack.date(i));
    Text::new(format!("trend of {}", t.en), format!("趋势:{}", t.zh))
}

fn method_name(o: &TrendJob) -> String {
    if let Some(c) = o.composite {
        return format!("yearly {}, plain", format!("{c:?}").to_lowercase());
    }
    match o.trend.season {
        SeasonMethod::Harmonic(n) => format!("harmonic residuals, order {n}"),
        SeasonMethod::Monthly => "seasonal Kendall by months".into(),
        SeasonMethod::Plain => "plain".into(),
    }
}

fn about(o: &TrendJob, stack: &Stack) -> Vec<(String, String)> {
    let last = stack.len() - 1;
    vec![
        ("METHOD".to_owned(), "Theil-Sen, Mann-Kendall".to_owned()),
        ("SEASON".into(), method_name(o)),
        ("VARIANCE".into(), if o.trend.hamed_rao { "Hamed-Rao 1998" } else { "ties" }.into()),
        ("LOOKS".into(), stack.len().to_string()),
        ("FIRST_DATE".into(), stack.date(0).to_string()),
        ("LAST_DATE".into(), stack.date(last).to_string()),
        ("SLOPE_UNIT".into(), "per year".into()),
    ]
}

fn parameters(o: &TrendJob) -> Json {
    json!({
        "inputs": o.stack.inputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        "zones": o.zones, "table": o.table.as_ref().map(|p| p.display().to_string()),
        "band": o.stack.band + 1, "scale": o.stack.scale, "date_pattern": o.stack.date_pattern,
        "index": o.stack.index.as_str(), "method": method_name(o), "hamed_rao": o.trend.hamed_rao,
        "level": o.trend.level, "min_looks": o.trend.min_looks, "min_share": o.min_share,
        "output": o.output.display().to_string(),
    })
}
