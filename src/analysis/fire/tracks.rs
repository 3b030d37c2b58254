//! Tracks: the detections of one fire with its course, its place and its peaks.

use chrono::{DateTime, Utc};
use geo::{BoundingRect, Contains, Coord, MultiPolygon, Point, Rect};
use rayon::prelude::*;

use super::linking::{LinkOptions, Spot, class_of, link};
use super::states::{Burning, Sight, StateOptions, course};
use crate::model::{FireId, FirePoint, FireTrack, Look, Observed, Repeat, Sees};

/// How detections become tracks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrackOptions {
    /// How they are linked.
    pub link: LinkOptions,
    /// How states follow.
    pub state: StateOptions,
}

/// Why a track has no site or river.
pub const NOT_ASKED: &str = "not_asked";

/// Tracks of detections, in order of their first heat.
///
/// `points` in order of time and identifier, without those that the archive replaced; `looks` in order of time. Nothing
/// after `until` is looked at. The result is the same for any number of threads.
pub fn tracks(points: &[FirePoint], looks: &[Look], until: DateTime<Utc>, o: &TrackOptions) -> Vec<FireTrack> {
    tracks_of(points, &fires(points, until, o), looks, until, o)
}

/// The fire of each detection up to `until`, as the position of its earliest.
pub fn fires(points: &[FirePoint], until: DateTime<Utc>, o: &TrackOptions) -> Vec<u32> {
    let end = points.partition_point(|p| p.time <= until);
    let spots: Vec<Spot> = points[..end]
        .par_iter()
        .map(|p| Spot { lonlat: p.lonlat, time_s: p.time.timestamp(), radius_m: p.radius_m() })
        .collect();
    link(&spots, &o.link)
}

/// As [`tracks`], of detections whose fires ([`fires`]) are known.
pub fn tracks_of(
    points: &[FirePoint],
    fires: &[u32],
    looks: &[Look],
    until: DateTime<Utc>,
    o: &TrackOptions,
) -> Vec<FireTrack> {
    // positions are in order of time: the least of a fire is its earliest detection, of several the least identifier
    let mut order: Vec<u32> = (0..fires.len() as u32).collect();
    order.par_sort_unstable_by_key(|i| (fires[*i as usize], *i));
    let groups: Vec<&[u32]> = order.chunk_by(|a, b| fires[*a as usize] == fires[*b as usize]).collect();
    let looks = Looks::new(looks.iter().filter(|l| l.time <= until).collect());
    groups.into_par_iter().filter_map(|g| track(points, g, &looks, until, o)).collect()
}

fn track(
    points: &[FirePoint],
    members: &[u32],
    looks: &Looks<'_>,
    until: DateTime<Utc>,
    o: &TrackOptions,
) -> Option<FireTrack> {
    let heat: Vec<&FirePoint> = members.iter().map(|i| &points[*i as usize]).collect();
    let (first, last) = (heat.first()?, heat.last()?);
    let near = looks.over(&heat);
    let list: Vec<&Look> = near.iter().map(|i| looks.list[*i]).collect();
    let c = course(&heat, &list, &o.state, |i, places| looks.sight(near[i], places))?;
    let burning = c.burnings.last()?;
    let open = |(from, out): &Burning| (out.map_or(until, |o| o[1]) - *from).num_seconds() as f64 / 86_400.0;
    let peak = |f: fn(&FirePoint) -> Option<f64>| heat.iter().filter_map(|p| f(p)).reduce(f64::max);
    Some(FireTrack {
        id: first.id,
        members: members.to_vec(),
        place: place(&heat),
        state: c.state,
        first_seen: first.time,
        last_seen: last.time,
        passes: c.passes,
        clear_looks: c.clear,
        hidden_looks: c.hidden,
        last_look: c.last_look,
        open_since: burning.0,
        out: burning.1,
        relapses: c.relapses(),
        days_open: c.burnings.iter().map(open).sum(),
        peak_frp_mw: peak(|p| p.frp_mw),
        pass_frp_mw: pass_frp(&heat, o.state.pass_s),
        peak_delta_t_k: peak(|p| p.delta_t_k),
        peak_brightness_k: peak(|p| p.brightness_k),
        industrial: static_source(&heat),
        site: Observed::No(NOT_ASKED),
        river: Observed::No(NOT_ASKED),
        events: c.events,
    })
}

