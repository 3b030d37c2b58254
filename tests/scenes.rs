//! `heshan scenes`: catalogues made and read again.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test crate"
)]

mod common;

use std::path::Path;

use common::{failure, run, shared};
use serde_json::{Value as Json, json};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster").join(name).display().to_string()
}

#[test]
fn real_scenes_and_an_index_by_the_catalogue() {
    let Some(dir) = shared("data/open") else { return };
    let d = tempfile::tempdir().unwrap();
    let o = run(d.path(), &["scenes", dir.to_str().unwrap(), "-o", "scenes.json", "--json"]);
    assert_eq!(o.status.code(), Some(0), "{}", String::from_utf8_lossy(&o.stderr));
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let ids: Vec<&str> = s["scenes"].as_array().unwrap().iter().filter_map(|s| s["id"].as_str()).collect();
    assert_eq!(ids, ["sentinel2_l1c_20m", "LT52240631988227CUB02", "LC80200392015216LGN00"]);
    let c: Json = serde_json::from_str(&std::fs::read_to_string(d.path().join("scenes.json")).unwrap()).unwrap();
    let l8 = &c["features"][2];
    assert_eq!(l8["properties"]["proj:epsg"], 32616);
    assert_eq!(l8["properties"]["heshan:mask"], "bqa_precollection");
    assert_eq!(l8["assets"]["nir"]["eo:bands"][0]["common_name"], "nir08");
    // gdalinfo: 87°29'48.61"W, 30°38'48.17"N at the corners
    assert!((l8["bbox"][0].as_f64().unwrap() + 87.4968).abs() < 0.01, "{}", l8["bbox"]);
    // the same pixels by the catalogue and by the folder
    for (scene, out) in [
        ("scenes.json#LC80200392015216LGN00".to_owned(), "a.tif"),
        (dir.join("landsat8_l1").display().to_string(), "b.tif"),
    ] {
        let o = run(d.path(), &["index", &scene, "-o", out, "--no-quicklook"]);
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    }
    let bytes = |n: &str| std::fs::read(d.path().join(n)).unwrap();
    assert_eq!(bytes("a.tif"), bytes("b.tif"));
}

#[test]
fn a_series_of_rasters_dated_by_their_names() {
    let Some(dir) = shared("data/open/sentinel2_ndvi_series") else { return };
    let d = tempfile::tempdir().unwrap();
    let o = run(d.path(), &["scenes", dir.to_str().unwrap(), "--bands", "nir=1", "-o", "scenes.json", "--json"]);
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let scenes = s["scenes"].as_array().unwrap();
    // 68 looks and one elevation model, which has no date
    assert_eq!(scenes.len(), 69);
    assert_eq!(scenes.iter().filter(|s| s["datetime"].is_null()).count(), 1);
    assert_eq!(scenes[68]["datetime"], "2017-12-22T10:04:15+00:00");
}

#[test]
fn catalogues_of_others_are_read_by_common_names() {
    let d = tempfile::tempdir().unwrap();
    for n in ["before.tif", "after.tif"] {
        std::fs::copy(fixture(n), d.path().join(n)).unwrap();
    }
    let asset = |href: &str, common: &str, band: u32| json!({"href": href, "eo:bands": [{"name": "x", "common_name": common}], "heshan:band": band});
    let item = |id: &str, platform: &str, href: &str| {
        json!({"type": "Feature", "stac_version": "1.0.0", "id": id, "properties": {"datetime": "2023-05-01T03:25:39Z", "platform": platform},
               "assets": {"one": asset(href, "red", 2), "two": asset(href, "nir08", 3), "thumbnail": {"href": "x.png"}}})
    };
    let all = json!({"type": "FeatureCollection", "features": [item("a", "landsat-9", "./before.tif"), item("b", "landsat-9", "after.tif"),
                      item("c", "sentinel-2b", "before.tif"), item("d", "sentinel-2b", "after.tif")]});
    std::fs::write(d.path().join("c.json"), all.to_string()).unwrap();
    let o = run(d.path(), &["change", "c.json#a", "c.json#b", "-o", "x.tif", "--threshold", "-0.15,0.1", "--json"]);
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let truth: Json = serde_json::from_str(&std::fs::read_to_string(fixture("truth.json")).unwrap()).unwrap();
    assert_eq!(s["directions"][0]["pixels"], truth["loss"]);
    // what the catalogue says of Sentinel-2's offset is not trusted
    let (code, said) = failure(d.path(), &["change", "c.json#c", "c.json#d", "-o", "y.tif"]);
    assert!(code == 3 && said.contains("offset of Sentinel-2 numbers is not known for c, d"), "{said}");
    let (code, said) = failure(d.path(), &["index", "c.json", "-o", "y.tif"]);
    assert!(code == 3 && said.contains("holds 4 scenes") && said.contains("#ID"), "{said}");
    let (code, said) = failure(d.path(), &["index", "c.json#z", "-o", "y.tif"]);
    assert!(code == 3 && said.contains("no scene z"), "{said}");
}

#[test]
fn an_empty_folder_is_said_to_be_one() {
    let d = tempfile::tempdir().unwrap();
    let (code, said) = failure(d.path(), &["scenes", ".", "-o", "s.json"]);
    assert!(code == 3 && said.contains("no scene was found"), "{said}");
}
