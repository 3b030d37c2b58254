//! Well-known binary (OGC 06-103r4, 8.2) to geometry and back: the form in which GDAL and GEOS hand geometries over.

use geo::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};

/// What a geometry had beside its plane coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extra {
    /// It had heights.
    pub z: bool,
    /// It had measures.
    pub m: bool,
    /// A polygon ring was not closed; it is now.
    pub closed_rings: u32,
}

/// Why bytes are no geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WkbError {
    /// The bytes end too early.
    #[error("the geometry ends too early")]
    Truncated,
    /// Byte order mark other than 0 and 1.
    #[error("byte order {0} is not known")]
    ByteOrder(u8),
    /// A type that heshan does not handle (curves are made straight before).
    #[error("geometry type {0} is not handled")]
    Type(u32),
    /// Collections nested too deep.
    #[error("collections are nested too deep")]
    Deep,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    little: bool,
    extra: Extra,
}

/// Reads one geometry; ISO (1000, 2000, 3000) and extended (flag bits) Z and M are read and dropped.
pub fn read(bytes: &[u8]) -> Result<(Geometry<f64>, Extra), WkbError> {
    let mut c = Cursor { bytes, little: true, extra: Extra::default() };
    let g = c.geometry(0)?;
    Ok((g, c.extra))
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WkbError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(WkbError::Truncated)?;
        self.bytes = tail;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, WkbError> {
        let b = self.take()?;
        Ok(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }

    fn f64(&mut self) -> Result<f64, WkbError> {
        let b = self.take()?;
        Ok(if self.little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) })
    }

    /// A count of things that take at least `size` bytes each, so that a lying count allocates nothing.
    fn count(&mut self, size: usize) -> Result<usize, WkbError> {
        let n = self.u32()? as usize;
        if n.checked_mul(size).is_none_or(|b| b > self.bytes.len()) { Err(WkbError::Truncated) } else { Ok(n) }
    }

    fn coord(&mut self, dims: usize) -> Result<Coord<f64>, WkbError> {
        let c = Coord { x: self.f64()?, y: self.f64()? };
        for _ in 2..dims {
            self.f64()?;
        }
        Ok(c)
    }

    fn line(&mut self, dims: usize) -> Result<LineString<f64>, WkbError> {
        let n = self.count(dims * 8)?;
        let mut v = Vec::with_capacity(n);
        for _ in 0..n {
            v.push(self.coord(dims)?);
        }
        Ok(LineString(v))
    }

    fn polygon(&mut self, dims: usize) -> Result<Polygon<f64>, WkbError> {
        let n = self.count(4)?;
        let mut rings = Vec::with_capacity(n);
        for _ in 0..n {
            let r = self.line(dims)?;
            self.extra.closed_rings += u32::from(r.0.first() != r.0.last());
            rings.push(r);
        }
        let mut rings = rings.into_iter();
        let outer = rings.next().unwrap_or(LineString(Vec::new()));
        Ok(Polygon::new(outer, rings.collect()))
    }

    fn parts<T>(&mut self, depth: u32, pick: impl Fn(Geometry<f64>) -> Option<T>) -> Result<Vec<T>, WkbError> {
        let n = self.count(5)?;
        let mut v = Vec::with_capacity(n);
        for _ in 0..n {
            v.extend(pick(self.geometry(depth + 1)?));
        }
        Ok(v)
    }

    fn geometry(&mut self, depth: u32) -> Result<Geometry<f64>, WkbError> {
        if depth > 32 {
            return Err(WkbError::Deep);
        }
        self.little = match self.take::<1>()?[0] {
            0 => false,
            1 => true,
            b => return Err(WkbError::ByteOrder(b)),
        };
        let t = self.u32()?;
        if t & 0x2000_0000 != 0 {
            self.u32()?; // the SRID of extended WKB
        }
        let iso = (t & 0xffff) / 1000;
        let z = t & 0x8000_0000 != 0 || iso == 1 || iso == 3;
        let m = t & 0x4000_0000 != 0 || iso == 2 || iso == 3;
        self.extra.z |= z;
        self.extra.m |= m;
        let dims = 2 + usize::from(z) + usize::from(m);
        Ok(match (t & 0xffff) % 1000 {
            1 => {
                let c = self.coord(dims)?;
                // the empty point is NaN NaN
                if c.x.is_nan() && c.y.is_nan() {
                    Geometry::MultiPoint(MultiPoint(Vec::new()))
                } else {
                    Geometry::Point(Point(c))
                }
            }
            2 => Geometry::LineString(self.line(dims)?),
            3 | 17 => Geometry::Polygon(self.polygon(dims)?),
            4 => Geometry::MultiPoint(MultiPoint(
                self.parts(depth, |g| if let Geometry::Point(p) = g { Some(p) } else { None })?,
            )),
            5 => Geometry::MultiLineString(MultiLineString(
                self.parts(depth, |g| if let Geometry::LineString(l) = g { Some(l) } else { None })?,
            )),
            6 | 15 | 16 => Geometry::MultiPolygon(MultiPolygon(
                self.parts(depth, |g| if let Geometry::Polygon(p) = g { Some(p) } else { None })?,
            )),
            7 => Geometry::GeometryCollection(GeometryCollection(self.parts(depth, Some)?)),
            k => return Err(WkbError::Type(k)),
        })
    }
}

