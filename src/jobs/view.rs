//! A scene on one grid: bands calibrated, clouds masked, window by window.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result, Text};
use crate::model::{Asset, BlockSource, Calibration, Crs, Grid, MaskRule, Role, Scene, Seen, Window};
use crate::prepare::observed::{calibrated, dilate_clouds, mask_clouds};
use crate::read::raster::{Resampling, open, warped};
use crate::read::scenes::require;

/// What the user decides about masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskOptions {
    /// Mask clouds, shadows and snow where the scene tells them.
    pub clouds: bool,
    /// Pixels of the scene's grid around cloud and shadow that are masked too.
    pub dilate: usize,
    /// Mask saturated pixels.
    pub saturated: bool,
}

impl Default for MaskOptions {
    fn default() -> Self {
        Self { clouds: true, dilate: 0, saturated: true }
    }
}

/// A band of the view.
struct ViewBand {
    /// Place among the view's sources.
    source: usize,
    asset: Asset,
    /// Nodata that the file tags.
    tagged: Option<f64>,
}

/// A scene on one grid.
pub(super) struct View {
    pub grid: Grid,
    /// Stored pieces of the files behind it.
    pub blocks: Vec<(usize, usize)>,
    sources: Vec<Arc<dyn BlockSource>>,
    bands: Vec<ViewBand>,
    /// Bands from this one on are only shown: what they lack is no reason to leave a pixel out.
    pub shown_from: usize,
    qa: Option<ViewBand>,
    rule: MaskRule,
    options: MaskOptions,
}

/// Bands in a window, and what was seen of it.
pub(super) struct Observation {
    pub bands: Vec<Vec<f32>>,
    pub seen: Vec<Seen>,
}

impl View {
    /// Opens the bands of `roles` on `target`, or on the grid of the coarsest of them; `notes` hears what had to be
    /// resampled.
    ///
    /// # Errors
    /// `Input` where a band is missing, cannot be read, or cannot be brought to the grid.
    pub fn open(
        scene: &Scene,
        roles: &[Role],
        target: Option<&Grid>,
        options: MaskOptions,
        notes: &mut Vec<Text>,
    ) -> Result<Self> {
        require(scene, roles)?;
        let mut files: Vec<(PathBuf, Arc<dyn BlockSource>)> = Vec::new();
        let mut wanted: Vec<&Asset> = roles.iter().filter_map(|r| scene.asset(*r)).collect();
        let qa = scene.asset(Role::Qa).filter(|_| options.clouds && scene.mask != MaskRule::None);
        wanted.extend(qa);
        let mut opened = Vec::new();
        for a in wanted {
            let i = match files.iter().position(|f| f.0 == a.source) {
                Some(i) => i,
                None => {
                    files.push((a.source.clone(), open(&a.source)?));
                    files.len() - 1
                }
            };
            if a.band >= files[i].1.info().bands.len() {
                let (b, n) = (a.band + 1, files[i].1.info().bands.len());
                return Err(Error::input(format!("band {b} is not there, of {n}"), format!("没有波段 {b}(共 {n} 个)"))
                    .in_file(&a.source));
            }
            opened.push((i, a.clone()));
        }
        let grid = match target {
            Some(g) => g.clone(),
            None => coarsest(&opened, &files)?,
        };
        let blocks = files.iter().map(|f| f.1.info().block).collect();
        let mut sources: Vec<Arc<dyn BlockSource>> = files.iter().map(|f| f.1.clone()).collect();
        let mut bands: Vec<ViewBand> = Vec::new();
        for (i, asset) in opened {
            let info = files[i].1.info();
            let tagged = info.bands[asset.band].nodata;
            let mut source = i;
            if !on_grid(&info.grid, &grid) {
                let how = resampling(asset.role, &info.grid, &grid);
                notes.push(resampled(&asset, how));
                // zero is what the warper leaves where the source ends: a band that knows no nodata needs one there
                let nodata = asset.nodata.or(tagged);
                sources.push(warped(info, &grid, how, nodata)?);
                source = sources.len() - 1;
            }
            bands.push(ViewBand { source, asset, tagged });
        }
        let qa = if qa.is_some() { bands.pop() } else { None };
        if options.clouds && qa.is_none() {
            notes.push(Text::new(
                format!("{}: no cloud mask is there; every pixel with data counts as seen", scene.id),
                format!("{}:没有云掩膜,所有有数据的像元都按有效观测处理", scene.id),
            ));
        }
        let shown_from = bands.len();
        Ok(Self { grid, blocks, sources, bands, shown_from, qa, rule: scene.mask, options })
    }

