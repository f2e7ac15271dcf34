//! Append conditions: nothing relevant happened since the decision was made.

use crate::conformance::vocabulary::*;

/// Appends one event under a condition.
async fn decide(
    store: &Handle,
    query: EventQuery,
    after: Position,
) -> Result<Appended, AppendError> {
    let mut append = batch(vec![write("decided-1", counted(1))]);
    append.condition = Some(AppendCondition { query, after });
    store.append(append).await
}

/// Whether a condition over the whole log refuses an append; if so, nothing was written.
async fn stops(store: &Handle, query: EventQuery) -> bool {
    let before = store.log().await.len();
    match decide(store, query, Position::ZERO).await {
        Ok(_) => false,
        Err(AppendError::ConditionFailed { after: Position::ZERO, .. }) => {
            assert_eq!(store.log().await.len(), before, "a refused append wrote something");
            true
        }
        Err(other) => panic!("only the condition can fail: {other:?}"),
    }
}

/// A condition that nothing matches lets the append through.
pub async fn an_unmatched_condition_holds(subject: Subject) {
    let store = subject.store();
    assert!(!stops(&store, EventQuery::All).await, "the log is empty");
    store.write("course-1", vec![tagged("CourseDefined", &["course:c1"])]).await;
    assert!(!stops(&store, EventQuery::types(["CourseRemoved"])).await);
    assert!(!stops(&store, EventQuery::tags(tags(&["course:c2"]))).await);
}

/// A condition fails if an event of one of its types is there.
pub async fn a_matching_type_fails_it(subject: Subject) {
    let store = subject.store();
    store.write("course-1", vec![event("CourseDefined")]).await;
    assert!(stops(&store, EventQuery::types(["CourseRemoved", "CourseDefined"])).await);
}

/// A condition fails if an event with its tag is there, in whichever stream.
pub async fn a_matching_tag_fails_it(subject: Subject) {
    let store = subject.store();
    store.write("elsewhere-9", vec![tagged("CourseDefined", &["x:1", "course:c1", "y:1"])]).await;
    assert!(stops(&store, EventQuery::tags(tags(&["course:c1"]))).await);
}

/// All tags of an item must be on one event.
pub async fn all_tags_of_an_item_must_match(subject: Subject) {
    let store = subject.store();
    store.write("a-1", vec![tagged("Subscribed", &["course:c1", "student:s2"])]).await;
    store.write("a-1", vec![tagged("Subscribed", &["course:c2", "student:s1"])]).await;
    assert!(!stops(&store, EventQuery::tags(tags(&["course:c1", "student:s1"]))).await);
    store.write("a-1", vec![tagged("Subscribed", &["student:s1", "course:c1"])]).await;
    assert!(stops(&store, EventQuery::tags(tags(&["course:c1", "student:s1"]))).await);
}

/// The type and the tags of an item must be those of one event.
pub async fn type_and_tags_must_be_of_one_event(subject: Subject) {
    let store = subject.store();
    store
        .write("a-1", vec![tagged("Defined", &["course:c1"]), tagged("Removed", &["course:c2"])])
        .await;
    assert!(!stops(&store, any_of([item(&["Removed"], &["course:c1"])])).await);
    assert!(stops(&store, any_of([item(&["Removed"], &["course:c2"])])).await);
}

/// One item that matches is enough.
pub async fn any_item_may_match(subject: Subject) {
    let store = subject.store();
    store.write("a-1", vec![tagged("Defined", &["course:c1"])]).await;
    let never = item(&["Removed"], &["course:c1"]);
    assert!(stops(&store, any_of([never.clone(), item(&["Defined"], &["course:c1"])])).await);
    assert!(!stops(&store, any_of([never.clone(), item(&["Defined"], &["course:c2"])])).await);
    assert!(stops(&store, any_of([never, item(&[], &["course:c1"])])).await);
}

/// A query without items matches nothing.
pub async fn no_items_match_nothing(subject: Subject) {
    let store = subject.store();
    store.write("a-1", vec![tagged("Defined", &["course:c1"])]).await;
    assert!(!stops(&store, any_of([])).await);
}

/// A query for everything, and an item that asks for nothing, match any event.
pub async fn all_matches_any_event(subject: Subject) {
    let store = subject.store();
    store.write("a-1", vec![event("Defined")]).await;
    assert!(stops(&store, EventQuery::All).await);
    assert!(stops(&store, any_of([item(&[], &[])])).await);
}

/// The event at the condition's position was seen; only later ones count.
pub async fn the_position_is_exclusive(subject: Subject) {
    let store = subject.store();
    let seen = store.write("a-1", vec![tagged("Defined", &["course:c1"])]).await.position;
    let query = || EventQuery::tags(tags(&["course:c1"]));
    let outcome = decide(&store, query(), seen).await;
    assert!(outcome.is_ok(), "the decision has seen the event at {seen}: {outcome:?}");
    store.write("a-1", vec![tagged("Changed", &["course:c1"])]).await;
    assert!(decide(&store, query(), seen).await.is_err());
}

