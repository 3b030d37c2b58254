//! One look: a scene, perhaps with one of the night, brought to one grid; read and screened window by window.

use std::path::Path;
use std::time::Instant;

use super::{DetectOptions, Kelvin};
use crate::analysis::fire::detect::Method;
use crate::analysis::fire::detect::screen::{self, CLEAR, DATA, Flags};
use crate::analysis::fire::detect::temperature::{Emissivity, SingleChannel};
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::jobs::view::{MaskOptions, View};
use crate::model::{Asset, Calibration, Grid, Role, Scene, Seen, Window};

/// Bands 1 to 7 of OLI.
const OLI: [Role; 7] = [Role::Coastal, Role::Blue, Role::Green, Role::Red, Role::Nir, Role::Swir1, Role::Swir2];
/// Effective wavelengths of the thermal band, µm: TIRS 10 (USGS LSDS-1574, 10.60–11.19), TM and ETM+ 6 (Barsi et al.
/// 2003: 11.45 and 11.27).
const WAVELENGTHS: [(&str, f64); 6] = [
    ("landsat-4", 11.45),
    ("landsat-5", 11.45),
    ("landsat-7", 11.27),
    ("landsat-8", 10.895),
    ("landsat-9", 10.895),
    ("", 10.895),
];

/// Values of a window after the tests that look at one pixel alone.
#[derive(Debug, Default)]
pub(super) struct Planes {
    pub flags: Vec<Flags>,
    /// Reflectance of 2.2 µm; empty without reflectances.
    pub r7: Vec<f32>,
    /// Reflectance of the near infrared, where a test of neighbours asks for it.
    pub r5: Vec<f32>,
    /// Surface temperature, K; empty where not asked for.
    pub kelvin: Vec<f32>,
    /// Difference of both thermal bands, K.
    pub split: Vec<f32>,
    /// Flags of the night scene.
    pub night_flags: Vec<Flags>,
    /// Its temperature.
    pub night: Vec<f32>,
    /// What was seen, both scenes together.
    pub seen: Vec<Seen>,
    /// Seconds of reading, and of the tests of single pixels.
    pub seconds: [f64; 2],
}

/// A band of a view by its role.
struct Bands {
    view: View,
    roles: Vec<Role>,
}

impl Bands {
    fn open(s: &Scene, roles: &[Role], target: Option<&Grid>, mask: MaskOptions, notes: &mut Notes) -> Result<Self> {
        Ok(Self { view: View::open(s, roles, target, mask, &mut notes.warnings)?, roles: roles.to_vec() })
    }
}

/// What was read of a window.
struct Read {
    bands: Vec<(Role, Vec<f32>)>,
    seen: Vec<Seen>,
}

impl Read {
    fn of(b: &Bands, w: Window) -> Result<Self> {
        let o = b.view.read(w)?;
        Ok(Self { bands: b.roles.iter().copied().zip(o.bands).collect(), seen: o.seen })
    }

    fn band(&self, role: Role) -> Option<&[f32]> {
        self.bands.iter().find(|b| b.0 == role).map(|b| b.1.as_slice())
    }

    /// A band, which is not there any more.
    fn take(&mut self, role: Role) -> Vec<f32> {
        self.bands.iter_mut().find(|b| b.0 == role).map_or_else(Vec::new, |b| std::mem::take(&mut b.1))
    }

    fn all<const N: usize>(&self, roles: [Role; N]) -> Option<[&[f32]; N]> {
        let mut out = [&[][..]; N];
        for (o, r) in out.iter_mut().zip(roles) {
            *o = self.band(r)?;
        }
        Some(out)
    }
}

/// How temperatures of a scene become those of the surface.
#[derive(Debug, Clone, Copy)]
struct Surface {
    channel: Option<SingleChannel>,
    emissivity: Emissivity,
}

/// A look at one place.
pub(super) struct Look {
    pub scene: Scene,
    pub night: Option<Scene>,
    pub grid: Grid,
    pub blocks: Vec<(usize, usize)>,
    pub methods: Vec<Method>,
    /// Reflectances, and all bands where they share files.
    optical: Bands,
    thermal: Option<Bands>,
    night_view: Option<Bands>,
    nir: Role,
    saturated: [Option<f32>; 2],
    /// Bits of the band that tells saturation, of 1.6 and 2.2 µm.
    saturated_bits: u32,
    surface: Surface,
    night_surface: Surface,
}

