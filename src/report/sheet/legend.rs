//! The legend and what a sheet says of itself: CRS, sources, who made it and when.

use super::super::lines::broken;
use super::layers::{LINE, POINT, colour};
use super::{Composition, lettering, stroke};
use crate::error::Text;
use crate::model::{Anchor, Face, Letters, Mark, one_line};
use crate::report::page::Draw;

/// Characters of a line of the legend and of a fact at most.
const ITEM: usize = 60;
const FACT: usize = 300;
/// Sources that are named; of more, how many.
const SOURCES: usize = 6;

/// A line of the legend.
enum Item {
    Title(String),
    Symbol { draw: Draw, rgba: [u8; 4], text: String },
}

/// `used`: by layer which classes are on the map, the last for everything else.
pub(super) fn panel(
    c: &Composition<'_>,
    used: &[Vec<bool>],
    deviation: f64,
    letters: &dyn Letters,
    marks: &mut Vec<Mark>,
) {
    let [left, top, width, height] = c.layout.panel;
    let gap = 4.0 * c.layout.factor;
    let facts = facts(c, deviation);
    let size = c.layout.points(6.8);
    if c.layout.lying {
        let lines = fact_lines(&facts, letters, width / size);
        let step = 1.45 * size;
        // at least half of the panel is the legend's
        let most = (0.5 * height / step) as usize;
        let lines = shortened(lines, most);
        let begin = top + height - lines.len() as f64 * step;
        write(&lines, [left, begin], size, step, marks);
        legend(c, used, [left, top, width, begin - top - gap], 1, letters, marks);
    } else {
        let (own, rest) = (0.58 * width, 0.42 * width - gap);
        legend(c, used, [left, top, own, height], 2, letters, marks);
        let x = left + own + gap;
        let step = 1.45 * size;
        let lines = shortened(fact_lines(&facts, letters, rest / size), (height / step) as usize);
        write(&lines, [x, top], size, step, marks);
    }
}

fn write(lines: &[String], [x, y]: [f64; 2], size: f64, step: f64, marks: &mut Vec<Mark>) {
    for (i, l) in lines.iter().enumerate() {
        let at = [x, y + i as f64 * step + size];
        marks.push(Mark::Letters(lettering(l.clone(), at, Anchor::Start, Face::Sans, size)));
    }
}

fn fact_lines(facts: &[String], letters: &dyn Letters, ems: f64) -> Vec<String> {
    facts.iter().flat_map(|f| broken(letters, &one_line(f, FACT), Face::Sans, ems, 0.0)).collect()
}

/// At most so many lines; what is cut ends with an ellipsis.
fn shortened(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(l) = lines.last_mut() {
            l.push('…');
        }
    }
    lines
}

fn facts(c: &Composition<'_>, deviation: f64) -> Vec<String> {
    let (s, lang) = (&c.said, c.said.lang);
    let t = |en: String, zh: String| Text::new(en, zh).in_lang(lang).to_owned();
    let mut out = vec![t(format!("CRS: {}", s.crs.en), format!("坐标系:{}", s.crs.zh))];
    // what no ruler shows is not said
    if deviation > 0.005 {
        let pct = 100.0 * deviation;
        out.push(t(
            format!("The scale holds in the middle of the map; at its edges it differs by up to {pct:.1} %."),
            format!("比例尺以图幅中心为准,边缘相差可达 {pct:.1}%。"),
        ));
    }
    let names: Vec<&str> = s.sources.iter().take(SOURCES).map(|x| x.in_lang(lang)).collect();
    let more = s.sources.len().saturating_sub(SOURCES);
    if !names.is_empty() {
        let more = if more == 0 { String::new() } else { t(format!("; {more} more"), format!(";另有 {more} 项")) };
        out.push(t(format!("Sources: {}{more}", names.join("; ")), format!("数据来源:{}{more}", names.join(";"))));
    }
    if let Some(by) = &s.made_by {
        out.push(t(format!("Made by: {by}"), format!("制图单位:{by}")));
    }
    let d = s.made;
    out.push(t(format!("Date: {d}"), d.format("制图日期:%Y年%-m月%-d日").to_string()));
    let (i, n) = s.number;
    if n > 1 {
        out.push(t(format!("Sheet {i} of {n}"), format!("图幅:第 {i} 幅,共 {n} 幅")));
    }
    let program = concat!("heshan ", env!("CARGO_PKG_VERSION"));
    out.push(t(format!("Program: {program}"), format!("制图软件:{program}")));
    out
}

