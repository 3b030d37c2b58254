//! The scripted scenes of the sample project, from pixels to tracks: `heshan fire detect`, `import`, `track`, `status` against
//! the tables that `scripts/sample_fire_scenes_answers.py` counts from the script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::run;
use geo::Geometry;
use heshan::model::{Feature, Pixels};
use heshan::read::raster::open;
use heshan::read::vector::{ReadOptions, SourceName, layer};
use serde_json::Value as Json;

type Row = BTreeMap<String, String>;

fn sample(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data-samples").join(name).display().to_string()
}

/// Rows of the table of looks in the sample's README.
fn looks() -> Vec<Row> {
    let text = std::fs::read_to_string(sample("README.md")).unwrap();
    let body = text.split("<!-- fire_scenes -->").nth(1).unwrap().split("<!-- /fire_scenes -->").next().unwrap();
    let cells = |l: &str| -> Vec<String> { l.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect() };
    let mut lines = body.lines().filter(|l| l.starts_with('|'));
    let head = cells(lines.next().unwrap());
    lines.skip(1).map(|l| head.iter().cloned().zip(cells(l)).collect()).collect()
}

fn scene(name: &str) -> String {
    sample(&format!("fire_scenes/{name}"))
}

fn nights() -> Vec<String> {
    let mut all: Vec<String> = looks().iter().map(|r| scene(&r["night"])).collect();
    all.dedup();
    all
}

fn designed() -> Vec<Row> {
    let mut r = csv::Reader::from_path(sample("fire_scenes_designed.csv")).unwrap();
    let head = r.headers().unwrap().clone();
    let row = |x: csv::StringRecord| head.iter().zip(&x).map(|(h, v)| (h.to_owned(), v.to_owned())).collect();
    r.records().map(|x| row(x.unwrap())).collect()
}

