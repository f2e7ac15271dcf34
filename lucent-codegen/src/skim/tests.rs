//! The skimmer against Rust's grammar, against arbitrary text, and against a real parser.

use lucent_syntax::{FunctionKind, fingerprint};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use proptest::prelude::*;

use super::facts::*;
use super::literal::one_line;
use super::skim;

fn scope(text: &str) -> Scope {
    skim(text).unwrap_or_else(|broken| panic!("broken at {}: {text}", broken.at))
}

fn functions(text: &str) -> Vec<String> {
    let scope = scope(text);
    scope.functions.iter().map(|function| format!("{}@{}", function.ident, function.line)).collect()
}

const HANDLER: &str = "#[command_handler] fn found() {}";

#[test]
fn literals_and_comments_do_not_end_what_they_stand_in() {
    for body in [
        "\"}\"",
        "\"\\\"}\"",
        "\"\\\\\"",
        "r\"}\\\"",
        "r#\"}\"}\"#",
        "br##\"}\"#}\"##",
        "cr#\"}\"#",
        "b\"}\"",
        "c\"}\"",
        "'}'",
        "'\\''",
        "'\\u{7d}'",
        "'\\\\'",
        "b'}'",
        "b'\"'",
        "'ü'",
        "'\"'",
        "fn f<'a>(x: &'a str) {}",
        "'label: loop { break 'label }",
        "// }\n",
        "/* } /* } */ } */",
        "/// }\n",
        "r#type; r#match",
        "x as u8 / 2 // }",
        "1.0e5; 0b1; 1u8",
        "macro_rules! m { ($x:expr) => { '}' }; }",
    ] {
        assert_eq!(functions(&format!("fn f() {{ {body}\n}}\n{HANDLER}")).len(), 1, "{body}");
    }
}

#[test]
fn every_kind_of_item_is_passed_over() {
    for item in [
        "extern crate a as b;",
        "use a::{b::{self, c as d}, e::*};",
        "use ::a; use {b, c}; pub(in crate::x) use d::*;",
        "pub const fn f() {}",
        "const unsafe extern \"C\" fn f() -> [u8; { 3 }] { loop {} }",
        "pub(crate) async fn f<const N: usize>() -> A<{ N + 1 }, B> where T: Fn(u8) -> u8, {}",
        "const X: usize = { 1 } + { 2 };",
        "const _: () = { fn f() {} };",
        "static mut X: A<{ 1 }> = A;",
        "type A<T> = B<{ 1 }>;",
        "struct A; struct B(u8, pub u8); struct C { x: u8 } struct D<T>(T) where T: Copy;",
        "enum E<const N: usize = { 1 }> { A { x: u8 }, B(u8), C = 3 }",
        "union U { a: u8 }",
        "impl<T> A<{ 1 }> for B<T> where T: X { fn f() {} }",
        "impl !Send for A {}",
        "unsafe impl Send for A {}",
        "impl<F: Fn() -> u8> A for F {}",
        "pub unsafe auto trait A {} trait B: C { type D; fn f(); } trait E = F;",
        "extern \"C\" { fn f(); static X: u8; } unsafe extern { safe fn g(); }",
        "extern fn f() {}",
        "macro_rules! m { () => { mod x; } } macro_rules! n ( () => () );",
        "pub macro m($x:expr) { $x }",
        "thread_local! { static X: u8 = 1; } a::b!(c); ::a::b![c]; crate::m! {}",
        "#![allow(x)] //! Docs.\n",
        "#[derive(A)] #[doc = \"x\"] #[a::b(c = \"]\")] struct A;",
        ";;",
        "mod a { mod b { fn f() {} } }",
        "global_asm!(\"}\");",
        "async unsafe fn f() {} gen fn g() {} unsafe mod x {}",
        "union!{} default!{}",
        "impl const Default for A { fn f() {} }",
    ] {
        assert_eq!(functions(&format!("{item}\n{HANDLER}")).len(), 1, "{item}");
    }
}

#[test]
fn a_file_may_start_with_a_mark_and_a_shebang() {
    assert_eq!(functions(&format!("\u{feff}{HANDLER}")), ["found@1"]);
    assert_eq!(functions(&format!("#!/bin/x }}\n{HANDLER}")), ["found@2"]);
    assert_eq!(functions(&format!("#![a]\r\n{HANDLER}")), ["found@2"]);
    assert_eq!(functions(""), [""; 0]);
}

