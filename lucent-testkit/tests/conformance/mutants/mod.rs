//! Stores with one defect each: the suite must reject every one of them.

mod appending;
mod conditions;
mod contents;
mod defect;
mod folding;
mod gaps;
mod inline;
mod joining;
mod leasing;
mod ordering;
mod parking;
mod projecting;
mod races;
mod reading;
mod refusing;
mod replacing;
mod restarting;
mod sharing;
mod waiting;

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use futures::FutureExt as _;
use lucent_core::MemoryStore;
use lucent_testkit::conformance::{BEHAVIORS, Behavior, Gap, StoreFixture, async_trait};

use self::defect::{Defect, Mutant};

/// A defect, the behaviors that must reject it, and how to check a behavior on it.
struct Suspect {
    name: &'static str,
    rejected_by: &'static [&'static str],
    breaks: fn(&Behavior) -> bool,
}

/// Declares defects: unit structs that change some methods of a store.
macro_rules! defects {
    ($($(#[$doc:meta])* $name:ident rejected by $($behavior:literal),+ { $($change:item)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            struct $name;

            #[lucent_testkit::conformance::async_trait]
            impl $crate::conformance::mutants::Defect for $name {
                $($change)*
            }
        )*

        pub(super) fn suspects() -> Vec<$crate::conformance::mutants::Suspect> {
            vec![$($crate::conformance::mutants::Suspect {
                name: stringify!($name),
                rejected_by: &[$($behavior),+],
                breaks: $crate::conformance::mutants::breaks::<$crate::conformance::mutants::Mutated<$name>>,
            }),*]
        }
    };
}
use defects;

/// A fixture whose stores have a defect. They keep their data over a restart.
struct Mutated<D>(Mutant<D>);

#[async_trait]
impl<D: Defect> StoreFixture for Mutated<D> {
    type Store = Mutant<D>;

    async fn create() -> Self {
        Self(MemoryStore::new().into())
    }

    fn store(&self) -> Mutant<D> {
        self.0.clone()
    }

    async fn reopen(&mut self) {
        self.0 = self.0.reopened().await;
    }

    async fn second(&self) -> Option<Mutant<D>> {
        Some(self.0.second())
    }

    fn payload_limit() -> usize {
        defect::PAYLOAD_LIMIT
    }

    fn gaps() -> &'static [Gap] {
        D::gaps()
    }
}

/// Whether a store of this fixture breaks a promise. Its clock runs ahead while nothing happens, so
/// that waiting in vain is over at once.
fn breaks<F: StoreFixture>(behavior: &Behavior) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    let checked = AssertUnwindSafe(behavior.check_on::<F>()).catch_unwind();
    runtime.block_on(checked).is_err()
}

fn suspects() -> Vec<Suspect> {
    [
        appending::suspects(),
        conditions::suspects(),
        contents::suspects(),
        folding::suspects(),
        inline::suspects(),
        ordering::suspects(),
        parking::suspects(),
        joining::suspects(),
        leasing::suspects(),
        projecting::suspects(),
        races::suspects(),
        reading::suspects(),
        refusing::suspects(),
        replacing::suspects(),
        restarting::suspects(),
        sharing::suspects(),
        waiting::suspects(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn full_name(behavior: &Behavior) -> String {
    format!("{}::{}", behavior.theme, behavior.name)
}

#[test]
fn every_mutant_is_rejected_by_the_behaviors_that_name_its_defect() {
    let mut survivors = Vec::new();
    for Suspect { name, rejected_by, breaks } in suspects() {
        for rule in rejected_by {
            let behavior = BEHAVIORS.iter().find(|behavior| full_name(behavior) == *rule);
            let behavior = behavior.unwrap_or_else(|| panic!("there is no behavior {rule}"));
            if !breaks(behavior) {
                survivors.push(format!("{rule} lets pass that a store {name}"));
            }
        }
    }
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn every_behavior_rejects_a_mutant() {
    let rejecting: BTreeSet<_> =
        suspects().into_iter().flat_map(|suspect| suspect.rejected_by).copied().collect();
    let idle: Vec<_> =
        BEHAVIORS.iter().map(full_name).filter(|name| !rejecting.contains(&**name)).collect();
    assert!(idle.is_empty(), "write a mutant that each of these rejects: {idle:#?}");
}

#[test]
fn a_store_without_a_defect_is_not_rejected() {
    #[derive(Debug)]
    struct Sound;
    impl Defect for Sound {}
    for behavior in BEHAVIORS {
        assert!(!breaks::<Mutated<Sound>>(behavior), "{}", full_name(behavior));
    }
}
