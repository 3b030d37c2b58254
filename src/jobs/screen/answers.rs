//! Every site's answers, in parallel; the same for any number of threads.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use geo::{Coord, Geometry, MultiPolygon, Point};
use rayon::prelude::*;

use super::super::Notes;
use super::super::manifest::Manifest;
use super::outputs::{self, Outputs, Rows};
use super::source::{Reading, SiteSource};
use super::tally::Tally;
use super::{Prepared, ScreenOptions, Timings, no_site};
use crate::analysis::corridor::{Network, Relation, SiteResult, ZoneResult, Zones, screen_and_clip};
use crate::analysis::score::{Facts, factors};
use crate::error::{Error, Result, Text};
use crate::model::{Feature, LayerInfo, Progress, Site};
use crate::prepare::shapes::{PolygonReader, Runner, Seen, Taken, Way};
use crate::prepare::sites::{Identifiers, SiteReader};
use crate::report::screen::{AtRow, Context, SiteRow, Sites, ZoneRow};
use crate::space::frame::Metric;
use crate::units::SquareMetres;

/// What sites are screened against, and the way out.
pub(super) struct Work<'a> {
    pub o: &'a ScreenOptions,
    pub net: &'a Network,
    pub zones: Option<&'a Zones>,
    pub outward: &'a Way,
    /// The layer of parts inside is wanted.
    pub clip: bool,
    pub sites: &'a Sites,
    pub context: &'a Context<'a>,
}

/// A run over all sites.
pub(super) struct Run<'a> {
    pub work: &'a Work<'a>,
    pub tally: Tally,
    pub timings: Timings,
}

/// What one feature came to.
#[derive(Default)]
struct Answer {
    taken: Taken,
    id: Option<String>,
    unknown_kind: Option<String>,
    row: Option<SiteRow>,
    fallbacks: u64,
    /// Seconds of work: preparing, deciding.
    work: [f64; 2],
}

