//! The statements of a ledger, written once for every database.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{self, Cell, Columns, EVENTS, FINDINGS, Holds, ISSUES, RUNS};
use super::{Batch, Reader, Run, Which};
use crate::error::{Error, Result};
use crate::model::{Chip, Event, Finding, Issue, StoredChip};

/// One transaction of a database. Parameters are `$1`, `$2`, … in this order in the text.
pub(super) trait Sql {
    /// Rows of a query.
    fn query(&mut self, sql: &str, with: &[Cell]) -> Result<Vec<Vec<Cell>>>;

    /// Runs a statement; answers the rows it touched.
    fn run(&mut self, sql: &str, with: &[Cell]) -> Result<u64>;

    /// The column as it is read.
    fn reading(&self, name: &str, holds: Holds) -> String;

    /// Parameter `n` as it is written to a column.
    fn writing(&self, n: usize, holds: Holds) -> String;

    /// WKB as the tables hold it, and back.
    fn stored_form(&self, wkb: &[u8]) -> Vec<u8>;
    /// See [`Sql::stored_form`].
    fn wkb_of(&self, bytes: &[u8]) -> Result<Vec<u8>>;
}

/// The [`Reader`] of a transaction.
pub(super) struct View<'a>(pub &'a mut dyn Sql);

impl View<'_> {
    fn select(&mut self, table: &str, columns: Columns, tail: &str, with: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        let list: Vec<String> = columns.iter().map(|(name, holds)| self.0.reading(name, *holds)).collect();
        let mut rows = self.0.query(&format!("SELECT {} FROM {table} {tail}", list.join(", ")), with)?;
        for (i, _) in columns.iter().enumerate().filter(|(_, c)| c.1 == Holds::Place) {
            for row in &mut rows {
                if let Cell::Bytes(b) = &row[i] {
                    row[i] = Cell::Bytes(self.0.wkb_of(b)?);
                }
            }
        }
        Ok(rows)
    }
}

impl Reader for View<'_> {
    fn issues(&mut self, which: &Which) -> Result<Vec<Issue>> {
        let (tail, with) = match which {
            Which::All => ("ORDER BY issue_id", vec![]),
            Which::Kind(k) => ("WHERE kind = $1 ORDER BY issue_id", vec![Cell::Text(k.as_str().into())]),
            Which::One(id) => ("WHERE issue_id = $1", vec![Cell::Text(id.clone())]),
        };
        self.select("issues", ISSUES, tail, &with)?.into_iter().map(rows::issue_of).collect()
    }

    fn events(&mut self, issue: Option<&str>, findings: bool) -> Result<Vec<Event>> {
        let with: Vec<Cell> = issue.map(|i| Cell::Text(i.to_owned())).into_iter().collect();
        let only = if issue.is_some() { "WHERE issue_id = $1 " } else { "" };
        let rows = self.select("events", EVENTS, &format!("{only}ORDER BY event_id"), &with)?;
        let mut events = rows.into_iter().map(rows::event_of).collect::<Result<Vec<_>>>()?;
        if findings {
            let rows = self.select("findings", FINDINGS, &format!("{only}ORDER BY fid"), &with)?;
            let found = rows.into_iter().map(rows::finding_of).collect::<Result<Vec<Finding>>>()?;
            let mut by_key: BTreeMap<String, Finding> = found.into_iter().map(|f| (f.key.clone(), f)).collect();
            for e in &mut events {
                e.finding = by_key.remove(&e.key).map(Box::new);
            }
        }
        Ok(events)
    }

    fn known(&mut self, keys: &[String]) -> Result<BTreeSet<String>> {
        let mut out = BTreeSet::new();
        for some in keys.chunks(500) {
            let list: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
            let with: Vec<Cell> = some.iter().map(|k| Cell::Text(k.clone())).collect();
            let sql = format!("SELECT event_key FROM events WHERE event_key IN ({})", list.join(", "));
            for row in self.0.query(&sql, &with)? {
                out.extend(row.into_iter().filter_map(|c| if let Cell::Text(s) = c { Some(s) } else { None }));
            }
        }
        Ok(out)
    }

    fn chip(&mut self, sha256: &str) -> Result<Option<StoredChip>> {
        let rows = self.0.query("SELECT png, scene FROM chips WHERE sha256 = $1", &[Cell::Text(sha256.into())])?;
        Ok(rows.into_iter().find_map(|row| match <[Cell; 2]>::try_from(row) {
            Ok([Cell::Bytes(png), Cell::Text(scene)]) => Some(StoredChip { png, scene }),
            _ => None,
        }))
    }

    fn chipped(&mut self) -> Result<BTreeMap<String, [Option<String>; 2]>> {
        let sql = "SELECT issue_id, before_chip, after_chip FROM findings
                   WHERE before_chip LIKE 'png:%' OR after_chip LIKE 'png:%' ORDER BY fid";
        let mut out = BTreeMap::new();
        for row in self.0.query(sql, &[])? {
            if let Ok([Cell::Text(id), before, after]) = <[Cell; 3]>::try_from(row) {
                out.insert(id, [rows::png_of(before), rows::png_of(after)]);
            }
        }
        Ok(out)
    }

    fn runs(&mut self) -> Result<Vec<Run>> {
        self.select("runs", RUNS, "ORDER BY run_no", &[])?.into_iter().map(rows::run_of).collect()
    }
}

