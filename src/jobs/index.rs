//! `index`: spectral indices of scenes as rasters.

mod ecology;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Notes;
use super::manifest::{Manifest, companion};
use super::pipeline::{run as each, wide_units};
use super::raster_out::{OutPixel, RasterOptions, RasterType, SeenCounts, head, pixels};
use super::view::View;
use crate::analysis::histogram::Histogram;
use crate::analysis::indices::{Index, compute, fvc};
pub use crate::analysis::rsei::{Axis, COMPONENTS, Wetness};
use crate::error::{Error, Result, Text};
use crate::model::{Progress, Role, Scene, Seen, Window};
use crate::read::scenes::{require, scene};
use crate::report::quicklook::{Ramp, Sampled, picture};
use crate::write::raster::quicklook::write_png;
use crate::write::raster::{Cog, RasterHead, Statistics, Tile};
use crate::write::{Staging, text};

/// What is asked for: an index, or the cover derived from NDVI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An index by its formula.
    Index(Index),
    /// Fraction of vegetation cover.
    Fvc,
    /// Remote sensing ecological index.
    Rsei,
}

impl Wanted {
    /// By name.
    ///
    /// # Errors
    /// `Usage` that lists the names.
    pub fn of(name: &str) -> Result<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "fvc" => Ok(Self::Fvc),
            "rsei" => Ok(Self::Rsei),
            _ => Index::of(name).map(Self::Index),
        }
    }

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index(i) => i.as_str(),
            Self::Fvc => "fvc",
            Self::Rsei => "rsei",
        }
    }

    /// Bands it is made of.
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Index(i) => i.roles(),
            Self::Fvc => Index::Ndvi.roles(),
            Self::Rsei => &crate::analysis::rsei::ROLES,
        }
    }

    fn wants_reflectance(self) -> bool {
        match self {
            Self::Index(i) => i.wants_reflectance(),
            Self::Fvc => false,
            Self::Rsei => true,
        }
    }
}

/// The index of a name.
///
/// # Errors
/// `Usage` that lists the names.
pub fn index_of(name: &str) -> Result<Index> {
    Index::of(name)
}

/// Soil and vegetation of the cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FvcOptions {
    /// NDVI of bare soil; the lower percentile of the scene where `None`.
    pub soil: Option<f64>,
    /// NDVI of full cover; the upper percentile where `None`.
    pub vegetation: Option<f64>,
    /// Percentiles of the NDVI of what was seen, 0 to 100.
    pub percentiles: (f64, f64),
}

impl Default for FvcOptions {
    fn default() -> Self {
        Self { soil: None, vegetation: None, percentiles: (5.0, 95.0) }
    }
}

/// How the ecological index is made.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RseiOptions {
    /// Weights of wetness; those published for the platform where `None`.
    pub wetness: Option<Wetness>,
    /// Keep water, which is left out otherwise (MNDWI above 0).
    pub keep_water: bool,
}

/// What was found out of a scene before its values can be computed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Fitted {
    fvc: Option<(f32, f32)>,
    rsei: Option<ecology::Fit>,
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct IndexOptions {
    /// Scenes: folders, metadata files, rasters.
    pub scenes: Vec<PathBuf>,
    /// One band of the output each.
    pub wanted: Vec<Wanted>,
    /// The cover.
    pub fvc: FvcOptions,
    /// The ecological index.
    pub rsei: RseiOptions,
    /// A file for one scene; a folder for several.
    pub output: PathBuf,
    /// What raster jobs share; the picture is of the first index.
    pub raster: RasterOptions,
}

/// One index of one scene.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexBand {
    /// Which.
    pub name: &'static str,
    /// Statistics; `None` where nothing was seen.
    pub statistics: Option<Statistics>,
    /// Pixels by what was seen.
    pub counts: SeenCounts,
}

/// What was made of one scene.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneIndex {
    /// Scene.
    pub scene: String,
    /// When it was taken.
    pub datetime: Option<DateTime<Utc>>,
    /// Its indices.
    pub bands: Vec<IndexBand>,
    /// NDVI of soil and vegetation, where the cover was asked for.
    pub fvc: Option<(f32, f32)>,
    /// Axis of the ecological index, where it was asked for.
    pub rsei: Option<Axis>,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSummary {
    /// Scenes in the order given.
    pub scenes: Vec<SceneIndex>,
    /// What was inferred.
    pub notes: Notes,
}

