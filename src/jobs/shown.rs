//! What can be shown in colours: a scene by its bands, or a raster.

use std::path::Path;

use chrono::NaiveDate;
use geo::{BoundingRect, Geometry, LineString, Polygon};

use super::inputs::typed_crs;
use super::view::{MaskOptions, View};
use crate::error::{Error, Result};
use crate::model::{Calibration, Grid, Pixels, RasterInfo, Role, Sample, Scene, Seen, with_pixels};
use crate::prepare::crs::{geographic_bounds, resolve};
use crate::prepare::shapes::Way;
use crate::read::raster::{Resampling, open, warped};
use crate::read::scenes::{is_scene, scene};
use crate::report::page::picture::stretch;

/// Bands of a scene as red, green and blue, the best first: true colours, else those that show plants red or green.
const COLOURS: [[Role; 3]; 3] =
    [[Role::Red, Role::Green, Role::Blue], [Role::Swir2, Role::Nir, Role::Red], [Role::Nir, Role::Red, Role::Green]];

/// Longest side of the picture that tells the range of colours, pixels.
const OVERVIEW: f64 = 512.0;

/// A band of a file.
struct ShownBand {
    info: RasterInfo,
    band: usize,
    /// Scale and offset to reflectance, and the number that stands for no data; as they are where `None`.
    calibrated: Option<(f64, f64, Option<f64>)>,
}

/// A scene or raster that can be shown in colours.
pub(super) struct Shown {
    /// Name of the scene or file.
    pub name: String,
    /// The day it was taken, where known.
    pub day: Option<NaiveDate>,
    /// The scene and the bands of it that are shown, where it is one.
    pub scene: Option<(Scene, Vec<Role>)>,
    bands: Vec<ShownBand>,
}

impl Shown {
    /// Opens a scene (folder, metadata file, `scenes.json#id`) or a raster; `wanted` are a raster's bands, from 1: the
    /// first three, or the first, where empty.
    ///
    /// # Errors
    /// `Input` where it cannot be read or is empty; `Usage` for a band that is not there.
    pub fn open(path: &Path, wanted: &[usize]) -> Result<Self> {
        if is_scene_name(path) { Self::scene(path) } else { Self::raster(path, wanted) }
    }

    fn scene(path: &Path) -> Result<Self> {
        let scene = scene(path, &[])?;
        let has = |roles: &&[Role; 3]| roles.iter().all(|r| scene.asset(*r).is_some());
        let any = || scene.assets.iter().map(|a| a.role).find(|r| *r != Role::Qa);
        let roles = COLOURS.iter().find(has).map_or_else(|| any().into_iter().collect(), |r| r.to_vec());
        let mut bands = Vec::new();
        for a in roles.iter().filter_map(|r| scene.asset(*r)) {
            let info = open(&a.source)?.info().clone();
            let (scale, offset) = match a.calibration {
                Calibration::Linear { scale, offset } => (scale, offset),
                _ => (1.0, 0.0),
            };
            let Some(tagged) = info.bands.get(a.band).map(|b| b.nodata) else { return Err(no_band(a.band + 1, &info)) };
            bands.push(ShownBand { band: a.band, calibrated: Some((scale, offset, a.nodata.or(tagged))), info });
        }
        if bands.is_empty() {
            return Err(Error::input("the scene has no band that can be shown", "影像没有可显示的波段").in_file(path));
        }
        let day = scene.datetime.map(|t| t.date_naive());
        Ok(Self { name: scene.id.clone(), day, bands, scene: Some((scene, roles)) })
    }

    fn raster(path: &Path, wanted: &[usize]) -> Result<Self> {
        let info = open(path)?.info().clone();
        let n = info.bands.len();
        if let Some(b) = wanted.iter().find(|&&b| b == 0 || b > n) {
            return Err(no_band(*b, &info));
        }
        let all: Vec<usize> = match (wanted.is_empty(), n >= 3) {
            (false, _) => wanted.iter().map(|b| b - 1).collect(),
            (true, true) => vec![0, 1, 2],
            (true, false) => vec![0],
        };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let day = crate::read::scenes::dated(&name).map(|t| t.date_naive());
        let bands = all.into_iter().map(|band| ShownBand { info: info.clone(), band, calibrated: None }).collect();
        Ok(Self { name, day, scene: None, bands })
    }

    /// Name and day.
    pub fn title(&self) -> String {
        match self.day {
            Some(d) if self.scene.is_some() => format!("{} {d}", self.name),
            _ => self.name.clone(),
        }
    }

    /// What it lies on: the first band's raster.
    ///
    /// # Errors
    /// None in fact: there is always a band.
    pub fn info(&self) -> Result<&RasterInfo> {
        self.bands
            .first()
            .map(|b| &b.info)
            .ok_or_else(|| Error::input("it has no band that can be shown", "没有可显示的波段"))
    }

