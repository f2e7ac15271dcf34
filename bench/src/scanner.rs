//! The scanner of `lucent_codegen::build()` on 1,000 annotated functions, unoptimised as build
//! scripts are, beside lexing the same files with `proc_macro2`.

use std::{path::Path, process::Command};

use crate::{
    Outcome, RUNS,
    report::{Figure, Goal, median},
};

pub fn run() -> Outcome {
    let (mut cold, mut touched, mut lexed) = (Vec::new(), Vec::new(), Vec::new());
    let mut skimmed = Vec::new();
    for _ in 0..RUNS {
        let text = measure()?;
        cold.push(milliseconds(&text, "cold: ")?);
        touched.push(milliseconds(&text, "one file changed: ")?);
        lexed.push(milliseconds(&text, "lexing with proc_macro2: ")?);
        skimmed.push(field(&text, "one file changed: ")?.contains(" 1 of "));
    }
    let lexed = median(lexed);
    let mut rescan = Figure::new(
        "scanning again after touching one file",
        median(touched),
        "ms",
        "lexing all files with proc_macro2",
        lexed,
        Goal::AtMost(300.0),
    );
    rescan.goal += ", one file skimmed";
    rescan.holds &= skimmed.iter().all(|&one| one);
    Ok(vec![
        Figure::new(
            "scanning 1,000 annotated functions, dev build",
            median(cold),
            "ms",
            "lexing all files with proc_macro2",
            lexed,
            Goal::AtMost(300.0),
        ),
        rescan,
    ])
}

/// Runs codegen's own measuring example in the dev profile.
fn measure() -> Result<String, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "lucent-codegen", "--example", "measure", "--", "1000"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn field<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .ok_or_else(|| format!("the measuring example printed no `{key}`:\n{text}"))
}

fn milliseconds(text: &str, key: &str) -> Result<f64, Box<dyn std::error::Error>> {
    let field = field(text, key)?;
    let end = field.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(field.len());
    let (number, rest) = field.split_at(end);
    let unit = rest.split([',', ' ']).next().unwrap_or_default();
    let factor = match unit {
        "s" => 1_000.0,
        "ms" => 1.0,
        "µs" => 0.001,
        other => return Err(format!("unknown unit `{other}` in `{field}`").into()),
    };
    Ok(number.parse::<f64>()? * factor)
}
