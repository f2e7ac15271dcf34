//! How a function's input and output travel to another node.
//!
//! Invariant: a function either travels whole, input and output, or not at all; which of both is
//! decided by the compiler at the function.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::function::Routed;

/// How a function's calls travel; `None` if its input or output cannot be read from JSON again.
pub type Travels<F> = Option<Box<dyn Wire<F>>>;

/// Writes and reads what one function takes and gives.
pub trait Wire<F: Routed>: Send + Sync {
    /// Writes an input.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn write(&self, input: &F::Input<'_>) -> Result<Vec<u8>, String>;

    /// Reads an input and hands it on.
    ///
    /// # Errors
    /// Why it cannot be read; it is not handed on then.
    fn read(&self, bytes: &[u8], with: &mut dyn FnMut(F::Input<'_>)) -> Result<(), String>;

    /// Reads an output.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read_output(&self, bytes: &[u8]) -> Result<F::Output, String>;
}

/// Asks the compiler whether an input, as it is owned, and an output travel. For expansions.
#[doc(hidden)]
pub struct Probe<Owned, Output>(PhantomData<fn() -> (Owned, Output)>);

/// How an owned input becomes one that a call takes.
type Borrow<Owned, F> = for<'i> fn(&'i Owned) -> <F as Routed>::Input<'i>;

impl<Owned, Output> Probe<Owned, Output>
where
    Owned: Serialize + DeserializeOwned + 'static,
    Output: DeserializeOwned,
{
    /// It travels. The compiler takes this one wherever the bounds hold.
    #[must_use]
    pub fn wire<F>(borrow: Borrow<Owned, F>) -> Travels<F>
    where
        F: Routed<Output = Output>,
        for<'i> F::Input<'i>: Serialize,
    {
        Some(Box::new(Json::<Owned, F> { borrow }))
    }
}

/// What is taken where the bounds of [`Probe`] do not hold. For expansions.
#[doc(hidden)]
pub trait StaysHere {
    /// The input as it is owned.
    type Owned;

    /// It does not travel.
    #[must_use]
    fn wire<F: Routed>(borrow: Borrow<Self::Owned, F>) -> Travels<F> {
        let _ = borrow;
        None
    }
}

impl<Owned, Output> StaysHere for Probe<Owned, Output> {
    type Owned = Owned;
}

impl<Owned, Output> fmt::Debug for Probe<Owned, Output> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

struct Json<Owned, F: Routed> {
    borrow: Borrow<Owned, F>,
}

impl<Owned, F> Wire<F> for Json<Owned, F>
where
    Owned: DeserializeOwned,
    F: Routed,
    F::Output: DeserializeOwned,
    for<'i> F::Input<'i>: Serialize,
{
    fn write(&self, input: &F::Input<'_>) -> Result<Vec<u8>, String> {
        serde_json::to_vec(input).map_err(|error| error.to_string())
    }

    fn read(&self, bytes: &[u8], with: &mut dyn FnMut(F::Input<'_>)) -> Result<(), String> {
        let owned: Owned = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        with((self.borrow)(&owned));
        Ok(())
    }

    fn read_output(&self, bytes: &[u8]) -> Result<F::Output, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }
}
