//! Detections that say what another says already: delivered twice, delivered again by the archive, or seen by another
//! satellite in the same pass. What is answered depends on the set of detections and not on their order.

use std::cmp::Ordering;

use geo::Coord;

use super::cells::Cells;
use crate::model::{Delivery, FirePoint, Repeat};
use crate::space::frame::Ecef;

/// How repeats are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatOptions {
    /// The archive's time may differ by so many seconds from the near real-time one.
    pub archive_s: i64,
    /// The archive's position may differ by this share of the smaller side of its pixel.
    pub archive_share: f64,
    /// Satellites that pass within so many seconds see the same pass; 0 merges none.
    pub pass_s: i64,
}

impl Default for RepeatOptions {
    /// Two minutes; 0.4 of a pixel, less than half so that no neighbour is taken for the same; 60 minutes (Suomi NPP,
    /// NOAA-20 and NOAA-21 follow each other by some 25 to 50).
    fn default() -> Self {
        Self { archive_s: 120, archive_share: 0.4, pass_s: 3600 }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RepeatCounts {
    /// Rows with an identifier that another row has: left out.
    pub same: usize,
    /// Detections that the archive delivered again: kept, marked and not used.
    pub archive: usize,
    /// Detections of another satellite in the same pass: kept, marked and not counted.
    pub pass: usize,
}

/// One row an identifier, in order of time and identifier, each marked where it repeats another.
pub fn settle(mut points: Vec<FirePoint>, o: &RepeatOptions) -> (Vec<FirePoint>, RepeatCounts) {
    let before = points.len();
    // of rows with one identifier the last delivered is kept
    points.sort_by(|a, b| (a.time, a.id).cmp(&(b.time, b.id)).then_with(|| rank(b, a)));
    points.dedup_by_key(|p| p.id);
    let mut counts = RepeatCounts { same: before - points.len(), ..RepeatCounts::default() };
    points.iter_mut().for_each(|p| p.repeats = None);
    counts.archive = by_archive(&mut points, o);
    counts.pass = by_pass(&mut points, o);
    (points, counts)
}

/// Later deliveries are greater; among equals the content decides, so that the order of arrival does not.
fn rank(a: &FirePoint, b: &FirePoint) -> Ordering {
    let number = |v: Option<f64>| v.unwrap_or(f64::NEG_INFINITY);
    let numbers = |p: &FirePoint| {
        [p.confidence_pct, p.brightness_k, p.brightness_11_k, p.delta_t_k, p.frp_mw].map(number).to_vec()
    };
    let by_numbers = || {
        numbers(a).iter().zip(&numbers(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    let words = |p: &FirePoint| (p.instrument.clone(), p.confidence, p.source_type, p.day, p.method.clone());
    a.delivery
        .cmp(&b.delivery)
        .then_with(|| a.version.cmp(&b.version))
        .then_with(by_numbers)
        .then_with(|| words(a).cmp(&words(b)))
        // of files that hold the same row the first by name is told
        .then_with(|| b.source.cmp(&a.source))
}

/// Positions for search.
struct Ground {
    cells: Cells,
    ecef: Vec<Ecef>,
    /// Seconds since 1970.
    time: Vec<i64>,
}

impl Ground {
    fn new(points: &[FirePoint], side_m: f64, which: impl Fn(&FirePoint) -> bool) -> Self {
        let items: Vec<u32> = (0..points.len() as u32).filter(|i| which(&points[*i as usize])).collect();
        Self {
            cells: Cells::new(side_m, &items, |i| points[i as usize].lonlat),
            ecef: points.iter().map(|p| Ecef::of(p.lonlat)).collect(),
            time: points.iter().map(|p| p.time.timestamp()).collect(),
        }
    }

    /// Items within `reach_m` and `seconds` of item `i`, with their distance.
    fn near(
        &self,
        p: Coord<f64>,
        i: usize,
        reach_m: f64,
        seconds: i64,
        cells: &mut Vec<usize>,
        found: &mut Vec<(f64, u32)>,
    ) {
        found.clear();
        self.cells.near(p, reach_m, cells);
        let t = self.time[i];
        for &c in cells.iter() {
            // items lie in order of time
            let items = &self.cells.items[self.cells.range(c)];
            let from = items.partition_point(|&j| self.time[j as usize] < t - seconds);
            for &j in items[from..].iter().take_while(|&&j| self.time[j as usize] <= t + seconds) {
                let d = self.ecef[i].chord_m(&self.ecef[j as usize]);
                if d <= reach_m && j as usize != i {
                    found.push((d, j));
                }
            }
        }
    }
}

fn by_archive(points: &mut [FirePoint], o: &RepeatOptions) -> usize {
    if points.iter().all(|p| p.delivery == points[0].delivery) {
        return 0;
    }
    let ground = Ground::new(points, 1000.0, |p| p.delivery > Delivery::RealTime);
    let reach = points.iter().map(|p| o.archive_share * p.pixel_m[0].min(p.pixel_m[1])).fold(0.0, f64::max);
    let (mut cells, mut found, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    for (i, p) in points.iter().enumerate().filter(|(_, p)| p.delivery < Delivery::Archive) {
        ground.near(p.lonlat, i, reach, o.archive_s, &mut cells, &mut found);
        let best = found
            .iter()
            .map(|&(d, j)| (d, &points[j as usize]))
            .filter(|(d, q)| {
                q.satellite == p.satellite
                    && q.instrument == p.instrument
                    && q.delivery > p.delivery
                    && *d <= o.archive_share * q.pixel_m[0].min(q.pixel_m[1])
            })
            // the latest delivery, so that what is pointed at is not replaced itself where it can be helped
            .min_by(|a, b| b.1.delivery.cmp(&a.1.delivery).then(a.0.total_cmp(&b.0)).then(a.1.id.cmp(&b.1.id)));
        marks.extend(best.map(|(_, q)| (i, q.id)));
    }
    marks.iter().for_each(|(i, id)| points[*i].repeats = Some((Repeat::Archive, *id)));
    marks.len()
}

/// Of several satellites the finest pixel stays; of equal ones the more radiant, the earlier, the lesser identifier.
fn by_pass(points: &mut [FirePoint], o: &RepeatOptions) -> usize {
    if o.pass_s <= 0 || points.iter().all(|p| p.satellite == points[0].satellite) {
        return 0;
    }
    let ground = Ground::new(points, 1000.0, |p| p.repeats.is_none());
    let widest = points.iter().map(FirePoint::radius_m).fold(0.0, f64::max);
    let mut order: Vec<u32> = ground.cells.items.clone();
    let area = |p: &FirePoint| p.pixel_m[0] * p.pixel_m[1];
    let frp = |p: &FirePoint| p.frp_mw.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|&a, &b| {
        let (a, b) = (&points[a as usize], &points[b as usize]);
        area(a).total_cmp(&area(b)).then(frp(b).total_cmp(&frp(a))).then((a.time, a.id).cmp(&(b.time, b.id)))
    });
    let mut stays = vec![false; points.len()];
    let (mut cells, mut found, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    for i in order {
        let p = &points[i as usize];
        ground.near(p.lonlat, i as usize, widest, o.pass_s, &mut cells, &mut found);
        let best = found
            .iter()
            .filter(|&&(_, j)| stays[j as usize])
            .map(|&(d, j)| (d, &points[j as usize]))
            .filter(|(d, q)| q.satellite != p.satellite && *d <= p.radius_m().max(q.radius_m()))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
        match best {
            Some((_, q)) => marks.push((i, q.id)),
            None => stays[i as usize] = true,
        }
    }
    marks.iter().for_each(|(i, id)| points[*i as usize].repeats = Some((Repeat::Pass, *id)));
    marks.len()
}
