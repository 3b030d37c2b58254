//! Landsat 4 to 9: Collection 2 Level 2, and Level 1 of all times.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::files_in;
use super::mtl::Mtl;
use crate::error::{Error, Result};
use crate::model::{Asset, Calibration, MaskRule, Role, Scene, Sensor};

/// Solar irradiance at the top of the atmosphere, W m⁻² µm⁻¹ (Chander et al. 2009, Remote Sensing of Environment 113,
/// tables 2 and 3: TM and ETM+ ESUN), by role blue, green, red, nir, swir1, swir2.
fn esun(craft: u32) -> Option<[f64; 6]> {
    match craft {
        4 => Some([1983.0, 1795.0, 1539.0, 1028.0, 219.8, 83.49]),
        5 => Some([1983.0, 1796.0, 1536.0, 1031.0, 220.0, 83.44]),
        7 => Some([1997.0, 1812.0, 1533.0, 1039.0, 230.8, 84.90]),
        _ => None,
    }
}

/// Constants of the thermal band where the MTL does not tell them (Chander et al. 2009, table 5).
fn thermal(craft: u32) -> Option<(f64, f64)> {
    match craft {
        4 => Some((671.62, 1284.30)),
        5 => Some((607.76, 1260.56)),
        7 => Some((666.09, 1282.71)),
        _ => None,
    }
}

/// Scaling of Collection 2 Level 2 products (USGS LSDS-1619): reflectance, and surface temperature in K.
const SR: (f64, f64) = (2.75e-5, -0.2);
const ST: (f64, f64) = (0.003_418_02, 149.0);

/// Names of a craft's bands by role.
fn bands(craft: u32) -> Vec<(Role, &'static [&'static str])> {
    use Role::{Blue, Coastal, Green, Nir, Red, Swir1, Swir2, Tir, Tir2};
    if craft >= 8 {
        vec![
            (Blue, &["2"]),
            (Green, &["3"]),
            (Red, &["4"]),
            (Nir, &["5"]),
            (Swir1, &["6"]),
            (Swir2, &["7"]),
            (Tir, &["10", "ST_B10"]),
            (Coastal, &["1"]),
            (Tir2, &["11"]),
        ]
    } else {
        // the thermal band of ETM+ comes twice, the low gain first
        let tir: &[&str] = if craft == 7 { &["6_VCID_1", "ST_B6"] } else { &["6", "ST_B6"] };
        vec![
            (Blue, &["1"]),
            (Green, &["2"]),
            (Red, &["3"]),
            (Nir, &["4"]),
            (Swir1, &["5"]),
            (Swir2, &["7"]),
            (Tir, tir),
        ]
    }
}

