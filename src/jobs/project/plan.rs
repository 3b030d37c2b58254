//! Which step needs which: by the files they read and write, and by `after`.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::Project;
use crate::error::{Error, Result};

/// A step with its command line and its files (from the project's folder).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Its name in the project.
    pub id: String,
    /// Verb and subcommand.
    pub verb: String,
    /// The command line after the program's name.
    pub arguments: Vec<String>,
    /// Files and folders it reads.
    pub inputs: Vec<String>,
    /// Files and folders it writes; other files of the same name before the first `.` or `_` belong to them.
    pub outputs: Vec<PathBuf>,
    /// Files it changes in place (a ledger).
    pub updates: Vec<PathBuf>,
    /// Steps that come first although no file says so.
    pub after: Vec<String>,
}

/// A step and the places in the plan of those it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// Steps that come first, sorted.
    pub needs: Vec<usize>,
}

/// All steps in an order in which they can be run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Every step stands behind those it needs.
    pub steps: Vec<Planned>,
}

/// Orders the steps, and checks that each finds what it reads.
///
/// # Errors
/// `Input` where two steps have one id or write one file, a step comes after one that is not there, steps wait for each
/// other, or a file that is read is neither there nor written by a step.
pub fn plan(project: &Project, steps: Vec<Step>) -> Result<Plan> {
    checked(project, steps).map_err(|e| e.in_file(&project.path))
}

fn checked(project: &Project, steps: Vec<Step>) -> Result<Plan> {
    let mut at: HashMap<&str, usize> = HashMap::new();
    for (i, s) in steps.iter().enumerate() {
        if at.insert(&s.id, i).is_some() {
            return Err(Error::input(format!("two steps are named “{}”", s.id), format!("两个步骤同名“{}”", s.id)));
        }
    }
    one_writer(&steps)?;
    let mut needs = Vec::with_capacity(steps.len());
    for (i, s) in steps.iter().enumerate() {
        let mut mine: Vec<usize> = Vec::new();
        for name in &s.after {
            let Some(&j) = at.get(name.as_str()) else {
                return Err(Error::input(
                    format!("{}: needs “{name}”: there is no such step", s.id),
                    format!("{}:needs “{name}”:没有这个步骤", s.id),
                ));
            };
            mine.push(j);
        }
        for input in &s.inputs {
            let makers =
                (0..steps.len()).filter(|&j| j != i && makes(&steps[j], input) || j < i && updates(&steps[j], input));
            let before = mine.len();
            mine.extend(makers);
            if mine.len() == before && !is_elsewhere(input) && !project.root.join(file_of(input)).exists() {
                return Err(missing(&s.id, input));
            }
        }
        mine.extend((0..i).filter(|&j| s.updates.iter().any(|u| updates(&steps[j], &u.to_string_lossy()))));
        mine.extend(
            (0..steps.len()).filter(|&j| j != i && s.updates.iter().any(|u| makes(&steps[j], &u.to_string_lossy()))),
        );
        mine.sort_unstable();
        mine.dedup();
        needs.push(mine);
    }
    ordered(steps, &needs)
}

fn missing(id: &str, input: &str) -> Error {
    Error::input(
        format!("{id}: “{input}” is not there, and no step writes it"),
        format!("{id}:“{input}”不存在,也没有步骤写出它"),
    )
    .remedy(
        "check the path (it is meant from the project file's folder), or add the step that writes it",
        "请检查路径(相对于项目文件所在文件夹),或加上写出它的步骤",
    )
}

fn one_writer(steps: &[Step]) -> Result<()> {
    let mut writer: HashMap<PathBuf, &str> = HashMap::new();
    for s in steps {
        for out in &s.outputs {
            if let Some(other) = writer.insert(plain(out), &s.id)
                && other != s.id
            {
                return Err(Error::input(
                    format!("{other} and {} both write “{}”", s.id, out.display()),
                    format!("{other} 与 {} 都写出“{}”", s.id, out.display()),
                )
                .remedy("give one of them another output", "请为其中一个换一个输出"));
            }
        }
    }
    Ok(())
}

/// A database or an address, not a file.
pub(super) fn is_elsewhere(input: &str) -> bool {
    input.starts_with("PG:") || input.contains("://")
}

/// The file of `FILE#layer`.
pub(super) fn file_of(input: &str) -> &str {
    input
        .rsplit_once('#')
        .filter(|(_, layer)| !layer.is_empty() && !Path::new(input).exists())
        .map_or(input, |(f, _)| f)
}

