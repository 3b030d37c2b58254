//! Polygons and lines out of a layer's geometries: sorted by what they are, mended, and brought to one CRS.

use geo::{BoundingRect, Geometry, LineString, MultiPolygon, Polygon};
use rayon::prelude::*;

use super::crs::{
    FitCheck, ResolvedCrs, Transformation, Transformer, Unfit, check_features, from_geographic, geographic_bounds,
    to_geographic,
};
use crate::error::{Error, Result, Text};
use crate::model::{Feature, Layer, LayerInfo, Reason, Skipped};
use crate::space::{repair, validity};

/// The way from a layer's CRS to the coordinates in which distances are measured: CGCS2000 longitude/latitude, or a
/// projected CRS.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    source: ResolvedCrs,
    first: Option<Transformation>,
    onward: Option<Transformation>,
}

impl Way {
    /// From the CRS of a layer to longitude/latitude, or on to `target`.
    ///
    /// # Errors
    /// `Input` where PROJ knows no way.
    pub fn new(source: &ResolvedCrs, target: Option<&ResolvedCrs>, layer: &Layer) -> Result<Self> {
        Self::over(source, target, total_bounds(layer).and_then(|b| geographic_bounds(source, b)))
    }

    /// As [`Way::new`], for coordinates within `area` (west, south, east, north in degrees), which helps PROJ to choose
    /// among operations.
    ///
    /// # Errors
    /// `Input` where PROJ knows no way.
    pub fn over(source: &ResolvedCrs, target: Option<&ResolvedCrs>, area: Option<[f64; 4]>) -> Result<Self> {
        // coordinates that are in the target's CRS already stay as they are
        if target.is_some_and(|t| t.definition == source.definition) {
            return Ok(Self { source: source.clone(), first: None, onward: None });
        }
        let first = Transformation::to_geographic(source, area)?;
        let onward = target.map(|t| Transformation::to_geographic(t, area)).transpose()?;
        Ok(Self { source: source.clone(), first: Some(first), onward })
    }

    /// What the user must know of the accuracy.
    pub fn warning(&self) -> Option<Text> {
        self.first.as_ref()?.warning()
    }

    /// The PROJ pipeline, for the run manifest.
    pub fn pipeline(&self) -> &str {
        self.first.as_ref().map_or("+proj=noop", Transformation::pipeline)
    }

    /// A runner for one thread.
    ///
    /// # Errors
    /// `Input` where PROJ cannot run the way.
    pub fn runner(&self) -> Result<Runner> {
        let ready = |t: &Option<Transformation>| t.as_ref().map(Transformation::transformer).transpose();
        Ok(Runner { first: ready(&self.first)?, onward: ready(&self.onward)? })
    }
}

/// Runs a [`Way`]; one a thread.
#[derive(Debug)]
pub struct Runner {
    first: Option<Transformer>,
    onward: Option<Transformer>,
}

impl Runner {
    /// Takes a geometry along; straight edges of the source stay where they are on the ground.
    ///
    /// # Errors
    /// `Input` where a point cannot be transformed.
    pub fn run(&self, g: &Geometry<f64>) -> Result<Geometry<f64>> {
        match &self.first {
            Some(t) => self.onward(to_geographic(g, t)?),
            None => self.onward(g.clone()),
        }
    }

    /// As [`Self::run`], without a copy where nothing changes.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_owned(&self, g: Geometry<f64>) -> Result<Geometry<f64>> {
        match &self.first {
            Some(t) if !t.transformation().is_null() => self.onward(to_geographic(&g, t)?),
            _ => self.onward(g),
        }
    }

    fn onward(&self, lonlat: Geometry<f64>) -> Result<Geometry<f64>> {
        match &self.onward {
            Some(t) if !t.transformation().is_null() => from_geographic(&lonlat, t),
            _ => Ok(lonlat),
        }
    }
}

/// The usable features of a layer, and what was set aside or mended.
#[derive(Debug, Clone, PartialEq)]
pub struct Shapes<T> {
    /// Position in the layer's features, and the shape in the way's coordinates.
    pub shapes: Vec<(usize, T)>,
    /// What was set aside or repaired.
    pub skipped: Vec<Skipped>,
    /// What the user must know.
    pub warnings: Vec<Text>,
    /// Repairs that needed GEOS.
    pub via_geos: u64,
}

