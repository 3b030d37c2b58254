//! What a run's findings and people's updates do to the ledger, as events. Pure: the same ledger and the same findings
//! give the same events, in whatever order the findings come.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::Batch;
use super::matching::{MatchOptions, Places};
use crate::error::{Error, Result};
use crate::model::{Action, Changes, Event, Finding, Issue, IssueKind, IssueState, refused_move};

/// Who files, when, and by which rules.
#[derive(Debug, Clone, PartialEq)]
pub struct FilingOptions {
    /// The day the events count for.
    pub date: NaiveDate,
    /// The time of writing.
    pub recorded: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// Why: where the findings come from.
    pub why: String,
    /// When two places are the same.
    pub matching: MatchOptions,
}

/// What became of findings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filed {
    /// Issues opened.
    pub opened: Vec<String>,
    /// Open issues found again.
    pub seen: Vec<String>,
    /// Closed issues found again after they were closed.
    pub relapsed: Vec<String>,
    /// Issues that were closed later than the finding speaks of.
    pub before_closing: Vec<String>,
    /// Dismissed issues found again; they stay dismissed.
    pub dismissed: Vec<String>,
    /// Open issues of the kind that no finding of this run belongs to: not seen, which is not the same as mended.
    pub not_seen: Vec<String>,
    /// Findings that the ledger knows already.
    pub known: usize,
    /// Findings that stood in the layer twice.
    pub twice: usize,
}

/// Files findings of one kind. `issues`: all of that kind; `known`: keys of the findings that the ledger bears already.
///
/// # Errors
/// `Input` where a finding has no place.
pub fn file(
    findings: Vec<Finding>,
    issues: Vec<Issue>,
    known: &BTreeSet<String>,
    o: &FilingOptions,
) -> Result<(Batch, Filed)> {
    o.matching.check()?;
    let ids = findings.iter().filter_map(|f| f.object_id.clone()).collect();
    let mut filed = Filed::default();
    let mut desk = Desk { numbers: numbers(&issues), there: issues.len(), touched: BTreeMap::new(), o };
    let open: Vec<String> = issues.iter().filter(|i| i.state.is_open()).map(|i| i.issue_id.clone()).collect();
    let mut places = Places::new(issues, ids, o.matching)?;
    let mut batch = Batch::default();
    for f in in_order(findings, known, &mut filed) {
        let e = match places.find(&f)? {
            Some(n) => desk.again(f, n, &mut places, &mut filed)?,
            None => desk.first(f, &mut places, &mut filed)?,
        };
        batch.events.push(e);
    }
    for (n, touched) in desk.touched {
        let to = if touched { &mut batch.changed } else { &mut batch.opened };
        to.push(places.issue(n).clone());
    }
    let met: BTreeSet<&String> = batch.changed.iter().map(|i| &i.issue_id).collect();
    if filed.known == 0 {
        filed.not_seen = open.into_iter().filter(|id| !met.contains(id)).collect();
    }
    Ok((batch, filed))
}

/// New findings, each once, in an order of their own: the larger first, so that an issue's place is the largest that
/// joined it; then by object id and key.
fn in_order(findings: Vec<Finding>, known: &BTreeSet<String>, filed: &mut Filed) -> Vec<Finding> {
    let mut once: BTreeMap<String, Finding> = BTreeMap::new();
    for f in findings {
        if known.contains(&f.key) {
            filed.known += 1;
        } else if once.insert(f.key.clone(), f).is_some() {
            filed.twice += 1;
        }
    }
    let mut all: Vec<Finding> = once.into_values().collect();
    let size = |f: &Finding| f.area_m2.unwrap_or(0.0);
    all.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| (&a.object_id, &a.key).cmp(&(&b.object_id, &b.key))));
    all
}

/// The last number of each year among the issues.
fn numbers(issues: &[Issue]) -> BTreeMap<i32, u32> {
    let mut out = BTreeMap::new();
    for i in issues {
        let parts = i.issue_id.get(2..).and_then(|s| s.split_once('-'));
        if let Some((year, number)) = parts.and_then(|(y, n)| Some((y.parse::<i32>().ok()?, n.parse::<u32>().ok()?))) {
            let last = out.entry(year).or_insert(0);
            *last = number.max(*last);
        }
    }
    out
}

struct Desk<'a> {
    numbers: BTreeMap<i32, u32>,
    /// Issues that there were.
    there: usize,
    /// Issues with new events; whether they were there before.
    touched: BTreeMap<usize, bool>,
    o: &'a FilingOptions,
}

