//! How issues stood on any day, how many there were, and what changed between two days: all from the events, so that any
//! month can be computed again from the ledger.
//!
//! Over any stretch of days, for all issues and for any group of them,
//! `open after = open before + opened − closed − dismissed + relapsed + reopened`.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::model::{Action, Count, Event, Flow, Issue, IssueKind, IssueState, Standing};

/// What issues are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// All together.
    All,
    /// 盟市/旗县区
    Admin,
    /// 责任单位
    ResponsibleUnit,
    /// 监管单位
    SupervisingUnit,
    /// Kind.
    Kind,
    /// State.
    State,
}

impl By {
    /// The group of a standing; `None` where it names none.
    pub fn group(self, s: &Standing<'_>) -> Option<String> {
        match self {
            Self::All => Some(String::new()),
            Self::Admin => s.admin.map(str::to_owned),
            Self::ResponsibleUnit => s.responsible_unit.map(str::to_owned),
            Self::SupervisingUnit => s.supervising_unit.map(str::to_owned),
            Self::Kind => Some(s.issue.kind.as_str().to_owned()),
            Self::State => Some(s.state.as_str().to_owned()),
        }
    }
}

/// How all issues found up to `day` stood at its end, by id. `events`: in the order of writing; findings are not needed.
pub fn as_of<'a>(issues: &'a [Issue], events: &'a [Event], day: NaiveDate) -> Vec<Standing<'a>> {
    let by_id: BTreeMap<&str, &Issue> = issues.iter().map(|i| (i.issue_id.as_str(), i)).collect();
    let mut out: BTreeMap<&str, Standing<'a>> = BTreeMap::new();
    for e in events.iter().filter(|e| e.date <= day) {
        let Some(issue) = by_id.get(e.issue_id.as_str()) else { continue };
        let s = out.entry(&e.issue_id).or_insert_with(|| Standing {
            issue,
            state: e.to,
            since: e.date,
            admin: None,
            responsible_unit: None,
            supervising_unit: None,
            deadline: None,
            last_found: e.date,
            relapses: 0,
        });
        if s.state != e.to {
            s.state = e.to;
            s.since = e.date;
            s.relapses += u32::from(e.to == IssueState::Relapsed);
        }
        if matches!(e.action, Action::Found | Action::Seen) {
            s.last_found = e.date;
        }
        let c = &e.changes;
        s.admin = c.admin.as_deref().or(s.admin);
        s.responsible_unit = c.responsible_unit.as_deref().or(s.responsible_unit);
        s.supervising_unit = c.supervising_unit.as_deref().or(s.supervising_unit);
        s.deadline = c.deadline.or(s.deadline);
    }
    out.into_values().collect()
}

