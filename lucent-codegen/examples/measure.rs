//! Measures a scan: `cargo run -p lucent-codegen --example measure -- 1000 4` scans 1,000
//! annotated functions and four plain ones beside each.
//!
//! Invariant: the generated crate has the shape of a real one, about twenty lines for each
//! function and ten annotated functions for each file.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Instant;

use lucent_codegen::{Package, scan};

fn main() -> io::Result<()> {
    let functions = argument(1).unwrap_or(1_000);
    let plain = argument(2).unwrap_or(0);
    let root = std::env::temp_dir().join(format!("lucent-measure-{}", std::process::id()));
    let out_dir = root.join("out");
    let lines = generate(&root, functions, plain)?;
    std::fs::create_dir_all(&out_dir)?;
    age(&root.join("src"))?;
    let package = Package::conventional("measured", &root);
    println!("{functions} functions, {lines} lines");
    measure("cold", &package, &out_dir)?;
    measure("nothing changed", &package, &out_dir)?;
    let touched = root.join("src/part0.rs");
    let text = std::fs::read_to_string(&touched)? + "\n// touched\n";
    std::fs::write(touched, text)?;
    measure("one file changed", &package, &out_dir)?;
    let moved = root.join("src/part1.rs");
    let text = std::fs::read_to_string(&moved)?.replace("//! A part.\n", "//! A part.\n// moved\n");
    std::fs::write(moved, text)?;
    measure("one file's functions moved", &package, &out_dir)?;
    let renamed = root.join("src/part2.rs");
    let text = std::fs::read_to_string(&renamed)?.replace("\"withdraw_2", "\"take_2");
    std::fs::write(renamed, text)?;
    measure("one file's functions renamed", &package, &out_dir)?;
    if plain == 0 {
        lex(&root.join("src"))?;
    }
    std::fs::remove_dir_all(root)
}

/// Makes the files as old as files are that nobody edits just now.
fn age(source: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(source)? {
        let file = std::fs::File::options().append(true).open(entry?.path())?;
        let modified = file.metadata()?.modified()?;
        file.set_modified(modified - std::time::Duration::from_secs(3_600))?;
    }
    Ok(())
}

/// Lexes every file with `proc_macro2`: the least that a scanner on top of it costs.
fn lex(source: &Path) -> io::Result<()> {
    let start = Instant::now();
    let mut tokens = 0;
    for entry in std::fs::read_dir(source)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let stream: proc_macro2::TokenStream = text
            .parse()
            .map_err(|error: proc_macro2::LexError| io::Error::other(error.to_string()))?;
        tokens += stream.into_iter().count();
    }
    println!("lexing with proc_macro2: {:.1?}, {tokens} top-level tokens", start.elapsed());
    Ok(())
}

fn argument(index: usize) -> Option<usize> {
    std::env::args().nth(index)?.parse().ok()
}

fn measure(what: &str, package: &Package, out_dir: &Path) -> io::Result<()> {
    let start = Instant::now();
    let summary = scan(package, out_dir)?;
    println!(
        "{what}: {:.1?}, {} of {} files skimmed, {} functions, {} files written",
        start.elapsed(),
        summary.skimmed,
        summary.files,
        summary.functions,
        summary.written.len(),
    );
    Ok(())
}

fn generate(root: &Path, functions: usize, plain: usize) -> io::Result<usize> {
    let source = root.join("src");
    std::fs::create_dir_all(&source)?;
    let mut lib = String::from("//! A measured crate.\n\nlucent_core::registry!();\n\n");
    let mut lines = 4;
    for part in 0..functions.div_ceil(PER_FILE) {
        writeln!(lib, "mod part{part};").map_err(io::Error::other)?;
        let mut text = String::from("//! A part.\n\nuse lucent_core::prelude::*;\n");
        for index in (part * PER_FILE..functions).take(PER_FILE) {
            let function = FUNCTION.replace("{index}", &index.to_string());
            text.push_str(&function);
            text.push_str(&function.replace("#[command_handler", "#[instrument").repeat(plain));
        }
        lines += text.lines().count() + 1;
        std::fs::write(source.join(format!("part{part}.rs")), text)?;
    }
    std::fs::write(source.join("lib.rs"), lib)?;
    Ok(lines)
}

const PER_FILE: usize = 10;

const FUNCTION: &str = r#"
/// Takes money out of an account, if there is enough of it.
#[command_handler(name = "withdraw_{index}")]
pub(crate) async fn withdraw_{index}(
    context: &Context<'_>,
    command: Withdraw{index}<'_, { LIMIT }>,
) -> Result<Vec<Withdrawn{index}>, Refused> {
    let balance = context.load::<Balance>(command.account).await?;
    if balance.amount < command.amount {
        // It's not enough: "overdrawn" is a state of another model.
        return Err(Refused::new(format!("{} is less than {}", balance.amount, command.amount)));
    }
    let fee = match command.currency {
        'e' => balance.amount / 100,
        '$' => balance.amount / 200,
        _ => 0,
    };
    Ok(vec![Withdrawn{index} { account: command.account, amount: command.amount + fee }])
}
"#;
