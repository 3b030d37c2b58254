//! Where a raster lies, as GeoTIFF tags (OGC GeoTIFF 1.1).

use gdal::spatial_ref::SpatialRef;

use crate::model::Grid;

/// Values of the GeoTIFF tags, as far as they are needed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GeoTags {
    pub scale: Vec<f64>,
    pub tie: Vec<f64>,
    pub matrix: Vec<f64>,
    pub keys: Vec<u16>,
    pub doubles: Vec<f64>,
    pub text: String,
}

pub(super) fn geo_tags(g: &Grid) -> GeoTags {
    let t = g.transform;
    let mut out = GeoTags::default();
    if t[2] == 0.0 && t[4] == 0.0 && t[5] < 0.0 {
        out.scale = vec![t[1], -t[5], 0.0];
        out.tie = vec![0.0, 0.0, 0.0, t[0], t[3], 0.0];
    } else {
        let row = |a, b, c| [a, b, 0.0, c];
        out.matrix = [row(t[1], t[2], t[0]), row(t[4], t[5], t[3]), [0.0; 4], [0.0, 0.0, 0.0, 1.0]].concat();
    }
    if let Some(c) = &g.crs {
        keys(&mut out, &c.definition);
    }
    out
}

/// Model type, pixel is area, and the code; a CRS without a code is written by GDAL into a small file of its own, and
/// its keys are taken over from there.
fn keys(out: &mut GeoTags, definition: &str) {
    let Ok(s) = SpatialRef::from_definition(definition) else { return };
    let code = match (s.auth_name().as_deref(), s.auth_code()) {
        (Some("EPSG"), Ok(c)) => u16::try_from(c).ok(),
        _ => None,
    };
    let key = if s.is_geographic() { Some((2u16, 2048u16)) } else { s.is_projected().then_some((1, 3072)) };
    if let (Some(code), Some((model, key))) = (code, key) {
        out.keys = vec![1, 1, 0, 3, 1024, 0, 1, model, 1025, 0, 1, 1, key, 0, 1, code];
    } else {
        by_gdal(out, &s);
    }
}

fn by_gdal(out: &mut GeoTags, s: &SpatialRef) {
    let name = format!("/vsimem/heshan-keys-{:?}.tif", std::thread::current().id());
    let Ok(driver) = gdal::DriverManager::get_driver_by_name("GTiff") else { return };
    let made = driver.create(&name, 1, 1, 1).and_then(|mut d| {
        d.set_spatial_ref(s)?;
        d.set_geo_transform(&[0.0, 1.0, 0.0, 0.0, 0.0, -1.0])?;
        Ok(())
    });
    if made.is_ok()
        && let Ok(bytes) = gdal::vsi::get_vsi_mem_file_bytes_owned(&name)
    {
        let tag = |n: u16| first_directory(&bytes, n);
        let u16s = |b: &[u8]| b.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect::<Vec<_>>();
        out.keys = tag(34735).map(u16s).unwrap_or_default();
        out.doubles = tag(34736)
            .map(|b| b.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
            .unwrap_or_default();
        out.text = tag(34737).map(|b| String::from_utf8_lossy(b).trim_end_matches('\0').to_owned()).unwrap_or_default();
    }
    let _ = gdal::vsi::unlink_mem_file(&name);
}

/// Bytes of a tag of the first directory of a small little-endian TIFF that GDAL has just made.
fn first_directory(file: &[u8], tag: u16) -> Option<&[u8]> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let ifd = u32_at(4)?;
    for i in 0..usize::from(u16_at(ifd)?) {
        let e = ifd + 2 + 12 * i;
        if u16_at(e)? == tag {
            let size = match u16_at(e + 2)? {
                3 => 2,
                12 => 8,
                _ => 1,
            };
            let n = size * u32_at(e + 4)?;
            let at = if n <= 4 { e + 8 } else { u32_at(e + 8)? };
            return file.get(at..at + n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Crs;

    fn grid(definition: &str) -> Grid {
        let crs = Crs { definition: definition.into(), code: None, name: String::new() };
        Grid { transform: [1.0, 2.0, 0.0, 3.0, 0.0, -4.0], width: 1, height: 1, crs: Some(crs) }
    }

    #[test]
    fn codes_stand_as_codes_and_the_rest_as_parameters() {
        let g = geo_tags(&grid("EPSG:32648"));
        assert_eq!(g.keys, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32648]);
        assert_eq!((g.scale, g.tie[3], g.tie[4]), (vec![2.0, 4.0, 0.0], 1.0, 3.0));
        assert_eq!(geo_tags(&grid("EPSG:4490")).keys[12..], [2048, 0, 1, 4490]);
        let own = geo_tags(&grid("+proj=tmerc +lat_0=0 +lon_0=106.5 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m"));
        assert!(own.keys.len() > 16 && own.doubles.contains(&106.5));
    }
}
