//! One issue's whole history: a page that opens anywhere, JSON, GeoJSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{NaiveDate, SecondsFormat};
use geo::{BoundingRect, Coord, Geometry, LineString};
use serde_json::{Value as Json, json};

use crate::error::{Lang, Text};
use crate::model::{Chip, Event, Finding, Issue, StoredChip};
use crate::units::SquareMetres;

/// Chips by the SHA-256 of their bytes.
pub type Pictures = BTreeMap<String, StoredChip>;

/// The page may show what it holds, and run or fetch nothing, whatever its texts contain.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

const STYLE: &str = "body{font:16px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35em .7em;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}td.t{white-space:pre-wrap}
.late{color:#b00020;font-weight:600}figure{display:inline-block;margin:.5em 1em .5em 0;vertical-align:top}
figure img{width:14em;border:1px solid #ccc;image-rendering:pixelated}figcaption{font-size:.85em;color:#555}
svg{border:1px solid #ccc;background:#f7f7f4}details{margin:.3em 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85em}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}svg{background:#222}figcaption{color:#aaa}.late{color:#ff7b88}}
@media print{body{margin:0;max-width:none}details{display:none}}";

/// The page: what the issue is, where, every event, every finding with its pictures. Texts are shown as they are and run
/// nothing; each stands in an isolated direction, so that right-to-left text turns nothing round but itself.
pub fn page(issue: &Issue, events: &[Event], pictures: &Pictures, day: NaiveDate, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let code = if lang == Lang::Zh { "zh-CN" } else { "en" };
    let title = format!("{} {}", t("Issue", "问题"), issue.issue_id);
    let mut s = format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape(&title)
    );
    if let Some(name) = &issue.name {
        let _ = writeln!(s, "<p>{}</p>", isolated(name));
    }
    head(&mut s, issue, day, lang);
    let _ = write!(s, "<h2>{}</h2>\n{}", t("Places", "位置"), map(issue, events, lang));
    let _ = writeln!(s, "<h2>{}</h2>", t("Events", "办理记录"));
    events_table(&mut s, events, lang);
    let _ = writeln!(s, "<h2>{}</h2>", t("Evidence", "证据"));
    for e in events {
        if let Some(f) = &e.finding {
            finding(&mut s, e, f, pictures, lang);
        }
    }
    s += "</body>\n</html>\n";
    s
}

fn head(s: &mut String, i: &Issue, day: NaiveDate, lang: Lang) {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let late = i.overdue(day).then(|| format!(" <span class=\"late\">{}</span>", t("overdue", "已逾期")));
    let maybe = |v: &Option<String>| v.as_deref().map_or("–".to_owned(), isolated);
    let area = i.area_m2.map_or("–".into(), |a| {
        format!(
            "{a:.0} m² · {:.4} {} · {:.2} {}",
            SquareMetres(a).hectares(),
            t("ha", "公顷"),
            SquareMetres(a).mu(),
            t("mu", "亩")
        )
    });
    let rows = [
        (t("kind", "类别"), t(i.kind.en(), i.kind.zh())),
        (t("state", "状态"), format!("{} ({} {})", t(i.state.as_str(), i.state.zh()), t("since", "自"), i.state_since)),
        (t("object id", "图斑编号"), maybe(&i.object_id)),
        (t("administrative area", "行政区"), maybe(&i.admin)),
        (t("responsible unit", "责任单位"), maybe(&i.responsible_unit)),
        (t("supervising unit", "监管单位"), maybe(&i.supervising_unit)),
        (t("deadline", "完成时限"), i.deadline.map_or("–".into(), |d| d.to_string()) + &late.unwrap_or_default()),
        (t("found", "发现日期"), i.found.to_string()),
        (t("last seen", "最近发现"), i.last_seen.to_string()),
        (t("relapses", "反弹次数"), i.relapses.to_string()),
        (t("area", "面积"), area),
    ];
    *s += "<table>\n";
    for (k, v) in rows {
        let _ = writeln!(s, "<tr><th scope=\"row\">{k}</th><td>{v}</td></tr>");
    }
    *s += "</table>\n";
}

fn events_table(s: &mut String, events: &[Event], lang: Lang) {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let titles = [
        t("no.", "序号"),
        t("day", "日期"),
        t("state", "状态"),
        t("who", "经办人"),
        t("why", "说明"),
        t("set", "变更"),
    ];
    *s += "<table>\n<tr>";
    titles.iter().for_each(|h| *s += &format!("<th scope=\"col\">{h}</th>"));
    *s += "</tr>\n";
    for e in events {
        let state = match e.from {
            Some(from) if from != e.to => format!("{} → {}", t(from.as_str(), from.zh()), t(e.to.as_str(), e.to.zh())),
            None => t(e.to.as_str(), e.to.zh()),
            Some(_) => format!("{} ({})", t(e.to.as_str(), e.to.zh()), t(e.action.as_str(), e.action.zh())),
        };
        let c = &e.changes;
        let set: Vec<String> = [
            (t("responsible unit", "责任单位"), c.responsible_unit.clone()),
            (t("supervising unit", "监管单位"), c.supervising_unit.clone()),
            (t("deadline", "完成时限"), c.deadline.map(|d| d.to_string())),
        ]
        .into_iter()
        .filter_map(|(k, v)| v.map(|v| format!("{k}: {}", isolated(&v))))
        .collect();
        let _ = writeln!(
            s,
            "<tr><td>{}</td><td>{}</td><td>{state}</td><td>{}</td><td class=\"t\">{}</td><td>{}</td></tr>",
            e.seq,
            e.date,
            isolated(&e.who),
            isolated(&e.why),
            set.join("<br>")
        );
    }
    *s += "</table>\n";
}

fn finding(s: &mut String, e: &Event, f: &Finding, pictures: &Pictures, lang: Lang) {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let v = &f.evidence;
    let _ = writeln!(
        s,
        "<p>{} {} · {} {} · {} <code>{}</code> · {} <code>{}</code></p>",
        e.seq,
        f.observed,
        t("source", "来源"),
        isolated(&v.source),
        t("run", "运行"),
        escape(&v.run_id),
        t("inputs", "输入"),
        escape(v.input_hash.get(..16).unwrap_or(&v.input_hash)),
    );
    for (chip, caption) in [(&v.before, t("before", "前")), (&v.after, t("after", "后"))] {
        match chip {
            None => {}
            Some(Chip::Path(p)) => {
                let _ = writeln!(s, "<p>{caption}: {}</p>", isolated(p));
            }
            Some(Chip::Png { sha256, .. }) => {
                let data = pictures.get(sha256).map(|p| base64(&p.png)).unwrap_or_default();
                let scene = pictures.get(sha256).map(|p| p.scene.as_str()).filter(|s| !s.is_empty());
                let words = scene.map_or_else(|| caption.clone(), |s| format!("{caption} · {}", isolated(s)));
                let _ = writeln!(
                    s,
                    "<figure><img alt=\"{caption}, {}\" src=\"data:image/png;base64,{data}\"><figcaption>{words}</figcaption></figure>",
                    f.observed
                );
            }
        }
    }
    let facts = serde_json::from_str::<Json>(&f.facts).and_then(|j| serde_json::to_string_pretty(&j));
    let _ = writeln!(
        s,
        "<details><summary>{}</summary><pre dir=\"auto\">{}</pre></details>",
        t("attributes", "属性"),
        escape(facts.as_deref().unwrap_or(&f.facts))
    );
}

/// Outlines of all findings, the last one filled, as a drawing with north up.
fn map(issue: &Issue, events: &[Event], lang: Lang) -> String {
    let places: Vec<&Geometry<f64>> =
        events.iter().filter_map(|e| e.finding.as_ref()).map(|f| &f.place).chain([&issue.place]).collect();
    let all = places.iter().filter_map(|g| g.bounding_rect()).reduce(|a, b| {
        let min = Coord { x: a.min().x.min(b.min().x), y: a.min().y.min(b.min().y) };
        geo::Rect::new(min, Coord { x: a.max().x.max(b.max().x), y: a.max().y.max(b.max().y) })
    });
    let Some(b) = all else { return String::new() };
    let (mid, side) = (b.center(), 320.0);
    let k = mid.y.to_radians().cos().max(0.01);
    let span = (b.width() * k).max(b.height()).max(0.001) * 1.15;
    let at = |c: Coord<f64>| ((c.x - mid.x) * k / span * side + side / 2.0, (mid.y - c.y) / span * side + side / 2.0);
    let label = Text::new("outlines of all findings, the last one filled", "历次发现的范围,最近一次填色");
    let mut s = format!(
        "<svg role=\"img\" width=\"{side}\" height=\"{side}\" viewBox=\"0 0 {side} {side}\" aria-label=\"{}\">\n",
        label.in_lang(lang)
    );
    let last = places.len() - 1;
    for (n, g) in places.into_iter().enumerate() {
        let fill = if n == last { "#d73027" } else { "none" };
        let (mut d, mut dots) = (String::new(), Vec::new());
        draw(g, &mut d, &mut dots, &at);
        if !d.is_empty() {
            let _ = writeln!(
                s,
                "<path d=\"{d}\" fill=\"{fill}\" fill-opacity=\"0.35\" fill-rule=\"evenodd\" stroke=\"#a02018\"/>"
            );
        }
        for (x, y) in dots {
            let _ = writeln!(s, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"#a02018\"/>");
        }
    }
    let _ = writeln!(
        s,
        "</svg>\n<p>{:.6}, {:.6} (CGCS2000) · {} {:.0} m</p>",
        mid.x,
        mid.y,
        Text::new("width of the drawing", "图幅宽").in_lang(lang),
        span * 111_000.0
    );
    s
}

fn draw(g: &Geometry<f64>, d: &mut String, dots: &mut Vec<(f64, f64)>, at: &dyn Fn(Coord<f64>) -> (f64, f64)) {
    let mut line = |l: &LineString<f64>| {
        for (i, c) in l.0.iter().enumerate() {
            let (x, y) = at(*c);
            let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        }
    };
    match g {
        Geometry::Polygon(p) => std::iter::once(p.exterior()).chain(p.interiors()).for_each(&mut line),
        Geometry::MultiPolygon(m) => {
            m.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).for_each(&mut line);
        }
        Geometry::LineString(l) => line(l),
        Geometry::MultiLineString(m) => m.0.iter().for_each(&mut line),
        Geometry::Point(p) => dots.push(at(p.0)),
        Geometry::MultiPoint(m) => dots.extend(m.0.iter().map(|p| at(p.0))),
        _ => {}
    }
}

/// The history as JSON: the issue, its events, their findings without geometry.
pub fn json(issue: &Issue, events: &[Event]) -> String {
    let mut text = serde_json::to_string_pretty(&json!({
        "issue": issue_json(issue),
        "events": events.iter().map(event_json).collect::<Vec<_>>(),
    }))
    .unwrap_or_default();
    text.push('\n');
    text
}

/// An issue as JSON, without its place.
pub fn issue_json(i: &Issue) -> Json {
    json!({
        "issue_id": i.issue_id,
        "kind": i.kind.as_str(),
        "state": i.state.as_str(),
        "object_id": i.object_id,
        "name": i.name,
        "admin": i.admin,
        "responsible_unit": i.responsible_unit,
        "supervising_unit": i.supervising_unit,
        "deadline": i.deadline.map(|d| d.to_string()),
        "area_m2": i.area_m2,
        "footprint_m": i.footprint_m,
        "found": i.found.to_string(),
        "state_since": i.state_since.to_string(),
        "last_seen": i.last_seen.to_string(),
        "closed": i.closed.map(|d| d.to_string()),
        "relapses": i.relapses,
        "events": i.events,
        "run_id": i.run_id,
    })
}

fn event_json(e: &Event) -> Json {
    let c = &e.changes;
    json!({
        "seq": e.seq,
        "action": e.action.as_str(),
        "from": e.from.map(|s| s.as_str()),
        "to": e.to.as_str(),
        "day": e.date.to_string(),
        "recorded": e.recorded.to_rfc3339_opts(SecondsFormat::Millis, true),
        "who": e.who,
        "why": e.why,
        "key": e.key,
        "set": {
            "name": c.name,
            "admin": c.admin,
            "responsible_unit": c.responsible_unit,
            "supervising_unit": c.supervising_unit,
            "deadline": c.deadline.map(|d| d.to_string()),
        },
        "finding": e.finding.as_ref().map(|f| finding_json(f)),
    })
}

fn finding_json(f: &Finding) -> Json {
    let chip = |c: &Option<Chip>| match c {
        None => Json::Null,
        Some(Chip::Path(p)) => json!({"path": p}),
        Some(Chip::Png { sha256, .. }) => json!({"sha256": sha256}),
    };
    json!({
        "observed": f.observed.to_string(),
        "object_id": f.object_id,
        "area_m2": f.area_m2,
        "source": f.evidence.source,
        "run_id": f.evidence.run_id,
        "input_hash": f.evidence.input_hash,
        "before": chip(&f.evidence.before),
        "after": chip(&f.evidence.after),
        "attributes": serde_json::from_str::<Json>(&f.facts).unwrap_or_else(|_| json!(f.facts)),
    })
}

/// The places of all findings as GeoJSON (RFC 7946), oldest first.
pub fn places(issue: &Issue, events: &[Event]) -> String {
    let feature = |e: &Event| {
        let f = e.finding.as_ref()?;
        let properties =
            json!({"issue_id": issue.issue_id, "seq": e.seq, "observed": f.observed.to_string(), "area_m2": f.area_m2});
        let geometry = geojson::GeometryValue::from(&f.place);
        Some(json!({"type": "Feature", "properties": properties, "geometry": geojson::Geometry::new(geometry)}))
    };
    let all: Vec<Json> = events.iter().filter_map(feature).collect();
    json!({"type": "FeatureCollection", "features": all}).to_string() + "\n"
}

/// Text for HTML, in a direction of its own.
fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let six = (n >> (18 - 6 * i)) as usize & 63;
            out.push(if i <= three.len() { LETTERS[six] as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escape("<b a='\"'>&\u{1b}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}");
        assert_eq!(isolated("\u{202e}x"), "<bdi>\u{202e}x</bdi>");
    }
}
