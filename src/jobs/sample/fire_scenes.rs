//! A scripted series of scenes in the form of Landsat 8 and 9 (Collection 2 Level 1) with known fires, by day and by night.
//!
//! What is to be found is in `fire_scenes_designed.csv` and in the sample's README, counted from the same script by another
//! program (`scripts/sample_fire_scenes_answers.py`). As in [`super::scenes`], only additions and multiplications of doubles
//! and a hash make the pixels.

use std::path::Path;

use chrono::{Days, NaiveDate};

use super::scenes::{Raster, hash, text, waves};
use crate::error::Result;
use crate::write::Staging;

/// Folder of the scenes.
const FOLDER: &str = "fire_scenes";
/// What is to be found.
const DESIGNED: &str = include_str!("fire_scenes_designed.csv");
/// Pixels: 2.7 km square round a made-up coking plant and dump of the sample's sites.
const RASTER: Raster = Raster { corner: [649_620.0, 4_383_960.0], metres: 30.0, side: 90 };
/// Looks by day, every eight days from 2026-06-08; Landsat 8 and 9 in turn.
const LOOKS: u64 = 8;
const FIRST: NaiveDate = match NaiveDate::from_ymd_opt(2026, 6, 8) {
    Some(d) => d,
    None => NaiveDate::MIN,
};
/// Looks in whose night there is a scene too.
const NIGHTS: [u64; 5] = [0, 2, 4, 6, 7];
/// Height of the sun in degrees, and its sine, by look.
const SUN: [(f64, f64); 8] = [
    (66.0, 0.913_545_457_642_600_9),
    (66.0, 0.913_545_457_642_600_9),
    (66.0, 0.913_545_457_642_600_9),
    (65.0, 0.906_307_787_036_649_9),
    (65.0, 0.906_307_787_036_649_9),
    (64.0, 0.898_794_046_299_167),
    (64.0, 0.898_794_046_299_167),
    (62.0, 0.882_947_592_858_926_9),
];

/// Reflectance of bands 1 to 7 at the top of the atmosphere.
type Cover = [f64; 7];
const STEPPE: Cover = [0.12, 0.11, 0.11, 0.13, 0.22, 0.26, 0.20];
const ROOF: Cover = [0.20, 0.20, 0.21, 0.23, 0.28, 0.30, 0.27];
const CLOUD: Cover = [0.55, 0.55, 0.57, 0.58, 0.60, 0.45, 0.38];
const FLAME: Cover = [0.15, 0.14, 0.12, 0.10, 0.30, 0.70, 1.10];
/// A flame that saturates the sensor: 2.2 µm folds over to low numbers, and `QA_RADSAT` says so.
const FOLDED: Cover = [0.15, 0.14, 0.12, 0.10, 0.65, 1.20, 0.05];

/// Warm ground: first column and row, columns and rows; kelvin above the ground by day and by night in the looks that it is
/// warm in.
struct Warm {
    at: [usize; 4],
    by_day: fn(u64) -> f64,
    by_night: fn(u64) -> f64,
}

fn hot(yes: bool, k: f64) -> f64 {
    if yes { k } else { 0.0 }
}

