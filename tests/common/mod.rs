//! Small inputs, written by hand, and runs of the program.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

pub mod cluster;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A straight made-up river, 60 km, and `n` square sites beside it, in `dir`: `rivers.geojson`, `sites.geojson`.
pub fn project(dir: &Path, n: usize) {
    let mut line = Vec::new();
    for i in 0..=100 {
        line.push(format!("[{:.6},{:.6}]", 106.5 + 0.001 * f64::from(i % 7), 39.0 + 0.005 * f64::from(i)));
    }
    let river = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"properties\":{{\"name\":\"黄河\",\"class\":\"main\"}},\"geometry\":{{\"type\":\"LineString\",\"coordinates\":[{}]}}}}]}}",
        line.join(",")
    );
    std::fs::write(dir.join("rivers.geojson"), river).unwrap();
    std::fs::write(dir.join("sites.geojson"), sites((0..n).collect())).unwrap();
}

/// Sites numbered as told, in that order.
pub fn sites(numbers: Vec<usize>) -> String {
    let kinds = ["尾矿库", "露天采坑", "排土场", "矸石堆场", "工矿企业"];
    let mut out = String::from("{\"type\":\"FeatureCollection\",\"features\":[\n");
    let last = numbers.len().saturating_sub(1);
    for (k, i) in numbers.into_iter().enumerate() {
        let (x, y) = (106.5 + 0.002 * (i % 37) as f64, 39.01 + 0.47 * ((i * 7919) % 1000) as f64 / 1000.0);
        let (u, v) = (x + 0.004, y + 0.003);
        let _ = write!(
            out,
            "{{\"type\":\"Feature\",\"properties\":{{\"编号\":\"S{i:05}\",\"名称\":\"示例{i}\",\"类型\":\"{}\",\"责任单位\":\"示例{}公司\",\"数\":{}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{x:.6},{y:.6}],[{u:.6},{y:.6}],[{u:.6},{v:.6}],[{x:.6},{v:.6}],[{x:.6},{y:.6}]]]}}}}{}",
            kinds[i % 5],
            i % 3,
            9_007_199_254_740_993_i64 + i as i64,
            if k == last { "\n" } else { ",\n" }
        );
    }
    out + "]}\n"
}

/// The program.
pub fn heshan() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_heshan"));
    c.env_remove("LC_ALL").env("LANG", "C.UTF-8").env("SOURCE_DATE_EPOCH", "1790000000");
    c
}

/// Runs `heshan` in `dir`.
pub fn run(dir: &Path, arguments: &[&str]) -> Output {
    heshan().current_dir(dir).args(arguments).output().unwrap()
}

/// Exit code and what was said on standard error.
pub fn failure(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let o = run(dir, arguments);
    (o.status.code().unwrap_or(-1), String::from_utf8_lossy(&o.stderr).into_owned())
}

/// Names in a folder, hidden ones included, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let mut v: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    v.sort();
    v
}

/// `../shared` of the checkout, or `HESHAN_SHARED`; says so where it is absent.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HESHAN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there (set HESHAN_SHARED to where it is)", path.display());
    None
}

/// What a program of the system says; `None`, said aloud, where it is not installed.
pub fn tool(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(o) => Some(String::from_utf8_lossy(&o.stdout).into_owned() + &String::from_utf8_lossy(&o.stderr)),
        Err(e) => {
            println!("skipped: {program} cannot be run ({e})");
            None
        }
    }
}

/// Writes a raster of one band of pixels of 10 × 10 m from 600000, 4400040 in EPSG:32648; NaN is nodata.
pub fn raster(path: &Path, (width, height): (usize, usize), values: &[f32]) {
    use heshan::model::{Crs, Grid};
    use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
    let crs = Crs { definition: "EPSG:32648".into(), code: Some("EPSG:32648".into()), name: "UTM 48N".into() };
    let transform = [600_000.0, 10.0, 0.0, 4_400_040.0, 0.0, -10.0];
    let head = RasterHead {
        grid: Grid { transform, width, height, crs: Some(crs) },
        bands: vec![BandHead { description: "ndvi".into(), scale: 1.0, offset: 0.0 }],
        nodata: Some(-9999.0),
        overviews: Overviews::None,
        packing: Packing::Deflate,
        metadata: Vec::new(),
    };
    let values: Vec<f32> = values.iter().map(|v| if v.is_nan() { -9999.0 } else { *v }).collect();
    let mut cog = Cog::<f32>::create(path, head.clone()).unwrap();
    cog.put(head.encode(0, head.grid.window(), &values)).unwrap();
    cog.finish().unwrap();
}

/// All bands of a raster, as doubles.
pub fn bands(path: &Path) -> Vec<Vec<f64>> {
    use heshan::model::Pixels;
    let r = heshan::read::raster::open(path).unwrap();
    let all: Vec<usize> = (0..r.info().bands.len()).collect();
    let one = |p: Pixels| match p {
        Pixels::F32(v) => v.into_iter().map(f64::from).collect(),
        other => panic!("{:?}", other.ty()),
    };
    r.read(&all, r.info().grid.window()).unwrap().into_iter().map(one).collect()
}

/// A CSV's rows by its header.
pub fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut r = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = r.headers().unwrap().clone();
    let pair = |(k, v): (&str, &str)| (k.to_owned(), v.to_owned());
    r.records().map(|x| header.iter().zip(x.unwrap().iter()).map(pair).collect()).collect()
}

/// GDAL's own validator of cloud-optimised GeoTIFF, where Python has GDAL.
pub fn validate_cog(path: &Path) {
    for python in ["/usr/bin/python3", "python3"] {
        let module = "osgeo_utils.samples.validate_cloud_optimized_geotiff";
        let Some(said) = tool(python, &["-m", module, path.to_str().unwrap()]) else { continue };
        if said.contains("No module named") {
            println!("skipped: {python} has no osgeo_utils");
            continue;
        }
        assert!(said.contains("is a valid cloud optimized GeoTIFF"), "{said}");
        return;
    }
}
