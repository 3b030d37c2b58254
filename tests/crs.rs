//! CRSs against facts from outside: PROJ's own programs, GDAL, EPSG's published codes, ESRI's `.prj` texts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

use geo::{Coord, Geometry, LineString, Polygon};
use heshan::error::Lang;
use heshan::model::Crs;
use heshan::prepare::crs::{
    Datum, EDGE_TOLERANCE_M, ResolvedCrs, Transformation, Transformer, check_extent, check_features, from_geographic,
    gauss_kruger, point_scale_factor, proj_versions, resolve, resolve_layer, to_geographic, working_zone,
};
use proptest::prelude::*;

fn crs(definition: &str) -> Crs {
    Crs { definition: definition.to_owned(), code: None, name: String::new() }
}

fn resolved(definition: &str) -> ResolvedCrs {
    resolve(&crs(definition)).unwrap_or_else(|e| panic!("{definition}: {e}"))
}

fn epsg(code: u32) -> ResolvedCrs {
    resolved(&format!("EPSG:{code}"))
}

fn forward(c: &ResolvedCrs, x: f64, y: f64) -> Coord<f64> {
    let mut p = [Coord { x, y }];
    assert!(Transformer::new(c).unwrap().forward(&mut p).is_empty(), "{}", c.label());
    p[0]
}

fn inverse(c: &ResolvedCrs, lon: f64, lat: f64) -> Coord<f64> {
    let mut p = [Coord { x: lon, y: lat }];
    assert!(Transformer::new(c).unwrap().inverse(&mut p).is_empty(), "{}", c.label());
    p[0]
}

const WUHAI: (f64, f64) = (106.8122294, 39.6646965);

#[test]
fn wuhai_in_every_grid_as_cs2cs_has_it() {
    // for p in 4524 …; do echo "39.6646965 106.8122294" | cs2cs -f %.6f EPSG:4490 EPSG:$p; done   (PROJ 9.1.1;
    // northing first for 45xx). gdaltransform 3.6.2 prints 36398075.9603664 4392974.19911747 for 4524 and
    // 655512.379692885 4393869.90312241 for 4544.
    let expected = [
        (4524, 36_398_075.960_366, 4_392_974.199_117),
        (4545, 398_075.960_366, 4_392_974.199_117),
        (4523, 35_655_512.379_693, 4_393_869.903_122),
        (4544, 655_512.379_693, 4_393_869.903_122),
        (32648, 655_450.174_740, 4_392_112.355_275),
    ];
    for (code, x, y) in expected {
        let c = epsg(code);
        let p = inverse(&c, WUHAI.0, WUHAI.1);
        // the constants have six decimals
        assert!((p.x - x).abs() < 2e-6 && (p.y - y).abs() < 2e-6, "EPSG:{code}: {p:?}");
        let q = forward(&c, x, y);
        // 1e-10 degrees = 0.01 mm
        assert!((q.x - WUHAI.0).abs() < 1e-10 && (q.y - WUHAI.1).abs() < 1e-10, "EPSG:{code}: {q:?}");
    }
}

#[test]
fn wgs84_is_cgcs2000_without_a_shift() {
    let c = epsg(4326);
    let way = Transformation::to_geographic(&c, None).unwrap();
    assert!(way.is_null() && !way.accuracy().ballpark, "{way:?}");
    assert_eq!(way.warning(), None);
    // PROJ's figure for the WGS 84 ensemble: 2 m (projinfo EPSG:4326: ENSEMBLEACCURACY[2.0])
    assert_eq!(way.accuracy().metres, Some(2.0));
    assert_eq!(forward(&c, WUHAI.0, WUHAI.1), Coord { x: WUHAI.0, y: WUHAI.1 });
    let utm = Transformation::to_geographic(&epsg(32648), None).unwrap();
    assert!(utm.warning().is_none() && !utm.accuracy().ballpark);
    let own = Transformation::to_geographic(&epsg(4490), None).unwrap();
    assert!(own.is_null());
    assert_eq!(own.accuracy().metres, Some(0.0));
}

// echo "37.5 108.2 0 0" | cct -d 12 $(projinfo -k operation EPSG:15918 -o PROJ -q --single-line), and 15936
const ORDOS: (f64, f64) = (108.2, 37.5);
const ORDOS_15918: (f64, f64) = (108.200_412_257_076, 37.500_275_716_532);
const ORDOS_15936: (f64, f64) = (108.200_418_941_829, 37.500_278_274_259);

