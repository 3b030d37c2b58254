//! What layers and fields of our verbs mean: themes, roles, titles, words for codes, colours. Layers are known by their
//! field names; others are taken as they are.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use serde_json::{Value as Json, json};

use super::{Class, Draw, Meaning};
use crate::error::Text;
use crate::model::{Field, Kind, Value};

/// Fields by what they say; positions in the layer's fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    /// Identifier.
    pub id: Option<usize>,
    /// Name.
    pub name: Option<usize>,
    /// Responsible unit.
    pub unit: Option<usize>,
    /// Administrative area.
    pub admin: Option<usize>,
    /// Kind.
    pub kind: Option<usize>,
    /// State.
    pub state: Option<usize>,
    /// The day from which it is there.
    pub from: Option<usize>,
    /// The last day; the same field as `from` for what is there on one day alone.
    pub to: Option<usize>,
    /// `to` counts only in these states; in all where empty.
    pub ends_in: &'static [&'static str],
}

/// A list of events of features, as our verbs write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Name of the list.
    pub list: &'static str,
    /// Field of both that tells the feature.
    pub key: &'static str,
    /// Fields of the list that are shown, the time first.
    pub fields: &'static [&'static str],
}

/// Histories that our verbs write.
pub const HISTORIES: [History; 2] = [
    History {
        list: "events",
        key: "issue_id",
        fields: &[
            "day",
            "action",
            "from_state",
            "to_state",
            "who",
            "why",
            "responsible_unit",
            "supervising_unit",
            "deadline",
        ],
    },
    History {
        list: "fire_events",
        key: "track_id",
        fields: &["time_utc", "event", "from_state", "to_state", "satellite", "cause"],
    },
];

/// A kind of layer: fields that only it has.
struct Known {
    fields: &'static [&'static str],
    theme: &'static str,
    title: (&'static str, &'static str),
    draw: Option<Draw>,
    shown: bool,
    id: &'static str,
    state: &'static str,
    /// Field of the colours.
    style: &'static str,
    span: (&'static str, &'static str),
    ends_in: &'static [&'static str],
    rest: [u8; 4],
}

const PLAIN: Known = Known {
    fields: &[],
    theme: "other",
    title: ("", ""),
    draw: None,
    shown: true,
    id: "",
    state: "",
    style: "",
    span: ("", ""),
    ends_in: &[],
    rest: [90, 100, 120, 150],
};

