//! Charts (SVG text) as PNG, with the fonts of the system.

use std::path::Path;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use skrifa::{FontRef, MetadataProvider};

use super::raster::quicklook::write_png;
use crate::error::{Error, Result};
use crate::model::Picture;

/// Pixels of the picture for one of the chart: sharp in print.
const SCALE: f32 = 2.0;

/// Fonts that are known to hold Chinese, looked at first.
const CHINESE: [&str; 6] =
    ["Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC", "SimHei"];

/// The fonts of the system.
#[derive(Debug, Clone)]
pub struct Fonts {
    all: Arc<fontdb::Database>,
    chinese: bool,
}

impl Fonts {
    /// Looks for the system's fonts.
    pub fn system() -> Self {
        let mut all = fontdb::Database::new();
        all.load_system_fonts();
        let named = CHINESE.into_iter().find_map(|n| {
            let families = [fontdb::Family::Name(n)];
            all.query(&fontdb::Query { families: &families, ..fontdb::Query::default() })
        });
        let found = named.or_else(|| all.faces().find(|f| holds_chinese(&all, f.id)).map(|f| f.id));
        let id = found.or_else(|| all.faces().next().map(|f| f.id));
        // what the chart calls sans-serif is this one, so that text without a named font is drawn at all
        if let Some(name) = id.and_then(|id| Some(all.face(id)?.families.first()?.0.clone())) {
            all.set_sans_serif_family(name);
        }
        Self { all: Arc::new(all), chinese: found.is_some() }
    }

    /// True where a font holds Chinese characters.
    pub fn hold_chinese(&self) -> bool {
        self.chinese
    }

    /// True where there is no font: text would be missing.
    pub fn are_none(&self) -> bool {
        self.all.is_empty()
    }

    /// Draws a chart, twice as large as it is.
    ///
    /// # Errors
    /// `Output` where it cannot be drawn or written.
    pub fn write_png(&self, path: &Path, svg: &str) -> Result<()> {
        let failed = |why: String| {
            Error::output(format!("the chart cannot be drawn: {why}"), format!("无法绘制图表:{why}")).in_file(path)
        };
        let options = Options { fontdb: Arc::clone(&self.all), font_family: "sans-serif".into(), ..Options::default() };
        let tree = Tree::from_str(svg, &options).map_err(|e| failed(e.to_string()))?;
        let size = tree.size();
        let (w, h) = ((size.width() * SCALE).ceil() as u32, (size.height() * SCALE).ceil() as u32);
        let mut map = Pixmap::new(w, h).ok_or_else(|| failed(format!("{w} × {h}")))?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut map.as_mut());
        let rgba = map.pixels().iter().flat_map(|p| {
            let c = p.demultiply();
            [c.red(), c.green(), c.blue(), c.alpha()]
        });
        let picture = Picture { width: w as usize, height: h as usize, rgba: rgba.collect() };
        write_png(path, &picture)
    }
}

/// True where a face holds 火 and 清.
fn holds_chinese(all: &fontdb::Database, id: fontdb::ID) -> bool {
    all.with_face_data(id, |data, index| {
        FontRef::from_index(data, index).is_ok_and(|f| "火清".chars().all(|c| f.charmap().map(c).is_some()))
    })
    .unwrap_or(false)
}
