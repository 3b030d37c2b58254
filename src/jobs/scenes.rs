//! `scenes`: what lies below a folder, as a STAC catalogue.

use std::path::{Path, PathBuf};

use super::Notes;
use crate::error::{Error, Result, Text};
use crate::model::{Grid, Progress, Scene};
use crate::prepare::crs::{geographic_bounds, resolve};
use crate::read::raster::open;
use crate::read::scenes::{BandRole, is_scene, scene};
use crate::report::catalogue::{Item, item_collection};
use crate::write::text;

/// Folders followed below the one given.
const DEPTH: usize = 8;

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct ScenesOptions {
    /// Folder to look in.
    pub dir: PathBuf,
    /// Bands of plain rasters.
    pub bands: Vec<BandRole>,
    /// Catalogue.
    pub output: PathBuf,
    /// Replace it if it exists.
    pub overwrite: bool,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenesSummary {
    /// Scenes, by time.
    pub scenes: Vec<Scene>,
    /// What looked like a scene and could not be used.
    pub left_out: Vec<(PathBuf, Text)>,
    /// What was inferred.
    pub notes: Notes,
    /// Catalogue.
    pub file: PathBuf,
}

/// Writes the catalogue.
///
/// # Errors
/// `Input` where the folder cannot be read or holds no scene; `Output` where the catalogue cannot be written.
pub fn run(o: &ScenesOptions, progress: &dyn Progress) -> Result<ScenesSummary> {
    progress.step(&Text::new("looking for scenes", "查找影像"), None);
    let mut found = Vec::new();
    look(&o.dir, 0, !o.bands.is_empty(), &mut found)?;
    let (mut items, mut left_out) = (Vec::new(), Vec::new());
    for path in found {
        progress.check()?;
        progress.advance(1);
        match scene(&path, if path.is_dir() { &[] } else { &o.bands }).and_then(item) {
            Ok(i) => items.push(i),
            Err(e) => left_out.push((path, (*e.what).clone())),
        }
    }
    if items.is_empty() {
        let e = Error::input("no scene was found", "未找到影像").in_file(&o.dir);
        return Err(e.remedy(
            "expected Landsat folders with *_MTL.txt, Sentinel-2 .SAFE folders, or rasters together with --bands",
            "应含带 *_MTL.txt 的 Landsat 文件夹、Sentinel-2 .SAFE 文件夹,或配合 --bands 的栅格文件",
        ));
    }
    items.sort_by(|a, b| (a.scene.datetime, &a.scene.id).cmp(&(b.scene.datetime, &b.scene.id)));
    let mut notes = Notes::default();
    let undated = items.iter().filter(|i| i.scene.datetime.is_none()).count();
    if undated > 0 {
        notes.warnings.push(Text::new(
            format!("{undated} scene(s) have no date: neither their metadata nor their names tell one"),
            format!("{undated} 景影像没有日期:元数据和文件名均未注明"),
        ));
    }
    let folder = o.output.parent().unwrap_or(Path::new(""));
    let mut json = serde_json::to_string_pretty(&item_collection(&items, |p| relative(p, folder))).unwrap_or_default();
    json.push('\n');
    text::write(&o.output, &json, o.overwrite)?;
    let scenes = items.into_iter().map(|i| i.scene).collect();
    Ok(ScenesSummary { scenes, left_out, notes, file: o.output.clone() })
}

/// Scene folders, and rasters where asked for.
fn look(folder: &Path, depth: usize, rasters: bool, out: &mut Vec<PathBuf>) -> Result<()> {
    if is_scene(folder) {
        out.push(folder.to_path_buf());
        return Ok(());
    }
    let failed = |e: std::io::Error| {
        Error::input(format!("the folder cannot be read: {e}"), format!("无法读取文件夹:{e}")).in_file(folder)
    };
    let mut entries = Vec::new();
    for e in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(e.map_err(failed)?.path());
    }
    entries.sort();
    for e in entries {
        if e.is_dir() {
            if depth < DEPTH {
                look(&e, depth + 1, rasters, out)?;
            }
        } else if rasters
            && e.extension().is_some_and(|x| ["tif", "tiff", "jp2"].iter().any(|k| x.eq_ignore_ascii_case(k)))
        {
            out.push(e);
        }
    }
    Ok(())
}

fn item(s: Scene) -> Result<Item> {
    let first = s.assets.first().ok_or_else(|| Error::input("it has no bands", "没有波段"))?;
    let grid = open(&first.source)?.info().grid.clone();
    let lonlat = lonlat(&grid)?;
    Ok(Item { scene: s, grid, lonlat })
}

/// Bounds in degrees; `None` where the CRS is not known.
fn lonlat(g: &Grid) -> Result<Option<[f64; 4]>> {
    match &g.crs {
        Some(c) => Ok(geographic_bounds(&resolve(c)?, g.bounds())),
        None => Ok(None),
    }
}

/// A path as seen from the catalogue's folder, where it lies below it.
fn relative(p: &Path, folder: &Path) -> String {
    let whole = |p: &Path| std::fs::canonicalize(p).ok();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match (whole(p), whole(folder)) {
        (Some(p), Some(f)) => match p.strip_prefix(&f) {
            Ok(r) => format!("./{}", r.display()),
            Err(_) => p.display().to_string(),
        },
        _ => p.display().to_string(),
    }
}
