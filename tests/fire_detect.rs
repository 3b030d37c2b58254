//! `heshan fire detect` on scenes whose fires are known, and on real scenes without fires.

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

use common::{failure, names, run, shared};
use geo::Geometry;
use heshan::model::{Crs, Feature, Grid, Pixels, Window};
use heshan::read::raster::open;
use heshan::read::vector::{ReadOptions, SourceName, layer};
use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead, TILE, Writable};
use serde_json::Value as Json;

const W: usize = 700;
const H: usize = 600;
const BANDS: &str = "coastal=1,blue=2,green=3,red=4,nir=5,swir1=6,swir2=7,tir=8";
const TIME: &str = "2024-05-01T03:20:00Z";

/// Writes a raster of `bands` whose pixels are what `value(band, column, row)` says; UTM 48 N, 30 m, nodata −9999.
fn raster<T: Writable>(
    path: &Path,
    bands: usize,
    (w, h): (usize, usize),
    nodata: f64,
    value: impl Fn(usize, usize, usize) -> T,
) {
    let crs = Crs { definition: "EPSG:32648".into(), code: Some("EPSG:32648".into()), name: "UTM 48N".into() };
    let transform = [600_000.0, 30.0, 0.0, 4_400_040.0, 0.0, -30.0];
    let head = RasterHead {
        grid: Grid { transform, width: w, height: h, crs: Some(crs) },
        bands: (0..bands).map(|b| BandHead { description: format!("b{b}"), scale: 1.0, offset: 0.0 }).collect(),
        nodata: Some(nodata),
        overviews: Overviews::None,
        packing: Packing::Deflate,
        metadata: Vec::new(),
    };
    let mut cog = Cog::<T>::create(path, head.clone()).unwrap();
    for row in (0..h).step_by(TILE) {
        for col in (0..w).step_by(TILE) {
            let window = Window { col, row, width: TILE.min(w - col), height: TILE.min(h - row) };
            for b in 0..bands {
                let at = |i: usize| value(b, col + i % window.width, row + i / window.width);
                let pixels: Vec<T> = (0..window.len()).map(at).collect();
                cog.put(head.encode(b, window, &pixels)).unwrap();
            }
        }
    }
    cog.finish().unwrap();
}

