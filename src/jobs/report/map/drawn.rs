//! Which layers and features are on which sheet, and where they lie in its CRS.

use std::collections::BTreeMap;

use geo::{BoundingRect, Rect};

use super::super::super::Notes;
use super::super::super::inputs::{named_crs, typed_crs};
use super::super::layers::Read;
use super::MapOptions;
use crate::error::{Error, Result, Text};
use crate::model::Value;
use crate::prepare::crs::{ResolvedCrs, Transformation, from_geographic, resolve, working_zone};
use crate::report::page::{Draw, drawn};
use crate::report::sheet::{SheetFeature, SheetLayer};

/// A sheet that is to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// Value of the field, in an atlas.
    pub value: Option<String>,
    /// West, south, east, north of what it shows.
    pub area: [f64; 4],
}

/// Without the layers that are shown on request only; names them.
pub(super) fn kept(layers: Vec<Read>, o: &MapOptions, notes: &mut Notes) -> Vec<Read> {
    let asked = |r: &Read| o.layers.iter().any(|l| l.rsplit_once('#').is_some_and(|(_, n)| n == r.layer.name));
    let (kept, left): (Vec<Read>, Vec<Read>) = layers.into_iter().partition(|r| r.layer.meaning.shown || asked(r));
    for r in left {
        let (file, name) = (r.source.file, r.layer.name);
        notes.warnings.push(Text::new(
            format!("{file}#{name} is not drawn; name it so to draw it"),
            format!("{file}#{name} 未绘制;需要时请写明该图层"),
        ));
    }
    let bare: usize = kept.iter().map(|r| r.layer.shapes.iter().filter(|s| s.is_none()).count()).sum();
    if bare > 0 {
        notes.warnings.push(Text::new(
            format!("{bare} feature(s) without geometry are not on the map"),
            format!("{bare} 个要素没有几何,图上没有"),
        ));
    }
    kept
}

/// Position of a field by its name, or by what it says.
fn position(r: &Read, name: &str) -> Option<usize> {
    let own = r.layer.fields.iter().position(|f| f.name.eq_ignore_ascii_case(name));
    let roles = &r.layer.meaning.roles;
    own.or(match name {
        "site_id" => roles.id,
        "name" => roles.name,
        "responsible_unit" => roles.unit,
        "admin" => roles.admin,
        "kind" => roles.kind,
        "state" => roles.state,
        _ => None,
    })
}

/// True where a layer says how large a sheet is: rivers, corridors and zones reach far.
fn frames(r: &Read) -> bool {
    !matches!(r.layer.meaning.theme, "river" | "corridor" | "zone")
}

/// The sheets: one of everything, or one for each value of the field, by name.
pub(super) fn leaves(o: &MapOptions, layers: &[Read], notes: &mut Notes) -> Result<Vec<Leaf>> {
    let empty = || {
        Error::input("there is nothing to draw: no feature has a place", "没有可绘制的要素")
            .remedy("name other layers, or --extent", "请指定其他图层,或用 --extent")
    };
    if let Some(f) = o.label.as_deref().filter(|f| layers.iter().all(|r| position(r, f).is_none())) {
        return Err(no_field("--label", f, layers));
    }
    let all = |wanted: &dyn Fn(&Read) -> bool| {
        let shapes = layers.iter().filter(|r| wanted(r)).flat_map(|r| r.layer.shapes.iter().flatten());
        shapes.filter_map(BoundingRect::bounding_rect).fold(None, joined)
    };
    let Some(field) = &o.by else {
        let whole = o.extent.map(Some).unwrap_or_else(|| all(&frames).or_else(|| all(&|_| true)).map(corners));
        return Ok(vec![Leaf { value: None, area: whole.ok_or_else(empty)? }]);
    };
    if layers.iter().all(|r| position(r, field).is_none()) {
        return Err(no_field("--by", field, layers));
    }
    let mut of: BTreeMap<String, Rect<f64>> = BTreeMap::new();
    let mut without = 0;
    for r in layers {
        let Some(at) = position(r, field) else { continue };
        for (row, shape) in r.layer.rows.iter().zip(&r.layer.shapes) {
            let Some(b) = shape.as_ref().and_then(BoundingRect::bounding_rect) else { continue };
            match text(&row[at]) {
                None => without += 1,
                Some(v) => {
                    let now = joined(of.remove(&v), b);
                    of.extend(now.map(|b| (v, b)));
                }
            }
        }
    }
    if without > 0 {
        notes.warnings.push(Text::new(
            format!("{without} feature(s) have no “{field}” and no sheet of their own"),
            format!("{without} 个要素没有“{field}”,没有单独的图幅"),
        ));
    }
    let area = |b: Rect<f64>| o.extent.unwrap_or_else(|| corners(b));
    let out: Vec<Leaf> = of.into_iter().map(|(v, b)| Leaf { value: Some(v), area: area(b) }).collect();
    if out.is_empty() { Err(empty()) } else { Ok(out) }
}

