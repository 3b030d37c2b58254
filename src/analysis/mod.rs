//! Analyses: typed values in, typed values out; no files, no printing, no clock.

pub mod corridor;
pub mod score;