/// A number from −1 to 1 that looks like noise.
fn noise(c: usize, r: usize, b: usize) -> f32 {
    let mut x = (c as u64) << 40 ^ (r as u64) << 20 ^ b as u64;
    x = (x ^ x >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// Flames: in the middle of a block, on the corner of four blocks, in the corner of the image.
const FLAMES: [(usize, usize); 6] = [(100, 100), (511, 511), (512, 512), (512, 300), (0, 0), (699, 599)];
/// Ground that smoulders: hot by day and by night.
const SMOULDERING: [(usize, usize); 4] = [(50, 300), (51, 300), (511, 200), (300, 511)];
/// Roofs: hot by day alone.
const ROOFS: [(usize, usize); 3] = [(200, 50), (201, 50), (600, 400)];
/// Nothing was recorded left of this column, in these rows.
const GAP: (usize, std::ops::Range<usize>) = (20, 400..600);

fn gap(c: usize, r: usize) -> bool {
    c < GAP.0 && GAP.1.contains(&r)
}

fn day(b: usize, c: usize, r: usize) -> f32 {
    if gap(c, r) {
        return -9999.0;
    }
    let at = (c, r);
    if b == 7 {
        let extra = if SMOULDERING.contains(&at) || ROOFS.contains(&at) { 9.0 } else { 0.0 };
        return 300.0 + 0.002 * c as f32 + 0.3 * noise(c, r, b) + extra;
    }
    if FLAMES.contains(&at) {
        return [0.15, 0.14, 0.12, 0.10, 0.30, 0.70, 1.1][b];
    }
    [0.12, 0.11, 0.11, 0.13, 0.30, 0.30, 0.24][b] + 0.01 * noise(c, r, b)
}

fn night(_: usize, c: usize, r: usize) -> f32 {
    // the north-east was hidden by night
    if c >= 500 && r < 250 {
        return -9999.0;
    }
    let extra = if SMOULDERING.contains(&(c, r)) { 8.0 } else { 0.0 };
    280.0 + 0.3 * noise(c, r, 99) + extra
}

fn detect(dir: &Path, more: &[&str]) -> Json {
    let mut all = vec!["fire", "detect", "day.tif", "--bands", BANDS, "--time", TIME, "--json", "--overwrite"];
    all.extend(more);
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

fn bytes(path: &Path) -> Vec<u8> {
    let r = open(path).unwrap();
    match r.read(&[0], r.info().grid.window()).unwrap().remove(0) {
        Pixels::U8(v) => v,
        other => panic!("{:?}", other.ty()),
    }
}

/// Columns and rows of a mask's pixels with any of the bits, in the order of columns.
fn hot(mask: &[u8], bits: u8) -> Vec<(usize, usize)> {
    let mut v: Vec<_> =
        (0..mask.len()).filter(|i| mask[*i] != 255 && mask[*i] & bits != 0).map(|i| (i % W, i / W)).collect();
    v.sort_unstable();
    v
}

fn sorted(places: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut v = places.to_vec();
    v.sort_unstable();
    v
}

fn features(path: &Path, name: &str) -> Vec<Feature> {
    layer(&SourceName::parse(&format!("{}#{name}", path.display())), &ReadOptions::default()).unwrap().features
}

#[test]
fn known_flames_and_hot_ground_are_found_and_nothing_else() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("day.tif"), 8, (W, H), -9999.0, day);
    let s = &detect(d.path(), &["-o", "f.gpkg"])["scenes"][0];
    assert_eq!(names(d.path()), ["day.tif", "f.gpkg", "f.manifest.json", "f.png", "f_clear.tif", "f_mask.tif"]);
    let (mask, clear) = (bytes(&d.path().join("f_mask.tif")), bytes(&d.path().join("f_clear.tif")));
    // every detector of reflectance finds the flames, and so they vote
    for bit in [1, 2, 4, 8] {
        assert_eq!(hot(&mask, bit), sorted(&FLAMES), "{bit}");
    }
    assert_eq!(hot(&mask, 16), sorted(&[&SMOULDERING[..], &ROOFS[..]].concat()));
    assert_eq!(hot(&mask, 32), []);
    let missing = GAP.0 * GAP.1.len();
    assert_eq!(mask.iter().filter(|m| **m == 255).count(), missing);
    assert_eq!(clear.iter().filter(|m| **m == 255).count(), missing);
    assert_eq!(clear.iter().filter(|m| **m == 1).count(), W * H - missing);
    assert_eq!(s["pixels_seen"]["observed"], W * H - missing);
    assert_eq!(s["pixels_seen"]["no_data"], missing);
    assert!((s["clear_km2"].as_f64().unwrap() - (W * H - missing) as f64 * 900e-6).abs() < 1e-6);
    // pixels at a corner touch: 511, 511 and 512, 512; two of the smouldering and two of the roofs lie side by side
    assert_eq!((s["hot_pixels"].as_u64(), s["fires"].as_u64()), (Some(13), Some(10)));
    let points = features(&d.path().join("f.gpkg"), "fire_points");
    assert_eq!(points.len(), 13);
    let method = |f: &Feature| f.values.iter().any(|v| v.as_text() == Some("schroeder,hotmap,goli,vote"));
    assert_eq!(points.iter().filter(|f| method(f)).count(), FLAMES.len());
    // cs2cs +proj=utm +zone=48: 600015 4400025, the middle of the first pixel, is 106°10'02.4"E 39°44'39.4"N
    let Some(Geometry::Point(p)) = &points[0].geometry else { panic!("no point") };
    assert!((p.x() - 106.167_33).abs() < 1e-4 && (p.y() - 39.744_26).abs() < 1e-4, "{p:?}");
    assert_eq!(features(&d.path().join("f.gpkg"), "fires").len(), 10);
    // the vote alone: the same pixels, as sure, and the mask has its bit alone
    detect(d.path(), &["-o", "v.csv", "--method", "vote"]);
    let mask = bytes(&d.path().join("v_mask.tif"));
    assert_eq!((hot(&mask, 8), hot(&mask, 247).len()), (sorted(&FLAMES), 0));
    let text = std::fs::read_to_string(d.path().join("v.csv")).unwrap();
    assert_eq!(text.lines().filter(|l| l.contains("high")).count(), FLAMES.len(), "{text}");
    // one look, without its gap, and no cloud; fire track takes them all
    let looks = features(&d.path().join("f.gpkg"), "looks");
    let Some(Geometry::MultiPolygon(m)) = &looks[0].geometry else { panic!("no footprint") };
    let km2 = geo::GeodesicArea::geodesic_area_unsigned(m) / 1e6;
    // UTM's scale here is 0.99962 at 87 km off the meridian: areas 0.07 % larger on the ground
    assert!((km2 / ((W * H - missing) as f64 * 900e-6) - 1.0).abs() < 1e-3, "{km2}");
    assert_eq!(features(&d.path().join("f.gpkg"), "clouds").len(), 0);
    let track = ["fire", "track", "f.gpkg#fire_points", "--looks", "f.gpkg#looks", "-o", "t.gpkg", "--json"];
    let o = run(d.path(), &track);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    assert!(!features(&d.path().join("t.gpkg"), "fire_tracks").is_empty());
}

#[test]
fn the_same_bytes_for_one_thread_and_many() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("day.tif"), 8, (W, H), -9999.0, day);
    let mut files = Vec::new();
    for (threads, name) in [("1", "a"), ("3", "b")] {
        let out = format!("{name}.fgb");
        detect(d.path(), &["-o", &out, "--threads", threads, "--method", "schroeder,hotmap,goli,thermal,sagbt"]);
        let read = |end: &str| std::fs::read(d.path().join(format!("{name}{end}"))).unwrap();
        files.push([".fgb", "_fires.fgb", "_looks.fgb", "_mask.tif", "_clear.tif", ".png"].map(read));
    }
    assert!(files[0] == files[1]);
}

