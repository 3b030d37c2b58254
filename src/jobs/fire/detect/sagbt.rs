//! The pass before the pass: the whole image of temperature, for the threshold that the method finds in it.

use super::look::{Look, clear};
use crate::analysis::fire::detect::sagbt::{UNKNOWN, steps, threshold as of};
use crate::analysis::fire::detect::screen::T_WATER;
use crate::error::{Result, Text};
use crate::jobs::Notes;
use crate::jobs::pipeline::run as each;
use crate::model::{Progress, Window};

/// The threshold in kelvin; `None`, with a note, where the image has no edges in high temperature.
pub(super) fn threshold(
    look: &Look,
    windows: &[Window],
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<Option<f64>> {
    let width = look.grid.width;
    let mut image = vec![UNKNOWN; width * look.grid.height];
    progress.step(&Text::new("gradients", "梯度阈值"), Some(windows.len() as u64));
    let work = |w: Window| {
        let p = look.screen(w)?;
        let known = |(k, f): (&f32, &u16)| if clear(*f) && f & T_WATER == 0 { steps(*k) } else { UNKNOWN };
        Ok(p.kelvin.iter().zip(&p.flags).map(known).collect::<Vec<u16>>())
    };
    each(windows, progress, work, |w, part| {
        for (r, row) in part.chunks_exact(w.width).enumerate() {
            image[(w.row + r) * width + w.col..][..w.width].copy_from_slice(row);
        }
        Ok(())
    })?;
    let found = of(&image, width);
    if found.is_none() {
        notes.warnings.push(Text::new(
            format!("{}: sagbt found no steep edges in high temperature; it calls nothing fire", look.scene.id),
            format!("{}:sagbt 未在高温区找到陡峭边缘,不判为火点", look.scene.id),
        ));
    }
    Ok(found.map(|f| f.threshold_k))
}