/// Writes a geometry as little-endian WKB.
pub fn write(g: &Geometry<f64>) -> Vec<u8> {
    let mut out = Vec::new();
    geometry(g, &mut out);
    out
}

fn head(kind: u32, n: Option<usize>, out: &mut Vec<u8>) {
    out.push(1);
    out.extend(kind.to_le_bytes());
    if let Some(n) = n {
        out.extend((n as u32).to_le_bytes());
    }
}

fn coord(c: Coord<f64>, out: &mut Vec<u8>) {
    out.extend(c.x.to_le_bytes());
    out.extend(c.y.to_le_bytes());
}

fn ring(l: &LineString<f64>, out: &mut Vec<u8>) {
    out.extend((l.0.len() as u32).to_le_bytes());
    l.0.iter().for_each(|&c| coord(c, out));
}

fn line(l: &LineString<f64>, out: &mut Vec<u8>) {
    head(2, None, out);
    ring(l, out);
}

fn polygon(p: &Polygon<f64>, out: &mut Vec<u8>) {
    if p.exterior().0.is_empty() {
        return head(3, Some(0), out);
    }
    head(3, Some(1 + p.interiors().len()), out);
    ring(p.exterior(), out);
    p.interiors().iter().for_each(|r| ring(r, out));
}

fn geometry(g: &Geometry<f64>, out: &mut Vec<u8>) {
    match g {
        Geometry::Point(p) => {
            head(1, None, out);
            coord(p.0, out);
        }
        Geometry::Line(l) => line(&LineString(vec![l.start, l.end]), out),
        Geometry::LineString(l) => line(l, out),
        Geometry::Polygon(p) => polygon(p, out),
        Geometry::MultiPoint(m) => {
            head(4, Some(m.0.len()), out);
            m.0.iter().for_each(|p| geometry(&Geometry::Point(*p), out));
        }
        Geometry::MultiLineString(m) => {
            head(5, Some(m.0.len()), out);
            m.0.iter().for_each(|l| line(l, out));
        }
        Geometry::MultiPolygon(m) => {
            head(6, Some(m.0.len()), out);
            m.0.iter().for_each(|p| polygon(p, out));
        }
        Geometry::GeometryCollection(c) => {
            head(7, Some(c.0.len()), out);
            c.0.iter().for_each(|g| geometry(g, out));
        }
        Geometry::Rect(r) => polygon(&r.to_polygon(), out),
        Geometry::Triangle(t) => polygon(&t.to_polygon(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gdal_reads_what_is_written_and_the_other_way() {
        for wkt in [
            "POLYGON ((0 0,4 0,4 4,0 4,0 0),(1 1,1 2,2 2,1 1))",
            "MULTIPOLYGON (((0 0,4 0,4 4,0 0)),((9 9,9 10,10 10,9 9)))",
            "GEOMETRYCOLLECTION (POINT (1 2),LINESTRING (0 0,1 1))",
            "POLYGON EMPTY",
        ] {
            let g = gdal::vector::Geometry::from_wkt(wkt).unwrap();
            let (ours, _) = read(&g.wkb().unwrap()).unwrap();
            assert_eq!(gdal::vector::Geometry::from_wkb(&write(&ours)).unwrap().wkt().unwrap(), wkt);
        }
    }

    #[test]
    fn heights_are_dropped_and_said() {
        let g = gdal::vector::Geometry::from_wkt("POLYGON Z ((0 0 5,4 0 5,4 4 5,0 0 5))").unwrap();
        let (ours, extra) = read(&g.wkb().unwrap()).unwrap();
        assert!(extra.z && !extra.m);
        assert_eq!(ours, geo::wkt!(POLYGON((0. 0.,4. 0.,4. 4.,0. 0.))).into());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes);
            let mut b = vec![1, 6, 0, 0, 0];
            b.extend(&bytes);
            let _ = read(&b);
        }
    }
}
