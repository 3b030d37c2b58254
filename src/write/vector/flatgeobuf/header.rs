//! The header of a FlatGeobuf file: name, fields, CRS, extent, index.
#![allow(unsafe_code, reason = "GDAL writes the CRS as WKT 2 through its C interface alone")]

use std::ffi::CStr;
use std::path::Path;
use std::ptr::{null, null_mut};

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf::{
    Column as FgbColumn, ColumnArgs, ColumnType, Crs as FgbCrs, CrsArgs, GeometryType, Header, HeaderArgs,
};
use gdal::spatial_ref::SpatialRef;

use super::super::ogr;
use super::tree::Bounds;
use crate::error::Result;
use crate::model::{Crs, Field, FieldType, Table};

/// `fgb`, version 3.0.
const MAGIC: [u8; 8] = *b"fgb\x03fgb\x00";

/// What is known of the features only at the end.
pub(super) struct About {
    pub extent: Option<Bounds>,
    pub geometry_type: u8,
    pub features: u64,
    pub index_node_size: u16,
}

pub(super) fn bytes(head: &Table, about: &About, target: &Path) -> Result<Vec<u8>> {
    let mut fbb = FlatBufferBuilder::new();
    let crs = head.crs.as_ref().map(|c| crs(&mut fbb, c, target)).transpose()?;
    let columns: Vec<_> = head.columns.iter().map(|c| column(&mut fbb, &c.field)).collect();
    let columns = fbb.create_vector(&columns);
    let name = fbb.create_string(&head.name);
    let envelope = about.extent.map(|b| fbb.create_vector(&b.0));
    let args = HeaderArgs {
        name: Some(name),
        envelope,
        geometry_type: GeometryType(about.geometry_type),
        columns: Some(columns),
        features_count: about.features,
        index_node_size: about.index_node_size,
        crs,
        ..HeaderArgs::default()
    };
    let header = Header::create(&mut fbb, &args);
    fbb.finish_size_prefixed(header, None);
    Ok([MAGIC.as_slice(), fbb.finished_data()].concat())
}

/// The type a field has in the file; a time of day has none and is text.
pub(super) fn column_type(ty: FieldType) -> ColumnType {
    match ty {
        FieldType::Bool => ColumnType::Bool,
        FieldType::Int32 => ColumnType::Int,
        FieldType::Int64 => ColumnType::Long,
        FieldType::Real => ColumnType::Double,
        FieldType::Date | FieldType::DateTime => ColumnType::DateTime,
        FieldType::Binary => ColumnType::Binary,
        FieldType::Text | FieldType::Time => ColumnType::String,
    }
}

fn column<'a>(fbb: &mut FlatBufferBuilder<'a>, f: &Field) -> WIPOffset<FgbColumn<'a>> {
    let name = fbb.create_string(&f.name);
    let width = i32::try_from(f.width).ok().filter(|w| *w > 0 && f.ty == FieldType::Text);
    let args =
        ColumnArgs { name: Some(name), type_: column_type(f.ty), width: width.unwrap_or(-1), ..ColumnArgs::default() };
    FgbColumn::create(fbb, &args)
}

fn crs<'a>(fbb: &mut FlatBufferBuilder<'a>, crs: &Crs, target: &Path) -> Result<WIPOffset<FgbCrs<'a>>> {
    let s = ogr::spatial_ref(crs, target)?;
    let org = s.auth_name().map(|o| fbb.create_string(&o));
    let code = if org.is_some() { s.auth_code().unwrap_or(0) } else { 0 };
    let name = s.name().map(|n| fbb.create_string(&n));
    let wkt = wkt2(&s).map(|w| fbb.create_string(&w));
    Ok(FgbCrs::create(fbb, &CrsArgs { org, code, name, wkt, ..CrsArgs::default() }))
}

/// The CRS as WKT 2:2019, which the format asks for.
fn wkt2(s: &SpatialRef) -> Option<String> {
    let options = [c"FORMAT=WKT2_2019".as_ptr(), null()];
    let mut text = null_mut();
    // SAFETY: the options end with null; GDAL makes the text, which is copied and given back
    unsafe {
        let err = gdal_sys::OSRExportToWktEx(s.to_c_hsrs(), &mut text, options.as_ptr());
        let wkt = (err == gdal_sys::OGRErr::OGRERR_NONE && !text.is_null())
            .then(|| CStr::from_ptr(text).to_string_lossy().into_owned());
        gdal_sys::VSIFree(text.cast());
        wkt
    }
}
