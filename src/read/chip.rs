//! Image chips: small PNG files that go into the ledger as they are.

use std::path::Path;

use crate::error::{Error, Result};

/// Largest chip, bytes.
const LARGEST: usize = 2_000_000;

/// The bytes of a PNG; `None` where there is no such file.
///
/// # Errors
/// `Input` where it cannot be read, is no PNG, or is larger than 2 MB.
pub fn chip(path: &Path) -> Result<Option<Vec<u8>>> {
    let bytes = match std::fs::read(path) {
        Ok(b) => b,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(path, &e.to_string())),
    };
    if bytes.len() > LARGEST {
        return Err(bad(path, &format!("{} bytes, at most {LARGEST}", bytes.len())));
    }
    let whole = || -> std::result::Result<(), png::DecodingError> {
        let mut r = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info()?;
        while r.next_row()?.is_some() {}
        Ok(())
    };
    whole().map_err(|e| bad(path, &e.to_string()))?;
    Ok(Some(bytes))
}

fn bad(path: &Path, why: &str) -> Error {
    Error::input(format!("the image chip cannot be used: {why}"), format!("影像切片无法使用:{why}"))
        .in_file(path)
        .remedy("chips are PNG files of up to 2 MB", "切片须为不超过 2 MB 的 PNG")
}
