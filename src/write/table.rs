//! Lists as CSV: RFC 4180, UTF-8 with a byte order mark so that Excel reads Chinese.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use wkt::ToWkt;

use super::Staging;
use super::staging::unwritable;
use super::value::as_text;
use super::vector::Written;
use super::vector::sink::{LayerFile, Sink};
use crate::error::{Lang, Result};
use crate::model::{Row, Shape, Table, Value};

/// Rows that one task turns into text.
const TASK: usize = 256;

/// Writes a list for people: as [`open_list`] does.
///
/// # Errors
/// `Output` where the file cannot be written.
pub fn write_list(staging: &mut Staging, path: &Path, table: &Table, lang: Lang) -> Result<()> {
    let mut sink = open_list(staging, path, table.head(), lang)?;
    sink.write(0, table.rows.clone())?;
    sink.finish().map(|_| ())
}

/// Opens a list for people (a table without rows), whose rows follow in batches as layer 0: titles in the language
/// asked for, no geometry.
///
/// Text that a spreadsheet would run as a formula (`=`, `+`, `-`, `@` first, unless it is a number) gets an apostrophe
/// before it (OWASP, CSV injection).
///
/// # Errors
/// `Output` where the file exists and may not be replaced, or cannot be made.
pub fn open_list(staging: &mut Staging, path: &Path, head: Table, lang: Lang) -> Result<Box<dyn Sink>> {
    let staged = staging.claim(path)?;
    let header = head.titles(lang);
    Ok(Box::new(CsvFile::create(&staged, path, &header, |(_, v)| v.iter().map(harmless).collect())?))
}

/// A list as CSV text, as [`open_list`] writes it, without a byte order mark.
pub fn list_text(list: &Table, lang: Lang) -> String {
    let rows = list.rows.iter().map(|(_, v)| v.iter().map(harmless).collect());
    let bytes = text(std::iter::once(list.titles(lang)).chain(rows)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A CSV file on its way.
pub(super) struct CsvFile {
    target: PathBuf,
    out: BufWriter<File>,
    record: fn(&Row) -> Vec<String>,
}

impl CsvFile {
    /// A layer for programs: field names as they are, geometry as `WKT` in the first column.
    pub fn layer(staged: &Path, target: &Path, head: Table) -> Result<Self> {
        let names = head.columns.into_iter().map(|c| c.field.name);
        if head.shape == Shape::None {
            return Self::create(staged, target, &names.collect::<Vec<_>>(), |(_, v)| fields(v).collect());
        }
        let header: Vec<String> = std::iter::once("WKT".to_owned()).chain(names).collect();
        Self::create(staged, target, &header, |(g, v)| {
            std::iter::once(g.as_ref().map(ToWkt::wkt_string).unwrap_or_default()).chain(fields(v)).collect()
        })
    }

    fn create(staged: &Path, target: &Path, header: &[String], record: fn(&Row) -> Vec<String>) -> Result<Self> {
        let failed = |e: std::io::Error| unwritable(target, e);
        let mut out = BufWriter::new(File::create(staged).map_err(failed)?);
        out.write_all("\u{feff}".as_bytes()).map_err(failed)?;
        let header = text(std::iter::once(header.to_vec())).map_err(failed)?;
        out.write_all(&header).map_err(failed)?;
        Ok(Self { target: target.into(), out, record })
    }
}

impl LayerFile for CsvFile {
    fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        let failed = |e: std::io::Error| unwritable(&self.target, e);
        let texts: Vec<std::io::Result<Vec<u8>>> =
            rows.par_chunks(TASK).map(|rows| text(rows.iter().map(self.record))).collect();
        for t in texts {
            self.out.write_all(&t.map_err(failed)?).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.out.flush().map_err(|e| unwritable(&self.target, e))?;
        Ok(Written::default())
    }
}

impl Sink for CsvFile {
    fn write(&mut self, _: usize, rows: Vec<Row>) -> Result<()> {
        LayerFile::write(self, rows)
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        LayerFile::finish(self)
    }
}

fn text(records: impl Iterator<Item = Vec<String>>) -> std::io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for r in records {
        csv.write_record(&r)?;
    }
    csv.into_inner().map_err(|e| e.into_error())
}

fn fields(values: &[Value]) -> impl Iterator<Item = String> {
    values.iter().map(as_text)
}

fn harmless(v: &Value) -> String {
    let s = v.to_display();
    let risky =
        matches!(v, Value::Text(_)) && s.starts_with(['=', '+', '-', '@', '\t', '\r']) && s.parse::<f64>().is_err();
    if risky { format!("'{s}") } else { s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_do_not_run() {
        assert_eq!(harmless(&Value::from("=1+1")), "'=1+1");
        assert_eq!(harmless(&Value::from("-12.5")), "-12.5");
        assert_eq!(harmless(&Value::Real(-3.0)), "-3");
        assert_eq!(harmless(&Value::from("乌海")), "乌海");
    }
}
