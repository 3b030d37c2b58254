//! `ledger list`: the issues that are wanted, as they stood on a day.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::Notes;
use super::{Filter, reading};
use crate::error::{Lang, Result, Text};
use crate::model::{Table, Value};
use crate::record::life::as_of;
use crate::record::{self, Which};
use crate::report::ledger::{ListOptions as Form, list};
use crate::write::vector::{Format, WriteOptions};
use crate::write::{Staging, table, xlsx};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ListOptions {
    /// Ledger.
    pub ledger: String,
    /// Which issues.
    pub filter: Filter,
    /// As they stood at the end of this day.
    pub day: NaiveDate,
    /// Columns for the department to fill in.
    pub form: bool,
    /// `.xlsx` or `.csv`; none is written where `None`.
    pub output: Option<PathBuf>,
    /// Replace it if it exists.
    pub overwrite: bool,
    /// Language of titles and words.
    pub lang: Lang,
    /// The time that the file carries.
    pub time: DateTime<Utc>,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ListSummary {
    /// The list, with words for people.
    pub list: Table,
    /// Issues found up to the day, wanted or not.
    pub total: usize,
    /// Of the list: open, past their deadline.
    pub open: usize,
    /// Of the list: open, past their deadline.
    pub overdue: usize,
    /// What the user must know.
    pub notes: Notes,
    /// The file, where one was asked for.
    pub files: Vec<PathBuf>,
}

/// Makes the list.
///
/// # Errors
/// `Input` where the ledger cannot be read; `Output` where the file cannot be written; `Usage` for another format.
pub fn run(o: &ListOptions) -> Result<ListSummary> {
    let (issues, events) =
        reading(record::open(&o.ledger)?.as_mut(), |r| Ok((r.issues(&Which::All)?, r.events(None, false)?)))?;
    let all = as_of(&issues, &events, o.day);
    let wanted: Vec<_> = all.iter().filter(|s| o.filter.takes(s, o.day)).cloned().collect();
    let table = list(&wanted, &Form { day: o.day, lang: o.lang, form: o.form });
    let mut notes = Notes::default();
    let files = match &o.output {
        Some(path) => write(o, path, &table, &mut notes)?,
        None => Vec::new(),
    };
    Ok(ListSummary {
        total: all.len(),
        open: wanted.iter().filter(|s| s.state.is_open()).count(),
        overdue: wanted.iter().filter(|s| s.overdue(o.day)).count(),
        list: table,
        notes,
        files,
    })
}

fn write(o: &ListOptions, path: &std::path::Path, list: &Table, notes: &mut Notes) -> Result<Vec<PathBuf>> {
    let mut staging = Staging::beside(path, o.overwrite)?;
    match Format::of(path)? {
        Format::Xlsx => {
            let options =
                WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
            xlsx::write_staged(&mut staging, path, std::slice::from_ref(list), &options)?;
            notes.warnings.extend(cut_cells(list));
        }
        Format::Csv => {
            let mut sink = table::open_list(&mut staging, path, list.head(), o.lang)?;
            sink.write(0, list.rows.clone())?;
            sink.finish()?;
        }
        _ => {
            return Err(crate::error::Error::usage("a list is a .xlsx or .csv", "清单须为 .xlsx 或 .csv")
                .in_file(path)
                .remedy("for maps: heshan ledger export", "地图数据请用 heshan ledger export"));
        }
    }
    staging.commit()
}

/// A cell of Excel holds 32,767 characters.
pub(super) fn cut_cells(list: &Table) -> Option<Text> {
    let long = |v: &Value| v.as_text().is_some_and(|s| s.chars().count() > 32_767);
    let n = list.rows.iter().flat_map(|(_, v)| v).filter(|v| long(v)).count();
    (n > 0).then(|| {
        Text::new(
            format!("{n} text(s) are longer than a cell of Excel holds (32,767 characters) and were cut there"),
            format!("{n} 处文字超出 Excel 单元格上限(32767 字),已截断"),
        )
    })
}
