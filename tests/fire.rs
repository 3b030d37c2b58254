//! `heshan fire`: the scripted series of the sample project, FIRMS files with faults, and what must hold for any input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use common::{failure, names, run, shared};
use geo::{Coord, MultiPolygon, polygon};
use heshan::analysis::fire::repeats::{RepeatOptions, settle};
use heshan::analysis::fire::tracks::{TrackOptions, tracks};
use heshan::model::{Delivery, FirePoint, FireState, Layer, Look};
use heshan::read::vector::{ReadOptions, SourceName, layer};
use proptest::prelude::*;
use serde_json::Value as Json;

fn sample(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data-samples").join(name).display().to_string()
}

/// Runs a subcommand; its summary. Ends with 0 or, where rows were set aside, 1.
fn json(dir: &Path, arguments: &[&str]) -> Json {
    let mut all = vec!["fire"];
    all.extend(arguments);
    all.push("--json");
    let o = run(dir, &all);
    assert!(matches!(o.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

type Rows = Vec<BTreeMap<String, String>>;

fn rows_of(l: &Layer) -> Rows {
    let row = |f: &heshan::model::Feature| {
        l.info.schema.fields.iter().zip(&f.values).map(|(n, v)| (n.name.clone(), v.to_display())).collect()
    };
    l.features.iter().map(row).collect()
}

fn table(path: &Path, name: &str) -> Rows {
    let name = SourceName { path: path.to_path_buf(), layer: Some(name.into()) };
    rows_of(&layer(&name, &ReadOptions::default()).unwrap())
}

fn csv(path: &str) -> Rows {
    let mut r = csv_reader(path);
    let header = r.headers().unwrap().clone();
    let row = |x: Result<csv::StringRecord, csv::Error>| {
        header.iter().zip(&x.unwrap()).map(|(h, v)| (h.to_owned(), v.to_owned())).collect()
    };
    r.records().map(row).collect()
}

fn csv_reader(path: &str) -> csv::Reader<std::fs::File> {
    csv::ReaderBuilder::new().from_path(path).unwrap()
}

/// Options that track the scripted series.
fn scripted(seen: &str) -> Vec<String> {
    let list = [
        "track",
        seen,
        "--crs",
        "EPSG:4326",
        "--allow-skipped",
        "--looks",
        &sample("fires_looks.geojson"),
        "--clouds",
        &sample("fires_clouds.geojson"),
        "--heat-mask",
        &sample("fires_known_heat.geojson"),
        "--sites",
        &sample("sites_wuhai.gpkg"),
        "--rivers",
        &sample("rivers.geojson"),
    ];
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn track(dir: &Path, seen: &str, more: &[&str]) -> Json {
    let mut all = scripted(seen);
    all.extend(more.iter().map(|s| (*s).to_owned()));
    json(dir, &all.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_scripted_series_gives_its_designed_fires() {
    let d = tempfile::tempdir().unwrap();
    let s = track(d.path(), &sample("fires_seen.csv"), &["-o", "t.gpkg"]);
    let found = table(&d.path().join("t.gpkg"), "fire_tracks");
    let designed = csv(&sample("fires_designed.csv"));
    assert_eq!(found.len(), designed.len(), "{s}");
    assert_eq!(s["industrial"], 1);
    let places = layer(
        &SourceName { path: d.path().join("t.gpkg"), layer: Some("fire_tracks".into()) },
        &ReadOptions::default(),
    )
    .unwrap();
    for want in &designed {
        let near = |f: &heshan::model::Feature| match &f.geometry {
            Some(geo::Geometry::Point(p)) => {
                let off = |a: f64, k: &str| (a - want[k].parse::<f64>().unwrap()).abs();
                off(p.x(), "lon") < 1e-7 && off(p.y(), "lat") < 1e-7
            }
            _ => false,
        };
        let at = places.features.iter().position(near).unwrap_or_else(|| panic!("{} is not there", want["fire"]));
        let keys = [
            "state",
            "points",
            "passes",
            "clear_n",
            "hidden_n",
            "relapses",
            "first_seen",
            "last_seen",
            "open_since",
            "out_first",
            "out_sure",
            "industrial",
            "site_id",
        ];
        for key in keys {
            assert_eq!(found[at][key], want[key], "{} of {}", key, want["fire"]);
        }
        // heshan screen gives its own distance, which tests/corridor.rs holds to geodesics
        assert!(found[at]["river_m"].parse::<f64>().unwrap() > 100.0);
    }
    // a detection of each fire, and of no other
    let members = table(&d.path().join("t.gpkg"), "fire_members");
    let seen = csv(&sample("fires_seen.csv"));
    assert_eq!(members.len(), seen.len());
}

#[test]
fn day_by_day_and_twice_is_what_comes_at_once() {
    let d = tempfile::tempdir().unwrap();
    let at = |n: &str| d.path().join(n).display().to_string();
    let text = std::fs::read_to_string(sample("fires_seen.csv")).unwrap();
    let (head, body) = text.split_once('\n').unwrap();
    let lines: Vec<&str> = body.lines().collect();
    track(d.path(), &sample("fires_seen.csv"), &["-o", "once.gpkg"]);
    // the later half first, then all of it, then the first half again
    let half = lines.len() / 2;
    for (i, part) in [&lines[half..], &lines[..], &lines[..half]].into_iter().enumerate() {
        let mut part = part.to_vec();
        part.reverse();
        std::fs::write(at(&format!("{i}.csv")), format!("{head}\n{}\n", part.join("\n"))).unwrap();
        json(d.path(), &["import", &format!("{i}.csv"), "-o", "store.gpkg", "--update"]);
        track(d.path(), "store.gpkg", &["-o", "days.gpkg", "--update"]);
    }
    let (once, days) = (d.path().join("once.gpkg"), d.path().join("days.gpkg"));
    for name in ["fire_tracks", "fire_members", "fire_events"] {
        assert_eq!(table(&once, name), table(&days, name), "{name}");
    }
    // K2, K4 and others were first known by a later detection: their former identifiers lead to those of now
    let ids: Vec<String> = table(&days, "fire_tracks").into_iter().map(|r| r["track_id"].clone()).collect();
    let aliases = table(&days, "fire_aliases");
    assert!(!aliases.is_empty());
    for a in &aliases {
        assert_eq!(a["fate"], "renamed");
        assert!(ids.contains(&a["track_id"]) && !ids.contains(&a["old_id"]), "{a:?}");
    }
    assert!(table(&once, "fire_aliases").is_empty());
}

#[test]
fn status_tells_the_day_and_the_curve() {
    let d = tempfile::tempdir().unwrap();
    track(d.path(), &sample("fires_seen.csv"), &["-o", "t.gpkg"]);
    let s = json(d.path(), &["status", "t.gpkg", "-o", "s.gpkg", "--lang", "zh"]);
    // K1 K3 K4 K5 K7 K8 are open; K2 is out; K6 counts apart
    assert_eq!(
        (&s["date"], &s["open"], &s["found"], &s["industrial"]),
        (&"2026-08-03".into(), &6.into(), &1.into(), &1.into())
    );
    assert_eq!(s["states"], serde_json::json!({"new": 1, "active": 3, "suspected_out": 1, "out": 1, "relapsed": 1}));
    let e = &s["extinction"];
    // K2 took 40 days to its first clear look, K3 32; K3 came back
    assert_eq!((&e["went_out"], &e["still_open"], &e["came_back"]), (&2.into(), &6.into(), &1.into()));
    assert_eq!(e["median_days_of_those_out"], 36.0);
    assert_eq!(e["median_days"], Json::Null);
    assert_eq!(s["open_fires"].as_array().unwrap().len(), 6);
    assert_eq!(
        names(d.path()),
        ["s.gpkg", "s.json", "s.manifest.json", "s.png", "s.svg", "s.xlsx", "s_days.csv", "t.gpkg", "t.manifest.json"]
    );
    let days = table(&d.path().join("s.gpkg"), "fire_days");
    let open = |day: &str| days.iter().find(|r| r["day"] == day).map(|r| r["open"].clone()).unwrap();
    // K1..K5 from the first day; K3 out on 21 April, K2 on the 29th; K8 on 23 May, K3 back on 8 June, K7 on 3 August
    for (day, n) in [
        ("2026-03-04", "5"),
        ("2026-04-20", "5"),
        ("2026-04-21", "4"),
        ("2026-04-29", "3"),
        ("2026-05-23", "4"),
        ("2026-06-08", "5"),
        ("2026-08-02", "5"),
        ("2026-08-03", "6"),
    ] {
        assert_eq!(open(day), n, "{day}");
    }
    let s = json(d.path(), &["status", "t.gpkg", "-o", "e.gpkg", "--date", "2026-04-29"]);
    assert_eq!((&s["open"], &s["out"]), (&3.into(), &1.into()));
    let svg = std::fs::read_to_string(d.path().join("s.svg")).unwrap();
    assert!(svg.contains("火点动态清零曲线"));
    let (code, said) = failure(d.path(), &["fire", "status", "t.gpkg", "-o", "f.gpkg", "--date", "2020-01-01"]);
    assert!(code == 2 && said.contains("nothing burned"), "{said}");
}

#[test]
fn rows_of_firms_with_faults_are_handled_and_counted() {
    let d = tempfile::tempdir().unwrap();
    let s = json(d.path(), &["import", &sample("fires_firms.csv"), "-o", "a.gpkg"]);
    assert_eq!(
        (&s["rows"], &s["detections"], &s["used"], &s["skipped"]),
        (&12.into(), &6.into(), &4.into(), &5.into())
    );
    assert_eq!(s["repeats"], serde_json::json!({"same": 1, "archive": 1, "pass": 1}));
    let reasons = [
        "coordinates_unfit",
        "hour_24",
        "missing_satellite",
        "missing_time",
        "null_geometry",
        "value_unread",
        "wrong_time",
    ];
    for r in reasons {
        assert_eq!(s["reasons"][r], 1, "{r}: {s}");
    }
    let rows = table(&d.path().join("a.gpkg"), "fire_points");
    let times: Vec<&str> = rows.iter().map(|r| r["time_utc"].as_str()).collect();
    assert_eq!(
        times,
        [
            "2026-06-10T05:42:00Z",
            "2026-06-10T05:42:00Z",
            "2026-06-10T06:30:00Z",
            "2026-06-13T00:00:00Z",
            "2026-07-01T00:30:00Z",
            "2026-07-01T06:00:00Z"
        ]
    );
    let pass = rows.iter().find(|r| r["repeats"] == "pass").unwrap();
    assert_eq!(pass["satellite"], "Suomi NPP");
    let archive = rows.iter().find(|r| r["repeats"] == "archive").unwrap();
    assert_eq!((archive["delivery"].as_str(), archive["version"].as_str()), ("nrt", "2.0NRT"));
    // twice into the store: nothing new; the exit code says that rows were set aside
    let again = json(d.path(), &["import", &sample("fires_firms.csv"), "-o", "a.gpkg", "--update"]);
    assert_eq!((&again["added"], &again["detections"]), (&0.into(), &6.into()));
    assert_eq!(table(&d.path().join("a.gpkg"), "fire_points"), rows);
    let o = run(d.path(), &["fire", "import", &sample("fires_firms.csv"), "-o", "b.gpkg"]);
    assert_eq!(o.status.code(), Some(1));
    let (code, said) = failure(d.path(), &["fire", "import", &sample("fires_firms.csv"), "-o", "c.gpkg", "--strict"]);
    assert!(code == 3 && said.contains("--strict"), "{said}");
}

/// Other order of columns, a byte order mark, other names, a shapefile: the same detections.
#[test]
fn the_same_rows_in_other_forms_are_the_same_detections() {
    let d = tempfile::tempdir().unwrap();
    let rows = ["39.5,106.7,Terra,2026-06-01,0005,61", "39.6,106.8,Aqua,2026-06-01,1230,12"];
    let plain = format!("latitude,longitude,satellite,acq_date,acq_time,confidence\n{}\n", rows.join("\n"));
    std::fs::write(d.path().join("plain.csv"), &plain).unwrap();
    let turned: Vec<String> = plain
        .lines()
        .map(|l| {
            let mut c: Vec<&str> = l.split(',').collect();
            c.reverse();
            c.join(",")
        })
        .collect();
    std::fs::write(d.path().join("turned.csv"), format!("\u{feff}{}\n", turned.join("\n"))).unwrap();
    let renamed =
        plain.replace("satellite", "源").replace("acq_date", "天").replace("acq_time", "点").replace(",0005,", ",5,");
    std::fs::write(d.path().join("renamed.csv"), renamed).unwrap();
    let ids = |file: &str, more: &[&str]| -> Vec<String> {
        let mut all = vec!["import", file, "-o", "o.gpkg", "--overwrite"];
        all.extend(more);
        json(d.path(), &all);
        table(&d.path().join("o.gpkg"), "fire_points").into_iter().map(|r| r["fire_id"].clone()).collect()
    };
    let want = ids("plain.csv", &[]);
    assert_eq!(want.len(), 2);
    assert_eq!(ids("turned.csv", &[]), want);
    assert_eq!(ids("renamed.csv", &["--field", "satellite=源", "--field", "date=天", "--field", "time=点"]), want);
    // as FIRMS's shapefiles: capitals, a date field, a time of four digits
    let sql = "SELECT latitude AS LATITUDE, longitude AS LONGITUDE, satellite AS SATELLITE, CAST(acq_date AS date) AS ACQ_DATE, acq_time AS ACQ_TIME, CAST(confidence AS integer(4)) AS CONFIDENCE FROM plain";
    let made = common::tool(
        "ogr2ogr",
        &[
            "-f",
            "ESRI Shapefile",
            &d.path().join("firms.shp").display().to_string(),
            &d.path().join("plain.csv").display().to_string(),
            "-oo",
            "X_POSSIBLE_NAMES=longitude",
            "-oo",
            "Y_POSSIBLE_NAMES=latitude",
            "-a_srs",
            "EPSG:4326",
            "-sql",
            sql,
        ],
    );
    if made.is_some() {
        assert_eq!(ids("firms.shp", &[]), want);
    }
    // a file that was cut off in its last row, into a shapefile and again
    std::fs::write(d.path().join("cut.csv"), format!("{plain}39.7,106.9,Ter")).unwrap();
    for (added, stored) in [(2, 0), (0, 2)] {
        let s = json(d.path(), &["import", "cut.csv", "-o", "s.shp", "--update"]);
        assert_eq!(
            (&s["added"], &s["stored_before"], &s["reasons"]["wrong_columns"]),
            (&added.into(), &stored.into(), &1.into())
        );
    }
    let (code, said) = failure(d.path(), &["fire", "import", "renamed.csv", "-o", "x.gpkg"]);
    assert!(code == 3 && said.contains("no field tells when") && said.contains("--field date="), "{said}");
    let (code, said) = failure(d.path(), &["fire", "import", "plain.csv", "-o", "x.gpkg", "--field", "frp=MW"]);
    assert!(code == 2 && said.contains("there is no such field"), "{said}");
    assert!(!d.path().join("x.gpkg").exists());
}

/// The two files of one FIRMS delivery hold 28,836 detections between them, in whatever order and however often they come.
#[test]
fn both_files_of_a_delivery_are_one_set_of_detections() {
    let Some(dir) = shared("data/open/firms_modis") else { return };
    let day = dir.join("MODIS_C6_Global_24h_20181203.csv").display().to_string();
    let both = dir.join("MODIS_C6_Global_48h_20181203.csv").display().to_string();
    let d = tempfile::tempdir().unwrap();
    let s = json(d.path(), &["import", &both, &day, "-o", "a.gpkg"]);
    assert_eq!(
        (&s["rows"], &s["detections"], &s["repeats"]["same"]),
        (&(28_836 + 19_290).into(), &28_836.into(), &19_290.into())
    );
    for file in [&day, &both, &day, &both] {
        json(d.path(), &["import", file, "-o", "b.gpkg", "--update"]);
    }
    let (a, b) = (d.path().join("a.gpkg"), d.path().join("b.gpkg"));
    assert_eq!(table(&a, "fire_points"), table(&b, "fire_points"));
    for (store, threads) in [("a.gpkg", "1"), ("b.gpkg", "3")] {
        json(d.path(), &["track", store, "-o", &format!("t{store}"), "--threads", threads]);
    }
    let (a, b) = (d.path().join("ta.gpkg"), d.path().join("tb.gpkg"));
    for name in ["fire_tracks", "fire_members"] {
        assert_eq!(table(&a, name), table(&b, name), "{name}");
    }
    assert_eq!(table(&a, "fire_members").len(), 28_836);
    // without looks nothing is out
    assert!(table(&a, "fire_tracks").iter().all(|t| t["state"] == "new" || t["state"] == "active"));
}

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + Duration::hours(hours)
}

fn point(x: f64, y: f64, hours: i64, satellite: usize, delivery: Delivery) -> FirePoint {
    let (name, instrument, pixel) = [
        ("Terra", "MODIS", 1000.0),
        ("Suomi NPP", "VIIRS", 375.0),
        ("NOAA-20", "VIIRS", 375.0),
        ("Landsat 8", "OLI", 30.0),
    ][satellite];
    let lonlat = Coord { x: 106.7 + x / 86_000.0, y: 39.5 + y / 111_000.0 };
    let mut p = FirePoint::new(name, instrument, at(hours), lonlat, [pixel, pixel]);
    p.delivery = delivery;
    p
}

fn points() -> impl Strategy<Value = Vec<FirePoint>> {
    let one = (0.0f64..4000.0, 0.0f64..4000.0, 0i64..4000, 0usize..4, 0usize..3).prop_map(|(x, y, h, s, d)| {
        let delivery = [Delivery::RealTime, Delivery::NearRealTime, Delivery::Archive][d];
        // places on a raster, so that many are near each other and some are the same
        point((x / 60.0).round() * 60.0, (y / 60.0).round() * 60.0, h, s, delivery)
    });
    prop::collection::vec(one, 1..50)
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let one = (0i64..4500, 0usize..4, 0.0f64..4000.0, any::<bool>()).prop_map(|(h, s, cloud, clear)| {
        let p = point(0.0, 0.0, h, s, Delivery::Archive);
        let east = 106.7 + cloud / 86_000.0;
        let area = polygon![(x: 106.6, y: 39.4), (x: 106.9, y: 39.4), (x: 106.9, y: 39.7), (x: 106.6, y: 39.7)];
        let hidden = polygon![(x: 106.6, y: 39.4), (x: east, y: 39.4), (x: east, y: 39.7), (x: 106.6, y: 39.7)];
        Look {
            id: format!("{h}-{s}"),
            time: p.time,
            satellite: p.satellite,
            instrument: p.instrument,
            pixel_m: p.pixel_m[0],
            sees: None,
            footprint: MultiPolygon(vec![area]),
            hidden: MultiPolygon(if clear { Vec::new() } else { vec![hidden] }),
        }
    });
    prop::collection::vec(one, 0..30).prop_map(|mut l| {
        l.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        l
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// In any order of arrival, in one go or batch by batch into the store, or twice.
    #[test]
    fn the_order_of_arrival_does_not_show(
        all in points(), looks in looks(), keys in prop::collection::vec(any::<u32>(), 50), cut in 0usize..50,
    ) {
        let o = RepeatOptions::default();
        let (once, _) = settle(all.clone(), &o);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|i| keys[*i % keys.len()]);
        let shuffled: Vec<FirePoint> = order.iter().map(|i| all[*i].clone()).collect();
        let cut = cut.min(shuffled.len());
        let (mut store, _) = settle(shuffled[..cut].to_vec(), &o);
        store.extend(shuffled[cut..].iter().cloned());
        store.extend(shuffled.iter().cloned());
        let (store, _) = settle(store, &o);
        prop_assert_eq!(&once, &store);
        let of = |p: &[FirePoint]| tracks(p, &looks, at(5000), &TrackOptions::default());
        prop_assert_eq!(of(&once), of(&store));
    }

    /// Out only where three looks in which no cloud lay over any detection of the last ten days came after the last heat.
    #[test]
    fn a_fire_is_out_only_where_it_was_seen_to_be(all in points(), looks in looks()) {
        let (points, _) = settle(all, &RepeatOptions::default());
        for t in tracks(&points, &looks, at(5000), &TrackOptions::default()) {
            let heat: Vec<&FirePoint> = t.members.iter().map(|i| &points[*i as usize]).collect();
            let last = heat[heat.len() - 1].time;
            let recent = || heat.iter().filter(|p| p.time >= last - Duration::days(10));
            let clear = looks.iter().filter(|l| {
                use geo::Intersects;
                l.time >= last
                    && recent().all(|p| !l.hidden.intersects(&geo::Point(p.lonlat)))
                    && !heat.iter().any(|p| p.satellite == l.satellite && (p.time - l.time).num_seconds().abs() <= 900)
            });
            let n = clear.count();
            prop_assert!(t.state != FireState::Out || n >= 3, "{n} clear looks: {t:?}");
            prop_assert_eq!(t.state == FireState::Out, t.clear_looks >= 3);
            prop_assert!(t.clear_looks <= n);
        }
    }
}

#[test]
fn under_cloud_nothing_is_ever_out() {
    let seen: Vec<FirePoint> = (0..5).map(|k| point(0.0, 0.0, 200 * k, 3, Delivery::Archive)).collect();
    let area = |w: f64, e: f64| {
        MultiPolygon(vec![polygon![(x: w, y: 39.4), (x: e, y: 39.4), (x: e, y: 39.7), (x: w, y: 39.7)]])
    };
    let look = |k: i64, hidden: MultiPolygon<f64>| Look {
        id: k.to_string(),
        time: at(1000 + 200 * k),
        satellite: "Landsat 8".into(),
        instrument: "OLI".into(),
        pixel_m: 30.0,
        sees: None,
        footprint: area(106.6, 106.9),
        hidden,
    };
    let state = |looks: Vec<Look>| {
        let t = tracks(&seen, &looks, at(10_000), &TrackOptions::default()).remove(0);
        (t.state, t.clear_looks, t.hidden_looks)
    };
    assert_eq!(state((0..30).map(|k| look(k, area(106.65, 106.75))).collect()), (FireState::Active, 0, 30));
    assert_eq!(state((0..30).map(|k| look(k, area(106.75, 106.85))).collect()), (FireState::Out, 30, 0));
    // looks of MODIS say nothing of a fire of 30 m
    let coarse = (0..30).map(|k| Look { pixel_m: 1000.0, ..look(k, MultiPolygon(Vec::new())) }).collect();
    assert_eq!(state(coarse), (FireState::Active, 0, 0));
    assert_eq!(state(Vec::new()), (FireState::Active, 0, 0));
}

#[test]
fn late_detections_that_join_two_fires_are_told() {
    let d = tempfile::tempdir().unwrap();
    let row = |x: f64, day: u32| format!("39.5,{x:.5},Landsat 8,2026-06-{day:02}T03:40:00Z");
    let write = |name: &str, rows: &[String]| {
        std::fs::write(d.path().join(name), format!("lat,lon,satellite,time_utc\n{}\n", rows.join("\n"))).unwrap();
    };
    // 30 m is 0.00035°: the middle one touches both, which lie 60 m apart
    write("apart.csv", &[row(106.70000, 1), row(106.70070, 2)]);
    write("middle.csv", &[row(106.70035, 3)]);
    json(d.path(), &["import", "apart.csv", "-o", "s.gpkg"]);
    json(d.path(), &["track", "s.gpkg", "-o", "t.gpkg"]);
    let two = table(&d.path().join("t.gpkg"), "fire_tracks");
    assert_eq!(two.len(), 2);
    json(d.path(), &["import", "middle.csv", "-o", "s.gpkg", "--update"]);
    let s = json(d.path(), &["track", "s.gpkg", "-o", "t.gpkg", "--update"]);
    assert_eq!((&s["tracks"], &s["identifiers"]["merged"]), (&1.into(), &1.into()));
    let one = table(&d.path().join("t.gpkg"), "fire_tracks");
    let aliases = table(&d.path().join("t.gpkg"), "fire_aliases");
    assert_eq!(one[0]["track_id"], two[0]["track_id"]);
    assert_eq!(
        (&aliases[0]["old_id"], &aliases[0]["track_id"], aliases[0]["fate"].as_str()),
        (&two[1]["track_id"], &one[0]["track_id"], "merged")
    );
    // and again: the alias stays, and is not news
    let s = json(d.path(), &["track", "s.gpkg", "-o", "t.gpkg", "--update"]);
    assert_eq!(s["identifiers"]["merged"], 0);
    assert_eq!(table(&d.path().join("t.gpkg"), "fire_aliases"), aliases);
}
