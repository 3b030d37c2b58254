//! What lies inside along a horizontal line: a check of overlays that shares nothing with them.

use geo::{BoundingRect, Coord, LineString, MultiLineString, MultiPolygon};

/// The lines of [`differ`] and [`buffer_differs`], as fractions of the height: multiples of the golden section, so that
/// no regular shape has all its edges between them.
const LINES: usize = 7;
const BUFFER_LINES: usize = 64;

fn fraction(k: usize) -> f64 {
    (k as f64 * 0.618_033_988_749_895).fract()
}

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
            Coord { x: p.min().x.min(q.min().x), y: p.min().y.min(q.min().y) },
            Coord { x: p.max().x.max(q.max().x), y: p.max().y.max(q.max().y) },
        )
    });
    let Some(bounds) = bounds else { return !result.0.is_empty() };
    let result = region(result);
    let mut crossings: Vec<(f64, usize)> = Vec::new();
    (1..=LINES).any(|k| {
        let y = bounds.min().y + fraction(k) * bounds.height();
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

/// True where `result` is surely not the round buffer of the lines at distance `d`, drawn with chords over `angle`
/// radians: along 64 lines across it, the pieces that differ are longer than 1e-4 of the width and `4 d angle`.
///
/// A chord lies `d (1 − cos(angle / 2))` within its arc at most; a line that touches the arc misses a piece of
/// `d angle` by it.
pub(super) fn buffer_differs(lines: &MultiLineString<f64>, d: f64, angle: f64, result: &MultiPolygon<f64>) -> bool {
    let Some(r) = lines.bounding_rect() else { return !result.0.is_empty() };
    let allowed = 1e-4 * (r.width() + 2.0 * d) + 4.0 * d * angle;
    let region = region(result);
    let (mut is, mut should) = (Vec::new(), Vec::new());
    (1..=BUFFER_LINES).any(|k| {
        let y = r.min().y - d + fraction(k) * (r.height() + 2.0 * d);
        is.clear();
        should.clear();
        region.iter().for_each(|l| cross(l, y, 0, &mut is));
        is.sort_by(|p, q| p.0.total_cmp(&q.0));
        should.extend(lines.0.iter().flat_map(|l| l.0.windows(2)).filter_map(|w| capsule(w[0], w[1], d, y)));
        should.sort_by(|p, q| p.0.total_cmp(&q.0));
        apart(&is, &should) > allowed
    })
}

/// Where the line at `y` runs within `d` of a segment: one piece, for that region is convex.
fn capsule(a: Coord<f64>, b: Coord<f64>, d: f64, y: f64) -> Option<(f64, f64)> {
    let disk = |c: Coord<f64>| (d * d - (y - c.y) * (y - c.y)).sqrt();
    let mut xs: Vec<f64> =
        [a, b].iter().flat_map(|&c| [c.x - disk(c), c.x + disk(c)]).filter(|x| !x.is_nan()).collect();
    let length = (b.x - a.x).hypot(b.y - a.y);
    if length > 0.0 {
        let n = Coord { x: (a.y - b.y) / length * d, y: (b.x - a.x) / length * d };
        let mut sides = Vec::new();
        cross(&LineString(vec![a + n, b + n, b - n, a - n, a + n]), y, 0, &mut sides);
        xs.extend(sides.iter().map(|s| s.0));
    }
    let (low, high) = (xs.iter().copied().reduce(f64::min)?, xs.iter().copied().reduce(f64::max)?);
    Some((low, high))
}

/// The length that lies in one and not in the other: the pieces between every two crossings, and pieces that may overlap.
fn apart(crossings: &[(f64, usize)], pieces: &[(f64, f64)]) -> f64 {
    let mut ends: Vec<(f64, i32, bool)> = crossings.iter().map(|c| (c.0, 0, true)).collect();
    ends.extend(pieces.iter().flat_map(|p| [(p.0, 1, false), (p.1, -1, false)]));
    ends.sort_by(|p, q| p.0.total_cmp(&q.0));
    let (mut depth, mut inside, mut x, mut sum) = (0, false, f64::NEG_INFINITY, 0.0);
    for (at, step, turn) in ends {
        if (depth > 0) != inside {
            sum += at - x;
        }
        depth += step;
        inside ^= turn;
        x = at;
    }
    sum
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
    #[test]
    fn a_hole_in_a_buffer_is_seen() {
        use geo::{
            Buffer,
            algorithm::buffer::{BufferStyle, LineCap, LineJoin},
            line_string,
        };
        let lines = MultiLineString(vec![line_string![(x: 0., y: 0.), (x: 10., y: 3.), (x: 12., y: 20.)]]);
        let style = BufferStyle::new(1.0).line_cap(LineCap::Round(0.01)).line_join(LineJoin::Round(0.01));
        let mut m = lines.buffer_with_style(style);
        assert!(!buffer_differs(&lines, 1.0, 0.01, &m));
        m.0[0].interiors_push(line_string![(x: 4., y: 1.), (x: 5., y: 1.), (x: 5., y: 2.), (x: 4., y: 1.)]);
        assert!(buffer_differs(&lines, 1.0, 0.01, &m));
    }
}
