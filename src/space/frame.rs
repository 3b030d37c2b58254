//! A local plane for one site, in which distances are true.
//!
//! Geodesic metric: the ellipsoidal azimuthal equidistant plane centred on the site. Each point is taken to
//! earth-centred coordinates, seen from the centre (east, north, up), and moved out radially from the chord to the
//! arc of the normal section, whose radius in azimuth α is Euler's 1/R = cos²α/M + sin²α/N
//! (Torge & Müller 2012, Geodesy, 4.1.3). Distances from the centre are exact to 0.2 mm at 100 km; between two points
//! at most 10 km from the centre they are exact to better than 5 mm, at most 5 km to better than 1 mm
//! (tests below, against Karney's geodesics).
//!
//! Planar metric: the given projected coordinates, moved so that the centre is the origin.

use geo::Coord;
use geographiclib_rs::{Geodesic, InverseGeodesic};

/// Semi-major axis of GRS80 / CGCS2000 in metres (GB 22021-2008).
pub const SEMI_MAJOR_M: f64 = 6_378_137.0;
/// Flattening of CGCS2000 (1 / 298.257222101).
pub const FLATTENING: f64 = 1.0 / 298.257_222_101;
const E2: f64 = FLATTENING * (2.0 - FLATTENING);

/// How distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// True distance on the CGCS2000 ellipsoid; coordinates are lon/lat degrees.
    #[default]
    Geodesic,
    /// Euclidean distance in the input's projected CRS; coordinates are metres.
    Planar,
}

impl Metric {
    /// Distance in metres between two points in the metric's coordinates (Karney 2013 for geodesics).
    pub fn distance_m(self, a: Coord<f64>, b: Coord<f64>) -> f64 {
        match self {
            Self::Geodesic => geodesic_m(a, b),
            Self::Planar => (a.x - b.x).hypot(a.y - b.y),
        }
    }
}

/// Longest edge in longitude/latitude that is taken for straight in a local plane, metres: an edge straight in
/// longitude/latitude leaves the geodesic by L²·tan φ / 8N, which is 0.9 mm at 50° N for 200 m.
const STRAIGHT_M: f64 = 200.0;

impl Metric {
    /// True where an edge is surely short enough not to be divided by [`Metric::between`]; costs no sine.
    pub fn straight(self, a: Coord<f64>, b: Coord<f64>) -> bool {
        const SHORT_DEG: f64 = STRAIGHT_M / 111_700.0 / std::f64::consts::SQRT_2;
        self == Self::Planar || (b.x - a.x).abs() < SHORT_DEG && (b.y - a.y).abs() < SHORT_DEG
    }

    /// Points that divide the edge from `a` to `b` into parts straight in a local plane, `a` and `b` left out.
    ///
    /// Edges are straight in their coordinates (OGC 06-103r4, 6.1.2.1), so only longitude/latitude needs it.
    pub fn between(self, a: Coord<f64>, b: Coord<f64>) -> impl Iterator<Item = Coord<f64>> {
        let parts = match self {
            Self::Planar => 1,
            Self::Geodesic => {
                let cos = a.y.abs().min(b.y.abs()).to_radians().cos();
                let m = ((b.x - a.x) * cos * 111_320.0).hypot((b.y - a.y) * 111_700.0);
                (m / STRAIGHT_M).ceil().clamp(1.0, 1e6) as usize
            }
        };
        (1..parts).map(move |k| a + (b - a) * (k as f64 / parts as f64))
    }
}

/// The CGCS2000 ellipsoid for Karney's geodesics.
pub fn ellipsoid() -> &'static Geodesic {
    static G: std::sync::OnceLock<Geodesic> = std::sync::OnceLock::new();
    G.get_or_init(|| Geodesic::new(SEMI_MAJOR_M, FLATTENING))
}

/// Length in metres of the geodesic between two lon/lat points (Karney 2013, doi 10.1007/s00190-012-0578-z).
pub fn geodesic_m(a: Coord<f64>, b: Coord<f64>) -> f64 {
    ellipsoid().inverse(a.y, a.x, b.y, b.x)
}

/// Earth-centred earth-fixed coordinates in metres, on the ellipsoid's surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ecef {
    x: f64,
    y: f64,
    z: f64,
}

impl Ecef {
    /// For planar metrics, which use none.
    pub const NONE: Self = Self { x: 0.0, y: 0.0, z: 0.0 };

    /// Straight distance through the earth in metres; for 5 km it is 0.2 mm short of the arc.
    pub fn chord_m(&self, other: &Self) -> f64 {
        let (x, y, z) = (self.x - other.x, self.y - other.y, self.z - other.z);
        (x * x + y * y + z * z).sqrt()
    }

