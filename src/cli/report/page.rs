//! `heshan report page`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::super::args::{ReadArgs, Shared};
use super::super::ledger::three_or_one;
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::report::page::{PageOptions, PageSummary, parse_role, run as job};

#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Layers, FILE#layer, or FILE for all its layers with geometry; the first lies lowest
    #[arg(required = true, value_name = "LAYER")]
    pub layers: Vec<String>,
    /// Title of a layer, e.g. sites=矿山图斑
    #[arg(long, value_name = "LAYER=TITLE")]
    pub layer_title: Vec<String>,
    /// Which field means what, e.g. state=进度 (site_id, name, kind, admin, responsible_unit, state, from, to)
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Scene of before, or georeferenced picture (GeoTIFF, or PNG with world file and CRS)
    #[arg(long, value_name = "FILE", requires = "after")]
    pub before: Option<PathBuf>,
    /// Scene of after, or georeferenced picture (GeoTIFF, or PNG with world file and CRS)
    #[arg(long, value_name = "FILE", requires = "before")]
    pub after: Option<PathBuf>,
    /// Title of the picture of before [default: its file name]
    #[arg(long, value_name = "TEXT", requires = "before")]
    pub before_title: Option<String>,
    /// Title of the picture of after [default: its file name]
    #[arg(long, value_name = "TEXT", requires = "after")]
    pub after_title: Option<String>,
    /// Bands of the pictures as red, green, blue [default: the first three, or the first]
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    pub picture_bands: Vec<usize>,
    /// Figures of charts: CSV (e.g. OUT_days.csv of fire status), or JSON
    #[arg(long, value_name = "FILE")]
    pub chart: Vec<PathBuf>,
    /// Folder with `ID_before.png` and `ID_after.png`
    #[arg(long, value_name = "DIR")]
    pub chips: Option<PathBuf>,
    /// Title of the page
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Output: .html
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &PageArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &PageArgs, shared: &Shared, lang: Lang) -> Result<PageOptions> {
    Ok(PageOptions {
        layers: a.layers.clone(),
        layer_titles: a.layer_title.iter().map(|t| layer_title(t)).collect::<Result<_>>()?,
        fields: a.fields.iter().map(|f| parse_role(f)).collect::<Result<_>>()?,
        pictures: a.before.clone().zip(a.after.clone()).map(|(b, c)| [b, c]),
        picture_titles: [a.before_title.clone(), a.after_title.clone()],
        picture_bands: three_or_one(&a.picture_bands)?,
        charts: a.chart.clone(),
        chips: a.chips.clone(),
        title: a.title.clone(),
        input: a.read.options()?,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        strict: shared.strict,
        lang,
        time: run_time()?,
    })
}

pub(super) fn layer_title(typed: &str) -> Result<(String, String)> {
    let parts = typed.split_once('=').filter(|(l, t)| !l.trim().is_empty() && !t.trim().is_empty());
    parts.map(|(l, t)| (l.trim().to_owned(), t.trim().to_owned())).ok_or_else(|| {
        Error::usage(
            format!("--layer-title takes LAYER=TITLE, not “{typed}”"),
            format!("--layer-title 须为 图层=标题,而不是“{typed}”"),
        )
    })
}

fn human(d: &PageSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([t("layer", "图层"), t("theme", "主题"), t("features", "要素"), t("without geometry", "无几何")]);
    g.column_iter_mut().skip(2).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for l in &d.layers {
        g.add_row([l.layer.clone(), l.theme.to_owned(), l.features.to_string(), l.without_geometry.to_string()]);
    }
    let mut out = format!("{g}\n{} {:.2} MB\n", t("size of the page:", "页面大小:"), d.bytes as f64 / 1e6);
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &PageSummary) -> String {
    let layers: Vec<_> = d
        .layers
        .iter()
        .map(|l| json!({"layer": l.layer, "theme": l.theme, "features": l.features, "without_geometry": l.without_geometry}))
        .collect();
    let j = json!({
        "layers": layers,
        "bytes": d.bytes,
        "skipped": d.notes.unused(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
