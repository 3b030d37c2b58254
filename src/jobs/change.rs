//! `change`: two scenes to a raster of change and patches on the map.

mod pair;
mod passes;
mod patches;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::pipeline::run as each;
use super::raster_out::{OutOptions, OutPixel, RasterType, SeenCounts, head, pixels};
use super::view::MaskOptions;
pub use crate::analysis::change::mad::MadOptions;
pub use crate::analysis::change::normalise::Line;
pub use crate::analysis::change::threshold::Threshold;
use crate::analysis::change::{Direction, STABLE, UNSEEN, changed, classes};
use crate::analysis::indices::Index;
pub use crate::analysis::patches::{Connectivity, PatchOptions};
use crate::analysis::patches::{Labeller, Patches, Run, in_rows, runs};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Progress, Seen, Window};
use crate::read::scenes::BandRole;
use crate::report::quicklook::{Ramp, Sampled, picture};
use crate::write::raster::quicklook::write_png;
use crate::write::raster::{Cog, Statistics, Tile};
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
    /// Bands of plain rasters.
    pub bands: Vec<BandRole>,
    /// How change is measured.
    pub method: Method,
    /// Limits; of a magnitude (cva, irmad) only the upper counts, and for irmad a fixed one is a probability of no change.
    pub threshold: Threshold,
    /// Normalisation.
    pub normalise: Normalise,
    /// Masks.
    pub mask: MaskOptions,
    /// Raster of change; none is written where `None`.
    pub output: Option<PathBuf>,
    /// How it is written.
    pub out: OutOptions,
    /// Patches; none are made where `None`.
    pub patches: Option<PathBuf>,
    /// Neighbours.
    pub connectivity: Connectivity,
    /// Minimum mapping unit, square metres (in the grid's plane).
    pub min_area_m2: f64,
    /// Permits that patches are matched with.
    pub permits: Vec<String>,
    /// How permits are read.
    pub input: InputOptions,
    /// A picture beside the raster.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
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

/// What a unit of work hands over.
struct Unit<T> {
    tile: Option<Tile<T>>,
    counts: SeenCounts,
    by_class: [u64; 4],
    clipped: u64,
    runs: Vec<Run>,
    look: Vec<(usize, usize, Option<f32>)>,
}

/// What the loop over the raster leaves.
struct Swept {
    counts: SeenCounts,
    by_class: [u64; 4],
    patches: Patches,
    statistics: Option<Statistics>,
    look: Sampled,
}

/// Makes the raster and the patches.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a scene cannot be read or lacks bands, the scenes do not overlap,
/// nothing was seen on both dates, or the offsets of Sentinel-2 are unknown; `Output` where something cannot be written.
pub fn run(o: &ChangeOptions, progress: &dyn Progress) -> Result<ChangeSummary> {
    let started = Instant::now();
    check(o)?;
    let mut staging = claim(o)?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let pair = Pair::open(o, &mut notes)?;
    let ready = prepare(o, &pair, progress, &mut notes)?;
    let swept = match o.out.ty {
        RasterType::Int16 => sweep::<i16>(o, &pair, &ready, &staging, progress, &mut notes)?,
        RasterType::Float32 => sweep::<f32>(o, &pair, &ready, &staging, progress, &mut notes)?,
    };
    if swept.counts.get(Seen::Yes) == 0 {
        return Err(pair.nothing_seen(&swept.counts));
    }
    let mut manifest = Manifest::new("change", o.time, parameters(o, &ready));
    pair.record(&mut manifest)?;
    manifest.count("pixels", swept.counts.json());
    let small = swept.patches.small;
    let rows = patches::rows(o, &pair, swept.patches.patches, &mut notes, &mut manifest, progress)?;
    let directions = directions(&swept.by_class, &rows);
    for d in &directions {
        manifest.count(d.direction.as_str(), json!({"pixels": d.pixels, "patches": d.patches, "area_m2": d.area_m2}));
    }
    manifest.count("below_minimum_mapping_unit", json!({"components": small.0, "pixels": small.1}));
    let permits = (!o.permits.is_empty()).then(|| patches::by_permit(&rows));
    progress.step(&Text::new("writing", "写出成果"), None);
    if let Some(path) = &o.patches {
        let table = crate::report::change::patches(&rows, &pair.described(o.lang), !o.permits.is_empty());
        let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
        let written = write_staged(&mut staging, path, &[table], &options)?;
        notes.warnings.extend(written.notes());
    }
    if let Some(png) = quicklook_path(o) {
        let limit = picture_range(o, &ready);
        write_png(&staging.claim(&png)?, &picture(&swept.look, Ramp::Change, limit))?;
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
        mad: ready.mad.map(|m| (m.0.rho, m.1)),
        lines: ready.lines,
        shift: ready.shift,
        statistics: swept.statistics,
        permits,
        notes,
        files,
    })
}

fn check(o: &ChangeOptions) -> Result<()> {
    if o.output.is_none() && o.patches.is_none() {
        return Err(Error::usage("nothing to write was named", "未指定输出")
            .remedy("give -o OUT.tif, --patches OUT.gpkg, or both", "请给出 -o 输出.tif 或 --patches 输出.gpkg"));
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
    o.quicklook.then(|| companion(&main_output(o), ".png"))
}

fn outputs(o: &ChangeOptions) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = o.output.iter().chain(&o.patches).cloned().collect();
    out.extend(quicklook_path(o));
    out.push(companion(&main_output(o), ".manifest.json"));
    out
}

