//! The stable end of a history: a recursive CUSUM of the looks in reversed order (Pesaran & Timmermann 2002).

use super::critical::recursive_p;

/// The first look from which on the history is stable; 0 where all of it is, or where it is too short to tell.
///
/// `nrt` (true) begins one look later than `strucchange` and takes the standard deviation of the population.
pub(super) fn stable_from(rows: &[&[f64]], v: &[f64], level: f64, critical: f64, nrt: bool) -> usize {
    let p = rows.first().map_or(0, |r| r.len());
    let span = p + usize::from(nrt);
    if v.len() < span + 3 {
        return 0;
    }
    let w = recursive_residuals(rows, v, span);
    let n = w.len() as f64;
    if w.len() < 2 {
        return 0;
    }
    let mean = w.iter().sum::<f64>() / n;
    let squares = w.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let sigma = (squares / if nrt { n } else { n - 1.0 }).sqrt();
    // √(looks − span): the residuals there are
    let unit = 1.0 / (sigma * n.sqrt());
    let mut sum = 0.0;
    let mut largest = 0.0f64;
    let mut crossed = None;
    for (i, x) in w.iter().enumerate() {
        sum += x * unit;
        let along = (i + 1) as f64 / n;
        let height = 1.0 + 2.0 * along;
        largest = largest.max(sum.abs() / height);
        if crossed.is_none() && sum.abs() > critical * height {
            crossed = Some(i + 1);
        }
    }
    match crossed {
        Some(i) if recursive_p(largest) < level => w.len() + 1 - i,
        _ => 0,
    }
}

/// Standardised recursive residuals of the looks from the last to the first, after the first `span` of them (Brown, Durbin &
/// Evans 1975, eq. 2, 4 and 5). Where these do not determine the model, more are taken.
fn recursive_residuals(rows: &[&[f64]], v: &[f64], span: usize) -> Vec<f64> {
    let p = rows.first().map_or(0, |r| r.len());
    let n = v.len();
    let back = |k: usize| (rows[n - 1 - k], v[n - 1 - k]);
    let mut begin = span;
    let mut inverse = Vec::new();
    while begin < n {
        match inverse_of(&(0..begin).map(|k| back(k).0).collect::<Vec<_>>(), p) {
            Some(i) => {
                inverse = i;
                break;
            }
            None => begin += 1,
        }
    }
    if inverse.is_empty() {
        return Vec::new();
    }
    let mut xy = vec![0.0; p];
    for k in 0..begin {
        let (x, y) = back(k);
        xy.iter_mut().zip(x).for_each(|(a, x)| *a += x * y);
    }
    let mut beta: Vec<f64> = (0..p).map(|i| (0..p).map(|j| inverse[i * p + j] * xy[j]).sum()).collect();
    let mut out = Vec::with_capacity(n - begin);
    for k in begin..n {
        let (x, y) = back(k);
        let ax: Vec<f64> = (0..p).map(|i| (0..p).map(|j| inverse[i * p + j] * x[j]).sum()).collect();
        let f = 1.0 + x.iter().zip(&ax).map(|(a, b)| a * b).sum::<f64>();
        let r = y - x.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>();
        for i in 0..p {
            for j in 0..p {
                inverse[i * p + j] -= ax[i] * ax[j] / f;
            }
            beta[i] += ax[i] * r / f;
        }
        out.push(r / f.sqrt());
    }
    out
}

/// The inverse of `XᵀX`; `None` where it has none to working precision.
fn inverse_of(rows: &[&[f64]], p: usize) -> Option<Vec<f64>> {
    let mut triangle = Vec::with_capacity(p * (p + 1) / 2);
    for i in 0..p {
        for j in i..p {
            triangle.push(rows.iter().map(|r| r[i] * r[j]).sum::<f64>());
        }
    }
    let mut out = vec![0.0; p * p];
    for c in 0..p {
        let mut b = vec![0.0; p];
        b[c] = 1.0;
        if !super::harmonic::solve(&mut triangle.clone(), &mut b, p) {
            return None;
        }
        (0..p).for_each(|i| out[i * p + c] = b[i]);
    }
    Some(out)
}
