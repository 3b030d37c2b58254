//! `heshan run` and `heshan runs`, with the program itself: plans, faults, what is run again, and what a kill leaves.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test crate")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROJECT: &str = r#"
name = "样例"
[vars]
wide = 3000
[kinds]
"洗煤厂" = "industrial"
[[step]]
id = "list"
verb = "check"
files = ["out/corridor.fgb"]
[[step]]
id = "corridor"
verb = "screen"
rivers = "rivers.geojson"
sites = "sites.geojson"
distance = [1000, "${wide}"]
layers = ["sites", "clipped"]
output = "out/corridor.fgb"
[[step]]
id = "clipped"
verb = "screen"
rivers = "rivers.geojson"
sites = "out/corridor_clipped.fgb"
lists = "none"
output = "out/again.gpkg"
"#;

/// A river along the parallel of 39.5 degrees, and squares of 0.01 degrees north of it.
fn project(dir: &Path) {
    let river = r#"{"type":"Feature","properties":{"name":"黄河","class":"main"},"geometry":{"type":"LineString","coordinates":[[106.5,39.5],[106.7,39.5],[107.0,39.5]]}}"#;
    let all = |features: &str| format!("{{\"type\":\"FeatureCollection\",\"features\":[{features}]}}");
    std::fs::write(dir.join("rivers.geojson"), all(river)).unwrap();
    let squares: Vec<String> = (0..12)
        .map(|k| {
            let (x, y) = (106.6 + 0.02 * f64::from(k), 39.503 + 0.004 * f64::from(k));
            let (e, n) = (x + 0.01, y + 0.01);
            format!(
                r#"{{"type":"Feature","properties":{{"site_id":"S{k:02}","kind":"洗煤厂"}},"geometry":{{"type":"Polygon","coordinates":[[[{x},{y}],[{e},{y}],[{e},{n}],[{x},{n}],[{x},{y}]]]}}}}"#
            )
        })
        .collect();
    std::fs::write(dir.join("sites.geojson"), all(&squares.join(","))).unwrap();
    std::fs::write(dir.join("project.toml"), PROJECT).unwrap();
}

fn heshan(dir: &Path) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_heshan"));
    c.current_dir(dir).env("SOURCE_DATE_EPOCH", "1700000000").env("LC_ALL", "C.UTF-8");
    c
}

fn run(dir: &Path, more: &[&str]) -> Output {
    heshan(dir).args(["run", "project.toml"]).args(more).output().unwrap()
}

fn good(dir: &Path, more: &[&str]) -> serde_json::Value {
    let out = run(dir, &[more, &["--json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn states(summary: &serde_json::Value) -> Vec<String> {
    let text = |s: &serde_json::Value, k: &str| s[k].as_str().unwrap().to_owned();
    summary["run"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {}", text(s, "id"), text(s, "state")))
        .collect()
}

/// Files below `out` with their bytes; manifests less the time they took.
fn outputs(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(dir.join("out")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".manifest.json") {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert!(manifest.as_object_mut().unwrap().remove("duration_s").is_some());
            // and the digests of the files an earlier step wrote stay: they must be the same too
            bytes = manifest.to_string().into_bytes();
        }
        out.insert(name, bytes);
    }
    out
}

/// The first file that is not the same in both.
fn other(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    a.keys().chain(b.keys()).find(|k| a.get(*k) != b.get(*k)).cloned()
}

#[test]
fn steps_run_in_order_and_again_only_where_something_changed() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    assert_eq!(states(&good(d.path(), &[])), ["corridor done", "list done", "clipped done"]);
    let first = outputs(d.path());
    assert!(first.contains_key("corridor.fgb") && first.contains_key("again.gpkg"), "{:?}", first.keys());
    let all = |state: &str| ["corridor", "list", "clipped"].map(|s| format!("{s} {state}")).to_vec();
    assert_eq!(states(&good(d.path(), &[])), all("up_to_date"));
    // a time of change alone is no change
    let sites = d.path().join("sites.geojson");
    let text = std::fs::read_to_string(&sites).unwrap();
    std::fs::write(&sites, &text).unwrap();
    assert_eq!(states(&good(d.path(), &[])), all("up_to_date"));
    // an option that touches one step, and those that read what it writes; the differences name the number that changed
    let wider = good(d.path(), &["--set", "wide=1500", "--jobs", "2"]);
    assert_eq!(states(&wider), all("done"));
    let told: Vec<&str> =
        wider["differences"].as_array().unwrap().iter().map(|x| x["what"].as_str().unwrap()).collect();
    assert!(told.iter().any(|w| w.contains("inside")), "{told:?}");
    // an output that somebody removed, and one that somebody changed
    good(d.path(), &[]);
    std::fs::remove_file(d.path().join("out/again.gpkg")).unwrap();
    assert_eq!(states(&good(d.path(), &[])), ["corridor up_to_date", "list up_to_date", "clipped done"]);
    std::fs::write(d.path().join("out/corridor.fgb"), "not this").unwrap();
    assert_eq!(states(&good(d.path(), &[]))[0], "corridor done");
    assert_eq!(other(&outputs(d.path()), &first), None);
    let runs = heshan(d.path()).args(["runs", "project.toml", "--json"]).output().unwrap();
    let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 7);
}

#[test]
fn faults_are_found_before_the_first_byte() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let faults = [
        ("verb = \"check\"", "verb = \"chek\"", "no verb of a step"),
        ("lists = \"none\"", "lists = \"many\"", "invalid value 'many'"),
        ("lists = \"none\"", "list = \"none\"", "no option “list”"),
        ("distance = [1000, \"${wide}\"]", "distance = \"near\"", "near"),
        ("sites = \"sites.geojson\"", "sites = \"sights.geojson\"", "sights.geojson"),
        ("output = \"out/again.gpkg\"", "output = \"out/corridor.fgb\"", "both write"),
        ("output = \"out/again.gpkg\"", "", "--output"),
        ("${wide}", "${width}", "variable"),
    ];
    for (from, to, words) in faults {
        std::fs::write(d.path().join("project.toml"), PROJECT.replace(from, to)).unwrap();
        let out = run(d.path(), &["--check"]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(3), "{to}: {said}");
        assert!(said.contains(words) && said.contains("project.toml"), "{to}: {said}");
        assert_eq!(run(d.path(), &[]).status.code(), Some(3));
        assert!(!d.path().join("out").exists());
    }
}

