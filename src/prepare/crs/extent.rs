//! Do the coordinates fit the CRS they come with? Swapped axes, degrees for metres, another zone's eastings.
//!
//! Two steps: [`fault`] looks at the bare numbers and names what they look like; the area of use is then compared
//! with where the coordinates fall.

use std::cell::RefCell;

use super::identify::{self, Datum, GaussKruger};
use super::pj::Bounds;
use super::{ResolvedCrs, Transformation, Transformer};
use crate::error::{Error, Result, Text};
use crate::model::Reason;
use geo::Coord;

/// Coordinates may lie this far (degrees) outside the CRS's area of use before a warning: half a degree, since sheets
/// and counties overlap the border of their zone.
pub const AREA_MARGIN_DEG: f64 = 0.5;

/// Coordinates wholly outside the area of use by more than this (degrees) are refused.
const ABSURD_DEG: f64 = 10.0;

/// China with its seas: west, south, east, north in degrees (EPSG extent of CGCS2000, widened to the south).
const CHINA: Bounds = [73.0, 3.0, 136.0, 54.0];

/// Northings of Gauss-Krüger grids in China, in metres (latitude 3° to 54°).
const NORTHINGS: (f64, f64) = (0.3e6, 6.1e6);

/// What is wrong with coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NotFinite,
    Swapped,
    DegreesForMetres,
    MetresForDegrees { prefix: Option<u8> },
    OffTheEarth,
    OtherPrefix { prefix: u8 },
    PrefixMissing,
    PrefixUnexpected { prefix: u8 },
}

/// A layer's coordinates, feature by feature, against its CRS.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExtentReport {
    /// What the user must know.
    pub warnings: Vec<Text>,
    /// Features whose coordinates cannot be those of the CRS while most others' can: (fid, why).
    pub unfit: Vec<(i64, Reason)>,
}

/// Checks the bounds of a whole layer (`[min x, min y, max x, max y]`, x = longitude or easting) against its CRS.
///
/// Returns warnings: coordinates outside the area of use by more than [`AREA_MARGIN_DEG`].
///
/// # Errors
/// `Input`, naming what the coordinates look like and the remedy, for swapped axes, degrees in a metre CRS, metres in a
/// degree CRS, eastings of another zone or with/without zone number against the CRS, and coordinates that cannot be
/// on the earth or lie more than 10° away from the area of use.
pub fn check_extent(crs: &ResolvedCrs, bounds: Bounds) -> Result<Vec<Text>> {
    match fault(crs, bounds) {
        Some(f) => Err(describe(crs, bounds, f).into_error()),
        None => area_check(crs, bounds),
    }
}

/// Checks every feature's bounds (as in [`check_extent`]): where most features have one fault, the layer is refused
/// for it; where few have, these are returned to be set aside and the others are used.
///
/// # Errors
/// As [`check_extent`].
pub fn check_features(crs: &ResolvedCrs, features: &[(i64, Bounds)]) -> Result<ExtentReport> {
    let check = FitCheck::new(crs, None);
    let mut sound: Option<Bounds> = None;
    let (mut fids, mut faults) = (Vec::new(), Vec::new());
    for (fid, b) in features {
        match check.unfit(*b) {
            Some(u) => {
                fids.push(*fid);
                faults.push(u);
            }
            None => sound = Some(sound.map_or(*b, |s| union(s, *b))),
        }
    }
    let warnings = check.verdict(features.len(), &faults, sound)?;
    let unfit = fids.into_iter().zip(&faults).map(|(fid, u)| (fid, check.reason(u))).collect();
    Ok(ExtentReport { warnings, unfit })
}

/// Checks the features of a layer that is read in batches, one by one, and the layer at its end.
#[derive(Debug, Clone)]
pub struct FitCheck {
    crs: ResolvedCrs,
    /// Bounds of the layer within which every feature fits, where that is known beforehand.
    all_fit: Option<Bounds>,
}

/// A feature whose coordinates cannot be those of the CRS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unfit {
    bounds: Bounds,
    fault: Fault,
}

