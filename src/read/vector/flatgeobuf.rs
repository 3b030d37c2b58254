//! FlatGeobuf by its own bytes: features stand one behind the other, so that a batch is decoded by all threads.
//!
//! GDAL opens the file too and says what the layer is; it reads the features where they are not simple ones (curves,
//! surfaces). Format: <https://github.com/flatgeobuf/flatgeobuf>, `header.fbs` and `feature.fbs` of version 3.
#![allow(unsafe_code, reason = "dates are parsed by GDAL's C function, so that both ways of reading agree")]

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::flatgeobuf::ColumnType;
use rayon::prelude::*;

use self::shape::Fault;
use super::ahead::Ahead;
use super::remarks::Seen;
use super::{ReadOptions, SourceName, note, ogr};
use crate::error::{Error, Result};
use crate::model::{Feature, FeatureSource, FieldType, LayerInfo, Skipped, Value};

mod shape;

/// `fgb`, major version 3, `fgb`, any patch version.
const MAGIC: &[u8; 7] = b"fgb\x03fgb";
/// Largest header (GDAL's limit too), bytes.
const MAX_HEADER: usize = 10 * 1024 * 1024;
/// Bytes asked of the file at once.
const CHUNK: usize = 4 * 1024 * 1024;
/// Bytes of a node of the index: four doubles and an offset.
const NODE: u64 = 40;
/// Features that one task decodes.
const TASK: usize = 32;

/// What the header says of the features.
struct Layout {
    columns: Vec<ColumnType>,
    /// 0 where each feature says its own.
    geometry_type: u8,
    extra: bool,
    features: Option<u64>,
}

struct FlatGeobufSource {
    gdal: Option<Box<dyn FeatureSource>>,
    through_gdal: bool,
    info: LayerInfo,
    layout: Layout,
    bytes: Bytes,
    read: u64,
    skipped: Vec<Skipped>,
    seen: Seen,
}

/// The file from the first feature on, a piece at a time.
struct Bytes {
    file: File,
    /// Of the file, not yet in `held`.
    left: u64,
    held: Vec<u8>,
    at: usize,
}

pub(super) fn open(name: &SourceName, options: &ReadOptions) -> Result<Box<dyn FeatureSource>> {
    let gdal = ogr::open(name, options)?;
    if gdal.info().format != "FlatGeobuf" || !name.path.is_file() {
        return Ok(gdal);
    }
    let info = gdal.info().clone();
    let failed = |why: String| ogr::unreadable(&name.path, &why).in_layer(&info.name);
    let (layout, bytes) = open_file(&name.path).map_err(failed)?;
    if layout.geometry_type > shape::SIMPLE {
        return Ok(Box::new(Ahead::of(gdal)));
    }
    Ok(Box::new(FlatGeobufSource {
        gdal: Some(gdal),
        through_gdal: false,
        info,
        layout,
        bytes,
        read: 0,
        skipped: Vec::new(),
        seen: Seen::default(),
    }))
}

fn open_file(path: &Path) -> std::result::Result<(Layout, Bytes), String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let left = file.metadata().map_err(|e| e.to_string())?.len();
    let mut bytes = Bytes { file, left, held: Vec::new(), at: 0 };
    let short = || "the file ends within its header".to_owned();
    if !bytes.have(12)? {
        return Err(short());
    }
    if bytes.held[..7] != MAGIC[..] {
        return Err("it is no FlatGeobuf of version 3".into());
    }
    let size = u32::from_le_bytes([bytes.held[8], bytes.held[9], bytes.held[10], bytes.held[11]]) as usize;
    if size > MAX_HEADER {
        return Err(format!("its header of {size} bytes is longer than 10 MB"));
    }
    if !bytes.have(12 + size)? {
        return Err(short());
    }
    let header = ::flatgeobuf::size_prefixed_root_as_header(&bytes.held[8..12 + size])
        .map_err(|e| format!("its header is broken: {e}"))?;
    let count = header.features_count();
    let layout = Layout {
        columns: header.columns().map(|c| c.iter().map(|c| c.type_()).collect()).unwrap_or_default(),
        geometry_type: header.geometry_type().0,
        extra: header.has_z() || header.has_m(),
        features: (count > 0).then_some(count),
    };
    let index = index_bytes(count, header.index_node_size()).ok_or_else(|| format!("{count} features are too many"))?;
    bytes.at = 12 + size;
    if !bytes.skip(index)? {
        return Err("the file ends within its index".into());
    }
    Ok((layout, bytes))
}

/// Bytes of the packed tree over `features` items with nodes of `size` children.
fn index_bytes(features: u64, size: u16) -> Option<u64> {
    if size == 0 || features == 0 {
        return Some(0);
    }
    let size = u64::from(size.max(2));
    let (mut level, mut nodes) = (features, features);
    loop {
        level = level.div_ceil(size);
        nodes = nodes.checked_add(level)?;
        if level == 1 {
            return nodes.checked_mul(NODE);
        }
    }
}

