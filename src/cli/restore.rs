//! `heshan restore`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::args::{ReadArgs, SceneArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::parse_bands;
use crate::jobs::restore::{
    RestoreOptions, RestoreRow, RestoreSummary, RingOptions, Rules, Season, Values, Years, rules, run as job,
};
use crate::jobs::screen::naming;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValuesArg {
    /// Bands of reflectance
    Bands,
    /// NDVI in the first band
    Ndvi,
    /// Fraction of vegetation cover in the first band
    Fvc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChartArg {
    Svg,
    Png,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Scenes of many dates, or dated rasters and folders of them with --values ndvi or fvc
    #[arg(required = true, value_name = "SCENE")]
    pub scenes: Vec<PathBuf>,
    /// Restoration units, FILE or FILE#layer
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub units: Vec<String>,
    /// Outputs in one folder: .csv, .xlsx, .gpkg .fgb .shp .gdb
    #[arg(long, short, required = true, num_args = 1.., value_name = "OUT")]
    pub output: Vec<PathBuf>,
    /// Cover by unit and month (.csv)
    #[arg(long, value_name = "OUT")]
    pub months: Option<PathBuf>,
    /// A chart a unit, beside the first output
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT")]
    pub charts: Vec<ChartArg>,
    /// What the rasters hold
    #[arg(long, value_enum, default_value_t = ValuesArg::Bands)]
    pub values: ValuesArg,
    /// Factor of the numbers of --values ndvi or fvc, beside the file's own scale, e.g. 0.0001
    #[arg(long, default_value_t = 1.0, value_name = "K")]
    pub scale: f64,
    /// NDVI of bare soil, the same for all dates
    #[arg(long, default_value_t = 0.05, value_name = "NDVI", allow_hyphen_values = true)]
    pub fvc_soil: f64,
    /// NDVI of full cover, the same for all dates
    #[arg(long, default_value_t = 0.70, value_name = "NDVI", allow_hyphen_values = true)]
    pub fvc_vegetation: f64,
    /// NDWI above which a pixel is water
    #[arg(long, default_value_t = 0.0, value_name = "NDWI", allow_hyphen_values = true)]
    pub water: f64,
    /// Months that values of a year are taken from
    #[arg(long, default_value = "6-9", value_name = "FROM-TO")]
    pub season: String,
    /// Year or years of the state before, e.g. 2018 or 2016-2018 [default: the first seen]
    #[arg(long, value_name = "YEARS")]
    pub baseline: Option<String>,
    /// Year or years of the state now [default: the last seen]
    #[arg(long, value_name = "YEARS")]
    pub now: Option<String>,
    /// Cover that every unit should reach, 0 to 1 [default: the ring's]
    #[arg(long, value_name = "COVER")]
    pub target: Option<f64>,
    /// Field of the units' own targets, 0 to 1
    #[arg(long, value_name = "FIELD")]
    pub target_field: Option<String>,
    /// Width of the ring around a unit, metres; 0 for none
    #[arg(long, default_value_t = 500.0, value_name = "M")]
    pub ring: f64,
    /// Ground next to a unit that its ring leaves out, metres
    #[arg(long, default_value_t = 50.0, value_name = "M")]
    pub ring_gap: f64,
    /// Other disturbed ground that rings leave out, FILE or FILE#layer
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub exclude: Vec<String>,
    /// Limits of the grades (TOML)
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Change of cover that counts [default: 0.05]
    #[arg(long, value_name = "COVER")]
    pub change: Option<f64>,
    /// Level of the trend's test [default: 0.05]
    #[arg(long, value_name = "P")]
    pub level: Option<f64>,
    /// Share of the ring's cover that is as good as the ring [default: 0.9]
    #[arg(long, value_name = "SHARE")]
    pub reference_share: Option<f64>,
    /// Seasons over which a unit must still gain [default: 3]
    #[arg(long, value_name = "N")]
    pub stall_years: Option<i32>,
    /// Gain over those seasons below which it has stalled [default: 0.02]
    #[arg(long, value_name = "COVER")]
    pub stall_gain: Option<f64>,
    /// Cover below which a pixel is bare [default: 0.1]
    #[arg(long, value_name = "COVER")]
    pub bare: Option<f64>,
    /// Share of a unit that must be clear for a look to count [default: 0.6]
    #[arg(long, value_name = "SHARE")]
    pub clear: Option<f64>,
    /// Which field means what, e.g. site_id=图斑号
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Which kind a word stands for, e.g. 坑=open_pit
    #[arg(long = "kind", value_name = "WORD=KIND")]
    pub kinds: Vec<String>,
    #[command(flatten)]
    pub scene: SceneArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &RestoreArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &RestoreArgs, shared: &Shared, lang: Lang) -> Result<RestoreOptions> {
    let mut o = RestoreOptions::new(a.scenes.clone(), a.units.clone(), a.output.clone(), run_time()?);
    if a.scale <= 0.0 || !a.scale.is_finite() {
        return Err(Error::usage("--scale must be above 0", "--scale 须大于 0"));
    }
    if a.ring < 0.0 || a.ring_gap < 0.0 || !(a.ring + a.ring_gap).is_finite() {
        return Err(Error::usage("--ring and --ring-gap must be 0 or more", "--ring 与 --ring-gap 不得小于 0"));
    }
    o.values = match a.values {
        ValuesArg::Bands => Values::Bands,
        ValuesArg::Ndvi => Values::Ndvi(a.scale),
        ValuesArg::Fvc => Values::Cover(a.scale),
    };
    o.bands = parse_bands(&a.scene.bands)?;
    o.mask = a.scene.mask();
    o.ends = (a.fvc_soil, a.fvc_vegetation);
    o.water_ndwi = a.water;
    o.exclude.clone_from(&a.exclude);
    o.naming = naming(&a.fields, &a.kinds)?;
    o.input = a.read.options()?;
    o.ring = (a.ring > 0.0).then_some(RingOptions { width_m: a.ring, gap_m: a.ring_gap });
    o.target = a.target;
    o.target_field.clone_from(&a.target_field);
    o.progress.season = season(&a.season)?;
    o.progress.baseline = a.baseline.as_deref().map(|t| years("--baseline", t)).transpose()?;
    o.progress.now = a.now.as_deref().map(|t| years("--now", t)).transpose()?;
    o.progress.rules = limits(a)?;
    o.progress.trend.level = o.progress.rules.level;
    o.months.clone_from(&a.months);
    o.charts = [ChartArg::Svg, ChartArg::Png].map(|c| a.charts.contains(&c));
    o.overwrite = shared.overwrite;
    o.strict = shared.strict;
    o.lang = lang;
    Ok(o)
}

/// The rules of the file, with those typed in their place.
fn limits(a: &RestoreArgs) -> Result<Rules> {
    let mut r = a.rules.as_deref().map(rules).transpose()?.unwrap_or_default();
    for (typed, place) in [
        (a.change, &mut r.change),
        (a.level, &mut r.level),
        (a.reference_share, &mut r.reference_share),
        (a.stall_gain, &mut r.stall_gain),
        (a.bare, &mut r.bare),
        (a.clear, &mut r.clear),
    ] {
        *place = typed.unwrap_or(*place);
    }
    r.stall_years = a.stall_years.unwrap_or(r.stall_years);
    let shares = [r.change, r.level, r.reference_share, r.stall_gain, r.bare, r.clear];
    if shares.iter().any(|v| !(0.0..=1.0).contains(v)) || r.stall_years < 1 {
        return Err(Error::usage(
            "limits of the grades lie between 0 and 1, and --stall-years is 1 or more",
            "等级界限须在 0 与 1 之间,--stall-years 不小于 1",
        ));
    }
    Ok(r)
}

fn season(typed: &str) -> Result<Season> {
    let month = |t: &str| t.trim().parse::<u32>().ok().filter(|m| (1..=12).contains(m));
    let parsed = match typed.split_once('-') {
        Some((a, b)) => month(a).zip(month(b)),
        None => month(typed).map(|m| (m, m)),
    };
    parsed.map(|(from, to)| Season { from, to }).ok_or_else(|| {
        Error::usage(format!("--season {typed} is not FROM-TO in months"), format!("--season {typed} 不是 起月-止月"))
            .remedy(
                "for June to September: --season 6-9; for all months: --season 1-12",
                "六至九月:--season 6-9;全年:--season 1-12",
            )
    })
}

fn years(flag: &str, typed: &str) -> Result<Years> {
    let year = |t: &str| t.trim().parse::<i32>().ok().filter(|y| (1970..=2200).contains(y));
    let parsed = match typed.split_once('-') {
        Some((a, b)) => year(a).zip(year(b)).filter(|(a, b)| a <= b),
        None => year(typed).map(|y| (y, y)),
    };
    parsed.map(|(from, to)| Years { from, to }).ok_or_else(|| {
        Error::usage(
            format!("{flag} {typed} is not a year or YEAR-YEAR"),
            format!("{flag} {typed} 不是年份或 年份-年份"),
        )
    })
}

/// Rows shown on the terminal.
const MOST_ROWS: usize = 30;

fn human(d: &RestoreSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("unit", "单元"),
        t("before %", "基期%"),
        t("now %", "现期%"),
        t("ring %", "周边%"),
        t("points a year", "百分点/年"),
        "p".into(),
        t("looks", "有效观测"),
        t("grade", "等级"),
    ]);
    g.column_iter_mut().skip(1).take(6).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    let pct = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{:.1}", 100.0 * v));
    for r in d.rows.iter().take(MOST_ROWS) {
        g.add_row([
            r.site.name.clone().unwrap_or_else(|| r.site.site_id.clone()),
            pct(r.before.map(|s| s.unit)),
            pct(r.now.map(|s| s.unit)),
            pct(r.now.and_then(|s| s.ring)),
            r.trend.map_or_else(|| "–".to_owned(), |t| format!("{:+.2}", 100.0 * t.slope)),
            r.trend.map_or_else(|| "–".to_owned(), |t| format!("{:.3}", t.p)),
            format!("{}/{}", r.looks.0, r.looks.1),
            r.grade.1.in_lang(lang).to_owned(),
        ]);
    }
    let mut out = match lang {
        Lang::En => format!("{} dates, {} units\n{g}\n", d.dates, d.rows.len()),
        Lang::Zh => format!("影像 {} 期,单元 {} 个\n{g}\n", d.dates, d.rows.len()),
    };
    if d.rows.len() > MOST_ROWS {
        let more = d.rows.len() - MOST_ROWS;
        out += &match lang {
            Lang::En => format!("… and {more} more in the outputs\n"),
            Lang::Zh => format!("…… 另有 {more} 个,见输出文件\n"),
        };
    }
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &RestoreSummary) -> String {
    let row = |r: &RestoreRow| {
        let state = |s: Option<crate::jobs::restore::StateFigures>| {
            s.map(|s| {
                json!({
                    "years": [s.years.0, s.years.1],
                    "looks": s.looks,
                    "cover": s.unit,
                    "ring": s.ring,
                    "bare": s.bare,
                    "water": s.water,
                })
            })
        };
        let line = |l: Option<crate::jobs::restore::Line>| l.map(|l| json!({"slope_per_year": l.slope, "p": l.p}));
        json!({
            "site_id": r.site.site_id,
            "name": r.site.name,
            "area_m2": r.area.0,
            "grade": r.grade.0,
            "grade_en": r.words.en,
            "grade_zh": r.words.zh,
            "before": state(r.before),
            "now": state(r.now),
            "target": r.target,
            "ring_drawn": r.ring_drawn,
            "trend": line(r.trend),
            "relative_trend": line(r.relative),
            "clear_looks": r.looks.0,
            "dates": r.looks.1,
            "last_look": r.last.map(|d| d.to_string()),
        })
    };
    let j = json!({
        "dates": d.dates,
        "units": d.rows.iter().map(row).collect::<Vec<_>>(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "skipped": d.notes.unused(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
