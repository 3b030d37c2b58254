//! Scenes of the night, and which of them belongs to a scene of the day.

use super::DetectOptions;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::model::Scene;

/// Days between day and night beyond which the user is told: a cycle of one Landsat.
const FAR_DAYS: i64 = 16;

/// The scenes of the night; of several each must tell its time.
pub(super) fn read(o: &DetectOptions) -> Result<Vec<Scene>> {
    let read = |p: &std::path::PathBuf| crate::read::scenes::scene(p, &o.night_bands);
    let mut all = o.nights.iter().map(read).collect::<Result<Vec<Scene>>>()?;
    all.sort_by(|a, b| (a.datetime, &a.id).cmp(&(b.datetime, &b.id)));
    match all.iter().find(|s| s.datetime.is_none()) {
        Some(s) if all.len() > 1 => Err(Error::input(
            format!("night scene {}: it is not known when it was taken", s.id),
            format!("夜间影像 {}:不知道观测时间", s.id),
        )
        .remedy("of several night scenes each must tell its time", "给出多景夜间影像时,每景须有观测时间")),
        _ => Ok(all),
    }
}

/// The night nearest in time to a scene of the day, of two as near the earlier.
pub(super) fn nearest(nights: &[Scene], day: &Scene, notes: &mut Notes) -> Option<Scene> {
    let apart = |n: &Scene| Some((n.datetime? - day.datetime?).abs());
    let night = nights.iter().min_by_key(|n| apart(n))?;
    if let Some(days) = apart(night).map(|d| d.num_days()).filter(|d| *d > FAR_DAYS) {
        notes.warnings.push(Text::new(
            format!("{}: the nearest night, {}, is {days} days off", day.id, night.id),
            format!("{}:最近的夜间影像 {} 相隔 {days} 天", day.id, night.id),
        ));
    }
    Some(night.clone())
}
