//! `heshan report map`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::json;

use super::super::args::{ReadArgs, Shared};
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use super::page::layer_title;
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::report::map::{GridLines, MapOptions, MapSummary, Paper, run as job};
use crate::jobs::report::page::parse_role;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PaperArg {
    A4,
    A3,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum OrientationArg {
    Landscape,
    Portrait,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GridArg {
    Both,
    Km,
    Degrees,
    None,
}

#[derive(Debug, Args)]
pub(crate) struct MapArgs {
    /// Layers, FILE#layer, or FILE for all its layers with geometry; the first lies lowest
    #[arg(required = true, value_name = "LAYER")]
    pub layers: Vec<String>,
    /// Title of a layer, e.g. sites=矿山图斑
    #[arg(long, value_name = "LAYER=TITLE")]
    pub layer_title: Vec<String>,
    /// Which field means what, e.g. name=矿名 (site_id, name, kind, admin, responsible_unit, state)
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Title of the sheet
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Paper
    #[arg(long, value_enum, default_value_t = PaperArg::A4)]
    pub paper: PaperArg,
    /// How the paper lies
    #[arg(long, value_enum, default_value_t = OrientationArg::Landscape)]
    pub orientation: OrientationArg,
    /// N of 1:N [default: the round scale that shows everything]
    #[arg(long, value_name = "N")]
    pub scale: Option<f64>,
    /// Dots per inch of a PNG
    #[arg(long, value_name = "N", default_value_t = 300.0)]
    pub dpi: f64,
    /// Projected CRS of the sheet [default: the 3-degree zone of CGCS2000 that its middle lies in]
    #[arg(long, value_name = "CRS")]
    pub out_crs: Option<String>,
    /// What the sheet shows, degrees [default: what the layers cover]
    #[arg(long, value_name = "W,S,E,N", value_delimiter = ',', allow_hyphen_values = true)]
    pub extent: Vec<f64>,
    /// An atlas: a sheet for each value of this field
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
    /// Field that is written on features [default: their names]
    #[arg(long, value_name = "FIELD", conflicts_with = "no_labels")]
    pub label: Option<String>,
    /// Write nothing on features
    #[arg(long)]
    pub no_labels: bool,
    /// Lines of coordinates
    #[arg(long, value_enum, default_value_t = GridArg::Both)]
    pub grid: GridArg,
    /// Raster below everything (GeoTIFF, or PNG with world file and CRS)
    #[arg(long, value_name = "FILE")]
    pub background: Option<PathBuf>,
    /// Bands of the background as red, green, blue [default: the first three, or the first]
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', requires = "background")]
    pub background_bands: Vec<usize>,
    /// Who made the sheet
    #[arg(long, value_name = "TEXT")]
    pub made_by: Option<String>,
    /// A data source to name beside the files; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub source: Vec<String>,
    /// Output: .pdf .png; may be given several times
    #[arg(long, short, required = true, value_name = "OUT")]
    pub output: Vec<PathBuf>,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &MapArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &MapArgs, shared: &Shared, lang: Lang) -> Result<MapOptions> {
    if !matches!(a.background_bands.len(), 0 | 1 | 3) {
        return Err(Error::usage(
            "--background-bands takes one or three bands",
            "--background-bands 须为一个或三个波段",
        ));
    }
    let extent = match a.extent.as_slice() {
        [] => None,
        [w, s, e, n] => Some([*w, *s, *e, *n]),
        _ => return Err(Error::usage("--extent takes W,S,E,N", "--extent 须为 西,南,东,北 四个数")),
    };
    Ok(MapOptions {
        layers: a.layers.clone(),
        layer_titles: a.layer_title.iter().map(|t| layer_title(t)).collect::<Result<_>>()?,
        fields: a.fields.iter().map(|f| parse_role(f)).collect::<Result<_>>()?,
        title: a.title.clone(),
        paper: match a.paper {
            PaperArg::A4 => Paper::A4,
            PaperArg::A3 => Paper::A3,
        },
        lying: a.orientation == OrientationArg::Landscape,
        scale: a.scale,
        dpi: a.dpi,
        crs: a.out_crs.clone(),
        extent,
        by: a.by.clone(),
        label: a.label.clone(),
        no_labels: a.no_labels,
        grid: match a.grid {
            GridArg::Both => GridLines::Both,
            GridArg::Km => GridLines::Kilometres,
            GridArg::Degrees => GridLines::Degrees,
            GridArg::None => GridLines::None,
        },
        background: a.background.clone(),
        background_bands: a.background_bands.clone(),
        made_by: a.made_by.clone(),
        sources: a.source.clone(),
        input: a.read.options()?,
        outputs: a.output.clone(),
        overwrite: shared.overwrite,
        strict: shared.strict,
        lang,
        time: run_time()?,
    })
}

fn human(d: &MapSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let head = [t("sheet", "图幅"), t("scale", "比例尺"), "CRS".into(), t("features", "要素"), t("labels", "注记")];
    g.set_header(head);
    g.column_iter_mut().skip(3).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for (i, s) in d.sheets.iter().enumerate() {
        let (written, left_out) = s.labels;
        g.add_row([
            s.value.clone().unwrap_or_else(|| (i + 1).to_string()),
            format!("1:{:.0}", s.scale),
            s.crs.clone(),
            s.features.to_string(),
            format!("{written}/{}", written + left_out),
        ]);
    }
    let mut out = format!("{g}\n");
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &MapSummary) -> String {
    let sheets: Vec<_> = d
        .sheets
        .iter()
        .map(|s| {
            json!({
                "value": s.value, "scale": s.scale, "crs": s.crs, "bounds": s.bounds, "features": s.features,
                "labels": s.labels.0, "labels_left_out": s.labels.1,
            })
        })
        .collect();
    let j = json!({
        "sheets": sheets,
        "skipped": d.notes.unused(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
