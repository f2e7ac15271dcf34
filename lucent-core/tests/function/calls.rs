//! Calling functions.

use std::time::Duration;

use lucent_core::{
    ManualClock, Metadata, Uuid,
    function::{CallError, Reason, Refusal, Rollout, Scope, Share},
    prelude::*,
};

use super::domain::*;

#[tokio::test]
async fn a_call_runs_the_newest_edition_and_says_so() {
    let functions = functions(&MemoryStore::new()).await;
    let called = functions.call::<fee>(CallContext::nobody(), &trade("a", 1_000)).unwrap();
    assert_eq!((called.value, called.ran.function, called.ran.edition), (5, "fee", V2));
    assert_eq!((called.ran.reason, called.ran.bucket), (Reason::Current, None));
}

#[tokio::test]
async fn an_edition_can_be_asked_for() {
    let functions = functions(&MemoryStore::new()).await;
    let ask = |edition| {
        let context = CallContext::nobody().pinned(edition);
        functions.call::<fee>(context, &trade("a", 1_000)).map(|called| called.value)
    };
    assert_eq!(ask(V1), Ok(10));
    assert_eq!(ask(V2.variant("b")), Ok(4));
    let missing = ask(9.into()).unwrap_err();
    assert_eq!(
        missing,
        CallError::Refused(Refusal::NotHere { function: "fee", edition: 9.into() })
    );
    assert!(missing.to_string().contains("`fee` v9 is not a part of this program"));
}

#[tokio::test]
async fn an_error_a_panic_and_a_missed_deadline_are_the_callers_to_see() {
    let clock = ManualClock::default();
    CLOCK.with(|place| place.set(Some(clock.clone())));
    let functions = FunctionManager::new(registry())
        .store(MemoryStore::new())
        .clock(clock)
        .start()
        .await
        .unwrap();
    let price = |price| {
        functions.call::<fee>(CallContext::nobody(), &trade("a", price)).map(|called| called.value)
    };
    assert_eq!(price(0), Err(CallError::Failed(NoPrice(0))));
    let message = "it panicked: thirteen".to_owned();
    assert_eq!(price(13), Err(CallError::Panicked { function: "fee", message }));
    assert_eq!(price(5_000), Ok(25));
    let (took, deadline) = (Duration::from_millis(51), Duration::from_millis(50));
    assert_eq!(price(5_100), Err(CallError::Late { function: "fee", took, deadline }));
    assert_eq!(price(1_000), Ok(5));
}

#[tokio::test]
async fn an_edition_that_keeps_failing_rests_and_its_fallback_runs() {
    let clock = ManualClock::default();
    let functions = FunctionManager::new(registry())
        .store(MemoryStore::new())
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let call = |price| functions.call::<fee>(CallContext::nobody(), &trade("a", price));
    for _ in 0..5 {
        assert!(matches!(call(13), Err(CallError::Panicked { .. })));
    }
    let instead = call(1_000).unwrap();
    assert_eq!((instead.value, instead.ran.edition), (10, V1));
    assert_eq!(instead.ran.reason, Reason::Fallback { from: V2 });
    clock.advance(Duration::from_secs(15));
    assert_eq!(call(1_000).unwrap().ran.edition, V2);
}

#[tokio::test]
async fn a_function_without_another_edition_to_run_is_refused_while_it_rests() {
    let functions = functions(&MemoryStore::new()).await;
    let at = in_("CH");
    let call = |percent| {
        let context = CallContext::from(&at).pinned(7);
        functions.call::<rebate>(context, (&trade("a", 100), percent))
    };
    assert_eq!(call(10).unwrap().value, 10);
    for _ in 0..5 {
        assert!(matches!(call(0), Err(CallError::Panicked { .. })));
    }
    let Err(CallError::Refused(refusal)) = call(10) else { panic!("it ran") };
    assert_eq!(
        refusal.to_string(),
        "`rebate-of-desk` v7 cannot run: it failed several times in a row and rests, and nothing can run in its place"
    );
}

#[tokio::test]
async fn an_unknown_jurisdiction_is_denied() {
    let functions = functions(&MemoryStore::new()).await;
    let call = |context: &BusinessContext| {
        functions.call::<rebate>(context, (&trade("a", 100), 10)).map(|called| called.value)
    };
    let refused = |context: BusinessContext| match call(&context) {
        Err(CallError::Refused(refusal)) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    // The newest edition is the seventh.
    assert_eq!(call(&in_("CH")), Ok(10));
    assert_eq!(call(&in_("US-CA")), Ok(10));
    assert_eq!(
        refused(in_("US-NY")),
        "`rebate-of-desk` does not run in US-NY: its declaration denies it there"
    );
    assert!(refused(in_("KP-01")).starts_with("`rebate-of-desk` does not run in KP-01"));
    let unknown = "`rebate-of-desk` does not run in US-NY, and the call's jurisdiction is";
    assert!(refused(in_("US")).starts_with(&format!("{unknown} US: set the field")));
    assert!(refused(in_("")).starts_with(unknown));
    assert!(refused(BusinessContext::default()).starts_with(&format!("{unknown} unknown")));
}

#[tokio::test]
async fn what_ran_is_recorded_and_replayed_whatever_the_table_says_later() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    let everybody = Rollout::of(V1, Share::ALL).stick_by("user");
    control.roll_out(everybody, "a test").await.unwrap();
    let first = functions.call::<fee>(&user("u"), &trade("a", 1_000)).unwrap();
    assert_eq!((first.value, &first.ran.reason), (10, &Reason::Included));

    let noted = first.ran.noted_in(user("u"));
    let recorded = Metadata::from_parts(Uuid::nil(), Uuid::nil(), noted.clone());
    control.stop_rollout("the test is over").await.unwrap();
    control.disable(Scope::Everywhere, "a holiday").await.unwrap();
    let again = functions.call::<fee>(CallContext::replay(&recorded), &trade("a", 1_000)).unwrap();
    assert_eq!((again.value, again.ran.reason), (10, Reason::Recorded));
    // The note alone changes nothing: only a replay uses it.
    assert!(matches!(
        functions.call::<fee>(&noted, &trade("a", 1_000)),
        Err(CallError::Refused(Refusal::Disabled { .. }))
    ));
}

#[tokio::test]
async fn a_replay_of_something_that_is_not_recorded_is_a_call_like_any_other() {
    let functions = functions(&MemoryStore::new()).await;
    let recorded = Metadata::from_parts(Uuid::nil(), Uuid::nil(), user("u"));
    let called = functions.call::<fee>(CallContext::replay(&recorded), &trade("a", 1_000)).unwrap();
    assert_eq!(called.ran.reason, Reason::Current);
}

mod empty {
    /// Includes everything and lists nothing.
    pub struct Empty;

    impl lucent_core::registry::Registry for Empty {
        fn groups(&self) -> Vec<&'static [lucent_core::registry::Function]> {
            Vec::new()
        }
    }

    impl lucent_core::registry::Includes<super::fee> for Empty {}
}

#[tokio::test]
async fn a_registry_that_lies_is_found_out_at_the_call() {
    let functions =
        FunctionManager::new(empty::Empty).store(MemoryStore::new()).start().await.unwrap();
    let refused = functions.call::<fee>(CallContext::nobody(), &trade("a", 1)).unwrap_err();
    assert_eq!(refused, CallError::Refused(Refusal::NotManaged { function: "fee" }));
}
