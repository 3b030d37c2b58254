//! Grades by hand, gaps, and rings of known area.

use geo::{Area, MapCoords, MultiPolygon, polygon};

use super::ring::{RingOptions, ring};
use super::*;
use crate::analysis::trend::day_of;
use crate::error::Text;

fn options() -> ProgressOptions {
    ProgressOptions {
        season: Season { from: 6, to: 9 },
        baseline: None,
        now: None,
        rules: Rules::default(),
        trend: TrendOptions::default(),
    }
}

/// One look a month of the years from 2016 on; the cover of each year in season, half of it in winter.
fn looks(yearly: &[f64], ring: f64) -> Vec<Look> {
    let mut out = Vec::new();
    for (i, v) in yearly.iter().enumerate() {
        for m in 1..=12 {
            let d = NaiveDate::from_ymd_opt(2016 + i as i32, m, 15).unwrap();
            let k = if (6..=9).contains(&m) { 1.0 } else { 0.5 };
            out.push(Look {
                day: day_of(d),
                clear: 1.0,
                unit: Some(k * v),
                ring: Some(k * ring),
                bare: Some(1.0 - k * v),
                water: None,
            });
        }
    }
    out
}

fn graded(looks: &[Look], target: Option<f64>) -> (Grade, Text) {
    let o = options();
    grade(&progress(looks, &o), target, &o.rules)
}

#[test]
fn every_grade() {
    let rising: Vec<f64> = (0..8).map(|i| 0.10 + 0.03 * f64::from(i)).collect();
    let falling: Vec<f64> = rising.iter().rev().copied().collect();
    let flat = [0.1; 8];
    let stopped = [0.10, 0.15, 0.20, 0.25, 0.30, 0.30, 0.305, 0.31];
    for (series, target, want) in [
        (&rising[..], None, Grade::Progressing),
        (&rising, Some(0.30), Grade::Met),
        (&falling, None, Grade::Regressed),
        (&flat, None, Grade::NotStarted),
        (&stopped, None, Grade::Stalled),
    ] {
        let (g, text) = graded(&looks(series, 0.6), target);
        assert_eq!(g, want, "{series:?}: {}", text.en);
    }
    // 0.31 of a ring of 0.34 is nine tenths
    assert_eq!(graded(&looks(&rising, 0.34), None).0, Grade::Met);
    // a target that is not reached counts for more than a ring that is
    assert_eq!(graded(&looks(&rising, 0.34), Some(0.5)).0, Grade::Progressing);
    let (_, text) = graded(&looks(&rising, 0.6), None);
    assert!(text.zh.starts_with("较基期好转,仍在增长:覆盖度 10% → 31%,每年 +"), "{}", text.zh);
}

#[test]
fn what_was_not_seen_is_said_and_never_a_number() {
    let mut none = looks(&[0.1, 0.2], 0.6);
    none.iter_mut().for_each(|l| (l.unit, l.ring, l.bare) = (None, None, None));
    let p = progress(&none, &options());
    assert_eq!((p.before, p.now, p.looks, p.last), (None, None, (0, 24), None));
    assert_eq!(p.trend, Err(NoTrend::NotObserved));
    let (g, t) = grade(&p, None, &Rules::default());
    assert_eq!((g, t.en.as_str()), (Grade::Unknown, "not one clear look on 24 date(s): nothing can be said"));
    // one date
    let one = &looks(&[0.1], 0.6)[6..7];
    let (g, t) = graded(one, None);
    assert_eq!((g, t.zh.as_str()), (Grade::Unknown, "仅一次有效观测,无从比较"));
    assert_eq!(progress(one, &options()).trend, Err(NoTrend::TooFew));
    // winter alone
    let winter: Vec<Look> = looks(&[0.1, 0.2], 0.6).into_iter().take(5).collect();
    assert!(graded(&winter, None).1.en.starts_with("5 clear look(s), none in the season"));
    // a baseline that nobody saw
    let o = ProgressOptions { baseline: Some(Years { from: 1999, to: 2001 }), ..options() };
    let p = progress(&looks(&[0.1, 0.2], 0.6), &o);
    assert_eq!((p.before, grade(&p, None, &o.rules).0), (None, Grade::Unknown));
}

