//! How a format keeps the columns of a layer: type, width, and what changes on the way.

use gdal_sys::{OGRFieldSubType, OGRFieldType};

use super::super::value::as_text;
use super::Format;
use crate::error::Text;
use crate::model::{FieldType, Table, Value};

/// Longest text a dBASE field holds, bytes.
pub(super) const DBF_TEXT: usize = 254;
/// Digits (and sign) of a dBASE number that GDAL reads back as a whole number.
const DBF_DIGITS: usize = 18;
/// Characters of a dBASE number with decimals.
const DBF_REAL: usize = 24;
/// Most decimals of a dBASE number.
const DBF_DECIMALS: usize = 15;
/// Whole numbers that a double keeps exactly.
const EXACT: u64 = 1 << 53;

/// One column as the format keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub ty: OGRFieldType::Type,
    pub sub: OGRFieldSubType::Type,
    /// 0 where the format needs none.
    pub width: i32,
    pub precision: i32,
    /// What the user must know.
    pub note: Option<Text>,
}

impl Kept {
    fn plain(ty: OGRFieldType::Type) -> Self {
        Self { ty, sub: OGRFieldSubType::OFSTNone, width: 0, precision: 0, note: None }
    }

    fn text(why: Text) -> Self {
        Self { note: Some(why), ..Self::plain(OGRFieldType::OFTString) }
    }

    fn noted(self, en: &str, zh: &str) -> Self {
        Self { note: Some(Text::new(en, zh)), ..self }
    }
}

fn kept_as_text(what_en: &str, what_zh: &str) -> Kept {
    Kept::text(Text::new(
        format!("the format has no type for {what_en}; kept as text"),
        format!("该格式没有{what_zh}类型,以文本保存"),
    ))
}

/// Why a FileGDB keeps a column of integers as text.
pub(super) fn beyond_double() -> Text {
    Text::new(
        "the format has no type for integers beyond 2^53; kept as text",
        "该格式没有超过 2^53 的整数类型,以文本保存",
    )
}

fn values(t: &Table, i: usize) -> impl Iterator<Item = &Value> {
    t.rows.iter().map(move |(_, v)| &v[i])
}

/// How `format` keeps column `i`; `bytes` counts a text's bytes in the file's encoding.
pub(super) fn kept(format: Format, t: &Table, i: usize, bytes: &impl Fn(&str) -> usize) -> Kept {
    let mut k = of_type(format, t, i);
    match format {
        Format::Shapefile => dbf_widths(&mut k, t, i, bytes),
        _ if k.ty == OGRFieldType::OFTString => {
            let f = &t.columns[i].field;
            let longest = values(t, i).map(|v| as_text(v).chars().count()).max().unwrap_or(0);
            if f.ty == FieldType::Text && longest <= f.width {
                k.width = i32::try_from(f.width).unwrap_or(0);
            }
        }
        _ => {}
    }
    k
}

fn of_type(format: Format, t: &Table, i: usize) -> Kept {
    use Format::{FileGdb, FlatGeobuf, GeoPackage, Kml, Shapefile};
    let plain = Kept::plain;
    match (t.columns[i].field.ty, format) {
        (FieldType::Bool, Shapefile | FileGdb | Kml) => {
            plain(OGRFieldType::OFTInteger).noted("yes and no are kept as 1 and 0", "是/否以 1/0 保存")
        }
        (FieldType::Bool, _) => Kept { sub: OGRFieldSubType::OFSTBoolean, ..plain(OGRFieldType::OFTInteger) },
        (FieldType::Int32, _) => plain(OGRFieldType::OFTInteger),
        (FieldType::Int64, Kml) => kept_as_text("64-bit integers", "64 位整数"),
        (FieldType::Int64, FileGdb) => {
            let exact = values(t, i).all(|v| !matches!(v, Value::Int(n) if n.unsigned_abs() > EXACT));
            match exact {
                true => {
                    plain(OGRFieldType::OFTReal).noted("64-bit integers are kept as doubles", "64 位整数以双精度数保存")
                }
                false => Kept::text(beyond_double()),
            }
        }
        (FieldType::Int64, Shapefile) => {
            let fits = values(t, i).all(|v| as_text(v).len() <= DBF_DIGITS);
            match fits {
                true => plain(OGRFieldType::OFTInteger64),
                false => kept_as_text("integers of more than 18 digits", "超过 18 位的整数"),
            }
        }
        (FieldType::Int64, _) => plain(OGRFieldType::OFTInteger64),
        (FieldType::Real, Shapefile) if dbf_real(t, i).is_none() => kept_as_text("numbers this large", "如此大的数值"),
        (FieldType::Real, _) => plain(OGRFieldType::OFTReal),
        (FieldType::Date, Kml) => kept_as_text("dates", "日期"),
        (FieldType::Date, FlatGeobuf | FileGdb) => {
            plain(OGRFieldType::OFTDate).noted("dates are kept as date and time, 00:00", "日期以“日期 00:00”保存")
        }
        (FieldType::Date, _) => plain(OGRFieldType::OFTDate),
        (FieldType::Time, Format::PostGis) => plain(OGRFieldType::OFTTime),
        (FieldType::Time, _) => kept_as_text("times of day", "时刻"),
        (FieldType::DateTime, Shapefile | Kml) => kept_as_text("date and time", "日期时间"),
        (FieldType::DateTime, FileGdb) => {
            plain(OGRFieldType::OFTDateTime).noted("times are kept in UTC, to the second", "时间以 UTC 保存,精确到秒")
        }
        (FieldType::DateTime, _) => plain(OGRFieldType::OFTDateTime),
        (FieldType::Binary, GeoPackage | FlatGeobuf | FileGdb | Format::PostGis) => plain(OGRFieldType::OFTBinary),
        (FieldType::Binary, _) => kept_as_text("bytes (here in hexadecimal)", "二进制(以十六进制表示)"),
        (FieldType::Text, _) => plain(OGRFieldType::OFTString),
    }
}

