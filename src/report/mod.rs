//! What people look at, made as values: layers, lists, styles. Writers turn them into files.

pub mod bulletin;
pub mod catalogue;
pub mod change;
pub mod chart;
pub mod chip;
pub mod fire;
pub mod fire_detect;
pub mod history;
pub mod ledger;
pub mod ledger_groups;
mod lines;
pub mod page;
pub mod pages;
pub mod people;
pub mod quicklook;
pub mod restore;
pub mod screen;
pub mod series;
pub mod sheet;
pub mod style;
pub mod terrain;