/// Makes the rasters.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a scene cannot be read, lacks bands, or nothing of it was seen;
/// `Output` where a raster cannot be written.
pub fn run(o: &IndexOptions, progress: &dyn Progress) -> Result<IndexSummary> {
    if o.wanted.is_empty() || o.scenes.is_empty() {
        return Err(Error::usage("no index or no scene was given", "未给出指数或影像"));
    }
    let mut notes = Notes::default();
    let mut scenes = Vec::new();
    for path in &o.scenes {
        let s = scene(path, &o.raster.bands)?;
        let output = if o.scenes.len() == 1 { o.output.clone() } else { o.output.join(format!("{}_index.tif", s.id)) };
        progress.step(&Text::new(format!("index {}", s.id), format!("计算指数 {}", s.id)), None);
        let done = match o.raster.out.ty {
            RasterType::Int16 => one::<i16>(o, path, &s, &output, &mut notes, progress),
            RasterType::Float32 => one::<f32>(o, path, &s, &output, &mut notes, progress),
        };
        scenes.push(done?);
    }
    Ok(IndexSummary { scenes, notes })
}

/// What a unit of work hands to the writer.
struct Unit<T> {
    tiles: Vec<Tile<T>>,
    counts: Vec<SeenCounts>,
    clipped: u64,
    look: Vec<(usize, usize, Option<f32>)>,
}

