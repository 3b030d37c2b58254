//! The Gauss-Krüger grid of CGCS2000: zones, codes, and the projection by its series.
//!
//! Coordinates of layers go through PROJ; the series here serve where a grid must be had for a single point at no
//! cost (the scale factor that turns a grid distance into a true one), and as a second opinion on PROJ in the tests.

use geo::Coord;

/// Semi-major axis of the CGCS2000 ellipsoid in metres (EPSG:1024).
pub const CGCS2000_A: f64 = 6_378_137.0;
/// Flattening of the CGCS2000 ellipsoid (EPSG:1024: 1/f = 298.257222101).
pub const CGCS2000_F: f64 = 1.0 / 298.257_222_101;

/// A 3-degree Gauss-Krüger zone of CGCS2000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GkZone {
    /// Number: central meridian / 3.
    pub number: i32,
    /// Central meridian in degrees east.
    pub central_meridian: f64,
    /// EPSG code of the grid whose eastings begin with the zone number (false easting `number`·10⁶ + 500,000 m);
    /// `None` outside China's zones 25 to 45.
    pub epsg_prefixed: Option<u32>,
    /// EPSG code of the grid without prefix (false easting 500,000 m); `None` outside zones 25 to 45.
    pub epsg_plain: Option<u32>,
}

impl GkZone {
    /// The zone with this number (25 to 45 in China).
    pub fn with_number(number: i32) -> Self {
        // EPSG numbers them in order: 4513 = zone 25, 4534 = CM 75E = zone 25
        let offset = u32::try_from(number - 25).ok().filter(|o| *o <= 20);
        Self {
            number,
            central_meridian: f64::from(number) * 3.0,
            epsg_prefixed: offset.map(|o| 4513 + o),
            epsg_plain: offset.map(|o| 4534 + o),
        }
    }
}

/// The 3-degree zone that the longitude `lon` (degrees east) lies in: the nearest multiple of 3°; a longitude on the
/// border of two zones counts to the eastern one.
pub fn working_zone(lon: f64) -> GkZone {
    GkZone::with_number((lon / 3.0 + 0.5).floor() as i32)
}

/// Where a point falls on the grid, and how the grid is scaled and turned there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridPoint {
    /// Metres east of the central meridian (no false easting).
    pub x: f64,
    /// Metres north of the equator along the grid.
    pub y: f64,
    /// Grid length / ellipsoidal length.
    pub scale: f64,
}

/// Krüger's coefficients α₁ to α₆ (from the conformal to the rectifying latitude) in powers of the third flattening
/// `n`, as in Karney (2011), "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy 85:475, eq. 35.
fn kruger_alpha(n: f64) -> [f64; 6] {
    let poly = |c: &[f64]| c.iter().rev().fold(0.0, |acc, k| acc * n + k);
    [
        n * poly(&[1. / 2., -2. / 3., 5. / 16., 41. / 180., -127. / 288., 7891. / 37800.]),
        n.powi(2) * poly(&[13. / 48., -3. / 5., 557. / 1440., 281. / 630., -1_983_433. / 1_935_360.]),
        n.powi(3) * poly(&[61. / 240., -103. / 140., 15061. / 26880., 167_603. / 181_440.]),
        n.powi(4) * poly(&[49561. / 161_280., -179. / 168., 6_601_661. / 7_257_600.]),
        n.powi(5) * poly(&[34729. / 80640., -3_418_889. / 1_995_840.]),
        n.powi(6) * (212_378_941. / 319_334_400.),
    ]
}

