//! From models to the files and directives of a build.
//!
//! Invariant: equal models give equal bytes, and a file whose bytes are equal is not written, so
//! that nothing is rebuilt for nothing.

mod completeness;
mod manifest;
mod registry;

pub(crate) use manifest::manifest;
pub(crate) use registry::registry;

use std::io;
use std::path::Path;

/// Writes a file unless it has these bytes already; says whether it wrote.
pub(crate) fn write_if_changed(path: &Path, text: &str) -> io::Result<bool> {
    if std::fs::read(path).is_ok_and(|current| current == text.as_bytes()) {
        return Ok(false);
    }
    std::fs::write(path, text)?;
    Ok(true)
}
