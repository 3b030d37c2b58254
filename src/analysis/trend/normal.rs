//! The normal distribution.

/// Probability that a standard normal variable lies further from zero than `z`.
pub fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Probability that a standard normal variable lies below `x`.
pub(super) fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Its density.
pub(super) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The root of an increasing or decreasing function between two points, to the last bits.
pub(super) fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let rising = f(low) < 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if (f(middle) < 0.0) == rising { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The value that a standard normal variable exceeds with probability `tail`, 0 < tail ≤ 0.5.
pub(super) fn exceeded_with(tail: f64) -> f64 {
    root(0.0, 40.0, |x| 0.5 * libm::erfc(x / std::f64::consts::SQRT_2) - tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_values() {
        // Abramowitz & Stegun, table 26.1 and 26.5
        assert!((two_sided(1.96) - 0.049_995_790_3).abs() < 1e-9);
        assert!((exceeded_with(0.025) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((below(-1.0) - 0.158_655_253_931_457).abs() < 1e-14);
        assert!((density(0.0) - 0.398_942_280_401_433).abs() < 1e-14);
    }
}
