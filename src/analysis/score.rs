//! The score: an ordered sum of named factors, each in its own column.

use crate::model::{Kind, RiverClass};

/// Weights: the points a factor gives at most. 100 in all by default.
///
/// Every factor is a share from 0 to 1 times its weight:
///
/// | factor | share |
/// |---|---|
/// | `distance` | 1 − distance / widest distance asked for; 0 beyond it |
/// | `river_class` | main stem 1, tributary 0.5, not classed 0.25 |
/// | `kind` | tailings pond 1; gangue pile, waste dump, solid-waste yard 0.8; open pit 0.6; mine, industrial 0.5; domestic source 0.3; other 0.2 |
/// | `inside` | share of the site's area within the widest distance |
/// | `zone` | 1 where the site overlaps a zone; 0 without zones |
///
/// The weights and shares are a convention of this program to sort lists by, not a standard; set your own.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreOptions {
    /// Nearness to the river.
    pub distance: f64,
    /// Class of the river.
    pub river_class: f64,
    /// Kind of the site.
    pub kind: f64,
    /// Share of the area inside.
    pub inside: f64,
    /// Overlap with a zone.
    pub zone: f64,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self { distance: 40.0, river_class: 15.0, kind: 20.0, inside: 15.0, zone: 10.0 }
    }
}

/// What is known of a site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Distance to the nearest river, metres.
    pub min_dist_m: f64,
    /// Widest distance asked for, metres.
    pub widest_m: f64,
    /// Class of the nearest river.
    pub river_class: RiverClass,
    /// Kind of the site.
    pub kind: Kind,
    /// Share of the area inside the widest distance, 0 … 1.
    pub inside: f64,
    /// Overlaps a zone.
    pub in_zone: bool,
}

/// Names of the factors, in order.
pub const FACTORS: [&str; 5] = ["distance", "river_class", "kind", "inside", "zone"];

/// The factors of a site in points, in the order of [`FACTORS`]; the score is their sum.
pub fn factors(f: &Facts, o: &ScoreOptions) -> Vec<(&'static str, f64)> {
    let nearness = if f.widest_m > 0.0 { (1.0 - f.min_dist_m / f.widest_m).max(0.0) } else { 0.0 };
    let class = match f.river_class {
        RiverClass::Main => 1.0,
        RiverClass::Tributary => 0.5,
        RiverClass::Unknown => 0.25,
    };
    let kind = match f.kind {
        Kind::TailingsPond => 1.0,
        Kind::GanguePile | Kind::WasteDump | Kind::SolidWasteYard => 0.8,
        Kind::OpenPit => 0.6,
        Kind::Mine | Kind::Industrial => 0.5,
        Kind::DomesticSource => 0.3,
        Kind::Other => 0.2,
    };
    let points = [
        o.distance * nearness,
        o.river_class * class,
        o.kind * kind,
        o.inside * f.inside,
        o.zone * if f.in_zone { 1.0 } else { 0.0 },
    ];
    FACTORS.into_iter().zip(points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let f = Facts {
            min_dist_m: 750.0,
            widest_m: 3000.0,
            river_class: RiverClass::Tributary,
            kind: Kind::OpenPit,
            inside: 0.8,
            in_zone: false,
        };
        let got = factors(&f, &ScoreOptions::default());
        // 40·0.75, 15·0.5, 20·0.6, 15·0.8, 0
        assert_eq!(got.iter().map(|x| x.1).collect::<Vec<_>>(), [30.0, 7.5, 12.0, 12.0, 0.0]);
    }
}
