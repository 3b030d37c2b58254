//! Streaming ends: FlatGeobuf and GeoPackage read in parallel, outputs written in batches, judged by GDAL.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test crate")]

mod common;

use std::path::{Path, PathBuf};

use chrono::{FixedOffset, NaiveDate, TimeZone};
use flatgeobuf::{FallibleStreamingIterator, FgbReader};
use geo::{BoundingRect, Geometry, LineString, MultiPolygon, Polygon};
use heshan::error::Text;
use heshan::model::{Column, Crs, Field, FieldType, Layer, Row, Shape, Table, Value};
use heshan::read::vector::{ReadOptions, SourceName, layer, open};
use heshan::write::Staging;
use heshan::write::vector::{WriteOptions, sink};

fn read(path: &Path) -> Layer {
    layer(&SourceName { path: path.into(), layer: None }, &ReadOptions::default()).unwrap()
}

fn in_batches(path: &Path, max: usize) -> Layer {
    let mut source = open(&SourceName { path: path.into(), layer: None }, &ReadOptions::default()).unwrap();
    let mut features = Vec::new();
    while let Some(batch) = source.next_batch(max).unwrap() {
        assert!(!batch.is_empty() && batch.len() <= max);
        features.extend(batch);
    }
    Layer { info: source.info().clone(), features, skipped: source.skipped().to_vec() }
}

/// The same bytes under a name that is read through GDAL.
fn disguised(fgb: &Path) -> PathBuf {
    let other = fgb.with_extension("bin");
    std::fs::copy(fgb, &other).unwrap();
    other
}

/// A made-up layer with all types, as GeoJSON and CSV rows know them.
fn ogr2ogr(arguments: &[&str]) -> Option<()> {
    common::tool("ogr2ogr", arguments).map(|said| assert!(said.is_empty(), "{said}"))
}

const VRT: &str = r#"<OGRVRTDataSource><OGRVRTLayer name="t"><SrcDataSource relativeToVRT="1">t.csv</SrcDataSource>
<LayerSRS>EPSG:4545</LayerSRS><GeometryType>wkbUnknown</GeometryType><GeometryField encoding="WKT" field="WKT"/>
<Field name="文字" src="s" type="String" width="20"/><Field name="i32" src="i" type="Integer"/>
<Field name="i64" src="l" type="Integer64"/><Field name="real" src="r" type="Real" width="12" precision="3"/>
<Field name="flag" src="b" type="Integer" subtype="Boolean"/><Field name="short" src="k" type="Integer" subtype="Int16"/>
<Field name="float" src="f" type="Real" subtype="Float32"/><Field name="day" src="d" type="Date"/>
<Field name="at" src="t" type="DateTime"/></OGRVRTLayer></OGRVRTDataSource>"#;

/// Shapes of every simple kind; the rest of each row tries types and nulls.
const SHAPES: [&str; 9] = [
    "POINT (500000 4400000)",
    "LINESTRING (500000 4400000,500010.5 4400007.25)",
    "POLYGON ((0 0,10 0,10 10,0 10,0 0))",
    "POLYGON ((0 0,10 0,10 10,0 10,0 0),(2 2,3 2,3 3,2 2),(5 5,6 5,6 6,5 5))",
    "MULTIPOINT (1 1,2 2)",
    "MULTILINESTRING ((0 0,1 1),(2 2,3 3,4 4))",
    "MULTIPOLYGON (((0 0,10 0,10 10,0 0)),((20 20,30 20,30 30,20 20),(22 21,23 21,23 22,22 21)))",
    "GEOMETRYCOLLECTION (POINT (1 1),POLYGON ((0 0,10 0,10 10,0 0)),MULTILINESTRING ((0 0,1 1)))",
    "CURVEPOLYGON (CIRCULARSTRING (0 0,4 4,8 0,4 -4,0 0))",
];

