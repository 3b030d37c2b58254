//! Rasters on their way out: type of the pixels, counts of what was seen.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::view::MaskOptions;
use crate::error::Lang;
use crate::model::{Grid, Seen};
use crate::read::scenes::BandRole;
use crate::write::raster::{BandHead, Overviews, Packing, RasterHead, Writable};

/// What every job takes that makes rasters of scenes.
#[derive(Debug, Clone, PartialEq)]
pub struct RasterOptions {
    /// Bands of plain rasters.
    pub bands: Vec<BandRole>,
    /// Masks.
    pub mask: MaskOptions,
    /// How rasters are written.
    pub out: OutOptions,
    /// A picture beside the raster.
    pub quicklook: bool,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Language of texts in outputs.
    pub lang: Lang,
    /// The time of the run, as outputs carry it.
    pub time: DateTime<Utc>,
}

/// Type of an output's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RasterType {
    /// 16-bit integers, value × 10,000; nodata −32768.
    Int16,
    /// Single precision; nodata −9999.
    #[default]
    Float32,
}

impl RasterType {
    /// Name on the command line and in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int16 => "int16",
            Self::Float32 => "float32",
        }
    }
}

/// A number that values are written as.
pub(super) trait OutPixel: Writable {
    const NODATA: f64;
    /// Value of one step.
    const SCALE: f64;
    fn of(value: f32) -> Self;
    /// True where the type cannot hold the value.
    fn clips(value: f32) -> bool;
}

impl OutPixel for f32 {
    const NODATA: f64 = -9999.0;
    const SCALE: f64 = 1.0;
    fn of(value: f32) -> Self {
        value
    }
    fn clips(_: f32) -> bool {
        false
    }
}

impl OutPixel for i16 {
    const NODATA: f64 = -32_768.0;
    const SCALE: f64 = 1e-4;
    fn of(value: f32) -> Self {
        (value * 10_000.0).round_ties_even().clamp(-32_767.0, 32_767.0) as Self
    }
    fn clips(value: f32) -> bool {
        (value * 10_000.0).abs() > 32_767.5
    }
}

/// Values as pixels, nodata where not seen; answers the number of values that were clipped too.
pub(super) fn pixels<T: OutPixel>(values: &[f32], seen: &[Seen]) -> (Vec<T>, u64) {
    let nodata = T::exactly(T::NODATA).unwrap_or_default();
    let mut clipped = 0;
    let out = values.iter().zip(seen).map(|(v, s)| {
        let yes = *s == Seen::Yes;
        clipped += u64::from(yes && T::clips(*v));
        if yes { T::of(*v) } else { nodata }
    });
    (out.collect(), clipped)
}

/// Head of a raster of values.
pub(super) fn head<T: OutPixel>(
    grid: &Grid,
    names: &[String],
    o: OutOptions,
    metadata: Vec<(String, String)>,
) -> RasterHead {
    let bands = names.iter().map(|n| BandHead { description: n.clone(), scale: T::SCALE, offset: 0.0 }).collect();
    RasterHead {
        grid: grid.clone(),
        bands,
        nodata: Some(T::NODATA),
        overviews: if o.overviews { Overviews::Average } else { Overviews::None },
        packing: o.packing,
        metadata,
    }
}

/// How rasters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOptions {
    /// Type of the pixels.
    pub ty: RasterType,
    /// Overviews inside the file.
    pub overviews: bool,
    /// Compression.
    pub packing: Packing,
}

impl Default for OutOptions {
    fn default() -> Self {
        Self { ty: RasterType::default(), overviews: true, packing: Packing::Deflate }
    }
}

/// Pixels by what was seen of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenCounts([u64; Seen::ALL.len()]);

impl SeenCounts {
    /// Counts the states of a block.
    pub fn of(seen: &[Seen]) -> Self {
        let mut c = Self::default();
        for part in seen.chunks(1 << 16) {
            // most blocks are seen whole
            let yes = part.iter().filter(|s| **s == Seen::Yes).count() as u64;
            c.0[0] += yes;
            if yes < part.len() as u64 {
                part.iter().filter(|s| **s != Seen::Yes).for_each(|s| c.0[*s as usize] += 1);
            }
        }
        c
    }

    /// Adds another count.
    pub fn add(&mut self, o: &Self) {
        self.0.iter_mut().zip(o.0).for_each(|(a, b)| *a += b);
    }

    /// Pixels in a state.
    pub fn get(&self, s: Seen) -> u64 {
        self.0[s as usize]
    }

    /// All pixels.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// States that occur, with their pixels.
    pub fn each(&self) -> impl Iterator<Item = (Seen, u64)> + '_ {
        Seen::ALL.into_iter().map(|s| (s, self.get(s))).filter(|(s, n)| *n > 0 || *s == Seen::Yes)
    }

    /// For the manifest and the summary.
    pub fn json(&self) -> Json {
        Json::Object(self.each().map(|(s, n)| (s.as_str().to_owned(), n.into())).collect::<Map<_, _>>())
    }
}
