//! The run manifest: what went in, what was asked, by which versions, and what came out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rayon::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::Notes;
use super::inputs::Input;
use crate::error::Result;
pub(super) use crate::error::without_password;
use crate::model::{Grid, LayerInfo, RasterInfo, Role, Scene};
use crate::prepare::crs::{ResolvedCrs, proj_versions};
use crate::read::digest::{Digesting, FileDigest, digests, gdal_version, geos_version};

/// A run manifest; JSON with a fixed order of keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    verb: &'static str,
    started: DateTime<Utc>,
    inputs: Vec<Json>,
    parameters: Json,
    counts: Map<String, Json>,
}

impl Manifest {
    /// Begins the manifest of a run.
    pub fn new(verb: &'static str, started: DateTime<Utc>, parameters: Json) -> Self {
        Self { verb, started, inputs: Vec::new(), parameters, counts: Map::new() }
    }

    /// Sets the parameters, where they are known only on the way.
    pub(super) fn parameters(&mut self, parameters: Json) {
        self.parameters = parameters;
    }

    /// Adds an input with the digests of its files.
    ///
    /// # Errors
    /// `Input` where a file cannot be read.
    pub(super) fn input(&mut self, role: &str, input: &Input, pipeline: &str) -> Result<()> {
        let files = digests(&input.source.path)?;
        self.read(role, &input.layer.info, &input.crs, pipeline, input.layer.features.len(), files);
        Ok(())
    }

    /// Adds an input that was read in batches.
    pub(super) fn read(
        &mut self,
        role: &str,
        info: &LayerInfo,
        crs: &ResolvedCrs,
        pipeline: &str,
        features: usize,
        files: Vec<FileDigest>,
    ) {
        let files: Vec<Json> = files
            .into_iter()
            .map(|d| json!({"path": d.path.display().to_string(), "bytes": d.bytes, "sha256": d.sha256}))
            .collect();
        self.inputs.push(json!({
            "role": role,
            "source": without_password(&info.source.to_string_lossy()),
            "layer": info.name,
            "format": info.format,
            "encoding": info.encoding,
            "crs": crs.label(),
            "transformation": pipeline,
            "features": features,
            "files": files,
        }));
    }

