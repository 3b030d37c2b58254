//! Layers through GDAL: GeoPackage, Shapefile, FlatGeobuf, FileGDB, KML, PostGIS and whatever else it reads.
#![allow(unsafe_code, reason = "GDAL's C interface: typed values, unset fields and curves are not in the safe wrapper")]

use std::ffi::{CStr, CString};
use std::ops::Range;
use std::path::Path;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{LayerAccess, OwnedLayer};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use gdal_sys::{OGRFeatureH, OGRFieldSubType, OGRFieldType, OGRGeometryH};

use super::ahead::Ahead;
use super::ranges::ByRanges;
use super::remarks::Seen;
use super::{ReadOptions, SourceName, encoding, no_such_layer, note, rings_closed};
use crate::error::{Error, Result};
use crate::model::{Crs, Feature, FeatureSource, Field, FieldType, LayerInfo, Schema, Skipped, Value};
use crate::space::wkb;

/// The column of ids as GeoPackages name it. Of other names GDAL's filters know it too, but a field may bear it.
const ID: &str = "fid";

/// A layer read through GDAL.
pub(super) struct OgrSource {
    layer: OwnedLayer,
    info: LayerInfo,
    fields: Vec<FieldType>,
    skipped: Vec<Skipped>,
    read: u64,
    seen: Seen,
}

pub(super) fn layers(name: &SourceName, options: &ReadOptions) -> Result<Vec<LayerInfo>> {
    let dataset = open_dataset(name, options)?;
    Ok(dataset.layers().map(|l| info(&l, &dataset, name, options)).collect())
}

pub(super) fn open(name: &SourceName, options: &ReadOptions) -> Result<Box<dyn FeatureSource + Send>> {
    Ok(Box::new(open_source(name, options)?))
}

/// Opens a layer that is read on threads beside the one that uses it: a large GeoPackage by ranges of its ids, every
/// other layer in one go.
pub(super) fn open_ahead(name: &SourceName, options: &ReadOptions) -> Result<Box<dyn FeatureSource>> {
    let source = open_source(name, options)?;
    let ids = source.id_range(name);
    let n = ByRanges::readers(source.info.count, ids.as_ref());
    if n > 1
        && let Some(ids) = ids
    {
        let mut sources = vec![source];
        for _ in 1..n {
            sources.push(open_source(name, options)?);
        }
        if let Some(all) = ByRanges::of(sources, ids) {
            return Ok(Box::new(all));
        }
        return Err(unreadable(&name.path, "it has no layer"));
    }
    Ok(Box::new(Ahead::of(Box::new(source))))
}

fn open_source(name: &SourceName, options: &ReadOptions) -> Result<OgrSource> {
    let dataset = open_dataset(name, options)?;
    let at = choose(&dataset, name)?;
    let info = {
        let layer = dataset.layer(at).map_err(|e| unreadable(&name.path, &e.to_string()))?;
        info(&layer, &dataset, name, options)
    };
    let layer = dataset.into_layer(at).map_err(|e| unreadable(&name.path, &e.to_string()))?;
    let fields = field_types(&layer);
    let skipped = belied(&info, name, options).into_iter().collect();
    Ok(OgrSource { layer, info, fields, skipped, read: 0, seen: Seen::default() })
}

/// The encoding of a shapefile, as told or as found.
fn text_encoding(name: &SourceName, options: &ReadOptions) -> Option<encoding::TextEncoding> {
    let shapefile = name.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp"));
    let told = |e: &String| {
        let gdal = if e.eq_ignore_ascii_case("GBK") { "CP936".to_owned() } else { e.clone() };
        encoding::TextEncoding { told: Some(gdal), name: e.clone(), belied: None }
    };
    shapefile.then(|| options.encoding.as_ref().map_or_else(|| encoding::of_shapefile(&name.path), told))
}

/// Says that the text is not what the `.cpg` calls it.
fn belied(info: &LayerInfo, name: &SourceName, options: &ReadOptions) -> Option<Skipped> {
    let e = text_encoding(name, options)?;
    let cpg = e.belied?;
    Some(note(
        info,
        -1,
        "encoding_found",
        true,
        format!("the .cpg file says {cpg}, which the text is not; it was read as {} (--encoding overrides)", e.name),
        format!(".cpg 文件写的是 {cpg},与文本不符;已按 {} 读取(可用 --encoding 指定)", e.name),
    ))
}

