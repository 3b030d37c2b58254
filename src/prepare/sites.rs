//! Features to sites: identifiers, names, kinds, units.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};

use geo::MultiPolygon;

use super::names::{self, FieldMap, Role};
use super::shapes::note;
use crate::error::Text;
use crate::model::{Feature, Kind, Layer, LayerInfo, Schema, Site, Skipped, Value};

/// What the user says of fields and words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Naming {
    /// Fields by role; those not named are found by known names.
    pub fields: FieldMap,
    /// Words for kinds, over and above those known.
    pub kinds: BTreeMap<String, Kind>,
}

/// Makes sites of a layer's features, one by one and in any order.
#[derive(Debug, Clone)]
pub struct SiteReader<'a> {
    info: &'a LayerInfo,
    columns: Columns,
    naming: &'a Naming,
}

impl<'a> SiteReader<'a> {
    /// For the layer's fields.
    pub fn new(info: &'a LayerInfo, naming: &'a Naming) -> Self {
        Self { info, columns: Columns::find(&info.schema, naming), naming }
    }

    /// The user's identifier of a feature.
    pub fn id(&self, f: &Feature) -> Option<String> {
        text(f, self.columns.id)
    }

    /// The site of a feature; and its word for the kind, where that is not known.
    pub fn site(&self, f: &mut Feature, shape: MultiPolygon<f64>) -> (Site, Option<String>) {
        let mut unknown = None;
        let c = &self.columns;
        let kind = match text(f, c.kind) {
            None => Kind::Other,
            Some(word) => names::kind(&word, &self.naming.kinds).unwrap_or_else(|| {
                unknown = Some(word);
                Kind::Other
            }),
        };
        let site = Site {
            site_id: self.id(f).unwrap_or_else(|| format!("{}-{}", self.info.name, f.fid)),
            name: text(f, c.name),
            kind,
            admin: text(f, c.admin),
            responsible_unit: text(f, c.responsible),
            supervising_unit: text(f, c.supervising),
            deadline: text(f, c.deadline),
            shape,
            values: std::mem::take(&mut f.values),
        };
        (site, unknown)
    }

    /// What the user must know of the layer: no identifiers, kinds not known (words with how many bear them).
    pub fn warnings(&self, unknown: &BTreeMap<String, usize>) -> Vec<Text> {
        let layer = &self.info.name;
        let mut out = Vec::new();
        if self.columns.id.is_none() {
            out.push(Text::new(
                format!("layer {layer}: no field of identifiers; sites are numbered {layer}-<feature>"),
                format!("图层 {layer}:没有编号字段,按“{layer}-要素号”编号"),
            ));
        }
        for (word, n) in unknown {
            out.push(Text::new(
                format!("layer {layer}: the kind “{word}” of {n} site(s) is not known and counts as other; name it with --kind {word}=…"),
                format!("图层 {layer}:{n} 个图斑的类型“{word}”未识别,按“其他”处理;可用 --kind {word}=… 指明"),
            ));
        }
        out
    }
}

#[derive(Debug, Clone)]
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
    fn find(schema: &Schema, naming: &Naming) -> Self {
        let at = |r| names::position(schema, r, &naming.fields);
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
}

pub(super) fn text(f: &Feature, column: Option<usize>) -> Option<String> {
    match f.values.get(column?)? {
        Value::Null => None,
        v => Some(v.to_display().trim().to_owned()).filter(|s| !s.is_empty()),
    }
}

/// Finds identifiers that several features bear, over all layers; keeps some 40 bytes a feature, and the text of those
/// seen twice.
#[derive(Debug, Clone, Default)]
pub struct Identifiers {
    /// Hash of the identifier, layer, feature.
    seen: Vec<(u64, u32, i64)>,
    hashes: HashSet<u64>,
    twice: BTreeSet<String>,
}

impl Identifiers {
    /// Notes the identifier of a feature of layer `layer`.
    pub fn add(&mut self, id: &str, layer: usize, fid: i64) {
        let h = Self::hash(id);
        if !self.hashes.insert(h) {
            self.twice.insert(id.to_owned());
        }
        self.seen.push((h, layer as u32, fid));
    }

    /// The same hash in every run, so that the same input gives the same answer.
    fn hash(id: &str) -> u64 {
        let mut h = std::hash::DefaultHasher::new();
        id.hash(&mut h);
        h.finish()
    }

    /// A remark for each feature that shares its identifier; all of them are used.
    pub fn duplicates(&self, layers: &[&LayerInfo]) -> Vec<Skipped> {
        let mut places: BTreeMap<u64, Vec<(u32, i64)>> =
            self.twice.iter().map(|id| (Self::hash(id), Vec::new())).collect();
        for (h, layer, fid) in &self.seen {
            if let Some(p) = places.get_mut(h) {
                p.push((*layer, *fid));
            }
        }
        let mut out = Vec::new();
        for id in &self.twice {
            let places = &places[&Self::hash(id)];
            let n = places.len();
            for (layer, fid) in places {
                let mut s = note(
                    layers[*layer as usize],
                    *fid,
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
}

/// Identifiers that several features bear, over all layers: each is used, and said.
pub fn duplicates(layers: &[(&Layer, &Naming)]) -> Vec<Skipped> {
    let mut seen = Identifiers::default();
    for (k, (layer, naming)) in layers.iter().enumerate() {
        let reader = SiteReader::new(&layer.info, naming);
        for f in &layer.features {
            if let Some(id) = reader.id(f) {
                seen.add(&id, k, f.fid);
            }
        }
    }
    seen.duplicates(&layers.iter().map(|(l, _)| &l.info).collect::<Vec<_>>())
}
