//! The season of a series as a sum of harmonics of the year, fitted by least squares with a straight line beside it.

use chrono::{Datelike, Days, NaiveDate};

/// Largest harmonic order.
pub const MOST_ORDER: usize = 6;
/// Columns of a model at most: constant, line, cosines and sines.
const MOST: usize = 2 + 2 * MOST_ORDER;

/// Days since 1970-01-01 as a date.
pub fn date_of(day: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    if day >= 0 {
        epoch.checked_add_days(Days::new(day as u64))
    } else {
        epoch.checked_sub_days(Days::new(u64::from(day.unsigned_abs())))
    }
}

/// Days since 1970-01-01 of a date.
pub fn day_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// Year with the fraction of it: 0 on 1 January, 1 on 31 December (as `nrt` counts; R's `bfastts` differs by up to a day).
pub fn decimal_year(day: i32) -> f64 {
    let Some(d) = date_of(day) else { return f64::NAN };
    let length = if d.leap_year() { 365.0 } else { 364.0 };
    f64::from(d.year()) + f64::from(d.ordinal0()) / length
}

/// What a model is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// A straight line beside the season.
    pub trend: bool,
    /// Harmonics of the year, 0 (no season) to [`MOST_ORDER`].
    pub order: usize,
}

impl Model {
    /// Numbers to be fitted.
    pub fn parameters(self) -> usize {
        1 + usize::from(self.trend) + 2 * self.order
    }

    /// One row of the design: 1, years since `origin` (where there is a line), cosines, sines.
    fn row(self, day: i32, origin: i32) -> [f64; MOST] {
        let mut x = [0.0; MOST];
        x[0] = 1.0;
        let first = 1 + usize::from(self.trend);
        if self.trend {
            x[1] = f64::from(day - origin) / 365.25;
        }
        let angle = std::f64::consts::TAU * decimal_year(day);
        for k in 0..self.order {
            let (s, c) = (angle * (k + 1) as f64).sin_cos();
            x[first + k] = c;
            x[first + self.order + k] = s;
        }
        x
    }
}

/// The design of a model at the dates of a stack, with what each date adds to the normal equations: made once, used for
/// every pixel.
#[derive(Debug, Clone)]
pub struct Design {
    model: Model,
    rows: Vec<[f64; MOST]>,
    /// Upper triangles of each row's product with itself, one after the other.
    products: Vec<f64>,
}

/// Fitted numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    beta: [f64; MOST],
}

impl Design {
    /// For dates in days since 1970-01-01; a line is counted from the first of them.
    pub fn new(model: Model, days: &[i32]) -> Self {
        let origin = days.iter().copied().min().unwrap_or(0);
        let rows: Vec<_> = days.iter().map(|d| model.row(*d, origin)).collect();
        let p = model.parameters();
        let mut products = Vec::with_capacity(rows.len() * p * (p + 1) / 2);
        for x in &rows {
            for i in 0..p {
                products.extend((i..p).map(|j| x[i] * x[j]));
            }
        }
        Self { model, rows, products }
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.rows[i][..self.model.parameters()]
    }

    /// Least squares over the looks `at` (places among the design's dates) with their values, by the normal equations.
    /// `None` where they do not determine the numbers.
    pub fn fit(&self, at: &[u32], values: &[f64]) -> Option<Fit> {
        self.factored(at, values).map(|(fit, _)| fit)
    }

    /// As [`Self::fit`], for a model with a line; answers too by how much more the fitted slope scatters than the slope of a
    /// line through residuals alone would: `S_tt (XᵀX)⁻¹_tt (n − 2) / (n − p)`, for the season takes a part of the line's
    /// information and makes the residuals smaller than the noise.
    pub fn fit_and_inflation(&self, at: &[u32], values: &[f64]) -> Option<(Fit, f64)> {
        let p = self.model.parameters();
        let n = at.len() as f64;
        let (fit, a) = self.factored(at, values)?;
        let mut b = [0.0; MOST];
        b[1] = 1.0;
        substitute(&a, &mut b, p);
        // the second number on the factor's diagonal is the root of Σ (t − mean)²
        let spread = a[p] * a[p];
        Some((fit, (spread * b[1]).max(1.0) * (n - 2.0) / (n - p as f64)))
    }

