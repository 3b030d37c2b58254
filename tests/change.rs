//! `heshan change` on a small pair with known changes; what NumPy, SciPy and scikit-image say of it stands in
//! tests/fixtures/raster/truth.json (tests/fixtures/make_rasters.py).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::path::{Path, PathBuf};

use common::{failure, names, run, shared, tool};
use geo::{Area, Validation};
use heshan::model::Pixels;
use heshan::read::raster::open;
use serde_json::Value as Json;

const BANDS: &str = "green=1,red=2,nir=3,swir1=4";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster").join(name)
}

fn truth() -> Json {
    serde_json::from_str(&std::fs::read_to_string(fixture("truth.json")).unwrap()).unwrap()
}

/// Runs `change` on the pair; its summary.
fn change(dir: &Path, more: &[&str]) -> Json {
    let (b, a) = (fixture("before.tif"), fixture("after.tif"));
    let mut all = vec!["change", b.to_str().unwrap(), a.to_str().unwrap(), "--bands", BANDS, "--json", "--overwrite"];
    all.extend(more);
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

fn floats(path: &Path) -> Vec<f32> {
    let r = open(path).unwrap();
    match r.read(&[0], r.info().grid.window()).unwrap().remove(0) {
        Pixels::F32(v) => v,
        other => panic!("{:?}", other.ty()),
    }
}

#[test]
fn the_difference_is_numpys_bit_for_bit_and_so_are_the_counts() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    let s = change(d.path(), &["-o", "d.tif", "--threshold", "-0.15,0.1"]);
    assert_eq!(s["pixels"]["observed"], t["valid"]);
    assert_eq!(s["directions"][0]["pixels"], t["loss"]);
    assert_eq!(s["directions"][1]["pixels"], t["gain"]);
    let v = floats(&d.path().join("d.tif"));
    let seen: Vec<f32> = v.into_iter().filter(|v| *v != -9999.0).collect();
    // the sum of the bit patterns: any bit that differs moves it
    assert_eq!(seen.iter().map(|v| u64::from(v.to_bits())).sum::<u64>(), t["bits"].as_u64().unwrap());
    assert_eq!(names(d.path()), ["d.manifest.json", "d.png", "d.tif"]);
}

#[test]
fn the_same_bytes_for_one_thread_and_many() {
    let d = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (threads, name) in [("1", "a"), ("3", "b")] {
        let (tif, gpkg) = (format!("{name}.tif"), format!("{name}.fgb"));
        change(d.path(), &["--method", "irmad", "-o", &tif, "--patches", &gpkg, "--threads", threads]);
        files.push(std::fs::read(d.path().join(tif)).unwrap());
        files.push(std::fs::read(d.path().join(gpkg)).unwrap());
    }
    assert_eq!(files[0], files[2]);
    assert_eq!(files[1], files[3]);
}

#[test]
fn components_are_scipys_and_their_shapes_gdals() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    for k in ["4", "8"] {
        let s = change(d.path(), &["--patches", "p.gpkg", "--threshold", "-0.15,9", "--connectivity", k]);
        assert_eq!(s["directions"][0]["patches"], t[format!("loss_components_{k}")], "{k}");
        let layer = heshan::read::vector::layer(
            &heshan::read::vector::SourceName::parse(d.path().join("p.gpkg").to_str().unwrap()),
            &heshan::read::vector::ReadOptions::default(),
        )
        .unwrap();
        let mut sizes = Vec::new();
        for f in &layer.features {
            let Some(geo::Geometry::MultiPolygon(m)) = &f.geometry else { panic!("no multipolygon") };
            assert!(m.is_valid());
            sizes.push((m.unsigned_area() / 100.0).round() as u64);
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let expected: Vec<u64> =
            t[format!("loss_sizes_{k}")].as_array().unwrap().iter().filter_map(Json::as_u64).collect();
        assert_eq!(sizes.iter().take(10).copied().collect::<Vec<_>>(), expected, "{k}");
    }
    polygonize(d.path());
}

