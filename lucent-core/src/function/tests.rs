//! Policies and routes, without a runtime, a store or a clock.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    event::BusinessContext,
    function::{
        CallContext, EditionId, FunctionEvent, Guard, GuardFault, Reason, Refusal, Rollout, Said,
        Scope, Share, Terms,
        policy::{Order, Policy},
        route::Route,
        trial::Trial,
    },
    position::{Position, Version},
};

const V1: EditionId = EditionId::version(1);
const V2: EditionId = EditionId::version(2);
const V3: EditionId = EditionId::version(3);

/// A function with three editions, of which the third falls back to the first.
fn editions() -> Vec<(EditionId, Terms)> {
    let falling = Terms { fallback: Some(1), ..Terms::default() };
    vec![(V1, Terms::default()), (V2, Terms::default()), (V3, falling)]
}

/// Carries orders out, one after another.
fn after(orders: impl IntoIterator<Item = Order>) -> Policy {
    let known = editions().into_iter().map(|(id, _)| id).collect();
    let mut policy = Policy::default();
    for order in [Order::Register(known)].into_iter().chain(orders) {
        let said = Said { by: "ann".into(), because: "a test".into() };
        if let Some(event) = policy.decide("fee", order, said).unwrap() {
            let (version, epoch) = (policy.version.next(), Position::new(policy.epoch.get() + 1));
            policy.apply(&event, version, epoch);
        }
    }
    policy
}

fn route(policy: &Policy) -> Route {
    policy.route("fee", &[], &editions(), |rollout, set_at| {
        Arc::new(Trial::new(set_at, rollout.guard.clone()))
    })
}

fn user(name: &str) -> BusinessContext {
    BusinessContext::default().with("user", name)
}

/// What a call gets while these editions cannot run.
fn choose(
    route: &Route,
    context: &CallContext<'_>,
    resting: &[usize],
) -> Result<(EditionId, Reason), Refusal> {
    let choice = route.choose(context, || None, |edition| !resting.contains(&edition))?;
    Ok((route.editions[choice.edition].id.clone(), choice.reason))
}

#[test]
fn the_newest_of_the_first_editions_is_current_until_another_is_promoted() {
    let nobody = CallContext::nobody();
    let mut policy = after([]);
    assert_eq!(choose(&route(&policy), &nobody, &[]), Ok((V3, Reason::Current)));
    // A newer one that comes later waits.
    let event = FunctionEvent::FunctionRegistered { editions: vec![EditionId::version(4)] };
    policy.apply(&event, Version::new(2), Position::new(2));
    assert_eq!(choose(&route(&policy), &nobody, &[]), Ok((V3, Reason::Current)));
    let promoted = after([Order::Promote(V1)]);
    assert_eq!(choose(&route(&promoted), &nobody, &[]), Ok((V1, Reason::Current)));
}

#[test]
fn a_program_without_the_current_edition_runs_its_newest_one() {
    let mut policy = after([]);
    let event = FunctionEvent::EditionPromoted { edition: 9.into(), said: Said::default() };
    policy.apply(&event, Version::new(2), Position::new(2));
    let nobody = CallContext::nobody();
    assert_eq!(choose(&route(&policy), &nobody, &[]), Ok((V3, Reason::Current)));
}

#[test]
fn an_edition_that_cannot_run_gives_way_to_its_fallback_then_to_the_current_one() {
    let nobody = CallContext::nobody();
    let policy = after([]);
    let fallback = Reason::Fallback { from: V3 };
    assert_eq!(choose(&route(&policy), &nobody, &[2]), Ok((V1, fallback.clone())));
    assert!(matches!(
        choose(&route(&policy), &nobody, &[0, 2]),
        Err(Refusal::Unavailable { edition: V3, .. })
    ));
    let policy = after([
        Order::Promote(V2),
        Order::SetRollout(Rollout::of(V3, Share::ALL).stick_by("user")),
    ]);
    let context = user("u");
    let context = CallContext::from(&context);
    assert_eq!(choose(&route(&policy), &context, &[0, 2]), Ok((V2, fallback)));
}

#[test]
fn who_asks_for_an_edition_gets_that_one_or_nothing() {
    let pinned = CallContext::nobody().pinned(V2);
    assert_eq!(choose(&route(&after([])), &pinned, &[]), Ok((V2, Reason::Pinned)));
    assert!(matches!(
        choose(&route(&after([])), &pinned, &[1]),
        Err(Refusal::Unavailable { edition: V2, .. })
    ));
    let off = after([Order::Disable(Scope::Everywhere)]);
    assert!(matches!(choose(&route(&off), &pinned, &[]), Err(Refusal::Disabled { .. })));
}

#[test]
fn a_rollout_of_an_edition_that_the_program_lacks_leaves_the_current_one() {
    let mut policy = after([]);
    let rollout = Rollout::of(9, Share::ALL).stick_by("user");
    let event = FunctionEvent::RolloutSet { rollout, said: Said::default() };
    policy.apply(&event, Version::new(2), Position::new(2));
    let context = user("u");
    let got = choose(&route(&policy), &CallContext::from(&context), &[]);
    assert_eq!(got, Ok((V3, Reason::NotIncluded)));
}

