//! Which CRS a definition stands for: by its code, by China's tables, and by PROJ's own search.

use super::pj::{Conversion, Pj};

/// A geodetic datum, as far as this program must tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datum {
    /// China Geodetic Coordinate System 2000 (2000国家大地坐标系).
    Cgcs2000,
    /// World Geodetic System 1984, or a realisation of the ITRS.
    Wgs84,
    /// 1980西安坐标系.
    Xian1980,
    /// 1954年北京坐标系.
    Beijing1954,
    /// 新1954年北京坐标系 (整体平差).
    NewBeijing,
    /// Any other.
    Other,
}

impl Datum {
    /// EPSG code of its two-dimensional geographic CRS.
    pub fn geographic_code(self) -> Option<u32> {
        match self {
            Self::Cgcs2000 => Some(4490),
            Self::Wgs84 => Some(4326),
            Self::Xian1980 => Some(4610),
            Self::Beijing1954 => Some(4214),
            Self::NewBeijing => Some(4555),
            Self::Other => None,
        }
    }

    /// True where longitude and latitude may be taken over as CGCS2000 unchanged: CGCS2000 itself, and WGS 84, whose
    /// realisations and CGCS2000 all follow the ITRS (they differ by plate motion since 2000.0, below a metre or so).
    pub fn is_cgcs2000_within_a_metre(self) -> bool {
        matches!(self, Self::Cgcs2000 | Self::Wgs84)
    }

    /// (semi-major axis, inverse flattening) of its ellipsoid.
    fn ellipsoid(self) -> Option<(f64, f64)> {
        match self {
            Self::Cgcs2000 => Some((6_378_137.0, 298.257_222_101)),
            Self::Wgs84 => Some((6_378_137.0, 298.257_223_563)),
            Self::Xian1980 => Some((6_378_140.0, 298.257)),
            Self::Beijing1954 | Self::NewBeijing => Some((6_378_245.0, 298.3)),
            Self::Other => None,
        }
    }

    /// First EPSG codes of its Gauss-Krüger grids:
    /// (3-degree prefixed from zone 25, 3-degree plain from 75E, 6-degree prefixed from zone 13, 6-degree plain).
    fn grid_codes(self) -> Option<[u32; 4]> {
        match self {
            Self::Cgcs2000 => Some([4513, 4534, 4491, 4502]),
            Self::Xian1980 => Some([2349, 2370, 2327, 2338]),
            Self::Beijing1954 => Some([2401, 2422, 21413, 21453]),
            _ => None,
        }
    }
}

/// Letters and digits only, in lower case: how names of datums are compared.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The datum that a name of a datum, geographic CRS or projected CRS speaks of.
fn datum_in_name(name: &str) -> Option<Datum> {
    let n = folded(name);
    let has = |keys: &[&str]| keys.iter().any(|k| n.contains(k));
    if has(&["newbeijing", "新北京", "新1954", "新54"]) {
        Some(Datum::NewBeijing)
    } else if has(&["china2000", "cgcs2000", "chinageodeticcoordinatesystem2000", "2000国家大地", "国家2000"]) {
        Some(Datum::Cgcs2000)
    } else if has(&["xian1980", "xian80", "1980西安", "西安1980", "西安80", "80西安"]) {
        Some(Datum::Xian1980)
    } else if has(&["beijing1954", "beijing54", "1954年北京", "北京1954", "北京54", "54北京"]) {
        Some(Datum::Beijing1954)
    } else if has(&["wgs1984", "wgs84", "worldgeodeticsystem1984", "itrf", "internationalterrestrialreference"]) {
        Some(Datum::Wgs84)
    } else {
        None
    }
}

/// The datum of a geographic or projected CRS, and whether it was only inferred from the ellipsoid.
///
/// A name counts only with the ellipsoid that belongs to it (1 m in the axis, 0.001 in the inverse flattening), so
/// that a contradiction is never resolved silently. An unnamed datum on the ellipsoid of CGCS2000 or of Xi'an 1980 is
/// taken as that datum: no other datum in use in China has them.
pub(super) fn datum(crs: &Pj) -> (Datum, bool) {
    let Some((a, rf)) = crs.ellipsoid() else { return (Datum::Other, false) };
    let on = |d: Datum| d.ellipsoid().is_some_and(|(ea, erf)| (a - ea).abs() < 1.0 && (rf - erf).abs() < 1e-3);
    if crs.prime_meridian_deg().is_some_and(|lon| lon != 0.0) {
        return (Datum::Other, false);
    }
    let base = crs.geodetic_crs().map(|g| g.name()).unwrap_or_default();
    let names = [crs.datum_name().unwrap_or_default(), base, crs.name()];
    if let Some(d) = names.iter().find_map(|n| datum_in_name(n)) {
        return if on(d) { (d, false) } else { (Datum::Other, false) };
    }
    if !names[..2].iter().all(|n| says_nothing(n)) {
        return (Datum::Other, false);
    }
    let exactly = |d: Datum| d.ellipsoid().is_some_and(|(ea, erf)| a == ea && (rf - erf).abs() < 1e-7);
    match [Datum::Cgcs2000, Datum::Wgs84, Datum::Xian1980].into_iter().find(|d| exactly(*d)) {
        Some(d) => (d, true),
        None => (Datum::Other, false),
    }
}

