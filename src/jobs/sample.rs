//! `sample`: the sample project, on the real Yellow River with made-up sites, zones and faults.

mod fire_scenes;
mod fires;
mod ground;
mod made_up;
mod outlines;
mod scenes;

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use geo::{Geometry, MultiPolygon};
use geojson::{FeatureCollection, JsonValue};

use super::inputs::named_crs;
use crate::error::{Error, Lang, Result, Text};
use crate::model::{Column, Crs, Field, FieldType, Progress, Shape, Table, Value};
use crate::prepare::shapes::Way;
use crate::write::vector::{WriteOptions, write_staged};
use crate::write::{Staging, text};

/// Natural Earth's Yellow River and its tributary from about Yinchuan to Baotou (public domain).
const RIVERS: &str = include_str!("../../data-samples/rivers.geojson");
/// What is real, what is made up, and the answers to expect.
const README: &str = include_str!("../../data-samples/README.md");
/// The project that runs the whole of it.
const PROJECT: &str = include_str!("../../data-samples/project.toml");
/// What a made-up department did in the month.
const DEPARTMENT: &str = include_str!("../../data-samples/department.csv");
/// Sites with known answers, faults, and the reserve; made by `scripts/sample_answers.py design`.
const DESIGNED: &str = include_str!("sample/designed.geojson");

/// File of the made-up reserves.
const RESERVE: &str = "nature_reserve.geojson";

/// The time that files carry inside: the same bytes on every day (2026-01-01).
const STAMP: DateTime<Utc> = match DateTime::from_timestamp(1_767_225_600, 0) {
    Some(t) => t,
    None => DateTime::<Utc>::UNIX_EPOCH,
};

/// Options of [`run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleOptions {
    /// Folder to write to; made where it is missing.
    pub dir: PathBuf,
    /// Seed of the made-up sites; the designed ones are the same for every seed.
    pub seed: u64,
    /// Replace files that exist.
    pub overwrite: bool,
}

/// What a run wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSummary {
    /// Made-up sites, designed ones and faults included.
    pub sites: usize,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// One row of a layer of sites, longitude and latitude.
#[derive(Debug, Clone, PartialEq)]
struct SampleSite {
    id: String,
    name: String,
    kind: String,
    county: String,
    responsible: String,
    supervising: String,
    deadline: Option<NaiveDate>,
    remark: Option<String>,
    shape: Option<Geometry<f64>>,
    unclosed: bool,
}

/// Writes the sample project: the same bytes for the same seed.
///
/// # Errors
/// `Output` where files exist already or cannot be written (nothing half-written stays), `Interrupted`.
pub fn run(o: &SampleOptions, progress: &dyn Progress) -> Result<SampleSummary> {
    progress.step(&Text::new("writing the sample project", "写出示例项目"), None);
    let made = make_folder(&o.dir)?;
    let done = write(o, progress);
    if done.is_err() && made {
        // empty again, as nothing was committed; one that is not stays
        let _ = std::fs::remove_dir(&o.dir);
    }
    done
}

/// Makes the folder where it is missing; answers whether it was.
fn make_folder(dir: &Path) -> Result<bool> {
    if dir.is_dir() {
        return Ok(false);
    }
    std::fs::create_dir_all(dir).map(|()| true).map_err(|e| {
        Error::output(format!("the folder cannot be made: {e}"), format!("无法建立文件夹:{e}"))
            .in_file(dir)
            .remedy("choose another folder", "请换一个文件夹")
    })
}

