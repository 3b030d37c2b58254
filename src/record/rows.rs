//! Issues, events and findings as rows of tables, the same in every store.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::error::{Error, Result};
use crate::model::{Action, Changes, Chip, Event, Evidence, Finding, Issue, IssueKind, IssueState};
use crate::space::wkb;

/// A value on its way to or from a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Int(i64),
    Real(f64),
    Bytes(Vec<u8>),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Int,
    Real,
    /// `2026-11-30`
    Day,
    /// `2026-11-30T08:00:00.000Z`
    Time,
    /// WKB in cells, the store's own form in tables.
    Place,
}

pub(super) type Columns = &'static [(&'static str, Holds)];

pub(super) const ISSUES: Columns = &[
    ("geom", Holds::Place),
    ("issue_id", Holds::Text),
    ("kind", Holds::Text),
    ("state", Holds::Text),
    ("object_id", Holds::Text),
    ("name", Holds::Text),
    ("admin", Holds::Text),
    ("responsible_unit", Holds::Text),
    ("supervising_unit", Holds::Text),
    ("deadline", Holds::Day),
    ("area_m2", Holds::Real),
    ("footprint_m", Holds::Real),
    ("found", Holds::Day),
    ("state_since", Holds::Day),
    ("last_seen", Holds::Day),
    ("changed", Holds::Day),
    ("closed", Holds::Day),
    ("relapses", Holds::Int),
    ("events", Holds::Int),
    ("run_id", Holds::Text),
];

pub(super) const EVENTS: Columns = &[
    ("issue_id", Holds::Text),
    ("seq", Holds::Int),
    ("action", Holds::Text),
    ("from_state", Holds::Text),
    ("to_state", Holds::Text),
    ("day", Holds::Day),
    ("recorded", Holds::Time),
    ("who", Holds::Text),
    ("why", Holds::Text),
    ("event_key", Holds::Text),
    ("name", Holds::Text),
    ("admin", Holds::Text),
    ("responsible_unit", Holds::Text),
    ("supervising_unit", Holds::Text),
    ("deadline", Holds::Day),
];

pub(super) const FINDINGS: Columns = &[
    ("geom", Holds::Place),
    ("event_key", Holds::Text),
    ("issue_id", Holds::Text),
    ("kind", Holds::Text),
    ("object_id", Holds::Text),
    ("name", Holds::Text),
    ("admin", Holds::Text),
    ("responsible_unit", Holds::Text),
    ("supervising_unit", Holds::Text),
    ("deadline", Holds::Day),
    ("observed", Holds::Day),
    ("area_m2", Holds::Real),
    ("footprint_m", Holds::Real),
    ("facts", Holds::Text),
    ("run_id", Holds::Text),
    ("input_hash", Holds::Text),
    ("source", Holds::Text),
    ("before_chip", Holds::Text),
    ("after_chip", Holds::Text),
];

pub(super) const RUNS: Columns =
    &[("run_id", Holds::Text), ("verb", Holds::Text), ("manifest", Holds::Text), ("added", Holds::Time)];

fn text(s: &str) -> Cell {
    Cell::Text(s.to_owned())
}

fn maybe(s: &Option<String>) -> Cell {
    s.as_deref().map_or(Cell::Null, text)
}

fn day(d: NaiveDate) -> Cell {
    Cell::Text(d.format("%Y-%m-%d").to_string())
}

fn maybe_day(d: Option<NaiveDate>) -> Cell {
    d.map_or(Cell::Null, day)
}

pub(super) fn time(t: DateTime<Utc>) -> Cell {
    Cell::Text(t.to_rfc3339_opts(SecondsFormat::Millis, true))
}

pub(super) fn issue_cells(i: &Issue) -> Vec<Cell> {
    vec![
        Cell::Bytes(wkb::write(&i.place)),
        text(&i.issue_id),
        text(i.kind.as_str()),
        text(i.state.as_str()),
        maybe(&i.object_id),
        maybe(&i.name),
        maybe(&i.admin),
        maybe(&i.responsible_unit),
        maybe(&i.supervising_unit),
        maybe_day(i.deadline),
        i.area_m2.map_or(Cell::Null, Cell::Real),
        Cell::Real(i.footprint_m),
        day(i.found),
        day(i.state_since),
        day(i.last_seen),
        day(i.changed),
        maybe_day(i.closed),
        Cell::Int(i.relapses.into()),
        Cell::Int(i.events.into()),
        text(&i.run_id),
    ]
}