fn made(dir: &Path, kind: &str, arguments: &[&str]) -> Option<PathBuf> {
    let mut csv = String::from("WKT,s,i,l,r,b,k,f,d,t\n");
    for (n, s) in SHAPES.iter().filter(|s| s.starts_with(kind)).cycle().take(9).enumerate() {
        let cells = match n % 3 {
            0 => "乌海“矿”,-5,9007199254740993,0.1,1,-7,1.5,2024-02-29,2024-02-29T23:59:58.250",
            1 => ",,,,,,,,",
            _ => "b,2147483647,-9223372036854775808,1e300,0,32767,0.1,1999-12-31,2001-01-01T00:00:00+08:00",
        };
        csv += &format!("\"{s}\",{cells}\n");
    }
    std::fs::write(dir.join("t.csv"), csv).unwrap();
    std::fs::write(dir.join("t.vrt"), VRT).unwrap();
    let (vrt, fgb) = (dir.join("t.vrt"), dir.join("t.fgb"));
    let _ = std::fs::remove_file(&fgb);
    let mut all = vec!["-q", "-f", "FlatGeobuf", fgb.to_str().unwrap(), vrt.to_str().unwrap()];
    all.extend(arguments);
    ogr2ogr(&all)?;
    Some(fgb)
}

fn agree(fgb: &Path) -> Layer {
    let (ours, gdals) = (read(fgb), read(&disguised(fgb)));
    assert_eq!(ours.features, gdals.features);
    let infos = (ours.info.clone(), heshan::model::LayerInfo { source: fgb.into(), ..gdals.info });
    assert_eq!(infos.0, infos.1);
    let notes = |l: &Layer| l.skipped.iter().map(|s| (s.fid, s.reason.clone(), s.repaired)).collect::<Vec<_>>();
    assert_eq!(ours, in_batches(fgb, 2));
    assert_eq!(notes(&ours), notes(&Layer { info: infos.1, features: Vec::new(), skipped: gdals.skipped }));
    ours
}

#[test]
fn a_flatgeobuf_is_read_as_gdal_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, arguments, code) in [
        ("POINT", vec![], None),
        ("POINT", vec!["-nlt", "POINT"], None),
        ("POLYGON", vec!["-nlt", "POLYGON"], None),
        ("MULTI", vec![], None),
        ("MULTIPOLYGON", vec!["-nlt", "MULTIPOLYGON"], None),
        ("MULTIL", vec!["-nlt", "MULTILINESTRING", "-lco", "SPATIAL_INDEX=NO"], None),
        ("G", vec!["-nlt", "GEOMETRYCOLLECTION"], None),
        ("POLYGON", vec!["-dim", "XYZ", "-nlt", "POLYGON25D"], Some("z_dropped")),
        ("L", vec!["-dim", "XYM", "-lco", "SPATIAL_INDEX=NO"], Some("z_dropped")),
        ("POLYGON", vec!["-a_srs", "EPSG:4490"], None),
        ("POLYGON", vec!["-a_srs", "+proj=tmerc +lon_0=106.5 +ellps=GRS80"], None),
        ("C", vec!["-nlt", "CURVEPOLYGON"], Some("curve_linearised")),
        // curves turn up only when half of the layer is read
        ("", vec!["-lco", "SPATIAL_INDEX=NO"], Some("curve_linearised")),
    ] {
        let Some(fgb) = made(dir.path(), kind, &arguments) else { return };
        let layer = agree(&fgb);
        assert_eq!(layer.features.len(), 9, "{kind} {arguments:?}");
        let codes: Vec<&str> = layer.skipped.iter().map(|s| s.reason.code).collect();
        assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{kind} {arguments:?}");
    }
}

