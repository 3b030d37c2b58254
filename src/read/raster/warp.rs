//! A raster brought to another grid by GDAL's warper, block by block as it is asked for.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gdal::{GdalRaster, Memory};
use crate::error::{Error, Result};
use crate::model::{BlockSource, Grid, PixelType, RasterInfo};

/// How values between pixels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// The nearest pixel: classes and bits.
    Nearest,
    /// Bilinear, between four pixels.
    Bilinear,
    /// Mean of the pixels that a larger one covers.
    Average,
}

impl Resampling {
    /// Name, as GDAL has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "NearestNeighbour",
            Self::Bilinear => "Bilinear",
            Self::Average => "Average",
        }
    }
}

/// Furthest deviation of the warper's approximated transformation, pixels (GDAL's own default).
const MAX_ERROR: f64 = 0.125;
/// Memory of one warp, bytes.
const MEMORY: u64 = 64 << 20;

/// A raster seen on the grid `target`. Pixels that are `nodata` (or the bands' own nodata) do not mix with others; what
/// the raster does not cover is that number too.
///
/// # Errors
/// `Input` where one of both has no CRS, or GDAL cannot transform between them.
pub fn warped(
    source: &RasterInfo,
    target: &Grid,
    how: Resampling,
    nodata: Option<f64>,
) -> Result<Arc<dyn BlockSource>> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let n = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("/vsimem/heshan-warp-{}-{n}.vrt", std::process::id());
    let xml = description(source, target, how, nodata)?;
    gdal::vsi::create_mem_file(&name, xml.into_bytes()).map_err(|e| {
        Error::input(format!("GDAL cannot warp it: {e}"), format!("GDAL 无法重采样:{e}")).in_file(&source.source)
    })?;
    Ok(Arc::new(GdalRaster::described(Memory(name), &source.source)?))
}

fn description(s: &RasterInfo, target: &Grid, how: Resampling, nodata: Option<f64>) -> Result<String> {
    let (from, to) = (srs(s.grid.crs.as_ref(), &s.source)?, srs(target.crs.as_ref(), &s.source)?);
    let size = format!("rasterXSize=\"{}\" rasterYSize=\"{}\"", target.width, target.height);
    let mut x = format!(
        "<VRTDataset {size} subClass=\"VRTWarpedDataset\">\n<SRS dataAxisToSRSAxisMapping=\"1,2\">{to}</SRS>\n"
    );
    let _ = writeln!(x, "<GeoTransform>{}</GeoTransform>", list(&target.transform));
    let fill = |i: usize| nodata.or(s.bands[i].nodata).unwrap_or(0.0);
    for (i, b) in s.bands.iter().enumerate() {
        let _ = writeln!(
            x,
            "<VRTRasterBand dataType=\"{}\" band=\"{}\" subClass=\"VRTWarpedRasterBand\"><NoDataValue>{}</NoDataValue><Scale>{}</Scale><Offset>{}</Offset></VRTRasterBand>",
            type_name(b.ty),
            i + 1,
            number(fill(i)),
            b.scale,
            b.offset
        );
    }
    let file = s.source.to_string_lossy();
    let file = if Path::new(&*file).is_file() {
        std::path::absolute(&s.source).map_or_else(|_| file.to_string(), |p| p.to_string_lossy().into_owned())
    } else {
        file.into_owned()
    };
    let _ = write!(
        x,
        "<BlockXSize>512</BlockXSize><BlockYSize>512</BlockYSize><GDALWarpOptions><WarpMemoryLimit>{MEMORY}</WarpMemoryLimit><ResampleAlg>{}</ResampleAlg><Option name=\"INIT_DEST\">NO_DATA</Option><Option name=\"UNIFIED_SRC_NODATA\">NO</Option><Option name=\"ERROR_OUT_IF_EMPTY_SOURCE_WINDOW\">FALSE</Option><SourceDataset relativeToVRT=\"0\">{}</SourceDataset>",
        how.name(),
        escaped(&file)
    );
    let inverse = |t: &[f64; 6]| {
        invert(t).ok_or_else(|| Error::input("its transform has no inverse", "仿射变换不可逆").in_file(&s.source))
    };
    let _ = write!(
        x,
        "<Transformer><ApproxTransformer><MaxError>{MAX_ERROR}</MaxError><BaseTransformer><GenImgProjTransformer><SrcGeoTransform>{}</SrcGeoTransform><SrcInvGeoTransform>{}</SrcInvGeoTransform><DstGeoTransform>{}</DstGeoTransform><DstInvGeoTransform>{}</DstInvGeoTransform>",
        list(&s.grid.transform),
        list(&inverse(&s.grid.transform)?),
        list(&target.transform),
        list(&inverse(&target.transform)?)
    );
    if from != to {
        let _ = write!(
            x,
            "<ReprojectTransformer><ReprojectionTransformer><SourceSRS>{from}</SourceSRS><TargetSRS>{to}</TargetSRS></ReprojectionTransformer></ReprojectTransformer>"
        );
    }
    x += "</GenImgProjTransformer></BaseTransformer></ApproxTransformer></Transformer><BandList>";
    for i in 0..s.bands.len() {
        let v = number(fill(i));
        let _ = write!(
            x,
            "<BandMapping src=\"{0}\" dst=\"{0}\"><SrcNoDataReal>{v}</SrcNoDataReal><SrcNoDataImag>0</SrcNoDataImag><DstNoDataReal>{v}</DstNoDataReal><DstNoDataImag>0</DstNoDataImag></BandMapping>",
            i + 1
        );
    }
    Ok(x + "</BandList></GDALWarpOptions></VRTDataset>")
}

