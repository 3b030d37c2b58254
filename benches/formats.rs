//! Reading and writing layers, format by format, ours beside GDAL's: `cargo bench --bench formats`.
//!
//! The file is made here (20,000 polygons of 120 vertices, 12 fields); `HESHAN_BENCH_LAYER` names another FlatGeobuf.
//! Seconds are of the processor (user and system, children too), so that a busy machine disturbs little; the runs of
//! all ways are interleaved, and the least of each counts. Linux only: it reads /proc.
//! Writes its table to docs/benchmarks.md too, but not with the option `--dry` (after `--`).
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "page/mod.rs"]
mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use geo::{Geometry, LineString, Polygon};
use heshan::error::Text;
use heshan::model::{Column, Crs, Field, FieldType, Row, Shape, Table, Value};
use heshan::read::vector::{ReadOptions, SourceName, open};
use heshan::write::Staging;
use heshan::write::vector::{WriteOptions, sink};

const RUNS: usize = 3;
const BATCH: usize = 4096;

fn main() {
    // under `cargo test --benches` there is nothing to check
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layer = std::env::var_os("HESHAN_BENCH_LAYER").map_or_else(|| made(dir.path()), PathBuf::from);
    let bin = dir.path().join("layer.bin");
    std::fs::copy(&layer, &bin).unwrap();
    let gpkg = dir.path().join("layer.gpkg");
    let (head, batches) = load(&layer);
    write(&gpkg, &head, &batches);
    let features: usize = batches.iter().map(Vec::len).sum();
    println!("{} features, {:.0} MB", features, std::fs::metadata(&layer).unwrap().len() as f64 / 1e6);

    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let out = |ext: &str| dir.path().join(format!("out.{ext}"));
    let mut ways: Vec<Way> = vec![
        Way::new("read FlatGeobuf, ours", "read FlatGeobuf, GDAL", || read(&layer)),
        Way::new("read FlatGeobuf, GDAL", "read FlatGeobuf, GDAL", || read(&bin)),
        Way::new("read GeoPackage, by ranges of ids", "read FlatGeobuf, GDAL", || read(&gpkg)),
        Way::new("read GeoPackage, one reader", "read FlatGeobuf, GDAL", || one.install(|| read(&gpkg))),
        Way::new("copy FlatGeobuf, ours", "copy FlatGeobuf, ogr2ogr", || copy(&layer, &out("fgb"))),
        Way::new("copy FlatGeobuf, ogr2ogr", "copy FlatGeobuf, ogr2ogr", || ogr2ogr(&layer, &out("ogr.fgb"))),
        Way::new("copy to GeoPackage, ours", "copy to GeoPackage, ogr2ogr", || copy(&layer, &out("gpkg"))),
        Way::new("copy to GeoPackage, ogr2ogr", "copy to GeoPackage, ogr2ogr", || ogr2ogr(&layer, &out("ogr.gpkg"))),
    ];
    for ext in ["geojson", "csv", "xlsx", "gdb"] {
        let (head, batches, path) = (&head, &batches, out(ext));
        let head = if ext == "geojson" { Table { crs: None, ..head.clone() } } else { head.clone() };
        let name = format!("write {ext}, ours");
        ways.push(Way::new(&name, &name, move || {
            write(&path, &head, batches);
            features
        }));
    }
    for _ in 0..RUNS {
        ways.iter_mut().for_each(Way::run);
    }
    println!("{:<32} {:>9} {:>9} {:>9} {:>7}", "", "features", "CPU s", "wall s", "ratio");
    let mut text = format!(
        "`cargo bench --bench formats`, {}, heshan {}, GDAL {}. {}.\n\nPolygons of 120 vertices with 12 fields, {:.0} MB \
         as FlatGeobuf. Least of {RUNS} runs; `ratio`: CPU time of the way beside it over this one's.\n\n\
         | | features | CPU s | wall s | ratio |\n|---|--:|--:|--:|--:|\n",
        page::today(),
        env!("CARGO_PKG_VERSION"),
        gdal::version::VersionInfo::release_name(),
        page::machine(),
        std::fs::metadata(&layer).unwrap().len() as f64 / 1e6
    );
    for w in &ways {
        let base = ways.iter().find(|b| b.name == w.beside).map_or(f64::NAN, |b| b.cpu);
        let ratio = base / w.cpu;
        println!("{:<32} {:>9} {:>9.2} {:>9.2} {ratio:>7.2}", w.name, w.features, w.cpu, w.wall);
        text += &format!("| {} | {} | {:.2} | {:.2} | {ratio:.2} |\n", w.name, w.features, w.cpu, w.wall);
    }
    if !std::env::args().any(|a| a == "--dry") {
        page::put("formats", &text);
    }
}

/// One way to do something, beside another.
struct Way<'a> {
    name: String,
    beside: String,
    what: Box<dyn Fn() -> usize + 'a>,
    cpu: f64,
    wall: f64,
    features: usize,
}

impl<'a> Way<'a> {
    fn new(name: &str, beside: &str, what: impl Fn() -> usize + 'a) -> Self {
        let (cpu, wall) = (f64::INFINITY, f64::INFINITY);
        Self { name: name.into(), beside: beside.into(), what: Box::new(what), cpu, wall, features: 0 }
    }

