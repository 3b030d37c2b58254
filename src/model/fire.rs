//! Fire points, looks, and the tracks that fire points make (火点动态清零).

use chrono::{DateTime, Utc};
use geo::{Coord, MultiPolygon};
use sha2::{Digest, Sha256};

use super::{Kind, Observed};

/// Identifier of a detection or a track: 64 bits, written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FireId(pub u64);

impl FireId {
    /// The identifier of a detection: the first 64 bits of SHA-256 over satellite, minute (UTC) and position in units of
    /// 1e-5 degrees. The same detection has it in every delivery.
    pub fn of(satellite: &str, time: DateTime<Utc>, lonlat: Coord<f64>) -> Self {
        let minute = time.timestamp().div_euclid(60);
        let units = |v: f64| (v * 1e5).round() as i64;
        let key = format!("{satellite}|{minute}|{}|{}", units(lonlat.x), units(lonlat.y));
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// Reads 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl std::fmt::Display for FireId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How sure a detection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Low; of 100 below 30 (MODIS Collection 6 Active Fire User's Guide, section 5.3).
    Low,
    /// Nominal; of 100 from 30 to below 80.
    Nominal,
    /// High; of 100 from 80.
    High,
}

impl Confidence {
    /// The class of a percentage, as the MODIS product has them.
    pub fn of_percent(p: f64) -> Self {
        if p < 30.0 {
            Self::Low
        } else if p < 80.0 {
            Self::Nominal
        } else {
            Self::High
        }
    }

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Nominal => "nominal",
            Self::High => "high",
        }
    }

    /// Reads the words and letters of FIRMS.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "l" | "low" | "低" => Self::Low,
            "n" | "nominal" | "中" => Self::Nominal,
            "h" | "high" | "高" => Self::High,
            _ => return None,
        })
    }
}

/// How a detection was delivered; the later in this order replaces the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// Ultra real-time and real-time, within minutes.
    RealTime,
    /// Near real-time, within hours.
    NearRealTime,
    /// The archive: standard processing, months later; also what does not say.
    Archive,
}

impl Delivery {
    /// By the text of FIRMS's column `version`: `6.1NRT`, `2.0RT`, `2.0URT`, `61.03`.
    pub fn of_version(version: &str) -> Self {
        let v = version.trim().to_ascii_uppercase();
        if v.ends_with("NRT") {
            Self::NearRealTime
        } else if v.ends_with("RT") {
            Self::RealTime
        } else {
            Self::Archive
        }
    }

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RealTime => "rt",
            Self::NearRealTime => "nrt",
            Self::Archive => "archive",
        }
    }
}

/// Why a detection says nothing that another does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Repeat {
    /// The archive delivered it again, perhaps a few hundred metres off.
    Archive,
    /// Another satellite saw the same place in the same pass.
    Pass,
}

impl Repeat {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Pass => "pass",
        }
    }
}

/// One detection of heat: one pixel of one satellite at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct FirePoint {
    /// Identifier, [`FireId::of`].
    pub id: FireId,
    /// When it was seen.
    pub time: DateTime<Utc>,
    /// Satellite: `Terra`, `Aqua`, `Suomi NPP`, `NOAA-20`, `NOAA-21`, `Landsat 8`, `Sentinel-2A`, …
    pub satellite: String,
    /// Instrument: `MODIS`, `VIIRS`, `OLI`, `TIRS`, `MSI`, …
    pub instrument: String,
    /// Centre of the pixel, longitude and latitude in degrees (CGCS2000; FIRMS's WGS 84 agrees to centimetres).
    pub lonlat: Coord<f64>,
    /// Size of the pixel on the ground in metres, along the scan and along the track.
    pub pixel_m: [f64; 2],
    /// How sure it is.
    pub confidence: Option<Confidence>,
    /// How sure it is, 0–100, where delivered so.
    pub confidence_pct: Option<f64>,
    /// Brightness temperature of the hot band in kelvin (MODIS 21/22, VIIRS I4).
    pub brightness_k: Option<f64>,
    /// Brightness temperature at 11 µm in kelvin (MODIS 31, VIIRS I5).
    pub brightness_11_k: Option<f64>,
    /// Temperature above the background in kelvin.
    pub delta_t_k: Option<f64>,
    /// Fire radiative power in megawatts.
    pub frp_mw: Option<f64>,
    /// Seen by day.
    pub day: Option<bool>,
    /// FIRMS type: 0 presumed vegetation fire, 1 active volcano, 2 other static land source, 3 offshore.
    pub source_type: Option<u8>,
    /// Version of the product, as delivered.
    pub version: Option<String>,
    /// How it was delivered.
    pub delivery: Delivery,
    /// Method that found it, where it was not imported.
    pub method: Option<String>,
    /// File it came from.
    pub source: String,
    /// The detection that says the same and is used in its place.
    pub repeats: Option<(Repeat, FireId)>,
}

