use serde_json::Value as Json;

use super::*;

fn fixture() -> Json {
    serde_json::from_str(include_str!("../../../tests/fixtures/peers/monitor.json")).unwrap()
}

fn numbers(v: &Json) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn days(v: &Json) -> Vec<i32> {
    numbers(v).into_iter().map(|d| d as i32).collect()
}

fn process(name: &str, h: f64) -> Process {
    match name {
        "mosum" | "OLS-MOSUM" => Process::Mosum { h, period: 10 },
        "cusum" | "OLS-CUSUM" => Process::Cusum,
        _ => Process::Ewma { lambda: 0.3, limit: 2.0, outlier: 10.0 },
    }
}

/// nrt 0.3: every pixel's state, start of history and day of break; process and magnitude to single precision, in which
/// nrt keeps its numbers.
#[test]
fn equals_nrt() {
    let f = fixture();
    let (all, start) = (days(&f["days"]), f["start"].as_i64().unwrap() as i32);
    let mut breaks = 0;
    for run in f["runs"].as_array().unwrap() {
        let o = &run["options"];
        let name = run["process"].as_str().unwrap();
        let roc = o["fit"] == "ROC";
        let options = MonitorOptions {
            model: Model {
                trend: o["trend"].as_bool().unwrap(),
                order: o["harmonic_order"].as_u64().unwrap() as usize,
            },
            process: process(name, o["h"].as_f64().unwrap_or(0.5)),
            history: if roc { History::Roc } else { History::All },
            start,
            level: o["sensitivity"].as_f64().filter(|_| name == "cusum").unwrap_or(0.05),
            convention: Convention::Nrt,
        };
        let m = Monitor::new(&all, options).unwrap();
        let mut scratch = MonitorScratch::default();
        for (k, pixel) in f["pixels"].as_array().unwrap().iter().enumerate() {
            let got = m.of(&numbers(pixel), &mut scratch);
            let at = |n: &str| run[n][k].as_f64();
            let what = format!("{o} pixel {k}: {got:?} {:?} {:?} {:?}", at("mask"), at("day"), at("value"));
            match at("mask").unwrap() as u8 {
                // not one look since the start: nrt goes on waiting
                1 if got == Err(NotMonitored::NoLookSince) => assert_eq!(at("magnitude"), None, "{what}"),
                1 | 3 => {
                    let r = got.unwrap_or_else(|_| unreachable!("{what}"));
                    assert_eq!(r.break_day.unwrap_or(0), at("day").unwrap() as i32, "{what}");
                    assert!((r.magnitude - at("magnitude").unwrap()).abs() < 2e-5, "{what}");
                    assert!((r.process - at("value").unwrap()).abs() < 2e-5, "{what}");
                    if roc {
                        assert_eq!(r.history_start, at("history_start").unwrap() as i32, "{what}");
                    }
                    breaks += usize::from(r.break_day.is_some());
                }
                2 => assert_eq!(got, Err(NotMonitored::UnstableHistory), "{what}"),
                4 => assert!(matches!(got, Err(NotMonitored::ShortHistory | NotMonitored::NotObserved)), "{what}"),
                other => unreachable!("{other}"),
            }
        }
    }
    assert!(breaks > 150, "{breaks}");
}

/// R's strucchange, put together as bfastmonitor does: start of history, break, magnitude, sigma.
#[test]
fn equals_strucchange() {
    let f = fixture();
    let (all, start) = (days(&f["days"]), f["start"].as_i64().unwrap() as i32);
    let text = include_str!("../../../tests/fixtures/peers/bfastmonitor.csv");
    let mut answered = 0;
    for line in text.lines().skip(2) {
        let c: Vec<&str> = line.split(',').collect();
        let options = MonitorOptions {
            model: Model { trend: c[4] == "TRUE", order: c[3].parse().unwrap() },
            process: process(c[1], 0.25),
            history: if c[2] == "ROC" { History::Roc } else { History::All },
            ..MonitorOptions::from(start)
        };
        let pixel = numbers(&f["pixels"][c[0].parse::<usize>().unwrap()]);
        let got = Monitor::new(&all, options).unwrap().of(&pixel, &mut MonitorScratch::default());
        let Ok(r) = got else {
            assert_eq!(c[5], "NA", "{line} {got:?}");
            continue;
        };
        answered += 1;
        assert_eq!(r.history_start.to_string(), c[5], "{line} {r:?}");
        assert_eq!(r.break_day.unwrap_or(0).to_string(), c[6], "{line} {r:?}");
        for (ours, theirs) in [(r.magnitude, c[7]), (r.sigma, c[8])] {
            assert!((ours - theirs.parse::<f64>().unwrap()).abs() < 1e-9, "{line} {r:?}");
        }
    }
    assert!(answered > 400, "{answered}");
}

#[test]
fn what_cannot_be_monitored_says_why() {
    let days: Vec<i32> = (0..60).map(|i| 17_000 + 20 * i).collect();
    let m = |start, history| {
        let o = MonitorOptions { history, model: Model { trend: false, order: 1 }, ..MonitorOptions::from(start) };
        Monitor::new(&days, o).unwrap()
    };
    let values: Vec<f64> = (0..60).map(|i| 0.3 + 0.01 * f64::from(i * 7919 % 13)).collect();
    let of = |m: Monitor, v: &[f64]| m.of(v, &mut MonitorScratch::default());
    assert_eq!(of(m(18_000, History::All), &[f64::NAN; 60]), Err(NotMonitored::NotObserved));
    assert_eq!(of(m(17_040, History::All), &values), Err(NotMonitored::ShortHistory));
    assert_eq!(of(m(18_190, History::All), &values), Err(NotMonitored::NoLookSince));
    assert_eq!(of(m(17_600, History::From(17_580)), &values), Err(NotMonitored::ShortHistory));
    let r = of(m(17_600, History::From(17_200)), &values).unwrap();
    assert_eq!((r.history_start, r.history_looks, r.looks, r.break_day), (17_200, 20, 30, None));
}

#[test]
fn composites_and_medoid() {
    let day = |y, m, d| day_of(chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap());
    let days = [day(2020, 3, 1), day(2020, 6, 1), day(2020, 9, 1), day(2020, 12, 1), day(2022, 7, 1), day(2022, 7, 1)];
    let v = [0.1, 0.7, 0.3, f64::NAN, 0.5, 0.9];
    let of = |how| yearly(&days, &v, how).iter().map(|y| (y.year, y.value, y.looks)).collect::<Vec<_>>();
    assert_eq!(of(Composite::Median), [(2020, Some(0.3), 3), (2021, None, 0), (2022, Some(0.7), 2)]);
    assert_eq!(of(Composite::Maximum), [(2020, Some(0.7), 3), (2021, None, 0), (2022, Some(0.9), 2)]);
    assert_eq!(of(Composite::Medoid), [(2020, Some(0.3), 3), (2021, None, 0), (2022, Some(0.5), 2)]);
    // sums of distances by hand: 5 + 10, 5 + 5, 10 + 5
    assert_eq!(medoid(&[&[0.0, 0.0], &[3.0, 4.0], &[6.0, 8.0]]), Some(1));
    assert_eq!(medoid(&[]), None);
}
