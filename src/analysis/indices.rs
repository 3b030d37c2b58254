//! Spectral indices of one scene, pixel by pixel, in single precision.

use crate::error::{Error, Result};
use crate::model::{Role, Seen};

/// An index with a published formula. Bands are reflectances from 0 to 1, but for those of ratios of two bands, which
/// give the same for any numbers that are proportional to reflectance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// (nir − red) / (nir + red); Rouse et al. 1974.
    Ndvi,
    /// 2.5 (nir − red) / (nir + 6 red − 7.5 blue + 1); Huete et al. 2002.
    Evi,
    /// 1.5 (nir − red) / (nir + red + 0.5); Huete 1988, L = 0.5.
    Savi,
    /// (2 nir + 1 − √((2 nir + 1)² − 8 (nir − red))) / 2; Qi et al. 1994 (MSAVI2).
    Msavi,
    /// ((swir1 + red) − (nir + blue)) / ((swir1 + red) + (nir + blue)); Rikimaru et al. 2002.
    Bsi,
    /// (green − nir) / (green + nir); McFeeters 1996.
    Ndwi,
    /// (green − swir1) / (green + swir1); Xu 2006.
    Mndwi,
    /// (nir − swir2) / (nir + swir2); Key & Benson 2006.
    Nbr,
    /// (swir1 − swir2) / (swir1 + swir2); Key & Benson 2006, with both short-wave infrared bands.
    Nbr2,
    /// (nir − swir1) / (nir + swir1); Gao 1996 (whose NDWI it is), with the band at 1.6 µm.
    Ndmi,
    /// (swir1 − nir) / (swir1 + nir); Zha et al. 2003.
    Ndbi,
}

use Role::{Blue, Green, Nir, Red, Swir1, Swir2};

impl Index {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Ndvi,
        Self::Evi,
        Self::Savi,
        Self::Msavi,
        Self::Bsi,
        Self::Ndwi,
        Self::Mndwi,
        Self::Nbr,
        Self::Nbr2,
        Self::Ndmi,
        Self::Ndbi,
    ];

    /// Name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndvi => "ndvi",
            Self::Evi => "evi",
            Self::Savi => "savi",
            Self::Msavi => "msavi",
            Self::Bsi => "bsi",
            Self::Ndwi => "ndwi",
            Self::Mndwi => "mndwi",
            Self::Nbr => "nbr",
            Self::Nbr2 => "nbr2",
            Self::Ndmi => "ndmi",
            Self::Ndbi => "ndbi",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Ndvi => "归一化植被指数",
            Self::Evi => "增强型植被指数",
            Self::Savi => "土壤调节植被指数",
            Self::Msavi => "修正土壤调节植被指数",
            Self::Bsi => "裸土指数",
            Self::Ndwi => "归一化水体指数",
            Self::Mndwi => "改进归一化水体指数",
            Self::Nbr => "归一化燃烧指数",
            Self::Nbr2 => "归一化燃烧指数 2",
            Self::Ndmi => "归一化湿度指数",
            Self::Ndbi => "归一化建筑指数",
        }
    }

    /// The index of a name.
    ///
    /// # Errors
    /// `Usage` that lists the names.
    pub fn of(name: &str) -> Result<Self> {
        let lower = name.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|i| i.as_str() == lower).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::usage(format!("the index “{name}” is not known"), format!("未知指数“{name}”"))
                .remedy(format!("known are: {names}, fvc, rsei"), format!("可用:{names}、fvc、rsei"))
        })
    }

    /// The bands it is made of, in the order that [`compute`] wants them.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Ndvi | Self::Savi | Self::Msavi => &[Nir, Red],
            Self::Evi => &[Nir, Red, Blue],
            Self::Bsi => &[Swir1, Red, Nir, Blue],
            Self::Ndwi => &[Green, Nir],
            Self::Mndwi => &[Green, Swir1],
            Self::Nbr => &[Nir, Swir2],
            Self::Nbr2 => &[Swir1, Swir2],
            Self::Ndmi => &[Nir, Swir1],
            Self::Ndbi => &[Swir1, Nir],
        }
    }

    /// True where the bands must be reflectances: the formula holds constants that stand beside them.
    pub fn wants_reflectance(self) -> bool {
        matches!(self, Self::Evi | Self::Savi | Self::Msavi)
    }
}

