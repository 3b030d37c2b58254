//! `heshan zonal`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::{ReadArgs, SceneArgs, Shared};
use super::progress::Terminal;
use super::trend::StackArgs;
use super::{Done, put, run_time, say};
use crate::error::{Lang, Result, Text};
use crate::jobs::zonal::{ZonalJob, ZonalOptions, ZonalSummary, run as job};

#[derive(Debug, Args)]
pub(crate) struct ZonalArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Zones, FILE or FILE#layer
    #[arg(long, required = true, value_name = "FILE")]
    pub zones: String,
    /// Quantiles, 0 to 1, e.g. 0.1,0.5,0.9
    #[arg(long, value_delimiter = ',', value_name = "Q")]
    pub quantiles: Vec<f64>,
    /// The value of the largest area
    #[arg(long)]
    pub mode: bool,
    /// Shares of the observed area above these values
    #[arg(long, value_delimiter = ',', value_name = "V", allow_hyphen_values = true)]
    pub above: Vec<f64>,
    /// Weight pixels by the first band of this raster, on the same grid
    #[arg(long, value_name = "RASTER")]
    pub weights: Option<PathBuf>,
    /// Output: .csv .xlsx .gpkg .fgb .shp, one row a zone and raster
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub scene: SceneArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

pub(super) fn run(a: &ZonalArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
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

fn options(a: &ZonalArgs, shared: &Shared, lang: Lang) -> Result<ZonalJob> {
    Ok(ZonalJob {
        stack: a.stack.options(&a.scene)?,
        zones: a.zones.clone(),
        input: a.read.options()?,
        zonal: ZonalOptions { quantiles: a.quantiles.clone(), mode: a.mode, thresholds: a.above.clone() },
        weights: a.weights.clone(),
        output: a.output.clone(),
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })
}

fn human(d: &ZonalSummary, lang: Lang) -> String {
    let mut out = match lang {
        Lang::En => format!(
            "{} zones over {} raster(s): {} zones outside, {} rows not observed, {} observed in part\n",
            d.zones, d.rasters, d.outside, d.unobserved, d.partly
        ),
        Lang::Zh => format!(
            "{} 个分区,{} 幅栅格:{} 个分区在范围外,{} 行无有效观测,{} 行部分观测\n",
            d.zones, d.rasters, d.outside, d.unobserved, d.partly
        ),
    };
    out += Text::new("written:\n", "已写出:\n").in_lang(lang);
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn machine(d: &ZonalSummary) -> String {
    let j = json!({
        "zones": d.zones, "rasters": d.rasters, "outside": d.outside, "unobserved": d.unobserved, "partly": d.partly,
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}
