//! The account of one polygon: volumes, what lies below and above its rim, slope classes, before and after.

use std::collections::BTreeMap;

use super::Heights;
use super::cover::Cover;
use super::ground::Ground;
use super::rim::Rim;
use super::slope::{degrees, gradient};

/// What an account needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountOptions {
    /// Level of detection, metres: smaller differences do not count in the thresholded volumes.
    pub lod_m: f64,
    /// Limits between classes of slope, degrees, rising.
    pub slope_limits_deg: Vec<f64>,
}

/// Sums over the cells inside a polygon, each weighted by its share inside. Cells count where both DEMs were observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Account {
    /// Cells observed on both dates.
    pub cells: f64,
    /// Their area, square metres.
    pub area_m2: f64,
    /// Sum of their squared areas, m⁴.
    pub squares_m4: f64,
    /// Volume after − before, no threshold, cubic metres.
    pub net_m3: f64,
    /// Sum of the cells that rose. Noise alone makes it grow, as it does [`Self::cut_m3`]; the net is free of that.
    pub fill_m3: f64,
    /// Sum of the cells that sank, positive.
    pub cut_m3: f64,
    /// As `fill_m3`, of differences at the level of detection or beyond.
    pub fill_lod_m3: f64,
    /// As `cut_m3`, of differences at the level of detection or beyond.
    pub cut_lod_m3: f64,
    /// Area of differences at the level of detection or beyond.
    pub beyond_lod_m2: f64,
    /// Form before and after.
    pub sides: [Side; 2],
}

/// The form of the ground on one date.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Side {
    /// Hollow below the rim, cubic metres.
    pub below_m3: f64,
    /// Its area.
    pub below_m2: f64,
    /// Body above the rim, cubic metres.
    pub above_m3: f64,
    /// Its area.
    pub above_m2: f64,
    /// Area by depth below the rim in steps of 0.1 m (negative above it).
    depths: BTreeMap<i32, f64>,
    /// Area by class of slope; one class more than there are limits.
    pub slope_m2: Vec<f64>,
    /// Area times slope, m²·degrees.
    slope_sum: f64,
}

/// Steps of depth in a metre.
const STEPS: f64 = 10.0;
/// Share of the area left out at the deep and the high end, so that single wrong cells decide nothing.
const TAIL: f64 = 0.02;

impl Side {
    fn add(&mut self, o: &Self) {
        self.below_m3 += o.below_m3;
        self.below_m2 += o.below_m2;
        self.above_m3 += o.above_m3;
        self.above_m2 += o.above_m2;
        self.slope_sum += o.slope_sum;
        for (k, v) in &o.depths {
            *self.depths.entry(*k).or_default() += v;
        }
        self.slope_m2.resize(self.slope_m2.len().max(o.slope_m2.len()), 0.0);
        self.slope_m2.iter_mut().zip(&o.slope_m2).for_each(|(a, b)| *a += b);
    }

    /// Depth below the rim that 2 % of the area exceed, metres; 0 where nothing lies below it, `None` without a rim.
    pub fn depth_m(&self) -> Option<f64> {
        self.tail(self.depths.iter().rev().map(|(k, a)| (f64::from(*k) + 1.0, *a)), -1.0).map(|d| d.max(0.0))
    }

    /// Height above the rim that 2 % of the area exceed, metres; 0 where nothing stands above it, `None` without a rim.
    pub fn height_m(&self) -> Option<f64> {
        self.tail(self.depths.iter().map(|(k, a)| (f64::from(*k), *a)), 1.0).map(|d| (-d).max(0.0))
    }

    /// The depth where the tail ends, between the edges of its step; `way` leads from a step's first edge to its other.
    fn tail(&self, steps: impl Iterator<Item = (f64, f64)>, way: f64) -> Option<f64> {
        let total: f64 = self.depths.values().sum();
        let mut left = TAIL * total;
        for (edge, area) in steps {
            if left <= area {
                return Some((edge + way * left / area) / STEPS);
            }
            left -= area;
        }
        None
    }

