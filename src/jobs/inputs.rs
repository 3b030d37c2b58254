//! Reading and preparing layers, as every vector job does it.

use crate::error::{Error, Result, Text};
use crate::model::{Crs, Layer, LayerInfo};
use crate::prepare::crs::{ResolvedCrs, resolve, resolve_layer};
use crate::prepare::shapes::Way;
use crate::prepare::sites::Naming;
use crate::read::vector::{ReadOptions, SourceName, layer};

/// How inputs are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputOptions {
    /// CRS of layers that bear none (`EPSG:4490`, WKT, PROJ string); never used against a layer's own.
    pub crs: Option<String>,
    /// How files are read where they leave something open.
    pub read: ReadOptions,
}

/// A layer read whole, with its CRS.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub source: SourceName,
    pub layer: Layer,
    pub crs: ResolvedCrs,
}

/// A CRS as typed.
pub(super) fn typed_crs(text: &str) -> Crs {
    let code = text.to_ascii_uppercase().starts_with("EPSG:").then(|| text.to_ascii_uppercase());
    Crs { definition: text.to_owned(), code, name: text.to_owned() }
}

/// Resolves a CRS as typed on the command line.
pub(super) fn named_crs(flag: &str, text: &str) -> Result<ResolvedCrs> {
    resolve(&typed_crs(text)).map_err(|mut e| {
        e.kind = crate::error::ErrorKind::Usage;
        e.what.en = format!("{flag}: {}", e.what.en);
        e.what.zh = format!("{flag}:{}", e.what.zh);
        e
    })
}

/// Refuses a field named with `--field` that no layer of the run has: a slip of the pen would empty a column in silence.
pub(super) fn named_fields<'a>(naming: &Naming, layers: impl Iterator<Item = &'a LayerInfo> + Clone) -> Result<()> {
    let missing = naming.fields.iter().find(|(_, f)| layers.clone().all(|l| l.schema.position(f).is_none()));
    let Some((role, field)) = missing else { return Ok(()) };
    let (role, lists): (_, Vec<String>) = (role.as_str(), layers.map(field_list).collect());
    Err(Error::usage(
        format!("--field {role}={field}: no layer has a field “{field}”"),
        format!("--field {role}={field}:没有图层含字段“{field}”"),
    )
    .remedy(format!("the fields are: {}", lists.join("; ")), format!("已有字段:{}", lists.join(";"))))
}

fn field_list(layer: &LayerInfo) -> String {
    let names: Vec<&str> = layer.schema.fields.iter().map(|f| f.name.as_str()).collect();
    format!("{} ({})", layer.name, names.join(", "))
}

/// Reads a layer and resolves its CRS; `notes` hears what had to be inferred.
pub(super) fn read(name: &str, o: &InputOptions, notes: &mut Vec<Text>) -> Result<Input> {
    let source = SourceName::parse(name);
    let layer = layer(&source, &o.read)?;
    let crs = layer_crs(&layer.info, o, notes)?;
    Ok(Input { source, layer, crs })
}

/// Resolves the CRS of a layer; `notes` hears what had to be inferred.
pub(super) fn layer_crs(info: &LayerInfo, o: &InputOptions, notes: &mut Vec<Text>) -> Result<ResolvedCrs> {
    let named = o.crs.as_ref().map(|t| typed_crs(t));
    let place = |e: Error| e.in_file(&info.source).in_layer(&info.name);
    let used = info.crs.clone().or(named);
    let crs = resolve_layer(used.as_ref()).map_err(place)?;
    if info.crs.is_none() {
        notes.push(Text::new(
            format!("layer {}: it has no CRS of its own and was taken as {}, as told", info.name, crs.label()),
            format!("图层 {}:自身没有坐标系,按指定的 {} 处理", info.name, crs.label()),
        ));
    }
    notes.extend(about(&info.name, &crs.notes));
    Ok(crs)
}

/// Texts with the layer they are about.
pub(super) fn about(layer: &str, texts: &[Text]) -> Vec<Text> {
    texts.iter().map(|t| Text::new(format!("layer {layer}: {}", t.en), format!("图层 {layer}:{}", t.zh))).collect()
}

impl Input {
    /// The way to the coordinates of the metric.
    pub fn way(&self, target: Option<&ResolvedCrs>, notes: &mut Vec<Text>) -> Result<Way> {
        let way = Way::new(&self.crs, target, &self.layer)
            .map_err(|e| e.in_file(&self.layer.info.source).in_layer(&self.layer.info.name))?;
        notes.extend(about(&self.layer.info.name, way.warning().as_slice()));
        Ok(way)
    }
}
