//! `heshan trend`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::{RasterArgs, ReadArgs, SceneArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::StackOptions;
use crate::jobs::index::index_of;
use crate::jobs::trend::{Composite, SeasonMethod, TrendJob, TrendOptions, TrendSummary, run as job};

/// Where looks come from; the same in `trend`, `monitor` and `zonal`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Looks")]
pub(crate) struct StackArgs {
    /// Dated rasters on one grid, folders of them, or scenes.json from `heshan scenes`
    #[arg(value_name = "RASTER")]
    pub inputs: Vec<PathBuf>,
    /// Band of the rasters
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub band: usize,
    /// Factor on the values, e.g. 0.0001 where NDVI is held as whole numbers and the file does not say so
    #[arg(long, default_value_t = 1.0, value_name = "F")]
    pub scale: f64,
    /// How the date stands in the name, as strftime has it, e.g. %Y%j [default: the first date found]
    #[arg(long, value_name = "PATTERN")]
    pub date_pattern: Option<String>,
    /// Index of the scenes of a catalogue
    #[arg(long, default_value = "ndvi", value_name = "NAME")]
    pub index: String,
}

impl StackArgs {
    pub fn options(&self, scene: &SceneArgs) -> Result<StackOptions> {
        if !self.scale.is_finite() || self.scale == 0.0 {
            return Err(Error::usage("--scale must be a number other than 0", "--scale 须为非 0 数"));
        }
        Ok(StackOptions {
            inputs: self.inputs.clone(),
            band: self.band - 1,
            scale: self.scale,
            date_pattern: self.date_pattern.clone(),
            index: index_of(&self.index)?,
            mask: scene.mask(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeasonArg {
    /// Take a harmonic season off, fitted together with a straight line
    Harmonic,
    /// Seasonal Kendall: compare looks of the same month only
    Seasonal,
    /// No season: for yearly composites
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompositeArg {
    /// Median of the year
    Median,
    /// Largest of the year
    Max,
    /// The look in the middle of the year's
    Medoid,
}

#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
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
    /// How the season is dealt with
    #[arg(long, value_enum, default_value_t = SeasonArg::Harmonic)]
    pub season: SeasonArg,
    /// Harmonics of the season, 1 to 6
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=6))]
    pub order: usize,
    /// Make one value a year first; the test is plain then
    #[arg(long, value_enum, value_name = "HOW")]
    pub composite: Option<CompositeArg>,
    /// Variance of the test for autocorrelated series (Hamed & Rao 1998)
    #[arg(long)]
    pub hamed_rao: bool,
    /// Level below which p is significant
    #[arg(long, default_value_t = 0.05, value_name = "P")]
    pub level: f64,
    /// Fewer looks give no answer
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(4..))]
    pub min_looks: usize,
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

pub(super) fn run(a: &TrendArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

/// A share as typed.
pub(super) fn share(flag: &str, v: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&v) {
        return Ok(v);
    }
    Err(Error::usage(format!("{flag} lies between 0 and 1, not {v}"), format!("{flag} 须在 0 与 1 之间,不是 {v}")))
}

fn options(a: &TrendArgs, shared: &Shared, lang: Lang) -> Result<TrendJob> {
    if a.hamed_rao && a.season == SeasonArg::Seasonal {
        return Err(Error::usage(
            "--hamed-rao does not go with --season seasonal",
            "--hamed-rao 不能与 --season seasonal 同用",
        ));
    }
    let season = match a.season {
        SeasonArg::Harmonic => SeasonMethod::Harmonic(a.order),
        SeasonArg::Seasonal => SeasonMethod::Monthly,
        SeasonArg::Plain => SeasonMethod::Plain,
    };
    Ok(TrendJob {
        stack: a.stack.options(&a.scene)?,
        zones: a.zones.clone(),
        table: a.table.clone(),
        input: a.read.options()?,
        min_share: share("--min-share", a.min_share)?,
        trend: TrendOptions {
            season,
            hamed_rao: a.hamed_rao,
            level: share("--level", a.level)?,
            min_looks: a.min_looks,
        },
        composite: a.composite.map(|c| match c {
            CompositeArg::Median => Composite::Median,
            CompositeArg::Max => Composite::Maximum,
            CompositeArg::Medoid => Composite::Medoid,
        }),
        output: a.output.clone(),
        out: a.raster.options(),
        quicklook: !a.raster.no_quicklook,
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })
}

fn human(d: &TrendSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = String::new();
    if let Some((a, b, n)) = d.span {
        out += &match lang {
            Lang::En => format!("{n} looks, {a} to {b}\n"),
            Lang::Zh => format!("{n} 次观测,{a} 至 {b}\n"),
        };
    }
    let c = &d.counts;
    out += &match lang {
        Lang::En => format!(
            "rising {}, falling {}, not significant {}; not observed {}, fewer than {} looks {}, season unknown {}\n",
            c.rising, c.falling, c.neither, c.not_observed, d.least_looks, c.too_few, c.season_unknown
        ),
        Lang::Zh => format!(
            "上升 {},下降 {},不显著 {};无有效观测 {},不足 {} 次观测 {},季节不明 {}\n",
            c.rising, c.falling, c.neither, c.not_observed, d.least_looks, c.too_few, c.season_unknown
        ),
    };
    if let Some(s) = d.slope {
        out += &format!(
            "{}: {:.5} … {:.5}, {} {:.5}\n",
            t("slope per year", "每年斜率"),
            s.min,
            s.max,
            t("mean", "平均"),
            s.mean
        );
    }
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &TrendSummary) -> String {
    let j = json!({
        "first": d.span.map(|s| s.0.to_string()),
        "last": d.span.map(|s| s.1.to_string()),
        "looks": d.span.map(|s| s.2),
        "counts": d.counts.json(),
        "least_looks": d.least_looks,
        "slope": d.slope.map(|s| json!({"min": s.min, "max": s.max, "mean": s.mean, "std": s.std})),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
