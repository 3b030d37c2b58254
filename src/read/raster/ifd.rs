//! The structure of a TIFF file: byte order, directories, tags (TIFF 6.0; BigTIFF as libtiff defines it).
//!
//! The crate `tiff` reads this too, but only through one cursor: tiles are read here by many threads at once, each
//! number that the file states is checked against the file's size before it is used, and a fault must name its block.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Directories followed at most; a file that holds more is taken for damaged.
const MAX_DIRECTORIES: usize = 1024;
/// Bytes of one tag at most: the offsets of 32 million tiles.
const MAX_TAG_BYTES: u64 = 256 << 20;

/// Tag numbers (TIFF 6.0, GeoTIFF 1.1, GDAL).
#[allow(missing_docs, reason = "the names of the specification")]
pub mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const IMAGE_WIDTH: u16 = 256;
    pub const IMAGE_LENGTH: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const PLANAR_CONFIGURATION: u16 = 284;
    pub const PREDICTOR: u16 = 317;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const MODEL_PIXEL_SCALE: u16 = 33550;
    pub const MODEL_TIEPOINT: u16 = 33922;
    pub const MODEL_TRANSFORMATION: u16 = 34264;
    pub const GEO_KEY_DIRECTORY: u16 = 34735;
    pub const GDAL_METADATA: u16 = 42112;
    pub const GDAL_NODATA: u16 = 42113;
}

/// A TIFF file open for positioned reads.
#[derive(Debug)]
pub struct TiffFile {
    file: File,
    /// Path, for errors.
    pub path: PathBuf,
    /// Bytes of the file.
    pub length: u64,
    /// True where numbers are stored most significant byte first.
    pub big_endian: bool,
    big_tiff: bool,
}

/// One tag as it stands in a directory.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    ty: u16,
    count: u64,
    /// Position of the value in the file.
    at: u64,
}

/// One directory: an image, an overview or a mask.
#[derive(Debug, Clone)]
pub struct Directory {
    entries: Vec<Entry>,
}

fn size_of(ty: u16) -> Option<u64> {
    Some(match ty {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    })
}

impl TiffFile {
    /// Opens the file and reads its header; answers the position of the first directory too.
    ///
    /// # Errors
    /// `Input` where it cannot be read or its header is none of a TIFF.
    pub fn open(path: &Path) -> Result<(Self, u64)> {
        let failed = |e: std::io::Error| unreadable(path, &e);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut t = Self { file, path: path.to_path_buf(), length, big_endian: false, big_tiff: false };
        let mut head = [0u8; 8];
        t.read_at(&mut head, 0)?;
        t.big_endian = head[0] == b'M';
        t.big_tiff = t.u16(&head[2..4]) == 43;
        let first = if t.big_tiff {
            let mut at = [0u8; 8];
            t.read_at(&mut at, 8)?;
            t.u64(&at)
        } else {
            u64::from(t.u32(&head[4..8]))
        };
        Ok((t, first))
    }

    /// Reads exactly so many bytes at a position.
    ///
    /// # Errors
    /// `Input` where the file ends before, or cannot be read.
    pub fn read_at(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        if at.checked_add(bytes.len() as u64).is_none_or(|end| end > self.length) {
            return Err(self.damaged(
                format!("it refers to bytes {at} to +{}, but ends at {}", bytes.len(), self.length),
                format!("其中引用了字节 {at} 起的 {} 字节,但文件只有 {} 字节", bytes.len(), self.length),
            ));
        }
        self.file.read_exact_at(bytes, at).map_err(|e| unreadable(&self.path, &e))
    }

    /// The error of a file that contradicts itself.
    pub fn damaged(&self, en: impl AsRef<str>, zh: impl AsRef<str>) -> Error {
        Error::input(format!("the TIFF is damaged: {}", en.as_ref()), format!("TIFF 文件损坏:{}", zh.as_ref()))
            .in_file(&self.path)
            .remedy("get the file again from its source and compare its checksum", "请从来源重新获取该文件并核对校验和")
    }

    /// All directories in their order.
    ///
    /// # Errors
    /// `Input` where the chain leads outside the file, or in a circle, or is longer than any real file's.
    pub fn directories(&self, first: u64) -> Result<Vec<Directory>> {
        let (mut seen, mut out, mut at) = (std::collections::BTreeSet::new(), Vec::new(), first);
        while at != 0 {
            if !seen.insert(at) {
                return Err(self.damaged("its directories form a circle", "目录链成环"));
            }
            if out.len() == MAX_DIRECTORIES {
                return Err(self.damaged(
                    format!("it has more than {MAX_DIRECTORIES} directories"),
                    format!("目录超过 {MAX_DIRECTORIES} 个"),
                ));
            }
            let (directory, next) = self.directory(at)?;
            out.push(directory);
            at = next;
        }
        if out.is_empty() {
            return Err(self.damaged("it holds no image", "其中没有影像"));
        }
        Ok(out)
    }

