//! Change between two dates: difference of an index, change vectors, multivariate alteration detection; thresholds
//! and radiometric normalisation. Functions over blocks; what is summed over the whole raster is merged by the caller in
//! the order of the blocks.

mod chi_square;
pub mod from_to;
pub mod mad;
pub mod normalise;
pub mod shift;
pub mod threshold;

pub use crate::model::Direction;
use crate::model::Seen;

/// Of each pixel: seen on both dates, or the first reason why not.
pub fn seen_twice(before: &[Seen], after: &[Seen]) -> Vec<Seen> {
    before.iter().zip(after).map(|(a, b)| if *a == Seen::Yes { *b } else { *a }).collect()
}

/// `after − before` in single precision.
pub fn difference(before: &[f32], after: &[f32]) -> Vec<f32> {
    after.iter().zip(before).map(|(a, b)| a - b).collect()
}

/// Length of the change vector over the bands, √Σ(after − before)² (Malila 1980), in single precision; summed in double.
pub fn vector_length(before: &[Vec<f32>], after: &[Vec<f32>]) -> Vec<f32> {
    let n = before.first().map_or(0, Vec::len);
    let mut sum = vec![0f64; n];
    for (b, a) in before.iter().zip(after) {
        for (s, (b, a)) in sum.iter_mut().zip(b.iter().zip(a)) {
            let d = f64::from(*a) - f64::from(*b);
            *s += d * d;
        }
    }
    sum.into_iter().map(|s| s.sqrt() as f32).collect()
}

/// Class number of an observed pixel without change.
pub const STABLE: u8 = 0;
/// Class number of a pixel that was not seen on both dates.
pub const UNSEEN: u8 = 255;

/// Classes of a difference: below `low` [`Direction::Loss`], above `high` [`Direction::Gain`] (the limits themselves
/// are no change), [`UNSEEN`] where not seen.
pub fn classes(values: &[f32], seen: &[Seen], low: f32, high: f32) -> Vec<u8> {
    values
        .iter()
        .zip(seen)
        .map(|(v, s)| {
            let class = if *v < low {
                Direction::Loss as u8
            } else if *v > high {
                Direction::Gain as u8
            } else {
                STABLE
            };
            if *s == Seen::Yes { class } else { UNSEEN }
        })
        .collect()
}

/// Classes of a magnitude: above `limit` [`Direction::Changed`].
pub fn changed(values: &[f32], seen: &[Seen], limit: f32) -> Vec<u8> {
    values
        .iter()
        .zip(seen)
        .map(|(v, s)| match (*s == Seen::Yes, *v > limit) {
            (false, _) => UNSEEN,
            (true, true) => Direction::Changed as u8,
            (true, false) => STABLE,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let s = seen_twice(&[Seen::Yes, Seen::Cloud, Seen::Yes], &[Seen::Yes, Seen::Yes, Seen::NoData]);
        assert_eq!(s, [Seen::Yes, Seen::Cloud, Seen::NoData]);
        let d = difference(&[0.5, 0.1, 0.0], &[0.25, 0.5, 0.0]);
        assert_eq!(d, [-0.25, 0.4, 0.0]);
        assert_eq!(classes(&d, &s, -0.1, 0.1), [1, UNSEEN, UNSEEN]);
        assert_eq!(classes(&[-0.1, 0.1], &[Seen::Yes; 2], -0.1, 0.1), [STABLE, STABLE]);
        assert_eq!(vector_length(&[vec![0.0], vec![1.0]], &[vec![3.0], vec![5.0]]), [5.0]);
        assert_eq!(Direction::of(2), Some(Direction::Gain));
    }
}
