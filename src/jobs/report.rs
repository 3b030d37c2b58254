//! `report`: what people look at, one file a verb of the verb.

pub mod page;
