//! Layers through GDAL: GeoPackage, FileGDB, FlatGeobuf, Shapefile, KML, PostGIS.
#![allow(unsafe_code, reason = "GDAL's C interface: typed values, nulls and transactions are not in the safe wrapper")]

mod indexing;

use std::ffi::CString;
use std::path::Path;
use std::ptr::{null, null_mut};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal_sys::{GDALDatasetH, OGRErr, OGRFeatureH, OGRFieldType, OGRLayerH, OGRwkbGeometryType};
use geo::{Geometry, MultiLineString, MultiPolygon};

use super::super::staging::unwritable;
use super::super::value::as_text;
use super::columns::{DBF_TEXT, Kept, kept};
use super::settings::{Clock, Unsynced};
use super::{Format, WriteOptions, Written, names};
use crate::error::{Error, Result};
use crate::model::{Crs, Field, FieldType, Shape, Table, Value};
use crate::space::wkb;

/// Features between two commits.
pub(super) const BATCH: usize = 50_000;

/// Writes layers into the data source `staged`; errors name `target`.
pub(super) fn write(
    staged: &Path,
    target: &Path,
    format: Format,
    tables: &[&Table],
    o: &WriteOptions,
) -> Result<Written> {
    crate::gdal_log::listen();
    crate::gdal_log::take();
    let _clock = o.timestamp.map(Clock::set);
    let _unsynced = Unsynced::set();
    let mut dataset = Output::create(staged, target, format)?;
    dataset.encoding.clone_from(&o.encoding);
    // a database has no name to rename: all tables appear in one transaction, or none
    let whole = format == Format::PostGis;
    if whole && !dataset.begin() {
        return Err(dataset.failed("", "the database allows no transaction"));
    }
    let mut written = Written::default();
    for t in tables {
        dataset.layer(t, o, &mut written)?;
    }
    if format == Format::GeoPackage && tables.iter().any(|t| t.style.is_some()) {
        dataset.layer(&styles(tables, o), o, &mut written)?;
    }
    if whole {
        dataset.commit("")?;
    }
    dataset.close()?;
    Ok(written)
}

pub(super) struct Output<'a> {
    handle: GDALDatasetH,
    format: Format,
    target: &'a Path,
    prefix: String,
    pub encoding: Option<String>,
    transaction: bool,
    /// Boxes of the layer's features so far, and whether GDAL's own upkeep of its index was stopped for them.
    boxes: Option<indexing::Indexing>,
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: the handle is open and used by nobody else
            unsafe {
                if self.format == Format::PostGis {
                    gdal_sys::GDALDatasetRollbackTransaction(self.handle);
                }
                gdal_sys::GDALClose(self.handle);
            }
        }
    }
}

fn driver(format: Format) -> &'static str {
    match format {
        Format::GeoPackage => "GPKG",
        Format::FileGdb => "OpenFileGDB",
        Format::FlatGeobuf => "FlatGeobuf",
        Format::Shapefile => "ESRI Shapefile",
        Format::Kml => "LIBKML",
        Format::PostGis => "PostgreSQL",
        Format::GeoJson => "GeoJSON",
        Format::Csv => "CSV",
        Format::Xlsx => "XLSX",
    }
}

/// Hands a text to C, in a buffer of the thread's.
fn with_c_string<R>(s: &str, take: impl FnOnce(*const std::ffi::c_char) -> R) -> R {
    thread_local! {
        static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|b| {
        b.clear();
        match s.as_bytes().contains(&0) {
            true => b.extend(s.bytes().filter(|c| *c != 0)),
            false => b.extend_from_slice(s.as_bytes()),
        }
        b.push(0);
        take(b.as_ptr().cast())
    })
}

fn c_string(s: &str) -> CString {
    CString::new(s.replace('\0', "")).unwrap_or_default()
}

/// GDAL's own words for what went wrong.
fn said(fallback: &str) -> String {
    crate::gdal_log::take().pop().unwrap_or_else(|| fallback.to_owned())
}