fn write(o: &SampleOptions, progress: &dyn Progress) -> Result<SampleSummary> {
    let mut staging = Staging::new(&o.dir, o.overwrite)?;
    text::write_staged(&mut staging, Path::new("README.md"), README)?;
    text::write_staged(&mut staging, Path::new("project.toml"), PROJECT)?;
    text::write_staged(&mut staging, Path::new("rivers.geojson"), RIVERS)?;
    text::write_staged(&mut staging, Path::new("department.csv"), DEPARTMENT)?;
    let designed = designed()?;
    let mut sites = 0;
    for area in made_up::AREAS {
        progress.check()?;
        let mut rows = of_file(&designed, area.file)?;
        rows.extend(made_up::sites(&area, o.seed, &designed)?);
        sites += rows.len();
        write_sites(&mut staging, area.file, &rows)?;
    }
    write_reserve(&mut staging, &designed)?;
    fires::write(&mut staging)?;
    progress.check()?;
    scenes::write(&mut staging)?;
    ground::write(&mut staging)?;
    fire_scenes::write(&mut staging)?;
    Ok(SampleSummary { sites, files: staging.commit()? })
}

fn designed() -> Result<FeatureCollection> {
    DESIGNED.parse::<FeatureCollection>().map_err(|e| broken(&e.to_string()))
}

/// A fault of the program's own data: of no use to the user but to report.
fn broken(why: &str) -> Error {
    Error::input(format!("the sample inside the program is broken: {why}"), format!("程序内置的示例数据有误:{why}"))
}

fn word(f: &geojson::Feature, name: &str) -> Option<String> {
    f.property(name).and_then(JsonValue::as_str).map(str::to_owned)
}

fn shape(f: &geojson::Feature) -> Result<Option<Geometry<f64>>> {
    f.geometry.as_ref().map(|g| Geometry::<f64>::try_from(&g.value).map_err(|e| broken(&e.to_string()))).transpose()
}

/// The designed sites and faults of one file.
fn of_file(designed: &FeatureCollection, file: &str) -> Result<Vec<SampleSite>> {
    let mut out = Vec::new();
    for f in designed.features.iter().filter(|f| word(f, "file").as_deref() == Some(file)) {
        let text = |name| word(f, name).unwrap_or_default();
        let county = text("旗县区");
        out.push(SampleSite {
            id: text("编号"),
            name: text("名称"),
            kind: text("类型"),
            responsible: "示例设计单位".into(),
            supervising: made_up::supervising(&county),
            county,
            deadline: NaiveDate::from_ymd_opt(2027, 12, 31),
            remark: word(f, "备注"),
            shape: shape(f)?,
            unclosed: f.property("unclosed") == Some(&JsonValue::Bool(true)),
        });
    }
    Ok(out)
}

fn column(name: &str, ty: FieldType) -> Column {
    Column { field: Field::new(name, ty), title: Text::new(name, name) }
}

fn write_sites(staging: &mut Staging, file: &str, rows: &[SampleSite]) -> Result<()> {
    let path = Path::new(file);
    let shapefile = file.ends_with(".shp");
    let code = if shapefile { "EPSG:4523" } else { "EPSG:4490" };
    let mut columns: Vec<Column> =
        ["编号", "名称", "类型", "旗县区", "责任单位", "监管单位"].map(|n| column(n, FieldType::Text)).to_vec();
    columns.extend([column("完成时限", FieldType::Date), column("备注", FieldType::Text)]);
    let shapes: Vec<Option<Geometry<f64>>> = rows.iter().map(|r| r.shape.clone()).collect();
    let shapes = if shapefile { in_grid(code, shapes)? } else { shapes };
    let values = |r: &SampleSite| {
        let mut v: Vec<Value> = [&r.id, &r.name, &r.kind, &r.county, &r.responsible, &r.supervising]
            .map(|t| Value::from(t.as_str()))
            .to_vec();
        v.extend([r.deadline.map_or(Value::Null, Value::Date), Value::from(r.remark.as_deref())]);
        v
    };
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let table = Table {
        title: Text::new(name.clone(), name.clone()),
        name,
        columns,
        shape: Shape::MultiPolygon,
        crs: Some(Crs { definition: code.into(), code: Some(code.into()), name: code.into() }),
        rows: shapes.into_iter().zip(rows).map(|(g, r)| (g, values(r))).collect(),
        style: None,
    };
    let staged = write_table(staging, path, table)?;
    if shapefile {
        // as old software leaves it: no word of the encoding, which heshan has to find
        std::fs::remove_file(staged.with_extension("cpg")).map_err(|e| unwritable(file, &e))?;
    }
    for r in rows.iter().filter(|r| r.unclosed) {
        unclose(&staged, &r.id).map_err(|e| unwritable(file, &e))?;
    }
    Ok(())
}

