//! Chips: small pictures of a place, north up, with its outline drawn on them.

use geo::{BoundingRect, Coord, Geometry, LineString};

use crate::model::{Crs, Grid, Picture};

/// Pixels along a side.
pub const SIDE: usize = 192;
/// Least ground along a side, metres: enough to see what lies around.
const LEAST_M: f64 = 600.0;
/// Ground along a side, as a multiple of the place's longer side.
const AROUND: f64 = 1.6;
/// Radius of Web Mercator's sphere, metres.
const RADIUS: f64 = 6_378_137.0;
/// The outline, and the dark line under it that shows it on bright ground.
const OUTLINE: [u8; 4] = [255, 214, 0, 255];
const UNDER: [u8; 4] = [40, 30, 0, 255];

/// The square around a place (longitude and latitude) that a chip shows, in Web Mercator; `footprint_m` tells how far off
/// the place may be. `None` where it has no extent, or lies where that projection ends.
pub fn frame(place: &Geometry<f64>, footprint_m: f64) -> Option<Grid> {
    let b = place.bounding_rect()?;
    let mid = b.center();
    if mid.y.abs() > 85.0 {
        return None;
    }
    let (low, high) = (mercator(b.min()), mercator(b.max()));
    // a metre of ground is longer in the projection
    let k = 1.0 / mid.y.to_radians().cos();
    let wide = (high.x - low.x).max(high.y - low.y) * AROUND + 2.0 * k * footprint_m;
    let span = wide.max(k * LEAST_M);
    let (x, y) = (0.5 * (low.x + high.x), 0.5 * (low.y + high.y));
    let step = span / SIDE as f64;
    let code = "EPSG:3857".to_owned();
    let crs = Crs { definition: code.clone(), code: Some(code.clone()), name: code };
    let transform = [x - 0.5 * span, step, 0.0, y + 0.5 * span, 0.0, -step];
    span.is_finite().then_some(Grid { transform, width: SIDE, height: SIDE, crs: Some(crs) })
}

/// Draws the outline of a place on its chip; points as rings that hold their footprint.
pub fn outline(picture: &mut Picture, grid: &Grid, place: &Geometry<f64>, footprint_m: f64) {
    let mut lines = Vec::new();
    rings(place, grid, footprint_m, &mut lines);
    for (reach, colour) in [(1, UNDER), (0, OUTLINE)] {
        for line in &lines {
            for ends in line.windows(2) {
                stroke(picture, ends[0], ends[1], reach, colour);
            }
        }
    }
}

fn mercator(c: Coord<f64>) -> Coord<f64> {
    let quarter = std::f64::consts::FRAC_PI_4;
    Coord { x: RADIUS * c.x.to_radians(), y: RADIUS * (quarter + 0.5 * c.y.to_radians()).tan().ln() }
}

/// Lines in pixels of the grid.
fn rings(g: &Geometry<f64>, grid: &Grid, footprint_m: f64, out: &mut Vec<Vec<[f64; 2]>>) {
    let at = |c: &Coord<f64>| {
        let m = mercator(*c);
        grid.pixel_from_xy([m.x, m.y])
    };
    let mut line = |l: &LineString<f64>| out.push(l.0.iter().filter_map(at).collect());
    match g {
        Geometry::Polygon(p) => std::iter::once(p.exterior()).chain(p.interiors()).for_each(&mut line),
        Geometry::MultiPolygon(m) => {
            m.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors())).for_each(&mut line);
        }
        Geometry::LineString(l) => line(l),
        Geometry::MultiLineString(m) => m.0.iter().for_each(&mut line),
        Geometry::Point(p) => out.extend(ring(p.0, grid, footprint_m)),
        Geometry::MultiPoint(m) => out.extend(m.0.iter().filter_map(|p| ring(p.0, grid, footprint_m))),
        _ => {}
    }
}

