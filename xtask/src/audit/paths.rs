//! The project stands alone: no file names a place outside of it.
//!
//! Invariant: an absolute path below a folder that only some machine has, and a relative path that
//! climbs above the root, are both found; the paths of a web address are not mistaken for them.

use std::path::Path;

use super::files::TextFile;

/// Lists every path that leads out of the project.
#[must_use]
pub fn problems(files: &[TextFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let found = machine_path(line).or_else(|| climbing_path(file, line));
            if let Some(found) = found {
                problems.push(format!(
                    "{}:{}: `{found}` leads out of the project: name something inside of it",
                    file.path.display(),
                    index + 1
                ));
            }
        }
    }
    problems
}

/// An absolute path into somebody's machine.
fn machine_path(line: &str) -> Option<&str> {
    line.match_indices('/').find_map(|(start, _)| {
        let path = word(&line[start..]);
        let before = line[..start].chars().next_back();
        let first = path[1..].split('/').next()?;
        // After a name, a dot or another slash, it is the rest of a longer path or of an address.
        let is_absolute = before.is_none_or(|c| !is_of_path(c) && c != '}' && c != ')');
        (is_absolute && path.len() > first.len() + 1 && MACHINE_FOLDERS.contains(&first))
            .then_some(path)
    })
}

/// A relative path that climbs above the root.
fn climbing_path<'a>(file: &TextFile, line: &'a str) -> Option<&'a str> {
    let relevant = !file.is("rs") || line.contains("include") || line.contains("#[path");
    if !relevant {
        return None;
    }
    let depth = file.folder().components().count();
    line.match_indices("../").find_map(|(start, _)| {
        let path = word(&line[start..]);
        let before = line[..start].chars().next_back();
        let starts_here = before.is_none_or(|c| !is_of_path(c));
        (starts_here && climb(path) > depth).then_some(path)
    })
}

/// How far above its start a path ever climbs.
fn climb(path: &str) -> usize {
    let mut level = 0_usize;
    let mut highest = 0;
    for component in Path::new(path).components() {
        match component {
            std::path::Component::ParentDir if level == 0 => highest += 1,
            std::path::Component::ParentDir => level -= 1,
            _ => level += 1,
        }
    }
    highest
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !is_of_path(c)).unwrap_or(text.len());
    &text[..end]
}

fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || "/._-~+".contains(c)
}

/// Folders that every machine fills differently.
const MACHINE_FOLDERS: &[&str] =
    &["Users", "home", "media", "mnt", "root", "scratch", "srv", "work", "workspace", "workspaces"];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let file = TextFile { path: PathBuf::from(path), text: text.to_owned() };
        let problems = problems(&[file]);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(&format!("`{expected}` leads out")), "{problem}");
        }
    }

    #[test]
    fn a_path_into_a_machine_is_found() {
        let path = ["", "home", "ada", "lucent"].join("/");
        check("a.md", &format!("see {path}, please"), &[&path]);
        check("src/a.rs", &format!("File::open(\"{path}\")"), &[&path]);
    }

    #[test]
    fn an_address_is_no_path() {
        check("a.md", "https://example.org/home/ada and src/work/list.rs", &[]);
        check("a.md", "#!/usr/bin/env bash, and a `/work` route", &[]);
        check("a.rs", "format!(\"{base}/home/ada\")", &[]);
    }

    #[test]
    fn a_path_above_the_root_is_found() {
        let above = ["..", "..", "shared"].join("/");
        check("book/a.md", &format!("[x]({above})"), &[&above]);
        check("book/src/a.md", &format!("[x]({above})"), &[]);
        check("a/b.rs", &format!("include_str!(\"{above}\")"), &[&above]);
        check("a/b.rs", &format!("rejects(\"{above}\")"), &[]);
    }

    #[test]
    fn the_highest_point_of_a_climb_counts() {
        assert_eq!(climb("../a/../../b"), 2);
        assert_eq!(climb("../a/b/../.."), 1);
    }
}