impl Desk<'_> {
    fn first(&mut self, f: Finding, places: &mut Places, filed: &mut Filed) -> Result<Event> {
        let issue_id = self.next_id(f.kind);
        let changes = Changes {
            name: f.name.clone(),
            admin: f.admin.clone(),
            responsible_unit: f.responsible_unit.clone(),
            supervising_unit: f.supervising_unit.clone(),
            deadline: f.deadline,
        };
        let e = self.event(issue_id.clone(), 1, Action::Found, None, IssueState::Found, self.o.date, changes, f);
        places.add(Issue::opened(&e)?)?;
        self.touched.insert(self.there, false);
        self.there += 1;
        filed.opened.push(issue_id);
        Ok(e)
    }

    fn again(&mut self, f: Finding, n: usize, places: &mut Places, filed: &mut Filed) -> Result<Event> {
        let mut issue = places.issue(n).clone();
        let relapses = issue.state == IssueState::Closed && issue.closed.is_some_and(|c| f.observed > c);
        let list = match issue.state {
            IssueState::Closed if relapses => &mut filed.relapsed,
            IssueState::Closed => &mut filed.before_closing,
            IssueState::Dismissed => &mut filed.dismissed,
            _ => &mut filed.seen,
        };
        if list.last() != Some(&issue.issue_id) {
            list.push(issue.issue_id.clone());
        }
        let to = if relapses { IssueState::Relapsed } else { issue.state };
        // what people have set stays; only what is missing is filled in
        let fill = |has: &Option<String>, v: &Option<String>| if has.is_none() { v.clone() } else { None };
        let changes = Changes {
            name: fill(&issue.name, &f.name),
            admin: fill(&issue.admin, &f.admin),
            responsible_unit: fill(&issue.responsible_unit, &f.responsible_unit),
            supervising_unit: fill(&issue.supervising_unit, &f.supervising_unit),
            deadline: if issue.deadline.is_none() { f.deadline } else { None },
        };
        // a run that comes late is written down after what has happened since; its own day stands in the finding
        let date = self.o.date.max(issue.changed);
        let (seq, from) = (issue.events + 1, Some(issue.state));
        let e = self.event(issue.issue_id.clone(), seq, Action::Seen, from, to, date, changes, f);
        issue.take(&e)?;
        places.replace(n, issue);
        self.touched.entry(n).or_insert(true);
        Ok(e)
    }

    fn next_id(&mut self, kind: IssueKind) -> String {
        let year = self.o.date.year();
        let number = self.numbers.entry(year).or_insert(0);
        *number += 1;
        format!("{}{year}-{number:05}", kind.letters())
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of an event")]
    fn event(
        &self,
        issue_id: String,
        seq: u32,
        action: Action,
        from: Option<IssueState>,
        to: IssueState,
        date: NaiveDate,
        changes: Changes,
        f: Finding,
    ) -> Event {
        Event {
            issue_id,
            seq,
            action,
            from,
            to,
            date,
            recorded: self.o.recorded,
            who: self.o.who.clone(),
            why: self.o.why.clone(),
            key: f.key.clone(),
            changes,
            finding: Some(Box::new(f)),
        }
    }
}

/// What someone does to an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The issue.
    pub issue_id: String,
    /// The state it moves to; `None` leaves it where it is.
    pub to: Option<IssueState>,
    /// The day it counts for.
    pub date: NaiveDate,
    /// Who.
    pub who: String,
    /// Why.
    pub why: String,
    /// What is set beside the state.
    pub changes: Changes,
}

impl Update {
    /// Hash by which the same update is known when it comes again.
    pub fn key(&self) -> String {
        let c = &self.changes;
        let text = |s: &Option<String>| s.clone().unwrap_or_default();
        let date = |d: Option<NaiveDate>| d.map(|d| d.to_string()).unwrap_or_default();
        hash([
            "update".into(),
            self.issue_id.clone(),
            self.to.map(|s| s.as_str().to_owned()).unwrap_or_default(),
            self.date.to_string(),
            self.who.clone(),
            self.why.clone(),
            text(&c.name),
            text(&c.admin),
            text(&c.responsible_unit),
            text(&c.supervising_unit),
            date(c.deadline),
        ])
    }
}

/// SHA-256 of texts, each with its length before it, so that no two lists of texts give the same bytes.
pub fn hash(parts: impl IntoIterator<Item = String>) -> String {
    let mut h = Sha256::new();
    for p in parts {
        h.update((p.len() as u64).to_le_bytes());
        h.update(p.as_bytes());
    }
    h.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// The event of an update, and the issue after it; `None` where it changes nothing.
///
/// # Errors
/// `Usage` where the table of moves has no such move, or the day lies before the issue's last event.
pub fn update(issue: &Issue, u: &Update, recorded: DateTime<Utc>) -> Result<Option<(Event, Issue)>> {
    let to = u.to.unwrap_or(issue.state);
    let moves = to != issue.state;
    if moves && !issue.state.may_become(to) {
        return Err(refused_move(&issue.issue_id, issue.state, to));
    }
    if u.date < issue.changed {
        return Err(Error::usage(
            format!("issue {}: {} lies before its last event, {}", issue.issue_id, u.date, issue.changed),
            format!("问题 {}:{} 早于其最近一条记录({})", issue.issue_id, u.date, issue.changed),
        )
        .remedy("give a later --date", "请用 --date 给出更晚的日期"));
    }
    let differs = |has: &Option<String>, v: &Option<String>| if has == v { None } else { v.clone() };
    let c = &u.changes;
    let changes = Changes {
        name: differs(&issue.name, &c.name),
        admin: differs(&issue.admin, &c.admin),
        responsible_unit: differs(&issue.responsible_unit, &c.responsible_unit),
        supervising_unit: differs(&issue.supervising_unit, &c.supervising_unit),
        deadline: c.deadline.filter(|d| issue.deadline != Some(*d)),
    };
    // a remark alone is an event; the present state and units said again are none
    let remark = u.to.is_none() && u.changes.is_empty() && !u.why.is_empty();
    if !moves && changes.is_empty() && !remark {
        return Ok(None);
    }
    let e = Event {
        issue_id: issue.issue_id.clone(),
        seq: issue.events + 1,
        action: if moves { Action::Moved } else { Action::Noted },
        from: Some(issue.state),
        to,
        date: u.date,
        recorded,
        who: u.who.clone(),
        why: u.why.clone(),
        key: u.key(),
        changes,
        finding: None,
    };
    let mut after = issue.clone();
    after.take(&e)?;
    Ok(Some((e, after)))
}
