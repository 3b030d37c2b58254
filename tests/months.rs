//! Two made-up years of months on the sample project, by `heshan run` with the month as a variable. What must come out was
//! written down by hand in the tables below, before any of it was run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use calamine::{Data, Reader as _};
use common::{heshan, tool};
use serde_json::{Value as Json, json};

const MONTHS: usize = 24;

/// A site of the sample, the months (2024-01 to 2025-12) in which it lies there on the first, and what the department does
/// with its issue on the 20th: A assigned, R at work, S said to be done, V checked, C closed, D dismissed, O taken up again.
const LIVES: [(&str, &str, &str); 8] = [
    // closed, and back after half a year
    ("D01", "######.......#####......", "AR..S.VC.....AR..SVC...."),
    // never done, and past its deadline (30 June 2024) from July 2024 on
    ("D02", ".#######################", "..AR...................."),
    // dismissed although it lies there, taken up again half a year later
    ("D04", "..###########...........", "...D......OASVC........."),
    // sent back once, closed, and back after ten months
    ("D05", "....#####...........####", "....ASR.SVC..........A.."),
    // done in six months
    ("D06", "###.....................", "ARSV.C.................."),
    // back twice
    ("D07", "........####...##.....##", "........AR.SVC.ASVC....."),
    // dismissed, and stays so whatever is found
    ("D08", "............############", "............AR......D..."),
    // 12 km from the river: never an issue
    ("D10", "########################", "........................"),
];

/// Of each month: opened, relapsed, reopened, said to be done, closed, dismissed, open at its end.
const TRUTH: [[usize; 7]; MONTHS] = [
    [2, 0, 0, 0, 0, 0, 2],
    [1, 0, 0, 0, 0, 0, 3],
    [1, 0, 0, 1, 0, 0, 4],
    [0, 0, 0, 0, 0, 1, 3],
    [1, 0, 0, 1, 0, 0, 4],
    [0, 0, 0, 1, 1, 0, 3],
    [0, 0, 0, 0, 0, 0, 3],
    [0, 0, 0, 0, 1, 0, 2],
    [1, 0, 0, 1, 0, 0, 3],
    [0, 0, 0, 0, 0, 0, 3],
    [0, 0, 1, 0, 1, 0, 3],
    [0, 0, 0, 1, 0, 0, 3],
    [1, 0, 0, 1, 0, 0, 4],
    [0, 1, 0, 0, 1, 0, 4],
    [0, 0, 0, 0, 1, 0, 3],
    [0, 1, 0, 0, 0, 0, 4],
    [0, 0, 0, 1, 0, 0, 4],
    [0, 0, 0, 1, 0, 0, 4],
    [0, 0, 0, 0, 1, 0, 3],
    [0, 0, 0, 0, 1, 0, 2],
    [0, 1, 0, 0, 0, 1, 2],
    [0, 0, 0, 0, 0, 0, 2],
    [0, 1, 0, 0, 0, 0, 3],
    [0, 0, 0, 0, 0, 0, 3],
];
/// D02 from the seventh month on.
const LATE_FROM: usize = 6;
/// Issues in the end: one of each site but D10.
const ISSUES: usize = 7;

const PROJECT: &str = r#"
name = "两年 ${month}"
[vars]
month = "2024-01"
[defaults]
allow-skipped = true
lang = "zh"
[[step]]
id = "corridor"
verb = "screen"
rivers = "rivers.geojson"
sites = "in/${month}.geojson"
distance = [1000, 3000]
layers = ["sites", "zones"]
lists = "none"
output = "out/${month}/corridor.gpkg"
[[step]]
id = "ledger"
verb = "ledger init"
ledger = "out/ledger.gpkg"
keep = true
[[step]]
id = "file"
verb = "ledger add"
ledger = "out/ledger.gpkg"
findings = "out/${month}/corridor.gpkg#sites"
date = "${month}-01"
needs = "ledger"
[[step]]
id = "department"
verb = "ledger update"
ledger = "out/ledger.gpkg"
table = "in/${month}.csv"
by = "调度科"
date = "${month}-20"
needs = "file"
[[step]]
id = "lists"
verb = "ledger list"
ledger = "out/ledger.gpkg"
by = "unit"
date = "${month}-28"
output = "out/${month}/lists.xlsx"
[[step]]
id = "bulletin"
verb = "report bulletin"
ledger = "out/ledger.gpkg"
period = "${month}"
output = ["out/${month}/bulletin.html", "out/${month}/bulletin.xlsx"]
"#;

fn month(m: usize) -> String {
    format!("{}-{:02}", 2024 + m / 12, m % 12 + 1)
}

