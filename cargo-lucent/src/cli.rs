//! The command line.
//!
//! Invariant: `--help` says what a command prints and how it exits.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Cargo calls `cargo-lucent lucent …`; a person may leave the second word out.
#[derive(Debug, Parser)]
#[command(name = "cargo", bin_name = "cargo", version)]
pub(crate) enum Cargo {
    Lucent(Lucent),
}

/// Looks at Lucent applications without compiling them: lists, diagrams, catalogs and checks.
#[derive(Args, Debug)]
#[command(version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Lucent {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// The manifest of the package or workspace to look at.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Looks at this package only; can be repeated.
    #[arg(short, long = "package", global = true, value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// Prints JSON to standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether messages are colored.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a project that builds and passes its tests.
    New(New),
    /// Lists aggregates, commands, events, queries, read models and functions with their places.
    List,
    /// Draws how messages flow.
    Graph(Graph),
    /// Prints the catalog of events.
    Catalog(Catalog),
    /// Prints the manifest: all there is, with schema hashes, as JSON.
    Manifest(Output),
    /// Compares the code with lucent.lock, and checks names, purity and unused messages.
    Check(Check),
    /// Writes the shapes of events, snapshots, commands, read models and functions to lucent.lock.
    Lock(Lock),
    /// Explains the code of a finding, such as LU0201.
    Explain(Explain),
    /// Prints completions for a shell.
    Completions(Completions),
}

/// Makes a project that builds and passes its tests.
#[derive(Args, Debug)]
pub(crate) struct New {
    /// The name of the package.
    pub(crate) name: String,
    /// The folder to make; by default that of the package's name, here.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// The folder of a checkout of Lucent to depend on by path; by default the one that this program
    /// was built from, or the Git repository if that is gone.
    #[arg(long, value_name = "DIR")]
    pub(crate) lucent_path: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Graph {
    /// How to draw it.
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct Catalog {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub(crate) format: CatalogFormat,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct Output {
    /// Writes to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Also compiles the libraries with functional core for WebAssembly, if a target for it is
    /// installed, and says so if none is.
    #[arg(long)]
    pub(crate) purity: bool,
    /// Writes lucent.lock first, as `cargo lucent lock` does.
    #[arg(long)]
    pub(crate) update: bool,
    /// Fails on warnings too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Lock {
    /// Writes this shape although it changed without a new version: nothing of the old shape is
    /// stored. The name is the one in the message, or its end; can be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) accept: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The code; without one, all codes are listed.
    pub(crate) code: Option<String>,
}

/// Prints completions for a shell.
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Svg,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CatalogFormat {
    Markdown,
    AsyncapiYaml,
    AsyncapiJson,
}

impl Color {
    /// Whether to color what goes to standard error.
    pub(crate) fn wanted(self) -> bool {
        use std::io::IsTerminal as _;
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::io::stderr().is_terminal()
            }
        }
    }
}

const COMPLETIONS: &str = "\
Where they go:
  bash        source <(cargo lucent completions bash), in ~/.bashrc
  elvish      eval (cargo lucent completions elvish | slurp), in rc.elv; completes `cargo-lucent`
  fish        cargo lucent completions fish > ~/.config/fish/conf.d/cargo-lucent.fish
  powershell  cargo lucent completions powershell | Out-String | Invoke-Expression, in $PROFILE;
              completes `cargo-lucent`
  zsh         cargo lucent completions zsh > _cargo-lucent, in a folder of $fpath

How the shell completes other commands of cargo stays as it was. `cargo-lucent check` is the same
program as `cargo lucent check`.";

const EXIT_CODES: &str = "\
Exit codes:
  0    it is done, and a check found no error
  1    a check found an error, a file could not be written, or a source could not be read, so that
       something is missing in what is printed
  2    the command line makes no sense, or there is nothing here to look at
  101  a mistake in this program; please report it

Findings go to standard error, results to standard output. Nothing is compiled, except by
`check --purity`, and nothing is looked up in the network.";
