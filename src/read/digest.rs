//! Digests of inputs, for the run manifest.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A file an input consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Path as given.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Files that belong to a shapefile and change what is read from it.
const SHAPEFILE_PARTS: [&str; 4] = ["shx", "dbf", "prj", "cpg"];

/// Digests of the files of an input: the file, a shapefile's parts, or all files of a folder (FileGDB); none for a
/// database.
///
/// # Errors
/// `Input` where a file cannot be read.
pub fn digests(path: &Path) -> Result<Vec<FileDigest>> {
    if path.to_string_lossy().starts_with("PG:") {
        return Ok(Vec::new());
    }
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let failed = |e: std::io::Error| unreadable(path, &e);
        files = std::fs::read_dir(path)
            .map_err(failed)?
            .map(|e| e.map(|e| e.path()).map_err(failed))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|f| f.is_file() && f.extension().is_none_or(|e| e != "lock"));
        files.sort();
    } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp")) {
        let parts =
            SHAPEFILE_PARTS.iter().flat_map(|e| [path.with_extension(e), path.with_extension(e.to_uppercase())]);
        files.extend(parts.filter(|p| p.exists()));
    }
    files.iter().map(|f| digest(f)).collect()
}

/// The digest of one file.
///
/// # Errors
/// `Input` where it cannot be read.
pub fn digest(path: &Path) -> Result<FileDigest> {
    let mut file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0u64, vec![0u8; 1 << 20]);
    loop {
        let n = file.read(&mut buffer).map_err(|e| unreadable(path, &e))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
    }
    let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(FileDigest { path: path.to_path_buf(), bytes, sha256 })
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}"))
        .in_file(path)
        .remedy("check the path and the right to read it", "请检查路径与读取权限")
}

/// Version of the GDAL library.
pub fn gdal_version() -> String {
    gdal::version::version_info("RELEASE_NAME")
}

/// Version of GEOS, as GDAL was built with it; `None` where GDAL does not say.
pub fn geos_version() -> Option<String> {
    let info = gdal::version::version_info("BUILD_INFO");
    info.lines().find_map(|l| l.strip_prefix("GEOS_VERSION=").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_fips_180_4() {
        let d = tempfile::tempdir().unwrap();
        let f = d.path().join("abc");
        std::fs::write(&f, "abc").unwrap();
        let got = digests(&f).unwrap();
        assert_eq!(got[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(got[0].bytes, 3);
    }
}
