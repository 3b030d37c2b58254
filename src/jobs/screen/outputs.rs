//! The outputs of a run: layers, lists, each row written as it comes.

use std::path::PathBuf;

use super::super::Notes;
use super::super::manifest::companion;
use super::{LAYERS, Lists, ScreenOptions, write_options};
use crate::analysis::score::FACTORS;
use crate::error::{Lang, Result};
use crate::model::{Row, Table};
use crate::report::people::worded;
use crate::report::screen::{self as report, Context, SiteRow, Sites};
use crate::write::vector::{Format, Sink, layer_path, sink};
use crate::write::{Staging, table, xlsx};

/// The rows of one site.
pub(super) struct Rows {
    pub site: Row,
    pub clipped: Vec<Row>,
    pub zones: Vec<Row>,
}

/// Where rows go.
pub(super) struct Outputs {
    layers: Vec<Table>,
    main: Box<dyn Sink>,
    /// The Excel workbook, and its sheets as the layers have them.
    book: Option<(Box<dyn Sink>, Vec<Table>)>,
    lists: Lists,
    lang: Lang,
}

impl Outputs {
    /// Opens the main output and the workbook beside it.
    pub fn open(o: &ScreenOptions, staging: &mut Staging, sites: &Sites, c: &Context<'_>) -> Result<Self> {
        let heads: Vec<Table> = LAYERS
            .iter()
            .filter(|n| wanted(o, n) && (c.with_zones || **n != "zones"))
            .map(|n| head(n, sites, c))
            .collect();
        let main = sink::open(staging, &o.output, heads.clone(), &write_options(o))?;
        let names = ["summary", "sites", "zones", "skipped"].into_iter().filter(|n| c.with_zones || *n != "zones");
        let sheets: Vec<Table> = names.map(|n| head(n, sites, c)).collect();
        let book = match Format::of(&o.output)? {
            Format::Xlsx => None,
            _ if o.lists == Lists::None => None,
            _ => {
                let heads = sheets.iter().map(|t| worded(t, o.lang)).collect();
                Some((xlsx::open(staging, &companion(&o.output, ".xlsx"), heads, &write_options(o))?, sheets))
            }
        };
        Ok(Self { layers: heads, main, book, lists: o.lists, lang: o.lang })
    }

    /// Writes the rows of a batch of sites.
    pub fn sites(&mut self, rows: Vec<Rows>, inside: &[bool]) -> Result<()> {
        let (mut sites, mut clipped, mut zones) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
        for r in rows {
            sites.push(r.site);
            clipped.extend(r.clipped);
            zones.extend(r.zones);
        }
        if self.book.is_some() {
            let listed = |i: usize| self.lists == Lists::All || inside[i];
            let bare = |rows: &[Row]| rows.iter().map(|(_, v)| (None, v.clone())).collect::<Vec<Row>>();
            let list = sites.iter().enumerate().filter(|(i, _)| listed(*i)).map(|(_, (_, v))| (None, v.clone()));
            let list = list.collect();
            self.sheet("sites", list)?;
            self.sheet("zones", bare(&zones))?;
        }
        self.layer("sites", sites)?;
        self.layer("clipped", clipped)?;
        self.layer("zones", zones)
    }

    /// Writes rows of a layer, where it is wanted.
    fn layer(&mut self, name: &str, rows: Vec<Row>) -> Result<()> {
        match self.layers.iter().position(|t| t.name == name) {
            Some(k) if !rows.is_empty() => self.main.write(k, rows),
            _ => Ok(()),
        }
    }

    /// Writes rows of a sheet of the workbook, in words for people.
    fn sheet(&mut self, name: &str, rows: Vec<Row>) -> Result<()> {
        if let Some((book, sheets)) = &mut self.book
            && let Some(k) = sheets.iter().position(|t| t.name == name)
        {
            let rows = worded(&Table { rows, ..sheets[k].head() }, self.lang).rows;
            book.write(k, rows)?;
        }
        Ok(())
    }

    /// Writes a whole layer, and its sheet.
    pub fn table(&mut self, t: Table) -> Result<()> {
        self.sheet(&t.name, t.rows.clone())?;
        let name = t.name;
        self.layer(&name, t.rows)
    }

    /// Ends all outputs.
    pub fn finish(self, notes: &mut Notes) -> Result<()> {
        notes.warnings.extend(self.main.finish()?.notes());
        if let Some((book, _)) = self.book {
            book.finish()?;
        }
        Ok(())
    }

    /// The files of a run, as the manifest names them.
    pub fn planned(&self, o: &ScreenOptions) -> Vec<PathBuf> {
        let single = Format::of(&o.output).is_ok_and(|f| !f.holds_all_layers());
        let mut out: Vec<PathBuf> = match single {
            true => (0..self.layers.len()).map(|i| layer_path(&o.output, &self.layers, i)).collect(),
            false => vec![o.output.clone()],
        };
        out.extend(suffixes(o).map(|s| companion(&o.output, s)));
        out
    }
}

/// What stands beside the main output.
pub(super) fn suffixes(o: &ScreenOptions) -> impl Iterator<Item = &'static str> {
    let lists = o.lists != Lists::None;
    ["_summary.csv", ".xlsx", ".manifest.json"].into_iter().filter(move |s| lists || *s != ".xlsx")
}

/// The list of sums beside the main output, in words for people; where the layer itself is that file, it stays so.
pub(super) fn summary_list(
    o: &ScreenOptions,
    staging: &mut Staging,
    planned: &[PathBuf],
    summary: &Table,
) -> Result<()> {
    let place = companion(&o.output, "_summary.csv");
    let is_layer = wanted(o, "summary") && planned.iter().filter(|p| **p == place).count() > 1;
    if is_layer { Ok(()) } else { table::write_list(staging, &place, &worded(summary, o.lang), o.lang) }
}

/// True where a layer is to be written.
pub(super) fn wanted(o: &ScreenOptions, layer: &str) -> bool {
    o.layers.is_empty() || o.layers.iter().any(|l| l == layer)
}

/// A layer without rows.
fn head(name: &str, sites: &Sites, c: &Context<'_>) -> Table {
    match name {
        "sites" => sites.head(),
        "clipped" => report::clipped(c),
        "corridor" => report::corridor(Vec::new(), c),
        "rivers" => report::rivers(Vec::new(), c),
        "summary" => report::summary(&report::Sums::default(), c),
        "zones" => report::zones(c),
        _ => report::skipped(&[], c.lang),
    }
}

/// The layer of sites for a run.
pub(super) fn sites(c: &Context<'_>) -> Sites {
    Sites::new(c, &FACTORS)
}

/// The rows of one site.
pub(super) fn rows(mut r: SiteRow, sites: &Sites, c: &Context<'_>) -> Rows {
    let (clipped, zones) = (report::clipped_rows(&mut r), report::zone_rows(&mut r));
    Rows { clipped, zones, site: sites.row(r, c) }
}
