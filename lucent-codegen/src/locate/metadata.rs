//! Asks cargo.
//!
//! Invariant: only `cargo metadata`, only offline, with a time limit. The whole graph is resolved
//! only if a dependency from elsewhere could have a registry.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cargo_metadata::{Metadata, MetadataCommand, TargetKind as CargoTargetKind};

use crate::package::{Package, Target, TargetKind};

use super::Question;
use super::dependencies::{Members, composed, lucent_table};

/// A package, and the files whose change makes the answer old.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) package: Package,
    pub(super) inputs: Vec<PathBuf>,
    /// What could not be told, as the end of a sentence.
    pub(super) problem: Option<String>,
}

/// Asks about the package; the error is the end of a sentence.
pub(super) fn ask(question: &Question<'_>) -> Result<Located, String> {
    let manifest = question.root.join("Cargo.toml");
    let members = run(question, &manifest, &["--no-deps", "--offline"])?;
    let own = find(&members, &manifest, &question.name).ok_or_else(|| {
        format!(
            "`cargo metadata` does not know a package `{}` at {}",
            question.name,
            manifest.display()
        )
    })?;
    let mut package = Package::conventional(&question.name, &question.root);
    package.targets = own.targets.iter().filter_map(target).collect();
    let table = lucent_table(own);
    if let Some(core) = own.dependencies.iter().find(|dependency| dependency.name == "lucent-core")
    {
        let name = core.rename.as_ref().unwrap_or(&core.name).replace('-', "_");
        package.core = format!("::{name}");
        package.roots.push(name);
    }
    if let Some(core) = table.get("core").and_then(|core| core.as_str()) {
        core.clone_into(&mut package.core);
    }
    if let Some(facades) = table.get("facades").and_then(|names| names.as_array()) {
        let names = facades.iter().filter_map(|name| name.as_str());
        package.roots.extend(names.map(|name| name.replace('-', "_")));
    }
    package.call_methods =
        table.get("call_methods").and_then(|wanted| wanted.as_bool()).unwrap_or_default();
    package.roots.sort();
    package.roots.dedup();
    let workspace = members.workspace_root.as_std_path();
    let lock = workspace.join("Cargo.lock");
    let found = composed(own, &Members(&members), &lock, question.environment, || {
        run(question, &manifest, &["--offline", "--locked", "--all-features"])
    });
    package.composed = found.composed;
    package.watched.extend(found.watched.iter().cloned());
    let bin = question.root.join("src/bin");
    if bin.is_dir() {
        package.watched.push(bin.clone());
    }
    let mut inputs =
        vec![manifest, workspace.join("Cargo.toml"), lock, question.root.join("src"), bin];
    inputs.extend(found.watched);
    Ok(Located { package, inputs, problem: found.problem })
}

/// Finds the package of a manifest.
pub(super) fn find<'a>(
    metadata: &'a Metadata,
    manifest: &Path,
    name: &str,
) -> Option<&'a cargo_metadata::Package> {
    let same = |path: &Path| {
        path == manifest
            || std::fs::canonicalize(path)
                .ok()
                .is_some_and(|path| std::fs::canonicalize(manifest).is_ok_and(|m| m == path))
    };
    metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == name && same(package.manifest_path.as_std_path()))
}

fn target(target: &cargo_metadata::Target) -> Option<Target> {
    let is_library = |kind: &CargoTargetKind| {
        matches!(
            kind,
            CargoTargetKind::Lib
                | CargoTargetKind::RLib
                | CargoTargetKind::DyLib
                | CargoTargetKind::CDyLib
                | CargoTargetKind::StaticLib
        )
    };
    let kind = if target.kind.iter().any(is_library) {
        TargetKind::Lib
    } else if target.kind.contains(&CargoTargetKind::Bin) {
        TargetKind::Bin
    } else {
        return None;
    };
    let mut found = Target::new(kind, &target.name, target.src_path.as_std_path());
    found.linkable = target.kind.iter().any(|kind| {
        matches!(kind, CargoTargetKind::Lib | CargoTargetKind::RLib | CargoTargetKind::DyLib)
    });
    Some(found)
}

fn run(question: &Question<'_>, manifest: &Path, options: &[&str]) -> Result<Metadata, String> {
    let mut command = Command::new(&question.cargo);
    command
        .args(["metadata", "--format-version", "1", "--color", "never"])
        .args(options)
        .arg("--manifest-path")
        .arg(manifest)
        .current_dir(&question.root);
    let shown = format!("`cargo metadata {}`", options.join(" "));
    let output = output(command).map_err(|problem| format!("{shown} {problem}"))?;
    MetadataCommand::parse(&output).map_err(|error| format!("{shown} printed nonsense: {error}"))
}

/// Runs a command and returns what it prints; kills it when it takes too long.
fn output(mut command: Command) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("did not start: {error}"))?;
    let Some(mut stdout) = child.stdout.take() else {
        return Err("has no output".to_owned());
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = std::io::Read::read_to_string(&mut stdout, &mut text);
        // Nobody listens any more if the time was over.
        sender.send(read.map(|_| text)).ok();
    });
    let Ok(read) = receiver.recv_timeout(TIME_LIMIT) else {
        child.kill().ok();
        child.wait().ok();
        return Err(format!("took longer than {} s", TIME_LIMIT.as_secs()));
    };
    let status = child.wait().map_err(|error| format!("did not end: {error}"))?;
    if !status.success() {
        return Err("failed; run it by hand to see why".to_owned());
    }
    read.map_err(|error| format!("printed nonsense: {error}"))
}

const TIME_LIMIT: Duration = Duration::from_secs(10);
