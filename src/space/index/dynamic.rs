//! An index that grows and shrinks: `rstar`'s R*-tree, with items that keep their number.

use geo::{Coord, Rect};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::packed::finite;
use super::{IndexError, Neighbour};

type Entry = GeomWithData<Rectangle<[f64; 2]>, u32>;

/// Bounds beyond it are refused: areas and squared distances of such boxes leave the range of `f64`.
const LIMIT: f64 = 1e150;

/// An index of boxes that come and go.
///
/// An item keeps its number until it is removed, and no number is used twice.
#[derive(Debug, Clone, Default)]
pub struct DynamicIndex {
    tree: RTree<Entry>,
    /// Box of each item; none once removed.
    boxes: Vec<Option<Rect<f64>>>,
}

impl DynamicIndex {
    /// An index of these boxes, numbered by position; faster than inserting one by one.
    ///
    /// # Errors
    /// As [`DynamicIndex::insert`], by the position of the box.
    pub fn of(boxes: &[Rect<f64>]) -> Result<Self, IndexError> {
        u32::try_from(boxes.len()).map_err(|_| IndexError::TooMany(boxes.len()))?;
        if let Some(i) = boxes.iter().position(|r| !fit(r)) {
            return Err(refused(&boxes[i], i));
        }
        let tree = RTree::bulk_load(boxes.iter().enumerate().map(|(i, r)| entry(r, i as u32)).collect());
        Ok(Self { tree, boxes: boxes.iter().copied().map(Some).collect() })
    }

    /// Adds a box; answers the number of the item.
    ///
    /// # Errors
    /// [`IndexError::NotFinite`] for NaN and infinite bounds, [`IndexError::TooLarge`] beyond ±1e150, both with the number
    /// the item would have got; [`IndexError::TooMany`] after 2^32 - 1 items.
    pub fn insert(&mut self, r: &Rect<f64>) -> Result<u32, IndexError> {
        let item = u32::try_from(self.boxes.len()).ok().filter(|&i| i < u32::MAX);
        let item = item.ok_or(IndexError::TooMany(self.boxes.len()))?;
        if !fit(r) {
            return Err(refused(r, self.boxes.len()));
        }
        self.tree.insert(entry(r, item));
        self.boxes.push(Some(*r));
        Ok(item)
    }

    /// Takes an item out; answers its box, or none where there is no such item.
    pub fn remove(&mut self, item: u32) -> Option<Rect<f64>> {
        let r = self.boxes.get_mut(item as usize)?.take()?;
        self.tree.remove(&entry(&r, item));
        Some(r)
    }

    /// The box of an item.
    pub fn get(&self, item: u32) -> Option<Rect<f64>> {
        self.boxes.get(item as usize).copied().flatten()
    }

    /// Number of items that are in the index.
    pub fn len(&self) -> usize {
        self.tree.size()
    }

    /// True where there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Items whose box meets the window, touching included, in item order. A window with a NaN meets nothing.
    pub fn window(&self, w: &Rect<f64>) -> Vec<u32> {
        let envelope = AABB::from_corners([w.min().x, w.min().y], [w.max().x, w.max().y]);
        let mut hits: Vec<u32> = self.tree.locate_in_envelope_intersecting(envelope).map(|e| e.data).collect();
        hits.sort_unstable();
        hits
    }

    /// The box nearest to a point, 0 within; the least item of several equally near. None in an empty index or where
    /// the point is not finite.
    pub fn nearest(&self, p: Coord<f64>) -> Option<Neighbour> {
        self.nearest_k(p, 1).pop()
    }

    /// The `k` boxes nearest to a point, nearest first, ties by item. Empty where the point is not finite.
    ///
    /// Looks at all items that are as near as the last one: slow where very many are equally near.
    pub fn nearest_k(&self, p: Coord<f64>, k: usize) -> Vec<Neighbour> {
        if k == 0 || !(p.x.is_finite() && p.y.is_finite()) {
            return Vec::new();
        }
        let mut near: Vec<(f64, u32)> = Vec::new();
        for (e, d2) in self.tree.nearest_neighbor_iter_with_distance_2([p.x, p.y]) {
            if near.get(k - 1).is_some_and(|last| d2 > last.0) {
                break;
            }
            near.push((d2, e.data));
        }
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(k);
        near.into_iter().map(|(d2, item)| Neighbour { item, distance: d2.sqrt() }).collect()
    }
}

fn entry(r: &Rect<f64>, item: u32) -> Entry {
    Entry::new(Rectangle::from_corners([r.min().x, r.min().y], [r.max().x, r.max().y]), item)
}

fn fit(r: &Rect<f64>) -> bool {
    [r.min().x, r.min().y, r.max().x, r.max().y].iter().all(|v| v.abs() <= LIMIT)
}

fn refused(r: &Rect<f64>, item: usize) -> IndexError {
    if finite(r) { IndexError::TooLarge(item) } else { IndexError::NotFinite(item) }
}
