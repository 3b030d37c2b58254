//! Made-up scenes: a pair of Landsat 8 and a pair of Sentinel-2, named and calibrated as the archives do it, with
//! changes that are known to the pixel.
//!
//! Only additions and multiplications of doubles and a hash make the pixels, so that every machine makes the same.

use std::path::Path;

use crate::error::Result;
use crate::model::{Crs, Grid, Window};
use crate::write::Staging;
use crate::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead, TILE, Writable};

/// Folder of the scenes.
pub(super) const FOLDER: &str = "sample_scenes";
/// North-west corner, EPSG:32648: some steppe west of Wuhai, which these pixels do not show.
pub(super) const CORNER: [f64; 2] = [640_020.0, 4_390_020.0];
const CRS: &str = "EPSG:32648";

/// What covers the ground: reflectance of blue, green, red, nir, swir1, swir2, and kelvins.
type Cover = [f64; 7];
const STEPPE: Cover = [0.07, 0.10, 0.12, 0.24, 0.26, 0.20, 308.0];
const BARE: Cover = [0.14, 0.18, 0.22, 0.27, 0.34, 0.31, 314.0];
const WATER: Cover = [0.05, 0.07, 0.05, 0.03, 0.02, 0.01, 296.0];
const PLANTS: Cover = [0.03, 0.06, 0.05, 0.35, 0.18, 0.09, 303.0];
const CLOUD: Cover = [0.55, 0.57, 0.58, 0.60, 0.45, 0.38, 280.0];

/// A rectangle of ground, metres east and south of the corner: left, top, right, bottom; its cover before and after.
/// All edges are multiples of 60 m, so that they are edges of pixels of both sensors.
const CHANGES: [([f64; 4], Cover, Cover); 5] = [
    // an open pit grows into the steppe
    ([300.0, 240.0, 900.0, 660.0], STEPPE, BARE),
    // another, with a pond that is there on both dates
    ([1200.0, 300.0, 1560.0, 540.0], STEPPE, BARE),
    // an old dump is planted
    ([300.0, 1020.0, 840.0, 1440.0], BARE, PLANTS),
    // a pit that was bare fills with water
    ([1140.0, 960.0, 1380.0, 1200.0], BARE, WATER),
    // bare and so it stays
    ([1500.0, 1320.0, 1800.0, 1620.0], BARE, BARE),
];
/// The cloud of the later date: its middle, and its radius; of cells of 60 m, so that its edge is one of pixels too.
const CLOUD_AT: [f64; 3] = [1530.0, 420.0, 200.0];

/// One date of one sensor.
struct Date {
    /// Folder, and name of the product.
    name: &'static str,
    later: bool,
    seed: u64,
}

/// Pixels of a sensor's files: north-west corner in EPSG:32648, metres, and how many in a row.
pub(super) struct Raster {
    pub corner: [f64; 2],
    pub metres: f64,
    pub side: usize,
}

/// What a pixel shows.
struct Look {
    cover: Cover,
    cloud: bool,
}

pub(super) fn write(staging: &mut Staging) -> Result<()> {
    let folder = staging.claim_folder(FOLDER)?;
    let made = |d: &Path| std::fs::create_dir(d).map_err(|e| crate::write::staging::unwritable(d, e));
    for d in [
        Date { name: "LC08_L2SP_129033_20220715_SAMPLE", later: false, seed: 1 },
        Date { name: "LC08_L2SP_129033_20240720_SAMPLE", later: true, seed: 2 },
    ] {
        let folder = folder.join(d.name);
        made(&folder)?;
        landsat(&folder, &d)?;
    }
    for d in [
        Date { name: "S2A_MSIL2A_20210718_SAMPLE.SAFE", later: false, seed: 3 },
        Date { name: "S2B_MSIL2A_20240722_SAMPLE.SAFE", later: true, seed: 4 },
    ] {
        let folder = folder.join(d.name);
        made(&folder)?;
        sentinel2(&folder, &d)?;
    }
    Ok(())
}