impl<'a> Output<'a> {
    pub fn create(staged: &Path, target: &'a Path, format: Format) -> Result<Self> {
        let name = staged.to_string_lossy().into_owned();
        let failed = |why: &str| unwritable(target, said(why));
        // registers the drivers, where nothing was read through GDAL before
        gdal::DriverManager::get_driver_by_name(driver(format)).map_err(|e| unwritable(target, e))?;
        if format == Format::PostGis {
            return Self::open_database(&name, target);
        }
        let (driver, name) = (c_string(driver(format)), c_string(&name));
        // SAFETY: the driver exists (above); strings live through the calls
        let handle = unsafe {
            let d = gdal_sys::GDALGetDriverByName(driver.as_ptr());
            gdal_sys::GDALCreate(d, name.as_ptr(), 0, 0, 0, gdal_sys::GDALDataType::GDT_Unknown, null_mut())
        };
        if handle.is_null() {
            return Err(failed("GDAL cannot make the file"));
        }
        Ok(Self { handle, format, target, prefix: String::new(), encoding: None, transaction: false, boxes: None })
    }

    /// `PG:dbname=… host=…#prefix`: tables are named `prefix_layer`.
    fn open_database(name: &str, target: &'a Path) -> Result<Self> {
        let (connection, prefix) = name.rsplit_once('#').unwrap_or((name, "heshan"));
        let connection_c = c_string(connection);
        let flags = (gdal::GdalOpenFlags::GDAL_OF_VECTOR | gdal::GdalOpenFlags::GDAL_OF_UPDATE).bits();
        // SAFETY: the string lives through the call; null lists are allowed
        let handle = unsafe { gdal_sys::GDALOpenEx(connection_c.as_ptr(), flags, null(), null(), null()) };
        if handle.is_null() {
            let why = said("GDAL does not say why");
            return Err(Error::output(
                format!("the database cannot be reached: {why}"),
                format!("无法连接数据库:{why}"),
            )
            .in_file(target)
            .remedy(
                "check host, dbname, user and password in PG:…, and that PostGIS is installed in it",
                "请检查 PG: 中的主机、库名、用户与口令,并确认已安装 PostGIS",
            ));
        }
        Ok(Self {
            handle,
            format: Format::PostGis,
            target,
            prefix: format!("{prefix}_"),
            encoding: None,
            transaction: false,
            boxes: None,
        })
    }

    fn failed(&self, layer: &str, why: &str) -> Error {
        let e = unwritable(self.target, said(why));
        if layer.is_empty() { e } else { e.in_layer(layer) }
    }

    /// A layer with its fields, and no row yet.
    pub fn add_layer(&mut self, t: &Table, o: &WriteOptions, written: &mut Written) -> Result<OGRLayerH> {
        let fields = self.field_names(t, o, written);
        let layer = self.create_layer(t, o)?;
        let bytes = |s: &str| encoded_len(s, o.encoding.as_deref());
        for (i, c) in t.columns.iter().enumerate() {
            let k = kept(self.format, t, i, &bytes);
            self.create_field(layer, &fields[i], &k, t)?;
            written.changed.extend(k.note.map(|n| (t.name.clone(), c.field.name.clone(), n)));
        }
        let indexed = self.format == Format::GeoPackage && t.shape != Shape::None;
        self.boxes = indexed.then(indexing::Indexing::default);
        Ok(layer)
    }

    pub fn layer(&mut self, t: &Table, o: &WriteOptions, written: &mut Written) -> Result<()> {
        let layer = self.add_layer(t, o, written)?;
        // a database is in a transaction of all its tables already
        if self.is_file() {
            self.begin();
        }
        for (k, (g, values)) in t.rows.iter().enumerate() {
            self.feature(layer, t, g.as_ref(), values, written)?;
            if self.is_file() && (k + 1) % BATCH == 0 {
                self.next_batch(&t.name)?;
            }
        }
        if self.is_file() { self.end_layer(&t.name) } else { Ok(()) }
    }

    /// True where what was committed stays invisible until the file gets its name.
    pub fn is_file(&self) -> bool {
        self.format != Format::PostGis
    }

