//! The indexes that are compared, behind one trait. Each is asked in the fastest way its interface has.

use std::cell::RefCell;
use std::num::NonZero;
use std::ops::ControlFlow;

use geo::{Coord, Rect};
use geo_index::rtree::sort::HilbertSort;
use geo_index::rtree::{RTree as GeoIndexTree, RTreeBuilder, RTreeIndex};
use geos::SpatialIndex;
use heshan::space::index::{BoxIndex, Neighbour, Scratch};
use packed_spatial_index as psi;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use static_aabb2d_index as aabb;

/// Number of hits and the sum of their item numbers (windows, joins) or of their distances (nearest).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sum {
    pub hits: u64,
    pub sum: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.hits += 1;
        self.sum += value;
    }
}

pub trait Peer: Sized {
    const NAME: &'static str;
    /// Builds with several threads.
    const PARALLEL: bool = false;
    /// Holds points only.
    const POINTS: bool = false;
    fn build(boxes: &[Rect<f64>]) -> Self;
    fn window(&self, _windows: &[Rect<f64>]) -> Option<Sum> {
        None
    }
    fn nearest(&self, _points: &[Coord<f64>], _k: usize) -> Option<Sum> {
        None
    }
    fn join(&self, _other: &Self) -> Option<Sum> {
        None
    }
}

pub struct Heshan(pub BoxIndex);

impl Peer for Heshan {
    const NAME: &'static str = "heshan";
    const PARALLEL: bool = true;
    fn build(boxes: &[Rect<f64>]) -> Self {
        Self(BoxIndex::build(boxes).unwrap())
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let (mut s, mut hits) = (Sum::default(), Vec::new());
        for w in windows {
            hits.clear();
            self.0.window_unsorted(w, &mut hits);
            hits.iter().for_each(|&i| s.add(f64::from(i)));
        }
        Some(s)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let (mut s, mut scratch, mut near) = (Sum::default(), Scratch::default(), Vec::<Neighbour>::new());
        for &p in points {
            near.clear();
            self.0.nearest_into(p, k, &mut scratch, &mut near);
            near.iter().for_each(|n| s.add(n.distance));
        }
        Some(s)
    }
    fn join(&self, other: &Self) -> Option<Sum> {
        let mut s = Sum::default();
        self.0.join(&other.0).iter().for_each(|p| s.add(f64::from(p.0) + f64::from(p.1)));
        Some(s)
    }
}

pub struct GeoIndex(GeoIndexTree<f64>);

impl Peer for GeoIndex {
    const NAME: &'static str = "geo-index";
    fn build(boxes: &[Rect<f64>]) -> Self {
        let mut b = RTreeBuilder::new(boxes.len() as u32);
        for r in boxes {
            b.add(r.min().x, r.min().y, r.max().x, r.max().y);
        }
        Self(b.finish::<HilbertSort>())
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let mut s = Sum::default();
        for w in windows {
            let hits = self.0.search(w.min().x, w.min().y, w.max().x, w.max().y);
            hits.iter().for_each(|&i| s.add(f64::from(i)));
        }
        Some(s)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let mut s = Sum::default();
        for p in points {
            s.hits += self.0.neighbors(p.x, p.y, Some(k), None).len() as u64;
        }
        // gives items without distances: only their number is compared
        Some(Sum { sum: f64::NAN, ..s })
    }
    fn join(&self, other: &Self) -> Option<Sum> {
        let mut s = Sum::default();
        self.0.intersection_candidates_with_other_tree(&other.0).for_each(|p| s.add(f64::from(p.0) + f64::from(p.1)));
        Some(s)
    }
}

type Boxed = GeomWithData<Rectangle<[f64; 2]>, u32>;
pub struct RStar(RTree<Boxed>);

impl Peer for RStar {
    const NAME: &'static str = "rstar";
    fn build(boxes: &[Rect<f64>]) -> Self {
        let of =
            |(i, r): (usize, &Rect<f64>)| Boxed::new(Rectangle::from_corners(r.min().into(), r.max().into()), i as u32);
        Self(RTree::bulk_load(boxes.iter().enumerate().map(of).collect()))
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let mut s = Sum::default();
        for w in windows {
            let w = AABB::from_corners(w.min().into(), w.max().into());
            let _ = self.0.locate_in_envelope_intersecting_int(w, |b| {
                s.add(f64::from(b.data));
                ControlFlow::<()>::Continue(())
            });
        }
        Some(s)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let mut s = Sum::default();
        for p in points {
            let near = self.0.nearest_neighbor_iter_with_distance_2([p.x, p.y]);
            near.take(k).for_each(|(_, d2)| s.add(d2.sqrt()));
        }
        Some(s)
    }
    fn join(&self, other: &Self) -> Option<Sum> {
        let mut s = Sum::default();
        for (a, b) in self.0.intersection_candidates_with_other_tree(&other.0) {
            s.add(f64::from(a.data) + f64::from(b.data));
        }
        Some(s)
    }
}

