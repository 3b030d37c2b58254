use geo::{Area, Validation};
use proptest::prelude::*;

use super::*;
use crate::model::Window;

/// Patches of a small picture: `#` is class 1, `o` class 2.
fn of(picture: &[&str], connectivity: Connectivity) -> Patches {
    let (w, h) = (picture[0].len(), picture.len());
    let classes: Vec<u8> = picture
        .iter()
        .flat_map(|r| r.bytes())
        .map(|b| match b {
            b'#' => 1,
            b'o' => 2,
            _ => 0,
        })
        .collect();
    label(w, h, &classes, &vec![1.0; w * h], PatchOptions { connectivity, min_pixels: 1 }, w)
}

/// Labels a raster cut into blocks of `cut` columns.
fn label(w: usize, h: usize, classes: &[u8], values: &[f32], o: PatchOptions, cut: usize) -> Patches {
    label_pairs(w, h, classes, &[], values, o, cut)
}

/// The same with from–to classes.
fn label_pairs(
    w: usize,
    h: usize,
    classes: &[u8],
    pairs: &[u8],
    values: &[f32],
    o: PatchOptions,
    cut: usize,
) -> Patches {
    let grid = Grid { transform: [0.0, 1.0, 0.0, h as f64, 0.0, -1.0], width: w, height: h, crs: None };
    let mut l = Labeller::new(&grid, o);
    let mut all = Vec::new();
    for col in (0..w).step_by(cut) {
        let width = cut.min(w - col);
        let pick = |v: usize| (0..h).flat_map(move |r| (0..width).map(move |c| r * w + col + c)).nth(v).unwrap();
        let c: Vec<u8> = (0..width * h).map(|i| classes[pick(i)]).collect();
        let v: Vec<f32> = (0..width * h).map(|i| values[pick(i)]).collect();
        let p: Vec<u8> = if pairs.is_empty() { Vec::new() } else { (0..width * h).map(|i| pairs[pick(i)]).collect() };
        all.extend(runs(Window { col, row: 0, width, height: h }, &c, &p, &v, |c| c > 0));
    }
    let all = in_rows(all);
    for row in all.chunk_by(|a, b| a.row == b.row) {
        l.row(row);
    }
    l.finish()
}

#[test]
fn a_ring_has_a_hole_and_corners_touch() {
    let p = of(&["####.", "#..#.", "#.#..", "####."], Connectivity::Four);
    assert_eq!(p.patches.len(), 1);
    let s = &p.patches[0].shape;
    assert_eq!((s.0.len(), s.0[0].interiors().len(), p.patches[0].pixels), (1, 1, 12));
    assert_eq!(s.unsigned_area(), 12.0);
    assert!(s.is_valid());
    // the exterior runs anticlockwise from the upper left corner of the first pixel
    assert_eq!(s.0[0].exterior().0.len(), 9);
}

#[test]
fn corners_join_with_eight_neighbours_only() {
    let picture = ["#..o", ".#o.", "..#."];
    let four = of(&picture, Connectivity::Four);
    assert_eq!(four.patches.iter().map(|p| p.pixels).collect::<Vec<_>>(), [1, 1, 1, 1, 1]);
    let eight = of(&picture, Connectivity::Eight);
    assert_eq!(eight.patches.iter().map(|p| (p.class, p.pixels)).collect::<Vec<_>>(), [(1, 3), (2, 2)]);
    assert_eq!(eight.patches[0].shape.0.len(), 3);
    assert!(eight.patches.iter().all(|p| p.shape.is_valid()));
}

#[test]
fn a_spiral_joins_late() {
    let p = of(&["#.#.#", "#.#.#", "#.###", "#....", "#####"], Connectivity::Four);
    assert_eq!(p.patches.iter().map(|p| p.pixels).collect::<Vec<_>>(), [9, 7]);
    let p = of(&["#.#.#", "#.#.#", "#.###", "#...#", "#####"], Connectivity::Four);
    assert_eq!(p.patches.len(), 1);
}

