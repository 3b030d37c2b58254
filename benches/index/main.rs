//! The spatial index against its peers: same boxes, same queries, one run.
//!
//! `cargo bench --bench index` measures 10^4 to 10^6 boxes, prints the table of ratios and writes it to
//! docs/benchmarks.md, docs/benchmarks-index.svg and benches/runs/. Options (after `--`): `--max 7` for 10^7 boxes too,
//! `--min 6`, `--rounds 9`, `--only uniform`, `--dry` to write nothing.
//!
//! Peers take turns, and the least of the rounds counts. What runs on one thread is measured by the CPU time of the
//! process, which other work on the machine disturbs little; what runs on several, by the clock.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark, not the library")]

mod data;
mod peers;
mod table;

use std::hint::black_box;
use std::time::Instant;

use data::Spread;
use geo::{Coord, Rect};
use heshan::space::index::BoxIndex;
use peers::{GeoIndex, Geos, Heshan, Kiddo, PackedSpatialIndex, Peer, RStar, StaticAabb, Sum};

/// What was measured: one operation of one peer.
#[derive(Debug, Clone)]
pub struct Measured {
    pub spread: &'static str,
    pub n: usize,
    pub what: &'static str,
    pub peer: &'static str,
    /// Seconds of each round.
    pub rounds: Vec<f64>,
    /// Queries in a round (for joins and builds: 1).
    pub queries: usize,
    pub hits: u64,
    /// CPU time over time by the clock in the best round: fewer than 2 of two threads mean that the machine was busy.
    pub cores: f64,
}

impl Measured {
    pub fn best(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

pub struct Options {
    pub sizes: Vec<usize>,
    pub rounds: usize,
    pub only: Option<String>,
    pub dry: bool,
}

fn options() -> Options {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1).cloned());
    let number = |name: &str, default: u32| value(name).map_or(default, |v| v.parse().unwrap());
    Options {
        sizes: (number("--min", 4)..=number("--max", 6)).map(|e| 10usize.pow(e)).collect(),
        rounds: number("--rounds", 5) as usize,
        only: value("--only"),
        dry: args.iter().any(|a| a == "--dry"),
    }
}

fn main() {
    let o = options();
    let mut all = Vec::new();
    for &n in &o.sizes {
        for spread in Spread::ALL {
            if o.only.as_deref().is_none_or(|only| spread.name() == only) {
                let measured = case(spread, n, o.rounds);
                table::print(&measured);
                all.extend(measured);
            }
        }
    }
    if !o.dry {
        table::write(&all, o.rounds);
    }
}

/// A peer's two indexes, its type forgotten.
trait Built {
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum>;
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum>;
    fn join(&self) -> Option<Sum>;
}

impl<P: Peer> Built for (P, P) {
    fn window(&self, windows: &[Rect<f64>]) -> Option<Sum> {
        self.0.window(windows)
    }
    fn nearest(&self, points: &[Coord<f64>], k: usize) -> Option<Sum> {
        self.0.nearest(points, k)
    }
    fn join(&self) -> Option<Sum> {
        self.0.join(&self.1)
    }
}

type Pair = fn(&[Rect<f64>], &[Rect<f64>]) -> Box<dyn Built>;

struct Contender {
    name: &'static str,
    parallel: bool,
    points: bool,
    build: fn(&[Rect<f64>]) -> Box<dyn std::any::Any>,
    pair: Pair,
}

fn contender<P: Peer + 'static>() -> Contender {
    Contender {
        name: P::NAME,
        parallel: P::PARALLEL,
        points: P::POINTS,
        build: |b| Box::new(P::build(black_box(b))),
        pair: |a, b| Box::new((P::build(a), P::build(b))),
    }
}

