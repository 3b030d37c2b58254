//! Drawings as SVG 1.1.
//!
//! Text names a stack of fonts that hold Chinese; which of them is there is for the viewer.

use std::fmt::Write as _;

use crate::model::{Anchor, Drawing, Face, Lettering, Mark, Stroke};

/// Fonts in order of preference; each of those named holds Chinese, the last is whatever the system has.
const FONTS: &str = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, WenQuanYi Micro Hei, \
                     WenQuanYi Zen Hei, SimHei, sans-serif";

/// The text of a drawing; pictures are left out.
pub fn text(d: &Drawing) -> String {
    let mut s = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"{FONTS}\" fill=\"#333\">\n",
        d.width, d.height
    );
    d.marks.iter().for_each(|m| mark(&mut s, m));
    s + "</svg>\n"
}

fn mark(s: &mut String, m: &Mark) {
    match m {
        Mark::Path { lines, closed, fill, stroke } => {
            let d: String = lines.iter().map(|l| line(l, *closed)).collect();
            let _ = writeln!(s, "<path d=\"{d}\"{}/>", paint(fill.as_ref(), stroke.as_ref()));
        }
        Mark::Circle { middle: [x, y], radius, fill, stroke } => {
            let _ = writeln!(
                s,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"{}/>",
                paint(fill.as_ref(), stroke.as_ref())
            );
        }
        Mark::Letters(l) => letters(s, l),
        Mark::Inside { marks, .. } => marks.iter().for_each(|m| mark(s, m)),
        Mark::Picture { .. } => {}
    }
}

fn letters(s: &mut String, l: &Lettering) {
    let [x, y] = l.at;
    let anchor = match l.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let turned =
        if l.turned_deg == 0.0 { String::new() } else { format!(" transform=\"rotate({} {x} {y})\"", -l.turned_deg) };
    let bold = if l.face == Face::Bold { " font-weight=\"bold\"" } else { "" };
    let (fill, _) = colour(l.rgba);
    let _ = writeln!(
        s,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{}\" fill=\"{fill}\"{bold}{turned}>{}</text>",
        l.size,
        escape(&l.text)
    );
}

fn line(points: &[[f64; 2]], closed: bool) -> String {
    let mut d = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    if closed {
        d.push('Z');
    }
    d
}

fn paint(fill: Option<&[u8; 4]>, stroke: Option<&Stroke>) -> String {
    let mut s = match fill.map(|f| colour(*f)) {
        None => " fill=\"none\"".to_owned(),
        Some((c, o)) if o >= 1.0 => format!(" fill=\"{c}\" fill-rule=\"evenodd\""),
        Some((c, o)) => format!(" fill=\"{c}\" fill-opacity=\"{o:.2}\" fill-rule=\"evenodd\""),
    };
    if let Some(k) = stroke {
        let (c, o) = colour(k.rgba);
        let _ = write!(
            s,
            " stroke=\"{c}\" stroke-width=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"",
            k.width
        );
        if o < 1.0 {
            let _ = write!(s, " stroke-opacity=\"{o:.2}\"");
        }
        if !k.dashes.is_empty() {
            let list: Vec<String> = k.dashes.iter().map(f64::to_string).collect();
            let _ = write!(s, " stroke-dasharray=\"{}\"", list.join(" "));
        }
    }
    s
}

fn colour([r, g, b, a]: [u8; 4]) -> (String, f64) {
    (format!("#{r:02x}{g:02x}{b:02x}"), f64::from(a) / 255.0)
}

fn escape(t: &str) -> String {
    let clean: String = t.chars().filter(|c| !c.is_control()).collect();
    clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let l = Lettering {
            text: "<b>火\u{1b}&</b>".into(),
            at: [1.0, 2.0],
            anchor: Anchor::Middle,
            size: 13.0,
            face: Face::Sans,
            rgba: [51, 51, 51, 255],
            turned_deg: 90.0,
            rim: 0.0,
        };
        let s = text(&Drawing { width: 9.0, height: 9.0, marks: vec![Mark::Letters(l)] });
        assert!(s.contains("rotate(-90 1 2)\">&lt;b&gt;火&amp;&lt;/b&gt;</text>"), "{s}");
    }
}
