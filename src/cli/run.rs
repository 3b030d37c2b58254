//! `heshan run` and `heshan runs`.

mod grammar;
mod schema;

use serde_json::json;

use super::args::{RunArgs, RunsArgs, Shared};
use super::progress::Terminal;
use super::{Done, put, run_time};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::project::{
    Plan, Project, RunLine, RunOptions, RunSummary, StepState, pending, plan, read, run as job, runs as list,
};

/// Differences said without `-v`, of each step.
const FEW: usize = 12;

pub(super) fn run(a: &RunArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    if a.schema {
        return put(format!("{:#}\n", schema::schema()).as_bytes());
    }
    let Some(path) = &a.project else {
        return Err(Error::usage("the project file is missing", "缺少项目文件"));
    };
    let set = a.set.iter().map(|t| pair(t)).collect::<Result<Vec<_>>>()?;
    let project = read(path, &set)?;
    let steps = project.steps.iter().map(|s| grammar::step(&project, s, shared, lang)).collect::<Result<Vec<_>>>()?;
    let plan = plan(&project, steps)?;
    if a.check {
        return put(checked(&project, &plan, shared, lang).as_bytes());
    }
    if a.dry_run {
        return put(planned(&project, &plan, a, shared, lang)?.as_bytes());
    }
    let options = RunOptions {
        program: std::env::current_exe()
            .map_err(|e| Error::usage(format!("heshan cannot find itself: {e}"), format!("找不到程序自身:{e}")))?,
        jobs: a.jobs,
        keep_going: a.keep_going,
        force: a.force,
        overwrite: shared.overwrite,
        time: run_time()?,
    };
    let done = job(&project, &plan, &options, terminal);
    terminal.finish();
    let done = done?;
    let text = if shared.json { machine(&done) } else { human(&done, shared, lang) };
    if shared.json || !shared.quiet {
        put(text.as_bytes())?;
    }
    if let Some((step, code, words)) = &done.failure {
        let t = Text::new(
            format!("error: step {step} ended with {code}; its last words:\n{words}"),
            format!("错误:步骤 {step} 以退出码 {code} 结束;最后的信息:\n{words}"),
        );
        eprintln!("{}", t.in_lang(lang));
        let log = done.folder.join(format!("{step}.log"));
        eprintln!("{} {}", Text::new("the whole log:", "完整日志:").in_lang(lang), log.display());
    }
    let code = done.exit_code();
    Ok(if code == 1 && shared.allow_skipped { 0 } else { code })
}

fn pair(text: &str) -> Result<(String, String)> {
    text.split_once('=').map(|(a, b)| (a.trim().to_owned(), b.to_owned())).ok_or_else(|| {
        Error::usage(format!("--set takes NAME=VALUE, not “{text}”"), format!("--set 须为 名称=值,而不是“{text}”"))
    })
}

fn checked(project: &Project, plan: &Plan, shared: &Shared, lang: Lang) -> String {
    if shared.json {
        return format!("{}\n", json!({"project": project.name, "steps": plan.steps.len(), "valid": true}));
    }
    let n = plan.steps.len();
    let t = Text::new(
        format!("{}: {n} steps, nothing wrong found\n", project.path.display()),
        format!("{}:{n} 个步骤,未发现问题\n", project.path.display()),
    );
    t.in_lang(lang).to_owned()
}