impl Look {
    /// Opens a scene for the methods asked for, or for those that its bands allow.
    pub fn open(
        o: &DetectOptions,
        scene: Scene,
        night: Option<Scene>,
        target: Option<&Grid>,
        notes: &mut Notes,
    ) -> Result<Self> {
        let has = |r: &Role| scene.asset(*r).is_some();
        let nir = if has(&Role::NirNarrow) { Role::NirNarrow } else { Role::Nir };
        let methods = methods(o, &scene)?;
        let thermal = methods.iter().any(|m| matches!(m, Method::Thermal | Method::Sagbt));
        let mut roles: Vec<Role> = Vec::new();
        let mut add = |r: Role| {
            let r = if r == Role::Nir { nir } else { r };
            if r != Role::Tir && !roles.contains(&r) {
                roles.push(r);
            }
        };
        methods.iter().flat_map(|m| m.roles()).for_each(|r| add(*r));
        if thermal {
            // water, and the cover of vegetation for the emissivity
            OLI.into_iter().filter(has).for_each(&mut add);
        }
        let radsat = methods.iter().any(|m| matches!(m, Method::Hotmap | Method::Vote)) && has(&Role::Radsat);
        told(&scene, &methods, notes);
        let mask = MaskOptions { saturated: false, ..o.mask };
        let mut heat = Vec::new();
        if thermal {
            heat.push(Role::Tir);
            if o.thermal.split_k.is_some() {
                heat.push(Role::Tir2);
            }
        }
        let file = |r: &Role| scene.asset(*r).map(|a| a.source.clone());
        let together = roles.is_empty() || heat.iter().any(|h| roles.iter().any(|r| file(r) == file(h)));
        let mut first: Vec<Role> = if together { roles.iter().chain(&heat).copied().collect() } else { roles };
        first.extend(radsat.then_some(Role::Radsat));
        let mut optical = Bands::open(&scene, &first, target, mask, notes)?;
        if radsat {
            // its zeros are no nodata
            optical.view.shown_from = first.len() - 1;
        }
        let grid = optical.view.grid.clone();
        // its clouds are told already
        let bare = MaskOptions { clouds: false, ..mask };
        let thermal_view = match together || heat.is_empty() {
            true => None,
            false => Some(Bands::open(&scene, &heat, Some(&grid), bare, notes)?),
        };
        let night_view = match &night {
            Some(n) => Some(Bands::open(n, &[Role::Tir], Some(&grid), mask, notes)?),
            None => None,
        };
        let blocks = [Some(&optical), thermal_view.as_ref(), night_view.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|b| b.view.blocks.iter().copied())
            .collect();
        let saturated = [Role::Swir1, Role::Swir2].map(|r| scene.asset(r).and_then(|a| top(a, o.saturation)));
        let surface = surface(o, &scene, notes);
        let night_surface = night.as_ref().map_or(surface, |n| self::surface(o, n, notes));
        Ok(Self {
            night,
            grid,
            blocks,
            methods,
            optical,
            thermal: thermal_view,
            night_view,
            nir,
            saturated,
            saturated_bits: saturated_bits(&scene.sensor.platform),
            scene,
            surface,
            night_surface,
        })
    }

    pub fn uses(&self, m: Method) -> bool {
        self.methods.contains(&m)
    }

    /// True where it has reflectances: it was day.
    pub fn reflects(&self) -> bool {
        self.roles().iter().any(|r| !matches!(r, Role::Tir | Role::Tir2 | Role::Radsat))
    }

    /// Methods that vote need all three of them.
    fn tests(&self, m: Method) -> bool {
        self.uses(m) || self.uses(Method::Vote) && Method::VOTERS.contains(&m)
    }

    pub fn measures_heat(&self) -> bool {
        self.uses(Method::Thermal) || self.uses(Method::Sagbt)
    }

    /// Roles whose files were read.
    pub fn roles(&self) -> Vec<Role> {
        [Some(&self.optical), self.thermal.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|b| b.roles.iter().copied())
            .collect()
    }

    /// Reads a window and asks each pixel by itself.
    pub fn screen(&self, w: Window) -> Result<Planes> {
        let started = Instant::now();
        let read = Read::of(&self.optical, w)?;
        let heat = self.thermal.as_ref().map(|b| Read::of(b, w)).transpose()?;
        let night = self.night_view.as_ref().map(|b| Read::of(b, w)).transpose()?;
        let seconds = started.elapsed().as_secs_f64();
        let mut p = Planes { flags: screen::seen_flags(&read.seen), ..Planes::default() };
        self.reflect(&read, &mut p);
        if self.measures_heat() {
            self.heat(&read, heat.as_ref().unwrap_or(&read), &mut p);
        }
        let mut read = read;
        let neighbours = self.tests(Method::Schroeder) || self.tests(Method::Goli);
        if read.band(Role::Swir2).is_some() {
            p.r5 = if neighbours { read.take(self.nir) } else { Vec::new() };
            p.r7 = read.take(Role::Swir2);
        }
        p.seen = read.seen;
        if let Some(night) = night {
            p.night_flags = screen::seen_flags(&night.seen);
            // water is told by day
            for (n, d) in p.night_flags.iter_mut().zip(&p.flags) {
                *n |= d & screen::T_WATER;
            }
            for (s, n) in p.seen.iter_mut().zip(&night.seen) {
                *s = if *s == Seen::Yes { *n } else { *s };
            }
            p.night = self.kelvin(&self.night_surface, &night, None);
        }
        p.seconds = [seconds, started.elapsed().as_secs_f64() - seconds];
        Ok(p)
    }

