//! A step of a project file as a command line, by the same definition of options that the command line has.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory};
use toml::Value;

use crate::cli::args::{Cli, Shared};
use crate::error::{Error, Lang, Result};
use crate::jobs::project::{Project, RawStep, Step};

/// Arguments that name what a step writes; those of one verb as `verb/argument`.
const WRITES: [&str; 4] = ["output", "patches", "repair", "sample/dir"];
/// Arguments that name what a step changes in place.
const UPDATES: [&str; 2] = ["ledger", "store"];
/// Options that the run itself sets.
const OWN: [&str; 6] = ["json", "quiet", "progress", "log-format", "overwrite", "verbose"];
/// Verbs that are no steps.
const NO_STEPS: [&str; 4] = ["run", "runs", "completions", "man"];

/// The subcommand of a verb, and its words.
pub(super) fn command_of(verb: &str) -> Option<Command> {
    let mut command = Cli::command();
    command.build();
    for word in verb.split_whitespace() {
        command = command.find_subcommand(word)?.clone();
    }
    let first = verb.split_whitespace().next()?;
    (!NO_STEPS.contains(&first) && !command.has_subcommands()).then_some(command)
}

/// All verbs that can be steps: `screen`, `fire track`.
pub(super) fn verbs() -> Vec<String> {
    fn walk(command: &Command, name: &str, out: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            let whole = if name.is_empty() { sub.get_name().to_owned() } else { format!("{name} {}", sub.get_name()) };
            if sub.has_subcommands() { walk(sub, &whole, out) } else { out.push(whole) }
        }
    }
    let mut out = Vec::new();
    walk(&Cli::command(), "", &mut out);
    out.retain(|v| !NO_STEPS.contains(&v.as_str()));
    out
}

/// The key of an argument in a project file: its long name, or its name where it stands by its place.
pub(super) fn key(arg: &Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().to_string().replace('_', "-"), str::to_owned)
}

/// Arguments that a step may set.
pub(super) fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|a| {
        let key = key(a);
        !matches!(a.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
            && !OWN.contains(&key.as_str())
    })
}

/// The command line and the files of a step.
pub(super) fn step(project: &Project, raw: &RawStep, shared: &Shared, lang: Lang) -> Result<Step> {
    made(project, raw, shared, lang).map_err(|e| e.in_file(&project.path))
}

fn made(project: &Project, raw: &RawStep, shared: &Shared, lang: Lang) -> Result<Step> {
    let command = command_of(&raw.verb).ok_or_else(|| no_verb(raw))?;
    let known: Vec<&Arg> = arguments(&command).collect();
    let mut step = Step { id: raw.id.clone(), verb: raw.verb.clone(), after: raw.after.clone(), ..Step::default() };
    step.arguments = raw.verb.split_whitespace().map(str::to_owned).collect();
    let mut by_place: Vec<(usize, Vec<String>)> = Vec::new();
    for (name, value) in settings(project, raw, &known, shared, lang) {
        let Some(arg) = known.iter().find(|a| key(a) == name.replace('_', "-")) else {
            return Err(no_key(raw, &name, &known));
        };
        let values = texts(raw, &name, &value)?;
        files(&mut step, arg, &values);
        match (arg.get_action(), arg.get_long()) {
            (ArgAction::SetTrue, Some(long)) => match value {
                Value::Boolean(true) => step.arguments.push(format!("--{long}")),
                Value::Boolean(false) => {}
                _ => return Err(wrong(raw, &name, "true or false", "true 或 false")),
            },
            (_, Some(long)) => {
                // --name=value, so that a value may begin with a dash
                let delimited = arg.get_value_delimiter().filter(|_| values.len() > 1);
                match delimited {
                    Some(d) => step.arguments.push(format!("--{long}={}", values.join(&d.to_string()))),
                    None => step.arguments.extend(values.iter().map(|v| format!("--{long}={v}"))),
                }
            }
            (_, None) => by_place.push((arg.get_index().unwrap_or(usize::MAX), values)),
        }
    }
    by_place.sort();
    if !by_place.is_empty() {
        step.arguments.push("--".into());
        step.arguments.extend(by_place.into_iter().flat_map(|(_, v)| v));
    }
    step.arguments.splice(0..0, ["--json", "--overwrite", "--progress=never"].map(str::to_owned));
    let whole = std::iter::once("heshan".to_owned()).chain(step.arguments.iter().cloned()).map(OsString::from);
    Cli::command().try_get_matches_from(whole).map_err(|e| said(raw, &e))?;
    Ok(step)
}