    /// Begins a transaction; false where the driver has none.
    pub fn begin(&mut self) -> bool {
        // SAFETY: the dataset is open; drivers without transactions say no, which is fine
        self.transaction = unsafe { gdal_sys::GDALDatasetStartTransaction(self.handle, 0) } == OGRErr::OGRERR_NONE;
        if !self.transaction {
            crate::gdal_log::take();
        }
        self.transaction
    }

    /// Ends the transaction, where there is one.
    pub fn commit(&mut self, layer: &str) -> Result<()> {
        if !std::mem::take(&mut self.transaction) {
            return Ok(());
        }
        // SAFETY: the dataset is open and in a transaction
        match unsafe { gdal_sys::GDALDatasetCommitTransaction(self.handle) } {
            OGRErr::OGRERR_NONE => Ok(()),
            _ => Err(self.failed(layer, "the transaction cannot be committed")),
        }
    }

    /// Names as the format holds them; changes are noted.
    fn field_names(&self, t: &Table, o: &WriteOptions, written: &mut Written) -> Vec<String> {
        let names: Vec<&str> = t.columns.iter().map(|c| c.field.name.as_str()).collect();
        let out: Vec<String> = match self.format {
            Format::Shapefile => {
                let encoding = o.encoding.clone();
                names::short(&names, |s| encoded_len(s, encoding.as_deref()))
            }
            Format::FileGdb => prefixed(&names, &["objectid", "shape", "shape_length", "shape_area"]),
            // the format's own columns; the table of styles is ours whole
            Format::GeoPackage | Format::PostGis if t.name != "layer_styles" => prefixed(&names, &["fid", "geom"]),
            _ => names.iter().map(|n| (*n).to_owned()).collect(),
        };
        for (from, to) in names.iter().zip(&out).filter(|(a, b)| a != b) {
            written.renamed.push((t.name.clone(), (*from).to_owned(), to.clone()));
        }
        out
    }

    fn layer_options(&self, t: &Table, o: &WriteOptions) -> Vec<CString> {
        let mut list: Vec<String> = Vec::new();
        match self.format {
            Format::GeoPackage if t.name == "layer_styles" => list.push("FID=id".into()),
            Format::GeoPackage => {
                list.push("FID=fid".into());
                list.push("GEOMETRY_NAME=geom".into());
                list.push(format!("IDENTIFIER={}", t.title.in_lang(o.lang)));
            }
            Format::Shapefile => {
                let encoding = o.encoding.as_deref().unwrap_or("UTF-8");
                let encoding = if encoding.eq_ignore_ascii_case("GBK") { "CP936" } else { encoding };
                list.push(format!("ENCODING={encoding}"));
                if let Some(time) = o.timestamp {
                    list.push(format!("DBF_DATE_LAST_UPDATE={}", time.format("%Y-%m-%d")));
                }
            }
            Format::PostGis => {
                list.push(format!("OVERWRITE={}", if o.overwrite { "YES" } else { "NO" }));
                list.extend(["LAUNDER=NO", "GEOMETRY_NAME=geom", "FID=fid"].map(String::from));
            }
            _ => {}
        }
        list.iter().map(|s| c_string(s)).collect()
    }

    fn create_layer(&self, t: &Table, o: &WriteOptions) -> Result<OGRLayerH> {
        let srs = t.crs.as_ref().map(|c| spatial_ref(c, self.target)).transpose()?;
        let ty = match t.shape {
            Shape::None => OGRwkbGeometryType::wkbNone,
            Shape::Point => OGRwkbGeometryType::wkbPoint,
            Shape::MultiLine => OGRwkbGeometryType::wkbMultiLineString,
            // a shapefile's polygon is a multipolygon already
            Shape::MultiPolygon => OGRwkbGeometryType::wkbMultiPolygon,
        };
        let table = format!("{}{}", self.prefix, t.name);
        let name = c_string(&table);
        if self.format == Format::PostGis && !o.overwrite {
            self.table_is_free(&table)?;
        }
        let options = self.layer_options(t, o);
        let mut list: Vec<*mut std::ffi::c_char> = options.iter().map(|s| s.as_ptr().cast_mut()).collect();
        list.push(null_mut());
        // SAFETY: all strings, the list and the CRS live through the call, which copies them
        let layer = unsafe {
            let srs = srs.as_ref().map_or(null_mut(), SpatialRef::to_c_hsrs);
            gdal_sys::GDALDatasetCreateLayer(self.handle, name.as_ptr(), srs, ty, list.as_mut_ptr())
        };
        if layer.is_null() {
            return Err(self.failed(&t.name, "the layer cannot be made"));
        }
        Ok(layer)
    }

