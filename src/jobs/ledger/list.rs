//! `ledger list`: the issues that are wanted, as they stood on a day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use super::super::Notes;
use super::{Filter, reading};
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Event, Issue, Standing, Table, Value};
use crate::prepare::mines::mine_of;
use crate::record::life::as_of;
use crate::record::{self, Which};
use crate::report::ledger::{ListOptions as Form, list};
pub use crate::report::ledger_groups::Grouping;
use crate::report::ledger_groups::{grouped, lists, overview};
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
    /// A sheet for each mine, unit or area, behind an overview.
    pub by: Option<Grouping>,
    /// A workbook for each instead, in a folder.
    pub each: bool,
    /// `.xlsx` or `.csv`, or the folder; none is written where `None`.
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
    let mines = o.by == Some(Grouping::Mine);
    let (issues, events) =
        reading(record::open(&o.ledger)?.as_mut(), |r| Ok((r.issues(&Which::All)?, r.events(None, mines)?)))?;
    let all = as_of(&issues, &events, o.day);
    let wanted: Vec<_> = all.iter().filter(|s| o.filter.takes(s, o.day)).cloned().collect();
    let table = list(&wanted, &Form { day: o.day, lang: o.lang, form: o.form });
    let mut notes = Notes::default();
    let files = match &o.output {
        Some(path) => match o.by {
            None => write(o, path, &table, &mut notes)?,
            Some(by) => {
                write_groups(o, path, &grouped(&wanted, by, &mines_of(&issues, &events), o.lang), by, &mut notes)?
            }
        },
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

fn write(o: &ListOptions, path: &Path, list: &Table, notes: &mut Notes) -> Result<Vec<PathBuf>> {
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
            return Err(Error::usage("a list is a .xlsx or .csv", "清单须为 .xlsx 或 .csv")
                .in_file(path)
                .remedy("for maps: heshan ledger export", "地图数据请用 heshan ledger export"));
        }
    }
    staging.commit()
}

/// The mine of each issue, by its last finding.
fn mines_of(issues: &[Issue], events: &[Event]) -> impl Fn(&str) -> Option<String> {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for e in events {
        if let Some(f) = &e.finding {
            last.insert(&e.issue_id, &f.facts);
        }
    }
    let named: BTreeMap<String, Option<String>> =
        issues.iter().map(|i| (i.issue_id.clone(), mine_of(i, last.get(i.issue_id.as_str()).copied()))).collect();
    move |id| named.get(id).cloned().flatten()
}

type Groups<'a> = [(String, Vec<Standing<'a>>)];

/// The lists of groups: one workbook, or one each in a folder.
fn write_groups(
    o: &ListOptions,
    path: &Path,
    groups: &Groups<'_>,
    by: Grouping,
    notes: &mut Notes,
) -> Result<Vec<PathBuf>> {
    let form = Form { day: o.day, lang: o.lang, form: o.form };
    let (first, lists) = (overview(groups, by, o.day, o.lang), lists(groups, &form));
    notes.warnings.extend(lists.iter().filter_map(cut_cells));
    let options = WriteOptions { overwrite: o.overwrite, encoding: None, lang: o.lang, timestamp: Some(o.time) };
    let mut staging = Staging::beside(path, o.overwrite)?;
    if !o.each {
        if Format::of(path)? != Format::Xlsx {
            return Err(Error::usage("lists by group are a workbook (.xlsx)", "分组清单须为 .xlsx")
                .in_file(path)
                .remedy("or a folder of them: --each -o FOLDER", "或每组一个文件:--each -o 文件夹"));
        }
        xlsx::write_book(&mut staging, path, &first, &lists, &options)?;
        return staging.commit();
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    only_lists(path)?;
    let folder = staging.claim_folder(&name)?;
    let mut files = Vec::new();
    let mut inside = Staging::new(&folder, false)?;
    for (table, file) in std::iter::once(&first).chain(&lists).zip(file_names(&first, &lists, o.lang)) {
        xlsx::write_staged(&mut inside, &folder.join(&file), std::slice::from_ref(table), &options)?;
        files.push(path.join(file));
    }
    inside.commit()?;
    staging.commit()?;
    Ok(files)
}

/// Refuses to replace a folder that holds anything but lists.
fn only_lists(folder: &Path) -> Result<()> {
    let other = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.is_dir() || !p.extension().is_some_and(|e| e.eq_ignore_ascii_case("xlsx")));
    other.map_or(Ok(()), |p| {
        Err(Error::output(
            "the folder holds other things than lists; it is not replaced",
            "文件夹中有清单以外的文件,不予替换",
        )
        .in_file(p)
        .remedy("choose an empty folder or a new name", "请换一个空文件夹或新名称"))
    })
}

/// Names of files by the lists' titles, such as every system takes.
fn file_names(first: &Table, lists: &[Table], lang: Lang) -> Vec<String> {
    let titles = std::iter::once(first).chain(lists).map(|t| t.title.in_lang(lang));
    let plain = |n: String| n.replace(['<', '>', '|', '"'], "_").trim_end_matches('.').to_owned();
    // names of devices on Windows are no names of files
    let device = |n: &String| {
        let n = n.to_ascii_uppercase();
        ["CON", "PRN", "AUX", "NUL"].contains(&n.as_str())
            || n.len() == 4 && (n.starts_with("COM") || n.starts_with("LPT"))
    };
    xlsx::sheet_names(titles)
        .into_iter()
        .map(plain)
        .map(|n| if device(&n) { format!("{n}_.xlsx") } else { format!("{n}.xlsx") })
        .collect()
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
