//! What was measured as tables: on the screen, in docs/benchmarks.md, and the raw numbers.

use serde_json::json;

use crate::page::{self, median};
use crate::picture::{Curve, svg};
use crate::{Bytes, DISTANCE_M, Measured, workload};

/// The medians of one case.
struct Case {
    runs: Vec<Measured>,
}

impl Case {
    fn of(&self, f: impl Fn(&Measured) -> f64) -> f64 {
        median(self.runs.iter().map(f).collect())
    }

    fn wall(&self) -> f64 {
        self.of(|m| m.wall)
    }

    fn key(&self) -> (usize, bool, usize) {
        let m = &self.runs[0];
        (m.sites, m.planar, m.threads)
    }
}

pub struct Report<'a> {
    measured: &'a [Measured],
    bytes: &'a [Bytes],
    cases: Vec<Case>,
    sizes: Vec<usize>,
    runs: usize,
}

fn metric(planar: bool) -> &'static str {
    if planar { "planar" } else { "geodesic" }
}

impl<'a> Report<'a> {
    pub fn new(measured: &'a [Measured], bytes: &'a [Bytes], runs: usize) -> Self {
        let (mut cases, mut sizes): (Vec<Case>, Vec<usize>) = (Vec::new(), Vec::new());
        for m in measured {
            match cases.iter_mut().find(|c| c.key() == (m.sites, m.planar, m.threads)) {
                Some(c) => c.runs.push(m.clone()),
                None => cases.push(Case { runs: vec![m.clone()] }),
            }
            if !sizes.contains(&m.sites) {
                sizes.push(m.sites);
            }
        }
        Self { measured, bytes, cases, sizes, runs }
    }

    fn case(&self, sites: usize, planar: bool, threads: usize) -> &Case {
        self.cases.iter().find(|c| c.key() == (sites, planar, threads)).unwrap()
    }

    /// The median of what was measured of the inputs alone.
    fn bound(&self, sites: usize, of: fn(&Bytes) -> f64) -> f64 {
        median(self.bytes.iter().filter(|b| b.sites == sites).map(of).collect())
    }

    fn split(&self) -> Vec<Vec<String>> {
        let head = "sites|metric|threads|wall s|sites/s|index|read|screen|write|prepare*|decide*|rows*|CPU s|peak MiB|hits|inside km²";
        let mut out = vec![head.split('|').map(str::to_owned).collect::<Vec<_>>()];
        for c in &self.cases {
            let (sites, planar, threads) = c.key();
            let mut row = vec![sites.to_string(), metric(planar).into(), threads.to_string()];
            row.push(format!("{:.2}", c.wall()));
            row.push(format!("{:.0}", sites as f64 / c.wall()));
            let parts: [fn(&Measured) -> f64; 8] = [
                |m| m.index,
                |m| m.read,
                |m| m.screen,
                |m| m.write,
                |m| m.prepare,
                |m| m.decide,
                |m| m.rows,
                |m| m.cpu,
            ];
            row.extend(parts.iter().map(|f| format!("{:.2}", c.of(f))));
            row.push(format!("{:.0}", c.runs.iter().map(|m| m.peak_mib).fold(0.0, f64::max)));
            row.push(c.runs[0].hits.to_string());
            row.push(format!("{:.3}", c.runs[0].inside_km2));
            out.push(row);
        }
        out
    }

    fn ratios(&self) -> Vec<Vec<String>> {
        let head = "sites|planar, 1 thread / 2|geodesic, 1 thread / 2|geodesic / planar, 2 threads|the same, CPU|input MB|reading the bytes, s|decoding, s|planar, 2 threads / decoding";
        let mut out = vec![head.split('|').map(str::to_owned).collect::<Vec<_>>()];
        for &n in &self.sizes {
            let wall = |planar, threads| self.case(n, planar, threads).wall();
            let cpu = |planar| self.case(n, planar, 2).of(|m| m.cpu);
            let decoding = self.bound(n, |b| b.decoding);
            out.push(vec![
                n.to_string(),
                format!("{:.2}", wall(true, 1) / wall(true, 2)),
                format!("{:.2}", wall(false, 1) / wall(false, 2)),
                format!("{:.2}", wall(false, 2) / wall(true, 2)),
                format!("{:.2}", cpu(false) / cpu(true)),
                format!("{:.0}", self.bound(n, |b| b.mb)),
                format!("{:.3}", self.bound(n, |b| b.reading)),
                format!("{decoding:.3}"),
                format!("{:.1}", wall(true, 2) / decoding),
            ]);
        }
        out
    }