impl FitCheck {
    /// For a layer in `crs`, with its bounds as its file has them.
    pub fn new(crs: &ResolvedCrs, extent: Option<Bounds>) -> Self {
        // grids and degrees are told from the numbers alone, feature by feature; elsewhere the place decides, and
        // what fits as a whole fits in its parts
        let by_place = !crs.geographic && crs.gauss_kruger.is_none_or(|g| g.zone.is_none());
        let all_fit = extent.filter(|e| by_place && fault(crs, *e).is_none());
        Self { crs: crs.clone(), all_fit }
    }

    /// What is wrong with a feature's bounds; `None` where they fit.
    pub fn unfit(&self, bounds: Bounds) -> Option<Unfit> {
        if self.all_fit.is_some_and(|all| inside(bounds, all, 0.0)) {
            return None;
        }
        fault(&self.crs, bounds).map(|fault| Unfit { bounds, fault })
    }

    /// Why a feature is set aside.
    pub fn reason(&self, u: &Unfit) -> Reason {
        Reason { code: "coordinates_unfit", text: describe(&self.crs, u.bounds, u.fault).what }
    }

    /// The verdict at the end: of `features` those `unfit`, the others within `sound`. As [`check_features`].
    ///
    /// # Errors
    /// As [`check_extent`].
    pub fn verdict(&self, features: usize, unfit: &[Unfit], sound: Option<Bounds>) -> Result<Vec<Text>> {
        let faults: Vec<(i64, Bounds, Fault)> = unfit.iter().map(|u| (0, u.bounds, u.fault)).collect();
        if faults.len() * 2 > features
            && let Some(f) = most_frequent(&faults)
        {
            let all = faults.iter().filter(|x| x.2 == f).map(|x| x.1).reduce(union);
            return Err(describe(&self.crs, all.unwrap_or_default(), f).into_error());
        }
        sound.map_or(Ok(Vec::new()), |b| area_check(&self.crs, b))
    }
}

fn most_frequent(faults: &[(i64, Bounds, Fault)]) -> Option<Fault> {
    let mut kinds: Vec<Fault> = faults.iter().map(|f| f.2).collect();
    kinds.sort_unstable();
    kinds.chunk_by(|a, b| a == b).max_by_key(|c| c.len()).and_then(|c| c.first().copied())
}