fn open_dataset(name: &SourceName, options: &ReadOptions) -> Result<Dataset> {
    crate::gdal_log::listen();
    let is_shapefile = name.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp"));
    if is_shapefile {
        needs_siblings(&name.path)?;
    }
    let option = text_encoding(name, options).and_then(|e| e.told).map(|e| format!("ENCODING={e}"));
    let open_options: Vec<&str> = option.as_deref().into_iter().collect();
    let o = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY,
        open_options: Some(&open_options),
        ..Default::default()
    };
    let opened = Dataset::open_ex(&name.path, o);
    let said = crate::gdal_log::take();
    opened.map_err(|e| unreadable(&name.path, said.last().map_or(e.to_string().as_str(), String::as_str)))
}

/// A shapefile is three files; GDAL's own words for a missing one are hard to act on.
fn needs_siblings(shp: &Path) -> Result<()> {
    for ext in ["shx", "dbf"] {
        let there = shp.with_extension(ext).exists() || shp.with_extension(ext.to_uppercase()).exists();
        if !there {
            let restore = if ext == "shx" {
                (
                    "copy it from where the .shp came from, or rebuild it: ogrinfo --config SHAPE_RESTORE_SHX YES",
                    "请从原处复制该文件,或重建:ogrinfo --config SHAPE_RESTORE_SHX YES",
                )
            } else {
                ("copy it from where the .shp came from; it holds the attributes", "请从原处复制该文件,其中存有属性")
            };
            return Err(Error::input(
                format!("the shapefile lacks its .{ext} file"),
                format!("该 Shapefile 缺少 .{ext} 文件"),
            )
            .in_file(shp)
            .remedy(restore.0, restore.1));
        }
    }
    Ok(())
}

pub(super) fn unreadable(path: &Path, why: &str) -> Error {
    Error::input(format!("cannot be read: {why}"), format!("无法读取:{why}")).in_file(path).remedy(
        "check that the file is whole and of a format that ogrinfo opens",
        "请检查文件是否完整、格式是否能被 ogrinfo 打开",
    )
}

fn choose(dataset: &Dataset, name: &SourceName) -> Result<usize> {
    let names: Vec<String> = dataset.layers().map(|l| l.name()).collect();
    if let Some(asked) = &name.layer {
        // PostGIS tables of the schema “public” go by their own name alone
        let bare = asked.strip_prefix("public.").filter(|_| name.is_database());
        let at = names.iter().position(|n| n == asked || bare.is_some_and(|b| n == b));
        return at.ok_or_else(|| no_such_layer(name, asked, &names));
    }
    let with_geometry: Vec<usize> =
        dataset.layers().enumerate().filter(|(_, l)| l.defn().geom_fields().count() > 0).map(|(i, _)| i).collect();
    match (with_geometry.as_slice(), names.len()) {
        ([one], _) => Ok(*one),
        (_, 0) => Err(unreadable(&name.path, "it has no layer")),
        ([], _) => Err(Error::input("no layer has geometry", "没有含几何的图层").in_file(&name.path)),
        _ => {
            let list = names.join(", ");
            Err(Error::input(format!("there are several layers: {list}"), format!("文件中有多个图层:{list}"))
                .in_file(&name.path)
                .remedy(
                    format!("name one: {}#{}", name.path.display(), names[0]),
                    format!("请指明一个:{}#{}", name.path.display(), names[0]),
                ))
        }
    }
}

fn field_types(layer: &impl LayerAccess) -> Vec<FieldType> {
    layer
        .defn()
        .fields()
        .enumerate()
        .map(|(i, f)| {
            // SAFETY: the definition lives as long as the layer, and i is one of its fields
            let sub = unsafe {
                let d = gdal_sys::OGR_FD_GetFieldDefn(gdal_sys::OGR_L_GetLayerDefn(layer.c_layer()), i as i32);
                gdal_sys::OGR_Fld_GetSubType(d)
            };
            field_type(f.field_type(), sub)
        })
        .collect()
}

fn field_type(t: OGRFieldType::Type, sub: OGRFieldSubType::Type) -> FieldType {
    match t {
        OGRFieldType::OFTInteger if sub == OGRFieldSubType::OFSTBoolean => FieldType::Bool,
        OGRFieldType::OFTInteger => FieldType::Int32,
        OGRFieldType::OFTInteger64 => FieldType::Int64,
        OGRFieldType::OFTReal => FieldType::Real,
        OGRFieldType::OFTDate => FieldType::Date,
        OGRFieldType::OFTTime => FieldType::Time,
        OGRFieldType::OFTDateTime => FieldType::DateTime,
        OGRFieldType::OFTBinary => FieldType::Binary,
        _ => FieldType::Text,
    }
}

