//! Sums of one zone over one band, and the statistics they give.

use super::quantile::Distribution;
use crate::model::Seen;

/// What is computed beside count, sum, mean, variance, least and largest value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZonalOptions {
    /// Quantiles, 0 to 1. Keeps the distinct values of each zone in memory.
    pub quantiles: Vec<f64>,
    /// The value of the largest area. Keeps the distinct values of each zone in memory.
    pub mode: bool,
    /// The share of the observed area whose value lies above each of these.
    pub thresholds: Vec<f64>,
}

impl ZonalOptions {
    fn distribution(&self) -> bool {
        self.mode || !self.quantiles.is_empty()
    }
}

/// Sums of one zone over one band: of one piece of the raster, or of many by [`Sums::merge`].
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Pixels of the raster inside, observed or not.
    covered: f64,
    values: Moments,
    /// By the weights of a second raster.
    weighted: Moments,
    min: f64,
    max: f64,
    above: Vec<f64>,
    distribution: Option<Distribution>,
}

/// Weight, mean and sum of squared deviations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moments {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Chan, Golub & LeVeque 1983, eq. 2.1, with weights for counts.
    fn merge(&mut self, o: Self) {
        if o.weight == 0.0 {
            return;
        }
        if self.weight == 0.0 {
            *self = o;
            return;
        }
        let weight = self.weight + o.weight;
        let d = o.mean - self.mean;
        self.squares += o.squares + d * d * (self.weight * (o.weight / weight));
        self.mean += d * (o.weight / weight);
        self.weight = weight;
    }

    /// From sums of `value − about` and its square.
    fn of(weight: f64, about: f64, sum: f64, squares: f64) -> Self {
        if weight == 0.0 {
            return Self::default();
        }
        let d = sum / weight;
        Self { weight, mean: about + d, squares: (squares - sum * d).max(0.0) }
    }
}

/// Statistics of one zone over one band. Areas are in pixels of the raster.
#[derive(Debug, Clone, PartialEq)]
pub struct ZonalStatistics {
    /// Area of the zone, outside the raster too.
    pub area: f64,
    /// The part of it that the raster covers.
    pub covered: f64,
    /// The part of it that was observed: the sum of the observed pixels' shares.
    pub count: f64,
    /// `count / area`.
    pub observed_share: f64,
    /// Numbers of the observed part; `None` where nothing was observed.
    pub values: Option<ZonalValues>,
}

/// Numbers of what was observed; a pixel counts by the share of it that the zone covers.
#[derive(Debug, Clone, PartialEq)]
pub struct ZonalValues {
    /// Σ share · value.
    pub sum: f64,
    /// `sum / count`.
    pub mean: f64,
    /// Variance of the population, `Σ share · (value − mean)² / count`.
    pub variance: f64,
    /// Its root.
    pub stdev: f64,
    /// Least value of a pixel that the zone touches.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Value of the largest area; of two with equal areas the larger value (as exactextract).
    pub mode: Option<f64>,
    /// The quantiles asked for.
    pub quantiles: Vec<f64>,
    /// Share of the observed area above each threshold.
    pub above: Vec<f64>,
    /// By the weights of the second raster; `None` without one, or where no weight above zero was observed.
    pub weighted: Option<WeightedValues>,
}

/// Numbers weighted by a second raster: each pixel counts by share · weight; those without a weight are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightedValues {
    /// Σ share · weight.
    pub weight: f64,
    /// Σ share · weight · value.
    pub sum: f64,
    /// `sum / weight`.
    pub mean: f64,
    /// `Σ share · weight · (value − mean)² / weight`.
    pub variance: f64,
}

impl Sums {
    /// Of nothing.
    pub fn new(o: &ZonalOptions) -> Self {
        Self {
            covered: 0.0,
            values: Moments::default(),
            weighted: Moments::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            above: vec![0.0; o.thresholds.len()],
            distribution: o.distribution().then(Distribution::default),
        }
    }

    /// Adds another piece. The order of pieces decides the last bits of the result: keep it fixed.
    pub fn merge(&mut self, o: &Self) {
        self.covered += o.covered;
        self.values.merge(o.values);
        self.weighted.merge(o.weighted);
        self.min = self.min.min(o.min);
        self.max = self.max.max(o.max);
        self.above.iter_mut().zip(&o.above).for_each(|(a, b)| *a += b);
        if let (Some(a), Some(b)) = (&mut self.distribution, &o.distribution) {
            a.merge(b);
        }
    }

