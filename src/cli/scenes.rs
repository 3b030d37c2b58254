//! `heshan scenes`.

use comfy_table::{Table as Grid, presets};
use serde_json::json;

use super::args::{ScenesArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, say};
use crate::error::{Lang, Text};
use crate::jobs::parse_bands;
use crate::jobs::scenes::{ScenesOptions, ScenesSummary, run as job};

pub(super) fn run(a: &ScenesArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = ScenesOptions {
        dir: a.dir.clone(),
        bands: parse_bands(&a.bands)?,
        output: a.output.clone(),
        overwrite: shared.overwrite,
    };
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        put(if shared.json { machine(&done) } else { human(&done, lang) }.as_bytes())?;
    }
    Ok(u8::from(!done.left_out.is_empty() && !shared.allow_skipped))
}

fn human(d: &ScenesSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("scene", "影像"),
        t("taken", "时间"),
        t("platform", "平台"),
        t("bands", "波段"),
        t("mask", "掩膜"),
    ]);
    for s in &d.scenes {
        g.add_row([
            s.id.clone(),
            s.datetime.map_or_else(|| "–".into(), |d| d.format("%Y-%m-%d %H:%M").to_string()),
            format!("{} {}", s.sensor.platform, s.sensor.level),
            s.assets.iter().map(|a| a.role.as_str()).collect::<Vec<_>>().join(" "),
            s.mask.as_str().to_owned(),
        ]);
    }
    let mut out = format!("{g}\n");
    for (p, why) in &d.left_out {
        out += &format!("{} {}: {}\n", t("left out", "未列入"), p.display(), why.in_lang(lang));
    }
    out + &format!("{}  {}\n", t("written:\n", "已写出:\n"), d.file.display())
}

fn machine(d: &ScenesSummary) -> String {
    let scenes: Vec<_> =
        d.scenes.iter().map(|s| json!({"id": s.id, "datetime": s.datetime.map(|t| t.to_rfc3339())})).collect();
    let out: Vec<_> = d.left_out.iter().map(|(p, t)| json!({"path": p.display().to_string(), "why": t.en})).collect();
    format!("{}\n", json!({"scenes": scenes, "left_out": out, "file": d.file.display().to_string()}))
}
