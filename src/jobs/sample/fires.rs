//! A scripted series of Landsat-like looks with known fires: what was seen hot, what was looked at, what clouds hid; and a
//! table in the form of FIRMS with faults. What is to be found is in `fires_designed.csv`, made by hand.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Days, Utc};

use crate::error::Result;
use crate::write::{Staging, text};

/// What is to be found, written by hand and by nobody's program.
const DESIGNED: &str = include_str!("fires_designed.csv");
/// VIIRS detections as FIRMS writes them, with deliberate faults.
const FIRMS: &str = include_str!("fires_firms.csv");

/// Looks: every eight days from 2026-03-04 03:40 UTC, Landsat 8 and 9 in turn.
const LOOKS: u64 = 20;
const FIRST: DateTime<Utc> = match DateTime::from_timestamp(1_772_595_600, 0) {
    Some(t) => t,
    None => DateTime::<Utc>::UNIX_EPOCH,
};
/// What each look sees: west, south, east, north.
const FOOTPRINT: [f64; 4] = [106.55, 39.30, 107.00, 39.85];

/// One scripted fire: its name, its pixels, and the looks that see it hot where no cloud hides it.
struct Scripted {
    name: &'static str,
    pixels: &'static [[f64; 2]],
    hot: fn(u64) -> bool,
}

const FIRES: [Scripted; 8] = [
    Scripted { name: "K1", pixels: &[[106.8288, 39.46765], [106.82915, 39.46765]], hot: |_| true },
    Scripted { name: "K2", pixels: &[[106.75677, 39.42571]], hot: |k| k <= 4 },
    Scripted { name: "K3", pixels: &[[106.74548, 39.38749]], hot: |k| k <= 2 || k >= 12 },
    Scripted { name: "K4", pixels: &[[106.78395, 39.70102]], hot: |_| true },
    Scripted { name: "K5", pixels: &[[106.76438, 39.7786]], hot: |k| k <= 16 },
    Scripted { name: "K6", pixels: &[[106.75095, 39.58378]], hot: |_| true },
    Scripted { name: "K7", pixels: &[[106.75451, 39.57524]], hot: |k| k == 19 },
    Scripted { name: "K8", pixels: &[[106.75909, 39.42571]], hot: |k| k >= 10 },
];

/// Clouds: west, south, east, north, and the looks that have them.
type Cloud = ([f64; 4], fn(u64) -> bool);

const CLOUDS: [Cloud; 3] = [
    ([106.5, 39.2, 107.1, 39.9], |k| k == 3 || k == 9),
    ([106.77, 39.69, 106.80, 39.71], |k| k >= 5),
    ([106.75, 39.77, 106.78, 39.79], |k| k == 18),
];

/// The made-up coking plant.
const PLANT: [f64; 4] = [106.748, 39.581, 106.754, 39.586];

fn time(k: u64) -> DateTime<Utc> {
    FIRST.checked_add_days(Days::new(8 * k)).unwrap_or(FIRST)
}

fn stamp(k: u64) -> String {
    time(k).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn satellite(k: u64) -> &'static str {
    if k.is_multiple_of(2) { "Landsat 8" } else { "Landsat 9" }
}

/// Writes the files of fires.
pub(super) fn write(staging: &mut Staging) -> Result<()> {
    text::write_staged(staging, Path::new("fires_seen.csv"), &detections())?;
    text::write_staged(staging, Path::new("fires_looks.geojson"), &looks())?;
    text::write_staged(staging, Path::new("fires_clouds.geojson"), &clouds())?;
    let plant = feature("\"名称\":\"示例焦化厂(虚构)\"", PLANT);
    text::write_staged(staging, Path::new("fires_known_heat.geojson"), &collection(&[plant]))?;
    text::write_staged(staging, Path::new("fires_firms.csv"), FIRMS)?;
    text::write_staged(staging, Path::new("fires_designed.csv"), DESIGNED)
}

fn hidden(k: u64, [x, y]: [f64; 2]) -> bool {
    CLOUDS.iter().any(|([w, s, e, n], has)| has(k) && x > *w && x < *e && y > *s && y < *n)
}

fn detections() -> String {
    let mut out = String::from("lon,lat,time_utc,satellite,instrument,pixel_m,delta_t_k,confidence,daynight,remark\n");
    for k in 0..LOOKS {
        for f in &FIRES {
            for (i, p) in f.pixels.iter().enumerate().filter(|(_, p)| (f.hot)(k) && !hidden(k, **p)) {
                // a made-up excess that differs from look to look
                let excess = 8.0 + ((k * 7 + i as u64 * 3) % 11) as f64;
                let _ = writeln!(
                    out,
                    "{:.5},{:.5},{},{},OLI,30,{excess:.1},nominal,D,{}",
                    p[0],
                    p[1],
                    stamp(k),
                    satellite(k),
                    f.name
                );
            }
        }
    }
    out
}

fn looks() -> String {
    let one = |k: u64| {
        feature(
            &format!(
                "\"look_id\":\"L{k:02}\",\"time_utc\":\"{}\",\"satellite\":\"{}\",\"instrument\":\"OLI\",\"pixel_m\":30",
                stamp(k),
                satellite(k)
            ),
            FOOTPRINT,
        )
    };
    collection(&(0..LOOKS).map(one).collect::<Vec<_>>())
}

fn clouds() -> String {
    let mut all = Vec::new();
    for k in 0..LOOKS {
        all.extend(CLOUDS.iter().filter(|c| (c.1)(k)).map(|c| feature(&format!("\"look_id\":\"L{k:02}\""), c.0)));
    }
    collection(&all)
}

fn feature(properties: &str, [w, s, e, n]: [f64; 4]) -> String {
    format!(
        "{{\"type\":\"Feature\",\"properties\":{{{properties}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{w},{s}],[{e},{s}],[{e},{n}],[{w},{n}],[{w},{s}]]]}}}}"
    )
}

fn collection(features: &[String]) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}\n", features.join(",\n"))
}
