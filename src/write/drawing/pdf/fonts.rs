//! Typefaces inside a PDF: only the glyphs that are used, their widths, and which characters they are.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use sha2::{Digest, Sha256};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use subsetter::GlyphRemapper;

use super::super::super::typeface::{Glyph, Typeface, Typefaces};
use super::{deflated, unfit};
use crate::error::Result;

const SYSTEM: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The glyphs of a typeface that a file uses.
#[derive(Default)]
struct Used {
    numbers: GlyphRemapper,
    /// Character and width by number in the subset.
    glyphs: BTreeMap<u16, (char, f64)>,
}

/// The typefaces of a file.
#[derive(Default)]
pub(super) struct Embedded(BTreeMap<usize, Used>);

impl Embedded {
    /// The number of a glyph in the subset of its typeface.
    pub fn number(&mut self, g: Glyph) -> u16 {
        let used = self.0.entry(g.font).or_default();
        let number = used.numbers.remap(g.id);
        used.glyphs.entry(number).or_insert((g.char, g.advance));
        number
    }

    /// Writes them; answers where each is.
    pub fn write(&self, pdf: &mut Pdf, faces: &Typefaces, next: &mut Ref) -> Result<Vec<(usize, Ref)>> {
        self.0
            .iter()
            .map(|(font, used)| {
                let t = faces.typeface(*font).ok_or_else(|| unfit("?", "it is not loaded"))?;
                Ok((*font, write(pdf, &t, used, next)?))
            })
            .collect()
    }
}

fn write(pdf: &mut Pdf, t: &Typeface, used: &Used, next: &mut Ref) -> Result<Ref> {
    let subset = subsetter::subset(&t.data, t.index, &used.numbers).map_err(|e| unfit(&t.name, &e.to_string()))?;
    let cff = table(&subset, *b"CFF ");
    let plain = cff.unwrap_or(&subset);
    let name: String = t.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let name = format!("{}+{name}", tag(plain));
    let (whole, cid, about, data, map) = (next.bump(), next.bump(), next.bump(), next.bump(), next.bump());
    let whole_name = if cff.is_some() { format!("{name}-Identity-H") } else { name.clone() };
    pdf.type0_font(whole)
        .base_font(Name(whole_name.as_bytes()))
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(map);
    let mut f = pdf.cid_font(cid);
    f.subtype(if cff.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
    f.base_font(Name(name.as_bytes())).system_info(SYSTEM).font_descriptor(about).default_width(1000.0);
    if cff.is_none() {
        f.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let mut widths = f.widths();
    for (number, (_, advance)) in &used.glyphs {
        widths.consecutive(*number, [(advance * 1000.0) as f32]);
    }
    widths.finish();
    f.finish();
    describe(pdf, t, about, &name, data, cff.is_some());
    let packed = deflated(plain);
    let mut stream = pdf.stream(data, &packed);
    stream.filter(Filter::FlateDecode);
    if cff.is_some() {
        stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    } else {
        stream.pair(Name(b"Length1"), plain.len() as i32);
    }
    stream.finish();
    let mut cmap = UnicodeCmap::<u16>::new(Name(b"heshan"), SYSTEM);
    for (number, (c, _)) in &used.glyphs {
        cmap.pair(*number, *c);
    }
    let text = deflated(&cmap.finish());
    pdf.cmap(map, &text).filter(Filter::FlateDecode);
    Ok(whole)
}

fn describe(pdf: &mut Pdf, t: &Typeface, id: Ref, name: &str, data: Ref, cff: bool) {
    let font = FontRef::from_index(&t.data, t.index).ok();
    let metrics = font.map(|f| f.metrics(Size::new(1000.0), LocationRef::default()));
    let of = |f: fn(&skrifa::metrics::Metrics) -> f32, other: f32| metrics.as_ref().map_or(other, f);
    let bounds = metrics.as_ref().and_then(|m| m.bounds);
    let mut d = pdf.font_descriptor(id);
    d.name(Name(name.as_bytes())).flags(FontFlags::SYMBOLIC);
    d.bbox(bounds.map_or(Rect::new(0.0, -200.0, 1000.0, 900.0), |b| Rect::new(b.x_min, b.y_min, b.x_max, b.y_max)));
    d.italic_angle(0.0).ascent(of(|m| m.ascent, 880.0)).descent(of(|m| m.descent, -120.0));
    d.cap_height(of(|m| m.cap_height.unwrap_or(733.0), 733.0)).stem_v(80.0);
    if cff {
        d.font_file3(data)
    } else {
        d.font_file2(data)
    };
}

/// Six capital letters that tell subsets apart (ISO 32000-1, 9.6.4).
fn tag(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).map(|b| char::from(b'A' + b % 26)).collect()
}

/// A table of an OpenType file.
fn table(data: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    let number = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?) as usize);
    let count = usize::from(u16::from_be_bytes(data.get(4..6)?.try_into().ok()?));
    (0..count).map(|i| 12 + 16 * i).find(|&at| data.get(at..at + 4) == Some(&wanted[..])).and_then(|at| {
        let (offset, length) = (number(at + 8)?, number(at + 12)?);
        data.get(offset..offset.checked_add(length)?)
    })
}