    fn run(&mut self) {
        let (cpu, wall) = (cpu_seconds(), std::time::Instant::now());
        self.features = (self.what)();
        self.cpu = self.cpu.min(cpu_seconds() - cpu);
        self.wall = self.wall.min(wall.elapsed().as_secs_f64());
    }
}

/// User and system time of this process and of its children that ended.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let ticks = after.split_whitespace().skip(11).take(4).map(|t| t.parse::<f64>().unwrap()).sum::<f64>();
    ticks / 100.0
}

fn source(path: &Path) -> Box<dyn heshan::model::FeatureSource> {
    open(&SourceName { path: path.into(), layer: None }, &ReadOptions::default()).unwrap()
}

fn read(path: &Path) -> usize {
    let mut source = source(path);
    let mut n = 0;
    while let Some(batch) = source.next_batch(BATCH).unwrap() {
        n += batch.len();
    }
    n
}

fn head(source: &dyn heshan::model::FeatureSource) -> Table {
    let title = || Text::new("layer", "图层");
    let columns = source.info().schema.fields.iter().map(|f| Column { field: f.clone(), title: title() });
    Table {
        name: "layer".into(),
        title: title(),
        columns: columns.collect(),
        shape: Shape::MultiPolygon,
        crs: source.info().crs.clone(),
        rows: Vec::new(),
        style: None,
    }
}

fn options() -> WriteOptions {
    WriteOptions { overwrite: true, ..WriteOptions::default() }
}

/// Reads and writes batch by batch, as a job does.
fn copy(from: &Path, to: &Path) -> usize {
    let mut source = source(from);
    let mut staging = Staging::beside(to, true).unwrap();
    let mut sink = sink::open(&mut staging, to, vec![head(source.as_ref())], &options()).unwrap();
    let mut n = 0;
    while let Some(batch) = source.next_batch(BATCH).unwrap() {
        n += batch.len();
        sink.write(0, batch.into_iter().map(|f| (f.geometry, f.values)).collect()).unwrap();
    }
    sink.finish().unwrap();
    staging.commit().unwrap();
    n
}

fn ogr2ogr(from: &Path, to: &Path) -> usize {
    let _ = std::fs::remove_file(to);
    let status = Command::new("ogr2ogr").args(["-q", "-nlt", "PROMOTE_TO_MULTI"]).arg(to).arg(from).status().unwrap();
    assert!(status.success());
    source(to).info().count.map_or(0, |n| n as usize)
}

fn load(path: &Path) -> (Table, Vec<Vec<Row>>) {
    let mut source = source(path);
    let mut batches = Vec::new();
    while let Some(batch) = source.next_batch(BATCH).unwrap() {
        batches.push(batch.into_iter().map(|f| (f.geometry, f.values)).collect());
    }
    (head(source.as_ref()), batches)
}

fn write(path: &Path, head: &Table, batches: &[Vec<Row>]) {
    let mut staging = Staging::beside(path, true).unwrap();
    let mut sink = sink::open(&mut staging, path, vec![head.clone()], &options()).unwrap();
    batches.iter().for_each(|b| sink.write(0, b.clone()).unwrap());
    sink.finish().unwrap();
    staging.commit().unwrap();
}

/// Round patches with a wavy edge, in 3-degree zone 36.
fn made(dir: &Path) -> PathBuf {
    let types = [FieldType::Text, FieldType::Int64, FieldType::Real, FieldType::Bool];
    let field = |i: usize| Column { field: Field::new(format!("f{i}"), types[i % 4]), title: Text::new("f", "f") };
    let title = Text::new("layer", "图层");
    let crs = Some(Crs { definition: "EPSG:4545".into(), code: Some("EPSG:4545".into()), name: String::new() });
    let columns = (0..12).map(field).collect();
    let head =
        Table { name: "layer".into(), title, columns, shape: Shape::MultiPolygon, crs, rows: vec![], style: None };
    let row = |i: usize| {
        let (x, y) = (400_000.0 + (i * 7919 % 20_011) as f64 * 5.0, 4_300_000.0 + (i * 104_729 % 20_023) as f64 * 8.0);
        let at = |k: usize| {
            let a = k as f64 / 119.0 * std::f64::consts::TAU;
            let r = 80.0 + 10.0 * (9.0 * a).sin();
            (x + r * a.cos(), y + r * a.sin())
        };
        let mut ring: Vec<(f64, f64)> = (0..119).map(at).collect();
        ring.push(ring[0]);
        let values = (0..12).map(|j| match j % 4 {
            0 => Value::from("露天采坑"),
            1 => Value::Int((i * j) as i64),
            2 => Value::Real(i as f64 / 7.0),
            _ => Value::Bool(i.is_multiple_of(2)),
        });
        (Some(Geometry::Polygon(Polygon::new(LineString::from(ring), vec![]))), values.collect())
    };
    let batches: Vec<Vec<Row>> =
        (0..20_000).map(row).collect::<Vec<Row>>().chunks(BATCH).map(<[Row]>::to_vec).collect();
    let path = dir.join("layer.fgb");
    write(&path, &head, &batches);
    path
}
