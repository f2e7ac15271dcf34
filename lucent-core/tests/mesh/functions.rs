//! Functions that nodes share: where they run, and that orders hold on all of them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use lucent_core::{
    Subscription,
    function::{
        CallError, DispatchError, Guard, OrderError, Reason, Refusal, Rollout, Scope, Share,
    },
    mesh::{MeshError, NodeId, Nowhere, RouteReason, Shard, TransportError},
    prelude::*,
    store::EventQuery,
};

use super::desk::*;

#[tokio::test]
async fn a_call_with_a_key_runs_on_the_keys_owner_from_wherever_it_comes() {
    let desk = Desk::of(&["a", "b", "c", "d", "e"]).await;
    for pair in ["BTC-EUR", "ETH-EUR", "XRP-USD"] {
        for node in &desk.nodes {
            let order = order(pair, 1_000);
            let called = node.dispatch::<fee>(nobody(), &order).await.unwrap();
            assert_eq!((called.value, called.ran.edition), (5, 2.into()));
            assert_eq!(called.node, Some(desk.owner(pair)));
            let route = node.destination::<fee>(nobody(), &&order).unwrap().unwrap().unwrap();
            assert_eq!(route.reason, RouteReason::Owner(Shard::of(pair)));
        }
    }
}

#[tokio::test]
async fn calls_without_a_key_spread_over_the_nodes() {
    let desk = Desk::of(&["a", "b", "c"]).await;
    let words = ["to".to_owned(), "be".to_owned()];
    let mut seen = BTreeSet::new();
    for node in &desk.nodes {
        for _ in 0..20 {
            let joined = node.dispatch::<join>(nobody(), (&words, "-", 2)).await.unwrap();
            assert_eq!(joined.value, "to--be");
            seen.insert(joined.node.unwrap());
        }
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_manager_without_a_node_runs_what_is_dispatched() {
    let functions =
        FunctionManager::new(registry()).store(MemoryStore::new()).start().await.unwrap();
    let called = functions.dispatch::<fee>(nobody(), &order("a", 1_000)).await.unwrap();
    assert_eq!((called.value, called.node), (5, None));
    assert_eq!(functions.destination::<fee>(nobody(), &&order("a", 1)).unwrap(), None);
}

#[tokio::test]
async fn what_cannot_travel_stays_and_what_has_a_key_as_well_is_refused() {
    let desk = Desk::of(&["a", "b"]).await;
    let called = desk.nodes[1].dispatch::<local>(nobody(), &Local(7)).await.unwrap();
    assert_eq!((called.value, called.node), (7, Some("b".into())));
    let input = Keyed { pair: "a".to_owned() };
    let refused = desk.nodes[1].dispatch::<keyed>(nobody(), &input).await.unwrap_err();
    assert!(matches!(refused, DispatchError::CannotTravel { function: "keyed" }), "{refused}");
    assert_eq!(desk.nodes[1].call::<keyed>(nobody(), &input).unwrap().value, 1);
}

#[tokio::test]
async fn a_node_with_too_little_memory_for_a_call_says_so() {
    let desk = Desk::of(&["a", "b"]).await;
    let node = &desk.nodes[0];
    let nowhere = node.dispatch::<large>(nobody(), &order("a", 1)).await.unwrap_err();
    assert!(matches!(nowhere, DispatchError::Mesh(MeshError::Nowhere(Nowhere::NoRoom { .. }))));
    let large = node.dispatch::<large_by_key>(nobody(), &order("a", 1)).await.unwrap_err();
    let too_large =
        TransportError::TooLarge { node: desk.owner("a"), needed: 2 << 30, has: 1 << 30 };
    assert_eq!(large.to_string(), too_large.to_string());
}

#[tokio::test]
async fn a_failure_is_an_error_of_the_call_here_and_names_the_node_elsewhere() {
    let desk = Desk::of(&["a", "b"]).await;
    let fail = async |key: &str, amount| {
        desk.nodes[0].dispatch::<fee>(nobody(), &order(key, amount)).await.unwrap_err()
    };
    let (here, there) = (desk.key_of("a"), desk.key_of("b"));
    assert!(matches!(fail(&here, 0).await, DispatchError::Call(CallError::Failed(Nothing))));
    assert_eq!(fail(&there, 0).await.to_string(), "on node b: nobody pays for nothing");
    assert_eq!(fail(&there, 13).await.to_string(), "on node b: `fee`: it panicked: thirteen");
}

#[tokio::test]
async fn the_context_the_wish_and_the_reason_travel_with_a_call() {
    let desk = Desk::of(&["a", "b"]).await;
    let (node, order) = (&desk.nodes[0], order(&desk.key_of("b"), 1_000));
    let control = node.control::<fee>("ann");
    control.roll_out(Rollout::of(1, Share::ALL).stick_by("user"), "to see").await.unwrap();
    let user = BusinessContext::default().with("user", "u").with("tenant", "acme");
    let called = node.dispatch::<fee>(&user, &order).await.unwrap();
    assert_eq!((called.value, called.ran.reason), (10, Reason::Included));
    assert_eq!(called.node, Some("b".into()));
    let pinned = node.dispatch::<fee>(CallContext::from(&user).pinned(2), &order).await.unwrap();
    assert_eq!((pinned.value, pinned.ran.reason), (5, Reason::Pinned));
    control.disable(Scope::tenant("acme"), "unpaid").await.unwrap();
    let refused = node.dispatch::<fee>(&user, &order).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Call(CallError::Refused(Refusal::Tenant { .. }))));
    let repeated = CallContext::from(&user).repeating(2);
    let repeated = node.dispatch::<fee>(repeated, &order).await.unwrap();
    assert_eq!((repeated.value, repeated.ran.reason), (5, Reason::Recorded));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_runs_a_call_after_the_function_was_disabled() {
    let desk = Desk::of(&["a", "b", "c", "d", "e"]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers = desk.nodes.iter().cloned().map(|node| {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut refused = 0_u64;
            while !stop.load(Ordering::SeqCst) {
                refused +=
                    u64::from(node.dispatch::<counted>(nobody(), &order("a", 1)).await.is_err());
                refused += u64::from(node.call::<counted>(nobody(), &order("a", 1)).is_err());
                tokio::task::yield_now().await;
            }
            refused
        })
    });
    let callers: Vec<_> = callers.collect();
    while CALLS.load(Ordering::SeqCst) < 1_000 {
        tokio::task::yield_now().await;
    }
    let control = desk.nodes[0].control::<counted>("ann");
    control.disable(Scope::Everywhere, "order 17").await.unwrap();
    let ran = CALLS.load(Ordering::SeqCst);
    for node in &desk.nodes {
        assert!(node.call::<counted>(nobody(), &order("a", 1)).is_err());
        assert!(node.dispatch::<counted>(nobody(), &order("a", 1)).await.is_err());
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(CALLS.load(Ordering::SeqCst), ran);
}

#[tokio::test(start_paused = true)]
async fn an_order_waits_for_a_call_that_another_node_still_runs_and_names_that_node() {
    let desk = Desk::of(&["a", "b"]).await;
    let (begun, has_begun) = mpsc::channel();
    let (go, go_on) = mpsc::channel();
    *GATE.lock().unwrap() = Some(Gate { begun, go_on });
    let node = desk.nodes[1].clone();
    let call = std::thread::spawn(move || node.call::<held>(nobody(), &order("a", 1)).is_ok());
    has_begun.recv().unwrap();
    let control = desk.nodes[0].control::<held>("ann");
    let unconfirmed = control.disable(Scope::Everywhere, "order 17").await.unwrap_err();
    let OrderError::NotConfirmed { nodes, .. } = unconfirmed else { panic!("{unconfirmed}") };
    assert_eq!(nodes, [NodeId::from("b")]);
    go.send(()).unwrap();
    assert!(call.join().unwrap());
    control.disable(Scope::Everywhere, "order 17").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_is_named_until_it_counts_as_gone_and_then_others_take_its_shards() {
    let mut desk = Desk::of(&["a", "b", "c"]).await;
    let key = desk.key_of("c");
    drop(desk.nodes.pop());
    let node = &desk.nodes[0];
    // It dies once its tasks have ended.
    let unreached = loop {
        match node.dispatch::<fee>(nobody(), &order(&key, 1)).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(
        unreached,
        DispatchError::Mesh(MeshError::Node(TransportError::Unreachable { .. }))
    ));
    let control = node.control::<fee>("ann");
    let unconfirmed = control.promote(1, "order 17").await.unwrap_err();
    assert!(unconfirmed.to_string().ends_with("that they obey: c"), "{unconfirmed}");
    desk.pass().await;
    desk.mesh.settle().await;
    control.promote(1, "order 17").await.unwrap();
    let called = node.dispatch::<fee>(nobody(), &order(&key, 1_000)).await.unwrap();
    assert_eq!((called.value, called.node), (10, Some(desk.owner(&key))));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_cut_off_runs_nothing_until_it_knows_what_was_ordered_meanwhile() {
    let desk = Desk::of(&["a", "b", "c"]).await;
    let (node, cut) = (&desk.nodes[0], &desk.nodes[2]);
    let call = || cut.call::<fee>(nobody(), &order("a", 1_000));
    desk.mesh.cut(&"c".into());
    desk.pass().await;
    assert!(matches!(call(), Err(CallError::Refused(Refusal::Alone { .. }))));
    let repeated = cut.call::<fee>(nobody().repeating(1), &order("a", 1_000)).unwrap();
    assert_eq!(repeated.value, 10);
    // It counts as gone, and it has stopped: the others need not wait for it.
    node.control::<fee>("ann").disable(Scope::Everywhere, "order 17").await.unwrap();
    desk.mesh.mend(&"c".into());
    desk.mesh.beat().await;
    while let Err(CallError::Refused(Refusal::Alone { .. })) = call() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(call(), Err(CallError::Refused(Refusal::Disabled { .. }))));
}

#[tokio::test]
async fn a_node_that_starts_knows_what_was_ordered_before_its_first_call() {
    let desk = Desk::of(&["a"]).await;
    desk.nodes[0].control::<fee>("ann").disable(Scope::Everywhere, "order 17").await.unwrap();
    let late = desk.start("b").await.unwrap();
    let refused = late.call::<fee>(nobody(), &order("a", 1)).unwrap_err();
    assert!(matches!(refused, CallError::Refused(Refusal::Disabled { .. })), "{refused}");
    desk.nodes[0].control::<fee>("ann").enable(Scope::Everywhere, "order 18").await.unwrap();
    late.call::<fee>(nobody(), &order("a", 1)).unwrap();
}

#[tokio::test]
async fn a_node_that_starts_without_reaching_the_others_runs_nothing() {
    let desk = Desk::of(&["a"]).await;
    desk.mesh.cut(&"b".into());
    let alone = desk.start("b").await.unwrap();
    let refused = alone.call::<fee>(nobody(), &order("a", 1)).unwrap_err();
    assert!(matches!(refused, CallError::Refused(Refusal::Alone { .. })), "{refused}");
}

#[tokio::test]
async fn a_node_that_drains_gives_its_shards_up_and_obeys_on() {
    let desk = Desk::of(&["a", "b", "c"]).await;
    let key = desk.key_of("c");
    desk.nodes[2].node().unwrap().drain();
    desk.mesh.beat().await;
    desk.mesh.settle().await;
    assert_ne!(desk.owner(&key).as_str(), "c");
    for node in &desk.nodes {
        let called = node.dispatch::<fee>(nobody(), &order(&key, 1_000)).await.unwrap();
        assert_eq!(called.node, Some(desk.owner(&key)));
        for _ in 0..20 {
            let called = node.dispatch::<join>(nobody(), (&[], "", 1)).await.unwrap();
            assert_ne!(called.node, Some("c".into()));
        }
    }
    desk.nodes[0].control::<fee>("ann").disable(Scope::Everywhere, "order 17").await.unwrap();
    let refused = desk.nodes[2].call::<fee>(nobody(), &order("a", 1)).unwrap_err();
    assert!(matches!(refused, CallError::Refused(Refusal::Disabled { .. })));
}

#[tokio::test]
async fn a_manager_that_was_shut_down_runs_nothing_and_holds_no_order_up() {
    let desk = Desk::of(&["a", "b"]).await;
    desk.nodes[1].shutdown().await;
    desk.nodes[0].control::<fee>("ann").promote(1, "order 17").await.unwrap();
    let refused = desk.nodes[1].call::<fee>(nobody(), &order("a", 1)).unwrap_err();
    assert!(matches!(refused, CallError::Refused(Refusal::Alone { .. })), "{refused}");
}

#[tokio::test]
async fn a_guard_judges_the_calls_of_all_nodes_together() {
    let desk = Desk::of(&["a", "b", "c"]).await;
    let control = desk.nodes[0].control::<fee>("ann");
    let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(30);
    let rollout = Rollout::of(2, Share::ALL).stick_by("user").guard(guard);
    control.promote(1, "the old one").await.unwrap();
    control.roll_out(rollout, "to see").await.unwrap();
    let user = BusinessContext::default().with("user", "u");
    let call = |node: &Functions, amount| node.call::<fee>(&user, &order("a", amount));
    // Twelve on each node, of which three fail: too few for any of them to judge by its own.
    for node in &desk.nodes {
        for number in 0..12 {
            assert_eq!(call(node, u64::from(number % 4 > 0) * 1_000).is_err(), number % 4 == 0);
        }
        assert_eq!(call(node, 1_000).unwrap().ran.reason, Reason::Included);
    }
    desk.mesh.beat().await;
    for node in &desk.nodes {
        assert_eq!(call(node, 1_000).unwrap().ran.edition, 1.into());
    }
    let types = EventQuery::types(["lucent.RolloutTakenBack"]);
    let mut log = Subscription::new(Arc::new(desk.store.clone()), types.into(), Position::ZERO);
    let taken_back = log.next().await.unwrap();
    let said = String::from_utf8_lossy(&taken_back.payload.data).into_owned();
    assert!(said.contains(r#""failed":9,"calls":39"#), "{said}");
}
