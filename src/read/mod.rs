//! Files to the model; one file a format.

pub mod digest;
pub mod figures;
pub mod index;
pub mod raster;
pub mod scenes;
pub mod vector;
