use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn fixture() -> Json {
    serde_json::from_str(include_str!("../../../tests/fixtures/peers/trend.json")).unwrap()
}

fn numbers(v: &Json) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

fn same(k: &Kendall, peer: &Json, what: &str) {
    let at = |n: &str| peer[n].as_f64().unwrap();
    assert_eq!(k.s as f64, at("s"), "{what}");
    for (name, ours) in [("var_s", k.variance), ("z", k.z), ("p", k.p)] {
        assert!(near(ours, at(name)), "{what} {name}: {ours} {}", at(name));
    }
}

/// pymannkendall 1.4.3 on evenly spaced series: original, Hamed–Rao (whose detrending counts from 1) and seasonal.
#[test]
fn equals_pymannkendall() {
    let mut corrected = 0;
    for r in fixture()["regular"].as_array().unwrap() {
        let v = numbers(&r["v"]);
        let t: Vec<f64> = (1..=v.len()).map(|i| i as f64).collect();
        let (k, line) = (mann_kendall(&t, &v), theil_sen(&t, &v).unwrap());
        same(&k, &r["original"], "original");
        let peer = |n: &str| r["original"][n].as_f64().unwrap();
        assert!(near(line.slope, peer("slope")));
        // its time counts from 0
        assert!(near(line.intercept + line.slope, peer("intercept")));
        let h = hamed_rao(&t, &v, line.slope, 0.05, &k);
        if r["hamed_rao"]["var_s"].as_f64().unwrap() > 0.0 {
            same(&h, &r["hamed_rao"], "Hamed–Rao");
        } else {
            assert_eq!(h, k);
        }
        corrected += usize::from(h.variance != k.variance);
        let v = numbers(&r["seasonal_v"]);
        let looks: Vec<SeasonLook> = v
            .iter()
            .enumerate()
            .filter(|(_, v)| v.is_finite())
            .map(|(i, v)| SeasonLook { season: i % 12, year: (i / 12) as i32, value: *v })
            .collect();
        let (k, slope) = seasonal(&looks);
        same(&k, &r["seasonal"], "seasonal");
        match slope {
            Some(s) => assert!(near(s, r["seasonal"]["slope"].as_f64().unwrap())),
            None => assert!(r["seasonal"]["slope"].is_null()),
        }
    }
    assert!(corrected > 10, "{corrected}");
}

/// SciPy on uneven dates, two looks of one day among them.
#[test]
fn equals_scipy_on_uneven_dates() {
    let mut twice = 0;
    for r in fixture()["irregular"].as_array().unwrap() {
        let days = numbers(&r["days"]);
        let t: Vec<f64> = days.iter().map(|d| d / YEAR).collect();
        let v = numbers(&r["v"]);
        let line = theil_sen(&t, &v).unwrap();
        assert!(near(line.slope, r["slope"].as_f64().unwrap()), "{} {}", line.slope, r["slope"]);
        assert!(near(line.intercept, r["intercept"].as_f64().unwrap()));
        let k = mann_kendall(&t, &v);
        // kendalltau's asymptotic p has no continuity correction
        let z = k.s as f64 / k.variance.sqrt();
        assert!((two_sided(z) - r["p"].as_f64().unwrap()).abs() < 1e-12, "{k:?} {}", r["p"]);
        twice += usize::from(days.windows(2).any(|d| d[0] == d[1]));
    }
    assert!(twice > 5);
}

/// Kendall's table: n = 4, all rising: S = 6; variance 4·3·13/18; without ties.
#[test]
fn by_hand() {
    let k = mann_kendall(&[0.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 5.0, 9.0]);
    assert_eq!((k.s, k.variance), (6, 156.0 / 18.0));
    // slopes 1 2 8/3 3 7/2 4
    let l = theil_sen(&[0.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 5.0, 9.0]).unwrap();
    assert!((l.slope - (8.0 / 3.0 + 3.0) / 2.0).abs() < 1e-15);
    assert_eq!(mann_kendall(&[0.0, 1.0, 2.0], &[5.0; 3]).p, 1.0);
    assert_eq!(theil_sen(&[1.0, 1.0], &[0.0, 3.0]), None);
}

#[test]
fn calendar() {
    let day = |y, m, d| day_of(chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap());
    assert_eq!((day(1970, 1, 1), day(2000, 3, 1)), (0, 11_017));
    assert_eq!(date_of(-1).unwrap().to_string(), "1969-12-31");
    assert_eq!((decimal_year(day(2016, 1, 1)), decimal_year(day(2016, 12, 31))), (2016.0, 2017.0));
}

#[test]
fn a_season_is_taken_off_and_the_slope_stays() {
    // eight years of looks every 16 days, a season and a rise of 0.02 a year
    let days: Vec<i32> = (0..180).map(|i| 16_000 + 16 * i).collect();
    let value = |d: i32| {
        let a = std::f64::consts::TAU * decimal_year(d);
        0.4 + 0.02 * f64::from(d - 16_000) / YEAR + 0.2 * a.sin() - 0.1 * (2.0 * a).cos()
    };
    let values: Vec<f64> = days.iter().map(|d| value(*d)).collect();
    let t = Trends::new(&days, TrendOptions::default()).of(&values, &mut SeriesScratch::default()).unwrap();
    assert!((t.slope - 0.02).abs() < 1e-12 && (t.intercept - 0.4).abs() < 1e-12, "{t:?}");
    assert_eq!((t.looks, t.test.s), (180, 180 * 179 / 2));
}

