//! `heshan index`.

use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::{Value as Json, json};

use super::args::{IndexArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::SeenCounts;
use crate::jobs::index::{
    Axis, COMPONENTS, FvcOptions, IndexOptions, IndexSummary, RseiOptions, SceneIndex, Wanted, Wetness, run as job,
};

pub(super) fn run(a: &IndexArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        let text = if shared.json { machine(&done) } else { done.scenes.iter().map(|s| human(s, lang)).collect() };
        put(text.as_bytes())?;
    }
    Ok(0)
}

fn options(a: &IndexArgs, shared: &Shared, lang: Lang) -> Result<IndexOptions> {
    let percentiles = match a.fvc_percentiles.as_slice() {
        [l, h] if 0.0 <= *l && l < h && *h <= 100.0 => (*l, *h),
        _ => {
            return Err(Error::usage(
                "--fvc-percentiles takes LOW,HIGH from 0 to 100",
                "--fvc-percentiles 须为 低,高(0–100)",
            ));
        }
    };
    let wetness = match a.wetness.as_slice() {
        [] => None,
        w => Some(Wetness(<[f32; 6]>::try_from(w).map_err(|_| {
            Error::usage("--wetness takes six weights", "--wetness 须为六个系数")
                .remedy("in this order: blue,green,red,nir,swir1,swir2", "依次为:蓝,绿,红,近红外,短波红外1,短波红外2")
        })?)),
    };
    Ok(IndexOptions {
        scenes: a.scenes.clone(),
        wanted: a.index.iter().map(|n| Wanted::of(n)).collect::<Result<_>>()?,
        fvc: FvcOptions { soil: a.fvc_soil, vegetation: a.fvc_vegetation, percentiles },
        rsei: RseiOptions { wetness, keep_water: a.rsei_keep_water },
        output: a.output.clone(),
        raster: a.raster.shared(&a.scene, shared, lang)?,
    })
}

/// Shares of what was and was not seen, as a line.
pub(super) fn seen_line(c: &SeenCounts, lang: Lang) -> String {
    let total = c.total().max(1) as f64;
    let part = |(s, n): (crate::jobs::Seen, u64)| {
        let name = Text::new(s.as_str(), s.zh());
        format!("{} {n} ({:.2} %)", name.in_lang(lang), 100.0 * n as f64 / total)
    };
    c.each().map(part).collect::<Vec<_>>().join(if lang == Lang::Zh { "," } else { ", " })
}

fn human(s: &SceneIndex, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let when = s.datetime.map(|d| d.format(" %Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
    let mut out = format!("{}{when}\n", s.scene);
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([t("index", "指数"), t("min", "最小"), t("mean", "均值"), t("max", "最大"), t("std", "标准差")]);
    g.column_iter_mut().skip(1).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for b in &s.bands {
        let n = |f: fn(&crate::jobs::Statistics) -> f64| {
            b.statistics.as_ref().map_or_else(|| t("not observed", "无观测"), |s| format!("{:.4}", f(s)))
        };
        g.add_row([b.name.to_owned(), n(|s| s.min), n(|s| s.mean), n(|s| s.max), n(|s| s.std)]);
    }
    out += &format!("{g}\n");
    if let Some(b) = s.bands.first() {
        out += &format!("{}: {}\n", t("pixels", "像元"), seen_line(&b.counts, lang));
    }
    if let Some((soil, vegetation)) = s.fvc {
        out += &match lang {
            Lang::En => format!("fvc: NDVI of soil {soil:.4}, of full cover {vegetation:.4}\n"),
            Lang::Zh => format!("植被覆盖度:裸土 NDVI {soil:.4},全植被 NDVI {vegetation:.4}\n"),
        };
    }
    if let Some(a) = &s.rsei {
        let l: Vec<String> = loadings(a).map(|(n, v)| format!("{n} {v:.3}")).collect();
        out += &match lang {
            Lang::En => format!("rsei: {:.1} % of the variance; {}\n", 100.0 * a.share, l.join(", ")),
            Lang::Zh => format!("生态指数:第一主成分贡献率 {:.1} %;{}\n", 100.0 * a.share, l.join(",")),
        };
    }
    out += &t("written:\n", "已写出:\n");
    s.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn loadings(a: &Axis) -> impl Iterator<Item = (&'static str, f64)> {
    COMPONENTS.into_iter().zip(a.loadings)
}

fn machine(d: &IndexSummary) -> String {
    let scene = |s: &SceneIndex| -> Json {
        let bands: Vec<_> = s
            .bands
            .iter()
            .map(|b| {
                let n = b.statistics.map(|s| json!({"min": s.min, "max": s.max, "mean": s.mean, "std": s.std}));
                json!({"index": b.name, "statistics": n, "pixels": b.counts.json()})
            })
            .collect();
        json!({
            "scene": s.scene,
            "datetime": s.datetime.map(|t| t.to_rfc3339()),
            "bands": bands,
            "fvc": s.fvc.map(|(a, b)| json!({"soil_ndvi": a, "vegetation_ndvi": b})),
            "rsei": s.rsei.as_ref().map(|a| {
                let l: serde_json::Map<_, _> = loadings(a).map(|(n, v)| (n.to_owned(), json!(v))).collect();
                json!({"variance_share": a.share, "loadings": l, "pixels": a.pixels})
            }),
            "files": s.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
        })
    };
    let warnings: Vec<&str> = d.notes.warnings.iter().map(|t| t.en.as_str()).collect();
    format!("{}\n", json!({"scenes": d.scenes.iter().map(scene).collect::<Vec<_>>(), "warnings": warnings}))
}
