//! A site in its own plane: outline, bounds, area.

use geo::{BoundingRect, Coord, LineString, MultiPolygon, Polygon, Rect};

use super::inside::Edges;
use crate::space::distance::point_rect2;
use crate::space::frame::{Frame, Metric};
use crate::units::SquareMetres;

/// Edges that share one box in searches.
pub(super) const BLOCK: usize = 8;

/// One polygon of a site.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its edges among the site's.
    pub edges: std::ops::Range<usize>,
    /// Its bounds in the plane.
    pub bounds: Rect<f64>,
    /// Its area in the plane.
    pub area: f64,
}

/// A site in its own plane.
pub struct LocalSite {
    /// The plane.
    pub frame: Frame,
    /// Outline in the plane: exterior rings counter-clockwise, holes clockwise.
    pub(super) edges: Edges,
    pub(super) parts: Vec<Part>,
    /// Boxes round each [`BLOCK`] of edges.
    pub(super) blocks: Vec<Rect<f64>>,
    pub(super) bounds: Rect<f64>,
    /// Bounds in the metric's coordinates.
    pub(super) outer: Rect<f64>,
    /// No vertex lies farther from the plane's centre.
    pub(super) radius: f64,
    /// Area in the plane.
    pub(super) area: f64,
    /// Integral of the squared distance from the centre over the area, m⁴.
    moment: f64,
    /// Starts of the edges, apart by axis: loops over them run in vector registers.
    xs: Vec<f64>,
    ys: Vec<f64>,
}

impl LocalSite {
    /// Puts a site into its own plane; `None` where it has no extent.
    pub fn new(metric: Metric, shape: &MultiPolygon<f64>) -> Option<Self> {
        let outer = shape.bounding_rect()?;
        let frame = Frame::new(metric, outer.center());
        let vertices: usize = shape.0.iter().flat_map(rings).map(|r| r.0.len()).sum();
        let mut edges = Edges::with_capacity(vertices);
        let mut parts = Vec::with_capacity(shape.0.len());
        let (mut area, mut moment) = (0.0, 0.0);
        let mut ring = Vec::new();
        for p in &shape.0 {
            let (first, before) = (edges.len(), area);
            for (k, r) in rings(p).enumerate() {
                let [a, m] = push_ring(metric, &frame, r, if k == 0 { 1.0 } else { -1.0 }, &mut ring, &mut edges);
                (area, moment) = (area + a, moment + m);
            }
            if let Some(bounds) = bounds(&edges[first..]) {
                parts.push(Part { edges: first..edges.len(), bounds, area: area - before });
            }
        }
        let blocks = edges.chunks(BLOCK).filter_map(bounds).collect();
        let xs: Vec<f64> = edges.iter().map(|e| e.0.x).collect();
        let ys: Vec<f64> = edges.iter().map(|e| e.0.y).collect();
        let radius = xs.iter().zip(&ys).map(|(x, y)| x * x + y * y).fold(0.0, f64::max).sqrt();
        let bounds = bounds(&edges)?;
        Some(Self { frame, parts, blocks, bounds, outer, radius, area, moment, xs, ys, edges })
    }

    /// Area on the ellipsoid (of the plane, for a planar metric).
    ///
    /// The plane shows distances from its centre true, so an area at distance r is too large in it by `K r²/6` (K: the
    /// Gaussian curvature, [`Frame::curvature`]); the next terms are below 1e-9 of the area within 50 km. Compared with
    /// Karney's geodesic polygons in tests.
    pub fn area(&self) -> SquareMetres {
        SquareMetres((self.area - self.frame.curvature() / 6.0 * self.moment).max(0.0))
    }

