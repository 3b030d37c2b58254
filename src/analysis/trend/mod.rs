//! Series of looks: trend by Theil–Sen and Mann–Kendall, seasons by harmonics, breaks by monitoring, yearly composites.
//!
//! Times are days since 1970-01-01; looks need not be evenly spaced, there may be gaps, and two looks of one day. Slopes
//! are per year of real time (365.25 days), not per step as in `pymannkendall`.

mod composite;
mod critical;
mod harmonic;
mod kendall;
mod median_slope;
mod monitor;
#[cfg(test)]
mod monitor_tests;
mod normal;
mod roc;
mod sen;
#[cfg(test)]
mod tests;

pub use composite::{Composite, YearValue, medoid, yearly};
pub use harmonic::{Design, Fit, MOST_ORDER, Model, date_of, day_of, decimal_year};
pub use kendall::{Kendall, SeasonLook, hamed_rao, mann_kendall, seasonal};
pub use monitor::{Convention, History, Monitor, MonitorOptions, MonitorScratch, Monitored, NotMonitored, Process};
pub use normal::two_sided;
pub use sen::{SenLine, theil_sen};

use chrono::Datelike;

/// Days of a year.
pub const YEAR: f64 = 365.25;

/// How the season is dealt with before the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeasonMethod {
    /// The season of a harmonic model, fitted together with a straight line, is taken off; trend and test are of what
    /// remains, the variance of the test times [`Design::fit_and_inflation`]'s factor. The order of the harmonics.
    Harmonic(usize),
    /// Seasonal Kendall by months: only looks of the same month are compared.
    Monthly,
    /// Nothing: for yearly composites, and series without a season. On a seasonal series the plain test finds trends
    /// where there are none (18 % instead of 5 % on a stack of NDVI whose looks fall on uneven dates).
    Plain,
}

/// Options of [`Trends`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendOptions {
    /// The season.
    pub season: SeasonMethod,
    /// Variance of the test for autocorrelated series (Hamed & Rao 1998); not with [`SeasonMethod::Monthly`].
    pub hamed_rao: bool,
    /// Level of the test, 0 to 1: autocorrelations count for Hamed–Rao where they differ from zero at it.
    pub level: f64,
    /// Fewer looks give no answer. At least 4; a harmonic model needs two more than it has numbers.
    pub min_looks: usize,
}

impl Default for TrendOptions {
    fn default() -> Self {
        Self { season: SeasonMethod::Harmonic(2), hamed_rao: false, level: 0.05, min_looks: 8 }
    }
}

/// The trend of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change per year.
    pub slope: f64,
    /// Value of the line at the first date of the stack, without the season.
    pub intercept: f64,
    /// The test.
    pub test: Kendall,
    /// Looks that were used.
    pub looks: usize,
}

/// Why a series has no trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTrend {
    /// Not one look.
    NotObserved,
    /// Fewer looks than asked for, or all on one day.
    TooFew,
    /// The looks do not tell the season: all in one part of the year.
    SeasonUnknown,
}

/// Trends of series whose looks fall on dates of one stack.
#[derive(Debug, Clone)]
pub struct Trends {
    days: Vec<i32>,
    years: Vec<f64>,
    seasons: Vec<(usize, i32)>,
    design: Option<Design>,
    options: TrendOptions,
}

/// Memory of one series, kept from one to the next.
#[derive(Debug, Default)]
pub struct SeriesScratch {
    at: Vec<u32>,
    t: Vec<f64>,
    v: Vec<f64>,
    pairs: median_slope::Pairs,
}

