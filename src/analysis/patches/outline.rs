//! Polygons on pixel edges around the runs of a component.
//!
//! Every run has a left and a right edge. Along each line between two rows the ends of edges above and below are joined
//! from left to right: where both go on they are one edge, where only one ends a horizontal piece begins or ends. Where
//! two pixels of the component touch at a corner only, rings turn around the pixel outside: as the component is connected
//! by edges, the two pixels outside then belong to different rings, no ring touches itself, and the polygon is valid
//! (a hole may touch the outer ring, or another hole, at a corner).

use geo::{Coord, LineString, MultiPolygon, Polygon};

use super::{Connectivity, Span};

/// Polygons around sorted runs of one component; `place` gives the coordinates of a corner (column, row). Outer rings run
/// anticlockwise and holes clockwise in the output's coordinates.
pub fn outline(spans: &[Span], connectivity: Connectivity, place: impl Fn(u32, u32) -> [f64; 2]) -> MultiPolygon<f64> {
    let pieces = match connectivity {
        Connectivity::Four => vec![spans.to_vec()],
        Connectivity::Eight => by_edges(spans),
    };
    MultiPolygon(pieces.iter().filter_map(|p| polygon(p, &place)).collect())
}

/// Parts that are connected by edges, in the order of their first run.
fn by_edges(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut parent: Vec<usize> = (0..spans.len()).collect();
    fn find(p: &mut [usize], mut i: usize) -> usize {
        while p[i] != i {
            p[i] = p[p[i]];
            i = p[i];
        }
        i
    }
    let mut above = 0;
    for i in 0..spans.len() {
        let s = spans[i];
        while spans[above].row + 1 < s.row || (spans[above].row + 1 == s.row && spans[above].to <= s.from) {
            above += 1;
        }
        let mut k = above;
        while k < i && spans[k].row + 1 == s.row && spans[k].from < s.to {
            let (a, b) = (find(&mut parent, k), find(&mut parent, i));
            // the earlier run stays the root, so parts come in the order of their first runs
            let (low, high) = (a.min(b), a.max(b));
            parent[high] = low;
            k += 1;
        }
    }
    let mut parts: Vec<Vec<Span>> = Vec::new();
    let mut part_of = vec![usize::MAX; spans.len()];
    for (i, s) in spans.iter().enumerate() {
        let root = find(&mut parent, i);
        if part_of[root] == usize::MAX {
            part_of[root] = parts.len();
            parts.push(Vec::new());
        }
        parts[part_of[root]].push(*s);
    }
    parts
}

/// End of a vertical edge. Edge `2i` is the left one of run i, `2i + 1` the right one; end `2e` is its upper, `2e + 1`
/// its lower.
type End = usize;

/// How ends are joined.
struct Joins {
    /// The other end, by end.
    to: Vec<End>,
    /// True where the two edges are one line.
    straight: Vec<bool>,
}

impl Joins {
    fn join(&mut self, a: End, b: End, straight: bool) {
        self.to[a] = b;
        self.to[b] = a;
        self.straight[a] = straight;
        self.straight[b] = straight;
    }
}

fn x_of(spans: &[Span], end: End) -> u32 {
    let edge = end / 2;
    let s = spans[edge / 2];
    if edge.is_multiple_of(2) { s.from } else { s.to }
}

fn y_of(spans: &[Span], end: End) -> u32 {
    spans[end / 4].row + u32::from(end % 2 == 1)
}

fn is_left(end: End) -> bool {
    (end / 2).is_multiple_of(2)
}

