//! `report page`: layers, pictures and charts to one HTML file.

mod charts;
mod pictures;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::super::Notes;
use super::super::inputs::InputOptions;
use super::super::manifest::{Manifest, companion};
use super::layers::{self, Read, Wanted};
use crate::error::{Error, Lang, Result, Text};
use crate::model::Progress;
use crate::report::page::{Page, html};
use crate::write::Staging;
use crate::write::text::write_staged;

/// Pages beyond this many bytes open slowly; a note says so.
const LARGE: usize = 60 << 20;

/// What a field of a layer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRole {
    /// Identifier.
    SiteId,
    /// Name.
    Name,
    /// Kind.
    Kind,
    /// Administrative area.
    Admin,
    /// Responsible unit.
    ResponsibleUnit,
    /// State: classes, filter, progress.
    State,
    /// First day.
    From,
    /// Last day.
    To,
}

impl PageRole {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::SiteId, Self::Name, Self::Kind, Self::Admin, Self::ResponsibleUnit, Self::State, Self::From, Self::To];

    /// Name in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SiteId => "site_id",
            Self::Name => "name",
            Self::Kind => "kind",
            Self::Admin => "admin",
            Self::ResponsibleUnit => "responsible_unit",
            Self::State => "state",
            Self::From => "from",
            Self::To => "to",
        }
    }
}

/// Reads `role=field`.
///
/// # Errors
/// `Usage` for an unknown role.
pub fn parse_role(text: &str) -> Result<(PageRole, String)> {
    let roles = || PageRole::ALL.map(PageRole::as_str).join(", ");
    let parts = text.split_once('=').filter(|(_, f)| !f.trim().is_empty());
    parts
        .and_then(|(r, f)| PageRole::ALL.into_iter().find(|x| x.as_str() == r.trim()).map(|r| (r, f.trim().to_owned())))
        .ok_or_else(|| {
            Error::usage(format!("“{text}” is not role=FIELD"), format!("“{text}”不是 角色=字段 的形式"))
                .remedy(format!("the roles are: {}", roles()), format!("可用角色:{}", roles()))
        })
}

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct PageOptions {
    /// Layers, FILE or FILE#layer, the lowest first.
    pub layers: Vec<String>,
    /// Titles by layer name.
    pub layer_titles: Vec<(String, String)>,
    /// Fields by what they say.
    pub fields: Vec<(PageRole, String)>,
    /// Scenes or georeferenced pictures before and after.
    pub pictures: Option<[PathBuf; 2]>,
    /// Their titles; file names where empty.
    pub picture_titles: [Option<String>; 2],
    /// Bands of the pictures as red, green, blue, from 1; by the number of bands where empty.
    pub picture_bands: Vec<usize>,
    /// Figures of charts: JSON or CSV.
    pub charts: Vec<PathBuf>,
    /// Folder of `ID_before.png`, `ID_after.png`.
    pub chips: Option<PathBuf>,
    /// Title.
    pub title: Option<String>,
    /// How layers are read.
    pub input: InputOptions,
    /// The page.
    pub output: PathBuf,
    /// Replace it where it exists.
    pub overwrite: bool,
    /// Refuse the run where a feature cannot be used as it is.
    pub strict: bool,
    /// Language it opens in.
    pub lang: Lang,
    /// Time of the run.
    pub time: DateTime<Utc>,
}

/// A layer of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCount {
    /// Layer, as FILE#layer.
    pub layer: String,
    /// How it was understood.
    pub theme: &'static str,
    /// Features on the page.
    pub features: usize,
    /// Of these, without geometry.
    pub without_geometry: usize,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct PageSummary {
    /// Layers.
    pub layers: Vec<LayerCount>,
    /// Size of the page.
    pub bytes: usize,
    /// What must be said.
    pub notes: Notes,
    /// What was written.
    pub files: Vec<PathBuf>,
}

