//! The map page: one HTML file that holds its data, its program and its styles, and asks no network for anything.
//!
//! The program (`page/bundle.js`) is built from `web/page/`; this module puts the data beside it. Text of the data enters
//! the page as JSON only, with `<` and the two line separators of Unicode escaped, and the program shows it as text.

mod known;
pub mod picture;
mod pieces;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use geo::Geometry;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::error::{Lang, Text};
use crate::model::{Field, FieldType, Value};
pub use known::{HISTORIES, History, Roles, recognised};
pub use pieces::{Rounded, base64};

const PROGRAM: &str = include_str!("page/bundle.js");
const STYLES: &str = include_str!("page/bundle.css");
const FRAME: &str = include_str!("page/frame.html");

/// A class of a layer: what its field says, its name, its colour (red, green, blue, opacity 0–255).
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Value of the field.
    pub value: String,
    /// Legend.
    pub label: Text,
    /// Colour.
    pub rgba: [u8; 4],
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Areas.
    Fill,
    /// Outlines of areas.
    Outline,
    /// Lines.
    Line,
    /// Points.
    Point,
}

/// How a layer is understood: theme, roles of fields, classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// `site`, `fire`, `change`, `restore`, `terrain`, `issue`, `zone`, `corridor`, `river`, `other`.
    pub theme: &'static str,
    /// Title, where the layer is one of ours.
    pub title: Option<Text>,
    /// How it is drawn; `None`: by its geometry.
    pub draw: Option<Draw>,
    /// Shown when the page opens.
    pub shown: bool,
    /// Fields by what they say.
    pub roles: Roles,
    /// Field of the classes.
    pub style: Option<usize>,
    /// Classes, in the order of the legend.
    pub classes: Vec<Class>,
    /// Colour of everything else.
    pub rest: [u8; 4],
    /// Name of the list that holds what happened to its features.
    pub history: Option<&'static History>,
}

/// Events of a layer's features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Events {
    /// Fields, the time first.
    pub fields: Vec<Field>,
    /// Events by row of the layer.
    pub rows: BTreeMap<usize, Vec<Vec<Value>>>,
}

/// A layer of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageLayer {
    /// Name in its file.
    pub name: String,
    /// Title; `None`: that of its meaning, or its name.
    pub title: Option<String>,
    /// How it is understood.
    pub meaning: Meaning,
    /// Fields.
    pub fields: Vec<Field>,
    /// Values, one a field.
    pub rows: Vec<Vec<Value>>,
    /// Shapes in longitude and latitude, one a row; `None` where there is none.
    pub shapes: Vec<Option<Geometry<f64>>>,
    /// Events.
    pub events: Option<Events>,
    /// Pictures before and after, by row.
    pub chips: BTreeMap<usize, [Option<Chip>; 2]>,
}

/// A small picture of a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The PNG file.
    pub png: Vec<u8>,
    /// Scene and day that it shows; empty where not told.
    pub shows: String,
}

/// A picture in Web Mercator.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePicture {
    /// Title: a date or a name.
    pub title: String,
    /// PNG.
    pub png: Vec<u8>,
    /// West, south, east, north in metres of EPSG:3857.
    pub extent: [f64; 4],
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct PageChart {
    /// Lines over time; stacked bars otherwise.
    pub lines: bool,
    /// Title.
    pub title: Text,
    /// Title of the axis.
    pub x_title: Text,
    /// Places on the axis.
    pub x: Vec<String>,
    /// Series: name, and a value a place; `None` where there is none.
    pub series: Vec<(Text, Vec<Option<f64>>)>,
}

