//! Sentinel-2 L1C and L2A: `.SAFE` folders, and folders of single bands.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::generic::dated;
use crate::error::{Error, Result};
use crate::model::{Asset, Calibration, MaskRule, Role, Scene, Sensor};

/// Reflectance steps of 1 in the products (`BOA_QUANTIFICATION_VALUE`, `QUANTIFICATION_VALUE`), where not told.
const QUANTIFICATION: f64 = 10_000.0;
/// Pixels of saturated detectors (`SPECIAL_VALUE_INDEX` of `SATURATED` in all products).
const SATURATED: f64 = 65_535.0;

/// Bands by role, the sharpest first.
const BANDS: [(Role, &[&str]); 8] = [
    (Role::Blue, &["B02"]),
    (Role::Green, &["B03"]),
    (Role::Red, &["B04"]),
    (Role::Nir, &["B08", "B8A"]),
    (Role::NirNarrow, &["B8A"]),
    (Role::Swir1, &["B11"]),
    (Role::Swir2, &["B12"]),
    (Role::Qa, &["SCL"]),
];

/// Order of the physical bands in `band_id` and `bandId` attributes (B01 … B8, B8A, B9, B10, B11, B12).
const BAND_IDS: [&str; 13] =
    ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"];

/// The product's metadata file in a folder.
pub(super) fn metadata_file(folder: &Path) -> Option<PathBuf> {
    ["MTD_MSIL2A.xml", "MTD_MSIL1C.xml"].iter().map(|n| folder.join(n)).find(|p| p.exists())
}

/// True where files are named as bands of Sentinel-2 are: two of them at least.
pub(super) fn has_bands(files: &[PathBuf]) -> bool {
    BANDS.iter().filter(|(r, b)| *r != Role::Qa && b.iter().any(|b| !named(files, b).is_empty())).count() >= 2
}

/// Images whose name says that they hold this band: `…_B04`, `…_B04_10m`, `B04`.
fn named<'a>(files: &'a [PathBuf], band: &str) -> Vec<&'a PathBuf> {
    let fits = |f: &&PathBuf| {
        let image = f.extension().is_some_and(|x| ["jp2", "tif", "tiff"].iter().any(|e| x.eq_ignore_ascii_case(e)));
        let stem = f.file_stem().map(|s| s.to_string_lossy().to_ascii_uppercase()).unwrap_or_default();
        image && stem.split('_').any(|part| part == band)
    };
    files.iter().filter(fits).collect()
}

/// What the product's metadata tell.
#[derive(Debug, Default, PartialEq)]
struct Product {
    uri: Option<String>,
    level: Option<String>,
    craft: Option<String>,
    start: Option<DateTime<Utc>>,
    baseline: Option<String>,
    quantification: Option<f64>,
    /// Offsets by number of the band.
    offsets: Vec<(usize, f64)>,
    cloud_cover: Option<f64>,
}

impl Product {
    fn parse(xml: &str) -> Self {
        let (mut p, mut reader) = (Self::default(), Reader::from_str(xml));
        let (mut name, mut band) = (String::new(), None);
        loop {
            match reader.read_event() {
                Ok(Event::Start(e)) => {
                    name = e.local_name().as_ref().to_owned();
                    band = e
                        .attributes()
                        .flatten()
                        .find(|a| a.key.as_ref() == "band_id")
                        .and_then(|a| a.value.parse::<usize>().ok());
                }
                Ok(Event::Text(t)) if !t.trim().is_empty() => p.take(&name, t.trim(), band),
                Ok(Event::End(_)) => name.clear(),
                Ok(Event::Eof) | Err(_) => return p,
                _ => {}
            }
        }
    }

    fn take(&mut self, name: &str, text: &str, band: Option<usize>) {
        match name {
            "PRODUCT_URI" => self.uri = Some(text.trim_end_matches(".SAFE").to_owned()),
            "PROCESSING_LEVEL" => self.level = Some(text.replace("Level-", "L")),
            "SPACECRAFT_NAME" => self.craft = Some(text.to_ascii_lowercase()),
            "PRODUCT_START_TIME" => self.start = text.parse().ok(),
            "PROCESSING_BASELINE" => self.baseline = Some(text.to_owned()),
            "BOA_QUANTIFICATION_VALUE" | "QUANTIFICATION_VALUE" => self.quantification = text.parse().ok(),
            "Cloud_Coverage_Assessment" => self.cloud_cover = text.parse().ok(),
            "BOA_ADD_OFFSET" | "RADIO_ADD_OFFSET" => {
                if let (Some(b), Ok(v)) = (band, text.parse()) {
                    self.offsets.push((b, v));
                }
            }
            _ => {}
        }
    }

    /// The offset of a band: as told; zero where the product has a baseline and tells none, for then it is an old one.
    fn offset(&self, band: &str) -> Option<f64> {
        let n = BAND_IDS.iter().position(|b| *b == band);
        let told = self.offsets.iter().find(|(b, _)| Some(*b) == n).map(|o| o.1);
        told.or_else(|| (self.offsets.is_empty() && self.baseline.is_some()).then_some(0.0))
    }
}

