//! The encoding of shapefile attributes, which the format leaves open.

use std::path::Path;

/// The encoding to read a shapefile with, as GDAL names it; `None` where the file says it itself (`.cpg`).
///
/// Without a `.cpg`: the text of the `.dbf` decides. Valid UTF-8 is UTF-8; else, where it is valid GB 18030, CP936
/// (what Chinese GIS writes). The language byte is not trusted beyond that: ArcGIS sets 0x57 for every ANSI page.
pub fn of_shapefile(shp: &Path) -> Option<String> {
    let sibling =
        |ext: &str| [ext.to_owned(), ext.to_uppercase()].iter().map(|e| shp.with_extension(e)).find(|p| p.exists());
    if sibling("cpg").is_some() {
        return None;
    }
    let bytes = std::fs::read(sibling("dbf")?).ok()?;
    let text = text_bytes(&bytes)?;
    if text.is_ascii() {
        return None;
    }
    if std::str::from_utf8(&text).is_ok() {
        return Some("UTF-8".into());
    }
    encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&text).map(|_| "CP936".into())
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
}
