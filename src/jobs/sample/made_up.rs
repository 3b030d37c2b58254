//! Made-up sites of one administrative area: where, what, and whose. Nobody's real mine.

use chrono::NaiveDate;
use geo::{BoundingRect, Coord, Geometry, MultiPolygon, Rect};
use geojson::FeatureCollection;

use super::outlines::{Form, Sequence, outline, polygon};
use super::{RIVERS, SampleSite, broken, polygons};
use crate::error::Result;
use crate::space::distance::point_segment;
use crate::space::frame::{Frame, Metric};

/// One administrative area and its file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    /// File in the sample.
    pub file: &'static str,
    prefix: &'static str,
    count: usize,
    counties: &'static [&'static str],
    /// Latitudes, and metres from the river (west is negative) of strips to place sites in.
    strips: &'static [(f64, f64, f64, f64)],
}

/// The three areas. Strips are drawn about the river and not by the real borders.
pub(super) const AREAS: [Area; 3] = [
    Area {
        file: "sites_alxa.shp",
        prefix: "AL",
        count: 28,
        counties: &["阿拉善左旗", "乌斯太镇"],
        strips: &[(39.02, 39.34, -14_000.0, -400.0), (39.34, 39.84, -16_000.0, -6_500.0)],
    },
    Area {
        file: "sites_wuhai.gpkg",
        prefix: "WH",
        count: 34,
        counties: &["海勃湾区", "海南区", "乌达区"],
        strips: &[(39.36, 39.84, -6_000.0, -350.0), (39.36, 39.84, 350.0, 11_000.0)],
    },
    Area {
        file: "sites_ordos.geojson",
        prefix: "ER",
        count: 28,
        counties: &["鄂托克旗", "鄂托克前旗"],
        strips: &[(38.92, 39.34, 400.0, 16_000.0), (39.44, 39.72, 12_000.0, 25_000.0)],
    },
];

/// A kind of site: word in the data, forms of its outline, least and greatest radius in metres.
type Sort = (&'static str, &'static str, Form, f64, f64);

const SORTS: [Sort; 8] = [
    ("煤矿", "煤矿", Form::Rounded, 350.0, 800.0),
    ("露天采坑", "采坑", Form::Rounded, 150.0, 480.0),
    ("尾矿库", "尾矿库", Form::Dammed, 120.0, 300.0),
    ("排土场", "排土场", Form::Rounded, 150.0, 420.0),
    ("矸石堆场", "矸石堆", Form::Rounded, 60.0, 180.0),
    ("固废堆场", "固废堆场", Form::Walled, 60.0, 160.0),
    ("工矿企业", "选煤厂", Form::Walled, 90.0, 320.0),
    ("露天采坑", "采石坑", Form::Rounded, 60.0, 160.0),
];

const OWNERS: [&str; 7] = [
    "示例煤业甲公司",
    "示例煤业乙公司",
    "示例化工丙公司",
    "示例建材丁公司",
    "示例能源戊公司",
    "示例矿业己公司",
    "示例焦化庚公司",
];

/// Made-up supervising unit of a county.
pub(super) fn supervising(county: &str) -> String {
    format!("{county}自然资源局(示例)")
}

/// The sites of one area, the same for the same seed; apart from each other, the designed ones and the river.
pub(super) fn sites(area: &Area, seed: u64, designed: &FeatureCollection) -> Result<Vec<SampleSite>> {
    let salt = area.prefix.bytes().fold(0u64, |h, b| h * 256 + u64::from(b));
    let mut s = Sequence(seed ^ (salt << 32));
    let river = main_stem()?;
    let mut taken: Vec<Rect<f64>> = polygons(designed)?.iter().filter_map(BoundingRect::bounding_rect).collect();
    let mut out = Vec::with_capacity(area.count);
    // a place that is taken is left for the next; far more places than sites
    for _ in 0..area.count * 200 {
        if out.len() == area.count {
            break;
        }
        let sort = SORTS[s.below(SORTS.len())];
        let at = place(&mut s, area, &river);
        let shape = shape(&mut s, &sort, at);
        let Some(bounds) = shape.bounding_rect() else { continue };
        if taken.iter().any(|t| overlap(t, &bounds)) || !dry(&shape, &river) {
            continue;
        }
        taken.push(bounds);
        out.push(site(&mut s, area, out.len() + 1, &sort, shape));
    }
    Ok(out)
}

