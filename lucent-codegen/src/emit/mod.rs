//! From models to the files and directives of a build.
//!
//! Invariant: equal models give equal bytes, and a file whose bytes are equal is not written, so
//! that nothing is rebuilt for nothing.

mod calls;
mod completeness;
mod ids;
mod manifest;
mod registry;
mod rendered;

pub(crate) use manifest::{close, manifest, reopen};
pub(crate) use registry::registry;
pub(crate) use rendered::{Rendered, Section};

use std::io;
use std::path::Path;

/// Writes a file unless it has these bytes already; says whether it wrote.
pub(crate) fn write_if_changed(path: &Path, text: &[u8]) -> io::Result<bool> {
    if std::fs::read(path).is_ok_and(|current| current == text) {
        return Ok(false);
    }
    std::fs::write(path, text)?;
    Ok(true)
}
