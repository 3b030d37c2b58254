//! Spatial indexes of boxes: [`BoxIndex`] is built once, [`DynamicIndex`] grows and shrinks.

mod bytes;
mod dynamic;
mod join;
mod nearest;
mod node;
mod packed;
#[cfg(test)]
mod tests;
mod tile;
mod window;

pub use bytes::{Bytes, BytesError};
pub use dynamic::DynamicIndex;
pub use nearest::{Neighbour, Scratch};
pub use packed::{BoxIndex, Owned, Storage};
pub use window::Answers;

/// Why an index could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A box with a NaN or infinite bound, by its position.
    #[error("box {0} is not finite")]
    NotFinite(usize),
    /// A box beyond ±1e150, by its position; only for an index that grows.
    #[error("box {0} is beyond ±1e150")]
    TooLarge(usize),
    /// More boxes than a 32-bit index holds.
    #[error("{0} boxes are more than an index holds")]
    TooMany(usize),
}
