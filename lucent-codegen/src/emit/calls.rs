//! A method for each function, for packages that ask for them.
//!
//! Invariant: a method does what `FunctionManager::call` does with the function's type, and is documented as
//! the function is.

use std::fmt::Write as _;

use super::registry::{conditions, docs};
use super::rendered::Rendered;
use crate::package::Package;
use crate::resolve::Model;

/// Writes the trait with the methods.
pub(super) fn calls(rendered: &mut Rendered, package: &Package, model: &Model) {
    if !package.call_methods {
        return;
    }
    rendered.text.push_str(&HEAD.replace("CORE", &package.core));
    rendered.section(&model.functions, |text, listed| {
        if listed.variant.is_none() {
            return;
        }
        let mark = &listed.mark;
        docs(text, "        ", listed);
        let _ = writeln!(text, "        ///\n        /// `{}`", listed.function.signature);
        conditions(text, "        ", &listed.cfg);
        let underscore = if TAKEN.contains(&mark.as_str()) { "_" } else { "" };
        let _ = writeln!(
            text,
            "        fn {mark}{underscore}<'a>(&self, context: impl N<C<'a>>, input: I<'_, f::{mark}>) -> O<f::{mark}> \
             {{ self.call_of::<f::{mark}>(context, input) }}",
        );
    });
    rendered.text.push_str(&END.replace("CORE", &package.core));
}

/// What managers have already; a function of such a name gets an underscore.
const TAKEN: [&str; 24] = [
    "as_any",
    "borrow",
    "borrow_mut",
    "call",
    "call_of",
    "clone",
    "clone_from",
    "clone_into",
    "control",
    "control_of",
    "destination",
    "dispatch",
    "explain",
    "fmt",
    "from",
    "into",
    "new",
    "node",
    "publish",
    "shadow_report",
    "shutdown",
    "to_owned",
    "try_into",
    "type_id",
];

const HEAD: &str = "\
mod calls {
    #[allow(unused_imports, reason = \"there may be no function\")]
    use super::functions_found_by_build_rs as f;
    #[allow(unused_imports, reason = \"there may be no function\")]
    use {CORE::function::{CallContext as C, CallResult as O, InputOf as I}, ::core::convert::Into as N};
    /// A method for each `#[function]` of this crate, which calls it as `call` does, on each manager whose registry
    /// includes the crate.
    #[allow(rustdoc::all, reason = \"docs are those of the functions\")]
    pub trait Calls: CORE::function::CallsOf<super::Home> {
";

const END: &str = "    }
    impl<M: CORE::function::CallsOf<super::Home>> Calls for M {}
}
#[allow(unused_imports, reason = \"a crate may leave the methods to others\")]
pub use calls::Calls;
";
