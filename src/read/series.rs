//! Tables of series: a column of dates, and one column a series (CSV or TSV).

use std::path::Path;

use chrono::NaiveDate;

use crate::error::{Error, Result};

/// Names of a column of dates.
const DATES: [&str; 6] = ["date", "time", "datetime", "day", "日期", "时间"];

/// A table of series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesTable {
    /// Dates, as they come.
    pub dates: Vec<NaiveDate>,
    /// Names of the series.
    pub names: Vec<String>,
    /// Values of each series, one a date; `None` where the cell is empty.
    pub values: Vec<Vec<Option<f64>>>,
}

/// Reads a table. The column of dates is named `date`, `time`, `日期` or the like, or is the first; cells that are empty,
/// `NA` or `nan` are gaps. Columns that hold other text are refused.
///
/// # Errors
/// `Input` with line and column where a date or number cannot be read.
pub fn series_table(path: &Path) -> Result<SeriesTable> {
    let bad = |en: String, zh: String| Error::input(en, zh).in_file(path);
    let bytes = std::fs::read(path).map_err(|e| bad(format!("cannot be read: {e}"), format!("无法读取:{e}")))?;
    let text = match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)) {
        Ok(t) => t.to_owned(),
        Err(_) => encoding_rs::GB18030.decode(&bytes).0.into_owned(),
    };
    let tab = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
    let mut reader = csv::ReaderBuilder::new().delimiter(if tab { b'\t' } else { b',' }).from_reader(text.as_bytes());
    let fault = |e: csv::Error| bad(format!("is not a table: {e}"), format!("不是有效的表格:{e}"));
    let header: Vec<String> = reader.headers().map_err(fault)?.iter().map(|h| h.trim().to_owned()).collect();
    let at = header.iter().position(|h| DATES.iter().any(|d| h.eq_ignore_ascii_case(d))).unwrap_or(0);
    let columns: Vec<usize> = (0..header.len()).filter(|i| *i != at).collect();
    let mut out = SeriesTable {
        dates: Vec::new(),
        names: columns.iter().map(|i| header[*i].clone()).collect(),
        values: vec![Vec::new(); columns.len()],
    };
    for (n, row) in reader.records().enumerate() {
        let row = row.map_err(fault)?;
        let line = n + 2;
        let cell = |i: usize| row.get(i).unwrap_or("").trim();
        out.dates.push(date(cell(at)).ok_or_else(|| {
            bad(format!("line {line}: “{}” is no date", cell(at)), format!("第 {line} 行:“{}”不是日期", cell(at)))
                .remedy("write dates as 2023-05-01", "日期请写作 2023-05-01")
        })?);
        for (values, i) in out.values.iter_mut().zip(&columns) {
            values.push(number(cell(*i)).ok_or_else(|| {
                let (c, name) = (cell(*i), &header[*i]);
                bad(
                    format!("line {line}, column {name}: “{c}” is no number"),
                    format!("第 {line} 行 {name} 列:“{c}”不是数字"),
                )
            })?);
        }
    }
    if columns.is_empty() || out.dates.is_empty() {
        return Err(bad("it holds no series".into(), "其中没有序列".into())
            .remedy("expected a column of dates and one column a series", "应有一列日期,每个序列一列"));
    }
    Ok(out)
}

fn date(s: &str) -> Option<NaiveDate> {
    let day = s.get(..10).unwrap_or(s);
    ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"].iter().find_map(|f| NaiveDate::parse_from_str(day, f).ok())
}

fn number(s: &str) -> Option<Option<f64>> {
    if s.is_empty() || ["na", "nan", "null"].iter().any(|n| s.eq_ignore_ascii_case(n)) {
        return Some(None);
    }
    s.parse::<f64>().ok().filter(|v| v.is_finite()).map(Some)
}
