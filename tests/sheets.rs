//! Paper: `heshan report map` and the PDF of `heshan report bulletin`, read by Poppler, GDAL and PROJ.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{failure, project, run, tool};
use serde_json::{Value as Json, json};

/// Runs the program and reads its summary.
fn summary(dir: &Path, arguments: &[&str]) -> Json {
    let o = run(dir, &[&["--json", "--progress", "never"], arguments].concat());
    let said = String::from_utf8_lossy(&o.stderr);
    assert!(o.status.code() == Some(0), "{arguments:?}: {said}");
    serde_json::from_slice(&o.stdout).unwrap()
}

/// What Poppler's `pdftotext` reads; `None` (said aloud) where it is not installed.
fn text_of(pdf: &Path, more: &[&str]) -> Option<String> {
    let name = pdf.to_str().unwrap();
    tool("pdftotext", &[more, &[name, "-"]].concat())
}

/// A line of `pdfinfo`.
fn about(pdf: &Path, key: &str) -> Option<String> {
    let all = tool("pdfinfo", &[pdf.to_str().unwrap()])?;
    let line = all.lines().find(|l| l.starts_with(key)).unwrap_or_else(|| panic!("{key} of {all}"));
    Some(line.split_once(':').unwrap().1.trim().to_owned())
}

fn square(x: f64, y: f64, side: f64) -> Json {
    json!({"type": "Polygon", "coordinates": [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]})
}

fn collection(features: &[(Json, Json)]) -> String {
    let features: Vec<Json> =
        features.iter().map(|(p, g)| json!({"type": "Feature", "properties": p, "geometry": g})).collect();
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

struct Png {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    per_metre: u32,
}

fn png(path: &Path) -> Png {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut r = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; r.output_buffer_size().unwrap()];
    let (size, dims) = (r.next_frame(&mut rgb).unwrap(), r.info().pixel_dims.unwrap());
    assert_eq!(size.color_type, png::ColorType::Rgb);
    Png { width: size.width as usize, height: size.height as usize, rgb, per_metre: dims.xppu }
}

impl Png {
    fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let i = 3 * ((y.floor() as usize) * self.width + x.floor() as usize);
        self.rgb[i..i + 3].try_into().unwrap()
    }
}

/// A, E, C, F of a world file.
fn world(path: &Path) -> [f64; 4] {
    let v: Vec<f64> = std::fs::read_to_string(path).unwrap().lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!((v.len(), v[1], v[2]), (6, 0.0, 0.0));
    [v[0], v[3], v[4], v[5]]
}

/// Two places as points, 30 719.183 m apart by GeographicLib on GRS 80 (`geod`: azimuth 57.0762°).
const PLACES: [[f64; 2]; 2] = [[106.6, 39.40], [106.9, 39.55]];
const APART_M: f64 = 30_719.183;
/// The same in EPSG:4524 by PROJ 9 (`cs2cs EPSG:4490 EPSG:4524`).
const GRID: [[f64; 2]; 2] = [[36_379_406.480, 4_363_846.974], [36_405_451.954, 4_380_143.342]];

fn points(dir: &Path) {
    let point = |i: usize| (json!({"id": i}), json!({"type": "Point", "coordinates": PLACES[i]}));
    std::fs::write(dir.join("points.geojson"), collection(&[point(0), point(1)])).unwrap();
}

#[test]
fn lengths_and_places_on_a_sheet_are_those_of_the_ground() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    points(dir);
    let arguments =
        ["report", "map", "points.geojson", "--scale", "200000", "--no-labels", "-o", "m.png", "-o", "m.pdf"];
    let said = summary(dir, &arguments);
    assert_eq!(said["sheets"][0]["scale"], 200_000.0);
    assert!(said["sheets"][0]["crs"].as_str().unwrap().starts_with("EPSG:4524"), "{said}");
    let p = png(&dir.join("m.png"));
    // A4 at 300 dots an inch, 11 811 dots a metre
    assert_eq!((p.width, p.height, p.per_metre), (3508, 2480, 11_811));
    let [a, e, c, f] = world(&dir.join("m.pgw"));
    let pixel = GRID.map(|[x, y]| [(x - c) / a + 0.5, (y - f) / e + 0.5]);
    // the points are drawn where PROJ has them: grey-blue, not white
    for [x, y] in pixel {
        let [r, g, b] = p.at(x, y);
        assert!(r < 200 && g < 200 && b < 210, "{:?} at {x} {y}", [r, g, b]);
    }
    // and as far from each other on paper as the scale says of the geodesic
    let [u, v] = [pixel[1][0] - pixel[0][0], pixel[1][1] - pixel[0][1]];
    let ground = u.hypot(v) * 0.0254 / 300.0 * 200_000.0;
    assert!((ground / APART_M - 1.0).abs() < 3e-4, "{ground}");
    lines_of_the_grid(&p, [a, e, c, f]);
    bar(&p, 200_000.0);
    georeferenced(&dir.join("m.pdf"), &said["sheets"][0]["bounds"]);
}