fn unwritable(file: &str, why: &std::io::Error) -> Error {
    Error::output(format!("cannot be written: {why}"), format!("无法写出:{why}")).in_file(file)
}

/// Answers where the file stands until it is renamed.
fn write_table(staging: &mut Staging, path: &Path, table: Table) -> Result<PathBuf> {
    let o = WriteOptions { overwrite: false, encoding: Some("GBK".into()), lang: Lang::Zh, timestamp: Some(STAMP) };
    write_staged(staging, path, &[table], &o)?;
    staging.claim(path)
}

/// Into the grid of `code`, rounded to 0.1 mm, vertex by vertex: edges are drawn anew in the grid, as by hand.
fn in_grid(code: &str, shapes: Vec<Option<Geometry<f64>>>) -> Result<Vec<Option<Geometry<f64>>>> {
    let (from, to) = (named_crs("EPSG:4490", "EPSG:4490")?, named_crs(code, code)?);
    let runner = Way::over(&from, Some(&to), None)?.runner()?;
    let vertex = |c: geo::Coord<f64>| -> Result<geo::Coord<f64>> {
        match runner.run(&Geometry::Point(c.into()))? {
            Geometry::Point(p) => Ok(outlines::rounded(p.0, 1e4)),
            _ => Err(broken("a vertex was lost on the way to the grid")),
        }
    };
    shapes.into_iter().map(|g| g.map(|g| geo::MapCoords::try_map_coords(&g, vertex)).transpose()).collect()
}

/// Takes the last position, which repeats the first, from the outline of one feature of a GeoJSON file.
fn unclose(file: &Path, id: &str) -> std::io::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let body = line.trim_end_matches(',');
        match serde_json::from_str::<JsonValue>(body) {
            Ok(mut f) if f.pointer("/properties/编号").and_then(JsonValue::as_str) == Some(id) => {
                if let Some(ring) = f.pointer_mut("/geometry/coordinates/0").and_then(JsonValue::as_array_mut) {
                    ring.pop();
                }
                out += &f.to_string();
                out += &line[body.len()..];
            }
            _ => out += line,
        }
        out.push('\n');
    }
    std::fs::write(file, out)
}

fn write_reserve(staging: &mut Staging, designed: &FeatureCollection) -> Result<()> {
    let mut rows = Vec::new();
    for f in designed.features.iter().filter(|f| word(f, "file").as_deref() == Some(RESERVE)) {
        rows.push((shape(f)?, vec![Value::from(word(f, "名称").as_deref())]));
    }
    let table = Table {
        name: "nature_reserve".into(),
        title: Text::new("nature reserves (made up)", "自然保护区(虚构)"),
        columns: vec![column("名称", FieldType::Text)],
        shape: Shape::MultiPolygon,
        crs: Some(Crs { definition: "EPSG:4490".into(), code: Some("EPSG:4490".into()), name: "CGCS2000".into() }),
        rows,
        style: None,
    };
    write_table(staging, Path::new(RESERVE), table).map(|_| ())
}

/// The designed shapes of sites, which made-up ones keep away from.
fn polygons(designed: &FeatureCollection) -> Result<Vec<MultiPolygon<f64>>> {
    let mut out = Vec::new();
    for f in designed.features.iter().filter(|f| word(f, "file").as_deref() != Some(RESERVE)) {
        match shape(f)? {
            Some(Geometry::Polygon(p)) => out.push(MultiPolygon(vec![p])),
            Some(Geometry::MultiPolygon(m)) => out.push(m),
            _ => {}
        }
    }
    Ok(out)
}