fn union(a: Bounds, b: Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

fn swapped([x0, y0, x1, y1]: Bounds) -> Bounds {
    [y0, x0, y1, x1]
}

/// True where `inner` lies within `outer` widened by `margin`.
fn inside(inner: Bounds, outer: Bounds, margin: f64) -> bool {
    inner[0] >= outer[0] - margin
        && inner[1] >= outer[1] - margin
        && inner[2] <= outer[2] + margin
        && inner[3] <= outer[3] + margin
}

/// The zone number that eastings begin with, where all do: 13 to 23 (6-degree) or 25 to 45 (3-degree).
fn prefix(lo: f64, hi: f64) -> Option<u8> {
    let (a, b) = ((lo / 1e6).floor(), (hi / 1e6).floor());
    (a == b && (13.0..=45.0).contains(&a) && a != 24.0).then_some(a as u8)
}

fn northings(lo: f64, hi: f64) -> bool {
    lo >= NORTHINGS.0 && hi <= NORTHINGS.1
}

fn fault(crs: &ResolvedCrs, b: Bounds) -> Option<Fault> {
    if !b.iter().all(|v| v.is_finite()) {
        return Some(Fault::NotFinite);
    }
    if crs.geographic {
        return geographic_fault(crs, b);
    }
    let metres = (crs.unit_to_si - 1.0).abs() < 1e-9;
    if metres && b.iter().all(|v| v.abs() <= 180.0) {
        return Some(Fault::DegreesForMetres);
    }
    match crs.gauss_kruger {
        Some(gk) if metres && gk.zone.is_some() => grid_fault(&gk, b),
        _ if metres => projected_fault(crs, b),
        _ => None,
    }
}

fn geographic_fault(crs: &ResolvedCrs, b: Bounds) -> Option<Fault> {
    if (crs.unit_to_si - 1f64.to_radians()).abs() > 1e-12 {
        return None;
    }
    let [x0, y0, x1, y1] = b;
    let largest = b.iter().fold(0f64, |m, v| m.max(v.abs()));
    if largest > 360.0 {
        // grid coordinates: northings alone are millions of metres
        let metres = largest > 10_000.0;
        let prefix = prefix(x0, x1).or_else(|| prefix(y0, y1));
        return Some(if metres { Fault::MetresForDegrees { prefix } } else { Fault::OffTheEarth });
    }
    if y0.abs().max(y1.abs()) > 90.0 {
        let lat_first = x0.abs().max(x1.abs()) <= 90.0 && y0.abs().max(y1.abs()) <= 180.0;
        return Some(if lat_first { Fault::Swapped } else { Fault::OffTheEarth });
    }
    // a world-wide CRS does not say where its layer is: China is what this program is for
    let area = crs.area_of_use.filter(|a| a[2] - a[0] < 180.0).unwrap_or(CHINA);
    let swap = !inside(b, area, AREA_MARGIN_DEG) && inside(swapped(b), area, AREA_MARGIN_DEG);
    swap.then_some(Fault::Swapped)
}

fn grid_fault(gk: &GaussKruger, [x0, y0, x1, y1]: Bounds) -> Option<Fault> {
    let zone = gk.zone?;
    if northings(x0, x1) && !northings(y0, y1) && prefix(y0, y1).is_some() {
        return Some(Fault::Swapped);
    }
    // without a prefix both are below 10⁶ or so: northings in China begin at 1.8 million (18° N)
    let plain_easting = |lo: f64, hi: f64| lo >= 0.0 && hi < 1e6;
    if !gk.prefixed && x0 >= 1.5e6 && x1 <= NORTHINGS.1 && plain_easting(y0, y1) {
        return Some(Fault::Swapped);
    }
    let ends = [prefix(x0, x0), prefix(x1, x1)];
    match (gk.prefixed, ends) {
        (true, _) if plain_easting(x0, x1) => Some(Fault::PrefixMissing),
        (true, [a, b]) => [a, b].into_iter().flatten().find(|p| *p != zone).map(|prefix| Fault::OtherPrefix { prefix }),
        (false, [a, b]) => a.or(b).map(|prefix| Fault::PrefixUnexpected { prefix }),
    }
}

fn projected_fault(crs: &ResolvedCrs, b: Bounds) -> Option<Fault> {
    let area = crs.area_of_use.or((crs.datum != Datum::Other).then_some(CHINA))?;
    let falls_inside = |b: Bounds| geographic_bounds(crs, b).is_some_and(|g| inside(g, area, AREA_MARGIN_DEG));
    if falls_inside(b) {
        return None;
    }
    if falls_inside(swapped(b)) {
        return Some(Fault::Swapped);
    }
    let prefix = prefix(b[0], b[2]).filter(|_| northings(b[1], b[3]))?;
    Some(Fault::PrefixUnexpected { prefix })
}

/// Where bounds in the CRS fall in longitude/latitude: `[west, south, east, north]` in degrees, from the corners and
/// points between them; `None` where a point cannot be transformed.
pub fn geographic_bounds(crs: &ResolvedCrs, [x0, y0, x1, y1]: Bounds) -> Option<Bounds> {
    // PROJ takes a millisecond to find the way; a layer of polygons asks it for each of them
    thread_local!(static LAST: RefCell<Option<(ResolvedCrs, Transformer)>> = const { RefCell::new(None) });
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(of, _)| of != crs) {
            *last = Some((crs.clone(), Transformation::to_geographic(crs, None).ok()?.transformer().ok()?));
        }
        last.as_ref().and_then(|(_, t)| outline(t, [x0, y0, x1, y1]))
    })
}

