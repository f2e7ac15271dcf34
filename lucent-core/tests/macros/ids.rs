//! `#[derive(AggregateId)]`.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    str::FromStr,
};

use lucent_core::{AggregateId, InvalidId, Uuid};
use serde::{Deserialize, Serialize};

use super::bank::AccountId;

#[derive(AggregateId)]
#[aggregate_id(category = "order_lines")]
struct LineId(String);

#[derive(AggregateId)]
struct HTTPSessionId(u64);

/// A value of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Even(u8);

impl fmt::Display for Even {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Even {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if number % 2 == 0 => Ok(Self(number)),
            _ => Err("not an even number".to_owned()),
        }
    }
}

#[derive(AggregateId)]
#[aggregate_id(copy)]
struct Pair(Even);

#[test]
fn the_category_is_the_name_without_its_suffix() {
    assert_eq!(AccountId::CATEGORY, "account");
    assert_eq!(LineId::CATEGORY, "order_lines");
    assert_eq!(HTTPSessionId::CATEGORY, "http_session");
    assert_eq!(Pair::CATEGORY, "pair");
}

#[test]
fn an_id_prints_and_parses_as_its_value() {
    let id = AccountId::new();
    assert_eq!(id.to_string(), id.value().to_string());
    assert_eq!(id.to_string().parse::<AccountId>().unwrap(), id);
    assert_eq!(format!("{:?}", HTTPSessionId(4)), "HTTPSessionId(4)");
    assert_eq!("17".parse::<HTTPSessionId>().unwrap().value(), &17);
    assert_eq!("a b".parse::<LineId>().unwrap(), LineId::from("a b".to_owned()));
}

#[test]
fn a_wrong_text_is_refused_with_the_type_and_the_reason() {
    let error: InvalidId = "3".parse::<Pair>().unwrap_err();
    assert_eq!(error.to_string(), "`3` is not a valid Pair: not an even number");
    assert!("nonsense".parse::<AccountId>().unwrap_err().reason.contains("invalid"));
}

#[test]
fn an_id_is_its_value_in_json_also_as_a_key() {
    let id = AccountId::from(Uuid::from_u128(7));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{id}\""));
    assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), id);
    let map = BTreeMap::from([(HTTPSessionId(3), 1)]);
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(json, r#"{"3":1}"#);
    assert_eq!(serde_json::from_str::<BTreeMap<HTTPSessionId, u8>>(&json).unwrap(), map);
}

#[test]
fn ids_compare_as_their_values() {
    let ids = [3, 1, 2, 1].map(HTTPSessionId);
    assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), 3);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().first(), Some(&HTTPSessionId(1)));
    assert!(Pair(Even(2)) < Pair(Even(4)));
    let copied = ids[0];
    assert_eq!(copied, ids[0]);
}

#[test]
fn new_ids_differ_and_sort_by_time() {
    let (first, second) = (AccountId::new(), AccountId::new());
    assert!(first < second);
}

#[test]
fn the_stream_is_the_category_and_the_value() {
    let id = LineId::from("7".to_owned());
    assert_eq!(id.stream_id().unwrap().as_str(), "order_lines-7");
    assert!(LineId::from("a\nb".to_owned()).stream_id().is_err());
}
