//! `heshan fire …`.

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
    /// Take over detections of FIRMS and other layers of points, each once
    Import(import::ImportArgs),
}

pub(super) fn run(a: &FireArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    match &a.verb {
        FireVerb::Import(a) => import::run(a, shared, lang, terminal),
    }
}
