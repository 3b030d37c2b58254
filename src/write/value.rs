//! Values as text that programs read again.

use crate::model::Value;

/// A value as text without loss: bytes in hexadecimal (as GDAL writes them), all digits of numbers, ISO 8601 times;
/// empty for null.
pub(super) fn as_text(v: &Value) -> String {
    match v {
        Value::Binary(b) => b.iter().map(|x| format!("{x:02X}")).collect(),
        other => other.to_display(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_large_numbers_are_whole() {
        assert_eq!(as_text(&Value::Binary(vec![0, 255, 16])), "00FF10");
        assert_eq!(as_text(&Value::Int(i64::MIN)), "-9223372036854775808");
        assert_eq!(as_text(&Value::Real(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(as_text(&Value::Null), "");
    }
}