/// Widths of dBASE, which has no field without one.
fn dbf_widths(k: &mut Kept, t: &Table, i: usize, bytes: &impl Fn(&str) -> usize) {
    let f = &t.columns[i].field;
    match k.ty {
        OGRFieldType::OFTString => {
            let longest = values(t, i).map(|v| bytes(&as_text(v))).max().unwrap_or(0);
            k.width = i32::try_from(longest.max(f.width).clamp(1, DBF_TEXT)).unwrap_or(1);
        }
        OGRFieldType::OFTInteger64 => k.width = DBF_DIGITS as i32,
        OGRFieldType::OFTInteger if f.ty == FieldType::Bool => k.width = 1,
        // GDAL reads up to nine digits back as a 32-bit integer
        OGRFieldType::OFTInteger => {
            let longest = values(t, i).map(|v| as_text(v).len()).max().unwrap_or(0);
            k.width = longest.clamp(9, 11) as i32;
        }
        OGRFieldType::OFTReal => {
            k.width = DBF_REAL as i32;
            k.precision = dbf_real(t, i).unwrap_or(DBF_DECIMALS) as i32;
            let rounded = values(t, i).filter(|v| rounds(v, k.precision as usize)).count();
            if rounded > 0 {
                k.note = Some(Text::new(
                    format!("{rounded} value(s) are rounded to {} decimals", k.precision),
                    format!("有 {rounded} 个值舍入到 {} 位小数", k.precision),
                ));
            }
        }
        _ => {}
    }
}

/// Decimals that leave room for the largest whole part; `None` where it alone does not fit.
fn dbf_real(t: &Table, i: usize) -> Option<usize> {
    let widest = values(t, i)
        .filter_map(|v| if let Value::Real(r) = v { Some(*r) } else { None })
        .map(|r| if r.is_finite() { format!("{r:.0}").len() } else { DBF_REAL + 1 })
        .max()
        .unwrap_or(1);
    // one character is the point, one the sign that rounding to “-0” would take
    (widest + 2 <= DBF_REAL).then(|| (DBF_REAL - widest - 2).min(DBF_DECIMALS))
}

/// True where a number loses more than a double's own precision.
fn rounds(v: &Value, decimals: usize) -> bool {
    let Value::Real(r) = v else { return false };
    format!("{r:.decimals$}").parse::<f64>().is_ok_and(|back| (back - r).abs() > 4.0 * f64::EPSILON * r.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, Field, Shape};

    fn table(ty: FieldType, values: Vec<Value>) -> Table {
        let title = Text::new("a", "a");
        Table {
            name: "a".into(),
            title: title.clone(),
            columns: vec![Column { field: Field::new("a", ty), title }],
            shape: Shape::None,
            crs: None,
            rows: values.into_iter().map(|v| (None, vec![v])).collect(),
            style: None,
        }
    }

    fn of(format: Format, ty: FieldType, values: Vec<Value>) -> Kept {
        kept(format, &table(ty, values), 0, &str::len)
    }

    #[test]
    fn large_integers_are_text_where_numbers_would_lose_digits() {
        let big = || vec![Value::Int(9_007_199_254_740_993)];
        assert_eq!(of(Format::FileGdb, FieldType::Int64, big()).ty, OGRFieldType::OFTString);
        assert_eq!(of(Format::FileGdb, FieldType::Int64, vec![Value::Int(1 << 53)]).ty, OGRFieldType::OFTReal);
        assert_eq!(of(Format::Shapefile, FieldType::Int64, big()).ty, OGRFieldType::OFTInteger64);
        let k = of(Format::Shapefile, FieldType::Int64, vec![Value::Int(i64::MIN), Value::Int(1)]);
        assert_eq!((k.ty, k.width), (OGRFieldType::OFTString, 20));
    }

    #[test]
    fn numbers_of_a_shapefile_keep_their_whole_part_and_say_what_they_lose() {
        let k = of(Format::Shapefile, FieldType::Real, vec![Value::Real(-123_456_789.25)]);
        assert_eq!((k.width, k.precision, k.note), (24, 12, None));
        let k = of(Format::Shapefile, FieldType::Real, vec![Value::Real(1e-18)]);
        assert!(k.note.is_some());
        assert_eq!(of(Format::Shapefile, FieldType::Real, vec![Value::Real(1e23)]).ty, OGRFieldType::OFTString);
    }
}
