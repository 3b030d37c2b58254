//! Issues as the ledger holds them: findings, events, and the issue that its events add up to.

use chrono::{DateTime, NaiveDate, Utc};
use geo::Geometry;

use super::{IssueKind, IssueState};
use crate::error::{Error, Result};

/// A picture of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chip {
    /// Where it lies.
    Path(String),
    /// A PNG kept in the ledger, by the SHA-256 of its bytes; the bytes themselves only on their way in.
    Png {
        /// SHA-256, hexadecimal.
        sha256: String,
        /// The file; empty where it was not read from the store.
        bytes: Vec<u8>,
        /// Scene and day that it shows; empty where not told, or not read from the store.
        scene: String,
    },
}

/// A picture as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChip {
    /// The PNG file.
    pub png: Vec<u8>,
    /// Scene and day that it shows; empty where not told.
    pub scene: String,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Id of the run that found it.
    pub run_id: String,
    /// SHA-256 over the digests of that run's inputs.
    pub input_hash: String,
    /// File, layer and feature.
    pub source: String,
    /// The place before.
    pub before: Option<Chip>,
    /// The place after.
    pub after: Option<Chip>,
}

/// Something that a run found at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Hash of the run and of the finding in it: the same run added twice bears the same keys.
    pub key: String,
    /// What it is about.
    pub kind: IssueKind,
    /// Id of the thing itself (a site, a fire track, a restoration unit), where it has one that lasts from run to run.
    pub object_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 盟市/旗县区
    pub admin: Option<String>,
    /// 责任单位
    pub responsible_unit: Option<String>,
    /// 监管单位
    pub supervising_unit: Option<String>,
    /// 完成时限
    pub deadline: Option<NaiveDate>,
    /// Where: CGCS2000 longitude/latitude.
    pub place: Geometry<f64>,
    /// Area on the ellipsoid, square metres; none for points and lines.
    pub area_m2: Option<f64>,
    /// How far off the place may be, metres (the footprint of a sensor); 0 where not told.
    pub footprint_m: f64,
    /// The day of which it speaks.
    pub observed: NaiveDate,
    /// Attributes of its source, a JSON object.
    pub facts: String,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What an event was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A run found something new.
    Found,
    /// A run found it again; where it was closed, it relapsed.
    Seen,
    /// Someone moved it on.
    Moved,
    /// Someone changed a unit or a deadline, or left a remark; the state stayed.
    Noted,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Found, Self::Seen, Self::Moved, Self::Noted];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Seen => "seen",
            Self::Moved => "moved",
            Self::Noted => "noted",
        }
    }

    /// Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Found => "发现",
            Self::Seen => "再次发现",
            Self::Moved => "办理",
            Self::Noted => "备注",
        }
    }
}

/// What an event sets; `None` leaves a value as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Name.
    pub name: Option<String>,
    /// 盟市/旗县区
    pub admin: Option<String>,
    /// 责任单位
    pub responsible_unit: Option<String>,
    /// 监管单位
    pub supervising_unit: Option<String>,
    /// 完成时限
    pub deadline: Option<NaiveDate>,
}

impl Changes {
    /// True where nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One step in the life of an issue. Events are appended; none is ever changed or taken away.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The issue.
    pub issue_id: String,
    /// Number in the issue, from 1.
    pub seq: u32,
    /// What it was.
    pub action: Action,
    /// State before; none for the first.
    pub from: Option<IssueState>,
    /// State after.
    pub to: IssueState,
    /// The day it counts for.
    pub date: NaiveDate,
    /// When it was written down.
    pub recorded: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// Why.
    pub why: String,
    /// Hash by which the same event is known when it comes again.
    pub key: String,
    /// What it set.
    pub changes: Changes,
    /// What was found.
    pub finding: Option<Box<Finding>>,
}

/// An issue as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Id: letters of the kind, year, number.
    pub issue_id: String,
    /// What it is about.
    pub kind: IssueKind,
    /// Where it stands.
    pub state: IssueState,
    /// Id of the thing itself, where it has one.
    pub object_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 盟市/旗县区
    pub admin: Option<String>,
    /// 责任单位
    pub responsible_unit: Option<String>,
    /// 监管单位
    pub supervising_unit: Option<String>,
    /// 完成时限
    pub deadline: Option<NaiveDate>,
    /// Where, as last found: CGCS2000 longitude/latitude.
    pub place: Geometry<f64>,
    /// Area of the place, square metres; none for points and lines.
    pub area_m2: Option<f64>,
    /// How far off the place may be, metres.
    pub footprint_m: f64,
    /// Day of the first event.
    pub found: NaiveDate,
    /// Day since when it stands where it stands.
    pub state_since: NaiveDate,
    /// The last day of which a finding spoke.
    pub last_seen: NaiveDate,
    /// Day of the last event.
    pub changed: NaiveDate,
    /// Day of closing, where it is closed.
    pub closed: Option<NaiveDate>,
    /// How often it came back.
    pub relapses: u32,
    /// Events so far.
    pub events: u32,
    /// The run that last found it.
    pub run_id: String,
}

