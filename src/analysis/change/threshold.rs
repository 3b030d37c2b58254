//! Thresholds: given, k standard deviations around the mean, or Otsu's.

use crate::analysis::histogram::Histogram;
use crate::model::Seen;

/// How the limits of change are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Lower and upper limit of the value.
    Fixed(f64, f64),
    /// Mean ± k standard deviations of the values seen.
    KSigma(f64),
    /// Otsu 1979, on either side of zero by itself: the losses among the values below, the gains among those above.
    Otsu,
}

/// Sums for mean and standard deviation; merged in the order of the blocks, they give the same for any number of
/// threads.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Of the values seen in a block.
    pub fn of(values: &[f32], seen: &[Seen]) -> Self {
        let mut m = Self::default();
        for (v, s) in values.iter().zip(seen) {
            if *s == Seen::Yes {
                let v = f64::from(*v);
                m.count += 1;
                m.sum += v;
                m.squares += v * v;
            }
        }
        m
    }

    /// Adds those of another block.
    pub fn merge(&mut self, o: &Self) {
        self.count += o.count;
        self.sum += o.sum;
        self.squares += o.squares;
    }

    /// Mean and standard deviation (of the population); `None` where nothing was seen.
    pub fn mean_std(&self) -> Option<(f64, f64)> {
        if self.count == 0 {
            return None;
        }
        let n = self.count as f64;
        let mean = self.sum / n;
        Some((mean, (self.squares / n - mean * mean).max(0.0).sqrt()))
    }
}

/// Otsu's threshold (Otsu 1979, IEEE Transactions on Systems, Man and Cybernetics 9:62): the middle of the last bin of the
/// lower class when the variance between the two classes is largest; `None` where fewer than two bins are filled.
pub fn otsu(h: &Histogram) -> Option<f64> {
    let total: f64 = h.bins.iter().map(|n| *n as f64).sum();
    let sum: f64 = h.bins.iter().enumerate().map(|(i, n)| *n as f64 * h.middle(i)).sum();
    let (mut weight, mut part, mut best) = (0.0, 0.0, None::<(f64, usize)>);
    for (i, n) in h.bins.iter().enumerate() {
        weight += *n as f64;
        part += *n as f64 * h.middle(i);
        let rest = total - weight;
        if weight == 0.0 || rest <= 0.0 {
            continue;
        }
        let gap = part / weight - (sum - part) / rest;
        let between = weight * rest * gap * gap;
        if best.is_none_or(|(b, _)| between > b) {
            best = Some((between, i));
        }
    }
    best.map(|(_, i)| h.middle(i))
}

/// The two sides of zero of a histogram, each as one of its own, for [`Threshold::Otsu`].
pub fn sides(h: &Histogram) -> (Histogram, Histogram) {
    let (mut below, mut above) = (h.clone(), h.clone());
    for i in 0..h.bins.len() {
        if h.middle(i) < 0.0 {
            above.bins[i] = 0;
        } else {
            below.bins[i] = 0;
        }
    }
    (below, above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_parts_two_heaps() {
        let mut h = Histogram::new(0.0, 10.0, 10);
        h.bins = vec![0, 5, 9, 4, 0, 0, 0, 3, 8, 2];
        // ties go to the first bin: 3 is the last of the lower heap, and what follows is empty
        assert_eq!(otsu(&h), Some(3.5));
        h.bins = vec![0; 10];
        assert_eq!(otsu(&h), None);
        h.bins[4] = 9;
        assert_eq!(otsu(&h), None);
    }

    #[test]
    fn moments_by_hand() {
        let mut m = Moments::of(&[1.0, 2.0, 99.0], &[Seen::Yes, Seen::Yes, Seen::Cloud]);
        m.merge(&Moments::of(&[3.0], &[Seen::Yes]));
        let (mean, std) = m.mean_std().unwrap();
        assert_eq!(mean, 2.0);
        assert!((std - (2.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(Moments::default().mean_std(), None);
    }
}