#[test]
fn small_ones_are_counted() {
    let o = PatchOptions { connectivity: Connectivity::Four, min_pixels: 2 };
    let classes = [1, 0, 1, 1, 0, 1];
    let p = label(6, 1, &classes, &[-0.5, 0.0, -0.2, -0.4, 0.0, -0.1], o, 6);
    assert_eq!((p.small, p.patches.len()), ((2, 2), 1));
    let q = &p.patches[0];
    assert_eq!((q.pixels, q.min, q.max), (2, -0.4, -0.2));
    assert!((q.mean + 0.3).abs() < 1e-7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// From–to classes cut runs, not patches: shapes are the same, and of every patch they count each pixel once.
    #[test]
    fn pairs_change_no_shape(w in 1usize..14, h in 1usize..14, seed in prop::collection::vec(0u8..3, 196), pairs in prop::collection::vec(11u8..14, 196), eight: bool, cut in 1usize..14) {
        let (classes, pairs) = (&seed[..w * h], &pairs[..w * h]);
        let connectivity = if eight { Connectivity::Eight } else { Connectivity::Four };
        let o = PatchOptions { connectivity, min_pixels: 1 };
        let values = vec![1.0; w * h];
        let plain = label(w, h, classes, &values, o, w);
        let mut with = label_pairs(w, h, classes, pairs, &values, o, cut);
        let (mut counted, mut expected) = ([0; 3], [0; 3]);
        for p in &mut with.patches {
            p.pairs.iter().for_each(|(pair, n)| counted[usize::from(pair - 11)] += n);
            prop_assert_eq!(p.pairs.iter().map(|x| x.1).sum::<u64>(), p.pixels);
            p.pairs.clear();
        }
        pairs.iter().zip(classes).filter(|(_, c)| **c > 0).for_each(|(p, _)| expected[usize::from(p - 11)] += 1);
        prop_assert_eq!(with, plain);
        prop_assert_eq!(counted, expected);
    }

    /// Whatever the pixels: areas are pixel counts, shapes are valid, every pixel is in one patch, and cutting the
    /// raster into blocks changes nothing.
    #[test]
    fn shapes_are_valid_and_cover(w in 1usize..14, h in 1usize..14, seed in prop::collection::vec(0u8..3, 196), eight: bool, cut in 1usize..14) {
        let classes = &seed[..w * h];
        let connectivity = if eight { Connectivity::Eight } else { Connectivity::Four };
        let o = PatchOptions { connectivity, min_pixels: 1 };
        let values = vec![1.0; w * h];
        let p = label(w, h, classes, &values, o, w);
        prop_assert_eq!(&p, &label(w, h, classes, &values, o, cut));
        let mut covered = 0;
        for q in &p.patches {
            prop_assert!(q.shape.is_valid(), "{:?}", q.shape);
            prop_assert_eq!(q.shape.unsigned_area(), q.pixels as f64);
            covered += q.pixels;
        }
        prop_assert_eq!(covered, classes.iter().filter(|c| **c > 0).count() as u64);
        prop_assert_eq!(p.patches.len(), components(w, h, classes, eight));
    }
}

/// Number of components by flooding.
fn components(w: usize, h: usize, classes: &[u8], eight: bool) -> usize {
    let (mut seen, mut n) = (vec![false; w * h], 0);
    for start in 0..w * h {
        if classes[start] == 0 || seen[start] {
            continue;
        }
        n += 1;
        let mut stack = vec![start];
        seen[start] = true;
        while let Some(i) = stack.pop() {
            let (r, c) = ((i / w) as i64, (i % w) as i64);
            for dr in -1..=1i64 {
                for dc in -1..=1i64 {
                    let (y, x) = (r + dr, c + dc);
                    let near = eight || dr == 0 || dc == 0;
                    if near && (0..h as i64).contains(&y) && (0..w as i64).contains(&x) {
                        let k = y as usize * w + x as usize;
                        if !seen[k] && classes[k] == classes[i] {
                            seen[k] = true;
                            stack.push(k);
                        }
                    }
                }
            }
        }
    }
    n
}
