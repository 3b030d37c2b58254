//! Scenes from what satellites' archives deliver: Landsat folders and Sentinel-2 products, and any raster whose bands
//! are named.

mod generic;
mod landsat;
mod mtl;
mod sentinel2;
mod stac;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::{Role, Scene};

pub use generic::{BandRole, dated, parse_bands};
pub use stac::catalogue;

/// The scene at a path: an item of a catalogue (`scenes.json#id`), a Landsat folder or its MTL file, a Sentinel-2 `.SAFE` folder or its metadata file, a folder of
/// Sentinel-2 bands, or one raster with its bands named by `bands` (or by their descriptions).
///
/// # Errors
/// `Input` where nothing of the kind is there or its metadata cannot be understood; `Usage` where the bands of a plain
/// raster are not told.
pub fn scene(path: &Path, bands: &[BandRole]) -> Result<Scene> {
    if let Some((file, id)) = stac::named(path) {
        return stac::scene(&file, id.as_deref());
    }
    if !bands.is_empty() {
        return generic::scene(path, bands);
    }
    if path.is_dir() {
        let files = files_in(path)?;
        if let Some(mtl) = files.iter().find(|f| is_mtl(f)) {
            return landsat::scene(mtl);
        }
        if sentinel2::metadata_file(path).is_some() || sentinel2::has_bands(&files) {
            return sentinel2::scene(path);
        }
        return Err(Error::input("the folder holds no scene that is known", "文件夹中没有可识别的影像")
            .in_file(path)
            .remedy(
                "expected a Landsat *_MTL.txt, a Sentinel-2 MTD_MSIL*.xml or *_B04.jp2; or give a raster and --bands",
                "应含 Landsat 的 *_MTL.txt、Sentinel-2 的 MTD_MSIL*.xml 或 *_B04.jp2;或给出栅格文件并用 --bands 指明波段",
            ));
    }
    if is_mtl(path) {
        return landsat::scene(path);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if name.starts_with("MTD_MSIL") && name.ends_with(".xml") {
        return sentinel2::scene(path.parent().unwrap_or(Path::new(".")));
    }
    generic::scene(path, bands)
}

/// True where a folder holds a scene of its own kind (not merely rasters).
pub fn is_scene(path: &Path) -> bool {
    path.is_dir()
        && files_in(path).is_ok_and(|f| {
            f.iter().any(|f| is_mtl(f)) || sentinel2::metadata_file(path).is_some() || sentinel2::has_bands(&f)
        })
}

fn is_mtl(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().to_ascii_lowercase().ends_with("mtl.txt"))
}

/// Files of a folder (not of the folders in it), in the order of their names.
///
/// # Errors
/// `Input` where it cannot be read.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| {
        Error::input(format!("the folder cannot be read: {e}"), format!("无法读取文件夹:{e}")).in_file(folder)
    };
    let mut out = Vec::new();
    for e in std::fs::read_dir(folder).map_err(failed)? {
        let p = e.map_err(failed)?.path();
        if p.is_file() {
            out.push(p);
        }
    }
    out.sort();
    Ok(out)
}

/// Refuses a scene that lacks bands.
///
/// # Errors
/// `Input` that names what is missing.
pub fn require(scene: &Scene, roles: &[Role]) -> Result<()> {
    let missing: Vec<&str> = roles.iter().filter(|r| scene.asset(**r).is_none()).map(|r| r.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (m, has) = (missing.join(", "), scene.assets.iter().map(|a| a.role.as_str()).collect::<Vec<_>>().join(", "));
    Err(Error::input(
        format!("scene {} has no band {m} (it has {has})", scene.id),
        format!("影像 {} 缺少波段 {m}(现有 {has})", scene.id),
    )
    .remedy(
        "choose an index that needs other bands, or name the bands with --bands",
        "请换用其他指数,或用 --bands 指明波段",
    ))
}
