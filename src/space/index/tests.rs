//! Every query against brute force, on boxes that are empty, equal, touching, points, huge and tiny.

use std::cmp::Ordering;

use geo::{Coord, Rect};
use proptest::prelude::*;

use super::node::{Bounds, Frame, Lanes, Node, Point, Portable, WIDTH, Window, Work, down, fill, on_lanes, up};
use super::*;
use crate::space::distance::point_rect2;

fn rect(x: f64, y: f64, w: f64, h: f64) -> Rect<f64> {
    Rect::new(Coord { x, y }, Coord { x: x + w, y: y + h })
}

/// Coordinates of one kind: whole numbers that touch and repeat, any numbers, far from the origin, of all sizes.
fn coordinate(kind: u8) -> BoxedStrategy<f64> {
    let exact = || (-8..8i32).prop_map(f64::from);
    match kind {
        0 => exact().boxed(),
        1 => (-100.0..100.0f64).boxed(),
        2 => (0..64u32).prop_map(|i| 4_321_000.0 + f64::from(i) * 1e-3).boxed(),
        3 => prop_oneof![
            exact(),
            -1e300..1e300f64,
            -1e-300..1e-300f64,
            -1e20..1e20f64,
            Just(-0.0),
            Just(f64::MAX),
            Just(f64::MIN)
        ]
        .boxed(),
        _ => (110.0..110.001f64).boxed(),
    }
}

fn a_box(kind: u8) -> BoxedStrategy<Rect<f64>> {
    let c = move || coordinate(kind);
    let corners = (c(), c(), c(), c()).prop_map(|(a, b, x, y)| Rect::new(Coord { x: a, y: b }, Coord { x, y }));
    let point = (c(), c()).prop_map(|(x, y)| Rect::new(Coord { x, y }, Coord { x, y }));
    let small = (c(), c(), 0.0..2.0f64, 0.0..2.0f64).prop_map(|(x, y, w, h)| rect(x, y, w, h));
    prop_oneof![1 => corners, 2 => point, 4 => small].prop_filter("finite", finite).boxed()
}

fn finite(r: &Rect<f64>) -> bool {
    packed::finite(r)
}

/// Boxes, others of the same kind, and points among them.
type Scene = (Vec<Rect<f64>>, Vec<Rect<f64>>, Vec<Coord<f64>>);

fn scene() -> impl Strategy<Value = Scene> {
    let size = prop_oneof![1 => Just(0..2usize), 3 => Just(0..40), 3 => Just(240..700)];
    (0..5u8, size, any::<bool>()).prop_flat_map(|(kind, size, equal)| {
        let boxes = prop::collection::vec(a_box(kind), size).prop_map(move |mut v| {
            if let (true, Some(&first)) = (equal && v.len() % 3 == 0, v.first()) {
                v.fill(first);
            }
            v
        });
        let point = (coordinate(kind), coordinate(kind)).prop_map(|(x, y)| Coord { x, y });
        (boxes, prop::collection::vec(a_box(kind), 1..60), prop::collection::vec(point, 1..8))
    })
}

fn meet(a: &Rect<f64>, b: &Rect<f64>) -> bool {
    a.min().x <= b.max().x && a.max().x >= b.min().x && a.min().y <= b.max().y && a.max().y >= b.min().y
}

fn brute_window(boxes: &[Rect<f64>], w: &Rect<f64>) -> Vec<u32> {
    (0..boxes.len() as u32).filter(|&i| meet(&boxes[i as usize], w)).collect()
}

fn brute_nearest(boxes: &[Rect<f64>], k: usize, measure: impl Fn(&Rect<f64>) -> f64) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f64)> = boxes.iter().enumerate().map(|(i, r)| (i as u32, measure(r))).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

