//! The segments of one site's corridor in blocks, for the nearest to a point and those within a distance.

use geo::{Coord, Rect};

use super::inside::Seg;
use crate::space::distance::{point_rect2, point_segment};

/// Segments of a block, and blocks of a larger one.
const BLOCK: usize = 8;

/// Segments in the order of the river, so that neighbours share blocks.
pub(super) struct Close {
    order: Vec<u32>,
    blocks: Vec<Rect<f64>>,
    larger: Vec<Rect<f64>>,
}

impl Close {
    /// Of segments, in an order in which neighbours follow each other.
    pub fn new(segs: &[Seg], order: Vec<u32>) -> Self {
        let of = |k: &u32| {
            let (a, b) = segs[*k as usize];
            Rect::new(a, b)
        };
        let blocks: Vec<Rect<f64>> = order.chunks(BLOCK).filter_map(|c| c.iter().map(of).reduce(union)).collect();
        let larger = blocks.chunks(BLOCK).filter_map(|c| c.iter().copied().reduce(union)).collect();
        Self { order, blocks, larger }
    }

    /// Blocks nearer to a point than a limit that `visit` may lower, with what they hold.
    fn visit(&self, p: Coord<f64>, mut limit2: f64, mut visit: impl FnMut(&[u32], f64) -> f64) {
        for (i, r) in self.larger.iter().enumerate() {
            if point_rect2(p, r) >= limit2 {
                continue;
            }
            for k in i * BLOCK..((i + 1) * BLOCK).min(self.blocks.len()) {
                if point_rect2(p, &self.blocks[k]) < limit2 {
                    let held = &self.order[k * BLOCK..((k + 1) * BLOCK).min(self.order.len())];
                    limit2 = visit(held, limit2);
                }
            }
        }
    }

    /// The segment nearest to a point, but for `own`, and its squared distance, where that is below `limit2`; of several
    /// the first.
    pub fn nearest(&self, segs: &[Seg], p: Coord<f64>, limit2: f64, own: &[u32]) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        self.visit(p, limit2, |held, mut limit2| {
            for &k in held.iter().filter(|k| !own.contains(k)) {
                let s = segs[k as usize];
                let d2 = point_segment(p, s.0, s.1).1;
                let first = best.is_none_or(|b| (d2, k as usize) < (b.1, b.0));
                if d2 < limit2 || d2 == limit2 && best.is_some() && first {
                    best = Some((k as usize, d2));
                    limit2 = d2;
                }
            }
            limit2
        });
        best
    }

    /// Segments nearer to a point than a distance, but for `own`, appended in no order.
    pub fn within(&self, segs: &[Seg], p: Coord<f64>, limit2: f64, own: &[u32], found: &mut Vec<usize>) {
        self.visit(p, limit2, |held, limit2| {
            let near = |k: &&u32| {
                let s = segs[**k as usize];
                point_segment(p, s.0, s.1).1 < limit2 && !own.contains(k)
            };
            found.extend(held.iter().filter(near).map(|k| *k as usize));
            limit2
        });
    }
}

fn union(a: Rect<f64>, b: Rect<f64>) -> Rect<f64> {
    Rect::new(
        Coord { x: a.min().x.min(b.min().x), y: a.min().y.min(b.min().y) },
        Coord { x: a.max().x.max(b.max().x), y: a.max().y.max(b.max().y) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_brute_force(pts in prop::collection::vec((-50.0..50.0f64, -50.0..50.0f64), 2..300), x in -80.0..80.0f64, y in -80.0..80.0f64,
            d in 0.0..60.0f64, own in 0..40u32) {
            let c = |p: &(f64, f64)| Coord { x: p.0, y: p.1 };
            let segs: Vec<Seg> = pts.windows(2).map(|w| (c(&w[0]), c(&w[1]))).collect();
            let close = Close::new(&segs, (0..segs.len() as u32).collect());
            let p = Coord { x, y };
            let all: Vec<(f64, usize)> = segs.iter().enumerate().filter(|(k, _)| *k != own as usize)
                .map(|(k, s)| (point_segment(p, s.0, s.1).1, k)).collect();
            let brute = all.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).filter(|b| b.0 < d * d);
            let got = close.nearest(&segs, p, d * d, &[own]);
            prop_assert_eq!(got.map(|g| g.1), brute.map(|b| b.0));
            let mut found = Vec::new();
            close.within(&segs, p, d * d, &[own], &mut found);
            found.sort_unstable();
            let near: Vec<usize> = all.iter().filter(|a| a.0 < d * d).map(|a| a.1).collect();
            prop_assert_eq!(found, near);
        }
    }
}
