//! Validity of polygons: all faults, each with its reason and place.
//!
//! The rules are those of OGC Simple Features (06-103r4, 6.1.11 and 6.1.14), as JTS and GEOS apply them: rings are
//! closed and simple; holes lie in their shell and not in each other; rings of a polygon, and polygons of a
//! multipolygon, meet at most at points; the interior of a polygon is connected. All decisions rest on the exact sign of
//! the area of a triangle (Shewchuk 1997, doi 10.1007/PL00009321), so none depends on a tolerance.
//!
//! That a ring was not closed is told by the readers: a `geo` polygon closes its rings when it is made.
//!
//! [`valid`] first sweeps over all edges once, O(n log n) (Shamos & Hoey 1976, doi 10.1109/SFCS.1976.16): if no two of
//! them meet and the nesting is right, the shape is valid. Only where edges meet, [`faults`] looks at each place: that
//! takes O(n log n) for shapes whose edges' boxes overlap little, as those of real outlines do.

mod crossings;
mod exact;
mod nesting;
mod rings;
mod sweep;

use std::cell::RefCell;

use geo::{Coord, MultiPolygon};

use crate::error::Text;
use rings::Rings;

/// What is wrong with a polygon, or worth a remark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A coordinate is NaN or infinite.
    InvalidCoordinate,
    /// A ring has fewer than three different points, or a polygon with holes has no shell.
    TooFewPoints,
    /// All points of a ring lie on one line.
    ZeroArea,
    /// The boundary runs out and straight back over itself.
    Spike,
    /// Edges cross or run over each other.
    SelfIntersection,
    /// A ring touches itself at a point.
    RingSelfIntersection,
    /// Two rings are the same.
    DuplicateRings,
    /// A hole lies outside its shell.
    HoleOutsideShell,
    /// A hole lies in another hole.
    NestedHoles,
    /// A part lies in another part.
    NestedShells,
    /// Holes that touch cut the interior in two.
    InteriorDisconnected,
    /// There are more faults than are listed.
    MoreFaults,
    /// Remark: there are more remarks than are listed.
    MoreRemarks,
    /// Remark: a point follows itself.
    RepeatedPoint,
    /// Remark: the boundary runs out and back at an angle below [`NEEDLE_RAD`].
    Needle,
}

/// A corner sharper than this (radians; 0.1°) is remarked on: it comes from digitising, hardly from the ground.
pub const NEEDLE_RAD: f64 = 0.1 * std::f64::consts::PI / 180.0;

/// At most so many faults of one shape are listed, and as many remarks; one more says that there are others. A scribble
/// of n edges has up to n²/2 crossings, and nobody reads them.
pub const MOST_FAULTS: usize = 10_000;

