//! `check`: what a layer holds, and every fault of its geometries; on request a mended copy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use geo::{BoundingRect, Geometry, MultiPolygon};
use rayon::prelude::*;

use super::Notes;
use super::inputs::{InputOptions, about, named_fields, typed_crs};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Column, Feature, Field, Layer, LayerInfo, Progress, Reason, Shape, Skipped, Table, Value};
use crate::prepare::crs::{ResolvedCrs, check_features, resolve_layer};
use crate::prepare::shapes::{Mended, mend};
use crate::prepare::sites::{Naming, duplicates};
use crate::read::vector::{SourceName, layer, layers};
use crate::space::validity;
use crate::write::vector::{WriteOptions, write};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckOptions {
    /// Files, or `FILE#layer`; all layers of a file where none is named.
    pub files: Vec<String>,
    /// Where to write the mended features of the one layer given.
    pub repair: Option<PathBuf>,
    /// How inputs are read.
    pub input: InputOptions,
    /// Fields and words.
    pub naming: Naming,
    /// Replace the output if it exists.
    pub overwrite: bool,
    /// Encoding of a shapefile's attributes.
    pub out_encoding: Option<String>,
    /// Language of titles.
    pub lang: Lang,
    /// The time that the output carries.
    pub time: DateTime<Utc>,
}

/// One fault of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Feature id.
    pub fid: i64,
    /// Identifier, where the layer has one.
    pub id: Option<String>,
    /// Code of the reason.
    pub code: &'static str,
    /// The reason in words.
    pub text: Text,
    /// Where, in the layer's coordinates.
    pub at: Option<[f64; 2]>,
}

/// What is known of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerCheck {
    /// File, name, fields, format, encoding.
    pub info: LayerInfo,
    /// The CRS; `None` where the layer has none.
    pub crs: Option<ResolvedCrs>,
    /// Features.
    pub count: usize,
    /// Features by type of geometry.
    pub types: BTreeMap<&'static str, usize>,
    /// West/left, south/bottom, east/right, north/top in the layer's coordinates.
    pub bounds: Option<[f64; 4]>,
    /// All faults, in the order of features.
    pub faults: Vec<Finding>,
    /// Features that no analysis could use: null, empty, not to be mended, coordinates that do not fit.
    pub unusable: usize,
    /// Features that would be mended.
    pub repairable: usize,
    /// What the user must know.
    pub warnings: Vec<Text>,
}

impl LayerCheck {
    /// Faults by reason: code, words, number of faults, number of features, first feature.
    pub fn by_reason(&self) -> Vec<(&'static str, Text, usize, usize, i64)> {
        let mut by: BTreeMap<&'static str, (Text, usize, Vec<i64>)> = BTreeMap::new();
        for f in &self.faults {
            let e = by.entry(f.code).or_insert_with(|| (f.text.clone(), 0, Vec::new()));
            e.1 += 1;
            if e.2.last() != Some(&f.fid) {
                e.2.push(f.fid);
            }
        }
        by.into_iter().map(|(c, (t, n, f))| (c, t, n, f.len(), f.first().copied().unwrap_or(0))).collect()
    }
}

/// What [`run`] found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckReport {
    /// One entry a layer.
    pub layers: Vec<LayerCheck>,
    /// The mended layer's files.
    pub files: Vec<PathBuf>,
    /// Features mended and left out in it.
    pub notes: Notes,
}

