//! `heshan screen` from files to files, looked at with other programs: `ogrinfo`, `sqlite3`, `sha256sum`, `calamine`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

mod common;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use calamine::{Data, Reader, Xlsx, open_workbook};
use common::{heshan, names, project, run};
use serde_json::Value as Json;

const LAYERS: [&str; 7] = ["sites", "clipped", "corridor", "rivers", "summary", "zones", "skipped"];
const SITES: usize = 60;

/// The small project, a zone over part of it, and one site without geometry; an empty `out`.
fn folder() -> tempfile::TempDir {
    let d = tempfile::tempdir().unwrap();
    project(d.path(), SITES);
    let text = std::fs::read_to_string(d.path().join("sites.geojson")).unwrap();
    let hollow = "{\"type\":\"Feature\",\"properties\":{\"编号\":\"X\"},\"geometry\":null}\n]}";
    std::fs::write(
        d.path().join("sites.geojson"),
        text.trim_end().strip_suffix("]}").unwrap().trim_end().to_owned() + ",\n" + hollow,
    )
    .unwrap();
    let zone = "{\"type\":\"Feature\",\"properties\":{\"name\":\"示例保护区\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[106.4,39.1],[106.7,39.1],[106.7,39.3],[106.4,39.3],[106.4,39.1]]]}}";
    std::fs::write(d.path().join("zone.geojson"), zone).unwrap();
    std::fs::create_dir(d.path().join("out")).unwrap();
    d
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let a = [
        "screen",
        "--rivers",
        "rivers.geojson",
        "--sites",
        "sites.geojson",
        "--zones",
        "zone.geojson",
        "--distance",
        "1000,3000",
        "--allow-skipped",
        "--quiet",
        "-o",
        output,
    ];
    [&a[..], more].concat()
}

fn screened(d: &Path, output: &str, more: &[&str]) -> String {
    let o = run(d, &arguments(output, more));
    let said = String::from_utf8_lossy(&o.stderr).into_owned();
    assert_eq!(o.status.code(), Some(0), "{said}");
    String::from_utf8_lossy(&o.stdout).into_owned() + &said
}

