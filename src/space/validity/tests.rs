use geo::{Coord, Geometry, MultiPolygon};
use wkt::TryFromWkt;

use super::*;

fn shape(wkt: &str) -> MultiPolygon<f64> {
    match Geometry::try_from_wkt_str(wkt).unwrap() {
        Geometry::Polygon(p) => MultiPolygon(vec![p]),
        Geometry::MultiPolygon(m) => m,
        g => panic!("{g:?}"),
    }
}

/// Reason, x, y, part, ring.
type Seen = (Reason, f64, f64, usize, usize);

fn seen(wkt: &str) -> Vec<Seen> {
    let s = shape(wkt);
    let f = faults(&s);
    assert_eq!(valid(&s), !f.iter().any(|f| f.reason.invalid()), "{wkt}");
    // to the millionth, as the cases are written
    let round = |v: f64| (v * 1e6).round() / 1e6;
    f.into_iter().map(|f| (f.reason, round(f.at.x), round(f.at.y), f.part, f.ring)).collect()
}

#[test]
fn sound_shapes_have_no_fault() {
    for wkt in [
        "POLYGON ((0 0,10 0,10 10,0 10,0 0))",
        "POLYGON ((0 0,0 10,10 10,10 0,0 0),(2 2,4 2,4 4,2 4,2 2),(6 6,6 8,8 8,8 6,6 6))",
        // a hole touches its shell at a point: corner at corner, corner on edge
        "POLYGON ((0 0,10 0,10 10,0 10,0 0),(0 0,4 1,1 4,0 0))",
        "POLYGON ((0 0,10 0,10 10,0 10,0 0),(5 0,6 4,4 4,5 0))",
        // two holes touch each other at one point
        "POLYGON ((0 0,10 0,10 10,0 10,0 0),(1 1,5 5,1 5,1 1),(5 5,9 5,9 9,5 5))",
        // parts touch at a point; an island in a hole, which it touches at two points
        "MULTIPOLYGON (((0 0,4 0,4 4,0 4,0 0)),((4 4,8 4,8 8,4 8,4 4)))",
        "MULTIPOLYGON (((0 0,10 0,10 10,0 10,0 0),(2 2,8 2,8 8,2 8,2 2)),((2 5,5 4,8 5,5 6,2 5)))",
        // a point on a straight edge is no fault, nor is an empty shape
        "POLYGON ((0 0,5 0,10 0,10 10,0 10,0 0))",
        "MULTIPOLYGON EMPTY",
    ] {
        assert_eq!(seen(wkt), [], "{wkt}");
    }
}