#[test]
fn medians_years_and_months_by_hand() {
    let day = |y, m, d| day_of(NaiveDate::from_ymd_opt(y, m, d).unwrap());
    let look = |day, unit| Look { day, clear: 1.0, unit, ring: None, bare: None, water: None };
    let l = [
        look(day(2020, 6, 1), Some(0.1)),
        look(day(2020, 6, 1), Some(0.2)),
        look(day(2020, 7, 1), None),
        look(day(2020, 9, 30), Some(0.6)),
        look(day(2021, 8, 1), Some(0.5)),
    ];
    let p = progress(&l, &options());
    assert_eq!(p.yearly, [(2020, 0.2), (2021, 0.5)]);
    assert_eq!((p.before.unwrap().looks, p.now.unwrap().unit, p.looks), (3, 0.5, (4, 5)));
    let m = months(&l);
    assert_eq!(m.len(), 15);
    // two looks of one day are both looks; July has a date and no value, October no date
    assert!((m[0].unit.unwrap() - 0.15).abs() < 1e-12 && m[0].clear == 2);
    assert_eq!((m[1].unit, m[1].dates, m[4].dates, m[4].unit), (None, 1, 0, None));
    // a season over the turn of the year counts for the year it began in
    let s = Season { from: 11, to: 2 };
    let of = |y, m| s.year(NaiveDate::from_ymd_opt(y, m, 1).unwrap());
    assert_eq!([of(2020, 11), of(2021, 2), of(2021, 3)], [Some(2020), Some(2020), None]);
}

#[test]
fn a_ring_around_a_square_and_beside_another() {
    let square = |x: f64| {
        MultiPolygon(vec![polygon![(x: x, y: 0.0), (x: x + 100.0, y: 0.0), (x: x + 100.0, y: 100.0), (x: x, y: 100.0)]])
    };
    let o = RingOptions { width_m: 50.0, gap_m: 0.0 };
    let (r, _) = ring(&square(0.0), &[], [1.0, 1.0], &o).unwrap();
    // four strips and four quarters of a circle, whose chords lose at most 1 % of it
    let want = 4.0 * 100.0 * 50.0 + std::f64::consts::PI * 2500.0;
    assert!((r.unsigned_area() / want - 1.0).abs() < 0.005, "{} {want}", r.unsigned_area());
    // with a gap of 10 m: 60 m buffer less 10 m buffer
    let (g, _) = ring(&square(0.0), &[], [1.0, 1.0], &RingOptions { gap_m: 10.0, ..o }).unwrap();
    let want = 400.0 * 50.0 + std::f64::consts::PI * (3600.0 - 100.0);
    assert!((g.unsigned_area() / want - 1.0).abs() < 0.005, "{} {want}", g.unsigned_area());
    // another unit 20 m off takes 30 m × 100 m of the strip, and the parts of the rounded corners beside it are left
    let other = square(120.0);
    let (cut, _) = ring(&square(0.0), &[&other], [1.0, 1.0], &o).unwrap();
    assert!((r.unsigned_area() - cut.unsigned_area() - 30.0 * 100.0).abs() < 1.0);
    // degrees: a step of x is 80 km, of y 110 km
    let small = square(0.0).map_coords(|c| geo::Coord { x: c.x / 80_000.0, y: c.y / 110_000.0 });
    let (d, _) = ring(&small, &[], [80_000.0, 110_000.0], &o).unwrap();
    assert!((d.unsigned_area() * 8.8e9 / r.unsigned_area() - 1.0).abs() < 1e-6);
}