impl Reason {
    /// A stable code for tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidCoordinate => "invalid_coordinate",
            Self::TooFewPoints => "too_few_points",
            Self::ZeroArea => "zero_area",
            Self::Spike => "spike",
            Self::SelfIntersection => "self_intersection",
            Self::RingSelfIntersection => "ring_self_intersection",
            Self::DuplicateRings => "duplicate_rings",
            Self::HoleOutsideShell => "hole_outside_shell",
            Self::NestedHoles => "nested_holes",
            Self::NestedShells => "nested_shells",
            Self::InteriorDisconnected => "interior_disconnected",
            Self::MoreFaults => "more_faults",
            Self::MoreRemarks => "more_remarks",
            Self::RepeatedPoint => "repeated_point",
            Self::Needle => "needle",
        }
    }

    /// The reason in words; remarks say that the polygon is valid all the same.
    pub fn text(self) -> Text {
        let (en, zh) = match self {
            Self::InvalidCoordinate => ("Invalid coordinate (NaN or infinite)", "坐标无效(NaN 或无穷大)"),
            Self::TooFewPoints => ("Too few points in a ring", "环的点数不足"),
            Self::ZeroArea => ("Ring without area: all its points lie on one line", "环没有面积:各点共线"),
            Self::Spike => ("Self-intersection: a spike, the boundary runs straight back", "自相交:尖刺(边界原路折返)"),
            Self::SelfIntersection => ("Self-intersection", "自相交"),
            Self::RingSelfIntersection => ("Ring self-intersection: a ring touches itself", "环自相交:环与自身相接"),
            Self::DuplicateRings => ("Duplicate rings", "重复的环"),
            Self::HoleOutsideShell => ("Hole lies outside its shell", "孔洞位于外环之外"),
            Self::NestedHoles => ("Holes are nested", "孔洞相互嵌套"),
            Self::NestedShells => ("Nested shells: a part lies in another part", "外环嵌套:部件位于另一部件之内"),
            Self::InteriorDisconnected => ("Interior is disconnected", "内部不连通"),
            Self::MoreFaults => ("More faults than are listed", "问题过多,未全部列出"),
            Self::MoreRemarks => ("More remarks than are listed (valid)", "提示过多,未全部列出(有效)"),
            Self::RepeatedPoint => ("Repeated point (valid; a remark)", "重复点(有效,仅提示)"),
            Self::Needle => ("Needle: a corner sharper than 0.1° (valid; a remark)", "针状尖角(小于 0.1°;有效,仅提示)"),
        };
        Text::new(en, zh)
    }

    /// True where OGC calls the polygon invalid; false for remarks.
    pub fn invalid(self) -> bool {
        !matches!(self, Self::RepeatedPoint | Self::Needle | Self::MoreRemarks)
    }
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Why.
    pub reason: Reason,
    /// Where, in the shape's own coordinates; NaN or infinite only for [`Reason::InvalidCoordinate`].
    pub at: Coord<f64>,
    /// Part of the multipolygon, from 0.
    pub part: usize,
    /// Ring of the part: 0 is the shell, holes follow.
    pub ring: usize,
}

/// Collects faults and remarks up to [`MOST_FAULTS`] of each.
#[derive(Debug, Default)]
struct Found {
    faults: Vec<Fault>,
    remarks: Vec<Fault>,
}

impl Found {
    fn add(&mut self, reason: Reason, at: Coord<f64>, part: usize, ring: usize) {
        let (list, more) = if reason.invalid() {
            (&mut self.faults, Reason::MoreFaults)
        } else {
            (&mut self.remarks, Reason::MoreRemarks)
        };
        match list.len() {
            n if n < MOST_FAULTS => list.push(Fault { reason, at, part, ring }),
            MOST_FAULTS => list.push(Fault { reason: more, at, part, ring }),
            _ => {}
        }
    }

    /// No further fault will be listed.
    fn full(&self) -> bool {
        self.faults.len() > MOST_FAULTS
    }
}

thread_local! {
    /// Buffers that one thread's checks share: a batch of a million sites allocates a few times, not a million.
    static WORK: RefCell<(Rings, sweep::Sweep)> = RefCell::default();
}

/// True for a valid multipolygon; an empty one is valid.
///
/// The same verdict as GEOS's `IsValid`; about 60 ns a vertex (a quarter of GEOS's time) for shapes whose rings do not touch.
pub fn valid(shape: &MultiPolygon<f64>) -> bool {
    let certain = WORK.with_borrow_mut(|(rings, sweep)| rings.load_sound(shape) && sweep.apart(rings));
    certain || !faults(shape).iter().any(|f| f.reason.invalid())
}

/// All faults and remarks, ordered by part, ring and reason; at most [`MOST_FAULTS`] of each kind.
///
/// Edges that run over each other are said once for each pair of edges; two equal rings once. A hole or part that
/// crosses the ring it should lie in is a self-intersection and not said again. `at` of a crossing is rounded to the
/// nearest representable point. A ring with an invalid coordinate, or without area, is not compared with others.
pub fn faults(shape: &MultiPolygon<f64>) -> Vec<Fault> {
    let mut found = Found::default();
    let mut rings = Rings::default();
    rings.load(shape, &mut found);
    let apart = sweep::Sweep::default().apart(&rings);
    if !apart {
        let meets = crossings::find(&rings, &mut found);
        nesting::check(&rings, &meets, &mut found);
    }
    let mut all = found.faults;
    all.extend(found.remarks);
    all.sort_by(|a, b| {
        let key = |f: &Fault| (f.part, f.ring, f.reason);
        key(a).cmp(&key(b)).then(a.at.x.total_cmp(&b.at.x)).then(a.at.y.total_cmp(&b.at.y))
    });
    all
}

#[cfg(test)]
mod tests;
