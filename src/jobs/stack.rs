//! Dated rasters on one grid, read window by window: what `trend`, `monitor` and `zonal` work on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use super::Notes;
use super::index::of as index_values;
use super::view::{MaskOptions, View, on_grid};
use crate::analysis::indices::Index;
use crate::analysis::trend::day_of;
use crate::error::{Error, Result, Text};
use crate::model::{Band, BlockSource, Grid, RasterInfo, Sample as _, Seen, Window, with_pixels};
use crate::prepare::crs::{ResolvedCrs, resolve};
use crate::read::digest::Digesting;
use crate::read::raster::open;
use crate::read::scenes::{catalogue, dated};

/// Memory of one window of a stack, bytes: larger windows are worked on by bands of rows.
const WINDOW_BYTES: usize = 128 << 20;

/// What a stack is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct StackOptions {
    /// Rasters, folders of rasters, or catalogues (`scenes.json`).
    pub inputs: Vec<PathBuf>,
    /// Band of the rasters, from 0.
    pub band: usize,
    /// Factor on top of the file's own scale (0.0001 where NDVI is held as whole numbers and the file does not say so).
    pub scale: f64,
    /// Where the date stands in the name of a file, as strftime has it (`%Y%j`); the first date found where `None`.
    pub date_pattern: Option<String>,
    /// The index of scenes from a catalogue.
    pub index: Index,
    /// Masks of scenes from a catalogue.
    pub mask: MaskOptions,
}

/// One dated raster.
struct Look {
    name: String,
    /// `None` where its name tells none and none is needed.
    date: Option<NaiveDate>,
    time: Option<DateTime<Utc>>,
    source: Source,
}

enum Source {
    Plain { raster: Arc<dyn BlockSource>, path: PathBuf },
    Scene { view: Box<View>, index: Index },
}

/// A stack, in the order of time.
pub(super) struct Stack {
    pub grid: Grid,
    pub blocks: Vec<(usize, usize)>,
    /// Days since 1970-01-01, ascending; two looks of one day stand side by side.
    pub days: Vec<i32>,
    looks: Vec<Look>,
    band: usize,
    scale: f64,
}

impl Stack {
    /// Opens and sorts the looks.
    ///
    /// # Errors
    /// `Input` where a raster cannot be read, tells no date, or lies on another grid; `Usage` where there is none.
    pub fn open(o: &StackOptions, notes: &mut Notes) -> Result<Self> {
        let stack = Self::open_any_date(o, notes)?;
        let undated_one = stack.looks.iter().find(|l| l.date.is_none());
        match undated_one {
            Some(Look { source: Source::Plain { path, .. }, .. }) => Err(undated(path)),
            _ => Ok(stack),
        }
    }