/// `gdal_polygonize` on the same classes: the same number of polygons and the same areas.
fn polygonize(dir: &Path) {
    change(dir, &["-o", "d.tif", "--patches", "four.gpkg", "--threshold", "-0.15,9", "--connectivity", "4"]);
    let make = "import sys,numpy as n;from osgeo import gdal;s=gdal.Open('d.tif');a=s.ReadAsArray();d=gdal.GetDriverByName('GTiff').CreateCopy('c.tif',s);\
                d=None;d=gdal.GetDriverByName('GTiff').Create('c.tif',s.RasterXSize,s.RasterYSize);d.SetGeoTransform(s.GetGeoTransform());d.SetProjection(s.GetProjection());\
                d.GetRasterBand(1).WriteArray(((a<n.float32(-.15))&(a>-9)).astype('uint8'));d.GetRasterBand(1).SetNoDataValue(0);d=None";
    let done = std::process::Command::new("/usr/bin/python3").args(["-c", make]).current_dir(dir).output();
    if !done.is_ok_and(|o| o.status.success()) {
        println!("skipped: no Python with GDAL");
        return;
    }
    let path = |n: &str| dir.join(n).to_str().unwrap().to_owned();
    if tool("gdal_polygonize.py", &["-q", &path("c.tif"), &path("g.gpkg"), "g"]).is_none() {
        return;
    }
    let query = |file: &str, layer: &str| {
        let sql = format!("SELECT COUNT(*) AS n, SUM(ST_Area(geom)) AS a, MAX(ST_Area(geom)) AS m FROM {layer}");
        let said = tool("ogrinfo", &["-q", "-dialect", "SQLite", "-sql", &sql, &path(file)]).unwrap();
        said.lines().filter(|l| l.contains(" = ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(query("four.gpkg", "patches"), query("g.gpkg", "g"));
}

#[test]
fn thresholds_are_those_of_scikit_image_and_numpy() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    let near = |a: &Json, b: f64, by: f64| {
        let a = a.as_f64().unwrap();
        assert!((a - b).abs() <= by, "{a} {b}");
    };
    let otsu = change(d.path(), &["-o", "o.tif", "--threshold", "otsu"]);
    near(&otsu["limits"][0], t["otsu_below"].as_f64().unwrap(), 1e-9);
    near(&otsu["limits"][1], t["otsu_above"].as_f64().unwrap(), 1e-9);
    let sigma = change(d.path(), &["-o", "o.tif", "--threshold", "sigma:2"]);
    let (mean, std) = (t["mean"].as_f64().unwrap(), t["std"].as_f64().unwrap());
    near(&sigma["limits"][0], mean - 2.0 * std, 1e-12);
    near(&sigma["limits"][1], mean + 2.0 * std, 1e-12);
    let cva = change(d.path(), &["-o", "o.tif", "--method", "cva"]);
    assert!(cva["directions"][0]["pixels"].as_u64().unwrap() > 2000);
}

#[test]
fn irmad_is_that_of_numpy_and_scipy() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    for (name, iterations) in [("mad", "1"), ("irmad", "30")] {
        let s = change(d.path(), &["--method", "irmad", "--iterations", iterations, "-o", "m.tif"]);
        let t = &t[name];
        assert_eq!(s["irmad"]["iterations"], t["iterations"], "{name}");
        let close =
            |a: f64, b: f64, what: &str| assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{name} {what}: {a} {b}");
        for (a, b) in s["irmad"]["correlations"].as_array().unwrap().iter().zip(t["rho"].as_array().unwrap()) {
            close(a.as_f64().unwrap(), b.as_f64().unwrap(), "correlation");
        }
        let seen: Vec<f32> = floats(&d.path().join("m.tif")).into_iter().filter(|v| *v != -9999.0).collect();
        let mean = seen.iter().map(|v| f64::from(*v)).sum::<f64>() / seen.len() as f64;
        close(mean, t["mean"].as_f64().unwrap(), "mean");
        for (i, b) in t["first"].as_array().unwrap().iter().enumerate() {
            close(f64::from(seen[20 * i]), b.as_f64().unwrap(), "chi-square");
        }
        assert_eq!(s["directions"][0]["pixels"], t["changed"], "{name}");
    }
}

#[test]
fn classes_before_and_after_are_numpys() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    let rules = ["--class", "植被=ndvi>0.25", "--class", "bare=ndvi<0.1&mndwi<0"];
    let mut all = vec!["-o", "c.tif", "--patches", "c.gpkg"];
    all.extend(rules);
    let s = change(d.path(), &all);
    assert_eq!(names(d.path()), ["c.gpkg", "c.manifest.json", "c.png", "c.tif", "c_classes.tif"]);
    let number = |name: &Json| match name.as_str().unwrap() {
        "植被" => 1,
        "bare" => 2,
        "other" => 3,
        other => panic!("{other}"),
    };
    let (mut pixels, mut patches) = (serde_json::Map::new(), serde_json::Map::new());
    for c in s["classes"].as_array().unwrap() {
        let (from, to) = (number(&c["from"]), number(&c["to"]));
        pixels.insert(format!("{from}{to}"), c["pixels"].clone());
        patches.insert(format!("{from}{to}"), c["patches"].clone());
    }
    assert_eq!(Json::Object(pixels), t["pairs"]);
    assert_eq!(patches["12"], t["pair_components"]["12"]);
    // the raster says the same
    common::validate_cog(&d.path().join("c_classes.tif"));
    let r = open(&d.path().join("c_classes.tif")).unwrap();
    let Pixels::U8(v) = r.read(&[0], r.info().grid.window()).unwrap().remove(0) else { panic!("not uint8") };
    for (pair, n) in t["pairs"].as_object().unwrap() {
        let pair: u8 = pair.parse().unwrap();
        assert_eq!(v.iter().filter(|x| **x == pair).count() as u64, n.as_u64().unwrap(), "{pair}");
    }
    assert_eq!(r.info().bands[0].nodata, Some(255.0));
    assert!(r.info().metadata.contains(&("CLASSES".into(), "1 植被, 2 bare, 3 other".into())));
    // new bare ground, and the patch of loss that is mostly it
    let layer = |name: &str| {
        let source = format!("{}#{name}", d.path().join("c.gpkg").display());
        let source = heshan::read::vector::SourceName::parse(&source);
        heshan::read::vector::layer(&source, &heshan::read::vector::ReadOptions::default()).unwrap()
    };
    let text = |l: &heshan::model::Layer, f: &heshan::model::Feature, name: &str| {
        let i = l.info.schema.fields.iter().position(|x| x.name == name).unwrap();
        f.values[i].as_text().map(str::to_owned).unwrap_or_default()
    };
    let moved = layer("transitions");
    let bare = moved
        .features
        .iter()
        .filter(|f| text(&moved, f, "to_class") == "bare" && text(&moved, f, "from_class") == "植被");
    let area: f64 = bare.map(|f| f.geometry.as_ref().unwrap().unsigned_area()).sum();
    assert_eq!(area, 100.0 * t["pairs"]["12"].as_f64().unwrap());
    let patches = layer("patches");
    let lost = patches.features.iter().filter(|f| text(&patches, f, "direction") == "loss");
    let pair = |f: &heshan::model::Feature| {
        10 * number(&text(&patches, f, "from_class").into()) + number(&text(&patches, f, "to_class").into())
    };
    let mut most: Vec<(f64, u64)> = lost.map(|f| (f.geometry.as_ref().unwrap().unsigned_area(), pair(f))).collect();
    most.sort_by(|a, b| b.0.total_cmp(&a.0));
    assert_eq!(Json::from(vec![most[0].1, most[1].1]), t["loss_majority"]);
    let (code, said) = failure(d.path(), &["change", "a", "b", "--bands", BANDS, "-o", "x.tif", "--class", "w=mndwi"]);
    assert!(code == 2 && said.contains("NAME=INDEX>LIMIT"), "{said}");
}

