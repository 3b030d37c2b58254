//! The typefaces of the system: which of them hold Chinese, the glyphs of texts, how wide they are.
//!
//! A character that its typeface does not hold is taken from another that does; one that none holds shows as the box of a
//! missing glyph and is told by [`Typefaces::missing`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fontdb::{Database, Family, ID, Query, Weight};
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::TableProvider;
use skrifa::{FontRef, MetadataProvider};

use crate::error::{Error, ErrorKind, Result, Text};
use crate::model::{Face, Letters};

/// Sans-serif typefaces (黑体) that are known to hold Chinese, looked at first.
const SANS: [&str; 8] = [
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
];
/// Serif typefaces (宋体) that hold Chinese.
const SERIF: [&str; 7] = [
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Source Han Serif CN",
    "SimSun",
    "NSimSun",
    "Songti SC",
    "AR PL UMing CN",
];

/// A font file in memory.
#[derive(Debug)]
pub struct Typeface {
    /// Bytes of the file.
    pub data: Vec<u8>,
    /// Which font of the file.
    pub index: u32,
    /// PostScript name.
    pub name: String,
}

/// A glyph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// Number of its typeface ([`Typefaces::typeface`]).
    pub font: usize,
    /// Number in it.
    pub id: u16,
    /// Character.
    pub char: char,
    /// Width where the em is 1.
    pub advance: f64,
}

#[derive(Debug, Default)]
struct Loaded {
    fonts: Vec<Arc<Typeface>>,
    by_id: HashMap<ID, Option<usize>>,
    glyphs: HashMap<(Face, char), Option<Glyph>>,
    missing: BTreeSet<char>,
}

/// The typefaces of the system.
#[derive(Debug)]
pub struct Typefaces {
    all: Database,
    /// Faces that can be put into files, by name: the order in which a missing character is looked for.
    usable: Vec<ID>,
    serif: Option<ID>,
    sans: Option<ID>,
    bold: Option<ID>,
    chinese: bool,
    loaded: Mutex<Loaded>,
}

impl Typefaces {
    /// Looks for the system's fonts.
    pub fn system() -> Self {
        let mut all = Database::new();
        all.load_system_fonts();
        Self::of(all)
    }

    /// As [`Self::system`]; a system without Chinese is refused.
    ///
    /// # Errors
    /// `Output` where no font holds Chinese.
    pub fn with_chinese() -> Result<Self> {
        Self::system().chinese()
    }

    fn of(all: Database) -> Self {
        let mut usable: Vec<(String, u32, ID)> = all
            .faces()
            .filter(|f| has_outlines(&all, f.id))
            .map(|f| (f.post_script_name.clone(), f.index, f.id))
            .collect();
        usable.sort();
        let usable: Vec<ID> = usable.into_iter().map(|u| u.2).collect();
        let named = |name: &str, weight: Weight| {
            let query = Query { families: &[Family::Name(name)], weight, ..Query::default() };
            all.query(&query).filter(|id| usable.contains(id))
        };
        let first = |names: &[&str], weight: Weight| names.iter().find_map(|n| named(n, weight));
        let found = first(&SANS, Weight::NORMAL)
            .or_else(|| first(&SERIF, Weight::NORMAL))
            .or_else(|| usable.iter().copied().find(|id| holds(&all, *id, "火清")));
        let sans = found.or_else(|| usable.first().copied());
        let family = sans.and_then(|id| Some(all.face(id)?.families.first()?.0.clone()));
        let bold = family.and_then(|f| named(&f, Weight::BOLD)).or(sans);
        let serif = first(&SERIF, Weight::NORMAL).or(sans);
        Self { usable, serif, sans, bold, chinese: found.is_some(), loaded: Mutex::default(), all }
    }

    fn chinese(self) -> Result<Self> {
        if self.chinese {
            return Ok(self);
        }
        Err(Error::new(ErrorKind::Output, Text::new("no font of this system holds Chinese", "本机没有含中文的字体"))
            .remedy(
                "install one: apt-get install fonts-noto-cjk (or fonts-wqy-microhei)",
                "请安装一种:apt-get install fonts-noto-cjk(或 fonts-wqy-microhei)",
            ))
    }

    /// True where a font holds Chinese characters.
    pub fn hold_chinese(&self) -> bool {
        self.chinese
    }

    /// True where there is no font: text would be missing.
    pub fn are_none(&self) -> bool {
        self.usable.is_empty()
    }

    /// Characters asked for so far that no font holds.
    pub fn missing(&self) -> Vec<char> {
        self.state().missing.iter().copied().collect()
    }

    /// A typeface that glyphs named.
    pub fn typeface(&self, number: usize) -> Option<Arc<Typeface>> {
        self.state().fonts.get(number).cloned()
    }

    /// The glyphs of a line, from left to right; text that runs from right to left is put in that order.
    pub fn glyphs(&self, text: &str, face: Face) -> Vec<Glyph> {
        let state = &mut *self.state();
        seen_order(text).chars().filter_map(|c| self.glyph(state, face, c)).collect()
    }

