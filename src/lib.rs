//! heshan (河山): sites of mine restoration against rivers, from files to lists and maps.
//!
//! The same code is a command line and a library. A run is a line of steps; each step is a module that knows nothing of
//! the others, and a job hands values from one to the next:
//!
//! ```text
//!            ┌───────────────────────── jobs ─────────────────────────┐
//!   cli ───► │ read ► prepare ► analysis ► record ► report ► write    │
//!            └───┬─────────┬───────────┬────────────┬─────────┬───────┘
//!                ▼         ▼           ▼            ▼         ▼
//!              model     space       units        error
//! ```
//!
//! - [`read`]: files to model, one file a format; digests of inputs.
//! - [`prepare`]: made fit for use: CRS and datum, repair, names of fields and kinds.
//! - [`analysis`]: the methods, typed values in and out: the river [`corridor`](analysis::corridor), the
//!   [`score`](analysis::score), spectral [`indices`](analysis::indices), [`change`](analysis::change),
//!   [`patches`](analysis::patches).
//! - [`record`]: the ledger: issues and their life cycle, what findings do to it, its stores (GeoPackage, PostGIS).
//! - [`report`]: what people look at, made as values: layers, lists, styles.
//! - [`write`](mod@write): model to files, one file a format; whole or not at all.
//! - [`model`]: the nouns (site, river, zone, layer, what was set aside) and the sockets that sources and progress plug into.
//! - [`space`]: geometry: local planes, distances, areas, overlays, validity, index.
//! - [`units`]: metres, square metres, 公顷, 亩.
//! - [`error`]: one error type: what, where, what to do, in Chinese and English.
//! - [`jobs`]: one file a verb: options, the order of the steps, summary, run manifest.
//! - [`cli`]: arguments to a job, result to the terminal; nothing else prints.
//!
//! Coordinates are x = longitude or easting, y = latitude or northing; longitude/latitude is CGCS2000 in degrees, lengths
//! are metres, areas square metres, unless a name says otherwise.
//!
//! # One site against one river
//!
//! ```
//! use geo::{LineString, MultiPolygon, polygon};
//! use heshan::analysis::corridor::{Bank, Network, NetworkOptions, Relation, screen_site};
//! use heshan::model::{Observed, RiverClass, RiverLine, RiverShape};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // a river northward along 106.8° E, and a pit to the east of it
//! let river = RiverLine {
//!     fid: 1,
//!     name: Some("黄河".into()),
//!     class: RiverClass::Main,
//!     shape: RiverShape::Line(LineString::from(vec![(106.80, 39.40), (106.80, 39.60)])),
//! };
//! let network = Network::build(&[river], &NetworkOptions::default())?;
//! let pit = polygon![(x: 106.828, y: 39.52), (x: 106.840, y: 39.52), (x: 106.840, y: 39.528), (x: 106.828, y: 39.528)];
//!
//! let answer = screen_site(&network, &MultiPolygon(vec![pit]), &[1000.0, 3000.0])?.ok_or("the site has no extent")?;
//! // echo '39.528 106.8 39.528 106.828' | geod +ellps=GRS80 -I -F %.3f
//! assert!((answer.min_dist_m - 2407.409).abs() < 0.001);
//! assert_eq!(answer.bank, Observed::Yes(Bank::Right));
//! assert_eq!(answer.at[0].relation, Relation::Outside);
//! assert_eq!(answer.at[1].relation, Relation::Crosses);
//! # Ok(())
//! # }
//! ```
//!
//! # A whole run
//!
//! ```no_run
//! use heshan::jobs::screen::{ScreenOptions, run};
//! use heshan::model::NoProgress;
//!
//! # fn main() -> heshan::Result<()> {
//! let mut options = ScreenOptions::new(vec!["rivers.geojson".into()], vec!["sites.gpkg".into()], "screen.gpkg");
//! options.distances = vec![1000.0, 3000.0];
//! let summary = run(&options, &NoProgress)?;
//! for (metres, [inside, crosses, outside]) in &summary.relations {
//!     println!("{metres} m: {inside} inside, {crosses} cross, {outside} outside");
//! }
//! println!("{} features could not be used", summary.notes.unused());
//! # Ok(())
//! # }
//! ```
//!
//! Methods with formulas and sources: `docs/explanation/` in the repository.

pub mod analysis;
pub mod cli;
pub mod error;
mod gdal_log;
pub mod jobs;
pub mod model;
pub mod prepare;
pub mod read;
pub mod record;
pub mod report;
pub mod space;
pub mod units;
pub mod write;

pub use error::{Error, Result};

/// The examples of the READMEs, compiled and run with the doc tests.
#[cfg(doctest)]
mod readme {
    #[doc = include_str!("../README.md")]
    struct English;
    #[doc = include_str!("../README.zh-CN.md")]
    struct Chinese;
}