pub struct PackedSpatialIndex(psi::SimdIndex2D);

fn box2d(r: &Rect<f64>) -> psi::Box2D {
    psi::Box2D::new(r.min().x, r.min().y, r.max().x, r.max().y)
}

impl Peer for PackedSpatialIndex {
    const NAME: &'static str = "packed_spatial_index";
    const PARALLEL: bool = true;
    fn build(boxes: &[Rect<f64>]) -> Self {
        let mut b = psi::Index2DBuilder::new(boxes.len()).parallel(rayon::current_num_threads() > 1);
        boxes.iter().for_each(|r| b.add(box2d(r)));
        Self(b.finish_simd().unwrap())
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let (mut s, mut space) = (Sum::default(), psi::SearchWorkspace::default());
        for w in windows {
            self.0.search_with(box2d(w), &mut space).iter().for_each(|&i| s.add(i as f64));
        }
        Some(s)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let mut s = Sum::default();
        for p in points {
            let mut left = k;
            let _ = self.0.visit_neighbors(psi::Point2D::new(p.x, p.y), f64::INFINITY, |_, d2| {
                s.add(d2.sqrt());
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
        }
        Some(s)
    }
    fn join(&self, other: &Self) -> Option<Sum> {
        let mut s = Sum::default();
        let _: ControlFlow<()> = self.0.join_with(&other.0, |i, j| {
            s.add(i as f64 + j as f64);
            ControlFlow::Continue(())
        });
        Some(s)
    }
}

pub struct StaticAabb(aabb::StaticAABB2DIndex<f64>);

impl Peer for StaticAabb {
    const NAME: &'static str = "static_aabb2d_index";
    fn build(boxes: &[Rect<f64>]) -> Self {
        let mut b = aabb::StaticAABB2DIndexBuilder::new(boxes.len());
        for r in boxes {
            b.add(r.min().x, r.min().y, r.max().x, r.max().y);
        }
        Self(b.build().unwrap())
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let (mut s, mut stack) = (Sum::default(), Vec::new());
        for w in windows {
            let mut hit = |i: usize| s.add(i as f64);
            self.0.visit_query_with_stack(w.min().x, w.min().y, w.max().x, w.max().y, &mut hit, &mut stack);
        }
        Some(s)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let mut s = Sum::default();
        for p in points {
            let mut left = k;
            let mut hit = |_: usize, d2: f64| {
                s.add(d2.sqrt());
                left -= 1;
                if left == 0 { aabb::Control::Break(()) } else { aabb::Control::Continue }
            };
            let _ = self.0.visit_neighbors(p.x, p.y, &mut hit);
        }
        Some(s)
    }
}

pub struct Geos(geos::STRtree<u32>);

fn rectangle(r: &Rect<f64>) -> geos::Geometry {
    geos::Geometry::create_rectangle(r.min().x, r.min().y, r.max().x, r.max().y).unwrap()
}

impl Peer for Geos {
    const NAME: &'static str = "GEOS STRtree";
    fn build(boxes: &[Rect<f64>]) -> Self {
        let mut t = geos::STRtree::with_capacity(10).unwrap();
        for (i, r) in boxes.iter().enumerate() {
            t.insert(&rectangle(r), i as u32);
        }
        // GEOS 3.11 packs its tree at the first query
        t.query(&rectangle(&Rect::new((-9e9, -9e9), (-8e9, -8e9))), |_| ());
        Self(t)
    }
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        let s = RefCell::new(Sum::default());
        for w in windows {
            self.0.query(&rectangle(w), |&i| s.borrow_mut().add(f64::from(i)));
        }
        Some(s.into_inner())
    }
}

pub struct Kiddo(kiddo::ImmutableKdTree<f64, 2>);

impl Peer for Kiddo {
    const NAME: &'static str = "kiddo";
    const POINTS: bool = true;
    fn build(boxes: &[Rect<f64>]) -> Self {
        let points: Vec<[f64; 2]> = boxes.iter().map(|r| [r.min().x, r.min().y]).collect();
        Self(kiddo::ImmutableKdTree::new_from_slice(&points))
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        let (mut s, k) = (Sum::default(), NonZero::new(k)?);
        for p in points {
            let near = self.0.nearest_n::<kiddo::SquaredEuclidean>(&[p.x, p.y], k);
            near.iter().for_each(|n| s.add(n.distance.sqrt()));
        }
        Some(s)
    }
}
