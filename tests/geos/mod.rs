//! GEOS through GDAL, the peer of `space`, and an area by slabs that shares nothing with either.
#![allow(dead_code, reason = "each test file uses its own part")]

use gdal::vector::Geometry as Geos;
use geo::{Area, BoundingRect, Coord, Geometry, LineString, MultiPolygon, Polygon};
use heshan::space::wkb;

/// GDAL tells reasons of invalidity on standard error; here they are asked for in bulk.
pub fn quiet() {
    gdal::config::set_error_handler(|_, _, _| {});
}

pub fn to_geos(m: &MultiPolygon<f64>) -> Geos {
    Geos::from_wkb(&wkb::write(&Geometry::MultiPolygon(m.clone()))).unwrap()
}

/// The polygons of what GEOS made.
pub fn polygons(g: &Geos) -> MultiPolygon<f64> {
    fn take(g: Geometry<f64>, out: &mut Vec<Polygon<f64>>) {
        match g {
            Geometry::Polygon(p) => out.push(p),
            Geometry::MultiPolygon(m) => out.extend(m.0),
            Geometry::GeometryCollection(c) => c.0.into_iter().for_each(|g| take(g, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    take(wkb::read(&g.wkb().unwrap()).unwrap().0, &mut out);
    MultiPolygon(out)
}

pub fn make_valid(m: &MultiPolygon<f64>) -> MultiPolygon<f64> {
    polygons(&to_geos(m).make_valid(&gdal::cpl::CslStringList::new()).unwrap())
}

pub fn rings(m: &MultiPolygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    m.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()))
}

/// How far areas may differ: points lie on a grid of 2³⁰ steps across the extent (the overlay's), and on that of their
/// own floating-point numbers; the area moves by at most the perimeter times that.
pub fn slack(shapes: &[&MultiPolygon<f64>]) -> f64 {
    let edges = |m: &MultiPolygon<f64>| -> f64 {
        rings(m).flat_map(|l| l.0.windows(2)).map(|w| (w[1].x - w[0].x).hypot(w[1].y - w[0].y)).sum()
    };
    let perimeter: f64 = shapes.iter().map(|m| edges(m)).sum();
    let all = MultiPolygon(shapes.iter().flat_map(|m| m.0.iter().cloned()).collect());
    let Some(r) = all.bounding_rect() else { return 0.0 };
    let far = [r.min(), r.max()].iter().map(|c| c.x.abs().max(c.y.abs())).fold(0.0, f64::max);
    perimeter * (r.width().max(r.height()) / f64::from(1 << 29) + 4.0 * far * f64::EPSILON)
}

/// The area that rings enclose by the even-odd rule: between the x of every vertex and crossing, edges do not cross, and
/// every second gap between them is inside. For few edges: it takes n³.
pub fn even_odd_area(rings: &[&LineString<f64>]) -> f64 {
    let origin = rings.iter().find_map(|l| l.0.first().copied()).unwrap_or_default();
    let edges: Vec<(Coord<f64>, Coord<f64>)> = rings
        .iter()
        .flat_map(|l| l.0.windows(2))
        .map(|w| (w[0] - origin, w[1] - origin))
        .filter(|(a, b)| a.x != b.x)
        .map(|(a, b)| if a.x < b.x { (a, b) } else { (b, a) })
        .collect();
    let mut xs: Vec<f64> = edges.iter().flat_map(|e| [e.0.x, e.1.x]).collect();
    for (i, e) in edges.iter().enumerate() {
        for f in &edges[i + 1..] {
            let (d, g) = (e.1 - e.0, f.1 - f.0);
            let cross = d.x * g.y - d.y * g.x;
            let t = ((f.0.x - e.0.x) * g.y - (f.0.y - e.0.y) * g.x) / cross;
            if (0.0..=1.0).contains(&t) {
                xs.push(e.0.x + t * d.x);
            }
        }
    }
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    let y = |e: &(Coord<f64>, Coord<f64>), x: f64| e.0.y + (x - e.0.x) / (e.1.x - e.0.x) * (e.1.y - e.0.y);
    let slab = |x0: f64, x1: f64| {
        let m = (x0 + x1) / 2.0;
        let mut ys: Vec<f64> = edges.iter().filter(|e| e.0.x < m && e.1.x > m).map(|e| y(e, m)).collect();
        ys.sort_by(f64::total_cmp);
        ys.chunks_exact(2).map(|c| c[1] - c[0]).sum::<f64>() * (x1 - x0)
    };
    xs.windows(2).map(|w| slab(w[0], w[1])).sum()
}

pub fn area(m: &MultiPolygon<f64>) -> f64 {
    // near the origin: far coordinates cost digits
    use geo::MapCoords;
    let Some(r) = m.bounding_rect() else { return 0.0 };
    m.map_coords(|c| c - r.center()).unsigned_area()
}

/// Small, seeded and the same everywhere (Steele 2014, SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ v < n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.unit()
    }
}