    /// Tests of reflectance.
    fn reflect(&self, read: &Read, p: &mut Planes) {
        let Some(b) = read.all([self.nir, Role::Swir1, Role::Swir2]) else { return };
        screen::lit(b[2], &mut p.flags);
        let oli = read.all(OLI.map(|r| if r == Role::Nir { self.nir } else { r }));
        if self.tests(Method::Schroeder)
            && let Some(b) = &oli
        {
            screen::schroeder(b, &mut p.flags);
        }
        if self.tests(Method::Goli)
            && let Some(b) = read.all([Role::Blue, Role::Green, Role::Red, self.nir, Role::Swir1, Role::Swir2])
        {
            screen::goli(&b, &mut p.flags);
        }
        if self.tests(Method::Hotmap) {
            screen::hotmap(b, self.saturated, &mut p.flags);
            if let Some(q) = read.band(Role::Radsat) {
                screen::saturated(q, self.saturated_bits, &mut p.flags);
            }
        }
        if self.measures_heat() {
            match (&oli, read.band(Role::Green)) {
                (Some(b), _) => screen::thermal_water(b, &mut p.flags),
                (None, Some(g)) => screen::thermal_water_by_mndwi(g, b[1], &mut p.flags),
                _ => {}
            }
        }
    }

    fn heat(&self, optical: &Read, heat: &Read, p: &mut Planes) {
        p.kelvin = self.kelvin(&self.surface, heat, optical.all([Role::Red, self.nir]));
        if let Some([a, b]) = heat.all([Role::Tir, Role::Tir2]) {
            p.split = a.iter().zip(b).map(|(a, b)| a - b).collect();
        }
        if optical.bands.iter().all(|b| matches!(b.0, Role::Tir | Role::Tir2)) {
            // a scene of heat alone
            p.flags.iter_mut().for_each(|f| *f |= screen::LIT);
        }
    }

    /// Surface temperature; not a number where not recorded.
    fn kelvin(&self, s: &Surface, heat: &Read, red_nir: Option<[&[f32]; 2]>) -> Vec<f32> {
        let Some(t) = heat.band(Role::Tir) else { return Vec::new() };
        let at = |i: usize| match &s.channel {
            None => t[i],
            Some(c) => {
                let e = red_nir.map_or(s.emissivity.bare, |[r, n]| s.emissivity.of(r[i], n[i]));
                c.surface(t[i], e)
            }
        };
        (0..t.len()).map(|i| if heat.seen[i] == Seen::NoData { f32::NAN } else { at(i) }).collect()
    }
}

/// What the user must know of a scene's reflectances.
fn told(s: &Scene, methods: &[Method], notes: &mut Notes) {
    if !methods.iter().any(|m| m.roles().contains(&Role::Swir2)) {
        return;
    }
    if s.sensor.level.starts_with("L2") {
        notes.warnings.push(Text::new(
            format!("{}: surface reflectance; the detectors' thresholds were made for the top of the atmosphere", s.id),
            format!("{}:地表反射率;检测阈值是按大气层顶反射率制定的", s.id),
        ));
    }
    if s.is_sentinel2() && s.boa_offset.is_none() {
        notes.warnings.push(Text::new(
            format!(
                "{}: the offset of its numbers is not known (no MTD_MSIL*.xml) and was taken as 0; from baseline 04.00 on it is −1000",
                s.id
            ),
            format!("{}:缺 MTD_MSIL*.xml,辐射偏移未知,按 0 处理(04.00 基线起应为 −1000)", s.id),
        ));
    }
}

