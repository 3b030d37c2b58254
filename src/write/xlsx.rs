//! Lists as Excel workbooks.

mod book;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

pub use book::{sheet_names, write_book};

use super::Staging;
use super::staging::unwritable;
use super::vector::sink::Sink;
use super::vector::{WriteOptions, Written};
use crate::error::{Lang, Result};
use crate::model::{FieldType, Row, Table, Value};
use crate::space::clip;

/// Rows of a sheet below its title row (Excel's limit is 1,048,576 with it).
const SHEET_ROWS: usize = 1_048_575;
/// Characters of a cell (Excel's limit is 32,767).
const CELL_CHARS: usize = 32_767;
/// Whole numbers Excel keeps exactly.
const EXACT: i64 = 9_007_199_254_740_992;

/// Excel's number of the paper.
const A4: u8 = 9;
/// Columns that can still be read on one page's width.
const WIDE: usize = 24;

/// Rows by which the widths of the columns are found.
const SEEN: usize = 200;

/// Writes lists, as [`open`] does.
///
/// # Errors
/// `Output` where the file exists and may not be replaced, or cannot be written.
pub fn write_staged(staging: &mut Staging, path: &Path, tables: &[Table], o: &WriteOptions) -> Result<()> {
    let mut sink = open(staging, path, tables.iter().map(Table::head).collect(), o)?;
    for (i, t) in tables.iter().enumerate() {
        sink.write(i, t.rows.clone())?;
    }
    sink.finish().map(|_| ())
}

