//! How many fires were open on each day (清零曲线), how long they took to go out, how many came back.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};

use crate::model::FireState;

/// What the status needs of a track: the changes of its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// Time of each event and the state after it, in order.
    pub states: Vec<(DateTime<Utc>, FireState)>,
    /// Times of clear looks, by position in `states`: those without heat.
    pub clear: Vec<usize>,
    /// In known industrial heat: listed, and counted apart.
    pub industrial: bool,
}

/// One burning of a track: from the first heat, or heat after it was out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burning {
    /// Its first heat.
    pub from: DateTime<Utc>,
    /// The first of the clear looks that put it out, and the one that made it certain.
    pub out: Option<[DateTime<Utc>; 2]>,
}

impl Life {
    /// State at a time; `None` before the first heat.
    pub fn at(&self, t: DateTime<Utc>) -> Option<FireState> {
        let n = self.states.partition_point(|s| s.0 <= t);
        n.checked_sub(1).map(|i| self.states[i].1)
    }

    /// Burnings up to a time.
    pub fn burnings(&self, until: DateTime<Utc>) -> Vec<Burning> {
        let mut out: Vec<Burning> = Vec::new();
        let mut first_clear = None;
        let mut before = None;
        for (i, (t, s)) in self.states.iter().enumerate().take_while(|(_, s)| s.0 <= until) {
            if before.is_none() || before == Some(FireState::Out) && *s != FireState::Out {
                out.push(Burning { from: *t, out: None });
            }
            match s {
                FireState::SuspectedOut | FireState::Out if before != Some(FireState::Out) => {
                    if self.clear.binary_search(&i).is_ok() {
                        first_clear.get_or_insert(*t);
                    }
                    if *s == FireState::Out
                        && let Some(b) = out.last_mut()
                    {
                        b.out = Some([first_clear.unwrap_or(*t), *t]);
                    }
                }
                _ => first_clear = None,
            }
            before = Some(*s);
        }
        out
    }
}

/// One day of the curve; known industrial heat apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// Local day.
    pub day: NaiveDate,
    /// Open at its end.
    pub open: usize,
    /// First seen on it.
    pub found: usize,
    /// Known to be out on it.
    pub out: usize,
    /// Come back on it.
    pub relapsed: usize,
    /// Open at its end, in known industrial heat.
    pub industrial: usize,
}

/// The last second of a local day.
fn end_of(day: NaiveDate, offset: Duration) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::seconds(86_399) - offset
}

/// The local day of a time.
pub fn local_day(t: DateTime<Utc>, offset: Duration) -> NaiveDate {
    (t + offset).date_naive()
}

/// The curve from `first` to `last`, both included. Days are local: `offset` ahead of UTC.
pub fn curve(lives: &[Life], first: NaiveDate, last: NaiveDate, offset: Duration) -> Vec<DayCount> {
    let n = usize::try_from((last - first).num_days() + 1).unwrap_or(0);
    let mut out: Vec<DayCount> = (0..n)
        .filter_map(|i| first.checked_add_days(Days::new(i as u64)))
        .map(|day| DayCount { day, open: 0, found: 0, out: 0, relapsed: 0, industrial: 0 })
        .collect();
    let until = end_of(last, offset);
    // changes of the number open, by the first day that feels them
    let mut open = vec![0i64; n + 1];
    let mut industrial = vec![0i64; n + 1];
    let at = |t: DateTime<Utc>| (local_day(t, offset) - first).num_days();
    for life in lives {
        let list = if life.industrial { &mut industrial } else { &mut open };
        for (k, b) in life.burnings(until).iter().enumerate() {
            list[at(b.from).clamp(0, n as i64) as usize] += 1;
            if let Some([_, sure]) = b.out {
                list[at(sure).clamp(0, n as i64) as usize] -= 1;
            }
            if life.industrial {
                continue;
            }
            let day = |t: DateTime<Utc>| usize::try_from(at(t)).ok().filter(|i| *i < n);
            if let Some(i) = day(b.from) {
                let d = &mut out[i];
                *(if k == 0 { &mut d.found } else { &mut d.relapsed }) += 1;
            }
            if let Some(i) = b.out.and_then(|o| day(o[1])) {
                out[i].out += 1;
            }
        }
    }
    let (mut a, mut b) = (0, 0);
    for (i, d) in out.iter_mut().enumerate() {
        (a, b) = (a + open[i], b + industrial[i]);
        (d.open, d.industrial) = (usize::try_from(a).unwrap_or(0), usize::try_from(b).unwrap_or(0));
    }
    out
}

/// How long burnings took to go out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Extinction {
    /// Burnings that went out.
    pub out: usize,
    /// Burnings that are open still: their time is not known, only that it is longer.
    pub open: usize,
    /// Median days from the first heat to the first clear look of the end, of those that went out.
    pub median_out_days: Option<f64>,
    /// Median days with those still open taken into account (Kaplan & Meier 1958): the first time by which half are out;
    /// none while more than half are open.
    pub median_days: Option<f64>,
    /// Burnings that went out and came back.
    pub relapsed: usize,
    /// Share of the burnings that went out whose fire came back.
    pub relapse_rate: Option<f64>,
}

