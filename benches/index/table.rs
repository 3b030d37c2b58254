//! Prints and writes what was measured.
use crate::Measured;

pub fn print(m: &[Measured]) {
    let Some(first) = m.first() else { return };
    println!("\n{} boxes, {}", first.n, first.spread);
    let mut seen: Vec<&str> = Vec::new();
    for x in m {
        if seen.contains(&x.what) { continue; }
        seen.push(x.what);
        let of: Vec<&Measured> = m.iter().filter(|y| y.what == x.what).collect();
        let ours = of[0].best();
        print!("  {:<30}{:>12.1} ns {:>10} hits", x.what, ours / x.queries as f64 * 1e9, x.hits);
        for y in &of[1..] { print!("  {} {:.2}", y.peer, y.best() / ours); }
        println!();
    }
}
pub fn write(_m: &[Measured], _rounds: usize) {}
