//! `heshan index` on real scenes and on small ones; the arithmetic is written out again here.
#![allow(missing_docs, reason = "a test crate")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{failure, names, run, shared};
use heshan::model::{BlockSource, Pixels};
use heshan::read::raster::{GdalRaster, open};
use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
use serde_json::Value as Json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster").join(name)
}

/// Runs `index`; its summary.
fn index(dir: &Path, arguments: &[&str]) -> Json {
    let mut all = vec!["index"];
    all.extend(arguments);
    all.push("--json");
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

/// Bands read by GDAL, not by our own reader.
fn gdal(path: &Path, band: usize) -> Vec<f32> {
    let r = GdalRaster::open(path).unwrap();
    match r.read(&[band], r.info().grid.window()).unwrap().remove(0) {
        Pixels::U8(v) => v.iter().map(|x| f32::from(*x)).collect(),
        Pixels::U16(v) => v.iter().map(|x| f32::from(*x)).collect(),
        Pixels::F32(v) => v,
        other => panic!("{:?}", other.ty()),
    }
}

/// `pixel · scale + offset`, rounded to float32 at each step.
fn scaled(v: &[f32], scale: f64, offset: f64) -> Vec<f32> {
    v.iter().map(|x| x * scale as f32 + offset as f32).collect()
}

fn ratio(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| (a - b) / (a + b)).collect()
}

/// Every observed pixel equals what is expected, and those masked are those that `masked` says.
fn same(out: &[f32], expected: &[f32], masked: impl Fn(usize) -> bool) -> usize {
    let mut n = 0;
    for (i, (o, e)) in out.iter().zip(expected).enumerate() {
        assert_eq!(*o == -9999.0, masked(i), "pixel {i}");
        if *o != -9999.0 {
            assert_eq!(o.to_bits(), e.to_bits(), "pixel {i}: {o} {e}");
            n += 1;
        }
    }
    n
}

#[test]
fn landsat_8_level_1() {
    let Some(dir) = shared("data/open/landsat8_l1") else { return };
    let d = tempfile::tempdir().unwrap();
    let s = index(d.path(), &[dir.to_str().unwrap(), "--index", "ndvi,mndwi", "-o", "l8.tif"]);
    assert_eq!(s["scenes"][0]["datetime"], "2015-08-04T16:19:21+00:00");
    // MTL: REFLECTANCE_MULT 2.0E-05, REFLECTANCE_ADD −0.1, SUN_ELEVATION 64.74360932
    let sine = 64.743_609_32_f64.to_radians().sin();
    let toa = |n: u32| scaled(&gdal(&dir.join(format!("l8_B{n}.tif")), 0), 2e-5 / sine, -0.1 / sine);
    let qa: Vec<u32> = gdal(&dir.join("l8_BQA.tif"), 0).iter().map(|v| *v as u32).collect();
    // BQA before collections: cloud from medium confidence on, cirrus and snow of high
    let masked = |i: usize| qa[i] >> 14 & 3 >= 2 || qa[i] >> 12 & 3 == 3 || qa[i] >> 10 & 3 == 3 || qa[i] & 3 > 0;
    let n = same(&gdal(&d.path().join("l8.tif"), 0), &ratio(&toa(5), &toa(4)), masked);
    assert_eq!(n, 251_266);
    same(&gdal(&d.path().join("l8.tif"), 1), &ratio(&toa(3), &toa(6)), masked);
    let counts = &s["scenes"][0]["bands"][0]["pixels"];
    assert_eq!((&counts["cloud"], &counts["snow"]), (&126_810.into(), &5.into()));
    assert_eq!(names(d.path()), ["l8.manifest.json", "l8.png", "l8.tif"]);
}

#[test]
fn landsat_5_level_1() {
    let Some(dir) = shared("data/open/landsat5_l1") else { return };
    let d = tempfile::tempdir().unwrap();
    index(d.path(), &[dir.to_str().unwrap(), "-o", "l5.tif"]);
    // Chander et al. 2009: π L d² / (ESUN sin h); gain and bias of the MTL; d of 1988-08-14 by the Almanac
    let g = (357.528_f64 + 0.985_600_3 * -4157.0).to_radians();
    let distance = 1.00014 - 0.01671 * g.cos() - 0.00014 * (2.0 * g).cos();
    let toa = |n: u32, gain: f64, bias: f64, esun: f64| {
        let f = std::f64::consts::PI * distance * distance / (esun * 49.755_888_89_f64.to_radians().sin());
        scaled(&gdal(&dir.join(format!("LT52240631988227CUB02_B{n}.TIF")), 0), gain * f, bias * f)
    };
    let (red, nir) = (toa(3, 1.044, -2.213_98, 1536.0), toa(4, 0.876, -2.386_02, 1031.0));
    assert_eq!(same(&gdal(&d.path().join("l5.tif"), 0), &ratio(&nir, &red), |_| false), 287 * 310);
}

