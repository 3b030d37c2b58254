//! The river corridor: a network from pieces of river lines, and sites screened against it.
//!
//! A corridor is a distance, not a polygon: whether a site lies inside is decided by distances, and its area inside is
//! integrated exactly over the round boundary (`inside`). Method and formulas: `docs/explanation/corridor.md`.

mod close;
mod crossing;
pub mod draw;
mod inside;
mod join;
pub mod local;
mod nearest;
pub mod network;
mod outline;
mod reach;
mod runs;
pub mod screen;
pub mod zones;

pub use local::LocalSite;
pub use network::{Direction, Network, NetworkOptions, River, RiverReport};
pub use screen::{AtDistance, Bank, Relation, SiteResult, screen_and_clip, screen_site};
pub use zones::{ZoneOverlap, ZoneResult, Zones};
