//! The pass over a look: windows are read and screened by many threads, then settled in order with what lies around them.

use std::time::Instant;

use super::ground::Ground;
use super::look::{Look, Planes, clear};
use super::{DetectOptions, History};
use crate::analysis::fire::detect::cluster::HotPixel;
use crate::analysis::fire::detect::context::{self, Around, HALO, SURE};
use crate::analysis::fire::detect::screen::{Flags, G_MAYBE, G_NEAR, G_SURE, H_ALPHA, H_BETA, S_MAYBE, S_SURE};
use crate::analysis::fire::detect::thermal::{Anomalies, Hot, Temperatures, ThermalOptions, anomalies};
use crate::analysis::fire::detect::{Method, vote};
use crate::error::{Error, Result};
use crate::jobs::SeenCounts;
use crate::jobs::neighbours::{Neighbours, Surroundings};
use crate::model::{Grid, Seen, Window};

/// Hot pixels at most: more are no fires but a wrong threshold or calibration, and would fill the memory.
const MOST: usize = 3_000_000;
/// A pixel of masks that was not recorded.
pub(super) const NOT_RECORDED: u8 = 255;

/// What a pass leaves beside the rasters.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub hot: Vec<HotPixel>,
    pub counts: SeenCounts,
    /// Pixels by method.
    pub by_method: [u64; 6],
    /// Candidates of the thermal test without enough background.
    pub undecided: u64,
    /// Hot by day where the night was not seen clear, or could not be told: neither confirmed nor dismissed.
    pub unconfirmed: u64,
    /// Hot by day but not by night.
    pub cooled: u64,
    /// Hot, but in too few of the last clear looks.
    pub fleeting: u64,
    /// Seconds of reading, of the tests of single pixels (all threads together), and of the tests of neighbours.
    pub seconds: [f64; 3],
}

/// A unit of which all is known.
pub(super) struct Settled {
    pub window: Window,
    /// Methods by pixel, [`NOT_RECORDED`] where not recorded.
    pub methods: Vec<u8>,
    /// 1 seen clear, 0 hidden, [`NOT_RECORDED`].
    pub clear: Vec<u8>,
}

/// Decides about units as they come in.
pub(super) struct Settler<'a> {
    o: &'a DetectOptions,
    look: &'a Look,
    near: Neighbours<'a, Planes>,
    /// Temperature above which SAGBT calls a pixel fire.
    sagbt_k: Option<f64>,
    history: Option<&'a mut History>,
    pub swept: Swept,
    /// What was looked at and what was hidden.
    pub ground: Ground,
    scratch: Scratch,
}

/// Planes of a unit and its surroundings, for one unit after the other.
#[derive(Default)]
struct Scratch {
    flags: Vec<Flags>,
    r7: Vec<f32>,
    r5: Vec<f32>,
}

impl<'a> Settler<'a> {
    pub fn new(
        o: &'a DetectOptions,
        look: &'a Look,
        windows: &'a [Window],
        sagbt_k: Option<f64>,
        history: Option<&'a mut History>,
    ) -> Self {
        let halo = HALO.max(o.thermal.halo() + 1).max(o.night_thermal.halo() + 1);
        let near = Neighbours::new(windows, &look.grid, halo);
        let ground = Ground::new(&look.grid);
        Self { o, look, near, sagbt_k, history, swept: Swept::default(), ground, scratch: Scratch::default() }
    }

    /// Takes a screened unit; hands on each that became ready.
    pub fn put(&mut self, p: Planes, mut then: impl FnMut(Settled) -> Result<()>) -> Result<()> {
        self.swept.seconds[0] += p.seconds[0];
        self.swept.seconds[1] += p.seconds[1];
        self.near.put(p);
        while let Some(s) = self.near.ready() {
            let started = Instant::now();
            let done = self.settle(&s)?;
            self.swept.seconds[2] += started.elapsed().as_secs_f64();
            self.near.settled();
            then(done)?;
        }
        Ok(())
    }

