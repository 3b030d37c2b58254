//! How values are spread over a zone's area: quantiles and mode.

/// Values with the areas they cover. Equal values are put together whenever the list has doubled, so that it stays near
/// the number of distinct values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    pairs: Vec<(f64, f64)>,
    /// Pairs from the first that are sorted and distinct.
    tidy: usize,
}

/// Pairs before the first time that equal values are put together.
const FEW: usize = 1024;

impl Distribution {
    /// Adds a value over an area.
    pub fn add(&mut self, value: f64, area: f64) {
        // −0 and 0 are one value
        self.pairs.push((value + 0.0, area));
        if self.pairs.len() >= 2 * self.tidy.max(FEW) {
            self.tidy();
        }
    }

    /// Adds another distribution.
    pub fn merge(&mut self, o: &Self) {
        self.pairs.extend_from_slice(&o.pairs);
        if self.pairs.len() >= 2 * self.tidy.max(FEW) {
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        // a stable sort: areas of equal values add up in the order in which they came
        self.pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.pairs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        self.tidy = self.pairs.len();
    }

    /// Distinct values in their order.
    pub fn sorted(&self) -> Sorted {
        let mut all = self.clone();
        all.tidy();
        Sorted(all.pairs)
    }
}

/// Distinct values in their order, with their areas.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted(Vec<(f64, f64)>);

impl Sorted {
    /// The value of the largest area; of several the largest value.
    pub fn mode(&self) -> Option<f64> {
        self.0.iter().copied().reduce(|a, b| if b.1 >= a.1 { b } else { a }).map(|p| p.0)
    }

    /// The weighted quantile as exactextract defines it: distinct values x₁ < … < xₙ with areas w lie at
    /// `sᵢ = (i − 1) wᵢ + (n − 1) Σ_{j<i} wⱼ`; between them values are interpolated, and the quantile q is the value at
    /// `q (n − 1) Σw`. With equal areas this is the type 7 of Hyndman & Fan 1996.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.0.last()?;
        let n = self.0.len();
        let target = q.clamp(0.0, 1.0) * (n - 1) as f64 * self.0.iter().map(|p| p.1).sum::<f64>();
        let mut before = 0.0;
        let mut left: Option<(f64, f64)> = None;
        for (i, (x, w)) in self.0.iter().enumerate() {
            let s = i as f64 * w + (n - 1) as f64 * before;
            if s > target {
                return Some(left.map_or(*x, |(x0, s0)| x0 + (target - s0) * (x - x0) / (s - s0)));
            }
            left = Some((*x, s));
            before += w;
        }
        Some(last.0)
    }
}