    /// Mean slope, degrees; `None` where no slope is known.
    pub fn mean_slope_deg(&self) -> Option<f64> {
        let known: f64 = self.slope_m2.iter().sum();
        (known > 0.0).then(|| self.slope_sum / known)
    }

    /// Share of the area with a known slope in a class, 0 to 1; `None` where no slope is known.
    pub fn slope_share(&self, class: usize) -> Option<f64> {
        let known: f64 = self.slope_m2.iter().sum();
        (known > 0.0).then(|| self.slope_m2.get(class).copied().unwrap_or(0.0) / known)
    }
}

impl Account {
    /// Adds the account of another part of the same polygon.
    pub fn add(&mut self, o: &Self) {
        self.cells += o.cells;
        self.area_m2 += o.area_m2;
        self.squares_m4 += o.squares_m4;
        self.net_m3 += o.net_m3;
        self.fill_m3 += o.fill_m3;
        self.cut_m3 += o.cut_m3;
        self.fill_lod_m3 += o.fill_lod_m3;
        self.cut_lod_m3 += o.cut_lod_m3;
        self.beyond_lod_m2 += o.beyond_lod_m2;
        self.sides.iter_mut().zip(&o.sides).for_each(|(a, b)| a.add(b));
    }

    /// The cells of one cover. Both DEMs must hold its window; slopes of its border cells are known only where they
    /// hold a cell more on each side.
    pub fn of(
        cover: &Cover,
        dems: [&Heights; 2],
        ground: &Ground,
        rims: [Option<&Rim>; 2],
        o: &AccountOptions,
    ) -> Self {
        let mut a = Self::default();
        let classes = o.slope_limits_deg.len() + 1;
        a.sides.iter_mut().for_each(|s| s.slope_m2 = vec![0.0; classes]);
        let w = cover.window;
        for r in 0..w.height {
            let (row, cell) = (w.row + r, ground.area_m2(w.row + r));
            for (c, share) in cover.share[r * w.width..(r + 1) * w.width].iter().enumerate() {
                let col = w.col + c;
                if *share == 0.0 {
                    continue;
                }
                let (Some(b), Some(z)) = (dems[0].at(col, row), dems[1].at(col, row)) else { continue };
                let area = share * cell;
                a.cells += share;
                a.area_m2 += area;
                a.squares_m4 += area * area;
                a.difference(f64::from(z) - f64::from(b), area, o.lod_m);
                let place = [col as f64 + 0.5, row as f64 + 0.5];
                for (i, z) in [b, z].into_iter().enumerate() {
                    let side = &mut a.sides[i];
                    if let Some(rim) = rims[i] {
                        side.depth(rim.at(place) - f64::from(z), area);
                    }
                    if let Some(g) = gradient(dems[i], ground, col, row) {
                        side.slope(degrees(g), area, &o.slope_limits_deg);
                    }
                }
            }
        }
        a
    }

    fn difference(&mut self, d: f64, area: f64, lod: f64) {
        let v = d * area;
        self.net_m3 += v;
        let beyond = d.abs() >= lod;
        self.beyond_lod_m2 += if beyond { area } else { 0.0 };
        if d > 0.0 {
            self.fill_m3 += v;
            self.fill_lod_m3 += if beyond { v } else { 0.0 };
        } else {
            self.cut_m3 -= v;
            self.cut_lod_m3 -= if beyond { v } else { 0.0 };
        }
    }

    /// Volume after − before of the differences at the level of detection or beyond.
    pub fn net_lod_m3(&self) -> f64 {
        self.fill_lod_m3 - self.cut_lod_m3
    }
}

impl Side {
    fn depth(&mut self, d: f64, area: f64) {
        if d > 0.0 {
            self.below_m3 += d * area;
            self.below_m2 += area;
        } else {
            self.above_m3 -= d * area;
            self.above_m2 += area;
        }
        *self.depths.entry((d * STEPS).floor() as i32).or_default() += area;
    }

    fn slope(&mut self, deg: f64, area: f64, limits: &[f64]) {
        let class = limits.partition_point(|l| *l <= deg);
        self.slope_m2[class] += area;
        self.slope_sum += deg * area;
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