    fn table_is_free(&self, table: &str) -> Result<()> {
        let name = c_string(table);
        // SAFETY: the dataset is open and the string lives through the call
        let taken = !unsafe { gdal_sys::GDALDatasetGetLayerByName(self.handle, name.as_ptr()) }.is_null();
        crate::gdal_log::take();
        if !taken {
            return Ok(());
        }
        Err(Error::output(format!("the table {table} exists already"), format!("表 {table} 已存在"))
            .in_file(self.target)
            .remedy(
                "give --overwrite to replace it, or another name: PG:…#name",
                "用 --overwrite 覆盖,或换一个名称:PG:…#名称",
            ))
    }

    fn create_field(&self, layer: OGRLayerH, name: &str, k: &Kept, t: &Table) -> Result<()> {
        let name_c = c_string(name);
        // SAFETY: the definition is made, filled and destroyed here; the layer copies it
        let err = unsafe {
            let d = gdal_sys::OGR_Fld_Create(name_c.as_ptr(), k.ty);
            gdal_sys::OGR_Fld_SetSubType(d, k.sub);
            gdal_sys::OGR_Fld_SetWidth(d, k.width);
            gdal_sys::OGR_Fld_SetPrecision(d, k.precision);
            let err = gdal_sys::OGR_L_CreateField(layer, d, 1);
            gdal_sys::OGR_Fld_Destroy(d);
            err
        };
        match err {
            OGRErr::OGRERR_NONE => Ok(()),
            _ => Err(self.failed(&t.name, &format!("the field {name} cannot be made"))),
        }
    }

    pub fn feature(
        &mut self,
        layer: OGRLayerH,
        t: &Table,
        g: Option<&Geometry<f64>>,
        values: &[Value],
        written: &mut Written,
    ) -> Result<()> {
        // SAFETY: the feature is made from the layer's definition, filled, added and destroyed here
        unsafe {
            let f = gdal_sys::OGR_F_Create(gdal_sys::OGR_L_GetLayerDefn(layer));
            let result =
                self.fill(f, t, g, values, written).and_then(|()| match gdal_sys::OGR_L_CreateFeature(layer, f) {
                    OGRErr::OGRERR_NONE => Ok(()),
                    _ => Err(self.failed(&t.name, "a feature cannot be written")),
                });
            if let Some(i) = &mut self.boxes {
                i.push(gdal_sys::OGR_F_GetFID(f), g);
            }
            gdal_sys::OGR_F_Destroy(f);
            result
        }
    }

    /// # Safety
    /// `f` is a live feature with one field a column.
    unsafe fn fill(
        &self,
        f: OGRFeatureH,
        t: &Table,
        g: Option<&Geometry<f64>>,
        values: &[Value],
        written: &mut Written,
    ) -> Result<()> {
        if let Some(g) = g.filter(|_| t.shape != Shape::None) {
            let bytes = wkb::write(&promoted(g, t.shape));
            let mut handle = null_mut();
            let size =
                i32::try_from(bytes.len()).map_err(|_| self.failed(&t.name, "a geometry is larger than 2 GB"))?;
            // SAFETY: the bytes live through the call; the feature takes the geometry over
            let err = unsafe {
                match gdal_sys::OGR_G_CreateFromWkb(bytes.as_ptr().cast(), null_mut(), &mut handle, size) {
                    OGRErr::OGRERR_NONE => gdal_sys::OGR_F_SetGeometryDirectly(f, handle),
                    e => e,
                }
            };
            if err != OGRErr::OGRERR_NONE {
                return Err(self.failed(&t.name, "a geometry cannot be written"));
            }
        }
        for (i, v) in values.iter().enumerate() {
            // SAFETY: f is live and i is one of its fields
            unsafe {
                match (self.format, v) {
                    (_, Value::Null) => set(f, i as i32, v),
                    (Format::Shapefile, _) if is_text(f, i as i32) => {
                        let s = self.dbf_text(as_text(v), &t.name, &t.columns[i].field.name, written);
                        gdal_sys::OGR_F_SetFieldString(f, i as i32, c_string(&s).as_ptr());
                    }
                    _ => set(f, i as i32, v),
                }
            }
        }
        Ok(())
    }

