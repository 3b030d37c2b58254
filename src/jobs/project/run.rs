//! Steps as processes: those that are free side by side, each with its log.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Project;
use super::digests::{Digests, collect};
use super::plan::{Plan, Step, is_companion};
use super::record::{RunLine, StepRecord, StepResult, StepState, Written, folder, get, put};
use crate::error::{Error, Result, Text};
use crate::model::Progress;

/// The environment variable that names the lock a step holds while it lives.
pub const STEP_LOCK: &str = "HESHAN_STEP_LOCK";
/// How often the ends of steps are looked for.
const TICK: Duration = Duration::from_millis(20);
/// How long steps have to tidy up after a stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a project is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The program of each step: heshan itself.
    pub program: PathBuf,
    /// Steps side by side.
    pub jobs: usize,
    /// Go on with steps that do not need the one that failed.
    pub keep_going: bool,
    /// Run steps that are up to date too.
    pub force: bool,
    /// Replace outputs that no step of this project wrote.
    pub overwrite: bool,
    /// The time of the run.
    pub time: DateTime<Utc>,
}

/// A number or word of a step's summary that is another than in its last run.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The step.
    pub step: String,
    /// Where in the summary: `relations.0.inside`.
    pub what: String,
    /// In the last run; `None` where it was not there.
    pub before: Option<String>,
    /// Now.
    pub after: Option<String>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// As it is kept.
    pub line: RunLine,
    /// Its folder: logs, summaries, `run.json`.
    pub folder: PathBuf,
    /// What came out otherwise than in the last run of each step.
    pub differences: Vec<Difference>,
    /// Of the first step that failed: its name, its exit code, its last words.
    pub failure: Option<(String, u8, String)>,
}

impl RunSummary {
    /// The exit code of the run: that of the step that failed, 1 where a step set features aside, else 0.
    pub fn exit_code(&self) -> u8 {
        let aside = self.line.steps.iter().any(|s| s.exit == Some(1));
        self.failure.as_ref().map_or(u8::from(aside), |(_, code, _)| *code)
    }
}

/// Which steps a run would run: by place in the plan, with the reason; those that wait for one of them are among them.
///
/// # Errors
/// `Input` where an input cannot be read.
pub fn pending(project: &Project, plan: &Plan, force: bool) -> Result<Vec<Option<Text>>> {
    let dir = folder(&project.root, &project.path);
    let mut digests = Digests::open(&project.root, dir.join("digests.json"));
    let mut out: Vec<Option<Text>> = Vec::new();
    for planned in &plan.steps {
        let first = planned.needs.iter().find(|&&j| out[j].is_some()).map(|&j| &plan.steps[j].step.id);
        let why = match first {
            Some(id) => Some(Text::new(format!("{id} runs before it"), format!("前置步骤 {id} 要运行"))),
            None => {
                let fingerprint = fingerprint(&planned.step, &mut digests)?;
                let record = get::<StepRecord>(&record_file(&dir, &planned.step.id));
                stale(record.as_ref(), fingerprint.as_deref(), &planned.step, project, &mut digests, force)
            }
        };
        out.push(why);
    }
    Ok(out)
}

/// Why a step must run; `None` where nothing has changed.
fn stale(
    record: Option<&StepRecord>,
    fingerprint: Option<&str>,
    step: &Step,
    project: &Project,
    digests: &mut Digests,
    force: bool,
) -> Option<Text> {
    let because = |en: &str, zh: &str| Some(Text::new(en, zh));
    if force {
        return because("asked for", "要求运行");
    }
    let Some(record) = record else { return because("never run", "从未运行") };
    if !record.done {
        return because("was not finished", "上次未完成");
    }
    match fingerprint {
        None => return because("a database is not known to be unchanged", "无法确认数据库未变化"),
        Some(f) if f != record.fingerprint => {
            return because("inputs, options or versions changed", "输入、选项或版本已变化");
        }
        Some(_) => {}
    }
    let mut same = |w: &Written| digests.of_file(&project.root.join(&w.path)).is_ok_and(|d| d == w.sha256);
    if let Some(w) = record.written.iter().find(|w| !same(w)) {
        return Some(Text::new(format!("{} is gone or was changed", w.path), format!("{} 已丢失或被改动", w.path)));
    }
    if step.updates.iter().any(|u| !project.root.join(u).exists()) {
        return because("what it changes is gone", "其更新的文件已丢失");
    }
    None
}

