//! Patches with their areas, and how they lie to permits.

use geo::{Geometry, MultiPolygon};
use rayon::prelude::*;

use super::ChangeOptions;
use super::pair::Pair;
use crate::analysis::change::Direction;
use crate::analysis::corridor::Zones;
use crate::analysis::patches::Patch;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::inputs::read;
use crate::jobs::manifest::Manifest;
use crate::model::Progress;
use crate::prepare::crs::geographic_bounds;
use crate::prepare::names::FieldMap;
use crate::prepare::shapes::{Way, polygons};
use crate::prepare::zones::zones;
pub use crate::report::change::PatchRow;
use crate::report::change::Permit;
use crate::space::area::ellipsoidal;
use crate::space::frame::Metric;

/// Share of a patch's area inside a permit from which on it lies inside; pixel edges and surveyed lines differ by
/// rounding.
const INSIDE: f64 = 1.0 - 1e-9;

pub(super) fn rows(
    o: &ChangeOptions,
    pair: &Pair,
    patches: Vec<Patch>,
    notes: &mut Notes,
    manifest: &mut Manifest,
    progress: &dyn Progress,
) -> Result<Vec<PatchRow>> {
    if o.patches.is_none() {
        return Ok(Vec::new());
    }
    progress.step(&Text::new("patches", "整理图斑"), Some(patches.len() as u64));
    let (_, crs) = pair.crs()?;
    let area = geographic_bounds(&crs, pair.before.grid.bounds());
    let way = Way::over(&crs, None, area)?;
    notes.warnings.extend(way.warning());
    let permits = permits(o, notes, manifest)?;
    patches
        .into_par_iter()
        .enumerate()
        .map_init(
            || way.runner(),
            |runner, (i, p)| {
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
                    pixels: p.pixels,
                    area: ellipsoidal(&lonlat),
                    mean: p.mean,
                    min: p.min,
                    max: p.max,
                    permit: permits.as_ref().map(|z| against(z, &lonlat)).transpose()?,
                    shape: p.shape,
                })
            },
        )
        .collect()
}

fn permits(o: &ChangeOptions, notes: &mut Notes, manifest: &mut Manifest) -> Result<Option<Zones>> {
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
