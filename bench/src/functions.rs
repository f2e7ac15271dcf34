//! What the function manager adds to calling functions, and what the attribute adds to compiling them.

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use lucent_core::{
    function::{CallContext, FunctionManager, Rollout, Share},
    prelude::*,
};

use crate::{
    Outcome, RUNS,
    report::{Figure, Goal, median},
};

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
pub struct Traded {
    pub pair: String,
    pub price: u64,
}

#[function(version = 2, shard_by = pair)]
fn fee(trade: &Traded) -> u64 {
    trade.price / 200
}

#[function(of = fee, version = 1)]
fn fee_v1(trade: &Traded) -> u64 {
    trade.price / 100
}

#[function(on = Traded)]
fn large(trade: &Traded) -> Option<u64> {
    (trade.price > 1_000).then_some(trade.price)
}

#[function(on = Traded)]
fn spread(trade: &Traded) -> u64 {
    trade.price % 7
}

#[function(on = Traded)]
fn volume(trade: &Traded) -> u64 {
    trade.price * 3
}

#[function(on = Traded)]
fn weight(trade: &Traded) -> u64 {
    trade.pair.len() as u64
}

const CALLS: u32 = 1_000_000;

pub fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = runtime.block_on(calls())?;
    figures.push(compiling()?);
    Ok(figures)
}

async fn calls() -> Outcome {
    let start = || FunctionManager::new(crate::registry()).store(MemoryStore::new()).start();
    let (plain, rolled) = (start().await?, start().await?);
    let half = Rollout::of(1, Share::percent(50)).stick_by("user");
    rolled.control::<fee>("bench").roll_out(half, "to measure it").await?;
    let context = BusinessContext::default()
        .with("user", "0198c5a4-7d3e-7c11-a1d2-0242ac120002")
        .with("jurisdiction", "CH");
    let trade = Traded { pair: "BTC-EUR".to_owned(), price: 990 };

    let (mut direct, mut one, mut sticky) = (Vec::new(), Vec::new(), Vec::new());
    let (mut four, mut published) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        direct.push(each(|| {
            black_box(black_box(fee as fn(&Traded) -> u64)(black_box(&trade)));
        }));
        one.push(each(|| drop(black_box(plain.call::<fee>(&context, black_box(&trade))))));
        sticky.push(each(|| drop(black_box(rolled.call::<fee>(&context, black_box(&trade))))));
        four.push(each(|| {
            let trade = black_box(&trade);
            black_box((large(trade), spread(trade), volume(trade), weight(trade)));
        }));
        published.push(each(|| drop(black_box(plain.publish(&context, black_box(&trade))))));
    }
    let ran = plain.publish(CallContext::from(&context), &trade).iter().count();
    if ran != 4 {
        return Err(format!("{ran} functions ran on the event instead of 4").into());
    }
    let (direct, four) = (median(direct), median(four));
    let over = |name: &str, all: Vec<f64>, by_hand: f64, against: &str, most: f64| {
        Figure::new(name, median(all) - by_hand, "ns", against, by_hand, Goal::AtMost(most))
    };
    Ok(vec![
        over("typed call of a function: overhead", one, direct, "calling it", 100.0),
        over("typed call under a rollout: overhead", sticky, direct, "calling it", 250.0),
        over("publishing to 4 functions: overhead", published, four, "calling the four", 1_000.0),
    ])
}

/// Nanoseconds per call.
fn each(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

const FUNCTIONS: usize = 2_000;

/// Checks a crate of 2,000 functions with the attribute and a registry, scanner included, beside the
/// same crate without them.
fn compiling() -> Result<Figure, Box<dyn std::error::Error>> {
    let (plain, registered) = (project("plain", false)?, project("registered", true)?);
    for folder in [&plain, &registered] {
        check(folder)?;
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        without.push(check(&plain)?);
        with.push(check(&registered)?);
    }
    let without = median(without);
    Ok(Figure::new(
        "checking a crate of 2,000 functions: overhead of registering them",
        median(with) - without,
        "ms",
        "the same functions without attributes",
        without,
        Goal::AtMost(1_000.0),
    ))
}

/// Writes a crate.
fn project(name: &str, registered: bool) -> std::io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let folder = root.join("target/bench/functions").join(name);
    fs::create_dir_all(folder.join("src"))?;
    let root = root.display();
    let manifest = format!(
        "[package]\nname = \"functions-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nlucent-core = {{ path = \"{root}/lucent-core\" }}\nserde = \"1\"\n\n\
         [build-dependencies]\nlucent-codegen = {{ path = \"{root}/lucent-codegen\" }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("build.rs"), "fn main() { lucent_codegen::build(); }\n")?;
    let (attribute, registry) = match registered {
        true => ("#[function(on = Tick, version = 1)]\n", "lucent_core::registry!();\n"),
        false => ("", ""),
    };
    let mut crate_root = format!("#![allow(unused_imports)]\n{registry}pub mod tick;\n");
    for module in 0..FUNCTIONS / 100 {
        let _ = writeln!(crate_root, "pub mod part_{module};");
        let mut text = "use crate::tick::Tick;\nuse lucent_core::prelude::*;\n".to_owned();
        for function in 0..100 {
            let number = module * 100 + function;
            let _ = writeln!(
                text,
                "{attribute}pub fn rule_{number}(tick: &Tick) -> u64 {{ tick.price + {number} }}"
            );
        }
        fs::write(folder.join(format!("src/part_{module}.rs")), text)?;
    }
    fs::write(folder.join("src/lib.rs"), crate_root)?;
    let tick = "use lucent_core::prelude::*;\n#[derive(Serialize, Deserialize, Event)]\npub struct Tick { pub price: u64 }\n";
    fs::write(folder.join("src/tick.rs"), tick)?;
    Ok(folder)
}

/// Milliseconds of `cargo check` after a change.
fn check(folder: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let root = folder.join("src/lib.rs");
    let text = fs::read_to_string(&root)?;
    fs::write(&root, text)?;
    let start = Instant::now();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("../target"))
        .env("CARGO_INCREMENTAL", "0")
        .output()?;
    let elapsed = start.elapsed().as_secs_f64() * 1_000.0;
    match output.status.success() {
        true => Ok(elapsed),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}
