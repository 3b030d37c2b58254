//! Landsat's `MTL` text: groups of `KEY = value` (USGS LSDS-1822 and its forerunners).

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};

/// The values of an MTL file by key; groups do not matter, for keys are unique but for those that hold for level 1: a level 2
/// product repeats them, and they say nothing of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Mtl {
    values: BTreeMap<String, String>,
}

/// Groups of Collection 2 that hold for level 1.
const LEVEL_1: [&str; 5] = [
    "LEVEL1_PROCESSING_RECORD",
    "LEVEL1_MIN_MAX_RADIANCE",
    "LEVEL1_MIN_MAX_REFLECTANCE",
    "LEVEL1_MIN_MAX_PIXEL_VALUE",
    "LEVEL1_RADIOMETRIC_RESCALING",
];

impl Mtl {
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)
            .map_err(|e| Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}")).in_file(path))?;
        let m = Self::parse(&String::from_utf8_lossy(&bytes));
        if m.text("SPACECRAFT_ID").is_none() {
            return Err(Error::input(
                "it is no Landsat MTL file (SPACECRAFT_ID is missing)",
                "不是 Landsat MTL 文件(缺 SPACECRAFT_ID)",
            )
            .in_file(path));
        }
        Ok(m)
    }

    fn parse(text: &str) -> Self {
        let (mut values, mut level_1, mut group) = (BTreeMap::new(), BTreeMap::new(), String::new());
        for line in text.lines() {
            // old files are filled up with zero bytes
            let Some((k, v)) = line.trim_matches(['\0', ' ', '\t', '\r']).split_once('=') else { continue };
            let (k, v) = (k.trim(), v.trim().trim_matches('"'));
            match k {
                "GROUP" => group = v.to_owned(),
                "END_GROUP" => group.clear(),
                _ => {
                    let list = if LEVEL_1.contains(&group.as_str()) { &mut level_1 } else { &mut values };
                    list.insert(k.to_owned(), v.to_owned());
                }
            }
        }
        if !values.get("PROCESSING_LEVEL").is_some_and(|l: &String| l.starts_with("L2")) {
            // what a product says of itself comes before its record of processing
            for (k, v) in level_1 {
                values.entry(k).or_insert(v);
            }
        }
        Self { values }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.text(key)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_level_1_do_not_hide_those_of_level_2() {
        let m = Mtl::parse(
            "GROUP = A\n  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS\n    REFLECTANCE_MULT_BAND_4 = 2.75e-05\n  END_GROUP = L\n  GROUP = LEVEL1_RADIOMETRIC_RESCALING\n    REFLECTANCE_MULT_BAND_4 = 2.0000E-05\n  END_GROUP = B\nSPACECRAFT_ID = \"LANDSAT_8\"\nEND\n\0\0",
        );
        assert_eq!(m.number("REFLECTANCE_MULT_BAND_4"), Some(2.75e-5));
        assert_eq!(m.text("SPACECRAFT_ID"), Some("LANDSAT_8"));
    }

    #[test]
    fn a_level_1_product_of_collection_2_tells_its_calibration_in_groups_of_level_1() {
        // groups and order as in LC08_L1GT_120038_20210105_20210105_02_RT_MTL.txt
        let text = |level: &str| {
            Mtl::parse(&format!(
                "GROUP = LANDSAT_METADATA_FILE\n  GROUP = PRODUCT_CONTENTS\n    LANDSAT_PRODUCT_ID = \"A\"\n    PROCESSING_LEVEL = \"{level}\"\n  END_GROUP = PRODUCT_CONTENTS\n  GROUP = LEVEL1_PROCESSING_RECORD\n    LANDSAT_PRODUCT_ID = \"B\"\n    PROCESSING_LEVEL = \"L1TP\"\n  END_GROUP = LEVEL1_PROCESSING_RECORD\n  GROUP = LEVEL1_MIN_MAX_PIXEL_VALUE\n    QUANTIZE_CAL_MAX_BAND_7 = 65535\n  END_GROUP = LEVEL1_MIN_MAX_PIXEL_VALUE\n  GROUP = LEVEL1_RADIOMETRIC_RESCALING\n    REFLECTANCE_MULT_BAND_7 = 2.0000E-05\n  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING\nEND_GROUP = LANDSAT_METADATA_FILE\nEND\n"
            ))
        };
        let m = text("L1GT");
        assert_eq!((m.text("LANDSAT_PRODUCT_ID"), m.text("PROCESSING_LEVEL")), (Some("A"), Some("L1GT")));
        assert_eq!(
            (m.number("REFLECTANCE_MULT_BAND_7"), m.number("QUANTIZE_CAL_MAX_BAND_7")),
            (Some(2e-5), Some(65_535.0))
        );
        assert_eq!(text("L2SP").number("REFLECTANCE_MULT_BAND_7"), None);
    }
}