/// Collection 2 Level 2: numbers of 2.75e-5 less 0.2, kelvins of 0.00341802 above 149, and `QA_PIXEL`.
fn landsat(folder: &Path, d: &Date) -> Result<()> {
    let r = Raster { corner: CORNER, metres: 30.0, side: 66 };
    for (k, band) in ["SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "ST_B10"].iter().enumerate() {
        let number = |v: f64| if k < 6 { (v + 0.2) / 2.75e-5 } else { (v - 149.0) / 0.003_418_02 };
        let pixels = r.pixels(d, |l, noise| {
            number(if k < 6 { l.cover[k] * noise } else { l.cover[k] + 8.0 * (noise - 1.0) }) as u16
        });
        r.write(&folder.join(format!("{}_{band}.TIF", d.name)), &pixels, Some(0.0))?;
    }
    // USGS LSDS-1619, table 6-3: clear, and cloud of high confidence
    let qa = r.pixels(d, |l, _| if l.cloud { 22_280u16 } else { 21_824 });
    r.write(&folder.join(format!("{}_QA_PIXEL.TIF", d.name)), &qa, None)?;
    let (date, cloud) = if d.later { ("2024-07-20", r.share(&qa, 22_280)) } else { ("2022-07-15", 0.0) };
    let mut mtl = format!(
        "GROUP = LANDSAT_METADATA_FILE\n  GROUP = PRODUCT_CONTENTS\n    LANDSAT_PRODUCT_ID = \"{}\"\n    PROCESSING_LEVEL = \"L2SP\"\n    COLLECTION_NUMBER = 02\n  END_GROUP = PRODUCT_CONTENTS\n  GROUP = IMAGE_ATTRIBUTES\n    SPACECRAFT_ID = \"LANDSAT_8\"\n    DATE_ACQUIRED = {date}\n    SCENE_CENTER_TIME = \"03:33:20.0000000Z\"\n    CLOUD_COVER = {cloud:.2}\n  END_GROUP = IMAGE_ATTRIBUTES\n  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS\n",
        d.name
    );
    for b in 2..=7 {
        mtl += &format!("    REFLECTANCE_MULT_BAND_{b} = 2.75e-05\n    REFLECTANCE_ADD_BAND_{b} = -0.2\n");
    }
    mtl += "  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS\n  GROUP = LEVEL2_SURFACE_TEMPERATURE_PARAMETERS\n    TEMPERATURE_MULT_BAND_ST_B10 = 0.00341802\n    TEMPERATURE_ADD_BAND_ST_B10 = 149.0\n  END_GROUP = LEVEL2_SURFACE_TEMPERATURE_PARAMETERS\nEND_GROUP = LANDSAT_METADATA_FILE\nEND\n";
    text(&folder.join(format!("{}_MTL.txt", d.name)), &mtl)
}

/// Level 2A: the earlier date of a baseline without an offset, the later with −1000, as reprocessed archives mix them.
fn sentinel2(folder: &Path, d: &Date) -> Result<()> {
    let offset = if d.later { -1000.0 } else { 0.0 };
    let of = |metres, side| Raster { corner: CORNER, metres, side };
    let (ten, twenty) = (of(10.0, 198), of(20.0, 99));
    for (k, band, r) in [
        (1, "B03_10m", &ten),
        (2, "B04_10m", &ten),
        (3, "B08_10m", &ten),
        (4, "B11_20m", &twenty),
        (5, "B12_20m", &twenty),
    ] {
        let pixels = r.pixels(d, |l, noise| (l.cover[k] * noise * 10_000.0 - offset) as u16);
        r.write(&folder.join(format!("T48SXJ_SAMPLE_{band}.tif")), &pixels, Some(0.0))?;
    }
    let scl = twenty.pixels(d, |l, _| if l.cloud { 9u8 } else { 5 });
    twenty.write(&folder.join("T48SXJ_SAMPLE_SCL_20m.tif"), &scl, Some(0.0))?;
    let (craft, date, baseline) =
        if d.later { ("Sentinel-2B", "2024-07-22", "05.10") } else { ("Sentinel-2A", "2021-07-18", "03.01") };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<n1:Level-2A_User_Product xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd\">\n<n1:General_Info><Product_Info>\n<PRODUCT_START_TIME>{date}T03:25:39.024Z</PRODUCT_START_TIME><PRODUCT_URI>{}</PRODUCT_URI>\n<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>\n<Datatake><SPACECRAFT_NAME>{craft}</SPACECRAFT_NAME></Datatake></Product_Info><Product_Image_Characteristics>\n<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit=\"none\">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>\n",
        d.name
    );
    if d.later {
        xml += "<BOA_ADD_OFFSET_VALUES_LIST>";
        for b in 0..13 {
            xml += &format!("<BOA_ADD_OFFSET band_id=\"{b}\">-1000</BOA_ADD_OFFSET>");
        }
        xml += "</BOA_ADD_OFFSET_VALUES_LIST>\n";
    }
    xml += "</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>\n";
    text(&folder.join("MTD_MSIL2A.xml"), &xml)
}

