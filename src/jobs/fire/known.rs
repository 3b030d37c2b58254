//! Areas of known industrial heat.

use super::super::inputs::{InputOptions, read};
use crate::analysis::fire::places::{Areas, masks};
use crate::error::Result;
use crate::jobs::Notes;
use crate::jobs::manifest::Manifest;
use crate::prepare::names::FieldMap;
use crate::prepare::shapes::polygons;
use crate::prepare::zones::zones;

/// The areas of layers; `None` where no layer is named.
pub(super) fn known_heat(
    names: &[String],
    input: &InputOptions,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<Option<Areas<String>>> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for name in names {
        let input = read(name, input, &mut notes.warnings)?;
        let way = input.way(None, &mut notes.warnings)?;
        manifest.input("known heat", &input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.skipped.extend(shapes.skipped.iter().cloned());
        all.extend(zones(&input.layer, shapes, &FieldMap::default()));
    }
    Ok(Some(masks(all)))
}
