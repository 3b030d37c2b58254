//! Names on the map, where there is room: the larger first, on their shape where it is large, else beside it; none over
//! another, over a small shape or over the north arrow.

use super::layers::Drawn;
use super::{Composition, lettering};
use crate::model::{Anchor, Face, Lettering, Letters, Mark, one_line};

/// Size of letters, points.
const POINTS: f64 = 7.0;
/// Characters of a label at most.
const LONGEST: usize = 24;
/// Labels that are tried at most.
const TRIED: usize = 4_000;
/// White rim around letters, millimetres.
const RIM: f64 = 0.35;

/// What became of the labels.
pub(super) struct Labels {
    pub written: usize,
    pub left_out: usize,
}

pub(super) fn place(
    c: &Composition<'_>,
    drawn: &Drawn,
    taken: &[f64; 4],
    letters: &dyn Letters,
    marks: &mut Vec<Mark>,
) -> Labels {
    let mut order: Vec<usize> = (0..drawn.spots.len()).collect();
    order.sort_by(|a, b| drawn.spots[*b].weight.total_cmp(&drawn.spots[*a].weight).then(a.cmp(b)));
    let size = c.layout.points(POINTS);
    let [left, top, w, h] = c.layout.frame;
    let mut boxes = vec![*taken];
    // what is smaller than its name is not covered by any
    boxes.extend(drawn.spots.iter().take(TRIED).filter(|s| s.half[1] < size && s.half[0] < 3.0 * size).map(|s| {
        let [x, y] = s.at;
        [x - s.half[0], y - s.half[1], x + s.half[0], y + s.half[1]]
    }));
    let mut written = 0;
    for i in order.into_iter().take(TRIED) {
        let s = &drawn.spots[i];
        let text = one_line(&s.text, LONGEST);
        let (wide, high) = (letters.width(&text, Face::Sans) * size, size);
        let [x, y] = s.at;
        let (dx, dy) = (s.half[0] + 0.5 * wide + 0.5, s.half[1] + 0.5 * high + 0.3);
        // middles of the label: on the shape, or beside it
        let all = [[x, y], [x + dx, y], [x - dx, y], [x, y - dy], [x, y + dy]];
        let roomy = !s.beside && 2.0 * s.half[0] > wide && 2.0 * s.half[1] > 1.5 * high;
        let free = all[usize::from(!roomy)..].iter().find(|[x, y]| {
            let own = [x - 0.5 * wide, y - 0.5 * high, *x + 0.5 * wide, *y + 0.5 * high];
            let within = own[0] > left + 0.5 && own[1] > top + 0.5 && own[2] < left + w - 0.5 && own[3] < top + h - 0.5;
            within && boxes.iter().all(|b| own[2] < b[0] || own[0] > b[2] || own[3] < b[1] || own[1] > b[3])
        });
        if let Some([x, y]) = free {
            boxes.push([x - 0.5 * wide - 0.4, y - 0.5 * high - 0.2, x + 0.5 * wide + 0.4, y + 0.5 * high + 0.2]);
            let at = [*x, y + 0.36 * size];
            marks.push(Mark::Letters(Lettering { rim: RIM, ..lettering(text, at, Anchor::Middle, Face::Sans, size) }));
            written += 1;
        }
    }
    Labels { written, left_out: drawn.spots.len() - written }
}
