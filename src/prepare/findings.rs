//! Features to findings: which rows of a result are issues, and which of its fields say what.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use geo::Geometry;
use serde_json::{Map, Value as Json, json};

use super::names::{self, FieldMap, Role};
use super::shapes::note;
use crate::error::{Error, Result};
use crate::model::{Evidence, Feature, Finding, IssueKind, LayerInfo, Schema, Skipped, Value};

/// What made the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `screen`, layer `sites`.
    Screen,
    /// `screen`, layer `zones`.
    Zones,
    /// `change`, patches with permits.
    Change,
    /// `fire track`, tracks.
    Fire,
    /// `restore`, units.
    Restore,
    /// `terrain`, pits and dumps.
    Terrain,
    /// Anything, by fields: every row is a finding unless conditions say otherwise.
    Fields,
}

impl Origin {
    /// All origins.
    pub const ALL: [Self; 7] =
        [Self::Screen, Self::Zones, Self::Change, Self::Fire, Self::Restore, Self::Terrain, Self::Fields];

    /// Name in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Zones => "zones",
            Self::Change => "change",
            Self::Fire => "fire",
            Self::Restore => "restore",
            Self::Terrain => "terrain",
            Self::Fields => "fields",
        }
    }

    /// The origin of a layer by the verb that wrote it.
    pub fn of(verb: &str, layer: &str) -> Self {
        match verb {
            "screen" if layer.ends_with("zones") => Self::Zones,
            "screen" => Self::Screen,
            "change" => Self::Change,
            "fire" | "track" | "fire track" => Self::Fire,
            "restore" => Self::Restore,
            "terrain" => Self::Terrain,
            _ => Self::Fields,
        }
    }

    fn kind(self) -> Option<IssueKind> {
        Some(match self {
            Self::Screen => IssueKind::Corridor,
            Self::Zones => IssueKind::Reserve,
            Self::Change => IssueKind::ChangeOutsidePermit,
            Self::Fire => IssueKind::Fire,
            Self::Restore => IssueKind::RestorationStalled,
            Self::Terrain => IssueKind::Terrain,
            Self::Fields => return None,
        })
    }

    /// Rows that are findings: a field (the first that the layer has) and the words it must hold one of.
    fn conditions(self) -> &'static [(&'static [&'static str], &'static [&'static str])] {
        match self {
            Self::Change => &[
                (&["permit_rel"], &["outside", "crossing"]),
                // greener is no offence
                (&["direction"], &["loss", "changed"]),
            ],
            // a track that is out is no finding; one that was only hidden is
            Self::Fire => &[(&["state", "status"], &["new", "active", "suspected_out", "relapsed"])],
            Self::Restore => &[(&["grade"], &["not_started", "stalled", "regressed"])],
            Self::Terrain => &[(
                &["verdict", "verdict_code"],
                &["still_pit", "partly_filled", "deeper", "new_pit", "still_dump", "lowered", "higher", "new_dump"],
            )],
            Self::Screen | Self::Zones | Self::Fields => &[],
        }
    }
}

/// What a field says of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Id of the thing itself.
    ObjectId,
    /// Name.
    Name,
    /// 盟市/旗县区
    Admin,
    /// 责任单位
    ResponsibleUnit,
    /// 监管单位
    SupervisingUnit,
    /// 完成时限
    Deadline,
    /// The day of which it speaks.
    Observed,
    /// How far off the place may be, metres.
    Footprint,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 8] = [
        Self::ObjectId,
        Self::Name,
        Self::Admin,
        Self::ResponsibleUnit,
        Self::SupervisingUnit,
        Self::Deadline,
        Self::Observed,
        Self::Footprint,
    ];

    /// Name in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ObjectId => "object_id",
            Self::Name => "name",
            Self::Admin => "admin",
            Self::ResponsibleUnit => "responsible_unit",
            Self::SupervisingUnit => "supervising_unit",
            Self::Deadline => "deadline",
            Self::Observed => "observed",
            Self::Footprint => "footprint",
        }
    }

    /// Reads `part=FIELD`.
    ///
    /// # Errors
    /// `Usage` for an unknown part.
    pub fn parse(text: &str) -> Result<(Self, String)> {
        let all = || Self::ALL.map(Self::as_str).join(", ");
        text.split_once('=')
            .and_then(|(p, f)| Some((Self::ALL.into_iter().find(|x| x.as_str() == p.trim())?, f.trim().to_owned())))
            .ok_or_else(|| {
                Error::usage(format!("“{text}” is not PART=FIELD"), format!("“{text}”不是 项=字段 的形式"))
                    .remedy(format!("the parts are: {}", all()), format!("可用的项:{}", all()))
            })
    }

    /// The field that has it where none is named.
    fn found(self, schema: &Schema, origin: Origin) -> Option<usize> {
        let role = |r| names::position(schema, r, &FieldMap::new());
        let first = |names: &[&str]| names.iter().find_map(|n| schema.position(n));
        match (self, origin) {
            // patches are numbered anew in every run
            (Self::ObjectId, Origin::Change) => None,
            (Self::ObjectId, Origin::Fire) => first(&["track_id"]),
            (Self::ObjectId, Origin::Restore) => first(&["unit_id"]).or_else(|| role(Role::SiteId)),
            (Self::ObjectId, _) => role(Role::SiteId),
            (Self::Name, _) => role(Role::Name),
            (Self::Admin, _) => role(Role::Admin),
            (Self::ResponsibleUnit, _) => role(Role::ResponsibleUnit),
            (Self::SupervisingUnit, _) => role(Role::SupervisingUnit),
            (Self::Deadline, _) => role(Role::Deadline),
            (Self::Observed, Origin::Change) => first(&["after"]),
            (Self::Observed, Origin::Fire) => first(&["last_seen"]),
            (Self::Observed, _) => first(&["observed", "发现日期", "观测日期"]),
            (Self::Footprint, _) => first(&["footprint_m"]),
        }
    }
}

