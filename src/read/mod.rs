//! Files to the model; one file a format.

pub mod digest;
pub mod index;
pub mod raster;
pub mod scenes;
pub mod series;
pub mod vector;
