//! Coordinate reference systems: what a definition stands for, whether coordinates fit it, and the way to CGCS2000.
//!
//! ```text
//! Crs of a layer ─ resolve ─► ResolvedCrs ─ check_extent ─► warnings or an error
//!                                  └─ Transformation::to_geographic ─► Transformer (one a thread) ─► lon/lat
//! ```
//!
//! The working CRS is EPSG:4490 (CGCS2000), longitude first. All axes here are x = longitude or easting,
//! y = latitude or northing, whatever order the authority writes them in.
//!
//! This module is the only place that knows PROJ. It reads no files of its own; PROJ reads its database.

mod cells;
mod extent;
mod gauss_kruger;
mod identify;
mod pj;
mod transform;

pub use extent::{AREA_MARGIN_DEG, ExtentReport, FitCheck, Unfit, check_extent, check_features, geographic_bounds};
pub use gauss_kruger::{CGCS2000_A, CGCS2000_F, GkZone, GridPoint, gauss_kruger, point_scale_factor, working_zone};
pub use identify::{Datum, GaussKruger};
pub use transform::{
    Accuracy, EDGE_TOLERANCE_M, SHORT_EDGE_M, Transformation, Transformer, from_geographic, to_geographic,
};

use crate::error::{Error, Result, Text};
use crate::model::Crs;
use pj::{Context, Pj, Sort};

/// A CRS that PROJ knows, with what the program asks of it. Plain data: may be shared between threads.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedCrs {
    /// `EPSG:n`, where the definition carries a code that fits its parameters or was identified by them.
    pub code: Option<String>,
    /// Name for people, as the definition or PROJ's database gives it.
    pub name: String,
    /// What PROJ is given: the code, or WKT2:2019 where there is none.
    pub definition: String,
    /// True for longitude/latitude.
    pub geographic: bool,
    /// Datum.
    pub datum: Datum,
    /// Name of the datum.
    pub datum_name: String,
    /// Where the CRS is meant to be used: west, south, east, north in degrees.
    pub area_of_use: Option<[f64; 4]>,
    /// The grid, where it is Gauss-Krüger.
    pub gauss_kruger: Option<GaussKruger>,
    /// Unit of the axes: `metre`, `degree`, …
    pub unit: String,
    /// Metres (projected) or radians (geographic) in one unit.
    pub unit_to_si: f64,
    /// True where the definition brings its own datum shift (`TOWGS84`, `+towgs84`).
    pub own_shift: bool,
    /// What had to be inferred, or contradicts itself; worth telling the user.
    pub notes: Vec<Text>,
}

impl ResolvedCrs {
    /// Code and name, or the name alone.
    pub fn label(&self) -> String {
        match &self.code {
            Some(c) => format!("{c} ({})", self.name),
            None => self.name.clone(),
        }
    }
}

/// Resolves the CRS of a layer, or refuses: a missing CRS is never guessed.
///
/// # Errors
/// Those of [`resolve`], and one for `None` that says how to name a CRS.
pub fn resolve_layer(crs: Option<&Crs>) -> Result<ResolvedCrs> {
    match crs {
        Some(c) if !(c.definition.trim().is_empty() && c.code.is_none()) => resolve(c),
        _ => Err(Error::input("the layer has no coordinate reference system", "图层没有坐标系").remedy(
            "name it with --crs, for example --crs EPSG:4490 (longitude/latitude, CGCS2000) or --crs EPSG:4524 \
             (3-degree zone 36, eastings beginning with 36); heshan does not guess it",
            "用 --crs 指明,例如 --crs EPSG:4490(CGCS2000 经纬度)或 --crs EPSG:4524(三度带第 36 带,\
             横坐标以 36 开头);本程序不作猜测",
        )),
    }
}

