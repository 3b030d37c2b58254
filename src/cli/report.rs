//! `heshan report`: one file a verb of the verb.

mod bulletin;
mod map;
mod page;

use clap::{Args, Subcommand};

use super::Done;
use super::args::Shared;
use super::progress::Terminal;
use crate::error::Lang;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make one HTML file of layers, pictures and charts that works without a network
    Page(Box<page::PageArgs>),
    /// Draw map sheets on paper: one, or one for each unit or site
    Map(Box<map::MapArgs>),
    /// Write the monthly dispatch or the quarterly bulletin out of a ledger
    Bulletin(bulletin::BulletinArgs),
}

pub(super) fn run(a: &ReportArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    match &a.what {
        What::Page(p) => page::run(p, shared, lang, terminal),
        What::Map(m) => map::run(m, shared, lang, terminal),
        What::Bulletin(b) => bulletin::run(b, shared, lang),
    }
}
