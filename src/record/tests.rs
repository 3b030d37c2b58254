//! Filing and life against what must hold whatever is found.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate};
use geo::{Geometry, Point, Rect};
use proptest::prelude::*;

use super::Batch;
use super::contradictions;
use super::filing::{Filed, FilingOptions, Update, file, hash, update};
use super::life::{By, as_of, counts, flow, flows};
use super::matching::MatchOptions;
use crate::model::{Changes, Event, Evidence, Finding, Flow, Issue, IssueKind, IssueState};

fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(n)
}

/// A square of `m` metres about, its corner `x`, `y` metres from 106.8° E, 39.6° N.
fn square(x: f64, y: f64, m: f64) -> Geometry<f64> {
    let at = |x: f64, y: f64| (106.8 + x / 85_900.0, 39.6 + y / 111_030.0);
    Geometry::Polygon(Rect::new(at(x, y), at(x + m, y + m)).to_polygon())
}

fn finding(run: &str, id: Option<&str>, place: Geometry<f64>, m2: Option<f64>, observed: NaiveDate) -> Finding {
    let key = hash([run.to_owned(), id.unwrap_or("").to_owned(), format!("{place:?}")]);
    Finding {
        key,
        kind: IssueKind::Corridor,
        object_id: id.map(str::to_owned),
        name: id.map(str::to_owned),
        admin: Some("海勃湾区".into()),
        responsible_unit: None,
        supervising_unit: None,
        deadline: None,
        place,
        area_m2: m2,
        footprint_m: 0.0,
        observed,
        facts: "{}".into(),
        evidence: Evidence { run_id: run.into(), ..Evidence::default() },
    }
}

fn area(run: &str, id: Option<&str>, x: f64, m: f64, on: NaiveDate) -> Finding {
    finding(run, id, square(x, 0.0, m), Some(m * m), on)
}

/// A ledger in memory.
#[derive(Debug, Clone, Default, PartialEq)]
struct Memory {
    issues: BTreeMap<String, Issue>,
    events: Vec<Event>,
}

impl Memory {
    fn issues(&self) -> Vec<Issue> {
        self.issues.values().cloned().collect()
    }

    fn add(&mut self, findings: Vec<Finding>, date: NaiveDate) -> Filed {
        let (batch, filed) = self.planned(findings, date);
        self.write(batch);
        filed
    }

    fn planned(&self, findings: Vec<Finding>, date: NaiveDate) -> (Batch, Filed) {
        let o = FilingOptions {
            date,
            recorded: DateTime::UNIX_EPOCH,
            who: "test".into(),
            why: String::new(),
            matching: MatchOptions::default(),
        };
        let keys: BTreeSet<String> = self.events.iter().map(|e| e.key.clone()).collect();
        file(findings, self.issues(), &keys, &o).unwrap()
    }

    fn write(&mut self, b: Batch) {
        for i in b.opened {
            assert!(self.issues.insert(i.issue_id.clone(), i).is_none());
        }
        for i in b.changed {
            assert!(self.issues.insert(i.issue_id.clone(), i).is_some());
        }
        self.events.extend(b.events);
    }

    /// Moves an issue along; what the table of moves does not have is left.
    fn go(&mut self, id: &str, to: IssueState, date: NaiveDate) -> bool {
        let changes = Changes { responsible_unit: Some(format!("{}公司", to.zh())), ..Changes::default() };
        let u = Update { issue_id: id.into(), to: Some(to), date, who: "a".into(), why: String::new(), changes };
        match update(&self.issues[id], &u, DateTime::UNIX_EPOCH) {
            Ok(Some((e, after))) => {
                self.events.push(e);
                self.issues.insert(id.into(), after);
                true
            }
            _ => false,
        }
    }

    fn close(&mut self, id: &str, date: NaiveDate) {
        use IssueState::{Assigned, Closed, Rectifying, Submitted, Verified};
        for s in [Assigned, Rectifying, Submitted, Verified, Closed] {
            assert!(self.go(id, s, date), "{s:?}");
        }
    }

    fn state(&self, id: &str) -> IssueState {
        self.issues[id].state
    }
}

