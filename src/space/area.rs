//! Areas on the ellipsoid, as the national land survey counts them.

use geo::{LineString, MultiPolygon};
use geographiclib_rs::{PolygonArea, Winding};

use super::frame::{Metric, ellipsoid};
use crate::units::SquareMetres;

/// Area on the CGCS2000 ellipsoid of polygons in lon/lat degrees: geodesic polygons (Karney 2013,
/// doi 10.1007/s00190-012-0578-z), long edges divided first because they are straight in lon/lat; holes count off
/// whatever the direction of their rings. Zero for an empty shape.
pub fn ellipsoidal(shape: &MultiPolygon<f64>) -> SquareMetres {
    let of = |p: &geo::Polygon<f64>| ring_m2(p.exterior()) - p.interiors().iter().map(ring_m2).sum::<f64>();
    SquareMetres(shape.0.iter().map(of).sum())
}

fn ring_m2(ring: &LineString<f64>) -> f64 {
    let mut area = PolygonArea::new(ellipsoid(), Winding::CounterClockwise);
    for w in ring.0.windows(2) {
        area.add_point(w[0].y, w[0].x);
        for c in Metric::Geodesic.between(w[0], w[1]) {
            area.add_point(c.y, c.x);
        }
    }
    area.compute(true).1.abs()
}

/// Area in the plane of projected coordinates, metres.
pub fn planar(shape: &MultiPolygon<f64>) -> SquareMetres {
    use geo::Area;
    SquareMetres(shape.0.iter().map(|p| p.unsigned_area()).sum())
}