/// The first whose fields a layer has. A state that begins a name (`relation_`) is that of the widest distance.
const KNOWN: [Known; 13] = [
    Known {
        fields: &["track_id", "state", "first_seen"],
        theme: "fire",
        title: ("fires", "火情"),
        id: "track_id",
        state: "state",
        style: "state",
        span: ("first_seen", "out_sure"),
        ..PLAIN
    },
    Known {
        fields: &["fire_id", "time_utc"],
        theme: "fire",
        title: ("fire points", "火点"),
        id: "fire_id",
        state: "confidence",
        style: "confidence",
        span: ("time_utc", "time_utc"),
        rest: [150, 150, 150, 255],
        ..PLAIN
    },
    Known {
        fields: &["issue_id", "state", "found"],
        theme: "issue",
        title: ("issues", "问题图斑"),
        id: "issue_id",
        state: "state",
        style: "state",
        span: ("found", "state_since"),
        ends_in: &["closed", "dismissed"],
        ..PLAIN
    },
    Known {
        fields: &["patch_id", "direction", "permit_rel"],
        theme: "change",
        title: ("patches of change", "变化图斑"),
        id: "patch_id",
        state: "permit_rel",
        style: "direction",
        span: ("after", ""),
        ..PLAIN
    },
    Known {
        fields: &["patch_id", "direction"],
        theme: "change",
        title: ("patches of change", "变化图斑"),
        id: "patch_id",
        state: "direction",
        style: "direction",
        span: ("after", ""),
        ..PLAIN
    },
    Known {
        fields: &["grade", "now_pct"],
        theme: "restore",
        title: ("restoration progress", "恢复进展"),
        id: "site_id",
        state: "grade",
        style: "grade",
        ..PLAIN
    },
    Known {
        fields: &["verdict", "net_m3"],
        theme: "terrain",
        title: ("pits and dumps", "采坑与堆体"),
        id: "site_id",
        state: "verdict",
        style: "verdict",
        ..PLAIN
    },
    Known {
        fields: &["break_date", "magnitude", "state"],
        theme: "series",
        title: ("breaks", "突变监测"),
        state: "state",
        style: "state",
        span: ("break_date", ""),
        ..PLAIN
    },
    Known {
        fields: &["trend", "slope", "intercept"],
        theme: "series",
        title: ("trends", "变化趋势"),
        state: "trend",
        style: "trend",
        ..PLAIN
    },
    Known {
        fields: &["site_id", "min_dist_m"],
        theme: "site",
        title: ("sites", "图斑"),
        id: "site_id",
        state: "relation_",
        style: "kind",
        ..PLAIN
    },
    Known {
        fields: &["site_id", "zone", "overlap_m2"],
        theme: "zone",
        title: ("overlaps with zones", "与管控区重叠"),
        id: "site_id",
        style: "zone",
        rest: [150, 60, 150, 130],
        ..PLAIN
    },
    Known {
        fields: &["site_id", "distance_m", "inside_m2"],
        theme: "corridor",
        title: ("parts inside", "范围内部分"),
        id: "site_id",
        shown: false,
        rest: [210, 90, 40, 120],
        ..PLAIN
    },
    Known {
        fields: &["river", "distance_m"],
        theme: "corridor",
        title: ("corridor", "管控带"),
        draw: Some(Draw::Outline),
        rest: [40, 100, 170, 255],
        ..PLAIN
    },
];

const RIVERS: Known = Known {
    fields: &["river_class"],
    theme: "river",
    title: ("rivers", "河流"),
    draw: Some(Draw::Line),
    style: "river_class",
    rest: [50, 120, 200, 255],
    ..PLAIN
};

/// Classes of a legend at most; further values share one colour.
const CLASSES: usize = 12;

/// How a layer with these fields is understood; `told` are roles that the user or the usual names gave.
pub fn recognised(fields: &[Field], told: Roles) -> Meaning {
    let at = |name: &str| {
        (!name.is_empty()).then(|| fields.iter().position(|f| f.name.eq_ignore_ascii_case(name))).flatten()
    };
    let has = |k: &Known| k.fields.iter().all(|n| at(n).is_some());
    let rivers = has(&RIVERS) && at("min_dist_m").is_none() && at("distance_m").is_none();
    let found = KNOWN.iter().find(|k| has(k)).or(rivers.then_some(&RIVERS));
    let k = found.unwrap_or(&PLAIN);
    let state = if k.state.ends_with('_') { widest(fields, k.state) } else { at(k.state) };
    let roles = Roles {
        id: told.id.or(at(k.id)),
        name: told.name.or(at("site_name")).or(at("river").filter(|_| k.theme == "river")),
        unit: told.unit,
        admin: told.admin,
        kind: told.kind,
        state: told.state.or(state),
        from: told.from.or(at(k.span.0)),
        to: told.to.or(at(k.span.1)),
        ends_in: if told.to.is_some() { &[] } else { k.ends_in },
    };
    let style = at(k.style).or(roles.kind).or(roles.state);
    Meaning {
        theme: k.theme,
        title: found.map(|k| Text::new(k.title.0, k.title.1)),
        draw: k.draw,
        shown: k.shown,
        style,
        classes: Vec::new(),
        rest: k.rest,
        history: HISTORIES.iter().find(|h| found.is_some() && at(h.key).is_some() && at(h.key) == roles.id),
        roles,
    }
}