/// A pair as ../shared/peers/gen_raster.py makes it, smaller: the bands and the change of each pixel (1 loss, 2 gain, 255
/// cloud on one of both dates).
struct Known {
    width: usize,
    height: usize,
    bands: [Vec<Vec<u16>>; 2],
    truth: Vec<u8>,
}

impl Known {
    fn new(width: usize, height: usize) -> Self {
        let mut state = 7u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1u64 << 24) as f64
        };
        let rectangles: Vec<[usize; 5]> = (0..24)
            .map(|k| {
                let (w, h) = (30 + (90.0 * random()) as usize, 30 + (90.0 * random()) as usize);
                let (c, r) = ((random() * (width - w) as f64) as usize, (random() * (height - h) as f64) as usize);
                [c, r, w, h, 1 + k % 2]
            })
            .collect();
        let mut k = Self { width, height, bands: [vec![Vec::new(); 4], vec![Vec::new(); 4]], truth: Vec::new() };
        for i in 0..width * height {
            let (c, r) = (i % width, i / width);
            let (x, y) = (c as f64, r as f64);
            let before =
                (0.4 + 0.18 * (x / 61.0).sin() * (y / 47.0).cos() + 0.04 * (2.0 * random() - 1.0)).clamp(0.03, 0.9);
            let soil = 0.03 * (x / 13.0).cos() * (y / 17.0).sin();
            let inside = |q: &&[usize; 5]| (q[0]..q[0] + q[2]).contains(&c) && (q[1]..q[1] + q[3]).contains(&r);
            let change = rectangles.iter().rev().find(inside).map_or(0, |q| q[4]);
            let after = [before, 0.04, (before + 0.35).min(0.9)][change];
            let cloud = [(x - 90.0).hypot(y - 400.0) < 60.0, (x - 500.0).hypot(y - 90.0) < 80.0];
            for (date, v) in [before, after].into_iter().enumerate() {
                let clear = [
                    0.13 - 0.06 * v + 0.8 * soil,
                    0.22 - 0.17 * v + soil,
                    0.24 + 0.22 * v + soil,
                    0.34 - 0.18 * v + 1.2 * soil,
                ];
                let haze = [[(1.0, 0.0); 4], [(1.04, 0.012), (0.97, 0.008), (1.02, 0.004), (0.95, -0.003)]][date];
                for (b, (v, (gain, offset))) in clear.into_iter().zip(haze).enumerate() {
                    // the sum of four is nearly normal; its deviation is 0.004
                    let noise = 0.004 * 3f64.sqrt() * ((0..4).map(|_| random()).sum::<f64>() - 2.0);
                    let n = ((v + noise) * gain + offset) * 10_000.0;
                    k.bands[date][b].push(if cloud[date] { 0 } else { n.clamp(1.0, 10_000.0) as u16 });
                }
            }
            k.truth.push(if cloud[0] || cloud[1] { 255 } else { change as u8 });
        }
        k
    }

    fn write(&self, dir: &Path) {
        use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
        for (name, bands) in ["before.tif", "after.tif"].iter().zip(&self.bands) {
            let mut grid = open(&fixture("before.tif")).unwrap().info().grid.clone();
            (grid.width, grid.height) = (self.width, self.height);
            let band = |n: &str| BandHead { description: n.into(), scale: 1.0, offset: 0.0 };
            let head = RasterHead {
                grid: grid.clone(),
                bands: ["green", "red", "nir", "swir1"].map(band).into(),
                nodata: Some(0.0),
                overviews: Overviews::None,
                packing: Packing::Deflate,
                metadata: Vec::new(),
            };
            let mut cog = Cog::<u16>::create(&dir.join(name), head.clone()).unwrap();
            for (b, pixels) in bands.iter().enumerate() {
                for w in heshan::model::Window::tiles(&grid, heshan::write::raster::TILE) {
                    let cut: Vec<u16> = (0..w.len())
                        .map(|i| pixels[(w.row + i / w.width) * self.width + w.col + i % w.width])
                        .collect();
                    cog.put(head.encode(b, w, &cut)).unwrap();
                }
            }
            cog.finish().unwrap();
        }
    }

    /// Precision and recall of what patches cover, over pixels seen on both dates.
    fn score(&self, patches: &Path) -> (f64, f64) {
        let source = heshan::read::vector::SourceName::parse(patches.to_str().unwrap());
        let layer = heshan::read::vector::layer(&source, &heshan::read::vector::ReadOptions::default()).unwrap();
        // every vertical edge turns all pixels to its right: what was turned an odd number of times lies inside
        let mut inside = vec![false; self.width * self.height];
        for f in &layer.features {
            let Some(geo::Geometry::MultiPolygon(m)) = &f.geometry else { panic!("no multipolygon") };
            for ring in m.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())) {
                for l in ring.lines().filter(|l| l.start.x == l.end.x) {
                    let at = |y: f64| ((4_400_040.0 - y) / 10.0).round() as usize;
                    let (a, b) = (at(l.start.y), at(l.end.y));
                    let c = ((l.start.x - 600_000.0) / 10.0).round() as usize;
                    for r in a.min(b)..a.max(b) {
                        inside[r * self.width + c..(r + 1) * self.width].iter_mut().for_each(|x| *x = !*x);
                    }
                }
            }
        }
        let (mut hit, mut found, mut there) = (0.0, 0.0, 0.0);
        for (i, t) in inside.iter().zip(&self.truth).filter(|(_, t)| **t != 255) {
            found += f64::from(u8::from(*i));
            there += f64::from(u8::from(*t > 0));
            hit += f64::from(u8::from(*i && *t > 0));
        }
        assert!(there > 50_000.0);
        (hit / found, hit / there)
    }
}