impl FirePoint {
    /// A detection with what every one has; the rest is not known.
    pub fn new(satellite: &str, instrument: &str, time: DateTime<Utc>, lonlat: Coord<f64>, pixel_m: [f64; 2]) -> Self {
        Self {
            id: FireId::of(satellite, time, lonlat),
            time,
            satellite: satellite.to_owned(),
            instrument: instrument.to_owned(),
            lonlat,
            pixel_m,
            confidence: None,
            confidence_pct: None,
            brightness_k: None,
            brightness_11_k: None,
            delta_t_k: None,
            frp_mw: None,
            day: None,
            source_type: None,
            version: None,
            delivery: Delivery::Archive,
            method: None,
            source: String::new(),
            repeats: None,
        }
    }

    /// Radius of the circle around its pixel, metres.
    pub fn radius_m(&self) -> f64 {
        0.5 * self.pixel_m[0].hypot(self.pixel_m[1])
    }
}

/// One look of a satellite at an area: what was seen clear, with or without heat.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Identifier, of the user's data or by satellite and time.
    pub id: String,
    /// When.
    pub time: DateTime<Utc>,
    /// Satellite, as in [`FirePoint::satellite`].
    pub satellite: String,
    /// Instrument.
    pub instrument: String,
    /// Side of its pixels in metres.
    pub pixel_m: f64,
    /// What it can see, where told.
    pub sees: Option<Sees>,
    /// What it looked at, longitude and latitude.
    pub footprint: MultiPolygon<f64>,
    /// Clouds and whatever else hid the ground, longitude and latitude.
    pub hidden: MultiPolygon<f64>,
}

/// What methods of detection see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sees {
    /// What shines at 2.2 µm: flames and glowing ground.
    pub flames: bool,
    /// What is warmer than its surroundings.
    pub heat: bool,
}

impl Sees {
    /// Of the names of methods, with commas, as `heshan fire detect` writes them; none where no name is known.
    pub fn of_methods(names: &str) -> Option<Self> {
        let mut s = Self::default();
        for n in names.split(',') {
            match n.trim() {
                "schroeder" | "hotmap" | "goli" | "vote" => s.flames = true,
                "thermal" | "sagbt" => s.heat = true,
                _ => {}
            }
        }
        (s.flames || s.heat).then_some(s)
    }

    /// True where a look of these methods that found nothing says something of a fire that those found. Flames go out and
    /// the ground smoulders on: only the method that saw it can tell, and heat where it is not known what did.
    pub fn tells(self, found: Option<Self>) -> bool {
        match found {
            Some(f) if !f.heat => self.flames,
            _ => self.heat,
        }
    }
}

/// State of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FireState {
    /// Seen once.
    New,
    /// Seen more than once.
    Active,
    /// Fewer clear looks without heat than it takes.
    SuspectedOut,
    /// Enough clear looks without heat.
    Out,
    /// Heat again after it was out.
    Relapsed,
}

impl FireState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::New, Self::Active, Self::SuspectedOut, Self::Out, Self::Relapsed];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::SuspectedOut => "suspected_out",
            Self::Out => "out",
            Self::Relapsed => "relapsed",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::New => "新增",
            Self::Active => "在燃",
            Self::SuspectedOut => "疑似熄灭",
            Self::Out => "已熄灭",
            Self::Relapsed => "复燃",
        }
    }

    /// Reads the name in files.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// True while it is not known to be out.
    pub fn is_open(self) -> bool {
        self != Self::Out
    }
}

/// What happened to a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FireEventKind {
    /// Heat was seen.
    Heat,
    /// Its whole place was seen clear, without heat.
    Clear,
    /// A look could not tell: clouds over it, or only a part of it was seen.
    Hidden,
}

impl FireEventKind {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heat => "heat",
            Self::Clear => "clear",
            Self::Hidden => "hidden",
        }
    }
}

/// One event of a track, and the state it led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireEvent {
    /// When.
    pub time: DateTime<Utc>,
    /// What happened.
    pub kind: FireEventKind,
    /// State before; none before the first.
    pub from: Option<FireState>,
    /// State after.
    pub to: FireState,
    /// The detection or the look that says so.
    pub cause: String,
    /// Satellite.
    pub satellite: String,
}

