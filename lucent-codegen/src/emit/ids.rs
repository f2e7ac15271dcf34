//! The functions of a registry as the variants of an enum.
//!
//! Invariant: each variant is the function of one name, in the order of names; what is the same for all of
//! them is said in lists, not in arms, for there may be ten thousand.

use std::fmt::Write as _;

use lucent_syntax::variant_ident;

use super::registry::{GENERIC, conditions, docs, literal};
use super::rendered::Rendered;
use crate::package::{Composed, Package};
use crate::resolve::Model;

/// Writes the enum of the functions of this crate.
pub(super) fn ids(rendered: &mut Rendered, package: &Package, model: &Model) {
    rendered.text.push_str(HEAD);
    rendered.section(&model.functions, |text, listed| {
        if let Some(variant) = &listed.variant {
            docs(text, "    ", listed);
            conditions(text, "    ", &listed.cfg);
            let _ = writeln!(text, "    {variant},");
        }
    });
    rendered.text.push_str(&ALL.replace("GENERIC", GENERIC));
    rendered.section(&model.functions, |text, listed| {
        if let Some(variant) = &listed.variant {
            conditions(text, "            ", &listed.cfg);
            let _ = writeln!(text, "            I::{variant},");
        }
    });
    rendered.text.push_str(&NAMES.replace("GENERIC", GENERIC));
    rendered.section(&model.functions, |text, listed| {
        if listed.variant.is_some() {
            conditions(text, "            ", &listed.cfg);
            let _ = writeln!(text, "            {},", literal(&listed.function.name));
        }
    });
    let core = &package.core;
    rendered.text.push_str(&NAMED.replace("CORE", core));
    rendered.text.push_str(&texts("FunctionId", core));
}

/// Writes the enum of the functions of this crate and of all that it composes.
pub(super) fn composed_ids(text: &mut String, package: &Package, composed: &[Composed]) {
    if composed.is_empty() {
        return;
    }
    let parts: Vec<Part<'_>> = composed.iter().map(Part::of).collect();
    text.push_str(COMPOSED_HEAD);
    for Part { variant, path, cfg } in &parts {
        let _ = writeln!(text, "    /// One of `{}`.", path.trim_start_matches(':'));
        conditions(text, "    ", *cfg);
        let _ = writeln!(text, "    {variant}({path}::lucent_registry::FunctionId),");
    }
    text.push_str(COMPOSED_ALL);
    for Part { variant, path, cfg } in &parts {
        conditions(text, "        ", *cfg);
        let _ = writeln!(
            text,
            "        all.extend({path}::lucent_registry::FunctionId::all().iter().copied().map(Self::{variant}));"
        );
    }
    text.push_str(COMPOSED_NAME);
    for Part { variant, cfg, .. } in &parts {
        conditions(text, "            ", *cfg);
        let _ = writeln!(text, "            Self::{variant}(id) => id.name(),");
    }
    text.push_str(COMPOSED_NAMED);
    for Part { variant, path, cfg } in &parts {
        conditions(text, "        ", *cfg);
        let _ = writeln!(
            text,
            "        if let ::core::option::Option::Some(id) = {path}::lucent_registry::FunctionId::named(name) {{ \
             return ::core::option::Option::Some(Self::{variant}(id)); }}"
        );
    }
    text.push_str("        ::core::option::Option::None\n    }\n}\n");
    from(text, "Here", "FunctionId", None);
    for Part { variant, path, cfg } in &parts {
        from(text, variant, &format!("{path}::lucent_registry::FunctionId"), *cfg);
    }
    text.push_str(&texts("AppFunctionId", &package.core));
}

/// A crate that is composed.
struct Part<'a> {
    variant: String,
    path: String,
    cfg: Option<&'a String>,
}

impl<'a> Part<'a> {
    fn of(dependency: &'a Composed) -> Self {
        let variant = match variant_ident(&dependency.crate_name) {
            here if here == "Here" => "Here_".to_owned(),
            variant => variant,
        };
        Self { variant, path: format!("::{}", dependency.crate_name), cfg: dependency.cfg.as_ref() }
    }
}

fn from(text: &mut String, variant: &str, id: &str, cfg: Option<&String>) {
    conditions(text, "", cfg);
    let _ = writeln!(
        text,
        "impl ::core::convert::From<{id}> for AppFunctionId {{\n    \
         fn from(id: {id}) -> Self {{ Self::{variant}(id) }}\n}}"
    );
}

/// How an id is printed and read.
fn texts(id: &str, core: &str) -> String {
    TEXTS.replace("ID", id).replace("CORE", core)
}

const HEAD: &str = "\
/// Each `#[function]` of this crate. An edition of another function has no id of its own.
#[allow(non_camel_case_types, rustdoc::all, reason = \"names and docs are those of the functions\")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FunctionId {
";

const ALL: &str = "\
}
impl FunctionId {
    /// Every function, sorted by name.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        use FunctionId as I;
        GENERICconst fn table<T>() -> &'static [I] { &[
";

const NAMES: &str = "        ] }
        table::<()>()
    }
    /// The names of all, in the same order.
    #[must_use]
    pub const fn names() -> &'static [&'static str] {
        GENERICconst fn table<T>() -> &'static [&'static str] { &[
";

const NAMED: &str = "        ] }
        table::<()>()
    }
    /// The name under which the function is controlled and recorded.
    #[must_use]
    pub const fn name(self) -> &'static str { Self::names()[self as usize] }
    /// The function of this name, if it is one of this crate.
    #[must_use]
    pub fn named(name: &str) -> ::core::option::Option<Self> {
        let place = CORE::registry::place_of(Self::names(), name)?;
        Self::all().get(place).copied()
    }
}
";

const TEXTS: &str = "\
impl ::core::fmt::Debug for ID {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { f.write_str(self.name()) }
}
impl ::core::fmt::Display for ID {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { f.pad(self.name()) }
}
impl ::core::convert::AsRef<str> for ID {
    fn as_ref(&self) -> &str { self.name() }
}
impl ::core::str::FromStr for ID {
    type Err = CORE::registry::UnknownFunction;
    fn from_str(name: &str) -> ::core::result::Result<Self, Self::Err> {
        Self::named(name).ok_or_else(|| CORE::registry::UnknownFunction::new(name, Self::all()))
    }
}
";

const COMPOSED_HEAD: &str = "\
/// Each `#[function]` of this crate and of the crates it composes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AppFunctionId {
    /// One of this crate.
    Here(FunctionId),
";

const COMPOSED_ALL: &str = "\
}
impl AppFunctionId {
    /// Every function, crate by crate, sorted by name within each.
    #[must_use]
    pub fn all() -> ::std::vec::Vec<Self> {
        let mut all = ::std::vec::Vec::new();
        all.extend(FunctionId::all().iter().copied().map(Self::Here));
";

const COMPOSED_NAME: &str = "        all
    }
    /// The name under which the function is controlled and recorded.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Here(id) => id.name(),
";

const COMPOSED_NAMED: &str =
    "        }
    }
    /// The function of this name.
    #[must_use]
    pub fn named(name: &str) -> ::core::option::Option<Self> {
        if let ::core::option::Option::Some(id) = FunctionId::named(name) { return ::core::option::Option::Some(Self::Here(id)); }
";
