//! One feature as FlatGeobuf keeps it.

use chrono::{DateTime, FixedOffset, NaiveDateTime, NaiveTime};
use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf::{Feature, FeatureArgs, Geometry as Fgb, GeometryArgs, GeometryType};
use geo::{CoordsIter, Geometry, LineString, Polygon};

use super::tree::Bounds;
use crate::model::{Column, FieldType, Shape, Value};

/// Largest feature, bytes: a buffer ends at 2 GiB.
const LARGEST: usize = 1 << 30;

/// Encodes features one by one into a buffer that is used again.
pub(super) struct Encoder<'e> {
    fbb: &'e mut FlatBufferBuilder<'static>,
    columns: &'e [Column],
    shape: Shape,
    xy: Vec<f64>,
    ends: Vec<u32>,
    properties: Vec<u8>,
    bounds: Bounds,
}

impl<'e> Encoder<'e> {
    pub fn new(fbb: &'e mut FlatBufferBuilder<'static>, columns: &'e [Column], shape: Shape) -> Self {
        let (xy, ends, properties) = (Vec::new(), Vec::new(), Vec::new());
        Self { fbb, columns, shape, xy, ends, properties, bounds: Bounds::NOTHING }
    }

    /// The bytes of the feature encoded last, its size before it.
    pub fn bytes(&self) -> &[u8] {
        self.fbb.finished_data()
    }

    /// Encodes a feature; answers its box (`None` without coordinates) and its geometry's type.
    pub fn feature(
        &mut self,
        g: Option<&Geometry<f64>>,
        values: &[Value],
    ) -> Result<(Option<Bounds>, Option<u8>), String> {
        self.fbb.reset();
        self.bounds = Bounds::NOTHING;
        self.properties.clear();
        for (i, (c, v)) in self.columns.iter().zip(values).enumerate() {
            property(i as u16, c, v, &mut self.properties)?;
        }
        if g.map_or(0, |g| g.coords_count() * 16) + self.properties.len() > LARGEST {
            return Err("a feature is larger than 1 GB".into());
        }
        // eight bytes are the alignment of a feature in the file, whatever it holds
        self.fbb.create_vector::<f64>(&[]);
        let properties = (!self.properties.is_empty()).then(|| self.fbb.create_vector(&self.properties));
        let geometry = g.filter(|_| self.shape != Shape::None).map(|g| self.geometry(g));
        let (geometry, ty) = geometry.unzip();
        let feature = Feature::create(self.fbb, &FeatureArgs { geometry, properties, columns: None });
        self.fbb.finish_size_prefixed(feature, None);
        Ok(((self.bounds.0[0] <= self.bounds.0[2]).then_some(self.bounds), ty))
    }

    /// A single one as multi where the layer is.
    fn geometry(&mut self, g: &Geometry<f64>) -> (WIPOffset<Fgb<'static>>, u8) {
        match (g, self.shape) {
            (Geometry::Polygon(p), Shape::MultiPolygon) => (self.multi_polygon(std::slice::from_ref(p)), 6),
            (Geometry::LineString(l), Shape::MultiLine) => (self.multi_line(std::slice::from_ref(l)), 5),
            _ => self.as_it_is(g),
        }
    }

    fn as_it_is(&mut self, g: &Geometry<f64>) -> (WIPOffset<Fgb<'static>>, u8) {
        match g {
            Geometry::Point(p) => {
                self.begin();
                self.push(&[p.0]);
                (self.flat(1), 1)
            }
            Geometry::Line(l) => self.as_it_is(&Geometry::LineString(LineString(vec![l.start, l.end]))),
            Geometry::LineString(l) => {
                self.begin();
                self.push(&l.0);
                (self.flat(2), 2)
            }
            Geometry::Polygon(p) => (self.polygon(p), 3),
            Geometry::MultiPoint(m) => {
                self.begin();
                m.iter().for_each(|p| self.push(&[p.0]));
                (self.flat(4), 4)
            }
            Geometry::MultiLineString(m) => (self.multi_line(&m.0), 5),
            Geometry::MultiPolygon(m) => (self.multi_polygon(&m.0), 6),
            Geometry::GeometryCollection(c) => {
                let parts: Vec<_> = c.iter().map(|g| self.as_it_is(g).0).collect();
                (self.nested(&parts, 7), 7)
            }
            Geometry::Rect(r) => (self.polygon(&r.to_polygon()), 3),
            Geometry::Triangle(t) => (self.polygon(&t.to_polygon()), 3),
        }
    }

    fn begin(&mut self) {
        self.xy.clear();
        self.ends.clear();
    }

