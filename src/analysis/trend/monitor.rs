//! Break monitoring: a season-trend model is fitted to a stable history, and what it does not explain afterwards is summed
//! until the sum crosses a boundary.
//!
//! MOSUM as R's `bfastmonitor` (Verbesselt, Zeileis & Herold 2012, with `strucchange`'s OLS-MOSUM of Zeileis et al. 2005),
//! CUSUM (Chu, Stinchcombe & White 1996) and EWMA charts (Brooks et al. 2014). [`Convention`] tells where the Python package
//! `nrt` 0.3 differs from R.

use super::harmonic::{Design, Fit, Model};
use super::roc::stable_from;
use super::sen::median;
use super::{critical, observed};
use crate::error::Result;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Process {
    /// The residuals of a moving window, as long as this share of the history (0.25, 0.5 or 1).
    Mosum {
        /// Share of the history.
        h: f64,
        /// Length of the longest monitoring, in lengths of the history (2, 4, 6, 8 or 10): decides the critical value.
        period: u32,
    },
    /// All residuals since the history began.
    Cusum,
    /// An exponentially weighted mean of the residuals; the history is freed of outliers first (Shewhart, 5 σ).
    Ewma {
        /// Weight of the newest residual, 0 to 1.
        lambda: f64,
        /// Boundary in standard deviations of the mean.
        limit: f64,
        /// Residuals beyond so many σ are taken for clouds and left out.
        outlier: f64,
    },
}

/// Which part of the looks before the start is the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// All of them.
    All,
    /// From the last change on that a recursive CUSUM of the looks in reversed order finds (`ROC`).
    Roc,
    /// Those from a day on.
    From(i32),
}

/// Whose details are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// R: `bfastmonitor` and `strucchange`.
    #[default]
    R,
    /// `nrt` 0.3: residuals of the history enter the sums with their sign turned (model minus look, while monitored looks
    /// enter as look minus model); fitted numbers are rounded to single precision; the recursive CUSUM begins one look
    /// later; pixels whose stable history is shorter than 183 days are not monitored, and where it is shorter than the
    /// history the model is fitted to it but the residuals of the whole history are summed and scaled by.
    Nrt,
}

/// Options of [`Monitor`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonitorOptions {
    /// The model of the history.
    pub model: Model,
    /// What is summed.
    pub process: Process,
    /// The history.
    pub history: History,
    /// First day that is monitored, days since 1970-01-01.
    pub start: i32,
    /// Level of the boundary, and of `ROC`: 0.001 to 0.05.
    pub level: f64,
    /// Details.
    pub convention: Convention,
}

impl MonitorOptions {
    /// `bfastmonitor`'s defaults (`bfastmonitor` fits a trend and keeps only the stable history by ROC unless told
    /// otherwise), from a first day on.
    pub fn from(start: i32) -> Self {
        Self {
            model: Model { trend: true, order: 3 },
            process: Process::Mosum { h: 0.25, period: 10 },
            history: History::Roc,
            start,
            level: 0.05,
            convention: Convention::R,
        }
    }
}

/// What monitoring found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Monitored {
    /// First day of the history that was used.
    pub history_start: i32,
    /// Looks of the history.
    pub history_looks: usize,
    /// Looks since the start.
    pub looks: usize,
    /// The day on which the process crossed its boundary (`breakpoint` of bfastmonitor, `detection_date` of nrt).
    pub detected_day: Option<i32>,
    /// The first look of the new course: of all looks up to the crossing, the one from which on a shift of the mean
    /// explains the residuals best (Hinkley 1970, for a known mean of zero before).
    pub break_day: Option<i32>,
    /// Median of look minus model since the start.
    pub magnitude: f64,
    /// The process at the break, or at the last look.
    pub process: f64,
    /// Standard deviation of the history's residuals.
    pub sigma: f64,
}

/// Why a series was not monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMonitored {
    /// Not one look.
    NotObserved,
    /// Fewer looks in the history than one and a half times the numbers of the model, or a window of none.
    ShortHistory,
    /// The looks of the history do not determine the model.
    SeasonUnknown,
    /// Too little of the history is stable, or it crosses the boundary itself.
    UnstableHistory,
    /// No look since the start.
    NoLookSince,
}

/// Monitors series whose looks fall on dates of one stack.
#[derive(Debug, Clone)]
pub struct Monitor {
    days: Vec<i32>,
    design: Design,
    options: MonitorOptions,
    critical: f64,
    critical_roc: f64,
}

