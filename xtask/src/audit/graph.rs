//! Which crate may depend on which.
//!
//! Invariant: every member of the workspace belongs to exactly one layer, found by its folder, and
//! the table says what that layer may know.

use std::path::Path;

use crate::{Dependency, DependencyKind, Package, Workspace};

/// A set of crates that play the same part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Layer {
    Backend,
    Book,
    Command,
    Core,
    Example,
    Generator,
    Grammar,
    Macros,
    Shell,
    Testkit,
    Tool,
}

/// Where the crates of a layer live.
#[derive(Clone, Copy, Debug)]
enum Place {
    Anywhere,
    Folder(&'static str),
    Inside(&'static str),
}

/// What the crates of a layer may depend on within the workspace.
struct Rule {
    layer: Layer,
    place: Place,
    normal: &'static [Layer],
    build: &'static [Layer],
    development: &'static [Layer],
    /// Packages from outside that must not be named, not even by tests.
    never: &'static [&'static str],
}

/// Lists every dependency that points the wrong way.
#[must_use]
pub fn problems(workspace: &Workspace) -> Vec<String> {
    let packages = workspace.packages.iter();
    packages
        .flat_map(|package| {
            let dependencies = package.dependencies.iter();
            dependencies
                .filter_map(|dependency| problem(workspace, package, dependency))
                .chain(misnamed(package))
        })
        .collect()
}

fn problem(workspace: &Workspace, package: &Package, dependency: &Dependency) -> Option<String> {
    let rule = rule_of(package);
    let (from, to) = (&package.name, &dependency.name);
    let Some(member) = workspace.package(to) else {
        return rule.never.contains(&to.as_str()).then(|| {
            format!("`{from}` ({:?}) must not know `{to}`: move that code to a backend", rule.layer)
        });
    };
    let (allowed, when) = match dependency.kind {
        DependencyKind::Build => (rule.build, "to build"),
        DependencyKind::Development => (rule.development, "to test"),
        DependencyKind::Normal => (&[][..], ""),
    };
    let target = rule_of(member).layer;
    let permitted = rule.normal.contains(&target) && dependency.kind != DependencyKind::Build;
    (!permitted && !allowed.contains(&target)).then(|| {
        format!(
            "`{from}` ({:?}) must not depend on `{to}` ({target:?}) {when}: turn the dependency \
             around, or change RULES in xtask/src/audit/graph.rs",
            rule.layer
        )
    })
}

/// A backend's package carries the name of its folder.
fn misnamed(package: &Package) -> Option<String> {
    let folder = package.folder.file_name()?.to_str()?;
    let expected = format!("lucent-{folder}");
    (rule_of(package).layer == Layer::Backend && package.name != expected).then(|| {
        format!("backends/{folder} must be the package `{expected}`, not `{}`", package.name)
    })
}

/// The first rule whose place holds the package; the last rule holds everything.
fn rule_of(package: &Package) -> &'static Rule {
    let rule = RULES.iter().find(|rule| match rule.place {
        Place::Anywhere => true,
        Place::Folder(folder) => package.folder == Path::new(folder),
        Place::Inside(folder) => package.folder.starts_with(folder),
    });
    rule.expect("the last rule holds everything")
}

