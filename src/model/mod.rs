//! The nouns: layers and features, sites and rivers, grids and blocks, and the sockets that sources and sinks plug into.

mod direction;
mod document;
mod drawing;
mod feature;
mod fire;
mod issue;
mod ledger;
mod progress;
mod raster;
mod river;
mod scene;
mod site;
mod skipped;
mod source;
mod standing;
mod table;

pub use direction::Direction;
pub use document::{Document, Part};
pub use drawing::{Anchor, Drawing, Face, Ground, Lettering, Letters, Mark, POINT_MM, Sheet, Stroke, one_line};
pub use feature::{Crs, Feature, Field, FieldType, Layer, LayerInfo, Schema, Value};
pub use fire::{
    Confidence, Delivery, FireEvent, FireEventKind, FireId, FirePoint, FireRiver, FireSite, FireState, FireTrack, Look,
    Repeat, Sees,
};
pub use issue::{IssueKind, IssueState, MOVES};
pub use ledger::{Action, Changes, Chip, Event, Evidence, Finding, Issue, StoredChip, broken, refused_move};
pub use progress::{NoProgress, Progress};
pub(crate) use raster::with_pixels;
pub use raster::{Band, Block, BlockSource, Grid, Picture, PixelType, Pixels, RasterInfo, Sample, Seen, Window};
pub use river::{RiverClass, RiverLine, RiverShape};
pub use scene::{Asset, Calibration, MaskRule, Role, Scene, Sensor};
pub use site::{Kind, Site, Zone};
pub use skipped::{Reason, Skipped, State};
pub use source::FeatureSource;
pub use standing::{Count, Flow, Standing};
pub use table::{Column, LayerStyle, Row, Shape, Style, Table};

/// A measured value, or the reason why there is none. Never a number that stands for "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed<T, R = &'static str> {
    /// The value.
    Yes(T),
    /// Not observed, and why.
    No(R),
}

impl<T, R> Observed<T, R> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Yes(v) => Some(v),
            Self::No(_) => None,
        }
    }
}
