//! The remote sensing ecological index, RSEI (Xu 2013, Acta Ecologica Sinica 33:7853): the first principal component of
//! greenness, wetness, dryness and heat.
//!
//! Each of the four is brought to 0 … 1 by its least and largest value over the scene; the first principal component of
//! their covariance, its sign settled so that greener is higher, is brought to 0 … 1 in the same way. Three passes over
//! the raster: sums and ranges, range of the component, values. Between them live some thirty numbers.

use super::linear::Square;
use crate::model::{Role, Seen};

/// The four components, in their order.
pub const COMPONENTS: [&str; 4] = ["greenness", "wetness", "dryness", "heat"];

/// Bands it is made of, in the order that [`components`] wants them: reflectances from 0 to 1, and temperature.
pub const ROLES: [Role; 7] = [Role::Blue, Role::Green, Role::Red, Role::Nir, Role::Swir1, Role::Swir2, Role::Tir];

/// Weights of the tasselled cap's wetness for blue, green, red, nir, swir1, swir2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wetness(pub [f32; 6]);

impl Wetness {
    /// The weights of a platform, with their source; `None` where none are published for these six bands.
    pub fn of(platform: &str) -> Option<(Self, &'static str)> {
        Some(match platform {
            "landsat-4" | "landsat-5" => {
                (Self([0.0315, 0.2021, 0.3102, 0.1594, -0.6806, -0.6109]), "Crist 1985, TM reflectance factors")
            }
            "landsat-7" => (
                Self([0.2626, 0.2141, 0.0926, 0.0656, -0.7629, -0.5388]),
                "Huang et al. 2002, ETM+ at-satellite reflectance",
            ),
            "landsat-8" | "landsat-9" => (
                Self([0.1511, 0.1973, 0.3283, 0.3407, -0.7117, -0.4559]),
                "Baig et al. 2014, OLI at-satellite reflectance",
            ),
            _ => return None,
        })
    }
}

/// The components of a block's pixels: NDVI; wetness; NDBSI, the mean of the soil index SI (Rikimaru's, see
/// [`Bsi`](super::indices::Index::Bsi)) and the index-based built-up index IBI (Xu 2008); temperature. Every operation is
/// rounded to float32. Pixels where one has no value are marked [`Seen::Undefined`], and water (MNDWI above 0) is marked
/// [`Seen::Water`] unless it is kept: its wetness would settle the axis alone.
pub fn components(bands: &[&[f32]; 7], wetness: Wetness, keep_water: bool, seen: &mut [Seen]) -> [Vec<f32>; 4] {
    let n = seen.len();
    let mut out: [Vec<f32>; 4] = std::array::from_fn(|_| Vec::with_capacity(n));
    let [blue, green, red, nir, swir1, swir2, tir] = bands;
    let w = wetness.0;
    for (i, s) in seen.iter_mut().enumerate() {
        let (b, g, r, n, s1, s2) = (blue[i], green[i], red[i], nir[i], swir1[i], swir2[i]);
        let ndvi = (n - r) / (n + r);
        let wet = w[0] * b + w[1] * g + w[2] * r + w[3] * n + w[4] * s1 + w[5] * s2;
        let si = ((s1 + r) - (n + b)) / ((s1 + r) + (n + b));
        let (built, rest) = (2.0 * s1 / (s1 + n), n / (n + r) + g / (g + s1));
        let ibi = (built - rest) / (built + rest);
        let values = [ndvi, wet, (si + ibi) / 2.0, tir[i]];
        if *s == Seen::Yes {
            if values.iter().any(|v| !v.is_finite()) {
                *s = Seen::Undefined;
            } else if !keep_water && (g - s1) / (g + s1) > 0.0 {
                *s = Seen::Water;
            }
        }
        out.iter_mut().zip(values).for_each(|(o, v)| o.push(v));
    }
    out
}

/// Sums over what was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RseiSums {
    count: u64,
    min: [f32; 4],
    max: [f32; 4],
    sums: [f64; 4],
    products: [[f64; 4]; 4],
}

impl Default for RseiSums {
    fn default() -> Self {
        Self { count: 0, min: [f32::INFINITY; 4], max: [f32::NEG_INFINITY; 4], sums: [0.0; 4], products: [[0.0; 4]; 4] }
    }
}

impl RseiSums {
    /// Of a block.
    pub fn of(components: &[Vec<f32>; 4], seen: &[Seen]) -> Self {
        let mut s = Self::default();
        for (i, _) in seen.iter().enumerate().filter(|(_, s)| **s == Seen::Yes) {
            let v: [f32; 4] = std::array::from_fn(|k| components[k][i]);
            s.count += 1;
            for a in 0..4 {
                s.min[a] = s.min[a].min(v[a]);
                s.max[a] = s.max[a].max(v[a]);
                s.sums[a] += f64::from(v[a]);
                for b in a..4 {
                    s.products[a][b] += f64::from(v[a]) * f64::from(v[b]);
                }
            }
        }
        s
    }

    /// Adds the sums of another block.
    pub fn merge(&mut self, o: &Self) {
        self.count += o.count;
        for a in 0..4 {
            self.min[a] = self.min[a].min(o.min[a]);
            self.max[a] = self.max[a].max(o.max[a]);
            self.sums[a] += o.sums[a];
            for b in a..4 {
                self.products[a][b] += o.products[a][b];
            }
        }
    }

