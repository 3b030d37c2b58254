//! From any CRS to CGCS2000 longitude/latitude and back: the choice of the way, its accuracy, and geometries on it.

use std::cell::{OnceCell, RefCell};
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use geo::{Coord, Geometry, LineString, Polygon};

use super::ResolvedCrs;
use super::cells::{Cells, Last};
use super::pj::{Bounds, Context, Pj};
use crate::error::{Error, Result, Text};

/// How far a transformed edge may lie from the true image of the source's straight edge, in metres.
pub const EDGE_TOLERANCE_M: f64 = 0.002;

/// Edges shorter than this (metres) are never split, since they cannot deviate by [`EDGE_TOLERANCE_M`].
///
/// A straight line of one system drawn in another has a curvature κ of at most tan φ / N (between a conformal grid
/// and longitude/latitude; N ≥ 6.36·10⁶ m) plus that of the grid itself (below 10⁻⁸ /m inside a 6-degree zone), and
/// an edge of length L deviates by κL²/8. With L = 100 m the bound holds for κ ≤ 1.6·10⁻⁶ /m, which is tan φ ≤ 10,
/// latitudes up to 84°; in China (φ < 54°) the deviation is below 0.3 mm.
pub const SHORT_EDGE_M: f64 = 100.0;

/// How well a change of datum is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Accuracy {
    /// Metres, as PROJ gives them; `None` where unknown.
    pub metres: Option<f64>,
    /// True where PROJ has no parameters for the change of datum and takes longitude and latitude over as they are.
    pub ballpark: bool,
    /// PROJ's name of the operation.
    pub description: String,
    /// Where `ballpark`: how far (metres, least and most) the shifts that EPSG publishes for other areas would move
    /// the middle of the layer; the size of the error to reckon with. `None` where EPSG publishes none.
    pub published_elsewhere_m: Option<(f64, f64)>,
}

/// The way between a CRS and CGCS2000 longitude/latitude, chosen once a layer. Plain data: share it, and make one
/// [`Transformer`] a thread from it (rayon's `map_init(|| way.transformer(), …)`).
#[derive(Debug, Clone)]
pub struct Transformation {
    pipeline: String,
    null: bool,
    geographic: bool,
    unit_m: f64,
    source: String,
    accuracy: Accuracy,
    /// Forward and inverse by cells, shared by all threads.
    cells: Arc<[Cells; 2]>,
    /// Whether PROJ takes the pipeline; asked once.
    tried: Arc<OnceLock<Result<()>>>,
}

impl PartialEq for Transformation {
    fn eq(&self, o: &Self) -> bool {
        self.pipeline == o.pipeline && self.source == o.source && self.accuracy == o.accuracy
    }
}

impl Transformation {
    /// The way from `source` to EPSG:4490, for a layer that covers `area` (west, south, east, north in degrees; the
    /// CRS's area of use where `None`).
    ///
    /// CGCS2000 and WGS 84 share their longitude and latitude (no shift). From other datums the most accurate
    /// operation of PROJ's database whose area contains the whole layer is taken, the same one for every feature;
    /// where there is none, longitude and latitude stay as they are and [`Accuracy::ballpark`] says so.
    ///
    /// # Errors
    /// `Input` where PROJ finds no way at all.
    pub fn to_geographic(source: &ResolvedCrs, area: Option<Bounds>) -> Result<Self> {
        let ctx = Context::new();
        let pj = Pj::create(&ctx, &source.definition).ok_or_else(|| no_way(source, &ctx.last_message()))?;
        let wgs84 = Pj::create(&ctx, "EPSG:4326").ok_or_else(|| no_way(source, &ctx.last_message()))?;
        let same = source.datum.is_cgcs2000_within_a_metre() && !source.own_shift;
        let (op, accuracy) = if same {
            // to its own geographic CRS: undoes the projection and the unit, and moves nothing
            let own = source.datum.geographic_code().and_then(|c| Pj::create(&ctx, &format!("EPSG:{c}")));
            let op = own.and_then(|own| pj.operations_to(&own, None).into_iter().next());
            (op, same_frame(source, &wgs84))
        } else {
            best_operation(&pj, &wgs84, area.or(source.area_of_use))
        };
        let op = op.and_then(|o| o.normalized()).ok_or_else(|| no_way(source, &ctx.last_message()))?;
        let pipeline = op.pipeline().ok_or_else(|| no_way(source, &ctx.last_message()))?;
        Ok(Self {
            null: pipeline.trim() == "+proj=noop",
            pipeline,
            geographic: source.geographic,
            unit_m: source.unit_to_si,
            source: source.label(),
            accuracy,
            cells: Arc::new([
                Cells::new(source.geographic, source.unit_to_si, true, 1.0),
                Cells::new(true, 1.0, source.geographic, source.unit_to_si),
            ]),
            tried: Arc::default(),
        })
    }

