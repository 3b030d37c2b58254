//! Bars by name: side by side over months, or stacked along a line for each unit.

use super::{DARK, PALE, legend, line, number, round_step, solid, text, turned};
use crate::error::{Lang, Text};
use crate::model::{Anchor, Drawing, Mark as Drawn};

/// How bars of one name stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Upright, side by side.
    Upright,
    /// Lying, one behind the other: their sum is the length.
    Stacked,
}

/// A series: its name, its colour and a value for each name of the axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Legend.
    pub name: Text,
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// Values, not negative.
    pub values: Vec<f64>,
}

/// A chart of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// Title.
    pub title: Text,
    /// Below the title, smaller; may be empty.
    pub subtitle: Text,
    /// Names of the axis.
    pub names: Vec<String>,
    /// Title of the values.
    pub values: Text,
    /// How they stand.
    pub standing: Standing,
    /// Series.
    pub series: Vec<Bar>,
}

const WIDTH: f64 = 960.0;
/// Left of upright bars; top and right of the plot.
const LEFT: f64 = 76.0;
const TOP: f64 = 84.0;
const RIGHT: f64 = 936.0;
/// Bottom of upright bars.
const BOTTOM: f64 = 420.0;
/// Left of stacked bars: names stand beside them.
const NAMES: f64 = 250.0;
/// Height of a name's line among stacked bars.
const ROW: f64 = 30.0;
/// Characters of a name beside a bar.
const SHOWN: usize = 16;

impl Bars {
    /// The chart as a drawing; stacked bars make it as high as there are names.
    pub fn drawing(&self, lang: Lang) -> Drawing {
        let (left, bottom) = match self.standing {
            Standing::Upright => (LEFT, BOTTOM),
            Standing::Stacked => (NAMES, TOP + ROW * self.names.len().max(1) as f64),
        };
        let height = bottom + 60.0;
        let mut s = vec![Drawn::rectangle([0.0, 0.0, WIDTH, height], Some([255; 4]), None)];
        let middle = 0.5 * WIDTH;
        text(&mut s, [middle, 28.0], Anchor::Middle, 19.0, self.title.in_lang(lang));
        text(&mut s, [middle, 48.0], Anchor::Middle, 13.0, self.subtitle.in_lang(lang));
        let names: Vec<([u8; 3], &str)> = self.series.iter().map(|b| (b.rgb, b.name.in_lang(lang))).collect();
        legend(&mut s, &names, middle);
        match self.standing {
            Standing::Upright => self.upright(&mut s, lang),
            Standing::Stacked => self.stacked(&mut s, bottom, lang),
        }
        line(&mut s, &[[left, TOP], [left, bottom], [RIGHT, bottom]], DARK, 1.0);
        Drawing { width: WIDTH, height, marks: s }
    }

    /// A round greatest value and the step of the grid.
    fn scale(&self) -> (f64, f64) {
        let value = |b: &Bar, i: usize| b.values.get(i).copied().unwrap_or(0.0);
        let of = |i: usize| match self.standing {
            Standing::Upright => self.series.iter().map(|b| value(b, i)).fold(0.0, f64::max),
            Standing::Stacked => self.series.iter().map(|b| value(b, i)).sum(),
        };
        let most = (0..self.names.len()).map(of).fold(1.0, f64::max);
        // counts have no fractions
        let step = round_step(most / 5.0).max(1.0);
        ((most / step).ceil() * step, step)
    }

