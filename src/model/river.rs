//! Rivers as they come: lines in pieces, or water polygons.

use geo::{LineString, Polygon};
use serde::{Deserialize, Serialize};

/// Rank of a river in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiverClass {
    /// Main stem (干流).
    Main,
    /// Tributary (支流).
    Tributary,
    /// The data does not say.
    Unknown,
}

impl RiverClass {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Tributary => "tributary",
            Self::Unknown => "unknown",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Main => "干流",
            Self::Tributary => "支流",
            Self::Unknown => "未分级",
        }
    }
}

/// Shape of one river feature, lon/lat degrees or projected metres.
#[derive(Debug, Clone, PartialEq)]
pub enum RiverShape {
    /// A piece of a river line.
    Line(LineString<f64>),
    /// A water polygon: distance counts from its bank.
    Water(Polygon<f64>),
}

/// One piece of a river.
#[derive(Debug, Clone, PartialEq)]
pub struct RiverLine {
    /// Feature id in its source.
    pub fid: i64,
    /// Name, where the data has one.
    pub name: Option<String>,
    /// Class.
    pub class: RiverClass,
    /// Geometry.
    pub shape: RiverShape,
}