    /// The range of values that is shown from dark to light, by a picture of the whole, clouds and their shadows left out;
    /// `None` for bytes, which are shown as they are.
    ///
    /// # Errors
    /// `Input` where a band cannot be read or has no CRS.
    pub fn range(&self) -> Result<Option<(f64, f64)>> {
        let whole = mercator(self.info()?, OVERVIEW)?;
        let Some((scene, roles)) = &self.scene else {
            let (pixels, nodata) = self.on(&whole, Resampling::Nearest)?;
            return Ok(stretch(&pixels, &nodata));
        };
        let view = View::open(scene, roles, Some(&whole), MaskOptions::default(), &mut Vec::new())?;
        let looked = view.read(whole.window())?;
        let clear =
            |b: Vec<f32>| b.into_iter().zip(&looked.seen).map(|(v, s)| if *s == Seen::Yes { v } else { f32::NAN });
        let bands: Vec<Pixels> = looked.bands.into_iter().map(|b| Pixels::F32(clear(b).collect())).collect();
        let clouded = stretch(&bands, &vec![Some(f64::NAN); bands.len()]);
        // nothing but cloud: as it is
        match clouded {
            Some(range) => Ok(Some(range)),
            None => {
                let (pixels, nodata) = self.on(&whole, Resampling::Nearest)?;
                Ok(stretch(&pixels, &nodata))
            }
        }
    }

    /// The bands on a grid, and their nodata: means where the grid is coarser, else as `finer` says. Numbers of a scene come
    /// as reflectance.
    ///
    /// # Errors
    /// `Input` where a band cannot be read or has no CRS.
    pub fn on(&self, grid: &Grid, finer: Resampling) -> Result<(Vec<Pixels>, Vec<Option<f64>>)> {
        let (mut pixels, mut nodata) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(first) = self.bands.get(at) {
            // bands of one file are warped together
            let n = self.bands[at..].iter().take_while(|b| b.info.source == first.info.source).count();
            let group = &self.bands[at..at + n];
            let own = &first.info.grid;
            let coarser = grid.transform[1] > own.pixel_area().sqrt() && own.pixel_area() > 1e-6;
            let how = if coarser { Resampling::Average } else { finer };
            let told = first.calibrated.and_then(|(_, _, n)| n);
            let raster = warped(&first.info, grid, how, told)?;
            let numbers: Vec<usize> = group.iter().map(|b| b.band).collect();
            for (b, p) in group.iter().zip(raster.read(&numbers, grid.window())?) {
                match b.calibrated {
                    None => {
                        nodata.push(b.info.bands[b.band].nodata);
                        pixels.push(p);
                    }
                    Some((scale, offset, none)) => {
                        // zero is what the warper leaves where the source ends
                        let none = none.unwrap_or(0.0);
                        let of = |v: f64| if v == none { f32::NAN } else { (v * scale + offset) as f32 };
                        nodata.push(Some(f64::NAN));
                        pixels.push(Pixels::F32(with_pixels!(&p, v => v.iter().map(|x| of(x.to_f64())).collect())));
                    }
                }
            }
            at += n;
        }
        Ok((pixels, nodata))
    }
}

fn is_scene_name(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let whole = path.to_string_lossy().to_ascii_lowercase();
    whole.contains(".json#")
        || name.ends_with(".json")
        || name.ends_with("mtl.txt")
        || name.starts_with("mtd_msil")
        || is_scene(path)
}

fn no_band(b: usize, info: &RasterInfo) -> Error {
    let n = info.bands.len();
    Error::usage(
        format!("--picture-bands: there is no band {b}, of {n}"),
        format!("--picture-bands:没有波段 {b}(共 {n} 个)"),
    )
    .in_file(&info.source)
}

/// A grid of Web Mercator over a raster, at most `side` pixels long.
///
/// # Errors
/// `Input` where it has no CRS, cannot be brought there, or covers no area.
pub(super) fn mercator(info: &RasterInfo, side: f64) -> Result<Grid> {
    let Some(crs) = &info.grid.crs else {
        return Err(Error::input("the picture has no CRS", "图片没有坐标系")
            .remedy("write one with gdal_translate -a_srs EPSG:…", "用 gdal_translate -a_srs EPSG:… 写入坐标系"));
    };
    let (from, target) = (resolve(crs)?, typed_crs("EPSG:3857"));
    let [w, s, e, n] = info.grid.bounds();
    let way = Way::over(&from, Some(&resolve(&target)?), geographic_bounds(&from, [w, s, e, n]))?;
    let (cols, rows) = (info.grid.width as f64, info.grid.height as f64);
    // an edge may bow outwards on the way: its middle points tell
    let along = |n: usize| (0..=n).map(move |i| i as f64 / n as f64);
    let edge = along(16)
        .map(|t| (t * cols, 0.0))
        .chain(along(16).map(|t| (cols, t * rows)))
        .chain(along(16).map(|t| (cols * (1.0 - t), rows)))
        .chain(along(16).map(|t| (0.0, rows * (1.0 - t))));
    let ring = LineString::from(edge.map(|(c, r)| info.grid.xy(c, r)).map(|[x, y]| (x, y)).collect::<Vec<_>>());
    let there = way.runner()?.run(&Geometry::Polygon(Polygon::new(ring, Vec::new())))?;
    let b = there.bounding_rect().filter(|b| b.width() > 0.0 && b.height() > 0.0 && b.width().is_finite());
    let Some(b) = b else { return Err(Error::input("the picture covers no area", "图片没有覆盖范围")) };
    let own = (b.width() / cols).min(b.height() / rows);
    let size = own.max(b.width().max(b.height()) / side);
    let pixels = |length: f64| ((length / size).ceil() as usize).max(1);
    let (width, height) = (pixels(b.width()), pixels(b.height()));
    Ok(Grid { transform: [b.min().x, size, 0.0, b.max().y, 0.0, -size], width, height, crs: Some(target) })
}
