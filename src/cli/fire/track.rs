//! `heshan fire track`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::super::args::{ReadArgs, Shared};
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use super::{day_end, seconds};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::fire::track::{RepeatOptions, TrackJob, TrackOptions, TrackSummary, naming, run as job};
use crate::jobs::fire::{FireDefaults, parse_field, satellite};

#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// Stores of fire import, or other layers of detections, FILE or FILE#layer
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Looks: polygons that a satellite looked at, with time and satellite (and `look_id`, `pixel_m`)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub looks: Vec<String>,
    /// Clouds: polygons that hid the ground, with the `look_id` or time and satellite of their look
    #[arg(long, num_args = 1.., requires = "looks", value_name = "FILE")]
    pub clouds: Vec<String>,
    /// Sites that fires lie in, FILE or FILE#layer
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub sites: Vec<String>,
    /// Rivers that distances are measured to
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub rivers: Vec<String>,
    /// Areas of known industrial heat (coking plants, power stations, kilns): fires in them are flagged
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub heat_mask: Vec<String>,
    /// Clear looks without heat after which a fire is out
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub out_looks: usize,
    /// Touching pixels within so many days are one fire
    #[arg(long, default_value_t = 10.0, value_name = "DAYS")]
    pub gap_days: f64,
    /// Heat at the same place within so many days is the same fire come back
    #[arg(long, default_value_t = 730.0, value_name = "DAYS")]
    pub relapse_days: f64,
    /// Metres added to the reach of pixels, for errors of geolocation
    #[arg(long, default_value_t = 15.0, value_name = "M")]
    pub tolerance: f64,
    /// Satellites that pass within so many minutes see one pass; 0 merges none
    #[arg(long, default_value_t = 60, value_name = "MIN", value_parser = clap::value_parser!(i64).range(0..=1440))]
    pub pass_minutes: i64,
    /// Look at nothing after this day, e.g. 2026-06-30 [default: all]
    #[arg(long, value_name = "DAY")]
    pub date: Option<String>,
    /// Hours that local days are ahead of UTC
    #[arg(long, default_value_t = 8.0, value_name = "H", allow_hyphen_values = true)]
    pub utc_offset: f64,
    /// Which field of detections and looks means what, e.g. date=日期
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Which field of sites means what, e.g. responsible_unit=责任主体
    #[arg(long = "site-field", value_name = "ROLE=FIELD")]
    pub site_fields: Vec<String>,
    /// Satellite of layers without such a field
    #[arg(long, value_name = "NAME")]
    pub satellite: Option<String>,
    /// Carry on with the fires of the output where it exists: former identifiers are kept as aliases
    #[arg(long)]
    pub update: bool,
    /// Output: .gpkg (or .gdb)
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &TrackArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        put(if shared.json { machine(&done) } else { human(&done, lang) }.as_bytes())?;
    }
    Ok(u8::from(done.notes.unused() > 0 && !shared.allow_skipped))
}

fn options(a: &TrackArgs, shared: &Shared, lang: Lang) -> Result<TrackJob> {
    let (gap_s, relapse_s) = (seconds("--gap-days", a.gap_days)?, seconds("--relapse-days", a.relapse_days)?);
    if relapse_s < gap_s {
        return Err(Error::usage("--relapse-days lies below --gap-days", "--relapse-days 小于 --gap-days"));
    }
    if !(0.0..=100_000.0).contains(&a.tolerance) {
        return Err(Error::usage("--tolerance must be 0 or more", "--tolerance 不得小于 0"));
    }
    let mut track = TrackOptions::default();
    (track.link.gap_s, track.link.relapse_s, track.link.tolerance_m) = (gap_s, relapse_s, a.tolerance);
    (track.state.out_looks, track.state.place_s) = (a.out_looks, gap_s);
    let fields = a.fields.iter().map(|f| parse_field(f)).collect::<Result<_>>()?;
    let until: Option<DateTime<Utc>> = a.date.as_deref().map(|d| day_end(d, a.utc_offset)).transpose()?;
    Ok(TrackJob {
        inputs: a.files.clone(),
        looks: a.looks.clone(),
        clouds: a.clouds.clone(),
        sites: a.sites.clone(),
        naming: naming(&a.site_fields)?,
        rivers: a.rivers.clone(),
        heat_masks: a.heat_mask.clone(),
        input: a.read.options()?,
        defaults: FireDefaults { fields, satellite: a.satellite.as_deref().map(satellite), pixel_m: None },
        repeats: RepeatOptions { pass_s: a.pass_minutes * 60, ..RepeatOptions::default() },
        track,
        until,
        update: a.update,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        strict: shared.strict,
        lang,
        time: run_time()?,
    })
}

fn human(d: &TrackSummary, lang: Lang) -> String {
    let mut out = match lang {
        Lang::En => format!("detections: {}, looks: {}, fires: {}\n", d.detections, d.looks, d.tracks),
        Lang::Zh => format!("火点 {} 个,观测 {} 次,火情 {} 处\n", d.detections, d.looks, d.tracks),
    };
    for (s, n) in &d.states {
        let name = Text::new(s.as_str().replace('_', " "), s.zh());
        out += &format!("  {}: {n}\n", name.in_lang(lang));
    }
    out += &match lang {
        Lang::En => format!("  known industrial heat (not counted above): {}\n", d.industrial),
        Lang::Zh => format!("  已知工业热源(未计入以上):{}\n", d.industrial),
    };
    for (f, n) in d.fates.iter().filter(|f| f.1 > 0) {
        out += &match lang {
            Lang::En => format!("identifiers {}: {n}\n", f.as_str()),
            Lang::Zh => format!("编号变更({}):{n}\n", f.zh()),
        };
    }
    out += &match lang {
        Lang::En => format!("as of {} UTC\nwritten:\n", d.until.format("%Y-%m-%d %H:%M")),
        Lang::Zh => format!("截至 {} UTC\n已写出:\n", d.until.format("%Y-%m-%d %H:%M")),
    };
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &TrackSummary) -> String {
    let states: serde_json::Map<String, serde_json::Value> =
        d.states.iter().map(|(s, n)| (s.as_str().to_owned(), json!(n))).collect();
    let fates: serde_json::Map<String, serde_json::Value> =
        d.fates.iter().map(|(f, n)| (f.as_str().to_owned(), json!(n))).collect();
    let j = json!({
        "detections": d.detections,
        "looks": d.looks,
        "tracks": d.tracks,
        "states": states,
        "industrial": d.industrial,
        "identifiers": fates,
        "until": d.until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "skipped": d.notes.unused(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
