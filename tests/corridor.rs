//! Screening against what is known from outside: geodesics by brute force, areas by GEOS's buffers, monotone relations.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::Geometry as GdalGeometry;
use geo::{Coord, Distance, Euclidean, LineString, MultiPolygon, Polygon};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use heshan::analysis::corridor::{Network, NetworkOptions, Relation, screen_site};
use heshan::model::{RiverClass, RiverLine, RiverShape};
use heshan::space::frame::Metric;
use proptest::prelude::*;

/// CGCS2000 (GB 22021-2008), written out here and not taken from the code.
fn ellipsoid() -> Geodesic {
    Geodesic::new(6_378_137.0, 1.0 / 298.257_222_101)
}

fn distance(g: &Geodesic, a: Coord, b: Coord) -> f64 {
    g.inverse(a.y, a.x, b.y, b.x)
}

fn offset(g: &Geodesic, from: Coord, azimuth: f64, metres: f64) -> Coord {
    let (lat, lon) = g.direct(from.y, from.x, azimuth, metres);
    Coord { x: lon, y: lat }
}

/// A wandering river through `start`, steps of 300 m to 9 km.
fn river(g: &Geodesic, start: Coord, turns: &[(f64, f64)]) -> Vec<Coord> {
    let mut at = start;
    let mut azimuth = 30.0;
    let mut out = vec![at];
    for (turn, step) in turns {
        azimuth += turn;
        at = offset(g, at, azimuth, *step);
        out.push(at);
    }
    out
}

/// A star-shaped polygon round `centre`.
fn star(g: &Geodesic, centre: Coord, radii: &[f64]) -> Polygon {
    let n = radii.len() as f64;
    let ring = radii.iter().enumerate().map(|(i, r)| offset(g, centre, 360.0 * i as f64 / n, *r)).collect();
    Polygon::new(LineString(ring), vec![])
}

fn lerp(a: Coord, b: Coord, t: f64) -> Coord {
    a + (b - a) * t
}

/// Least geodesic distance between two chains of edges straight in longitude/latitude: pieces of 200 m at
/// most whose middles are nearest, then the least distance of each such pair.
fn brute_force(g: &Geodesic, a: &[Coord], b: &[Coord]) -> f64 {
    let mut starts = Vec::new();
    for p in a.windows(2) {
        for q in b.windows(2) {
            let (n, m) =
                (1 + (distance(g, p[0], p[1]) / 100.0) as usize, 1 + (distance(g, q[0], q[1]) / 200.0) as usize);
            let ends = |k: usize, n: usize, e: &[Coord]| {
                [lerp(e[0], e[1], k as f64 / n as f64), lerp(e[0], e[1], (k + 1) as f64 / n as f64)]
            };
            for i in 0..n {
                for j in 0..m {
                    let ([a, b], [c, d]) = (ends(i, n, p), ends(j, m, q));
                    starts.push((distance(g, lerp(a, b, 0.5), lerp(c, d, 0.5)), [a, b, c, d]));
                }
            }
        }
    }
    starts.sort_by(|x, y| x.0.total_cmp(&y.0));
    // no point of a pair lies farther from the pair's middles than half its lengths, 150 m
    let mut best = f64::INFINITY;
    for (_, e) in starts.iter().take_while(|s| s.0 - 160.0 < starts[0].0) {
        best = nested(g, *e).min(best);
    }
    best
}

/// Least distance between two short edges: it is convex in the position on either (as between straight edges), so
/// golden sections find it, one inside the other.
fn nested(g: &Geodesic, e: [Coord; 4]) -> f64 {
    golden(|s| golden(|t| distance(g, lerp(e[0], e[1], s), lerp(e[2], e[3], t))))
}