#[test]
fn what_is_no_rust_is_broken() {
    for text in [
        "fn f() {",
        "fn f() { ) }",
        "}",
        "fn",
        "mod x",
        "#[a fn f() {}",
        "\"",
        "/*",
        "use a",
        "fn f() { \"",
        "let x = 1;",
        "# x",
        "impl",
        "mod a { mod b { }",
        "x!",
        "pub",
        "use a::{b",
        "fn f<T() {}",
        "#[command_handler] fn f(#) where \u{1F600}: {}",
    ] {
        assert!(skim(text).is_err(), "{text}");
    }
    let deep = "mod a {".repeat(100_000);
    assert!(skim(&deep).is_err());
    let deep = format!(
        "#[command_handler] fn f(x: {}u8{}) {{}}",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    assert!(skim(&deep).is_err());
    let deep = format!("#[{}x{}] fn f() {{}}", "cfg_attr(a, ".repeat(100_000), ")".repeat(100_000));
    assert!(skim(&deep).is_err());
}

#[test]
fn a_function_is_described() {
    let scope = scope(
        "use lucent_core::command_handler;\n\n/// Takes money.\n/// More.\n#[cfg(feature = \"x\")]\n\
         #[command_handler(name = \"take\", version = 2)]\npub(crate) async fn r#move(\n    a: &A, // why\n) -> B<{ 1 }>\nwhere\n    C: D,\n{ body }\n",
    );
    let [function] = scope.functions.as_slice() else {
        panic!("one function was expected");
    };
    assert_eq!(function.name, "take");
    assert_eq!(function.ident, "move");
    assert_eq!(function.line, 7);
    assert_eq!(function.docs, "Takes money.");
    assert_eq!(function.cfg, ["feature = \"x\""]);
    assert_eq!(function.signature, "async fn r#move( a: &A, ) -> B<{ 1 }> where C: D,");
}

#[test]
fn conditions_of_attributes_are_kept() {
    let scope = scope(
        "#[cfg_attr(all(a, b), command_handler(name = \"x\"), cfg(c))] #[cfg(/* d */ d )] fn f() {}\n\
         #[cfg_attr(unix, path = \"u.rs\")] #[path = \"o.rs\"] mod os;\n#[cfg_attr(a, cfg_attr(b, query_handler))] fn g() {}",
    );
    assert_eq!(scope.functions[0].cfg, ["any(not(all(a, b)), c)", "d", "all(a, b)"]);
    assert_eq!(scope.functions[1].cfg, ["a", "b"]);
    let paths: Vec<_> = scope.modules[0]
        .paths
        .iter()
        .map(|path| (path.conditions.concat(), path.path.as_str()))
        .collect();
    assert_eq!(paths, [("unix".to_owned(), "u.rs"), (String::new(), "o.rs")]);
}

#[test]
fn misplaced_functions_are_noted() {
    let scope = scope(
        "#[cfg(x)] fn f() {\n  #[projector]\n  pub async fn inner() {}\n  quote! { #[projector] fn no() {} };\n\
         \n  struct S { #[projector] field: u8 }\n}\nimpl A {\n  #[es::query_handler] fn method() {\n #[projector] fn deep() {} }\n}\n\
         #[test] fn t() { #[projector] fn in_test() {} }\nmacro_rules! m { () => { #[projector] fn no() {} } }",
    );
    let found: Vec<_> = scope
        .misplaced
        .iter()
        .map(|m| (m.ident.as_str(), m.place, m.line, m.cfg.concat()))
        .collect();
    assert_eq!(
        found,
        [
            ("inner", Place::Body, 3, "x".to_owned()),
            ("method", Place::Block, 9, String::new()),
            ("deep", Place::Body, 10, String::new()),
            ("in_test", Place::Body, 12, "test".to_owned()),
        ]
    );
}

#[test]
fn imports_are_flattened() {
    let text = format!(
        "use a::{{self, b::*, c as d, e::{{f}}}}; use ::g as _; extern crate h as i;\n{HANDLER}"
    );
    let imports: Vec<_> = scope(&text)
        .imports
        .iter()
        .map(|import| format!("{} as {}", import.path.join("::"), import.name))
        .collect();
    assert_eq!(
        imports,
        ["a as a", "a::b as *", "a::c as d", "a::e::f as f", "::g as _", "::h as i"]
    );
}

#[test]
fn a_renamed_attribute_is_a_candidate() {
    let text =
        "use lucent_core::command_handler as cmd;\n#[cmd] fn f() {}\n#[instrument] fn g() {}";
    assert_eq!(functions(text), ["f@2"]);
}

#[test]
fn included_files_are_noted() {
    let scope = scope(
        "include!(\"a.rs\"); #[cfg(x)] include!(concat!(env!(\"OUT_DIR\"), \"/b.rs\")); include!(foo!());",
    );
    let includes: Vec<_> =
        scope.includes.iter().map(|i| (i.path.as_str(), i.generated, i.cfg.concat())).collect();
    assert_eq!(includes, [("a.rs", false, String::new()), ("b.rs", true, "x".to_owned())]);
}

/// What the macros do: they get the tokens of the attribute and of the item.
fn fingerprints_by_tokens(text: &str) -> Vec<u64> {
    let tokens: Vec<TokenTree> = text.parse::<TokenStream>().unwrap().into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    let mut arguments = None;
    while at < tokens.len() {
        if let (TokenTree::Punct(hash), Some(TokenTree::Group(group))) =
            (&tokens[at], tokens.get(at + 1))
            && hash.as_char() == '#'
        {
            let content: Vec<TokenTree> = group.stream().into_iter().collect();
            if content
                .iter()
                .any(|t| matches!(t, TokenTree::Ident(i) if FunctionKind::from_attribute(&i.to_string()).is_some()))
            {
                arguments = Some(match content.last() {
                    Some(TokenTree::Group(group)) => group.stream(),
                    _ => TokenStream::new(),
                });
            }
            at += 2;
            continue;
        }
        if matches!(&tokens[at], TokenTree::Ident(ident) if ident == "pub") {
            at += 1;
            if matches!(tokens.get(at), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis)
            {
                at += 1;
            }
            continue;
        }
        // The body is the first brace group that ends an item here: the samples hold functions only.
        let end = (at..tokens.len())
            .find(|&i| {
                matches!(&tokens[i], TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
                    && !matches!(tokens.get(i + 1), Some(TokenTree::Punct(p)) if ">,".contains(p.as_char()))
            })
            .unwrap();
        let signature: TokenStream = tokens[at..end].iter().cloned().collect();
        if let Some(arguments) = arguments.take() {
            found.push(fingerprint(&arguments, &signature));
        }
        at = end + 1;
    }
    found
}

#[test]
fn fingerprints_are_those_of_the_tokens() {
    let text = r##"
        /// Docs.
        #[command_handler]
        pub async fn a(x: &'static str, y: [u8; { 2 }]) -> Result<Vec<u8>, E> { "}" }
        #[lucent_core::query_handler(name = "b", aggregate = A<{ 1 }>)]
        pub(crate) const unsafe extern "C" fn r#b<'a, const N: usize>(
            /* c */ x: impl Fn(&'a u8) -> u8 + 'a, // d
        ) -> A<{ N }, B> where for<'b> C: D<'b> {}
        #[projector(model = r#"x"#, inline,)] fn c(_: u8, (a, b): (u8, u16)) {}
        #[event_handler { retry = -1 }] pub(in crate::x) fn d<T: A<B = C>>(x: T) where T: E<F = { 1 }>, {}
        fn plain() { #[x] fn inner() {} }
        #[cfg(a)] #[event_handler()] #[inline] fn e() -> ! { loop {} }
        #[projector] fn f(mut x: &mut [u8], f: fn(u8) -> u8) -> Option<Box<dyn Fn(u8) -> Vec<u8>>> { None }
    "##;
    let skimmed: Vec<u64> = scope(text).functions.iter().map(|f| f.fingerprint).collect();
    assert_eq!(skimmed.len(), 6);
    assert_eq!(skimmed, fingerprints_by_tokens(text));
}

const SAMPLE: &str = include_str!("item.rs");

proptest! {
    #[test]
    fn any_text_is_finished(text in any::<String>()) {
        skim(&text).ok();
        one_line(&text);
    }

    #[test]
    fn any_soup_of_tokens_is_finished(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "#", "[", "]", "{", "}", "(", ")", "<", ">", "\"", "'", "r#", "b", "\\", "/*", "*/", "//", "\n", "!",
            " ", "::", ";", "=", ",", "fn ", "mod ", "use ", "a", "ü", "command_handler", "cfg_attr", "path",
            "include", "impl ", "const ", "unsafe ", "extern ", "pub ", "macro ", "*", "as ", "->", "1",
        ]), 0..40)
    ) {
        let text = tokens.concat();
        skim(&text).ok();
        one_line(&text);
    }

    #[test]
    fn mutated_rust_is_finished(from in 0..SAMPLE.len(), length in 0..40_usize, insert in "\\PC{0,3}") {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, insert.bytes());
        skim(&String::from_utf8_lossy(&bytes)).ok();
    }

    #[test]
    fn a_signature_has_one_fingerprint(
        name in "[a-z][a-z0-9_]{0,8}",
        argument in prop::sample::select(vec!["u8", "&'a str", "Vec<Vec<u8>>", "[u8; { 1 }]", "impl Fn(u8) -> u8", "A<{ 1 }, 'x'>"]),
        output in prop::sample::select(vec!["", "-> u8", "-> Result<A<B>, C>", "-> B<{ 1 }>", "where A: B"]),
        space in prop::sample::select(vec![" ", "\n", " /* c */ ", " // d\n"]),
    ) {
        prop_assume!(proc_macro2_ident(&name));
        let text = format!("#[projector(a ={space}1)]{space}pub fn{space}{name}(x:{space}{argument}){space}{output} {{}}");
        let skimmed: Vec<u64> = scope(&text).functions.iter().map(|f| f.fingerprint).collect();
        prop_assert_eq!(skimmed, fingerprints_by_tokens(&text));
    }
}

/// Keywords make no functions.
fn proc_macro2_ident(name: &str) -> bool {
    !matches!(
        name,
        "fn" | "pub" | "const" | "async" | "unsafe" | "extern" | "use" | "mod" | "as" | "in" | "if"
    )
}
