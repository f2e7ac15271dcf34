//! Switching functions.

use std::time::Duration;

use lucent_core::{
    ManualClock,
    function::{
        CallError, EditionId, Guard, OrderError, Ran, Reason, Refusal, Rollout, Scope,
        ShadowReport, Share,
    },
    prelude::*,
    store::EventQuery,
};

use super::domain::*;

fn ran(functions: &Functions, context: &BusinessContext) -> Result<Ran, Refusal> {
    match functions.call::<fee>(context, &trade("a", 1_000)) {
        Ok(called) => Ok(called.ran),
        Err(CallError::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_function_is_switched_off_and_on() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    control.disable(Scope::Everywhere, "order 17").await.unwrap();
    let refused = ran(&functions, &user("u")).unwrap_err();
    assert_eq!(refused.to_string(), "`fee` is disabled: order 17");
    control.enable(Scope::Everywhere, "order 18").await.unwrap();
    assert_eq!(ran(&functions, &user("u")).unwrap().edition, V2);
}

#[tokio::test]
async fn a_function_is_switched_off_in_a_jurisdiction_and_for_a_tenant() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    control.disable(Scope::jurisdiction("US"), "order 17").await.unwrap();
    control.disable(Scope::tenant("acme"), "unpaid").await.unwrap();
    assert!(ran(&functions, &in_("CH")).is_ok());
    assert!(matches!(ran(&functions, &in_("US-NY")), Err(Refusal::Jurisdiction { .. })));
    assert!(matches!(ran(&functions, &user("u")), Err(Refusal::UnknownJurisdiction { .. })));
    let acme = in_("CH").with("tenant", "acme");
    assert_eq!(
        ran(&functions, &acme).unwrap_err().to_string(),
        "`fee` is disabled for tenant `acme`: unpaid"
    );
}

#[tokio::test]
async fn an_order_that_changes_nothing_writes_nothing() {
    let store = MemoryStore::new();
    let functions = functions(&store).await;
    let control = functions.control::<fee>("ann");
    let first = control.disable(Scope::Everywhere, "order 17").await.unwrap();
    let again = control.disable(Scope::Everywhere, "order 17").await.unwrap();
    assert_eq!(first, again);
    assert!(control.promote(9, "a slip").await.is_err());
}

#[tokio::test]
async fn an_order_about_an_edition_that_nobody_has_is_refused() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    let refused = control.promote(9, "a slip").await.unwrap_err();
    assert_eq!(refused.to_string(), "`fee` has no edition v9; it has v1, v2, v2-b");
    let half = Rollout::between([(V1, Share::percent(50))], Share::ALL);
    let refused = control.roll_out(half, "a slip").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the rollout of `fee` cannot be: the shares of its editions do not add up to 100%"
    );
    assert!(matches!(
        functions.control_of("feee", "ann"),
        Err(OrderError::UnknownFunction { name }) if name == "feee"
    ));
}

#[tokio::test]
async fn raising_a_share_adds_keys_and_moves_nobody() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control_of("fee", "ann").unwrap();
    let mut inside: Vec<usize> = Vec::new();
    for percent in [0, 5, 30, 100] {
        let rollout = Rollout::of(V1, Share::percent(percent)).stick_by("user");
        control.roll_out(rollout, "step by step").await.unwrap();
        let now: Vec<usize> = (0..500)
            .filter(|index| {
                ran(&functions, &user(&format!("u{index}"))).unwrap().reason == Reason::Included
            })
            .collect();
        assert!(inside.iter().all(|user| now.contains(user)), "somebody fell out at {percent}%");
        assert!(now.len() >= inside.len());
        inside = now;
    }
    assert_eq!(inside.len(), 500);
    control.promote(V1, "it is good").await.unwrap();
    assert_eq!(ran(&functions, &user("u1")).unwrap().reason, Reason::Current);
    assert_eq!(ran(&functions, &user("u1")).unwrap().edition, V1);
}

#[tokio::test]
async fn a_rollout_sticks_by_the_shard_key_unless_told_otherwise() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    control.roll_out(Rollout::of(V1, Share::percent(50)), "by pair").await.unwrap();
    let of_pair =
        |pair: &str| functions.call::<fee>(CallContext::nobody(), &trade(pair, 1_000)).unwrap().ran;
    let editions: std::collections::HashSet<EditionId> =
        (0..40).map(|index| of_pair(&format!("pair {index}")).edition).collect();
    assert_eq!(editions.len(), 2);
    assert_eq!(of_pair("BTC-EUR"), of_pair("BTC-EUR"));

    let by_user = Rollout::of(V1, Share::percent(50)).stick_by("user");
    control.roll_out(by_user, "by user").await.unwrap();
    let nobody = of_pair("BTC-EUR");
    assert_eq!((nobody.edition, nobody.reason), (V2, Reason::NoStickKey));
}

