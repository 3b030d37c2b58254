//! Marks to the operators of a page.

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name, Str};
use tiny_skia::{Path, PathSegment, Point};

use super::super::super::typeface::Glyph;
use super::super::canvas::{begin, outline, placed};
use super::{MM, Shared, content};
use crate::model::{Lettering, Mark, POINT_MM, Stroke};

/// Distance of the handles of a quarter circle, for radius 1.
const KAPPA: f64 = 0.552_284_749_830_793_4;

/// What the next operator would paint with.
#[derive(Debug, Clone, PartialEq, Default)]
struct Pen {
    fill: Option<[u8; 3]>,
    line: Option<[u8; 3]>,
    width: Option<f64>,
    dashes: Vec<f64>,
    alpha: Option<(u8, u8)>,
}

/// Writes one page.
pub(super) struct Painter<'s, 'f> {
    shared: &'s mut Shared<'f>,
    out: Content,
    pen: Pen,
    /// Height of the page, millimetres.
    height: f64,
}

impl<'s, 'f> Painter<'s, 'f> {
    pub fn new(shared: &'s mut Shared<'f>, height: f64) -> Self {
        let mut out = content();
        out.set_line_join(LineJoinStyle::RoundJoin).set_line_cap(LineCapStyle::RoundCap);
        Self { shared, out, pen: Pen::default(), height }
    }

    pub fn finish(self) -> Vec<u8> {
        self.out.finish().to_vec()
    }

    pub fn marks(&mut self, marks: &[Mark]) {
        for m in marks {
            match m {
                Mark::Path { lines, closed, fill, stroke } => {
                    if lines.iter().all(Vec::is_empty) {
                        continue;
                    }
                    // nothing may come between the operators of a path and its painting
                    self.ready(*fill, stroke.as_ref());
                    lines.iter().filter(|l| !l.is_empty()).for_each(|l| self.line(l, *closed));
                    self.paint(fill.is_some(), stroke.is_some());
                }
                Mark::Circle { middle, radius, fill, stroke } => {
                    self.ready(*fill, stroke.as_ref());
                    self.circle(*middle, *radius);
                    self.paint(fill.is_some(), stroke.is_some());
                }
                Mark::Letters(l) => self.letters(l),
                Mark::Picture { picture, rectangle: [x, y, w, h] } => {
                    let name = format!("P{}", self.shared.picture(picture));
                    let [left, bottom] = self.at([*x, y + h]);
                    self.out.save_state();
                    self.out.transform([(w * MM) as f32, 0.0, 0.0, (h * MM) as f32, left, bottom]);
                    self.out.x_object(Name(name.as_bytes()));
                    self.out.restore_state();
                }
                Mark::Inside { rectangle: [x, y, w, h], marks } => {
                    let [left, bottom] = self.at([*x, y + h]);
                    let before = self.pen.clone();
                    self.out.save_state();
                    self.out.rect(left, bottom, (w * MM) as f32, (h * MM) as f32).clip_nonzero().end_path();
                    self.marks(marks);
                    self.out.restore_state();
                    self.pen = before;
                }
            }
        }
    }

    /// A place in points from the lower left corner, to a thousandth.
    fn at(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        [x * MM, (self.height - y) * MM].map(|v| ((v * 1000.0).round() / 1000.0) as f32)
    }

    fn line(&mut self, points: &[[f64; 2]], closed: bool) {
        let mut last = [f32::NAN; 2];
        for (i, p) in points.iter().enumerate() {
            let q = self.at(*p);
            if i == 0 {
                self.out.move_to(q[0], q[1]);
            } else if q != last {
                self.out.line_to(q[0], q[1]);
            }
            last = q;
        }
        if closed {
            self.out.close_path();
        }
    }

    fn circle(&mut self, [x, y]: [f64; 2], r: f64) {
        let k = KAPPA * r;
        let [a, b] = self.at([x + r, y]);
        self.out.move_to(a, b);
        let quarters = [
            [[x + r, y + k], [x + k, y + r], [x, y + r]],
            [[x - k, y + r], [x - r, y + k], [x - r, y]],
            [[x - r, y - k], [x - k, y - r], [x, y - r]],
            [[x + k, y - r], [x + r, y - k], [x + r, y]],
        ];
        for q in quarters {
            let [p, q, e] = q.map(|p| self.at(p));
            self.out.cubic_to(p[0], p[1], q[0], q[1], e[0], e[1]);
        }
        self.out.close_path();
    }

