//! Where a fire lies: in which site, in known industrial heat, how far from a river.

use geo::{BoundingRect, Contains, Coord, MultiPolygon, Point, Rect, coord, polygon};

use crate::analysis::corridor::{Network, screen_site};
use crate::error::Result;
use crate::model::{FirePoint, FireRiver, FireSite, Observed, Site, Zone};
use crate::space::distance::point_segment;
use crate::space::frame::{Frame, Metric};
use crate::space::index::BoxIndex;

/// Metres of a degree of latitude at least (at the equator), to make boxes wide enough.
const DEGREE_M: f64 = 110_574.0;

/// Polygons (longitude and latitude) to look up points in.
#[derive(Debug)]
pub struct Areas<T> {
    items: Vec<(T, MultiPolygon<f64>)>,
    index: Option<BoxIndex>,
}

impl<T> Areas<T> {
    /// Indexes areas; those without extent are left out.
    pub fn new(items: impl IntoIterator<Item = (T, MultiPolygon<f64>)>) -> Self {
        let items: Vec<(T, MultiPolygon<f64>)> = items.into_iter().filter(|i| i.1.bounding_rect().is_some()).collect();
        let boxes: Vec<Rect<f64>> = items.iter().filter_map(|i| i.1.bounding_rect()).collect();
        Self { index: BoxIndex::build(&boxes).ok(), items }
    }

    /// Areas that hold a point, and those within `reach_m` of it: position and whether they hold it, in order.
    fn near(&self, p: Coord<f64>, reach_m: f64) -> Vec<(usize, bool)> {
        let Some(index) = &self.index else { return Vec::new() };
        let dy = reach_m / DEGREE_M;
        let dx = dy / p.y.to_radians().cos().max(1e-6);
        let around = Rect::new(coord! {x: p.x - dx, y: p.y - dy}, coord! {x: p.x + dx, y: p.y + dy});
        let mut candidates = index.window(&around);
        candidates.sort_unstable();
        let frame = Frame::new(Metric::Geodesic, p);
        let judge = |i: u32| {
            let shape = &self.items[i as usize].1;
            let inside = shape.contains(&Point(p));
            (inside || edge_distance_m(&frame, shape) <= reach_m).then_some((i as usize, inside))
        };
        candidates.into_iter().filter_map(judge).collect()
    }
}

fn edge_distance_m(frame: &Frame, shape: &MultiPolygon<f64>) -> f64 {
    let center = coord! {x: 0.0, y: 0.0};
    let mut least = f64::INFINITY;
    for ring in shape.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())) {
        let mut points = ring.0.iter().map(|c| frame.forward(*c));
        let Some(mut a) = points.next() else { continue };
        for b in points {
            least = least.min(point_segment(center, a, b).1);
            a = b;
        }
    }
    least
}

/// The site that most of a fire's detections lie in; where none does, that which most of their pixels reach; of equals the
/// lesser identifier.
pub fn site_of(sites: &Areas<Site>, heat: &[&FirePoint]) -> Observed<FireSite> {
    let mut counts = std::collections::BTreeMap::<usize, [usize; 2]>::new();
    for p in heat {
        for (i, inside) in sites.near(p.lonlat, p.radius_m()) {
            let n = counts.entry(i).or_default();
            n[0] += usize::from(inside);
            n[1] += 1;
        }
    }
    let best = counts.into_iter().max_by(|a, b| {
        let id = |i: usize| &sites.items[i].0.site_id;
        a.1.cmp(&b.1).then_with(|| id(b.0).cmp(id(a.0))).then(b.0.cmp(&a.0))
    });
    let Some((i, [inside, _])) = best else { return Observed::No("no_site") };
    let s = &sites.items[i].0;
    Observed::Yes(FireSite {
        site_id: s.site_id.clone(),
        name: s.name.clone(),
        kind: s.kind,
        admin: s.admin.clone(),
        responsible_unit: s.responsible_unit.clone(),
        inside: inside > 0,
    })
}

