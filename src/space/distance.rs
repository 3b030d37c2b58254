//! Distances in a plane: points, segments, polygon outlines.

use geo::{Coord, Rect};
use robust::{Coord as Rc, orient2d};

/// The nearest point of segment `ab` to `p`, as a fraction along it, and the squared distance.
pub fn point_segment(p: Coord<f64>, a: Coord<f64>, b: Coord<f64>) -> (f64, f64) {
    let d = b - a;
    let len2 = d.x * d.x + d.y * d.y;
    let t = if len2 > 0.0 { (((p.x - a.x) * d.x + (p.y - a.y) * d.y) / len2).clamp(0.0, 1.0) } else { 0.0 };
    let (ex, ey) = (a.x + t * d.x - p.x, a.y + t * d.y - p.y);
    (t, ex * ex + ey * ey)
}

/// Distance of a point to a segment.
pub fn point_segment_m(p: Coord<f64>, a: Coord<f64>, b: Coord<f64>) -> f64 {
    point_segment(p, a, b).1.sqrt()
}

/// Where two segments come nearest: fractions along each, and the squared distance (0 where they meet).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Fraction along the first segment.
    pub s: f64,
    /// Fraction along the second.
    pub t: f64,
    /// Squared distance.
    pub d2: f64,
}

fn side(a: Coord<f64>, b: Coord<f64>, p: Coord<f64>) -> f64 {
    orient2d(Rc { x: a.x, y: a.y }, Rc { x: b.x, y: b.y }, Rc { x: p.x, y: p.y })
}

/// Nearest points of segments `ab` and `cd`. Whether they cross is decided by exact predicates
/// (Shewchuk 1997), so segments that meet have distance exactly 0.
pub fn segment_segment(a: Coord<f64>, b: Coord<f64>, c: Coord<f64>, d: Coord<f64>) -> Nearest {
    let apart = |a: f64, b: f64, c: f64, d: f64| a.max(b) < c.min(d) || a.min(b) > c.max(d);
    // boxes that do not meet hold no crossing, and cost no exact predicate
    if !(apart(a.x, b.x, c.x, d.x) || apart(a.y, b.y, c.y, d.y)) {
        let (s1, s2) = (side(c, d, a), side(c, d, b));
        if (s1 > 0.0) != (s2 > 0.0) || s1 == 0.0 || s2 == 0.0 {
            let (s3, s4) = (side(a, b, c), side(a, b, d));
            if s1 * s2 < 0.0 && s3 * s4 < 0.0 {
                return Nearest { s: s1 / (s1 - s2), t: s3 / (s3 - s4), d2: 0.0 };
            }
        }
    }
    let (t0, d0) = point_segment(a, c, d);
    let (t1, d1) = point_segment(b, c, d);
    let (u0, e0) = point_segment(c, a, b);
    let (u1, e1) = point_segment(d, a, b);
    let mut best = Nearest { s: 0.0, t: t0, d2: d0 };
    for n in [Nearest { s: 1.0, t: t1, d2: d1 }, Nearest { s: u0, t: 0.0, d2: e0 }, Nearest { s: u1, t: 1.0, d2: e1 }] {
        if n.d2 < best.d2 {
            best = n;
        }
    }
    best
}

/// Squared distance from a point to a box (0 inside).
pub fn point_rect2(p: Coord<f64>, r: &Rect<f64>) -> f64 {
    let dx = (r.min().x - p.x).max(p.x - r.max().x).max(0.0);
    let dy = (r.min().y - p.y).max(p.y - r.max().y).max(0.0);
    dx * dx + dy * dy
}

/// A lower bound of the squared distance from segment `ab` to a box: the gap between their boxes.
pub fn segment_rect2(a: Coord<f64>, b: Coord<f64>, r: &Rect<f64>) -> f64 {
    let dx = (r.min().x - a.x.max(b.x)).max(a.x.min(b.x) - r.max().x).max(0.0);
    let dy = (r.min().y - a.y.max(b.y)).max(a.y.min(b.y) - r.max().y).max(0.0);
    dx * dx + dy * dy
}

/// True where `p` lies inside the even-odd region of the edges (the outline of a polygon, holes included).
pub fn inside(p: Coord<f64>, edges: &[(Coord<f64>, Coord<f64>)]) -> bool {
    let mut odd = false;
    for &(a, b) in edges {
        if (a.y > p.y) != (b.y > p.y) {
            let up = b.y > a.y;
            let o = side(a, b, p);
            if (o > 0.0) == up {
                odd = !odd;
            }
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(x: f64, y: f64) -> Coord<f64> {
        Coord { x, y }
    }

    #[test]
    fn crossing_segments_touch() {
        let n = segment_segment(c(0., 0.), c(4., 4.), c(0., 4.), c(4., 0.));
        assert_eq!(n, Nearest { s: 0.5, t: 0.5, d2: 0.0 });
    }

    #[test]
    fn parallel_and_end_to_end() {
        assert_eq!(segment_segment(c(0., 0.), c(4., 0.), c(1., 3.), c(2., 3.)).d2, 9.0);
        assert_eq!(segment_segment(c(0., 0.), c(1., 0.), c(4., 4.), c(9., 9.)).d2, 25.0);
        assert_eq!(segment_segment(c(0., 0.), c(2., 0.), c(2., 0.), c(2., 5.)).d2, 0.0);
        // a T: the end of one on the middle of the other
        assert_eq!(segment_segment(c(0., 0.), c(4., 0.), c(2., 0.), c(2., 5.)).d2, 0.0);
    }

    #[test]
    fn inside_respects_holes() {
        let ring = |pts: &[(f64, f64)]| {
            (0..pts.len())
                .map(|i| {
                    let (a, b) = (pts[i], pts[(i + 1) % pts.len()]);
                    (c(a.0, a.1), c(b.0, b.1))
                })
                .collect::<Vec<_>>()
        };
        let mut e = ring(&[(0., 0.), (10., 0.), (10., 10.), (0., 10.)]);
        e.extend(ring(&[(4., 4.), (4., 6.), (6., 6.), (6., 4.)]));
        assert!(inside(c(1., 1.), &e) && !inside(c(5., 5.), &e) && !inside(c(11., 5.), &e));
    }
}
