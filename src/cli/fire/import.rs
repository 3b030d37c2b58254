//! `heshan fire import`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::args::{ReadArgs, Shared};
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result};
use crate::jobs::fire::import::{ImportOptions, ImportSummary, RepeatOptions, run as job};
use crate::jobs::fire::{FireDefaults, parse_field, satellite};

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Detections: FIRMS CSV or shapefile, or any layer of points, FILE or FILE#layer
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Which field means what, e.g. date=日期 (date, time, datetime, satellite, instrument, confidence, brightness,
    /// brightness_11, delta_t, frp, scan, track, daynight, type, version, method)
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Satellite of layers without such a field
    #[arg(long, value_name = "NAME")]
    pub satellite: Option<String>,
    /// Side of the pixels in metres, of layers that do not tell it [default: that of the instrument]
    #[arg(long, value_name = "M")]
    pub pixel: Option<f64>,
    /// Satellites that pass within so many minutes see one pass; 0 merges none
    #[arg(long, default_value_t = 60, value_name = "MIN", value_parser = clap::value_parser!(i64).range(0..=1440))]
    pub pass_minutes: i64,
    /// Add to the output where it exists
    #[arg(long)]
    pub update: bool,
    /// Output: .gpkg .fgb .shp .geojson .csv .gdb
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &ImportArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &ImportArgs, shared: &Shared, lang: Lang) -> Result<ImportOptions> {
    if a.pixel.is_some_and(|p| !p.is_finite() || p <= 0.0) {
        return Err(Error::usage("--pixel must be above 0", "--pixel 须大于 0"));
    }
    let fields = a.fields.iter().map(|f| parse_field(f)).collect::<Result<_>>()?;
    Ok(ImportOptions {
        inputs: a.files.clone(),
        input: a.read.options()?,
        defaults: FireDefaults { fields, satellite: a.satellite.as_deref().map(satellite), pixel_m: a.pixel },
        repeats: RepeatOptions { pass_s: a.pass_minutes * 60, ..RepeatOptions::default() },
        update: a.update,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        strict: shared.strict,
        lang,
        time: run_time()?,
    })
}

fn human(d: &ImportSummary, lang: Lang) -> String {
    let r = &d.repeats;
    let mut out = match lang {
        Lang::En => format!(
            "rows read: {}; in the store before: {}; new: {}\ndetections: {}, used: {} (delivered again by the archive: {}, by another satellite of the pass: {})\nrows delivered twice: {}\n",
            d.rows, d.stored, d.added, d.detections, d.used, r.archive, r.pass, r.same
        ),
        Lang::Zh => format!(
            "读取 {} 行;库中原有 {};新增 {}\n火点 {} 个,采用 {} 个(归档数据替代 {},同次过境重复 {})\n重复送达的行:{}\n",
            d.rows, d.stored, d.added, d.detections, d.used, r.archive, r.pass, r.same
        ),
    };
    if let Some([a, b]) = d.span {
        out += &format!("{} … {} UTC\n", a.format("%Y-%m-%d %H:%M"), b.format("%Y-%m-%d %H:%M"));
    }
    for (s, n) in &d.satellites {
        out += &format!("  {s}: {n}\n");
    }
    out += match lang {
        Lang::En => "written:\n",
        Lang::Zh => "已写出:\n",
    };
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &ImportSummary) -> String {
    let satellites: serde_json::Map<String, serde_json::Value> =
        d.satellites.iter().map(|(s, n)| (s.clone(), json!(n))).collect();
    let mut reasons = std::collections::BTreeMap::<&str, usize>::new();
    d.notes.skipped.iter().for_each(|s| *reasons.entry(s.reason.code).or_default() += 1);
    let j = json!({
        "rows": d.rows,
        "stored_before": d.stored,
        "added": d.added,
        "detections": d.detections,
        "used": d.used,
        "repeats": {"same": d.repeats.same, "archive": d.repeats.archive, "pass": d.repeats.pass},
        "span": d.span.map(|s| s.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))),
        "satellites": satellites,
        "skipped": d.notes.unused(),
        "reasons": reasons,
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
