//! What a user's `build.rs` calls.
//!
//! Invariant: it neither panics nor fails. A build script that fails takes everything that is
//! included from `OUT_DIR` away from the editor, and hides the mistake that made it fail.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cfg::Environment;
use crate::locate::{Question, locate};
use crate::package::Package;
use crate::scan::{Summary, scan_in, target_list};

/// Scans the package that is built and writes its registries: the whole `build.rs` of a user.
///
/// See the documentation of the crate for what is found and what is written. It never panics and
/// never fails: mistakes in the sources are reported by rustc, and trouble of its own is a
/// warning.
///
/// # Example
/// ```no_run
/// // all of `main` in build.rs
/// lucent_codegen::build();
/// ```
pub fn build() {
    if std::panic::catch_unwind(run).is_err() {
        warn("lucent-codegen met a mistake of its own; please report it with the text above");
    }
}

fn run() {
    let (Some(root), Some(out_dir)) = (folder("CARGO_MANIFEST_DIR"), folder("OUT_DIR")) else {
        warn("lucent_codegen::build() does nothing outside of a build script");
        return;
    };
    let environment = Environment::of_process();
    let answer = locate(&Question {
        cargo: std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")),
        name: std::env::var("CARGO_PKG_NAME").unwrap_or_default(),
        root,
        out_dir: &out_dir,
        environment: &environment,
    });
    if let Some(warning) = &answer.warning {
        warn(warning);
    }
    match scan_in(&answer.package, &out_dir, &environment) {
        Ok(summary) => print!("{}", directives(&answer.package, &summary)),
        Err(error) => {
            warn(&format!("lucent-codegen cannot write to {}: {error}", out_dir.display()))
        }
    }
}

/// The lines that cargo reads.
fn directives(package: &Package, summary: &Summary) -> String {
    let mut lines = String::new();
    for path in &summary.watched {
        let path = path.strip_prefix(&package.root).unwrap_or(path);
        lines.push_str(&format!("cargo::rerun-if-changed={}\n", shown(path)));
    }
    lines.push_str(&format!("cargo::rustc-env=LUCENT_TARGETS={}\n", target_list(package)));
    lines.push_str(&format!("cargo::rustc-env=LUCENT_CORE={}\n", package.core));
    for root in &summary.unregistered {
        let root = root.strip_prefix(&package.root).unwrap_or(root).display();
        let core = package.core.trim_start_matches("::");
        lines.push_str(&format!(
            "cargo::warning={root} has functions for a registry and makes none: write `{core}::registry!();` at its top\n"
        ));
    }
    lines
}

/// The package's own folder has an empty relative path, which cargo would not understand.
fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    path.display().to_string()
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn warn(text: &str) {
    println!("cargo::warning={}", text.replace('\n', " "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_name_files_relative_to_the_package() {
        let package = Package::conventional("bank", "/w/bank");
        let summary = Summary {
            watched: ["/w/bank", "/w/bank/src/a.rs", "/w/shared/Cargo.toml"]
                .map(PathBuf::from)
                .to_vec(),
            unregistered: vec![PathBuf::from("/w/bank/src/lib.rs")],
            ..Summary::default()
        };
        assert_eq!(
            directives(&package, &summary),
            "cargo::rerun-if-changed=.\n\
             cargo::rerun-if-changed=src/a.rs\n\
             cargo::rerun-if-changed=/w/shared/Cargo.toml\n\
             cargo::rustc-env=LUCENT_TARGETS=\n\
             cargo::rustc-env=LUCENT_CORE=::lucent_core\n\
             cargo::warning=src/lib.rs has functions for a registry and makes none: write \
             `lucent_core::registry!();` at its top\n"
        );
    }
}
