//! What was set aside or repaired, and why: never silent.

use std::path::PathBuf;

use crate::error::Text;

/// Why a feature was set aside or repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Short stable code, e.g. `empty_geometry`.
    pub code: &'static str,
    /// For people.
    pub text: Text,
}

/// One feature that could not be used as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// File or data source.
    pub file: PathBuf,
    /// Layer.
    pub layer: String,
    /// Feature id.
    pub fid: i64,
    /// The user's id of the feature, where it has one.
    pub id: Option<String>,
    /// Why.
    pub reason: Reason,
    /// True where the feature was mended and used, false where it was left out.
    pub repaired: bool,
}