    /// The axis; `None` where fewer than two pixels were seen, or a component is the same everywhere.
    pub fn solve(&self) -> Option<Axis> {
        let span: [f64; 4] = std::array::from_fn(|k| f64::from(self.max[k]) - f64::from(self.min[k]));
        if self.count < 2 || span.iter().any(|s| s.is_nan() || *s <= 0.0) {
            return None;
        }
        let n = self.count as f64;
        let mut c = Square::zeros(4);
        for a in 0..4 {
            for b in 0..4 {
                let p = self.products[a.min(b)][a.max(b)];
                c.set(a, b, (p / n - self.sums[a] / n * (self.sums[b] / n)) / (span[a] * span[b]));
            }
        }
        let (variances, vectors) = c.eigen();
        let total: f64 = variances.iter().sum();
        let sign = if vectors.at(0, 0) < 0.0 { -1.0 } else { 1.0 };
        Some(Axis {
            min: self.min,
            max: self.max,
            loadings: std::array::from_fn(|k| sign * vectors.at(k, 0)),
            share: variances[0] / total,
            pixels: self.count,
        })
    }
}

/// The first principal component of a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Least value of each component.
    pub min: [f32; 4],
    /// Largest value of each component.
    pub max: [f32; 4],
    /// Weights of the normalised components, greenness positive; of length 1.
    pub loadings: [f64; 4],
    /// Share of the variance that the component carries, 0 to 1.
    pub share: f64,
    /// Pixels it rests on.
    pub pixels: u64,
}

impl Axis {
    /// The component's values, not yet brought to 0 … 1.
    pub fn values(&self, components: &[Vec<f32>; 4]) -> Vec<f32> {
        let n = components[0].len();
        let mut out = vec![0f64; n];
        for (k, c) in components.iter().enumerate() {
            let (low, f) =
                (f64::from(self.min[k]), self.loadings[k] / (f64::from(self.max[k]) - f64::from(self.min[k])));
            out.iter_mut().zip(c).for_each(|(o, v)| *o += f * (f64::from(*v) - low));
        }
        out.into_iter().map(|v| v as f32).collect()
    }

    /// True where the loadings have the signs that the index is read by: greenness and wetness raise it, dryness and heat
    /// lower it.
    pub fn as_expected(&self) -> bool {
        let [g, w, d, h] = self.loadings;
        g > 0.0 && w > 0.0 && d < 0.0 && h < 0.0
    }
}

/// Least and largest of the values seen.
pub fn range(values: &[f32], seen: &[Seen]) -> (f32, f32) {
    let mine = values.iter().zip(seen).filter(|(_, s)| **s == Seen::Yes);
    mine.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), (v, _)| (a.min(*v), b.max(*v)))
}

/// The index: the component brought to 0 … 1.
pub fn rsei(values: &[f32], (low, high): (f32, f32)) -> Vec<f32> {
    let span = high - low;
    values.iter().map(|v| (v - low) / span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_by_hand() {
        // blue 0.05, green 0.08, red 0.1, nir 0.4, swir1 0.3, swir2 0.2, 300 K
        let v = [0.05f32, 0.08, 0.1, 0.4, 0.3, 0.2, 300.0];
        let one: Vec<[f32; 1]> = v.iter().map(|x| [*x]).collect();
        let bands: [&[f32]; 7] = std::array::from_fn(|k| one[k].as_slice());
        let (w, _) = Wetness::of("landsat-8").unwrap();
        let mut seen = [Seen::Yes];
        let c = components(&bands, w, false, &mut seen);
        let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(c[0][0], 0.6);
        near(c[1][0], 0.1511 * 0.05 + 0.1973 * 0.08 + 0.3283 * 0.1 + 0.3407 * 0.4 - 0.7117 * 0.3 - 0.4559 * 0.2);
        // SI = (0.4 − 0.45) / 0.85; IBI of 0.6/0.7 against 0.4/0.5 + 0.08/0.38
        let (a, b) = (0.6 / 0.7, 0.8 + 0.08 / 0.38);
        near(c[2][0], (-0.05 / 0.85 + (a - b) / (a + b)) / 2.0);
        assert_eq!((c[3][0], seen[0]), (300.0, Seen::Yes));
        let wet = [0.05f32, 0.08, 0.04, 0.03, 0.02, 0.01, 290.0];
        let one: Vec<[f32; 1]> = wet.iter().map(|x| [*x]).collect();
        let bands: [&[f32]; 7] = std::array::from_fn(|k| one[k].as_slice());
        components(&bands, w, false, &mut seen);
        assert_eq!(seen, [Seen::Water]);
    }

    #[test]
    fn an_axis_along_one_cause() {
        // all four follow one cause: one component carries everything, with equal weights
        let t: Vec<f32> = (0..101).map(|i| i as f32 / 100.0).collect();
        let c = [
            t.clone(),
            t.iter().map(|v| 0.2 * v - 0.1).collect(),
            t.iter().map(|v| 0.5 - v).collect(),
            t.iter().map(|v| 310.0 - 8.0 * v).collect(),
        ];
        let seen = vec![Seen::Yes; t.len()];
        let axis = RseiSums::of(&c, &seen).solve().unwrap();
        assert!((axis.share - 1.0).abs() < 1e-9 && axis.as_expected());
        // kelvins in single precision are good to 3e-5 of a span of 8
        axis.loadings.iter().for_each(|l| assert!((l.abs() - 0.5).abs() < 1e-5, "{:?}", axis.loadings));
        let v = axis.values(&c);
        let r = rsei(&v, range(&v, &seen));
        r.iter().zip(&t).for_each(|(r, t)| assert!((r - t).abs() < 1e-5));
        assert_eq!(
            RseiSums::of(&[vec![1.0; 9], c[1].clone(), c[2].clone(), c[3].clone()], &[Seen::Yes; 9]).solve(),
            None
        );
    }
}