pub(super) fn issue_of(row: Vec<Cell>) -> Result<Issue> {
    let mut r = Row::new("issues", row);
    Ok(Issue {
        place: r.place()?,
        issue_id: r.text()?,
        kind: IssueKind::parse(&r.text()?)?,
        state: IssueState::parse(&r.text()?)?,
        object_id: r.maybe()?,
        name: r.maybe()?,
        admin: r.maybe()?,
        responsible_unit: r.maybe()?,
        supervising_unit: r.maybe()?,
        deadline: r.maybe_day()?,
        area_m2: r.maybe_real()?,
        footprint_m: r.maybe_real()?.unwrap_or_default(),
        found: r.day()?,
        state_since: r.day()?,
        last_seen: r.day()?,
        changed: r.day()?,
        closed: r.maybe_day()?,
        relapses: r.count()?,
        events: r.count()?,
        run_id: r.text()?,
    })
}

pub(super) fn event_cells(e: &Event) -> Vec<Cell> {
    let c = &e.changes;
    vec![
        text(&e.issue_id),
        Cell::Int(e.seq.into()),
        text(e.action.as_str()),
        e.from.map_or(Cell::Null, |s| text(s.as_str())),
        text(e.to.as_str()),
        day(e.date),
        time(e.recorded),
        text(&e.who),
        text(&e.why),
        text(&e.key),
        maybe(&c.name),
        maybe(&c.admin),
        maybe(&c.responsible_unit),
        maybe(&c.supervising_unit),
        maybe_day(c.deadline),
    ]
}

pub(super) fn event_of(row: Vec<Cell>) -> Result<Event> {
    let mut r = Row::new("events", row);
    Ok(Event {
        issue_id: r.text()?,
        seq: r.count()?,
        action: r.word(|w| Action::ALL.into_iter().find(|a| a.as_str() == w))?,
        from: r.maybe()?.map(|w| IssueState::parse(&w)).transpose()?,
        to: IssueState::parse(&r.text()?)?,
        date: r.day()?,
        recorded: r.time()?,
        who: r.text()?,
        why: r.text()?,
        key: r.text()?,
        changes: Changes {
            name: r.maybe()?,
            admin: r.maybe()?,
            responsible_unit: r.maybe()?,
            supervising_unit: r.maybe()?,
            deadline: r.maybe_day()?,
        },
        finding: None,
    })
}

pub(super) fn finding_cells(f: &Finding, issue: &str) -> Vec<Cell> {
    let chip = |c: &Option<Chip>| match c {
        None => Cell::Null,
        Some(Chip::Path(p)) => text(p),
        Some(Chip::Png { sha256, .. }) => Cell::Text(format!("{PNG}{sha256}")),
    };
    vec![
        Cell::Bytes(wkb::write(&f.place)),
        text(&f.key),
        text(issue),
        text(f.kind.as_str()),
        maybe(&f.object_id),
        maybe(&f.name),
        maybe(&f.admin),
        maybe(&f.responsible_unit),
        maybe(&f.supervising_unit),
        maybe_day(f.deadline),
        day(f.observed),
        f.area_m2.map_or(Cell::Null, Cell::Real),
        Cell::Real(f.footprint_m),
        text(&f.facts),
        text(&f.evidence.run_id),
        text(&f.evidence.input_hash),
        text(&f.evidence.source),
        chip(&f.evidence.before),
        chip(&f.evidence.after),
    ]
}

/// How a column of chips names a PNG in the table `chips`; anything else is a path.
const PNG: &str = "png:";

/// The SHA-256 of the PNG that a column of chips names.
pub(super) fn png_of(cell: Cell) -> Option<String> {
    let Cell::Text(s) = cell else { return None };
    s.strip_prefix(PNG).map(str::to_owned)
}

