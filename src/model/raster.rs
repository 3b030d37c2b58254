//! Rasters: a grid on the ground, windows of it, blocks of pixels, and the socket that sources plug into.

use std::path::PathBuf;

use super::Crs;
use crate::error::Result;

/// Where the pixels of a raster lie on the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Affine transform as GDAL orders it: `x = t0 + col·t1 + row·t2`, `y = t3 + col·t4 + row·t5`, for the corner of a
    /// pixel nearest the first; CRS units.
    pub transform: [f64; 6],
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// CRS, `None` where the file has none.
    pub crs: Option<Crs>,
}

impl Grid {
    /// Coordinates of a pixel corner, in the grid's CRS.
    pub fn xy(&self, col: f64, row: f64) -> [f64; 2] {
        let t = &self.transform;
        [t[0] + col * t[1] + row * t[2], t[3] + col * t[4] + row * t[5]]
    }

    /// Column and row (fractions of pixels) of a place; `None` where the transform has no inverse.
    pub fn pixel_from_xy(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let t = &self.transform;
        let det = t[1] * t[5] - t[2] * t[4];
        if det == 0.0 || !det.is_finite() {
            return None;
        }
        let (dx, dy) = (x - t[0], y - t[3]);
        Some([(dx * t[5] - dy * t[2]) / det, (dy * t[1] - dx * t[4]) / det])
    }

    /// Area of a pixel in squared CRS units.
    pub fn pixel_area(&self) -> f64 {
        let t = &self.transform;
        (t[1] * t[5] - t[2] * t[4]).abs()
    }

    /// West, south, east, north (for a rotated grid, of its corners).
    pub fn bounds(&self) -> [f64; 4] {
        let (w, h) = (self.width as f64, self.height as f64);
        let corners = [self.xy(0.0, 0.0), self.xy(w, 0.0), self.xy(0.0, h), self.xy(w, h)];
        corners.iter().fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], |b, [x, y]| {
            [b[0].min(*x), b[1].min(*y), b[2].max(*x), b[3].max(*y)]
        })
    }

    /// The whole grid.
    pub fn window(&self) -> Window {
        Window { col: 0, row: 0, width: self.width, height: self.height }
    }

    /// True where both grids have the same pixels: size, and corners that agree to a hundredth of a pixel. The CRS is
    /// compared by the caller, who can resolve it.
    pub fn same_pixels(&self, other: &Self) -> bool {
        let step = (self.transform[1].hypot(self.transform[4])).min(self.transform[2].hypot(self.transform[5]));
        let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) <= 0.01 * step;
        let (w, h) = (self.width as f64, self.height as f64);
        self.width == other.width
            && self.height == other.height
            && [(0.0, 0.0), (w, 0.0), (0.0, h)].iter().all(|&(c, r)| near(self.xy(c, r), other.xy(c, r)))
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// First column.
    pub col: usize,
    /// First row.
    pub row: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Window {
    /// Pixels.
    pub fn len(&self) -> usize {
        self.width * self.height
    }

    /// Squares of `side` pixels that cover a grid, cut at its edges, row by row.
    pub fn tiles(g: &Grid, side: usize) -> impl Iterator<Item = Self> {
        let (width, height) = (g.width, g.height);
        let row = move |row: usize| {
            (0..width).step_by(side).map(move |col| Self {
                col,
                row,
                width: side.min(width - col),
                height: side.min(height - row),
            })
        };
        (0..height).step_by(side).flat_map(row)
    }

    /// True where it holds no pixel.
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// What both share; empty where nothing.
    pub fn intersection(&self, o: &Self) -> Self {
        let (c0, r0) = (self.col.max(o.col), self.row.max(o.row));
        let c1 = (self.col + self.width).min(o.col + o.width);
        let r1 = (self.row + self.height).min(o.row + o.height);
        Self { col: c0, row: r0, width: c1.saturating_sub(c0), height: r1.saturating_sub(r0) }
    }
}

/// Type of a band's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PixelType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl PixelType {
    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// True for floating point.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Name as NumPy has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }
}

/// A number that pixels can be.
pub trait Sample: Copy + Default + PartialEq + PartialOrd + Send + Sync + 'static {
    /// Its type.
    const TYPE: PixelType;
    /// As a double; 64-bit integers beyond 2^53 are rounded.
    fn to_f64(self) -> f64;
    /// As a float, rounded to the nearest.
    fn to_f32(self) -> f32;
    /// The value that a double stands for, `None` where the type cannot hold it exactly (floats are rounded).
    fn exactly(v: f64) -> Option<Self>;
}