/// 1e-9 degrees = 0.1 mm.
fn near(p: Coord<f64>, q: (f64, f64)) -> bool {
    (p.x - q.0).abs() < 1e-9 && (p.y - q.1).abs() < 1e-9
}

#[test]
fn old_datums_say_that_no_accurate_shift_is_known() {
    for code in [4610, 2360, 2381] {
        let way = Transformation::to_geographic(&epsg(code), None).unwrap();
        assert!(way.accuracy().ballpark && way.accuracy().metres.is_none(), "{way:?}");
        let w = way.warning().unwrap();
        assert!(w.en.contains("no datum shift") && w.en.contains("Xian 1980"), "{}", w.en);
        assert!(w.zh.contains("精度未知"), "{}", w.zh);
    }
    // Beijing 1954 at Wuhai (39.66° N) lies outside every published area
    let b = epsg(4214);
    let way = Transformation::to_geographic(&b, Some([106.7, 39.5, 106.9, 39.8])).unwrap();
    assert!(way.accuracy().ballpark);
    let (lo, hi) = way.accuracy().published_elsewhere_m.unwrap();
    // at 108.2, 37.5 EPSG:15918 moves by 0.000412° and 0.000276°: 47.6 m
    assert!(lo > 20.0 && hi < 250.0 && lo < hi, "{lo} {hi}");
    assert!(way.warning().unwrap().en.contains("m, so expect errors of that size"));
    // but in the Ordos basin (35–39° N, 107–110° E) EPSG:15918 and 15936 hold, both to 1 m
    for c in [b, epsg(2433)] {
        let way = Transformation::to_geographic(&c, Some([108.0, 37.0, 108.5, 38.0])).unwrap();
        assert_eq!((way.accuracy().metres, way.accuracy().ballpark), (Some(1.0), false), "{way:?}");
        assert_eq!(way.warning(), None);
    }
    let way = Transformation::to_geographic(&epsg(4214), Some([108.0, 37.0, 108.5, 38.0])).unwrap();
    let mut p = [Coord { x: ORDOS.0, y: ORDOS.1 }];
    assert!(way.transformer().unwrap().forward(&mut p).is_empty());
    assert!(near(p[0], ORDOS_15918) || near(p[0], ORDOS_15936), "{p:?} by {}", way.accuracy().description);
}

#[test]
fn a_definition_with_its_own_shift_keeps_it() {
    // the shift of EPSG:15918, written out
    let c = resolved("+proj=longlat +ellps=krass +towgs84=12.646,-155.176,-80.863 +no_defs");
    assert!(c.own_shift);
    let p = forward(&c, ORDOS.0, ORDOS.1);
    assert!(near(p, ORDOS_15918), "{p:?}");
    // seven zeros are no shift
    let c = resolved(
        r#"GEOGCS["China Geodetic Coordinate System 2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101],TOWGS84[0,0,0,0,0,0,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4490"]]"#,
    );
    assert!(!c.own_shift);
    assert_eq!(c.code.as_deref(), Some("EPSG:4490"));
}

fn esri(name: &str, datum: &str, spheroid: &str, cm: f64, fe: f64) -> String {
    let (gcs, ds) = match datum {
        "China_2000" => ("GCS_China_Geodetic_Coordinate_System_2000", "D_China_2000"),
        "Xian_1980" => ("GCS_Xian_1980", "D_Xian_1980"),
        "Beijing_1954" => ("GCS_Beijing_1954", "D_Beijing_1954"),
        other => (other, other),
    };
    let geog = format!(
        r#"GEOGCS["{gcs}",DATUM["{ds}",SPHEROID[{spheroid}]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#
    );
    if name.is_empty() {
        return geog;
    }
    format!(
        r#"PROJCS["{name}",{geog},PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",{fe:.1}],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{cm:.1}],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#
    )
}

const CGCS: &str = r#""CGCS2000",6378137.0,298.257222101"#;
const IAG75: &str = r#""Xian_1980",6378140.0,298.257"#;
const KRASS: &str = r#""Krasovsky_1940",6378245.0,298.3"#;

