//! Where lines and circles run through disks, rectangles and capsules, and where they cross an outline.

use std::f64::consts::{PI, TAU};

use geo::{Coord, Rect};

use super::inside::{Edge, Seg};

/// Intervals along one boundary element, in its own parameter, that something covers.
pub(super) struct Intervals(pub Vec<[f64; 2]>);

impl Intervals {
    /// Joins overlapping intervals.
    pub fn union(mut self) -> Vec<[f64; 2]> {
        self.0.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let mut out: Vec<[f64; 2]> = Vec::new();
        for [a, b] in self.0 {
            match out.last_mut() {
                Some(l) if a <= l[1] => l[1] = l[1].max(b),
                _ => out.push([a, b]),
            }
        }
        out
    }

    /// What of `[lo, hi]` no interval covers.
    pub fn gaps(self, lo: f64, hi: f64) -> Vec<[f64; 2]> {
        let (mut at, mut out) = (lo, Vec::new());
        for [a, b] in self.union() {
            if a > at {
                out.push([at, a.min(hi)]);
            }
            at = at.max(b);
            if at >= hi {
                return out;
            }
        }
        out.push([at, hi]);
        out
    }
}

/// The point of a circle at an angle.
pub(super) fn on_circle(c: Coord<f64>, d: f64, angle: f64) -> Coord<f64> {
    let (sin, cos) = angle.sin_cos();
    Coord { x: c.x + d * cos, y: c.y + d * sin }
}

/// Interval of the line p→q in the capsule of radius `d` round `s`. The capsule is convex, so it is one interval. A line
/// on the capsule's own side counts as inside along the segment, or nowhere where `open`: of two that share a side, one
/// keeps it.
pub(super) fn line_in_capsule(p: Coord<f64>, q: Coord<f64>, s: Seg, d: f64, open: bool) -> Option<[f64; 2]> {
    let parts = [line_in_disk(p, q, s.0, d), line_in_disk(p, q, s.1, d), line_in_rectangle(p, q, s, d, open)];
    parts.into_iter().flatten().reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
}

pub(super) fn cross(p: Coord<f64>, q: Coord<f64>) -> f64 {
    p.x * q.y - p.y * q.x
}

pub(super) fn lerp(p: Coord<f64>, q: Coord<f64>, t: f64) -> Coord<f64> {
    if t == 0.0 {
        p
    } else if t == 1.0 {
        q
    } else {
        Coord { x: p.x + t * (q.x - p.x), y: p.y + t * (q.y - p.y) }
    }
}

/// ½∮(x dy − y dx) along the arc of radius `d` round `c`.
pub(super) fn arc_integral(c: Coord<f64>, d: f64, t0: f64, t1: f64) -> f64 {
    0.5 * d * (d * (t1 - t0) + c.x * (t1.sin() - t0.sin()) - c.y * (t1.cos() - t0.cos()))
}

pub(super) fn line_in_disk(p: Coord<f64>, q: Coord<f64>, c: Coord<f64>, d: f64) -> Option<[f64; 2]> {
    let (ux, uy) = (q.x - p.x, q.y - p.y);
    let len2 = ux * ux + uy * uy;
    if len2 == 0.0 {
        return None;
    }
    let foot = ((c.x - p.x) * ux + (c.y - p.y) * uy) / len2;
    let off = (ux * (c.y - p.y) - uy * (c.x - p.x)).abs() / len2.sqrt();
    if off >= d {
        return None;
    }
    let half = ((d - off) * (d + off) / len2).sqrt();
    Some([foot - half, foot + half])
}

/// Interval of the line p→q in the rectangle of half-width `d` along `s`. A line on the rectangle's own side counts
/// as inside unless `open`: of two rectangles that share a side, one keeps it.
pub(super) fn line_in_rectangle(p: Coord<f64>, q: Coord<f64>, s: Seg, d: f64, open: bool) -> Option<[f64; 2]> {
    let (vx, vy) = (s.1.x - s.0.x, s.1.y - s.0.y);
    let len = vx.hypot(vy);
    if len == 0.0 {
        return None;
    }
    let (vx, vy) = (vx / len, vy / len);
    let along = |r: Coord<f64>| (r.x - s.0.x) * vx + (r.y - s.0.y) * vy;
    let across = |r: Coord<f64>| vx * (r.y - s.0.y) - vy * (r.x - s.0.x);
    let (c0, c1) = (across(p), across(q));
    if (c0 - c1).abs() < 1e-9 && (c0.abs() - d).abs() < 1e-9 {
        if open {
            return None;
        }
        return slab(along(p), along(q), 0.0, len);
    }
    let a = slab(along(p), along(q), 0.0, len)?;
    let b = slab(c0, c1, -d, d)?;
    let both = [a[0].max(b[0]), a[1].min(b[1])];
    (both[0] < both[1]).then_some(both)
}