fn golden(f: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (0.0, 1.0);
    let (mut c, mut d) = (1.0 - ratio, ratio);
    let (mut fc, mut fd) = (f(c), f(d));
    for _ in 0..32 {
        if fc < fd {
            (b, d, fd) = (d, c, fc);
            c = b - ratio * (b - a);
            fc = f(c);
        } else {
            (a, c, fc) = (c, d, fd);
            d = a + ratio * (b - a);
            fd = f(d);
        }
    }
    fc.min(fd).min(f(0.0)).min(f(1.0))
}

fn network(line: &[Coord]) -> Network {
    let piece = RiverLine {
        fid: 1,
        name: Some("r".into()),
        class: RiverClass::Main,
        shape: RiverShape::Line(LineString(line.to_vec())),
    };
    Network::build(&[piece], &NetworkOptions::default()).unwrap()
}

fn case() -> impl Strategy<Value = (Vec<Coord>, Polygon)> {
    let turns = prop::collection::vec((-70.0..70.0f64, 300.0..9000.0f64), 3..8);
    let radii = prop::collection::vec(60.0..700.0f64, 4..12);
    (103.5..109.5f64, 37.0..41.5f64, turns, radii, 0.0..1.0f64, 0.0..360.0f64, 0.0..6000.0f64).prop_map(
        |(lon, lat, turns, radii, along, azimuth, off)| {
            let g = ellipsoid();
            let line = river(&g, Coord { x: lon, y: lat }, &turns);
            let k = ((line.len() - 1) as f64 * along) as usize;
            let centre = offset(&g, lerp(line[k], line[k + 1], 0.4), azimuth, off);
            let site = star(&g, centre, &radii);
            (line, site)
        },
    )
}