    /// As [`Self::open`], where rasters need no date; those without lie after those with one, in the order given.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_any_date(o: &StackOptions, notes: &mut Notes) -> Result<Self> {
        let mut looks = Vec::new();
        let mut grid: Option<Grid> = None;
        for input in &o.inputs {
            for path in files(input)? {
                if is_catalogue(&path) {
                    scenes(&path, o, &mut grid, &mut looks, notes)?;
                } else {
                    looks.push(plain(&path, o, &mut grid)?);
                }
            }
        }
        looks.sort_by_key(|l| (l.date.is_none(), l.date, l.time));
        let grid = grid.ok_or_else(|| Error::usage("no raster was given", "未给出栅格"))?;
        let blocks = looks.iter().flat_map(Look::blocks).collect();
        let days = looks.iter().filter_map(|l| l.date.map(day_of)).collect();
        Ok(Self { grid, blocks, days, looks, band: o.band, scale: o.scale })
    }

    /// Looks.
    pub fn len(&self) -> usize {
        self.looks.len()
    }

    pub fn name(&self, i: usize) -> &str {
        &self.looks[i].name
    }

    /// Date of a look of a stack that was opened by its dates.
    pub fn date(&self, i: usize) -> NaiveDate {
        self.looks[i].date.unwrap_or_default()
    }

    pub fn known_date(&self, i: usize) -> Option<NaiveDate> {
        self.looks[i].date
    }

    /// The grid's CRS.
    ///
    /// # Errors
    /// `Input` where there is none, or PROJ does not know it.
    pub fn crs(&self) -> Result<ResolvedCrs> {
        let crs = self.grid.crs.as_ref().ok_or_else(|| {
            Error::input("the rasters have no CRS, so zones cannot be laid over them", "栅格没有坐标系,无法叠加分区")
                .remedy("set it: gdal_edit.py -a_srs EPSG:n FILE", "请设置:gdal_edit.py -a_srs EPSG:代码 文件")
        })?;
        resolve(crs)
    }

    /// Bands of rows of a window whose looks together stay within the memory of a window.
    pub fn slices(&self, w: Window) -> Vec<Window> {
        let rows = (WINDOW_BYTES / (4 * w.width.max(1) * self.len().max(1))).clamp(1, w.height.max(1));
        (0..w.height).step_by(rows).map(|r| Window { row: w.row + r, height: rows.min(w.height - r), ..w }).collect()
    }

    /// One look in a window: values, NaN where not observed.
    ///
    /// # Errors
    /// `Input` with file and block.
    pub fn read(&self, i: usize, w: Window) -> Result<Vec<f32>> {
        if let Source::Plain { raster, .. } = &self.looks[i].source {
            return plain_values(raster.as_ref(), self.band, self.scale, w);
        }
        let (v, seen) = self.observe(i, w)?;
        Ok(v.into_iter().zip(seen).map(|(v, s)| if s == Seen::Yes { v as f32 } else { f32::NAN }).collect())
    }

    /// One look in a window: values, and what is known of each.
    ///
    /// # Errors
    /// `Input` with file and block.
    pub fn observe(&self, i: usize, w: Window) -> Result<(Vec<f64>, Vec<Seen>)> {
        match &self.looks[i].source {
            Source::Plain { raster, .. } => values(raster.as_ref(), self.band, self.scale, w),
            Source::Scene { view, index } => {
                let mut o = view.read(w)?;
                let v = index_values(*index, index.roles(), &o.bands, &mut o.seen);
                Ok((v.into_iter().map(f64::from).collect(), o.seen))
            }
        }
    }

    /// Files and dates, for the manifest.
    pub fn json(&self) -> Json {
        let one = |l: &Look| json!({"name": l.name, "date": l.date.map(|d| d.to_string())});
        self.looks.iter().map(one).collect()
    }

    /// Begins the digests of [`Self::paths`] beside the work.
    pub fn digesting(&self) -> Digesting {
        Digesting::begin(self.paths())
    }

    /// Files of plain rasters.
    pub fn paths(&self) -> Vec<PathBuf> {
        let path = |l: &Look| match &l.source {
            Source::Plain { path, .. } => Some(path.clone()),
            Source::Scene { .. } => None,
        };
        self.looks.iter().filter_map(path).filter(|p| p.is_file()).collect()
    }
}

impl Look {
    fn blocks(&self) -> Vec<(usize, usize)> {
        match &self.source {
            Source::Plain { raster, .. } => vec![raster.info().block],
            Source::Scene { view, .. } => view.blocks.clone(),
        }
    }
}

/// A band of a raster in a window, scaled as the file says: values, and what is known of each.
///
/// # Errors
/// `Input` with file and block.
pub(super) fn values(raster: &dyn BlockSource, band: usize, factor: f64, w: Window) -> Result<(Vec<f64>, Vec<Seen>)> {
    let b: &Band = &raster.info().bands[band];
    let pixels = raster.read(&[band], w)?;
    let (scale, offset) = (b.scale * factor, b.offset * factor);
    let mut out = vec![f64::NAN; w.len()];
    let mut seen = vec![Seen::Yes; w.len()];
    for p in &pixels {
        with_pixels!(p, v => {
            let nodata = b.nodata.and_then(|n| exactly(v, n));
            for ((o, s), x) in out.iter_mut().zip(&mut seen).zip(v) {
                let f = x.to_f64();
                *o = f * scale + offset;
                if Some(*x) == nodata || !f.is_finite() {
                    *s = Seen::NoData;
                }
            }
        });
    }
    if let Some(m) = raster.mask(w)? {
        seen.iter_mut().zip(m).filter(|(_, m)| *m == 0).for_each(|(s, _)| *s = Seen::NoData);
    }
    Ok((out, seen))
}

/// As [`values`], in single precision, NaN where not observed.
fn plain_values(raster: &dyn BlockSource, band: usize, factor: f64, w: Window) -> Result<Vec<f32>> {
    let b: &Band = &raster.info().bands[band];
    let (scale, offset) = (b.scale * factor, b.offset * factor);
    let mut out = vec![f32::NAN; w.len()];
    for p in &raster.read(&[band], w)? {
        with_pixels!(p, v => {
            let nodata = b.nodata.and_then(|n| exactly(v, n));
            for (o, x) in out.iter_mut().zip(v) {
                let f = x.to_f64();
                let value = (f * scale + offset) as f32;
                *o = if Some(*x) == nodata || !f.is_finite() { f32::NAN } else { value };
            }
        });
    }
    if let Some(m) = raster.mask(w)? {
        out.iter_mut().zip(m).filter(|(_, m)| *m == 0).for_each(|(o, _)| *o = f32::NAN);
    }
    Ok(out)
}

/// A number as the pixels' type has it.
fn exactly<T: crate::model::Sample>(_: &[T], n: f64) -> Option<T> {
    T::exactly(n)
}

