//! Classes of ground by thresholds of indices, on both dates: what a pixel was, and what it became.

use crate::analysis::indices::Index;
use crate::error::{Error, Result};
use crate::model::Seen;

/// Classes that can be told at most: with the rest they are numbered by one digit.
const MAX_RULES: usize = 8;
/// Name of what fits no rule.
pub const OTHER: &str = "other";
/// Number of a pixel whose classes are not known on both dates.
pub const UNKNOWN: u8 = 255;

/// An index above or below a limit (the limit itself is neither).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// Index.
    pub index: Index,
    /// True: above; false: below.
    pub above: bool,
    /// Limit, compared in single precision.
    pub limit: f32,
}

/// A class: all its conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRule {
    /// Name.
    pub name: String,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

impl ClassRule {
    /// A rule as typed: `water=mndwi>0.1`, `bare=ndvi<0.2&mndwi<0`.
    ///
    /// # Errors
    /// `Usage` where it is not understood.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("the class “{text}” is not understood"), format!("无法理解类别“{text}”")).remedy(
                "a class is NAME=INDEX>LIMIT or NAME=INDEX<LIMIT, conditions joined by &, in quotes: \"bare=ndvi<0.2&mndwi<0\"",
                "类别写作 名称=指数>阈值 或 名称=指数<阈值,多个条件用 & 连接,并加引号:\"bare=ndvi<0.2&mndwi<0\"",
            )
        };
        let (name, conditions) = text.split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        if name.is_empty() || name == OTHER {
            return Err(wrong());
        }
        let condition = |c: &str| -> Result<Condition> {
            let at = c.find(['<', '>']).ok_or_else(wrong)?;
            let limit = c[at + 1..].trim().parse::<f32>().ok().filter(|v| v.is_finite()).ok_or_else(wrong)?;
            Ok(Condition { index: Index::of(&c[..at])?, above: c[at..].starts_with('>'), limit })
        };
        let conditions = conditions.split('&').map(condition).collect::<Result<_>>()?;
        Ok(Self { name: name.to_owned(), conditions })
    }
}

/// Classes in the order in which they are tried: a pixel is of the first that fits, and of [`OTHER`] where none does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Classes {
    rules: Vec<ClassRule>,
}

impl Classes {
    /// Of rules.
    ///
    /// # Errors
    /// `Usage` for more than eight, or two of one name.
    pub fn new(rules: Vec<ClassRule>) -> Result<Self> {
        if rules.len() > MAX_RULES {
            return Err(Error::usage(
                format!("{} classes were given, at most {MAX_RULES} can be", rules.len()),
                format!("给出了 {} 个类别,最多 {MAX_RULES} 个", rules.len()),
            ));
        }
        if let Some(r) = rules.iter().enumerate().find(|(i, r)| rules[..*i].iter().any(|x| x.name == r.name)) {
            let n = &r.1.name;
            return Err(Error::usage(format!("the class {n} was given twice"), format!("类别 {n} 重复")));
        }
        Ok(Self { rules })
    }

    /// True where no class was told.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules.
    pub fn rules(&self) -> &[ClassRule] {
        &self.rules
    }

    /// The indices that the rules need, each once.
    pub fn indices(&self) -> Vec<Index> {
        let mut out = Vec::new();
        for c in self.rules.iter().flat_map(|r| &r.conditions) {
            if !out.contains(&c.index) {
                out.push(c.index);
            }
        }
        out
    }

    /// Numbers and names, from 1; [`OTHER`] is the last.
    pub fn names(&self) -> impl Iterator<Item = (u8, &str)> {
        (1..).zip(self.rules.iter().map(|r| r.name.as_str()).chain([OTHER]))
    }

    /// Name of a number.
    pub fn name(&self, number: u8) -> &str {
        self.rules.get(usize::from(number).wrapping_sub(1)).map_or(OTHER, |r| &r.name)
    }

    /// Classes of a block's pixels: `values` of each of [`Self::indices`], in their order.
    pub fn of(&self, values: &[Vec<f32>]) -> Vec<u8> {
        let n = values.first().map_or(0, Vec::len);
        let mut out = vec![self.rules.len() as u8 + 1; n];
        let indices = self.indices();
        // the first that fits is written last
        for (number, r) in self.rules.iter().enumerate().rev().map(|(i, r)| (i as u8 + 1, r)) {
            let mine: Vec<(&[f32], &Condition)> = r
                .conditions
                .iter()
                .filter_map(|c| Some((values.get(indices.iter().position(|i| *i == c.index)?)?.as_slice(), c)))
                .collect();
            for (i, o) in out.iter_mut().enumerate() {
                let fits = |(v, c): &(&[f32], &Condition)| if c.above { v[i] > c.limit } else { v[i] < c.limit };
                *o = if mine.iter().all(fits) { number } else { *o };
            }
        }
        out
    }
}

/// `10 · from + to` of each pixel, [`UNKNOWN`] where it was not seen.
pub fn pairs(from: &[u8], to: &[u8], seen: &[Seen]) -> Vec<u8> {
    let pair = |((f, t), s): ((&u8, &u8), &Seen)| if *s == Seen::Yes { 10 * f + t } else { UNKNOWN };
    from.iter().zip(to).zip(seen).map(pair).collect()
}

/// From and to of a pair's number.
pub fn from_to(pair: u8) -> (u8, u8) {
    (pair / 10, pair % 10)
}

/// True where a pair's classes are known and differ.
pub fn moved(pair: u8) -> bool {
    let (f, t) = from_to(pair);
    pair != UNKNOWN && f != t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let rule = |t: &str| ClassRule::parse(t).unwrap();
        let c =
            Classes::new(vec![rule("水=mndwi > 0.1"), rule("plants=ndvi>0.3"), rule("bare=ndvi<0.2&mndwi<0")]).unwrap();
        assert_eq!(c.indices(), [Index::Mndwi, Index::Ndvi]);
        assert_eq!(c.names().collect::<Vec<_>>(), [(1, "水"), (2, "plants"), (3, "bare"), (4, "other")]);
        // water though green (the first that fits), plants, at a limit (no class), bare, dark and wet
        let mndwi = vec![0.2, -0.4, -0.4, -0.1, 0.05];
        let ndvi = vec![0.5, 0.31, 0.3, 0.1, 0.1];
        let from = c.of(&[mndwi, ndvi]);
        assert_eq!(from, [1, 2, 4, 3, 4]);
        let to = [3, 2, 1, 3, 1];
        let seen = [Seen::Yes, Seen::Yes, Seen::Yes, Seen::Cloud, Seen::Yes];
        let p = pairs(&from, &to, &seen);
        assert_eq!(p, [13, 22, 41, UNKNOWN, 41]);
        assert_eq!(p.iter().map(|p| moved(*p)).collect::<Vec<_>>(), [true, false, true, false, true]);
        assert_eq!((from_to(41), c.name(4), c.name(1)), ((4, 1), "other", "水"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for t in ["water", "=ndvi>1", "other=ndvi>1", "w=ndvi", "w=ndvi>", "w=ndvi>inf", "w=nope>1", "w=ndvi>0.1&"] {
            assert_eq!(ClassRule::parse(t).unwrap_err().kind.exit_code(), 2, "{t}");
        }
        let r = ClassRule::parse("a=ndvi>0").unwrap();
        assert!(Classes::new(vec![r.clone(), r.clone()]).is_err());
        assert!(Classes::new((0..9).map(|i| ClassRule { name: i.to_string(), ..r.clone() }).collect()).is_err());
    }
}