/// The scene of an MTL file.
pub(super) fn scene(mtl: &Path) -> Result<Scene> {
    let m = Mtl::read(mtl)?;
    let unfit = |en: String, zh: String| Error::input(en, zh).in_file(mtl);
    let name = m.text("SPACECRAFT_ID").unwrap_or_default();
    // “LANDSAT_8”, and “Landsat5” in files from before 2012
    let craft = name.chars().last().and_then(|c| c.to_digit(10)).filter(|n| matches!(n, 4 | 5 | 7 | 8 | 9));
    let Some(craft) = craft else {
        return Err(unfit(format!("the craft {name} is not known"), format!("未知卫星 {name}")));
    };
    let files = files_in(mtl.parent().unwrap_or(Path::new(".")))?;
    let level2 = m.text("PROCESSING_LEVEL").is_some_and(|l| l.starts_with("L2"));
    let level = ["PROCESSING_LEVEL", "DATA_TYPE", "PRODUCT_TYPE"].iter().find_map(|k| m.text(k));
    let calibrated = Calibrator { m: &m, craft, level2, date: date(&m) };
    // by night there is no reflectance, and the numbers of those bands mean nothing here
    let night = !level2 && m.number("SUN_ELEVATION").is_some_and(|e| e <= 0.0);
    let mut assets = Vec::new();
    for (k, (role, names)) in bands(craft).into_iter().enumerate() {
        let Some(source) = names.iter().find_map(|n| band_file(&m, &files, n, level2)) else { continue };
        if night && !matches!(role, Role::Tir | Role::Tir2) {
            continue;
        }
        let n = names[0];
        let calibration = calibrated.of(role, n, k).ok_or_else(|| {
            unfit(format!("the MTL does not tell how band {n} is calibrated"), format!("MTL 中没有波段 {n} 的定标参数"))
        })?;
        let top = m.number(&format!("QUANTIZE_CAL_MAX_BAND_{n}"));
        let top = if level2 { None } else { top.or_else(|| m.number(&format!("QCALMAX_BAND{n}"))) };
        let saturated = top.or(if level2 { None } else { Some(if craft >= 8 { 65_535.0 } else { 255.0 }) });
        assets.push(Asset { role, source, band: 0, calibration, nodata: Some(0.0), saturated });
    }
    if assets.iter().all(|a| !night && matches!(a.role, Role::Tir | Role::Tir2)) {
        return Err(unfit("none of the bands it names is beside it".into(), "其列出的波段文件均不在同一文件夹".into()));
    }
    let (mask, qa) = quality(&m, &files, craft);
    if let Some(source) = qa {
        let calibration = Calibration::None;
        assets.push(Asset { role: Role::Qa, source, band: 0, calibration, nodata: None, saturated: None });
    }
    if let Some(source) = ending(&files, "_QA_RADSAT") {
        let calibration = Calibration::None;
        assets.push(Asset { role: Role::Radsat, source, band: 0, calibration, nodata: None, saturated: None });
    }
    let id = ["LANDSAT_PRODUCT_ID", "LANDSAT_SCENE_ID"].iter().find_map(|k| m.text(k));
    let stem = || mtl.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Scene {
        id: id.map_or_else(stem, str::to_owned),
        datetime: datetime(&m),
        sensor: Sensor { platform: format!("landsat-{craft}"), level: level.unwrap_or_default().to_owned() },
        assets,
        mask,
        boa_offset: None,
        cloud_cover: m.number("CLOUD_COVER"),
    })
}

struct Calibrator<'a> {
    m: &'a Mtl,
    craft: u32,
    level2: bool,
    date: Option<NaiveDate>,
}

impl Calibrator<'_> {
    /// Calibration of a band; `k` is its place among the roles.
    fn of(&self, role: Role, n: &str, k: usize) -> Option<Calibration> {
        let m = self.m;
        if self.level2 {
            let (default, mult, add) = if matches!(role, Role::Tir | Role::Tir2) {
                (ST, format!("TEMPERATURE_MULT_BAND_ST_B{n}"), format!("TEMPERATURE_ADD_BAND_ST_B{n}"))
            } else {
                (SR, format!("REFLECTANCE_MULT_BAND_{n}"), format!("REFLECTANCE_ADD_BAND_{n}"))
            };
            let (scale, offset) = (m.number(&mult).unwrap_or(default.0), m.number(&add).unwrap_or(default.1));
            return Some(Calibration::Linear { scale, offset });
        }
        if matches!(role, Role::Tir | Role::Tir2) {
            let (gain, bias) = self.radiance(n)?;
            let told = m.number(&format!("K1_CONSTANT_BAND_{n}")).zip(m.number(&format!("K2_CONSTANT_BAND_{n}")));
            let (k1, k2) = told.or_else(|| thermal(self.craft))?;
            return Some(Calibration::Brightness { gain, bias, k1, k2 });
        }
        let sine = m.number("SUN_ELEVATION").map(|e| e.to_radians().sin()).filter(|s| *s > 0.0)?;
        let told = m.number(&format!("REFLECTANCE_MULT_BAND_{n}")).zip(m.number(&format!("REFLECTANCE_ADD_BAND_{n}")));
        if let Some((mult, add)) = told {
            // USGS LSDS-1574: reflectance at the top of the atmosphere, corrected for the height of the sun
            return Some(Calibration::Linear { scale: mult / sine, offset: add / sine });
        }
        let (gain, bias) = self.radiance(n)?;
        let d = m.number("EARTH_SUN_DISTANCE").or_else(|| self.date.map(sun_distance))?;
        let f = std::f64::consts::PI * d * d / (esun(self.craft)?.get(k)? * sine);
        Some(Calibration::Linear { scale: gain * f, offset: bias * f })
    }

    /// Radiance per step and at zero; from `LMAX` and `LMIN` in files of before 2012.
    fn radiance(&self, n: &str) -> Option<(f64, f64)> {
        let m = self.m;
        let told = m.number(&format!("RADIANCE_MULT_BAND_{n}")).zip(m.number(&format!("RADIANCE_ADD_BAND_{n}")));
        told.or_else(|| {
            let old = |k: &str| m.number(&format!("{k}_BAND{n}"));
            let (lmax, lmin, qmax, qmin) = (old("LMAX")?, old("LMIN")?, old("QCALMAX")?, old("QCALMIN")?);
            let gain = (lmax - lmin) / (qmax - qmin);
            Some((gain, lmin - gain * qmin))
        })
    }
}

