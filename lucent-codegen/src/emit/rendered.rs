//! A generated text, and where each function has its parts of it.
//!
//! Invariant: what stands between the sections is the same for any functions, and what a function has
//! in a section is its own business; so a changed function is replaced without writing the others anew.
//! A text for which this does not hold is noticed, and written as a whole.

use crate::resolve::Listed;

/// A text with sections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) sections: Vec<Section>,
}

/// A part of a text to which each function adds a piece, in the order of names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) start: usize,
    /// How long each piece is.
    pub(crate) lengths: Vec<u32>,
}

impl Rendered {
    /// Adds a section with a piece for each function.
    pub(crate) fn section(&mut self, functions: &[Listed], piece: impl Fn(&mut String, &Listed)) {
        let mut section = Section { start: self.text.len(), lengths: Vec::new() };
        let mut before = section.start;
        for listed in functions {
            piece(&mut self.text, listed);
            // No piece is that long; if one were, the lengths would not add up, which is noticed.
            section.lengths.push(u32::try_from(self.text.len() - before).unwrap_or(u32::MAX));
            before = self.text.len();
        }
        self.sections.push(section);
    }
}
