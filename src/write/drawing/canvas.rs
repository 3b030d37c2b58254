//! Drawings as pixels.

use std::collections::HashMap;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::raw::TableProvider;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, StrokeDash, Transform,
};

use super::super::typeface::{Glyph, Typefaces};
use crate::error::{Error, Result};
use crate::model::{Anchor, Drawing, Lettering, Mark, Picture, Stroke};

/// Draws a drawing on white, at so many pixels for its unit.
pub(super) fn picture(d: &Drawing, scale: f64, faces: &Typefaces) -> Result<Picture> {
    let [w, h] = [d.width, d.height].map(|s| (s * scale).round().max(1.0) as u32);
    let mut map = Pixmap::new(w, h).ok_or_else(|| {
        Error::output(format!("a picture of {w} × {h} pixels cannot be made"), format!("无法生成 {w} × {h} 像素的图片"))
    })?;
    map.fill(Color::WHITE);
    let mut canvas = Canvas { faces, outlines: HashMap::new() };
    canvas.marks(&mut map, &d.marks, scale, [0.0, 0.0]);
    Ok(Picture { width: w as usize, height: h as usize, rgba: map.take_demultiplied() })
}

/// Draws marks; keeps the outlines of letters.
#[derive(Debug)]
pub struct Canvas<'a> {
    faces: &'a Typefaces,
    outlines: HashMap<(usize, u16), Option<Path>>,
}

impl Canvas<'_> {
    fn marks(&mut self, map: &mut Pixmap, marks: &[Mark], scale: f64, origin: [f64; 2]) {
        let place = Transform::from_row(
            scale as f32,
            0.0,
            0.0,
            scale as f32,
            (-origin[0] * scale) as f32,
            (-origin[1] * scale) as f32,
        );
        for m in marks {
            match m {
                Mark::Path { lines, closed, fill, stroke } => {
                    if let Some(p) = path(lines, *closed) {
                        painted(map, &p, fill.as_ref(), stroke.as_ref(), place);
                    }
                }
                Mark::Circle { middle, radius, fill, stroke } => {
                    let p = PathBuilder::from_circle(middle[0] as f32, middle[1] as f32, *radius as f32);
                    if let Some(p) = p {
                        painted(map, &p, fill.as_ref(), stroke.as_ref(), place);
                    }
                }
                Mark::Letters(l) => self.letters(map, l, place),
                Mark::Picture { picture, rectangle } => pasted(map, picture, *rectangle, place),
                Mark::Inside { rectangle, marks } => self.inside(map, *rectangle, marks, scale, origin),
            }
        }
    }

    /// Marks on a sheet of their own, as large as the rectangle, which is laid on the map.
    fn inside(&mut self, map: &mut Pixmap, [x, y, w, h]: [f64; 4], marks: &[Mark], scale: f64, origin: [f64; 2]) {
        let edge = |v: f64, o: f64| ((v - o) * scale).round();
        let (left, top) = (edge(x, origin[0]), edge(y, origin[1]));
        let (width, height) = (edge(x + w, origin[0]) - left, edge(y + h, origin[1]) - top);
        let Some(mut own) = Pixmap::new(width.max(0.0) as u32, height.max(0.0) as u32) else { return };
        let corner = [origin[0] + left / scale, origin[1] + top / scale];
        self.marks(&mut own, marks, scale, corner);
        map.draw_pixmap(left as i32, top as i32, own.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
    }

    fn letters(&mut self, map: &mut Pixmap, l: &Lettering, place: Transform) {
        let glyphs = self.faces.glyphs(&l.text, l.face);
        let own = placed(l, &glyphs).map(|(g, t)| (g, t.post_concat(place)));
        let own: Vec<(Glyph, Transform)> = own.collect();
        if l.rim > 0.0 && l.size > 0.0 {
            // outlines have the em 1
            let rim = tiny_skia::Stroke {
                width: (2.0 * l.rim / l.size) as f32,
                line_join: LineJoin::Round,
                ..tiny_skia::Stroke::default()
            };
            let white = ink([255; 4]);
            for (g, t) in &own {
                if let Some(p) = self.outline(*g) {
                    map.stroke_path(p, &white, &rim, *t, None);
                }
            }
        }
        let ink = ink(l.rgba);
        for (g, t) in own {
            if let Some(p) = self.outline(g) {
                map.fill_path(p, &ink, FillRule::Winding, t, None);
            }
        }
    }

    fn outline(&mut self, g: Glyph) -> Option<&Path> {
        let faces = self.faces;
        self.outlines.entry((g.font, g.id)).or_insert_with(|| outline(faces, g)).as_ref()
    }
}