    /// The exponent p of time ~ sitesᵖ from one size to the next, and what n log n would be.
    fn growth(&self) -> Vec<Vec<String>> {
        let head = "sites|n log n|planar, 1 thread|planar, 2 threads|geodesic, 1 thread|geodesic, 2 threads|peak memory, planar, 2 threads, MiB";
        let mut out = vec![head.split('|').map(str::to_owned).collect::<Vec<_>>()];
        for w in self.sizes.windows(2) {
            let (a, b) = (w[0] as f64, w[1] as f64);
            let exponent = |t: f64| format!("{:.2}", t.ln() / (b / a).ln());
            let peak = |n| self.case(n, true, 2).runs.iter().map(|m| m.peak_mib).fold(0.0, f64::max);
            let mut row = vec![format!("{} → {}", w[0], w[1]), exponent(b * b.ln() / (a * a.ln()))];
            for (planar, threads) in [(true, 1), (true, 2), (false, 1), (false, 2)] {
                row.push(exponent(self.case(w[1], planar, threads).wall() / self.case(w[0], planar, threads).wall()));
            }
            row.push(format!("{:.0} → {:.0}", peak(w[0]), peak(w[1])));
            out.push(row);
        }
        out
    }

    fn curves(&self) -> Vec<Curve> {
        [(true, 1), (true, 2), (false, 1), (false, 2)]
            .map(|(planar, threads)| Curve {
                name: format!("{}, {threads} thread{}", metric(planar), if threads == 1 { "" } else { "s" }),
                points: self.sizes.iter().map(|&n| (n as f64, self.case(n, planar, threads).wall())).collect(),
            })
            .into()
    }

    pub fn print(&self) {
        println!("\nscreen: medians of {} runs; seconds; * work of all threads within screen", self.runs);
        aligned(&self.split());
        println!("\nratios of wall time, and the bounds by reading and decoding");
        aligned(&self.ratios());
        if self.sizes.len() > 1 {
            println!("\nexponent of time with the number of sites");
            aligned(&self.growth());
        }
    }

    /// Writes the part of docs/benchmarks.md and the raw numbers.
    pub fn write(&self) {
        let mut s = format!(
            "`cargo bench --bench screen`, {}, heshan {}. {}.\n\n\
             Rivers of {} vertices, corridor of {DISTANCE_M} m, FlatGeobuf in, FlatGeobuf out (`sites`, `clipped`; \
             longitude and latitude), `--lists none`. Medians of {} runs (of 1,000,000 sites one), each in a process of its own, cases in turn; \
             the peak memory is the greatest of the runs. Seconds.\n\n",
            page::today(),
            env!("CARGO_PKG_VERSION"),
            page::machine(),
            workload::RIVER_VERTICES,
            self.runs
        );
        s += &markdown(&self.split());
        s += "\n\\* Within `screen`: the work of all threads added up (`rows` is on the clock). `index`: rivers read, joined, \
              indexed, outputs opened. `read`: waiting for batches of sites. `write`: handing rows to the writers, and \
              ending the files.\n\nRatios, of the wall time where nothing else is said, and the bounds: reading the inputs' \
              bytes once out of the page cache (one thread), and decoding the sites' features as the job does (all \
              threads), with nothing done to them:\n\n";
        s += &markdown(&self.ratios());
        if self.sizes.len() > 1 {
            std::fs::write(page::root().join("docs/benchmarks-screen.svg"), svg(&self.curves())).unwrap();
            s += "\n![Seconds by number of sites](benchmarks-screen.svg)\n\nExponent p of time ~ sitesᵖ from one size to the next:\n\n";
            s += &markdown(&self.growth());
        }
        page::put("screen", &s);
        let raw = json!({
            "date": page::today(), "machine": page::machine(), "heshan": env!("CARGO_PKG_VERSION"),
            "river_vertices": workload::RIVER_VERTICES, "distance_m": DISTANCE_M,
            "reading": self.bytes, "measured": self.measured,
        });
        println!("\nwritten: docs/benchmarks.md, {}", page::keep("screen", &raw));
    }
}

fn aligned(rows: &[Vec<String>]) {
    let width = |k: usize| rows.iter().map(|r| r[k].chars().count()).max().unwrap_or(0);
    for r in rows {
        let cells: Vec<String> = r.iter().enumerate().map(|(k, c)| format!("{c:>w$}", w = width(k))).collect();
        println!("{}", cells.join("  "));
    }
}

fn markdown(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "--:|".repeat(rows[0].len()));
    rows.iter().enumerate().map(|(k, r)| if k == 0 { line(r) + &rule } else { line(r) }).collect()
}