    fn push(&mut self, coords: &[geo::Coord<f64>]) {
        let mut b = self.bounds.0;
        self.xy.reserve(coords.len() * 2);
        for c in coords {
            b = [b[0].min(c.x), b[1].min(c.y), b[2].max(c.x), b[3].max(c.y)];
            self.xy.extend([c.x, c.y]);
        }
        self.bounds = Bounds(b);
    }

    /// A piece among several: its end stands in the list of ends.
    fn piece(&mut self, l: &LineString<f64>) {
        self.push(&l.0);
        self.ends.push((self.xy.len() / 2) as u32);
    }

    fn polygon(&mut self, p: &Polygon<f64>) -> WIPOffset<Fgb<'static>> {
        self.begin();
        self.piece(p.exterior());
        p.interiors().iter().for_each(|r| self.piece(r));
        self.flat(3)
    }

    fn multi_line(&mut self, lines: &[LineString<f64>]) -> WIPOffset<Fgb<'static>> {
        self.begin();
        lines.iter().filter(|l| !l.0.is_empty()).for_each(|l| self.piece(l));
        self.flat(5)
    }

    fn multi_polygon(&mut self, polygons: &[Polygon<f64>]) -> WIPOffset<Fgb<'static>> {
        let there = polygons.iter().filter(|p| !p.exterior().0.is_empty());
        let parts: Vec<_> = there.map(|p| self.polygon(p)).collect();
        self.nested(&parts, 6)
    }

    fn flat(&mut self, ty: u8) -> WIPOffset<Fgb<'static>> {
        let xy = self.fbb.create_vector(&self.xy);
        // one piece needs no ends
        let ends = (self.ends.len() > 1).then(|| self.fbb.create_vector(&self.ends));
        let args = GeometryArgs { xy: Some(xy), ends, type_: GeometryType(ty), ..GeometryArgs::default() };
        Fgb::create(self.fbb, &args)
    }

    fn nested(&mut self, parts: &[WIPOffset<Fgb<'static>>], ty: u8) -> WIPOffset<Fgb<'static>> {
        let parts = Some(self.fbb.create_vector(parts));
        Fgb::create(self.fbb, &GeometryArgs { parts, type_: GeometryType(ty), ..GeometryArgs::default() })
    }
}

/// A value behind the number of its column; nothing where it is null.
fn property(i: u16, c: &Column, v: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    if *v == Value::Null {
        return Ok(());
    }
    out.extend(i.to_le_bytes());
    let other = || format!("field {} has a value of another type: {}", c.field.name, v.to_display());
    match (c.field.ty, v) {
        (FieldType::Bool, Value::Bool(b)) => out.push(u8::from(*b)),
        (FieldType::Bool, Value::Int(n)) => out.push(u8::from(*n != 0)),
        (FieldType::Int32, v) => {
            let n = whole(v).and_then(|n| i32::try_from(n).ok()).ok_or_else(other)?;
            out.extend(n.to_le_bytes());
        }
        (FieldType::Int64, v) => out.extend(whole(v).ok_or_else(other)?.to_le_bytes()),
        (FieldType::Real, v) => out.extend(v.as_f64().ok_or_else(other)?.to_le_bytes()),
        (FieldType::Text | FieldType::Time, Value::Text(s)) => sized(s.as_bytes(), out),
        (FieldType::Text | FieldType::Time, v) => sized(v.to_display().as_bytes(), out),
        (FieldType::Binary, Value::Binary(b)) => sized(b, out),
        (FieldType::Date | FieldType::DateTime, v) => sized(moment(v).ok_or_else(other)?.as_bytes(), out),
        _ => return Err(other()),
    }
    Ok(())
}

fn whole(v: &Value) -> Option<i64> {
    match v {
        Value::Int(n) => Some(*n),
        Value::Bool(b) => Some(i64::from(*b)),
        _ => None,
    }
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// ISO 8601 as GDAL writes it: to the millisecond, where there are any.
fn moment(v: &Value) -> Option<String> {
    let plain = |t: &NaiveDateTime| {
        let form =
            if t.and_utc().timestamp_subsec_millis() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
        t.format(form).to_string()
    };
    let zoned = |t: &DateTime<FixedOffset>| {
        let zone = if t.offset().local_minus_utc() == 0 { "Z".into() } else { t.format("%:z").to_string() };
        plain(&t.naive_local()) + &zone
    };
    match v {
        Value::Date(d) => Some(plain(&d.and_time(NaiveTime::MIN))),
        Value::DateTime(t) => Some(plain(t)),
        Value::DateTimeTz(t) => Some(zoned(t)),
        _ => None,
    }
}
