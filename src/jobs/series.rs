//! Series of pixels, of zones, or of a table.

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use geo::MultiPolygon;
use rayon::prelude::*;

use super::Notes;
use super::inputs::InputOptions;
use super::manifest::Manifest;
use super::stack::{Stack, StackOptions, several_dates};
use super::zones::{ZoneLayer, over};
use crate::analysis::trend::{date_of, day_of};
use crate::analysis::zonal::ZonalOptions;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Crs, Field, Progress, Shape, Table, Value, Window};
use crate::read::series::series_table;
use crate::write::Staging;
use crate::write::vector::{Format, WriteOptions, write_staged};

/// Pixels whose series are put side by side at once: those of a hundred looks stay within a first cache.
const GROUP: usize = 32;

/// Refuses options of `trend` and `monitor` that do not fit: pixels go to a raster, series of zones or a table to a list.
///
/// # Errors
/// `Usage`.
pub(super) fn fit_together(stack: &StackOptions, zones: bool, table: bool, output: &Path) -> Result<()> {
    if table && (zones || !stack.inputs.is_empty()) {
        return Err(Error::usage(
            "--table stands alone, without rasters or zones",
            "--table 须单独使用,不与栅格或分区同用",
        ));
    }
    if !table && stack.inputs.is_empty() {
        return Err(Error::usage("no raster was given", "未给出栅格")
            .remedy("give dated rasters, scenes.json or --table", "请给出带日期的栅格、scenes.json 或 --table"));
    }
    if is_tif(output) != (!zones && !table) {
        return Err(Error::usage(
            "pixels go to a GeoTIFF (.tif); zones and tables to .csv, .xlsx, .gpkg or another layer",
            "像元结果输出为 GeoTIFF(.tif);分区与表格输出为 .csv、.xlsx、.gpkg 等",
        )
        .in_file(output));
    }
    Ok(())
}

/// True where a path names a GeoTIFF.
fn is_tif(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tif") || e.eq_ignore_ascii_case("tiff"))
}

/// Calls `each` with every pixel of a window (its place in it) and its series, NaN where not observed.
///
/// # Errors
/// `Input` with file and block.
pub(super) fn gathered(stack: &Stack, w: Window, mut each: impl FnMut(usize, &[f64])) -> Result<()> {
    let n = stack.len();
    let mut group = vec![0.0f64; GROUP * n];
    let mut done = 0;
    for part in stack.slices(w) {
        let looks = (0..n).map(|i| stack.read(i, part)).collect::<Result<Vec<_>>>()?;
        for from in (0..part.len()).step_by(GROUP) {
            let to = (from + GROUP).min(part.len());
            for (d, look) in looks.iter().enumerate() {
                for (k, v) in look[from..to].iter().enumerate() {
                    group[k * n + d] = f64::from(*v);
                }
            }
            for k in 0..to - from {
                each(done + from + k, &group[k * n..(k + 1) * n]);
            }
        }
        done += part.len();
    }
    Ok(())
}

/// One zone, or one column of a table.
pub(super) struct Unit {
    pub name: String,
    pub attributes: Vec<Value>,
    pub shape: Option<MultiPolygon<f64>>,
    /// One value a date, NaN where not observed.
    pub values: Vec<f64>,
}

impl Unit {
    pub fn looks(&self) -> usize {
        self.values.iter().filter(|v| v.is_finite()).count()
    }
}

/// Series with their dates (days since 1970-01-01, ascending).
pub(super) struct Units {
    pub days: Vec<i32>,
    pub units: Vec<Unit>,
    /// Fields of the attributes.
    pub schema: Vec<Field>,
    pub crs: Option<Crs>,
}

impl Units {
    /// First and last date, and how many looks.
    pub fn span(&self) -> Option<(NaiveDate, NaiveDate, usize)> {
        Some((date_of(*self.days.first()?)?, date_of(*self.days.last()?)?, self.days.len()))
    }
}

/// Where series come from.
pub(super) struct SeriesSource<'a> {
    pub stack: &'a StackOptions,
    pub zones: Option<&'a str>,
    pub table: Option<&'a Path>,
    pub input: &'a InputOptions,
}