#[test]
fn esri_prj_texts_without_code() {
    // codes as EPSG publishes them for these grids
    let cases = [
        (esri("CGCS2000_3_Degree_GK_Zone_36", "China_2000", CGCS, 108.0, 36_500_000.0), "EPSG:4524"),
        (esri("CGCS2000_3_Degree_GK_CM_108E", "China_2000", CGCS, 108.0, 500_000.0), "EPSG:4545"),
        (esri("CGCS2000_3_Degree_GK_CM_105E", "China_2000", CGCS, 105.0, 500_000.0), "EPSG:4544"),
        (esri("CGCS2000_GK_CM_105E", "China_2000", CGCS, 105.0, 500_000.0), "EPSG:4507"),
        (esri("CGCS2000_GK_Zone_18", "China_2000", CGCS, 105.0, 18_500_000.0), "EPSG:4496"),
        (esri("Xian_1980_3_Degree_GK_CM_108E", "Xian_1980", IAG75, 108.0, 500_000.0), "EPSG:2381"),
        (esri("Xian_1980_3_Degree_GK_Zone_36", "Xian_1980", IAG75, 108.0, 36_500_000.0), "EPSG:2360"),
        (esri("Xian_1980_GK_Zone_18", "Xian_1980", IAG75, 105.0, 18_500_000.0), "EPSG:2332"),
        (esri("Beijing_1954_3_Degree_GK_CM_108E", "Beijing_1954", KRASS, 108.0, 500_000.0), "EPSG:2433"),
        (esri("Beijing_1954_3_Degree_GK_Zone_36", "Beijing_1954", KRASS, 108.0, 36_500_000.0), "EPSG:2412"),
        (esri("Beijing_1954_GK_Zone_18", "Beijing_1954", KRASS, 105.0, 18_500_000.0), "EPSG:21418"),
        (esri("Beijing_1954_GK_Zone_18N", "Beijing_1954", KRASS, 105.0, 500_000.0), "EPSG:21458"),
        (esri("", "China_2000", CGCS, 0.0, 0.0), "EPSG:4490"),
        (esri("", "Xian_1980", IAG75, 0.0, 0.0), "EPSG:4610"),
        (esri("", "Beijing_1954", KRASS, 0.0, 0.0), "EPSG:4214"),
        // names of one's own, right parameters
        (esri("乌海市矿山", "China_2000", CGCS, 108.0, 36_500_000.0), "EPSG:4524"),
        (esri("unnamed", "China_2000", CGCS, 105.0, 500_000.0), "EPSG:4544"),
        (esri("Local", "D_CGCS2000", CGCS, 108.0, 500_000.0), "EPSG:4545"),
        (esri("未命名", "D_unknown", CGCS, 108.0, 36_500_000.0), "EPSG:4524"),
    ];
    for (prj, code) in cases {
        let c = resolved(&prj);
        assert_eq!(c.code.as_deref(), Some(code), "{prj}\n{c:?}");
    }
    let c = resolved(&esri("未命名", "D_unknown", CGCS, 108.0, 36_500_000.0));
    assert!(c.notes.iter().any(|n| n.en.contains("does not name its datum") && n.zh.contains("未注明基准")));
}

#[test]
fn other_ways_to_write_a_crs() {
    let wgs = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
    let gdal_wkt1 = r#"PROJCS["CGCS2000 / 3-degree Gauss-Kruger CM 105E",GEOGCS["China Geodetic Coordinate System 2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101,AUTHORITY["EPSG","1024"]],AUTHORITY["EPSG","1043"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4490"]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",105],PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AUTHORITY["EPSG","4544"]]"#;
    let cases = [
        ("4490", "EPSG:4490"),
        (" epsg:4524 ", "EPSG:4524"),
        ("urn:ogc:def:crs:EPSG::4545", "EPSG:4545"),
        (wgs, "EPSG:4326"),
        (gdal_wkt1, "EPSG:4544"),
        ("+proj=utm +zone=48 +datum=WGS84 +units=m +no_defs", "EPSG:32648"),
        ("+proj=longlat +datum=WGS84 +no_defs", "EPSG:4326"),
        ("+proj=tmerc +lat_0=0 +lon_0=108 +k=1 +x_0=36500000 +y_0=0 +ellps=GRS80 +units=m +no_defs", "EPSG:4524"),
        ("EPSG:4326+5773", "EPSG:4326"),
    ];
    for (def, code) in cases {
        assert_eq!(resolved(def).code.as_deref(), Some(code), "{def}\n{:?}", resolved(def));
    }
    // from the WKTs that PROJ's own program writes
    for code in [4490, 4524, 4545, 2381, 2433, 32648, 3857] {
        for form in ["WKT2:2019", "WKT2:2015", "WKT1:GDAL", "WKT1:ESRI"] {
            let args = [&format!("EPSG:{code}"), "-o", form, "-q", "--single-line"];
            let Ok(out) = std::process::Command::new("projinfo").args(args).output() else {
                println!("skipped: projinfo is not installed");
                return;
            };
            let c = resolved(&String::from_utf8(out.stdout).unwrap());
            assert_eq!(c.code, Some(format!("EPSG:{code}")), "{form}");
        }
    }
}