/// Area of the site inside the buffer by GEOS, 256 segments a quarter, over the area of the site, in PROJ's azimuthal
/// equidistant plane of the site. Both lie there with edges of 50 m at most, straight in longitude/latitude.
fn share_by_geos(line: &[Coord], site: &Polygon, d: f64) -> f64 {
    let c = site.exterior().0[0];
    let plane = format!("+proj=aeqd +lat_0={} +lon_0={} +ellps=GRS80 +units=m +no_defs", c.y, c.x);
    let mut from = SpatialRef::from_definition("+proj=longlat +ellps=GRS80 +no_defs").unwrap();
    from.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let mut to = SpatialRef::from_proj4(&plane).unwrap();
    to.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let t = CoordTransform::new(&from, &to).unwrap();
    let g = ellipsoid();
    let dense = |chain: &[Coord]| -> Vec<(f64, f64)> {
        let mut out = vec![];
        for w in chain.windows(2) {
            let n = 1 + (distance(&g, w[0], w[1]) / 50.0) as usize;
            out.extend((0..n).map(|i| lerp(w[0], w[1], i as f64 / n as f64)));
        }
        out.push(*chain.last().unwrap());
        let (mut x, mut y): (Vec<f64>, Vec<f64>) = out.iter().map(|c| (c.x, c.y)).unzip();
        t.transform_coords(&mut x, &mut y, &mut []).unwrap();
        x.into_iter().zip(y).collect()
    };
    let text = |c: &[(f64, f64)]| c.iter().map(|(x, y)| format!("{x:.6} {y:.6}")).collect::<Vec<_>>().join(",");
    let river = GdalGeometry::from_wkt(&format!("LINESTRING ({})", text(&dense(line)))).unwrap();
    let polygon = GdalGeometry::from_wkt(&format!("POLYGON (({}))", text(&dense(&site.exterior().0)))).unwrap();
    let cut = polygon.intersection(&river.buffer(d, 256).unwrap()).unwrap();
    cut.area() / polygon.area()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distances_are_those_of_brute_force_geodesics((line, site) in case()) {
        let g = ellipsoid();
        let r = screen_site(&network(&line), &MultiPolygon(vec![site.clone()]), &[3000.0]).unwrap().unwrap();
        let truth = brute_force(&g, &site.exterior().0, &line);
        let touches = truth < 0.05;
        prop_assert!((r.min_dist_m - truth).abs() < 0.05 || (touches || r.min_dist_m == 0.0), "{} {truth}", r.min_dist_m);
        // where the river runs wholly inside the site the outline is not touched
        if r.min_dist_m > 0.0 {
            prop_assert!((r.min_dist_m - truth).abs() < 0.05, "{} {truth}", r.min_dist_m);
            prop_assert!((distance(&g, r.nearest, r.site_nearest) - r.min_dist_m).abs() < 1e-3);
        }
    }

    #[test]
    fn areas_inside_are_those_of_geos_buffers((line, site) in case(), d in 200.0..5000.0f64) {
        let r = screen_site(&network(&line), &MultiPolygon(vec![site.clone()]), &[d]).unwrap().unwrap();
        let truth = share_by_geos(&line, &site, d);
        prop_assert!((r.at[0].share - truth).abs() < 1e-4, "{} {truth} {:?}", r.at[0].share, r.at[0].relation);
        match r.at[0].relation {
            Relation::Inside => prop_assert!(truth > 1.0 - 1e-4),
            Relation::Outside => prop_assert!(truth < 1e-6),
            Relation::Crosses => {}
        }
    }

    #[test]
    fn the_relation_turns_within_a_millimetre_of_its_threshold((line, site) in case()) {
        let net = network(&line);
        let shape = MultiPolygon(vec![site.clone()]);
        let at = |d: f64| screen_site(&net, &shape, &[d]).unwrap().unwrap().at[0].relation;
        let near = screen_site(&net, &shape, &[1.0]).unwrap().unwrap().min_dist_m;
        if near > 0.01 {
            prop_assert_eq!(at(near - 0.001), Relation::Outside);
            prop_assert_ne!(at(near + 0.001), Relation::Outside);
        }
        // where it turns to inside, by bisection; the farthest point of the outline is never farther than that
        let (mut low, mut high) = (near.max(0.01), 20_000.0);
        prop_assert_eq!(at(high), Relation::Inside);
        while high - low > 5e-4 {
            let middle = f64::midpoint(low, high);
            if at(middle) == Relation::Inside { high = middle } else { low = middle }
        }
        prop_assert_ne!(at(low), Relation::Inside);
        let g = ellipsoid();
        let point = |p: Coord| brute_force(&g, &[p, p], &line);
        let farthest = site.exterior().0.iter().map(|p| point(*p)).fold(0.0, f64::max);
        prop_assert!(farthest <= high + 1e-3, "{farthest} {high}");
    }
}

#[test]
fn a_site_inside_a_loop_is_measured_to_every_reach() {
    // a square of river 2 km wide, open to the west; a 1 km site in the middle: 500 m to three sides
    let g = ellipsoid();
    let c = Coord { x: 106.8, y: 39.6 };
    let at = |east: f64, north: f64| offset(&g, offset(&g, c, 0.0, north), 90.0, east);
    let line = [at(-2000.0, 1000.0), at(1000.0, 1000.0), at(1000.0, -1000.0), at(-2000.0, -1000.0)];
    let site = Polygon::new(
        LineString(vec![at(-500.0, -500.0), at(500.0, -500.0), at(500.0, 500.0), at(-500.0, 500.0)]),
        vec![],
    );
    let r = screen_site(&network(&line), &MultiPolygon(vec![site]), &[500.0, 700.0, 1100.0]).unwrap().unwrap();
    assert!((r.min_dist_m - 500.0).abs() < 0.3, "{}", r.min_dist_m);
    // 700 m: bands of 200 m from three sides of the square
    let by_hand = 1.0 - 800.0 * 600.0 / 1e6;
    assert!((r.at[1].share - by_hand).abs() < 1e-3, "{}", r.at[1].share);
    assert_eq!(r.at[2].relation, Relation::Inside);
}

