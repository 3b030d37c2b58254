//! `heshan fire detect`.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::{Value as Json, json};

use super::super::args::{PackingArg, Shared};
use super::super::index::seen_line;
use super::super::progress::Terminal;
use super::super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::fire::detect::{
    DetectOptions, DetectSummary, Emissivity, Kelvin, Method, SceneFires, ThermalOptions, run as job,
};
use crate::jobs::{MaskOptions, Packing, parse_bands};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemperatureArg {
    /// Surface temperature in Level 2, brightness temperature elsewhere
    Auto,
    /// Brightness temperature: the emissivity is corrected
    Brightness,
    /// Surface temperature: taken as it is
    Surface,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Scenes: a Landsat folder or MTL file, a Sentinel-2 folder (.SAFE), scenes.json#ID, or a raster with --bands
    #[arg(required = true, value_name = "SCENE")]
    pub scenes: Vec<PathBuf>,
    /// Methods: schroeder hotmap goli vote thermal sagbt [default: all that the bands allow, without sagbt]
    #[arg(long = "method", value_delimiter = ',', value_name = "NAME")]
    pub methods: Vec<String>,
    /// Scenes of the night: thermal fires must be hot by day and in the night nearest in time
    #[arg(long, num_args = 1.., value_name = "SCENE")]
    pub night: Vec<PathBuf>,
    /// Bands of a plain raster of the night, e.g. tir=1
    #[arg(long, value_delimiter = ',', value_name = "ROLE=BAND")]
    pub night_bands: Vec<String>,
    /// Detectors of reflectance that must agree for the vote
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3))]
    pub votes: u32,
    /// Reflectance from which on 1.6 and 2.2 µm are saturated, for rasters that do not tell it
    #[arg(long, value_name = "R")]
    pub saturation: Option<f32>,
    /// Thermal: side of the window of the background, pixels (odd)
    #[arg(long, default_value_t = 31, value_name = "PX", value_parser = RangedU64ValueParser::<usize>::new().range(5..=121))]
    pub window: usize,
    /// Thermal: deviations (1.4826 MAD) above the background
    #[arg(long, default_value_t = 4.0, value_name = "K")]
    pub k: f64,
    /// Thermal: kelvin above the background at least
    #[arg(long, default_value_t = 5.0, value_name = "KELVIN")]
    pub floor: f64,
    /// Thermal: kelvin above the background at least, by night
    #[arg(long, default_value_t = 4.0, value_name = "KELVIN")]
    pub night_floor: f64,
    /// Thermal: share of the window that must be background
    #[arg(long, default_value_t = 0.25, value_name = "0..1")]
    pub share: f64,
    /// Thermal: kelvin by which the difference of the bands at 11 and 12 µm must exceed that of the background
    #[arg(long, value_name = "KELVIN")]
    pub split: Option<f64>,
    /// Thermal: hot in M of the last N clear looks, of the scenes given
    #[arg(long, value_name = "M/N")]
    pub persist: Option<String>,
    /// What the thermal band holds
    #[arg(long, value_enum, default_value_t = TemperatureArg::Auto)]
    pub temperature: TemperatureArg,
    /// Emissivity of bare ground
    #[arg(long, default_value_t = 0.97, value_name = "0..1")]
    pub emissivity_bare: f64,
    /// Water vapour of the column (g/cm²), for the single-channel method of Landsat 8 and 9
    #[arg(long, value_name = "W")]
    pub water_vapour: Option<f64>,
    /// Areas of known industrial heat (coking plants, power stations, kilns): fires in them are named so, not left out
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub heat_mask: Vec<String>,
    /// Time (UTC) of scenes that tell none, e.g. 2024-05-01T03:20:00Z
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Bands of a plain raster, e.g. coastal=1,blue=2,green=3,red=4,nir=5,swir1=6,swir2=7,tir=8,tir2=9
    #[arg(long, value_delimiter = ',', value_name = "ROLE=BAND")]
    pub bands: Vec<String>,
    /// Keep clouds, shadows and snow
    #[arg(long)]
    pub no_cloud_mask: bool,
    /// Mask so many pixels around clouds and shadows too
    #[arg(long, default_value_t = 0, value_name = "PX", value_parser = RangedU64ValueParser::<usize>::new().range(0..=500))]
    pub dilate: usize,
    /// Fire points (.gpkg .geojson .csv .fgb .shp .gdb); masks and picture lie beside it
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Compression of the rasters' tiles
    #[arg(long, value_enum, default_value_t = PackingArg::Deflate)]
    pub compress: PackingArg,
    /// Write no overviews
    #[arg(long)]
    pub no_overviews: bool,
    /// Write no picture (PNG)
    #[arg(long)]
    pub no_quicklook: bool,
}

