//! Events that this code cannot read.

use std::borrow::Cow;

use lucent_core::{
    prelude::*,
    store::{Append, EventStore as _, ExpectedVersion},
};

use super::domain::{add, app, open, till};

async fn append_raw(store: &MemoryStore, event_type: &str, version: u32, json: &str) {
    let event = NewEvent {
        id: EventId::new(),
        event_type: Cow::Owned(event_type.to_owned()),
        schema_version: version,
        payload: Payload { content_type: ContentType::Json, data: json.to_owned().into() },
        tags: Vec::new(),
        metadata: Metadata::of_command(CommandId::new(), BusinessContext::default()).into(),
        recorded_at: Timestamp::now(),
    };
    let stream = till("a").stream_id().unwrap();
    store.append(Append::one(stream, ExpectedVersion::Any, vec![event])).await.unwrap();
}

#[tokio::test]
async fn each_kind_of_unreadable_event_is_an_error_that_names_it() {
    for (event_type, version, json, expected) in [
        ("CoinLost", 1, "{}", "its type is unknown"),
        ("CoinAdded", 2, r#"{"value":1}"#, "newer than 1"),
        ("CoinAdded", 1, r#"{"value":"#, "does not decode"),
        ("CoinAdded", 1, r#"{"value":-1}"#, "does not decode"),
        ("CoinAdded", 1, "", "does not decode"),
    ] {
        let store = MemoryStore::new();
        let app = app(store.clone()).await;
        app.execute(open("a")).await.unwrap();
        append_raw(&store, event_type, version, json).await;
        let error = app.execute(add("a", &[1])).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, CommandError::Unreadable(_)), "{text}");
        assert!(text.contains("event 2") && text.contains("till-a"), "{text}");
        assert!(text.contains(event_type) && text.contains(expected), "{text}");
        assert_eq!(app.store().head().await.unwrap(), Position::new(2), "nothing was written");
    }
}
