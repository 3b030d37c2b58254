//! Tables that people fill in: CSV and Excel, as text.

use std::path::Path;

use calamine::{Data, Reader, open_workbook_auto};

use crate::error::{Error, Result};

/// A table as text: its first row names the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows with their number in the file (the header is 1); empty rows are left out. As long as the header.
    pub rows: Vec<(usize, Vec<String>)>,
}

/// Largest file that is read, bytes.
const LARGEST: u64 = 200_000_000;

/// Reads a CSV (UTF-8 or GB 18030) or the first sheet of a workbook (.xlsx .xls .ods). Dates of a workbook become
/// `2026-11-30`; of a formula the value counts that the program wrote which saved it.
///
/// # Errors
/// `Input` where it cannot be read or has no header.
pub fn sheet(path: &Path) -> Result<Sheet> {
    let bad = |why: String| {
        Error::input(format!("the table cannot be read: {why}"), format!("表格无法读取:{why}"))
            .in_file(path)
            .remedy("save it as .xlsx or as CSV in UTF-8", "请另存为 .xlsx 或 UTF-8 编码的 CSV")
    };
    let size = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
    if size > LARGEST {
        return Err(bad(format!("{size} bytes, at most {LARGEST}")));
    }
    let ext = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let rows = match ext.as_str() {
        "csv" | "tsv" | "txt" => delimited(path, ext == "tsv").map_err(bad)?,
        _ => workbook(path).map_err(bad)?,
    };
    let mut rows = rows.into_iter().enumerate().filter(|(_, r)| r.iter().any(|c| !c.is_empty()));
    let (_, header) = rows.next().ok_or_else(|| bad("it is empty".into()))?;
    let width = header.len();
    let rows = rows
        .map(|(i, mut r)| {
            r.resize(width, String::new());
            (i + 1, r)
        })
        .collect();
    Ok(Sheet { header, rows })
}

fn delimited(path: &Path, tab: bool) -> std::result::Result<Vec<Vec<String>>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let utf8 = std::str::from_utf8(bytes).is_ok();
    let encoding = if utf8 { encoding_rs::UTF_8 } else { encoding_rs::GB18030 };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or("its text is neither UTF-8 nor GB 18030")?;
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(if tab { b'\t' } else { b',' });
    let records = builder.from_reader(text.as_bytes()).into_records();
    records.map(|r| r.map(|r| r.iter().map(|c| c.trim().to_owned()).collect()).map_err(|e| e.to_string())).collect()
}

fn workbook(path: &Path) -> std::result::Result<Vec<Vec<String>>, String> {
    let mut book = open_workbook_auto(path).map_err(|e| e.to_string())?;
    let range = book.worksheet_range_at(0).ok_or("it has no sheet")?.map_err(|e| e.to_string())?;
    // rows and columns before the first cell that is filled
    let (top, left) = range.start().unwrap_or((0, 0));
    let before = std::iter::repeat_n(Vec::new(), top as usize);
    let rows = range.rows().map(|r| {
        std::iter::repeat_n(String::new(), left as usize).chain(r.iter().map(|c| text(c).trim().to_owned())).collect()
    });
    Ok(before.chain(rows).collect())
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(s) | Data::DurationIso(s) => s.clone(),
        Data::DateTimeIso(s) => s.split('T').next().unwrap_or(s).to_owned(),
        Data::Int(i) => i.to_string(),
        Data::Float(f) => f.to_string(),
        Data::Bool(b) => b.to_string(),
        Data::DateTime(d) => {
            let (y, m, d, ..) = d.to_ymd_hms_milli();
            format!("{y:04}-{m:02}-{d:02}")
        }
        Data::Error(e) => format!("{e:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gbk_and_utf8_and_gaps() {
        let d = tempfile::tempdir().unwrap();
        let p = d.path().join("a.csv");
        let text = "问题编号,状态\n\nCO2026-00001,整改中\nCO2026-00002\n";
        for bytes in [text.as_bytes().to_vec(), encoding_rs::GB18030.encode(text).0.into_owned()] {
            std::fs::write(&p, bytes).unwrap();
            let s = sheet(&p).unwrap();
            assert_eq!(s.header, ["问题编号", "状态"]);
            let row = |i: usize| (s.rows[i].1[0].as_str(), s.rows[i].1[1].as_str());
            assert_eq!((row(0), row(1)), (("CO2026-00001", "整改中"), ("CO2026-00002", "")));
        }
        std::fs::write(&p, "").unwrap();
        assert_eq!(sheet(&p).unwrap_err().kind.exit_code(), 3);
        std::fs::write(d.path().join("b.xlsx"), "no workbook").unwrap();
        assert_eq!(sheet(&d.path().join("b.xlsx")).unwrap_err().kind.exit_code(), 3);
    }
}
