//! Layers of sites on their way in, batch by batch.

use std::collections::{BTreeMap, HashMap};
use std::thread::JoinHandle;

use super::super::Notes;
use super::super::inputs::{about, layer_crs};
use super::ScreenOptions;
use crate::error::{Error, Result};
use crate::model::{Feature, FeatureSource, LayerInfo};
use crate::prepare::crs::ResolvedCrs;
use crate::prepare::shapes::{PolygonReader, Seen, Way};
use crate::prepare::sites::SiteReader;
use crate::read::digest::{FileDigest, digests};
use crate::read::vector::{SourceName, open};

/// Features of a batch.
const BATCH: usize = 4096;

/// A layer of sites, opened and not read yet.
pub(super) struct SiteSource {
    pub name: SourceName,
    pub info: LayerInfo,
    pub crs: ResolvedCrs,
    features: Box<dyn FeatureSource>,
    /// Remarks of the reader taken over.
    told: usize,
    /// Features read.
    pub count: usize,
    digests: Option<JoinHandle<Result<Vec<FileDigest>>>>,
}

impl SiteSource {
    /// Opens a layer; the digests of its files are computed beside the run.
    pub fn open(name: &str, o: &ScreenOptions, notes: &mut Notes) -> Result<Self> {
        let name = SourceName::parse(name);
        let features = open(&name, &o.input.read)?;
        let info = features.info().clone();
        let crs = layer_crs(&info, &o.input, &mut notes.warnings)?;
        let path = name.path.clone();
        // a pipe gives its bytes once
        let digests = path.is_file().then(|| std::thread::spawn(move || digests(&path)));
        Ok(Self { name, info, crs, features, told: 0, count: 0, digests })
    }

    /// The way to the coordinates of the metric.
    pub fn way(&self, target: Option<&ResolvedCrs>, notes: &mut Notes) -> Result<Way> {
        let area = self.info.extent.and_then(|e| crate::prepare::crs::geographic_bounds(&self.crs, e));
        let way = Way::over(&self.crs, target, area).map_err(|e| self.place(e))?;
        notes.warnings.extend(about(&self.info.name, way.warning().as_slice()));
        Ok(way)
    }

    /// The next features; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Vec<Feature>>> {
        let batch = self.features.next_batch(BATCH)?;
        self.count += batch.as_ref().map_or(0, Vec::len);
        Ok(batch)
    }

    /// What the reader remarked since the last call, features named as the user names them where they are in `ids`.
    pub fn remarks(&mut self, ids: &HashMap<i64, String>, notes: &mut Notes) {
        let news = self.features.skipped().get(self.told..).unwrap_or_default();
        self.told += news.len();
        notes.skipped.extend(news.iter().cloned().map(|mut s| {
            s.id = s.id.or_else(|| ids.get(&s.fid).cloned());
            s
        }));
    }

    /// True while the reader has remarks that were not taken over.
    pub fn has_remarks(&self) -> bool {
        self.features.skipped().len() > self.told
    }

    /// Digests of the layer's files.
    pub fn digests(&mut self) -> Result<Vec<FileDigest>> {
        match self.digests.take() {
            Some(d) => d.join().unwrap_or_else(|_| digests(&self.name.path)),
            None => digests(&self.name.path),
        }
    }

    /// The error with this layer's name.
    pub fn place(&self, e: Error) -> Error {
        e.in_file(&self.info.source).in_layer(&self.info.name)
    }
}

/// How one layer is read, and what was seen of it.
pub(super) struct Reading<'a> {
    /// Position among the layers.
    pub at: usize,
    pub polygons: PolygonReader<'a>,
    pub sites: SiteReader<'a>,
    pub seen: Seen,
    pub unknown_kinds: BTreeMap<String, usize>,
}