    fn upright(&self, s: &mut Vec<Drawn>, lang: Lang) {
        let (most, step) = self.scale();
        let y = |v: f64| BOTTOM - v / most * (BOTTOM - TOP);
        for i in 0..=(most / step).round() as i64 {
            let v = i as f64 * step;
            line(s, &[[LEFT, y(v)], [RIGHT, y(v)]], PALE, 1.0);
            text(s, [LEFT - 8.0, y(v) + 4.5], Anchor::End, 13.0, &number(v, step));
        }
        let room = (RIGHT - LEFT) / self.names.len().max(1) as f64;
        let width = 0.7 * room / self.series.len().max(1) as f64;
        // names that would touch are left out in turn
        let every = (52.0 / room).ceil().max(1.0) as usize;
        for (i, name) in self.names.iter().enumerate() {
            let begin = LEFT + (i as f64 + 0.15) * room;
            for (k, b) in self.series.iter().enumerate() {
                let v = b.values.get(i).copied().unwrap_or(0.0);
                let x = begin + k as f64 * width;
                if v > 0.0 {
                    s.push(Drawn::rectangle([x, y(v), width, BOTTOM - y(v)], Some(solid(b.rgb)), None));
                }
                if width > 16.0 {
                    text(s, [x + 0.5 * width, y(v) - 4.0], Anchor::Middle, 11.0, &number(v, 1.0));
                }
            }
            if i.is_multiple_of(every) {
                text(s, [begin + 0.35 * room, BOTTOM + 20.0], Anchor::Middle, 12.0, name);
            }
        }
        turned(s, [22.0, 0.5 * (TOP + BOTTOM)], self.values.in_lang(lang));
    }

    fn stacked(&self, s: &mut Vec<Drawn>, bottom: f64, lang: Lang) {
        let (most, step) = self.scale();
        let x = |v: f64| NAMES + v / most * (RIGHT - 40.0 - NAMES);
        for i in 0..=(most / step).round() as i64 {
            let v = i as f64 * step;
            line(s, &[[x(v), TOP], [x(v), bottom]], PALE, 1.0);
            text(s, [x(v), bottom + 18.0], Anchor::Middle, 12.0, &number(v, step));
        }
        for (i, name) in self.names.iter().enumerate() {
            let top = TOP + i as f64 * ROW;
            let name = crate::model::one_line(name, SHOWN);
            text(s, [NAMES - 8.0, top + 20.0], Anchor::End, 13.0, &name);
            let mut sum = 0.0;
            for b in &self.series {
                let v = b.values.get(i).copied().unwrap_or(0.0);
                if v <= 0.0 {
                    continue;
                }
                let bar = [x(sum), top + 5.0, x(sum + v) - x(sum), ROW - 10.0];
                s.push(Drawn::rectangle(bar, Some(solid(b.rgb)), None));
                sum += v;
            }
            text(s, [x(sum) + 6.0, top + 20.0], Anchor::Start, 12.0, &number(sum, 1.0));
        }
        text(s, [0.5 * (NAMES + RIGHT), bottom + 42.0], Anchor::Middle, 13.0, self.values.in_lang(lang));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(standing: Standing) -> Drawing {
        let of = |rgb, values| Bar { name: Text::new("a", "甲"), rgb, values };
        let series = vec![of([1, 0, 0], vec![4.0, 0.0]), of([2, 0, 0], vec![6.0, 3.0])];
        let t = Text::new("t", "题");
        let names = vec!["甲公司".into(), "乙公司".into()];
        Bars { title: t.clone(), subtitle: Text::default(), names, values: t, standing, series }.drawing(Lang::Zh)
    }

    /// Left and width of the bars of a colour.
    fn of(d: &Drawing, red: u8, across: bool) -> Vec<(f64, f64)> {
        let bar = |m: &Drawn| match m {
            // the legend is 16 × 10
            Drawn::Path { lines, fill: Some([r, 0, 0, 255]), .. } if *r == red && lines[0][0][1] != 61.0 => {
                let (a, b) = (lines[0][0], lines[0][2]);
                Some(if across { (a[0], b[0] - a[0]) } else { (a[1], b[1] - a[1]) })
            }
            _ => None,
        };
        d.marks.iter().filter_map(bar).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        // 10 is the greatest sum: 646 units
        let d = bars(Standing::Stacked);
        let first = of(&d, 1, true);
        assert!(first.len() == 1 && first[0].0 == 250.0 && (first[0].1 - 258.4).abs() < 1e-9, "{first:?}");
        let second = of(&d, 2, true);
        assert!((second[0].0 - 508.4).abs() < 1e-9 && (second[0].1 - 387.6).abs() < 1e-9, "{second:?}");
        assert!((second[1].0 - 250.0).abs() < 1e-9 && (second[1].1 - 193.8).abs() < 1e-9);
        // 6 is the greatest: 336 units, the grid ends there
        let d = bars(Standing::Upright);
        assert_eq!(of(&d, 2, false), [(84.0, 336.0), (252.0, 168.0)]);
    }
}
