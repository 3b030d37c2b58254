//! Validity of polygons (interim: GEOS's verdict).
use geo::{Coord, MultiPolygon};

use crate::error::Text;

/// What is wrong with a polygon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Edges cross.
    SelfIntersection,
}

impl Reason {
    /// Code.
    pub fn code(self) -> &'static str {
        "self_intersection"
    }
    /// Text.
    pub fn text(self) -> Text {
        Text::new("Self-intersection", "自相交")
    }
    /// Invalid by OGC.
    pub fn invalid(self) -> bool {
        true
    }
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub at: Coord<f64>,
    /// Part.
    pub part: usize,
    /// Ring.
    pub ring: usize,
}

/// All faults.
pub fn faults(shape: &MultiPolygon<f64>) -> Vec<Fault> {
    let valid = super::clip::to_gdal(shape).is_ok_and(|g| g.is_valid());
    let at = shape.0.first().and_then(|p| p.exterior().0.first().copied()).unwrap_or_default();
    if valid { Vec::new() } else { vec![Fault { reason: Reason::SelfIntersection, at, part: 0, ring: 0 }] }
}
