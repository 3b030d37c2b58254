//! `report`: what people look at and the department sends out, one file a verb of the verb.

pub mod bulletin;
pub mod page;