/// True where edges run over each other: in other rings, or spikes aside in the same.
pub fn coinciding(m: &MultiPolygon<f64>) -> bool {
    let e: Vec<(Coord<f64>, Coord<f64>)> =
        rings(m).flat_map(|l| l.0.windows(2)).map(|w| (w[0], w[1])).filter(|e| e.0 != e.1).collect();
    let on = |p: Coord<f64>, q: Coord<f64>, x: Coord<f64>| {
        let of = |c: Coord<f64>| robust::Coord { x: c.x, y: c.y };
        robust::orient2d(of(p), of(q), of(x)) == 0.0
    };
    e.iter().enumerate().any(|(i, a)| {
        e[i + 1..].iter().any(|b| {
            let along = |c: Coord<f64>| (c.x - a.0.x) * (a.1.x - a.0.x) + (c.y - a.0.y) * (a.1.y - a.0.y);
            let (lo, hi) = (along(b.0).min(along(b.1)), along(b.0).max(along(b.1)));
            on(a.0, a.1, b.0) && on(a.0, a.1, b.1) && hi > 0.0 && lo < along(a.1)
        })
    })
}

/// The rings, each once: the rule of repair for equal rings.
pub fn once(m: &MultiPolygon<f64>) -> Vec<LineString<f64>> {
    let mut out: Vec<LineString<f64>> = Vec::new();
    let key = |l: &LineString<f64>| {
        let mut p = l.0.clone();
        p.dedup();
        p.pop();
        let n = p.len();
        let turns = (0..n).flat_map(|k| {
            let at = |i: usize| (p[i % n].x.to_bits(), p[i % n].y.to_bits());
            [(0..n).map(|i| at(k + i)).collect::<Vec<_>>(), (0..n).map(|i| at(k + n - i)).collect()]
        });
        turns.min()
    };
    for l in rings(m) {
        if !out.iter().any(|o| key(o) == key(l)) {
            out.push(l.clone());
        }
    }
    out
}

pub fn united_by_geos(parts: impl Iterator<Item = MultiPolygon<f64>>) -> MultiPolygon<f64> {
    parts.reduce(|a, b| polygons(&to_geos(&a).union(&to_geos(&b)).unwrap())).unwrap()
}

/// Checks a repaired shape: valid by us and by GEOS, and of the area that the rule of `space::repair` says. Where no
/// edges of a part coincide, that is the area of GEOS's `MakeValid` of each part, united; where they do, GEOS's linework
/// and the even-odd rule differ, and the area is that by slabs. True where edges coincide.
///
/// Twice the slack: the shape goes through two overlays, that of its parts and their union.
pub fn mended_as_geos(m: &MultiPolygon<f64>, mended: &MultiPolygon<f64>) -> Result<bool, String> {
    let faults = heshan::space::validity::faults(mended);
    if faults.iter().any(|f| f.reason.invalid()) || !to_geos(mended).is_valid() {
        return Err(format!("not valid: {faults:?}\n{m:?}\n{mended:?}"));
    }
    let overlap = m.0.iter().any(|p| coinciding(&MultiPolygon(vec![p.clone()])));
    let theirs = if !overlap {
        area(&united_by_geos(m.0.iter().map(|p| make_valid(&MultiPolygon(vec![p.clone()])))))
    } else if m.0.len() == 1 {
        even_odd_area(&once(m).iter().collect::<Vec<_>>())
    } else {
        return Ok(false); // of several parts with coinciding edges there is no peer
    };
    let (ours, tolerance) = (area(mended), 2.0 * slack(&[m]));
    if (ours - theirs).abs() <= tolerance {
        Ok(overlap)
    } else {
        Err(format!("area {ours}, expected {theirs} ± {tolerance:e}\n{m:?}"))
    }
}
