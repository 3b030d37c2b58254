//! The socket of streaming outputs: layers written in batches, several of them interleaved, with bounded memory.

use std::path::{Path, PathBuf};

use super::{Format, WriteOptions, Written, layer_path, ogr};
use crate::error::Result;
use crate::model::{Row, Table};
use crate::write::Staging;

/// Where rows go, batch by batch.
///
/// The rows of a layer stand in the file in the order written (FlatGeobuf with an index: along the Hilbert curve). The
/// file is the same for any size of the batches and any interleaving of the layers.
///
/// A sink dropped before [`Sink::finish`] leaves what it wrote in the staging folder: drop the staging too.
pub trait Sink: Send {
    /// Adds rows to layer `layer` (position in the heads): a geometry, or none, and one value a column.
    ///
    /// # Errors
    /// `Output` where they cannot be written; possibly of rows handed over before.
    fn write(&mut self, layer: usize, rows: Vec<Row>) -> Result<()>;

    /// Writes what is left, builds indices, closes the files.
    ///
    /// # Errors
    /// `Output` where they cannot be written.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// Opens the outputs of `heads` (tables without rows) at `path`, in a run's staging; formats and names of files are as
/// in [`super::write`].
///
/// # Errors
/// `Usage` for an unknown format; `Output` where a file exists and may not be replaced, or cannot be made.
pub fn open(staging: &mut Staging, path: &Path, heads: Vec<Table>, o: &WriteOptions) -> Result<Box<dyn Sink>> {
    let format = Format::of(path)?;
    let mut targets = Vec::new();
    if format == Format::PostGis {
        targets.push((path.to_path_buf(), path.to_path_buf()));
    } else {
        let files = if format.holds_all_layers() { 1 } else { heads.len() };
        for i in 0..files {
            let target = layer_path(path, &heads, i);
            targets.push((staging.claim(&target)?, target));
        }
    }
    Ok(Box::new(Collected { format, targets, tables: heads, options: o.clone() }))
}

struct Collected {
    format: Format,
    targets: Vec<(PathBuf, PathBuf)>,
    tables: Vec<Table>,
    options: WriteOptions,
}

impl Sink for Collected {
    fn write(&mut self, layer: usize, rows: Vec<Row>) -> Result<()> {
        self.tables[layer].rows.extend(rows);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let mut written = Written::default();
        if self.format.holds_all_layers() {
            let (staged, target) = &self.targets[0];
            let all: Vec<&Table> = self.tables.iter().collect();
            return ogr::write(staged, target, self.format, &all, &self.options);
        }
        for (t, (staged, target)) in self.tables.iter().zip(&self.targets) {
            written.absorb(ogr::write(staged, target, self.format, &[t], &self.options)?);
        }
        Ok(written)
    }
}
