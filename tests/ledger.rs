//! `heshan ledger`, in a GeoPackage and in PostGIS: lives of issues, two writers at once, kills, hostile text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calamine::Reader as _;
use chrono::NaiveDate;
use common::cluster::Cluster;
use common::{failure, heshan, names, project, run, tool};
use heshan::model::{Flow, IssueState};
use heshan::record::life::{By, as_of, flow, flows};
use heshan::record::{Which, open};
use serde_json::{Value as Json, json};

/// Runs `heshan ledger … --json`; its summary. Exit code 1 (rows set aside) is no fault here.
fn ledger(dir: &Path, arguments: &[&str]) -> Json {
    let o = run(dir, &[&["ledger", "--json"], arguments].concat());
    assert!(o.status.code() == Some(0) || o.status.code() == Some(1), "{arguments:?}: {}", text(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", text(&o.stdout)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A GeoJSON of squares of about `m` metres, `x` metres east of 106.8° E: attributes, x, m.
fn squares(path: &Path, rows: &[(Json, f64, f64)]) {
    let mut out = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (i, (properties, x, m)) in rows.iter().enumerate() {
        let (w, s) = (106.8 + x / 85_900.0, 39.6 + (i % 7) as f64 * 1e-9);
        let (e, n) = (w + m / 85_900.0, s + m / 111_030.0);
        let ring = json!([[w, s], [e, s], [e, n], [w, n], [w, s]]);
        let comma = if i == 0 { "" } else { "," };
        let f = json!({"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}});
        let _ = write!(out, "{comma}\n{f}");
    }
    std::fs::write(path, out + "\n]}\n").unwrap();
}

/// Knuth's MMIX generator, so that the made-up years are the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The issues of a ledger and all its events, without findings.
fn contents(store: &str) -> (Vec<heshan::model::Issue>, Vec<heshan::model::Event>) {
    let mut out = None;
    let f = &mut |r: &mut dyn heshan::record::Reader| {
        out = Some((r.issues(&Which::All)?, r.events(None, false)?));
        Ok(())
    };
    open(store).unwrap().read(f).unwrap();
    out.unwrap()
}

const SITES: usize = 30;
const MONTHS: usize = 24;

/// What the test knows of a site, counted beside the program.
#[derive(Clone)]
struct Truth {
    issue: Option<String>,
    state: IssueState,
    bad: bool,
}

/// What happened in a month, counted beside the program.
#[derive(Debug, Default, Clone, PartialEq)]
struct Month {
    opened: usize,
    rectified: usize,
    closed: usize,
    relapsed: usize,
    dismissed: usize,
    open_after: usize,
}

fn first_of(month: usize) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024 + (month / 12) as i32, (month % 12) as u32 + 1, 1).unwrap()
}

/// The list that departments hand in: one month a CSV, the next a workbook.
fn table_of(month: usize) -> String {
    let form = if month.is_multiple_of(2) { "csv" } else { "xlsx" };
    format!("updates{month:02}.{form}")
}

fn counted(f: &Flow) -> Month {
    Month {
        opened: f.opened.len(),
        rectified: f.rectified.len(),
        closed: f.closed.len(),
        relapsed: f.relapsed.len(),
        dismissed: f.dismissed.len(),
        open_after: f.open_after,
    }
}

/// Two made-up years: each month a run finds what is bad (in another order each time, with outlines drawn anew), and
/// departments hand in a list. What the ledger says of each month is compared with what the test counted itself.
fn two_years(dir: &Path, store: &str) -> Vec<Month> {
    ledger(dir, &["init", "-L", store]);
    let mut c = Chance(20_240_101);
    let mut truth = vec![Truth { issue: None, state: IssueState::Found, bad: false }; SITES];
    let mut months = Vec::new();
    for m in 0..MONTHS {
        let mut month = Month::default();
        for t in &mut truth {
            let fresh = t.issue.is_none() && c.next(10) == 0;
            let again = t.state == IssueState::Closed && c.next(6) == 0;
            t.bad |= fresh || again;
        }
        add_month(dir, store, m, &mut truth, &mut month, &mut c);
        update_month(dir, store, m, &mut truth, &mut month, &mut c);
        month.open_after = truth.iter().filter(|t| t.issue.is_some() && t.state.is_open()).count();
        let (issues, events) = contents(store);
        let f = flow(&issues, &events, first_of(m).pred_opt().unwrap(), first_of(m + 1).pred_opt().unwrap());
        assert!(f.adds_up(), "month {m}: {f:?}");
        assert_eq!(counted(&f), month, "month {m}");
        months.push(month);
    }
    months
}

fn add_month(dir: &Path, store: &str, m: usize, truth: &mut [Truth], month: &mut Month, c: &mut Chance) {
    let mut rows: Vec<(Json, f64, f64)> = (0..SITES)
        .filter(|i| truth[*i].bad)
        .map(|i| {
            let p = json!({"编号": format!("S{i:02}"), "名称": format!("示例{i}"), "责任单位": format!("示例{}公司", i % 3),
                "行政区": (if i % 2 == 0 { "海勃湾区" } else { "乌达区" }), "完成时限": "2024年6月底", "month": m});
            (p, 1000.0 * i as f64 + c.next(10) as f64, 100.0)
        })
        .collect();
    let n = rows.len().max(1);
    rows.rotate_left(c.next(n as u64) as usize);
    let file = format!("findings{m:02}.geojson");
    squares(&dir.join(&file), &rows);
    let done = ledger(dir, &["add", "-L", store, &file, "--kind", "corridor", "--date", &first_of(m).to_string()]);
    assert_eq!(done["findings"], rows.len());
    let (mut opened, mut relapsed, mut seen) = (0, 0, 0);
    for t in truth.iter_mut().filter(|t| t.bad) {
        match (&t.issue, t.state) {
            (None, _) => opened += 1,
            (_, IssueState::Closed) => {
                t.state = IssueState::Relapsed;
                relapsed += 1;
            }
            (_, IssueState::Dismissed) => {}
            _ => seen += 1,
        }
    }
    let len = |k: &str| done[k].as_array().unwrap().len();
    assert_eq!((len("opened"), len("relapsed"), len("seen")), (opened, relapsed, seen), "month {m}");
    (month.opened, month.relapsed) = (opened, relapsed);
    // one thing is one issue: each site has its own, and keeps it
    let list = ledger(dir, &["list", "-L", store, "--date", &first_of(m).to_string()]);
    let mut by_site: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for i in list["issues"].as_array().unwrap() {
        let of = |k: &str| i[k].as_str().unwrap().to_owned();
        by_site.entry(of("object_id")).or_default().push(of("issue_id"));
    }
    for (site, ids) in by_site {
        assert_eq!(ids.len(), 1, "{site} has {ids:?}");
        let t = &mut truth[site[1..].parse::<usize>().unwrap()];
        assert!(t.issue.as_ref().is_none_or(|i| *i == ids[0]));
        t.issue = Some(ids[0].clone());
    }
}

fn update_month(dir: &Path, store: &str, m: usize, truth: &mut [Truth], month: &mut Month, c: &mut Chance) {
    use IssueState::{Assigned, Closed, Dismissed, Found, Rectifying, Relapsed, Submitted, Verified};
    let date = first_of(m) + chrono::Days::new(19);
    let mut rows = vec![["问题编号", "变更为", "办理日期", "经办人", "情况说明"].map(str::to_owned)];
    for t in truth.iter_mut() {
        let Some(id) = t.issue.clone().filter(|_| t.state.is_open() && c.next(4) > 0) else { continue };
        let to = match t.state {
            Found if c.next(12) == 0 => Dismissed,
            Found | Relapsed => Assigned,
            Assigned => Rectifying,
            Rectifying => Submitted,
            Submitted if c.next(5) == 0 => Rectifying,
            Submitted => Verified,
            _ => Closed,
        };
        // what a unit submits is mended; what is closed was
        t.bad &= !matches!(to, Submitted | Verified | Closed | Dismissed);
        month.rectified += usize::from(to == Submitted);
        month.closed += usize::from(to == Closed);
        month.dismissed += usize::from(to == Dismissed);
        t.state = to;
        rows.push([id, to.zh().to_owned(), date.to_string(), "王".into(), format!("{m} 月")]);
    }
    let file = table_of(m);
    write_rows(&dir.join(&file), &rows);
    let done = ledger(dir, &["update", "-L", store, "--table", &file, "--by", "科室"]);
    assert_eq!(done["steps"].as_array().unwrap().len(), rows.len() - 1, "month {m}");
}

fn write_rows<const N: usize>(path: &Path, rows: &[[String; N]]) {
    if path.extension().is_some_and(|e| e == "xlsx") {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (i, row) in rows.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                sheet.write_string(i as u32, j as u16, v).unwrap();
            }
        }
        return book.save(path).unwrap();
    }
    let mut w = csv::Writer::from_path(path).unwrap();
    rows.iter().for_each(|r| w.write_record(r).unwrap());
    w.flush().unwrap();
}

/// Every month run again, in order and backwards: nothing changes, and every month is computed as it was.
fn again(dir: &Path, store: &str, months: &[Month]) {
    let before = contents(store);
    for m in (0..MONTHS).chain((0..MONTHS).rev().step_by(5)) {
        let date = first_of(m).to_string();
        let file = format!("findings{m:02}.geojson");
        let done = ledger(dir, &["add", "-L", store, &file, "--kind", "corridor", "--date", &date]);
        assert_eq!(done["known"], done["findings"], "month {m}");
        let table = table_of(m);
        let done = ledger(dir, &["update", "-L", store, "--table", &table, "--by", "科室"]);
        assert_eq!((done["steps"].as_array().unwrap().len(), &done["skipped"]), (0, &json!(0)), "month {m}");
    }
    assert_eq!(contents(store), before);
    let (issues, events) = before;
    for (m, month) in months.iter().enumerate() {
        let (from, to) = (first_of(m).pred_opt().unwrap(), first_of(m + 1).pred_opt().unwrap());
        assert_eq!(counted(&flow(&issues, &events, from, to)), *month);
        // by unit, by 旗县区: each group adds up, and they add up to the whole
        for by in [By::Admin, By::ResponsibleUnit, By::State] {
            let parts = flows(&issues, &events, from, to, by);
            assert!(parts.iter().all(|(_, f)| f.adds_up()));
            assert_eq!(parts.iter().map(|(_, f)| f.open_after).sum::<usize>(), month.open_after);
        }
    }
    assert_eq!(ledger(dir, &["check", "-L", store]), json!({"faults": 0}));
}

#[test]
fn two_years_add_up_and_run_again_change_nothing() {
    let d = tempfile::tempdir().unwrap();
    let store = d.path().join("ledger.gpkg");
    let store = store.to_str().unwrap();
    let months = two_years(d.path(), store);
    again(d.path(), store, &months);
    let sum = |f: fn(&Month) -> usize| months.iter().map(f).sum::<usize>();
    let [opened, closed, relapsed, dismissed] =
        [sum(|m| m.opened), sum(|m| m.closed), sum(|m| m.relapsed), sum(|m| m.dismissed)];
    println!("two years: {opened} opened, {closed} closed, {relapsed} relapsed, {dismissed} dismissed");
    assert_eq!(opened + relapsed - closed - dismissed, months[MONTHS - 1].open_after);
    // the years are worth their name
    assert!(opened >= 20 && closed >= 20 && relapsed >= 5 && dismissed >= 1);
    overdue(d.path(), store);
    // nothing but the ledger and what the test wrote lies there
    let left: Vec<String> =
        names(d.path()).into_iter().filter(|n| n.contains("partial") || n.contains("-wal")).collect();
    assert!(left.is_empty(), "{left:?}");
    if let Some(said) = tool("ogrinfo", &["-so", store, "issues"]) {
        assert!(
            said.contains(&format!("Feature Count: {opened}")) && said.contains("CGCS2000")
                || said.contains("China Geodetic"),
            "{said}"
        );
    }
    if let Some(said) = tool("sqlite3", &[store, "PRAGMA integrity_check; PRAGMA journal_mode; PRAGMA application_id"])
    {
        assert_eq!(said.lines().collect::<Vec<_>>(), ["ok", "wal", "1196444487"]);
    }
}

/// The deadline was the end of June 2024: what was open on 30 June was in time, on 1 July it was late.
fn overdue(dir: &Path, store: &str) {
    let (issues, events) = contents(store);
    for (day, late) in [("2024-06-30", false), ("2024-07-01", true)] {
        let on: NaiveDate = day.parse().unwrap();
        let open = as_of(&issues, &events, on).iter().filter(|s| s.state.is_open()).count();
        let list = ledger(dir, &["list", "-L", store, "--overdue", "--date", day]);
        assert_eq!(list["issues"].as_array().unwrap().len(), if late { open } else { 0 });
        assert!(open > 0);
    }
    let unit = ledger(dir, &["list", "-L", store, "--unit", "示例1公司", "--state", "销号,不予立案"]);
    assert!(unit["issues"].as_array().unwrap().iter().all(|i| i["responsible_unit"] == "示例1公司"));
    assert_eq!(unit["open"], 0);
}

/// Many findings of one run, each run elsewhere.
fn bulk(dir: &Path, run_no: usize, n: usize) -> String {
    let file = format!("bulk{run_no}.geojson");
    let rows: Vec<_> = (0..n)
        .map(|i| (json!({"编号": format!("R{run_no}-{i}")}), 1000.0 * (run_no * n + i) as f64 / 50.0, 5.0))
        .collect();
    squares(&dir.join(&file), &rows);
    file
}

fn counts_of(store: &str) -> (usize, usize) {
    let (issues, events) = contents(store);
    (issues.len(), events.len())
}

/// Kills `ledger add` at random moments; each run is there whole or not at all, and the rest follows when it is run again.
fn killed(dir: &Path, store: &str, n: usize, kills: usize) -> usize {
    ledger(dir, &["init", "-L", store]);
    let begun = Instant::now();
    ledger(dir, &["add", "-L", store, &bulk(dir, 0, n), "--kind", "other", "--date", "2024-01-01"]);
    let whole = begun.elapsed();
    let (mut c, mut cut) = (Chance(9), 0);
    for k in 1..=kills {
        let file = bulk(dir, k, n);
        let arguments = ["ledger", "add", "-q", "-L", store, &file, "--kind", "other", "--date", "2024-01-02"];
        let mut child = heshan().current_dir(dir).args(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(c.next(whole.as_micros() as u64)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ledger(dir, &["check", "-L", store]), json!({"faults": 0}));
        let (issues, events) = counts_of(store);
        assert_eq!((issues % n, events % n), (0, 0), "kill {k}: a run is there in part");
        cut += usize::from(
            ledger(dir, &["add", "-L", store, &file, "--kind", "other", "--date", "2024-01-02"])["known"] == 0,
        );
        assert_eq!(counts_of(store), ((k + 1) * n, (k + 1) * n));
    }
    cut
}

#[test]
fn a_killed_run_leaves_whole_transactions_only() {
    let d = tempfile::tempdir().unwrap();
    let store = d.path().join("l.gpkg");
    let cut = killed(d.path(), store.to_str().unwrap(), 300, 12);
    println!("12 kills, {cut} before the run was written");
    assert!(cut > 0, "no kill came before the end: the test shows nothing");
    if let Some(said) = tool("sqlite3", &[store.to_str().unwrap(), "PRAGMA integrity_check"]) {
        assert_eq!(said.trim(), "ok");
    }
}

/// Processes and threads write at once: runs of their own, one run that all of them add, remarks on one issue.
fn crowded(dir: &Path, store: &str) {
    ledger(dir, &["init", "-L", store]);
    squares(&dir.join("common.geojson"), &[(json!({"编号": "C"}), -5000.0, 50.0)]);
    ledger(dir, &["add", "-L", store, "common.geojson", "--kind", "other", "--date", "2024-01-01"]);
    let files: Vec<Vec<String>> = (0..4).map(|w| (0..3).map(|k| bulk(dir, 10 + 3 * w + k, 20)).collect()).collect();
    std::thread::scope(|s| {
        for (w, files) in files.iter().enumerate() {
            s.spawn(move || {
                for (k, file) in files.iter().enumerate() {
                    let done = ledger(dir, &["add", "-L", store, file, "--kind", "other", "--date", "2024-01-02"]);
                    assert_eq!(done["opened"].as_array().unwrap().len(), 20);
                    let again =
                        ledger(dir, &["add", "-L", store, "common.geojson", "--kind", "other", "--date", "2024-01-02"]);
                    assert_eq!(again["known"], 1);
                    let why = format!("writer {w}, remark {k}");
                    let one =
                        ["update", "-L", store, "OT2024-00001", "--by", "x", "--why", &why, "--date", "2024-01-03"];
                    assert_eq!(ledger(dir, &one)["steps"].as_array().unwrap().len(), 1);
                }
            });
            // threads of one process, each with a store of its own
            s.spawn(move || {
                let mut own = open(store).unwrap();
                for k in 0..3 {
                    remark(own.as_mut(), &format!("thread {w}, remark {k}"));
                }
            });
        }
    });
    let (issues, events) = contents(store);
    assert_eq!(issues.len(), 1 + 4 * 3 * 20);
    assert_eq!(issues.iter().map(|i| &i.issue_id).collect::<BTreeSet<_>>().len(), issues.len());
    let remarks: BTreeSet<&str> = events
        .iter()
        .filter(|e| e.issue_id == "OT2024-00001")
        .map(|e| e.why.as_str())
        .filter(|w| w.contains("remark"))
        .collect();
    assert_eq!(remarks.len(), 24);
    assert_eq!(ledger(dir, &["check", "-L", store]), json!({"faults": 0}));
}

fn remark(store: &mut dyn heshan::record::IssueStore, why: &str) {
    use heshan::record::filing::{Update, update};
    let date = NaiveDate::from_ymd_opt(2024, 1, 3).unwrap();
    let u = Update {
        issue_id: "OT2024-00001".into(),
        to: None,
        date,
        who: "x".into(),
        why: why.into(),
        changes: Default::default(),
    };
    store
        .write(&mut |r| {
            let issue = r.issues(&Which::One(u.issue_id.clone()))?.remove(0);
            let (e, after) = update(&issue, &u, chrono::DateTime::UNIX_EPOCH)?.unwrap();
            Ok(heshan::record::Batch { events: vec![e], changed: vec![after], ..Default::default() })
        })
        .unwrap();
}

#[test]
fn writers_at_once_lose_nothing() {
    let d = tempfile::tempdir().unwrap();
    crowded(d.path(), d.path().join("l.gpkg").to_str().unwrap());
}

/// PostGIS behind the same interface: the same two years give the same lists, and all else holds too.
#[test]
fn postgis_holds_what_the_geopackage_holds() {
    let Some(c) = Cluster::start() else { return };
    let d = tempfile::tempdir().unwrap();
    let in_pg = |schema: &str| format!("{}#{schema}", c.name());
    let (store, gpkg) = (in_pg("years"), d.path().join("years.gpkg"));
    let months = two_years(d.path(), &store);
    again(d.path(), &store, &months);
    assert_eq!(months, two_years(d.path(), gpkg.to_str().unwrap()));
    let (a, b) = (contents(&store), contents(gpkg.to_str().unwrap()));
    assert_eq!(a, b);
    crowded(d.path(), &in_pg("crowd"));
    let cut = killed(d.path(), &in_pg("kills"), 100, 5);
    println!("5 kills, {cut} before the run was written");
    hostile(d.path(), &in_pg("hostile"));
    // as version 1 had it: brought along when it is opened
    c.sql(
        "DROP TABLE years.runs; ALTER TABLE years.issues DROP COLUMN footprint_m;
         ALTER TABLE years.findings DROP COLUMN footprint_m; ALTER TABLE years.chips DROP COLUMN scene;
         UPDATE years.ledger SET schema_version = 1",
    );
    assert_eq!(contents(&store), a);
    assert_eq!(c.sql("SELECT schema_version FROM years.ledger"), "3\n");
    assert_eq!(c.sql("SELECT count(*) FROM years.runs"), c.sql("SELECT count(DISTINCT run_id) FROM years.findings"));
    // places are PostGIS geometries in EPSG:4490
    assert_eq!(c.sql("SELECT DISTINCT ST_SRID(geom), ST_IsValid(geom) FROM years.issues"), "4490|t\n");
    for sql in [
        "DELETE FROM years.events",
        "UPDATE years.events SET why = 'x'",
        "TRUNCATE years.events CASCADE",
        "UPDATE years.issues SET state = 'closed'",
    ] {
        let said = c.refused(sql);
        assert!(said.contains("never changed or deleted") || said.contains("by events only"), "{sql}: {said}");
    }
    let (code, said) = failure(d.path(), &["ledger", "init", "-L", &store]);
    assert!(code == 4 && said.contains("never replaced") && !said.contains("geheim"), "{said}");
    let (code, said) = failure(d.path(), &["ledger", "list", "-L", &in_pg("nothing")]);
    assert!(code == 3 && said.contains("holds no ledger"), "{said}");
    let (code, said) = failure(d.path(), &["ledger", "list", "-L", &in_pg("a;drop")]);
    assert!(code == 2 && said.contains("cannot be the schema"), "{said}");
    let (code, said) = failure(d.path(), &["ledger", "list", "-L", "PG:host=/nowhere dbname=x user=y password=geheim"]);
    assert!(code == 3 && said.contains("cannot be reached") && !said.contains("geheim"), "{said}");
}

const EVIL: [&str; 9] = [
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a\u{0}b\u{1b}[31mred\u{7f}",
    "\u{202e}gnp.exe",
    "'; DROP TABLE issues; --",
    "\"},{\"x\":\"",
];

/// Hostile text goes through every way in and out.
fn hostile(dir: &Path, store: &str) {
    ledger(dir, &["init", "-L", store]);
    let long = "长".repeat(350_000);
    let rows: Vec<_> = EVIL
        .iter()
        .copied()
        .chain([long.as_str()])
        .enumerate()
        .map(|(i, t)| {
            (json!({"编号": format!("E{i}"), "名称": t, "责任单位": t, t: 1}), 1000.0 * i as f64, 50.0 - i as f64)
        })
        .collect();
    squares(&dir.join("evil.geojson"), &rows);
    let done =
        ledger(dir, &["add", "-L", store, "evil.geojson", "--kind", "other", "--date", "2024-01-01", "--by", EVIL[4]]);
    assert_eq!(done["opened"].as_array().unwrap().len(), rows.len());
    ledger(
        dir,
        &[
            "update",
            "-L",
            store,
            "OT2024-00001",
            "--by",
            EVIL[0],
            "--why",
            EVIL[4],
            "--to",
            "assigned",
            "--unit",
            EVIL[2],
            "--date",
            "2024-01-02",
        ],
    );
    let day = ["--date", "2024-01-05", "-L", store];
    // the terminal obeys nothing
    let o = run(dir, &[&["ledger", "list"][..], &day].concat());
    assert!(
        o.status.success() && !text(&o.stdout).contains(['\u{1b}', '\u{0}', '\u{202e}']) && o.stdout.len() < 20_000
    );
    // no cell of a CSV begins a formula
    let o = run(dir, &[&["ledger", "list", "--format", "csv", "--form"][..], &day].concat());
    for record in csv::Reader::from_reader(o.stdout.as_slice()).records() {
        for cell in record.unwrap().iter() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || cell.parse::<f64>().is_ok(), "{cell}");
        }
    }
    // no cell of a workbook is one
    for (file, arguments) in [("evil.xlsx", vec!["list", "--form"]), ("evil2.xlsx", vec!["export"])] {
        let o = run(dir, &[&["ledger", "--overwrite"], arguments.as_slice(), &["-o", file], &day].concat());
        assert!(o.status.success(), "{}", text(&o.stderr));
        assert!(text(&o.stderr).contains("32,767"), "{}", text(&o.stderr));
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(dir.join(file)).unwrap();
        for name in book.sheet_names() {
            assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{file} {name}");
        }
    }
    // the list handed back unchanged changes nothing, whatever the texts are
    for file in ["evil.csv", "evil3.xlsx"] {
        run(dir, &[&["ledger", "list", "--form", "--overwrite", "-o", file][..], &day].concat());
        let back = ledger(dir, &["update", "-L", store, "--table", file, "--by", "x", "--date", "2024-01-06"]);
        let cut = usize::from(file == "evil3.xlsx");
        assert_eq!(
            back["steps"].as_array().unwrap().len(),
            cut,
            "{file}: only the text that Excel cut differs: {back}"
        );
    }
    html(dir, store);
    assert_eq!(ledger(dir, &["check", "-L", store]), json!({"faults": 0}));
    let o = run(dir, &["ledger", "export", "--overwrite", "-o", "evil.gpkg", "-L", store]);
    assert!(o.status.success(), "{}", text(&o.stderr));
    if let Some(said) = tool("ogrinfo", &["-so", dir.join("evil.gpkg").to_str().unwrap(), "issues"]) {
        assert!(said.contains("Feature Count: 10"), "{said}");
    }
}

/// The page of each issue: no markup of a text survives, and the page forbids itself scripts and the network.
fn html(dir: &Path, store: &str) {
    for n in 1..=EVIL.len() + 1 {
        let id = format!("OT2024-{n:05}");
        let o = run(dir, &["ledger", "export", "--overwrite", "--issue", &id, "-o", "evil.html", "-L", store]);
        assert!(o.status.success(), "{}", text(&o.stderr));
        let page = std::fs::read_to_string(dir.join("evil.html")).unwrap();
        assert!(page.contains("default-src 'none'"));
        // every tag is one of the page's own
        let tags: BTreeSet<&str> = page
            .split('<')
            .skip(1)
            .map(|t| t.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap())
            .collect();
        let own =
            "!DOCTYPE html head meta title style body h1 h2 p bdi table tr th td svg path code details summary pre br";
        let own: BTreeSet<&str> = own.split(' ').collect();
        assert!(tags.is_subset(&own), "{:?}", tags.difference(&own));
        assert!(!page.contains("onerror=alert(1)>") && !page.contains(['\u{0}', '\u{1b}']));
        // and JSON is JSON
        let history = ledger(dir, &["history", &id, "-L", store]);
        assert_eq!(history["issue"]["issue_id"], id);
    }
}

#[test]
fn hostile_text_does_no_harm() {
    let d = tempfile::tempdir().unwrap();
    hostile(d.path(), d.path().join("l.gpkg").to_str().unwrap());
}

/// `screen` finds, the ledger files: what lies inside or across, and the same run again is the same run.
#[test]
fn sites_of_a_screening_become_issues() {
    let d = tempfile::tempdir().unwrap();
    project(d.path(), 40);
    let screen = |out: &str| {
        let o = run(
            d.path(),
            &[
                "screen",
                "--rivers",
                "rivers.geojson",
                "--sites",
                "sites.geojson",
                "--distance",
                "1000,3000",
                "--overwrite",
                "-o",
                out,
            ],
        );
        assert!(o.status.success(), "{}", text(&o.stderr));
    };
    screen("s.gpkg");
    let near = |field: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM sites WHERE {field} <> 'outside'");
        let said = tool("ogrinfo", &["-q", "-sql", &sql, d.path().join("s.gpkg").to_str().unwrap()])?;
        said.lines().find_map(|l| l.split(" = ").nth(1)?.trim().parse::<usize>().ok())
    };
    ledger(d.path(), &["init"]);
    let dry = ledger(d.path(), &["add", "s.gpkg#sites", "--date", "2024-01-01", "--dry-run"]);
    let done = ledger(d.path(), &["add", "s.gpkg#sites", "--date", "2024-01-01"]);
    assert_eq!((&dry["opened"], &dry["written"]), (&done["opened"], &json!(false)));
    assert_eq!((&done["kind"], &done["from"], &done["rows"]), (&json!("corridor"), &json!("screen"), &json!(40)));
    if let Some(n) = near("relation_3000") {
        assert_eq!(done["findings"], n);
        assert!(n > 10 && n < 40);
    }
    if let Some(n) = near("relation_1000") {
        assert_eq!(ledger(d.path(), &["add", "s.gpkg#sites", "--distance", "1000", "--dry-run"])["findings"], n);
    }
    // run again at another time: the same run
    let manifest = std::fs::read_to_string(d.path().join("s.manifest.json")).unwrap();
    let later = manifest.replace("\"started\": \"2026", "\"started\": \"2031");
    assert_ne!(manifest, later);
    std::fs::write(d.path().join("s.manifest.json"), later).unwrap();
    let again = ledger(d.path(), &["add", "s.gpkg#sites", "--date", "2024-02-01"]);
    assert_eq!((&again["run_id"], &again["known"]), (&done["run_id"], &done["findings"]));
    // another distance asked for is another run, and finds the same things
    let o = run(
        d.path(),
        &["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "--distance", "3000", "-o", "t.gpkg"],
    );
    assert!(o.status.success());
    let third = ledger(d.path(), &["add", "t.gpkg#sites", "--date", "2024-03-01"]);
    assert_eq!((&third["seen"], third["opened"].as_array().unwrap().len()), (&done["opened"], 0));
    let list = ledger(d.path(), &["list"]);
    let first = &list["issues"][0];
    assert!(
        first["responsible_unit"].as_str().unwrap().starts_with("示例") && first["last_found"] == "2024-03-01",
        "{first}"
    );
    let history = ledger(d.path(), &["history", first["issue_id"].as_str().unwrap()]);
    assert_eq!(history["events"].as_array().unwrap().len(), 2);
    assert_eq!(history["events"][0]["finding"]["input_hash"].as_str().unwrap().len(), 64);
}

/// Patches of `change` outside permits: losses are issues, with pictures before and after.
#[test]
fn patches_outside_permits_become_issues_with_chips() {
    let d = tempfile::tempdir().unwrap();
    let fixture = |n: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster").join(n);
    std::fs::write(
        d.path().join("permits.csv"),
        "name,wkt\n甲矿,\"POLYGON((590000 4300000,590100 4300000,590100 4300100,590000 4300000))\"\n",
    )
    .unwrap();
    let (b, a) = (fixture("before.tif"), fixture("after.tif"));
    let change = [
        "change",
        b.to_str().unwrap(),
        a.to_str().unwrap(),
        "--bands",
        "green=1,red=2,nir=3,swir1=4",
        "--patches",
        "p.gpkg",
        "--threshold",
        "-0.15,0.15",
        "--min-area",
        "20000",
        "--permits",
        "permits.csv",
        "--crs",
        "EPSG:32648",
        "--wkt-column",
        "wkt",
        "--json",
    ];
    let o = run(d.path(), &change);
    assert!(o.status.success(), "{}", text(&o.stderr));
    let patches: Json = serde_json::from_slice(&o.stdout).unwrap();
    let losses = &patches["directions"][0]["patches"];
    // chips by the number of the feature, which bears no lasting id
    std::fs::create_dir(d.path().join("chips")).unwrap();
    let png = |n: u8| {
        let mut out = Vec::new();
        let mut e = png::Encoder::new(&mut out, 2, 2);
        e.set_color(png::ColorType::Grayscale);
        e.write_header().unwrap().write_image_data(&[n, 255, n, 0]).unwrap();
        out
    };
    for n in 1..=9u8 {
        std::fs::write(d.path().join(format!("chips/{n}_before.png")), png(n)).unwrap();
        std::fs::write(d.path().join(format!("chips/{n}_after.png")), png(n + 100)).unwrap();
    }
    ledger(d.path(), &["init"]);
    let done = ledger(d.path(), &["add", "p.gpkg#patches", "--date", "2024-01-01", "--chips", "chips"]);
    assert_eq!((&done["kind"], &done["findings"]), (&json!("change_outside_permit"), losses));
    let id = done["opened"][0].as_str().unwrap();
    let o = run(d.path(), &["ledger", "export", "--issue", id, "-o", "one"]);
    assert!(o.status.success(), "{}", text(&o.stderr));
    let files = names(&d.path().join("one"));
    assert_eq!(files.iter().filter(|n| n.ends_with(".png")).count(), 2, "{files:?}");
    assert!(["history.html", "history.json", "places.geojson"].iter().all(|n| files.contains(&(*n).to_owned())));
    // the pictures come out as they went in
    let all: BTreeSet<Vec<u8>> = files
        .iter()
        .filter(|n| n.ends_with(".png"))
        .map(|n| std::fs::read(d.path().join("one").join(n)).unwrap())
        .collect();
    let history = ledger(d.path(), &["history", id]);
    let source = history["events"][0]["finding"]["source"].as_str().unwrap();
    let n: u8 = source.rsplit_once('#').unwrap().1.parse().unwrap();
    assert_eq!(all, BTreeSet::from([png(n), png(n + 100)]));
    assert_eq!(
        std::fs::read_to_string(d.path().join("one/history.html"))
            .unwrap()
            .matches("data:image/png;base64,iVBOR")
            .count(),
        2
    );
    // a file that is no PNG is refused, and nothing is filed
    std::fs::write(d.path().join(format!("chips/{n}_after.png")), "not a picture").unwrap();
    std::fs::copy(d.path().join("p.gpkg"), d.path().join("q.gpkg")).unwrap();
    let (code, said) = failure(d.path(), &["ledger", "add", "q.gpkg#patches", "--from", "change", "--chips", "chips"]);
    assert!(code == 3 && said.contains("the image chip cannot be used"), "{said}");
}

/// Layers of the other verbs, in the form that docs/reference/ledger.md names.
#[test]
fn each_verbs_rows_are_chosen_as_documented() {
    let d = tempfile::tempdir().unwrap();
    ledger(d.path(), &["init"]);
    let rows = |field: &str, words: &[&str], id: &str, more: &Json| -> Vec<(Json, f64, f64)> {
        let of = |(i, w): (usize, &&str)| {
            let mut p = json!({id: format!("X{i}"), field: w});
            p.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            (p, 1000.0 * i as f64, 100.0 - i as f64)
        };
        words.iter().enumerate().map(of).collect()
    };
    for (from, kind, field, id, words, n, more) in [
        (
            "fire",
            "fire",
            "state",
            "track_id",
            vec!["new", "active", "suspected_out", "out", "relapsed"],
            4,
            json!({"last_seen": "2024-01-07", "footprint_m": 375}),
        ),
        (
            "restore",
            "restoration_stalled",
            "grade",
            "unit_id",
            vec!["not_started", "stalled", "progressing", "met", "regressed"],
            3,
            json!({}),
        ),
        (
            "terrain",
            "terrain",
            "verdict",
            "site_id",
            vec!["filled", "still_pit", "partly_filled", "unobserved", "still_dump"],
            3,
            json!({}),
        ),
        (
            "change",
            "change_outside_permit",
            "permit_rel",
            "patch_id",
            vec!["inside", "crossing", "outside"],
            2,
            json!({"direction": "loss", "after": "2024-01-05"}),
        ),
    ] {
        let file = format!("{from}.geojson");
        squares(&d.path().join(&file), &rows(field, &words, id, &more));
        let done = ledger(d.path(), &["add", &file, "--from", from, "--date", "2024-01-10"]);
        assert_eq!((&done["kind"], &done["findings"]), (&json!(kind), &json!(n)), "{from}");
        assert_eq!(done["opened"].as_array().unwrap().len(), n, "{from}");
    }
    let fires = ledger(d.path(), &["list", "--kind", "火点"]);
    assert_eq!(fires["issues"][0]["object_id"], "X0");
    let h = ledger(d.path(), &["history", "FI2024-00001"]);
    assert_eq!(
        (&h["events"][0]["finding"]["observed"], &h["issue"]["footprint_m"]),
        (&json!("2024-01-07"), &json!(375.0))
    );
    // patches are numbered anew in every run: no id is taken from them
    let patch = ledger(d.path(), &["history", "CH2024-00001"]);
    assert_eq!(patch["issue"]["object_id"], Json::Null);
    // any layer, by fields and conditions; a deadline that is none is said
    squares(
        &d.path().join("any.geojson"),
        &[
            (json!({"图号": "A", "面积": 12.5, "状态": "违法", "限期": "尽快"}), 0.0, 50.0),
            (json!({"图号": "B", "面积": 2.5, "状态": "违法", "限期": "2024年12月底"}), 500.0, 50.0),
            (json!({"图号": "C", "面积": 22.5, "状态": "合法", "限期": null}), 1000.0, 50.0),
        ],
    );
    let any = [
        "add",
        "any.geojson",
        "--kind",
        "reserve",
        "--field",
        "object_id=图号",
        "--field",
        "deadline=限期",
        "--where",
        "状态=违法",
    ];
    let o = run(d.path(), &[&["ledger"], &any[..], &["--dry-run"]].concat());
    assert!(o.status.success() && text(&o.stderr).contains("“尽快” is no date"), "{}", text(&o.stderr));
    assert_eq!(ledger(d.path(), &[&any[..], &["--where", "面积>10"]].concat())["findings"], 1);
    refusals(d.path());
}

fn refusals(dir: &Path) {
    let said = |arguments: &[&str]| failure(dir, &[&["ledger"], arguments].concat());
    let (code, why) = said(&["add", "any.geojson"]);
    assert!(code == 2 && why.contains("the kind of the issues is not told"), "{why}");
    let (code, why) = said(&["add", "any.geojson", "--kind", "fires"]);
    assert!(code == 2 && why.contains("the kinds are: corridor"), "{why}");
    let (code, why) = said(&["add", "any.geojson", "--from", "fire"]);
    assert!(code == 3 && why.contains("no field “state / status”"), "{why}");
    let (code, why) = said(&["update", "FI2024-00001", "--to", "closed", "--by", "x", "--date", "2024-02-01"]);
    assert!(code == 2 && why.contains("it may become: assigned, dismissed"), "{why}");
    let (code, why) = said(&["update", "FI2024-00001", "--to", "assigned", "--by", "x", "--date", "2023-02-01"]);
    assert!(code == 2 && why.contains("lies before its last event, 2024-01-10"), "{why}");
    let (code, why) = said(&["update", "FI2024-99999", "--to", "assigned", "--by", "x"]);
    assert!(code == 3 && why.contains("there is no issue FI2024-99999"), "{why}");
    let (code, why) = said(&["update", "FI2024-00001", "--by", "x"]);
    assert!(code == 2 && why.contains("nothing to do was named"), "{why}");
    let (code, why) = said(&["list", "-L", "none.gpkg"]);
    assert!(code == 3 && why.contains("heshan ledger init"), "{why}");
    let (code, why) = said(&["init", "--overwrite"]);
    assert!(code == 4 && why.contains("a ledger is never replaced"), "{why}");
    let kept = ledger(dir, &["init", "--keep"]);
    assert_eq!((&kept["made"], ledger(dir, &["list"])["total"] != 0), (&json!(false), true));
    let (code, why) = said(&["init", "--keep", "-L", "fire.geojson"]);
    assert!(code == 2 && why.contains("a ledger is a .gpkg or PG:"), "{why}");
    let (code, why) = said(&["init", "-L", "ledger.db"]);
    assert!(code == 2 && why.contains("a ledger is a .gpkg or PG:"), "{why}");
    let zh = run(
        dir,
        &["--lang", "zh", "ledger", "update", "FI2024-00001", "--to", "销号", "--by", "x", "--date", "2024-02-01"],
    );
    assert!(text(&zh.stderr).contains("当前为“发现”,不能改为“已销号”"), "{}", text(&zh.stderr));
}

/// The list goes out as a form and comes back filled in; rows that cannot be used are named with their number.
#[test]
fn a_department_fills_in_the_list() {
    let d = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..6)
        .map(|i| (json!({"编号": format!("S{i}"), "责任单位": "甲公司"}), 1000.0 * f64::from(i), 100.0))
        .collect();
    squares(&d.path().join("f.geojson"), &rows);
    ledger(d.path(), &["init"]);
    ledger(d.path(), &["add", "f.geojson", "--kind", "corridor", "--date", "2024-01-01"]);
    let o = run(d.path(), &["--lang", "zh", "ledger", "list", "--form", "-o", "清单.xlsx", "--date", "2024-01-31"]);
    assert!(o.status.success(), "{}", text(&o.stderr));
    // fill it in: another hand reads the workbook, and writes what the department adds
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(d.path().join("清单.xlsx")).unwrap();
    let range = book.worksheet_range("问题清单").unwrap();
    let mut cells: Vec<Vec<String>> = range.rows().map(|r| r.iter().map(ToString::to_string).collect()).collect();
    let at =
        |name: &str, cells: &[Vec<String>]| cells[0].iter().position(|h| h == name).unwrap_or_else(|| panic!("{name}"));
    let [to, date, who, why, unit, deadline, id] =
        ["变更为", "办理日期", "经办人", "情况说明", "责任单位", "完成时限", "问题编号"].map(|n| at(n, &cells));
    let fill = |cells: &mut Vec<Vec<String>>, row: usize, values: &[(usize, &str)]| {
        values.iter().for_each(|(c, v)| cells[row][*c] = (*v).to_owned())
    };
    fill(&mut cells, 1, &[(to, "交办"), (date, "2024年2月5日"), (who, "李"), (why, "发函"), (deadline, "2024年6月底")]);
    fill(&mut cells, 2, &[(to, "已交办"), (unit, "乙公司")]);
    fill(&mut cells, 3, &[(to, "销号")]);
    fill(&mut cells, 4, &[(to, "结案")]);
    fill(&mut cells, 5, &[(to, "交办"), (date, "下周")]);
    fill(&mut cells, 6, &[(id, "CO2024-00099"), (to, "交办")]);
    let mut filled = rust_xlsxwriter::Workbook::new();
    let sheet = filled.add_worksheet();
    for (i, row) in cells.iter().enumerate() {
        row.iter().enumerate().filter(|(_, v)| !v.is_empty()).for_each(|(j, v)| {
            sheet.write_string(i as u32, j as u16, v).unwrap();
        });
    }
    // a date as Excel keeps dates
    let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2024, 2, 6).unwrap();
    sheet
        .write_with_format(2, date as u16, &day, &rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd"))
        .unwrap();
    filled.save(d.path().join("filled.xlsx")).unwrap();
    let update = ["ledger", "update", "--table", "filled.xlsx", "--by", "科室", "--date", "2024-02-10"];
    let (code, said) = failure(d.path(), &[&update[..], &["--strict"]].concat());
    assert!(code == 3 && said.contains("4 feature(s)"), "{said}");
    let o = run(d.path(), &[&update[..], &["--json"]].concat());
    assert_eq!(o.status.code(), Some(1));
    let said = text(&o.stderr);
    for (row, why) in [
        (4, "cannot become closed"),
        (5, "“结案” is no state"),
        (6, "“下周” is no date"),
        (7, "there is no issue CO2024-00099"),
    ] {
        assert!(said.lines().any(|l| l.contains(&format!("row {row} ")) && l.contains(why)), "row {row}: {said}");
    }
    let done: Json = serde_json::from_slice(&o.stdout).unwrap();
    assert_eq!((done["steps"].as_array().unwrap().len(), &done["skipped"]), (2, &json!(4)));
    let one = ledger(d.path(), &["history", "CO2024-00001"]);
    let e = &one["events"][1];
    assert_eq!(
        (&e["day"], &e["who"], &e["why"], &e["set"]["deadline"]),
        (&json!("2024-02-05"), &json!("李"), &json!("发函"), &json!("2024-06-30"))
    );
    let two = ledger(d.path(), &["history", "CO2024-00002"]);
    let e = &two["events"][1];
    assert_eq!(
        (&e["day"], &e["who"], &e["set"]["responsible_unit"]),
        (&json!("2024-02-06"), &json!("科室"), &json!("乙公司"))
    );
    // once more changes nothing
    let o = run(d.path(), &[&update[..], &["--json"]].concat());
    let done: Json = serde_json::from_slice(&o.stdout).unwrap();
    assert_eq!((done["steps"].as_array().unwrap().len(), &done["known"]), (0, &json!(2)));
    // as it stood in January, nobody had been told
    let january = ledger(d.path(), &["list", "--date", "2024-01-31", "--state", "found"]);
    assert_eq!(january["issues"].as_array().unwrap().len(), 6);
    exports(d.path());
}

