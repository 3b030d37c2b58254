//! One file a verb: its options, the order of its steps, its summary. Only jobs wire the steps together.

pub mod change;
pub mod check;
pub mod fire;
pub mod index;
mod inputs;
pub mod ledger;
mod manifest;
pub mod monitor;
mod neighbours;
mod pipeline;
mod polygons;
pub mod project;
mod raster_out;
pub mod report;
pub mod restore;
pub mod sample;
pub mod scenes;
pub mod screen;
mod series;
mod shown;
mod stack;
pub mod terrain;
pub mod trend;
mod view;
pub mod zonal;
mod zones;

use crate::error::{Error, Result};
use crate::model::State;

pub use crate::model::Seen;
pub use crate::prepare::crs::ResolvedCrs;
pub use crate::read::scenes::{BandRole, parse_bands};
pub use crate::read::vector::ReadOptions;
pub use crate::units::SquareMetres;
pub use crate::write::raster::{Packing, Statistics};
pub use inputs::InputOptions;
pub use manifest::Manifest;
pub use raster_out::{OutOptions, RasterOptions, RasterType, SeenCounts};
pub use stack::StackOptions;
pub use view::MaskOptions;

/// Removes what running jobs have half-written, before the process ends without them (a second Ctrl-C).
pub fn abandon() {
    crate::write::staging::abandon();
}

/// What a job has to say beside its result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notes {
    /// What the user must know.
    pub warnings: Vec<crate::error::Text>,
    /// Features set aside or repaired.
    pub skipped: Vec<crate::model::Skipped>,
    /// Overlays that fell back to GEOS.
    pub fallbacks: u64,
}

impl Notes {
    /// Features that could not be used.
    pub fn unused(&self) -> usize {
        self.count(State::Skipped)
    }

    /// Features that were used after repair.
    pub fn repaired(&self) -> usize {
        self.count(State::Repaired)
    }

    fn count(&self, state: State) -> usize {
        self.skipped.iter().filter(|s| s.state() == state).count()
    }

    /// Refuses the run where a feature needed repair or could not be used (`--strict`).
    fn refuse(&self) -> Result<()> {
        let Some(first) = self.skipped.iter().find(|s| s.state() != State::Noted) else { return Ok(()) };
        let n = self.unused() + self.repaired();
        let text = &first.reason.text;
        Err(Error::input(
            format!("--strict: {n} feature(s) need repair or cannot be used; the first: {}", text.en),
            format!("--strict:{n} 个要素需要修复或无法使用;第一个:{}", text.zh),
        )
        .in_file(&first.file)
        .in_layer(&first.layer)
        .at_feature(first.fid)
        .remedy(
            "heshan check FILE lists them all; heshan check FILE --repair OUT writes the mended layer",
            "用 heshan check 文件 列出全部;用 heshan check 文件 --repair 输出 写出修复后的图层",
        ))
    }
}
