//! Hot pixels to fire points, and to fires: pixels that touch.

use geo::{Coord, Geometry, Point};

use super::ground::Ground;
use super::look::Look;
use super::sweep::Swept;
use crate::analysis::fire::detect::cluster::{HotPixel, clusters};
use crate::analysis::fire::detect::{Method, confidence, names, voices};
use crate::analysis::fire::places::{Areas, industrial};
use crate::error::{Error, Result};
use crate::model::FirePoint;
use crate::prepare::crs::{geographic_bounds, resolve};
use crate::prepare::fires::{instrument_of, satellite};
use crate::prepare::shapes::Runner;
use crate::prepare::shapes::Way;
use crate::report::fire_detect::{FireCluster, FireLook};

/// Side of the pixels of thermal bands as the sensor has them, m (USGS: TIRS 100, ETM+ 60, TM 120); the products hold
/// them resampled to 30 m.
const THERMAL_M: [(&str, f64); 5] =
    [("landsat-4", 120.0), ("landsat-5", 120.0), ("landsat-7", 60.0), ("landsat-8", 100.0), ("landsat-9", 100.0)];

/// Where the pixels of a look lie.
pub(super) struct Place {
    runner: Runner,
    /// Sides of a pixel, m.
    pub pixel_m: [f64; 2],
    /// Its area in the grid's plane, m².
    pub pixel_m2: f64,
}

impl Place {
    pub fn of(look: &Look) -> Result<Self> {
        let g = &look.grid;
        let crs = g.crs.clone().ok_or_else(|| {
            Error::input(
                format!("scene {} has no CRS, so fires cannot be placed", look.scene.id),
                format!("影像 {} 没有坐标系,无法定位火点", look.scene.id),
            )
            .remedy("set it: gdal_edit.py -a_srs EPSG:n FILE", "请设置:gdal_edit.py -a_srs EPSG:代码 文件")
        })?;
        let resolved = resolve(&crs)?;
        let way = Way::over(&resolved, None, geographic_bounds(&resolved, g.bounds()))?;
        let t = &g.transform;
        let sides = [t[1].hypot(t[4]), t[2].hypot(t[5])];
        let pixel_m = if resolved.geographic {
            let [_, south, _, north] = g.bounds();
            // a degree on a sphere of the ellipsoid's mean radius: this only sizes a pixel
            let degree = 6_371_008.8 * std::f64::consts::PI / 180.0;
            [sides[0] * degree * (0.5 * (south + north)).to_radians().cos(), sides[1] * degree]
        } else {
            sides.map(|s| s * resolved.unit_to_si)
        };
        Ok(Self { runner: way.runner()?, pixel_m, pixel_m2: pixel_m[0] * pixel_m[1] })
    }

    fn lonlat(&self, look: &Look, col: f64, row: f64) -> Result<Coord<f64>> {
        let [x, y] = look.grid.xy(col, row);
        match self.runner.run(&Geometry::Point(Point::new(x, y)))? {
            Geometry::Point(p) => Ok(p.0),
            _ => Err(Error::input("a pixel has no place on the ground", "像元无法定位")),
        }
    }
}

/// One fire point a hot pixel, and one fire a group of them.
pub(super) fn rows(look: &Look, place: &Place, swept: &Swept) -> Result<(Vec<FirePoint>, Vec<FireCluster>)> {
    let points = swept.hot.iter().map(|h| point(look, place, h)).collect::<Result<Vec<_>>>()?;
    let fires = clusters(&swept.hot).iter().map(|c| fire(look, place, c)).collect::<Result<Vec<_>>>()?;
    Ok((points, fires))
}

