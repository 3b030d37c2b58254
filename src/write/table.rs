//! Lists as CSV: RFC 4180, UTF-8 with a byte order mark so that Excel reads Chinese.

use std::io::Write;
use std::path::Path;

use super::Staging;
use super::staging::unwritable;
use super::value::as_text;
use crate::error::{Lang, Result};
use crate::model::{Table, Value};
use wkt::ToWkt;

/// Writes a list for people: titles in the language asked for, no geometry.
///
/// Text that a spreadsheet would run as a formula (`=`, `+`, `-`, `@` first, unless it is a number) gets an apostrophe
/// before it (OWASP, CSV injection).
///
/// # Errors
/// `Output` where the file cannot be written.
pub fn write_list(staging: &mut Staging, path: &Path, table: &Table, lang: Lang) -> Result<()> {
    let header = table.titles(lang);
    let rows = table.rows.iter().map(|(_, v)| v.iter().map(harmless).collect());
    write(staging, path, header, rows)
}

/// Writes a layer for programs: field names as they are, geometry as `WKT` in the first column.
///
/// # Errors
/// `Output` where the file cannot be written.
pub(super) fn write_layer(staging: &mut Staging, path: &Path, table: &Table) -> Result<()> {
    let geometry = table.shape != crate::model::Shape::None;
    let mut header: Vec<String> = if geometry { vec!["WKT".into()] } else { Vec::new() };
    header.extend(table.columns.iter().map(|c| c.field.name.clone()));
    let rows = table.rows.iter().map(|(g, v)| {
        let wkt = geometry.then(|| g.as_ref().map(ToWkt::wkt_string).unwrap_or_default());
        wkt.into_iter().chain(v.iter().map(as_text)).collect()
    });
    write(staging, path, header, rows)
}

fn write(
    staging: &mut Staging,
    path: &Path,
    header: Vec<String>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<()> {
    let staged = staging.claim(path)?;
    let failed = |e: std::io::Error| unwritable(path, e);
    let mut file = std::io::BufWriter::new(std::fs::File::create(staged).map_err(failed)?);
    file.write_all("\u{feff}".as_bytes()).map_err(failed)?;
    let mut csv = csv::Writer::from_writer(file);
    let failed = |e: csv::Error| unwritable(path, e);
    csv.write_record(&header).map_err(failed)?;
    for r in rows {
        csv.write_record(&r).map_err(failed)?;
    }
    csv.flush().map_err(|e| unwritable(path, e))
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
