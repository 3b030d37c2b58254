//! The table of ratios: on the screen, in docs/benchmarks.md, as a picture, and the raw numbers.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use crate::Measured;

/// Peers in the order of the columns.
const PEERS: [&str; 6] = ["geo-index", "rstar", "packed_spatial_index", "static_aabb2d_index", "GEOS STRtree", "kiddo"];
const OURS: &str = "heshan";

/// One row: what we took, and how many times longer each peer took.
struct Row<'a> {
    ours: &'a Measured,
    ratios: Vec<Option<f64>>,
}

impl Row<'_> {
    /// Time of the fastest peer over ours.
    fn best_peer(&self) -> Option<f64> {
        self.ratios.iter().flatten().copied().reduce(f64::min)
    }
}

fn rows(all: &[Measured]) -> Vec<Row<'_>> {
    all.iter()
        .filter(|m| m.peer == OURS)
        .map(|ours| {
            let same =
                |m: &&Measured, peer: &str| (m.n, m.spread, m.what, m.peer) == (ours.n, ours.spread, ours.what, peer);
            let ratio = |peer: &&str| all.iter().find(|m| same(m, peer)).map(|m| m.best() / ours.best());
            Row { ours, ratios: PEERS.iter().map(ratio).collect() }
        })
        .collect()
}

fn time(m: &Measured) -> String {
    let s = m.best() / m.queries as f64;
    match s {
        1e-1.. => format!("{s:.2} s"),
        1e-4.. => format!("{:.2} ms", s * 1e3),
        1e-6.. => format!("{:.2} µs", s * 1e6),
        _ => format!("{:.0} ns", s * 1e9),
    }
}

fn cell(r: Option<f64>) -> String {
    r.map_or(String::new(), |r| format!("{r:.2}"))
}

/// Prints the rows of one set of boxes.
pub fn print(m: &[Measured]) {
    let Some(first) = m.first() else { return };
    println!("\n{} boxes, {}: our time, hits, and how many times longer each peer takes", first.n, first.spread);
    println!("  {:<32}{:>10}{:>12}  {}", "", OURS, "hits", PEERS.map(|p| format!("{p:>21}")).concat());
    for r in rows(m) {
        let cells: String = r.ratios.iter().map(|&r| format!("{:>21}", cell(r))).collect();
        println!("  {:<32}{:>10}{:>12}  {cells}", r.ours.what, time(r.ours), r.ours.hits);
    }
}