/// Writes the page and its manifest.
///
/// # Errors
/// `Usage` where the output is no .html or a title or role names nothing; `Input` where a layer, picture or chart cannot be
/// read; `Output` where the page cannot be written.
pub fn run(o: &PageOptions, progress: &dyn Progress) -> Result<PageSummary> {
    let begun = Instant::now();
    if !o.output.extension().is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("htm")) {
        return Err(Error::usage("the page is an .html file", "页面须为 .html 文件")
            .in_file(&o.output)
            .remedy("for example -o page.html", "例如 -o page.html"));
    }
    let mut staging = Staging::beside(&o.output, o.overwrite)?;
    let manifest_path = companion(&o.output, ".manifest.json");
    for p in [&o.output, &manifest_path] {
        staging.claim(p)?;
    }
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("report page", o.time, parameters(o));
    progress.step(&Text::new("reading layers", "读取图层"), Some(o.layers.len() as u64));
    let wanted = Wanted {
        layers: &o.layers,
        layer_titles: &o.layer_titles,
        fields: &o.fields,
        chips: o.chips.as_deref(),
        histories: true,
        input: &o.input,
    };
    let read = layers::read(&wanted, &mut notes, &mut manifest, progress)?;
    if o.strict {
        notes.refuse()?;
    }
    let pictures = match &o.pictures {
        Some(paths) => Some(pictures::pair(o, paths, &mut notes, &mut manifest)?),
        None => None,
    };
    let charts = o.charts.iter().map(|p| charts::read(p)).collect::<Result<Vec<_>>>()?.concat();
    progress.step(&Text::new("writing the page", "写出页面"), None);
    let summary = counts(&read);
    let said = page_notes(&notes);
    let title = o.title.clone().map_or_else(|| Text::new("Map of results", "成果地图"), |t| Text::new(&t, &t));
    let page = Page {
        title,
        lang: o.lang,
        made: o.time.date_naive(),
        sources: read.iter().map(|r| r.source.clone()).collect(),
        layers: read.into_iter().map(|r| r.layer).collect(),
        pictures,
        charts,
        notes: said,
    };
    let text = html(&page);
    if text.len() > LARGE {
        let mb = text.len() >> 20;
        notes.warnings.push(Text::new(
            format!("the page has {mb} MB and will open slowly; fewer layers or simpler outlines make it smaller"),
            format!("页面有 {mb} MB,打开会较慢;可减少图层或先简化边界"),
        ));
    }
    write_staged(&mut staging, &o.output, &text)?;
    for l in &summary {
        manifest.count(&l.layer, l.features);
    }
    other_inputs(o, &mut manifest)?;
    let outputs = [o.output.clone(), manifest_path.clone()];
    write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &outputs, begun.elapsed()))?;
    let files = staging.commit()?;
    Ok(PageSummary { layers: summary, bytes: text.len(), notes, files })
}

pub(super) fn counts(read: &[Read]) -> Vec<LayerCount> {
    read.iter()
        .map(|r| LayerCount {
            layer: format!("{}#{}", r.source.file, r.layer.name),
            theme: r.layer.meaning.theme,
            features: r.layer.rows.len(),
            without_geometry: r.layer.shapes.iter().filter(|s| s.is_none()).count(),
        })
        .collect()
}

/// What the reader of the page must know too.
fn page_notes(notes: &Notes) -> Vec<Text> {
    let mut out = notes.warnings.clone();
    let n = notes.unused();
    if n > 0 {
        out.push(Text::new(
            format!("{n} feature(s) could not be used and are not on the page"),
            format!("{n} 个要素无法使用,未列入本页"),
        ));
    }
    out
}

/// Charts by their digests.
fn other_inputs(o: &PageOptions, manifest: &mut Manifest) -> Result<()> {
    o.charts.iter().try_for_each(|path| manifest.file("chart", path))
}

fn parameters(o: &PageOptions) -> Json {
    let shown = |p: &Path| p.display().to_string();
    json!({
        "layers": o.layers.iter().map(|l| crate::error::without_password(l)).collect::<Vec<_>>(),
        "layer_titles": o.layer_titles,
        "fields": o.fields.iter().map(|(r, f)| format!("{}={f}", r.as_str())).collect::<Vec<_>>(),
        "pictures": o.pictures.as_ref().map(|p| p.each_ref().map(|p| shown(p))),
        "picture_titles": o.picture_titles,
        "picture_bands": o.picture_bands,
        "charts": o.charts.iter().map(|p| shown(p)).collect::<Vec<_>>(),
        "chips": o.chips.as_deref().map(shown),
        "title": o.title,
        "lang": if o.lang == Lang::Zh { "zh" } else { "en" },
    })
}
