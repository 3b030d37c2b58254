//! `heshan terrain` on DEMs whose pits, dumps, shifts and biases are known, because the test made them; and beside xdem
//! (tests/fixtures/terrain/xdem.json, made by scripts/peers/xdem_coregister.py).

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

use common::{failure, names, run, tool};
use gdal::DriverManager;
use gdal::raster::Buffer;
use gdal::spatial_ref::SpatialRef;
use heshan::model::Pixels;
use heshan::read::raster::open;
use serde_json::Value as Json;

const N: usize = 240;
/// Metres a cell.
const CELL: f64 = 2.0;
const X0: f64 = 500_000.0;
const Y0: f64 = 4_400_000.0;
const VOID: f32 = -9999.0;

/// Rolling ground; metres from the north-west corner.
fn ground(x: f64, y: f64) -> f64 {
    1200.0 + 9.0 * (x / 47.0).sin() * (y / 39.0).cos() + 4.0 * (x / 19.0 + y / 23.0).sin()
}

/// A cone of slope 1:1 at most, `high` metres at its middle (below it where negative), flat beyond its foot.
fn cone(x: f64, y: f64, [cx, cy]: [f64; 2], high: f64) -> f64 {
    high.signum() * (high.abs() - (x - cx).hypot(y - cy)).max(0.0)
}

const PIT: [f64; 2] = [150.0, 150.0];
const DUMP: [f64; 2] = [340.0, 320.0];

/// The cone's volume.
fn cone_m3(high: f64) -> f64 {
    std::f64::consts::PI * high.powi(3) / 3.0
}

/// Normal noise, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut s = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            s += (self.0 >> 40) as f64 / f64::from(1u32 << 24);
        }
        s - 6.0
    }
}

struct Tif<'a> {
    name: &'a str,
    crs: &'a str,
    /// Cells that it lies off, columns and rows.
    off: [f64; 2],
}

impl<'a> Tif<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, crs: "EPSG:32648", off: [0.0, 0.0] }
    }

    fn write(&self, dir: &Path, height: impl Fn(f64, f64) -> f64, sigma: f64, seed: u64) {
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        let options = gdal::raster::RasterCreationOptions::from_iter(["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"]);
        let mut d =
            driver.create_with_band_type_with_options::<f32, _>(dir.join(self.name), N, N, 1, &options).unwrap();
        d.set_geo_transform(&[X0, CELL, 0.0, Y0, 0.0, -CELL]).unwrap();
        d.set_spatial_ref(&SpatialRef::from_definition(self.crs).unwrap()).unwrap();
        let mut noise = Noise(seed);
        let z: Vec<f32> = (0..N * N)
            .map(|i| {
                let (c, r) = ((i % N) as f64 + 0.5 - self.off[0], (i / N) as f64 + 0.5 - self.off[1]);
                let z = height(CELL * c, CELL * r);
                let z = if z.is_nan() { f64::from(VOID) } else { z + sigma * noise.next() };
                z as f32
            })
            .collect();
        let mut b = d.rasterband(1).unwrap();
        b.set_no_data_value(Some(f64::from(VOID))).unwrap();
        b.write((0, 0), (N, N), &mut Buffer::new((N, N), z)).unwrap();
    }
}

/// Pit and dump as squares around the cones; west, north, east, south in metres from the corner.
fn polygons(dir: &Path) {
    let square = |[cx, cy]: [f64; 2], half: f64| [cx - half, cy - half, cx + half, cy + half];
    write_polygons(
        dir,
        "plots.geojson",
        &[("P1", "大坑", "露天采坑", square(PIT, 51.0)), ("D1", "土山", "排土场", square(DUMP, 51.0))],
    );
}

fn write_polygons(dir: &Path, name: &str, list: &[(&str, &str, &str, [f64; 4])]) {
    let mut s = String::from(
        "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::32648\"}},\"features\":[",
    );
    for (i, (id, title, kind, [w, n, e, so])) in list.iter().enumerate() {
        let p = |x: &f64, y: &f64| format!("[{:.3},{:.3}]", X0 + x, Y0 - y);
        let _ = write!(
            s,
            "{}{{\"type\":\"Feature\",\"properties\":{{\"编号\":\"{id}\",\"名称\":\"{title}\",\"类型\":\"{kind}\",\"责任单位\":\"示例公司\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[{},{},{},{},{}]]}}}}",
            if i == 0 { "" } else { "," },
            p(w, n),
            p(e, n),
            p(e, so),
            p(w, so),
            p(w, n)
        );
    }
    std::fs::write(dir.join(name), s + "]}").unwrap();
}

