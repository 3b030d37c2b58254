//! A river network from pieces: joined in any order and direction, chained from the head, indexed by segment.

use std::collections::BTreeMap;

use geo::{Coord, LineString, Polygon, Rect};

use super::join::{Graph, Piece, farthest};
use super::runs::{Group, Run, group};
use crate::model::{RiverClass, RiverLine, RiverShape};
use crate::space::frame::{Ecef, Metric};
use crate::space::index::{BoxIndex, IndexError};

/// Where the direction of flow comes from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Direction {
    /// The way most of the main path's length is digitised (lines are commonly drawn downstream).
    #[default]
    Digitised,
    /// The end of the river that lies nearest to this point (in the metric's coordinates) is its outlet.
    Outlet(Coord<f64>),
}

/// Options of [`Network::build`].
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkOptions {
    /// How lengths are measured.
    pub metric: Metric,
    /// Ends of pieces this near are one node, metres.
    pub snap_m: f64,
    /// Gaps between pieces of one named river up to this are bridged for the chainage (never for distances), metres.
    pub bridge_m: f64,
    /// The same for lines without a name, which must follow each other as they are digitised, metres; never more than
    /// `bridge_m`. Parts of one river that a coarse dataset leaves apart end to start lie 40 to 400 m apart (World Data
    /// Bank II, Yellow River basin).
    pub bridge_unnamed_m: f64,
    /// Where the direction of flow comes from.
    pub direction: Direction,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            metric: Metric::Geodesic,
            snap_m: 1.0,
            bridge_m: 2_000.0,
            bridge_unnamed_m: 500.0,
            direction: Direction::Digitised,
        }
    }
}

/// One river of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct River {
    /// Name; unnamed rivers have none.
    pub name: Option<String>,
    /// Class: the highest its pieces have.
    pub class: RiverClass,
    /// Length of the main path from head to outlet, bridges included, metres.
    pub length_m: f64,
    /// How its pieces were joined.
    pub report: RiverReport,
}

/// How the pieces of a river were joined.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RiverReport {
    /// Feature ids of the main path's pieces, from head to outlet.
    pub main_path: Vec<i64>,
    /// Pieces joined, branches and braids included.
    pub pieces: usize,
    /// Pieces digitised against the flow.
    pub reversed: usize,
    /// Lengths of the gaps bridged, metres.
    pub bridges_m: Vec<f64>,
    /// Part of the main path's length digitised downstream (0.5 … 1 where the direction is taken from it).
    pub digitised_downstream: f64,
    /// Head and outlet in the metric's coordinates.
    pub ends: Option<[Coord<f64>; 2]>,
}

/// One straight piece of a river or of a water polygon's bank, pointing downstream.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Upstream end in the metric's coordinates.
    pub a: Coord<f64>,
    /// Downstream end.
    pub b: Coord<f64>,
    pub(super) ea: Ecef,
    pub(super) eb: Ecef,
    /// Position in [`Network::rivers`].
    pub river: u32,
    /// Chainage of `a` and `b` in metres from the head; NaN on banks, which have none.
    pub(super) chain: [f64; 2],
    /// The next segment downstream is the next in the list.
    pub(super) continues: bool,
}

impl Segment {
    /// Chainage at fraction `t` in metres from the head of the river; none on the bank of a water polygon.
    pub fn chainage_m(&self, t: f64) -> Option<f64> {
        let c = self.chain[0] + t * (self.chain[1] - self.chain[0]);
        c.is_finite().then_some(c)
    }

    /// True where the segment is a river line and not a bank.
    pub fn is_line(&self) -> bool {
        self.chain[0].is_finite()
    }
}

/// A river network, indexed by segment.
#[derive(Debug, Clone)]
pub struct Network {
    /// How distances are measured.
    pub metric: Metric,
    /// The rivers: named ones by class and name, then unnamed ones by length.
    pub rivers: Vec<River>,
    /// All segments.
    pub segments: Vec<Segment>,
    /// Water polygons with the river they belong to.
    pub waters: Vec<(u32, Polygon<f64>)>,
    pub(super) groups: Vec<Group>,
    pub(super) runs: Vec<Run>,
    /// Boxes of the groups.
    pub(super) index: BoxIndex,
    pub(super) water_index: BoxIndex,
}

