//! The ledger as one GeoPackage (OGC 12-128r18): SQLite in WAL mode through the system's library.
//!
//! `issues` and `findings` are feature tables in EPSG:4490, the others attribute tables; QGIS and GDAL open them all.
//! Writers queue for up to a minute; a transaction that a crash cuts off is undone by whoever opens the file next.

mod schema;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, TransactionBehavior, params_from_iter};

use super::rows::{Cell, Holds};
use super::sql::{Sql, View, write};
use super::{IssueStore, Plan, Reader, SCHEMA_VERSION};
use crate::error::{Error, Result, Text};
use crate::model::LayerStyle;

/// How long a writer waits for those before it.
const WAIT: Duration = Duration::from_secs(60);
/// EPSG code of the geometries: CGCS2000, longitude before latitude.
const SRS: i32 = 4490;

/// A ledger in a GeoPackage.
#[derive(Debug)]
pub struct GeoPackage {
    path: PathBuf,
    connection: Connection,
}

/// Makes an empty ledger: beside its place first.
///
/// # Errors
/// `Output` where a file is there already or it cannot be made.
pub fn create(path: &Path, now: DateTime<Utc>) -> Result<()> {
    if path.exists() {
        return Err(Error::output("there is a file already; a ledger is never replaced", "文件已存在;台账从不覆盖")
            .in_file(path)
            .remedy("add to it, or choose another name", "请直接登记,或换一个文件名"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let made = (|| {
        let mut c = Connection::open(&aside).map_err(|e| unwritable(path, &e))?;
        schema::begin(&c).map_err(|e| unwritable(path, &e))?;
        schema::migrate(&mut c, SCHEMA_VERSION, now).map_err(|e| unwritable(path, &e))?;
        c.close().map_err(|(_, e)| unwritable(path, &e))?;
        // a hard link fails where another writer was faster; a rename would replace its ledger
        std::fs::hard_link(&aside, path)
            .or_else(|e| if path.exists() { Err(e) } else { std::fs::rename(&aside, path) })
            .map_err(|e| super::geopackage::failed(path, &e.to_string()))
    })();
    let _ = std::fs::remove_file(&aside);
    made
}

impl GeoPackage {
    /// Opens a ledger; one of an older version is brought to this one first, in one transaction.
    ///
    /// # Errors
    /// `Input` where there is none, the file is no ledger, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::input("there is no such ledger", "没有这个台账")
                .in_file(path)
                .remedy("make it: heshan ledger init", "请先建立:heshan ledger init"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut c = Connection::open_with_flags(path, flags).map_err(|e| unreadable(path, &e))?;
        c.busy_timeout(WAIT).map_err(|e| unreadable(path, &e))?;
        let version = schema::version(&c).map_err(|e| unreadable(path, &e))?;
        let Some(version) = version else {
            return Err(Error::input("this GeoPackage is no ledger", "该 GeoPackage 不是台账")
                .in_file(path)
                .remedy("make one: heshan ledger init", "请先建立:heshan ledger init"));
        };
        if version > SCHEMA_VERSION {
            return Err(newer(version).in_file(path));
        }
        c.pragma_update(None, "foreign_keys", true).map_err(|e| unreadable(path, &e))?;
        c.pragma_update(None, "journal_mode", "WAL").map_err(|e| unwritable(path, &e))?;
        // every committed step is on the disk, a power cut notwithstanding
        c.pragma_update(None, "synchronous", "FULL").map_err(|e| unwritable(path, &e))?;
        if version < SCHEMA_VERSION {
            schema::migrate(&mut c, SCHEMA_VERSION, Utc::now()).map_err(|e| unwritable(path, &e))?;
        }
        Ok(Self { path: path.into(), connection: c })
    }
}

impl IssueStore for GeoPackage {
    fn read(&mut self, f: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()> {
        let path = &self.path;
        let t = self.connection.transaction().map_err(|e| unreadable(path, &e))?;
        f(&mut View(&mut Tables { path, c: &t }))
    }

    fn write(&mut self, plan: Plan<'_>) -> Result<()> {
        let path = &self.path;
        let behaviour = TransactionBehavior::Immediate;
        let t = self.connection.transaction_with_behavior(behaviour).map_err(|e| unwritable(path, &e))?;
        let mut tables = Tables { path, c: &t };
        let batch = plan(&mut View(&mut tables))?;
        if batch.is_empty() {
            return Ok(());
        }
        write(&mut tables, &batch)?;
        schema::touch(&t).map_err(|e| unwritable(path, &e))?;
        t.commit().map_err(|e| unwritable(path, &e))
    }

    fn dress(&mut self, styles: &[LayerStyle], now: DateTime<Utc>) -> Result<()> {
        let path = &self.path;
        // nothing to do, as most times: no writer is made to wait
        if !schema::is_bare(&self.connection, styles).map_err(|e| unreadable(path, &e))? {
            return Ok(());
        }
        schema::dress(&mut self.connection, styles, now).map_err(|e| unwritable(path, &e))
    }

    fn storage_faults(&mut self) -> Result<Vec<Text>> {
        schema::faults(&self.connection).map_err(|e| unreadable(&self.path, &e))
    }
}

struct Tables<'a> {
    path: &'a Path,
    c: &'a Connection,
}

impl Sql for Tables<'_> {
    fn query(&mut self, sql: &str, with: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        let rows = || -> rusqlite::Result<Vec<Vec<Cell>>> {
            let mut s = self.c.prepare(sql)?;
            let n = s.column_count();
            s.query_map(params_from_iter(with), |row| (0..n).map(|i| Ok(cell(row.get_ref(i)?))).collect())?.collect()
        };
        rows().map_err(|e| unreadable(self.path, &e))
    }

    fn run(&mut self, sql: &str, with: &[Cell]) -> Result<u64> {
        let n = self.c.execute(sql, params_from_iter(with)).map_err(|e| unwritable(self.path, &e))?;
        Ok(n as u64)
    }

    fn reading(&self, name: &str, _: Holds) -> String {
        name.to_owned()
    }

    fn writing(&self, n: usize, _: Holds) -> String {
        format!("${n}")
    }

    fn stored_form(&self, wkb: &[u8]) -> Vec<u8> {
        // GeoPackageBinary (OGC 12-128r18, 2.1.3): magic, version 0, flags little-endian without envelope, SRS, WKB
        let mut out = vec![b'G', b'P', 0, 1];
        out.extend(SRS.to_le_bytes());
        out.extend(wkb);
        out
    }

    fn wkb_of(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        // QGIS writes envelopes where it edits
        let head = match bytes {
            [b'G', b'P', 0, flags, ..] => match (flags >> 1) & 7 {
                0 => Some(8),
                1 => Some(40),
                2 | 3 => Some(56),
                4 => Some(72),
                _ => None,
            },
            _ => None,
        };
        head.and_then(|h| bytes.get(h..)).map(<[u8]>::to_vec).ok_or_else(|| {
            Error::input("a geometry of the ledger is not in GeoPackage's form", "台账中的几何不符合 GeoPackage 格式")
                .in_file(self.path)
        })
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqlValue::Null),
            Self::Text(s) => ToSqlOutput::Borrowed(ValueRef::Text(s.as_bytes())),
            Self::Int(i) => ToSqlOutput::Owned(SqlValue::Integer(*i)),
            Self::Real(r) => ToSqlOutput::Owned(SqlValue::Real(*r)),
            Self::Bytes(b) => ToSqlOutput::Borrowed(ValueRef::Blob(b)),
        })
    }
}

