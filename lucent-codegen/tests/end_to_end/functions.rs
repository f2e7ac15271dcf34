//! Functions and their editions, from the scan to a call.

use super::project::{Project, manifest, says};

const FEES: &str = r#"
use lucent_core::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
pub struct Traded { pub price: u64 }

#[function(on = Traded, version = 2)]
fn fee(trade: &Traded) -> u64 { trade.price / 200 }

mod older {
    use lucent_core::prelude::*;

    // Private, in a private module: the registry names no path into it.
    #[function(of = super::fee, version = 1)]
    fn fee(trade: &super::Traded) -> u64 { trade.price / 100 }
}

macro_rules! hide { ($($item:item)*) => { $($item)* } }
"#;

const MAIN: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = FunctionManager::new(registry()).store(MemoryStore::new()).start().await?;
    let trade = Traded { price: 1_000 };
    let newest = functions.call::<fee>(CallContext::nobody(), &trade)?.value;
    functions.control::<fee>("ann").promote(1, "the old one").await?;
    let published = functions.publish(CallContext::nobody(), &trade);
    println!("{newest} {:?}", published.output::<fee>());
    Ok(())
}
"#;

#[test]
fn editions_in_private_modules_are_found_routed_and_called() {
    let main = format!("lucent_core::registry!();\n{FEES}{MAIN}");
    assert_eq!(Project::binary("fees", &main).run(&[]), "5 Some(10)\n");
}

#[test]
fn a_function_that_was_missed_is_reported() {
    let hidden = "hide! { #[function] fn hidden(price: &u64) -> u64 { *price } }";
    let main = format!("lucent_core::registry!();\n{FEES}{hidden}\n{MAIN}");
    let errors = Project::binary("fees_hidden", &main).mistake();
    says(
        &errors,
        &[
            "unresolved import",
            "no `hidden_",
            "in `lucent_registry::functions_as_build_rs_read_them`",
            "fn hidden(price: &u64)",
        ],
    );
    assert_eq!(errors.matches("error[").count(), 1, "{errors}");
}

#[test]
fn a_function_that_changed_since_it_was_read_is_reported() {
    // As if the build script had not run again: what it wrote is of another signature.
    let build = r#"fn main() {
        lucent_codegen::build();
        let out = std::env::var("OUT_DIR").unwrap();
        let file = std::path::Path::new(&out).join("lucent_registry_bin_fees_changed.rs");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(" fee as fee_", " fee as fee_0")).unwrap();
    }"#;
    let main = format!("lucent_core::registry!();\n{FEES}{MAIN}");
    let manifest = manifest("fees_changed", "", "");
    let errors =
        Project::of(&[("Cargo.toml", &manifest), ("build.rs", build), ("src/main.rs", &main)])
            .mistake();
    says(
        &errors,
        &[
            "unresolved import",
            "no `fee_",
            "in `lucent_registry::functions_as_build_rs_read_them`",
            "fn fee(trade: &Traded)",
        ],
    );
}

#[test]
fn mistakes_in_functions_are_reported_at_the_function_and_nowhere_else() {
    let mistakes = r#"
pub struct Opaque;
#[function(on = Opaque)]
fn of_no_event(opaque: &Opaque) -> bool { let _ = opaque; true }
#[function(on = Traded)]
fn opaque(trade: &Traded) -> Opaque { let _ = trade; Opaque }
#[function(on = Traded)]
fn of_another(opaque: &Opaque) -> bool { let _ = opaque; true }
#[function(on = Traded, nmae = 1)]
fn unknown(trade: &Traded) -> bool { let _ = trade; true }
"#;
    let main = format!("lucent_core::registry!();\n{FEES}{mistakes}\n{MAIN}");
    let errors = Project::binary("fees_wrong", &main).mistake();
    says(
        &errors,
        &[
            "`Opaque` is not an event",
            "a function cannot return `Opaque`",
            "expected fn pointer, found fn item",
            "unknown argument `nmae` of `#[function]`; did you mean `name`?",
        ],
    );
    assert!(!errors.contains("has not seen its attribute"), "{errors}");
}

#[test]
fn an_edition_that_is_there_twice_is_reported_with_both_places() {
    let again =
        "#[function(of = fee, version = 1)]\nfn again(trade: &Traded) -> u64 { trade.price }";
    let main = format!("lucent_core::registry!();\n{FEES}{again}\n{MAIN}");
    let errors = Project::binary("fees_mistaken", &main).mistake();
    says(
        &errors,
        &[
            "two functions claim the registry name `fee@v1`",
            "src/main.rs:16",
            "src/main.rs:21",
            "give one of them another `version`",
        ],
    );
}
