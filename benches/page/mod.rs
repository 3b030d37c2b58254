//! What benchmarks share: parts of docs/benchmarks.md between markers, the machine, the median.
#![allow(dead_code, reason = "each benchmark uses what it needs")]

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where benchmarks keep what they make: `bench-data` in the target folder.
pub fn data() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(root());
    target.join("bench-data")
}

/// Today, as the page and the names of raw numbers have it.
pub fn today() -> String {
    chrono::Local::now().format("%Y-%m-%d").to_string()
}

/// Puts `text` between `<!-- name:begin -->` and `<!-- name:end -->` of docs/benchmarks.md, or at its end.
pub fn put(name: &str, text: &str) {
    let page = root().join("docs/benchmarks.md");
    let old = std::fs::read_to_string(&page).unwrap_or_else(|_| "# Benchmarks\n".into());
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let new = match (old.find(&begin), old.find(&end)) {
        (Some(a), Some(b)) if a < b => format!("{}{begin}\n{text}{}", &old[..a], &old[b..]),
        _ => format!("{}\n\n{begin}\n{text}{end}\n", old.trim_end()),
    };
    std::fs::write(&page, new).unwrap();
}

/// Keeps raw numbers as benches/runs/<date>-<name>.json, one entry of its list a line.
pub fn keep(name: &str, raw: &serde_json::Value) -> String {
    let runs = root().join("benches/runs");
    std::fs::create_dir_all(&runs).unwrap();
    let file = format!("{}-{name}.json", today());
    std::fs::write(runs.join(&file), format!("{raw}\n").replace("},{", "},\n{")).unwrap();
    format!("benches/runs/{file}")
}

/// Processor, cores and memory.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field =
        |name: &str| info.lines().find(|l| l.starts_with(name)).and_then(|l| l.split(": ").nth(1)).unwrap_or("?");
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: f64 = memory.split_whitespace().nth(1).and_then(|k| k.parse().ok()).unwrap_or(f64::NAN);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} family {} model {}, {cores} cores, {:.0} GiB of memory",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        kib / 1048576.0
    )
}

/// The middle of values, of an even number the lower one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