impl Run<'_> {
    /// Reads, screens and writes the sites of all layers, batch by batch and in their order.
    pub fn screen(
        &mut self,
        sources: &mut [SiteSource],
        prepared: &Prepared,
        out: &mut Outputs,
        notes: &mut Notes,
        manifest: &mut Manifest,
        progress: &dyn Progress,
    ) -> Result<()> {
        let total = sources.iter().map(|s| s.info.count).sum::<Option<u64>>();
        progress.step(&Text::new("screening", "筛查图斑"), total);
        let target = (self.work.o.metric == Metric::Planar).then_some(&prepared.metric_crs);
        let infos: Vec<LayerInfo> = sources.iter().map(|s| s.info.clone()).collect();
        let mut identifiers = Identifiers::default();
        for (at, source) in sources.iter_mut().enumerate() {
            let way = source.way(target, notes)?;
            let mut reading = Reading {
                at,
                polygons: PolygonReader::new(&infos[at], &way, infos[at].extent),
                sites: SiteReader::new(&infos[at], &self.work.o.naming),
                seen: Seen::default(),
                unknown_kinds: BTreeMap::new(),
            };
            loop {
                progress.check()?;
                let reads = Instant::now();
                let batch = source.next()?;
                self.timings.read += reads.elapsed().as_secs_f64();
                let Some(batch) = batch else { break };
                let n = batch.len();
                let ids = self.batch(batch, &way, &mut reading, out, notes, &mut identifiers, source.has_remarks())?;
                source.remarks(&ids, notes);
                if self.work.o.strict {
                    notes.refuse()?;
                }
                progress.advance(n as u64);
            }
            source.remarks(&HashMap::new(), notes);
            notes.warnings.extend(reading.polygons.verdict(&reading.seen)?);
            if reading.seen.usable() {
                notes.warnings.extend(reading.sites.warnings(&reading.unknown_kinds));
            }
            let files = source.digests()?;
            manifest.read("sites", &infos[at], &source.crs, way.pipeline(), source.count, files);
        }
        notes.skipped.extend(identifiers.duplicates(&infos.iter().collect::<Vec<_>>()));
        if self.tally.sites == 0 {
            return Err(no_site(sources));
        }
        Ok(())
    }

    /// One batch; answers the identifiers of its features, where `named`.
    #[allow(clippy::too_many_arguments)]
    fn batch(
        &mut self,
        batch: Vec<Feature>,
        way: &Way,
        reading: &mut Reading<'_>,
        out: &mut Outputs,
        notes: &mut Notes,
        identifiers: &mut Identifiers,
        named: bool,
    ) -> Result<HashMap<i64, String>> {
        let begins = Instant::now();
        let fids: Vec<i64> = batch.iter().map(|f| f.fid).collect();
        let work = self.work;
        let answers: Vec<Answer> = batch
            .into_par_iter()
            .with_min_len(8)
            .map_init(
                || (way.runner(), work.outward.runner()),
                |(inward, outward), f| work.answer(f, reading, inward, outward),
            )
            .collect::<Result<_>>()
            .map_err(|e| e.in_file(&reading.polygons.info().source).in_layer(&reading.polygons.info().name))?;
        let mut ids = HashMap::new();
        let mut rows = Vec::with_capacity(answers.len());
        for (a, fid) in answers.into_iter().zip(fids) {
            reading.seen.add(&a.taken);
            notes.fallbacks += u64::from(a.taken.via_geos) + a.fallbacks;
            notes.skipped.extend(a.taken.notes.into_iter().map(|mut s| {
                s.id.clone_from(&a.id);
                s
            }));
            if let Some(word) = a.unknown_kind {
                *reading.unknown_kinds.entry(word).or_default() += 1;
            }
            if let Some(id) = a.id {
                identifiers.add(&id, reading.at, fid);
                if named {
                    ids.insert(fid, id);
                }
            }
            self.timings.prepare_work += a.work[0];
            self.timings.decide_work += a.work[1];
            if let Some(r) = a.row {
                self.tally.add(&r);
                rows.push(r);
            }
        }
        let inside: Vec<bool> = rows.iter().map(|r| r.at.last().is_some_and(|a| a.relation != "outside")).collect();
        let made = Instant::now();
        let rows: Vec<Rows> =
            rows.into_par_iter().with_min_len(32).map(|r| outputs::rows(r, work.sites, work.context)).collect();
        self.timings.rows_work += made.elapsed().as_secs_f64();
        self.timings.screen += begins.elapsed().as_secs_f64();
        let writes = Instant::now();
        out.sites(rows, &inside)?;
        self.timings.write += writes.elapsed().as_secs_f64();
        Ok(ids)
    }
}

