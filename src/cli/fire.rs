//! `heshan fire …`.

mod import;
mod track;

use clap::{Args, Subcommand};

use super::Done;
use super::args::Shared;
use super::progress::Terminal;
use crate::error::{Error, Lang, Result};

#[derive(Debug, Args)]
pub(crate) struct FireArgs {
    #[command(subcommand)]
    pub verb: FireVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FireVerb {
    /// Take over detections of FIRMS and other layers of points, each once
    Import(Box<import::ImportArgs>),
    /// Make fires of detections, with states from looks that were seen
    Track(Box<track::TrackArgs>),
}

pub(super) fn run(a: &FireArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    match &a.verb {
        FireVerb::Import(a) => import::run(a, shared, lang, terminal),
        FireVerb::Track(a) => track::run(a, shared, lang, terminal),
    }
}

/// Seconds of a number of days.
fn seconds(flag: &str, days: f64) -> Result<i64> {
    if (0.0..=100_000.0).contains(&days) {
        return Ok((days * 86_400.0).round() as i64);
    }
    Err(Error::usage(format!("{flag} must lie between 0 and 100,000"), format!("{flag} 须在 0 与 100000 之间")))
}

/// The last second of a local day.
fn day_end(day: &str, offset_h: f64) -> Result<chrono::DateTime<chrono::Utc>> {
    let wrong = || {
        Error::usage(format!("“{day}” is no day"), format!("“{day}”不是有效的日期"))
            .remedy("write it as 2026-06-30", "请写作 2026-06-30")
    };
    let date = chrono::NaiveDate::parse_from_str(day.trim(), "%Y-%m-%d").map_err(|_| wrong())?;
    let end = date.and_hms_opt(23, 59, 59).ok_or_else(wrong)?;
    Ok(end.and_utc() - offset(offset_h)?)
}

fn offset(hours: f64) -> Result<chrono::Duration> {
    if (-14.0..=14.0).contains(&hours) {
        return Ok(chrono::Duration::seconds((hours * 3600.0).round() as i64));
    }
    Err(Error::usage("--utc-offset must lie between -14 and 14", "--utc-offset 须在 -14 与 14 之间"))
}
