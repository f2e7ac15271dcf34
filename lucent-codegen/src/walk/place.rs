//! Where rustc looks for the file of `mod x;`.
//!
//! Invariant: these are rustc's rules (the Reference, "Modules"), as a pure function of paths:
//! a folder to look in, and for a file that is not a `mod.rs` the name that comes before.

use std::path::{Path, PathBuf};

/// The folder state of a module while its items are walked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// The folder of the file, or of the inline module.
    pub(crate) folder: PathBuf,
    /// The stem of a file such as `a.rs`, whose children stand in `a/`.
    pub(crate) stem: Option<String>,
}

/// A file that a module may be in, and the place of what it declares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Spot {
    pub(crate) file: PathBuf,
    pub(crate) place: Place,
}

impl Place {
    /// The place of a crate root, of a `mod.rs`, and of any file reached by `#[path]` or `include!`.
    pub(crate) fn owning(file: &Path) -> Self {
        Self { folder: file.parent().map(Path::to_path_buf).unwrap_or_default(), stem: None }
    }

    /// The two files that `mod name;` may mean, in rustc's order.
    pub(crate) fn spots(&self, name: &str) -> [Spot; 2] {
        let folder = self.of_children();
        let flat = folder.join(format!("{name}.rs"));
        let nested = folder.join(name).join("mod.rs");
        [
            Spot { place: Self { folder, stem: Some(name.to_owned()) }, file: flat },
            Spot { place: Self::owning(&nested), file: nested },
        ]
    }

    /// The file that `#[path = "…"] mod x;` means.
    pub(crate) fn spot_at(&self, path: &str) -> Spot {
        let file = self.folder.join(path);
        Spot { place: Self::owning(&file), file }
    }

    /// The place inside of `mod name { … }`.
    pub(crate) fn inline(&self, name: &str) -> Self {
        Self { folder: self.of_children().join(name), stem: None }
    }

    /// The place inside of `#[path = "…"] mod name { … }`.
    pub(crate) fn inline_at(&self, path: &str) -> Self {
        Self { folder: self.folder.join(path), stem: None }
    }

    /// The folder where files of plain `mod x;` stand.
    pub(crate) fn of_children(&self) -> PathBuf {
        match &self.stem {
            Some(stem) => self.folder.join(stem),
            None => self.folder.clone(),
        }
    }
}
