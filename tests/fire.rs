//! `heshan fire`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use common::{run, shared};
use serde_json::Value as Json;

fn json(dir: &std::path::Path, arguments: &[&str]) -> Json {
    let mut all = vec!["fire"];
    all.extend(arguments);
    all.push("--json");
    let o = run(dir, &all);
    assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

/// The two files of one FIRMS delivery hold 28,836 detections between them, in whatever order and however often they come.
#[test]
fn both_files_of_a_delivery_are_one_set_of_detections() {
    let Some(dir) = shared("data/open/firms_modis") else { return };
    let day = dir.join("MODIS_C6_Global_24h_20181203.csv").display().to_string();
    let both = dir.join("MODIS_C6_Global_48h_20181203.csv").display().to_string();
    let d = tempfile::tempdir().unwrap();
    let s = json(d.path(), &["import", &both, &day, "-o", "a.fgb"]);
    assert_eq!(s["rows"], 28_836 + 19_290);
    assert_eq!(s["detections"], 28_836);
    assert_eq!(s["repeats"]["same"], 19_290);
}
