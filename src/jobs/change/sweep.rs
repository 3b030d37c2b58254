//! The one pass that computes, writes and labels.

use super::pair::Pair;
use super::passes::{Ready, Values};
use super::{ChangeOptions, Method, about, classes_path};
use crate::analysis::change::from_to::{UNKNOWN, moved, pairs};
use crate::analysis::change::{STABLE, UNSEEN, changed, classes};
use crate::analysis::patches::{Labeller, Patch, PatchOptions, Patches, Run, in_rows, runs};
use crate::error::{Result, Text};
use crate::jobs::Notes;
use crate::jobs::index::of;
use crate::jobs::pipeline::run as each;
use crate::jobs::raster_out::{OutPixel, RasterType, SeenCounts, head, pixels};
use crate::model::{Grid, Progress, Role, Seen, Window};
use crate::report::quicklook::{Look, Triptych};
use crate::write::Staging;
use crate::write::raster::{BandHead, Cog, Overviews, RasterHead, Statistics, Tile};

/// What a unit of work hands over.
struct Unit<T> {
    tile: Option<Tile<T>>,
    class_tile: Option<Tile<u8>>,
    counts: SeenCounts,
    by_class: [u64; 4],
    by_pair: Vec<u64>,
    clipped: u64,
    runs: Vec<Run>,
    moved: Vec<Run>,
    look: Look,
}

/// What the loop over the raster leaves.
pub(super) struct Swept {
    pub counts: SeenCounts,
    /// Pixels by direction.
    pub by_class: [u64; 4],
    /// Pixels by from–to classes.
    pub by_pair: Vec<u64>,
    pub patches: Patches,
    /// Patches of from–to classes that differ.
    pub moved: Vec<Patch>,
    pub statistics: Option<Statistics>,
    pub look: Triptych,
}

