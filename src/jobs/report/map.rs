//! `report map`: layers as map sheets on paper, one or an atlas, as PDF and PNG.

mod background;
mod drawn;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use geo::Coord;
use serde_json::{Value as Json, json};

use super::super::Notes;
use super::super::inputs::InputOptions;
use super::super::manifest::{Manifest, companion};
use super::layers::{Read, Wanted, read};
use super::page::PageRole;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Crs, Progress, Sheet};
use crate::prepare::crs::{ResolvedCrs, Transformation, Transformer};
use crate::report::sheet::{Composition, Earth, Layout, Made, Said, View, sheet};
pub use crate::report::sheet::{GridLines, Paper};
use crate::write::Staging;
use crate::write::drawing::{pdf, sheet_png, world_file};
use crate::write::text::{write_bytes_staged, write_staged};
use crate::write::typeface::Typefaces;
use drawn::{Leaf, Projected, leaves};

/// Sheets of an atlas at most.
const MOST_SHEETS: usize = 1_000;

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct MapOptions {
    /// Layers, FILE or FILE#layer, the lowest first.
    pub layers: Vec<String>,
    /// Titles by layer name.
    pub layer_titles: Vec<(String, String)>,
    /// Fields by what they say.
    pub fields: Vec<(PageRole, String)>,
    /// Title.
    pub title: Option<String>,
    /// Paper.
    pub paper: Paper,
    /// Wider than high.
    pub lying: bool,
    /// N of 1:N; the round scale that shows everything unless told.
    pub scale: Option<f64>,
    /// Dots per inch of a PNG.
    pub dpi: f64,
    /// CRS of the sheets; the 3-degree zone of CGCS2000 that the middle of each lies in unless told.
    pub crs: Option<String>,
    /// West, south, east, north in degrees; what the layers cover unless told.
    pub extent: Option<[f64; 4]>,
    /// A sheet for each value of this field.
    pub by: Option<String>,
    /// Field that is written on features; their names unless told.
    pub label: Option<String>,
    /// Write nothing on features.
    pub no_labels: bool,
    /// Lines of coordinates.
    pub grid: GridLines,
    /// A raster below everything.
    pub background: Option<PathBuf>,
    /// Its bands as red, green, blue, from 1; by their number where empty.
    pub background_bands: Vec<usize>,
    /// Who made it.
    pub made_by: Option<String>,
    /// Sources to name beside the files.
    pub sources: Vec<String>,
    /// How layers are read.
    pub input: InputOptions,
    /// Outputs, `.pdf` and `.png`, all in one folder.
    pub outputs: Vec<PathBuf>,
    /// Replace them where they exist.
    pub overwrite: bool,
    /// Refuse the run where a feature cannot be used as it is.
    pub strict: bool,
    /// Language.
    pub lang: Lang,
    /// Time of the run.
    pub time: DateTime<Utc>,
}

/// A sheet that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetLine {
    /// Value of the field, in an atlas.
    pub value: Option<String>,
    /// N of 1:N.
    pub scale: f64,
    /// CRS.
    pub crs: String,
    /// Least x and y, greatest x and y of its frame.
    pub bounds: [f64; 4],
    /// Features on it.
    pub features: usize,
    /// Labels written, and those for which there was no room.
    pub labels: (usize, usize),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct MapSummary {
    /// Sheets.
    pub sheets: Vec<SheetLine>,
    /// What must be said.
    pub notes: Notes,
    /// What was written.
    pub files: Vec<PathBuf>,
}

