//! The monthly dispatch and the quarterly bulletin (月调度、季通报): how issues stood, what changed, who is late.
//!
//! Every figure is a count of issues that a list of the same document names; the balance
//! `open after = open before + opened + relapsed + reopened − closed − dismissed` holds in every row.

mod figures;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::error::{Lang, Text};
use crate::model::{
    Column, Count, Document, Field, FieldType, Flow, IssueKind, Part, Row, Shape, Standing, Table, Value,
};

/// Group, how its issues stand at the end of the period, and what happened in it.
pub type Group = (Option<String>, Count, Flow);

/// What a bulletin speaks of; counted by the ledger (`record::life`).
#[derive(Debug, Clone, PartialEq)]
pub struct Period<'a> {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// All issues found up to the last day, as they stood then.
    pub standings: &'a [Standing<'a>],
    /// What happened, all together.
    pub flow: Flow,
    /// The period before, of the same length, to compare with.
    pub before: Flow,
    /// By 盟市.
    pub by_admin: Vec<Group>,
    /// By 责任单位.
    pub by_responsible: Vec<Group>,
    /// By 监管单位.
    pub by_supervising: Vec<Group>,
    /// By kind of issue.
    pub by_kind: Vec<Group>,
    /// Issues open and closed at the end of each day, up to a year.
    pub days: Vec<(NaiveDate, usize, usize)>,
    /// What happened in each month of these days, and how issues stood at its end.
    pub months: Vec<(NaiveDate, Flow, Count)>,
    /// Name of the ledger.
    pub ledger: String,
}

/// Monthly, quarterly, or of any other days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// Other days.
    Days,
}

impl Span {
    /// What the days from `from` to `to` are.
    pub fn of(from: NaiveDate, to: NaiveDate) -> Self {
        let ends_month = to.succ_opt().is_some_and(|d| d.day() == 1);
        let months = (to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32;
        match (from.day() == 1 && ends_month, months) {
            (true, 0) => Self::Month,
            (true, 2) if from.month0().is_multiple_of(3) => Self::Quarter,
            _ => Self::Days,
        }
    }
}

/// The document.
pub fn bulletin(p: &Period<'_>, lang: Lang) -> Document {
    let (title, period) = heading(p);
    let mut parts = vec![Part::Heading(Text::new("1. Overall", "一、总体情况")), Part::Paragraph(overall(p))];
    parts.push(Part::Paragraph(compared(p)));
    parts.extend(figures::months(p, lang));
    let groups = [
        (
            &p.by_admin,
            "by_admin",
            Text::new("2. By administrative area", "二、分盟市(旗县区)情况"),
            Text::new("administrative area", "盟市(旗县区)"),
        ),
        (
            &p.by_responsible,
            "by_responsible_unit",
            Text::new("3. By responsible unit", "三、分责任单位情况"),
            Text::new("responsible unit", "责任单位"),
        ),
        (
            &p.by_supervising,
            "by_supervising_unit",
            Text::new("4. By supervising unit", "四、分监管单位情况"),
            Text::new("supervising unit", "监管单位"),
        ),
        (&p.by_kind, "by_kind", Text::new("5. By kind", "五、分问题类别情况"), Text::new("kind", "问题类别")),
    ];
    for (groups, name, title, head) in groups {
        parts.push(Part::Heading(title.clone()));
        parts.push(Part::List(balance(name, title, head, groups, &p.flow, p.standings, p.to, lang)));
        if name == "by_responsible_unit" {
            parts.extend(figures::progress(p, lang));
        }
    }
    parts.push(Part::Heading(Text::new("6. Past their deadline", "六、逾期未销号问题")));
    parts.push(Part::List(overdue(p, lang)));
    parts.push(Part::Heading(Text::new("7. Changes in this period", "七、本期变化明细")));
    parts.push(Part::List(changes(p, lang)));
    parts.push(Part::Heading(Text::new("8. Open at the end of this period", "八、期末未销号问题")));
    parts.push(Part::List(open(p, lang)));
    let note = Text::new(
        format!(
            "Counted from the events of the ledger {} up to {}; open at the end = open at the beginning + new + relapsed + reopened − closed − dismissed.",
            p.ledger, p.to
        ),
        format!(
            "数据来源:台账 {},统计截至 {}。期末未销号 = 期初未销号 + 新增 + 反弹 + 重启 − 销号 − 撤销。",
            p.ledger, p.to
        ),
    );
    Document { title, subtitle: period, parts, note }
}

fn heading(p: &Period<'_>) -> (Text, Text) {
    let (y, m) = (p.to.year(), p.to.month());
    let title = match Span::of(p.from, p.to) {
        Span::Month => Text::new(
            format!("Monthly dispatch of issues, {y}-{m:02}"),
            format!("乌海及周边地区生态环境问题整改月调度({y}年{m}月)"),
        ),
        Span::Quarter => {
            let q = m.div_ceil(3);
            let zh = ["一", "二", "三", "四"].get(q as usize - 1).copied().unwrap_or_default();
            Text::new(
                format!("Quarterly bulletin of issues, {y} Q{q}"),
                format!("乌海及周边地区生态环境问题整改季通报({y}年第{zh}季度)"),
            )
        }
        Span::Days => Text::new("Bulletin of issues", "乌海及周边地区生态环境问题整改通报"),
    };
    let zh = |d: NaiveDate| format!("{}年{}月{}日", d.year(), d.month(), d.day());
    (title, Text::new(format!("{} to {}", p.from, p.to), format!("{}至{}", zh(p.from), zh(p.to))))
}

fn overall(p: &Period<'_>) -> Text {
    let f = &p.flow;
    let late = p.standings.iter().filter(|s| s.overdue(p.to)).count();
    let closed_ever = p.standings.iter().filter(|s| s.state == crate::model::IssueState::Closed).count();
    let found = p.standings.len();
    Text::new(
        format!(
            "Open at the beginning: {}. New: {}, relapsed: {}, reopened: {}, closed: {}, dismissed: {}. Open at the end: {}, of these past their deadline: {late}. Up to now {found} issues were found and {closed_ever} are closed.",
            f.open_before,
            f.opened.len(),
            f.relapsed.len(),
            f.reopened.len(),
            f.closed.len(),
            f.dismissed.len(),
            f.open_after
        ),
        format!(
            "期初未销号问题 {} 个;本期新增 {} 个,反弹 {} 个,重启 {} 个,销号 {} 个,撤销 {} 个;期末未销号 {} 个,其中逾期 {late} 个。累计发现问题 {found} 个,已销号 {closed_ever} 个。",
            f.open_before,
            f.opened.len(),
            f.relapsed.len(),
            f.reopened.len(),
            f.closed.len(),
            f.dismissed.len(),
            f.open_after
        ),
    )
}

fn compared(p: &Period<'_>) -> Text {
    let change = |now: usize, then: usize| now as i64 - then as i64;
    let (a, b) = (&p.flow, &p.before);
    let (new, closed, relapsed) = (
        change(a.opened.len(), b.opened.len()),
        change(a.closed.len(), b.closed.len()),
        change(a.relapsed.len(), b.relapsed.len()),
    );
    Text::new(
        format!("Against the period before: new {new:+}, closed {closed:+}, relapsed {relapsed:+}."),
        format!("与上期相比:新增 {new:+},销号 {closed:+},反弹 {relapsed:+}。"),
    )
}

fn column(name: &str, ty: FieldType, en: &str, zh: &str) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(en, zh) }
}