/// Finds out what a CRS is: from `EPSG:n`, WKT 1 (GDAL's or ESRI's, a `.prj` without code included), WKT 2 or a PROJ
/// string. Without a code, China's grids are identified by datum and parameters, others by PROJ's own search, and a
/// find is kept only where its parameters are the definition's own.
///
/// # Errors
/// `Input` where PROJ cannot read the definition, or where it is not a CRS of positions on the earth's surface
/// (geocentric, vertical, local engineering).
pub fn resolve(crs: &Crs) -> Result<ResolvedCrs> {
    let ctx = Context::new();
    let (whole, mut notes) = create(&ctx, crs)?;
    let (horizontal, own_shift) = horizontal_part(whole, crs)?;
    let given = horizontal.id().filter(|id| id.starts_with("EPSG:"));
    let (datum, inferred) = identify::datum(&horizontal);
    let conversion = horizontal.conversion();
    let gauss_kruger = conversion.as_ref().and_then(|c| identify::gauss_kruger(c, &horizontal.name()));
    let geographic = horizontal.sort() != Sort::Projected;
    let code = match given {
        Some(id) if fits(&ctx, &horizontal, &id) => Some(id),
        given => {
            let found = find_code(&ctx, &horizontal, geographic, datum, gauss_kruger.as_ref());
            if let Some(id) = given {
                notes.push(contradiction(&id, &horizontal, found.as_deref()));
            }
            found
        }
    };
    if inferred {
        notes.push(inferred_datum(&horizontal, datum));
    }
    let named = code.as_deref().filter(|_| !own_shift).and_then(|c| Pj::create(&ctx, c));
    let described = named.as_ref().unwrap_or(&horizontal);
    let axis = described.first_axis();
    Ok(ResolvedCrs {
        name: described.name(),
        definition: definition_for_proj(code.as_deref(), own_shift, &horizontal, crs),
        geographic,
        datum,
        datum_name: described.datum_name().unwrap_or_default(),
        area_of_use: described.area_of_use(),
        gauss_kruger,
        unit: axis.as_ref().map(|a| a.unit.to_lowercase()).unwrap_or_default(),
        unit_to_si: axis.map_or(if geographic { 1f64.to_radians() } else { 1.0 }, |a| a.to_si),
        own_shift,
        notes,
        code,
    })
}

/// The object of a definition; its code serves where the text is empty or cannot be read.
fn create(ctx: &std::rc::Rc<Context>, crs: &Crs) -> Result<(Pj, Vec<Text>)> {
    let text = definition_text(&crs.definition);
    if let Some(pj) = Pj::create(ctx, &text).filter(Pj::is_crs) {
        return Ok((pj, Vec::new()));
    }
    let said = ctx.last_message();
    if let Some(code) = &crs.code
        && let Some(pj) = Pj::create(ctx, code).filter(Pj::is_crs)
    {
        let note = (!text.is_empty()).then(|| {
            Text::new(
                format!("the definition of the CRS cannot be read; its code {code} was used"),
                format!("坐标系定义无法解析,已按其代码 {code} 处理"),
            )
        });
        return Ok((pj, note.into_iter().collect()));
    }
    Err(unreadable(&text, &said))
}

/// The definition as PROJ wants it: a bare number is an EPSG code, a PROJ string must say that it is a CRS.
fn definition_text(definition: &str) -> String {
    let text = definition.trim().trim_start_matches('\u{feff}').trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return format!("EPSG:{text}");
    }
    let proj_string = text.starts_with('+') && text.contains("+proj=");
    if proj_string && !text.contains("+type=crs") { format!("{text} +type=crs") } else { text.to_owned() }
}

fn unreadable(text: &str, said: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    Error::input(
        format!("the coordinate reference system “{shown}” cannot be understood{said}"),
        format!("无法识别坐标系“{shown}”{said}"),
    )
    .remedy(
        "name it with --crs, for example --crs EPSG:4490, EPSG:4524, or the path text of a .prj file",
        "用 --crs 指明,例如 --crs EPSG:4490、EPSG:4524,或给出 .prj 文件中的文本",
    )
}

/// The two-dimensional part of a compound or bound CRS, and whether it brings its own shift to WGS 84.
fn horizontal_part(mut pj: Pj, crs: &Crs) -> Result<(Pj, bool)> {
    let mut own_shift = false;
    // compound and bound CRS nest at most twice in practice
    for _ in 0..4 {
        let inner = match pj.sort() {
            Sort::Compound => pj.sub_crs(0),
            Sort::Bound => {
                // writers add a shift of seven zeros to say "as WGS 84": that is no shift of its own
                own_shift |= pj.to_wgs84().is_some_and(|v| v.iter().any(|x| *x != 0.0));
                pj.source_crs()
            }
            Sort::Geographic2D | Sort::Geographic3D | Sort::Projected => return Ok((pj, own_shift)),
            sort => return Err(unfit(sort, &pj.name())),
        };
        pj = inner.ok_or_else(|| unreadable(&crs.definition, ""))?;
    }
    Err(unreadable(&crs.definition, ""))
}

fn unfit(sort: Sort, name: &str) -> Error {
    let (en, zh) = match sort {
        Sort::Engineering => {
            ("a local engineering grid without a tie to the earth", "未与地球坐标联系的独立工程坐标系")
        }
        Sort::Geocentric => ("geocentric (X, Y, Z), not a map system", "地心空间直角坐标系,不是平面或经纬度坐标系"),
        Sort::Vertical => ("a height system only", "仅为高程系统"),
        _ => ("not of a kind that places features on the earth", "不是可用于定位的类型"),
    };
    Error::input(format!("the coordinate reference system “{name}” is {en}"), format!("坐标系“{name}”{zh}")).remedy(
        "convert the data to CGCS2000 first, or give the right CRS, for example --crs EPSG:4524 (or ogr2ogr -a_srs, where \
         the layer bears another itself)",
        "请先将数据转换到 CGCS2000,或指明正确的坐标系,例如 --crs EPSG:4524(图层自带其他坐标系的,用 ogr2ogr -a_srs 改写)",
    )
}

