//! Lines of text: broken after blanks and between Chinese characters, not before a comma nor after an opening bracket.

use crate::model::{Face, Letters};

/// Signs that do not begin a line (GB/T 15834-2011, 5.1).
const NOT_FIRST: &str =
    "\u{ff0c}。、\u{ff1b}\u{ff1a}\u{ff1f}\u{ff01}”’\u{ff09}》〉】〗』」\u{ff3d}\u{ff5d}\u{ff05}‰…·,.;:?!)]}%";
/// Signs that do not end one.
const NOT_LAST: &str = "“‘\u{ff08}《〈【〖『「\u{ff3b}\u{ff5b}([{";

/// A character that stands for itself: a line may be broken before and after it.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}' | '“' | '”' | '‘' | '’' | '…' | '—')
}

/// True where a line may be broken between two characters.
fn between(before: char, after: char) -> bool {
    if NOT_FIRST.contains(after) || NOT_LAST.contains(before) || after == ' ' {
        return false;
    }
    before == ' ' || before == '/' || stands_alone(before) || stands_alone(after)
}

/// The lines of a text, each at most `width` ems wide; the first `indent` ems less. A word that is longer than a line is
/// broken where the line ends.
pub(super) fn broken(letters: &dyn Letters, text: &str, face: Face, width: f64, indent: f64) -> Vec<String> {
    let mut out = Vec::new();
    let (mut line, mut so_far, mut room) = (String::new(), 0.0, width - indent);
    let mut place: Option<usize> = None;
    let mut last = None;
    let wide = |t: &str| letters.width(t, face);
    for c in text.chars() {
        let own = wide(c.encode_utf8(&mut [0; 4]));
        if last.is_some_and(|l| between(l, c)) {
            place = Some(line.len());
        }
        if so_far + own > room && !line.is_empty() && c != ' ' {
            let rest = line.split_off(place.unwrap_or(line.len()));
            out.push(line.trim_end().to_owned());
            rest.trim_start().clone_into(&mut line);
            so_far = wide(&line);
            (place, room) = (None, width);
        }
        line.push(c);
        so_far += own;
        last = Some(c);
    }
    if !line.trim().is_empty() || out.is_empty() {
        out.push(line.trim_end().to_owned());
    }
    out
}

/// Width of a text in ems, and of its widest part that a line is not broken in.
pub(super) fn widths(letters: &dyn Letters, text: &str, face: Face) -> (f64, f64) {
    let (mut widest, mut part, mut whole) = (0.0f64, 0.0, 0.0);
    let mut last = None;
    for c in text.chars() {
        if last.is_some_and(|l| between(l, c)) {
            part = 0.0;
        }
        let own = letters.width(c.encode_utf8(&mut [0; 4]), face);
        part += own;
        whole += own;
        widest = widest.max(part);
        last = Some(c);
    }
    (whole, widest)
}
