//! Sites against areas: nature reserves, permits, shoreline control ranges.

use geo::{Area, BoundingRect, MultiPolygon, Rect};

use super::draw::map;
use super::local::LocalSite;
use super::network::{Network, NetworkError, NetworkOptions};
use super::screen::screen_site;
use crate::error::Result;
use crate::model::{RiverClass, RiverLine, RiverShape, Zone};
use crate::space::clip;
use crate::space::frame::Metric;
use crate::space::index::BoxIndex;

/// Zones, indexed.
#[derive(Debug, Clone)]
pub struct Zones {
    zones: Vec<Zone>,
    index: BoxIndex,
    /// The zones' outlines as a network, for the distance to the nearest.
    outlines: Network,
}

/// How a site lies to the zones.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneResult {
    /// Name of the nearest zone.
    pub nearest: String,
    /// Distance to it in metres; 0 where they touch or overlap.
    pub dist_m: f64,
    /// Overlaps, the largest first.
    pub overlaps: Vec<ZoneOverlap>,
    /// Overlays that fell back to GEOS.
    pub fallbacks: u32,
}

/// One overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneOverlap {
    /// Name of the zone.
    pub zone: String,
    /// Part of the site's area, 0 … 1.
    pub share: f64,
    /// The overlap in the metric's coordinates.
    pub shape: MultiPolygon<f64>,
}

impl Zones {
    /// Indexes zones.
    ///
    /// # Errors
    /// Where no zone has an outline, or coordinates are not finite.
    pub fn build(zones: Vec<Zone>, metric: Metric) -> std::result::Result<Self, NetworkError> {
        let pieces: Vec<RiverLine> = zones
            .iter()
            .enumerate()
            .flat_map(|(i, z)| {
                z.shape.0.iter().map(move |p| RiverLine {
                    fid: i as i64,
                    name: Some(z.name.clone()),
                    class: RiverClass::Unknown,
                    shape: RiverShape::Water(p.clone()),
                })
            })
            .collect();
        let outlines = Network::build(&pieces, &NetworkOptions { metric, ..NetworkOptions::default() })?;
        let zones: Vec<Zone> = zones.into_iter().filter(|z| z.shape.bounding_rect().is_some()).collect();
        let boxes: Vec<Rect<f64>> = zones.iter().filter_map(|z| z.shape.bounding_rect()).collect();
        Ok(Self { index: BoxIndex::build(&boxes)?, zones, outlines })
    }

    /// How a site lies to the zones; `None` where it has no extent. Distances as in
    /// [`screen_site`]; overlaps are computed in the site's own plane.
    ///
    /// # Errors
    /// Where neither overlay engine can overlay the polygons.
    pub fn against(&self, shape: &MultiPolygon<f64>) -> Result<Option<ZoneResult>> {
        let metric = self.outlines.metric;
        let (Some(near), Some(site), Some(bounds)) =
            (screen_site(&self.outlines, shape, &[])?, LocalSite::new(metric, shape), shape.bounding_rect())
        else {
            return Ok(None);
        };
        let plane = map(shape, |c| site.frame.forward(c));
        let whole = plane.unsigned_area();
        let mut out = ZoneResult {
            nearest: self.outlines.rivers[near.river].name.clone().unwrap_or_default(),
            dist_m: near.min_dist_m,
            overlaps: Vec::new(),
            fallbacks: 0,
        };
        let mut candidates = self.index.window(&bounds);
        candidates.sort_unstable();
        for k in candidates {
            let zone = &self.zones[k as usize];
            let cut = clip::intersection(&plane, &map(&zone.shape, |c| site.frame.forward(c)))?;
            out.fallbacks += u32::from(cut.via_geos);
            let area = cut.shape.unsigned_area();
            if area > 0.0 && whole > 0.0 {
                let shape = map(&cut.shape, |c| site.frame.inverse(c));
                out.overlaps.push(ZoneOverlap { zone: zone.name.clone(), share: (area / whole).min(1.0), shape });
            }
        }
        out.overlaps.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.zone.cmp(&b.zone)));
        if let Some(first) = out.overlaps.first() {
            out.nearest = first.zone.clone();
            out.dist_m = 0.0;
        }
        Ok(Some(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    fn square(x: f64, y: f64, side: f64) -> MultiPolygon<f64> {
        let (u, v) = (x + side, y + side);
        MultiPolygon(vec![polygon![(x: x, y: y), (x: u, y: y), (x: u, y: v), (x: x, y: v)]])
    }

    #[test]
    fn overlap_and_distance_by_hand() {
        let zones = vec![
            Zone { name: "a".into(), shape: square(0.0, 0.0, 100.0) },
            Zone { name: "b".into(), shape: square(50.0, 0.0, 100.0) },
        ];
        let z = Zones::build(zones, Metric::Planar).unwrap();
        let inside_both = z.against(&square(40.0, 10.0, 40.0)).unwrap().unwrap();
        assert_eq!(inside_both.dist_m, 0.0);
        let shares: Vec<_> = inside_both.overlaps.iter().map(|o| (o.zone.as_str(), (o.share * 1e6).round())).collect();
        assert_eq!(shares, [("a", 1e6), ("b", 750_000.0)]);
        let beside = z.against(&square(180.0, 140.0, 10.0)).unwrap().unwrap();
        assert_eq!((beside.nearest.as_str(), beside.dist_m), ("b", 50.0));
        assert!(beside.overlaps.is_empty());
    }
}
