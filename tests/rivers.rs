//! Rivers as they come in real data: parts in any order and direction, lake centre lines, pieces cut at whole degrees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

mod common;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use common::{run, shared};
use geo::{Coord, LineString};
use heshan::analysis::corridor::{Network, NetworkOptions};
use heshan::model::{RiverClass, RiverLine, RiverShape};
use serde_json::Value as Json;

const NATURAL_EARTH: &str = "data/open/rivers_naturalearth_yellow_river.geojson";
const WDBII: &str = "data/open/rivers_wdbii_yellow_river_basin.fgb";

/// Squares of about 20 m round points, as sites.
fn sites(d: &Path, points: &[(&str, f64, f64)]) {
    let mut csv = String::from("编号,wkt\n");
    for (id, x, y) in points {
        let (a, b, c, e) = (x - 1e-4, x + 1e-4, y - 1e-4, y + 1e-4);
        let _ = writeln!(csv, "{id},\"POLYGON (({a} {c},{b} {c},{b} {e},{a} {e},{a} {c}))\"");
    }
    std::fs::write(d.join("sites.csv"), csv).unwrap();
}

/// Screens `sites.csv` and answers, by site, distance in metres and chainage in kilometres.
fn screened(d: &Path, rivers: &Path, more: &[&str]) -> HashMap<String, (f64, f64)> {
    let rivers = rivers.display().to_string();
    let a = [
        "screen",
        "--rivers",
        &rivers,
        "--sites",
        "sites.csv",
        "--crs",
        "EPSG:4490",
        "-o",
        "r.gpkg",
        "--overwrite",
        "--layers",
        "sites,rivers",
        "-q",
    ];
    let o = run(d, &[&a[..], more].concat());
    assert_eq!(o.status.code(), Some(0), "{}", String::from_utf8_lossy(&o.stderr));
    sql(d, "SELECT site_id, min_dist_m, chainage_km FROM sites")
        .lines()
        .map(|l| {
            let v: Vec<&str> = l.split('|').collect();
            (v[0].to_owned(), (v[1].parse().unwrap(), v[2].parse().unwrap()))
        })
        .collect()
}

fn sql(d: &Path, query: &str) -> String {
    let o = Command::new("sqlite3").current_dir(d).args(["r.gpkg", query]).output().unwrap();
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8_lossy(&o.stdout).trim().to_owned()
}

/// Lines of a layer, as GDAL hands them out.
fn lines(d: &Path, source: &str, more: &[&str]) -> Vec<Vec<[f64; 2]>> {
    let a = ["-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=9", "/vsistdout/", source];
    let o = Command::new("ogr2ogr").current_dir(d).args(a).args(more).output().unwrap();
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let j: Json = serde_json::from_slice(&o.stdout).unwrap();
    let point = |p: &Json| [p[0].as_f64().unwrap(), p[1].as_f64().unwrap()];
    let line = |l: &Json| l.as_array().unwrap().iter().map(point).collect::<Vec<_>>();
    let mut out = Vec::new();
    for f in j["features"].as_array().unwrap() {
        let g = &f["geometry"];
        match g["type"].as_str().unwrap() {
            "LineString" => out.push(line(&g["coordinates"])),
            _ => out.extend(g["coordinates"].as_array().unwrap().iter().map(line)),
        }
    }
    out
}

/// The main stem of Natural Earth: parts as the file has them (feature, part, direction), put in order from the source
/// in Qinghai to the Bohai by hand on a map. Lengths by pyproj 3.7 (`Geod("WGS84")`, edges divided to 0.001°, since an
/// edge is straight in degrees): 90.864 + 25.253 + 27.282 + gap 0.097 + 35.113 + 3574.870 + 491.715 + gap 0.624 + 563.509
/// = 4809.3272 km. The points are each part's middle vertex, with its chainage by the same sums; Wuhai is the town of the
/// places file, 2435.77 m from the nearest point of the line (search in steps of 0.0002°).
const MAIN_STEM: [(&str, f64, f64, f64); 7] = [
    ("1", 96.8292749, 35.0539005, 62.5702),
    ("2", 97.149913, 34.9363467, 98.3548),
    ("3", 97.4248153, 34.8218041, 129.8269),
    ("4", 97.7136337, 34.9531924, 162.4169),
    ("5", 104.5443628, 36.8472354, 1909.7533),
    ("6", 112.1513778, 35.0135359, 3967.5419),
    ("7", 116.6055607, 36.5044213, 4514.6471),
];
const MAIN_STEM_KM: f64 = 4809.3272;
const WUHAI: (&str, f64, f64) = ("wuhai", 106.8122294, 39.6646965);
/// Half the diagonal of a site: the nearest point may lie anywhere in it.
const SITE_KM: f64 = 0.016;

