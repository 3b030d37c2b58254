//! The progress bar, and Ctrl-C.

use std::io::{IsTerminal, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{LogFormat, Shared, When};
use crate::error::{Error, Lang, Result, Text};
use crate::model::Progress;

static STOP: AtomicBool = AtomicBool::new(false);

/// Progress on the terminal.
pub(crate) struct Terminal {
    bar: Mutex<Option<ProgressBar>>,
    draw: bool,
    say: bool,
    lang: Lang,
}

impl Terminal {
    /// Sets up the bar as asked for and hears Ctrl-C from now on.
    pub fn new(shared: &Shared, lang: Lang) -> Result<Self> {
        ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::SeqCst) {
                // the second Ctrl-C does not wait for the next step
                crate::jobs::abandon();
                std::process::exit(130);
            }
        })
        .map_err(|e| Error::usage(format!("Ctrl-C cannot be heard: {e}"), format!("无法响应 Ctrl-C:{e}")))?;
        let text = shared.log_format == LogFormat::Text && !shared.quiet;
        let draw = match shared.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => text && std::io::stderr().is_terminal(),
        };
        Ok(Self { bar: Mutex::new(None), draw, say: shared.verbose && text, lang })
    }

    /// Clears the bar from the terminal.
    pub fn finish(&self) {
        if let Ok(mut b) = self.bar.lock()
            && let Some(bar) = b.take()
        {
            bar.finish_and_clear();
        }
    }
}

/// A step of a project stops when its run does: the run holds the other end of its standard input, and closes it. While it
/// lives, a step holds a lock, so that a new run waits for the steps of one that was killed.
pub(crate) fn as_a_step() {
    let Some(lock) = std::env::var_os(crate::jobs::project::STEP_LOCK) else { return };
    if let Ok(file) = std::fs::File::options().write(true).open(lock)
        && file.lock_shared().is_ok()
    {
        // held to the end of the process
        std::mem::forget(file);
    }
    std::thread::spawn(|| {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(n) if n > 0) {}
        STOP.store(true, Ordering::SeqCst);
        // where no step of the work looks at it
        std::thread::sleep(Duration::from_secs(10));
        crate::jobs::abandon();
        std::process::exit(130);
    });
}

impl Progress for Terminal {
    fn step(&self, name: &Text, total: Option<u64>) {
        let name = name.in_lang(self.lang).to_owned();
        if self.say {
            eprintln!("{name}");
        }
        if !self.draw {
            return;
        }
        let bar = match total {
            Some(n) => ProgressBar::new(n),
            None => ProgressBar::new_spinner(),
        };
        let form = if total.is_some() {
            "{msg:24} [{bar:30}] {pos}/{len} {elapsed} ETA {eta}"
        } else {
            "{msg:24} {spinner} {pos} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.set_message(name);
        bar.enable_steady_tick(Duration::from_millis(200));
        self.finish();
        if let Ok(mut b) = self.bar.lock() {
            *b = Some(bar);
        }
    }

    fn advance(&self, n: u64) {
        if let Ok(b) = self.bar.lock()
            && let Some(bar) = b.as_ref()
        {
            bar.inc(n);
        }
    }

    fn interrupted(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
