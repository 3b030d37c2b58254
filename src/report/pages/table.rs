//! Tables on pages.

use super::super::lines::{broken, widths};
use super::{Pager, SIDE, WIDTH, lettering};
use crate::model::{Anchor, Face, Mark, POINT_MM, Stroke, Table, Value, one_line};

/// Size of letters, points.
const POINTS: f64 = 8.5;
const EM: f64 = POINTS * POINT_MM;
/// From one line to the next.
const STEP: f64 = 1.35 * EM;
/// White around the text of a cell.
const PAD: f64 = 1.1;
/// Lines of a cell at most: what is beyond is cut, with an ellipsis.
const LINES: usize = 12;
/// Characters of a cell at most.
const LONGEST: usize = 600;
/// Widest natural width that counts, and widest word that is kept whole, ems.
const WIDE: f64 = 24.0;
const WORD: f64 = 9.0;
/// A text as short as this stays on one line, ems.
const SHORT: f64 = 3.2;

/// A row ready to be drawn.
struct Cells {
    lines: Vec<Vec<String>>,
    face: Face,
    numbers: Vec<bool>,
    height: f64,
}

impl Pager<'_> {
    pub(super) fn table(&mut self, t: &Table) {
        let titles: Vec<String> = t.titles(self.lang).iter().map(|h| one_line(h, LONGEST)).collect();
        let texts: Vec<Vec<String>> =
            t.rows.iter().map(|(_, v)| v.iter().map(|v| one_line(&v.to_display(), LONGEST)).collect()).collect();
        let columns = self.columns(&titles, &texts);
        let head = self.cells(&titles, &columns, Face::Bold, vec![false; titles.len()]);
        // a head never stands alone
        self.room(head.height + 3.0 * STEP);
        self.row(&head, &columns, true);
        for (text, (_, values)) in texts.iter().zip(&t.rows) {
            let numbers = values.iter().map(|v| matches!(v, Value::Int(_) | Value::Real(_))).collect();
            let sum = text.first().is_some_and(|t| t == "合计" || t == "total");
            let cells = self.cells(text, &columns, if sum { Face::Bold } else { Face::Serif }, numbers);
            if self.room(cells.height) {
                self.row(&head, &columns, true);
            }
            self.row(&cells, &columns, false);
        }
        self.y += 3.0;
    }

    /// Widths of columns, millimetres: each as wide as it must be, and of what is left as much as it could use.
    fn columns(&self, titles: &[String], texts: &[Vec<String>]) -> Vec<f64> {
        let mut least = vec![0.0f64; titles.len()];
        let mut wanted = vec![0.0f64; titles.len()];
        let mut see = |i: usize, text: &str, face: Face, lines: f64| {
            let (whole, word) = widths(self.letters, text, face);
            // short words such as those of states are not broken
            let short = if whole <= SHORT { whole } else { 0.0 };
            least[i] = least[i].max(word.max(whole / lines).max(short).min(WORD));
            wanted[i] = wanted[i].max(if lines < 2.0 { whole / lines } else { whole }.min(WIDE));
        };
        // titles may take two lines, and half a character each for what does not divide
        titles.iter().enumerate().for_each(|(i, h)| see(i, h, Face::Bold, 1.6));
        for row in texts {
            row.iter().enumerate().for_each(|(i, t)| see(i, t, Face::Serif, 8.0));
        }
        let mm = |ems: f64| ems * EM + 2.0 * PAD + 0.2;
        let (least, wanted): (Vec<f64>, Vec<f64>) =
            least.iter().zip(&wanted).map(|(l, w)| (mm(*l), mm(w.max(*l)))).unzip();
        let (must, could): (f64, f64) = (least.iter().sum(), wanted.iter().sum());
        if must >= WIDTH {
            return least.iter().map(|l| l * WIDTH / must).collect();
        }
        if could <= WIDTH {
            return wanted.iter().map(|w| w * WIDTH / could).collect();
        }
        let share = (WIDTH - must) / (could - must);
        least.iter().zip(&wanted).map(|(l, w)| l + (w - l) * share).collect()
    }

    fn cells(&self, texts: &[String], columns: &[f64], face: Face, numbers: Vec<bool>) -> Cells {
        let cell = |(text, width): (&String, &f64)| {
            let mut lines = broken(self.letters, text, face, (width - 2.0 * PAD) / EM, 0.0);
            if lines.len() > LINES {
                lines.truncate(LINES);
                if let Some(last) = lines.last_mut() {
                    last.pop();
                    last.push('…');
                }
            }
            lines
        };
        let lines: Vec<Vec<String>> = texts.iter().zip(columns).map(cell).collect();
        let most = lines.iter().map(Vec::len).max().unwrap_or(1);
        Cells { lines, face, numbers, height: most as f64 * STEP + 2.0 * PAD }
    }

    fn row(&mut self, cells: &Cells, columns: &[f64], head: bool) {
        let (top, height) = (self.y, cells.height);
        let edge = Stroke { rgba: [90, 90, 90, 255], width: 0.15, dashes: Vec::new() };
        if head {
            self.put(Mark::rectangle([SIDE, top, WIDTH, height], Some([232, 236, 240, 255]), None));
        }
        let mut x = SIDE;
        for (i, width) in columns.iter().enumerate() {
            self.put(Mark::rectangle([x, top, *width, height], None, Some(edge.clone())));
            let lines = cells.lines.get(i).map_or(&[][..], Vec::as_slice);
            // heads stand in the middle of their cell
            let first = if head { 0.5 * (height - lines.len() as f64 * STEP) } else { PAD };
            for (k, line) in lines.iter().enumerate() {
                let base = top + first + k as f64 * STEP + 0.5 * (STEP - EM) + 0.88 * EM;
                let (at, anchor) = match (head, cells.numbers.get(i)) {
                    (true, _) => (x + 0.5 * width, Anchor::Middle),
                    (false, Some(true)) => (x + width - PAD, Anchor::End),
                    _ => (x + PAD, Anchor::Start),
                };
                self.put(lettering(line.clone(), [at, base], anchor, cells.face, POINTS));
            }
            x += width;
        }
        self.y += height;
    }
}