/// Notes on one feature.
pub(super) fn note(
    info: &LayerInfo,
    fid: i64,
    repaired: bool,
    code: &'static str,
    en: impl Into<String>,
    zh: impl Into<String>,
) -> Skipped {
    Skipped {
        file: info.source.clone(),
        layer: info.name.clone(),
        fid,
        id: None,
        reason: Reason { code, text: Text::new(en, zh) },
        repaired,
    }
}

/// What a geometry is for a layer of polygons.
struct Sorted {
    polygons: Vec<Polygon<f64>>,
    lines: Vec<LineString<f64>>,
    points: usize,
}

impl Sorted {
    fn made_of(&self) -> MadeOf {
        match (self.polygons.len(), self.lines.len(), self.points) {
            (0, 0, 0) => MadeOf::Nothing,
            (0, 0, _) => MadeOf::Points,
            (0, ..) => MadeOf::Lines,
            _ => MadeOf::Polygons,
        }
    }
}

fn sort(g: Geometry<f64>) -> Sorted {
    let mut s = Sorted { polygons: Vec::new(), lines: Vec::new(), points: 0 };
    sort_into(g, &mut s);
    s
}

fn sort_into(g: Geometry<f64>, s: &mut Sorted) {
    match g {
        Geometry::Polygon(p) => s.polygons.extend((!p.exterior().0.is_empty()).then_some(p)),
        Geometry::MultiPolygon(m) => s.polygons.extend(m.0.into_iter().filter(|p| !p.exterior().0.is_empty())),
        Geometry::Rect(r) => s.polygons.push(r.to_polygon()),
        Geometry::Triangle(t) => s.polygons.push(t.to_polygon()),
        Geometry::LineString(l) => s.lines.extend((!l.0.is_empty()).then_some(l)),
        Geometry::MultiLineString(m) => s.lines.extend(m.0.into_iter().filter(|l| !l.0.is_empty())),
        Geometry::Line(l) => s.lines.push(LineString(vec![l.start, l.end])),
        Geometry::Point(_) => s.points += 1,
        Geometry::MultiPoint(m) => s.points += m.0.len(),
        Geometry::GeometryCollection(c) => c.0.into_iter().for_each(|g| sort_into(g, s)),
    }
}

/// Takes the polygons out of a layer's features, one by one and in any order: mended in their own coordinates, and
/// brought along the way.
#[derive(Debug, Clone)]
pub struct PolygonReader<'a> {
    info: &'a LayerInfo,
    check: FitCheck,
}

/// What one feature gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taken {
    /// Its polygons in the way's coordinates, where it is usable.
    pub shape: Option<MultiPolygon<f64>>,
    /// Why it was set aside, or what was mended.
    pub notes: Vec<Skipped>,
    /// The repair needed GEOS.
    pub via_geos: bool,
    /// Its bounds in the layer's coordinates, where they fit the CRS.
    pub bounds: Option<[f64; 4]>,
    /// Its bounds, where they do not.
    pub unfit: Option<Unfit>,
    /// What it is made of.
    pub made_of: MadeOf,
}

/// What a feature's geometry is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MadeOf {
    /// Nothing.
    #[default]
    Nothing,
    /// Points alone.
    Points,
    /// Lines, and perhaps points.
    Lines,
    /// Polygons, among others perhaps.
    Polygons,
}

impl<'a> PolygonReader<'a> {
    /// For a layer; its bounds, where its file has them, save looking at each feature.
    pub fn new(info: &'a LayerInfo, way: &Way, extent: Option<[f64; 4]>) -> Self {
        Self { info, check: FitCheck::new(&way.source, extent) }
    }