#[test]
fn patches_find_the_rectangles_that_changed() {
    let d = tempfile::tempdir().unwrap();
    let known = Known::new(700, 600);
    known.write(d.path());
    // haze makes ±0.15 blind to a part of the changes; brought to one radiometry, ±0.06 sees them, and what noise is
    // beyond it is smaller than half a hectare
    let all = ["change", "before.tif", "after.tif", "--patches", "p.gpkg", "--json", "--normalise", "pif"];
    let more = ["--threshold", "-0.06,0.06", "--min-area", "5000", "--connectivity", "4"];
    let o = run(d.path(), &[&all[..], &more[..]].concat());
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let (precision, recall) = known.score(&d.path().join("p.gpkg"));
    assert!(precision > 0.99 && recall > 0.99, "precision {precision}, recall {recall}");
    // change vectors, as they come, with half a hectare and Otsu's limit at half
    let o = run(
        d.path(),
        &[
            &all[..3],
            &[
                "--patches",
                "v.gpkg",
                "--method",
                "cva",
                "--normalise",
                "pif",
                "--threshold",
                "250",
                "--min-area",
                "5000",
                "--connectivity",
                "4",
            ],
        ]
        .concat(),
    );
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let (precision, recall) = known.score(&d.path().join("v.gpkg"));
    assert!(precision > 0.99 && recall > 0.99, "cva: precision {precision}, recall {recall}");
}