#[test]
fn the_same_thing_is_filed_once_and_a_closed_one_relapses() {
    let mut m = Memory::default();
    let f =
        m.add(vec![area("r1", Some("A"), 0.0, 100.0, day(0)), area("r1", Some("B"), 5000.0, 100.0, day(0))], day(0));
    assert_eq!(f.opened, ["CO2024-00001", "CO2024-00002"]);
    // the same run again
    let f =
        m.add(vec![area("r1", Some("A"), 0.0, 100.0, day(0)), area("r1", Some("B"), 5000.0, 100.0, day(0))], day(9));
    assert_eq!((f.known, f.opened.len(), m.events.len()), (2, 0, 2));
    // a later run: A again, its outline drawn anew; B not
    let f = m.add(vec![area("r2", Some("A"), 60.0, 100.0, day(31))], day(31));
    assert_eq!((f.seen, f.not_seen), (vec!["CO2024-00001".to_owned()], vec!["CO2024-00002".to_owned()]));
    m.close("CO2024-00001", day(60));
    // of a day before the closing: no relapse
    let f = m.add(vec![area("late", Some("A"), 0.0, 100.0, day(40))], day(61));
    assert_eq!(f.before_closing, ["CO2024-00001"]);
    assert_eq!(m.state("CO2024-00001"), IssueState::Closed);
    let f = m.add(vec![area("r3", Some("A"), 0.0, 100.0, day(90))], day(90));
    assert_eq!(f.relapsed, ["CO2024-00001"]);
    assert_eq!((m.state("CO2024-00001"), m.issues["CO2024-00001"].relapses), (IssueState::Relapsed, 1));
    // what was dismissed stays so
    assert!(m.go("CO2024-00002", IssueState::Dismissed, day(91)));
    let f = m.add(vec![area("r4", Some("B"), 5000.0, 100.0, day(120))], day(120));
    assert_eq!((f.dismissed, f.opened.len()), (vec!["CO2024-00002".to_owned()], 0));
    assert!(contradictions(&m.issues(), &m.events).is_empty());
}

#[test]
fn places_decide_where_no_id_does() {
    let mut m = Memory::default();
    m.add(vec![area("r1", None, 0.0, 100.0, day(0))], day(0));
    // grown, and holding the old one: half of the smaller overlaps
    assert_eq!(m.add(vec![area("r2", None, -50.0, 300.0, day(1))], day(1)).seen.len(), 1);
    // beside it, touching
    assert_eq!(m.add(vec![area("r3", None, 250.0, 100.0, day(2))], day(2)).opened.len(), 1);
    // 49 % of the smaller, and 51 %
    assert_eq!(m.add(vec![area("r4", None, 1000.0, 100.0, day(3))], day(3)).opened.len(), 1);
    assert_eq!(m.add(vec![area("r5", None, 1051.0, 100.0, day(4))], day(4)).opened.len(), 1);
    assert_eq!(m.add(vec![area("r6", None, 952.0, 100.0, day(5))], day(5)).seen.len(), 1);
    // points: 29 m and 31 m
    let point = |run: &str, x: f64, n| {
        let place = Geometry::Point(Point::new(106.8 + x / 85_900.0, 39.7));
        finding(run, None, place, None, day(n))
    };
    assert_eq!(m.add(vec![point("p1", 0.0, 6)], day(6)).opened.len(), 1);
    assert_eq!(m.add(vec![point("p2", 29.0, 7)], day(7)).seen.len(), 1);
    assert_eq!(m.add(vec![point("p3", 29.0 + 31.5, 8)], day(8)).opened.len(), 1);
    // a sensor of 375 m sees the nearest
    let wide = Finding { footprint_m: 375.0, ..point("p4", 29.0 + 31.5 + 300.0, 9) };
    assert_eq!(m.add(vec![wide], day(9)).seen, ["CO2024-00006"]);
}