fn record_file(dir: &Path, id: &str) -> PathBuf {
    dir.join("steps").join(format!("{id}.json"))
}

/// SHA-256 of what a step is made of; `None` where that cannot be known.
fn fingerprint(step: &Step, digests: &mut Digests) -> Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(env!("CARGO_PKG_VERSION"));
    add(&crate::read::digest::gdal_version());
    add(&format!("{:?}", crate::prepare::crs::proj_versions()));
    // the answer does not depend on the number of threads
    step.arguments.iter().filter(|a| !a.starts_with("--threads=")).for_each(|a| add(a));
    for input in &step.inputs {
        // what the step itself changes is its result, not its cause
        if step.updates.iter().any(|u| u.as_os_str() == super::plan::file_of(input)) {
            continue;
        }
        match digests.of_input(input)? {
            None => return Ok(None),
            Some(lines) => lines.iter().for_each(|l| add(l)),
        }
    }
    Ok(Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect()))
}

/// Runs the plan.
///
/// # Errors
/// `Output` where another run of the project is under way or records cannot be written, `Interrupted` after a stop. A step
/// that fails is no error here: [`RunSummary::failure`] tells.
pub fn run(project: &Project, plan: &Plan, o: &RunOptions, progress: &dyn Progress) -> Result<RunSummary> {
    let dir = folder(&project.root, &project.path);
    let lock = Lock::take(&dir)?;
    sweep(project, plan);
    let mut going = Going::begin(project, plan, o, &dir)?;
    progress.step(&Text::new("steps", "步骤"), Some(plan.steps.len() as u64));
    let outcome = going.all(progress);
    going.digests.save()?;
    outcome?;
    drop(lock);
    going.end()
}

/// Holds the project for one run at a time.
struct Lock {
    _file: File,
}

impl Lock {
    fn take(dir: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Error::output(format!("the project's folder cannot be written to: {e}"), format!("项目文件夹不可写:{e}"))
                .in_file(dir)
        };
        for sub in ["steps", "runs"] {
            std::fs::create_dir_all(dir.join(sub)).map_err(failed)?;
        }
        let open =
            |name: &str| File::options().create(true).truncate(false).write(true).open(dir.join(name)).map_err(failed);
        let file = open("run.lock")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::output("another run of this project is under way", "该项目正在另一处运行")
                    .in_file(dir)
                    .remedy("wait for its end, or stop it", "请等待其结束,或停止它"));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(failed(e)),
        }
        // steps of a run that was killed stop by themselves; until then their outputs are not ours
        let steps = open("steps.lock")?;
        steps.lock().map_err(failed)?;
        steps.unlock().map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Removes staging folders that killed processes left beside the outputs.
