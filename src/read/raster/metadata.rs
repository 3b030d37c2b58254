//! `GDAL_METADATA`: scale, offset, names of bands and items of the file, as GDAL keeps them in a TIFF tag (XML).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One `<Item>`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Item {
    pub name: String,
    /// Band from 0; `None` for items of the file.
    pub sample: Option<usize>,
    pub role: String,
    pub value: String,
}

/// The items of the default domain. What is no XML gives none: the tag only describes.
pub(super) fn items(xml: &str) -> Vec<Item> {
    let mut reader = Reader::from_str(xml);
    let (mut out, mut open) = (Vec::new(), None::<Item>);
    loop {
        match reader.read_event() {
            Ok(Event::Start(e)) if e.name().as_ref() == "Item" => open = start(&e),
            Ok(Event::Text(t)) => {
                if let Some(i) = &mut open {
                    i.value += &t;
                }
            }
            Ok(Event::GeneralRef(r)) => {
                if let Some(i) = &mut open {
                    i.value += match r.as_ref() {
                        "lt" => "<",
                        "gt" => ">",
                        "quot" => "\"",
                        "apos" => "'",
                        "amp" => "&",
                        _ => "",
                    };
                }
            }
            Ok(Event::End(e)) if e.name().as_ref() == "Item" => out.extend(open.take().map(unescaped)),
            Ok(Event::Eof) | Err(_) => return out,
            _ => {}
        }
    }
}

/// GDAL escapes values twice in this tag; the reader of XML has undone it once.
fn unescaped(mut i: Item) -> Item {
    for (entity, c) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
        i.value = i.value.replace(entity, c);
    }
    i
}

fn start(e: &BytesStart<'_>) -> Option<Item> {
    let mut item = Item::default();
    for a in e.attributes().flatten() {
        let value = a.value.clone().into_owned();
        match a.key.as_ref() {
            "name" => item.name = value,
            "sample" => item.sample = Some(value.parse().ok()?),
            "role" => item.role = value,
            // other domains (RPC, colour profiles) say nothing of the values
            "domain" => return None,
            _ => {}
        }
    }
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_bands_and_of_the_file() {
        let xml = r#"<GDALMetadata>
  <Item name="AREA">a &amp;amp; b &lt; c &amp;lt; d</Item>
  <Item name="SCALE" sample="1" role="scale">0.0001</Item>
  <Item name="X" domain="RPC">1</Item>
  <Item name="DESCRIPTION" sample="0" role="description">近红外</Item>
</GDALMetadata>"#;
        let got = items(xml);
        assert_eq!(got.len(), 3);
        assert_eq!(got[0].value, "a & b < c < d");
        assert_eq!((got[1].sample, got[1].role.as_str(), got[1].value.as_str()), (Some(1), "scale", "0.0001"));
        assert_eq!(got[2].value, "近红外");
        assert!(items("<GDALMetadata><Item name=").is_empty());
    }
}
