//! Which issue a finding belongs to, by kind and place.
//!
//! A finding and an issue of the same kind are the same thing when
//! 1. both bear the same object id (site, track, unit) and lie within [`MatchOptions::id_reach_m`] of each other; or
//! 2. one of them bears no object id, and their places agree: of two areas, the overlap is at least
//!    [`MatchOptions::share`] of the smaller; otherwise they lie within the tolerance of each other; or
//! 3. they bear different ids, the issue's id is not among the findings of the run and the finding's not among the issues
//!    (the thing was numbered anew), and their places agree: of two areas, the overlap is at least
//!    [`MatchOptions::share`] of their union; otherwise they lie within the tolerance.
//!
//! A finding that fits several issues goes to one of them: an open one before a closed one before a dismissed one; by id
//! before by place; the larger overlap, then the smaller distance; the older issue, then the smaller id. An issue that
//! several findings fit takes them all. A dismissed issue takes areas by rule 3's share of the union only, so that
//! something much larger than what was dismissed is filed anew.

use std::collections::{BTreeMap, BTreeSet};

use geo::{BoundingRect, Coord, Distance, Euclidean, Geometry, MapCoords, MultiPolygon, Rect};

use crate::error::{Error, Result};
use crate::model::{Finding, Issue, IssueState};
use crate::space::frame::{Frame, Metric};
use crate::space::index::DynamicIndex;
use crate::space::{area, clip};

/// When two places are the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchOptions {
    /// Share of overlap from which two areas are the same, above 0 and up to 1.
    pub share: f64,
    /// Distance in metres up to which points and lines are the same; the footprints of both, where larger.
    pub tolerance_m: f64,
    /// Distance in metres up to which one id means one thing: counties number from 1 each.
    pub id_reach_m: f64,
}

impl Default for MatchOptions {
    /// Half of the smaller; 30 m, a pixel of Landsat; 1 km.
    fn default() -> Self {
        Self { share: 0.5, tolerance_m: 30.0, id_reach_m: 1000.0 }
    }
}

impl MatchOptions {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// `Usage` for a share outside 0–1 and for distances below 0.
    pub fn check(&self) -> Result<()> {
        let reach = |m: f64| (0.0..=10_000.0).contains(&m);
        if self.share > 0.0 && self.share <= 1.0 && reach(self.tolerance_m) && reach(self.id_reach_m) {
            return Ok(());
        }
        Err(Error::usage(
            "the share must lie above 0 and up to 1, distances within 0–10000 m",
            "重叠占比须大于 0 且不超过 1,距离须在 0–10000 米之间",
        ))
    }
}

/// Issues of one kind, ready to be asked.
pub(super) struct Places {
    options: MatchOptions,
    issues: Vec<Issue>,
    /// Their places before this run: what it finds is compared with the ledger as it was.
    places: Vec<Geometry<f64>>,
    boxes: DynamicIndex,
    by_id: BTreeMap<String, Vec<usize>>,
    /// Object ids of the run's findings.
    run_ids: BTreeSet<String>,
    /// The widest footprint of an issue.
    footprint_m: f64,
}

/// How an issue fits a finding.
struct Fit {
    issue: usize,
    by_id: bool,
    share: f64,
    distance_m: f64,
}

impl Places {
    pub fn new(issues: Vec<Issue>, run_ids: BTreeSet<String>, options: MatchOptions) -> Result<Self> {
        let mut all = Self {
            options,
            issues: Vec::new(),
            places: Vec::new(),
            boxes: DynamicIndex::default(),
            by_id: BTreeMap::new(),
            run_ids,
            footprint_m: 0.0,
        };
        issues.into_iter().try_for_each(|i| all.add(i))?;
        Ok(all)
    }

    /// Adds an issue; its number is how many there were.
    pub fn add(&mut self, issue: Issue) -> Result<()> {
        let n = self.issues.len();
        let Some(b) = issue.place.bounding_rect() else { return Err(no_place(&issue.issue_id)) };
        self.boxes.insert(&b).map_err(|_| no_place(&issue.issue_id))?;
        if let Some(id) = &issue.object_id {
            self.by_id.entry(id.clone()).or_default().push(n);
        }
        self.footprint_m = self.footprint_m.max(issue.footprint_m);
        self.places.push(issue.place.clone());
        self.issues.push(issue);
        Ok(())
    }

    pub fn issue(&self, n: usize) -> &Issue {
        &self.issues[n]
    }

    /// An issue after an event.
    pub fn replace(&mut self, n: usize, issue: Issue) {
        self.issues[n] = issue;
    }