#[test]
fn a_grid_of_ones_own_is_used_as_it_stands() {
    let c = resolved(
        &esri("乌海独立坐标系", "China_2000", CGCS, 106.75, 500_000.0)
            .replace(r#""Central_Meridian",106.8"#, r#""Central_Meridian",106.75"#)
            .replace(r#""False_Northing",0.0"#, r#""False_Northing",-4000000.0"#),
    );
    assert_eq!((c.code.as_deref(), c.datum), (None, Datum::Cgcs2000));
    let gk = c.gauss_kruger.unwrap();
    assert_eq!((gk.central_meridian, gk.zone, gk.false_northing), (106.75, None, -4_000_000.0));
    // our own series is the second opinion
    let p = inverse(&c, WUHAI.0, WUHAI.1);
    let g = gauss_kruger(106.75, Coord { x: WUHAI.0, y: WUHAI.1 }).unwrap();
    assert!((p.x - 500_000.0 - g.x).abs() < 1e-6 && (p.y + 4_000_000.0 - g.y).abs() < 1e-6, "{p:?} {g:?}");
}

#[test]
fn a_code_that_contradicts_the_parameters_loses() {
    let lying = esri("CGCS2000_3_Degree_GK_CM_108E", "China_2000", CGCS, 105.0, 500_000.0)
        .replace(r#"UNIT["Meter",1.0]]"#, r#"UNIT["Meter",1.0],AUTHORITY["EPSG","4545"]]"#);
    let c = resolved(&lying);
    assert_eq!(c.code.as_deref(), Some("EPSG:4544"), "{c:?}");
    assert!(c.notes[0].en.contains("calls itself EPSG:4545"), "{:?}", c.notes);
}

#[test]
fn what_cannot_place_features_is_refused() {
    let e = resolve_layer(None).unwrap_err();
    assert_eq!(e.kind.exit_code(), 3);
    assert!(e.message(Lang::En).contains("--crs EPSG:4490"), "{e}");
    assert!(e.message(Lang::Zh).contains("--crs EPSG:4490"));
    for bad in ["EPSG:999999", "nonsense", "PROJCS[\"x\"", "+proj=nothing", "a\0b"] {
        let e = resolve(&crs(bad)).unwrap_err();
        assert!(e.message(Lang::En).contains("--crs"), "{e}");
    }
    let local = r#"LOCAL_CS["mine grid",LOCAL_DATUM["unknown",0],UNIT["metre",1],AXIS["X",EAST],AXIS["Y",NORTH]]"#;
    assert!(resolve(&crs(local)).unwrap_err().message(Lang::En).contains("local engineering grid"));
    assert!(resolve(&crs("EPSG:4479")).unwrap_err().message(Lang::En).contains("geocentric"));
    assert!(resolve(&crs("EPSG:5773")).unwrap_err().message(Lang::En).contains("height"));
    // a broken text with a good code beside it
    let c =
        resolve(&Crs { definition: "PROJCS[".into(), code: Some("EPSG:4524".into()), name: String::new() }).unwrap();
    assert_eq!(c.code.as_deref(), Some("EPSG:4524"));
    assert_eq!(c.notes.len(), 1);
}

fn all_codes() -> Vec<u32> {
    let mut v = vec![4490, 4326, 4610, 4214, 4555];
    v.extend(4491..=4554);
    v.extend(2327..=2390);
    v.extend(2401..=2442);
    v.extend(21413..=21423);
    v.extend(21453..=21463);
    v.extend(32647..=32650);
    v
}

#[test]
fn every_code_of_the_lists_resolves_to_itself_with_its_zone() {
    for code in all_codes() {
        let c = epsg(code);
        assert_eq!(c.code, Some(format!("EPSG:{code}")));
        assert!(c.area_of_use.is_some() && c.notes.is_empty(), "{c:?}");
        assert_eq!(c.geographic, [4490, 4326, 4610, 4214, 4555].contains(&code));
        let expected_zone = match code {
            4513..=4533 => Some((code - 4513 + 25, true)),
            4534..=4554 => Some((code - 4534 + 25, false)),
            2349..=2369 => Some((code - 2349 + 25, true)),
            2401..=2421 => Some((code - 2401 + 25, true)),
            4491..=4501 => Some((code - 4491 + 13, true)),
            4502..=4512 => Some((code - 4502 + 13, false)),
            21413..=21423 => Some((code - 21400, true)),
            21453..=21463 => Some((code - 21440, false)),
            _ => None,
        };
        if let Some((zone, prefixed)) = expected_zone {
            let gk = c.gauss_kruger.unwrap();
            assert_eq!((gk.zone.map(u32::from), gk.prefixed), (Some(zone), prefixed), "{code} {gk:?}");
        }
    }
}

#[test]
fn every_code_round_trips_below_a_millimetre() {
    use proptest::test_runner::{Config, TestRunner};
    for code in all_codes() {
        let c = epsg(code);
        let t = Transformer::new(&c).unwrap();
        let [w, s, e, n] = c.area_of_use.unwrap();
        let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        runner
            .run(&(w..e, s..n), |(lon, lat)| {
                let mut p = [Coord { x: lon, y: lat }];
                prop_assert!(t.inverse(&mut p).is_empty());
                prop_assert!(t.forward(&mut p).is_empty());
                // 1 mm = 9e-9 degrees of latitude
                let dx = (p[0].x - lon) * lat.to_radians().cos();
                prop_assert!(dx.hypot(p[0].y - lat) < 9e-9, "EPSG:{} at {} {}: {:?}", code, lon, lat, p[0]);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn our_series_agrees_with_proj_in_every_zone() {
    for zone in 25..=45u32 {
        let t = Transformer::new(&epsg(4534 + zone - 25)).unwrap();
        let cm = f64::from(zone) * 3.0;
        for dlon in [-3.0, -1.5, -0.3, 0.0, 1.0, 2.9] {
            for lat in [4.0, 18.0, 39.6646965, 53.5] {
                let lonlat = Coord { x: cm + dlon, y: lat };
                let mut p = [lonlat];
                assert!(t.inverse(&mut p).is_empty());
                let g = gauss_kruger(cm, lonlat).unwrap();
                // micrometre: both are good to nanometres
                assert!((p[0].x - 5e5 - g.x).abs() < 1e-6 && (p[0].y - g.y).abs() < 1e-6, "{zone} {lonlat:?}");
            }
        }
    }
}

#[test]
fn scale_factor_is_projs_and_that_of_measured_lengths() {
    // echo "LON LAT" | proj -V +proj=tmerc +lon_0=108 +ellps=GRS80   ("Parallel scale (k)", PROJ 9.1.1)
    let by_proj = [
        (106.8122294, 39.6646965, 1.000_127_85),
        (108.0, 39.7, 1.0),
        (106.5, 40.0, 1.000_201_91),
        (109.5, 20.0, 1.000_304_48),
        (111.0, 53.0, 1.000_497_59),
        (104.2, 35.5, 1.001_465_25),
    ];
    for (lon, lat, k) in by_proj {
        let got = point_scale_factor(working_zone(108.0), Coord { x: lon, y: lat }).unwrap();
        // proj prints eight decimals and differentiates by steps (it is 4.7e-9 off on the central meridian)
        assert!((got - k).abs() < 1.2e-8, "{lon} {lat}: {got} {k}");
    }
    // grid length over geodesic length of 2 km in four directions
    let (lon, lat) = (106.6, 39.7);
    let zone = working_zone(lon);
    let k = point_scale_factor(zone, Coord { x: lon, y: lat }).unwrap();
    let earth = geographiclib_rs::Geodesic::new(6_378_137.0, 1.0 / 298.257_222_101);
    let t = Transformer::new(&epsg(zone.epsg_plain.unwrap())).unwrap();
    for azimuth in [0.0, 45.0, 90.0, 170.0] {
        use geographiclib_rs::DirectGeodesic;
        let at = |d: f64| -> (f64, f64) { earth.direct(lat, lon, azimuth, d) };
        let (a, b) = (at(-1000.0), at(1000.0));
        let mut p = [Coord { x: a.1, y: a.0 }, Coord { x: b.1, y: b.0 }];
        t.inverse(&mut p);
        let grid = (p[0].x - p[1].x).hypot(p[0].y - p[1].y);
        // over ±1 km the scale changes by (1 km/R)²/2 ≈ 1e-8 in second order
        assert!((grid / 2000.0 - k).abs() < 3e-8, "{azimuth}: {} {k}", grid / 2000.0);
    }
}

/// Metres from `p` to the nearest segment of the line, in local metres.
fn off_line(p: Coord<f64>, line: &LineString<f64>) -> f64 {
    let (mx, my) = (111_194.9 * p.y.to_radians().cos(), 111_194.9);
    let local = |c: Coord<f64>| ((c.x - p.x) * mx, (c.y - p.y) * my);
    line.0
        .windows(2)
        .map(|w| {
            let ((ax, ay), (bx, by)) = (local(w[0]), local(w[1]));
            let (dx, dy) = (bx - ax, by - ay);
            let t = (-(ax * dx + ay * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
            (ax + t * dx).hypot(ay + t * dy)
        })
        .fold(f64::INFINITY, f64::min)
}

fn line_to_geographic(points: Vec<Coord<f64>>, t: &Transformer) -> LineString<f64> {
    match to_geographic(&LineString::new(points).into(), t).unwrap() {
        Geometry::LineString(l) => l,
        other => panic!("a line became {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edges_follow_the_source_within_the_tolerance(
        x in 300_000.0..700_000.0f64, y in 2_000_000.0..5_900_000.0f64,
        length in 1.0..60_000.0f64, azimuth in 0.0..std::f64::consts::TAU,
    ) {
        let t = Transformer::new(&epsg(4545)).unwrap();
        let (a, b) = (Coord { x, y }, Coord { x: x + length * azimuth.sin(), y: y + length * azimuth.cos() });
        let line = line_to_geographic(vec![a, b], &t);
        let mut on_edge: Vec<_> = (0..=997)
            .map(|i| f64::from(i) / 997.0)
            .map(|f| Coord { x: a.x + (b.x - a.x) * f, y: a.y + (b.y - a.y) * f })
            .collect();
        prop_assert!(t.forward(&mut on_edge).is_empty());
        for p in on_edge {
            let d = off_line(p, &line);
            prop_assert!(d <= EDGE_TOLERANCE_M, "{} m off, {} points", d, line.0.len());
        }
        // neighbours share a boundary: the other direction gives the same points
        let mut back = line_to_geographic(vec![b, a], &t);
        back.0.reverse();
        prop_assert_eq!(back, line);
    }
}

#[test]
fn geometries_keep_their_shape() {
    let t = Transformer::new(&epsg(4524)).unwrap();
    let ring = |x: f64, y: f64, d: f64| LineString::from(vec![(x, y), (x + d, y), (x + d, y + d), (x, y + d), (x, y)]);
    let p = Polygon::new(ring(36_398_000.0, 4_392_000.0, 90.0), vec![ring(36_398_010.0, 4_392_010.0, 20.0)]);
    let Geometry::Polygon(q) = to_geographic(&p.clone().into(), &t).unwrap() else { panic!("polygon") };
    // short edges get no points; rings stay closed to the bit
    assert_eq!((q.exterior().0.len(), q.interiors()[0].0.len()), (5, 5));
    assert_eq!(q.exterior().0.first(), q.exterior().0.last());
    let Geometry::Polygon(back) = from_geographic(&q.into(), &t).unwrap() else { panic!("polygon") };
    for (a, b) in p.exterior().0.iter().zip(&back.exterior().0) {
        assert!((a.x - b.x).abs() < 1e-6 && (a.y - b.y).abs() < 1e-6, "{a:?} {b:?}");
    }
    // longitude/latitude passes bit for bit, long edges too
    let g: Geometry<f64> = Polygon::new(ring(106.0, 39.0, 1.0), vec![]).into();
    assert_eq!(to_geographic(&g, &Transformer::new(&epsg(4326)).unwrap()).unwrap(), g);
    // a point that PROJ refuses is named
    let bad: Geometry<f64> = geo::Point::new(f64::NAN, 1.0).into();
    let e = to_geographic(&bad, &t).unwrap_err();
    assert!(e.message(Lang::En).contains("(NaN, 1) cannot be transformed"), "{e}");
}

#[test]
fn failed_points_are_reported_one_by_one() {
    let t = Transformer::new(&epsg(4545)).unwrap();
    let mut p = [Coord { x: 5e5, y: 4e6 }, Coord { x: f64::INFINITY, y: 0.0 }, Coord { x: 4e5, y: 4.1e6 }];
    assert_eq!(t.forward(&mut p), vec![1]);
    assert!((p[0].x - 108.0).abs() < 1e-12 && p[2].x < 108.0);
}

fn refusal(code: u32, b: [f64; 4]) -> (String, String) {
    let e = check_extent(&epsg(code), b).unwrap_err();
    assert_eq!(e.kind.exit_code(), 3);
    (e.message(Lang::En), e.message(Lang::Zh))
}

const IN_36: [f64; 4] = [36_390_000.0, 4_380_000.0, 36_410_000.0, 4_400_000.0];
const PLAIN: [f64; 4] = [390_000.0, 4_380_000.0, 410_000.0, 4_400_000.0];

#[test]
fn coordinates_that_fit_pass() {
    for (code, b) in [
        (4490, [106.7, 39.5, 106.9, 39.8]),
        (4326, [106.7, 39.5, 106.9, 39.8]),
        (4326, [-106.7, 35.0, -106.5, 36.0]),
        (4524, IN_36),
        (4545, PLAIN),
        (32648, [650_000.0, 4_380_000.0, 660_000.0, 4_400_000.0]),
        (3857, [11_880_000.0, 4_810_000.0, 11_900_000.0, 4_830_000.0]),
    ] {
        assert_eq!(check_extent(&epsg(code), b).unwrap(), vec![], "EPSG:{code}");
    }
}

#[test]
fn swapped_axes_are_named() {
    for (code, b, says) in [
        (4490, [39.5, 106.7, 39.8, 106.9], "x looks like latitude"),
        (4326, [39.5, 106.7, 39.8, 106.9], "x looks like latitude"),
        (4326, [39.5, 76.0, 39.8, 77.0], "x looks like latitude"),
        (4490, [39.5, 76.0, 39.8, 77.0], "x looks like latitude"),
        (4524, [4_380_000.0, 36_390_000.0, 4_400_000.0, 36_410_000.0], "x looks like northing"),
        (4545, [4_380_000.0, 390_000.0, 4_400_000.0, 410_000.0], "x looks like northing"),
        (32648, [4_380_000.0, 650_000.0, 4_400_000.0, 660_000.0], "x looks like northing"),
    ] {
        let (en, zh) = refusal(code, b);
        assert!(en.contains("the axes are swapped") && en.contains(says) && en.contains("to mend it"), "{en}");
        assert!(zh.contains("坐标轴颠倒"), "{zh}");
    }
}

#[test]
fn wrong_zones_and_units_are_named_with_the_code_they_look_like() {
    let degrees = [106.7, 39.5, 106.9, 39.8];
    for (code, b, says) in [
        (4545, IN_36, &["eastings begin with 36", "this looks like EPSG:4524", "--crs EPSG:4524"][..]),
        (4523, IN_36, &["begin with 36", "begin with 35", "EPSG:4524"]),
        (4524, PLAIN, &["no zone number", "EPSG:4545"]),
        (2381, IN_36, &["EPSG:2360"]),
        (4544, [18_390_000.0, 4_380_000.0, 18_410_000.0, 4_400_000.0], &["begin with 18", "EPSG:4496"]),
        (32648, IN_36, &["EPSG:4524"]),
        (4524, degrees, &["look like degrees", "EPSG:4490"]),
        (2381, degrees, &["look like degrees", "EPSG:4610"]),
        (4490, IN_36, &["look like metres", "eastings begin with 36", "EPSG:4524"]),
        (4326, PLAIN, &["look like metres"]),
        (4490, [106.7, 95.0, 106.9, 99.0], &["no positions on the earth"]),
        (4490, [f64::NAN, 39.0, 106.9, 39.8], &["not numbers"]),
    ] {
        let (en, zh) = refusal(code, b);
        for s in says {
            assert!(en.contains(s), "EPSG:{code}: “{s}” is not in: {en}");
        }
        assert!(zh.contains("处理办法"), "{zh}");
    }
    let (_, zh) = refusal(4545, IN_36);
    assert!(zh.contains("横坐标以 36 开头") && zh.contains("像是 EPSG:4524"), "{zh}");
    let (_, zh) = refusal(4524, degrees);
    assert!(zh.contains("像是经纬度"), "{zh}");
}

#[test]
fn outside_the_area_of_use() {
    // nearly 114° E in the grid of 108° E: a warning
    let w = check_extent(&epsg(4545), [980_000.0, 4_380_000.0, 999_000.0, 4_400_000.0]).unwrap();
    assert!(w[0].en.contains("outside the area of use of EPSG:4545"), "{w:?}");
    assert!(w[0].zh.contains("适用范围"));
    // another continent: refused
    let (en, _) = refusal(4490, [-106.9, 39.5, -106.7, 39.8]);
    assert!(en.contains("outside the area of use"), "{en}");
}

#[test]
fn few_bad_features_are_set_aside_and_many_refuse_the_layer() {
    let other = [35_650_000.0, 4_380_000.0, 35_660_000.0, 4_400_000.0];
    let c = epsg(4524);
    let r = check_features(&c, &[(1, IN_36), (2, other), (3, IN_36), (4, [0.0; 4]), (5, IN_36)]).unwrap();
    assert_eq!(r.unfit.iter().map(|u| u.0).collect::<Vec<_>>(), vec![2, 4]);
    assert!(r.unfit[0].1.text.en.contains("EPSG:4523"), "{r:?}");
    assert_eq!(r.warnings, vec![]);
    let e = check_features(&c, &[(1, IN_36), (2, other), (3, other)]).unwrap_err();
    assert!(e.message(Lang::En).contains("EPSG:4523"), "{e}");
    assert_eq!(check_features(&c, &[]).unwrap(), Default::default());
}

#[test]
fn resolved_crs_and_way_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<ResolvedCrs>();
    shared::<Transformation>();
    use rayon::prelude::*;
    let way = Transformation::to_geographic(&epsg(4524), None).unwrap();
    let mut all: Vec<Coord<f64>> = (0..1000).map(|i| Coord { x: 36_390_000.0 + f64::from(i), y: 4.39e6 }).collect();
    let one_by_one = |t: &mut Transformer, c: &Coord<f64>| {
        let mut p = [*c];
        t.forward(&mut p);
        p[0]
    };
    let moved: Vec<_> = all.par_iter().map_init(|| way.transformer().unwrap(), one_by_one).collect();
    way.transformer().unwrap().forward(&mut all);
    assert_eq!(all, moved);
}

#[test]
#[allow(unsafe_code, reason = "GDAL's C function has no safe wrapper")]
fn one_copy_of_proj_in_the_process() {
    let v = proj_versions();
    assert!(v.epsg.as_deref().is_some_and(|e| e.starts_with('v')), "{v:?}");
    // GDAL's PROJ and ours answer with one version …
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: three places for three numbers
    unsafe { gdal_sys::OSRGetPROJVersion(&mut major, &mut minor, &mut patch) };
    assert_eq!(v.library, format!("{major}.{minor}.{patch}"));
    // … and there is one library file, in which our symbol lies (a static copy would lie in the test binary)
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        println!("skipped: no /proc/self/maps on this system");
        return;
    };
    let mut files: Vec<&str> =
        maps.lines().filter_map(|l| l.split_whitespace().nth(5)).filter(|f| f.contains("/libproj")).collect();
    files.dedup();
    assert_eq!(files.len(), 1, "PROJ is linked more than once: {files:?}");
    let symbol = proj_sys::proj_create as *const () as usize;
    let home = maps.lines().find(|l| {
        let mut ends = l.split([' ', '-']).take(2).filter_map(|h| usize::from_str_radix(h, 16).ok());
        matches!((ends.next(), ends.next()), (Some(a), Some(b)) if (a..b).contains(&symbol))
    });
    assert!(home.is_some_and(|l| l.contains("/libproj")), "proj_create lies in {home:?}");
}
