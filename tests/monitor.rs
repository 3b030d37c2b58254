//! `heshan monitor` on a stack whose breaks are known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::path::Path;

use common::{bands, failure, raster, rows, run};
use heshan::analysis::trend::{date_of, decimal_year};
use serde_json::Value as Json;

const SIZE: (usize, usize) = (4, 3);

/// 100 looks every 20 days from 2016-07-18; column 1 loses 0.3 from look 80 on, column 2 is never seen, column 3 has ten
/// looks of history; monitoring begins with look 70.
fn stack(dir: &Path) -> Vec<i32> {
    let days: Vec<i32> = (0..100).map(|k| 17_000 + 20 * k).collect();
    std::fs::create_dir(dir.join("in")).unwrap();
    for (k, day) in days.iter().enumerate() {
        let season = 0.15 * (std::f64::consts::TAU * decimal_year(*day)).sin();
        let value = |i: usize| {
            let noise = 0.02 * ((k * 7919 + i * 104_729) % 97) as f64 / 97.0;
            let v = (0.4 + season + noise) as f32;
            match i % SIZE.0 {
                1 if k >= 80 => v - 0.3,
                2 => f32::NAN,
                3 if k < 60 => f32::NAN,
                _ => v,
            }
        };
        let name = format!("ndvi_{}.tif", date_of(*day).unwrap().format("%Y%m%d"));
        raster(&dir.join("in").join(name), SIZE, &(0..SIZE.0 * SIZE.1).map(value).collect::<Vec<_>>());
    }
    days
}

fn monitor(dir: &Path, arguments: &[&str]) -> Json {
    let mut all = vec!["monitor", "--json", "--overwrite"];
    all.extend(arguments);
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

#[test]
fn breaks_are_found_where_and_when_they_are() {
    let d = tempfile::tempdir().unwrap();
    let days = stack(d.path());
    let start = date_of(days[70]).unwrap().to_string();
    // a loss of fifty standard deviations is no cloud: the charts must not leave it out
    for method in ["mosum", "cusum", "ewma"] {
        let s = monitor(
            d.path(),
            &[
                "in",
                "--start",
                &start,
                "--method",
                method,
                "--order",
                "1",
                "--outlier",
                "1000",
                "--limit",
                "4",
                "-o",
                "m.tif",
            ],
        );
        let c = &s["counts"];
        assert_eq!(c["not_observed"], 3, "{method} {c}");
        let b = bands(&d.path().join("m.tif"));
        for i in 0..SIZE.0 * SIZE.1 {
            // ten looks are a short history: only the moving sum is held to it
            if i % SIZE.0 == 3 && method != "mosum" {
                continue;
            }
            let state = [0.0, 1.0, 2.0, 0.0][i % SIZE.0];
            assert_eq!(b[2][i], state, "{method} pixel {i}");
            match i % SIZE.0 {
                1 => {
                    let late = days.iter().position(|d| f64::from(*d) == b[3][i]).unwrap();
                    assert!((79..=81).contains(&late), "{method} {late}");
                    assert!(b[4][i] >= b[3][i]);
                    // twenty of thirty looks are 0.3 lower
                    assert!((b[1][i] + 0.3).abs() < 0.03, "{}", b[1][i]);
                    assert!((b[0][i] - decimal_year(days[late])).abs() < 1e-3);
                }
                2 => assert_eq!((b[1][i], b[3][i]), (-9999.0, -9999.0)),
                _ => assert!(b[3][i] == -9999.0 && b[1][i].abs() < 0.02),
            }
        }
    }
    // with three harmonics ten looks are no history
    let s = monitor(d.path(), &["in", "--start", &start, "-o", "m.tif"]);
    assert_eq!(s["counts"]["short_history"], 3);
}

#[test]
fn zones_and_tables() {
    let d = tempfile::tempdir().unwrap();
    let days = stack(d.path());
    let start = date_of(days[70]).unwrap().to_string();
    let zone =
        "name,wkt\na,\"POLYGON((600010 4400040,600020 4400040,600020 4400010,600010 4400010,600010 4400040))\"\n";
    std::fs::write(d.path().join("z.csv"), zone).unwrap();
    let s = monitor(d.path(), &["in", "--zones", "z.csv", "--crs", "EPSG:32648", "--start", &start, "-o", "o.gpkg"]);
    assert_eq!(s["counts"]["break"], 1);
    monitor(d.path(), &["in", "--zones", "z.csv", "--crs", "EPSG:32648", "--start", &start, "-o", "o.csv"]);
    let r = rows(&d.path().join("o.csv"));
    assert_eq!((r[0]["state"].as_str(), r[0]["hist_looks"].as_str(), r[0]["looks"].as_str()), ("break", "70", "30"));
    let month = s["by_month"][0]["month"].as_str().unwrap();
    assert!(r[0]["break_date"].starts_with(month), "{r:?} {month}");
}

#[test]
fn what_cannot_be_monitored_is_said() {
    let d = tempfile::tempdir().unwrap();
    stack(d.path());
    for (arguments, code, words) in [
        (vec!["--start", "2010-01-01"], 3, "no look is earlier than 2010-01-01"),
        (vec!["--start", "2030-01-01"], 3, "no look is of 2030-01-01 or later"),
        (vec!["--start", "2016-10-01"], 3, "no series could be monitored"),
        (vec!["--start", "2020-01-01", "--h", "0.3"], 2, "no critical value is known for h 0.3"),
        (vec!["--start", "2020-01-01", "--level", "0.2"], 2, "--level lies between 0.001 and 0.05"),
        (vec!["--start", "2020-01-01", "--history", "some"], 2, "all, roc, or a date"),
    ] {
        let mut all = vec!["monitor", "in", "-o", "o.tif"];
        all.extend(&arguments);
        let (c, said) = failure(d.path(), &all);
        assert!(c == code && said.contains(words), "{arguments:?}: {c} {said}");
    }
}
