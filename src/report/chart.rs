//! Charts as drawings: lines, steps and bars over days or numbers, with titles in one language. A unit of the drawing is
//! a pixel of a picture 960 wide.

pub mod bars;

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::error::{Lang, Text};
use crate::model::{Anchor, Drawing, Face, Lettering, Mark as Drawn, Stroke, one_line};

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Straight from point to point; a point without a finite value is a gap.
    Line,
    /// A dot a point.
    Dot,
    /// Level until the next point: counts that hold until they change.
    Step,
    /// As `Step`, filled down to zero.
    Area,
    /// A bar a point, down to zero.
    Bar,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Legend.
    pub name: Text,
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// How it is drawn.
    pub mark: Mark,
    /// Points in order of x: days as [`day`] counts them, or numbers.
    pub points: Vec<(f64, f64)>,
}

/// What the horizontal axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Days ([`day`]), written as dates.
    Date,
    /// Numbers.
    Number,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Title.
    pub title: Text,
    /// Below the title, smaller; may be empty.
    pub subtitle: Text,
    /// Title of the horizontal axis.
    pub x: Text,
    /// What it counts.
    pub axis: Axis,
    /// Title of the vertical axis.
    pub y: Text,
    /// Series; the first is drawn first.
    pub series: Vec<Series>,
}

/// The day as a number: days since 1970-01-01.
pub fn day(d: NaiveDate) -> f64 {
    f64::from(d.num_days_from_ce() - 719_163)
}

/// Width and height of the picture, pixels.
const SIZE: [f64; 2] = [960.0, 480.0];
/// Left, top, right and bottom of the plot.
const PLOT: [f64; 4] = [76.0, 84.0, 936.0, 420.0];

impl Chart {
    /// The chart as a drawing.
    pub fn drawing(&self, lang: Lang) -> Drawing {
        let frame = Frame::of(self);
        let mut s = vec![Drawn::rectangle([0.0, 0.0, SIZE[0], SIZE[1]], Some([255; 4]), None)];
        let middle = 0.5 * (PLOT[0] + PLOT[2]);
        text(&mut s, [middle, 28.0], Anchor::Middle, 19.0, self.title.in_lang(lang));
        text(&mut s, [middle, 48.0], Anchor::Middle, 13.0, self.subtitle.in_lang(lang));
        let names: Vec<([u8; 3], &str)> = self.series.iter().map(|x| (x.rgb, x.name.in_lang(lang))).collect();
        legend(&mut s, &names, middle);
        frame.vertical(&mut s);
        frame.horizontal(&mut s, self.axis);
        for series in &self.series {
            frame.series(&mut s, series);
        }
        line(&mut s, &[[PLOT[0], PLOT[1]], [PLOT[0], PLOT[3]], [PLOT[2], PLOT[3]]], DARK, 1.0);
        text(&mut s, [middle, SIZE[1] - 14.0], Anchor::Middle, 13.0, self.x.in_lang(lang));
        let up = [22.0, 0.5 * (PLOT[1] + PLOT[3])];
        turned(&mut s, up, self.y.in_lang(lang));
        Drawing { width: SIZE[0], height: SIZE[1], marks: s }
    }
}

/// Colour of text and axes.
const DARK: [u8; 3] = [0x33; 3];
/// Colour of the lines behind.
const PALE: [u8; 3] = [0xdd; 3];
/// Characters of a title or a name at most.
const LONGEST: usize = 80;

/// About how wide a text is at 13 units: a Chinese character is about twice as wide as a Latin one.
fn wide(t: &str) -> f64 {
    t.chars().map(|c| if c.is_ascii() { 7.2 } else { 13.5 }).sum()
}

/// Names of series in a row above the plot.
fn legend(s: &mut Vec<Drawn>, names: &[([u8; 3], &str)], middle: f64) {
    let total: f64 = names.iter().map(|(_, n)| wide(n) + 42.0).sum();
    let mut x = middle - 0.5 * total;
    for (rgb, name) in names {
        s.push(Drawn::rectangle([x, 61.0, 16.0, 10.0], Some(solid(*rgb)), None));
        text(s, [x + 21.0, 71.0], Anchor::Start, 13.0, name);
        x += wide(name) + 42.0;
    }
}

