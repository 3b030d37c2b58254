//! The project file: TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::error::{Error, Result};

/// A project file as read; its options are not looked at yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The file.
    pub path: PathBuf,
    /// Its folder: paths in the file are meant from here.
    pub root: PathBuf,
    /// Name for people.
    pub name: String,
    /// Options of every step whose verb has them.
    pub defaults: Table,
    /// Which kind a word stands for, for every step that asks.
    pub kinds: BTreeMap<String, String>,
    /// Which field plays a role, for every step that asks.
    pub fields: BTreeMap<String, String>,
    /// Steps, in the order of the file.
    pub steps: Vec<RawStep>,
}

/// A step as read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawStep {
    /// Its name in the project.
    pub id: String,
    /// Verb of the command line, with its subcommand where it has one: `screen`, `fire track`.
    pub verb: String,
    /// Steps that come first although no file says so.
    pub after: Vec<String>,
    /// Options by their long names, positional arguments by theirs.
    pub settings: Table,
}

/// Reads a project file; `set` are variables that take the place of the file's.
///
/// # Errors
/// `Input` where it cannot be read, is no TOML, or has keys that a project has not; `Usage` for a variable it does not have.
pub fn read(path: &Path, set: &[(String, String)]) -> Result<Project> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Error::input(format!("the project cannot be read: {e}"), format!("无法读取项目文件:{e}"))
            .in_file(path)
            .remedy("give the path of a project file (TOML)", "请给出项目文件(TOML)的路径")
    })?;
    let table: Table = toml::from_str(&text).map_err(|e| {
        Error::input(format!("the project is no valid TOML: {e}"), format!("项目文件不是有效的 TOML:{e}")).in_file(path)
    })?;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let root = whole.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let project = of_table(table, set).map_err(|e| e.in_file(path))?;
    Ok(Project { path: path.to_path_buf(), root, ..project })
}

fn of_table(mut table: Table, set: &[(String, String)]) -> Result<Project> {
    let vars = variables(table.remove("vars"), set)?;
    let mut top = |key: &str| table.remove(key).map(|v| filled(v, &vars)).transpose();
    let name = text_of(top("name")?, "name")?.unwrap_or_default();
    let defaults = table_of(top("defaults")?, "defaults")?;
    let kinds = words(table_of(top("kinds")?, "kinds")?, "kinds")?;
    let fields = words(table_of(top("fields")?, "fields")?, "fields")?;
    let steps = match top("step")? {
        Some(Value::Array(all)) if !all.is_empty() => {
            all.into_iter().enumerate().map(|(i, v)| step(i, v)).collect::<Result<Vec<_>>>()?
        }
        _ => {
            return Err(Error::input("the project has no step", "项目没有任何步骤").remedy(
                "write each step as [[step]] with id, verb and its options",
                "每个步骤写作 [[step]],含 id、verb 及其选项",
            ));
        }
    };
    if let Some(key) = table.keys().next() {
        return Err(unknown(key, &["name", "vars", "defaults", "kinds", "fields", "step"]));
    }
    Ok(Project { path: PathBuf::new(), root: PathBuf::new(), name, defaults, kinds, fields, steps })
}

fn unknown(key: &str, known: &[&str]) -> Error {
    let known = known.join(", ");
    Error::input(
        format!("a project has no “{key}”; it has: {known}"),
        format!("项目文件没有“{key}”这一项;可用:{known}"),
    )
}

fn step(at: usize, value: Value) -> Result<RawStep> {
    let place = format!("step {}", at + 1);
    let Value::Table(mut settings) = value else {
        return Err(wrong(&place, "a table", "表"));
    };
    let id = text_of(settings.remove("id"), "id")?.filter(|t| !t.is_empty());
    let id = id.ok_or_else(|| wrong(&format!("{place}: id"), "a name", "名称"))?;
    // ids name files of the run
    if !id.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        return Err(wrong(&format!("{place}: id “{id}”"), "letters, digits, - and _", "字母、数字、- 与 _"));
    }
    let verb = text_of(settings.remove("verb"), "verb")?;
    let verb = verb.ok_or_else(|| wrong(&format!("{id}: verb"), "a verb such as screen", "命令,如 screen"))?;
    let after = match settings.remove("needs") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => {
            let text = |v: Value| match v {
                Value::String(s) => Ok(s),
                _ => Err(wrong(&format!("{id}: needs"), "names of steps", "步骤名")),
            };
            all.into_iter().map(text).collect::<Result<_>>()?
        }
        Some(_) => return Err(wrong(&format!("{id}: needs"), "names of steps", "步骤名")),
    };
    Ok(RawStep { id, verb, after, settings })
}

fn wrong(place: &str, en: &str, zh: &str) -> Error {
    Error::input(format!("{place}: {en} is expected"), format!("{place}:应为{zh}"))
}

