//! `heshan monitor`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::{RasterArgs, ReadArgs, SceneArgs, Shared};
use super::progress::Terminal;
use super::trend::{StackArgs, share};
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::monitor::{
    Convention, History, Model, MonitorJob, MonitorOptions, MonitorSummary, Process, day_of, run as job,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProcessArg {
    /// Moving sums of residuals (bfastmonitor)
    Mosum,
    /// Sums of all residuals
    Cusum,
    /// Exponentially weighted means of residuals
    Ewma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConventionArg {
    /// As R's bfastmonitor and strucchange
    R,
    /// As the Python package nrt 0.3
    Nrt,
}

#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Means of zones in place of pixels, FILE or FILE#layer
    #[arg(long, value_name = "FILE")]
    pub zones: Option<String>,
    /// A table (CSV) in place of rasters: a column of dates, one column a series
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Share of a zone that a look must have seen
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    pub min_share: f64,
    /// First day that is monitored; looks before it are the history
    #[arg(long, value_name = "DATE")]
    pub start: NaiveDate,
    /// What is summed
    #[arg(long, value_enum, default_value_t = ProcessArg::Mosum)]
    pub method: ProcessArg,
    /// Harmonics of the season, 0 to 6
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=6))]
    pub order: usize,
    /// Fit a straight line beside the season
    #[arg(long)]
    pub trend: bool,
    /// The history: all, roc (its stable end), or from a date on
    #[arg(long, default_value = "all", value_name = "WHICH")]
    pub history: String,
    /// Moving window of mosum, share of the history
    #[arg(long, default_value_t = 0.25, value_name = "SHARE")]
    pub h: f64,
    /// Longest monitoring of mosum, in lengths of the history
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub period: u32,
    /// Level of the boundary, 0.001 to 0.05
    #[arg(long, default_value_t = 0.05, value_name = "P")]
    pub level: f64,
    /// ewma: weight of the newest residual
    #[arg(long, default_value_t = 0.3, value_name = "W")]
    pub lambda: f64,
    /// ewma: boundary in standard deviations of the mean
    #[arg(long, default_value_t = 2.0, value_name = "K")]
    pub limit: f64,
    /// ewma: residuals beyond so many standard deviations are left out
    #[arg(long, default_value_t = 10.0, value_name = "K")]
    pub outlier: f64,
    /// Whose details are followed
    #[arg(long, value_enum, default_value_t = ConventionArg::R)]
    pub convention: ConventionArg,
    /// Output: .tif for pixels; .csv .xlsx .gpkg .fgb .shp for zones and tables
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub scene: SceneArgs,
    #[command(flatten)]
    pub raster: RasterArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &MonitorArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        put(if shared.json { machine(&done) } else { human(&done, lang) }.as_bytes())?;
    }
    Ok(u8::from(done.notes.unused() > 0 && !shared.allow_skipped))
}

fn options(a: &MonitorArgs, shared: &Shared, lang: Lang) -> Result<MonitorJob> {
    let process = match a.method {
        ProcessArg::Mosum => Process::Mosum { h: a.h, period: a.period },
        ProcessArg::Cusum => Process::Cusum,
        ProcessArg::Ewma => {
            if !(a.lambda > 0.0 && a.lambda <= 1.0 && a.limit > 0.0 && a.outlier > 0.0) {
                return Err(Error::usage(
                    "--lambda lies above 0 and up to 1, --limit and --outlier above 0",
                    "--lambda 须大于 0 且不超过 1,--limit 与 --outlier 须大于 0",
                ));
            }
            Process::Ewma { lambda: a.lambda, limit: a.limit, outlier: a.outlier }
        }
    };
    if !(0.001..=0.05).contains(&a.level) {
        return Err(Error::usage("--level lies between 0.001 and 0.05", "--level 须在 0.001 与 0.05 之间"));
    }
    let monitor = MonitorOptions {
        model: Model { trend: a.trend, order: a.order },
        process,
        history: history(&a.history)?,
        start: day_of(a.start),
        level: a.level,
        convention: if a.convention == ConventionArg::Nrt { Convention::Nrt } else { Convention::R },
    };
    Ok(MonitorJob {
        stack: a.stack.options(&a.scene)?,
        zones: a.zones.clone(),
        table: a.table.clone(),
        input: a.read.options()?,
        min_share: share("--min-share", a.min_share)?,
        monitor,
        output: a.output.clone(),
        out: a.raster.options(),
        quicklook: !a.raster.no_quicklook,
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })
}

fn history(typed: &str) -> Result<History> {
    match typed.to_ascii_lowercase().as_str() {
        "all" => Ok(History::All),
        "roc" => Ok(History::Roc),
        other => other.parse::<NaiveDate>().map(|d| History::From(day_of(d))).map_err(|_| {
            Error::usage(format!("--history “{typed}” is not understood"), format!("无法理解 --history “{typed}”"))
                .remedy("all, roc, or a date: 2018-01-01", "可用 all、roc 或日期 2018-01-01")
        }),
    }
}

fn human(d: &MonitorSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = String::new();
    if let Some((a, b, n)) = d.span {
        out += &match lang {
            Lang::En => format!("{n} looks, {a} to {b}\n"),
            Lang::Zh => format!("{n} 次观测,{a} 至 {b}\n"),
        };
    }
    let named = |s: &str| match s {
        "no_break" => t("no break", "未突变"),
        "break" => t("break", "突变"),
        "not_observed" => t("not observed", "无有效观测"),
        "short_history" => t("history too short", "历史观测不足"),
        "season_unknown" => t("season unknown", "季节不明"),
        "unstable_history" => t("history not stable", "历史期不稳定"),
        _ => t("no look since the start", "监测期无观测"),
    };
    let list: Vec<String> = d.counts.each().map(|(s, n)| format!("{} {n}", named(s))).collect();
    out += &format!("{}\n", list.join(&t(", ", ",")));
    if !d.by_month.is_empty() {
        let months: Vec<String> = d.by_month.iter().map(|(y, m, n)| format!("{y}-{m:02} {n}")).collect();
        out += &format!("{}: {}\n", t("breaks by month", "各月突变"), months.join(&t(", ", ",")));
    }
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &MonitorSummary) -> String {
    let months: Vec<_> =
        d.by_month.iter().map(|(y, m, n)| json!({"month": format!("{y}-{m:02}"), "breaks": n})).collect();
    let j = json!({
        "first": d.span.map(|s| s.0.to_string()),
        "last": d.span.map(|s| s.1.to_string()),
        "looks": d.span.map(|s| s.2),
        "counts": d.counts.json(),
        "by_month": months,
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