impl Bytes {
    /// Takes in more of the file until `end` bytes are held; false where the file ends before.
    fn have(&mut self, end: usize) -> std::result::Result<bool, String> {
        if end <= self.held.len() {
            return Ok(true);
        }
        let missing = (end - self.held.len()) as u64;
        if missing > self.left {
            return Ok(false);
        }
        let wanted = missing.max(CHUNK as u64).min(self.left);
        let got = (&self.file).take(wanted).read_to_end(&mut self.held).map_err(|e| e.to_string())? as u64;
        self.left = if got < wanted { 0 } else { self.left - got };
        Ok(end <= self.held.len())
    }

    fn skip(&mut self, n: u64) -> std::result::Result<bool, String> {
        if n > (self.held.len() - self.at) as u64 + self.left {
            return Ok(false);
        }
        let mut n = n;
        while n > 0 {
            let step = n.min(CHUNK as u64) as usize;
            if !self.have(self.at + step)? {
                return Ok(false);
            }
            self.at += step;
            self.let_go();
            n -= step as u64;
        }
        Ok(true)
    }

    /// Forgets what was used.
    fn let_go(&mut self) {
        self.held.drain(..self.at);
        self.at = 0;
    }

    /// Start and end (in `held`) of the next feature with its size; `None` at the end of the file.
    fn next(&mut self) -> std::result::Result<Option<(usize, usize)>, String> {
        let short = || "the file ends within this feature".to_owned();
        if self.at == self.held.len() && self.left == 0 {
            return Ok(None);
        }
        if !self.have(self.at + 4)? {
            return Err(short());
        }
        let h = &self.held[self.at..self.at + 4];
        let size = u32::from_le_bytes([h[0], h[1], h[2], h[3]]) as usize;
        let end = self.at.checked_add(4 + size).ok_or_else(short)?;
        if !self.have(end)? {
            return Err(short());
        }
        let start = self.at;
        self.at = end;
        Ok(Some((start, end)))
    }
}

impl FeatureSource for FlatGeobufSource {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        match &self.gdal {
            Some(g) if self.through_gdal => g.skipped(),
            _ => &self.skipped,
        }
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        if self.through_gdal {
            return self.gdal.as_mut().map_or(Ok(None), |g| g.next_batch(max));
        }
        self.bytes.let_go();
        let spans = self.spans(max)?;
        if spans.is_empty() {
            self.skipped.extend(std::mem::take(&mut self.seen).remarks(&self.info));
            return Ok(None);
        }
        let (held, layout, first) = (&self.bytes.held, &self.layout, self.read as i64);
        let decoded: Vec<std::result::Result<Decoded, Fault>> = spans
            .par_iter()
            .enumerate()
            .with_min_len(TASK)
            .map(|(k, &(start, end))| decode(&held[start..end], first + k as i64, layout))
            .collect();
        let mut out = Vec::with_capacity(decoded.len());
        for (k, d) in decoded.into_iter().enumerate() {
            match d {
                Ok(d) => {
                    self.remark(&d);
                    out.push(d.feature);
                }
                Err(Fault::NotSimple) => return self.hand_over(max),
                Err(Fault::Broken(why)) => return Err(self.broken(&why, first + k as i64)),
            }
        }
        self.read += out.len() as u64;
        Ok(Some(out))
    }
}

impl FlatGeobufSource {
    fn broken(&self, why: &str, fid: i64) -> Error {
        ogr::unreadable(&self.info.source, why).in_layer(&self.info.name).at_feature(fid)
    }

    fn spans(&mut self, max: usize) -> Result<Vec<(usize, usize)>> {
        let left = self.layout.features.map_or(u64::MAX, |n| n - self.read);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(max);
        let mut out = Vec::new();
        while out.len() < wanted {
            let fid = self.read as i64 + out.len() as i64;
            match self.bytes.next().map_err(|why| self.broken(&why, fid))? {
                Some(s) => out.push(s),
                None => match self.layout.features {
                    Some(n) => {
                        let why = format!("the file ends after {fid} of {n} features");
                        return Err(ogr::unreadable(&self.info.source, &why).in_layer(&self.info.name));
                    }
                    None => break,
                },
            }
        }
        Ok(out)
    }

    fn remark(&mut self, d: &Decoded) {
        if d.extra {
            self.seen.heights.at(d.feature.fid);
        }
        if d.closed > 0 {
            self.skipped.push(note(
                &self.info,
                d.feature.fid,
                "ring_closed",
                true,
                format!("{} ring(s) were not closed and are now", d.closed),
                format!("{} 个环未闭合,已闭合", d.closed),
            ));
        }
    }