/// Memory of one series, kept from one to the next.
#[derive(Debug, Default)]
pub struct MonitorScratch {
    at: Vec<u32>,
    v: Vec<f64>,
    residuals: Vec<f64>,
    since: Vec<f64>,
}

impl Monitor {
    /// For the dates of a stack (days since 1970-01-01, ascending).
    ///
    /// # Errors
    /// `Usage` where no critical value is known for the options.
    pub fn new(days: &[i32], options: MonitorOptions) -> Result<Self> {
        let critical = match options.process {
            Process::Mosum { h, period } => critical::mosum(h, period, options.level)?,
            Process::Cusum => critical::cusum(options.level),
            Process::Ewma { lambda, limit, .. } => limit * (lambda / (2.0 - lambda)).sqrt(),
        };
        let design = Design::new(options.model, days);
        let critical_roc = critical::recursive(options.level);
        Ok(Self { days: days.to_vec(), design, options, critical, critical_roc })
    }

    /// Monitors one series: one value a date, NaN where it was not observed.
    ///
    /// # Errors
    /// Why it cannot be monitored.
    pub fn of(&self, values: &[f64], m: &mut MonitorScratch) -> std::result::Result<Monitored, NotMonitored> {
        let o = &self.options;
        let begin = if let History::From(day) = o.history { day } else { i32::MIN };
        // days ascend
        let first = self.days.partition_point(|d| *d < begin).min(values.len());
        observed(values, first, &mut m.at, &mut m.v);
        if m.at.is_empty() {
            return Err(NotMonitored::NotObserved);
        }
        let split = m.at.partition_point(|i| self.days[*i as usize] < o.start);
        let p = o.model.parameters();
        if (split as f64) < 1.5 * p as f64 {
            return Err(NotMonitored::ShortHistory);
        }
        if split == m.at.len() {
            return Err(NotMonitored::NoLookSince);
        }
        let split = self.screened(m, split)?;
        let from = match o.history {
            History::Roc => self.stable(m, split)?,
            _ => 0,
        };
        let (past, now) = (from..split, split..m.at.len());
        let fit = self.design.fit(&m.at[past.clone()], &m.v[past.clone()]).ok_or(NotMonitored::SeasonUnknown)?;
        let (past, fit) = match o.convention {
            Convention::R => (past, fit),
            Convention::Nrt => (0..split, fit.single()),
        };
        self.residuals(&fit, &m.at[past.clone()], &m.v[past.clone()], &mut m.residuals);
        self.residuals(&fit, &m.at[now.clone()], &m.v[now], &mut m.since);
        let sigma = self.sigma(&m.residuals);
        let (crossed, process) = self.run(&m.residuals, &m.since, sigma)?;
        Ok(Monitored {
            history_start: self.days[m.at[from] as usize],
            history_looks: past.len(),
            looks: m.since.len(),
            detected_day: crossed.map(|k| self.days[m.at[split + k] as usize]),
            break_day: crossed.map(|k| self.days[m.at[split + onset(&m.since[..=k])] as usize]),
            magnitude: median(&mut m.since).unwrap_or(f64::NAN),
            process,
            sigma,
        })
    }

    /// Look minus model.
    fn residuals(&self, fit: &Fit, at: &[u32], v: &[f64], out: &mut Vec<f64>) {
        self.design.values(fit, at, out);
        out.iter_mut().zip(v).for_each(|(o, v)| *o = v - *o);
    }

    /// EWMA: takes outliers of the history out (Shewhart chart at 5 σ); answers where the history ends then.
    fn screened(&self, m: &mut MonitorScratch, split: usize) -> std::result::Result<usize, NotMonitored> {
        if !matches!(self.options.process, Process::Ewma { .. }) {
            return Ok(split);
        }
        let fit = self.design.fit(&m.at[..split], &m.v[..split]).ok_or(NotMonitored::SeasonUnknown)?;
        self.residuals(&fit, &m.at[..split], &m.v[..split], &mut m.residuals);
        let limit = 5.0 * deviation(&m.residuals, 0);
        let mut kept = 0;
        for k in 0..m.at.len() {
            if k >= split || m.residuals[k].abs() <= limit {
                (m.at[kept], m.v[kept]) = (m.at[k], m.v[k]);
                kept += 1;
            }
        }
        let gone = m.at.len() - kept;
        m.at.truncate(kept);
        m.v.truncate(kept);
        let left = split - gone;
        if (left as f64) < 1.5 * self.options.model.parameters() as f64 {
            return Err(NotMonitored::ShortHistory);
        }
        Ok(left)
    }