#[test]
fn a_trial_that_is_over_routes_nobody() {
    let guard = Guard::default().errors_up_to(Share::NONE).after_calls(1);
    let rollout = Rollout::of(V1, Share::ALL).stick_by("user").guard(guard);
    let route = route(&after([Order::SetRollout(rollout)]));
    let context = user("u");
    let context = CallContext::from(&context);
    assert_eq!(choose(&route, &context, &[]), Ok((V1, Reason::Included)));
    assert!(route.rollout.as_ref().unwrap().trial.count(true, None).is_some());
    assert_eq!(choose(&route, &context, &[]), Ok((V3, Reason::Current)));
}

#[test]
fn a_guard_takes_only_the_rollout_back_that_it_looked_at() {
    let rollout = |percent| Order::SetRollout(Rollout::of(V1, Share::percent(percent)));
    let policy = after([rollout(5), rollout(10)]);
    let fault = GuardFault::Errors { failed: 1, calls: 1 };
    let decide = |set_at| {
        let order = Order::TakeBack(Position::new(set_at), fault.clone());
        policy.decide("fee", order, Said::default()).unwrap()
    };
    assert_eq!(decide(2), None);
    assert_eq!(decide(3), Some(FunctionEvent::RolloutTakenBack { fault: fault.clone() }));
}

#[test]
fn an_order_that_changes_nothing_is_no_event() {
    let orders = || {
        [
            Order::Disable(Scope::tenant("acme")),
            Order::Promote(V2),
            Order::SetRollout(Rollout::of(V1, Share::percent(5))),
            Order::StartShadow(V3, Share::ALL),
            Order::Quarantine(V1, "it is odd".into()),
        ]
    };
    let once = after(orders());
    let undone =
        [Order::Enable(Scope::Everywhere), Order::Release(V2), Order::Register(vec![V1, V2])];
    let settled = orders().into_iter().filter(|order| !matches!(order, Order::Promote(_)));
    for order in settled.chain(undone) {
        assert_eq!(once.decide("fee", order.clone(), Said::default()), Ok(None), "{order:?}");
    }
    // Promoting the current edition again ends the rollout.
    assert!(once.decide("fee", Order::Promote(V2), Said::default()).unwrap().is_some());
}

proptest! {
    #[test]
    fn raising_a_share_moves_nobody_else(
        keys in prop::collection::vec(".{0,24}", 1..40),
        low in 0..=10_000_u16,
        more in 0..=10_000_u16,
        arms in 1..=3_u8,
    ) {
        let high = low.saturating_add(more).min(10_000);
        let share = |points| Share::basis_points(points).unwrap();
        let rollout = |points| {
            let parts = [(V1, share(5_000)), (V2, share(3_000)), (V3, share(2_000))];
            let rollout = match arms {
                1 => Rollout::of(V1, share(points)),
                2 => Rollout::between([(V1, share(5_000)), (V2, share(5_000))], share(points)),
                _ => Rollout::between(parts, share(points)),
            };
            route(&after([Order::SetRollout(rollout.stick_by("user"))]))
        };
        let (before, after) = (rollout(low), rollout(high));
        for key in &keys {
            let context = user(key);
            let context = CallContext::from(&context);
            let (was, is) = (choose(&before, &context, &[]), choose(&after, &context, &[]));
            let (was, is) = (was.unwrap(), is.unwrap());
            match was.1 {
                // Who was in keeps the same edition.
                Reason::Included => prop_assert_eq!(was, is),
                // Who was not may come in; nobody leaves.
                _ => prop_assert_eq!(was.0, V3),
            }
        }
    }

    #[test]
    fn equal_calls_are_routed_equally(key in ".{0,24}", points in 0..=10_000_u16) {
        let rollout = Rollout::of(V1, Share::basis_points(points).unwrap()).stick_by("user");
        let policy = after([Order::SetRollout(rollout)]);
        let context = user(&key);
        let context = CallContext::from(&context);
        let first = choose(&route(&policy), &context, &[]);
        prop_assert_eq!(first, choose(&route(&policy), &context, &[]));
    }

    #[test]
    fn no_call_gets_an_edition_that_cannot_run(
        key in ".{0,8}",
        resting in prop::collection::hash_set(0..3_usize, 0..3),
        quarantined in prop::collection::hash_set(1..=3_u32, 0..3),
        off in any::<bool>(),
    ) {
        let mut orders = vec![Order::SetRollout(Rollout::of(V1, Share::percent(50)).stick_by("user"))];
        orders.extend(quarantined.iter().map(|&number| Order::Quarantine(number.into(), String::new())));
        orders.extend(off.then_some(Order::Disable(Scope::Everywhere)));
        let route = route(&after(orders));
        let context = user(&key);
        let resting: Vec<usize> = resting.into_iter().collect();
        if let Ok((edition, _)) = choose(&route, &CallContext::from(&context), &resting) {
            let index = usize::try_from(edition.number()).unwrap() - 1;
            prop_assert!(!off && !resting.contains(&index) && !quarantined.contains(&edition.number()));
        }
    }
}
