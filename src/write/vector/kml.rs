//! What GDAL leaves to be looked at in a KML file.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::super::staging::unwritable;
use crate::error::Result;

/// GDAL's KML writers do not say that a full disk cut their file short; the file's end does.
pub(super) fn ends_whole(staged: &Path, target: &Path) -> Result<()> {
    let end = || -> std::io::Result<Vec<u8>> {
        let mut f = std::fs::File::open(staged)?;
        let length = f.metadata()?.len();
        f.seek(SeekFrom::Start(length.saturating_sub(16)))?;
        let mut end = Vec::new();
        f.read_to_end(&mut end)?;
        Ok(end)
    };
    let end = end().map_err(|e| unwritable(target, e))?;
    if end.trim_ascii_end().ends_with(b"</kml>") { Ok(()) } else { Err(unwritable(target, "the file was cut short")) }
}