/// Before: a pit of 45 m and a dump of 45 m; after: the pit 25 m, the dump 40 m.
fn pair(dir: &Path, sigma: f64, off: [f64; 2], bias: f64) {
    Tif::new("before.tif").write(dir, |x, y| ground(x, y) + cone(x, y, PIT, -45.0) + cone(x, y, DUMP, 45.0), sigma, 1);
    let after = |x: f64, y: f64| ground(x, y) + cone(x, y, PIT, -25.0) + cone(x, y, DUMP, 40.0) + bias;
    Tif { off, ..Tif::new("after.tif") }.write(dir, after, sigma, 2);
    polygons(dir);
}

fn terrain(dir: &Path, more: &[&str]) -> Json {
    let mut all = vec!["terrain", "before.tif", "after.tif", "--polygons", "plots.geojson", "--json", "--overwrite"];
    all.extend(more);
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

fn f(j: &Json) -> f64 {
    j.as_f64().unwrap_or_else(|| panic!("no number: {j}"))
}

#[test]
fn known_volumes_lie_within_their_uncertainty_and_the_verdict_says_so() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.2, [0.0, 0.0], 0.7);
    let s = terrain(d.path(), &["-o", "out.tif", "out.gpkg", "out.csv", "out.xlsx", "--significant", "sure.tif"]);
    // √2 · 0.2 m of noise, a bias of 0.7 m
    assert!((f(&s["stable"]["bias_m"]) - 0.7).abs() < 0.005 && (f(&s["stable"]["nmad_m"]) - 0.2828).abs() < 0.01);
    assert!((f(&s["level_of_detection_m"]) - 1.96 * 0.2828).abs() < 0.02);
    assert_eq!(s["stable"]["moved_cells"], serde_json::json!([0.0, 0.0]));
    let truth = [cone_m3(45.0) - cone_m3(25.0), cone_m3(40.0) - cone_m3(45.0)];
    for (p, want) in s["polygons"].as_array().unwrap().iter().zip(truth) {
        let (net, half) = (f(&p["measured"]["net_m3"]), f(&p["measured"]["half_m3"]));
        // the cells of 2 m on a cone of 1:1 are good to 1 in 3,000
        assert!((net - want).abs() < half + want.abs() / 3000.0, "{net} ± {half}, truth {want}");
        // 10,404 m² of 4 m² cells: 0.2828 · 4 · √2601 = 57.7 m³, and the bias that is left
        let alone = f(&p["measured"]["sd_uncorrelated_m3"]);
        assert!((alone - 57.7).abs() < 4.0, "{alone}");
        assert_eq!(f(&p["observed_pct"]), 100.0);
    }
    let [pit, dump] = [&s["polygons"][0], &s["polygons"][1]];
    assert_eq!((pit["verdict"].as_str(), pit["measured"]["form"].as_str()), (Some("partly_filled"), Some("pit")));
    assert_eq!(dump["verdict"], "lowered");
    let words = pit["verdict_zh"].as_str().unwrap();
    assert!(words.starts_with("部分回填,仍是大坑:低于坑沿 "), "{words}");
    // slopes of the function itself, which has no cells
    let surface = |x: f64, y: f64| ground(x, y) + cone(x, y, PIT, -45.0);
    let h = 1e-3;
    let above = |(x, y): (f64, f64)| {
        let g = (surface(x + h, y) - surface(x - h, y)).hypot(surface(x, y + h) - surface(x, y - h)) / (2.0 * h);
        g.atan().to_degrees() >= 35.0
    };
    let places: Vec<(f64, f64)> =
        (0..102 * 102).map(|i| (PIT[0] - 50.5 + f64::from(i % 102), PIT[1] - 50.5 + f64::from(i / 102))).collect();
    let share = 100.0 * places.iter().filter(|p| above(**p)).count() as f64 / places.len() as f64;
    let steep = f(&pit["measured"]["before"]["slope_classes_pct"][2]);
    // 3 × 3 cells blur the foot of the cone, 283 m, over a cell and a half: 8 % of the area at most
    assert!((steep - share).abs() < 4.0, "{steep} {share}");
    let files = ["out.csv", "out.gpkg", "out.manifest.json", "out.png", "out.tif", "out.xlsx", "sure.tif"];
    for name in files {
        assert!(names(d.path()).iter().any(|n| n == name), "{name}");
    }
    // below the level of detection the second raster is 0, beyond it is the first
    let read = |n: &str| match open(&d.path().join(n))
        .unwrap()
        .read(&[0], open(&d.path().join(n)).unwrap().info().grid.window())
        .unwrap()
        .remove(0)
    {
        Pixels::F32(v) => v,
        other => panic!("{:?}", other.ty()),
    };
    let (all, sure, lod) = (read("out.tif"), read("sure.tif"), f(&s["level_of_detection_m"]) as f32);
    assert!(all.iter().zip(&sure).all(|(a, b)| if a.abs() >= lod { a == b } else { *b == 0.0 }));
    assert!(sure.iter().filter(|v| **v != 0.0).count() > 2000);
    if let Some(t) = tool("gdalinfo", &[d.path().join("out.tif").to_str().unwrap()]) {
        assert!(t.contains("LEVEL_OF_DETECTION_M") && t.contains("height_difference_m"), "{t}");
    }
    let list = std::fs::read_to_string(d.path().join("out.csv")).unwrap();
    assert!(list.lines().count() == 3 && list.contains("P1"), "{list}");
}

