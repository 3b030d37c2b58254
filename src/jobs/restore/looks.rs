//! The series of every unit and ring: each scene on its own grid, nothing resampled, each block read once.

use std::path::Path;

use geo::{Geometry, MultiPolygon};
use rayon::prelude::*;

use super::{RestoreOptions, Values};
use crate::analysis::indices::{Index, compute, fvc};
use crate::analysis::restoration::Look;
use crate::analysis::restoration::ring::ring;
use crate::analysis::trend::day_of;
use crate::analysis::zonal::{Scratch, ZoneOnGrid};
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::manifest::Manifest;
use crate::jobs::pipeline::{run as each, units};
use crate::jobs::polygons::{Plot, Wanted, grid_crs, plots};
use crate::jobs::stack::files;
use crate::jobs::view::{View, on_grid};
use crate::model::{Calibration, Crs, Grid, Progress, Role, Scene, Seen, Window};
use crate::prepare::crs::{ResolvedCrs, geographic_bounds};
use crate::prepare::shapes::Way;
use crate::prepare::sites::Naming;
use crate::read::scenes::{catalogue, scene};

/// What was read.
pub(super) struct Series {
    pub plots: Vec<Plot>,
    /// Looks of each unit, in order of days.
    pub looks: Vec<Vec<Look>>,
    /// Area of each ring in pixels of the first scene; 0 where nothing is left of it.
    pub rings: Vec<f64>,
    pub crs: Option<Crs>,
    pub dates: usize,
}

/// Units and rings in the CRS of the first scene.
struct Ground {
    crs: ResolvedCrs,
    units: Vec<MultiPolygon<f64>>,
    rings: Vec<MultiPolygon<f64>>,
}

/// Units and rings on one grid.
struct Placed {
    grid: Grid,
    zones: Vec<Option<ZoneOnGrid>>,
}

/// Sums over the pixels of a zone.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    seen: f64,
    cover: f64,
    bare: f64,
    water: f64,
}

pub(super) fn series(
    o: &RestoreOptions,
    notes: &mut Notes,
    manifest: &mut Manifest,
    progress: &dyn Progress,
) -> Result<Series> {
    let plain = o.values != Values::Bands;
    let mut scenes = Vec::new();
    for path in &o.scenes {
        // of rasters that hold an index a folder may be named for all of them
        for file in if plain { files(path)? } else { vec![path.clone()] } {
            scenes.extend(opened(o, &file)?);
        }
    }
    scenes.sort_by_key(|s| s.datetime);
    let Some(first) = scenes.first() else {
        return Err(Error::usage("no scene was given", "未给出影像"));
    };
    let file = first.assets.first().map(|a| a.source.clone()).unwrap_or_default();
    let grid = view(o, first, &mut Vec::new())?.grid;
    let crs = grid_crs(&grid, &file)?;
    let target = o.target_field.as_deref();
    let units = Wanted { role: "units", names: &o.units, naming: &o.naming, number: target };
    let list = plots(&units, &o.input, &crs, notes, manifest)?;
    let plain = Naming::default();
    let exclude = match o.exclude.as_slice() {
        [] => Vec::new(),
        names => {
            let wanted = Wanted { role: "exclude", names, naming: &plain, number: None };
            plots(&wanted, &o.input, &crs, notes, manifest)?
        }
    };
    if o.strict {
        notes.refuse()?;
    }
    let ground = surroundings(o, &list, &exclude, crs, notes)?;
    let mut placed: Vec<Placed> = Vec::new();
    let mut looks: Vec<Vec<Look>> = vec![Vec::new(); list.len()];
    progress.step(&Text::new("scenes", "读取影像"), Some(scenes.len() as u64));
    for s in &scenes {
        progress.check()?;
        let mut said = Vec::new();
        let v = view(o, s, &mut said)?;
        merge(notes, said);
        let at = match placed.iter().position(|p| on_grid(&p.grid, &v.grid)) {
            Some(i) => i,
            None => {
                placed.push(ground.on(&v.grid, s)?);
                placed.len() - 1
            }
        };
        let day = s.datetime.map_or(0, |t| day_of(t.date_naive()));
        for (l, look) in looks.iter_mut().zip(read(o, s, &v, &placed[at], day)?) {
            l.push(look);
        }
        manifest.scenes(&[("scene", s, &v.grid)], &Role::ALL, None)?;
        progress.advance(1);
    }
    let n = list.len();
    let ring_area = |i: usize| placed[0].zones[n + i].as_ref().map_or(0.0, ZoneOnGrid::area);
    let rings = (0..n).map(ring_area).collect();
    Ok(Series { plots: list, looks, rings, crs: grid.crs, dates: scenes.len() })
}

/// What every scene says alike is said once.
fn merge(notes: &mut Notes, said: Vec<Text>) {
    for t in said {
        // texts begin with the scene's name
        let same = |w: &Text| w.en.rsplit(": ").next() == t.en.rsplit(": ").next();
        if !notes.warnings.iter().any(same) {
            notes.warnings.push(t);
        }
    }
}