/// Time to extinction up to a time; known industrial heat is left out.
pub fn extinction(lives: &[Life], until: DateTime<Utc>) -> Extinction {
    let days = |a: DateTime<Utc>, b: DateTime<Utc>| (b - a).num_seconds() as f64 / 86_400.0;
    let (mut times, mut relapsed) = (Vec::new(), 0);
    for life in lives.iter().filter(|l| !l.industrial) {
        let burnings = life.burnings(until);
        relapsed += burnings.len().saturating_sub(1);
        times.extend(burnings.iter().map(|b| (days(b.from, b.out.map_or(until, |o| o[0])), b.out.is_some())));
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut closed: Vec<f64> = times.iter().filter(|t| t.1).map(|t| t.0).collect();
    let out = closed.len();
    let share = (out > 0).then(|| relapsed as f64 / out as f64);
    Extinction {
        out,
        open: times.len() - out,
        median_out_days: median(&mut closed),
        median_days: kaplan_meier_median(&times),
        relapsed,
        relapse_rate: share,
    }
}

fn median(sorted: &mut [f64]) -> Option<f64> {
    let n = sorted.len();
    let m = *sorted.get(n / 2)?;
    Some(if n % 2 == 1 { m } else { 0.5 * (m + sorted[n / 2 - 1]) })
}

/// The first time at which the product-limit estimate of still burning is half or less; `times` sorted, with whether it
/// ended, ends before those still open at the same time.
fn kaplan_meier_median(times: &[(f64, bool)]) -> Option<f64> {
    let mut burning = 1.0;
    let mut k = 0;
    while k < times.len() {
        let t = times[k].0;
        let at_risk = (times.len() - k) as f64;
        let same = times[k..].iter().take_while(|x| x.0 <= t).count();
        let ended = times[k..k + same].iter().filter(|x| x.1).count() as f64;
        burning *= 1.0 - ended / at_risk;
        if ended > 0.0 && burning <= 0.5 + 1e-12 {
            return Some(t);
        }
        k += same;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use FireState::{Active, New, Out, Relapsed, SuspectedOut};

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + Duration::days(day) + Duration::hours(4)
    }

    fn life(states: &[(i64, FireState)]) -> Life {
        let clear = states.iter().enumerate().filter(|(_, s)| matches!(s.1, SuspectedOut | Out)).map(|s| s.0).collect();
        Life { states: states.iter().map(|&(d, s)| (at(d), s)).collect(), clear, industrial: false }
    }

    #[test]
    fn the_curve_counts_what_is_open_at_the_end_of_each_day() {
        let lives = [
            life(&[(0, New), (1, Active), (2, SuspectedOut), (4, Out), (6, Relapsed)]),
            life(&[(1, New), (3, SuspectedOut), (5, Out)]),
            Life { industrial: true, ..life(&[(0, New)]) },
        ];
        let day = |d: u32| NaiveDate::from_ymd_opt(1970, 1, d).unwrap();
        let c = curve(&lives, day(1), day(8), Duration::zero());
        let of = |f: fn(&DayCount) -> usize| c.iter().map(f).collect::<Vec<_>>();
        assert_eq!(of(|d| d.open), [1, 2, 2, 2, 1, 0, 1, 1]);
        assert_eq!(of(|d| d.found), [1, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(|d| d.out), [0, 0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(of(|d| d.relapsed), [0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(of(|d| d.industrial), [1; 8]);
        // four in the morning UTC is noon in Beijing, and the day before in Hawaii
        assert_eq!(curve(&lives, day(1), day(8), Duration::hours(-10))[0].open, 2);
        // a later start begins with what is open then
        assert_eq!(curve(&lives, day(4), day(5), Duration::zero()).iter().map(|d| d.open).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(lives[0].at(at(3)), Some(SuspectedOut));
        assert_eq!(lives[1].at(at(0)), None);
    }

    #[test]
    fn time_to_extinction_by_hand() {
        let lives = [
            life(&[(0, New), (2, SuspectedOut), (4, Out), (6, Relapsed)]),
            life(&[(1, New), (5, SuspectedOut), (9, Out)]),
        ];
        let e = extinction(&lives, at(10));
        // 2 days and 4 days went out; 4 days are open still
        assert_eq!((e.out, e.open, e.relapsed), (2, 1, 1));
        assert_eq!(e.median_out_days, Some(3.0));
        // 3 at risk: 2/3 burn on after 2 days, 1/3 after 4
        assert_eq!(e.median_days, Some(4.0));
        assert_eq!(e.relapse_rate, Some(0.5));
        assert_eq!(extinction(&lives[..1], at(1)).median_days, None);
    }

    /// The leukaemia remissions of Freireich (1963) under 6-MP, as every textbook of survival analysis has them: median 23.
    #[test]
    fn kaplan_meier_on_a_published_table() {
        let ended = [6, 6, 6, 7, 10, 13, 16, 22, 23];
        let open = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
        let mut times: Vec<(f64, bool)> = ended.iter().map(|t| (f64::from(*t), true)).collect();
        times.extend(open.iter().map(|t| (f64::from(*t), false)));
        times.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        assert_eq!(kaplan_meier_median(&times), Some(23.0));
    }
}
