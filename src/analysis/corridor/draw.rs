//! The corridor as polygons, for maps only: decisions and areas never use it.