/// The step's own settings, then what the project says for all steps that have such an option.
fn settings(project: &Project, raw: &RawStep, known: &[&Arg], shared: &Shared, lang: Lang) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = raw.settings.clone().into_iter().collect();
    let has = |name: &str| known.iter().any(|a| key(a) == name);
    let own = |name: &str, out: &[(String, Value)]| out.iter().any(|(k, _)| k.replace('_', "-") == name);
    for (name, value) in &project.defaults {
        let name = name.replace('_', "-");
        if has(&name) && !own(&name, &out) {
            out.push((name, value.clone()));
        }
    }
    for (name, words) in [("kind", &project.kinds), ("field", &project.fields)] {
        let takes_words = known.iter().any(|a| {
            let forms = a.get_value_names().unwrap_or_default();
            key(a) == name && forms.iter().any(|f| f.contains('='))
        });
        if takes_words && !words.is_empty() {
            let mut all: Vec<Value> = words.iter().map(|(k, v)| Value::String(format!("{k}={v}"))).collect();
            match out.iter_mut().find(|(k, _)| k == name) {
                // the step's own come last: the last of two counts
                Some((_, Value::Array(own))) => {
                    all.append(own);
                    *own = all;
                }
                Some((_, one)) => {
                    all.push(one.clone());
                    *one = Value::Array(all);
                }
                None => out.push((name.into(), Value::Array(all))),
            }
        }
    }
    if !own("lang", &out) {
        let code = if lang == Lang::Zh { "zh" } else { "en" };
        out.push(("lang".into(), Value::String(code.into())));
    }
    if let Some(n) = shared.threads.filter(|_| !own("threads", &out)) {
        out.push(("threads".into(), Value::Integer(n as i64)));
    }
    out
}

fn files(step: &mut Step, arg: &Arg, values: &[String]) {
    let id = arg.get_id().as_str();
    let named = |list: &[&str]| list.contains(&id) || list.contains(&format!("{}/{id}", step.verb).as_str());
    if named(&UPDATES) {
        step.updates.extend(values.iter().map(PathBuf::from));
    } else if named(&WRITES) {
        step.outputs.extend(values.iter().map(PathBuf::from));
    } else if is_path(arg) {
        step.inputs.extend(values.iter().cloned());
    }
}

/// True for arguments that name files.
fn is_path(arg: &Arg) -> bool {
    let typed = arg.get_value_parser().type_id() == clap::builder::ValueParser::path_buf().type_id();
    typed || arg.get_value_names().is_some_and(|n| n.iter().any(|v| matches!(v.as_str(), "FILE" | "SCENE")))
}

fn texts(raw: &RawStep, name: &str, value: &Value) -> Result<Vec<String>> {
    let one = |v: &Value| match v {
        Value::String(s) => Ok(s.clone()),
        Value::Integer(n) => Ok(n.to_string()),
        Value::Float(n) => Ok(n.to_string()),
        Value::Datetime(d) => Ok(d.to_string()),
        Value::Boolean(b) => Ok(b.to_string()),
        _ => Err(wrong(raw, name, "text, a number, or a list of them", "文本、数字或其列表")),
    };
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        Value::Table(words) => words.iter().map(|(k, v)| Ok(format!("{k}={}", one(v)?))).collect(),
        other => Ok(vec![one(other)?]),
    }
}

fn wrong(raw: &RawStep, name: &str, en: &str, zh: &str) -> Error {
    Error::input(format!("{}: {name}: {en} is expected", raw.id), format!("{}:{name}:应为{zh}", raw.id))
}

fn no_verb(raw: &RawStep) -> Error {
    let known = verbs().join(", ");
    Error::input(
        format!("{}: “{}” is no verb of a step; there are: {known}", raw.id, raw.verb),
        format!("{}:“{}”不能作为步骤;可用:{known}", raw.id, raw.verb),
    )
}

fn no_key(raw: &RawStep, name: &str, known: &[&Arg]) -> Error {
    let mut keys: Vec<String> = known.iter().map(|a| key(a)).collect();
    keys.sort();
    let keys = keys.join(", ");
    Error::input(
        format!("{}: {} has no option “{name}”; it has: {keys}", raw.id, raw.verb),
        format!("{}:{} 没有选项“{name}”;可用:{keys}", raw.id, raw.verb),
    )
}

/// What the command line says of the step's values.
fn said(raw: &RawStep, e: &clap::Error) -> Error {
    let words = e.to_string();
    let words = words.strip_prefix("error: ").unwrap_or(&words);
    let first = words.split("\n\nUsage").next().unwrap_or(words).trim().to_owned();
    Error::input(format!("{}: {first}", raw.id), format!("{}:{first}", raw.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_an_argument_that_there_is() {
        let all: Vec<String> = verbs()
            .iter()
            .flat_map(|v| {
                let command = command_of(v).unwrap();
                let ids = arguments(&command).map(|a| a.get_id().to_string()).collect::<Vec<_>>();
                ids.into_iter().flat_map(move |id| [format!("{v}/{id}"), id])
            })
            .collect();
        for name in WRITES {
            assert!(all.iter().any(|a| a == name), "{name}");
        }
    }
}
