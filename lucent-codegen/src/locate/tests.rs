//! Packages as cargo sees them, in real folders.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let folder = Self(std::env::temp_dir().join(format!(
            "lucent-locate-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        )));
        std::fs::create_dir_all(folder.0.join("out")).unwrap();
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn locate(&self, name: &str, cargo: &str, features: &[(&str, &str)]) -> Answer {
        locate(&Question {
            cargo: OsString::from(cargo),
            name: name.to_owned(),
            root: self.0.join(name),
            out_dir: &self.0.join("out"),
            environment: &Environment::of(features),
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn workspace() -> Folder {
    Folder::of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"bank\", \"domain\", \"plain\", \"extra\"]\nexclude = [\"core\", \"outside\"]\nresolver = \"3\"\n",
        ),
        (
            "bank/Cargo.toml",
            "[package]\nname = \"bank\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [[bin]]\nname = \"bank-cli\"\npath = \"src/cli.rs\"\n\
             [dependencies]\nes = { package = \"lucent-core\", path = \"../core\" }\n\
             rules = { package = \"bank-domain\", path = \"../domain\" }\nplain = { path = \"../plain\" }\n\
             extra = { path = \"../extra\", optional = true }\noutside = { path = \"../outside\" }\n\
             [target.'cfg(unix)'.dependencies]\nunix-domain = { package = \"bank-domain\", path = \"../domain\" }\n\
             [features]\nmore = [\"dep:extra\"]\n[package.metadata.lucent]\nfacades = [\"my-prelude\"]\n",
        ),
        ("bank/src/lib.rs", ""),
        ("core/Cargo.toml", "[package]\nname = \"lucent-core\"\nversion = \"0.1.0\"\n"),
        ("core/src/lib.rs", ""),
        ("outside/Cargo.toml", "[package]\nname = \"outside\"\nversion = \"0.1.0\"\n"),
        ("outside/src/lib.rs", ""),
        ("bank/src/cli.rs", ""),
        ("bank/src/bin/other.rs", ""),
        (
            "domain/Cargo.toml",
            "[package]\nname = \"bank-domain\"\nversion = \"0.1.0\"\n[package.metadata.lucent]\nregistry = true\n",
        ),
        ("domain/src/lib.rs", ""),
        ("plain/Cargo.toml", "[package]\nname = \"plain\"\nversion = \"0.1.0\"\n"),
        ("plain/src/lib.rs", ""),
        (
            "extra/Cargo.toml",
            "[package]\nname = \"extra\"\nversion = \"0.1.0\"\n[lib]\nname = \"extra_lib\"\n\
             [package.metadata]\nlucent = { registry = true }\n",
        ),
        ("extra/src/lib.rs", ""),
    ])
}

fn names(package: &Package) -> Vec<String> {
    package
        .composed
        .iter()
        .map(|c| format!("{} {}", c.crate_name, c.cfg.as_deref().unwrap_or("-")))
        .collect()
}

#[test]
fn cargo_tells_targets_renames_and_dependencies() {
    let folder = workspace();
    let answer = folder.locate("bank", env!("CARGO"), &[]);
    assert_eq!(answer.warning, None);
    let package = answer.package;
    let targets: Vec<_> = package.targets.iter().map(Target::id).collect();
    assert_eq!(targets, ["lib:bank", "bin:bank_cli", "bin:other"]);
    assert_eq!(package.core, "::es");
    assert_eq!(package.roots, ["es", "lucent_core", "lucent_macros", "my_prelude"]);
    assert_eq!(names(&package), ["rules -", "unix_domain unix"]);
    let watched = |end: &str| package.watched.iter().any(|path| path.ends_with(end));
    assert!(watched("bank/src/bin") && watched("outside/Cargo.toml"));
}

#[test]
fn features_switch_optional_dependencies_on() {
    let folder = workspace();
    let with = folder.locate("bank", env!("CARGO"), &[("CARGO_FEATURE_MORE", "1")]);
    assert_eq!(names(&with.package), ["extra_lib -", "rules -", "unix_domain unix"]);
    let without = folder.locate("bank", env!("CARGO"), &[]);
    assert_eq!(names(&without.package).len(), 2);
}

