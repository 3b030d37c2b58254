//! `report`: what people look at and the department sends out, one file a verb of the verb.

pub mod bulletin;
mod chips;
mod layers;
pub mod map;
pub mod page;