const WARM: [Warm; 10] = [
    // S1 burns throughout
    Warm { at: [31, 57, 3, 3], by_day: |_| 10.0, by_night: |_| 8.0 },
    // S2 goes out after look 3
    Warm { at: [41, 57, 3, 3], by_day: |k| hot(k <= 3, 10.0), by_night: |k| hot(k <= 3, 8.0) },
    // S3 goes out after look 1 and is back in look 6
    Warm { at: [35, 67, 3, 3], by_day: |k| hot(k <= 1 || k >= 6, 9.0), by_night: |k| hot(k <= 1 || k >= 6, 8.0) },
    // S4 burns, under cloud from look 4 on
    Warm { at: [65, 20, 3, 3], by_day: |_| 11.0, by_night: |_| 9.0 },
    // S5 is a flare of the coking plant
    Warm { at: [24, 30, 3, 3], by_day: |_| 14.0, by_night: |_| 12.0 },
    // S6 is a roof: warm by day alone
    Warm { at: [70, 70, 3, 3], by_day: |_| 9.0, by_night: |_| 0.0 },
    // S7 goes out after look 4
    Warm { at: [8, 70, 3, 3], by_day: |k| hot(k <= 4, 9.0), by_night: |k| hot(k <= 4, 8.0) },
    // S8 is new in look 7
    Warm { at: [60, 45, 3, 3], by_day: |k| hot(k == 7, 12.0), by_night: |k| hot(k == 7, 9.0) },
    // S9 is grass that burns in look 2: the ground is warm round the flames
    Warm { at: [74, 44, 4, 3], by_day: |k| hot(k == 2, 12.0), by_night: |_| 0.0 },
    // S10 burns from look 4 on; the night of that look is cloudy there
    Warm { at: [10, 10, 3, 3], by_day: |k| hot(k >= 4, 10.0), by_night: |k| hot(k >= 4, 8.0) },
];

/// Flames: column, row, what they look like, in which looks.
type Flames = (usize, usize, Cover, fn(u64) -> bool);
const FLAMES: [Flames; 4] =
    [(25, 31, FLAME, |_| true), (26, 31, FOLDED, |_| true), (75, 45, FLAME, |k| k == 2), (76, 45, FLAME, |k| k == 2)];

/// Clouds: columns and rows from and to (exclusive); the looks by day, and by night, that have them.
type Cloud = ([usize; 4], fn(u64) -> bool, fn(u64) -> bool);
const CLOUDS: [Cloud; 3] = [
    ([26, 52, 39, 63], |k| k == 3, |_| false),
    ([55, 10, 81, 33], |k| k >= 4, |_| false),
    ([4, 4, 21, 21], |_| false, |k| k == 4),
];
/// Not recorded in look 5: columns and rows from and to (exclusive).
const GAP: ([usize; 4], u64) = ([0, 62, 21, 90], 5);

/// What the thermal band of a craft counts: K1, K2 and radiance a step; the number that the ground has by day (302 K) and by
/// night (286 K), and steps a kelvin there.
struct Thermal {
    k1: f64,
    k2: f64,
    gain: f64,
    day: (f64, f64),
    night: (f64, f64),
}
const LANDSAT_8: Thermal =
    Thermal { k1: 774.8853, k2: 1321.0789, gain: 3.342e-4, day: (29_277.0, 451.7), night: (22_793.0, 394.5) };
const LANDSAT_9: Thermal =
    Thermal { k1: 799.0284, k2: 1329.2405, gain: 3.8e-4, day: (25_835.0, 401.1), night: (20_083.0, 349.8) };

/// `QA_PIXEL` (USGS LSDS-1619, table 6-3): clear, cloud of high confidence, fill.
const QA: [u16; 3] = [21_824, 22_280, 1];
/// `QA_RADSAT` (table 6-5): bands 6 and 7 saturated.
const SATURATED: u16 = 1 << 5 | 1 << 6;

/// One scene.
struct Shot {
    look: u64,
    night: bool,
}

pub(super) fn write(staging: &mut Staging) -> Result<()> {
    let folder = staging.claim_folder(FOLDER)?;
    let days = (0..LOOKS).map(|look| Shot { look, night: false });
    for s in days.chain(NIGHTS.map(|look| Shot { look, night: true })) {
        let folder = folder.join(s.name());
        std::fs::create_dir(&folder).map_err(|e| crate::write::staging::unwritable(&folder, e))?;
        s.write(&folder)?;
    }
    crate::write::text::write_staged(staging, Path::new("fire_scenes_designed.csv"), DESIGNED)
}

fn inside([c0, r0, c1, r1]: &[usize; 4], c: usize, r: usize) -> bool {
    (*c0..*c1).contains(&c) && (*r0..*r1).contains(&r)
}