fn no_field(flag: &str, field: &str, layers: &[Read]) -> Error {
    let names = |r: &Read| r.layer.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
    let list: Vec<String> = layers.iter().map(|r| format!("{} ({})", r.layer.name, names(r))).collect();
    Error::usage(format!("{flag} {field}: no layer has such a field"), format!("{flag} {field}:没有图层含此字段"))
        .remedy(format!("the fields are: {}", list.join("; ")), format!("已有字段:{}", list.join(";")))
}

/// A value as the name of a sheet; `None` where there is none.
fn text(v: &Value) -> Option<String> {
    let t = crate::model::one_line(v.to_display().trim(), 120);
    (!t.is_empty()).then_some(t)
}

fn joined(a: Option<Rect<f64>>, b: Rect<f64>) -> Option<Rect<f64>> {
    let Some(a) = a else { return Some(b) };
    let (low, high) =
        ((a.min().x.min(b.min().x), a.min().y.min(b.min().y)), (a.max().x.max(b.max().x), a.max().y.max(b.max().y)));
    Some(Rect::new(low, high))
}

fn corners(b: Rect<f64>) -> [f64; 4] {
    [b.min().x, b.min().y, b.max().x, b.max().y]
}

/// The CRS of a sheet: the one told, else the 3-degree zone that its middle lies in.
pub(super) fn sheet_crs(o: &MapOptions, leaf: &Leaf) -> Result<ResolvedCrs> {
    let crs = match &o.crs {
        Some(text) => named_crs("--out-crs", text)?,
        None => {
            let lon = leaf.area[0].midpoint(leaf.area[2]);
            let Some(code) = working_zone(lon).epsg_prefixed else {
                return Err(Error::usage(
                    format!("the middle of the sheet ({lon:.2}° E) lies in no zone of CGCS2000"),
                    format!("图幅中心(东经 {lon:.2}°)不在 CGCS2000 分带范围内"),
                )
                .remedy("name a projected CRS: --out-crs EPSG:…", "请指定投影坐标系:--out-crs EPSG:…"));
            };
            resolve(&typed_crs(&format!("EPSG:{code}")))?
        }
    };
    if crs.geographic {
        return Err(Error::usage(
            format!("--out-crs {}: a map sheet is drawn in a projected CRS", crs.label()),
            format!("--out-crs {}:专题图须用投影坐标系", crs.label()),
        )
        .remedy(
            "leave it away (3-degree zone of CGCS2000), or name one such as EPSG:4524",
            "可不指定(自动用 CGCS2000 三度带),或指定如 EPSG:4524",
        ));
    }
    Ok(crs)
}

/// Bounds in the CRS of a box in degrees, by places along its sides.
pub(super) fn outline([w, s, e, n]: [f64; 4], xy: &dyn Fn([f64; 2]) -> Option<[f64; 2]>) -> Option<[f64; 4]> {
    let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for i in 0..=16 {
        let t = f64::from(i) / 16.0;
        let (lon, lat) = (w + t * (e - w), s + t * (n - s));
        for p in [[lon, s], [lon, n], [w, lat], [e, lat]] {
            let [x, y] = xy(p)?;
            b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
        }
    }
    Some(b)
}

