//! Map sheets: layers on paper with frame, grid, scale, legend, north and sources.
//!
//! Lengths on paper are millimetres. A sheet is drawn in a projected CRS; its scale is that on the ground, on the
//! ellipsoid, along the middle of its map.

mod clip;
mod furniture;
mod grid;
mod labels;
mod layers;
mod legend;
mod scale;

use std::sync::Arc;

use chrono::NaiveDate;
use geo::Geometry;

use crate::error::{Lang, Text};
use crate::model::{Anchor, Crs, Drawing, Face, Ground, Lettering, Letters, Mark, POINT_MM, Picture, Sheet, Stroke};
use crate::report::page::{Class, Draw};
pub use scale::{Earth, View};

/// Paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    A4,
    /// 297 × 420 mm.
    A3,
}

/// Which lines of coordinates are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridLines {
    /// Kilometres and degrees.
    Both,
    /// Kilometres of the CRS.
    Kilometres,
    /// Longitude and latitude.
    Degrees,
    /// None.
    None,
}

/// Where things lie on a sheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Width and height of the paper.
    pub size: [f64; 2],
    /// Map: left, top, width, height.
    pub frame: [f64; 4],
    /// Legend and facts: left, top, width, height.
    panel: [f64; 4],
    /// Sizes of letters against those of A4.
    factor: f64,
    /// Wider than high.
    lying: bool,
}

/// Paper around everything.
const MARGIN: f64 = 9.0;
/// Between the two lines of the frame, on A4: the coordinates.
const RIM: f64 = 8.0;

impl Layout {
    /// Of a paper, lying or standing.
    pub fn new(paper: Paper, lying: bool) -> Self {
        let (short, long, factor) = match paper {
            Paper::A4 => (210.0, 297.0, 1.0),
            Paper::A3 => (297.0, 420.0, 1.25),
        };
        let (title, strip) = (13.0 * factor, 12.0 * factor);
        let (w, h) = if lying { (long, short) } else { (short, long) };
        let top = MARGIN + title;
        let (right, bottom, panel) = if lying {
            let width = 58.0 * factor;
            let right = w - MARGIN - width - 4.0;
            (right, h - MARGIN - strip, [right + 4.0, top, width, h - MARGIN - top])
        } else {
            let height = 62.0 * factor;
            let bottom = h - MARGIN - height - strip;
            (w - MARGIN, bottom, [MARGIN, bottom + strip, w - 2.0 * MARGIN, height])
        };
        let rim = RIM * factor;
        let frame = [MARGIN + rim, top + rim, right - MARGIN - 2.0 * rim, bottom - top - 2.0 * rim];
        Self { size: [w, h], frame, panel, factor, lying }
    }

    /// Between the two lines of the frame.
    fn rim(&self) -> f64 {
        RIM * self.factor
    }

    /// Points as large as they are on this paper, millimetres.
    fn points(&self, points: f64) -> f64 {
        points * POINT_MM * self.factor
    }
}

/// A layer of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetLayer {
    /// Legend.
    pub title: Text,
    /// How it is drawn.
    pub draw: Draw,
    /// Classes, in the order of the legend.
    pub classes: Vec<Class>,
    /// Colour of everything else.
    pub rest: [u8; 4],
    /// Features.
    pub features: Vec<SheetFeature>,
}

/// A feature of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetFeature {
    /// Shape in the CRS of the sheet.
    pub shape: Geometry<f64>,
    /// Its class; none: everything else.
    pub class: Option<usize>,
    /// What is written on it.
    pub label: Option<String>,
    /// What the sheet is of; others are drawn pale and are not named.
    pub chosen: bool,
}

/// What a sheet says beside its map.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Title.
    pub title: String,
    /// Name of the CRS and what is worth knowing of it.
    pub crs: Text,
    /// Data sources, one each.
    pub sources: Vec<Text>,
    /// Who made it.
    pub made_by: Option<String>,
    /// The day it was made.
    pub made: NaiveDate,
    /// Number of the sheet and how many there are.
    pub number: (usize, usize),
    /// Language.
    pub lang: Lang,
}

/// A sheet and what is on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The sheet.
    pub sheet: Sheet,
    /// Features whose shape lies in the frame, wholly or in part.
    pub shown: usize,
    /// Features that lie outside.
    pub outside: usize,
    /// Labels written.
    pub labelled: usize,
    /// Labels for which there was no room.
    pub unlabelled: usize,
    /// Largest deviation of the scale within the frame from that in its middle, as a share.
    pub deviation: f64,
}

/// What is drawn with what.
#[derive(Debug)]
pub struct Composition<'a> {
    /// Where things lie.
    pub layout: Layout,
    /// What part of the CRS the frame shows.
    pub view: View,
    /// Between the CRS and longitude, latitude.
    pub earth: Earth<'a>,
    /// CRS.
    pub crs: Crs,
    /// Layers, the lowest first.
    pub layers: &'a [SheetLayer],
    /// Lines of coordinates.
    pub grid: GridLines,
    /// A picture that fills the frame, below everything.
    pub background: Option<Arc<Picture>>,
    /// Text.
    pub said: Said,
}

const BLACK: [u8; 4] = [0, 0, 0, 255];

/// Text at a place.
fn lettering(text: String, at: [f64; 2], anchor: Anchor, face: Face, size: f64) -> Lettering {
    Lettering { text, at, anchor, size, face, rgba: BLACK, turned_deg: 0.0, rim: 0.0 }
}

fn stroke(rgba: [u8; 4], width: f64) -> Stroke {
    Stroke { rgba, width, dashes: Vec::new() }
}

/// Draws a sheet.
pub fn sheet(c: &Composition<'_>, letters: &dyn Letters) -> Made {
    let (layout, view) = (&c.layout, &c.view);
    let mut marks = vec![Mark::rectangle([0.0, 0.0, layout.size[0], layout.size[1]], Some([255; 4]), None)];
    let mut map = Vec::new();
    if let Some(p) = &c.background {
        map.push(Mark::Picture { picture: Arc::clone(p), rectangle: layout.frame });
    }
    let drawn = layers::draw(c, &mut map);
    let grid = grid::lines(c);
    map.extend(grid.lines);
    let north = furniture::north(c);
    let named = labels::place(c, &drawn, &north.room, letters, &mut map);
    map.extend(north.marks);
    marks.push(Mark::Inside { rectangle: layout.frame, marks: map });
    marks.extend(furniture::frame(layout));
    marks.extend(grid.labels);
    furniture::title(c, letters, &mut marks);
    scale::bar(c, &mut marks);
    let deviation = scale::deviation(view, &c.earth);
    legend::panel(c, &drawn.used, deviation, letters, &mut marks);
    let [x0, y0, x1, y1] = view.bounds;
    let corners = [[x0, y0], [x0, y1], [x1, y1], [x1, y0]].map(|p| (c.earth.lonlat)(p));
    let corners: Option<Vec<[f64; 2]>> = corners.into_iter().collect();
    let ground = corners.and_then(|v| v.try_into().ok()).map(|corners| Ground {
        frame: layout.frame,
        bounds: view.bounds,
        corners,
        crs: c.crs.clone(),
    });
    let drawing = Drawing { width: layout.size[0], height: layout.size[1], marks };
    Made {
        sheet: Sheet { name: c.said.title.clone(), drawing, ground },
        shown: drawn.shown,
        outside: drawn.outside,
        labelled: named.written,
        unlabelled: named.left_out,
        deviation,
    }
}

#[cfg(test)]
mod tests;