/// At 1:200 000 lines of the CRS are 5 km (25 mm) apart. Along a row of the map, pixels on an easting of full 5 km are blue.
fn lines_of_the_grid(p: &Png, [a, _, c, _]: [f64; 4]) {
    // inside the map: frame and numbers take 30 mm
    let inside = 400.0..2300.0;
    let mut seen = 0;
    for km in (36_300..36_500).step_by(5) {
        let x = (f64::from(km) * 1000.0 - c) / a + 0.5;
        if !inside.contains(&x) {
            continue;
        }
        seen += 1;
        // a dashed meridian may cross; most rows show the line, and white a millimetre beside it
        let rows: Vec<f64> = (500..1900).step_by(7).map(f64::from).collect();
        let blue = |x: f64| rows.iter().filter(|y| p.at(x, **y)[0] < 225 && p.at(x, **y)[2] > p.at(x, **y)[0]).count();
        let white = |x: f64| rows.iter().filter(|y| p.at(x, **y) == [255; 3]).count();
        assert!(blue(x) * 10 > rows.len() * 9, "{km} km at column {x}: {} of {}", blue(x), rows.len());
        assert!(white(x + 12.0) * 10 > rows.len() * 9, "{km} km beside column {x}: {}", white(x + 12.0));
    }
    assert!(seen >= 6, "{seen}");
}

/// The scale bar below the map: its first and third part are black. 60 mm are 12 km at most: parts of 2 km (10 mm).
fn bar(p: &Png, scale: f64) {
    let mm = 300.0 / 25.4;
    let runs = |y: usize| {
        let mut out: Vec<(usize, usize)> = Vec::new();
        let mut begin = None;
        for x in 300..2500 {
            let black = p.at(x as f64, y as f64).iter().all(|v| *v < 60);
            match (black, begin) {
                (true, None) => begin = Some(x),
                (false, Some(b)) => {
                    out.push((b, x - b));
                    begin = None;
                }
                _ => {}
            }
        }
        out.into_iter().filter(|r| r.1 as f64 > 5.0 * mm).collect::<Vec<_>>()
    };
    // below the outer frame; letters have no runs of 5 mm
    let found = (2200..2470).map(runs).find(|r| r.len() == 2).expect("no scale bar");
    let ground: Vec<f64> = found.iter().map(|r| r.1 as f64 / mm / 1000.0 * scale).collect();
    // a part and its outline of 0.15 mm: 30 m of the ground on a side, and half a pixel
    assert!(ground.iter().all(|g| (g - 2000.0).abs() < 60.0), "{ground:?}");
    let apart = (found[1].0 - found[0].0) as f64 / mm / 1000.0 * scale;
    assert!((apart - 4000.0).abs() < 20.0, "{apart}");
}

