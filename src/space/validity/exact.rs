//! Exact predicates on points and segments.

use std::cmp::Ordering;

use geo::Coord;
use robust::{Coord as Rc, orient2d};

/// Positive where `c` lies left of the way from `a` to `b`, negative right of it, 0 on the line; the sign is exact.
#[inline]
pub(super) fn side(a: Coord<f64>, b: Coord<f64>, c: Coord<f64>) -> f64 {
    // Shewchuk's first filter (ccwerrboundA), inlined: all but nearly collinear points end here
    let (l, r) = ((a.x - c.x) * (b.y - c.y), (a.y - c.y) * (b.x - c.x));
    let det = l - r;
    const BOUND: f64 = (3.0 + 16.0 * (f64::EPSILON / 2.0)) * (f64::EPSILON / 2.0);
    if det.abs() > BOUND * (l.abs() + r.abs()) {
        return det;
    }
    orient2d(Rc { x: a.x, y: a.y }, Rc { x: b.x, y: b.y }, Rc { x: c.x, y: c.y })
}

/// The order in which a sweep from left to right meets points: by x, then by y.
#[inline]
pub(super) fn before(a: Coord<f64>, b: Coord<f64>) -> bool {
    a.x < b.x || (a.x == b.x && a.y < b.y)
}

/// As [`before`], for sorting finite points.
#[inline]
pub(super) fn order(a: Coord<f64>, b: Coord<f64>) -> Ordering {
    if before(a, b) {
        Ordering::Less
    } else if a == b {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

/// How two segments meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meet {
    /// Not at all.
    Apart,
    /// Each passes through the other; the point is rounded.
    Cross(Coord<f64>),
    /// At one point, which is an end of one of them at least.
    Touch(Coord<f64>),
    /// Along a piece, which begins here.
    Overlap(Coord<f64>),
}

/// How segments `ab` and `cd` meet. Neither is a point.
pub(super) fn meet(a: Coord<f64>, b: Coord<f64>, c: Coord<f64>, d: Coord<f64>) -> Meet {
    let (oc, od) = (side(a, b, c), side(a, b, d));
    if (oc > 0.0 && od > 0.0) || (oc < 0.0 && od < 0.0) {
        return Meet::Apart;
    }
    let (oa, ob) = (side(c, d, a), side(c, d, b));
    if (oa > 0.0 && ob > 0.0) || (oa < 0.0 && ob < 0.0) {
        return Meet::Apart;
    }
    if oc == 0.0 && od == 0.0 {
        let sorted = |p, q| if before(p, q) { (p, q) } else { (q, p) };
        let ((al, ar), (cl, cr)) = (sorted(a, b), sorted(c, d));
        let (l, r) = (if before(al, cl) { cl } else { al }, if before(ar, cr) { ar } else { cr });
        return match order(l, r) {
            Ordering::Less => Meet::Overlap(l),
            Ordering::Equal => Meet::Touch(l),
            Ordering::Greater => Meet::Apart,
        };
    }
    for (o, p) in [(oc, c), (od, d), (oa, a), (ob, b)] {
        if o == 0.0 {
            return Meet::Touch(p);
        }
    }
    let t = oa / (oa - ob);
    Meet::Cross(Coord { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) })
}

/// True where `p → a` and `p → b` point the same way.
fn same_way(p: Coord<f64>, a: Coord<f64>, b: Coord<f64>) -> bool {
    before(p, a) == before(p, b) && side(p, a, b) == 0.0
}

/// True where the ray from `p` through `x` lies strictly within the turn to the left from that through `a` to that
/// through `b`. None of the rays coincide with that through `x`; equal `a` and `b` turn all the way round.
pub(super) fn within_turn(p: Coord<f64>, a: Coord<f64>, x: Coord<f64>, b: Coord<f64>) -> bool {
    let turn = side(p, a, b);
    if turn > 0.0 {
        side(p, a, x) > 0.0 && side(p, x, b) > 0.0
    } else if turn < 0.0 {
        !(side(p, b, x) > 0.0 && side(p, x, a) > 0.0)
    } else {
        same_way(p, a, b) || side(p, a, x) > 0.0
    }
}

/// True where two ways through `p`, `a[0] → p → a[1]` and `b[0] → p → b[1]`, pass through each other there; false where
/// they only touch, and where a piece of them coincides.
pub(super) fn cross_at(p: Coord<f64>, a: [Coord<f64>; 2], b: [Coord<f64>; 2]) -> bool {
    if a.iter().any(|&x| b.iter().any(|&y| same_way(p, x, y))) {
        return false;
    }
    within_turn(p, a[0], b[0], a[1]) != within_turn(p, a[0], b[1], a[1])
}
