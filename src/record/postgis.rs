//! The ledger in PostGIS: one schema of a database, for several users at once.
//!
//! Writers take an advisory lock for the length of their transaction; readers see one state throughout (repeatable read).
//! The connection is not encrypted: use a socket, the department's own network, or a tunnel.

mod schema;

use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type};
use postgres::{Client, Config, IsolationLevel, NoTls, Row, Transaction};

use super::rows::{Cell, Holds};
use super::sql::{Sql, View, write};
use super::{IssueStore, Plan, Reader, SCHEMA_VERSION, geopackage::newer};
use crate::error::{Error, Result, Text};

/// Schema where the name does not say.
const SCHEMA: &str = "heshan_ledger";

/// A ledger in PostGIS.
pub struct PostGis {
    name: String,
    schema: String,
    client: Client,
}

/// `PG:connection#schema`.
fn parts(name: &str) -> Result<(Config, String)> {
    let bare = name.strip_prefix("PG:").unwrap_or(name);
    let (connection, schema) = bare.rsplit_once('#').unwrap_or((bare, SCHEMA));
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if schema.is_empty() || !schema.chars().all(fit) || schema.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Error::usage(
            format!("“{schema}” cannot be the schema of a ledger"),
            format!("“{schema}”不能用作台账的模式名"),
        )
        .in_file(name)
        .remedy("use lower-case letters, digits and _", "请只用小写字母、数字和下划线"));
    }
    let mut config: Config = connection.parse().map_err(|e: postgres::Error| {
        Error::usage(format!("the connection is not understood: {e}"), format!("无法理解连接参数:{e}"))
            .in_file(name)
            .remedy("PG:host=… dbname=… user=…#schema", "PG:host=… dbname=… user=…#模式名")
    })?;
    if config.get_hosts().is_empty() {
        // where libpq looks on Debian
        config.host("/var/run/postgresql");
    }
    Ok((config, schema.to_owned()))
}

fn connect(name: &str) -> Result<(Client, String)> {
    let (config, schema) = parts(name)?;
    let client = config.connect(NoTls).map_err(|e| {
        Error::input(format!("the database cannot be reached: {}", said(&e)), format!("无法连接数据库:{}", said(&e)))
            .in_file(name)
            .remedy(
                "check host, dbname, user and password (PGPASSWORD); TLS is not spoken",
                "请检查 host、dbname、user 与口令(PGPASSWORD);不支持 TLS",
            )
    })?;
    Ok((client, schema))
}

/// Makes an empty ledger in a schema of its own.
///
/// # Errors
/// `Output` where the schema holds a ledger already or cannot be made; `Input` where the database cannot be reached.
pub fn create(name: &str, now: DateTime<Utc>) -> Result<()> {
    let (mut client, schema) = connect(name)?;
    let failed = |e: postgres::Error| unwritable(name, &e);
    let mut t = client.transaction().map_err(failed)?;
    lock(&mut t, &schema).map_err(failed)?;
    if schema::version(&mut t, &schema).map_err(failed)?.is_some() {
        return Err(Error::output(
            format!("schema {schema} holds a ledger already; a ledger is never replaced"),
            format!("模式 {schema} 中已有台账;台账从不覆盖"),
        )
        .in_file(name)
        .remedy("add to it, or choose another schema", "请直接登记,或换一个模式名"));
    }
    schema::migrate(&mut t, &schema, SCHEMA_VERSION, now).map_err(failed)?;
    t.commit().map_err(failed)
}

/// One writer at a time in a schema, whatever program it is.
fn lock(t: &mut Transaction<'_>, schema: &str) -> std::result::Result<(), postgres::Error> {
    t.execute("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", &[&format!("heshan ledger {schema}")])
        .map(|_| ())
}

impl PostGis {
    /// Opens a ledger; one of an older version is brought to this one first, in one transaction.
    ///
    /// # Errors
    /// `Input` where the database cannot be reached, the schema holds no ledger, or a newer program wrote it.
    pub fn open(name: &str) -> Result<Self> {
        let (mut client, schema) = connect(name)?;
        let failed = |e: postgres::Error| unwritable(name, &e);
        let mut t = client.transaction().map_err(failed)?;
        let version = schema::version(&mut t, &schema).map_err(failed)?.ok_or_else(|| {
            Error::input(format!("schema {schema} holds no ledger"), format!("模式 {schema} 中没有台账"))
                .in_file(name)
                .remedy("make it: heshan ledger init", "请先建立:heshan ledger init")
        })?;
        if version > SCHEMA_VERSION {
            return Err(newer(version).in_file(name));
        }
        if version < SCHEMA_VERSION {
            lock(&mut t, &schema).map_err(failed)?;
            schema::migrate(&mut t, &schema, SCHEMA_VERSION, Utc::now()).map_err(failed)?;
        }
        t.commit().map_err(failed)?;
        Ok(Self { name: name.to_owned(), schema, client })
    }
}

