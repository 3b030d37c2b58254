//! Bad input and bad places for output: a clear error, the right exit code, nothing left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{failure, heshan, names, project, run};

fn screen(sites: &str) -> Vec<&str> {
    vec!["screen", "--rivers", "rivers.geojson", "--sites", sites, "-o", "out/r.gpkg"]
}

/// A folder with the small project and an empty `out`.
fn folder() -> tempfile::TempDir {
    let d = tempfile::tempdir().unwrap();
    project(d.path(), 40);
    std::fs::create_dir(d.path().join("out")).unwrap();
    d
}

fn refused(d: &tempfile::TempDir, arguments: &[&str], code: i32, parts: &[&str]) {
    let (got, said) = failure(d.path(), arguments);
    assert_eq!(got, code, "{said}");
    for p in parts {
        assert!(said.contains(p), "“{p}” is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(names(&d.path().join("out")), Vec::<String>::new());
}

fn convert(d: &tempfile::TempDir, from: &str, to: &str, more: &[&str]) {
    let o = Command::new("ogr2ogr").current_dir(d.path()).args([to, from]).args(more).output();
    assert!(o.unwrap().status.success());
}

#[test]
fn a_missing_file() {
    let d = folder();
    refused(&d, &screen("nowhere.shp"), 3, &["nowhere.shp", "no such file"]);
}

#[test]
fn a_wrong_layer_lists_those_there_are() {
    let d = folder();
    convert(&d, "sites.geojson", "s.gpkg", &["-nln", "图斑"]);
    refused(&d, &screen("s.gpkg#sites"), 3, &["s.gpkg", "“sites”", "图斑"]);
    convert(&d, "rivers.geojson", "s.gpkg", &["-nln", "rivers", "-update"]);
    refused(&d, &screen("s.gpkg"), 3, &["several layers", "图斑", "rivers", "s.gpkg#"]);
}

#[test]
fn no_crs() {
    let d = folder();
    convert(&d, "sites.geojson", "s.shp", &["-lco", "ENCODING=UTF-8"]);
    std::fs::remove_file(d.path().join("s.prj")).unwrap();
    refused(&d, &screen("s.shp"), 3, &["s.shp", "no coordinate reference system", "--crs EPSG:4490"]);
    let mut told = screen("s.shp");
    told.extend(["--crs", "EPSG:4490"]);
    assert_eq!(run(d.path(), &told).status.code(), Some(0));
}

#[test]
fn swapped_axes_are_named() {
    let d = folder();
    std::fs::write(d.path().join("s.csv"), "id,wkt\n1,\"POLYGON ((39.1 106.5,39.2 106.5,39.2 106.6,39.1 106.5))\"\n")
        .unwrap();
    let mut a = screen("s.csv");
    a.extend(["--crs", "EPSG:4490"]);
    refused(&d, &a, 3, &["s.csv", "latitude"]);
}

#[test]
fn points_as_sites() {
    let d = folder();
    std::fs::write(d.path().join("p.csv"), "id,lon,lat\n1,106.5,39.1\n2,106.6,39.2\n").unwrap();
    let mut a = screen("p.csv");
    a.extend(["--crs", "EPSG:4490"]);
    refused(&d, &a, 3, &["p.csv", "points", "polygons are needed"]);
}

#[test]
fn a_truncated_geopackage() {
    let d = folder();
    std::fs::write(d.path().join("sites.geojson"), common::sites((0..4000).collect())).unwrap();
    convert(&d, "sites.geojson", "s.gpkg", &[]);
    let bytes = std::fs::read(d.path().join("s.gpkg")).unwrap();
    for part in [2, 3, 10] {
        std::fs::write(d.path().join("t.gpkg"), &bytes[..bytes.len() * (part - 1) / part]).unwrap();
        refused(&d, &screen("t.gpkg"), 3, &["t.gpkg"]);
    }
}

#[test]
fn a_shapefile_without_shx() {
    let d = folder();
    convert(&d, "sites.geojson", "s.shp", &[]);
    std::fs::remove_file(d.path().join("s.shx")).unwrap();
    refused(&d, &screen("s.shp"), 3, &["s.shp", ".shx", "SHAPE_RESTORE_SHX"]);
}

#[test]
fn broken_geojson_and_no_features() {
    let d = folder();
    std::fs::write(d.path().join("b.geojson"), "{\"type\":\"FeatureCollection\",\"features\":[").unwrap();
    refused(&d, &screen("b.geojson"), 3, &["b.geojson"]);
    std::fs::write(d.path().join("e.geojson"), "{\"type\":\"FeatureCollection\",\"features\":[]}").unwrap();
    refused(&d, &screen("e.geojson"), 3, &["e.geojson", "no usable site"]);
}

#[test]
fn wrong_usage() {
    let d = folder();
    for (extra, part) in [
        (vec!["--distance", "0"], "--distance"),
        (vec!["--distance", "abc"], "--distance"),
        (vec!["--layers", "sitez"], "sitez"),
        (vec!["--out-crs", "EPSG:999999"], "EPSG:999999"),
        (vec!["--score", "beauty=3"], "beauty"),
        (vec!["--field", "colour=X"], "colour"),
        (vec!["--field", "kind=LX"], "no layer has a field “LX”"),
        (vec!["--metric", "planar"], "planar"),
        (vec!["--strict", "--allow-skipped"], "--strict"),
    ] {
        let mut a = screen("sites.geojson");
        a.extend(extra);
        refused(&d, &a, 2, &[part]);
    }
    refused(
        &d,
        &["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "-o", "out/r.doc"],
        2,
        &[".doc", ".gpkg"],
    );
    refused(&d, &["check", "sites.geojson", "--field", "site_id=图斑"], 2, &["图斑", "sites (编号,"]);
    refused(&d, &["screne"], 2, &["screne"]);
}

#[test]
fn an_output_that_exists_is_kept() {
    let d = folder();
    std::fs::write(d.path().join("keep.gpkg"), "mine").unwrap();
    let a = ["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "-o", "keep.gpkg"];
    let (code, said) = failure(d.path(), &a);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("keep.gpkg") && said.contains("--overwrite"), "{said}");
    assert_eq!(std::fs::read_to_string(d.path().join("keep.gpkg")).unwrap(), "mine");
    let a = [&a[..], &["--overwrite"]].concat();
    assert_eq!(run(d.path(), &a).status.code(), Some(0));
}

#[test]
fn a_missing_output_folder() {
    let d = folder();
    let a = ["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "-o", "nowhere/r.gpkg"];
    let (code, said) = failure(d.path(), &a);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("nowhere") && said.contains("mkdir"), "{said}");
}

/// Root may write anywhere, so root runs the program as another user here.
#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    let d = folder();
    let out = d.path().join("out");
    std::fs::set_permissions(d.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o555)).unwrap();
    // the program where the other user can reach it
    let program = d.path().join("heshan");
    std::fs::copy(env!("CARGO_BIN_EXE_heshan"), &program).unwrap();
    let root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    let mut c = if root { Command::new("setpriv") } else { Command::new(&program) };
    if root {
        c.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    }
    let o = c.current_dir(d.path()).env("LANG", "C.UTF-8").args(screen("sites.geojson")).output().unwrap();
    let said = String::from_utf8_lossy(&o.stderr);
    assert_eq!(o.status.code(), Some(4), "{said}");
    assert!(said.contains("out") && said.contains("cannot be written to"), "{said}");
    assert_eq!(names(&out), Vec::<String>::new());
}

/// A file system of 256 KiB where the test may mount one; a limit on file size, which fails in the same calls, anyway.
#[test]
fn a_full_disk() {
    let d = folder();
    for ext in ["gpkg", "fgb", "shp", "geojson", "csv", "kml", "gdb", "xlsx"] {
        project(d.path(), 3000);
        let command = format!(
            "trap '' XFSZ; ulimit -f 120; exec {} screen --rivers rivers.geojson --sites sites.geojson -o out/r.{ext}",
            env!("CARGO_BIN_EXE_heshan")
        );
        let o = Command::new("bash").current_dir(d.path()).args(["-c", &command]).output().unwrap();
        let said = String::from_utf8_lossy(&o.stderr);
        assert_eq!(o.status.code(), Some(4), "{ext}: {said}");
        assert!(said.contains("cannot be written") && !said.contains("panicked"), "{ext}: {said}");
        assert_eq!(names(&d.path().join("out")), Vec::<String>::new(), "{ext}");
    }
    let out = d.path().join("out");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&out).output();
    if !mounted.is_ok_and(|o| o.status.success()) {
        println!("skipped: no right to mount a small file system; the limit on file size stands in for it");
        return;
    }
    let seen: Vec<_> = ["gpkg", "fgb", "shp", "geojson", "csv"]
        .iter()
        .map(|ext| {
            let target = format!("out/r.{ext}");
            let a = ["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "-o", &target];
            (failure(d.path(), &a), names(&out))
        })
        .collect();
    assert!(Command::new("umount").arg(&out).status().unwrap().success());
    for ((code, said), left) in seen {
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("df -h"), "{said}");
        assert_eq!(left, Vec::<String>::new());
    }
}

