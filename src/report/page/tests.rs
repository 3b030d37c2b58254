use geo::{MultiPolygon, Point, polygon};

use super::*;

#[test]
fn base64_of_the_standard() {
    // RFC 4648, section 10
    let known = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];
    for (plain, coded) in known {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
}

#[test]
fn shapes_are_steps_of_ten_millionths_and_shells_run_against_the_clock() {
    let clockwise = polygon![(x: 106.0, y: 39.0), (x: 106.0, y: 39.5), (x: 106.5, y: 39.0), (x: 106.0, y: 39.0)];
    let found = pieces::shape(&Geometry::MultiPolygon(MultiPolygon(vec![clockwise])));
    assert_eq!(found, json!([2, [[[1_060_000_000, 390_000_000, 5_000_000, 0, -5_000_000, 5_000_000, 0, -5_000_000]]]]));
    assert_eq!(pieces::shape(&Geometry::Point(Point::new(-0.000_000_14, 1.0))), json!([0, [-1, 10_000_000]]));
}

fn page(rows: Vec<Vec<Value>>) -> Page {
    let fields = vec![Field::new("site_id", FieldType::Text), Field::new("n", FieldType::Int64)];
    let meaning = recognised(&fields, Roles::default());
    let shapes = vec![Some(Geometry::Point(Point::new(106.8, 39.6))); rows.len()];
    let layer = PageLayer {
        name: "a".into(),
        title: None,
        meaning,
        fields,
        rows,
        shapes,
        events: None,
        chips: BTreeMap::new(),
    };
    Page {
        title: Text::new("<b>t</b>", "<b>t</b>"),
        lang: Lang::En,
        made: NaiveDate::from_ymd_opt(2026, 6, 30).unwrap(),
        layers: vec![layer],
        pictures: None,
        charts: Vec::new(),
        sources: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn text_of_the_data_ends_no_element_and_comes_back_whole() {
    let hostile = "</script><script>alert(1)</script><!-- \u{2028}\u{2029}\u{0}\u{202e}\"'&";
    let text = html(&page(vec![vec![Value::from(hostile), Value::Int((1 << 53) + 1)]]));
    let start = text.find("id=\"heshan-data\">").unwrap() + "id=\"heshan-data\">".len();
    let data = &text[start..start + text[start..].find("</script>").unwrap()];
    assert!(!data.contains('<') && !data.contains('\u{2028}') && !data.contains('\u{2029}'));
    let json: Json = serde_json::from_str(data).unwrap();
    assert_eq!(json["layers"][0]["rows"][0][0], hostile);
    // 2^53 + 1 is no number of JavaScript
    assert_eq!(json["layers"][0]["rows"][0][1], "9007199254740993");
    assert!(text.contains("<title>&lt;b&gt;t&lt;/b&gt;</title>"));
    // the frame's own two: the data, the program
    assert_eq!(text.matches("<script").count(), 2);
    assert_eq!(text.matches("</script").count(), 2);
}

#[test]
fn the_policy_names_the_bytes_between_the_tags() {
    let text = html(&page(Vec::new()));
    let between = |from: &str, to: &str| {
        let at = text.rfind(from).unwrap() + from.len();
        text[at..at + text[at..].find(to).unwrap()].to_owned()
    };
    for (from, to) in [("\n<script>", "</script>"), ("\n<style>", "</style>")] {
        let hash = base64(&Sha256::digest(between(from, to).as_bytes()));
        assert!(text.contains(&format!("'sha256-{hash}'")), "{from}");
    }
    assert!(text.contains("default-src 'none'") && !text.contains("unsafe-"));
}