fn text_of(value: Option<Value>, key: &str) -> Result<Option<String>> {
    match value {
        None => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(_) => Err(wrong(key, "text", "文本")),
    }
}

fn table_of(value: Option<Value>, key: &str) -> Result<Table> {
    match value {
        None => Ok(Table::new()),
        Some(Value::Table(t)) => Ok(t),
        Some(_) => Err(wrong(key, "a table", "表")),
    }
}

fn words(table: Table, key: &str) -> Result<BTreeMap<String, String>> {
    let word = |(k, v): (String, Value)| match v {
        Value::String(s) => Ok((k, s)),
        _ => Err(wrong(&format!("{key}.{k}"), "text", "文本")),
    };
    table.into_iter().map(word).collect()
}

/// Variables of the file, those of the command line in their place.
fn variables(value: Option<Value>, set: &[(String, String)]) -> Result<BTreeMap<String, String>> {
    let mut vars: BTreeMap<String, String> = table_of(value, "vars")?
        .into_iter()
        .map(|(k, v)| match v {
            Value::String(s) => Ok((k, s)),
            Value::Integer(n) => Ok((k, n.to_string())),
            Value::Float(n) => Ok((k, n.to_string())),
            Value::Datetime(d) => Ok((k, d.to_string())),
            _ => Err(wrong(&format!("vars.{k}"), "text, a number or a date", "文本、数字或日期")),
        })
        .collect::<Result<_>>()?;
    for (name, value) in set {
        match vars.get_mut(name) {
            Some(v) => value.clone_into(v),
            None => {
                let has = vars.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(Error::usage(
                    format!("--set {name}: the project has no such variable (it has: {has})"),
                    format!("--set {name}:项目没有这个变量(已有:{has})"),
                ));
            }
        }
    }
    Ok(vars)
}

/// The value with `${name}` replaced in all its texts.
fn filled(value: Value, vars: &BTreeMap<String, String>) -> Result<Value> {
    Ok(match value {
        Value::String(s) => Value::String(fill(&s, vars)?),
        Value::Array(all) => Value::Array(all.into_iter().map(|v| filled(v, vars)).collect::<Result<_>>()?),
        Value::Table(t) => Value::Table(t.into_iter().map(|(k, v)| Ok((k, filled(v, vars)?))).collect::<Result<_>>()?),
        other => other,
    })
}

fn fill(text: &str, vars: &BTreeMap<String, String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        out += before;
        let after = &after[2..];
        let named = after.split_once('}').and_then(|(name, rest)| Some((vars.get(name)?, rest)));
        let Some((value, tail)) = named else {
            let has = vars.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::input(
                format!("“{text}” asks for a variable that [vars] does not have (it has: {has})"),
                format!("“{text}”引用的变量不在 [vars] 中(已有:{has})"),
            ));
        };
        out += value;
        rest = tail;
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, set: &[(&str, &str)]) -> Result<Project> {
        let set: Vec<_> = set.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        of_table(toml::from_str(text).unwrap(), &set)
    }

    const TWO: &str = r#"
        name = "乌海 ${month}"
        [vars]
        month = "2026-11"
        [kinds]
        "洗煤厂" = "industrial"
        [[step]]
        id = "corridor"
        verb = "screen"
        sites = ["in/${month}.shp"]
        [[step]]
        id = "变化"
        verb = "change"
        needs = "corridor"
    "#;

    #[test]
    fn variables_are_filled_and_set() {
        let p = of(TWO, &[]).unwrap();
        assert_eq!((p.name.as_str(), p.steps.len()), ("乌海 2026-11", 2));
        assert_eq!(p.kinds["洗煤厂"], "industrial");
        assert_eq!(p.steps[0].settings["sites"][0].as_str(), Some("in/2026-11.shp"));
        assert_eq!(p.steps[1].after, ["corridor"]);
        let p = of(TWO, &[("month", "2026-12")]).unwrap();
        assert_eq!(p.steps[0].settings["sites"][0].as_str(), Some("in/2026-12.shp"));
    }

    #[test]
    fn faults_are_named() {
        let says = |text: &str, set: &[(&str, &str)], words: &str| {
            let e = of(text, set).unwrap_err().to_string();
            assert!(e.contains(words), "{e}");
        };
        says("name = 'x'", &[], "no step");
        says("steps = 1\n[[step]]\nid='a'\nverb='check'", &[], "no “steps”");
        says("[[step]]\nid='a/b'\nverb='check'", &[], "letters, digits");
        says("[[step]]\nid='a'", &[], "a: verb");
        says("[[step]]\nid='a'\nverb='check'\nfiles='${day}'", &[], "a variable");
        says(TWO, &[("day", "1")], "no such variable");
    }
}