/// GDAL opens the PDF at its place: the corners of the frame are those of the summary.
fn georeferenced(pdf: &Path, bounds: &Json) {
    let Some(said) = tool("gdalinfo", &["-json", pdf.to_str().unwrap()]) else { return };
    let Ok(info) = serde_json::from_str::<Json>(&said[..said.rfind('}').map_or(0, |i| i + 1)]) else {
        println!("skipped: this GDAL does not read PDF");
        return;
    };
    let wkt = info["coordinateSystem"]["wkt"].as_str().unwrap_or_default();
    assert!(wkt.contains("CGCS") || wkt.contains("China_2000"), "{wkt}");
    // least x, greatest y of the page, size of a pixel; A4 is 297 × 210 mm, its frame 17 mm from the left
    let t: Vec<f64> = info["geoTransform"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let per_mm = t[1] * info["size"][0].as_f64().unwrap() / 297.0;
    let x0 = t[0] + 17.0 * per_mm;
    // seven digits of degrees are half a metre, a pixel of GDAL's page some 30 m
    let wanted = bounds[0].as_f64().unwrap();
    assert!((x0 - wanted).abs() < 40.0, "{x0} {wanted}");
    assert!((per_mm - 200.0).abs() < 0.3, "{per_mm}");
}

#[test]
fn sheets_have_all_that_a_sheet_needs() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    project(dir, 40);
    let base =
        ["report", "map", "rivers.geojson", "sites.geojson", "--title", "乌海市矿山分布图", "--made-by", "示例测绘院"];
    let with = |more: &[&str]| summary(dir, &[&["--lang", "zh"], &base[..], more].concat());
    let said = with(&["--source", "示例影像 2026 年", "-o", "a.pdf"]);
    assert_eq!(said["sheets"][0]["features"], 41);
    with(&["--paper", "a3", "--orientation", "portrait", "-o", "b.pdf"]);
    for (name, size, page) in [("a.pdf", "841.89 x 595.276 pts (A4)", 1), ("b.pdf", "841.89 x 1190.55 pts (A3)", 1)] {
        let Some(found) = about(&dir.join(name), "Page size") else { return };
        assert_eq!(
            (found.as_str(), about(&dir.join(name), "Pages").unwrap().as_str()),
            (size, page.to_string().as_str())
        );
        let text = text_of(&dir.join(name), &[]).unwrap();
        for wanted in [
            "乌海市矿山分布图",
            "图例",
            "比例尺 1:",
            "北",
            "公里",
            "露天采坑",
            "rivers",
            "CGCS2000",
            "EPSG:45",
            "数据来源",
            "sites.geojson",
            "示例测绘院",
            "制图日期",
            "2026年9月21日",
            "示例1",
            "°",
            "N",
        ] {
            assert!(text.contains(wanted), "{name}: {wanted} is missing in {text}");
        }
    }
    let text = text_of(&dir.join("a.pdf"), &[]).unwrap();
    assert!(text.contains("示例影像 2026 年"));
    fonts_are_inside(&dir.join("a.pdf"));
    // the same again
    let before = std::fs::read(dir.join("a.pdf")).unwrap();
    with(&["--source", "示例影像 2026 年", "-o", "a.pdf", "--overwrite"]);
    assert!(std::fs::read(dir.join("a.pdf")).unwrap() == before);
    // another language
    summary(dir, &[&["--lang", "en"], &base[..], &["-o", "c.pdf"]].concat());
    let text = text_of(&dir.join("c.pdf"), &[]).unwrap();
    for wanted in ["Legend", "Scale 1:", "km", "露天采坑", "Sources:", "Made by: 示例测绘院", "Date: 2026-09-21"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
}

/// Every font of a file is embedded, a subset, and tells its characters.
fn fonts_are_inside(pdf: &Path) {
    let Some(list) = tool("pdffonts", &[pdf.to_str().unwrap()]) else { return };
    let rows: Vec<&str> = list.lines().skip(2).collect();
    assert!(!rows.is_empty(), "{list}");
    for row in rows {
        assert!(row.contains("Identity-H") && row.contains("yes yes yes"), "{list}");
    }
}

#[test]
fn an_atlas_has_a_sheet_for_each_unit() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    project(dir, 30);
    let arguments = ["report", "map", "rivers.geojson", "sites.geojson", "--by", "责任单位", "--dpi", "60"];
    let said = summary(dir, &[&arguments[..], &["-o", "u.pdf", "-o", "u.png"]].concat());
    let names: Vec<&str> = said["sheets"].as_array().unwrap().iter().map(|s| s["value"].as_str().unwrap()).collect();
    assert_eq!(names, ["示例0公司", "示例1公司", "示例2公司"]);
    for name in ["u_001_示例0公司.png", "u_002_示例1公司.png", "u_003_示例2公司.png", "u_003_示例2公司.pgw"]
    {
        assert!(dir.join(name).is_file(), "{name}: {:?}", common::names(dir));
    }
    let pdf = dir.join("u.pdf");
    let Some(pages) = about(&pdf, "Pages") else { return };
    assert_eq!(pages, "3");
    // each page names its own unit's sites: S00000 … are those of 示例0公司
    let page = |n: &str| text_of(&pdf, &["-f", n, "-l", n]).unwrap();
    for (i, n) in ["1", "2", "3"].iter().enumerate() {
        let text = page(n);
        assert!(text.contains(&format!("示例{i}公司")) && text.contains(&format!("Sheet {n} of 3")), "{text}");
        // labels of the others' sites are not written (示例 and their number)
        let other = (i + 1) % 3;
        let own = (0..30).filter(|k| k % 3 == i && text.lines().any(|l| l == format!("示例{k}"))).count();
        let others = (0..30).filter(|k| k % 3 == other && text.lines().any(|l| l == format!("示例{k}"))).count();
        assert!(own >= 3 && others == 0, "page {n}: {own} {others} {text}");
    }
    assert_eq!(failure(dir, &["report", "map", "sites.geojson", "--by", "无此字段", "-o", "x.pdf"]).0, 2);
}