/// Opens a workbook of lists (tables without rows), one a sheet (more where a list has over a million rows), with
/// titles in the language asked for.
///
/// Rows go to disk as they come, in the staging folder; in memory stay the first 200 of each list, which decide the
/// widths of the columns, and the one row that is being written.
///
/// # Errors
/// `Output` where the file exists and may not be replaced, or cannot be made.
pub fn open(staging: &mut Staging, path: &Path, heads: Vec<Table>, o: &WriteOptions) -> Result<Box<dyn Sink>> {
    let staged = staging.claim(path)?;
    let failed = |e: XlsxError| unwritable(path, e);
    let mut book = Workbook::new();
    book.set_tempdir(staged.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    book.set_properties(&properties(o.timestamp.unwrap_or_else(Utc::now)).map_err(failed)?);
    let lists = heads.into_iter().map(|head| List::new(head, o.lang)).collect();
    Ok(Box::new(XlsxFile { target: path.into(), staged, book, lists }))
}

struct XlsxFile {
    target: PathBuf,
    staged: PathBuf,
    book: Workbook,
    lists: Vec<List>,
}

impl Sink for XlsxFile {
    fn write(&mut self, layer: usize, rows: Vec<Row>) -> Result<()> {
        guarded(&self.target, || self.lists[layer].write(rows, &mut self.book))
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let Self { target, staged, mut book, lists } = *self;
        guarded(&target, || {
            for list in lists {
                for sheet in list.sheets(&mut book)? {
                    book.push_worksheet(sheet);
                }
            }
            book.save(&staged)
        })?;
        Ok(Written::default())
    }
}

/// Rows that go to disk as they come panic where the disk is full (rust_xlsxwriter 0.102): an error like others here.
fn guarded<T>(target: &Path, f: impl FnOnce() -> Outcome<T>) -> Result<T> {
    let panicked = || Err(unwritable(target, "the disk does not take its rows"));
    clip::guarded(f).map_or_else(panicked, |r| r.map_err(|e| unwritable(target, e)))
}

/// One list on its way to its sheets.
struct List {
    titles: Vec<String>,
    name: String,
    formats: Vec<Format>,
    /// The first rows, until the widths are found.
    waiting: Vec<Vec<Value>>,
    sheets: Vec<Worksheet>,
    /// Rows of the last sheet.
    rows: usize,
    /// Its columns can be filtered.
    filter: bool,
    lang: Lang,
}

type Outcome<T> = std::result::Result<T, XlsxError>;

impl List {
    fn new(head: Table, lang: Lang) -> Self {
        let name = book::sheet_names(std::iter::once(head.title.in_lang(lang))).concat();
        Self::named(head, name, lang)
    }

    fn named(head: Table, name: String, lang: Lang) -> Self {
        Self {
            titles: head.titles(lang),
            name,
            formats: head.columns.iter().map(|c| number_format(&c.field.name, c.field.ty)).collect(),
            waiting: Vec::new(),
            sheets: Vec::new(),
            rows: 0,
            filter: true,
            lang,
        }
    }

    fn write(&mut self, rows: Vec<Row>, book: &mut Workbook) -> Outcome<()> {
        for (_, values) in rows {
            if self.sheets.is_empty() {
                self.waiting.push(values);
                if self.waiting.len() == SEEN {
                    self.begin(book)?;
                }
            } else {
                self.row(&values, book)?;
            }
        }
        Ok(())
    }

    /// The first sheet, with the rows that waited for it.
    fn begin(&mut self, book: &mut Workbook) -> Outcome<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.sheet(&waiting, book)?;
        waiting.iter().try_for_each(|values| self.row(values, book))
    }

    fn row(&mut self, values: &[Value], book: &mut Workbook) -> Outcome<()> {
        if self.rows == SHEET_ROWS {
            self.end()?;
            self.sheet(&[values.to_vec()], book)?;
        }
        self.rows += 1;
        let Some(sheet) = self.sheets.last_mut() else { return Ok(()) };
        for (j, v) in values.iter().enumerate() {
            cell(sheet, self.rows as u32, j as u16, v, &self.formats[j])?;
        }
        Ok(())
    }

    /// A further sheet, its columns as wide as `rows` and titles want them.
    fn sheet(&mut self, rows: &[Vec<Value>], book: &mut Workbook) -> Outcome<()> {
        let mut sheet = book.new_worksheet_with_constant_memory()?;
        let k = self.sheets.len();
        sheet.set_name(if k == 0 { self.name.clone() } else { book::fitted(&self.name, &format!(" ({})", k + 1)) })?;
        let head = Format::new()
            .set_bold()
            .set_background_color(0x00D9_E1F2)
            .set_border_bottom(FormatBorder::Thin)
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter);
        for (j, title) in self.titles.iter().enumerate() {
            sheet.write_with_format(0, j as u16, title.as_str(), &head)?;
            let widest = rows.iter().map(|v| shown_width(&v[j])).max().unwrap_or(0);
            let width = widest.max(text_width(title).min(18)) as f64 + 2.0;
            sheet.set_column_width(j as u16, width.clamp(8.0, 48.0))?;
        }
        sheet.set_freeze_panes(1, 1)?;
        self.printed(&mut sheet)?;
        self.sheets.push(sheet);
        self.rows = 0;
        Ok(())
    }

    /// On paper: A4 across, the row of titles on every page, the list's name above and the page's number below; lists of
    /// not too many columns as wide as the page.
    fn printed(&self, sheet: &mut Worksheet) -> Outcome<()> {
        let page = if self.lang == Lang::Zh { "第 &P 页,共 &N 页" } else { "page &P of &N" };
        // an ampersand begins a code, and doubled is itself
        let name: String = self.name.chars().take(100).collect::<String>().replace('&', "&&");
        sheet.set_paper_size(A4).set_landscape().set_repeat_rows(0, 0)?;
        sheet.set_margins(0.4, 0.4, 0.6, 0.6, 0.3, 0.3);
        sheet.set_header(format!("&L{name}")).set_footer(format!("&C{page}"));
        if self.titles.len() <= WIDE {
            sheet.set_print_fit_to_pages(1, 0);
        }
        Ok(())
    }

    /// A filter over all rows of the last sheet.
    fn end(&mut self) -> Outcome<()> {
        let columns = self.titles.len();
        if let Some(sheet) = self.sheets.last_mut().filter(|_| columns > 0 && self.filter) {
            sheet.autofilter(0, 0, self.rows as u32, (columns - 1) as u16)?;
        }
        Ok(())
    }

    fn sheets(mut self, book: &mut Workbook) -> Outcome<Vec<Worksheet>> {
        if self.sheets.is_empty() {
            self.begin(book)?;
        }
        self.end()?;
        Ok(self.sheets)
    }
}

fn properties(time: DateTime<Utc>) -> std::result::Result<DocProperties, XlsxError> {
    let at = ExcelDateTime::from_ymd(u16::try_from(time.year()).unwrap_or(1900), time.month() as u8, time.day() as u8)?;
    Ok(DocProperties::new().set_author("heshan").set_creation_datetime(&at))
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
            sheet.write_string(i, j, fitting(&other.to_display()))?;
        }
    }
    Ok(())
}

/// As much of a text as a cell holds.
fn fitting(text: &str) -> String {
    text.chars().take(CELL_CHARS).collect()
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
