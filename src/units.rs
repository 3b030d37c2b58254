//! Units that the field uses, as types or as named conversions.

use serde::{Deserialize, Serialize};

/// A length in metres.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metres(pub f64);

/// An area in square metres.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SquareMetres(pub f64);

/// Square metres of one 亩 (mu): 10,000 / 15, as China's statutory units define it (1 亩 = 1/15 公顷).
pub const M2_PER_MU: f64 = 10_000.0 / 15.0;

impl SquareMetres {
    /// In hectares (公顷).
    pub fn hectares(self) -> f64 {
        self.0 / 10_000.0
    }

    /// In mu (亩).
    pub fn mu(self) -> f64 {
        self.0 / M2_PER_MU
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hectare_is_fifteen_mu() {
        assert!((SquareMetres(10_000.0).mu() - 15.0).abs() < 1e-12);
        assert_eq!(SquareMetres(25_000.0).hectares(), 2.5);
    }
}
