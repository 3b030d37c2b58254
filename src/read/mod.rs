//! Files to the model; one file a format.

pub mod chip;
pub mod digest;
pub mod figures;
pub mod index;
pub mod raster;
pub mod scenes;
pub mod series;
pub mod sheet;
pub mod vector;