/// The methods asked for, or those that the scene's bands allow.
fn methods(o: &DetectOptions, s: &Scene) -> Result<Vec<Method>> {
    let missing = |m: Method| -> Vec<&'static str> {
        let has = |r: &Role| s.asset(*r).is_some() || *r == Role::Nir && s.asset(Role::NirNarrow).is_some();
        m.roles().iter().filter(|r| !has(r)).map(|r| r.as_str()).collect()
    };
    if o.methods.is_empty() {
        let able = |m: &Method| *m != Method::Sagbt && missing(*m).is_empty();
        let found: Vec<Method> = Method::ALL.into_iter().filter(able).collect();
        if found.is_empty() {
            let bands: Vec<&str> = s.assets.iter().map(|a| a.role.as_str()).collect();
            return Err(Error::input(
                format!("scene {}: its bands ({}) allow no method", s.id, bands.join(", ")),
                format!("影像 {}:现有波段({})不支持任何方法", s.id, bands.join("、")),
            )
            .remedy(
                "hotmap needs nir, swir1, swir2; thermal needs tir; goli the bands 2 to 7 of Landsat 8, schroeder 1 to 7",
                "hotmap 需要 nir、swir1、swir2;thermal 需要 tir;goli 需要 Landsat 8 的 2–7 波段,schroeder 需要 1–7 波段",
            ));
        }
        return Ok(found);
    }
    for m in &o.methods {
        let missing = missing(*m);
        if !missing.is_empty() {
            return Err(Error::input(
                format!("scene {}: {} needs {}", s.id, m.as_str(), missing.join(", ")),
                format!("影像 {}:{} 缺少波段 {}", s.id, m.as_str(), missing.join("、")),
            )
            .remedy(
                "leave out --method to take those that the bands allow, or give plain rasters' bands with --bands",
                "不写 --method 则取波段允许的方法;普通栅格请用 --bands 指明波段",
            ));
        }
    }
    let mut sorted = o.methods.clone();
    sorted.sort();
    sorted.dedup();
    Ok(sorted)
}

/// The reflectance from which on a band is saturated, as its pixels come out of [`View::read`].
fn top(a: &Asset, told: Option<f32>) -> Option<f32> {
    let own = a.saturated.and_then(|dn| match a.calibration {
        Calibration::Linear { scale, offset } => Some(dn as f32 * scale as f32 + offset as f32),
        _ => None,
    });
    own.or(told)
}

/// Bits of Landsat Collection 2 `QA_RADSAT` for the bands at 1.6 and 2.2 µm (USGS LSDS-1619, table 6-5, and LSDS-1618: bit
/// n − 1 is band n): bands 6 and 7 of OLI, 5 and 7 of TM and ETM+.
fn saturated_bits(platform: &str) -> u32 {
    if matches!(platform, "landsat-8" | "landsat-9") { 1 << 5 | 1 << 6 } else { 1 << 4 | 1 << 6 }
}

fn surface(o: &DetectOptions, s: &Scene, notes: &mut Notes) -> Surface {
    let level2 = s.sensor.level.starts_with("L2");
    let brightness = match o.kelvin {
        Kelvin::Auto => !level2,
        Kelvin::Brightness => true,
        Kelvin::Surface => false,
    };
    let none = Surface { channel: None, emissivity: o.emissivity };
    if !brightness || s.asset(Role::Tir).is_none() {
        return none;
    }
    let planck = s.asset(Role::Tir).and_then(|a| match a.calibration {
        Calibration::Brightness { k1, k2, .. } => Some((k1, k2)),
        _ => None,
    });
    let wavelength_um =
        WAVELENGTHS.iter().find(|(p, _)| s.sensor.platform == *p || p.is_empty()).map_or(10.895, |w| w.1);
    // the functions of the atmosphere were fitted for TIRS
    let tirs = matches!(s.sensor.platform.as_str(), "landsat-8" | "landsat-9") && planck.is_some();
    if o.water_vapour.is_some() && !tirs {
        notes.warnings.push(Text::new(
            format!("{}: water vapour is used for Landsat 8 and 9 alone; the emissivity alone was corrected", s.id),
            format!("{}:水汽含量只用于 Landsat 8、9;此处仅做比辐射率校正", s.id),
        ));
    }
    let water_vapour = o.water_vapour.filter(|_| tirs);
    Surface { channel: Some(SingleChannel { wavelength_um, planck, water_vapour }), emissivity: o.emissivity }
}

/// True where a pixel was seen clear.
pub(super) fn clear(f: Flags) -> bool {
    f & (DATA | CLEAR) == DATA | CLEAR
}

/// The scene at a path, with the time given for scenes that tell none.
pub(super) fn scene_at(path: &Path, o: &DetectOptions) -> Result<Scene> {
    let mut s = crate::read::scenes::scene(path, &o.bands)?;
    s.datetime = s.datetime.or(o.seen);
    Ok(s)
}