/// A test of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Field.
    pub field: String,
    /// Test.
    pub test: Test,
    /// One of these words; one number for `<` and `>`.
    pub words: Vec<String>,
}

/// How a field is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// It is one of the words.
    Is,
    /// It is none of the words.
    IsNot,
    /// It is a number above.
    Above,
    /// It is a number below.
    Below,
}

impl Condition {
    /// Reads `FIELD=a,b`, `FIELD!=a,b`, `FIELD>1`, `FIELD<1`.
    ///
    /// # Errors
    /// `Usage` for another form.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("the condition “{text}” is not understood"), format!("无法理解条件“{text}”")).remedy(
                "FIELD=word,word or FIELD!=word or FIELD>number or FIELD<number",
                "写作 字段=词,词 或 字段!=词 或 字段>数 或 字段<数",
            )
        };
        let at = text.find(['=', '>', '<']).ok_or_else(wrong)?;
        let (left, right) = (&text[..at], &text[at + 1..]);
        let (field, test) = match (&text[at..=at], left.strip_suffix('!')) {
            ("=", Some(f)) => (f, Test::IsNot),
            ("=", None) => (left, Test::Is),
            (">", _) => (left, Test::Above),
            _ => (left, Test::Below),
        };
        let words: Vec<String> = right.split(',').map(|w| w.trim().to_owned()).collect();
        let number = matches!(test, Test::Above | Test::Below);
        if field.trim().is_empty() || number && (words.len() != 1 || words[0].parse::<f64>().is_err()) {
            return Err(wrong());
        }
        Ok(Self { field: field.trim().to_owned(), test, words })
    }

    fn holds(&self, v: &Value) -> bool {
        let shown = v.to_display();
        let number = || v.as_f64().or_else(|| shown.trim().parse().ok());
        let limit = || self.words[0].parse::<f64>().ok();
        let compared = || number()?.partial_cmp(&limit()?);
        match self.test {
            Test::Is => self.words.iter().any(|w| *w == shown.trim()),
            Test::IsNot => !self.words.iter().any(|w| *w == shown.trim()),
            Test::Above => compared() == Some(std::cmp::Ordering::Greater),
            Test::Below => compared() == Some(std::cmp::Ordering::Less),
        }
    }
}

/// How a layer is read as findings.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingMap {
    /// What made the layer.
    pub origin: Origin,
    /// Kind of the issues; that of the origin where not told.
    pub kind: Option<IssueKind>,
    /// Fields by what they say, where the usual ones will not do.
    pub fields: BTreeMap<Part, String>,
    /// Which rows are findings; the origin's conditions where empty.
    pub conditions: Vec<Condition>,
    /// Distance of the corridor, metres, for `screen`; the widest where not told.
    pub distance_m: Option<f64>,
}

/// Makes findings of a layer's features.
#[derive(Debug, Clone)]
pub struct FindingReader<'a> {
    info: &'a LayerInfo,
    kind: IssueKind,
    columns: BTreeMap<Part, usize>,
    /// A second field of the id: the zone a site lies in.
    within: Option<usize>,
    conditions: Vec<(usize, Condition)>,
}

