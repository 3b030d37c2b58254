//! Critical values of monitoring processes.

use super::normal::{below, density, root};
use crate::error::{Error, Result};

/// Levels of the table.
const LEVELS: [f64; 7] = [0.05, 0.04, 0.03, 0.02, 0.01, 0.005, 0.001];
/// Monitoring periods of the table, in lengths of the history.
const PERIODS: [u32; 5] = [2, 4, 6, 8, 10];
/// Critical values of the OLS-MOSUM boundary (simulated by the authors of strucchange, its table `mreCritValTable`,
/// functional `max`; Leisch, Hornik & Kuan 2000, Zeileis et al. 2005): window 0.25, 0.5, 1; period; level.
#[rustfmt::skip]
const MOSUM: [(f64, [[f64; 7]; 5]); 3] = [
    (0.25, [
        [1.227_626_66, 1.258_229_33, 1.297_743_16, 1.350_272_75, 1.433_262_95, 1.507_299_64, 1.673_976_77],
        [1.336_231_05, 1.363_725_5, 1.398_436_38, 1.445_439_74, 1.519_836_79, 1.596_956_04, 1.745_509_49],
        [1.341_086_85, 1.368_276_81, 1.402_654_15, 1.448_123_18, 1.521_599_88, 1.597_971_11, 1.745_509_49],
        [1.341_656_82, 1.368_504_6, 1.403_074_35, 1.448_228_24, 1.521_628_51, 1.597_971_11, 1.745_509_49],
        [1.341_824_51, 1.368_863_21, 1.403_187_73, 1.448_236_09, 1.521_644_97, 1.597_971_11, 1.745_509_49],
    ]),
    (0.5, [
        [1.687_323_28, 1.736_321_52, 1.802_222_75, 1.886_952_53, 2.031_463_39, 2.151_914_86, 2.434_575_85],
        [1.886_330_9, 1.933_243_25, 1.994_706_55, 2.075_533_46, 2.201_169_96, 2.320_519_77, 2.568_861_52],
        [1.899_584_45, 1.947_242_79, 2.004_818_76, 2.082_447_52, 2.208_535_17, 2.325_254_89, 2.570_255_29],
        [1.901_298_51, 1.948_882_93, 2.006_502_82, 2.082_848_25, 2.208_753_77, 2.325_521_83, 2.570_255_29],
        [1.902_003_18, 1.949_207_27, 2.006_985_31, 2.082_870_28, 2.209_072_83, 2.325_521_83, 2.570_255_29],
    ]),
    (1.0, [
        [2.224_088_18, 2.310_397_79, 2.420_513_03, 2.559_929_45, 2.799_615_92, 3.029_458_2, 3.454_726_81],
        [2.704_436_76, 2.788_012_92, 2.894_229_35, 3.030_217_41, 3.252_829_64, 3.460_251_34, 3.935_356_96],
        [2.737_148_08, 2.816_225_24, 2.918_303_67, 3.045_733_1, 3.274_006_33, 3.473_392_64, 3.941_029_16],
        [2.742_879_24, 2.821_322_45, 2.920_887, 3.048_442_21, 3.274_859_74, 3.474_226_54, 3.941_029_16],
        [2.745_927_61, 2.824_270_34, 2.922_340_02, 3.049_288_62, 3.276_932_46, 3.474_226_54, 3.941_029_16],
    ]),
];

/// Of the OLS-MOSUM process; between two levels of the table by a straight line.
///
/// # Errors
/// `Usage` where window, period or level are not in the table.
pub(super) fn mosum(h: f64, period: u32, level: f64) -> Result<f64> {
    let row = MOSUM.iter().find(|r| r.0 == h).zip(PERIODS.iter().position(|p| *p == period));
    let at = LEVELS.windows(2).position(|l| level <= l[0] && level >= l[1]);
    let (Some(((_, rows), p)), Some(i)) = (row, at) else {
        return Err(Error::usage(
            format!("no critical value is known for h {h}, period {period}, level {level}"),
            format!("没有 h {h}、period {period}、level {level} 的临界值"),
        )
        .remedy(
            "h is 0.25, 0.5 or 1; the period 2, 4, 6, 8 or 10; the level 0.001 to 0.05",
            "h 取 0.25、0.5 或 1;period 取 2、4、6、8 或 10;level 取 0.001–0.05",
        ));
    };
    let share = (LEVELS[i] - level) / (LEVELS[i] - LEVELS[i + 1]);
    Ok(rows[p][i] + share * (rows[p][i + 1] - rows[p][i]))
}

/// Of the OLS-CUSUM process: the c of `2 (Φ(c) − c φ(c)) = 2 − level` (Chu, Stinchcombe & White 1996).
pub(super) fn cusum(level: f64) -> f64 {
    root(0.0, 10.0, |c| 2.0 * (below(c) - c * density(c)) - (2.0 - level))
}

/// Probability that the recursive CUSUM exceeds `x` times its boundary `1 + 2t` where nothing changes (Zeileis et al. 2002).
pub(super) fn recursive_p(x: f64) -> f64 {
    if x < 0.3 {
        return 1.0 - 0.1464 * x;
    }
    2.0 * (1.0 - below(3.0 * x) + (-4.0 * x * x).exp() * (below(x) + below(5.0 * x) - 1.0)
        - (-16.0 * x * x).exp() * (1.0 - below(x)))
}

/// Of the recursive CUSUM: boundary `c (1 + 2t)` (Brown, Durbin & Evans 1975).
pub(super) fn recursive(level: f64) -> f64 {
    root(0.3, 20.0, |x| level - recursive_p(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        // Brown, Durbin & Evans 1975: 0.948 at 5 %, 1.143 at 1 %
        assert!((recursive(0.05) - 0.948).abs() < 5e-4 && (recursive(0.01) - 1.143).abs() < 5e-4);
        // Chu, Stinchcombe & White 1996, p. 1052: a² = 7.78 at 5 %, 6.25 at 10 %
        assert!((cusum(0.05).powi(2) - 7.78).abs() < 0.05 && (cusum(0.1).powi(2) - 6.25).abs() < 0.05);
        assert_eq!(mosum(0.25, 10, 0.05).unwrap(), 1.341_824_51);
        assert!((mosum(0.25, 10, 0.025).unwrap() - 1.425_711_91).abs() < 1e-9);
        assert_eq!(mosum(0.3, 10, 0.05).unwrap_err().kind.exit_code(), 2);
    }
}
