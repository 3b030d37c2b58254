//! What became of a fire: its states, each from looks that were seen.
//!
//! ```text
//!            heat (another pass)          clear look          the n-th clear look
//!   ┌─────┐ ───────────────────► ┌────────┐ ─────────► ┌───────────────┐ ─────────► ┌─────┐
//!   │ new │                      │ active │            │ suspected_out │            │ out │
//!   └─────┘ ──┐  clear look      └────────┘ ◄───────── └───────────────┘            └─────┘
//!             └──────────────────────────────────────► heat  ▲                         │ heat
//!                                          clear look ┌──────┴───┐                     │
//!                                                     │ relapsed │ ◄───────────────────┘
//!                                                     └──────────┘
//! ```
//!
//! A look that could not see the place, because of clouds or because it saw a part of it only, moves nothing.

use crate::model::{FireEvent, FireEventKind, FirePoint, FireState, Look, Repeat};
use chrono::{DateTime, Utc};

/// How states follow from looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateOptions {
    /// Clear looks without heat after which a fire is out.
    pub out_looks: usize,
    /// Seconds between detections of one satellite that belong to one pass, and between a look and the heat it saw.
    pub pass_s: i64,
    /// Seconds before the last heat over which the place of a fire is taken from its detections.
    pub place_s: i64,
}

impl Default for StateOptions {
    /// Three looks; 15 minutes; 10 days.
    fn default() -> Self {
        Self { out_looks: 3, pass_s: 900, place_s: 10 * 86_400 }
    }
}

/// What a look says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of it was seen clear.
    Clear,
    /// Not all of it was seen.
    Hidden,
    /// It was not looked at, or with pixels too coarse to see this fire.
    None,
}

/// The course of a fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Events in order of time.
    pub events: Vec<FireEvent>,
    /// State at the end.
    pub state: FireState,
    /// Passes with heat.
    pub passes: usize,
    /// Clear looks without heat since the last heat.
    pub clear: usize,
    /// Looks since the last heat that could not tell.
    pub hidden: usize,
    /// The last clear look, with or without heat.
    pub last_look: DateTime<Utc>,
    /// When each burning began, and the clear looks that began and ended its end.
    pub burnings: Vec<(DateTime<Utc>, Option<[DateTime<Utc>; 2]>)>,
}

impl Course {
    /// Times that it came back.
    pub fn relapses(&self) -> usize {
        self.burnings.len().saturating_sub(1)
    }
}

/// The course of a fire with these detections (in order of time, at least one) under these looks (in order of time).
///
/// `sight` tells what a look, by its position, saw of the places of some detections.
pub fn course(
    heat: &[&FirePoint],
    looks: &[&Look],
    o: &StateOptions,
    mut sight: impl FnMut(usize, &[&FirePoint]) -> Sight,
) -> Option<Course> {
    let mut run = Run::begin(heat.first()?);
    let mut k = 0;
    for (i, look) in looks.iter().enumerate() {
        // heat of the same moment comes first
        while k < heat.len() && heat[k].time <= look.time {
            run.heat(heat[k], k, heat, o);
            k += 1;
        }
        if k == 0 || saw_heat(look, heat, o) {
            continue;
        }
        let since = heat[k - 1].time.timestamp() - o.place_s;
        let from = heat[..k].partition_point(|p| p.time.timestamp() < since);
        match sight(i, &heat[from..k]) {
            Sight::Clear => run.clear(look, o),
            Sight::Hidden => run.hidden(look),
            Sight::None => {}
        }
    }
    (k..heat.len()).for_each(|k| run.heat(heat[k], k, heat, o));
    Some(run.0)
}

/// True where a detection of the fire comes from this look.
fn saw_heat(look: &Look, heat: &[&FirePoint], o: &StateOptions) -> bool {
    let t = look.time.timestamp();
    let from = heat.partition_point(|p| p.time.timestamp() < t - o.pass_s);
    heat[from..].iter().take_while(|p| p.time.timestamp() <= t + o.pass_s).any(|p| p.satellite == look.satellite)
}

struct Run(Course);

impl Run {
    fn begin(first: &FirePoint) -> Self {
        Self(Course {
            events: Vec::new(),
            state: FireState::New,
            passes: 0,
            clear: 0,
            hidden: 0,
            last_look: first.time,
            burnings: Vec::new(),
        })
    }

    fn heat(&mut self, p: &FirePoint, k: usize, all: &[&FirePoint], o: &StateOptions) {
        let c = &mut self.0;
        // pixels of one pass are one event, and another satellite of the pass adds none
        let since = p.time.timestamp() - o.pass_s;
        let told =
            all[..k].iter().rev().take_while(|q| q.time.timestamp() >= since).any(|q| q.satellite == p.satellite);
        let repeat = matches!(p.repeats, Some((Repeat::Pass, _)));
        let from = (!c.events.is_empty()).then_some(c.state);
        let to = match from {
            None => FireState::New,
            Some(FireState::New) if told || repeat => FireState::New,
            Some(FireState::Relapsed) if c.clear == 0 => FireState::Relapsed,
            Some(FireState::Out) => FireState::Relapsed,
            Some(_) => FireState::Active,
        };
        c.last_look = c.last_look.max(p.time);
        if told && c.clear == 0 && from == Some(to) {
            return;
        }
        if from.is_none() || from == Some(FireState::Out) {
            c.burnings.push((p.time, None));
        }
        c.passes += usize::from(!told && !repeat || from.is_none());
        (c.clear, c.hidden, c.state) = (0, 0, to);
        let (time, kind) = (p.time, FireEventKind::Heat);
        c.events.push(FireEvent { time, kind, from, to, cause: p.id.to_string(), satellite: p.satellite.clone() });
    }

    fn clear(&mut self, look: &Look, o: &StateOptions) {
        let c = &mut self.0;
        c.clear += 1;
        c.last_look = c.last_look.max(look.time);
        if c.state == FireState::Out {
            return;
        }
        let from = c.state;
        c.state = if c.clear >= o.out_looks.max(1) { FireState::Out } else { FireState::SuspectedOut };
        self.event(look, FireEventKind::Clear, from);
        if self.0.state == FireState::Out {
            let first = self.0.events.iter().rev().take_while(|e| e.kind != FireEventKind::Heat);
            let first = first.filter(|e| e.kind == FireEventKind::Clear).last().map_or(look.time, |e| e.time);
            if let Some(b) = self.0.burnings.last_mut() {
                b.1 = Some([first, look.time]);
            }
        }
    }

    fn hidden(&mut self, look: &Look) {
        self.0.hidden += 1;
        if self.0.state.is_open() {
            let from = self.0.state;
            self.event(look, FireEventKind::Hidden, from);
        }
    }

    fn event(&mut self, look: &Look, kind: FireEventKind, from: FireState) {
        let (time, to, cause, satellite) = (look.time, self.0.state, look.id.clone(), look.satellite.clone());
        self.0.events.push(FireEvent { time, kind, from: Some(from), to, cause, satellite });
    }
}
