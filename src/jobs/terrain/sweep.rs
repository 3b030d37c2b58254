//! The passes over the rasters: heights along the outlines, then accounts and the raster of differences.

use std::path::Path;

use super::dem::Dem;
use super::{Stable, TerrainOptions};
use crate::analysis::terrain::Heights;
use crate::analysis::terrain::account::{Account, AccountOptions};
use crate::analysis::terrain::cover::Outline;
use crate::analysis::terrain::ground::Ground;
use crate::analysis::terrain::rim::Rim;
use crate::error::{Result, Text};
use crate::jobs::pipeline::{run as each, units};
use crate::jobs::raster_out::head;
use crate::model::{Grid, Progress, Seen, Window};
use crate::report::quicklook::Sampled;
use crate::write::Staging;
use crate::write::raster::{Cog, RasterHead, Statistics, Tile};

/// Side of a unit of work where slopes are asked for: each reads a cell more on every side, which costs tiles.
const UNIT: usize = 2048;
const NODATA: f32 = -9999.0;

/// Everything that the passes need.
pub(super) struct Sweep<'a> {
    pub o: &'a TerrainOptions,
    pub dems: &'a [Dem; 2],
    pub grid: &'a Grid,
    pub ground: &'a Ground,
    pub stable: &'a Stable,
    pub outlines: &'a [Outline],
    pub lod_m: f64,
    pub progress: &'a dyn Progress,
}

/// What the passes leave.
pub(super) struct Swept {
    pub accounts: Vec<Account>,
    pub rims: Vec<[Option<Rim>; 2]>,
    pub statistics: Option<Statistics>,
    pub look: Option<Sampled>,
}

/// What a unit of work hands over.
struct Unit {
    tiles: [Option<Tile<f32>>; 2],
    accounts: Vec<(usize, Account)>,
    look: Vec<(usize, usize, Option<f32>)>,
}

