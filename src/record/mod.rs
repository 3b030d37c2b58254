//! The ledger (台账): issues, their life cycle, and the stores that hold them.
//!
//! - [`matching`], [`filing`]: a run's findings against the issues there are; never files the same thing twice. Pure.
//! - [`life`]: how issues stood on any day, counts, and what changed between two days, from the events. Pure.
//! - [`IssueStore`]: a GeoPackage ([`geopackage`]) or PostGIS ([`postgis`]) behind one trait.

pub mod filing;
pub mod geopackage;
pub mod life;
pub mod matching;
pub mod postgis;
mod rows;
mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::error::{Error, Result, Text};
use crate::model::{Event, Issue, IssueKind, LayerStyle, StoredChip, broken};

/// Version of the tables that this program writes; older ledgers are brought to it when they are opened.
pub const SCHEMA_VERSION: i64 = 3;

/// A run whose findings were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Id.
    pub run_id: String,
    /// Verb, where known.
    pub verb: String,
    /// Its manifest, where there is one.
    pub manifest: String,
    /// When it was added.
    pub added: DateTime<Utc>,
}

/// What one transaction writes: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// New issues, as all events of the batch leave them.
    pub opened: Vec<Issue>,
    /// Issues that there were, as the events of the batch leave them.
    pub changed: Vec<Issue>,
    /// Events, in the order in which they happened.
    pub events: Vec<Event>,
    /// The run they come from.
    pub run: Option<Run>,
}

impl Batch {
    /// True where nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.run.is_none()
    }
}

/// Which issues are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of a kind.
    Kind(IssueKind),
    /// One.
    One(String),
}

/// A view of the ledger, the same from its first answer to its last.
pub trait Reader {
    /// Issues, by id.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn issues(&mut self, which: &Which) -> Result<Vec<Issue>>;

    /// Events in the order in which they were written, of one issue or of all; with their findings where asked.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn events(&mut self, issue: Option<&str>, findings: bool) -> Result<Vec<Event>>;

    /// Those of `keys` that events bear already.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn known(&mut self, keys: &[String]) -> Result<BTreeSet<String>>;

    /// The PNG with this SHA-256.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn chip(&mut self, sha256: &str) -> Result<Option<StoredChip>>;

    /// SHA-256 of the chips before and after of every issue that has any: those of its last finding with a chip.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn chipped(&mut self) -> Result<BTreeMap<String, [Option<String>; 2]>>;

    /// Runs added, in that order.
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn runs(&mut self) -> Result<Vec<Run>>;
}

/// Plans a transaction from what the ledger holds.
pub type Plan<'a> = &'a mut dyn FnMut(&mut dyn Reader) -> Result<Batch>;

/// A place where issues are kept.
pub trait IssueStore: Send {
    /// Reads one state of the ledger, whatever others write meanwhile.
    ///
    /// # Errors
    /// Those of `f`, and `Input` where the store cannot be read.
    fn read(&mut self, f: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()>;

    /// Plans and writes in one transaction that no other writer can come between.
    ///
    /// # Errors
    /// Those of `plan`, after which nothing is written; `Output` where the store cannot be written.
    fn write(&mut self, plan: Plan<'_>) -> Result<()>;

    /// Keeps styles for those of its layers that have none yet; one that people have saved stays. A store that no map
    /// program asks for styles keeps none.
    ///
    /// # Errors
    /// `Output` where the store cannot be written.
    fn dress(&mut self, styles: &[LayerStyle], now: DateTime<Utc>) -> Result<()> {
        let _ = (styles, now);
        Ok(())
    }

    /// Faults of the storage itself (pages, indices, foreign keys).
    ///
    /// # Errors
    /// `Input` where the store cannot be read.
    fn storage_faults(&mut self) -> Result<Vec<Text>>;
}

/// Opens a ledger: a GeoPackage, or `PG:…#schema`.
///
/// # Errors
/// `Input` where there is none, it cannot be opened, or a newer program wrote it.
pub fn open(name: &str) -> Result<Box<dyn IssueStore>> {
    match name.strip_prefix("PG:") {
        Some(_) => Ok(Box::new(postgis::PostGis::open(name)?)),
        None => Ok(Box::new(geopackage::GeoPackage::open(is_geopackage(name)?)?)),
    }
}

/// Makes an empty ledger.
///
/// # Errors
/// `Output` where one is there already (none is ever replaced) or it cannot be made; `Usage` for a name that is neither
/// `.gpkg` nor `PG:`.
pub fn create(name: &str, now: DateTime<Utc>) -> Result<()> {
    match name.strip_prefix("PG:") {
        Some(_) => postgis::create(name, now),
        None => geopackage::create(is_geopackage(name)?, now),
    }
}

fn is_geopackage(name: &str) -> Result<&Path> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gpkg")) {
        return Ok(path);
    }
    Err(Error::usage("a ledger is a .gpkg or PG:", "台账须为 .gpkg 或 PG:")
        .in_file(path)
        .remedy("name it ledger.gpkg, or PG:dbname=…#schema", "请命名为 ledger.gpkg,或用 PG:dbname=…#模式名"))
}

/// All faults of a ledger: of its storage, and issues that are not what their events add up to.
///
/// # Errors
/// `Input` where it cannot be read.
pub fn faults(store: &mut dyn IssueStore) -> Result<Vec<Text>> {
    let mut found = store.storage_faults()?;
    store.read(&mut |r| {
        found.extend(contradictions(&r.issues(&Which::All)?, &r.events(None, true)?));
        Ok(())
    })?;
    Ok(found)
}

/// Issues that are not what their events add up to.
fn contradictions(issues: &[Issue], events: &[Event]) -> Vec<Text> {
    let mut of: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    events.iter().for_each(|e| of.entry(&e.issue_id).or_default().push(e));
    let fold = |events: &[&Event]| -> Result<Option<Issue>> {
        let Some((first, rest)) = events.split_first() else { return Ok(None) };
        let mut issue = Issue::opened(first)?;
        rest.iter().try_for_each(|e| issue.take(e))?;
        Ok(Some(issue))
    };
    let mut out = Vec::new();
    for issue in issues {
        let why = match fold(&of.remove(issue.issue_id.as_str()).unwrap_or_default()) {
            Ok(Some(sum)) if sum == *issue => continue,
            Ok(Some(_)) => broken(&issue.issue_id, "its row is not what its events add up to", "与其记录不符"),
            Ok(None) => broken(&issue.issue_id, "it has no events", "没有任何记录"),
            Err(e) => e,
        };
        out.push(*why.what);
    }
    out.extend(of.into_keys().map(|id| *broken(id, "events without an issue", "有记录而无问题").what));
    out
}

#[cfg(test)]
mod tests;