#[tokio::test]
async fn variants_are_compared_on_a_part_of_the_keys() {
    let functions = functions(&MemoryStore::new()).await;
    let arms = [(V2, Share::percent(50)), (V2.variant("b"), Share::percent(50))];
    let test = Rollout::between(arms, Share::percent(20)).stick_by("user");
    functions.control::<fee>("ann").roll_out(test, "a/b").await.unwrap();
    let mut counts = [0; 3];
    for index in 0..1_000 {
        let ran = ran(&functions, &user(&format!("u{index}"))).unwrap();
        let arm = match (ran.reason, ran.edition.variant_name()) {
            (Reason::NotIncluded, _) => 0,
            (Reason::Included, None) => 1,
            (Reason::Included, Some("b")) => 2,
            other => panic!("{other:?}"),
        };
        counts[arm] += 1;
    }
    assert!((750..850).contains(&counts[0]), "{counts:?}");
    assert!((70..130).contains(&counts[1]) && (70..130).contains(&counts[2]), "{counts:?}");
}

#[tokio::test]
async fn a_guard_takes_a_rollout_back_by_itself_and_for_everybody() {
    let store = MemoryStore::new();
    let (here, there) = (functions(&store).await, functions(&store).await);
    let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(4);
    let rollout = Rollout::of(V2, Share::ALL).stick_by("user").guard(guard);
    let control = here.control::<fee>("ann");
    control.promote(V1, "the old one").await.unwrap();
    control.roll_out(rollout, "the new one").await.unwrap();
    for _ in 0..4 {
        assert!(matches!(
            here.call::<fee>(&user("u"), &trade("a", 0)),
            Err(CallError::Failed(NoPrice(0)))
        ));
    }
    // In this process at once, in the others when the log says so.
    assert_eq!(ran(&here, &user("u")).unwrap().edition, V1);
    let types = EventQuery::types(["lucent.RolloutTakenBack"]);
    let mut log = lucent_core::Subscription::new(
        std::sync::Arc::new(store.clone()),
        types.into(),
        Position::ZERO,
    );
    let taken_back = log.next().await.unwrap();
    assert!(String::from_utf8_lossy(&taken_back.payload.data).contains(r#""failed":4,"calls":4"#));
    there.control::<fee>("bob").stop_rollout("already stopped").await.unwrap();
    let there = ran(&there, &user("u")).unwrap();
    assert_eq!((there.edition, there.reason), (V1, Reason::Current));
}

#[tokio::test]
async fn a_guard_takes_a_rollout_back_whose_slowest_calls_are_too_slow() {
    let clock = ManualClock::default();
    CLOCK.with(|place| place.set(Some(clock.clone())));
    let manager = FunctionManager::new(registry()).store(MemoryStore::new());
    let functions = manager.clock(clock).start().await.unwrap();
    let guard = Guard::default().p99_up_to(Duration::from_millis(40)).after_calls(200);
    let rollout = Rollout::of(V2, Share::ALL).stick_by("user").guard(guard);
    let control = functions.control::<fee>("ann");
    control.promote(V1, "the old one").await.unwrap();
    control.roll_out(rollout, "the new one").await.unwrap();
    let takes = |milliseconds: u64| {
        let price = std::cmp::max(1_000, milliseconds * 100);
        functions.call::<fee>(&user("u"), &trade("a", price)).unwrap().ran.edition
    };
    // Two of two hundred may take longer; the third is one too many.
    assert!((0..198).all(|_| takes(0) == V2));
    assert_eq!([takes(50), takes(50), takes(0)], [V2; 3]);
    assert_eq!(takes(50), V2);
    assert_eq!(takes(0), V1);
}

#[tokio::test]
async fn a_shadow_runs_beside_and_only_differences_are_recorded() {
    let store = MemoryStore::new();
    let functions = functions(&store).await;
    let control = functions.control::<fee>("ann");
    control.shadow(V1, Share::ALL, "before it is promoted").await.unwrap();
    let call = |price| functions.call::<fee>(CallContext::nobody(), &trade("a", price)).unwrap();
    assert_eq!(call(1).value, 0);
    assert_eq!(call(1_000).value, 5);
    let types = EventQuery::types(["lucent.ShadowDiffered"]);
    let mut log = lucent_core::Subscription::new(
        std::sync::Arc::new(store.clone()),
        types.into(),
        Position::ZERO,
    );
    let differed = log.next().await.unwrap();
    let differed = lucent_core::function::ShadowDiffered::decode(&differed).unwrap().unwrap();
    assert_eq!((differed.edition, differed.shadow), (V2, V1));
    assert_eq!((differed.used, differed.found), (Ok(5.into()), Ok(10.into())));
    let report = functions.shadow_report::<fee>().unwrap();
    assert_eq!(report, ShadowReport { compared: 2, differed: 1, unrecorded: 0 });
    control.stop_shadow("enough").await.unwrap();
    call(1_000);
    assert_eq!(functions.shadow_report::<fee>().unwrap().compared, 2);
}

#[tokio::test]
async fn a_quarantined_edition_gives_way_until_it_is_released() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    control.quarantine(V2, "it is odd").await.unwrap();
    let instead = ran(&functions, &user("u")).unwrap();
    assert_eq!((instead.edition, instead.reason), (V1, Reason::Fallback { from: V2 }));
    control.quarantine(V1, "it is odd too").await.unwrap();
    assert!(matches!(ran(&functions, &user("u")), Err(Refusal::Unavailable { .. })));
    control.release(V2, "it is not").await.unwrap();
    assert_eq!(ran(&functions, &user("u")).unwrap().reason, Reason::Current);
}

#[tokio::test]
async fn what_was_ordered_holds_after_a_restart_and_in_other_processes() {
    let store = MemoryStore::new();
    let first = functions(&store).await;
    first.control::<fee>("ann").promote(V1, "the old one").await.unwrap();
    first.control::<rebate>("ann").disable(Scope::Everywhere, "a holiday").await.unwrap();
    first.shutdown().await;
    let second = functions(&store).await;
    assert_eq!(ran(&second, &user("u")).unwrap().edition, V1);
    let refused = second.call::<rebate>(&in_("CH"), (&trade("a", 1), 1));
    assert!(matches!(refused, Err(CallError::Refused(Refusal::Disabled { .. }))));
}

#[tokio::test]
async fn explain_says_why_and_runs_nothing() {
    let functions = functions(&MemoryStore::new()).await;
    let control = functions.control::<fee>("ann");
    let explain = |context: &BusinessContext| {
        functions.explain::<fee>(context, &&trade("a", 1_000)).unwrap().to_string()
    };
    assert_eq!(explain(&user("user-1")), "fee v2: it is the current edition");
    let rollout = |percent| Rollout::of(V1, Share::percent(percent)).salt("v3").stick_by("user");
    control.roll_out(rollout(20), "a few").await.unwrap();
    assert_eq!(explain(&user("user-1")), "fee v2: bucket 2768 is outside 0..2000 of 10000");
    control.roll_out(rollout(30), "more").await.unwrap();
    assert_eq!(explain(&user("user-1")), "fee v1: bucket 2768 is inside 0..3000 of 10000");
    assert_eq!(
        explain(&in_("CH")),
        "fee v2: there is a rollout, and the call has no key that it sticks by"
    );
    control.shadow(V2.variant("b"), Share::ALL, "a look").await.unwrap();
    assert!(explain(&user("user-1")).ends_with("of 10000; v2-b runs beside it"));
    control.disable(Scope::Everywhere, "order 17").await.unwrap();
    assert_eq!(explain(&user("user-1")), "refused: `fee` is disabled: order 17");
    assert_eq!(functions.shadow_report::<fee>().unwrap().compared, 0);
}

#[tokio::test]
async fn who_ordered_what_and_why_is_in_the_log() {
    let store = MemoryStore::new();
    let functions = functions(&store).await;
    functions.control::<fee>("ann").disable(Scope::tenant("acme"), "unpaid").await.unwrap();
    let stream = StreamId::new("function-fee").unwrap();
    let page = lucent_core::store::EventStore::read_stream(
        &store,
        lucent_core::store::StreamRead::forward(stream),
    );
    let events = page.await.unwrap().events;
    let types: Vec<&str> = events.iter().map(|event| &*event.event_type).collect();
    assert_eq!(types, ["lucent.FunctionRegistered", "lucent.FunctionDisabled"]);
    assert_eq!(
        String::from_utf8_lossy(&events[1].payload.data),
        r#"{"scope":{"Tenant":"acme"},"said":{"by":"ann","because":"unpaid"}}"#
    );
    assert_eq!(events[1].metadata.context().field("user"), Some("ann"));
}