fn contenders() -> Vec<Contender> {
    vec![
        contender::<Heshan>(),
        contender::<GeoIndex>(),
        contender::<RStar>(),
        contender::<PackedSpatialIndex>(),
        contender::<StaticAabb>(),
        contender::<Geos>(),
        contender::<Kiddo>(),
    ]
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// All operations on one set of boxes.
fn case(spread: Spread, n: usize, rounds: usize) -> Vec<Measured> {
    let (boxes, others) = (spread.boxes(n, 1), spread.boxes(n, 2));
    let peers: Vec<Contender> = contenders().into_iter().filter(|p| !p.points || spread == Spread::Points).collect();
    let mut out = Vec::new();
    let of = |what, peer, queries| Measured {
        spread: spread.name(),
        n,
        what,
        peer,
        rounds: vec![],
        queries,
        hits: n as u64,
        cores: 0.0,
    };
    for threads in [1, 2] {
        let pool = pool(threads);
        let what = if threads == 1 { "build" } else { "build, 2 threads" };
        let mut measured: Vec<Measured> = peers.iter().map(|p| of(what, p.name, 1)).collect();
        for _ in 0..rounds {
            for (p, m) in peers.iter().zip(&mut measured) {
                if threads == 1 || p.parallel {
                    // dropped after the clock has stopped
                    let (cpu, wall) = pool.install(|| {
                        let (cpu, wall, built) = timed(|| (p.build)(&boxes));
                        drop(black_box(built));
                        (cpu, wall)
                    });
                    m.rounds.push(if threads == 1 { cpu } else { wall });
                }
            }
        }
        out.extend(measured.into_iter().filter(|m| !m.rounds.is_empty()));
    }
    let ours = BoxIndex::build(&boxes).unwrap();
    let built: Vec<(&'static str, Box<dyn Built>)> =
        peers.iter().map(|p| (p.name, (p.pair)(&boxes, &others))).collect();
    let mut measure = |what: &'static str, queries: usize, ask: &dyn Fn(&dyn Built) -> Option<Sum>| {
        let mut measured: Vec<Measured> = built.iter().map(|(name, _)| of(what, name, queries)).collect();
        let mut first: Option<Sum> = None;
        let one = pool(1);
        let built: Vec<_> = built.iter().map(|(name, b)| (name, Shared(&**b))).collect();
        for _ in 0..rounds {
            for ((name, b), m) in built.iter().zip(&mut measured) {
                let ask = Shared(ask);
                let (cpu, _, sum) = one.install(|| timed(|| ask.get()(b.get())));
                let Some(sum) = sum else { continue };
                m.rounds.push(cpu);
                m.hits = sum.hits;
                let want = *first.get_or_insert(sum);
                assert_eq!(want.hits, sum.hits, "{what}, {name}: another number of hits");
                assert!(
                    sum.sum.is_nan() || (want.sum - sum.sum).abs() <= 1e-9 * want.sum.abs(),
                    "{what}, {name}: other hits, {want:?} {sum:?}"
                );
            }
        }
        out.extend(measured.into_iter().filter(|m| !m.rounds.is_empty()));
    };
    let few = match spread {
        // each window has all boxes as hits
        Spread::Equal => 2_000_000 / n,
        // the giant leaves peers that sort by a grid without order: they look at all boxes
        Spread::Giant => (500_000_000 / n).min(4000),
        _ => 100_000.min(4 * n),
    };
    let small = data::windows(&boxes, &ours, few.max(2), 11.0);
    measure("window, 11 hits", small.len(), &|b| b.window(&small));
    if spread != Spread::Equal {
        let large = data::windows(&boxes, &ours, (few / 20).max(2), 1000.0);
        measure("window, 1000 hits", large.len(), &|b| b.window(&large));
    }
    let points = data::points(&boxes, 20_000.min(few.max(200)));
    measure("nearest", points.len(), &|b| b.nearest(&points, 1));
    measure("8 nearest", points.len(), &|b| b.nearest(&points, 8));
    // all pairs of equal boxes are too many, and grid-ordered peers take minutes to join beside a giant
    if !(spread == Spread::Equal || spread == Spread::Giant && n > 100_000) {
        measure("join", 1, &|b| b.join());
    }
    out.extend(batches(spread, &boxes, &BoxIndex::build(&others).unwrap(), &small, &points, rounds));
    out
}

/// Our parallel operations with one thread and with two, by the clock.
fn batches(
    spread: Spread,
    boxes: &[Rect<f64>],
    other: &BoxIndex,
    windows: &[Rect<f64>],
    points: &[Coord<f64>],
    rounds: usize,
) -> Vec<Measured> {
    let index = BoxIndex::build(boxes).unwrap();
    let pools = [pool(1), pool(2)];
    let mut out = Vec::new();
    let mut measure = |names: [&'static str; 2], queries: usize, run: &(dyn Fn() -> usize + Sync)| {
        let mut m = names.map(|what| Measured {
            spread: spread.name(),
            n: boxes.len(),
            what,
            peer: "heshan",
            rounds: vec![],
            queries,
            hits: 0,
            cores: 0.0,
        });
        for _ in 0..rounds {
            for (m, pool) in m.iter_mut().zip(&pools) {
                let (cpu, wall, hits) = pool.install(|| timed(run));
                if wall < m.best() {
                    m.cores = cpu / wall;
                }
                m.rounds.push(wall);
                m.hits = hits as u64;
            }
        }
        assert_eq!(m[0].hits, m[1].hits);
        out.extend(m);
    };
    measure(["our build, 1 thread", "our build, 2 threads"], 1, &|| BoxIndex::build(boxes).unwrap().len());
    measure(["batch of windows, 1 thread", "batch of windows, 2 threads"], windows.len(), &|| {
        index.windows(windows).values().len()
    });
    measure(["batch of 8 nearest, 1 thread", "batch of 8 nearest, 2 threads"], points.len(), &|| {
        index.nearest_k_each(points, 8).values().len()
    });
    if spread != Spread::Equal {
        measure(["our join, 1 thread", "our join, 2 threads"], 1, &|| index.join(other).len());
    }
    out
}

/// One of the things that only one thread at a time looks at, though a pool of one thread runs it.
struct Shared<T>(T);
unsafe impl<T> Send for Shared<T> {}
unsafe impl<T> Sync for Shared<T> {}
impl<T: Copy> Shared<T> {
    fn get(&self) -> T {
        self.0
    }
}

/// CPU time of the process and time by the clock, in seconds.
fn timed<T>(f: impl FnOnce() -> T) -> (f64, f64, T) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    let out = f();
    (cpu_time() - cpu, wall.elapsed().as_secs_f64(), out)
}

fn cpu_time() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on Linux and `t` is ours
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
