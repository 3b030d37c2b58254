//! Joining pieces of one river: nodes, bridged gaps, distance to the outlet.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use geo::Coord;

use crate::space::frame::Metric;

/// A piece of a river: its end nodes and length. Bridges over gaps have no line.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Position in the input, `None` for a bridge.
    pub line: Option<usize>,
    pub from: usize,
    pub to: usize,
    pub length_m: f64,
}

/// The graph of one river's pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub nodes: Vec<Coord<f64>>,
    pub pieces: Vec<Piece>,
    /// Pieces at each node.
    at: Vec<Vec<usize>>,
}

/// A total order for non-NaN distances in heaps.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Far(f64);
impl Eq for Far {}
impl PartialOrd for Far {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl Ord for Far {
    fn cmp(&self, o: &Self) -> Ordering {
        self.0.total_cmp(&o.0)
    }
}

impl Graph {
    /// Builds the graph from the ends and lengths of lines; ends within `snap_m` are one node.
    pub fn build(metric: Metric, lines: &[(usize, Coord<f64>, Coord<f64>, f64)], snap_m: f64) -> Self {
        let mut g = Self::default();
        let mut grid: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
        for &(line, a, b, length_m) in lines {
            let from = g.node(metric, &mut grid, a, snap_m);
            let to = g.node(metric, &mut grid, b, snap_m);
            g.add(Piece { line: Some(line), from, to, length_m });
        }
        g
    }