#[test]
fn by_day_and_by_night_roofs_go() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("day.tif"), 8, (W, H), -9999.0, day);
    raster(&d.path().join("night.tif"), 1, (W, H), -9999.0, night);
    let more = ["-o", "f.csv", "--night", "night.tif", "--night-bands", "tir=1", "--method", "thermal"];
    let s = &detect(d.path(), &more)["scenes"][0];
    let mask = bytes(&d.path().join("f_mask.tif"));
    // one of the smouldering places was hidden by night: neither confirmed nor dismissed
    let seen: Vec<_> = SMOULDERING.into_iter().filter(|(c, r)| *c < 500 || *r >= 250).collect();
    assert_eq!(hot(&mask, 16), sorted(&seen));
    assert_eq!(s["thermal_cool_by_night"], ROOFS.len());
    assert_eq!(s["thermal_night_hidden"], SMOULDERING.len() - seen.len());
    let clear = bytes(&d.path().join("f_clear.tif"));
    assert_eq!(clear[100 * W + 600], 255);
    let text = std::fs::read_to_string(d.path().join("f.csv")).unwrap();
    assert_eq!(text.lines().filter(|l| l.contains("high") && l.contains("thermal")).count(), seen.len(), "{text}");
}

#[test]
fn heat_must_persist_and_clouds_do_not_count() {
    let d = tempfile::tempdir().unwrap();
    // hot on the first, third and fourth day; the second was hidden there
    for (k, name) in ["s20240501", "s20240517", "s20240602", "s20240618"].iter().enumerate() {
        raster(&d.path().join(format!("{name}.tif")), 1, (60, 60), -9999.0, |_, c, r| match (c, r, k) {
            (30, 30, 1) => -9999.0,
            (30, 30, _) => 320.0,
            // a fire of one day
            (10, 10, 2) => 320.0,
            _ => 300.0 + 0.2 * noise(c, r, k),
        });
    }
    // told in another order: scenes are sorted by time
    let files = ["s20240618.tif", "s20240501.tif", "s20240602.tif", "s20240517.tif"];
    let mut all = vec!["fire", "detect"];
    all.extend(files);
    all.extend(["--bands", "tir=1", "-o", "f.csv", "--persist", "2/3", "--json"]);
    let o = run(d.path(), &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let of = |k: &str| s["scenes"].as_array().unwrap().iter().map(|s| s[k].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("hot_pixels"), [0, 0, 1, 1]);
    assert_eq!(of("hot_in_too_few_looks"), [1, 0, 1, 0]);
    assert_eq!(of("fires"), [0, 0, 1, 1]);
}

/// A Landsat folder: names of both times, reflectance from numbers.
fn landsat(dir: &Path, collection2: bool, sun: f64) {
    std::fs::create_dir_all(dir).unwrap();
    let id = if collection2 { "LC09_L1TP_129033_20240501_20240501_02_T1" } else { "LC81290332014121LGN00" };
    let mut mtl = format!(
        "GROUP = L1\n SPACECRAFT_ID = \"LANDSAT_{}\"\n SUN_ELEVATION = {sun}\n DATE_ACQUIRED = 2024-05-01\n SCENE_CENTER_TIME = \"03:20:11.1\"\n",
        if collection2 { 9 } else { 8 }
    );
    mtl += if collection2 { " LANDSAT_PRODUCT_ID = " } else { " LANDSAT_SCENE_ID = " };
    mtl += &format!("\"{id}\"\n");
    for b in [1, 2, 3, 4, 5, 6, 7, 10] {
        let file = format!("{id}_B{b}.TIF");
        mtl += &format!(" FILE_NAME_BAND_{b} = \"{file}\"\n");
        if b == 10 {
            mtl += " RADIANCE_MULT_BAND_10 = 3.8E-04\n RADIANCE_ADD_BAND_10 = 0.1\n K1_CONSTANT_BAND_10 = 774.8853\n K2_CONSTANT_BAND_10 = 1321.0789\n";
        } else {
            mtl += &format!(" REFLECTANCE_MULT_BAND_{b} = 2.0000E-05\n REFLECTANCE_ADD_BAND_{b} = -0.100000\n");
        }
        let sine = sun.to_radians().sin() as f32;
        raster::<u16>(&dir.join(&file), 1, (64, 64), 0.0, |_, c, r| {
            if b == 10 {
                // 25000 is 299.6 K
                return 25_000 + (50.0 * noise(c, r, 10)) as u16 + if (c, r) == (20, 40) { 4000 } else { 0 };
            }
            let ground = [0.0, 0.12, 0.11, 0.11, 0.13, 0.30, 0.30, 0.24][b];
            let flame = [0.0, 0.15, 0.14, 0.12, 0.10, 0.30, 0.70, 1.0][b];
            let p: f32 = if (c, r) == (40, 20) { flame } else { ground + 0.01 * noise(c, r, b) };
            // saturated beside the flame, in band 7 alone
            if (c, r) == (41, 20) && b == 7 { u16::MAX } else { ((p * sine + 0.1) / 2e-5) as u16 }
        });
    }
    std::fs::write(dir.join(format!("{id}_MTL.txt")), mtl + "END_GROUP = L1\nEND\n").unwrap();
}

#[test]
fn landsat_folders_of_both_times_and_a_night() {
    let d = tempfile::tempdir().unwrap();
    landsat(&d.path().join("old"), false, 50.0);
    landsat(&d.path().join("new"), true, 50.0);
    landsat(&d.path().join("night"), true, -30.0);
    let found = |scene: &str, more: &[&str]| {
        let mut all = vec!["fire", "detect", scene, "-o", "f.gpkg", "--json", "--overwrite"];
        all.extend(more);
        let o = run(d.path(), &all);
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
        let s: Json = serde_json::from_slice(&o.stdout).unwrap();
        s["scenes"][0].clone()
    };
    for scene in ["old", "new"] {
        let s = found(scene, &[]);
        let by = &s["hot_pixels_by_method"];
        // the saturated neighbour is above all thresholds of Schroeder and HOTMAP by itself
        assert_eq!((by["schroeder"].as_u64(), by["goli"].as_u64()), (Some(2), Some(2)), "{scene} {s}");
        assert_eq!((by["hotmap"].as_u64(), by["thermal"].as_u64()), (Some(2), Some(1)), "{scene} {s}");
    }
    let s = found("night", &[]);
    assert_eq!(s["methods"], serde_json::json!(["thermal"]));
    assert_eq!(s["hot_pixels"], 1);
    let s = found("new", &["--night", "night", "--method", "thermal", "--water-vapour", "1.5"]);
    assert_eq!((s["hot_pixels"].as_u64(), s["thermal_cool_by_night"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn what_is_missing_is_said() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("day.tif"), 1, (20, 20), -9999.0, |_, c, r| 300.0 + noise(c, r, 0));
    let fail = |more: &[&str]| {
        let mut all = vec!["fire", "detect", "day.tif", "-o", "f.gpkg"];
        all.extend(more);
        failure(d.path(), &all)
    };
    let (code, e) = fail(&["--bands", "tir=1"]);
    assert!(code == 3 && e.contains("--time"), "{e}");
    let (code, e) = fail(&["--bands", "tir=1", "--time", TIME, "--method", "goli"]);
    assert!(code == 3 && e.contains("goli needs blue, green, red, nir, swir1, swir2"), "{e}");
    let (code, e) = fail(&["--bands", "red=1", "--time", TIME]);
    assert!(code == 3 && e.contains("allow no method"), "{e}");
    let (code, e) = fail(&["./day.tif", "--bands", "tir=1", "--time", TIME]);
    assert!(code == 2 && e.contains("given twice"), "{e}");
    for wrong in [["--method", "goly"], ["--window", "30"], ["--persist", "3/2"], ["--time", "soon"], ["--k", "0"]] {
        let (code, e) = fail(&[&["--bands", "tir=1", "--time", TIME], &wrong[..]].concat());
        assert_eq!(code, 2, "{wrong:?} {e}");
    }
    assert_eq!(names(d.path()), ["day.tif"]);
}

#[test]
fn real_scenes_without_fires() {
    let Some(dir) = shared("data/open") else { return };
    let d = tempfile::tempdir().unwrap();
    let found = |scene: &str, more: &[&str]| {
        let path = dir.join(scene);
        let mut all = vec!["fire", "detect", path.to_str().unwrap(), "-o", "f.gpkg", "--json", "--overwrite"];
        all.extend(more);
        let o = run(d.path(), &all);
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
        let s: Json = serde_json::from_slice(&o.stdout).unwrap();
        s["scenes"][0].clone()
    };
    let s = found("landsat8_l1", &["--method", "schroeder,hotmap,goli,vote"]);
    // forest, coast, clouds: no detector of reflectance calls anything fire (docs/explanation/fire-detection.md)
    assert_eq!(s["hot_pixels"], 0, "{s}");
    let s = found("sentinel2_l1c_20m", &["--time", "2016-01-12T16:00:00Z"]);
    assert_eq!(s["hot_pixels"], 0, "{s}");
    assert_eq!(s["methods"], serde_json::json!(["hotmap"]));
}
