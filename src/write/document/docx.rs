//! A document as Office Open XML (Word), through the crate `docx-rs`.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, Docx, PageMargin, PageOrientationType, Paragraph, Pic, Run, RunFonts, Table as Grid, TableCell,
    TableLayoutType, TableRow, WidthType,
};

use super::super::drawing::chart_png;
use super::super::typeface::Typefaces;
use super::{is_number, shown};
use crate::error::Lang;
use crate::model::{Document, Drawing, Part, Table};

/// Half points: 10.5 (五号), 16 (三号), 14 (四号), 9 (小五).
const BODY: usize = 21;
const TITLE: usize = 32;
const HEADING: usize = 28;
const SMALL: usize = 18;
/// Width of the text on an A4 page lying down, in twentieths of a point.
const WIDTH: usize = 13_950;
/// Width of a chart, in twentieths of a point: 16 cm.
const CHART: u32 = 9_072;
/// Characters of a cell: longer texts are cut, and say so by an ellipsis.
const LONGEST: usize = 2_000;

pub(super) fn bytes(d: &Document, lang: Lang, faces: &Typefaces) -> Result<Vec<u8>, String> {
    let fonts = RunFonts::new().east_asia("宋体").ascii("Times New Roman").hi_ansi("Times New Roman");
    let margin = PageMargin { top: 1440, bottom: 1440, left: 1440, right: 1440, header: 720, footer: 720, gutter: 0 };
    let text = |t: &str, size: usize| Run::new().add_text(cut(t)).size(size);
    let mut out = Docx::new()
        .default_fonts(fonts)
        .default_size(BODY)
        .page_size(16_838, 11_906)
        .page_orient(PageOrientationType::Landscape)
        .page_margin(margin)
        .add_paragraph(Paragraph::new().add_run(text(d.title.in_lang(lang), TITLE).bold()).align(AlignmentType::Center))
        .add_paragraph(Paragraph::new().add_run(text(d.subtitle.in_lang(lang), BODY)).align(AlignmentType::Center));
    for (i, part) in d.parts.iter().enumerate() {
        out = match part {
            Part::Heading(t) => out.add_paragraph(Paragraph::new().add_run(text(t.in_lang(lang), HEADING).bold())),
            Part::Paragraph(t) => out.add_paragraph(Paragraph::new().add_run(text(t.in_lang(lang), BODY))),
            Part::List(t) if t.rows.is_empty() => {
                let none = if lang == Lang::Zh { "无。" } else { "None." };
                out.add_paragraph(Paragraph::new().add_run(text(none, BODY)))
            }
            Part::List(t) => out.add_table(list(t, lang)).add_paragraph(Paragraph::new()),
            Part::Chart { drawing, .. } => out.add_paragraph(chart(drawing, faces, i)?),
        };
    }
    out = out.add_paragraph(Paragraph::new().add_run(text(d.note.in_lang(lang), SMALL)));
    let mut bytes = Cursor::new(Vec::new());
    out.build().pack(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes.into_inner())
}

/// A chart as a picture; `number` names it.
fn chart(d: &Drawing, faces: &Typefaces, number: usize) -> Result<Paragraph, String> {
    let png = chart_png(d, faces).map_err(|e| e.what.en.clone())?;
    // English metric units: 635 of a twentieth of a point
    let width = CHART * 635;
    let height = (f64::from(width) * d.height / d.width).round() as u32;
    let picture = Pic::new_with_dimensions(png, 1, 1).id(format!("chart{number}")).size(width, height);
    Ok(Paragraph::new().add_run(Run::new().add_image(picture)).align(AlignmentType::Center))
}

fn list(t: &Table, lang: Lang) -> Grid {
    let columns = t.columns.len().max(1);
    let width = WIDTH / columns;
    let cell = |text: &str, bold: bool, right: bool| {
        let mut run = Run::new().add_text(cut(text)).size(SMALL);
        if bold {
            run = run.bold();
        }
        let align = if right { AlignmentType::Right } else { AlignmentType::Left };
        TableCell::new().width(width, WidthType::Dxa).add_paragraph(Paragraph::new().add_run(run).align(align))
    };
    let head = TableRow::new(t.titles(lang).iter().map(|h| cell(h, true, false)).collect());
    let body =
        t.rows.iter().map(|(_, v)| TableRow::new(v.iter().map(|v| cell(&shown(v), false, is_number(v))).collect()));
    Grid::new(std::iter::once(head).chain(body).collect())
        .set_grid(vec![width; columns])
        .width(width * columns, WidthType::Dxa)
        .layout(TableLayoutType::Fixed)
}

fn cut(text: &str) -> String {
    let clean = text.chars().filter(|c| !c.is_control());
    match text.char_indices().nth(LONGEST) {
        None => clean.collect(),
        Some(_) => clean.take(LONGEST).chain(['…']).collect(),
    }
}
