//! `ledger update`: people move issues on, one by one or by a table that a department filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use super::super::Notes;
use super::{Changes, Issue, IssueState, Update, no_issue, parse_day};
use crate::error::{Error, Result, Text};
use crate::model::{Reason, Skipped};
use crate::prepare::findings::clean;
use crate::read::sheet::{Sheet, sheet};
use crate::record::filing::update;
use crate::record::{self, Batch, Which};

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// One issue.
    One(Update),
    /// A table (CSV, XLSX): a row an issue.
    Table(PathBuf),
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateOptions {
    /// Ledger.
    pub ledger: String,
    /// What is done.
    pub what: What,
    /// The day, for rows that tell none.
    pub date: NaiveDate,
    /// Who, for rows that tell none.
    pub who: String,
    /// Refuse a table with a row that cannot be used.
    pub strict: bool,
    /// The time of the run.
    pub time: DateTime<Utc>,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The issue.
    pub issue_id: String,
    /// State before.
    pub from: IssueState,
    /// State after.
    pub to: IssueState,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateSummary {
    /// Steps, in the order of the rows; those that leave the state as it was changed a unit or deadline or left a remark.
    pub steps: Vec<Step>,
    /// Rows that change nothing.
    pub unchanged: usize,
    /// Rows that the ledger knows already.
    pub known: usize,
    /// Rows that could not be used.
    pub notes: Notes,
}

/// Columns of a table by the names that they may bear.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("issue", &["issue_id", "问题编号", "issue"]),
    ("to", &["new_state", "变更为", "new state", "to"]),
    ("state", &["state", "状态"]),
    ("date", &["date", "办理日期", "date of the step"]),
    ("who", &["who", "经办人", "done by", "by"]),
    ("why", &["why", "情况说明", "说明", "remark"]),
    ("responsible_unit", &["responsible_unit", "责任单位", "responsible unit"]),
    ("supervising_unit", &["supervising_unit", "监管单位", "supervising unit"]),
];
const DEADLINE: &[&str] = &["deadline", "完成时限"];

/// Appends the events, in one transaction.
///
/// # Errors
/// `Input` where ledger or table cannot be read or an issue named by itself is not there; `Usage` for a move that the
/// table of moves does not have; `Output` where the ledger cannot be written. The ledger is then as it was.
pub fn run(o: &UpdateOptions) -> Result<UpdateSummary> {
    let mut summary = UpdateSummary::default();
    let mut store = record::open(&o.ledger)?;
    let rows = match &o.what {
        What::One(u) => vec![(None, u.clone())],
        What::Table(path) => rows(o, path, &sheet(path)?, &mut summary.notes)?,
    };
    let unread = summary.notes.clone();
    let keys: Vec<String> = rows.iter().map(|(_, u)| u.key()).collect();
    store.write(&mut |ledger| {
        let known = ledger.known(&keys)?;
        let issues = match &o.what {
            What::One(u) => ledger.issues(&Which::One(u.issue_id.clone()))?,
            What::Table(_) => ledger.issues(&Which::All)?,
        };
        summary = UpdateSummary { notes: unread.clone(), ..UpdateSummary::default() };
        let batch = planned(o, &rows, issues, known, &mut summary)?;
        if o.strict {
            summary.notes.refuse()?;
        }
        Ok(batch)
    })?;
    Ok(summary)
}

