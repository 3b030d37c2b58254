//! Features to pieces of rivers.

use geo::LineString;

use super::names::{self, FieldMap, Role};
use super::shapes::{Course, Shapes};
use super::sites::text;
use crate::error::Text;
use crate::model::{Layer, RiverClass, RiverLine, RiverShape};

/// Pieces of rivers of a layer; lines that the `reversed` field says are drawn upstream are turned round.
pub fn rivers(layer: &Layer, shapes: &Shapes<Course>, fields: &FieldMap) -> (Vec<RiverLine>, Vec<Text>) {
    let at = |r| names::position(&layer.info.schema, r, fields);
    let (name, class, reversed) = (at(Role::Name), at(Role::Class), at(Role::Reversed));
    let mut warnings = Vec::new();
    let mut missing = |column: Option<usize>, en: &str, zh: &str| {
        if column.is_none() {
            let l = &layer.info.name;
            warnings.push(Text::new(format!("layer {l}: {en}"), format!("图层 {l}:{zh}")));
        }
    };
    missing(
        name,
        "the rivers have no field of names; unnamed lines are joined where they meet",
        "河流没有名称字段,按线端相接拼接",
    );
    missing(class, "the rivers have no field of classes (main, tributary)", "河流没有等级字段(干流、支流)");
    let mut out = Vec::new();
    for (i, course) in &shapes.shapes {
        let f = &layer.features[*i];
        let piece = |shape| RiverLine {
            fid: f.fid,
            name: text(f, name),
            class: text(f, class).map_or(RiverClass::Unknown, |w| names::river_class(&w)),
            shape,
        };
        let turn = text(f, reversed).is_some_and(|w| names::says_reversed(&w));
        for l in &course.lines {
            let l = if turn { LineString(l.0.iter().rev().copied().collect()) } else { l.clone() };
            out.push(piece(RiverShape::Line(l)));
        }
        out.extend(course.waters.iter().map(|p| piece(RiverShape::Water(p.clone()))));
    }
    (out, warnings)
}
