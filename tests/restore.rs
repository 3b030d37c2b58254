//! `heshan restore` on stacks whose cover, trend, clouds and water are known, because the test made them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{failure, names, run, shared};
use gdal::DriverManager;
use gdal::raster::Buffer;
use gdal::spatial_ref::SpatialRef;
use serde_json::Value as Json;

const N: usize = 120;
/// Metres a pixel.
const CELL: f64 = 10.0;
const X0: f64 = 600_000.0;
const Y0: f64 = 4_400_000.0;
const VOID: i16 = i16::MIN;
/// NDVI of soil and of full cover.
const ENDS: (f64, f64) = (0.05, 0.70);

/// West, north, east, south in metres from the corner; sides that run through pixels, and sides that run along them.
const GREENING: [f64; 4] = [303.0, 303.0, 497.0, 497.0];
const BARE: [f64; 4] = [520.0, 300.0, 700.0, 500.0];
const UNSEEN: [f64; 4] = [903.0, 903.0, 1097.0, 1097.0];

fn inside([w, n, e, s]: [f64; 4], x: f64, y: f64) -> bool {
    // half a pixel more: every pixel that it touches, so that their mean is the unit's whatever their shares
    let more = if w % CELL == 0.0 { 0.0 } else { 0.5 * CELL };
    x > w - more && x < e + more && y > n - more && y < s + more
}

/// Years since 2016 of a month's middle.
fn years(i: usize) -> f64 {
    (i as f64 + 0.5) / 12.0
}

/// Season, mean zero over a year.
fn season(t: f64) -> f64 {
    -0.1 * (std::f64::consts::TAU * t).cos()
}

/// Cover of a place in month `i` from January 2016 on.
fn cover(x: f64, y: f64, i: usize) -> f64 {
    let t = years(i);
    if inside(GREENING, x, y) {
        0.15 + 0.04 * t + season(t)
    } else if inside(BARE, x, y) {
        0.02
    } else {
        0.6 + season(t)
    }
}

fn write(path: &Path, bands: &[Vec<i16>]) {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut d = driver.create_with_band_type::<i16, _>(path, N, N, bands.len()).unwrap();
    d.set_geo_transform(&[X0, CELL, 0.0, Y0, 0.0, -CELL]).unwrap();
    d.set_spatial_ref(&SpatialRef::from_epsg(32648).unwrap()).unwrap();
    for (i, v) in bands.iter().enumerate() {
        let mut b = d.rasterband(i + 1).unwrap();
        b.set_no_data_value(Some(f64::from(VOID))).unwrap();
        b.write((0, 0), (N, N), &mut Buffer::new((N, N), v.clone())).unwrap();
    }
}

fn pixels(f: impl Fn(f64, f64) -> Option<f64>) -> Vec<i16> {
    (0..N * N)
        .map(|i| {
            let (x, y) = (CELL * ((i % N) as f64 + 0.5), CELL * ((i / N) as f64 + 0.5));
            f(x, y).map_or(VOID, |v| (v * 10_000.0).round() as i16)
        })
        .collect()
}

/// `n` months of NDVI; none of them sees the unit that is never seen, July 2018 sees nothing, every third month has a
/// cloud over a quarter of the greening unit.
fn stack(dir: &Path, n: usize) -> Vec<String> {
    let mut out = Vec::new();
    for i in 0..n {
        let ndvi = |x: f64, y: f64| {
            let cloud = i % 3 == 0 && x < 350.0 && y < 500.0;
            if i == 30 || inside(UNSEEN, x, y) || cloud {
                return None;
            }
            Some(ENDS.0 + (ENDS.1 - ENDS.0) * cover(x, y, i))
        };
        let name = format!("ndvi_{}{:02}15.tif", 2016 + i / 12, i % 12 + 1);
        write(&dir.join(&name), &[pixels(ndvi)]);
        out.push(name);
    }
    let list = [("G", "绿化", GREENING, 0.9), ("B", "裸地", BARE, 0.5), ("U", "未见", UNSEEN, 0.5)];
    let mut s = String::from(
        "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::32648\"}},\"features\":[",
    );
    for (i, (id, name, [w, n, e, so], goal)) in list.into_iter().enumerate() {
        let p = |x: f64, y: f64| format!("[{:.3},{:.3}]", X0 + x, Y0 - y);
        let _ = write!(
            s,
            "{}{{\"type\":\"Feature\",\"properties\":{{\"编号\":\"{id}\",\"名称\":\"{name}\",\"类型\":\"排土场\",\"责任单位\":\"示例公司\",\"goal\":{goal}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[{},{},{},{},{}]]}}}}",
            if i == 0 { "" } else { "," },
            p(w, n),
            p(e, n),
            p(e, so),
            p(w, so),
            p(w, n)
        );
    }
    std::fs::write(dir.join("units.geojson"), s + "]}").unwrap();
    out
}

