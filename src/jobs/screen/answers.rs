//! Every site's answers, in parallel; the same for any number of threads.

use geo::{Coord, Geometry, MultiPolygon, Point};
use rayon::prelude::*;

use super::super::Notes;
use super::super::inputs::Input;
use super::ScreenOptions;
use crate::analysis::corridor::{Network, Relation, SiteResult, ZoneResult, Zones, screen_and_clip};
use crate::analysis::score::{Facts, factors};
use crate::error::{Error, Result, Text};
use crate::model::{Progress, Reason, Site, Skipped};
use crate::prepare::shapes::{Runner, Way};
use crate::report::screen::{AtRow, SiteRow, ZoneRow};
use crate::units::SquareMetres;

/// Sites between two looks at Ctrl-C.
const CHUNK: usize = 256;

/// What sites are screened against, and the way out.
pub(super) struct Work<'a> {
    pub o: &'a ScreenOptions,
    pub net: &'a Network,
    pub zones: Option<&'a Zones>,
    pub outward: &'a Way,
    /// The layer of parts inside is wanted.
    pub clip: bool,
}

/// A site's row, or why there is none; and overlays that fell back to GEOS.
type Answer = (std::result::Result<SiteRow, Skipped>, u64);

impl Work<'_> {
    /// Screens all sites, in their order.
    pub fn screen(
        &self,
        sites: &[(usize, Site)],
        inputs: &[Input],
        notes: &mut Notes,
        progress: &dyn Progress,
    ) -> Result<Vec<SiteRow>> {
        progress.step(&Text::new("screening", "筛查图斑"), Some(sites.len() as u64));
        let answers: Vec<Vec<Answer>> = sites
            .par_chunks(CHUNK)
            .map(|chunk| {
                progress.check()?;
                let runner = self.outward.runner()?;
                let out: Result<Vec<Answer>> =
                    chunk.iter().map(|(source, site)| self.answer(*source, site, &inputs[*source], &runner)).collect();
                progress.advance(chunk.len() as u64);
                out
            })
            .collect::<Result<_>>()?;
        let mut rows = Vec::with_capacity(sites.len());
        for (answer, fallbacks) in answers.into_iter().flatten() {
            notes.fallbacks += fallbacks;
            match answer {
                Ok(r) => rows.push(r),
                Err(s) => notes.skipped.push(s),
            }
        }
        Ok(rows)
    }

    fn answer(&self, source: usize, site: &Site, input: &Input, runner: &Runner) -> Result<Answer> {
        let skipped = |code, en: String, zh: String| Skipped {
            file: input.source.path.clone(),
            layer: input.layer.info.name.clone(),
            fid: -1,
            id: Some(site.site_id.clone()),
            reason: Reason { code, text: Text::new(en, zh) },
            repaired: false,
        };
        let row = match screen_and_clip(self.net, &site.shape, &self.o.distances, self.clip) {
            Ok(Some(r)) => self.row(source, site, &r, runner),
            Ok(None) => {
                let s = skipped("no_extent", "the site has no extent".into(), "图斑没有范围".into());
                return Ok((Err(s), 0));
            }
            Err(e) => Err(e),
        };
        match row {
            Ok((row, fallbacks)) => Ok((Ok(row), fallbacks)),
            Err(e) if e.kind == crate::error::ErrorKind::Interrupted => Err(e),
            Err(e) => Ok((Err(skipped("overlay_failed", e.what.en.clone(), e.what.zh.clone())), 0)),
        }
    }

    fn row(&self, source: usize, site: &Site, r: &SiteResult, runner: &Runner) -> Result<(SiteRow, u64)> {
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
            site: Site { shape: outward(runner, site.shape.clone())?, ..site.clone() },
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
    match runner.run(&Geometry::MultiPolygon(m))? {
        Geometry::MultiPolygon(m) => Ok(m),
        _ => Err(Error::input("a shape was lost on the way to the output's CRS", "转换到输出坐标系时几何丢失")),
    }
}

fn outward_point(runner: &Runner, c: Coord<f64>) -> Result<[f64; 2]> {
    match runner.run(&Geometry::Point(Point(c)))? {
        Geometry::Point(p) => Ok([p.x(), p.y()]),
        _ => Err(Error::input("a point was lost on the way to the output's CRS", "转换到输出坐标系时点丢失")),
    }
}
