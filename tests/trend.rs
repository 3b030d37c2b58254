//! `heshan trend` on a stack whose trends are known.

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

use common::{bands, failure, raster, rows, run, shared};
use heshan::analysis::trend::{date_of, decimal_year};
use serde_json::Value as Json;

const SIZE: (usize, usize) = (6, 4);
const NODATA: f64 = -9999.0;

/// 60 looks of five years, a season of two harmonics and a slope by the column; row 1 is never seen, row 2 six times;
/// the last day is there twice.
fn stack(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for k in 0..=60i32 {
        let k = k.min(59);
        let day = 17_167 + 30 * k + k * k % 7;
        let angle = std::f64::consts::TAU * decimal_year(day);
        let season = 0.15 * angle.sin() + 0.05 * (2.0 * angle).cos();
        let years = f64::from(day - 17_167) / 365.25;
        let value = |i: usize| {
            let (row, col) = (i / SIZE.0, i % SIZE.0);
            let clouds = (k as usize * 7 + i).is_multiple_of(5);
            match row {
                1 => f32::NAN,
                2 if k > 5 => f32::NAN,
                0 | 3 if clouds => f32::NAN,
                _ => (0.4 + season + 0.02 * (col as f64 - 2.0) * years) as f32,
            }
        };
        let twice = names.iter().any(|n: &String| n.contains(&date_of(day).unwrap().format("%Y%m%d").to_string()));
        let name = format!("ndvi_{}{}.tif", date_of(day).unwrap().format("%Y%m%d"), if twice { "T103000" } else { "" });
        raster(&dir.join(&name), SIZE, &(0..SIZE.0 * SIZE.1).map(value).collect::<Vec<_>>());
        names.push(name);
    }
    names
}

