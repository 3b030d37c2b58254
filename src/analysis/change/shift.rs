//! How far one scene lies off another, below a pixel.
//!
//! To first order `after ≈ gain · before + offset − gain · (dx · ∂before/∂x + dy · ∂before/∂y)`: four unknowns by least
//! squares over all pixels seen (Lucas & Kanade 1981, with gain and offset for the radiometry). Good for shifts up to a
//! pixel or so on ground with structure; noise makes the answer smaller, not larger.

use crate::model::Seen;

/// Sums of the normal equations: of 1, before, ∂x, ∂y and after.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShiftSums {
    n: f64,
    m: [[f64; 5]; 5],
}

impl ShiftSums {
    /// Of a block of `width` columns; its outermost pixels have no slope and are left out.
    pub fn of(width: usize, before: &[f32], after: &[f32], seen: &[Seen]) -> Self {
        let mut s = Self::default();
        if width < 3 {
            return s;
        }
        let height = before.len() / width;
        for r in 1..height.saturating_sub(1) {
            for c in 1..width - 1 {
                let i = r * width + c;
                let around = [i, i - 1, i + 1, i - width, i + width];
                if around.iter().any(|k| seen[*k] != Seen::Yes) {
                    continue;
                }
                let at = |k: usize| f64::from(before[k]);
                let v = [
                    1.0,
                    at(i),
                    (at(i + 1) - at(i - 1)) / 2.0,
                    (at(i + width) - at(i - width)) / 2.0,
                    f64::from(after[i]),
                ];
                s.n += 1.0;
                for a in 0..5 {
                    for b in a..5 {
                        s.m[a][b] += v[a] * v[b];
                    }
                }
            }
        }
        s
    }

    /// Adds the sums of another block.
    pub fn merge(&mut self, o: &Self) {
        self.n += o.n;
        for (a, b) in self.m.iter_mut().flatten().zip(o.m.iter().flatten()) {
            *a += b;
        }
    }

    /// Columns and rows by which the later image lies to the right and below; `None` where fewer than 1000 pixels tell,
    /// or the ground has no structure.
    pub fn shift(&self) -> Option<[f64; 2]> {
        if self.n < 1000.0 {
            return None;
        }
        let m = |a: usize, b: usize| if a <= b { self.m[a][b] } else { self.m[b][a] };
        let mut e: Vec<Vec<f64>> = (0..4).map(|i| (0..5).map(|k| m(i, k)).collect()).collect();
        for i in 0..4 {
            let p = (i..4).max_by(|a, b| e[*a][i].abs().total_cmp(&e[*b][i].abs()))?;
            e.swap(i, p);
            if e[i][i].abs() <= 1e-12 * m(i, i).abs().max(f64::MIN_POSITIVE) {
                return None;
            }
            let (upper, lower) = e.split_at_mut(i + 1);
            for row in lower {
                let f = row[i] / upper[i][i];
                row.iter_mut().zip(&upper[i]).skip(i).for_each(|(r, u)| *r -= f * u);
            }
        }
        let mut x = [0f64; 4];
        for i in (0..4).rev() {
            x[i] = (e[i][4] - (i + 1..4).map(|k| e[i][k] * x[k]).sum::<f64>()) / e[i][i];
        }
        let gain = x[1];
        (gain.abs() > 0.05).then(|| [-x[2] / gain, -x[3] / gain]).filter(|s| s.iter().all(|v| v.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_a_pixel_is_found_in_spite_of_gain_and_offset() {
        let f = |x: f64, y: f64| (x / 9.0).sin() + 0.7 * (y / 7.0).cos() + 0.4 * ((x + y) / 11.0).sin();
        let (w, h) = (80usize, 60usize);
        let image = |dx: f64, dy: f64, g: f64, o: f64| -> Vec<f32> {
            (0..w * h).map(|i| (g * f((i % w) as f64 - dx, (i / w) as f64 - dy) + o) as f32).collect()
        };
        let (a, b) = (image(0.0, 0.0, 1.0, 0.0), image(0.33, -0.2, 1.1, 0.05));
        let s = ShiftSums::of(w, &a, &b, &vec![Seen::Yes; w * h]).shift().unwrap();
        assert!((s[0] - 0.33).abs() < 0.01 && (s[1] + 0.2).abs() < 0.01, "{s:?}");
        assert_eq!(ShiftSums::of(w, &vec![1.0; w * h], &b, &vec![Seen::Yes; w * h]).shift(), None);
    }
}