pub(super) fn run(a: &DetectArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = options(a, shared, lang)?;
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json || !shared.quiet {
        let text = if shared.json { machine(&done) } else { human(&done, lang) };
        put(text.as_bytes())?;
    }
    Ok(0)
}

fn options(a: &DetectArgs, shared: &Shared, lang: Lang) -> Result<DetectOptions> {
    if a.window.is_multiple_of(2) {
        return Err(Error::usage("--window must be odd", "--window 须为奇数"));
    }
    if !(0.5..=1.0).contains(&a.emissivity_bare) {
        return Err(Error::usage("--emissivity-bare lies between 0.5 and 1", "--emissivity-bare 须在 0.5 与 1 之间"));
    }
    if a.water_vapour.is_some_and(|w| !(0.0..=8.0).contains(&w)) {
        return Err(Error::usage("--water-vapour lies between 0 and 8 g/cm²", "--water-vapour 须在 0 与 8 g/cm² 之间"));
    }
    let thermal = ThermalOptions { reach: a.window / 2, k: a.k, floor_k: a.floor, share: a.share, split_k: a.split };
    Ok(DetectOptions {
        scenes: a.scenes.clone(),
        nights: a.night.clone(),
        bands: parse_bands(&a.bands)?,
        night_bands: parse_bands(&a.night_bands)?,
        methods: a.methods.iter().map(|m| Method::of(m)).collect::<Result<_>>()?,
        votes: a.votes,
        saturation: a.saturation,
        night_thermal: ThermalOptions { floor_k: a.night_floor, split_k: None, ..thermal },
        thermal,
        kelvin: match a.temperature {
            TemperatureArg::Auto => Kelvin::Auto,
            TemperatureArg::Brightness => Kelvin::Brightness,
            TemperatureArg::Surface => Kelvin::Surface,
        },
        emissivity: Emissivity { bare: a.emissivity_bare, ..Emissivity::default() },
        water_vapour: a.water_vapour,
        persist: a.persist.as_deref().map(persist).transpose()?,
        seen: a.time.as_deref().map(time).transpose()?,
        heat_masks: a.heat_mask.clone(),
        mask: MaskOptions { clouds: !a.no_cloud_mask, dilate: a.dilate, saturated: false },
        output: a.output.clone(),
        packing: match a.compress {
            PackingArg::Deflate => Packing::Deflate,
            PackingArg::Zstd => Packing::Zstd,
        },
        overviews: !a.no_overviews,
        quicklook: !a.no_quicklook,
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    })
}

fn persist(typed: &str) -> Result<(u32, u32)> {
    let parsed = typed.split_once('/').and_then(|(m, n)| Some((m.trim().parse().ok()?, n.trim().parse().ok()?)));
    parsed.ok_or_else(|| {
        Error::usage(format!("--persist “{typed}” is not M/N"), format!("--persist“{typed}”不是 M/N 的形式"))
            .remedy("for example 2/3: hot in two of the last three clear looks", "例如 2/3:最近三次晴空观测中两次高温")
    })
}