macro_rules! integer_sample {
    ($($t:ty => $v:ident),*) => {$(
        impl Sample for $t {
            const TYPE: PixelType = PixelType::$v;
            #[allow(clippy::cast_lossless, reason = "one form for all types")]
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn to_f32(self) -> f32 {
                self as f32
            }
            fn exactly(v: f64) -> Option<Self> {
                let t = v as Self;
                (t as f64 == v).then_some(t)
            }
        }
    )*};
}
integer_sample!(u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, u64 => U64, i64 => I64);

impl Sample for f32 {
    const TYPE: PixelType = PixelType::F32;
    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline]
    fn to_f32(self) -> f32 {
        self
    }
    fn exactly(v: f64) -> Option<Self> {
        Some(v as Self)
    }
}

impl Sample for f64 {
    const TYPE: PixelType = PixelType::F64;
    #[inline]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline]
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn exactly(v: f64) -> Option<Self> {
        Some(v)
    }
}

/// Pixels of one band in one window, row by row, as the file holds them.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Pixels {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Runs an expression on the vector inside [`Pixels`], whatever its type.
macro_rules! with_pixels {
    ($pixels:expr, $v:ident => $body:expr) => {
        match $pixels {
            $crate::model::Pixels::U8($v) => $body,
            $crate::model::Pixels::I8($v) => $body,
            $crate::model::Pixels::U16($v) => $body,
            $crate::model::Pixels::I16($v) => $body,
            $crate::model::Pixels::U32($v) => $body,
            $crate::model::Pixels::I32($v) => $body,
            $crate::model::Pixels::U64($v) => $body,
            $crate::model::Pixels::I64($v) => $body,
            $crate::model::Pixels::F32($v) => $body,
            $crate::model::Pixels::F64($v) => $body,
        }
    };
}
pub(crate) use with_pixels;

impl Pixels {
    /// `n` zeros.
    pub fn zeros(ty: PixelType, n: usize) -> Self {
        match ty {
            PixelType::U8 => Self::U8(vec![0; n]),
            PixelType::I8 => Self::I8(vec![0; n]),
            PixelType::U16 => Self::U16(vec![0; n]),
            PixelType::I16 => Self::I16(vec![0; n]),
            PixelType::U32 => Self::U32(vec![0; n]),
            PixelType::I32 => Self::I32(vec![0; n]),
            PixelType::U64 => Self::U64(vec![0; n]),
            PixelType::I64 => Self::I64(vec![0; n]),
            PixelType::F32 => Self::F32(vec![0.0; n]),
            PixelType::F64 => Self::F64(vec![0.0; n]),
        }
    }

    /// Number of pixels.
    pub fn len(&self) -> usize {
        with_pixels!(self, v => v.len())
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn ty(&self) -> PixelType {
        fn of<T: Sample>(_: &[T]) -> PixelType {
            T::TYPE
        }
        with_pixels!(self, v => of(v))
    }
}

/// What is known of a pixel: seen, or why not. One byte, so that loops over masks stay fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Seen {
    /// Seen; the value counts.
    #[default]
    Yes = 0,
    /// Outside the image, or never recorded.
    NoData = 1,
    /// The sensor was saturated.
    Saturated = 2,
    /// Cloud, cirrus among it.
    Cloud = 3,
    /// Shadow of a cloud.
    Shadow = 4,
    /// Snow or ice.
    Snow = 5,
    /// Within the distance around cloud and shadow that was asked for.
    NearCloud = 6,
    /// The formula has no value here (a denominator of zero).
    Undefined = 7,
    /// Water, where the index is made for land alone.
    Water = 8,
}

impl Seen {
    /// All states, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Yes,
        Self::NoData,
        Self::Saturated,
        Self::Cloud,
        Self::Shadow,
        Self::Snow,
        Self::NearCloud,
        Self::Undefined,
        Self::Water,
    ];

    /// Name in files and summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "observed",
            Self::NoData => "no_data",
            Self::Saturated => "saturated",
            Self::Cloud => "cloud",
            Self::Shadow => "shadow",
            Self::Snow => "snow",
            Self::NearCloud => "near_cloud",
            Self::Undefined => "undefined",
            Self::Water => "water",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Yes => "有效观测",
            Self::NoData => "无数据",
            Self::Saturated => "饱和",
            Self::Cloud => "云",
            Self::Shadow => "云影",
            Self::Snow => "雪冰",
            Self::NearCloud => "云边缘",
            Self::Undefined => "公式无值",
            Self::Water => "水体",
        }
    }
}

