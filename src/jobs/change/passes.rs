//! Passes over the pair before the one that writes: shift, normalisation, IR-MAD, thresholds.

use super::pair::Pair;
use super::{ChangeOptions, Line, Method, Normalise, Threshold};
use crate::analysis::change::mad::{Mad, MadOptions, MadSums};
use crate::analysis::change::normalise::{Invariant, Matching, apply};
use crate::analysis::change::shift::ShiftSums;
use crate::analysis::change::threshold::{Moments, otsu, sides};
use crate::analysis::change::{difference, seen_twice, vector_length};
use crate::analysis::histogram::Histogram;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::index::of;
use crate::jobs::pipeline::run as each;
use crate::model::{Progress, Seen, Window};

/// Pixels that count as invariant have at least this probability of no change (Canty & Nielsen 2008).
const INVARIANT: f64 = 0.95;
/// Units at most from which the shift is measured, spread over the raster.
const SHIFT_UNITS: usize = 16;
/// Probability of no change below which IR-MAD calls a pixel changed, unless told.
pub(super) const NO_CHANGE: f64 = 1e-4;

/// Everything known before the last pass.
pub(super) struct Ready {
    pub limits: (f64, f64),
    pub mad: Option<(Mad, usize)>,
    pub lines: Vec<(&'static str, Line)>,
    pub matching: Option<Matching>,
    pub shift: Option<[f64; 2]>,
}

/// Values of change in a window.
pub(super) struct Values {
    pub values: Vec<f32>,
    pub seen: Vec<Seen>,
    /// Bands of both dates, the later normalised; of a difference alone.
    pub bands: [Vec<Vec<f32>>; 2],
    /// What was seen on each date.
    pub each: [Vec<Seen>; 2],
}

/// Bands of both dates in a window.
struct Bands {
    before: Vec<Vec<f32>>,
    after: Vec<Vec<f32>>,
    seen: Vec<Seen>,
    each: [Vec<Seen>; 2],
}

fn bands(pair: &Pair, w: Window) -> Result<Bands> {
    let (a, b) = (pair.before.read(w)?, pair.after.read(w)?);
    let seen = seen_twice(&a.seen, &b.seen);
    Ok(Bands { before: a.bands, after: b.bands, seen, each: [a.seen, b.seen] })
}

impl Ready {
    /// The values of change.
    pub fn values(&self, o: &ChangeOptions, pair: &Pair, w: Window) -> Result<Values> {
        let Bands { before, mut after, mut seen, each } = bands(pair, w)?;
        for ((_, line), band) in self.lines.iter().zip(&mut after) {
            apply(band, line);
        }
        let values = match (o.method, &self.mad) {
            (Method::Difference(i), _) => {
                let x = of(i, &pair.roles, &before, &mut seen);
                let mut y = of(i, &pair.roles, &after, &mut seen);
                if let Some(m) = &self.matching {
                    y.iter_mut().for_each(|v| *v = m.value(*v));
                }
                difference(&x, &y)
            }
            (Method::Mad(_), Some((m, _))) => m.values(&before, &after, &seen),
            _ => vector_length(&before, &after),
        };
        Ok(Values { values, seen, bands: [before, after], each })
    }
}

pub(super) fn prepare(o: &ChangeOptions, pair: &Pair, progress: &dyn Progress, notes: &mut Notes) -> Result<Ready> {
    let mut r = Ready { limits: (0.0, 0.0), mad: None, lines: Vec::new(), matching: None, shift: None };
    r.shift = shift(pair, progress)?;
    if let Some([x, y]) = r.shift.filter(|s| s[0].hypot(s[1]) > 0.5) {
        notes.warnings.push(Text::new(
            format!("the later scene lies {x:.2} columns and {y:.2} rows off the earlier: edges will show as change"),
            format!("后时相相对前时相偏移 {x:.2} 列、{y:.2} 行:地物边缘会被误判为变化"),
        ));
    }
    match o.normalise {
        Normalise::None => {}
        Normalise::Invariant => {
            let (m, _) = mad(pair, MadOptions::default(), progress)?;
            r.lines = lines(pair, &m, progress, notes)?;
        }
        Normalise::Histogram => r.matching = matching(o, pair, progress)?,
    }
    if let Method::Mad(options) = o.method {
        let found = mad(pair, options, progress)?;
        r.limits = match o.threshold {
            Threshold::Fixed(_, p) => (0.0, found.0.limit(p)),
            _ => (0.0, found.0.limit(NO_CHANGE)),
        };
        r.mad = Some(found);
        return Ok(r);
    }
    r.limits = limits(o, pair, &r, progress)?;
    Ok(r)
}

/// Iterates to the transformation; one pass an iteration.
fn mad(pair: &Pair, o: MadOptions, progress: &dyn Progress) -> Result<(Mad, usize)> {
    let mut last: Option<Mad> = None;
    for n in 1..=o.iterations.max(1) {
        progress.step(
            &Text::new(format!("IR-MAD, iteration {n}"), format!("IR-MAD 第 {n} 次迭代")),
            Some(pair.windows.len() as u64),
        );
        let mut sums = MadSums::new(pair.bands);
        let work = |w: Window| {
            let b = bands(pair, w)?;
            Ok(MadSums::of(&b.before[..pair.bands], &b.after[..pair.bands], &b.seen, last.as_ref()))
        };
        each(&pair.windows, progress, work, |_, s| {
            sums.merge(&s);
            Ok(())
        })?;
        let next = sums.solve().ok_or_else(unsolvable)?;
        let close = last.as_ref().is_some_and(|l| next.distance(l) < o.tolerance);
        last = Some(next);
        if close || n == o.iterations.max(1) {
            return last.map(|m| (m, n)).ok_or_else(unsolvable);
        }
    }
    Err(unsolvable())
}

fn unsolvable() -> Error {
    Error::input(
        "IR-MAD has no solution: too few pixels were seen on both dates, or a band is constant or a copy of another",
        "IR-MAD 无解:共同有效像元过少,或某波段为常数、或与其他波段重复",
    )
    .remedy(
        "choose the bands with --bands, or use --method difference",
        "请用 --bands 选择波段,或改用 --method difference",
    )
}

fn lines(pair: &Pair, m: &Mad, progress: &dyn Progress, notes: &mut Notes) -> Result<Vec<(&'static str, Line)>> {
    progress.step(&Text::new("normalising", "辐射归一化"), Some(pair.windows.len() as u64));
    let mut sums = Invariant::new(pair.bands);
    let work = |w: Window| {
        let b = bands(pair, w)?;
        Ok(Invariant::of(&b.before[..pair.bands], &b.after[..pair.bands], &b.seen, m, INVARIANT))
    };
    each(&pair.windows, progress, work, |_, s| {
        sums.merge(&s);
        Ok(())
    })?;
    let lines = sums.lines().ok_or_else(|| {
        Error::input(
            format!("only {} pixels are unchanged: too few to normalise by", sums.count()),
            format!("未变化像元仅 {} 个,不足以归一化", sums.count()),
        )
        .remedy("use --normalise histogram or none", "请用 --normalise histogram 或 none")
    })?;
    let names = pair.roles.iter().map(|r| r.as_str());
    let out: Vec<(&'static str, Line)> = names.zip(lines).collect();
    for (band, l) in out.iter().filter(|(_, l)| l.correlation < 0.9) {
        notes.warnings.push(Text::new(
            format!("normalising {band}: the unchanged pixels correlate by {:.2} only", l.correlation),
            format!("波段 {band} 归一化:未变化像元的相关系数仅 {:.2}", l.correlation),
        ));
    }
    Ok(out)
}

fn matching(o: &ChangeOptions, pair: &Pair, progress: &dyn Progress) -> Result<Option<Matching>> {
    let Method::Difference(i) = o.method else {
        return Err(Error::usage(
            "--normalise histogram works on an index; use pif for cva, and none for irmad, which needs none",
            "--normalise histogram 仅用于指数差值;cva 请用 pif,irmad 无需归一化",
        ));
    };
    progress.step(&Text::new("histograms", "统计直方图"), Some(pair.windows.len() as u64));
    let empty = || Histogram::new(-2.0, 2.0, 40_000);
    let (mut x, mut y) = (empty(), empty());
    let work = |w: Window| {
        let mut b = bands(pair, w)?;
        let (mut x, mut y) = (empty(), empty());
        let before = of(i, &pair.roles, &b.before, &mut b.seen);
        let after = of(i, &pair.roles, &b.after, &mut b.seen);
        x.add(&before, &b.seen);
        y.add(&after, &b.seen);
        Ok((x, y))
    };
    each(&pair.windows, progress, work, |_, (a, b)| {
        x.merge(&a);
        y.merge(&b);
        Ok(())
    })?;
    Ok(Matching::new(&y, &x))
}

/// Limits of an index difference or of a vector's length.
fn limits(o: &ChangeOptions, pair: &Pair, r: &Ready, progress: &dyn Progress) -> Result<(f64, f64)> {
    if let Threshold::Fixed(a, b) = o.threshold {
        return Ok((a, b));
    }
    progress.step(&Text::new("threshold", "计算阈值"), Some(pair.windows.len() as u64));
    let mut moments = Moments::default();
    let work = |w: Window| {
        let v = r.values(o, pair, w)?;
        Ok(Moments::of(&v.values, &v.seen))
    };
    each(&pair.windows, progress, work, |_, m| {
        moments.merge(&m);
        Ok(())
    })?;
    let nothing = || Error::input("no pixel was seen on both dates", "两期影像没有共同的有效像元");
    let (mean, std) = moments.mean_std().ok_or_else(nothing)?;
    if let Threshold::KSigma(k) = o.threshold {
        return Ok((mean - k * std, mean + k * std));
    }
    // bins of a thousandth of the spread, ten deviations to either side
    let (low, high) =
        if matches!(o.method, Method::Difference(_)) { (-2.0, 2.0) } else { (0.0, (mean + 10.0 * std).max(1e-9)) };
    let empty = || Histogram::new(low, high, 4000);
    let mut h = empty();
    let work = |w: Window| {
        let v = r.values(o, pair, w)?;
        let mut h = empty();
        h.add(&v.values, &v.seen);
        Ok(h)
    };
    each(&pair.windows, progress, work, |_, x| {
        h.merge(&x);
        Ok(())
    })?;
    let undecided = || {
        Error::input("Otsu finds no threshold: the values do not differ", "Otsu 无法确定阈值:数值没有差异")
            .remedy("give --threshold LOW,HIGH", "请用 --threshold 低,高 给定")
    };
    if !matches!(o.method, Method::Difference(_)) {
        return Ok((0.0, otsu(&h).ok_or_else(undecided)?));
    }
    let (below, above) = sides(&h);
    Ok((otsu(&below).unwrap_or(low), otsu(&above).unwrap_or(high)))
}

/// Shift of the later scene against the earlier, from the last band of some windows.
fn shift(pair: &Pair, progress: &dyn Progress) -> Result<Option<[f64; 2]>> {
    let stride = pair.windows.len().div_ceil(SHIFT_UNITS).max(1);
    // from the middle of each stretch: the corners of a scene are often empty
    let some: Vec<Window> = pair.windows.iter().skip(stride / 2).step_by(stride).copied().collect();
    let mut sums = ShiftSums::default();
    let work = |w: Window| {
        let b = bands(pair, w)?;
        let (Some(x), Some(y)) = (b.before.first(), b.after.first()) else { return Ok(ShiftSums::default()) };
        Ok(ShiftSums::of(w.width, x, y, &b.seen))
    };
    each(&some, progress, work, |_, s| {
        sums.merge(&s);
        Ok(())
    })?;
    Ok(sums.shift())
}
