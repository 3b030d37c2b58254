//! Scenes: what a satellite saw at one time, band by band.

use chrono::{DateTime, Utc};

/// What a band shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// About 0.44 µm (coastal aerosol).
    Coastal,
    /// About 0.48 µm.
    Blue,
    /// About 0.56 µm.
    Green,
    /// About 0.66 µm.
    Red,
    /// About 0.86 µm; the wide band (0.84 µm) where a sensor has two.
    Nir,
    /// The narrow band at 0.865 µm of a sensor that has a wide one too (Sentinel-2's 8A).
    NirNarrow,
    /// About 1.6 µm.
    Swir1,
    /// About 2.2 µm.
    Swir2,
    /// About 10.9 µm.
    Tir,
    /// About 12.0 µm.
    Tir2,
    /// Bits or classes that tell cloud, shadow and snow.
    Qa,
    /// Bits that tell which bands were saturated (Landsat Collection 2 `QA_RADSAT`).
    Radsat,
}

impl Role {
    /// True for bands of bits or classes, which are no quantity.
    pub fn is_quality(self) -> bool {
        matches!(self, Self::Qa | Self::Radsat)
    }

    /// All roles.
    pub const ALL: [Self; 12] = [
        Self::Coastal,
        Self::Blue,
        Self::Green,
        Self::Red,
        Self::Nir,
        Self::NirNarrow,
        Self::Swir1,
        Self::Swir2,
        Self::Tir,
        Self::Tir2,
        Self::Qa,
        Self::Radsat,
    ];

    /// Name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coastal => "coastal",
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Red => "red",
            Self::Nir => "nir",
            Self::NirNarrow => "nir_narrow",
            Self::Swir1 => "swir1",
            Self::Swir2 => "swir2",
            Self::Tir => "tir",
            Self::Tir2 => "tir2",
            Self::Qa => "qa",
            Self::Radsat => "radsat",
        }
    }

    /// The role of a name (`nir08` as STAC's eo extension has it, too).
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "coastal" => Self::Coastal,
            "blue" => Self::Blue,
            "green" => Self::Green,
            "red" => Self::Red,
            "nir" | "nir08" => Self::Nir,
            "nir_narrow" => Self::NirNarrow,
            "swir1" | "swir16" => Self::Swir1,
            "swir2" | "swir22" => Self::Swir2,
            "tir" | "lwir" | "lwir11" | "thermal" => Self::Tir,
            "tir2" | "lwir12" => Self::Tir2,
            "qa" | "qa_pixel" | "scl" | "bqa" => Self::Qa,
            "radsat" | "qa_radsat" => Self::Radsat,
            _ => return None,
        })
    }
}

/// From the numbers of a file to a physical quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calibration {
    /// Bits or classes: no quantity.
    None,
    /// `pixel · scale + offset`: reflectance, or K for a thermal band; scale 1 and offset 0 leave the numbers alone.
    Linear {
        /// Factor.
        scale: f64,
        /// Addend.
        offset: f64,
    },
    /// Brightness temperature in K by Planck's law: `k2 / ln(k1 / (pixel · gain + bias) + 1)`.
    Brightness {
        /// Radiance per step.
        gain: f64,
        /// Radiance at zero.
        bias: f64,
        /// First constant, W m⁻² sr⁻¹ µm⁻¹.
        k1: f64,
        /// Second constant, K.
        k2: f64,
    },
}

/// One band of a scene: where it is and what its numbers mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// What it shows.
    pub role: Role,
    /// File, or GDAL name.
    pub source: std::path::PathBuf,
    /// Band of the file, from 0.
    pub band: usize,
    /// What its numbers mean.
    pub calibration: Calibration,
    /// The pixel that stands for “no data”, where the file does not tag it.
    pub nodata: Option<f64>,
    /// The pixel from which on the sensor was saturated.
    pub saturated: Option<f64>,
}

/// How clouds and the like are told from the `qa` band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskRule {
    /// There is no such band: every pixel with data counts as seen.
    None,
    /// Landsat Collection 2 `QA_PIXEL` (bits 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 shadow, 5 snow).
    QaPixel,
    /// Landsat Collection 1 `BQA` (bits 0 fill, 2–3 saturation, 4 cloud, 5–6 cloud, 7–8 shadow, 9–10 snow, 11–12 cirrus
    /// confidence).
    BqaCollection1,
    /// Landsat 8 before collections, `BQA` (bit 0 fill; 10–11 snow, 12–13 cirrus, 14–15 cloud confidence).
    BqaPreCollection,
    /// Sentinel-2 scene classification (0, 1, 3, 8, 9, 10, 11 are masked).
    Scl,
}

impl MaskRule {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::QaPixel => "qa_pixel",
            Self::BqaCollection1 => "bqa_collection1",
            Self::BqaPreCollection => "bqa_precollection",
            Self::Scl => "scl",
        }
    }

    /// The rule of a name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::None, Self::QaPixel, Self::BqaCollection1, Self::BqaPreCollection, Self::Scl]
            .into_iter()
            .find(|r| r.as_str() == name)
    }
}

/// Which satellite and level a scene comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// As STAC names platforms: `landsat-8`, `sentinel-2a`; `generic` where unknown.
    pub platform: String,
    /// `L2SP`, `L1TP`, `L2A`, `L1C`, …; empty where unknown.
    pub level: String,
}

/// One scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Name of the product.
    pub id: String,
    /// When it was taken.
    pub datetime: Option<DateTime<Utc>>,
    /// By what.
    pub sensor: Sensor,
    /// Its bands.
    pub assets: Vec<Asset>,
    /// How its clouds are told.
    pub mask: MaskRule,
    /// Sentinel-2: the offset that was added to its numbers (−1000 from baseline 04.00 on, 0 before); `None` for other
    /// sensors, and where the product's own metadata do not tell.
    pub boa_offset: Option<f64>,
    /// Cloud cover of the product, percent.
    pub cloud_cover: Option<f64>,
}

impl Scene {
    /// The band of a role.
    pub fn asset(&self, role: Role) -> Option<&Asset> {
        self.assets.iter().find(|a| a.role == role)
    }

    /// True for Sentinel-2, whose numbers carry an offset or not.
    pub fn is_sentinel2(&self) -> bool {
        self.sensor.platform.starts_with("sentinel-2")
    }
}
