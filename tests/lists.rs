//! What departments and map programs get out of the ledger: workbooks by mine and unit (read by calamine and LibreOffice),
//! chips cut from scenes, the ledger in QGIS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use calamine::{Data, Reader as _};
use common::{failure, heshan, names, run, tool};
use serde_json::{Value as Json, json};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(dir: &Path, arguments: &[&str]) -> Json {
    let o = run(dir, &[arguments, &["--json"]].concat());
    assert!(o.status.success(), "{arguments:?}: {}", text(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

/// Squares of 200 × 200 m in EPSG:32648 with their attributes, as GeoJSON that GDAL places by its old `crs` member.
fn squares(path: &Path, rows: &[(Json, f64, f64)]) {
    let mut out = String::from("编号,名称,责任单位,监管单位,旗县区,完成时限,WKT\n");
    for (p, x, y) in rows {
        let of = |k: &str| format!("\"{}\"", p[k].as_str().unwrap_or_default().replace('"', "\"\""));
        let (e, n) = (x + 200.0, y + 200.0);
        let wkt = format!("\"POLYGON(({x} {y},{e} {y},{e} {n},{x} {n},{x} {y}))\"");
        let cells = ["编号", "名称", "责任单位", "监管单位", "旗县区", "完成时限"].map(of).join(",");
        let _ = writeln!(out, "{cells},{wkt}");
    }
    std::fs::write(path, out).unwrap();
}

const READ: [&str; 4] = ["--crs", "EPSG:32648", "--wkt-column", "WKT"];

/// Units such as nobody should name theirs.
fn units() -> Vec<String> {
    let mut all: Vec<String> = [
        "甲公司",
        "=HYPERLINK(\"http://x\")",
        "+1+1",
        "@SUM(A1)",
        "-2",
        "a/b:c*d?[e]\\f",
        "A/B:C*D?[E]\\F",
        "'引号'",
        "history",
        "\u{202e}反向",
        "CON",
        "乌海市海南区某某煤业有限责任公司第一分公司露天采坑综合治理项目部甲",
        "乌海市海南区某某煤业有限责任公司第一分公司露天采坑综合治理项目部乙",
    ]
    .map(String::from)
    .to_vec();
    all.push("长".repeat(350_000));
    all
}

fn ledger_of_units(dir: &Path) -> usize {
    let rows: Vec<(Json, f64, f64)> = units()
        .iter()
        .enumerate()
        .flat_map(|(i, u)| {
            (0..=i % 2).map(move |k| {
                let p = json!({"编号": format!("S{i}{k}"), "名称": u, "责任单位": u, "旗县区": "乌达区", "完成时限": "2026-06-30"});
                (p, 640_000.0 + 500.0 * i as f64, 4_380_000.0 + 500.0 * k as f64)
            })
        })
        .collect();
    squares(&dir.join("f.csv"), &rows);
    good(dir, &["ledger", "init"]);
    let add = ["ledger", "add", "f.csv", "--kind", "corridor", "--date", "2026-03-01"];
    good(dir, &[&add[..], &READ].concat());
    rows.len()
}

#[test]
fn a_sheet_for_each_unit_and_an_overview_that_adds_up() {
    let d = tempfile::tempdir().unwrap();
    let issues = ledger_of_units(d.path());
    let list = ["ledger", "list", "--date", "2026-07-10", "--by"];
    for (by, groups) in [("unit", units().len()), ("mine", issues), ("admin", 1), ("kind", 1), ("supervising", 1)] {
        let file = format!("{by}.xlsx");
        good(d.path(), &[&list[..], &[by, "-o", &file]].concat());
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(d.path().join(&file)).unwrap();
        let sheets = book.sheet_names();
        assert_eq!(sheets.len(), groups + 1, "{by}: {sheets:?}");
        let lower: std::collections::BTreeSet<String> = sheets.iter().map(|s| s.to_lowercase()).collect();
        assert_eq!(lower.len(), sheets.len(), "{by}: {sheets:?}");
        for s in &sheets {
            assert!((1..=31).contains(&s.encode_utf16().count()), "{s}");
            assert!(!s.contains(['[', ']', ':', '*', '?', '/', '\\', '\u{202e}']) && !s.starts_with('\''), "{s}");
            assert!(book.worksheet_formula(s).unwrap().is_empty(), "{by} {s}");
        }
        let overview = book.worksheet_range(&sheets[0]).unwrap();
        let number = |r: &[Data], j: usize| if let Data::Float(v) = r[j] { v } else { panic!("{r:?}") };
        let rows: Vec<&[Data]> = overview.rows().skip(1).collect();
        let (total, rows) = rows.split_last().unwrap();
        assert_eq!((number(total, 1), number(total, 3)), (issues as f64, issues as f64));
        for j in 1..8 {
            let sum: f64 = rows.iter().map(|r| number(r, j)).sum();
            assert!((sum - number(total, j)).abs() < 1e-6, "{by} column {j}: {sum}");
        }
        // each row leads to a sheet of as many issues as it says
        for (r, s) in rows.iter().zip(&sheets[1..]) {
            assert_eq!(book.worksheet_range(s).unwrap().height() - 1, number(r, 1) as usize, "{s}");
        }
    }
    one_sheet(d.path());
    on_paper(d.path());
}

/// Dates are dates, areas are in hectares and mu.
fn one_sheet(dir: &Path) {
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(dir.join("admin.xlsx")).unwrap();
    let sheet = book.worksheet_range("乌达区").unwrap();
    let column =
        |title: &str| sheet.rows().next().unwrap().iter().position(|c| *c == Data::String(title.into())).unwrap();
    let (deadline, ha, mu) = (column("deadline"), column("area (ha)"), column("area (mu)"));
    for r in sheet.rows().skip(1) {
        let Data::DateTime(day) = &r[deadline] else { panic!("{:?}", r[deadline]) };
        // 2026-06-30 as Excel counts days
        assert_eq!((day.is_datetime(), day.as_f64()), (true, 46_203.0));
        let (Data::Float(h), Data::Float(m)) = (&r[ha], &r[mu]) else { panic!("{r:?}") };
        // 200 × 200 m of the plane of zone 48, whose scale there is 0.99984: 4.0013 hectares; 15 mu a hectare
        assert!((h - 4.0013).abs() < 0.002 && (m / h - 15.0).abs() < 1e-9, "{h} {m}");
    }
}

/// Every sheet is set up for A4 across, its titles on each page and frozen, its columns to be filtered.
fn on_paper(dir: &Path) {
    let file = dir.join("unit.xlsx");
    let Some(sheet) = tool("unzip", &["-p", file.to_str().unwrap(), "xl/worksheets/sheet2.xml"]) else { return };
    for part in
        ["paperSize=\"9\"", "orientation=\"landscape\"", "fitToWidth", "state=\"frozen\"", "<autoFilter", "&amp;P"]
    {
        // a width of one page is the default, and not written
        assert!(
            sheet.contains(part) || part == "fitToWidth" && sheet.contains("fitToPage=\"1\""),
            "{part}: {sheet:.900}"
        );
    }
    let book = tool("unzip", &["-p", file.to_str().unwrap(), "xl/workbook.xml"]).unwrap();
    assert!(book.contains("_xlnm.Print_Titles"), "{book:.900}");
    let links = tool("unzip", &["-p", file.to_str().unwrap(), "xl/worksheets/sheet1.xml"]).unwrap();
    assert_eq!(links.matches("<hyperlink ").count(), units().len());
    let leads_out = |l: &str| l.split_once("/>").unwrap().0.contains("r:id");
    assert!(!links.split("<hyperlink ").skip(1).any(leads_out), "a link leads out of the workbook");
}

/// A file for each unit, which may be filled in and handed back; nothing else is replaced with the folder.
#[test]
fn a_file_for_each_unit_comes_back_filled_in() {
    let d = tempfile::tempdir().unwrap();
    ledger_of_units(d.path());
    let list =
        ["ledger", "list", "--by", "unit", "--each", "--form", "--date", "2026-07-10", "-o", "units", "--overwrite"];
    let done = good(d.path(), &list);
    let files = names(&d.path().join("units"));
    assert_eq!(files.len(), units().len() + 1, "{files:?}");
    assert_eq!(done["files"].as_array().unwrap().len(), files.len());
    assert!(files.contains(&"CON_.xlsx".to_owned()) && files.contains(&"甲公司.xlsx".to_owned()), "{files:?}");
    let back =
        good(d.path(), &["ledger", "update", "--table", "units/甲公司.xlsx", "--by", "x", "--date", "2026-07-11"]);
    assert_eq!((back["steps"].as_array().unwrap().len(), &back["unchanged"]), (0, &json!(1)));
    // a unit whose issues are gone leaves no file behind
    let one = ["ledger", "list", "--by", "unit", "--each", "--unit", "甲公司", "-o", "units", "--overwrite"];
    good(d.path(), &one);
    assert_eq!(names(&d.path().join("units")), ["Overview.xlsx", "甲公司.xlsx"]);
    let (code, said) = failure(d.path(), &one[..one.len() - 1]);
    assert!(code == 4 && said.contains("exists already"), "{said}");
    std::fs::write(d.path().join("units/notes.txt"), "mine").unwrap();
    let (code, said) = failure(d.path(), &one);
    assert!(code == 4 && said.contains("other things than lists"), "{said}");
    let (code, said) = failure(d.path(), &["ledger", "list", "--by", "unit", "-o", "x.csv"]);
    assert!(code == 2 && said.contains("--each"), "{said}");
}

/// LibreOffice reads each sheet, prints them on A4, and the texts come out as they went in.
#[test]
fn libreoffice_reads_and_prints_the_lists() {
    let d = tempfile::tempdir().unwrap();
    let rows: Vec<(Json, f64, f64)> = (0..200)
        .map(|i| {
            let p = json!({"编号": format!("S{i:03}"), "名称": "=1+1", "责任单位": if i == 0 { "乙公司" } else { "甲公司" }, "旗县区": "海南区"});
            (p, 640_000.0 + 400.0 * f64::from(i), 4_380_000.0)
        })
        .collect();
    squares(&d.path().join("f.csv"), &rows);
    good(d.path(), &["ledger", "init"]);
    good(d.path(), &[&["ledger", "add", "f.csv", "--kind", "corridor", "--date", "2026-03-01"][..], &READ].concat());
    good(d.path(), &["--lang", "zh", "ledger", "list", "--by", "unit", "--date", "2026-07-10", "-o", "l.xlsx"]);
    let office = |to: &str| {
        let profile = format!("-env:UserInstallation=file://{}", d.path().join("profile").display());
        let dir = d.path().to_str().unwrap();
        let file = d.path().join("l.xlsx");
        tool("soffice", &[&profile, "--headless", "--convert-to", to, "--outdir", dir, file.to_str().unwrap()])
    };
    if office("pdf").is_none() {
        return;
    }
    let pdf = d.path().join("l.pdf");
    let Some(said) = tool("pdftotext", &["-layout", pdf.to_str().unwrap(), "-"]) else { return };
    let pages: Vec<&str> = said.split('\u{c}').filter(|p| !p.trim().is_empty()).collect();
    // the overview, 甲公司 on several pages, 乙公司
    assert!(pages.len() >= 4, "{} pages", pages.len());
    assert!(pages[0].contains("总览") && pages[0].contains("合计"), "{}", pages[0]);
    let of_jia: Vec<&&str> = pages.iter().filter(|p| p.contains("CO2026-") && !p.contains("乙公司")).collect();
    assert!(of_jia.len() >= 2 && of_jia.iter().all(|p| p.contains("问题编号")), "titles on each page");
    assert!(said.contains("=1+1") && said.contains("第 1 页"), "{said:.500}");
    if let Some(info) = tool("pdfinfo", &[pdf.to_str().unwrap()]) {
        // A4 across, in points
        assert!(info.contains("841.") && info.contains("595."), "{info}");
    }
    // all sheets as CSV: token 12 -1 of LibreOffice's filter options writes each
    let all = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1";
    if office(all).is_some() {
        let csv = std::fs::read_to_string(d.path().join("l-乙公司.csv")).unwrap();
        assert!(csv.lines().count() == 2 && csv.contains("=1+1") && csv.contains("海南区"), "{csv}");
    }
}

/// A raster of three bands of bytes, 10 m, 3 × 3 km; a colour for all, but for a square of 200 m with another.
fn picture(path: &Path, all: [u8; 3], square: [u8; 3]) {
    use heshan::model::{Crs, Grid};
    use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
    let crs = Crs { definition: "EPSG:32648".into(), code: Some("EPSG:32648".into()), name: "UTM 48N".into() };
    let head = RasterHead {
        grid: Grid {
            transform: [639_000.0, 10.0, 0.0, 4_381_500.0, 0.0, -10.0],
            width: 300,
            height: 300,
            crs: Some(crs),
        },
        bands: (0..3).map(|_| BandHead { description: String::new(), scale: 1.0, offset: 0.0 }).collect(),
        nodata: None,
        overviews: Overviews::None,
        packing: Packing::Deflate,
        metadata: Vec::new(),
    };
    let mut cog = Cog::<u8>::create(path, head.clone()).unwrap();
    for b in 0..3 {
        // the square of the finding: x 640000 to 640200, y 4380000 to 4380200
        let inside = |i: usize| (100..120).contains(&(i % 300)) && (130..150).contains(&(i / 300));
        let values: Vec<u8> = (0..90_000).map(|i| if inside(i) { square[b] } else { all[b] }).collect();
        cog.put(head.encode(b, head.grid.window(), &values)).unwrap();
    }
    cog.finish().unwrap();
}

/// Size, title and pixels of a PNG.
fn decoded(bytes: &[u8]) -> (usize, String, Vec<u8>) {
    let mut r = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let title = r.info().utf8_text.iter().find(|t| t.keyword == "Title").unwrap().get_text().unwrap();
    let mut pixels = vec![0; r.output_buffer_size().unwrap()];
    let info = r.next_frame(&mut pixels).unwrap();
    (info.width as usize, title, pixels)
}

/// Chips show the place on both dates, stay with the issue, and come out in its history and on the page.
#[test]
fn chips_are_cut_from_rasters_and_kept() {
    let d = tempfile::tempdir().unwrap();
    picture(&d.path().join("a20240501.tif"), [90, 120, 60], [90, 120, 60]);
    picture(&d.path().join("b20260301.tif"), [90, 120, 60], [200, 180, 150]);
    let row = |id: &str, x: f64| (json!({"编号": id, "名称": format!("图斑{id}")}), x, 4_380_000.0);
    squares(&d.path().join("f.csv"), &[row("IN", 640_000.0), row("OUT", 660_000.0)]);
    good(d.path(), &["ledger", "init"]);
    let add = ["ledger", "add", "f.csv", "--kind", "other", "--date", "2026-03-02"];
    let done = good(d.path(), &[&add[..], &READ, &["--before", "a20240501.tif", "--after", "b20260301.tif"]].concat());
    let said = done["warnings"].to_string();
    assert!(said.contains("a20240501.tif: it does not show 1 of 2 places"), "{said}");
    good(d.path(), &["ledger", "export", "--issue", "OT2026-00001", "-o", "case"]);
    let history = good(d.path(), &["ledger", "history", "OT2026-00001"]);
    let finding = &history["events"][0]["finding"];
    let of = |which: &str| {
        let sha = finding[which]["sha256"].as_str().unwrap();
        let bytes = std::fs::read(d.path().join("case").join(format!("{}.png", &sha[..16]))).unwrap();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes).iter().fold(String::new(), |mut s, b| {
            let _ = write!(s, "{b:02x}");
            s
        });
        assert_eq!(digest, sha);
        decoded(&bytes)
    };
    for (which, title, middle) in
        [("before", "a20240501.tif", [90, 120, 60, 255]), ("after", "b20260301.tif", [200, 180, 150, 255])]
    {
        let (side, shown, pixels) = of(which);
        assert_eq!((side, shown.as_str()), (192, title));
        let at = |c: usize, r: usize| <[u8; 4]>::try_from(&pixels[4 * (r * side + c)..4 * (r * side + c) + 4]).unwrap();
        assert_eq!((at(96, 96), at(4, 4)), (middle, [90, 120, 60, 255]), "{which}");
        // 600 m wide: the outline of 200 m lies 32 pixels from the middle
        let outline = (0..96).filter(|c| at(*c, 96) == [255, 214, 0, 255]).collect::<Vec<_>>();
        assert!(outline.iter().all(|c| (61..=66).contains(c)) && !outline.is_empty(), "{outline:?}");
    }
    let html = std::fs::read_to_string(d.path().join("case/history.html")).unwrap();
    assert_eq!(html.matches("data:image/png;base64,iVBOR").count(), 2);
    assert!(html.contains("a20240501.tif") && html.contains("default-src 'none'"));
    // what is outside of both has none
    good(d.path(), &["ledger", "export", "--issue", "OT2026-00002", "-o", "out.html"]);
    assert!(!std::fs::read_to_string(d.path().join("out.html")).unwrap().contains("data:image"));
    // the same run again changes nothing; updates leave the chips where they are
    let again = good(d.path(), &[&add[..], &READ, &["--before", "a20240501.tif", "--after", "b20260301.tif"]].concat());
    assert_eq!(again["known"], 2);
    good(d.path(), &["ledger", "update", "OT2026-00001", "--to", "assigned", "--by", "x", "--date", "2026-03-05"]);
    good(d.path(), &["report", "page", "ledger.gpkg", "-o", "page.html"]);
    let page = std::fs::read_to_string(d.path().join("page.html")).unwrap();
    let sha = finding["after"]["sha256"].as_str().unwrap();
    let after = std::fs::read(d.path().join("case").join(format!("{}.png", &sha[..16]))).unwrap();
    assert!(page.contains(&base64(&after)), "the page shows the chip that the ledger holds");
    assert!(page.contains("b20260301.tif"));
    assert!(
        page.contains("\"name\":\"issues\"")
            && !page.contains("\"name\":\"findings\"")
            && !page.contains("\"name\":\"issue_areas\"")
    );
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let six = (n >> (18 - 6 * i)) as usize & 63;
            out.push(if i <= three.len() { LETTERS[six] as char } else { '=' });
        }
    }
    out
}