fn said(d: &Path, program: &str, arguments: &[&str]) -> String {
    let o = Command::new(program).current_dir(d).args(arguments).output().unwrap();
    assert!(o.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8_lossy(&o.stdout).into_owned()
}

/// Number of features that `ogrinfo` counts.
fn count(d: &Path, source: &str, layer: &str) -> usize {
    let text = said(d, "ogrinfo", &["-ro", "-so", source, layer]);
    let n = text.lines().find_map(|l| l.strip_prefix("Feature Count: "));
    n.unwrap_or_else(|| panic!("{source} {layer}: {text}")).parse().unwrap()
}

#[test]
fn every_layer_of_every_format_opens_in_gdal() {
    let d = folder();
    screened(d.path(), "out/r.gpkg", &[]);
    let counts: BTreeMap<&str, usize> = LAYERS.iter().map(|l| (*l, count(d.path(), "out/r.gpkg", l))).collect();
    assert_eq!(counts["sites"], SITES);
    assert_eq!((counts["rivers"], counts["corridor"], counts["skipped"]), (1, 2, 1));
    let list = said(d.path(), "ogrinfo", &["-ro", "-q", "out/r.gpkg"]);
    for (layer, shape) in [
        ("sites", "Multi Polygon"),
        ("rivers", "Multi Line String"),
        ("corridor", "Multi Polygon"),
        ("clipped", "Multi Polygon"),
        ("zones", "Multi Polygon"),
        ("summary", "None"),
        ("skipped", "None"),
    ] {
        assert!(list.contains(&format!(": {layer} ({shape})")), "{layer}: {list}");
    }
    for ext in ["gdb", "fgb", "shp", "geojson", "csv", "kml"] {
        let out = format!("out/{ext}.{ext}");
        screened(d.path(), &out, &[]);
        for layer in LAYERS {
            let shape = !["summary", "skipped"].contains(&layer);
            let (file, name) = match ext {
                "gdb" => (out.clone(), layer.to_owned()),
                _ if layer == "sites" => (out.clone(), String::new()),
                "fgb" | "kml" if !shape => (format!("out/{ext}_{layer}.csv"), String::new()),
                "shp" if !shape => (format!("out/{ext}_{layer}.dbf"), String::new()),
                _ => (format!("out/{ext}_{layer}.{ext}"), String::new()),
            };
            let name = if name.is_empty() {
                said(d.path(), "ogrinfo", &["-ro", "-q", &file]).split([':', '(']).nth(1).unwrap().trim().to_owned()
            } else {
                name
            };
            assert_eq!(count(d.path(), &file, &name), counts[layer], "{file}");
            // what is not EPSG:4490 or WGS 84 by the format's own rule
            if shape && ext != "csv" {
                let text = said(d.path(), "ogrinfo", &["-ro", "-so", &file, &name]);
                let crs =
                    if ["geojson", "kml"].contains(&ext) { "WGS 84" } else { "China Geodetic Coordinate System 2000" };
                assert!(text.contains(crs), "{file}: {text}");
            }
        }
    }
}

#[test]
fn styles_lie_in_the_geopackage_as_qgis_wants_them() {
    let d = folder();
    screened(d.path(), "out/r.gpkg", &["--lang", "zh"]);
    let sql = "SELECT s.f_table_name, s.f_geometry_column = g.column_name, s.useAsDefault, s.styleQML LIKE '<!DOCTYPE qgis%</qgis>%', s.styleSLD LIKE '%StyledLayerDescriptor%' FROM layer_styles s JOIN gpkg_geometry_columns g ON g.table_name = s.f_table_name ORDER BY s.id";
    let rows = said(d.path(), "sqlite3", &["out/r.gpkg", sql]);
    let expected: String =
        ["sites", "clipped", "corridor", "rivers", "zones"].iter().map(|l| format!("{l}|1|1|1|1\n")).collect();
    assert_eq!(rows, expected);
    let layers = said(d.path(), "sqlite3", &["out/r.gpkg", "SELECT count(*) FROM gpkg_geometry_columns"]);
    assert_eq!(layers.trim(), "5", "a layer with geometry lacks a style");
    // the attribute of a style is a field, and its classes are values of it
    for (layer, field) in [("sites", "relation_3000"), ("rivers", "river_class"), ("corridor", "river_class")] {
        let q = format!("SELECT styleQML FROM layer_styles WHERE f_table_name = '{layer}'");
        let qml = said(d.path(), "sqlite3", &["out/r.gpkg", &q]);
        assert!(qml.contains(&format!("attr=\"{field}\"")), "{qml}");
        for value in
            said(d.path(), "sqlite3", &["out/r.gpkg", &format!("SELECT DISTINCT {field} FROM {layer}")]).lines()
        {
            assert!(qml.contains(&format!("value=\"{value}\"")), "{layer}: {value} has no symbol");
        }
        assert!(qml.contains("干流") || qml.contains("跨界"), "{qml}");
    }
    // beside a shapefile the style names the short fields
    screened(d.path(), "out/s.shp", &[]);
    let fields = said(d.path(), "ogrinfo", &["-ro", "-so", "-al", "out/s.shp"]);
    let qml = std::fs::read_to_string(d.path().join("out/s.qml")).unwrap();
    let attribute = qml.split("attr=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(fields.contains(&format!("\n{attribute}: String")), "{attribute}: {fields}");
}

#[test]
fn names_of_ten_bytes_are_said_and_told_apart() {
    let d = folder();
    let o = run(
        d.path(),
        &[
            "screen",
            "--rivers",
            "rivers.geojson",
            "--sites",
            "sites.geojson",
            "--zones",
            "zone.geojson",
            "--distance",
            "1000,3000",
            "--allow-skipped",
            "-o",
            "out/r.shp",
        ],
    );
    let notes = String::from_utf8_lossy(&o.stderr).into_owned();
    let text = said(d.path(), "ogrinfo", &["-ro", "-so", "-al", "out/r.shp"]);
    let fields: Vec<&str> = text
        .lines()
        .filter(|l| l.ends_with(')') && l.contains(": ") && !l.starts_with("Extent") && !l.starts_with("Geometry"))
        .map(|l| l.split(": ").next().unwrap())
        .collect();
    assert!(fields.len() > 30, "{text}");
    assert!(fields.iter().all(|f| f.len() <= 10), "{fields:?}");
    assert_eq!(fields.iter().collect::<std::collections::BTreeSet<_>>().len(), fields.len());
    for (from, to) in [
        ("responsible_unit", "resp_unit"),
        ("relation_3000", "rel_3000"),
        ("inside_1000_pct", "in1000_pct"),
        ("zone_overlap_m2", "zone_m2"),
    ] {
        assert!(notes.contains(&format!("sites: field {from} is named {to} in the file")), "{notes}");
        assert!(fields.contains(&to));
    }
}

type Book = Xlsx<std::io::BufReader<std::fs::File>>;

fn sheet(book: &mut Book, name: &str) -> Vec<Vec<Data>> {
    book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn the_workbook_is_read_by_another_reader() {
    let d = folder();
    screened(d.path(), "out/r.gpkg", &["--lang", "zh"]);
    let mut book: Book = open_workbook(d.path().join("out/r.xlsx")).unwrap();
    assert_eq!(book.sheet_names(), ["汇总", "图斑", "管控区重叠", "修复与跳过"]);
    let sites = sheet(&mut book, "图斑");
    assert_eq!(sites.len(), 1 + SITES);
    let titles: Vec<String> = sites[0].iter().map(ToString::to_string).collect();
    let at = |t: &str| titles.iter().position(|x| x == t).unwrap_or_else(|| panic!("{t}: {titles:?}"));
    let unique: std::collections::BTreeSet<_> = titles.iter().collect();
    assert_eq!(unique.len(), titles.len(), "{titles:?}");
    let own = titles.iter().filter(|t| t.is_ascii()).count();
    assert_eq!(own, 0, "titles without a Chinese character: {titles:?}");
    // 公顷 and 亩 by their definitions: 10,000 m², and 15 亩 to the hectare
    for row in &sites[1..] {
        let value = |t: &str| match row[at(t)] {
            Data::Float(f) => f,
            Data::Int(i) => i as f64,
            ref other => panic!("{t}: {other:?}"),
        };
        let m2 = value("面积(平方米)");
        assert!((value("面积(公顷)") * 10_000.0 / m2 - 1.0).abs() < 1e-12);
        assert!((value("面积(亩)") / value("面积(公顷)") - 15.0).abs() < 1e-9);
    }
    // integers beyond 2^53 keep their digits, as text
    let big: Vec<&Data> = sites[1..].iter().map(|r| &r[at("数")]).collect();
    assert!(big.contains(&&Data::String("9007199254740994".into())), "{big:?}");
    let summary = sheet(&mut book, "汇总");
    assert!(summary[0].iter().any(|t| *t == "面积(亩)"));
    screened(d.path(), "out/e.gpkg", &["--lang", "en"]);
    let mut book: Book = open_workbook(d.path().join("out/e.xlsx")).unwrap();
    assert_eq!(book.sheet_names(), ["summary", "sites", "overlaps with zones", "repaired and skipped"]);
    assert!(sheet(&mut book, "sites")[0].iter().any(|t| *t == "area (mu)"));
    if Command::new("soffice").arg("--version").output().is_err() {
        println!("skipped: LibreOffice is not installed; the workbook was read by calamine alone");
        return;
    }
    let profile = format!("-env:UserInstallation=file://{}", d.path().join("profile").display());
    said(
        d.path(),
        "soffice",
        &[
            "--headless",
            &profile,
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76",
            "--outdir",
            "lo",
            "out/r.xlsx",
        ],
    );
    let csv = std::fs::read_to_string(d.path().join("lo/r.csv")).unwrap();
    assert!(csv.lines().next().unwrap().contains("面积(公顷)"), "{csv}");
}

/// `--json`, the layer, the summary table and its CSV say the same.
#[test]
fn all_summaries_agree_with_the_layer() {
    let d = folder();
    let o = run(d.path(), &arguments("out/r.gpkg", &["--json"]));
    assert_eq!(o.status.code(), Some(0), "{}", String::from_utf8_lossy(&o.stderr));
    let j: Json = serde_json::from_slice(&o.stdout).unwrap();
    let sql = |q: &str| said(d.path(), "sqlite3", &["out/r.gpkg", q]).trim().to_owned();
    assert_eq!(j["sites"].to_string(), sql("SELECT count(*) FROM sites"));
    assert_eq!(j["rivers"].to_string(), sql("SELECT count(*) FROM rivers"));
    assert_eq!(j["skipped"].to_string(), sql("SELECT count(*) FROM skipped WHERE state = 'skipped'"));
    assert_eq!(j["in_zones"].to_string(), sql("SELECT count(*) FROM sites WHERE zone_overlap_m2 > 0"));
    let mut seen = 0;
    for r in j["relations"].as_array().unwrap() {
        let m = r["distance_m"].as_f64().unwrap();
        for relation in ["inside", "crosses", "outside"] {
            let n = sql(&format!("SELECT count(*) FROM sites WHERE relation_{m} = '{relation}'"));
            assert_eq!(r[relation].to_string(), n, "{m} {relation}");
            seen += usize::from(n != "0");
        }
    }
    assert!(seen >= 4, "the project shows too few relations to check anything: {j}");
    for k in j["by_kind"].as_array().unwrap() {
        let (m, kind) = (k["distance_m"].as_f64().unwrap(), k["kind"].as_str().unwrap());
        let area: f64 = sql(&format!("SELECT total(inside_{m}_m2) FROM sites WHERE kind = '{kind}'")).parse().unwrap();
        assert!((k["inside_m2"].as_f64().unwrap() / area - 1.0).abs() < 1e-12, "{k} {area}");
    }
    let (n, ha): (usize, f64) = {
        let text = sql("SELECT sum(count), total(inside_ha) FROM summary WHERE distance_m = 3000");
        let (n, ha) = text.split_once('|').unwrap();
        (n.parse().unwrap(), ha.parse().unwrap())
    };
    assert_eq!(n.to_string(), sql("SELECT count(*) FROM sites WHERE relation_3000 <> 'outside'"));
    let area: f64 = sql("SELECT total(inside_3000_m2) FROM sites").parse().unwrap();
    assert!((ha * 10_000.0 / area - 1.0).abs() < 1e-12);
    let text = std::fs::read_to_string(d.path().join("out/r_summary.csv")).unwrap();
    let mut csv = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let at = csv.headers().unwrap().iter().position(|h| h == "sites").unwrap();
    let total: usize = csv.records().map(|r| r.unwrap()[at].parse::<usize>().unwrap()).sum();
    assert_eq!(total.to_string(), sql("SELECT sum(count) FROM summary"));
    // the same sums on the terminal
    let human = run(
        d.path(),
        &arguments("out/h.gpkg", &[])[..].iter().copied().filter(|a| *a != "--quiet").collect::<Vec<_>>(),
    );
    let human = String::from_utf8_lossy(&human.stdout).into_owned();
    assert!(human.contains(&format!("{SITES} sites screened against 1 rivers")), "{human}");
}

#[test]
fn the_manifest_names_inputs_by_their_digests() {
    let d = folder();
    said(d.path(), "ogr2ogr", &["s.shp", "sites.geojson", "-lco", "ENCODING=UTF-8", "-where", "\"编号\" <> 'X'"]);
    let o = run(
        d.path(),
        &[
            "screen",
            "--rivers",
            "rivers.geojson",
            "--sites",
            "s.shp",
            "--distance",
            "500",
            "--score",
            "zone=0",
            "-o",
            "out/r.gpkg",
            "-q",
        ],
    );
    assert_eq!(o.status.code(), Some(0), "{}", String::from_utf8_lossy(&o.stderr));
    let j: Json = serde_json::from_slice(&std::fs::read(d.path().join("out/r.manifest.json")).unwrap()).unwrap();
    let mut files = Vec::new();
    for input in j["inputs"].as_array().unwrap() {
        for f in input["files"].as_array().unwrap() {
            let path = f["path"].as_str().unwrap();
            let theirs = said(d.path(), "sha256sum", &[path]);
            assert_eq!(f["sha256"], theirs.split(' ').next().unwrap(), "{path}");
            assert_eq!(f["bytes"].as_u64().unwrap(), std::fs::metadata(d.path().join(path)).unwrap().len());
            files.push(path.to_owned());
        }
    }
    files.sort();
    assert_eq!(files, ["rivers.geojson", "s.cpg", "s.dbf", "s.prj", "s.shp", "s.shx"]);
    assert_eq!(j["parameters"]["distance_m"], serde_json::json!([500.0]));
    assert_eq!(j["counts"]["sites"], SITES);
    let theirs = said(d.path(), "ogrinfo", &["--version"]);
    assert!(theirs.contains(&format!("GDAL {}", j["versions"]["gdal"].as_str().unwrap())), "{theirs}");
    for k in ["heshan", "proj", "proj_database", "epsg", "geos"] {
        assert!(j["versions"][k].is_string(), "{k}");
    }
    let mut outputs: Vec<&str> = j["outputs"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
    outputs.sort_unstable();
    assert_eq!(outputs, names(&d.path().join("out")));
}

/// Everything of a run but how long it took.
fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for name in names(dir) {
        let path = dir.join(&name);
        if path.is_dir() {
            continue;
        }
        let mut b = std::fs::read(&path).unwrap();
        if name.ends_with(".manifest.json") {
            let mut j: Json = serde_json::from_slice(&b).unwrap();
            assert!(j["duration_s"].take().is_number());
            b = j.to_string().into_bytes();
        }
        out.insert(name, b);
    }
    out
}

/// The same bytes again, and for any number of threads; a FileGDB bears random identifiers (GDAL's), so its features
/// are compared.
#[test]
fn the_same_bytes_twice_and_for_any_number_of_threads() {
    let d = folder();
    for ext in ["gpkg", "fgb", "shp", "geojson", "csv", "kml", "xlsx"] {
        let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
        for threads in ["1", "2", "8", "2"] {
            let out = d.path().join("out");
            std::fs::remove_dir_all(&out).unwrap();
            std::fs::create_dir(&out).unwrap();
            screened(d.path(), &format!("out/r.{ext}"), &["--threads", threads]);
            let now = bytes(&out);
            let first = first.get_or_insert_with(|| now.clone());
            assert_eq!(now.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
            for (name, b) in &now {
                assert!(*b == first[name], "{name} differs with {threads} threads");
            }
        }
    }
    let dump = |threads| {
        screened(d.path(), "out/r.gdb", &["--threads", threads, "--overwrite"]);
        said(d.path(), "ogrinfo", &["-ro", "-al", "-q", "out/r.gdb"])
    };
    assert_eq!(dump("1"), dump("8"));
}

/// Features by their id, as `ogrinfo` dumps them, without their position in the file.
fn by_id(d: &Path, source: &str) -> BTreeMap<String, String> {
    let text = said(d, "ogrinfo", &["-ro", "-al", "-q", source, "sites"]);
    let features = text.split("OGRFeature(").skip(1).map(|f| f.split_once('\n').unwrap().1.to_owned());
    features.map(|f| (f.split("site_id (String) = ").nth(1).unwrap().lines().next().unwrap().to_owned(), f)).collect()
}

#[test]
fn the_order_of_the_input_changes_nothing() {
    let d = folder();
    let mut seen: Option<(BTreeMap<String, String>, String)> = None;
    for step in [1, 7, 23, SITES - 1] {
        // steps without a common divisor with 60 (or 59 = backwards) visit every site
        let order: Vec<usize> = (0..SITES).map(|i| (i * step) % SITES).collect();
        std::fs::write(d.path().join("sites.geojson"), common::sites(order)).unwrap();
        screened(d.path(), "out/r.gpkg", &["--overwrite"]);
        let summary = said(d.path(), "ogrinfo", &["-ro", "-al", "-q", "out/r.gpkg", "summary"]);
        let now = (by_id(d.path(), "out/r.gpkg"), summary);
        assert_eq!(now.0.len(), SITES);
        let first = seen.get_or_insert_with(|| now.clone());
        assert_eq!(now.0, first.0, "step {step}");
        // sums of doubles in another order differ in their last digit at most
        let digits = |s: &str| {
            s.split(|c: char| !(c.is_ascii_digit() || c == '.'))
                .filter_map(|t| t.parse::<f64>().ok())
                .collect::<Vec<_>>()
        };
        for (a, b) in digits(&now.1).iter().zip(digits(&first.1)) {
            assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}");
        }
    }
}

#[test]
fn layers_are_chosen() {
    let d = folder();
    screened(d.path(), "out/r.gpkg", &["--layers", "sites,summary"]);
    let list = said(
        d.path(),
        "sqlite3",
        &["out/r.gpkg", "SELECT group_concat(table_name) FROM gpkg_contents WHERE table_name <> 'layer_styles'"],
    );
    assert_eq!(list.trim(), "sites,summary");
}

/// `heshan screen … | head -1`: the reader goes away and that is nobody's fault.
#[test]
fn a_broken_pipe_is_success() {
    let d = folder();
    let a: Vec<&str> = arguments("out/r.gpkg", &["--json"]);
    let mut child =
        heshan().current_dir(d.path()).args(a).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{text}");
    assert!(!text.contains("panicked") && !text.contains("Broken pipe"), "{text}");
    assert!(names(&d.path().join("out")).contains(&"r.gpkg".to_owned()));
}