#[test]
fn hostile_text_does_no_harm_on_paper() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    let names = [
        "<img src=x onerror=alert(1)><script>".to_owned(),
        "\u{202e}RTL العربية שלום \u{7}\u{0}bell".to_owned(),
        "长".repeat(1_000_000),
        ") Tj ET (\\) endstream %PDF".into(),
        "\u{10ffff}\u{fffe}𠀀🔥".into(),
    ];
    let features: Vec<(Json, Json)> = names
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let fields = json!({"site_id": format!("S{i}"), "name": n, "kind": n, "责任单位": n});
            (fields, square(106.7 + 0.03 * i as f64, 39.4, 0.01))
        })
        .collect();
    std::fs::write(dir.join("sites.geojson"), collection(&features)).unwrap();
    let title = format!("{}{}", names[0], names[1].replace('\0', ""));
    let said = summary(
        dir,
        &[
            "report",
            "map",
            "sites.geojson",
            "--title",
            &title,
            "--by",
            "责任单位",
            "-o",
            "h.pdf",
            "--dpi",
            "40",
            "-o",
            "h.png",
        ],
    );
    assert_eq!(said["sheets"].as_array().unwrap().len(), 5);
    assert!(said["warnings"].to_string().contains("in no font"), "{said}");
    let Some(pages) = about(&dir.join("h.pdf"), "Pages") else { return };
    assert_eq!(pages, "5");
    let text = text_of(&dir.join("h.pdf"), &[]).unwrap();
    assert!(text.contains("<img src=x onerror") && text.contains(") Tj ET (\\)"), "{text}");
    assert!(text.contains("长长长") && text.contains('…') && text.len() < 20_000, "{}", text.len());
    assert!(std::fs::metadata(dir.join("h.pdf")).unwrap().len() < 300_000);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    points(dir);
    let of = |more: &[&str]| failure(dir, &[&["report", "map", "points.geojson"], more].concat());
    for (more, code, words) in [
        (&["-o", "a.svg"][..], 2, "a .pdf or a .png"),
        (&["--out-crs", "EPSG:4490", "-o", "a.pdf"], 2, "projected CRS"),
        (&["--label", "nothing", "-o", "a.pdf"], 2, "the fields are"),
        (&["--dpi", "3", "-o", "a.png"], 2, "--dpi"),
        (&["--paper", "a3", "--dpi", "1200", "-o", "a.png"], 2, "100 million"),
        (&["--scale", "0", "-o", "a.pdf"], 2, "--scale"),
        (&["--extent", "107,39,106,40", "-o", "a.pdf"], 2, "west,south,east,north"),
        (&["--background", "none.tif", "-o", "a.pdf"], 3, "none.tif"),
        (&["-o", "a.pdf", "-o", "no/b.png"], 2, "several folders"),
    ] {
        let (found, said) = of(more);
        assert!(found == code && said.contains(words), "{more:?}: {found} {said}");
    }
    assert_eq!(common::names(dir), ["points.geojson"]);
    // a scale at which not everything fits is said aloud
    let o = run(dir, &["report", "map", "points.geojson", "--scale", "5000", "-o", "a.pdf"]);
    assert!(String::from_utf8_lossy(&o.stderr).contains("2 feature(s) lie outside"), "{o:?}");
}