/// Writes a batch. Rows of issues come after the events they stand for: triggers of the tables see to that.
pub(super) fn write(sql: &mut dyn Sql, b: &Batch) -> Result<()> {
    if let Some(run) = &b.run {
        insert(sql, "runs", RUNS, rows::run_cells(run), " ON CONFLICT (run_id) DO NOTHING")?;
    }
    for issue in &b.opened {
        insert(sql, "issues", ISSUES, rows::issue_cells(issue), "")?;
    }
    for e in &b.events {
        insert(sql, "events", EVENTS, rows::event_cells(e), "")?;
        let Some(f) = &e.finding else { continue };
        for chip in [&f.evidence.before, &f.evidence.after].into_iter().flatten() {
            if let Chip::Png { sha256, bytes, scene } = chip
                && !bytes.is_empty()
            {
                let with = [Cell::Text(sha256.clone()), Cell::Bytes(bytes.clone()), Cell::Text(scene.clone())];
                let insert =
                    "INSERT INTO chips (sha256, png, scene) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING";
                sql.run(insert, &with)?;
            }
        }
        insert(sql, "findings", FINDINGS, rows::finding_cells(f, &e.issue_id), "")?;
    }
    b.changed.iter().try_for_each(|issue| update(sql, issue))
}

fn stored(sql: &dyn Sql, columns: Columns, mut cells: Vec<Cell>) -> Vec<Cell> {
    for (cell, (_, holds)) in cells.iter_mut().zip(columns) {
        if let (Cell::Bytes(b), Holds::Place) = (&cell, holds) {
            *cell = Cell::Bytes(sql.stored_form(b));
        }
    }
    cells
}

fn insert(sql: &mut dyn Sql, table: &str, columns: Columns, cells: Vec<Cell>, tail: &str) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(|c| c.0).collect();
    let places: Vec<String> = columns.iter().enumerate().map(|(i, c)| sql.writing(i + 1, c.1)).collect();
    let text = format!("INSERT INTO {table} ({}) VALUES ({}){tail}", names.join(", "), places.join(", "));
    let cells = stored(sql, columns, cells);
    sql.run(&text, &cells).map(|_| ())
}

fn update(sql: &mut dyn Sql, issue: &Issue) -> Result<()> {
    let sets: Vec<String> = ISSUES
        .iter()
        .enumerate()
        .map(|(i, (name, holds))| format!("{name} = {}", sql.writing(i + 1, *holds)))
        .collect();
    let mut cells = stored(sql, ISSUES, rows::issue_cells(issue));
    cells.push(Cell::Text(issue.issue_id.clone()));
    let n = cells.len();
    match sql.run(&format!("UPDATE issues SET {} WHERE issue_id = ${n}", sets.join(", ")), &cells)? {
        1 => Ok(()),
        _ => Err(Error::output(
            format!("issue {} is not in the ledger any more", issue.issue_id),
            format!("问题 {} 已不在台账中", issue.issue_id),
        )),
    }
}