/// Where pictures of the tests are kept to be looked at.
fn kept() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qgis");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// QGIS opens the ledger with colours and words by state, and draws areas and points; so it does what others write.
#[test]
fn qgis_opens_the_ledger_with_its_styles() {
    let python = Command::new("/usr/bin/python3").args(["-c", "import qgis.core"]).output();
    if !python.is_ok_and(|o| o.status.success()) {
        println!("skipped: there is no QGIS for Python (Debian: qgis python3-qgis)");
        return;
    }
    let d = tempfile::tempdir().unwrap();
    let o = heshan().current_dir(d.path()).args(["sample", "p"]).output().unwrap();
    assert!(o.status.success(), "{}", text(&o.stderr));
    let p = d.path().join("p");
    let o = heshan().current_dir(&p).args(["run", "project.toml", "--quiet"]).output().unwrap();
    assert!(o.status.success(), "{}", text(&o.stderr));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qgis/render.py");
    let found = ["ledger", "fires", "change", "restore", "terrain", "monitor", "trend"];
    for name in found {
        let (file, png) = (p.join(format!("out/{name}.gpkg")), kept().join(format!("{name}.png")));
        let o = Command::new("/usr/bin/python3")
            .arg(&script)
            .args([&file, &png])
            .env("QT_QPA_PLATFORM", "offscreen")
            .env("XDG_RUNTIME_DIR", d.path())
            .env("HOME", d.path())
            .output()
            .unwrap();
        let said = text(&o.stdout) + &text(&o.stderr);
        assert!(o.status.success(), "{name}: {said}");
        let mut r = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&png).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; r.output_buffer_size().unwrap()];
        let info = r.next_frame(&mut pixels).unwrap();
        let depth = info.color_type.samples();
        let drawn = pixels[..info.buffer_size()].chunks(depth).filter(|p| p[..3].iter().any(|v| *v < 200)).count();
        assert!(drawn > 300, "{name}: {drawn} pixels are drawn: {said}");
        if name == "ledger" {
            for part in ["issue_areas", "issue_points", "发现 found", "已销号 closed", "责任单位 responsible unit"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
    }
    println!("drawn: {}", kept().display());
}