    fn settle(&mut self, s: &Surroundings) -> Result<Settled> {
        let window = self.near.window(s);
        let n = window.len();
        let (mut methods, mut sure, mut delta) = (vec![0u8; n], vec![0u8; n], Vec::new());
        // clear, but it was not told whether they are hot
        let mut untold = Vec::new();
        self.reflect(s, &mut methods, &mut sure);
        if self.look.uses(Method::Thermal) {
            delta = self.heat(s, &mut methods, &mut sure, &mut untold);
        }
        let Some(own) = self.near.own(s) else { return Err(lost()) };
        if let Some(k) = self.sagbt_k {
            for ((m, t), f) in methods.iter_mut().zip(&own.kelvin).zip(&own.flags) {
                if f64::from(*t) > k && clear(*f) && f & crate::analysis::fire::detect::screen::T_WATER == 0 {
                    *m |= Method::Sagbt.bit();
                }
            }
        }
        let asked = self.look.methods.iter().fold(0, |a, m| a | m.bit());
        for m in methods.iter_mut().filter(|m| **m != 0) {
            *m = vote(*m, self.o.votes);
            // what nobody asked for is told only of pixels that something asked for found
            *m = if *m & asked == 0 { 0 } else { *m };
        }
        if let Some(h) = self.history.as_deref_mut() {
            let fleeting = h.keep(window, &own.seen, &mut methods);
            self.swept.fleeting += fleeting.len() as u64;
            untold.extend(fleeting);
        }
        self.collect(s, &methods, &sure, &delta)?;
        let Some(own) = self.near.own(s) else { return Err(lost()) };
        self.swept.counts.add(&SeenCounts::of(&own.seen));
        if untold.is_empty() {
            self.ground.add(window, &own.seen);
        } else {
            let mut told = own.seen.clone();
            for i in untold.into_iter().filter(|i| methods[*i] == 0 && own.seen[*i] == Seen::Yes) {
                // a fire there is not seen to be out
                told[i] = Seen::Undefined;
            }
            self.ground.add(window, &told);
        }
        let recorded = |seen: Seen, v: u8| if seen == Seen::NoData { NOT_RECORDED } else { v };
        Ok(Settled {
            window,
            clear: own.seen.iter().map(|s| recorded(*s, u8::from(*s == Seen::Yes))).collect(),
            methods: methods.iter().zip(&own.seen).map(|(m, s)| recorded(*s, *m & asked)).collect(),
        })
    }

