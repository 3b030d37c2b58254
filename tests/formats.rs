//! Every format: written by GDAL and read by heshan, written by heshan and read by GDAL. What counts is what `ogrinfo`
//! says of both sides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::cluster::Cluster;
use common::{project, run, tool};
use serde_json::Value as Json;

/// Two features with every type of attribute; `A2` has nulls. The large integers are beyond 2^53.
const ROWS: &str = "WKT,编号,名称,数,大数,面积,日期,时刻,是否,空
\"POLYGON ((106.5 39.1,106.51 39.1,106.51 39.11,106.5 39.11,106.5 39.1))\",A1,乌海示例,7,9007199254740993,1.25,2024-02-29,2024-02-29T12:34:56.789+08:00,1,
\"POLYGON ((106.6 39.1,106.61 39.1,106.61 39.11,106.6 39.11,106.6 39.1))\",A2,鄂尔多斯,-3,-9223372036854775807,-0.1,1999-12-31,2000-01-01T00:00:00Z,0,
";
const TYPES: &str = "<OGRVRTDataSource><OGRVRTLayer name=\"rich\"><SrcDataSource>rich.csv</SrcDataSource>
<GeometryType>wkbPolygon</GeometryType><LayerSRS>EPSG:4490</LayerSRS><GeometryField encoding=\"WKT\" field=\"WKT\"/>
<Field name=\"编号\" type=\"String\"/><Field name=\"名称\" type=\"String\"/><Field name=\"数\" type=\"Integer\"/>
<Field name=\"大数\" type=\"Integer64\"/><Field name=\"面积\" type=\"Real\"/><Field name=\"日期\" type=\"Date\"/>
<Field name=\"时刻\" type=\"DateTime\"/><Field name=\"是否\" type=\"Integer\" subtype=\"Boolean\"/>
<Field name=\"空\" type=\"String\"/></OGRVRTLayer></OGRVRTDataSource>";

fn gdal(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let o = Command::new(program).current_dir(dir).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&o.stderr).into_owned();
    assert!(o.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&o.stdout).into_owned()
}

/// A folder with `rich.gpkg`, made by GDAL: the rows above and a field of bytes.
fn folder() -> tempfile::TempDir {
    let d = tempfile::tempdir().unwrap();
    std::fs::write(d.path().join("rich.csv"), ROWS).unwrap();
    std::fs::write(d.path().join("rich.vrt"), TYPES).unwrap();
    gdal(d.path(), "ogr2ogr", &["typed.gpkg", "rich.vrt"]);
    let sql = "SELECT *, CASE 编号 WHEN 'A1' THEN x'00FF10' END AS 字节, NULLIF(名称, '鄂尔多斯') AS 半空 FROM rich";
    gdal(d.path(), "ogr2ogr", &["rich.gpkg", "typed.gpkg", "-dialect", "sqlite", "-sql", sql, "-nln", "rich"]);
    d
}

/// What `ogrinfo` says of each feature, by 编号: field name to `(Type) = value`.
fn features(dir: &Path, source: &str, more: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = gdal(dir, "ogrinfo", &[&["-ro", "-al", "-q", "-geom=NO", source], more].concat());
    let mut out = BTreeMap::new();
    for block in text.split("OGRFeature(").skip(1) {
        let fields: BTreeMap<String, String> = block
            .lines()
            .skip(1)
            .filter_map(|l| l.trim_start().split_once(" ("))
            .map(|(name, rest)| (name.to_owned(), format!("({rest}")))
            .collect();
        let id = fields["编号"].rsplit(" = ").next().unwrap().to_owned();
        assert!(out.insert(id, fields).is_none());
    }
    out
}

