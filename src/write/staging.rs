//! Outputs beside their place: a hidden folder next to the outputs that holds them until all are whole.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Error, Result};

/// Staging folders of this process that are not renamed yet.
static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes every staging folder of this process: nothing half-written stays after an interruption.
pub fn abandon() {
    if let Ok(mut open) = OPEN.lock() {
        for dir in open.drain(..) {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// Files a shapefile leaves beside its `.shp`; those of a replaced one must not stay.
const SHAPEFILE_SIBLINGS: [&str; 9] = ["shx", "dbf", "prj", "cpg", "qpj", "qix", "sbn", "sbx", "shp.xml"];

/// The outputs of one run in one folder: claimed first, written aside, renamed together.
///
/// Dropped without [`Staging::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    aside: PathBuf,
    overwrite: bool,
    claimed: Vec<PathBuf>,
}

impl Staging {
    /// Makes the staging folder in `folder`.
    ///
    /// # Errors
    /// `Output` where the folder is missing or cannot be written to.
    pub fn new(folder: &Path, overwrite: bool) -> Result<Self> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() };
        if !folder.is_dir() {
            return Err(Error::output("the output folder does not exist", "输出文件夹不存在").in_file(&folder).remedy(
                format!("make it first: mkdir -p {}", folder.display()),
                format!("请先建立:mkdir -p {}", folder.display()),
            ));
        }
        let n = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let aside = folder.join(format!(".heshan-{}-{n}.partial", std::process::id()));
        std::fs::create_dir(&aside).map_err(|e| {
            Error::output(format!("the output folder cannot be written to: {e}"), format!("输出文件夹不可写:{e}"))
                .in_file(&folder)
                .remedy("choose another folder, or ask for the right to write to it", "请换一个文件夹,或申请写权限")
        })?;
        if let Ok(mut open) = OPEN.lock() {
            open.push(aside.clone());
        }
        Ok(Self { folder, aside, overwrite, claimed: Vec::new() })
    }

    /// For the outputs named after `path`, in its folder.
    ///
    /// # Errors
    /// As [`Staging::new`].
    pub fn beside(path: &Path, overwrite: bool) -> Result<Self> {
        Self::new(path.parent().unwrap_or(Path::new("")), overwrite)
    }

    /// Claims a name in the folder; answers where to write it until it is renamed.
    ///
    /// # Errors
    /// `Output` where it exists and may not be replaced, or the path names no file.
    pub fn claim(&mut self, path: &Path) -> Result<PathBuf> {
        let Some(name) = path.file_name() else {
            return Err(Error::output("the output names no file", "输出路径没有文件名").in_file(path));
        };
        let place = self.folder.join(name);
        if place.exists() && !self.overwrite {
            return Err(Error::output("the output exists already", "输出文件已存在")
                .in_file(&place)
                .remedy("give --overwrite to replace it, or another name", "用 --overwrite 覆盖,或换一个文件名"));
        }
        let is_dir = place.is_dir();
        let wants_dir = place.extension().is_some_and(|e| e.eq_ignore_ascii_case("gdb"));
        if place.exists() && is_dir != wants_dir {
            return Err(Error::output(
                "a folder stands where a file should go (or the other way round)",
                "输出位置被同名文件夹(或文件)占用",
            )
            .in_file(&place)
            .remedy("remove it yourself, or choose another name", "请自行删除,或换一个文件名"));
        }
        let staged = self.aside.join(name);
        if !self.claimed.contains(&place) {
            self.claimed.push(place);
        }
        Ok(staged)
    }

    /// Claims a folder, which is made; what it holds is renamed with it, and replaces a folder of that name whole.
    ///
    /// # Errors
    /// `Output` where it exists and may not be replaced, a file has its name, or it cannot be made.
    pub fn claim_folder(&mut self, name: &str) -> Result<PathBuf> {
        let (place, staged) = (self.folder.join(name), self.aside.join(name));
        if place.exists() && (!self.overwrite || !place.is_dir()) {
            return Err(Error::output("the output exists already", "输出已存在")
                .in_file(&place)
                .remedy("give --overwrite to replace it, or another folder", "用 --overwrite 覆盖,或换一个文件夹"));
        }
        std::fs::create_dir(&staged).map_err(|e| unwritable(&place, e))?;
        self.claimed.push(place);
        Ok(staged)
    }

    /// Where a claimed name is written until it is renamed.
    ///
    /// # Errors
    /// `Output` where it was not claimed.
    pub fn place(&self, path: &Path) -> Result<PathBuf> {
        let place = path.file_name().map(|n| (self.folder.join(n), self.aside.join(n)));
        match place {
            Some((p, staged)) if self.claimed.contains(&p) => Ok(staged),
            _ => Err(Error::output("the output was not claimed", "输出未登记").in_file(path)),
        }
    }

    /// Renames everything written to its place; answers the files, sorted.
    ///
    /// # Errors
    /// `Output` where a file cannot be renamed.
    pub fn commit(self) -> Result<Vec<PathBuf>> {
        let failed = |p: &Path, e: std::io::Error| {
            Error::output(format!("the output cannot be put in its place: {e}"), format!("无法将输出移到目标位置:{e}"))
                .in_file(p)
                .remedy("close programs that have the file open, and run again", "请关闭占用该文件的程序后重试")
        };
        let entries = std::fs::read_dir(&self.aside).map_err(|e| failed(&self.aside, e))?;
        let mut names = Vec::new();
        for e in entries {
            names.push(e.map_err(|e| failed(&self.aside, e))?.file_name());
        }
        names.sort();
        let mut out = Vec::new();
        for name in &names {
            let (from, to) = (self.aside.join(name), self.folder.join(name));
            self.clear(&to, &names).map_err(|e| failed(&to, e))?;
            sync(&from).map_err(|e| failed(&to, e))?;
            std::fs::rename(&from, &to).map_err(|e| failed(&to, e))?;
            out.push(to);
        }
        Ok(out)
    }

    /// Takes out of the way what renaming would not replace, or would leave as a stale companion.
    fn clear(&self, to: &Path, names: &[std::ffi::OsString]) -> std::io::Result<()> {
        if to.is_dir() {
            std::fs::remove_dir_all(to)?;
        }
        let ext = to.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let stale: Vec<PathBuf> = match ext.as_str() {
            "shp" => SHAPEFILE_SIBLINGS.iter().map(|e| to.with_extension(e)).collect(),
            "gpkg" => ["-wal", "-shm", "-journal"].iter().map(|s| suffixed(to, s)).collect(),
            _ => Vec::new(),
        };
        for s in stale {
            let staged = s.file_name().is_some_and(|n| names.iter().any(|m| m == n));
            if !staged && s.exists() {
                std::fs::remove_file(s)?;
            }
        }
        Ok(())
    }
}