#[test]
fn a_step_that_fails_stops_what_needs_it() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let more = format!(
        "{PROJECT}\n[[step]]\nid = \"bad\"\nverb = \"check\"\nfiles = \"broken.gpkg\"\n[[step]]\nid = \"late\"\nverb = \"check\"\nfiles = \"sites.geojson\"\nneeds = \"bad\"\n"
    );
    std::fs::write(d.path().join("project.toml"), more).unwrap();
    std::fs::write(d.path().join("broken.gpkg"), "no database").unwrap();
    let out = run(d.path(), &["--keep-going", "--json"]);
    assert_eq!(out.status.code(), Some(3));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("step bad") && said.contains("broken.gpkg"), "{said}");
    let summary = serde_json::from_slice(&out.stdout).unwrap();
    let all = ["corridor done", "list done", "clipped done", "bad failed", "late not_run"];
    assert_eq!(states(&summary), all);
    // what did not fail is not done again
    let again = run(d.path(), &["--json"]);
    assert_eq!(states(&serde_json::from_slice(&again.stdout).unwrap())[0], "corridor up_to_date");
}

#[test]
fn what_no_run_wrote_is_not_replaced() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    std::fs::create_dir(d.path().join("out")).unwrap();
    std::fs::write(d.path().join("out/corridor.fgb"), "mine").unwrap();
    let out = run(d.path(), &[]);
    assert_eq!(out.status.code(), Some(4), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(std::fs::read(d.path().join("out/corridor.fgb")).unwrap(), b"mine");
    good(d.path(), &["--overwrite"]);
}

#[test]
fn two_runs_of_a_project_do_not_meet() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    good(d.path(), &[]);
    let lock = std::fs::File::options().write(true).open(d.path().join(".heshan/project/run.lock")).unwrap();
    lock.lock().unwrap();
    let out = run(d.path(), &[]);
    assert_eq!(out.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&out.stderr).contains("another run"));
}

/// Steps of a ledger behind those of the project.
const LEDGER: &str = r#"
[[step]]
id = "init"
verb = "ledger init"
ledger = "out/ledger.gpkg"
keep = true
[[step]]
id = "add"
verb = "ledger add"
ledger = "out/ledger.gpkg"
findings = "out/corridor.fgb"
from = "screen"
date = "2026-03-01"
needs = "init"
[[step]]
id = "issues"
verb = "ledger list"
ledger = "out/ledger.gpkg"
by = "kind"
date = "2026-03-31"
output = "out/issues.xlsx"
"#;

