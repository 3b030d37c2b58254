//! Lists as people read them: words in their language for the codes that files hold.

use crate::error::{Lang, Text};
use crate::model::{Table, Value};

/// Words for the codes of `relation`, `river_class`, `bank` and `state`.
const WORDS: [(&str, &str, &str, &str); 11] = [
    ("relation", "inside", "inside", "范围内"),
    ("relation", "crosses", "crosses", "跨界"),
    ("relation", "outside", "outside", "范围外"),
    ("river_class", "main", "main stem", "干流"),
    ("river_class", "tributary", "tributary", "支流"),
    ("river_class", "unknown", "not classed", "未分级"),
    ("bank", "left", "left", "左岸"),
    ("bank", "right", "right", "右岸"),
    ("state", "skipped", "skipped", "跳过"),
    ("state", "repaired", "repaired", "已修复"),
    ("state", "noted", "noted", "提示"),
];

/// Name of a factor of the score.
pub(super) fn factor(name: &str) -> (String, String) {
    let words = match name {
        "distance" => ("distance", "距离"),
        "river_class" => ("river class", "河流等级"),
        "kind" => ("kind", "类型"),
        "inside" => ("share inside", "范围内占比"),
        "zone" => ("zone", "管控区"),
        other => (other, other),
    };
    (words.0.to_owned(), words.1.to_owned())
}

/// A list with words for codes; of the two columns of kinds (code and Chinese) the one that `lang` reads stays.
pub fn worded(table: &Table, lang: Lang) -> Table {
    let unread = if lang == Lang::Zh { "kind" } else { "kind_zh" };
    let two = table.columns.iter().any(|c| c.field.name == "kind_zh");
    let kept: Vec<usize> =
        (0..table.columns.len()).filter(|&i| !(two && table.columns[i].field.name == unread)).collect();
    let word = |i: usize, v: &Value| -> Value {
        let name = &table.columns[i].field.name;
        let of = |field: &str| name == field || field == "relation" && name.starts_with("relation_");
        let found = v.as_text().and_then(|t| WORDS.iter().find(|(field, code, ..)| of(field) && *code == t));
        found.map_or_else(|| v.clone(), |(_, _, en, zh)| Value::from(Text::new(*en, *zh).in_lang(lang)))
    };
    Table {
        columns: kept.iter().map(|&i| table.columns[i].clone()).collect(),
        rows: table.rows.iter().map(|(g, v)| (g.clone(), kept.iter().map(|&i| word(i, &v[i])).collect())).collect(),
        ..table.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, Field, FieldType, Shape};

    #[test]
    fn codes_become_words_and_one_column_of_kinds_stays() {
        let names = ["site_id", "kind", "kind_zh", "relation_3000", "bank", "river_class"];
        let row = ["main", "mine", "矿山", "crosses", "left", "main"];
        let table = Table {
            name: "sites".into(),
            title: Text::default(),
            columns: names.map(|n| Column { field: Field::new(n, FieldType::Text), title: Text::new(n, n) }).to_vec(),
            shape: Shape::None,
            crs: None,
            rows: vec![(None, row.map(Value::from).to_vec())],
            style: None,
        };
        let zh: Vec<String> = worded(&table, Lang::Zh).rows[0].1.iter().map(Value::to_display).collect();
        assert_eq!(zh, ["main", "矿山", "跨界", "左岸", "干流"]);
        let en: Vec<String> = worded(&table, Lang::En).rows[0].1.iter().map(Value::to_display).collect();
        assert_eq!(en, ["main", "mine", "crosses", "left", "main stem"]);
    }
}