fn table(n: usize, with_nulls: bool) -> Table {
    let types = [
        ("文字", FieldType::Text),
        ("i32", FieldType::Int32),
        ("i64", FieldType::Int64),
        ("real", FieldType::Real),
        ("flag", FieldType::Bool),
        ("day", FieldType::Date),
        ("at", FieldType::DateTime),
        ("bytes", FieldType::Binary),
    ];
    let columns = types.map(|(name, ty)| Column { field: Field::new(name, ty), title: Text::new(name, name) });
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let zone = FixedOffset::east_opt(8 * 3600).unwrap();
    let row = |i: usize| {
        let (x, y) = (430_000.0 + (i * 7919 % 1000) as f64 * 100.0, 4_300_000.0 + (i * 104_729 % 997) as f64 * 100.0);
        let square =
            |x: f64, y: f64, r: f64| LineString::from(vec![(x, y), (x + r, y), (x + r, y + r), (x, y + r), (x, y)]);
        let p = Polygon::new(
            square(x, y, 50.0),
            if i.is_multiple_of(5) { vec![square(x + 5.0, y + 5.0, 1.0)] } else { vec![] },
        );
        let g = if i.is_multiple_of(3) {
            Geometry::MultiPolygon(MultiPolygon(vec![p, Polygon::new(square(x + 60.0, y, 10.0), vec![])]))
        } else {
            Geometry::Polygon(p)
        };
        if i % 4 == 3 {
            let mut v = vec![Value::Null; 8];
            v[2] = Value::Int(i as i64);
            return ((!with_nulls).then_some(g), v);
        }
        let stamp = day.and_hms_milli_opt(23, (i % 60) as u32, 58, 250).unwrap();
        let values = vec![
            Value::Text(format!("乌海“{i}”,\n第二行")),
            Value::Int(i as i64 - 5),
            Value::Int(9_007_199_254_740_993 + i as i64),
            Value::Real(0.1 + i as f64),
            Value::Bool(i.is_multiple_of(2)),
            Value::Date(day),
            Value::DateTimeTz(zone.from_local_datetime(&stamp).unwrap()),
            Value::Binary(vec![0, i as u8, 255]),
        ];
        (Some(g), values)
    };
    Table {
        name: "t".into(),
        title: Text::new("sites", "图斑"),
        columns: columns.to_vec(),
        shape: Shape::MultiPolygon,
        crs: Some(Crs { definition: "EPSG:4545".into(), code: Some("EPSG:4545".into()), name: "c".into() }),
        rows: (0..n).map(row).collect(),
        style: None,
    }
}

fn options() -> WriteOptions {
    let time = chrono::DateTime::from_timestamp(1_790_000_000, 0);
    WriteOptions { overwrite: true, timestamp: time, ..WriteOptions::default() }
}

/// Writes tables through a sink: layers in turn, `batch` rows at a time.
fn stream(path: &Path, tables: &[Table], batch: usize) {
    let mut staging = Staging::beside(path, true).unwrap();
    let mut sink = sink::open(&mut staging, path, tables.iter().map(Table::head).collect(), &options()).unwrap();
    let longest = tables.iter().map(|t| t.rows.len()).max().unwrap_or(0);
    for start in (0..longest).step_by(batch) {
        for (i, t) in tables.iter().enumerate() {
            let rows = &t.rows[start.min(t.rows.len())..(start + batch).min(t.rows.len())];
            sink.write(i, rows.to_vec()).unwrap();
        }
    }
    sink.finish().unwrap();
    staging.commit().unwrap();
}

/// A row as FlatGeobuf gives it back: all polygons are multi, dates are dates at 00:00.
fn as_kept((g, v): &Row) -> (Option<Geometry<f64>>, Vec<Value>) {
    let g = g.clone().map(|g| match g {
        Geometry::Polygon(p) => Geometry::MultiPolygon(MultiPolygon(vec![p])),
        g => g,
    });
    let value = |v: &Value| match v {
        Value::Date(d) => Value::DateTime(d.and_hms_opt(0, 0, 0).unwrap()),
        v => v.clone(),
    };
    (g, v.iter().map(value).collect())
}