#[test]
fn a_shift_is_found_and_taken_off() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.15, [0.6, -0.35], -1.2);
    let s = terrain(d.path(), &["-o", "out.csv"]);
    let cells = &s["stable"]["shift_cells"];
    let off = (f(&cells[0]) - 0.6).hypot(f(&cells[1]) + 0.35);
    assert!(off < 0.05, "{cells}");
    assert_eq!(s["stable"]["moved_cells"], *cells);
    assert!((f(&s["stable"]["bias_m"]) + 1.2).abs() < 0.01);
    let (p, want) = (&s["polygons"][0]["measured"], cone_m3(45.0) - cone_m3(25.0));
    assert!((f(&p["net_m3"]) - want).abs() < f(&p["half_m3"]) + want / 1000.0, "{p}");
    // left where it lies, the shift is noise
    let off = terrain(d.path(), &["-o", "off.csv", "--align", "off"]);
    assert!(f(&off["stable"]["nmad_m"]) > 1.3 * f(&s["stable"]["nmad_m"]));
}

#[test]
fn the_same_bytes_for_one_thread_and_many_and_swapping_turns_the_sign() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    let mut files = Vec::new();
    for (threads, name) in [("1", "a"), ("3", "b")] {
        let outs = [format!("{name}.tif"), format!("{name}.csv"), format!("{name}.fgb")];
        let mut args = vec!["--threads", threads, "-o"];
        args.extend(outs.iter().map(String::as_str));
        terrain(d.path(), &args);
        files.push(outs.map(|o| std::fs::read(d.path().join(o)).unwrap()));
    }
    assert!(files[0] == files[1]);
    let forth = terrain(d.path(), &["-o", "c.csv"]);
    std::fs::rename(d.path().join("before.tif"), d.path().join("x.tif")).unwrap();
    std::fs::rename(d.path().join("after.tif"), d.path().join("before.tif")).unwrap();
    std::fs::rename(d.path().join("x.tif"), d.path().join("after.tif")).unwrap();
    let back = terrain(d.path(), &["-o", "c.csv"]);
    for i in 0..2 {
        let net = |s: &Json| f(&s["polygons"][i]["measured"]["net_m3"]);
        // the bias is taken off as a float32: 1e-4 m over 10,404 m²
        assert!((net(&forth) + net(&back)).abs() < 2.0, "{} {}", net(&forth), net(&back));
    }
}

