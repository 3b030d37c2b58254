use heshan::read::vector::*;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    for p in std::env::args().skip(1) {
        let t = std::time::Instant::now();
        let c = cpu();
        let mut s = open(&SourceName { path: p.clone().into(), layer: None }, &ReadOptions::default()).unwrap();
        let mut n = 0;
        while let Some(b) = s.next_batch(4096).unwrap() {
            n += b.len();
        }
        println!("{p}: {n} in {:.3} s wall, {:.2} s cpu", t.elapsed().as_secs_f64(), cpu() - c);
    }
}
