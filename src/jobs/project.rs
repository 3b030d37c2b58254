//! A project: many steps in one file, run as a graph, each only when something it depends on has changed.
//!
//! A step is one call of heshan in a process of its own, so that its memory, its messages and its end are its own. Before
//! the first one starts, the whole file is checked. What a step was made of (program versions, arguments, SHA-256 of its
//! inputs) is its fingerprint; a step whose fingerprint and outputs are as recorded is not run again. A run that was
//! killed leaves whole outputs and records only, so the next one goes on where it ended.

mod digests;
mod file;
mod plan;
mod record;
mod run;

pub use file::{Project, RawStep, read};
pub use plan::{Plan, Planned, Step, plan};
pub use record::{RunLine, StepResult, StepState, runs};
pub use run::{Difference, RunOptions, RunSummary, STEP_LOCK, pending, run};
