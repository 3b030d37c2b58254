//! Drawings: lines, areas, text and pictures in place, not yet a file. Charts, pages and map sheets are made of them.

use std::sync::Arc;

use super::{Crs, Picture};

/// A point (1/72 inch) in millimetres.
pub const POINT_MM: f64 = 25.4 / 72.0;

/// Typefaces by what they are for; each holds Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Face {
    /// Running text (宋体).
    Serif,
    /// Labels and charts (黑体).
    Sans,
    /// Titles (黑体, bold).
    Bold,
}

/// Where the place of a text lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its begin.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Lettering {
    /// Text: one line, without control characters ([`one_line`]).
    pub text: String,
    /// Place on its baseline.
    pub at: [f64; 2],
    /// Where in the text that place is.
    pub anchor: Anchor,
    /// Height of the em.
    pub size: f64,
    /// Typeface.
    pub face: Face,
    /// Red, green, blue, opacity.
    pub rgba: [u8; 4],
    /// Turned about its place, degrees counter-clockwise as it is seen.
    pub turned_deg: f64,
    /// Width of a white rim around the letters; none where 0.
    pub rim: f64,
}

/// How a line is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// Red, green, blue, opacity.
    pub rgba: [u8; 4],
    /// Width.
    pub width: f64,
    /// Lengths of strokes and gaps, in turn; an unbroken line where empty.
    pub dashes: Vec<f64>,
}

/// One thing that is drawn. `x` grows to the right, `y` downwards; lengths are in the drawing's unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Lines, or rings of an area (holes by the even-odd rule).
    Path {
        /// Vertices.
        lines: Vec<Vec<[f64; 2]>>,
        /// The last vertex of each leads back to its first.
        closed: bool,
        /// Fill.
        fill: Option<[u8; 4]>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// A circle.
    Circle {
        /// Middle.
        middle: [f64; 2],
        /// Radius.
        radius: f64,
        /// Fill.
        fill: Option<[u8; 4]>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// Text.
    Letters(Lettering),
    /// A picture in a rectangle (left, top, width, height).
    Picture {
        /// Pixels.
        picture: Arc<Picture>,
        /// Rectangle.
        rectangle: [f64; 4],
    },
    /// Marks, seen inside a rectangle (left, top, width, height) alone.
    Inside {
        /// Rectangle.
        rectangle: [f64; 4],
        /// Marks.
        marks: Vec<Mark>,
    },
}

impl Mark {
    /// Lines without fill.
    pub fn lines(lines: Vec<Vec<[f64; 2]>>, stroke: Stroke) -> Self {
        Self::Path { lines, closed: false, fill: None, stroke: Some(stroke) }
    }

    /// A rectangle (left, top, width, height).
    pub fn rectangle([x, y, w, h]: [f64; 4], fill: Option<[u8; 4]>, stroke: Option<Stroke>) -> Self {
        Self::Path { lines: vec![vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h]]], closed: true, fill, stroke }
    }

    /// Scaled by `k`, then moved.
    fn placed(&self, k: f64, by: [f64; 2]) -> Self {
        let at = |p: [f64; 2]| [p[0] * k + by[0], p[1] * k + by[1]];
        let rect = |[x, y, w, h]: [f64; 4]| [x * k + by[0], y * k + by[1], w * k, h * k];
        let stroked = |s: &Option<Stroke>| {
            s.as_ref().map(|s| Stroke {
                rgba: s.rgba,
                width: s.width * k,
                dashes: s.dashes.iter().map(|d| d * k).collect(),
            })
        };
        match self {
            Self::Path { lines, closed, fill, stroke } => Self::Path {
                lines: lines.iter().map(|l| l.iter().map(|p| at(*p)).collect()).collect(),
                closed: *closed,
                fill: *fill,
                stroke: stroked(stroke),
            },
            Self::Circle { middle, radius, fill, stroke } => {
                Self::Circle { middle: at(*middle), radius: radius * k, fill: *fill, stroke: stroked(stroke) }
            }
            Self::Letters(l) => {
                Self::Letters(Lettering { at: at(l.at), size: l.size * k, rim: l.rim * k, ..l.clone() })
            }
            Self::Picture { picture, rectangle } => {
                Self::Picture { picture: Arc::clone(picture), rectangle: rect(*rectangle) }
            }
            Self::Inside { rectangle, marks } => {
                Self::Inside { rectangle: rect(*rectangle), marks: marks.iter().map(|m| m.placed(k, by)).collect() }
            }
        }
    }
}

/// Marks on a rectangle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawing {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Marks, the lowest first.
    pub marks: Vec<Mark>,
}

impl Drawing {
    /// Its marks, scaled by `k` and moved.
    pub fn placed(&self, k: f64, by: [f64; 2]) -> Vec<Mark> {
        self.marks.iter().map(|m| m.placed(k, by)).collect()
    }
}

/// What a frame of a sheet shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// Frame on the sheet: left, top, width, height.
    pub frame: [f64; 4],
    /// The same rectangle in the CRS: least x and y, greatest x and y.
    pub bounds: [f64; 4],
    /// Longitude and latitude of its corners: lower left, upper left, upper right, lower right.
    pub corners: [[f64; 2]; 4],
    /// CRS.
    pub crs: Crs,
}

/// A page of paper; its drawing is in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Name: a bookmark of the file.
    pub name: String,
    /// What is on it.
    pub drawing: Drawing,
    /// What its map shows, where it has one.
    pub ground: Option<Ground>,
}

/// How wide letters are: whoever lays out text asks whoever holds the fonts.
pub trait Letters {
    /// Width of a text where the em is 1.
    fn width(&self, text: &str, face: Face) -> f64;
}

/// A text from outside as one line of at most `longest` characters: control characters and marks that turn the direction
/// of text are left out, line ends and tabs become blanks, and what is cut ends with an ellipsis.
pub fn one_line(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut kept = 0;
    for c in text.chars() {
        let c = match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() || turns(c) => continue,
            c => c,
        };
        if kept == longest {
            out.push('…');
            break;
        }
        out.push(c);
        kept += 1;
    }
    out
}

/// Marks that turn the direction of text, and others that are not seen.
fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_become_one_line() {
        assert_eq!(one_line("甲\u{0}\u{1b}公\n司\u{202e}乱", 100), "甲公 司乱");
        assert_eq!(one_line(&"长".repeat(1_000_000), 3), "长长长…");
        assert_eq!(one_line("三个字", 3), "三个字");
    }

    #[test]
    fn marks_are_scaled_and_moved() {
        let stroke = Stroke { rgba: [0; 4], width: 2.0, dashes: vec![1.0, 3.0] };
        let d =
            Drawing { width: 9.0, height: 9.0, marks: vec![Mark::lines(vec![vec![[1.0, 2.0], [3.0, 4.0]]], stroke)] };
        let Mark::Path { lines, stroke: Some(s), .. } = &d.placed(0.5, [10.0, 20.0])[0] else { unreachable!() };
        assert_eq!(
            (lines[0].as_slice(), s.width, s.dashes.as_slice()),
            (&[[10.5, 21.0], [11.5, 22.0]][..], 1.0, &[0.5, 1.5][..])
        );
    }
}