#[test]
fn an_answer_is_remembered_until_something_changes() {
    let folder = workspace();
    let first = folder.locate("bank", env!("CARGO"), &[]).package;
    let remembered = folder.locate("bank", "/no/such/cargo", &[]);
    assert_eq!(remembered.warning, None);
    assert_eq!(remembered.package, first);
    folder.write("domain/Cargo.toml", "[package]\nname = \"bank-domain\"\nversion = \"0.1.0\"\n");
    assert!(folder.locate("bank", "/no/such/cargo", &[]).warning.is_some());
    let changed = folder.locate("bank", env!("CARGO"), &[]).package;
    assert_eq!(names(&changed), [""; 0]);
    folder.write("bank/src/bin/new.rs", "");
    let grown = folder.locate("bank", env!("CARGO"), &[]).package;
    assert_eq!(grown.targets.len(), 4);
}

#[test]
fn a_package_outside_of_the_workspace_opts_in_by_its_manifest() {
    let folder = workspace();
    folder.write(
        "outside/Cargo.toml",
        "[package]\nname = \"outside\"\nversion = \"0.1.0\"\n[lib]\nname = \"out_side\"\n\
         [package.metadata.lucent] # here\nregistry = true # yes\n",
    );
    let answer = folder.locate("bank", env!("CARGO"), &[]);
    assert!(names(&answer.package).contains(&"out_side -".to_owned()));
}

#[test]
fn convention_helps_where_cargo_does_not() {
    let folder = workspace();
    folder.write("bank/src/main.rs", "");
    folder.write("bank/src/bin/tool/main.rs", "");
    folder.write("bank/Cargo.toml", "[package\n");
    for cargo in [env!("CARGO"), "/no/such/cargo"] {
        let answer = folder.locate("bank", cargo, &[]);
        let targets: Vec<_> = answer.package.targets.iter().map(Target::id).collect();
        assert_eq!(targets, ["lib:bank", "bin:bank", "bin:other", "bin:tool"]);
        let warning = answer.warning.unwrap();
        assert!(warning.contains("`cargo metadata --no-deps --offline` "), "{warning}");
    }
}

#[test]
fn a_dependency_from_a_registry_opts_in_by_its_published_manifest() {
    let folder = Folder::of(&[
        (
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendored\"\n",
        ),
        (
            "shop/Cargo.toml",
            "[workspace]\n[package]\nname = \"shop\"\nversion = \"0.1.0\"\n[dependencies]\nlucent-core = \"1\"\n\
             far-domain = \"1\"\nplain = \"1\"\nmore = { package = \"far-more\", version = \"1\", optional = true }\n",
        ),
        ("shop/src/lib.rs", ""),
        (
            "vendored/far-domain/Cargo.toml",
            "[package]\nname = \"far-domain\"\nversion = \"1.2.0\"\n[dependencies]\nlucent-core = \"1\"\n\
             [package.metadata.lucent]\nregistry = true\n",
        ),
        (
            "vendored/lucent-core/Cargo.toml",
            "[package]\nname = \"lucent-core\"\nversion = \"1.0.0\"\n",
        ),
        (
            "vendored/far-more/Cargo.toml",
            "[package]\nname = \"far-more\"\nversion = \"1.0.0\"\n[dependencies]\nfar-domain = \"1\"\n\
             [package.metadata.lucent]\nregistry = true\n",
        ),
        ("vendored/plain/Cargo.toml", "[package]\nname = \"plain\"\nversion = \"1.0.0\"\n"),
    ]);
    for name in ["far-domain", "far-more", "lucent-core", "plain"] {
        folder.write(&format!("vendored/{name}/src/lib.rs"), "");
        folder.write(&format!("vendored/{name}/.cargo-checksum.json"), "{\"files\":{}}");
    }
    let locked = std::process::Command::new(env!("CARGO"))
        .args(["generate-lockfile", "--offline"])
        .current_dir(folder.0.join("shop"))
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    let answer = folder.locate("shop", env!("CARGO"), &[]);
    assert_eq!(answer.warning, None);
    assert_eq!(names(&answer.package), ["far_domain -"]);
    assert!(answer.package.watched.contains(&folder.0.join("shop/Cargo.lock")));
    let more = folder.locate("shop", env!("CARGO"), &[("CARGO_FEATURE_MORE", "1")]);
    assert_eq!(names(&more.package), ["far_domain -", "more -"]);
    folder.write(
        "shop/Cargo.lock",
        "[[package]]\nname = \"far-domain\"\ndependencies = [\n \"lucent-core\",\n]\n",
    );
    let stale = folder.locate("shop", env!("CARGO"), &[]);
    assert_eq!(stale.package.core, "::lucent_core");
    assert_eq!(stale.package.targets.len(), 1);
    assert!(stale.warning.unwrap().contains("composes only the dependencies beside `shop`"));
}