fn is_catalogue(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
}

/// A file as it is; a folder's rasters in the order of their names.
pub(super) fn files(input: &Path) -> Result<Vec<PathBuf>> {
    if !input.is_dir() {
        return Ok(vec![input.to_path_buf()]);
    }
    let tif =
        |p: &PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("tif") || e.eq_ignore_ascii_case("tiff"));
    let found = crate::read::scenes::files_in(input)?.into_iter().filter(tif).collect::<Vec<_>>();
    if found.is_empty() {
        return Err(Error::input("the folder holds no GeoTIFF", "文件夹中没有 GeoTIFF").in_file(input));
    }
    Ok(found)
}

fn plain(path: &Path, o: &StackOptions, grid: &mut Option<Grid>) -> Result<Look> {
    let raster = open(path)?;
    let info = raster.info();
    if o.band >= info.bands.len() {
        let (b, n) = (o.band + 1, info.bands.len());
        return Err(
            Error::usage(format!("band {b} is not there, of {n}"), format!("没有波段 {b}(共 {n} 个)")).in_file(path)
        );
    }
    fits(&info.grid, grid, path)?;
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let (date, time) = date_of_file(&name, info, o.date_pattern.as_deref()).unzip();
    Ok(Look { name, date, time: time.flatten(), source: Source::Plain { raster, path: path.to_path_buf() } })
}

fn undated(path: &Path) -> Error {
    Error::input("its name tells no date", "文件名中没有日期").in_file(path).remedy(
        "name it like ndvi_20230501.tif, or tell where the date stands: --date-pattern %Y%j",
        "请按 ndvi_20230501.tif 命名,或用 --date-pattern %Y%j 指明日期格式",
    )
}

fn date_of_file(name: &str, info: &RasterInfo, pattern: Option<&str>) -> Option<(NaiveDate, Option<DateTime<Utc>>)> {
    if let Some(p) = pattern {
        let at = |(i, _): (usize, char)| NaiveDate::parse_and_remainder(&name[i..], p).ok();
        return name.char_indices().find_map(at).map(|(d, _)| (d, None));
    }
    let tag = |(k, v): &(String, String)| (k == "DATETIME").then(|| dated(v)).flatten();
    let t = dated(name).or_else(|| info.metadata.iter().find_map(tag))?;
    Some((t.date_naive(), Some(t)))
}

fn scenes(
    path: &Path,
    o: &StackOptions,
    grid: &mut Option<Grid>,
    looks: &mut Vec<Look>,
    notes: &mut Notes,
) -> Result<()> {
    for s in catalogue(path)? {
        let time = s.datetime.ok_or_else(|| {
            Error::input(format!("scene {} has no date", s.id), format!("影像 {} 没有日期", s.id)).in_file(path)
        })?;
        let view = View::open(&s, o.index.roles(), grid.as_ref(), o.mask, &mut notes.warnings)?;
        if grid.is_none() {
            *grid = Some(view.grid.clone());
        }
        let source = Source::Scene { view: Box::new(view), index: o.index };
        looks.push(Look { name: s.id.clone(), date: Some(time.date_naive()), time: Some(time), source });
    }
    Ok(())
}

fn fits(g: &Grid, grid: &mut Option<Grid>, path: &Path) -> Result<()> {
    let Some(first) = grid else {
        *grid = Some(g.clone());
        return Ok(());
    };
    if on_grid(g, first) {
        return Ok(());
    }
    Err(Error::input("it lies on another grid than the first raster", "与第一幅栅格的网格不同")
        .in_file(path)
        .remedy("bring all to one grid first: gdalwarp -te … -tr … -tap", "请先统一网格:gdalwarp -te … -tr … -tap"))
}

/// Says that there is but one date, where there is.
pub(super) fn several_dates(stack: &Stack) -> Result<()> {
    let days = &stack.days;
    if days.first() != days.last() {
        return Ok(());
    }
    let n = stack.len();
    let day = stack.date(0);
    Err(Error::input(
        format!("all {n} look(s) are of one day, {day}: there is nothing to compare over time"),
        format!("全部 {n} 次观测都在同一天({day}),无法比较时间变化"),
    )
    .remedy("give rasters of several dates", "请给出多个日期的栅格"))
}

/// How many looks of how many days, for people.
pub(super) fn span_note(days: &[i32], dates: impl Fn(usize) -> NaiveDate) -> Text {
    let mut distinct = days.to_vec();
    distinct.dedup();
    let (n, d) = (days.len(), distinct.len());
    let (a, b) = (dates(0), dates(n - 1));
    Text::new(format!("{n} looks of {d} days, {a} to {b}"), format!("{n} 次观测,{d} 个日期,{a} 至 {b}"))
}
