//! Sites: mines, pits, ponds, dumps, yards and other places the plan names.

use geo::MultiPolygon;
use serde::{Deserialize, Serialize};

use super::Value;

/// Kind of a site (DESIGN section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 矿山
    Mine,
    /// 露天采坑
    OpenPit,
    /// 尾矿库
    TailingsPond,
    /// 排土场
    WasteDump,
    /// 矸石堆场
    GanguePile,
    /// 固废堆场
    SolidWasteYard,
    /// 工矿企业
    Industrial,
    /// 生活源
    DomesticSource,
    /// 其他
    Other,
}

impl Kind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Mine,
        Self::OpenPit,
        Self::TailingsPond,
        Self::WasteDump,
        Self::GanguePile,
        Self::SolidWasteYard,
        Self::Industrial,
        Self::DomesticSource,
        Self::Other,
    ];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::OpenPit => "open_pit",
            Self::TailingsPond => "tailings_pond",
            Self::WasteDump => "waste_dump",
            Self::GanguePile => "gangue_pile",
            Self::SolidWasteYard => "solid_waste_yard",
            Self::Industrial => "industrial",
            Self::DomesticSource => "domestic_source",
            Self::Other => "other",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Mine => "矿山",
            Self::OpenPit => "露天采坑",
            Self::TailingsPond => "尾矿库",
            Self::WasteDump => "排土场",
            Self::GanguePile => "矸石堆场",
            Self::SolidWasteYard => "固废堆场",
            Self::Industrial => "工矿企业",
            Self::DomesticSource => "生活源",
            Self::Other => "其他",
        }
    }
}

/// One site: a polygon or multipolygon with what the plan asks to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Id of the user's data.
    pub site_id: String,
    /// Name.
    pub name: Option<String>,
    /// Kind.
    pub kind: Kind,
    /// 盟市/旗县区
    pub admin: Option<String>,
    /// 责任单位
    pub responsible_unit: Option<String>,
    /// 监管单位
    pub supervising_unit: Option<String>,
    /// 完成时限
    pub deadline: Option<String>,
    /// Shape in lon/lat degrees (CGCS2000), or in metres where a planar metric is asked for.
    pub shape: MultiPolygon<f64>,
    /// Every source attribute, unchanged.
    pub values: Vec<Value>,
}

/// An area that sites are compared with: a nature reserve, a permit, a shoreline control range (岸线管控范围).
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Name.
    pub name: String,
    /// Shape in the metric's coordinates.
    pub shape: MultiPolygon<f64>,
}
