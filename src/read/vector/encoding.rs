//! The encoding of shapefile attributes, which the format leaves open.

use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, GB18030, UTF_8};

/// How a shapefile's text is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TextEncoding {
    /// As GDAL is told; `None` where it finds out by itself.
    pub told: Option<String>,
    /// For people.
    pub name: String,
    /// What the `.cpg` says, where the text belies it.
    pub belied: Option<String>,
}

/// The encoding to read a shapefile with.
///
/// What the `.cpg` (in any case) says holds as long as the text of the `.dbf` can be that. Without one, or against it,
/// the text decides: valid UTF-8 is UTF-8; else, where it is valid GB 18030, CP936 (what Chinese GIS writes). The
/// language byte is not trusted beyond that: ArcGIS sets 0x57 for every ANSI page.
pub(super) fn of_shapefile(shp: &Path) -> TextEncoding {
    let cpg = sibling(shp, "cpg").and_then(|p| std::fs::read(p).ok());
    let cpg = cpg.map(|b| String::from_utf8_lossy(&b).trim().to_owned()).filter(|s| !s.is_empty());
    let bytes = sibling(shp, "dbf").and_then(|p| std::fs::read(p).ok());
    let text = bytes.and_then(|b| text_bytes(&b)).unwrap_or_default();
    let named = cpg.as_deref().and_then(label);
    let is = |e: &'static Encoding| e.decode_without_bom_handling_and_without_replacement(&text).is_some();
    if let Some(e) = named.filter(|e| is(e)) {
        return TextEncoding { told: Some(gdal_name(e, &text)), name: cpg.unwrap_or_default(), belied: None };
    }
    if text.is_ascii() {
        return TextEncoding { told: Some("UTF-8".into()), name: cpg.unwrap_or_else(|| "ASCII".into()), belied: None };
    }
    match [UTF_8, GB18030].into_iter().find(|e| is(e)) {
        Some(e) => {
            let name = gdal_name(e, &text);
            TextEncoding { told: Some(name.clone()), name, belied: cpg }
        }
        None => TextEncoding { told: None, name: cpg.unwrap_or_else(|| "?".into()), belied: None },
    }
}

/// A file of the same name with another extension, in any case.
fn sibling(shp: &Path, ext: &str) -> Option<PathBuf> {
    let usual = [ext.to_owned(), ext.to_uppercase()].iter().map(|e| shp.with_extension(e)).find(|p| p.exists());
    usual.or_else(|| {
        let folder = shp.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let files = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path()));
        files
            .into_iter()
            .find(|p| p.file_stem() == shp.file_stem() && p.extension().is_some_and(|e| e.eq_ignore_ascii_case(ext)))
    })
}

/// The encoding a `.cpg` names: a label, or a code page with or without letters before it.
fn label(text: &str) -> Option<&'static Encoding> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    match digits {
        "936" => Some(encoding_rs::GBK),
        "54936" | "18030" => Some(GB18030),
        "65001" => Some(UTF_8),
        _ => Encoding::for_label(text.as_bytes())
            .or_else(|| Encoding::for_label(format!("windows-{digits}").as_bytes()))
            .or_else(|| text.eq_ignore_ascii_case("utf8").then_some(UTF_8)),
    }
}

/// As GDAL names it; GB 18030 only where four-byte characters need it.
fn gdal_name(e: &'static Encoding, text: &[u8]) -> String {
    let four =
        |w: &[u8]| w[0] >= 0x81 && (0x30..=0x39).contains(&w[1]) && w[2] >= 0x81 && (0x30..=0x39).contains(&w[3]);
    if e == GB18030 || e == encoding_rs::GBK {
        if text.windows(4).any(four) { "GB18030".into() } else { "CP936".into() }
    } else {
        e.name().to_owned()
    }
}

/// The bytes of field names and character fields, each followed by a blank so that a cut character stays its own.
fn text_bytes(dbf: &[u8]) -> Option<Vec<u8>> {
    let u16_at = |i: usize| Some(usize::from(u16::from_le_bytes([*dbf.get(i)?, *dbf.get(i + 1)?])));
    let (header, record) = (u16_at(8)?, u16_at(10)?);
    let mut out = Vec::new();
    let mut fields = Vec::new();
    let (mut at, mut offset) = (32, 1);
    while *dbf.get(at)? != 0x0d {
        let d = dbf.get(at..at + 32)?;
        out.extend(d[..11].iter().take_while(|b| **b != 0));
        out.push(b' ');
        if d[11] == b'C' {
            fields.push((offset, usize::from(d[16])));
        }
        offset += usize::from(d[16]);
        at += 32;
    }
    for row in dbf.get(header..)?.chunks_exact(record.max(1)).take(10_000) {
        for &(start, len) in &fields {
            let Some(v) = row.get(start..start + len) else { continue };
            let end = v.iter().rposition(|b| *b != b' ' && *b != 0).map_or(0, |i| i + 1);
            // a value that fills its field may end in half a character
            let end = if end == len { trim_cut(&v[..end]) } else { end };
            out.extend(&v[..end]);
            out.push(b' ');
        }
    }
    Some(out)
}

/// Length without a last character that was cut, in UTF-8 or a double-byte encoding.
fn trim_cut(v: &[u8]) -> usize {
    match std::str::from_utf8(v) {
        Err(e) if e.error_len().is_none() => e.valid_up_to(),
        Err(_) => {
            let mut i = 0;
            while i < v.len() {
                let step = if v[i] >= 0x81 { 2 } else { 1 };
                if i + step > v.len() {
                    return i;
                }
                i += step;
            }
            i
        }
        Ok(_) => v.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_character_does_not_decide() {
        assert_eq!(trim_cut("乌海".as_bytes()), 6);
        assert_eq!(trim_cut(&"乌海".as_bytes()[..5]), 3);
        let gbk = [0xCE, 0xDA, 0xBA, 0xA3]; // 乌海 in GBK
        assert_eq!(trim_cut(&gbk[..3]), 2);
    }

    #[test]
    fn labels_as_people_write_them() {
        for (text, e) in [
            ("GBK", encoding_rs::GBK),
            ("gb2312", encoding_rs::GBK),
            ("936", encoding_rs::GBK),
            ("CP936", encoding_rs::GBK),
            ("ANSI 936", encoding_rs::GBK),
            ("GB18030", GB18030),
            ("UTF8", UTF_8),
            ("utf-8", UTF_8),
            ("65001", UTF_8),
            ("ISO-8859-1", encoding_rs::WINDOWS_1252),
            ("CP1252", encoding_rs::WINDOWS_1252),
        ] {
            assert_eq!(label(text), Some(e), "{text}");
        }
        assert_eq!(label("ANSI"), None);
    }
}
