//! Sheets as PDF 1.7 (ISO 32000-1): text that can be searched and copied, embedded subsets of its typefaces, areas and
//! lines as such, a bookmark a named sheet, and for maps where they lie on the ground (ISO 32000-2, 12.10).
//!
//! The same sheets, typefaces and time give the same bytes.

mod fonts;
mod page;

use chrono::{DateTime, Datelike, Timelike, Utc};
use pdf_writer::{Chunk, Content, Date, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use sha2::{Digest, Sha256};

use super::super::typeface::Typefaces;
use crate::error::{Error, Lang, Result};
use crate::model::{Ground, Picture, Sheet};
use fonts::Embedded;
use page::Painter;

/// Points (1/72 inch) of a millimetre.
const MM: f64 = 72.0 / 25.4;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Title.
    pub title: String,
    /// Language of its text.
    pub lang: Lang,
    /// When it was made.
    pub time: DateTime<Utc>,
}

/// What the pages of a file share.
struct Shared<'a> {
    faces: &'a Typefaces,
    fonts: Embedded,
    /// Opacities of fill and stroke.
    alphas: std::collections::BTreeSet<(u8, u8)>,
    /// Pictures and their masks, ready to be written.
    pictures: Chunk,
    /// Numbers of pictures, in order.
    images: Vec<Ref>,
    next: Ref,
}

/// A file in the making: sheets are added one by one.
pub struct File<'a> {
    pdf: Pdf,
    shared: Shared<'a>,
    /// Pages, and the names of their sheets.
    pages: Vec<(Ref, String)>,
}

/// Places of what every file has.
const CATALOG: i32 = 1;
const TREE: i32 = 2;
const INFO: i32 = 3;
const RESOURCES: i32 = 4;
const OUTLINE: i32 = 5;

/// The bytes of a file of these sheets.
///
/// # Errors
/// As [`File::finish`].
pub fn bytes(sheets: &[Sheet], about: &About, faces: &Typefaces) -> Result<Vec<u8>> {
    let mut file = File::new(faces);
    sheets.iter().for_each(|s| file.add(s));
    file.finish(about)
}

impl<'a> File<'a> {
    /// An empty file.
    pub fn new(faces: &'a Typefaces) -> Self {
        let mut pdf = Pdf::new();
        pdf.set_version(1, 7);
        let shared = Shared {
            faces,
            fonts: Embedded::default(),
            alphas: std::collections::BTreeSet::new(),
            pictures: Chunk::new(),
            images: Vec::new(),
            next: Ref::new(OUTLINE + 1),
        };
        Self { pdf, shared, pages: Vec::new() }
    }

    /// Adds a page.
    pub fn add(&mut self, sheet: &Sheet) {
        let (page, content) = (self.shared.next.bump(), self.shared.next.bump());
        let mut painter = Painter::new(&mut self.shared, sheet.drawing.height);
        painter.marks(&sheet.drawing.marks);
        let drawn = deflated(&painter.finish());
        self.pdf.stream(content, &drawn).filter(Filter::FlateDecode);
        let mut p = self.pdf.page(page);
        let [w, h] = [sheet.drawing.width * MM, sheet.drawing.height * MM];
        p.media_box(Rect::new(0.0, 0.0, w as f32, h as f32)).parent(Ref::new(TREE)).contents(content);
        p.pair(Name(b"Resources"), Ref::new(RESOURCES));
        if let Some(g) = &sheet.ground {
            viewport(&mut p, g, sheet.drawing.height);
        }
        p.finish();
        self.pages.push((page, sheet.name.clone()));
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// `Output` where a typeface cannot be embedded.
    pub fn finish(mut self, about: &About) -> Result<Vec<u8>> {
        let pdf = &mut self.pdf;
        pdf.pages(Ref::new(TREE)).kids(self.pages.iter().map(|p| p.0)).count(self.pages.len() as i32);
        let named = bookmarks(pdf, &self.pages, Ref::new(OUTLINE), &mut self.shared.next);
        self.shared.finish(pdf, Ref::new(RESOURCES))?;
        let mut c = pdf.catalog(Ref::new(CATALOG));
        c.pages(Ref::new(TREE)).lang(TextStr(if about.lang == Lang::Zh { "zh-CN" } else { "en" }));
        if named {
            c.outlines(Ref::new(OUTLINE));
        }
        c.viewer_preferences().display_doc_title(true);
        c.finish();
        let producer = concat!("heshan ", env!("CARGO_PKG_VERSION"));
        pdf.document_info(Ref::new(INFO))
            .title(TextStr(&about.title))
            .producer(TextStr(producer))
            .creator(TextStr(producer))
            .creation_date(date(about.time));
        // what is in the file is its identifier: the same bytes again
        let id = Sha256::digest(pdf.as_bytes())[..16].to_vec();
        pdf.set_file_id((id.clone(), id));
        Ok(self.pdf.finish())
    }
}

impl Shared<'_> {
    /// Fonts, opacities and pictures, and the list of them that all pages use.
    fn finish(mut self, pdf: &mut Pdf, resources: Ref) -> Result<()> {
        let fonts = self.fonts.write(pdf, self.faces, &mut self.next)?;
        pdf.extend(&self.pictures);
        let mut r = pdf.indirect(resources).start::<pdf_writer::writers::Resources<'_>>();
        let mut list = r.fonts();
        for (number, id) in fonts {
            list.pair(Name(format!("F{number}").as_bytes()), id);
        }
        list.finish();
        let mut list = r.x_objects();
        for (i, id) in self.images.iter().enumerate() {
            list.pair(Name(format!("P{i}").as_bytes()), *id);
        }
        list.finish();
        let mut list = r.ext_g_states();
        for (fill, stroke) in &self.alphas {
            let name = format!("A{fill}_{stroke}");
            let mut state = list.insert(Name(name.as_bytes())).start::<pdf_writer::writers::ExtGraphicsState<'_>>();
            state.non_stroking_alpha(f32::from(*fill) / 255.0).stroking_alpha(f32::from(*stroke) / 255.0);
        }
        Ok(())
    }

