//! The scanner of `lucent_codegen::build()`, unoptimised as build scripts are: on 1,000 annotated
//! functions beside lexing the same files with `proc_macro2`, and on a million lines.

use std::{path::Path, process::Command};

use crate::{
    Outcome, RUNS,
    report::{Figure, Goal, median},
};

pub fn run() -> Outcome {
    let (mut cold, mut touched, mut lexed) = (Vec::new(), Vec::new(), Vec::new());
    let mut skimmed = Vec::new();
    for _ in 0..RUNS {
        let text = measure(&["1000"])?;
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
    let mut figures = vec![
        Figure::new(
            "scanning 1,000 annotated functions, dev build",
            median(cold),
            "ms",
            "lexing all files with proc_macro2",
            lexed,
            Goal::AtMost(300.0),
        ),
        rescan,
    ];
    figures.extend(million_lines()?);
    Ok(figures)
}

/// 10,500 annotated functions and four plain ones beside each: a little more than a million lines.
fn million_lines() -> Outcome {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(measure(&["10500", "4"])?);
    }
    let median_of = |key: &str| -> Result<f64, Box<dyn std::error::Error>> {
        let figures: Result<Vec<f64>, _> =
            runs.iter().map(|text| milliseconds(text, key)).collect();
        Ok(median(figures?))
    };
    let cold = median_of("cold: ")?;
    let figure = |name: &str, value: f64, most: f64| {
        Figure::new(name, value, "ms", "the cold scan", cold, Goal::AtMost(most))
    };
    Ok(vec![
        figure("scanning 1,000,000 lines, dev build", cold, 4_000.0),
        figure("… again, nothing changed", median_of("nothing changed: ")?, 40.0),
        figure("… again, bodies of one file changed", median_of("one file changed: ")?, 40.0),
        figure(
            "… again, functions of one file moved",
            median_of("one file's functions moved: ")?,
            40.0,
        ),
        figure(
            "… again, functions of one file renamed",
            median_of("one file's functions renamed: ")?,
            40.0,
        ),
    ])
}

/// Runs codegen's own measuring example in the dev profile.
fn measure(arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "lucent-codegen", "--example", "measure", "--"])
        .args(arguments)
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