/// Writes docs/benchmarks.md, docs/benchmarks-index.svg and benches/runs/<date>-index.json.
pub fn write(all: &[Measured], rounds: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let date = chrono::Local::now().format("%Y-%m-%d").to_string();
    let raw = json!({
        "date": date, "machine": machine(), "versions": versions(root), "rounds": rounds,
        "unit": "seconds a round: CPU time, or time by the clock where `what` tells the number of threads",
        "measured": all.iter().map(|m| json!({
            "boxes": m.n, "spread": m.spread, "what": m.what, "peer": m.peer, "queries": m.queries, "hits": m.hits,
            "seconds": m.rounds.iter().map(|s| (s * 1e9).round() / 1e9).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    let runs = root.join("benches/runs");
    std::fs::create_dir_all(&runs).unwrap();
    std::fs::write(
        runs.join(format!("{date}-index.json")),
        format!("{raw}\n").replace("},{\"boxes\"", "},\n{\"boxes\""),
    )
    .unwrap();
    std::fs::write(root.join("docs/benchmarks-index.svg"), picture(&rows(all))).unwrap();
    let page = root.join("docs/benchmarks.md");
    let old = std::fs::read_to_string(&page).unwrap_or_else(|_| format!("# Benchmarks\n\n{BEGIN}\n{END}\n"));
    std::fs::write(&page, between(&old, &part(all, rounds, &date, root))).unwrap();
    println!("\nwritten: docs/benchmarks.md, docs/benchmarks-index.svg, benches/runs/{date}-index.json");
}

const BEGIN: &str = "<!-- index:begin -->";
const END: &str = "<!-- index:end -->";

/// The page with our part of it replaced, or added at the end.
fn between(page: &str, part: &str) -> String {
    match (page.find(BEGIN), page.find(END)) {
        (Some(a), Some(b)) if a < b => format!("{}{BEGIN}\n{part}{}", &page[..a], &page[b..]),
        _ => format!("{}\n\n{BEGIN}\n{part}{END}\n", page.trim_end()),
    }
}

fn part(all: &[Measured], rounds: usize, date: &str, root: &Path) -> String {
    let rows = rows(all);
    let sizes: Vec<usize> = rows.iter().map(|r| r.ours.n).fold(Vec::new(), |mut v, n| {
        if !v.contains(&n) {
            v.push(n);
        }
        v
    });
    let mut s = format!(
        "## Spatial index\n\n`cargo bench --bench index`, {date}. {}. {}.\n\n\
         Each peer's time over ours, more than 1 where heshan is faster: same boxes, same queries, peers in turn, the \
         least of {rounds} rounds. One thread is measured by the CPU time of the process; `2 threads` by the clock. \
         The number of hits, and which ones, is checked to be equal. `packed_spatial_index` builds in parallel in \
         the rows with 2 threads.\n\n![Peers' times over ours](benchmarks-index.svg)\n",
        machine(),
        versions(root)
    );
    for n in sizes {
        let _ = write!(s, "\n### {n} boxes\n\n| boxes | what | heshan | hits |");
        PEERS.iter().for_each(|p| s += &format!(" {p} |"));
        s += "\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        for r in rows.iter().filter(|r| r.ours.n == n && r.best_peer().is_some()) {
            let _ = write!(s, "| {} | {} | {} | {} |", r.ours.spread, r.ours.what, time(r.ours), r.ours.hits);
            r.ratios.iter().for_each(|&x| s += &format!(" {} |", cell(x)));
            s.push('\n');
        }
        s += &scaling(&rows, n);
    }
    s
}

/// Two threads against one.
fn scaling(rows: &[Row<'_>], n: usize) -> String {
    let mut s = format!(
        "\nTwo threads against one, {n} boxes, by the clock. Cores at work are CPU time over time by the clock with two threads: where they \
         are fewer than 2, other work had the rest, and the ratio says nothing.\n\n| boxes | what | 1 thread | 2 threads | ratio | cores at work |\n|---|---|--:|--:|--:|--:|\n"
    );
    for one in rows.iter().filter(|r| r.ours.n == n && r.ours.what.ends_with("1 thread")) {
        let name = one.ours.what.trim_end_matches(", 1 thread");
        let two = rows.iter().find(|r| {
            (r.ours.n, r.ours.spread) == (n, one.ours.spread) && r.ours.what.strip_suffix(", 2 threads") == Some(name)
        });
        if let Some(two) = two {
            let ratio = one.ours.best() / two.ours.best();
            let _ = writeln!(
                s,
                "| {} | {name} | {} | {} | {ratio:.2} | {:.2} |",
                one.ours.spread,
                time(one.ours),
                time(two.ours),
                two.ours.cores
            );
        }
    }
    s
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field =
        |name: &str| info.lines().find(|l| l.starts_with(name)).and_then(|l| l.split(": ").nth(1)).unwrap_or("?");
    let wide =
        ["avx512f", "avx2"].into_iter().find(|f| field("flags").split(' ').any(|x| x == *f)).unwrap_or("no AVX2");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} family {} model {}, {cores} cores, cache {}, {wide}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        field("cache size")
    )
}

fn versions(root: &Path) -> String {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let version = |name: &str| {
        // of several versions the last, which is the newest
        let at = lock.rfind(&format!("name = \"{name}\"\n"))?;
        lock[at..].lines().nth(1)?.split('"').nth(1).map(str::to_owned)
    };
    let of = |name: &str| format!("{name} {}", version(name).unwrap_or_default());
    let crates = ["geo-index", "rstar", "packed_spatial_index", "static_aabb2d_index", "kiddo"].map(of).join(", ");
    format!("{crates}, GEOS {}", geos::version().unwrap_or_default())
}

/// A row for each operation, a dot for each peer, on a logarithmic axis of ratios.
fn picture(rows: &[Row<'_>]) -> String {
    let n = rows.iter().map(|r| r.ours.n).max().unwrap_or(0);
    let rows: Vec<&Row<'_>> = rows.iter().filter(|r| r.ours.n == n && r.best_peer().is_some()).collect();
    const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000"];
    let x = |ratio: f64| 240.0 + 90.0 * (ratio.clamp(0.25, 64.0) / 0.25).log2();
    let height = 60 + 14 * rows.len();
    let mut s = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"980\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"8\" y=\"16\">{n} boxes: each peer's time over heshan's</text>\n"
    );
    for (i, (peer, colour)) in PEERS.iter().zip(COLOURS).enumerate() {
        let at = 330 + 108 * i;
        let _ = writeln!(
            s,
            "<circle cx=\"{at}\" cy=\"12\" r=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"16\" font-size=\"9\">{peer}</text>",
            at + 7
        );
    }
    for power in -2..=6 {
        let at = x(2f64.powi(power));
        let colour = if power == 0 { "#000" } else { "#ddd" };
        let _ = writeln!(
            s,
            "<path d=\"M{at} 40V{}\" stroke=\"{colour}\"/><text x=\"{at}\" y=\"36\" text-anchor=\"middle\">{}×</text>",
            height - 8,
            2f64.powi(power)
        );
    }
    for (i, r) in rows.iter().enumerate() {
        let y = 52 + 14 * i;
        let _ = writeln!(s, "<text x=\"8\" y=\"{}\">{}: {}</text>", y + 4, r.ours.spread, r.ours.what);
        for (ratio, colour) in r.ratios.iter().zip(COLOURS) {
            if let Some(ratio) = ratio {
                let _ = writeln!(
                    s,
                    "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\" fill-opacity=\"0.8\"/>",
                    x(*ratio)
                );
            }
        }
    }
    s + "</svg>\n"
}
