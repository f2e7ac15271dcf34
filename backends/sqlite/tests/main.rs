//! Tests of the embedded store, in one binary.

#[cfg(test)]
mod appending;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod parking;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod projections;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod support;

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