fn info(layer: &impl LayerAccess, dataset: &Dataset, name: &SourceName, options: &ReadOptions) -> LayerInfo {
    let types = field_types(layer);
    let fields = layer.defn().fields().zip(types).map(|(f, ty)| Field {
        name: f.name(),
        ty,
        width: usize::try_from(f.width()).unwrap_or(0),
        precision: usize::try_from(f.precision()).unwrap_or(0),
    });
    let geometry_type = layer
        .defn()
        .geom_fields()
        .next()
        .map_or("None".to_owned(), |g| gdal::vector::geometry_type_to_name(g.field_type()));
    LayerInfo {
        source: crate::error::without_password(&name.path.to_string_lossy()).into(),
        name: layer.name(),
        schema: Schema { fields: fields.collect() },
        crs: layer.spatial_ref().and_then(|s| crs(&s)),
        format: dataset.driver().short_name(),
        encoding: text_encoding(name, options).map(|e| e.name),
        count: layer.try_feature_count(),
        extent: extent(layer),
        geometry_type,
    }
}

/// The box that the file keeps; GDAL is not to look at the features for it.
fn extent(layer: &impl LayerAccess) -> Option<[f64; 4]> {
    let mut e = gdal_sys::OGREnvelope { MinX: 0.0, MaxX: 0.0, MinY: 0.0, MaxY: 0.0 };
    // SAFETY: the layer is open and the envelope is ours
    let err = unsafe { gdal_sys::OGR_L_GetExtent(layer.c_layer(), &mut e, 0) };
    let known = err == gdal_sys::OGRErr::OGRERR_NONE && e.MinX <= e.MaxX && e.MinY <= e.MaxY;
    known.then_some([e.MinX, e.MinY, e.MaxX, e.MaxY])
}

fn crs(s: &SpatialRef) -> Option<Crs> {
    let mut s = s.clone();
    s.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let code = match (s.auth_name(), s.auth_code()) {
        (Some(a), Ok(c)) => Some(format!("{a}:{c}")),
        _ => None,
    };
    let name = s.name().unwrap_or_default();
    // GeoPackage's "undefined" systems (srs_id 0 and -1) are no CRS
    if name.to_ascii_lowercase().starts_with("undefined") || name.is_empty() && code.is_none() {
        return None;
    }
    let definition = s.to_wkt().ok()?;
    Some(Crs { definition, code, name })
}

impl FeatureSource for OgrSource {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        crate::gdal_log::take();
        let out = self.features(max)?;
        if out.len() < max {
            self.whole()?;
        }
        Ok(if out.is_empty() { None } else { Some(out) })
    }
}

impl OgrSource {
    /// The next features of what is selected.
    fn features(&mut self, max: usize) -> Result<Vec<Feature>> {
        let mut out = Vec::new();
        while out.len() < max {
            // SAFETY: the layer is open; the feature is destroyed below and used nowhere else
            let handle = unsafe { gdal_sys::OGR_L_GetNextFeature(self.layer.c_layer()) };
            if handle.is_null() {
                break;
            }
            self.read += 1;
            let feature = self.feature(handle);
            // SAFETY: handle came from OGR_L_GetNextFeature and is not used after this
            unsafe { gdal_sys::OGR_F_Destroy(handle) };
            out.push(feature?);
        }
        Ok(out)
    }

    /// The features whose ids are in a range, in the order of their ids.
    ///
    /// # Errors
    /// `Input` where GDAL complains: a page of the file that cannot be read, a geometry that is none.
    pub fn range(&mut self, ids: &Range<i64>) -> Result<Vec<Feature>> {
        crate::gdal_log::take();
        let select = CString::new(format!("{ID} >= {} AND {ID} < {}", ids.start, ids.end)).unwrap_or_default();
        // SAFETY: the layer is open and the text ends with a zero; setting a filter starts the reading anew
        let set = unsafe { gdal_sys::OGR_L_SetAttributeFilter(self.layer.c_layer(), select.as_ptr()) };
        let features = self.features(usize::MAX)?;
        let said = crate::gdal_log::take();
        if set != gdal_sys::OGRErr::OGRERR_NONE || !said.is_empty() {
            let why = said.last().map_or("GDAL cannot select features by id", String::as_str);
            return Err(unreadable(&self.info.source, why).in_layer(&self.info.name));
        }
        Ok(features)
    }