/// Draws the sheets and writes them with their manifest.
///
/// # Errors
/// `Usage` where options do not fit together or a field is none, `Input` where a layer or raster cannot be read or shows no
/// place, `Output` where a file cannot be written or no font holds Chinese.
pub fn run(o: &MapOptions, progress: &dyn Progress) -> Result<MapSummary> {
    let begun = Instant::now();
    let first = checked(o)?;
    let mut staging = Staging::beside(first, o.overwrite)?;
    let manifest_path = companion(first, ".manifest.json");
    staging.claim(&manifest_path)?;
    for p in o.outputs.iter().filter(|p| o.by.is_none() || is(p, "pdf")) {
        staging.claim(p)?;
    }
    let faces = Typefaces::with_chinese()?;
    let mut notes = Notes::default();
    let mut manifest = Manifest::new("report map", o.time, parameters(o));
    progress.step(&Text::new("reading layers", "读取图层"), Some(o.layers.len() as u64));
    let wanted = Wanted {
        layers: &o.layers,
        layer_titles: &o.layer_titles,
        fields: &o.fields,
        chips: None,
        histories: false,
        input: &o.input,
    };
    let layers = drawn::kept(read(&wanted, &mut notes, &mut manifest, progress)?, o, &mut notes);
    if o.strict {
        notes.refuse()?;
    }
    if let Some(path) = &o.background {
        manifest.file("background", path)?;
    }
    let plan = leaves(o, &layers, &mut notes)?;
    if plan.len() > MOST_SHEETS {
        let n = plan.len();
        return Err(Error::usage(
            format!("{n} sheets, one for each value; {MOST_SHEETS} are the most"),
            format!("按取值共 {n} 幅,最多 {MOST_SHEETS} 幅"),
        )
        .remedy("choose a field with fewer values for --by", "请为 --by 选择取值较少的字段"));
    }
    let mut atlas = Atlas { o, layers: &layers, faces: &faces, projected: Vec::new(), lines: Vec::new() };
    let mut outputs = vec![manifest_path.clone()];
    outputs.extend(atlas.write(&plan, &mut staging, &mut notes, progress)?);
    notes.warnings.extend(super::bulletin::missing(&faces));
    // sheets of an atlas may say the same
    let mut said = Vec::new();
    notes.warnings.retain(|w| {
        !said.contains(w) && {
            said.push(w.clone());
            true
        }
    });
    let sheets = atlas.lines;
    manifest.count("sheets", sheets.len());
    for l in super::page::counts(&layers) {
        manifest.count(&l.layer, l.features);
    }
    write_staged(&mut staging, &manifest_path, &manifest.text(&notes, &outputs, begun.elapsed()))?;
    let files = staging.commit()?;
    Ok(MapSummary { sheets, notes, files })
}

fn is(p: &Path, ext: &str) -> bool {
    p.extension().is_some_and(|e| e.eq_ignore_ascii_case(ext))
}

/// Options that fit together; answers the first output.
fn checked(o: &MapOptions) -> Result<&PathBuf> {
    let Some(first) = o.outputs.first() else {
        return Err(Error::usage("no output is named", "未指定输出文件").remedy("-o map.pdf", "-o 图.pdf"));
    };
    if let Some(p) = o.outputs.iter().find(|p| !is(p, "pdf") && !is(p, "png")) {
        return Err(Error::usage("a map sheet is a .pdf or a .png", "专题图须为 .pdf 或 .png").in_file(p));
    }
    if o.outputs.iter().any(|p| p.parent() != first.parent()) {
        return Err(Error::usage("the outputs are in several folders", "输出文件不在同一文件夹").remedy(
            "name them in one folder: they are put in their place together",
            "请放在同一文件夹:它们会一起写出",
        ));
    }
    if !(30.0..=1200.0).contains(&o.dpi) {
        return Err(Error::usage("--dpi is a number from 30 to 1200", "--dpi 须在 30 至 1200 之间"));
    }
    if o.scale.is_some_and(|s| !(50.0..=1e9).contains(&s)) {
        return Err(Error::usage(
            "--scale N is the N of 1:N, from 50 to 1000000000",
            "--scale N 即 1:N,N 须在 50 至 1000000000 之间",
        ));
    }
    let sound = |[w, s, e, n]: [f64; 4]| w < e && s < n && w >= -180.0 && e <= 180.0 && s >= -90.0 && n <= 90.0;
    if o.extent.is_some_and(|b| !sound(b)) {
        return Err(Error::usage("--extent is west,south,east,north in degrees", "--extent 须为 西,南,东,北(度)")
            .remedy("for example --extent 106.6,39.3,107.1,39.9", "例如 --extent 106.6,39.3,107.1,39.9"));
    }
    if o.label.is_some() && o.no_labels {
        return Err(Error::usage("--label and --no-labels exclude each other", "--label 与 --no-labels 不能同用"));
    }
    Ok(first)
}

/// Sheets in the making.
struct Atlas<'a> {
    o: &'a MapOptions,
    layers: &'a [Read],
    faces: &'a Typefaces,
    /// Layers in the CRSs that sheets needed so far.
    projected: Vec<Projected>,
    lines: Vec<SheetLine>,
}