    /// The issue that a finding belongs to.
    pub fn find(&self, f: &Finding) -> Result<Option<usize>> {
        let Some(b) = f.place.bounding_rect() else { return Err(no_place(&f.evidence.source)) };
        let frame = Frame::new(Metric::Geodesic, b.center());
        let place = f.place.map_coords(|c| frame.forward(c));
        let mut fits = Vec::new();
        for n in self.candidates(f, &b) {
            if let Some(fit) = self.fit(f, &place, n, &frame)? {
                fits.push(fit);
            }
        }
        let rank = |s: IssueState| if s.is_open() { 0 } else { 1 + u8::from(s == IssueState::Dismissed) };
        fits.sort_by(|a, b| {
            let (x, y) = (&self.issues[a.issue], &self.issues[b.issue]);
            (rank(x.state), !a.by_id)
                .cmp(&(rank(y.state), !b.by_id))
                .then(b.share.total_cmp(&a.share))
                .then(a.distance_m.total_cmp(&b.distance_m))
                .then((x.found, &x.issue_id).cmp(&(y.found, &y.issue_id)))
        });
        Ok(fits.first().map(|f| f.issue))
    }

    fn candidates(&self, f: &Finding, b: &Rect<f64>) -> BTreeSet<usize> {
        let reach = self.options.tolerance_m.max(f.footprint_m).max(self.footprint_m) + 1.0;
        let (x, y) = degrees(reach, b);
        let window =
            Rect::new(Coord { x: b.min().x - x, y: b.min().y - y }, Coord { x: b.max().x + x, y: b.max().y + y });
        let mut near: BTreeSet<usize> = self.boxes.window(&window).into_iter().map(|n| n as usize).collect();
        near.extend(f.object_id.as_ref().and_then(|id| self.by_id.get(id)).into_iter().flatten());
        near
    }

    fn fit(&self, f: &Finding, place: &Geometry<f64>, n: usize, frame: &Frame) -> Result<Option<Fit>> {
        let issue = &self.issues[n];
        let other = self.places[n].map_coords(|c| frame.forward(c));
        let same_id = f.object_id.is_some() && f.object_id == issue.object_id;
        let (near, share, of_union) = agreement(place, &other)?;
        let by_id = same_id && near <= self.options.id_reach_m;
        let by_place = match (&f.object_id, &issue.object_id) {
            _ if same_id => false,
            (Some(mine), Some(its)) if self.run_ids.contains(its) || self.by_id.contains_key(mine) => false,
            (mine, its) => {
                let strict = mine.is_some() && its.is_some() || issue.state == IssueState::Dismissed;
                match share {
                    Some(of_smaller) => (if strict { of_union } else { of_smaller }) >= self.options.share,
                    None => near <= self.options.tolerance_m.max(f.footprint_m).max(issue.footprint_m),
                }
            }
        };
        let fit = Fit { issue: n, by_id, share: of_union, distance_m: near };
        Ok((by_id || by_place).then_some(fit))
    }
}

/// Distance in metres (of boxes, where both are areas); overlap as share of the smaller, where both are areas, and of the
/// union.
fn agreement(a: &Geometry<f64>, b: &Geometry<f64>) -> Result<(f64, Option<f64>, f64)> {
    let (Some(x), Some(y)) = (a.bounding_rect(), b.bounding_rect()) else { return Ok((f64::INFINITY, None, 0.0)) };
    let gap = gap_m(&x, &y);
    let (Some(p), Some(q)) = (areas(a), areas(b)) else {
        // boxes far apart need no closer look
        let near = if gap > 20_000.0 { gap } else { Euclidean.distance(a, b) };
        return Ok((near, None, 0.0));
    };
    if gap > 0.0 {
        return Ok((gap, Some(0.0), 0.0));
    }
    let (m, n) = (area::planar(&p).0, area::planar(&q).0);
    let both = if p == q { m } else { area::planar(&clip::intersection(&p, &q)?.shape).0 };
    let part = |of: f64| if of > 0.0 { (both / of).min(1.0) } else { 0.0 };
    Ok((gap, Some(part(m.min(n))), part(m + n - both)))
}

fn gap_m(a: &Rect<f64>, b: &Rect<f64>) -> f64 {
    let x = (a.min().x - b.max().x).max(b.min().x - a.max().x).max(0.0);
    let y = (a.min().y - b.max().y).max(b.min().y - a.max().y).max(0.0);
    x.hypot(y)
}

fn areas(g: &Geometry<f64>) -> Option<MultiPolygon<f64>> {
    match g {
        Geometry::Polygon(p) => Some(MultiPolygon(vec![p.clone()])),
        Geometry::MultiPolygon(m) => Some(m.clone()),
        _ => None,
    }
}

/// Degrees of longitude and latitude that are at least `m` metres at a box.
fn degrees(m: f64, b: &Rect<f64>) -> (f64, f64) {
    let lat = b.min().y.abs().max(b.max().y.abs()).min(89.0);
    // a degree of latitude is nowhere shorter than 110.5 km
    (m / (110_500.0 * lat.to_radians().cos()), m / 110_500.0)
}

fn no_place(what: &str) -> Error {
    Error::input(format!("{what} has no place"), format!("{what} 没有位置"))
}