/// Checks layers; writes a mended copy of one where asked for.
///
/// # Errors
/// `Input` where a file cannot be read; `Usage` where several layers are to be mended into one; `Output` where the
/// mended layer cannot be written.
pub fn run(o: &CheckOptions, progress: &dyn Progress) -> Result<CheckReport> {
    let mut names = Vec::new();
    for f in &o.files {
        let name = SourceName::parse(f);
        match name.layer {
            Some(_) => names.push(name),
            None => names.extend(
                layers(&name, &o.input.read)?
                    .into_iter()
                    .map(|l| SourceName { path: name.path.clone(), layer: Some(l.name) }),
            ),
        }
    }
    if o.repair.is_some() && names.len() != 1 {
        let list: Vec<String> = names.iter().filter_map(|n| n.layer.clone()).collect();
        return Err(Error::usage("--repair mends one layer", "--repair 每次修复一个图层").remedy(
            format!("name one as FILE#layer; there are: {}", list.join(", ")),
            format!("请用 文件#图层 指明其一;现有:{}", list.join(", ")),
        ));
    }
    let mut report = CheckReport::default();
    for name in &names {
        progress.check()?;
        progress.step(
            &Text::new(format!("checking {}", name.path.display()), format!("检查 {}", name.path.display())),
            None,
        );
        let layer = layer(name, &o.input.read)?;
        report.layers.push(check(&layer, o)?);
        if report.layers.len() == names.len() {
            named_fields(&o.naming, report.layers.iter().map(|l| &l.info))?;
        }
        if let Some(out) = &o.repair {
            let (table, notes) = mended(&layer, o)?;
            let options = WriteOptions {
                overwrite: o.overwrite,
                encoding: o.out_encoding.clone(),
                lang: o.lang,
                timestamp: Some(o.time),
            };
            progress.check()?;
            let (files, written) = write(out, &[table], &options)?;
            report.files = files;
            report.notes = notes;
            report.notes.warnings.extend(written.notes());
        }
    }
    Ok(report)
}

fn check(layer: &Layer, o: &CheckOptions) -> Result<LayerCheck> {
    let named = o.input.crs.as_ref().map(|t| typed_crs(t));
    let used = layer.info.crs.clone().or(named);
    let mut warnings = Vec::new();
    let crs = match resolve_layer(used.as_ref()) {
        Ok(c) => Some(c),
        Err(e) => {
            warnings.push((*e.what).clone());
            None
        }
    };
    let mut types = BTreeMap::new();
    for f in &layer.features {
        *types.entry(type_name(f.geometry.as_ref())).or_insert(0) += 1;
    }
    let mut faults: Vec<Finding> = layer.features.par_iter().flat_map_iter(feature_faults).collect();
    let bounds: Vec<(i64, [f64; 4])> = layer.features.iter().filter_map(|f| Some((f.fid, bounds(f)?))).collect();
    if let Some(c) = &crs {
        warnings.extend(about(&layer.info.name, &c.notes));
        match check_features(c, &bounds) {
            Ok(r) => {
                warnings.extend(r.warnings);
                faults.extend(r.unfit.into_iter().map(|(fid, why)| finding(fid, why.code, why.text, None)));
            }
            Err(e) => {
                warnings.push((*e.what).clone());
                warnings.push((*e.remedy).clone());
            }
        }
    }
    faults.extend(layer.skipped.iter().map(|s| finding(s.fid, s.reason.code, s.reason.text.clone(), None)));
    for s in duplicates(&[(layer, &o.naming)]) {
        faults.push(Finding { id: s.id, ..finding(s.fid, s.reason.code, s.reason.text, None) });
    }
    faults.sort_by(|a, b| (a.fid, a.code).cmp(&(b.fid, b.code)));
    let (unusable, repairable) = usability(layer, &faults);
    let total =
        bounds.iter().map(|b| b.1).reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
    Ok(LayerCheck {
        info: layer.info.clone(),
        crs,
        count: layer.features.len(),
        types,
        bounds: total,
        faults,
        unusable,
        repairable,
        warnings,
    })
}

fn finding(fid: i64, code: &'static str, text: Text, at: Option<[f64; 2]>) -> Finding {
    Finding { fid, id: None, code, text, at }
}

fn bounds(f: &Feature) -> Option<[f64; 4]> {
    let r = f.geometry.as_ref()?.bounding_rect()?;
    Some([r.min().x, r.min().y, r.max().x, r.max().y])
}

fn type_name(g: Option<&Geometry<f64>>) -> &'static str {
    match g {
        None => "null",
        Some(g) if geo::HasDimensions::is_empty(g) => "empty",
        Some(Geometry::Point(_)) => "point",
        Some(Geometry::MultiPoint(_)) => "multipoint",
        Some(Geometry::Line(_) | Geometry::LineString(_)) => "linestring",
        Some(Geometry::MultiLineString(_)) => "multilinestring",
        Some(Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_)) => "polygon",
        Some(Geometry::MultiPolygon(_)) => "multipolygon",
        Some(Geometry::GeometryCollection(_)) => "geometrycollection",
    }
}

