//! Spatial indexes.

mod packed;

pub use packed::{BoxIndex, IndexError};