    fn stable(&self, m: &MonitorScratch, split: usize) -> std::result::Result<usize, NotMonitored> {
        let o = &self.options;
        let nrt = o.convention == Convention::Nrt;
        let rows: Vec<&[f64]> = m.at[..split].iter().map(|i| self.design.row(*i as usize)).collect();
        let from = stable_from(&rows, &m.v[..split], o.level, self.critical_roc, nrt);
        let p = o.model.parameters();
        let first = m.at.get(from).filter(|_| from < split).map(|i| self.days[*i as usize]);
        let last = self.days[m.at[split - 1] as usize];
        let enough = split.saturating_sub(from) > p && first.is_some_and(|f| !nrt || last - f >= 183);
        if enough { Ok(from) } else { Err(NotMonitored::UnstableHistory) }
    }

    fn sigma(&self, residuals: &[f64]) -> f64 {
        match self.options.process {
            Process::Ewma { .. } => deviation(residuals, 0),
            _ => deviation(residuals, self.options.model.parameters()),
        }
    }

    /// Where the process first crosses its boundary among the looks since the start, and its value there or at the end.
    fn run(&self, past: &[f64], now: &[f64], sigma: f64) -> std::result::Result<(Option<usize>, f64), NotMonitored> {
        let sign = if self.options.convention == Convention::Nrt { -1.0 } else { 1.0 };
        let n = past.len() as f64;
        let unit = 1.0 / (sigma * n.sqrt());
        match self.options.process {
            Process::Mosum { h, .. } => {
                let width = (n * h).floor() as usize;
                if width == 0 {
                    return Err(NotMonitored::ShortHistory);
                }
                let mut window: Vec<f64> = past[past.len() - width..].iter().map(|r| sign * r * unit).collect();
                let (mut oldest, level) = (0, self.critical * 2.0f64.sqrt());
                Ok(first_crossing(now, |k, r| {
                    window[oldest] = r * unit;
                    oldest = if oldest + 1 == width { 0 } else { oldest + 1 };
                    let x = (n + k as f64 + 1.0) / n;
                    let bound = if x > std::f64::consts::E { self.critical * (2.0 * x.ln()).sqrt() } else { level };
                    (window.iter().sum(), bound)
                }))
            }
            Process::Cusum => {
                let mut sum: f64 = past.iter().map(|r| sign * r * unit).sum();
                Ok(first_crossing(now, |k, r| {
                    sum += r * unit;
                    let x = (n + k as f64 + 1.0) / n;
                    (sum, (x * (x - 1.0) * (self.critical * self.critical + (x / (x - 1.0)).ln())).sqrt())
                }))
            }
            Process::Ewma { lambda, outlier, .. } => {
                let bound = self.critical * sigma;
                let mut mean = past.iter().fold(0.0, |m, r| (1.0 - lambda) * m + lambda * sign * r);
                let crossed =
                    if self.options.convention == Convention::Nrt { mean > bound } else { mean.abs() > bound };
                if crossed {
                    return Err(NotMonitored::UnstableHistory);
                }
                Ok(first_crossing(now, |_, r| {
                    if r.abs() <= outlier * sigma {
                        mean = (1.0 - lambda) * mean + lambda * r;
                        (mean, bound)
                    } else {
                        (mean, f64::INFINITY)
                    }
                }))
            }
        }
    }
}

/// Runs a process over looks until it reaches its boundary.
fn first_crossing(now: &[f64], mut step: impl FnMut(usize, f64) -> (f64, f64)) -> (Option<usize>, f64) {
    let mut last = f64::NAN;
    for (k, r) in now.iter().enumerate() {
        let (value, bound) = step(k, *r);
        last = value;
        if value.abs() >= bound {
            return (Some(k), value);
        }
    }
    (None, last)
}

/// The place from which on a shift of the mean explains most: the largest (Σ e)² / n of all ends of the series.
fn onset(e: &[f64]) -> usize {
    let (mut sum, mut best) = (0.0, (0.0, e.len().saturating_sub(1)));
    for (n, i) in (1..).zip((0..e.len()).rev()) {
        sum += e[i];
        let explained = sum * sum / f64::from(n);
        if explained > best.0 {
            best = (explained, i);
        }
    }
    best.1
}

/// Standard deviation with `used` degrees of freedom taken off.
fn deviation(x: &[f64], used: usize) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - used as f64)).sqrt()
}