    /// Calibrated bands in a window, in the order of the roles, and the state of each pixel.
    ///
    /// # Errors
    /// `Input` with file and block where a band cannot be read.
    pub fn read(&self, w: Window) -> Result<Observation> {
        let mut seen = vec![Seen::Yes; w.len()];
        let mut bands: Vec<Vec<f32>> = vec![Vec::new(); self.bands.len()];
        for (i, source) in self.sources.iter().enumerate() {
            let here: Vec<usize> = (0..self.bands.len()).filter(|b| self.bands[*b].source == i).collect();
            if here.is_empty() {
                continue;
            }
            let numbers: Vec<usize> = here.iter().map(|b| self.bands[*b].asset.band).collect();
            let pixels = source.read(&numbers, w)?;
            if let Some(m) = source.mask(w)? {
                for (s, m) in seen.iter_mut().zip(m) {
                    *s = if m == 0 && *s == Seen::Yes { Seen::NoData } else { *s };
                }
            }
            for (b, p) in here.into_iter().zip(pixels) {
                let ViewBand { asset, tagged, .. } = &self.bands[b];
                if b >= self.shown_from {
                    bands[b] = calibrated(&p, asset.calibration, None, None, &mut []);
                    continue;
                }
                if let Some(n) = tagged.filter(|t| asset.nodata.is_some_and(|n| n != *t)) {
                    calibrated(&p, Calibration::None, Some(n), None, &mut seen);
                }
                let saturated = asset.saturated.filter(|_| self.options.saturated);
                bands[b] = calibrated(&p, asset.calibration, asset.nodata.or(*tagged), saturated, &mut seen);
            }
        }
        self.mask(w, &mut seen)?;
        Ok(Observation { bands, seen })
    }

    fn mask(&self, w: Window, seen: &mut [Seen]) -> Result<()> {
        let Some(qa) = &self.qa else { return Ok(()) };
        let r = self.options.dilate;
        let wide = grown(w, r, &self.grid);
        let pixels = self.sources[qa.source].read(&[qa.asset.band], wide)?;
        let Some(pixels) = pixels.into_iter().next() else { return Ok(()) };
        let mut states = vec![Seen::Yes; wide.len()];
        mask_clouds(self.rule, &pixels, &mut states);
        dilate_clouds(&mut states, wide.width, r);
        for (i, row) in seen.chunks_exact_mut(w.width).enumerate() {
            let from = (w.row - wide.row + i) * wide.width + w.col - wide.col;
            for (s, m) in row.iter_mut().zip(&states[from..from + w.width]) {
                *s = if *s == Seen::Yes { *m } else { *s };
            }
        }
        Ok(())
    }
}

/// The grid of the largest pixels among the bands that carry values.
fn coarsest(opened: &[(usize, Asset)], files: &[(PathBuf, Arc<dyn BlockSource>)]) -> Result<Grid> {
    let values = opened.iter().filter(|(_, a)| !matches!(a.role, Role::Qa | Role::Radsat | Role::Tir | Role::Tir2));
    let all = values.chain(opened.iter().filter(|(_, a)| matches!(a.role, Role::Tir | Role::Tir2)));
    let mut best: Option<&Grid> = None;
    for (i, a) in all {
        let g = &files[*i].1.info().grid;
        if best.is_none_or(|b| g.pixel_area() > 1.0001 * b.pixel_area() && !matches!(a.role, Role::Tir | Role::Tir2)) {
            best = Some(g);
        }
    }
    best.cloned().ok_or_else(|| Error::usage("no band was asked for", "没有请求任何波段"))
}

fn grown(w: Window, r: usize, g: &Grid) -> Window {
    let (col, row) = (w.col.saturating_sub(r), w.row.saturating_sub(r));
    let (c1, r1) = ((w.col + w.width + r).min(g.width), (w.row + w.height + r).min(g.height));
    Window { col, row, width: c1 - col, height: r1 - row }
}

fn resampling(role: Role, from: &Grid, to: &Grid) -> Resampling {
    if role.is_quality() {
        Resampling::Nearest
    } else if from.pixel_area() < 0.7 * to.pixel_area() && same_crs(from.crs.as_ref(), to.crs.as_ref()) {
        Resampling::Average
    } else {
        Resampling::Bilinear
    }
}

fn resampled(a: &Asset, how: Resampling) -> Text {
    Text::new(
        format!("{} was resampled ({})", a.source.display(), how.name()),
        format!("{} 已重采样({})", a.source.display(), how.name()),
    )
}

/// Same pixels, and the same CRS as far as codes and definitions tell.
pub(super) fn on_grid(a: &Grid, b: &Grid) -> bool {
    a.same_pixels(b) && same_crs(a.crs.as_ref(), b.crs.as_ref())
}

pub(super) fn same_crs(a: Option<&Crs>, b: Option<&Crs>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => match (&a.code, &b.code) {
            (Some(x), Some(y)) => x == y,
            _ => a.definition == b.definition,
        },
        (a, b) => a.is_none() && b.is_none(),
    }
}