    /// A text as dBASE holds it in the file's encoding; what is cut or has no character there is counted.
    fn dbf_text(&self, s: String, layer: &str, field: &str, written: &mut Written) -> String {
        let encoding = self.encoding.as_deref().and_then(encoding_of);
        let bytes = |s: &str| encoding.map_or(s.len(), |e| e.encode(s).0.len());
        let mut out = s;
        if let Some(e) = encoding.filter(|e| e.encode(&out).2) {
            count(&mut written.unmapped, layer, field);
            let known = |c: char| !e.encode(c.encode_utf8(&mut [0; 4])).2;
            out = out.chars().map(|c| if known(c) { c } else { '?' }).collect();
        }
        if bytes(&out) > DBF_TEXT {
            count(&mut written.cut, layer, field);
            while bytes(&out) > DBF_TEXT {
                out.pop();
            }
        }
        out
    }

    /// Flushes and closes; what GDAL complains of then (a full disk, say) is an error.
    pub fn close(mut self) -> Result<()> {
        crate::gdal_log::take();
        // SAFETY: the handle is open; it is forgotten right after
        unsafe {
            gdal_sys::GDALFlushCache(self.handle);
            gdal_sys::GDALClose(self.handle);
        }
        self.handle = null_mut();
        match crate::gdal_log::take().pop() {
            None => Ok(()),
            Some(why) => Err(unwritable(self.target, why)),
        }
    }
}

/// Names with `src_` before those that the format keeps for itself.
fn prefixed(names: &[&str], reserved: &[&str]) -> Vec<String> {
    let own = |n: &str| reserved.contains(&n.to_ascii_lowercase().as_str());
    names.iter().map(|n| if own(n) { format!("src_{n}") } else { (*n).to_owned() }).collect()
}

fn count(list: &mut Vec<(String, String, u64)>, layer: &str, field: &str) {
    match list.iter_mut().find(|(l, f, _)| l == layer && f == field) {
        Some(entry) => entry.2 += 1,
        None => list.push((layer.to_owned(), field.to_owned(), 1)),
    }
}

fn encoding_of(name: &str) -> Option<&'static encoding_rs::Encoding> {
    let name = if name.eq_ignore_ascii_case("CP936") { "GBK" } else { name };
    encoding_rs::Encoding::for_label(name.as_bytes())
}

fn encoded_len(s: &str, encoding: Option<&str>) -> usize {
    encoding.and_then(encoding_of).map_or(s.len(), |e| e.encode(s).0.len())
}

/// Multi where the layer is.
fn promoted(g: &Geometry<f64>, shape: Shape) -> Geometry<f64> {
    match (g, shape) {
        (Geometry::Polygon(p), Shape::MultiPolygon) => Geometry::MultiPolygon(MultiPolygon(vec![p.clone()])),
        (Geometry::LineString(l), Shape::MultiLine) => Geometry::MultiLineString(MultiLineString(vec![l.clone()])),
        _ => g.clone(),
    }
}

pub(super) fn spatial_ref(crs: &Crs, target: &Path) -> Result<SpatialRef> {
    let text = crs.code.as_deref().unwrap_or(&crs.definition);
    let mut s = SpatialRef::from_definition(text).map_err(|e| unwritable(target, e))?;
    s.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(s)
}

