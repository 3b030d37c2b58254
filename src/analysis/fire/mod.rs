//! Fires: found in scenes.

pub mod detect;