/// The layers in one CRS.
pub(super) struct Projected {
    /// Definition of the CRS.
    pub definition: String,
    layers: Vec<SheetLayer>,
    /// By layer: the value of the field of each feature; `None` where the layer has no such field.
    values: Vec<Option<Vec<Option<String>>>>,
    /// By layer: whether it says how large a sheet is.
    frames: Vec<bool>,
}

impl Projected {
    pub fn new(o: &MapOptions, layers: &[Read], crs: &ResolvedCrs) -> Result<Self> {
        let runner = Transformation::to_geographic(crs, None)?.transformer()?;
        let any_frames = layers.iter().any(frames);
        let mut out =
            Self { definition: crs.definition.clone(), layers: Vec::new(), values: Vec::new(), frames: Vec::new() };
        for r in layers {
            let by = o.by.as_deref().and_then(|f| position(r, f));
            let roles = &r.layer.meaning.roles;
            let label = match &o.label {
                _ if o.no_labels => None,
                Some(f) => position(r, f),
                // corridors bear the names of their rivers, which are written there
                None if r.layer.meaning.theme == "corridor" => None,
                None => roles.name.or(roles.id),
            };
            let style = r.layer.meaning.style;
            let (mut features, mut values) = (Vec::new(), Vec::new());
            for (row, shape) in r.layer.rows.iter().zip(&r.layer.shapes) {
                let Some(shape) = shape else { continue };
                // what the CRS cannot hold lies far outside the sheet
                let Ok(shape) = from_geographic(shape, &runner) else { continue };
                let class = style.and_then(|s| {
                    let v = row[s].to_display();
                    r.layer.meaning.classes.iter().position(|c| c.value == v)
                });
                features.push(SheetFeature { shape, class, label: label.and_then(|l| text(&row[l])), chosen: true });
                values.push(by.and_then(|b| text(&row[b])));
            }
            out.layers.push(SheetLayer {
                title: title(r),
                draw: draw(r),
                classes: r.layer.meaning.classes.clone(),
                rest: r.layer.meaning.rest,
                features,
            });
            out.values.push(by.map(|_| values));
            out.frames.push(if o.by.is_some() { by.is_some() } else { frames(r) || !any_frames });
        }
        Ok(out)
    }

    /// What a sheet is of, by layer and feature.
    fn chosen<'s>(&'s self, leaf: &'s Leaf) -> impl Iterator<Item = &'s SheetFeature> + 's {
        let layers = self.layers.iter().zip(&self.values).zip(&self.frames).filter(|(_, frames)| **frames);
        layers.flat_map(move |((l, values), _)| {
            l.features
                .iter()
                .enumerate()
                .filter(move |(i, _)| values.as_ref().is_none_or(|v| v[*i] == leaf.value))
                .map(|(_, f)| f)
        })
    }

    /// Bounds of what a sheet is of.
    pub fn extent(&self, leaf: &Leaf) -> Option<[f64; 4]> {
        self.chosen(leaf).filter_map(|f| f.shape.bounding_rect()).fold(None, joined).map(corners)
    }

    /// How many of these features are not wholly within these bounds.
    pub fn outside(&self, leaf: &Leaf, [x0, y0, x1, y1]: [f64; 4]) -> usize {
        let out = |b: Rect<f64>| b.min().x < x0 || b.min().y < y0 || b.max().x > x1 || b.max().y > y1;
        self.chosen(leaf).filter(|f| f.shape.bounding_rect().is_some_and(out)).count()
    }

    /// The layers, with what a sheet is not of marked so.
    pub fn layers(&self, leaf: &Leaf) -> Vec<SheetLayer> {
        let mut out = self.layers.clone();
        for (l, values) in out.iter_mut().zip(&self.values) {
            let Some(values) = values else { continue };
            for (f, v) in l.features.iter_mut().zip(values) {
                f.chosen = *v == leaf.value;
            }
        }
        out
    }
}

fn title(r: &Read) -> Text {
    match (&r.layer.title, &r.layer.meaning.title) {
        (Some(t), _) => Text::new(t, t),
        (None, Some(t)) => t.clone(),
        (None, None) => Text::new(&r.layer.name, &r.layer.name),
    }
}

fn draw(r: &Read) -> Draw {
    r.layer.meaning.draw.unwrap_or_else(|| drawn(&r.layer.shapes))
}