fn claim(o: &ChangeOptions) -> Result<Staging> {
    let mut staging = Staging::beside(&main_output(o), o.overwrite)?;
    for f in outputs(o) {
        staging.claim(&f)?;
    }
    Ok(staging)
}

/// The one pass that computes, writes and labels.
fn sweep<T: OutPixel>(
    o: &ChangeOptions,
    pair: &Pair,
    ready: &Ready,
    staging: &Staging,
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<Swept> {
    let head = head::<T>(&pair.before.grid, &[pair.title(o)], o.out, about(o, pair, ready));
    let mut cog = match &o.output {
        Some(path) => Some(Cog::<T>::create(&staging.place(path)?, head.clone())?),
        None => None,
    };
    let look = Sampled::new(&pair.before.grid);
    let step = look.step;
    let min_pixels = (o.min_area_m2 / pair.pixel_m2()?).ceil().max(1.0) as u64;
    let options = PatchOptions { connectivity: o.connectivity, min_pixels };
    let labeller = Labeller::new(&pair.before.grid, options);
    let none = Patches::default();
    let mut s = Swept { counts: SeenCounts::default(), by_class: [0; 4], patches: none, statistics: None, look };
    let (mut clipped, mut band) = (0, Band { labeller, row: 0, runs: Vec::new() });
    progress.step(&Text::new("change", "变化检测"), Some(pair.windows.len() as u64));
    let writes = o.output.is_some();
    let work = |w: Window| -> Result<Unit<T>> {
        let v = ready.values(o, pair, w)?;
        let classes = match o.method {
            Method::Difference(_) => classes(&v.values, &v.seen, ready.limits.0 as f32, ready.limits.1 as f32),
            _ => changed(&v.values, &v.seen, ready.limits.1 as f32),
        };
        let (mut tile, mut clipped) = (None, 0);
        if writes {
            let (p, n) = pixels::<T>(&v.values, &v.seen);
            (tile, clipped) = (Some(head.encode(0, w, &p)), n);
        }
        let runs = runs(w, &classes, &v.values, |c| c != STABLE && c != UNSEEN);
        let mut by_class = [0; 4];
        for r in &runs {
            by_class[usize::from(r.class & 3)] += u64::from(r.to - r.from);
        }
        let look = if o.quicklook { Sampled::sample(step, w, &v.values, &v.seen) } else { Vec::new() };
        let runs = if o.patches.is_some() { runs } else { Vec::new() };
        Ok(Unit { tile, counts: SeenCounts::of(&v.seen), by_class, clipped, runs, look })
    };
    each(&pair.windows, progress, work, |w, u| {
        s.counts.add(&u.counts);
        s.by_class.iter_mut().zip(u.by_class).for_each(|(a, b)| *a += b);
        clipped += u.clipped;
        s.look.put(&u.look);
        band.put(w, u.runs);
        match (&mut cog, u.tile) {
            (Some(c), Some(t)) => c.put(t),
            _ => Ok(()),
        }
    })?;
    if let Some(c) = cog {
        s.statistics = c.finish()?.into_iter().next().flatten();
    }
    s.patches = band.finish();
    if clipped > 0 {
        notes.warnings.push(Text::new(
            format!("{clipped} value(s) beyond ±3.2767 were clipped by int16; use --type float32"),
            format!("有 {clipped} 个值超出 ±3.2767,被 int16 截断;请用 --type float32"),
        ));
    }
    Ok(s)
}

/// Runs of the units of one row of units, until the row is whole.
struct Band {
    labeller: Labeller,
    row: usize,
    runs: Vec<Run>,
}

impl Band {
    fn put(&mut self, w: Window, runs: Vec<Run>) {
        if w.row != self.row {
            self.flush();
            self.row = w.row;
        }
        self.runs.extend(runs);
    }

    fn flush(&mut self) {
        let runs = in_rows(std::mem::take(&mut self.runs));
        for row in runs.chunk_by(|a, b| a.row == b.row) {
            self.labeller.row(row);
        }
    }

    fn finish(mut self) -> Patches {
        self.flush();
        self.labeller.finish()
    }
}

fn directions(by_class: &[u64; 4], rows: &[PatchRow]) -> Vec<DirectionSum> {
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
    Direction::ALL.into_iter().map(of).filter(|d| d.pixels > 0 || d.direction != Direction::Changed).collect()
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
        "bands": o.bands.iter().map(|(r, b)| format!("{}={}", r.as_str(), b + 1)).collect::<Vec<_>>(),
        "method": o.method.as_str(),
        "index": index,
        "threshold": threshold,
        "limits": [r.limits.0, r.limits.1],
        "normalise": o.normalise.as_str(),
        "lines": lines,
        "shift_px": r.shift,
        "irmad": r.mad.as_ref().map(|m| json!({"correlations": m.0.rho, "iterations": m.1})),
        "mask_clouds": o.mask.clouds,
        "dilate_px": o.mask.dilate,
        "mask_saturated": o.mask.saturated,
        "connectivity": if o.connectivity == Connectivity::Four { 4 } else { 8 },
        "min_area_m2": o.min_area_m2,
        "permits": o.permits,
        "type": o.out.ty.as_str(),
        "overviews": o.out.overviews,
    })
}
