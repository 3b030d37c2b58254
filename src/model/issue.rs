//! Issues (问题图斑): kinds, states and the one table of allowed moves.

use crate::error::{Error, Result};

/// What an issue is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueKind {
    /// A site inside a river's corridor, or crossing its edge.
    Corridor,
    /// A fire point.
    Fire,
    /// Change outside every permit, or across the edge of one.
    ChangeOutsidePermit,
    /// A restoration unit that does not get on.
    RestorationStalled,
    /// A site in a nature reserve or another zone.
    Reserve,
    /// A pit or dump that is still one.
    Terrain,
    /// Anything else.
    Other,
}

impl IssueKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Corridor,
        Self::Reserve,
        Self::ChangeOutsidePermit,
        Self::Fire,
        Self::RestorationStalled,
        Self::Terrain,
        Self::Other,
    ];

    /// Name in files and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corridor => "corridor",
            Self::Fire => "fire",
            Self::ChangeOutsidePermit => "change_outside_permit",
            Self::RestorationStalled => "restoration_stalled",
            Self::Reserve => "reserve",
            Self::Terrain => "terrain",
            Self::Other => "other",
        }
    }

    /// Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Corridor => "河道管控范围",
            Self::Fire => "火点",
            Self::ChangeOutsidePermit => "越界或无主变化",
            Self::RestorationStalled => "修复停滞",
            Self::Reserve => "保护区",
            Self::Terrain => "坑堆未治理",
            Self::Other => "其他",
        }
    }

    /// English name.
    pub fn en(self) -> &'static str {
        match self {
            Self::Corridor => "river corridor",
            Self::Fire => "fire point",
            Self::ChangeOutsidePermit => "change outside permits",
            Self::RestorationStalled => "restoration stalled",
            Self::Reserve => "reserve",
            Self::Terrain => "pit or dump not dealt with",
            Self::Other => "other",
        }
    }

    /// Two letters that begin the ids of its issues.
    pub fn letters(self) -> &'static str {
        match self {
            Self::Corridor => "CO",
            Self::Fire => "FI",
            Self::ChangeOutsidePermit => "CH",
            Self::RestorationStalled => "RS",
            Self::Reserve => "RE",
            Self::Terrain => "TE",
            Self::Other => "OT",
        }
    }

    /// Reads a kind by its name in files or its Chinese name.
    ///
    /// # Errors
    /// `Usage` for an unknown word; the message lists those there are.
    pub fn parse(word: &str) -> Result<Self> {
        let w = word.trim();
        Self::ALL.into_iter().find(|k| k.as_str() == w || k.zh() == w).ok_or_else(|| {
            Error::usage(format!("“{w}” is no kind of issue"), format!("“{w}”不是问题类别")).remedy(
                format!("the kinds are: {}", Self::ALL.map(Self::as_str).join(", ")),
                format!("可用类别:{}", Self::ALL.map(|k| format!("{} {}", k.as_str(), k.zh())).join("、")),
            )
        })
    }
}

/// Where an issue stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueState {
    /// 发现: found by a run, nobody knows of it yet.
    Found,
    /// 交办: a unit was told, with a deadline.
    Assigned,
    /// 整改中: the unit is at work.
    Rectifying,
    /// 已报验: the unit says it is done.
    Submitted,
    /// 已核实: checked, and it is.
    Verified,
    /// 销号: closed.
    Closed,
    /// 反弹: closed once, and found again.
    Relapsed,
    /// 不予立案: no issue after all (permitted, wrongly found).
    Dismissed,
}

/// From each state, the states an issue may move to; whatever is not here is refused.
pub const MOVES: [(IssueState, &[IssueState]); 8] = {
    use IssueState::{Assigned, Closed, Dismissed, Found, Rectifying, Relapsed, Submitted, Verified};
    [
        (Found, &[Assigned, Dismissed]),
        (Assigned, &[Rectifying, Submitted, Dismissed]),
        (Rectifying, &[Submitted, Dismissed]),
        // a check that fails sends it back
        (Submitted, &[Verified, Rectifying]),
        (Verified, &[Closed, Rectifying]),
        (Closed, &[Relapsed]),
        (Relapsed, &[Assigned, Rectifying, Dismissed]),
        // a dismissal that was wrong
        (Dismissed, &[Found]),
    ]
};