    /// The statistics, for a zone of `area` pixels.
    pub fn finish(&self, area: f64, o: &ZonalOptions) -> ZonalStatistics {
        let count = self.values.weight;
        let values = (count > 0.0).then(|| {
            let variance = self.values.squares / count;
            let sorted = self.distribution.as_ref().map(Distribution::sorted);
            let w = self.weighted;
            ZonalValues {
                sum: self.values.mean * count,
                mean: self.values.mean,
                variance,
                stdev: variance.sqrt(),
                min: self.min,
                max: self.max,
                mode: sorted.as_ref().filter(|_| o.mode).and_then(|s| s.mode()),
                quantiles: sorted
                    .map(|s| o.quantiles.iter().filter_map(|q| s.quantile(*q)).collect())
                    .unwrap_or_default(),
                above: self.above.iter().map(|a| a / count).collect(),
                weighted: (w.weight > 0.0).then(|| WeightedValues {
                    weight: w.weight,
                    sum: w.mean * w.weight,
                    mean: w.mean,
                    variance: w.squares / w.weight,
                }),
            }
        });
        ZonalStatistics { area, covered: self.covered, count, observed_share: count / area, values }
    }
}

/// Sums of one zone in one block: of `value − about`, so that numbers far from zero keep their last digits.
pub(super) struct Running<'a> {
    options: &'a ZonalOptions,
    sums: Sums,
    about: f64,
    plain: [f64; 3],
    weighted: [f64; 3],
}

impl<'a> Running<'a> {
    pub fn new(options: &'a ZonalOptions) -> Self {
        Self { options, sums: Sums::new(options), about: f64::NAN, plain: [0.0; 3], weighted: [0.0; 3] }
    }

    /// Adds pixels that are covered by the same share.
    pub fn add(&mut self, share: f64, values: &[f64], seen: &[Seen], weights: Option<(&[f64], &[Seen])>) {
        self.sums.covered += share * values.len() as f64;
        if self.about.is_nan() {
            let Some(i) = seen.iter().position(|s| *s == Seen::Yes) else { return };
            self.about = values[i];
        }
        let run = if seen.iter().all(|s| *s == Seen::Yes) {
            whole(values, self.about)
        } else {
            observed(values, seen, self.about)
        };
        if run.count == 0 {
            return;
        }
        self.plain[0] += share * run.count as f64;
        self.plain[1] += share * run.sum;
        self.plain[2] += share * run.squares;
        self.sums.min = self.sums.min.min(run.min);
        self.sums.max = self.sums.max.max(run.max);
        let pairs = || values.iter().zip(seen).filter(|(_, s)| **s == Seen::Yes).map(|(v, _)| *v);
        for (a, t) in self.sums.above.iter_mut().zip(&self.options.thresholds) {
            *a += share * pairs().filter(|v| v > t).count() as f64;
        }
        if let Some(d) = &mut self.sums.distribution {
            pairs().for_each(|v| d.add(v, share));
        }
        if let Some((weights, known)) = weights {
            for i in (0..values.len()).filter(|i| seen[*i] == Seen::Yes && known[*i] == Seen::Yes) {
                let (w, d) = (share * weights[i], values[i] - self.about);
                self.weighted[0] += w;
                self.weighted[1] += w * d;
                self.weighted[2] += w * d * d;
            }
        }
    }

    pub fn finish(mut self) -> Sums {
        let [w, s, q] = self.plain;
        self.sums.values = Moments::of(w, self.about, s, q);
        let [w, s, q] = self.weighted;
        self.sums.weighted = Moments::of(w, self.about, s, q);
        self.sums
    }
}

struct Run {
    count: usize,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

/// Lanes of the sums, so that several run side by side; fixed, so that the result is.
const LANES: usize = 8;

fn whole(values: &[f64], about: f64) -> Run {
    let (mut sum, mut squares) = ([0.0; LANES], [0.0; LANES]);
    let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let (chunks, rest) = values.as_chunks::<LANES>();
    for c in chunks {
        for k in 0..LANES {
            let d = c[k] - about;
            sum[k] += d;
            squares[k] += d * d;
            min[k] = if c[k] < min[k] { c[k] } else { min[k] };
            max[k] = if c[k] > max[k] { c[k] } else { max[k] };
        }
    }
    for (k, v) in rest.iter().enumerate() {
        let d = v - about;
        sum[k] += d;
        squares[k] += d * d;
        min[k] = min[k].min(*v);
        max[k] = max[k].max(*v);
    }
    Run {
        count: values.len(),
        sum: sum.iter().sum(),
        squares: squares.iter().sum(),
        min: min.into_iter().fold(f64::INFINITY, f64::min),
        max: max.into_iter().fold(f64::NEG_INFINITY, f64::max),
    }
}

fn observed(values: &[f64], seen: &[Seen], about: f64) -> Run {
    let mut r = Run { count: 0, sum: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
    for (v, s) in values.iter().zip(seen) {
        if *s == Seen::Yes {
            let d = v - about;
            r.count += 1;
            r.sum += d;
            r.squares += d * d;
            r.min = r.min.min(*v);
            r.max = r.max.max(*v);
        }
    }
    r
}
