//! Filters of the log: categories, types and tags.

use crate::conformance::vocabulary::*;

/// The types of the events that a filter finds; the same ones must be found backward.
async fn found(store: &Handle, filter: impl Into<EventFilter>) -> Vec<String> {
    let filter = filter.into();
    let events = store.find(filter.clone()).await;
    let pages = store.log_pages(LogRead::backward(filter).limit(PageLimit::events(2))).await;
    let mut backward: Vec<_> = pages.into_iter().flat_map(|page| page.events).collect();
    backward.reverse();
    assert_eq!(events, backward, "forward and backward find different events");
    types(&events).into_iter().map(str::to_owned).collect()
}

/// A category has the events of its streams and no others, however similar their names are.
pub async fn a_category_has_its_own_streams(subject: Subject) {
    let store = subject.store();
    for (name, event_type) in [
        ("account-1", "A"),
        ("account-2", "B"),
        ("accounts-1", "C"),
        ("Account-1", "D"),
        ("acc-ount-1", "E"),
        ("account", "F"),
        ("my account-1", "G"),
        ("account-3-4", "H"),
    ] {
        store.write(name, vec![event(event_type)]).await;
    }
    assert_eq!(found(&store, EventFilter::category("account")).await, ["A", "B", "F", "H"]);
    assert_eq!(found(&store, EventFilter::category("acc")).await, ["E"]);
    assert!(found(&store, EventFilter::category("account-1")).await.is_empty());
    assert!(found(&store, EventFilter::category("")).await.is_empty());
}

/// Signs that mean something in patterns mean themselves in a category.
pub async fn categories_are_no_patterns(subject: Subject) {
    let store = subject.store();
    for (name, event_type) in
        [("a%-1", "A"), ("ab-1", "B"), ("a_-1", "C"), ("a*-1", "D"), ("-1", "E")]
    {
        store.write(name, vec![event(event_type)]).await;
    }
    assert_eq!(found(&store, EventFilter::category("a%")).await, ["A"]);
    assert_eq!(found(&store, EventFilter::category("a_")).await, ["C"]);
    assert_eq!(found(&store, EventFilter::category("a*")).await, ["D"]);
    assert_eq!(found(&store, EventFilter::category("")).await, ["E"]);
}

/// A query for types finds the events of each of them, in the order of the log.
pub async fn types_are_found_in_order(subject: Subject) {
    let store = subject.store();
    for event_type in ["A", "B", "C", "B", "A", "a", "AB"] {
        store.write("x-1", vec![event(event_type)]).await;
    }
    assert_eq!(found(&store, EventQuery::types(["B", "A"])).await, ["A", "B", "B", "A"]);
    assert_eq!(found(&store, EventQuery::types(["a"])).await, ["a"]);
    assert!(found(&store, EventQuery::types(["Z"])).await.is_empty());
}

/// An event is found by its tags if it has all of them.
pub async fn all_tags_are_needed(subject: Subject) {
    let store = subject.store();
    for (event_type, texts) in [
        ("A", &["k:1"][..]),
        ("B", &["k:1", "k:2"]),
        ("C", &["k:2"]),
        ("D", &["k:3", "k:2", "k:1"]),
        ("E", &[]),
        ("F", &["k:12"]),
    ] {
        store.write("x-1", vec![tagged(event_type, texts)]).await;
    }
    assert_eq!(found(&store, EventQuery::tags(tags(&["k:1"]))).await, ["A", "B", "D"]);
    assert_eq!(found(&store, EventQuery::tags(tags(&["k:1", "k:2"]))).await, ["B", "D"]);
    assert_eq!(found(&store, EventQuery::tags(tags(&["k:2", "k:1"]))).await, ["B", "D"]);
    assert!(found(&store, EventQuery::tags(tags(&["k:1", "k:4"]))).await.is_empty());
}

/// An event that matches several items of a query is found once.
pub async fn several_matching_items_find_it_once(subject: Subject) {
    let store = subject.store();
    store.write("x-1", vec![tagged("A", &["k:1", "k:2"]), tagged("B", &["k:2"]), event("C")]).await;
    let query = any_of([item(&["A"], &[]), item(&[], &["k:1"]), item(&["A", "B"], &["k:2"])]);
    assert_eq!(found(&store, query).await, ["A", "B"]);
}

/// An item wants one of its types and all of its tags on one event.
pub async fn an_item_wants_type_and_tags(subject: Subject) {
    let store = subject.store();
    for (event_type, text) in [("A", "k:1"), ("A", "k:2"), ("B", "k:1"), ("C", "k:1")] {
        store.write("x-1", vec![tagged(event_type, &[text])]).await;
    }
    assert_eq!(found(&store, any_of([item(&["A", "B"], &["k:1"])])).await, ["A", "B"]);
    let either = any_of([item(&["A"], &["k:2"]), item(&["C"], &["k:1"])]);
    assert_eq!(found(&store, either).await, ["A", "C"]);
}

/// A category and a query must both match.
pub async fn a_category_narrows_a_query(subject: Subject) {
    let store = subject.store();
    store.write("x-1", vec![tagged("A", &["k:1"]), event("B")]).await;
    store.write("y-1", vec![tagged("A", &["k:1"]), tagged("C", &["k:1"])]).await;
    let filter =
        |category: &'static str, query| EventFilter { query, ..EventFilter::category(category) };
    assert_eq!(found(&store, filter("x", EventQuery::types(["A", "C"]))).await, ["A"]);
    assert_eq!(found(&store, filter("y", EventQuery::tags(tags(&["k:1"])))).await, ["A", "C"]);
    assert!(found(&store, filter("x", any_of([]))).await.is_empty());
}

/// A query without items finds nothing; an item that asks for nothing finds everything.
pub async fn empty_queries_and_empty_items_differ(subject: Subject) {
    let store = subject.store();
    store.write("x-1", vec![event("A"), tagged("B", &["k:1"])]).await;
    assert!(found(&store, any_of([])).await.is_empty());
    assert_eq!(found(&store, any_of([item(&[], &[])])).await, ["A", "B"]);
    assert_eq!(found(&store, any_of([item(&["A"], &[]), item(&[], &[])])).await, ["A", "B"]);
    assert_eq!(found(&store, EventQuery::All).await, ["A", "B"]);
}

/// Types, tags and categories of any script are told apart to the letter.
pub async fn names_of_any_script_are_told_apart(subject: Subject) {
    let store = subject.store();
    store.write("конто-1", vec![tagged("Übertragen", &["ключ:é"])]).await;
    store.write("КОНТО-1", vec![tagged("übertragen", &["ключ:e\u{301}"])]).await;
    assert_eq!(found(&store, EventFilter::category("конто")).await, ["Übertragen"]);
    assert_eq!(found(&store, EventQuery::types(["übertragen"])).await, ["übertragen"]);
    assert_eq!(found(&store, EventQuery::tags(tags(&["ключ:é"]))).await, ["Übertragen"]);
}

/// A type or tag with quotes, backslashes or brackets is data like any other.
pub async fn signs_of_query_languages_are_data(subject: Subject) {
    let store = subject.store();
    let odd = ["a'b", "a\"b", "a\\b", "a;--", "{a}", "[a]", "$1", "?", "a,b", "null", "%"];
    for text in odd {
        store.write("x-1", vec![tagged(text, &[text])]).await;
    }
    for text in odd {
        assert_eq!(found(&store, EventQuery::types([text])).await, [text]);
        assert_eq!(found(&store, EventQuery::tags(tags(&[text]))).await, [text]);
        assert_eq!(found(&store, any_of([item(&[text], &[text])])).await, [text]);
    }
}
