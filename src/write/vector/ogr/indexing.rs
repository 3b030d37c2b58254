//! The spatial index of a large layer of a GeoPackage: GDAL's upkeep of it is stopped after the first batch of rows, and the
//! whole of it is packed at the end ([`super::super::rtree`]). Small layers are GDAL's own affair.

use std::ffi::CStr;
use std::ptr::{null, null_mut};

use geo::Geometry;

use super::super::rtree::Boxes;
use super::{Output, c_string};
use crate::error::Result;
use crate::write::staging::unwritable;

/// Boxes that are kept in memory for an index that waits: 24 bytes each.
const MOST_BOXES: usize = 4_000_000;

/// How the spatial index of the layer comes about.
#[derive(Default)]
pub(super) struct Indexing {
    boxes: Boxes,
    /// Statements that make SQLite keep the index up to date again; none while GDAL sees to it.
    triggers: Vec<String>,
}

impl Indexing {
    /// Adds a feature.
    pub fn push(&mut self, fid: i64, g: Option<&Geometry<f64>>) {
        self.boxes.push(fid, g);
    }
}

impl Output<'_> {
    /// Ends a batch of a file's layer and begins the next; from the second on the index waits for the end.
    pub fn next_batch(&mut self, layer: &str) -> Result<()> {
        self.commit(layer)?;
        if self.boxes.as_ref().is_some_and(|i| i.triggers.is_empty()) {
            self.stop_indexing(layer)?;
        } else if self.boxes.as_ref().is_some_and(|i| i.boxes.len() > MOST_BOXES) {
            self.pack_index(layer)?;
        }
        self.begin();
        Ok(())
    }

    /// Ends a file's layer.
    pub fn end_layer(&mut self, layer: &str) -> Result<()> {
        self.commit(layer)?;
        self.pack_index(layer)
    }

    /// Takes the triggers away that enter each new row into the index; where there are none, GDAL sees to the index.
    fn stop_indexing(&mut self, layer: &str) -> Result<()> {
        let names = layer.replace('\'', "''");
        // any statement makes GDAL create what it has put off
        let sql = format!(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{names}' AND name LIKE 'rtree\\_%' ESCAPE '\\' ORDER BY name"
        );
        self.execute(layer, "SELECT 1")?;
        let triggers = self.execute(layer, &sql)?;
        if !triggers.iter().any(|t| t[0] == format!("rtree_{layer}_geom_insert")) {
            self.boxes = None;
            return Ok(());
        }
        for t in &triggers {
            self.execute(layer, &format!("DROP TRIGGER \"{}\"", t[0].replace('"', "\"\"")))?;
        }
        if let Some(i) = &mut self.boxes {
            i.triggers = triggers.into_iter().map(|[_, sql]| sql).collect();
        }
        Ok(())
    }

    /// Writes the index of all rows so far, where it waits, and leaves it to SQLite from now on.
    fn pack_index(&mut self, layer: &str) -> Result<()> {
        let Some(i) = self.boxes.take().filter(|i| !i.triggers.is_empty()) else { return Ok(()) };
        self.begin();
        for sql in i.boxes.statements(&format!("rtree_{layer}_geom")).iter().chain(&i.triggers) {
            self.execute(layer, sql)?;
        }
        self.commit(layer)
    }

    /// Runs a statement of SQLite; the first two columns of its answer as text.
    fn execute(&self, layer: &str, sql: &str) -> Result<Vec<[String; 2]>> {
        crate::gdal_log::take();
        let text = c_string(sql);
        let mut out = Vec::new();
        // SAFETY: the dataset is open; the answer and its features are released here, texts are copied before
        unsafe {
            let answer = gdal_sys::GDALDatasetExecuteSQL(self.handle, text.as_ptr(), null_mut(), null());
            if !answer.is_null() {
                loop {
                    let f = gdal_sys::OGR_L_GetNextFeature(answer);
                    if f.is_null() {
                        break;
                    }
                    let n = gdal_sys::OGR_F_GetFieldCount(f);
                    let field = |i: i32| match i < n {
                        true => CStr::from_ptr(gdal_sys::OGR_F_GetFieldAsString(f, i)).to_string_lossy().into_owned(),
                        false => String::new(),
                    };
                    out.push([field(0), field(1)]);
                    gdal_sys::OGR_F_Destroy(f);
                }
                gdal_sys::GDALDatasetReleaseResultSet(self.handle, answer);
            }
        }
        match crate::gdal_log::take().pop() {
            None => Ok(out),
            Some(why) => Err(unwritable(self.target, why).in_layer(layer)),
        }
    }
}