fn pairs(near: &[Neighbour]) -> Vec<(u32, f64)> {
    near.iter().map(|n| (n.item, n.distance)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn windows_equal_brute_force((boxes, windows, _) in scene()) {
        let index = BoxIndex::build(&boxes).unwrap();
        prop_assert_eq!(index.len(), boxes.len());
        let all = index.windows(&windows);
        for (i, w) in windows.iter().enumerate() {
            let brute = brute_window(&boxes, w);
            prop_assert_eq!(&index.window(w), &brute);
            prop_assert_eq!(all.get(i), &brute[..]);
            prop_assert_eq!(index.count_in(w), brute.len());
            prop_assert_eq!(index.any_in(w), !brute.is_empty());
            let mut visited = Vec::new();
            index.for_each_in(w, |i| visited.push(i));
            let mut listed = vec![7];
            index.window_unsorted(w, &mut listed);
            prop_assert_eq!(&visited, &listed[1..]);
            visited.sort_unstable();
            prop_assert_eq!(visited, brute);
        }
    }

    #[test]
    fn nearest_equal_brute_force((boxes, _, points) in scene(), k in 0..20usize) {
        let index = BoxIndex::build(&boxes).unwrap();
        let all = index.nearest_k_each(&points, k);
        for (i, &p) in points.iter().enumerate() {
            let root = |v: Vec<(u32, f64)>| v.into_iter().map(|(i, d)| (i, d.sqrt())).collect::<Vec<_>>();
            // sorted by the square: roots of unequal squares can be equal
            let brute = root(brute_nearest(&boxes, k, |r| point_rect2(p, r)));
            prop_assert_eq!(pairs(&index.nearest_k(p, k)), &brute[..]);
            prop_assert_eq!(pairs(all.get(i)), brute);
            let one = root(brute_nearest(&boxes, 1, |r| point_rect2(p, r)));
            prop_assert_eq!(pairs(index.nearest(p).as_slice()), one);
            let along_x = |r: &Rect<f64>| (r.min().x - p.x).max(p.x - r.max().x).max(0.0);
            prop_assert_eq!(pairs(&index.nearest_k_by(k, along_x)), brute_nearest(&boxes, k, along_x));
        }
    }

    #[test]
    fn best_first_and_within_equal_brute_force((boxes, _, points) in scene(), limit in 0.0..30.0f64) {
        let index = BoxIndex::build(&boxes).unwrap();
        for &p in &points {
            let (mut best, mut last) = (f64::INFINITY, 0.0);
            index.nearest_first(|r| point_rect2(p, r), |_, b| {
                assert!(b >= last, "bounds grow");
                last = b;
                best = best.min(b);
                best
            });
            let brute = boxes.iter().map(|r| point_rect2(p, r)).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(best, brute);
            best = f64::INFINITY;
            index.near_first(|r| point_rect2(p, r), |_, b| {
                best = best.min(b);
                best
            });
            prop_assert_eq!(best, brute);
            let mut seen = Vec::new();
            index.near_first(|r| point_rect2(p, r), |i, _| { seen.push(i); f64::INFINITY });
            seen.sort_unstable();
            prop_assert_eq!(&seen, &(0..boxes.len() as u32).collect::<Vec<_>>());
            seen.clear();
            index.nearest_first(|r| point_rect2(p, r), |i, _| { seen.push(i); f64::INFINITY });
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..boxes.len() as u32).collect::<Vec<_>>());
            let near: Vec<u32> = (0..boxes.len() as u32).filter(|&i| point_rect2(p, &boxes[i as usize]) <= limit).collect();
            prop_assert_eq!(index.within(limit, |r| point_rect2(p, r)), near);
        }
    }

    #[test]
    fn joins_equal_brute_force((a, b, _) in scene()) {
        let (ia, ib) = (BoxIndex::build(&a).unwrap(), BoxIndex::build(&b).unwrap());
        let mut brute: Vec<(u32, u32)> =
            b.iter().zip(0..).flat_map(|(r, j)| brute_window(&a, r).into_iter().map(move |i| (i, j))).collect();
        let mut joined = ia.join(&ib);
        joined.sort_unstable();
        brute.sort_unstable();
        prop_assert_eq!(&joined, &brute);
        let mut back: Vec<(u32, u32)> = ib.join(&ia).into_iter().map(|(j, i)| (i, j)).collect();
        back.sort_unstable();
        prop_assert_eq!(back, brute);
    }

    #[test]
    fn saved_and_taken_up_again_answers_alike((boxes, windows, points) in scene()) {
        let index = BoxIndex::build(&boxes).unwrap();
        let bytes = index.to_bytes();
        let copy = BoxIndex::copied_from(&bytes).unwrap();
        let aligned = Aligned::of(&bytes);
        let view = BoxIndex::from_bytes(aligned.bytes()).unwrap();
        view.verify().unwrap();
        prop_assert_eq!(view.extent(), index.extent());
        prop_assert_eq!(copy.to_bytes(), &bytes[..]);
        for w in &windows {
            prop_assert_eq!(view.window(w), index.window(w));
        }
        for &p in &points {
            prop_assert_eq!(view.nearest_k(p, 5), index.nearest_k(p, 5));
        }
        prop_assert_eq!(view.join(&copy), index.join(&index));
    }

    #[test]
    fn what_grows_and_shrinks_equals_brute_force(
        (start, more, points) in scene().prop_filter("within range", |s| {
            s.0.iter().chain(&s.1).all(|r| [r.min().x, r.min().y, r.max().x, r.max().y].iter().all(|v| v.abs() < 1e150))
                && s.2.iter().all(|p| p.x.abs() < 1e150 && p.y.abs() < 1e150)
        }),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut index = DynamicIndex::of(&start).unwrap();
        let mut kept: Vec<Option<Rect<f64>>> = start.iter().copied().map(Some).collect();
        for (i, r) in more.iter().enumerate() {
            prop_assert_eq!(index.insert(r).unwrap() as usize, kept.len());
            kept.push(Some(*r));
            if let Some(which) = removed.get(i) {
                let item = which.index(kept.len());
                prop_assert_eq!(index.remove(item as u32), kept[item].take());
            }
        }
        let left: Vec<(u32, Rect<f64>)> = kept.iter().zip(0..).filter_map(|(r, i)| Some((i, (*r)?))).collect();
        prop_assert_eq!(index.len(), left.len());
        for w in &more {
            let brute: Vec<u32> = left.iter().filter(|(_, r)| meet(r, w)).map(|(i, _)| *i).collect();
            prop_assert_eq!(index.window(w), brute);
        }
        for &p in &points {
            let mut brute: Vec<(u32, f64)> = left.iter().map(|(i, r)| (*i, point_rect2(p, r))).collect();
            brute.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            brute.iter_mut().for_each(|b| b.1 = b.1.sqrt());
            brute.truncate(6);
            prop_assert_eq!(pairs(&index.nearest_k(p, 6)), brute);
        }
    }

    /// The rounded bounds enclose the exact ones and keep their order.
    #[test]
    fn rounding_keeps_order(a in coordinate(3), b in coordinate(3), origin in prop_oneof![Just(0.0), -1e6..1e6f64, -1e-3..1e-3f64]) {
        for v in [a, b] {
            prop_assert!(down(v, origin) <= up(v, origin));
            // where a double holds the difference exactly, both sides can be compared with it
            if (v - origin) + origin == v && v - (v - origin) == origin {
                prop_assert!(f64::from(down(v, origin)) <= v - origin && v - origin <= f64::from(up(v, origin)));
            }
        }
        if a <= b {
            prop_assert!(down(a, origin) <= down(b, origin) && up(a, origin) <= up(b, origin));
        }
    }

    /// Whatever lanes this processor has decide as the portable ones do.
    #[test]
    fn lanes_agree(boxes in prop::collection::vec(a_box(0), 0..=WIDTH), w in a_box(0), x in coordinate(0), limit in 0.0..50.0f32) {
        let frame = Frame { x: 0.5, y: 0.0 };
        let bounds: Vec<Bounds> = boxes.iter().map(packed::bounds_of).collect();
        let mut node: Node = bytemuck::Zeroable::zeroed();
        fill(&mut node, &bounds, |i| i as u32, &frame);
        let masks = Masks { node, window: Window::new(packed::bounds_of(&w), &frame), point: Point::new(Coord { x, y: x }, &frame), limit };
        prop_assert_eq!(on_lanes(masks), masks.run::<Portable>());
    }
}

