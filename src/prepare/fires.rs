//! Rows of FIRMS and of any layer of points to fire points.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use geo::{Coord, Geometry};

use super::shapes::{Runner, note};
use crate::error::{Error, Result};
use crate::model::{Confidence, Delivery, Feature, FirePoint, LayerInfo, Schema, Skipped, Value};

/// What a field of detections stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FireRole {
    Date,
    Time,
    DateTime,
    Satellite,
    Instrument,
    Confidence,
    ConfidencePct,
    Brightness,
    Brightness11,
    DeltaT,
    Frp,
    Scan,
    Track,
    DayNight,
    Type,
    Version,
    Method,
    Source,
    Pixel,
    Id,
}

impl FireRole {
    /// All roles, with the name in options and the field names that are understood without being told.
    const ALL: [(Self, &'static str, &'static [&'static str]); 20] = [
        (Self::Date, "date", &["acq_date", "date", "日期", "观测日期"]),
        (Self::Time, "time", &["acq_time", "hhmm", "时间", "观测时间"]),
        (Self::DateTime, "datetime", &["acq_datetime", "acq_datetim", "datetime", "time_utc", "time"]),
        (Self::Satellite, "satellite", &["satellite", "platform", "卫星"]),
        (Self::Instrument, "instrument", &["instrument", "sensor", "传感器"]),
        (Self::Confidence, "confidence", &["confidence", "可信度", "置信度"]),
        (Self::ConfidencePct, "confidence_pct", &["conf_pct"]),
        (Self::Brightness, "brightness", &["brightness", "bright_ti4", "brightness_k", "brightn_k", "亮温"]),
        (Self::Brightness11, "brightness_11", &["bright_t31", "bright_ti5", "brightness_11_k", "bright_11_k"]),
        (Self::DeltaT, "delta_t", &["delta_t_k", "delta_t", "温差"]),
        (Self::Frp, "frp", &["frp", "frp_mw", "辐射功率"]),
        (Self::Scan, "scan", &["scan", "scan_km"]),
        (Self::Track, "track", &["track", "track_km"]),
        (Self::DayNight, "daynight", &["daynight", "昼夜"]),
        (Self::Type, "type", &["type", "source_type"]),
        (Self::Version, "version", &["version"]),
        (Self::Method, "method", &["method"]),
        (Self::Source, "source", &["source"]),
        (Self::Pixel, "pixel", &["pixel_m", "像元"]),
        (Self::Id, "id", &["look_id"]),
    ];

    /// Name in options.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(r, ..)| *r == self).map_or("", |r| r.1)
    }
}

/// Fields named by the user.
pub type FireFields = BTreeMap<FireRole, String>;

/// Reads `role=field`.
///
/// # Errors
/// `Usage` for an unknown role.
pub fn parse_field(text: &str) -> Result<(FireRole, String)> {
    let found = text
        .split_once('=')
        .and_then(|(r, f)| FireRole::ALL.iter().find(|x| x.1 == r.trim()).map(|x| (x.0, f.trim().to_owned())));
    found.ok_or_else(|| {
        let roles = FireRole::ALL.map(|r| r.1).join(", ");
        Error::usage(format!("“{text}” is not role=FIELD"), format!("“{text}”不是 角色=字段 的形式"))
            .remedy(format!("the roles are: {roles}"), format!("可用角色:{roles}"))
    })
}

/// What holds for rows whose layer does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FireDefaults {
    /// Fields by role.
    pub fields: FireFields,
    /// Satellite of layers without such a field.
    pub satellite: Option<String>,
    /// Side of the pixels in metres, of layers without sizes.
    pub pixel_m: Option<f64>,
}

/// Reads detections out of one layer.
#[derive(Debug)]
pub struct FireReader<'a> {
    info: &'a LayerInfo,
    columns: BTreeMap<FireRole, usize>,
    defaults: &'a FireDefaults,
    source: String,
}

/// What a row gave.
#[derive(Debug, Default)]
pub struct Row {
    /// The detection, where the row is usable.
    pub point: Option<FirePoint>,
    /// Why it was set aside, or what of it.
    pub notes: Vec<Skipped>,
}

