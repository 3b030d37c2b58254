//! One error type: what happened, where (file, layer, feature, block), and what to do about it.
//!
//! Every text exists in Chinese and English ([`Text`]); the CLI chooses. [`ErrorKind`] maps to the exit code.

use std::fmt;
use std::path::{Path, PathBuf};

/// `Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Language of user-facing text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Simplified Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

/// A user-facing text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl Text {
    /// Builds a text from its English and Chinese forms.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// The form in `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// True where nothing is said.
    pub fn is_empty(&self) -> bool {
        self.en.is_empty() && self.zh.is_empty()
    }
}

/// What class of failure an [`Error`] is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Some features could not be used and `--allow-skipped` was not given (exit code 1).
    Skipped,
    /// Wrong usage: options that do not fit together (exit code 2).
    Usage,
    /// The input cannot be read or is unfit (exit code 3).
    Input,
    /// The output cannot be written (exit code 4).
    Output,
    /// Interrupted by the user (exit code 130).
    Interrupted,
}

impl ErrorKind {
    /// The process exit code of this kind (DESIGN section 4).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Skipped => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Output => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Where a failure happened; every part that is known is printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// File or data source.
    pub file: Option<PathBuf>,
    /// Layer in the file.
    pub layer: Option<String>,
    /// Feature id in the layer.
    pub feature: Option<i64>,
    /// Raster block (column, row of the block).
    pub block: Option<(u64, u64)>,
}

/// An error for the person who must act: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// Class of failure.
    pub kind: ErrorKind,
    /// Where it happened.
    pub place: Box<Place>,
    /// What was found, and what was expected.
    pub what: Box<Text>,
    /// What to do.
    pub remedy: Box<Text>,
}

impl Error {
    /// An error of `kind` that says `what`.
    pub fn new(kind: ErrorKind, what: Text) -> Self {
        Self { kind, place: Box::default(), what: Box::new(what), remedy: Box::default() }
    }

    /// An input that cannot be read or is unfit (exit code 3).
    pub fn input(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, Text::new(en, zh))
    }

    /// An output that cannot be written (exit code 4).
    pub fn output(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(ErrorKind::Output, Text::new(en, zh))
    }

    /// Wrong usage (exit code 2).
    pub fn usage(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, Text::new(en, zh))
    }

    /// Interrupted by the user (exit code 130).
    pub fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, Text::new("interrupted; nothing was written", "已中断;未写出任何结果"))
    }

    /// Says what to do about it.
    #[must_use]
    pub fn remedy(mut self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.remedy = Box::new(Text::new(en, zh));
        self
    }

    /// Names the file, unless one is named already; a database's password is left out.
    #[must_use]
    pub fn in_file(mut self, file: impl AsRef<Path>) -> Self {
        self.place.file.get_or_insert_with(|| without_password(&file.as_ref().to_string_lossy()).into());
        self
    }

    /// Names the layer, unless one is named already.
    #[must_use]
    pub fn in_layer(mut self, layer: impl Into<String>) -> Self {
        self.place.layer.get_or_insert_with(|| layer.into());
        self
    }

    /// Names the feature, unless one is named already.
    #[must_use]
    pub fn at_feature(mut self, fid: i64) -> Self {
        self.place.feature.get_or_insert(fid);
        self
    }

    /// Names the raster block (column and row of blocks, from 0), unless one is named already.
    #[must_use]
    pub fn at_block(mut self, column: u64, row: u64) -> Self {
        self.place.block.get_or_insert((column, row));
        self
    }

    /// The whole message in one language: `FILE, layer L, feature F: what` and, on a second line, the remedy.
    pub fn message(&self, lang: Lang) -> String {
        let mut place: Vec<String> = Vec::new();
        if let Some(f) = &self.place.file {
            place.push(f.display().to_string());
        }
        let named = |en: &str, zh: &str, v: String| match lang {
            Lang::En => format!("{en} {v}"),
            Lang::Zh => format!("{zh} {v}"),
        };
        if let Some(l) = &self.place.layer {
            place.push(named("layer", "图层", format!("“{l}”")));
        }
        if let Some(f) = self.place.feature {
            place.push(named("feature", "要素", f.to_string()));
        }
        if let Some((c, r)) = self.place.block {
            place.push(named("block", "分块", format!("({c}, {r})")));
        }
        let mut out = String::new();
        if !place.is_empty() {
            out += &place.join(if lang == Lang::Zh { "," } else { ", " });
            out += if lang == Lang::Zh { ":" } else { ": " };
        }
        out += self.what.in_lang(lang);
        if !self.remedy.is_empty() {
            out += "\n  ";
            out += if lang == Lang::Zh { "处理办法:" } else { "to mend it: " };
            out += self.remedy.in_lang(lang);
        }
        out
    }
}

/// The name of a data source without the password that a connection string (`PG:…`) may bear.
pub fn without_password(source: &str) -> String {
    if !source.starts_with("PG:") {
        return source.to_owned();
    }
    let (head, tail) = match source.split_once("password=") {
        Some((head, tail)) => (format!("{head}password=***"), after_value(tail)),
        None => (source.to_owned(), ""),
    };
    match head.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, host))) => {
            let user = user.split_once(':').map_or(user.to_owned(), |(name, _)| format!("{name}:***"));
            format!("{scheme}://{user}@{host}{tail}")
        }
        None => head + tail,
    }
}

/// What follows a value of a connection string: quoted, or up to a blank.
fn after_value(tail: &str) -> &str {
    match tail.strip_prefix('\'') {
        None => tail.find([' ', '#', '&']).map_or("", |i| &tail[i..]),
        Some(quoted) => {
            let mut escaped = false;
            for (i, c) in quoted.char_indices() {
                match c {
                    '\'' if !escaped => return &quoted[i + 1..],
                    c => escaped = c == '\\' && !escaped,
                }
            }
            ""
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stay_out() {
        for (source, shown) in [
            ("PG:host=a password=x dbname=b", "PG:host=a password=*** dbname=b"),
            ("PG:host=a password='x \\' y' dbname=b#run", "PG:host=a password=*** dbname=b#run"),
            ("PG:dbname=b password=x", "PG:dbname=b password=***"),
            ("PG:dbname=b password=x#run", "PG:dbname=b password=***#run"),
            ("PG:postgresql://u:pw@host/db", "PG:postgresql://u:***@host/db"),
            ("PG:dbname=b", "PG:dbname=b"),
            ("a/password=x.shp", "a/password=x.shp"),
        ] {
            assert_eq!(without_password(source), shown);
        }
        let e = Error::input("no", "不").in_file("PG:host=a password=secret");
        assert!(!format!("{e}").contains("secret"));
    }

    #[test]
    fn message_names_place_and_remedy() {
        let e = Error::input("no CRS", "没有坐标系")
            .in_file("a.shp")
            .in_layer("a")
            .at_feature(7)
            .remedy("name it with --crs EPSG:4490", "用 --crs EPSG:4490 指明");
        assert_eq!(
            e.message(Lang::En),
            "a.shp, layer “a”, feature 7: no CRS\n  to mend it: name it with --crs EPSG:4490"
        );
        assert_eq!(e.message(Lang::Zh), "a.shp,图层 “a”,要素 7:没有坐标系\n  处理办法:用 --crs EPSG:4490 指明");
        assert_eq!(e.kind.exit_code(), 3);
    }
}
