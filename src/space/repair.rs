//! Repair of polygons (interim: GEOS).
use geo::MultiPolygon;

use crate::error::Result;

/// A repaired polygon.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// Shape.
    pub shape: MultiPolygon<f64>,
    /// GEOS was needed.
    pub via_geos: bool,
    /// Differs from the input.
    pub changed: bool,
}

/// Repairs.
///
/// # Errors
/// Where GEOS cannot.
pub fn repair(shape: &MultiPolygon<f64>) -> Result<Repaired> {
    let g = super::clip::to_gdal(shape)?;
    let v = g.make_valid(&gdal::cpl::CslStringList::new()).map_err(|e| super::clip::geos_failed(&e.to_string()))?;
    Ok(Repaired { shape: super::clip::from_gdal(&v)?, via_geos: true, changed: true })
}