/// Runs `restore` on NDVI; exit code and summary.
fn restore(dir: &Path, scenes: &[String], more: &[&str]) -> (Option<i32>, Json) {
    let mut all = vec!["restore"];
    all.extend(scenes.iter().map(String::as_str));
    all.extend(["--values", "ndvi", "--scale", "0.0001", "--units", "units.geojson", "--json", "--overwrite"]);
    all.extend(more);
    let o = run(dir, &all);
    let said = String::from_utf8_lossy(&o.stderr).into_owned();
    (o.status.code(), serde_json::from_slice(&o.stdout).unwrap_or_else(|_| panic!("{said}")))
}

fn f(j: &Json) -> f64 {
    j.as_f64().unwrap_or_else(|| panic!("no number: {j}"))
}

#[test]
fn cover_trend_ring_and_grade_of_known_units() {
    let d = tempfile::tempdir().unwrap();
    let scenes = stack(d.path(), 72);
    let outs =
        ["-o", "out.gpkg", "out.csv", "out.xlsx", "--months", "months.csv", "--charts", "svg,png", "--ring", "200"];
    let (code, s) = restore(d.path(), &scenes, &outs);
    // the unit that was never seen could not be used
    assert_eq!((code, s["skipped"].as_u64(), s["dates"].as_u64()), (Some(1), Some(1), Some(72)));
    let [g, b, u] = [0, 1, 2].map(|i| s["units"][i].clone());
    // median of June to September: the mean of the middle two of four
    let state = |year: usize| {
        let mut v: Vec<f64> =
            (5..9).map(|m| 12 * year + m).map(|i| 0.15 + 0.04 * years(i) + season(years(i))).collect();
        v.sort_by(f64::total_cmp);
        0.5 * (v[1] + v[2])
    };
    // int16 NDVI rounds by 5e-5, cover by 8e-5
    assert!((f(&g["before"]["cover"]) - state(0)).abs() < 1e-4, "{g}");
    assert!((f(&g["now"]["cover"]) - state(5)).abs() < 1e-4, "{g}");
    assert!((f(&g["trend"]["slope_per_year"]) - 0.04).abs() < 5e-4 && f(&g["trend"]["p"]) < 1e-6, "{g}");
    assert_eq!(g["grade"], "progressing");
    // the ring holds the background alone, though the bare unit lies inside it
    let ring = (5..9).map(|m| 60 + m).map(|i| 0.6 + season(years(i)));
    let mut ring: Vec<f64> = ring.collect();
    ring.sort_by(f64::total_cmp);
    // the pixels at the unit's edge are its own: the gap keeps them out
    assert!((f(&g["now"]["ring"]) - 0.5 * (ring[1] + ring[2])).abs() < 1e-4, "{g}");
    // July 2018 was not seen
    assert_eq!((g["clear_looks"].as_u64(), g["dates"].as_u64()), (Some(71), Some(72)));
    assert_eq!((b["grade"].as_str(), b["now"]["bare"].as_f64()), (Some("not_started"), Some(1.0)));
    assert!(b["now"]["water"].is_null(), "NDVI alone tells no water");
    assert_eq!((u["grade"].as_str(), u["now"].is_null(), u["trend"].is_null()), (Some("unknown"), true, true));
    assert_eq!(u["grade_en"], "not one clear look on 72 date(s): nothing can be said");
    let months = std::fs::read_to_string(d.path().join("months.csv")).unwrap();
    assert_eq!(months.lines().count(), 1 + 3 * 72);
    assert!(months.lines().any(|l| l == "G,绿化,2018-07,,,0,1"), "a month without a clear look is a gap");
    let svg = std::fs::read_to_string(d.path().join("out_G.svg")).unwrap();
    assert!(svg.contains("<circle") && svg.contains("trend without season"), "{svg}");
    for n in ["out.gpkg", "out.csv", "out.xlsx", "out_G.png", "out_U.svg", "out.manifest.json"] {
        assert!(names(d.path()).iter().any(|x| x == n), "{n}");
    }
    // empty cells where nothing is known
    let list = std::fs::read_to_string(d.path().join("out.csv")).unwrap();
    let row = list.lines().find(|l| l.starts_with("U,")).unwrap();
    assert!(row.ends_with(",0,72,") && row.contains(",,,,,,,,"), "{row}");
}

