//! heshan (河山): geospatial analysis for mine restoration and Yellow River risk.

pub mod analysis;
pub mod error;
pub mod model;
pub mod prepare;
pub mod report;
pub mod space;
pub mod units;

pub use error::{Error, Result};
