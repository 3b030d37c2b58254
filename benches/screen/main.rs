//! The job `screen` end to end, files in to files out: `cargo bench --bench screen`.
//!
//! Makes its own workload (workload.rs), runs the job with both metrics on one thread and on two for 10,000, 30,000 and
//! 100,000 sites, each run in a process of its own so that its peak memory is its own; prints the split of the time and
//! how it grows, and writes both to docs/benchmarks.md and benches/runs/. Cases take turns, and medians count.
//!
//! `HESHAN_BENCH_LARGE=1` adds 1,000,000 sites (4 GB on disk). Options (after `--`): `--sites 10000,30000`,
//! `--runs 3`, `--dry` to write nothing. Linux only: it reads /proc.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark, not the library")]

#[path = "../page/mod.rs"]
mod page;
mod picture;
mod table;
mod workload;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use heshan::jobs::screen::{Lists, Metric, ScreenOptions, run};
use heshan::model::NoProgress;
use heshan::read::vector::{ReadOptions, SourceName, open};
use serde::{Deserialize, Serialize};

const DISTANCE_M: f64 = 3000.0;

/// One run of one case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    pub sites: usize,
    pub planar: bool,
    pub threads: usize,
    /// By the clock, and of the processor, seconds.
    pub wall: f64,
    pub cpu: f64,
    /// `index`, `read`, `screen`, `write` on the clock; `prepare`, `decide`, `rows` the work of all threads.
    pub index: f64,
    pub read: f64,
    pub screen: f64,
    pub write: f64,
    pub prepare: f64,
    pub decide: f64,
    pub rows: f64,
    pub peak_mib: f64,
    /// Sites within the distance, in whole or in part, and their area inside.
    pub hits: usize,
    pub inside_km2: f64,
}

/// The bounds: reading the bytes of the inputs once, and decoding their features, and doing nothing with them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bytes {
    pub sites: usize,
    pub mb: f64,
    /// On one thread, out of the page cache.
    pub reading: f64,
    /// As the job does it, on all threads.
    pub decoding: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    // under `cargo test --benches` there is nothing to check
    let Some(one) = args.iter().position(|a| a == "--one") else {
        if args.iter().any(|a| a == "--bench") {
            all(&args);
        }
        return;
    };
    let number = |k: usize| args[one + k].parse::<usize>().unwrap();
    let m = measure(number(1), args[one + 2] == "planar", number(3));
    println!("{}", serde_json::to_string(&m).unwrap());
}

fn all(args: &[String]) {
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let mut sizes: Vec<usize> =
        value("--sites").map_or("10000,30000,100000", String::as_str).split(',').map(|n| n.parse().unwrap()).collect();
    if std::env::var_os("HESHAN_BENCH_LARGE").is_some_and(|v| v == "1") {
        sizes.push(1_000_000);
    }
    let runs: usize = value("--runs").map_or(3, |n| n.parse().unwrap());
    let (mut bytes, mut measured) = (Vec::new(), Vec::new());
    for &n in &sizes {
        println!("workload: {n} sites, {} river vertices", workload::RIVER_VERTICES);
        workload::files(&page::data(), n);
    }
    for round in 0..runs {
        // the largest runs once: what disturbs it is small beside its minutes
        for &n in sizes.iter().filter(|&&n| round == 0 || n < 1_000_000) {
            bytes.push(read_once(n));
            for planar in [true, false] {
                for threads in [1, 2] {
                    measured.push(in_a_process(n, planar, threads));
                }
            }
        }
    }
    same_answers(&measured);
    let report = table::Report::new(&measured, &bytes, runs);
    report.print();
    if !args.iter().any(|a| a == "--dry") {
        report.write();
    }
}

/// The answer does not depend on threads or runs.
fn same_answers(all: &[Measured]) {
    for a in all {
        let first = all.iter().find(|b| (b.sites, b.planar) == (a.sites, a.planar)).unwrap();
        assert_eq!((a.hits, a.inside_km2), (first.hits, first.inside_km2), "{} sites: another answer", a.sites);
    }
}

fn in_a_process(n: usize, planar: bool, threads: usize) -> Measured {
    let metric = if planar { "planar" } else { "geodesic" };
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--one", &n.to_string(), metric, &threads.to_string()])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// In the process of one case.
fn measure(sites: usize, planar: bool, threads: usize) -> Measured {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let files = workload::files(&page::data(), sites);
    let text = |p: &Path| vec![p.to_string_lossy().into_owned()];
    let out = tempfile::tempdir_in(page::data()).unwrap();
    let mut o = ScreenOptions::new(text(&files.rivers), text(&files.sites), out.path().join("out.fgb"));
    o.distances = vec![DISTANCE_M];
    o.metric = if planar { Metric::Planar } else { Metric::Geodesic };
    o.layers = vec!["sites".into(), "clipped".into()];
    o.lists = Lists::None;
    let clock = Instant::now();
    let done = run(&o, &NoProgress).unwrap();
    let wall = clock.elapsed().as_secs_f64();
    assert_eq!((done.sites, done.notes.unused()), (sites, 0), "every site must be used");
    let [inside, crosses, _] = done.relations[0].1;
    let t = done.timings;
    Measured {
        sites,
        planar,
        threads,
        wall,
        cpu: cpu_seconds(),
        index: t.index,
        read: t.read,
        screen: t.screen,
        write: t.write,
        prepare: t.prepare_work,
        decide: t.decide_work,
        rows: t.rows_work,
        peak_mib: peak_mib(),
        hits: inside + crosses,
        inside_km2: done.by_kind.iter().map(|k| k.area_inside.0).sum::<f64>() / 1e6,
    }
}

/// The most memory this process has held.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn cpu_seconds() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on Linux and `t` is ours
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// Nothing that reads the files is done sooner.
fn read_once(sites: usize) -> Bytes {
    let files = workload::files(&page::data(), sites);
    let mut buffer = vec![0u8; 4 << 20];
    let (clock, mut bytes) = (Instant::now(), 0);
    for path in [&files.rivers, &files.sites] {
        let mut file = std::fs::File::open(path).unwrap();
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => break,
                n => bytes += n,
            }
        }
    }
    let reading = clock.elapsed().as_secs_f64();
    let (clock, mut features) = (Instant::now(), 0);
    let mut source = open(&SourceName { path: files.sites, layer: None }, &ReadOptions::default()).unwrap();
    while let Some(batch) = source.next_batch(4096).unwrap() {
        features += batch.len();
    }
    assert_eq!(features, sites);
    Bytes { sites, mb: bytes as f64 / 1e6, reading, decoding: clock.elapsed().as_secs_f64() }
}
