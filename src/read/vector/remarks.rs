//! What holds for many features of a layer, said once.

use super::note;
use crate::model::{LayerInfo, Skipped};

/// How many features, and the first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count(Option<(u64, i64)>);

impl Count {
    /// One more.
    pub fn at(&mut self, fid: i64) {
        let (n, first) = self.0.unwrap_or((0, fid));
        self.0 = Some((n + 1, first));
    }

    /// Those of another, later part of the layer.
    fn add(&mut self, later: Self) {
        self.0 = match (self.0, later.0) {
            (Some((n, first)), Some((m, _))) => Some((n + m, first)),
            (a, b) => a.or(b),
        };
    }
}

/// What was seen while reading.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Features with Z or M.
    pub heights: Count,
    /// Features with curves.
    pub curves: Count,
    /// Features with text that its encoding does not have.
    pub undecodable: Count,
}

impl Seen {
    /// What was seen in another, later part of the layer.
    pub fn add(&mut self, later: Self) {
        self.heights.add(later.heights);
        self.curves.add(later.curves);
        self.undecodable.add(later.undecodable);
    }

    /// One remark on each that was seen, at the first feature of its kind.
    pub fn remarks(self, info: &LayerInfo) -> Vec<Skipped> {
        let mut out = Vec::new();
        let mut say = |seen: Count, code, en: &str, zh: &str| {
            if let Some((n, fid)) = seen.0 {
                let (en, zh) =
                    (format!("{en} ({n} feature(s), this the first)"), format!("{zh}(共 {n} 个要素,此为首个)"));
                out.push(note(info, fid, code, true, en, zh));
            }
        };
        say(self.heights, "z_dropped", "heights and measures are not used", "高程与测量值未使用");
        say(
            self.curves,
            "curve_linearised",
            "curves were made straight (GDAL, 4° steps)",
            "曲线已转为折线(GDAL,步长 4°)",
        );
        say(
            self.undecodable,
            "text_undecodable",
            "text with bytes that its encoding does not have, shown as �; name the encoding with --encoding",
            "文本含所用编码中没有的字节,显示为 �;请用 --encoding 指明编码",
        );
        out
    }
}
