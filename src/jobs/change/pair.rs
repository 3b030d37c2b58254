//! Two scenes on one grid.

use super::{ChangeOptions, Method};
use crate::analysis::indices::Index;
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::inputs::typed_crs;
use crate::jobs::manifest::Manifest;
use crate::jobs::pipeline::wide_units;
use crate::jobs::raster_out::SeenCounts;
use crate::jobs::view::{View, same_crs};
use crate::model::{Crs, Grid, Role, Scene, Window};
use crate::prepare::crs::{ResolvedCrs, geographic_bounds, resolve};
use crate::read::digest::Digesting;
use crate::read::scenes::{require, scene};
use crate::report::change::Described;

/// Both scenes, their bands in the order of `roles`.
pub(in crate::jobs) struct Pair {
    pub scenes: [Scene; 2],
    pub roles: Vec<Role>,
    /// The first so many roles are what change is measured by; those behind them are for pictures.
    pub bands: usize,
    pub before: View,
    pub after: View,
    pub windows: Vec<Window>,
    title: Option<Index>,
}

impl Pair {
    pub fn open(o: &ChangeOptions, notes: &mut Notes) -> Result<Self> {
        let scenes = [scene(&o.before, &o.raster.bands)?, scene(&o.after, &o.raster.bands)?];
        let asked = asked(o);
        let mut roles: Vec<Role> = match o.method {
            Method::Difference(_) if o.normalise != super::Normalise::Invariant => roles_of(&asked),
            _ => common(&scenes),
        };
        for (s, path) in scenes.iter().zip([&o.before, &o.after]) {
            require(s, &roles_of(&asked))?;
            if asked.iter().any(|i| i.wants_reflectance()) {
                crate::jobs::index::reflectance(s, &roles, path)?;
            }
            if !matches!(o.method, Method::Difference(_)) && roles.len() < 2 {
                return Err(Error::input(
                    format!("{} needs two bands at least that both scenes have", o.method.as_str()),
                    format!("{} 至少需要两景共有的两个波段", o.method.as_str()),
                ));
            }
        }
        let bands = roles.len();
        if o.raster.quicklook && !o.count_only && matches!(o.method, Method::Difference(_)) {
            roles.extend(beside(&scenes, &roles));
        }
        offsets(&scenes, notes)?;
        in_order(&scenes, notes);
        let mut before = View::open(&scenes[0], &roles, None, o.raster.mask, &mut notes.warnings)?;
        let own = View::open(&scenes[1], &roles, None, o.raster.mask, &mut Vec::new())?;
        overlap(&before.grid, &own.grid, o)?;
        let mut after = View::open(&scenes[1], &roles, Some(&before.grid), o.raster.mask, &mut notes.warnings)?;
        (before.shown_from, after.shown_from) = (bands, bands);
        let blocks: Vec<(usize, usize)> = before.blocks.iter().chain(&after.blocks).copied().collect();
        let windows = wide_units(&before.grid, &blocks);
        let title = match o.method {
            Method::Difference(i) => Some(i),
            _ => None,
        };
        Ok(Self { scenes, roles, bands, before, after, windows, title })
    }

    /// Name of the band of the output.
    pub fn title(&self, o: &ChangeOptions) -> String {
        match self.title {
            Some(i) => format!("{}_difference", i.as_str()),
            None if matches!(o.method, Method::Vector) => "change_vector_length".into(),
            None => "irmad_chi_square".into(),
        }
    }

    /// The CRS of the grid.
    pub fn crs(&self) -> Result<(Crs, ResolvedCrs)> {
        let crs = self.before.grid.crs.clone().ok_or_else(|| {
            Error::input("the scene has no CRS, so patches cannot be placed", "影像没有坐标系,无法定位图斑")
                .remedy("set it: gdal_edit.py -a_srs EPSG:n FILE", "请设置:gdal_edit.py -a_srs EPSG:代码 文件")
        })?;
        let resolved = resolve(&crs)?;
        Ok((crs, resolved))
    }

    /// Area of a pixel in the grid's plane, square metres; in degrees, at the middle of the grid.
    pub fn pixel_m2(&self) -> Result<f64> {
        let g = &self.before.grid;
        let Some(c) = &g.crs else { return Ok(g.pixel_area()) };
        let r = resolve(c)?;
        if !r.geographic {
            return Ok(g.pixel_area() * r.unit_to_si * r.unit_to_si);
        }
        let [_, south, _, north] = g.bounds();
        // a degree of longitude and latitude on a sphere of the ellipsoid's mean radius: this only sizes a threshold
        let degree = 6_371_008.8 * std::f64::consts::PI / 180.0;
        Ok(g.pixel_area() * degree * degree * (0.5 * (south + north)).to_radians().cos())
    }

    /// Begins the digests of the files that are read.
    pub fn digesting(&self) -> Option<Digesting> {
        Manifest::digesting(&[&self.scenes[0], &self.scenes[1]], &self.used())
    }

    pub fn record(&self, m: &mut Manifest, digests: Option<Digesting>) -> Result<()> {
        let [before, after] = &self.scenes;
        let all = [("before", before, &self.before.grid), ("after", after, &self.after.grid)];
        m.scenes(&all, &self.used(), digests)
    }

    fn used(&self) -> Vec<Role> {
        let mut used = self.roles.clone();
        used.push(Role::Qa);
        used
    }

    /// What the tables say of the pair.
    pub fn described(&self, o: &ChangeOptions) -> Described {
        let date = |s: &Scene| s.datetime.map(|t| t.date_naive());
        Described {
            crs: self.before.grid.crs.clone(),
            dates: [date(&self.scenes[0]), date(&self.scenes[1])],
            measure: self.title.map_or("magnitude", Index::as_str).to_owned(),
            with_classes: !o.classes.is_empty(),
            with_permits: !o.permits.is_empty(),
            classes: o.classes.names().map(|(_, n)| n.to_owned()).collect(),
            lang: o.raster.lang,
        }
    }

