//! The spatial index of a large layer of a GeoPackage, packed in one go.
//!
//! GDAL asks SQLite to insert box after box, which takes longer than writing the rows. Here the boxes are sorted into tiles
//! (sort-tile-recursive; Leutenegger, Lopez & Edgington 1997) and the nodes of SQLite's R-tree are written whole: its tables
//! `_node`, `_rowid` and `_parent`, and the form of a node, are those that SQLite's documentation and `rtreecheck()` describe.

use geo::{BoundingRect, Geometry, Rect};
use rayon::prelude::*;

/// Cells of a node: what SQLite takes for two dimensions and pages of 4096 bytes.
const CELLS: usize = 51;
/// Bytes of a node: depth and number of cells, then a number of 8 bytes and four of 4 for each cell.
const BYTES: usize = 4 + 24 * CELLS;
/// Rows of numbers in one statement.
const ROWS: usize = 1000;
/// Nodes in one statement.
const NODES: usize = 50;

/// A number, and least and greatest x, least and greatest y.
type Cell = (i64, [f32; 4]);

/// Boxes of the features of a layer.
#[derive(Debug, Default)]
pub(super) struct Boxes(Vec<Cell>);

impl Boxes {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a feature; none without extent.
    pub fn push(&mut self, fid: i64, g: Option<&Geometry<f64>>) {
        if let Some(r) = g.and_then(Geometry::bounding_rect) {
            self.0.push((fid, outwards(&r)));
        }
    }

    /// The statements that make the tree `table` hold these boxes and no others.
    pub fn statements(self, table: &str) -> Vec<String> {
        let tree = packed(self.0);
        let table = table.replace('"', "\"\"");
        let mut out: Vec<String> =
            ["node", "rowid", "parent"].iter().map(|t| format!("DELETE FROM \"{table}_{t}\"")).collect();
        let node = |(no, bytes): &(i64, Vec<u8>)| format!("({no},X'{}')", hex(bytes));
        let pair = |(a, b): &(i64, i64)| format!("({a},{b})");
        let insert =
            |into: &str, rows: Vec<String>| format!("INSERT INTO \"{table}_{into}\" VALUES {}", rows.join(","));
        out.extend(tree.nodes.chunks(NODES).map(|c| insert("node", c.iter().map(node).collect())));
        let of = |list: &[(i64, i64)]| list.iter().map(pair).collect::<Vec<_>>();
        out.extend(tree.rows.chunks(ROWS).map(|c| insert("rowid", of(c))));
        out.extend(tree.parents.chunks(ROWS).map(|c| insert("parent", of(c))));
        out
    }
}

/// Nodes by number; the node of each feature; the node above each node.
struct Tree {
    nodes: Vec<(i64, Vec<u8>)>,
    rows: Vec<(i64, i64)>,
    parents: Vec<(i64, i64)>,
}

fn packed(mut cells: Vec<Cell>) -> Tree {
    let by = |k: usize| move |a: &Cell, b: &Cell| a.1[k].total_cmp(&b.1[k]).then(a.0.cmp(&b.0));
    let leaves = cells.len().div_ceil(CELLS);
    let column = ((leaves as f64).sqrt().ceil() as usize).max(1) * CELLS;
    cells.par_sort_unstable_by(by(0));
    cells.par_chunks_mut(column).for_each(|c| c.sort_unstable_by(by(2)));
    let mut tree = Tree { nodes: Vec::new(), rows: Vec::new(), parents: Vec::new() };
    let (mut depth, mut next) = (0u16, 2i64);
    loop {
        let root = cells.len() <= CELLS;
        let list = if depth == 0 { &mut tree.rows } else { &mut tree.parents };
        let mut above = Vec::with_capacity(cells.len() / CELLS + 1);
        // an empty tree is an empty root
        let groups: Vec<&[Cell]> = if cells.is_empty() { vec![&[]] } else { cells.chunks(CELLS).collect() };
        for group in groups {
            let no = if root { 1 } else { next };
            next += i64::from(!root);
            list.extend(group.iter().map(|c| (c.0, no)));
            tree.nodes.push((no, node(if root { depth } else { 0 }, group)));
            let all = group
                .iter()
                .map(|c| c.1)
                .reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].max(b[3])]);
            above.extend(all.map(|b| (no, b)));
        }
        if root {
            break;
        }
        (cells, depth) = (above, depth + 1);
    }
    tree.nodes.sort_unstable_by_key(|n| n.0);
    tree.rows.par_sort_unstable();
    tree
}