    /// Lets GDAL read the layer from here on; its remarks on what was read already take the place of ours.
    fn hand_over(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        self.through_gdal = true;
        let Some(gdal) = self.gdal.as_mut() else { return Ok(None) };
        let mut left = usize::try_from(self.read).unwrap_or(usize::MAX);
        while left > 0 {
            match gdal.next_batch(left.min(8192))? {
                Some(batch) => left -= batch.len().min(left),
                None => break,
            }
        }
        gdal.next_batch(max)
    }
}

struct Decoded {
    feature: Feature,
    /// It had heights or measures.
    extra: bool,
    closed: u32,
}

/// One feature out of its bytes (with their size before them).
fn decode(bytes: &[u8], fid: i64, layout: &Layout) -> std::result::Result<Decoded, Fault> {
    let f = shape::root(bytes)?;
    let values = match f.properties() {
        Some(p) => values(p.bytes(), &layout.columns)?,
        None => vec![Value::Null; layout.columns.len()],
    };
    let mut closed = 0;
    let geometry = f.geometry().map(|g| shape::geometry(&g, layout.geometry_type, &mut closed)).transpose()?;
    let extra = layout.extra && geometry.is_some();
    Ok(Decoded { feature: Feature { fid, geometry, values }, extra, closed })
}

/// Column numbers and values, in any order; columns that are not there are null.
fn values(bytes: &[u8], columns: &[ColumnType]) -> std::result::Result<Vec<Value>, Fault> {
    let mut out = vec![Value::Null; columns.len()];
    let mut set = vec![false; columns.len()];
    let mut rest = bytes;
    while !rest.is_empty() {
        let i = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let ty = *columns.get(i).ok_or_else(|| Fault::Broken(format!("it has a value for column {i}")))?;
        if std::mem::replace(&mut set[i], true) {
            return Err(Fault::Broken(format!("it has two values for column {i}")));
        }
        out[i] = value(ty, &mut rest)?;
    }
    Ok(out)
}

fn take<const N: usize>(rest: &mut &[u8]) -> std::result::Result<[u8; N], Fault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(|| Fault::Broken("a value ends too early".into()))?;
    *rest = tail;
    Ok(*head)
}

/// As GDAL's driver gives the types out: unsigned 64-bit integers are doubles.
fn value(ty: ColumnType, rest: &mut &[u8]) -> std::result::Result<Value, Fault> {
    Ok(match ty {
        ColumnType::Bool => Value::Bool(take::<1>(rest)?[0] != 0),
        ColumnType::Byte => Value::Int(i8::from_le_bytes(take(rest)?).into()),
        ColumnType::UByte => Value::Int(take::<1>(rest)?[0].into()),
        ColumnType::Short => Value::Int(i16::from_le_bytes(take(rest)?).into()),
        ColumnType::UShort => Value::Int(u16::from_le_bytes(take(rest)?).into()),
        ColumnType::Int => Value::Int(i32::from_le_bytes(take(rest)?).into()),
        ColumnType::UInt => Value::Int(u32::from_le_bytes(take(rest)?).into()),
        ColumnType::Long => Value::Int(i64::from_le_bytes(take(rest)?)),
        ColumnType::ULong => Value::Real(u64::from_le_bytes(take(rest)?) as f64),
        ColumnType::Float => Value::Real(f32::from_le_bytes(take(rest)?).into()),
        ColumnType::Double => Value::Real(f64::from_le_bytes(take(rest)?)),
        ColumnType::String | ColumnType::Json => Value::Text(String::from_utf8_lossy(sized(rest)?).into_owned()),
        ColumnType::DateTime => date_time(sized(rest)?)?,
        ColumnType::Binary => Value::Binary(sized(rest)?.to_vec()),
        other => return Err(Fault::Broken(format!("column type {} is not known", other.0))),
    })
}

fn sized<'a>(rest: &mut &'a [u8]) -> std::result::Result<&'a [u8], Fault> {
    let n = u32::from_le_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(n).ok_or_else(|| Fault::Broken("a value ends too early".into()))?;
    *rest = tail;
    Ok(head)
}

/// Longest date and time that GDAL reads.
const DATE_TIME: usize = 32;

fn date_time(text: &[u8]) -> std::result::Result<Value, Fault> {
    let c = CString::new(text).ok().filter(|c| c.as_bytes().len() <= DATE_TIME);
    let c = c.ok_or_else(|| Fault::Broken("a date and time is longer than 32 characters".into()))?;
    let mut field = gdal_sys::OGRField { Integer64: 0 };
    // SAFETY: the text ends with NUL; where GDAL answers 1 it has filled in the date
    unsafe {
        if gdal_sys::OGRParseDate(c.as_ptr(), &mut field, 0) == 0 {
            return Ok(Value::Null);
        }
        let d = field.Date;
        let (year, rest) = (i32::from(d.Year), [d.Month, d.Day, d.Hour, d.Minute].map(i32::from));
        Ok(ogr::moment(year, rest, d.Second, i32::from(d.TZFlag), FieldType::DateTime))
    }
}