    pub fn nothing_seen(&self, c: &SeenCounts) -> Error {
        let en: Vec<String> = c.each().map(|(s, n)| format!("{} {n}", s.as_str())).collect();
        let zh: Vec<String> = c.each().map(|(s, n)| format!("{} {n}", s.zh())).collect();
        Error::input(
            format!("no pixel was seen on both dates ({})", en.join(", ")),
            format!("两期影像没有共同的有效像元({})", zh.join(",")),
        )
        .remedy(
            "take other dates, or --no-cloud-mask if a mask is wrong",
            "请换用其他日期;若掩膜有误可用 --no-cloud-mask",
        )
    }
}

/// Indices that are computed of both dates.
fn asked(o: &ChangeOptions) -> Vec<Index> {
    let mut out = o.classes.indices();
    if let Method::Difference(i) = o.method
        && !out.contains(&i)
    {
        out.insert(0, i);
    }
    out
}

fn roles_of(indices: &[Index]) -> Vec<Role> {
    let mut out = Vec::new();
    for r in indices.iter().flat_map(|i| i.roles()) {
        if !out.contains(r) {
            out.push(*r);
        }
    }
    out
}

/// The green band for a picture in false colours, where it lies in the file that the red one is read from on both dates:
/// then it is decoded anyway.
fn beside(scenes: &[Scene; 2], roles: &[Role]) -> Option<Role> {
    let wanted = roles.contains(&Role::Red) && roles.contains(&Role::Nir) && !roles.contains(&Role::Green);
    let together = |s: &Scene| match (s.asset(Role::Green), s.asset(Role::Red)) {
        (Some(g), Some(r)) => g.source == r.source,
        _ => false,
    };
    (wanted && scenes.iter().all(together)).then_some(Role::Green)
}

/// Bands of reflectance that both have.
fn common(scenes: &[Scene; 2]) -> Vec<Role> {
    Role::ALL
        .into_iter()
        .filter(|r| !matches!(r, Role::Qa | Role::Radsat | Role::Tir | Role::Tir2 | Role::Coastal | Role::NirNarrow))
        .filter(|r| scenes.iter().all(|s| s.asset(*r).is_some()))
        .collect()
}

/// Refuses Sentinel-2 scenes whose offset is not told by the product: no index cancels a wrong one.
fn offsets(scenes: &[Scene; 2], notes: &mut Notes) -> Result<()> {
    if !scenes.iter().any(Scene::is_sentinel2) {
        return Ok(());
    }
    let told = |s: &Scene| !s.is_sentinel2() || s.boa_offset.is_some();
    let unknown: Vec<&str> = scenes.iter().filter(|s| !told(s)).map(|s| s.id.as_str()).collect();
    if !unknown.is_empty() {
        return Err(Error::input(
            format!("the offset of Sentinel-2 numbers is not known for {}", unknown.join(", ")),
            format!("无法确定 Sentinel-2 影像的辐射偏移:{}", unknown.join("、")),
        )
        .remedy(
            "unpack the whole product, with its MTD_MSIL*.xml (−1000 from baseline 04.00 on, 0 before); or give each scene as one raster with --bands, its offset set by gdal_edit.py -offset",
            "请连同 MTD_MSIL*.xml 完整解压产品(04.00 起为 −1000,此前为 0);或用 gdal_edit.py -offset 写明偏移后以 --bands 给出",
        ));
    }
    if let [Some(a), Some(b)] = [scenes[0].boa_offset, scenes[1].boa_offset]
        && a != b
    {
        notes.warnings.push(Text::new(
            format!("the products carry different offsets ({a} and {b}); each was applied as its own metadata tell"),
            format!("两期产品的辐射偏移不同({a} 与 {b}),已按各自元数据改正"),
        ));
    }
    Ok(())
}

fn in_order(scenes: &[Scene; 2], notes: &mut Notes) {
    if let [Some(a), Some(b)] = [scenes[0].datetime, scenes[1].datetime]
        && a > b
    {
        notes.warnings.push(Text::new(
            format!("the scene given as before ({a}) is later than the one given as after ({b})"),
            format!("作为前时相的影像({a})晚于后时相({b})"),
        ));
    }
}

/// Refuses scenes that share no ground.
fn overlap(a: &Grid, b: &Grid, o: &ChangeOptions) -> Result<()> {
    let bounds = |g: &Grid| -> Result<Option<[f64; 4]>> {
        match &g.crs {
            Some(c) if !same_crs(a.crs.as_ref(), b.crs.as_ref()) => {
                Ok(geographic_bounds(&resolve(&typed_crs(&c.definition))?, g.bounds()))
            }
            _ => Ok(Some(g.bounds())),
        }
    };
    let (Some(x), Some(y)) = (bounds(a)?, bounds(b)?) else { return Ok(()) };
    if x[0] < y[2] && y[0] < x[2] && x[1] < y[3] && y[1] < x[3] {
        return Ok(());
    }
    let list = |b: [f64; 4]| b.map(|v| format!("{v:.1}")).join(" ");
    Err(Error::input(
        format!("the scenes do not overlap (before {}; after {})", list(x), list(y)),
        format!("两期影像没有重叠(前 {};后 {})", list(x), list(y)),
    )
    .in_file(&o.after)
    .remedy(
        "give two scenes of one place (west south east north are shown)",
        "请给出同一地区的两期影像(上列为 西 南 东 北)",
    ))
}
