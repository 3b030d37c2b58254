//! Sites, rivers and known heat that tracks are placed in.

use rayon::prelude::*;

use super::TrackJob;
use crate::analysis::corridor::{Network, NetworkOptions};
use crate::analysis::fire::places::{Areas, industrial, river_of, site_of};
use crate::error::{Error, Result};
use crate::jobs::Notes;
use crate::jobs::fire::known::known_heat;
use crate::jobs::inputs::{Input, named_fields, read};
use crate::jobs::manifest::Manifest;
use crate::model::{FirePoint, FireTrack, Progress, Site};
use crate::prepare::names::FieldMap;
use crate::prepare::rivers::rivers;
use crate::prepare::shapes::{courses, polygons};
use crate::prepare::sites::SiteReader;

/// What was asked for.
pub(super) struct Links {
    sites: Option<Areas<Site>>,
    rivers: Option<Network>,
    masks: Option<Areas<String>>,
}

impl Links {
    pub fn read(o: &TrackJob, notes: &mut Notes, manifest: &mut Manifest) -> Result<Self> {
        Ok(Self {
            sites: sites(o, notes, manifest)?,
            rivers: network(o, notes, manifest)?,
            masks: known_heat(&o.heat_masks, &o.input, notes, manifest)?,
        })
    }

    /// Fills in what is known of each track's place.
    pub fn place(&self, tracks: &mut [FireTrack], points: &[FirePoint], progress: &dyn Progress) -> Result<()> {
        tracks.par_iter_mut().try_for_each(|t| {
            progress.check()?;
            let heat: Vec<&FirePoint> = t.members.iter().map(|i| &points[*i as usize]).collect();
            if let Some(m) = &self.masks {
                t.industrial = industrial(m, &heat).or_else(|| t.industrial.take());
            }
            if let Some(s) = &self.sites {
                t.site = site_of(s, &heat);
            }
            if let Some(r) = &self.rivers {
                t.river = river_of(r, t.place)?;
            }
            progress.advance(1);
            Ok(())
        })
    }
}

fn sites(o: &TrackJob, notes: &mut Notes, manifest: &mut Manifest) -> Result<Option<Areas<Site>>> {
    if o.sites.is_empty() {
        return Ok(None);
    }
    let inputs: Vec<Input> = o.sites.iter().map(|n| read(n, &o.input, &mut notes.warnings)).collect::<Result<_>>()?;
    named_fields(&o.naming, inputs.iter().map(|i| &i.layer.info))?;
    let mut all = Vec::new();
    for mut input in inputs {
        let way = input.way(None, &mut notes.warnings)?;
        manifest.input("sites", &input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.skipped.extend(input.layer.skipped.iter().cloned());
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(shapes.skipped);
        notes.warnings.extend(shapes.warnings);
        let info = input.layer.info.clone();
        let reader = SiteReader::new(&info, &o.naming);
        for (i, shape) in shapes.shapes {
            let site = reader.site(&mut input.layer.features[i], shape.clone()).0;
            all.push((site, shape));
        }
    }
    Ok(Some(Areas::new(all)))
}

fn network(o: &TrackJob, notes: &mut Notes, manifest: &mut Manifest) -> Result<Option<Network>> {
    let mut lines = Vec::new();
    for name in &o.rivers {
        let input = read(name, &o.input, &mut notes.warnings)?;
        let way = input.way(None, &mut notes.warnings)?;
        manifest.input("rivers", &input, way.pipeline())?;
        let shapes = courses(&input.layer, &way)?;
        notes.skipped.extend(shapes.skipped.iter().cloned());
        let (more, warnings) = rivers(&input.layer, &shapes, &FieldMap::default());
        lines.extend(more);
        notes.warnings.extend(warnings);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let unfit = |e: &dyn std::fmt::Display| {
        Error::input(format!("the rivers cannot be used: {e}"), format!("河流数据无法使用:{e}"))
    };
    Network::build(&lines, &NetworkOptions::default()).map(Some).map_err(|e| unfit(&e))
}
