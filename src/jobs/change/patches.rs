//! Patches with their areas, and how they lie to permits.

use geo::{Geometry, MultiPolygon};
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::pair::Pair;
use super::{ChangeOptions, ClassRule, Classes, Transition};
use crate::analysis::change::Direction;
use crate::analysis::change::from_to::{Condition, UNKNOWN, from_to};
use crate::analysis::corridor::Zones;
use crate::analysis::patches::Patch;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::inputs::read;
use crate::jobs::manifest::Manifest;
use crate::model::Progress;
use crate::prepare::crs::geographic_bounds;
use crate::prepare::names::FieldMap;
use crate::prepare::shapes::{Runner, Way, polygons};
use crate::prepare::zones::zones;
pub use crate::report::change::PatchRow;
use crate::report::change::{PatchClasses, Permit};
use crate::space::area::ellipsoidal;
use crate::space::frame::Metric;

/// Share of a patch's area inside a permit from which on it lies inside; pixel edges and surveyed lines differ by
/// rounding.
const INSIDE: f64 = 1.0 - 1e-9;

/// Rows of the patches by direction, and of those by from–to classes.
pub(super) fn rows(
    o: &ChangeOptions,
    pair: &Pair,
    found: [Vec<Patch>; 2],
    permits: Option<&Zones>,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<[Vec<PatchRow>; 2]> {
    if o.patches.is_none() {
        return Ok([Vec::new(), Vec::new()]);
    }
    let n = found.iter().map(Vec::len).sum::<usize>();
    progress.step(&Text::new("patches", "整理图斑"), Some(n as u64));
    let (_, crs) = pair.crs()?;
    let area = geographic_bounds(&crs, pair.before.grid.bounds());
    let way = Way::over(&crs, None, area)?;
    notes.warnings.extend(way.warning());
    let row = |runner: &Result<Runner>, i: usize, p: Patch, class: Option<(u8, f64)>| {
        progress.check()?;
        let runner = runner.as_ref().map_err(Clone::clone)?;
        let lonlat = match runner.run(&Geometry::MultiPolygon(p.shape.clone()))? {
            Geometry::MultiPolygon(m) => m,
            Geometry::Polygon(p) => MultiPolygon(vec![p]),
            _ => MultiPolygon(Vec::new()),
        };
        progress.advance(1);
        Ok(PatchRow {
            id: i as i64 + 1,
            direction: Direction::of(p.class).unwrap_or(Direction::Changed),
            classes: class.map(|(pair, share)| {
                let (from, to) = from_to(pair);
                PatchClasses { from: o.classes.name(from).to_owned(), to: o.classes.name(to).to_owned(), share }
            }),
            pixels: p.pixels,
            area: ellipsoidal(&lonlat),
            mean: p.mean,
            min: p.min,
            max: p.max,
            permit: permits.map(|z| against(z, &lonlat)).transpose()?,
            shape: p.shape,
        })
    };
    let all = |patches: Vec<Patch>, class: fn(&Patch) -> Option<(u8, f64)>| -> Result<Vec<PatchRow>> {
        let numbered = patches.into_par_iter().enumerate();
        numbered
            .map_init(
                || way.runner(),
                |runner, (i, p)| {
                    let class = class(&p);
                    row(runner, i, p, class)
                },
            )
            .collect()
    };
    let [patches, moved] = found;
    Ok([all(patches, commonest)?, all(moved, |p| Some((p.class, 1.0)))?])
}

/// The from–to classes of most of a patch's pixels, and their share; of two as frequent the first.
fn commonest(p: &Patch) -> Option<(u8, f64)> {
    let known = p.pairs.iter().filter(|(pair, _)| *pair != UNKNOWN);
    let (pair, n) = known.max_by_key(|(pair, n)| (*n, std::cmp::Reverse(*pair)))?;
    Some((*pair, *n as f64 / p.pixels as f64))
}

/// Pixels and patches of each from–to classes that occur.
pub(super) fn sums(o: &ChangeOptions, by_pair: &[u64], moved: &[PatchRow]) -> Vec<Transition> {
    let seen = (0..UNKNOWN).zip(by_pair).filter(|(_, n)| **n > 0);
    seen.map(|(pair, pixels)| {
        let (from, to) = from_to(pair);
        let (from, to) = (o.classes.name(from), o.classes.name(to));
        let mine = |r: &&PatchRow| r.classes.as_ref().is_some_and(|c| c.from == from && c.to == to);
        let patches = moved.iter().filter(mine);
        Transition {
            from: from.to_owned(),
            to: to.to_owned(),
            pixels: *pixels,
            patches: patches.clone().count(),
            area_m2: patches.fold(0.0, |a, r| a + r.area.0),
        }
    })
    .collect()
}

/// The rules as the manifest has them.
pub(super) fn rules(classes: &Classes) -> Json {
    let condition = |c: &Condition| format!("{}{}{}", c.index.as_str(), if c.above { '>' } else { '<' }, c.limit);
    let rule = |r: &ClassRule| json!({"name": r.name, "where": r.conditions.iter().map(condition).collect::<Vec<_>>()});
    classes.rules().iter().map(rule).collect()
}

pub(super) fn permits(o: &ChangeOptions, notes: &mut Notes, manifest: &mut Manifest) -> Result<Option<Zones>> {
    if o.permits.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for name in &o.permits {
        let input = read(name, &o.input, &mut notes.warnings)?;
        let way = input.way(None, &mut notes.warnings)?;
        manifest.input("permits", &input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(shapes.skipped.iter().cloned());
        notes.warnings.extend(shapes.warnings.iter().cloned());
        all.extend(zones(&input.layer, shapes, &FieldMap::default()));
    }
    let unfit = |e: &dyn std::fmt::Display| {
        Error::input(format!("the permits cannot be used: {e}"), format!("矿权范围无法使用:{e}"))
    };
    Zones::build(all, Metric::Geodesic).map(Some).map_err(|e| unfit(&e))
}

fn against(z: &Zones, lonlat: &MultiPolygon<f64>) -> Result<Permit> {
    let Some(r) = z.against(lonlat)? else {
        return Ok(Permit::Outside { nearest: String::new(), distance_m: f64::NAN });
    };
    Ok(match r.overlaps.first() {
        None => Permit::Outside { nearest: r.nearest, distance_m: r.dist_m },
        Some(first) if first.share >= INSIDE => Permit::Inside(first.zone.clone()),
        Some(first) => Permit::Crossing { permit: first.zone.clone(), share: first.share },
    })
}

/// Patches inside, crossing and outside permits.
pub(super) fn by_permit(rows: &[PatchRow]) -> [usize; 3] {
    let mut out = [0; 3];
    for p in rows.iter().filter_map(|r| r.permit.as_ref()) {
        out[match p {
            Permit::Inside(_) => 0,
            Permit::Crossing { .. } => 1,
            Permit::Outside { .. } => 2,
        }] += 1;
    }
    out
}