fn trend(dir: &Path, arguments: &[&str]) -> Json {
    let mut all = vec!["trend", "--json", "--overwrite"];
    all.extend(arguments);
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

#[test]
fn slopes_come_back_and_what_was_not_seen_has_none() {
    let d = tempfile::tempdir().unwrap();
    let mut names = stack(d.path());
    // out of order
    names.reverse();
    let mut arguments: Vec<&str> = names.iter().map(String::as_str).collect();
    arguments.extend(["-o", "t.tif", "--threads", "1"]);
    let s = trend(d.path(), &arguments);
    assert_eq!((&s["looks"], &s["first"]), (&61.into(), &"2017-01-01".into()));
    // of the column without a slope what remains is rounding
    let c = &s["counts"];
    assert_eq!((&c["not_observed"], &c["too_few_looks"]), (&6.into(), &6.into()));
    assert!(c["rising"].as_u64().unwrap() >= 6 && c["falling"].as_u64().unwrap() >= 4, "{c}");
    let b = bands(&d.path().join("t.tif"));
    #[allow(clippy::needless_range_loop, reason = "pixels by their number in several bands")]
    for i in 0..SIZE.0 * SIZE.1 {
        let (row, col) = (i / SIZE.0, i % SIZE.0);
        let slope = 0.02 * (col as f64 - 2.0);
        match row {
            1 => assert_eq!((b[0][i], b[1][i], b[3][i], b[4][i]), (NODATA, NODATA, NODATA, 0.0)),
            2 => assert_eq!((b[0][i], b[4][i]), (NODATA, 6.0)),
            _ => {
                assert!((b[0][i] - slope).abs() < 1e-6 && (b[3][i] - 0.4).abs() < 1e-6, "{} {}", b[0][i], b[3][i]);
                assert!(col == 2 || b[1][i] < 1e-6, "{}", b[1][i]);
                assert!(b[4][i] > 40.0 && b[4][i] < 61.0);
            }
        }
    }
    // the folder in its own order, two threads: the same bytes
    let first = std::fs::read(d.path().join("t.tif")).unwrap();
    std::fs::create_dir(d.path().join("in")).unwrap();
    names.iter().for_each(|n| std::fs::rename(d.path().join(n), d.path().join("in").join(n)).unwrap());
    trend(d.path(), &["in", "-o", "t.tif", "--threads", "2"]);
    assert_eq!(first, std::fs::read(d.path().join("t.tif")).unwrap());
    assert!(d.path().join("t.png").exists() && d.path().join("t.manifest.json").exists());
    // five yearly values, or a few of each month, with clouds on other parts of the season each year: near the slope
    for more in
        [vec!["--composite", "median"], vec!["--season", "seasonal"], vec!["--composite", "medoid", "--hamed-rao"]]
    {
        let mut a = vec!["in", "-o", "u.tif"];
        a.extend(&more);
        trend(d.path(), &a);
        let b = bands(&d.path().join("u.tif"));
        assert!((b[0][5] - 0.06).abs() < 0.025, "{more:?} {}", b[0][5]);
    }
}

#[test]
fn zones_and_tables() {
    let d = tempfile::tempdir().unwrap();
    stack(d.path());
    // one zone over the whole of row 0, one over row 1, which is never seen, one outside
    let zone = |name: &str, x: f64, y: f64| {
        let (u, v) = (x + 60.0, y - 10.0);
        format!("\"{name}\",\"POLYGON(({x} {y},{u} {y},{u} {v},{x} {v},{x} {y}))\"\n")
    };
    let text = format!(
        "name,wkt\n{}{}{}",
        zone("seen", 600_000.0, 4_400_040.0),
        zone("dark", 600_000.0, 4_400_030.0),
        zone("far", 700_000.0, 4_400_030.0)
    );
    std::fs::write(d.path().join("zones.csv"), text).unwrap();
    for out in ["z.csv", "z.xlsx", "z.gpkg"] {
        let s = trend(d.path(), &[".", "--zones", "zones.csv", "--crs", "EPSG:32648", "-o", out]);
        assert_eq!((&s["counts"]["rising"], &s["counts"]["not_observed"]), (&1.into(), &2.into()));
    }
    let r = rows(&d.path().join("z.csv"));
    assert_eq!((r[0]["name"].as_str(), r[0]["trend"].as_str()), ("seen", "rising"));
    assert_eq!((r[1]["trend"].as_str(), r[1]["slope"].as_str(), r[1]["looks"].as_str()), ("not_observed", "", "0"));
    // a fifth of the zone is hidden each time, another fifth the next: the mean slope moves, but not far
    assert!((r[0]["slope"].parse::<f64>().unwrap() - 0.01).abs() < 0.005, "{:?}", r[0]);
    std::fs::write(
        d.path().join("t.csv"),
        "日期,a,b\n2021-06-01,5,1\n2019-06-01,3,\n2020-06-01,4,1\n2022-06-01,6,\n2023-06-01,7,nan\n",
    )
    .unwrap();
    trend(d.path(), &["--table", "t.csv", "--season", "plain", "--min-looks", "4", "-o", "o.csv"]);
    let r = rows(&d.path().join("o.csv"));
    assert!((r[0]["slope"].parse::<f64>().unwrap() - 1.0).abs() < 1e-3, "{:?}", r[0]);
    assert_eq!((r[1]["trend"].as_str(), r[1]["p"].as_str()), ("too_few_looks", ""));
}

#[test]
fn what_cannot_be_answered_is_said() {
    let d = tempfile::tempdir().unwrap();
    let p = |n: &str| d.path().join(n);
    raster(&p("a_20200101.tif"), (2, 2), &[0.1; 4]);
    raster(&p("b_20200101.tif"), (2, 2), &[0.2; 4]);
    raster(&p("undated.tif"), (2, 2), &[0.2; 4]);
    raster(&p("c_20210101.tif"), (3, 2), &[0.2; 6]);
    raster(&p("d_20210101.tif"), (2, 2), &[0.2; 4]);
    for (arguments, code, words) in [
        (vec!["a_20200101.tif", "-o", "o.tif"], 3, "all 1 look(s) are of one day, 2020-01-01"),
        (vec!["a_20200101.tif", "b_20200101.tif", "-o", "o.tif"], 3, "all 2 look(s) are of one day"),
        (vec!["a_20200101.tif", "undated.tif", "-o", "o.tif"], 3, "undated.tif: its name tells no date"),
        (vec!["a_20200101.tif", "c_20210101.tif", "-o", "o.tif"], 3, "another grid"),
        (vec!["a_20200101.tif", "d_20210101.tif", "-o", "o.tif"], 3, "4 with fewer than 8 looks"),
        (vec!["a_20200101.tif", "d_20210101.tif", "-o", "o.csv"], 2, "pixels go to a GeoTIFF"),
        (vec!["-o", "o.tif"], 2, "no raster was given"),
    ] {
        let mut all = vec!["trend"];
        all.extend(&arguments);
        let (c, said) = failure(d.path(), &all);
        assert!(c == code && said.contains(words), "{arguments:?}: {c} {said}");
        assert!(!p("o.tif").exists());
    }
}

/// The real Sentinel-2 series: 68 looks of which 40 % of pixels are cloud, two of one day, snow in winter.
#[test]
fn a_real_series() {
    let Some(dir) = shared("data/open/sentinel2_ndvi_series") else { return };
    let d = tempfile::tempdir().unwrap();
    let input = d.path().join("in");
    std::fs::create_dir(&input).unwrap();
    for e in std::fs::read_dir(dir).unwrap() {
        let p = e.unwrap().path();
        if p.file_name().unwrap().to_string_lossy().starts_with("ndvi_") {
            std::fs::copy(&p, input.join(p.file_name().unwrap())).unwrap();
        }
    }
    let s = trend(d.path(), &["in", "--scale", "0.0001", "-o", "t.tif"]);
    assert_eq!((&s["looks"], &s["first"], &s["last"]), (&68.into(), &"2015-07-11".into(), &"2017-12-22".into()));
    let c = &s["counts"];
    let sum: u64 = c.as_object().unwrap().values().filter_map(Json::as_u64).sum();
    assert_eq!(sum, 101 * 100);
}