    /// How far the site reaches in a direction: the largest u·p over its points.
    pub(super) fn support(&self, u: Coord<f64>) -> f64 {
        let lanes = |x: &[f64], y: &[f64]| {
            let mut best = [f64::NEG_INFINITY; 4];
            for k in 0..4 {
                best[k] = u.x * x[k] + u.y * y[k];
            }
            best
        };
        let (mut best, n) = ([f64::NEG_INFINITY; 4], self.xs.len() / 4 * 4);
        for (x, y) in self.xs[..n].chunks_exact(4).zip(self.ys[..n].chunks_exact(4)) {
            for (b, v) in best.iter_mut().zip(lanes(x, y)) {
                *b = if v > *b { v } else { *b };
            }
        }
        let rest = self.xs[n..].iter().zip(&self.ys[n..]).map(|(x, y)| u.x * x + u.y * y);
        best.into_iter().chain(rest).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Squared distance from a point to the site's nearest vertex.
    pub(super) fn nearest_vertex2(&self, p: Coord<f64>) -> f64 {
        let mut least = [f64::INFINITY; 4];
        let n = self.xs.len() / 4 * 4;
        for (x, y) in self.xs[..n].chunks_exact(4).zip(self.ys[..n].chunks_exact(4)) {
            for k in 0..4 {
                let (dx, dy) = (x[k] - p.x, y[k] - p.y);
                let d2 = dx * dx + dy * dy;
                least[k] = if d2 < least[k] { d2 } else { least[k] };
            }
        }
        let rest = self.xs[n..].iter().zip(&self.ys[n..]).map(|(x, y)| (x - p.x).powi(2) + (y - p.y).powi(2));
        least.into_iter().chain(rest).fold(f64::INFINITY, f64::min)
    }

    /// Squared distance from a point to the site's farthest.
    pub(super) fn farthest2(&self, p: Coord<f64>) -> f64 {
        self.xs.iter().zip(&self.ys).map(|(x, y)| (x - p.x).powi(2) + (y - p.y).powi(2)).fold(0.0, f64::max)
    }

    /// Edges that reach to `least` or farther in a direction (u·p), appended.
    pub(super) fn edges_beyond(&self, u: Coord<f64>, least: f64, found: &mut Vec<u32>) {
        for (k, (a, b)) in self.edges.iter().enumerate() {
            if (u.x * a.x + u.y * a.y).max(u.x * b.x + u.y * b.y) >= least {
                found.push(k as u32);
            }
        }
    }

    /// Edges whose boxes meet a box, appended.
    pub(super) fn edges_near(&self, lo: Coord<f64>, hi: Coord<f64>, found: &mut Vec<u32>) {
        for (k, r) in self.blocks.iter().enumerate() {
            if r.min().x > hi.x || r.max().x < lo.x || r.min().y > hi.y || r.max().y < lo.y {
                continue;
            }
            for i in k * BLOCK..((k + 1) * BLOCK).min(self.edges.len()) {
                let (a, b) = self.edges[i];
                if a.x.max(b.x) >= lo.x && a.x.min(b.x) <= hi.x && a.y.max(b.y) >= lo.y && a.y.min(b.y) <= hi.y {
                    found.push(i as u32);
                }
            }
        }
    }

    /// True where a point may lie inside.
    pub(super) fn may_hold(&self, p: Coord<f64>) -> bool {
        point_rect2(p, &self.bounds) == 0.0
    }
}

fn rings(p: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(p.exterior()).chain(p.interiors())
}

pub(super) fn bounds(edges: &[(Coord<f64>, Coord<f64>)]) -> Option<Rect<f64>> {
    let first = edges.first()?.0;
    let (mut lo, mut hi) = (first, first);
    for (a, b) in edges {
        lo = Coord { x: lo.x.min(a.x).min(b.x), y: lo.y.min(a.y).min(b.y) };
        hi = Coord { x: hi.x.max(a.x).max(b.x), y: hi.y.max(a.y).max(b.y) };
    }
    Some(Rect::new(lo, hi))
}

/// Adds a ring with the wanted turn (1 counter-clockwise, -1 clockwise); answers its signed area and ∫r² dA.
fn push_ring(
    metric: Metric,
    frame: &Frame,
    ring: &LineString<f64>,
    turn: f64,
    p: &mut Vec<Coord<f64>>,
    edges: &mut Edges,
) -> [f64; 2] {
    p.clear();
    p.extend(ring.0.first().map(|&c| frame.forward(c)));
    for w in ring.0.windows(2) {
        if !metric.straight(w[0], w[1]) {
            p.extend(metric.between(w[0], w[1]).map(|c| frame.forward(c)));
        }
        p.push(frame.forward(w[1]));
    }
    let (mut twice, mut moment) = (0.0, 0.0);
    for w in p.windows(2) {
        let (a, b) = (w[0], w[1]);
        let cross = a.x * b.y - b.x * a.y;
        twice += cross;
        moment += cross * (a.x * a.x + a.x * b.x + b.x * b.x + a.y * a.y + a.y * b.y + b.y * b.y);
    }
    if twice * turn < 0.0 {
        p.reverse();
    }
    edges.extend(p.windows(2).filter(|w| w[0] != w[1]).map(|w| (w[0], w[1])));
    let sign = turn * if twice < 0.0 { -1.0 } else { 1.0 };
    [sign * 0.5 * twice, sign * moment / 12.0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::area;
    use geo::polygon;
    use proptest::prelude::*;

    proptest! {
        // Karney's geodesic polygons know nothing of planes
        #[test]
        fn areas_are_those_of_geodesic_polygons(lon in 74.0..135.0f64, lat in 4.0..53.0f64, size in 1e-4..0.3f64,
            radii in prop::collection::vec(0.2..1.0f64, 3..40), hole in prop::bool::ANY) {
            let ring = |scale: f64| -> LineString<f64> {
                let n = radii.len() as f64;
                let mut c: Vec<Coord<f64>> = radii.iter().enumerate().map(|(i, r)| {
                    let (s, k) = (std::f64::consts::TAU * i as f64 / n).sin_cos();
                    Coord { x: lon + scale * size * r * k, y: lat + scale * size * r * s }
                }).collect();
                c.push(c[0]);
                LineString(c)
            };
            let shape = MultiPolygon(vec![Polygon::new(ring(1.0), if hole { vec![ring(0.4)] } else { vec![] })]);
            let (ours, karney) = (LocalSite::new(Metric::Geodesic, &shape).unwrap().area().0, area::ellipsoidal(&shape).0);
            // both divide edges into parts of 200 m, straight here in the plane and there on the geodesic; geographiclib's
            // sums carry 1.5e-4 m² of rounding whatever the size (found against an equal-area projection)
            prop_assert!((ours - karney).abs() <= 2e-8 * karney + 3e-4, "{ours} {karney}");
        }
    }

    #[test]
    fn support_and_farthest() {
        let p = polygon![(x: 0., y: 0.), (x: 10., y: 0.), (x: 10., y: 4.), (x: 5., y: 4.), (x: 0., y: 4.)];
        let s = LocalSite::new(Metric::Planar, &MultiPolygon(vec![p])).unwrap();
        assert_eq!(s.support(Coord { x: 1.0, y: 0.0 }), 5.0);
        assert_eq!(s.support(Coord { x: 0.0, y: -1.0 }), 2.0);
        assert_eq!(s.farthest2(Coord { x: -5.0, y: -2.0 }), 116.0);
        assert_eq!((s.area, s.area().0), (40.0, 40.0));
    }
}
