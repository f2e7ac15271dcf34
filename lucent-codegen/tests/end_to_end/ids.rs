//! The functions of a registry as an enum, and their methods.
//!
//! Invariant: each function that is compiled is a variant, and nothing else is.

use super::project::{BUILD, Project, manifest, member};

const FUNCTIONS: &str = r#"
use lucent_core::prelude::*;
use crate::lucent_registry::FunctionId;

/// What a trade costs.
#[function(version = 2)]
pub fn fee(price: &u64) -> u64 { price / 200 }

#[function(of = fee, version = 1)]
pub fn fee_v1(price: &u64) -> u64 { price / 100 }

#[function]
pub fn r#move(price: &u64, by: u64) -> u64 { price + by }

#[function(name = "maker-rebate")]
fn rebate(price: &u64) -> u64 { price / 400 }

#[cfg(windows)]
#[function]
fn extra(price: &u64) -> u64 { *price }

#[function]
fn publish(price: &u64) -> u64 { *price }
"#;

const LISTED: &str = r#"
fn main() {
    for &id in FunctionId::all() {
        println!("{id:?} {}", FunctionId::named(id.name()) == Some(id));
    }
    println!("{}", "feee".parse::<FunctionId>().unwrap_err());
    for entry in lucent_registry::functions() {
        let (function, edition) = entry.edition().unwrap();
        println!("{} is {} {edition}", entry.name, function.parse::<FunctionId>().unwrap());
    }
    let known = match FunctionId::Fee {
        FunctionId::Fee | FunctionId::Move | FunctionId::MakerRebate => true,
        FunctionId::Publish => false,
    };
    assert!(known);
}
"#;

#[test]
fn each_function_is_a_variant_and_editions_are_none() {
    let main = format!("#![deny(warnings)]\nlucent_core::registry!();\n{FUNCTIONS}{LISTED}");
    let printed = Project::binary("ids", &main).run(&[]);
    assert_eq!(
        printed,
        "fee true\n\
         maker-rebate true\n\
         move true\n\
         publish true\n\
         no function is named `feee`; is `fee` meant?\n\
         fee is fee v2\n\
         fee@v1 is fee v1\n\
         maker-rebate is maker-rebate v1\n\
         move is move v1\n\
         publish is publish v1\n"
    );
}

#[test]
fn a_match_that_lacks_a_function_is_an_error_that_names_it() {
    let lacking = LISTED.replace("        FunctionId::Publish => false,\n", "");
    let main = format!("lucent_core::registry!();\n{FUNCTIONS}{lacking}");
    let errors = Project::binary("ids_lacking", &main).mistake();
    let part = "non-exhaustive patterns: `FunctionId::Publish` not covered";
    assert!(errors.contains(part), "{errors}");
}

#[test]
fn two_names_that_are_one_variant_are_an_error_that_names_both_places() {
    let twins = "#[function]\nfn fee2(price: &u64) -> u64 { *price }\n#[function]\nfn fee_2(price: &u64) -> u64 { *price }\n";
    let main = format!("lucent_core::registry!();\n{FUNCTIONS}{twins}fn main() {{}}");
    let errors = Project::binary("ids_twins", &main).mistake();
    for part in [
        "`fee2` and `fee_2` are one in camel case, `FunctionId::Fee2`",
        "`fee2` at src/main.rs:26 and `fee_2` at src/main.rs:28",
        "give one of them a name of its own",
        "due to 1 previous error",
    ] {
        assert!(errors.contains(part), "`{part}` is not in:\n{errors}");
    }
}

#[test]
fn an_application_has_the_functions_of_its_crates_and_their_methods() {
    let market = "lucent_core::registry!();\nuse lucent_core::prelude::*;\n\
         /// What lies between.\n#[function]\npub fn spread(bid: &u64, ask: u64) -> u64 { ask - bid }";
    let main = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use ids_market::lucent_registry::{Calls as _, FunctionId as Market};
    use lucent_registry::{AppFunctionId, Calls as _};
    for id in AppFunctionId::all() {
        let whose = match id {
            AppFunctionId::Here(_) => "ours",
            AppFunctionId::IdsMarket(Market::Spread) => "of the market",
        };
        println!("{id} is {whose}");
    }
    let functions = FunctionManager::new(registry()).store(MemoryStore::new()).start().await?;
    let nobody = CallContext::nobody;
    let moved = functions.move_(nobody(), (&1_000, 1))?.value;
    let published = functions.publish_(nobody(), &7)?.value;
    println!("{} {moved} {published}", functions.fee(nobody(), &1_000)?.value);
    println!("{}", functions.spread(nobody(), (&1, 3))?.value);
    let id: AppFunctionId = "spread".parse()?;
    functions.control_of(id, "ann")?.disable(lucent_core::function::Scope::Everywhere, "").await?;
    println!("{}", functions.spread(nobody(), (&1, 3)).is_err());
    Ok(())
}
"#;
    let methods = "[package.metadata.lucent]\nregistry = true\ncall_methods = true\n";
    let project = Project::of(&[
        (
            "Cargo.toml",
            &format!(
                "{}[workspace.package]\n",
                manifest("ids_app", methods, "ids_market = { path = \"market\" }\n")
            ),
        ),
        ("build.rs", BUILD),
        ("src/main.rs", &format!("lucent_core::registry!();\n{FUNCTIONS}{main}")),
        ("market/Cargo.toml", &member("ids_market", methods, "")),
        ("market/build.rs", BUILD),
        ("market/src/lib.rs", market),
    ]);
    assert_eq!(
        project.run(&[]),
        "fee is ours\nmaker-rebate is ours\nmove is ours\npublish is ours\nspread is of the market\n\
         5 1001 7\n2\ntrue\n"
    );
}