/// The greatest radiative power of a pass: sums over detections of one satellite, each no more than `pass_s` after the one
/// before.
fn pass_frp(heat: &[&FirePoint], pass_s: i64) -> Option<f64> {
    // by satellite: time of the last detection, and the sum of its pass
    let mut passes: Vec<(&str, i64, f64)> = Vec::new();
    let mut most: Option<f64> = None;
    for p in heat.iter().filter(|p| !matches!(p.repeats, Some((Repeat::Pass, _)))) {
        let (Some(mw), t) = (p.frp_mw, p.time.timestamp()) else { continue };
        let at = match passes.iter().position(|x| x.0 == p.satellite) {
            Some(at) => at,
            None => {
                passes.push((&p.satellite, i64::MIN, 0.0));
                passes.len() - 1
            }
        };
        let pass = &mut passes[at];
        let sum = if t.saturating_sub(pass.1) <= pass_s { pass.2 + mw } else { mw };
        (pass.1, pass.2) = (t, sum);
        most = Some(most.map_or(sum, |m| m.max(sum)));
    }
    most
}

/// Mean of the finest detections' places; longitudes are taken from the first, so that the date line does not matter.
fn place(heat: &[&FirePoint]) -> Coord<f64> {
    let finest = heat.iter().map(|p| class_of(p.radius_m())).min().unwrap_or(0);
    let (mut n, mut dx, mut y) = (0.0, 0.0, 0.0);
    for p in heat.iter().filter(|p| class_of(p.radius_m()) == finest) {
        n += 1.0;
        dx += (p.lonlat.x - heat[0].lonlat.x + 540.0).rem_euclid(360.0) - 180.0;
        y += p.lonlat.y;
    }
    let x = heat[0].lonlat.x + dx / n;
    Coord { x: (x + 180.0).rem_euclid(360.0) - 180.0, y: y / n }
}

/// What FIRMS says of most of the detections: an active volcano (1) or another static source on land (2).
fn static_source(heat: &[&FirePoint]) -> Option<String> {
    let of = |t: u8| 2 * heat.iter().filter(|p| p.source_type == Some(t)).count() > heat.len();
    if of(2) { Some("firms:static".into()) } else { of(1).then(|| "firms:volcano".into()) }
}

/// Looks with the boxes round them.
struct Looks<'a> {
    list: Vec<&'a Look>,
    footprints: Vec<Option<Rect<f64>>>,
    hidden: Vec<Option<Rect<f64>>>,
}

impl<'a> Looks<'a> {
    fn new(list: Vec<&'a Look>) -> Self {
        let of = |f: fn(&Look) -> &MultiPolygon<f64>| list.iter().map(|l| f(l).bounding_rect()).collect();
        let (footprints, hidden) = (of(|l| &l.footprint), of(|l| &l.hidden));
        Self { footprints, hidden, list }
    }

    /// Looks after the first heat whose box meets that of the detections.
    fn over(&self, heat: &[&FirePoint]) -> Vec<usize> {
        let Some(first) = heat.first() else { return Vec::new() };
        let from = self.list.partition_point(|l| l.time < first.time);
        let low = |f: fn(&FirePoint) -> f64| heat.iter().map(|p| f(p)).fold(f64::INFINITY, f64::min);
        let high = |f: fn(&FirePoint) -> f64| heat.iter().map(|p| f(p)).fold(f64::NEG_INFINITY, f64::max);
        let (x, y) = ([low(|p| p.lonlat.x), high(|p| p.lonlat.x)], [low(|p| p.lonlat.y), high(|p| p.lonlat.y)]);
        let meets = |r: &Rect<f64>| r.min().x <= x[1] && r.max().x >= x[0] && r.min().y <= y[1] && r.max().y >= y[0];
        (from..self.list.len()).filter(|&i| self.footprints[i].as_ref().is_some_and(meets)).collect()
    }

