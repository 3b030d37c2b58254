//! `ledger add`: a run's findings join the ledger.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use geo::{BoundingRect, Geometry};
use serde_json::Value as Json;

use super::super::Notes;
use super::super::inputs::{Input, InputOptions, read};
use super::super::manifest::companion;
use super::chips::{ChipOptions, chips};
use super::{Condition, Filed, MatchOptions, Origin, Part, dress};
use crate::error::{Error, Result, Text};
use crate::model::{Feature, Finding, IssueKind, LayerInfo, Progress, Reason, Skipped};
use crate::prepare::findings::{FindingMap, FindingReader, clean};
use crate::prepare::shapes::{PolygonReader, Runner, Seen};
use crate::read::digest::digests;
use crate::record::filing::{FilingOptions, file, hash};
use crate::record::{self, Batch, Run, Which};
use crate::space::{area, wkb};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct AddOptions {
    /// Ledger.
    pub ledger: String,
    /// Findings, FILE or FILE#layer.
    pub findings: String,
    /// What made them; by the run manifest where not told.
    pub from: Option<Origin>,
    /// Kind of the issues; that of what made them where not told.
    pub kind: Option<IssueKind>,
    /// Fields by what they say.
    pub fields: Vec<(Part, String)>,
    /// Which rows are findings.
    pub conditions: Vec<Condition>,
    /// Distance of the corridor, metres.
    pub distance_m: Option<f64>,
    /// Manifest of the run; the one beside the findings where not told.
    pub manifest: Option<PathBuf>,
    /// Pictures of their places.
    pub chips: ChipOptions,
    /// The day the events count for.
    pub date: NaiveDate,
    /// Who adds them.
    pub who: String,
    /// When two places are the same.
    pub matching: MatchOptions,
    /// How the layer is read.
    pub input: InputOptions,
    /// Refuse where a feature needs repair or cannot be used.
    pub strict: bool,
    /// Say what would happen, and write nothing.
    pub dry_run: bool,
    /// The time of the run.
    pub time: DateTime<Utc>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct AddSummary {
    /// Kind of the issues.
    pub kind: IssueKind,
    /// What made the findings.
    pub from: Origin,
    /// Id of the run.
    pub run_id: String,
    /// Rows of the layer.
    pub rows: usize,
    /// Rows that are findings.
    pub findings: usize,
    /// What became of them.
    pub filed: Filed,
    /// What was inferred, mended or set aside.
    pub notes: Notes,
}

/// A run as its manifest tells it.
struct Told {
    run_id: String,
    verb: String,
    input_hash: String,
    text: String,
}

/// Adds findings to the ledger, in one transaction.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where findings, manifest or chips cannot be read or used; `Output` where
/// the ledger cannot be written. The ledger is then as it was.
pub fn run(o: &AddOptions, progress: &dyn Progress) -> Result<AddSummary> {
    o.matching.check()?;
    let mut store = record::open(&o.ledger)?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let mut input = read(&o.findings, &o.input, &mut notes.warnings)?;
    let told = manifest(o, &input, &mut notes)?;
    let layer = &input.layer.info.name;
    let from = o.from.unwrap_or_else(|| told.as_ref().map_or(Origin::Fields, |t| Origin::of(&t.verb, layer)));
    let map = FindingMap {
        origin: from,
        kind: o.kind,
        fields: o.fields.iter().cloned().collect(),
        conditions: o.conditions.clone(),
        distance_m: o.distance_m,
    };
    let rows = input.layer.features.len();
    let info = input.layer.info.clone();
    let reader = FindingReader::new(&info, &map)?;
    let mut findings = taken(o, &mut input, &info, &reader, &mut notes)?;
    progress.check()?;
    let told = match told {
        Some(t) => t,
        None => from_contents(&input, &findings)?,
    };
    for (f, shape) in &mut findings {
        f.evidence.run_id.clone_from(&told.run_id);
        f.evidence.input_hash.clone_from(&told.input_hash);
        f.key = hash(["finding".into(), told.run_id.clone(), f.kind.as_str().into(), id_of(f), hex(shape)]);
    }
    if o.strict {
        notes.refuse()?;
    }
    let mut findings: Vec<Finding> = findings.into_iter().map(|(f, _)| f).collect();
    chips(&o.chips, &mut findings, &mut notes.warnings, progress)?;
    let count = findings.len();
    let filed = write(o, store.as_mut(), findings, reader.kind(), &told)?;
    if !o.dry_run {
        dress(store.as_mut(), o.time)?;
    }
    Ok(AddSummary { kind: reader.kind(), from, run_id: told.run_id, rows, findings: count, filed, notes })
}

fn write(
    o: &AddOptions,
    store: &mut dyn record::IssueStore,
    findings: Vec<Finding>,
    kind: IssueKind,
    told: &Told,
) -> Result<Filed> {
    let keys: Vec<String> = findings.iter().map(|f| f.key.clone()).collect();
    let why = match told.verb.as_str() {
        "" => format!("run {}", told.run_id),
        verb => format!("{verb}, run {}", told.run_id),
    };
    let options = FilingOptions { date: o.date, recorded: o.time, who: clean(&o.who), why, matching: o.matching };
    let mut done = None;
    store.write(&mut |ledger| {
        let (mut batch, filed) =
            file(findings.clone(), ledger.issues(&Which::Kind(kind))?, &ledger.known(&keys)?, &options)?;
        if !batch.events.is_empty() {
            let (run_id, verb, manifest) = (told.run_id.clone(), told.verb.clone(), told.text.clone());
            batch.run = Some(Run { run_id, verb, manifest, added: o.time });
        }
        done = Some(filed);
        Ok(if o.dry_run { Batch::default() } else { batch })
    })?;
    Ok(done.unwrap_or_default())
}

/// The features that are findings, with the WKB of their shape as the layer holds it.
fn taken(
    o: &AddOptions,
    input: &mut Input,
    info: &LayerInfo,
    reader: &FindingReader<'_>,
    notes: &mut Notes,
) -> Result<Vec<(Finding, Vec<u8>)>> {
    let way = input.way(None, &mut notes.warnings)?;
    let runner = way.runner();
    let polygons = PolygonReader::new(info, &way, info.extent);
    let (mut seen, mut areas) = (Seen::default(), false);
    let mut out = Vec::new();
    notes.skipped.append(&mut input.layer.skipped);
    for f in &mut input.layer.features {
        if !reader.takes(f) {
            continue;
        }
        let shape = f.geometry.as_ref().map(wkb::write).unwrap_or_default();
        let (place, area_m2) = if is_area(f) {
            areas = true;
            let t = polygons.take(f, &runner)?;
            seen.add(&t);
            notes.skipped.extend(t.notes);
            notes.fallbacks += u64::from(t.via_geos);
            let Some(m) = t.shape else { continue };
            let area = area::ellipsoidal(&m).0;
            (Geometry::MultiPolygon(m), Some(area))
        } else {
            match point_or_line(f, info, &runner)? {
                Ok(g) => (g, None),
                Err(why) => {
                    notes.skipped.push(why);
                    continue;
                }
            }
        };
        let (finding, remarks) = reader.finding(f, place, area_m2, o.date);
        notes.skipped.extend(remarks);
        out.push((finding, shape));
    }
    if areas {
        notes.warnings.extend(polygons.verdict(&seen)?);
    }
    Ok(out)
}

fn is_area(f: &Feature) -> bool {
    use Geometry::{GeometryCollection, MultiPolygon, Polygon, Rect, Triangle};
    matches!(f.geometry, Some(Polygon(_) | MultiPolygon(_) | Rect(_) | Triangle(_) | GeometryCollection(_)))
}

fn point_or_line(
    f: &mut Feature,
    info: &LayerInfo,
    runner: &Result<Runner>,
) -> Result<std::result::Result<Geometry<f64>, Skipped>> {
    let skip = |code: &'static str, en: String, zh: String| Skipped {
        file: info.source.clone(),
        layer: info.name.clone(),
        fid: f.fid,
        id: None,
        reason: Reason { code, text: Text::new(en, zh) },
        repaired: false,
    };
    let Some(g) = f.geometry.take() else {
        return Ok(Err(skip("null_geometry", "the feature has no geometry".into(), "要素没有几何".into())));
    };
    let g = match runner.as_ref().map_err(Clone::clone)?.run_owned(g) {
        Ok(g) => g,
        Err(e) => return Ok(Err(skip("not_transformable", e.what.en.clone(), e.what.zh.clone()))),
    };
    let Some(b) = g.bounding_rect() else {
        return Ok(Err(skip("empty_geometry", "the geometry is empty".into(), "几何为空".into())));
    };
    let (lo, hi) = (b.min(), b.max());
    if !(lo.x >= -180.0 && hi.x <= 180.0 && lo.y >= -90.0 && hi.y <= 90.0) {
        let (en, zh) =
            (format!("({}, {}) is not on the earth", lo.x, lo.y), format!("({}, {}) 不在地球上", lo.x, lo.y));
        return Ok(Err(skip("coordinates_unfit", en, zh)));
    }
    Ok(Ok(g))
}

