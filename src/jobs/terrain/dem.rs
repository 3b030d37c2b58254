//! A DEM on the grid of the earlier one: heights in metres, gaps as gaps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value as Json, json};

use super::TerrainOptions;
use crate::analysis::terrain::Heights;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::model::{BlockSource, Calibration, Crs, Grid, RasterInfo, Seen, Window};
use crate::prepare::crs::resolve;
use crate::prepare::observed::calibrated;
use crate::read::raster::{Resampling, Vertical, open, vertical, warped};

/// Heights below or above are no ground on land (the Dead Sea's shore lies at −430 m, the highest summit at 8,849 m):
/// voids that a file does not tag.
const PLAUSIBLE_M: (f32, f32) = (-1000.0, 10_000.0);

/// Names of units of height and their length in metres; the US survey foot is 1200/3937 m.
const UNITS: [(&[&str], f64, &str); 5] = [
    (&["m", "metre", "meter", "metres", "meters", "米"], 1.0, "metre"),
    (&["ft", "foot", "feet", "international foot", "英尺"], 0.3048, "foot"),
    (
        &["us-ft", "us survey foot", "us_survey_foot", "us survey feet", "ftus", "foot_us", "us foot"],
        1200.0 / 3937.0,
        "US survey foot",
    ),
    (&["dm", "decimetre", "decimeter", "分米"], 0.1, "decimetre"),
    (&["cm", "centimetre", "centimeter", "厘米"], 0.01, "centimetre"),
];

/// Length in metres and our name of a unit of height.
///
/// # Errors
/// `Usage` where it is not known.
pub(super) fn unit(name: &str) -> Result<(f64, &'static str)> {
    let n = name.trim().to_lowercase();
    UNITS.iter().find(|(names, ..)| names.contains(&n.as_str())).map(|(_, m, name)| (*m, *name)).ok_or_else(|| {
        Error::usage(format!("the unit of height “{name}” is not known"), format!("未知的高程单位“{name}”"))
            .remedy("the units are: m, ft, us-ft, dm, cm", "可用单位:m、ft、us-ft、dm、cm")
    })
}

/// One DEM.
pub(super) struct Dem {
    /// Of the file itself, even where it is seen on another grid.
    pub info: RasterInfo,
    /// What it says, or the user says, of its heights.
    pub vertical: Vertical,
    /// How it was brought to the grid, where it was.
    pub resampled: Option<Resampling>,
    source: Arc<dyn BlockSource>,
    band: usize,
    nodata: Option<f64>,
    to_metres: f32,
    implausible: AtomicU64,
}

impl Dem {
    fn open(path: &Path, band: usize, told: Told<'_>) -> Result<Self> {
        let source = open(path)?;
        let info = source.info().clone();
        if band >= info.bands.len() {
            let n = info.bands.len();
            return Err(Error::usage(
                format!("--band {}: there are {n}", band + 1),
                format!("--band {}:该文件共有 {n} 个波段", band + 1),
            )
            .in_file(path));
        }
        let mut v = vertical(path, band)?;
        agree(&mut v.unit, told.unit, "--vertical-unit", path, |a, b| {
            unit(a).ok().map(|u| u.0) == unit(b).ok().map(|u| u.0)
        })?;
        agree(&mut v.datum, told.datum, "--vertical-datum", path, same_name)?;
        let nodata = info.bands[band].nodata;
        Ok(Self {
            vertical: v,
            resampled: None,
            source,
            band,
            nodata,
            to_metres: 1.0,
            implausible: AtomicU64::new(0),
            info,
        })
    }

    /// Heights of a window of the grid, metres; NaN where nothing was recorded.
    ///
    /// # Errors
    /// `Input` with file and block where it cannot be read.
    pub fn read(&self, w: Window) -> Result<Heights> {
        let pixels = self.source.read(&[self.band], w)?;
        let mut seen = vec![Seen::Yes; w.len()];
        if let Some(m) = self.source.mask(w)? {
            seen.iter_mut().zip(m).filter(|(_, m)| *m == 0).for_each(|(s, _)| *s = Seen::NoData);
        }
        let b = &self.info.bands[self.band];
        let linear = Calibration::Linear { scale: b.scale, offset: b.offset };
        let mut z = match pixels.first() {
            Some(p) => calibrated(p, linear, self.nodata, None, &mut seen),
            None => Vec::new(),
        };
        let mut wrong = 0;
        for (z, s) in z.iter_mut().zip(&seen) {
            *z *= self.to_metres;
            if *s != Seen::Yes {
                *z = f32::NAN;
            } else if !(PLAUSIBLE_M.0..=PLAUSIBLE_M.1).contains(z) {
                *z = f32::NAN;
                wrong += 1;
            }
        }
        if wrong > 0 {
            self.implausible.fetch_add(wrong, Ordering::Relaxed);
        }
        Ok(Heights { window: w, z })
    }

