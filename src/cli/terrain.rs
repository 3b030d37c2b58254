//! `heshan terrain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::{Value as Json, json};

use super::args::{PackingArg, ReadArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::OutOptions;
use crate::jobs::screen::naming;
use crate::jobs::terrain::{
    Align, CoregisterOptions, Measured, RimForm, Stable, TerrainOptions, TerrainRow, TerrainSummary, VerdictOptions,
    VerticalOptions, run as job,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlignArg {
    /// Find the shift on stable ground and take it off
    Auto,
    /// Leave the later DEM where it lies
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RimArg {
    /// Plane through the cells on the outline
    Plane,
    /// Level at their median
    Median,
}

#[derive(Debug, Args)]
pub(crate) struct TerrainArgs {
    /// The earlier DEM
    pub before: PathBuf,
    /// The later DEM
    pub after: PathBuf,
    /// Pits and dumps, FILE or FILE#layer
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub polygons: Vec<String>,
    /// Ground that did not change, FILE or FILE#layer [default: all outside the polygons]
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub stable: Vec<String>,
    /// Band of the heights in both files
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub band: usize,
    /// Outputs in one folder: .tif (difference), .png, .csv, .xlsx, .gpkg .fgb .shp .gdb (polygons)
    #[arg(long, short, required = true, num_args = 1.., value_name = "OUT")]
    pub output: Vec<PathBuf>,
    /// Raster of differences at the level of detection or beyond (.tif)
    #[arg(long, value_name = "OUT")]
    pub significant: Option<PathBuf>,
    /// Horizontal shift (Nuth & Kääb 2011)
    #[arg(long, value_enum, default_value_t = AlignArg::Auto)]
    pub align: AlignArg,
    /// A smaller shift is left alone, cells
    #[arg(long, default_value_t = 0.05, value_name = "CELLS")]
    pub least_shift: f64,
    /// Least slope for the shift, degrees
    #[arg(long, default_value_t = 3.0, value_name = "DEG")]
    pub min_slope: f64,
    /// Leave the vertical bias of stable ground in place
    #[arg(long)]
    pub keep_bias: bool,
    /// Standard deviation of the bias that is left, metres [default: from stable ground]
    #[arg(long, value_name = "M")]
    pub systematic: Option<f64>,
    /// Correlation length of errors (range of a spherical variogram), metres [default: from stable ground]
    #[arg(long, value_name = "M")]
    pub correlation_length: Option<f64>,
    /// Confidence of intervals and of the level of detection
    #[arg(long, default_value_t = 0.95, value_name = "P")]
    pub confidence: f64,
    /// Standard deviations of both DEMs, metres, for the level of detection [default: NMAD of stable ground]
    #[arg(long, value_delimiter = ',', value_name = "S1,S2")]
    pub sigma: Vec<f64>,
    /// Surface that pits lie below and dumps stand above
    #[arg(long, value_enum, default_value_t = RimArg::Plane)]
    pub rim: RimArg,
    /// Limits between classes of slope, degrees; above the last is too steep
    #[arg(long, value_delimiter = ',', default_value = "25,35", value_name = "DEG")]
    pub slopes: Vec<f64>,
    /// A hollow less deep is no pit, metres
    #[arg(long, default_value_t = 5.0, value_name = "M")]
    pub pit_depth: f64,
    /// A body less high is no dump, metres
    #[arg(long, default_value_t = 5.0, value_name = "M")]
    pub dump_height: f64,
    /// Share of the volume that must go (or come) for a form to count as changed
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub changed: f64,
    /// Share of too steep area up to which a dump counts as reshaped
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub steep: f64,
    /// Share of a polygon that may be unobserved for a verdict
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub unobserved: f64,
    /// Unit of heights where files do not say: m, ft, us-ft, dm, cm; or BEFORE,AFTER
    #[arg(long, value_delimiter = ',', value_name = "UNIT")]
    pub vertical_unit: Vec<String>,
    /// Vertical datum where files do not say; or BEFORE,AFTER
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub vertical_datum: Vec<String>,
    /// Convert heights in other units to metres
    #[arg(long)]
    pub to_metres: bool,
    /// Let the bias of stable ground stand for a difference of vertical datums
    #[arg(long)]
    pub allow_datum_difference: bool,
    /// Which field means what, e.g. site_id=图斑号
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Which kind a word stands for, e.g. 坑=open_pit
    #[arg(long = "kind", value_name = "WORD=KIND")]
    pub kinds: Vec<String>,
    /// Compression of rasters
    #[arg(long, value_enum, default_value_t = PackingArg::Deflate)]
    pub compress: PackingArg,
    /// Write no overviews
    #[arg(long)]
    pub no_overviews: bool,
    /// Write no picture (PNG) beside the raster
    #[arg(long)]
    pub no_quicklook: bool,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &TerrainArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &TerrainArgs, shared: &Shared, lang: Lang) -> Result<TerrainOptions> {
    let mut o = TerrainOptions::new(&a.before, &a.after, a.polygons.clone(), a.output.clone(), run_time()?);
    let not_negative = [
        ("--least-shift", Some(a.least_shift)),
        ("--min-slope", Some(a.min_slope)),
        ("--systematic", a.systematic),
        ("--correlation-length", a.correlation_length),
        ("--pit-depth", Some(a.pit_depth)),
        ("--dump-height", Some(a.dump_height)),
        ("--changed", Some(a.changed)),
        ("--steep", Some(a.steep)),
        ("--unobserved", Some(a.unobserved)),
    ];
    let wrong = not_negative.iter().find(|(_, v)| v.is_some_and(|v| v < 0.0 || !v.is_finite()));
    if let Some((flag, _)) = wrong {
        return Err(Error::usage(format!("{flag} must be 0 or more"), format!("{flag} 不得小于 0")));
    }
    o.stable.clone_from(&a.stable);
    o.band = a.band - 1;
    o.significant.clone_from(&a.significant);
    o.align = if a.align == AlignArg::Auto { Align::Auto } else { Align::Off };
    o.coregister = CoregisterOptions { min_slope_deg: a.min_slope, ..CoregisterOptions::default() };
    o.least_shift_cells = a.least_shift;
    o.keep_bias = a.keep_bias;
    o.systematic_m = a.systematic;
    o.correlation_m = a.correlation_length;
    o.confidence = a.confidence;
    o.sigma_m = match a.sigma.as_slice() {
        [] => None,
        [x, y] if *x > 0.0 && *y > 0.0 => Some([*x, *y]),
        _ => return Err(Error::usage("--sigma takes two numbers above 0: S1,S2", "--sigma 须为两个正数:S1,S2")),
    };
    o.rim = if a.rim == RimArg::Plane { RimForm::Plane } else { RimForm::Median };
    o.slope_limits_deg.clone_from(&a.slopes);
    o.verdict = VerdictOptions {
        pit_depth_m: a.pit_depth,
        dump_height_m: a.dump_height,
        changed: a.changed,
        steep: a.steep,
        unobserved: a.unobserved,
    };
    o.vertical = VerticalOptions {
        units: both("--vertical-unit", &a.vertical_unit)?,
        datums: both("--vertical-datum", &a.vertical_datum)?,
        convert: a.to_metres,
        datums_may_differ: a.allow_datum_difference,
    };
    o.naming = naming(&a.fields, &a.kinds)?;
    o.input = a.read.options()?;
    o.out = OutOptions { overviews: !a.no_overviews, packing: a.compress.packing(), ..OutOptions::default() };
    o.quicklook = !a.no_quicklook;
    o.overwrite = shared.overwrite;
    o.strict = shared.strict;
    o.lang = lang;
    Ok(o)
}

/// One value for both DEMs, or one each.
fn both(flag: &str, typed: &[String]) -> Result<[Option<String>; 2]> {
    match typed {
        [] => Ok([None, None]),
        [x] => Ok([Some(x.clone()), Some(x.clone())]),
        [x, y] => Ok([Some(x.clone()), Some(y.clone())]),
        _ => Err(Error::usage(
            format!("{flag} takes one value, or BEFORE,AFTER"),
            format!("{flag} 只接受一个值,或 前期,后期 两个值"),
        )),
    }
}

fn human(d: &TerrainSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = stable_lines(&d.stable, d.lod_m, lang);
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("polygon", "多边形"),
        t("observed %", "有效%"),
        t("net (m³)", "净变化(立方米)"),
        "±".into(),
        t("fill (m³)", "填方(立方米)"),
        t("cut (m³)", "挖方(立方米)"),
        t("verdict", "判定"),
    ]);
    g.column_iter_mut().skip(1).take(5).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for r in d.rows.iter().take(MOST_ROWS) {
        let number = |f: fn(&Measured) -> f64| {
            r.measured.clone().value().map_or_else(|| "–".to_owned(), |m| format!("{:.0}", f(&m)))
        };
        g.add_row([
            r.site.name.clone().unwrap_or_else(|| r.site.site_id.clone()),
            format!("{:.1}", r.observed_pct),
            number(|m| m.net_m3),
            number(|m| m.half_m3),
            number(|m| m.fill_m3),
            number(|m| m.cut_m3),
            r.words.in_lang(lang).split([':', ':']).next().unwrap_or_default().to_owned(),
        ]);
    }
    out += &format!("{g}\n");
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

/// Rows shown on the terminal.
const MOST_ROWS: usize = 30;

fn stable_lines(s: &Stable, lod: f64, lang: Lang) -> String {
    let n = &s.noise;
    let (u, c) = (n.uncorrelated_m2.sqrt(), n.correlated_m2.sqrt());
    let taken = s.moved != [0.0, 0.0];
    let shift = s.shift.as_ref().map(|f| {
        let [x, y] = f.cells;
        match (lang, taken) {
            (Lang::En, true) => format!("shift {x:.3}, {y:.3} cells (columns, rows), taken off; "),
            (Lang::En, false) => format!("shift {x:.3}, {y:.3} cells (columns, rows), too small to take off; "),
            (Lang::Zh, true) => format!("水平偏移 {x:.3}、{y:.3} 像元(列、行),已改正;"),
            (Lang::Zh, false) => format!("水平偏移 {x:.3}、{y:.3} 像元(列、行),过小未改正;"),
        }
    });
    let shift = shift.unwrap_or_default();
    match lang {
        Lang::En => format!(
            "stable ground, {} cells: {shift}bias {:.3} m, NMAD {:.3} m (each cell {u:.3} m, shared {c:.3} m over {:.0} m); level of detection {lod:.3} m\n",
            s.cells, s.bias_m, s.nmad_m, n.range_m
        ),
        Lang::Zh => format!(
            "稳定地面 {} 像元:{shift}高程偏差 {:.3} 米,NMAD {:.3} 米(不相关 {u:.3} 米,空间相关 {c:.3} 米、相关长度 {:.0} 米);检测限 {lod:.3} 米\n",
            s.cells, s.bias_m, s.nmad_m, n.range_m
        ),
    }
}

fn machine(d: &TerrainSummary) -> String {
    let s = &d.stable;
    let j = json!({
        "stable": {
            "cells": s.cells,
            "shift_cells": s.shift.as_ref().map(|f| f.cells),
            "shift_m": s.shift.as_ref().map(|f| f.metres),
            "moved_cells": s.moved,
            "bias_m": s.bias_m,
            "bias_taken_off_m": s.taken_m,
            "nmad_m": s.nmad_m,
            "uncorrelated_m": s.noise.uncorrelated_m2.sqrt(),
            "correlated_m": s.noise.correlated_m2.sqrt(),
            "correlation_length_m": s.noise.range_m,
            "systematic_m": s.systematic_m,
        },
        "level_of_detection_m": d.lod_m,
        "t": d.t,
        "statistics": d.statistics.map(|s| json!({"min": s.min, "max": s.max, "mean": s.mean, "std": s.std})),
        "polygons": d.rows.iter().map(row).collect::<Vec<_>>(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "skipped": d.notes.unused(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}

fn row(r: &TerrainRow) -> Json {
    let side = |m: &Measured, i: usize| {
        let s = &m.sides[i];
        json!({
            "depth_m": s.depth_m,
            "below_m3": s.below_m3,
            "height_m": s.height_m,
            "above_m3": s.above_m3,
            "mean_slope_deg": s.slope_deg,
            "slope_classes_pct": s.slope_pct,
        })
    };
    let measured = r.measured.clone().value().map(|m| {
        json!({
            "net_m3": m.net_m3,
            "half_m3": m.half_m3,
            "sd_m3": m.sd_m3[0],
            "sd_uncorrelated_m3": m.sd_m3[1],
            "sd_correlated_m3": m.sd_m3[2],
            "sd_systematic_m3": m.sd_m3[3],
            "fill_m3": m.fill_m3,
            "cut_m3": m.cut_m3,
            "fill_lod_m3": m.fill_lod_m3,
            "cut_lod_m3": m.cut_lod_m3,
            "form": m.form,
            "before": side(&m, 0),
            "after": side(&m, 1),
        })
    });
    json!({
        "site_id": r.site.site_id,
        "name": r.site.name,
        "area_m2": r.area.0,
        "observed_pct": r.observed_pct,
        "measured": measured,
        "verdict": r.verdict,
        "verdict_en": r.words.en,
        "verdict_zh": r.words.zh,
    })
}
