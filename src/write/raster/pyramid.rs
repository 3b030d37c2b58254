//! Overviews that grow while the image is written: of each level one row of tiles is held, not more.

use rayon::prelude::*;

use super::encode::{halve, pack_tiles};
use super::{Overviews, RasterHead, TILE, Writable};
use crate::model::Window;

/// The overviews of one band.
#[derive(Debug)]
pub(super) struct Pyramid<T> {
    levels: Vec<Level<T>>,
    how: Overviews,
    nodata: Option<T>,
}

/// One overview: the rows of tiles that are not complete yet.
#[derive(Debug)]
struct Level<T> {
    width: usize,
    height: usize,
    /// Row of tiles, pixels of it that are there, pixels.
    rows: Vec<(usize, usize, Vec<T>)>,
}

/// Level (0 is the image), column and row of the tile, bytes.
pub(super) type Done = (usize, (usize, usize), Vec<u8>);

impl<T: Writable> Pyramid<T> {
    pub fn new(sizes: &[(usize, usize)], how: Overviews, nodata: Option<T>) -> Self {
        let levels = sizes[1..].iter().map(|&(width, height)| Level { width, height, rows: Vec::new() }).collect();
        Self { levels, how, nodata }
    }

    /// Adds pixels to a level; answers the tiles that are complete by them, on this level and those above.
    pub fn put(&mut self, level: usize, w: Window, pixels: &[T], head: &RasterHead) -> Vec<Done> {
        let Some(l) = self.levels.get_mut(level) else { return Vec::new() };
        let mut whole = Vec::new();
        let mut r = 0;
        while r < w.height {
            let tile_row = (w.row + r) / TILE;
            let rows = ((tile_row + 1) * TILE - w.row - r).min(w.height - r);
            let part = Window { row: w.row + r, height: rows, ..w };
            if let Some(done) = l.add(tile_row, part, &pixels[r * w.width..(r + rows) * w.width]) {
                whole.push((tile_row, done));
            }
            r += rows;
        }
        let (width, height) = (l.width, l.height);
        let mut out = Vec::new();
        for (tile_row, pixels) in whole {
            let row = tile_row * TILE;
            let w = Window { col: 0, row, width, height: (height - row).min(TILE) };
            let columns: Vec<usize> = (0..width).step_by(TILE).collect();
            let packed: Vec<Done> = columns
                .into_par_iter()
                .flat_map_iter(|c| {
                    let one = Window { col: c, width: (width - c).min(TILE), ..w };
                    let cut: Vec<T> =
                        pixels.chunks_exact(width).flat_map(|r| r[c..c + one.width].iter().copied()).collect();
                    pack_tiles(head.packing, one, &cut, self.nodata)
                })
                .map(|(at, bytes)| (level + 1, at, bytes))
                .collect();
            out.extend(packed);
            if level + 1 < self.levels.len() {
                let (half, halved) = halve(w, &pixels, self.nodata, self.how);
                out.extend(self.put(level + 1, half, &halved, head));
            }
        }
        out
    }
}

impl<T: Writable> Level<T> {
    /// Adds pixels to a row of tiles; answers the row once it is complete.
    fn add(&mut self, tile_row: usize, w: Window, pixels: &[T]) -> Option<Vec<T>> {
        let first = tile_row * TILE;
        let rows = (self.height - first).min(TILE);
        let i = self.rows.iter().position(|r| r.0 == tile_row).unwrap_or_else(|| {
            self.rows.push((tile_row, 0, vec![T::default(); self.width * rows]));
            self.rows.len() - 1
        });
        let (_, there, row) = &mut self.rows[i];
        for (k, line) in pixels.chunks_exact(w.width).enumerate() {
            let at = (w.row + k - first) * self.width + w.col;
            row[at..at + w.width].copy_from_slice(line);
        }
        *there += pixels.len();
        (*there == self.width * rows).then(|| self.rows.swap_remove(i).2)
    }
}
