//! Model to files: every output is written beside its place and renamed when the whole run's outputs are whole.

pub mod document;
pub mod drawing;
pub mod index;
pub mod raster;
pub mod staging;
pub mod table;
pub mod text;
pub mod typeface;
mod value;
pub mod vector;
pub mod xlsx;

pub use staging::Staging;
