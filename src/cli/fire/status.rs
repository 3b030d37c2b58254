//! `heshan fire status`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::super::args::Shared;
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use super::{local_day, offset};
use crate::error::{Lang, Result, Text};
use crate::jobs::fire::status::{StatusOptions, StatusSummary, run as job};

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Output of fire track
    #[arg(value_name = "TRACKS")]
    pub tracks: PathBuf,
    /// The day, e.g. 2026-06-30 [default: the last that the tracks hold]
    #[arg(long, value_name = "DAY")]
    pub date: Option<String>,
    /// First day of the curve [default: that of the first heat]
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Hours that local days are ahead of UTC
    #[arg(long, default_value_t = 8.0, value_name = "H", allow_hyphen_values = true)]
    pub utc_offset: f64,
    /// Output: .gpkg .gdb .fgb .shp .geojson .csv; workbook, curve and chart lie beside it
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
}

pub(super) fn run(a: &StatusArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        put(if shared.json { machine(&done) } else { human(&done, lang) }.as_bytes())?;
    }
    Ok(0)
}

fn options(a: &StatusArgs, shared: &Shared, lang: Lang) -> Result<StatusOptions> {
    Ok(StatusOptions {
        tracks: a.tracks.clone(),
        date: a.date.as_deref().map(local_day).transpose()?,
        from: a.from.as_deref().map(local_day).transpose()?,
        offset: offset(a.utc_offset)?,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })
}

/// Units shown on the terminal.
const SHOWN: usize = 10;

fn human(d: &StatusSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let e = &d.extinction;
    let days = |v: Option<f64>| {
        v.map_or_else(|| t("not reached", "未达到"), |v| t(&format!("{v:.1} days"), &format!("{v:.1} 天")))
    };
    let mut out = match (lang, d.today) {
        (_, None) => String::new(),
        (Lang::En, Some(n)) => format!(
            "{}: {} open (found {}, put out {}, come back {}); known industrial heat {}\n",
            d.date, n.open, n.found, n.out, n.relapsed, n.industrial
        ),
        (Lang::Zh, Some(n)) => format!(
            "{}:未销号 {} 处(新增 {},熄灭 {},复燃 {});已知工业热源 {}\n",
            d.date, n.open, n.found, n.out, n.relapsed, n.industrial
        ),
    };
    out += &match lang {
        Lang::En => format!(
            "went out {} times, {} open still; median time to extinction {} (of those out {}); came back {} times\n",
            e.out,
            e.open,
            days(e.median_days),
            days(e.median_out_days),
            e.relapsed
        ),
        Lang::Zh => format!(
            "熄灭 {} 次,尚未熄灭 {};熄灭时间中位数 {}(仅已熄灭者 {});复燃 {} 次\n",
            e.out,
            e.open,
            days(e.median_days),
            days(e.median_out_days),
            e.relapsed
        ),
    };
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("responsible unit", "责任单位"),
        t("open", "未销号"),
        t("longest (days)", "最长(天)"),
        t("out", "已熄灭"),
    ]);
    g.column_iter_mut().skip(1).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for u in d.units.iter().take(SHOWN) {
        let name = u.unit.clone().unwrap_or_else(|| t("(not known)", "(未知)"));
        let longest = u.longest_days.map_or_else(String::new, |v| format!("{v:.1}"));
        g.add_row([name, u.open.to_string(), longest, u.out.to_string()]);
    }
    out += &format!("{g}\n");
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &StatusSummary) -> String {
    let mut j = d.json();
    j["warnings"] = json!(d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>());
    j["files"] = json!(d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>());
    format!("{j}\n")
}
