//! A document for people: headings, paragraphs and lists in order, not yet a file.

use super::{Drawing, Table};
use crate::error::Text;

/// A document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// Title.
    pub title: Text,
    /// Below it: the period, the issuer.
    pub subtitle: Text,
    /// Content, in order.
    pub parts: Vec<Part>,
    /// At its end: where its figures come from.
    pub note: Text,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Heading of a section.
    Heading(Text),
    /// A paragraph.
    Paragraph(Text),
    /// A list with its title; geometry is not shown.
    List(Table),
    /// A chart, in the language of the document; a list beside it has its figures.
    Chart {
        /// What it shows, for those who cannot see it.
        title: Text,
        /// The chart.
        drawing: Drawing,
    },
}
