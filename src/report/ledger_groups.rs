//! Lists by mine, unit or area (分矿山、分单位问题清单): an overview whose sums add up, and a list for each.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::ledger::{ListOptions, list};
use crate::error::{Lang, Text};
use crate::model::{Column, Field, FieldType, IssueState, Row, Shape, Standing, Table, Value};
use crate::units::SquareMetres;

/// What issues are listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The mine or site that they are about.
    Mine,
    /// 责任单位
    Unit,
    /// 监管单位
    Supervising,
    /// 盟市/旗县区
    Admin,
    /// Kind of issue.
    Kind,
}

impl Grouping {
    /// What a group is.
    fn title(self) -> Text {
        match self {
            Self::Mine => Text::new("mine or site", "矿山(图斑)"),
            Self::Unit => Text::new("responsible unit", "责任单位"),
            Self::Supervising => Text::new("supervising unit", "监管单位"),
            Self::Admin => Text::new("administrative area", "盟市(旗县区)"),
            Self::Kind => Text::new("kind", "问题类别"),
        }
    }
}

/// Issues of each group, by the groups' names; those that name none come last. `mine`: the mine of an issue, where known.
pub fn grouped<'a>(
    standings: &[Standing<'a>],
    by: Grouping,
    mine: &dyn Fn(&str) -> Option<String>,
    lang: Lang,
) -> Vec<(String, Vec<Standing<'a>>)> {
    let mut out: BTreeMap<(bool, String), Vec<Standing<'a>>> = BTreeMap::new();
    for s in standings {
        let name = match by {
            Grouping::Mine => mine(&s.issue.issue_id),
            Grouping::Unit => s.responsible_unit.map(str::to_owned),
            Grouping::Supervising => s.supervising_unit.map(str::to_owned),
            Grouping::Admin => s.admin.map(str::to_owned),
            Grouping::Kind => Some(Text::new(s.issue.kind.en(), s.issue.kind.zh()).in_lang(lang).to_owned()),
        };
        let name = name.filter(|n| !n.trim().is_empty());
        let none = || Text::new("(not named)", "(未填写)").in_lang(lang).to_owned();
        out.entry((name.is_none(), name.unwrap_or_else(none))).or_default().push(s.clone());
    }
    out.into_iter().map(|((_, name), s)| (name, s)).collect()
}

/// One row a group, and their sum.
pub fn overview(groups: &[(String, Vec<Standing<'_>>)], by: Grouping, day: NaiveDate, lang: Lang) -> Table {
    use FieldType::{Int64, Real};
    let column = |name: &str, ty, en: &str, zh: &str| Column { field: Field::new(name, ty), title: Text::new(en, zh) };
    let columns = vec![
        Column { field: Field::new("group", FieldType::Text), title: by.title() },
        column("issues", Int64, "issues", "问题总数"),
        column("open", Int64, "open", "未销号"),
        column("overdue", Int64, "of these past their deadline", "其中逾期"),
        column("closed", Int64, "closed", "已销号"),
        column("dismissed", Int64, "dismissed", "不予立案"),
        column("open_ha", Real, "area of open issues (ha)", "未销号面积(公顷)"),
        column("open_mu", Real, "area of open issues (mu)", "未销号面积(亩)"),
    ];
    let row = |name: &str, all: &[&Standing<'_>]| -> Row {
        let n = |f: &dyn Fn(&Standing<'_>) -> bool| Value::Int(all.iter().filter(|s| f(s)).count() as i64);
        let area: f64 = all.iter().filter(|s| s.state.is_open()).filter_map(|s| s.issue.area_m2).sum();
        let values = vec![
            Value::from(name),
            n(&|_| true),
            n(&|s| s.state.is_open()),
            n(&|s| s.overdue(day)),
            n(&|s| s.state == IssueState::Closed),
            n(&|s| s.state == IssueState::Dismissed),
            Value::Real(SquareMetres(area).hectares()),
            Value::Real(SquareMetres(area).mu()),
        ];
        (None, values)
    };
    let mut rows: Vec<Row> = groups.iter().map(|(name, s)| row(name, &s.iter().collect::<Vec<_>>())).collect();
    let all: Vec<&Standing<'_>> = groups.iter().flat_map(|(_, s)| s).collect();
    rows.push(row(Text::new("total", "合计").in_lang(lang), &all));
    Table {
        name: "overview".into(),
        title: Text::new("Overview", "总览"),
        columns,
        shape: Shape::None,
        crs: None,
        rows,
        style: None,
    }
}

/// The list of each group, under the group's name.
pub fn lists(groups: &[(String, Vec<Standing<'_>>)], o: &ListOptions) -> Vec<Table> {
    let of = |(name, s): &(String, Vec<Standing<'_>>)| Table { title: Text::new(name, name), ..list(s, o) };
    groups.iter().map(of).collect()
}
