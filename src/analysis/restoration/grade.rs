//! The grade of a unit, and the words for it.

use serde::{Deserialize, Serialize};

use super::{Progress, State};
use crate::analysis::trend::NoTrend;
use crate::error::Text;

/// Limits of the grades: working values, to be set by who judges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Change of cover that counts, 0 to 1.
    pub change: f64,
    /// Level of the test of the trend.
    pub level: f64,
    /// Share of the ring's cover that is as good as the ring.
    pub reference_share: f64,
    /// Seasons over which a unit must still gain.
    pub stall_years: i32,
    /// Gain over those seasons below which it has stalled.
    pub stall_gain: f64,
    /// Cover below which a pixel is bare.
    pub bare: f64,
    /// Share of a unit that must be clear for a look to count.
    pub clear: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            change: 0.05,
            level: 0.05,
            reference_share: 0.9,
            stall_years: 3,
            stall_gain: 0.02,
            bare: 0.1,
            clear: 0.6,
        }
    }
}

/// How far a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As good as its target or its surroundings.
    Met,
    /// Greener than before, and still gaining.
    Progressing,
    /// Was gaining, or gained without it being sure, and does not gain now.
    Stalled,
    /// Never greener than before.
    NotStarted,
    /// Surely less green than before.
    Regressed,
    /// Nothing to compare.
    Unknown,
}

impl Grade {
    /// All, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Met, Self::Progressing, Self::Stalled, Self::NotStarted, Self::Regressed, Self::Unknown];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Progressing => "progressing",
            Self::Stalled => "stalled",
            Self::NotStarted => "not_started",
            Self::Regressed => "regressed",
            Self::Unknown => "unknown",
        }
    }

    /// For people.
    pub fn text(self) -> Text {
        match self {
            Self::Met => Text::new("met", "已达标"),
            Self::Progressing => Text::new("progressing", "恢复中"),
            Self::Stalled => Text::new("stalled", "停滞"),
            Self::NotStarted => Text::new("not started", "未见成效"),
            Self::Regressed => Text::new("regressed", "退化"),
            Self::Unknown => Text::new("unknown", "无法判定"),
        }
    }
}

/// The grade and why. `target` is the unit's own; the ring counts where there is none.
///
/// In this order: no cover now or before, or both are one period → unknown (unless it is met); at its target, or at
/// `reference_share` of its ring → met; lower than before by `change` with a falling trend at `level` → regressed; higher
/// by `change` with a rising trend at `level` → progressing, or stalled where the last `stall_years` seasons gained less
/// than `stall_gain`; no season ever higher than before by `change` → not started; else stalled.
pub fn grade(p: &Progress, target: Option<f64>, r: &Rules) -> (Grade, Text) {
    let Some(now) = &p.now else { return (Grade::Unknown, nothing(p)) };
    if let Some(text) = met(now, target, r) {
        return (Grade::Met, text);
    }
    let Some(before) = p.before.as_ref().filter(|b| b.years != now.years) else {
        return (Grade::Unknown, one_period(p, now));
    };
    let gain = now.unit - before.unit;
    let sure = |up: bool| {
        p.trend.as_ref().is_ok_and(|t| t.test.p <= r.level && if up { t.slope > 0.0 } else { t.slope < 0.0 })
    };
    let figures = Text::new(
        format!("cover {:.0} % → {:.0} %{}", 100.0 * before.unit, 100.0 * now.unit, slope_en(p)),
        format!("覆盖度 {:.0}% → {:.0}%{}", 100.0 * before.unit, 100.0 * now.unit, slope_zh(p)),
    );
    let say = |g, en: &str, zh: &str| (g, Text::new(format!("{en}: {}", figures.en), format!("{zh}:{}", figures.zh)));
    if gain <= -r.change && sure(false) {
        return say(Grade::Regressed, "less green than before", "较基期退化");
    }
    let best = p.yearly.iter().map(|y| y.1).fold(f64::NEG_INFINITY, f64::max);
    if gain >= r.change && sure(true) {
        return if recent(p, now, r).is_some_and(|g| g < r.stall_gain) {
            say(Grade::Stalled, "greener than before, no gain of late", "较基期好转,近年无增长")
        } else {
            say(Grade::Progressing, "greener than before, and gaining", "较基期好转,仍在增长")
        };
    }
    if best - before.unit < r.change {
        return say(Grade::NotStarted, "never greener than before", "一直未好于基期");
    }
    say(Grade::Stalled, "no sure gain", "无显著增长")
}

fn met(now: &State, target: Option<f64>, r: &Rules) -> Option<Text> {
    let (wanted, en, zh) = match (target, now.ring) {
        (Some(t), _) => (t, "target", "目标"),
        // a ring without any green is no measure
        (None, Some(ring)) if ring > 0.0 => (r.reference_share * ring, "of what its surroundings ask", "周边参照要求"),
        _ => return None,
    };
    (now.unit >= wanted).then(|| {
        let (u, w) = (100.0 * now.unit, 100.0 * wanted);
        Text::new(format!("cover {u:.0} %, {w:.0} % {en}"), format!("覆盖度 {u:.0}%,{zh} {w:.0}%"))
    })
}

/// Gain since `stall_years` seasons ago; `None` where that season was not seen.
fn recent(p: &Progress, now: &State, r: &Rules) -> Option<f64> {
    let then = now.years.to - r.stall_years;
    let (y, _) = p.yearly.first()?;
    // the span must not reach back to before: what was gained there is not "of late"
    (*y < then).then_some(())?;
    p.yearly.iter().find(|y| y.0 == then).map(|y| now.unit - y.1)
}

fn nothing(p: &Progress) -> Text {
    match p.looks {
        (0, n) => Text::new(
            format!("not one clear look on {n} date(s): nothing can be said"),
            format!("{n} 期影像均无有效观测:无法判定"),
        ),
        (k, _) => Text::new(
            format!("{k} clear look(s), none in the season and years asked for: nothing can be said"),
            format!("有效观测 {k} 次,均不在指定季节与年份:无法判定"),
        ),
    }
}

fn one_period(p: &Progress, now: &State) -> Text {
    let (k, y) = (p.looks.0, now.years.from);
    if k == 1 {
        return Text::new("one clear look alone: nothing to compare it with", "仅一次有效观测,无从比较");
    }
    Text::new(
        format!("no clear look in season but in {y}: nothing to compare it with"),
        format!("仅 {y} 年有生长季有效观测,无从比较"),
    )
}

fn slope_en(p: &Progress) -> String {
    match &p.trend {
        Ok(t) => format!(", {:+.1} points a year ({})", 100.0 * t.slope, p_text(t.test.p)),
        Err(e) => format!(", {}", why(*e).en),
    }
}

fn slope_zh(p: &Progress) -> String {
    match &p.trend {
        Ok(t) => format!(",每年 {:+.1} 个百分点({})", 100.0 * t.slope, p_text(t.test.p)),
        Err(e) => format!(",{}", why(*e).zh),
    }
}

fn p_text(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") }
}

/// Why there is no trend, in words.
pub(super) fn why(e: NoTrend) -> Text {
    match e {
        NoTrend::NotObserved => Text::new("no trend: not one clear look", "无趋势:无有效观测"),
        NoTrend::TooFew => Text::new("no trend: too few clear looks", "无趋势:有效观测过少"),
        NoTrend::SeasonUnknown => Text::new("no trend: the looks do not tell the season", "无趋势:观测不足以区分季节"),
    }
}