    /// True where coordinates pass unchanged.
    pub fn is_null(&self) -> bool {
        self.null
    }

    /// The PROJ pipeline, for the run manifest.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// How well the change of datum is known.
    pub fn accuracy(&self) -> &Accuracy {
        &self.accuracy
    }

    /// What the user must know of the accuracy; `None` where it is a metre or better, or no datum changes.
    pub fn warning(&self) -> Option<Text> {
        accuracy_warning(&self.source, &self.accuracy)
    }

    /// A transformer for one thread.
    ///
    /// # Errors
    /// `Input` where PROJ does not take the pipeline (a grid file went missing).
    pub fn transformer(&self) -> Result<Transformer> {
        self.tried.get_or_init(|| self.pj().map(|_| ())).clone()?;
        Ok(Transformer { pj: OnceCell::new(), way: self.clone(), last: RefCell::default(), one_thread: PhantomData })
    }

    fn pj(&self) -> Result<Pj> {
        let ctx = Context::new();
        Pj::create(&ctx, &self.pipeline).ok_or_else(|| {
            let said = ctx.last_message();
            Error::input(
                format!("PROJ cannot run the transformation from {} to CGCS2000: {said}", self.source),
                format!("PROJ 无法执行 {} 到 CGCS2000 的转换:{said}", self.source),
            )
            .remedy(
                "check that PROJ's data files are installed (package proj-data)",
                "请检查 PROJ 数据文件(软件包 proj-data)",
            )
        })
    }
}

fn no_way(source: &ResolvedCrs, said: &str) -> Error {
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    Error::input(
        format!("PROJ finds no way from {} to CGCS2000{said}", source.label()),
        format!("PROJ 找不到从 {} 到 CGCS2000 的转换方法{said}", source.label()),
    )
    .remedy(
        "convert the data to CGCS2000 first, or give the right CRS, for example --crs EPSG:4524 (or ogr2ogr -a_srs, where \
         the layer bears another itself)",
        "请先将数据转换到 CGCS2000,或指明正确的坐标系,例如 --crs EPSG:4524(图层自带其他坐标系的,用 ogr2ogr -a_srs 改写)",
    )
}

/// CGCS2000 to itself is exact; WGS 84 is as good as the agreement among its own realisations.
fn same_frame(source: &ResolvedCrs, wgs84: &Pj) -> Accuracy {
    let itself = source.datum == super::Datum::Cgcs2000;
    Accuracy {
        metres: if itself { Some(0.0) } else { wgs84.ensemble_accuracy() },
        ballpark: false,
        description: if itself { "CGCS2000, no change of datum" } else { "WGS 84 = CGCS2000, null transformation" }
            .to_owned(),
        published_elsewhere_m: None,
    }
}

/// The most accurate operation whose area contains the layer; the ballpark one where there is none.
fn best_operation(source: &Pj, wgs84: &Pj, area: Option<Bounds>) -> (Option<Pj>, Accuracy) {
    let mut ballpark = None;
    let mut best: Option<(f64, Pj)> = None;
    for op in source.operations_to(wgs84, area) {
        if op.is_ballpark() {
            ballpark.get_or_insert(op);
            continue;
        }
        let covers = match (op.area_of_use(), area) {
            (Some(has), Some(wants)) => contains(has, wants),
            (None, _) => true,
            (Some(_), None) => false,
        };
        // an operation of unknown accuracy comes after every known one, in PROJ's own order
        let metres = op.accuracy_m().unwrap_or(f64::INFINITY);
        if covers && best.as_ref().is_none_or(|(m, _)| metres < *m) {
            best = Some((metres, op));
        }
    }
    if let Some((metres, op)) = best {
        let accuracy = Accuracy {
            metres: metres.is_finite().then_some(metres),
            ballpark: false,
            description: op.name(),
            published_elsewhere_m: None,
        };
        return (Some(op), accuracy);
    }
    let accuracy = Accuracy {
        metres: None,
        ballpark: true,
        description: ballpark.as_ref().map(Pj::name).unwrap_or_default(),
        published_elsewhere_m: area.and_then(|a| shifts_elsewhere(source, wgs84, a)),
    };
    (ballpark, accuracy)
}

