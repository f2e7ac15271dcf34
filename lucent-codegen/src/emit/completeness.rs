//! What a registry needs besides its own: the registries that its dependencies compose.
//!
//! Invariant: whoever composes a crate composes all that the crate composes, or does not compile;
//! else projectors of a crate that is a dependency of a dependency would silently not run.

use std::fmt::Write as _;

use super::registry::conditions;
use crate::package::{Composed, Package};

/// Says what is composed, what others must compose, and checks the dependencies' demands.
pub(super) fn completeness(text: &mut String, package: &Package, composed: &[Composed]) {
    let core = &package.core;
    let _ = writeln!(text, "impl {core}::registry::Composes<Home> for Registry {{}}");
    let _ = writeln!(
        text,
        "impl {core}::registry::Composes<{core}::registry::Nothing> for Registry {{}}"
    );
    let mut bounds = format!("{core}::registry::Composes<Home>");
    for (index, dependency) in composed.iter().enumerate() {
        let name = &dependency.crate_name;
        let cfg = dependency.cfg.as_slice();
        conditions(text, "", cfg);
        let _ = writeln!(
            text,
            "impl {core}::registry::Composes<::{name}::lucent_registry::Home> for Registry {{}}"
        );
        conditions(text, "", cfg);
        let _ = writeln!(text, "use ::{name}::lucent_registry::Home as Needed{index};");
        if let Some(condition) = &dependency.cfg {
            let _ = writeln!(
                text,
                "#[cfg(not({condition}))]\nuse {core}::registry::Nothing as Needed{index};"
            );
        }
        let _ = write!(bounds, " + {core}::registry::Composes<Needed{index}>");
        conditions(text, "", cfg);
        let _ = writeln!(text, "const _: () = ::{name}::lucent_registry::is_whole::<Registry>();");
    }
    let _ = writeln!(
        text,
        "/// Compiles for registries that compose this crate and all that it composes.\n\
         #[doc(hidden)]\npub const fn is_whole<R: {bounds}>() {{}}"
    );
}
