//! Arguments of `heshan ledger`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ReadArgs;

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub step: LedgerStep,
}

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhichLedger {
    /// Ledger: a GeoPackage, or PG:…#schema
    #[arg(long, short = 'L', default_value = "ledger.gpkg", value_name = "LEDGER")]
    pub ledger: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerStep {
    /// Make an empty ledger
    Init(InitArgs),
    /// Add the findings of a run: new issues open, those there are are seen again, closed ones relapse
    Add(Box<AddArgs>),
    /// Move an issue on, or many by a table that was filled in
    Update(Box<UpdateArgs>),
    /// List issues as they stood on a day
    List(ListArgs),
    /// Show every step of an issue
    History(HistoryArgs),
    /// Write issues as layers, or one issue's history with its pictures
    Export(ExportArgs),
    /// Look for faults of the ledger
    Check(LedgerCheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Leave a ledger that is there as it is
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub ledger: WhichLedger,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerCheckArgs {
    #[command(flatten)]
    pub ledger: WhichLedger,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Findings, FILE or FILE#layer
    #[arg(value_name = "FILE")]
    pub findings: String,
    /// What made them: screen zones change fire restore terrain fields [default: by the run manifest]
    #[arg(long, value_name = "VERB")]
    pub from: Option<String>,
    /// Kind of the issues: corridor reserve change_outside_permit fire restoration_stalled terrain other [default: by what
    /// made them]
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Manifest of the run [default: the one beside the findings]
    #[arg(long, value_name = "FILE")]
    pub run_manifest: Option<PathBuf>,
    /// Which field means what, e.g. object_id=图斑号 (object_id, name, admin, responsible_unit, supervising_unit, deadline,
    /// observed, footprint)
    #[arg(long = "field", value_name = "PART=FIELD")]
    pub fields: Vec<String>,
    /// Which rows are findings: FIELD=word,word FIELD!=word FIELD>number FIELD<number; all must hold
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
    /// Distance of the corridor in metres [default: the widest of the screening]
    #[arg(long, value_name = "M")]
    pub distance: Option<f64>,
    /// Folder of image chips: ID_before.png and ID_after.png
    #[arg(long, value_name = "DIR", conflicts_with_all = ["before", "after"])]
    pub chips: Option<PathBuf>,
    /// Scene or raster that chips of before are cut from
    #[arg(long, value_name = "SCENE")]
    pub before: Option<PathBuf>,
    /// Scene or raster that chips of after are cut from
    #[arg(long, value_name = "SCENE")]
    pub after: Option<PathBuf>,
    /// Bands of a raster as red, green, blue [default: the first three, or the first]
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    pub picture_bands: Vec<usize>,
    /// Two areas are the same from this share of overlap on
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    pub share: f64,
    /// Two points are the same up to this distance, metres
    #[arg(long, default_value_t = 30.0, value_name = "M")]
    pub tolerance: f64,
    /// One identifier means one thing up to this distance, metres
    #[arg(long, default_value_t = 1000.0, value_name = "M")]
    pub id_reach: f64,
    /// The day that the events count for [default: today]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Who adds them
    #[arg(long, default_value = "heshan", value_name = "NAME")]
    pub by: String,
    /// Say what would happen, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub ledger: WhichLedger,
    #[command(flatten)]
    pub read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Issue, e.g. CO2026-00001
    #[arg(required_unless_present = "table", conflicts_with = "table")]
    pub issue: Option<String>,
    /// Many at once: a list that was filled in (.xlsx .csv)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "why", "unit", "supervisor", "deadline"])]
    pub table: Option<PathBuf>,
    /// State: assigned rectifying submitted verified closed relapsed dismissed found, or 交办 整改中 报验 核实 销号 …
    #[arg(long, value_name = "STATE")]
    pub to: Option<String>,
    /// Who does it
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub by: String,
    /// Why
    #[arg(long, allow_hyphen_values = true, value_name = "TEXT")]
    pub why: Option<String>,
    /// 责任单位
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub unit: Option<String>,
    /// 监管单位
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub supervisor: Option<String>,
    /// 完成时限
    #[arg(long, value_name = "DATE")]
    pub deadline: Option<String>,
    /// The day it counts for [default: today]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    #[command(flatten)]
    pub ledger: WhichLedger,
}

/// Which issues.
#[derive(Debug, Clone, Args)]
pub(crate) struct FilterArgs {
    /// Those in these states
    #[arg(long, value_delimiter = ',', value_name = "STATE")]
    pub state: Vec<String>,
    /// Those of these kinds
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    pub kind: Vec<String>,
    /// Those of this responsible or supervising unit
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub unit: Vec<String>,
    /// Those of this 盟市/旗县区
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub admin: Vec<String>,
    /// Those where something is left to do
    #[arg(long)]
    pub open: bool,
    /// Those past their deadline
    #[arg(long)]
    pub overdue: bool,
    /// As they stood at the end of this day [default: today]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Table,
    Csv,
    Json,
}

/// What issues are listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByArg {
    /// Mine or site
    Mine,
    /// 责任单位
    Unit,
    /// 监管单位
    Supervising,
    /// 盟市/旗县区
    Admin,
    /// Kind of issue
    Kind,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Form of the list on standard output
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
    /// Columns to fill in: new state, date, by whom, remark (for update --table)
    #[arg(long)]
    pub form: bool,
    /// A sheet for each mine, responsible unit, supervising unit, area or kind, behind an overview
    #[arg(long, value_enum, value_name = "WHAT", requires = "output")]
    pub by: Option<ByArg>,
    /// A workbook for each instead, in the folder that -o names
    #[arg(long, requires = "by")]
    pub each: bool,
    /// Write the list here (.xlsx .csv)
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub ledger: WhichLedger,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Issue
    pub issue: String,
    #[command(flatten)]
    pub ledger: WhichLedger,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// One issue's whole history: -o names a .html file, or a folder
    #[arg(long, value_name = "ISSUE", conflicts_with_all = ["state", "kind", "unit", "admin", "open", "overdue"])]
    pub issue: Option<String>,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Output: .gpkg .gdb .fgb .shp .geojson .kml .csv .xlsx PG:…; with --issue .html or a folder
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub ledger: WhichLedger,
}
