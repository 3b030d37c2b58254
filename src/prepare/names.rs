//! Which field of a layer means what, and which of our kinds a source's word stands for.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::model::{Kind, RiverClass, Schema};

/// What a field of sites, rivers or zones stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Identifier of a site.
    SiteId,
    /// Name of a site, river or zone.
    Name,
    /// Kind of a site.
    Kind,
    /// Administrative area (盟市/旗县区).
    Admin,
    /// Responsible unit (责任单位).
    ResponsibleUnit,
    /// Supervising unit (监管单位).
    SupervisingUnit,
    /// Deadline (完成时限).
    Deadline,
    /// Class of a river.
    Class,
    /// Whether a river line is drawn upstream.
    Reversed,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 9] = [
        Self::SiteId,
        Self::Name,
        Self::Kind,
        Self::Admin,
        Self::ResponsibleUnit,
        Self::SupervisingUnit,
        Self::Deadline,
        Self::Class,
        Self::Reversed,
    ];

    /// Name in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SiteId => "site_id",
            Self::Name => "name",
            Self::Kind => "kind",
            Self::Admin => "admin",
            Self::ResponsibleUnit => "responsible_unit",
            Self::SupervisingUnit => "supervising_unit",
            Self::Deadline => "deadline",
            Self::Class => "class",
            Self::Reversed => "reversed",
        }
    }

    /// Field names that are understood without being told, best first; compared without case.
    fn known(self) -> &'static [&'static str] {
        match self {
            Self::SiteId => &[
                "site_id",
                "siteid",
                "编号",
                "图斑编号",
                "图斑号",
                "矿山编号",
                "项目编号",
                "id",
                "code",
                "bh",
                "tbbh",
                "tbh",
            ],
            Self::Name => &[
                "name_zh",
                "名称",
                "矿山名称",
                "图斑名称",
                "项目名称",
                "企业名称",
                "河流名称",
                "河名",
                "保护区名称",
                "mc",
                "name",
            ],
            Self::Kind => &["kind", "类型", "图斑类型", "矿山类型", "类别", "type", "lx"],
            Self::Admin => &["admin", "行政区", "行政区划", "所在行政区", "旗县区", "盟市", "xzq", "xzqmc"],
            Self::ResponsibleUnit => &["responsible_unit", "resp_unit", "责任单位", "责任主体", "zrdw"],
            Self::SupervisingUnit => &["supervising_unit", "superv_uni", "监管单位", "监管部门", "jgdw"],
            Self::Deadline => &["deadline", "完成时限", "整改时限", "时限", "wcsx"],
            Self::Class => &["river_class", "class", "等级", "河流等级", "级别"],
            Self::Reversed => &[],
        }
    }
}

/// Fields named by the user, by role.
pub type FieldMap = BTreeMap<Role, String>;

/// Reads `role=field`.
///
/// # Errors
/// `Usage` for an unknown role.
pub fn parse_field(text: &str) -> Result<(Role, String)> {
    let roles = || Role::ALL.map(Role::as_str).join(", ");
    text.split_once('=')
        .and_then(|(r, f)| Role::ALL.into_iter().find(|x| x.as_str() == r.trim()).map(|r| (r, f.trim().to_owned())))
        .ok_or_else(|| {
            Error::usage(format!("“{text}” is not role=FIELD"), format!("“{text}”不是 角色=字段 的形式"))
                .remedy(format!("the roles are: {}", roles()), format!("可用角色:{}", roles()))
        })
}

/// Reads `value=kind`.
///
/// # Errors
/// `Usage` for an unknown kind.
pub fn parse_kind(text: &str) -> Result<(String, Kind)> {
    text.split_once('=')
        .and_then(|(v, k)| Kind::ALL.into_iter().find(|x| x.as_str() == k.trim()).map(|k| (v.trim().to_owned(), k)))
        .ok_or_else(|| {
            let kinds = Kind::ALL.map(Kind::as_str).join(", ");
            Error::usage(format!("“{text}” is not VALUE=kind"), format!("“{text}”不是 值=类型 的形式"))
                .remedy(format!("the kinds are: {kinds}"), format!("可用类型:{kinds}"))
        })
}

/// Position of the field that has a role: the one the user named, else the first known name the layer has.
///
/// # Errors
/// `Usage` where the user named a field that no layer of this sort has is for the caller to judge: here a named field
/// that is missing answers `None`.
pub fn position(schema: &Schema, role: Role, named: &FieldMap) -> Option<usize> {
    match named.get(&role) {
        Some(name) => schema.position(name),
        None => role.known().iter().find_map(|n| schema.position(n)),
    }
}