fn planned(
    o: &UpdateOptions,
    rows: &[(Option<usize>, Update)],
    issues: Vec<Issue>,
    mut known: BTreeSet<String>,
    summary: &mut UpdateSummary,
) -> Result<Batch> {
    let mut issues: BTreeMap<String, Issue> = issues.into_iter().map(|i| (i.issue_id.clone(), i)).collect();
    let mut batch = Batch::default();
    let mut changed = BTreeSet::new();
    for (row, u) in rows {
        if !known.insert(u.key()) {
            summary.known += 1;
            continue;
        }
        let step = issues.get(&u.issue_id).ok_or_else(|| no_issue(&u.issue_id));
        match (step.and_then(|i| update(i, u, o.time)), row) {
            (Ok(None), _) => summary.unchanged += 1,
            (Ok(Some((e, after))), _) => {
                summary.steps.push(Step { issue_id: u.issue_id.clone(), from: e.from.unwrap_or(e.to), to: e.to });
                batch.events.push(e);
                changed.insert(u.issue_id.clone());
                issues.insert(u.issue_id.clone(), after);
            }
            (Err(e), None) => return Err(e),
            (Err(e), Some(row)) => {
                let code = if issues.contains_key(&u.issue_id) { "step_refused" } else { "issue_unknown" };
                skip(o, *row, &u.issue_id, code, *e.what, &mut summary.notes);
            }
        }
    }
    batch.changed = changed.into_iter().filter_map(|id| issues.remove(&id)).collect();
    Ok(batch)
}

fn skip(o: &UpdateOptions, row: usize, id: &str, code: &'static str, text: Text, notes: &mut Notes) {
    let file = match &o.what {
        What::Table(p) => p.clone(),
        What::One(_) => PathBuf::new(),
    };
    let id = Some(id.to_owned());
    let reason = Reason { code, text };
    notes.skipped.push(Skipped { file, layer: "row".into(), fid: row as i64, id, reason, repaired: false });
}

/// The updates of a table; rows that cannot be read are set aside.
fn rows(o: &UpdateOptions, path: &Path, s: &Sheet, notes: &mut Notes) -> Result<Vec<(Option<usize>, Update)>> {
    let find = |names: &[&str]| s.header.iter().position(|h| names.iter().any(|n| h.eq_ignore_ascii_case(n)));
    let at = |name: &str| COLUMNS.iter().find(|(n, _)| *n == name).and_then(|(_, names)| find(names));
    let Some(issue) = at("issue") else {
        return Err(Error::input(
            format!("the table has no column of issues; its columns are: {}", s.header.join(", ")),
            format!("表中没有“问题编号”列;已有列:{}", s.header.join("、")),
        )
        .in_file(path)
        .remedy(
            "fill in the list that heshan ledger list --form -o LIST.xlsx writes",
            "请填写 heshan ledger list --form -o 清单.xlsx 写出的清单",
        ));
    };
    let to = at("to").or_else(|| at("state"));
    let mut out = Vec::new();
    for (row, cells) in &s.rows {
        let cell = |i: Option<usize>| i.map(|i| unquoted(&cells[i])).filter(|t| !t.is_empty());
        let Some(id) = cell(Some(issue)) else { continue };
        let read_day = |names: &[&str]| match cell(find(names)) {
            None => Ok(None),
            Some(t) => parse_day(&t).map(Some).ok_or(t),
        };
        let state = match cell(to).map(|w| IssueState::parse(&w)).transpose() {
            Ok(s) => s,
            Err(e) => {
                skip(o, *row, &id, "state_unknown", *e.what, notes);
                continue;
            }
        };
        let (date, deadline) = match (read_day(COLUMNS[3].1), read_day(DEADLINE)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(t), _) | (_, Err(t)) => {
                let t: String = t.chars().take(40).collect();
                let text = Text::new(format!("“{t}” is no date"), format!("“{t}”不是日期"));
                skip(o, *row, &id, "date_unreadable", text, notes);
                continue;
            }
        };
        let changes = Changes {
            responsible_unit: cell(at("responsible_unit")),
            supervising_unit: cell(at("supervising_unit")),
            deadline,
            ..Changes::default()
        };
        let update = Update {
            issue_id: id,
            to: state,
            date: date.unwrap_or(o.date),
            who: cell(at("who")).unwrap_or_else(|| clean(&o.who)),
            why: cell(at("why")).unwrap_or_default(),
            changes,
        };
        out.push((Some(*row), update));
    }
    Ok(out)
}

/// A cell as it was meant: the apostrophe that lists in CSV put before `=`, `+`, `-`, `@` goes again.
fn unquoted(cell: &str) -> String {
    let bare = cell.strip_prefix('\'').filter(|t| t.starts_with(['=', '+', '-', '@']));
    clean(bare.unwrap_or(cell))
}
