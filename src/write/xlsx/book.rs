//! Many lists in one workbook: an overview that leads to them, and a sheet for each.

use std::collections::BTreeSet;
use std::path::Path;

use rust_xlsxwriter::{Format, Url, Workbook};

use super::super::Staging;
use super::super::vector::WriteOptions;
use super::{List, Outcome, guarded, properties};
use crate::error::Result;
use crate::model::Table;

/// UTF-16 units of the longest name of a sheet (Excel's limit).
const NAME_UNITS: usize = 31;

/// Writes a workbook: `overview` first, whose row `i` leads to list `i` and whose rows beyond are sums, in bold; then the
/// lists, each on a sheet named after its title.
///
/// # Errors
/// `Output` where the file exists and may not be replaced, or cannot be written.
pub fn write_book(
    staging: &mut Staging,
    path: &Path,
    overview: &Table,
    lists: &[Table],
    o: &WriteOptions,
) -> Result<()> {
    let staged = staging.claim(path)?;
    let titles = std::iter::once(overview).chain(lists).map(|t| t.title.in_lang(o.lang));
    let names = sheet_names(titles);
    guarded(path, || {
        let mut book = Workbook::new();
        book.set_tempdir(staged.parent().unwrap_or(Path::new(".")))?;
        book.set_properties(&properties(o.timestamp.unwrap_or_else(chrono::Utc::now))?);
        first(&mut book, overview, &names, lists.len(), o)?;
        for (list, name) in lists.iter().zip(&names[1..]) {
            let mut l = List::named(list.head(), name.clone(), o.lang);
            l.write(list.rows.clone(), &mut book)?;
            for sheet in l.sheets(&mut book)? {
                book.push_worksheet(sheet);
            }
        }
        book.save(&staged)
    })
}

fn first(book: &mut Workbook, overview: &Table, names: &[String], lists: usize, o: &WriteOptions) -> Outcome<()> {
    let mut l = List::named(overview.head(), names[0].clone(), o.lang);
    l.filter = false;
    l.write(overview.rows.clone(), book)?;
    let bold = Format::new().set_bold();
    for mut sheet in l.sheets(book)? {
        for (i, (_, values)) in overview.rows.iter().enumerate() {
            let row = i as u32 + 1;
            match names.get(i + 1).filter(|_| i < lists) {
                Some(name) => {
                    let place = format!("internal:'{}'!A1", name.replace('\'', "''"));
                    let text = values.first().map(|v| super::fitting(&v.to_display())).unwrap_or_default();
                    sheet.write_url_with_text(row, 0, Url::new(place), text)?;
                }
                None => {
                    sheet.set_row_format(row, &bold)?;
                }
            }
        }
        book.push_worksheet(sheet);
    }
    Ok(())
}

/// Names that Excel takes for sheets (31 characters; none of `[ ] : * ? / \`, no apostrophe at an end, not “History”), each
/// once, whatever their case. Signs that it does not take become the wide ones that look like them.
pub fn sheet_names<'a>(titles: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    titles
        .map(|t| {
            let plain = legal(t);
            (1..)
                .map(|n| if n == 1 { fitted(&plain, "") } else { fitted(&plain, &format!(" ({n})")) })
                .find(|n| taken.insert(n.to_lowercase()))
                .unwrap_or_default()
        })
        .collect()
}

fn legal(title: &str) -> String {
    const WIDE: [(char, char); 7] = [
        ('[', '\u{ff3b}'),
        (']', '\u{ff3d}'),
        (':', '\u{ff1a}'),
        ('*', '\u{ff0a}'),
        ('?', '\u{ff1f}'),
        ('/', '\u{ff0f}'),
        ('\\', '\u{ff3c}'),
    ];
    // what turns the direction of text would turn the names beside it
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let wide = |c: char| WIDE.iter().find(|(n, _)| *n == c).map_or(c, |(_, w)| *w);
    let name: String = title.chars().filter(|c| !unseen(*c)).map(wide).take(NAME_UNITS).collect();
    let name = name.trim().trim_matches('\'').trim();
    match name {
        "" => "–".into(),
        n if n.eq_ignore_ascii_case("history") => format!("{n}_"),
        n => n.to_owned(),
    }
}

/// As much of a name as fits with its suffix.
pub(super) fn fitted(name: &str, suffix: &str) -> String {
    let mut room = NAME_UNITS - suffix.encode_utf16().count();
    let kept: String = name
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= room;
            room -= if fits { c.len_utf16() } else { 0 };
            fits
        })
        .collect();
    format!("{}{suffix}", kept.trim_end().trim_end_matches('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_excel_takes() {
        let long = "乌海市海南区某某煤业有限责任公司第一分公司露天采坑综合治理项目部";
        let titles = [
            "甲公司",
            "甲公司",
            "甲公司 (2)",
            "a/b:c",
            "A/B:C",
            "'x'",
            "",
            "\u{202e}\u{7}",
            "History",
            long,
            long,
            "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
        ];
        let names = sheet_names(titles.into_iter());
        let want = [
            "甲公司",
            "甲公司 (2)",
            "甲公司 (2) (2)",
            "a\u{ff0f}b\u{ff1a}c",
            "A\u{ff0f}B\u{ff1a}C (2)",
            "x",
            "–",
            "– (2)",
            "History_",
        ];
        assert_eq!(names[..9], want);
        assert!(names.iter().all(|n| (1..=31).contains(&n.encode_utf16().count())), "{names:?}");
        assert!(long.starts_with(&names[9]) && names[10].ends_with(" (2)"));
        assert_eq!(names[11].chars().count(), 15);
        let mut book = Workbook::new();
        for n in &names {
            book.add_worksheet().set_name(n).unwrap();
        }
        book.save_to_buffer().unwrap();
    }
}
