//! `heshan fire …`.

mod detect;
mod import;

use clap::{Args, Subcommand};

use super::Done;
use super::args::Shared;
use super::progress::Terminal;
use crate::error::Lang;

#[derive(Debug, Args)]
pub(crate) struct FireArgs {
    #[command(subcommand)]
    pub verb: FireVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FireVerb {
    /// Find fires in scenes: points, and masks of what is hot and of what was seen
    Detect(Box<detect::DetectArgs>),
    /// Take over detections of FIRMS and other layers of points, each once
    Import(import::ImportArgs),
}

pub(super) fn run(a: &FireArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    match &a.verb {
        FireVerb::Detect(a) => detect::run(a, shared, lang, terminal),
        FireVerb::Import(a) => import::run(a, shared, lang, terminal),
    }
}
