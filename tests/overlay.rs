//! Validity, repair and overlay against GEOS on random and degenerate polygons.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test crate")]

mod geos;

use std::collections::BTreeMap;

use geo::{Coord, LineString, MapCoords, MultiPolygon, Polygon};
use geos::{Random, area, mended_as_geos, polygons, quiet, rings, slack, to_geos};
use heshan::space::{clip, repair, validity};

fn c(x: f64, y: f64) -> Coord<f64> {
    Coord { x, y }
}

fn ring(points: Vec<Coord<f64>>) -> LineString<f64> {
    let mut l = LineString(points);
    l.close();
    l
}

fn solid(points: Vec<Coord<f64>>) -> Polygon<f64> {
    Polygon::new(ring(points), Vec::new())
}

fn rect(x: f64, y: f64, w: f64, h: f64) -> Vec<Coord<f64>> {
    vec![c(x, y), c(x + w, y), c(x + w, y + h), c(x, y + h)]
}

/// A star about a centre, radii between `least` and 1 times `r`: simple.
fn star(r: &mut Random, centre: Coord<f64>, radius: f64, least: f64, n: usize) -> Vec<Coord<f64>> {
    (0..n)
        .map(|i| {
            let t = std::f64::consts::TAU * i as f64 / n as f64;
            let d = radius * r.between(least, 1.0);
            c(centre.x + d * t.cos(), centre.y + d * t.sin())
        })
        .collect()
}

/// Corners on a small lattice, so that points and edges fall together; any order, so mostly not simple.
fn scribble(r: &mut Random, n: usize, lattice: usize) -> Vec<Coord<f64>> {
    (0..n).map(|_| c(r.below(lattice) as f64, r.below(lattice) as f64)).collect()
}

/// Polygons of all kinds, valid and not.
fn anything(r: &mut Random) -> MultiPolygon<f64> {
    let part = |r: &mut Random| match r.below(9) {
        0 => {
            let n = 3 + r.below(6);
            solid(scribble(r, n, 5))
        }
        1 => {
            let n = 3 + r.below(10);
            solid((0..n).map(|_| c(r.between(0.0, 8.0), r.between(0.0, 8.0))).collect())
        }
        2 => {
            let holes = (0..r.below(3)).map(|_| 3 + r.below(2)).collect::<Vec<_>>();
            let holes = holes.into_iter().map(|n| ring(scribble(r, n, 7))).collect();
            Polygon::new(ring(rect(0.0, 0.0, 6.0, 6.0)), holes)
        }
        3 => {
            let (w, h) = (1.0 + r.below(6) as f64, 1.0 + r.below(6) as f64);
            solid(rect(r.below(6) as f64, r.below(6) as f64, w, h))
        }
        4 => {
            let n = 5 + r.below(20);
            let shell = star(r, c(4.0, 4.0), 4.0, 0.5, n);
            let at = c(r.between(2.0, 6.0), r.between(2.0, 6.0));
            let hole = star(r, at, 1.5, 0.3, 5);
            let touching = vec![shell[0], c(4.0, 4.0), c(4.2, 4.4)];
            Polygon::new(ring(shell), vec![ring(if r.below(2) == 0 { hole } else { touching })])
        }
        5 => {
            // square holes on a lattice: nested, equal, edge to edge, corner to corner
            let holes = (0..1 + r.below(4))
                .map(|_| ring(rect(1.0 + r.below(4) as f64, 1.0 + r.below(4) as f64, 1.0 + r.below(2) as f64, 1.0)))
                .collect();
            Polygon::new(ring(rect(0.0, 0.0, 7.0, 7.0)), holes)
        }
        6 => {
            // a hole that may lie in the next, and in the shell or not
            let (x, size) = (0.5 + 2.0 * r.below(4) as f64, 1.0 + r.below(4) as f64);
            let holes = vec![ring(rect(x, 0.5, size, size)), ring(rect(x + 0.25, 1.0, 0.5, 0.25))];
            Polygon::new(ring(rect(0.0, 0.0, 6.0, 6.0)), holes)
        }
        7 => {
            // diamonds that touch at corners: rings of them cut the interior
            let at = |k: usize| c(1.0 + 2.0 * (k % 3) as f64, 1.0 + 2.0 * (k / 3) as f64);
            let holes = (0..9)
                .filter(|_| r.below(3) > 0)
                .map(at)
                .map(|p| ring(vec![c(p.x - 1.0, p.y), c(p.x, p.y - 1.0), c(p.x + 1.0, p.y), c(p.x, p.y + 1.0)]))
                .collect();
            let edge = r.below(2) as f64;
            Polygon::new(ring(rect(-edge, -edge, 6.0 + 2.0 * edge, 6.0 + 2.0 * edge)), holes)
        }
        _ => {
            // a spike, now and then with a width
            let width = [0.0, 0.0, 1e-9, 1e-3][r.below(4)];
            let (x, y) = (r.between(1.0, 5.0), r.between(-4.0, 12.0));
            let mut p = rect(0.0, 0.0, 6.0, 6.0);
            p.splice(2..2, [c(6.0, 3.0), c(x, y), c(6.0, 3.0 + width)]);
            solid(p)
        }
    };
    let n = [1, 1, 1, 2, 3][r.below(5)];
    let m = MultiPolygon((0..n).map(|_| part(r)).collect());
    placed(r, m)
}