/// The scene at a path, or all scenes of a catalogue.
fn opened(o: &RestoreOptions, path: &Path) -> Result<Vec<Scene>> {
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        return one(o, path).map(|s| vec![s]);
    }
    if o.values != Values::Bands {
        return Err(Error::usage(
            "--values ndvi and fvc take rasters of an index; a catalogue lists scenes with bands",
            "--values ndvi 与 fvc 须给出指数栅格;目录所列为带波段的影像",
        )
        .in_file(path)
        .remedy("leave --values out, or give the rasters", "请去掉 --values,或直接给出栅格"));
    }
    catalogue(path)?.into_iter().map(|s| usable(o, s, path)).collect()
}

fn one(o: &RestoreOptions, path: &Path) -> Result<Scene> {
    let mut s = match o.values {
        Values::Bands => scene(path, &o.bands)?,
        // the one band stands in the place of red
        Values::Ndvi(_) | Values::Cover(_) => scene(path, &[(Role::Red, 0)])?,
    };
    if let Values::Ndvi(k) | Values::Cover(k) = o.values {
        for a in &mut s.assets {
            if let Calibration::Linear { scale, offset } = &mut a.calibration {
                (*scale, *offset) = (*scale * k, *offset * k);
            }
        }
    }
    usable(o, s, path)
}

/// Refuses a scene without a date, or with numbers of unknown meaning.
fn usable(o: &RestoreOptions, s: Scene, path: &Path) -> Result<Scene> {
    if s.datetime.is_none() {
        return Err(Error::input("its date is not known", "无法确定影像日期").in_file(path).remedy(
            "put the date in the file's name, e.g. ndvi_20230715.tif, or in TIFFTAG_DATETIME",
            "请在文件名中写明日期,如 ndvi_20230715.tif,或写入 TIFFTAG_DATETIME",
        ));
    }
    if s.is_sentinel2() && s.boa_offset.is_none() && o.values == Values::Bands {
        return Err(Error::input(
            format!("the offset of Sentinel-2 numbers is not known for {}", s.id),
            format!("无法确定 Sentinel-2 影像的辐射偏移:{}", s.id),
        )
        .in_file(path)
        .remedy("unpack the whole product, with its MTD_MSIL*.xml", "请连同 MTD_MSIL*.xml 完整解压产品"));
    }
    Ok(s)
}

/// The bands that a scene is read with: red and near infrared, green where it is there; or the one band of an index.
fn roles(o: &RestoreOptions, s: &Scene) -> Vec<Role> {
    if o.values != Values::Bands {
        return vec![Role::Red];
    }
    let mut r = Index::Ndvi.roles().to_vec();
    if s.asset(Role::Green).is_some() {
        r.push(Role::Green);
    }
    r
}

fn view(o: &RestoreOptions, s: &Scene, said: &mut Vec<Text>) -> Result<View> {
    View::open(s, &roles(o, s), None, o.mask, said)
}

fn surroundings(
    o: &RestoreOptions,
    list: &[Plot],
    exclude: &[Plot],
    crs: ResolvedCrs,
    notes: &mut Notes,
) -> Result<Ground> {
    use geo::BoundingRect;
    let units: Vec<MultiPolygon<f64>> = list.iter().map(|p| p.site.shape.clone()).collect();
    let Some(options) = o.ring else {
        let rings = vec![MultiPolygon(Vec::new()); units.len()];
        return Ok(Ground { crs, units, rings });
    };
    let all: Vec<&MultiPolygon<f64>> = units.iter().chain(exclude.iter().map(|p| &p.site.shape)).collect();
    let made = (0..units.len())
        .into_par_iter()
        .map(|i| {
            let others: Vec<&MultiPolygon<f64>> =
                all.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, m)| *m).collect();
            let north = units[i].bounding_rect().map_or(0.0, |r| 0.5 * (r.min().y + r.max().y));
            ring(&units[i], &others, step_m(&crs, north), &options)
        })
        .collect::<Result<Vec<_>>>()?;
    notes.fallbacks += made.iter().filter(|m| m.1).count() as u64;
    Ok(Ground { crs, units, rings: made.into_iter().map(|m| m.0).collect() })
}

/// Metres in a step of x and of y; in degrees on a sphere of the earth's mean radius, which draws a ring well enough.
fn step_m(crs: &ResolvedCrs, north: f64) -> [f64; 2] {
    if !crs.geographic {
        return [crs.unit_to_si; 2];
    }
    let degree = 6_371_008.8 * std::f64::consts::PI / 180.0;
    [degree * north.to_radians().cos(), degree]
}