    fn factored(&self, at: &[u32], values: &[f64]) -> Option<(Fit, [f64; MOST * (MOST + 1) / 2])> {
        let p = self.model.parameters();
        let size = p * (p + 1) / 2;
        if at.len() < p {
            return None;
        }
        let mut a = [0.0; MOST * (MOST + 1) / 2];
        let mut b = [0.0; MOST];
        // loops of a known length stay in registers
        match p {
            3 => self.add::<3, 6>(at, values, &mut a, &mut b),
            4 => self.add::<4, 10>(at, values, &mut a, &mut b),
            5 => self.add::<5, 15>(at, values, &mut a, &mut b),
            6 => self.add::<6, 21>(at, values, &mut a, &mut b),
            7 => self.add::<7, 28>(at, values, &mut a, &mut b),
            8 => self.add::<8, 36>(at, values, &mut a, &mut b),
            _ => {
                for (i, v) in at.iter().zip(values) {
                    let i = *i as usize;
                    let product = &self.products[i * size..(i + 1) * size];
                    a[..size].iter_mut().zip(product).for_each(|(a, x)| *a += x);
                    b[..p].iter_mut().zip(&self.rows[i]).for_each(|(b, x)| *b += x * v);
                }
            }
        }
        solve(&mut a, &mut b, p).then_some((Fit { beta: b }, a))
    }

    /// Normal equations of a model of `P` numbers, whose upper triangle has `T`.
    fn add<const P: usize, const T: usize>(&self, at: &[u32], values: &[f64], a: &mut [f64], b: &mut [f64; MOST]) {
        let (mut triangle, mut right) = ([0.0; T], [0.0; P]);
        let (products, _) = self.products.as_chunks::<T>();
        for (i, v) in at.iter().zip(values) {
            let (product, row) = (&products[*i as usize], &self.rows[*i as usize]);
            for k in 0..T {
                triangle[k] += product[k];
            }
            for k in 0..P {
                right[k] += row[k] * v;
            }
        }
        a[..T].copy_from_slice(&triangle);
        b[..P].copy_from_slice(&right);
    }

    /// The model's value at a date of the design.
    pub fn value(&self, f: &Fit, i: usize) -> f64 {
        self.row(i).iter().zip(&f.beta).map(|(x, b)| x * b).sum()
    }

    /// The model's values at dates of the design.
    pub(super) fn values(&self, f: &Fit, at: &[u32], out: &mut Vec<f64>) {
        out.clear();
        match self.model.parameters() {
            4 => self.each::<4>(f, at, out),
            5 => self.each::<5>(f, at, out),
            6 => self.each::<6>(f, at, out),
            7 => self.each::<7>(f, at, out),
            8 => self.each::<8>(f, at, out),
            _ => out.extend(at.iter().map(|i| self.value(f, *i as usize))),
        }
    }

    fn each<const P: usize>(&self, f: &Fit, at: &[u32], out: &mut Vec<f64>) {
        out.resize(at.len(), 0.0);
        for (o, i) in out.iter_mut().zip(at) {
            let row = &self.rows[*i as usize];
            for (x, b) in row[..P].iter().zip(&f.beta[..P]) {
                *o += x * b;
            }
        }
    }

    /// The season alone at a date: the harmonics, without constant and line.
    pub fn season(&self, f: &Fit, i: usize) -> f64 {
        let first = 1 + usize::from(self.model.trend);
        self.row(i)[first..].iter().zip(&f.beta[first..]).map(|(x, b)| x * b).sum()
    }
}

impl Fit {
    /// Fitted numbers rounded to single precision, as `nrt` keeps them.
    pub(super) fn single(mut self) -> Self {
        self.beta.iter_mut().for_each(|b| *b = f64::from(*b as f32));
        self
    }
}

/// Solves `A x = b` for a symmetric A given by its upper triangle, row by row (Cholesky); `b` becomes x. False where A is
/// not positive definite to working precision.
pub(super) fn solve(a: &mut [f64], b: &mut [f64], p: usize) -> bool {
    let at = |i: usize, j: usize| i * p - i * (i + 1) / 2 + j;
    for i in 0..p {
        let whole = a[at(i, i)];
        let mut d = whole;
        for k in 0..i {
            d -= a[at(k, i)] * a[at(k, i)];
        }
        // looks of one phase only leave nothing of a column once the others are taken out
        if d <= 1e-11 * whole || !d.is_finite() {
            return false;
        }
        let root = d.sqrt();
        a[at(i, i)] = root;
        for j in i + 1..p {
            let mut x = a[at(i, j)];
            for k in 0..i {
                x -= a[at(k, i)] * a[at(k, j)];
            }
            a[at(i, j)] = x / root;
        }
    }
    substitute(a, b, p);
    true
}

/// Solves with the factor that [`solve`] left in `a`.
fn substitute(a: &[f64], b: &mut [f64], p: usize) {
    let at = |i: usize, j: usize| i * p - i * (i + 1) / 2 + j;
    for i in 0..p {
        for k in 0..i {
            b[i] -= a[at(k, i)] * b[k];
        }
        b[i] /= a[at(i, i)];
    }
    for i in (0..p).rev() {
        for k in i + 1..p {
            b[i] -= a[at(i, k)] * b[k];
        }
        b[i] /= a[at(i, i)];
    }
}