/// What the page was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PageSource {
    /// File, without its folder.
    pub file: String,
    /// Layer.
    pub layer: Option<String>,
    /// CRS.
    pub crs: String,
    /// Features.
    pub features: usize,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Title.
    pub title: Text,
    /// Language it opens in.
    pub lang: Lang,
    /// The day it was made.
    pub made: NaiveDate,
    /// Layers, the lowest first.
    pub layers: Vec<PageLayer>,
    /// Before and after.
    pub pictures: Option<[PagePicture; 2]>,
    /// Charts.
    pub charts: Vec<PageChart>,
    /// Sources.
    pub sources: Vec<PageSource>,
    /// What the reader must know.
    pub notes: Vec<Text>,
}

/// Title of a field of ours; other fields keep their name.
pub fn title_of(field: &str) -> Text {
    known::title(field)
}

/// The page as HTML text.
pub fn html(page: &Page) -> String {
    let data = inert(&data(page).to_string());
    let hash = |s: &str| format!("'sha256-{}'", base64(&Sha256::digest(s.as_bytes())));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(PROGRAM),
        hash(STYLES)
    );
    let lang = if page.lang == Lang::Zh { "zh-CN" } else { "en" };
    let title = escaped(page.title.in_lang(page.lang));
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"heshan {version}\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>{STYLES}</style>\n</head>\n<body>\n{FRAME}<noscript>{noscript}</noscript>\n<script type=\"application/json\" id=\"heshan-data\">{data}</script>\n<script>{PROGRAM}</script>\n</body>\n</html>\n",
        version = env!("CARGO_PKG_VERSION"),
        noscript = "本页面需要 JavaScript。This page needs JavaScript.",
    )
}

/// JSON that cannot end the element it stands in: in JSON these characters occur in texts only, where `\u…` is the same.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn words(t: &Text) -> Json {
    json!({"en": t.en, "zh": t.zh})
}

fn data(p: &Page) -> Json {
    let pictures =
        p.pictures.as_ref().map(|[before, after]| json!({"before": picture(before), "after": picture(after)}));
    let charts: Vec<Json> = p.charts.iter().map(chart).collect();
    let sources: Vec<Json> = p
        .sources
        .iter()
        .map(|s| json!({"file": s.file, "layer": s.layer, "crs": s.crs, "features": s.features}))
        .collect();
    json!({
        "version": 1,
        "title": words(&p.title),
        "lang": if p.lang == Lang::Zh { "zh" } else { "en" },
        "made": p.made.to_string(),
        "program": concat!("heshan ", env!("CARGO_PKG_VERSION")),
        "sources": sources,
        "notes": p.notes.iter().map(words).collect::<Vec<_>>(),
        "layers": p.layers.iter().map(layer).collect::<Vec<_>>(),
        "pictures": pictures,
        "charts": charts,
    })
}

fn picture(p: &PagePicture) -> Json {
    json!({"title": p.title, "url": data_url(&p.png), "extent": p.extent})
}

fn data_url(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(png))
}

fn chart(c: &PageChart) -> Json {
    let series: Vec<Json> = c.series.iter().map(|(n, v)| json!({"name": words(n), "values": v})).collect();
    json!({"kind": if c.lines { "line" } else { "bar" }, "title": words(&c.title), "xTitle": words(&c.x_title), "x": c.x, "series": series})
}

fn layer(l: &PageLayer) -> Json {
    let m = &l.meaning;
    let title = match (&l.title, &m.title) {
        (Some(t), _) => Text::new(t, t),
        (None, Some(t)) => t.clone(),
        (None, None) => Text::new(&l.name, &l.name),
    };
    let draw = match m.draw.unwrap_or_else(|| drawn(&l.shapes)) {
        Draw::Fill => "fill",
        Draw::Outline => "outline",
        Draw::Line => "line",
        Draw::Point => "point",
    };
    let classes: Vec<Json> = m
        .classes
        .iter()
        .map(|c| json!({"value": c.value, "label": words(&c.label), "rgba": c.rgba, "width": 0.3}))
        .collect();
    let times = known::times(&l.rows, &m.roles);
    let row = |r: &Vec<Value>| Json::Array(r.iter().map(value).collect());
    json!({
        "name": l.name,
        "title": words(&title),
        "theme": m.theme,
        "draw": draw,
        "shown": m.shown,
        "frame": !matches!(m.theme, "river" | "corridor" | "zone"),
        "fields": l.fields.iter().map(|f| field(f, &l.fields, m.theme)).collect::<Vec<_>>(),
        "roles": roles(&m.roles),
        "style": {"field": m.style, "classes": classes, "rest": m.rest},
        "without": l.shapes.iter().filter(|s| s.is_none()).count(),
        "rows": l.rows.iter().map(row).collect::<Vec<_>>(),
        "shapes": l.shapes.iter().map(|g| g.as_ref().map_or(Json::Null, pieces::shape)).collect::<Vec<_>>(),
        "time": times,
        "history": l.events.as_ref().map(|e| events(e, m.theme)),
        "chips": chips(l),
    })
}