impl Issue {
    /// The issue that a first event opens.
    ///
    /// # Errors
    /// `Input` where the event is no first one or bears no finding.
    pub fn opened(e: &Event) -> Result<Self> {
        let (Action::Found, None, IssueState::Found, 1, Some(f)) = (e.action, e.from, e.to, e.seq, &e.finding) else {
            return Err(broken(&e.issue_id, "its first event is not a finding", "首条记录不是“发现”"));
        };
        let c = e.changes.clone();
        Ok(Self {
            issue_id: e.issue_id.clone(),
            kind: f.kind,
            state: e.to,
            object_id: f.object_id.clone(),
            name: c.name,
            admin: c.admin,
            responsible_unit: c.responsible_unit,
            supervising_unit: c.supervising_unit,
            deadline: c.deadline,
            place: f.place.clone(),
            area_m2: f.area_m2,
            footprint_m: f.footprint_m,
            found: e.date,
            state_since: e.date,
            last_seen: f.observed,
            changed: e.date,
            closed: None,
            relapses: 0,
            events: 1,
            run_id: f.evidence.run_id.clone(),
        })
    }

    /// Takes one more event.
    ///
    /// Of the findings of one run the largest gives the place; a later run's replaces an earlier's.
    ///
    /// # Errors
    /// `Input` where the event does not follow: another state before, another number, an earlier day, a move that the
    /// table does not have.
    pub fn take(&mut self, e: &Event) -> Result<()> {
        if e.from != Some(self.state) || e.seq != self.events + 1 {
            return Err(broken(&self.issue_id, "an event does not follow the one before", "记录前后不衔接"));
        }
        if e.date < self.changed {
            return Err(broken(&self.issue_id, "an event is earlier than the one before", "记录日期早于上一条"));
        }
        if e.to != self.state {
            if !self.state.may_become(e.to) {
                return Err(refused_move(&self.issue_id, self.state, e.to));
            }
            self.state = e.to;
            self.state_since = e.date;
            self.closed = (e.to == IssueState::Closed).then_some(e.date);
            self.relapses += u32::from(e.to == IssueState::Relapsed);
        }
        let c = &e.changes;
        let set = |place: &mut Option<String>, v: &Option<String>| {
            if v.is_some() {
                place.clone_from(v);
            }
        };
        set(&mut self.name, &c.name);
        set(&mut self.admin, &c.admin);
        set(&mut self.responsible_unit, &c.responsible_unit);
        set(&mut self.supervising_unit, &c.supervising_unit);
        self.deadline = c.deadline.or(self.deadline);
        if let Some(f) = &e.finding {
            if f.evidence.run_id != self.run_id || f.area_m2 > self.area_m2 {
                self.place = f.place.clone();
                self.area_m2 = f.area_m2;
                self.footprint_m = f.footprint_m;
            }
            self.run_id.clone_from(&f.evidence.run_id);
            self.last_seen = self.last_seen.max(f.observed);
        }
        self.changed = e.date;
        self.events = e.seq;
        Ok(())
    }

    /// True where something is left to do and the deadline has passed on `day`; the day of the deadline itself is in time.
    pub fn overdue(&self, day: NaiveDate) -> bool {
        self.state.is_open() && self.deadline.is_some_and(|d| d < day)
    }
}

/// A ledger that contradicts itself.
pub fn broken(issue: &str, en: &str, zh: &str) -> Error {
    Error::input(format!("issue {issue}: {en}"), format!("问题 {issue}:{zh}")).remedy(
        "run heshan ledger check; go back to a copy where it finds faults",
        "请运行 heshan ledger check;如有错误请恢复备份",
    )
}

/// A move that the table does not have.
pub fn refused_move(issue: &str, from: IssueState, to: IssueState) -> Error {
    let next = from.next();
    let en = next.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
    let zh = next.iter().map(|s| s.zh()).collect::<Vec<_>>().join("、");
    Error::usage(
        format!("issue {issue} is {}; it cannot become {}", from.as_str(), to.as_str()),
        format!("问题 {issue} 当前为“{}”,不能改为“{}”", from.zh(), to.zh()),
    )
    .remedy(format!("it may become: {en}"), format!("可改为:{zh}"))
}
