//! Fire points: which detections say the same ([`repeats`]), which belong together ([`linking`]), and what became of each
//! fire ([`states`], [`tracks`]), day by day ([`status`]).

mod cells;
pub mod linking;
pub mod places;
pub mod repeats;
pub mod states;
pub mod tracks;