fn solid([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, 255]
}

fn line(s: &mut Vec<Drawn>, points: &[[f64; 2]], rgb: [u8; 3], width: f64) {
    s.push(Drawn::lines(vec![points.to_vec()], Stroke { rgba: solid(rgb), width, dashes: Vec::new() }));
}

/// Where values lie in the picture.
struct Frame {
    x: [f64; 2],
    y: [f64; 2],
    step: f64,
}

impl Frame {
    fn of(c: &Chart) -> Self {
        let points = || c.series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
        let least = |f: fn(&(f64, f64)) -> f64| points().map(f).fold(f64::INFINITY, f64::min);
        let most = |f: fn(&(f64, f64)) -> f64| points().map(f).fold(f64::NEG_INFINITY, f64::max);
        let (mut x, low, high) = ([least(|p| p.0), most(|p| p.0)], least(|p| p.1).min(0.0), most(|p| p.1).max(0.0));
        if points().next().is_none() {
            x = [0.0, 1.0];
        }
        let bars = c.series.iter().any(|s| s.mark == Mark::Bar);
        // bars are centred on their x; a single point has no width
        let room = if bars || x[0] == x[1] { 0.5 } else { 0.0 };
        let (low, high) =
            if c.series.iter().all(|s| s.points.is_empty()) || low == high { (0.0, 1.0) } else { (low, high) };
        let step = round_step((high - low) / 5.0);
        Self { x: [x[0] - room, x[1] + room], y: [(low / step).floor() * step, (high / step).ceil() * step], step }
    }

    fn px(&self, x: f64) -> f64 {
        PLOT[0] + (x - self.x[0]) / (self.x[1] - self.x[0]) * (PLOT[2] - PLOT[0])
    }

    fn py(&self, y: f64) -> f64 {
        PLOT[3] - (y - self.y[0]) / (self.y[1] - self.y[0]) * (PLOT[3] - PLOT[1])
    }

    fn vertical(&self, s: &mut Vec<Drawn>) {
        let n = ((self.y[1] - self.y[0]) / self.step).round() as i64;
        for i in 0..=n {
            let v = self.y[0] + i as f64 * self.step;
            let y = self.py(v);
            line(s, &[[PLOT[0], y], [PLOT[2], y]], PALE, 1.0);
            text(s, [PLOT[0] - 8.0, y + 4.5], Anchor::End, 13.0, &number(v, self.step));
        }
    }

    fn horizontal(&self, s: &mut Vec<Drawn>, axis: Axis) {
        let ticks = match axis {
            Axis::Date => self.dates(),
            Axis::Number => {
                let step = round_step((self.x[1] - self.x[0]) / 8.0);
                let first = (self.x[0] / step).ceil() as i64;
                let last = (self.x[1] / step).floor() as i64;
                (first..=last).map(|i| (i as f64 * step, number(i as f64 * step, step))).collect()
            }
        };
        for (v, label) in ticks {
            let x = self.px(v);
            line(s, &[[x, PLOT[3]], [x, PLOT[3] + 5.0]], DARK, 1.0);
            text(s, [x, PLOT[3] + 20.0], Anchor::Middle, 12.0, &label);
        }
    }