/// A ring around a point, at least 8 pixels wide.
fn ring(c: Coord<f64>, grid: &Grid, footprint_m: f64) -> Option<Vec<[f64; 2]>> {
    let m = mercator(c);
    let [x, y] = grid.pixel_from_xy([m.x, m.y])?;
    let metres = grid.transform[1] * c.y.to_radians().cos();
    let r = (footprint_m / metres).max(8.0);
    let turn = |i: u32| {
        let (s, c) = (f64::from(i) * std::f64::consts::TAU / 48.0).sin_cos();
        [x + r * c, y + r * s]
    };
    Some((0..=48).map(turn).collect())
}

/// A straight line, a pixel and `reach` on each side wide; what lies outside the picture is left out.
fn stroke(p: &mut Picture, [x0, y0]: [f64; 2], [x1, y1]: [f64; 2], reach: i64, colour: [u8; 4]) {
    // an outline may reach far beyond the picture: its part near it is enough
    let far = 4.0 * SIDE as f64;
    if [x0, y0, x1, y1].iter().any(|v| !v.is_finite() || v.abs() > 1e6) {
        return;
    }
    let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil().max(1.0);
    for i in 0..=steps as u64 {
        let t = i as f64 / steps;
        let (x, y) = (x0 + t * (x1 - x0), y0 + t * (y1 - y0));
        if x.abs() > far || y.abs() > far {
            continue;
        }
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (col, row) = (x.floor() as i64 + dx, y.floor() as i64 + dy);
                let inside = |v: i64, n: usize| usize::try_from(v).ok().filter(|v| *v < n);
                if let (Some(c), Some(r)) = (inside(col, p.width), inside(row, p.height)) {
                    let at = 4 * (r * p.width + c);
                    p.rgba[at..at + 4].copy_from_slice(&colour);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Point, polygon};

    #[test]
    fn the_frame_is_a_square_of_ground_around_the_place() {
        let place = Geometry::Point(Point::new(106.8, 39.6));
        let g = frame(&place, 0.0).unwrap();
        let [w, s, e, n] = g.bounds();
        // 600 m of ground by the scale of Web Mercator at 39.6° N, 1 / cos φ = 1.29784
        assert!((e - w - 778.70).abs() < 0.01 && (n - s - (e - w)).abs() < 1e-6, "{}", e - w);
        // EPSG's own example of the forward formula (guidance note 7-2, 3.2.1.1) in another place: x = R·λ
        assert!((0.5 * (w + e) - 11_888_921.616).abs() < 0.01, "{}", 0.5 * (w + e));
        assert!(frame(&Geometry::Point(Point::new(0.0, 89.0)), 0.0).is_none());
        // 0.02° of longitude are larger than 600 m: 2226.39 m · 1.6
        let wide = polygon![(x: 106.8, y: 39.6), (x: 106.82, y: 39.6), (x: 106.82, y: 39.601), (x: 106.8, y: 39.601)];
        let [w, _, e, _] = frame(&wide.into(), 0.0).unwrap().bounds();
        assert!((e - w - 3562.22).abs() < 0.02, "{}", e - w);
    }

    #[test]
    fn outlines_are_drawn_where_the_place_is_and_nowhere_else() {
        let square =
            polygon![(x: 106.8, y: 39.6), (x: 106.82, y: 39.6), (x: 106.82, y: 39.6154), (x: 106.8, y: 39.6154)];
        let place: Geometry<f64> = square.into();
        let g = frame(&place, 0.0).unwrap();
        let mut p = Picture { width: SIDE, height: SIDE, rgba: vec![0; 4 * SIDE * SIDE] };
        outline(&mut p, &g, &place, 0.0);
        let at = |c: usize, r: usize| &p.rgba[4 * (r * SIDE + c)..4 * (r * SIDE + c) + 4];
        // the place's longer side takes 1 / 1.6 of the picture: from 36 to 156 of 192
        assert_eq!((at(36, 96), at(156, 96), at(96, 96)), (&OUTLINE[..], &OUTLINE[..], &[0; 4][..]));
        assert_eq!((at(34, 96), at(158, 96)), (&[0; 4][..], &[0; 4][..]));
        assert_eq!((at(35, 96), at(157, 96)), (&UNDER[..], &UNDER[..]));
    }
}
