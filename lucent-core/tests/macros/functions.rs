//! Functions and the registry.

use lucent_core::{
    AggregateCommand as _, Command, CommandContext, CommandId, Consistency, Decision, Handled,
    Metadata, Projected, Projector, Query, ReadModel, Timestamp, Uuid, Version,
    prelude::AggregateId as _,
    registry::{FunctionKind, Includes, Registry as _},
};

use super::bank::{self, *};

mod by_hand {
    use super::bank;

    lucent_core::registry! {
        functions: [
            bank::open, bank::withdraw, bank::close, bank::accounts, bank::owners,
            bank::balance_of, bank::currency, bank::letters, bank::bell,
        ],
    }
}

fn context(version: u64) -> CommandContext {
    let command = CommandId::derived("c");
    let metadata = Metadata::of_command(command, Default::default());
    CommandContext::new(command, Timestamp::default(), Version::new(version), metadata)
}

#[test]
fn a_handler_is_called_through_its_command() {
    let account = AccountId::new();
    let rich = Account { open: true, balance: 10 };
    let command = Withdraw { account, amount: 3 };
    assert_eq!(command.aggregate_id(), &account);
    let decision = command.decide(&rich, &context(1)).unwrap();
    assert_eq!(
        decision,
        Decision::emit(AccountEvent::MoneyWithdrawn { amount: 3, channel: Some("desk".into()) })
    );
    let refusal = Withdraw { account, amount: 30 }.decide(&rich, &context(1));
    assert_eq!(refusal.unwrap_err(), AccountError::Overdrawn { missing: 20 });
}

#[test]
fn a_handler_without_a_state_creates_and_the_others_do_not() {
    assert_eq!((Open::CREATES, Withdraw::CREATES), (true, false));
    let open = Open { account: AccountId::new(), owner: "Ann".into() };
    let Ok(decision) = open.decide(&Account::default(), &context(0));
    assert_eq!(decision.events, [AccountEvent::AccountOpened { owner: "Ann".into() }]);
}

#[test]
fn a_context_and_a_reply_are_passed_on() {
    let close = Close(AccountId::new());
    let account = Account { open: true, balance: 7 };
    assert_eq!(close.decide(&account, &context(1)).unwrap().reply, 7);
    assert_eq!(close.decide(&account, &context(0)).unwrap_err(), AccountError::Closed);
}

#[test]
fn names_default_to_the_type_and_can_be_given() {
    assert_eq!(Open::NAME, "Open");
    assert_eq!(Withdraw::NAME, "withdraw_money");
    assert_eq!((BalanceOf::NAME, Currency::NAME), ("BalanceOf", "currency"));
    assert_eq!((AccountView::NAME, OwnerView::NAME), ("account_view", "owners"));
}

type ProjectorOf<V> = <V as Projected>::Projector;

#[test]
fn a_projector_carries_its_arguments() {
    fn of<V: Projected>() -> (&'static str, u32, Consistency) {
        let consistency = <ProjectorOf<V> as Projector>::CONSISTENCY;
        (V::Projector::NAME, V::Projector::VERSION, consistency)
    }
    assert_eq!(of::<AccountView>(), ("accounts", 2, Consistency::Async));
    assert_eq!(of::<OwnerView>(), ("owners", 1, Consistency::Inline));
    assert_eq!(of::<Totals>(), ("totals", 1, Consistency::Live));
}

#[test]
fn a_key_is_the_streams_or_a_functions_or_a_text() {
    let opened = AccountEvent::AccountOpened { owner: "Ann".into() };
    let at = super::events::recorded(&opened);
    let keys = |keys: Vec<lucent_core::store::DocumentKey>| {
        keys.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(keys(ProjectorOf::<AccountView>::keys(&opened, &at)), ["1"]);
    assert_eq!(keys(ProjectorOf::<OwnerView>::keys(&opened, &at)), ["Ann"]);
    assert_eq!(keys(ProjectorOf::<Totals>::keys(&opened, &at)), ["all"]);
    let closed = AccountEvent::AccountClosed;
    assert!(ProjectorOf::<OwnerView>::keys(&closed, &at).is_empty());
}

#[test]
fn a_projector_folds_events_into_documents() {
    let opened = AccountEvent::AccountOpened { owner: "Ann".into() };
    let at = super::events::recorded(&opened);
    let mut view = AccountView::default();
    ProjectorOf::<AccountView>::project(&mut view, &opened, &at).unwrap();
    assert_eq!(view.owner, "Ann");
    let mut view = OwnerView::default();
    ProjectorOf::<OwnerView>::project(&mut view, &opened, &at).unwrap();
    assert_eq!(view.accounts, ["1"]);
}

#[test]
fn a_registry_by_hand_lists_what_it_is_told() {
    fn includes<R: Includes<C::Home>, C: Handled>(_: &R, _: &C) {}
    let registry = by_hand::registry();
    includes(&registry, &Close(AccountId::from(Uuid::nil())));
    let listed: Vec<_> = registry
        .functions()
        .map(|function| (function.name, format!("{:?}", function.kind)))
        .collect();
    let expected = [
        ("open", "CommandHandler(Open)"),
        ("withdraw", "CommandHandler(withdraw_money)"),
        ("close_account", "CommandHandler(Close)"),
        ("accounts", "Projector(account_view)"),
        ("owners", "Projector(owners)"),
        ("balance_of", "QueryHandler(BalanceOf)"),
        ("currency", "QueryHandler(currency)"),
        ("letters", "EventHandler(AccountEvent)"),
        ("bell", "EventHandler(AccountEvent)"),
    ];
    assert_eq!(listed, expected.map(|(name, kind)| (name, kind.to_owned())));
    let open = registry.functions().next().unwrap();
    assert!(
        open.module.ends_with("macros::bank") && open.file.ends_with("bank.rs") && open.line > 1
    );
}

#[test]
fn a_function_knows_what_it_reads_and_makes() {
    for function in by_hand::registry().functions() {
        match function.kind {
            FunctionKind::QueryHandler { query: "BalanceOf", reads, .. } => {
                assert_eq!(reads(), ["accounts"]);
            }
            FunctionKind::QueryHandler { reads, .. } => assert!(reads().is_empty()),
            FunctionKind::Projector { make, .. } => {
                assert_eq!(&*make().id().name, function.name);
            }
            FunctionKind::EventHandler { make, .. } => assert_eq!(make().name(), function.name),
            _ => assert_eq!(function.kind.events().unwrap().name, "AccountEvent"),
        }
    }
    assert_eq!(AccountId::from(Uuid::nil()).stream_id().unwrap().category(), "account");
}
