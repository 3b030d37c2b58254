//! `heshan report page` with the program itself, and its page in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod browser;
mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::{Browser, chromium};
use common::run;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

const HOSTILE: &str = "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script></script><!--";

fn square(x: f64, y: f64, side: f64) -> Json {
    json!({"type": "Polygon", "coordinates": [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]})
}

fn collection(features: Vec<(Json, Json)>) -> String {
    let features: Vec<Json> =
        features.into_iter().map(|(p, g)| json!({"type": "Feature", "properties": p, "geometry": g})).collect();
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

/// Twelve sites of two units, the first four with hostile text; five fires, of which on 2026-03-01 two burn.
fn project(dir: &Path) {
    let names =
        [HOSTILE.to_owned(), "\u{202e}RTL العربية \u{7}\u{0}bell".to_owned(), "长".repeat(1_000_000), "=1+1".into()];
    let kinds = ["mine", "tailings_pond", "waste_dump"];
    let relations = ["inside", "crosses", "outside"];
    let sites = (0..12).map(|i| {
        let name = names.get(i).cloned().unwrap_or_else(|| format!("图斑 {i}"));
        let (x, y) = (106.60 + 0.05 * (i % 4) as f64, 39.30 + 0.08 * (i / 4) as f64);
        let fields = json!({
            "site_id": format!("S{i:02}"), "name": name, "kind": kinds[i % 3],
            "responsible_unit": if i < 7 { "甲公司" } else { "乙公司" }, "min_dist_m": 100.5 * i as f64,
            "relation_1000": "outside", "relation_3000": relations[i % 3], "big": 9_007_199_254_740_993_i64,
        });
        (fields, square(x, y, 0.02))
    });
    std::fs::write(dir.join("sites.geojson"), collection(sites.collect())).unwrap();
    // first heat, known to be out
    let spans = [
        ("2026-01-10", Some("2026-02-10")),
        ("2026-02-01", Some("2026-03-20")),
        ("2026-02-20", None),
        ("2026-04-01", None),
        ("2026-05-01", Some("2026-05-20")),
    ];
    let fires = spans.iter().enumerate().map(|(i, (from, out))| {
        let state = if out.is_some() { "out" } else { "active" };
        let fields = json!({"track_id": format!("T{i}"), "state": state, "first_seen": format!("{from}T03:00:00Z"),
            "out_sure": out.map(|o| format!("{o}T03:00:00Z")), "resp_unit": "甲公司"});
        (fields, json!({"type": "Point", "coordinates": [106.65 + 0.04 * i as f64, 39.55]}))
    });
    std::fs::write(dir.join("fires.geojson"), collection(fires.collect())).unwrap();
    std::fs::write(
        dir.join("days.csv"),
        "day,open,out\n2026-01-10,1,0\n2026-02-10,1,1\n2026-03-01,2,0\n2026-03-20,1,1\n2026-04-01,2,0\n",
    )
    .unwrap();
}

fn tool(dir: &Path, name: &str, arguments: &[&str]) -> bool {
    Command::new(name).current_dir(dir).args(arguments).output().is_ok_and(|o| o.status.success())
}

/// Fires with their list of events in one GeoPackage, and two pictures in Gauss-Krüger; false without GDAL's programs.
fn with_gdal(dir: &Path) -> bool {
    let events = "track_id,time_utc,event,from_state,to_state\nT0,2026-01-10T03:00:00Z,heat,,new\n\
                  T0,2026-02-10T03:00:00Z,clear,suspected_out,out\nT2,2026-02-20T03:00:00Z,heat,,new\n";
    std::fs::write(dir.join("fire_events.csv"), events).unwrap();
    for (name, value) in [("before", 40), ("after", 200)] {
        let mut grid = String::from("ncols 40\nnrows 30\nxllcorner 36380000\nyllcorner 4370000\ncellsize 500\n");
        (0..30).for_each(|r| {
            (0..40).for_each(|c| {
                let _ = write!(grid, "{} ", value + (c + r) % 40);
            });
            grid.push('\n');
        });
        std::fs::write(dir.join(format!("{name}.asc")), grid).unwrap();
    }
    let warp = |n: &str| {
        let (from, to) = (format!("{n}.asc"), format!("{n}.tif"));
        tool(dir, "gdal_translate", &["-q", "-ot", "Byte", "-a_srs", "EPSG:4524", &from, &to])
    };
    tool(dir, "ogr2ogr", &["-f", "GPKG", "fires.gpkg", "fires.geojson", "-nln", "fire_tracks"])
        && tool(dir, "ogr2ogr", &["-update", "fires.gpkg", "fire_events.csv", "-nln", "fire_events"])
        && warp("before")
        && warp("after")
}

/// Writes the page; answers the program's summary.
fn page(dir: &Path, arguments: &[&str]) -> Json {
    let all: Vec<&str> = ["report", "page", "--json", "--lang", "zh", "--title", "乌海市矿山与火点"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let done = run(dir, &all);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The data that the page holds.
fn data(dir: &Path) -> Json {
    let text = std::fs::read_to_string(dir.join("page.html")).unwrap();
    let from = text.find("id=\"heshan-data\">").unwrap() + "id=\"heshan-data\">".len();
    serde_json::from_str(&text[from..from + text[from..].find("</script>").unwrap()]).unwrap()
}

#[test]
fn layers_of_ours_are_known_and_counted_and_nothing_is_lost() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let done = page(d.path(), &["sites.geojson", "fires.geojson", "--chart", "days.csv", "-o", "page.html"]);
    let layers: Vec<(&str, u64)> = done["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["theme"].as_str().unwrap(), l["features"].as_u64().unwrap()))
        .collect();
    assert_eq!(layers, [("site", 12), ("fire", 5)]);
    assert_eq!(done["bytes"].as_u64().unwrap(), std::fs::metadata(d.path().join("page.html")).unwrap().len());
    let data = data(d.path());
    let site = &data["layers"][0];
    let field = |name: &str| site["fields"].as_array().unwrap().iter().position(|f| f["name"] == name).unwrap();
    // the state of sites is their relation to the widest distance
    assert_eq!(site["roles"]["state"], json!(field("relation_3000")));
    assert_eq!(site["fields"][field("relation_3000")]["title"]["zh"], "3公里关系");
    assert_eq!(site["rows"][0][field("name")], HOSTILE);
    assert_eq!(site["rows"][2][field("name")].as_str().unwrap().chars().count(), 1_000_000);
    // 2^53 + 1 is no number of JavaScript
    assert_eq!(site["rows"][0][field("big")], "9007199254740993");
    assert_eq!(
        site["shapes"][0],
        json!([2, [[[1_066_000_000, 393_000_000, 200_000, 0, 0, 200_000, -200_000, 0, 0, -200_000]]]])
    );
    // 2026-01-10 is day 20463 since 1970, 2026-02-10 day 20494
    assert_eq!(data["layers"][1]["time"][0], json!([20463, 20494]));
    assert_eq!(data["layers"][1]["time"][3][1], Json::Null);
    assert_eq!(data["charts"][0]["series"][0]["values"], json!([1.0, 1.0, 2.0, 1.0, 2.0]));
    assert_eq!(data["charts"][0]["kind"], "line");
}

#[test]
fn the_same_run_gives_the_same_bytes_and_replaces_nothing_unasked() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let arguments = ["fires.geojson", "-o", "page.html"];
    page(d.path(), &arguments);
    let first = std::fs::read(d.path().join("page.html")).unwrap();
    let again = run(d.path(), &["report", "page", "fires.geojson", "-o", "page.html"]);
    assert_eq!(again.status.code(), Some(4));
    page(d.path(), &["fires.geojson", "-o", "page.html", "--overwrite"]);
    assert!(std::fs::read(d.path().join("page.html")).unwrap() == first);
}

#[test]
fn slips_of_the_pen_are_refused_and_leave_nothing() {
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    for (wrong, code) in [
        (&["--field", "state=进度"][..], 2),
        (&["--field", "stat=kind"], 2),
        (&["--layer-title", "nowhere=题"], 2),
        (&["--before", "no.tif", "--after", "no.tif"], 3),
        (&["--chart", "sites.geojson"], 2),
        (&["--chips", "nowhere"], 3),
    ] {
        let all = [&["report", "page", "sites.geojson", "-o", "page.html"], wrong].concat();
        let done = run(d.path(), &all);
        assert_eq!(done.status.code(), Some(code), "{wrong:?}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(!d.path().join("page.html").exists());
    }
    let done = run(d.path(), &["report", "page", "sites.geojson", "-o", "page.pdf"]);
    assert_eq!(done.status.code(), Some(2));
}

/// The same digest as web/page/build.mjs writes into the bundle.
#[test]
fn the_bundle_belongs_to_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let web = root.join("web/page");
    let mut names: Vec<String> = std::fs::read_dir(web.join("src"))
        .unwrap()
        .map(|e| format!("src/{}", e.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    assert!(names.len() > 10, "{names:?}");
    let mut hash = Sha256::new();
    for n in ["build.mjs", "package-lock.json", "package.json"].map(str::to_owned).into_iter().chain(names) {
        hash.update(format!("{n}\n"));
        hash.update(std::fs::read(web.join(n)).unwrap());
    }
    let digest = hash.finalize().iter().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    });
    for n in ["bundle.js", "bundle.css"] {
        let text = std::fs::read_to_string(root.join("src/report/page").join(n)).unwrap();
        assert!(
            text.starts_with(&format!("/* sources sha256 {digest} */")),
            "{n} was not built from web/page: npm ci && npm run build there"
        );
    }
}

/// Where pictures of the tests are kept to be looked at.
fn kept() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn in_a_browser() {
    let Some(program) = chromium() else {
        println!("skipped: there is no chromium (scripts/setup.sh test installs it on Debian)");
        return;
    };
    let d = tempfile::tempdir().unwrap();
    project(d.path());
    let mut arguments = vec!["sites.geojson"];
    let gdal = with_gdal(d.path());
    if gdal {
        arguments.extend(["fires.gpkg", "--before", "before.tif", "--after", "after.tif", "--before-title", "2022"]);
    } else {
        println!("skipped: histories and pictures (there are no ogr2ogr and gdal_translate)");
        arguments.push("fires.geojson");
    }
    arguments.extend(["--chart", "days.csv", "-o", "page.html"]);
    page(d.path(), &arguments);
    let mut b = Browser::start(&program, (1400, 900));
    b.open(&d.path().join("page.html"));
    b.until("document.documentElement.dataset.ready");
    assert_eq!(b.text("#title"), "乌海市矿山与火点");
    assert_eq!(b.text("#status"), "显示 17 / 17 个要素");
    b.picture(&kept().join("1-open.png"));
    filters(&mut b);
    slider(&mut b);
    pop_up(&mut b, gdal);
    table(&mut b);
    languages_and_themes(&mut b);
    if gdal {
        swipe(&mut b);
    }
    keyboard(&mut b);
    printed(&mut b);
    b.size(420, 860);
    b.picture(&kept().join("9-narrow.png"));
    quiet(&mut b, &d.path().join("page.html"));
    // planted: a script that found its way into the page could reach nothing, and `quiet` would hear of it
    assert_eq!(b.value("fetch('http://127.0.0.1:9/').then(() => 'out', () => 'kept in')"), "kept in");
    b.value("new Promise((done) => setTimeout(done, 50))");
    let policy = |e: &Json| e["method"] == "Log.entryAdded" && e.to_string().contains("Content Security Policy");
    assert!(b.events.iter().any(policy), "the policy is silent");
}

fn filters(b: &mut Browser) {
    // 甲公司: seven sites and five fires
    b.value("[...document.querySelectorAll('#filters .facet li')].find((li) => li.textContent.includes('甲公司')).querySelector('input').id = 'jia'");
    b.click("#jia");
    b.until("document.querySelector('#status').textContent === '显示 12 / 17 个要素'");
    assert_eq!(b.text("#layer-0-n"), "7 / 12");
    b.click("#clear");
    b.until("document.querySelector('#status').textContent === '显示 17 / 17 个要素'");
    b.click("#search");
    b.write("尾矿库");
    // words of codes are found too: every third site is a tailings pond; no fire is
    b.until("document.querySelector('#status').textContent === '显示 4 / 17 个要素'");
    b.click("#clear");
    // the announcement is for those who hear the page
    assert_eq!(b.value("document.querySelector('#status').getAttribute('aria-live')"), "polite");
}

fn slider(b: &mut Browser) {
    b.click("#time-on");
    b.value("document.querySelector('#time-day').focus()");
    b.key("Home", 36);
    // the first day: one fire burns; layers without dates stay
    b.until("document.querySelector('#time-out').textContent === '2026-01-10'");
    assert_eq!(b.text("#layer-1-n"), "1 / 5");
    // 50 days on: of five fires the second and third burn
    (0..50).for_each(|_| b.key("ArrowRight", 39));
    b.until("document.querySelector('#time-out').textContent === '2026-03-01'");
    assert_eq!(b.text("#layer-1-n"), "2 / 5");
    assert_eq!(b.text("#layer-0-n"), "12");
    b.picture(&kept().join("2-day.png"));
    b.click("#time-upto");
    assert_eq!(b.text("#layer-1-n"), "3 / 5");
    b.click("#time-play");
    b.until("document.querySelector('#layer-1-n').textContent === '5'");
    b.until("document.querySelector('#time-out').textContent === '2026-05-20'");
    b.click("#clear");
    assert_eq!(b.text("#time-out"), "全部时间");
}

/// Middle of the map.
fn centre(b: &mut Browser) -> (f64, f64) {
    let box_of = b.value("(() => { const r = document.querySelector('#map').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()");
    (box_of[0].as_f64().unwrap(), box_of[1].as_f64().unwrap())
}

fn pop_up(b: &mut Browser, gdal: bool) {
    // the table brings the first site to the middle, where a click on the map finds it
    b.click("#table tbody tr:nth-child(1) button");
    b.until("!document.querySelector('#card').hidden");
    b.key("Escape", 27);
    b.until("document.querySelector('#card').hidden");
    let (x, y) = centre(b);
    b.click_at(x, y);
    b.until("!document.querySelector('#card').hidden");
    assert!(b.text("#card-title").starts_with("S00 · <img src=x onerror="));
    assert!(b.text("#card dl").contains(HOSTILE));
    assert_eq!(b.value("document.querySelectorAll('#card img, #card script').length"), 0);
    assert_eq!(b.value("document.querySelector('#table tr.chosen').dataset.row"), "0");
    b.picture(&kept().join("3-hostile.png"));
    b.click("#table tbody tr:nth-child(2) button");
    b.until("document.querySelector('#card-title').textContent.startsWith('S01')");
    assert!(!b.text("#card-title").contains('\u{202e}') && b.text("#card-title").contains('␇'));
    b.click("#table tbody tr:nth-child(3) button");
    b.until("document.querySelector('#card-title').textContent.startsWith('S02')");
    assert!(b.text("#card").len() < 10_000, "a megabyte is shown on request alone");
    b.value("document.querySelector('#card dd button').id = 'more'");
    b.click("#more");
    b.until("document.querySelector('#card dl').textContent.length > 200000");
    b.key("Escape", 27);
    if gdal {
        b.value("document.querySelector('#table-layer').value = '1'; document.querySelector('#table-layer').dispatchEvent(new Event('change'))");
        b.click("#table tbody tr:nth-child(1) button");
        b.until("document.querySelectorAll('#card .history li').length === 2");
        assert!(b.text("#card .history").contains("晴空未见热"));
        b.picture(&kept().join("4-history.png"));
        b.key("Escape", 27);
        b.value("document.querySelector('#table-layer').value = '0'; document.querySelector('#table-layer').dispatchEvent(new Event('change'))");
    }
    assert_eq!(b.value("window.hit === undefined"), true);
}

fn table(b: &mut Browser) {
    let first = "document.querySelector('#table tbody tr td:nth-child(2)').textContent";
    assert_eq!(b.value(first), "S00");
    b.click("#table th:nth-child(2) button");
    b.click("#table th:nth-child(2) button");
    b.until(&format!("{first} === 'S11'"));
    assert_eq!(b.value("document.querySelector('#table th:nth-child(2)').getAttribute('aria-sort')"), "descending");
    assert_eq!(b.value("document.querySelectorAll('#table tbody tr').length"), 12);
    b.click("#zoom-home");
    b.click("#table-view");
    b.until("document.querySelectorAll('#table tbody tr').length === 12");
    b.click("#table-view");
}

fn languages_and_themes(b: &mut Browser) {
    b.click("#tab-charts");
    b.until("document.querySelectorAll('#panel-charts svg.drawing').length === 3");
    b.click("#lang");
    b.until("document.documentElement.lang === 'en'");
    assert_eq!(b.text("#status"), "17 of 17 features shown");
    assert_eq!(b.text("#h-filters"), "Filters");
    assert!(b.text("#layers").contains("tailings pond"));
    b.picture(&kept().join("5-english.png"));
    b.click("#theme");
    b.until("document.documentElement.dataset.theme === 'dark'");
    b.picture(&kept().join("6-dark.png"));
    b.click("#tab-table");
}

fn swipe(b: &mut Browser) {
    b.click("#zoom-home");
    b.click("#swipe-on");
    b.until("document.querySelector('#swipe-at')");
    b.until("document.querySelector('.swipe-name.before').textContent === 'Before: 2022'");
    b.value("document.querySelector('#swipe-at').focus()");
    (0..20).for_each(|_| b.key("ArrowRight", 39));
    b.until("document.querySelector('.swipe-line').style.left === '52%'");
    b.picture(&kept().join("7-swipe.png"));
    // grey values at both sides of the divider: 40 to 79 before, 200 to 239 after
    let both = b.value(
        "(() => { const c = document.querySelector('#map canvas'); const row = c.getContext('2d').getImageData(0, Math.round(c.height * 0.2), c.width, 1).data; return [0.50, 0.54].map((x) => [...row.slice(4 * Math.round(c.width * x), 4 * Math.round(c.width * x) + 4)]); })()",
    );
    let (before, after) = (&both[0], &both[1]);
    let shade = |v: &Json| v[0].as_u64().unwrap();
    assert!((40..80).contains(&shade(before)) && before[3] == 255, "{before}");
    assert!((200..240).contains(&shade(after)) && after[3] == 255, "{after}");
    b.click("#swipe-on");
}

fn keyboard(b: &mut Browser) {
    b.value("document.activeElement.blur(); window.scrollTo(0, 0)");
    // every control has a name for those who cannot see it
    let nameless = b.value(
        "[...document.querySelectorAll('button, input, select')].filter((e) => e.getClientRects().length && !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length))).map((e) => e.outerHTML)",
    );
    assert_eq!(nameless, json!([]));
    b.value("document.querySelector('#map').focus()");
    let before = b.text("#scale");
    b.key("+", 107);
    (0..3).for_each(|_| {
        b.send(
            "Input.dispatchKeyEvent",
            json!({"type": "keyDown", "key": "+", "text": "+", "windowsVirtualKeyCode": 187}),
        );
        b.send("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": "+", "windowsVirtualKeyCode": 187}));
    });
    b.until(&format!("document.querySelector('#scale').textContent !== {}", json!(before)));
    b.click("#zoom-home");
    let landmarks = b.value("['header', 'main', 'aside', 'search'].every((n) => document.querySelector(n))");
    assert_eq!(landmarks, true);
}