    fn directory(&self, at: u64) -> Result<(Directory, u64)> {
        let (head, size, inline) = if self.big_tiff { (8, 20, 8) } else { (2, 12, 4) };
        let mut n = [0u8; 8];
        self.read_at(&mut n[..head], at)?;
        let count = if self.big_tiff { self.u64(&n) } else { u64::from(self.u16(&n[..2])) };
        if count == 0 || count > 65_535 {
            return Err(self.damaged(
                format!("the directory at byte {at} states {count} tags"),
                format!("字节 {at} 处的目录声称有 {count} 个标签"),
            ));
        }
        let mut bytes = vec![0u8; count as usize * size + inline];
        self.read_at(&mut bytes, at + head as u64)?;
        let (table, next) = bytes.split_at(count as usize * size);
        let mut entries = Vec::with_capacity(count as usize);
        for (i, e) in table.chunks_exact(size).enumerate() {
            let (tag, ty) = (self.u16(&e[0..2]), self.u16(&e[2..4]));
            let count = if self.big_tiff { self.u64(&e[4..12]) } else { u64::from(self.u32(&e[4..8])) };
            // tags of types unknown to the specification are skipped, as it asks for
            let Some(bytes) = size_of(ty).and_then(|s| s.checked_mul(count)) else { continue };
            let value = &e[size - inline..];
            let at = if bytes <= inline as u64 {
                at + (head + i * size + size - inline) as u64
            } else if self.big_tiff {
                self.u64(value)
            } else {
                u64::from(self.u32(value))
            };
            entries.push(Entry { tag, ty, count, at });
        }
        let next = if self.big_tiff { self.u64(next) } else { u64::from(self.u32(next)) };
        Ok((Directory { entries }, next))
    }

    fn bytes_of(&self, e: &Entry) -> Result<Vec<u8>> {
        let bytes = size_of(e.ty).and_then(|s| s.checked_mul(e.count)).filter(|b| *b <= MAX_TAG_BYTES);
        let inside = bytes.filter(|b| e.at.checked_add(*b).is_some_and(|end| end <= self.length));
        let Some(n) = inside else {
            return Err(self.damaged(
                format!("tag {} states {} values at byte {}, which the file does not hold", e.tag, e.count, e.at),
                format!("标签 {} 声称在字节 {} 处有 {} 个值,文件中没有这么多", e.tag, e.at, e.count),
            ));
        };
        let mut out = vec![0u8; n as usize];
        self.read_at(&mut out, e.at)?;
        Ok(out)
    }

    /// Unsigned integers of a tag; `None` where the directory has no such tag.
    ///
    /// # Errors
    /// `Input` where the values lie outside the file or are no integers.
    pub fn integers(&self, d: &Directory, tag: u16) -> Result<Option<Vec<u64>>> {
        let Some(e) = d.entries.iter().find(|e| e.tag == tag) else { return Ok(None) };
        let bytes = self.bytes_of(e)?;
        Ok(Some(match e.ty {
            1 | 7 => bytes.into_iter().map(u64::from).collect(),
            3 => bytes.chunks_exact(2).map(|b| u64::from(self.u16(b))).collect(),
            4 | 13 => bytes.chunks_exact(4).map(|b| u64::from(self.u32(b))).collect(),
            16 | 18 => bytes.chunks_exact(8).map(|b| self.u64(b)).collect(),
            ty => {
                return Err(self.damaged(
                    format!("tag {tag} has the type {ty} where an integer belongs"),
                    format!("标签 {tag} 的类型为 {ty},应为整数"),
                ));
            }
        }))
    }

    /// The first integer of a tag.
    ///
    /// # Errors
    /// As [`TiffFile::integers`].
    pub fn integer(&self, d: &Directory, tag: u16) -> Result<Option<u64>> {
        Ok(self.integers(d, tag)?.and_then(|v| v.first().copied()))
    }

    /// Doubles of a tag; `None` where the directory has no such tag.
    ///
    /// # Errors
    /// As [`TiffFile::integers`].
    pub fn doubles(&self, d: &Directory, tag: u16) -> Result<Option<Vec<f64>>> {
        let Some(e) = d.entries.iter().find(|e| e.tag == tag && e.ty == 12) else { return Ok(None) };
        Ok(Some(self.bytes_of(e)?.chunks_exact(8).map(|b| f64::from_bits(self.u64(b))).collect()))
    }

    /// Text of a tag; `None` where the directory has no such tag.
    ///
    /// # Errors
    /// As [`TiffFile::integers`].
    pub fn text(&self, d: &Directory, tag: u16) -> Result<Option<String>> {
        let Some(e) = d.entries.iter().find(|e| e.tag == tag) else { return Ok(None) };
        let bytes = self.bytes_of(e)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        Ok(Some(String::from_utf8_lossy(&bytes[..end]).into_owned()))
    }

    fn u16(&self, b: &[u8]) -> u16 {
        let a = b.first_chunk().copied().unwrap_or_default();
        if self.big_endian { u16::from_be_bytes(a) } else { u16::from_le_bytes(a) }
    }

    fn u32(&self, b: &[u8]) -> u32 {
        let a = b.first_chunk().copied().unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(a) } else { u32::from_le_bytes(a) }
    }

    fn u64(&self, b: &[u8]) -> u64 {
        let a = b.first_chunk().copied().unwrap_or_default();
        if self.big_endian { u64::from_be_bytes(a) } else { u64::from_le_bytes(a) }
    }
}

/// The error of a file that cannot be read.
pub(super) fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}"))
        .in_file(path)
        .remedy("check the path and the right to read it", "请检查路径与读取权限")
}