/// Chainage in the middle of an 18 km edge was 1.4 m short: parts equal in degrees were taken as equal on the ground.
#[test]
fn chainage_within_a_long_edge_counts_metres() {
    let g = ellipsoid();
    let (a, b) = (Coord { x: 106.7177841, y: 38.8581811 }, Coord { x: 106.8403426, y: 38.9876163 });
    let shape = RiverShape::Line(LineString(vec![a, b]));
    let piece = RiverLine { fid: 1, name: Some("黄河".into()), class: RiverClass::Main, shape };
    let net = Network::build(&[piece], &NetworkOptions::default()).unwrap();
    for t in [0.1, 0.37, 0.5, 0.83] {
        let site = MultiPolygon(vec![star(&g, offset(&g, lerp(a, b, t), 140.0, 40.0), &[5.0; 12])]);
        let found = screen_site(&net, &site, &[1000.0]).unwrap().unwrap();
        // where the answer says the nearest point is, in degrees along the edge
        let at = (found.nearest.x - a.x) / (b.x - a.x);
        let steps = 2000;
        let points = (0..=steps).map(|k| lerp(a, b, at * f64::from(k) / f64::from(steps))).collect::<Vec<_>>();
        let metres: f64 = points.windows(2).map(|w| distance(&g, w[0], w[1])).sum();
        let chainage = found.chainage_m.value().unwrap();
        // within a part of 500 m degrees do count as metres: 0.1 % of the change over 18 km
        assert!((chainage - metres).abs() < 0.01, "{t}: {chainage} m, by geodesics {metres} m");
    }
}

/// A star-shaped polygon in a plane.
fn flat_star(x: f64, y: f64, radii: &[f64]) -> Polygon {
    let n = radii.len() as f64;
    let at = |(i, r): (usize, &f64)| {
        let (s, c) = (std::f64::consts::TAU * i as f64 / n).sin_cos();
        Coord { x: x + r * c, y: y + r * s }
    };
    Polygon::new(LineString(radii.iter().enumerate().map(at).collect()), vec![])
}

fn gdal_polygon(p: &Polygon) -> GdalGeometry {
    let ring: Vec<String> = p.exterior().0.iter().map(|c| format!("{} {}", c.x, c.y)).collect();
    GdalGeometry::from_wkt(&format!("POLYGON (({}))", ring.join(","))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    // a lake or a broad river as a polygon: distance counts from its bank, and what lies on the water is within
    #[test]
    fn water_polygons_are_measured_from_their_bank(lake in prop::collection::vec(150.0..900.0f64, 4..14),
        x in -2500.0..2500.0f64, y in -2500.0..2500.0f64, radii in prop::collection::vec(40.0..700.0f64, 3..12), d in 30.0..1500.0f64) {
        let (water, site) = (flat_star(0.0, 0.0, &lake), flat_star(x, y, &radii));
        let piece = RiverLine { fid: 1, name: None, class: RiverClass::Main, shape: RiverShape::Water(water.clone()) };
        let options = NetworkOptions { metric: Metric::Planar, ..NetworkOptions::default() };
        let net = Network::build(&[piece], &options).unwrap();
        let r = screen_site(&net, &MultiPolygon(vec![site.clone()]), &[d]).unwrap().unwrap();
        let (lake, polygon) = (gdal_polygon(&water), gdal_polygon(&site));
        let truth = Euclidean.distance(&water, &site);
        prop_assert!((r.min_dist_m - truth).abs() < 1e-6, "{} {truth}", r.min_dist_m);
        let part = lake.buffer(d, 256).unwrap().intersection(&polygon).map_or(0.0, |g| g.area());
        let share = part / polygon.area();
        prop_assert!((r.at[0].share - share).abs() < 1e-4, "{} {share}", r.at[0].share);
        // the bank's chainage and side are not known, and are not made up
        prop_assert!(r.chainage_m.value().is_none() && r.bank.value().is_none());
    }
}
