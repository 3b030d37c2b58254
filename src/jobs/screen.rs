//! `screen`: sites against the river corridor.

mod answers;
mod layers;

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
use crate::model::{Crs, Kind, Progress, RiverLine, Site, Table, Zone};
use crate::prepare::crs::ResolvedCrs;
use crate::prepare::names::{parse_field, parse_kind};
use crate::prepare::shapes::{Way, courses, polygons};
use crate::prepare::sites::{Naming, duplicates};
use crate::prepare::{rivers, sites, zones};
pub use crate::space::frame::Metric;
use crate::units::SquareMetres;
use crate::write::vector::{Format, WriteOptions, write_staged};
use crate::write::{Staging, table, text, xlsx};

/// Widest corridor in metres: beyond it a site's plane is no longer true to a millimetre.
pub const WIDEST_M: f64 = 50_000.0;

/// Layers of the output, in order.
pub const LAYERS: [&str; 7] = ["sites", "clipped", "corridor", "rivers", "summary", "zones", "skipped"];

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

/// Everything read and prepared.
struct Prepared {
    rivers: Vec<RiverLine>,
    sites: Vec<(usize, Site)>,
    zones: Vec<Zone>,
    site_inputs: Vec<Input>,
    metric_crs: ResolvedCrs,
}

/// Screens sites against the corridor and writes layers, lists and the manifest.
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
    let prepared = prepare(o, progress, &mut notes, &mut manifest)?;
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
    let clip = o.layers.is_empty() || o.layers.iter().any(|l| l == "clipped");
    let work = answers::Work { o, net: &net, zones: zones.as_ref(), outward: &outward, clip };
    let rows = work.screen(&prepared.sites, &prepared.site_inputs, &mut notes, progress)?;
    let crs = layer_crs(&out_crs);
    let tables = layers::tables(&work, &prepared, &rows, &crs, &mut notes, progress)?;
    progress.check()?;
    progress.step(&Text::new("writing", "写出成果"), None);
    manifest.count("rivers", net.rivers.len());
    manifest.count("river_segments", net.segments.len());
    manifest.count("sites", rows.len());
    manifest.count("zones", prepared.zones.len());
    write(o, &mut staging, &tables, &mut notes)?;
    let planned = planned(o, &tables);
    let manifest = manifest.text(&notes, &planned, clock.elapsed());
    text::write_staged(&mut staging, &companion(&o.output, ".manifest.json"), &manifest)?;
    progress.check()?;
    let files = staging.commit()?;
    Ok(ScreenSummary {
        sites: rows.len(),
        relations: layers::relations(&rows, &o.distances),
        by_kind: layers::by_kind(&rows),
        in_zones: rows.iter().filter(|r| r.zones.first().is_some_and(|z| z.overlap.0 > 0.0)).count(),
        rivers: net.rivers.len(),
        summary: layers::pick(&tables, "summary"),
        notes,
        files,
        manifest,
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
    if Format::of(&o.output)?.only_lonlat() && !crs.geographic {
        return Err(Error::usage(
            format!("this format holds longitude and latitude alone, not {}", crs.label()),
            format!("该格式只能存经纬度,不能用 {}", crs.label()),
        )
        .in_file(&o.output)
        .remedy("leave out --out-crs, or write .gpkg", "请去掉 --out-crs,或输出 .gpkg"));
    }
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
    for suffix in [".manifest.json", "_summary.csv", ".xlsx"] {
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
        "out_crs": o.out_crs,
        "out_encoding": o.out_encoding,
        "output": without_password(&o.output.to_string_lossy()),
        "crs": o.input.crs,
        "encoding": o.input.read.encoding,
        "strict": o.strict,
        "lang": if o.lang == Lang::Zh { "zh" } else { "en" },
    })
}

