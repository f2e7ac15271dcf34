//! The functions of a registry with their types, gathered when the manager starts.
//!
//! Invariant: an edition is found under the type of its function and keeps that type, so a call
//! needs neither a conversion of values nor a lookup by name.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use crate::{
    event::Event,
    function::{
        Declaration, Edition, EditionId, Routed, Terms, Travels,
        dispatch::{Receive, receive},
        fanout::{FanOut, Seat},
    },
    registry::{EventSet, Function, FunctionKind},
};

/// The functions of a registry, on their way into a manager.
#[derive(Default)]
pub struct Roster {
    drafts: HashMap<TypeId, Draft>,
    /// What was added, in that order.
    added: Vec<Added>,
    /// The file of what is being added.
    file: &'static str,
}

/// An edition that was added.
pub(crate) struct Added {
    of: TypeId,
    pub(crate) function: &'static str,
    pub(crate) edition: EditionId,
    pub(crate) events: EventSet,
    place: Place,
}

/// Where an edition stands.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    file: &'static str,
    line: u32,
}

/// A function whose editions are being gathered.
struct Draft {
    name: &'static str,
    /// Where the edition stands that was added first.
    place: Place,
    declaration: Declaration,
    /// Sorted.
    editions: Vec<(EditionId, Terms)>,
    /// A `Family<F>` of the function's type, in the same order.
    family: Box<dyn Any + Send + Sync>,
    sit: fn(&mut FanOut, usize),
    seat: Option<Seat>,
    receive: Option<Receive>,
}

/// A function with all of its editions.
pub(crate) struct Sealed {
    pub(crate) of: TypeId,
    pub(crate) name: &'static str,
    /// Where one of its editions stands.
    place: Place,
    pub(crate) declaration: Declaration,
    /// Sorted; what stands here and in the family has the same index.
    pub(crate) editions: Vec<(EditionId, Terms)>,
    /// A `Family<F>`.
    pub(crate) family: Arc<dyn Any + Send + Sync>,
    /// Gives it a seat among the functions of its event.
    pub(crate) sit: fn(&mut FanOut, usize),
    pub(crate) seat: Option<Seat>,
    pub(crate) receive: Option<Receive>,
}

/// The editions of one function, in the order of their ids.
pub(crate) struct Family<F: Routed> {
    pub(crate) calls: Vec<F::Signature>,
    pub(crate) wire: Travels<F>,
}

impl Roster {
    /// Adds an edition. The registry's entry of the edition calls this.
    pub fn add<E: Edition>(&mut self) {
        let edition = EditionId::declared(E::VERSION, E::VARIANT);
        let (line, call) = E::function();
        let function = E::Of::name();
        let events = EventSet::of::<<E::Of as Routed>::Event>();
        let place = Place { file: self.file, line };
        let of = TypeId::of::<E::Of>();
        self.added.push(Added { of, function, edition, events, place });
        let draft = self.draft(of, place, draft::<E::Of>);
        let place = draft.insert(E::VERSION, E::VARIANT, E::TERMS);
        let family = draft.family.downcast_mut::<Family<E::Of>>();
        let family = family.expect("the map's key is the type of its value");
        family.calls.insert(place, call);
    }

    /// What an entry of the registry adds; `None` if it is an entry with a mistake.
    pub(crate) fn added_by(enlist: fn(&mut Self)) -> Option<Added> {
        let mut roster = Self::default();
        enlist(&mut roster);
        roster.added.pop()
    }

    fn draft(&mut self, of: TypeId, place: Place, begin: fn(Place) -> Draft) -> &mut Draft {
        self.drafts.entry(of).or_insert_with(|| begin(place))
    }

    /// The functions of a registry, sorted by name.
    pub(crate) fn of(functions: &[&'static Function]) -> Result<Vec<Sealed>, RosterError> {
        let mut roster = Self::default();
        let mut places = BTreeMap::new();
        for function in functions {
            if let FunctionKind::Function { enlist } = function.kind {
                roster.file = function.file;
                enlist(&mut roster);
            }
        }
        for Added { of, function, edition, place, .. } in roster.added {
            let place = place.to_string();
            if let Some(first) = places.insert((of, edition.clone()), place.clone()) {
                return Err(RosterError::SameEdition { function, edition, first, second: place });
            }
        }
        let drafts = roster.drafts.into_iter();
        let mut sealed: Vec<Sealed> = drafts.map(|(of, draft)| draft.seal(of)).collect();
        sealed.sort_by_key(|function| function.name);
        for pair in sealed.windows(2) {
            if pair[0].name == pair[1].name {
                return Err(same_name(&pair[0], &pair[1]));
            }
        }
        sealed.iter().try_for_each(check_fallbacks)?;
        Ok(sealed)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roster({} functions)", self.drafts.len())
    }
}

/// Begins a function.
fn draft<F: Routed>(place: Place) -> Draft {
    let wire = F::wire();
    Draft {
        name: F::name(),
        place,
        declaration: F::DECLARATION,
        editions: Vec::new(),
        receive: wire.is_some().then_some(receive::<F> as Receive),
        family: Box::new(Family::<F> { calls: Vec::new(), wire }),
        sit: FanOut::seat::<F>,
        seat: (!F::Event::TYPES.is_empty()).then(Seat::of::<F>),
    }
}

impl Draft {
    /// Adds an edition to the list, and gives the place that it has there.
    fn insert(&mut self, version: u32, variant: Option<&'static str>, terms: Terms) -> usize {
        let id = EditionId::declared(version, variant);
        let place = self.editions.partition_point(|(other, _)| *other < id);
        self.editions.insert(place, (id, terms));
        place
    }

