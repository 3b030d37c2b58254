//! Polygons with the fields of sites, in the CRS of a raster's grid.

use std::path::PathBuf;

use geo::{Geometry, MultiPolygon};

use super::Notes;
use super::inputs::{InputOptions, named_fields, read};
use super::manifest::Manifest;
use crate::error::{Error, Result, Text};
use crate::model::{Grid, LayerInfo, Reason, Site, Skipped};
use crate::prepare::crs::{ResolvedCrs, geographic_bounds, resolve};
use crate::prepare::shapes::{Way, polygons};
use crate::prepare::sites::{Naming, SiteReader, duplicates};
use crate::space::area::ellipsoidal;
use crate::units::SquareMetres;

/// One polygon of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    /// Its fields; the shape in the grid's CRS.
    pub site: Site,
    /// Area on the ellipsoid.
    pub area: SquareMetres,
    /// Where it comes from: file, layer, feature.
    pub from: From,
    /// The number in the field that was asked for.
    pub number: Option<f64>,
}

impl Plot {
    /// An entry of `skipped`: nothing could be said of it.
    pub fn aside(&self, code: &'static str, text: Text) -> Skipped {
        let (file, layer, fid) = self.from.clone();
        let id = Some(self.site.site_id.clone());
        Skipped { file, layer, fid, id, reason: Reason { code, text }, repaired: false }
    }
}

/// Which polygons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// What they are, in the manifest.
    pub role: &'a str,
    /// `FILE` or `FILE#layer`.
    pub names: &'a [String],
    /// Fields and words.
    pub naming: &'a Naming,
    /// Field of a number.
    pub number: Option<&'a str>,
}

/// The CRS of a grid, which polygons need.
pub(super) fn grid_crs(grid: &Grid, file: &std::path::Path) -> Result<ResolvedCrs> {
    let crs = grid.crs.as_ref().ok_or_else(|| {
        Error::input("it has no CRS, so polygons cannot be placed on it", "栅格没有坐标系,无法与面图层叠合")
            .in_file(file)
            .remedy("set it: gdal_edit.py -a_srs EPSG:n FILE", "请设置:gdal_edit.py -a_srs EPSG:代码 文件")
    })?;
    resolve(crs).map_err(|e| e.in_file(file))
}

/// Reads layers of polygons (`FILE` or `FILE#layer`) into the grid's CRS, with the numbers of a field where one is
/// named; what could not be used is in the notes.
///
/// # Errors
/// `Input` where a layer cannot be read, holds no polygon, or has no CRS; `Usage` for a field that no layer has.
pub(super) fn plots(
    wanted: &Wanted<'_>,
    input: &InputOptions,
    crs: &ResolvedCrs,
    notes: &mut Notes,
    manifest: &mut Manifest,
) -> Result<Vec<Plot>> {
    let Wanted { role, names, naming, number } = *wanted;
    let inputs = names.iter().map(|n| read(n, input, &mut notes.warnings)).collect::<Result<Vec<_>>>()?;
    named_fields(naming, inputs.iter().map(|i| &i.layer.info))?;
    notes.skipped.extend(duplicates(&inputs.iter().map(|i| (&i.layer, naming)).collect::<Vec<_>>()));
    let mut out = Vec::new();
    for mut input in inputs {
        let way = input.way(Some(crs), &mut notes.warnings)?;
        manifest.input(role, &input, way.pipeline())?;
        let shapes = polygons(&input.layer, &way)?;
        notes.fallbacks += shapes.via_geos;
        notes.skipped.extend(input.layer.skipped.iter().cloned());
        notes.skipped.extend(shapes.skipped);
        notes.warnings.extend(shapes.warnings);
        let info = input.layer.info.clone();
        let reader = SiteReader::new(&info, naming);
        let number = number.map(|n| info.schema.position(n).ok_or_else(|| no_field(n, &info))).transpose()?;
        let mut unknown = std::collections::BTreeMap::new();
        for (i, shape) in shapes.shapes {
            let (site, word) = reader.site(&mut input.layer.features[i], shape);
            if let Some(w) = word {
                *unknown.entry(w).or_insert(0) += 1;
            }
            let value = number.and_then(|n| site.values.get(n)?.as_f64());
            out.push((site, (info.source.clone(), info.name.clone(), input.layer.features[i].fid), value));
        }
        notes.warnings.extend(reader.warnings(&unknown));
    }
    with_areas(out, crs)
}

type From = (PathBuf, String, i64);

fn no_field(name: &str, info: &LayerInfo) -> Error {
    let fields: Vec<&str> = info.schema.fields.iter().map(|f| f.name.as_str()).collect();
    let list = fields.join(", ");
    Error::usage(format!("it has no field “{name}”"), format!("没有字段“{name}”"))
        .in_file(&info.source)
        .in_layer(&info.name)
        .remedy(format!("the fields are: {list}"), format!("已有字段:{list}"))
}

fn with_areas(sites: Vec<(Site, From, Option<f64>)>, crs: &ResolvedCrs) -> Result<Vec<Plot>> {
    use geo::BoundingRect;
    let bounds = sites.iter().filter_map(|s| s.0.shape.bounding_rect()).fold(None, |b: Option<[f64; 4]>, r| {
        let (l, h) = (r.min(), r.max());
        Some(b.map_or([l.x, l.y, h.x, h.y], |b| [b[0].min(l.x), b[1].min(l.y), b[2].max(h.x), b[3].max(h.y)]))
    });
    let way = Way::over(crs, None, bounds.and_then(|b| geographic_bounds(crs, b)))?;
    let runner = way.runner()?;
    sites
        .into_iter()
        .map(|(site, from, number)| {
            let lonlat = match runner.run(&Geometry::MultiPolygon(site.shape.clone()))? {
                Geometry::MultiPolygon(m) => m,
                Geometry::Polygon(p) => MultiPolygon(vec![p]),
                _ => MultiPolygon(Vec::new()),
            };
            Ok(Plot { area: ellipsoidal(&lonlat), site, from, number })
        })
        .collect()
}