/// Distance of the sun in astronomical units (Astronomical Almanac, low precision formulas: error below 0.0001).
fn sun_distance(date: NaiveDate) -> f64 {
    let n = f64::from(date.num_days_from_ce() - 730_120);
    let g = (357.528 + 0.985_600_3 * n).to_radians();
    1.00014 - 0.01671 * g.cos() - 0.00014 * (2.0 * g).cos()
}

/// File of a band: as the MTL names it, else the one in the folder whose name ends so.
fn band_file(m: &Mtl, files: &[PathBuf], n: &str, level2: bool) -> Option<PathBuf> {
    let old = format!("BAND{n}_FILE_NAME");
    let keys = [format!("FILE_NAME_BAND_{n}"), old];
    let named = keys.iter().find_map(|k| m.text(k));
    if let Some(f) = named.and_then(|n| files.iter().find(|f| f.file_name().is_some_and(|x| x == n))) {
        return Some(f.clone());
    }
    let ends: Vec<String> = if n.starts_with("ST_") {
        vec![format!("_{n}")]
    } else if level2 {
        vec![format!("_SR_B{n}")]
    } else {
        vec![format!("_B{n}"), format!("_B{n}0")]
    };
    ends.iter().find_map(|e| ending(files, e))
}

fn ending(files: &[PathBuf], end: &str) -> Option<PathBuf> {
    let fits = |f: &&PathBuf| {
        let tiff = f.extension().is_some_and(|x| x.eq_ignore_ascii_case("tif") || x.eq_ignore_ascii_case("tiff"));
        tiff && f.file_stem().is_some_and(|s| s.to_string_lossy().to_ascii_uppercase().ends_with(end))
    };
    files.iter().find(fits).cloned()
}

/// How clouds are told, and the band that tells them.
fn quality(m: &Mtl, files: &[PathBuf], craft: u32) -> (MaskRule, Option<PathBuf>) {
    if let Some(f) = ending(files, "_QA_PIXEL") {
        return (MaskRule::QaPixel, Some(f));
    }
    let Some(f) = ending(files, "_BQA") else { return (MaskRule::None, None) };
    if m.text("COLLECTION_NUMBER").is_some() {
        (MaskRule::BqaCollection1, Some(f))
    } else if craft >= 8 {
        (MaskRule::BqaPreCollection, Some(f))
    } else {
        (MaskRule::None, None)
    }
}

fn date(m: &Mtl) -> Option<NaiveDate> {
    ["DATE_ACQUIRED", "ACQUISITION_DATE"].iter().find_map(|k| NaiveDate::parse_from_str(m.text(k)?, "%Y-%m-%d").ok())
}

fn datetime(m: &Mtl) -> Option<DateTime<Utc>> {
    let time = ["SCENE_CENTER_TIME", "SCENE_CENTER_SCAN_TIME"].iter().find_map(|k| {
        // tenths of microseconds, more than is of use here
        let t: String = m.text(k)?.chars().take(8).collect();
        NaiveTime::parse_from_str(&t, "%H:%M:%S").ok()
    })?;
    Some(date(m)?.and_time(time).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sun_is_as_far_as_the_almanac_says() {
        // Chander et al. 2009, table 6: day 1 0.98331, day 186 1.01672 (aphelion), day 227 1.01281
        for (y, day, d) in [(2007, 1, 0.98331), (2007, 186, 1.01672), (1988, 227, 1.01281)] {
            let date = NaiveDate::from_yo_opt(y, day).unwrap();
            assert!((sun_distance(date) - d).abs() < 2e-4, "{date} {}", sun_distance(date));
        }
    }
}