pub(super) fn sweep(
    o: &ChangeOptions,
    pair: &Pair,
    ready: &Ready,
    staging: Option<&Staging>,
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<Swept> {
    match o.raster.out.ty {
        RasterType::Int16 => sweep_as::<i16>(o, pair, ready, staging, progress, notes),
        RasterType::Float32 => sweep_as::<f32>(o, pair, ready, staging, progress, notes),
    }
}

fn sweep_as<T: OutPixel>(
    o: &ChangeOptions,
    pair: &Pair,
    ready: &Ready,
    staging: Option<&Staging>,
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<Swept> {
    let grid = &pair.before.grid;
    let heads = Heads {
        values: head::<T>(grid, &[pair.title(o)], o.raster.out, about(o, pair, ready)),
        classes: class_head(o, pair),
        triptych: Triptych::new(grid, &pair.roles),
    };
    let (mut cog, mut class_cog) = (None, None);
    if let (Some(path), Some(staging)) = (&o.output, staging) {
        cog = Some(Cog::<T>::create(&staging.place(path)?, heads.values.clone())?);
    }
    if let (Some(path), Some(staging)) = (classes_path(o), staging) {
        class_cog = Some(Cog::<u8>::create(&staging.place(&path)?, heads.classes.clone())?);
    }
    let min_pixels = (o.min_area_m2 / pair.pixel_m2()?).ceil().max(1.0) as u64;
    let options = PatchOptions { connectivity: o.connectivity, min_pixels };
    let (mut band, mut moved_band) = (Band::new(grid, options), Band::new(grid, options));
    let mut s = Swept {
        counts: SeenCounts::default(),
        by_class: [0; 4],
        by_pair: vec![0; 256],
        patches: Patches::default(),
        moved: Vec::new(),
        statistics: None,
        look: heads.triptych.clone(),
    };
    let mut clipped = 0;
    progress.step(&Text::new("change", "变化检测"), Some(pair.windows.len() as u64));
    each(
        &pair.windows,
        progress,
        |w| unit::<T>(o, pair, ready, &heads, w),
        |w, u| {
            s.counts.add(&u.counts);
            s.by_class.iter_mut().zip(u.by_class).for_each(|(a, b)| *a += b);
            s.by_pair.iter_mut().zip(&u.by_pair).for_each(|(a, b)| *a += b);
            clipped += u.clipped;
            s.look.put(&u.look);
            band.put(w, u.runs);
            moved_band.put(w, u.moved);
            if let (Some(c), Some(t)) = (&mut class_cog, u.class_tile) {
                c.put(t)?;
            }
            match (&mut cog, u.tile) {
                (Some(c), Some(t)) => c.put(t),
                _ => Ok(()),
            }
        },
    )?;
    if let Some(c) = cog {
        s.statistics = c.finish()?.into_iter().next().flatten();
    }
    if let Some(c) = class_cog {
        c.finish()?;
    }
    s.patches = band.finish();
    s.moved = moved_band.finish().patches;
    if clipped > 0 {
        notes.warnings.push(Text::new(
            format!("{clipped} value(s) beyond ±3.2767 were clipped by int16; use --type float32"),
            format!("有 {clipped} 个值超出 ±3.2767,被 int16 截断;请用 --type float32"),
        ));
    }
    Ok(s)
}

/// What every unit needs to know of the outputs.
struct Heads {
    values: RasterHead,
    classes: RasterHead,
    triptych: Triptych,
}

fn unit<T: OutPixel>(o: &ChangeOptions, pair: &Pair, ready: &Ready, heads: &Heads, w: Window) -> Result<Unit<T>> {
    let v = ready.values(o, pair, w)?;
    let classes = match o.method {
        Method::Difference(_) => classes(&v.values, &v.seen, ready.limits.0 as f32, ready.limits.1 as f32),
        _ => changed(&v.values, &v.seen, ready.limits.1 as f32),
    };
    let pair_of = if o.classes.is_empty() { Vec::new() } else { from_to(o, &pair.roles, &v) };
    let (mut tile, mut class_tile, mut clipped) = (None, None, 0);
    if o.output.is_some() {
        let (p, n) = pixels::<T>(&v.values, &v.seen);
        (tile, clipped) = (Some(heads.values.encode(0, w, &p)), n);
        if !pair_of.is_empty() {
            class_tile = Some(heads.classes.encode(0, w, &pair_of));
        }
    }
    let mut by_pair = vec![0; if pair_of.is_empty() { 0 } else { 256 }];
    pair_of.iter().for_each(|p| by_pair[usize::from(*p)] += 1);
    let mut by_class = [0; 4];
    for (n, class) in by_class.iter_mut().zip(0u8..).skip(1) {
        *n = classes.iter().filter(|c| **c == class).count() as u64;
    }
    let (mut found, mut moved_runs) = (Vec::new(), Vec::new());
    if o.patches.is_some() {
        found = runs(w, &classes, &pair_of, &v.values, |c| c != STABLE && c != UNSEEN);
        if !pair_of.is_empty() {
            moved_runs = runs(w, &pair_of, &[], &v.values, moved);
        }
    }
    let look = match o.raster.quicklook && !o.count_only {
        true => heads.triptych.sample(w, &v.bands, &v.each, &v.values, &v.seen),
        false => Look::default(),
    };
    let counts = SeenCounts::of(&v.seen);
    Ok(Unit { tile, class_tile, counts, by_class, by_pair, clipped, runs: found, moved: moved_runs, look })
}

/// From–to classes of the pixels of a unit.
fn from_to(o: &ChangeOptions, roles: &[Role], v: &Values) -> Vec<u8> {
    let mut seen: Vec<Seen> = v.seen.clone();
    let [from, to] = [0, 1].map(|date| {
        let values: Vec<Vec<f32>> =
            o.classes.indices().into_iter().map(|i| of(i, roles, &v.bands[date], &mut seen)).collect();
        o.classes.of(&values)
    });
    pairs(&from, &to, &seen)
}

fn class_head(o: &ChangeOptions, pair: &Pair) -> RasterHead {
    let legend: Vec<String> = o.classes.names().map(|(n, name)| format!("{n} {name}")).collect();
    RasterHead {
        grid: pair.before.grid.clone(),
        bands: vec![BandHead { description: "from_to".into(), scale: 1.0, offset: 0.0 }],
        nodata: Some(f64::from(UNKNOWN)),
        overviews: if o.raster.out.overviews { Overviews::Nearest } else { Overviews::None },
        packing: o.raster.out.packing,
        metadata: vec![
            ("BEFORE".into(), pair.scenes[0].id.clone()),
            ("AFTER".into(), pair.scenes[1].id.clone()),
            ("PIXEL".into(), "10 * class before + class after".into()),
            ("CLASSES".into(), legend.join(", ")),
        ],
    }
}

/// Runs of the units of one row of units, until the row is whole.
struct Band {
    labeller: Labeller,
    row: usize,
    runs: Vec<Run>,
}

impl Band {
    fn new(grid: &Grid, options: PatchOptions) -> Self {
        Self { labeller: Labeller::new(grid, options), row: 0, runs: Vec::new() }
    }

    fn put(&mut self, w: Window, runs: Vec<Run>) {
        if w.row != self.row {
            self.flush();
            self.row = w.row;
        }
        self.runs.extend(runs);
    }

    fn flush(&mut self) {
        let runs = in_rows(std::mem::take(&mut self.runs));
        for row in runs.chunk_by(|a, b| a.row == b.row) {
            self.labeller.row(row);
        }
    }

    fn finish(mut self) -> Patches {
        self.flush();
        self.labeller.finish()
    }
}