fn contains([w, s, e, n]: Bounds, [w2, s2, e2, n2]: Bounds) -> bool {
    w <= w2 && s <= s2 && e >= e2 && n >= n2
}

/// How far the shifts published for other areas move the middle of `area`, in metres.
fn shifts_elsewhere(source: &Pj, wgs84: &Pj, [w, s, e, n]: Bounds) -> Option<(f64, f64)> {
    let middle = Coord { x: (w + e) / 2.0, y: (s + n) / 2.0 };
    let base = source.geodetic_crs()?;
    let mut range: Option<(f64, f64)> = None;
    for op in base.operations_to(wgs84, None).into_iter().filter(|o| !o.is_ballpark()) {
        let Some(op) = op.normalized() else { continue };
        let mut p = [middle];
        op.transform(&mut p, false);
        let d = ground_distance(middle, p[0]);
        if d.is_finite() {
            range = Some(range.map_or((d, d), |(a, b)| (a.min(d), b.max(d))));
        }
    }
    range
}

fn accuracy_warning(source: &str, a: &Accuracy) -> Option<Text> {
    if !a.ballpark {
        let m = a.metres?;
        return (m > 1.0 && !a.description.contains("null")).then(|| {
            Text::new(
                format!("{source} is brought to CGCS2000 by “{}”, good to {m} m", a.description),
                format!("{source} 按“{}”转换到 CGCS2000,精度约 {m} 米", a.description),
            )
        });
    }
    let (en, zh) = match a.published_elsewhere_m {
        Some((lo, hi)) => (
            format!(
                "the shifts that EPSG publishes for other areas would move this place by {lo:.0} to {hi:.0} m, so expect errors of that size"
            ),
            format!("EPSG 为其他地区公布的参数在此处引起 {lo:.0}~{hi:.0} 米的位移,误差可达这一量级"),
        ),
        None => (
            "EPSG publishes none for this datum; errors of tens of metres to more than a hundred are possible"
                .to_owned(),
            "EPSG 未公布该基准的任何转换参数,误差可能为数十米至百米以上".to_owned(),
        ),
    };
    Some(Text::new(
        format!(
            "{source}: PROJ has no datum shift to CGCS2000 for this place (“{}”, accuracy unknown) and takes longitude \
             and latitude over unchanged; {en}. Convert the data with the official parameters first: ogr2ogr \
             -s_srs \"+proj=… +towgs84=…\" -t_srs EPSG:4490",
            a.description
        ),
        format!(
            "{source}:PROJ 在此处没有到 CGCS2000 的基准转换参数(“{}”,精度未知),经纬度按原值沿用;{zh}。\
             请先用测绘主管部门的参数转换数据:ogr2ogr -s_srs \"+proj=… +towgs84=…\" -t_srs EPSG:4490",
            a.description
        ),
    ))
}

/// Runs a [`Transformation`]; belongs to one thread.
pub struct Transformer {
    /// Made when a cell or a point wants it: most threads never do.
    pj: OnceCell<Option<Pj>>,
    way: Transformation,
    /// The cells used last, forward and inverse.
    last: RefCell<[Last; 2]>,
    one_thread: PhantomData<*const ()>,
}

impl std::fmt::Debug for Transformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transformer").field("way", &self.way).finish()
    }
}

impl Transformer {
    /// From `source` to EPSG:4490 by the way that suits its whole area of use ([`Transformation::to_geographic`]).
    ///
    /// # Errors
    /// Those of [`Transformation::to_geographic`].
    pub fn new(source: &ResolvedCrs) -> Result<Self> {
        Transformation::to_geographic(source, None)?.transformer()
    }

    /// The way it runs.
    pub fn transformation(&self) -> &Transformation {
        &self.way
    }

    /// To CGCS2000 longitude/latitude in degrees, in place. Returns the positions of the points that could not be
    /// transformed; these are infinite afterwards.
    pub fn forward(&self, points: &mut [Coord<f64>]) -> Vec<usize> {
        self.run(points, false)
    }