/// Bounds of what the transformer makes of a box, by points along its sides.
fn outline(t: &Transformer, [x0, y0, x1, y1]: Bounds) -> Option<Bounds> {
    const STEPS: u32 = 8;
    let mut points = Vec::new();
    for i in 0..=STEPS {
        let f = f64::from(i) / f64::from(STEPS);
        let (x, y) = (x0 + (x1 - x0) * f, y0 + (y1 - y0) * f);
        points.extend([(x, y0), (x, y1), (x0, y), (x1, y)].map(|(x, y)| Coord { x, y }));
    }
    if !t.forward(&mut points).is_empty() {
        return None;
    }
    points.iter().map(|p| [p.x, p.y, p.x, p.y]).reduce(union)
}

fn area_check(crs: &ResolvedCrs, b: Bounds) -> Result<Vec<Text>> {
    let Some(at) = geographic_bounds(crs, b) else {
        return Err(describe(crs, b, Fault::OffTheEarth).into_error());
    };
    let Some(area) = crs.area_of_use.or((crs.datum != Datum::Other).then_some(CHINA)) else {
        return Ok(Vec::new());
    };
    // areas across the date line (west > east) are not compared
    if area[0] > area[2] || inside(at, area, AREA_MARGIN_DEG) {
        return Ok(Vec::new());
    }
    let (found, meant, label) = (degrees(at), degrees(area), crs.label());
    let text = Text::new(
        format!("the coordinates fall at {found}, outside the area of use of {label}, which is {meant}"),
        format!("坐标落在 {found},超出 {label} 的适用范围 {meant}"),
    );
    let apart = [area[0] - at[2], at[0] - area[2], area[1] - at[3], at[1] - area[3]];
    if apart.into_iter().any(|d| d > ABSURD_DEG) {
        return Err(Finding { what: text, remedy: name_the_crs() }.into_error());
    }
    Ok(vec![text])
}

fn degrees([w, s, e, n]: Bounds) -> String {
    format!("{w:.2}–{e:.2}°E, {s:.2}–{n:.2}°N")
}

fn name_the_crs() -> Text {
    Text::new(
        "give the right CRS, for example --crs EPSG:4524 (or ogr2ogr -a_srs, where the layer bears another itself), or mend \
         the coordinates",
        "指明正确的坐标系,例如 --crs EPSG:4524(图层自带其他坐标系的,用 ogr2ogr -a_srs 改写),或修正坐标",
    )
}

/// What was found, and what to do about it.
struct Finding {
    what: Text,
    remedy: Text,
}

impl Finding {
    fn into_error(self) -> Error {
        Error::input(self.what.en, self.what.zh).remedy(self.remedy.en, self.remedy.zh)
    }
}

/// `EPSG:n (name)` of the grid that eastings with `prefix` belong to, on the CRS's own datum where that has grids.
fn prefixed_grid(crs: &ResolvedCrs, prefix: u8) -> Option<String> {
    grid(crs, if prefix < 24 { 6 } else { 3 }, prefix, true)
}

fn grid(crs: &ResolvedCrs, width: u8, zone: u8, prefixed: bool) -> Option<String> {
    let gk = GaussKruger {
        central_meridian: 0.0,
        zone_width: Some(width),
        zone: Some(zone),
        prefixed,
        false_easting: 0.0,
        false_northing: 0.0,
    };
    identify::grid_code(crs.datum, &gk)
        .or_else(|| identify::grid_code(Datum::Cgcs2000, &gk))
        .map(|c| format!("EPSG:{c}"))
}

/// "looks like EPSG:n" with the remedy, or the general remedy.
fn looks_like(code: Option<String>) -> (Text, Text) {
    match code {
        Some(c) => (
            Text::new(format!(": this looks like {c}"), format!(",像是 {c}")),
            Text::new(
                format!(
                    "if that is so, give --crs {c}; where the layer bears another CRS itself, write it anew with \
                     ogr2ogr -a_srs {c}"
                ),
                format!("若属实,请加 --crs {c};图层自带其他坐标系的,用 ogr2ogr -a_srs {c} 改写"),
            ),
        ),
        None => (Text::default(), name_the_crs()),
    }
}

