//! The layers of the output, out of rows and network.

use geo::{Geometry, MultiLineString};
use rayon::prelude::*;

use super::super::Notes;
use super::answers::{Work, outward};
use super::outputs::{self, Outputs};
use super::tally::Tally;
use crate::analysis::corridor::draw;
use crate::error::{Result, Text};
use crate::model::{Progress, Table};
use crate::prepare::shapes::Runner;
use crate::report::screen::{self as report, RiverRow};

/// The layers that wait for all sites; answers the summary.
pub(super) fn write_rest(
    work: &Work<'_>,
    tally: &Tally,
    out: &mut Outputs,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Table> {
    let c = work.context;
    if outputs::wanted(work.o, "corridor") {
        out.table(report::corridor(corridors(work, notes, progress)?, c))?;
    }
    if outputs::wanted(work.o, "rivers") {
        out.table(report::rivers(river_rows(work, &work.outward.runner()?)?, c))?;
    }
    let summary = report::summary(&tally.sums, c);
    out.table(summary.clone())?;
    notes
        .skipped
        .sort_by(|a, b| (&a.file, &a.layer, a.fid, a.reason.code).cmp(&(&b.file, &b.layer, b.fid, b.reason.code)));
    out.table(report::skipped(&notes.skipped, work.o.lang))?;
    Ok(summary)
}

type Corridor = (f64, Option<String>, crate::model::RiverClass, geo::MultiPolygon<f64>);

fn corridors(work: &Work<'_>, notes: &mut Notes, progress: &dyn Progress) -> Result<Vec<Corridor>> {
    let net = work.net;
    let pairs: Vec<(f64, usize)> =
        work.o.distances.iter().flat_map(|&d| (0..net.rivers.len()).map(move |r| (d, r))).collect();
    progress.step(&Text::new("drawing the corridor", "绘制管控范围"), Some(pairs.len() as u64));
    let drawn: Vec<(Corridor, u32)> = pairs
        .into_par_iter()
        .map(|(d, r)| {
            progress.check()?;
            let drawn = draw::corridor(net, r, d)?;
            let shape = outward(&work.outward.runner()?, drawn.shape)?;
            progress.advance(1);
            let river = &net.rivers[r];
            Ok(((d, river.name.clone(), river.class, shape), drawn.fallbacks))
        })
        .collect::<Result<_>>()?;
    notes.fallbacks += drawn.iter().map(|(_, f)| u64::from(*f)).sum::<u64>();
    Ok(drawn.into_iter().map(|(c, _)| c).collect())
}

fn river_rows(work: &Work<'_>, runner: &Runner) -> Result<Vec<RiverRow>> {
    let net = work.net;
    let mut segments: Vec<Vec<_>> = vec![Vec::new(); net.rivers.len()];
    for s in &net.segments {
        segments[s.river as usize].push((s.a, s.b));
    }
    net.rivers
        .iter()
        .zip(segments)
        .map(|(r, s)| {
            let lines = match runner.run(&Geometry::MultiLineString(report::joined(s.into_iter())))? {
                Geometry::MultiLineString(m) => m,
                _ => MultiLineString(Vec::new()),
            };
            Ok(RiverRow {
                name: r.name.clone(),
                class: r.class,
                length_km: r.length_m / 1000.0,
                pieces: r.report.pieces,
                reversed: r.report.reversed,
                bridges: r.report.bridges_m.len(),
                lines,
            })
        })
        .collect()
}
