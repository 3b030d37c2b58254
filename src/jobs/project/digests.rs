//! SHA-256 of what steps read and write, kept from run to run for files that have not been touched since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::plan::{file_of, is_elsewhere};
use crate::error::{Error, Result};

/// A file's time of change says little of what happened within this of it: file systems count in coarse steps.
const COARSE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    bytes: u64,
    changed_ns: u128,
    sha256: String,
}

/// Digests by path.
#[derive(Debug, Default)]
pub(super) struct Digests {
    root: PathBuf,
    file: PathBuf,
    known: BTreeMap<String, Known>,
}

impl Digests {
    /// Those kept in `file`; none where there is no such file, or it was written by another program.
    pub fn open(root: &Path, file: PathBuf) -> Self {
        let known = std::fs::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
        Self { root: root.into(), file, known }
    }

    /// Keeps them.
    pub fn save(&self) -> Result<()> {
        super::record::put(&self.file, &self.known)
    }

    /// `path sha256` of every file of an input, sorted; `None` for a database, whose content nobody can vouch for.
    pub fn of_input(&mut self, input: &str) -> Result<Option<Vec<String>>> {
        if is_elsewhere(input) {
            return Ok(None);
        }
        let path = self.root.join(file_of(input));
        let mut files = Vec::new();
        collect(&path, &mut files)?;
        files.extend(companions(&path));
        files.sort();
        files.dedup();
        files.iter().map(|f| Ok(format!("{} {}", self.name(f), self.of_file(f)?))).collect::<Result<_>>().map(Some)
    }

    /// The digest of one file.
    pub fn of_file(&mut self, path: &Path) -> Result<String> {
        let failed =
            |e: std::io::Error| Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}")).in_file(path);
        let meta = path.metadata().map_err(failed)?;
        let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed_ns = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = self.name(path);
        if let Some(k) = self.known.get(&name)
            && (k.bytes, k.changed_ns) == (meta.len(), changed_ns)
        {
            return Ok(k.sha256.clone());
        }
        let sha256 = crate::read::digest::digest(path)?.sha256;
        let settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age > COARSE);
        if settled {
            let known = Known { bytes: meta.len(), changed_ns, sha256: sha256.clone() };
            self.known.insert(name, known);
        } else {
            self.known.remove(&name);
        }
        Ok(sha256)
    }

    /// From the project's folder where it lies below it.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// Files below a folder, or the file itself; locks that others hold are left out.
pub(super) fn collect(path: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let failed =
        |e: std::io::Error| Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}")).in_file(path);
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        let name = entry.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !(name.ends_with(".lock") || name.starts_with(".heshan-") && name.ends_with(".partial")) {
            collect(&entry, out)?;
        }
    }
    Ok(())
}

/// Files that belong to an input and bear other names: a shapefile's parts, bands beside their metadata, what a catalogue
/// points to, the unwritten pages of a GeoPackage.
fn companions(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = |keep: &dyn Fn(&str) -> bool| -> Vec<PathBuf> {
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let all = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
        all.filter(|p| p.is_file() && p.file_name().is_some_and(|n| keep(&n.to_string_lossy()))).collect()
    };
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".shp") {
        let stem = name[..name.len() - 3].to_owned();
        let parts = ["shx", "dbf", "prj", "cpg"];
        return beside(&|n: &str| {
            n.strip_prefix(stem.as_str()).is_some_and(|e| parts.contains(&e.to_ascii_lowercase().as_str()))
        });
    }
    if let Some(scene) = lower.strip_suffix("_mtl.txt").map(|s| s.len()) {
        let scene = name[..scene].to_owned();
        return beside(&|n: &str| n.starts_with(scene.as_str()));
    }
    if lower.ends_with(".gpkg") {
        let wal = format!("{name}-wal");
        return beside(&|n: &str| n == wal);
    }
    if lower.ends_with(".json") { catalogued(path) } else { Vec::new() }
}

/// Files that a STAC catalogue's `href`s name.
fn catalogued(path: &Path) -> Vec<PathBuf> {
    fn hrefs(json: &serde_json::Value, out: &mut Vec<String>) {
        match json {
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| match v {
                serde_json::Value::String(s) if k == "href" => out.push(s.clone()),
                other => hrefs(other, out),
            }),
            serde_json::Value::Array(all) => all.iter().for_each(|v| hrefs(v, out)),
            _ => {}
        }
    }
    let json = std::fs::read(path).ok().and_then(|b| serde_json::from_slice::<serde_json::Value>(&b).ok());
    let Some(json) = json.filter(|j| j.get("features").is_some() || j.get("stac_version").is_some()) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    hrefs(&json, &mut names);
    let dir = path.parent().unwrap_or(Path::new(""));
    let local = |n: &String| n.strip_prefix("file://").map_or_else(|| dir.join(n), PathBuf::from);
    names.iter().map(local).filter(|p| p.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_all_its_files() {
        let d = tempfile::tempdir().unwrap();
        for (name, text) in
            [("a.shp", "1"), ("a.DBF", "2"), ("ab.shp", "3"), ("s/x.tif", "4"), ("L_MTL.txt", "5"), ("L_B4.TIF", "6")]
        {
            let p = d.path().join(name);
            std::fs::create_dir_all(p.parent().unwrap()).unwrap();
            std::fs::write(p, text).unwrap();
        }
        std::fs::write(
            d.path().join("c.json"),
            r#"{"stac_version":"1.0.0","features":[{"assets":{"nir":{"href":"s/x.tif"}}}]}"#,
        )
        .unwrap();
        let mut all = Digests::open(d.path(), d.path().join("digests.json"));
        let mut names = |input: &str| -> Vec<String> {
            let found = all.of_input(input).unwrap().unwrap();
            found.iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect()
        };
        assert_eq!(names("a.shp#a"), ["a.DBF", "a.shp"]);
        assert_eq!(names("s"), ["s/x.tif"]);
        assert_eq!(names("L_MTL.txt"), ["L_B4.TIF", "L_MTL.txt"]);
        assert_eq!(names("c.json#item"), ["c.json", "s/x.tif"]);
        assert_eq!(all.of_input("PG:dbname=x#t").unwrap(), None);
    }

    #[test]
    fn a_changed_file_is_seen() {
        let d = tempfile::tempdir().unwrap();
        let (file, kept) = (d.path().join("a"), d.path().join("digests.json"));
        std::fs::write(&file, "abc").unwrap();
        let first = Digests::open(d.path(), kept.clone()).of_file(&file).unwrap();
        // same size, written at once after: its time of change cannot tell
        std::fs::write(&file, "abd").unwrap();
        let mut again = Digests::open(d.path(), kept.clone());
        assert_ne!(again.of_file(&file).unwrap(), first);
        assert!(again.known.is_empty());
        let old = SystemTime::now() - Duration::from_secs(60);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        let settled = again.of_file(&file).unwrap();
        again.save().unwrap();
        let mut third = Digests::open(d.path(), kept);
        assert_eq!(third.known.len(), 1);
        assert_eq!(third.of_file(&file).unwrap(), settled);
    }
}