impl IssueState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Found,
        Self::Assigned,
        Self::Rectifying,
        Self::Submitted,
        Self::Verified,
        Self::Closed,
        Self::Relapsed,
        Self::Dismissed,
    ];

    /// Name in files and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Assigned => "assigned",
            Self::Rectifying => "rectifying",
            Self::Submitted => "submitted",
            Self::Verified => "verified",
            Self::Closed => "closed",
            Self::Relapsed => "relapsed",
            Self::Dismissed => "dismissed",
        }
    }

    /// Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Found => "发现",
            Self::Assigned => "已交办",
            Self::Rectifying => "整改中",
            Self::Submitted => "已报验",
            Self::Verified => "已核实",
            Self::Closed => "已销号",
            Self::Relapsed => "反弹",
            Self::Dismissed => "不予立案",
        }
    }

    /// Reads a state by its name in files or its Chinese name (with or without 已 before and 中 after it).
    ///
    /// # Errors
    /// `Usage` for an unknown word; the message lists those there are.
    pub fn parse(word: &str) -> Result<Self> {
        let w = word.trim();
        let bare = |s: &str| s.trim_start_matches('已').trim_end_matches('中').to_owned();
        Self::ALL.into_iter().find(|s| s.as_str() == w || bare(s.zh()) == bare(w)).ok_or_else(|| {
            Error::usage(format!("“{w}” is no state of an issue"), format!("“{w}”不是问题状态")).remedy(
                format!("the states are: {}", Self::ALL.map(Self::as_str).join(", ")),
                format!("可用状态:{}", Self::ALL.map(|s| format!("{} {}", s.as_str(), s.zh())).join("、")),
            )
        })
    }

    /// True where something is left to do: every state but closed and dismissed.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Dismissed)
    }

    /// States that may follow.
    pub fn next(self) -> &'static [Self] {
        MOVES.iter().find(|(from, _)| *from == self).map_or(&[], |(_, to)| *to)
    }

    /// True where the table of moves has this one.
    pub fn may_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for s in IssueState::ALL {
            assert_eq!(IssueState::parse(s.as_str()).unwrap(), s);
            assert_eq!(IssueState::parse(s.zh()).unwrap(), s);
        }
        assert_eq!(IssueState::parse(" 销号 ").unwrap(), IssueState::Closed);
        assert_eq!(IssueState::parse("整改").unwrap(), IssueState::Rectifying);
        assert!(IssueState::parse("已中").is_err() && IssueState::parse("").is_err());
        for k in IssueKind::ALL {
            assert_eq!(IssueKind::parse(k.as_str()).unwrap(), k);
            assert_eq!(IssueKind::parse(k.zh()).unwrap(), k);
        }
        let letters: std::collections::BTreeSet<_> = IssueKind::ALL.map(IssueKind::letters).into();
        assert_eq!(letters.len(), IssueKind::ALL.len());
        assert_eq!(IssueKind::parse("fires").unwrap_err().kind.exit_code(), 2);
    }

    /// The life cycle of DESIGN section 9, and nothing shorter: no issue is closed that was not verified.
    #[test]
    fn the_life_cycle_is_the_one_designed() {
        use IssueState::{Assigned, Closed, Dismissed, Found, Rectifying, Relapsed, Submitted, Verified};
        let path = [Found, Assigned, Rectifying, Submitted, Verified, Closed, Relapsed];
        assert!(path.windows(2).all(|w| w[0].may_become(w[1])));
        for s in IssueState::ALL {
            assert_eq!(s.may_become(Closed), s == Verified, "{s:?}");
            assert!(!s.may_become(s));
            assert!(!s.next().is_empty());
        }
        assert_eq!(IssueState::ALL.into_iter().filter(|s| s.may_become(Relapsed)).collect::<Vec<_>>(), [Closed]);
        assert!(!Submitted.may_become(Dismissed) && !Closed.may_become(Dismissed));
        assert!(MOVES.iter().map(|(from, _)| *from).eq(IssueState::ALL));
    }
}