impl Sweep<'_> {
    fn read(&self, w: Window) -> Result<[Heights; 2]> {
        let s = self.stable;
        Ok([self.dems[0].read(w)?, self.dems[1].aligned(w, s.moved, s.taken_m, self.grid)?])
    }

    /// Both passes.
    pub fn run(&self, staging: &Staging) -> Result<Swept> {
        let rims = self.rims()?;
        let difference = self.o.raster(false);
        let significant = self.o.raster(true);
        let head = |name: &str| head::<f32>(self.grid, &[name.to_owned()], self.o.out, self.about());
        let heads = [head("height_difference_m"), head("significant_height_difference_m")];
        let create = |path: Option<&Path>, head: &RasterHead| -> Result<Option<Cog<f32>>> {
            path.map(|p| Cog::create(&staging.place(p)?, head.clone())).transpose()
        };
        let mut cogs = [create(difference, &heads[0])?, create(significant, &heads[1])?];
        let writes = [cogs[0].is_some(), cogs[1].is_some()];
        let mut look = self.o.picture().map(|_| Sampled::new(self.grid));
        let step = look.as_ref().map(|l| l.step);
        let all = writes[0] || writes[1] || look.is_some();
        let windows = self.windows(all);
        let mut accounts = vec![Account::default(); self.outlines.len()];
        self.progress.step(&Text::new("terrain", "地形变化"), Some(windows.len() as u64));
        let work = |w: Window| self.unit(w, &rims, &heads, writes, step);
        each(&windows, self.progress, work, |_, u| {
            for (i, a) in &u.accounts {
                accounts[*i].add(a);
            }
            if let Some(l) = &mut look {
                l.put(&u.look);
            }
            for (cog, tile) in cogs.iter_mut().zip(u.tiles) {
                if let (Some(c), Some(t)) = (cog, tile) {
                    c.put(t)?;
                }
            }
            Ok(())
        })?;
        let mut statistics = None;
        for (i, cog) in cogs.into_iter().enumerate() {
            if let Some(c) = cog {
                let s = c.finish()?.into_iter().next().flatten();
                statistics = if i == 0 { s } else { statistics };
            }
        }
        Ok(Swept { accounts, rims, statistics, look })
    }

    /// Units of work: all, or those that polygons touch.
    fn windows(&self, all: bool) -> Vec<Window> {
        let mut blocks: Vec<(usize, usize)> = self.dems.iter().map(Dem::block).collect();
        if !self.outlines.is_empty() {
            blocks.push((UNIT, UNIT));
        }
        let mut windows = units(self.grid, &blocks);
        if !all {
            windows.retain(|w| self.touching(*w).next().is_some());
        }
        windows
    }

    fn touching(&self, w: Window) -> impl Iterator<Item = (usize, Window)> + '_ {
        let here = move |(i, o): (usize, &Outline)| (i, o.window(self.grid).intersection(&w));
        self.outlines.iter().enumerate().map(here).filter(|(_, w)| !w.is_empty())
    }

    fn unit(
        &self,
        w: Window,
        rims: &[[Option<Rim>; 2]],
        heads: &[RasterHead; 2],
        writes: [bool; 2],
        step: Option<usize>,
    ) -> Result<Unit> {
        let here: Vec<(usize, Window)> = self.touching(w).collect();
        let whole = writes[0] || writes[1] || step.is_some();
        let read = self.reach(if whole { Some(w) } else { None }, &here);
        let heights = self.read(read)?;
        let options = AccountOptions { lod_m: self.lod_m, slope_limits_deg: self.o.slope_limits_deg.clone() };
        let accounts = here
            .iter()
            .map(|(i, _)| {
                let cover = self.outlines[*i].cover(self.grid, w);
                let rim = [rims[*i][0].as_ref(), rims[*i][1].as_ref()];
                (*i, Account::of(&cover, [&heights[0], &heights[1]], self.ground, rim, &options))
            })
            .collect();
        let (mut tiles, mut look) = ([None, None], Vec::new());
        if whole {
            let (d, seen) = difference(&heights, w);
            if let Some(step) = step {
                look = Sampled::sample(step, w, &d, &seen);
            }
            let fill = |limit: f32| -> Vec<f32> {
                let of = |(d, s): (&f32, &Seen)| match *s {
                    Seen::Yes if d.abs() >= limit => *d,
                    Seen::Yes => 0.0,
                    _ => NODATA,
                };
                d.iter().zip(&seen).map(of).collect()
            };
            for (i, limit) in [0.0, self.lod_m as f32].into_iter().enumerate() {
                if writes[i] {
                    tiles[i] = Some(heads[i].encode(0, w, &fill(limit)));
                }
            }
        }
        Ok(Unit { tiles, accounts, look })
    }

    /// The cells to read: a unit, or what polygons touch of it, and a cell more around polygons for their slopes.
    fn reach(&self, whole: Option<Window>, here: &[(usize, Window)]) -> Window {
        let grown = here.iter().map(|(_, w)| {
            let (col, row) = (w.col.saturating_sub(1), w.row.saturating_sub(1));
            let (c1, r1) = (w.col + w.width + 1, w.row + w.height + 1);
            let (c1, r1) = (c1.min(self.grid.width), r1.min(self.grid.height));
            Window { col, row, width: c1 - col, height: r1 - row }
        });
        let join = |a: Window, b: Window| {
            let (col, row) = (a.col.min(b.col), a.row.min(b.row));
            let (c1, r1) = ((a.col + a.width).max(b.col + b.width), (a.row + a.height).max(b.row + b.height));
            Window { col, row, width: c1 - col, height: r1 - row }
        };
        whole.into_iter().chain(grown).reduce(join).unwrap_or_default()
    }

    /// The rim of every polygon on both dates.
    fn rims(&self) -> Result<Vec<[Option<Rim>; 2]>> {
        let mut cells: Vec<(usize, usize, usize)> = Vec::new();
        for (i, o) in self.outlines.iter().enumerate() {
            cells.extend(o.rim_cells(self.grid).into_iter().map(|(c, r)| (i, c, r)));
        }
        let blocks: Vec<(usize, usize)> = self.dems.iter().map(Dem::block).collect();
        let windows = units(self.grid, &blocks);
        let inside =
            |w: &Window, c: usize, r: usize| c >= w.col && r >= w.row && c < w.col + w.width && r < w.row + w.height;
        let of = |w: Window| cells.iter().filter(move |(_, c, r)| inside(&w, *c, *r));
        let windows: Vec<Window> = windows.into_iter().filter(|w| of(*w).next().is_some()).collect();
        self.progress.step(&Text::new("rims", "坑沿与坡脚"), Some(windows.len() as u64));
        /// Place and height.
        type Heights = Vec<([f64; 2], f32)>;
        let mut found: Vec<[Heights; 2]> = vec![[Vec::new(), Vec::new()]; self.outlines.len()];
        let work = |w: Window| {
            let h = self.read(w)?;
            Ok(of(w).map(|(i, c, r)| (*i, (*c, *r), [h[0].at(*c, *r), h[1].at(*c, *r)])).collect::<Vec<_>>())
        };
        each(&windows, self.progress, work, |_, list| {
            for (i, (c, r), z) in list {
                for (side, z) in found[i].iter_mut().zip(z) {
                    side.extend(z.map(|z| ([c as f64 + 0.5, r as f64 + 0.5], z)));
                }
            }
            Ok(())
        })?;
        Ok(found.iter().map(|f| [Rim::through(&f[0], self.o.rim), Rim::through(&f[1], self.o.rim)]).collect())
    }

    fn about(&self) -> Vec<(String, String)> {
        let s = self.stable;
        let name = |d: &Dem| d.info.source.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        [
            ("BEFORE", name(&self.dems[0])),
            ("AFTER", name(&self.dems[1])),
            ("UNIT", "metre".to_owned()),
            ("SHIFT_CELLS", format!("{} {}", s.moved[0], s.moved[1])),
            ("BIAS_M", s.taken_m.to_string()),
            ("NMAD_M", s.nmad_m.to_string()),
            ("LEVEL_OF_DETECTION_M", self.lod_m.to_string()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .to_vec()
    }
}

/// After − before of the cells of a window.
fn difference([before, after]: &[Heights; 2], w: Window) -> (Vec<f32>, Vec<Seen>) {
    let (mut d, mut seen) = (Vec::with_capacity(w.len()), Vec::with_capacity(w.len()));
    let read = before.window;
    for r in 0..w.height {
        let at = (w.row - read.row + r) * read.width + w.col - read.col;
        for (b, a) in before.z[at..at + w.width].iter().zip(&after.z[at..at + w.width]) {
            let x = a - b;
            seen.push(if x.is_nan() { Seen::NoData } else { Seen::Yes });
            d.push(if x.is_nan() { 0.0 } else { x });
        }
    }
    (d, seen)
}
