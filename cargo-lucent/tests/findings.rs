//! Each finding, made by the smallest sources that show it.

use crate::project::{DOMAIN, MANIFEST, Project};

/// A project whose lock fits.
fn with(text: &str) -> Project {
    let project = Project::library(text);
    project.run(&["lock"]);
    project
}

fn core(body: &str) -> String {
    format!(
        "{DOMAIN}\nimpl Evolve for Lamp {{ fn evolve(&mut self, _: &LampEvent) {{ {body} }} }}\n"
    )
}

#[test]
fn an_event_that_says_nothing_happened_is_a_warning() {
    let project = with(&DOMAIN.replace("LampSwitched", "LampSwitch"));
    project.check_says(0, &["warning[LU0101]", "`Switch` is no past participle", "src/lib.rs:5"]);
    assert_eq!(project.run(&["check", "--deny-warnings"]).code, 1);
    let stricter = format!(
        "{MANIFEST}[package.metadata.lucent.check]\nevent-names = \"{{Aggregate}}{{Action}}{{Result}}\"\nnaming = \"deny\"\n"
    );
    project.write("Cargo.toml", &stricter);
    project.write("src/lib.rs", &DOMAIN.replace("LampSwitched", "LightSwitched"));
    project.run(&["lock", "--accept", "LampSwitch"]);
    project.check_says(1, &["error[LU0101]", "its aggregate, `Lamp`"]);
}

#[test]
fn what_nobody_writes_or_sends_is_a_warning_that_can_be_switched_off() {
    let project = with(
        &DOMAIN
            .replace("LampSwitched { on: bool },", "LampSwitched { on: bool },\n    LampBroken,")
            .replace("#[derive(Deserialize, Command)]", "#[derive(Command)]"),
    );
    project.check_says(0, &["LU0102", "`LampBroken`", "LU0103", "`Switch`"]);
    project.write(
        "Cargo.toml",
        &format!("{MANIFEST}[package.metadata.lucent.check]\nunused = \"allow\"\n"),
    );
    let run = project.ok(&["check"]);
    assert!(!run.err.contains("LU010"), "{run:?}");
}

#[test]
fn a_test_makes_nothing() {
    let tests = "#[cfg(test)] mod tests { fn t() { send(super::LampEvent::LampBroken); } }";
    let project = with(&format!(
        "{}{tests}",
        DOMAIN.replace("LampSwitched { on: bool },", "LampSwitched { on: bool }, LampBroken,")
    ));
    project.check_says(0, &["LU0102", "`LampBroken`"]);
}

#[test]
fn each_impurity_is_named_with_its_line_and_a_way_out() {
    for (body, code, says) in [
        ("let t = std::time::Instant::now();", "LU0301", "`context.now()`"),
        ("let t = Timestamp::now();", "LU0301", "`Timestamp::now`"),
        ("let id = LampId::new();", "LU0302", "`LampId::new`"),
        ("let id = Uuid::now_v7();", "LU0302", "in the shell"),
        ("use std::fs; let x = fs::read(\"a\");", "LU0303", "`fs::read`"),
        ("let x = std::net::TcpStream::connect(\"a\");", "LU0304", "event_handler"),
        ("let x = format!(\"{}\", std::env::var(\"a\").is_ok());", "LU0305", "`env!` is read when"),
        ("std::thread::spawn(|| ());", "LU0306", "`std::thread::spawn`"),
        ("let x = unsafe { f() };", "LU0307", "safe function"),
        ("let m = HashMap::new(); for x in &m { g(x) }", "LU0308", "BTreeMap"),
        ("let m: HashSet<u8> = f(); let v: Vec<_> = m.iter().collect();", "LU0308", "`.iter()`"),
    ] {
        let project =
            with(&format!("{}#[derive(AggregateId)]\npub struct LampId(Uuid);\n", core(body)));
        project
            .check_says(1, &[&format!("error[{code}]"), says, "src/lib.rs:23", "lucent: allow("]);
    }
}

#[test]
fn what_is_pure_is_left_alone() {
    for body in [
        "let d = std::time::Duration::from_secs(3);",
        "let m = HashMap::new(); let n = m.values().filter(f).count();",
        "let m = HashMap::new(); let s = m.keys().collect::<BTreeSet<_>>();",
        "let v = vec![1]; for x in &v { g(x) }",
        "let x = include_str!(\"a\").len() + env!(\"A\").len();",
        "let x = std::net::IpAddr::from([1, 2, 3, 4]);",
    ] {
        with(&core(body)).check_says(0, &[]);
    }
}

