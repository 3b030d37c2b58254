//! Before and after: two scenes or rasters brought to Web Mercator, as small pictures.

use std::path::PathBuf;

use super::super::super::Notes;
use super::super::super::manifest::Manifest;
use super::super::super::shown::{Shown, mercator};
use super::PageOptions;
use crate::error::{Error, Result, Text};
use crate::model::Role;
use crate::read::raster::Resampling;
use crate::report::page::PagePicture;
use crate::report::page::picture::{Colours, coloured, shaded};
use crate::write::raster::quicklook::png;

/// Longest side of a picture, pixels.
const SIDE: f64 = 1600.0;

/// Both pictures.
pub(super) fn pair(
    o: &PageOptions,
    paths: &[PathBuf; 2],
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<[PagePicture; 2]> {
    Ok([
        one(o, &paths[0], o.picture_titles[0].as_deref(), notes, manifest)?,
        one(o, &paths[1], o.picture_titles[1].as_deref(), notes, manifest)?,
    ])
}

fn one(
    o: &PageOptions,
    path: &PathBuf,
    title: Option<&str>,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<PagePicture> {
    let place = |e: Error| e.in_file(path);
    let shown = Shown::open(path, &o.picture_bands)?;
    let grid = mercator(shown.info()?, SIDE).map_err(place)?;
    let (pixels, nodata) = shown.on(&grid, Resampling::Bilinear)?;
    let Colours { picture, stretched } = match &shown.scene {
        Some(_) => {
            let range = shown.range()?;
            Colours { picture: shaded(&pixels, &nodata, [grid.width, grid.height], range), stretched: range }
        }
        None => coloured(&pixels, &nodata, grid.width, grid.height),
    };
    let name = &shown.name;
    if let Some((low, high)) = stretched {
        notes.warnings.push(Text::new(
            format!("{name}: values from {low:.4} to {high:.4} (2nd to 98th percentile) are shown from dark to light"),
            format!("{name}:数值 {low:.4} 至 {high:.4}(2%–98% 分位)拉伸显示"),
        ));
    }
    match &shown.scene {
        Some((scene, roles)) => {
            let used: Vec<Role> = roles.clone();
            manifest.scenes(&[("picture", scene, &shown.info()?.grid)], &used, None)?;
        }
        None => manifest.file("picture", path)?,
    }
    let b = grid.bounds();
    let png = png(&picture).map_err(place)?;
    Ok(PagePicture { title: title.map_or_else(|| shown.title(), str::to_owned), png, extent: b })
}