/// Why a network could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// There is no line and no polygon with a segment.
    #[error("there is no river segment")]
    Empty,
    /// The index refused the segments.
    #[error(transparent)]
    Index(#[from] IndexError),
}

struct Lines<'a> {
    pieces: &'a [RiverLine],
    metric: Metric,
}

impl Lines<'_> {
    fn line(&self, i: usize) -> Option<&LineString<f64>> {
        match &self.pieces[i].shape {
            RiverShape::Line(l) => Some(l),
            RiverShape::Water(_) => None,
        }
    }

    fn length_m(&self, l: &LineString<f64>) -> f64 {
        l.0.windows(2).map(|w| self.metric.distance_m(w[0], w[1])).sum()
    }
}

impl Network {
    /// Joins pieces of river lines and water polygons into a network.
    ///
    /// Pieces of one name are one river, whatever their order and direction; gaps up to
    /// [`NetworkOptions::bridge_m`] between them are bridged. Unnamed pieces are joined where their ends meet.
    /// Chainage counts along the shortest way from the node farthest from the outlet; branches and braids carry the
    /// chainage of the points between which they run.
    pub fn build(pieces: &[RiverLine], options: &NetworkOptions) -> Result<Self, NetworkError> {
        let lines = Lines { pieces, metric: options.metric };
        let mut groups: BTreeMap<(RiverClass, Option<&str>), Vec<usize>> = BTreeMap::new();
        let classes = class_of_names(pieces);
        for (i, p) in pieces.iter().enumerate() {
            let name = p.name.as_deref();
            let class = name.and_then(|n| classes.get(n).copied()).unwrap_or(p.class);
            groups.entry((class, name)).or_default().push(i);
        }
        let mut net = Self {
            metric: options.metric,
            rivers: Vec::new(),
            segments: Vec::new(),
            waters: Vec::new(),
            groups: Vec::new(),
            runs: Vec::new(),
            index: BoxIndex::build(&[])?,
            water_index: BoxIndex::build(&[])?,
        };
        for ((class, name), members) in groups {
            net.add_group(&lines, options, class, name, &members);
        }
        if net.segments.is_empty() {
            return Err(NetworkError::Empty);
        }
        if let Some(i) = net.segments.iter().position(|s| !(s.a.x + s.a.y + s.b.x + s.b.y).is_finite()) {
            return Err(IndexError::NotFinite(i).into());
        }
        let boxes;
        (net.groups, net.runs, boxes) = group(options.metric, &net.segments);
        net.index = BoxIndex::build(&boxes)?;
        let waters: Vec<Rect<f64>> =
            net.waters.iter().filter_map(|(_, p)| geo::BoundingRect::bounding_rect(p)).collect();
        net.water_index = BoxIndex::build(&waters)?;
        Ok(net)
    }

    fn add_group(
        &mut self,
        lines: &Lines<'_>,
        o: &NetworkOptions,
        class: RiverClass,
        name: Option<&str>,
        members: &[usize],
    ) {
        let ends: Vec<_> = members
            .iter()
            .filter_map(|&i| {
                let l = lines.line(i)?;
                let (a, b) = (*l.0.first()?, *l.0.last()?);
                Some((i, a, b, lines.length_m(l)))
            })
            .collect();
        let mut graph = Graph::build(o.metric, &ends, o.snap_m);
        match name {
            Some(_) => graph.bridge(o.metric, o.bridge_m, false),
            None => graph.bridge(o.metric, o.bridge_m.min(o.bridge_unnamed_m), true),
        }
        let mut first: Option<u32> = None;
        let mut parts = graph.split();
        parts.sort_by(|a, b| total(b).total_cmp(&total(a)));
        for part in &parts {
            let id = self.add_component(lines, o, class, name, part);
            first.get_or_insert(id);
        }
        for &i in members {
            if let RiverShape::Water(p) = &lines.pieces[i].shape {
                let id = *first.get_or_insert_with(|| self.push_river(name, class, 0.0, RiverReport::default()));
                self.rivers[id as usize].report.pieces += 1;
                self.add_bank(id, p);
            }
        }
    }