fn site(s: &mut Sequence, area: &Area, n: usize, sort: &Sort, shape: MultiPolygon<f64>) -> SampleSite {
    let county = area.counties[s.below(area.counties.len())].to_owned();
    let month = 3 * (1 + s.below(4)) as u32;
    let day = if month == 3 || month == 12 { 31 } else { 30 };
    SampleSite {
        id: format!("{}{n:03}", area.prefix),
        name: format!("示例{}{n:02}号", sort.1),
        kind: sort.0.to_owned(),
        supervising: supervising(&county),
        county,
        responsible: OWNERS[s.below(OWNERS.len())].to_owned(),
        deadline: NaiveDate::from_ymd_opt(2026 + s.below(3) as i32, month, day),
        remark: None,
        shape: Some(match <[_; 1]>::try_from(shape.0) {
            Ok([one]) => Geometry::Polygon(one),
            Err(many) => Geometry::MultiPolygon(MultiPolygon(many)),
        }),
        unclosed: false,
    }
}

/// One part, sometimes with an island left standing in it, sometimes two parts.
fn shape(s: &mut Sequence, sort: &Sort, at: Coord<f64>) -> MultiPolygon<f64> {
    let radius = s.between(sort.3, sort.4);
    let whole = outline(s, sort.2, radius);
    let odd = s.below(12);
    let island = odd == 0 && sort.2 == Form::Rounded;
    let hole = if island { outline(s, Form::Walled, 0.25 * radius) } else { Vec::new() };
    let mut parts = vec![polygon(at, &whole, &hole)];
    if odd == 1 {
        let away = Frame::new(Metric::Geodesic, at).inverse(Coord { x: 3.6 * radius, y: -0.8 * radius });
        let second = outline(s, sort.2, 0.6 * radius);
        parts.push(polygon(away, &second, &[]));
    }
    MultiPolygon(parts)
}

/// A place in one of the area's strips, more often near the river.
fn place(s: &mut Sequence, area: &Area, river: &[Coord<f64>]) -> Coord<f64> {
    let (south, north, from, to) = area.strips[s.below(area.strips.len())];
    let lat = s.between(south, north);
    let (west, east) = crossings(river, lat);
    let (near, far) = if from.abs() < to.abs() { (from, to) } else { (to, from) };
    let u = s.between(0.0, 1.0);
    let away = near + (far - near) * u.powf(1.6);
    let bank = Coord { x: if away < 0.0 { west } else { east }, y: lat };
    Frame::new(Metric::Geodesic, bank).inverse(Coord { x: away, y: 0.0 })
}

/// Longitudes of the first and the last crossing of a parallel by the river.
fn crossings(river: &[Coord<f64>], lat: f64) -> (f64, f64) {
    river
        .windows(2)
        .filter(|w| (w[0].y - lat) * (w[1].y - lat) <= 0.0 && w[0].y != w[1].y)
        .map(|w| w[0].x + (w[1].x - w[0].x) * (lat - w[0].y) / (w[1].y - w[0].y))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)))
}

fn overlap(a: &Rect<f64>, b: &Rect<f64>) -> bool {
    a.min().x <= b.max().x && b.min().x <= a.max().x && a.min().y <= b.max().y && b.min().y <= a.max().y
}

/// True where no vertex lies within 60 m of the main stem.
fn dry(shape: &MultiPolygon<f64>, river: &[Coord<f64>]) -> bool {
    let Some(b) = shape.bounding_rect() else { return false };
    let frame = Frame::new(Metric::Geodesic, b.center());
    let line: Vec<Coord<f64>> =
        river.iter().filter(|c| (c.y - b.center().y).abs() < 0.4).map(|&c| frame.forward(c)).collect();
    shape.0.iter().flat_map(|p| &p.exterior().0).all(|&c| {
        let p = frame.forward(c);
        line.windows(2).all(|w| point_segment(p, w[0], w[1]).1 > 60.0 * 60.0)
    })
}

/// Vertices of the main stem.
fn main_stem() -> Result<Vec<Coord<f64>>> {
    let rivers: FeatureCollection = RIVERS.parse().map_err(|e: geojson::Error| broken(&e.to_string()))?;
    let main = rivers.features.iter().find(|f| super::word(f, "class").as_deref() == Some("main"));
    match main.map(super::shape).transpose()?.flatten() {
        Some(Geometry::MultiLineString(m)) => Ok(m.0.into_iter().flat_map(|l| l.0).collect()),
        _ => Err(broken("no main stem")),
    }
}
