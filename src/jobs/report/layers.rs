//! The layers of pages and map sheets: read, brought to longitude and latitude, understood, with their events and chips.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use geo::CoordsIter;

use super::super::Notes;
use super::super::inputs::{InputOptions, layer_crs};
use super::super::manifest::Manifest;
use super::chips::{from_folder, from_ledger};
use super::page::PageRole;
use crate::error::{Error, Result, Text, without_password};
use crate::model::{Field, Layer, LayerInfo, Progress, Reason, Schema, Skipped, Value};
use crate::prepare::names::{FieldMap, Role, position};
use crate::prepare::shapes::Way;
use crate::read::digest::digests;
use crate::read::vector::{SourceName, layer, layers};
use crate::report::page::{Events, History, PageLayer, PageSource, Roles, recognised};

/// Which layers, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Layers, FILE or FILE#layer, the lowest first.
    pub layers: &'a [String],
    /// Titles by layer name.
    pub layer_titles: &'a [(String, String)],
    /// Fields by what they say.
    pub fields: &'a [(PageRole, String)],
    /// Folder of chips.
    pub chips: Option<&'a Path>,
    /// With the events beside layers.
    pub histories: bool,
    /// How layers are read.
    pub input: &'a InputOptions,
}

/// A layer as the page takes it, and what the page says of its source.
pub(super) struct Read {
    pub layer: PageLayer,
    pub source: PageSource,
}

/// Reads all layers.
pub(super) fn read(
    o: &Wanted<'_>,
    notes: &mut Notes,
    manifest: &mut Manifest,
    progress: &dyn Progress,
) -> Result<Vec<Read>> {
    let mut out = Vec::new();
    for name in o.layers {
        let first = out.len();
        for source in named(name, o, notes)? {
            progress.check()?;
            out.push(one(&source, o, notes, manifest)?);
        }
        // of a file taken whole, what findings lie in comes below them
        out[first..].sort_by_key(|r: &Read| !matches!(r.layer.meaning.theme, "corridor" | "river" | "zone"));
        progress.advance(1);
    }
    named_fields(o, &out)?;
    named_titles(o, &out)?;
    Ok(out)
}

/// The layer that a name tells, or all layers with geometry of its file; a note names the others.
fn named(name: &str, o: &Wanted<'_>, notes: &mut Notes) -> Result<Vec<SourceName>> {
    let source = SourceName::parse(name);
    if source.layer.is_some() {
        return Ok(vec![source]);
    }
    let all = layers(&source, &o.input.read)?;
    let has = |n: &str| all.iter().any(|l| l.name == n);
    if ["issues", "events", "findings", "chips", "ledger"].into_iter().all(has) {
        // of a ledger: its issues, not each finding of them, nor the same issues by type of geometry
        return Ok(vec![SourceName { path: source.path.clone(), layer: Some("issues".into()) }]);
    }
    let (drawn, lists): (Vec<&LayerInfo>, Vec<&LayerInfo>) = all.iter().partition(|l| l.geometry_type != "None");
    if drawn.is_empty() {
        return Err(Error::input("no layer of the file has geometry", "文件中没有带几何的图层").in_file(&source.path));
    }
    if !lists.is_empty() {
        let names = lists.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
        let file = shown(&source.path);
        let (en, zh) =
            if o.histories { (" (events become histories)", "(办理记录并入历史)") } else { ("", "") };
        notes.warnings.push(Text::new(
            format!("{file}: lists without geometry are not drawn as layers: {names}{en}"),
            format!("{file}:无几何的表不作为图层:{names}{zh}"),
        ));
    }
    Ok(drawn.iter().map(|l| SourceName { path: source.path.clone(), layer: Some(l.name.clone()) }).collect())
}

pub(super) fn shown(path: &Path) -> String {
    let text = without_password(&path.to_string_lossy());
    if text.starts_with("PG:") { text } else { path.file_name().map_or(text, |n| n.to_string_lossy().into_owned()) }
}

fn one(source: &SourceName, o: &Wanted<'_>, notes: &mut Notes, manifest: &mut Manifest) -> Result<Read> {
    let mut read = layer(source, &o.input.read)?;
    let all: Vec<String> = layers(source, &o.input.read)?.into_iter().map(|l| l.name).collect();
    let crs = layer_crs(&read.info, o.input, &mut notes.warnings)?;
    let place = |e: Error| e.in_file(&read.info.source).in_layer(&read.info.name);
    let way = Way::new(&crs, None, &read).map_err(place)?;
    notes.warnings.extend(super::super::inputs::about(&read.info.name, way.warning().as_slice()));
    manifest.read("layer", &read.info, &crs, way.pipeline(), read.features.len(), digests(&source.path)?);
    notes.skipped.append(&mut read.skipped);
    let (shapes, rows, fids) = brought(&mut read, &way, notes)?;
    let fields = read.info.schema.fields.clone();
    let meaning = recognised(&fields, told(&read.info.schema, o)).with_classes(&fields, &rows);
    let events = meaning.history.filter(|h| o.histories && all.iter().any(|l| *l == h.list));
    let events = events.map(|h| history(h, source, o, meaning.roles.id, &rows)).transpose()?.flatten();
    let chips = match o.chips {
        Some(dir) => from_folder(dir, meaning.roles.id, &rows, &fids, notes)?,
        None if o.histories && all.iter().any(|l| l == "chips") => from_ledger(source, &read.info.schema, &rows)?,
        None => BTreeMap::new(),
    };
    let name = read.info.name.clone();
    let title = o.layer_titles.iter().find(|(l, _)| *l == name).map(|(_, t)| t.clone());
    let source =
        PageSource { file: shown(&source.path), layer: Some(name.clone()), crs: crs.label(), features: rows.len() };
    Ok(Read { layer: PageLayer { name, title, meaning, fields, rows, shapes, events, chips }, source })
}