    fn add_component(
        &mut self,
        lines: &Lines<'_>,
        o: &NetworkOptions,
        class: RiverClass,
        name: Option<&str>,
        g: &Graph,
    ) -> u32 {
        let outlet = outlet(g, o);
        let (to_outlet, via) = g.distances(outlet);
        let head = farthest(&to_outlet);
        let length_m = to_outlet[head];
        let path = g.path(&via, head);
        let downstream = |p: &Piece| to_outlet[p.from] >= to_outlet[p.to];
        let with_flow: f64 = path.iter().map(|&k| &g.pieces[k]).filter(|p| downstream(p)).map(|p| p.length_m).sum();
        let of_lines = || g.pieces.iter().filter(|p| p.line.is_some());
        let report = RiverReport {
            main_path: path.iter().filter_map(|&k| g.pieces[k].line.map(|i| lines.pieces[i].fid)).collect(),
            pieces: of_lines().count(),
            reversed: of_lines().filter(|p| !downstream(p)).count(),
            bridges_m: g.pieces.iter().filter(|p| p.line.is_none()).map(|p| p.length_m).collect(),
            digitised_downstream: if length_m > 0.0 { with_flow / length_m } else { 1.0 },
            ends: Some([g.nodes[head], g.nodes[outlet]]),
        };
        let river = self.push_river(name, class, length_m, report);
        // the main path from head to outlet first, then branches as they come
        let mut on_path = vec![false; g.pieces.len()];
        path.iter().for_each(|&k| on_path[k] = true);
        let branches = (0..g.pieces.len()).filter(|&k| !on_path[k]);
        for piece in path.iter().copied().chain(branches).map(|k| &g.pieces[k]) {
            let Some(l) = piece.line.and_then(|i| lines.line(i)) else { continue };
            let flows = downstream(piece);
            let (up, down) = if flows { (piece.from, piece.to) } else { (piece.to, piece.from) };
            let coords: Vec<Coord<f64>> = if flows { l.0.clone() } else { l.0.iter().rev().copied().collect() };
            self.add_line(river, &coords, [length_m - to_outlet[up], length_m - to_outlet[down]], piece.length_m);
        }
        river
    }

    fn push_river(&mut self, name: Option<&str>, class: RiverClass, length_m: f64, report: RiverReport) -> u32 {
        self.rivers.push(River { name: name.map(str::to_owned), class, length_m, report });
        (self.rivers.len() - 1) as u32
    }

    fn add_line(&mut self, river: u32, coords: &[Coord<f64>], chain: [f64; 2], length_m: f64) {
        let per_metre = if length_m > 0.0 { (chain[1] - chain[0]) / length_m } else { 0.0 };
        let mut at = chain[0];
        let first = self.segments.len();
        for w in coords.windows(2) {
            if w[0] == w[1] {
                continue;
            }
            let start = at;
            let whole = per_metre * self.metric.distance_m(w[0], w[1]);
            let ends: Vec<Coord<f64>> = self.metric.between(w[0], w[1]).chain([w[1]]).collect();
            // a degree of longitude is shorter in the north: equal parts in degrees are not equal on the ground
            let mut on_ground: Vec<f64> = Vec::with_capacity(ends.len());
            for (k, &b) in ends.iter().enumerate() {
                let (a, before) = if k == 0 { (w[0], 0.0) } else { (ends[k - 1], on_ground[k - 1]) };
                on_ground.push(before + self.metric.distance_m(a, b));
            }
            let total = on_ground.last().copied().unwrap_or(0.0);
            let mut a = w[0];
            for (k, &b) in ends.iter().enumerate() {
                let part = if total > 0.0 { on_ground[k] / total } else { 1.0 };
                let next = if k + 1 == ends.len() { start + whole } else { start + whole * part };
                self.segments.push(self.segment(a, b, river, [at, next], true));
                (a, at) = (b, next);
            }
        }
        if let Some(last) = self.segments[first..].last_mut() {
            last.continues = false;
        }
    }