#[test]
fn a_flatgeobuf_goes_out_whole_and_gdal_finds_by_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let t = table(1000, false);
    let fgb = dir.path().join("t.fgb");
    stream(&fgb, std::slice::from_ref(&t), 37);
    let layer = agree(&fgb);
    assert_eq!(layer.info.count, Some(1000));
    assert_eq!(layer.info.crs.unwrap().code.as_deref(), Some("EPSG:4545"));
    let key = |v: &[Value]| format!("{:?}", v[2]);
    let mut wanted: Vec<_> = t.rows.iter().map(as_kept).collect();
    let mut got: Vec<_> = layer.features.into_iter().map(|f| (f.geometry, f.values)).collect();
    wanted.sort_by_key(|(_, v)| key(v));
    got.sort_by_key(|(_, v)| key(v));
    assert_eq!(got, wanted);
    // the index, as GDAL and as the crate of the format use it, against the boxes themselves
    let window = [450_000.0, 4_310_000.0, 470_000.0, 4_330_000.0];
    let hits = t.rows.iter().filter(|(g, _)| {
        let r = g.as_ref().unwrap().bounding_rect().unwrap();
        r.min().x <= window[2] && r.max().x >= window[0] && r.min().y <= window[3] && r.max().y >= window[1]
    });
    let hits = hits.count();
    assert!(hits > 10, "{hits}");
    let w = window.map(|v| v.to_string());
    let said = common::tool("ogrinfo", &["-so", fgb.to_str().unwrap(), "t", "-spat", &w[0], &w[1], &w[2], &w[3]]);
    if let Some(said) = said {
        assert!(said.contains(&format!("Feature Count: {hits}\n")), "{hits}: {said}");
        assert!(said.contains("i64: Integer64") && said.contains("flag: Integer(Boolean)"), "{said}");
    }
    let file = std::io::BufReader::new(std::fs::File::open(&fgb).unwrap());
    let mut found = FgbReader::open(file).unwrap().select_bbox(window[0], window[1], window[2], window[3]).unwrap();
    let mut n = 0;
    while found.next().unwrap().is_some() {
        n += 1;
    }
    assert_eq!(n, hits);
}

#[test]
fn features_without_geometry_are_kept_in_order_without_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let mut t = table(50, true);
    t.rows[7].0 = Some(Geometry::MultiPolygon(MultiPolygon(vec![])));
    let fgb = dir.path().join("t.fgb");
    stream(&fgb, std::slice::from_ref(&t), 8);
    let got: Vec<_> = agree(&fgb).features.into_iter().map(|f| (f.geometry, f.values)).collect();
    assert_eq!(got, t.rows.iter().map(as_kept).collect::<Vec<_>>());
    t.rows.clear();
    stream(&fgb, std::slice::from_ref(&t), 8);
    assert_eq!(agree(&fgb).features, []);
}

#[test]
fn the_bytes_do_not_depend_on_batches_and_threads() {
    let dir = tempfile::tempdir().unwrap();
    let mut second = table(90, true);
    second.name = "u".into();
    second.title = Text::new("others", "其他");
    let tables = [table(300, false), second];
    for ext in ["fgb", "gpkg", "geojson", "csv", "xlsx", "shp", "kml"] {
        let tables = tables.clone().map(|t| match ext {
            "geojson" | "kml" => Table { crs: None, ..t },
            _ => t,
        });
        let mut all: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
        for (batch, threads) in [(1000, 2), (7, 1), (64, 3)] {
            let at = dir.path().join(format!("{ext}{batch}"));
            std::fs::create_dir(&at).unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| stream(&at.join(format!("t.{ext}")), &tables, batch));
            let names = common::names(&at);
            all.push(names.into_iter().map(|n| (n.clone(), std::fs::read(at.join(n)).unwrap())).collect());
        }
        assert!(!all[0].is_empty());
        for other in &all[1..] {
            assert!(
                *other == all[0],
                "{ext}: {:?}",
                all.iter().map(|f| f.iter().map(|(n, b)| (n, b.len())).collect::<Vec<_>>()).collect::<Vec<_>>()
            );
        }
    }
}

/// Rows of the spatial index of a layer, and the statements that keep it up to date.
fn index_of(gpkg: &Path, name: &str) -> (Vec<(i64, [f64; 4])>, Vec<String>) {
    let db = rusqlite::Connection::open(gpkg).unwrap();
    let check: String = db.query_row(&format!("SELECT rtreecheck('rtree_{name}_geom')"), [], |r| r.get(0)).unwrap();
    assert_eq!(check, "ok");
    let whole: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let sql = format!("SELECT id, minx, maxx, miny, maxy FROM rtree_{name}_geom ORDER BY id");
    let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?]));
    let rows = db.prepare(&sql).unwrap().query_map([], row).unwrap().map(Result::unwrap).collect();
    let sql = format!("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{name}' ORDER BY name");
    let triggers = db.prepare(&sql).unwrap().query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    (rows, triggers)
}

