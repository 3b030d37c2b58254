use geo::{LineString, MultiPolygon, Polygon, polygon};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::statistics::Running;
use super::*;
use crate::model::Seen;
use geo::Area;

fn grid(transform: [f64; 6], width: usize, height: usize) -> Grid {
    Grid { transform, width, height, crs: None }
}

fn block(window: Window, all: &Json) -> Block<f64> {
    let number = |v: &Json| v.as_f64();
    let values: Vec<Option<f64>> = all.as_array().unwrap().iter().map(number).collect();
    Block {
        window,
        values: values.iter().map(|v| v.unwrap_or(0.0)).collect(),
        seen: values.iter().map(|v| if v.is_some() { Seen::Yes } else { Seen::NoData }).collect(),
    }
}

fn shape(rings: &Json) -> MultiPolygon<f64> {
    let ring = |r: &Json| {
        let at = |c: &Json| (c[0].as_f64().unwrap(), c[1].as_f64().unwrap());
        LineString::from(r.as_array().unwrap().iter().map(at).collect::<Vec<_>>())
    };
    let polygon = |p: &Json| {
        let mut rings: Vec<LineString> = p.as_array().unwrap().iter().map(ring).collect();
        let exterior = rings.remove(0);
        Polygon::new(exterior, rings)
    };
    MultiPolygon(rings.as_array().unwrap().iter().map(polygon).collect())
}

fn near(a: f64, b: f64, tolerance: f64, scale: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(scale)
}

fn fixture() -> Json {
    serde_json::from_str(include_str!("../../../tests/fixtures/peers/zonal.json")).unwrap()
}

fn options() -> ZonalOptions {
    ZonalOptions { quantiles: vec![0.0, 0.1, 0.5, 0.9, 1.0], mode: true, thresholds: Vec::new() }
}

/// Shares in single precision, ring by ring, as exactextract adds them up.
fn in_single(shape: &MultiPolygon<f64>, g: &Grid) -> Vec<f64> {
    let mut shares = vec![0f32; g.width * g.height];
    let mut add = |ring: &LineString<f64>, sign: f32| {
        let alone = MultiPolygon(vec![Polygon::new(ring.clone(), Vec::new())]);
        let Some(zone) = ZoneOnGrid::new(&alone, g) else { return };
        zone.spans(g.window(), &mut Scratch::default(), |s| {
            (s.from..s.to).for_each(|c| shares[s.row * g.width + c] += sign * s.share as f32);
        });
    };
    for p in shape {
        add(p.exterior(), 1.0);
        p.interiors().iter().for_each(|h| add(h, -1.0));
    }
    shares.into_iter().map(f64::from).collect()
}

