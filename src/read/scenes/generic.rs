//! Any raster whose bands are named: by the user (`red=3,nir=4`), or by the descriptions of its bands.

use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};

use crate::error::{Error, Result};
use crate::model::{Asset, Calibration, MaskRule, Role, Scene, Sensor};

/// A band's role as typed.
pub type BandRole = (Role, usize);

/// Bands as typed: `red=3`, counted from 1.
///
/// # Errors
/// `Usage` where a role or number is not understood.
pub fn parse_bands(texts: &[String]) -> Result<Vec<BandRole>> {
    texts
        .iter()
        .map(|t| {
            t.split_once('=')
                .and_then(|(r, n)| Some((Role::of(r.trim())?, n.trim().parse::<usize>().ok()?.checked_sub(1)?)))
                .ok_or_else(|| {
                    Error::usage(format!("“{t}” is not ROLE=BAND"), format!("“{t}”不是 角色=波段号 的形式")).remedy(
                        "roles are coastal, blue, green, red, nir, nir_narrow, swir1, swir2, tir, tir2, qa; bands count from 1: red=3,nir=4",
                        "角色为 coastal、blue、green、red、nir、nir_narrow、swir1、swir2、tir、tir2、qa;波段从 1 起:red=3,nir=4",
                    )
                })
        })
        .collect()
}

pub(super) fn scene(path: &Path, bands: &[BandRole]) -> Result<Scene> {
    let source = crate::read::raster::open(path)?;
    let info = source.info();
    let by_name: Vec<BandRole> = if bands.is_empty() {
        let named = |(i, b): (usize, &crate::model::Band)| Some((Role::of(b.description.as_deref()?)?, i));
        info.bands.iter().enumerate().filter_map(named).collect()
    } else {
        bands.to_vec()
    };
    if by_name.is_empty() {
        return Err(Error::usage(
            format!("it is not told what its {} band(s) show", info.bands.len()),
            format!("未指明其 {} 个波段的含义", info.bands.len()),
        )
        .in_file(path)
        .remedy("name them: --bands green=1,red=2,nir=3,swir1=4", "请指明:--bands green=1,red=2,nir=3,swir1=4"));
    }
    let mut assets = Vec::new();
    for (role, band) in by_name {
        let Some(b) = info.bands.get(band) else {
            return Err(Error::usage(
                format!("{}={} was given, but there are {} bands", role.as_str(), band + 1, info.bands.len()),
                format!("给出了 {}={},但只有 {} 个波段", role.as_str(), band + 1, info.bands.len()),
            )
            .in_file(path));
        };
        let calibration = match role {
            r if r.is_quality() => Calibration::None,
            _ => Calibration::Linear { scale: b.scale, offset: b.offset },
        };
        assets.push(Asset { role, source: path.to_path_buf(), band, calibration, nodata: None, saturated: None });
    }
    let id = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Scene {
        datetime: info
            .metadata
            .iter()
            .find(|(k, _)| k == "TIFFTAG_DATETIME" || k == "DATETIME")
            .and_then(|(_, v)| dated(v))
            .or_else(|| dated(&id)),
        id,
        sensor: Sensor { platform: "generic".into(), level: String::new() },
        assets,
        mask: MaskRule::None,
        boa_offset: None,
        cloud_cover: None,
    })
}

/// The first date in a name: `20150711T100008`, `20150711` or `2015-07-11`.
pub fn dated(name: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    let digits = |n: usize, s: &str| s.len() >= n && s.bytes().take(n).all(|b| b.is_ascii_digit());
    for (i, _) in name.char_indices() {
        let s = &name[i..];
        if digits(8, s) {
            let date = NaiveDate::parse_from_str(&s[..8], "%Y%m%d").ok().filter(plausible);
            let Some(date) = date else { continue };
            if s.as_bytes().get(8) == Some(&b'T')
                && digits(6, &s[9..])
                && let Ok(t) = NaiveDateTime::parse_from_str(&s[..15], "%Y%m%dT%H%M%S")
            {
                return Some(t.and_utc());
            }
            return date.and_hms_opt(0, 0, 0).map(|t| t.and_utc());
        }
        if digits(4, s)
            && s.is_char_boundary(10.min(s.len()))
            && let Some(t) = s.get(..10)
            && let Ok(d) = NaiveDate::parse_from_str(t, "%Y-%m-%d")
            && plausible(&d)
        {
            return d.and_hms_opt(0, 0, 0).map(|t| t.and_utc());
        }
    }
    None
}

/// Satellites that matter here fly since 1972.
fn plausible(d: &NaiveDate) -> bool {
    use chrono::Datelike;
    (1972..2100).contains(&d.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_names() {
        let at = |n: &str| dated(n).map(|t| t.format("%Y-%m-%dT%H:%M:%S").to_string());
        assert_eq!(at("ndvi_20150711T100008").as_deref(), Some("2015-07-11T10:00:08"));
        assert_eq!(at("乌海2016-01-12影像").as_deref(), Some("2016-01-12T00:00:00"));
        assert_eq!(at("T48TYJ_20230501T032539_B04").as_deref(), Some("2023-05-01T03:25:39"));
        assert_eq!(at("tile_99999999"), None);
    }

    #[test]
    fn bands_as_typed() {
        assert_eq!(parse_bands(&["red=3".into(), "nir08 = 4".into()]).unwrap(), [(Role::Red, 2), (Role::Nir, 3)]);
        assert_eq!(parse_bands(&["red=0".into()]).unwrap_err().kind.exit_code(), 2);
        assert!(parse_bands(&["pink=1".into()]).is_err());
    }
}