    /// Heights with the DEM moved back by `cells` and lowered by `bias_m`; bilinear where the move is no whole number.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn aligned(&self, w: Window, cells: [f64; 2], bias_m: f64, grid: &Grid) -> Result<Heights> {
        let lower = |mut h: Heights| {
            let b = bias_m as f32;
            h.z.iter_mut().for_each(|z| *z -= b);
            h
        };
        if cells == [0.0, 0.0] {
            return Ok(lower(self.read(w)?));
        }
        let whole = cells.map(|c| c.floor() as i64);
        let part = [cells[0] - whole[0] as f64, cells[1] - whole[1] as f64].map(|p| p as f32);
        let span = |from: usize, n: usize, by: i64, size: usize| {
            let a = (from as i64 + by).clamp(0, size as i64);
            let b = ((from + n) as i64 + by + 1).clamp(a, size as i64);
            (a as usize, (b - a) as usize)
        };
        let (col, width) = span(w.col, w.width, whole[0], grid.width);
        let (row, height) = span(w.row, w.height, whole[1], grid.height);
        let src = self.read(Window { col, row, width, height })?;
        let at = |c: i64, r: i64, weight: f32| -> f32 {
            if weight == 0.0 {
                return 0.0;
            }
            let (c, r) = (c - col as i64, r - row as i64);
            if c < 0 || r < 0 || c >= width as i64 || r >= height as i64 {
                return f32::NAN;
            }
            weight * src.z[r as usize * width + c as usize]
        };
        let [fx, fy] = part;
        let mut z = Vec::with_capacity(w.len());
        for r in 0..w.height {
            let y = (w.row + r) as i64 + whole[1];
            for c in 0..w.width {
                let x = (w.col + c) as i64 + whole[0];
                z.push(
                    at(x, y, (1.0 - fx) * (1.0 - fy))
                        + at(x + 1, y, fx * (1.0 - fy))
                        + at(x, y + 1, (1.0 - fx) * fy)
                        + at(x + 1, y + 1, fx * fy),
                );
            }
        }
        Ok(lower(Heights { window: w, z }))
    }

    /// Columns and rows of the pieces that it is stored in.
    pub fn block(&self) -> (usize, usize) {
        self.info.block
    }

    /// Says how many heights were no ground.
    pub fn remark(&self, notes: &mut Notes) {
        let n = self.implausible.load(Ordering::Relaxed);
        if n > 0 {
            let f = self.info.source.display();
            notes.warnings.push(Text::new(
                format!("{f}: heights below −1,000 m or above 10,000 m were met and taken as not observed; tag them: gdal_edit.py -a_nodata VALUE FILE"),
                format!("{f}:有低于 −1000 米或高于 10000 米的高程,按无数据处理;请用 gdal_edit.py -a_nodata 值 文件 标明"),
            ));
        }
    }

    /// For the manifest.
    pub fn described(&self) -> Json {
        json!({
            "band": self.band + 1,
            "vertical_unit": self.vertical.unit.as_deref().unwrap_or("unknown, taken as metre"),
            "metres_per_unit": self.to_metres,
            "vertical_datum": self.vertical.datum.as_deref().unwrap_or("unknown"),
            "resampled": self.resampled.map(Resampling::name),
        })
    }
}

/// What the user says of one DEM's heights.
#[derive(Clone, Copy)]
struct Told<'a> {
    unit: Option<&'a str>,
    datum: Option<&'a str>,
}

fn same_name(a: &str, b: &str) -> bool {
    let plain = |s: &str| s.to_lowercase().replace([' ', '_', '-'], "");
    plain(a) == plain(b)
}