/// exactextract 0.3 keeps shares in single precision; with ours rounded alike, all numbers agree to 1e-9.
#[test]
fn equals_exactextract() {
    let mut zones = 0;
    for r in fixture()["rasters"].as_array().unwrap() {
        let t: Vec<f64> = r["transform"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let g =
            grid(t.try_into().unwrap(), r["width"].as_u64().unwrap() as usize, r["height"].as_u64().unwrap() as usize);
        let (band, weight) = (block(g.window(), &r["values"]), block(g.window(), &r["weights"]));
        for z in r["zones"].as_array().unwrap() {
            let zone = ZoneOnGrid::new(&shape(&z["rings"]), &g).unwrap();
            let o = options();
            let mut run = Running::new(&o);
            for (i, share) in in_single(&shape(&z["rings"]), &g).into_iter().enumerate().filter(|x| x.1 > 0.0) {
                let weights = Some((&weight.values[i..=i], &weight.seen[i..=i]));
                run.add(share, &band.values[i..=i], &band.seen[i..=i], weights);
            }
            let s = run.finish().finish(zone.area(), &o);
            let peer = &z["exactextract"];
            let at = |name: &str| peer[name].as_f64();
            let kind = &z["kind"];
            // corners where edges leave a pixel are rounded to the steps of the coordinates (9.3e-10 near 4,400,000): in
            // slivers that is more than a billionth of the area
            let step = g.transform[3].abs() * f64::EPSILON / g.transform[1];
            let tolerance = 1e-9 + 4.0 * step / zone.area();
            assert!(g.transform[3] > 1e6 || tolerance < 1.1e-9, "{tolerance}");
            assert!(near(s.count, at("count").unwrap(), tolerance, 0.0), "{kind} count {} {peer}", s.count);
            let Some(v) = s.values else {
                assert_eq!(at("mean"), None, "{kind}");
                continue;
            };
            zones += 1;
            let mean = v.mean.abs();
            let pairs = [
                ("sum", v.sum, 0.0),
                ("mean", v.mean, 0.0),
                // a variance of rounding errors is zero: in units of the squared mean
                ("variance", v.variance, 1e-7 * mean * mean),
                ("stdev", v.stdev, mean),
                ("min", v.min, 0.0),
                ("max", v.max, 0.0),
                ("mode", v.mode.unwrap(), 0.0),
                ("quantile_0", v.quantiles[0], v.max - v.min),
                ("quantile_10", v.quantiles[1], v.max - v.min),
                ("quantile_50", v.quantiles[2], v.max - v.min),
                ("quantile_90", v.quantiles[3], v.max - v.min),
                ("quantile_100", v.quantiles[4], v.max - v.min),
            ];
            for (name, ours, scale) in pairs {
                assert!(near(ours, at(name).unwrap(), tolerance, scale), "{kind} {name}: {ours} {peer}");
            }
            // exactextract's weighted figures are none where any weight is missing; all of ours here have weights
            let w = v.weighted.unwrap();
            assert!(near(w.mean, at("weighted_mean").unwrap(), tolerance, 0.0), "{kind} weighted {} {peer}", w.mean);
            assert!(near(w.sum, at("weighted_sum").unwrap(), tolerance, 0.0));
            assert!(near(w.variance, at("weighted_variance").unwrap(), tolerance, 1e-7 * mean * mean));
        }
    }
    assert!(zones > 110, "{zones}");
}

/// Our own double-precision shares, against polygons cut out by GEOS in double precision.
#[test]
fn shares_are_exact() {
    for r in fixture()["rasters"].as_array().unwrap() {
        let t: Vec<f64> = r["transform"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let g =
            grid(t.try_into().unwrap(), r["width"].as_u64().unwrap() as usize, r["height"].as_u64().unwrap() as usize);
        let band = block(g.window(), &r["values"]);
        let shapes: Vec<_> = r["zones"].as_array().unwrap().iter().map(|z| shape(&z["rings"])).collect();
        let mut zonal = Zonal::new(&shapes, &g, 1, options());
        zonal.merge(&zonal.part(g.window(), &[Layer { band: &band, weight: None }]));
        for (i, z) in r["zones"].as_array().unwrap().iter().enumerate() {
            let s = zonal.statistics(i, 0);
            // coordinates near 4,400,000 have steps of 9.3e-10, a tenth of a billionth of a pixel
            for (name, ours) in [("area", s.area), ("covered", s.covered), ("count", s.count)] {
                let exact = z["exact"][name].as_f64().unwrap();
                assert!((ours - exact).abs() <= 1e-9 * exact.max(1.0), "{} {name}: {ours} {exact}", z["kind"]);
            }
            let sum = z["exact"]["sum"].as_f64().unwrap();
            assert!((s.values.map_or(0.0, |v| v.sum) - sum).abs() <= 1e-9 * sum.abs().max(1.0));
        }
    }
}

#[test]
fn nothing_observed_has_no_numbers() {
    let g = grid([0.0, 1.0, 0.0, 2.0, 0.0, -1.0], 2, 2);
    let square = |x: f64| {
        MultiPolygon(vec![polygon![(x: x, y: 0.0), (x: x + 1.0, y: 0.0), (x: x + 1.0, y: 2.0), (x: x, y: 2.0)]])
    };
    let line = MultiPolygon(vec![polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 1.0), (x: 2.0, y: 2.0)]]);
    let mut zonal = Zonal::new(&[square(0.0), square(1.5), square(9.0), line], &g, 1, options());
    let seen = vec![Seen::Cloud, Seen::Yes, Seen::Cloud, Seen::NoData];
    let b = Block { window: g.window(), values: vec![7.0; 4], seen };
    zonal.merge(&zonal.part(g.window(), &[Layer { band: &b, weight: None }]));
    let s: Vec<_> = (0..4).map(|i| zonal.statistics(i, 0)).collect();
    assert_eq!((s[0].area, s[0].covered, s[0].count, &s[0].values), (2.0, 2.0, 0.0, &None));
    // half of it lies outside, and half of the rest is not seen
    assert_eq!((s[1].area, s[1].covered, s[1].count, s[1].observed_share), (2.0, 1.0, 0.5, 0.25));
    assert_eq!((s[2].area, s[2].covered, &s[2].values), (2.0, 0.0, &None));
    assert_eq!((s[3].area, s[3].observed_share, &s[3].values), (0.0, 0.0, &None));
}