#[test]
fn feet_are_refused_or_converted_and_datums_must_agree() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    let metres = terrain(d.path(), &["-o", "m.csv"]);
    let after = |x: f64, y: f64| (ground(x, y) + cone(x, y, PIT, -25.0) + cone(x, y, DUMP, 40.0)) / 0.3048;
    // NAVD88 heights in feet
    Tif { crs: "EPSG:32648+8228", ..Tif::new("after.tif") }.write(d.path(), after, 0.1 / 0.3048, 2);
    let base = ["terrain", "before.tif", "after.tif", "--polygons", "plots.geojson", "--overwrite", "-o", "o.csv"];
    let (code, said) = failure(d.path(), &base);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("its heights are in foot") && said.contains("--to-metres"), "{said}");
    assert!(!names(d.path()).iter().any(|n| n.starts_with("o.")), "nothing is left behind");
    let s = terrain(d.path(), &["-o", "o.csv", "--to-metres"]);
    let (a, b) = (&metres["polygons"][0]["measured"], &s["polygons"][0]["measured"]);
    // float32 feet at 4,000 ft round by 1.2e-4 m
    assert!((f(&a["net_m3"]) - f(&b["net_m3"])).abs() < 2.0, "{a} {b}");
    // a unit that contradicts the file
    let (code, said) = failure(d.path(), &[&base[..], &["--vertical-unit", "m"]].concat());
    assert!(code == 2 && said.contains("the file itself says “foot”"), "{code} {said}");
    // heights above the geoid of EGM96 and above the Yellow Sea 1985
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    Tif { crs: "EPSG:32648+5773", ..Tif::new("before.tif") }.write(d.path(), ground, 0.1, 1);
    Tif { crs: "EPSG:32648+5737", ..Tif::new("after.tif") }.write(d.path(), ground, 0.1, 2);
    let (code, said) = failure(d.path(), &base);
    assert!(code == 3 && said.contains("different datums: “EGM96 geoid” and “Yellow Sea 1985”"), "{code} {said}");
    let s = terrain(d.path(), &["-o", "o.csv", "--allow-datum-difference"]);
    assert!(s["warnings"].to_string().contains("the vertical datums differ"), "{}", s["warnings"]);
    // the same CRS on the ground: nothing is resampled for the vertical part
    assert!(!s["warnings"].to_string().contains("resampled"));
}

#[test]
fn gaps_are_said_and_give_no_number() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    // the pit's northern half has no heights in the later DEM, the dump none at all; a third lies outside
    let after = |x: f64, y: f64| {
        let in_pit = (x - PIT[0]).abs() < 51.0 && (y - PIT[1]).abs() < 51.0 && y < PIT[1];
        let in_dump = (x - DUMP[0]).abs() < 53.0 && (y - DUMP[1]).abs() < 53.0;
        if in_pit || in_dump { f64::NAN } else { ground(x, y) + cone(x, y, PIT, -25.0) }
    };
    Tif::new("after.tif").write(d.path(), after, 0.1, 2);
    let args = ["terrain", "before.tif", "after.tif", "--polygons", "plots.geojson", "--json", "-o", "o.csv", "o.gpkg"];
    let o = run(d.path(), &args);
    assert_eq!(o.status.code(), Some(1), "{}", String::from_utf8_lossy(&o.stderr));
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let [pit, dump] = [&s["polygons"][0], &s["polygons"][1]];
    // a row of cells is 2 % of it
    assert!((f(&pit["observed_pct"]) - 50.0).abs() < 2.5 && pit["verdict"] == "unobserved", "{pit}");
    assert!(dump["measured"].is_null() && f(&dump["observed_pct"]) == 0.0 && dump["verdict"] == "unobserved");
    assert!(String::from_utf8_lossy(&o.stderr).contains("no volume, no verdict"));
    let list = std::fs::read_to_string(d.path().join("o.csv")).unwrap();
    let row = list.lines().find(|l| l.contains("D1")).unwrap();
    assert!(row.ends_with(&",".repeat(20)), "empty cells, no zeros: {row}");
}