    fn state(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn glyph(&self, state: &mut Loaded, face: Face, c: char) -> Option<Glyph> {
        if let Some(known) = state.glyphs.get(&(face, c)) {
            return *known;
        }
        let own = match face {
            Face::Serif => self.serif,
            Face::Sans => self.sans,
            Face::Bold => self.bold,
        };
        let first = [own, self.sans, self.serif].into_iter().flatten();
        let id = first.chain(self.usable.iter().copied()).find(|id| holds(&self.all, *id, c.encode_utf8(&mut [0; 4])));
        if id.is_none() {
            state.missing.insert(c);
        }
        let found = id.or(own).and_then(|id| self.number(state, id)).and_then(|font| {
            let t = &state.fonts[font];
            let f = FontRef::from_index(&t.data, t.index).ok()?;
            let glyph = f.charmap().map(c).unwrap_or_default();
            let em = f64::from(f.head().ok()?.units_per_em());
            let advance = f.glyph_metrics(Size::unscaled(), LocationRef::default()).advance_width(glyph)?;
            Some(Glyph { font, id: u16::try_from(glyph.to_u32()).ok()?, char: c, advance: f64::from(advance) / em })
        });
        state.glyphs.insert((face, c), found);
        found
    }

    /// The number of a face among those that are loaded.
    fn number(&self, state: &mut Loaded, id: ID) -> Option<usize> {
        if let Some(n) = state.by_id.get(&id) {
            return *n;
        }
        let name = self.all.face(id).map(|f| f.post_script_name.clone()).unwrap_or_default();
        let n = self.all.with_face_data(id, |data, index| (data.to_vec(), index)).map(|(data, index)| {
            state.fonts.push(Arc::new(Typeface { data, index, name }));
            state.fonts.len() - 1
        });
        state.by_id.insert(id, n);
        n
    }
}

impl Letters for Typefaces {
    fn width(&self, text: &str, face: Face) -> f64 {
        let state = &mut *self.state();
        text.chars().filter_map(|c| self.glyph(state, face, c)).map(|g| g.advance).sum()
    }
}

/// True where a face holds all these characters.
fn holds(all: &Database, id: ID, characters: &str) -> bool {
    all.with_face_data(id, |data, index| {
        FontRef::from_index(data, index).is_ok_and(|f| {
            let map = f.charmap();
            characters.chars().all(|c| map.map(c).is_some_and(|g| g.to_u32() != 0))
        })
    })
    .unwrap_or(false)
}

/// True where a face has outlines that can be put into a PDF: TrueType or CFF, not CFF2.
fn has_outlines(all: &Database, id: ID) -> bool {
    all.with_face_data(id, |data, index| {
        FontRef::from_index(data, index).is_ok_and(|f| f.glyf().is_ok() || f.cff().is_ok())
    })
    .unwrap_or(false)
}

/// A line in the order in which it is seen from left to right (Unicode's bidirectional algorithm, UAX #9).
fn seen_order(line: &str) -> String {
    let from_right = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    if !line.chars().any(from_right) {
        return line.to_owned();
    }
    let info = unicode_bidi::BidiInfo::new(line, Some(unicode_bidi::Level::ltr()));
    info.paragraphs.iter().map(|p| info.reorder_line(p, p.range.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_found_and_their_absence_is_known() {
        let none = Typefaces::of(Database::new());
        assert!(none.are_none() && !none.hold_chinese() && none.glyphs("火", Face::Sans).is_empty());
        let e = none.chinese().unwrap_err();
        assert!(e.kind.exit_code() == 4 && e.remedy.en.contains("fonts-noto-cjk"), "{e}");
        let fonts = Typefaces::system();
        if !fonts.hold_chinese() {
            println!("skipped: no font of this system holds Chinese");
            return;
        }
        // Chinese characters are as wide as the em in every typeface that is used for text
        for face in [Face::Serif, Face::Sans, Face::Bold] {
            assert!((fonts.width("火点清零", face) - 4.0).abs() < 1e-9);
            assert!(fonts.width("iiii", face) < fonts.width("WWWW", face));
        }
        let known = fonts.glyphs("火A", Face::Sans);
        assert!(known.len() == 2 && known.iter().all(|g| g.id != 0) && fonts.missing().is_empty());
        // a noncharacter is in no font
        assert_eq!(fonts.glyphs("\u{10ffff}", Face::Sans).first().map(|g| g.id), Some(0));
        assert_eq!(fonts.missing(), ['\u{10ffff}']);
    }

    #[test]
    fn text_from_the_right_is_turned() {
        // a number after such text goes along with it (UAX #9, W2 and N1)
        assert_eq!(seen_order("a אבג 1"), "a 1 גבא");
        assert_eq!(seen_order("a אבג b"), "a גבא b");
        assert_eq!(seen_order("矿山 a"), "矿山 a");
    }
}
