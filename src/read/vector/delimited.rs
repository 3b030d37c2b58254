//! CSV and TSV with a WKT column or columns of x and y.

use std::path::Path;

use geo::{Geometry, Point};

use super::remarks::Seen;
use super::{ReadOptions, date, date_time, note, rings_closed};
use crate::error::{Error, Result};
use crate::model::{Feature, FeatureSource, Field, FieldType, LayerInfo, Schema, Skipped, Value};

const WKT_NAMES: [&str; 5] = ["wkt", "geometry", "geom", "the_geom", "几何"];
const X_NAMES: [&str; 8] = ["lon", "longitude", "lng", "x", "经度", "东经", "easting", "x坐标"];
const Y_NAMES: [&str; 8] = ["lat", "latitude", "lat.", "y", "纬度", "北纬", "northing", "y坐标"];

/// A delimited text file. It has no CRS of its own.
pub(super) struct DelimitedSource {
    info: LayerInfo,
    features: std::vec::IntoIter<Feature>,
    skipped: Vec<Skipped>,
}

enum Place {
    Wkt(usize),
    Xy(usize, usize),
}

pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<DelimitedSource> {
    let bad = |en: String, zh: String| Error::input(en, zh).in_file(path);
    let bytes = std::fs::read(path).map_err(|e| bad(format!("cannot be read: {e}"), format!("无法读取:{e}")))?;
    let (text, encoding) = decode(&bytes, options.encoding.as_deref(), path)?;
    let tab = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
    let mut reader = csv::ReaderBuilder::new().delimiter(if tab { b'\t' } else { b',' }).from_reader(text.as_bytes());
    let fault = |e: csv::Error| bad(format!("is not a table: {e}"), format!("不是有效的表格:{e}"));
    let header: Vec<String> = reader.headers().map_err(fault)?.iter().map(|h| h.trim().to_owned()).collect();
    let place = place(&header, options).ok_or_else(|| {
        bad(
            format!("no column holds geometry; the columns are: {}", header.join(", ")),
            format!("没有几何列;已有列:{}", header.join(", ")),
        )
        .remedy(
            "name a column wkt, or two columns lon and lat (经度, 纬度)",
            "请提供 wkt 列,或 lon 与 lat(经度、纬度)两列",
        )
    })?;
    let mut rows: Vec<csv::StringRecord> = Vec::new();
    let (mut numbers, mut short) = (Vec::new(), Vec::new());
    for (k, r) in reader.records().enumerate() {
        match r {
            Ok(row) => {
                rows.push(row);
                numbers.push(k as i64 + 1);
            }
            // a row of another length is left out and said; the rest is a table still
            Err(e) => match e.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    short.push((k as i64 + 1, *expected_len, *len));
                }
                _ => return Err(fault(e)),
            },
        }
    }
    if rows.is_empty() && !short.is_empty() {
        return Err(bad(
            "is not a table: no row has as many cells as there are columns".into(),
            "不是有效的表格:没有一行的单元格数与列数相同".into(),
        ));
    }
    let geometry_columns = match place {
        Place::Wkt(i) => vec![i],
        Place::Xy(..) => Vec::new(),
    };
    let columns: Vec<usize> = (0..header.len()).filter(|i| !geometry_columns.contains(i)).collect();
    let fields: Vec<Field> = columns.iter().map(|&i| Field::new(header[i].clone(), column_type(&rows, i))).collect();
    let mut info = LayerInfo {
        source: path.to_path_buf(),
        name: path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default(),
        schema: Schema { fields },
        crs: None,
        format: "CSV".into(),
        encoding: Some(encoding),
        count: Some(rows.len() as u64),
        extent: None,
        geometry_type: if matches!(place, Place::Wkt(_)) { "Unknown" } else { "Point" }.into(),
    };
    let of_row = |(fid, want, has): (i64, u64, u64)| {
        let (en, zh) =
            (format!("{has} cells where there are {want} columns"), format!("有 {has} 个单元格,而表头有 {want} 列"));
        note(&info, fid, "wrong_columns", false, en, zh)
    };
    let mut skipped: Vec<Skipped> = short.into_iter().map(of_row).collect();
    let mut seen = Seen::default();
    let mut features = Vec::with_capacity(rows.len());
    for (row, &fid) in rows.iter().zip(&numbers) {
        match geometry(row, &place, &info, fid, &mut seen, &mut skipped) {
            Ok(geometry) => {
                let values = columns
                    .iter()
                    .zip(&info.schema.fields)
                    .map(|(&i, f)| value(row.get(i).unwrap_or(""), f.ty))
                    .collect();
                features.push(Feature { fid, geometry, values });
            }
            Err(why) => skipped.push(note(
                &info,
                fid,
                "invalid_coordinates",
                false,
                format!("the geometry cannot be read: {why}"),
                format!("几何无法读取:{why}"),
            )),
        }
    }
    skipped.extend(seen.remarks(&info));
    info.extent = super::extent_of(&features);
    Ok(DelimitedSource { info, features: features.into_iter(), skipped })
}