#[test]
fn haze_goes_where_it_is_normalised() {
    let d = tempfile::tempdir().unwrap();
    let median = |more: &[&str]| {
        let mut all = vec!["-o", "n.tif"];
        all.extend(more);
        let s = change(d.path(), &all);
        let mut v: Vec<f32> = floats(&d.path().join("n.tif")).into_iter().filter(|v| *v != -9999.0).collect();
        v.sort_unstable_by(f32::total_cmp);
        (v[v.len() / 2].abs(), s)
    };
    let (plain, _) = median(&[]);
    let (pif, s) = median(&["--normalise", "pif"]);
    assert!(pif < 0.7 * plain, "{plain} {pif}");
    // the haze of the later scene: gain and offset of each band (tests/fixtures/make_rasters.py); the line goes back. The
    // noise of both dates, 20 steps of a spread of some 400, leaves a hundredth
    let haze = [("green", 1.04, 120.0), ("red", 0.97, 80.0), ("nir", 1.02, 40.0), ("swir1", 0.95, -30.0)];
    for (line, (band, gain, offset)) in s["normalisation"].as_array().unwrap().iter().zip(haze) {
        assert_eq!(line["band"], band);
        assert!((line["gain"].as_f64().unwrap() - 1.0 / gain).abs() < 0.01, "{line}");
        // an error of a hundredth in the gain moves the offset by a hundredth of the band's level, some 2000
        assert!((line["offset"].as_f64().unwrap() + offset / gain).abs() < 20.0, "{line}");
    }
    // equal histograms: what the later date has more of in one place it has less of in another
    let (_, s) = median(&["--normalise", "histogram"]);
    assert!(s["statistics"]["mean"].as_f64().unwrap().abs() < 2e-4, "{}", s["statistics"]);
}

