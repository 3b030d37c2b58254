//! Shapes cut to a rectangle, and thinned to what can be seen.

/// Vertices that lie closer to the last one than this are left out, millimetres.
const SEEN: f64 = 0.02;

/// Without the vertices that cannot be told from the last; ends stay.
pub(super) fn thinned(line: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out: Vec<[f64; 2]> = Vec::with_capacity(line.len());
    for (i, p) in line.iter().enumerate() {
        let far = out.last().is_none_or(|l| (p[0] - l[0]).abs() > SEEN || (p[1] - l[1]).abs() > SEEN);
        if far || i + 1 == line.len() {
            out.push(*p);
        }
    }
    out
}

/// The part of a ring inside a rectangle (left, top, right, bottom), by Sutherland and Hodgman (1974), "Reentrant polygon
/// clipping", CACM 17:32. Where a ring leaves and comes back, its parts stay joined along the edge.
pub(super) fn ring(points: &[[f64; 2]], [left, top, right, bottom]: [f64; 4]) -> Vec<[f64; 2]> {
    let edges: [(usize, f64, bool); 4] = [(0, left, true), (0, right, false), (1, top, true), (1, bottom, false)];
    let mut now = points.to_vec();
    for (axis, value, above) in edges {
        let inside = |p: &[f64; 2]| if above { p[axis] >= value } else { p[axis] <= value };
        let mut next = Vec::with_capacity(now.len());
        for (i, p) in now.iter().enumerate() {
            let before = &now[(i + now.len() - 1) % now.len()];
            if inside(p) != inside(before) {
                next.push(crossing(before, p, axis, value));
            }
            if inside(p) {
                next.push(*p);
            }
        }
        now = next;
    }
    now
}

/// Where a segment has this value along an axis.
fn crossing(a: &[f64; 2], b: &[f64; 2], axis: usize, value: f64) -> [f64; 2] {
    let t = (value - a[axis]) / (b[axis] - a[axis]);
    let mut p = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    p[axis] = value;
    p
}

/// The parts of a line inside a rectangle (Liang and Barsky 1984, ACM Transactions on Graphics 3:1).
pub(super) fn line(points: &[[f64; 2]], rectangle: [f64; 4]) -> Vec<Vec<[f64; 2]>> {
    let mut out: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut open = false;
    for w in points.windows(2) {
        let Some((t0, t1)) = span(w[0], w[1], rectangle) else {
            open = false;
            continue;
        };
        let at = |t: f64| match t {
            0.0 => w[0],
            1.0 => w[1],
            t => [w[0][0] + t * (w[1][0] - w[0][0]), w[0][1] + t * (w[1][1] - w[0][1])],
        };
        match out.last_mut().filter(|_| open && t0 == 0.0) {
            Some(run) => run.push(at(t1)),
            None => out.push(vec![at(t0), at(t1)]),
        }
        open = t1 == 1.0;
    }
    out
}

/// Which stretch of a segment lies inside.
fn span(a: [f64; 2], b: [f64; 2], [left, top, right, bottom]: [f64; 4]) -> Option<(f64, f64)> {
    let (mut t0, mut t1) = (0.0f64, 1.0f64);
    let d = [b[0] - a[0], b[1] - a[1]];
    for (p, q) in [(-d[0], a[0] - left), (d[0], right - a[0]), (-d[1], a[1] - top), (d[1], bottom - a[1])] {
        if p == 0.0 {
            if q < 0.0 {
                return None;
            }
        } else if p < 0.0 {
            t0 = t0.max(q / p);
        } else {
            t1 = t1.min(q / p);
        }
    }
    (t0 <= t1).then_some((t0, t1))
}

/// Twice the area of a ring, signed.
pub(super) fn area2(r: &[[f64; 2]]) -> f64 {
    (0..r.len()).map(|i| (r[i], r[(i + 1) % r.len()])).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_is_cut() {
        let frame = [0.0, 0.0, 10.0, 10.0];
        let square = ring(&[[-5.0, 5.0], [5.0, 5.0], [5.0, 15.0], [-5.0, 15.0]], frame);
        assert_eq!(area2(&square).abs(), 50.0);
        assert!(ring(&[[20.0, 20.0], [30.0, 20.0], [30.0, 30.0]], frame).is_empty());
        let parts = line(&[[-5.0, 5.0], [5.0, 5.0], [5.0, 20.0], [7.0, 20.0], [7.0, 5.0]], frame);
        assert_eq!(parts, [vec![[0.0, 5.0], [5.0, 5.0], [5.0, 10.0]], vec![[7.0, 10.0], [7.0, 5.0]]]);
        assert_eq!(
            thinned(&[[0.0, 0.0], [0.01, 0.0], [1.0, 0.0], [1.001, 0.0]]),
            [[0.0, 0.0], [1.0, 0.0], [1.001, 0.0]]
        );
    }

    proptest::proptest! {
        /// Cutting with a rectangle that a convex ring covers or not, against the area by the intersection of `geo`.
        #[test]
        fn areas_agree_with_geo(p in proptest::collection::vec((-20.0f64..30.0, -20.0f64..30.0), 3)) {
            use geo::{Area, BooleanOps, LineString, Polygon, Rect, coord};
            let points: Vec<[f64; 2]> = p.iter().map(|(x, y)| [*x, *y]).collect();
            let own = area2(&ring(&points, [0.0, 0.0, 10.0, 10.0])).abs() / 2.0;
            let triangle = Polygon::new(LineString::from(p), vec![]);
            let rect = Rect::new(coord! { x: 0.0, y: 0.0 }, coord! { x: 10.0, y: 10.0 }).to_polygon();
            let peer = triangle.intersection(&rect).unsigned_area();
            proptest::prop_assert!((own - peer).abs() < 1e-6, "{own} {peer}");
        }
    }
}
