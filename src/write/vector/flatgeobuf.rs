//! FlatGeobuf with its spatial index, written in one pass of any length.
//!
//! Features are encoded by all threads and go to a spool beside the output; at the end they are sorted along the
//! Hilbert curve and copied behind the header and the packed tree. In memory stay 56 bytes a feature. Format:
//! <https://github.com/flatgeobuf/flatgeobuf>, version 3.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flatbuffers::FlatBufferBuilder;
use rayon::prelude::*;

use self::encode::Encoder;
use self::tree::Bounds;
use super::sink::LayerFile;
use super::{Format, Written, columns, spool};
use crate::error::Result;
use crate::model::{Row, Shape, Table};
use crate::write::staging::unwritable;

mod encode;
mod header;
mod tree;

/// Rows that one task encodes.
const TASK: usize = 128;
/// Bytes of features copied at once.
const BLOCK: usize = 16 * 1024 * 1024;

/// One feature in the spool.
struct Entry {
    offset: u64,
    size: u32,
    /// `None` where it has no coordinates.
    bounds: Option<Bounds>,
}

pub(super) struct FlatGeobufFile {
    head: Table,
    staged: PathBuf,
    target: PathBuf,
    spool: File,
    end: u64,
    entries: Vec<Entry>,
    /// A geometry of another type than the layer's was written.
    mixed: bool,
}

impl FlatGeobufFile {
    pub fn create(staged: PathBuf, target: &Path, head: Table) -> Result<Self> {
        let spool = spool::anonymous(&staged).map_err(|e| unwritable(target, e))?;
        Ok(Self { head, staged, target: target.into(), spool, end: 0, entries: Vec::new(), mixed: false })
    }
}

impl LayerFile for FlatGeobufFile {
    fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        let (columns, shape, declared) = (&self.head.columns, self.head.shape, declared(self.head.shape));
        let encoded: Vec<std::result::Result<Encoded, String>> = rows
            .par_chunks(TASK)
            .map_init(FlatBufferBuilder::new, |fbb, rows| {
                let mut out = Encoded { bytes: Vec::new(), entries: Vec::with_capacity(rows.len()), mixed: false };
                let mut encoder = Encoder::new(fbb, columns, shape);
                for (g, values) in rows {
                    let (bounds, ty) = encoder.feature(g.as_ref(), values)?;
                    out.mixed |= ty.is_some_and(|t| t != declared);
                    let bytes = encoder.bytes();
                    let size = u32::try_from(bytes.len()).map_err(|e| e.to_string())?;
                    out.entries.push(Entry { offset: out.bytes.len() as u64, size, bounds });
                    out.bytes.extend_from_slice(bytes);
                }
                Ok(out)
            })
            .collect();
        for e in encoded {
            let e = e.map_err(|why| unwritable(&self.target, why).in_layer(&self.head.name))?;
            self.spool.write_all(&e.bytes).map_err(|e| unwritable(&self.target, e))?;
            self.mixed |= e.mixed;
            self.entries.extend(e.entries.into_iter().map(|x| Entry { offset: x.offset + self.end, ..x }));
            self.end += e.bytes.len() as u64;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let failed = |e: std::io::Error| unwritable(&self.target, e);
        let file = File::create(&self.staged).map_err(failed)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        // readers expect a box of each feature in the tree
        let boxes: Option<Vec<Bounds>> = self.entries.iter().map(|e| e.bounds).collect();
        let boxes = boxes.filter(|b| !b.is_empty());
        let about = header::About {
            extent: Bounds::around(self.entries.iter().filter_map(|e| e.bounds)),
            geometry_type: if self.mixed { 0 } else { declared(self.head.shape) },
            features: self.entries.len() as u64,
            index_node_size: if boxes.is_some() { tree::NODE_SIZE as u16 } else { 0 },
        };
        out.write_all(&header::bytes(&self.head, &about, &self.target)?).map_err(failed)?;
        let order: Vec<u32> = match &boxes {
            Some(b) => {
                let order = tree::hilbert_order(b);
                let sizes: Vec<u32> = self.entries.iter().map(|e| e.size).collect();
                tree::write(b, &sizes, &order, &mut out).map_err(failed)?;
                order
            }
            None => (0..self.entries.len() as u32).collect(),
        };
        drop(boxes);
        self.copy(&order, &mut out).map_err(failed)?;
        out.flush().map_err(failed)?;
        Ok(self.changed())
    }
}

struct Encoded {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    mixed: bool,
}

impl FlatGeobufFile {
    /// What the format has no type for.
    fn changed(&self) -> Written {
        let mut written = Written::default();
        for (i, c) in self.head.columns.iter().enumerate() {
            let note = columns::kept(Format::FlatGeobuf, &self.head, i, &str::len).note;
            written.changed.extend(note.map(|n| (self.head.name.clone(), c.field.name.clone(), n)));
        }
        written
    }

    /// Features out of the spool in their new order, blocks of them by all threads.
    fn copy(&self, order: &[u32], out: &mut impl Write) -> std::io::Result<()> {
        let mut block = Vec::new();
        let mut rest = order;
        while !rest.is_empty() {
            let mut bytes = 0;
            let mut n = 0;
            for &i in rest {
                let size = self.entries[i as usize].size as usize;
                if n > 0 && bytes + size > BLOCK {
                    break;
                }
                bytes += size;
                n += 1;
            }
            block.resize(bytes, 0);
            let mut tail = block.as_mut_slice();
            let mut places = Vec::with_capacity(n);
            for &i in &rest[..n] {
                let entry = &self.entries[i as usize];
                let (place, after) = tail.split_at_mut(entry.size as usize);
                places.push((entry.offset, place));
                tail = after;
            }
            places
                .into_par_iter()
                .with_min_len(TASK)
                .try_for_each(|(offset, place)| spool::read_at(&self.spool, place, offset))?;
            out.write_all(&block)?;
            rest = &rest[n..];
        }
        Ok(())
    }
}

/// The geometry type of a layer's header.
fn declared(shape: Shape) -> u8 {
    match shape {
        Shape::None => 0,
        Shape::Point => 1,
        Shape::MultiLine => 5,
        Shape::MultiPolygon => 6,
    }
}