/// The plan with what would be run and why.
fn planned(project: &Project, plan: &Plan, a: &RunArgs, shared: &Shared, lang: Lang) -> Result<String> {
    let why = pending(project, plan, a.force)?;
    let needs = |k: usize| plan.steps[k].needs.iter().map(|&j| plan.steps[j].step.id.clone()).collect::<Vec<_>>();
    if shared.json {
        let steps: Vec<_> = (0..plan.steps.len())
            .map(|k| {
                let s = &plan.steps[k].step;
                json!({
                    "id": s.id, "verb": s.verb, "needs": needs(k), "arguments": s.arguments,
                    "reads": s.inputs, "writes": s.outputs, "updates": s.updates,
                    "runs_because": why[k].as_ref().map(|t| t.en.clone()),
                })
            })
            .collect();
        return Ok(format!("{}\n", json!({"project": project.name, "steps": steps})));
    }
    let mut out = String::new();
    for (k, p) in plan.steps.iter().enumerate() {
        let state = match &why[k] {
            Some(t) => Text::new(format!("runs: {}", t.en), format!("运行:{}", t.zh)),
            None => Text::new("up to date", "无变化"),
        };
        out += &format!("{}. {} ({})\n", k + 1, p.step.id, state.in_lang(lang));
        let needs = needs(k);
        if !needs.is_empty() {
            out += &format!("   {} {}\n", Text::new("after", "在其后:").in_lang(lang), needs.join(", "));
        }
        out += &format!("   heshan {}\n", p.step.arguments.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(" "));
    }
    Ok(out)
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./=,:#".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn human(d: &RunSummary, shared: &Shared, lang: Lang) -> String {
    let mut out = String::new();
    for s in &d.line.steps {
        let state = Text::new(s.state.as_str().replace('_', " "), s.state.zh());
        let aside = match (s.state, s.exit) {
            (StepState::Done | StepState::UpToDate, Some(1)) => {
                Text::new("; some features could not be used", ";部分要素未能使用")
            }
            _ => Text::default(),
        };
        out += &format!("{}: {} ({:.1} s){}\n", s.id, state.in_lang(lang), s.seconds, aside.in_lang(lang));
    }
    if !d.differences.is_empty() {
        out += Text::new("otherwise than in the last run:\n", "与上次运行的不同:\n").in_lang(lang);
    }
    let shown = if shared.verbose { usize::MAX } else { FEW };
    for s in &d.line.steps {
        let mine: Vec<_> = d.differences.iter().filter(|x| x.step == s.id).collect();
        for x in mine.iter().take(shown) {
            let none = || "–".to_owned();
            let (a, b) = (x.before.clone().unwrap_or_else(none), x.after.clone().unwrap_or_else(none));
            out += &format!("  {} {}: {a} → {b}\n", x.step, x.what);
        }
        if mine.len() > shown {
            let more = mine.len() - shown;
            let t = Text::new(format!("  … and {more} more (-v)\n"), format!("  …… 另有 {more} 处(-v)\n"));
            out += t.in_lang(lang);
        }
    }
    out + &format!("{} {}\n", Text::new("log:", "日志:").in_lang(lang), d.folder.display())
}

fn machine(d: &RunSummary) -> String {
    let differences: Vec<_> = d
        .differences
        .iter()
        .map(|x| json!({"step": x.step, "what": x.what, "before": x.before, "after": x.after}))
        .collect();
    let failure = d.failure.as_ref().map(|(s, code, words)| json!({"step": s, "exit_code": code, "log": words}));
    let folder = d.folder.display().to_string();
    format!("{}\n", json!({"run": d.line, "folder": folder, "differences": differences, "failure": failure}))
}

pub(super) fn runs(a: &RunsArgs, shared: &Shared, lang: Lang) -> Done {
    let found = list(&a.project)?;
    if shared.json {
        return put(format!("{}\n", json!(found)).as_bytes());
    }
    if found.is_empty() {
        return put(Text::new("no run yet\n", "尚无运行记录\n").in_lang(lang).as_bytes());
    }
    let text: String = found.iter().map(|r| line(r, lang)).collect();
    put(text.as_bytes())
}

fn line(r: &RunLine, lang: Lang) -> String {
    let count = |state| r.steps.iter().filter(|s| s.state == state).count();
    let (done, same) = (count(StepState::Done), count(StepState::UpToDate));
    let (failed, not) = (count(StepState::Failed), count(StepState::NotRun));
    let end = match &r.ended {
        Some(e) => Text::new(format!("ended {e}"), format!("结束 {e}")),
        None => Text::new("stopped before its end", "未运行到底"),
    };
    let text = Text::new(
        format!("{}  {}  {done} run, {same} up to date, {failed} failed, {not} not run\n", r.run, end.en),
        format!("{}  {}  运行 {done},无变化 {same},失败 {failed},未运行 {not}\n", r.run, end.zh),
    );
    text.in_lang(lang).to_owned()
}
