//! `cargo lucent new`: a project from templates.
//!
//! Invariant: nothing that exists is written over; a project that is made builds, passes its tests
//! and its check.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;

use crate::{
    cli::{Common, New},
    failure::Failure,
    locate, lock, survey,
};

/// Makes the project.
pub(crate) fn new(options: &New, common: &Common) -> Result<ExitCode, Failure> {
    check_name(&options.name)?;
    let folder = options.path.clone().unwrap_or_else(|| PathBuf::from(&options.name));
    let is_taken = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken || folder.is_file() {
        return Err(Failure::Usage(format!(
            "{} exists and is not empty: choose another place with `--path`",
            folder.display()
        )));
    }
    let lucent = Source::find(options.lucent_path.as_deref())?;
    let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let workspace = match inside_of(&absolute) {
        true => {
            "\n# It stands inside of another workspace, of which it is no member.\n[workspace]\n"
        }
        false => "",
    };
    for (path, template) in TEMPLATE {
        let mut text = template
            .replace("{{name}}", &options.name)
            .replace("{{crate}}", &options.name.replace('-', "_"))
            .replace("{{workspace}}\n", workspace);
        for (package, within) in PACKAGES {
            text = text.replace(&format!("{{{{{package}}}}}"), &lucent.dependency(within));
        }
        write(&folder.join(path), &text)?;
    }
    let workspace = locate::locate(Some(&folder.join("Cargo.toml")), &[])?;
    let shapes = lock::collect(&survey::survey(workspace));
    write(&folder.join(lock::NAME), &lock::print(&shapes))?;
    if common.json {
        println!("{:#}", json!({ "ok": true, "path": absolute, "lucent": lucent.shown() }));
    } else {
        eprintln!("made {} on Lucent {}", folder.display(), lucent.shown());
        eprintln!("next: cd {} && cargo test && cargo run", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the project gets Lucent from.
#[derive(Debug)]
enum Source {
    Checkout(PathBuf),
    Git,
}

impl Source {
    fn find(given: Option<&Path>) -> Result<Self, Failure> {
        let is_checkout = |folder: &Path| folder.join("lucent-core/Cargo.toml").is_file();
        if let Some(folder) = given {
            let absolute = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
            return match is_checkout(&absolute) {
                true => Ok(Self::Checkout(absolute)),
                false => Err(Failure::Usage(format!(
                    "{} is no checkout of Lucent: there is no lucent-core/Cargo.toml in it",
                    folder.display()
                ))),
            };
        }
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        Ok(match built_from.filter(|folder| is_checkout(folder)) {
            Some(folder) => Self::Checkout(folder.to_path_buf()),
            None => Self::Git,
        })
    }

    /// What stands behind `lucent-core =`.
    fn dependency(&self, within: &str) -> String {
        match self {
            Self::Checkout(folder) => {
                // A path in quotes of TOML, which knows JSON's escapes.
                format!("{{ path = {} }}", json!(folder.join(within)))
            }
            Self::Git => format!("{{ git = \"{REPOSITORY}\" }}"),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Checkout(folder) => format!("in {}", folder.display()),
            Self::Git => format!("from {REPOSITORY}"),
        }
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let problem = if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        "it starts with a letter"
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        "it consists of letters, digits, `-` and `_`"
    } else if syn::parse_str::<syn::Ident>(&name.replace('-', "_")).is_err()
        || RESERVED.contains(&name)
    {
        "it is no word of the language, and no crate that the project needs"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(format!("`{name}` cannot be the name of a package: {problem}")))
}

/// Whether a workspace stands above a folder.
fn inside_of(folder: &Path) -> bool {
    folder.ancestors().skip(1).any(|above| {
        std::fs::read_to_string(above.join("Cargo.toml"))
            .is_ok_and(|text| text.lines().any(|line| line.trim().starts_with("[workspace")))
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error))?;
    }
    std::fs::write(path, text).map_err(|error| Failure::writing(path, &error))
}

/// The files of a project and their templates.
const TEMPLATE: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../templates/app/Cargo.toml.in")),
    ("build.rs", include_str!("../templates/app/build.rs.in")),
    (".gitignore", include_str!("../templates/app/gitignore.in")),
    ("README.md", include_str!("../templates/app/README.md.in")),
    ("src/lib.rs", include_str!("../templates/app/src/lib.rs.in")),
    ("src/main.rs", include_str!("../templates/app/src/main.rs.in")),
    ("tests/item.rs", include_str!("../templates/app/tests/item.rs.in")),
];

/// The packages of Lucent in templates, and where they are in a checkout.
const PACKAGES: [(&str, &str); 4] = [
    ("lucent-core", "lucent-core"),
    ("lucent-sqlite", "backends/sqlite"),
    ("lucent-codegen", "lucent-codegen"),
    ("lucent-testkit", "lucent-testkit"),
];

const RESERVED: [&str; 10] = [
    "alloc",
    "core",
    "lucent-codegen",
    "lucent-core",
    "lucent-sqlite",
    "lucent-testkit",
    "proc-macro",
    "std",
    "test",
    "tokio",
];

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cargo_would_refuse_are_refused_with_a_reason() {
        for name in ["demo", "my-app", "a1_b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for (name, says) in [
            ("1st", "starts with a letter"),
            ("a/b", "letters, digits"),
            ("fn", "word of the language"),
            ("std", "word of the language"),
            ("", "starts with a letter"),
        ] {
            let problem = check_name(name).unwrap_err().to_string();
            assert!(problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn without_a_checkout_the_repository_is_taken() {
        assert!(Source::Git.dependency("lucent-core").contains("git = \"https://"));
        let checkout = Source::Checkout(PathBuf::from("/src/\"lucent\""));
        assert_eq!(checkout.dependency("x"), "{ path = \"/src/\\\"lucent\\\"/x\" }");
    }
}