impl SeriesSource<'_> {
    /// Reads the series; of zones those looks count that saw at least `min_share` of the zone.
    ///
    /// # Errors
    /// `Input` where something cannot be read, or all looks are of one day.
    pub fn read(
        &self,
        min_share: f64,
        notes: &mut Notes,
        manifest: &mut Manifest,
        progress: &dyn Progress,
    ) -> Result<Units> {
        progress.step(&Text::new("reading", "读取数据"), None);
        match self.table {
            Some(path) => table(path, manifest),
            None => self.of_zones(min_share, notes, manifest, progress),
        }
    }

    fn of_zones(
        &self,
        min_share: f64,
        notes: &mut Notes,
        manifest: &mut Manifest,
        progress: &dyn Progress,
    ) -> Result<Units> {
        let stack = Stack::open(self.stack, notes)?;
        several_dates(&stack)?;
        let digests = stack.digesting();
        let zones = ZoneLayer::open(self.zones.unwrap_or_default(), self.input, &stack, notes, manifest)?;
        let polygons = zones.polygons();
        let zonal = over(&stack, &polygons, None, ZonalOptions::default(), progress)?;
        manifest.stack(&stack, digests)?;
        let layer = &zones.input.layer;
        let value = |z: usize, i: usize| {
            let s = zonal.statistics(z, i);
            s.values.filter(|_| s.observed_share >= min_share).map_or(f64::NAN, |v| v.mean)
        };
        let units = zones.shapes.par_iter().enumerate().map(|(z, (at, shape))| {
            let f = &layer.features[*at];
            Unit {
                name: f.fid.to_string(),
                attributes: f.values.clone(),
                shape: Some(shape.clone()),
                values: (0..stack.len()).map(|i| value(z, i)).collect(),
            }
        });
        Ok(Units {
            units: units.collect(),
            schema: layer.info.schema.fields.clone(),
            crs: stack.grid.crs.clone(),
            days: stack.days,
        })
    }
}

fn table(path: &Path, manifest: &mut Manifest) -> Result<Units> {
    let t = series_table(path)?;
    manifest.file("table", path)?;
    let mut order: Vec<usize> = (0..t.dates.len()).collect();
    order.sort_by_key(|i| t.dates[*i]);
    let days: Vec<i32> = order.iter().map(|i| day_of(t.dates[*i])).collect();
    if days.first() == days.last() {
        return Err(Error::input("all its rows are of one day", "表中所有行都是同一天").in_file(path));
    }
    let unit = |(name, v): (&String, &Vec<Option<f64>>)| Unit {
        name: name.clone(),
        attributes: Vec::new(),
        shape: None,
        values: order.iter().map(|i| v[*i].unwrap_or(f64::NAN)).collect(),
    };
    let units = t.names.iter().zip(&t.values).map(unit).collect();
    Ok(Units { days, units, schema: Vec::new(), crs: None })
}

/// Writes a table of units; formats that are lists take it without shapes.
///
/// # Errors
/// `Usage` for a format that cannot hold it; `Output` where it cannot be written.
pub(super) fn write_units(
    staging: &mut Staging,
    path: &Path,
    mut table: Table,
    overwrite: bool,
    lang: Lang,
    time: DateTime<Utc>,
    notes: &mut Notes,
) -> Result<()> {
    let format = Format::of(path)?;
    let list = matches!(format, Format::Csv | Format::Xlsx);
    if list || table.rows.iter().all(|r| r.0.is_none()) {
        table.shape = Shape::None;
        table.crs = None;
        table.style = None;
        table.rows.iter_mut().for_each(|r| r.0 = None);
    } else if let Some(c) = &table.crs {
        format.takes(c).map_err(|e| e.in_file(path))?;
    }
    let options = WriteOptions { overwrite, encoding: None, lang, timestamp: Some(time) };
    let written = if format == Format::Xlsx {
        crate::write::xlsx::write_staged(staging, path, &[table], &options)?;
        Vec::new()
    } else {
        write_staged(staging, path, &[table], &options)?.notes()
    };
    notes.warnings.extend(written);
    Ok(())
}
