//! Do the coordinates fit the CRS?
use super::ResolvedCrs;
use crate::error::{Result, Text};
/// Degrees.
pub const AREA_MARGIN_DEG: f64 = 0.5;
/// Checks.
pub fn check_extent(_crs: &ResolvedCrs, _bounds: [f64; 4]) -> Result<Vec<Text>> {
    Ok(Vec::new())
}