fn exports(dir: &Path) {
    for file in ["e.gpkg", "f.fgb", "g.geojson", "e.xlsx", "s.shp"] {
        let o = run(dir, &["ledger", "export", "-o", file, "--date", "2024-03-01", "--state", "assigned"]);
        assert!(o.status.success(), "{file}: {}", text(&o.stderr));
    }
    let layer = |name: &str| {
        let source = heshan::read::vector::SourceName::parse(dir.join(name).to_str().unwrap());
        heshan::read::vector::layer(&source, &heshan::read::vector::ReadOptions::default()).unwrap()
    };
    for file in ["e.gpkg#issues", "f.fgb", "g.geojson", "s.shp"] {
        let l = layer(file);
        assert_eq!(l.features.len(), 2, "{file}");
        assert!(l.features.iter().all(|f| f.geometry.is_some()));
    }
    // two issues: found, assigned, each
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(dir.join("e.xlsx")).unwrap();
    assert_eq!(book.worksheet_range("events").unwrap().rows().count(), 1 + 4);
}

/// One copy of SQLite in the process: GDAL and the ledger stand on the same library.
#[test]
fn there_is_one_sqlite_in_the_process() {
    let d = tempfile::tempdir().unwrap();
    ledger(d.path(), &["init"]);
    let exe: PathBuf = env!("CARGO_BIN_EXE_heshan").into();
    let Some(said) = tool("ldd", &[exe.to_str().unwrap()]) else { return };
    let sqlites: BTreeSet<&str> =
        said.split_whitespace().filter(|w| w.contains("libsqlite3") && w.starts_with('/')).collect();
    assert_eq!(sqlites.len(), 1, "{said}");
    // a bundled copy would bring the library's own functions into the program
    let Some(symbols) = tool("nm", &["--defined-only", exe.to_str().unwrap()]) else { return };
    assert!(!symbols.lines().any(|l| l.ends_with(" sqlite3_open_v2")), "SQLite is linked into the program itself");
}