/// True where PROJ's database gives `id` the same parameters as `pj` has.
fn fits(ctx: &std::rc::Rc<Context>, pj: &Pj, id: &str) -> bool {
    Pj::create(ctx, id).is_some_and(|official| same_parameters(pj, &official))
}

/// The same CRS by PROJ's comparison, or at least the same numbers on the same datum: names in files vary.
fn same_parameters(a: &Pj, b: &Pj) -> bool {
    if a.same_crs(b) {
        return true;
    }
    let datum = identify::datum(a).0;
    if datum == Datum::Other || datum != identify::datum(b).0 {
        return false;
    }
    match (a.conversion(), b.conversion()) {
        (None, None) => a.first_axis().map(|x| x.to_si) == b.first_axis().map(|x| x.to_si),
        (Some(p), Some(q)) => {
            let unit = |x: &Pj| x.first_axis().map_or(0.0, |x| x.to_si);
            p.method_code == q.method_code
                && unit(a) == unit(b)
                && p.params.len() == q.params.len()
                && p.params.iter().all(|x| q.params.iter().any(|y| x.code == y.code && (x.si - y.si).abs() <= 1e-9))
        }
        _ => false,
    }
}

/// The code of a definition without one.
fn find_code(
    ctx: &std::rc::Rc<Context>,
    pj: &Pj,
    geographic: bool,
    datum: Datum,
    gk: Option<&GaussKruger>,
) -> Option<String> {
    let from_table = if geographic { datum.geographic_code() } else { gk.and_then(|g| identify::grid_code(datum, g)) };
    if let Some(id) = from_table.map(|c| format!("EPSG:{c}"))
        && fits(ctx, pj, &id)
    {
        return Some(id);
    }
    // PROJ's confidence of 70 % and more means the same parameters under another name; only true matches are kept
    pj.identify().into_iter().filter(|(_, confidence)| *confidence >= 70).find_map(|(found, _)| {
        let id = found.id()?;
        same_parameters(pj, &found).then_some(id)
    })
}

fn contradiction(id: &str, pj: &Pj, found: Option<&str>) -> Text {
    let name = pj.name();
    let (en, zh) = found
        .map_or_else(|| ("no EPSG code".to_owned(), "无对应 EPSG 代码".to_owned()), |f| (f.to_owned(), f.to_owned()));
    Text::new(
        format!(
            "the CRS “{name}” calls itself {id} but its parameters are not those of {id}; the parameters were used ({en})"
        ),
        format!("坐标系“{name}”标注为 {id},但其参数与 {id} 不符;已按参数处理({zh})"),
    )
}

fn inferred_datum(pj: &Pj, datum: Datum) -> Text {
    let name = pj.name();
    let (en, zh) = match datum {
        Datum::Xian1980 => ("Xi'an 1980", "1980 西安坐标系"),
        Datum::Wgs84 => ("WGS 84", "WGS 84"),
        _ => ("CGCS2000", "CGCS2000"),
    };
    Text::new(
        format!("the CRS “{name}” does not name its datum; its ellipsoid is that of {en}, so {en} was taken"),
        format!("坐标系“{name}”未注明基准;其椭球与 {zh} 一致,按 {zh} 处理"),
    )
}

/// What PROJ is given later: the code where it says all, else the definition itself.
fn definition_for_proj(code: Option<&str>, own_shift: bool, horizontal: &Pj, crs: &Crs) -> String {
    if own_shift {
        return definition_text(&crs.definition);
    }
    match code {
        Some(c) => c.to_owned(),
        None => horizontal.wkt2().unwrap_or_else(|| definition_text(&crs.definition)),
    }
}

/// Versions for the run manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjVersions {
    /// The PROJ library.
    pub library: String,
    /// The PROJ version that proj.db was made for, where it says so.
    pub database: Option<String>,
    /// The EPSG dataset in proj.db, e.g. `v10.076 (2022-08-31)`.
    pub epsg: Option<String>,
}

/// The versions of PROJ, of its database and of the EPSG dataset in it.
pub fn proj_versions() -> ProjVersions {
    let ctx = Context::new();
    let epsg = ctx.database_metadata("EPSG.VERSION").map(|v| match ctx.database_metadata("EPSG.DATE") {
        Some(d) => format!("{v} ({d})"),
        None => v,
    });
    ProjVersions { library: pj::library_version(), database: ctx.database_metadata("PROJ.VERSION"), epsg }
}