const RULES: &[Rule] = &[
    Rule {
        layer: Layer::Grammar,
        place: Place::Folder("lucent-syntax"),
        normal: &[],
        build: &[],
        development: &[],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Macros,
        place: Place::Folder("lucent-macros"),
        normal: &[Layer::Grammar],
        build: &[],
        development: &[Layer::Core, Layer::Generator, Layer::Testkit],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Generator,
        place: Place::Folder("lucent-codegen"),
        normal: &[Layer::Grammar],
        build: &[],
        development: &[Layer::Core, Layer::Macros, Layer::Testkit],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Command,
        place: Place::Folder("cargo-lucent"),
        normal: &[Layer::Generator, Layer::Grammar],
        build: &[],
        development: &[],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Core,
        place: Place::Folder("lucent-core"),
        normal: &[Layer::Macros],
        build: &[],
        development: &[Layer::Generator, Layer::Testkit],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Testkit,
        place: Place::Folder("lucent-testkit"),
        normal: &[Layer::Core],
        build: &[],
        development: &[],
        never: CLIENTS,
    },
    Rule {
        layer: Layer::Backend,
        place: Place::Inside("backends"),
        normal: &[Layer::Core],
        build: &[],
        development: &[Layer::Testkit],
        never: &[],
    },
    Rule {
        layer: Layer::Example,
        place: Place::Inside("examples"),
        normal: &[Layer::Backend, Layer::Core, Layer::Example, Layer::Shell],
        build: &[Layer::Generator],
        development: &[Layer::Testkit],
        never: &[],
    },
    Rule {
        layer: Layer::Book,
        place: Place::Inside("book"),
        normal: &[Layer::Backend, Layer::Core, Layer::Example, Layer::Shell, Layer::Testkit],
        build: &[Layer::Generator],
        development: &[],
        never: &[],
    },
    Rule {
        layer: Layer::Tool,
        place: Place::Folder("xtask"),
        normal: &[],
        build: &[],
        development: &[],
        never: CLIENTS,
    },
    // Whatever else stands at the root, such as the HTTP shell, stands on core and on no backend.
    Rule {
        layer: Layer::Shell,
        place: Place::Anywhere,
        normal: &[Layer::Core],
        build: &[],
        development: &[Layer::Backend, Layer::Testkit],
        never: CLIENTS,
    },
];

/// Databases and brokers, which only backends and programs may know.
const CLIENTS: &[&str] = &[
    "async-nats",
    "diesel",
    "eventstore",
    "fred",
    "kurrentdb",
    "libsqlite3-sys",
    "postgres",
    "rdkafka",
    "redis",
    "rskafka",
    "rusqlite",
    "sqlx",
    "tokio-postgres",
];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn check(folder: &str, name: &str, kind: DependencyKind, expected: &[&str]) {
        let member = |folder: &str| Package {
            name: Path::new(folder).file_name().unwrap().to_str().unwrap().to_owned(),
            folder: PathBuf::from(folder),
            dependencies: Vec::new(),
            roots: Vec::new(),
            programs: Vec::new(),
        };
        let mut packages = vec![
            member("lucent-core"),
            member("lucent-codegen"),
            member("lucent-testkit"),
            member("backends/lucent-mem"),
        ];
        packages[3].folder = PathBuf::from("backends/mem");
        let dependency = Dependency { name: name.to_owned(), kind };
        match packages.iter_mut().find(|package| package.folder == Path::new(folder)) {
            Some(package) => package.dependencies.push(dependency),
            None => packages.push(Package { dependencies: vec![dependency], ..member(folder) }),
        }
        let workspace = Workspace { root: PathBuf::new(), target: PathBuf::new(), packages };
        let problems = problems(&workspace);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn core_knows_no_backend() {
        let expected = ["`lucent-core` (Core) must not depend on `lucent-mem` (Backend)"];
        check("lucent-core", "lucent-mem", DependencyKind::Normal, &expected);
        check("lucent-core", "lucent-mem", DependencyKind::Development, &expected);
    }

    #[test]
    fn core_knows_no_database() {
        let expected = ["`lucent-core` (Core) must not know `rusqlite`"];
        check("lucent-core", "rusqlite", DependencyKind::Normal, &expected);
        check("backends/mem", "rusqlite", DependencyKind::Normal, &[]);
    }

    #[test]
    fn a_crate_without_a_rule_stands_on_core() {
        check("lucent-http", "lucent-core", DependencyKind::Normal, &[]);
        check("lucent-http", "lucent-mem", DependencyKind::Normal, &["(Shell) must not"]);
        check("lucent-http", "lucent-mem", DependencyKind::Development, &[]);
    }

    #[test]
    fn kinds_are_told_apart() {
        check("examples/app", "lucent-codegen", DependencyKind::Build, &[]);
        check("examples/app", "lucent-codegen", DependencyKind::Normal, &["must not"]);
        check("examples/app", "lucent-core", DependencyKind::Build, &["to build"]);
        check("examples/app", "lucent-testkit", DependencyKind::Normal, &["must not"]);
        check("examples/app", "lucent-testkit", DependencyKind::Development, &[]);
    }

    #[test]
    fn a_backend_carries_the_name_of_its_folder() {
        check("backends/other", "lucent-core", DependencyKind::Normal, &["`lucent-other`"]);
    }
}
