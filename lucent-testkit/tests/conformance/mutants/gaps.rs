//! Stores that lack something and say so: the suite takes them if they refuse it, and only then.

use lucent_core::{
    MemoryStore,
    store::{Append, AppendError, Appended, EventStore as _, StoreError},
};
use lucent_testkit::conformance::{BEHAVIORS, Behavior, Gap, StoreFixture, async_trait};

use crate::conformance::mutants::{
    Mutated, breaks,
    defect::{Defect, PAYLOAD_LIMIT},
    full_name,
};

/// Declares stores that lack something: they refuse it as invalid, or tell callers to try again.
macro_rules! modest_stores {
    ($($modest:ident and $vague:ident: [$($gap:ident),+] if $is_beyond:expr;)*) => {$(
        #[derive(Debug)]
        struct $modest;

        #[async_trait]
        impl Defect for $modest {
            async fn append(store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
                append.validate(PAYLOAD_LIMIT)?;
                let is_beyond: fn(&Append) -> bool = $is_beyond;
                if is_beyond(&append) {
                    let reason = "this store does not do that".to_owned();
                    return Err(AppendError::Invalid { reason });
                }
                store.append(append).await
            }

            fn gaps() -> &'static [Gap] {
                &[$(Gap::$gap),+]
            }
        }

        #[derive(Debug)]
        struct $vague;

        #[async_trait]
        impl Defect for $vague {
            async fn append(store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
                let is_beyond: fn(&Append) -> bool = $is_beyond;
                if is_beyond(&append) {
                    return Err(StoreError::Busy { reason: "not now".to_owned() }.into());
                }
                $modest::append(store, append).await
            }

            fn gaps() -> &'static [Gap] {
                $modest::gaps()
            }
        }
    )*};
}

modest_stores! {
    Unconditional and UnconditionalNow: [NoConditions] if |append| append.condition.is_some();
    Bare and BareNow: [NoInlineProjections] if |append| !append.inline.as_slice().is_empty();
    OneByOne and OneByOneNow: [SingleStreamAppends] if |append| append.writes.len() > 1;
    Modest and ModestNow: [NoConditions, NoInlineProjections, SingleStreamAppends] if |append| {
        append.condition.is_some() || !append.inline.as_slice().is_empty() || append.writes.len() > 1
    };
}

/// One instance, which forgets.
struct Lonely(MemoryStore);

#[async_trait]
impl StoreFixture for Lonely {
    type Store = MemoryStore;

    async fn create() -> Self {
        Self(MemoryStore::new())
    }

    fn store(&self) -> MemoryStore {
        self.0.clone()
    }

    async fn reopen(&mut self) {
        self.0 = MemoryStore::new();
    }

    async fn second(&self) -> Option<MemoryStore> {
        None
    }

    fn payload_limit() -> usize {
        MemoryStore::PAYLOAD_LIMIT
    }

    fn gaps() -> &'static [Gap] {
        &[Gap::SingleInstance, Gap::Volatile]
    }
}

fn rejecting<F: StoreFixture>() -> Vec<String> {
    BEHAVIORS.iter().filter(|behavior| breaks::<F>(behavior)).map(full_name).collect()
}

#[test]
fn a_store_that_refuses_what_it_lacks_and_says_so_is_not_rejected() {
    let nobody = Vec::<String>::new();
    assert_eq!(rejecting::<Mutated<Unconditional>>(), nobody);
    assert_eq!(rejecting::<Mutated<Bare>>(), nobody);
    assert_eq!(rejecting::<Mutated<OneByOne>>(), nobody);
    assert_eq!(rejecting::<Mutated<Modest>>(), nobody);
    assert_eq!(rejecting::<Lonely>(), nobody);
}

#[test]
fn what_a_store_lacks_has_to_be_refused_as_invalid() {
    check_excused::<UnconditionalNow>();
    check_excused::<BareNow>();
    check_excused::<OneByOneNow>();
    check_excused::<ModestNow>();
}

/// Every behavior that the gaps of a store excuse rejects it.
fn check_excused<D: Defect>() {
    let excused =
        |behavior: &&Behavior| behavior.excused_by.is_some_and(|gap| D::gaps().contains(&gap));
    let lenient: Vec<_> = BEHAVIORS
        .iter()
        .filter(excused)
        .filter(|behavior| !breaks::<Mutated<D>>(behavior))
        .map(full_name)
        .collect();
    assert!(lenient.is_empty(), "{lenient:?}");
}