fn run(dir: &Path, arguments: &[&str]) -> Json {
    let o = heshan().current_dir(dir).args(arguments).arg("--json").output().unwrap();
    let code = o.status.code();
    assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {code:?} {}", String::from_utf8_lossy(&o.stderr));
    serde_json::from_slice(&o.stdout).unwrap()
}

/// The sample with a file of sites and one of the department's list for each month.
fn project(dir: &Path) {
    run(dir, &["sample", "."]);
    let sites = ["sites_alxa.shp", "sites_wuhai.gpkg", "sites_ordos.geojson"];
    run(
        dir,
        &[
            &["screen", "--rivers", "rivers.geojson", "--sites"],
            &sites[..],
            &["-o", "all.geojson", "--layers", "sites", "--lists", "none"],
        ]
        .concat(),
    );
    let all: Json = serde_json::from_slice(&std::fs::read(dir.join("all.geojson")).unwrap()).unwrap();
    let of = |id: &str| all["features"].as_array().unwrap().iter().find(|f| f["properties"]["site_id"] == id).unwrap();
    std::fs::create_dir(dir.join("in")).unwrap();
    std::fs::write(dir.join("months.toml"), PROJECT).unwrap();
    // ids as the ledger gives them: in the order in which issues open, the larger first
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for m in 0..MONTHS {
        let there: Vec<&str> = LIVES.iter().filter(|l| l.1.as_bytes()[m] == b'#').map(|l| l.0).collect();
        let mut fresh: Vec<&str> = there.iter().copied().filter(|s| *s != "D10" && !ids.contains_key(s)).collect();
        fresh.sort_by(|a, b| {
            of(b)["properties"]["area_m2"]
                .as_f64()
                .unwrap()
                .total_cmp(&of(a)["properties"]["area_m2"].as_f64().unwrap())
        });
        for s in fresh {
            let n: &mut usize = last.entry(m / 12).or_default();
            *n += 1;
            ids.insert(s, format!("CO{}-{:05}", 2024 + m / 12, n));
        }
        let feature = |s: &&str| {
            let p = &of(s)["properties"];
            json!({"type": "Feature", "geometry": of(s)["geometry"], "properties": {
                "编号": s, "名称": p["name"], "类型": p["kind"], "旗县区": p["admin"], "责任单位": format!("单位{}", &s[2..]), "监管单位": p["supervising_unit"]}})
        };
        let collection =
            json!({"type": "FeatureCollection", "features": there.iter().map(feature).collect::<Vec<_>>()});
        std::fs::write(dir.join(format!("in/{}.geojson", month(m))), collection.to_string()).unwrap();
        let mut table = String::from("问题编号,变更为,情况说明,完成时限\n");
        for (site, _, acts) in LIVES {
            let word = match acts.as_bytes()[m] {
                b'A' => "交办",
                b'R' => "整改中",
                b'S' => "报验",
                b'V' => "核实",
                b'C' => "销号",
                b'D' => "不予立案",
                b'O' => "发现",
                _ => continue,
            };
            let deadline = if site == "D02" && word == "交办" { "2024年6月30日" } else { "" };
            let _ = writeln!(table, "{},{word},第 {} 月,{deadline}", ids[site], m + 1);
        }
        std::fs::write(dir.join(format!("in/{}.csv", month(m))), table).unwrap();
    }
}

/// Files of a month with their bytes; manifests less the time they took.
fn outputs(dir: &Path, m: usize) -> BTreeMap<String, Vec<u8>> {
    let all = std::fs::read_dir(dir.join("out").join(month(m))).unwrap();
    all.map(|e| {
        let path = e.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".manifest.json") {
            let mut j: Json = serde_json::from_slice(&bytes).unwrap();
            j.as_object_mut().unwrap().remove("duration_s").unwrap();
            bytes = j.to_string().into_bytes();
        }
        (name, bytes)
    })
    .collect()
}

/// Everything that the ledger holds, as SQLite tells it.
fn dump(dir: &Path) -> Option<String> {
    let said = tool("sqlite3", &[dir.join("out/ledger.gpkg").to_str().unwrap(), ".dump"])?;
    assert!(said.contains("COMMIT;"), "{}", &said[..200.min(said.len())]);
    Some(said)
}

fn sums(row: &[Data]) -> Vec<usize> {
    row[1..].iter().filter_map(|c| if let Data::Float(v) = c { Some(*v as usize) } else { None }).collect()
}