pub(super) fn text(path: &Path, s: &str) -> Result<()> {
    std::fs::write(path, s).map_err(|e| crate::write::staging::unwritable(path, e))
}

impl Raster {
    /// Middles of the pixels, row by row: metres east and south of the corner.
    pub fn places(&self) -> impl Iterator<Item = (f64, f64)> {
        let (metres, side) = (self.metres, self.side);
        let middle = move |i: usize| (i as f64 + 0.5) * metres;
        (0..side * side).map(move |i| (middle(i % side), middle(i / side)))
    }

    fn pixels<T>(&self, d: &Date, of: impl Fn(&Look, f64) -> T) -> Vec<T> {
        self.places().map(|(x, y)| of(&look(x, y, d.later), texture(x, y, d.seed))).collect()
    }

    /// Percent of the pixels that are so.
    fn share(&self, pixels: &[u16], value: u16) -> f64 {
        100.0 * pixels.iter().filter(|p| **p == value).count() as f64 / (self.side * self.side) as f64
    }

    pub(super) fn write<T: Writable>(&self, path: &Path, pixels: &[T], nodata: Option<f64>) -> Result<()> {
        let crs = Crs { definition: CRS.into(), code: Some(CRS.into()), name: CRS.into() };
        let transform = [self.corner[0], self.metres, 0.0, self.corner[1], 0.0, -self.metres];
        let head = RasterHead {
            grid: Grid { transform, width: self.side, height: self.side, crs: Some(crs) },
            bands: vec![BandHead { description: String::new(), scale: 1.0, offset: 0.0 }],
            nodata,
            overviews: Overviews::None,
            packing: Packing::Deflate,
            metadata: vec![("NOTE".into(), "made up by heshan sample; shows no real place".into())],
        };
        let mut cog = Cog::<T>::create(path, head.clone())?;
        let whole = head.grid.window();
        for w in Window::tiles(&head.grid, TILE) {
            debug_assert_eq!(w, whole, "scenes of one tile");
            cog.put(head.encode(0, w, pixels))?;
        }
        cog.finish().map(|_| ())
    }
}

/// What lies at a place, metres east and south of the corner.
fn look(x: f64, y: f64, later: bool) -> Look {
    let inside = |r: &[f64; 4]| (r[0]..r[2]).contains(&x) && (r[1]..r[3]).contains(&y);
    let change = CHANGES.iter().find(|(r, ..)| inside(r));
    let cover = change.map_or(STEPPE, |(_, before, after)| if later { *after } else { *before });
    let middle = |v: f64| 60.0 * ((v / 60.0) as u64) as f64 + 30.0;
    let (dx, dy) = (middle(x) - CLOUD_AT[0], middle(y) - CLOUD_AT[1]);
    let cloud = later && dx * dx + dy * dy < CLOUD_AT[2] * CLOUD_AT[2];
    Look { cover: if cloud { CLOUD } else { cover }, cloud }
}

/// A factor near 1: the same slow waves of the ground on all dates, and the noise of the one.
fn texture(x: f64, y: f64, seed: u64) -> f64 {
    1.0 + 0.06 * waves(x, y) + 0.01 * (hash(x as u64, y as u64, seed) - 0.5)
}

/// Values at corners of cells of 240 m, bilinear between them, −1 to 1.
pub(super) fn waves(x: f64, y: f64) -> f64 {
    let (u, v) = (x / 240.0, y / 240.0);
    let (i, j) = (u as u64, v as u64);
    let (s, t) = (u - i as f64, v - j as f64);
    let at = |i, j| 2.0 * hash(i, j, 99) - 1.0;
    (at(i, j) * (1.0 - s) + at(i + 1, j) * s) * (1.0 - t) + (at(i, j + 1) * (1.0 - s) + at(i + 1, j + 1) * s) * t
}

/// 0 to 1, the same for the same numbers (SplitMix64's finaliser, Steele et al. 2014).
pub(super) fn hash(a: u64, b: u64, c: u64) -> f64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ c.wrapping_mul(0x1656_67b1_9e37_79f9);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_changes_are_edges_of_pixels_of_both_sensors() {
        for (r, ..) in CHANGES {
            assert!(r.iter().all(|v| v % 60.0 == 0.0), "{r:?}");
            assert!(r[0] < r[2] && r[1] < r[3] && r[2] <= 1980.0 && r[3] <= 1980.0);
        }
        let n: usize = (0..10_000).filter(|i| hash(*i, 3, 1) < 0.5).count();
        assert!((4800..5200).contains(&n), "{n}");
    }
}
