//! Charts as SVG text: lines, steps and bars over days or numbers, with titles in one language.
//!
//! Text names a stack of fonts that hold Chinese; which of them is there is for the viewer, or for whoever draws the
//! chart into a picture.

use std::fmt::Write as _;

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::error::{Lang, Text};

/// Fonts in order of preference; each of those named holds Chinese, the last is whatever the system has.
pub const FONTS: &str = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, WenQuanYi Micro Hei, \
                         WenQuanYi Zen Hei, SimHei, sans-serif";

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
    /// The chart as SVG 1.1.
    pub fn svg(&self, lang: Lang) -> String {
        let frame = Frame::of(self);
        let mut s = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"{FONTS}\" font-size=\"13\" fill=\"#333\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
            SIZE[0], SIZE[1]
        );
        let middle = 0.5 * (PLOT[0] + PLOT[2]);
        text(&mut s, [middle, 28.0], "middle", 19.0, self.title.in_lang(lang));
        text(&mut s, [middle, 48.0], "middle", 13.0, self.subtitle.in_lang(lang));
        self.legend(&mut s, lang);
        frame.vertical(&mut s);
        frame.horizontal(&mut s, self.axis);
        for series in &self.series {
            frame.series(&mut s, series);
        }
        let _ = writeln!(
            s,
            "<path d=\"M{:.1} {:.1}V{:.1}H{:.1}\" fill=\"none\" stroke=\"#333\"/>",
            PLOT[0], PLOT[1], PLOT[3], PLOT[2]
        );
        text(&mut s, [middle, SIZE[1] - 14.0], "middle", 13.0, self.x.in_lang(lang));
        let [x, y] = [22.0, 0.5 * (PLOT[1] + PLOT[3])];
        let _ = writeln!(
            s,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">{}</text>",
            escape(self.y.in_lang(lang))
        );
        s + "</svg>\n"
    }

    fn legend(&self, s: &mut String, lang: Lang) {
        // a Chinese character is about twice as wide as a Latin one
        let wide = |t: &str| t.chars().map(|c| if c.is_ascii() { 7.2 } else { 13.5 }).sum::<f64>();
        let names: Vec<&str> = self.series.iter().map(|x| x.name.in_lang(lang)).collect();
        let total: f64 = names.iter().map(|n| wide(n) + 42.0).sum();
        let mut x = 0.5 * (PLOT[0] + PLOT[2]) - 0.5 * total;
        for (series, name) in self.series.iter().zip(names) {
            let _ =
                writeln!(s, "<rect x=\"{x:.1}\" y=\"61\" width=\"16\" height=\"10\" fill=\"{}\"/>", colour(series.rgb));
            text(s, [x + 21.0, 71.0], "start", 13.0, name);
            x += wide(name) + 42.0;
        }
    }
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

    fn vertical(&self, s: &mut String) {
        let n = ((self.y[1] - self.y[0]) / self.step).round() as i64;
        for i in 0..=n {
            let v = self.y[0] + i as f64 * self.step;
            let y = self.py(v);
            let _ = writeln!(s, "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"#ddd\"/>", PLOT[0], PLOT[2]);
            text(s, [PLOT[0] - 8.0, y + 4.5], "end", 13.0, &number(v, self.step));
        }
    }

    fn horizontal(&self, s: &mut String, axis: Axis) {
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
            let _ = writeln!(s, "<path d=\"M{x:.1} {:.1}v5\" stroke=\"#333\"/>", PLOT[3]);
            text(s, [x, PLOT[3] + 20.0], "middle", 12.0, &label);
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
    fn broken(&self, series: &Series) -> String {
        let mut d = String::new();
        let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
        for run in series.points.chunk_by(|a, b| finite(a) == finite(b)).filter(|r| finite(&r[0])) {
            for (i, p) in run.iter().enumerate() {
                let _ = write!(d, "{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, self.px(p.0), self.py(p.1));
            }
            if run.len() == 1 {
                d += "h0.1";
            }
        }
        d
    }

    fn series(&self, s: &mut String, series: &Series) {
        let points: Vec<(f64, f64)> = series
            .points
            .iter()
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .map(|p| (self.px(p.0), self.py(p.1)))
            .collect();
        let Some(first) = points.first() else { return };
        let (zero, rgb) = (self.py(0.0), colour(series.rgb));
        if series.mark == Mark::Bar {
            let width = 0.8 * (PLOT[2] - PLOT[0]) / (self.x[1] - self.x[0]);
            for (x, y) in &points {
                let (top, high) = (y.min(zero), (y - zero).abs());
                let _ = writeln!(
                    s,
                    "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{high:.1}\" fill=\"{rgb}\"/>",
                    x - 0.5 * width
                );
            }
            return;
        }
        if series.mark == Mark::Dot {
            for (x, y) in &points {
                let _ = writeln!(s, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{rgb}\"/>");
            }
            return;
        }
        let d = if series.mark == Mark::Line { self.broken(series) } else { stepped(*first, &points[1..]) };
        if series.mark == Mark::Area {
            let last = points[points.len() - 1].0;
            let _ = writeln!(
                s,
                "<path d=\"{d}L{last:.1} {zero:.1}L{:.1} {zero:.1}Z\" fill=\"{rgb}\" fill-opacity=\"0.25\"/>",
                first.0
            );
        }
        let _ = writeln!(
            s,
            "<path d=\"{d}\" fill=\"none\" stroke=\"{rgb}\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        );
    }
}

fn stepped(first: (f64, f64), others: &[(f64, f64)]) -> String {
    let mut d = format!("M{:.1} {:.1}", first.0, first.1);
    for (x, y) in others {
        let _ = write!(d, "H{x:.1}V{y:.1}");
    }
    d
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

fn text(s: &mut String, [x, y]: [f64; 2], anchor: &str, size: f64, t: &str) {
    if !t.is_empty() {
        let _ = writeln!(
            s,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>",
            escape(t)
        );
    }
}

fn colour([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escape(t: &str) -> String {
    t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(axis: Axis, mark: Mark, points: Vec<(f64, f64)>) -> Chart {
        let name = Text::new("a <b> & c", "火点 <b>");
        let series = vec![Series { name: name.clone(), rgb: [200, 30, 40], mark, points }];
        Chart { title: name.clone(), subtitle: Text::default(), x: name.clone(), axis, y: name, series }
    }

    #[test]
    fn values_lie_where_they_belong() {
        // 0 … 10 over 860 pixels, 0 … 4 over 336
        let svg = chart(Axis::Number, Mark::Line, vec![(0.0, 0.0), (5.0, 4.0), (10.0, 1.0)]).svg(Lang::Zh);
        assert!(svg.contains("d=\"M76.0 420.0L506.0 84.0L936.0 336.0\""), "{svg}");
        assert!(svg.contains("火点 &lt;b&gt;") && !svg.contains("<b>"));
        // a gap breaks the line, a point alone stays visible
        let gap = chart(Axis::Number, Mark::Line, vec![(0.0, 0.0), (5.0, f64::NAN), (10.0, 4.0)]).svg(Lang::En);
        assert!(gap.contains("d=\"M76.0 420.0h0.1M936.0 84.0h0.1\""), "{gap}");
        let dots = chart(Axis::Number, Mark::Dot, vec![(0.0, 0.0), (10.0, 4.0)]).svg(Lang::En);
        assert!(dots.contains("cx=\"936.0\" cy=\"84.0\""), "{dots}");
        let step = chart(Axis::Number, Mark::Step, vec![(0.0, 4.0), (10.0, 1.0)]).svg(Lang::En);
        assert!(step.contains("d=\"M76.0 84.0H936.0V336.0\""), "{step}");
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
            let svg = chart(Axis::Date, Mark::Area, points).svg(Lang::En);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