/// Takes what the user says where the file says nothing; refuses where both differ.
fn agree(
    file: &mut Option<String>,
    told: Option<&str>,
    flag: &str,
    path: &Path,
    same: impl Fn(&str, &str) -> bool,
) -> Result<()> {
    match (&file, told) {
        (Some(f), Some(t)) if !same(f, t) => Err(Error::usage(
            format!("{flag} {t}: the file itself says “{f}”"),
            format!("{flag} {t}:文件自身标明为“{f}”"),
        )
        .in_file(path)
        .remedy("mend the file (gdal_edit.py) or leave the option out", "请更正文件(gdal_edit.py)或去掉该选项")),
        (None, Some(t)) => {
            *file = Some(t.to_owned());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Opens both DEMs on the grid of the earlier, heights in metres.
pub(super) fn pair(o: &TerrainOptions, notes: &mut Notes) -> Result<[Dem; 2]> {
    let told = |i: usize| Told { unit: o.vertical.units[i].as_deref(), datum: o.vertical.datums[i].as_deref() };
    let mut before = Dem::open(&o.before, o.band, told(0))?;
    let mut after = Dem::open(&o.after, o.band, told(1))?;
    units(o, [&mut before, &mut after], notes)?;
    datums(o, [&before, &after], notes)?;
    on_one_grid(&before, &mut after, notes)?;
    Ok([before, after])
}

/// Brings heights to metres, or refuses.
fn units(o: &TerrainOptions, dems: [&mut Dem; 2], notes: &mut Notes) -> Result<()> {
    let mut silent = Vec::new();
    for d in dems {
        let Some(name) = d.vertical.unit.clone() else {
            silent.push(d.info.source.display().to_string());
            continue;
        };
        let (metres, known) = unit(&name).map_err(|e| e.in_file(&d.info.source))?;
        if metres != 1.0 && !o.vertical.convert {
            return Err(Error::input(
                format!("its heights are in {known} (“{name}”), not in metres"),
                format!("其高程单位为 {known}(“{name}”),不是米"),
            )
            .in_file(&d.info.source)
            .remedy("--to-metres converts them", "加 --to-metres 可换算为米"));
        }
        if metres != 1.0 {
            let f = d.info.source.display();
            notes.warnings.push(Text::new(
                format!("{f}: heights in {known} were converted to metres (× {metres:.7})"),
                format!("{f}:高程由 {known} 换算为米(× {metres:.7})"),
            ));
        }
        d.to_metres = metres as f32;
    }
    if !silent.is_empty() {
        let list = silent.join(", ");
        notes.warnings.push(Text::new(
            format!("the unit of height is not told by {list}: taken as metres (--vertical-unit names it)"),
            format!("{list} 未标明高程单位,按米处理(可用 --vertical-unit 指明)"),
        ));
    }
    Ok(())
}

fn datums(o: &TerrainOptions, [a, b]: [&Dem; 2], notes: &mut Notes) -> Result<()> {
    match (&a.vertical.datum, &b.vertical.datum) {
        (Some(x), Some(y)) if same_name(x, y) => Ok(()),
        (Some(x), Some(y)) if o.vertical.datums_may_differ => {
            notes.warnings.push(Text::new(
                format!("the vertical datums differ (“{x}”, “{y}”): only the mean difference on stable ground was taken off, not its change from place to place"),
                format!("两期高程基准不同(“{x}”、“{y}”):仅扣除稳定地面上的平均差,基准差的空间变化未改正"),
            ));
            Ok(())
        }
        (Some(x), Some(y)) => Err(Error::input(
            format!("the DEMs count heights from different datums: “{x}” and “{y}”"),
            format!("两期 DEM 高程基准不同:“{x}”与“{y}”"),
        )
        .in_file(&b.info.source)
        .remedy(
            "bring one to the other first (gdalwarp -s_srs EPSG:a+b -t_srs EPSG:c+d, with PROJ's geoid grids), or let the bias of stable ground stand for the difference: --allow-datum-difference",
            "请先统一基准(gdalwarp -s_srs EPSG:a+b -t_srs EPSG:c+d,需 PROJ 大地水准面格网),或用 --allow-datum-difference 以稳定地面偏差代替",
        )),
        _ => {
            notes.warnings.push(Text::new(
                "the vertical datum of one DEM or both is not told: taken as the same (--vertical-datum names it); a constant difference goes with the bias of stable ground",
                "至少一期 DEM 未标明高程基准,按同一基准处理(可用 --vertical-datum 指明);常数差由稳定地面偏差扣除",
            ));
            Ok(())
        }
    }
}

/// The horizontal part of both CRS is the same, as far as PROJ knows.
fn same_crs(a: Option<&Crs>, b: Option<&Crs>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.definition == b.definition
                || matches!((resolve(a), resolve(b)), (Ok(x), Ok(y)) if x.definition == y.definition)
        }
        _ => false,
    }
}

fn on_one_grid(before: &Dem, after: &mut Dem, notes: &mut Notes) -> Result<()> {
    let (from, to) = (&after.info.grid, &before.info.grid);
    if from.same_pixels(to) && same_crs(from.crs.as_ref(), to.crs.as_ref()) {
        return Ok(());
    }
    let finer = from.pixel_area() < 0.7 * to.pixel_area() && same_crs(from.crs.as_ref(), to.crs.as_ref());
    let how = if finer { Resampling::Average } else { Resampling::Bilinear };
    // where the source ends the warper leaves nodata: a band that knows none needs one that is no height
    let ty = after.info.bands[after.band].ty;
    let nodata = after.nodata.unwrap_or(if ty.is_float() { -32_768.0 } else { 0.0 });
    after.source = warped(&after.info, to, how, Some(nodata))?;
    after.nodata = Some(nodata);
    after.resampled = Some(how);
    let f = after.info.source.display();
    notes.warnings.push(Text::new(
        format!("{f} lies on another grid or in another CRS and was resampled ({})", how.name()),
        format!("{f} 的格网或坐标系不同,已重采样({})", how.name()),
    ));
    Ok(())
}