/// Names the fires of one look after the known industrial heat they lie in; `points` are those of [`rows`], for the same
/// hot pixels.
pub(super) fn name_known(known: &Areas<String>, swept: &Swept, points: &[FirePoint], fires: &mut [FireCluster]) {
    let at: std::collections::BTreeMap<(u32, u32), &FirePoint> =
        swept.hot.iter().zip(points).map(|(h, p)| ((h.row, h.col), p)).collect();
    for (f, pixels) in fires.iter_mut().zip(clusters(&swept.hot)) {
        let heat: Vec<&FirePoint> = pixels.iter().filter_map(|h| at.get(&(h.row, h.col)).copied()).collect();
        f.industrial = industrial(known, &heat);
    }
}

/// The look itself, for `fire track`.
pub(super) fn seen(look: &Look, place: &Place, ground: &Ground) -> Result<FireLook> {
    let s = &look.scene;
    let [footprint, hidden] = ground.shapes(&place.runner)?;
    let craft = satellite(&s.sensor.platform);
    Ok(FireLook {
        id: s.id.clone(),
        time: s.datetime.unwrap_or_default(),
        instrument: instrument_of(&craft).to_owned(),
        satellite: craft,
        pixel_m: place.pixel_m[0].max(place.pixel_m[1]),
        methods: names(look.methods.iter().fold(0, |a, m| a | m.bit())),
        footprint,
        hidden,
    })
}

fn point(look: &Look, place: &Place, h: &HotPixel) -> Result<FirePoint> {
    let s = &look.scene;
    let lonlat = place.lonlat(look, f64::from(h.col) + 0.5, f64::from(h.row) + 0.5)?;
    let craft = satellite(&s.sensor.platform);
    // found by heat alone: the sensor's own pixel is the one that is hot
    let heat = Method::Thermal.bit() | Method::Sagbt.bit() | Method::Vote.bit();
    let thermal = THERMAL_M.iter().find(|t| t.0 == s.sensor.platform && h.methods & !heat == 0);
    let (instrument, pixel_m) = match thermal {
        Some((_, m)) if craft.ends_with('8') || craft.ends_with('9') => ("TIRS", [*m; 2]),
        Some((_, m)) => (instrument_of(&craft), [*m; 2]),
        None => (instrument_of(&craft), place.pixel_m),
    };
    let time = s.datetime.unwrap_or_default();
    let mut p = FirePoint::new(&craft, instrument, time, lonlat, pixel_m);
    p.confidence = Some(confidence(h.methods, h.sure));
    p.delta_t_k = known(h.delta_k);
    p.day = look.reflects().then_some(true);
    p.method = Some(names(h.methods));
    p.source = s.id.clone();
    Ok(p)
}

fn known(v: f32) -> Option<f64> {
    v.is_finite().then(|| f64::from(v))
}

fn fire(look: &Look, place: &Place, pixels: &[HotPixel]) -> Result<FireCluster> {
    let n = pixels.len() as f64;
    let mean = |f: fn(&HotPixel) -> u32| pixels.iter().map(|p| f64::from(f(p)) + 0.5).sum::<f64>() / n;
    let most = |f: fn(&HotPixel) -> f32| pixels.iter().filter_map(|p| known(f(p))).reduce(f64::max);
    let methods = pixels.iter().fold(0, |a, p| a | p.methods);
    Ok(FireCluster {
        id: 0,
        scene: look.scene.id.clone(),
        time: look.scene.datetime.unwrap_or_default(),
        satellite: satellite(&look.scene.sensor.platform),
        methods: names(methods),
        voices: pixels.iter().map(|p| voices(p.methods)).max().unwrap_or(0),
        confidence: pixels.iter().map(|p| confidence(p.methods, p.sure)).max(),
        pixels: pixels.len() as u64,
        hidden: pixels.iter().filter(|p| !p.clear).count() as u64,
        area_m2: n * place.pixel_m2,
        delta_k: most(|p| p.delta_k),
        kelvin: most(|p| p.kelvin),
        swir2: most(|p| p.swir2),
        lonlat: place.lonlat(look, mean(|p| p.col), mean(|p| p.row))?,
        industrial: None,
    })
}
