//! Pictures of features before and after: from a folder, or out of the ledger that holds the features.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Notes;
use super::super::ledger::reading;
use super::layers::shown;
use crate::error::{Error, Result, Text};
use crate::model::{Schema, Value};
use crate::read::vector::SourceName;
use crate::record;
use crate::report::page::Chip;

/// Largest chip, as in the ledger.
const CHIP_BYTES: u64 = 2 << 20;

/// Pictures before and after by row.
pub(super) type Chips = BTreeMap<usize, [Option<Chip>; 2]>;

/// The chips that a ledger holds of its issues: of each the last finding that has any.
pub(super) fn from_ledger(source: &SourceName, schema: &Schema, rows: &[Vec<Value>]) -> Result<Chips> {
    let Some(id) = schema.position("issue_id") else { return Ok(Chips::new()) };
    let name = source.path.to_string_lossy();
    reading(record::open(&name)?.as_mut(), |r| {
        let named = r.chipped()?;
        let mut out = Chips::new();
        for (i, row) in rows.iter().enumerate() {
            let Some(pair) = row[id].as_text().and_then(|id| named.get(id)) else { continue };
            let mut one = |sha: &Option<String>| -> Result<Option<Chip>> {
                let Some(sha) = sha else { return Ok(None) };
                Ok(r.chip(sha)?.map(|c| Chip { png: c.png, shows: c.scene }))
            };
            out.insert(i, [one(&pair[0])?, one(&pair[1])?]);
        }
        Ok(out)
    })
}

/// Pictures `ID_before.png`, `ID_after.png` in a folder, as the ledger takes them; the feature's number where it has no id.
pub(super) fn from_folder(
    dir: &Path,
    id: Option<usize>,
    rows: &[Vec<Value>],
    fids: &[i64],
    notes: &mut Notes,
) -> Result<Chips> {
    if !dir.is_dir() {
        return Err(Error::input("there is no such folder of pictures", "没有这个切片文件夹").in_file(dir));
    }
    let mut out = BTreeMap::new();
    for (i, r) in rows.iter().enumerate() {
        let id = id
            .map(|a| r[a].to_display())
            .filter(|t| !t.is_empty() && t.len() < 200)
            .unwrap_or_else(|| fids[i].to_string());
        let stem: String = id.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let pair = ["before", "after"].map(|w| dir.join(format!("{stem}_{w}.png")));
        let pair = [chip(&pair[0], notes)?, chip(&pair[1], notes)?];
        if pair.iter().any(Option::is_some) {
            out.insert(i, pair);
        }
    }
    Ok(out)
}

fn chip(path: &Path, notes: &mut Notes) -> Result<Option<Chip>> {
    let Ok(about) = std::fs::metadata(path) else { return Ok(None) };
    let left_out = |en: &str, zh: &str| {
        let file = shown(path);
        Text::new(format!("{file}: {en}; the picture was left out"), format!("{file}:{zh},未列入"))
    };
    if about.len() > CHIP_BYTES {
        notes.warnings.push(left_out("it is larger than 2 MB", "大于 2 MB"));
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(|e| {
        Error::input(format!("the picture cannot be read: {e}"), format!("无法读取图片:{e}")).in_file(path)
    })?;
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        notes.warnings.push(left_out("it is no PNG", "不是 PNG"));
        return Ok(None);
    }
    Ok(Some(Chip { png: bytes, shows: String::new() }))
}