#[test]
fn natural_earths_main_stem_is_whole_and_in_order() {
    let Some(file) = shared(NATURAL_EARTH) else { return };
    let d = tempfile::tempdir().unwrap();
    let mut points: Vec<_> = MAIN_STEM.iter().map(|(id, x, y, _)| (*id, *x, *y)).collect();
    points.push(WUHAI);
    sites(d.path(), &points);
    let found = screened(d.path(), &file, &[]);
    for (id, _, _, km) in MAIN_STEM {
        let (dist, chainage) = found[id];
        assert!(dist == 0.0 && (chainage - km).abs() < SITE_KM, "{id}: {chainage} instead of {km}");
    }
    let (dist, km) = found["wuhai"];
    assert!((dist - 2435.77).abs() < SITE_KM * 1000.0, "{dist}");
    assert!((km - 2402.0705).abs() < 2.0 * SITE_KM, "{km}");
    // two parts are drawn upstream (the lake centre lines), two gaps are bridged (97 m, 624 m)
    let row =
        sql(d.path(), "SELECT river_class, pieces, reversed, bridges, length_km FROM rivers WHERE river = '黄河'");
    let (facts, length) = row.rsplit_once('|').unwrap();
    assert_eq!(facts, "main|7|2|2");
    assert!((length.parse::<f64>().unwrap() - MAIN_STEM_KM).abs() < 0.0002, "{length}");
    assert_eq!(sql(d.path(), "SELECT count(*), sum(pieces) FROM rivers"), "9|32");
    // from head to mouth, apart at the gaps alone
    let stem = lines(d.path(), "r.gpkg", &["rivers", "-where", "river_class = 'main'"]);
    let ends: Vec<[f64; 2]> = stem
        .iter()
        .flat_map(|l| [l[0][0], l[l.len() - 1][0]].map(|x| (x * 1e7).round() / 1e7))
        .collect::<Vec<_>>()
        .chunks(2)
        .map(|c| [c[0], c[1]])
        .collect();
    assert_eq!(ends, [[96.1641545, 97.546967], [97.5459091, 114.8307398], [114.8375757, 119.0332137]]);
    // told that it flows to its source, it counts from the sea
    let found = screened(d.path(), &file, &["--outlet", "96.16,35.13"]);
    assert!((found["wuhai"].1 - (MAIN_STEM_KM - 2402.0705)).abs() < 2.0 * SITE_KM, "{:?}", found["wuhai"]);
}

/// Pieces that hang together by equal ends, counted here by a search of its own.
fn chains(pieces: &[Vec<[f64; 2]>]) -> usize {
    let key = |p: [f64; 2]| p.map(|v| (v * 1e7).round() as i64);
    let mut at: HashMap<[i64; 2], Vec<usize>> = HashMap::new();
    for (i, l) in pieces.iter().enumerate() {
        at.entry(key(l[0])).or_default().push(i);
        at.entry(key(l[l.len() - 1])).or_default().push(i);
    }
    let mut seen = vec![false; pieces.len()];
    let mut n = 0;
    for start in 0..pieces.len() {
        n += usize::from(!seen[start]);
        let mut todo = vec![start];
        while let Some(i) = todo.pop() {
            if !std::mem::replace(&mut seen[i], true) {
                for p in [pieces[i][0], pieces[i][pieces[i].len() - 1]] {
                    todo.extend(&at[&key(p)]);
                }
            }
        }
    }
    n
}

