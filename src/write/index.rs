//! Spatial indexes to files, for [`crate::read::index::open`].

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::staging::{Staging, unwritable};
use crate::error::Result;
use crate::space::index::{BoxIndex, Storage};

/// Saves an index; the file takes its name only when it is whole.
///
/// # Errors
/// `Output`, naming the file, where it exists and may not be replaced, or cannot be written.
pub fn write<S: Storage>(index: &BoxIndex<S>, path: &Path, overwrite: bool) -> Result<()> {
    let mut staging = Staging::beside(path, overwrite)?;
    let place = staging.claim(path)?;
    let (header, nodes, boxes) = index.byte_parts();
    let save = || -> std::io::Result<()> {
        let mut file = File::create(&place)?;
        file.write_all(&header)?;
        file.write_all(nodes)?;
        file.write_all(boxes)
    };
    save().map_err(|e| unwritable(path, e))?;
    staging.commit()?;
    Ok(())
}
