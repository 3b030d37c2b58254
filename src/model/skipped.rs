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

/// Codes of remarks on features that are used as they are.
const REMARKS: [&str; 7] =
    ["z_dropped", "curve_linearised", "duplicate_id", "encoding_found", "text_undecodable", "hour_24", "value_unread"];

/// What became of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not used.
    Skipped,
    /// Used after repair.
    Repaired,
    /// Used as it is, with a remark.
    Noted,
}

impl State {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Repaired => "repaired",
            Self::Noted => "noted",
        }
    }
}

impl Skipped {
    /// What became of the feature.
    pub fn state(&self) -> State {
        if !self.repaired {
            State::Skipped
        } else if REMARKS.contains(&self.reason.code) {
            State::Noted
        } else {
            State::Repaired
        }
    }
}
