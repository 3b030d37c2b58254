//! Input made fit for use: coordinate systems ([`crs`]), what fields and words mean ([`names`]), polygons and lines
//! out of whatever geometries a layer holds, mended and in one CRS ([`shapes`]), and from these sites, rivers, zones.

pub mod crs;
pub mod findings;
pub mod fires;
pub mod looks;
pub mod mines;
pub mod names;
pub mod observed;
pub mod rivers;
pub mod shapes;
pub mod sites;
pub mod zones;
