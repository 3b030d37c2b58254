//! A document as one HTML file: no script, no request, readable on screen and on paper.

use std::fmt::Write as _;

use super::super::drawing::svg;
use super::{is_number, shown};
use crate::error::Lang;
use crate::model::{Document, Part, Table};

const CSS: &str = "body{font-family:'Noto Serif CJK SC','Source Han Serif SC','SimSun',serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.6;color:#111;background:#fff}\
h1{font-size:1.5em;text-align:center;margin-bottom:0}h2{font-size:1.15em;margin-top:1.6em}.sub{text-align:center;color:#444}\
table{border-collapse:collapse;width:100%;font-size:.9em}th,td{border:1px solid #888;padding:.25em .5em;text-align:left;overflow-wrap:anywhere}\
th{background:#eee}figure{margin:1em 0;break-inside:avoid}figure svg{width:100%;height:auto}td.n{text-align:right;font-variant-numeric:tabular-nums}tr.sum td{font-weight:bold}.note{color:#555;font-size:.85em;margin-top:2em}\
@media print{body{margin:0;max-width:none}thead{display:table-header-group}tr{break-inside:avoid}}\
@media (prefers-color-scheme:dark){@media screen{body{color:#eee;background:#181818}th{background:#333}.sub,.note{color:#bbb}}}";

pub(super) fn text(d: &Document, lang: Lang) -> String {
    let code = if lang == Lang::Zh { "zh-CN" } else { "en" };
    let title = escaped(d.title.in_lang(lang));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{CSS}</style></head>\n\
         <body><main><h1>{title}</h1><p class=\"sub\">{}</p>\n",
        escaped(d.subtitle.in_lang(lang))
    );
    for part in &d.parts {
        match part {
            Part::Heading(t) => {
                let _ = writeln!(out, "<h2>{}</h2>", escaped(t.in_lang(lang)));
            }
            Part::Paragraph(t) => {
                let _ = writeln!(out, "<p>{}</p>", escaped(t.in_lang(lang)));
            }
            Part::List(t) => list(&mut out, t, lang),
            Part::Chart { title, drawing } => {
                let _ = writeln!(
                    out,
                    "<figure role=\"img\" aria-label=\"{}\">{}</figure>",
                    escaped(title.in_lang(lang)),
                    svg::text(drawing)
                );
            }
        }
    }
    let _ = writeln!(out, "<p class=\"note\">{}</p></main></body></html>", escaped(d.note.in_lang(lang)));
    out
}

fn list(out: &mut String, t: &Table, lang: Lang) {
    if t.rows.is_empty() {
        out.push_str(if lang == Lang::Zh { "<p>无。</p>\n" } else { "<p>None.</p>\n" });
        return;
    }
    out.push_str("<table><thead><tr>");
    t.titles(lang).iter().for_each(|h| {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(h));
    });
    out.push_str("</tr></thead><tbody>\n");
    for (_, values) in &t.rows {
        out.push_str("<tr>");
        for v in values {
            let class = if is_number(v) { " class=\"n\"" } else { "" };
            // text of another direction does not turn what stands beside it
            let _ = write!(out, "<td{class} dir=\"auto\">{}</td>", escaped(&shown(v)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Text;
    use crate::model::{Column, Field, FieldType, Shape, Value};

    #[test]
    fn hostile_text_stays_text() {
        let cell = "<script>alert(1)</script>\u{0}\u{1b}\" onload='x' \u{202e}乱";
        let t = Table {
            name: "t".into(),
            title: Text::default(),
            columns: vec![Column { field: Field::new("a", FieldType::Text), title: Text::new("<b>", "<b>") }],
            shape: Shape::None,
            crs: None,
            rows: vec![(None, vec![Value::from(cell)])],
            style: None,
        };
        let d = Document {
            title: Text::new("</title><script>", "</title><script>"),
            parts: vec![Part::List(t)],
            ..Document::default()
        };
        let html = text(&d, Lang::En);
        assert!(!html.contains("<script") && !html.contains('\u{0}') && !html.contains('\u{1b}'));
        assert!(html.contains("&lt;script&gt;alert(1)"));
    }
}