#[derive(Clone, Copy)]
struct Masks {
    node: Node,
    window: Window,
    point: Point,
    limit: f32,
}

impl Work for Masks {
    type Output = ([u32; 3], [u32; WIDTH], u32);

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let (n, w) = (&self.node, &self.window);
        let (bounds, near) = L::near(n, &self.point, self.limit);
        // unused lanes may hold anything
        let used = std::array::from_fn(|i| if n.lo_x[i].is_nan() { 0 } else { bounds[i].to_bits() });
        ([L::may_meet(n, w), L::surely_meet(n, w), L::surely_within(n, w)], used, near)
    }
}

/// Bytes at a multiple of 64.
struct Aligned(Vec<Node>, usize);

impl Aligned {
    fn of(bytes: &[u8]) -> Self {
        let mut v: Vec<Node> = bytemuck::zeroed_vec(bytes.len().div_ceil(size_of::<Node>()));
        bytemuck::cast_slice_mut::<_, u8>(&mut v)[..bytes.len()].copy_from_slice(bytes);
        Self(v, bytes.len())
    }
    fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.0)[..self.1]
    }
}

/// 10^8 - 10^-9 is 10^8 in double precision, but less than it in truth; the next single-precision number is 8 below.
#[test]
fn differences_are_rounded_from_their_true_value() {
    assert_eq!((down(1e8, 1e-9), up(1e8, 1e-9)), (99_999_992.0, 1e8));
    assert_eq!((down(1e8, -1e-9), up(1e8, -1e-9)), (1e8, 100_000_008.0));
    assert_eq!((down(0.0, 0.0), up(-0.0, 0.0)), (0.0, 0.0));
    assert_eq!((down(1e300, 0.0), up(1e300, 0.0)), (f32::MAX, f32::INFINITY));
}