#[test]
fn ids_decide_where_they_can_and_renumbered_things_are_known_by_place() {
    let mut m = Memory::default();
    // a pond inside a mine: two things, though one lies in the other
    let both =
        |run: &str, n| vec![area(run, Some("mine"), 0.0, 100.0, day(n)), area(run, Some("pond"), 10.0, 80.0, day(n))];
    assert_eq!(m.add(both("r1", 0), day(0)).opened.len(), 2);
    assert_eq!(m.add(both("r2", 1), day(1)).seen.len(), 2);
    // numbered anew
    assert_eq!(m.add(vec![area("r3", Some("M-1"), 0.0, 100.0, day(2))], day(2)).seen, ["CO2024-00001"]);
    // another county's “mine”, 30 km away
    assert_eq!(m.add(vec![area("r4", Some("mine"), 30_000.0, 100.0, day(3))], day(3)).opened.len(), 1);
    // one row twice in a layer, and two rows of one site
    let twice = vec![
        area("r5", Some("x"), 9000.0, 50.0, day(4)),
        area("r5", Some("x"), 9000.0, 50.0, day(4)),
        area("r5", Some("x"), 9100.0, 60.0, day(4)),
    ];
    let f = m.add(twice, day(4));
    assert_eq!((f.opened.len(), f.twice, f.seen.len()), (1, 1, 1));
    // of one run, the largest gives the place
    assert_eq!(m.issues[&f.opened[0]].area_m2, Some(3600.0));
}

#[test]
fn of_several_issues_the_open_one_takes_the_finding() {
    let mut m = Memory::default();
    m.add(vec![area("r1", None, 0.0, 100.0, day(0)), area("r1", None, 110.0, 100.0, day(0))], day(0));
    m.close("CO2024-00001", day(1));
    // covers both
    let f = m.add(vec![area("r2", None, 0.0, 210.0, day(2))], day(2));
    assert_eq!((f.seen.as_slice(), f.relapsed.len(), f.opened.len()), (["CO2024-00002".to_owned()].as_slice(), 0, 0));
    // what was dismissed does not swallow something much larger
    let mut m = Memory::default();
    m.add(vec![area("r1", None, 0.0, 100.0, day(0))], day(0));
    m.go("CO2024-00001", IssueState::Dismissed, day(1));
    assert_eq!(m.add(vec![area("r2", None, 0.0, 110.0, day(2))], day(2)).dismissed.len(), 1);
    assert_eq!(m.add(vec![area("r3", None, 0.0, 400.0, day(3))], day(3)).opened.len(), 1);
}

#[test]
fn an_update_follows_the_table_and_the_calendar() {
    let mut m = Memory::default();
    m.add(vec![area("r1", Some("A"), 0.0, 100.0, day(5))], day(5));
    let of = |to, date| Update {
        issue_id: "CO2024-00001".into(),
        to,
        date,
        who: "李".into(),
        why: String::new(),
        changes: Changes::default(),
    };
    let i = m.issues["CO2024-00001"].clone();
    let at = DateTime::UNIX_EPOCH;
    let e = update(&i, &of(Some(IssueState::Closed), day(6)), at).unwrap_err();
    assert_eq!(e.what.en, "issue CO2024-00001 is found; it cannot become closed");
    assert_eq!(e.remedy.zh, "可改为:已交办、不予立案");
    assert!(update(&i, &of(Some(IssueState::Assigned), day(4)), at).unwrap_err().what.en.contains("lies before"));
    assert_eq!(update(&i, &of(Some(IssueState::Found), day(6)), at).unwrap(), None);
    let remark = Update { why: "已电话通知".into(), ..of(None, day(6)) };
    let (e, after) = update(&i, &remark, at).unwrap().unwrap();
    assert_eq!((e.action, after.events, after.state), (crate::model::Action::Noted, 2, IssueState::Found));
}

