//! Tests of the PostgreSQL store, in one binary.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod load;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod private;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod refusals;
mod server;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tls;

#[test]
fn no_file_of_tests_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || main.contains(&format!("mod {module};")), "{name}");
    }
}
