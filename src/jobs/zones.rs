//! Zones over a stack: their polygons in the stack's CRS, and their statistics at every look.

use geo::MultiPolygon;

use super::Notes;
use super::inputs::{Input, InputOptions, read};
use super::manifest::Manifest;
use super::pipeline::{run as each, units};
use super::stack::Stack;
use crate::analysis::zonal::{Layer, Part, Zonal, ZonalOptions};
use crate::error::{Error, Result, Text};
use crate::model::{Block, BlockSource, Progress, Window};
use crate::prepare::shapes::polygons;

/// Zones that can be used: position in the layer, and shape in the stack's CRS.
pub(super) struct ZoneLayer {
    pub input: Input,
    pub shapes: Vec<(usize, MultiPolygon<f64>)>,
}

impl ZoneLayer {
    /// Reads zones and brings them to the CRS of a stack.
    ///
    /// # Errors
    /// `Input` where the layer cannot be read, has no polygon, or either has no CRS.
    pub fn open(
        name: &str,
        o: &InputOptions,
        stack: &Stack,
        notes: &mut Notes,
        manifest: &mut Manifest,
    ) -> Result<Self> {
        let input = read(name, o, &mut notes.warnings)?;
        let target = stack.crs()?;
        // the same code in another wording needs no PROJ, whose set-up for each thread costs more than small zones do
        let same = target.code.is_some() && target.code == input.crs.code;
        let way = input.way(Some(if same { &input.crs } else { &target }), &mut notes.warnings)?;
        manifest.input("zones", &input, way.pipeline())?;
        let found = polygons(&input.layer, &way)?;
        notes.fallbacks += found.via_geos;
        notes.skipped.extend(found.skipped);
        notes.warnings.extend(found.warnings);
        if found.shapes.is_empty() {
            return Err(Error::input("no zone is a polygon that can be used", "没有可用的分区多边形")
                .in_file(&input.layer.info.source)
                .in_layer(&input.layer.info.name));
        }
        Ok(Self { input, shapes: found.shapes })
    }

    /// Shapes alone.
    pub fn polygons(&self) -> Vec<MultiPolygon<f64>> {
        self.shapes.iter().map(|s| s.1.clone()).collect()
    }
}

/// Statistics of zones (polygons in the stack's CRS) at every look of a stack: each tile of each look is decoded once.
///
/// # Errors
/// `Input` with file and block where a look cannot be read; an interruption.
pub(super) fn over(
    stack: &Stack,
    zones: &[MultiPolygon<f64>],
    weights: Option<&dyn BlockSource>,
    options: ZonalOptions,
    progress: &dyn Progress,
) -> Result<Zonal> {
    let mut zonal = Zonal::new(zones, &stack.grid, stack.len(), options);
    let mut blocks = stack.blocks.clone();
    blocks.extend(weights.map(|w| w.info().block));
    // tiles without a zone over them are not even read
    let windows: Vec<Window> = units(&stack.grid, &blocks).into_iter().filter(|w| !zonal.over(*w).is_empty()).collect();
    progress.step(&Text::new("zones", "分区统计"), Some(windows.len() as u64));
    let zones = zonal.zones();
    let work = |w: Window| -> Result<Option<Part>> {
        let weight = weights.map(|r| super::stack::values(r, 0, 1.0, w)).transpose()?.map(|v| block(v, w));
        let cover = zones.cover(w);
        let mut part: Option<Part> = None;
        for i in 0..stack.len() {
            let band = block(stack.observe(i, w)?, w);
            let one = zones.part(&cover, &[Layer { band: &band, weight: weight.as_ref() }]);
            match &mut part {
                Some(p) => p.append(one),
                None => part = Some(one),
            }
        }
        Ok(part)
    };
    each(&windows, progress, work, |_, p| {
        p.iter().for_each(|p| zonal.merge(p));
        Ok(())
    })?;
    Ok(zonal)
}

fn block((values, seen): (Vec<f64>, Vec<crate::model::Seen>), window: Window) -> Block<f64> {
    Block { window, values, seen }
}