#[test]
fn unfit_boxes_are_refused() {
    let good = rect(0.0, 0.0, 1.0, 1.0);
    for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let bad = Rect::new(Coord { x: 0.0, y: 0.0 }, Coord { x: 1.0, y: bad });
        assert_eq!(BoxIndex::build(&[good, good, bad]).unwrap_err(), IndexError::NotFinite(2));
        assert_eq!(DynamicIndex::of(&[good, bad]).unwrap_err(), IndexError::NotFinite(1));
        let mut grown = DynamicIndex::default();
        assert_eq!(grown.insert(&bad).unwrap_err(), IndexError::NotFinite(0));
        assert!(grown.is_empty());
    }
    assert_eq!(DynamicIndex::of(&[rect(0.0, 0.0, 1e151, 1.0)]).unwrap_err(), IndexError::TooLarge(0));
}

#[test]
fn points_and_windows_that_are_no_place_meet_nothing() {
    let index = BoxIndex::build(&[rect(0.0, 0.0, 1.0, 1.0); 40]).unwrap();
    let grown = DynamicIndex::of(&[rect(0.0, 0.0, 1.0, 1.0)]).unwrap();
    for x in [f64::NAN, f64::INFINITY] {
        assert_eq!(index.nearest(Coord { x, y: 0.0 }), None);
        assert_eq!(grown.nearest(Coord { x, y: 0.0 }), None);
    }
    let nowhere = Rect::new(Coord { x: f64::NAN, y: 0.0 }, Coord { x: f64::NAN, y: 1.0 });
    assert_eq!((index.window(&nowhere), grown.window(&nowhere)), (vec![], vec![]));
    let everywhere =
        Rect::new(Coord { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY }, Coord { x: f64::INFINITY, y: f64::INFINITY });
    assert_eq!(index.count_in(&everywhere), 40);
    assert!(BoxIndex::build(&[]).unwrap().nearest_k(Coord { x: 0.0, y: 0.0 }, 3).is_empty());
}

/// The order of the index, which `for_each_in` and `join` show, is the same with one thread and with many.
#[test]
fn threads_change_nothing() {
    let boxes: Vec<Rect<f64>> =
        (0..40_000u32).map(|i| rect(f64::from(i * 7919 % 1009), f64::from(i * 104_729 % 997), 0.5, 1.5)).collect();
    let queries: Vec<Rect<f64>> =
        (0..3000u32).map(|i| rect(f64::from(i % 1000), f64::from(i % 900), 15.0, 13.0)).collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let index = BoxIndex::build(&boxes).unwrap();
            let other = BoxIndex::build(&queries).unwrap();
            (index.to_bytes(), index.join(&other), index.windows(&queries))
        })
    };
    let (one, four) = (run(1), run(4));
    assert!(one.1.len() > 10_000 && one.2.values().len() == one.1.len());
    assert!(one == four);
}

