//! Digests of inputs, computed on a thread of their own while the job works.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::error::Result;
use crate::read::digest::{FileDigest, digests};

/// Digests under way; dropped before they are asked for (the job failed), the thread ends with the file it is at.
pub(super) struct Digesting {
    paths: Vec<PathBuf>,
    thread: Option<JoinHandle<Result<Vec<FileDigest>>>>,
    stop: Arc<AtomicBool>,
}

impl Digesting {
    /// Begins; what is not a file (a pipe gives its bytes once) has no digest.
    pub fn of(mut paths: Vec<PathBuf>) -> Self {
        paths.retain(|p| p.is_file());
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, stopped) = (paths.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || all(&theirs, &stopped));
        Self { paths, thread: Some(thread), stop }
    }

    /// The digests, in the order of the paths.
    ///
    /// # Errors
    /// `Input` where a file cannot be read.
    pub fn done(mut self) -> Result<Vec<FileDigest>> {
        let ready = self.thread.take().and_then(|t| t.join().ok());
        // a thread that could not end is no reason to go without
        ready.unwrap_or_else(|| all(&self.paths, &AtomicBool::new(false)))
    }
}

impl Drop for Digesting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn all(paths: &[PathBuf], stop: &AtomicBool) -> Result<Vec<FileDigest>> {
    let mut found = Vec::new();
    for p in paths.iter().take_while(|_| !stop.load(Ordering::Relaxed)) {
        found.extend(digests(p)?);
    }
    Ok(found)
}
