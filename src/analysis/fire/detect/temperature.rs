//! Surface temperature from one thermal band.

/// Second radiation constant, h·c/k, in µm·K (CODATA 2018: 1.438776877e-2 m·K).
const C2: f64 = 14_387.768_77;

/// What turns brightness temperature into surface temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingleChannel {
    /// Effective wavelength of the band, µm.
    pub wavelength_um: f64,
    /// Constants of Planck's law for the band, where they are known.
    pub planck: Option<(f64, f64)>,
    /// Water vapour of the whole column, g cm⁻²; where it is not known the emissivity alone is corrected.
    pub water_vapour: Option<f64>,
}

/// Emissivity by the cover of vegetation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emissivity {
    /// Of bare ground; 0 to 1.
    pub bare: f64,
    /// NDVI of bare ground.
    pub ndvi_bare: f64,
    /// NDVI of full cover.
    pub ndvi_full: f64,
}

impl Default for Emissivity {
    /// Bare ground 0.97; NDVI 0.2 and 0.86 (Ermida et al. 2020, Remote Sensing 12:1471).
    fn default() -> Self {
        Self { bare: 0.97, ndvi_bare: 0.2, ndvi_full: 0.86 }
    }
}

/// Emissivity of vegetation (Ermida et al. 2020).
const VEGETATION: f64 = 0.99;

impl Emissivity {
    /// `e = 0.99·FVC + (1 − FVC)·e_bare` (Ermida et al. 2020) with `FVC = ((NDVI − bare)/(full − bare))²` between 0 and 1
    /// (Carlson & Ripley 1997). Bare ground where NDVI has no value.
    pub fn of(&self, red: f32, nir: f32) -> f64 {
        let ndvi = f64::from((nir - red) / (nir + red));
        if !ndvi.is_finite() {
            return self.bare;
        }
        let f = ((ndvi - self.ndvi_bare) / (self.ndvi_full - self.ndvi_bare)).clamp(0.0, 1.0);
        let cover = f * f;
        VEGETATION * cover + (1.0 - cover) * self.bare
    }
}

impl SingleChannel {
    /// Surface temperature in K from brightness temperature in K.
    ///
    /// With water vapour: the single-channel method for TIRS band 10 of Jiménez-Muñoz et al. 2014 (IEEE Geoscience and Remote
    /// Sensing Letters 11:1840), `T = γ·((ψ1·L + ψ2)/e + ψ3) + δ`, `γ = T_b²/(b·L)`, `δ = T_b − T_b²/b`, `b` = k2.
    /// Without: `T = T_b / (1 + λ·T_b/c2 · ln e)` (Artis & Carnahan 1982), which knows no atmosphere.
    pub fn surface(&self, brightness_k: f32, emissivity: f64) -> f32 {
        let t = f64::from(brightness_k);
        match (self.water_vapour, self.planck) {
            (Some(w), Some((k1, k2))) => {
                let radiance = k1 / ((k2 / t).exp() - 1.0);
                let [p1, p2, p3] = psi(w);
                let gamma = t * t / (k2 * radiance);
                let delta = t - t * t / k2;
                (gamma * ((p1 * radiance + p2) / emissivity + p3) + delta) as f32
            }
            _ => (t / (1.0 + self.wavelength_um * t / C2 * emissivity.ln())) as f32,
        }
    }
}

/// Atmospheric functions of TIRS band 10 by water vapour in g cm⁻² (Jiménez-Muñoz et al. 2014, table II, GAPRI 4838).
fn psi(w: f64) -> [f64; 3] {
    let p = |a: f64, b: f64, c: f64| (a * w + b) * w + c;
    [p(0.04019, 0.02916, 1.01523), p(-0.38333, -1.50294, 0.20324), p(0.00918, 1.36072, -0.27514)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIRS_10: SingleChannel =
        SingleChannel { wavelength_um: 10.895, planck: Some((774.8853, 1321.0789)), water_vapour: None };

    #[test]
    fn a_grey_body_is_found_again() {
        // radiance e·B(T) at 10.895 µm, by Planck's law; c1 = 2hc² = 1.191042972e8 W m⁻² sr⁻¹ µm⁴
        let planck = |t: f64| 1.191_042_972e8 / (10.895f64.powi(5) * ((C2 / (10.895 * t)).exp() - 1.0));
        for (t, e) in [(283.0, 0.97), (305.0, 0.95), (330.0, 0.99)] {
            let radiance = e * planck(t);
            let b = C2 / (10.895 * (1.191_042_972e8 / (10.895f64.powi(5) * radiance) + 1.0).ln());
            // the formula leaves out a term of second order: a tenth of a kelvin
            assert!((f64::from(TIRS_10.surface(b as f32, e)) - t).abs() < 0.15, "{t} {e}");
        }
    }

    #[test]
    fn more_water_in_the_air_means_a_hotter_ground() {
        let at = |w| SingleChannel { water_vapour: Some(w), ..TIRS_10 }.surface(300.0, 0.97);
        assert!(
            at(0.5) > 300.0 && at(1.0) > at(0.5) && at(2.0) > at(1.0) && at(2.0) < 312.0,
            "{} {}",
            at(0.5),
            at(2.0)
        );
        // by Python, w = 1: ψ = 1.08458, −1.68303, 1.09476; L(300) = 9.596778
        assert!((at(1.0) - 303.5018).abs() < 1e-3, "{}", at(1.0));
    }

    #[test]
    fn bare_ground_and_full_cover() {
        let e = Emissivity::default();
        assert!((e.of(0.3, 0.3) - 0.97).abs() < 1e-12);
        assert!((e.of(0.03, 0.47) - 0.99).abs() < 1e-12);
        assert!((e.of(0.0, 0.0) - 0.97).abs() < 1e-12);
        // NDVI 0.53 is half way: a quarter of cover
        assert!((e.of(0.235, 0.765) - (0.99 * 0.25 + 0.97 * 0.75)).abs() < 1e-6);
    }
}