/// Of fields `relation_D` the one with the largest D.
fn widest(fields: &[Field], prefix: &str) -> Option<usize> {
    let distance = |f: &Field| f.name.strip_prefix(prefix)?.replace('_', ".").parse::<f64>().ok();
    (0..fields.len())
        .filter(|&i| distance(&fields[i]).is_some())
        .max_by(|&a, &b| distance(&fields[a]).unwrap_or(0.0).total_cmp(&distance(&fields[b]).unwrap_or(0.0)))
}

impl Meaning {
    /// Fills the classes with the values that occur: those with a colour of their own first, others by how often they occur.
    pub fn with_classes(mut self, fields: &[Field], rows: &[Vec<Value>]) -> Self {
        let Some(at) = self.style else { return self };
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        rows.iter().for_each(|r| *seen.entry(r[at].to_display()).or_default() += 1);
        let name = &fields[at].name;
        let named = words(name, self.theme);
        let mut classes: Vec<Class> = named
            .iter()
            .filter(|(code, _)| seen.remove(*code).is_some())
            .map(|(code, label)| Class {
                value: (*code).to_owned(),
                label: label.clone(),
                rgba: colour(name, code, self.theme).unwrap_or(self.rest),
            })
            .collect();
        let mut others: Vec<(String, usize)> = seen.into_iter().collect();
        others.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        // a field whose every value is its own is a name, not a class
        let is_name = others.len() > CLASSES && others.iter().all(|o| o.1 == 1);
        let room = if is_name { 0 } else { CLASSES.saturating_sub(classes.len()) };
        for (i, (value, _)) in others.into_iter().take(room).enumerate() {
            let rgba = if value.is_empty() { self.rest } else { PALETTE[i % PALETTE.len()] };
            classes.push(Class { label: Text::new(&value, &value), value, rgba });
        }
        self.classes = classes;
        self
    }
}

/// Colours of values that have none of their own (after Tableau's ten, which differ for most eyes).
const PALETTE: [[u8; 4]; 10] = [
    [78, 121, 167, 170],
    [242, 142, 43, 170],
    [89, 161, 79, 170],
    [225, 87, 89, 170],
    [118, 183, 178, 170],
    [237, 201, 72, 170],
    [176, 122, 161, 170],
    [255, 157, 167, 170],
    [156, 117, 95, 170],
    [120, 120, 130, 170],
];

/// Codes with their words and colours, a line each: `field|theme|code|English|Chinese|red,green,blue,opacity`; of any theme
/// where none is named, without a colour where none is needed.
const WORDS: &str = include_str!("words.txt");

/// A line of [`WORDS`].
struct Word {
    code: &'static str,
    text: Text,
    rgba: Option<[u8; 4]>,
}

fn coded(field: &str, theme: &str) -> Vec<Word> {
    let word = |line: &'static str| {
        let mut parts = line.split('|');
        let mut next = || parts.next().unwrap_or_default();
        let (of, at, code, en, zh, colour) = (next(), next(), next(), next(), next(), next());
        let fits = of == field && (at.is_empty() || at == theme);
        let parts: Vec<u8> = colour.split(',').filter_map(|n| n.parse().ok()).collect();
        fits.then(|| Word { code, text: Text::new(en, zh), rgba: parts.try_into().ok() })
    };
    WORDS.lines().filter_map(word).collect()
}

/// Colours of the kinds of sites.
fn kind_colour(k: Kind) -> [u8; 4] {
    match k {
        Kind::Mine => [200, 120, 40, 160],
        Kind::OpenPit => [150, 75, 30, 170],
        Kind::TailingsPond => [190, 30, 60, 170],
        Kind::WasteDump => [125, 95, 60, 160],
        Kind::GanguePile => [70, 70, 80, 170],
        Kind::SolidWasteYard => [130, 60, 130, 160],
        Kind::Industrial => [70, 110, 170, 160],
        Kind::DomesticSource => [60, 150, 150, 160],
        Kind::Other => [130, 135, 145, 150],
    }
}

