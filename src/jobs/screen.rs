//! `screen`: sites against the river corridor.

mod answers;
mod layers;
mod outputs;
mod source;
mod tally;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use geo::Coord;
use serde_json::{Value as Json, json};

use super::Notes;
use super::inputs::{Input, InputOptions, named_crs, named_fields, read};
use super::manifest::{Manifest, companion, without_password};
use crate::analysis::corridor::{Direction, Network, NetworkOptions, Zones};
use crate::analysis::score::ScoreOptions;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Crs, Kind, Progress, RiverLine, Schema, Table, Zone};
use crate::prepare::crs::ResolvedCrs;
use crate::prepare::names::{parse_field, parse_kind};
use crate::prepare::shapes::{Way, courses, polygons};
use crate::prepare::sites::Naming;
use crate::prepare::{rivers, zones};
use crate::report::screen::Context;
pub use crate::space::frame::Metric;
use crate::units::SquareMetres;
use crate::write::vector::{Format, WriteOptions};
use crate::write::{Staging, text};
use answers::{Run, Work};
use outputs::Outputs;
use source::SiteSource;
use tally::Tally;

/// Widest corridor in metres: beyond it a site's plane is no longer true to a millimetre.
pub const WIDEST_M: f64 = 50_000.0;

/// Layers of the output, in order.
pub const LAYERS: [&str; 7] = ["sites", "clipped", "corridor", "rivers", "summary", "zones", "skipped"];

