//! What the generated methods of functions call.
//!
//! Invariant: a method is `FunctionManager::call` with the function's type, and nothing else.

use crate::{
    function::{CallContext, CallError, Called, FunctionManager, Routed},
    registry::{Includes, Registry},
};

/// What a call of a function takes.
pub type InputOf<'input, F> = <F as Routed>::Input<'input>;

/// What a call of a function gives.
pub type CallResult<F> = Result<Called<<F as Routed>::Output>, CallError<<F as Routed>::Error>>;

/// Calls the functions under one mark: those of one crate.
///
/// The trait `Calls`, which a registry has with `call_methods = true`, has a method for each of them.
pub trait CallsOf<Home> {
    /// Calls a function, in the edition that the rules give this caller.
    ///
    /// # Errors
    /// As [`FunctionManager::call`].
    fn call_of<'a, F: Routed<Home = Home>>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: InputOf<'_, F>,
    ) -> CallResult<F>;
}

impl<R: Registry + Includes<Home>, Home> CallsOf<Home> for FunctionManager<R> {
    fn call_of<'a, F: Routed<Home = Home>>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: InputOf<'_, F>,
    ) -> CallResult<F> {
        self.call::<F>(context, input)
    }
}