#[test]
fn each_reason_with_its_place() {
    use Reason::*;
    let cases: &[(&str, &[Seen])] = &[
        ("POLYGON ((0 0,10 10,10 0,0 10,0 0))", &[(SelfIntersection, 5., 5., 0, 0)]),
        // two bow-ties in one ring: both crossings are told
        ("POLYGON ((0 0,4 0,4 4,8 4,8 0,4 2,0 2,0 0))", &[(SelfIntersection, 4., 2., 0, 0)]),
        (
            "POLYGON ((0 0,2 2,6 -2,8 0,8 2,6 4,2 -2,0 2,0 0))",
            &[(SelfIntersection, 0.666_667, 0.666_667, 0, 0), (SelfIntersection, 3.6, 0.4, 0, 0)],
        ),
        ("POLYGON ((0 0,10 0,10 10,5 0,0 10,0 0))", &[(RingSelfIntersection, 5., 0., 0, 0)]),
        (
            "POLYGON ((0 0,10 0,10 10,5 10,5 15,5 10,0 10,0 0))",
            &[(Spike, 5., 15., 0, 0), (RingSelfIntersection, 5., 10., 0, 0)],
        ),
        ("POLYGON ((0 0,9 0,9 9,0 9,0 0),(20 20,21 20,21 21,20 20))", &[(HoleOutsideShell, 20., 20., 0, 1)]),
        ("POLYGON ((0 0,9 0,9 9,0 9,0 0),(1 1,8 1,8 8,1 8,1 1),(2 2,3 2,3 3,2 2))", &[(NestedHoles, 2., 2., 0, 2)]),
        ("MULTIPOLYGON (((0 0,9 0,9 9,0 9,0 0)),((2 2,3 2,3 3,2 2)))", &[(NestedShells, 2., 2., 1, 0)]),
        ("MULTIPOLYGON (((0 0,9 0,9 9,0 0)),((9 0,9 9,0 0,9 0)))", &[(DuplicateRings, 0., 0., 1, 0)]),
        ("POLYGON ((0 0,9 0,9 9,0 0),(9 9,9 0,0 0,9 9))", &[(DuplicateRings, 0., 0., 0, 1)]),
        // a hole from side to side
        ("POLYGON ((0 0,10 0,10 10,0 10,0 0),(5 0,6 5,5 10,4 5,5 0))", &[(InteriorDisconnected, 5., 10., 0, 1)]),
        // two holes and the shell in a ring
        (
            "POLYGON ((0 0,10 0,10 10,0 10,0 0),(0 4,5 5,1 6,0 4),(5 5,10 4,9 6,5 5))",
            &[(InteriorDisconnected, 10., 4., 0, 2)],
        ),
        ("POLYGON ((0 0,1 1,0 0))", &[(TooFewPoints, 0., 0., 0, 0)]),
        ("POLYGON ((0 0,1 1,2 2,0 0))", &[(ZeroArea, 0., 0., 0, 0)]),
        ("POLYGON ((0 0,9 0,9 0,9 9,0 0))", &[(RepeatedPoint, 9., 0., 0, 0)]),
        ("POLYGON ((0 0,9 0,9 9,5 9,4.999 90,4.998 9,0 9,0 0))", &[(Needle, 4.999, 90., 0, 0)]),
        ("MULTIPOLYGON (((0 0,4 0,4 4,0 4,0 0)),((4 1,8 1,8 3,4 3,4 1)))", &[(SelfIntersection, 4., 1., 1, 0)]),
    ];
    for (wkt, want) in cases {
        assert_eq!(seen(wkt), *want, "{wkt}");
    }
}

#[test]
fn unfit_coordinates() {
    let mut s = shape("POLYGON ((0 0,10 0,10 10,0 10,0 0),(1 1,2 1,2 2,1 1))");
    s.0[0].interiors_mut(|h| h[0].0[1].x = f64::NAN);
    let f = faults(&s);
    assert_eq!(f.iter().map(|f| (f.reason, f.part, f.ring)).collect::<Vec<_>>(), [(Reason::InvalidCoordinate, 0, 1)]);
    assert!(!valid(&s));
}

/// A comb of n teeth, whose flanks run the whole height: its edges all overlap in one direction.
fn comb(n: i32, cross: bool) -> MultiPolygon<f64> {
    let mut ring = vec![Coord { x: 0.0, y: -1.0 }];
    for i in 0..n {
        let x = f64::from(i);
        ring.extend([Coord { x, y: 0.0 }, Coord { x: x + 0.5, y: 1e4 }]);
    }
    ring.push(Coord { x: f64::from(n), y: -1.0 });
    if cross {
        ring[n as usize].y = -2.0;
    }
    MultiPolygon(vec![geo::Polygon::new(geo::LineString(ring), Vec::new())])
}

#[test]
fn a_long_ring_and_its_one_fault() {
    assert!(valid(&comb(50_000, false)));
    let f = faults(&comb(50_000, true));
    let invalid: Vec<_> = f.iter().filter(|f| f.reason.invalid()).map(|f| (f.reason, f.at.y)).collect();
    assert_eq!(invalid, [(Reason::SelfIntersection, -1.0); 2]);
    // every tooth is a needle: they are remarked on up to the limit, and are no fault
    assert_eq!(f.iter().filter(|f| !f.reason.invalid()).count(), MOST_FAULTS + 1);
}

#[test]
fn a_scribble_is_told_up_to_a_limit() {
    let ring: Vec<Coord<f64>> = (0..401)
        .map(|i| f64::from(i * 200) * std::f64::consts::TAU / 401.0)
        .map(|t| Coord { x: t.cos(), y: t.sin() })
        .collect();
    let f = faults(&MultiPolygon(vec![geo::Polygon::new(geo::LineString(ring), Vec::new())]));
    assert_eq!(f.len(), MOST_FAULTS + 1);
    assert_eq!(f.iter().filter(|f| f.reason == Reason::MoreFaults).count(), 1);
}