pub(super) fn finding_of(row: Vec<Cell>) -> Result<Finding> {
    let mut r = Row::new("findings", row);
    let chip = |s: Option<String>| {
        s.map(|s| match s.strip_prefix(PNG) {
            Some(sha256) => Chip::Png { sha256: sha256.to_owned(), bytes: Vec::new(), scene: String::new() },
            None => Chip::Path(s),
        })
    };
    let place = r.place()?;
    let key = r.text()?;
    r.text()?;
    Ok(Finding {
        key,
        kind: IssueKind::parse(&r.text()?)?,
        object_id: r.maybe()?,
        name: r.maybe()?,
        admin: r.maybe()?,
        responsible_unit: r.maybe()?,
        supervising_unit: r.maybe()?,
        deadline: r.maybe_day()?,
        place,
        observed: r.day()?,
        area_m2: r.maybe_real()?,
        footprint_m: r.maybe_real()?.unwrap_or_default(),
        facts: r.text()?,
        evidence: Evidence {
            run_id: r.text()?,
            input_hash: r.text()?,
            source: r.text()?,
            before: chip(r.maybe()?),
            after: chip(r.maybe()?),
        },
    })
}

pub(super) fn run_cells(r: &super::Run) -> Vec<Cell> {
    vec![text(&r.run_id), text(&r.verb), text(&r.manifest), time(r.added)]
}

pub(super) fn run_of(row: Vec<Cell>) -> Result<super::Run> {
    let mut r = Row::new("runs", row);
    Ok(super::Run { run_id: r.text()?, verb: r.text()?, manifest: r.text()?, added: r.time()? })
}

/// A row whose cells are taken one after the other.
struct Row {
    table: &'static str,
    cells: std::vec::IntoIter<Cell>,
}

impl Row {
    fn new(table: &'static str, cells: Vec<Cell>) -> Self {
        Self { table, cells: cells.into_iter() }
    }

    fn unfit(&self, what: impl std::fmt::Debug) -> Error {
        let t = self.table;
        Error::input(
            format!("table {t} of the ledger holds a value that does not belong there: {what:?}"),
            format!("台账的表 {t} 含有不应出现的值:{what:?}"),
        )
        .remedy("another program changed it; go back to a copy", "该表被其他程序改动;请恢复备份")
    }

    fn maybe(&mut self) -> Result<Option<String>> {
        match self.cells.next() {
            Some(Cell::Text(s)) => Ok(Some(s)),
            Some(Cell::Null) => Ok(None),
            other => Err(self.unfit(other)),
        }
    }

    fn text(&mut self) -> Result<String> {
        self.maybe()?.ok_or_else(|| self.unfit("NULL"))
    }

    fn word<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Result<T> {
        let w = self.text()?;
        read(&w).ok_or_else(|| self.unfit(w))
    }

    fn maybe_day(&mut self) -> Result<Option<NaiveDate>> {
        let Some(s) = self.maybe()? else { return Ok(None) };
        s.parse().map(Some).map_err(|_| self.unfit(s))
    }

    fn day(&mut self) -> Result<NaiveDate> {
        self.maybe_day()?.ok_or_else(|| self.unfit("NULL"))
    }

    fn time(&mut self) -> Result<DateTime<Utc>> {
        let s = self.text()?;
        DateTime::parse_from_rfc3339(&s).map(|t| t.to_utc()).map_err(|_| self.unfit(s))
    }

    fn maybe_real(&mut self) -> Result<Option<f64>> {
        match self.cells.next() {
            Some(Cell::Real(v)) => Ok(Some(v)),
            Some(Cell::Int(v)) => Ok(Some(v as f64)),
            Some(Cell::Null) => Ok(None),
            other => Err(self.unfit(other)),
        }
    }

    fn count(&mut self) -> Result<u32> {
        match self.cells.next() {
            Some(Cell::Int(v)) => u32::try_from(v).map_err(|_| self.unfit(v)),
            other => Err(self.unfit(other)),
        }
    }

    fn place(&mut self) -> Result<geo::Geometry<f64>> {
        match self.cells.next() {
            Some(Cell::Bytes(b)) => wkb::read(&b).map(|(g, _)| g).map_err(|e| self.unfit(e.to_string())),
            other => Err(self.unfit(other)),
        }
    }
}