/// Counts by group, in the order of their names; those that name none come last (`None`).
pub fn counts(standings: &[Standing<'_>], by: By, day: NaiveDate) -> Vec<(Option<String>, Count)> {
    let mut out: BTreeMap<(bool, Option<String>), Count> = BTreeMap::new();
    for s in standings {
        let group = by.group(s);
        let c = out.entry((group.is_none(), group)).or_default();
        c.total += 1;
        c.open += usize::from(s.state.is_open());
        c.overdue += usize::from(s.overdue(day));
        c.closed += usize::from(s.state == IssueState::Closed);
        c.dismissed += usize::from(s.state == IssueState::Dismissed);
    }
    out.into_iter().map(|((_, g), c)| (g, c)).collect()
}

/// What happened after `from` and up to `to`, by group; an issue counts for the group it is in at the end of `to`.
pub fn flows(
    issues: &[Issue],
    events: &[Event],
    from: NaiveDate,
    to: NaiveDate,
    by: By,
) -> Vec<(Option<String>, Flow)> {
    let mut out: BTreeMap<(bool, Option<String>), Flow> = BTreeMap::new();
    let mut group_of: BTreeMap<&str, (bool, Option<String>)> = BTreeMap::new();
    for s in as_of(issues, events, to) {
        let group = by.group(&s);
        let key = (group.is_none(), group);
        out.entry(key.clone()).or_default().open_after += usize::from(s.state.is_open());
        group_of.insert(&s.issue.issue_id, key);
    }
    for s in as_of(issues, events, from).iter().filter(|s| s.state.is_open()) {
        if let Some(f) = group_of.get(s.issue.issue_id.as_str()).and_then(|g| out.get_mut(g)) {
            f.open_before += 1;
        }
    }
    for e in events.iter().filter(|e| from < e.date && e.date <= to && e.from != Some(e.to)) {
        let Some(f) = group_of.get(e.issue_id.as_str()).and_then(|g| out.get_mut(g)) else { continue };
        let list = match (e.from, e.to) {
            (None, _) => &mut f.opened,
            (Some(_), IssueState::Found) => &mut f.reopened,
            (_, IssueState::Assigned) => &mut f.assigned,
            (_, IssueState::Submitted) => &mut f.rectified,
            (_, IssueState::Verified) => &mut f.verified,
            (_, IssueState::Closed) => &mut f.closed,
            (_, IssueState::Relapsed) => &mut f.relapsed,
            (_, IssueState::Dismissed) => &mut f.dismissed,
            (_, IssueState::Rectifying) => continue,
        };
        list.push(e.issue_id.clone());
    }
    out.into_iter().map(|((_, g), f)| (g, f)).collect()
}

/// What happened after `from` and up to `to`, all issues together.
pub fn flow(issues: &[Issue], events: &[Event], from: NaiveDate, to: NaiveDate) -> Flow {
    flows(issues, events, from, to, By::All).pop().map(|(_, f)| f).unwrap_or_default()
}

/// How many issues were in such a state at the end of each day from `from` to `to`, as [`as_of`] tells it.
pub fn by_day(
    issues: &[Issue],
    events: &[Event],
    (from, to): (NaiveDate, NaiveDate),
    such: fn(IssueState) -> bool,
) -> Vec<(NaiveDate, usize)> {
    let mut of: BTreeMap<&str, Vec<&Event>> = issues.iter().map(|i| (i.issue_id.as_str(), Vec::new())).collect();
    for e in events.iter().filter(|e| e.date <= to) {
        if let Some(list) = of.get_mut(e.issue_id.as_str()) {
            list.push(e);
        }
    }
    // what changes on a day, against the day before
    let mut change: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for list in of.values() {
        let days: std::collections::BTreeSet<NaiveDate> = list.iter().map(|e| e.date).collect();
        let mut before = 0;
        for day in days {
            let last = list.iter().rfind(|e| e.date <= day);
            let now = i64::from(last.is_some_and(|e| such(e.to)));
            *change.entry(day).or_default() += now - before;
            before = now;
        }
    }
    let mut open: i64 = change.range(..from).map(|(_, n)| n).sum();
    from.iter_days()
        .take_while(|d| *d <= to)
        .map(|d| {
            open += change.get(&d).copied().unwrap_or_default();
            (d, usize::try_from(open).unwrap_or_default())
        })
        .collect()
}

/// Which issues a list holds; what is not told does not narrow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// States.
    pub states: Vec<IssueState>,
    /// Kinds.
    pub kinds: Vec<IssueKind>,
    /// Responsible or supervising units.
    pub units: Vec<String>,
    /// 盟市/旗县区
    pub admins: Vec<String>,
    /// Open ones only.
    pub open: bool,
    /// Those past their deadline only.
    pub overdue: bool,
}

impl Filter {
    /// True where a standing is wanted on `day`.
    pub fn takes(&self, s: &Standing<'_>, day: NaiveDate) -> bool {
        let any = |list: &[String], v: Option<&str>| v.is_some_and(|v| list.iter().any(|x| x == v));
        (self.states.is_empty() || self.states.contains(&s.state))
            && (self.kinds.is_empty() || self.kinds.contains(&s.issue.kind))
            && (self.units.is_empty() || any(&self.units, s.responsible_unit) || any(&self.units, s.supervising_unit))
            && (self.admins.is_empty() || any(&self.admins, s.admin))
            && (!self.open || s.state.is_open())
            && (!self.overdue || s.overdue(day))
    }
}
