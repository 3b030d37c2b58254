//! The two passes that the ecological index needs before its values.

use serde_json::{Value as Json, json};

use super::{IndexOptions, Wetness};
use crate::analysis::rsei::{Axis, COMPONENTS, ROLES, RseiSums, components, range, rsei};
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::pipeline::run as each;
use crate::jobs::view::View;
use crate::model::{Calibration, Progress, Role, Scene, Seen, Window};

/// Everything that the values rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub axis: Axis,
    wetness: Wetness,
    /// Where the weights of wetness are from.
    source: &'static str,
    keep_water: bool,
    /// Range of the first component.
    range: (f32, f32),
}

impl Fit {
    /// The index of a block.
    pub fn values(&self, roles: &[Role], bands: &[Vec<f32>], seen: &mut [Seen]) -> Vec<f32> {
        match of(roles, bands, self.wetness, self.keep_water, seen) {
            Some(c) => rsei(&self.axis.values(&c), self.range),
            None => vec![f32::NAN; seen.len()],
        }
    }

    /// For the manifest.
    pub fn json(&self) -> Json {
        let named = |v: [f64; 4]| {
            COMPONENTS.iter().zip(v).map(|(n, v)| ((*n).to_owned(), json!(v))).collect::<serde_json::Map<_, _>>()
        };
        json!({
            "variance_share": self.axis.share,
            "loadings": named(self.axis.loadings),
            "min": named(self.axis.min.map(f64::from)),
            "max": named(self.axis.max.map(f64::from)),
            "component_range": [self.range.0, self.range.1],
            "wetness": self.wetness.0,
            "wetness_source": self.source,
            "water_kept": self.keep_water,
            "pixels": self.axis.pixels,
        })
    }
}

fn of(roles: &[Role], bands: &[Vec<f32>], w: Wetness, keep_water: bool, seen: &mut [Seen]) -> Option<[Vec<f32>; 4]> {
    let mut mine: [&[f32]; 7] = [&[]; 7];
    for (m, r) in mine.iter_mut().zip(ROLES) {
        *m = bands.get(roles.iter().position(|x| *x == r)?)?;
    }
    Some(components(&mine, w, keep_water, seen))
}

/// First pass: sums and ranges of the components. Second: range of the first principal component.
pub(super) fn fit(
    o: &IndexOptions,
    s: &Scene,
    view: &View,
    roles: &[Role],
    windows: &[Window],
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Fit> {
    let (wetness, source) = match o.rsei.wetness {
        Some(w) => (w, "given"),
        None => Wetness::of(&s.sensor.platform).ok_or_else(|| unknown(&s.sensor.platform))?,
    };
    let keep_water = o.rsei.keep_water;
    let missing = || Error::input("bands of the ecological index are missing", "生态指数缺少波段");
    progress.step(&Text::new("ecological index: components", "生态指数:统计分量"), Some(windows.len() as u64));
    let mut sums = RseiSums::default();
    let work = |w: Window| {
        let mut b = view.read(w)?;
        let c = of(roles, &b.bands, wetness, keep_water, &mut b.seen).ok_or_else(missing)?;
        Ok(RseiSums::of(&c, &b.seen))
    };
    each(windows, progress, work, |_, x| {
        sums.merge(&x);
        Ok(())
    })?;
    let axis = sums.solve().ok_or_else(undecided)?;
    progress.step(&Text::new("ecological index: range", "生态指数:统计范围"), Some(windows.len() as u64));
    let mut all = (f32::INFINITY, f32::NEG_INFINITY);
    let work = |w: Window| {
        let mut b = view.read(w)?;
        let c = of(roles, &b.bands, wetness, keep_water, &mut b.seen).ok_or_else(missing)?;
        Ok(range(&axis.values(&c), &b.seen))
    };
    each(windows, progress, work, |_, (low, high)| {
        all = (all.0.min(low), all.1.max(high));
        Ok(())
    })?;
    hear(s, &axis, notes);
    Ok(Fit { axis, wetness, source, keep_water, range: all })
}

fn hear(s: &Scene, axis: &Axis, notes: &mut Notes) {
    if !axis.as_expected() {
        let l: Vec<String> = COMPONENTS.iter().zip(axis.loadings).map(|(n, v)| format!("{n} {v:.3}")).collect();
        let l = l.join(", ");
        notes.warnings.push(Text::new(
            format!(
                "{}: the first component does not read as ecology ({l}): greenness and wetness should raise it, dryness and heat lower it",
                s.id
            ),
            format!("{}:第一主成分不符合生态含义({l}):绿度、湿度应为正,干度、热度应为负", s.id),
        ));
    }
    if s.asset(Role::Tir).is_some_and(|a| matches!(a.calibration, Calibration::Brightness { .. })) {
        notes.warnings.push(Text::new(
            format!("{}: heat is the brightness temperature, for Level 1 has no surface temperature", s.id),
            format!("{}:热度采用亮度温度(Level 1 产品没有地表温度)", s.id),
        ));
    }
}

fn unknown(platform: &str) -> Error {
    Error::usage(
        format!("no weights of wetness are known for {platform}"),
        format!("{platform} 没有已发表的湿度系数"),
    )
    .remedy(
        "give them: --wetness BLUE,GREEN,RED,NIR,SWIR1,SWIR2 (Landsat 8: 0.1511,0.1973,0.3283,0.3407,-0.7117,-0.4559)",
        "请给出:--wetness 蓝,绿,红,近红外,短波红外1,短波红外2(Landsat 8:0.1511,0.1973,0.3283,0.3407,-0.7117,-0.4559)",
    )
}

fn undecided() -> Error {
    Error::input(
        "the ecological index has no axis: too few pixels of land were seen, or a component is the same everywhere",
        "无法计算生态指数:有效陆地像元过少,或某分量处处相同",
    )
    .remedy(
        "take a larger or clearer scene; --rsei-keep-water where it is mostly water",
        "请换用更大或更晴朗的影像;若大部分为水体可用 --rsei-keep-water",
    )
}