    /// What was seen since the last call.
    pub fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    /// The ids of a GeoPackage's table, from the first to one past the last; `None` for other formats, and for views and
    /// tables whose ids cannot be had.
    fn id_range(&self, name: &SourceName) -> Option<Range<i64>> {
        if self.info.format != "GPKG" {
            return None;
        }
        // SAFETY: the layer is open; the name lives as long as it
        let column = unsafe { CStr::from_ptr(gdal_sys::OGR_L_GetFIDColumn(self.layer.c_layer())) };
        let column = column.to_str().ok().filter(|c| c.eq_ignore_ascii_case(ID))?;
        let dataset = Dataset::open_ex(
            &name.path,
            DatasetOptions {
                open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY,
                ..Default::default()
            },
        )
        .ok()?;
        let table = self.info.name.replace('"', "\"\"");
        let text = self.info.name.replace('\'', "''");
        let sql = format!(
            "SELECT MIN(\"{column}\") AS a, MAX(\"{column}\") AS b, \
             (SELECT type FROM sqlite_master WHERE name = '{text}') AS c FROM \"{table}\""
        );
        let mut found = dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).ok()??;
        let row = found.features().next()?;
        crate::gdal_log::take();
        let is_table = row.field_as_string(2).ok()??.eq_ignore_ascii_case("table");
        let (first, last) = (row.field_as_integer64(0).ok()??, row.field_as_integer64(1).ok()??);
        if is_table { Some(first..last.checked_add(1)?) } else { None }
    }

    /// At the end: as many features as the file promised, and no complaint from GDAL.
    fn whole(&mut self) -> Result<()> {
        self.skipped.extend(std::mem::take(&mut self.seen).remarks(&self.info));
        let said = crate::gdal_log::take();
        let short = self.info.count.is_some_and(|n| self.read < n);
        if said.is_empty() && !short {
            return Ok(());
        }
        let why = said
            .last()
            .cloned()
            .unwrap_or_else(|| format!("{} of {} features", self.read, self.info.count.unwrap_or(0)));
        Err(unreadable(&self.info.source, &why).in_layer(&self.info.name))
    }

    fn feature(&mut self, handle: OGRFeatureH) -> Result<Feature> {
        // SAFETY: handle is a live feature of this layer for the whole of this function
        let fid = unsafe { gdal_sys::OGR_F_GetFID(handle) };
        let mut whole = true;
        let values = (0..self.fields.len()).map(|i| value(handle, i as i32, self.fields[i], &mut whole)).collect();
        if !whole {
            self.seen.undecodable.at(fid);
        }
        let geometry = unsafe { gdal_sys::OGR_F_GetGeometryRef(handle) };
        let geometry = if geometry.is_null() { None } else { self.geometry(geometry, fid)? };
        Ok(Feature { fid, geometry, values })
    }

    fn geometry(&mut self, g: OGRGeometryH, fid: i64) -> Result<Option<geo::Geometry<f64>>> {
        // SAFETY: g belongs to a live feature; the linear copy is destroyed here
        let bytes = unsafe {
            if gdal_sys::OGR_G_HasCurveGeometry(g, 1) != 0 {
                self.seen.curves.at(fid);
                let linear = gdal_sys::OGR_G_GetLinearGeometry(g, 0.0, std::ptr::null_mut());
                let b = to_wkb(linear);
                gdal_sys::OGR_G_DestroyGeometry(linear);
                b
            } else {
                to_wkb(g)
            }
        };
        match bytes.and_then(|b| wkb::read(&b).map_err(|e| e.to_string())) {
            Ok((g, extra)) => {
                if extra.z || extra.m {
                    self.seen.heights.at(fid);
                }
                self.skipped.extend(rings_closed(&self.info, fid, extra.closed_rings));
                Ok(Some(g))
            }
            Err(why) => Err(unreadable(&self.info.source, &why).in_layer(&self.info.name).at_feature(fid)),
        }
    }
}

/// A geometry from WKT as GDAL reads it: curves (made straight), surfaces, Z and M, `SRID=…;` before it.
pub(super) fn from_wkt(text: &str) -> std::result::Result<(geo::Geometry<f64>, wkb::Extra, bool), String> {
    crate::gdal_log::listen();
    let g = gdal::vector::Geometry::from_wkt(text);
    crate::gdal_log::take();
    let g = g.map_err(|_| "it is no well-known text".to_owned())?;
    // SAFETY: g lives to the end of this function; the linear copy is destroyed here
    unsafe {
        let curved = gdal_sys::OGR_G_HasCurveGeometry(g.c_geometry(), 1) != 0;
        let linear = gdal_sys::OGR_G_GetLinearGeometry(g.c_geometry(), 0.0, std::ptr::null_mut());
        let bytes = to_wkb(linear);
        gdal_sys::OGR_G_DestroyGeometry(linear);
        let (g, extra) = wkb::read(&bytes?).map_err(|e| e.to_string())?;
        Ok((g, extra, curved))
    }
}

