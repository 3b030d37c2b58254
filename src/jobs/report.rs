//! `report`: what people look at and the department sends out, one file a verb of the verb.

pub mod bulletin;
mod layers;
pub mod map;
pub mod page;