#[test]
fn a_raster_lies_below_the_layers() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    // 40 × 40 pixels of 10 m in UTM 48N around 106.17 E, the left half dark
    let values: Vec<f32> = (0..1600).map(|i| if i % 40 < 20 { 1.0 } else { 9.0 }).collect();
    common::raster(&dir.join("b.tif"), (40, 40), &values);
    let f = [(json!({"id": 1}), json!({"type": "Point", "coordinates": [106.1642, 39.7427]}))];
    std::fs::write(dir.join("p.geojson"), collection(&f)).unwrap();
    let said = summary(
        dir,
        &[
            "report",
            "map",
            "p.geojson",
            "--background",
            "b.tif",
            "--out-crs",
            "EPSG:32648",
            "--grid",
            "none",
            "--no-labels",
            "--scale",
            "5000",
            "--dpi",
            "100",
            "-o",
            "m.png",
            "-o",
            "m.pdf",
        ],
    );
    assert!(said["warnings"].to_string().contains("from dark to light"), "{said}");
    let p = png(&dir.join("m.png"));
    let [a, e, c, f] = world(&dir.join("m.pgw"));
    let at = |x: f64, y: f64| p.at((x - c) / a + 0.5, (y - f) / e + 0.5);
    // pixel (5, 5) and (35, 5) of the raster, whose first is at 600000, 4400040
    assert_eq!([at(600_055.0, 4_399_985.0), at(600_355.0, 4_399_985.0)], [[0; 3], [255; 3]]);
    let Some(list) = tool("pdfimages", &["-list", dir.join("m.pdf").to_str().unwrap()]) else { return };
    assert!(list.lines().count() == 4 && list.contains("smask"), "{list}");
}

/// A ledger with issues of three units over three months.
fn ledger(dir: &Path, n: usize) {
    project(dir, n);
    let good = |arguments: &[&str]| {
        let o = run(dir, arguments);
        assert!(o.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&o.stderr));
    };
    good(&["screen", "--rivers", "rivers.geojson", "--sites", "sites.geojson", "--distance", "30000", "-o", "s.gpkg"]);
    good(&["ledger", "init", "-L", "l.gpkg"]);
    good(&["ledger", "add", "s.gpkg#sites", "-L", "l.gpkg", "--date", "2026-01-15"]);
    let id = |i: usize| format!("CO2026-{i:05}");
    for (i, month) in [(1, "02"), (2, "03"), (3, "03")] {
        let day = |d: u32| format!("2026-{month}-{d:02}");
        for (k, to) in ["assigned", "rectifying", "submitted", "verified", "closed"].iter().enumerate() {
            let date = day(10 + k as u32);
            good(&[
                "ledger",
                "update",
                &id(i),
                "-L",
                "l.gpkg",
                "--to",
                to,
                "--date",
                &date,
                "--by",
                "李某",
                "--unit",
                "甲公司",
                "--deadline",
                "2026-02-20",
                "--why",
                "x",
            ]);
        }
    }
}