    /// The polygons of one feature; null and empty geometries, those without a polygon, and polygons that cannot be
    /// mended are set aside. The feature's geometry is taken out of it.
    ///
    /// # Errors
    /// `Input` where PROJ cannot run the way.
    pub fn take(&self, f: &mut Feature, runner: &Result<Runner>) -> Result<Taken> {
        let mut t = Taken::default();
        let aside = |t: Taken, code, en: String, zh: String| {
            Ok(Taken { notes: vec![note(self.info, f.fid, false, code, en, zh)], ..t })
        };
        let Some(g) = f.geometry.take() else {
            return aside(t, "null_geometry", "the feature has no geometry".into(), "要素没有几何".into());
        };
        let bounds = g.bounding_rect().map(|r| [r.min().x, r.min().y, r.max().x, r.max().y]);
        let s = sort(g);
        t.made_of = s.made_of();
        let other = s.lines.len() + s.points;
        if s.polygons.is_empty() && other > 0 {
            let (lines, points) = (s.lines.len(), s.points);
            let (en, zh) = (
                format!("{lines} line(s) and {points} point(s), no polygon"),
                format!("含 {lines} 条线、{points} 个点,没有面"),
            );
            return aside(t, "not_polygon", en, zh);
        }
        if s.polygons.is_empty() {
            return aside(t, "empty_geometry", "the geometry is empty".into(), "几何为空".into());
        }
        t.unfit = bounds.and_then(|b| self.check.unfit(b));
        if let Some(u) = &t.unfit {
            let r = self.check.reason(u);
            return aside(t, r.code, r.text.en, r.text.zh);
        }
        t.bounds = bounds;
        if other > 0 {
            let (en, zh) = (
                format!("{other} line(s) or point(s) beside the polygons were left out"),
                format!("面以外的 {other} 个线或点未使用"),
            );
            t.notes.push(note(self.info, f.fid, true, "mixed_geometry", en, zh));
        }
        let source = MultiPolygon(s.polygons);
        let shape = match mend(&source) {
            Mended::Sound => source,
            Mended::Repaired(m, why, via_geos) => {
                t.notes.push(note(self.info, f.fid, true, why.code, why.text.en, why.text.zh));
                t.via_geos = via_geos;
                m
            }
            Mended::Lost(why) => return aside(t, why.code, why.text.en, why.text.zh),
        };
        let runner = runner.as_ref().map_err(Clone::clone)?;
        match runner.run_owned(Geometry::MultiPolygon(shape)) {
            Ok(Geometry::MultiPolygon(m)) => Ok(Taken { shape: Some(m), ..t }),
            Ok(_) => aside(t, "empty_geometry", "the geometry is empty".into(), "几何为空".into()),
            Err(e) => aside(t, "not_transformable", e.what.en.clone(), e.what.zh.clone()),
        }
    }

    /// The layer.
    pub fn info(&self) -> &LayerInfo {
        self.info
    }

    /// Why a feature is set aside.
    pub fn aside(&self, fid: i64, code: &'static str, text: Text) -> Skipped {
        note(self.info, fid, false, code, text.en, text.zh)
    }

    /// The verdict on a layer at its end; what the user must know.
    ///
    /// # Errors
    /// `Input` where no feature of the layer is a polygon, or the coordinates do not fit the CRS.
    pub fn verdict(&self, seen: &Seen) -> Result<Vec<Text>> {
        seen.no_polygon_at_all(self.info)?;
        let place = |e: Error| e.in_file(&self.info.source).in_layer(&self.info.name);
        self.check.verdict(seen.bounded, &seen.unfit, seen.sound).map_err(place)
    }
}

/// What was seen of a layer's features, summed up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    points: usize,
    lines: usize,
    polygons: usize,
    bounded: usize,
    unfit: Vec<Unfit>,
    sound: Option<[f64; 4]>,
}