#[test]
fn int16_holds_ten_thousandths() {
    let d = tempfile::tempdir().unwrap();
    change(d.path(), &["-o", "f.tif"]);
    change(d.path(), &["-o", "i.tif", "--type", "int16", "--compress", "zstd", "--no-overviews"]);
    common::validate_cog(&d.path().join("f.tif"));
    common::validate_cog(&d.path().join("i.tif"));
    let r = open(&d.path().join("i.tif")).unwrap();
    let Pixels::I16(i) = r.read(&[0], r.info().grid.window()).unwrap().remove(0) else { panic!("not int16") };
    assert_eq!(r.info().bands[0].scale, 1e-4);
    for (f, i) in floats(&d.path().join("f.tif")).iter().zip(i) {
        if *f == -9999.0 {
            assert_eq!(i, -32_768);
        } else {
            assert_eq!(i, (f * 10_000.0).round_ties_even() as i16);
        }
    }
}

#[test]
fn permits_tell_inside_crossing_and_outside() {
    let d = tempfile::tempdir().unwrap();
    // the first loss lies at columns 30–70, rows 20–50; the second at 100–140, 80–110
    let ring = |c0: f64, r0: f64, c1: f64, r1: f64| {
        let p = |c: f64, r: f64| format!("{} {}", 600_000.0 + 10.0 * c, 4_400_040.0 - 10.0 * r);
        format!("POLYGON (({}, {}, {}, {}, {}))", p(c0, r0), p(c1, r0), p(c1, r1), p(c0, r1), p(c0, r0))
    };
    let csv =
        format!("name,wkt\n甲矿,\"{}\"\n乙矿,\"{}\"\n", ring(20.0, 10.0, 80.0, 60.0), ring(100.0, 80.0, 120.0, 110.0));
    std::fs::write(d.path().join("permits.csv"), csv).unwrap();
    let s = change(
        d.path(),
        &[
            "--patches",
            "p.gpkg",
            "--threshold",
            "-0.15,9",
            "--min-area",
            "20000",
            "--permits",
            "permits.csv",
            "--crs",
            "EPSG:32648",
            "--wkt-column",
            "wkt",
        ],
    );
    assert_eq!(s["directions"][0]["patches"], 2);
    assert_eq!(
        (&s["permits"]["inside"], &s["permits"]["crossing"], &s["permits"]["outside"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert!(s["below_minimum"]["components"].as_u64().unwrap() > 0);
}

#[test]
fn pairs_that_do_not_fit_are_refused_in_words() {
    let d = tempfile::tempdir().unwrap();
    let (b, a) = (fixture("before.tif"), fixture("after.tif"));
    let (b, a) = (b.to_str().unwrap(), a.to_str().unwrap());
    let far = d.path().join("far.tif");
    if tool("gdal_translate", &["-q", "-a_ullr", "700000", "4400040", "701600", "4398840", a, far.to_str().unwrap()])
        .is_some()
    {
        let (code, said) = failure(d.path(), &["change", b, far.to_str().unwrap(), "--bands", BANDS, "-o", "x.tif"]);
        assert_eq!(code, 3);
        assert!(said.contains("do not overlap"), "{said}");
    }
    let empty = d.path().join("empty.tif");
    if tool("gdal_translate", &["-q", "-scale", "0", "65535", "0", "0", a, empty.to_str().unwrap()]).is_some() {
        let (code, said) = failure(d.path(), &["change", b, empty.to_str().unwrap(), "--bands", BANDS, "-o", "x.tif"]);
        assert_eq!(code, 3);
        assert!(said.contains("no pixel was seen on both dates") && said.contains("no_data"), "{said}");
    }
    let (code, said) = failure(d.path(), &["change", b, a, "-o", "x.tif"]);
    assert!(code == 2 && said.contains("--bands"), "{said}");
    let (code, said) = failure(d.path(), &["change", b, a, "--bands", "red=2,nir=3", "--index", "bsi", "-o", "x.tif"]);
    assert!(code == 3 && said.contains("no band swir1, blue"), "{said}");
    let (code, _) = failure(d.path(), &["change", b, a, "--bands", BANDS, "-o", "x.tif", "--threshold", "0.2,-0.2"]);
    assert_eq!(code, 2);
    assert!(names(d.path()).iter().all(|n| !n.starts_with('x') && !n.starts_with('.')), "nothing half-written stays");
}

#[test]
fn only_counting_writes_nothing_and_counts_the_same() {
    let (d, t) = (tempfile::tempdir().unwrap(), truth());
    let s = change(d.path(), &["--count-only", "--threshold", "-0.15,0.1", "--class", "a=ndvi>0.25"]);
    assert_eq!((&s["directions"][0]["pixels"], &s["directions"][1]["pixels"]), (&t["loss"], &t["gain"]));
    assert_eq!(s["pixels"]["observed"], t["valid"]);
    assert_eq!(s["classes"][0]["pixels"], t["pairs"]["11"]);
    assert!(names(d.path()).is_empty(), "{:?}", names(d.path()));
    let (code, said) =
        failure(d.path(), &["change", "a.tif", "b.tif", "--bands", BANDS, "--count-only", "-o", "x.tif"]);
    assert!(code == 2 && said.contains("--count-only writes nothing"), "{said}");
}

/// A scene of the sample, copied so that it can be spoilt.
fn sample_scene(to: &Path, name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("data-samples/sample_scenes").join(name);
    let to = to.join(name);
    std::fs::create_dir(&to).unwrap();
    for f in names(&from) {
        std::fs::copy(from.join(&f), to.join(f)).unwrap();
    }
    to
}

#[test]
fn offsets_of_sentinel_2_are_each_products_own_or_the_pair_is_refused() {
    let d = tempfile::tempdir().unwrap();
    let old = sample_scene(d.path(), "S2A_MSIL2A_20210718_SAMPLE.SAFE");
    let new = sample_scene(d.path(), "S2B_MSIL2A_20240722_SAMPLE.SAFE");
    let all = ["change", old.to_str().unwrap(), new.to_str().unwrap(), "--count-only"];
    let o = run(d.path(), &all);
    let said = String::from_utf8_lossy(&o.stderr);
    assert!(o.status.success() && said.contains("different offsets (0 and -1000); each was applied"), "{said}");
    let limits = String::from_utf8_lossy(&o.stdout).into_owned();
    assert!(limits.contains("3456") && limits.contains("2268"), "{limits}");
    // without its metadata nobody knows whether −1000 belongs to the numbers: 0.1 of reflectance
    std::fs::remove_file(new.join("MTD_MSIL2A.xml")).unwrap();
    let (code, said) = failure(d.path(), &all);
    assert_eq!(code, 3);
    assert!(said.contains("the offset of Sentinel-2 numbers is not known for S2B_MSIL2A_20240722_SAMPLE"), "{said}");
    assert!(said.contains("MTD_MSIL*.xml"), "{said}");
}

#[test]
fn a_scene_under_clouds_is_refused_with_counts() {
    use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
    let d = tempfile::tempdir().unwrap();
    let before = sample_scene(d.path(), "LC08_L2SP_129033_20220715_SAMPLE");
    let after = sample_scene(d.path(), "LC08_L2SP_129033_20240720_SAMPLE");
    let qa = after.join("LC08_L2SP_129033_20240720_SAMPLE_QA_PIXEL.TIF");
    let grid = open(&qa).unwrap().info().grid.clone();
    let head = RasterHead {
        grid: grid.clone(),
        bands: vec![BandHead { description: String::new(), scale: 1.0, offset: 0.0 }],
        nodata: None,
        overviews: Overviews::None,
        packing: Packing::Deflate,
        metadata: Vec::new(),
    };
    let mut cog = Cog::<u16>::create(&qa, head.clone()).unwrap();
    cog.put(head.encode(0, grid.window(), &vec![22_280; grid.window().len()])).unwrap();
    cog.finish().unwrap();
    let all = ["change", before.to_str().unwrap(), after.to_str().unwrap(), "-o", "x.tif"];
    let (code, said) = failure(d.path(), &all);
    assert_eq!(code, 3);
    assert!(said.contains("no pixel was seen on both dates (observed 0, cloud 4356)"), "{said}");
    assert!(said.contains("--no-cloud-mask"), "{said}");
    // clouds of a single date alone cover the places that changed
    let o = run(d.path(), &[&all[..3], &["--count-only", "--no-cloud-mask"]].concat());
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
}

#[test]
fn another_grid_is_warped_and_said() {
    let d = tempfile::tempdir().unwrap();
    let (b, a) = (fixture("before.tif"), fixture("after.tif"));
    let other = d.path().join("other.tif");
    if tool("gdalwarp", &["-q", "-t_srs", "EPSG:4524", "-r", "bilinear", a.to_str().unwrap(), other.to_str().unwrap()])
        .is_none()
    {
        return;
    }
    let o = run(
        d.path(),
        &["change", b.to_str().unwrap(), other.to_str().unwrap(), "--bands", BANDS, "-o", "w.tif", "--json"],
    );
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    assert!(s["warnings"].to_string().contains("resampled (Bilinear)"), "{s}");
    let straight = change(d.path(), &["-o", "s.tif"]);
    let n = |j: &Json| j["directions"][0]["pixels"].as_f64().unwrap();
    // bilinear twice: the edges of the losses move by a part of a pixel
    assert!((n(&s) / n(&straight) - 1.0).abs() < 0.1, "{s}");
}

#[test]
fn the_pair_of_the_peers_gives_rasterios_count() {
    // ../shared/peers/gen_raster.py --jobs pair --size 2745 --seed 1, in HESHAN_PAIR: 80 MB, so not made here
    let Some(dir) = std::env::var_os("HESHAN_PAIR").map(PathBuf::from) else {
        println!("skipped: HESHAN_PAIR names no pair of gen_raster.py");
        return;
    };
    let d = tempfile::tempdir().unwrap();
    let (b, a) = (dir.join("before.tif"), dir.join("after.tif"));
    let o =
        run(d.path(), &["change", b.to_str().unwrap(), a.to_str().unwrap(), "--bands", BANDS, "-o", "x.tif", "--json"]);
    let s: Json = serde_json::from_slice(&o.stdout).unwrap();
    assert_eq!(s["directions"][0]["pixels"], 145_442);
}

#[test]
fn scenes_of_one_place_on_real_data() {
    let Some(dir) = shared("data/open/sentinel2_ndvi_series") else { return };
    let d = tempfile::tempdir().unwrap();
    let (b, a) = (dir.join("ndvi_20160625T100617.tif"), dir.join("ndvi_20170620T100453.tif"));
    // an NDVI is no scene: one band cannot make the index
    let (code, said) =
        failure(d.path(), &["change", b.to_str().unwrap(), a.to_str().unwrap(), "--bands", "red=1", "-o", "x.tif"]);
    assert!(code == 3 && said.contains("nir"), "{said}");
}