/// Words for kinds, the longer before the shorter that they contain.
const KINDS: [(&str, Kind); 40] = [
    ("尾矿", Kind::TailingsPond),
    ("tailing", Kind::TailingsPond),
    ("矸石", Kind::GanguePile),
    ("煤矸", Kind::GanguePile),
    ("gangue", Kind::GanguePile),
    ("排土", Kind::WasteDump),
    ("废石", Kind::WasteDump),
    ("弃渣", Kind::WasteDump),
    ("渣土", Kind::WasteDump),
    ("waste_dump", Kind::WasteDump),
    ("waste dump", Kind::WasteDump),
    ("spoil", Kind::WasteDump),
    ("overburden", Kind::WasteDump),
    ("固废", Kind::SolidWasteYard),
    ("固体废物", Kind::SolidWasteYard),
    ("灰渣", Kind::SolidWasteYard),
    ("渣场", Kind::SolidWasteYard),
    ("填埋", Kind::SolidWasteYard),
    ("solid_waste", Kind::SolidWasteYard),
    ("solid waste", Kind::SolidWasteYard),
    ("landfill", Kind::SolidWasteYard),
    ("采坑", Kind::OpenPit),
    ("露天坑", Kind::OpenPit),
    ("矿坑", Kind::OpenPit),
    ("open_pit", Kind::OpenPit),
    ("open pit", Kind::OpenPit),
    ("opencast", Kind::OpenPit),
    ("生活", Kind::DomesticSource),
    ("domestic", Kind::DomesticSource),
    ("sewage", Kind::DomesticSource),
    ("工矿企业", Kind::Industrial),
    ("工业", Kind::Industrial),
    ("企业", Kind::Industrial),
    ("园区", Kind::Industrial),
    ("industr", Kind::Industrial),
    ("factory", Kind::Industrial),
    ("采石", Kind::Mine),
    ("矿", Kind::Mine),
    ("mine", Kind::Mine),
    ("quarry", Kind::Mine),
];

/// The kind a word stands for; `None` where it is not known.
pub fn kind(word: &str, table: &BTreeMap<String, Kind>) -> Option<Kind> {
    let w = word.trim();
    if let Some(k) = table.get(w) {
        return Some(*k);
    }
    let lower = w.to_lowercase();
    Kind::ALL
        .into_iter()
        .find(|k| k.as_str() == lower || k.zh() == w)
        .or_else(|| KINDS.iter().find(|(part, _)| lower.contains(part)).map(|(_, k)| *k))
}

/// The class a word stands for.
pub fn river_class(word: &str) -> RiverClass {
    let w = word.trim().to_lowercase();
    match w.as_str() {
        "main" | "main stem" | "mainstem" | "干流" | "1" => RiverClass::Main,
        "tributary" | "支流" | "2" => RiverClass::Tributary,
        _ if w.contains("干流") => RiverClass::Main,
        _ if w.contains("支流") => RiverClass::Tributary,
        _ => RiverClass::Unknown,
    }
}

/// True where a field's value says that a line is drawn upstream.
pub fn says_reversed(word: &str) -> bool {
    matches!(
        word.trim().to_lowercase().as_str(),
        "1" | "-1" | "true" | "t" | "y" | "yes" | "reverse" | "reversed" | "upstream" | "逆" | "逆流" | "反向" | "是"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Field, FieldType};

    #[test]
    fn chinese_words_find_their_kind() {
        let none = BTreeMap::new();
        for (w, k) in [
            ("尾矿库", Kind::TailingsPond),
            ("煤矸石堆场", Kind::GanguePile),
            ("露天采坑", Kind::OpenPit),
            ("外排土场", Kind::WasteDump),
            ("工矿企业", Kind::Industrial),
            ("一般工业固废堆场", Kind::SolidWasteYard),
            ("煤矿", Kind::Mine),
            ("生活污水源", Kind::DomesticSource),
            ("Open_Pit", Kind::OpenPit),
        ] {
            assert_eq!(kind(w, &none), Some(k), "{w}");
        }
        assert_eq!(kind("水库", &none), None);
        let own = BTreeMap::from([("水库".to_owned(), Kind::Other)]);
        assert_eq!(kind("水库", &own), Some(Kind::Other));
    }

    #[test]
    fn fields_are_found_by_name_or_as_told() {
        let schema =
            Schema { fields: ["OBJECTID", "NAME", "名称", "BH"].map(|n| Field::new(n, FieldType::Text)).to_vec() };
        assert_eq!(position(&schema, Role::Name, &FieldMap::new()), Some(2));
        assert_eq!(position(&schema, Role::SiteId, &FieldMap::new()), Some(3));
        let told = FieldMap::from([(Role::Name, "name".to_owned())]);
        assert_eq!(position(&schema, Role::Name, &told), Some(1));
        assert_eq!(parse_field("kind=LX").unwrap(), (Role::Kind, "LX".to_owned()));
        assert!(parse_field("colour=X").is_err());
    }
}