impl<'a> FireReader<'a> {
    /// Finds the columns of a layer.
    ///
    /// # Errors
    /// `Usage` where a named field is not there; `Input` where no field tells the time or the satellite.
    pub fn new(info: &'a LayerInfo, defaults: &'a FireDefaults) -> Result<Self> {
        let reader = Self::of_clouds(info, defaults)?;
        reader.complete()?;
        Ok(reader)
    }

    /// As [`FireReader::new`], for a layer that may tell neither time nor satellite but the look that it belongs to.
    ///
    /// # Errors
    /// `Usage` where a named field is not there.
    pub fn of_clouds(info: &'a LayerInfo, defaults: &'a FireDefaults) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for (role, name, known) in FireRole::ALL {
            let at = match defaults.fields.get(&role) {
                Some(f) => Some(info.schema.position(f).ok_or_else(|| absent(info, name, f))?),
                None => known.iter().find_map(|n| short_position(&info.schema, n)),
            };
            if let Some(i) = at {
                columns.insert(role, i);
            }
        }
        let source = info.source.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { info, columns, defaults, source })
    }

    fn complete(&self) -> Result<()> {
        let has = |r| self.columns.contains_key(&r);
        let info = self.info;
        let place = |e: Error| e.in_file(&info.source).in_layer(&info.name);
        let fields = || info.schema.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
        if !has(FireRole::DateTime) && !has(FireRole::Date) {
            return Err(place(Error::input(
                format!("no field tells when; the fields are: {}", fields()),
                format!("没有时间字段;已有字段:{}", fields()),
            ))
            .remedy(
                "name it: --field date=…, --field time=… or --field datetime=…",
                "请用 --field date=…、--field time=… 或 --field datetime=… 指明",
            ));
        }
        if !has(FireRole::Satellite) && self.defaults.satellite.is_none() {
            return Err(place(Error::input(
                format!("no field tells the satellite; the fields are: {}", fields()),
                format!("没有卫星字段;已有字段:{}", fields()),
            ))
            .remedy(
                "name it: --field satellite=… or --satellite NAME",
                "请用 --field satellite=… 或 --satellite 名称 指明",
            ));
        }
        Ok(())
    }

    /// The detection of a row, or why there is none.
    pub fn read(&self, f: &Feature, runner: &Runner) -> Row {
        let mut row = Row::default();
        match self.point(f, runner, &mut row.notes) {
            Ok(p) => row.point = Some(p),
            Err(s) => row.notes.push(*s),
        }
        row
    }

    fn point(
        &self,
        f: &Feature,
        runner: &Runner,
        notes: &mut Vec<Skipped>,
    ) -> std::result::Result<FirePoint, Box<Skipped>> {
        let skip = |code, en: &str, zh: &str| Box::new(note(self.info, f.fid, false, code, en, zh));
        let lonlat = self.place(f, runner)?;
        let time = self.time(f, notes)?;
        let (satellite, instrument) = self
            .platform(f)
            .ok_or_else(|| skip("missing_satellite", "the row names no satellite", "该行没有卫星名称"))?;
        let pixel_m = self.pixel(f, &instrument, notes);
        let mut p = FirePoint::new(&satellite, &instrument, time, lonlat, pixel_m);
        self.confidence(f, &mut p, notes);
        p.brightness_k = self.number(f, FireRole::Brightness, notes);
        p.brightness_11_k = self.number(f, FireRole::Brightness11, notes);
        p.delta_t_k = self.number(f, FireRole::DeltaT, notes);
        p.frp_mw = self.number(f, FireRole::Frp, notes);
        p.day = self.text(f, FireRole::DayNight).and_then(|t| match t.to_ascii_uppercase().as_str() {
            "D" | "DAY" => Some(true),
            "N" | "NIGHT" => Some(false),
            _ => None,
        });
        p.source_type = self.number(f, FireRole::Type, notes).filter(|v| (0.0..=9.0).contains(v)).map(|v| v as u8);
        p.version = self.text(f, FireRole::Version);
        p.delivery = p.version.as_deref().map_or(Delivery::Archive, Delivery::of_version);
        p.method = self.text(f, FireRole::Method);
        p.source = self.text(f, FireRole::Source).unwrap_or_else(|| self.source.clone());
        Ok(p)
    }

    /// Satellite and instrument.
    pub(super) fn platform(&self, f: &Feature) -> Option<(String, String)> {
        let named = self.text(f, FireRole::Satellite).map(|t| satellite(&t));
        let satellite = named.or_else(|| self.defaults.satellite.clone())?;
        let instrument = self.text(f, FireRole::Instrument).unwrap_or_else(|| instrument_of(&satellite).to_owned());
        Some((satellite, instrument))
    }

    fn place(&self, f: &Feature, runner: &Runner) -> std::result::Result<Coord<f64>, Skipped> {
        let skip = |code, en: String, zh: String| note(self.info, f.fid, false, code, en, zh);
        let Some(g) = &f.geometry else {
            return Err(skip("null_geometry", "the row has no place".into(), "该行没有位置".into()));
        };
        let at = match g {
            Geometry::Point(p) => *p,
            Geometry::MultiPoint(m) if m.0.len() == 1 => m.0[0],
            _ => return Err(skip("not_point", "the geometry is not one point".into(), "几何不是单个点".into())),
        };
        let p = match runner.run(&Geometry::Point(at)) {
            Ok(Geometry::Point(p)) => p.0,
            Ok(_) => return Err(skip("empty_geometry", "the geometry is empty".into(), "几何为空".into())),
            Err(e) => return Err(skip("not_transformable", e.what.en.clone(), e.what.zh.clone())),
        };
        if p.x.is_finite() && p.y.is_finite() && p.x.abs() <= 180.0 && p.y.abs() <= 90.0 {
            Ok(p)
        } else {
            let (en, zh) = (
                format!("({}, {}) is no longitude and latitude", at.x(), at.y()),
                format!("({}, {}) 不是经纬度", at.x(), at.y()),
            );
            Err(skip("coordinates_unfit", en, zh))
        }
    }

    pub(super) fn time(&self, f: &Feature, notes: &mut Vec<Skipped>) -> std::result::Result<DateTime<Utc>, Skipped> {
        let skip = |code, en: String, zh: String| note(self.info, f.fid, false, code, en, zh);
        let whole =
            self.columns.get(&FireRole::Date).is_none() || self.defaults.fields.contains_key(&FireRole::DateTime);
        if whole {
            return match self.value(f, FireRole::DateTime) {
                Some(Value::DateTime(t)) => Ok(t.and_utc()),
                Some(Value::DateTimeTz(t)) => Ok(t.to_utc()),
                Some(Value::Date(d)) => Ok(d.and_time(NaiveTime::MIN).and_utc()),
                Some(v) => instant(&v.to_display()).ok_or_else(|| {
                    let t = v.to_display();
                    skip("wrong_time", format!("“{t}” is no date and time"), format!("“{t}”不是有效的日期时间"))
                }),
                None => Err(skip("missing_time", "the row has no time".into(), "该行没有时间".into())),
            };
        }
        let day = match self.value(f, FireRole::Date) {
            Some(Value::Date(d)) => d,
            Some(Value::DateTime(t)) => t.date(),
            Some(v) => {
                let t = v.to_display();
                date(&t)
                    .ok_or_else(|| skip("wrong_time", format!("“{t}” is no date"), format!("“{t}”不是有效的日期")))?
            }
            None => return Err(skip("missing_time", "the row has no date".into(), "该行没有日期".into())),
        };
        let Some(clock) = self.value(f, FireRole::Time) else {
            return Err(skip("missing_time", "the row has no time of day".into(), "该行没有时刻".into()));
        };
        let shown = clock.to_display();
        let Some(seconds) = seconds_of(&clock) else {
            let (en, zh) = (format!("“{shown}” is no time of day"), format!("“{shown}”不是有效的时刻"));
            return Err(skip("wrong_time", en, zh));
        };
        if seconds == 86_400 {
            let (en, zh) = ("24:00 was read as 0:00 of the next day", "24:00 按次日 0:00 处理");
            notes.push(note(self.info, f.fid, true, "hour_24", en, zh));
        }
        Ok(day.and_time(NaiveTime::MIN).and_utc() + Duration::seconds(seconds))
    }

    fn confidence(&self, f: &Feature, p: &mut FirePoint, notes: &mut Vec<Skipped>) {
        p.confidence_pct = self.number(f, FireRole::ConfidencePct, notes);
        let Some(v) = self.value(f, FireRole::Confidence) else { return };
        let text = v.to_display();
        if let Some(c) = Confidence::parse(&text) {
            p.confidence = Some(c);
        } else if let Some(n) = text.trim().parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n)) {
            p.confidence_pct = Some(n);
            p.confidence = Some(Confidence::of_percent(n));
        } else {
            notes.push(self.unread(f, "confidence", &text));
        }
    }

    /// Size of the pixel: as told (kilometres in FIRMS), else that of the instrument at nadir.
    pub(super) fn pixel(&self, f: &Feature, instrument: &str, notes: &mut Vec<Skipped>) -> [f64; 2] {
        let own = self.number(f, FireRole::Pixel, notes).filter(|v| *v > 0.0);
        let nadir = own.or(self.defaults.pixel_m).unwrap_or_else(|| nadir_pixel_m(instrument));
        let mut side = |r| self.number(f, r, notes).filter(|v| *v > 0.0).map_or(nadir, |km| km * 1000.0);
        [side(FireRole::Scan), side(FireRole::Track)]
    }

    fn value(&self, f: &Feature, role: FireRole) -> Option<Value> {
        let v = f.values.get(*self.columns.get(&role)?)?;
        let empty = matches!(v, Value::Null) || v.as_text().is_some_and(|t| t.trim().is_empty());
        (!empty).then(|| v.clone())
    }

    pub(super) fn text(&self, f: &Feature, role: FireRole) -> Option<String> {
        self.value(f, role).map(|v| v.to_display().trim().to_owned())
    }

    /// A number; what is none is set aside and said.
    fn number(&self, f: &Feature, role: FireRole, notes: &mut Vec<Skipped>) -> Option<f64> {
        let v = self.value(f, role)?;
        let n = v.as_f64().or_else(|| v.as_text()?.trim().parse().ok()).filter(|n: &f64| n.is_finite());
        if n.is_none() {
            notes.push(self.unread(f, role.as_str(), &v.to_display()));
        }
        n
    }

    fn unread(&self, f: &Feature, name: &str, text: &str) -> Skipped {
        let (en, zh) =
            (format!("{name} “{text}” is not understood and left empty"), format!("{name} 的值“{text}”无法识别,置空"));
        note(self.info, f.fid, true, "value_unread", en, zh)
    }
}