#[test]
fn damaged_bytes_are_an_error() {
    let boxes: Vec<Rect<f64>> = (0..300u32).map(|i| rect(f64::from(i % 17), f64::from(i % 23), 1.0, 1.0)).collect();
    let bytes = BoxIndex::build(&boxes).unwrap().to_bytes();
    let open = |b: &[u8]| BoxIndex::from_bytes(Aligned::of(b).bytes()).map(|i| i.verify());
    assert_eq!(open(&bytes), Ok(Ok(())));
    for cut in (0..bytes.len()).step_by(13) {
        let e = open(&bytes[..cut]).unwrap_err();
        let whole = bytes.len() as u64;
        match cut {
            0..8 => assert_eq!(e, BytesError::Foreign),
            8..128 => assert_eq!(e, BytesError::Length { expected: 128, found: cut as u64 }),
            _ => assert_eq!(e, BytesError::Length { expected: whole, found: cut as u64 }),
        }
        assert!(BoxIndex::copied_from(&bytes[..cut]).is_err());
    }
    for at in 0..bytes.len() {
        let mut b = bytes.clone();
        b[at] ^= 0x10;
        match at {
            0..128 => assert!(open(&b).is_err(), "byte {at}"),
            _ => assert_eq!(open(&b), Ok(Err(BytesError::Body)), "byte {at}"),
        }
        assert!(BoxIndex::copied_from(&b).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(open(&longer), Err(BytesError::Length { .. })));
    let mut other = bytes.clone();
    other[12..16].reverse();
    assert_eq!(open(&other).unwrap_err(), BytesError::ByteOrder);
    other = bytes.clone();
    other[8] = 9;
    assert_eq!(open(&other).unwrap_err(), BytesError::Version(u32::from_ne_bytes([9, 0, 0, 0])));
    let shifted = [&[0; 4], &bytes[..]].concat();
    assert_eq!(BoxIndex::from_bytes(&Aligned::of(&shifted).bytes()[4..]).unwrap_err(), BytesError::Unaligned);
}

/// A search in damaged bytes ends, whatever they say.
#[test]
fn damaged_bytes_lead_nowhere() {
    let boxes: Vec<Rect<f64>> = (0..600u32).map(|i| rect(f64::from(i % 17), f64::from(i % 23), 1.0, 1.0)).collect();
    let mut bytes = BoxIndex::build(&boxes).unwrap().to_bytes();
    bytes[128..].fill(0xff); // every number NaN
    let damaged = Aligned::of(&bytes);
    let index = BoxIndex::from_bytes(damaged.bytes()).unwrap();
    assert!(index.window(&rect(0.0, 0.0, 9.0, 9.0)).is_empty());
    assert!(index.nearest_k(Coord { x: 1.0, y: 1.0 }, 3).is_empty());
    assert!(index.nearest_k_by(3, |r| r.min().x).len() <= 3);
    bytes[128..].fill(0); // every box the same, every item 0
    let damaged = Aligned::of(&bytes);
    let index = BoxIndex::from_bytes(damaged.bytes()).unwrap();
    assert_eq!(index.window(&rect(-100.0, -100.0, 300.0, 300.0)).len(), 600);
    assert_eq!(index.nearest_k(Coord { x: 1.0, y: 1.0 }, 3).len(), 3);
}

/// Equal boxes are no worse than others: a search does not look at all of them.
#[test]
fn equal_boxes_are_not_all_visited() {
    let index = BoxIndex::build(&[rect(0.0, 0.0, 1.0, 1.0); 5000]).unwrap();
    let asked = std::cell::Cell::new(0);
    let near = index.nearest_k_by(3, |r| {
        asked.set(asked.get() + 1);
        point_rect2(Coord { x: 3.0, y: 0.0 }, r)
    });
    assert_eq!(
        near.iter().map(|n| (n.item, n.distance.partial_cmp(&4.0))).collect::<Vec<_>>(),
        [0, 1, 2].map(|i| (i, Some(Ordering::Equal)))
    );
    assert!(asked.get() < 200, "{} boxes asked", asked.get());
}