#[test]
fn targets_rules_and_periods_as_told() {
    let d = tempfile::tempdir().unwrap();
    let scenes = stack(d.path(), 48);
    std::fs::write(d.path().join("rules.toml"), "change = 0.5\n").unwrap();
    let run = |more: &[&str]| {
        let (_, s) = restore(d.path(), &scenes, &[&["-o", "o.csv", "--allow-skipped"], more].concat());
        s["units"][0].clone()
    };
    assert_eq!(run(&["--target", "0.3"])["grade"], "met");
    assert_eq!(run(&["--target-field", "goal"])["target"], 0.9);
    // nothing changes by half: the unit was never that much greener
    assert_eq!(run(&["--rules", "rules.toml"])["grade"], "not_started");
    // what is typed stands in the place of the file's
    assert_eq!(run(&["--rules", "rules.toml", "--change", "0.05"])["grade"], "progressing");
    let u = run(&["--baseline", "2017", "--now", "2018-2019", "--season", "5-10"]);
    assert_eq!((u["before"]["years"][0].as_i64(), u["now"]["years"][1].as_i64()), (Some(2017), Some(2019)));
    // July 2018 was not seen: 11 of 12
    assert_eq!(u["now"]["looks"], 11);
    // a cloud over a quarter: those looks go where all of a unit must be clear
    let clear = |share: &str| run(&["--clear", share])["clear_looks"].as_u64().unwrap();
    assert_eq!((clear("0.6"), clear("0.99")), (47, 32));
    assert!(run(&["--ring", "0"])["now"]["ring"].is_null());
}

#[test]
fn one_date_and_bad_words() {
    let d = tempfile::tempdir().unwrap();
    let scenes = stack(d.path(), 8);
    let (_, s) = restore(d.path(), &scenes[7..], &["-o", "o.csv", "--allow-skipped"]);
    let u = &s["units"][0];
    assert_eq!((u["grade"].as_str(), u["trend"].is_null()), (Some("unknown"), true));
    assert_eq!(u["grade_en"], "one clear look alone: nothing to compare it with");
    std::fs::copy(d.path().join(&scenes[7]), d.path().join("undated.tif")).unwrap();
    std::fs::write(d.path().join("bad.toml"), "chnage = 0.1\n").unwrap();
    let base = ["restore", scenes[7].as_str(), "--values", "ndvi", "--units", "units.geojson", "-o", "p.csv"];
    for (more, code, words) in [
        (&["undated.tif"][..], 3, "its date is not known"),
        (&["--rules", "bad.toml"], 3, "change, level, reference_share"),
        (&["--season", "13"], 2, "FROM-TO in months"),
        (&["--baseline", "2019-2018"], 2, "YEAR-YEAR"),
        (&["--target", "40"], 2, "between 0 and 1"),
        (&["--target-field", "ziel"], 2, "the fields are: "),
        (&["--clear", "60"], 2, "between 0 and 1"),
    ] {
        // scenes come first
        let mut all = vec![base[0]];
        all.extend(more.iter().filter(|m| m.starts_with("undated")));
        all.extend(&base[1..]);
        all.extend(more.iter().filter(|m| !m.starts_with("undated")));
        let (c, said) = failure(d.path(), &all);
        assert!(c == code && said.contains(words), "{more:?}: {c} {said}");
    }
    assert!(!names(d.path()).iter().any(|n| n.starts_with("p.") || n.starts_with('.')), "{:?}", names(d.path()));
}