    /// The detectors of reflectance.
    fn reflect(&mut self, s: &Surroundings, methods: &mut [u8], sure: &mut [u8]) {
        type Test = fn(&Around<'_>) -> Vec<u8>;
        // a neighbour across the unit's edge may make a pixel of it unambiguous
        let tests: [(Method, Flags, Test); 3] = [
            (Method::Schroeder, S_SURE | S_MAYBE, context::schroeder),
            (Method::Hotmap, H_ALPHA | H_BETA, context::hotmap),
            (Method::Goli, G_SURE | G_NEAR | G_MAYBE, context::goli),
        ];
        let Some(own) = self.near.own(s) else { return };
        let all = own.flags.iter().fold(0, |a, f| a | f);
        if tests.iter().all(|t| t.1 & all == 0) {
            return;
        }
        let Scratch { flags, r7, r5 } = &mut self.scratch;
        self.near.gather_into(s, |p| &p.flags, flags);
        if flags.iter().fold(0, |a, f| a | f) & (S_SURE | S_MAYBE | G_SURE | G_MAYBE | H_ALPHA) == 0 {
            return;
        }
        r7.clear();
        r5.clear();
        // windows of neighbours are asked of what is not sure by itself
        let open = |f: &Flags| f & (S_SURE | S_MAYBE) == S_MAYBE || f & G_MAYBE != 0;
        if all & (S_MAYBE | G_MAYBE) != 0 && own.flags.iter().any(open) {
            self.near.gather_into(s, |p| &p.r7, r7);
            self.near.gather_into(s, |p| &p.r5, r5);
        }
        let around = Around { width: s.wide.width, core: s.core, flags, r7, r5 };
        for (method, _, test) in tests.into_iter().filter(|t| t.1 & all != 0) {
            let classes = test(&around);
            for i in marked(&classes) {
                methods[i] |= method.bit();
                sure[i] |= if classes[i] == SURE { method.bit() } else { 0 };
            }
        }
    }

    /// The thermal test by day, and by night where there is a scene of it; answers the hot pixels, and adds those of which
    /// nothing can be told.
    fn heat(&mut self, s: &Surroundings, methods: &mut [u8], sure: &mut [u8], untold: &mut Vec<usize>) -> Vec<Hot> {
        let day = self.anomalies(s, s.core, false, &self.o.thermal);
        self.swept.undecided += day.undecided.len() as u64;
        untold.extend(&day.undecided);
        let bit = Method::Thermal.bit();
        if self.look.night.is_none() {
            day.hot.iter().for_each(|h| methods[h.at] |= bit);
            return day.hot;
        }
        // a pixel further to each side: both scenes lie up to a pixel apart
        let (c, wide) = (s.core, s.wide);
        let (col, row) = (c.col.saturating_sub(1), c.row.saturating_sub(1));
        let more = Window {
            col,
            row,
            width: (c.col + c.width + 1).min(wide.width) - col,
            height: (c.row + c.height + 1).min(wide.height) - row,
        };
        let night = self.anomalies(s, more, true, &self.o.night_thermal);
        let mut hot_by_night = vec![false; more.len()];
        night.hot.iter().for_each(|h| hot_by_night[h.at] = true);
        let mut seen_by_night = Vec::new();
        if let Some(own) = self.near.own(s) {
            seen_by_night = own.night_flags.iter().map(|f| clear(*f)).collect();
        }
        for at in &night.undecided {
            let (r, col) = (at / more.width + more.row, at % more.width + more.col);
            if (c.row..c.row + c.height).contains(&r) && (c.col..c.col + c.width).contains(&col) {
                seen_by_night.get_mut((r - c.row) * c.width + col - c.col).into_iter().for_each(|s| *s = false);
            }
        }
        let mut kept = Vec::new();
        for h in day.hot {
            let (r, col) = (h.at / c.width + c.row - more.row, h.at % c.width + c.col - more.col);
            let (r0, r1) = (r.saturating_sub(1), (r + 2).min(more.height));
            let (c0, c1) = (col.saturating_sub(1), (col + 2).min(more.width));
            if (r0..r1).any(|r| hot_by_night[r * more.width + c0..r * more.width + c1].contains(&true)) {
                methods[h.at] |= bit;
                sure[h.at] |= bit;
                kept.push(h);
            } else if seen_by_night.get(h.at) == Some(&true) {
                self.swept.cooled += 1;
            } else {
                self.swept.unconfirmed += 1;
                untold.push(h.at);
            }
        }
        kept
    }

    fn anomalies(&self, s: &Surroundings, core: Window, night: bool, o: &ThermalOptions) -> Anomalies {
        let (flags, kelvin) = if night {
            (self.near.gather(s, |p| &p.night_flags), self.near.gather(s, |p| &p.night))
        } else {
            (self.near.gather(s, |p| &p.flags), self.near.gather(s, |p| &p.kelvin))
        };
        let split = if !night && o.split_k.is_some() { self.near.gather(s, |p| &p.split) } else { Vec::new() };
        anomalies(&Temperatures { width: s.wide.width, core, flags: &flags, kelvin: &kelvin, split: &split }, o)
    }

    fn collect(&mut self, s: &Surroundings, methods: &[u8], sure: &[u8], hot: &[Hot]) -> Result<()> {
        let (Some(own), w) = (self.near.own(s), self.near.window(s)) else { return Err(lost()) };
        let at = |v: &[f32], i: usize| v.get(i).copied().unwrap_or(f32::NAN);
        let mut heat = hot.iter().peekable();
        for i in marked(methods) {
            let m = &methods[i];
            while heat.next_if(|h| h.at < i).is_some() {}
            if own.seen[i] == Seen::NoData {
                continue;
            }
            for method in Method::ALL {
                self.swept.by_method[method as usize] += u64::from(m & method.bit() != 0);
            }
            self.swept.hot.push(HotPixel {
                row: (w.row + i / w.width) as u32,
                col: (w.col + i % w.width) as u32,
                methods: *m,
                sure: sure[i],
                clear: own.seen[i] == Seen::Yes,
                delta_k: heat.peek().filter(|h| h.at == i).map_or(f32::NAN, |h| h.delta_k),
                kelvin: at(&own.kelvin, i),
                swir2: at(&own.r7, i),
            });
        }
        if self.swept.hot.len() > MOST {
            return Err(Error::input(
                format!("more than {MOST} pixels would be fires"),
                format!("火点像元超过 {MOST} 个"),
            )
            .remedy(
                "check the bands and their scale (reflectance from 0 to 1, kelvin), or raise --floor and --k",
                "请检查波段及比例系数(反射率 0–1,温度为开尔文),或提高 --floor 与 --k",
            ));
        }
        Ok(())
    }
}

/// Positions of bytes that are not 0: nearly all are, and are passed over many at a time.
fn marked(bytes: &[u8]) -> Vec<usize> {
    const MANY: usize = 64;
    let mut out = Vec::new();
    for (k, many) in bytes.chunks(MANY).enumerate() {
        if many.iter().fold(0, |a, b| a | b) != 0 {
            out.extend((0..many.len()).filter(|i| many[*i] != 0).map(|i| k * MANY + i));
        }
    }
    out
}

fn lost() -> Error {
    Error::input("a block was lost on the way", "有数据块丢失")
}

impl History {
    /// For a grid.
    pub fn new(g: &Grid, hot: u32, of: u32) -> Self {
        Self { hot, of, looks: vec![0; g.width * g.height], width: g.width }
    }

    /// Enters a look and takes the thermal methods' bits from pixels that were hot in too few of the last clear looks; answers
    /// these pixels. A pixel that was not seen clear keeps its past.
    pub fn keep(&mut self, w: Window, seen: &[Seen], methods: &mut [u8]) -> Vec<usize> {
        let heat = Method::Thermal.bit() | Method::Sagbt.bit();
        let (last, mut removed) = (u16::MAX >> (16 - self.of.clamp(1, 16)), Vec::new());
        for (i, (m, s)) in methods.iter_mut().zip(seen).enumerate() {
            let past = &mut self.looks[(w.row + i / w.width) * self.width + w.col + i % w.width];
            if *s == Seen::Yes || *m != 0 {
                *past = *past << 1 | u16::from(*m != 0);
            }
            if *m & heat != 0 && (*past & last).count_ones() < self.hot {
                *m &= !heat;
                removed.push(i);
            }
        }
        removed
    }
}