/// The scene of a product's folder, or of a folder of bands.
pub(super) fn scene(folder: &Path) -> Result<Scene> {
    let product = match metadata_file(folder) {
        Some(f) => {
            let xml = std::fs::read_to_string(&f)
                .map_err(|e| Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}")).in_file(&f))?;
            Some(Product::parse(&xml))
        }
        None => None,
    };
    let mut files = Vec::new();
    collect(folder, 0, &mut files);
    let quantification = product.as_ref().and_then(|p| p.quantification).unwrap_or(QUANTIFICATION);
    let (mut assets, mut boa_offset) = (Vec::new(), None);
    for (role, bands) in BANDS {
        let found = bands.iter().find_map(|b| sharpest(&files, b).map(|f| (*b, f)));
        let Some((band, source)) = found else { continue };
        let offset = product.as_ref().and_then(|p| p.offset(band));
        if role != Role::Qa {
            boa_offset = boa_offset.or(offset);
        }
        let calibration = match role {
            Role::Qa => Calibration::None,
            _ => Calibration::Linear { scale: 1.0 / quantification, offset: offset.unwrap_or(0.0) / quantification },
        };
        let (nodata, saturated) = if role == Role::Qa { (None, None) } else { (Some(0.0), Some(SATURATED)) };
        assets.push(Asset { role, source, band: 0, calibration, nodata, saturated });
    }
    if assets.iter().all(|a| a.role == Role::Qa) {
        return Err(Error::input("no band of the product was found", "未找到产品的任何波段")
            .in_file(folder)
            .remedy("unpack the whole product (GRANULE/*/IMG_DATA)", "请完整解压产品(GRANULE/*/IMG_DATA)"));
    }
    let p = product.unwrap_or_default();
    // “.” has no name of its own
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let name = real.file_name().map(|n| n.to_string_lossy().trim_end_matches(".SAFE").to_owned()).unwrap_or_default();
    let stem = assets[0].source.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Scene {
        datetime: p.start.or_else(|| dated(&name)).or_else(|| dated(&stem)),
        id: p.uri.clone().unwrap_or(name),
        sensor: Sensor {
            platform: p.craft.clone().unwrap_or_else(|| "sentinel-2".into()),
            level: p.level.clone().unwrap_or_default(),
        },
        mask: if assets.iter().any(|a| a.role == Role::Qa) { MaskRule::Scl } else { MaskRule::None },
        assets,
        boa_offset,
        cloud_cover: p.cloud_cover,
    })
}

/// The file of a band with the smallest pixels: the one whose name ends in `_10m`, then `_20m`, then `_60m`.
fn sharpest(files: &[PathBuf], band: &str) -> Option<PathBuf> {
    let rank = |f: &PathBuf| {
        let s = f.file_stem().map(|s| s.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        ["_10m", "_20m", "_60m"].iter().position(|e| s.ends_with(e)).unwrap_or(0)
    };
    named(files, band).into_iter().min_by_key(|f| (rank(f), (*f).clone())).cloned()
}

/// Files below a product's folder; masks and previews (`QI_DATA`) are no bands.
fn collect(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for e in entries {
        if e.is_dir() {
            let skip = e.file_name().is_some_and(|n| n == "QI_DATA" || n == "AUX_DATA" || n == "rep_info");
            if depth < 5 && !skip {
                collect(&e, depth + 1, out);
            }
        } else {
            out.push(e);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<n1:Level-2A_User_Product xmlns:n1="x"><n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2023-05-01T03:25:39.024Z</PRODUCT_START_TIME><PRODUCT_URI>S2A_X.SAFE</PRODUCT_URI>
<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PROCESSING_BASELINE>05.09</PROCESSING_BASELINE>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake></Product_Info><Product_Image_Characteristics>
<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
<BOA_ADD_OFFSET_VALUES_LIST><BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET></BOA_ADD_OFFSET_VALUES_LIST>
</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>"#;

    #[test]
    fn the_offset_is_the_products_own() {
        let p = Product::parse(XML);
        assert_eq!((p.level.as_deref(), p.craft.as_deref()), (Some("L2A"), Some("sentinel-2a")));
        assert_eq!(p.offset("B04"), Some(-1000.0));
        // told for others but not for this one: unknown, not zero
        assert_eq!(p.offset("B08"), None);
        let old = Product { baseline: Some("02.09".into()), ..Product::default() };
        assert_eq!(old.offset("B04"), Some(0.0));
        assert_eq!(Product::default().offset("B04"), None);
    }

    #[test]
    fn the_sharpest_file_of_a_band() {
        let f: Vec<PathBuf> = ["R20m/T_B04_20m.jp2", "R10m/T_B04_10m.jp2", "T_B8A_20m.jp2"].map(PathBuf::from).into();
        assert_eq!(sharpest(&f, "B04"), Some(f[1].clone()));
        assert_eq!(sharpest(&f, "B08"), None);
        assert!(has_bands(&f));
    }
}