fn cell(v: ValueRef<'_>) -> Cell {
    match v {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Int(i),
        ValueRef::Real(r) => Cell::Real(r),
        ValueRef::Text(t) => Cell::Text(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Blob(b) => Cell::Bytes(b.to_vec()),
    }
}

/// A ledger of a version that this program does not know.
pub(super) fn newer(version: i64) -> Error {
    Error::input(
        format!("the ledger is of version {version}; this program knows {SCHEMA_VERSION}"),
        format!("台账版本为 {version},本程序只支持到 {SCHEMA_VERSION}"),
    )
    .remedy("use a newer heshan", "请使用更新版本的 heshan")
}

fn unreadable(path: &Path, e: &rusqlite::Error) -> Error {
    if busy(e) {
        return waited(path);
    }
    Error::input(format!("the ledger cannot be read: {e}"), format!("台账无法读取:{e}")).in_file(path).remedy(
        "check that it is a GeoPackage and that you may read and write it; a damaged one: go back to a copy",
        "请检查文件是否为 GeoPackage、是否有读写权限;如已损坏请恢复备份",
    )
}

fn unwritable(path: &Path, e: &rusqlite::Error) -> Error {
    if busy(e) { waited(path) } else { failed(path, &e.to_string()) }
}

fn failed(path: &Path, why: &str) -> Error {
    Error::output(format!("the ledger cannot be written: {why}"), format!("台账无法写入:{why}")).in_file(path).remedy(
        "check the free space and the right to write to the file and its folder; nothing was changed",
        "请检查磁盘空间以及文件和所在文件夹的写权限;未作任何改动",
    )
}

fn busy(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
}

fn waited(path: &Path) -> Error {
    Error::output(
        format!("another program holds the ledger; waited {} s", WAIT.as_secs()),
        format!("台账被其他程序占用,已等待 {} 秒", WAIT.as_secs()),
    )
    .in_file(path)
    .remedy("close it where it is being edited (QGIS), and run again", "请关闭正在编辑它的程序(如 QGIS)后重试")
}

#[cfg(test)]
mod tests;
