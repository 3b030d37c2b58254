//! Figures of charts: CSV (a column of days or names, columns of numbers), the status of fires, or charts as JSON.

use std::path::Path;

use serde_json::Value as Json;

use crate::error::{Error, Result, Text};
use crate::read::figures::{self, Figures};
use crate::report::page::{PageChart, title_of};

/// The charts of a file.
pub(super) fn read(path: &Path) -> Result<Vec<PageChart>> {
    let ext = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ext.as_str() {
        "csv" | "tsv" => csv(path).map(|c| vec![c]),
        "json" => json(path),
        _ => Err(Error::usage("figures of charts are .json or .csv", "图表数据须为 .json 或 .csv").in_file(path)),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The first column is the axis, every column of numbers a series; lines where the axis holds days, bars otherwise.
fn csv(path: &Path) -> Result<PageChart> {
    let Figures { names, rows } = figures::csv(path)?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    let is_numeric = |i: usize| {
        let mut values = rows.iter().map(|r| r[i].trim()).filter(|t| !t.is_empty()).peekable();
        values.peek().is_some() && values.all(|t| number(t).is_some())
    };
    let series: Vec<(Text, Vec<Option<f64>>)> = (1..names.len())
        .filter(|&i| is_numeric(i))
        .map(|i| (title_of(&names[i]), rows.iter().map(|r| number(&r[i])).collect()))
        .collect();
    if series.is_empty() {
        return Err(Error::input(
            "no figures for a chart: a first column of days or names and columns of numbers are expected",
            "没有可作图的数据:第一列应为日期或名称,其余列为数字",
        )
        .in_file(path));
    }
    let x: Vec<String> = rows.iter().map(|r| r[0].clone()).collect();
    let days = x.iter().all(|t| t.get(..10).is_some_and(|d| chrono::NaiveDate::parse_from_str(d, "%Y-%m-%d").is_ok()));
    let clears = days && ["open", "out"].iter().all(|n| names.iter().any(|f| f == n));
    let title =
        if clears { Text::new("Open fires by day", "火点清零曲线") } else { Text::new(stem(path), stem(path)) };
    Ok(PageChart { lines: days, title, x_title: title_of(&names[0]), x, series })
}

fn json(path: &Path) -> Result<Vec<PageChart>> {
    let unreadable = |e: String| {
        Error::input(format!("the figures cannot be read: {e}"), format!("无法读取图表数据:{e}")).in_file(path)
    };
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
    let data: Json = serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
    let list = match &data {
        Json::Array(a) => a.iter().collect(),
        one => vec![one],
    };
    let charts: Option<Vec<PageChart>> = list.into_iter().map(|c| units(c).or_else(|| chart(c))).collect();
    charts.filter(|c| !c.is_empty()).ok_or_else(|| {
        unreadable("it is neither a chart nor a status".into()).remedy(
            "a chart is {\"title\", \"kind\": \"line\" or \"bar\", \"x\": […], \"series\": [{\"name\", \"values\": […]}]}; or give the JSON of heshan fire status",
            "图表形如 {\"title\", \"kind\": \"line\" 或 \"bar\", \"x\": […], \"series\": [{\"name\", \"values\": […]}]};或使用 heshan fire status 的 JSON",
        )
    })
}

/// `units` of the status of fires: open and put out, by responsible unit.
fn units(data: &Json) -> Option<PageChart> {
    let units = data.get("units")?.as_array()?;
    let date = data.get("date").and_then(Json::as_str).unwrap_or_default();
    let x = units.iter().map(|u| u.get("responsible_unit").and_then(Json::as_str).unwrap_or("–").to_owned()).collect();
    let of = |key: &str| units.iter().map(|u| u.get(key).and_then(Json::as_f64)).collect::<Vec<_>>();
    let series = ["open", "out"].map(|k| (title_of(k), of(k))).to_vec();
    series.iter().any(|s| s.1.iter().any(Option::is_some)).then(|| PageChart {
        lines: false,
        title: Text::new(format!("Fires by unit, {date}"), format!("各单位火情 {date}")),
        x_title: title_of("responsible_unit"),
        x,
        series,
    })
}

/// A chart as it stands.
fn chart(c: &Json) -> Option<PageChart> {
    let words = |v: Option<&Json>| match v {
        Some(Json::String(s)) => Some(Text::new(s, s)),
        Some(Json::Object(o)) => {
            let of = |k: &str| o.get(k).and_then(Json::as_str);
            let (en, zh) = (of("en").or(of("zh"))?, of("zh").or(of("en"))?);
            Some(Text::new(en, zh))
        }
        _ => None,
    };
    let x: Vec<String> =
        c.get("x")?.as_array()?.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
    let series = c.get("series")?.as_array()?;
    let one = |s: &Json| {
        let values: Vec<Option<f64>> = s.get("values")?.as_array()?.iter().map(Json::as_f64).collect();
        (values.len() == x.len()).then_some((words(s.get("name"))?, values))
    };
    let series = series.iter().map(one).collect::<Option<Vec<_>>>()?;
    Some(PageChart {
        lines: c.get("kind").and_then(Json::as_str) == Some("line"),
        title: words(c.get("title"))?,
        x_title: words(c.get("x_title")).unwrap_or_default(),
        x,
        series,
    })
}
