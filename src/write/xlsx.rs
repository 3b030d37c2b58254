//! Lists as Excel workbooks.

use std::path::Path;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::Staging;
use super::staging::unwritable;
use super::vector::WriteOptions;
use crate::error::{Lang, Result};
use crate::model::{FieldType, Table, Value};

/// Rows of a sheet below its title row (Excel's limit is 1,048,576 with it).
const SHEET_ROWS: usize = 1_048_575;
/// Characters of a cell (Excel's limit is 32,767).
const CELL_CHARS: usize = 32_767;
/// Whole numbers Excel keeps exactly.
const EXACT: i64 = 9_007_199_254_740_992;

/// Writes lists, one a sheet (more where a list has over a million rows), with titles in the language asked for.
///
/// # Errors
/// `Output` where the file exists and may not be replaced, or cannot be written.
pub fn write_staged(staging: &mut Staging, path: &Path, tables: &[Table], o: &WriteOptions) -> Result<()> {
    let staged = staging.claim(path)?;
    let failed = |e: XlsxError| unwritable(path, e);
    let mut book = Workbook::new();
    book.set_properties(&properties(o.timestamp.unwrap_or_else(Utc::now)).map_err(failed)?);
    for t in tables {
        let chunks = t.rows.len().div_ceil(SHEET_ROWS).max(1);
        for k in 0..chunks {
            let rows = &t.rows[(k * SHEET_ROWS).min(t.rows.len())..((k + 1) * SHEET_ROWS).min(t.rows.len())];
            let title = t.title.in_lang(o.lang);
            let name = if k == 0 { title.to_owned() } else { format!("{title} ({})", k + 1) };
            let sheet = book.add_worksheet();
            sheet.set_name(name).map_err(failed)?;
            fill(sheet, t, rows, o.lang).map_err(failed)?;
        }
    }
    // by way of memory: the archive's writer prints on its own where a disk is full
    let bytes = book.save_to_buffer().map_err(failed)?;
    std::fs::write(&staged, bytes).map_err(|e| unwritable(path, e))
}

fn properties(time: DateTime<Utc>) -> std::result::Result<DocProperties, XlsxError> {
    let at = ExcelDateTime::from_ymd(u16::try_from(time.year()).unwrap_or(1900), time.month() as u8, time.day() as u8)?;
    Ok(DocProperties::new().set_author("heshan").set_creation_datetime(&at))
}

fn fill(
    sheet: &mut Worksheet,
    t: &Table,
    rows: &[(Option<geo::Geometry<f64>>, Vec<Value>)],
    lang: Lang,
) -> std::result::Result<(), XlsxError> {
    let head = Format::new()
        .set_bold()
        .set_background_color(0x00D9_E1F2)
        .set_border_bottom(FormatBorder::Thin)
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter);
    let formats: Vec<Format> = t.columns.iter().map(|c| number_format(&c.field.name, c.field.ty)).collect();
    for (j, title) in t.titles(lang).iter().enumerate() {
        let j = j as u16;
        sheet.write_with_format(0, j, title.as_str(), &head)?;
        let widest = rows.iter().take(200).map(|(_, v)| shown_width(&v[j as usize])).max().unwrap_or(0);
        sheet.set_column_width(j, (widest.max(text_width(title).min(18)) as f64 + 2.0).clamp(8.0, 48.0))?;
    }
    for (i, (_, values)) in rows.iter().enumerate() {
        for (j, v) in values.iter().enumerate() {
            cell(sheet, (i + 1) as u32, j as u16, v, &formats[j])?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    if !t.columns.is_empty() {
        sheet.autofilter(0, 0, rows.len() as u32, (t.columns.len() - 1) as u16)?;
    }
    sheet.set_landscape().set_repeat_rows(0, 0)?;
    Ok(())
}

fn cell(sheet: &mut Worksheet, i: u32, j: u16, v: &Value, f: &Format) -> std::result::Result<(), XlsxError> {
    match v {
        Value::Null => {}
        Value::Bool(b) => {
            sheet.write(i, j, *b)?;
        }
        Value::Int(n) if n.abs() <= EXACT => {
            sheet.write_with_format(i, j, *n as f64, f)?;
        }
        Value::Real(r) if r.is_finite() => {
            sheet.write_with_format(i, j, *r, f)?;
        }
        Value::Date(d) => match excel_date(*d) {
            Some(date) => {
                sheet.write_with_format(i, j, &date, &Format::new().set_num_format("yyyy-mm-dd"))?;
            }
            None => {
                sheet.write_string(i, j, v.to_display())?;
            }
        },
        other => {
            let s: String = other.to_display().chars().take(CELL_CHARS).collect();
            sheet.write_string(i, j, s)?;
        }
    }
    Ok(())
}

fn excel_date(d: NaiveDate) -> Option<ExcelDateTime> {
    ExcelDateTime::from_ymd(u16::try_from(d.year()).ok()?, d.month() as u8, d.day() as u8).ok()
}

/// Areas to 0.01, metres to 0.01, shares to 0.01 %, degrees to 1e-7; the cell keeps the full value.
fn number_format(name: &str, ty: FieldType) -> Format {
    match ty {
        FieldType::Real if name == "nearest_x" || name == "nearest_y" => Format::new().set_num_format("0.0000000"),
        FieldType::Real if name.ends_with("_m") && name != "distance_m" => Format::new().set_num_format("#,##0.00"),
        FieldType::Real if name == "distance_m" => Format::new().set_num_format("0.###"),
        FieldType::Real if name.ends_with("_m2") => Format::new().set_num_format("#,##0.0"),
        FieldType::Real if name.ends_with("_ha") => Format::new().set_num_format("#,##0.0000"),
        FieldType::Real if name.ends_with("_mu") || name.ends_with("_pct") => Format::new().set_num_format("#,##0.00"),
        FieldType::Real if name.ends_with("_km") => Format::new().set_num_format("#,##0.000"),
        FieldType::Real if name.starts_with("score") => Format::new().set_num_format("0.0"),
        _ => Format::new(),
    }
}

fn shown_width(v: &Value) -> usize {
    match v {
        Value::Real(_) => 12,
        other => text_width(&other.to_display()),
    }
}

/// Columns a text takes: two for a Chinese character.
fn text_width(s: &str) -> usize {
    s.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}
