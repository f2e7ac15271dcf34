//! The text files of the project.
//!
//! Invariant: build results and ignored files are no part of it, with or without git.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Workspace;

/// A text file of the project.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// The path, relative to the root.
    pub path: PathBuf,
    /// The content.
    pub text: String,
}

impl TextFile {
    /// The folder that relative paths in the file start from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Whether the file's name ends with this extension.
    #[must_use]
    pub fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }
}

/// Reads every text file that git tracks or would add; without git, every file that is not a build
/// result.
///
/// # Errors
/// If a folder or a file cannot be read.
pub fn text_files(workspace: &Workspace) -> io::Result<Vec<TextFile>> {
    let root = &workspace.root;
    let mut files = Vec::new();
    let paths = match tracked(root) {
        Some(paths) => paths,
        None => walked(workspace)?,
    };
    for path in paths {
        match fs::read_to_string(root.join(&path)) {
            Ok(text) => files.push(TextFile { path, text }),
            // Deleted but not committed, or not a text.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(error) => return Err(error),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn tracked(root: &Path) -> Option<Vec<PathBuf>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let listing = String::from_utf8(output.stdout).ok()?;
    let paths = listing.split_terminator('\0').map(PathBuf::from);
    output.status.success().then(|| paths.collect())
}

fn walked(workspace: &Workspace) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(workspace.root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_build_result(workspace, &entry.path()) {
                folders.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Cargo marks its target folders with a tag, mdBook its output with a file for the web server.
fn is_build_result(workspace: &Workspace, folder: &Path) -> bool {
    folder == workspace.target
        || folder.ends_with(".git")
        || [".nojekyll", "CACHEDIR.TAG"].iter().any(|tag| folder.join(tag).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_without_git_has_the_same_sources() {
        let walked = walked(&Workspace::load().unwrap()).unwrap();
        let here = Path::new("xtask/src/audit/files.rs");
        assert!(walked.iter().any(|path| path == here));
        assert!(!walked.iter().any(|path| path.starts_with("target/debug")));
    }
}