    fn node(
        &mut self,
        metric: Metric,
        grid: &mut HashMap<(i64, i64), Vec<usize>>,
        p: Coord<f64>,
        snap_m: f64,
    ) -> usize {
        // a cell is at least snap_m wide in either axis at any latitude below 75°
        let cell = match metric {
            Metric::Geodesic => (snap_m / 28_000.0).max(1e-9),
            Metric::Planar => snap_m.max(1e-6),
        };
        let (cx, cy) = ((p.x / cell).floor() as i64, (p.y / cell).floor() as i64);
        for x in cx - 1..=cx + 1 {
            for y in cy - 1..=cy + 1 {
                for &n in grid.get(&(x, y)).into_iter().flatten() {
                    if metric.distance_m(self.nodes[n], p) <= snap_m {
                        return n;
                    }
                }
            }
        }
        self.nodes.push(p);
        self.at.push(Vec::new());
        grid.entry((cx, cy)).or_default().push(self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn add(&mut self, p: Piece) {
        self.at[p.from].push(self.pieces.len());
        if p.to != p.from {
            self.at[p.to].push(self.pieces.len());
        }
        self.pieces.push(p);
    }

    /// Joins components over gaps of at most `bridge_m` between their nodes, nearest first (ties by node number).
    ///
    /// With `along_flow`, only gaps from the loose end of one line to the loose start of another, the way both are
    /// digitised: without a name, two starts may be two sides of a watershed, and two ends two tributaries of a third
    /// river.
    pub fn bridge(&mut self, metric: Metric, bridge_m: f64, along_flow: bool) {
        let mut group = Groups::of(self.components());
        let mut by_y: Vec<usize> = (0..self.nodes.len()).filter(|&n| !along_flow || self.loose(n).is_some()).collect();
        by_y.sort_by(|&a, &b| self.nodes[a].y.total_cmp(&self.nodes[b].y).then(a.cmp(&b)));
        let mut gaps: Vec<(f64, usize, usize)> = Vec::new();
        for (i, &p) in by_y.iter().enumerate() {
            let near = by_y[i + 1..].iter().take_while(|&&q| near(metric, self.nodes[p], self.nodes[q], bridge_m));
            for &q in near {
                let (a, b) = (p.min(q), p.max(q));
                if group.find(a) == group.find(b) || along_flow && self.loose(a) == self.loose(b) {
                    continue;
                }
                let d = metric.distance_m(self.nodes[a], self.nodes[b]);
                if d <= bridge_m {
                    gaps.push((d, a, b));
                }
            }
        }
        gaps.sort_by(|x, y| x.0.total_cmp(&y.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        for (length_m, from, to) in gaps {
            if group.join(from, to) {
                self.add(Piece { line: None, from, to, length_m });
            }
        }
    }

    /// Whether a node is the loose start (`false`) or end (`true`) of a line.
    fn loose(&self, node: usize) -> Option<bool> {
        match self.at[node][..] {
            [p] if self.pieces[p].from != self.pieces[p].to => Some(self.pieces[p].to == node),
            _ => None,
        }
    }

    /// The connected parts, each a graph of its own, in the order of their first nodes.
    pub fn split(self) -> Vec<Self> {
        let component = self.components();
        let mut parts = vec![Self::default(); component.iter().max().map_or(0, |m| m + 1)];
        let mut local = vec![0; self.nodes.len()];
        for (n, &c) in component.iter().enumerate() {
            local[n] = parts[c].nodes.len();
            parts[c].nodes.push(self.nodes[n]);
            parts[c].at.push(Vec::new());
        }
        for p in self.pieces {
            parts[component[p.from]].add(Piece { from: local[p.from], to: local[p.to], ..p });
        }
        parts
    }

    /// Component number of each node, numbered by first node.
    fn components(&self) -> Vec<usize> {
        let mut c = vec![usize::MAX; self.nodes.len()];
        let mut next = 0;
        for start in 0..self.nodes.len() {
            if c[start] != usize::MAX {
                continue;
            }
            let mut stack = vec![start];
            while let Some(n) = stack.pop() {
                if c[n] == usize::MAX {
                    c[n] = next;
                    stack.extend(self.at[n].iter().map(|&p| self.other(p, n)));
                }
            }
            next += 1;
        }
        c
    }

    fn other(&self, piece: usize, node: usize) -> usize {
        let p = &self.pieces[piece];
        if p.from == node { p.to } else { p.from }
    }

    /// Distance along the pieces from `start` to each node (infinite where not connected), and the piece that leads
    /// there (Dijkstra 1959; ties by node number).
    pub fn distances(&self, start: usize) -> (Vec<f64>, Vec<Option<usize>>) {
        let mut dist = vec![f64::INFINITY; self.nodes.len()];
        let mut via = vec![None; self.nodes.len()];
        dist[start] = 0.0;
        let mut heap = BinaryHeap::from([Reverse((Far(0.0), start))]);
        while let Some(Reverse((Far(d), n))) = heap.pop() {
            if d > dist[n] {
                continue;
            }
            for &p in &self.at[n] {
                let (m, e) = (self.other(p, n), d + self.pieces[p].length_m);
                if e < dist[m] {
                    dist[m] = e;
                    via[m] = Some(p);
                    heap.push(Reverse((Far(e), m)));
                }
            }
        }
        (dist, via)
    }

    /// Pieces from `from` back to the start of `via`.
    pub fn path(&self, via: &[Option<usize>], from: usize) -> Vec<usize> {
        let (mut n, mut out) = (from, Vec::new());
        while let Some(p) = via[n] {
            out.push(p);
            n = self.other(p, n);
        }
        out
    }
}

/// Which nodes hang together: groups that are joined (Galler & Fischer 1964).
struct Groups(Vec<usize>);

impl Groups {
    /// Nodes with the same number are in one group.
    fn of(numbers: Vec<usize>) -> Self {
        let mut first = HashMap::new();
        Self(numbers.iter().enumerate().map(|(n, c)| *first.entry(*c).or_insert(n)).collect())
    }

    fn find(&mut self, mut n: usize) -> usize {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    /// True where they were apart.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
        a != b
    }
}

/// The node farthest from the start (ties by node number).
pub(super) fn farthest(dist: &[f64]) -> usize {
    let mut best = (f64::NEG_INFINITY, 0);
    for (n, &d) in dist.iter().enumerate() {
        if d.is_finite() && d > best.0 {
            best = (d, n);
        }
    }
    best.1
}

/// False only where two points are surely farther apart than `d` metres (cheap).
fn near(metric: Metric, a: Coord<f64>, b: Coord<f64>, d: f64) -> bool {
    let limit = match metric {
        Metric::Geodesic => d / 110_000.0,
        Metric::Planar => d,
    };
    (a.y - b.y).abs() <= limit
}
