//! `change`: two scenes to a raster of change and patches on the map.

mod pair;
mod passes;
mod patches;
mod sweep;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::raster_out::{RasterOptions, SeenCounts};
use crate::analysis::change::Direction;
pub use crate::analysis::change::from_to::{ClassRule, Classes};
pub use crate::analysis::change::mad::MadOptions;
pub use crate::analysis::change::normalise::Line;
pub use crate::analysis::change::threshold::Threshold;
use crate::analysis::indices::Index;
pub use crate::analysis::patches::{Connectivity, PatchOptions};
use crate::error::{Error, Result, Text};
use crate::model::{Progress, Seen};
use crate::report::change::{patches as layer, transitions};
use crate::write::raster::Statistics;
use crate::write::raster::quicklook::write_png;
use crate::write::vector::{Format, WriteOptions, write_staged};
use crate::write::{Staging, text};
use pair::Pair;
use passes::{Ready, prepare};
pub use patches::PatchRow;

/// How change is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Difference of an index, after − before.
    Difference(Index),
    /// Length of the change vector over all bands (Malila 1980).
    Vector,
    /// IR-MAD (Nielsen 2007): chi-square of each pixel.
    Mad(MadOptions),
}

impl Method {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Difference(_) => "difference",
            Self::Vector => "cva",
            Self::Mad(_) => "irmad",
        }
    }
}

/// How the later date is brought to the radiometry of the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalise {
    /// Not at all.
    #[default]
    None,
    /// Bands by lines through the pixels that IR-MAD finds unchanged (Canty & Nielsen 2008).
    Invariant,
    /// The index by equal histograms.
    Histogram,
}

impl Normalise {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Invariant => "pif",
            Self::Histogram => "histogram",
        }
    }
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeOptions {
    /// The earlier scene.
    pub before: PathBuf,
    /// The later scene.
    pub after: PathBuf,
    /// How change is measured.
    pub method: Method,
    /// Limits; of a magnitude (cva, irmad) only the upper counts, and for irmad a fixed one is a probability of no change.
    pub threshold: Threshold,
    /// Normalisation.
    pub normalise: Normalise,
    /// Classes of ground by thresholds, for from–to changes; none where empty.
    pub classes: Classes,
    /// Raster of change; none is written where `None`.
    pub output: Option<PathBuf>,
    /// Patches; none are made where `None`.
    pub patches: Option<PathBuf>,
    /// Only count pixels; write nothing.
    pub count_only: bool,
    /// Neighbours.
    pub connectivity: Connectivity,
    /// Minimum mapping unit, square metres (in the grid's plane).
    pub min_area_m2: f64,
    /// Permits that patches are matched with.
    pub permits: Vec<String>,
    /// How permits are read.
    pub input: InputOptions,
    /// What raster jobs share.
    pub raster: RasterOptions,
}

/// Patches of one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectionSum {
    /// Direction.
    pub direction: Direction,
    /// Pixels beyond the threshold, small components among them.
    pub pixels: u64,
    /// Patches.
    pub patches: usize,
    /// Their area on the ellipsoid, square metres.
    pub area_m2: f64,
}