#[test]
fn water_and_bare_shares_of_bands() {
    let d = tempfile::tempdir().unwrap();
    stack(d.path(), 1);
    // a quarter of the greening unit is water (x < 350 of 300–500 m), a quarter bare (350–400), half green
    let class = |x: f64| {
        if x < 350.0 {
            0
        } else if x < 400.0 {
            1
        } else {
            2
        }
    };
    let band = |values: [f64; 3]| pixels(|x, _| Some(values[class(x)]));
    for date in ["20190701", "20200701"] {
        let bands = [band([0.08, 0.15, 0.06]), band([0.05, 0.20, 0.04]), band([0.02, 0.22, 0.40])];
        write(&d.path().join(format!("s_{date}.tif")), &bands);
    }
    let args = ["restore", "s_20190701.tif", "s_20200701.tif", "--bands", "green=1,red=2,nir=3", "--units"];
    let o = run(d.path(), &[&args[..], &["units.geojson", "-o", "w.csv", "--json"]].concat());
    let s: Json =
        serde_json::from_slice(&o.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&o.stderr)));
    let now = &s["units"][0]["now"];
    // 303–497 m: 47 of 194 m are water, 50 bare
    assert!((f(&now["water"]) - 47.0 / 194.0).abs() < 1e-9, "{now}");
    assert!((f(&now["bare"]) - 50.0 / 194.0).abs() < 1e-9, "{now}");
    // NDVI 0.048 counts as 0 and 0.818 as 1
    assert!((f(&now["cover"]) - 97.0 / 194.0).abs() < 1e-9, "{now}");

    // a catalogue stands for its scenes, but has no rasters of an index
    std::fs::create_dir(d.path().join("scenes")).unwrap();
    for name in ["s_20190701.tif", "s_20200701.tif"] {
        std::fs::rename(d.path().join(name), d.path().join("scenes").join(name)).unwrap();
    }
    let o = run(d.path(), &["scenes", "scenes", "--bands", "green=1,red=2,nir=3", "-o", "scenes.json"]);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stdout));
    let listed = ["restore", "scenes.json", "--units", "units.geojson", "--json"];
    let o = run(d.path(), &[&listed[..], &["-o", "c.csv"]].concat());
    let t: Json =
        serde_json::from_slice(&o.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&o.stderr)));
    assert_eq!(t["units"], s["units"]);
    let (code, said) = failure(d.path(), &[&listed[..], &["-o", "e.csv", "--values", "ndvi"]].concat());
    assert!(code == 2 && said.contains("scenes.json"), "{said}");
}

#[test]
fn the_real_series_of_a_kilometre_in_slovenia() {
    let Some(dir) = shared("data/open/sentinel2_ndvi_series") else { return };
    let d = tempfile::tempdir().unwrap();
    let mut scenes: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path().display().to_string())
        .filter(|p| p.ends_with(".tif") && !p.ends_with("dem.tif"))
        .collect();
    scenes.sort();
    let g = heshan::read::raster::open(Path::new(&scenes[0])).unwrap();
    let b = g.info().grid.bounds();
    let (w, h) = (b[2] - b[0], b[3] - b[1]);
    let at = |x: f64, y: f64| format!("[{},{}]", b[0] + x * w, b[1] + y * h);
    let ring = [at(0.3, 0.3), at(0.6, 0.3), at(0.6, 0.6), at(0.3, 0.6), at(0.3, 0.3)].join(",");
    let units = format!(
        "{{\"type\":\"FeatureCollection\",\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"urn:ogc:def:crs:EPSG::32633\"}}}},\"features\":[{{\"type\":\"Feature\",\"properties\":{{\"site_id\":\"T\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[{ring}]]}}}}]}}"
    );
    std::fs::write(d.path().join("units.geojson"), units).unwrap();
    let (code, s) = restore(d.path(), &scenes, &["-o", "o.csv", "--ring", "150"]);
    assert_eq!((code, s["dates"].as_u64()), (Some(0), Some(68)));
    let u = &s["units"][0];
    // 40 % of the pixels are cloud: many looks do not count, and none is invented
    let clear = u["clear_looks"].as_u64().unwrap();
    assert!((15..60).contains(&clear), "{clear}");
    let cover = f(&u["now"]["cover"]);
    assert!((0.3..=1.0).contains(&cover), "summer green: {cover}");
}
