//! The bound of reading: every tile of a deflate GeoTIFF inflated by libdeflate, and nothing else.
//!
//! `cargo bench --bench inflate -- FILE… [--threads N]`; benches/peers/raster.py runs it beside heshan. The table of tiles
//! comes from the crate `tiff`, not from heshan's reader. Prints one line: seconds, bytes in, bytes out.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

struct Tiles {
    file: File,
    places: Vec<(u64, usize)>,
    bytes: usize,
}

fn tiles(path: &str) -> Tiles {
    let mut d = Decoder::new(BufReader::new(File::open(path).unwrap())).unwrap().with_limits(Limits::unlimited());
    let mut list = |tag| d.find_tag_unsigned_vec::<u64>(tag).unwrap().expect("a tiled TIFF");
    let (offsets, counts) = (list(Tag::TileOffsets), list(Tag::TileByteCounts));
    let bits: u64 = list(Tag::BitsPerSample).iter().sum();
    let pixels = list(Tag::TileWidth)[0] * list(Tag::TileLength)[0];
    let places = offsets.into_iter().zip(counts).map(|(o, n)| (o, n as usize)).collect();
    Tiles { file: File::open(path).unwrap(), places, bytes: (pixels * bits / 8) as usize }
}

fn main() {
    let mut threads = std::thread::available_parallelism().map_or(1, Into::into);
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(a) = arguments.next() {
        if a == "--threads" {
            threads = arguments.next().unwrap().parse().unwrap();
        } else {
            files.push(tiles(&a));
        }
    }
    let all: Vec<(&Tiles, u64, usize)> =
        files.iter().flat_map(|t| t.places.iter().map(move |p| (t, p.0, p.1))).collect();
    if all.is_empty() {
        println!("usage: cargo bench --bench inflate -- FILE… [--threads N]");
        return;
    }
    let (next, read, made) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                let mut inflate = libdeflater::Decompressor::new();
                let (mut packed, mut plain) = (Vec::new(), Vec::new());
                while let Some((t, at, n)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    packed.resize(*n, 0);
                    t.file.read_exact_at(&mut packed, *at).unwrap();
                    plain.resize(t.bytes, 0);
                    let m = inflate.zlib_decompress(&packed, &mut plain).unwrap();
                    read.fetch_add(*n as u64, Ordering::Relaxed);
                    made.fetch_add(m as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let (read, made) = (read.into_inner(), made.into_inner());
    println!("{:.4} {read} {made}", started.elapsed().as_secs_f64());
}
