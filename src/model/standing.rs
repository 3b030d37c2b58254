//! How issues stand on a day, and what changes between two days.

use chrono::NaiveDate;

use super::{Issue, IssueState};

/// How an issue stood on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'a> {
    /// The issue as it stands now; what may have changed since that day is below.
    pub issue: &'a Issue,
    /// State.
    pub state: IssueState,
    /// Day since when.
    pub since: NaiveDate,
    /// 盟市/旗县区
    pub admin: Option<&'a str>,
    /// 责任单位
    pub responsible_unit: Option<&'a str>,
    /// 监管单位
    pub supervising_unit: Option<&'a str>,
    /// 完成时限
    pub deadline: Option<NaiveDate>,
    /// Day of the last event in which a run found it.
    pub last_found: NaiveDate,
    /// How often it had come back.
    pub relapses: u32,
}

impl Standing<'_> {
    /// True where something was left to do and the deadline had passed on `day`.
    pub fn overdue(&self, day: NaiveDate) -> bool {
        self.state.is_open() && self.deadline.is_some_and(|d| d < day)
    }
}

/// Issues of one group on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All ever found up to that day.
    pub total: usize,
    /// Something is left to do.
    pub open: usize,
    /// Open, and past the deadline.
    pub overdue: usize,
    /// 销号
    pub closed: usize,
    /// No issue after all.
    pub dismissed: usize,
}

/// What happened after one day and up to another: ids of issues, one entry an event, so that each figure can be followed
/// to its issues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flow {
    /// Open at the end of the first day.
    pub open_before: usize,
    /// Found for the first time.
    pub opened: Vec<String>,
    /// Assigned to a unit.
    pub assigned: Vec<String>,
    /// Said to be done (已报验).
    pub rectified: Vec<String>,
    /// Checked.
    pub verified: Vec<String>,
    /// 销号
    pub closed: Vec<String>,
    /// Closed ones that came back.
    pub relapsed: Vec<String>,
    /// No issues after all.
    pub dismissed: Vec<String>,
    /// Dismissed ones taken up again.
    pub reopened: Vec<String>,
    /// Open at the end of the last day.
    pub open_after: usize,
}

impl Flow {
    /// True where `open after = open before + opened − closed − dismissed + relapsed + reopened`.
    pub fn adds_up(&self) -> bool {
        self.open_before + self.opened.len() + self.relapsed.len() + self.reopened.len()
            == self.open_after + self.closed.len() + self.dismissed.len()
    }
}