/// # Safety
/// `f` is a live feature and `i` one of its fields.
unsafe fn set(f: OGRFeatureH, i: i32, v: &Value) {
    let date = |d: &NaiveDate| (d.year(), d.month() as i32, d.day() as i32);
    let clock = |t: &NaiveTime| {
        let seconds = t.second() as f32 + t.nanosecond() as f32 / 1e9;
        (t.hour() as i32, t.minute() as i32, seconds)
    };
    // SAFETY: as the caller promises; strings live through the calls
    unsafe {
        match v {
            Value::Null => gdal_sys::OGR_F_SetFieldNull(f, i),
            Value::Text(s) => with_c_string(s, |s| gdal_sys::OGR_F_SetFieldString(f, i, s)),
            _ if is_text(f, i) => with_c_string(&as_text(v), |s| gdal_sys::OGR_F_SetFieldString(f, i, s)),
            Value::Bool(b) => gdal_sys::OGR_F_SetFieldInteger(f, i, i32::from(*b)),
            Value::Int(n) => gdal_sys::OGR_F_SetFieldInteger64(f, i, *n),
            Value::Real(r) => gdal_sys::OGR_F_SetFieldDouble(f, i, *r),
            Value::Date(d) => {
                let (y, m, d) = date(d);
                gdal_sys::OGR_F_SetFieldDateTimeEx(f, i, y, m, d, 0, 0, 0.0, 0);
            }
            Value::Time(t) => {
                let (h, m, s) = clock(t);
                gdal_sys::OGR_F_SetFieldDateTimeEx(f, i, 0, 0, 0, h, m, s, 0);
            }
            Value::DateTime(t) => set_stamp(f, i, t, 0),
            Value::DateTimeTz(t) => set_stamp(f, i, &t.naive_local(), 100 + t.offset().local_minus_utc() / 900),
            Value::Binary(b) => {
                gdal_sys::OGR_F_SetFieldBinary(f, i, i32::try_from(b.len()).unwrap_or(i32::MAX), b.as_ptr().cast());
            }
        }
    }
    /// # Safety
    /// As the outer function.
    unsafe fn set_stamp(f: OGRFeatureH, i: i32, t: &NaiveDateTime, zone: i32) {
        let s = t.second() as f32 + t.nanosecond() as f32 / 1e9;
        // SAFETY: as the caller promises
        unsafe {
            gdal_sys::OGR_F_SetFieldDateTimeEx(
                f,
                i,
                t.year(),
                t.month() as i32,
                t.day() as i32,
                t.hour() as i32,
                t.minute() as i32,
                s,
                zone,
            );
        }
    }
}

/// # Safety
/// `f` is a live feature and `i` one of its fields.
unsafe fn is_text(f: OGRFeatureH, i: i32) -> bool {
    // SAFETY: as the caller promises
    unsafe { gdal_sys::OGR_Fld_GetType(gdal_sys::OGR_F_GetFieldDefnRef(f, i)) == OGRFieldType::OFTString }
}

/// QGIS's table of styles (as its GeoPackage provider makes it): QGIS applies the default one on opening a layer.
pub(super) fn styles(tables: &[&Table], o: &WriteOptions) -> Table {
    use crate::error::Text;
    use crate::model::Column;
    let column = |n: &str, ty| Column { field: Field::new(n, ty), title: Text::new(n, n) };
    let text =
        ["f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML", "styleSLD"];
    let mut columns: Vec<Column> = text.iter().map(|n| column(n, FieldType::Text)).collect();
    columns.push(column("useAsDefault", FieldType::Bool));
    columns.extend(["description", "owner", "ui"].map(|n| column(n, FieldType::Text)));
    columns.push(column("update_time", FieldType::DateTime));
    let time = o.timestamp.unwrap_or_else(Utc::now);
    let rows = tables
        .iter()
        .filter_map(|t| t.style.as_ref().map(|s| (t, s)))
        .map(|(t, s)| {
            let v = vec![
                Value::from(""),
                Value::from(""),
                Value::from(t.name.as_str()),
                Value::from("geom"),
                Value::from(t.name.as_str()),
                Value::from(s.qml.as_str()),
                Value::from(s.sld.as_str()),
                Value::Bool(true),
                Value::from(t.title.in_lang(o.lang)),
                Value::from(""),
                Value::Null,
                Value::DateTimeTz(time.fixed_offset()),
            ];
            (None, v)
        })
        .collect();
    Table {
        name: "layer_styles".into(),
        title: Text::new("QGIS styles", "QGIS 样式"),
        columns,
        shape: Shape::None,
        crs: None,
        rows,
        style: None,
    }
}