/// WKT of a CRS, escaped for XML.
fn srs(crs: Option<&crate::model::Crs>, file: &Path) -> Result<String> {
    let refused = |en: &str, zh: &str| {
        Error::input(en, zh).in_file(file).remedy(
            "name its CRS first: gdal_edit.py -a_srs EPSG:n FILE",
            "请先指明其坐标系:gdal_edit.py -a_srs EPSG:代码 文件",
        )
    };
    let crs = crs.ok_or_else(|| {
        refused("it has no CRS, so it cannot be brought to another grid", "没有坐标系,无法重采样到其他格网")
    })?;
    let wkt = gdal::spatial_ref::SpatialRef::from_definition(&crs.definition).and_then(|mut s| {
        s.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
        s.to_wkt()
    });
    let wkt =
        wkt.map_err(|e| refused(&format!("GDAL does not know its CRS: {e}"), &format!("GDAL 无法识别其坐标系:{e}")))?;
    Ok(escaped(&wkt))
}

fn escaped(s: &str) -> String {
    s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn number(v: f64) -> String {
    if v.is_nan() { "nan".into() } else { format!("{v}") }
}

fn list(t: &[f64; 6]) -> String {
    t.map(|v| format!("{v:.17e}")).join(",")
}

fn invert(t: &[f64; 6]) -> Option<[f64; 6]> {
    let det = t[1] * t[5] - t[2] * t[4];
    if det == 0.0 || !det.is_finite() {
        return None;
    }
    let (a, b, c, d) = (t[5] / det, -t[2] / det, -t[4] / det, t[1] / det);
    Some([-(t[0] * a + t[3] * b), a, b, -(t[0] * c + t[3] * d), c, d])
}

fn type_name(ty: PixelType) -> &'static str {
    match ty {
        PixelType::U8 => "Byte",
        PixelType::U16 => "UInt16",
        PixelType::I8 | PixelType::I16 => "Int16",
        PixelType::U32 => "UInt32",
        PixelType::I32 => "Int32",
        PixelType::F32 => "Float32",
        PixelType::U64 | PixelType::I64 | PixelType::F64 => "Float64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_transform() {
        let g = Grid { transform: [5.0, 2.0, 1.0, 7.0, 0.5, -3.0], width: 1, height: 1, crs: None };
        let i = invert(&g.transform).unwrap();
        let [x, y] = g.xy(11.0, -4.0);
        let (c, r) = (i[0] + x * i[1] + y * i[2], i[3] + x * i[4] + y * i[5]);
        assert!((c - 11.0).abs() < 1e-12 && (r + 4.0).abs() < 1e-12);
    }
}