#[test]
fn sentinel_2_jpeg_2000() {
    let Some(dir) = shared("data/open/sentinel2_l1c_20m") else { return };
    let d = tempfile::tempdir().unwrap();
    index(d.path(), &[dir.to_str().unwrap(), "--index", "ndmi,nbr2", "-o", "s2.tif"]);
    let band = |n: &str| scaled(&gdal(&dir.join(format!("s2_{n}.jp2")), 0), 1e-4, 0.0);
    let (nir, swir1, swir2) = (band("B8A"), band("B11"), band("B12"));
    assert_eq!(same(&gdal(&d.path().join("s2.tif"), 0), &ratio(&nir, &swir1), |_| false), 967 * 973);
    same(&gdal(&d.path().join("s2.tif"), 1), &ratio(&swir1, &swir2), |_| false);
}

#[test]
fn cover_by_percentiles_and_by_given_ends() {
    let d = tempfile::tempdir().unwrap();
    let f = fixture("before.tif");
    let s = index(d.path(), &[f.to_str().unwrap(), "--bands", "red=2,nir=3", "--index", "fvc,ndvi", "-o", "a.tif"]);
    let (red, nir) = (gdal(&f, 1), gdal(&f, 2));
    let mut ndvi: Vec<f32> = ratio(&nir, &red).into_iter().filter(|v| v.is_finite()).collect();
    ndvi.sort_unstable_by(f32::total_cmp);
    let at = |p: f64| f64::from(ndvi[(p * ndvi.len() as f64) as usize]);
    let told = |k: &str| s["scenes"][0]["fvc"][k].as_f64().unwrap();
    // the bins of the histogram are 0.0001 wide
    assert!((told("soil_ndvi") - at(0.05)).abs() < 3e-4 && (told("vegetation_ndvi") - at(0.95)).abs() < 3e-4);
    let out = gdal(&d.path().join("a.tif"), 0);
    let (soil, vegetation) = (told("soil_ndvi") as f32, told("vegetation_ndvi") as f32);
    let expected: Vec<f32> =
        ratio(&nir, &red).iter().map(|v| ((v - soil) / (vegetation - soil)).clamp(0.0, 1.0)).collect();
    same(&out, &expected, |i| red[i] == 0.0);
    let (code, said) = failure(
        d.path(),
        &[
            "index",
            f.to_str().unwrap(),
            "--bands",
            "red=2,nir=3",
            "--index",
            "fvc",
            "-o",
            "b.tif",
            "--fvc-soil",
            "0.9",
            "--fvc-vegetation",
            "0.1",
        ],
    );
    assert!(code == 3 && said.contains("must lie below"), "{said}");
}

#[test]
fn reflectances_are_asked_for_where_the_formula_needs_them() {
    let d = tempfile::tempdir().unwrap();
    let f = fixture("before.tif");
    let (code, said) =
        failure(d.path(), &["index", f.to_str().unwrap(), "--bands", "red=2,nir=3", "--index", "savi", "-o", "a.tif"]);
    assert!(code == 3 && said.contains("need reflectances"), "{said}");
    let (code, said) =
        failure(d.path(), &["index", f.to_str().unwrap(), "--bands", "red=2,nir=3", "--index", "ndxi", "-o", "a.tif"]);
    assert!(code == 2 && said.contains("known are: ndvi"), "{said}");
    assert!(names(d.path()).is_empty());
}

#[test]
fn a_damaged_scene_is_named_with_its_block() {
    let d = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(fixture("before.tif")).unwrap();
    std::fs::write(d.path().join("cut.tif"), &bytes[..bytes.len() - 3000]).unwrap();
    let (code, said) = failure(d.path(), &["index", "cut.tif", "--bands", "red=2,nir=3", "-o", "a.tif"]);
    assert!(code == 3 && said.contains("cut.tif, block ("), "{said}");
    assert_eq!(names(d.path()), ["cut.tif"]);
}

