//! `heshan change`.

use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::args::{ChangeArgs, MethodArg, NormaliseArg, Shared};
use super::index::seen_line;
use super::progress::Terminal;
use super::{Done, put, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::change::{
    ChangeOptions, ChangeSummary, ClassRule, Classes, Connectivity, MadOptions, Method, Normalise, Threshold,
    Transition, run as job,
};
use crate::jobs::index::index_of;

pub(super) fn run(a: &ChangeArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &ChangeArgs, shared: &Shared, lang: Lang) -> Result<ChangeOptions> {
    let method = match a.method {
        MethodArg::Difference => Method::Difference(index_of(&a.index)?),
        MethodArg::Cva => Method::Vector,
        MethodArg::Irmad => Method::Mad(MadOptions { iterations: a.iterations, ..MadOptions::default() }),
    };
    let typed = a.threshold.as_deref().unwrap_or(match a.method {
        MethodArg::Difference => "-0.15,0.15",
        MethodArg::Cva => "otsu",
        MethodArg::Irmad => "0.0001",
    });
    if a.min_area < 0.0 || !a.min_area.is_finite() {
        return Err(Error::usage("--min-area must be 0 or more", "--min-area 不得小于 0"));
    }
    Ok(ChangeOptions {
        before: a.before.clone(),
        after: a.after.clone(),
        method,
        threshold: threshold(typed, a.method)?,
        normalise: match a.normalise {
            NormaliseArg::None => Normalise::None,
            NormaliseArg::Pif => Normalise::Invariant,
            NormaliseArg::Histogram => Normalise::Histogram,
        },
        classes: Classes::new(a.classes.iter().map(|c| ClassRule::parse(c)).collect::<Result<_>>()?)?,
        output: a.output.clone(),
        patches: a.patches.clone(),
        count_only: a.count_only,
        connectivity: if a.connectivity == "4" { Connectivity::Four } else { Connectivity::Eight },
        min_area_m2: a.min_area,
        permits: a.permits.clone(),
        input: a.read.options()?,
        raster: a.raster.shared(&a.scene, shared, lang)?,
    })
}

/// `LOW,HIGH`, one limit, `sigma:K`, `otsu`.
fn threshold(typed: &str, method: MethodArg) -> Result<Threshold> {
    let wrong = || {
        Error::usage(format!("the threshold “{typed}” is not understood"), format!("无法理解阈值“{typed}”")).remedy(
            "difference: -0.15,0.15 or sigma:2 or otsu; cva: 0.1 or sigma:2 or otsu; irmad: a probability, 0.0001",
            "difference:-0.15,0.15 或 sigma:2 或 otsu;cva:0.1 或 sigma:2 或 otsu;irmad:概率,如 0.0001",
        )
    };
    let text = typed.trim().to_ascii_lowercase();
    let number = |s: &str| s.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
    if method != MethodArg::Irmad {
        if text == "otsu" {
            return Ok(Threshold::Otsu);
        }
        if let Some(k) = text.strip_prefix("sigma:") {
            return Ok(Threshold::KSigma(number(k)?));
        }
    }
    match (method, text.split_once(',')) {
        (MethodArg::Difference, Some((l, h))) => Ok(Threshold::Fixed(number(l)?, number(h)?)),
        (MethodArg::Cva, None) => Ok(Threshold::Fixed(0.0, number(&text)?)),
        (MethodArg::Irmad, None) => match number(&text)? {
            p if p > 0.0 && p < 1.0 => Ok(Threshold::Fixed(0.0, p)),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn human(d: &ChangeSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = format!("{} → {}\n", d.scenes[0], d.scenes[1]);
    out += &format!("{}: {}\n", t("pixels", "像元"), seen_line(&d.counts, lang));
    if let Some([x, y]) = d.shift {
        out += &match lang {
            Lang::En => format!("shift of the later scene: {x:.2} columns, {y:.2} rows\n"),
            Lang::Zh => format!("后时相相对偏移:{x:.2} 列,{y:.2} 行\n"),
        };
    }
    for (band, l) in &d.lines {
        out += &format!(
            "{} {band}: × {:.4} + {:.5} (r = {:.3})\n",
            t("normalised", "归一化"),
            l.gain,
            l.offset,
            l.correlation
        );
    }
    if let Some((rho, n)) = &d.mad {
        let rho: Vec<String> = rho.iter().map(|r| format!("{r:.4}")).collect();
        out += &format!("IR-MAD: {n} {}, ρ = {}\n", t("iterations", "次迭代"), rho.join(" "));
    }
    out += &format!("{}: {:.4} … {:.4}\n", t("limits", "阈值"), d.limits.0, d.limits.1);
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("direction", "方向"),
        t("pixels", "像元"),
        t("patches", "图斑"),
        t("area (ha)", "面积(公顷)"),
        t("(mu)", "(亩)"),
    ]);
    g.column_iter_mut().skip(1).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for s in &d.directions {
        let name = Text::new(s.direction.as_str(), s.direction.zh());
        let area = crate::jobs::SquareMetres(s.area_m2);
        g.add_row([
            name.in_lang(lang).to_owned(),
            s.pixels.to_string(),
            s.patches.to_string(),
            format!("{:.2}", area.hectares()),
            format!("{:.1}", area.mu()),
        ]);
    }
    out += &format!("{g}\n");
    if !d.transitions.is_empty() {
        out += &classes(&d.transitions, lang);
    }
    if d.small.0 > 0 {
        out += &match lang {
            Lang::En => {
                format!("{} components below the minimum area ({} pixels) were left out\n", d.small.0, d.small.1)
            }
            Lang::Zh => format!("小于最小面积的 {} 处({} 像元)未成图斑\n", d.small.0, d.small.1),
        };
    }
    if let Some([i, c, o]) = d.permits {
        out += &match lang {
            Lang::En => format!("patches inside a permit {i}, crossing 越界 {c}, outside every permit 无主 {o}\n"),
            Lang::Zh => format!("矿权内 {i},越界 {c},矿权外(无主) {o}\n"),
        };
    }
    if d.files.is_empty() {
        return out;
    }
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

/// What was of one class and became of another; what stayed is left to the raster.
fn classes(all: &[Transition], lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([
        t("from", "变化前"),
        t("to", "变化后"),
        t("pixels", "像元"),
        t("patches", "图斑"),
        t("area (ha)", "面积(公顷)"),
    ]);
    g.column_iter_mut().skip(2).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for c in all.iter().filter(|c| c.from != c.to) {
        let area = crate::jobs::SquareMetres(c.area_m2);
        g.add_row([
            c.from.clone(),
            c.to.clone(),
            c.pixels.to_string(),
            c.patches.to_string(),
            format!("{:.2}", area.hectares()),
        ]);
    }
    format!("{g}\n")
}

fn machine(d: &ChangeSummary) -> String {
    let directions: Vec<_> = d
        .directions
        .iter()
        .map(|s| json!({"direction": s.direction.as_str(), "pixels": s.pixels, "patches": s.patches, "area_m2": s.area_m2}))
        .collect();
    let lines: Vec<_> = d
        .lines
        .iter()
        .map(|(b, l)| json!({"band": b, "gain": l.gain, "offset": l.offset, "r": l.correlation}))
        .collect();
    let transition = |t: &Transition| json!({"from": t.from, "to": t.to, "pixels": t.pixels, "patches": t.patches, "area_m2": t.area_m2});
    let j = json!({
        "before": d.scenes[0],
        "after": d.scenes[1],
        "limits": [d.limits.0, d.limits.1],
        "pixels": d.counts.json(),
        "directions": directions,
        "classes": d.transitions.iter().map(transition).collect::<Vec<_>>(),
        "below_minimum": {"components": d.small.0, "pixels": d.small.1},
        "irmad": d.mad.as_ref().map(|(rho, n)| json!({"correlations": rho, "iterations": n})),
        "normalisation": lines,
        "shift_px": d.shift,
        "statistics": d.statistics.map(|s| json!({"min": s.min, "max": s.max, "mean": s.mean, "std": s.std})),
        "permits": d.permits.map(|[i, c, o]| json!({"inside": i, "crossing": c, "outside": o})),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