/// Pixels that were of one class and became of another (or stayed).
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Class before.
    pub from: String,
    /// Class after.
    pub to: String,
    /// Pixels.
    pub pixels: u64,
    /// Patches; none where it stayed.
    pub patches: usize,
    /// Their area on the ellipsoid, square metres.
    pub area_m2: f64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSummary {
    /// Names of both scenes.
    pub scenes: [String; 2],
    /// Lower and upper limit that were used.
    pub limits: (f64, f64),
    /// Pixels by what was seen on both dates.
    pub counts: SeenCounts,
    /// By direction.
    pub directions: Vec<DirectionSum>,
    /// Components below the minimum mapping unit, and their pixels.
    pub small: (u64, u64),
    /// Pixels and patches by classes before and after, those that stayed the same among them.
    pub transitions: Vec<Transition>,
    /// Canonical correlations and iterations of IR-MAD.
    pub mad: Option<(Vec<f64>, usize)>,
    /// Lines of the normalisation, by band.
    pub lines: Vec<(&'static str, Line)>,
    /// Shift of the later scene against the earlier, pixels (columns, rows).
    pub shift: Option<[f64; 2]>,
    /// Statistics of the values.
    pub statistics: Option<Statistics>,
    /// Patches by permit: inside, crossing, outside.
    pub permits: Option<[usize; 3]>,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Makes the raster and the patches.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a scene cannot be read or lacks bands, the scenes do not overlap,
/// nothing was seen on both dates, or the offsets of Sentinel-2 are unknown; `Output` where something cannot be written.
pub fn run(o: &ChangeOptions, progress: &dyn Progress) -> Result<ChangeSummary> {
    check(o)?;
    if o.count_only {
        return count(o, progress);
    }
    let started = Instant::now();
    let mut staging = claim(o)?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let pair = Pair::open(o, &mut notes)?;
    let digests = pair.digesting();
    let ready = prepare(o, &pair, progress, &mut notes)?;
    let swept = sweep::sweep(o, &pair, &ready, Some(&staging), progress, &mut notes)?;
    if swept.counts.get(Seen::Yes) == 0 {
        return Err(pair.nothing_seen(&swept.counts));
    }
    let mut manifest = Manifest::new("change", o.raster.time, parameters(o, &ready));
    pair.record(&mut manifest, digests)?;
    manifest.count("pixels", swept.counts.json());
    let small = swept.patches.small;
    let permits = patches::permits(o, &mut notes, &mut manifest)?;
    let found = [swept.patches.patches, swept.moved];
    let [rows, moved] = patches::rows(o, &pair, found, permits.as_ref(), &mut notes, progress)?;
    let directions = directions(o, &swept.by_class, &rows);
    for d in &directions {
        manifest.count(d.direction.as_str(), json!({"pixels": d.pixels, "patches": d.patches, "area_m2": d.area_m2}));
    }
    manifest.count("below_minimum_mapping_unit", json!({"components": small.0, "pixels": small.1}));
    let transitions_found = patches::sums(o, &swept.by_pair, &moved);
    for t in &transitions_found {
        let counts = json!({"pixels": t.pixels, "patches": t.patches, "area_m2": t.area_m2});
        manifest.count(&format!("{} → {}", t.from, t.to), counts);
    }
    let permits = permits.as_ref().map(|_| patches::by_permit(&rows));
    progress.step(&Text::new("writing", "写出成果"), None);
    if let Some(path) = &o.patches {
        let d = pair.described(o);
        let mut tables = vec![layer(&rows, &d)];
        if !o.classes.is_empty() {
            tables.push(transitions(&moved, &d));
        }
        let options = WriteOptions {
            overwrite: o.raster.overwrite,
            encoding: None,
            lang: o.raster.lang,
            timestamp: Some(o.raster.time),
        };
        notes.warnings.extend(write_staged(&mut staging, path, &tables, &options)?.notes());
    }
    if let Some(png) = quicklook_path(o) {
        let dates = [0, 1].map(|i| pair.scenes[i].datetime.map(|t| t.date_naive()));
        let p = swept.look.picture(dates, &pair.title(o), picture_range(o, &ready));
        write_png(&staging.claim(&png)?, &p)?;
    }
    let main = main_output(o);
    let files = outputs(o);
    let manifest_path = companion(&main, ".manifest.json");
    text::write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &files, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(ChangeSummary {
        scenes: [pair.scenes[0].id.clone(), pair.scenes[1].id.clone()],
        limits: ready.limits,
        counts: swept.counts,
        small,
        directions,
        transitions: transitions_found,
        mad: ready.mad.map(|m| (m.0.rho, m.1)),
        lines: ready.lines,
        shift: ready.shift,
        statistics: swept.statistics,
        permits,
        notes,
        files,
    })
}

/// Counts and limits alone: nothing is written, so nothing needs the digests of a manifest either.
fn count(o: &ChangeOptions, progress: &dyn Progress) -> Result<ChangeSummary> {
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let pair = Pair::open(o, &mut notes)?;
    let ready = prepare(o, &pair, progress, &mut notes)?;
    let swept = sweep::sweep(o, &pair, &ready, None, progress, &mut notes)?;
    if swept.counts.get(Seen::Yes) == 0 {
        return Err(pair.nothing_seen(&swept.counts));
    }
    Ok(ChangeSummary {
        scenes: [pair.scenes[0].id.clone(), pair.scenes[1].id.clone()],
        limits: ready.limits,
        counts: swept.counts,
        small: (0, 0),
        directions: directions(o, &swept.by_class, &[]),
        transitions: patches::sums(o, &swept.by_pair, &[]),
        mad: ready.mad.map(|m| (m.0.rho, m.1)),
        lines: ready.lines,
        shift: ready.shift,
        statistics: None,
        permits: None,
        notes,
        files: Vec::new(),
    })
}

fn check(o: &ChangeOptions) -> Result<()> {
    if o.count_only && (o.output.is_some() || o.patches.is_some()) {
        return Err(Error::usage(
            "--count-only writes nothing, but an output was named",
            "--count-only 不写出文件,却指定了输出",
        )
        .remedy("leave one of both away", "请去掉其中之一"));
    }
    if !o.count_only && o.output.is_none() && o.patches.is_none() {
        return Err(Error::usage("nothing to write was named", "未指定输出").remedy(
            "give -o OUT.tif, --patches OUT.gpkg, or both; or --count-only",
            "请给出 -o 输出.tif 或 --patches 输出.gpkg;只计数用 --count-only",
        ));
    }
    if !o.permits.is_empty() && o.patches.is_none() {
        return Err(Error::usage("--permits needs --patches", "--permits 须与 --patches 同用"));
    }
    if let Some(p) = &o.patches {
        let f = Format::of(p)?;
        if f.only_lonlat() {
            return Err(Error::usage(
                "patches lie on the edges of pixels, in the CRS of the scene; this format holds longitude and latitude only",
                "图斑沿像元边界,位于影像坐标系;该格式只支持经纬度",
            )
            .in_file(p)
            .remedy("use .gpkg, .fgb, .shp or .gdb", "请用 .gpkg、.fgb、.shp 或 .gdb"));
        }
    }
    let beside = |a: &PathBuf, b: &PathBuf| a.parent() == b.parent();
    if let (Some(a), Some(b)) = (&o.output, &o.patches)
        && !beside(a, b)
    {
        return Err(Error::usage("-o and --patches must lie in one folder", "-o 与 --patches 须在同一文件夹")
            .in_file(b)
            .remedy(
                "all outputs of a run are renamed together when they are whole",
                "一次运行的全部成果写完后一起改名,须在同一文件夹",
            ));
    }
    match o.threshold {
        Threshold::Fixed(a, b) if a > b || a.is_nan() || b.is_nan() => {
            Err(Error::usage("the lower limit lies above the upper", "下限大于上限"))
        }
        Threshold::KSigma(k) if k.is_nan() || k <= 0.0 => {
            Err(Error::usage("k of k-sigma must be above 0", "k-sigma 的 k 须大于 0"))
        }
        _ => Ok(()),
    }
}

fn main_output(o: &ChangeOptions) -> PathBuf {
    o.output.clone().or_else(|| o.patches.clone()).unwrap_or_default()
}

fn quicklook_path(o: &ChangeOptions) -> Option<PathBuf> {
    o.raster.quicklook.then(|| companion(&main_output(o), ".png"))
}

/// Raster of from–to classes, beside the raster of change.
fn classes_path(o: &ChangeOptions) -> Option<PathBuf> {
    let output = o.output.as_ref().filter(|_| !o.classes.is_empty())?;
    Some(companion(output, "_classes.tif"))
}

fn outputs(o: &ChangeOptions) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = o.output.iter().chain(&o.patches).cloned().collect();
    out.extend(classes_path(o));
    out.extend(quicklook_path(o));
    out.push(companion(&main_output(o), ".manifest.json"));
    out
}

fn claim(o: &ChangeOptions) -> Result<Staging> {
    let mut staging = Staging::beside(&main_output(o), o.raster.overwrite)?;
    for f in outputs(o) {
        staging.claim(&f)?;
    }
    Ok(staging)
}

fn directions(o: &ChangeOptions, by_class: &[u64; 4], rows: &[PatchRow]) -> Vec<DirectionSum> {
    let of = |d: Direction| {
        let mine: Vec<&PatchRow> = rows.iter().filter(|r| r.direction == d).collect();
        DirectionSum {
            direction: d,
            pixels: by_class[d as usize],
            patches: mine.len(),
            // a sum of nothing is −0 in Rust
            area_m2: mine.iter().fold(0.0, |a, r| a + r.area.0),
        }
    };
    match o.method {
        Method::Difference(_) => vec![of(Direction::Loss), of(Direction::Gain)],
        Method::Vector | Method::Mad(_) => vec![of(Direction::Changed)],
    }
}

/// The range of the picture's colours: twice the limits, so that patches stand out.
fn picture_range(o: &ChangeOptions, r: &Ready) -> (f32, f32) {
    let m = match o.method {
        Method::Difference(_) => (2.0 * r.limits.0.abs().max(r.limits.1.abs())).clamp(0.01, 2.0),
        _ => 2.0 * r.limits.1.abs().max(1e-6),
    };
    (-m as f32, m as f32)
}

fn about(o: &ChangeOptions, pair: &Pair, ready: &Ready) -> Vec<(String, String)> {
    let mut out = vec![
        ("BEFORE".to_owned(), pair.scenes[0].id.clone()),
        ("AFTER".to_owned(), pair.scenes[1].id.clone()),
        ("METHOD".to_owned(), o.method.as_str().to_owned()),
        ("NORMALISATION".to_owned(), o.normalise.as_str().to_owned()),
    ];
    if let Method::Difference(i) = o.method {
        out.push(("INDEX".into(), i.as_str().into()));
        out.push(("LOWER_LIMIT".into(), ready.limits.0.to_string()));
    }
    out.push(("UPPER_LIMIT".into(), ready.limits.1.to_string()));
    out
}

fn parameters(o: &ChangeOptions, r: &Ready) -> serde_json::Value {
    let threshold = match o.threshold {
        Threshold::Fixed(a, b) => json!({"fixed": [a, b]}),
        Threshold::KSigma(k) => json!({"k_sigma": k}),
        Threshold::Otsu => json!("otsu"),
    };
    let index = match o.method {
        Method::Difference(i) => Some(i.as_str()),
        _ => None,
    };
    let lines: Vec<_> = r
        .lines
        .iter()
        .map(|(b, l)| json!({"band": b, "gain": l.gain, "offset": l.offset, "correlation": l.correlation}))
        .collect();
    json!({
        "before": o.before.display().to_string(),
        "after": o.after.display().to_string(),
        "bands": o.raster.bands.iter().map(|(r, b)| format!("{}={}", r.as_str(), b + 1)).collect::<Vec<_>>(),
        "method": o.method.as_str(),
        "index": index,
        "threshold": threshold,
        "limits": [r.limits.0, r.limits.1],
        "normalise": o.normalise.as_str(),
        "classes": patches::rules(&o.classes),
        "lines": lines,
        "shift_px": r.shift,
        "irmad": r.mad.as_ref().map(|m| json!({"correlations": m.0.rho, "iterations": m.1})),
        "mask_clouds": o.raster.mask.clouds,
        "dilate_px": o.raster.mask.dilate,
        "mask_saturated": o.raster.mask.saturated,
        "connectivity": if o.connectivity == Connectivity::Four { 4 } else { 8 },
        "min_area_m2": o.min_area_m2,
        "permits": o.permits,
        "type": o.raster.out.ty.as_str(),
        "overviews": o.raster.out.overviews,
    })
}
