//! `report`: what the department sends out.

pub mod bulletin;
