//! The store itself: versions, and what its tables refuse.

use chrono::{DateTime, NaiveDate};
use geo::{Geometry, Point};
use rusqlite::Connection;

use super::*;
use crate::model::{Action, Changes, Event, Evidence, Finding, Issue, IssueKind, IssueState};
use crate::record::{Batch, Which, faults};

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn found(id: &str) -> (Issue, Event) {
    let date = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    let f = Finding {
        key: format!("key of {id}"),
        kind: IssueKind::Fire,
        object_id: Some(id.into()),
        name: Some("=1+1 \u{202e}测试".into()),
        admin: None,
        responsible_unit: None,
        supervising_unit: None,
        deadline: None,
        place: Geometry::Point(Point::new(106.8, 39.6)),
        area_m2: None,
        footprint_m: 30.0,
        observed: date,
        facts: "{}".into(),
        evidence: Evidence { run_id: "r".into(), ..Evidence::default() },
    };
    let e = Event {
        issue_id: id.into(),
        seq: 1,
        action: Action::Found,
        from: None,
        to: IssueState::Found,
        date,
        recorded: at(),
        who: "a".into(),
        why: String::new(),
        key: f.key.clone(),
        changes: Changes { name: f.name.clone(), ..Changes::default() },
        finding: Some(Box::new(f)),
    };
    (Issue::opened(&e).unwrap(), e)
}

fn ledger(dir: &Path) -> PathBuf {
    let p = dir.join("l.gpkg");
    create(&p, at()).unwrap();
    let (issue, e) = found("FI2026-00001");
    let mut s = GeoPackage::open(&p).unwrap();
    let batch = Batch { opened: vec![issue], events: vec![e], ..Batch::default() };
    s.write(&mut |_| Ok(batch.clone())).unwrap();
    p
}

#[test]
fn what_goes_in_comes_out() {
    let d = tempfile::tempdir().unwrap();
    let mut s = GeoPackage::open(&ledger(d.path())).unwrap();
    let (issue, e) = found("FI2026-00001");
    s.read(&mut |r| {
        assert_eq!(r.issues(&Which::All)?, std::slice::from_ref(&issue));
        assert_eq!(r.issues(&Which::Kind(IssueKind::Corridor))?, []);
        assert_eq!(r.events(None, true)?, std::slice::from_ref(&e));
        assert_eq!(r.known(&["x".into(), e.key.clone()])?.len(), 1);
        assert_eq!(r.chip("none")?, None);
        Ok(())
    })
    .unwrap();
    assert_eq!(faults(&mut s).unwrap(), []);
}

