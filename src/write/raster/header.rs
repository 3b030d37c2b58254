//! The head of a GeoTIFF: directories first, then the tiles of the smallest overview up to those of the image.

use std::fmt::Write as _;

use super::encode::predictor;
use super::geotags::geo_tags;
use super::{Overviews, Packing, RasterHead, Statistics, TILE, nodata_text};
use crate::model::PixelType;

/// Bytes from which on a file is a BigTIFF.
pub(super) const BIG: u64 = 3_900_000_000;

/// Where the tiles of one level lie: in the spool, later in the file.
#[derive(Debug)]
pub(super) struct Tiles {
    width: usize,
    height: usize,
    across: usize,
    down: usize,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

impl Tiles {
    pub fn new((width, height): (usize, usize), bands: usize) -> Self {
        let (across, down) = (width.div_ceil(TILE), height.div_ceil(TILE));
        let n = across * down * bands;
        Self { width, height, across, down, offsets: vec![0; n], counts: vec![0; n] }
    }

    pub fn set(&mut self, band: usize, c: usize, r: usize, offset: u64, count: u64) {
        let i = band * self.across * self.down + r * self.across + c;
        self.offsets[i] = offset;
        self.counts[i] = count;
    }

    pub fn whole(&self) -> bool {
        self.counts.iter().all(|c| *c > 0)
    }
}

/// Everything the directories say.
pub(super) struct Image<'a> {
    pub head: &'a RasterHead,
    pub ty: PixelType,
    pub statistics: &'a [Option<Statistics>],
    pub total: f64,
}

/// Head of the file, and what to copy from the spool behind it, in order.
pub(super) struct Order {
    pub header: Vec<u8>,
    pub pieces: Vec<(u64, u64)>,
}

/// A tag with its values, as bytes.
struct Tag {
    tag: u16,
    ty: u16,
    count: u64,
    bytes: Vec<u8>,
}

fn shorts(tag: u16, v: &[u16]) -> Tag {
    Tag { tag, ty: 3, count: v.len() as u64, bytes: v.iter().flat_map(|x| x.to_le_bytes()).collect() }
}

fn long(tag: u16, v: usize) -> Tag {
    Tag { tag, ty: 4, count: 1, bytes: (v as u32).to_le_bytes().to_vec() }
}

fn doubles(tag: u16, v: &[f64]) -> Tag {
    Tag { tag, ty: 12, count: v.len() as u64, bytes: v.iter().flat_map(|x| x.to_le_bytes()).collect() }
}

fn text(tag: u16, v: &str) -> Tag {
    let mut bytes = v.as_bytes().to_vec();
    bytes.push(0);
    Tag { tag, ty: 2, count: bytes.len() as u64, bytes }
}

