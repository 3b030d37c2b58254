//! `ledger`: issues through their life: findings in, updates in, lists and histories out.

pub mod add;
pub mod chips;
pub mod export;
pub mod list;
pub mod update;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Lang, Result, Text};
use crate::model::Value;
pub use crate::model::{Action, Changes, Chip, Event, Issue, IssueKind, IssueState, MOVES};
pub use crate::prepare::findings::{Condition, Origin, Part, parse_day};
pub use crate::record::filing::{Filed, Update};
pub use crate::record::life::Filter;
pub use crate::record::matching::MatchOptions;
use crate::record::{self, IssueStore, Reader, Which};

/// Makes an empty ledger: a `.gpkg`, or `PG:…#schema`; with `keep`, only where there is none. True where one was made.
///
/// # Errors
/// `Output` where there is one already or it cannot be made; `Usage` for another name; with `keep`, `Input` where what is
/// there is no ledger.
pub fn init(ledger: &str, keep: bool, now: DateTime<Utc>) -> Result<bool> {
    let made = match record::create(ledger, now) {
        Ok(()) => true,
        Err(e) if keep && e.kind == crate::error::ErrorKind::Output => false,
        Err(e) => return Err(e),
    };
    dress(record::open(ledger)?.as_mut(), now)?;
    Ok(made)
}

/// Gives a ledger that map programs open its colours and words, where it has none yet.
fn dress(store: &mut dyn IssueStore, now: DateTime<Utc>) -> Result<()> {
    store.dress(&crate::report::ledger::store_styles(), now)
}

/// Faults of a ledger: of its storage, and issues that are not what their events add up to.
///
/// # Errors
/// `Input` where it cannot be read.
pub fn check(ledger: &str) -> Result<Vec<Text>> {
    record::faults(record::open(ledger)?.as_mut())
}

/// An issue with all its events and findings.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The issue.
    pub issue: Issue,
    /// Its events, in order.
    pub events: Vec<Event>,
}

/// The history of an issue.
///
/// # Errors
/// `Input` where the ledger cannot be read or has no such issue.
pub fn history(ledger: &str, issue_id: &str) -> Result<History> {
    reading(record::open(ledger)?.as_mut(), |r| history_in(r, issue_id))
}

fn history_in(r: &mut dyn Reader, issue_id: &str) -> Result<History> {
    let issue = r.issues(&Which::One(issue_id.to_owned()))?.pop().ok_or_else(|| no_issue(issue_id))?;
    Ok(History { events: r.events(Some(issue_id), true)?, issue })
}

fn no_issue(id: &str) -> Error {
    Error::input(format!("there is no issue {id}"), format!("没有问题 {id}"))
        .remedy("heshan ledger list shows those there are", "用 heshan ledger list 查看已有问题")
}

/// A history as JSON.
pub fn history_json(h: &History) -> String {
    crate::report::history::json(&h.issue, &h.events)
}

/// A list as JSON: codes and words as the list has them, by the names of its columns.
pub fn list_json(d: &list::ListSummary) -> String {
    let value = |v: &Value| match v {
        Value::Null => Json::Null,
        Value::Int(i) => json!(i),
        Value::Real(r) => json!(r),
        other => json!(other.to_display()),
    };
    let row = |v: &[Value]| -> Json {
        d.list.columns.iter().zip(v).map(|(c, v)| (c.field.name.clone(), value(v))).collect::<Map<_, _>>().into()
    };
    let rows: Vec<Json> = d.list.rows.iter().map(|(_, v)| row(v)).collect();
    let files: Vec<String> = d.files.iter().map(|f| f.display().to_string()).collect();
    let j = json!({"total": d.total, "open": d.open, "overdue": d.overdue, "issues": rows, "files": files});
    format!("{j}\n")
}

/// A list as CSV with titles, as it goes to standard output.
pub fn list_csv(d: &list::ListSummary, lang: Lang) -> String {
    crate::write::table::list_text(&d.list, lang)
}

/// Text as it goes into the ledger: without control characters and blanks around it.
pub fn plain(text: &str) -> String {
    crate::prepare::findings::clean(text)
}

/// What one look at the ledger gives.
pub(super) fn reading<T>(store: &mut dyn IssueStore, mut f: impl FnMut(&mut dyn Reader) -> Result<T>) -> Result<T> {
    let mut out = None;
    store.read(&mut |r| {
        out = Some(f(r)?);
        Ok(())
    })?;
    // a store that answers has called its reader
    out.ok_or_else(|| Error::input("the ledger did not answer", "台账没有应答"))
}