/// What happens in one step of a random life.
#[derive(Debug, Clone)]
enum Step {
    /// A run finds the things with these numbers, a few with their id.
    Run(Vec<(u8, bool)>),
    /// Issue number n moves to a state.
    Go(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let run = proptest::collection::vec((0u8..12, any::<bool>()), 0..10).prop_map(Step::Run);
    let go = (0usize..12, 0usize..8).prop_map(|(n, s)| Step::Go(n, s));
    proptest::collection::vec(prop_oneof![1 => run, 4 => go], 1..60)
}

/// Plays a life: one step a day. Things lie 1 km apart, so that ids and places tell the same.
fn played(steps: &[Step], turned: bool) -> Memory {
    let mut m = Memory::default();
    for (n, step) in steps.iter().enumerate() {
        let on = day(n as u64);
        match step {
            Step::Run(things) => {
                let mut f: Vec<Finding> = things
                    .iter()
                    .map(|(k, named)| {
                        let id = format!("T{k}");
                        area(&format!("r{n}"), named.then_some(id.as_str()), 1000.0 * f64::from(*k), 100.0, on)
                    })
                    .collect();
                if turned {
                    f.reverse();
                    f.rotate_left(things.len() / 2);
                }
                m.add(f, on);
            }
            Step::Go(k, s) => {
                let ids: Vec<String> = m.issues.keys().cloned().collect();
                if let Some(id) = ids.get(*k) {
                    m.go(id, IssueState::ALL[*s], on);
                }
            }
        }
    }
    m
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_life_adds_up(steps in steps(), a in 0u64..60, b in 0u64..60) {
        let m = played(&steps, false);
        let issues = m.issues();
        // rows are what their events add up to; one thing is one issue
        prop_assert!(contradictions(&issues, &m.events).is_empty());
        let places: BTreeSet<String> = issues.iter().map(|i| format!("{:?}", i.place)).collect();
        prop_assert_eq!(places.len(), issues.len());
        let (from, to) = (day(a.min(b)), day(a.max(b)));
        let all = flow(&issues, &m.events, from, to);
        prop_assert!(all.adds_up(), "{:?}", all);
        let open = |d| as_of(&issues, &m.events, d).iter().filter(|s| s.state.is_open()).count();
        prop_assert_eq!((all.open_before, all.open_after), (open(from), open(to)));
        for by in [By::Admin, By::ResponsibleUnit, By::SupervisingUnit, By::Kind, By::State] {
            let parts = flows(&issues, &m.events, from, to, by);
            prop_assert!(parts.iter().all(|(_, f)| f.adds_up()), "{:?} {:?}", by, parts);
            let sum = |of: fn(&Flow) -> usize| parts.iter().map(|(_, f)| of(f)).sum::<usize>();
            prop_assert_eq!(sum(|f| f.opened.len()), all.opened.len());
            prop_assert_eq!(sum(|f| f.closed.len()), all.closed.len());
            prop_assert_eq!(sum(|f| f.relapsed.len()), all.relapsed.len());
            prop_assert_eq!(sum(|f| f.open_after), all.open_after);
            let c = counts(&as_of(&issues, &m.events, to), by, to);
            prop_assert_eq!(c.iter().map(|(_, c)| c.open).sum::<usize>(), all.open_after);
            prop_assert!(c.iter().all(|(_, c)| c.total == c.open + c.closed + c.dismissed && c.overdue <= c.open));
        }
        // today, the rows and the events say the same
        for s in as_of(&issues, &m.events, day(1000)) {
            prop_assert_eq!((s.state, s.since, s.relapses), (s.issue.state, s.issue.state_since, s.issue.relapses));
            prop_assert_eq!(s.responsible_unit, s.issue.responsible_unit.as_deref());
        }
    }

    #[test]
    fn the_order_of_findings_changes_nothing(steps in steps()) {
        prop_assert_eq!(played(&steps, false), played(&steps, true));
    }

    #[test]
    fn places_in_any_order_and_twice(xs in proptest::collection::vec((0u32..600, 20u32..200, 0u8..4), 1..25), turn in 0usize..25) {
        // areas that overlap in every way, some with an id
        let all: Vec<Finding> = xs.iter().map(|(x, m, id)| {
            let id = (*id < 2).then(|| format!("I{id}"));
            area("r", id.as_deref(), f64::from(*x), f64::from(*m), day(0))
        }).collect();
        let mut turned = all.clone();
        turned.reverse();
        turned.rotate_left(turn % xs.len());
        let (mut a, mut b) = (Memory::default(), Memory::default());
        a.add(all.clone(), day(0));
        b.add(turned.clone(), day(0));
        prop_assert_eq!(&a, &b);
        // and a second run over the ledger, whatever it held
        let again = |fs: &[Finding]| fs.iter().map(|f| area("s", f.object_id.as_deref(), 0.0, 1.0, day(1))).zip(fs)
            .map(|(g, f)| Finding { place: f.place.clone(), area_m2: f.area_m2, key: format!("s{}", f.key), ..g }).collect::<Vec<_>>();
        let (n, first) = (a.issues.len(), a.clone());
        a.add(again(&all), day(1));
        b.add(again(&turned), day(1));
        prop_assert_eq!(&a, &b);
        // the same places again open nothing
        prop_assert_eq!(a.issues.len(), n);
        let mut once = first.clone();
        once.add(all, day(5));
        prop_assert_eq!(once, first);
    }
}