fn decode(bytes: &[u8], named: Option<&str>, path: &Path) -> Result<(String, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let encoding = match named {
        Some(n) => encoding_rs::Encoding::for_label(n.as_bytes()).ok_or_else(|| {
            Error::usage(format!("--encoding {n} is not known"), format!("--encoding {n} 无法识别"))
                .remedy("GBK and UTF-8 are usual", "常用 GBK 与 UTF-8")
        })?,
        None if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        None => encoding_rs::GB18030,
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|t| (t.into_owned(), encoding.name().to_owned()))
        .ok_or_else(|| {
            Error::input(format!("the text is not {}", encoding.name()), format!("文本不是 {} 编码", encoding.name()))
                .in_file(path)
                .remedy("name its encoding with --encoding", "用 --encoding 指明编码")
        })
}

fn place(header: &[String], o: &ReadOptions) -> Option<Place> {
    let find = |names: &[&str]| header.iter().position(|h| names.iter().any(|n| h.eq_ignore_ascii_case(n)));
    if let Some(c) = &o.wkt_column {
        return find(&[c]).map(Place::Wkt);
    }
    if let Some((x, y)) = &o.xy_columns {
        return Some(Place::Xy(find(&[x])?, find(&[y])?));
    }
    find(&WKT_NAMES).map(Place::Wkt).or_else(|| Some(Place::Xy(find(&X_NAMES)?, find(&Y_NAMES)?)))
}

fn geometry(
    row: &csv::StringRecord,
    place: &Place,
    info: &LayerInfo,
    fid: i64,
    seen: &mut Seen,
    skipped: &mut Vec<Skipped>,
) -> std::result::Result<Option<Geometry<f64>>, String> {
    let cell = |i: usize| row.get(i).unwrap_or("").trim();
    match *place {
        Place::Wkt(i) if cell(i).is_empty() => Ok(None),
        Place::Wkt(i) => {
            let (g, extra, curved) = super::ogr::from_wkt(without_srid(cell(i)))?;
            if extra.z || extra.m {
                seen.heights.at(fid);
            }
            if curved {
                seen.curves.at(fid);
            }
            skipped.extend(rings_closed(info, fid, extra.closed_rings));
            Ok(Some(g))
        }
        Place::Xy(x, y) if cell(x).is_empty() && cell(y).is_empty() => Ok(None),
        Place::Xy(x, y) => {
            let number = |i: usize| {
                cell(i)
                    .parse::<f64>()
                    .ok()
                    .filter(|v| v.is_finite())
                    .ok_or_else(|| format!("“{}” is no coordinate", cell(i)))
            };
            Ok(Some(Geometry::Point(Point::new(number(x)?, number(y)?))))
        }
    }
}

/// WKT without the `SRID=4490;` that databases put before it (EWKT); the CRS is the layer's, as told.
fn without_srid(wkt: &str) -> &str {
    let extended = wkt.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("SRID="));
    wkt.split_once(';').filter(|_| extended).map_or(wkt, |(_, w)| w.trim_start())
}

/// The narrowest type that holds every filled cell; numbers written with leading zeros (codes) stay text.
fn column_type(rows: &[csv::StringRecord], i: usize) -> FieldType {
    let cells = || rows.iter().filter_map(|r| r.get(i)).map(str::trim).filter(|c| !c.is_empty());
    let code = |c: &str| c.len() > 1 && c.starts_with('0') && !c.starts_with("0.");
    if cells().next().is_none() {
        FieldType::Text
    } else if cells().all(|c| c.parse::<i64>().is_ok() && !code(c)) {
        FieldType::Int64
    } else if cells().all(|c| c.parse::<f64>().is_ok_and(f64::is_finite) && !code(c)) {
        FieldType::Real
    } else if cells().all(|c| matches!(c, "true" | "false")) {
        FieldType::Bool
    } else if cells().all(|c| date(c).is_some()) {
        FieldType::Date
    } else if cells().all(|c| date_time(c).is_some()) {
        FieldType::DateTime
    } else {
        FieldType::Text
    }
}

fn value(cell: &str, ty: FieldType) -> Value {
    let c = cell.trim();
    if c.is_empty() {
        return Value::Null;
    }
    match ty {
        FieldType::Int64 => c.parse().map_or(Value::Null, Value::Int),
        FieldType::Real => c.parse().map_or(Value::Null, Value::Real),
        FieldType::Bool => Value::Bool(c == "true"),
        FieldType::Date => date(c).map_or(Value::Null, Value::Date),
        FieldType::DateTime => date_time(c).unwrap_or(Value::Null),
        _ => Value::Text(cell.to_owned()),
    }
}

impl FeatureSource for DelimitedSource {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        let batch: Vec<Feature> = self.features.by_ref().take(max).collect();
        Ok(if batch.is_empty() { None } else { Some(batch) })
    }
}
