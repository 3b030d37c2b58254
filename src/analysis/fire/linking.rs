//! Which detections belong together.
//!
//! Two detections of like pixels are of one fire where their pixels touch and they lie no further apart in time than
//! [`LinkOptions::gap_s`], or where the centre of one lies in the pixel of the other and they lie no further apart than
//! [`LinkOptions::relapse_s`]. A detection of a coarser pixel joins the nearest finer one whose pixel it touches within the
//! gap, and then joins no others: one wide pixel does not make one fire of two. Pixels count as circles round their corners,
//! since their direction is not delivered.
//!
//! Fires are the connected components, so that they depend on the set of detections alone. They are found without looking
//! at all pairs: in a cell no wider than the least radius all are linked to the next in time, and between two cells one link
//! is enough for each pair of runs (the grid of Gunawan 2013, "A faster algorithm for DBSCAN", carried over to space and
//! time).

use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use geo::Coord;
use rayon::prelude::*;

use super::cells::Cells;
use crate::space::frame::Ecef;

/// How detections are linked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkOptions {
    /// Seconds within which touching pixels are one fire.
    pub gap_s: i64,
    /// Seconds within which heat at the same place is the same fire come back.
    pub relapse_s: i64,
    /// Metres added to the reach of each pair, for errors of geolocation.
    pub tolerance_m: f64,
}

impl Default for LinkOptions {
    /// 10 days, 2 years, 15 m.
    fn default() -> Self {
        Self { gap_s: 10 * 86_400, relapse_s: 730 * 86_400, tolerance_m: 15.0 }
    }
}

/// What linking needs of a detection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Longitude and latitude, degrees.
    pub lonlat: Coord<f64>,
    /// Seconds since 1970 (UTC).
    pub time_s: i64,
    /// Radius of the circle round the pixel, metres.
    pub radius_m: f64,
}

/// Greatest radius of each class of pixels in metres: of up to 100 m a side, of up to 900 m, and beyond.
const CLASSES_M: [f64; 3] = [72.0, 640.0, f64::INFINITY];

/// Class of a pixel by the radius of its circle: 0 finest.
pub fn class_of(radius_m: f64) -> usize {
    CLASSES_M.iter().position(|c| radius_m <= *c).unwrap_or(CLASSES_M.len() - 1)
}

/// The fire of each spot, as the position of one of its spots; spots of one fire answer the same. `spots` in order of time.
/// The same for any number of threads.
pub fn link(spots: &[Spot], o: &LinkOptions) -> Vec<u32> {
    // a forest in which nothing stands above what comes after it
    let mut fires: Vec<u32> = (0..spots.len() as u32).collect();
    let mut finer: Vec<Layer> = Vec::new();
    for class in 0..CLASSES_M.len() {
        let of_class = |i: &u32| class_of(spots[*i as usize].radius_m) == class;
        let all: Vec<u32> = (0..spots.len() as u32).into_par_iter().filter(of_class).collect();
        if all.is_empty() {
            continue;
        }
        let joined: Vec<Option<u32>> = match finer.is_empty() {
            true => vec![None; all.len()],
            false => all.par_iter().map_init(Vec::new, |near, i| nearest(spots, *i, &finer, o, near)).collect(),
        };
        let layer = Layer::new(spots, &all);
        if joined.iter().all(Option::is_none) {
            layer.link(o, &mut fires);
        } else {
            let alone = all.iter().zip(&joined).filter(|(_, j)| j.is_none()).map(|(i, _)| *i);
            Layer::new(spots, &alone.collect::<Vec<u32>>()).link(o, &mut fires);
        }
        for (i, j) in all.iter().zip(&joined).filter_map(|(i, j)| Some((*i, (*j)?))) {
            let (a, b) = (root(&fires, i), root(&fires, j));
            fires[a.max(b) as usize] = a.min(b);
        }
        finer.push(layer);
    }
    for i in 0..fires.len() {
        // what stands above has its answer already
        fires[i] = fires[fires[i] as usize];
    }
    fires
}

fn root(forest: &[u32], mut i: u32) -> u32 {
    while forest[i as usize] != i {
        i = forest[i as usize];
    }
    i
}

