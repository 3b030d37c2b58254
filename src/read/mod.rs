//! Files to the model; one file a format.

pub mod vector;
