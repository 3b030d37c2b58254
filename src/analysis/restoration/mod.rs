//! Restoration progress of a unit: vegetation cover now, before and around it, its trend, and a grade.
//!
//! The rules are in [`Rules`]; the methods with their sources in docs/explanation/restoration.md.

mod grade;
pub mod ring;
#[cfg(test)]
mod tests;

use chrono::{Datelike, NaiveDate};

use crate::analysis::trend::{NoTrend, SeriesScratch, Trend, TrendOptions, Trends, date_of};
pub use grade::{Grade, Rules, grade};

/// One date of a unit. `None` where too little of it was seen clear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Share of the unit that was seen clear, 0 to 1.
    pub clear: f64,
    /// Mean vegetation cover of the unit, 0 to 1.
    pub unit: Option<f64>,
    /// Mean vegetation cover of the ring around it.
    pub ring: Option<f64>,
    /// Share of what was seen that is bare: little vegetation and no water.
    pub bare: Option<f64>,
    /// Share of what was seen that is water; `None` too where the bands do not tell water.
    pub water: Option<f64>,
}

/// Months that count for values of a year, both included; may run over the turn of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    /// First month, 1 to 12.
    pub from: u32,
    /// Last month.
    pub to: u32,
}

impl Season {
    /// The year that a date counts for, where it lies in the season: a season over the turn of the year counts for the
    /// year in which it began.
    fn year(&self, d: NaiveDate) -> Option<i32> {
        let m = d.month();
        if self.from <= self.to {
            return (self.from..=self.to).contains(&m).then(|| d.year());
        }
        if m >= self.from {
            return Some(d.year());
        }
        (m <= self.to).then(|| d.year() - 1)
    }
}

/// Years, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Years {
    /// First.
    pub from: i32,
    /// Last.
    pub to: i32,
}

/// What is asked of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProgressOptions {
    /// Months that values are taken from.
    pub season: Season,
    /// Years of the state before; the first year with a clear look in season where `None`.
    pub baseline: Option<Years>,
    /// Years of the state now; the last year with a clear look in season where `None`.
    pub now: Option<Years>,
    /// Limits of the grades.
    pub rules: Rules,
    /// The trend; deseasonalised by default.
    pub trend: TrendOptions,
}

/// The state of a period: medians over its clear looks in season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// The period.
    pub years: Years,
    /// Clear looks that it rests on.
    pub looks: usize,
    /// Vegetation cover.
    pub unit: f64,
    /// Of the ring, by its own clear looks.
    pub ring: Option<f64>,
    /// Bare share.
    pub bare: Option<f64>,
    /// Water share.
    pub water: Option<f64>,
}

/// The progress of one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Before; `None` where no clear look in season falls into it.
    pub before: Option<State>,
    /// Now.
    pub now: Option<State>,
    /// Years with a clear look in season, and the cover then.
    pub yearly: Vec<(i32, f64)>,
    /// Trend of the unit.
    pub trend: Result<Trend, NoTrend>,
    /// Trend of unit − ring, on the dates when both were seen.
    pub relative: Result<Trend, NoTrend>,
    /// Clear looks, and dates in all.
    pub looks: (usize, usize),
    /// The last clear look.
    pub last: Option<NaiveDate>,
}

/// The progress of a unit by its looks, which are in order of days.
pub fn progress(looks: &[Look], o: &ProgressOptions) -> Progress {
    let yearly = yearly(looks, o.season);
    let one = |y: Option<&(i32, f64)>| y.map(|y| Years { from: y.0, to: y.0 });
    let period = |given: Option<Years>, found| given.or(found).and_then(|y| state(looks, o.season, y));
    let before = period(o.baseline, one(yearly.first()));
    let now = period(o.now, one(yearly.last()));
    let days: Vec<i32> = looks.iter().map(|l| l.day).collect();
    let trends = Trends::new(&days, o.trend);
    let mut m = SeriesScratch::default();
    let mut of = |f: fn(&Look) -> Option<f64>| {
        let v: Vec<f64> = looks.iter().map(|l| f(l).unwrap_or(f64::NAN)).collect();
        trends.of(&v, &mut m)
    };
    let clear = || looks.iter().filter(|l| l.unit.is_some());
    Progress {
        before,
        now,
        trend: of(|l| l.unit),
        relative: of(|l| Some(l.unit? - l.ring?)),
        looks: (clear().count(), looks.len()),
        last: clear().next_back().and_then(|l| date_of(l.day)),
        yearly,
    }
}

/// Cover by year: medians of clear looks in season; years without one are not there.
fn yearly(looks: &[Look], season: Season) -> Vec<(i32, f64)> {
    let mut by: std::collections::BTreeMap<i32, Vec<f64>> = std::collections::BTreeMap::new();
    for l in looks {
        if let (Some(v), Some(y)) = (l.unit, date_of(l.day).and_then(|d| season.year(d))) {
            by.entry(y).or_default().push(v);
        }
    }
    by.into_iter().filter_map(|(y, mut v)| Some((y, median(&mut v)?))).collect()
}

fn state(looks: &[Look], season: Season, years: Years) -> Option<State> {
    let here: Vec<&Look> = looks
        .iter()
        .filter(|l| date_of(l.day).and_then(|d| season.year(d)).is_some_and(|y| (years.from..=years.to).contains(&y)))
        .collect();
    let of = |f: fn(&Look) -> Option<f64>| median(&mut here.iter().filter_map(|l| f(l)).collect::<Vec<_>>());
    Some(State {
        years,
        looks: here.iter().filter(|l| l.unit.is_some()).count(),
        unit: of(|l| l.unit)?,
        ring: of(|l| l.ring),
        bare: of(|l| l.bare),
        water: of(|l| l.water),
    })
}

/// Median; the mean of the middle two where the values are even in number.
fn median(v: &mut [f64]) -> Option<f64> {
    v.sort_by(f64::total_cmp);
    let n = v.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(v[n / 2]),
        _ => Some(0.5 * (v[n / 2 - 1] + v[n / 2])),
    }
}

/// Cover by month: year, month, median of the clear looks, their number, and the dates there were. Months between the
/// first and the last date without a clear look are there, without a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Month {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Cover of the unit.
    pub unit: Option<f64>,
    /// Cover of the ring.
    pub ring: Option<f64>,
    /// Clear looks.
    pub clear: usize,
    /// Dates.
    pub dates: usize,
}

/// All months from the first date to the last.
pub fn months(looks: &[Look]) -> Vec<Month> {
    let at = |l: &Look| date_of(l.day).map(|d| d.year() * 12 + d.month0() as i32);
    let (Some(first), Some(last)) = (looks.first().and_then(at), looks.last().and_then(at)) else { return Vec::new() };
    (first..=last)
        .map(|m| {
            let here: Vec<&Look> = looks.iter().filter(|l| at(l) == Some(m)).collect();
            let of = |f: fn(&Look) -> Option<f64>| median(&mut here.iter().filter_map(|l| f(l)).collect::<Vec<_>>());
            Month {
                year: m.div_euclid(12),
                month: m.rem_euclid(12) as u32 + 1,
                unit: of(|l| l.unit),
                ring: of(|l| l.ring),
                clear: here.iter().filter(|l| l.unit.is_some()).count(),
                dates: here.len(),
            }
        })
        .collect()
}
