//! A screening workload with nothing random from run to run: a winding river with tributaries, and sites round it.
//!
//! In EPSG:4545 (CGCS2000, central meridian 108° E), in a frame of 120 km by 160 km round Wuhai. Rivers are
//! sine-generated curves (Langbein & Leopold 1966, USGS Professional Paper 422-H): their direction swings as a sine of
//! the way along them, over three wavelengths, the shortest for the roughness of the banks. Sites are star-shaped
//! polygons of 12 to 400 vertices, 15 % with a hole, 5 % of two parts.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Polygon};
use heshan::error::Text;
use heshan::model::{Column, Crs, Field, FieldType, Row, Shape, Table, Value};
use heshan::write::Staging;
use heshan::write::vector::{WriteOptions, sink};
use rayon::prelude::*;

/// Vertices of the rivers, for any number of sites, so that what grows is the sites alone.
pub const RIVER_VERTICES: usize = 200_000;
/// Changes when the workload does: files of another one are not used.
const EDITION: u32 = 1;
const SEED: u64 = 20_260_101;
const BATCH: usize = 4096;

/// Lower left corner and size of the frame, metres.
const FRAME: [f64; 4] = [340_000.0, 4_300_000.0, 120_000.0, 160_000.0];

/// The files of a workload.
pub struct Files {
    pub rivers: PathBuf,
    pub sites: PathBuf,
}

/// The files for `n` sites, written where they are not there.
pub fn files(folder: &Path, n: usize) -> Files {
    let folder = folder.join(format!("screen-{EDITION}-{n}"));
    std::fs::create_dir_all(&folder).unwrap();
    let f = Files { rivers: folder.join("rivers.fgb"), sites: folder.join("sites.fgb") };
    if !f.rivers.exists() {
        write(&f.rivers, &["name", "class"], Shape::MultiLine, std::iter::once(rivers()));
    }
    if !f.sites.exists() {
        let batches = (0..n).step_by(BATCH).map(|k| (k..n.min(k + BATCH)).into_par_iter().map(site).collect());
        write(&f.sites, &["site_id", "kind"], Shape::MultiPolygon, batches);
    }
    f
}

fn write(path: &Path, fields: &[&str], shape: Shape, batches: impl Iterator<Item = Vec<Row>>) {
    let column = |name: &&str| Column { field: Field::new(*name, FieldType::Text), title: Text::new(*name, *name) };
    let head = Table {
        name: "layer".into(),
        title: Text::new("layer", "图层"),
        columns: fields.iter().map(column).collect(),
        shape,
        crs: Some(Crs { definition: "EPSG:4545".into(), code: Some("EPSG:4545".into()), name: String::new() }),
        rows: Vec::new(),
        style: None,
    };
    let mut staging = Staging::beside(path, true).unwrap();
    let options = WriteOptions { overwrite: true, ..WriteOptions::default() };
    let mut sink = sink::open(&mut staging, path, vec![head], &options).unwrap();
    batches.for_each(|b| sink.write(0, b).unwrap());
    sink.finish().unwrap();
    staging.commit().unwrap();
}

/// Random numbers from a seed and a number: SplitMix64 (Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195).
struct Random(u64);

