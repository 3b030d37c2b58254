//! What lies inside along a horizontal line: a check of overlays that shares nothing with them.

use geo::{BoundingRect, LineString, MultiPolygon};

/// The lines of [`differ`], as fractions of the height: multiples of the golden section, so that no regular shape has
/// all its edges between them.
const LINES: usize = 7;

/// Rings whose even-odd region is meant.
pub(super) type Region<'a> = Vec<&'a LineString<f64>>;

/// All rings of a shape.
pub(super) fn region(shape: &MultiPolygon<f64>) -> Region<'_> {
    shape.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).collect()
}

/// True where `result` is surely not what `expected(inside a, inside b)` says: along seven lines across the shapes, the
/// pieces that differ are longer than 1e-4 of the width.
///
/// Overlays move points by about 1e-9 of the extent, which moves where a line crosses an edge by as much over the
/// edge's slope; only edges flatter than 1e-5 raise a false alarm.
pub(super) fn differ(
    a: &Region<'_>,
    b: &Region<'_>,
    result: &MultiPolygon<f64>,
    expected: impl Fn(bool, bool) -> bool,
) -> bool {
    let bounds = a.iter().chain(b).filter_map(|l| l.bounding_rect()).reduce(|p, q| {
        geo::Rect::new(
            geo::Coord { x: p.min().x.min(q.min().x), y: p.min().y.min(q.min().y) },
            geo::Coord { x: p.max().x.max(q.max().x), y: p.max().y.max(q.max().y) },
        )
    });
    let Some(bounds) = bounds else { return !result.0.is_empty() };
    let result = region(result);
    let mut crossings: Vec<(f64, usize)> = Vec::new();
    (1..=LINES).any(|k| {
        let fraction = (k as f64 * 0.618_033_988_749_895).fract();
        let y = bounds.min().y + fraction * bounds.height();
        crossings.clear();
        for (which, rings) in [a, b, &result].into_iter().enumerate() {
            rings.iter().for_each(|l| cross(l, y, which, &mut crossings));
        }
        crossings.sort_by(|p, q| p.0.total_cmp(&q.0));
        let mut inside = [false; 3];
        let mut wrong = 0.0;
        let mut x = f64::NEG_INFINITY;
        for &(at, which) in &crossings {
            if expected(inside[0], inside[1]) != inside[2] {
                wrong += at - x;
            }
            inside[which] = !inside[which];
            x = at;
        }
        wrong > 1e-4 * bounds.width() || inside != [false; 3]
    })
}

fn cross(ring: &LineString<f64>, y: f64, which: usize, out: &mut Vec<(f64, usize)>) {
    for w in ring.0.windows(2) {
        let (a, b) = (w[0], w[1]);
        if (a.y > y) != (b.y > y) {
            out.push((a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x), which));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    #[test]
    fn a_missing_piece_is_seen() {
        let square = |x: f64| polygon![(x: x, y: 0.), (x: x + 4., y: 0.), (x: x + 4., y: 4.), (x: x, y: 4.)];
        let (a, b) = (MultiPolygon(vec![square(0.0)]), MultiPolygon(vec![square(2.0)]));
        let both = MultiPolygon(vec![polygon![(x: 0., y: 0.), (x: 6., y: 0.), (x: 6., y: 4.), (x: 0., y: 4.)]]);
        let or = |a: bool, b: bool| a || b;
        assert!(!differ(&region(&a), &region(&b), &both, or));
        assert!(differ(&region(&a), &region(&b), &a, or));
        assert!(differ(&region(&a), &region(&b), &both, |a, b| a && b));
        assert!(differ(&region(&a), &region(&b), &MultiPolygon(Vec::new()), or));
    }
}
