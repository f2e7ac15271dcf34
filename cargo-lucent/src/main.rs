//! `cargo lucent`: projects, lists, diagrams, catalogs and checks of Lucent applications.
//!
//! Invariant: only `new`, `lock`, `check --update` and `--output` write files.

mod catalog;
mod check;
mod cli;
mod completions;
mod config;
mod diagnostic;
mod failure;
mod flow;
mod list;
mod locate;
mod lock;
mod lock_command;
mod manifest;
mod project;
mod shape;
mod survey;

use std::{io::Write as _, path::Path, process::ExitCode};

use clap::Parser as _;
use serde_json::{Value, json};

use cli::{Cargo, CatalogFormat, Command, Common, GraphFormat};
use diagnostic::Code;
use failure::Failure;
use lock_command::Outcome;
use survey::Survey;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_none_or(|first| first != "lucent") {
        arguments.insert(1, "lucent".into());
    }
    let Cargo::Lucent(lucent) = Cargo::parse_from(arguments);
    // Parsers recurse; a file may nest deeper than the main thread's stack is high.
    let worker = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || run(&lucent.command, &lucent.common));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(code))) => code,
        Ok(Ok(Err(failure))) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("error: cannot start a thread: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command, common: &Common) -> Result<ExitCode, Failure> {
    match command {
        Command::New(new) => project::new(new, common),
        Command::List => list(common),
        Command::Graph(graph) => {
            let survey = survey(common)?;
            let flow = flow::flow(&survey);
            let text = match graph.format {
                _ if common.json => pretty(&flow::to_json(&flow)),
                GraphFormat::Mermaid => flow::mermaid(&flow),
                GraphFormat::Svg => flow::svg(&flow),
            };
            show(&survey, common, graph.output.output.as_deref(), &text)
        }
        Command::Catalog(options) => {
            let survey = survey(common)?;
            let entries = catalog::entries(&survey);
            let (title, version) = title(&survey);
            let document = || catalog::asyncapi(&title, &version, &entries);
            let text = match options.format {
                CatalogFormat::AsyncapiJson => pretty(&document()),
                _ if common.json => pretty(&document()),
                CatalogFormat::AsyncapiYaml => catalog::yaml(&document()),
                CatalogFormat::Markdown => catalog::markdown(&title, &entries),
            };
            show(&survey, common, options.output.output.as_deref(), &text)
        }
        Command::Manifest(output) => {
            let survey = survey(common)?;
            let text = pretty(&manifest::manifest(&survey));
            show(&survey, common, output.output.as_deref(), &text)
        }
        Command::Check(options) => check_all(options, common),
        Command::Lock(options) => lock_command::run(&survey(common)?, &options.accept, common),
        Command::Explain(options) => explain(options.code.as_deref(), common),
        Command::Completions(options) => write(None, &completions::script(options.shell)),
    }
}

/// Reads the sources.
fn survey(common: &Common) -> Result<Survey, Failure> {
    let workspace = locate::locate(common.manifest_path.as_deref(), &common.packages)?;
    Ok(survey::survey(workspace))
}

fn list(common: &Common) -> Result<ExitCode, Failure> {
    let survey = survey(common)?;
    let text = match common.json {
        true => pretty(&manifest::manifest(&survey)),
        false => list::list(&survey),
    };
    show(&survey, common, None, &text)
}

/// Prints what the sources say, and what of them could not be read. A file is not replaced by less
/// than the whole.
fn show(
    survey: &Survey,
    common: &Common,
    path: Option<&Path>,
    text: &str,
) -> Result<ExitCode, Failure> {
    if survey.problems.is_empty() {
        return write(path, text);
    }
    diagnostic::print(&survey.workspace.root, &survey.problems, common.color.wanted());
    match path {
        Some(path) => {
            eprintln!("{} is not written: something would be missing in it", path.display())
        }
        None => {
            write(None, text)?;
            eprintln!("what is printed is not all there is");
        }
    }
    Ok(ExitCode::FAILURE)
}

fn check_all(options: &cli::Check, common: &Common) -> Result<ExitCode, Failure> {
    let survey = survey(common)?;
    if options.update {
        // What is refused is found again by the check.
        match lock_command::update(&survey, &[])? {
            Outcome::Done(sentence) => eprintln!("{sentence}"),
            Outcome::Refused(_) => eprintln!("{} is as it was", lock::NAME),
        }
    }
    let mut findings = check::check(&survey)?;
    let mut said = Vec::new();
    if options.purity {
        match check::wasm::check(&survey)? {
            check::wasm::Outcome::NoTarget => said.push(
                "no target for WebAssembly is installed, so nothing was compiled for it; `rustup target add \
                 wasm32-unknown-unknown` installs one"
                    .to_owned(),
            ),
            check::wasm::Outcome::Checked { target, packages, findings: found } => {
                let packages = if packages.is_empty() { "no library".to_owned() } else { packages.join(", ") };
                said.push(format!("compiled for {target}: {packages}"));
                findings.extend(found);
            }
        }
    }
    let fails = check::fails(&findings, options.deny_warnings);
    if common.json {
        let report =
            json!({ "ok": !fails, "findings": diagnostic::to_json(&findings), "notes": said });
        write(None, &pretty(&report))?;
    } else {
        diagnostic::print(&survey.workspace.root, &findings, common.color.wanted());
        for sentence in said {
            eprintln!("note: {sentence}\n");
        }
        write(None, &check::summary(&survey, &findings))?;
    }
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn explain(code: Option<&str>, common: &Common) -> Result<ExitCode, Failure> {
    let page =
        |code: &Code| json!({ "code": code.name(), "title": code.title(), "page": code.page() });
    let Some(text) = code else {
        if common.json {
            return write(None, &pretty(&Code::ALL.iter().map(page).collect::<Value>()));
        }
        let lines = Code::ALL.iter().map(|code| format!("{}\n", code.title()));
        return write(None, &lines.collect::<String>());
    };
    let Some(code) = Code::find(text) else {
        let (first, last) = (Code::ALL[0].name(), Code::ALL[Code::ALL.len() - 1].name());
        return Err(Failure::Usage(format!(
            "there is no code `{text}`; codes go from {first} to {last}, and `cargo lucent explain` lists them"
        )));
    };
    write(None, &if common.json { pretty(&page(&code)) } else { code.page().to_owned() })
}

/// What catalogs are called: the package, or the workspace if there are several.
fn title(survey: &Survey) -> (String, String) {
    let packages: Vec<_> =
        survey.workspace.packages.iter().filter(|located| located.is_checked()).collect();
    match packages.as_slice() {
        [only] => (only.package.name.clone(), only.version.clone()),
        all => {
            let version = all.first().map_or_else(String::new, |first| first.version.clone());
            (survey.workspace.name.clone(), version)
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Writes to a file, or to standard output.
fn write(path: Option<&Path>, text: &str) -> Result<ExitCode, Failure> {
    let Some(path) = path else {
        return match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Err(error) => Err(Failure::Failed(format!("cannot write: {error}"))),
            Ok(()) => Ok(ExitCode::SUCCESS),
        };
    };
    std::fs::write(path, text).map_err(|error| Failure::writing(path, &error))?;
    Ok(ExitCode::SUCCESS)
}

const STACK: usize = 256 * 1024 * 1024;