/// Runs `heshan fire …`; its summary.
fn fire(dir: &Path, arguments: &[&str]) -> Json {
    let mut all = vec!["fire"];
    all.extend(arguments);
    all.push("--json");
    let o = run(dir, &all);
    assert!(matches!(o.status.code(), Some(0 | 1)), "{arguments:?}: {}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

fn detect(dir: &Path, scenes: &[String], more: &[&str], out: &str) -> Json {
    let nights = nights();
    let mut all = vec!["detect"];
    all.extend(scenes.iter().map(String::as_str));
    all.extend(["--no-quicklook", "--overwrite", "-o", out]);
    all.extend(more);
    if !more.contains(&"--no-night") {
        all.push("--night");
        all.extend(nights.iter().map(String::as_str));
    }
    all.retain(|a| *a != "--no-night");
    fire(dir, &all)
}

/// Tracks with sites, known heat and rivers.
fn track(dir: &Path, files: &[&str], more: &[&str]) -> Json {
    let (heat, sites, rivers) =
        (sample("fires_known_heat.geojson"), sample("sites_wuhai.gpkg"), sample("rivers.geojson"));
    let mut all = vec!["track"];
    all.extend(files);
    all.extend(["--heat-mask", &heat, "--sites", &sites, "--rivers", &rivers, "--allow-skipped"]);
    all.extend(more);
    fire(dir, &all)
}

fn features(path: &Path, name: &str) -> (Vec<String>, Vec<Feature>) {
    let l = layer(&SourceName { path: path.into(), layer: Some(name.into()) }, &ReadOptions::default()).unwrap();
    (l.info.schema.fields.iter().map(|f| f.name.clone()).collect(), l.features)
}

fn table(path: &Path, name: &str) -> Vec<Row> {
    let (fields, all) = features(path, name);
    let row = |f: &Feature| fields.iter().cloned().zip(f.values.iter().map(|v| v.to_display())).collect();
    all.iter().map(row).collect()
}

/// Tracks by the names of the script: each designed one must be there, at its place, and no other.
fn by_name(path: &Path) -> BTreeMap<String, Row> {
    let (_, shapes) = features(path, "fire_tracks");
    let rows = table(path, "fire_tracks");
    let mut out = BTreeMap::new();
    for (f, row) in shapes.iter().zip(rows) {
        let Some(Geometry::Point(p)) = &f.geometry else { panic!("no place") };
        let near = |d: &&Row| {
            let off = |v: f64, k: &str| (v - d[k].parse::<f64>().unwrap()).abs();
            off(p.x(), "lon") < 2e-7 && off(p.y(), "lat") < 2e-7
        };
        let all = designed();
        let name = all.iter().find(near).unwrap_or_else(|| panic!("nothing is designed at {p:?}: {row:?}"));
        assert!(out.insert(name["fire"].clone(), row).is_none(), "two fires at {p:?}");
    }
    out
}

/// True where a track lies at the place of a designed fire.
fn at(name: &str, f: &Feature) -> bool {
    let Some(Geometry::Point(p)) = &f.geometry else { panic!("no place") };
    let want = designed().into_iter().find(|w| w["fire"] == name).unwrap();
    let off = |v: f64, k: &str| (v - want[k].parse::<f64>().unwrap()).abs();
    off(p.x(), "lon") < 2e-7 && off(p.y(), "lat") < 2e-7
}

const KEYS: [&str; 13] = [
    "state",
    "points",
    "passes",
    "clear_n",
    "hidden_n",
    "relapses",
    "first_seen",
    "last_seen",
    "open_since",
    "out_first",
    "out_sure",
    "industrial",
    "site_id",
];

#[test]
fn the_scripted_scenes_give_their_designed_fires() {
    let d = tempfile::tempdir().unwrap();
    let days: Vec<String> = looks().iter().map(|r| scene(&r["look"])).collect();
    let heat = sample("fires_known_heat.geojson");
    let s = detect(d.path(), &days, &["--heat-mask", &heat], "d.gpkg");
    for (found, want) in s["scenes"].as_array().unwrap().iter().zip(looks()) {
        assert_eq!((found["scene"].as_str(), found["night"].as_str()), (Some(&*want["look"]), Some(&*want["night"])));
        let of = |v: &Json| v.as_u64().unwrap().to_string();
        assert_eq!(of(&found["hot_pixels"]), want["hot_px"], "{want:?}");
        for method in ["schroeder", "hotmap", "goli", "vote"] {
            assert_eq!(of(&found["hot_pixels_by_method"][method]), want["flames_px"], "{method} {want:?}");
        }
        assert_eq!(of(&found["hot_pixels_by_method"]["thermal"]), want["thermal_px"], "{want:?}");
        assert_eq!(of(&found["thermal_cool_by_night"]), want["cool_by_night"], "{want:?}");
        assert_eq!(of(&found["thermal_night_hidden"]), want["night_hidden"], "{want:?}");
    }
    // the flare is named in each look, and nothing else is
    let named = table(&d.path().join("d.gpkg"), "fires").iter().filter(|r| !r["industrial"].is_empty()).count();
    assert_eq!(named, 8);
    // looks and clouds come with the detections
    let s = track(d.path(), &["d.gpkg"], &["-o", "t.gpkg"]);
    assert_eq!((s["looks"].as_u64(), s["industrial"].as_u64()), (Some(8), Some(1)), "{s}");
    let found = by_name(&d.path().join("t.gpkg"));
    assert_eq!(found.len(), designed().len());
    for want in designed() {
        for key in KEYS {
            assert_eq!(found[&want["fire"]][key], want[key], "{key} of {}", want["fire"]);
        }
    }
    // S2 is out and S9 is; S5 is counted apart: six are open
    let s = fire(d.path(), &["status", "t.gpkg", "-o", "s.gpkg"]);
    assert_eq!(s["open"].as_u64(), Some(6), "{s}");
}

#[test]
fn scene_by_scene_in_any_order_and_twice_is_what_comes_at_once() {
    let d = tempfile::tempdir().unwrap();
    let names: Vec<String> = looks().iter().map(|r| r["look"].clone()).collect();
    let days: Vec<String> = names.iter().map(|n| scene(n)).collect();
    detect(d.path(), &days, &[], "d.gpkg");
    track(d.path(), &["d.gpkg"], &["-o", "once.gpkg"]);
    for n in &names {
        detect(d.path(), &[scene(n)], &[], &format!("{n}.gpkg"));
    }
    let once = d.path().join("once.gpkg");
    let orders = [vec![0, 1, 2, 3, 4, 5, 6, 7], vec![7, 6, 5, 4, 3, 2, 1, 0], vec![5, 2, 2, 7, 0, 4, 6, 1, 3, 5]];
    for (k, order) in orders.iter().enumerate() {
        let (store, out) = (format!("store{k}.gpkg"), format!("t{k}.gpkg"));
        let mut arrived: Vec<String> = Vec::new();
        for i in order {
            let file = format!("{}.gpkg", names[*i]);
            fire(d.path(), &["import", &file, "-o", &store, "--update"]);
            if !arrived.contains(&file) {
                arrived.push(file);
            }
            let mut more = vec!["--looks"];
            more.extend(arrived.iter().map(String::as_str));
            more.push("--clouds");
            more.extend(arrived.iter().map(String::as_str));
            more.extend(["-o", &out, "--update"]);
            track(d.path(), &[&store], &more);
            // whatever has arrived: what lies under cloud is not known to be out
            for (f, t) in
                features(&d.path().join(&out), "fire_tracks").1.iter().zip(table(&d.path().join(&out), "fire_tracks"))
            {
                assert!(!(at("S4", f) && t["state"] == "out"), "{order:?} {t:?}");
            }
        }
        let out = d.path().join(&out);
        assert_eq!((&*by_name(&out)["S4"]["state"], &*by_name(&out)["S4"]["hidden_n"]), ("active", "4"));
        for name in ["fire_tracks", "fire_members", "fire_events"] {
            assert_eq!(table(&once, name), table(&out, name), "{name} {order:?}");
        }
    }
}

/// Heat in two of the last three clear looks: counted by hand from the script.
#[test]
fn heat_that_does_not_persist_is_left_out_and_puts_nothing_out() {
    let d = tempfile::tempdir().unwrap();
    let days: Vec<String> = looks().iter().map(|r| scene(&r["look"])).collect();
    let s = detect(d.path(), &days, &["--method", "thermal", "--persist", "2/3"], "p.gpkg");
    let of = |k: &str| s["scenes"].as_array().unwrap().iter().map(|s| s[k].as_u64().unwrap()).collect::<Vec<_>>();
    // nine pixels a fire; S1 to S5 and S7 burn in look 0, S3 and S10 in look 6 for the first time, S8 in look 7
    assert_eq!(of("hot_pixels"), [0, 54, 45, 36, 27, 18, 18, 36]);
    assert_eq!(of("hot_in_too_few_looks"), [54, 0, 0, 0, 0, 0, 18, 9]);
    // heat that is not told hides its ground: 54 pixels of look 0, in look 6 18 beside the cloud of 26 by 23
    let (fields, clouds) = features(&d.path().join("p.gpkg"), "clouds");
    let id = fields.iter().position(|f| f == "look_id").unwrap();
    let hidden = |k: usize| -> f64 {
        let of_look = clouds.iter().filter(|c| c.values[id].to_display() == looks()[k]["look"]);
        of_look.map(|c| geo::GeodesicArea::geodesic_area_unsigned(c.geometry.as_ref().unwrap()) / 900.0).sum()
    };
    for (k, px) in [(0, 54.0), (1, 0.0), (6, 598.0 + 18.0)] {
        // UTM's scale at this place is 0.99987: areas 0.03 % larger on the ground
        assert!((hidden(k) - px).abs() <= 0.001 * px, "look {k}: {}", hidden(k));
    }
    track(d.path(), &["p.gpkg"], &["-o", "t.gpkg"]);
    let (_, shapes) = features(&d.path().join("t.gpkg"), "fire_tracks");
    assert_eq!(shapes.len(), 7);
    let found = by_name(&d.path().join("t.gpkg"));
    // out after looks 2 to 4; the heat of look 6 is not told, and was no clear look either; back in look 7
    assert_eq!((&*found["S3"]["state"], &*found["S3"]["passes"], &*found["S3"]["relapses"]), ("relapsed", "2", "1"));
    let id = &found["S3"]["track_id"];
    let hidden = table(&d.path().join("t.gpkg"), "fire_events");
    let states: Vec<&str> = hidden.iter().filter(|e| e["track_id"] == *id).map(|e| &*e["event"]).collect();
    assert_eq!(states, ["heat", "clear", "clear", "clear", "heat"], "hidden looks of what is out are no events");
    assert_eq!(&*found["S10"]["state"], "new");
}

#[test]
fn by_day_alone_a_roof_burns() {
    let d = tempfile::tempdir().unwrap();
    let days: Vec<String> = looks().iter().map(|r| scene(&r["look"])).collect();
    let s = detect(d.path(), &days, &["--no-night", "--method", "thermal"], "d.gpkg");
    for (found, want) in s["scenes"].as_array().unwrap().iter().zip(looks()) {
        // what the night dismissed or hid is hot by day
        let n = |k: &str| want[k].parse::<u64>().unwrap();
        assert_eq!(found["hot_pixels"], n("thermal_px") + n("cool_by_night") + n("night_hidden"), "{want:?}");
    }
    // and a scene of the night alone finds what burns
    let s = detect(d.path(), &[nights()[0].clone()], &["--no-night"], "n.gpkg");
    assert_eq!(
        (s["scenes"][0]["methods"].to_string(), s["scenes"][0]["hot_pixels"].as_u64()),
        (r#"["thermal"]"#.into(), Some(54))
    );
}

#[test]
fn looks_that_see_flames_alone_say_nothing_of_what_smoulders() {
    let d = tempfile::tempdir().unwrap();
    let days: Vec<String> = looks().iter().map(|r| scene(&r["look"])).collect();
    detect(d.path(), &days[..4], &[], "a.gpkg");
    detect(d.path(), &days[4..], &["--no-night", "--method", "schroeder,hotmap,goli"], "b.gpkg");
    track(d.path(), &["a.gpkg", "b.gpkg"], &["-o", "t.gpkg"]);
    let of = |name: &str| {
        let (_, shapes) = features(&d.path().join("t.gpkg"), "fire_tracks");
        let k = shapes.iter().position(|f| at(name, f)).unwrap();
        table(&d.path().join("t.gpkg"), "fire_tracks").swap_remove(k)
    };
    // S2 smoulders no more, but no later look could tell; the grass of S9 flamed, and its flames are seen to be out
    assert_eq!((&*of("S2")["state"], &*of("S2")["clear_n"]), ("active", "0"));
    assert_eq!((&*of("S9")["state"], &*of("S9")["out_sure"]), ("out", "2026-07-18T03:33:20Z"));
}

#[test]
fn the_product_tells_saturation_where_numbers_fold_over() {
    let d = tempfile::tempdir().unwrap();
    let name = &looks()[0]["look"];
    let copy = d.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for f in std::fs::read_dir(scene(name)).unwrap().map(|f| f.unwrap()) {
        if !f.file_name().to_string_lossy().contains("RADSAT") {
            std::fs::copy(f.path(), copy.join(f.file_name())).unwrap();
        }
    }
    let methods = |scene: String| {
        detect(d.path(), &[scene], &["--no-night"], "d.gpkg");
        let r = open(&d.path().join("d_mask.tif")).unwrap();
        let Pixels::U8(v) = r.read(&[0], r.info().grid.window()).unwrap().remove(0) else { panic!("not bytes") };
        v[31 * 90 + 26]
    };
    // Schroeder and GOLI find the folded pixel of the flare by its other bands, HOTMAP by the band of bits alone
    assert_eq!(methods(scene(name)), 1 | 2 | 4 | 8 | 16);
    assert_eq!(methods(copy.display().to_string()), 1 | 4 | 8 | 16);
}

#[test]
fn looks_without_any_detection_are_no_error() {
    let d = tempfile::tempdir().unwrap();
    detect(
        d.path(),
        &[scene(&looks()[0]["look"])],
        &["--no-night", "--method", "thermal", "--floor", "40"],
        "none.gpkg",
    );
    let s = track(d.path(), &["none.gpkg"], &["-o", "t.gpkg"]);
    assert_eq!((s["tracks"].as_u64(), s["looks"].as_u64()), (Some(0), Some(1)), "{s}");
    let s = fire(d.path(), &["import", "none.gpkg", "-o", "store.gpkg"]);
    assert_eq!(s["detections"].as_u64(), Some(0), "{s}");
}
