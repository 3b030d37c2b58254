//! Pure geometry: distance by metric, area, validity, repair, clip, and the spatial indexes.

pub mod area;
pub mod clip;
pub mod distance;
pub mod frame;
pub mod index;
pub mod repair;
mod scanline;
pub mod validity;
pub mod wkb;