fn describe(crs: &ResolvedCrs, b: Bounds, fault: Fault) -> Finding {
    let label = crs.label();
    let [x0, y0, x1, y1] = b;
    let range = format!("x {} – {}, y {} – {}", short(x0), short(x1), short(y0), short(y1));
    let finding = |en: String, zh: String, like: (Text, Text)| Finding {
        what: Text::new(format!("{en}{}", like.0.en), format!("{zh}{}", like.0.zh)),
        remedy: like.1,
    };
    match fault {
        Fault::NotFinite => finding(
            format!("coordinates are not numbers ({range})"),
            format!("坐标不是有效数值({range})"),
            (Text::default(), name_the_crs()),
        ),
        Fault::Swapped => describe_swapped(crs, &range),
        Fault::DegreesForMetres => finding(
            format!("the coordinates look like degrees ({range}), but {label} is in metres"),
            format!("坐标像是经纬度({range}),而 {label} 的单位为米"),
            looks_like(crs.datum.geographic_code().map(|c| format!("EPSG:{c}")).or(Some("EPSG:4490".into()))),
        ),
        Fault::MetresForDegrees { prefix } => {
            let (en, zh) = match prefix {
                Some(p) => (format!("; eastings begin with {p}"), format!(",横坐标以 {p} 开头")),
                None => (String::new(), String::new()),
            };
            finding(
                format!("the coordinates look like metres ({range}), but {label} is in degrees{en}"),
                format!("坐标像是平面坐标,单位为米({range}),而 {label} 为经纬度{zh}"),
                looks_like(prefix.and_then(|p| prefixed_grid(crs, p))),
            )
        }
        Fault::OffTheEarth => finding(
            format!("the coordinates ({range}) are no positions on the earth in {label}"),
            format!("坐标({range})在 {label} 中不是地球上的有效位置"),
            (Text::default(), name_the_crs()),
        ),
        Fault::OtherPrefix { prefix } => finding(
            format!("eastings begin with {prefix} ({range}), but those of {label} begin with {}", zone_of(crs)),
            format!("横坐标以 {prefix} 开头({range}),而 {label} 应以 {} 开头", zone_of(crs)),
            looks_like(prefixed_grid(crs, prefix)),
        ),
        Fault::PrefixMissing => {
            let plain = crs.gauss_kruger.and_then(|g| grid(crs, g.zone_width?, g.zone?, false));
            finding(
                format!("eastings have no zone number ({range}), but those of {label} begin with {}", zone_of(crs)),
                format!("横坐标不带带号({range}),而 {label} 应以 {} 开头", zone_of(crs)),
                looks_like(plain),
            )
        }
        Fault::PrefixUnexpected { prefix } => finding(
            format!("eastings begin with {prefix} ({range}), but those of {label} have no zone number"),
            format!("横坐标以 {prefix} 开头({range}),而 {label} 不带带号"),
            looks_like(prefixed_grid(crs, prefix)),
        ),
    }
}

fn zone_of(crs: &ResolvedCrs) -> u8 {
    crs.gauss_kruger.and_then(|g| g.zone).unwrap_or_default()
}

fn describe_swapped(crs: &ResolvedCrs, range: &str) -> Finding {
    let label = crs.label();
    let (en, zh) = if crs.geographic {
        ("x looks like latitude and y like longitude", "x 像是纬度,y 像是经度")
    } else {
        ("x looks like northing and y like easting", "x 像是纵坐标(北),y 像是横坐标(东)")
    };
    Finding {
        what: Text::new(
            format!("the axes are swapped ({range}): {en} in {label}"),
            format!("坐标轴颠倒({range}):{zh}({label})"),
        ),
        remedy: Text::new(
            "swap them and try again, in QGIS with Processing ▸ “Swap X and Y coordinates”, or by exporting the data \
             with longitude or easting first",
            "请交换后重试:QGIS 的处理工具箱 ▸“交换 X 和 Y 坐标”,或重新导出数据,使经度(横坐标)在前",
        ),
    }
}

/// A coordinate for reading: degrees with five decimals, metres without.
fn short(v: f64) -> String {
    if v.abs() <= 360.0 { format!("{v:.5}") } else { format!("{v:.0}") }
}