/// Parameters where a linear function from `f0` (at 0) to `f1` (at 1) lies in `lo…hi`.
pub(super) fn slab(f0: f64, f1: f64, lo: f64, hi: f64) -> Option<[f64; 2]> {
    let df = f1 - f0;
    if df.abs() < 1e-12 {
        return (f0 > lo && f0 < hi || (f0 - lo).abs() < 1e-12 || (f0 - hi).abs() < 1e-12)
            .then_some([f64::NEG_INFINITY, f64::INFINITY]);
    }
    let (a, b) = ((lo - f0) / df, (hi - f0) / df);
    Some([a.min(b), a.max(b)])
}

/// Adds the arc of half-width `half` round angle `mid`, cut at 0 and 2π.
pub(super) fn push_arc(out: &mut Vec<[f64; 2]>, mid: f64, half: f64) {
    let lo = (mid - half).rem_euclid(TAU);
    let hi = lo + 2.0 * half;
    if hi > TAU {
        out.push([lo, TAU]);
        out.push([0.0, hi - TAU]);
    } else {
        out.push([lo, hi]);
    }
}

/// Arcs of the circle (c, d) in the rectangle of half-width `d` along `s`.
pub(super) fn circle_in_rectangle(out: &mut Vec<[f64; 2]>, c: Coord<f64>, d: f64, s: Seg) {
    let (vx, vy) = (s.1.x - s.0.x, s.1.y - s.0.y);
    let len = vx.hypot(vy);
    if len == 0.0 {
        return;
    }
    let axis = vy.atan2(vx);
    let along = ((c.x - s.0.x) * vx + (c.y - s.0.y) * vy) / len;
    let across = (vx * (c.y - s.0.y) - vy * (c.x - s.0.x)) / len;
    // angles are measured from the segment's axis: along + d cos θ in 0…len, across + d sin θ in −d…d
    let mut cuts = vec![0.0, TAU];
    for v in [-along / d, (len - along) / d] {
        if v.abs() <= 1.0 {
            let a = v.acos();
            cuts.extend([a, TAU - a]);
        }
    }
    for v in [(-d - across) / d, (d - across) / d] {
        if v.abs() <= 1.0 {
            let a = v.asin();
            cuts.extend([a.rem_euclid(TAU), (PI - a).rem_euclid(TAU)]);
        }
    }
    cuts.sort_by(f64::total_cmp);
    for w in cuts.windows(2) {
        let m = 0.5 * (w[0] + w[1]);
        let (x, y) = (along + d * m.cos(), across + d * m.sin());
        if w[1] > w[0] && x > 0.0 && x < len && y.abs() < d {
            push_arc(out, m + axis, 0.5 * (w[1] - w[0]));
        }
    }
}

/// Parameters 0…1 at which the line p→q crosses the outline, with both ends.
pub(super) fn cuts_on_line(p: Coord<f64>, q: Coord<f64>, site: &[Edge]) -> Vec<f64> {
    let mut cuts = vec![0.0, 1.0];
    let u = q - p;
    for &(a, b) in site {
        let v = b - a;
        let den = u.x * v.y - u.y * v.x;
        if den == 0.0 {
            continue;
        }
        let w = a - p;
        let t = (w.x * v.y - w.y * v.x) / den;
        let s = (w.x * u.y - w.y * u.x) / den;
        if t > 0.0 && t < 1.0 && (-1e-9..=1.0 + 1e-9).contains(&s) {
            cuts.push(t);
        }
    }
    cuts.sort_by(f64::total_cmp);
    cuts
}

/// Angles g0…g1 at which the arc crosses the outline, with both ends.
pub(super) fn cuts_on_arc(c: Coord<f64>, d: f64, g0: f64, g1: f64, site: &[Edge]) -> Vec<f64> {
    let mut cuts = vec![g0, g1];
    for &(a, b) in site {
        let Some(ts) = line_in_disk(a, b, c, d) else { continue };
        for t in ts {
            if (-1e-9..=1.0 + 1e-9).contains(&t) {
                let p = Coord { x: a.x + t * (b.x - a.x) - c.x, y: a.y + t * (b.y - a.y) - c.y };
                let angle = p.y.atan2(p.x).rem_euclid(TAU);
                if angle > g0 && angle < g1 {
                    cuts.push(angle);
                }
            }
        }
    }
    cuts.sort_by(f64::total_cmp);
    cuts
}

pub(super) fn boxes_meet(p: Coord<f64>, q: Coord<f64>, r: &Rect<f64>) -> bool {
    p.x.min(q.x) <= r.max().x && p.x.max(q.x) >= r.min().x && p.y.min(q.y) <= r.max().y && p.y.max(q.y) >= r.min().y
}