impl Random {
    fn of(stream: u64, k: usize) -> Self {
        let mut r =
            Self(SEED ^ stream.wrapping_mul(0xd134_2543_de82_ef95) ^ (k as u64).wrapping_mul(0x9e6c_63d0_876a_68ee));
        r.next();
        r
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `lo` up to `hi`.
    fn between(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Normal with mean 0 and deviation 1 (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.between(f64::MIN_POSITIVE, 1.0), self.between(0.0, TAU));
        (-2.0 * u.ln()).sqrt() * v.cos()
    }
}

/// A sine-generated curve of `n` vertices from one point to another; `waves` of its longest swings.
fn winding(r: &mut Random, from: Coord<f64>, to: Coord<f64>, n: usize, waves: f64) -> Vec<Coord<f64>> {
    // swing in radians, and waves on the way
    let swings = [(0.9, waves), (0.45, 3.7 * waves), (0.25, n as f64 / 60.0)];
    let phases = swings.map(|_| r.between(0.0, TAU));
    let mut p = vec![Coord { x: 0.0, y: 0.0 }];
    for k in 1..n {
        let s = k as f64 / n as f64;
        let direction: f64 = swings.iter().zip(phases).map(|((w, f), ph)| w * (TAU * f * s + ph).sin()).sum();
        let last = p[k - 1];
        p.push(Coord { x: last.x + direction.cos(), y: last.y + direction.sin() });
    }
    // turned and stretched so that its ends lie where they should
    let (end, way) = (p[n - 1], to - from);
    let m = end.x * end.x + end.y * end.y;
    let (c, s) = ((way.x * end.x + way.y * end.y) / m, (way.y * end.x - way.x * end.y) / m);
    p.iter().map(|q| from + Coord { x: c * q.x - s * q.y, y: s * q.x + c * q.y }).collect()
}

fn rivers() -> Vec<Row> {
    let [x0, y0, _, height] = FRAME;
    let mut r = Random::of(1, 0);
    let (head, mouth) = (Coord { x: x0 + 55_000.0, y: y0 }, Coord { x: x0 + 70_000.0, y: y0 + height });
    let stem = winding(&mut r, head, mouth, RIVER_VERTICES / 2, 7.0);
    let mut out = vec![river("黄河", "main", stem.clone())];
    for k in 0..12 {
        let end = stem[(2 * k + 1) * stem.len() / 24];
        let side = if k % 2 == 0 { -1.0 } else { 1.0 };
        let start = end + Coord { x: side * r.between(15_000.0, 45_000.0), y: r.between(-10_000.0, 10_000.0) };
        let course = winding(&mut r, start, end, RIVER_VERTICES / 24, 3.0);
        out.push(river(&format!("支流{}", k + 1), "tributary", course));
    }
    out
}

fn river(name: &str, class: &str, course: Vec<Coord<f64>>) -> Row {
    (Some(Geometry::MultiLineString(MultiLineString(vec![LineString(course)]))), vec![name.into(), class.into()])
}

const KINDS: [&str; 5] = ["mine", "tailings_pond", "waste_dump", "gangue_pile", "industrial"];

/// Site `k`, whatever the others are.
fn site(k: usize) -> Row {
    let [x0, y0, width, height] = FRAME;
    let mut r = Random::of(2, k);
    let centre = Coord { x: r.between(x0, x0 + width), y: r.between(y0, y0 + height) };
    let mut parts = vec![star(&mut r, centre)];
    if r.between(0.0, 1.0) < 0.05 {
        // farther than two of the largest stars: the parts never touch
        let side = if r.next().is_multiple_of(2) { -1.0 } else { 1.0 };
        parts.push(star(&mut r, centre + Coord { x: 11_000.0 * side, y: 0.0 }));
    }
    let kind = KINDS[(r.next() % 5) as usize];
    (Some(Geometry::MultiPolygon(MultiPolygon(parts))), vec![Value::Text(format!("S{k:07}")), kind.into()])
}

fn star(r: &mut Random, c: Coord<f64>) -> Polygon<f64> {
    let size = (220f64.ln() + 0.8 * r.normal()).exp().clamp(30.0, 3_000.0);
    let vertices = r.between(12f64.ln(), 401f64.ln()).exp() as usize;
    let lobes = [(2.0, 0.2), (5.0, 0.15), (11.0, 0.08)].map(|(f, a)| (f, a, r.between(0.0, TAU)));
    let radius = |t: f64| size * (1.0 + lobes.iter().map(|(f, a, ph)| a * (f * t + ph).sin()).sum::<f64>());
    let shell = ring(vertices, |t| c + Coord { x: t.cos(), y: t.sin() } * radius(t));
    // the shell is at least 0.57 of its size away from the centre, but for chords of few vertices
    let hole = (r.between(0.0, 1.0) < 0.15).then(|| ring(12, |t| c + Coord { x: t.cos(), y: -t.sin() } * (0.3 * size)));
    Polygon::new(shell, hole.into_iter().collect())
}

fn ring(n: usize, at: impl Fn(f64) -> Coord<f64>) -> LineString<f64> {
    let mut p: Vec<Coord<f64>> = (0..n).map(|k| at(TAU * k as f64 / n as f64)).collect();
    p.push(p[0]);
    LineString(p)
}
