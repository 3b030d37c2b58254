//! `heshan screen`.

use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::args::{ListsArg, MetricArg, ScreenArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::screen::{Lists, ScreenOptions, ScreenSummary, naming, run as job, score};

pub(super) fn run(a: &ScreenArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.verbose {
        say::line_of_timings(&done.timings, shared, lang);
    }
    let text = if shared.json { json_summary(&done) } else { human(&done, lang) };
    if shared.json || !shared.quiet {
        put(text.as_bytes())?;
    }
    Ok(u8::from(done.notes.unused() > 0 && !shared.allow_skipped))
}

fn options(a: &ScreenArgs, shared: &Shared, lang: Lang) -> Result<ScreenOptions> {
    let outlet = match a.outlet.as_slice() {
        [] => None,
        [x, y] => Some([*x, *y]),
        _ => return Err(Error::usage("--outlet takes LON,LAT", "--outlet 须为 经度,纬度")),
    };
    let mut o = ScreenOptions::new(a.rivers.clone(), a.sites.clone(), &a.output);
    o.zones.clone_from(&a.zones);
    o.distances.clone_from(&a.distance);
    o.metric = match a.metric {
        MetricArg::Geodesic => crate::jobs::screen::Metric::Geodesic,
        MetricArg::Planar => crate::jobs::screen::Metric::Planar,
    };
    o.outlet = outlet;
    o.bridge_m = a.bridge;
    o.naming = naming(&a.fields, &a.kinds)?;
    o.score = score(&a.score)?;
    o.layers.clone_from(&a.layers);
    o.lists = match a.lists {
        ListsArg::All => Lists::All,
        ListsArg::Corridor => Lists::Corridor,
        ListsArg::None => Lists::None,
    };
    o.out_crs.clone_from(&a.out_crs);
    o.out_encoding.clone_from(&a.out_encoding);
    o.overwrite = shared.overwrite;
    o.strict = shared.strict;
    o.lang = lang;
    o.input = a.read.options()?;
    o.time = run_time()?;
    Ok(o)
}

fn number(x: f64, digits: usize) -> String {
    format!("{x:.digits$}")
}

fn grid(header: &[&str], numbers_from: usize) -> Grid {
    let mut g = Grid::new();
    g.load_style(presets::UTF8_BORDERS_ONLY);
    g.set_header(header);
    for (i, c) in g.column_iter_mut().enumerate() {
        if i >= numbers_from {
            c.set_cell_alignment(CellAlignment::Right);
        }
    }
    g
}

fn human(d: &ScreenSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = match lang {
        Lang::En => format!("{} sites screened against {} rivers\n", d.sites, d.rivers),
        Lang::Zh => format!("共筛查图斑 {} 个,河流 {} 条\n", d.sites, d.rivers),
    };
    let header = [t("distance (m)", "距离(米)"), t("inside", "范围内"), t("crosses", "跨界"), t("outside", "范围外")];
    let mut g = grid(&header.iter().map(String::as_str).collect::<Vec<_>>(), 0);
    for (m, [i, c, o]) in &d.relations {
        g.add_row([m.to_string(), i.to_string(), c.to_string(), o.to_string()]);
    }
    out += &format!("{g}\n");
    let header = [
        t("distance (m)", "距离(米)"),
        t("kind", "类型"),
        t("inside", "范围内"),
        t("crosses", "跨界"),
        t("area inside (ha)", "范围内面积(公顷)"),
        t("(mu)", "(亩)"),
    ];
    let mut g = grid(&header.iter().map(String::as_str).collect::<Vec<_>>(), 2);
    for k in &d.by_kind {
        let kind = Text::new(k.kind.as_str(), k.kind.zh());
        g.add_row([
            k.distance_m.to_string(),
            kind.in_lang(lang).to_owned(),
            k.inside.to_string(),
            k.crosses.to_string(),
            number(k.area_inside.hectares(), 2),
            number(k.area_inside.mu(), 1),
        ]);
    }
    out += &format!("{g}\n");
    if d.in_zones > 0 {
        out += &match lang {
            Lang::En => format!("{} site(s) overlap a zone\n", d.in_zones),
            Lang::Zh => format!("与管控区重叠的图斑:{} 个\n", d.in_zones),
        };
    }
    let (repaired, unused) = (d.notes.repaired(), d.notes.unused());
    out += &match lang {
        Lang::En => format!("{repaired} features repaired, {unused} could not be used (layer “skipped” lists them)\n"),
        Lang::Zh => format!("修复要素 {repaired} 个,无法使用 {unused} 个(见图层 skipped)\n"),
    };
    out += &t("written:\n", "已写出:\n");
    for f in &d.files {
        out += &format!("  {}\n", f.display());
    }
    out
}

/// Milliseconds are enough.
fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn json_summary(d: &ScreenSummary) -> String {
    let relations: Vec<_> = d
        .relations
        .iter()
        .map(|(m, [i, c, o])| json!({"distance_m": m, "inside": i, "crosses": c, "outside": o}))
        .collect();
    let kinds: Vec<_> = d
        .by_kind
        .iter()
        .map(|k| {
            json!({
                "distance_m": k.distance_m,
                "kind": k.kind.as_str(),
                "inside": k.inside,
                "crosses": k.crosses,
                "inside_m2": k.area_inside.0,
            })
        })
        .collect();
    let j = json!({
        "sites": d.sites,
        "rivers": d.rivers,
        "relations": relations,
        "by_kind": kinds,
        "in_zones": d.in_zones,
        "repaired": d.notes.repaired(),
        "skipped": d.notes.unused(),
        "overlays_by_geos": d.notes.fallbacks,
        "seconds": {
            "index": round(d.timings.index),
            "read": round(d.timings.read),
            "screen": round(d.timings.screen),
            "write": round(d.timings.write),
            "work": {
                "prepare": round(d.timings.prepare_work),
                "decide": round(d.timings.decide_work),
                "rows": round(d.timings.rows_work),
            },
        },
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
