//! Landsat's `MTL` text: groups of `KEY = value` (USGS LSDS-1822 and its forerunners).

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};

/// The values of an MTL file by key; groups do not matter, for keys are unique but for those of level 1 that a level 2
/// product repeats, which come last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Mtl {
    values: BTreeMap<String, String>,
}

/// Groups of a level 2 product that repeat what holds for level 1.
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
        let (mut values, mut group) = (BTreeMap::new(), String::new());
        for line in text.lines() {
            // old files are filled up with zero bytes
            let Some((k, v)) = line.trim_matches(['\0', ' ', '\t', '\r']).split_once('=') else { continue };
            let (k, v) = (k.trim(), v.trim().trim_matches('"'));
            match k {
                "GROUP" => group = v.to_owned(),
                "END_GROUP" => group.clear(),
                _ => {
                    if !LEVEL_1.contains(&group.as_str()) {
                        values.insert(k.to_owned(), v.to_owned());
                    } else {
                        values.entry(format!("LEVEL1/{k}")).or_insert_with(|| v.to_owned());
                    }
                }
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
}
