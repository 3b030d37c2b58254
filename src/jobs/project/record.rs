//! What is kept of steps and runs, as JSON in the folder `.heshan` beside the project file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// The folder of a project's records.
pub(super) fn folder(root: &Path, project: &Path) -> PathBuf {
    let stem = project.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    root.join(".heshan").join(stem)
}

/// A file a step wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// From the project's folder.
    pub path: String,
    pub sha256: String,
}

/// The last state of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StepRecord {
    /// False while it runs, and where it was killed: its outputs are its own all the same.
    pub done: bool,
    pub fingerprint: String,
    pub written: Vec<Written>,
    /// Exit code 0 or 1.
    pub exit: u8,
    /// What it said of itself (`--json`).
    pub summary: Json,
}

/// How a step of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Nothing it depends on has changed: not run.
    UpToDate,
    /// Run to its end.
    Done,
    /// Ended with an error.
    Failed,
    /// Not begun, for a step before it failed or the run was stopped.
    NotRun,
}

impl StepState {
    /// As machines read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "up_to_date",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotRun => "not_run",
        }
    }

    /// For people, in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::UpToDate => "无变化",
            Self::Done => "完成",
            Self::Failed => "失败",
            Self::NotRun => "未运行",
        }
    }
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// Its name.
    pub id: String,
    /// Its verb.
    pub verb: String,
    /// How it ended.
    pub state: StepState,
    /// Exit code; of a step that is up to date the one it had.
    pub exit: Option<u8>,
    /// Seconds it took.
    pub seconds: f64,
    /// What it is made of: SHA-256 of versions, arguments and inputs.
    pub fingerprint: String,
    /// Files it wrote, from the project's folder.
    pub files: Vec<String>,
}

/// A run, as `heshan runs` lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Name of the run and of its folder.
    pub run: String,
    /// Version of heshan.
    pub heshan: String,
    /// Begin and end, RFC 3339; no end where it was killed.
    pub started: String,
    /// See `started`.
    pub ended: Option<String>,
    /// SHA-256 of the project file.
    pub project_sha256: String,
    /// Steps in the order of the plan.
    pub steps: Vec<StepResult>,
}

/// All runs of a project, the last first.
///
/// # Errors
/// `Input` where the project file is not there.
pub fn runs(project: &Path) -> Result<Vec<RunLine>> {
    if !project.is_file() {
        return Err(Error::input("there is no such project file", "没有这个项目文件").in_file(project));
    }
    let whole = std::path::absolute(project).unwrap_or_else(|_| project.to_path_buf());
    let dir = folder(whole.parent().unwrap_or(Path::new("")), project).join("runs");
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut out: Vec<RunLine> = entries.filter_map(|e| get(&e.path().join("run.json"))).collect();
    out.sort_by(|a, b| b.run.cmp(&a.run));
    Ok(out)
}

/// Reads a record; `None` where there is none, or it is not whole.
pub(super) fn get<T: for<'a> Deserialize<'a>>(file: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Writes a record aside and renames it: it is whole or the old one.
pub(super) fn put(file: &Path, what: &impl Serialize) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::output(format!("the record of the run cannot be written: {e}"), format!("无法写出运行记录:{e}"))
            .in_file(file)
            .remedy("check the right to write to the project's folder", "请检查项目文件夹的写权限")
    };
    let text = serde_json::to_vec_pretty(what).map_err(|e| failed(e.into()))?;
    let aside = file.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut f = std::fs::File::create(&aside)?;
        std::io::Write::write_all(&mut f, &text)?;
        f.sync_all()?;
        std::fs::rename(&aside, file)
    };
    write().map_err(failed)
}