fn said(o: &std::process::Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// The layers that `heshan check --json` finds, whatever it thinks of them.
fn checked(dir: &Path, arguments: &[&str]) -> Vec<Json> {
    let o = run(dir, &[&["check", "--json"], arguments].concat());
    assert!(o.status.code().is_some_and(|c| c < 2), "{}", said(&o));
    serde_json::from_slice::<Json>(&o.stdout).unwrap()["layers"].as_array().unwrap().clone()
}

fn reasons(layer: &Json) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for f in layer["faults"].as_array().unwrap() {
        *out.entry(f["reason"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    out
}

fn fault_text(layer: &Json, reason: &str) -> String {
    let faults = layer["faults"].as_array().unwrap();
    faults.iter().find(|f| f["reason"] == reason).map(|f| f["text"].as_str().unwrap().to_owned()).unwrap_or_default()
}

/// Reads `source` and writes it as GeoPackage, whose types hold everything.
fn through(dir: &Path, source: &str, more: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    let o = run(dir, &[&["check", source, "--repair", "back.gpkg", "--overwrite"], more].concat());
    assert_eq!(o.status.code(), Some(0), "{source}: {}", said(&o));
    features(dir, "back.gpkg", &[])
}

/// Other tools' files: heshan hands on what `ogrinfo` sees in them, value for value and type for type.
#[test]
fn what_gdal_wrote_is_read() {
    let d = folder();
    let cases: [(&str, &str, &[&str], &[&str]); 9] = [
        ("a.gpkg", "GPKG", &[], &[]),
        ("a.fgb", "FlatGeobuf", &[], &[]),
        (
            "utf8.shp",
            "ESRI Shapefile",
            &["-lco", "ENCODING=UTF-8", "-mapFieldType", "DateTime=String,Binary=String"],
            &[],
        ),
        (
            "gbk.shp",
            "ESRI Shapefile",
            &["-lco", "ENCODING=CP936", "-mapFieldType", "DateTime=String,Binary=String"],
            &[],
        ),
        ("a.geojson", "GeoJSON", &[], &[]),
        ("seq.geojsonl", "GeoJSONSeq", &[], &[]),
        ("a.gdb", "OpenFileGDB", &["-f", "OpenFileGDB"], &[]),
        ("a.kml", "LIBKML", &["-f", "LIBKML", "-mapFieldType", "DateTime=String,Date=String,Binary=String"], &[]),
        (
            "a.csv",
            "CSV",
            &["-lco", "GEOMETRY=AS_WKT", "-lco", "STRING_QUOTING=IF_NEEDED"],
            &["-oo", "AUTODETECT_TYPE=YES"],
        ),
    ];
    for (file, format, make, look) in cases {
        gdal(d.path(), "ogr2ogr", &[&[file, "rich.gpkg"], make].concat());
        let crs: &[&str] = if format == "CSV" { &["--crs", "EPSG:4490"] } else { &[] };
        let layers = checked(d.path(), &[&[file], crs].concat());
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0]["format"], format);
        assert_eq!(layers[0]["features"], 2, "{file}");
        let polygons = ["polygon", "multipolygon"].iter().filter_map(|t| layers[0]["types"][t].as_u64()).sum::<u64>();
        assert_eq!(polygons, 2, "{file}");
        let code = if ["a.kml", "a.geojson", "seq.geojsonl"].contains(&file) {
            ["EPSG:4326", "EPSG:4490"]
        } else {
            ["EPSG:4490"; 2]
        };
        assert!(code.iter().any(|c| layers[0]["crs"]["code"] == *c), "{file}: {}", layers[0]["crs"]);
        let (theirs, ours) = (features(d.path(), file, look), through(d.path(), file, crs));
        for (id, fields) in &theirs {
            for (name, value) in fields.iter().filter(|(n, v)| *n != "WKT" && !v.ends_with("(null)")) {
                let mine = ours[id].get(name).map(String::as_str);
                // bytes and yes/no that GDAL itself takes for text or whole numbers of another width
                let same = mine.is_some_and(|m| {
                    same_number(m, value) || m.replace("Integer64", "Integer") == value.replace("Integer64", "Integer")
                });
                // CSV tells neither yes/no from 1/0 nor empty text from nothing
                let csv_bool = file == "a.csv" && (name == "是否" || value.ends_with("= "));
                assert!(same || csv_bool, "{file} {id} {name}: {value} became {mine:?}");
            }
        }
    }
}

/// heshan's files: each value is what it was, or a note names its field. Nothing changes in silence.
#[test]
fn what_heshan_writes_gdal_reads() {
    let d = folder();
    let source = features(d.path(), "rich.gpkg", &[]);
    assert_eq!(source["A1"]["大数"], "(Integer64) = 9007199254740993");
    assert_eq!(source["A1"]["字节"], "(Binary) = 00FF10");
    for ext in ["gpkg", "fgb", "gdb", "shp", "kml", "geojson", "csv"] {
        let out = format!("o.{ext}");
        let o = run(d.path(), &["check", "rich.gpkg", "--repair", &out]);
        assert_eq!(o.status.code(), Some(0), "{}", said(&o));
        let notes = said(&o);
        let look: &[&str] = if ext == "csv" { &["-oo", "AUTODETECT_TYPE=YES"] } else { &[] };
        let written = features(d.path(), &out, look);
        assert_eq!(written.len(), 2, "{ext}");
        for (id, fields) in &source {
            for (name, value) in fields {
                let found = written[id].get(name);
                let text = |s: &str| s.split_once(" = ").map(|(_, v)| v.to_owned()).unwrap_or_default();
                // formats of text have no types to lose; null is an absent or empty value in them
                let is_text = ["csv", "geojson", "kml"].contains(&ext);
                let null =
                    value.ends_with("(null)") && found.is_none_or(|f| f.ends_with("(null)") || f.ends_with("= "));
                let empty = value.ends_with("= ") && found.is_none_or(|f| f.ends_with("= ") || f.ends_with("(null)"));
                let same = found.is_some_and(|f| f == value || same_number(f, value)) || null || empty;
                let plain = is_text && found.is_some_and(|f| same_text(&text(f), &text(value)));
                let noted = notes.contains(&format!("field {name}:"));
                assert!(same || plain || noted, "{ext} {id} {name}: {value} became {found:?}; notes: {notes}");
                if noted && name == "大数" {
                    assert_eq!(text(found.unwrap()), text(value), "{ext}: digits are lost");
                }
            }
        }
    }
    // what the notes of some formats must say
    let shp = features(d.path(), "o.shp", &[]);
    assert_eq!(shp["A2"]["大数"], "(String) = -9223372036854775807");
    assert_eq!(shp["A1"]["字节"], "(String) = 00FF10");
    assert_eq!(shp["A1"]["时刻"], "(String) = 2024-02-29T12:34:56.789+08:00");
    let gdb = features(d.path(), "o.gdb", &[]);
    assert_eq!(gdb["A1"]["大数"], "(String) = 9007199254740993");
    assert_eq!(gdb["A1"]["时刻"], "(DateTime) = 2024/02/29 04:34:57+00");
    assert_eq!(features(d.path(), "o.kml", &[])["A1"]["日期"], "(String) = 2024-02-29");
    // and heshan's own reading of what it wrote
    for ext in ["gpkg", "fgb", "geojson", "csv"] {
        let back = through(d.path(), &format!("o.{ext}"), if ext == "csv" { &["--crs", "EPSG:4490"] } else { &[] });
        for name in ["名称", "大数", "时刻", "是否"] {
            assert_eq!(back["A1"][name], source["A1"][name], "{ext}");
        }
    }
}

/// The same double: `ogrinfo` shows fewer digits where a field has no width.
fn same_number(a: &str, b: &str) -> bool {
    let real = |s: &str| s.strip_prefix("(Real) = ").and_then(|v| v.parse::<f64>().ok());
    real(a).zip(real(b)).is_some_and(|(a, b)| (a - b).abs() <= 1e-14 * b.abs())
}

/// The same value as text formats write it: `true` for 1, ISO dates for GDAL's.
fn same_text(found: &str, value: &str) -> bool {
    let plain = |s: &str| {
        s.replace(['/', '-', 'T', ' ', ':'], "")
            .replace("+0800", "+08")
            .replace(['Z'], "+00")
            .replace("true", "1")
            .replace("false", "0")
    };
    let trim = |s: String| s.trim_end_matches("+0000").trim_end_matches("+00").to_owned();
    trim(plain(found)) == trim(plain(value))
}

#[test]
fn the_encoding_of_a_shapefile_is_found() {
    let d = folder();
    let at = |f: &str| d.path().join(f);
    let names = |arguments: &[&str]| {
        let l = checked(d.path(), arguments).remove(0);
        let fields: Vec<String> =
            l["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect();
        (l["encoding"].as_str().unwrap().to_owned(), fields[0].clone(), reasons(&l))
    };
    let make = |encoding: &str| {
        let option = format!("ENCODING={encoding}");
        let skip = ["-select", "编号,名称", "-overwrite"];
        gdal(d.path(), "ogr2ogr", &[&["e.shp", "rich.gpkg", "-lco", &option], &skip[..]].concat());
    };
    make("CP936");
    let dbf = std::fs::read(at("e.dbf")).unwrap();
    assert!(dbf.windows(4).any(|w| w == [0xCE, 0xDA, 0xBA, 0xA3]), "乌海 is not GBK in the file");
    let quiet = BTreeMap::new();
    assert_eq!(names(&["e.shp"]), ("CP936".into(), "编号".into(), quiet.clone()));
    // without .cpg, with its name in another case, with other names of the same page
    std::fs::remove_file(at("e.cpg")).unwrap();
    assert_eq!(names(&["e.shp"]), ("CP936".into(), "编号".into(), quiet.clone()));
    for (file, text) in [("e.CPG", "GBK"), ("e.Cpg", "936"), ("e.cpg", "GB2312\r\n")] {
        std::fs::write(at(file), text).unwrap();
        assert_eq!(names(&["e.shp"]), (text.trim().into(), "编号".into(), quiet.clone()));
        std::fs::remove_file(at(file)).unwrap();
    }
    // a .cpg that lies is said to
    for text in ["UTF-8", "ANSI"] {
        std::fs::write(at("e.cpg"), text).unwrap();
        let (encoding, name, found) = names(&["e.shp"]);
        assert_eq!((encoding.as_str(), name.as_str()), ("CP936", "编号"));
        assert_eq!(found.get("encoding_found"), Some(&1));
    }
    assert_eq!(through(d.path(), "e.shp", &[])["A1"]["名称"], "(String) = 乌海示例");
    // UTF-8 without .cpg
    make("UTF-8");
    std::fs::remove_file(at("e.cpg")).unwrap();
    assert_eq!(names(&["e.shp"]), ("UTF-8".into(), "编号".into(), quiet.clone()));
    // told wrongly, bytes that are no characters are counted, not swallowed
    make("CP936");
    let (_, _, found) = names(&["e.shp", "--encoding", "UTF-8"]);
    assert_eq!(found.get("text_undecodable"), Some(&1));
    // characters of four bytes are GB 18030's alone
    std::fs::write(
        at("u.csv"),
        "编号,名称,wkt\nA1,𠮷矿,\"POLYGON ((106.5 39.1,106.51 39.1,106.51 39.11,106.5 39.1))\"\n",
    )
    .unwrap();
    gdal(
        d.path(),
        "ogr2ogr",
        &[
            "u.shp",
            "u.csv",
            "-lco",
            "ENCODING=GB18030",
            "-a_srs",
            "EPSG:4490",
            "-oo",
            "GEOM_POSSIBLE_NAMES=wkt",
            "-select",
            "编号,名称",
        ],
    );
    std::fs::remove_file(at("u.cpg")).unwrap();
    assert_eq!(names(&["u.shp"]).0, "GB18030");
    assert_eq!(through(d.path(), "u.shp", &[])["A1"]["名称"], "(String) = 𠮷矿");
}

#[test]
fn a_shapefile_says_what_it_cannot_hold() {
    let d = tempfile::tempdir().unwrap();
    let long = "矿".repeat(200);
    let csv = format!(
        "编号,a_rather_long_name_1,a_rather_long_name_2,名称,长,wkt\nA1,1,0.1,乌海🏔,{long},\"POLYGON ((106.5 39.1,106.51 39.1,106.51 39.11,106.5 39.1))\"\nA2,2,0.30000000000000004,乌海,短,\"POLYGON ((106.6 39.1,106.61 39.1,106.61 39.11,106.6 39.1))\"\n"
    );
    std::fs::write(d.path().join("s.csv"), csv).unwrap();
    let o = run(d.path(), &["check", "s.csv", "--crs", "EPSG:4490", "--repair", "gbk.shp", "--out-encoding", "GBK"]);
    assert_eq!(o.status.code(), Some(0), "{}", said(&o));
    let notes = said(&o);
    assert!(notes.contains("a_rather_long_name_1 is named a_rather_l in the file"), "{notes}");
    assert!(notes.contains("a_rather_long_name_2 is named a_rather_1 in the file"), "{notes}");
    assert!(notes.contains("1 value(s) of 名称 hold characters that the encoding lacks"), "{notes}");
    assert!(notes.contains("1 value(s) of 长 are longer"), "{notes}");
    let gbk = features(d.path(), "gbk.shp", &[]);
    assert_eq!(gbk["A1"]["名称"], "(String) = 乌海?");
    assert_eq!(gbk["A1"]["长"], format!("(String) = {}", "矿".repeat(127)));
    assert!(gbk["A2"]["a_rather_1"].starts_with("(Real) = 0.30000000000000"), "{}", gbk["A2"]["a_rather_1"]);
    assert!(std::fs::read(d.path().join("gbk.dbf")).unwrap().windows(4).any(|w| w == [0xCE, 0xDA, 0xBA, 0xA3]));
    // UTF-8: three bytes a character, cut between characters
    let o = run(d.path(), &["check", "s.csv", "--crs", "EPSG:4490", "--repair", "utf8.shp"]);
    assert!(!said(&o).contains("lacks"), "{}", said(&o));
    let utf8 = features(d.path(), "utf8.shp", &[]);
    assert_eq!(utf8["A1"]["名称"], "(String) = 乌海🏔");
    assert_eq!(utf8["A1"]["长"], format!("(String) = {}", "矿".repeat(84)));
    assert_eq!(std::fs::read_to_string(d.path().join("utf8.cpg")).unwrap(), "UTF-8");
}

/// Curves, heights, empty, null, mixed: used or set aside, and counted.
const ODD: &str = "WKT,编号
\"CURVEPOLYGON (CIRCULARSTRING (106.5 39.1,106.51 39.11,106.52 39.1,106.51 39.09,106.5 39.1))\",1
\"POLYGON Z ((106.6 39.1 5,106.61 39.1 6,106.61 39.11 7,106.6 39.1 5))\",2
\"POLYGON ZM ((106.6 39.1 5 1,106.61 39.1 6 1,106.61 39.11 7 1,106.6 39.1 5 1))\",3
\"MULTISURFACE (CURVEPOLYGON (COMPOUNDCURVE (CIRCULARSTRING (106.7 39.1,106.71 39.11,106.72 39.1),(106.72 39.1,106.7 39.1))))\",4
\"POLYGON EMPTY\",5
,6
\"GEOMETRYCOLLECTION (POINT (106.5 39.1),POLYGON ((106.8 39.1,106.81 39.1,106.81 39.11,106.8 39.1)))\",7
\"POINT (106.5 39.2)\",8
\"LINESTRING M (106.5 39.1 1,106.6 39.2 2)\",9
";

#[test]
fn odd_geometries_are_counted() {
    let d = tempfile::tempdir().unwrap();
    project(d.path(), 3);
    std::fs::write(d.path().join("odd.csv"), ODD).unwrap();
    let make =
        ["-oo", "GEOM_POSSIBLE_NAMES=WKT", "-oo", "KEEP_GEOM_COLUMNS=NO", "-a_srs", "EPSG:4490", "-nlt", "GEOMETRY"];
    gdal(d.path(), "ogr2ogr", &[&["odd.gpkg", "odd.csv"], &make[..]].concat());
    for (file, nothing) in [("odd.gpkg", ["null", "null"]), ("odd.csv", ["null", "empty"])] {
        let l = checked(d.path(), &[file, "--crs", "EPSG:4490"]).remove(0);
        assert_eq!(l["features"], 9);
        let mut types = BTreeMap::from([
            ("polygon", 3),
            ("multipolygon", 1),
            ("geometrycollection", 1),
            ("point", 1),
            ("linestring", 1),
        ]);
        for n in nothing {
            *types.entry(n).or_insert(0) += 1;
        }
        assert_eq!(l["types"], serde_json::to_value(types).unwrap(), "{file}");
        assert!(fault_text(&l, "z_dropped").contains("3 feature(s)"), "{file}: {l}");
        assert!(fault_text(&l, "curve_linearised").contains("2 feature(s)"), "{file}: {l}");
        // the lowest point of the circle of 0.01° round 106.51, 39.1, to the sagitta of a 4° step
        let bottom = l["bounds"][1].as_f64().unwrap();
        assert!((bottom - 39.09).abs() < 0.01 * (1.0 - 2.0_f64.to_radians().cos()) * 1.01, "{bottom}");
        let o = run(
            d.path(),
            &[
                "screen",
                "--rivers",
                "rivers.geojson",
                "--sites",
                file,
                "--crs",
                "EPSG:4490",
                "--field",
                "site_id=编号",
                "-o",
                "odd_out.gpkg",
                "--overwrite",
                "--json",
            ],
        );
        assert_eq!(o.status.code(), Some(1), "{}", said(&o));
        let j: Json = serde_json::from_slice(&o.stdout).unwrap();
        assert_eq!((&j["sites"], &j["skipped"]), (&5.into(), &4.into()), "{file}: {j}");
        let listed = gdal(d.path(), "ogrinfo", &["-ro", "-al", "-q", "odd_out.gpkg", "skipped"]);
        for (code, n) in [
            ("= null_geometry", 1),
            ("= not_polygon", 2),
            ("= mixed_geometry", 1),
            ("= z_dropped", 1),
            ("= curve_linearised", 1),
        ] {
            let n = if code == "= null_geometry" && file == "odd.gpkg" { 2 } else { n };
            assert_eq!(listed.matches(code).count(), n, "{code}: {listed}");
        }
    }
}

#[test]
fn geojson_by_hand() {
    let d = tempfile::tempdir().unwrap();
    let ring = "[[106.5,39.1,1],[106.51,39.1,1],[106.51,39.11,1],[106.5,39.1,1]]";
    let open = "[[106.6,39.1],[106.61,39.1],[106.61,39.11]]";
    let text = format!(
        "\u{feff}{{\"type\":\"FeatureCollection\",\"name\":\"图斑\",\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"urn:ogc:def:crs:EPSG::4490\"}}}},\"features\":[
{{\"type\":\"Feature\",\"id\":\"甲\",\"properties\":{{\"编号\":\"A1\",\"n\":18446744073709551615,\"x\":1,\"o\":{{\"a\":[1,2]}},\"t\":\"2024-02-29T08:00:00\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}}},
{{\"type\":\"Feature\",\"id\":7,\"properties\":{{\"编号\":\"A2\",\"x\":0.5}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[{open}]}}}},
{{\"type\":\"Feature\",\"properties\":{{\"编号\":\"A3\"}},\"geometry\":null}}]}}"
    );
    std::fs::write(d.path().join("g.geojson"), text).unwrap();
    let l = checked(d.path(), &["g.geojson"]).remove(0);
    assert_eq!((&l["layer"], &l["crs"]["code"]), (&"图斑".into(), &"EPSG:4490".into()));
    assert_eq!(
        reasons(&l),
        BTreeMap::from([("null_geometry".into(), 1), ("ring_closed".into(), 1), ("z_dropped".into(), 1)])
    );
    let o = run(d.path(), &["check", "g.geojson", "--repair", "back.gpkg"]);
    assert_eq!(o.status.code(), Some(1), "{}", said(&o));
    let f = features(d.path(), "back.gpkg", &[]);
    assert_eq!(f["A1"]["id"], "(String) = 甲");
    assert_eq!(f["A2"]["id"], "(String) = 7");
    assert_eq!(f["A1"]["n"], "(String) = 18446744073709551615");
    assert_eq!((f["A1"]["x"].as_str(), f["A2"]["x"].as_str()), ("(Real) = 1", "(Real) = 0.5"));
    assert_eq!(f["A1"]["o"], "(String) = {\"a\":[1,2]}");
    assert!(f["A1"]["t"].starts_with("(DateTime) = 2024/02/29 08:00:00"), "{}", f["A1"]["t"]);
}

/// GeoJSON and KML know longitude and latitude alone: projected coordinates never get in.
#[test]
fn projected_coordinates_stay_out_of_geojson_and_kml() {
    let d = folder();
    gdal(d.path(), "ogr2ogr", &["p.gpkg", "rich.gpkg", "-t_srs", "EPSG:4545"]);
    gdal(d.path(), "ogr2ogr", &["b.gpkg", "rich.gpkg", "-t_srs", "EPSG:4214"]);
    for (source, out) in [("p.gpkg", "p.geojson"), ("p.gpkg", "p.kml"), ("b.gpkg", "b.geojson")] {
        let o = run(d.path(), &["check", source, "--repair", out]);
        assert_eq!(o.status.code(), Some(2), "{}", said(&o));
        assert!(said(&o).contains("longitude and latitude"), "{}", said(&o));
        assert!(!d.path().join(out).exists());
    }
}

#[test]
fn csv_with_columns_of_coordinates_and_gbk() {
    let d = tempfile::tempdir().unwrap();
    let rows = "名称,经度,纬度,编号\n\"乌海,海勃湾\",106.82,39.66,007\n海南,106.9,39.44,008\n空,,,009\n坏,东,39,010\n";
    let (gbk, _, lost) = encoding_rs::GBK.encode(rows);
    assert!(!lost);
    std::fs::write(d.path().join("p.csv"), &gbk).unwrap();
    let l = checked(d.path(), &["p.csv", "--crs", "EPSG:4490"]).remove(0);
    assert_eq!(l["types"], serde_json::json!({"null": 1, "point": 2}));
    assert_eq!(l["bounds"], serde_json::json!([106.82, 39.44, 106.9, 39.66]));
    assert_eq!(reasons(&l).get("invalid_coordinates"), Some(&1));
    // numbers with leading zeros are codes
    assert!(l["fields"].as_array().unwrap().iter().any(|f| f["name"] == "编号" && f["type"] == "Text"));
    // columns of other names, as told; a tab between
    std::fs::write(d.path().join("q.tsv"), "编号\t横\t纵\n1\t106.5\t39.1\n").unwrap();
    let o = run(d.path(), &["check", "q.tsv"]);
    assert_eq!(o.status.code(), Some(3));
    assert!(said(&o).contains("编号, 横, 纵"), "{}", said(&o));
    let l = checked(d.path(), &["q.tsv", "--xy-columns", "横,纵", "--crs", "EPSG:4490"]).remove(0);
    assert_eq!(l["bounds"], serde_json::json!([106.5, 39.1, 106.5, 39.1]));
    // WKT with its SRID before it, as databases hand it out
    std::fs::write(
        d.path().join("w.csv"),
        "编号,形状\nA1,\"SRID=4490;POLYGON((106.5 39.1,106.51 39.1,106.51 39.11,106.5 39.1))\"\n",
    )
    .unwrap();
    let l = checked(d.path(), &["w.csv", "--wkt-column", "形状", "--crs", "EPSG:4490"]).remove(0);
    assert_eq!(l["types"], serde_json::json!({"polygon": 1}));
}

#[test]
fn layers_are_named_after_a_hash() {
    let d = folder();
    project(d.path(), 2);
    gdal(d.path(), "ogr2ogr", &["two.gpkg", "rich.gpkg", "-nln", "图斑 甲"]);
    gdal(d.path(), "ogr2ogr", &["two.gpkg", "rivers.geojson", "-nln", "rivers", "-update"]);
    let all = checked(d.path(), &["two.gpkg"]);
    assert_eq!(all.iter().map(|l| l["layer"].as_str().unwrap()).collect::<Vec<_>>(), ["图斑 甲", "rivers"]);
    assert_eq!(checked(d.path(), &["two.gpkg#rivers"])[0]["types"], serde_json::json!({"linestring": 1}));
    assert_eq!(checked(d.path(), &["two.gpkg#图斑 甲"])[0]["features"], 2);
    // a file that bears a hash itself
    std::fs::copy(d.path().join("rich.gpkg"), d.path().join("a#1.gpkg")).unwrap();
    assert_eq!(checked(d.path(), &["a#1.gpkg"])[0]["features"], 2);
    assert_eq!(checked(d.path(), &["a#1.gpkg#rich"])[0]["features"], 2);
}

#[test]
fn postgis_both_ways() {
    let Some(c) = Cluster::start() else { return };
    c.sql("CREATE SCHEMA 矿山");
    let d = folder();
    project(d.path(), 30);
    let source = features(d.path(), "rich.gpkg", &[]);
    // written by GDAL, read by heshan
    gdal(
        d.path(),
        "ogr2ogr",
        &["-f", "PostgreSQL", &c.name(), "rich.gpkg", "-nln", "矿山.theirs", "-lco", "LAUNDER=NO"],
    );
    let theirs = format!("{}#矿山.theirs", c.name());
    let l = checked(d.path(), &[&theirs]).remove(0);
    assert_eq!(
        (&l["format"], &l["features"], &l["crs"]["code"]),
        (&"PostgreSQL".into(), &2.into(), &"EPSG:4490".into())
    );
    assert!(!l.to_string().contains("geheim"));
    let back = through(d.path(), &theirs, &[]);
    for name in ["编号", "名称", "数", "大数", "面积", "日期", "是否", "字节", "半空"] {
        assert_eq!(back["A1"][name], source["A1"][name]);
    }
    assert_eq!(back["A1"]["时刻"], "(DateTime) = 2024/02/29 04:34:56.789+00", "timestamptz keeps the instant");
    // written by heshan, read by PostGIS
    let ours = format!("{}#矿山.run", c.name());
    let a = [
        "screen",
        "--rivers",
        "rivers.geojson",
        "--sites",
        "sites.geojson",
        "-o",
        &ours,
        "--distance",
        "1000,3000",
        "--json",
    ];
    let o = run(d.path(), &a);
    assert_eq!(o.status.code(), Some(0), "{}", said(&o));
    assert!(!(said(&o) + &String::from_utf8_lossy(&o.stdout)).contains("geheim"));
    let tables = "SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = '矿山'";
    assert_eq!(c.sql(tables).trim(), "run_clipped run_corridor run_rivers run_sites run_skipped run_summary theirs");
    assert_eq!(
        c.sql("SELECT count(*), min(ST_SRID(geom)), bool_and(ST_IsValid(geom)) FROM 矿山.run_sites").trim(),
        "30|4490|t"
    );
    assert_eq!(c.sql("SELECT 数 FROM 矿山.run_sites WHERE site_id = 'S00001'").trim(), "9007199254740994");
    // PostGIS's own ellipsoidal area (GeographicLib as well) on the WGS 84 ellipsoid, 4e-9 larger
    let off = c.sql("SELECT max(abs(ST_Area(ST_SetSRID(geom, 4326)::geography) / area_m2 - 1)) FROM 矿山.run_sites");
    assert!(off.trim().parse::<f64>().unwrap() < 1e-8, "{off}");
    // a taken table is kept; told to, it is replaced; a run that fails leaves nothing
    let o = run(d.path(), &[&a[..], &["--overwrite"]].concat());
    assert_eq!(o.status.code(), Some(0), "{}", said(&o));
    let other = format!("{}#矿山.theirs", c.name()).replace("theirs", "half");
    c.sql("CREATE TABLE 矿山.half_summary (x int)");
    let a = ["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "-o", &other, "--lang", "en"];
    let o = run(d.path(), &a);
    assert_eq!(o.status.code(), Some(4), "{}", said(&o));
    assert!(said(&o).contains("half_summary exists already") && said(&o).contains("--overwrite"), "{}", said(&o));
    assert!(!said(&o).contains("geheim"), "{}", said(&o));
    assert!(!c.sql(tables).contains("half_sites"));
    assert!(!common::names(d.path()).iter().any(|n| n.contains("half")));
    // a database that is not there
    let nowhere = c.name().replace("dbname=heshan", "dbname=nowhere");
    let o = run(d.path(), &["check", &nowhere]);
    assert_eq!(o.status.code(), Some(3));
    assert!(said(&o).contains("nowhere") && !said(&o).contains("geheim"), "{}", said(&o));
}

/// The tools these tests lean on are those that `scripts/setup.sh test` installs.
#[test]
fn gdal_has_the_drivers() {
    let formats = tool("ogrinfo", &["--formats"]).expect("gdal-bin is missing: scripts/setup.sh test");
    for driver in ["GPKG", "FlatGeobuf", "OpenFileGDB", "LIBKML", "ESRI Shapefile", "PostgreSQL"] {
        assert!(formats.contains(driver), "{driver}");
    }
}
