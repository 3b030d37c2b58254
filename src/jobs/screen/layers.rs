//! The layers of the output, out of rows and network.

use std::collections::BTreeMap;

use geo::{Geometry, MultiLineString};
use rayon::prelude::*;

use super::super::Notes;
use super::answers::{Work, outward};
use super::{KindSum, Prepared};
use crate::analysis::corridor::draw;
use crate::error::{Result, Text};
use crate::model::{Crs, Kind, Progress, Schema, Table};
use crate::prepare::shapes::Runner;
use crate::report::screen::{self as report, Context, RiverRow, SiteRow};
use crate::units::SquareMetres;

/// All layers in order; those not asked for are left out where they cost time.
pub(super) fn tables(
    work: &Work<'_>,
    prepared: &Prepared,
    rows: &[SiteRow],
    crs: &Crs,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Vec<Table>> {
    let schemas: Vec<Schema> = prepared.site_inputs.iter().map(|i| i.layer.info.schema.clone()).collect();
    let o = work.o;
    let c = Context { crs, distances: &o.distances, schemas: &schemas, lang: o.lang, with_zones: work.zones.is_some() };
    let wanted = |name: &str| o.layers.is_empty() || o.layers.iter().any(|l| l == name);
    let mut out = vec![report::sites(rows, &c), report::clipped(rows, &c)];
    if wanted("corridor") {
        out.push(report::corridor(corridors(work, notes, progress)?, &c));
    }
    let runner = work.outward.runner()?;
    out.push(report::rivers(river_rows(work, &runner)?, &c));
    out.push(report::summary(rows, &c));
    if work.zones.is_some() {
        out.push(report::zones(rows, &c));
    }
    notes
        .skipped
        .sort_by(|a, b| (&a.file, &a.layer, a.fid, a.reason.code).cmp(&(&b.file, &b.layer, b.fid, b.reason.code)));
    out.push(report::skipped(&notes.skipped, o.lang));
    Ok(out)
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

/// Sites inside, crossing and outside, one entry a distance.
pub(super) fn relations(rows: &[SiteRow], distances: &[f64]) -> Vec<(f64, [usize; 3])> {
    let count = |i: usize, relation: &str| rows.iter().filter(|r| r.at[i].relation == relation).count();
    distances.iter().enumerate().map(|(i, &d)| (d, ["inside", "crosses", "outside"].map(|r| count(i, r)))).collect()
}

/// The table of a name; an empty one where it is missing.
pub(super) fn pick(tables: &[Table], name: &str) -> Table {
    tables.iter().find(|t| t.name == name).cloned().unwrap_or(Table {
        name: name.to_owned(),
        title: Text::default(),
        columns: Vec::new(),
        shape: crate::model::Shape::None,
        crs: None,
        rows: Vec::new(),
        style: None,
    })
}

/// Sites within each distance by kind, kinds in their order; kinds without a site within are left out.
pub(super) fn by_kind(rows: &[SiteRow]) -> Vec<KindSum> {
    let mut sums: BTreeMap<(usize, Kind), KindSum> = BTreeMap::new();
    for r in rows {
        for (i, a) in r.at.iter().enumerate().filter(|(_, a)| a.relation != "outside") {
            let zero = KindSum {
                distance_m: a.distance_m,
                kind: r.site.kind,
                inside: 0,
                crosses: 0,
                area_inside: SquareMetres(0.0),
            };
            let s = sums.entry((i, r.site.kind)).or_insert(zero);
            s.inside += usize::from(a.relation == "inside");
            s.crosses += usize::from(a.relation == "crosses");
            s.area_inside.0 += a.inside.0;
        }
    }
    sums.into_values().collect()
}