fn empty(name: &str, title: Text, columns: Vec<Column>, rows: Vec<Row>) -> Table {
    Table { name: name.into(), title, columns, shape: Shape::None, crs: None, rows, style: None }
}

/// Rows of groups and the sum; groups of kinds are named by words.
#[allow(clippy::too_many_arguments, reason = "the parts of one table")]
fn balance(
    name: &str,
    title: Text,
    head: Text,
    groups: &[Group],
    all: &Flow,
    standings: &[Standing<'_>],
    day: NaiveDate,
    lang: Lang,
) -> Table {
    use FieldType::Int64;
    let mut columns = vec![Column { field: Field::new("group", FieldType::Text), title: head }];
    columns.extend([
        column("open_before", Int64, "open at the beginning", "期初未销号"),
        column("opened", Int64, "new", "新增"),
        column("relapsed", Int64, "relapsed", "反弹"),
        column("reopened", Int64, "reopened", "重启"),
        column("rectified", Int64, "reported as done", "报验"),
        column("closed", Int64, "closed", "销号"),
        column("dismissed", Int64, "dismissed", "撤销"),
        column("open_after", Int64, "open at the end", "期末未销号"),
        column("overdue", Int64, "of these past their deadline", "其中逾期"),
    ]);
    let row = |group: &str, f: &Flow, late: usize| -> Row {
        let n = |v: usize| Value::Int(v as i64);
        let lists = [&f.opened, &f.relapsed, &f.reopened, &f.rectified, &f.closed, &f.dismissed];
        let mut v = vec![Value::from(group), n(f.open_before)];
        v.extend(lists.iter().map(|l| n(l.len())));
        v.extend([n(f.open_after), n(late)]);
        (None, v)
    };
    let none = Text::new("(not named)", "(未填写)");
    let word = |g: &Option<String>| match g {
        None => none.in_lang(lang).to_owned(),
        Some(g) => IssueKind::parse(g)
            .ok()
            .filter(|_| name == "by_kind")
            .map_or_else(|| g.clone(), |k| Text::new(k.en(), k.zh()).in_lang(lang).to_owned()),
    };
    let mut rows: Vec<Row> = groups.iter().map(|(g, c, f)| row(&word(g), f, c.overdue)).collect();
    let late = standings.iter().filter(|s| s.overdue(day)).count();
    rows.push(row(Text::new("total", "合计").in_lang(lang), all, late));
    empty(name, title, columns, rows)
}

/// Issues that should have been closed, the longest overdue first.
fn overdue(p: &Period<'_>, lang: Lang) -> Table {
    let mut late: Vec<&Standing<'_>> = p.standings.iter().filter(|s| s.overdue(p.to)).collect();
    late.sort_by_key(|s| (s.deadline, s.issue.issue_id.clone()));
    standing("overdue", Text::new("Past their deadline", "逾期未销号问题"), &late, p.to, lang)
}

/// Every issue that is open at the end: what the last two columns of the balances count.
fn open(p: &Period<'_>, lang: Lang) -> Table {
    let left: Vec<&Standing<'_>> = p.standings.iter().filter(|s| s.state.is_open()).collect();
    standing("open", Text::new("Open at the end", "期末未销号问题"), &left, p.to, lang)
}

fn standing(name: &str, title: Text, list: &[&Standing<'_>], day: NaiveDate, lang: Lang) -> Table {
    use FieldType::{Date, Int64, Text as T};
    let columns = vec![
        column("issue_id", T, "issue", "问题编号"),
        column("kind", T, "kind", "问题类别"),
        column("name", T, "name", "名称"),
        column("admin", T, "administrative area", "盟市(旗县区)"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("deadline", Date, "deadline", "完成时限"),
        column("days_over", Int64, "days past it", "逾期天数"),
        column("state", T, "state", "状态"),
    ];
    let row = |s: &&Standing<'_>| -> Row {
        let i = s.issue;
        let days = s.deadline.filter(|_| s.overdue(day)).map_or(Value::Null, |d| Value::Int((day - d).num_days()));
        let values = vec![
            Value::from(i.issue_id.as_str()),
            Value::from(Text::new(i.kind.en(), i.kind.zh()).in_lang(lang)),
            Value::from(i.name.as_deref()),
            Value::from(s.admin),
            Value::from(s.responsible_unit),
            Value::from(s.supervising_unit),
            s.deadline.map_or(Value::Null, Value::Date),
            days,
            Value::from(Text::new(s.state.as_str(), s.state.zh()).in_lang(lang)),
        ];
        (None, values)
    };
    empty(name, title, columns, list.iter().map(row).collect())
}

/// Every issue that a figure of the period counts, by what happened to it.
fn changes(p: &Period<'_>, lang: Lang) -> Table {
    use FieldType::Text as T;
    let columns = vec![
        column("change", T, "change", "变化"),
        column("issue_id", T, "issue", "问题编号"),
        column("kind", T, "kind", "问题类别"),
        column("name", T, "name", "名称"),
        column("admin", T, "administrative area", "盟市(旗县区)"),
        column("responsible_unit", T, "responsible unit", "责任单位"),
        column("supervising_unit", T, "supervising unit", "监管单位"),
        column("state", T, "state at the end", "期末状态"),
    ];
    let by_id: BTreeMap<&str, &Standing<'_>> = p.standings.iter().map(|s| (s.issue.issue_id.as_str(), s)).collect();
    let f = &p.flow;
    let lists = [
        (&f.opened, Text::new("new", "新增")),
        (&f.relapsed, Text::new("relapsed", "反弹")),
        (&f.reopened, Text::new("reopened", "重启")),
        (&f.rectified, Text::new("reported as done", "报验")),
        (&f.closed, Text::new("closed", "销号")),
        (&f.dismissed, Text::new("dismissed", "撤销")),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for (ids, word) in lists {
        let mut ids: Vec<&String> = ids.iter().collect();
        ids.sort();
        for id in ids {
            let s = by_id.get(id.as_str());
            let text = |t: Option<&str>| Value::from(t);
            let kind = s.map(|s| Text::new(s.issue.kind.en(), s.issue.kind.zh()).in_lang(lang).to_owned());
            let state = s.map(|s| Text::new(s.state.as_str(), s.state.zh()).in_lang(lang).to_owned());
            rows.push((
                None,
                vec![
                    Value::from(word.in_lang(lang)),
                    Value::from(id.as_str()),
                    text(kind.as_deref()),
                    text(s.and_then(|s| s.issue.name.as_deref())),
                    text(s.and_then(|s| s.admin)),
                    text(s.and_then(|s| s.responsible_unit)),
                    text(s.and_then(|s| s.supervising_unit)),
                    text(state.as_deref()),
                ],
            ));
        }
    }
    empty("changes", Text::new("Changes in this period", "本期变化明细"), columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_quarters_are_known() {
        let d = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(Span::of(d(2026, 2, 1), d(2026, 2, 28)), Span::Month);
        assert_eq!(Span::of(d(2024, 2, 1), d(2024, 2, 28)), Span::Days);
        assert_eq!(Span::of(d(2026, 10, 1), d(2026, 12, 31)), Span::Quarter);
        assert_eq!(Span::of(d(2026, 2, 1), d(2026, 4, 30)), Span::Days);
        assert_eq!(Span::of(d(2025, 10, 1), d(2026, 12, 31)), Span::Days);
    }
}