#[test]
fn a_mask_of_classes_and_its_dilation() {
    let d = tempfile::tempdir().unwrap();
    let grid = open(&fixture("before.tif")).unwrap().info().grid.clone();
    let head = RasterHead {
        grid: grid.clone(),
        bands: vec![BandHead { description: "SCL".into(), scale: 1.0, offset: 0.0 }],
        nodata: None,
        overviews: Overviews::None,
        packing: Packing::Deflate,
        metadata: Vec::new(),
    };
    // vegetation everywhere, and one pixel of cloud
    let mut classes = vec![4u8; grid.window().len()];
    classes[60 * grid.width + 80] = 9;
    let mut scl = Cog::<u8>::create(&d.path().join("T48_20230501T032539_SCL.tif"), head.clone()).unwrap();
    scl.put(head.encode(0, grid.window(), &classes)).unwrap();
    scl.finish().unwrap();
    for (n, b) in [("2", "B04"), ("3", "B08")] {
        let to = d.path().join(format!("T48_20230501T032539_{b}.tif"));
        let from = fixture("before.tif");
        if common::tool("gdal_translate", &["-q", "-b", n, from.to_str().unwrap(), to.to_str().unwrap()]).is_none() {
            return;
        }
    }
    let s = index(d.path(), &[".", "-o", "a.tif", "--dilate", "3"]);
    let c = &s["scenes"][0]["bands"][0]["pixels"];
    // a disc of radius 3 holds 29 pixels
    assert_eq!((&c["cloud"], &c["near_cloud"]), (&1.into(), &28.into()), "{s}");
    assert_eq!(s["scenes"][0]["datetime"], "2023-05-01T03:25:39+00:00");
    let r = open(&d.path().join("a.tif")).unwrap();
    assert_eq!(r.info().bands[0].description.as_deref(), Some("ndvi"));
}

#[test]
fn the_ecological_index_is_numpys() {
    let d = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster");
    let t: Json = serde_json::from_str(&std::fs::read_to_string(root.join("truth.json")).unwrap()).unwrap();
    let t = &t["rsei"];
    let scene = root.join("ecology.tif");
    let weights = "0.1511,0.1973,0.3283,0.3407,-0.7117,-0.4559";
    let all = ["index", scene.to_str().unwrap(), "--index", "rsei,ndvi", "--wetness", weights, "-o", "e.tif", "--json"];
    let o = run(d.path(), &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    let band = &s["scenes"][0]["bands"][0];
    assert_eq!((&band["pixels"]["observed"], &band["pixels"]["water"]), (&t["pixels"], &t["water"]));
    // water is land to other indices
    let of_ndvi = &s["scenes"][0]["bands"][1]["pixels"];
    let sum = t["pixels"].as_u64().unwrap() + t["water"].as_u64().unwrap();
    assert_eq!(of_ndvi["observed"], sum);
    let close = |a: &Json, b: &Json, by: f64| {
        let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
        assert!((a - b).abs() <= by, "{a} {b}");
    };
    let rsei = &s["scenes"][0]["rsei"];
    close(&rsei["variance_share"], &t["share"], 1e-9);
    for (i, name) in ["greenness", "wetness", "dryness", "heat"].iter().enumerate() {
        close(&rsei["loadings"][name], &t["loadings"][i], 1e-9);
    }
    // values are single precision
    close(&band["statistics"]["mean"], &t["mean"], 1e-7);
    close(&band["statistics"]["std"], &t["std"], 1e-7);
    common::validate_cog(&d.path().join("e.tif"));
    let r = open(&d.path().join("e.tif")).unwrap();
    let Pixels::F32(v) = r.read(&[0], r.info().grid.window()).unwrap().remove(0) else { panic!("not float32") };
    let seen: Vec<f32> = v.into_iter().filter(|v| *v != -9999.0).collect();
    for (a, b) in seen.iter().step_by(97).zip(t["first"].as_array().unwrap()) {
        close(&Json::from(f64::from(*a)), b, 1e-6);
    }
    // a platform whose weights nobody published, and a sensor without a thermal band
    let (code, said) = failure(d.path(), &["index", scene.to_str().unwrap(), "--index", "rsei", "-o", "f.tif"]);
    assert!(code == 2 && said.contains("--wetness"), "{said}");
    let pair = root.join("before.tif");
    let bands = "green=1,red=2,nir=3,swir1=4";
    let (code, said) =
        failure(d.path(), &["index", pair.to_str().unwrap(), "--bands", bands, "--index", "rsei", "-o", "f.tif"]);
    assert!(code == 3 && said.contains("no band blue, swir2, tir"), "{said}");
}