/// The nearest finer spot that a spot touches within the gap; of equals the nearer in time, then the earlier.
fn nearest(spots: &[Spot], i: u32, finer: &[Layer], o: &LinkOptions, near: &mut Vec<usize>) -> Option<u32> {
    let p = spots[i as usize];
    let place = Ecef::of(p.lonlat);
    let mut best: Option<(f64, i64, u32)> = None;
    for layer in finer {
        layer.cells.near(p.lonlat, p.radius_m + layer.widest_m + o.tolerance_m, near);
        for range in near.iter().map(|c| layer.cells.range(*c)) {
            let from = range.start + layer.time[range.clone()].partition_point(|t| *t < p.time_s - o.gap_s);
            for k in (from..range.end).take_while(|k| layer.time[*k] <= p.time_s + o.gap_s) {
                let d = place.chord_m(&layer.place[k]);
                let key = (d, (layer.time[k] - p.time_s).abs(), layer.cells.items[k]);
                if d <= p.radius_m + layer.radius[k] + o.tolerance_m
                    && best.is_none_or(|b| key.0.total_cmp(&b.0).then((key.1, key.2).cmp(&(b.1, b.2))).is_lt())
                {
                    best = Some(key);
                }
            }
        }
    }
    best.map(|b| b.2)
}

/// Spots of one class, cell by cell and in each in order of time.
struct Layer {
    cells: Cells,
    time: Vec<i64>,
    place: Vec<Ecef>,
    radius: Vec<f64>,
    widest_m: f64,
}

impl Layer {
    fn new(spots: &[Spot], own: &[u32]) -> Self {
        let radius = |i: &u32| spots[*i as usize].radius_m;
        let least = own.iter().map(radius).fold(f64::INFINITY, f64::min).max(1.0);
        let side_m = 0.99 * least / 2f64.sqrt();
        let cells = Cells::new(side_m, own, |i| spots[i as usize].lonlat);
        Self {
            time: cells.items.par_iter().map(|i| spots[*i as usize].time_s).collect(),
            place: cells.items.par_iter().map(|i| Ecef::of(spots[*i as usize].lonlat)).collect(),
            radius: cells.items.par_iter().map(radius).collect(),
            widest_m: own.iter().map(radius).fold(0.0, f64::max),
            cells,
        }
    }

    /// Enters the least spot of each spot's fire.
    fn link(&self, o: &LinkOptions, fires: &mut [u32]) {
        let run = Linking { layer: self, o, reach: self.reach(), runs: Runs::of(self, o.relapse_s.max(o.gap_s)) };
        // runs that touch come first: most of what lies farther off is linked then
        run.pairs(TOUCHING_M);
        run.pairs(2.0 * self.widest_m + o.tolerance_m);
        let mut least = vec![u32::MAX; run.runs.len()];
        let of: Vec<u32> = (0..run.runs.len() as u32).map(|r| run.runs.sets.find(r)).collect();
        for (r, root) in of.iter().enumerate() {
            // the first of a run is its earliest
            let first = self.cells.items[run.runs.range(r as u32).start];
            least[*root as usize] = least[*root as usize].min(first);
        }
        for (r, root) in of.iter().enumerate() {
            for k in run.runs.range(r as u32) {
                fires[self.cells.items[k] as usize] = least[*root as usize];
            }
        }
    }

    /// How far the pixels of each cell reach from its first spot.
    fn reach(&self) -> Vec<f64> {
        let of = |c: usize| {
            let range = self.cells.range(c);
            let first = self.place[range.start];
            range.map(|k| first.chord_m(&self.place[k]) + self.radius[k]).fold(0.0, f64::max)
        };
        (0..self.cells.len()).into_par_iter().map(of).collect()
    }
}

/// Cells that touch lie no farther apart, metres.
const TOUCHING_M: f64 = 1.0;

struct Linking<'a> {
    layer: &'a Layer,
    o: &'a LinkOptions,
    /// Of each cell.
    reach: Vec<f64>,
    runs: Runs,
}

