//! Which mine an issue is about.

use serde_json::{Map, Value as Json};

use super::findings::clean;
use super::names::{self, FieldMap, Role};
use crate::model::{Field, FieldType, Issue, IssueKind, Schema};

/// The mine or site that an issue is about, for people: its name and identifier where its last finding's attributes tell
/// them (the site that a fire lies in; the permit that a change crosses), else the issue's own; `None` where neither does.
pub fn mine_of(issue: &Issue, facts: Option<&str>) -> Option<String> {
    let facts = facts.and_then(|f| serde_json::from_str::<Map<String, Json>>(f).ok()).unwrap_or_default();
    let text = |key: &str| {
        let shown = match facts.get(key)? {
            Json::String(s) => clean(s),
            Json::Number(n) => n.to_string(),
            _ => return None,
        };
        Some(shown).filter(|s| !s.is_empty())
    };
    let fields = facts.keys().map(|k| Field::new(k, FieldType::Text)).collect();
    let schema = Schema { fields };
    let role = |r| names::position(&schema, r, &FieldMap::new()).and_then(|i| text(&schema.fields[i].name));
    // a fire's or patch's own id and name are no mine's
    let own = !matches!(issue.kind, IssueKind::Fire | IssueKind::ChangeOutsidePermit);
    let id = role(Role::SiteId)
        .or_else(|| issue.object_id.clone().filter(|_| own))
        .map(|id| id.split_once('/').map_or(id.clone(), |(site, _)| site.to_owned()));
    let name = text("site_name").or_else(|| issue.name.clone().filter(|_| own)).or_else(|| text("permit"));
    match (name, id) {
        (Some(n), Some(i)) if n != i => Some(format!("{n} {i}")),
        (Some(one), _) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}