fn one<T: OutPixel>(
    o: &IndexOptions,
    path: &Path,
    s: &Scene,
    output: &Path,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<SceneIndex> {
    let started = Instant::now();
    let mut staging = Staging::beside(output, o.raster.overwrite)?;
    let staged = staging.claim(output)?;
    let roles = roles(&o.wanted);
    require(s, &roles)?;
    if o.wanted.iter().any(|w| w.wants_reflectance()) {
        reflectance(s, &roles, path)?;
    }
    let view = View::open(s, &roles, None, o.raster.mask, &mut notes.warnings)?;
    let used: Vec<Role> = roles.iter().copied().chain([Role::Qa]).collect();
    let digests = Manifest::digesting(&[s], &used);
    let windows = wide_units(&view.grid, &view.blocks);
    let mut fitted = Fitted::default();
    if o.wanted.contains(&Wanted::Fvc) {
        fitted.fvc = Some(soil_and_vegetation(o, &view, &roles, &windows, s, progress)?);
    }
    if o.wanted.contains(&Wanted::Rsei) {
        fitted.rsei = Some(ecology::fit(o, s, &view, &roles, &windows, notes, progress).map_err(|e| e.in_file(path))?);
    }
    let names: Vec<String> = o.wanted.iter().map(|w| w.as_str().to_owned()).collect();
    let head = head::<T>(&view.grid, &names, o.raster.out, about(s, o, &fitted));
    let mut cog = Cog::<T>::create(&staged, head.clone())?;
    let mut look = Sampled::new(&view.grid);
    let mut counts = vec![SeenCounts::default(); names.len()];
    let mut clipped = 0;
    progress.step(&Text::new(format!("index {}", s.id), format!("计算指数 {}", s.id)), Some(windows.len() as u64));
    let step = look.step;
    let work = |w: Window| unit::<T>(o, &view, &roles, &head, &fitted, step, w);
    each(&windows, progress, work, |_, u| {
        counts.iter_mut().zip(&u.counts).for_each(|(a, b)| a.add(b));
        clipped += u.clipped;
        look.put(&u.look);
        u.tiles.into_iter().try_for_each(|t| cog.put(t))
    })?;
    if counts.iter().all(|c| c.get(Seen::Yes) == 0) {
        return Err(nothing_seen(s, &counts[0]).in_file(path));
    }
    if clipped > 0 {
        notes.warnings.push(Text::new(
            format!("{}: {clipped} value(s) beyond ±3.2767 were clipped by int16; use --type float32", s.id),
            format!("{}:有 {clipped} 个值超出 ±3.2767,被 int16 截断;请用 --type float32", s.id),
        ));
    }
    let statistics = cog.finish()?;
    if o.raster.quicklook {
        let png = staging.claim(&companion(output, ".png"))?;
        let range = if matches!(o.wanted[0], Wanted::Fvc | Wanted::Rsei) { (0.0, 1.0) } else { (-0.2, 0.8) };
        write_png(&png, &picture(&look, Ramp::Vegetation, range))?;
    }
    let mut manifest = Manifest::new("index", o.raster.time, parameters(o, &fitted));
    manifest.scenes(&[("scene", s, &view.grid)], &used, digests)?;
    for (n, c) in names.iter().zip(&counts) {
        manifest.count(n, c.json());
    }
    let mut files = vec![output.to_path_buf()];
    if o.raster.quicklook {
        files.push(companion(output, ".png"));
    }
    files.push(companion(output, ".manifest.json"));
    let text = manifest.text(notes, &files, started.elapsed());
    text::write_staged(&mut staging, &companion(output, ".manifest.json"), &text)?;
    let files = staging.commit()?;
    let bands = o.wanted.iter().zip(statistics).zip(counts);
    let bands = bands.map(|((w, statistics), counts)| IndexBand { name: w.as_str(), statistics, counts }).collect();
    Ok(SceneIndex {
        scene: s.id.clone(),
        datetime: s.datetime,
        bands,
        fvc: fitted.fvc,
        rsei: fitted.rsei.map(|f| f.axis),
        files,
    })
}

fn unit<T: OutPixel>(
    o: &IndexOptions,
    view: &View,
    roles: &[Role],
    head: &RasterHead,
    fitted: &Fitted,
    step: usize,
    w: Window,
) -> Result<Unit<T>> {
    let seen = view.read(w)?;
    let mut u = Unit { tiles: Vec::new(), counts: Vec::new(), clipped: 0, look: Vec::new() };
    for (i, wanted) in o.wanted.iter().enumerate() {
        let mut state = seen.seen.clone();
        let values = match (wanted, fitted.fvc, &fitted.rsei) {
            (Wanted::Index(i), ..) => of(*i, roles, &seen.bands, &mut state),
            (Wanted::Fvc, Some((soil, vegetation)), _) => {
                fvc(&of(Index::Ndvi, roles, &seen.bands, &mut state), soil, vegetation)
            }
            (Wanted::Rsei, _, Some(fit)) => fit.values(roles, &seen.bands, &mut state),
            _ => continue,
        };
        let (p, clipped) = pixels::<T>(&values, &state);
        u.tiles.push(head.encode(i, w, &p));
        u.counts.push(SeenCounts::of(&state));
        u.clipped += clipped;
        if i == 0 && o.raster.quicklook {
            u.look = Sampled::sample(step, w, &values, &state);
        }
    }
    Ok(u)
}

/// An index from the bands of a view that was opened with `roles`.
pub(super) fn of(index: Index, roles: &[Role], bands: &[Vec<f32>], seen: &mut [Seen]) -> Vec<f32> {
    let mine: Vec<&[f32]> = index
        .roles()
        .iter()
        .filter_map(|r| roles.iter().position(|x| x == r))
        .filter_map(|i| bands.get(i).map(Vec::as_slice))
        .collect();
    compute(index, &mine, seen)
}

fn roles(wanted: &[Wanted]) -> Vec<Role> {
    let mut out = Vec::new();
    for r in wanted.iter().flat_map(|w| w.roles()) {
        if !out.contains(r) {
            out.push(*r);
        }
    }
    out
}

/// Refuses plain numbers for formulas that need reflectances.
pub(super) fn reflectance(s: &Scene, roles: &[Role], path: &Path) -> Result<()> {
    use crate::model::Calibration::Linear;
    let plain = |r: &Role| {
        s.asset(*r).is_some_and(|a| a.calibration == Linear { scale: 1.0, offset: 0.0 })
            && s.sensor.platform == "generic"
    };
    // a temperature is no reflectance
    if !roles.iter().filter(|r| **r != Role::Tir).any(plain) {
        return Ok(());
    }
    Err(Error::input(
        "EVI, SAVI, MSAVI and RSEI need reflectances from 0 to 1, but the file tells no scale",
        "EVI、SAVI、MSAVI、RSEI 需要 0–1 的反射率,而文件没有比例系数",
    )
    .in_file(path)
    .remedy("set it: gdal_edit.py -scale 0.0001 FILE", "请设置:gdal_edit.py -scale 0.0001 文件"))
}

/// NDVI of bare soil and of full cover: as given, or percentiles over what was seen.
fn soil_and_vegetation(
    o: &IndexOptions,
    view: &View,
    roles: &[Role],
    windows: &[Window],
    s: &Scene,
    progress: &dyn Progress,
) -> Result<(f32, f32)> {
    if let (Some(a), Some(b)) = (o.fvc.soil, o.fvc.vegetation) {
        return ends(a, b);
    }
    progress.step(&Text::new("NDVI percentiles", "统计 NDVI 百分位"), Some(windows.len() as u64));
    let mut all = Histogram::new(-1.0, 1.0, 20_000);
    let work = |w: Window| {
        let mut seen = view.read(w)?;
        let v = of(Index::Ndvi, roles, &seen.bands, &mut seen.seen);
        let mut h = Histogram::new(-1.0, 1.0, 20_000);
        h.add(&v, &seen.seen);
        Ok(h)
    };
    each(windows, progress, work, |_, h| {
        all.merge(&h);
        Ok(())
    })?;
    let at = |p: f64| all.quantile(p / 100.0).ok_or_else(|| nothing_seen(s, &SeenCounts::default()));
    let soil = o.fvc.soil.map_or_else(|| at(o.fvc.percentiles.0), Ok)?;
    let vegetation = o.fvc.vegetation.map_or_else(|| at(o.fvc.percentiles.1), Ok)?;
    ends(soil, vegetation)
}

fn ends(soil: f64, vegetation: f64) -> Result<(f32, f32)> {
    if vegetation - soil < 1e-4 || !(vegetation - soil).is_finite() {
        return Err(Error::input(
            format!("NDVI of soil ({soil}) must lie below that of vegetation ({vegetation})"),
            format!("裸土 NDVI({soil})必须小于植被 NDVI({vegetation})"),
        )
        .remedy("give them: --fvc-soil 0.05 --fvc-vegetation 0.85", "请给定:--fvc-soil 0.05 --fvc-vegetation 0.85"));
    }
    Ok((soil as f32, vegetation as f32))
}

pub(super) fn nothing_seen(s: &Scene, c: &SeenCounts) -> Error {
    let counts: Vec<String> = c.each().map(|(s, n)| format!("{} {n}", s.as_str())).collect();
    let zh: Vec<String> = c.each().map(|(s, n)| format!("{} {n}", s.zh())).collect();
    Error::input(
        format!("no pixel of scene {} was seen ({})", s.id, counts.join(", ")),
        format!("影像 {} 没有有效像元({})", s.id, zh.join(",")),
    )
    .remedy(
        "take another date, or --no-cloud-mask if the mask is wrong",
        "请换用其他日期;若掩膜有误可用 --no-cloud-mask",
    )
}

fn about(s: &Scene, o: &IndexOptions, fitted: &Fitted) -> Vec<(String, String)> {
    let mut out = vec![("SCENE".to_owned(), s.id.clone())];
    if let Some(t) = s.datetime {
        out.push(("DATETIME".into(), t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    }
    out.push(("PLATFORM".into(), s.sensor.platform.clone()));
    out.push(("INDEX".into(), o.wanted.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(",")));
    if let Some((a, b)) = fitted.fvc {
        out.push(("FVC_SOIL_NDVI".into(), a.to_string()));
        out.push(("FVC_VEGETATION_NDVI".into(), b.to_string()));
    }
    if let Some(f) = &fitted.rsei {
        out.push(("RSEI_VARIANCE_SHARE".into(), f.axis.share.to_string()));
        for (name, l) in COMPONENTS.iter().zip(f.axis.loadings) {
            out.push((format!("RSEI_LOADING_{}", name.to_ascii_uppercase()), l.to_string()));
        }
    }
    out
}

fn parameters(o: &IndexOptions, fitted: &Fitted) -> serde_json::Value {
    json!({
        "scenes": o.scenes.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        "bands": o.raster.bands.iter().map(|(r, b)| format!("{}={}", r.as_str(), b + 1)).collect::<Vec<_>>(),
        "index": o.wanted.iter().map(|w| w.as_str()).collect::<Vec<_>>(),
        "rsei": fitted.rsei.as_ref().map(ecology::Fit::json),
        "fvc": fitted.fvc.map(|(soil, vegetation)| json!({"soil_ndvi": soil, "vegetation_ndvi": vegetation})),
        "mask_clouds": o.raster.mask.clouds,
        "dilate_px": o.raster.mask.dilate,
        "mask_saturated": o.raster.mask.saturated,
        "type": o.raster.out.ty.as_str(),
        "overviews": o.raster.out.overviews,
        "output": o.output.display().to_string(),
    })
}
