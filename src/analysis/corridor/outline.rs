//! Polygons out of the pieces of a boundary.

use geo::{Area, Coord, LineString, MultiPolygon, Polygon};

use super::crossing::on_circle;
use super::inside::{Edge, Piece};
use crate::space::distance::inside;

/// Ends of pieces this near are one point, metres. They come from different formulas for one crossing, which agree to
/// 1e-6 m unless it is grazing.
const SNAP_M: f64 = 1e-3;
/// Rings below this area (square metres) are noise.
const DUST_M2: f64 = 1e-4;

/// The polygons that the pieces bound, arcs as chords at most `sagitta_m` inside them; `None` where the pieces do not
/// close (two crossings nearer than the snapping, say): then an overlay must do it.
pub(super) fn polygons(pieces: &[Piece], d: f64, sagitta_m: f64) -> Option<MultiPolygon<f64>> {
    let step = 2.0 * (1.0 - (sagitta_m / d).min(0.5)).acos();
    let mut order: Vec<(f64, u32)> = pieces.iter().enumerate().map(|(k, p)| (ends(p, d)[0].x, k as u32)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut used = vec![false; pieces.len()];
    let mut rings = Vec::new();
    for first in 0..pieces.len() {
        if used[first] {
            continue;
        }
        let start = ends(&pieces[first], d)[0];
        let (mut ring, mut at) = (vec![start], first);
        loop {
            used[at] = true;
            draw(&pieces[at], d, step, &mut ring);
            let end = ends(&pieces[at], d)[1];
            let next = follower(&order, pieces, &used, d, end);
            let closes = gap2(end, start);
            match next {
                Some((k, g2)) if g2 < closes => at = k,
                _ if closes <= SNAP_M * SNAP_M => break,
                _ => return None,
            }
        }
        ring.pop();
        ring.push(start);
        rings.push(ring);
    }
    Some(nested(rings))
}

fn gap2(a: Coord<f64>, b: Coord<f64>) -> f64 {
    (a.x - b.x).powi(2) + (a.y - b.y).powi(2)
}

/// Start and end of a piece.
fn ends(p: &Piece, d: f64) -> [Coord<f64>; 2] {
    match *p {
        Piece::Line(a, b) => [a, b],
        Piece::Arc { centre, from, to } => [on_circle(centre, d, from), on_circle(centre, d, to)],
    }
}

/// Appends a piece without its start.
fn draw(p: &Piece, d: f64, step: f64, ring: &mut Vec<Coord<f64>>) {
    match *p {
        Piece::Line(_, b) => ring.push(b),
        Piece::Arc { centre, from, to } => {
            let n = ((to - from) / step).ceil().clamp(1.0, 1e6) as usize;
            ring.extend((1..=n).map(|k| on_circle(centre, d, from + (to - from) * k as f64 / n as f64)));
        }
    }
}

/// The unused piece whose start lies nearest to a point, within the snapping.
fn follower(order: &[(f64, u32)], pieces: &[Piece], used: &[bool], d: f64, at: Coord<f64>) -> Option<(usize, f64)> {
    let from = order.partition_point(|o| o.0 < at.x - SNAP_M);
    order[from..]
        .iter()
        .take_while(|o| o.0 <= at.x + SNAP_M)
        .map(|o| o.1 as usize)
        .filter(|&k| !used[k])
        .map(|k| (k, gap2(ends(&pieces[k], d)[0], at)))
        .filter(|x| x.1 <= SNAP_M * SNAP_M)
        .min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
}

/// Counter-clockwise rings as shells, each with the clockwise ones inside it.
fn nested(rings: Vec<Vec<Coord<f64>>>) -> MultiPolygon<f64> {
    let (mut shells, mut holes) = (Vec::new(), Vec::new());
    for r in rings {
        let l = LineString(r);
        let a = Polygon::new(l.clone(), Vec::new()).signed_area();
        if a > DUST_M2 {
            shells.push((a, l, Vec::new()));
        } else if a < -DUST_M2 {
            holes.push(l);
        }
    }
    for h in holes {
        let middle = h.0[0] + (h.0[1] - h.0[0]) * 0.5;
        let holds = |l: &LineString<f64>| inside(middle, &edges(l));
        let mut around: Vec<_> = shells.iter_mut().filter(|s| holds(&s.1)).collect();
        around.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some(s) = around.into_iter().next() {
            s.2.push(h);
        }
    }
    MultiPolygon(shells.into_iter().map(|(_, l, holes)| Polygon::new(l, holes)).collect())
}

fn edges(l: &LineString<f64>) -> Vec<Edge> {
    l.0.windows(2).map(|w| (w[0], w[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::inside::{Edges, Seg, area_inside};
    use super::*;
    use crate::space::distance::point_segment;
    use geo::{BoundingRect, Rect};
    use proptest::prelude::*;

    fn c(x: f64, y: f64) -> Coord<f64> {
        Coord { x, y }
    }

    fn star(x: f64, y: f64, radii: &[f64]) -> (Edges, Rect<f64>) {
        let n = radii.len();
        let at = |i: usize| {
            let (s, k) = (std::f64::consts::TAU * (i % n) as f64 / n as f64).sin_cos();
            c(x + radii[i % n] * k, y + radii[i % n] * s)
        };
        let ring = LineString((0..=n).map(at).collect());
        (edges(&ring), ring.bounding_rect().unwrap())
    }

    #[test]
    fn a_ring_round_a_hole() {
        // a square river of 100 m inside a site of 200 m, d = 20: a ring with a square hole of 60 m
        let k = [c(-50., -50.), c(50., -50.), c(50., 50.), c(-50., 50.)];
        let segs: Vec<Seg> = (0..4).map(|i| (k[i], k[(i + 1) % 4])).collect();
        let (e, b) = star(0.0, 0.0, &[140.0; 4]);
        let i = area_inside(&e, &b, &segs, 20.0);
        let m = polygons(&i.outline, 20.0, 0.001).unwrap();
        assert_eq!((m.0.len(), m.0[0].interiors().len()), (1, 1));
        assert!((m.unsigned_area() - i.area).abs() < 0.2, "{} {}", m.unsigned_area(), i.area);
    }

    proptest! {
        // the polygons are the part inside: their area is the integral, and they hold what is near and nothing else
        #[test]
        fn polygons_are_the_part_inside(pts in prop::collection::vec((-60.0..60.0f64, -60.0..60.0f64), 2..7), d in 5.0..40.0f64,
            x in -40.0..40.0f64, y in -40.0..40.0f64, radii in prop::collection::vec(4.0..40.0f64, 3..12)) {
            let segs: Vec<Seg> = pts.windows(2).map(|w| (c(w[0].0, w[0].1), c(w[1].0, w[1].1))).collect();
            let (e, b) = star(x, y, &radii);
            let i = area_inside(&e, &b, &segs, d);
            let m = polygons(&i.outline, d, 0.001);
            prop_assert!(m.is_some());
            let m = m.unwrap();
            prop_assert!((m.unsigned_area() - i.area).abs() < 0.5, "{} {}", m.unsigned_area(), i.area);
            let all: Edges = m.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).flat_map(edges).collect();
            for k in 0..400 {
                let p = c(x - 40.0 + 4.0 * f64::from(k % 20) + 0.123, y - 40.0 + 4.0 * f64::from(k / 20) + 0.321);
                let away = segs.iter().map(|s| point_segment(p, s.0, s.1).1.sqrt()).fold(f64::INFINITY, f64::min);
                if (away - d).abs() > 0.01 {
                    let both = away < d && inside(p, &e);
                    prop_assert_eq!(inside(p, &all), both, "{:?}", p);
                }
            }
        }
    }
}
