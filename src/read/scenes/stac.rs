//! Scenes of a STAC catalogue: ours, and those others made (STAC 1.0 ItemCollections and Items).

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::model::{Asset, Calibration, MaskRule, Role, Scene, Sensor};

/// File and item of `scenes.json` or `scenes.json#id`; `None` for other names.
pub(super) fn named(path: &Path) -> Option<(PathBuf, Option<String>)> {
    let text = path.to_string_lossy();
    let (file, id) = match text.split_once('#') {
        Some((f, id)) => (f.to_owned(), Some(id.to_owned())),
        None => (text.into_owned(), None),
    };
    let json = [".json", ".geojson"].iter().any(|e| file.to_ascii_lowercase().ends_with(e));
    json.then(|| (PathBuf::from(file), id))
}

/// One scene of a catalogue: the one named, or the only one.
pub(super) fn scene(file: &Path, id: Option<&str>) -> Result<Scene> {
    let mut all = catalogue(file)?;
    let ids = || all.iter().map(|s| s.id.as_str()).take(20).collect::<Vec<_>>().join(", ");
    let refused = |en: String, zh: String| {
        Error::input(en, zh).in_file(file).remedy(
            format!("name one: {}#ID, of {}", file.display(), ids()),
            format!("请指明:{}#ID,可用 {}", file.display(), ids()),
        )
    };
    let at = match id {
        Some(id) => all
            .iter()
            .position(|s| s.id == id)
            .ok_or_else(|| refused(format!("it has no scene {id}"), format!("其中没有影像 {id}")))?,
        None if all.len() == 1 => 0,
        None => return Err(refused(format!("it holds {} scenes", all.len()), format!("其中有 {} 景影像", all.len()))),
    };
    Ok(all.swap_remove(at))
}

/// All scenes of a catalogue, in its order; items without a band that is known are left out.
///
/// # Errors
/// `Input` where it is no ItemCollection and no Item.
pub fn catalogue(file: &Path) -> Result<Vec<Scene>> {
    let unfit = |en: String, zh: String| Error::input(en, zh).in_file(file);
    let text =
        std::fs::read_to_string(file).map_err(|e| unfit(format!("cannot be read: {e}"), format!("无法读取:{e}")))?;
    let json: Json =
        serde_json::from_str(&text).map_err(|e| unfit(format!("it is no JSON: {e}"), format!("不是 JSON:{e}")))?;
    let items: Vec<&Json> = match json["type"].as_str() {
        Some("FeatureCollection") => json["features"].as_array().map(|a| a.iter().collect()).unwrap_or_default(),
        Some("Feature") => vec![&json],
        _ => return Err(unfit("it is no STAC ItemCollection".into(), "不是 STAC ItemCollection".into())),
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let scenes: Vec<Scene> = items.into_iter().filter_map(|i| item(i, folder)).collect();
    if scenes.is_empty() {
        return Err(unfit("no item has a band that is known".into(), "没有条目含可识别的波段".into()));
    }
    Ok(scenes)
}

fn item(i: &Json, folder: &Path) -> Option<Scene> {
    let p = &i["properties"];
    let (mut assets, mut mask) = (Vec::<Asset>::new(), None);
    for (key, a) in i["assets"].as_object()? {
        let common = a["eo:bands"][0]["common_name"].as_str().or_else(|| a["bands"][0]["eo:common_name"].as_str());
        let Some(role) = Role::of(key).or_else(|| common.and_then(Role::of)) else { continue };
        let Some(href) = a["href"].as_str() else { continue };
        if assets.iter().any(|x| x.role == role) {
            continue;
        }
        if role == Role::Qa {
            mask = MaskRule::of(p["heshan:mask"].as_str().unwrap_or_default()).or(match key.as_str() {
                "qa_pixel" => Some(MaskRule::QaPixel),
                "scl" | "SCL" => Some(MaskRule::Scl),
                _ => None,
            });
        }
        assets.push(asset(a, role, href, folder));
    }
    if assets.iter().all(|a| a.role.is_quality()) {
        return None;
    }
    Some(Scene {
        id: i["id"].as_str()?.to_owned(),
        datetime: p["datetime"].as_str().and_then(|t| t.parse().ok()),
        sensor: Sensor {
            platform: p["platform"].as_str().unwrap_or("generic").to_ascii_lowercase(),
            level: p["processing:level"].as_str().unwrap_or_default().to_owned(),
        },
        assets,
        mask: mask.unwrap_or(MaskRule::None),
        // what others' catalogues say of the offset is known to be wrong in places: only our own counts
        boa_offset: p["heshan:boa_offset"].as_f64(),
        cloud_cover: p["eo:cloud_cover"].as_f64(),
    })
}

fn asset(a: &Json, role: Role, href: &str, folder: &Path) -> Asset {
    let source = if let Some(url) = href.strip_prefix("http") {
        PathBuf::from(format!("/vsicurl/http{url}"))
    } else if let Some(key) = href.strip_prefix("s3://") {
        PathBuf::from(format!("/vsis3/{key}"))
    } else {
        folder.join(href.strip_prefix("./").unwrap_or(href))
    };
    let band = if a["raster:bands"][0].is_object() { &a["raster:bands"][0] } else { &a["bands"][0] };
    let number = |k: &str| band[k].as_f64().or_else(|| band[format!("raster:{k}")].as_f64());
    let b = &a["heshan:brightness"];
    let calibration = match (role, b["gain"].as_f64(), b["bias"].as_f64(), b["k1"].as_f64(), b["k2"].as_f64()) {
        (r, ..) if r.is_quality() => Calibration::None,
        (_, Some(gain), Some(bias), Some(k1), Some(k2)) => Calibration::Brightness { gain, bias, k1, k2 },
        _ => Calibration::Linear { scale: number("scale").unwrap_or(1.0), offset: number("offset").unwrap_or(0.0) },
    };
    Asset {
        role,
        source,
        band: a["heshan:band"].as_u64().map_or(0, |n| (n as usize).saturating_sub(1)),
        calibration,
        nodata: number("nodata"),
        saturated: a["heshan:saturated"].as_f64(),
    }
}