impl Shot {
    fn craft(&self) -> u64 {
        8 + self.look % 2
    }

    fn thermal(&self) -> &'static Thermal {
        if self.craft() == 8 { &LANDSAT_8 } else { &LANDSAT_9 }
    }

    fn date(&self) -> NaiveDate {
        FIRST.checked_add_days(Days::new(8 * self.look)).unwrap_or(FIRST)
    }

    fn name(&self) -> String {
        let kind = if self.night { "L1GT_024209" } else { "L1TP_129033" };
        format!("LC0{}_{kind}_{}_SAMPLE", self.craft(), self.date().format("%Y%m%d"))
    }

    fn gap(&self, c: usize, r: usize) -> bool {
        !self.night && self.look == GAP.1 && inside(&GAP.0, c, r)
    }

    fn cloud(&self, c: usize, r: usize) -> bool {
        let has = |x: &Cloud| if self.night { x.2(self.look) } else { x.1(self.look) };
        CLOUDS.iter().any(|x| has(x) && inside(&x.0, c, r))
    }

    fn flame(&self, c: usize, r: usize) -> Option<&'static Cover> {
        let here = |f: &&Flames| (f.0, f.1) == (c, r) && f.3(self.look) && !self.night;
        FLAMES.iter().find(here).map(|f| &f.2)
    }

    /// The noise of a look: −1, 0 or 1, mostly 0, so that the files stay small.
    fn noise(&self, c: usize, r: usize, band: u64) -> f64 {
        let n = hash(c as u64, r as u64, 1000 * (self.look + 1) + 100 * u64::from(self.night) + band);
        if n < 0.1 { -1.0 } else { f64::from(u8::from(n > 0.9)) }
    }

    fn reflected(&self, band: usize, c: usize, r: usize) -> u16 {
        let sine = SUN[self.look as usize % SUN.len()].1;
        let number = |p: f64| ((p * sine + 0.1) / 2e-5) as u64;
        if self.gap(c, r) {
            return 0;
        }
        if let Some(f) = self.flame(c, r).filter(|_| !self.cloud(c, r)) {
            return number(f[band]) as u16;
        }
        let roof = WARM.get(5).is_some_and(|w| inside(&[w.at[0], w.at[1], w.at[0] + 3, w.at[1] + 3], c, r));
        let cover = if self.cloud(c, r) {
            &CLOUD
        } else if roof {
            &ROOF
        } else {
            &STEPPE
        };
        let ground = 1.0 + 0.06 * waves(30.0 * c as f64, 30.0 * r as f64);
        // whole steps of 128
        let coarse = (number(cover[band] * ground) / 128 * 128) as f64;
        (coarse + 128.0 * self.noise(c, r, band as u64)) as u16
    }

    fn warmth(&self, c: usize, r: usize) -> u16 {
        if self.gap(c, r) {
            return 0;
        }
        let (base, step) = if self.night { self.thermal().night } else { self.thermal().day };
        let here = |w: &&Warm| inside(&[w.at[0], w.at[1], w.at[0] + w.at[2], w.at[1] + w.at[3]], c, r);
        let of = |w: &Warm| if self.night { (w.by_night)(self.look) } else { (w.by_day)(self.look) };
        let warm = if self.cloud(c, r) { -30.0 } else { WARM.iter().find(here).map_or(0.0, of) };
        let ground = 1.5 * waves(30.0 * c as f64, 30.0 * r as f64) + 0.25 * self.noise(c, r, 10);
        // whole steps of a quarter of a kelvin
        (base + step * (((warm + ground + 100.0) * 4.0) as u64 as f64 / 4.0 - 100.0)) as u16
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let name = self.name();
        let at = |i: usize| (i % RASTER.side, i / RASTER.side);
        let of = |f: &dyn Fn(usize, usize) -> u16| -> Vec<u16> {
            (0..RASTER.side * RASTER.side).map(|i| f(at(i).0, at(i).1)).collect()
        };
        let file = |band: &str| folder.join(format!("{name}_{band}.TIF"));
        if !self.night {
            for band in 0..7 {
                let pixels = of(&|c, r| self.reflected(band, c, r));
                RASTER.write(&file(&format!("B{}", band + 1)), &pixels, Some(0.0))?;
            }
            let radsat = |c, r| if self.flame(c, r) == Some(&FOLDED) { SATURATED } else { 0 };
            RASTER.write(&file("QA_RADSAT"), &of(&radsat), None)?;
        }
        RASTER.write(&file("B10"), &of(&|c, r| self.warmth(c, r)), Some(0.0))?;
        let qa = of(&|c, r| if self.gap(c, r) { QA[2] } else { QA[usize::from(self.cloud(c, r))] });
        RASTER.write(&file("QA_PIXEL"), &qa, None)?;
        let cloud = qa.iter().filter(|q| **q == QA[1]).count() as f64 / qa.len() as f64;
        text(&folder.join(format!("{name}_MTL.txt")), &self.mtl(&name, 100.0 * cloud))
    }

    fn mtl(&self, name: &str, cloud: f64) -> String {
        let (time, sun, level) = match self.night {
            true => ("14:52:10.0000000Z", -30.0, "L1GT"),
            false => ("03:33:20.0000000Z", SUN[self.look as usize % SUN.len()].0, "L1TP"),
        };
        let (date, craft, t) = (self.date(), self.craft(), self.thermal());
        let mut m = format!(
            "GROUP = LANDSAT_METADATA_FILE\n  GROUP = PRODUCT_CONTENTS\n    LANDSAT_PRODUCT_ID = \"{name}\"\n    PROCESSING_LEVEL = \"{level}\"\n    COLLECTION_NUMBER = 02\n  END_GROUP = PRODUCT_CONTENTS\n  GROUP = IMAGE_ATTRIBUTES\n    SPACECRAFT_ID = \"LANDSAT_{craft}\"\n    DATE_ACQUIRED = {date}\n    SCENE_CENTER_TIME = \"{time}\"\n    CLOUD_COVER = {cloud:.2}\n    SUN_ELEVATION = {sun:.1}\n  END_GROUP = IMAGE_ATTRIBUTES\n  GROUP = LEVEL1_RADIOMETRIC_RESCALING\n    RADIANCE_MULT_BAND_10 = {:e}\n    RADIANCE_ADD_BAND_10 = 0.10000\n",
            t.gain
        );
        for b in 1..=7 {
            m += &format!("    REFLECTANCE_MULT_BAND_{b} = 2.0000E-05\n    REFLECTANCE_ADD_BAND_{b} = -0.100000\n");
        }
        m += &format!(
            "  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING\n  GROUP = LEVEL1_THERMAL_CONSTANTS\n    K1_CONSTANT_BAND_10 = {}\n    K2_CONSTANT_BAND_10 = {}\n  END_GROUP = LEVEL1_THERMAL_CONSTANTS\nEND_GROUP = LANDSAT_METADATA_FILE\nEND\n",
            t.k1, t.k2
        );
        m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_lie_farther_apart_than_their_pixels_reach() {
        // circles round thermal pixels of 100 m and the tolerance: 156.4 m, 5.2 pixels between middles
        for (i, a) in WARM.iter().enumerate() {
            for b in &WARM[..i] {
                let apart = |k: usize| {
                    let (low, high) = if a.at[k] < b.at[k] { (a.at, b.at) } else { (b.at, a.at) };
                    (high[k] + 1).saturating_sub(low[k] + low[k + 2])
                };
                assert!(apart(0).max(apart(1)) >= 6, "{:?} {:?}", a.at, b.at);
            }
        }
        let sines = SUN.iter().all(|(degrees, sine)| (degrees.to_radians().sin() - sine).abs() < 1e-15);
        assert!(sines);
    }
}
