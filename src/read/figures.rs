//! Figures without a place: a CSV as columns of text.

use std::path::Path;

use crate::error::{Error, Result};

/// A table of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Rows, a text a column.
    pub rows: Vec<Vec<String>>,
}

/// Reads a CSV (UTF-8, with or without a byte order mark) whose first row names the columns; a `.tsv` has tabs.
///
/// # Errors
/// `Input` where it cannot be read, is not UTF-8, or a row has another number of columns.
pub fn csv(path: &Path) -> Result<Figures> {
    let failed =
        |e: String| Error::input(format!("the figures cannot be read: {e}"), format!("无法读取数据:{e}")).in_file(path);
    let bytes = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let tabs = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
    let mut reader = csv::ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).from_reader(bytes);
    let names = reader.headers().map_err(|e| failed(e.to_string()))?.iter().map(str::to_owned).collect();
    let row = |r: csv::Result<csv::StringRecord>| {
        Ok(r.map_err(|e| failed(e.to_string()))?.iter().map(str::to_owned).collect())
    };
    let rows = reader.records().map(row).collect::<Result<_>>()?;
    Ok(Figures { names, rows })
}