    /// Sets what differs from what the pen is.
    fn ready(&mut self, fill: Option<[u8; 4]>, stroke: Option<&Stroke>) {
        let alpha = (fill.map_or(255, |f| f[3]), stroke.map_or(255, |s| s.rgba[3]));
        if self.pen.alpha.unwrap_or((255, 255)) != alpha {
            self.shared.alphas.insert(alpha);
            self.out.set_parameters(Name(format!("A{}_{}", alpha.0, alpha.1).as_bytes()));
            self.pen.alpha = Some(alpha);
        }
        let part = |v: u8| f32::from(v) / 255.0;
        if let Some([r, g, b, _]) = fill
            && self.pen.fill != Some([r, g, b])
        {
            self.out.set_fill_rgb(part(r), part(g), part(b));
            self.pen.fill = Some([r, g, b]);
        }
        let Some(s) = stroke else { return };
        let [r, g, b, _] = s.rgba;
        if self.pen.line != Some([r, g, b]) {
            self.out.set_stroke_rgb(part(r), part(g), part(b));
            self.pen.line = Some([r, g, b]);
        }
        if self.pen.width != Some(s.width) {
            self.out.set_line_width((s.width * MM) as f32);
            self.pen.width = Some(s.width);
        }
        if self.pen.dashes != s.dashes {
            // round ends would close short gaps
            let cap = if s.dashes.is_empty() { LineCapStyle::RoundCap } else { LineCapStyle::ButtCap };
            self.out.set_line_cap(cap).set_dash_pattern(s.dashes.iter().map(|d| (d * MM) as f32), 0.0);
            self.pen.dashes.clone_from(&s.dashes);
        }
    }

    /// Fills and strokes the path that was begun.
    fn paint(&mut self, fill: bool, stroke: bool) {
        match (fill, stroke) {
            (true, true) => self.out.fill_even_odd_and_stroke(),
            (true, false) => self.out.fill_even_odd(),
            (false, true) => self.out.stroke(),
            (false, false) => self.out.end_path(),
        };
    }

    fn letters(&mut self, l: &Lettering) {
        let glyphs = self.shared.faces.glyphs(&l.text, l.face);
        if glyphs.is_empty() {
            return;
        }
        if l.rim > 0.0 {
            self.rim(l, &glyphs);
        }
        self.ready(Some(l.rgba), None);
        let (sin, cos) = l.turned_deg.to_radians().sin_cos();
        let mut along = begin(l, &glyphs);
        self.out.begin_text();
        for run in glyphs.chunk_by(|a, b| a.font == b.font) {
            let [x, y] = self.at([l.at[0] + along * cos, l.at[1] - along * sin]);
            let name = format!("F{}", run[0].font);
            self.out.set_font(Name(name.as_bytes()), (l.size / POINT_MM) as f32);
            self.out.set_text_matrix([cos as f32, sin as f32, -sin as f32, cos as f32, x, y]);
            let bytes: Vec<u8> = run.iter().flat_map(|g| self.shared.fonts.number(*g).to_be_bytes()).collect();
            self.out.show(Str(&bytes));
            along += run.iter().map(|g| g.advance).sum::<f64>() * l.size;
        }
        self.out.end_text();
    }

    /// The white rim of a line, as outlines: text drawn twice would be found twice.
    fn rim(&mut self, l: &Lettering, glyphs: &[Glyph]) {
        self.ready(None, Some(&Stroke { rgba: [255; 4], width: 2.0 * l.rim, dashes: Vec::new() }));
        for (g, t) in placed(l, glyphs) {
            if let Some(p) = outline(self.shared.faces, g).and_then(|p| p.transform(t)) {
                self.outlined(&p);
            }
        }
        self.out.stroke();
    }

    /// The operators of an outline.
    fn outlined(&mut self, p: &Path) {
        let mut last = Point::default();
        for s in p.segments() {
            match s {
                PathSegment::MoveTo(p) | PathSegment::LineTo(p) => {
                    let [x, y] = self.point(p);
                    if matches!(s, PathSegment::MoveTo(_)) {
                        self.out.move_to(x, y)
                    } else {
                        self.out.line_to(x, y)
                    };
                    last = p;
                }
                PathSegment::QuadTo(c, p) => {
                    // a cubic curve with the same course
                    let third = |a: Point| Point::from_xy((a.x + 2.0 * c.x) / 3.0, (a.y + 2.0 * c.y) / 3.0);
                    self.cubic(third(last), third(p), p);
                    last = p;
                }
                PathSegment::CubicTo(c, d, p) => {
                    self.cubic(c, d, p);
                    last = p;
                }
                PathSegment::Close => {
                    self.out.close_path();
                }
            }
        }
    }

    fn point(&self, p: Point) -> [f32; 2] {
        self.at([f64::from(p.x), f64::from(p.y)])
    }

    fn cubic(&mut self, c: Point, d: Point, p: Point) {
        let [a, b, e] = [c, d, p].map(|p| self.point(p));
        self.out.cubic_to(a[0], a[1], b[0], b[1], e[0], e[1]);
    }
}
