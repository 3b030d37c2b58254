//! `fire detect`: fire points out of scenes, with the masks of what is hot and of what was seen.

mod ground;
mod look;
mod night;
mod rows;
mod sagbt;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::super::inputs::InputOptions;
use super::super::manifest::{Manifest, companion};
use super::super::pipeline::{run as each, units};
use super::super::{MaskOptions, Notes, SeenCounts};
use super::known::known_heat;
use super::several_layers;
pub use crate::analysis::fire::detect::Method;
pub use crate::analysis::fire::detect::temperature::Emissivity;
pub use crate::analysis::fire::detect::thermal::ThermalOptions;
use crate::analysis::fire::places::Areas;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{FirePoint, Progress, Role, Scene, Seen};
use crate::read::scenes::BandRole;
use crate::report::fire;
use crate::report::fire_detect::{FireCluster, FireLook, fires, looks};
use crate::report::quicklook::{Ramp, Sampled, mark, picture};
use crate::write::raster::quicklook::write_png;
use crate::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
use crate::write::vector::{WriteOptions, write_staged};
use crate::write::{Staging, text};
use look::{Look, scene_at};
use sweep::{Settler, Swept};

/// What the thermal band holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kelvin {
    /// Surface temperature in Level 2 products, brightness temperature elsewhere.
    #[default]
    Auto,
    /// Brightness temperature: the emissivity is corrected.
    Brightness,
    /// Surface temperature: taken as it is.
    Surface,
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct DetectOptions {
    /// Scenes, in any order.
    pub scenes: Vec<PathBuf>,
    /// Scenes of the night, of the same place: the thermal test asks for heat by day and in the night nearest in time.
    pub nights: Vec<PathBuf>,
    /// Bands of plain rasters.
    pub bands: Vec<BandRole>,
    /// Bands of a plain raster of the night.
    pub night_bands: Vec<BandRole>,
    /// Methods; those that the bands allow where empty (SAGBT only where asked for).
    pub methods: Vec<Method>,
    /// Detectors of reflectance that must agree for the vote, 1 to 3.
    pub votes: u32,
    /// Reflectance from which on 1.6 and 2.2 µm are saturated, for scenes that do not tell it.
    pub saturation: Option<f32>,
    /// The thermal test by day.
    pub thermal: ThermalOptions,
    /// The thermal test by night.
    pub night_thermal: ThermalOptions,
    /// What the thermal band holds.
    pub kelvin: Kelvin,
    /// Emissivity of the ground.
    pub emissivity: Emissivity,
    /// Water vapour of the column, g cm⁻².
    pub water_vapour: Option<f64>,
    /// Hot in so many of the last so many clear looks (at most 16).
    pub persist: Option<(u32, u32)>,
    /// Time of scenes that tell none.
    pub seen: Option<DateTime<Utc>>,
    /// Areas of known industrial heat: fires in them are named so.
    pub heat_masks: Vec<String>,
    /// Masks.
    pub mask: MaskOptions,
    /// Fire points; the rasters lie beside it.
    pub output: PathBuf,
    /// Compression of the rasters.
    pub packing: Packing,
    /// Overviews in them.
    pub overviews: bool,
    /// A picture of each scene.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// What was found in one scene.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneFires {
    /// Scene.
    pub scene: String,
    /// When it was taken.
    pub datetime: Option<DateTime<Utc>>,
    /// Scene of the night that it was compared with.
    pub night: Option<String>,
    /// Methods used.
    pub methods: Vec<Method>,
    /// Pixels by what was seen.
    pub counts: SeenCounts,
    /// Ground seen clear, square kilometres in the grid's plane.
    pub clear_km2: f64,
    /// Hot pixels by method.
    pub by_method: Vec<(Method, u64)>,
    /// Hot pixels.
    pub pixels: u64,
    /// Fires: hot pixels that touch.
    pub fires: usize,
    /// Candidates of the thermal test without enough background to tell.
    pub undecided: u64,
    /// Hot by day where the night was hidden.
    pub unconfirmed: u64,
    /// Hot by day and cool by night.
    pub cooled: u64,
    /// Hot in too few looks.
    pub fleeting: u64,
    /// Threshold of SAGBT, K.
    pub sagbt_k: Option<f64>,
    /// Seconds of reading, of the tests of single pixels (all threads together), and of the tests of neighbours.
    pub seconds: [f64; 3],
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectSummary {
    /// Scenes in the order of time.
    pub scenes: Vec<SceneFires>,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// The last looks of each pixel, a bit a clear look: 1 hot, 0 not.
pub(super) struct History {
    hot: u32,
    of: u32,
    looks: Vec<u16>,
    width: usize,
}

/// Finds fires.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where a scene cannot be read, lacks bands or has no time or CRS; `Output`
/// where something cannot be written.
pub fn run(o: &DetectOptions, progress: &dyn Progress) -> Result<DetectSummary> {
    let started = Instant::now();
    check(o)?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let scenes = scenes(o)?;
    let nights = night::read(o)?;
    let paths: Vec<Outputs> = scenes.iter().map(|s| Outputs::of(o, s, scenes.len())).collect();
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let manifest_path = companion(&o.output, ".manifest.json");
    let mut outputs = vec![o.output.clone()];
    outputs.extend(paths.iter().flat_map(Outputs::all));
    outputs.push(manifest_path.clone());
    for f in &outputs {
        staging.claim(f)?;
    }
    let mut manifest = Manifest::new("fire detect", o.time, parameters(o));
    let (mut points, mut clusters, mut found, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut history: Option<History> = None;
    let mut grid = None;
    let known = known_heat(&o.heat_masks, &InputOptions::default(), &mut notes, &mut manifest)?;
    for (scene, paths) in scenes.into_iter().zip(&paths) {
        let target = grid.as_ref().filter(|_| o.persist.is_some());
        let night = night::nearest(&nights, &scene, &mut notes);
        let look = Look::open(o, scene, night, target, &mut notes)?;
        if let (Some((hot, of)), None) = (o.persist, &history) {
            history = Some(History::new(&look.grid, hot, of));
        }
        grid = Some(look.grid.clone());
        let (fires, mut p, mut c, l) =
            one(o, &look, paths, &staging, (history.as_mut(), known.as_ref()), progress, &mut notes)?;
        record(&mut manifest, &look, &fires)?;
        points.append(&mut p);
        clusters.append(&mut c);
        found.push(fires);
        seen.push(l);
    }
    progress.step(&Text::new("writing", "写出成果"), None);
    clusters.iter_mut().enumerate().for_each(|(i, c)| c.id = i as i64 + 1);
    let [looks, clouds] = looks(&seen, o.lang);
    let tables = [fire::points(&points, o.lang), fires(&clusters, o.lang), looks, clouds];
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let written = write_staged(&mut staging, &o.output, &tables, &options)?;
    notes.warnings.extend(written.notes());
    dedupe(&mut notes.warnings);
    text::write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &outputs, started.elapsed()))?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(DetectSummary { scenes: found, notes, files })
}

fn check(o: &DetectOptions) -> Result<()> {
    several_layers(&o.output)?;
    let thermal = |t: &ThermalOptions| {
        (2..=60).contains(&t.reach) && t.k > 0.0 && t.floor_k > 0.0 && (0.0..=1.0).contains(&t.share)
    };
    if o.scenes.is_empty() {
        return Err(Error::usage("no scene was given", "未给出影像"));
    }
    if !thermal(&o.thermal) || !thermal(&o.night_thermal) {
        return Err(Error::usage(
            "--window must be odd, from 5 to 121; --k and --floor above 0",
            "--window 须为 5–121 的奇数;--k 与 --floor 须大于 0",
        ));
    }
    if o.persist.is_some_and(|(m, n)| m == 0 || m > n || n > 16) {
        return Err(Error::usage("--persist takes M/N with 1 ≤ M ≤ N ≤ 16", "--persist 须为 M/N,且 1 ≤ M ≤ N ≤ 16"));
    }
    if !o.nights.is_empty() && !o.methods.is_empty() && !o.methods.contains(&Method::Thermal) {
        return Err(Error::usage("--night is for the method thermal", "--night 只用于 thermal 方法")
            .remedy("add --method thermal", "请加 --method thermal"));
    }
    Ok(())
}

/// The scenes in the order of time; each must have one.
fn scenes(o: &DetectOptions) -> Result<Vec<Scene>> {
    let mut out = Vec::new();
    for p in &o.scenes {
        let s = scene_at(p, o)?;
        if s.datetime.is_none() {
            return Err(Error::input(
                format!("scene {}: it is not known when it was taken", s.id),
                format!("影像 {}:不知道观测时间", s.id),
            )
            .in_file(p)
            .remedy("give it: --time 2024-05-01T03:20:00Z", "请给出:--time 2024-05-01T03:20:00Z"));
        }
        out.push(s);
    }
    out.sort_by(|a, b| (a.datetime, &a.id).cmp(&(b.datetime, &b.id)));
    if let Some(p) = out.windows(2).find(|p| p[0].id == p[1].id) {
        return Err(Error::usage(format!("scene {} was given twice", p[0].id), format!("影像 {} 给出了两次", p[0].id)));
    }
    Ok(out)
}

/// Rasters and picture of one scene.
struct Outputs {
    mask: PathBuf,
    clear: PathBuf,
    picture: Option<PathBuf>,
}

impl Outputs {
    /// `OUT_mask.tif`, or `OUT_SCENE_mask.tif` where there are several scenes.
    fn of(o: &DetectOptions, s: &Scene, n: usize) -> Self {
        let name: String =
            s.id.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let of = |end: &str| companion(&o.output, &if n == 1 { end.to_owned() } else { format!("_{name}{end}") });
        Self { mask: of("_mask.tif"), clear: of("_clear.tif"), picture: o.quicklook.then(|| of(".png")) }
    }

    fn all(&self) -> Vec<PathBuf> {
        [&self.mask, &self.clear].into_iter().chain(&self.picture).cloned().collect()
    }
}

/// One scene: rasters and picture are written, points and clusters answered.
fn one(
    o: &DetectOptions,
    look: &Look,
    paths: &Outputs,
    staging: &Staging,
    (history, known): (Option<&mut History>, Option<&Areas<String>>),
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<(SceneFires, Vec<FirePoint>, Vec<FireCluster>, FireLook)> {
    let place = rows::Place::of(look)?;
    let windows = units(&look.grid, &look.blocks);
    let sagbt_k = match look.uses(Method::Sagbt) {
        true => sagbt::threshold(look, &windows, progress, notes)?,
        false => None,
    };
    let masks = [
        head(o, look, "fire", "1 schroeder, 2 hotmap, 4 goli, 8 vote, 16 thermal, 32 sagbt; 0 no fire"),
        head(o, look, "clear", "1 seen clear, 0 cloud, shadow or snow"),
    ];
    let mut mask = Cog::<u8>::create(&staging.place(&paths.mask)?, masks[0].clone())?;
    let mut clear = Cog::<u8>::create(&staging.place(&paths.clear)?, masks[1].clone())?;
    let mut base = Sampled::new(&look.grid);
    let step = base.step;
    let title = Text::new(format!("fires in {}", look.scene.id), format!("火点检测 {}", look.scene.id));
    progress.step(&title, Some(windows.len() as u64));
    let mut settler = Settler::new(o, look, &windows, sagbt_k, history);
    let work = |w| {
        let p = look.screen(w)?;
        let shown = if p.r7.is_empty() { &p.kelvin } else { &p.r7 };
        let seen: Vec<Seen> = p.seen.iter().map(|s| if *s == Seen::NoData { *s } else { Seen::Yes }).collect();
        let samples = if o.quicklook { Sampled::sample(step, w, shown, &seen) } else { Vec::new() };
        Ok((p, samples))
    };
    each(&windows, progress, work, |_, (p, samples)| {
        base.put(&samples);
        settler.put(p, |s| {
            mask.put(masks[0].encode(0, s.window, &s.methods))?;
            clear.put(masks[1].encode(0, s.window, &s.clear))
        })
    })?;
    mask.finish()?;
    clear.finish()?;
    let (mut swept, ground) = (settler.swept, settler.ground);
    swept.hot.sort_by_key(|h| (h.row, h.col));
    if let Some(png) = &paths.picture {
        let range = base.range(0.02, 0.98).unwrap_or((0.0, 1.0));
        let mut p = picture(&base, Ramp::Grey, range);
        mark(&mut p, swept.hot.iter().map(|h| (h.col as usize / step, h.row as usize / step)));
        write_png(&staging.place(png)?, &p)?;
    }
    let (points, mut clusters) = rows::rows(look, &place, &swept)?;
    if let Some(known) = known {
        rows::name_known(known, &swept, &points, &mut clusters);
    }
    let seen = rows::seen(look, &place, &ground)?;
    Ok((summary(look, &place, &swept, clusters.len(), sagbt_k), points, clusters, seen))
}

fn summary(look: &Look, place: &rows::Place, s: &Swept, fires: usize, sagbt_k: Option<f64>) -> SceneFires {
    SceneFires {
        scene: look.scene.id.clone(),
        datetime: look.scene.datetime,
        night: look.night.as_ref().map(|n| n.id.clone()),
        methods: look.methods.clone(),
        counts: s.counts,
        clear_km2: s.counts.get(Seen::Yes) as f64 * place.pixel_m2 / 1e6,
        by_method: look.methods.iter().map(|m| (*m, s.by_method[*m as usize])).collect(),
        pixels: s.hot.len() as u64,
        fires,
        undecided: s.undecided,
        unconfirmed: s.unconfirmed,
        cooled: s.cooled,
        fleeting: s.fleeting,
        sagbt_k,
        seconds: s.seconds,
    }
}

fn head(o: &DetectOptions, look: &Look, name: &str, meaning: &str) -> RasterHead {
    let mut metadata = vec![("SCENE".to_owned(), look.scene.id.clone())];
    if let Some(t) = look.scene.datetime {
        metadata.push(("DATETIME".into(), t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    }
    metadata.push(("PLATFORM".into(), look.scene.sensor.platform.clone()));
    metadata.push(("VALUES".into(), meaning.into()));
    RasterHead {
        grid: look.grid.clone(),
        bands: vec![BandHead { description: name.into(), scale: 1.0, offset: 0.0 }],
        nodata: Some(f64::from(sweep::NOT_RECORDED)),
        overviews: if o.overviews { Overviews::Nearest } else { Overviews::None },
        packing: o.packing,
        metadata,
    }
}

fn record(m: &mut Manifest, look: &Look, f: &SceneFires) -> Result<()> {
    let mut used = look.roles();
    used.push(Role::Qa);
    let mut all = vec![("scene", &look.scene, &look.grid)];
    all.extend(look.night.as_ref().map(|n| ("night", n, &look.grid)));
    used.push(Role::Tir);
    m.scenes(&all, &used, None)?;
    m.count(&f.scene, f.json());
    Ok(())
}

impl SceneFires {
    /// For the manifest and the summary.
    pub fn json(&self) -> Json {
        let methods: serde_json::Map<String, Json> =
            self.by_method.iter().map(|(m, n)| (m.as_str().to_owned(), json!(n))).collect();
        json!({
            "night": self.night,
            "pixels_seen": self.counts.json(),
            "clear_km2": self.clear_km2,
            "hot_pixels": self.pixels,
            "hot_pixels_by_method": methods,
            "fires": self.fires,
            "thermal_without_background": self.undecided,
            "thermal_night_hidden": self.unconfirmed,
            "thermal_cool_by_night": self.cooled,
            "hot_in_too_few_looks": self.fleeting,
            "sagbt_threshold_k": self.sagbt_k,
        })
    }
}

/// Says everything once.
fn dedupe(notes: &mut Vec<Text>) {
    let mut seen = Vec::new();
    notes.retain(|n| {
        let new = !seen.contains(n);
        if new {
            seen.push(n.clone());
        }
        new
    });
}

fn parameters(o: &DetectOptions) -> Json {
    let thermal = |t: &ThermalOptions| json!({"window_px": 2 * t.reach + 1, "k": t.k, "floor_k": t.floor_k, "share": t.share, "split_k": t.split_k});
    let path = |p: &Path| p.display().to_string();
    json!({
        "scenes": o.scenes.iter().map(|p| path(p)).collect::<Vec<_>>(),
        "nights": o.nights.iter().map(|p| path(p)).collect::<Vec<_>>(),
        "bands": o.bands.iter().map(|(r, b)| format!("{}={}", r.as_str(), b + 1)).collect::<Vec<_>>(),
        "methods": o.methods.iter().map(|m| m.as_str()).collect::<Vec<_>>(),
        "votes": o.votes,
        "saturation": o.saturation,
        "thermal": thermal(&o.thermal),
        "night_thermal": (!o.nights.is_empty()).then(|| thermal(&o.night_thermal)),
        "emissivity_bare": o.emissivity.bare,
        "water_vapour_g_cm2": o.water_vapour,
        "persist": o.persist.map(|(m, n)| format!("{m}/{n}")),
        "mask_clouds": o.mask.clouds,
        "dilate_px": o.mask.dilate,
        "output": path(&o.output),
    })
}
