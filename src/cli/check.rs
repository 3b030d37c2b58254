//! `heshan check`.

use serde_json::json;

use super::args::{CheckArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Text};
use crate::jobs::check::{CheckOptions, CheckReport, LayerCheck, run as job};
use crate::jobs::screen::naming;

pub(super) fn run(a: &CheckArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = CheckOptions {
        files: a.files.clone(),
        repair: a.repair.clone(),
        input: a.read.options()?,
        naming: naming(&a.fields, &[])?,
        overwrite: shared.overwrite,
        out_encoding: a.out_encoding.clone(),
        lang,
        time: run_time()?,
    };
    let report = job(&options, terminal);
    terminal.finish();
    let report = report?;
    if a.repair.is_some() {
        say::notes(&report.notes, shared, lang);
    }
    let text = if shared.json {
        machine(&report)
    } else {
        report.layers.iter().map(|l| human(l, shared.verbose, lang)).collect()
    };
    if shared.json || !shared.quiet {
        put(text.as_bytes())?;
        if !shared.json {
            let files: String = report.files.iter().map(|f| format!("  {}\n", f.display())).collect();
            if !files.is_empty() {
                let head = Text::new("written:\n", "已写出:\n");
                put(format!("{}{files}", head.in_lang(lang)).as_bytes())?;
            }
        }
    }
    let unusable: usize = report.layers.iter().map(|l| l.unusable).sum();
    let repairable: usize = report.layers.iter().map(|l| l.repairable).sum();
    let no_crs = report.layers.iter().filter(|l| l.crs.is_none()).count();
    if shared.strict && unusable + repairable + no_crs > 0 {
        return Err(Error::input(
            format!(
                "--strict: {repairable} feature(s) need repair, {unusable} cannot be used, {no_crs} layer(s) have no CRS"
            ),
            format!("--strict:{repairable} 个要素需要修复,{unusable} 个无法使用,{no_crs} 个图层没有坐标系"),
        ));
    }
    Ok(u8::from(unusable > 0 && !shared.allow_skipped))
}

fn human(l: &LayerCheck, verbose: bool, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let sep = t(": ", ":");
    let mut out = format!("{}#{}\n", l.info.source.display(), l.info.name);
    let mut line = |name: String, value: String| out += &format!("  {name}{sep}{value}\n");
    line(t("format", "格式"), l.info.format.clone());
    if let Some(e) = &l.info.encoding {
        line(t("encoding", "编码"), e.clone());
    }
    let none = t("none; name it with --crs", "无;请用 --crs 指明");
    line(t("CRS", "坐标系"), l.crs.as_ref().map_or(none, crate::jobs::ResolvedCrs::label));
    let types: Vec<String> = l.types.iter().map(|(k, n)| format!("{k} {n}")).collect();
    line(t("features", "要素"), format!("{} ({})", l.count, types.join(", ")));
    if let Some([a, b, c, d]) = l.bounds {
        line(t("extent", "范围"), format!("{a} {b} … {c} {d}"));
    }
    let fields: Vec<String> = l.info.schema.fields.iter().map(|f| format!("{} {:?}", f.name, f.ty)).collect();
    line(t("fields", "字段"), fields.join(", "));
    for w in &l.warnings {
        line(t("note", "提示"), w.in_lang(lang).to_owned());
    }
    if l.faults.is_empty() {
        line(t("faults", "问题"), t("none", "无"));
        return out;
    }
    line(
        t("faults", "问题"),
        match lang {
            Lang::En => {
                format!("{} ({} features can be mended, {} cannot be used)", l.faults.len(), l.repairable, l.unusable)
            }
            Lang::Zh => format!("{} 处({} 个要素可修复,{} 个无法使用)", l.faults.len(), l.repairable, l.unusable),
        },
    );
    for (code, text, n, features, first) in l.by_reason() {
        let counts = match lang {
            Lang::En => format!("{n} in {features} feature(s), the first in feature {first}"),
            Lang::Zh => format!("{n} 处,涉及 {features} 个要素,首见于要素 {first}"),
        };
        out += &format!("    {code}{sep}{}{}{counts}\n", text.in_lang(lang), t("; ", ";"));
    }
    let shown = if verbose { l.faults.len() } else { 20 };
    for f in l.faults.iter().take(shown) {
        let id = f.id.as_ref().map(|i| format!(" [{i}]")).unwrap_or_default();
        let at = f.at.map(|[x, y]| format!(" ({x}, {y})")).unwrap_or_default();
        out += &format!("    {} {}{id} {}{at}\n", t("feature", "要素"), f.fid, f.code);
    }
    if l.faults.len() > shown {
        out += &format!("    {}\n", t("… (-v lists all)", "……(-v 全部列出)"));
    }
    out
}

fn machine(r: &CheckReport) -> String {
    let layers: Vec<_> = r
        .layers
        .iter()
        .map(|l| {
            let faults: Vec<_> = l
                .faults
                .iter()
                .map(|f| json!({"feature": f.fid, "id": f.id, "reason": f.code, "text": f.text.en, "at": f.at}))
                .collect();
            let fields: Vec<_> =
                l.info.schema.fields.iter().map(|f| json!({"name": f.name, "type": format!("{:?}", f.ty)})).collect();
            json!({
                "file": l.info.source.display().to_string(),
                "layer": l.info.name,
                "format": l.info.format,
                "encoding": l.info.encoding,
                "crs": l.crs.as_ref().map(|c| json!({"code": c.code, "name": c.name, "datum": c.datum_name})),
                "features": l.count,
                "types": l.types,
                "bounds": l.bounds,
                "fields": fields,
                "faults": faults,
                "repairable": l.repairable,
                "unusable": l.unusable,
                "warnings": l.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let files: Vec<String> = r.files.iter().map(|f| f.display().to_string()).collect();
    format!("{}\n", json!({"layers": layers, "files": files}))
}