    /// First days of months or years, or days, so that about eight are written.
    fn dates(&self) -> Vec<(f64, String)> {
        let date = |v: f64| NaiveDate::from_num_days_from_ce_opt(v as i32 + 719_163);
        let (Some(first), Some(last)) = (date(self.x[0].ceil()), date(self.x[1].floor())) else { return Vec::new() };
        let days = (last - first).num_days();
        let mut out = Vec::new();
        if days <= 60 {
            let step = (days / 8).max(1) as u64;
            let mut d = first;
            while d <= last {
                out.push((day(d), d.format("%m-%d").to_string()));
                let Some(next) = d.checked_add_days(Days::new(step)) else { break };
                d = next;
            }
            if let Some(o) = out.first_mut() {
                o.1 = first.format("%Y-%m-%d").to_string();
            }
            return out;
        }
        let months =
            [1, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|m| days / (30 * i64::from(*m)) <= 9).unwrap_or(240);
        let years = months.max(12) / 12;
        let start = if months < 12 {
            first.with_day(1)
        } else {
            NaiveDate::from_ymd_opt(first.year() - first.year().rem_euclid(years as i32), 1, 1)
        };
        let mut d = start;
        while let Some(at) = d.filter(|d| *d <= last) {
            if at >= first && (months >= 12 || (at.month0()).is_multiple_of(months)) {
                out.push((day(at), at.format(if months < 12 { "%Y-%m" } else { "%Y" }).to_string()));
            }
            d = at.checked_add_months(Months::new(if months < 12 { 1 } else { months }));
        }
        out
    }

    /// A line with its gaps; a point between two gaps is a short stroke.
    fn broken(&self, series: &Series) -> Vec<Vec<[f64; 2]>> {
        let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
        let runs = series.points.chunk_by(|a, b| finite(a) == finite(b)).filter(|r| finite(&r[0]));
        let mut out: Vec<Vec<[f64; 2]>> =
            runs.map(|r| r.iter().map(|p| [self.px(p.0), self.py(p.1)]).collect()).collect();
        for run in out.iter_mut().filter(|r| r.len() == 1) {
            run.push([run[0][0] + 0.1, run[0][1]]);
        }
        out
    }

    fn series(&self, s: &mut Vec<Drawn>, series: &Series) {
        let points: Vec<[f64; 2]> = series
            .points
            .iter()
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .map(|p| [self.px(p.0), self.py(p.1)])
            .collect();
        let Some(first) = points.first() else { return };
        let (zero, rgba) = (self.py(0.0), solid(series.rgb));
        if series.mark == Mark::Bar {
            let width = 0.8 * (PLOT[2] - PLOT[0]) / (self.x[1] - self.x[0]);
            for [x, y] in &points {
                let bar = [x - 0.5 * width, y.min(zero), width, (y - zero).abs()];
                s.push(Drawn::rectangle(bar, Some(rgba), None));
            }
            return;
        }
        if series.mark == Mark::Dot {
            for p in &points {
                s.push(Drawn::Circle { middle: *p, radius: 2.5, fill: Some(rgba), stroke: None });
            }
            return;
        }
        let lines = if series.mark == Mark::Line { self.broken(series) } else { vec![stepped(&points)] };
        if series.mark == Mark::Area {
            let mut area = lines[0].clone();
            area.extend([[points[points.len() - 1][0], zero], [first[0], zero]]);
            let [r, g, b] = series.rgb;
            s.push(Drawn::Path { lines: vec![area], closed: true, fill: Some([r, g, b, 64]), stroke: None });
        }
        s.push(Drawn::lines(lines, Stroke { rgba, width: 2.0, dashes: Vec::new() }));
    }
}

/// Level until the next point.
fn stepped(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out: Vec<[f64; 2]> = points.iter().take(1).copied().collect();
    for w in points.windows(2) {
        out.extend([[w[1][0], w[0][1]], w[1]]);
    }
    out
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn number(v: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let t = format!("{v:.digits$}");
    if t.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        t.trim_start_matches('-').to_owned()
    } else {
        t
    }
}

fn lettering(at: [f64; 2], anchor: Anchor, size: f64, t: &str) -> Lettering {
    Lettering {
        text: one_line(t, LONGEST),
        at,
        anchor,
        size,
        face: Face::Sans,
        rgba: solid(DARK),
        turned_deg: 0.0,
        rim: 0.0,
    }
}

fn text(s: &mut Vec<Drawn>, at: [f64; 2], anchor: Anchor, size: f64, t: &str) {
    if !t.is_empty() {
        s.push(Drawn::Letters(lettering(at, anchor, size, t)));
    }
}

