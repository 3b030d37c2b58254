//! `report bulletin`: the monthly dispatch and the quarterly bulletin out of a ledger.

use std::path::PathBuf;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

use super::super::Notes;
use super::super::ledger::reading;
use crate::error::{Error, Lang, Result, Text, without_password};
use crate::model::{Count, Document, Event, Flow, Issue, IssueState, Part};
use crate::record::life::{By, as_of, by_day, counts, flow, flows};
use crate::record::{self, Which};
use crate::report::bulletin::{Group, Period, bulletin};
use crate::report::pages::pages;
use crate::write::drawing::pdf;
use crate::write::text::write_bytes_staged;
use crate::write::typeface::Typefaces;
use crate::write::{Staging, document};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct BulletinOptions {
    /// Ledger.
    pub ledger: String,
    /// First day of the period.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Files: `.html`, `.docx`, `.xlsx`, `.pdf`, all in one folder.
    pub outputs: Vec<PathBuf>,
    /// Replace them where they exist.
    pub overwrite: bool,
    /// Language.
    pub lang: Lang,
    /// The time of the run, as files carry it.
    pub time: DateTime<Utc>,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq)]
pub struct BulletinSummary {
    /// What happened in the period.
    pub flow: Flow,
    /// Issues found up to its end.
    pub found: usize,
    /// Open and past their deadline at its end.
    pub overdue: usize,
    /// The document.
    pub document: Document,
    /// What must be said.
    pub notes: Notes,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Days of the curve of open issues, at most.
const CURVE_DAYS: u64 = 365;

/// Days of a month (`2026-11`), a quarter (`2026Q4`) or a year (`2026`).
///
/// # Errors
/// `Usage` for other words.
pub fn days_of(period: &str) -> Result<(NaiveDate, NaiveDate)> {
    let wrong = || {
        Error::usage(
            format!("“{period}” is no period: 2026-11, 2026Q4 or 2026"),
            format!("“{period}”不是统计期,应写作 2026-11、2026Q4 或 2026"),
        )
    };
    let number = |t: &str, digits: usize| {
        t.parse::<u32>().ok().filter(|_| t.len() == digits && t.bytes().all(|b| b.is_ascii_digit()))
    };
    let (year, first, months) = match period.split_once(['-', 'Q', 'q']) {
        Some((y, m)) if period.contains('-') => (number(y, 4), number(m, 2), 1),
        Some((y, q)) => (number(y, 4), number(q, 1).filter(|q| (1..=4).contains(q)).map(|q| 3 * q - 2), 3),
        None => (number(period, 4), Some(1), 12),
    };
    let (Some(year), Some(first)) = (year, first) else { return Err(wrong()) };
    let from = i32::try_from(year).ok().and_then(|y| NaiveDate::from_ymd_opt(y, first, 1)).ok_or_else(wrong)?;
    let end = from.checked_add_months(chrono::Months::new(months)).and_then(|d| d.pred_opt()).ok_or_else(wrong)?;
    Ok((from, end))
}

/// Makes the bulletin.
///
/// # Errors
/// `Usage` where the period ends before it begins or the outputs are not in one folder, `Input` where the ledger cannot be
/// read or its balance does not hold, `Output` where a file cannot be written.
pub fn run(o: &BulletinOptions) -> Result<BulletinSummary> {
    if o.to < o.from {
        return Err(Error::usage(
            format!("the period ends ({}) before it begins ({})", o.to, o.from),
            format!("统计期的结束日({})早于开始日({})", o.to, o.from),
        ));
    }
    let Some(first) = o.outputs.first() else {
        return Err(Error::usage("no output is named", "未指定输出文件").remedy("-o OUT.html", "-o 输出.html"));
    };
    if o.outputs.iter().any(|p| p.parent() != first.parent()) {
        return Err(Error::usage("the outputs are in several folders", "输出文件不在同一文件夹").remedy(
            "name them in one folder: they are put in their place together",
            "请放在同一文件夹:它们会一起写出",
        ));
    }
    let (issues, events) =
        reading(record::open(&o.ledger)?.as_mut(), |r| Ok((r.issues(&Which::All)?, r.events(None, false)?)))?;
    let before = o.from.checked_sub_days(Days::new(1)).unwrap_or(o.from);
    let length = (o.to - o.from).num_days().unsigned_abs() + 1;
    let before_that = before.checked_sub_days(Days::new(length)).unwrap_or(before);
    let standings = as_of(&issues, &events, o.to);
    let groups = |by: By| -> Vec<Group> {
        let flows = flows(&issues, &events, before, o.to, by);
        let counts = counts(&standings, by, o.to);
        let of = |g: &Option<String>| counts.iter().find(|(c, _)| c == g).map_or(Count::default(), |(_, c)| *c);
        flows.into_iter().map(|(g, f)| (g.clone(), of(&g), f)).collect()
    };
    let period = Period {
        from: o.from,
        to: o.to,
        standings: &standings,
        flow: flow(&issues, &events, before, o.to),
        before: flow(&issues, &events, before_that, before),
        by_admin: groups(By::Admin),
        by_responsible: groups(By::ResponsibleUnit),
        by_supervising: groups(By::SupervisingUnit),
        by_kind: groups(By::Kind),
        days: days(&issues, &events, o.to),
        months: months(&issues, &events, o.to),
        ledger: without_password(&o.ledger),
    };
    balanced(&period)?;
    let document = bulletin(&period, o.lang);
    let mut staging = Staging::beside(first, o.overwrite)?;
    let mut notes = Notes::default();
    write(o, &document, &mut staging, &mut notes)?;
    let files = staging.commit()?;
    let overdue = standings.iter().filter(|s| s.overdue(o.to)).count();
    Ok(BulletinSummary { flow: period.flow.clone(), found: standings.len(), overdue, document, notes, files })
}

/// The first day of the curve: a year before the last, or that of the first event.
fn since(events: &[Event], to: NaiveDate) -> NaiveDate {
    let year = to.checked_sub_days(Days::new(CURVE_DAYS - 1)).unwrap_or(to);
    events.iter().map(|e| e.date).min().map_or(to, |first| first.clamp(year, to.max(year)))
}

/// Open and closed issues day by day.
fn days(issues: &[Issue], events: &[Event], to: NaiveDate) -> Vec<(NaiveDate, usize, usize)> {
    let span = (since(events, to), to);
    let open = by_day(issues, events, span, IssueState::is_open);
    let closed = by_day(issues, events, span, |s| s == IssueState::Closed);
    open.into_iter().zip(closed).map(|((d, open), (_, closed))| (d, open, closed)).collect()
}

/// What happened in the months of the curve, by the last day of each; the last month ends with the period.
fn months(issues: &[Issue], events: &[Event], to: NaiveDate) -> Vec<(NaiveDate, Flow, Count)> {
    let mut first = since(events, to).with_day(1).unwrap_or(to);
    let mut out = Vec::new();
    while first <= to {
        let Some(next) = first.checked_add_months(chrono::Months::new(1)) else { break };
        let end = next.pred_opt().unwrap_or(next).min(to);
        let before = first.pred_opt().unwrap_or(first);
        let count = counts(&as_of(issues, events, end), By::All, end).pop().map(|(_, c)| c).unwrap_or_default();
        out.push((end, flow(issues, events, before, end), count));
        first = next;
    }
    out
}

/// Writes the document in every form that was asked for.
fn write(o: &BulletinOptions, document: &Document, staging: &mut Staging, notes: &mut Notes) -> Result<()> {
    let is = |p: &PathBuf, ext: &str| p.extension().is_some_and(|e| e.eq_ignore_ascii_case(ext));
    let faces = if o.outputs.iter().any(|p| is(p, "pdf")) { Typefaces::with_chinese()? } else { Typefaces::system() };
    if o.outputs.iter().any(|p| is(p, "docx")) && !faces.hold_chinese() {
        notes.warnings.push(Text::new(
            "no font of this system holds Chinese: charts in the Word file miss characters; install fonts-noto-cjk or fonts-wqy-microhei",
            "本机没有中文字体:Word 文件中的图表缺字;可安装 fonts-noto-cjk 或 fonts-wqy-microhei",
        ));
    }
    for path in &o.outputs {
        if !is(path, "pdf") {
            document::write(staging, path, document, o.lang, o.time, &faces)?;
            continue;
        }
        let about = pdf::About { title: document.title.in_lang(o.lang).to_owned(), lang: o.lang, time: o.time };
        let sheets = pages(document, &faces, o.lang);
        write_bytes_staged(staging, path, &pdf::bytes(&sheets, &about, &faces).map_err(|e| e.in_file(path))?)?;
        notes.warnings.extend(missing(&faces));
    }
    Ok(())
}

/// Characters that no font of the system holds.
pub(super) fn missing(faces: &Typefaces) -> Option<Text> {
    let all = faces.missing();
    let some: String = all.iter().take(20).collect();
    let n = all.len();
    (n > 0).then(|| {
        Text::new(
            format!("{n} character(s) are in no font of this system and show as boxes: {some}"),
            format!("{n} 个字符本机没有字体,显示为方框:{some}"),
        )
    })
}

/// A document whose rows do not add up is not sent out.
fn balanced(p: &Period<'_>) -> Result<()> {
    let groups = [&p.by_admin, &p.by_responsible, &p.by_supervising, &p.by_kind];
    let rows = groups.iter().flat_map(|g| g.iter()).map(|(_, _, f)| f).chain([&p.flow]);
    let sums = groups.iter().all(|g| {
        let sum = |of: fn(&Flow) -> usize| g.iter().map(|(_, _, f)| of(f)).sum::<usize>() == of(&p.flow);
        sum(|f| f.open_before) && sum(|f| f.open_after) && sum(|f| f.opened.len()) && sum(|f| f.closed.len())
    });
    if sums && rows.into_iter().all(Flow::adds_up) {
        return Ok(());
    }
    Err(Error::input("the ledger's figures do not add up", "台账数据不平衡")
        .remedy("run heshan ledger check", "请运行 heshan ledger check"))
}

/// The paragraphs of a document, for the terminal.
pub fn paragraphs(d: &Document, lang: Lang) -> Vec<String> {
    let text = |p: &Part| match p {
        Part::Paragraph(t) => Some(t.in_lang(lang).to_owned()),
        _ => None,
    };
    d.parts.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read() {
        let d = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(days_of("2024-02").unwrap(), (d(2024, 2, 1), d(2024, 2, 29)));
        assert_eq!(days_of("2026Q4").unwrap(), (d(2026, 10, 1), d(2026, 12, 31)));
        assert_eq!(days_of("2026").unwrap(), (d(2026, 1, 1), d(2026, 12, 31)));
        for bad in ["2026-13", "2026-1", "2026Q5", "26", "", "2026Q", "11-2026", "2026-0x"] {
            assert!(days_of(bad).is_err(), "{bad}");
        }
    }
}
