//! Attribute identity, and mistakes that are explained.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cfg::Environment;
use crate::package::Package;
use crate::skim::{Scope, skim};
use crate::walk::{Sources, walk};

use super::*;

/// A crate of one file.
struct One(Rc<Scope>);

impl Sources for One {
    fn facts(&mut self, file: &Path) -> Option<Rc<Scope>> {
        (file == Path::new("/p/src/lib.rs")).then(|| Rc::clone(&self.0))
    }

    fn identity(&self, file: &Path) -> PathBuf {
        file.to_path_buf()
    }

    fn is_folder(&self, _: &Path) -> bool {
        false
    }
}

fn model(text: &str) -> Model {
    let mut package = Package::conventional("p", "/p");
    package.roots.push("es".to_owned());
    let tree = walk(
        Path::new("/p/src/lib.rs"),
        Path::new("/out"),
        &Environment::default(),
        &mut One(Rc::new(skim(text).unwrap())),
    );
    resolve(&package, &tree, &roots(&package, &tree))
}

fn names(text: &str) -> Vec<String> {
    let listed = model(text).functions;
    listed.into_iter().map(|f| f.function.name).collect()
}

#[test]
fn these_attributes_are_ours() {
    for text in [
        "#[lucent_core::projector] fn f() {}",
        "#[::lucent_core::projector] fn f() {}",
        "#[lucent_core::prelude::projector] fn f() {}",
        "#[lucent_macros::projector] fn f() {}",
        "#[es::projector] fn f() {}",
        "#[crate::prelude::projector] fn f() {}",
        "use lucent_core::projector; #[projector] fn f() {}",
        "use lucent_core::{Event, projector}; #[projector] fn f() {}",
        "use lucent_core::prelude::*; #[projector] fn f() {}",
        "use ::es::*; #[projector] fn f() {}",
        "use lucent_core::projector as model; #[model] fn f() {}",
        "use lucent_core as x; #[x::projector] fn f() {}",
        "use lucent_core::prelude; #[prelude::projector] fn f() {}",
        "extern crate lucent_core as y; mod a { #[y::projector] fn f() {} } #[y::query_handler] fn f() {}",
        "mod prelude {} use prelude::projector; #[projector] fn f() {}",
        "mod a { use super::*; #[projector] fn f() {} }",
        "mod a { use crate::x::projector; #[projector] fn f() {} }",
        "use lucent_core::*; #[cfg_attr(x, projector)] fn f() {}",
    ] {
        assert_eq!(names(text), ["f"], "{text}");
    }
}

#[test]
fn these_attributes_are_not_ours() {
    for text in [
        "#[projector] fn f() {}",
        "#[other::projector] fn f() {}",
        "#[::other::projector] fn f() {}",
        "use other::projector; #[projector] fn f() {}",
        "use other::projector; use lucent_core::Event; #[projector] fn f() {}",
        "use std::io::*; #[projector] fn f() {}",
        "use lucent_core::*; use other::projector; #[projector] fn f() {}",
        "use lucent_core::*; mod a { #[projector] fn f() {} }",
        "use lucent_core::*; #[projector] struct F;",
        "use lucent_core::*; #[handler] fn f() {}",
    ] {
        assert_eq!(names(text), [""; 0], "{text}");
    }
}

#[test]
fn functions_are_sorted_by_name() {
    assert_eq!(
        names(
            "use lucent_core::*; #[projector] fn b() {} #[projector(name = \"c\")] fn a() {} #[projector] fn aa() {}"
        ),
        ["aa", "b", "c"]
    );
}

fn mistakes(text: &str) -> Vec<String> {
    let diagnostics = model(text).diagnostics;
    diagnostics.into_iter().map(|d| format!("[{}] {}", d.cfg.join(" & "), d.message)).collect()
}

#[test]
fn one_name_for_two_functions_is_a_mistake() {
    let text =
        "use lucent_core::*;\n#[projector] fn a() {}\n#[query_handler(name = \"a\")] fn b() {}";
    assert_eq!(
        mistakes(text),
        [
            "[] two functions claim the registry name `a`: `a` at src/lib.rs:2 and `b` at src/lib.rs:3; \
          give one of them a name of its own: `#[query_handler(name = \"…\")]`"
        ]
    );
    assert_eq!(names(text).len(), 1);
}

#[test]
fn names_that_make_one_identifier_are_a_mistake() {
    let text =
        "use lucent_core::*;\n#[projector(name = \"x-y\")] fn a() {}\n#[projector] fn x_y() {}";
    assert_eq!(
        mistakes(text),
        [
            "[] the registry names `x-y` and `x_y` differ only in punctuation: `a` at src/lib.rs:2 and \
          `x_y` at src/lib.rs:3; give one of them a name of its own: `#[projector(name = \"…\")]`"
        ]
    );
}

#[test]
fn twins_are_a_mistake_only_where_both_are_compiled() {
    let text = "use lucent_core::*;\n#[cfg(unix)] #[projector] fn a() {}\n#[cfg(windows)] #[projector] fn a() {}";
    assert_eq!(names(text), ["a", "a"]);
    assert!(mistakes(text)[0].starts_with("[unix & windows] two functions claim"));
}

#[test]
fn misplaced_functions_are_explained() {
    let text = "use lucent_core::*;\nimpl A {\n#[projector] fn m() {} }\n#[cfg(x)] mod a { use super::*;\nfn f() { \
                #[projector] fn g() {} } }\nmod b { use other::projector; fn f() { #[projector] fn g() {} } }";
    assert_eq!(
        mistakes(text),
        [
            "[] src/lib.rs:3: `#[projector] fn m` stands in an `impl`, `trait` or `extern` block; an annotated \
             function is a free function: move it to the level of a module",
            "[x] src/lib.rs:5: `#[projector] fn g` stands inside the body of another item, where the registry \
             cannot reach it; move it to the level of a module",
        ]
    );
}

#[test]
fn two_attributes_on_one_function_are_a_mistake() {
    let text = "use lucent_core::*;\n#[projector] #[query_handler] fn a() {}";
    assert_eq!(
        mistakes(text),
        [
            "[] src/lib.rs:2: `a` carries two attributes of Lucent; give each of them a function of its own"
        ]
    );
}
