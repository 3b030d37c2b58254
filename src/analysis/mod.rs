//! Analyses: typed values in, typed values out; no files, no printing, no clock.

pub mod change;
pub mod corridor;
pub mod fire;
pub mod histogram;
pub mod indices;
mod linear;
pub mod patches;
pub mod restoration;
pub mod rsei;
pub mod score;
pub mod terrain;
pub mod trend;
pub mod zonal;
