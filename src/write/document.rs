//! Documents as HTML, Word (DOCX) and Excel.

mod docx;
mod html;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::staging::unwritable;
use super::typeface::Typefaces;
use super::{Staging, xlsx};
use crate::error::{Error, Lang, Result};
use crate::model::{Document, Part, Value};
use crate::write::vector::WriteOptions;

/// Writes a document as its extension says: `.html`, `.docx`, `.xlsx` (its lists, one a sheet). Charts of a `.docx` are
/// pictures, with letters of these typefaces.
///
/// # Errors
/// `Usage` for another extension; `Output` where it cannot be written.
pub fn write(
    staging: &mut Staging,
    path: &Path,
    document: &Document,
    lang: Lang,
    time: DateTime<Utc>,
    faces: &Typefaces,
) -> Result<PathBuf> {
    let ext = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ext.as_str() {
        "html" | "htm" => {
            let place = staging.claim(path)?;
            std::fs::write(&place, html::text(document, lang)).map_err(|e| unwritable(path, e))?;
        }
        "docx" => {
            let place = staging.claim(path)?;
            let bytes = docx::bytes(document, lang, faces).map_err(|e| unwritable(path, e))?;
            std::fs::write(&place, bytes).map_err(|e| unwritable(path, e))?;
        }
        "xlsx" => {
            let lists: Vec<_> = document
                .parts
                .iter()
                .filter_map(|p| match p {
                    Part::List(t) => Some(t.clone()),
                    _ => None,
                })
                .collect();
            let options = WriteOptions { overwrite: true, encoding: None, lang, timestamp: Some(time) };
            xlsx::write_staged(staging, path, &lists, &options)?;
        }
        _ => {
            return Err(Error::usage(
                "a bulletin is a .html, .docx, .xlsx or .pdf",
                "通报须为 .html、.docx、.xlsx 或 .pdf",
            )
            .in_file(path));
        }
    }
    Ok(path.to_path_buf())
}

/// What a cell shows; control characters, which neither XML nor HTML may hold, are left out.
fn shown(v: &Value) -> String {
    v.to_display().chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

fn is_number(v: &Value) -> bool {
    matches!(v, Value::Int(_) | Value::Real(_))
}