/// Upwards, about its middle.
fn turned(s: &mut Vec<Drawn>, at: [f64; 2], t: &str) {
    if !t.is_empty() {
        s.push(Drawn::Letters(Lettering { turned_deg: 90.0, ..lettering(at, Anchor::Middle, 13.0, t) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(axis: Axis, mark: Mark, points: Vec<(f64, f64)>) -> Chart {
        let name = Text::new("a <b> & c", "火点 <b>");
        let series = vec![Series { name: name.clone(), rgb: [200, 30, 40], mark, points }];
        Chart { title: name.clone(), subtitle: Text::default(), x: name.clone(), axis, y: name, series }
    }

    /// Vertices of the lines that are two units wide: the series.
    fn drawn(c: &Chart) -> Vec<Vec<[f64; 2]>> {
        let marks = c.drawing(Lang::En).marks;
        let of = |m: &Drawn| match m {
            Drawn::Path { lines, stroke: Some(s), .. } if s.width == 2.0 => Some(lines.clone()),
            _ => None,
        };
        marks.iter().filter_map(of).flatten().collect()
    }

    #[test]
    fn values_lie_where_they_belong() {
        // 0 … 10 over 860 units, 0 … 4 over 336
        let lines = drawn(&chart(Axis::Number, Mark::Line, vec![(0.0, 0.0), (5.0, 4.0), (10.0, 1.0)]));
        assert_eq!(lines, [vec![[76.0, 420.0], [506.0, 84.0], [936.0, 336.0]]]);
        // a gap breaks the line, a point alone stays visible
        let gap = drawn(&chart(Axis::Number, Mark::Line, vec![(0.0, 0.0), (5.0, f64::NAN), (10.0, 4.0)]));
        assert_eq!(gap, [vec![[76.0, 420.0], [76.1, 420.0]], vec![[936.0, 84.0], [936.1, 84.0]]]);
        let dots = chart(Axis::Number, Mark::Dot, vec![(0.0, 0.0), (10.0, 4.0)]).drawing(Lang::En);
        assert!(dots.marks.iter().any(|m| matches!(m, Drawn::Circle { middle: [936.0, 84.0], .. })));
        let step = drawn(&chart(Axis::Number, Mark::Step, vec![(0.0, 4.0), (10.0, 1.0)]));
        assert_eq!(step, [vec![[76.0, 84.0], [936.0, 84.0], [936.0, 336.0]]]);
        // a bar from 0 to 4, 0.8 of a unit of the axis wide (10.5 … 11.5 are 860 units)
        let bar = chart(Axis::Number, Mark::Bar, vec![(11.0, 4.0)]).drawing(Lang::En);
        let rect = Drawn::rectangle([506.0 - 344.0, 84.0, 688.0, 336.0], Some([200, 30, 40, 255]), None);
        assert!(bar.marks.contains(&rect), "{:?}", bar.marks);
    }

    #[test]
    fn days_are_written_as_dates() {
        let d = |y, m, dd| NaiveDate::from_ymd_opt(y, m, dd).map(day).unwrap_or_default();
        assert_eq!([d(1970, 1, 1), d(2000, 3, 1)], [0.0, 11_017.0]);
        let labels = |a, b| -> Vec<String> {
            Frame::of(&chart(Axis::Date, Mark::Step, vec![(a, 1.0), (b, 2.0)]))
                .dates()
                .into_iter()
                .map(|t| t.1)
                .collect()
        };
        assert_eq!(labels(d(2024, 1, 1), d(2024, 1, 5)), ["2024-01-01", "01-02", "01-03", "01-04", "01-05"]);
        assert_eq!(
            labels(d(2024, 1, 15), d(2024, 7, 2)),
            ["2024-02", "2024-03", "2024-04", "2024-05", "2024-06", "2024-07"]
        );
        assert_eq!(labels(d(2015, 6, 1), d(2024, 6, 1)).len(), 9);
    }

    #[test]
    fn nothing_to_draw_is_an_empty_frame() {
        for points in [vec![], vec![(3.0, 0.0)], vec![(f64::NAN, 1.0)]] {
            let text = format!("{:?}", chart(Axis::Date, Mark::Area, points).drawing(Lang::En));
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}
