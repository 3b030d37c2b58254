//! How long jobs report progress and hear of an interruption.

use crate::error::{Error, Result, Text};

/// Where a job reports its steps; the CLI draws a bar, others ignore it.
pub trait Progress: Sync {
    /// A step begins; `total` items where known.
    fn step(&self, name: &Text, total: Option<u64>);
    /// `n` more items of the step are done.
    fn advance(&self, n: u64);
    /// True once the user asked to stop.
    fn interrupted(&self) -> bool;

    /// An [`Error::interrupted`] once the user asked to stop.
    fn check(&self) -> Result<()> {
        if self.interrupted() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _: &Text, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn interrupted(&self) -> bool {
        false
    }
}
