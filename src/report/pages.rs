//! A document on paper: pages of A4 with numbers, lines of text that are broken where their language allows, tables whose
//! heads are repeated and whose rows are whole.

mod table;

use super::lines::broken;
use crate::error::{Lang, Text};
use crate::model::{
    Anchor, Document, Drawing, Face, Lettering, Letters, Mark, POINT_MM, Part, Sheet, Stroke, one_line,
};

/// A4, millimetres.
const PAPER: [f64; 2] = [210.0, 297.0];
/// Left and right margin, top of the text, bottom of the text.
const SIDE: f64 = 22.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 274.0;
/// Width of the text.
const WIDTH: f64 = PAPER[0] - 2.0 * SIDE;
/// Sizes in points: title 二号, headings 四号, text 五号, tables and notes 小五.
const TITLE: f64 = 20.0;
const LEAST_TITLE: f64 = 15.0;
const HEADING: f64 = 14.0;
const BODY: f64 = 10.5;
const SMALL: f64 = 9.0;
/// Lines of text, in ems from one to the next.
const LEADING: f64 = 1.6;
/// Characters of a paragraph at most.
const LONGEST: usize = 4_000;
const BLACK: [u8; 4] = [0, 0, 0, 255];

/// Pages in the making.
struct Pager<'a> {
    letters: &'a dyn Letters,
    lang: Lang,
    pages: Vec<Vec<Mark>>,
    /// Where the next thing begins on the last page.
    y: f64,
}

/// The pages of a document.
pub fn pages(d: &Document, letters: &dyn Letters, lang: Lang) -> Vec<Sheet> {
    let mut p = Pager { letters, lang, pages: vec![Vec::new()], y: TOP };
    let title = one_line(d.title.in_lang(lang), LONGEST);
    // a long title is set smaller before it is broken
    let one = WIDTH / (letters.width(&title, Face::Bold).max(1e-6) * POINT_MM);
    let size = if one >= LEAST_TITLE { TITLE.min(one * 0.999) } else { LEAST_TITLE };
    p.text(&title, Face::Bold, size, Anchor::Middle, 0.0);
    p.y += 1.0;
    p.text(&one_line(d.subtitle.in_lang(lang), LONGEST), Face::Serif, BODY, Anchor::Middle, 0.0);
    p.y += 4.0;
    for part in &d.parts {
        match part {
            Part::Heading(t) => p.heading(t),
            Part::Paragraph(t) => p.paragraph(t),
            Part::List(t) if t.rows.is_empty() => p.paragraph(&Text::new("None.", "无。")),
            Part::List(t) => p.table(t),
            Part::Chart { drawing, .. } => p.chart(drawing),
        }
    }
    p.y += 3.0;
    p.text(&one_line(d.note.in_lang(lang), LONGEST), Face::Serif, SMALL, Anchor::Start, 0.0);
    p.numbered(&title)
}

/// A line of text in points at a place in millimetres.
fn lettering(text: String, at: [f64; 2], anchor: Anchor, face: Face, points: f64) -> Mark {
    Mark::Letters(Lettering { text, at, anchor, size: points * POINT_MM, face, rgba: BLACK, turned_deg: 0.0, rim: 0.0 })
}

impl Pager<'_> {
    fn put(&mut self, m: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(m);
        }
    }

    /// Goes to the next page where there is no room for so many millimetres; true where it did.
    fn room(&mut self, height: f64) -> bool {
        let full = self.y + height > BOTTOM && self.y > TOP;
        if full {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        full
    }

    /// Broken text; `indent` of the first line, ems.
    fn text(&mut self, text: &str, face: Face, points: f64, anchor: Anchor, indent: f64) {
        let em = points * POINT_MM;
        let step = em * if points > BODY { 1.4 } else { LEADING };
        for (i, line) in broken(self.letters, text, face, WIDTH / em, indent).into_iter().enumerate() {
            self.room(step);
            let x = match anchor {
                Anchor::Middle => 0.5 * PAPER[0],
                Anchor::End => PAPER[0] - SIDE,
                Anchor::Start => SIDE + if i == 0 { indent * em } else { 0.0 },
            };
            let base = self.y + 0.5 * (step - em) + 0.88 * em;
            self.put(lettering(line, [x, base], anchor, face, points));
            self.y += step;
        }
    }

    /// A heading does not stand alone at the foot of a page.
    fn heading(&mut self, t: &Text) {
        self.y += 3.0;
        self.room(30.0);
        self.text(&one_line(t.in_lang(self.lang), LONGEST), Face::Bold, HEADING, Anchor::Start, 0.0);
        self.y += 1.0;
    }

    /// Chinese paragraphs begin two characters in.
    fn paragraph(&mut self, t: &Text) {
        let indent = if self.lang == Lang::Zh { 2.0 } else { 0.0 };
        self.text(&one_line(t.in_lang(self.lang), LONGEST), Face::Serif, BODY, Anchor::Start, indent);
        self.y += 1.0;
    }

    /// As wide as the text, unless that makes it higher than half a page.
    fn chart(&mut self, d: &Drawing) {
        let k = (WIDTH / d.width).min(0.75 * (BOTTOM - TOP) / d.height);
        self.y += 1.0;
        self.room(d.height * k);
        let left = 0.5 * (PAPER[0] - d.width * k);
        let top = self.y;
        d.placed(k, [left, top]).into_iter().for_each(|m| self.put(m));
        self.y += d.height * k + 2.0;
    }

    /// Numbers at the foot of pages, the title at the head of those after the first.
    fn numbered(self, title: &str) -> Vec<Sheet> {
        let n = self.pages.len();
        let grey = Stroke { rgba: [120, 120, 120, 255], width: 0.1, dashes: Vec::new() };
        let page = |(i, mut marks): (usize, Vec<Mark>)| {
            let foot = match self.lang {
                Lang::Zh => format!("第 {} 页 共 {n} 页", i + 1),
                Lang::En => format!("Page {} of {n}", i + 1),
            };
            marks.push(lettering(foot, [0.5 * PAPER[0], 285.0], Anchor::Middle, Face::Serif, SMALL));
            if i > 0 {
                let head = broken(self.letters, title, Face::Serif, WIDTH / (SMALL * POINT_MM), 0.0);
                let head = head.into_iter().next().unwrap_or_default();
                marks.push(lettering(head, [0.5 * PAPER[0], 15.0], Anchor::Middle, Face::Serif, SMALL));
                marks.push(Mark::lines(vec![vec![[SIDE, 17.0], [PAPER[0] - SIDE, 17.0]]], grey.clone()));
            }
            Sheet { name: String::new(), drawing: Drawing { width: PAPER[0], height: PAPER[1], marks }, ground: None }
        };
        self.pages.into_iter().enumerate().map(page).collect()
    }
}

#[cfg(test)]
mod tests;
