//! Zonal statistics with exact pixel coverage: of any number of zones over any number of bands and dates on one grid.
//!
//! [`ZoneOnGrid`] knows the share of each pixel that a zone covers; [`Zonal`] takes blocks of pixels as they come and
//! keeps sums for each zone and band. A block is looked at once, whatever the number of zones over it.
//!
//! ```
//! use geo::{MultiPolygon, polygon};
//! use heshan::analysis::zonal::{Layer, Zonal, ZonalOptions};
//! use heshan::model::{Block, Grid, Seen, Window};
//!
//! let grid = Grid { transform: [0.0, 1.0, 0.0, 2.0, 0.0, -1.0], width: 2, height: 2, crs: None };
//! // half of the upper left pixel and half of the one beside it
//! let zone = MultiPolygon(vec![polygon![(x: 0.5, y: 1.0), (x: 1.5, y: 1.0), (x: 1.5, y: 2.0), (x: 0.5, y: 2.0)]]);
//! let mut zonal = Zonal::new(&[zone], &grid, 1, ZonalOptions::default());
//! let window = Window { col: 0, row: 0, width: 2, height: 2 };
//! let block = Block { window, values: vec![1.0, 4.0, 9.0, 9.0], seen: vec![Seen::Yes; 4] };
//! let part = zonal.part(window, &[Layer { band: &block, weight: None }]);
//! zonal.merge(&part);
//! let values = zonal.statistics(0, 0).values.unwrap();
//! assert_eq!((values.mean, values.min, values.max), (2.5, 1.0, 4.0));
//! ```

mod coverage;
mod quantile;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use geo::{MultiPolygon, Rect, coord};

pub use coverage::{Scratch, Span, ZoneOnGrid};
pub use statistics::{Sums, WeightedValues, ZonalOptions, ZonalStatistics, ZonalValues};

use crate::model::{Block, Grid, Window};
use crate::space::index::BoxIndex;
use statistics::Running;

/// Zones on a grid, with their sums over each band.
#[derive(Debug)]
pub struct Zonal {
    zones: Arc<ZonesOnGrid>,
    /// Bands of one zone lie side by side.
    sums: Vec<Sums>,
    bands: usize,
}

/// Zones on a grid, without sums: what threads share that look at blocks side by side.
#[derive(Debug)]
pub struct ZonesOnGrid {
    zones: Vec<Option<ZoneOnGrid>>,
    /// Zones that touch the grid, by the pixels they touch.
    index: Option<BoxIndex>,
    indexed: Vec<u32>,
    options: ZonalOptions,
}

/// The pixels of a window that zones cover: made once for all bands of the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Cover {
    window: Window,
    zones: Vec<(u32, Vec<Span>)>,
}

/// One band in a block, and the weights of its pixels.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Values.
    pub band: &'a Block<f64>,
    /// Weights, of the same window.
    pub weight: Option<&'a Block<f64>>,
}

/// Sums of one block: zone, and one entry a band.
#[derive(Debug, Clone, PartialEq)]
pub struct Part(Vec<(u32, Vec<Sums>)>);

impl ZonesOnGrid {
    fn new(shapes: &[MultiPolygon<f64>], grid: &Grid, options: ZonalOptions) -> Self {
        let zones: Vec<_> = shapes.iter().map(|s| ZoneOnGrid::new(s, grid)).collect();
        let (mut boxes, mut indexed) = (Vec::new(), Vec::new());
        for (i, z) in zones.iter().enumerate() {
            let Some(w) = z.as_ref().map(|z| z.window(grid)).filter(|w| !w.is_empty()) else { continue };
            boxes.push(inner(w));
            indexed.push(i as u32);
        }
        // boxes of pixels are finite and few enough: the index cannot refuse them
        let index = BoxIndex::build(&boxes).ok();
        Self { zones, index, indexed, options }
    }