/// Values of a window with what is known of each: where `seen` is not [`Seen::Yes`] the value means nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Block<T> {
    /// Where.
    pub window: Window,
    /// Values, row by row.
    pub values: Vec<T>,
    /// State of each value.
    pub seen: Vec<Seen>,
}

impl<T> Block<T> {
    /// Number of pixels observed.
    pub fn observed(&self) -> usize {
        self.seen.iter().filter(|s| **s == Seen::Yes).count()
    }
}

/// One band of a raster.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Type of its pixels.
    pub ty: PixelType,
    /// The number that stands for “no data”; NaN is one.
    pub nodata: Option<f64>,
    /// `value = pixel · scale + offset`.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Name or description.
    pub description: Option<String>,
}

/// What is known of a raster before its pixels are read.
#[derive(Debug, Clone, PartialEq)]
pub struct RasterInfo {
    /// File or GDAL name.
    pub source: PathBuf,
    /// Format (GDAL's driver name).
    pub format: String,
    /// Where it lies.
    pub grid: Grid,
    /// Its bands, the first at 0.
    pub bands: Vec<Band>,
    /// Columns and rows of the pieces the file is stored in.
    pub block: (usize, usize),
    /// Metadata items of the file (not of bands).
    pub metadata: Vec<(String, String)>,
}

/// A raster that hands out windows of its bands, to many threads at once.
pub trait BlockSource: Send + Sync {
    /// What is known of it.
    fn info(&self) -> &RasterInfo;

    /// Pixels of the bands (numbered from 0) in a window inside the grid, one entry a band.
    ///
    /// # Errors
    /// `Input` with file and block where it cannot be read or is damaged.
    fn read(&self, bands: &[usize], window: Window) -> Result<Vec<Pixels>>;

    /// The file's own mask in a window (0 = no data), where it has one beside its bands.
    ///
    /// # Errors
    /// As [`BlockSource::read`].
    fn mask(&self, window: Window) -> Result<Option<Vec<u8>>> {
        let _ = window;
        Ok(None)
    }
}

/// A picture of red, green, blue and opacity, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Four bytes a pixel.
    pub rgba: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_its_pixel_are_inverse() {
        let t = [600_000.0, 8.0, 6.0, 4_400_040.0, 6.0, -8.0];
        let g = Grid { transform: t, width: 100, height: 50, crs: None };
        let [c, r] = g.pixel_from_xy(g.xy(12.5, 7.25)).unwrap();
        assert!((c - 12.5).abs() < 1e-9 && (r - 7.25).abs() < 1e-9);
        assert_eq!(g.pixel_area(), 100.0);
        assert!(Grid { transform: [0.0; 6], ..g }.pixel_from_xy([0.0, 0.0]).is_none());
    }

    #[test]
    fn grids_agree_to_a_hundredth_of_a_pixel() {
        let g = Grid { transform: [0.0, 10.0, 0.0, 0.0, 0.0, -10.0], width: 1000, height: 1000, crs: None };
        let moved = |dx| Grid { transform: [dx, 10.0, 0.0, 0.0, 0.0, -10.0], ..g.clone() };
        assert!(g.same_pixels(&moved(0.09)) && !g.same_pixels(&moved(0.11)));
        // a pixel size that is wrong by a hundred-thousandth moves the far corner
        let wider = Grid { transform: [0.0, 10.001, 0.0, 0.0, 0.0, -10.0], ..g.clone() };
        assert!(!g.same_pixels(&wider));
    }

    #[test]
    fn a_number_is_held_exactly_or_not_at_all() {
        assert_eq!(u8::exactly(255.0), Some(255));
        assert_eq!(u8::exactly(-9999.0), None);
        assert_eq!(i16::exactly(0.5), None);
        assert_eq!(f32::exactly(0.1), Some(0.1f32));
        assert_eq!(i64::exactly(-9_223_372_036_854_775_808.0), Some(i64::MIN));
    }
}
