use super::super::lines::{broken, widths};
use super::*;
use crate::model::{Column, Field, FieldType, Shape, Table, Value};

/// Letters of which each is half an em wide, Chinese ones an em.
struct Even;

impl Letters for Even {
    fn width(&self, text: &str, _: Face) -> f64 {
        text.chars().map(|c| if c.is_ascii() { 0.5 } else { 1.0 }).sum()
    }
}

#[test]
fn lines_are_broken_where_the_language_allows() {
    let of = |t: &str, w: f64| broken(&Even, t, Face::Serif, w, 0.0);
    assert_eq!(of("乌海市矿山生态", 3.0), ["乌海市", "矿山生", "态"]);
    // a comma does not begin a line, a bracket does not end one
    assert_eq!(of("乌海市\u{ff0c}矿山", 3.0), ["乌海", "市\u{ff0c}矿", "山"]);
    assert_eq!(of("乌海\u{ff08}市\u{ff09}矿山", 3.0), ["乌海", "\u{ff08}市\u{ff09}", "矿山"]);
    assert_eq!(of("乌海市,矿山", 3.0), ["乌海", "市,矿", "山"]);
    assert_eq!(of("open at the end", 4.0), ["open at", "the end"]);
    // a word longer than the line is broken
    assert_eq!(of("CO2026-00001", 3.0), ["CO2026", "-00001"]);
    assert_eq!(of("", 3.0), [""]);
    assert_eq!(broken(&Even, "乌海市矿山", Face::Serif, 3.0, 2.0), ["乌", "海市矿", "山"]);
    assert_eq!(widths(&Even, "open 乌海", Face::Serif), (4.5, 2.5));
}

fn long(rows: usize, text: &str) -> Table {
    let column = |n: &str| Column { field: Field::new(n, FieldType::Text), title: Text::new(n, n) };
    Table {
        name: "t".into(),
        title: Text::default(),
        columns: ["编号", "名称"].map(column).to_vec(),
        shape: Shape::None,
        crs: None,
        rows: (0..rows).map(|i| (None, vec![Value::Int(i as i64), Value::from(text)])).collect(),
        style: None,
    }
}

fn letters(s: &Sheet) -> Vec<&Lettering> {
    let of = |m: &'_ Mark| matches!(m, Mark::Letters(_));
    s.drawing
        .marks
        .iter()
        .filter(|m| of(m))
        .filter_map(|m| if let Mark::Letters(l) = m { Some(l) } else { None })
        .collect()
}

#[test]
fn long_tables_have_their_head_on_every_page_and_all_their_rows() {
    let d =
        Document {
            title: Text::new("T", "题"), parts: vec![Part::List(long(200, "甲公司"))], ..Document::default()
        };
    let all = pages(&d, &Even, Lang::Zh);
    assert!(all.len() > 2);
    let mut ids = Vec::new();
    for (i, s) in all.iter().enumerate() {
        let texts = letters(s);
        assert_eq!(texts.iter().filter(|l| l.text == "编号").count(), 1, "page {i}");
        assert!(texts.iter().any(|l| l.text == format!("第 {} 页 共 {} 页", i + 1, all.len())));
        // nothing but the number of the page stands below the text
        assert!(texts.iter().filter(|l| l.at[1] > BOTTOM).count() == 1);
        ids.extend(texts.iter().filter_map(|l| l.text.parse::<usize>().ok()));
    }
    assert_eq!(ids, (0..200).collect::<Vec<_>>());
}

#[test]
fn texts_that_never_end_are_cut_with_a_mark() {
    let huge = "长".repeat(1_000_000) + "\u{202e}<script>\u{0}";
    let note = Text::new(huge.clone(), huge.clone());
    let d = Document {
        title: note.clone(),
        parts: vec![Part::List(long(3, &huge)), Part::Paragraph(note)],
        ..Document::default()
    };
    let all = pages(&d, &Even, Lang::Zh);
    assert!(all.len() < 20, "{}", all.len());
    let cut = all.iter().flat_map(letters).filter(|l| l.text.ends_with('…')).count();
    assert!(cut >= 5, "{cut}");
    assert!(all.iter().flat_map(letters).all(|l| !l.text.contains(['\u{202e}', '\u{0}'])));
    // every line stays on the paper
    for l in all.iter().flat_map(letters).filter(|l| l.anchor == Anchor::Start) {
        assert!(l.at[0] + Even.width(&l.text, l.face) * l.size <= PAPER[0] - SIDE + 0.3, "{l:?}");
    }
}
