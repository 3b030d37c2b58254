//! `restore`: scenes of many dates to the progress of restoration units.

mod looks;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::view::MaskOptions;
pub use crate::analysis::restoration::ring::RingOptions;
pub use crate::analysis::restoration::{ProgressOptions, Rules, Season, Years};
pub use crate::analysis::trend::TrendOptions;
use crate::error::{Error, Lang, Result, Text};
use crate::model::Progress;
use crate::prepare::sites::Naming;
use crate::read::scenes::BandRole;
use crate::report::people::worded;
use crate::report::restore::{self as report, Described};
pub use crate::report::restore::{Line, RestoreRow, StateFigures};
use crate::report::screen::skipped as skipped_table;
use crate::report::terrain::settings;
use crate::write::drawing::{svg, write_chart_png};
use crate::write::typeface::Typefaces;
use crate::write::vector::{Format, WriteOptions, write_staged};
use crate::write::{Staging, table, text, xlsx};

/// What the rasters hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// Bands of reflectance (or of numbers in proportion to it).
    Bands,
    /// NDVI in the first band, times this factor.
    Ndvi(f64),
    /// Vegetation cover in the first band, times this factor.
    Cover(f64),
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreOptions {
    /// Scenes, or dated rasters of an index.
    pub scenes: Vec<PathBuf>,
    /// What the rasters hold.
    pub values: Values,
    /// Bands of plain rasters.
    pub bands: Vec<BandRole>,
    /// NDVI of bare soil and of full cover: the same for all dates, so that they compare.
    pub ends: (f64, f64),
    /// NDWI (McFeeters 1996) above which a pixel is water.
    pub water_ndwi: f64,
    /// Masks.
    pub mask: MaskOptions,
    /// Restoration units.
    pub units: Vec<String>,
    /// Other disturbed ground that rings leave out.
    pub exclude: Vec<String>,
    /// Fields and words.
    pub naming: Naming,
    /// How polygons are read.
    pub input: InputOptions,
    /// The ring; none is drawn where `None`.
    pub ring: Option<RingOptions>,
    /// Cover that every unit should reach, 0 to 1.
    pub target: Option<f64>,
    /// Field of the units' own targets, 0 to 1.
    pub target_field: Option<String>,
    /// What is asked of the series.
    pub progress: ProgressOptions,
    /// `.csv`, `.xlsx` and formats of layers, in one folder.
    pub outputs: Vec<PathBuf>,
    /// Cover by unit and month (`.csv`).
    pub months: Option<PathBuf>,
    /// A chart a unit as SVG, and as PNG.
    pub charts: [bool; 2],
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Refuse the run where a feature needs repair or cannot be used.
    pub strict: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

impl RestoreOptions {
    /// Options by default, for these inputs and outputs.
    pub fn new(scenes: Vec<PathBuf>, units: Vec<String>, outputs: Vec<PathBuf>, time: DateTime<Utc>) -> Self {
        Self {
            scenes,
            values: Values::Bands,
            bands: Vec::new(),
            ends: (0.05, 0.70),
            water_ndwi: 0.0,
            mask: MaskOptions::default(),
            units,
            exclude: Vec::new(),
            naming: Naming::default(),
            input: InputOptions::default(),
            ring: Some(RingOptions::default()),
            target: None,
            target_field: None,
            progress: ProgressOptions {
                season: Season { from: 6, to: 9 },
                baseline: None,
                now: None,
                rules: Rules::default(),
                trend: TrendOptions::default(),
            },
            outputs,
            months: None,
            charts: [false; 2],
            overwrite: false,
            strict: false,
            lang: Lang::default(),
            time,
        }
    }
}

/// Limits of the grades from a TOML file: keys of [`Rules`], those left out as by default.
///
/// # Errors
/// `Input` where it cannot be read or holds what is not known.
pub fn rules(path: &Path) -> Result<Rules> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::input(format!("the rules cannot be read: {e}"), format!("无法读取规则:{e}")).in_file(path).remedy(
            "it holds lines such as change = 0.05 (change, level, reference_share, stall_years, stall_gain, bare, clear)",
            "应为 change = 0.05 这样的行(change、level、reference_share、stall_years、stall_gain、bare、clear)",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|e| failed(&e))?;
    toml::from_str(&text).map_err(|e| failed(&e))
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreSummary {
    /// Dates that were read.
    pub dates: usize,
    /// One row a unit, in their order.
    pub rows: Vec<RestoreRow>,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Reads the series, judges, writes.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a scene or a layer cannot be read, or a scene has no date;
/// `Output` where something cannot be written.
pub fn run(o: &RestoreOptions, progress: &dyn Progress) -> Result<RestoreSummary> {
    let started = Instant::now();
    check(o)?;
    let mut staging = claim(o)?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("restore", o.time, parameters(o));
    let series = looks::series(o, &mut notes, &mut manifest, progress)?;
    let rows = rows::rows(o, &series, &mut notes)?;
    let mut by: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    rows.iter().for_each(|r| *by.entry(r.grade.0).or_default() += 1);
    manifest.count("units", rows.len());
    manifest.count("grades", json!(by));
    progress.step(&Text::new("writing", "写出成果"), Some(rows.len() as u64));
    let described = Described { crs: series.crs.clone(), lang: o.lang };
    let mut files = lists(o, &rows, &described, &mut staging, &mut notes)?;
    files.extend(charts(o, &rows, &mut staging, &mut notes, progress)?);
    let path = companion(&o.outputs[0], ".manifest.json");
    text::write_staged(&mut staging, &path, &manifest.text(&notes, &files, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(RestoreSummary { dates: series.dates, rows, notes, files })
}

fn is_list(p: &Path) -> bool {
    p.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

fn check(o: &RestoreOptions) -> Result<()> {
    let Some(first) = o.outputs.first() else {
        return Err(Error::usage("nothing to write was named", "未指定输出").remedy(
            "give -o with .csv .xlsx .gpkg .fgb .shp .gdb, several times if you like",
            "请用 -o 给出 .csv .xlsx .gpkg .fgb .shp .gdb,可多次给出",
        ));
    };
    for p in o.outputs.iter().chain(&o.months) {
        if p.parent() != first.parent() {
            return Err(
                Error::usage("all outputs of a run must lie in one folder", "一次运行的输出须在同一文件夹").in_file(p)
            );
        }
    }
    for p in o.outputs.iter().filter(|p| !is_list(p)) {
        if Format::of(p)?.only_lonlat() {
            return Err(Error::usage(
                "units are written in the CRS of the first scene; this format holds longitude and latitude only",
                "图层按第一景影像的坐标系写出;该格式只支持经纬度",
            )
            .in_file(p)
            .remedy("use .gpkg, .fgb, .shp or .gdb", "请用 .gpkg、.fgb、.shp 或 .gdb"));
        }
    }
    if o.months.as_ref().is_some_and(|p| !is_list(p)) {
        return Err(Error::usage("--months names a .csv", "--months 须为 .csv"));
    }
    let (soil, vegetation) = o.ends;
    if soil >= vegetation || (soil - vegetation).is_nan() {
        return Err(Error::usage("--fvc-soil must lie below --fvc-vegetation", "--fvc-soil 须小于 --fvc-vegetation"));
    }
    if o.target.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        return Err(Error::usage("--target lies between 0 and 1", "--target 须在 0 与 1 之间"));
    }
    Ok(())
}

fn claim(o: &RestoreOptions) -> Result<Staging> {
    let mut staging = Staging::beside(&o.outputs[0], o.overwrite)?;
    for p in o.outputs.iter().chain(&o.months) {
        staging.claim(p)?;
    }
    staging.claim(&companion(&o.outputs[0], ".manifest.json"))?;
    Ok(staging)
}

/// Layers and lists; answers their files.
fn lists(
    o: &RestoreOptions,
    rows: &[RestoreRow],
    d: &Described,
    staging: &mut Staging,
    notes: &mut Notes,
) -> Result<Vec<PathBuf>> {
    let main = report::layer(rows, d);
    let months = report::months(rows);
    let skipped = skipped_table(&notes.skipped, o.lang);
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    for p in &o.outputs {
        if is_list(p) {
            table::write_list(staging, p, &worded(&main, o.lang), o.lang)?;
        } else if Format::of(p)? == Format::Xlsx {
            let about = settings(&rows::settings(o), o.lang);
            let sheets = [worded(&main, o.lang), months.clone(), about, worded(&skipped, o.lang)];
            xlsx::write_staged(staging, p, &sheets, &options)?;
        } else {
            let all = [main.clone(), months.clone(), skipped.clone()];
            let tables = if Format::of(p)?.holds_all_layers() { &all[..] } else { &all[..1] };
            notes.warnings.extend(write_staged(staging, p, tables, &options)?.notes());
        }
    }
    if let Some(p) = &o.months {
        table::write_list(staging, p, &months, o.lang)?;
    }
    Ok(o.outputs.iter().chain(&o.months).cloned().collect())
}

/// A chart a unit, named after the first output and the unit's identifier.
fn charts(
    o: &RestoreOptions,
    rows: &[RestoreRow],
    staging: &mut Staging,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>> {
    let [as_svg, png] = o.charts;
    let fonts = png.then(Typefaces::system);
    if let Some(f) = &fonts
        && o.lang == Lang::Zh
        && !f.hold_chinese()
    {
        notes.warnings.push(Text::new(
            "no font of this system holds Chinese: PNG charts miss characters (install fonts-noto-cjk or fonts-wqy-microhei)",
            "系统没有中文字体,PNG 图表会缺字(请安装 fonts-noto-cjk 或 fonts-wqy-microhei)",
        ));
    }
    let mut taken = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    for r in rows.iter().filter(|_| as_svg || png) {
        progress.check()?;
        let drawn = report::chart(r).drawing(o.lang);
        let name = file_name(&r.site.site_id, &mut taken);
        if as_svg {
            let path = companion(&o.outputs[0], &format!("_{name}.svg"));
            text::write_staged(staging, &path, &svg::text(&drawn))?;
            out.push(path);
        }
        if let Some(f) = &fonts {
            let path = companion(&o.outputs[0], &format!("_{name}.png"));
            write_chart_png(&staging.claim(&path)?, &drawn, f)?;
            out.push(path);
        }
        progress.advance(1);
    }
    Ok(out)
}

/// An identifier as part of a file name, each once.
fn file_name(id: &str, taken: &mut std::collections::BTreeSet<String>) -> String {
    let plain: String = id.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(60).collect();
    let mut name = plain.clone();
    for n in 2.. {
        if taken.insert(name.to_lowercase()) {
            break;
        }
        name = format!("{plain}_{n}");
    }
    name
}

fn parameters(o: &RestoreOptions) -> Json {
    let p = &o.progress;
    let years = |y: Option<Years>| y.map(|y| json!([y.from, y.to]));
    json!({
        "values": match o.values { Values::Bands => "bands", Values::Ndvi(_) => "ndvi", Values::Cover(_) => "fvc" },
        "scale": match o.values { Values::Bands => None, Values::Ndvi(s) | Values::Cover(s) => Some(s) },
        "bands": o.bands.iter().map(|(r, b)| format!("{}={}", r.as_str(), b + 1)).collect::<Vec<_>>(),
        "fvc": {"soil_ndvi": o.ends.0, "vegetation_ndvi": o.ends.1},
        "water_ndwi": o.water_ndwi,
        "mask_clouds": o.mask.clouds,
        "dilate_px": o.mask.dilate,
        "mask_saturated": o.mask.saturated,
        "units": o.units,
        "exclude": o.exclude,
        "fields": o.naming.fields.iter().map(|(r, f)| (r.as_str(), f)).collect::<std::collections::BTreeMap<_, _>>(),
        "kinds": o.naming.kinds,
        "ring": o.ring.map(|r| json!({"width_m": r.width_m, "gap_m": r.gap_m})),
        "target": o.target,
        "target_field": o.target_field,
        "season": [p.season.from, p.season.to],
        "baseline": years(p.baseline),
        "now": years(p.now),
        "rules": p.rules,
        "trend": format!("{:?}", p.trend.season),
        "trend_min_looks": p.trend.min_looks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain_and_each_once() {
        let mut taken = std::collections::BTreeSet::new();
        let names = ["恢复/1", "恢复_1", "A-2", "a-2"].map(|n| file_name(n, &mut taken));
        assert_eq!(names, ["恢复_1", "恢复_1_2", "A-2", "a-2_2"]);
    }
}
