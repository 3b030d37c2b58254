//! KML 2.2 (OGC 07-147r2), a placemark at a time: GDAL's LIBKML builds its file in memory in time that grows with the
//! square of its size, and its plain KML driver takes the first texts of a row for name and description.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use gdal_sys::OGRFieldType;
use geo::{Geometry, LineString, Polygon};
use rayon::prelude::*;

use super::super::staging::unwritable;
use super::super::value::as_text;
use super::sink::LayerFile;
use super::{Format, Written, columns};
use crate::error::Result;
use crate::model::{Row, Table, Value};

/// 1e-9 degree is 0.1 mm.
const DIGITS: f64 = 1e9;
/// Rows that one task turns into text.
const TASK: usize = 64;

pub(super) struct KmlFile {
    head: Table,
    target: PathBuf,
    out: BufWriter<File>,
    written: Written,
}

impl KmlFile {
    pub fn create(staged: &Path, target: &Path, head: Table) -> Result<Self> {
        let failed = |e: std::io::Error| unwritable(target, e);
        let mut out = BufWriter::new(File::create(staged).map_err(failed)?);
        let mut written = Written::default();
        let layer = escaped(&head.name);
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(text, "<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document id=\"root_doc\">");
        let _ = writeln!(text, "<Schema name=\"{layer}\" id=\"schema\">");
        for (i, c) in head.columns.iter().enumerate() {
            let kept = columns::kept(Format::Kml, &head, i, &str::len);
            written.changed.extend(kept.note.map(|n| (head.name.clone(), c.field.name.clone(), n)));
            let ty = match kept.ty {
                OGRFieldType::OFTInteger => "int",
                OGRFieldType::OFTReal => "double",
                _ => "string",
            };
            let _ = writeln!(text, "<SimpleField name=\"{}\" type=\"{ty}\"/>", escaped(&c.field.name));
        }
        let _ = writeln!(text, "</Schema>\n<Folder><name>{layer}</name>");
        out.write_all(text.as_bytes()).map_err(failed)?;
        Ok(Self { head, target: target.into(), out, written })
    }
}

impl LayerFile for KmlFile {
    fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        let head = &self.head;
        let texts: Vec<String> = rows
            .par_chunks(TASK)
            .map(|rows| {
                rows.iter().fold(String::new(), |mut text, row| {
                    placemark(head, row, &mut text);
                    text
                })
            })
            .collect();
        texts.iter().try_for_each(|t| self.out.write_all(t.as_bytes())).map_err(|e| unwritable(&self.target, e))
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.out
            .write_all(b"</Folder></Document></kml>\n")
            .and_then(|()| self.out.flush())
            .map_err(|e| unwritable(&self.target, e))?;
        Ok(self.written)
    }
}

/// Writing to a string does not fail.
fn placemark(head: &Table, (g, values): &Row, out: &mut String) {
    out.push_str("<Placemark>");
    let title = head.columns.iter().zip(values).find(|(c, _)| c.field.name == "name").and_then(|(_, v)| v.as_text());
    if let Some(t) = title.or_else(|| values.iter().find_map(Value::as_text)) {
        let _ = write!(out, "<name>{}</name>", escaped(t));
    }
    out.push_str("<ExtendedData><SchemaData schemaUrl=\"#schema\">");
    for (c, v) in head.columns.iter().zip(values).filter(|(_, v)| **v != Value::Null) {
        let text = match v {
            Value::Bool(b) => u8::from(*b).to_string(),
            other => as_text(other),
        };
        let _ = write!(out, "<SimpleData name=\"{}\">{}</SimpleData>", escaped(&c.field.name), escaped(&text));
    }
    out.push_str("</SchemaData></ExtendedData>");
    if let Some(g) = g {
        geometry(g, out);
    }
    out.push_str("</Placemark>\n");
}

fn geometry(g: &Geometry<f64>, out: &mut String) {
    let mut many = |parts: &mut dyn FnMut(&mut String)| {
        out.push_str("<MultiGeometry>");
        parts(out);
        out.push_str("</MultiGeometry>");
    };
    match g {
        Geometry::Point(p) => {
            out.push_str("<Point>");
            coordinates(&LineString(vec![p.0]), out);
            out.push_str("</Point>");
        }
        Geometry::LineString(l) => {
            out.push_str("<LineString>");
            coordinates(l, out);
            out.push_str("</LineString>");
        }
        Geometry::Polygon(p) => polygon(p, out),
        Geometry::MultiPoint(m) => many(&mut |o| m.0.iter().for_each(|p| geometry(&Geometry::Point(*p), o))),
        Geometry::MultiLineString(m) => {
            many(&mut |o| m.0.iter().for_each(|l| geometry(&Geometry::LineString(l.clone()), o)));
        }
        Geometry::MultiPolygon(m) => many(&mut |o| m.0.iter().for_each(|p| polygon(p, o))),
        Geometry::GeometryCollection(c) => many(&mut |o| c.0.iter().for_each(|g| geometry(g, o))),
        Geometry::Line(l) => geometry(&Geometry::LineString(LineString(vec![l.start, l.end])), out),
        Geometry::Rect(r) => polygon(&r.to_polygon(), out),
        Geometry::Triangle(t) => polygon(&t.to_polygon(), out),
    }
}

fn polygon(p: &Polygon<f64>, out: &mut String) {
    let rings = p.interiors().iter().map(|r| ("innerBoundaryIs", r));
    out.push_str("<Polygon>");
    for (side, r) in std::iter::once(("outerBoundaryIs", p.exterior())).chain(rings) {
        let _ = write!(out, "<{side}><LinearRing>");
        coordinates(r, out);
        let _ = write!(out, "</LinearRing></{side}>");
    }
    out.push_str("</Polygon>");
}

fn coordinates(l: &LineString<f64>, out: &mut String) {
    let round = |v: f64| (v * DIGITS).round() / DIGITS;
    out.push_str("<coordinates>");
    for (i, c) in l.0.iter().enumerate() {
        let between = if i > 0 { " " } else { "" };
        let _ = write!(out, "{between}{},{}", round(c.x), round(c.y));
    }
    out.push_str("</coordinates>");
}

/// Text as XML 1.0 (2.2, 2.4) holds it: markup escaped, characters that it cannot hold replaced.
fn escaped(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(escaped("<a b=\"c\">&\u{1}乌海\n"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}乌海&#10;");
    }
}
