//! Made-up ground below the scenes: two DEMs with pits and dumps whose volumes are known, five years of NDVI with courses
//! that are known, the units they belong to, and permits.
//!
//! Heights and NDVI are made by additions and multiplications alone, so that every machine makes the same;
//! `scripts/sample_ground_answers.py` counts the answers from the same description without heshan.

use std::path::Path;

use super::scenes::{CORNER, Raster, hash};
use crate::error::Result;
use crate::write::{Staging, text};

/// Folders of the rasters.
const DEMS: &str = "sample_dem";
const SERIES: &str = "sample_ndvi";
/// Units and permits, in longitude and latitude; made by `scripts/sample_ground_answers.py design`.
const UNITS: &str = include_str!("ground_units.geojson");
const PERMITS: &str = include_str!("ground_permits.geojson");

/// Left, top, right, bottom; metres east and south of the corner.
type Rect = [f64; 4];

/// A pit (negative) or dump: a truncated pyramid over a rectangle, its full height and the rise of its sides per metre.
type Form = (Rect, f64, f64);

/// Of each unit its name, and its form on both dates; none where the ground is as it always was.
const FORMS: [(&str, Option<Form>, Option<Form>); 6] = [
    ("G1", Some(([360.0, 300.0, 600.0, 600.0], -10.0, 1.0)), Some(([320.0, 260.0, 880.0, 640.0], -40.0, 1.0))),
    ("G2", Some(([360.0, 1080.0, 780.0, 1380.0], 24.0, 1.0)), Some(([330.0, 1050.0, 810.0, 1410.0], 20.0, 0.36))),
    ("G3", Some(([1150.0, 970.0, 1370.0, 1190.0], -30.0, 1.0)), Some(([1150.0, 970.0, 1370.0, 1190.0], -18.0, 1.0))),
    ("G4", Some(([1520.0, 1340.0, 1780.0, 1600.0], 30.0, 1.0)), Some(([1520.0, 1340.0, 1780.0, 1600.0], 30.0, 1.0))),
    ("G5", None, Some(([1220.0, 320.0, 1540.0, 520.0], -15.0, 1.0))),
    ("G6", Some(([1580.0, 920.0, 1840.0, 1120.0], -25.0, 1.0)), Some(([1580.0, 920.0, 1840.0, 1120.0], -25.0, 1.0))),
];
/// How much too high the later DEM lies everywhere, metres.
const BIAS: f64 = 0.5;
/// Half the range of the noise of each DEM, metres.
const NOISE: f64 = 0.25;

/// A unit's ground and its greenness in the years 2020 to 2024: what is above bare soil at the height of summer. A negative
/// year is that of bare rock from July on.
const GREEN: [(Rect, [f64; 5]); 6] = [
    ([300.0, 240.0, 900.0, 660.0], [0.30, 0.30, -0.30, 0.0, 0.0]),
    ([300.0, 1020.0, 840.0, 1440.0], [0.02, 0.08, 0.14, 0.20, 0.26]),
    ([1140.0, 960.0, 1380.0, 1200.0], [0.02, 0.10, 0.105, 0.105, 0.105]),
    ([1500.0, 1320.0, 1800.0, 1620.0], [0.0; 5]),
    ([1200.0, 300.0, 1560.0, 540.0], [0.30, 0.30, 0.30, -0.30, 0.0]),
    ([1560.0, 900.0, 1860.0, 1140.0], [0.30; 5]),
];
/// NDVI of bare soil, and how green the steppe is above it.
const SOIL: f64 = 0.08;
const STEPPE: f64 = 0.30;
/// Share of the summer's greenness in April to October.
const SEASON: [f64; 7] = [0.35, 0.60, 0.85, 1.00, 0.95, 0.70, 0.40];
/// The look that a cloud hides in part: year, month, and the ground west of this.
const CLOUD: (u32, u32, f64) = (2023, 7, 990.0);

