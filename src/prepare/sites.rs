//! Features to sites: identifiers, names, kinds, units.

use std::collections::{BTreeMap, HashMap};

use geo::MultiPolygon;

use super::names::{self, FieldMap, Role};
use super::shapes::{Shapes, note};
use crate::error::Text;
use crate::model::{Feature, Kind, Layer, Site, Skipped, Value};

/// What the user says of fields and words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Naming {
    /// Fields by role; those not named are found by known names.
    pub fields: FieldMap,
    /// Words for kinds, over and above those known.
    pub kinds: BTreeMap<String, Kind>,
}

/// Sites of a layer, in the order of its features, and notes on identifiers and kinds.
pub fn sites(
    layer: &Layer,
    shapes: Shapes<MultiPolygon<f64>>,
    naming: &Naming,
) -> (Vec<Site>, Vec<Skipped>, Vec<Text>) {
    let columns = Columns::find(layer, naming);
    let mut warnings = shapes.warnings;
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let mut sites = Vec::with_capacity(shapes.shapes.len());
    for (i, shape) in shapes.shapes {
        let f = &layer.features[i];
        sites.push(columns.site(layer, f, shape, naming, &mut unknown));
    }
    if columns.id.is_none() && !sites.is_empty() {
        warnings.push(Text::new(
            format!(
                "layer {}: no field of identifiers; sites are numbered {}-<feature>",
                layer.info.name, layer.info.name
            ),
            format!("图层 {}:没有编号字段,按“{}-要素号”编号", layer.info.name, layer.info.name),
        ));
    }
    for (word, n) in unknown {
        warnings.push(Text::new(
            format!("layer {}: the kind “{word}” of {n} site(s) is not known and counts as other; name it with --kind {word}=…", layer.info.name),
            format!("图层 {}:{n} 个图斑的类型“{word}”未识别,按“其他”处理;可用 --kind {word}=… 指明", layer.info.name),
        ));
    }
    (sites, shapes.skipped, warnings)
}

/// Adds the user's identifiers to the notes on a layer's features, those made while reading included.
pub fn identify(layer: &Layer, naming: &Naming, notes: &mut [Skipped]) {
    let ids: HashMap<i64, String> = Columns::find(layer, naming).ids(layer);
    let of_layer = |s: &&mut Skipped| s.id.is_none() && s.file == layer.info.source && s.layer == layer.info.name;
    for s in notes.iter_mut().filter(of_layer) {
        s.id = ids.get(&s.fid).cloned();
    }
}

struct Columns {
    id: Option<usize>,
    name: Option<usize>,
    kind: Option<usize>,
    admin: Option<usize>,
    responsible: Option<usize>,
    supervising: Option<usize>,
    deadline: Option<usize>,
}

impl Columns {
    fn find(layer: &Layer, naming: &Naming) -> Self {
        let at = |r| names::position(&layer.info.schema, r, &naming.fields);
        Self {
            id: at(Role::SiteId),
            name: at(Role::Name),
            kind: at(Role::Kind),
            admin: at(Role::Admin),
            responsible: at(Role::ResponsibleUnit),
            supervising: at(Role::SupervisingUnit),
            deadline: at(Role::Deadline),
        }
    }

    fn ids(&self, layer: &Layer) -> HashMap<i64, String> {
        layer.features.iter().filter_map(|f| Some((f.fid, text(f, self.id)?))).collect()
    }

    fn site(
        &self,
        layer: &Layer,
        f: &Feature,
        shape: MultiPolygon<f64>,
        naming: &Naming,
        unknown: &mut BTreeMap<String, usize>,
    ) -> Site {
        let kind = match text(f, self.kind) {
            None => Kind::Other,
            Some(word) => names::kind(&word, &naming.kinds).unwrap_or_else(|| {
                *unknown.entry(word).or_default() += 1;
                Kind::Other
            }),
        };
        Site {
            site_id: text(f, self.id).unwrap_or_else(|| format!("{}-{}", layer.info.name, f.fid)),
            name: text(f, self.name),
            kind,
            admin: text(f, self.admin),
            responsible_unit: text(f, self.responsible),
            supervising_unit: text(f, self.supervising),
            deadline: text(f, self.deadline),
            shape,
            values: f.values.clone(),
        }
    }
}

pub(super) fn text(f: &Feature, column: Option<usize>) -> Option<String> {
    match f.values.get(column?)? {
        Value::Null => None,
        v => Some(v.to_display().trim().to_owned()).filter(|s| !s.is_empty()),
    }
}

/// Identifiers that several features bear, over all layers: each is used, and said.
pub fn duplicates(layers: &[(&Layer, &Naming)]) -> Vec<Skipped> {
    let mut seen: BTreeMap<String, Vec<(usize, i64)>> = BTreeMap::new();
    for (k, (layer, naming)) in layers.iter().enumerate() {
        let columns = Columns::find(layer, naming);
        for f in &layer.features {
            if let Some(id) = text(f, columns.id) {
                seen.entry(id).or_default().push((k, f.fid));
            }
        }
    }
    let mut out = Vec::new();
    for (id, places) in seen.into_iter().filter(|(_, p)| p.len() > 1) {
        let n = places.len();
        for (k, fid) in places {
            let mut s = note(
                &layers[k].0.info,
                fid,
                true,
                "duplicate_id",
                format!("{n} features bear the identifier {id}; all are used"),
                format!("有 {n} 个要素使用同一编号 {id};均已参与计算"),
            );
            s.id = Some(id.clone());
            out.push(s);
        }
    }
    out
}
