//! Scenes as a STAC ItemCollection (STAC 1.0.0, extensions eo, raster and projection). What these cannot say (the cloud
//! rule, calibration to temperature, the band of a file) stands under `heshan:`.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::model::{Asset, Calibration, Grid, Role, Scene};

/// A scene with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Scene.
    pub scene: Scene,
    /// Grid of its first band.
    pub grid: Grid,
    /// West, south, east, north in degrees.
    pub lonlat: Option<[f64; 4]>,
}

/// The catalogue; `href` writes a path as the catalogue should name it.
pub fn item_collection(items: &[Item], href: impl Fn(&Path) -> String) -> Json {
    let features: Vec<Json> = items.iter().map(|i| item(i, &href)).collect();
    json!({"type": "FeatureCollection", "features": features})
}

fn item(i: &Item, href: &impl Fn(&Path) -> String) -> Json {
    let s = &i.scene;
    let mut assets = Map::new();
    for a in &s.assets {
        assets.insert(a.role.as_str().to_owned(), asset(a, href));
    }
    let epsg = i.grid.crs.as_ref().and_then(|c| c.code.as_deref()?.strip_prefix("EPSG:")?.parse::<u32>().ok());
    let t = i.grid.transform;
    let geometry = i
        .lonlat
        .map(|[w, s, e, n]| json!({"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}));
    let mut out = json!({
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
        ],
        "id": s.id,
        "geometry": geometry,
        "properties": {
            "datetime": s.datetime.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            "platform": s.sensor.platform,
            "processing:level": s.sensor.level,
            "eo:cloud_cover": s.cloud_cover,
            "proj:epsg": epsg,
            "proj:shape": [i.grid.height, i.grid.width],
            "proj:transform": [t[1], t[2], t[0], t[4], t[5], t[3]],
            "heshan:mask": s.mask.as_str(),
            "heshan:boa_offset": s.boa_offset,
        },
        "links": [],
        "assets": assets,
    });
    if let (Some(b), Some(o)) = (i.lonlat, out.as_object_mut()) {
        o.insert("bbox".into(), json!(b));
    }
    out
}

fn asset(a: &Asset, href: &impl Fn(&Path) -> String) -> Json {
    let common = match a.role {
        Role::Nir => "nir08",
        Role::Swir1 => "swir16",
        Role::Swir2 => "swir22",
        Role::Tir => "lwir11",
        Role::Tir2 => "lwir12",
        r => r.as_str(),
    };
    let mut band = Map::new();
    if let Some(n) = a.nodata {
        band.insert("nodata".into(), json!(n));
    }
    let mut out = Map::new();
    out.insert("href".into(), href(&a.source).into());
    out.insert("roles".into(), json!([if a.role.is_quality() { "metadata" } else { "data" }]));
    if !a.role.is_quality() {
        out.insert("eo:bands".into(), json!([{"name": a.role.as_str(), "common_name": common}]));
    }
    match a.calibration {
        Calibration::None => {}
        Calibration::Linear { scale, offset } => {
            band.insert("scale".into(), json!(scale));
            band.insert("offset".into(), json!(offset));
        }
        Calibration::Brightness { gain, bias, k1, k2 } => {
            out.insert("heshan:brightness".into(), json!({"gain": gain, "bias": bias, "k1": k1, "k2": k2}));
        }
    }
    out.insert("raster:bands".into(), json!([band]));
    out.insert("heshan:band".into(), json!(a.band + 1));
    if let Some(s) = a.saturated {
        out.insert("heshan:saturated".into(), json!(s));
    }
    Json::Object(out)
}
