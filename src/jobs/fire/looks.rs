//! Looks and clouds from layers of polygons.

use super::super::inputs::{InputOptions, read};
use super::FireDefaults;
use crate::error::Result;
use crate::jobs::Notes;
use crate::jobs::manifest::Manifest;
use crate::model::Look;
use crate::prepare::fires::FireReader;
use crate::prepare::looks::{hide, looks};
use crate::prepare::shapes::polygons;

/// Looks in order of time and identifier, each once.
pub(super) fn read_all(
    names: &[String],
    clouds: &[String],
    input: &InputOptions,
    defaults: &FireDefaults,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<Vec<Look>> {
    let mut all: Vec<Look> = Vec::new();
    for name in names {
        let i = read(name, input, &mut notes.warnings)?;
        let way = i.way(None, &mut notes.warnings)?;
        manifest.input("looks", &i, way.pipeline())?;
        let mut shapes = polygons(&i.layer, &way)?;
        notes.skipped.extend(i.layer.skipped.iter().chain(&shapes.skipped).cloned());
        notes.warnings.append(&mut shapes.warnings);
        let reader = FireReader::new(&i.layer.info, defaults)?;
        let (more, skipped) = looks(&i.layer, shapes, &reader);
        all.extend(more);
        notes.skipped.extend(skipped);
    }
    all.sort_by(|a, b| (a.time, &a.satellite, &a.id).cmp(&(b.time, &b.satellite, &b.id)));
    // a look delivered twice is one look
    all.dedup_by(|b, a| (a.time, &a.satellite, &a.id, &a.footprint) == (b.time, &b.satellite, &b.id, &b.footprint));
    for name in clouds {
        let i = read(name, input, &mut notes.warnings)?;
        let way = i.way(None, &mut notes.warnings)?;
        manifest.input("clouds", &i, way.pipeline())?;
        let shapes = polygons(&i.layer, &way)?;
        notes.skipped.extend(i.layer.skipped.iter().chain(&shapes.skipped).cloned());
        let reader = FireReader::of_clouds(&i.layer.info, defaults)?;
        notes.skipped.extend(hide(&i.layer, shapes, &reader, &mut all));
    }
    Ok(all)
}