/// Writes rasters, units and permits.
pub(super) fn write(staging: &mut Staging) -> Result<()> {
    text::write_staged(staging, Path::new("ground_units.geojson"), UNITS)?;
    text::write_staged(staging, Path::new("ground_permits.geojson"), PERMITS)?;
    let folder = staging.claim_folder(DEMS)?;
    let dem = Raster { corner: CORNER, metres: 10.0, side: 198 };
    for (later, name) in [(false, "dem_20220715.tif"), (true, "dem_20240720.tif")] {
        let heights: Vec<f32> = dem.places().map(|(x, y)| height(x, y, later) as f32).collect();
        dem.write(&folder.join(name), &heights, Some(-9999.0))?;
    }
    let folder = staging.claim_folder(SERIES)?;
    let ndvi = Raster { corner: CORNER, metres: 60.0, side: 33 };
    for year in 2020..2025 {
        for month in 4..11 {
            let numbers: Vec<i16> = ndvi.places().map(|(x, y)| greenness(x, y, year, month)).collect();
            ndvi.write(&folder.join(format!("ndvi_{year}{month:02}15.tif")), &numbers, Some(-32_768.0))?;
        }
    }
    Ok(())
}

fn inside(r: &Rect, x: f64, y: f64) -> bool {
    (r[0]..r[2]).contains(&x) && (r[1]..r[3]).contains(&y)
}

/// Metres, in steps of 1/16.
fn height(x: f64, y: f64, later: bool) -> f64 {
    let seed = if later { 12 } else { 11 };
    let noise = NOISE * (2.0 * hash(x as u64, y as u64, seed) - 1.0);
    let whole = ground(x, y) + form(x, y, later) + noise + if later { BIAS } else { 0.0 };
    (whole * 16.0 + 0.5).floor() / 16.0
}

/// The ground as it always was: a gentle slope, and ridges along three sides that show how two DEMs lie to each other.
fn ground(x: f64, y: f64) -> f64 {
    let ridge = |t: f64| if (0.0..1.0).contains(&t) { 80.0 * t * (1.0 - t) } else { 0.0 };
    1150.0 + 0.02 * x - 0.01 * y + ridge(y / 240.0) + ridge(x / 300.0) + ridge((y - 1680.0) / 300.0)
}

fn form(x: f64, y: f64, later: bool) -> f64 {
    let of = |(_, before, after): &(&str, Option<Form>, Option<Form>)| if later { *after } else { *before };
    FORMS
        .iter()
        .filter_map(of)
        .map(|(r, h, rise)| {
            let within = (x - r[0]).min(r[2] - x).min(y - r[1]).min(r[3] - y).max(0.0);
            h.signum() * h.abs().min(within * rise)
        })
        .sum()
}

/// NDVI in steps of 0.0001; the nodata number below the cloud.
fn greenness(x: f64, y: f64, year: u32, month: u32) -> i16 {
    if (year, month) == (CLOUD.0, CLOUD.1) && x < CLOUD.2 {
        return i16::MIN;
    }
    let unit = GREEN.iter().find(|(r, _)| inside(r, x, y)).map(|(_, g)| g[(year - 2020) as usize]);
    let green = match unit {
        None => STEPPE,
        Some(g) if g < 0.0 => {
            if month < 7 {
                -g
            } else {
                0.0
            }
        }
        Some(g) => g,
    };
    let noise = 0.01 * (2.0 * hash(x as u64, y as u64, u64::from(year * 100 + month)) - 1.0);
    ((SOIL + green * SEASON[(month - 4) as usize] + noise) * 10_000.0 + 0.5) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Volumes by hand: a truncated pyramid with sides of 1:1 over a × b, h high, holds
    /// h·(a·b − h·(a + b) + 4/3·h²).
    #[test]
    fn forms_hold_what_pyramids_hold() {
        for (name, _, after) in FORMS {
            let Some((r, h, rise)) = after.filter(|f| f.2 == 1.0) else { continue };
            let (a, b, h) = (r[2] - r[0], r[3] - r[1], f64::abs(h) * rise);
            let exact = h * (a * b - h * (a + b) + 4.0 / 3.0 * h * h);
            let dem = Raster { corner: CORNER, metres: 10.0, side: 198 };
            let cells: f64 = dem.places().filter(|(x, y)| inside(&r, *x, *y)).map(|(x, y)| form(x, y, true)).sum();
            // Cells of 10 m cut the slopes into steps, whose means are exact but for the corners (well below a percent) and for
            // a foot of the slope in the middle of a cell: 10 m by a mean of 1.25 m along it.
            let foot = if h % 10.0 == 0.0 { 0.0 } else { 12.5 * 2.0 * (a + b) };
            assert!(
                (cells.abs() * 100.0 - exact).abs() < 0.005 * exact + foot,
                "{name}: {} {exact}",
                cells.abs() * 100.0
            );
        }
    }
}