    /// Takes a picture in; answers its number.
    fn picture(&mut self, p: &Picture) -> usize {
        let id = self.next.bump();
        let rgb: Vec<u8> = p.rgba.chunks_exact(4).flat_map(|c| [c[0], c[1], c[2]]).collect();
        let rgb = deflated(&rgb);
        let opaque = p.rgba.chunks_exact(4).all(|c| c[3] == 255);
        let mask = (!opaque).then(|| self.next.bump());
        let mut image = self.pictures.image_xobject(id, &rgb);
        image.filter(Filter::FlateDecode);
        image.width(p.width as i32).height(p.height as i32).bits_per_component(8);
        image.color_space().device_rgb();
        if let Some(m) = mask {
            image.s_mask(m);
        }
        image.finish();
        if let Some(m) = mask {
            let alpha: Vec<u8> = p.rgba.chunks_exact(4).map(|c| c[3]).collect();
            let alpha = deflated(&alpha);
            let mut image = self.pictures.image_xobject(m, &alpha);
            image.filter(Filter::FlateDecode);
            image.width(p.width as i32).height(p.height as i32).bits_per_component(8);
            image.color_space().device_gray();
        }
        self.images.push(id);
        self.images.len() - 1
    }
}

/// A bookmark for each sheet that has a name of its own; answers whether there are any.
fn bookmarks(pdf: &mut Pdf, pages: &[(Ref, String)], outline: Ref, next: &mut Ref) -> bool {
    let named: Vec<&(Ref, String)> = pages.iter().filter(|p| !p.1.is_empty()).collect();
    if named.len() < 2 {
        return false;
    }
    let ids: Vec<Ref> = named.iter().map(|_| next.bump()).collect();
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    pdf.outline(outline).first(first).last(last).count(ids.len() as i32);
    for (i, (page, name)) in named.iter().enumerate() {
        let mut item = pdf.outline_item(ids[i]);
        item.title(TextStr(name)).parent(outline);
        if i > 0 {
            item.prev(ids[i - 1]);
        }
        if let Some(n) = ids.get(i + 1) {
            item.next(*n);
        }
        item.dest().page(*page).fit();
    }
    true
}

/// Where the frame lies on the ground. Numbers are written with seven digits: 0.5 m on the ground.
fn viewport(page: &mut pdf_writer::writers::Page<'_>, g: &Ground, height: f64) {
    let [x, y, w, h] = g.frame;
    let numbers = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let mut all = page.insert(Name(b"VP")).array();
    let mut v = all.push().dict();
    v.pair(Name(b"Type"), Name(b"Viewport"));
    let corner = [x * MM, (height - y - h) * MM, (x + w) * MM, (height - y) * MM];
    v.insert(Name(b"BBox")).array().items(numbers(&corner));
    let mut m = v.insert(Name(b"Measure")).dict();
    m.pair(Name(b"Type"), Name(b"Measure")).pair(Name(b"Subtype"), Name(b"GEO"));
    let unit = numbers(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    m.insert(Name(b"Bounds")).array().items(unit.iter().copied());
    let places: Vec<f64> = g.corners.iter().flat_map(|[lon, lat]| [*lat, *lon]).collect();
    m.insert(Name(b"GPTS")).array().items(numbers(&places));
    m.insert(Name(b"LPTS")).array().items(unit);
    let mut crs = m.insert(Name(b"GCS")).dict();
    crs.pair(Name(b"Type"), Name(b"PROJCS"));
    let code = g.crs.code.as_deref().and_then(|c| c.strip_prefix("EPSG:")).and_then(|c| c.parse::<i32>().ok());
    if let Some(code) = code {
        crs.pair(Name(b"EPSG"), code);
    }
    if let Some(wkt) = wkt(&g.crs.definition) {
        crs.pair(Name(b"WKT"), Str(wkt.as_bytes()));
    }
}

/// WKT of a CRS as readers of PDF want it: that of ESRI.
fn wkt(definition: &str) -> Option<String> {
    let srs = gdal::spatial_ref::SpatialRef::from_definition(definition).ok()?;
    srs.morph_to_esri().ok()?;
    srs.to_wkt().ok()
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(6).unwrap_or_default());
    let mut out = vec![0; c.zlib_compress_bound(plain.len())];
    let n = c.zlib_compress(plain, &mut out).unwrap_or_default();
    out.truncate(n);
    out
}

fn date(t: DateTime<Utc>) -> Date {
    Date::new(t.year().clamp(0, 9999) as u16)
        .month(t.month() as u8)
        .day(t.day() as u8)
        .hour(t.hour() as u8)
        .minute(t.minute() as u8)
        .second(t.second() as u8)
        .utc_offset_hour(0)
}

fn unfit(name: &str, why: &str) -> Error {
    Error::output(
        format!("the typeface {name} cannot be put into a PDF: {why}"),
        format!("字体 {name} 无法嵌入 PDF:{why}"),
    )
    .remedy("install fonts-noto-cjk or fonts-wqy-microhei", "请安装 fonts-noto-cjk 或 fonts-wqy-microhei")
}

/// An empty page's content.
fn content() -> Content {
    Content::new()
}