/// Name under which the words of a field stand.
fn family(field: &str) -> &str {
    match field {
        "from_state" | "to_state" => "state",
        f if f.starts_with("relation_") => "relation",
        f => f,
    }
}

/// Words for the codes of a field in a layer of `theme`, in the order of legends.
pub(super) fn words(field: &str, theme: &str) -> Vec<(&'static str, Text)> {
    let family = family(field);
    if family == "kind" && theme != "issue" {
        return Kind::ALL.into_iter().map(|k| (k.as_str(), Text::new(k.as_str().replace('_', " "), k.zh()))).collect();
    }
    coded(family, theme).into_iter().map(|w| (w.code, w.text)).collect()
}

fn colour(field: &str, code: &str, theme: &str) -> Option<[u8; 4]> {
    let family = family(field);
    if family == "kind" && theme != "issue" {
        return Kind::ALL.into_iter().find(|k| k.as_str() == code).map(kind_colour);
    }
    coded(family, theme).into_iter().find(|w| w.code == code)?.rgba
}

/// Titles of fields of our layers; other fields keep their name.
pub(super) fn title(name: &str) -> Text {
    let km = |d: &str| d.replace('_', ".").parse::<f64>().ok().map(|d| d / 1000.0);
    if let Some(d) = name.strip_prefix("relation_").and_then(km) {
        return Text::new(format!("relation to {d} km"), format!("{d}公里关系"));
    }
    if let Some(d) = name.strip_prefix("inside_").and_then(|n| n.strip_suffix("_m2")).and_then(km) {
        return Text::new(format!("area within {d} km (m²)"), format!("{d}公里内面积(平方米)"));
    }
    if let Some(d) = name.strip_prefix("inside_").and_then(|n| n.strip_suffix("_pct")).and_then(km) {
        return Text::new(format!("share within {d} km (%)"), format!("{d}公里内占比(%)"));
    }
    let found = TITLES.lines().filter_map(|l| l.split_once('|')).find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.and_then(|(_, t)| t.split_once('|')).map_or_else(|| Text::new(name, name), |(en, zh)| Text::new(en, zh))
}

/// `field|English|Chinese`, a line each.
const TITLES: &str = include_str!("titles.txt");

/// First and last day of each row as days since 1970, where the layer has any.
pub(super) fn times(rows: &[Vec<Value>], roles: &Roles) -> Json {
    let Some(from) = roles.from else { return Json::Null };
    let ends = |r: &Vec<Value>| {
        let state = roles.state.and_then(|s| r[s].as_text());
        roles.ends_in.is_empty() || state.is_some_and(|s| roles.ends_in.contains(&s))
    };
    let number = |d: NaiveDate| d.signed_duration_since(NaiveDate::default()).num_days();
    let spans: Vec<Json> = rows
        .iter()
        .map(|r| {
            let to = roles.to.filter(|_| ends(r)).and_then(|t| day(&r[t]));
            day(&r[from]).map_or(Json::Null, |f| json!([number(f), to.map(number)]))
        })
        .collect();
    if spans.iter().all(Json::is_null) { Json::Null } else { Json::Array(spans) }
}

/// The day a value tells; of text, ISO 8601 or with slashes. A time with an offset counts by its UTC day.
fn day(v: &Value) -> Option<NaiveDate> {
    match v {
        Value::Date(d) => Some(*d),
        Value::DateTime(t) => Some(t.date()),
        Value::DateTimeTz(t) => Some(t.naive_utc().date()),
        Value::Text(s) => {
            let s = s.trim();
            if let Ok(t) = DateTime::parse_from_rfc3339(s) {
                return Some(t.naive_utc().date());
            }
            let first = s.get(..10).unwrap_or(s);
            ["%Y-%m-%d", "%Y/%m/%d"].into_iter().find_map(|f| NaiveDate::parse_from_str(first, f).ok())
        }
        _ => None,
    }
}