impl Seen {
    /// Adds a feature.
    pub fn add(&mut self, t: &Taken) {
        match t.made_of {
            MadeOf::Nothing => {}
            MadeOf::Points => self.points += 1,
            MadeOf::Lines => self.lines += 1,
            MadeOf::Polygons => self.polygons += 1,
        }
        self.bounded += usize::from(t.bounds.is_some() || t.unfit.is_some());
        self.unfit.extend(t.unfit);
        if let Some(b) = t.bounds {
            let a = self.sound.unwrap_or(b);
            self.sound = Some([a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
        }
    }

    /// True where a feature was usable.
    pub fn usable(&self) -> bool {
        self.sound.is_some()
    }

    /// A layer of points or lines where polygons belong is refused, not set aside feature by feature.
    fn no_polygon_at_all(&self, info: &LayerInfo) -> Result<()> {
        let (points, lines) = (self.points, self.lines);
        if self.polygons > 0 || points + lines == 0 {
            return Ok(());
        }
        let (en, zh) = if points >= lines { ("points", "点") } else { ("lines", "线") };
        Err(Error::input(
            format!("the layer holds {en} ({} of them); polygons are needed here", points.max(lines)),
            format!("图层为{zh}要素(共 {} 个),此处需要面要素", points.max(lines)),
        )
        .in_file(&info.source)
        .in_layer(&info.name)
        .remedy(
            "give the layer of outlines; where only points are known, draw an outline round each first (QGIS: Buffer)",
            "请给出图斑边界(面)图层;若只有点位,请先勾绘边界(如 QGIS 的“缓冲区”工具)",
        ))
    }
}

/// The polygons of a layer, as [`PolygonReader`] takes them.
///
/// # Errors
/// `Input` where no feature of the layer is a polygon, or the coordinates do not fit the CRS.
pub fn polygons(layer: &Layer, way: &Way) -> Result<Shapes<MultiPolygon<f64>>> {
    let reader = PolygonReader::new(&layer.info, way, None);
    let done: Vec<Taken> = layer
        .features
        .par_iter()
        .with_min_len(64)
        .map_init(|| way.runner(), |runner, f| reader.take(&mut f.clone(), runner))
        .collect::<Result<_>>()
        .map_err(|e| e.in_file(&layer.info.source).in_layer(&layer.info.name))?;
    let mut out = Shapes { shapes: Vec::new(), skipped: Vec::new(), warnings: Vec::new(), via_geos: 0 };
    let mut seen = Seen::default();
    for (i, t) in done.into_iter().enumerate() {
        seen.add(&t);
        out.shapes.extend(t.shape.map(|s| (i, s)));
        out.skipped.extend(t.notes);
        out.via_geos += u64::from(t.via_geos);
    }
    out.warnings = reader.verdict(&seen)?;
    Ok(out)
}

/// What became of a polygon.
#[derive(Debug, Clone, PartialEq)]
pub enum Mended {
    /// It was valid.
    Sound,
    /// It was mended; why, and whether GEOS was needed.
    Repaired(MultiPolygon<f64>, Reason, bool),
    /// Nothing can be made of it.
    Lost(Reason),
}

/// Mends a polygon in its own coordinates; sound ones are left exactly as they are.
pub fn mend(shape: &MultiPolygon<f64>) -> Mended {
    if validity::valid(shape) {
        return Mended::Sound;
    }
    let faults: Vec<_> = validity::faults(shape).into_iter().filter(|f| f.reason.invalid()).collect();
    let Some(first) = faults.first() else { return Mended::Sound };
    let more = faults.len() - 1;
    let at = format!("({}, {})", short(first.at.x), short(first.at.y));
    let text = first.reason.text();
    let (mut en, mut zh) = (format!("{} at {at}", text.en), format!("{},位于 {at}", text.zh));
    if more > 0 {
        en += &format!(", and {more} more");
        zh += &format!(",另有 {more} 处");
    }
    let reason = |en: String, zh: String| Reason { code: first.reason.code(), text: Text::new(en, zh) };
    match repair::repair(shape) {
        Ok(r) if !r.shape.0.is_empty() => {
            Mended::Repaired(r.shape, reason(format!("{en}; mended"), format!("{zh};已修复")), r.via_geos)
        }
        _ => {
            Mended::Lost(reason(format!("{en}; nothing is left of it when mended"), format!("{zh};修复后没有剩余面积")))
        }
    }
}

fn short(v: f64) -> String {
    let digits = if v.abs() > 1000.0 { 3 } else { 8 };
    format!("{v:.digits$}")
}

fn feature_bounds(f: &Feature) -> Option<[f64; 4]> {
    let r = f.geometry.as_ref()?.bounding_rect()?;
    Some([r.min().x, r.min().y, r.max().x, r.max().y])
}

fn total_bounds(layer: &Layer) -> Option<[f64; 4]> {
    let finite = |b: &[f64; 4]| b.iter().all(|v| v.is_finite());
    layer
        .features
        .iter()
        .filter_map(feature_bounds)
        .filter(finite)
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}

/// Features whose coordinates do not fit the CRS (sorted by id), and warnings.
type Found = (Vec<(i64, Reason)>, Vec<Text>);

fn extent(layer: &Layer, way: &Way) -> Result<Found> {
    let bounds: Vec<(i64, [f64; 4])> =
        layer.features.iter().filter_map(|f| Some((f.fid, feature_bounds(f)?))).collect();
    let report =
        check_features(&way.source, &bounds).map_err(|e| e.in_file(&layer.info.source).in_layer(&layer.info.name))?;
    let mut unfit = report.unfit;
    unfit.sort_by_key(|u| u.0);
    Ok((unfit, report.warnings))
}

/// A river's shape: its lines, and its water polygons.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// Lines.
    pub lines: Vec<LineString<f64>>,
    /// Water polygons, mended.
    pub waters: Vec<Polygon<f64>>,
}

/// The lines and water polygons of a layer of rivers.
///
/// # Errors
/// `Input` where the layer holds points alone, or the coordinates do not fit the CRS.
pub fn courses(layer: &Layer, way: &Way) -> Result<Shapes<Course>> {
    let (unfit, warnings) = extent(layer, way)?;
    let runner = way.runner()?;
    let mut out = Shapes { shapes: Vec::new(), skipped: Vec::new(), warnings, via_geos: 0 };
    for (i, f) in layer.features.iter().enumerate() {
        let skip = |code, en: &str, zh: &str| note(&layer.info, f.fid, false, code, en, zh);
        let Some(s) = f.geometry.clone().map(sort) else {
            out.skipped.push(skip("null_geometry", "the feature has no geometry", "要素没有几何"));
            continue;
        };
        if s.lines.is_empty() && s.polygons.is_empty() {
            let n = if s.points > 0 {
                skip("not_river", "points alone make no river", "仅有点,不能构成河流")
            } else {
                skip("empty_geometry", "the geometry is empty", "几何为空")
            };
            out.skipped.push(n);
            continue;
        }
        if let Ok(k) = unfit.binary_search_by_key(&f.fid, |u| u.0) {
            out.skipped.push(skip(unfit[k].1.code, &unfit[k].1.text.en, &unfit[k].1.text.zh));
            continue;
        }
        match course(layer, &runner, f.fid, s, &mut out) {
            Ok(c) => out.shapes.push((i, c)),
            Err(e) => out.skipped.push(skip("not_transformable", &e.what.en, &e.what.zh)),
        }
    }
    if out.shapes.is_empty() {
        return Err(Error::input("the layer holds no river line and no water polygon", "图层中没有河流线或水面")
            .in_file(&layer.info.source)
            .in_layer(&layer.info.name)
            .remedy("give a layer of lines or polygons to --rivers", "请为 --rivers 指定线或面图层"));
    }
    Ok(out)
}

fn course(layer: &Layer, runner: &Runner, fid: i64, s: Sorted, out: &mut Shapes<Course>) -> Result<Course> {
    let mut c = Course::default();
    for l in s.lines {
        if let Geometry::LineString(l) = runner.run(&Geometry::LineString(l))? {
            c.lines.push(l);
        }
    }
    if !s.polygons.is_empty() {
        let source = MultiPolygon(s.polygons);
        let sound = match mend(&source) {
            Mended::Sound => source,
            Mended::Repaired(m, why, via_geos) => {
                out.via_geos += u64::from(via_geos);
                out.skipped.push(note(&layer.info, fid, true, why.code, why.text.en, why.text.zh));
                m
            }
            Mended::Lost(why) => {
                return Err(Error::new(crate::error::ErrorKind::Input, why.text));
            }
        };
        if let Geometry::MultiPolygon(m) = runner.run(&Geometry::MultiPolygon(sound))? {
            c.waters.extend(m.0);
        }
    }
    Ok(c)
}
