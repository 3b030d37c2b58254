//! The command line: arguments to a job, result to the terminal. Nothing else in heshan prints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command line is where heshan speaks")]

mod args;
mod change;
mod check;
mod fire;
mod index;
mod ledger;
mod memory;
mod monitor;
mod progress;
mod report;
mod restore;
mod run;
mod sample;
mod say;
mod scenes;
mod screen;
mod terrain;
mod trend;
mod zonal;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, FromArgMatches};

use crate::error::{Error, ErrorKind, Lang, Result};
use args::{Cli, Shared, Verb};
use progress::Terminal;

/// What a verb answers: the exit code of a run that did its work (0, or 1 where features were set aside).
pub(crate) type Done = Result<u8>;

/// Runs the command line; answers the exit code (DESIGN section 4).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    memory::keep();
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(m) => m,
        Err(e) => {
            // --help and --version are answers, not faults; a closed pipe is nobody's fault
            let _ = e.print();
            return if e.use_stderr() { 2 } else { 0 };
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(c) => c,
        Err(e) => {
            let _ = e.print();
            return 2;
        }
    };
    let lang = cli.shared.lang();
    match dispatch(&cli, lang) {
        Ok(code) => code,
        Err(e) => {
            report(&e, &cli.shared, lang);
            e.kind.exit_code()
        }
    }
}

fn dispatch(cli: &Cli, lang: Lang) -> Done {
    if let Some(n) = cli.shared.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build_global()
            .map_err(|e| Error::usage(format!("--threads {n}: {e}"), format!("--threads {n}:{e}")))?;
    }
    let terminal = Terminal::new(&cli.shared, lang)?;
    progress::as_a_step();
    match &cli.verb {
        Verb::Screen(a) => screen::run(a, &cli.shared, lang, &terminal),
        Verb::Check(a) => check::run(a, &cli.shared, lang, &terminal),
        Verb::Report(a) => report::run(a, &cli.shared, lang, &terminal),
        Verb::Run(a) => run::run(a, &cli.shared, lang, &terminal),
        Verb::Runs(a) => run::runs(a, &cli.shared, lang),
        Verb::Sample(a) => sample::run(a, &cli.shared, lang, &terminal),
        Verb::Change(a) => change::run(a, &cli.shared, lang, &terminal),
        Verb::Fire(a) => fire::run(a, &cli.shared, lang, &terminal),
        Verb::Restore(a) => restore::run(a, &cli.shared, lang, &terminal),
        Verb::Terrain(a) => terrain::run(a, &cli.shared, lang, &terminal),
        Verb::Scenes(a) => scenes::run(a, &cli.shared, lang, &terminal),
        Verb::Index(a) => index::run(a, &cli.shared, lang, &terminal),
        Verb::Ledger(a) => ledger::run(a, &cli.shared, lang, &terminal),
        Verb::Trend(a) => trend::run(a, &cli.shared, lang, &terminal),
        Verb::Monitor(a) => monitor::run(a, &cli.shared, lang, &terminal),
        Verb::Zonal(a) => zonal::run(a, &cli.shared, lang, &terminal),
        Verb::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "heshan", &mut out);
            put(&out)
        }
        Verb::Man { dir } => {
            let errors =
                |e: std::io::Error| Error::output(format!("man pages: {e}"), format!("手册页:{e}")).in_file(dir);
            std::fs::create_dir_all(dir).map_err(errors)?;
            clap_mangen::generate_to(Cli::command(), dir).map_err(errors)?;
            Ok(0)
        }
    }
}

/// Writes data to standard output; a broken pipe is success, because `heshan … | head` is.
pub(crate) fn put(bytes: &[u8]) -> Done {
    match std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::output(format!("standard output: {e}"), format!("标准输出:{e}")))
        }
        _ => Ok(0),
    }
}

fn report(e: &Error, shared: &Shared, lang: Lang) {
    if shared.log_format == args::LogFormat::Json {
        let line = serde_json::json!({"level": "error", "exit_code": e.kind.exit_code(), "message": e.message(lang)});
        eprintln!("{line}");
    } else {
        let word = match (lang, e.kind) {
            (Lang::Zh, ErrorKind::Interrupted) => "中断",
            (Lang::En, ErrorKind::Interrupted) => "interrupted",
            (Lang::Zh, _) => "错误",
            (Lang::En, _) => "error",
        };
        eprintln!("{word}: {}", e.message(lang));
    }
}

/// The time that outputs carry: now, or `SOURCE_DATE_EPOCH` (reproducible-builds.org) for the same bytes twice.
fn run_time() -> Result<chrono::DateTime<chrono::Utc>> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(v) if !v.is_empty() => crate::jobs::screen::time(&v),
        _ => Ok(chrono::Utc::now()),
    }
}