fn absent(info: &LayerInfo, role: &str, field: &str) -> Error {
    let names: Vec<&str> = info.schema.fields.iter().map(|f| f.name.as_str()).collect();
    Error::usage(
        format!("--field {role}={field}: there is no such field"),
        format!("--field {role}={field}:没有这个字段"),
    )
    .in_file(&info.source)
    .in_layer(&info.name)
    .remedy(format!("the fields are: {}", names.join(", ")), format!("已有字段:{}", names.join(", ")))
}

/// The position of a field, whose name a shapefile may have cut to ten characters.
fn short_position(schema: &Schema, name: &str) -> Option<usize> {
    schema.position(name).or_else(|| name.get(..10).and_then(|short| schema.position(short)))
}

fn date(text: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"].into_iter().find_map(|form| NaiveDate::parse_from_str(text.trim(), form).ok())
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let t = text.trim();
    let zoned = DateTime::parse_from_rfc3339(t).ok().map(|t| t.to_utc());
    let forms =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%MZ"];
    let plain =
        || forms.into_iter().find_map(|f| chrono::NaiveDateTime::parse_from_str(t, f).ok()).map(|t| t.and_utc());
    zoned.or_else(plain)
}

/// Seconds of the day of `HHMM` with or without its leading zeros, `HH:MM` and `HH:MM:SS`; 24:00 is 86,400.
fn seconds_of(v: &Value) -> Option<i64> {
    if let Value::Time(t) = v {
        return Some((*t - NaiveTime::MIN).num_seconds());
    }
    let text = v.to_display();
    let text = text.trim();
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i64>().ok()).flatten();
    let [h, m, s] = if text.contains(':') {
        let mut parts = text.split(':').map(digits);
        let (h, m, s) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        if parts.next().is_some() {
            return None;
        }
        [h, m, s]
    } else {
        // a spreadsheet makes 30 of 0030, and 30.0 of that
        let n = digits(text.strip_suffix(".0").unwrap_or(text)).filter(|_| text.len() <= 6)?;
        [n / 100, n % 100, 0]
    };
    let total = h * 3600 + m * 60 + s;
    (m < 60 && s < 60 && (h < 24 || total == 86_400)).then_some(total)
}