/// The error names the condition's position and the first event after it that matches.
pub async fn the_error_names_the_first_match(subject: Subject) {
    let store = subject.store();
    let marked = || vec![tagged("Defined", &["course:c1"])];
    let seen = store.write("a-1", marked()).await.position;
    store.write("a-1", counted(3)).await;
    let first = store.write("b-1", marked()).await.position;
    store.write("a-1", marked()).await;
    let items = any_of([item(&["Defined"], &["course:c1"]), item(&[], &["course:c1"])]);
    match refused(decide(&store, items, seen).await) {
        AppendError::ConditionFailed { after, found } => {
            assert_eq!((after, found), (seen, first));
        }
        other => panic!("the condition must fail: {other:?}"),
    }
}

/// A position beyond the head has seen everything.
pub async fn a_position_beyond_the_head_holds(subject: Subject) {
    let store = subject.store();
    store.write("a-1", counted(3)).await;
    for after in [store.head_position().await, store.head_position().await.plus(100)] {
        let mut append = batch(vec![write("b-1", Vec::new())]);
        append.condition = Some(AppendCondition { query: EventQuery::All, after });
        let outcome = store.append(append).await;
        assert!(outcome.is_ok(), "nothing is after {after}: {outcome:?}");
    }
}

/// The events of the batch itself do not count.
pub async fn its_own_events_do_not_count(subject: Subject) {
    let store = subject.store();
    let mut append = batch(vec![write("a-1", vec![tagged("Defined", &["course:c1"])])]);
    append.condition = Some(AppendCondition {
        query: EventQuery::tags(tags(&["course:c1"])),
        after: Position::ZERO,
    });
    assert!(store.append(append.clone()).await.is_ok());
    assert!(store.append(append).await.is_err(), "the second one must see the first");
}

/// An append without events checks its condition like any other.
pub async fn an_empty_append_checks_it(subject: Subject) {
    let store = subject.store();
    store.write("a-1", counted(1)).await;
    let condition = AppendCondition { query: EventQuery::All, after: Position::ZERO };
    let append = Append { condition: Some(condition), ..Append::default() };
    let error = refused(store.append(append).await);
    assert!(matches!(error, AppendError::ConditionFailed { .. }), "{error:?}");
}

/// Expected versions and the condition must both hold.
pub async fn versions_are_checked_too(subject: Subject) {
    let store = subject.store();
    store.write("a-1", counted(1)).await;
    let attempt = |expected, query| {
        let mut append = batch(vec![write("a-1", counted(1))]);
        append.writes[0].expected = expected;
        append.condition = Some(AppendCondition { query, after: Position::ZERO });
        append
    };
    let never = || EventQuery::types(["Never"]);
    assert!(store.append(attempt(exact(0), never())).await.is_err());
    assert!(store.append(attempt(exact(1), EventQuery::All)).await.is_err());
    assert_eq!(store.log().await.len(), 1);
    let outcome = store.append(attempt(exact(1), never())).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// Tags are compared as a whole and to the letter.
pub async fn tags_match_to_the_letter(subject: Subject) {
    let store = subject.store();
    let odd = ["course:c10", "Course:c1", "course:C1", "xcourse:c1", "course:c1 ", "course:c1,a:b"];
    store.write("a-1", vec![tagged("Defined", &odd)]).await;
    for text in ["course:c1", "course:c", "course:%", "course:c_", "course:*", "a:b", "course"] {
        assert!(!stops(&store, EventQuery::tags(tags(&[text]))).await, "`{text}` matched");
    }
    for text in odd {
        assert!(stops(&store, EventQuery::tags(tags(&[text]))).await, "`{text}` did not match");
    }
}

/// Types are compared as a whole and to the letter.
pub async fn types_match_to_the_letter(subject: Subject) {
    let store = subject.store();
    store.write("a-1", vec![event("CourseDefined")]).await;
    for name in ["Course", "coursedefined", "CourseDefined2", "Course%", "CourseDefine_", "Defined"]
    {
        assert!(!stops(&store, EventQuery::types([name])).await, "`{name}` matched");
    }
}

/// A query may have many items with many tags.
pub async fn a_query_may_be_large(subject: Subject) {
    let store = subject.store();
    let texts: Vec<String> = (0..40).map(|number| format!("key:{number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    store.write("a-1", vec![tagged("Defined", &texts)]).await;
    let mut items: Vec<_> = (0..60).map(|_| item(&["Never"], &["key:1"])).collect();
    assert!(!stops(&store, any_of(items.clone())).await);
    items.push(item(&["Never", "Defined"], &texts));
    assert!(stops(&store, any_of(items)).await);
}

/// Of writers who decided on the same position, exactly one wins; the others are told.
pub async fn exactly_one_of_racing_decisions_wins(subject: Subject) {
    const WRITERS: usize = 8;
    for round in 0..10 {
        let after = subject.store().head_position().await;
        let course = format!("course:{round}");
        let outcomes = race((0..WRITERS).map(|writer| {
            let (store, course) = (subject.store(), tag(&course));
            let stream = format!("subscription-{round}-{writer}");
            async move {
                let taken = NewEvent { tags: vec![course.clone()], ..event("SeatTaken") };
                let mut append = batch(vec![write(&stream, vec![taken])]);
                let query = EventQuery::tags([course]);
                append.condition = Some(AppendCondition { query, after });
                store.append(append).await
            }
        }))
        .await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{won} of {WRITERS} writers took the only seat");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, AppendError::ConditionFailed { .. }), "{error:?}");
        }
        let taken = subject.store().find(EventQuery::tags([tag(&course)])).await;
        assert_eq!(taken.len(), 1);
    }
}