/// The same near the origin, in metres of a zone with prefix, or in degrees.
fn placed(r: &mut Random, m: MultiPolygon<f64>) -> MultiPolygon<f64> {
    match r.below(4) {
        0 => m.map_coords(|p| c(36_512_345.0 + 100.0 * p.x, 4_312_345.0 + 100.0 * p.y)),
        1 => m.map_coords(|p| c(106.5 + 0.001 * p.x, 39.25 + 0.001 * p.y)),
        _ => m,
    }
}

#[test]
fn verdicts_are_those_of_geos() {
    quiet();
    let mut r = Random(1);
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut sound, n) = (0, 20_000);
    for i in 0..n {
        let m = anything(&mut r);
        let faults = validity::faults(&m);
        let ours = validity::valid(&m);
        assert_eq!(ours, !faults.iter().any(|f| f.reason.invalid()), "{i}: {m:?}");
        assert_eq!(ours, to_geos(&m).is_valid(), "{i}: {faults:?}\n{m:?}");
        sound += usize::from(ours);
        let reasons: std::collections::BTreeSet<_> = faults.iter().map(|f| f.reason.code()).collect();
        reasons.into_iter().for_each(|c| *by.entry(c).or_default() += 1);
    }
    println!("{n} polygons, {sound} valid; with each reason: {by:?}");
    assert!(sound > n / 5 && sound < n * 4 / 5, "{sound}");
    for reason in [
        "self_intersection",
        "ring_self_intersection",
        "duplicate_rings",
        "hole_outside_shell",
        "nested_holes",
        "nested_shells",
        "interior_disconnected",
        "too_few_points",
        "zero_area",
        "spike",
    ] {
        assert!(by.get(reason).is_some_and(|&k| k >= 20), "{reason}: {by:?}");
    }
}

#[test]
fn repair_keeps_the_area_that_geos_keeps() {
    quiet();
    let mut r = Random(2);
    let (n, mut mended, mut via_geos, mut coincide, mut kept) = (12_000, 0, 0, 0, 0);
    for i in 0..n {
        let m = anything(&mut r);
        let done = repair::repair(&m).unwrap();
        if validity::valid(&m) {
            assert!(!done.changed && done.shape == m, "{i}");
            kept += 1;
            continue;
        }
        assert!(done.changed, "{i}");
        mended += 1;
        via_geos += usize::from(done.via_geos);
        coincide += usize::from(mended_as_geos(&m, &done.shape).unwrap_or_else(|e| panic!("{i}: {e}")));
    }
    println!(
        "{n} polygons, {kept} valid and kept, {mended} mended, {coincide} with coinciding edges, {via_geos} by GEOS"
    );
    assert!(mended > n / 5 && kept > n / 5 && coincide > 200);
    assert!(via_geos * 1000 < mended, "{via_geos}");
}

