//! Chips of findings: PNG files from a folder, or made of a scene before and one after.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::super::shown::Shown;
use crate::error::{Error, Result, Text};
use crate::model::{Chip, Finding, Progress};
use crate::read::chip::chip;
use crate::read::raster::Resampling;
use crate::report::chip::{frame, outline};
use crate::report::page::picture::shaded;
use crate::write::raster::quicklook::titled_png;

/// Where chips come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChipOptions {
    /// Folder of `ID_before.png`, `ID_after.png`.
    pub folder: Option<PathBuf>,
    /// Scene or raster that shows places before.
    pub before: Option<PathBuf>,
    /// Scene or raster that shows places after.
    pub after: Option<PathBuf>,
    /// Bands of a raster as red, green, blue, from 1; the first three, or the first, where empty.
    pub bands: Vec<usize>,
}

/// Gives findings their chips; `notes` hears how many places a scene does not show.
///
/// # Errors
/// `Input` where a picture or scene cannot be read, `Interrupted`.
pub(super) fn chips(
    o: &ChipOptions,
    findings: &mut [Finding],
    notes: &mut Vec<Text>,
    progress: &dyn Progress,
) -> Result<()> {
    if let Some(dir) = &o.folder {
        return findings.iter_mut().try_for_each(|f| from_folder(dir, f));
    }
    let [before, after] = [&o.before, &o.after].map(|p| p.as_ref().map(|p| Maker::open(p, &o.bands)).transpose());
    let (mut before, mut after) = (before?, after?);
    if before.is_none() && after.is_none() {
        return Ok(());
    }
    common_range(&mut before, &mut after);
    progress.step(&Text::new("cutting chips", "裁切影像"), Some(findings.len() as u64));
    let made = findings
        .par_iter()
        .map(|f| {
            progress.check()?;
            let of = |m: &Option<Maker>| m.as_ref().map(|m| m.chip(f)).transpose().map(Option::flatten);
            let pair = [of(&before)?, of(&after)?];
            progress.advance(1);
            Ok(pair)
        })
        .collect::<Result<Vec<_>>>()?;
    for (k, maker) in [&before, &after].into_iter().enumerate() {
        let unseen = made.iter().filter(|pair| pair[k].is_none()).count();
        if let Some(m) = maker.as_ref().filter(|_| unseen > 0) {
            notes.push(Text::new(
                format!(
                    "{}: it does not show {unseen} of {} places; they have no chip of it",
                    m.shown.name,
                    made.len()
                ),
                format!("{}:{} 处中有 {unseen} 处不在影像内或无数据,没有切片", m.shown.name, made.len()),
            ));
        }
    }
    for (f, [before, after]) in findings.iter_mut().zip(made) {
        (f.evidence.before, f.evidence.after) = (before, after);
    }
    Ok(())
}

/// Cuts chips out of one scene.
struct Maker {
    shown: Shown,
    /// Values shown from dark to light; bytes as they are where `None`.
    range: Option<(f64, f64)>,
}

impl Maker {
    fn open(path: &Path, bands: &[usize]) -> Result<Self> {
        let place = |e: Error| e.in_file(path);
        let shown = Shown::open(path, bands)?;
        let range = shown.range().map_err(place)?;
        Ok(Self { shown, range })
    }

    /// The chip of a finding; `None` where the scene shows nothing of it.
    fn chip(&self, f: &Finding) -> Result<Option<Chip>> {
        let Some(grid) = frame(&f.place, f.footprint_m) else { return Ok(None) };
        // pixels stay what they are: a chip is evidence
        let (pixels, nodata) = self.shown.on(&grid, Resampling::Nearest)?;
        let mut picture = shaded(&pixels, &nodata, [grid.width, grid.height], self.range);
        if picture.rgba.chunks_exact(4).all(|p| p[3] == 0) {
            return Ok(None);
        }
        outline(&mut picture, &grid, &f.place, f.footprint_m);
        let scene = self.shown.title();
        Ok(Some(png_chip(titled_png(&picture, &scene)?, scene)))
    }
}

/// Both dates in the same colours, so that what looks darker is darker.
fn common_range(before: &mut Option<Maker>, after: &mut Option<Maker>) {
    if let (Some(b), Some(a)) = (before, after)
        && let (Some((l0, h0)), Some((l1, h1))) = (b.range, a.range)
        && b.shown.scene.is_some() == a.shown.scene.is_some()
    {
        let both = Some((l0.min(l1), h0.max(h1)));
        (b.range, a.range) = (both, both);
    }
}

fn png_chip(bytes: Vec<u8>, scene: String) -> Chip {
    let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    Chip::Png { sha256, bytes, scene }
}

/// Chips of a finding in a folder: by its object id, else by its feature's number.
fn from_folder(dir: &Path, f: &mut Finding) -> Result<()> {
    let number = f.evidence.source.rsplit_once('#').map(|(_, n)| n.to_owned()).unwrap_or_default();
    let name = f.object_id.clone().unwrap_or(number);
    // an id may hold what a file name may not
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let png = |which: &str| -> Result<Option<Chip>> {
        Ok(chip(&dir.join(format!("{name}_{which}.png")))?.map(|bytes| png_chip(bytes, String::new())))
    };
    (f.evidence.before, f.evidence.after) = (png("before")?, png("after")?);
    Ok(())
}
