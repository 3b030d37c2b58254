//! The socket of streaming outputs: layers written in batches, several of them interleaved, with bounded memory.

use std::path::{Path, PathBuf};

use super::dataset::{self, DatasetFile};
use super::flatgeobuf::FlatGeobufFile;
use super::geojson::GeoJsonFile;
use super::kml::KmlFile;
use super::{Format, WriteOptions, Written, layer_path, ogr};
use crate::error::Result;
use crate::model::{Row, Shape, Table};
use crate::write::Staging;
use crate::write::staging::unwritable;
use crate::write::table::CsvFile;
use crate::write::xlsx;

/// Where rows go, batch by batch.
///
/// The rows of a layer stand in the file in the order written (FlatGeobuf with an index: along the Hilbert curve). The
/// file is the same for any size of the batches, any interleaving of the layers and any number of threads.
///
/// Memory is bounded whatever the number of rows, but for Shapefile, whose rows wait for the end: dBASE wants the widths
/// of a column before its first row (and ends at 2 GB).
///
/// A sink dropped before [`Sink::finish`] may leave a part of a file in the staging: drop that too.
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

/// A file of one layer.
pub(in crate::write) trait LayerFile: Send {
    fn write(&mut self, rows: Vec<Row>) -> Result<()>;
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// Opens the outputs of `heads` (tables without rows) at `path`, in a run's staging; formats and names of files are as
/// in [`super::write`].
///
/// A text field of a database or FileGDB has no width, whatever the head says: those enforce it.
///
/// # Errors
/// `Usage` for an unknown format; `Output` where a file exists and may not be replaced, or cannot be made.
pub fn open(staging: &mut Staging, path: &Path, heads: Vec<Table>, o: &WriteOptions) -> Result<Box<dyn Sink>> {
    open_with_widths(staging, path, unbounded(path, heads)?, o, false)
}

/// As [`open`], for rows that come layer by layer in the order of the heads: a GeoPackage need not keep any of them waiting
/// on disk.
///
/// # Errors
/// As [`open`].
pub fn open_in_order(staging: &mut Staging, path: &Path, heads: Vec<Table>, o: &WriteOptions) -> Result<Box<dyn Sink>> {
    open_with_widths(staging, path, unbounded(path, heads)?, o, true)
}

/// Heads without widths of texts, where the format enforces them.
fn unbounded(path: &Path, mut heads: Vec<Table>) -> Result<Vec<Table>> {
    if matches!(Format::of(path)?, Format::PostGis | Format::FileGdb) {
        heads.iter_mut().flat_map(|h| &mut h.columns).for_each(|c| c.field.width = 0);
    }
    Ok(heads)
}

/// As [`open`], where every text is known to fit its width; `in_order` as in [`open_in_order`].
pub(super) fn open_with_widths(
    staging: &mut Staging,
    path: &Path,
    heads: Vec<Table>,
    o: &WriteOptions,
    in_order: bool,
) -> Result<Box<dyn Sink>> {
    let format = Format::of(path)?;
    for crs in heads.iter().filter_map(|t| t.crs.as_ref()) {
        format.takes(crs).map_err(|e| e.in_file(path))?;
    }
    match format {
        Format::Xlsx => xlsx::open(staging, path, heads, o),
        Format::GeoPackage | Format::FileGdb => {
            let staged = staging.claim(path)?;
            dataset::open(DatasetFile { format, staged, target: path.into(), heads, in_order, options: o.clone() })
        }
        Format::PostGis => {
            let (staged, target) = (path.to_path_buf(), path.to_path_buf());
            dataset::open(DatasetFile { format, staged, target, heads, in_order, options: o.clone() })
        }
        _ => {
            let targets: Vec<PathBuf> = (0..heads.len()).map(|i| layer_path(path, &heads, i)).collect();
            let files = heads.into_iter().zip(targets).map(|(head, target)| file(staging, target, head, format, o));
            Ok(Box::new(Files(files.collect::<Result<_>>()?)))
        }
    }
}

fn file(
    staging: &mut Staging,
    target: PathBuf,
    head: Table,
    format: Format,
    o: &WriteOptions,
) -> Result<(Box<dyn LayerFile>, Option<SidecarStyle>)> {
    let staged = staging.claim(&target)?;
    if format == Format::Shapefile {
        for ext in ["dbf", "shx", "prj", "cpg"] {
            staging.claim(&target.with_extension(ext))?;
        }
    }
    let style = match &head.style {
        Some(s) if matches!(format, Format::GeoJson | Format::Shapefile | Format::FlatGeobuf) => {
            let target = target.with_extension("qml");
            Some(SidecarStyle { staged: staging.claim(&target)?, target, qml: s.qml.clone() })
        }
        _ => None,
    };
    let file: Box<dyn LayerFile> = match format {
        Format::GeoJson => Box::new(GeoJsonFile::create(&staged, &target, head)?),
        // a list without geometry
        Format::FlatGeobuf | Format::Kml if head.shape == Shape::None => {
            Box::new(CsvFile::layer(&staged, &target, head)?)
        }
        Format::Kml => Box::new(KmlFile::create(&staged, &target, head)?),
        Format::FlatGeobuf => Box::new(FlatGeobufFile::create(staged, &target, head)?),
        Format::Csv => Box::new(CsvFile::layer(&staged, &target, head)?),
        _ => Box::new(Collected { format, staged, target, table: head, options: o.clone() }),
    };
    Ok((file, style))
}

/// QGIS reads `NAME.qml` beside a file of one layer on opening it; the style names fields as the file does.
struct SidecarStyle {
    staged: PathBuf,
    target: PathBuf,
    qml: String,
}

impl SidecarStyle {
    fn write(self, renamed: &[(String, String, String)]) -> Result<()> {
        let attribute = |name: &str| format!(" attr=\"{name}\"");
        let qml = renamed.iter().fold(self.qml, |q, (_, from, to)| q.replace(&attribute(from), &attribute(to)));
        std::fs::write(self.staged, qml).map_err(|e| unwritable(&self.target, e))
    }
}

struct Files(Vec<(Box<dyn LayerFile>, Option<SidecarStyle>)>);

impl Sink for Files {
    fn write(&mut self, layer: usize, rows: Vec<Row>) -> Result<()> {
        self.0[layer].0.write(rows)
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let mut written = Written::default();
        for (file, style) in self.0 {
            let w = file.finish()?;
            if let Some(style) = style {
                style.write(&w.renamed)?;
            }
            written.absorb(w);
        }
        Ok(written)
    }
}

/// Rows that wait for the end.
struct Collected {
    format: Format,
    staged: PathBuf,
    target: PathBuf,
    table: Table,
    options: WriteOptions,
}

impl LayerFile for Collected {
    fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        self.table.rows.extend(rows);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        ogr::write(&self.staged, &self.target, self.format, &[&self.table], &self.options)
    }
}