impl Trends {
    /// For the dates of a stack (days since 1970-01-01, ascending).
    pub fn new(days: &[i32], options: TrendOptions) -> Self {
        let first = days.first().copied().unwrap_or(0);
        let season = |d: &i32| date_of(*d).map_or((0, 0), |d| (d.month0() as usize, d.year()));
        let design = match options.season {
            SeasonMethod::Harmonic(order) => {
                Some(Design::new(Model { trend: true, order: order.min(MOST_ORDER) }, days))
            }
            _ => None,
        };
        Self {
            days: days.to_vec(),
            years: days.iter().map(|d| f64::from(d - first) / YEAR).collect(),
            seasons: days.iter().map(season).collect(),
            design,
            options,
        }
    }

    /// Looks below which there is no answer.
    pub fn least_looks(&self) -> usize {
        let model = self.design.as_ref().map_or(0, |d| d.model().parameters() + 2);
        self.options.min_looks.max(model).max(4)
    }

    /// The trend of one series: one value a date, NaN where it was not observed.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(&self, values: &[f64], m: &mut SeriesScratch) -> Result<Trend, NoTrend> {
        observed(values, 0, &mut m.at, &mut m.v);
        let n = m.at.len();
        if n == 0 {
            return Err(NoTrend::NotObserved);
        }
        let day = |i: usize| self.days[m.at[i] as usize];
        if n < self.least_looks() || day(0) == day(n - 1) {
            return Err(NoTrend::TooFew);
        }
        if self.options.season == SeasonMethod::Monthly {
            return self.monthly(m);
        }
        let mut inflation = 1.0;
        if let Some(d) = &self.design {
            let (fit, more) = d.fit_and_inflation(&m.at, &m.v).ok_or(NoTrend::SeasonUnknown)?;
            inflation = more;
            m.at.iter().zip(&mut m.v).for_each(|(i, v)| *v -= d.season(&fit, *i as usize));
        }
        m.t.clear();
        m.t.extend(m.at.iter().map(|i| self.years[*i as usize]));
        let slope = m.pairs.median_slope(&m.t, &m.v).ok_or(NoTrend::TooFew)?;
        let line = sen::line(&m.t, &m.v, slope).ok_or(NoTrend::TooFew)?;
        let distinct = m.t.windows(2).all(|w| w[1] > w[0]);
        let quick = if distinct { m.pairs.kendall(&m.v) } else { None };
        let mut test = quick.unwrap_or_else(|| mann_kendall(&m.t, &m.v));
        if inflation != 1.0 {
            test = Kendall::of(n, test.s, test.variance * inflation);
        }
        if self.options.hamed_rao {
            test = hamed_rao(&m.t, &m.v, line.slope, self.options.level, &test);
        }
        Ok(Trend { slope: line.slope, intercept: line.intercept, test, looks: n })
    }

    fn monthly(&self, m: &mut SeriesScratch) -> Result<Trend, NoTrend> {
        let look = |(i, v): (&u32, &f64)| {
            let (season, year) = self.seasons[*i as usize];
            SeasonLook { season, year, value: *v }
        };
        let looks: Vec<SeasonLook> = m.at.iter().zip(&m.v).map(look).collect();
        let (test, slope) = seasonal(&looks);
        let slope = slope.ok_or(NoTrend::SeasonUnknown)?;
        m.t.clear();
        m.t.extend(m.at.iter().map(|i| self.years[*i as usize]));
        let line = sen::line(&m.t, &m.v, slope).ok_or(NoTrend::TooFew)?;
        Ok(Trend { slope, intercept: line.intercept, test, looks: m.v.len() })
    }
}

/// Places from `first` on and values of what was observed; without a branch, for clouds come as they like.
fn observed(values: &[f64], first: usize, at: &mut Vec<u32>, v: &mut Vec<f64>) {
    let room = values.len() - first.min(values.len());
    at.clear();
    at.resize(room, 0);
    v.clear();
    v.resize(room, 0.0);
    let mut n = 0;
    for (i, x) in values.iter().enumerate().skip(first) {
        (at[n], v[n]) = (i as u32, *x);
        n += usize::from(x.is_finite());
    }
    at.truncate(n);
    v.truncate(n);
}
