//! Streaming ends: FlatGeobuf and GeoPackage read in parallel, outputs written in batches, judged by GDAL.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test crate")]

mod common;

use std::path::{Path, PathBuf};

use heshan::model::Layer;
use heshan::read::vector::{ReadOptions, SourceName, layer, open};

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