fn ring(x: f64, y: f64, radii: &[f64]) -> Polygon<f64> {
    let n = radii.len() as f64;
    let at = |(i, r): (usize, &f64)| {
        let (s, c) = (std::f64::consts::TAU * i as f64 / n).sin_cos();
        (x + r * c, y + r * s)
    };
    Polygon::new(radii.iter().enumerate().map(at).collect::<Vec<_>>().into(), Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The shares of all pixels add up to the polygon's area, on a turned grid too, whatever pieces it is read in; and
    /// pieces that lie side by side give the pixels they share in two parts.
    #[test]
    fn shares_add_up_to_the_area(
        x in 5.0f64..35.0, y in 5.0f64..35.0, radii in prop::collection::vec(0.01f64..12.0, 3..40),
        skew in -0.4f64..0.4, tile in 1usize..17,
    ) {
        let shape = MultiPolygon(vec![ring(x, y, &radii)]);
        // the middle pixel lies at (20, 20)
        let (x0, y0) = (-60.0 - 80.0 * skew, 100.0 - 80.0 * skew);
        let g = grid([x0, 1.0, skew, y0, skew, -1.0], 160, 160);
        let zone = ZoneOnGrid::new(&shape, &g).unwrap();
        let expected = shape.unsigned_area() / g.pixel_area();
        let (mut whole, mut pieces) = (0.0, 0.0);
        let mut scratch = Scratch::default();
        zone.spans(g.window(), &mut scratch, |s| whole += s.share * (s.to - s.from) as f64);
        for row in (0..g.height).step_by(tile) {
            for col in (0..g.width).step_by(tile) {
                let w = Window { col, row, width: tile, height: tile }.intersection(&g.window());
                zone.spans(w, &mut scratch, |s| {
                    assert!(s.share > 0.0 && s.share <= 1.0 && s.from >= w.col && s.to <= w.col + w.width && s.from < s.to);
                    pieces += s.share * (s.to - s.from) as f64;
                });
            }
        }
        prop_assert!((whole - expected).abs() < 1e-9 && (pieces - expected).abs() < 1e-9, "{whole} {pieces} {expected}");
        prop_assert!((zone.area() - expected).abs() < 1e-9);
    }

    /// A zone and the rest of the raster together have the raster's sums.
    #[test]
    fn a_zone_and_the_rest_make_the_whole(
        x in 2.0f64..14.0, y in 2.0f64..14.0, radii in prop::collection::vec(0.1f64..3.0, 3..20),
        values in prop::collection::vec(-1e3f64..1e3, 256),
    ) {
        let g = grid([0.0, 1.0, 0.0, 16.0, 0.0, -1.0], 16, 16);
        let hole = ring(x, y, &radii);
        let (w, h) = (16.0, 16.0);
        let outer = LineString::from(vec![(0.0, 0.0), (w, 0.0), (w, h), (0.0, h), (0.0, 0.0)]);
        let inside = hole.exterior().coords().all(|c| (0.0..16.0).contains(&c.x) && (0.0..16.0).contains(&c.y));
        prop_assume!(inside);
        let rest = Polygon::new(outer, vec![hole.exterior().clone()]);
        let b = Block { window: g.window(), values, seen: vec![Seen::Yes; 256] };
        let o = ZonalOptions { thresholds: vec![0.0], ..ZonalOptions::default() };
        let mut zonal = Zonal::new(&[MultiPolygon(vec![hole]), MultiPolygon(vec![rest])], &g, 1, o);
        zonal.merge(&zonal.part(g.window(), &[Layer { band: &b, weight: None }]));
        let (a, b1) = (zonal.statistics(0, 0), zonal.statistics(1, 0));
        let total: f64 = b.values.iter().sum();
        let above = b.values.iter().filter(|v| **v > 0.0).count() as f64;
        let (va, vb) = (a.values.unwrap(), b1.values.unwrap());
        prop_assert!((a.count + b1.count - 256.0).abs() < 1e-9);
        prop_assert!((va.sum + vb.sum - total).abs() < 1e-7);
        prop_assert!((va.above[0] * a.count + vb.above[0] * b1.count - above).abs() < 1e-9);
    }

    /// Whatever the tiles, the numbers are those of one block, and a mean lies between least and largest.
    #[test]
    fn tiles_do_not_matter(
        radii in prop::collection::vec(0.5f64..14.0, 3..30), tile in 1usize..33,
        values in prop::collection::vec(0i32..50, 1024), holes in prop::collection::vec(0u8..6, 1024),
    ) {
        let g = grid([0.0, 1.0, 0.0, 32.0, 0.0, -1.0], 32, 32);
        let shapes = [MultiPolygon(vec![ring(16.3, 15.1, &radii)]), MultiPolygon(vec![ring(1.0, 30.0, &radii)])];
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let seen: Vec<Seen> = holes.into_iter().map(|h| if h == 0 { Seen::Cloud } else { Seen::Yes }).collect();
        let cut = |w: Window| {
            let rows = w.row..w.row + w.height;
            let at = |r: usize| r * g.width + w.col..r * g.width + w.col + w.width;
            Block {
                window: w,
                values: rows.clone().flat_map(|r| values[at(r)].to_vec()).collect(),
                seen: rows.flat_map(|r| seen[at(r)].to_vec()).collect(),
            }
        };
        let run = |tile: usize| {
            let mut zonal = Zonal::new(&shapes, &g, 1, options());
            for row in (0..32).step_by(tile) {
                for col in (0..32).step_by(tile) {
                    let w = Window { col, row, width: tile, height: tile }.intersection(&g.window());
                    zonal.merge(&zonal.part(w, &[Layer { band: &cut(w), weight: None }]));
                }
            }
            [zonal.statistics(0, 0), zonal.statistics(1, 0)]
        };
        for (a, b) in run(32).into_iter().zip(run(tile)) {
            prop_assert!((a.count - b.count).abs() < 1e-9);
            let (Some(a), Some(b)) = (a.values, b.values) else { continue };
            prop_assert!((a.mean - b.mean).abs() < 1e-9 && (a.variance - b.variance).abs() < 1e-7);
            prop_assert_eq!((a.min, a.max), (b.min, b.max));
            prop_assert!(a.min <= a.mean + 1e-9 && a.mean <= a.max + 1e-9);
            prop_assert!(a.quantiles.iter().zip(&b.quantiles).all(|(x, y)| (x - y).abs() < 1e-6));
        }
    }
}

#[test]
fn level_edges_through_the_middle_of_pixels() {
    // columns 1.25 to 6.5, rows 1.25 to 3.5: edges along the rows raise nothing in the pixels between the corners
    let grid = Grid { transform: [0.0, 1.0, 0.0, 0.0, 0.0, -1.0], width: 9, height: 6, crs: None };
    let shape =
        MultiPolygon(vec![polygon![(x: 1.25, y: -1.25), (x: 6.5, y: -1.25), (x: 6.5, y: -3.5), (x: 1.25, y: -3.5)]]);
    let mut share = [[0.0; 9]; 6];
    let zone = ZoneOnGrid::new(&shape, &grid).unwrap();
    zone.spans(grid.window(), &mut Scratch::default(), |s| share[s.row][s.from..s.to].fill(s.share));
    let across = [0.0, 0.75, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0];
    let down = [0.0, 0.75, 1.0, 0.5, 0.0, 0.0];
    for (row, d) in share.iter().zip(down) {
        assert_eq!(*row, across.map(|a| a * d));
    }
}