impl<'a> FindingReader<'a> {
    /// For a layer.
    ///
    /// # Errors
    /// `Usage` where no kind is told and none follows; `Input` where a field that is named or needed is missing.
    pub fn new(info: &'a LayerInfo, map: &FindingMap) -> Result<Self> {
        let kind = map.kind.or_else(|| map.origin.kind()).ok_or_else(|| {
            Error::usage("the kind of the issues is not told", "未指定问题类别").remedy(
                "give --kind, or --run-manifest of the run that made the layer",
                "请给出 --kind,或生成该图层的运行记录 --run-manifest",
            )
        })?;
        let at = |field: &str| info.schema.position(field).ok_or_else(|| missing(info, &[field]));
        let mut columns = BTreeMap::new();
        for part in Part::ALL {
            let column = match map.fields.get(&part) {
                Some(f) => Some(at(f)?),
                None => part.found(&info.schema, map.origin),
            };
            columns.extend(column.map(|c| (part, c)));
        }
        let conditions = if map.conditions.is_empty() {
            usual(info, map)?
        } else {
            map.conditions.iter().map(|c| Ok((at(&c.field)?, c.clone()))).collect::<Result<_>>()?
        };
        let within = (map.origin == Origin::Zones).then(|| info.schema.position("zone")).flatten();
        Ok(Self { info, kind, columns, within, conditions })
    }

    /// Kind of the issues.
    pub fn kind(&self) -> IssueKind {
        self.kind
    }

    /// True where a feature is a finding.
    pub fn takes(&self, f: &Feature) -> bool {
        self.conditions.iter().all(|(i, c)| f.values.get(*i).is_some_and(|v| c.holds(v)))
    }

    /// The finding of a feature at `place`, without its key; a remark where a date cannot be read. `day`: the day of the
    /// run, for layers that tell none.
    pub fn finding(
        &self,
        f: &Feature,
        place: Geometry<f64>,
        area_m2: Option<f64>,
        day: NaiveDate,
    ) -> (Finding, Vec<Skipped>) {
        let mut remarks = Vec::new();
        let value = |p: Part| self.columns.get(&p).and_then(|&i| f.values.get(i));
        let text = |p: Part| value(p).map(|v| clean(&v.to_display())).filter(|s| !s.is_empty());
        let mut date = |p: Part, code: &'static str| {
            let v = value(p).filter(|v| !v.to_display().trim().is_empty())?;
            let found = day_of(v);
            if found.is_none() {
                let shown: String = v.to_display().chars().take(40).collect();
                let (en, zh) = (format!("“{shown}” is no date and was left out"), format!("“{shown}”不是日期,未采用"));
                remarks.push(note(self.info, f.fid, true, code, en, zh));
            }
            found
        };
        let deadline = date(Part::Deadline, "deadline_unreadable");
        let observed = date(Part::Observed, "observed_unreadable").unwrap_or(day);
        let zone = self.within.and_then(|i| f.values.get(i)).map(|v| clean(&v.to_display()));
        let object_id = match (text(Part::ObjectId), zone) {
            (Some(id), Some(zone)) => Some(format!("{id}/{zone}")),
            (id, _) => id,
        };
        let finding = Finding {
            key: String::new(),
            kind: self.kind,
            object_id,
            name: text(Part::Name),
            admin: text(Part::Admin),
            responsible_unit: text(Part::ResponsibleUnit),
            supervising_unit: text(Part::SupervisingUnit),
            deadline,
            place,
            area_m2,
            footprint_m: value(Part::Footprint)
                .and_then(Value::as_f64)
                .filter(|m| (0.0..=10_000.0).contains(m))
                .unwrap_or(0.0),
            observed,
            facts: facts(&self.info.schema, &f.values),
            evidence: Evidence { source: format!("{}#{}", self.info.name, f.fid), ..Evidence::default() },
        };
        (finding, remarks)
    }
}

/// The conditions of an origin, by the fields that the layer has.
fn usual(info: &LayerInfo, map: &FindingMap) -> Result<Vec<(usize, Condition)>> {
    let words = |w: &[&str]| w.iter().map(|s| (*s).to_owned()).collect();
    if map.origin == Origin::Zones {
        let at = info.schema.position("overlap_m2").ok_or_else(|| missing(info, &["overlap_m2"]))?;
        let c = Condition { field: "overlap_m2".into(), test: Test::Above, words: words(&["0"]) };
        return Ok(vec![(at, c)]);
    }
    if map.origin == Origin::Screen {
        let field = relation(info, map.distance_m)?;
        let at = info.schema.position(&field).ok_or_else(|| missing(info, &[&field]))?;
        return Ok(vec![(at, Condition { field, test: Test::Is, words: words(&["inside", "crosses"]) })]);
    }
    let of = |(fields, is): &(&[&str], &[&str])| {
        let found = fields.iter().find_map(|f| Some((*f, info.schema.position(f)?)));
        let (field, at) = found.ok_or_else(|| missing(info, fields))?;
        Ok((at, Condition { field: field.to_owned(), test: Test::Is, words: words(is) }))
    };
    map.origin.conditions().iter().map(of).collect()
}