/// A time as typed: RFC 3339, without a zone UTC, or a date.
fn time(typed: &str) -> Result<DateTime<Utc>> {
    let t = typed.trim();
    if let Ok(t) = DateTime::parse_from_rfc3339(t) {
        return Ok(t.to_utc());
    }
    let plain = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(t, f).ok())
        .or_else(|| NaiveDate::parse_from_str(t, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    plain.map(|t| t.and_utc()).ok_or_else(|| {
        Error::usage(format!("--time “{typed}” is no time"), format!("--time“{typed}”不是时间"))
            .remedy("write 2024-05-01T03:20:00Z", "请写成 2024-05-01T03:20:00Z")
    })
}

fn human(d: &DetectSummary, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out: String = d.scenes.iter().map(|s| one(s, lang)).collect();
    out += &t("written:\n", "已写出:\n");
    d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    out
}

fn one(s: &SceneFires, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let when = s.datetime.map(|d| d.format(" %Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
    let mut out = format!("{}{when}\n", s.scene);
    if let Some(n) = &s.night {
        out += &format!("{}: {n}\n", t("night", "夜间影像"));
    }
    out += &format!("{}: {}\n", t("pixels", "像元"), seen_line(&s.counts, lang));
    out += &format!("{}: {:.2} km²\n", t("seen clear", "晴空观测面积"), s.clear_km2);
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([t("method", "方法"), t("hot pixels", "热点像元")]);
    g.column_iter_mut().skip(1).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for (m, n) in &s.by_method {
        g.add_row([m.as_str().to_owned(), n.to_string()]);
    }
    out += &format!("{g}\n");
    out += &match lang {
        Lang::En => format!("{} hot pixels in {} fires\n", s.pixels, s.fires),
        Lang::Zh => format!("热点像元 {} 个,合为 {} 处火点\n", s.pixels, s.fires),
    };
    if let Some(k) = s.sagbt_k {
        out += &format!("{}: {k:.2} K\n", t("threshold of sagbt", "sagbt 阈值"));
    }
    let told = [
        (s.cooled, "hot by day, cool by night (left out)", "昼热夜凉,未计"),
        (s.unconfirmed, "hot by day, night hidden by cloud (left out)", "昼热但夜间被云遮挡,未计"),
        (s.fleeting, "hot in too few of the last clear looks (left out)", "近期晴空观测中高温次数不足,未计"),
        (s.undecided, "too little background to tell (left out)", "背景像元不足,无法判定"),
    ];
    for (n, en, zh) in told.into_iter().filter(|x| x.0 > 0) {
        out += &format!("{}: {n}\n", t(en, zh));
    }
    out
}

fn machine(d: &DetectSummary) -> String {
    let scene = |s: &SceneFires| -> Json {
        let mut j = s.json();
        if let Some(o) = j.as_object_mut() {
            o.insert("scene".into(), json!(s.scene));
            o.insert(
                "datetime".into(),
                json!(s.datetime.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))),
            );
            let [read, pixels, neighbours] = s.seconds;
            o.insert("seconds".into(), json!({"read": read, "pixels": pixels, "neighbours": neighbours}));
            o.insert("methods".into(), json!(s.methods.iter().map(|m| m.as_str()).collect::<Vec<_>>()));
        }
        j
    };
    let j = json!({
        "scenes": d.scenes.iter().map(scene).collect::<Vec<_>>(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
        "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{j}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_as_typed() {
        for typed in ["2024-05-01T03:20:00Z", "2024-05-01 03:20", "2024-05-01T11:20:00+08:00"] {
            assert_eq!(time(typed).unwrap().to_rfc3339(), "2024-05-01T03:20:00+00:00");
        }
        assert_eq!(time("May").unwrap_err().kind.exit_code(), 2);
        assert_eq!(persist("2/3").unwrap(), (2, 3));
        assert_eq!(persist("2").unwrap_err().kind.exit_code(), 2);
    }
}