#[test]
fn a_bulletin_on_paper_holds_all_of_it() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    ledger(dir, 120);
    let outputs = ["-o", "b.pdf", "-o", "b.html", "-o", "b.docx", "-o", "b.xlsx"];
    let of = |lang: &str, more: &[&str]| {
        summary(
            dir,
            &[&["--lang", lang, "report", "bulletin", "-L", "l.gpkg", "--period", "2026-03"][..], more].concat(),
        )
    };
    let said = of("zh", &outputs);
    let open = said["open_after"].as_u64().unwrap();
    assert_eq!((said["closed"].as_array().unwrap().len(), open), (2, 117));
    charts_are_everywhere(dir);
    let pdf = dir.join("b.pdf");
    let Some(size) = about(&pdf, "Page size") else { return };
    assert_eq!(size, "595.276 x 841.89 pts (A4)");
    let pages: usize = about(&pdf, "Pages").unwrap().parse().unwrap();
    assert!(pages >= 3, "{pages}");
    assert_eq!(about(&pdf, "Title").unwrap(), "乌海及周边地区生态环境问题整改月调度(2026年3月)");
    fonts_are_inside(&pdf);
    let text = text_of(&pdf, &["-layout"]).unwrap();
    let wanted = [
        "一、总体情况",
        "问题清零曲线",
        "各月问题情况",
        "各责任单位整改进展",
        "甲公司",
        "合计",
        "CO2026-00002",
        "数据来源:台账 l.gpkg",
    ];
    for w in wanted {
        assert!(text.contains(w), "{w} is missing");
    }
    // the figures of the curve: 120 found in January, 119 open after February, 117 after March
    for row in ["2026-01", "2026-02", "2026-03"].iter().zip([[120, 0, 120], [0, 1, 119], [0, 2, 117]]) {
        let figures = |l: &&str| l.split_whitespace().nth(1).is_some_and(|w| w.parse::<i64>().is_ok());
        let mut lines = text.lines().filter(|l| l.trim_start().starts_with(row.0));
        let line = lines.find(figures).unwrap_or_else(|| panic!("{} of {text}", row.0));
        let numbers: Vec<i64> = line.split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect();
        assert_eq!([numbers[0], numbers[3], numbers[5]], row.1, "{line}");
    }
    // the same again
    let before = std::fs::read(&pdf).unwrap();
    of("zh", &[&outputs[..], &["--overwrite"]].concat());
    assert!(std::fs::read(&pdf).unwrap() == before);
    // a longer list: January, when all were found; its head is on every page
    summary(dir, &["--lang", "en", "report", "bulletin", "-L", "l.gpkg", "--period", "2026-01", "-o", "jan.pdf"]);
    let pages: usize = about(&dir.join("jan.pdf"), "Pages").unwrap().parse().unwrap();
    let last = |n: usize| text_of(&dir.join("jan.pdf"), &["-f", &n.to_string(), "-l", &n.to_string()]).unwrap();
    for n in [pages - 1, pages] {
        let text = last(n);
        assert!(
            text.contains("deadline") && text.contains("past it") && text.contains(&format!("Page {n} of {pages}")),
            "{text}"
        );
    }
    // every issue is in it once more than in no list at all
    let all = text_of(&dir.join("jan.pdf"), &[]).unwrap();
    assert!((1..=120).all(|i| all.contains(&format!("CO2026-{i:05}"))));
}

/// HTML, Word and Excel: three charts, with their figures beside them.
fn charts_are_everywhere(dir: &Path) {
    let html = std::fs::read_to_string(dir.join("b.html")).unwrap();
    assert_eq!(html.matches("<svg ").count(), 3);
    assert!(html.contains("aria-label=\"问题清零曲线\"") && !html.contains("<script"));
    let list = Command::new("unzip").arg("-l").arg(dir.join("b.docx")).output();
    match list {
        Ok(o) => assert_eq!(String::from_utf8_lossy(&o.stdout).matches(".png").count(), 3, "{o:?}"),
        Err(e) => println!("skipped: unzip cannot be run ({e})"),
    }
}

#[test]
fn a_project_file_may_draw_maps() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    project(dir, 10);
    let file = r#"
[[step]]
id = "map"
verb = "report map"
layers = ["rivers.geojson", "sites.geojson"]
title = "专题图"
scale = 500000
output = ["out/map.pdf", "out/map.png"]
dpi = 50
"#;
    std::fs::write(dir.join("p.toml"), file).unwrap();
    std::fs::create_dir(dir.join("out")).unwrap();
    let o = run(dir, &["run", "p.toml", "--check"]);
    assert!(o.status.success(), "{o:?}");
    let plan = run(dir, &["run", "p.toml", "--dry-run"]);
    let said = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(said.contains("map"), "{said}");
    let o = run(dir, &["run", "p.toml"]);
    assert!(o.status.success(), "{o:?}");
    assert!(dir.join("out/map.pdf").is_file() && dir.join("out/map.png").is_file());
    // nothing has changed: the step is not run again
    let again = run(dir, &["run", "p.toml", "--json"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("up_to_date"), "{again:?}");
    // a slip of the pen is told before anything runs
    std::fs::write(dir.join("q.toml"), file.replace("scale", "skale")).unwrap();
    let (code, said) = failure(dir, &["run", "q.toml", "--check"]);
    assert!(code == 3 && said.contains("skale") && said.contains("scale"), "{said}");
}
