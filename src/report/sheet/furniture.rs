//! Title, frame and north arrow.

use super::{BLACK, Composition, Layout, MARGIN, lettering, stroke};
use crate::error::Lang;
use crate::model::{Anchor, Face, Lettering, Letters, Mark, one_line};

/// Characters of a title at most.
const LONGEST: usize = 120;

/// The title, in the middle of the paper; smaller where it is long.
pub(super) fn title(c: &Composition<'_>, letters: &dyn Letters, marks: &mut Vec<Mark>) {
    let text = one_line(&c.said.title, LONGEST);
    let room = c.layout.size[0] - 2.0 * MARGIN;
    let wanted = c.layout.points(18.0);
    let size = wanted.min(room / letters.width(&text, Face::Bold).max(1e-6));
    let at = [0.5 * c.layout.size[0], MARGIN + 8.0 * c.layout.factor];
    marks.push(Mark::Letters(lettering(text, at, Anchor::Middle, Face::Bold, size)));
}

/// Two lines around the map, the coordinates between them.
pub(super) fn frame(l: &Layout) -> Vec<Mark> {
    let [x, y, w, h] = l.frame;
    let rim = l.rim();
    let outer = [x - rim, y - rim, w + 2.0 * rim, h + 2.0 * rim];
    vec![
        Mark::rectangle(l.frame, None, Some(stroke(BLACK, 0.25))),
        Mark::rectangle(outer, None, Some(stroke(BLACK, 0.8))),
    ]
}

/// The north arrow and the room it takes (left, top, right, bottom).
pub(super) struct North {
    pub marks: Vec<Mark>,
    pub room: [f64; 4],
}

/// An arrow in the upper right corner of the map that points to true north in its middle.
pub(super) fn north(c: &Composition<'_>) -> North {
    let k = c.layout.factor;
    let [left, top, width, _] = c.layout.frame;
    let at = [left + width - 9.0 * k, top + 12.0 * k];
    let turned = convergence(c);
    let (sin, cos) = turned.to_radians().sin_cos();
    // right and down from the middle of the arrow, before it is turned
    let place = |x: f64, y: f64| [at[0] + k * (x * cos + y * sin), at[1] + k * (y * cos - x * sin)];
    let [tip, west, notch, east] = [place(0.0, -6.5), place(-2.6, 5.5), place(0.0, 3.2), place(2.6, 5.5)];
    let half = |other, fill| Mark::Path {
        lines: vec![vec![tip, other, notch]],
        closed: true,
        fill: Some(fill),
        stroke: Some(stroke(BLACK, 0.2)),
    };
    let word = if c.said.lang == Lang::Zh { "北" } else { "N" };
    let letter = lettering(word.into(), place(0.0, -7.4), Anchor::Middle, Face::Bold, c.layout.points(10.0));
    let marks = vec![
        half(west, BLACK),
        half(east, [255; 4]),
        Mark::Letters(Lettering { turned_deg: turned, rim: 0.5, ..letter }),
    ];
    North { marks, room: [at[0] - 7.0 * k, top, left + width, at[1] + 8.0 * k] }
}

/// How far true north is turned from the sheet's upright, degrees counter-clockwise.
pub(super) fn convergence(c: &Composition<'_>) -> f64 {
    let Some([lon, lat]) = (c.earth.lonlat)(c.view.middle()) else { return 0.0 };
    // near a pole the step would leave the Earth
    let step = if lat > 0.0 { -0.01 } else { 0.01 };
    match ((c.earth.xy)([lon, lat]), (c.earth.xy)([lon, lat + step])) {
        (Some(a), Some(b)) => {
            let d = [(b[0] - a[0]) * step.signum(), (b[1] - a[1]) * step.signum()];
            (-d[0]).atan2(d[1]).to_degrees()
        }
        _ => 0.0,
    }
}