/// One name for a satellite, however FIRMS writes it.
pub fn satellite(word: &str) -> String {
    let w = word.trim();
    match w.to_ascii_lowercase().replace(['-', '_', ' '], "").as_str() {
        "t" | "terra" => "Terra",
        "a" | "aqua" => "Aqua",
        "n" | "npp" | "snpp" | "suominpp" => "Suomi NPP",
        "1" | "n20" | "noaa20" | "j1" | "j01" | "jpss1" => "NOAA-20",
        "2" | "n21" | "noaa21" | "j2" | "j02" | "jpss2" => "NOAA-21",
        "l8" | "landsat8" => "Landsat 8",
        "l9" | "landsat9" => "Landsat 9",
        "s2a" | "sentinel2a" => "Sentinel-2A",
        "s2b" | "sentinel2b" => "Sentinel-2B",
        "s2c" | "sentinel2c" => "Sentinel-2C",
        _ => w,
    }
    .to_owned()
}

/// The instrument of a satellite.
pub fn instrument_of(satellite: &str) -> &'static str {
    match satellite {
        "Terra" | "Aqua" => "MODIS",
        "Suomi NPP" | "NOAA-20" | "NOAA-21" => "VIIRS",
        s if s.starts_with("Landsat") => "OLI",
        s if s.starts_with("Sentinel-2") => "MSI",
        _ => "unknown",
    }
}