/// The manifest as told, or the one that lies beside the findings and names them.
fn manifest(o: &AddOptions, input: &Input, notes: &mut Notes) -> Result<Option<Told>> {
    let file = &input.source.path;
    let beside = companion(file, ".manifest.json");
    let (path, named) = match &o.manifest {
        Some(p) => (p.clone(), true),
        None if beside.is_file() => (beside, false),
        None => return Ok(None),
    };
    let bad = |why: &str| {
        Error::input(format!("this is no run manifest: {why}"), format!("不是运行记录:{why}"))
            .in_file(&path)
            .remedy("give the *.manifest.json that lies beside the findings", "请给出与成果同处的 *.manifest.json")
    };
    let text = std::fs::read_to_string(&path).map_err(|e| bad(&e.to_string()))?;
    let mut json: Json = serde_json::from_str(&text).map_err(|e| bad(&e.to_string()))?;
    let Some(keys) = json.as_object_mut().filter(|k| k.contains_key("verb")) else { return Err(bad("verb")) };
    // two runs that differ in these alone are the same run
    for timed in ["started", "duration_s"] {
        keys.remove(timed);
    }
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let outputs = json["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !outputs.iter().any(|n| n.as_str() == Some(&name)) && !input.source.is_database() {
        if !named {
            return Ok(None);
        }
        notes.warnings.push(Text::new(
            format!("{} does not name {name} among its outputs", path.display()),
            format!("{} 的输出中没有 {name}", path.display()),
        ));
    }
    let sums: Vec<String> = json["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|i| i["files"].as_array().into_iter().flatten())
        .filter_map(|f| f["sha256"].as_str().map(str::to_owned))
        .collect();
    let verb = json["verb"].as_str().unwrap_or_default().to_owned();
    let run_id = hash(["run".into(), json.to_string()])[..16].to_owned();
    Ok(Some(Told { run_id, verb, input_hash: hash(sums), text }))
}

/// A run without a manifest is what it found.
fn from_contents(input: &Input, findings: &[(Finding, Vec<u8>)]) -> Result<Told> {
    let mut all: Vec<String> = findings.iter().map(|(f, shape)| f.facts.clone() + &hex(shape)).collect();
    all.sort();
    let sums: Vec<String> = digests(&input.source.path)?.into_iter().map(|d| d.sha256).collect();
    let run_id = hash(["contents".into(), input.layer.info.name.clone(), hash(all)])[..16].to_owned();
    Ok(Told { run_id, verb: String::new(), input_hash: hash(sums), text: String::new() })
}

fn id_of(f: &Finding) -> String {
    f.object_id.clone().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