impl Linking<'_> {
    /// Links the runs of all pairs of cells that may lie within `reach_m`.
    fn pairs(&self, reach_m: f64) {
        let l = self.layer;
        l.cells.pairs(reach_m, |a, b| {
            let (first, other) = (l.cells.range(a).start, l.cells.range(b).start);
            if l.place[first].chord_m(&l.place[other]) <= self.reach[a] + self.reach[b] + self.o.tolerance_m {
                self.link_cells(a, b);
            }
        });
    }

    /// Links runs of two cells that a pair links; runs in order of time, those too far apart are passed over.
    fn link_cells(&self, a: usize, b: usize) {
        let time = &self.layer.time;
        let window = self.o.relapse_s.max(self.o.gap_s);
        let (mut from, end) = self.runs.of_cell(b);
        let (first, last) = self.runs.of_cell(a);
        for x in first..last {
            let xs = self.runs.range(x);
            let (begins, ends) = (time[xs.start] - window, time[xs.end - 1] + window);
            while from < end && time[self.runs.range(from).end - 1] < begins {
                from += 1;
            }
            for y in from..end {
                let ys = self.runs.range(y);
                if time[ys.start] > ends {
                    break;
                }
                if self.runs.sets.find(x) != self.runs.sets.find(y) && self.linked(xs.clone(), ys, b) {
                    self.runs.sets.join(x, y);
                }
            }
        }
    }

    /// True where a pair of two runs is linked; `cell` is that of `ys`. Pairs within the gap reach farther and are tried
    /// before the rest.
    fn linked(&self, xs: Range<usize>, ys: Range<usize>, cell: usize) -> bool {
        let (l, o) = (self.layer, self.o);
        let first = l.place[l.cells.range(cell).start];
        let time = &l.time[ys.clone()];
        let try_within = |window: i64| {
            let mut from = 0;
            xs.clone().any(|i| {
                // no pixel of the cell reaches it
                if first.chord_m(&l.place[i]) > l.radius[i] + self.reach[cell] + o.tolerance_m {
                    return false;
                }
                let t = l.time[i];
                from += time[from..].partition_point(|u| *u < t - window);
                let within = (from..time.len()).take_while(|j| time[*j] <= t + window);
                within.map(|j| ys.start + j).any(|j| self.touch(i, j))
            })
        };
        try_within(o.gap_s) || o.relapse_s > o.gap_s && try_within(o.relapse_s)
    }

    fn touch(&self, i: usize, j: usize) -> bool {
        let l = self.layer;
        let apart = (l.time[i] - l.time[j]).abs();
        let reach = if apart <= self.o.gap_s {
            l.radius[i] + l.radius[j]
        } else if apart <= self.o.relapse_s {
            l.radius[i].max(l.radius[j])
        } else {
            return false;
        };
        l.place[i].chord_m(&l.place[j]) <= reach + self.o.tolerance_m
    }
}

/// Runs of each cell: spots that follow each other without a break longer than the window, all of one fire.
struct Runs {
    /// First run of each cell, and the number of all.
    cells: Vec<u32>,
    /// First spot of each run, and the number of all.
    starts: Vec<u32>,
    sets: Sets,
}

impl Runs {
    fn of(l: &Layer, window: i64) -> Self {
        let (mut cells, mut starts) = (Vec::with_capacity(l.cells.len() + 1), Vec::new());
        for c in 0..l.cells.len() {
            cells.push(starts.len() as u32);
            let range = l.cells.range(c);
            starts.push(range.start as u32);
            starts
                .extend((range.start + 1..range.end).filter(|k| l.time[*k] - l.time[k - 1] > window).map(|k| k as u32));
        }
        cells.push(starts.len() as u32);
        let sets = Sets::new(starts.len());
        starts.push(l.time.len() as u32);
        Self { cells, starts, sets }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn of_cell(&self, c: usize) -> (u32, u32) {
        (self.cells[c], self.cells[c + 1])
    }

    fn range(&self, run: u32) -> Range<usize> {
        self.starts[run as usize] as usize..self.starts[run as usize + 1] as usize
    }
}

/// Disjoint sets that threads join at the same time (Anderson & Woll 1991, “Wait-free parallel algorithms for the
/// union-find problem”). The least member stands for its set, so that the order of joining does not show.
struct Sets(Vec<AtomicU32>);

impl Sets {
    fn new(n: usize) -> Self {
        Self((0..n as u32).map(AtomicU32::new).collect())
    }