/// True for the names that programs write where they know none.
fn says_nothing(name: &str) -> bool {
    let n = folded(name);
    n.is_empty()
        || ["unknown", "unnamed", "notspecified", "undefined", "userdefined", "custom", "grs1980"]
            .iter()
            .any(|k| n.contains(k))
}

/// A Gauss-Krüger grid: a transverse Mercator projection of scale 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussKruger {
    /// Central meridian in degrees east.
    pub central_meridian: f64,
    /// Width of the zones in degrees: 3 or 6; `None` for a grid of one's own (other central meridian or offsets).
    pub zone_width: Option<u8>,
    /// Number of the zone in that division.
    pub zone: Option<u8>,
    /// True where eastings begin with the zone number (false easting zone·10⁶ + 500,000 m).
    pub prefixed: bool,
    /// False easting in metres.
    pub false_easting: f64,
    /// False northing in metres.
    pub false_northing: f64,
}

/// Reads a conversion as a Gauss-Krüger grid; the name decides between a 3-degree and a 6-degree zone where the
/// parameters fit both (every central meridian of a 6-degree zone is one of a 3-degree zone too).
pub(super) fn gauss_kruger(conversion: &Conversion, crs_name: &str) -> Option<GaussKruger> {
    if conversion.method_code != "9807" && !conversion.method.contains("Transverse Mercator") {
        return None;
    }
    let get = |code: &str| conversion.params.iter().find(|p| p.code == code).map(|p| p.si);
    let (lat0, lon0) = (get("8801")?, get("8802")?.to_degrees());
    let (k0, fe, fne) = (get("8805")?, get("8806")?, get("8807")?);
    if (k0 - 1.0).abs() > 1e-12 || lat0 != 0.0 {
        return None;
    }
    let cm = (lon0 * 1e9).round() / 1e9;
    let own = GaussKruger {
        central_meridian: cm,
        zone_width: None,
        zone: None,
        prefixed: false,
        false_easting: fe,
        false_northing: fne,
    };
    if fne != 0.0 {
        return Some(own);
    }
    let zone3 = zone_number(cm, 3.0, 0.0);
    let zone6 = zone_number(cm, 6.0, 3.0);
    let prefix = |z: u8| (fe - (f64::from(z) * 1e6 + 5e5)).abs() < 1e-3;
    if let Some(z) = zone3.filter(|z| prefix(*z)) {
        return Some(GaussKruger { zone_width: Some(3), zone: Some(z), prefixed: true, ..own });
    }
    if let Some(z) = zone6.filter(|z| prefix(*z)) {
        return Some(GaussKruger { zone_width: Some(6), zone: Some(z), prefixed: true, ..own });
    }
    if (fe - 5e5).abs() > 1e-3 {
        return Some(own);
    }
    let six = zone6.filter(|_| names_six_degrees(crs_name));
    let (width, zone) = if six.is_some() { (6, six) } else { (3, zone3) };
    Some(GaussKruger { zone_width: zone.map(|_| width), zone, ..own })
}

/// Number of the zone with this central meridian: cm = width·zone − offset.
fn zone_number(cm: f64, width: f64, offset: f64) -> Option<u8> {
    let z = (cm + offset) / width;
    ((z - z.round()).abs() < 1e-9 && (1.0..=120.0).contains(&z)).then(|| z.round() as u8)
}

/// True where a grid's name is one of a 6-degree zone: it speaks of Gauss-Krüger and not of 3 degrees.
fn names_six_degrees(name: &str) -> bool {
    let n = folded(name);
    let three = ["3degree", "3gk", "三度", "3度"].iter().any(|k| n.contains(k));
    let gk = ["gk", "gausskruger", "6degree", "六度", "6度"].iter().any(|k| n.contains(k));
    gk && !three
}

/// EPSG code of a Gauss-Krüger grid on one of China's datums.
pub(super) fn grid_code(datum: Datum, gk: &GaussKruger) -> Option<u32> {
    let [three_p, three, six_p, six] = datum.grid_codes()?;
    let (width, zone) = (gk.zone_width?, u32::from(gk.zone?));
    let (first, count, code) = match (width, gk.prefixed) {
        (3, true) => (25, 21, three_p),
        (3, false) => (25, 21, three),
        (6, true) => (13, 11, six_p),
        _ => (13, 11, six),
    };
    let offset = zone.checked_sub(first)?;
    (offset < count).then_some(code + offset)
}