impl Work<'_> {
    fn answer(
        &self,
        mut f: Feature,
        reading: &Reading<'_>,
        inward: &Result<Runner>,
        outward: &Result<Runner>,
    ) -> Result<Answer> {
        let begins = Instant::now();
        let mut a = Answer { id: reading.sites.id(&f), ..Answer::default() };
        a.taken = reading.polygons.take(&mut f, inward)?;
        let Some(shape) = a.taken.shape.take() else { return Ok(a) };
        let (site, unknown) = reading.sites.site(&mut f, shape);
        a.unknown_kind = unknown;
        a.work[0] = begins.elapsed().as_secs_f64();
        let begins = Instant::now();
        let runner = outward.as_ref().map_err(Clone::clone)?;
        let row = match screen_and_clip(self.net, &site.shape, &self.o.distances, self.clip) {
            Ok(Some(r)) => self.row(reading.at, site, &r, runner),
            Ok(None) => Err(Error::input("the site has no extent", "图斑没有范围")),
            Err(e) => Err(e),
        };
        a.work[1] = begins.elapsed().as_secs_f64();
        match row {
            Ok((row, fallbacks)) => (a.row, a.fallbacks) = (Some(row), fallbacks),
            Err(e) if e.kind == crate::error::ErrorKind::Interrupted => return Err(e),
            Err(e) => a.taken.notes.push(reading.polygons.aside(f.fid, "overlay_failed", *e.what)),
        }
        Ok(a)
    }

    fn row(&self, source: usize, site: Site, r: &SiteResult, runner: &Runner) -> Result<(SiteRow, u64)> {
        let mut fallbacks = 0;
        let area = r.area;
        let (zones, geos) = match self.zones {
            Some(z) => self.zone_rows(z.against(&site.shape)?, area, runner)?,
            None => (Vec::new(), 0),
        };
        fallbacks += geos;
        let mut at = Vec::with_capacity(r.at.len());
        for (a, cut) in r.at.iter().zip(&r.clipped) {
            let clipped = match (a.relation, cut) {
                (Relation::Inside, _) if self.clip => Some(site.shape.clone()),
                (_, Some(d)) => {
                    fallbacks += u64::from(d.fallbacks);
                    Some(d.shape.clone())
                }
                _ => None,
            };
            at.push(AtRow {
                distance_m: a.distance_m,
                relation: a.relation.as_str(),
                inside: SquareMetres(a.share * area.0),
                inside_pct: 100.0 * a.share,
                clipped: clipped.map(|m| outward(runner, m)).transpose()?,
            });
        }
        let river = &self.net.rivers[r.river];
        let facts = Facts {
            min_dist_m: r.min_dist_m,
            widest_m: self.o.distances.last().copied().unwrap_or(0.0),
            river_class: river.class,
            kind: site.kind,
            inside: r.at.last().map_or(0.0, |a| a.share),
            in_zone: zones.first().is_some_and(|z| z.overlap.0 > 0.0),
        };
        let row = SiteRow {
            site: self.outward_site(runner, site)?,
            source,
            area,
            min_dist_m: r.min_dist_m,
            river: river.name.clone(),
            river_class: river.class,
            nearest: outward_point(runner, r.nearest)?,
            chainage_km: r.chainage_m.value().map(|m| m / 1000.0),
            bank: r.bank.value().map(|b| b.as_str()),
            at,
            zones,
            score: factors(&facts, &self.o.score),
        };
        Ok((row, fallbacks))
    }

    fn outward_site(&self, runner: &Runner, site: Site) -> Result<Site> {
        let Site { shape, .. } = site;
        Ok(Site { shape: outward(runner, shape)?, ..site })
    }

    fn zone_rows(&self, z: Option<ZoneResult>, area: SquareMetres, runner: &Runner) -> Result<(Vec<ZoneRow>, u64)> {
        let Some(z) = z else { return Ok((Vec::new(), 0)) };
        let mut out = Vec::new();
        for o in z.overlaps {
            out.push(ZoneRow {
                zone: o.zone,
                dist_m: 0.0,
                overlap: SquareMetres(o.share * area.0),
                overlap_pct: 100.0 * o.share,
                shape: Some(outward(runner, o.shape)?),
            });
        }
        if out.is_empty() {
            let none = SquareMetres(0.0);
            out.push(ZoneRow { zone: z.nearest, dist_m: z.dist_m, overlap: none, overlap_pct: 0.0, shape: None });
        }
        Ok((out, u64::from(z.fallbacks)))
    }
}

/// A shape in the CRS of the output.
pub(super) fn outward(runner: &Runner, m: MultiPolygon<f64>) -> Result<MultiPolygon<f64>> {
    match runner.run_owned(Geometry::MultiPolygon(m))? {
        Geometry::MultiPolygon(m) => Ok(m),
        _ => Err(Error::input("a shape was lost on the way to the output's CRS", "转换到输出坐标系时几何丢失")),
    }
}

fn outward_point(runner: &Runner, c: Coord<f64>) -> Result<[f64; 2]> {
    match runner.run_owned(Geometry::Point(Point(c)))? {
        Geometry::Point(p) => Ok([p.x(), p.y()]),
        _ => Err(Error::input("a point was lost on the way to the output's CRS", "转换到输出坐标系时点丢失")),
    }
}