    fn find(&self, mut i: u32) -> u32 {
        loop {
            let up = self.0[i as usize].load(Relaxed);
            if up == i {
                return i;
            }
            let above = self.0[up as usize].load(Relaxed);
            if above != up {
                // shortens the way; where another thread did so first, nothing is lost
                let _ = self.0[i as usize].compare_exchange(up, above, Relaxed, Relaxed);
            }
            i = above;
        }
    }

    fn join(&self, a: u32, b: u32) {
        loop {
            let (a, b) = (self.find(a), self.find(b));
            // a root may have got another above it meanwhile
            if a == b || self.0[a.max(b) as usize].compare_exchange(a.max(b), a.min(b), Relaxed, Relaxed).is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule of the module's head, pair by pair.
    fn by_pairs(spots: &[Spot], o: &LinkOptions) -> Vec<u32> {
        let ecef: Vec<Ecef> = spots.iter().map(|s| Ecef::of(s.lonlat)).collect();
        let d = |i: usize, j: usize| ecef[i].chord_m(&ecef[j]);
        let class: Vec<usize> = spots.iter().map(|s| class_of(s.radius_m)).collect();
        let n = spots.len();
        let mut joined: Vec<Option<usize>> = vec![None; n];
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| class[*i]);
        for &i in &order {
            let touching = (0..n).filter(|&j| {
                class[j] < class[i]
                    && (spots[i].time_s - spots[j].time_s).abs() <= o.gap_s
                    && d(i, j) <= spots[i].radius_m + spots[j].radius_m + o.tolerance_m
            });
            joined[i] = touching.min_by(|&a, &b| {
                let t = |j: usize| (spots[i].time_s - spots[j].time_s).abs();
                d(i, a).total_cmp(&d(i, b)).then((t(a), a).cmp(&(t(b), b)))
            });
        }
        let mut label: Vec<u32> = (0..n as u32).collect();
        loop {
            let before = label.clone();
            for i in 0..n {
                for j in 0..n {
                    let apart = (spots[i].time_s - spots[j].time_s).abs();
                    let (r, s) = (spots[i].radius_m, spots[j].radius_m);
                    let alike = class[i] == class[j] && joined[i].is_none() && joined[j].is_none();
                    let touch = apart <= o.gap_s && d(i, j) <= r + s + o.tolerance_m;
                    let again = apart <= o.relapse_s && d(i, j) <= r.max(s) + o.tolerance_m;
                    if joined[i] == Some(j) || alike && (touch || again) {
                        let least = label[i].min(label[j]);
                        (label[i], label[j]) = (least, least);
                    }
                }
            }
            if label == before {
                return label;
            }
        }
    }

    proptest! {
        #[test]
        fn the_grid_finds_what_all_pairs_find(
            raw in prop::collection::vec((0.0f64..6000.0, 0.0f64..6000.0, 0i64..1200, 0usize..5), 1..60),
            (lon, lat) in (-180.0f64..180.0, -89.9f64..89.9),
            gap in 0i64..30, relapse in 0i64..500,
        ) {
            let radii = [14.1, 265.0, 500.0, 707.0, 2600.0];
            let mut spots: Vec<Spot> = raw
                .iter()
                .map(|&(x, y, day, r)| {
                    let lat = lat + y / 111_000.0 * if lat > 0.0 { -1.0 } else { 1.0 };
                    let lon = lon + x / (111_000.0 * lat.to_radians().cos());
                    let lon = if lon > 180.0 { lon - 360.0 } else { lon };
                    Spot { lonlat: Coord { x: lon, y: lat }, time_s: day * 86_400, radius_m: radii[r] }
                })
                .collect();
            spots.sort_by_key(|s| s.time_s);
            let o = LinkOptions { gap_s: gap * 86_400, relapse_s: relapse.max(gap) * 86_400, tolerance_m: 15.0 };
            prop_assert_eq!(link(&spots, &o), by_pairs(&spots, &o));
        }
    }
}
