//! From a file to its syntax.
//!
//! Invariant: whatever the file holds, there is syntax or a finding, and never a panic.

use std::path::Path;

use super::File;
use crate::diagnostic::{Code, Diagnostic, Place};

/// Reads and parses a file.
pub(super) fn file(path: &Path, shown: String) -> Result<File, Box<Diagnostic>> {
    let refused = |problem: String| Box::new(Diagnostic::error(Code::NOT_RUST, problem));
    let bytes =
        std::fs::read(path).map_err(|error| refused(format!("{shown} cannot be read: {error}")))?;
    match String::from_utf8(bytes) {
        Ok(text) => parse(shown, text),
        Err(_) => Err(Box::new(
            Diagnostic::error(Code::NOT_RUST, format!("{shown} is no UTF-8 text"))
                .help("save it as UTF-8: rustc reads nothing else"),
        )),
    }
}

fn parse(shown: String, text: String) -> Result<File, Box<Diagnostic>> {
    if let Some(line) = too_deep(&text) {
        let message = format!("{shown} nests more than {MAX_DEPTH} delimiters");
        return Err(Box::new(
            Diagnostic::error(Code::NOT_RUST, message)
                .at(Place::line(&shown, line), "too deep to be read")
                .help("split this into functions or constants"),
        ));
    }
    match syn::parse_file(&text) {
        Ok(syntax) => Ok(File { shown, text, syntax }),
        Err(error) => Err(Box::new(
            Diagnostic::error(Code::NOT_RUST, format!("{shown} is not Rust: {}", reason(&error)))
                .at(Place::of(&shown, error.span()), "here")
                .help("`cargo check` says more; what the file says is left out until it is whole"),
        )),
    }
}

/// Why the text is not Rust, in words that say more than that it is not.
fn reason(error: &syn::Error) -> String {
    match error.to_string().as_str() {
        "cannot parse string into token stream" => {
            "a bracket or a quotation mark has no counterpart, or a character stands where none can"
                .to_owned()
        }
        said => said.to_owned(),
    }
}

/// The line where more delimiters are open than a recursive parser should follow.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut line = 1;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => line += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(line);
        }
    }
    None
}

/// How many delimiters may be open at once.
const MAX_DEPTH: usize = 400;