#[test]
fn the_shell_may_do_what_it_wants() {
    let shell = "
#[event_handler(name = \"x\")]
fn x(event: &LampEvent) { std::fs::read(\"a\"); }
async fn load() { std::fs::read(\"a\"); }
mod other { pub fn now() { std::time::Instant::now(); } }
fn main() { std::env::args(); }
#[cfg(test)]
mod tests { fn t() { std::thread::spawn(f); } }
";
    with(&format!("{}{shell}", core(""))).check_says(0, &[]);
}

#[test]
fn an_exception_needs_a_reason() {
    let exception = |comment: &str| {
        core(&format!("\n        {comment}\n        std::time::Instant::now();\n    "))
    };
    with(&exception("// lucent: allow(clock): it is only logged")).check_says(0, &[]);
    with(&exception("// lucent: allow(clock)")).check_says(1, &["LU0301", "gives no reason"]);
    with(&exception("// lucent: allow(files): it is only logged")).check_says(1, &["LU0301"]);
    let project = with(&format!("mod legacy {{ {} }}", core("std::time::Instant::now();")));
    project.check_says(1, &["LU0301"]);
    let excepted = format!("{MANIFEST}[package.metadata.lucent.check]\nimpure = [\"legacy\"]\n");
    project.write("Cargo.toml", &excepted);
    project.check_says(0, &[]);
}

#[test]
fn names_that_two_crates_of_one_application_use_are_shown_in_both_places() {
    let member = |name: &str, more: &str| format!("{}{more}", MANIFEST.replace("shop", name));
    let files = |dependencies: &str| {
        Project::of(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\", \"app\"]\nresolver = \"3\"\n"),
            ("a/Cargo.toml", &member("a", "")),
            ("a/src/lib.rs", DOMAIN),
            ("b/Cargo.toml", &member("b", "")),
            ("b/src/lib.rs", DOMAIN),
            ("app/Cargo.toml", &member("app", dependencies)),
            ("app/src/main.rs", "fn main() {}"),
        ])
    };
    let both = files("[dependencies]\na = { path = \"../a\" }\nb = { path = \"../b\" }\n");
    both.ok(&["lock"]);
    both.check_says(
        1,
        &[
            "LU0003",
            "function name `switch`",
            "command name `Switch`",
            "a/src/lib.rs",
            "b/src/lib.rs",
        ],
    );
    let one = files("[dependencies]\na = { path = \"../a\" }\n");
    one.ok(&["lock"]);
    one.check_says(0, &[]);
}

#[test]
fn mistakes_of_the_registry_are_found_without_a_build() {
    with(&format!("{DOMAIN}\nimpl Lamp {{ #[command_handler] fn dim(&self) {{}} }}\n"))
        .check_says(1, &["LU0002", "stands in an `impl`", "src/lib.rs:23"]);
    with(&format!("{DOMAIN}\nmod again {{ use super::*;\n#[command_handler]\nfn switch(c: &Switch) -> LampEvent {{ f() }} }}"))
        .check_says(1, &["LU0002", "two functions claim the registry name `switch`"]);
    with(&format!(
        "{DOMAIN}\nhide! {{ #[command_handler] fn dim(c: &Switch) -> LampEvent {{ f() }} }}\n"
    ))
    .check_says(
        1,
        &["LU0004", "`#[command_handler]` stands inside of `hide!`", "registry! { functions"],
    );
}

#[test]
fn a_configuration_that_makes_no_sense_is_said() {
    let project = with(DOMAIN);
    project.write(
        "Cargo.toml",
        &format!("{MANIFEST}[package.metadata.lucent.check]\nnamming = \"warn\"\n"),
    );
    project.check_says(1, &["LU0006", "`check.namming` is unknown", "Cargo.toml"]);
}

/// A `rustc` that knows nothing but where its libraries are.
#[cfg(unix)]
fn rustc_with(project: &Project, targets: &[&str]) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let sysroot = project.root().join("sysroot");
    for target in targets {
        std::fs::create_dir_all(sysroot.join("lib/rustlib").join(target).join("lib")).unwrap();
    }
    let rustc = project.root().join("rustc.sh");
    std::fs::write(&rustc, format!("#!/bin/sh\necho {}\n", sysroot.display())).unwrap();
    std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
    rustc
}

#[cfg(unix)]
#[test]
fn without_a_target_for_webassembly_the_stronger_check_says_what_to_do() {
    let project = with(DOMAIN);
    let rustc = rustc_with(&project, &["x86_64-unknown-linux-gnu"]);
    let run =
        crate::project::run_with(&project.root(), &["check", "--purity"], &[("RUSTC", &rustc)]);
    assert_eq!(run.code, 0, "{run:?}");
    for part in [
        "no target for WebAssembly is installed, so nothing was compiled for it",
        "`rustup target add wasm32-unknown-unknown` installs one",
    ] {
        assert!(run.err.contains(part), "{run:?}");
    }
}

#[test]
fn without_a_target_for_webassembly_the_stronger_check_says_so_or_compiles() {
    let project = with(DOMAIN);
    let run = project.run(&["check", "--purity"]);
    let said = run.err.contains("no target for WebAssembly is installed");
    let compiled = run.err.contains("compiled for wasm32") || run.err.contains("LU0309");
    assert!(said != compiled, "{run:?}");
    assert!(!said || run.code == 0, "{run:?}");
}