/// Values of an index; `bands` in the order of [`Index::roles`], all as long as `seen`. Where the formula has no value
/// (a denominator of zero, a root of a negative number) the pixel is marked [`Seen::Undefined`]. Every operation is
/// rounded to float32, in the order in which the formulas above are written.
pub fn compute(index: Index, bands: &[&[f32]], seen: &mut [Seen]) -> Vec<f32> {
    let out: Vec<f32> = match (index, bands) {
        (Index::Evi, [n, r, b]) => {
            n.iter().zip(*r).zip(*b).map(|((n, r), b)| 2.5 * (n - r) / (n + 6.0 * r - 7.5 * b + 1.0)).collect()
        }
        (Index::Savi, [n, r]) => n.iter().zip(*r).map(|(n, r)| 1.5 * (n - r) / (n + r + 0.5)).collect(),
        (Index::Msavi, [n, r]) => n
            .iter()
            .zip(*r)
            .map(|(n, r)| {
                let t = 2.0 * n + 1.0;
                (t - (t * t - 8.0 * (n - r)).sqrt()) / 2.0
            })
            .collect(),
        (Index::Bsi, [s, r, n, b]) => s
            .iter()
            .zip(*r)
            .zip(n.iter().zip(*b))
            .map(|((s, r), (n, b))| {
                let (x, y) = (s + r, n + b);
                (x - y) / (x + y)
            })
            .collect(),
        (_, [a, b, ..]) => a.iter().zip(*b).map(|(a, b)| (a - b) / (a + b)).collect(),
        _ => vec![f32::NAN; seen.len()],
    };
    for (s, v) in seen.iter_mut().zip(&out) {
        *s = if !v.is_finite() && *s == Seen::Yes { Seen::Undefined } else { *s };
    }
    out
}

/// Fraction of vegetation cover by the dichotomy of pixels into soil and vegetation (Gutman & Ignatov 1998, linear in
/// NDVI): 0 at and below the soil's NDVI, 1 at and above the vegetation's.
pub fn fvc(ndvi: &[f32], soil: f32, vegetation: f32) -> Vec<f32> {
    let span = vegetation - soil;
    ndvi.iter().map(|v| ((v - soil) / span).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(i: Index, v: &[f32]) -> f32 {
        let bands: Vec<[f32; 1]> = v.iter().map(|x| [*x]).collect();
        let bands: Vec<&[f32]> = bands.iter().map(|b| b.as_slice()).collect();
        compute(i, &bands, &mut [Seen::Yes])[0]
    }

    #[test]
    fn by_hand() {
        // nir 0.4, red 0.1, blue 0.05, swir1 0.3, swir2 0.2, green 0.08
        let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(one(Index::Ndvi, &[0.4, 0.1]), 0.6);
        near(one(Index::Evi, &[0.4, 0.1, 0.05]), 0.75 / 1.625);
        near(one(Index::Savi, &[0.4, 0.1]), 0.45);
        // (1.8 − √(3.24 − 2.4)) / 2
        near(one(Index::Msavi, &[0.4, 0.1]), (1.8 - 0.84f32.sqrt()) / 2.0);
        near(one(Index::Bsi, &[0.3, 0.1, 0.4, 0.05]), -0.05 / 0.85);
        near(one(Index::Ndwi, &[0.08, 0.4]), -0.32 / 0.48);
        near(one(Index::Nbr, &[0.4, 0.2]), 1.0 / 3.0);
        near(one(Index::Ndbi, &[0.3, 0.4]), -1.0 / 7.0);
    }

    #[test]
    fn no_value_is_not_a_number_of_another_kind() {
        let mut seen = [Seen::Yes, Seen::Cloud];
        compute(Index::Ndvi, &[&[0.0, 0.0], &[0.0, 0.0]], &mut seen);
        assert_eq!(seen, [Seen::Undefined, Seen::Cloud]);
    }

    #[test]
    fn cover_is_linear_between_soil_and_vegetation() {
        assert_eq!(fvc(&[0.0, 0.25, 0.5, 0.75, 1.0], 0.25, 0.75), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }
}
