//! Saved spatial indexes: written, opened again, damaged.
#![allow(missing_docs, reason = "a test crate")]

use geo::{Coord, Rect};
use heshan::error::{ErrorKind, Lang};
use heshan::space::index::BoxIndex;
use heshan::{read, write};

#[test]
fn what_is_saved_can_be_opened_and_damage_is_told() {
    let d = tempfile::tempdir().unwrap();
    let path = d.path().join("river.index");
    let boxes: Vec<Rect<f64>> = (0..1000u32)
        .map(|i| Coord { x: f64::from(i % 31), y: f64::from(i / 31) })
        .map(|c| Rect::new(c, Coord { x: c.x + 1.0, y: c.y + 0.5 }))
        .collect();
    let index = BoxIndex::build(&boxes).unwrap();
    write::index::write(&index, &path, false).unwrap();
    assert_eq!(write::index::write(&index, &path, false).unwrap_err().kind, ErrorKind::Output);
    write::index::write(&index, &path, true).unwrap();

    let opened = read::index::open(&path).unwrap();
    let w = Rect::new(Coord { x: 3.2, y: 4.1 }, Coord { x: 9.0, y: 8.0 });
    // columns 3 to 9 (2.2 < x ≤ 9 touches 3..=9), rows 4 to 8 (row 3 ends at 3.5)
    assert_eq!(opened.count_in(&w), 7 * 5);
    assert_eq!(opened.window(&w), index.window(&w));

    let whole = std::fs::read(&path).unwrap();
    let mut broken = whole.clone();
    broken[5000] ^= 1;
    for bad in [&whole[..whole.len() - 1], &whole[..100], &b"GPKG"[..], &[], &broken] {
        let other = d.path().join("bad.index");
        std::fs::write(&other, bad).unwrap();
        let e = read::index::open(&other).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Input);
        assert!(e.message(Lang::Zh).contains("bad.index") && e.message(Lang::Zh).contains("空间索引"), "{e}");
    }
    let missing = read::index::open(&d.path().join("none")).unwrap_err();
    assert!(missing.message(Lang::En).contains("cannot be read"));
}