/// The outputs of a run with a ledger; the ledger by what it holds, for its pages may lie in another order.
fn with_ledger(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let ledger = dir.join("out/ledger.gpkg");
    let o = heshan(dir).args(["ledger", "check", "-L", "out/ledger.gpkg"]).output().unwrap();
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    let mut out = outputs(dir);
    out.retain(|name, _| !name.starts_with("ledger.gpkg"));
    let Ok(said) = Command::new("sqlite3").arg(&ledger).args(["PRAGMA integrity_check", ".dump"]).output() else {
        println!("skipped: sqlite3 cannot be run, the ledger's rows are not compared");
        return out;
    };
    let rows = String::from_utf8_lossy(&said.stdout);
    assert!(rows.starts_with("ok\n"), "{rows}");
    // manifests of the runs are in it too, with the time they took
    let (first, rest) = rows.split_once("\"duration_s\": ").unwrap();
    let rows = format!("{first}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    assert!(!rows.contains("duration_s"));
    out.insert("rows of the ledger".into(), rows.into_bytes());
    out
}

/// The issue's own words: killed at 50 moments, then run to the end, the bytes are those of an undisturbed run, and the
/// ledger passes SQLite's integrity check.
#[test]
fn killed_at_fifty_moments_the_next_run_gives_the_same_bytes() {
    let d = tempfile::tempdir().unwrap();
    let calm = d.path().join("calm");
    std::fs::create_dir(&calm).unwrap();
    let project = |dir: &Path| {
        project(dir);
        std::fs::write(dir.join("project.toml"), format!("{PROJECT}{LEDGER}")).unwrap();
    };
    project(&calm);
    let clock = Instant::now();
    good(&calm, &[]);
    let whole = clock.elapsed();
    let expected = with_ledger(&calm);
    // moments spread over the run by the golden ratio, so that no step is missed
    let mut killed = 0;
    for k in 1..=50u32 {
        let dir = d.path().join(format!("k{k}"));
        std::fs::create_dir(&dir).unwrap();
        project(&dir);
        let moment = whole.mul_f64((f64::from(k) * 0.618_033_988_75).fract());
        let mut child = heshan(&dir)
            .args(["run", "project.toml", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(moment);
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        good(&dir, &[]);
        assert_eq!(other(&with_ledger(&dir), &expected), None, "killed after {moment:?}");
        std::fs::remove_dir_all(dir).unwrap();
    }
    assert!(killed >= 25, "only {killed} runs were killed before their end");
}

#[test]
fn interrupted_it_ends_with_130_and_leaves_no_half_written_file() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let child = heshan(d.path()).args(["run", "project.toml", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let code = child.wait_with_output().unwrap().status.code();
    if !stopped.is_ok_and(|s| s.success()) {
        println!("skipped: the run was over before it could be stopped, or there is no kill(1)");
        return;
    }
    assert!(matches!(code, Some(130 | 0)) || code.is_none(), "{code:?}");
    let left = std::fs::read_dir(d.path().join("out")).into_iter().flatten().flatten();
    let half: Vec<_> = left.map(|e| e.file_name()).filter(|n| n.to_string_lossy().ends_with(".partial")).collect();
    assert!(half.is_empty(), "{half:?}");
    good(d.path(), &[]);
}

#[test]
fn the_schema_knows_every_verb_and_its_options() {
    let out = heshan(Path::new(".")).args(["run", "--schema"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let steps = schema["properties"]["step"]["items"]["oneOf"].as_array().unwrap();
    let screen = steps.iter().find(|s| s["properties"]["verb"]["const"] == "screen").unwrap();
    assert_eq!(screen["properties"]["metric"]["anyOf"][0]["enum"], serde_json::json!(["geodesic", "planar"]));
    let required: Vec<&str> = screen["required"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert!(["id", "verb", "rivers", "sites", "output"].iter().all(|k| required.contains(k)), "{required:?}");
}

/// The sample project runs to its end, files what it finds once, and has nothing left to do.
#[test]
fn the_sample_project_runs_and_files_its_findings_once() {
    let d = tempfile::tempdir().unwrap();
    let out = heshan(d.path()).args(["sample", "p"]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let dir = d.path().join("p");
    let done = good(&dir, &[]);
    assert!(states(&done).iter().all(|s| s.ends_with(" done")), "{:?}", states(&done));
    let listed = || -> serde_json::Value {
        let out = heshan(&dir)
            .args(["ledger", "list", "-L", "out/ledger.gpkg", "--json", "--date", "2026-12-31"])
            .output()
            .unwrap();
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let first = listed();
    let again = good(&dir, &[]);
    assert!(states(&again).iter().all(|s| s.ends_with("up_to_date")), "{:?}", states(&again));
    // all again by force: the same findings are the same issues
    good(&dir, &["--force"]);
    assert_eq!(listed()["total"], first["total"]);
    // findings of every kind, as data-samples/README.md has them: 6 units of which 4 do not get on, 5 pits and dumps that are
    // left, 2 patches of new bare ground that no permit covers whole, 7 fires that are not out
    let kinds = |k: &str| first["issues"].as_array().unwrap().iter().filter(|i| i["kind"] == k).count();
    assert_eq!(kinds("restoration stalled"), 4);
    assert_eq!((kinds("pit or dump not dealt with"), kinds("fire point")), (5, 7));
    assert!(kinds("change outside permits") == 2 && kinds("reserve") > 0 && kinds("river corridor") > 20);
    let history =
        heshan(&dir).args(["ledger", "history", "CH2026-00001", "-L", "out/ledger.gpkg", "--json"]).output().unwrap();
    let history: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    assert_eq!(history["events"][0]["finding"]["before"]["sha256"].as_str().unwrap().len(), 64);
    let listed =
        ["bulletin.html", "bulletin.docx", "bulletin.xlsx", "quarter.html", "issues.xlsx", "issues_by_unit.xlsx"];
    let more = [
        "issues_by_mine.xlsx",
        "change.png",
        "fire_status.png",
        "restore_G1.svg",
        "terrain.png",
        "case_CH2026-00001.html",
    ];
    for name in listed.into_iter().chain(more) {
        assert!(dir.join("out").join(name).is_file(), "{name}");
    }
    let html = std::fs::read_to_string(dir.join("out/bulletin.html")).unwrap();
    assert!(!html.contains("<script"));
}