/// The area of known heat that holds at least half of a fire's detections; the first of several.
pub fn industrial(masks: &Areas<String>, heat: &[&FirePoint]) -> Option<String> {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for p in heat {
        for (i, _) in masks.near(p.lonlat, 0.0).into_iter().filter(|n| n.1) {
            *counts.entry(i).or_default() += 1;
        }
    }
    counts.into_iter().find(|(_, n)| 2 * n >= heat.len()).map(|(i, _)| masks.items[i].0.clone())
}

/// Areas of known heat.
pub fn masks(zones: Vec<Zone>) -> Areas<String> {
    Areas::new(zones.into_iter().map(|z| (z.name, z.shape)))
}

/// The nearest river and its distance, by corridor screening of a square of 2 cm at the place.
///
/// # Errors
/// As [`screen_site`].
pub fn river_of(rivers: &Network, p: Coord<f64>) -> Result<Observed<FireRiver>> {
    let (dx, dy) = (0.01 / (DEGREE_M * p.y.to_radians().cos().max(1e-6)), 0.01 / DEGREE_M);
    let square = polygon![(x: p.x - dx, y: p.y - dy), (x: p.x + dx, y: p.y - dy), (x: p.x + dx, y: p.y + dy), (x: p.x - dx, y: p.y + dy)];
    Ok(match screen_site(rivers, &MultiPolygon(vec![square]), &[])? {
        Some(r) => Observed::Yes(FireRiver { name: rivers.rivers[r.river].name.clone(), distance_m: r.min_dist_m }),
        None => Observed::No("no_river"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use chrono::{DateTime, Utc};

    fn square(x: f64, y: f64, side: f64) -> MultiPolygon<f64> {
        let (u, v) = (x + side, y + side);
        MultiPolygon(vec![polygon![(x: x, y: y), (x: u, y: y), (x: u, y: v), (x: x, y: v)]])
    }

    fn site(id: &str, shape: MultiPolygon<f64>) -> (Site, MultiPolygon<f64>) {
        let (name, admin, responsible_unit, supervising_unit, deadline) = (None, None, None, None, None);
        let site = Site {
            site_id: id.into(),
            name,
            kind: Kind::Mine,
            admin,
            responsible_unit,
            supervising_unit,
            deadline,
            shape: shape.clone(),
            values: Vec::new(),
        };
        (site, shape)
    }

    #[test]
    fn a_fire_lies_where_most_of_its_detections_do_or_where_its_pixel_reaches() {
        let sites = Areas::new([site("a", square(106.0, 39.0, 0.01)), site("b", square(106.02, 39.0, 0.01))]);
        let at = |x: f64, m: f64| {
            FirePoint::new("Terra", "MODIS", DateTime::<Utc>::UNIX_EPOCH, coord! {x: x, y: 39.005}, [m, m])
        };
        let of = |list: &[FirePoint]| {
            site_of(&sites, &list.iter().collect::<Vec<_>>()).value().map(|s| (s.site_id, s.inside))
        };
        assert_eq!(of(&[at(106.005, 20.0), at(106.025, 20.0), at(106.026, 20.0)]), Some(("b".into(), true)));
        // 106.012 is 173 m east of a, 692 m west of b (one degree here is 86,496 m)
        assert_eq!(of(&[at(106.012, 240.0)]), None);
        assert_eq!(of(&[at(106.012, 250.0)]), Some(("a".into(), false)));
        assert_eq!(of(&[at(106.012, 1000.0)]), Some(("a".into(), false)));
        let heat = masks(vec![Zone { name: "焦化厂".into(), shape: square(106.02, 39.0, 0.01) }]);
        let list = [at(106.005, 20.0), at(106.025, 20.0)];
        assert_eq!(industrial(&heat, &list.iter().collect::<Vec<_>>()).as_deref(), Some("焦化厂"));
        assert_eq!(industrial(&heat, &[&list[0]]), None);
    }
}