/// Sites that the Excel workbook beside the layers lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lists {
    /// All of them.
    #[default]
    All,
    /// Those within the widest distance, wholly or in part.
    Corridor,
    /// There is no workbook.
    None,
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenOptions {
    /// River lines or water polygons, `FILE` or `FILE#layer`.
    pub rivers: Vec<String>,
    /// Site polygons.
    pub sites: Vec<String>,
    /// Zones to overlap with.
    pub zones: Vec<String>,
    /// Corridor distances in metres, above 0 and at most [`WIDEST_M`].
    pub distances: Vec<f64>,
    /// How distances are measured; planar in the projected CRS of the first layer of sites.
    pub metric: Metric,
    /// The rivers flow to the end nearest this longitude, latitude; as most of the line is digitised where `None`.
    pub outlet: Option<[f64; 2]>,
    /// Gaps between pieces of one named river up to this are bridged for the chainage, metres.
    pub bridge_m: f64,
    /// Fields and words.
    pub naming: Naming,
    /// Weights of the score.
    pub score: ScoreOptions,
    /// Layers to write; all where empty.
    pub layers: Vec<String>,
    /// Sites that the Excel workbook lists.
    pub lists: Lists,
    /// CRS of the output.
    pub out_crs: String,
    /// Encoding of a shapefile's attributes.
    pub out_encoding: Option<String>,
    /// Where to write.
    pub output: PathBuf,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Refuse the run where a feature needs repair or cannot be used.
    pub strict: bool,
    /// Language of titles and legends.
    pub lang: Lang,
    /// How inputs are read.
    pub input: InputOptions,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// Fields and words as typed: `role=FIELD`, `WORD=kind`.
///
/// # Errors
/// `Usage` for an unknown role or kind.
pub fn naming(fields: &[String], kinds: &[String]) -> Result<Naming> {
    Ok(Naming {
        fields: fields.iter().map(|t| parse_field(t)).collect::<Result<_>>()?,
        kinds: kinds.iter().map(|t| parse_kind(t)).collect::<Result<_>>()?,
    })
}

/// Weights of the score as typed: `factor=points`.
///
/// # Errors
/// `Usage` for an unknown factor, or points that are no number from 0 up.
pub fn score(texts: &[String]) -> Result<ScoreOptions> {
    let mut o = ScoreOptions::default();
    for t in texts {
        let parsed = t.split_once('=').and_then(|(k, v)| Some((k.trim(), v.trim().parse::<f64>().ok()?)));
        let place = match parsed {
            Some(("distance", _)) => &mut o.distance,
            Some(("river_class", _)) => &mut o.river_class,
            Some(("kind", _)) => &mut o.kind,
            Some(("inside", _)) => &mut o.inside,
            Some(("zone", _)) => &mut o.zone,
            _ => return Err(no_factor(t)),
        };
        *place = parsed.map(|(_, v)| v).filter(|v| *v >= 0.0 && v.is_finite()).ok_or_else(|| no_factor(t))?;
    }
    Ok(o)
}

fn no_factor(text: &str) -> Error {
    Error::usage(format!("“{text}” is not FACTOR=POINTS"), format!("“{text}”不是 因子=分值 的形式")).remedy(
        "the factors are: distance, river_class, kind, inside, zone; points are 0 or more",
        "可用因子:distance、river_class、kind、inside、zone;分值不小于 0",
    )
}

/// A time from seconds since 1970, as `SOURCE_DATE_EPOCH` has it.
///
/// # Errors
/// `Usage` where it is no such number.
pub fn time(seconds: &str) -> Result<DateTime<Utc>> {
    seconds.trim().parse().ok().and_then(|s| DateTime::from_timestamp(s, 0)).ok_or_else(|| {
        Error::usage(
            format!("SOURCE_DATE_EPOCH: “{seconds}” is not a number of seconds since 1970"),
            format!("SOURCE_DATE_EPOCH:“{seconds}”不是 1970 年以来的秒数"),
        )
    })
}

impl ScreenOptions {
    /// Options by default, for these inputs and output.
    pub fn new(rivers: Vec<String>, sites: Vec<String>, output: impl Into<PathBuf>) -> Self {
        Self {
            rivers,
            sites,
            zones: Vec::new(),
            distances: vec![3000.0],
            metric: Metric::Geodesic,
            outlet: None,
            bridge_m: 2000.0,
            naming: Naming::default(),
            score: ScoreOptions::default(),
            layers: Vec::new(),
            lists: Lists::All,
            out_crs: "EPSG:4490".into(),
            out_encoding: None,
            output: output.into(),
            overwrite: false,
            strict: false,
            lang: Lang::default(),
            input: InputOptions::default(),
            time: Utc::now(),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenSummary {
    /// Sites screened.
    pub sites: usize,
    /// Sites inside, crossing and outside, one entry a distance.
    pub relations: Vec<(f64, [usize; 3])>,
    /// Sites within each distance by kind.
    pub by_kind: Vec<KindSum>,
    /// Sites that overlap a zone.
    pub in_zones: usize,
    /// Rivers of the network.
    pub rivers: usize,
    /// The summary table.
    pub summary: Table,
    /// What was set aside, repaired, inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
    /// The manifest.
    pub manifest: String,
    /// How long the parts took.
    pub timings: Timings,
}

/// Sites of one kind within one distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KindSum {
    /// Distance, metres.
    pub distance_m: f64,
    /// Kind.
    pub kind: Kind,
    /// Sites wholly inside.
    pub inside: usize,
    /// Sites across the edge.
    pub crosses: usize,
    /// Their area inside.
    pub area_inside: SquareMetres,
}

/// How long the parts of a run took, seconds: those one after the other on the clock, and within `screen` the work of
/// all threads.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Timings {
    /// Rivers and zones read, joined and indexed.
    pub index: f64,
    /// Waiting for batches of sites.
    pub read: f64,
    /// Batches screened.
    pub screen: f64,
    /// Within `screen`, all threads: validity, repair, and the way to the metric's coordinates.
    pub prepare_work: f64,
    /// Within `screen`, all threads: distance, relation, area and part inside, zones.
    pub decide_work: f64,
    /// Within `screen`, all threads: rows for the outputs.
    pub rows_work: f64,
    /// Handing rows to the writers, drawing and writing the other layers, ending the files.
    pub write: f64,
}

/// Rivers and zones, read and prepared.
struct Prepared {
    rivers: Vec<RiverLine>,
    zones: Vec<Zone>,
    metric_crs: ResolvedCrs,
}

/// Screens sites against the corridor and writes layers, lists and the manifest.
///
/// Rivers and zones are held in memory; sites are read, screened and written in batches, so memory does not grow with
/// their number (a duplicate's identifier, remarks on features, and the formats that are read or written whole aside).
///
/// # Errors
/// `Usage` for options that make no sense, `Input` for inputs that cannot be read or used, `Output` where results
/// cannot be written (nothing half-written stays), `Interrupted`.
pub fn run(o: &ScreenOptions, progress: &dyn Progress) -> Result<ScreenSummary> {
    let clock = Instant::now();
    let o = &checked(o)?;
    let out_crs = out_crs(o)?;
    let mut staging = claim(o)?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("screen", o.time, parameters(o));
    let mut sources = open_sites(o, progress, &mut notes)?;
    let prepared = prepare(o, &sources, progress, &mut notes, &mut manifest)?;
    if o.strict {
        notes.refuse()?;
    }
    progress.check()?;
    let net = network(o, &prepared, progress)?;
    let zones = (!prepared.zones.is_empty())
        .then(|| Zones::build(prepared.zones.clone(), o.metric))
        .transpose()
        .map_err(|e| Error::input(format!("the zones cannot be used: {e}"), format!("管控区无法使用:{e}")))?;
    let outward = Way::over(&prepared.metric_crs, Some(&out_crs), None)?;
    let crs = layer_crs(&out_crs);
    let schemas: Vec<Schema> = sources.iter().map(|s| s.info.schema.clone()).collect();
    let context =
        Context { crs: &crs, distances: &o.distances, schemas: &schemas, lang: o.lang, with_zones: zones.is_some() };
    let sites = outputs::sites(&context);
    let mut out = Outputs::open(o, &mut staging, &sites, &context)?;
    let index = clock.elapsed().as_secs_f64();
    let clip = outputs::wanted(o, "clipped");
    let work = Work { o, net: &net, zones: zones.as_ref(), outward: &outward, clip, sites: &sites, context: &context };
    let mut run = Run { work: &work, tally: Tally::default(), timings: Timings { index, ..Timings::default() } };
    run.screen(&mut sources, &prepared, &mut out, &mut notes, &mut manifest, progress)?;
    let Run { tally, mut timings, .. } = run;
    let writing = Instant::now();
    progress.step(&Text::new("writing", "写出成果"), None);
    let summary = layers::write_rest(&work, &tally, &mut out, &mut notes, progress)?;
    let mut planned = out.planned(o);
    out.finish(&mut notes)?;
    outputs::summary_list(o, &mut staging, &planned, &summary)?;
    planned.sort();
    planned.dedup();
    manifest.count("rivers", net.rivers.len());
    manifest.count("river_segments", net.segments.len());
    manifest.count("sites", tally.sites);
    manifest.count("zones", prepared.zones.len());
    let manifest = manifest.text(&notes, &planned, clock.elapsed());
    text::write_staged(&mut staging, &companion(&o.output, ".manifest.json"), &manifest)?;
    progress.check()?;
    let files = staging.commit()?;
    timings.write += writing.elapsed().as_secs_f64();
    Ok(ScreenSummary {
        sites: tally.sites,
        relations: tally.relations(&o.distances),
        by_kind: tally.by_kind(),
        in_zones: tally.in_zones,
        rivers: net.rivers.len(),
        summary,
        notes,
        files,
        manifest,
        timings,
    })
}

fn checked(o: &ScreenOptions) -> Result<ScreenOptions> {
    let mut o = o.clone();
    o.distances.sort_by(f64::total_cmp);
    o.distances.dedup();
    if o.distances.is_empty() || o.distances.iter().any(|d| !(*d > 0.0 && *d <= WIDEST_M)) {
        return Err(Error::usage(
            format!("--distance takes metres above 0 and at most {WIDEST_M}"),
            format!("--distance 须为大于 0 且不超过 {WIDEST_M} 的米数"),
        ));
    }
    if !(o.bridge_m >= 0.0 && o.bridge_m.is_finite()) {
        return Err(Error::usage("--bridge takes metres, 0 or more", "--bridge 须为不小于 0 的米数"));
    }
    if let Some(l) = o.layers.iter().find(|l| !LAYERS.contains(&l.as_str())) {
        let all = LAYERS.join(", ");
        return Err(Error::usage(format!("--layers: there is no layer “{l}”"), format!("--layers:没有图层“{l}”"))
            .remedy(format!("the layers are: {all}"), format!("可选图层:{all}")));
    }
    Ok(o)
}

fn out_crs(o: &ScreenOptions) -> Result<ResolvedCrs> {
    let crs = named_crs("--out-crs", &o.out_crs)?;
    Format::of(&o.output)?.takes(&layer_crs(&crs)).map_err(|e| e.in_file(&o.output))?;
    Ok(crs)
}

fn layer_crs(crs: &ResolvedCrs) -> Crs {
    Crs { definition: crs.definition.clone(), code: crs.code.clone(), name: crs.name.clone() }
}

/// Claims every output before the work begins: a name that is taken, or a folder that cannot be written to, is said
/// at once.
fn claim(o: &ScreenOptions) -> Result<Staging> {
    let first = companion(&o.output, ".manifest.json");
    let mut staging = Staging::beside(&first, o.overwrite)?;
    if Format::of(&o.output)? != Format::PostGis {
        staging.claim(&o.output)?;
    }
    for suffix in outputs::suffixes(o) {
        staging.claim(&companion(&o.output, suffix))?;
    }
    Ok(staging)
}

fn parameters(o: &ScreenOptions) -> Json {
    json!({
        "rivers": o.rivers.iter().map(|s| without_password(s)).collect::<Vec<_>>(),
        "sites": o.sites.iter().map(|s| without_password(s)).collect::<Vec<_>>(),
        "zones": o.zones.iter().map(|s| without_password(s)).collect::<Vec<_>>(),
        "distance_m": o.distances,
        "metric": o.metric,
        "outlet": o.outlet,
        "bridge_m": o.bridge_m,
        "fields": o.naming.fields.iter().map(|(r, f)| (r.as_str(), f)).collect::<std::collections::BTreeMap<_, _>>(),
        "kinds": o.naming.kinds,
        "score": o.score,
        "layers": o.layers,
        "lists": o.lists,
        "out_crs": o.out_crs,
        "out_encoding": o.out_encoding,
        "output": without_password(&o.output.to_string_lossy()),
        "crs": o.input.crs,
        "encoding": o.input.read.encoding,
        "strict": o.strict,
        "lang": if o.lang == Lang::Zh { "zh" } else { "en" },
    })
}

fn open_sites(o: &ScreenOptions, p: &dyn Progress, notes: &mut Notes) -> Result<Vec<SiteSource>> {
    p.step(&Text::new("reading", "读取数据"), None);
    let mut out = Vec::new();
    for n in &o.sites {
        p.check()?;
        out.push(SiteSource::open(n, o, notes)?);
    }
    Ok(out)
}

fn prepare(
    o: &ScreenOptions,
    sources: &[SiteSource],
    p: &dyn Progress,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<Prepared> {
    let all = |names: &[String], notes: &mut Notes| -> Result<Vec<Input>> {
        let mut out = Vec::new();
        for n in names {
            p.check()?;
            let input = read(n, &o.input, &mut notes.warnings)?;
            p.advance(input.layer.features.len() as u64);
            notes.skipped.extend(input.layer.skipped.iter().cloned());
            out.push(input);
        }
        Ok(out)
    };
    let (river_inputs, zone_inputs) = (all(&o.rivers, notes)?, all(&o.zones, notes)?);
    let infos = river_inputs.iter().chain(&zone_inputs).map(|i| &i.layer.info);
    named_fields(&o.naming, infos.chain(sources.iter().map(|s| &s.info)))?;
    let target = planar_crs(o, sources)?;
    p.step(&Text::new("preparing", "坐标转换与检查"), None);
    let rivers = prepare_rivers(o, &river_inputs, target.as_ref(), notes, manifest)?;
    p.check()?;
    let mut zones = Vec::new();
    for input in &zone_inputs {
        let way = input.way(target.as_ref(), &mut notes.warnings)?;
        manifest.input("zones", input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(shapes.skipped.iter().cloned());
        notes.warnings.extend(shapes.warnings.iter().cloned());
        zones.extend(zones::zones(&input.layer, shapes, &o.naming.fields));
    }
    let metric_crs = match target {
        Some(t) => t,
        None => named_crs("CRS", "EPSG:4490")?,
    };
    Ok(Prepared { rivers, zones, metric_crs })
}

fn prepare_rivers(
    o: &ScreenOptions,
    inputs: &[Input],
    target: Option<&ResolvedCrs>,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<Vec<RiverLine>> {
    let mut out = Vec::new();
    for input in inputs {
        let way = input.way(target, &mut notes.warnings)?;
        manifest.input("rivers", input, way.pipeline())?;
        let shapes = courses(&input.layer, &way)?;
        let (lines, warnings) = rivers::rivers(&input.layer, &shapes, &o.naming.fields);
        out.extend(lines);
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(shapes.skipped);
        notes.warnings.extend(shapes.warnings);
        notes.warnings.extend(warnings);
    }
    Ok(out)
}

/// The CRS planar distances are measured in: that of the first layer of sites, which must be projected.
fn planar_crs(o: &ScreenOptions, sites: &[SiteSource]) -> Result<Option<ResolvedCrs>> {
    if o.metric == Metric::Geodesic {
        return Ok(None);
    }
    match sites.first() {
        Some(i) if !i.crs.geographic && (i.crs.unit_to_si - 1.0).abs() < 1e-12 => Ok(Some(i.crs.clone())),
        Some(i) => Err(Error::usage(
            format!("--metric planar measures in the sites' projected CRS in metres; they are in {}", i.crs.label()),
            format!("--metric planar 在图斑的投影坐标系(米)中量测;现为 {}", i.crs.label()),
        )
        .in_file(&i.name.path)
        .remedy(
            "use --metric geodesic, or bring the sites to a projected CRS",
            "请用 --metric geodesic,或先将图斑转为投影坐标",
        )),
        None => Ok(None),
    }
}

fn no_site(sources: &[SiteSource]) -> Error {
    let e = Error::input("there is no usable site", "没有可用的图斑");
    let e = sources.first().map_or(e.clone(), |s| s.place(e));
    e.remedy("heshan check FILE lists what is wrong with each feature", "用 heshan check 文件 查看每个要素的问题")
}

fn network(o: &ScreenOptions, p: &Prepared, progress: &dyn Progress) -> Result<Network> {
    progress.step(&Text::new("joining rivers", "拼接河网"), None);
    let direction = match o.outlet {
        None => Direction::Digitised,
        Some([x, y]) => {
            let lonlat = geo::Geometry::Point(geo::Point(Coord { x, y }));
            let way = Way::over(&named_crs("CRS", "EPSG:4490")?, Some(&p.metric_crs), None)?;
            match way.runner()?.run(&lonlat)? {
                geo::Geometry::Point(at) => Direction::Outlet(at.0),
                _ => Direction::Digitised,
            }
        }
    };
    let options = NetworkOptions { metric: o.metric, bridge_m: o.bridge_m, direction, ..NetworkOptions::default() };
    Network::build(&p.rivers, &options).map_err(|e| {
        Error::input(format!("the rivers cannot be used: {e}"), format!("河流数据无法使用:{e}"))
            .remedy("give lines or water polygons with coordinates to --rivers", "请为 --rivers 提供含坐标的线或面")
    })
}

fn write_options(o: &ScreenOptions) -> WriteOptions {
    WriteOptions { overwrite: o.overwrite, encoding: o.out_encoding.clone(), lang: o.lang, timestamp: Some(o.time) }
}