/// Where the glyphs of a line lie: what takes outlines (em 1, y upwards) to the drawing.
pub(super) fn placed<'a>(l: &'a Lettering, glyphs: &'a [Glyph]) -> impl Iterator<Item = (Glyph, Transform)> + 'a {
    let mut along = begin(l, glyphs);
    let (sin, cos) = l.turned_deg.to_radians().sin_cos();
    glyphs.iter().map(move |g| {
        let (x, y) = (l.at[0] + along * cos, l.at[1] - along * sin);
        along += g.advance * l.size;
        let (s, c) = ((l.size * sin) as f32, (l.size * cos) as f32);
        (*g, Transform::from_row(c, -s, -s, -c, x as f32, y as f32))
    })
}

/// Where a line begins, from its place along its baseline.
pub(super) fn begin(l: &Lettering, glyphs: &[Glyph]) -> f64 {
    let width: f64 = glyphs.iter().map(|g| g.advance).sum::<f64>() * l.size;
    match l.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -0.5 * width,
        Anchor::End => -width,
    }
}

/// The outline of a glyph where the em is 1, y upwards.
pub(super) fn outline(faces: &Typefaces, g: Glyph) -> Option<Path> {
    let t = faces.typeface(g.font)?;
    let f = FontRef::from_index(&t.data, t.index).ok()?;
    let em = f32::from(f.head().ok()?.units_per_em());
    let mut pen = Pen(PathBuilder::new());
    let glyph = f.outline_glyphs().get(GlyphId::from(g.id))?;
    glyph.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen).ok()?;
    pen.0.finish()?.transform(Transform::from_scale(1.0 / em, 1.0 / em))
}

struct Pen(PathBuilder);

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.0.quad_to(cx, cy, x, y);
    }
    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.0.cubic_to(ax, ay, bx, by, x, y);
    }
    fn close(&mut self) {
        self.0.close();
    }
}

fn path(lines: &[Vec<[f64; 2]>], closed: bool) -> Option<Path> {
    let mut b = PathBuilder::new();
    for l in lines {
        for (i, [x, y]) in l.iter().enumerate() {
            if i == 0 { b.move_to(*x as f32, *y as f32) } else { b.line_to(*x as f32, *y as f32) }
        }
        if closed {
            b.close();
        }
    }
    b.finish()
}

fn ink([r, g, b, a]: [u8; 4]) -> Paint<'static> {
    let mut p = Paint { anti_alias: true, ..Paint::default() };
    p.set_color_rgba8(r, g, b, a);
    p
}

fn painted(map: &mut Pixmap, p: &Path, fill: Option<&[u8; 4]>, stroke: Option<&Stroke>, place: Transform) {
    if let Some(rgba) = fill {
        map.fill_path(p, &ink(*rgba), FillRule::EvenOdd, place, None);
    }
    if let Some(s) = stroke {
        let dash = StrokeDash::new(s.dashes.iter().map(|d| *d as f32).collect(), 0.0);
        let cap = if s.dashes.is_empty() { LineCap::Round } else { LineCap::Butt };
        let k = tiny_skia::Stroke {
            width: s.width as f32,
            line_cap: cap,
            line_join: LineJoin::Round,
            dash,
            ..tiny_skia::Stroke::default()
        };
        map.stroke_path(p, &ink(s.rgba), &k, place, None);
    }
}

fn pasted(map: &mut Pixmap, p: &Picture, [x, y, w, h]: [f64; 4], place: Transform) {
    let Some(mut own) = Pixmap::new(p.width as u32, p.height as u32) else { return };
    for (to, from) in own.pixels_mut().iter_mut().zip(p.rgba.chunks_exact(4)) {
        let shade = |v: u8| (u32::from(v) * u32::from(from[3]) / 255) as u8;
        if let Some(c) = PremultipliedColorU8::from_rgba(shade(from[0]), shade(from[1]), shade(from[2]), from[3]) {
            *to = c;
        }
    }
    let (sx, sy) = (w / p.width as f64, h / p.height as f64);
    let own_place = Transform::from_row(sx as f32, 0.0, 0.0, sy as f32, x as f32, y as f32).post_concat(place);
    let paint = PixmapPaint { quality: FilterQuality::Bilinear, ..PixmapPaint::default() };
    map.draw_pixmap(0, 0, own.as_ref(), &paint, own_place, None);
}
