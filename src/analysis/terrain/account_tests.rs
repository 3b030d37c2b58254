//! Solids whose volume is known, and invariants.

use geo::{LineString, MultiPolygon, Polygon};
use proptest::prelude::*;

use super::*;
use crate::analysis::terrain::cover::Outline;
use crate::analysis::terrain::rim::RimForm;
use crate::model::{Grid, Window};

const N: usize = 101;
/// Metres a cell.
const CELL: f64 = 2.0;

fn grid() -> Grid {
    Grid { transform: [0.0, CELL, 0.0, 0.0, 0.0, -CELL], width: N, height: N, crs: None }
}

fn heights(f: impl Fn(f64, f64) -> f64) -> Heights {
    let z = (0..N * N).map(|i| f(CELL * ((i % N) as f64 + 0.5), CELL * ((i / N) as f64 + 0.5)) as f32).collect();
    Heights { window: Window { col: 0, row: 0, width: N, height: N }, z }
}

/// A regular polygon of many corners about the middle of the grid, with the area of the circle.
fn circle(radius: f64) -> MultiPolygon<f64> {
    let (n, mid) = (720, CELL * N as f64 / 2.0);
    let t = std::f64::consts::TAU / f64::from(n);
    let r = radius * (t / t.sin()).sqrt();
    let ring: Vec<_> =
        (0..=n).map(|i| (mid + r * (f64::from(i % n) * t).cos(), -mid + r * (f64::from(i % n) * t).sin())).collect();
    MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])])
}

fn account(shape: &MultiPolygon<f64>, before: &Heights, after: &Heights, lod_m: f64) -> Account {
    let outline = Outline::new(shape, &grid()).unwrap();
    let rim = |h: &Heights| {
        let cells: Vec<_> = outline
            .rim_cells(&grid())
            .into_iter()
            .filter_map(|(c, r)| h.at(c, r).map(|z| ([c as f64 + 0.5, r as f64 + 0.5], z)))
            .collect();
        Rim::through(&cells, RimForm::Plane)
    };
    let (a, b) = (rim(before), rim(after));
    let ground = Ground::of(&grid(), Some(1.0)).unwrap();
    let o = AccountOptions { lod_m, slope_limits_deg: vec![25.0, 35.0] };
    Account::of(&outline.cover(&grid(), grid().window()), [before, after], &ground, [a.as_ref(), b.as_ref()], &o)
}

fn distance(x: f64, y: f64) -> f64 {
    let mid = CELL * N as f64 / 2.0;
    (x - mid).hypot(y - mid)
}

#[test]
fn cone_frustum_and_box() {
    let flat = heights(|x, y| 100.0 + 0.01 * x - 0.02 * y);
    let (radius, high) = (60.0, 30.0);
    let cone = |k: f64, top: f64| {
        heights(move |x, y| 100.0 + 0.01 * x - 0.02 * y + k * (high * (1.0 - distance(x, y) / radius)).clamp(0.0, top))
    };
    let pi = std::f64::consts::PI;
    let whole = pi * radius * radius * high / 3.0;
    // frustum: the cone without its upper half, which is an eighth of it
    for (top, want) in [(99.0, whole), (high / 2.0, whole * 7.0 / 8.0)] {
        let a = account(&circle(80.0), &flat, &cone(1.0, top), 0.0);
        // cells of 2 m on a curved solid: 1 in 2,000
        assert!((a.net_m3 / want - 1.0).abs() < 5e-4, "{} {want}", a.net_m3);
        assert!((a.area_m2 / (pi * 6400.0) - 1.0).abs() < 1e-6, "{}", a.area_m2);
        let after = &a.sides[1];
        assert!((after.above_m3 / want - 1.0).abs() < 5e-3, "{} {want}", after.above_m3);
        // tan = 30 / 60: 26.57°, between both limits; a slope over 3 × 3 cells blurs edges over a cell and a half
        let (sloped, edges) = if top > high { (1.0, 1.0) } else { (0.75, 1.5) };
        let off = (after.slope_m2[1] - pi * radius * radius * sloped).abs();
        assert!(off < 2.0 * pi * radius * edges * 1.5 * CELL, "{off}");
    }
    // the same cone downwards is a pit; the 2 % of area nearest the middle are √0.02 · 80 = 11.3 m around it
    let a = account(&circle(80.0), &flat, &cone(-1.0, 99.0), 0.0);
    let want = high * (1.0 - 80.0 * 0.02f64.sqrt() / radius);
    let depth = a.sides[1].depth_m().unwrap();
    assert!((depth - want).abs() < 0.25, "{depth} {want}");
    assert!(a.sides[1].height_m().unwrap() < 0.1 && a.sides[0].depth_m().unwrap() < 0.1);
    // a box 40 m × 24 m × 5 m whose walls run through cells: cut by the outline, not by cells
    let ring = LineString::from(vec![(51.0, -31.0), (91.0, -31.0), (91.0, -55.0), (51.0, -55.0), (51.0, -31.0)]);
    let boxed = MultiPolygon(vec![Polygon::new(ring, vec![])]);
    let raised = heights(|x, y| 105.0 + 0.01 * x - 0.02 * y);
    let a = account(&boxed, &flat, &raised, 0.0);
    assert!((a.net_m3 - 40.0 * 24.0 * 5.0).abs() < 0.05, "{}", a.net_m3);
}