/// The polygons of a geometry, as one.
fn polygons(g: &Geometry<f64>) -> MultiPolygon<f64> {
    match g {
        Geometry::Polygon(p) => MultiPolygon(vec![p.clone()]),
        Geometry::MultiPolygon(m) => m.clone(),
        Geometry::GeometryCollection(c) => MultiPolygon(c.0.iter().flat_map(|g| polygons(g).0).collect()),
        _ => MultiPolygon(Vec::new()),
    }
}

fn feature_faults(f: &Feature) -> Vec<Finding> {
    let Some(g) = &f.geometry else {
        return vec![finding(f.fid, "null_geometry", Text::new("the feature has no geometry", "要素没有几何"), None)];
    };
    if geo::HasDimensions::is_empty(g) {
        return vec![finding(f.fid, "empty_geometry", Text::new("the geometry is empty", "几何为空"), None)];
    }
    validity::faults(&polygons(g))
        .into_iter()
        .map(|x| finding(f.fid, x.reason.code(), x.reason.text(), Some([x.at.x, x.at.y])))
        .collect()
}

fn usability(layer: &Layer, faults: &[Finding]) -> (usize, usize) {
    let unfit: std::collections::BTreeSet<i64> =
        faults.iter().filter(|f| f.code == "coordinates_unfit").map(|f| f.fid).collect();
    let states: Vec<u8> = layer
        .features
        .par_iter()
        .map(|f| match &f.geometry {
            Some(g) if !geo::HasDimensions::is_empty(g) && !unfit.contains(&f.fid) => match mend(&polygons(g)) {
                Mended::Sound => 0,
                Mended::Repaired(..) => 1,
                Mended::Lost(_) => 2,
            },
            _ => 2,
        })
        .collect();
    (states.iter().filter(|s| **s == 2).count(), states.iter().filter(|s| **s == 1).count())
}

/// The layer with its polygons mended; features without usable geometry are left out and listed.
fn mended(layer: &Layer, o: &CheckOptions) -> Result<(Table, Notes)> {
    let named = o.input.crs.as_ref().map(|t| typed_crs(t));
    let crs = layer.info.crs.clone().or(named);
    resolve_layer(crs.as_ref()).map_err(|e| e.in_file(&layer.info.source).in_layer(&layer.info.name))?;
    let mut notes = Notes { skipped: layer.skipped.clone(), ..Notes::default() };
    let mut rows: Vec<(Option<Geometry<f64>>, Vec<Value>)> = Vec::new();
    let mut lines = 0;
    for f in &layer.features {
        let aside = |code, text: Text, repaired| Skipped {
            file: layer.info.source.clone(),
            layer: layer.info.name.clone(),
            fid: f.fid,
            id: None,
            reason: Reason { code, text },
            repaired,
        };
        let Some(g) = f.geometry.as_ref().filter(|g| !geo::HasDimensions::is_empty(*g)) else {
            notes.skipped.push(aside("null_geometry", Text::new("the feature has no geometry", "要素没有几何"), false));
            continue;
        };
        let source = polygons(g);
        if source.0.is_empty() {
            lines += 1;
            rows.push((Some(g.clone()), f.values.clone()));
            continue;
        }
        match mend(&source) {
            Mended::Sound => rows.push((Some(Geometry::MultiPolygon(source)), f.values.clone())),
            Mended::Repaired(m, why, via_geos) => {
                notes.fallbacks += u64::from(via_geos);
                notes.skipped.push(aside(why.code, why.text, true));
                rows.push((Some(Geometry::MultiPolygon(m)), f.values.clone()));
            }
            Mended::Lost(why) => notes.skipped.push(aside(why.code, why.text, false)),
        }
    }
    if lines > 0 {
        return Err(Error::input(
            format!("--repair mends polygons; {lines} feature(s) are lines or points"),
            format!("--repair 只修复面要素;有 {lines} 个线或点要素"),
        )
        .in_file(&layer.info.source)
        .in_layer(&layer.info.name)
        .remedy("give a layer of polygons", "请指定面图层"));
    }
    let columns = layer
        .info
        .schema
        .fields
        .iter()
        .map(|f: &Field| Column { field: f.clone(), title: Text::new(f.name.clone(), f.name.clone()) })
        .collect();
    let name = layer.info.name.clone();
    let table = Table {
        title: Text::new(name.clone(), name.clone()),
        name,
        columns,
        shape: Shape::MultiPolygon,
        crs,
        rows,
        style: None,
    };
    Ok((table, notes))
}
