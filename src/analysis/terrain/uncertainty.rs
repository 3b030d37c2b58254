//! Uncertainty of a volume: parts that every cell has for itself, that neighbours share, and that all share
//! (Anderson 2019, doi 10.1002/esp.4551; the shared part by Rolstad et al. 2009, doi 10.3189/002214309789470950).

use super::variogram::Noise;

/// Standard deviations of a volume, cubic metres.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VolumeError {
    /// Every cell for itself: σ_u · √Σw², w the area of each cell inside.
    pub uncorrelated_m3: f64,
    /// Shared by neighbours: σ_c · S · √(mean correlation inside).
    pub correlated_m3: f64,
    /// Shared by all: σ_s · S.
    pub systematic_m3: f64,
}

impl VolumeError {
    /// All three together.
    pub fn total_m3(&self) -> f64 {
        (self.uncorrelated_m3.powi(2) + self.correlated_m3.powi(2) + self.systematic_m3.powi(2)).sqrt()
    }
}

/// Mean correlation between the middle of a circle of the area and all its places, for a spherical variogram of the
/// range: a² / 5L² where the radius L reaches beyond it, 1 − L/a + L³/5a³ where it does not (Rolstad et al. 2009). With
/// the first form the shared part is Anderson's 0.79·a·σ/√area for a range a.
pub fn mean_correlation(area_m2: f64, range_m: f64) -> f64 {
    if range_m <= 0.0 {
        return 0.0;
    }
    let x = (area_m2 / std::f64::consts::PI).sqrt() / range_m;
    if x >= 1.0 { 0.2 / (x * x) } else { 1.0 - x + 0.2 * x * x * x }
}

/// The error of a volume over an area of `area_m2`, whose cells' squared areas sum to `squares_m4`; `systematic_m` is
/// the standard deviation of the bias that is left.
pub fn volume_error(area_m2: f64, squares_m4: f64, noise: &Noise, systematic_m: f64) -> VolumeError {
    VolumeError {
        uncorrelated_m3: (noise.uncorrelated_m2 * squares_m4).sqrt(),
        correlated_m3: area_m2 * (noise.correlated_m2 * mean_correlation(area_m2, noise.range_m)).sqrt(),
        systematic_m3: area_m2 * systematic_m,
    }
}

/// Standard deviation of the bias, found as a median over `cells` of stable ground covering `area_m2`: the error of the
/// mean, √(π/2) larger for the part of each cell, because a median is.
pub fn bias_error_m(cells: usize, area_m2: f64, noise: &Noise) -> f64 {
    let own = std::f64::consts::FRAC_PI_2 * noise.uncorrelated_m2 / cells.max(1) as f64;
    (own + noise.correlated_m2 * mean_correlation(area_m2, noise.range_m)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise() -> Noise {
        Noise { uncorrelated_m2: 0.04, correlated_m2: 0.01, range_m: 50.0, lags: Vec::new() }
    }

    #[test]
    fn the_three_parts_by_hand() {
        // 2,500 cells of 4 m²: 10,000 m²
        let e = volume_error(10_000.0, 2_500.0 * 16.0, &noise(), 0.05);
        // √n · L² · σ = 50 · 4 · 0.2
        assert!((e.uncorrelated_m3 - 40.0).abs() < 1e-9);
        // Anderson's 0.79 · a · √n · L · σ, 0.79 = √(π/5)
        let anderson = (std::f64::consts::PI / 5.0).sqrt() * 50.0 * 50.0 * 2.0 * 0.1;
        assert!((e.correlated_m3 - anderson).abs() < 1e-9, "{} {anderson}", e.correlated_m3);
        assert!((e.systematic_m3 - 500.0).abs() < 1e-9);
        assert!((e.total_m3() - (1600.0 + anderson * anderson + 250_000.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn correlation_meets_at_the_range_and_is_whole_for_a_point() {
        let at = |l: f64| mean_correlation(std::f64::consts::PI * l * l, 50.0);
        assert!((at(49.999_999) - at(50.000_001)).abs() < 1e-7 && (at(50.0) - 0.2).abs() < 1e-9);
        assert!((at(1e-6) - 1.0).abs() < 1e-6);
        assert_eq!(mean_correlation(100.0, 0.0), 0.0);
        // by summing rings of a circle of 30 m: 2/L² ∫ρ(h) h dh
        let (l, n) = (30.0, 100_000);
        let sum: f64 = (0..n)
            .map(|i| {
                let h = (f64::from(i) + 0.5) * l / f64::from(n);
                (1.0 - super::super::variogram::spherical(h, 50.0)) * h * l / f64::from(n)
            })
            .sum();
        assert!((at(l) - 2.0 * sum / (l * l)).abs() < 1e-8);
    }
}