    /// Of a lon/lat point in degrees.
    pub fn of(lonlat: Coord<f64>) -> Self {
        let (sl, cl) = lonlat.x.to_radians().sin_cos();
        let (sp, cp) = lonlat.y.to_radians().sin_cos();
        let n = SEMI_MAJOR_M / (1.0 - E2 * sp * sp).sqrt();
        Self { x: n * cp * cl, y: n * cp * sl, z: n * (1.0 - E2) * sp }
    }
}

/// A local plane; the origin is its centre, x east and y north (or the CRS's axes), metres.
#[derive(Debug, Clone)]
pub struct Frame {
    center: Coord<f64>,
    geodesic: Option<Tangent>,
}

#[derive(Debug, Clone)]
struct Tangent {
    origin: Ecef,
    /// Sine and cosine of the centre's latitude, and N there.
    lat: [f64; 2],
    n: f64,
    east: [f64; 2],
    north: [f64; 3],
    up: [f64; 3],
    inv_m: f64,
    inv_n: f64,
    deg_x: f64,
    deg_y: f64,
}

impl Frame {
    /// The plane centred on `center` (lon/lat degrees or projected metres, as the metric has it).
    pub fn new(metric: Metric, center: Coord<f64>) -> Self {
        let geodesic = (metric == Metric::Geodesic).then(|| {
            let (sl, cl) = center.x.to_radians().sin_cos();
            let (sp, cp) = center.y.to_radians().sin_cos();
            let w2 = 1.0 - E2 * sp * sp;
            let n = SEMI_MAJOR_M / w2.sqrt();
            let m = n * (1.0 - E2) / w2;
            Tangent {
                origin: Ecef::of(center),
                lat: [sp, cp],
                n,
                east: [-sl, cl],
                north: [-sp * cl, -sp * sl, cp],
                up: [cp * cl, cp * sl, sp],
                inv_m: 1.0 / m,
                inv_n: 1.0 / n,
                deg_x: 1.0 / (n * cp.max(1e-6)).to_radians(),
                deg_y: 1.0 / m.to_radians(),
            }
        });
        Self { center, geodesic }
    }

    /// Centre in the metric's coordinates.
    pub fn center(&self) -> Coord<f64> {
        self.center
    }

    /// Into the plane.
    pub fn forward(&self, p: Coord<f64>) -> Coord<f64> {
        match &self.geodesic {
            None => p - self.center,
            Some(t) => t.forward_near(self.center, p),
        }
    }

    /// Gaussian curvature at the centre, 1/m²; 0 in a planar frame.
    ///
    /// An area in the plane is too large by the share of `K r²/6` at distance r: geodesic circles on a curved surface
    /// have the circumference 2πr (1 − K r²/6) (do Carmo 1976, 4-6).
    pub fn curvature(&self) -> f64 {
        self.geodesic.as_ref().map_or(0.0, |t| t.inv_m * t.inv_n)
    }

    /// Into the plane, for a point whose earth-centred coordinates are at hand (ignored by the planar metric).
    pub fn forward_ecef(&self, p: Coord<f64>, ecef: Ecef) -> Coord<f64> {
        match &self.geodesic {
            None => p - self.center,
            Some(t) => t.forward(ecef),
        }
    }

    /// Back to the metric's coordinates (converges to 1e-9 m within a few hundred kilometres of the centre).
    pub fn inverse(&self, local: Coord<f64>) -> Coord<f64> {
        let Some(t) = &self.geodesic else { return local + self.center };
        let mut p = Coord { x: self.center.x + local.x * t.deg_x, y: self.center.y + local.y * t.deg_y };
        for _ in 0..8 {
            let r = local - t.forward_near(self.center, p);
            p = Coord { x: p.x + r.x * t.deg_x, y: p.y + r.y * t.deg_y };
            if r.x.abs() + r.y.abs() < 1e-9 {
                break;
            }
        }
        p
    }
}

/// Sine and cosine of a small angle (below [`NEAR_RAD`]) as series: true to the last bit or two, and without a call
/// into the C library, so that loops over vertices stay in vector registers.
fn sin_cos_small(x: f64) -> (f64, f64) {
    let q = x * x;
    let sin = x * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
    let cos = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
    (sin, cos)
}

/// Differences of longitude and latitude up to this go through [`sin_cos_small`] (0.05^11 / 11! is 1e-22).
const NEAR_RAD: f64 = 0.05;