    /// From CGCS2000 longitude/latitude in degrees to the CRS, in place; failures as in [`Self::forward`].
    pub fn inverse(&self, points: &mut [Coord<f64>]) -> Vec<usize> {
        self.run(points, true)
    }

    fn run(&self, points: &mut [Coord<f64>], inverse: bool) -> Vec<usize> {
        if !self.way.null {
            self.by_cells(points, inverse);
        }
        let failed = |c: &Coord<f64>| !(c.x.is_finite() && c.y.is_finite());
        points.iter().enumerate().filter(|(_, c)| failed(c)).map(|(i, _)| i).collect()
    }
}

impl Transformer {
    fn by_cells(&self, points: &mut [Coord<f64>], inverse: bool) {
        let cells = &self.way.cells[usize::from(inverse)];
        let last = &mut self.last.borrow_mut()[usize::from(inverse)];
        for p in points {
            match cells.point(*p, last, |c| self.exact(c, inverse)) {
                Some(q) => *p = q,
                None => self.exact(std::slice::from_mut(p), inverse),
            }
        }
    }

    /// PROJ itself.
    fn exact(&self, points: &mut [Coord<f64>], inverse: bool) {
        match self.pj.get_or_init(|| self.way.pj().ok()) {
            Some(pj) => pj.transform(points, inverse),
            None => points.iter_mut().for_each(|p| *p = Coord { x: f64::INFINITY, y: f64::INFINITY }),
        }
    }
}

/// Metres between two near points in degrees, on a sphere of 6,371 km: good to half a percent.
fn ground_distance(a: Coord<f64>, b: Coord<f64>) -> f64 {
    let m_per_deg = 6_371_008.8 * std::f64::consts::PI / 180.0;
    let cos = (a.y.midpoint(b.y)).to_radians().cos();
    ((a.x - b.x) * cos * m_per_deg).hypot((a.y - b.y) * m_per_deg)
}

/// Brings a geometry to CGCS2000 longitude/latitude.
///
/// Edges are straight in the source CRS (OGC 06-103r4), so an edge that would leave its true image by more than
/// [`EDGE_TOLERANCE_M`] gets points in between: at a quarter, half and three quarters the images of the edge's
/// points are compared with the straight line, and the edge is halved until they agree. The rule depends on the
/// edge alone, in either direction, so neighbours keep a common boundary. Longitude/latitude of the same datum
/// passes unchanged, bit for bit.
///
/// # Errors
/// `Input` where a point cannot be transformed; it names the point.
pub fn to_geographic(geometry: &Geometry<f64>, transformer: &Transformer) -> Result<Geometry<f64>> {
    Edges { transformer, inverse: false }.geometry(geometry)
}

/// Brings a geometry in CGCS2000 longitude/latitude to the transformer's CRS; edges as in [`to_geographic`], straight
/// in longitude/latitude.
///
/// # Errors
/// `Input` where a point cannot be transformed; it names the point.
pub fn from_geographic(geometry: &Geometry<f64>, transformer: &Transformer) -> Result<Geometry<f64>> {
    Edges { transformer, inverse: true }.geometry(geometry)
}

struct Edges<'a> {
    transformer: &'a Transformer,
    inverse: bool,
}

/// An edge in the source and its ends in the target.
#[derive(Clone, Copy)]
struct Edge {
    from: [Coord<f64>; 2],
    to: [Coord<f64>; 2],
}