#[test]
fn gaps_are_left_out_and_small_differences_too() {
    let flat = heights(|_, _| 10.0);
    let mut up = heights(|x, _| if x < 101.0 { 10.3 } else { 11.0 });
    let ring = LineString::from(vec![(80.0, -80.0), (120.0, -80.0), (120.0, -100.0), (80.0, -100.0), (80.0, -80.0)]);
    let shape = MultiPolygon(vec![Polygon::new(ring, vec![])]);
    let a = account(&shape, &flat, &up, 0.5);
    // cells 40–49 have their middles below 101 m: 20 m at 0.3, 20 m at 1.0
    assert!((a.net_m3 - (400.0 * 0.3 + 400.0)).abs() < 1e-3 && (a.net_lod_m3() - 400.0).abs() < 1e-3);
    assert!((a.beyond_lod_m2 - 400.0).abs() < 1e-9);
    for r in 0..45 {
        for c in 0..45 {
            up.z[r * N + c] = f32::NAN;
        }
    }
    let b = account(&shape, &flat, &up, 0.5);
    // 5 columns × 5 rows of cells
    assert!((a.area_m2 - b.area_m2 - 100.0).abs() < 1e-9 && (a.cells - b.cells - 25.0).abs() < 1e-9);
    up.z.fill(f32::NAN);
    let none = account(&shape, &flat, &up, 0.5);
    assert_eq!((none.cells, none.sides[1].depth_m(), none.sides[0].slope_share(0)), (0.0, None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn swapping_turns_the_sign_and_a_common_shift_changes_nothing(
        waves in proptest::collection::vec((-9f64..9.0, 5f64..60.0, 0f64..6.0), 2..5),
        radius in 5f64..95.0,
        up in -500f64..500.0,
    ) {
        let height = |k: usize, x: f64, y: f64| {
            let (a, l, p) = waves[k % waves.len()];
            100.0 + a * (x / l + p).sin() * (y / l - p).cos()
        };
        let (b, a) = (heights(|x, y| height(0, x, y)), heights(|x, y| height(1, x, y)));
        let (forth, back) = (account(&circle(radius), &b, &a, 0.4), account(&circle(radius), &a, &b, 0.4));
        let same = |x: f64, y: f64, scale: f64| (x - y).abs() <= 1e-9 * scale + 1e-9;
        let scale = forth.fill_m3 + forth.cut_m3;
        prop_assert!(same(forth.net_m3, -back.net_m3, scale));
        prop_assert!(same(forth.fill_m3, back.cut_m3, scale) && same(forth.fill_lod_m3, back.cut_lod_m3, scale));
        prop_assert!(same(forth.net_m3, forth.fill_m3 - forth.cut_m3, scale));
        prop_assert!(same(forth.sides[0].below_m3, back.sides[1].below_m3, scale));
        // both dates raised alike; float32 heights round by 3e-5 m
        let raised = |h: &Heights| Heights { z: h.z.iter().map(|z| z + up as f32).collect(), ..h.clone() };
        let high = account(&circle(radius), &raised(&b), &raised(&a), 0.4);
        prop_assert!((high.net_m3 - forth.net_m3).abs() <= 1e-4 * forth.area_m2);
        prop_assert!((high.sides[0].below_m3 - forth.sides[0].below_m3).abs() <= 1e-3 * forth.area_m2);
    }
}