/// Layers that are on the map, each with the classes that are.
fn items(c: &Composition<'_>, used: &[Vec<bool>]) -> Vec<Item> {
    let lang = c.said.lang;
    let mut out = Vec::new();
    for (l, used) in c.layers.iter().zip(used).rev().filter(|(_, u)| u.iter().any(|u| *u)) {
        let title = one_line(l.title.in_lang(lang), ITEM);
        let others = *used.last().unwrap_or(&false);
        let symbol = |rgba, text| Item::Symbol { draw: l.draw, rgba, text };
        if l.classes.is_empty() {
            out.push(symbol(colour(l, None), title));
            continue;
        }
        out.push(Item::Title(title));
        for (i, class) in l.classes.iter().enumerate().filter(|(i, _)| used[*i]) {
            let text = one_line(class.label.in_lang(lang), ITEM);
            let none = Text::new("(not named)", "(未填写)").in_lang(lang).to_owned();
            out.push(symbol(colour(l, Some(i)), if text.is_empty() { none } else { text }));
        }
        if others {
            out.push(symbol(colour(l, None), Text::new("others", "其他").in_lang(lang).to_owned()));
        }
    }
    out
}

fn legend(
    c: &Composition<'_>,
    used: &[Vec<bool>],
    [left, top, width, height]: [f64; 4],
    columns: usize,
    letters: &dyn Letters,
    marks: &mut Vec<Mark>,
) {
    let lang = c.said.lang;
    let all = items(c, used);
    let head = 7.0 * c.layout.factor;
    let at = [left, top + 4.2 * c.layout.factor];
    let word = Text::new("Legend", "图例").in_lang(lang).to_owned();
    marks.push(Mark::Letters(lettering(word, at, Anchor::Start, Face::Bold, c.layout.points(11.0))));
    // rows get closer before any is left out
    let rows = all.len().div_ceil(columns).max(1);
    let step = ((height - head) / rows as f64).clamp(3.4 * c.layout.factor, 5.4 * c.layout.factor);
    let room = (((height - head) / step) as usize).max(1);
    let column = width / columns as f64;
    let size = c.layout.points(8.0).min(0.72 * step);
    let fits = room * columns;
    let shown = if all.len() > fits { fits.saturating_sub(1) } else { all.len() };
    let fitted = |text: &str, room: f64, face: Face| {
        let mut lines = broken(letters, text, face, room / size, 0.0);
        let cut = lines.len() > 1;
        let mut first = std::mem::take(&mut lines[0]);
        if cut {
            first.pop();
            first.push('…');
        }
        first
    };
    for (i, item) in all.iter().take(shown).enumerate() {
        let x = left + column * (i / room) as f64;
        let y = top + head + step * (i % room) as f64;
        let base = y + 0.5 * step + 0.36 * size;
        let swatch = 8.0 * c.layout.factor;
        let (text, face, x_text) = match item {
            Item::Title(t) => (fitted(t, column - 2.0, Face::Bold), Face::Bold, x),
            Item::Symbol { draw, rgba, text } => {
                symbol(*draw, *rgba, [x, y + 0.18 * step, swatch, 0.64 * step], marks);
                (fitted(text, column - swatch - 4.0, Face::Sans), Face::Sans, x + swatch + 2.0)
            }
        };
        marks.push(Mark::Letters(lettering(text, [x_text, base], Anchor::Start, face, size)));
    }
    if shown < all.len() {
        let n = all.len() - shown;
        let text = Text::new(format!("… {n} more"), format!("……另有 {n} 项")).in_lang(lang).to_owned();
        let at = [left + column * (shown / room) as f64, top + head + step * (shown % room) as f64 + 0.8 * step];
        marks.push(Mark::Letters(lettering(text, at, Anchor::Start, Face::Sans, size)));
    }
}

fn symbol(draw: Draw, [r, g, b, a]: [u8; 4], [x, y, w, h]: [f64; 4], marks: &mut Vec<Mark>) {
    let dark = [r / 2, g / 2, b / 2, 255];
    let middle = [x + 0.5 * w, y + 0.5 * h];
    marks.push(match draw {
        Draw::Fill => Mark::rectangle([x, y, w, h], Some([r, g, b, a]), Some(stroke(dark, super::layers::OUTLINE))),
        Draw::Outline => Mark::rectangle([x, y, w, h], None, Some(stroke([r, g, b, 255], 0.35))),
        Draw::Line => Mark::lines(vec![vec![[x, middle[1]], [x + w, middle[1]]]], stroke([r, g, b, a.max(200)], LINE)),
        Draw::Point => Mark::Circle {
            middle,
            radius: 0.5 * POINT,
            fill: Some([r, g, b, a]),
            stroke: Some(stroke(dark, super::layers::OUTLINE)),
        },
    });
}