fn sweep(project: &Project, plan: &Plan) {
    let mut dirs: Vec<PathBuf> =
        plan.steps.iter().flat_map(|s| &s.step.outputs).map(|out| project.root.join(out)).collect();
    dirs.extend(dirs.clone().iter().filter_map(|d| d.parent().map(Path::to_path_buf)));
    dirs.sort();
    dirs.dedup();
    for entry in dirs.iter().filter_map(|d| std::fs::read_dir(d).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner =
            name.strip_prefix(".heshan-").and_then(|n| n.strip_suffix(".partial")).and_then(|n| n.split('-').next());
        // without /proc nobody can tell whether the owner lives: then it stays
        let dead = |pid: &str| Path::new("/proc/self").exists() && !Path::new("/proc").join(pid).exists();
        if owner.is_some_and(dead) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A step under way.
struct Running {
    at: usize,
    child: Child,
    begun: Instant,
    fingerprint: Option<String>,
}

/// A run under way.
struct Going<'a> {
    project: &'a Project,
    plan: &'a Plan,
    o: &'a RunOptions,
    dir: &'a Path,
    folder: PathBuf,
    digests: Digests,
    line: RunLine,
    running: Vec<Running>,
    differences: Vec<Difference>,
    failure: Option<(String, u8, String)>,
    begun: Instant,
}

impl<'a> Going<'a> {
    fn begin(project: &'a Project, plan: &'a Plan, o: &'a RunOptions, dir: &'a Path) -> Result<Self> {
        let name = o.time.format("%Y%m%dT%H%M%SZ").to_string();
        let mut run = name.clone();
        let mut n = 1;
        while dir.join("runs").join(&run).exists() {
            n += 1;
            run = format!("{name}-{n:03}");
        }
        let folder = dir.join("runs").join(&run);
        std::fs::create_dir_all(&folder)
            .map_err(|e| Error::output(format!("cannot be made: {e}"), format!("无法建立:{e}")).in_file(&folder))?;
        let mut digests = Digests::open(&project.root, dir.join("digests.json"));
        let waiting = |s: &Step| StepResult {
            id: s.id.clone(),
            verb: s.verb.clone(),
            state: StepState::NotRun,
            exit: None,
            seconds: 0.0,
            fingerprint: String::new(),
            files: Vec::new(),
        };
        let line = RunLine {
            run,
            heshan: env!("CARGO_PKG_VERSION").into(),
            started: o.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            ended: None,
            project_sha256: digests
                .of_file(&std::path::absolute(&project.path).unwrap_or_else(|_| project.path.clone()))?,
            steps: plan.steps.iter().map(|p| waiting(&p.step)).collect(),
        };
        put(&folder.join("run.json"), &line)?;
        let (running, differences) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        Ok(Self { project, plan, o, dir, folder, digests, line, running, differences, failure: None, begun })
    }

    /// Starts what is free and waits for what runs, until nothing is left.
    fn all(&mut self, progress: &dyn Progress) -> Result<()> {
        loop {
            if progress.interrupted() {
                self.stop();
                return Err(Error::interrupted());
            }
            while self.running.len() < self.o.jobs.max(1)
                && let Some(at) = self.next()
            {
                self.start(at, progress)?;
            }
            if self.running.is_empty() {
                return Ok(());
            }
            let ended = self.running.iter_mut().position(|r| !matches!(r.child.try_wait(), Ok(None)));
            match ended {
                Some(k) => {
                    let r = self.running.remove(k);
                    self.ended(r)?;
                    progress.advance(1);
                }
                None => std::thread::sleep(TICK),
            }
        }
    }

    /// The first step that is not begun and needs nothing that is not done.
    fn next(&self) -> Option<usize> {
        if self.failure.is_some() && !self.o.keep_going {
            return None;
        }
        let steps = &self.line.steps;
        let ready = |j: &usize| matches!(steps[*j].state, StepState::Done | StepState::UpToDate);
        (0..steps.len()).find(|&i| {
            steps[i].state == StepState::NotRun
                && self.running.iter().all(|r| r.at != i)
                && self.plan.steps[i].needs.iter().all(ready)
        })
    }

    fn start(&mut self, at: usize, progress: &dyn Progress) -> Result<()> {
        let step = &self.plan.steps[at].step;
        let file = record_file(self.dir, &step.id);
        let record: Option<StepRecord> = get(&file);
        let fingerprint = fingerprint(step, &mut self.digests)?;
        let print = fingerprint.clone().unwrap_or_default();
        self.line.steps[at].fingerprint.clone_from(&print);
        let why = stale(record.as_ref(), fingerprint.as_deref(), step, self.project, &mut self.digests, self.o.force);
        if why.is_none() {
            let done = record.unwrap_or_else(|| unfinished(String::new()));
            let line = &mut self.line.steps[at];
            line.state = StepState::UpToDate;
            line.exit = Some(done.exit);
            line.files = done.written.into_iter().map(|w| w.path).collect();
            progress.advance(1);
            return Ok(());
        }
        if record.is_none() && !self.o.overwrite {
            self.not_in_the_way(step)?;
        }
        // from here on the outputs are this step's own, whatever becomes of it; its last summary stays to compare with
        let mut mark = unfinished(print);
        if let Some(last) = record {
            mark.summary = last.summary;
            mark.written = last.written;
        }
        put(&file, &mark)?;
        let child = self.spawn(step)?;
        self.running.push(Running { at, child, begun: Instant::now(), fingerprint });
        Ok(())
    }

    /// The first run of a step replaces nothing that it did not write.
    fn not_in_the_way(&self, step: &Step) -> Result<()> {
        let Some(there) = step.outputs.iter().find(|out| {
            let place = self.project.root.join(out);
            place.is_file() || place.read_dir().is_ok_and(|mut d| d.next().is_some())
        }) else {
            return Ok(());
        };
        Err(Error::output(
            format!("{}: the output exists already, and no run of this project wrote it", step.id),
            format!("{}:输出已存在,且不是本项目写出的", step.id),
        )
        .in_file(there)
        .remedy("give --overwrite to replace it, or choose another name", "用 --overwrite 覆盖,或换一个文件名"))
    }

    fn spawn(&self, step: &Step) -> Result<Child> {
        let failed = |e: std::io::Error| {
            Error::output(format!("{}: cannot be started: {e}", step.id), format!("{}:无法启动:{e}", step.id))
                .in_file(&self.folder)
        };
        for out in step.outputs.iter().chain(&step.updates) {
            if let Some(dir) = self.project.root.join(out).parent() {
                std::fs::create_dir_all(dir).map_err(failed)?;
            }
        }
        let file = |ext: &str| File::create(self.folder.join(format!("{}.{ext}", step.id))).map_err(failed);
        Command::new(&self.o.program)
            .args(&step.arguments)
            .current_dir(&self.project.root)
            .env(STEP_LOCK, self.dir.join("steps.lock"))
            .stdin(Stdio::piped())
            .stdout(file("json")?)
            .stderr(file("log")?)
            .spawn()
            .map_err(failed)
    }

    fn ended(&mut self, mut r: Running) -> Result<()> {
        let step = &self.plan.steps[r.at].step;
        let code = r.child.wait().ok().and_then(|s| s.code()).and_then(|c| u8::try_from(c).ok());
        let seconds = r.begun.elapsed().as_secs_f64();
        let line = &mut self.line.steps[r.at];
        line.seconds = seconds;
        line.exit = code;
        let Some(exit @ (0 | 1)) = code else {
            line.state = StepState::Failed;
            let log = std::fs::read(self.folder.join(format!("{}.log", step.id))).unwrap_or_default();
            let words = String::from_utf8_lossy(&log);
            let last: Vec<&str> = words.lines().rev().take(6).collect();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            let failure = (step.id.clone(), code.unwrap_or(4), last);
            self.failure.get_or_insert(failure);
            return put(&self.folder.join("run.json"), &self.line);
        };
        let said = std::fs::read(self.folder.join(format!("{}.json", step.id))).unwrap_or_default();
        let summary: Json = serde_json::from_slice(&said).unwrap_or(Json::Null);
        let written = self.written(r.at)?;
        let line = &mut self.line.steps[r.at];
        line.state = StepState::Done;
        line.files = written.iter().map(|w| w.path.clone()).collect();
        let file = record_file(self.dir, &step.id);
        if let Some(last) = get::<StepRecord>(&file).filter(|l| !l.summary.is_null()) {
            self.differences.extend(differences(&step.id, &last.summary, &summary));
        }
        let fingerprint = r.fingerprint.unwrap_or_default();
        put(&file, &StepRecord { done: true, fingerprint, written, exit, summary })?;
        self.digests.save()?;
        put(&self.folder.join("run.json"), &self.line)
    }

    /// The outputs of a step with their companions, less those of other steps whose names begin with its own.
    fn written(&mut self, at: usize) -> Result<Vec<Written>> {
        let root = &self.project.root;
        let others: Vec<PathBuf> = (0..self.plan.steps.len())
            .filter(|&j| j != at)
            .flat_map(|j| self.plan.steps[j].step.outputs.iter().map(|o| root.join(o)))
            .collect();
        let stem = |p: &Path| p.file_stem().map_or(0, |s| s.len());
        let mut files = Vec::new();
        for out in &self.plan.steps[at].step.outputs {
            let place = root.join(out);
            if place.exists() {
                collect(&place, &mut files)?;
            }
            let theirs = |p: &Path| others.iter().any(|o| stem(o) > stem(&place) && (p == o || is_companion(o, p)));
            let beside = place.parent().and_then(|d| std::fs::read_dir(d).ok()).into_iter().flatten().flatten();
            files.extend(beside.map(|e| e.path()).filter(|p| p.is_file() && is_companion(&place, p) && !theirs(p)));
        }
        files.sort();
        files.dedup();
        let each = |f: &PathBuf| {
            let path = f.strip_prefix(root).unwrap_or(f).to_string_lossy().into_owned();
            Ok(Written { path, sha256: self.digests.of_file(f)? })
        };
        files.iter().map(each).collect()
    }

    /// Tells the steps to stop by closing their standard input; kills those that do not.
    fn stop(&mut self) {
        self.running.iter_mut().for_each(|r| drop(r.child.stdin.take()));
        let begun = Instant::now();
        for r in &mut self.running {
            while matches!(r.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
                std::thread::sleep(TICK);
            }
            let _ = r.child.kill();
            let _ = r.child.wait();
        }
    }

    fn end(mut self) -> Result<RunSummary> {
        let end = self.o.time + chrono::TimeDelta::from_std(self.begun.elapsed()).unwrap_or_default();
        self.line.ended = Some(end.to_rfc3339_opts(SecondsFormat::Secs, true));
        put(&self.folder.join("run.json"), &self.line)?;
        Ok(RunSummary { line: self.line, folder: self.folder, differences: self.differences, failure: self.failure })
    }
}

fn unfinished(fingerprint: String) -> StepRecord {
    StepRecord { done: false, fingerprint, written: Vec::new(), exit: 0, summary: Json::Null }
}

/// Leaves of two summaries that differ; what only tells times is left out.
fn differences(step: &str, before: &Json, after: &Json) -> Vec<Difference> {
    let (a, b) = (leaves(before), leaves(after));
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |n: &&&String| a.get(**n) != b.get(**n);
    let told = |n: &&String| !["seconds", "timings", "elapsed", "duration", "manifest"].iter().any(|w| n.contains(w));
    names
        .iter()
        .filter(|n| told(n))
        .filter(differs)
        .map(|n| Difference {
            step: step.into(),
            what: (*n).clone(),
            before: a.get(*n).cloned(),
            after: b.get(*n).cloned(),
        })
        .collect()
}

fn leaves(json: &Json) -> BTreeMap<String, String> {
    fn walk(json: &Json, name: &str, out: &mut BTreeMap<String, String>) {
        let inner = |k: &str| if name.is_empty() { k.to_owned() } else { format!("{name}.{k}") };
        match json {
            Json::Object(map) => map.iter().for_each(|(k, v)| walk(v, &inner(k), out)),
            Json::Array(all) => all.iter().enumerate().for_each(|(i, v)| walk(v, &inner(&i.to_string()), out)),
            Json::String(s) => drop(out.insert(name.into(), s.clone())),
            other => drop(out.insert(name.into(), other.to_string())),
        }
    }
    let mut out = BTreeMap::new();
    walk(json, "", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_by_their_place() {
        let a = json!({"sites": 108, "relations": [{"inside": 3}], "timings": {"read": 0.1}});
        let b = json!({"sites": 108, "relations": [{"inside": 4}, {"inside": 9}], "timings": {"read": 0.2}});
        let got = differences("corridor", &a, &b);
        let shown: Vec<_> = got.iter().map(|d| (d.what.as_str(), d.before.as_deref(), d.after.as_deref())).collect();
        assert_eq!(shown, [("relations.0.inside", Some("3"), Some("4")), ("relations.1.inside", None, Some("9"))]);
    }
}