/// World Data Bank II: pieces cut at whole degrees join; gaps of 38 to 382 m from one line's end to another's start are
/// bridged. Figures by a Python script of its own (pyproj, exact equality of ends, Kruskal on the gaps, Dijkstra): 115
/// rivers by equal ends, 87 with 28 gaps up to 500 m; the longest, the Yellow River from 102° E to the delta, where the
/// next piece is drawn the other way, has 3893.773 km.
#[test]
fn world_data_bank_lines_join_across_degrees() {
    let Some(file) = shared(WDBII) else { return };
    let d = tempfile::tempdir().unwrap();
    sites(d.path(), &[WUHAI, ("south", 106.7690279, 39.2332758)]);
    let pieces = lines(d.path(), &file.display().to_string(), &[]);
    assert_eq!(pieces.len(), 400);
    assert_eq!(chains(&pieces), 115);
    screened(d.path(), &file, &["--bridge", "0"]);
    assert_eq!(sql(d.path(), "SELECT count(*), sum(pieces), sum(bridges) FROM rivers"), "115|400|0");
    // a degree line stops no river: ends there lie inside a line of the output
    let joined = lines(d.path(), "r.gpkg", &["rivers"]);
    let cut = |p: [f64; 2]| p.iter().any(|v| (v - v.round()).abs() < 1e-7);
    let ends = |l: &Vec<Vec<[f64; 2]>>| l.iter().flat_map(|l| [l[0], l[l.len() - 1]]).filter(|p| cut(*p)).count();
    assert_eq!((ends(&pieces), ends(&joined)), (567, 17));
    let found = screened(d.path(), &file, &[]);
    assert_eq!(sql(d.path(), "SELECT count(*), sum(pieces), sum(bridges) FROM rivers"), "87|400|28");
    let row = sql(d.path(), "SELECT length_km, bridges FROM rivers ORDER BY length_km DESC LIMIT 1");
    let (length, bridges) = row.split_once('|').unwrap();
    assert!((length.parse::<f64>().unwrap() - 3893.773).abs() < 0.001, "{row}");
    assert_eq!(bridges, "17");
    // Shizuishan to Wuhai: the two datasets agree on the way along the river to some per cent
    if let Some(other) = shared(NATURAL_EARTH) {
        let theirs = screened(d.path(), &other, &[]);
        let way = |f: &HashMap<String, (f64, f64)>| f["wuhai"].1 - f["south"].1;
        assert!(way(&found) > 40.0, "{}", way(&found));
        assert!((way(&found) / way(&theirs) - 1.0).abs() < 0.05, "{} {}", way(&found), way(&theirs));
    }
}

fn network(lines: &[[(f64, f64); 2]], name: Option<&str>) -> Network {
    let pieces: Vec<RiverLine> = lines
        .iter()
        .enumerate()
        .map(|(i, l)| RiverLine {
            fid: i as i64,
            name: name.map(str::to_owned),
            class: RiverClass::Unknown,
            shape: RiverShape::Line(LineString(l.map(|(x, y)| Coord { x, y }).to_vec())),
        })
        .collect();
    Network::build(&pieces, &NetworkOptions::default()).unwrap()
}

/// 0.001° of latitude at 39° N is 111 m.
#[test]
fn unnamed_lines_join_along_the_flow_alone() {
    let joined = |a, b| network(&[a, b], None).rivers.len() == 1;
    let north = [(106.5, 39.0), (106.5, 39.1)];
    assert!(joined(north, [(106.5, 39.101), (106.5, 39.2)]), "an end and a start 111 m on");
    assert!(joined([(106.5, 39.101), (106.5, 39.2)], north), "in any order of the file");
    assert!(!joined(north, [(106.5, 39.2), (106.5, 39.101)]), "two ends: both flow into what lies between");
    assert!(!joined([(106.5, 39.1), (106.5, 39.0)], [(106.5, 39.101), (106.5, 39.2)]), "two starts: a watershed");
    assert!(!joined(north, [(106.5, 39.105), (106.5, 39.2)]), "555 m are too far");
    // a name joins them however they are drawn
    assert_eq!(network(&[north, [(106.5, 39.2), (106.5, 39.101)]], Some("黄河")).rivers.len(), 1);
    // a river counts its own gaps, not those of others
    let two = network(&[north, [(106.5, 39.101), (106.5, 39.2)], [(107.5, 39.0), (107.5, 39.1)]], None);
    let bridges: Vec<usize> = two.rivers.iter().map(|r| r.report.bridges_m.len()).collect();
    assert_eq!(bridges, [1, 0]);
    assert!((two.rivers[0].report.bridges_m[0] - 111.02).abs() < 0.05, "{:?}", two.rivers[0].report.bridges_m);
}