/// On the disk before it takes its name, so that a power cut leaves either the old file or the whole new one.
fn sync(path: &Path) -> std::io::Result<()> {
    if path.is_file() { std::fs::File::open(path)?.sync_all() } else { Ok(()) }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut s = path.as_os_str().to_owned();
    s.push(suffix);
    s.into()
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.aside);
        if let Ok(mut open) = OPEN.lock() {
            open.retain(|d| *d != self.aside);
        }
    }
}

/// The error of a file that cannot be written, with the system's reason.
pub(crate) fn unwritable(path: &Path, why: impl std::fmt::Display) -> Error {
    if path.to_string_lossy().starts_with("PG:") {
        return Error::output(format!("cannot be written: {why}"), format!("无法写出:{why}")).in_file(path).remedy(
            "check the database's rights and free space; the transaction was undone, nothing was left behind",
            "请检查数据库权限与剩余空间;事务已回滚,未留下任何半成品",
        );
    }
    let shown = path.file_name().map_or_else(|| path.to_path_buf(), PathBuf::from);
    Error::output(format!("cannot be written: {why}"), format!("无法写出:{why}")).in_file(shown).remedy(
        "check the free space on the disk (df -h) and the right to write to the folder; nothing was left behind",
        "请检查磁盘剩余空间(df -h)与文件夹写权限;未留下任何半成品",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_without_commit_and_old_files_survive() {
        let d = tempfile::tempdir().unwrap();
        let place = d.path().join("a.txt");
        std::fs::write(&place, "old").unwrap();
        assert_eq!(Staging::beside(&place, false).unwrap().claim(&place).unwrap_err().kind.exit_code(), 4);
        {
            let mut s = Staging::beside(&place, true).unwrap();
            std::fs::write(s.claim(&place).unwrap(), "half").unwrap();
        }
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "old");
        assert_eq!(std::fs::read_dir(d.path()).unwrap().count(), 1);
        let mut s = Staging::beside(&place, true).unwrap();
        std::fs::write(s.claim(&place).unwrap(), "new").unwrap();
        assert_eq!(s.commit().unwrap(), std::slice::from_ref(&place));
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(std::fs::read_dir(d.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_shapefile_leaves_no_stale_sibling() {
        let d = tempfile::tempdir().unwrap();
        let shp = d.path().join("a.shp");
        for e in ["shp", "shx", "dbf", "qix", "cpg"] {
            std::fs::write(shp.with_extension(e), "old").unwrap();
        }
        let mut s = Staging::beside(&shp, true).unwrap();
        let staged = s.claim(&shp).unwrap();
        for e in ["shp", "shx", "dbf"] {
            std::fs::write(staged.with_extension(e), "new").unwrap();
        }
        s.commit().unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(d.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["a.dbf", "a.shp", "a.shx"]);
    }
}