#[test]
fn what_does_not_fit_is_refused_with_a_remedy() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    let base = ["terrain", "before.tif", "after.tif", "--polygons", "plots.geojson", "-o"];
    for (more, code, words) in [
        (&["o.kml"][..], 2, "longitude and latitude only"),
        (&["o.csv", "--slopes", "35,25"], 2, "rising limits"),
        (&["o.csv", "--confidence", "1.5"], 2, "between 0 and 1"),
        (&["o.csv", "--vertical-unit", "fathom"], 2, "the units are: m, ft"),
        (&["o.csv", "--band", "2"], 2, "--band 2"),
        (&["o.tif", "p.tif"], 2, "one raster"),
        (&["o.csv", "--stable", "tiny.geojson"], 3, "100 are the least"),
    ] {
        write_polygons(d.path(), "tiny.geojson", &[("S", "s", "其他", [10.0, 10.0, 20.0, 20.0])]);
        let (c, said) = failure(d.path(), &[&base[..], more].concat());
        assert!(c == code && said.contains(words), "{more:?}: {c} {said}");
    }
    assert!(!names(d.path()).iter().any(|n| n.starts_with("o.") || n.starts_with('.')), "{:?}", names(d.path()));
}

#[test]
fn another_grid_is_warped_and_named() {
    let d = tempfile::tempdir().unwrap();
    pair(d.path(), 0.1, [0.0, 0.0], 0.0);
    let same = terrain(d.path(), &["-o", "a.csv"]);
    let to = d.path().join("after.tif");
    let from = d.path().join("other.tif");
    std::fs::rename(&to, &from).unwrap();
    let args = ["-q", "-t_srs", "EPSG:4326", "-r", "cubic", "-tr", "0.00001", "0.00001"];
    let files = [from.to_str().unwrap(), to.to_str().unwrap()];
    if tool("gdalwarp", &[&args[..], &files].concat()).is_none() {
        return;
    }
    let s = terrain(d.path(), &["-o", "b.csv", "--align", "off"]);
    assert!(s["warnings"].to_string().contains("resampled (Bilinear)"), "{}", s["warnings"]);
    let net = |s: &Json| f(&s["polygons"][0]["measured"]["net_m3"]);
    assert!((net(&s) / net(&same) - 1.0).abs() < 0.002, "{} {}", net(&s), net(&same));
}

#[test]
fn shift_bias_and_noise_beside_xdem() {
    let d = tempfile::tempdir().unwrap();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/terrain");
    let j: Json = serde_json::from_str(&std::fs::read_to_string(dir.join("xdem.json")).unwrap()).unwrap();
    let [before, after] = ["before.tif", "after.tif"].map(|n| dir.join(n).display().to_string());
    // far away, so that all of the raster is stable ground, as xdem takes it
    write_polygons(d.path(), "far.geojson", &[("F", "far", "其他", [9e4, 9e4, 9.1e4, 9.1e4])]);
    let stable = |align: &str| -> Json {
        let args =
            ["terrain", &before, &after, "--polygons", "far.geojson", "--json", "--allow-skipped", "--overwrite"];
        let o = run(d.path(), &[&args[..], &["-o", "x.csv", "--align", align]].concat());
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
        serde_json::from_slice::<Json>(&o.stdout).unwrap()["stable"].clone()
    };
    let off = stable("off");
    // heights are float32: at 1,100 m a step is 1.2e-4 m
    assert!((f(&off["bias_m"]) - f(&j["median_m"])).abs() < 2e-4, "{off} {j}");
    assert!((f(&off["nmad_m"]) - f(&j["nmad_m"])).abs() < 4e-4, "{off} {j}");
    let auto = stable("auto");
    for k in 0..2 {
        let (ours, truth) = (f(&auto["shift_cells"][k]), f(&j["truth"]["cells"][k]));
        assert!((ours - truth).abs() < 0.05, "{auto} {truth}");
        // xdem's own result lies 0.02 cells off the truth
        let theirs = [-f(&j["moves_back_m"][0]) / 5.0, f(&j["moves_back_m"][1]) / 5.0][k];
        assert!((ours - theirs).abs() < 0.05, "{auto} {theirs}");
    }
    assert!((f(&auto["bias_m"]) - f(&j["truth"]["bias_m"])).abs() < 0.02, "{auto}");
}