/// A layer of more rows than a batch: its index is packed in one go, and is that of GDAL.
#[test]
fn a_large_geopackage_has_the_index_that_gdal_makes() {
    let dir = tempfile::tempdir().unwrap();
    let small = table(300, false);
    let point = |i: usize| {
        let (x, y) = (106.0 + (i * 7919 % 9973) as f64 * 1e-4, 39.0 - (i * 104_729 % 9967) as f64 * 1e-4);
        let g = (i % 1000 != 7).then_some(Geometry::Point(geo::Point::new(x, y)));
        (g, vec![Value::Int(i as i64), Value::Text(format!("火点 {i}"))])
    };
    let column = |n: &str, ty| Column { field: Field::new(n, ty), title: Text::new(n, n) };
    let large = Table {
        name: "p".into(),
        title: Text::new("points", "点"),
        columns: vec![column("n", FieldType::Int64), column("文字", FieldType::Text)],
        shape: Shape::Point,
        crs: Some(Crs { definition: "EPSG:4490".into(), code: Some("EPSG:4490".into()), name: "c".into() }),
        rows: (0..110_007).map(point).collect(),
        ..small.clone()
    };
    let (first, later, ordered) = (dir.path().join("a.gpkg"), dir.path().join("b.gpkg"), dir.path().join("c.gpkg"));
    stream(&first, &[large.clone(), small.clone()], 5000);
    let tables = [small, large];
    stream(&later, &tables, 5000);
    let mut staging = Staging::beside(&ordered, true).unwrap();
    let heads = tables.iter().map(Table::head).collect();
    let mut sink = sink::open_in_order(&mut staging, &ordered, heads, &options()).unwrap();
    for (k, t) in tables.iter().enumerate() {
        t.rows.chunks(4096).for_each(|c| sink.write(k, c.to_vec()).unwrap());
    }
    sink.finish().unwrap();
    staging.commit().unwrap();
    // layers in their order go out without waiting on disk, and are the same file
    assert!(std::fs::read(&later).unwrap() == std::fs::read(&ordered).unwrap());
    let (rows, triggers) = index_of(&ordered, "p");
    assert_eq!(rows.len(), 110_007 - 110);
    assert_eq!(rows, index_of(&first, "p").0);
    // a small layer's index is GDAL's own, and so is what keeps it up to date
    let (_, of_small) = index_of(&ordered, "t");
    let like = |t: &[String], n: &str| {
        t.iter().map(|s| s.replace(&format!("\"{n}\""), "")).map(|s| s.len()).collect::<Vec<_>>()
    };
    assert_eq!(like(&triggers, "p"), like(&of_small, "t"));
    let copy = dir.path().join("gdal.gpkg");
    let arguments = ["-q", "-f", "GPKG", copy.to_str().unwrap(), ordered.to_str().unwrap(), "p"];
    if ogr2ogr(&arguments).is_some() {
        assert!(rows == index_of(&copy, "p").0);
    }
}