/// Projects `lonlat` (degrees, CGCS2000) on the Gauss-Krüger grid with the given central meridian (degrees) and
/// scale 1, by Krüger's series to the sixth order (Karney 2011, eqs. 7–11, 25 and 35; good to a few nanometres
/// within 3,900 km of the central meridian).
///
/// `None` where the point lies 90° or more from the central meridian, at a pole, or is not finite.
pub fn gauss_kruger(central_meridian: f64, lonlat: Coord<f64>) -> Option<GridPoint> {
    let lambda = (lonlat.x - central_meridian).to_radians();
    let phi = lonlat.y.to_radians();
    if !(lambda.abs() < std::f64::consts::FRAC_PI_2 && phi.abs() < std::f64::consts::FRAC_PI_2) {
        return None;
    }
    let f = CGCS2000_F;
    let n = f / (2.0 - f);
    let e2 = f * (2.0 - f);
    let e = e2.sqrt();
    // radius of the rectifying sphere: quarter meridian / (π/2)
    let a1 = CGCS2000_A / (1.0 + n) * (1.0 + n.powi(2) / 4.0 + n.powi(4) / 64.0 + n.powi(6) / 256.0);
    let tau = phi.tan();
    let sec = 1f64.hypot(tau);
    let sigma = (e * (e * tau / sec).atanh()).sinh();
    let tau1 = tau * 1f64.hypot(sigma) - sigma * sec;
    let xi1 = tau1.atan2(lambda.cos());
    let r = tau1.hypot(lambda.cos());
    let eta1 = (lambda.sin() / r).asinh();
    let (mut xi, mut eta, mut p, mut q) = (xi1, eta1, 1.0, 0.0);
    for (alpha, j2) in kruger_alpha(n).iter().zip([2.0, 4.0, 6.0, 8.0, 10.0, 12.0]) {
        let (s, c) = (j2 * xi1).sin_cos();
        let (sh, ch) = ((j2 * eta1).sinh(), (j2 * eta1).cosh());
        xi += alpha * s * ch;
        eta += alpha * c * sh;
        p += j2 * alpha * c * ch;
        q += j2 * alpha * s * sh;
    }
    let sphere = (1.0 - e2 * phi.sin().powi(2)).sqrt() * sec / r;
    Some(GridPoint { x: a1 * eta, y: a1 * xi, scale: a1 / CGCS2000_A * p.hypot(q) * sphere })
}

/// Grid length / ellipsoidal length at `lonlat` (degrees) on the CGCS2000 grid of `zone`: 1 on the central meridian,
/// 1.0002 at the zone's edge at 40° N. Formula: [`gauss_kruger`]; `None` where that has no value.
pub fn point_scale_factor(zone: GkZone, lonlat: Coord<f64>) -> Option<f64> {
    gauss_kruger(zone.central_meridian, lonlat).map(|g| g.scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_meet_at_half_way() {
        assert_eq!(working_zone(106.8122294).number, 36);
        assert_eq!(working_zone(106.499999).number, 35);
        assert_eq!(working_zone(106.5).number, 36);
        let z = working_zone(108.0);
        assert_eq!((z.epsg_prefixed, z.epsg_plain, z.central_meridian), (Some(4524), Some(4545), 108.0));
        let z = working_zone(104.9);
        assert_eq!((z.epsg_prefixed, z.epsg_plain), (Some(4523), Some(4544)));
        assert_eq!(working_zone(75.0).epsg_prefixed, Some(4513));
        assert_eq!(working_zone(135.0).epsg_plain, Some(4554));
        assert_eq!(working_zone(138.0).epsg_plain, None);
        assert_eq!(working_zone(-3.0).epsg_plain, None);
    }

    #[test]
    fn series_agrees_with_proj_at_wuhai() {
        // echo "106.8122294 39.6646965" | proj -V -f %.9f +proj=tmerc +lon_0=108 +ellps=GRS80 +x_0=500000  (PROJ 9.1.1)
        let g = gauss_kruger(108.0, Coord { x: 106.8122294, y: 39.6646965 }).unwrap();
        assert!((g.x + 500_000.0 - 398_075.960_366_393).abs() < 1e-7, "{g:?}");
        assert!((g.y - 4_392_974.199_117_468).abs() < 1e-7, "{g:?}");
        assert!((g.scale - 1.000_127_85).abs() < 5e-9, "{g:?}");
        assert_eq!(gauss_kruger(108.0, Coord { x: 200.0, y: 0.0 }), None);
    }
}
