//! `heshan report bulletin`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::args::Shared;
use super::super::args::ledger::WhichLedger;
use super::super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::ledger::parse_day;
use crate::jobs::report::bulletin::{BulletinOptions, days_of, paragraphs, run as bulletin_job};

#[derive(Debug, Args)]
pub(crate) struct BulletinArgs {
    #[command(flatten)]
    pub ledger: WhichLedger,
    /// Month (2026-11), quarter (2026Q4) or year (2026)
    #[arg(long, value_name = "PERIOD", required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    pub period: Option<String>,
    /// First day, with --to
    #[arg(long, value_name = "DATE", requires = "to")]
    pub from: Option<String>,
    /// Last day, with --from
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<String>,
    /// Output: .html .docx .xlsx .pdf; may be given several times
    #[arg(long, short, required = true, value_name = "OUT")]
    pub output: Vec<PathBuf>,
}

pub(super) fn run(a: &BulletinArgs, shared: &Shared, lang: Lang) -> Done {
    let day = |t: &String| -> Result<_> {
        parse_day(t).ok_or_else(|| {
            Error::usage(format!("“{t}” is no date: 2026-11-25"), format!("“{t}”不是日期,应写作 2026-11-25"))
        })
    };
    let (from, to) = match (&a.period, &a.from, &a.to) {
        (Some(p), ..) => days_of(p)?,
        (None, Some(f), Some(t)) => (day(f)?, day(t)?),
        _ => return Err(Error::usage("the period is missing", "缺少统计期")),
    };
    let done = bulletin_job(&BulletinOptions {
        ledger: super::super::ledger::located(&a.ledger),
        from,
        to,
        outputs: a.output.clone(),
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })?;
    say::notes(&done.notes, shared, lang);
    let files: Vec<String> = done.files.iter().map(|f| f.display().to_string()).collect();
    if shared.json {
        let f = &done.flow;
        let j = json!({
            "from": from.to_string(), "to": to.to_string(), "found": done.found, "open_before": f.open_before,
            "opened": f.opened, "relapsed": f.relapsed, "reopened": f.reopened, "rectified": f.rectified,
            "closed": f.closed, "dismissed": f.dismissed, "open_after": f.open_after, "overdue": done.overdue,
            "files": files,
        });
        return put(format!("{j}\n").as_bytes());
    }
    if shared.quiet {
        return Ok(0);
    }
    let mut out = format!("{}\n", done.document.title.in_lang(lang));
    paragraphs(&done.document, lang).iter().for_each(|p| out += &format!("{p}\n"));
    out += Text::new("written:\n", "已写出:\n").in_lang(lang);
    files.iter().for_each(|f| out += &format!("  {f}\n"));
    put(out.as_bytes())
}