impl Tangent {
    /// Of a point in degrees; the centre's own sine and cosine serve for those of points near it.
    fn forward_near(&self, center: Coord<f64>, p: Coord<f64>) -> Coord<f64> {
        let (dl, dp) = ((p.x - center.x).to_radians(), (p.y - center.y).to_radians());
        if !(dl.abs() < NEAR_RAD && dp.abs() < NEAR_RAD) {
            return self.forward(Ecef::of(p));
        }
        let ((sl, cl), (sd, cd)) = (sin_cos_small(dl), sin_cos_small(dp));
        let [s0, c0] = self.lat;
        let (sp, cp) = (s0 * cd + c0 * sd, c0 * cd - s0 * sd);
        let n = SEMI_MAJOR_M / (1.0 - E2 * sp * sp).sqrt();
        // towards the centre's meridian, and along the axis
        let x = n * cp * cl - self.n * c0;
        let z = (1.0 - E2) * (n * sp - self.n * s0);
        self.plane(n * cp * sl, c0 * z - s0 * x, c0 * x + s0 * z)
    }

    fn forward(&self, p: Ecef) -> Coord<f64> {
        let (dx, dy, dz) = (p.x - self.origin.x, p.y - self.origin.y, p.z - self.origin.z);
        let e = self.east[0] * dx + self.east[1] * dy;
        let n = self.north[0] * dx + self.north[1] * dy + self.north[2] * dz;
        let u = self.up[0] * dx + self.up[1] * dy + self.up[2] * dz;
        self.plane(e, n, u)
    }

    /// Moves a point seen from the centre (east, north, up) out from the chord to the arc.
    fn plane(&self, e: f64, n: f64, u: f64) -> Coord<f64> {
        let h2 = e * e + n * n;
        if h2 == 0.0 {
            return Coord { x: 0.0, y: 0.0 };
        }
        let inv_r = (n * n * self.inv_m + e * e * self.inv_n) / h2;
        let c2 = h2 + u * u;
        let q = c2 * inv_r * inv_r; // (chord / R)²; arc = 2R asin(chord / 2R) as a series
        let arc = c2.sqrt() * (1.0 + q / 24.0 + 3.0 * q * q / 640.0);
        let k = arc / h2.sqrt();
        Coord { x: e * k, y: n * k }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metres_off(lon: f64, lat: f64, east_m: f64, north_m: f64) -> Coord<f64> {
        Frame::new(Metric::Geodesic, Coord { x: lon, y: lat }).inverse(Coord { x: east_m, y: north_m })
    }

    proptest! {
        #[test]
        fn distances_from_the_centre_are_geodesics(lon in 103.5..109.5f64, lat in 34.0..42.0f64, dx in -1e5..1e5f64, dy in -1e5..1e5f64) {
            let c = Coord { x: lon, y: lat };
            let p = metres_off(lon, lat, dx, dy);
            prop_assert!((geodesic_m(c, p) - dx.hypot(dy)).abs() < 1e-3, "{}", geodesic_m(c, p) - dx.hypot(dy));
        }

        #[test]
        fn distances_near_the_centre_are_geodesics(lon in 103.5..109.5f64, lat in 34.0..42.0f64,
            ax in -3.5e3..3.5e3f64, ay in -3.5e3..3.5e3f64, bx in -3.5e3..3.5e3f64, by in -3.5e3..3.5e3f64) {
            let (a, b) = (metres_off(lon, lat, ax, ay), metres_off(lon, lat, bx, by));
            let plane = (ax - bx).hypot(ay - by);
            prop_assert!((geodesic_m(a, b) - plane).abs() < 1e-3, "{}", geodesic_m(a, b) - plane);
        }
    }

    proptest! {
        // the two ways into the plane are one
        #[test]
        fn series_and_library_agree(lon in 73.0..136.0f64, lat in 3.0..54.0f64, dx in -2.8..2.8f64, dy in -2.8..2.8f64) {
            let c = Coord { x: lon, y: lat };
            let (f, p) = (Frame::new(Metric::Geodesic, c), Coord { x: lon + dx, y: (lat + dy).clamp(-89.0, 89.0) });
            let (a, b) = (f.forward(p), f.forward_ecef(p, Ecef::of(p)));
            prop_assert!((a.x - b.x).hypot(a.y - b.y) < 1e-8, "{a:?} {b:?}");
        }
    }

    #[test]
    fn planar_frame_is_a_shift() {
        let f = Frame::new(Metric::Planar, Coord { x: 100.0, y: 50.0 });
        assert_eq!(f.forward(Coord { x: 103.0, y: 54.0 }), Coord { x: 3.0, y: 4.0 });
        assert_eq!(f.inverse(Coord { x: 3.0, y: 4.0 }), Coord { x: 103.0, y: 54.0 });
    }
}
