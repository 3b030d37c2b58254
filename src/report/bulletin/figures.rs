//! The charts of a bulletin, each with its figures as a list beside it.

use super::{Period, column, empty};
use crate::error::{Lang, Text};
use crate::model::{Column, Field, FieldType, Part, Row, Value};
use crate::report::chart::bars::{Bar, Bars, Standing};
use crate::report::chart::{Axis, Chart, Mark, Series, day};

const OPEN: [u8; 3] = [200, 60, 50];
const CLOSED: [u8; 3] = [60, 140, 80];
const NEW: [u8; 3] = [70, 110, 170];
const LATE: [u8; 3] = [150, 20, 50];
const RELAPSED: [u8; 3] = [240, 160, 50];
/// Units of the chart; the list has them all.
const UNITS: usize = 20;

/// The 清零 curve, what happened month by month, and the figures of both.
pub(super) fn months(p: &Period<'_>, lang: Lang) -> Vec<Part> {
    if p.days.len() < 2 || p.months.is_empty() {
        return Vec::new();
    }
    let open = Text::new("open", "未销号");
    let closed = Text::new("closed up to then", "累计销号");
    let line = |name: &Text, rgb, mark, of: fn(&(chrono::NaiveDate, usize, usize)) -> usize| Series {
        name: name.clone(),
        rgb,
        mark,
        points: p.days.iter().map(|d| (day(d.0), of(d) as f64)).collect(),
    };
    let curve = Chart {
        title: Text::new("Open issues by day", "问题清零曲线"),
        subtitle: Text::new(
            "at the end of each day; the figures of month ends are in the table below",
            "每日日终数;月末数见下表",
        ),
        x: Text::new("day", "日期"),
        axis: Axis::Date,
        y: Text::new("issues", "问题数(个)"),
        series: vec![line(&open, OPEN, Mark::Area, |d| d.1), line(&closed, CLOSED, Mark::Step, |d| d.2)],
    };
    let bar = |name: Text, rgb, of: &dyn Fn(&super::Flow, &super::Count) -> usize| Bar {
        name,
        rgb,
        values: p.months.iter().map(|(_, f, c)| of(f, c) as f64).collect(),
    };
    let bars = Bars {
        title: Text::new("Issues by month", "各月问题情况"),
        subtitle: Text::default(),
        names: p.months.iter().map(|m| m.0.format("%Y-%m").to_string()).collect(),
        values: Text::new("issues", "问题数(个)"),
        standing: Standing::Upright,
        series: vec![
            bar(Text::new("new", "新增"), NEW, &|f, _| f.opened.len()),
            bar(Text::new("relapsed", "反弹"), RELAPSED, &|f, _| f.relapsed.len()),
            bar(Text::new("closed", "销号"), CLOSED, &|f, _| f.closed.len()),
            bar(Text::new("open at the end", "月末未销号"), OPEN, &|_, c| c.open),
        ],
    };
    let chart = |title: &Text, drawing| Part::Chart { title: title.clone(), drawing };
    vec![chart(&curve.title, curve.drawing(lang)), chart(&bars.title, bars.drawing(lang)), Part::List(month_list(p))]
}

fn month_list(p: &Period<'_>) -> crate::model::Table {
    use FieldType::{Int64, Text as T};
    let columns = vec![
        column("month", T, "month", "月份"),
        column("opened", Int64, "new", "新增"),
        column("relapsed", Int64, "relapsed", "反弹"),
        column("reopened", Int64, "reopened", "重启"),
        column("closed", Int64, "closed", "销号"),
        column("dismissed", Int64, "dismissed", "撤销"),
        column("open_after", Int64, "open at the end", "月末未销号"),
        column("overdue", Int64, "of these past their deadline", "其中逾期"),
        column("closed_total", Int64, "closed up to then", "累计销号"),
    ];
    let row = |(end, f, c): &(chrono::NaiveDate, super::Flow, super::Count)| -> Row {
        let n = |v: usize| Value::Int(v as i64);
        let mut values = vec![Value::from(end.format("%Y-%m").to_string().as_str())];
        let lists = [&f.opened, &f.relapsed, &f.reopened, &f.closed, &f.dismissed];
        values.extend(lists.iter().map(|l| n(l.len())));
        values.extend([n(c.open), n(c.overdue), n(c.closed)]);
        (None, values)
    };
    empty("months", Text::new("Issues by month", "各月问题情况"), columns, p.months.iter().map(row).collect())
}

/// How far each responsible unit has come.
pub(super) fn progress(p: &Period<'_>, lang: Lang) -> Vec<Part> {
    let mut units: Vec<(String, super::Count)> = p
        .by_responsible
        .iter()
        .filter(|(_, c, _)| c.total > c.dismissed)
        .map(|(g, c, _)| {
            let none = Text::new("(not named)", "(未填写)");
            (g.clone().unwrap_or_else(|| none.in_lang(lang).to_owned()), *c)
        })
        .collect();
    units.sort_by(|a, b| (b.1.open, b.1.total).cmp(&(a.1.open, a.1.total)).then_with(|| a.0.cmp(&b.0)));
    if units.is_empty() {
        return Vec::new();
    }
    let shown = &units[..units.len().min(UNITS)];
    let bar = |name: Text, rgb, of: fn(&super::Count) -> usize| Bar {
        name,
        rgb,
        values: shown.iter().map(|(_, c)| of(c) as f64).collect(),
    };
    let few = units.len() > UNITS;
    let bars = Bars {
        title: Text::new("Progress by responsible unit", "各责任单位整改进展"),
        subtitle: if few {
            Text::new(
                format!("the {UNITS} units with most open issues; all are in the table below"),
                format!("未销号最多的 {UNITS} 个单位;全部单位见下表"),
            )
        } else {
            Text::default()
        },
        names: shown.iter().map(|u| u.0.clone()).collect(),
        values: Text::new("issues", "问题数(个)"),
        standing: Standing::Stacked,
        series: vec![
            bar(Text::new("closed", "已销号"), CLOSED, |c| c.closed),
            bar(Text::new("open, in time", "未销号(未逾期)"), RELAPSED, |c| c.open - c.overdue),
            bar(Text::new("past the deadline", "逾期未销号"), LATE, |c| c.overdue),
        ],
    };
    vec![Part::Chart { title: bars.title.clone(), drawing: bars.drawing(lang) }, Part::List(progress_list(&units))]
}

fn progress_list(units: &[(String, super::Count)]) -> crate::model::Table {
    use FieldType::{Int64, Real};
    let mut columns = vec![Column {
        field: Field::new("group", FieldType::Text),
        title: Text::new("responsible unit", "责任单位"),
    }];
    columns.extend([
        column("total", Int64, "issues without the dismissed", "问题总数(不含撤销)"),
        column("closed", Int64, "closed", "已销号"),
        column("open", Int64, "open", "未销号"),
        column("overdue", Int64, "past the deadline", "逾期未销号"),
        column("closed_pct", Real, "share closed (%)", "销号率(%)"),
    ]);
    let row = |(name, c): &(String, super::Count)| -> Row {
        let total = c.total - c.dismissed;
        let share = (1000.0 * c.closed as f64 / total.max(1) as f64).round() / 10.0;
        let mut values = vec![Value::from(name.as_str())];
        values.extend([total, c.closed, c.open, c.overdue].map(|n| Value::Int(n as i64)));
        values.push(Value::Real(share));
        (None, values)
    };
    let title = Text::new("Progress by responsible unit", "各责任单位整改进展");
    empty("progress", title, columns, units.iter().map(row).collect())
}
