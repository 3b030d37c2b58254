//! Counts of values in bins of equal width, that many threads fill and merge in any order to the same result.

use crate::model::Seen;

/// A histogram over a range; what lies outside counts in the first or last bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    low: f64,
    high: f64,
    /// Counts.
    pub bins: Vec<u64>,
}

impl Histogram {
    /// An empty one.
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self { low, high, bins: vec![0; bins.max(1)] }
    }

    /// Counts values where they were seen.
    pub fn add(&mut self, values: &[f32], seen: &[Seen]) {
        let n = self.bins.len();
        let scale = n as f64 / (self.high - self.low);
        for (v, s) in values.iter().zip(seen) {
            if *s == Seen::Yes {
                // a cast saturates: below the range 0
                let i = ((f64::from(*v) - self.low) * scale) as usize;
                self.bins[i.min(n - 1)] += 1;
            }
        }
    }

    /// Adds the counts of another of the same shape.
    pub fn merge(&mut self, o: &Self) {
        self.bins.iter_mut().zip(&o.bins).for_each(|(a, b)| *a += b);
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Middle of a bin.
    pub fn middle(&self, i: usize) -> f64 {
        self.low + (i as f64 + 0.5) * (self.high - self.low) / self.bins.len() as f64
    }

    /// The value below which the fraction `q` of the counts lies, linear inside a bin; `None` where it is empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * total as f64;
        let width = (self.high - self.low) / self.bins.len() as f64;
        let mut below = 0.0;
        for (i, n) in self.bins.iter().enumerate() {
            let n = *n as f64;
            if n > 0.0 && below + n >= rank {
                return Some(self.low + (i as f64 + (rank - below) / n) * width);
            }
            below += n;
        }
        Some(self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_an_even_spread() {
        let mut h = Histogram::new(0.0, 1.0, 1000);
        let v: Vec<f32> = (0..10_000).map(|i| i as f32 / 10_000.0).collect();
        h.add(&v, &vec![Seen::Yes; v.len()]);
        for q in [0.05, 0.5, 0.95] {
            assert!((h.quantile(q).unwrap() - q).abs() < 1e-3);
        }
        h.add(&[-5.0, 7.0, 0.5], &[Seen::Yes, Seen::Yes, Seen::Cloud]);
        assert_eq!((h.bins[0], h.bins[999], h.count()), (11, 11, 10_002));
        assert_eq!(Histogram::new(0.0, 1.0, 4).quantile(0.5), None);
    }
}
