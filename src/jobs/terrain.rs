//! `terrain`: two DEMs to a raster of differences, and the account of pits and dumps.

mod dem;
mod rows;
mod stable;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::polygons::{Wanted, grid_crs, plots};
use super::raster_out::OutOptions;
pub use crate::analysis::terrain::coregister::CoregisterOptions;
use crate::analysis::terrain::cover::Outline;
use crate::analysis::terrain::ground::Ground;
pub use crate::analysis::terrain::rim::RimForm;
use crate::analysis::terrain::robust::two_sided;
pub use crate::analysis::terrain::verdict::VerdictOptions;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Grid, Progress};
use crate::prepare::sites::Naming;
use crate::report::people::worded;
use crate::report::quicklook::{Ramp, picture};
use crate::report::screen::skipped as skipped_table;
use crate::report::terrain::{Described, layer, settings};
pub use crate::report::terrain::{Measured, SideFigures, TerrainRow};
use crate::write::raster::Statistics;
use crate::write::raster::quicklook::write_png;
use crate::write::vector::{Format, WriteOptions, write_staged};
use crate::write::{Staging, table, text, xlsx};
pub use stable::Stable;
use sweep::{Sweep, Swept};

/// How horizontal shifts are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Found on stable ground and taken off where large enough.
    #[default]
    Auto,
    /// Not looked for.
    Off,
}

/// What the user says of heights, for the earlier and the later DEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerticalOptions {
    /// Units, where files do not say.
    pub units: [Option<String>; 2],
    /// Vertical datums, where files do not say.
    pub datums: [Option<String>; 2],
    /// Convert units other than the metre instead of refusing them.
    pub convert: bool,
    /// Let the bias of stable ground stand for a difference of datums.
    pub datums_may_differ: bool,
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct TerrainOptions {
    /// The earlier DEM.
    pub before: PathBuf,
    /// The later DEM.
    pub after: PathBuf,
    /// Band of the heights in both, from 0.
    pub band: usize,
    /// Pits and dumps, `FILE` or `FILE#layer`.
    pub polygons: Vec<String>,
    /// Ground that did not change; all outside the polygons where empty.
    pub stable: Vec<String>,
    /// Fields and words.
    pub naming: Naming,
    /// How polygons are read.
    pub input: InputOptions,
    /// Units and datums of heights.
    pub vertical: VerticalOptions,
    /// Whether a horizontal shift is looked for.
    pub align: Align,
    /// How.
    pub coregister: CoregisterOptions,
    /// A smaller shift is left alone, cells: taking it off costs a resampling.
    pub least_shift_cells: f64,
    /// Leave the vertical bias in place.
    pub keep_bias: bool,
    /// Standard deviation of the bias that is left, metres; from stable ground where `None`.
    pub systematic_m: Option<f64>,
    /// Correlation length of errors (range of the spherical variogram), metres; from stable ground where `None`.
    pub correlation_m: Option<f64>,
    /// Confidence of intervals and of the level of detection, 0 to 1.
    pub confidence: f64,
    /// Standard deviations of both DEMs for the level of detection, metres; the NMAD of stable ground where `None`.
    pub sigma_m: Option<[f64; 2]>,
    /// How the rim's surface is found.
    pub rim: RimForm,
    /// Limits between classes of slope, degrees, rising.
    pub slope_limits_deg: Vec<f64>,
    /// Limits of the verdict.
    pub verdict: VerdictOptions,
    /// `.tif` (raster of differences), `.png`, `.csv`, `.xlsx`, and formats of layers, all in one folder.
    pub outputs: Vec<PathBuf>,
    /// Raster of differences at the level of detection or beyond; smaller ones are 0.
    pub significant: Option<PathBuf>,
    /// How rasters are written.
    pub out: OutOptions,
    /// A picture beside the raster.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Refuse the run where a feature needs repair or cannot be used.
    pub strict: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

impl TerrainOptions {
    /// Options by default, for these inputs and outputs.
    pub fn new(
        before: impl Into<PathBuf>,
        after: impl Into<PathBuf>,
        polygons: Vec<String>,
        outputs: Vec<PathBuf>,
        time: DateTime<Utc>,
    ) -> Self {
        Self {
            before: before.into(),
            after: after.into(),
            band: 0,
            polygons,
            stable: Vec::new(),
            naming: Naming::default(),
            input: InputOptions::default(),
            vertical: VerticalOptions::default(),
            align: Align::Auto,
            coregister: CoregisterOptions::default(),
            least_shift_cells: 0.05,
            keep_bias: false,
            systematic_m: None,
            correlation_m: None,
            confidence: 0.95,
            sigma_m: None,
            rim: RimForm::Plane,
            slope_limits_deg: vec![25.0, 35.0],
            verdict: VerdictOptions::default(),
            outputs,
            significant: None,
            out: OutOptions::default(),
            quicklook: true,
            overwrite: false,
            strict: false,
            lang: Lang::default(),
            time,
        }
    }

    /// The raster of all differences, or of significant ones.
    fn raster(&self, significant: bool) -> Option<&Path> {
        if significant {
            return self.significant.as_deref();
        }
        self.outputs.iter().find(|p| what(p) == What::Raster).map(PathBuf::as_path)
    }

    /// The picture: named, or beside the raster.
    fn picture(&self) -> Option<PathBuf> {
        let named = self.outputs.iter().find(|p| what(p) == What::Picture).cloned();
        named.or_else(|| self.raster(false).filter(|_| self.quicklook).map(|p| companion(p, ".png")))
    }
}

/// What an output is, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Raster,
    Picture,
    List,
    Layer,
}