/// The path without `.` and `..` where they can go.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for c in path.components() {
        match c {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// True where `input` is an output of the step, lies in one, or is a companion of one: `r.gpkg` brings `r.xlsx` and
/// `r_clipped.fgb` with it.
fn makes(step: &Step, input: &str) -> bool {
    let input = plain(Path::new(file_of(input)));
    step.outputs.iter().any(|out| {
        let out = plain(out);
        input.starts_with(&out) || is_companion(&out, &input)
    })
}

/// Same folder, and the output's name up to its extension followed by `.` or `_`.
pub(super) fn is_companion(output: &Path, other: &Path) -> bool {
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let (Some(stem), Some(other_name)) = (output.file_stem().map(|s| s.to_string_lossy().into_owned()), name(other))
    else {
        return false;
    };
    let tail = other_name.strip_prefix(&stem).and_then(|t| t.chars().next());
    output.parent() == other.parent() && output.extension().is_some() && matches!(tail, Some('.' | '_'))
}

fn updates(step: &Step, file: &str) -> bool {
    let file = plain(Path::new(file_of(file)));
    step.updates.iter().any(|u| plain(u) == file)
}

/// Kahn's order (1962): of the steps that are free, the first in the file.
fn ordered(steps: Vec<Step>, needs: &[Vec<usize>]) -> Result<Plan> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        let free = (0..steps.len()).find(|i| !order.contains(i) && needs[*i].iter().all(|j| order.contains(j)));
        let Some(next) = free else {
            let stuck: Vec<&str> =
                (0..steps.len()).filter(|i| !order.contains(i)).map(|i| steps[i].id.as_str()).collect();
            let stuck = stuck.join(", ");
            return Err(Error::input(
                format!("these steps wait for each other: {stuck}"),
                format!("这些步骤互相等待:{stuck}"),
            )
            .remedy("no step may read what needs its own output", "步骤不能读取依赖其自身输出的文件"));
        };
        order.push(next);
    }
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(new, &old)| (old, new)).collect();
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut out = Plan::default();
    for old in order {
        if let Some(step) = steps[old].take() {
            let mut needs: Vec<usize> = needs[old].iter().map(|j| place[j]).collect();
            needs.sort_unstable();
            out.steps.push(Planned { step, needs });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let d = tempfile::tempdir().unwrap();
        std::fs::write(d.path().join("in.shp"), "").unwrap();
        let p = Project {
            path: d.path().join("p.toml"),
            root: d.path().into(),
            name: String::new(),
            defaults: toml::Table::new(),
            kinds: Default::default(),
            fields: Default::default(),
            steps: Vec::new(),
        };
        (d, p)
    }

    fn step(id: &str, inputs: &[&str], outputs: &[&str]) -> Step {
        Step {
            id: id.into(),
            inputs: inputs.iter().map(|s| s.to_string()).collect(),
            outputs: outputs.iter().map(PathBuf::from).collect(),
            ..Step::default()
        }
    }

    #[test]
    fn files_decide_the_order() {
        let (_d, p) = project();
        let steps = vec![
            step("report", &["out/r_clipped.fgb", "./out/x/../r.gpkg#sites"], &["report.html"]),
            step("a", &["in.shp"], &["out/r.gpkg"]),
            step("folder", &["in.shp"], &["scenes"]),
            step("b", &["scenes/one.tif"], &["b.tif"]),
        ];
        let plan = plan(&p, steps).unwrap();
        let ids: Vec<&str> = plan.steps.iter().map(|s| s.step.id.as_str()).collect();
        assert_eq!(ids, ["a", "report", "folder", "b"]);
        let needs: Vec<&[usize]> = plan.steps.iter().map(|s| s.needs.as_slice()).collect();
        assert_eq!(needs, [&[][..], &[0], &[], &[2]]);
    }

    #[test]
    fn a_ledger_is_changed_in_the_order_of_the_file() {
        let (_d, p) = project();
        let ledger = |id: &str| Step { updates: vec!["l.gpkg".into()], ..step(id, &["in.shp"], &[]) };
        let steps = vec![ledger("one"), ledger("two"), step("list", &["l.gpkg"], &["list.xlsx"])];
        let plan = plan(&p, steps).unwrap();
        let needs: Vec<&[usize]> = plan.steps.iter().map(|s| s.needs.as_slice()).collect();
        assert_eq!(needs, [&[][..], &[0], &[0, 1]]);
    }

    #[test]
    fn faults_are_named() {
        let (_d, p) = project();
        let says = |steps: Vec<Step>, words: &str| {
            let e = plan(&p, steps).unwrap_err().to_string();
            assert!(e.contains(words), "{e}");
        };
        says(vec![step("a", &["nowhere.shp"], &[])], "nowhere.shp");
        says(vec![step("a", &[], &[]), step("a", &[], &[])], "two steps");
        says(vec![step("a", &[], &["o.tif"]), step("b", &[], &["./o.tif"])], "both write");
        says(vec![step("a", &["b.tif"], &["a.tif"]), step("b", &["a.tif"], &["b.tif"])], "wait for each other: a, b");
        says(vec![Step { after: vec!["z".into()], ..step("a", &[], &[]) }], "no such step");
    }
}