/// # Safety
/// `g` is a live geometry.
unsafe fn to_wkb(g: OGRGeometryH) -> std::result::Result<Vec<u8>, String> {
    // SAFETY: the buffer has the size GDAL asks for
    unsafe {
        let size = gdal_sys::OGR_G_WkbSize(g);
        let mut b = vec![0u8; usize::try_from(size).map_err(|e| e.to_string())?];
        match gdal_sys::OGR_G_ExportToIsoWkb(g, gdal_sys::OGRwkbByteOrder::wkbNDR, b.as_mut_ptr()) {
            gdal_sys::OGRErr::OGRERR_NONE => Ok(b),
            e => Err(format!("GDAL cannot hand out the geometry (code {e})")),
        }
    }
}

/// `whole` becomes false where text has bytes that are no characters.
fn value(f: OGRFeatureH, i: i32, ty: FieldType, whole: &mut bool) -> Value {
    // SAFETY: f is live and i is one of its fields; strings are copied before anything else is called
    unsafe {
        if gdal_sys::OGR_F_IsFieldSetAndNotNull(f, i) == 0 {
            return Value::Null;
        }
        match ty {
            FieldType::Bool => Value::Bool(gdal_sys::OGR_F_GetFieldAsInteger(f, i) != 0),
            FieldType::Int32 | FieldType::Int64 => Value::Int(gdal_sys::OGR_F_GetFieldAsInteger64(f, i)),
            FieldType::Real => Value::Real(gdal_sys::OGR_F_GetFieldAsDouble(f, i)),
            FieldType::Date | FieldType::Time | FieldType::DateTime => time(f, i, ty),
            FieldType::Binary => {
                let mut n = 0;
                let p = gdal_sys::OGR_F_GetFieldAsBinary(f, i, &mut n);
                let n = usize::try_from(n).unwrap_or(0);
                Value::Binary(if p.is_null() || n == 0 {
                    Vec::new()
                } else {
                    std::slice::from_raw_parts(p, n).to_vec()
                })
            }
            FieldType::Text => {
                let p = gdal_sys::OGR_F_GetFieldAsString(f, i);
                if p.is_null() {
                    return Value::Null;
                }
                let text = CStr::from_ptr(p).to_string_lossy();
                *whole &= !matches!(text, std::borrow::Cow::Owned(_));
                Value::Text(text.into_owned())
            }
        }
    }
}

/// # Safety
/// `f` is a live feature and `i` one of its date or time fields.
unsafe fn time(f: OGRFeatureH, i: i32, ty: FieldType) -> Value {
    let (mut y, mut mo, mut d, mut h, mut mi, mut tz) = (0, 0, 0, 0, 0, 0);
    let mut s = 0.0f32;
    // SAFETY: as the caller promises; the out-parameters are ours
    unsafe { gdal_sys::OGR_F_GetFieldAsDateTimeEx(f, i, &mut y, &mut mo, &mut d, &mut h, &mut mi, &mut s, &mut tz) };
    moment(y, [mo, d, h, mi], s, tz, ty)
}

/// Date, time, or both out of GDAL's parts: year, `[month, day, hour, minute]`, seconds, zone.
pub(super) fn moment(y: i32, [mo, d, h, mi]: [i32; 4], s: f32, tz: i32, ty: FieldType) -> Value {
    let u = |v: i32| u32::try_from(v).unwrap_or(u32::MAX);
    let millis = (f64::from(s) * 1000.0).round().max(0.0) as u32;
    let date = NaiveDate::from_ymd_opt(y, u(mo), u(d));
    let clock = NaiveTime::from_hms_milli_opt(u(h), u(mi), millis / 1000, millis % 1000);
    let stamp = date.zip(clock).map(|(d, t)| NaiveDateTime::new(d, t));
    // GDAL: 0 unknown, 1 local, 100 UTC, then quarters of an hour
    let zone = if tz > 1 { FixedOffset::east_opt((tz - 100) * 15 * 60) } else { None };
    match ty {
        FieldType::Date => date.map_or(Value::Null, Value::Date),
        FieldType::Time => clock.map_or(Value::Null, Value::Time),
        _ => match (stamp, zone) {
            (Some(t), Some(z)) => z.from_local_datetime(&t).single().map_or(Value::DateTime(t), Value::DateTimeTz),
            (Some(t), None) => Value::DateTime(t),
            (None, _) => Value::Null,
        },
    }
}