/// What the bulletin's own tables and the lists by unit say of a month.
fn on_paper(dir: &Path, m: usize) {
    let [opened, relapsed, reopened, rectified, closed, dismissed, after] = TRUTH[m];
    let before = m.checked_sub(1).map_or(0, |k| TRUTH[k][6]);
    let late = usize::from(m >= LATE_FROM);
    let want = [before, opened, relapsed, reopened, rectified, closed, dismissed, after, late];
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook(dir.join("out").join(month(m)).join("bulletin.xlsx")).unwrap();
    let mut tables = 0;
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).unwrap();
        let Some(total) = range.rows().find(|r| r[0] == Data::String("合计".into())) else { continue };
        assert_eq!(sums(total), want, "{} {name}", month(m));
        // and the rows above add up to it
        let rows: Vec<Vec<usize>> =
            range.rows().skip(1).filter(|r| r[0] != Data::String("合计".into())).map(sums).collect();
        for (k, sum) in want.iter().enumerate() {
            assert_eq!(rows.iter().map(|r| r[k]).sum::<usize>(), *sum, "{} {name} {k}", month(m));
        }
        tables += 1;
    }
    assert_eq!(tables, 4, "by area, responsible unit, supervising unit and kind");
    // each figure names its issues: as many rows of its word, as many that are open, as many that are late
    let sheet = |book: &mut calamine::Xlsx<_>, title: &str| {
        let name = book.sheet_names().into_iter().find(|n| n.contains(title)).unwrap();
        book.worksheet_range(&name).unwrap()
    };
    let changes = sheet(&mut book, "变化明细");
    for (word, n) in [
        ("新增", opened),
        ("反弹", relapsed),
        ("重启", reopened),
        ("报验", rectified),
        ("销号", closed),
        ("撤销", dismissed),
    ] {
        let rows: Vec<_> = changes.rows().filter(|r| r[0] == Data::String(word.into())).collect();
        assert_eq!(rows.len(), n, "{} {word}", month(m));
        assert!(rows.iter().all(|r| r[1].to_string().starts_with("CO202")), "{rows:?}");
    }
    for (title, n) in [("期末未销号", after), ("逾期未销号", late)] {
        let range = sheet(&mut book, title);
        assert_eq!(range.rows().filter(|r| r[0].to_string().starts_with("CO202")).count(), n, "{} {title}", month(m));
    }
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook(dir.join("out").join(month(m)).join("lists.xlsx")).unwrap();
    let names = book.sheet_names();
    let overview = book.worksheet_range(&names[0]).unwrap();
    let total: Vec<Data> = overview.rows().next_back().unwrap().to_vec();
    let found: usize = TRUTH[..=m].iter().map(|t| t[0]).sum();
    assert_eq!(sums(&total)[..3], [found, after, late], "{}", month(m));
    let listed: usize = names[1..].iter().map(|n| book.worksheet_range(n).unwrap().height() - 1).sum();
    assert_eq!(listed, found);
}

#[test]
fn two_years_of_months_add_up_and_any_of_them_run_again_changes_nothing() {
    let d = tempfile::tempdir().unwrap();
    let dir = d.path();
    project(dir);
    let mut kept = Vec::new();
    for m in 0..MONTHS {
        let set = format!("month={}", month(m));
        run(dir, &["run", "months.toml", "--set", &set, "--overwrite"]);
        on_paper(dir, m);
        let late =
            run(dir, &["ledger", "list", "-L", "out/ledger.gpkg", "--overdue", "--date", &format!("{}-28", month(m))]);
        assert_eq!(late["issues"].as_array().unwrap().len(), usize::from(m >= LATE_FROM), "{}", month(m));
        kept.push(outputs(dir, m));
    }
    // nothing was filed twice, and nothing that is none
    let list = run(dir, &["ledger", "list", "-L", "out/ledger.gpkg", "--date", "2025-12-31"]);
    let mut sites: Vec<&str> =
        list["issues"].as_array().unwrap().iter().map(|i| i["object_id"].as_str().unwrap()).collect();
    sites.sort_unstable();
    assert_eq!(sites, ["D01", "D02", "D04", "D05", "D06", "D07", "D08"]);
    assert_eq!(list["total"], ISSUES);
    let relapses =
        |s: &str| list["issues"].as_array().unwrap().iter().find(|i| i["object_id"] == s).unwrap()["relapses"].clone();
    assert_eq!(["D01", "D05", "D07", "D06"].map(relapses), [1, 1, 2, 0].map(Json::from));
    let before = dump(dir);
    // any month again, last year's and this year's, forwards and backwards
    for m in [0, 5, 13, 23, 22, 10, 3] {
        let set = format!("month={}", month(m));
        run(dir, &["run", "months.toml", "--set", &set]);
        let now = outputs(dir, m);
        assert!(now.keys().eq(kept[m].keys()));
        for (name, bytes) in &now {
            assert!(*bytes == kept[m][name], "{}: {name} is another", month(m));
        }
    }
    assert!(dump(dir) == before, "the ledger holds something else");
    assert_eq!(run(dir, &["ledger", "check", "-L", "out/ledger.gpkg"]), json!({"faults": 0}));
}
