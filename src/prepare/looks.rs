//! Polygons to looks: what a satellite looked at, and what clouds hid of it.

use std::collections::HashMap;

use geo::MultiPolygon;

use super::fires::{FireReader, FireRole};
use super::shapes::{Shapes, note};
use crate::model::{Layer, Look, Sees, Skipped};

/// Looks of a layer, one a polygon; what cannot be used is in the list.
pub fn looks(layer: &Layer, shapes: Shapes<MultiPolygon<f64>>, reader: &FireReader<'_>) -> (Vec<Look>, Vec<Skipped>) {
    let (mut out, mut skipped) = (Vec::new(), Vec::new());
    for (i, footprint) in shapes.shapes {
        let f = &layer.features[i];
        let time = match reader.time(f, &mut skipped) {
            Ok(t) => t,
            Err(s) => {
                skipped.push(*s);
                continue;
            }
        };
        let Some((satellite, instrument)) = reader.platform(f) else {
            let (en, zh) = ("the look names no satellite", "该次观测没有卫星名称");
            skipped.push(note(&layer.info, f.fid, false, "missing_satellite", en, zh));
            continue;
        };
        let [a, b] = reader.pixel(f, &instrument, &mut skipped);
        let id =
            reader.text(f, FireRole::Id).unwrap_or_else(|| format!("{satellite} {}", time.format("%Y-%m-%dT%H:%MZ")));
        let hidden = MultiPolygon(Vec::new());
        let sees = reader.text(f, FireRole::Method).and_then(|m| Sees::of_methods(&m));
        out.push(Look { id, time, satellite, instrument, pixel_m: a.max(b), sees, footprint, hidden });
    }
    (out, skipped)
}

/// Adds the clouds of a layer to their looks: by the look's identifier where the layer has one, else by satellite and time.
/// Clouds of no look are in the list.
pub fn hide(
    layer: &Layer,
    shapes: Shapes<MultiPolygon<f64>>,
    reader: &FireReader<'_>,
    looks: &mut [Look],
) -> Vec<Skipped> {
    let mut skipped = Vec::new();
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    let mut by_time = HashMap::new();
    for (i, l) in looks.iter().enumerate() {
        by_id.entry(l.id.clone()).or_default().push(i);
        by_time.entry((l.satellite.clone(), l.time)).or_insert_with(Vec::new).push(i);
    }
    for (i, shape) in shapes.shapes {
        let f = &layer.features[i];
        let found = match reader.text(f, FireRole::Id) {
            Some(id) => by_id.get(&id),
            None => match (reader.platform(f), reader.time(f, &mut skipped)) {
                (Some((s, _)), Ok(t)) => by_time.get(&(s, t)),
                _ => None,
            },
        };
        match found {
            Some(list) => list.iter().for_each(|i| looks[*i].hidden.0.extend(shape.0.iter().cloned())),
            None => {
                let (en, zh) = ("the cloud belongs to no look", "该云区不属于任何一次观测");
                skipped.push(note(&layer.info, f.fid, false, "no_look", en, zh));
            }
        }
    }
    skipped
}