/// A node: its depth where it is the root, the number of its cells, the cells; all numbers big-endian.
fn node(depth: u16, cells: &[Cell]) -> Vec<u8> {
    let mut out = Vec::with_capacity(BYTES);
    out.extend(depth.to_be_bytes());
    out.extend((cells.len() as u16).to_be_bytes());
    for (no, b) in cells {
        out.extend(no.to_be_bytes());
        b.iter().for_each(|v| out.extend(v.to_be_bytes()));
    }
    out.resize(BYTES, 0);
    out
}

/// A box in single precision that holds the box, as SQLite rounds: by a factor next to 1.
fn outwards(r: &Rect<f64>) -> [f32; 4] {
    const STEP: f64 = 1.0 / 8_388_608.0;
    let down = |v: f64| {
        let f = v as f32;
        if f64::from(f) > v { (v * if v < 0.0 { 1.0 + STEP } else { 1.0 - STEP }) as f32 } else { f }
    };
    let up = |v: f64| {
        let f = v as f32;
        if f64::from(f) < v { (v * if v < 0.0 { 1.0 - STEP } else { 1.0 + STEP }) as f32 } else { f }
    };
    [down(r.min().x), up(r.max().x), down(r.min().y), up(r.max().y)]
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Point, point};

    #[test]
    fn every_number_of_boxes_makes_a_tree_that_sqlite_finds_whole() {
        for n in [0, 1, 51, 52, 51 * 51, 51 * 51 + 1, 7000] {
            let db = rusqlite::Connection::open_in_memory().unwrap();
            db.execute_batch("CREATE VIRTUAL TABLE r USING rtree(id, minx, maxx, miny, maxy)").unwrap();
            let size: i64 = db.query_row("SELECT length(data) FROM r_node", [], |r| r.get(0)).unwrap();
            assert_eq!(size, BYTES as i64);
            let at = |i: i64| point!(x: 106.0 + (i * 7919 % 1009) as f64 * 1e-3, y: -39.0 - (i * 104_729 % 997) as f64 * 1e-3);
            let mut boxes = Boxes::default();
            (1..=n).for_each(|i| boxes.push(i, Some(&Geometry::Point(at(i)))));
            boxes.push(n + 1, None);
            assert_eq!(boxes.len() as i64, n);
            boxes.statements("r").iter().for_each(|s| db.execute_batch(s).unwrap());
            let check: String = db.query_row("SELECT rtreecheck('r')", [], |r| r.get(0)).unwrap();
            assert_eq!(check, "ok", "{n}");
            let q = [106.2, 106.4, -39.5, -39.3];
            let inside = |p: Point<f64>| p.x() >= q[0] && p.x() <= q[1] && p.y() >= q[2] && p.y() <= q[3];
            let sql = "SELECT id FROM r WHERE maxx >= ?1 AND minx <= ?2 AND maxy >= ?3 AND miny <= ?4";
            let mut s = db.prepare(sql).unwrap();
            let found: std::collections::BTreeSet<i64> =
                s.query_map(q, |r| r.get(0)).unwrap().map(Result::unwrap).collect();
            let wanted = (1..=n).filter(|i| inside(at(*i)));
            assert!(wanted.clone().all(|i| found.contains(&i)), "{n}");
            assert!(found.len() <= wanted.count() + 12);
            // rows come and go afterwards as in any R-tree
            db.execute_batch("INSERT INTO r VALUES (100000, 1, 2, 3, 4); DELETE FROM r WHERE id = 3").unwrap();
            let check: String = db.query_row("SELECT rtreecheck('r')", [], |r| r.get(0)).unwrap();
            assert_eq!(check, "ok", "{n}");
        }
    }

    #[test]
    fn boxes_are_rounded_outwards() {
        let r = Rect::new(point!(x: -0.1, y: 0.1).0, point!(x: -0.05, y: 0.3).0);
        let [a, b, c, d] = outwards(&r).map(f64::from);
        assert!(a <= -0.1 && b >= -0.05 && c <= 0.1 && d >= 0.3);
        assert!(a > -0.100_001 && b < -0.049_999 && c > 0.099_999 && d < 0.300_001);
    }
}