impl IssueStore for PostGis {
    fn read(&mut self, f: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()> {
        let name = &self.name;
        let failed = |e: postgres::Error| unreadable(name, &e);
        let builder = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut t = builder.start().map_err(failed)?;
        schema::enter(&mut t, &self.schema).map_err(failed)?;
        f(&mut View(&mut Tables { name, t: &mut t }))
    }

    fn write(&mut self, plan: Plan<'_>) -> Result<()> {
        let name = &self.name;
        let failed = |e: postgres::Error| unwritable(name, &e);
        // read committed: what is read after the lock holds all that others wrote before
        let mut t = self.client.transaction().map_err(failed)?;
        schema::enter(&mut t, &self.schema).map_err(failed)?;
        lock(&mut t, &self.schema).map_err(failed)?;
        let mut tables = Tables { name, t: &mut t };
        let batch = plan(&mut View(&mut tables))?;
        if batch.is_empty() {
            return Ok(());
        }
        write(&mut tables, &batch)?;
        t.commit().map_err(failed)
    }

    fn storage_faults(&mut self) -> Result<Vec<Text>> {
        // PostgreSQL keeps its constraints itself
        Ok(Vec::new())
    }
}

struct Tables<'a, 'b> {
    name: &'a str,
    t: &'a mut Transaction<'b>,
}

impl Sql for Tables<'_, '_> {
    fn query(&mut self, sql: &str, with: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        let with: Vec<&(dyn ToSql + Sync)> = with.iter().map(|c| c as _).collect();
        let rows = self.t.query(sql, &with).map_err(|e| unreadable(self.name, &e))?;
        rows.iter()
            .map(|r| (0..r.len()).map(|i| cell(r, i)).collect())
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| unreadable(self.name, &e))
    }

    fn run(&mut self, sql: &str, with: &[Cell]) -> Result<u64> {
        let with: Vec<&(dyn ToSql + Sync)> = with.iter().map(|c| c as _).collect();
        self.t.execute(sql, &with).map_err(|e| unwritable(self.name, &e))
    }

    fn reading(&self, name: &str, holds: Holds) -> String {
        match holds {
            Holds::Place => format!("ST_AsBinary({name}, 'NDR')"),
            Holds::Day => format!("{name}::text"),
            Holds::Time => format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"),
            Holds::Text | Holds::Int | Holds::Real => name.to_owned(),
        }
    }

    fn writing(&self, n: usize, holds: Holds) -> String {
        match holds {
            Holds::Place => format!("ST_GeomFromWKB(${n}::bytea, 4490)"),
            Holds::Day => format!("${n}::text::date"),
            Holds::Time => format!("${n}::text::timestamptz"),
            Holds::Text | Holds::Int | Holds::Real => format!("${n}"),
        }
    }

    fn stored_form(&self, wkb: &[u8]) -> Vec<u8> {
        wkb.to_vec()
    }

    fn wkb_of(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

impl ToSql for Cell {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(s) => s.to_sql(ty, out),
            Self::Int(i) => i.to_sql(ty, out),
            Self::Real(r) => r.to_sql(ty, out),
            Self::Bytes(b) => b.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // the statements cast where it matters
        true
    }

    postgres::types::to_sql_checked!();
}

fn cell(r: &Row, i: usize) -> std::result::Result<Cell, postgres::Error> {
    let ty = r.columns()[i].type_();
    Ok(match *ty {
        Type::INT8 => r.try_get::<_, Option<i64>>(i)?.map_or(Cell::Null, Cell::Int),
        Type::FLOAT8 => r.try_get::<_, Option<f64>>(i)?.map_or(Cell::Null, Cell::Real),
        Type::BYTEA => r.try_get::<_, Option<Vec<u8>>>(i)?.map_or(Cell::Null, Cell::Bytes),
        _ => r.try_get::<_, Option<String>>(i)?.map_or(Cell::Null, Cell::Text),
    })
}

/// What the server says, which `Display` leaves out.
fn said(e: &postgres::Error) -> String {
    match e.as_db_error() {
        Some(d) => d.message().to_owned(),
        None => match e.source() {
            Some(why) => format!("{e}: {why}"),
            None => e.to_string(),
        },
    }
}

fn unreadable(name: &str, e: &postgres::Error) -> Error {
    Error::input(format!("the ledger cannot be read: {}", said(e)), format!("台账无法读取:{}", said(e)))
        .in_file(name)
        .remedy("check the rights on its schema", "请检查对该模式的权限")
}

fn unwritable(name: &str, e: &postgres::Error) -> Error {
    Error::output(format!("the ledger cannot be written: {}", said(e)), format!("台账无法写入:{}", said(e)))
        .in_file(name)
        .remedy(
            "check the rights on its schema; the transaction was undone, nothing was changed",
            "请检查对该模式的权限;事务已回滚,未作任何改动",
        )
}
