//! Small dense matrices: Cholesky factor, triangular inverse, eigenvectors of a symmetric matrix.

/// A square matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Square {
    pub n: usize,
    pub a: Vec<f64>,
}

impl Square {
    pub fn zeros(n: usize) -> Self {
        Self { n, a: vec![0.0; n * n] }
    }

    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.a[i * self.n + j]
    }

    pub fn set(&mut self, i: usize, j: usize, v: f64) {
        self.a[i * self.n + j] = v;
    }

    pub fn times(&self, o: &Self) -> Self {
        let mut out = Self::zeros(self.n);
        for i in 0..self.n {
            for j in 0..self.n {
                out.set(i, j, (0..self.n).map(|k| self.at(i, k) * o.at(k, j)).sum());
            }
        }
        out
    }

    pub fn transposed(&self) -> Self {
        let mut out = Self::zeros(self.n);
        for i in 0..self.n {
            for j in 0..self.n {
                out.set(j, i, self.at(i, j));
            }
        }
        out
    }

    /// Lower triangle L with L·Lᵀ = self; `None` where the matrix is not positive definite.
    pub fn cholesky(&self) -> Option<Self> {
        let mut l = Self::zeros(self.n);
        for i in 0..self.n {
            for j in 0..=i {
                let s: f64 = self.at(i, j) - (0..j).map(|k| l.at(i, k) * l.at(j, k)).sum::<f64>();
                if i == j {
                    // relative to the variance itself: a band that others explain wholly leaves only rounding
                    if s.is_nan() || s <= 1e-14 * self.at(i, i).abs() {
                        return None;
                    }
                    l.set(i, i, s.sqrt());
                } else {
                    l.set(i, j, s / l.at(j, j));
                }
            }
        }
        Some(l)
    }

    /// Inverse of a lower triangle.
    pub fn lower_inverse(&self) -> Self {
        let mut out = Self::zeros(self.n);
        for j in 0..self.n {
            out.set(j, j, 1.0 / self.at(j, j));
            for i in j + 1..self.n {
                let s: f64 = (j..i).map(|k| self.at(i, k) * out.at(k, j)).sum();
                out.set(i, j, -s / self.at(i, i));
            }
        }
        out
    }

    /// Eigenvalues, the largest first, and eigenvectors as columns, of a symmetric matrix (cyclic Jacobi; Golub & Van
    /// Loan, section 8.5).
    pub fn eigen(&self) -> (Vec<f64>, Self) {
        let n = self.n;
        let (mut a, mut v) = (self.clone(), Self::zeros(n));
        (0..n).for_each(|i| v.set(i, i, 1.0));
        for _ in 0..100 {
            let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).powi(2)).sum();
            let scale: f64 = a.a.iter().map(|x| x * x).sum();
            if off <= 1e-32 * scale {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    rotate(&mut a, &mut v, p, q);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|i, j| a.at(*j, *j).total_cmp(&a.at(*i, *i)));
        let mut vectors = Self::zeros(n);
        for (to, from) in order.iter().enumerate() {
            (0..n).for_each(|i| vectors.set(i, to, v.at(i, *from)));
        }
        (order.iter().map(|i| a.at(*i, *i)).collect(), vectors)
    }
}

/// One rotation, which makes a(p, q) vanish.
fn rotate(a: &mut Square, v: &mut Square, p: usize, q: usize) {
    let apq = a.at(p, q);
    if apq == 0.0 {
        return;
    }
    let theta = (a.at(q, q) - a.at(p, p)) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for k in 0..a.n {
        let (x, y) = (a.at(k, p), a.at(k, q));
        a.set(k, p, c * x - s * y);
        a.set(k, q, s * x + c * y);
    }
    for k in 0..a.n {
        let (x, y) = (a.at(p, k), a.at(q, k));
        a.set(p, k, c * x - s * y);
        a.set(q, k, s * x + c * y);
        let (x, y) = (v.at(k, p), v.at(k, q));
        v.set(k, p, c * x - s * y);
        v.set(k, q, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_and_factors_give_the_matrix_again() {
        let m = Square { n: 3, a: vec![4.0, 1.0, -2.0, 1.0, 3.0, 0.5, -2.0, 0.5, 5.0] };
        let (w, v) = m.eigen();
        assert!(w[0] > w[1] && w[1] > w[2] && w[2] > 0.0);
        let mut d = Square::zeros(3);
        (0..3).for_each(|i| d.set(i, i, w[i]));
        let again = v.times(&d).times(&v.transposed());
        let l = m.cholesky().unwrap();
        let product = l.times(&l.transposed());
        let one = l.times(&l.lower_inverse());
        for i in 0..9 {
            assert!((again.a[i] - m.a[i]).abs() < 1e-12 && (product.a[i] - m.a[i]).abs() < 1e-12);
            assert!((one.a[i] - f64::from(u8::from(i % 4 == 0))).abs() < 1e-12);
        }
        // det [[2, 1], [1, 2]]: 3 and 1
        let (w, _) = Square { n: 2, a: vec![2.0, 1.0, 1.0, 2.0] }.eigen();
        assert!((w[0] - 3.0).abs() < 1e-14 && (w[1] - 1.0).abs() < 1e-14);
        assert!(Square { n: 2, a: vec![1.0, 2.0, 2.0, 4.0] }.cholesky().is_none());
    }
}