/// Two valid shapes that meet in all the ways that break overlays.
fn pair(r: &mut Random) -> (MultiPolygon<f64>, MultiPolygon<f64>) {
    let one = |r: &mut Random| loop {
        let m = match r.below(7) {
            0 => {
                let (n, at) = (3 + r.below(40), c(r.between(2.0, 6.0), r.between(2.0, 6.0)));
                let least = [0.1, 0.5, 0.9][r.below(3)];
                MultiPolygon(vec![solid(star(r, at, 4.0, least, n))])
            }
            1 => {
                let n = 3 + r.below(4);
                MultiPolygon(vec![solid(scribble(r, n, 7))])
            }
            2 => {
                // a sliver
                let (a, w) = (c(r.between(0.0, 8.0), r.between(0.0, 8.0)), 10f64.powf(r.between(-9.0, -1.0)));
                let b = c(r.between(0.0, 8.0), r.between(0.0, 8.0));
                MultiPolygon(vec![solid(vec![a, b, c(b.x + w, b.y), c(a.x, a.y + w)])])
            }
            3 => {
                // tiny holes
                let size = 10f64.powf(r.between(-7.0, -1.0));
                let holes =
                    (0..1 + r.below(4)).map(|k| ring(rect(1.0 + k as f64, r.between(1.0, 4.0), size, size))).collect();
                MultiPolygon(vec![Polygon::new(ring(rect(0.0, 0.0, 6.0, 6.0)), holes)])
            }
            4 => {
                // fields of a chessboard
                let odd = r.below(2);
                let field = |k: usize| solid(rect((k % 4) as f64 * 2.0, (k / 4) as f64 * 2.0, 2.0, 2.0));
                MultiPolygon((0..16).filter(|k| (k + k / 4) % 2 == odd).filter(|_| r.below(4) > 0).map(field).collect())
            }
            5 => {
                // holes that touch the shell and each other at points
                let holes = vec![
                    ring(vec![c(0.0, 3.0), c(3.0, 2.0), c(3.0, 4.0)]),
                    ring(vec![c(3.0, 4.0), c(5.0, 4.0), c(4.0, 5.0)]),
                ];
                MultiPolygon(vec![Polygon::new(ring(rect(0.0, 0.0, 6.0, 6.0)), holes)])
            }
            _ => {
                let mut p = rect(0.0, 0.0, 6.0, 6.0);
                let w = 10f64.powf(r.between(-9.0, -1.0));
                p.splice(2..2, [c(6.0, 3.0), c(r.between(7.0, 12.0), 3.0), c(6.0, 3.0 + w)]);
                MultiPolygon(vec![solid(p)])
            }
        };
        if validity::valid(&m) && !m.0.is_empty() {
            break m;
        }
    };
    let a = one(r);
    let b = match r.below(6) {
        0..=2 => one(r),
        // the same, moved by nothing, by next to nothing, or by a whole step
        3 => {
            let d = [0.0, 1e-12, 1e-9, 1e-6, 1.0, 2.0][r.below(6)];
            a.map_coords(|p| c(p.x + d, p.y))
        }
        // mirrored at its right edge: a common border
        4 => {
            let x = rings(&a).flat_map(|l| l.0.iter()).map(|p| p.x).fold(f64::MIN, f64::max);
            a.map_coords(|p| c(2.0 * x - p.x, p.y))
        }
        // turned by little about one of its points
        _ => {
            let (o, t) = (a.0[0].exterior().0[0], [1e-10, 1e-7, 1e-3][r.below(3)]);
            a.map_coords(|p| c(o.x + (p.x - o.x) - t * (p.y - o.y), o.y + (p.y - o.y) + t * (p.x - o.x)))
        }
    };
    let seed = r.bits();
    let both = |m| placed(&mut Random(seed), m);
    (both(a), both(b))
}

#[test]
fn overlays_are_those_of_geos() {
    quiet();
    let mut r = Random(3);
    let (mut n, mut via_geos, mut unfit, mut geos_cannot) = (0, 0, 0, 0);
    while n < 10_000 {
        let (a, b) = pair(&mut r);
        if !(validity::valid(&a) && validity::valid(&b)) {
            unfit += 1; // rounding in its place folded a sliver
            continue;
        }
        n += 1;
        let (ga, gb) = (to_geos(&a), to_geos(&b));
        let tolerance = slack(&[&a, &b]);
        for (name, ours, theirs) in [
            ("intersection", clip::intersection(&a, &b), ga.intersection(&gb)),
            ("difference", clip::difference(&a, &b), ga.difference(&gb)),
            ("union", clip::union(&a, &b), ga.union(&gb)),
        ] {
            let ours = ours.unwrap();
            via_geos += usize::from(ours.via_geos);
            let Some(theirs) = theirs else {
                geos_cannot += 1;
                continue;
            };
            let (x, y) = (area(&ours.shape), area(&polygons(&theirs)));
            assert!((x - y).abs() <= tolerance, "{n} {name}: {x} {y} {tolerance:e}\n{a:?}\n{b:?}");
        }
    }
    println!(
        "{n} pairs, 3 overlays each: {via_geos} by GEOS; {geos_cannot} that GEOS alone cannot do; {unfit} pairs unfit"
    );
}