/// The field `relation_<distance>` of a screening.
fn relation(info: &LayerInfo, distance_m: Option<f64>) -> Result<String> {
    if let Some(d) = distance_m {
        return Ok(format!("relation_{}", d.to_string().replace('.', "_")));
    }
    let metres = |name: &str| name.strip_prefix("relation_")?.replace('_', ".").parse::<f64>().ok();
    let all = info.schema.fields.iter().filter_map(|f| Some((metres(&f.name)?, &f.name)));
    all.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, n)| n.clone()).ok_or_else(|| missing(info, &["relation_…"]))
}

fn missing(info: &LayerInfo, fields: &[&str]) -> Error {
    let names: Vec<&str> = info.schema.fields.iter().map(|f| f.name.as_str()).collect();
    let (names, want) = (names.join(", "), fields.join(" / "));
    Error::input(
        format!("the layer has no field “{want}”; its fields are: {names}"),
        format!("图层没有字段“{want}”;已有字段:{names}"),
    )
    .in_file(&info.source)
    .in_layer(&info.name)
    .remedy(
        "check the layer and --from; name fields with --field and --where",
        "请检查图层与 --from;可用 --field、--where 指明字段",
    )
}

/// Text without control characters (line breaks and tabs stay) and without blanks around it: terminals run some of them,
/// and PostgreSQL refuses NUL.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_owned()
}

fn day_of(v: &Value) -> Option<NaiveDate> {
    match v {
        Value::Date(d) => Some(*d),
        Value::DateTime(t) => Some(t.date()),
        Value::DateTimeTz(t) => Some(t.date_naive()),
        other => parse_day(&other.to_display()),
    }
}

/// A day as people write it: `2026-11-30`, `2026/11/30`, `2026.11.30`, `2026年11月30日`, with or without a time after it;
/// `2026年11月` and `2026年底` mean their last day.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    let t = text.trim();
    let head = t.split(['T', ' ']).next().unwrap_or(t);
    let whole = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d"];
    if let Some(d) = whole.into_iter().find_map(|form| NaiveDate::parse_from_str(head, form).ok()) {
        return (1900..=2200).contains(&d.year()).then_some(d);
    }
    let year = |y: &str| y.parse::<i32>().ok().filter(|y| (1900..=2200).contains(y));
    let (y, rest) = head.split_once('年')?;
    let (y, rest) = (year(y)?, rest.trim_end_matches('前'));
    let month = match rest {
        "底" | "末" | "年底" | "" => 12,
        m => m.trim_end_matches('底').strip_suffix('月')?.parse::<u32>().ok()?,
    };
    let (next_y, next_m) = if month == 12 { (y + 1, 1) } else { (y, month + 1) };
    NaiveDate::from_ymd_opt(next_y, next_m, 1)?.checked_sub_days(Days::new(1))
}

fn facts(schema: &Schema, values: &[Value]) -> String {
    let as_json = |v: &Value| match v {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(i) => json!(i),
        Value::Real(r) => json!(r),
        other => json!(other.to_display()),
    };
    let all: Map<String, Json> = schema.fields.iter().zip(values).map(|(f, v)| (f.name.clone(), as_json(v))).collect();
    Json::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_as_people_write_them() {
        let day = |t: &str| parse_day(t).map(|d| d.to_string());
        for t in [
            "2026-11-30",
            "2026/11/30",
            "2026.11.30",
            "2026年11月30日",
            "2026-11-30T08:00:00+08:00",
            "2026年11月",
            "2026年11月底前",
        ] {
            assert_eq!(day(t).as_deref(), Some("2026-11-30"), "{t}");
        }
        assert_eq!(day("2026年底").as_deref(), Some("2026-12-31"));
        assert_eq!(day("2024年2月").as_deref(), Some("2024-02-29"));
        assert_eq!(
            [day("尽快"), day("2026-02-30"), day(""), day("26-1-1"), day("2026年13月")],
            [None, None, None, None, None]
        );
    }

    #[test]
    fn conditions_hold_as_written() {
        let holds = |c: &str, v: Value| Condition::parse(c).unwrap().holds(&v);
        assert!(holds("grade=stalled,regressed", Value::from("stalled")));
        assert!(!holds("grade=stalled", Value::Null));
        assert!(holds("grade!=met", Value::from("stalled")) && !holds("grade!=met", Value::from("met")));
        assert!(
            holds("area>1.5", Value::Real(2.0))
                && !holds("area>1.5", Value::Real(1.5))
                && !holds("area>1", Value::Null)
        );
        assert!(holds("n<3", Value::from("2")));
        for wrong in ["grade", "=a", "area>", "area>a,b"] {
            assert_eq!(Condition::parse(wrong).unwrap_err().kind.exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(clean("  a\u{0}b\u{1b}[31m\nc\u{7f} "), "ab[31m\nc");
    }
}
