//! Warnings and notes on standard error.

use super::args::{LogFormat, Shared};
use crate::error::{Lang, Text, without_password};
use crate::jobs::Notes;
use crate::jobs::screen::Timings;

/// Notes said without being asked for more (`-v`).
const FEW: usize = 10;

/// What a job inferred, repaired or set aside.
pub(super) fn notes(n: &Notes, shared: &Shared, lang: Lang) {
    if shared.quiet {
        return;
    }
    for w in &n.warnings {
        line("warning", &Text::new("note", "提示"), w.in_lang(lang), shared, lang);
    }
    let shown = if shared.verbose { n.skipped.len() } else { FEW };
    // what could not be used comes first
    let mut list: Vec<_> = n.skipped.iter().collect();
    list.sort_by_key(|s| s.repaired);
    for s in list.iter().take(shown) {
        let state = match s.state().as_str() {
            "skipped" => Text::new("skipped", "跳过"),
            "repaired" => Text::new("repaired", "修复"),
            _ => Text::new("note", "提示"),
        };
        let id = s.id.as_ref().map(|i| format!(" [{i}]")).unwrap_or_default();
        let text = format!(
            "{}#{} {}{id}: {}",
            without_password(&s.file.to_string_lossy()),
            s.layer,
            s.fid,
            s.reason.text.in_lang(lang)
        );
        line(s.state().as_str(), &state, &text, shared, lang);
    }
    if list.len() > shown {
        let more = list.len() - shown;
        let t = Text::new(format!("… and {more} more (-v lists them all)"), format!("…… 另有 {more} 条(-v 全部列出)"));
        line("note", &Text::new("note", "提示"), t.in_lang(lang), shared, lang);
    }
}

/// Where the time of a screening went.
pub(super) fn line_of_timings(t: &Timings, shared: &Shared, lang: Lang) {
    let text = Text::new(
        format!(
            "seconds: rivers and index {:.2}, reading {:.2}, screening {:.2} (work of all threads: preparing {:.2}, deciding {:.2}), writing {:.2}",
            t.index, t.read, t.screen, t.prepare_work, t.decide_work, t.write
        ),
        format!(
            "用时(秒):河流与索引 {:.2},读取 {:.2},筛查 {:.2}(各线程合计:准备 {:.2},判定 {:.2}),写出 {:.2}",
            t.index, t.read, t.screen, t.prepare_work, t.decide_work, t.write
        ),
    );
    line("note", &Text::new("timings", "用时"), text.in_lang(lang), shared, lang);
}

fn line(level: &str, word: &Text, text: &str, shared: &Shared, lang: Lang) {
    if shared.log_format == LogFormat::Json {
        eprintln!("{}", serde_json::json!({"level": level, "message": text}));
    } else {
        eprintln!("{}: {text}", word.in_lang(lang));
    }
}
