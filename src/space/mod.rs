//! Pure geometry: distance by metric, area, validity, repair, clip, and the spatial indexes.

pub mod distance;
pub mod frame;
pub mod index;
