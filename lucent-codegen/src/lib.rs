//! Finds a crate's annotated functions before the crate is compiled, and writes its registry.
//!
//! Invariant: a build never fails because of this crate. What it finds is a claim; the attributes
//! and the compiler prove or refute it.
//!
//! # Use
//!
//! ```toml
//! [build-dependencies]
//! lucent-codegen = "0.1"
//! ```
//! ```no_run
//! // all of `main` in build.rs
//! lucent_codegen::build();
//! ```
//! and `lucent_core::registry!();` in the root of the library or binary. A library whose registry
//! others shall compose says so in its manifest:
//!
//! ```toml
//! [package.metadata.lucent]
//! registry = true
//! ```
//!
//! A package whose functions are to be methods of the manager as well says `call_methods = true` there, too.
//!
//! # What a build does
//!
//! 1. *Locate*: the targets of the package, the name of its dependency on `lucent-core`, and the
//!    direct dependencies with a registry. Cargo is asked by `cargo metadata --no-deps --offline`;
//!    the whole graph is resolved (`--offline --locked`) only if a dependency that does not lie
//!    beside reaches `lucent-core` in `Cargo.lock`. The answer is kept until a manifest, the lock
//!    file, the features or the folder `src` change. Where cargo fails or takes more than ten
//!    seconds, the conventional targets are taken and cargo shows a warning.
//! 2. *Walk*: the modules of each library and binary, by rustc's rules: `x.rs`, `x/mod.rs`,
//!    `#[path]`, inline modules, `include!("…")` in place of an item. Tests, examples and benches
//!    are not walked; attributes work there without a registry.
//! 3. *Skim*: the items of each file. Bodies are skipped. A file whose content is known is not
//!    read twice, and a file with a syntax error keeps what was known of it, so that the compiler
//!    shows the error and nothing else.
//! 4. *Resolve and check*: which attributes are Lucent's, and whether every function has a name of
//!    its own.
//! 5. *Emit* into `OUT_DIR`: `lucent_registry_<lib|bin>_<crate>.rs` for each target, and
//!    `lucent_manifest.json` for tools. A file is written only if its bytes change. Steps 2 to 5 are
//!    left out if every file says what it said in the last build, lines aside. If only functions and
//!    imports of some files are others, what was written is patched: only these files are resolved, and
//!    the pieces of their functions exchanged.
//!
//! A `cfg` is never evaluated away: every generated item repeats the conditions of its function,
//! so that one scan serves the library, its tests and every feature.
//!
//! # Which attributes count
//!
//! `command_handler`, `query_handler`, `projector`, `event_handler` and `function`, if the path leads to
//! `lucent_core` (or the name that the manifest gives it), into the crate itself, or if a `use` in
//! the same module brings the name from there. A glob counts, for it may bring it. A crate that
//! re-exports Lucent is made known by its importer, as is a path to lucent-core other than a
//! direct dependency:
//!
//! ```toml
//! [package.metadata.lucent]
//! facades = ["our_prelude"]
//! core = "::our_prelude::lucent_core"
//! ```
//!
//! # What is not found
//!
//! - Functions that a macro writes, be it `macro_rules!`, `cfg_if!` or a procedural one.
//! - Methods, and functions in the body of another item. They are reported.
//! - `include!` of anything but a literal or `concat!(env!("OUT_DIR"), "/…")`.
//!
//! A function that is annotated but was not found is a compile error at its name: *cannot find type
//! … in module `crate::lucent_registry::functions_found_by_build_rs`*, or, of a `#[function]`, *no … in
//! `lucent_registry::functions_as_build_rs_read_them`*. Move the function out of the
//! macro, or write the registry by hand, which needs no build script:
//! `lucent_core::registry! { functions: [accounts::withdraw, reports::balance] }`.
//!
//! # When something is wrong
//!
//! - `cargo build -vv` shows the lines that this crate prints for cargo.
//! - `target/debug/build/<package>-<hash>/out` holds the registries; each entry names file and line.
//! - The files `lucent_*.cache` beside them may be deleted.
//! - A function is in the registry but the compiler says that it has not seen its attribute:
//!   another macro owns that name. Import Lucent's by its path.
//! - The first file `src/main.rs`, `src/lib.rs` or the first one in `src/bin` is new to a build
//!   script that has run already: touch `Cargo.toml`.
//!
//! # Speed
//!
//! Build scripts run unoptimized; the scanner is written for that. `cargo run -p lucent-codegen
//! --example measure -- 1000` scans a crate of 1,000 functions; [`scan`] is what it measures. `-- 10500
//! 4` makes it a crate of a million lines.

mod build;
mod cfg;
mod emit;
mod locate;
mod outline;
mod package;
mod patch;
mod resolve;
mod scan;
mod skim;
mod store;
mod walk;

pub use build::build;
pub use outline::{Found, Mistake, Outline, Source, outline};
pub use package::{Composed, Package, Target, TargetKind};
pub use scan::{Summary, scan};