/// Joins the ends along one line between rows: `above` are lower ends of the row above, `below` upper ends of the row
/// below, each from left to right.
fn join_line(spans: &[Span], above: &[End], below: &[End], joins: &mut Joins) {
    let (mut i, mut k, mut open) = (0, 0, None::<End>);
    while i < above.len() || k < below.len() {
        let xa = above.get(i).map_or(u32::MAX, |e| x_of(spans, *e));
        let xb = below.get(k).map_or(u32::MAX, |e| x_of(spans, *e));
        if xa == xb {
            let (a, b) = (above[i], below[k]);
            (i, k) = (i + 1, k + 1);
            match (is_left(a) == is_left(b), open) {
                (true, _) | (_, None) => joins.join(a, b, true),
                (false, Some(o)) => {
                    // a corner where two pixels touch: the ring turns around the pixel outside
                    let (to_left, to_right) = if is_left(a) { (a, b) } else { (b, a) };
                    joins.join(o, to_left, false);
                    open = Some(to_right);
                }
            }
            continue;
        }
        let e = if xa < xb {
            i += 1;
            above[i - 1]
        } else {
            k += 1;
            below[k - 1]
        };
        open = match open {
            None => Some(e),
            Some(o) => {
                joins.join(o, e, false);
                None
            }
        };
    }
}

fn joins(spans: &[Span]) -> Joins {
    let n = 4 * spans.len();
    let mut joins = Joins { to: (0..n).collect(), straight: vec![false; n] };
    let mut at = 0;
    let (mut above, mut row_above): (Vec<End>, u32) = (Vec::new(), 0);
    while at < spans.len() {
        let row = spans[at].row;
        let end = spans[at..].iter().position(|s| s.row != row).map_or(spans.len(), |n| at + n);
        let ends = |lower: usize| (at..end).flat_map(move |i| [4 * i + lower, 4 * i + 2 + lower]).collect::<Vec<End>>();
        if !above.is_empty() && row_above + 1 != row {
            join_line(spans, &above, &[], &mut joins);
            above.clear();
        }
        join_line(spans, &above, &ends(0), &mut joins);
        (above, row_above) = (ends(1), row);
        at = end;
    }
    join_line(spans, &above, &[], &mut joins);
    joins
}

/// The polygon around runs that are connected by edges.
fn polygon(spans: &[Span], place: &impl Fn(u32, u32) -> [f64; 2]) -> Option<Polygon<f64>> {
    let joins = joins(spans);
    let mut seen = vec![false; 2 * spans.len()];
    let mut rings: Vec<Vec<(u32, u32)>> = Vec::new();
    for first in 0..seen.len() {
        if seen[first] {
            continue;
        }
        let (mut ring, mut edge, mut from) = (Vec::new(), first, 2 * first);
        loop {
            seen[edge] = true;
            let leave = from ^ 1;
            let to = joins.to[leave];
            if !joins.straight[leave] {
                let y = y_of(spans, leave);
                ring.push((x_of(spans, leave), y));
                ring.push((x_of(spans, to), y));
            }
            (edge, from) = (to / 2, to);
            if edge == first {
                break;
            }
        }
        rings.push(ring);
    }
    // the first edge is the leftmost of the first row: its ring is the outer one
    let mut rings = rings.into_iter().map(|r| closed(&r, place));
    let outer = anticlockwise(rings.next()?, true);
    Some(Polygon::new(outer, rings.map(|r| anticlockwise(r, false)).collect()))
}

fn closed(ring: &[(u32, u32)], place: &impl Fn(u32, u32) -> [f64; 2]) -> LineString<f64> {
    let mut out: Vec<Coord<f64>> = ring
        .iter()
        .map(|(c, r)| {
            let [x, y] = place(*c, *r);
            Coord { x, y }
        })
        .collect();
    out.extend(out.first().copied());
    LineString(out)
}

fn anticlockwise(mut ring: LineString<f64>, wanted: bool) -> LineString<f64> {
    // from the first corner: coordinates in metres are large, and their products lose what tells the turn
    let o = ring.0.first().copied().unwrap_or_default();
    let twice: f64 = ring.0.windows(2).map(|w| (w[0].x - o.x) * (w[1].y - o.y) - (w[1].x - o.x) * (w[0].y - o.y)).sum();
    if (twice > 0.0) != wanted {
        ring.0.reverse();
    }
    ring
}
