//! Text files: manifests, notes, ready-made GeoJSON.

use std::path::Path;

use super::Staging;
use super::staging::unwritable;
use crate::error::Result;

/// Writes a text file, beside its place first.
///
/// # Errors
/// `Output` where it exists and may not be replaced, or cannot be written.
pub fn write(path: &Path, text: &str, overwrite: bool) -> Result<()> {
    let mut staging = Staging::beside(path, overwrite)?;
    write_staged(&mut staging, path, text)?;
    staging.commit().map(|_| ())
}

/// Writes a text file into a run's staging.
///
/// # Errors
/// As [`write()`].
pub fn write_staged(staging: &mut Staging, path: &Path, text: &str) -> Result<()> {
    write_bytes_staged(staging, path, text.as_bytes())
}

/// Writes a file as it is into a run's staging.
///
/// # Errors
/// As [`write()`].
pub fn write_bytes_staged(staging: &mut Staging, path: &Path, bytes: &[u8]) -> Result<()> {
    let staged = staging.claim(path)?;
    std::fs::write(&staged, bytes).map_err(|e| unwritable(path, e))
}