    /// Files whose bands of these roles are used of a scene.
    fn files_of(s: &Scene, used: &[Role]) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            s.assets.iter().filter(|a| used.contains(&a.role)).map(|a| a.source.clone()).collect();
        files.sort();
        files.dedup();
        files.retain(|f| f.is_file());
        files
    }

    /// Begins the digests of scenes' files beside the work, where there is a second thread to do it.
    pub(super) fn digesting(scenes: &[&Scene], used: &[Role]) -> Option<Digesting> {
        let files = || scenes.iter().flat_map(|s| Self::files_of(s, used)).collect();
        (rayon::current_num_threads() > 1).then(|| Digesting::begin(files()))
    }

    /// Adds scenes (role, scene, grid) with the digests of the files whose bands were used, begun before or made now.
    ///
    /// # Errors
    /// `Input` where a file cannot be read.
    pub(super) fn scenes(
        &mut self,
        scenes: &[(&str, &Scene, &Grid)],
        used: &[Role],
        begun: Option<Digesting>,
    ) -> Result<()> {
        let mine = |s: &Scene| Self::files_of(s, used);
        let mut digest = begun.map(Digesting::wait).transpose()?.unwrap_or_default();
        // a digest takes as long as reading does; files of a scene are read side by side
        let mut left: Vec<PathBuf> = scenes.iter().flat_map(|(_, s, _)| mine(s)).collect();
        left.retain(|f| !digest.contains_key(f));
        let found = left.par_iter().map(|f| digests(f)).collect::<Result<Vec<_>>>()?;
        digest.extend(left.into_iter().zip(found));
        for (role, scene, grid) in scenes {
            let files: Vec<Json> = mine(scene)
                .iter()
                .filter_map(|f| digest.get(f))
                .flat_map(|d| d.iter())
                .map(|d| json!({"path": d.path.display().to_string(), "bytes": d.bytes, "sha256": d.sha256}))
                .collect();
            let bands: Vec<Json> = scene
                .assets
                .iter()
                .filter(|a| used.contains(&a.role))
                .map(|a| {
                    json!({
                        "role": a.role.as_str(),
                        "source": a.source.display().to_string(),
                        "band": a.band + 1,
                        "calibration": format!("{:?}", a.calibration),
                    })
                })
                .collect();
            self.inputs.push(json!({
                "role": role,
                "scene": scene.id,
                "datetime": scene.datetime.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true)),
                "platform": scene.sensor.platform,
                "level": scene.sensor.level,
                "mask": scene.mask.as_str(),
                "sentinel2_offset": scene.boa_offset,
                "crs": grid.crs.as_ref().map(|c| c.code.clone().unwrap_or_else(|| c.definition.clone())),
                "width": grid.width,
                "height": grid.height,
                "bands": bands,
                "files": files,
            }));
        }
        Ok(())
    }

    /// Adds a raster with the digests of its files; `more` are keys of its own.
    ///
    /// # Errors
    /// `Input` where a file cannot be read.
    pub(super) fn raster(&mut self, role: &str, info: &RasterInfo, more: &Json) -> Result<()> {
        let found = if info.source.is_file() { digests(&info.source)? } else { Vec::new() };
        let files: Vec<Json> = found
            .into_iter()
            .map(|d| json!({"path": d.path.display().to_string(), "bytes": d.bytes, "sha256": d.sha256}))
            .collect();
        let mut entry = json!({
            "role": role,
            "source": info.source.display().to_string(),
            "format": info.format,
            "crs": info.grid.crs.as_ref().map(|c| c.code.clone().unwrap_or_else(|| c.definition.clone())),
            "width": info.grid.width,
            "height": info.grid.height,
        });
        if let (Some(e), Some(m)) = (entry.as_object_mut(), more.as_object()) {
            e.extend(m.clone());
            e.insert("files".into(), files.into());
        }
        self.inputs.push(entry);
        Ok(())
    }

    /// Adds the looks of a stack with the digests of its files ([`super::stack::Stack::digesting`]).
    ///
    /// # Errors
    /// `Input` where a file cannot be read.
    pub(super) fn stack(&mut self, stack: &super::stack::Stack, files: Digesting) -> Result<()> {
        let begun = files.wait()?;
        let mut made = Vec::new();
        for p in stack.paths() {
            match begun.get(&p) {
                Some(d) => made.extend(d.iter().cloned()),
                None => made.extend(digests(&p)?),
            }
        }
        let files: Vec<Json> = made
            .into_iter()
            .map(|d| json!({"path": d.path.display().to_string(), "bytes": d.bytes, "sha256": d.sha256}))
            .collect();
        let g = &stack.grid;
        self.inputs.push(json!({
            "role": "stack", "looks": stack.json(), "width": g.width, "height": g.height,
            "crs": g.crs.as_ref().map(|c| c.code.clone().unwrap_or_else(|| c.definition.clone())), "files": files,
        }));
        Ok(())
    }

    /// Adds one file with its digest.
    ///
    /// # Errors
    /// `Input` where it cannot be read.
    pub(super) fn file(&mut self, role: &str, path: &Path) -> Result<()> {
        let files: Vec<Json> = digests(path)?
            .into_iter()
            .map(|d| json!({"path": d.path.display().to_string(), "bytes": d.bytes, "sha256": d.sha256}))
            .collect();
        self.inputs.push(json!({"role": role, "files": files}));
        Ok(())
    }

    /// Adds a count.
    pub fn count(&mut self, name: &str, n: impl Into<Json>) {
        self.counts.insert(name.to_owned(), n.into());
    }

    /// The manifest as JSON text; `outputs` and the times are the last keys.
    pub fn text(&self, notes: &Notes, outputs: &[PathBuf], duration: Duration) -> String {
        let proj = proj_versions();
        let warnings: Vec<&str> = notes.warnings.iter().map(|t| t.en.as_str()).collect();
        let names: Vec<String> =
            outputs.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
        let json = json!({
            "manifest_version": 1,
            "program": "heshan",
            "verb": self.verb,
            "versions": {
                "heshan": env!("CARGO_PKG_VERSION"),
                "gdal": gdal_version(),
                "geos": geos_version(),
                "proj": proj.library,
                "proj_database": proj.database,
                "epsg": proj.epsg,
            },
            "parameters": self.parameters,
            "inputs": self.inputs,
            "counts": self.counts,
            "repaired": notes.repaired(),
            "skipped": notes.unused(),
            "overlays_by_geos": notes.fallbacks,
            "warnings": warnings,
            "outputs": names,
            "started": self.started.to_rfc3339_opts(SecondsFormat::Secs, true),
            "duration_s": (duration.as_secs_f64() * 1000.0).round() / 1000.0,
        });
        let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// `OUT.gpkg` → `OUT<suffix>`, beside it; for a database in the present folder.
pub(super) fn companion(output: &Path, suffix: &str) -> PathBuf {
    let text = output.to_string_lossy();
    if text.starts_with("PG:") {
        let prefix = text.rsplit_once('#').map_or("heshan", |(_, p)| p);
        return PathBuf::from(format!("{prefix}{suffix}"));
    }
    let stem = output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    output.with_file_name(format!("{stem}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stay_out() {
        assert_eq!(without_password("PG:host=a password=x dbname=b"), "PG:host=a password=*** dbname=b");
        assert_eq!(companion(Path::new("a/b.gpkg"), ".xlsx"), Path::new("a/b.xlsx"));
        assert_eq!(companion(Path::new("PG:dbname=a#run"), ".xlsx"), Path::new("run.xlsx"));
    }
}