/// How a layer is drawn by its geometry: by the first shape there is.
pub fn drawn(shapes: &[Option<Geometry<f64>>]) -> Draw {
    match shapes.iter().flatten().next() {
        Some(Geometry::Point(_) | Geometry::MultiPoint(_)) => Draw::Point,
        Some(Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_)) => Draw::Line,
        _ => Draw::Fill,
    }
}

fn field(f: &Field, all: &[Field], theme: &str) -> Json {
    let ty = match f.ty {
        FieldType::Bool => "bool",
        FieldType::Int32 | FieldType::Int64 | FieldType::Real => "number",
        FieldType::Text | FieldType::Binary => "text",
        FieldType::Date => "date",
        FieldType::Time | FieldType::DateTime => "time",
    };
    let mut out = json!({"name": f.name, "title": words(&known::title(&f.name)), "type": ty});
    let codes = known::words(&f.name, theme);
    if !codes.is_empty() {
        let map: Map<String, Json> = codes.into_iter().map(|(c, t)| (c.to_owned(), words(&t))).collect();
        out["words"] = Json::Object(map);
    }
    // of a code and its Chinese name the page shows the code in its reader's words
    if let Some(code) = f.name.strip_suffix("_zh")
        && all.iter().any(|o| o.name == code && !known::words(code, theme).is_empty())
    {
        out["hidden"] = json!(true);
    }
    out
}

fn roles(r: &Roles) -> Json {
    json!({"id": r.id, "name": r.name, "unit": r.unit, "admin": r.admin, "kind": r.kind, "state": r.state})
}

fn events(e: &Events, theme: &str) -> Json {
    let rows: Map<String, Json> = e
        .rows
        .iter()
        .map(|(i, list)| {
            (i.to_string(), json!(list.iter().map(|r| r.iter().map(value).collect::<Vec<_>>()).collect::<Vec<_>>()))
        })
        .collect();
    json!({"fields": e.fields.iter().map(|f| field(f, &[], theme)).collect::<Vec<_>>(), "rows": rows})
}

fn chips(l: &PageLayer) -> Json {
    if l.chips.is_empty() {
        return Json::Null;
    }
    let both = |[before, after]: &[Option<Chip>; 2]| {
        let url = |c: &Option<Chip>| c.as_ref().map(|c| data_url(&c.png));
        let shows = |c: &Option<Chip>| c.as_ref().map(|c| c.shows.clone()).filter(|s| !s.is_empty());
        json!({"before": url(before), "after": url(after), "shows": {"before": shows(before), "after": shows(after)}})
    };
    Json::Object(l.chips.iter().map(|(i, c)| (i.to_string(), both(c))).collect())
}

/// A value as the page holds it: numbers that JavaScript cannot hold exactly, and those that JSON cannot, as text.
fn value(v: &Value) -> Json {
    const EXACT: i64 = 1 << 53;
    match v {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(i) if (-EXACT..=EXACT).contains(i) => json!(i),
        Value::Real(r) if r.is_finite() => json!(r),
        other => json!(other.to_display()),
    }
}

#[cfg(test)]
mod tests;