fn mid(a: Coord<f64>, b: Coord<f64>) -> Coord<f64> {
    Coord { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

impl Edges<'_> {
    fn geometry(&self, g: &Geometry<f64>) -> Result<Geometry<f64>> {
        if self.transformer.way.null {
            return Ok(g.clone());
        }
        Ok(match g {
            Geometry::Point(p) => Geometry::Point(self.points(vec![p.0])?[0].into()),
            Geometry::MultiPoint(m) => {
                let moved = self.points(m.0.iter().map(|p| p.0).collect())?;
                Geometry::MultiPoint(moved.into_iter().map(geo::Point::from).collect())
            }
            Geometry::Line(l) => Geometry::LineString(self.line(&LineString::new(vec![l.start, l.end]))?),
            Geometry::LineString(l) => Geometry::LineString(self.line(l)?),
            Geometry::MultiLineString(m) => {
                Geometry::MultiLineString(m.0.iter().map(|l| self.line(l)).collect::<Result<_>>()?)
            }
            Geometry::Polygon(p) => Geometry::Polygon(self.polygon(p)?),
            Geometry::MultiPolygon(m) => {
                Geometry::MultiPolygon(m.0.iter().map(|p| self.polygon(p)).collect::<Result<_>>()?)
            }
            Geometry::Rect(r) => Geometry::Polygon(self.polygon(&r.to_polygon())?),
            Geometry::Triangle(t) => Geometry::Polygon(self.polygon(&t.to_polygon())?),
            Geometry::GeometryCollection(c) => {
                Geometry::GeometryCollection(c.0.iter().map(|g| self.geometry(g)).collect::<Result<_>>()?)
            }
        })
    }

    fn polygon(&self, p: &Polygon<f64>) -> Result<Polygon<f64>> {
        let holes = p.interiors().iter().map(|r| self.line(r)).collect::<Result<_>>()?;
        Ok(Polygon::new(self.line(p.exterior())?, holes))
    }

    fn points(&self, from: Vec<Coord<f64>>) -> Result<Vec<Coord<f64>>> {
        let mut to = from.clone();
        match self.transformer.run(&mut to, self.inverse).first() {
            None => Ok(to),
            Some(i) => {
                let Coord { x, y } = from[*i];
                let crs = &self.transformer.way.source;
                Err(Error::input(
                    format!("the point ({x}, {y}) cannot be transformed from {crs} to CGCS2000"),
                    format!("点 ({x}, {y}) 无法从 {crs} 转换到 CGCS2000"),
                )
                .remedy(
                    "check the coordinates, and name the right CRS with --crs",
                    "请检查坐标,并用 --crs 指明正确的坐标系",
                ))
            }
        }
    }

    fn line(&self, l: &LineString<f64>) -> Result<LineString<f64>> {
        let to = self.points(l.0.clone())?;
        let mut out = Vec::with_capacity(to.len());
        out.extend(to.first());
        for (from, to) in l.0.windows(2).zip(to.windows(2)) {
            self.edge(Edge { from: [from[0], from[1]], to: [to[0], to[1]] }, MAX_HALVINGS, &mut out)?;
        }
        Ok(LineString::new(out))
    }

    /// Appends the edge without its start.
    fn edge(&self, e: Edge, halvings_left: u32, out: &mut Vec<Coord<f64>>) -> Result<()> {
        if halvings_left == 0 || self.surely_short(e) || self.length_m(e) <= SHORT_EDGE_M {
            out.push(e.to[1]);
            return Ok(());
        }
        let [a, b] = e.from;
        let m = mid(a, b);
        let moved = self.points(vec![mid(a, m), m, mid(m, b)])?;
        let straight = mid(e.to[0], e.to[1]);
        let straight = [mid(e.to[0], straight), straight, mid(straight, e.to[1])];
        if moved.iter().zip(straight).all(|(p, q)| self.target_distance_m(*p, q) <= EDGE_TOLERANCE_M) {
            out.push(e.to[1]);
            return Ok(());
        }
        self.edge(Edge { from: [a, m], to: [e.to[0], moved[1]] }, halvings_left - 1, out)?;
        self.edge(Edge { from: [m, b], to: [moved[1], e.to[1]] }, halvings_left - 1, out)
    }

    /// True where an edge is shorter than [`SHORT_EDGE_M`] at any latitude; costs no cosine.
    fn surely_short(&self, e: Edge) -> bool {
        const DEG: f64 = SHORT_EDGE_M / 111_700.0 / std::f64::consts::SQRT_2;
        let [a, b] = if self.inverse { e.from } else { e.to };
        (a.x - b.x).abs() < DEG && (a.y - b.y).abs() < DEG
    }

    /// Length on the ground of an edge, by whichever side is in degrees.
    fn length_m(&self, e: Edge) -> f64 {
        let [a, b] = if self.inverse { e.from } else { e.to };
        ground_distance(a, b)
    }

    fn target_distance_m(&self, p: Coord<f64>, q: Coord<f64>) -> f64 {
        if self.inverse && !self.transformer.way.geographic {
            (p.x - q.x).hypot(p.y - q.y) * self.transformer.way.unit_m
        } else {
            ground_distance(p, q)
        }
    }
}

/// An edge around the earth halved this often is 20 m long.
const MAX_HALVINGS: u32 = 21;
