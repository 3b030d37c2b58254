//! How the time grows with the number of sites, drawn: both axes logarithmic.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const COLOURS: [&str; 4] = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00"];

/// One case: its name, and (sites, seconds) in order.
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// The curves, and n log n through the first point of the first as a dashed line.
pub fn svg(curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|c| &c.points);
    let range = |v: fn(&(f64, f64)) -> f64| {
        let low = all().map(v).fold(f64::INFINITY, f64::min);
        let high = all().map(v).fold(0.0, f64::max);
        (low.log10().floor(), high.log10().ceil())
    };
    let ((x0, x1), (y0, y1)) = (range(|p| p.0), range(|p| p.1));
    let x = |n: f64| 60.0 + (n.log10() - x0) / (x1 - x0) * (WIDTH - 240.0);
    let y = |s: f64| HEIGHT - 40.0 - (s.log10() - y0) / (y1 - y0) * (HEIGHT - 80.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"8\" y=\"18\">screen: seconds by the clock, by number of sites</text>\n"
    );
    grid(&mut out, (x0, x1), |n| (x(n), 40.0, x(n), HEIGHT - 40.0), |n| (x(n), HEIGHT - 22.0, "middle"));
    grid(&mut out, (y0, y1), |s| (60.0, y(s), WIDTH - 180.0, y(s)), |s| (54.0, y(s) + 4.0, "end"));
    if let Some(&(n0, s0)) = curves.first().and_then(|c| c.points.first()) {
        let ends = [n0, 10f64.powf(x1)].map(|n| (n, s0 * n * n.ln() / (n0 * n0.ln())));
        let path = ends.map(|(n, s)| format!("{:.1},{:.1}", x(n), y(s))).join(" ");
        let _ = writeln!(out, "<polyline points=\"{path}\" fill=\"none\" stroke=\"#888\" stroke-dasharray=\"5 4\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" fill=\"#666\">n log n</text>", WIDTH - 172.0, 46);
    }
    for (k, (curve, colour)) in curves.iter().zip(COLOURS).enumerate() {
        let path: Vec<String> = curve.points.iter().map(|&(n, s)| format!("{:.1},{:.1}", x(n), y(s))).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for &(n, s) in &curve.points {
            let _ = writeln!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", x(n), y(s));
        }
        let at = 66 + 18 * k;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{}</text>", WIDTH - 172.0, curve.name);
    }
    out + "</svg>\n"
}

/// A line and a number at each power of ten.
fn grid(
    out: &mut String,
    (from, to): (f64, f64),
    line: impl Fn(f64) -> (f64, f64, f64, f64),
    label: impl Fn(f64) -> (f64, f64, &'static str),
) {
    for power in from as i32..=to as i32 {
        let at = 10f64.powi(power);
        let ((a, b, c, d), (tx, ty, anchor)) = (line(at), label(at));
        let _ = writeln!(
            out,
            "<path d=\"M{a:.1} {b:.1}L{c:.1} {d:.1}\" stroke=\"#ddd\"/><text x=\"{tx:.1}\" y=\"{ty:.1}\" text-anchor=\"{anchor}\">{at}</text>"
        );
    }
}