impl Image<'_> {
    /// Bytes that the directories of so many tiles will take at most, numbers of the statistics included; `big` where
    /// the file may need 64-bit places.
    pub fn room(&self, levels: &[Tiles], big: bool) -> u64 {
        (self.header(levels, big).len() + 1024 + self.head.bands.len() * 768).next_multiple_of(4096) as u64
    }

    /// The directories, where the tiles lie at their places already; `None` where they take more than `room` bytes.
    pub fn in_place(&self, levels: &[Tiles], end: u64, room: u64) -> Option<Vec<u8>> {
        let header = self.header(levels, end > BIG);
        (header.len() as u64 <= room).then_some(header)
    }

    /// Directories for all levels; the tiles' places change from the spool to the file.
    pub fn layout(&self, levels: &mut [Tiles], spooled: u64) -> Order {
        let big = spooled > BIG;
        // sizes do not depend on the offsets, so the head is made once to be measured and once to be kept
        let measured = self.header(levels, big).len() as u64;
        let mut at = measured;
        let mut pieces = Vec::new();
        for l in levels.iter_mut().rev() {
            for i in 0..l.offsets.len() {
                pieces.push((l.offsets[i], l.counts[i]));
                l.offsets[i] = at;
                at += l.counts[i];
            }
        }
        Order { header: self.header(levels, big), pieces }
    }

    fn header(&self, levels: &[Tiles], big: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if big {
            out.extend_from_slice(b"II\x2b\0\x08\0\0\0");
            out.extend_from_slice(&16u64.to_le_bytes());
        } else {
            out.extend_from_slice(b"II\x2a\0\x08\0\0\0");
        }
        for (i, l) in levels.iter().enumerate() {
            let last = i + 1 == levels.len();
            directory(&mut out, self.tags(l, i > 0, big), big, last);
        }
        // tiles begin at whole words
        while out.len() % 16 != 0 {
            out.push(0);
        }
        out
    }

    fn tags(&self, l: &Tiles, overview: bool, big: bool) -> Vec<Tag> {
        let h = self.head;
        let n = h.bands.len();
        let format = match self.ty {
            PixelType::F32 | PixelType::F64 => 3,
            PixelType::I8 | PixelType::I16 | PixelType::I32 | PixelType::I64 => 2,
            _ => 1,
        };
        let places = |tag, v: &[u64]| {
            let bytes = if big {
                v.iter().flat_map(|x| x.to_le_bytes()).collect()
            } else {
                v.iter().flat_map(|x| (*x as u32).to_le_bytes()).collect()
            };
            Tag { tag, ty: if big { 16 } else { 4 }, count: v.len() as u64, bytes }
        };
        let mut out = vec![
            long(254, usize::from(overview)),
            long(256, l.width),
            long(257, l.height),
            shorts(258, &vec![8 * self.ty.bytes() as u16; n]),
            shorts(
                259,
                &[match h.packing {
                    Packing::Deflate => 8,
                    Packing::Zstd => 50_000,
                }],
            ),
            shorts(262, &[1]),
            shorts(277, &[n as u16]),
            shorts(284, &[if n > 1 { 2 } else { 1 }]),
            shorts(317, &[predictor(self.ty)]),
            long(322, TILE),
            long(323, TILE),
            places(324, &l.offsets),
            places(325, &l.counts),
            shorts(339, &vec![format; n]),
        ];
        if n > 1 {
            // bands beyond the first are no colours
            out.push(shorts(338, &vec![0; n - 1]));
        }
        if !overview {
            let g = geo_tags(&h.grid);
            for (tag, v) in [(33550, &g.scale), (33922, &g.tie), (34264, &g.matrix), (34736, &g.doubles)] {
                if !v.is_empty() {
                    out.push(doubles(tag, v));
                }
            }
            if !g.keys.is_empty() {
                out.push(shorts(34735, &g.keys));
            }
            if !g.text.is_empty() {
                out.push(text(34737, &g.text));
            }
            out.push(text(42112, &self.xml()));
        }
        if let Some(v) = h.nodata {
            out.push(text(42113, &nodata_text(v)));
        }
        out.sort_by_key(|t| t.tag);
        out
    }

    /// `GDAL_METADATA`: items of the file, and description, scale and statistics of each band.
    fn xml(&self) -> String {
        let mut s = String::from("<GDALMetadata>\n");
        for (k, v) in &self.head.metadata {
            let _ = writeln!(s, "  <Item name=\"{}\">{}</Item>", escaped(k), escaped(v));
        }
        if self.head.overviews != Overviews::None {
            let how = if self.head.overviews == Overviews::Nearest { "NEAREST" } else { "AVERAGE" };
            let _ = writeln!(s, "  <Item name=\"OVERVIEW_RESAMPLING\">{how}</Item>");
        }
        for (i, b) in self.head.bands.iter().enumerate() {
            let mut item = |name: &str, role: &str, v: &str| {
                let role = if role.is_empty() { String::new() } else { format!(" role=\"{role}\"") };
                let _ = writeln!(s, "  <Item name=\"{name}\" sample=\"{i}\"{role}>{v}</Item>");
            };
            item("DESCRIPTION", "description", &escaped(&b.description));
            if b.scale != 1.0 || b.offset != 0.0 {
                item("SCALE", "scale", &b.scale.to_string());
                item("OFFSET", "offset", &b.offset.to_string());
            }
            if let Some(t) = self.statistics.get(i).copied().flatten() {
                // GDAL keeps statistics of the pixels, not of the scaled values
                let pixel = |v: f64| (v - b.offset) / b.scale;
                item("STATISTICS_MINIMUM", "", &pixel(t.min).to_string());
                item("STATISTICS_MAXIMUM", "", &pixel(t.max).to_string());
                item("STATISTICS_MEAN", "", &pixel(t.mean).to_string());
                item("STATISTICS_STDDEV", "", &(t.std / b.scale.abs()).to_string());
                item("STATISTICS_VALID_PERCENT", "", &format!("{:.4}", 100.0 * t.count as f64 / self.total));
            }
        }
        s + "</GDALMetadata>\n"
    }
}

/// Escaped twice, as GDAL does in this tag: its reader undoes it twice, and would cut a text at a plain `&`.
fn escaped(s: &str) -> String {
    let once = |s: &str| s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    once(&once(s))
}

/// Appends a directory and, behind it, the values that do not fit into it.
fn directory(out: &mut Vec<u8>, tags: Vec<Tag>, big: bool, last: bool) {
    let (head, size, inline) = if big { (8, 20, 8) } else { (2, 12, 4) };
    let start = out.len();
    let mut values = start + head + tags.len() * size + inline;
    let mut behind = Vec::new();
    if big {
        out.extend_from_slice(&(tags.len() as u64).to_le_bytes());
    } else {
        out.extend_from_slice(&(tags.len() as u16).to_le_bytes());
    }
    let number = |out: &mut Vec<u8>, v: u64| {
        if big {
            out.extend_from_slice(&v.to_le_bytes());
        } else {
            out.extend_from_slice(&(v as u32).to_le_bytes());
        }
    };
    for mut t in tags {
        out.extend_from_slice(&t.tag.to_le_bytes());
        out.extend_from_slice(&t.ty.to_le_bytes());
        number(out, t.count);
        if t.bytes.len() <= inline {
            t.bytes.resize(inline, 0);
            out.extend_from_slice(&t.bytes);
        } else {
            number(out, values as u64);
            while t.bytes.len() % 8 != 0 {
                t.bytes.push(0);
            }
            values += t.bytes.len();
            behind.extend_from_slice(&t.bytes);
        }
    }
    number(out, if last { 0 } else { values as u64 });
    out.extend_from_slice(&behind);
}