/// A ledger as version 1 made it, with an issue in it, is brought to the present one whole.
#[test]
fn an_older_ledger_is_brought_along() {
    let d = tempfile::tempdir().unwrap();
    let p = d.path().join("old.gpkg");
    let mut c = Connection::open(&p).unwrap();
    schema::begin(&c).unwrap();
    schema::migrate(&mut c, 1, at()).unwrap();
    let columns = |t: &str| -> Vec<String> {
        let mut s = c.prepare(&format!("SELECT name FROM pragma_table_info('{t}')")).unwrap();
        s.query_map([], |r| r.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    assert!(!columns("issues").contains(&"footprint_m".to_owned()) && columns("runs").is_empty());
    let geom: Vec<u8> = [
        vec![b'G', b'P', 0, 1],
        SRS.to_le_bytes().to_vec(),
        crate::space::wkb::write(&Geometry::Point(Point::new(106.8, 39.6))),
    ]
    .concat();
    c.execute(
        "INSERT INTO issues (geom, issue_id, kind, state, object_id, name, found, state_since, last_seen, changed, relapses, events, run_id)
         VALUES (?1, 'FI2026-00001', 'fire', 'found', 'T1', 'x', '2026-03-01', '2026-03-01', '2026-03-01', '2026-03-01', 0, 1, 'r')",
        [&geom],
    )
    .unwrap();
    c.execute_batch(
        "INSERT INTO events (issue_id, seq, action, to_state, day, recorded, who, why, event_key, name)
         VALUES ('FI2026-00001', 1, 'found', 'found', '2026-03-01', '2026-03-01T08:00:00.000Z', 'a', '', 'k', 'x')",
    )
    .unwrap();
    c.execute(
        "INSERT INTO findings (geom, event_key, issue_id, kind, object_id, observed, facts, run_id, input_hash, source)
         VALUES (?1, 'k', 'FI2026-00001', 'fire', 'T1', '2026-03-01', '{}', 'r', '', 's#1')",
        [&geom],
    )
    .unwrap();
    drop(c);
    let mut s = GeoPackage::open(&p).unwrap();
    assert_eq!(schema::version(&s.connection).unwrap(), Some(SCHEMA_VERSION));
    assert_eq!(faults(&mut s).unwrap(), []);
    s.read(&mut |r| {
        let i = r.issues(&Which::All)?.pop().unwrap();
        assert_eq!((i.issue_id.as_str(), i.name.as_deref(), i.footprint_m), ("FI2026-00001", Some("x"), 0.0));
        let runs = r.runs()?;
        assert_eq!((runs.len(), runs[0].run_id.as_str()), (1, "r"));
        assert_eq!(runs[0].added.to_rfc3339(), "2026-03-01T08:00:00+00:00");
        Ok(())
    })
    .unwrap();
    // and takes new events
    let (issue, e) = found("FI2026-00002");
    s.write(&mut |_| Ok(Batch { opened: vec![issue.clone()], events: vec![e.clone()], ..Batch::default() })).unwrap();
    assert_eq!(faults(&mut s).unwrap(), []);
    // a version of the future is left alone
    s.connection.execute_batch("UPDATE ledger SET schema_version = 4").unwrap();
    drop(s);
    let e = GeoPackage::open(&p).unwrap_err();
    assert_eq!((e.kind.exit_code(), e.what.en.as_str()), (3, "the ledger is of version 4; this program knows 3"));
}

/// The layers by type of geometry tell each code by the word that the program has for it.
#[test]
fn layers_of_issues_have_words_for_codes() {
    let d = tempfile::tempdir().unwrap();
    let c = Connection::open(ledger(d.path())).unwrap();
    let of = |view: &str| -> Vec<(String, String)> {
        let mut s = c.prepare(&format!("SELECT kind_zh, state_zh FROM {view}")).unwrap();
        s.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    assert_eq!(of("issue_points"), [(IssueKind::Fire.zh().to_owned(), IssueState::Found.zh().to_owned())]);
    assert!(of("issue_areas").is_empty() && of("issue_lines").is_empty());
    let sql: String =
        c.query_row("SELECT sql FROM sqlite_master WHERE name = 'issue_lines'", [], |r| r.get(0)).unwrap();
    for k in IssueKind::ALL {
        assert!(sql.contains(&format!("WHEN '{}' THEN '{}'", k.as_str(), k.zh())), "{k:?}");
    }
    for s in IssueState::ALL {
        assert!(sql.contains(&format!("WHEN '{}' THEN '{}'", s.as_str(), s.zh())), "{s:?}");
    }
}

/// A style that people saved stays; layers without one get one.
#[test]
fn styles_are_kept_for_layers_without() {
    use crate::model::{LayerStyle, Style};
    let d = tempfile::tempdir().unwrap();
    let mut s = GeoPackage::open(&ledger(d.path())).unwrap();
    let of = |layer: &str, qml: &str| LayerStyle {
        layer: [layer.into(), "geom".into()],
        title: layer.into(),
        style: Style { qml: qml.into(), sld: String::new() },
    };
    s.dress(&[of("issue_areas", "people's")], at()).unwrap();
    s.dress(&[of("issue_areas", "ours"), of("issue_points", "ours")], at()).unwrap();
    let mut q = s.connection.prepare("SELECT f_table_name, styleQML FROM layer_styles ORDER BY id").unwrap();
    let all: Vec<(String, String)> =
        q.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    let want = [("issue_areas", "people's"), ("issue_points", "ours")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(all, want);
}

#[test]
fn events_are_appended_only_and_issues_follow_them() {
    let d = tempfile::tempdir().unwrap();
    let p = ledger(d.path());
    // another program, with no idea of the rules
    let c = Connection::open(&p).unwrap();
    let refused = |sql: &str| c.execute_batch(sql).unwrap_err().to_string();
    for table in ["events", "findings", "issues"] {
        assert!(refused(&format!("DELETE FROM {table}")).contains("never deleted"), "{table}");
    }
    assert!(refused("UPDATE events SET why = 'x'").contains("never changed"));
    assert!(refused("UPDATE findings SET facts = 'x'").contains("never changed"));
    for sql in ["UPDATE issues SET state = 'closed'", "UPDATE issues SET name = 'x'", "UPDATE issues SET events = 2"] {
        assert!(refused(sql).contains("by events only"), "{sql}");
    }
    assert!(refused("UPDATE issues SET state = 'gone'").contains("by events only"));
    // a plan that fails writes nothing
    let mut s = GeoPackage::open(&p).unwrap();
    let (issue, e) = found("FI2026-00002");
    let twice = Batch { opened: vec![issue], events: vec![e.clone(), e], ..Batch::default() };
    assert_eq!(s.write(&mut |_| Ok(twice.clone())).unwrap_err().kind.exit_code(), 4);
    s.read(&mut |r| {
        assert_eq!((r.issues(&Which::All)?.len(), r.events(None, false)?.len()), (1, 1));
        Ok(())
    })
    .unwrap();
}

/// Each sort of contradiction is found: the tables' triggers taken away, and a row changed by hand.
#[test]
fn the_check_finds_what_was_changed_by_force() {
    for (sql, says) in [
        ("DROP TRIGGER issues_follow_events; UPDATE issues SET name = 'x'", "not what its events add up to"),
        (
            "DROP TRIGGER events_are_kept; DROP TRIGGER findings_are_kept; DELETE FROM findings; DELETE FROM events",
            "no events",
        ),
        ("DROP TRIGGER events_stay; UPDATE events SET to_state = 'closed'", "not a finding"),
        ("DROP TRIGGER issues_are_kept; DELETE FROM issues", "events without an issue"),
    ] {
        let d = tempfile::tempdir().unwrap();
        let p = ledger(d.path());
        Connection::open(&p).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let found = faults(&mut GeoPackage::open(&p).unwrap()).unwrap();
        assert!(found.iter().any(|f| f.en.contains(says)), "{sql}: {found:?}");
    }
}

#[test]
fn a_ledger_is_never_replaced_and_nothing_else_is_one() {
    let d = tempfile::tempdir().unwrap();
    let p = ledger(d.path());
    assert_eq!(create(&p, at()).unwrap_err().kind.exit_code(), 4);
    let other = d.path().join("other.gpkg");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    assert_eq!(GeoPackage::open(&other).unwrap_err().what.en, "this GeoPackage is no ledger");
    std::fs::write(&other, "no database at all, but long enough to be looked at".repeat(20)).unwrap();
    assert_eq!(GeoPackage::open(&other).unwrap_err().kind.exit_code(), 3);
    assert_eq!(GeoPackage::open(&d.path().join("none.gpkg")).unwrap_err().what.en, "there is no such ledger");
    let left: Vec<_> = std::fs::read_dir(d.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|n| !n.to_string_lossy().contains("partial")), "{left:?}");
}