impl Ground {
    /// Units and rings on a grid, in its CRS.
    fn on(&self, grid: &Grid, s: &Scene) -> Result<Placed> {
        let file = s.assets.first().map(|a| a.source.clone()).unwrap_or_default();
        let target = grid_crs(grid, &file)?;
        let area = geographic_bounds(&target, grid.bounds());
        let way = Way::over(&self.crs, Some(&target), area)?;
        let runner = way.runner()?;
        let zones = self
            .units
            .iter()
            .chain(&self.rings)
            .map(|m| {
                if m.0.is_empty() {
                    return Ok(None);
                }
                Ok(match runner.run(&Geometry::MultiPolygon(m.clone()))? {
                    Geometry::MultiPolygon(m) => ZoneOnGrid::new(&m, grid),
                    Geometry::Polygon(p) => ZoneOnGrid::new(&MultiPolygon(vec![p]), grid),
                    _ => None,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Placed { grid: grid.clone(), zones })
    }
}

/// One look of every unit.
fn read(o: &RestoreOptions, s: &Scene, v: &View, p: &Placed, day: i32) -> Result<Vec<Look>> {
    let touched = |w: &Window| p.zones.iter().flatten().any(|z| !z.window(&p.grid).intersection(w).is_empty());
    let windows: Vec<Window> = units(&p.grid, &v.blocks).into_iter().filter(touched).collect();
    let mut sums = vec![Tally::default(); p.zones.len()];
    let tells_water = roles(o, s).contains(&Role::Green);
    let work = |w: Window| block(o, v, p, w);
    each(&windows, &crate::model::NoProgress, work, |_, list| {
        for (i, t) in list {
            let a = &mut sums[i];
            *a = Tally {
                seen: a.seen + t.seen,
                cover: a.cover + t.cover,
                bare: a.bare + t.bare,
                water: a.water + t.water,
            };
        }
        Ok(())
    })?;
    let n = p.zones.len() / 2;
    let least = o.progress.rules.clear;
    let share = |i: usize| p.zones[i].as_ref().map_or(0.0, |z| (sums[i].seen / z.area()).min(1.0));
    let mean = |i: usize, sum: f64| (sums[i].seen > 0.0 && share(i) >= least).then(|| sum / sums[i].seen);
    Ok((0..n)
        .map(|i| Look {
            day,
            clear: share(i),
            unit: mean(i, sums[i].cover),
            ring: mean(n + i, sums[n + i].cover),
            bare: mean(i, sums[i].bare),
            water: mean(i, sums[i].water).filter(|_| tells_water),
        })
        .collect())
}

/// Sums of every zone over one block.
fn block(o: &RestoreOptions, v: &View, p: &Placed, w: Window) -> Result<Vec<(usize, Tally)>> {
    let seen = v.read(w)?;
    let (mut state, bands) = (seen.seen, seen.bands);
    let (soil, vegetation) = (o.ends.0 as f32, o.ends.1 as f32);
    let cover = match o.values {
        Values::Cover(_) => bands[0].iter().map(|v| v.clamp(0.0, 1.0)).collect(),
        Values::Ndvi(_) => fvc(&bands[0], soil, vegetation),
        Values::Bands => {
            let two: Vec<&[f32]> = bands[..2].iter().map(Vec::as_slice).collect();
            fvc(&compute(Index::Ndvi, &two, &mut state), soil, vegetation)
        }
    };
    let water = wet(o, &bands, &state);
    let bare = o.progress.rules.bare as f32;
    let (mut out, mut scratch) = (Vec::new(), Scratch::default());
    for (i, z) in p.zones.iter().enumerate() {
        let Some(z) = z.as_ref().filter(|z| !z.window(&p.grid).intersection(&w).is_empty()) else { continue };
        let mut t = Tally::default();
        z.spans(w, &mut scratch, |s| {
            let at = (s.row - w.row) * w.width + s.from - w.col;
            for k in at..at + s.to - s.from {
                if state[k] == Seen::Yes {
                    t.seen += s.share;
                    t.cover += s.share * f64::from(cover[k]);
                    if water[k] {
                        t.water += s.share;
                    } else if cover[k] < bare {
                        t.bare += s.share;
                    }
                }
            }
        });
        out.push((i, t));
    }
    Ok(out)
}

/// Pixels of water, by NDWI where there is a green band.
fn wet(o: &RestoreOptions, bands: &[Vec<f32>], state: &[Seen]) -> Vec<bool> {
    let Some(green) = bands.get(2) else { return vec![false; state.len()] };
    let place = |r: Role| Index::Ndvi.roles().iter().position(|x| *x == r).unwrap_or(0);
    let of = |r: &Role| if *r == Role::Green { green.as_slice() } else { bands[place(*r)].as_slice() };
    let two: Vec<&[f32]> = Index::Ndwi.roles().iter().map(of).collect();
    let mut own = state.to_vec();
    let ndwi = compute(Index::Ndwi, &two, &mut own);
    ndwi.iter().zip(&own).map(|(v, s)| *s == Seen::Yes && f64::from(*v) > o.water_ndwi).collect()
}
