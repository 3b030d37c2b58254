//! Features to zones: nature reserves, permits, shoreline control ranges.

use geo::MultiPolygon;

use super::names::{self, FieldMap, Role};
use super::shapes::Shapes;
use super::sites::text;
use crate::model::{Layer, Zone};

/// Zones of a layer; those without a name are named after layer and feature.
pub fn zones(layer: &Layer, shapes: Shapes<MultiPolygon<f64>>, fields: &FieldMap) -> Vec<Zone> {
    let name = names::position(&layer.info.schema, Role::Name, fields);
    shapes
        .shapes
        .into_iter()
        .map(|(i, shape)| {
            let f = &layer.features[i];
            Zone { name: text(f, name).unwrap_or_else(|| format!("{}-{}", layer.info.name, f.fid)), shape }
        })
        .collect()
}
