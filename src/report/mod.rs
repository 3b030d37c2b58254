//! What people look at, made as values: layers, lists, styles. Writers turn them into files.

pub mod people;
pub mod screen;
pub mod style;