fn printed(b: &mut Browser) {
    let pdf = b.pdf();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
    std::fs::write(kept().join("8-print.pdf"), &pdf).unwrap();
    assert!(b.text("#print-foot").contains("Scale about 1:"));
    assert!(b.text("#print-foot").contains("sites.geojson"));
    // the page is as it was
    b.until("!document.body.classList.contains('printing')");
    assert_eq!(b.value("document.documentElement.dataset.theme"), "dark");
}

/// No error, no warning of the policy, no request but for the file itself.
fn quiet(b: &mut Browser, file: &Path) {
    b.value("1");
    let said: Vec<&Json> = b
        .events
        .iter()
        .filter(|e| {
            let method = e["method"].as_str().unwrap_or_default();
            method == "Runtime.exceptionThrown" || method == "Log.entryAdded" || method == "Runtime.consoleAPICalled"
        })
        .collect();
    assert!(said.is_empty(), "{said:#?}");
    let own = format!("file://{}", file.display());
    let requests: Vec<&str> = b
        .events
        .iter()
        .filter(|e| e["method"] == "Network.requestWillBeSent")
        .filter_map(|e| e["params"]["request"]["url"].as_str())
        .collect();
    assert!(requests.contains(&own.as_str()), "the browser tells its requests: {requests:?}");
    let strange: Vec<&&str> = requests.iter().filter(|u| **u != own && !u.starts_with("data:")).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