/// The site a track lies in.
#[derive(Debug, Clone, PartialEq)]
pub struct FireSite {
    /// Its id.
    pub site_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its kind.
    pub kind: Kind,
    /// 盟市/旗县区
    pub admin: Option<String>,
    /// 责任单位
    pub responsible_unit: Option<String>,
    /// True where the centre of a detection lies inside; false where only its pixel reaches the site.
    pub inside: bool,
}

/// The nearest river.
#[derive(Debug, Clone, PartialEq)]
pub struct FireRiver {
    /// Name.
    pub name: Option<String>,
    /// Distance in metres, 0 in the water.
    pub distance_m: f64,
}

/// A fire over time: the detections of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct FireTrack {
    /// Identifier: that of its earliest detection (the least of several at one time).
    pub id: FireId,
    /// Its detections by position in the list it was made of, earliest first.
    pub members: Vec<u32>,
    /// Mean of its finest detections' places, longitude and latitude.
    pub place: Coord<f64>,
    /// State.
    pub state: FireState,
    /// First heat.
    pub first_seen: DateTime<Utc>,
    /// Last heat.
    pub last_seen: DateTime<Utc>,
    /// Times at which heat was seen (all pixels of a pass are one).
    pub passes: usize,
    /// Clear looks without heat since the last heat.
    pub clear_looks: usize,
    /// Looks since the last heat that could not tell.
    pub hidden_looks: usize,
    /// The last clear look, with or without heat.
    pub last_look: DateTime<Utc>,
    /// When the present burning began: first heat, or heat after it was out.
    pub open_since: DateTime<Utc>,
    /// First of the clear looks that put it out, and the one that made it certain.
    pub out: Option<[DateTime<Utc>; 2]>,
    /// How often it came back after it was out.
    pub relapses: usize,
    /// Days open up to the date of the tracking, all burnings together.
    pub days_open: f64,
    /// Greatest fire radiative power of a detection, megawatts.
    pub peak_frp_mw: Option<f64>,
    /// Greatest fire radiative power of a pass: the sum over its detections, megawatts.
    pub pass_frp_mw: Option<f64>,
    /// Greatest temperature above the background, kelvin.
    pub peak_delta_t_k: Option<f64>,
    /// Greatest brightness temperature, kelvin.
    pub peak_brightness_k: Option<f64>,
    /// Name of the known industrial heat it lies in; its own word where the product says so.
    pub industrial: Option<String>,
    /// Site, where looked for: none is [`Observed::No`].
    pub site: Observed<FireSite>,
    /// River, where looked for.
    pub river: Observed<FireRiver>,
    /// What happened, in order of time.
    pub events: Vec<FireEvent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_those_of_sha256sum() {
        let t = DateTime::parse_from_rfc3339("2018-12-01T00:30:00Z").map(|t| t.to_utc()).unwrap_or_default();
        // printf 'Terra|25727070|15036700|-2547700' | sha256sum
        let id = FireId::of("Terra", t, Coord { x: 150.367, y: -25.477 });
        assert_eq!(id.to_string(), "62f831a9caf5f998");
        assert_eq!(FireId::parse(&id.to_string()), Some(id));
        assert_eq!(FireId::parse("12"), None);
    }

    #[test]
    fn flames_and_heat_tell_of_what_they_can_see() {
        let of = Sees::of_methods;
        let (flames, heat, both) = (of("hotmap"), of("thermal"), of("schroeder, vote,sagbt"));
        assert_eq!((both, of("eyes"), of("")), (Some(Sees { flames: true, heat: true }), None, None));
        let tells = |l: Option<Sees>| l.map(|l| [flames, heat, both, None].map(|f| l.tells(f)));
        assert_eq!(tells(flames), Some([true, false, false, false]));
        assert_eq!(tells(heat), Some([false, true, true, true]));
        assert_eq!(tells(both), Some([true; 4]));
    }

    #[test]
    fn deliveries_and_confidence_as_firms_writes_them() {
        use Delivery::{Archive, NearRealTime, RealTime};
        let of = ["6.0NRT", "6.1NRT ", "2.0URT", "2.0RT", "61.03", "2", ""].map(Delivery::of_version);
        assert_eq!(of, [NearRealTime, NearRealTime, RealTime, RealTime, Archive, Archive, Archive]);
        assert_eq!(
            [29.9, 30.0, 79.9, 80.0].map(Confidence::of_percent).map(Confidence::as_str),
            ["low", "nominal", "nominal", "high"]
        );
    }
}