fn prepare(o: &ScreenOptions, p: &dyn Progress, notes: &mut Notes, manifest: &mut Manifest) -> Result<Prepared> {
    p.step(&Text::new("reading", "读取数据"), None);
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
    let (river_inputs, site_inputs) = (all(&o.rivers, notes)?, all(&o.sites, notes)?);
    let zone_inputs = all(&o.zones, notes)?;
    named_fields(&o.naming, river_inputs.iter().chain(&site_inputs).chain(&zone_inputs).map(|i| &i.layer.info))?;
    let target = planar_crs(o, &site_inputs)?;
    p.step(&Text::new("preparing", "坐标转换与检查"), None);
    let rivers = prepare_rivers(o, &river_inputs, target.as_ref(), notes, manifest)?;
    p.check()?;
    let mut sites = Vec::new();
    for (k, input) in site_inputs.iter().enumerate() {
        let way = input.way(target.as_ref(), &mut notes.warnings)?;
        manifest.input("sites", input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.fallbacks += shapes.via_geos;
        let (found, skipped, warnings) = sites::sites(&input.layer, shapes, &o.naming);
        sites.extend(found.into_iter().map(|s| (k, s)));
        notes.skipped.extend(skipped);
        sites::identify(&input.layer, &o.naming, &mut notes.skipped);
        notes.warnings.extend(warnings);
        p.check()?;
    }
    notes.skipped.extend(duplicates(&site_inputs.iter().map(|i| (&i.layer, &o.naming)).collect::<Vec<_>>()));
    if sites.is_empty() {
        return Err(no_site(&site_inputs));
    }
    let mut all_zones = Vec::new();
    for input in &zone_inputs {
        let way = input.way(target.as_ref(), &mut notes.warnings)?;
        manifest.input("zones", input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(shapes.skipped.iter().cloned());
        notes.warnings.extend(shapes.warnings.iter().cloned());
        all_zones.extend(zones::zones(&input.layer, shapes, &o.naming.fields));
    }
    let metric_crs = match target {
        Some(t) => t,
        None => named_crs("CRS", "EPSG:4490")?,
    };
    Ok(Prepared { rivers, sites, zones: all_zones, site_inputs, metric_crs })
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
fn planar_crs(o: &ScreenOptions, sites: &[Input]) -> Result<Option<ResolvedCrs>> {
    if o.metric == Metric::Geodesic {
        return Ok(None);
    }
    match sites.first() {
        Some(i) if !i.crs.geographic && (i.crs.unit_to_si - 1.0).abs() < 1e-12 => Ok(Some(i.crs.clone())),
        Some(i) => Err(Error::usage(
            format!("--metric planar measures in the sites' projected CRS in metres; they are in {}", i.crs.label()),
            format!("--metric planar 在图斑的投影坐标系(米)中量测;现为 {}", i.crs.label()),
        )
        .in_file(&i.source.path)
        .remedy(
            "use --metric geodesic, or bring the sites to a projected CRS",
            "请用 --metric geodesic,或先将图斑转为投影坐标",
        )),
        None => Ok(None),
    }
}

fn no_site(inputs: &[Input]) -> Error {
    let e = Error::input("there is no usable site", "没有可用的图斑");
    let e = match inputs.first() {
        Some(i) => e.in_file(&i.source.path).in_layer(&i.layer.info.name),
        None => e,
    };
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

/// The layers of the main output and the lists beside it.
fn write(o: &ScreenOptions, staging: &mut Staging, tables: &[Table], notes: &mut Notes) -> Result<()> {
    let options = write_options(o);
    let wanted: Vec<Table> = chosen(o, tables);
    let written = write_staged(staging, &o.output, &wanted, &options)?;
    notes.warnings.extend(written.notes());
    let lists: Vec<Table> = ["summary", "sites", "zones", "skipped"]
        .iter()
        .filter_map(|n| tables.iter().find(|t| t.name == *n).cloned())
        .collect();
    if let Some(summary) = lists.first() {
        table::write_list(staging, &companion(&o.output, "_summary.csv"), summary, o.lang)?;
    }
    if Format::of(&o.output)? != Format::Xlsx {
        xlsx::write_staged(staging, &companion(&o.output, ".xlsx"), &lists, &options)?;
    }
    Ok(())
}

fn chosen(o: &ScreenOptions, tables: &[Table]) -> Vec<Table> {
    tables.iter().filter(|t| o.layers.is_empty() || o.layers.contains(&t.name)).cloned().collect()
}

/// The files of a run, as the manifest names them.
fn planned(o: &ScreenOptions, tables: &[Table]) -> Vec<PathBuf> {
    let mut out = vec![o.output.clone()];
    let single = Format::of(&o.output).is_ok_and(|f| !f.holds_all_layers());
    if single {
        let wanted = chosen(o, tables);
        out.extend((1..wanted.len()).map(|i| crate::write::vector::layer_path(&o.output, &wanted, i)));
    }
    out.extend(["_summary.csv", ".xlsx", ".manifest.json"].map(|s| companion(&o.output, s)));
    out.dedup();
    out
}