    fn add_bank(&mut self, river: u32, p: &Polygon<f64>) {
        for ring in std::iter::once(p.exterior()).chain(p.interiors()) {
            for w in ring.0.windows(2).filter(|w| w[0] != w[1]) {
                let mut a = w[0];
                for b in self.metric.between(w[0], w[1]).chain([w[1]]) {
                    self.segments.push(self.segment(a, b, river, [f64::NAN; 2], false));
                    a = b;
                }
            }
        }
        self.waters.push((river, p.clone()));
    }

    fn segment(&self, a: Coord<f64>, b: Coord<f64>, river: u32, chain: [f64; 2], continues: bool) -> Segment {
        let ecef = |p| if self.metric == Metric::Geodesic { Ecef::of(p) } else { Ecef::NONE };
        Segment { a, b, ea: ecef(a), eb: ecef(b), river, chain, continues }
    }

    /// Lower bounds of distances from one box.
    pub(super) fn gap_from(&self, from: &Rect<f64>) -> Gap {
        let lat = from.min().y.abs().max(from.max().y.abs()).min(90.0).to_radians();
        let (sin, cos) = if self.metric == Metric::Geodesic { lat.sin_cos() } else { (0.0, 0.0) };
        Gap { metric: self.metric, from: *from, lat, sin, cos }
    }
}

/// Lower bounds in metres of the distance from one box to others, in the metric's coordinates.
///
/// Geodesic: gaps in degrees times the least length of a degree there, less 0.1 % because a parallel is not the
/// shortest way along itself (6e-5 over 300 km at 40° N). Good for gaps below 1,000 km.
pub(super) struct Gap {
    metric: Metric,
    from: Rect<f64>,
    /// The box's latitude nearest a pole, radians, with its sine and cosine.
    lat: f64,
    sin: f64,
    cos: f64,
}

impl Gap {
    pub fn to(&self, r: &Rect<f64>) -> f64 {
        let a = &self.from;
        let dx = (a.min().x - r.max().x).max(r.min().x - a.max().x).max(0.0);
        let dy = (a.min().y - r.max().y).max(r.min().y - a.max().y).max(0.0);
        match self.metric {
            Metric::Planar => (dx * dx + dy * dy).sqrt(),
            Metric::Geodesic => {
                // cos(φ + δ) ≥ cos φ − δ sin φ − δ²/2
                let d = (r.min().y.abs().max(r.max().y.abs()).to_radians() - self.lat).max(0.0);
                let cos = (self.cos - d * self.sin - 0.5 * d * d).max(0.0);
                let (x, y) = (dx * 111_319.49 * cos, dy * 110_574.27);
                0.999 * (x * x + y * y).sqrt()
            }
        }
    }
}

fn total(g: &Graph) -> f64 {
    g.pieces.iter().map(|p| p.length_m).sum()
}

/// A river has the highest class any of its pieces has.
fn class_of_names(pieces: &[RiverLine]) -> BTreeMap<&str, RiverClass> {
    let mut out: BTreeMap<&str, RiverClass> = BTreeMap::new();
    for p in pieces {
        if let Some(n) = p.name.as_deref() {
            out.entry(n).and_modify(|c| *c = (*c).min(p.class)).or_insert(p.class);
        }
    }
    out
}

/// The outlet node of a connected graph.
fn outlet(g: &Graph, o: &NetworkOptions) -> usize {
    if let Direction::Outlet(at) = o.direction {
        let far = |n: usize| o.metric.distance_m(g.nodes[n], at);
        return (0..g.nodes.len()).min_by(|&a, &b| far(a).total_cmp(&far(b)).then(a.cmp(&b))).unwrap_or(0);
    }
    // the two ends of the longest way (exact for trees), and the vote of the digitised directions on it
    let end_a = farthest(&g.distances(0).0);
    let (dist, via) = g.distances(end_a);
    let end_b = farthest(&dist);
    let mut vote = 0.0;
    for k in g.path(&via, end_b) {
        let p = &g.pieces[k];
        if p.line.is_some() {
            vote += if dist[p.from] <= dist[p.to] { p.length_m } else { -p.length_m };
        }
    }
    if vote >= 0.0 { end_b } else { end_a }
}