#[test]
fn a_broken_flatgeobuf_is_refused_and_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let fgb = dir.path().join("t.fgb");
    stream(&fgb, &[table(40, false)], 64);
    let whole = std::fs::read(&fgb).unwrap();
    let try_read = |bytes: &[u8]| {
        std::fs::write(&fgb, bytes).unwrap();
        layer(&SourceName { path: fgb.clone(), layer: None }, &ReadOptions::default())
    };
    // cut anywhere, it is refused, and the feature is named once the header is behind
    for part in 1..20 {
        let e = try_read(&whole[..whole.len() * part / 20]).unwrap_err();
        assert_eq!(e.kind.exit_code(), 3);
        assert_eq!(e.place.file.as_deref(), Some(fgb.as_path()));
        if part > 15 {
            assert!(e.place.feature.is_some(), "{e}");
        }
    }
    // a size that lies
    let mut lying = whole.clone();
    let last = whole.len() - 8;
    lying[last..].fill(0xff);
    let _ = try_read(&lying);
    // bits flipped by a fixed rule: an answer or an error, no panic, and never more features than there are
    let mut seed = 1_u64;
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << ((seed >> 20) % 8);
        }
        match try_read(&bytes) {
            Ok(l) => assert!(l.features.len() <= 40),
            Err(e) => {
                refused += 1;
                assert_eq!(e.kind.exit_code(), 3);
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

/// A GeoPackage of triangles with Z, whose ids have gaps; made by GDAL's SQL so that another hand wrote it.
fn with_gaps(dir: &Path) -> Option<PathBuf> {
    let mut csv = String::from("WKT,n\n");
    for n in 0..20_000 {
        csv += &format!("\"POLYGON Z (({n} 0 1,{} 0 1,{n} 1 1,{n} 0 1))\",{n}\n", n + 1);
    }
    std::fs::write(dir.join("g.csv"), csv).unwrap();
    let (from, to) = (dir.join("g.csv"), dir.join("g.gpkg"));
    ogr2ogr(&["-q", "-a_srs", "EPSG:4545", "-oo", "AUTODETECT_TYPE=YES", "-nln", "g", to.to_str()?, from.to_str()?])?;
    // every seventh is gone, and one stands far off
    for sql in ["DELETE FROM g WHERE n % 7 = 3", "UPDATE g SET fid = 60000 WHERE n = 5000"] {
        common::tool("ogrinfo", &["-q", to.to_str()?, "-sql", sql])?;
    }
    Some(to)
}

#[test]
fn geopackage_by_ranges_gives_what_one_reader_gives() {
    let dir = tempfile::tempdir().unwrap();
    let Some(gpkg) = with_gaps(dir.path()) else { return };
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = pool(1).install(|| in_batches(&gpkg, 4096));
    // by hand: 20,000 less those of remainder 3 (2857); the moved one comes last
    assert_eq!(one.features.len(), 17_143);
    assert_eq!(one.features.last().map(|f| f.fid), Some(60_000));
    for (threads, max) in [(2, 4096), (3, 1000), (5, 100_000)] {
        let many = pool(threads).install(|| in_batches(&gpkg, max));
        assert_eq!(many.features.len(), one.features.len());
        for (a, b) in many.features.iter().zip(&one.features) {
            assert_eq!((a.fid, &a.values, &a.geometry), (b.fid, &b.values, &b.geometry));
        }
        let said = |l: &Layer| l.skipped.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>();
        assert_eq!(said(&many), said(&one));
        assert!(said(&many)[0].contains("17143 feature(s)"), "{:?}", said(&many));
    }
}

#[test]
fn a_damaged_geopackage_is_refused_by_every_number_of_readers() {
    let dir = tempfile::tempdir().unwrap();
    let Some(gpkg) = with_gaps(dir.path()) else { return };
    let mut bytes = std::fs::read(&gpkg).unwrap();
    // pages in the middle of the file overwritten: the table's rows
    let (from, to) = (bytes.len() / 2, bytes.len() / 2 + 8 * 4096);
    bytes[from..to].fill(0xA5);
    std::fs::write(&gpkg, bytes).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let read = pool.install(|| layer(&SourceName { path: gpkg.clone(), layer: None }, &ReadOptions::default()));
        let error = read.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("g.gpkg"), "{threads} readers: {error:?}");
    }
}

#[test]
fn a_reader_that_is_dropped_early_stops_its_threads() {
    let dir = tempfile::tempdir().unwrap();
    let Some(gpkg) = with_gaps(dir.path()) else { return };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let dropped = || {
        let name = SourceName { path: gpkg.clone(), layer: None };
        let mut source = open(&name, &ReadOptions::default()).unwrap();
        // what follows joins the threads: a hang here is the failure
        source.next_batch(10).unwrap().map(|b| b.len())
    };
    assert_eq!(pool.install(dropped), Some(10));
}