#[test]
fn too_little_is_told_from_nothing() {
    let days = [0, 30, 30, 60, 90, 120, 400, 430, 460, 500];
    let trends = |season| Trends::new(&days, TrendOptions { season, min_looks: 4, ..TrendOptions::default() });
    let of = |season, v: &[f64]| trends(season).of(v, &mut SeriesScratch::default());
    let n = f64::NAN;
    assert_eq!(of(SeasonMethod::Plain, &[n; 10]), Err(NoTrend::NotObserved));
    assert_eq!(of(SeasonMethod::Plain, &[n, 0.1, 0.2, n, n, n, n, n, n, n]), Err(NoTrend::TooFew));
    assert_eq!(of(SeasonMethod::Harmonic(2), &[0.1, 0.2, 0.1, 0.2, 0.4, n, n, n, n, n]), Err(NoTrend::TooFew));
    assert!(of(SeasonMethod::Harmonic(2), &[0.1; 10]).is_ok());
    let one_day =
        Trends::new(&[5; 6], TrendOptions { season: SeasonMethod::Plain, min_looks: 4, ..Default::default() });
    assert_eq!(one_day.of(&[0.1; 6], &mut SeriesScratch::default()), Err(NoTrend::TooFew));
    // ten looks, each on the first of June: a season of two harmonics cannot be told
    let june: Vec<i32> = (0..10).map(|y| day_of(chrono::NaiveDate::from_ymd_opt(2001 + y, 6, 1).unwrap())).collect();
    let t = Trends::new(&june, TrendOptions::default());
    assert_eq!(
        t.of(&[0.1, 0.3, 0.2, 0.5, 0.6, 0.7, 0.9, 0.8, 1.0, 1.1], &mut SeriesScratch::default()),
        Err(NoTrend::SeasonUnknown)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A line added to the values adds its slope; a factor multiplies it; time turned round turns the sign.
    #[test]
    fn slopes_follow_the_values(
        days in prop::collection::btree_set(0i32..4000, 8..60), seed in prop::collection::vec(-1.0f64..1.0, 60),
        add in -2.0f64..2.0, factor in 0.1f64..10.0,
    ) {
        let t: Vec<f64> = days.iter().map(|d| f64::from(*d) / YEAR).collect();
        let v = &seed[..t.len()];
        let base = theil_sen(&t, v).unwrap().slope;
        let changed: Vec<f64> = t.iter().zip(v).map(|(t, v)| factor * v + add * t).collect();
        let moved = theil_sen(&t, &changed).unwrap().slope;
        prop_assert!((moved - (factor * base + add)).abs() < 1e-9 * (1.0 + moved.abs()));
        let back: Vec<f64> = v.iter().rev().copied().collect();
        let turned: Vec<f64> = t.iter().rev().map(|x| -x).collect();
        prop_assert!((theil_sen(&turned, &back).unwrap().slope + base).abs() < 1e-9 * (1.0 + base.abs()));
        let (a, b) = (mann_kendall(&t, v), mann_kendall(&turned, &back));
        prop_assert_eq!((a.s, a.variance), (-b.s, b.variance));
    }

    /// The median slope by counting is the median of all slopes, to the last bit: noise, steps, equal values, outliers.
    #[test]
    fn counting_finds_the_same_median(
        days in prop::collection::vec(0i32..3000, 5..140), seed in prop::collection::vec(-1.0f64..1.0, 140),
        kind in 0u8..4, slope in -0.5f64..0.5,
    ) {
        let mut days = days;
        days.sort_unstable();
        if kind != 3 {
            days.dedup();
        }
        let t: Vec<f64> = days.iter().map(|d| f64::from(*d) / YEAR).collect();
        let noise = |x: f64| match kind {
            0 => 0.05 * x,
            1 => (x * 3.0).round() / 10.0,
            _ => if x > 0.8 { 100.0 * x } else { 0.02 * x },
        };
        let v: Vec<f64> = t.iter().zip(&seed).map(|(t, x)| 0.3 + noise(*x) + if kind == 1 { 0.0 } else { slope * t }).collect();
        // whatever the processor compares with, the answers are the same
        for mut pairs in median_slope::Pairs::every() {
            let fast = pairs.median_slope(&t, &v);
            prop_assert_eq!(fast, theil_sen(&t, &v).map(|l| l.slope));
            if days.windows(2).all(|w| w[1] > w[0]) && v.len() > 1 && let Some(k) = pairs.kendall(&v) {
                prop_assert_eq!(k, mann_kendall(&t, &v));
            }
        }
    }

    /// Least squares: the residuals of a fit stand at right angles to every column.
    #[test]
    fn residuals_are_orthogonal(days in prop::collection::btree_set(10_000i32..13_000, 20..80), seed in prop::collection::vec(-1.0f64..1.0, 80)) {
        let days: Vec<i32> = days.into_iter().collect();
        let d = Design::new(Model { trend: true, order: 3 }, &days);
        let at: Vec<u32> = (0..days.len() as u32).collect();
        let Some(f) = d.fit(&at, &seed[..days.len()]) else { return Ok(()) };
        for c in 0..8 {
            let dot: f64 = (0..days.len()).map(|i| d.row(i)[c] * (seed[i] - d.value(&f, i))).sum();
            prop_assert!(dot.abs() < 1e-7, "{c} {dot}");
        }
    }
}