impl Atlas<'_> {
    /// Draws every sheet and writes it; answers the files.
    fn write(
        &mut self,
        plan: &[Leaf],
        staging: &mut Staging,
        notes: &mut Notes,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>> {
        let o = self.o;
        progress.step(&Text::new("drawing sheets", "绘制图幅"), Some(plan.len() as u64));
        let title = title(o, None);
        let about = pdf::About { title, lang: o.lang, time: o.time };
        let wants = |ext: &str| o.outputs.iter().filter(|p| is(p, ext)).collect::<Vec<_>>();
        let (pdfs, pngs) = (wants("pdf"), wants("png"));
        let mut file = (!pdfs.is_empty()).then(|| pdf::File::new(self.faces));
        let mut outputs: Vec<PathBuf> = pdfs.iter().map(|p| (*p).clone()).collect();
        let mut taken = BTreeSet::new();
        for (i, leaf) in plan.iter().enumerate() {
            progress.check()?;
            let made = self.draw(leaf, (i + 1, plan.len()), notes)?;
            if let Some(f) = &mut file {
                f.add(&made.sheet);
            }
            for p in &pngs {
                let path = leaf.value.as_ref().map_or_else(|| (*p).clone(), |v| named(p, i + 1, v, &mut taken));
                outputs.extend(self.picture(&path, &made.sheet, staging)?);
            }
            progress.advance(1);
        }
        if let Some(f) = file {
            let bytes = f.finish(&about)?;
            for p in pdfs {
                write_bytes_staged(staging, p, &bytes)?;
            }
        }
        Ok(outputs)
    }

    fn picture(&self, path: &Path, sheet: &Sheet, staging: &mut Staging) -> Result<Vec<PathBuf>> {
        let png = sheet_png(&sheet.drawing, self.o.dpi, self.faces).map_err(|e| e.in_file(path))?;
        write_bytes_staged(staging, path, &png)?;
        let mut out = vec![path.to_path_buf()];
        if let Some(g) = &sheet.ground {
            let world = path.with_extension("pgw");
            write_staged(staging, &world, &world_file(g, self.o.dpi))?;
            out.push(world);
        }
        Ok(out)
    }

    fn draw(&mut self, leaf: &Leaf, number: (usize, usize), notes: &mut Notes) -> Result<Made> {
        let o = self.o;
        let crs = drawn::sheet_crs(o, leaf)?;
        let at = self.projected(&crs)?;
        let projected = &self.projected[at];
        let transformer = Transformation::to_geographic(&crs, Some(leaf.area))?.transformer()?;
        let (lonlat, xy) = (|p: [f64; 2]| go(&transformer, p, false), |p: [f64; 2]| go(&transformer, p, true));
        let earth = Earth { lonlat: &lonlat, xy: &xy, unit_m: crs.unit_to_si };
        let layout = Layout::new(o.paper, o.lying);
        let extent = match o.extent {
            Some(b) => drawn::outline(b, &xy),
            None => projected.extent(leaf),
        };
        let nowhere = || {
            Error::input("the sheet shows no place of its CRS", "图幅范围不在其坐标系内")
                .remedy("choose another --out-crs or --extent", "请更换 --out-crs 或 --extent")
        };
        let view = extent.and_then(|e| View::of(layout.frame, e, o.scale, &earth)).ok_or_else(nowhere)?;
        let background = match &o.background {
            Some(path) => background::picture(o, path, &view, &crs, notes)?,
            None => None,
        };
        let layers = projected.layers(leaf);
        let said = said(o, self.layers, &crs, leaf, number);
        let own = Crs { definition: crs.definition.clone(), code: crs.code.clone(), name: crs.name.clone() };
        let c = Composition { layout, view, earth, crs: own, layers: &layers, grid: o.grid, background, said };
        let made = sheet(&c, self.faces);
        let cut = projected.outside(leaf, view.bounds);
        if cut > 0 {
            let name = leaf.value.as_ref().map_or_else(|| number.0.to_string(), |v| format!("{} ({v})", number.0));
            notes.warnings.push(Text::new(
                format!("sheet {name}: {cut} feature(s) lie outside its frame, wholly or in part"),
                format!("图幅 {name}:{cut} 个要素全部或部分在图廓之外"),
            ));
        }
        self.lines.push(SheetLine {
            value: leaf.value.clone(),
            scale: view.denominator,
            crs: crs.label(),
            bounds: view.bounds,
            features: made.shown,
            labels: (made.labelled, made.unlabelled),
        });
        Ok(made)
    }

    /// The place of the layers in a CRS, which are brought there once.
    fn projected(&mut self, crs: &ResolvedCrs) -> Result<usize> {
        if let Some(at) = self.projected.iter().position(|p| p.definition == crs.definition) {
            return Ok(at);
        }
        self.projected.push(Projected::new(self.o, self.layers, crs)?);
        Ok(self.projected.len() - 1)
    }
}

