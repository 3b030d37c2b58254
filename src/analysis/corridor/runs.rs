//! Runs of consecutive segments as capsules: what branch and bound looks at before it looks at segments.
//!
//! A run is bounded by the chord from its first to its last vertex, thickened by the farthest vertex's distance to it
//! (a strip tree: Ballard 1981, doi 10.1145/358645.358661). The bound is as tight as the river is smooth, where that
//! of a box is as loose as the box is wide.

use geo::{Coord, Rect};
use rayon::prelude::*;

use super::network::Segment;
use crate::space::distance::point_segment_m;
use crate::space::frame::{Frame, Metric};

/// Segments of a run.
const RUN: usize = 8;
/// Runs of a group.
const GROUP: usize = 8;

/// Consecutive segments, the end of one the start of the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// First segment.
    pub first: u32,
    /// How many.
    pub len: u32,
    /// No vertex lies farther than this from the chord, metres.
    pub thick_m: f64,
}

/// A run of runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The capsule round all its segments.
    pub whole: Run,
    /// Its first run.
    pub first_run: u32,
    /// How many.
    pub runs: u32,
}

impl Run {
    /// The chord's ends, as the first and last segment.
    pub fn segments(&self) -> std::ops::Range<usize> {
        self.first as usize..(self.first + self.len) as usize
    }

    fn of(metric: Metric, segments: &[Segment], first: usize, len: usize) -> Self {
        let part = &segments[first..first + len];
        let (a, b) = (part[0].a, part[len - 1].b);
        let frame = Frame::new(metric, a + (b - a) * 0.5);
        let (a, b) = (frame.forward(a), frame.forward(b));
        let thick_m = part.iter().map(|s| point_segment_m(frame.forward_ecef(s.b, s.eb), a, b)).fold(0.0, f64::max);
        Self { first: first as u32, len: len as u32, thick_m }
    }
}

/// A capsule in a site's plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capsule {
    pub a: Coord<f64>,
    pub b: Coord<f64>,
    pub thick_m: f64,
}

/// Mean radius of the earth in metres, as bounds use it.
const RADIUS_M: f64 = 6.37e6;

impl Capsule {
    /// Of a run, in a plane.
    ///
    /// The chord is straight in the run's own plane; in another it bends by less than L²·D / 8R² and its surroundings
    /// stretch by less than D²/6R² (D its distance from the centre, L its length), so the capsule grows by that.
    pub fn of(run: &Run, segments: &[Segment], frame: &Frame) -> Self {
        let (first, last) = (&segments[run.first as usize], &segments[(run.first + run.len - 1) as usize]);
        let (a, b) = (frame.forward_ecef(first.a, first.ea), frame.forward_ecef(last.b, last.eb));
        if frame.curvature() == 0.0 {
            return Self { a, b, thick_m: run.thick_m };
        }
        let (l2, d) = ((b - a).x.powi(2) + (b - a).y.powi(2), (a.x.hypot(a.y)).max(b.x.hypot(b.y)));
        let stretch = (d / RADIUS_M).powi(2);
        Self { a, b, thick_m: run.thick_m * (1.0 + stretch) + l2 * d / (8.0 * RADIUS_M * RADIUS_M) + 1e-3 }
    }
}

/// Groups and their runs over all segments, and the groups' boxes in the metric's coordinates.
pub(super) fn group(metric: Metric, segments: &[Segment]) -> (Vec<Group>, Vec<Run>, Vec<Rect<f64>>) {
    let follows = |k: usize| segments[k - 1].b == segments[k].a && segments[k - 1].river == segments[k].river;
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for k in 1..=segments.len() {
        if k == segments.len() || !follows(k) || k - start == RUN * GROUP {
            spans.push((start, k));
            start = k;
        }
    }
    let made: Vec<(Run, Vec<Run>, Rect<f64>)> = spans
        .par_iter()
        .with_min_len(64)
        .map(|&(from, to)| {
            let runs = (from..to).step_by(RUN).map(|k| Run::of(metric, segments, k, RUN.min(to - k))).collect();
            (Run::of(metric, segments, from, to - from), runs, bounds(&segments[from..to]))
        })
        .collect();
    let (mut groups, mut runs, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
    for (whole, parts, bounds) in made {
        groups.push(Group { whole, first_run: runs.len() as u32, runs: parts.len() as u32 });
        runs.extend(parts);
        boxes.push(bounds);
    }
    (groups, runs, boxes)
}

fn bounds(segments: &[Segment]) -> Rect<f64> {
    let (mut lo, mut hi) = (segments[0].a, segments[0].a);
    for s in segments {
        for p in [s.a, s.b] {
            lo = Coord { x: lo.x.min(p.x), y: lo.y.min(p.y) };
            hi = Coord { x: hi.x.max(p.x), y: hi.y.max(p.y) };
        }
    }
    Rect::new(lo, hi)
}
