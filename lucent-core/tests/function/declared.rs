//! What the attribute makes of a function.

use std::time::Duration;

use lucent_core::{
    function::{Edition, Priority, Routed},
    registry::Registry as _,
};

use super::domain::{self, *};

#[test]
fn a_function_stays_a_function() {
    assert_eq!(fee(&trade("BTC-EUR", 1_000)), Ok(5));
    let calls: [<fee as Routed>::Signature; 2] = [fee, fee_v1];
    assert_eq!(calls.map(|call| call(&trade("BTC-EUR", 1_000)).unwrap()), [5, 10]);
    assert_eq!(rebate(&trade("BTC-EUR", 500), 10), 50);
}

#[test]
fn what_is_declared_is_known() {
    let declaration = <fee as Routed>::DECLARATION;
    assert_eq!(
        (declaration.priority, declaration.tags),
        (Priority::Critical, &["fees", "desk"][..])
    );
    let terms = <fee as Edition>::TERMS;
    assert_eq!(terms.deadline, Some(Duration::from_millis(50)));
    assert_eq!((terms.cpu, terms.memory), (Some(Duration::from_millis(2)), Some(4 << 20)));
    assert_eq!(terms.fallback, Some(1));
    assert_eq!(<rebate as Routed>::DECLARATION.denied_jurisdictions, ["US-NY", "KP"]);
    assert_eq!(rebate::name(), "rebate-of-desk");
}

#[test]
fn a_shard_key_is_a_field_of_the_input_or_of_the_variant() {
    let executed = trade("BTC-EUR", 1);
    assert_eq!(fee::shard_key(&&executed).as_deref(), Some("BTC-EUR"));
    let event = TradeEvent::Cancelled { pair: "ETH-EUR".into() };
    assert_eq!(on_events::cancelled::shard_key(&&event).as_deref(), Some("ETH-EUR"));
    assert_eq!(rebate::shard_key(&(&executed, 3)), None);
}

#[test]
fn an_event_is_selected_by_its_type_its_variant_or_what_that_wraps() {
    let executed = TradeEvent::Executed(trade("BTC-EUR", 1));
    let cancelled = TradeEvent::Cancelled { pair: "BTC-EUR".into() };
    assert_eq!(on_events::big::select(&executed), Some(&trade("BTC-EUR", 1)));
    assert_eq!(on_events::big::select(&cancelled), None);
    assert_eq!(on_events::cancelled::select(&executed), None);
    assert_eq!(on_events::cancelled::select(&cancelled), Some(&cancelled));
    assert_eq!(on_events::nervous::select(&executed), Some(&executed));
}

#[test]
fn a_registry_lists_every_edition() {
    let listed: Vec<_> = domain::registry()
        .functions()
        .map(|function| (function.name, format!("{:?}", function.kind)))
        .take(5)
        .collect();
    let expected = [
        ("fee", "Function(fee v2)"),
        ("fee@v1", "Function(fee v1)"),
        ("fee@v2-b", "Function(fee v2-b)"),
        ("rebate-of-desk", "Function(rebate-of-desk v1)"),
        ("rebate@v7", "Function(rebate-of-desk v7)"),
    ];
    assert_eq!(listed, expected.map(|(name, kind)| (name, kind.to_owned())));
}
