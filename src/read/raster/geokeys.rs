//! Where a GeoTIFF lies: affine transform and CRS from its tags (OGC GeoTIFF 1.1).

use super::ifd::{Directory, TiffFile, tag};
use crate::error::Result;
use crate::model::Crs;

const GT_MODEL_TYPE: u64 = 1024;
const GT_RASTER_TYPE: u64 = 1025;
const GEOGRAPHIC_TYPE: u64 = 2048;
const PROJECTED_CS_TYPE: u64 = 3072;
const PIXEL_IS_POINT: u64 = 2;
/// Codes from here on are private, 32767 means “defined by its parameters”.
const USER_DEFINED: u64 = 32_767;

/// How the CRS of a GeoTIFF is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CrsKey {
    /// No geokeys at all.
    None,
    /// An EPSG code.
    Epsg(Crs),
    /// By parameters, or in a way that only GDAL reads.
    Parameters,
}

/// Transform and CRS; the transform is `None` where no tag tells it.
pub(super) fn position(t: &TiffFile, d: &Directory) -> Result<(Option<[f64; 6]>, CrsKey)> {
    let keys: Vec<[u64; 4]> = match t.integers(d, tag::GEO_KEY_DIRECTORY)? {
        Some(v) => v.as_chunks::<4>().0.iter().skip(1).copied().collect(),
        None => Vec::new(),
    };
    // values that stand elsewhere (location not 0) are doubles or texts, none of which is asked for here
    let short = |key| keys.iter().find(|k| k[0] == key && k[1] == 0).map(|k| k[3]);
    let crs = match (short(GT_MODEL_TYPE), short(PROJECTED_CS_TYPE), short(GEOGRAPHIC_TYPE)) {
        _ if keys.is_empty() => CrsKey::None,
        (Some(1), Some(c), _) | (Some(2), _, Some(c)) if (1024..USER_DEFINED).contains(&c) => {
            let code = format!("EPSG:{c}");
            CrsKey::Epsg(Crs { definition: code.clone(), code: Some(code.clone()), name: code })
        }
        _ => CrsKey::Parameters,
    };
    let transform = transform(t, d)?.map(|mut m| {
        if short(GT_RASTER_TYPE) == Some(PIXEL_IS_POINT) {
            // the tie point is the middle of a pixel there
            m[0] -= 0.5 * (m[1] + m[2]);
            m[3] -= 0.5 * (m[4] + m[5]);
        }
        m
    });
    Ok((transform, crs))
}

fn transform(t: &TiffFile, d: &Directory) -> Result<Option<[f64; 6]>> {
    let tie = t.doubles(d, tag::MODEL_TIEPOINT)?;
    if let (Some(s), Some(p)) = (t.doubles(d, tag::MODEL_PIXEL_SCALE)?, &tie)
        && s.len() >= 2
        && p.len() == 6
        && s[0] != 0.0
        && s[1] != 0.0
    {
        // GDAL takes the size of a row as positive, whatever its sign
        let (sx, sy) = (s[0], -s[1].abs());
        return Ok(Some([p[3] - p[0] * sx, sx, 0.0, p[4] - p[1] * sy, 0.0, sy]));
    }
    if let Some(m) = t.doubles(d, tag::MODEL_TRANSFORMATION)?
        && m.len() == 16
    {
        return Ok(Some([m[3], m[0], m[1], m[7], m[4], m[5]]));
    }
    Ok(None)
}
