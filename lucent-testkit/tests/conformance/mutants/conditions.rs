//! Defects of append conditions.

use lucent_core::{
    MemoryStore, Position, Tag,
    store::{
        Append, AppendCondition, AppendError, Appended, EventQuery, EventStore as _, QueryItem,
    },
};

use crate::conformance::mutants::defects;

type Outcome = Result<Appended, AppendError>;

/// Appends under another condition.
async fn changed(
    store: &MemoryStore,
    mut append: Append,
    change: impl FnOnce(AppendCondition) -> Option<AppendCondition>,
) -> Outcome {
    append.condition = append.condition.and_then(change);
    store.append(append).await
}

/// Appends under a condition with other items.
async fn with_items(
    store: &MemoryStore,
    append: Append,
    change: impl FnOnce(Vec<QueryItem>) -> Vec<QueryItem>,
) -> Outcome {
    changed(store, append, |AppendCondition { query, after }| {
        let query = match query {
            EventQuery::All => EventQuery::All,
            EventQuery::AnyOf(items) => EventQuery::AnyOf(change(items)),
        };
        Some(AppendCondition { query, after })
    })
    .await
}

defects! {
    IgnoresConditions rejected by "conditions::a_matching_type_fails_it" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            changed(store, append, |_| None).await
        }
    }
    IgnoresTypes rejected by "conditions::type_and_tags_must_be_of_one_event" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |mut items| {
                items.iter_mut().for_each(|item| item.types.clear());
                items
            })
            .await
        }
    }
    IgnoresTags rejected by "conditions::an_unmatched_condition_holds" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |mut items| {
                items.iter_mut().for_each(|item| item.tags.clear());
                items
            })
            .await
        }
    }
    WantsAnyTagOfAnItem rejected by "conditions::all_tags_of_an_item_must_match" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |items| {
                let split = |item: QueryItem| {
                    let types = item.types.clone();
                    let one = move |tag| QueryItem { types: types.clone(), tags: vec![tag] };
                    match item.tags.is_empty() {
                        true => vec![item],
                        false => item.tags.into_iter().map(one).collect(),
                    }
                };
                items.into_iter().flat_map(split).collect()
            })
            .await
        }
    }
    ChecksTheFirstItemOnly rejected by "conditions::any_item_may_match" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |mut items| {
                items.truncate(1);
                items
            })
            .await
        }
    }
    TakesNoItemsForAll rejected by "conditions::no_items_match_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |items| match items.is_empty() {
                true => vec![QueryItem::default()],
                false => items,
            })
            .await
        }
    }
    TakesAnEmptyItemForNothing rejected by "conditions::all_matches_any_event" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |mut items| {
                items.retain(|item| *item != QueryItem::default());
                items
            })
            .await
        }
    }
    CountsTheSeenEvent rejected by "conditions::the_position_is_exclusive" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            changed(store, append, |AppendCondition { query, after }| {
                let after = Position::new(after.get().saturating_sub(1));
                Some(AppendCondition { query, after })
            })
            .await
        }
    }
    LooksAtTheWholeLog rejected by "conditions::the_position_is_exclusive" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            changed(store, append, |AppendCondition { query, .. }| {
                Some(AppendCondition { query, after: Position::ZERO })
            })
            .await
        }
    }
    ReportsTheLastMatch rejected by "conditions::the_error_names_the_first_match" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let head = store.head().await?;
            store.append(append).await.map_err(|error| match error {
                AppendError::ConditionFailed { after, .. } => {
                    AppendError::ConditionFailed { after, found: head }
                }
                other => other,
            })
        }
    }
    LooksAtTheWrittenStreamOnly rejected by "conditions::a_matching_tag_fails_it" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let elsewhere = match &append.writes[..] {
                [write] => store.stream_version(&write.stream).await?.get() == 0,
                _ => false,
            };
            changed(store, append, |condition| (!elsewhere).then_some(condition)).await
        }
    }
    SkipsConditionsOfEmptyAppends rejected by "conditions::an_empty_append_checks_it" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let empty = append.event_count() == 0;
            changed(store, append, |condition| (!empty).then_some(condition)).await
        }
    }
    ForgetsVersionsUnderAConditon rejected by "conditions::versions_are_checked_too" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            if append.condition.is_some() {
                for write in &mut append.writes {
                    write.expected = lucent_core::store::ExpectedVersion::Any;
                }
            }
            store.append(append).await
        }
    }
    FoldsCaseOfTags rejected by "conditions::tags_match_to_the_letter" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let fold = |tags: &mut Vec<Tag>| {
                for tag in tags {
                    *tag = Tag::new(tag.as_str().to_lowercase()).expect("tags stay valid");
                }
            };
            for event in append.writes.iter_mut().flat_map(|write| &mut write.events) {
                fold(&mut event.tags);
            }
            with_items(store, append, |mut items| {
                items.iter_mut().for_each(|item| fold(&mut item.tags));
                items
            })
            .await
        }
    }
    TakesTypesForPrefixes rejected by "conditions::types_match_to_the_letter" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let log = store.read_log(lucent_core::store::LogRead::after(
                lucent_core::store::EventFilter::all(),
                Position::ZERO,
            ));
            let log = log.await?.events;
            with_items(store, append, |mut items| {
                for item in &mut items {
                    let longer = log.iter().map(|event| &event.event_type);
                    let longer = longer.filter(|name| item.types.iter().any(|wanted| name.starts_with(&**wanted)));
                    let longer: Vec<_> = longer.cloned().collect();
                    item.types.extend(longer);
                }
                items
            })
            .await
        }
    }
    ChecksFewItems rejected by "conditions::a_query_may_be_large" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            with_items(store, append, |mut items| {
                items.truncate(50);
                items
            })
            .await
        }
    }
}
