//! Hot pixels that touch, as one fire.

/// A hot pixel of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotPixel {
    /// Row of the image.
    pub row: u32,
    /// Column of the image.
    pub col: u32,
    /// Methods that found it, a bit each ([`super::Method::bit`]); those that were not asked for too, where they ran.
    pub methods: u8,
    /// Methods that are sure of it by itself.
    pub sure: u8,
    /// It was seen clear (a fire may show through thin cloud or smoke).
    pub clear: bool,
    /// Above its background, K; not a number where no thermal method measured it.
    pub delta_k: f32,
    /// Temperature, K; not a number where not measured.
    pub kelvin: f32,
    /// Reflectance at 2.2 µm; not a number where not measured.
    pub swir2: f32,
}

/// Groups of pixels that touch by an edge or a corner, each in the order of the pixels given, ordered by their first
/// pixel. The pixels come row by row.
pub fn clusters(pixels: &[HotPixel]) -> Vec<Vec<HotPixel>> {
    let mut parent: Vec<usize> = (0..pixels.len()).collect();
    let at = |row: u32, col: u32| pixels.binary_search_by_key(&(row, col), |p| (p.row, p.col)).ok();
    for (i, p) in pixels.iter().enumerate() {
        let before = [(0, -1), (-1, -1), (-1, 0), (-1, 1)];
        for (dr, dc) in before {
            let (Some(row), Some(col)) = (p.row.checked_add_signed(dr), p.col.checked_add_signed(dc)) else { continue };
            if let Some(j) = at(row, col) {
                let (a, b) = (root(&mut parent, i), root(&mut parent, j));
                // the earlier pixel leads, so that the order of clusters is that of their first pixels
                parent[a.max(b)] = a.min(b);
            }
        }
    }
    let mut place = vec![usize::MAX; pixels.len()];
    let mut out: Vec<Vec<HotPixel>> = Vec::new();
    for (i, p) in pixels.iter().enumerate() {
        let r = root(&mut parent, i);
        if place[r] == usize::MAX {
            place[r] = out.len();
            out.push(Vec::new());
        }
        out[place[r]].push(*p);
    }
    out
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_join_and_gaps_do_not() {
        let pixel = |(row, col): (u32, u32)| HotPixel {
            row,
            col,
            methods: 1,
            sure: 0,
            clear: true,
            delta_k: f32::NAN,
            kelvin: f32::NAN,
            swir2: f32::NAN,
        };
        // a U whose arms meet in its last row, a pixel by itself, and one on the border
        let places = [(0, 0), (1, 4), (1, 6), (2, 4), (2, 6), (3, 5), (3, 9)];
        let found = clusters(&places.map(pixel));
        let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 5, 1]);
        assert_eq!((found[1][0].row, found[1][0].col), (1, 4));
        assert!(clusters(&[]).is_empty());
    }
}