type Brought = (Vec<Option<geo::Geometry<f64>>>, Vec<Vec<Value>>, Vec<i64>);

/// Shapes in longitude and latitude. A feature whose place cannot be told is set aside; one without geometry stays, in the
/// table alone.
fn brought(read: &mut Layer, way: &Way, notes: &mut Notes) -> Result<Brought> {
    let runner = way.runner()?;
    let (mut shapes, mut rows, mut fids) = (Vec::new(), Vec::new(), Vec::new());
    for f in std::mem::take(&mut read.features) {
        let shape = match f.geometry.filter(|g| g.coords_count() > 0) {
            None => None,
            Some(g) => match runner.run_owned(g) {
                Ok(g) if g.coords_iter().all(|c| c.x.abs() <= 360.0 && c.y.abs() <= 90.0) => Some(g),
                Ok(_) => {
                    let text = Text::new("its coordinates are no place on Earth", "坐标不在地球上");
                    notes.skipped.push(aside(&read.info, f.fid, "invalid_coordinates", text));
                    continue;
                }
                Err(e) => {
                    notes.skipped.push(aside(&read.info, f.fid, "not_transformable", (*e.what).clone()));
                    continue;
                }
            },
        };
        shapes.push(shape);
        rows.push(f.values);
        fids.push(f.fid);
    }
    Ok((shapes, rows, fids))
}

fn aside(info: &LayerInfo, fid: i64, code: &'static str, text: Text) -> Skipped {
    Skipped {
        file: info.source.clone(),
        layer: info.name.clone(),
        fid,
        id: None,
        reason: Reason { code, text },
        repaired: false,
    }
}

/// Roles that the user told, else those that fields have by their usual names.
fn told(schema: &Schema, o: &Wanted<'_>) -> Roles {
    let user = |role: PageRole| o.fields.iter().rev().find(|(r, _)| *r == role).and_then(|(_, f)| schema.position(f));
    let usual = |role: Role| position(schema, role, &FieldMap::new());
    Roles {
        id: user(PageRole::SiteId).or_else(|| usual(Role::SiteId)),
        name: user(PageRole::Name).or_else(|| usual(Role::Name)),
        unit: user(PageRole::ResponsibleUnit).or_else(|| usual(Role::ResponsibleUnit)),
        admin: user(PageRole::Admin).or_else(|| usual(Role::Admin)),
        kind: user(PageRole::Kind).or_else(|| usual(Role::Kind)),
        state: user(PageRole::State),
        from: user(PageRole::From),
        to: user(PageRole::To),
        ends_in: &[],
    }
}

/// Refuses a field that no layer has: a slip of the pen would empty a filter in silence.
fn named_fields(o: &Wanted<'_>, read: &[Read]) -> Result<()> {
    let has = |f: &str| read.iter().any(|r| r.layer.fields.iter().any(|x| x.name.eq_ignore_ascii_case(f)));
    let Some((role, field)) = o.fields.iter().find(|(_, f)| !has(f)) else { return Ok(()) };
    let role = role.as_str();
    Err(Error::usage(
        format!("--field {role}={field}: no layer has a field “{field}”"),
        format!("--field {role}={field}:没有图层含字段“{field}”"),
    ))
}

fn named_titles(o: &Wanted<'_>, read: &[Read]) -> Result<()> {
    let names: Vec<&str> = read.iter().map(|r| r.layer.name.as_str()).collect();
    let Some((layer, _)) = o.layer_titles.iter().find(|(l, _)| !names.contains(&l.as_str())) else { return Ok(()) };
    let list = names.join(", ");
    Err(Error::usage(
        format!("--layer-title {layer}: there is no such layer"),
        format!("--layer-title {layer}:没有这个图层"),
    )
    .remedy(format!("the layers are: {list}"), format!("已有图层:{list}")))
}

/// The events beside a layer, by its rows; `None` where its file has no such list.
fn history(
    h: &History,
    source: &SourceName,
    o: &Wanted<'_>,
    id: Option<usize>,
    rows: &[Vec<Value>],
) -> Result<Option<Events>> {
    let Some(id) = id else { return Ok(None) };
    let list = layer(&SourceName { path: source.path.clone(), layer: Some(h.list.to_owned()) }, &o.input.read)?;
    let schema = &list.info.schema;
    let Some(key) = schema.position(h.key) else { return Ok(None) };
    let kept: Vec<usize> = h.fields.iter().filter_map(|f| schema.position(f)).collect();
    let fields: Vec<Field> = kept.iter().map(|&i| schema.fields[i].clone()).collect();
    let row_of: HashMap<String, usize> = rows.iter().enumerate().map(|(i, r)| (r[id].to_display(), i)).collect();
    let mut out: BTreeMap<usize, Vec<Vec<Value>>> = BTreeMap::new();
    for f in list.features {
        if let Some(&row) = row_of.get(&f.values[key].to_display()) {
            out.entry(row).or_default().push(kept.iter().map(|&i| f.values[i].clone()).collect());
        }
    }
    Ok(Some(Events { fields, rows: out }))
}
