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

use geo::Coord;

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
pub fn link(spots: &[Spot], o: &LinkOptions) -> Vec<u32> {
    let ecef: Vec<Ecef> = spots.iter().map(|s| Ecef::of(s.lonlat)).collect();
    let mut run = Linking { spots, ecef, o, sets: Sets::new(spots.len()) };
    let mut finer: Vec<Layer> = Vec::new();
    for class in 0..CLASSES_M.len() {
        let of_class = |i: &u32| class_of(spots[*i as usize].radius_m) == class;
        let all: Vec<u32> = (0..spots.len() as u32).filter(of_class).collect();
        if all.is_empty() {
            continue;
        }
        let own: Vec<u32> = all.iter().copied().filter(|i| finer.is_empty() || !run.joins_finer(*i, &finer)).collect();
        let layer = Layer::new(spots, &all);
        if own.len() == all.len() {
            run.link_layer(&layer);
        } else if !own.is_empty() {
            run.link_layer(&Layer::new(spots, &own));
        }
        finer.push(layer);
    }
    (0..spots.len() as u32).map(|i| run.sets.find(i)).collect()
}

/// Spots of one class.
struct Layer {
    cells: Cells,
    side_m: f64,
    widest_m: f64,
}

impl Layer {
    fn new(spots: &[Spot], own: &[u32]) -> Self {
        let radius = |i: &u32| spots[*i as usize].radius_m;
        let least = own.iter().map(radius).fold(f64::INFINITY, f64::min).max(1.0);
        let side_m = 0.99 * least / 2f64.sqrt();
        Self {
            cells: Cells::new(side_m, own.iter().copied(), |i| spots[i as usize].lonlat),
            side_m,
            widest_m: own.iter().map(radius).fold(0.0, f64::max),
        }
    }
}

struct Linking<'a> {
    spots: &'a [Spot],
    ecef: Vec<Ecef>,
    o: &'a LinkOptions,
    sets: Sets,
}

impl Linking<'_> {
    fn linked(&self, a: u32, b: u32) -> bool {
        let (p, q) = (&self.spots[a as usize], &self.spots[b as usize]);
        let apart = (p.time_s - q.time_s).abs();
        let reach = if apart <= self.o.gap_s {
            p.radius_m + q.radius_m
        } else if apart <= self.o.relapse_s {
            p.radius_m.max(q.radius_m)
        } else {
            return false;
        };
        self.ecef[a as usize].chord_m(&self.ecef[b as usize]) <= reach + self.o.tolerance_m
    }

    /// Joins the nearest finer spot that it touches within the gap; false where there is none.
    fn joins_finer(&mut self, i: u32, finer: &[Layer]) -> bool {
        let p = self.spots[i as usize];
        let mut best: Option<(f64, i64, u32)> = None;
        let mut near = Vec::new();
        for layer in finer {
            layer.cells.near(p.lonlat, p.radius_m + layer.widest_m + self.o.tolerance_m, &mut near);
            for &c in &near {
                let items = layer.cells.of(c);
                let from = items.partition_point(|&j| self.spots[j as usize].time_s < p.time_s - self.o.gap_s);
                for &j in &items[from..] {
                    let q = &self.spots[j as usize];
                    if q.time_s > p.time_s + self.o.gap_s {
                        break;
                    }
                    let d = self.ecef[i as usize].chord_m(&self.ecef[j as usize]);
                    let key = (d, (q.time_s - p.time_s).abs(), j);
                    if d <= p.radius_m + q.radius_m + self.o.tolerance_m
                        && best.is_none_or(|b| key.0.total_cmp(&b.0).then((key.1, key.2).cmp(&(b.1, b.2))).is_lt())
                    {
                        best = Some(key);
                    }
                }
            }
        }
        if let Some((.., j)) = best {
            self.sets.join(i, j);
        }
        best.is_some()
    }

    fn link_layer(&mut self, layer: &Layer) {
        let runs = self.link_cells(layer);
        let widest: Vec<f64> = (0..layer.cells.len())
            .map(|c| layer.cells.of(c).iter().map(|i| self.spots[*i as usize].radius_m).fold(0.0, f64::max))
            .collect();
        // both points lie in their cells, within a diagonal of the first of each
        let slack = 2.0 * 2f64.sqrt() * layer.side_m + self.o.tolerance_m;
        let mut near = Vec::new();
        for a in 0..layer.cells.len() {
            let first = layer.cells.of(a)[0] as usize;
            layer.cells.near(self.spots[first].lonlat, widest[a] + layer.widest_m + slack, &mut near);
            for &b in near.iter().filter(|&&b| b > a) {
                let other = layer.cells.of(b)[0] as usize;
                if self.ecef[first].chord_m(&self.ecef[other]) <= widest[a] + widest[b] + slack {
                    self.link_runs(layer, &runs[a], &runs[b]);
                }
            }
        }
    }

    /// Links the spots of each cell; answers its runs: positions in `items` without a break longer than a relapse.
    fn link_cells(&mut self, layer: &Layer) -> Vec<Vec<std::ops::Range<usize>>> {
        let mut start = 0;
        (0..layer.cells.len())
            .map(|c| {
                let items = layer.cells.of(c);
                let (mut runs, mut from) = (Vec::new(), 0);
                for k in 1..items.len() {
                    let (a, b) = (items[k - 1], items[k]);
                    if self.spots[b as usize].time_s - self.spots[a as usize].time_s
                        <= self.o.relapse_s.max(self.o.gap_s)
                    {
                        self.sets.join(a, b);
                    } else {
                        runs.push(start + from..start + k);
                        from = k;
                    }
                }
                runs.push(start + from..start + items.len());
                start += items.len();
                runs
            })
            .collect()
    }

    fn link_runs(&mut self, layer: &Layer, a: &[std::ops::Range<usize>], b: &[std::ops::Range<usize>]) {
        for x in a {
            for y in b {
                let (x, y) = (&layer.cells.items[x.clone()], &layer.cells.items[y.clone()]);
                if self.sets.find(x[0]) != self.sets.find(y[0])
                    && let Some((i, j)) = self.first_link(x, y)
                {
                    self.sets.join(i, j);
                }
            }
        }
    }

    /// A linked pair of two runs in order of time. Pairs within the gap reach farther and are tried before the rest.
    fn first_link(&self, x: &[u32], y: &[u32]) -> Option<(u32, u32)> {
        [self.o.gap_s, self.o.relapse_s].into_iter().find_map(|window| {
            let mut from = 0;
            x.iter().find_map(|&i| {
                let t = self.spots[i as usize].time_s;
                from += y[from..].partition_point(|&j| self.spots[j as usize].time_s < t - window);
                let within = y[from..].iter().take_while(|&&j| self.spots[j as usize].time_s <= t + window);
                within.copied().find(|&j| self.linked(i, j)).map(|j| (i, j))
            })
        })
    }
}

/// Disjoint sets; the least member stands for its set, so that the order of joining does not show.
struct Sets(Vec<u32>);

impl Sets {
    fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    fn find(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            let up = self.0[self.0[i as usize] as usize];
            self.0[i as usize] = up;
            i = up;
        }
        i
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
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
