//! Which functions run on an event.
//!
//! Invariant: the functions of an event stand in one list of its type, each behind a pointer to code
//! that was compiled for it; an event that is published finds them with one look-up and no
//! comparison of names.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use crate::{
    event::{Event, RecordedEvent},
    function::{
        CallContext, Called, Delivered, Routed,
        run::{self, Recorded, StepFault},
        shared::Shared,
        table::Table,
    },
};

/// The functions of each type of event.
#[derive(Default)]
pub(crate) struct FanOut {
    /// A `Vec<Listener<E>>` each.
    lists: HashMap<TypeId, Box<dyn Any + Send + Sync>, BuildHasherDefault<ByType>>,
}

/// A function that runs on events of type `E`.
pub(crate) struct Listener<E> {
    /// The index of the function.
    index: usize,
    deliver: fn(&Shared, &Table, usize, &CallContext<'_>, &E) -> Option<Delivered>,
}

/// Runs the function with an index on a recorded event, if it runs on that one.
type Step =
    fn(&Shared, usize, &CallContext<'_>, &RecordedEvent) -> Result<Option<Recorded>, StepFault>;

/// How recorded events reach a function.
#[derive(Clone, Copy)]
pub(crate) struct Seat {
    /// The stored names of its events.
    pub(crate) types: fn() -> Vec<&'static str>,
    /// Runs it on a recorded event, if it runs on that one.
    pub(crate) step: Step,
}

impl Seat {
    pub(crate) fn of<F: Routed>() -> Self {
        Self {
            types: || F::Event::TYPES.iter().map(|known| known.name).collect(),
            step: run::step::<F>,
        }
    }
}

impl FanOut {
    /// Adds the function with this index to those of its event.
    pub(crate) fn seat<F: Routed>(&mut self, index: usize) {
        self.list::<F::Event>().push(Listener { index, deliver: deliver::<F> });
    }

    fn list<E: Event>(&mut self) -> &mut Vec<Listener<E>> {
        let list = self.lists.entry(TypeId::of::<E>());
        let list = list.or_insert_with(|| Box::new(Vec::<Listener<E>>::new()));
        list.downcast_mut().expect("the map's key is the type of its value")
    }

    /// The functions that run on events of a type.
    pub(crate) fn listeners<E: Event>(&self) -> &[Listener<E>] {
        let list = self.lists.get(&TypeId::of::<E>());
        list.and_then(|list| list.downcast_ref::<Vec<Listener<E>>>()).map_or(&[], Vec::as_slice)
    }
}

impl<E> Listener<E> {
    pub(crate) fn deliver(
        &self,
        shared: &Shared,
        table: &Table,
        context: &CallContext<'_>,
        event: &E,
    ) -> Option<Delivered> {
        (self.deliver)(shared, table, self.index, context, event)
    }
}

fn deliver<F: Routed>(
    shared: &Shared,
    table: &Table,
    index: usize,
    context: &CallContext<'_>,
    event: &F::Event,
) -> Option<Delivered> {
    let input = F::select(event)?;
    let outcome = run::call::<F>(shared, table, index, context, input);
    Some(Delivered {
        function: F::name(),
        outcome: match outcome {
            Ok(Called { value, ran }) => Ok(Called { value: Box::new(value), ran }),
            Err(error) => Err(error.map(|error| Box::new(error) as _)),
        },
    })
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FanOut({} types of events)", self.lists.len())
    }
}

/// Takes the hash that a [`TypeId`] already is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByType(u64);

impl Hasher for ByType {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
