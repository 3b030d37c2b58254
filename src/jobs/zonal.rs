//! `zonal`: statistics of rasters inside zones, by exact shares of pixels.

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::{Manifest, companion};
use super::series::write_units;
use super::stack::{Stack, StackOptions};
use super::trend::finish;
use super::view::on_grid;
use super::zones::{ZoneLayer, over};
pub use crate::analysis::zonal::ZonalOptions;
use crate::analysis::zonal::{Zonal, ZonalStatistics, ZonalValues};
use crate::error::{Error, Lang, Result, Text};
use crate::model::Progress;
use crate::read::raster::open;
use crate::report::series::{ZonalColumns, ZonalRow, zonal as zonal_table};
use crate::write::Staging;

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ZonalJob {
    /// Rasters on one grid.
    pub stack: StackOptions,
    /// Zones.
    pub zones: String,
    /// How zones are read.
    pub input: InputOptions,
    /// What is computed.
    pub zonal: ZonalOptions,
    /// A raster of weights on the same grid (its first band).
    pub weights: Option<PathBuf>,
    /// A table or layer: one row a zone and raster.
    pub output: PathBuf,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct ZonalSummary {
    /// Zones that were used.
    pub zones: usize,
    /// Rasters.
    pub rasters: usize,
    /// Zones wholly outside the rasters.
    pub outside: usize,
    /// Rows (zone and raster) of which nothing was observed, those outside among them.
    pub unobserved: usize,
    /// Rows of which only a part was observed.
    pub partly: usize,
    /// What was inferred.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Computes the statistics.
///
/// # Errors
/// `Usage` for options that do not fit; `Input` where rasters or zones cannot be read, differ in their grids, or no zone lies
/// over the rasters; `Output` where the table cannot be written.
pub fn run(o: &ZonalJob, progress: &dyn Progress) -> Result<ZonalSummary> {
    let started = Instant::now();
    if let Some(q) = o.zonal.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        return Err(Error::usage(
            format!("a quantile lies between 0 and 1, not {q}"),
            format!("分位数须在 0 与 1 之间,不是 {q}"),
        ));
    }
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let files = vec![o.output.clone(), companion(&o.output, ".manifest.json")];
    staging.claim(&files[1])?;
    let mut notes = Notes::default();
    progress.step(&Text::new("reading", "读取数据"), None);
    let stack = Stack::open_any_date(&o.stack, &mut notes)?;
    let mut manifest = Manifest::new("zonal", o.time, parameters(o));
    let digests = stack.digesting();
    let zones = ZoneLayer::open(&o.zones, &o.input, &stack, &mut notes, &mut manifest)?;
    let weights = o.weights.as_ref().map(|p| open(p).map(|r| (p, r))).transpose()?;
    if let Some((path, r)) = &weights {
        if !on_grid(&r.info().grid, &stack.grid) {
            return Err(
                Error::input("the weights lie on another grid than the rasters", "权重与栅格的网格不同").in_file(path)
            );
        }
        manifest.file("weights", path)?;
    }
    let weight = weights.as_ref().map(|w| w.1.as_ref());
    let zonal = over(&stack, &zones.polygons(), weight, o.zonal.clone(), progress)?;
    manifest.stack(&stack, digests)?;
    let layer = &zones.input.layer;
    let (rows, mut summary) = rows(o, &zonal, &zones, &stack);
    if summary.outside == summary.zones {
        return Err(nowhere(summary.zones).in_file(&layer.info.source));
    }
    progress.step(&Text::new("writing", "写出成果"), None);
    manifest.count("zones", json!({"used": summary.zones, "outside": summary.outside}));
    manifest.count("rows", json!({"unobserved": summary.unobserved, "partly_observed": summary.partly}));
    let columns = ZonalColumns {
        quantiles: o.zonal.quantiles.clone(),
        mode: o.zonal.mode,
        thresholds: o.zonal.thresholds.clone(),
        weighted: o.weights.is_some(),
    };
    let table = zonal_table(rows, &layer.info.schema.fields, &columns, stack.grid.crs.clone());
    write_units(&mut staging, &o.output, table, o.overwrite, o.lang, o.time, &mut notes)?;
    summary.files = finish(staging, &manifest, &notes, &files, started, progress)?;
    summary.notes = notes;
    Ok(summary)
}

/// One row a zone and raster, and how they fared.
fn rows(o: &ZonalJob, zonal: &Zonal, zones: &ZoneLayer, stack: &Stack) -> (Vec<ZonalRow>, ZonalSummary) {
    let layer = &zones.input.layer;
    let mut summary = ZonalSummary {
        zones: zones.shapes.len(),
        rasters: stack.len(),
        outside: 0,
        unobserved: 0,
        partly: 0,
        notes: Notes::default(),
        files: Vec::new(),
    };
    let mut rows = Vec::new();
    for (z, (at, shape)) in zones.shapes.iter().enumerate() {
        let f = &layer.features[*at];
        for i in 0..stack.len() {
            let s = zonal.statistics(z, i);
            summary.outside += usize::from(i == 0 && s.covered == 0.0);
            summary.unobserved += usize::from(s.values.is_none());
            summary.partly += usize::from(s.values.is_some() && s.observed_share < 1.0 - 1e-6);
            rows.push(ZonalRow {
                unit: f.fid.to_string(),
                attributes: f.values.clone(),
                shape: Some(shape.clone()),
                raster: stack.name(i).to_owned(),
                date: stack.known_date(i),
                area: [s.area, s.covered, s.count, s.observed_share],
                values: s.values.as_ref().map(|v| [v.mean, v.sum, v.stdev, v.variance, v.min, v.max]),
                more: more(o, &s),
            });
        }
    }
    (rows, summary)
}

/// The columns beyond the fixed ones.
fn more(o: &ZonalJob, s: &ZonalStatistics) -> Vec<Option<f64>> {
    let v: Option<&ZonalValues> = s.values.as_ref();
    let mut out = Vec::new();
    if o.zonal.mode {
        out.push(v.and_then(|v| v.mode));
    }
    out.extend((0..o.zonal.quantiles.len()).map(|i| v.and_then(|v| v.quantiles.get(i).copied())));
    out.extend((0..o.zonal.thresholds.len()).map(|i| v.and_then(|v| v.above.get(i).copied())));
    if o.weights.is_some() {
        let w = v.and_then(|v| v.weighted);
        out.extend([w.map(|w| w.mean), w.map(|w| w.sum), w.map(|w| w.variance.sqrt())]);
    }
    out
}

fn nowhere(n: usize) -> Error {
    Error::input(format!("none of the {n} zones lies over the rasters"), format!("{n} 个分区都不在栅格范围内"))
        .remedy("check the CRS of both: heshan check FILE", "请检查两者的坐标系:heshan check 文件")
}

fn parameters(o: &ZonalJob) -> serde_json::Value {
    json!({
        "inputs": o.stack.inputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
        "zones": o.zones, "band": o.stack.band + 1, "scale": o.stack.scale,
        "quantiles": o.zonal.quantiles, "mode": o.zonal.mode, "above": o.zonal.thresholds,
        "weights": o.weights.as_ref().map(|p| p.display().to_string()),
        "output": o.output.display().to_string(),
    })
}