fn go(t: &Transformer, p: [f64; 2], inverse: bool) -> Option<[f64; 2]> {
    let mut c = [Coord { x: p[0], y: p[1] }];
    let failed = if inverse { t.inverse(&mut c) } else { t.forward(&mut c) };
    failed.is_empty().then_some([c[0].x, c[0].y])
}

/// The title of a sheet: in an atlas with its value.
fn title(o: &MapOptions, value: Option<&str>) -> String {
    let own = o.title.clone().unwrap_or_else(|| Text::new("Map of results", "成果专题图").in_lang(o.lang).to_owned());
    match value {
        None => own,
        Some(v) => format!("{own} · {v}"),
    }
}

fn said(o: &MapOptions, layers: &[Read], crs: &ResolvedCrs, leaf: &Leaf, number: (usize, usize)) -> Said {
    let meridian = crs.gauss_kruger.map(|g| g.central_meridian);
    let crs_text = match meridian {
        None => Text::new(crs.label(), crs.label()),
        Some(m) => {
            Text::new(format!("{}, central meridian {m}° E", crs.label()), format!("{},中央经线 {m}°E", crs.label()))
        }
    };
    let mut sources: Vec<Text> = layers
        .iter()
        .map(|r| {
            let (file, n) = (&r.source.file, r.source.features);
            let layer = r.source.layer.as_deref().map(|l| format!("#{l}")).unwrap_or_default();
            Text::new(format!("{file}{layer} ({n} features)"), format!("{file}{layer}({n} 个要素)"))
        })
        .collect();
    if let Some(b) = &o.background {
        let name = b.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        sources.push(Text::new(&name, &name));
    }
    // those that the user tells come first
    let told: Vec<Text> = o.sources.iter().map(|s| Text::new(s, s)).collect();
    sources.splice(0..0, told);
    Said {
        title: title(o, leaf.value.as_deref()),
        crs: crs_text,
        sources,
        made_by: o.made_by.clone(),
        made: o.time.date_naive(),
        number,
        lang: o.lang,
    }
}

/// The file of a sheet of an atlas: its number, and its value as far as file names can hold it.
fn named(path: &Path, number: usize, value: &str, taken: &mut BTreeSet<String>) -> PathBuf {
    let plain: String =
        value.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).take(40).collect();
    let mut name = format!("{number:03}_{plain}");
    if !taken.insert(name.clone()) {
        name = format!("{number:03}");
        taken.insert(name.clone());
    }
    companion(path, &format!("_{name}.png"))
}

fn parameters(o: &MapOptions) -> Json {
    json!({
        "layers": o.layers.iter().map(|l| crate::error::without_password(l)).collect::<Vec<_>>(),
        "layer_titles": o.layer_titles,
        "fields": o.fields.iter().map(|(r, f)| format!("{}={f}", r.as_str())).collect::<Vec<_>>(),
        "title": o.title,
        "paper": if o.paper == Paper::A4 { "a4" } else { "a3" },
        "orientation": if o.lying { "landscape" } else { "portrait" },
        "scale": o.scale,
        "dpi": o.dpi,
        "out_crs": o.crs,
        "extent": o.extent,
        "by": o.by,
        "label": o.label,
        "labels": !o.no_labels,
        "grid": format!("{:?}", o.grid).to_lowercase(),
        "background": o.background.as_deref().map(|p| p.display().to_string()),
        "background_bands": o.background_bands,
        "made_by": o.made_by,
        "sources": o.sources,
        "lang": if o.lang == Lang::Zh { "zh" } else { "en" },
    })
}
