//! `#[derive(Event)]` and `#[derive(Aggregate)]`.

use std::sync::Arc;

use lucent_core::{
    Aggregate as _, CommandId, ContentType, DecodeFault, Event, EventType, Metadata, NewEvent,
    Payload, Position, RecordedEvent, SnapshotPolicy, StreamId, Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use super::bank::{Account, AccountEvent};

/// The event as a store gives it back.
pub(crate) fn recorded<E: Event>(event: &E) -> RecordedEvent {
    let metadata = Arc::new(Metadata::of_command(CommandId::derived("c"), Default::default()));
    let event = NewEvent::encode(event, &metadata, Timestamp::default()).expect("it encodes");
    event.into_recorded(
        StreamId::new("account-1").expect("it is valid"),
        Version::new(1),
        Position::new(1),
    )
}

fn json(text: &str) -> Payload {
    Payload { content_type: ContentType::Json, data: text.to_owned().into() }
}

fn withdrawn(channel: Option<&str>) -> AccountEvent {
    AccountEvent::MoneyWithdrawn { amount: 5, channel: channel.map(str::to_owned) }
}

#[test]
fn each_variant_is_a_type_of_event() {
    let named = |name, version| EventType { name, version };
    let expected = [
        named("AccountOpened", 1),
        named("MoneyDeposited", 1),
        named("money-withdrawn", 3),
        named("AccountClosed", 1),
    ];
    assert_eq!(AccountEvent::TYPES, expected);
    assert_eq!(AccountEvent::NAME, "AccountEvent");
    assert_eq!(withdrawn(None).event_type(), expected[2]);
    assert!(AccountEvent::knows("AccountClosed") && !AccountEvent::knows("MoneyWithdrawn"));
}

#[test]
fn an_event_comes_back_as_it_went_in() {
    for event in [
        AccountEvent::AccountOpened { owner: "Ann".into() },
        AccountEvent::MoneyDeposited { amount: u64::MAX },
        withdrawn(Some("desk")),
        AccountEvent::AccountClosed,
    ] {
        let stored = recorded(&event);
        assert_eq!(AccountEvent::decode(&stored).unwrap(), Some(event));
    }
    assert_eq!(&*withdrawn(None).encode().unwrap().data, br#"{"amount":5,"channel":null}"#);
}

#[test]
fn older_versions_are_read_through_their_upcasts() {
    let read =
        |version, text| AccountEvent::decode_payload("money-withdrawn", version, &json(text));
    assert_eq!(read(1, "5").unwrap(), withdrawn(None));
    assert_eq!(read(2, r#"{"amount":5}"#).unwrap(), withdrawn(None));
    assert_eq!(read(3, r#"{"amount":5,"channel":"web"}"#).unwrap(), withdrawn(Some("web")));
    assert_eq!(read(4, "{}").unwrap_err(), DecodeFault::NewerVersion { found: 4, known: 3 });
    for (version, text) in [(0, "5"), (1, "{}"), (2, "5"), (3, "")] {
        let fault = read(version, text).unwrap_err();
        assert!(
            matches!(fault, DecodeFault::Damaged { version: v, .. } if v == version),
            "{fault}"
        );
    }
}

#[test]
fn retired_types_pass_and_unknown_ones_fail_with_their_place() {
    let mut stored = recorded(&AccountEvent::AccountClosed);
    stored.event_type = "AccountThawed".into();
    assert_eq!(AccountEvent::decode(&stored).unwrap(), None);
    stored.event_type = "AccountMerged".into();
    let error = AccountEvent::decode(&stored).unwrap_err();
    assert_eq!(error.fault, DecodeFault::UnknownType);
    assert!(error.to_string().contains("`AccountMerged` of stream `account-1`"), "{error}");
}

fn tags(event: &impl Event) -> Vec<String> {
    event.tags().expect("they are valid").iter().map(ToString::to_string).collect()
}

#[test]
fn tagged_fields_become_tags() {
    assert_eq!(tags(&AccountEvent::AccountOpened { owner: "Ann".into() }), ["owner:Ann"]);
    assert_eq!(tags(&withdrawn(Some("web"))), ["via:web"]);
    assert!(tags(&withdrawn(None)).is_empty());
    assert!(tags(&AccountEvent::AccountClosed).is_empty());
    assert!(AccountEvent::AccountOpened { owner: "a\n".into() }.tags().is_err());
}

/// A struct that is an event, with names that could get in the way of the expansion.
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(name = "subscribed", version = 2, upcast(from = SubscribedV1), retired("Visited"))]
struct StudentSubscribed {
    #[tag("course")]
    tags: String,
    #[tag]
    #[tag("pupil")]
    r#type: u32,
    #[tag]
    teachers: Vec<String>,
}

#[derive(Deserialize)]
struct SubscribedV1 {
    course: String,
}

impl From<SubscribedV1> for StudentSubscribed {
    fn from(old: SubscribedV1) -> Self {
        Self { tags: old.course, r#type: 0, teachers: Vec::new() }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum Odd {
    Newtype(#[tag("n")] u8),
    Pair(#[tag("a")] u8, #[tag("b")] Option<u8>),
    #[serde(rename = "x")]
    r#Raw {
        r#fn: u8,
        #[serde(default)]
        extra: u8,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum Never {}

#[test]
fn a_struct_is_one_type_of_event() {
    let event =
        StudentSubscribed { tags: "c1".into(), r#type: 2, teachers: vec!["x".into(), "y".into()] };
    assert_eq!(event.event_type(), EventType { name: "subscribed", version: 2 });
    assert_eq!(tags(&event), ["course:c1", "type:2", "pupil:2", "teachers:x", "teachers:y"]);
    let stored = recorded(&event);
    assert_eq!(StudentSubscribed::decode(&stored).unwrap(), Some(event));
    let old = StudentSubscribed::decode_payload("subscribed", 1, &json(r#"{"course":"c"}"#));
    assert_eq!(old.unwrap().tags, "c");
}

#[test]
fn every_form_of_variant_works() {
    let events = [Odd::Newtype(1), Odd::Pair(1, Some(2)), Odd::Raw { r#fn: 3, extra: 4 }];
    let names = events.each_ref().map(|event| event.event_type().name);
    assert_eq!(names, ["Newtype", "Pair", "Raw"]);
    assert_eq!(tags(&events[0]), ["n:1"]);
    assert_eq!(tags(&events[1]), ["a:1", "b:2"]);
    for event in events {
        assert_eq!(Odd::decode(&recorded(&event)).unwrap(), Some(event));
    }
    let short = Odd::decode_payload("Raw", 1, &json(r#"{"fn":3}"#)).unwrap();
    assert_eq!(short, Odd::Raw { r#fn: 3, extra: 0 });
    assert!(Never::TYPES.is_empty());
}

#[test]
fn a_snapshot_is_the_state_in_json() {
    assert_eq!(Account::SNAPSHOT, Some(SnapshotPolicy { every: 200, version: 2 }));
    let state = Account { open: true, balance: 3 };
    let payload = state.encode_snapshot().unwrap();
    assert_eq!(Account::decode_snapshot(&payload).unwrap(), state);
    assert!(Account::decode_snapshot(&json("[]x")).is_err());
}