fn what(path: &Path) -> What {
    let ext = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ext.as_str() {
        "tif" | "tiff" => What::Raster,
        "png" => What::Picture,
        "csv" => What::List,
        _ => What::Layer,
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct TerrainSummary {
    /// What stable ground said.
    pub stable: Stable,
    /// Level of detection, metres.
    pub lod_m: f64,
    /// t of the confidence.
    pub t: f64,
    /// One row a polygon, in their order.
    pub rows: Vec<TerrainRow>,
    /// Statistics of the raster of differences, where one was written.
    pub statistics: Option<Statistics>,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Makes rasters and accounts.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a DEM or a layer cannot be read, units or vertical datums do not
/// agree, or stable ground is missing; `Output` where something cannot be written.
pub fn run(o: &TerrainOptions, progress: &dyn Progress) -> Result<TerrainSummary> {
    let started = Instant::now();
    check(o)?;
    let mut staging = claim(o)?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let dems = dem::pair(o, &mut notes)?;
    let grid = &dems[0].info.grid;
    let crs = grid_crs(grid, &o.before)?;
    let ground = Ground::of(grid, (!crs.geographic).then_some(crs.unit_to_si)).ok_or_else(|| rotated(o))?;
    let mut manifest = Manifest::new("terrain", o.time, Json::Null);
    for (role, d) in ["before", "after"].into_iter().zip(&dems) {
        manifest.raster(role, &d.info, &d.described())?;
    }
    let plain = Naming::default();
    let wanted = |role, names, naming| Wanted { role, names, naming, number: None };
    let pits = wanted("polygons", o.polygons.as_slice(), &o.naming);
    let list = plots(&pits, &o.input, &crs, &mut notes, &mut manifest)?;
    let still = match o.stable.as_slice() {
        [] => Vec::new(),
        names => plots(&wanted("stable", names, &plain), &o.input, &crs, &mut notes, &mut manifest)?,
    };
    if o.strict {
        notes.refuse()?;
    }
    let outline = |p: &super::polygons::Plot| Outline::new(&p.site.shape, grid).ok_or_else(|| rotated(o));
    let outlines = list.iter().map(outline).collect::<Result<Vec<_>>>()?;
    let still = still.iter().map(outline).collect::<Result<Vec<_>>>()?;
    if still.is_empty() {
        notes.warnings.push(Text::new(
            "no stable ground was given: all ground outside the polygons was taken as unchanged (--stable names it)",
            "未给出稳定地面:多边形以外均按未变化处理(可用 --stable 指明)",
        ));
    }
    let stable = stable::stable(o, &dems, &ground, (&outlines, &still), &mut notes, progress)?;
    let t = two_sided(o.confidence);
    let lod_m = t * o.sigma_m.map_or(stable.nmad_m, |[a, b]| a.hypot(b));
    let sweep = Sweep { o, dems: &dems, grid, ground: &ground, stable: &stable, outlines: &outlines, lod_m, progress };
    let swept = sweep.run(&staging)?;
    dems.iter().for_each(|d| d.remark(&mut notes));
    let rows = rows::rows(o, &list, &outlines, &swept, &stable, t, &mut notes);
    manifest.parameters(parameters(o, &stable, lod_m, t));
    manifest.count("polygons", rows.len());
    let mut by: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    rows.iter().for_each(|r| *by.entry(r.verdict).or_default() += 1);
    manifest.count("verdicts", json!(by));
    progress.step(&Text::new("writing", "写出成果"), None);
    write(o, grid, &rows, &swept, (&stable, lod_m, t), &mut staging, &mut notes)?;
    let files = outputs(o);
    let path = companion(&files[0], ".manifest.json");
    text::write_staged(&mut staging, &path, &manifest.text(&notes, &files, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(TerrainSummary { stable, lod_m, t, rows, statistics: swept.statistics, notes, files })
}

fn rotated(o: &TerrainOptions) -> Error {
    Error::input("its grid is rotated or has no size", "格网旋转或无像元大小")
        .in_file(&o.before)
        .remedy("bring it north up first: gdalwarp IN OUT", "请先转为正北向:gdalwarp 输入 输出")
}

fn check(o: &TerrainOptions) -> Result<()> {
    if o.outputs.is_empty() {
        return Err(Error::usage("nothing to write was named", "未指定输出").remedy(
            "give -o with .tif .png .csv .xlsx .gpkg .fgb .shp .gdb, several times if you like",
            "请用 -o 给出 .tif .png .csv .xlsx .gpkg .fgb .shp .gdb,可多次给出",
        ));
    }
    let folder = o.outputs[0].parent();
    for p in o.outputs.iter().chain(&o.significant) {
        if p.parent() != folder {
            return Err(
                Error::usage("all outputs of a run must lie in one folder", "一次运行的输出须在同一文件夹").in_file(p)
            );
        }
    }
    for w in [What::Raster, What::Picture] {
        if o.outputs.iter().filter(|p| what(p) == w).count() > 1 {
            return Err(Error::usage("one raster and one picture at most", "栅格与图片各至多一个").remedy(
                "--significant names the raster of significant differences",
                "显著变化栅格请用 --significant",
            ));
        }
    }
    for p in o.outputs.iter().filter(|p| what(p) == What::Layer) {
        if Format::of(p)?.only_lonlat() {
            return Err(Error::usage(
                "polygons are written in the CRS of the DEM; this format holds longitude and latitude only",
                "面图层按 DEM 的坐标系写出;该格式只支持经纬度",
            )
            .in_file(p)
            .remedy("use .gpkg, .fgb, .shp or .gdb", "请用 .gpkg、.fgb、.shp 或 .gdb"));
        }
    }
    if o.significant.as_ref().is_some_and(|p| what(p) != What::Raster) {
        return Err(Error::usage("--significant names a .tif", "--significant 须为 .tif"));
    }
    if o.confidence <= 0.0 || o.confidence >= 1.0 || o.confidence.is_nan() {
        return Err(Error::usage("--confidence lies between 0 and 1", "--confidence 须在 0 与 1 之间"));
    }
    let rising = o.slope_limits_deg.windows(2).all(|w| w[0] < w[1]);
    if o.slope_limits_deg.is_empty()
        || !rising
        || o.slope_limits_deg.iter().any(|l| *l <= 0.0 || *l >= 90.0 || l.is_nan())
    {
        return Err(Error::usage(
            "--slopes takes rising limits between 0 and 90 degrees, e.g. 25,35",
            "--slopes 须为 0 至 90 之间递增的坡度界限,如 25,35",
        ));
    }
    Ok(())
}

/// Everything a run writes but the manifest, the first named output first.
fn outputs(o: &TerrainOptions) -> Vec<PathBuf> {
    let mut out = o.outputs.clone();
    out.extend(o.significant.clone());
    out.extend(o.picture().filter(|p| !o.outputs.contains(p)));
    out
}

fn claim(o: &TerrainOptions) -> Result<Staging> {
    let mut staging = Staging::beside(&o.outputs[0], o.overwrite)?;
    let all = outputs(o);
    for p in all.iter().chain(std::iter::once(&companion(&o.outputs[0], ".manifest.json"))) {
        staging.claim(p)?;
    }
    Ok(staging)
}

/// Layers, lists and the picture; rasters were written on the way.
fn write(
    o: &TerrainOptions,
    grid: &Grid,
    rows: &[TerrainRow],
    swept: &Swept,
    (stable, lod_m, t): (&Stable, f64, f64),
    staging: &mut Staging,
    notes: &mut Notes,
) -> Result<()> {
    let described =
        Described { crs: grid.crs.clone(), lod_m, slope_limits_deg: o.slope_limits_deg.clone(), lang: o.lang };
    let main = layer(rows, &described);
    let skipped = skipped_table(&notes.skipped, o.lang);
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    for p in &o.outputs {
        match what(p) {
            What::List => table::write_list(staging, p, &worded(&main, o.lang), o.lang)?,
            What::Layer if Format::of(p)? == Format::Xlsx => {
                let sheets = [
                    worded(&main, o.lang),
                    settings(&rows::settings(o, stable, lod_m, t), o.lang),
                    worded(&skipped, o.lang),
                ];
                xlsx::write_staged(staging, p, &sheets, &options)?;
            }
            What::Layer => {
                let both = [main.clone(), skipped.clone()];
                let tables = if Format::of(p)?.holds_all_layers() { &both[..] } else { &both[..1] };
                notes.warnings.extend(write_staged(staging, p, tables, &options)?.notes());
            }
            What::Raster | What::Picture => {}
        }
    }
    if let (Some(png), Some(look)) = (o.picture(), &swept.look) {
        let m = look.size_quantile(0.995).unwrap_or(1.0).max(2.0 * lod_m as f32).max(0.01);
        write_png(&staging.claim(&png)?, &picture(look, Ramp::Heights, (-m, m)))?;
    }
    Ok(())
}

fn parameters(o: &TerrainOptions, s: &Stable, lod_m: f64, t: f64) -> Json {
    let n = &s.noise;
    let v = &o.verdict;
    json!({
        "before": o.before.display().to_string(),
        "after": o.after.display().to_string(),
        "polygons": o.polygons,
        "stable": o.stable,
        "fields": o.naming.fields.iter().map(|(r, f)| (r.as_str(), f)).collect::<std::collections::BTreeMap<_, _>>(),
        "kinds": o.naming.kinds,
        "align": match o.align { Align::Auto => "auto", Align::Off => "off" },
        "least_shift_cells": o.least_shift_cells,
        "shift": s.shift.as_ref().map(|f| json!({
            "cells": f.cells,
            "metres_east_north": f.metres,
            "standard_error_m": f.error_m,
            "rounds": f.rounds,
            "cells_used": f.cells_used,
            "nmad_m": f.nmad_m,
        })),
        "moved_cells": s.moved,
        "resampling_of_the_move": if s.moved == [0.0, 0.0] { "none" } else { "Bilinear" },
        "stable_cells": s.cells,
        "bias_m": s.bias_m,
        "bias_taken_off_m": s.taken_m,
        "nmad_m": s.nmad_m,
        "variance_uncorrelated_m2": n.uncorrelated_m2,
        "variance_correlated_m2": n.correlated_m2,
        "correlation_length_m": n.range_m,
        "correlation_length_given": o.correlation_m.is_some(),
        "variogram": n.lags.iter().map(|(h, g, k)| json!([h, g, k])).collect::<Vec<_>>(),
        "systematic_m": s.systematic_m,
        "confidence": o.confidence,
        "t": t,
        "sigma_m": o.sigma_m,
        "level_of_detection_m": lod_m,
        "rim": match o.rim { RimForm::Plane => "plane", RimForm::Median => "median" },
        "slope_limits_deg": o.slope_limits_deg,
        "verdict": {
            "pit_depth_m": v.pit_depth_m,
            "dump_height_m": v.dump_height_m,
            "changed": v.changed,
            "steep": v.steep,
            "unobserved": v.unobserved,
        },
    })
}
