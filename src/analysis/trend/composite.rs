//! Yearly composites of a series, and how many clear looks each year had.

use chrono::Datelike;

use super::harmonic::date_of;
use super::sen::median;

/// How the looks of a year become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Composite {
    /// Their median.
    Median,
    /// The largest (maximum value composite of NDVI, Holben 1986).
    Maximum,
    /// The look nearest all others ([`medoid`], Flood 2013): of one band the middle one, or the lower of the two in the middle.
    Medoid,
}

/// One year of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YearValue {
    /// Year.
    pub year: i32,
    /// Its value; `None` where there was no look.
    pub value: Option<f64>,
    /// Looks.
    pub looks: usize,
}

/// Yearly values of a series: days since 1970-01-01 and values, NaN where not observed. Every year from the first date to
/// the last is there.
pub fn yearly(days: &[i32], values: &[f64], how: Composite) -> Vec<YearValue> {
    let year = |d: &i32| date_of(*d).map_or(0, |d| d.year());
    let (Some(first), Some(last)) = (days.iter().map(year).min(), days.iter().map(year).max()) else {
        return Vec::new();
    };
    let mut looks: Vec<Vec<f64>> = vec![Vec::new(); (last - first + 1) as usize];
    for (d, v) in days.iter().zip(values).filter(|(_, v)| v.is_finite()) {
        looks[(year(d) - first) as usize].push(*v);
    }
    (first..).zip(&mut looks).map(|(year, v)| YearValue { year, looks: v.len(), value: one(v, how) }).collect()
}

fn one(v: &mut [f64], how: Composite) -> Option<f64> {
    match how {
        Composite::Median => median(v),
        Composite::Maximum => v.iter().copied().reduce(f64::max),
        Composite::Medoid => {
            v.sort_unstable_by(f64::total_cmp);
            v.get(v.len().checked_sub(1)? / 2).copied()
        }
    }
}

/// The look whose sum of distances to all others over its bands is least (Flood 2013); the first of several. Looks are
/// slices of one length.
pub fn medoid(looks: &[&[f64]]) -> Option<usize> {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt();
    let sums: Vec<f64> = looks.iter().map(|a| looks.iter().map(|b| distance(a, b)).sum()).collect();
    (0..sums.len()).reduce(|a, b| if sums[b] < sums[a] { b } else { a })
}
