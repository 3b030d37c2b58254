//! `heshan zonal` on rasters whose statistics are counted by hand; the figures themselves are compared with exactextract
//! in `src/analysis/zonal/tests.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use common::{failure, raster, rows, run};

const ZONES: &str = "name,wkt
half,\"POLYGON((600005 4400040,600015 4400040,600015 4400030,600005 4400030,600005 4400040))\"
dark,\"POLYGON((600000 4400030,600010 4400030,600010 4400020,600000 4400020,600000 4400030))\"
edge,\"POLYGON((600010 4400030,600050 4400030,600050 4400020,600010 4400020,600010 4400030))\"
far,\"POLYGON((700000 4400030,700010 4400030,700010 4400020,700000 4400020,700000 4400030))\"
";

#[test]
fn by_hand() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("v_20200501.tif"), (2, 2), &[1.0, 4.0, f32::NAN, 6.0]);
    raster(&d.path().join("v_20200601.tif"), (2, 2), &[2.0, 5.0, 8.0, 7.0]);
    raster(&d.path().join("weights.tif"), (2, 2), &[1.0, 3.0, 1.0, 1.0]);
    std::fs::write(d.path().join("z.csv"), ZONES).unwrap();
    let arguments = [
        "zonal",
        "v_20200601.tif",
        "v_20200501.tif",
        "--zones",
        "z.csv",
        "--crs",
        "EPSG:32648",
        "--quantiles",
        "0.5",
        "--above",
        "3.5",
        "--mode",
        "--weights",
        "weights.tif",
        "--json",
    ];
    for out in ["o.csv", "o.xlsx", "o.gpkg"] {
        let mut a = arguments.to_vec();
        a.extend(["--overwrite", "-o", out]);
        let o = run(d.path(), &a);
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
        let s: serde_json::Value = serde_json::from_slice(&o.stdout).unwrap();
        assert_eq!((&s["zones"], &s["rasters"], &s["outside"]), (&4.into(), &2.into(), &1.into()));
        // dark in May, far twice; edge twice in part
        assert_eq!((&s["unobserved"], &s["partly"]), (&3.into(), &2.into()));
    }
    let r = rows(&d.path().join("o.csv"));
    assert_eq!(r.len(), 8);
    let at = |i: usize, k: &str| r[i][k].clone();
    let number = |i: usize, k: &str| at(i, k).parse::<f64>().unwrap_or(f64::NAN);
    // May first: half of the pixel 1 and half of the pixel 4
    assert_eq!((at(0, "name"), at(0, "date")), ("half".into(), "2020-05-01".into()));
    let half = ["area_px", "count", "observed", "mean", "sum", "variance", "min", "max", "q50", "above_1", "mode"];
    let expected = [1.0, 1.0, 1.0, 2.5, 2.5, 2.25, 1.0, 4.0, 2.5, 0.5, 4.0];
    for (k, e) in half.iter().zip(expected) {
        assert!((number(0, k) - e).abs() < 1e-9, "{k} {} {e}", number(0, k));
    }
    // weights 1 and 3
    assert!((number(0, "w_mean") - 3.25).abs() < 1e-9 && (number(0, "w_sum") - 6.5).abs() < 1e-9);
    assert!((number(1, "mean") - 3.5).abs() < 1e-9);
    // nothing seen: no number
    assert_eq!(
        (at(2, "name"), at(2, "count"), at(2, "mean"), at(2, "min")),
        ("dark".into(), "0".into(), String::new(), String::new())
    );
    assert!((number(3, "mean") - 8.0).abs() < 1e-9);
    // a quarter of it lies over the raster
    assert!((number(4, "observed") - 0.25).abs() < 1e-9 && (number(4, "mean") - 6.0).abs() < 1e-9);
    assert_eq!((at(6, "name"), at(6, "covered_px"), at(6, "mean")), ("far".into(), "0".into(), String::new()));
}

#[test]
fn what_does_not_fit_is_said() {
    let d = tempfile::tempdir().unwrap();
    raster(&d.path().join("v.tif"), (2, 2), &[1.0, 4.0, 5.0, 6.0]);
    raster(&d.path().join("w.tif"), (3, 2), &[1.0; 6]);
    let far = ZONES.lines().enumerate().filter(|(i, _)| *i == 0 || *i == 4).map(|l| format!("{}\n", l.1));
    std::fs::write(d.path().join("far.csv"), far.collect::<String>()).unwrap();
    std::fs::write(d.path().join("z.csv"), ZONES).unwrap();
    for (zones, more, code, words) in [
        ("far.csv", vec![], 3, "none of the 1 zones lies over the rasters"),
        ("z.csv", vec!["--weights", "w.tif"], 3, "another grid"),
        ("z.csv", vec!["--quantiles", "50"], 2, "between 0 and 1"),
        ("z.csv", vec!["--band", "2"], 2, "band 2 is not there, of 1"),
    ] {
        let mut a = vec!["zonal", "v.tif", "--zones", zones, "--crs", "EPSG:32648", "-o", "o.csv"];
        a.extend(&more);
        let (c, said) = failure(d.path(), &a);
        assert!(c == code && said.contains(words), "{a:?}: {c} {said}");
    }
}
