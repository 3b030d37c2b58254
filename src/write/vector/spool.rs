//! What must wait until the end of a run, on disk beside the output instead of in memory.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::model::{Row, Value};
use crate::space::wkb;

/// A file beside `place` that has no name any more: it goes with its last user.
pub(super) fn anonymous(place: &Path) -> std::io::Result<File> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = place.with_extension(format!("{n}.spool"));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Fills `place` from `offset` on, whatever others read meanwhile.
#[cfg(unix)]
pub(super) fn read_at(file: &File, place: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, place, offset)
}

/// Fills `place` from `offset` on, whatever others read meanwhile.
#[cfg(windows)]
pub(super) fn read_at(file: &File, place: &mut [u8], offset: u64) -> std::io::Result<()> {
    let mut done = 0;
    while done < place.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut place[done..], offset + done as u64)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => done += n,
        }
    }
    Ok(())
}

/// Rows on disk, in their order.
pub(super) struct Rows {
    file: BufWriter<File>,
    count: u64,
    columns: usize,
}

impl Rows {
    pub fn beside(place: &Path, columns: usize) -> std::io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 18, anonymous(place)?), count: 0, columns })
    }

    pub fn push(&mut self, (g, values): &Row) -> std::io::Result<()> {
        let shape = g.as_ref().map(wkb::write).unwrap_or_default();
        let mut out = (shape.len() as u64).to_le_bytes().to_vec();
        out.extend(shape);
        values.iter().for_each(|v| put(v, &mut out));
        self.count += 1;
        self.file.write_all(&out)
    }

    /// Hands all rows over, the first first.
    pub fn each<E: From<std::io::Error>>(self, mut take: impl FnMut(Row) -> Result<(), E>) -> Result<(), E> {
        let mut file = self.file.into_inner().map_err(|e| e.into_error())?;
        file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::with_capacity(1 << 18, file);
        for _ in 0..self.count {
            let n = number(&mut file)?;
            let shape = bytes(&mut file, n)?;
            let g = match shape.len() {
                0 => None,
                _ => Some(wkb::read(&shape).map_err(broken)?.0),
            };
            let values = (0..self.columns).map(|_| get(&mut file)).collect::<std::io::Result<_>>()?;
            take((g, values))?;
        }
        Ok(())
    }
}

fn broken(e: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("the rows on disk were changed: {e}"))
}

fn put(v: &Value, out: &mut Vec<u8>) {
    let sized = |tag: u8, b: &[u8], out: &mut Vec<u8>| {
        out.push(tag);
        out.extend((b.len() as u64).to_le_bytes());
        out.extend(b);
    };
    let day = |d: &NaiveDate, out: &mut Vec<u8>| out.extend(d.num_days_from_ce().to_le_bytes());
    let clock = |t: &NaiveTime, out: &mut Vec<u8>| {
        out.extend(t.num_seconds_from_midnight().to_le_bytes());
        out.extend(t.nanosecond().to_le_bytes());
    };
    match v {
        Value::Null => out.push(0),
        Value::Bool(b) => out.extend([1, u8::from(*b)]),
        Value::Int(n) => {
            out.push(2);
            out.extend(n.to_le_bytes());
        }
        Value::Real(r) => {
            out.push(3);
            out.extend(r.to_le_bytes());
        }
        Value::Text(s) => sized(4, s.as_bytes(), out),
        Value::Date(d) => {
            out.push(5);
            day(d, out);
        }
        Value::Time(t) => {
            out.push(6);
            clock(t, out);
        }
        Value::DateTime(t) => {
            out.push(7);
            day(&t.date(), out);
            clock(&t.time(), out);
        }
        Value::DateTimeTz(t) => {
            out.push(8);
            day(&t.naive_utc().date(), out);
            clock(&t.naive_utc().time(), out);
            out.extend(t.offset().local_minus_utc().to_le_bytes());
        }
        Value::Binary(b) => sized(9, b, out),
    }
}

fn get(file: &mut impl Read) -> std::io::Result<Value> {
    Ok(match array::<1>(file)?[0] {
        0 => Value::Null,
        1 => Value::Bool(array::<1>(file)?[0] != 0),
        2 => Value::Int(i64::from_le_bytes(array(file)?)),
        3 => Value::Real(f64::from_le_bytes(array(file)?)),
        4 => {
            let n = number(file)?;
            Value::Text(String::from_utf8(bytes(file, n)?).map_err(broken)?)
        }
        5 => Value::Date(day(file)?),
        6 => Value::Time(clock(file)?),
        7 => Value::DateTime(NaiveDateTime::new(day(file)?, clock(file)?)),
        8 => {
            let utc = NaiveDateTime::new(day(file)?, clock(file)?);
            let zone = FixedOffset::east_opt(i32::from_le_bytes(array(file)?)).ok_or_else(|| broken("no offset"))?;
            Value::DateTimeTz(DateTime::from_naive_utc_and_offset(utc, zone))
        }
        9 => {
            let n = number(file)?;
            Value::Binary(bytes(file, n)?)
        }
        tag => return Err(broken(tag)),
    })
}

fn array<const N: usize>(file: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut b = [0; N];
    file.read_exact(&mut b)?;
    Ok(b)
}

fn number(file: &mut impl Read) -> std::io::Result<u64> {
    array(file).map(u64::from_le_bytes)
}

fn bytes(file: &mut impl Read, n: u64) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match file.take(n).read_to_end(&mut out)? as u64 == n {
        true => Ok(out),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

fn day(file: &mut impl Read) -> std::io::Result<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(array(file)?)).ok_or_else(|| broken("no date"))
}

fn clock(file: &mut impl Read) -> std::io::Result<NaiveTime> {
    let (s, n) = (u32::from_le_bytes(array(file)?), u32::from_le_bytes(array(file)?));
    NaiveTime::from_num_seconds_from_midnight_opt(s, n).ok_or_else(|| broken("no time of day"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Geometry, Point};

    #[test]
    fn rows_come_back_as_they_went_and_leave_nothing() {
        let d = tempfile::tempdir().unwrap();
        let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        let time = NaiveTime::from_hms_nano_opt(23, 59, 59, 123_456_789).unwrap();
        let zone = FixedOffset::west_opt(5 * 3600 + 1800).unwrap();
        let stamp = NaiveDateTime::new(date, time);
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Real(-0.0),
            Value::from("乌海\0“"),
            Value::Date(date),
            Value::Time(time),
            Value::DateTime(stamp),
            Value::DateTimeTz(DateTime::from_naive_utc_and_offset(stamp, zone)),
            Value::Binary(vec![0, 255]),
        ];
        let rows: Vec<Row> =
            vec![(Some(Geometry::Point(Point::new(1.5, -2.5))), values.clone()), (None, vec![Value::Null; 10])];
        let mut spool = Rows::beside(&d.path().join("a.gpkg"), 10).unwrap();
        rows.iter().for_each(|r| spool.push(r).unwrap());
        assert_eq!(std::fs::read_dir(d.path()).unwrap().count(), 0);
        let mut back = Vec::new();
        spool
            .each(|r| {
                back.push(r);
                Ok::<(), std::io::Error>(())
            })
            .unwrap();
        assert_eq!(back, rows);
    }
}
