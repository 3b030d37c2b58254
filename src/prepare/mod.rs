//! Input made fit for use: coordinate systems ([`crs`]) and the names that sources give to things ([`names`]).

pub mod crs;
pub mod names;
