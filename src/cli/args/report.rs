//! Arguments of `heshan report`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ledger::WhichLedger;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub step: ReportStep,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportStep {
    /// Write the monthly dispatch or the quarterly bulletin out of a ledger
    Bulletin(BulletinArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BulletinArgs {
    #[command(flatten)]
    pub ledger: WhichLedger,
    /// Month (2026-11), quarter (2026Q4) or year (2026)
    #[arg(long, value_name = "PERIOD", required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    pub period: Option<String>,
    /// First day, with --to
    #[arg(long, value_name = "DATE", requires = "to")]
    pub from: Option<String>,
    /// Last day, with --from
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<String>,
    /// Output: .html .docx .xlsx; may be given several times
    #[arg(long, short, required = true, value_name = "OUT")]
    pub output: Vec<PathBuf>,
}