    fn seal(self, of: TypeId) -> Sealed {
        let Self { name, place, declaration, editions, family, sit, seat, receive } = self;
        let family = Arc::from(family);
        Sealed { of, name, place, declaration, editions, family, sit, seat, receive }
    }
}

fn same_name(one: &Sealed, other: &Sealed) -> RosterError {
    let mut places = [one.place, other.place];
    places.sort();
    let [first, second] = places.map(|place| place.to_string());
    RosterError::SameName { function: one.name, first, second }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

fn check_fallbacks(function: &Sealed) -> Result<(), RosterError> {
    for (edition, terms) in &function.editions {
        let Some(version) = terms.fallback else { continue };
        let fallback = EditionId::version(version);
        if fallback == *edition || !function.editions.iter().any(|(id, _)| *id == fallback) {
            let (function, edition) = (function.name, edition.clone());
            return Err(RosterError::NoFallback { function, edition, fallback });
        }
    }
    Ok(())
}

/// Functions that cannot be managed together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// Two functions have one name and nothing else in common.
    #[error(
        "two functions are named `{function}`: {first} and {second}; give one another `name = \"…\"`, or make it an edition of the other with `of = …`"
    )]
    SameName {
        /// The name.
        function: &'static str,
        /// Where one of them stands.
        first: String,
        /// Where the other one stands.
        second: String,
    },
    /// Two editions of a function have one version and variant.
    #[error(
        "`{function}` has two editions {edition}: {first} and {second}; give one another `version`"
    )]
    SameEdition {
        /// The function.
        function: &'static str,
        /// The edition.
        edition: EditionId,
        /// Where one of them stands.
        first: String,
        /// Where the other one stands.
        second: String,
    },
    /// An edition falls back to one that is not there.
    #[error(
        "`{function}` {edition} falls back to {fallback}, which is no other edition of it in this registry: keep that one, or remove `fallback`"
    )]
    NoFallback {
        /// The function.
        function: &'static str,
        /// The edition that declares the fallback.
        edition: EditionId,
        /// The edition that is missing.
        fallback: EditionId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::listed;

    mod desk {
        #[lucent_core::function]
        pub(super) fn fee(amount: &u64) -> u64 {
            *amount
        }

        #[lucent_core::function(of = fee, version = 2)]
        pub(super) fn newer(amount: &u64) -> u64 {
            amount / 2
        }

        #[lucent_core::function(of = fee, version = 2)]
        pub(super) fn newest(amount: &u64) -> u64 {
            amount / 3
        }
    }

    mod market {
        #[lucent_core::function]
        pub(super) fn fee(amount: &u64) -> u64 {
            *amount
        }
    }

    /// What is wrong with functions, as a text in which `HERE` stands for each place in this file.
    fn fault(functions: &[&'static Function]) -> String {
        let fault = Roster::of(functions).err().map(|fault| fault.to_string()).unwrap_or_default();
        let mut parts = fault.split(file!());
        let first = parts.next().unwrap_or_default().to_owned();
        let line = |c: char| c == ':' || c.is_ascii_digit();
        parts.fold(first, |text, part| text + "HERE" + part.trim_start_matches(line))
    }

    #[test]
    fn functions_of_one_name_are_named_with_both_places() {
        static TWO: [Function; 2] = [listed::<desk::fee>(), listed::<market::fee>()];
        assert_eq!(
            fault(&[&TWO[0], &TWO[1]]),
            "two functions are named `fee`: HERE and HERE; give one another `name = \"…\"`, or make it an \
             edition of the other with `of = …`"
        );
    }

    #[test]
    fn editions_of_one_version_are_named_with_both_places() {
        static TWO: [Function; 3] =
            [listed::<desk::fee>(), listed::<desk::newer>(), listed::<desk::newest>()];
        assert_eq!(
            fault(&[&TWO[0], &TWO[1], &TWO[2]]),
            "`fee` has two editions v2: HERE and HERE; give one another `version`"
        );
        assert_eq!(fault(&[&TWO[0], &TWO[1]]), "");
    }
}