    /// Zones over a window, in their order.
    pub fn over(&self, window: Window) -> Vec<u32> {
        if window.is_empty() {
            return Vec::new();
        }
        let mut out: Vec<u32> = match &self.index {
            Some(index) => index.window(&inner(window)).into_iter().map(|i| self.indexed[i as usize]).collect(),
            None => self.indexed.clone(),
        };
        out.sort_unstable();
        out
    }

    /// The pixels of a window that zones cover.
    pub fn cover(&self, window: Window) -> Cover {
        let (mut zones, mut scratch) = (Vec::new(), Scratch::default());
        for z in self.over(window) {
            let Some(zone) = &self.zones[z as usize] else { continue };
            let mut spans = Vec::new();
            zone.spans(window, &mut scratch, |s| spans.push(s));
            if !spans.is_empty() {
                zones.push((z, spans));
            }
        }
        Cover { window, zones }
    }

    /// The sums of bands over the zones of a cover; bands are of the cover's window.
    pub fn part(&self, cover: &Cover, layers: &[Layer<'_>]) -> Part {
        let of = |spans: &[Span]| layers.iter().map(|l| sums(l, cover.window, spans, &self.options)).collect();
        Part(cover.zones.iter().map(|(z, spans)| (*z, of(spans))).collect())
    }
}

impl Part {
    /// Adds further bands of the same cover.
    pub fn append(&mut self, more: Self) {
        self.0.iter_mut().zip(more.0).for_each(|(a, b)| a.1.extend(b.1));
    }
}

impl Zonal {
    /// Puts zones (valid polygons in the grid's CRS) on a grid of `bands` bands (dates are bands too).
    pub fn new(shapes: &[MultiPolygon<f64>], grid: &Grid, bands: usize, options: ZonalOptions) -> Self {
        let sums = vec![Sums::new(&options); shapes.len() * bands];
        Self { zones: Arc::new(ZonesOnGrid::new(shapes, grid, options)), sums, bands }
    }

    /// The zones, to look at blocks side by side while sums are added here.
    pub fn zones(&self) -> Arc<ZonesOnGrid> {
        Arc::clone(&self.zones)
    }

    /// Zones over a window, in their order.
    pub fn over(&self, window: Window) -> Vec<u32> {
        self.zones.over(window)
    }

    /// The sums of one block over all zones; `layers` are the bands in their order.
    pub fn part(&self, window: Window, layers: &[Layer<'_>]) -> Part {
        self.zones.part(&self.zones.cover(window), layers)
    }

    /// Adds the sums of a block. The order of blocks decides the last bits of the results: keep it fixed.
    pub fn merge(&mut self, part: &Part) {
        for (z, bands) in &part.0 {
            let at = *z as usize * self.bands;
            self.sums[at..at + self.bands].iter_mut().zip(bands).for_each(|(a, b)| a.merge(b));
        }
    }

    /// Statistics of a zone over a band. A zone without area has an area, a count and a share of 0.
    pub fn statistics(&self, zone: usize, band: usize) -> ZonalStatistics {
        match self.zones.zones.get(zone).and_then(Option::as_ref) {
            Some(z) => self.sums[zone * self.bands + band].finish(z.area(), &self.zones.options),
            None => ZonalStatistics { area: 0.0, covered: 0.0, count: 0.0, observed_share: 0.0, values: None },
        }
    }
}

/// A window's pixels by their middles, so that windows side by side do not touch.
fn inner(w: Window) -> Rect<f64> {
    let at = |n: usize| n as f64 + 0.5;
    Rect::new(coord! {x: at(w.col), y: at(w.row)}, coord! {x: at(w.col + w.width - 1), y: at(w.row + w.height - 1)})
}

fn sums(l: &Layer<'_>, window: Window, spans: &[Span], options: &ZonalOptions) -> Sums {
    let mut run = Running::new(options);
    for s in spans {
        let at = (s.row - window.row) * window.width + s.from - window.col;
        let here = at..at + (s.to - s.from);
        let weights = l.weight.map(|w| (&w.values[here.clone()], &w.seen[here.clone()]));
        run.add(s.share, &l.band.values[here.clone()], &l.band.seen[here], weights);
    }
    run.finish()
}