    /// What a look saw of the places where a fire last burned.
    fn sight(&self, i: usize, places: &[&FirePoint]) -> Sight {
        let look = self.list[i];
        // a look too coarse for the fire says nothing of it
        let coarsest = places.iter().map(|p| class_of(p.radius_m())).max().unwrap_or(0);
        if class_of(0.5 * look.pixel_m.hypot(look.pixel_m)) > coarsest {
            return Sight::None;
        }
        // nor does one whose methods do not see what burned there
        let found = |p: &&FirePoint| p.method.as_deref().and_then(Sees::of_methods);
        if look.sees.is_some_and(|s| !places.iter().all(|p| s.tells(found(p)))) {
            return Sight::None;
        }
        let lies = |area: &MultiPolygon<f64>, bounds: &Option<Rect<f64>>, p: Coord<f64>| {
            bounds.is_some_and(|r| p.x >= r.min().x && p.x <= r.max().x && p.y >= r.min().y && p.y <= r.max().y)
                && area.contains(&Point(p))
        };
        let seen = |p: &&&FirePoint| lies(&look.footprint, &self.footprints[i], p.lonlat);
        let inside = places.iter().filter(seen).count();
        if inside == 0 {
            Sight::None
        } else if inside < places.len() || places.iter().any(|p| lies(&look.hidden, &self.hidden[i], p.lonlat)) {
            Sight::Hidden
        } else {
            Sight::Clear
        }
    }
}

/// What became of an identifier of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// An earlier detection arrived: the track has another identifier.
    Renamed,
    /// Detections arrived that join it to another.
    Merged,
    /// It is several tracks now: finer detections arrived that some of its detections belong to.
    Split,
}

impl Fate {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Renamed => "renamed",
            Self::Merged => "merged",
            Self::Split => "split",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Renamed => "改号",
            Self::Merged => "合并",
            Self::Split => "拆分",
        }
    }
}

/// An identifier of an earlier run, and where its detections are now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// The identifier of then.
    pub old: FireId,
    /// The identifier of now.
    pub new: FireId,
    /// What happened.
    pub fate: Fate,
    /// When the later run was made, as it said.
    pub noticed: DateTime<Utc>,
}

/// Identifiers of then and now: `then` and `now` tell the track of each detection, `aliases` those known before.
///
/// Each old identifier leads to the track that holds most of its detections (of equals the least), and where it was split
/// to the others too.
pub fn lineage(
    then: &[(FireId, FireId)],
    now: &std::collections::BTreeMap<FireId, FireId>,
    aliases: &[Alias],
    noticed: DateTime<Utc>,
) -> Vec<Alias> {
    use std::collections::{BTreeMap, BTreeSet};
    let mut moved: BTreeMap<FireId, BTreeMap<FireId, usize>> = BTreeMap::new();
    let mut sources: BTreeMap<FireId, BTreeSet<FireId>> = BTreeMap::new();
    for (detection, old) in then {
        if let Some(new) = now.get(detection) {
            *moved.entry(*old).or_default().entry(*new).or_default() += 1;
            sources.entry(*new).or_default().insert(*old);
        }
    }
    let mut out = Vec::new();
    let mut leads: BTreeMap<FireId, FireId> = BTreeMap::new();
    for (old, to) in &moved {
        let most = to.iter().max_by_key(|(new, n)| (**n, std::cmp::Reverse(**new))).map(|(new, _)| *new);
        let Some(main) = to.contains_key(old).then_some(*old).or(most) else { continue };
        if main != *old {
            let fate = if sources[&main].len() > 1 { Fate::Merged } else { Fate::Renamed };
            out.push(Alias { old: *old, new: main, fate, noticed });
            leads.insert(*old, main);
        }
        let others = to.keys().filter(|new| **new != main && **new != *old);
        out.extend(others.map(|new| Alias { old: *old, new: *new, fate: Fate::Split, noticed }));
    }
    // what an alias led to may have another name now
    out.extend(aliases.iter().map(|a| Alias { new: leads.get(&a.new).copied().unwrap_or(a.new), ..a.clone() }));
    out.sort();
    out.dedup_by(|b, a| (a.old, a.new, a.fate) == (b.old, b.new, b.fate));
    out
}