/// Side of an instrument's pixel at nadir in metres, as its fire product has it: MODIS 1 km (MOD14), VIIRS 375 m (VNP14IMG),
/// Landsat 30 m, its thermal bands 100 m, Sentinel-2 20 m (band 12).
pub fn nadir_pixel_m(instrument: &str) -> f64 {
    match instrument.to_ascii_uppercase().as_str() {
        "VIIRS" => 375.0,
        "OLI" | "OLI-2" | "ETM+" | "ETM" | "TM" => 30.0,
        "TIRS" | "TIRS-2" => 100.0,
        "MSI" => 20.0,
        _ => 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_as_they_are_written() {
        let of = |t: &str| seconds_of(&Value::Text(t.into()));
        for (t, s) in [
            ("0030", 1800),
            ("30", 1800),
            ("5", 300),
            ("2359", 86_340),
            ("2400", 86_400),
            ("13:05", 47_100),
            ("13:05:09", 47_109),
            ("30.0", 1800),
            ("24:00", 86_400),
        ] {
            assert_eq!(of(t), Some(s), "{t}");
        }
        for t in ["2401", "1360", "25:00", "noon", "-30", "12:3x", "1:2:3:4", ""] {
            assert_eq!(of(t), None, "{t}");
        }
        assert_eq!(seconds_of(&Value::Int(30)), Some(1800));
    }

    #[test]
    fn satellites_have_one_name() {
        for (w, n) in [
            ("T", "Terra"),
            ("Aqua", "Aqua"),
            ("N", "Suomi NPP"),
            ("1", "NOAA-20"),
            ("N20", "NOAA-20"),
            ("NOAA-21", "NOAA-21"),
            ("GF-4", "GF-4"),
        ] {
            assert_eq!(satellite(w), n);
        }
    }
}
