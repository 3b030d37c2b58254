//! The socket of vector sources.

use super::{Feature, LayerInfo, Skipped};
use crate::error::Result;

/// A layer that hands out its features in batches.
pub trait FeatureSource {
    /// What is known of the layer.
    fn info(&self) -> &LayerInfo;

    /// Up to `max` more features; `None` at the end.
    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>>;

    /// What was left out or mended while reading, up to now.
    fn skipped(&self) -> &[Skipped];
}
