//! heshan (河山): geospatial analysis for mine restoration and Yellow River risk.

pub mod analysis;
pub mod cli;
pub mod error;
mod gdal_log;
pub mod jobs;
pub mod model;
pub mod prepare;
pub mod read;
pub mod report;
pub mod space;
pub mod units;

pub use error::{Error, Result};
pub mod write;
