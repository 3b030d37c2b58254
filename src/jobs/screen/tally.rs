//! Counts and sums over all sites, a site at a time.

use std::collections::BTreeMap;

use super::KindSum;
use crate::model::Kind;
use crate::report::screen::{SiteRow, Sums};
use crate::units::SquareMetres;

/// What a run counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub sites: usize,
    pub in_zones: usize,
    pub sums: Sums,
    relations: BTreeMap<usize, [usize; 3]>,
    kinds: BTreeMap<(usize, Kind), KindSum>,
}

impl Tally {
    pub fn add(&mut self, r: &SiteRow) {
        self.sites += 1;
        self.in_zones += usize::from(r.zones.first().is_some_and(|z| z.overlap.0 > 0.0));
        self.sums.add(r);
        for (i, a) in r.at.iter().enumerate() {
            let k = ["inside", "crosses", "outside"].iter().position(|n| *n == a.relation).unwrap_or(2);
            self.relations.entry(i).or_default()[k] += 1;
            if a.relation == "outside" {
                continue;
            }
            let zero = KindSum {
                distance_m: a.distance_m,
                kind: r.site.kind,
                inside: 0,
                crosses: 0,
                area_inside: SquareMetres(0.0),
            };
            let s = self.kinds.entry((i, r.site.kind)).or_insert(zero);
            s.inside += usize::from(a.relation == "inside");
            s.crosses += usize::from(a.relation == "crosses");
            s.area_inside.0 += a.inside.0;
        }
    }

    /// Sites inside, crossing and outside, one entry a distance.
    pub fn relations(&self, distances: &[f64]) -> Vec<(f64, [usize; 3])> {
        distances.iter().enumerate().map(|(i, &d)| (d, self.relations.get(&i).copied().unwrap_or_default())).collect()
    }

    /// Sites within each distance by kind, kinds in their order; kinds without a site within are left out.
    pub fn by_kind(&self) -> Vec<KindSum> {
        self.kinds.values().copied().collect()
    }
}
