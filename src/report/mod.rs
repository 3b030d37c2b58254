//! What people look at, made as values: layers, lists, styles. Writers turn them into files.

pub mod catalogue;
pub mod change;
pub mod page;
pub mod people;
pub mod quicklook;
pub mod screen;
pub mod style;