/// The sites come through a pipe: the program waits for them, hears Ctrl-C, and stops at the next step.
#[test]
fn ctrl_c_leaves_nothing() {
    let d = folder();
    let pipe = d.path().join("pipe.geojson");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = heshan()
        .current_dir(d.path())
        .args(screen("pipe.geojson"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sites = std::fs::read_to_string(d.path().join("sites.geojson")).unwrap();
    // opens when the program reads: then it hears signals, and its staging folder is there
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    assert_eq!(names(&d.path().join("out")).len(), 1);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    // the handler runs in a thread of its own; the data is sent once the flag had ample time to be set
    std::thread::sleep(std::time::Duration::from_millis(300));
    writer.write_all(sites.as_bytes()).unwrap();
    drop(writer);
    let o = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&o.stderr);
    assert_eq!(o.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(names(&d.path().join("out")), Vec::<String>::new());
}

#[test]
fn strict_refuses_what_would_be_skipped() {
    let d = folder();
    let text = std::fs::read_to_string(d.path().join("sites.geojson")).unwrap();
    let hollow = text.replacen("\"geometry\":{", "\"geometry\":null,\"was\":{", 1);
    std::fs::write(d.path().join("h.geojson"), hollow).unwrap();
    let strict = [&screen("h.geojson")[..], &["--strict"]].concat();
    refused(&d, &strict, 3, &["--strict", "h.geojson", "feature"]);
    let allow = [&screen("h.geojson")[..], &["--allow-skipped"]].concat();
    assert_eq!(run(d.path(), &allow).status.code(), Some(0));
    let plain = [&screen("h.geojson")[..], &["--overwrite"]].concat();
    assert_eq!(run(d.path(), &plain).status.code(), Some(1));
}
